"""What each model has learnt, as motifs, and which known ones they are."""

LEARNT = "results/motifs/{dataset}/{negatives}/{model}"
LEARNERS = [
    (d, label, model)
    for d in study.datasets
    for label in study.labels(d)
    for model in study.models(study.datasets[d]["tf"])
    if model in made_by("training") or KIND[model] == "regression"
]


rule interpret:
    input:
        model=multiext(
            "results/models/{dataset}/{negatives}/{model}/",
            "model.json",
            "model.safetensors",
        ),
        positives=POSITIVES,
        negatives=NEGATIVES,
    output:
        table=f"{LEARNT}.tsv",
        motifs=f"{LEARNT}.meme",
    log:
        "logs/interpret/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/interpret/{dataset}/{negatives}/{model}.tsv"
    conda:
        ENV
    params:
        reading=lambda wildcards: study.config["models"][wildcards.model].get(
            "reading", "whole"
        ),
        code=digest("interpretation"),
    script:
        "../scripts/interpret.py"


rule motifs:
    input:
        tables=[
            f"{LEARNT}.tsv".format(dataset=d, negatives=x, model=m)
            for d, x, m in LEARNERS
        ],
        motifs=[
            f"{LEARNT}.meme".format(dataset=d, negatives=x, model=m)
            for d, x, m in LEARNERS
        ],
    output:
        table=report(
            "results/motifs.tsv", caption="../report/motifs.rst", category="Tables"
        ),
        motifs="results/motifs.meme",
    log:
        "logs/motifs.log",
    benchmark:
        "logs/motifs.tsv"
    conda:
        ENV
    params:
        learners=LEARNERS,
        rows=study.datasets,
        code=digest("matching"),
    script:
        "../scripts/motifs.py"
