# make chat      the page on 127.0.0.1:7860, the demo dataset open       (make chat DATA=my.h5ad)
# make test      the tests                                               (make test TESTS=tests/test_kb_resolve.py)
# make lint      formatting, style and import layers, as CI checks them
# make results   scores on whole studies, beside baselines, into the README    (make results DATA=folder)
# make pictures  the screenshots of the README, from the page itself
# make lock      write requirements.lock and requirements.txt anew from pyproject.toml
.PHONY: help chat test lint results pictures lock setup
.DEFAULT_GOAL := help

PYTHON ?=
DATA ?=
TESTS ?=
TORCH := 2.13.0
bin := .venv/bin

# Waiting OpenMP threads must not spin: on two shared cores that costs torch most of its speed.
export OMP_WAIT_POLICY := passive
export GRADIO_ANALYTICS_ENABLED := False
export TOKENIZERS_PARALLELISM := false

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup:
	@PYTHON="$(PYTHON)" .ci/setup

chat: setup
	@$(bin)/python app.py chat $(DATA)

test: setup
	$(bin)/python -m pytest $(TESTS)

lint: setup
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/lint-imports

results: setup
	$(bin)/python -m kb.similarities model/curation/labels.json --out build/similarities.parquet
	$(bin)/python -m model.evaluate --data $(or $(DATA),data) --free 200 \
		--similarities build/similarities.parquet --readme README.md --record

pictures: setup
	CELL2TEXT_SCREENSHOTS=docs $(bin)/python -m pytest tests/test_app_page.py -k 'not serious and not light'

# torch is pruned and named apart, so that each machine takes its own build of it (CPU or CUDA).
lock: setup
	$(bin)/uv lock
	$(bin)/uv export --frozen --no-hashes --no-emit-project --no-header --no-annotate \
		--extra dev --extra anthropic --extra openai --extra ollama --extra mcp --prune torch --quiet -o requirements.lock
	echo "torch==$(TORCH)" >> requirements.lock
	$(bin)/python -c "import tomllib; print('# What a Hugging Face Space installs; written by make lock from pyproject.toml.', \
		*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt
