"""Where the drop of each factor goes, as Markdown, from the results of `make causes`: parts in points of AUROC."""

from pathlib import Path

from tfbind.io import tables
from tfbind.statistics import over_tfs

RESULTS = Path(__file__).parents[2] / "results-causes" / "results"
LABELS = ("standard", "pairs")


def points(row):
    """A part with its interval; why there is none."""
    if row["value"] != row["value"]:
        return "-"
    return "{:.1f} ({:.1f} to {:.1f})".format(*(100 * row[name] for name in ("value", "low", "high")))


table = tables.read_tsv(RESULTS / "causes.tsv")
for label in LABELS:
    some = table[(table["test_negatives"] == label) & table["metric"].isin(["drop", "part"])]
    causes = list(dict.fromkeys(some["cause"]))
    print(f"\n| negatives `{label}` | {' | '.join(causes)} |")
    print(f"| {' | '.join(['---'] * (len(causes) + 1))} |")
    latest = ~some["source"].str.endswith("2")  # each factor once
    means = {}
    for cause, rows in some[latest].groupby("cause", sort=False):
        each = rows[["tf", "value", "low", "high"]].rename(columns={"value": "drop"}).dropna()
        if len(each) > 2:
            mean = over_tfs.mean_over_tfs(each.assign(same=0.0, cross=0.0), 0.95)
            means[cause] = points({"value": mean["drop"], "low": mean["low"], "high": mean["high"]})
    for (source, target), rows in some.groupby(["source", "target"], sort=False):
        found = {row["cause"]: points(row) for row in rows.to_dict("records")}
        print(f"| {source} to {target} | {' | '.join(found.get(cause, '-') for cause in causes)} |")
    print(f"| mean of four, last cycles | {' | '.join(means.get(cause, '-') for cause in causes)} |")
print()
for sentence in table["sentence"].dropna():
    print(f"- {sentence}")
