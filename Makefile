# Two commands from a fresh checkout: "make report" and "make test". Needs Python >= 3.11, make and git.
PYTHON ?= python3
PROFILE ?= demo
CORES ?= $(shell $(PYTHON) -c "import os; print(min(os.cpu_count(), 8))")

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: report test lab notebooks lint bench clean help

help:            ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: [^#]*## */\t/' | expand -t 16

report: $(INSTALLED) ## figures and tables of PROFILE (default: demo), re-running just what changed
	@$(BIN)/snakemake --cores $(CORES) --config profile=$(PROFILE) --quiet host rules \
		--rerun-triggers mtime params input --rerun-incomplete

test: $(INSTALLED) ## all tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadfile --nbval --nbval-current-env \
		--nbval-cell-timeout 900 tests notebooks

lab: $(INSTALLED) ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

notebooks: $(INSTALLED) ## execute the notebooks on the demo profile and pair them with their .py
	@OMP_NUM_THREADS=1 $(BIN)/jupytext --quiet --to ipynb --execute notebooks/[0-9]*.py

lint: $(INSTALLED) ## style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench: $(INSTALLED) ## how fast it is, against a plain pipeline, into figures/benchmarks (a quarter of an hour)
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks growth

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed, this is %d.%d' % sys.version_info[:2])"
	@echo "installing into .venv (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:           ## remove the environment and everything that can be made again (beat tables are kept)
	rm -rf .venv .snakemake .pytest_cache .hypothesis figures/demo runs/demo
