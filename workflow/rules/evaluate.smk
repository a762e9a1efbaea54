"""Predictions -> metrics with intervals, paired drops, and the tables over TFs."""

EVALUATION = "results/evaluation/{tf}/{table}.tsv"


rule evaluate:
    input:
        positives=lambda wildcards: expand(
            POSITIVES, dataset=plan.of_tf(tf_of(wildcards))
        ),
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=d, negatives=x)
            for d, x in plan.labelled(tf_of(wildcards))
        ],
        predictions=lambda wildcards: [
            PREDICTIONS.format(dataset=d, negatives=x, model=m)
            for d, x, m in plan.runs(tf_of(wildcards))
        ],
        audits=lambda wildcards: list(
            dict.fromkeys(
                pattern.format(dataset=d, negatives=x, model=m)
                for d, x, m in plan.runs(tf_of(wildcards))
                for pattern in (AUDIT, AUDIT_FOREIGN)
                if pattern == AUDIT or m in plan.made_by("external")
            )
        ),
    output:
        metrics="results/evaluation/{tf}/metrics.tsv",
        transfer="results/evaluation/{tf}/transfer.tsv",
        curves="results/evaluation/{tf}/curves.tsv",
        calibration="results/evaluation/{tf}/calibration.tsv",
        reliability="results/evaluation/{tf}/reliability.tsv",
    log:
        "logs/evaluate/{tf}.log",
    benchmark:
        "logs/evaluate/{tf}.tsv"
    conda:
        ENV
    params:
        tf=tf_of,
        rows=lambda wildcards: study.kinship(plan.sources(tf_of(wildcards))),
        targets=lambda wildcards: plan.of_tf(tf_of(wildcards)),
        labelled=lambda wildcards: plan.labelled(tf_of(wildcards)),
        runs=lambda wildcards: plan.runs(tf_of(wildcards)),
        config=lambda wildcards: plan.evaluated(tf_of(wildcards)),
        code=digest("transfer.evaluate", "transfer.calibration", "sequences.leakage"),
    script:
        "../scripts/evaluate.py"


rule summarise:
    input:
        metrics=expand(EVALUATION, tf=TFS, table="metrics"),
        transfer=expand(EVALUATION, tf=TFS, table="transfer"),
        calibration=expand(EVALUATION, tf=TFS, table="calibration"),
        positives=expand(POSITIVES, dataset=study.datasets),
        logs=expand("results/positives/{dataset}.log.tsv", dataset=study.datasets),
        negatives=[
            NEGATIVES.format(dataset=d, negatives=study.labels(d)[0])
            for d in study.datasets
        ],
        counted=files_of_study(row["path"] for row in plan.counted().values()),
    output:
        metrics=report(
            "results/metrics.tsv", caption="../report/metrics.rst", category="Tables"
        ),
        transfer=report(
            "results/transfer.tsv", caption="../report/transfer.rst", category="Tables"
        ),
        summary=report(
            "results/summary.tsv", caption="../report/summary.rst", category="Tables"
        ),
        shifts="results/shifts.tsv",
        assay_pairs="results/assay_pairs.tsv",
        libraries=report(
            "results/libraries.tsv",
            caption="../report/libraries.rst",
            category="Tables",
        ),
        ladder="results/ladder.tsv",
        variance="results/variance.tsv",
        calibration="results/calibration.tsv",
        verdicts="results/verdicts.tsv",
        guidance="results/guidance.tsv",
    log:
        "logs/summarise.log",
    benchmark:
        "logs/summarise.tsv"
    conda:
        ENV
    params:
        rows={d: study.row(d, DESCRIBES) for d in study.datasets},
        counted=plan.counted(),
        located=lambda wildcards, input: dict(
            zip(
                [row["path"] for row in plan.counted().values()],
                input.get("counted"),
                strict=True,
            )
        ),
        models=study.config["models"],
        level=study.config["statistics"]["level"],
        code=digest(
            "storage",
            "transfer.verdicts",
            "transfer.guidance",
            "transfer.library_qc",
            "transfer.ladder",
            "statistics.variance_components",
        ),
    script:
        "../scripts/summarise.py"
