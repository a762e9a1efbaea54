"""Every model scores the test rows of every target of its TF."""

for name, datasets, units in plan.variants("predict", plan.scored):

    rule:
        name:
            name
        input:
            models=lambda wildcards: [
                f"results/models/{wildcards.dataset}/{x}/{m}/{fold}{file}"
                for x, m in plan.weights(wildcards.dataset)
                for fold in FOLDS
                for file in ("model.json", "model.safetensors")
            ],
            leaking=lambda wildcards: leaking_of_folds(
                study.labels(wildcards.dataset), wildcards.dataset
            ),
            positives=lambda wildcards: expand(
                POSITIVES, dataset=study.targets(wildcards.dataset)
            ),
            negatives=lambda wildcards: [
                NEGATIVES.format(dataset=t, negatives=x)
                for t, x in plan.tested(wildcards.dataset)
            ],
        output:
            of_units(PREDICTIONS, units),
        log:
            "logs/predict/{dataset}.log",
        benchmark:
            "logs/predict/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            targets=lambda wildcards: study.targets(wildcards.dataset),
            tested=lambda wildcards: plan.tested(wildcards.dataset),
            tests=lambda wildcards: plan.tests_of(wildcards.dataset),
            trained=lambda wildcards: plan.weights(wildcards.dataset),
            units=lambda wildcards: [
                (
                    x,
                    m,
                    study.trained(m),
                    study.reading(m, wildcards.dataset),
                )
                for x, m in plan.scored(wildcards.dataset)
            ],
            code=digest("models.predict", "sequences.leakage"),
        script:
            "../scripts/predict.py"

    as_first("predict", name)


rule take_scores:
    input:
        scores=foreign_scores,
        positives=lambda wildcards: expand(
            POSITIVES, dataset=study.targets(wildcards.dataset)
        ),
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=t, negatives=x)
            for t, x in plan.tests(wildcards.dataset, wildcards.negatives)
        ],
    output:
        PREDICTIONS,
    log:
        "logs/take_scores/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/take_scores/{dataset}/{negatives}/{model}.tsv"
    wildcard_constraints:
        model=one_of(plan.made_by("external")),
    conda:
        ENV
    params:
        folder=lambda wildcards: study.config["models"][wildcards.model]["path"],
        targets=lambda wildcards: study.targets(wildcards.dataset),
        tests=lambda wildcards: plan.tests(wildcards.dataset, wildcards.negatives),
        code=digest("transfer.external_scores"),
    script:
        "../scripts/take_scores.py"
