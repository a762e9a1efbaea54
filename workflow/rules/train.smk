"""One job trains all seeds of a (dataset, negatives, model); the baselines are fitted beside the networks."""


rule train:
    input:
        positives=POSITIVES,
        negatives=NEGATIVES,
        leaking=leaking,
    output:
        multiext(
            "results/models/{dataset}/{negatives}/{model}/",
            "model.safetensors",
            "model.json",
            "history.tsv",
        ),
    log:
        "logs/train/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/train/{dataset}/{negatives}/{model}.tsv"
    wildcard_constraints:
        model=one_of(made_by("training")),
    conda:
        ENV
    params:
        options=lambda wildcards: study.options(wildcards.model, wildcards.dataset),
        training=study.config["training"],
        seeds=study.config["seeds"],
        embed=lambda wildcards: study.embedded(wildcards.model),
        code=digest("training", "audit"),
    script:
        "../scripts/train.py"


rule fit:
    input:
        positives=POSITIVES,
        negatives=NEGATIVES,
        leaking=leaking,
    output:
        multiext(
            "results/models/{dataset}/{negatives}/{model}/",
            "model.safetensors",
            "model.json",
            "history.tsv",
        ),
    log:
        "logs/fit/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/fit/{dataset}/{negatives}/{model}.tsv"
    wildcard_constraints:
        model=one_of(made_by("baseline")),
    conda:
        ENV
    params:
        options=lambda wildcards: study.options(wildcards.model, wildcards.dataset),
        seeds=study.config["seeds"],
        code=digest("baseline", "audit"),
    script:
        "../scripts/fit.py"
