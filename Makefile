.PHONY: run test check bench

run:
	python app.py

test:
	pytest

check:
	ruff check && ruff format --check && pytest && pytest -m slow

bench:
	python -m benchmarks.start_time
	python -m benchmarks.evaluation_speed
	python -m benchmarks.training_cost
	python -m benchmarks.attention_capture
	python -m benchmarks.why_pretraining_helps builtin:1000 checkpoints/builtin-pretrained checkpoints/builtin-pretrained-finetuned checkpoints/builtin-finetuned
