# make run    set up, then the application on the sample photos
# make test   set up, then everything CI runs
# make bench  the measurements; BENCH=--without-bf16 as if the processor had no 16-bit floats
# make docs   the pages of every module for those who use it as a library, in build/api
# make stress the slow tests; kills, disk faults, hostile files, fuzzing: about an hour
# make translations  the sentences of the sources in build/annotator.pot, and in every file of resources/translations
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: run test lint docs bench stress translations clean

run: $(READY)
	$(BIN)/python main.py --samples

test: lint docs
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyrefly check
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python -W ignore -m pdoc --docformat google --no-show-source --output-directory build/api dataset model

bench: $(READY)
	$(BIN)/python -m benchmarks $(BENCH)

stress: $(READY)
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m slow
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --numprocesses 2 --hypothesis-profile search tests/dataset tests/annotator/core
	$(BIN)/python -m benchmarks.stress

# Without places of the sources and without dates, so that a file changes only where a sentence does.
translations: $(READY)
	mkdir -p build
	$(BIN)/pybabel --quiet extract --keyword tr --keyword plural:1,2 --keyword mark --no-location --sort-output \
	    --omit-header --output build/annotator.pot main.py annotator dataset model
	for file in $(wildcard resources/translations/*.po); do \
	    $(BIN)/pybabel --quiet update --ignore-pot-creation-date --no-fuzzy-matching --ignore-obsolete \
	        --input-file build/annotator.pot --output-file $$file --locale $$(basename $$file .po) || exit 1; \
	done

# Redone only when pyproject.toml changes.
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info build
