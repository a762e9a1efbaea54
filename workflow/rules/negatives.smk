"""Named sets of unbound sequences for each dataset."""


def neighbours(dataset, label):
    """Rows whose peaks a genomic negative of this dataset must avoid: all placed datasets of the TF."""
    row = study.datasets[dataset]
    if "genomic" not in study.kinds(label, row["assay"]):
        return []
    same = [study.row(other) for other in of_tf(row["tf"])]
    return [other for other in same if other["genome"] == row["genome"] and other["format"] in studies.PLACED]


rule draw_negatives:
    input:
        lambda wildcards: files(study.row(wildcards.dataset)),
        lambda wildcards: sum(map(files, neighbours(wildcards.dataset, wildcards.negatives)), []),
        unpack(lambda wildcards: genome(study.row(wildcards.dataset))),
        positives=POSITIVES,
    output:
        table=NEGATIVES,
        log="results/negatives/{dataset}/{negatives}.log.tsv",
    log:
        "logs/draw_negatives/{dataset}/{negatives}.log",
    params:
        row=lambda wildcards: study.row(wildcards.dataset),
        neighbours=lambda wildcards: neighbours(wildcards.dataset, wildcards.negatives),
        chromosomes=lambda wildcards: chromosomes(study.row(wildcards.dataset)),
        kinds=lambda wildcards: study.kinds(wildcards.negatives, study.datasets[wildcards.dataset]["assay"]),
        options=lambda wildcards: study.config["negatives"][wildcards.negatives],
        sequence=study.config["sequence"],
        split=study.config["split"],
        seeds=study.config["seeds"],
        code=digest("negatives", "assays"),
    conda:
        ENV
    script:
        "../scripts/negatives.py"
