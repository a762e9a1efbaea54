"""Named sets of negatives: one job draws all of a dataset."""

for name, datasets, labels in plan.variants("draw_negatives", study.labels):

    rule:
        name:
            name
        input:
            unpack(lambda wildcards: genome(study.row(wildcards.dataset))),
            files=lambda wildcards: files_of_study(plan.drawn_from(wildcards.dataset)),
            positives=POSITIVES,
            others=lambda wildcards: expand(
                POSITIVES,
                dataset=dict.fromkeys(
                    sum(study.pools(wildcards.dataset).values(), [])
                ),
            ),
            bound=lambda wildcards: expand(
                POSITIVES, dataset=study.alike(wildcards.dataset)
            ),
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
            row=lambda wildcards: study.row(wildcards.dataset, SEQUENCES),
            located=lambda wildcards, input: located(
                study.datasets[wildcards.dataset]["genome"],
                plan.drawn_from(wildcards.dataset),
                input,
            ),
            neighbours=lambda wildcards: study.neighbours(wildcards.dataset),
            others=lambda wildcards: study.pools(wildcards.dataset),
            genome=lambda wildcards: plan.opened(
                study.datasets[wildcards.dataset]["genome"]
            ),
            labels=lambda wildcards: study.drawn(wildcards.dataset),
            sequence=lambda wildcards: study.made(wildcards.dataset),
            split=study.config["split"],
            seeds=study.config["seeds"],
            code=digest("sequences.drawing", "storage"),
        script:
            "../scripts/negatives.py"

    as_first("draw_negatives", name)
