"""One job trains the evaluated models of a dataset again on all rows, where the config asks for final models."""

FINAL = "results/final/{dataset}/{negatives}/{model}"

for name, datasets, units in plan.variants("final", plan.final):

    rule:
        name:
            name
        input:
            positives=POSITIVES,
            negatives=of_labels(NEGATIVES),
            models=of_units(f"{MODEL}/model.json", units),
            others=[
                of_units(f"{MODEL}/{file}", units)
                for file in ("model.safetensors", "history.tsv")
            ],
        output:
            weights=of_units(f"{FINAL}/model.safetensors", units),
            models=of_units(f"{FINAL}/model.json", units),
            histories=of_units(f"{FINAL}/history.tsv", units),
        log:
            "logs/final/{dataset}.log",
        benchmark:
            "logs/final/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets),
        conda:
            ENV
        params:
            labels=lambda wildcards: study.labels(wildcards.dataset),
            units=lambda wildcards: plan.again(wildcards.dataset),
            seeds=study.config["seeds"],
            code=digest("models.final"),
        script:
            "../scripts/final.py"

    as_first("final", name)


if study.config["final"]:

    rule final_cards:
        input:
            [f"results/models/{d}/{x}/{model}/model.json" for d, x, model in CARDS],
            [
                f"{FINAL}/model.json".format(dataset=d, negatives=x, model=m)
                for d, x, m in CARDS
            ],
            files=rules.cards.input.files,
            positives=rules.cards.input.positives,
            negatives=rules.cards.input.negatives,
            leaking=rules.cards.input.leaking,
            metrics=rules.summarise.output.metrics,
        output:
            cards=[
                f"{FINAL}/MODEL.md".format(dataset=d, negatives=x, model=m)
                for d, x, m in CARDS
            ],
            tables=[
                f"{FINAL}/evaluation.tsv".format(dataset=d, negatives=x, model=m)
                for d, x, m in CARDS
            ],
        log:
            "logs/final_cards.log",
        benchmark:
            "logs/final_cards.tsv"
        conda:
            ENV
        params:
            models=CARDS,
            rows=rules.cards.params.rows,
            files=rules.cards.params.files,
            located=rules.cards.params.located,
            config=rules.cards.params.config,
            readings=rules.cards.params.readings,
            code=digest("models.model_card"),
        script:
            "../scripts/cards.py"
