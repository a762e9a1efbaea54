"""Every model scores the test rows of every target of its TF."""


def weights(wildcards):
    return f"results/models/{wildcards.dataset}/{wildcards.negatives}/{study.trained(wildcards.model)}/model.json"


rule predict:
    input:
        model=weights,
        weights=lambda wildcards: weights(wildcards).replace(".json", ".safetensors"),
        positives=lambda wildcards: expand(POSITIVES, dataset=study.targets(wildcards.dataset)),
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=t, negatives=x) for t, x in tests(wildcards.dataset, wildcards.negatives)
        ],
    output:
        PREDICTIONS,
    log:
        "logs/predict/{dataset}/{negatives}/{model}.log",
    params:
        targets=lambda wildcards: study.targets(wildcards.dataset),
        tests=lambda wildcards: tests(wildcards.dataset, wildcards.negatives),
        reading=lambda wildcards: study.config["models"][wildcards.model].get("reading", "whole"),
        code=digest("prediction"),
    conda:
        ENV
    script:
        "../scripts/predict.py"
