"""What each model has learnt, as motifs, and which known ones they are."""

LEARNT = "results/motifs/{dataset}/{negatives}/{model}"


LEARNERS = [
    (d, label, model) for d in study.datasets for label, model in plan.learners(d)
]


for name, datasets, units in plan.variants("interpret", plan.learners):

    rule:
        name:
            name
        input:
            models=lambda wildcards: [
                f"results/models/{wildcards.dataset}/{x}/{m}/{file}"
                for x, m in plan.learners(wildcards.dataset)
                for file in ("model.json", "model.safetensors")
            ],
            positives=POSITIVES,
            negatives=of_labels(NEGATIVES),
        output:
            tables=of_units(f"{LEARNT}.tsv", units),
            motifs=of_units(f"{LEARNT}.meme", units),
        log:
            "logs/interpret/{dataset}.log",
        benchmark:
            "logs/interpret/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            labels=lambda wildcards: study.labels(wildcards.dataset),
            units=lambda wildcards: [
                (x, m, study.config["models"][m].get("reading", "whole"))
                for x, m in plan.learners(wildcards.dataset)
            ],
            code=digest("interpretation.attribution"),
        script:
            "../scripts/interpret.py"

    as_first("interpret", name)


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
        rows={d: study.row(d, DESCRIBES) for d in study.datasets},
        code=digest("interpretation.tomtom"),
    script:
        "../scripts/motifs.py"
