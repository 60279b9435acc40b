# Everything here can be run again at any time; what is there already is left alone.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.NOTPARALLEL:  # whatever MAKEFLAGS says, the parts of `test` follow one another
unexport PYTHONDONTWRITEBYTECODE  # tests start hundreds of Pythons: what is compiled once is kept

.PHONY: help setup demo test podman check fast real bench simulate docs templates release checkov clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.venv/.ready: pyproject.toml constraints.txt
	@echo "setting up: a Python environment in .venv with the packages of pyproject.toml"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { \
		echo "setting up: Debian's package python3-venv, for it" && apt-get install -y -qq python3-venv && \
		$(PYTHON) -m venv --clear .venv; }
	@$(PIP) -e .
	@touch $@

.venv/.tests: .venv/.ready
	@echo "setting up: the packages that only the checks and tests need"
	@$(PIP) -e '.[aws,dev]'
	@touch $@

setup: .venv/.ready  ## the Python environment, the container engine, HAProxy and git
	@$(BIN)/tidegate setup --yes

demo: setup  ## from git push to safe traffic, on this machine, every request counted
	@$(BIN)/tidegate demo

check: .venv/.tests  ## style, types and import direction
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy

REAL := engine or haproxy or browser

fast: .venv/.tests  ## the tests that need no container engine and no HAProxy, side by side
	@$(BIN)/pytest -q -n auto --dist loadfile -m "not ($(REAL))"

# They wait more than they compute. Files are given out in this order: the longest come first.
real: setup .venv/.tests  ## the tests on real containers, HAProxy and browsers, two files at a time
	@$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "$(REAL)" tests/end_to_end tests/contract

test: setup check fast real  ## all the tests

podman: .venv/.tests  ## the tests of the container engine on a Podman of their own
	@$(BIN)/pytest -q --podman -m engine

bench: setup .venv/.tests  ## each claim in the docs beside its peers; see docs/benchmarks.md
	@$(BIN)/python -m bench

simulate: .venv/.ready  ## a thousand seeded deployments with faults
	@$(BIN)/python -m tidegate.simulator --seeds 1000

docs: .venv/.tests  ## write the generated pages of docs/reference again
	@$(BIN)/python -m tidegate.spec.reference && $(BIN)/python -m tidegate.cli.reference

templates: .venv/.tests  ## the examples' stacks as plain CloudFormation, in dist/templates
	@$(BIN)/python -m tidegate.aws.publish

release: test templates  ## what a release ships: the wheel, tried in a fresh environment, and the templates
	@rm -rf dist/*.whl build/tried && mkdir -p build/tried/app
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .
	@$(PYTHON) -m venv build/tried
	@build/tried/bin/pip install --quiet --disable-pip-version-check -c constraints.txt "$$(ls dist/*.whl)[aws]"
	@cd build/tried && unset PYTHONPATH && printf 'FROM nginx\n' >app/Dockerfile && bin/tidegate --help >/dev/null \
		&& bin/tidegate -C app init && bin/tidegate -C app aws template --out stacks

# checkov pins a hundred packages, older ones of boto3 among them, so it has an environment to itself.
.venv-checkov/.ready:
	@echo "setting up: checkov in .venv-checkov"
	@test -x .venv-checkov/bin/python || $(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/pip install --quiet --disable-pip-version-check --no-compile 'checkov>=3.3,<4'
	@touch $@

checkov: .venv-checkov/.ready .venv/.tests  ## checkov on the stacks; its tests are skipped without it
	@PATH="$(CURDIR)/.venv-checkov/bin:$$PATH" $(BIN)/pytest -q -rP -k checkov tests/contract/test_aws_stacks.py

clean:  ## the Python environment and caches; never a running app
	rm -rf .venv .venv-checkov .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
