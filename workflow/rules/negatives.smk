"""Named sets of unbound sequences for each dataset."""


rule draw_negatives:
    input:
        lambda wildcards: files(study.row(wildcards.dataset)),
        lambda wildcards: sum(
            map(files, neighbours(wildcards.dataset, wildcards.negatives)), []
        ),
        unpack(lambda wildcards: genome(study.row(wildcards.dataset))),
        positives=POSITIVES,
        others=lambda wildcards: expand(
            POSITIVES, dataset=others(wildcards.dataset, wildcards.negatives)[0]
        ),
        bound=lambda wildcards: expand(
            POSITIVES, dataset=others(wildcards.dataset, wildcards.negatives)[1]
        ),
    output:
        table=NEGATIVES,
        log="results/negatives/{dataset}/{negatives}.log.tsv",
    log:
        "logs/draw_negatives/{dataset}/{negatives}.log",
    benchmark:
        "logs/draw_negatives/{dataset}/{negatives}.tsv"
    conda:
        ENV
    params:
        row=lambda wildcards: study.row(wildcards.dataset),
        neighbours=lambda wildcards: neighbours(wildcards.dataset, wildcards.negatives),
        chromosomes=lambda wildcards: chromosomes(study.row(wildcards.dataset)),
        kinds=lambda wildcards: study.kinds(
            wildcards.negatives, study.datasets[wildcards.dataset]["assay"]
        ),
        options=lambda wildcards: study.config["negatives"][wildcards.negatives],
        sequence=study.config["sequence"],
        split=study.config["split"],
        seeds=study.config["seeds"],
        code=digest("negatives", "assays"),
    script:
        "../scripts/negatives.py"
