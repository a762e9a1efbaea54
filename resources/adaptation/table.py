"""What is reached without the target's labels, as Markdown, from the results of `make adaptation`: points of AUROC."""

from pathlib import Path

from tfbind.io import tables
from tfbind.statistics.over_tfs import EVERY_TF

RESULTS = Path(__file__).parents[2] / "results-adaptation" / "results"


def points(row, name):
    """A difference with its interval; a dash where there is none."""
    if row is None or row[name] != row[name]:
        return "-"
    return "{:.1f} ({:.1f} to {:.1f})".format(*(100 * row[column] for column in (name, f"{name}_low", f"{name}_high")))


table = tables.read_tsv(RESULTS / "adaptation.tsv")
table = table[table["metric"] == "auroc"]
means = {row["adaptation"]: row for row in table[table["tf"] == EVERY_TF].to_dict("records")}
each = table[table["tf"] != EVERY_TF]
cells = {(row["adaptation"], row["tf"]): row for row in each.to_dict("records")}
tfs = list(dict.fromkeys(each["tf"]))
print(f"| adaptation | {' | '.join(tfs)} | mean gain | mean drop |")
print(f"| {' | '.join(['---'] * (len(tfs) + 3))} |")
for name in dict.fromkeys(each["adaptation"]):
    found = (cells.get((name, tf)) for tf in tfs)
    reached = [f"{row['value']:.3f}" if row and row["value"] == row["value"] else "-" for row in found]
    mean = means.get(name)
    print(f"| `{name}` | {' | '.join(reached)} | {points(mean, 'gain')} | {points(mean, 'drop')} |")
print()
for note in dict.fromkeys(each["note"].dropna()):
    print(f"- {note}")
