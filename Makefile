# Everything starts from here. `make` alone prints what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-benchmark
AUDIT := .venv-audit
JOBS ?=
SCHEDULER ?=
COMPILE = $(BIN)/uv pip compile --upgrade --generate-hashes --universal --python-version 3.11 --no-header --no-emit-index-url --quiet

.DEFAULT_GOAL := help
.PHONY: help report lab test check accessible simulate benchmark cluster audit lock clean

help: ## this help
	@echo "Did the trailblazers work, and could we have told?"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-18s %s\n", $$1, $$2}'
	@echo
	@echo "  Command line: $(BIN)/trailblazer --help"

report: $(VENV)/.run ## set up, evaluate the SYNTHETIC demonstration data, publish HTML and PDF
	@$(BIN)/trailblazer demo $(if $(JOBS),--jobs $(JOBS))

lab: $(VENV)/.run ## open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir notebooks

test: $(VENV)/.test ## set up what the tests need and run them
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"
	@$(MAKE) --no-print-directory check

check: $(VENV)/.test ## style, types, import contracts, stripped notebooks
	@$(BIN)/ruff check evaluation tests benchmarks
	@$(BIN)/ruff format --check evaluation tests benchmarks
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tests/stripped_notebooks.py

accessible: $(VENV)/.test ## hold a published report against the accessibility gate: make accessible REPORT=runs/<design>/report
	@test -n "$(REPORT)" || { echo "Name the folder of a report: make accessible REPORT=runs/<design>/report"; exit 2; }
	@TRAILBLAZER_REPORT="$(REPORT)" $(BIN)/python -m pytest -p no:cacheprovider tests/report/test_any_report.py
	@echo "What axe-core found, a row a page and width: build/accessibility/"

simulate: $(VENV)/.test ## the long simulations (hours of CPU); SCHEDULER=local:2 shares out the draws on the real panel
	@SCHEDULER=$(SCHEDULER) $(BIN)/python -m pytest -m slow

benchmark: $(PEERS)/.benchmark ## time ourselves against the field's packages (about half an hour); writes benchmarks/results.md
	@$(PEERS)/bin/python -m benchmarks.run

cluster: $(VENV)/.cluster ## add dask.distributed, for `trailblazer run --scheduler`; also on every machine of the cluster
	@echo "Now: $(BIN)/dask scheduler, on every machine $(BIN)/dask worker ADDRESS --nthreads 1, and"
	@echo "     $(BIN)/trailblazer run --scheduler ADDRESS ... with a run folder that all of them see"

audit: $(VENV)/.run $(AUDIT)/.audit ## licences, bill of materials and known vulnerabilities of all that a run installs
	@$(BIN)/python tests/licences.py
	@mkdir -p build && $(AUDIT)/bin/cyclonedx-py requirements requirements/run.txt --output-reproducible -o build/bill-of-materials.cdx.json
	@echo "bill of materials: build/bill-of-materials.cdx.json (CycloneDX)"
	@$(BIN)/python tests/vulnerabilities.py $(AUDIT)/bin/pip-audit requirements/run.txt

lock: $(VENV)/.tools ## resolve the lock files again from pyproject.toml
	@$(COMPILE) requirements/tools.in -o requirements/tools.txt
	@$(COMPILE) requirements/audit.in -o requirements/audit.txt
	@$(COMPILE) pyproject.toml --extra test -o requirements/test.txt
	@$(COMPILE) pyproject.toml -c requirements/test.txt -o requirements/run.txt
	@$(COMPILE) pyproject.toml --extra cluster -c requirements/test.txt -o requirements/cluster.txt
	@$(COMPILE) pyproject.toml --extra benchmark -c requirements/test.txt -o requirements/benchmark.txt

clean: ## remove the environment and the runs
	rm -rf $(VENV) $(PEERS) $(AUDIT) runs build *.egg-info

# ---- set-up: each step leaves a stamp and is repeated only when its lock changes
$(VENV)/.tools: requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later is needed, this is " + sys.version.split()[0] + "; name one with: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

$(VENV)/.run: $(VENV)/.tools requirements/run.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m evaluation.batch.kernels
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.cluster: $(VENV)/.run requirements/cluster.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/cluster.txt
	@touch $@

$(PEERS)/.benchmark: $(VENV)/.tools requirements/benchmark.txt pyproject.toml
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(PEERS)
	@$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements/benchmark.txt
	@$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --no-deps --no-build-isolation --editable .
	@$(PEERS)/bin/python -m evaluation.batch.kernels
	@touch $@

$(AUDIT)/.audit: $(VENV)/.tools requirements/audit.txt
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(AUDIT)
	@$(BIN)/uv pip install --quiet --python $(AUDIT)/bin/python --require-hashes -r requirements/audit.txt
	@touch $@
