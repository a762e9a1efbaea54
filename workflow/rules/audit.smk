"""Before training: which training rows of a source are in the test sets that its models will be scored on."""

AUDIT = "results/audit/{dataset}/{negatives}.tsv"


rule audit_source:
    input:
        bound=POSITIVES,
        unbound=NEGATIVES,
        positives=lambda wildcards: expand(
            POSITIVES, dataset=study.targets(wildcards.dataset)
        ),
        negatives=lambda wildcards: [
            NEGATIVES.format(dataset=t, negatives=x)
            for t, x in tests(wildcards.dataset, wildcards.negatives)
        ],
    output:
        leaking=LEAKING,
        counts=AUDIT,
    log:
        "logs/audit_source/{dataset}/{negatives}.log",
    benchmark:
        "logs/audit_source/{dataset}/{negatives}.tsv"
    conda:
        ENV
    params:
        source=lambda wildcards: compared(wildcards.dataset),
        targets=lambda wildcards: {
            t: compared(t) for t in study.targets(wildcards.dataset)
        },
        tests=lambda wildcards: tests(wildcards.dataset, wildcards.negatives),
        options=study.config["audit"],
        code=digest("audit"),
    script:
        "../scripts/audit.py"


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
        rows={d: study.row(d) for d in study.datasets},
        code=digest("audit", "config"),
    script:
        "../scripts/audit_table.py"
