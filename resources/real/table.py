"""The tables of the README, as Markdown, from the results of `make real`."""

from pathlib import Path

from tfbind.io import tables
from tfbind.transfer import summary as transfer_summary

RESULTS = Path(__file__).parents[2] / "results-real" / "results"
MODELS = ("deepbind", "bilstm", "bilstm_max", "regression")


def against_shuffles(table):
    """The rows trained and tested with the label `standard`."""
    return table[(table["train_negatives"] == "standard") & (table["test_negatives"] == "standard")]


def means(summary):
    """Print one line a model."""
    print("\n| model | TFs | trained on ChIP-seq | trained on HT-SELEX | drop (95 % interval), points | p |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in against_shuffles(summary).itertuples():
        drop = f"{100 * row.drop:.1f} ({100 * row.low:.1f} to {100 * row.high:.1f})"
        print(f"| `{row.model}` | {row.n_tf} | {row.same:.3f} | {row.cross:.3f} | {drop} | {row.p_value:.2g} |")


means(tables.read_tsv(RESULTS / "summary.tsv"))
pairs = tables.read_tsv(RESULTS / "transfer.tsv")
libraries = tables.read_tsv(RESULTS / "libraries.tsv")
poor = libraries["dataset"][libraries["verdict"].str.startswith("poor")]
print(f"\nwithout the poor libraries ({', '.join(poor)}):")
means(transfer_summary.summary(pairs[~pairs["source"].isin(poor)]))

into = (pairs["target_assay"] == "chipseq") & (pairs["source_assay"] == "htselex") & ~pairs["tf"].str.contains(">")
pairs = against_shuffles(pairs[into])
print("\n| ChIP-seq test set | n | " + " | ".join(f"`{m}`: ChIP / SELEX whole / scanned" for m in MODELS) + " |")
print("| --- | --- |" + " --- |" * len(MODELS))
for target, part in pairs.groupby("target", sort=False):
    line, part = [], part.set_index("model")
    for model in MODELS:
        if model not in part.index:  # the published form, for some TFs only
            line.append("–")
            continue
        whole, scan = part.loc[model], part.loc[f"{model}_scan"]
        line.append(f"{whole['same']:.3f} / {whole['cross']:.3f} / {scan['cross']:.3f}")
    print(f"| {target} | {part['n_positive'].iloc[0]} + {part['n_negative'].iloc[0]} | " + " | ".join(line) + " |")

READINGS = {"whole": "deepbind", "scanned": "deepbind_scan", "embedded": "deepbind_embed"}
print("\n| `deepbind` trained on HT-SELEX, tested on ChIP-seq | " + " | ".join(READINGS) + " |\n| --- |" + " --- |" * 3)
read = pairs[pairs["model"].isin(READINGS.values())].pivot(index="target", columns="model", values="cross")
read = read.loc[read["deepbind_embed"].notna(), list(READINGS.values())]
for name, values in [*read.iterrows(), ("mean", read.groupby(lambda target: target.split("_")[0]).mean().mean())]:
    print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")

crossings = tables.read_tsv(RESULTS / "crossings.tsv").set_index(["target", "adaptation", "against"])
retrain = tables.read_tsv(RESULTS / "retrain.tsv").set_index(["target", "adaptation", "n_target"])["value"]


def examples(number, least, most):
    """A number of target examples, as the report writes it."""
    return f"< {least:,}" if number <= least else f"> {most:,}" if number > most else f"{float(f'{number:.2g}'):,.0f}"


WAYS = {
    "finetune": "fine-tuned on 256 / 4,096",
    "retrain": "trained on 256 / 4,096 alone",
    "joint": "on both, 256 / 4,096",
}
print("\n| `deepbind` from HT-SELEX onto | as it is | " + " | ".join(WAYS.values()) + " | retraining pays from |")
print("| --- |" + " --- |" * (len(WAYS) + 2))
for target in dict.fromkeys(retrain.index.get_level_values("target")):
    cells = [
        " / ".join(f"{retrain.get((target, way, n), float('nan')):.3f}".replace("nan", "–") for n in (256, 4096))
        for way in WAYS
    ]
    row = crossings.loc[(target, "retrain", "direct")]
    star, low, high = (examples(row[key], 16, row["most"]) for key in ("n_star", "low", "high"))
    print(f"| {target} | {retrain[target, 'direct', 0]:.3f} | " + " | ".join(cells) + f" | {star} ({low} to {high}) |")

metrics = tables.read_tsv(RESULTS / "metrics.tsv", dtype={"seed": str})
shown = metrics[(metrics["seed"] == "ensemble") & (metrics["metric"] == "auroc") & (metrics["comparison"] == "same")]
print("\n| `deepbind`, GATA3 ChIP-seq | tested against true shuffles | against pair shuffles |\n| --- | --- | --- |")
gata3 = shown[(shown["target"] == "GATA3_shsy5y") & (shown["model"] == "deepbind")]
gata3 = gata3.set_index(["train_negatives", "test_negatives"])["value"]
for label, name in (("standard", "true"), ("pairs", "pair")):
    values = " | ".join(f"{gata3[label, test]:.3f}" for test in ("standard", "pairs"))
    print(f"| trained against {name} shuffles | {values} |")

print("\n| yeast ChIP-exo, `genomic` negatives | n | `deepbind` | `bilstm_max` | `regression` | `composition` |")
print("| --- | --- | --- | --- | --- | --- |")
yeast = shown[(shown["test_negatives"] == "genomic") & (shown["train_negatives"] == "genomic")]
for target, part in yeast.groupby("target", sort=False):
    part = part.set_index("model")
    values = " | ".join(
        f"{part.loc[m, 'value']:.3f} ({part.loc[m, 'low']:.3f}-{part.loc[m, 'high']:.3f})"
        for m in ("deepbind", "bilstm_max", "regression", "composition")
    )
    count = f"{part['n_positive'].iloc[0]} + {part['n_negative'].iloc[0]}"
    print(f"| {target} | {count} | {values} |")
