# The project's commands. Each sets up what it needs: `make demo` or `make test` is enough on a fresh machine
# with python3 (3.10 or newer), g++ and make.

PYTHON ?= python3
VENV   := .venv
BENCH  := .venv-bench
COMPARE := .venv-compare
NATIVE := $(shell find csrc kernels -name '*.[ch]pp' -o -name '*.h' 2>/dev/null)

.PHONY: help demo test lint docs compare bench fuzz clean
.PRECIOUS: %/bin/pip %/build-requirements %/runtime

help:
	@echo "make demo    train on Iris and MNIST, print the fused schedule, draw into demo-output/; then the lab"
	@echo "make test    run the tests (ARGS='-k softmax' hands options to pytest)"
	@echo "make lint    ruff, mypy and clang-format; changes nothing"
	@echo "make docs    build the documentation's site into build/docs/ (ARGS hands options to sphinx)"
	@echo "make compare train in graphc and in Keras 3, from the same weights, and compare losses and weights"
	@echo "make bench   time against PyTorch, JAX and PyTensor (ARGS='--only softmax' selects rows)"
	@echo "make fuzz    damage packages under libFuzzer for ten minutes (ARGS='-max_total_time=60'); needs clang"
	@echo "make clean   remove the virtual environments and everything built"

demo: $(VENV)/installed
	$(VENV)/bin/python examples/demo.py $(ARGS)
	$(VENV)/bin/python examples/08_lab.py --output demo-output $(filter --quick,$(ARGS))

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest tests $(ARGS)

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy graphc
	$(VENV)/bin/clang-format --dry-run -Werror $(NATIVE) benchmarks/stream.cpp

docs: $(VENV)/installed
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet $(ARGS) docs build/docs
	@echo "build/docs/index.html"

compare: $(COMPARE)/installed
	$(COMPARE)/bin/python tests/compare/against_keras.py

bench: $(BENCH)/installed $(BENCH)/peers
	$(BENCH)/bin/python -m benchmarks.run --write $(ARGS)

# What a loader does with a package up to the point of running its code; sanitizers watch.
FUZZED := $(addprefix csrc/runtime/,byte_reader.cpp decode.cpp layout.cpp memory.cpp size.cpp solve.cpp) \
    $(addprefix csrc/host/,cpu.cpp file.cpp package.cpp package_file.cpp sha256.cpp)

fuzz: $(VENV)/installed
	@command -v clang++ >/dev/null || { echo "make fuzz needs clang with libFuzzer: apt install clang" >&2; exit 1; }
	mkdir -p build/fuzz/corpus
	PYTHONPATH=tests/export $(VENV)/bin/python -m small_networks build/fuzz/corpus
	clang++ -std=c++17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Icsrc -Icsrc/include \
	    tests/export/fuzz_package.cpp $(FUZZED) -o build/fuzz/package
	build/fuzz/package -max_total_time=600 -rss_limit_mb=4096 build/fuzz/corpus $(ARGS)

clean:
	rm -rf $(VENV) $(BENCH) $(COMPARE) build demo-output examples-output .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find graphc -name '_core*.so' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments. A stamp older than what it was made from is made again: a changed source or header of the
# C++ runtime compiles what depends on it, into graphc/, where every environment finds it.

%/build-requirements: pyproject.toml | %/bin/pip
	$*/bin/pip install --quiet 'setuptools>=77' pybind11 numpy
	@touch $@

%/runtime: setup.py $(NATIVE) | %/build-requirements
	$*/bin/python -W ignore setup.py --quiet build_ext --inplace --force
	@touch $@

$(VENV)/installed: pyproject.toml | $(VENV)/runtime
	$(VENV)/bin/pip install --quiet --no-build-isolation --editable '.[dev,demo,docs]'
	@touch $@

$(BENCH)/installed: pyproject.toml | $(BENCH)/runtime
	$(BENCH)/bin/pip install --quiet --no-build-isolation --editable .
	@touch $@

$(COMPARE)/installed: pyproject.toml tests/compare/requirements.txt | $(COMPARE)/runtime
	$(COMPARE)/bin/pip install --quiet --no-build-isolation --editable . --requirement tests/compare/requirements.txt
	@touch $@

# One by one: a peer that cannot be installed here is a line in the results, not the end of the run.
$(BENCH)/peers: benchmarks/requirements.txt | $(BENCH)/bin/pip
	@grep -v '^#' $< | while read -r peer; do \
	    echo "pip install $$peer"; \
	    $(BENCH)/bin/pip install --quiet "$$peer" || echo "$$peer cannot be installed here: its rows are left out"; \
	done
	@touch $@

# Debian keeps venv and the C headers of Python in packages of their own; as root they are fetched, else named.
WHOLE_PYTHON := import ensurepip, os, sys, sysconfig; \
    sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))

%/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "graphc needs python3: apt install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "graphc needs Python 3.10 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@command -v g++ >/dev/null || { echo "graphc needs a C++ compiler: apt install g++" >&2; exit 1; }
	@$(PYTHON) -c '$(WHOLE_PYTHON)' 2>/dev/null || \
	    { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv python3-dev; } || \
	    { echo "graphc needs venv and the headers of Python: apt install python3-venv python3-dev" >&2; exit 1; }
	@$(PYTHON) -m venv $* || { rm -rf $*; echo "$(PYTHON) cannot make a virtual environment" >&2; exit 1; }
