# Two commands matter: `make demo` builds everything on real input, `make test` checks everything.
# Both set up .venv by themselves; what they build lies in .neo/ (override with NEO_LAKE, DAGSTER_HOME).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.8
VENV := .venv
UV := $(VENV)/bin/uv
# Tests wait for what they start almost half of the time: three processes use two cores.
PYTEST := $(VENV)/bin/pytest --numprocesses=$(or $(PYTEST_WORKERS),3) --dist=loadscope --no-loadscope-reorder

export NEO_LAKE ?= $(CURDIR)/.neo/lake
export DAGSTER_HOME ?= $(CURDIR)/.neo/dagster
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export UV_COMPILE_BYTECODE ?= 1
# Without bytecode of the package, each of the hundreds of processes that tests start would take a second longer.
unexport PYTHONDONTWRITEBYTECODE

# A folder of wheels given to pip serves uv too. Without one, take PyTorch's CPU build unless there is an NVIDIA GPU:
# the package index alone would bring gigabytes of CUDA libraries.
ifneq ($(PIP_FIND_LINKS),)
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
else
TORCH_BACKEND := $(if $(shell command -v nvidia-smi),--torch-backend=auto,--torch-backend=cpu)
endif
INSTALL := $(UV) pip install --quiet --constraint requirements.lock --override requirements.overrides $(TORCH_BACKEND)

.PHONY: help install demo test test-all test-hours test-fast test-cluster ui lint format bench bench-peers lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed-demo  ## set up .venv with what the demo needs

demo: $(VENV)/.installed-demo $(DAGSTER_HOME)/dagster.yaml  ## build every asset, from crawl to release, and print a summary
	@$(VENV)/bin/neo demo

test: lint test-all  ## static checks, and every test but those of test-hours

test-all: $(VENV)/.installed-test
	@$(PYTEST)

test-hours: $(VENV)/.installed-test  ## the longest tests, which `make test` leaves out: whole lines on Spark, a whole build in a bucket, more kills
	@NEO_TEST_HOURS=yes $(VENV)/bin/pytest neo_assets_tests/spark/test_lines.py neo_assets_tests/spark/test_judgements.py neo_assets_tests/storage/test_build.py neo_assets_tests/documents/batch neo_assets_tests/e2e/test_training_killed.py

test-cluster: $(VENV)/.installed-test  ## the tests that need a Kubernetes: make test-cluster KUBECONFIG=… (docs/cluster.md says what they need)
	@NEO_TEST_KUBECONFIG=$(KUBECONFIG) $(VENV)/bin/pytest neo_assets_tests/cluster neo_assets_tests/helm

test-fast: $(VENV)/.installed-test  ## the tests that take no build, no server and no browser
	@$(PYTEST) -m "not slow"

ui: $(VENV)/.installed-demo $(DAGSTER_HOME)/dagster.yaml  ## the Dagster UI with its daemon on http://127.0.0.1:3000
	@$(VENV)/bin/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port 3000

lint: $(VENV)/.installed-test  ## ruff, mypy and the layer contracts
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: $(VENV)/.installed-test  ## rewrite the code in ruff's format
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

bench: $(VENV)/.installed-test  ## measure speed and Chinese conformance, beside the peers that are installed
	@$(VENV)/bin/python -m benchmarks.filters
	@$(VENV)/bin/python -m benchmarks.conformance
	@$(VENV)/bin/python -m benchmarks.dedup
	@$(VENV)/bin/python -m benchmarks.dedup_truth
	@$(VENV)/bin/python -m benchmarks.extraction
	@$(VENV)/bin/python -m benchmarks.imports
	@$(VENV)/bin/python -m benchmarks.documents
	@$(VENV)/bin/python -m benchmarks.recall
	@$(VENV)/bin/python -m benchmarks.recall_inference
	@$(VENV)/bin/python -m benchmarks.tokens
	@$(VENV)/bin/python -m benchmarks.training
	@$(VENV)/bin/python -m benchmarks.engines

bench-peers: $(UV)  ## install the systems that `make bench` compares with, each in an environment of .venv-peers; PEERS='spark|rensa' chooses
	@grep -E '^($(or $(PEERS),[a-z_]+))[ @]' benchmarks/requirements-peers.txt | while read -r name requirements; do \
	    folder=$${name%%@*}; python=$(VENV)/bin/python; \
	    case $$name in *@*) python=$$(command -v python$${name#*@} || true);; esac; \
	    echo "installing $$folder into .venv-peers/$$folder" >&2; \
	    [ -n "$$python" ] && $(UV) venv --quiet --clear --python $$python .venv-peers/$$folder \
	        && $(UV) pip install --quiet --python .venv-peers/$$folder/bin/python $(TORCH_BACKEND) $$requirements < /dev/null \
	        || echo "$$folder was not installed (see above; it may need a Python of its own): the benchmarks will leave it out" >&2; \
	done

# The lock names versions only, so that it holds for the CPU and the CUDA build of PyTorch alike.
lock: $(UV)  ## choose the newest versions that go together, anew
	@$(UV) pip compile pyproject.toml --override requirements.overrides --all-extras --no-header --no-annotate --python-version 3.11 --upgrade --quiet \
	    $(TORCH_BACKEND) | sed -e 's/+cpu$$//' -e '/^--/d' > $(VENV)/requirements.lock
	@mv $(VENV)/requirements.lock requirements.lock

clean:  ## remove .venv, .venv-peers and everything built in .neo
	@rm -rf $(VENV) .venv-peers .neo

$(UV):
	@for python in python3.11 python3; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	        $$python -m venv $(VENV) && $(VENV)/bin/python -m pip install --quiet --quiet uv==$(UV_VERSION) && exit; \
	        echo 'error: $(VENV) was not set up (see above); on Debian and Ubuntu: apt-get install python3.11-venv' >&2; exit 1; \
	    fi; \
	done; echo 'error: Python 3.11 was not found; on Debian and Ubuntu: apt-get install python3.11 python3.11-venv' >&2; exit 1

$(VENV)/.installed-demo: pyproject.toml requirements.lock requirements.overrides | $(UV)
	@echo 'installing into $(VENV): a minute or two, once' >&2
	@$(INSTALL) --editable '.[train,eval,public-tokenizers,documents]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml requirements.lock requirements.overrides | $(UV)
	@echo 'installing into $(VENV), with the test tools: a minute or two, once' >&2
	@$(INSTALL) --editable '.[train,eval,public-tokenizers,documents,spark,k8s,s3,postgres,dev]'
	@touch $@ $(VENV)/.installed-demo

# Dagster learns of a pool only once a run with it was queued, too late for the first two: they are named beforehand.
$(DAGSTER_HOME)/dagster.yaml: | $(VENV)/.installed-demo
	@mkdir -p $(@D)
	@ln -s $(CURDIR)/dagster.yaml $@
	@for pool in crawl imports documents gpu; do DAGSTER_HOME=$(DAGSTER_HOME) $(VENV)/bin/dagster instance concurrency set $$pool 1 >/dev/null; done
