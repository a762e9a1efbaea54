"""How many examples of the target are worth a training of its own: learning curves of every pair that the config names."""


rule adapt:
    input:
        model=multiext(
            "results/models/{source}/{negatives}/{model}/",
            "model.json",
            "model.safetensors",
        ),
        positives=lambda wildcards: both(POSITIVES, wildcards),
        negatives=lambda wildcards: both(NEGATIVES, wildcards),
        leaking=lambda wildcards: both(LEAKING, wildcards),
    output:
        retrain="results/retrain/{source}/{target}/{negatives}/{model}/retrain.tsv",
        crossings="results/retrain/{source}/{target}/{negatives}/{model}/crossings.tsv",
    log:
        "logs/adapt/{source}/{target}/{negatives}/{model}.log",
    benchmark:
        "logs/adapt/{source}/{target}/{negatives}/{model}.tsv"
    conda:
        ENV
    params:
        rows=lambda wildcards: study.pair(wildcards.source, wildcards.target),
        reading=lambda wildcards: study.config["models"][wildcards.model]["reading"],
        config=lambda wildcards: {
            "training": study.training(wildcards.target),
            **{key: study.config[key] for key in ("transfer", "statistics")},
        },
        code=digest("transfer.learning_curves", "sequences.leakage"),
    script:
        "../scripts/adapt.py"


rule retrain:
    input:
        retrain=of_curve("retrain"),
        crossings=of_curve("crossings"),
    output:
        retrain=report(
            "results/retrain.tsv", caption="../report/retrain.rst", category="Tables"
        ),
        crossings=report(
            "results/crossings.tsv", caption="../report/retrain.rst", category="Tables"
        ),
    log:
        "logs/retrain.log",
    benchmark:
        "logs/retrain.tsv"
    conda:
        ENV
    script:
        "../scripts/retrain.py"
