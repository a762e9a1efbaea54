"""What comes from outside, or is simulated: fetched, verified and indexed once."""


rule fetch:
    output:
        "resources/downloads/{key}/{name}",
    log:
        "logs/fetch/{key}/{name}.log",
    benchmark:
        "logs/fetch/{key}/{name}.tsv"
    localrule: True
    conda:
        ENV
    params:
        source=lambda wildcards, output: study.downloads()[
            f"resources/downloads/{wildcards.key}/{wildcards.name}"
        ],
    script:
        "../scripts/fetch.py"


rule index_genome:
    input:
        lambda wildcards: file_of_study(
            paths.local(study.config["genomes"][wildcards.genome]["fasta"])
        ),
    output:
        fasta="resources/genomes/{genome}.fa",
        index="resources/genomes/{genome}.fa.fai",
    log:
        "logs/index_genome/{genome}.log",
    benchmark:
        "logs/index_genome/{genome}.tsv"
    conda:
        ENV
    params:
        sha256=lambda wildcards: study.config["genomes"][wildcards.genome]["sha256"],
        code=digest("io.genome"),
    script:
        "../scripts/index_genome.py"


if "simulation" in study.config:
    simulated = study.simulated

    rule simulate:
        output:
            [
                str(simulated / name)
                for name in paths.simulated(
                    assays=study.config["simulation"]["assays"]
                )
            ],
        log:
            "logs/simulate.log",
        benchmark:
            "logs/simulate.tsv"
        conda:
            ENV
        params:
            seed=study.config["simulation"]["seed"],
            assays=study.config["simulation"]["assays"],
            code=digest("simulation.simulate"),
        script:
            "../scripts/simulate.py"
