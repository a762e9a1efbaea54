"""One self-contained page that answers the question."""


rule report_page:
    input:
        tables=[
            rules.summarise.output[name]
            for name in (
                *("metrics", "transfer", "summary", "shifts", "libraries"),
                *("ladder", "variance", "calibration"),
            )
        ],
        verdicts=rules.summarise.output.verdicts,
        audit=rules.audit.output[0],
        retrain=retrain_tables(),
        celltype=["results/celltype.tsv"] if study.cells else [],
        curves=expand(EVALUATION, tf=study.tfs(), table="curves"),
        reliability=expand(EVALUATION, tf=study.tfs(), table="reliability"),
        positives=expand("results/positives/{dataset}.log.tsv", dataset=study.datasets),
        negatives=[
            f"results/negatives/{d}/{label}.log.tsv"
            for d in study.datasets
            for label in study.labels(d)
        ],
    output:
        report("results/report.html", caption="../report/report.rst", category="Report"),
    log:
        "logs/report_page.log",
    conda:
        ENV
    params:
        title=study.config["report"]["title"],
        datasets=list(study.datasets),
        labels=[(d, label) for d in study.datasets for label in study.labels(d)],
        rows=study.datasets,
        config=study.config,
        code=digest("report"),
    script:
        "../scripts/report.py"
