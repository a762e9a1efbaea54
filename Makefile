# Two commands on a fresh machine: `make run` (the demo) and `make test`.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
# last, for a bedtools that stands nowhere else
export PATH := $(PATH):$(CURDIR)/$(BIN)

.PHONY: run test real yeast adaptation celltype motifs bench coverage soak setup lock lint docs bedtools causes

run: setup
	$(BIN)/snakemake --cores $(CORES)
	@echo "open results/report.html"

# Four files at a time, since whole runs wait for a cluster and for each other; these first (tests/conftest.py); `.venv/bin/pytest tests/test_X.py` runs one file.
test: setup
	$(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

# Snakemake works in results-real/, so the tables are results-real/results/*.tsv; the main ones are linked one level up.
real: setup
	mkdir -p results-real
	$(BIN)/snakemake --cores $(CORES) --configfile resources/real/config.yaml --directory results-real
	cd results-real && ln -sf results/summary.tsv results/metrics.tsv results/transfer.tsv results/report.html .
	@cat results-real/summary.tsv

# What a model is set against: the tables of docs/negatives.md.
yeast: setup
	mkdir -p results-yeast
	$(BIN)/snakemake --cores $(CORES) --configfile resources/yeast/config.yaml --directory results-yeast
	$(BIN)/python resources/yeast/table.py

# What is gained without target labels: the tables of docs/adaptation.md.
adaptation: setup
	mkdir -p results-adaptation
	$(BIN)/snakemake --cores $(CORES) --configfile resources/adaptation/config.yaml --directory results-adaptation
	$(BIN)/python resources/adaptation/table.py

# Ten yeast TFs on chromosomes that no method has seen; results-celltype/results/celltype.tsv.
celltype: setup
	mkdir -p results-celltype
	$(BIN)/snakemake --cores $(CORES) --configfile resources/yeast_celltype/config.yaml --directory results-celltype results/celltype.tsv
	$(BIN)/python resources/yeast_celltype/table.py

# Where the drop from HT-SELEX to ChIP-seq goes, for four TFs; results-causes/results/causes.tsv.
causes: setup
	mkdir -p results-causes
	$(BIN)/snakemake --cores $(CORES) --configfile resources/causes/config.yaml --directory results-causes results/causes.tsv
	$(BIN)/python resources/causes/table.py

# What each assay taught the networks of four TFs: the table of docs/method.md.
motifs: setup
	mkdir -p results-motifs
	$(BIN)/snakemake --cores $(CORES) --configfile resources/motifs/config.yaml --directory results-motifs results/motifs.tsv
	$(BIN)/python resources/motifs/table.py

# Peers go into the same environment; nothing else needs them.
bench: setup
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

# Simulated studies: how often each interval holds the truth.
coverage: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.coverage

# Fifty simulated TFs, unattended: hours, and the memory that each rule took.
soak: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.soak

setup: .venv/complete bedtools

PIP = $(BIN)/pip --quiet --disable-pip-version-check
.venv/complete: pyproject.toml envs/requirements.lock
	@envs/setup.sh .venv $(PYTHON)
	@touch $@

# New versions with UPGRADE=--upgrade; without, what pyproject.toml has gained, and the hashes, licences and bill of materials.
lock: setup
	$(PYTHON) -m venv .venv/tools
	.venv/tools/bin/pip install --quiet --disable-pip-version-check uv
	.venv/tools/bin/uv pip compile --quiet --no-annotate --no-header --python-version 3.11 --all-extras $(UPGRADE) pyproject.toml -o constraints.txt
	$(PIP) install --no-build-isolation -c constraints.txt -e '.[dev,cluster]'
	$(PIP) download --no-deps --dest .venv/torch "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python envs/lock.py .venv/tools/bin/uv .venv/torch/*.whl
	rm -r .venv/torch

# pybedtools calls the bedtools program, which no Python package brings along.
bedtools:
	@workflow/scripts/install_bedtools.sh $(BIN)

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

docs: setup
	$(BIN)/python -c "from tfbind.study import reference_page; print(reference_page.describe(), end='')" > docs/config.md
