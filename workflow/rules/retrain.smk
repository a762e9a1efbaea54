"""How many examples of the target are worth a training of its own: learning curves of every pair that the config names."""

CURVE = "results/retrain/{source}/{target}/{negatives}/{model}/{table}.tsv"


wildcard_constraints:
    source=one_of(study.datasets),
    target=one_of(study.datasets),


def of_curve(table):
    return [
        CURVE.format(source=s, target=t, negatives=x, model=m, table=table)
        for s, t, x, m in study.retrained()
    ]


def retrain_tables():
    """The learning curves, where the config asks for some."""
    names = ("retrain", "crossings") if study.retrained() else ()
    return [f"results/{name}.tsv" for name in names]


def both(pattern, wildcards):
    """A file of the source and that of the target."""
    label = wildcards.negatives
    return [
        pattern.format(dataset=dataset, negatives=label)
        for dataset in (wildcards.source, wildcards.target)
    ]


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
    conda:
        ENV
    params:
        rows=lambda wildcards: [
            study.row(wildcards.source),
            study.row(wildcards.target),
        ],
        reading=lambda wildcards: study.config["models"][wildcards.model]["reading"],
        config={
            key: study.config[key] for key in ("training", "transfer", "statistics")
        },
        code=digest("adaptation", "audit"),
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
    conda:
        ENV
    script:
        "../scripts/retrain.py"
