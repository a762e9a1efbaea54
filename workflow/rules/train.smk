"""One job trains all networks of a dataset, one after the other; another fits its baselines."""

for name, datasets, units in plan.variants(
    "train", lambda d: plan.models("training", d)
):

    rule:
        name:
            name
        input:
            positives=POSITIVES,
            negatives=of_labels(NEGATIVES),
            leaking=lambda wildcards: leaking_of_folds(
                study.labels(wildcards.dataset), wildcards.dataset
            ),
        output:
            weights=of_units(f"{MODEL}/{{fold}}model.safetensors", units),
            models=of_units(f"{MODEL}/{{fold}}model.json", units),
            histories=of_units(f"{MODEL}/{{fold}}history.tsv", units),
        log:
            "logs/train/{dataset}.log",
        benchmark:
            "logs/train/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            labels=lambda wildcards: study.labels(wildcards.dataset),
            units=lambda wildcards: plan.trained("training", wildcards.dataset),
            training=lambda wildcards: study.training(wildcards.dataset),
            seeds=study.config["seeds"],
            code=digest("models.training", "sequences.leakage"),
        script:
            "../scripts/train.py"

    as_first("train", name)


for name, datasets, units in plan.variants("fit", lambda d: plan.models("baseline", d)):

    rule:
        name:
            name
        input:
            positives=POSITIVES,
            negatives=of_labels(NEGATIVES),
            matrices=lambda wildcards: plan.matrices(wildcards.dataset),
            leaking=lambda wildcards: leaking_of_folds(
                study.labels(wildcards.dataset), wildcards.dataset
            ),
        output:
            weights=of_units(f"{MODEL}/{{fold}}model.safetensors", units),
            models=of_units(f"{MODEL}/{{fold}}model.json", units),
            histories=of_units(f"{MODEL}/{{fold}}history.tsv", units),
        log:
            "logs/fit/{dataset}.log",
        benchmark:
            "logs/fit/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            labels=lambda wildcards: study.labels(wildcards.dataset),
            units=lambda wildcards: plan.trained("baseline", wildcards.dataset),
            seeds=study.config["seeds"],
            code=digest("models.baseline", "sequences.leakage"),
        script:
            "../scripts/fit.py"

    as_first("fit", name)
