"""Every model scores the test rows of every target of its TF."""


rule predict:
    input:
        model=lambda wildcards: multiext(
            weights(wildcards), "model.json", "model.safetensors"
        ),
        leaking=LEAKING,
        positives=lambda wildcards: expand(
            POSITIVES, dataset=study.targets(wildcards.dataset)
        ),
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=t, negatives=x)
            for t, x in tests(wildcards.dataset, wildcards.negatives)
        ],
    output:
        PREDICTIONS,
    log:
        "logs/predict/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/predict/{dataset}/{negatives}/{model}.tsv"
    wildcard_constraints:
        model=one_of([model for model in KIND if model not in made_by("foreign")]),
    conda:
        ENV
    params:
        targets=lambda wildcards: study.targets(wildcards.dataset),
        tests=lambda wildcards: tests(wildcards.dataset, wildcards.negatives),
        reading=lambda wildcards: study.config["models"][wildcards.model].get(
            "reading", "whole"
        ),
        code=digest("prediction", "audit"),
    script:
        "../scripts/predict.py"


rule take_scores:
    input:
        scores=foreign_scores,
        positives=lambda wildcards: expand(
            POSITIVES, dataset=study.targets(wildcards.dataset)
        ),
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=t, negatives=x)
            for t, x in tests(wildcards.dataset, wildcards.negatives)
        ],
    output:
        PREDICTIONS,
    log:
        "logs/take_scores/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/take_scores/{dataset}/{negatives}/{model}.tsv"
    wildcard_constraints:
        model=one_of(made_by("foreign")),
    conda:
        ENV
    params:
        folder=lambda wildcards: study.config["models"][wildcards.model]["path"],
        targets=lambda wildcards: study.targets(wildcards.dataset),
        tests=lambda wildcards: tests(wildcards.dataset, wildcards.negatives),
        code=digest("foreign"),
    script:
        "../scripts/take_scores.py"
