"""ChIP-seq peaks and SELEX reads meet in one table."""


rule extract_positives:
    input:
        unpack(lambda wildcards: genome(study.row(wildcards.dataset))),
        files=lambda wildcards: files_of_study(plan.files(wildcards.dataset)),
    output:
        table=POSITIVES,
        log="results/positives/{dataset}.log.tsv",
    log:
        "logs/extract_positives/{dataset}.log",
    benchmark:
        "logs/extract_positives/{dataset}.tsv"
    conda:
        ENV
    params:
        row=lambda wildcards: study.row(wildcards.dataset, SEQUENCES),
        located=lambda wildcards, input: located(
            study.datasets[wildcards.dataset]["genome"],
            plan.files(wildcards.dataset),
            input,
        ),
        checksums=lambda wildcards: study.checksums(wildcards.dataset),
        genome=lambda wildcards: plan.opened(
            study.datasets[wildcards.dataset]["genome"]
        ),
        sequence=lambda wildcards: study.made(wildcards.dataset),
        split=study.config["split"],
        code=digest("sequences.positives", "storage"),
    script:
        "../scripts/positives.py"
