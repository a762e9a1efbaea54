"""Targets met without their labels: adaptations of the source model, and what could be foreseen of the drop."""


rule adapt_unlabelled:
    input:
        source=network("source"),
        own=network("target"),
        positives=lambda wildcards: both(POSITIVES, wildcards),
        negatives=lambda wildcards: both(NEGATIVES, wildcards),
        leaking=lambda wildcards: both(LEAKING, wildcards),
        others=lambda wildcards: expand(
            POSITIVES, dataset=plan.strangers(wildcards.source, wildcards.negatives)
        ),
        cycles=lambda wildcards: with_negatives(
            study.cycles(wildcards.source, wildcards.target), wildcards.negatives
        ),
    output:
        adaptation="results/unlabelled/{source}/{target}/{negatives}/{model}/adaptation.tsv",
        signs="results/unlabelled/{source}/{target}/{negatives}/{model}/signs.tsv",
    log:
        "logs/adapt_unlabelled/{source}/{target}/{negatives}/{model}.log",
    benchmark:
        "logs/adapt_unlabelled/{source}/{target}/{negatives}/{model}.tsv"
    conda:
        ENV
    params:
        rows=lambda wildcards: study.pair(wildcards.source, wildcards.target),
        reading=lambda wildcards: study.config["models"][wildcards.model]["reading"],
        config=lambda wildcards: {
            "training": study.training(wildcards.source),
            **{key: study.config[key] for key in ("transfer", "statistics")},
        },
        code=digest("transfer.unsupervised_adaptation", "sequences.leakage"),
    script:
        "../scripts/unlabelled.py"


rule adaptation:
    input:
        adaptation=of_pair("adaptation"),
        signs=of_pair("signs"),
        libraries=rules.summarise.output.libraries,
    output:
        adaptation=report(
            "results/adaptation.tsv",
            caption="../report/adaptation.rst",
            category="Tables",
        ),
        transferability=report(
            "results/transferability.tsv",
            caption="../report/adaptation.rst",
            category="Tables",
        ),
    log:
        "logs/adaptation.log",
    benchmark:
        "logs/adaptation.tsv"
    conda:
        ENV
    params:
        level=study.config["statistics"]["level"],
        code=digest("transfer.transferability"),
    script:
        "../scripts/adaptation.py"
