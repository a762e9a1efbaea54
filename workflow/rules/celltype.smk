"""The cell-type task: where does a factor bind in a cell that it was never assayed in? Made where there are cells."""

CELLTYPE = study.config["celltype"]


def assayed(tf):
    """The cells with peaks of a factor."""
    return [cell for cell, files in study.cells.items() if tf in files["conservative"]]


def trials():
    """(factor, cell that tests): a factor's cells in turn, or those that the config names."""
    wanted = CELLTYPE["test_cells"]
    return [
        (tf, cell)
        for tf in CELLTYPE["tfs"] or study.cell_tfs()
        for cell in assayed(tf)
        if cell in wanted or not wanted
    ]


def training_cells(tf, test):
    """The cells of the test cell's genome that may train."""
    genome = study.cells[test]["genome"]
    return [
        cell
        for cell in assayed(tf)
        if study.cells[cell]["genome"] == genome and cell not in CELLTYPE["test_cells"]
    ]


def trial(wildcards):
    """The files of the cells that a trial reads: those that train, the one that tests, the reference."""
    test = wildcards.cell
    alike = [
        cell
        for cell, files in study.cells.items()
        if files["genome"] == study.cells[test]["genome"]
    ]
    reference = CELLTYPE["reference"] if CELLTYPE["reference"] in alike else alike[0]
    read = {reference, test, *training_cells(wildcards.tf, test)}
    return {cell: files for cell, files in study.cells.items() if cell in read}


def trial_files(wildcards):
    """Every file of these cells, with the genome, its genes and its blacklist."""
    options = study.config["genomes"][study.cells[wildcards.cell]["genome"]]
    fasta = f"resources/genomes/{study.cells[wildcards.cell]['genome']}.fa"
    rows = []
    for files in trial(wildcards).values():
        for what in ("accessibility", "accessibility_peaks", "expression"):
            rows += files[what]
        for what in ("conservative", "relaxed"):
            rows += files[what].get(wildcards.tf, [])
    named = {key: studies.local(options[key]) for key in ("genes", "blacklist")}
    return (
        {"genome": fasta, "index": f"{fasta}.fai"}
        | {key: path for key, path in named.items() if path}
        | {"cells": [row["path"] for row in rows]}
    )


rule celltype:
    input:
        unpack(trial_files),
    output:
        "results/celltype/{tf}/{cell}.tsv",
        "results/celltype/{tf}/{cell}.log.tsv",
    log:
        "logs/celltype/{tf}/{cell}.log",
    wildcard_constraints:
        tf=one_of(study.cell_tfs()),
        cell=one_of(study.cells),
    conda:
        ENV
    params:
        files=trial,
        train=lambda wildcards: training_cells(wildcards.tf, wildcards.cell),
        checksums=lambda wildcards: study.cell_checksums(trial(wildcards), wildcards.tf),
        chromosomes=lambda wildcards: study.config["genomes"][
            study.cells[wildcards.cell]["genome"]
        ]["chromosomes"],
        options=CELLTYPE,
        split=study.config["split"],
        statistics=study.config["statistics"],
        seed=study.config["seeds"][0],
        code=digest("celltype", "cells"),
    script:
        "../scripts/celltype.py"


rule celltype_network:
    input:
        unpack(trial_files),
    output:
        "results/celltype/{tf}/{cell}/{network}.tsv",
    log:
        "logs/celltype/{tf}/{cell}/{network}.log",
    wildcard_constraints:
        tf=one_of(study.cell_tfs()),
        cell=one_of(study.cells),
        network=one_of(CELLTYPE["networks"]),
    conda:
        ENV
    params:
        files=trial,
        train=lambda wildcards: training_cells(wildcards.tf, wildcards.cell),
        checksums=lambda wildcards: study.cell_checksums(trial(wildcards), wildcards.tf),
        chromosomes=lambda wildcards: study.config["genomes"][
            study.cells[wildcards.cell]["genome"]
        ]["chromosomes"],
        options=CELLTYPE,
        split=study.config["split"],
        statistics=study.config["statistics"],
        seed=study.config["seeds"][0],
        code=digest("celltype", "bin_networks"),
    script:
        "../scripts/celltype_network.py"


rule celltype_table:
    input:
        [f"results/celltype/{tf}/{cell}.tsv" for tf, cell in trials()],
        [
            f"results/celltype/{tf}/{cell}/{network}.tsv"
            for tf, cell in trials()
            for network in CELLTYPE["networks"]
        ],
    output:
        report(
            "results/celltype.tsv",
            caption="../report/celltype.rst",
            category="Tables",
        ),
    log:
        "logs/celltype_table.log",
    conda:
        ENV
    params:
        code=digest("celltype"),
    script:
        "../scripts/celltype_table.py"
