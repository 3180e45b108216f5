# Everything happens in .venv, made from the locked requirements. Needs Python 3.11+, pip and make.
#
#   make demo   an invented municipality through the whole pipeline
#   make test   every test, a real Prefect server included
#   make check  lint, types, layers and the lock
#   make deep   the costly property tests with ten times as many examples
#   make faults 300 killed runs over 300 files, and a really full disk
#   make bench  the road against the least that anyone would do with the same files
#   make mutate plants faults in the statistics and asks whether tests notice (half an hour)
#   make lock   resolve the dependencies anew (needs the package index)

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

# The others try as many examples with every change.
DEEP := tests/validate tests/warehouse tests/class_lists/test_register.py tests/gate/test_cells.py \
	tests/road/test_held_requests.py tests/publish/test_secondary.py

.PHONY: demo test check deep faults bench mutate lock clean

demo: $(READY)
	$(BIN)/klassepuls demo --dir demo

test: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

deep: $(READY)
	KLASSEPULS_DEEP=1 $(BIN)/pytest -n 2 --dist worksteal --timeout 3600 $(DEEP)

faults: $(READY)
	KLASSEPULS_FAULTS=full $(BIN)/pytest tests/faults -s

bench: $(READY)
	$(BIN)/python bench/make_inputs.py build/bench
	$(BIN)/python bench/road.py build/bench
	$(BIN)/python bench/many_files.py
	$(BIN)/python bench/attack.py
	$(BIN)/python bench/seal.py
	$(BIN)/python bench/flag_reports.py

# Any other module:  make mutate MODULES=transforms/scoring.py TESTS=tests/scoring
MODULES ?= transforms/statistics transforms/sociometry.py
TESTS ?= tests/statistics
mutate: $(READY)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python bench/mutate.py $(MODULES) --tests $(TESTS)

lock: $(READY)
	$(COMPILE) --upgrade pyproject.toml -o requirements/runtime.txt
	$(COMPILE) --upgrade --group dev pyproject.toml -c requirements/runtime.txt -o requirements/dev.txt

# The lock names every package, so nothing is resolved: --no-deps takes it as it stands.
$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Klassepuls needs Python 3.11 or newer")'
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install -q --no-deps --require-hashes -r requirements/dev.txt
	$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install -q --no-deps --no-build-isolation -e .
	$(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python check
	touch $(READY)

clean:
	rm -rf .venv build demo
