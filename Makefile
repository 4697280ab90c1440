# Two commands from a fresh checkout: "make report" and "make test". Needs Python >= 3.11, make and git.
PYTHON ?= python3
# which profile "make report" shows; empty: the report as it is told, from committed results
PROFILE ?=
CORES ?=
RETRAIN ?=
ARGS ?=
# what "make sweep" combines: each seed with each design and each split
SWEEP ?= {seed: [0, 1, 2], design: [report, best], split: [kaggle, patient]}
# a folder of profiles/: where its jobs run
ON ?= local
export PROFILE CORES ARGS SWEEP ON

# a failed command ends a pipe, too
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: report pdf demo sweep test lab notebooks verify lint bench fuzz clean help

help:            ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: [^#]*## */\t/' | expand -t 16

report: $(INSTALLED) ## the real report and its page; PROFILE=name trains and shows one profile, RETRAIN=1 anew
	@$(BIN)/ecglib report "$$PROFILE" $${CORES:+--cores "$$CORES"} $(if $(RETRAIN),--retrain)

pdf: $(INSTALLED) ## the page as PDF too, through headless Chromium where one is installed
	@$(BIN)/ecglib report "$$PROFILE" --pdf

demo: $(INSTALLED) ## train everything on invented beats, end to end
	@$(BIN)/ecglib report demo

sweep: $(INSTALLED) ## seeds x designs x splits of a profile as one graph; SWEEP=..., ON=slurm on a cluster
	@$(BIN)/snakemake --profile "profiles/$$ON" --config profile="$${PROFILE:-demo}" sweep="$$SWEEP"

test: $(INSTALLED) ## all tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $${CORES:-auto} --dist loadfile --nbval --nbval-current-env \
		--nbval-cell-timeout 900 tests notebooks

lab: $(INSTALLED) ## JupyterLab, on copies of the notebooks; ARGS=... is passed on
	@$(BIN)/ecglib lab $(ARGS)

notebooks: $(INSTALLED) ## execute the notebooks on the results they tell of, and keep them beside their sources
	@$(BIN)/ecglib notebooks

verify: $(INSTALLED) ## derive all committed results, tables and sentences anew
	@$(BIN)/ecglib verify

lint: $(INSTALLED) ## style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench: $(INSTALLED) ## how fast it is, against a plain pipeline, into figures/benchmarks (a quarter of an hour)
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks growth

fuzz: $(INSTALLED) ## 100,000 damaged files over all readers, into figures/benchmarks (CASES=...)
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks fuzz --cases "$${CASES:-100000}"

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed, this is %d.%d' % sys.version_info[:2])"
	@echo "installing about 150 packages into .venv, a few minutes the first time:"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --no-warn-script-location -r requirements.lock \
		| awk '/^Collecting/ && ++n % 10 == 0 {print "  " n " packages found"; fflush()} /^Installing/ {print "  installing them"; fflush()}'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:           ## remove the environment and everything that can be made again (beat tables are kept)
	rm -rf .venv .snakemake .pytest_cache .hypothesis figures/demo runs/demo report
