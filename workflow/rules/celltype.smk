"""The cell-type task: where does a TF bind in a cell that it was never assayed in? Made where there are cells."""


rule celltype:
    input:
        unpack(trial_files),
    output:
        table="results/celltype/{tf}/{cell}.tsv",
        log="results/celltype/{tf}/{cell}.log.tsv",
    log:
        "logs/celltype/{tf}/{cell}.log",
    benchmark:
        "logs/celltype/{tf}/{cell}.tsv"
    wildcard_constraints:
        tf=one_of(ASSAYED),
        cell=one_of(study.cells),
    conda:
        ENV
    params:
        tf=assayed_factor,
        files=lambda wildcards: plan.trial(assayed_factor(wildcards), wildcards.cell),
        located=trial_located,
        train=lambda wildcards: plan.training_cells(
            assayed_factor(wildcards), wildcards.cell
        ),
        checksums=lambda wildcards: study.cell_checksums(
            plan.trial(assayed_factor(wildcards), wildcards.cell),
            assayed_factor(wildcards),
        ),
        genome=lambda wildcards: plan.opened(study.cells[wildcards.cell]["genome"]),
        options=plan.trial_options("steps"),
        split=study.config["split"],
        statistics=study.config["statistics"],
        seed=study.config["seeds"][0],
        code=digest("celltype.evaluate", "celltype.tf_bins", "storage"),
    script:
        "../scripts/celltype.py"


rule celltype_network:
    input:
        unpack(trial_files),
    output:
        table="results/celltype/{tf}/{cell}/{network}.tsv",
        log="results/celltype/{tf}/{cell}/{network}.log.tsv",
    log:
        "logs/celltype/{tf}/{cell}/{network}.log",
    benchmark:
        "logs/celltype/{tf}/{cell}/{network}.tsv"
    wildcard_constraints:
        tf=one_of(ASSAYED),
        cell=one_of(study.cells),
        network=one_of(study.config["celltype"]["networks"]),
    conda:
        ENV
    params:
        tf=assayed_factor,
        files=lambda wildcards: plan.trial(assayed_factor(wildcards), wildcards.cell),
        located=trial_located,
        train=lambda wildcards: plan.training_cells(
            assayed_factor(wildcards), wildcards.cell
        ),
        checksums=lambda wildcards: study.cell_checksums(
            plan.trial(assayed_factor(wildcards), wildcards.cell),
            assayed_factor(wildcards),
        ),
        genome=lambda wildcards: plan.opened(study.cells[wildcards.cell]["genome"]),
        options=plan.trial_options("methods"),
        split=study.config["split"],
        statistics=study.config["statistics"],
        seed=study.config["seeds"][0],
        code=digest("celltype.evaluate", "celltype.networks", "storage"),
    script:
        "../scripts/celltype.py"


rule celltype_table:
    input:
        [f"results/celltype/{file_name(tf)}/{cell}.tsv" for tf, cell in plan.trials()],
        [
            f"results/celltype/{file_name(tf)}/{cell}/{network}.tsv"
            for tf, cell in plan.trials()
            for network in study.config["celltype"]["networks"]
        ],
    output:
        report(
            "results/celltype.tsv",
            caption="../report/celltype.rst",
            category="Tables",
        ),
    log:
        "logs/celltype_table.log",
    benchmark:
        "logs/celltype_table.tsv"
    conda:
        ENV
    params:
        code=digest("celltype.evaluate"),
    script:
        "../scripts/celltype_table.py"
