.PHONY: run test check load bench space pictures

run:
	python app.py

test:
	pytest

check:
	ruff check && ruff format --check && pytest && pytest -m slow -n 0

load:
	pytest -m load -n 0

space:
	python -m a3core build-space --out build/space

pictures:
	python assets/make_pictures.py

bench:
	python -m benchmarks.start_time
	python -m benchmarks.evaluation_speed
	python -m benchmarks.training_cost
	python -m benchmarks.recall_cost checkpoints/recall checkpoints/pretrained-finetuned checkpoints/finetuned
	python -m benchmarks.attention_capture
	python -m benchmarks.why_pretraining_helps builtin:1000 checkpoints/builtin-pretrained checkpoints/builtin-pretrained-finetuned checkpoints/builtin-finetuned
	python -m benchmarks.fewshot_results assets/fewshot_grid/builtin
	python -m benchmarks.fewshot_speed
	python -m benchmarks.retrieval_speed
	python -m benchmarks.grading_speed
	python -m benchmarks.load
	python -m benchmarks.recall_dev checkpoints/builtin-recall builtin:1000 --direct checkpoints/builtin-pretrained-finetuned
	python -m benchmarks.watch_it_learn
