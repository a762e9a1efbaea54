"""One self-contained page that answers the question."""

# The page states their checksums, which no sheet gives, and they may be in a storage.
UNVERIFIED = list(
    dict.fromkeys(
        path
        for source, sha256 in study.named()
        if not sha256 and (path := paths.local(source)) in BROUGHT
    )
)


rule report_page:
    input:
        files=UNVERIFIED,
        tables=[
            rules.summarise.output[name]
            for name in (
                *(
                    "metrics",
                    "transfer",
                    "summary",
                    "assay_pairs",
                    "shifts",
                    "libraries",
                ),
                *("ladder", "variance", "calibration"),
            )
        ],
        verdicts=rules.summarise.output.verdicts,
        guidance=rules.summarise.output.guidance,
        audit=rules.audit.output[0],
        causes=causes_table(),
        motifs=[rules.motifs.output.table, rules.motifs.output.motifs],
        retrain=retrain_tables(),
        unlabelled=unlabelled_tables(),
        celltype=["results/celltype.tsv"] if study.cells else [],
        curves=expand(EVALUATION, tf=TFS, table="curves"),
        reliability=expand(EVALUATION, tf=TFS, table="reliability"),
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
    benchmark:
        "logs/report_page.tsv"
    conda:
        ENV
    params:
        title=study.config["report"]["title"],
        located=lambda wildcards, input: located("", UNVERIFIED, input),
        datasets=list(study.datasets),
        labels=[(d, label) for d in study.datasets for label in study.labels(d)],
        rows={d: plan.shown(d) for d in study.datasets},
        cells=[
            {k: v for k, v in row.items() if k not in ("accession", "note")}
            for row in study.cell_files
        ],
        # the page is the same with final models
        config={key: study.config[key] for key in study.config if key != "final"},
        code=digest("report.page"),
    script:
        "../scripts/report.py"


CARDS = [
    (d, label, model)
    for d in study.datasets
    for label in study.labels(d)
    for model in study.models(study.datasets[d]["tf"])
    if study.trained(model) == model and model not in plan.made_by("external")
]


rule cards:
    input:
        [f"results/models/{d}/{x}/{model}/model.json" for d, x, model in CARDS],
        files=[files_of_study(plan.files(d)) for d in study.datasets],
        positives=[POSITIVES.format(dataset=d) for d, _, _ in CARDS],
        negatives=[NEGATIVES.format(dataset=d, negatives=x) for d, x, _ in CARDS],
        leaking=[LEAKING.format(dataset=d, negatives=x) for d, x, _ in CARDS],
        metrics=rules.summarise.output.metrics,
    output:
        cards=[f"results/models/{d}/{x}/{model}/MODEL.md" for d, x, model in CARDS],
        tables=[
            f"results/models/{d}/{x}/{model}/evaluation.tsv" for d, x, model in CARDS
        ],
    log:
        "logs/cards.log",
    benchmark:
        "logs/cards.tsv"
    conda:
        ENV
    params:
        models=CARDS,
        rows={d: plan.shown(d) for d in study.datasets},
        files={
            d: {
                source: paths.local(source)
                for column in paths.PATHS
                if (source := row[column])
            }
            for d, row in study.datasets.items()
        },
        located=lambda wildcards, input: located(
            "", sum(map(plan.files, study.datasets), []), input
        ),
        config={key: study.config[key] for key in ("sequence", "split", "negatives")},
        readings={
            model: {
                label: options.get("reading", "whole")
                for label, options in study.config["models"].items()
                if study.trained(label) == model
            }
            for model in dict.fromkeys(model for _, _, model in CARDS)
        },
        code=digest("models.model_card"),
    script:
        "../scripts/cards.py"
