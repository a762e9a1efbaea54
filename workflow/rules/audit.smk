"""Before training: which training rows of a source are in the test sets that its models will be scored on."""

AUDIT = "results/audit/{dataset}/{negatives}.tsv"


for name, datasets, labels in plan.variants("audit_source", study.labels):

    rule:
        name:
            name
        input:
            bound=POSITIVES,
            unbound=of_labels(NEGATIVES),
            positives=lambda wildcards: expand(
                POSITIVES, dataset=study.targets(wildcards.dataset)
            ),
            negatives=lambda wildcards: [
                NEGATIVES.format(dataset=t, negatives=x)
                for t, x in plan.tested(wildcards.dataset)
            ],
        output:
            leaking=leaking_of_folds(labels),
            counts=expand(AUDIT, negatives=labels, allow_missing=True),
        log:
            "logs/audit_source/{dataset}.log",
        benchmark:
            "logs/audit_source/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            source=lambda wildcards: plan.compared(wildcards.dataset),
            targets=lambda wildcards: {
                t: plan.compared(t) for t in study.targets(wildcards.dataset)
            },
            tested=lambda wildcards: plan.tested(wildcards.dataset),
            tests=lambda wildcards: plan.tests_of(wildcards.dataset),
            options=study.config["audit"],
            code=digest("sequences.leakage"),
        script:
            "../scripts/audit.py"

    as_first("audit_source", name)


rule audit:
    input:
        [
            AUDIT.format(dataset=d, negatives=x)
            for d in study.datasets
            for x in study.labels(d)
        ],
    output:
        report("results/audit.tsv", caption="../report/audit.rst", category="Tables"),
    log:
        "logs/audit.log",
    benchmark:
        "logs/audit.tsv"
    conda:
        ENV
    params:
        rows=study.kinship(study.datasets),
        code=digest("sequences.leakage", "study.shifts"),
    script:
        "../scripts/audit_table.py"
