# Everything here needs Python >= 3.11 and make, nothing else; no root. `make` alone lists the targets.

VENV := .venv
CONSTRAINTS := constraints.txt
BUNDLE := bundles/cars_chest_xray
OUTPUT := runs/demo
# `make test CONSTRAINTS=constraints-lowest.txt VENV=.venv-lowest` tests the oldest versions that are supported.
# One file is one job: what a file sets up once, it sets up in one worker only.
PYTEST = $(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile
RUN = $(VENV)/bin/python -m monai.bundle run --config_file $(BUNDLE)/configs/inference.json --bundle_root $(BUNDLE)
JOBS := 2
MIN_COVERAGE := 95

# The first interpreter that is new enough; `make PYTHON=/path/to/python ...` overrides it.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3.13 python3.12 python3.11 python3 python
PYTHON = $(shell for p in $(CANDIDATES); do $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo $$p; break; }; done)

# Figures are promised for one intra-op thread, and two test workers must not fight over two cores.
export OMP_NUM_THREADS := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-all lint docs clean

help:
	@echo "make demo      edit the embedded radiograph, write films, masks and a report to $(OUTPUT)"
	@echo "make test      lint, types and the test suite with coverage (minutes)"
	@echo "make test-all  the same with the slow tests"
	@echo "make docs      build the documentation's site into build/site"
	@echo "make clean     remove what was built (not runs/)"

demo: $(VENV)/.demo
	$(RUN) --output_dir $(OUTPUT) $(ARGS)
	@echo "the command was: $(RUN) --output_dir $(OUTPUT) $(ARGS)"
	@echo "the report lies in $(OUTPUT)/report.html"

test: lint
	$(PYTEST) -m "not slow" --cov --cov-fail-under=$(MIN_COVERAGE) $(ARGS)

test-all: lint
	$(PYTEST) --cov --cov-fail-under=$(MIN_COVERAGE) $(ARGS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Strict: a link or an anchor that leads nowhere is an error.
docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict
	@echo "the site lies in build/site; with its search: $(VENV)/bin/python -m http.server --directory build/site"

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

# A virtual environment, or a message that names the version found and the one needed.
$(VENV)/bin/python:
	@python="$(PYTHON)"; \
	if [ -z "$$python" ] || ! "$$python" -c '$(NEW_ENOUGH)'; then \
	  found=$$("$${python:-python3}" --version 2>&1 | tail -n 1); \
	  echo "monai-cars needs Python >= 3.11; '$${python:-python3}' is: $${found:-not there}." >&2; \
	  echo "Install a newer Python, or name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; \
	fi; \
	echo "using $$("$$python" --version) ($$python)"; \
	"$$python" -m venv $(VENV) || { \
	  echo "'$$python' has no working venv module (Debian and Ubuntu keep it in the package python3-venv)." >&2; \
	  echo "Install it, or name another Python: make PYTHON=/path/to/python3.12 ..." >&2; \
	  rm -rf $(VENV); exit 1; }

# torch comes first and alone: the pin 2.13.0 is met by a CPU build (2.13.0+cpu) where the index offers one, and by
# the far larger CUDA build where it offers only that (on Linux, the default index). To choose, set pip's own
# variables, for example PIP_INDEX_URL or PIP_FIND_LINKS. The stamps make a second run fast.
$(VENV)/.demo: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --constraint $(CONSTRAINTS) torch
	$(VENV)/bin/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[demo]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --constraint $(CONSTRAINTS) torch
	$(VENV)/bin/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[dev]"
	@touch $(VENV)/.demo $@
