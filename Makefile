.PHONY: run test check bench

run:
	python app.py

test:
	pytest

check:
	ruff check && ruff format --check && pytest && pytest -m slow

bench:
	python benchmarks/start_time.py
	python benchmarks/evaluation_speed.py
	python benchmarks/training_cost.py
	python benchmarks/why_pretraining_helps.py builtin:2000 checkpoints/builtin-pretrained checkpoints/builtin-pretrained-finetuned checkpoints/builtin-finetuned
