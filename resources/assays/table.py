"""The tables of the pairs of assays, as Markdown, from the results of `make assays`."""

from pathlib import Path

from tfbind.assays import printed
from tfbind.io import tables
from tfbind.transfer.summary import BEST

RESULTS = Path(__file__).parents[2] / "results-assays" / "results"
READINGS = {"whole": "deepbind", "scanned": "deepbind_scan"}


def auroc(value):
    """An AUROC; a dash where there is none."""
    return "–" if value != value else f"{value:.3f}"


pairs = tables.read_tsv(RESULTS / "assay_pairs.tsv")
for model in (BEST, *READINGS.values()):
    print(f"\n`{model}`:\n")
    print("| from → to | TFs | floor | same | cross | drop (95 % interval), points | p | least p | left out |")
    print("| --- |" + " --- |" * 8)
    for row in pairs[pairs["model"] == model].to_dict("records"):
        drop = "–"
        if row["drop"] == row["drop"]:
            drop = "{:.1f} ({:.1f} to {:.1f})".format(*(100 * row[name] for name in ("drop", "low", "high")))
        cells = [f"{printed(row['source_assay'])} → {printed(row['target_assay'])}", f"{row['n_tf']:.0f}"]
        cells += [auroc(row[name]) for name in ("floor", "same", "cross")] + [drop]
        cells += ["–" if row[name] != row[name] else f"{row[name]:.2g}" for name in ("p_value", "p_minimum")]
        print(f"| {' | '.join(cells)} | {'' if row['left_out'] != row['left_out'] else row['left_out']} |")

transfer = tables.read_tsv(RESULTS / "transfer.tsv")
verdicts = tables.read_tsv(RESULTS / "libraries.tsv").set_index("dataset")["verdict"]
of = transfer[(transfer["shift"] == "assay") | transfer["tf"].str.contains(">")]
of = of[(of["train_negatives"] == of["test_negatives"]) & of["model"].isin(READINGS.values())]
print("\n| from → to | on | n | `deepbind`: same / whole / scanned | source | target |\n| --- |" + " --- |" * 5)
for (source, target), part in of.groupby(["source", "target"], sort=False):
    part = part.set_index("model")
    cells = [
        auroc(part["same"].iloc[0]),
        *(auroc(part["cross"].get(model, float("nan"))) for model in READINGS.values()),
    ]
    assays = f"{printed(part['source_assay'].iloc[0])} → {printed(part['target_assay'].iloc[0])}"
    count = f"{part['n_positive'].iloc[0]} + {part['n_negative'].iloc[0]}"
    sound = [verdicts[dataset].split(":")[0] for dataset in (source, target)]
    print(f"| {source} → {target} | {assays} | {count} | {' / '.join(cells)} | {' | '.join(sound)} |")
