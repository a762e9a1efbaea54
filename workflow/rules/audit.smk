"""Before training: which training rows of a source are in the test sets that its models will be scored on."""

AUDIT = "results/audit/{dataset}/{negatives}.tsv"
AUDIT_FOREIGN = "results/audit/{dataset}/{negatives}/{model}.tsv"


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


rule audit_foreign:
    input:
        unpack(declared_genome),
        declared=lambda wildcards: files_of_study(
            study.declared(wildcards.model, wildcards.dataset)
        ),
        positives=lambda wildcards: [
            POSITIVES.format(dataset=t)
            for t in study.targets(wildcards.dataset)
            if study.declared(wildcards.model, wildcards.dataset)
        ],
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=t, negatives=x)
            for t, x in plan.tests(wildcards.dataset, wildcards.negatives)
            if study.declared(wildcards.model, wildcards.dataset)
        ],
    output:
        AUDIT_FOREIGN,
    log:
        "logs/audit_foreign/{dataset}/{negatives}/{model}.log",
    benchmark:
        "logs/audit_foreign/{dataset}/{negatives}/{model}.tsv"
    wildcard_constraints:
        model=one_of(plan.made_by("external")),
    conda:
        ENV
    params:
        source=lambda wildcards: plan.compared(wildcards.dataset),
        targets=lambda wildcards: {
            t: plan.compared(t) for t in study.targets(wildcards.dataset)
        },
        tests=lambda wildcards: plan.tests(wildcards.dataset, wildcards.negatives),
        genome=lambda wildcards: study.config["models"][wildcards.model]["genome"],
        opened=lambda wildcards: plan.opened(
            study.config["models"][wildcards.model]["genome"]
        ),
        options=study.config["audit"],
        code=digest("sequences.leakage", "sequences.declared"),
    script:
        "../scripts/audit_foreign.py"


rule audit:
    input:
        [
            AUDIT.format(dataset=d, negatives=x)
            for d in study.datasets
            for x in study.labels(d)
        ],
        [
            AUDIT_FOREIGN.format(dataset=d, negatives=x, model=m)
            for d in study.datasets
            for x, m in plan.models("external", d)
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
