# SPDX-License-Identifier: Apache-2.0
# Two commands for a fresh clone: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
APT := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm

.PHONY: demo test exhaustive fuzz format benchmark wheel packages clean

demo: $(VENV)/demo.stamp
	$(BIN)/tinyq-deploy demo

test: $(VENV)/test.stamp packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -ra -m "not exhaustive"

exhaustive: $(VENV)/test.stamp packages
	$(BIN)/python -m pytest -ra -m exhaustive

# 100,000 damaged models through the compiler; models that show a fault go to build/fuzz.
fuzz: $(VENV)/test.stamp packages
	$(BIN)/python tests/fuzz.py --count 100000 --operators --sanitize 500

benchmark: $(VENV)/test.stamp packages
	$(BIN)/python benchmarks/instructions.py

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(VENV)/test.stamp
	$(BIN)/python -m build --outdir dist

$(VENV)/demo.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[virtual]'
	touch $@

$(VENV)/test.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[virtual,cmsis-nn,oracle,images,dev]'
	touch $@

# The cross compiler and QEMU come from Debian's packages where apt is there and may be used; without them the tests that
# need them are skipped, each with its reason.
packages:
	@command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null || sh scripts/packages.sh $(APT)

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
