# Two commands from a fresh checkout: "make report" and "make test". Needs Python >= 3.11.5, make and git.
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

.PHONY: report pdf demo sweep test lab notebooks verify lint bench fuzz crash lock sbom clean help

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

crash: $(INSTALLED) ## kills at random moments, full disks, eight processes at once, into figures/benchmarks (KILLS=100)
	@$(BIN)/python -m benchmarks crash --kills "$${KILLS:-100}"

# PyTorch's own builds of torch 2.13.0 for the CPU, Linux on x86-64, Python 3.11 to 3.14; they are in no list of the registry
TORCH_CPU := 6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b \
	4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2 \
	3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6 \
	d20fa53ee744502fa4c69818a720b05ca0d37abd055d4f6e66cae155114bc691
UV_LOCK := --universal --python-version 3.11.5 --generate-hashes --no-annotate --no-header

lock: $(INSTALLED) ## pin what pyproject.toml names and all below it, with hashes; what is pinned stays as it is
	@$(BIN)/python -m pip install --quiet "uv>=0.9"
	@awk '/^[a-zA-Z]/ { print $$1 }' requirements.lock | sort -u > requirements.all
	@$(BIN)/uv pip compile pyproject.toml --quiet --extra lab --extra test $(UV_LOCK) -o requirements.all
	@awk -v sums="$(TORCH_CPU)" 'BEGIN { print "# Every version that a fresh checkout gets, with the hashes of its files; make lock writes it." } \
		/^[a-zA-Z]/ { dropped = /^(nvidia|cuda|triton)/ } \
		/^torch==/ { print $$1 " ; sys_platform == \"linux\" \\"; n = split(sums, sum); \
			for (i = 1; i <= n; i++) print "    --hash=sha256:" sum[i] (i < n ? " \\" : ""); \
			print $$1 " ; sys_platform != \"linux\" \\"; next } \
		!dropped' requirements.all > requirements.lock && rm requirements.all
	@sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.lock | head -n 1 | \
		$(BIN)/uv pip compile - --quiet -c requirements.lock $(UV_LOCK) -o requirements-cuda.lock

sbom: $(INSTALLED) ## what is installed as CycloneDX, sbom.json; the licences of what is pinned, docs/licences.md
	@$(BIN)/python -m pip install --quiet "cyclonedx-bom>=7" "pip-licenses>=5"
	@$(BIN)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible -o sbom.json
	@(echo "# Licences of the packages in requirements.lock" && echo && $(BIN)/pip-licenses --from=mixed --order=license \
		--format=markdown --packages $$(sed -n 's/^\([a-zA-Z][^=]*\)==.*/\1/p' requirements.lock)) > docs/licences.md
	@echo "wrote sbom.json and docs/licences.md"

$(INSTALLED): requirements.lock requirements-cuda.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11, 5) and 'Python 3.11.5 or newer is needed, this is %d.%d.%d' % sys.version_info[:3])"
	@echo "installing about 150 packages into .venv, a few minutes the first time:"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# without a CPU build of torch within reach it is a CUDA build on Linux, by a lock of its own
	@torch=$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.lock | head -n 1); [ "$$(uname)" != Linux ] || \
	$(BIN)/python -m pip install --quiet --dry-run --no-deps "$$torch+cpu" > /dev/null 2>&1 || \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-cuda.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --no-warn-script-location --require-hashes -r requirements.lock \
		| awk '/^Collecting/ && ++n % 10 == 0 {print "  " n " packages found"; fflush()} /^Installing/ {print "  installing them"; fflush()}'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:           ## remove the environment and everything that can be made again (beat tables are kept)
	rm -rf .venv .snakemake .pytest_cache .hypothesis figures/demo runs/demo report
