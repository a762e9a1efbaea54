"""Named sets of negatives: one job draws all of a dataset."""

for name, datasets, labels in variants("draw_negatives", study.labels):

    rule:
        name:
            name
        input:
            lambda wildcards: files(study.row(wildcards.dataset)),
            lambda wildcards: sum(map(files, neighbours(wildcards.dataset)), []),
            unpack(lambda wildcards: genome(study.row(wildcards.dataset))),
            positives=POSITIVES,
            others=lambda wildcards: expand(
                POSITIVES,
                dataset=dict.fromkeys(sum(others(wildcards.dataset).values(), [])),
            ),
            bound=lambda wildcards: expand(POSITIVES, dataset=alike(wildcards.dataset)),
        output:
            tables=expand(NEGATIVES, negatives=labels, allow_missing=True),
            logs=expand(
                "results/negatives/{dataset}/{negatives}.log.tsv",
                negatives=labels,
                allow_missing=True,
            ),
        log:
            "logs/draw_negatives/{dataset}.log",
        benchmark:
            "logs/draw_negatives/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            row=lambda wildcards: study.row(wildcards.dataset, studies.SEQUENCES),
            neighbours=lambda wildcards: neighbours(wildcards.dataset),
            others=lambda wildcards: others(wildcards.dataset),
            chromosomes=lambda wildcards: chromosomes(study.row(wildcards.dataset)),
            labels=lambda wildcards: {
                label: study.config["negatives"][label]
                | {
                    "kinds": study.kinds(
                        label, study.datasets[wildcards.dataset]["assay"]
                    )
                }
                for label in study.labels(wildcards.dataset)
            },
            sequence=study.config["sequence"],
            split=study.config["split"],
            seeds=study.config["seeds"],
            code=digest("negatives", "assays"),
        script:
            "../scripts/negatives.py"

    as_first("draw_negatives", name)
