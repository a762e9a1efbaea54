"""Where a drop goes: what each cause explains, of every pair that the config names."""

CAUSE = "results/causes/{source}/{target}/{negatives}/{model}.tsv"


rule explain:
    input:
        positives=lambda wildcards: explaining(POSITIVES, wildcards),
        negatives=lambda wildcards: explaining(NEGATIVES, wildcards),
        leaking=lambda wildcards: explaining(LEAKING, wildcards),
    output:
        CAUSE,
    log:
        "logs/explain/{source}/{target}/{negatives}/{model}.log",
    benchmark:
        "logs/explain/{source}/{target}/{negatives}/{model}.tsv"
    conda:
        ENV
    params:
        rows=lambda wildcards: study.pair(wildcards.source, wildcards.target),
        model=lambda wildcards: {
            **study.options(wildcards.model, wildcards.source),
            "reading": study.config["models"][wildcards.model]["reading"],
        },
        config=lambda wildcards: {
            "training": study.training(wildcards.source),
            "steps": study.config["transfer"].get("causes", {}).get("steps"),
            **{key: study.config[key] for key in ("statistics", "seeds")},
        },
        code=digest("transfer.drop_attribution", "sequences.leakage"),
    script:
        "../scripts/explain.py"


rule causes:
    input:
        [
            CAUSE.format(source=s, target=t, negatives=x, model=m)
            for s, t, x, m in study.explained()
        ],
    output:
        report("results/causes.tsv", caption="../report/causes.rst", category="Tables"),
    log:
        "logs/causes.log",
    benchmark:
        "logs/causes.tsv"
    conda:
        ENV
    script:
        "../scripts/causes.py"
