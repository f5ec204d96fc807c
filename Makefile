# Celerity's commands. `make` alone lists them.
#
# Accepted on the line: HYPERVISOR=libvirt|simulated  HOSTS=n  STATE=/path  ARGS="…" (make test)  YES=1 (make clean)
#   ON=compute-2 RUN="command" (make lab-shell)  GROUPS=enforce|open (make up that upgrades)  SERVICE=identity,compute (make conformance)
#   TO=/file.tar GUESTS=1 (make backup)  FROM=/file.tar (make restore)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

ifdef HYPERVISOR
export CELERITY_HYPERVISOR := $(HYPERVISOR)
endif
ifdef HOSTS
export CELERITY_HOSTS := $(HOSTS)
endif
ifdef GROUPS
export CELERITY_GROUPS := $(GROUPS)
endif
ifdef STATE
export CELERITY_STATE_DIR := $(STATE)
endif

.PHONY: help up down env shell status logs doctor clean backup restore test test-all matrix chaos conformance lint bench lab lab-down lab-shell

help: ## List these commands
	@echo "Celerity: a compute cloud. Commands:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Without root or libvirt: make up HYPERVISOR=simulated HOSTS=5"

up: ## Install what is missing, start everything, boot a first server
	@deploy/bootstrap.sh
	@$(PYTHON) -m deploy.up

down: ## Stop the cloud and its guests; nothing is left running
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.down; else echo "There is no .venv here: nothing was ever started."; fi

env: ## Print the variables for your shell: eval "$$(make env)"
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.shell_environment; else echo "There is no .venv here: run make up." >&2; exit 1; fi

shell: ## Start a shell with those variables
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.shell_environment shell; else echo "There is no .venv here: run make up."; exit 1; fi

status: ## Show processes, health and hosts
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.status; else echo "There is no .venv here: run make up."; exit 1; fi

logs: ## Follow every log
	@state=$${CELERITY_STATE_DIR:-}; \
	if [ -z "$$state" ]; then if [ "$$(id -u)" = 0 ]; then state=/var/lib/celerity; else state=$${XDG_STATE_HOME:-~/.local/state}/celerity; fi; fi; \
	tail -n 20 -F "$$state"/log/*.log

doctor: ## Check what the cloud needs, and say what to do
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.doctor; else python3 -m deploy.doctor; fi

clean: ## Remove all state, after asking (YES=1: without)
	@if [ ! -x $(PYTHON) ]; then deploy/bootstrap.sh; fi
	@$(PYTHON) -m deploy.clean

backup: ## Write the cloud's state to a file (TO=/place/celerity.tar, GUESTS=1: with guests' disks)
	@if [ -x $(PYTHON) ]; then TO="$(TO)" GUESTS="$(GUESTS)" $(PYTHON) -m deploy.backup; \
	else echo "There is no .venv here: nothing was ever started."; exit 1; fi

restore: ## Make a fresh state directory from such a file (FROM=/place/celerity.tar)
	@deploy/bootstrap.sh
	@FROM="$(FROM)" $(PYTHON) -m deploy.restore

lab: ## Build several real hosts on this machine, joined to one cloud (HOSTS=3)
	@CELERITY_HYPERVISOR=libvirt deploy/bootstrap.sh
	@LAB_HOSTS="$(HOSTS)" $(PYTHON) -m deploy.lab up

lab-down: ## Remove the lab: processes, namespaces, devices, rules and state
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.lab down; else echo "There is no .venv here: there is no lab."; fi

lab-shell: ## Start a shell on a host of the lab (ON=compute-2; RUN="command": run that instead)
	@$(PYTHON) -m deploy.lab shell

test: ## Run all tests with services of their own (ARGS="-k name")
	@deploy/bootstrap.sh --dev
	@$(PYTHON) -m deploy.testrun $(ARGS)

test-all: ## Run all tests, those that take minutes too
	@deploy/bootstrap.sh --dev
	@$(PYTHON) -m deploy.testrun --all $(ARGS)

matrix: ## Kill everything at every step of every pipeline (PIPELINE=server.build VICTIM=agent)
	@deploy/bootstrap.sh --dev
	@MATRIX_PIPELINE="$(PIPELINE)" MATRIX_VICTIM="$(VICTIM)" MATRIX_STORE="$(STORE)" $(PYTHON) -m deploy.testrun tests/matrix -m matrix -s $(ARGS)

chaos: ## Boots, actions, moves, volumes and deletes under fire (ARGS="--seed 7 --seeds 20", "--real": real guests)
	@deploy/bootstrap.sh --dev
	@$(PYTHON) -m tests.chaos.run $(ARGS)

conformance: ## Run OpenStack's own test suite (SERVICE=identity,image,compute,network,volume ARGS="--match x")
	@deploy/bootstrap.sh --dev
	@$(PYTHON) -m tests.conformance $(SERVICE) $(ARGS)

lint: ## ruff, mypy, import-linter, migrations
	@deploy/bootstrap.sh --dev
	@deploy/lint.sh

bench: ## Measure boots, lists and memory
	@deploy/bootstrap.sh
	@$(PYTHON) -m bench $(ARGS)
