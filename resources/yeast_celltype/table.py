"""The table of docs/celltype.md, as Markdown, from the results of `make celltype`."""

import sys
from pathlib import Path

from tfbind.io import tables

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "results-celltype" / "results"
table = tables.read_tsv(folder / "celltype.tsv")
values = table[table["metric"] != "rank_score"].pivot_table(
    index="tf", columns=["metric", "method"], values="value", sort=False
)
methods = [m for m in values["auprc"].columns if m != "chance"]
counts = table[table["metric"] == "auprc"].groupby("tf", sort=False)[["n_bound", "n_unbound"]].max()
best = table[table["metric"] == "auprc"].set_index(["tf", "method"])

print("auPRC over all bins of the test chromosomes (95 % interval of `catchitt`); on the right AUROCs of the motif")
print(
    "\n| TF | bound + unbound | "
    + " | ".join(f"`{m}`" for m in methods)
    + " | chance | AUROC of the motif | against shuffles |"
)
print("| --- | --- |" + " --- |" * (len(methods) + 3))
for tf, row in values.iterrows():
    cells = []
    for method in methods:
        low, high = best.loc[(tf, method), ["low", "high"]]
        cells.append(f"{row['auprc', method]:.3f}" + (f" ({low:.2f}-{high:.2f})" if method == "catchitt" else ""))
    cells += [f"{row['auprc', 'chance']:.4f}", f"{row['auroc', 'motif']:.3f}", f"{row['shuffled_auroc', 'motif']:.3f}"]
    print(f"| {tf} | {counts.loc[tf, 'n_bound']:.0f} + {counts.loc[tf, 'n_unbound']:.0f} | " + " | ".join(cells) + " |")
means = values.mean()
cells = [f"{means['auprc', m]:.3f}" for m in methods]
cells += [
    f"{means['auprc', 'chance']:.4f}",
    f"{means['auroc', 'motif']:.3f}",
    f"{means['shuffled_auroc', 'motif']:.3f}",
]
print(f"| mean | | {' | '.join(cells)} |")
print("\n| method | combined score of the challenge |\n| --- | --- |")
for row in table[table["metric"] == "rank_score"].itertuples():
    print(f"| `{row.method}` | {row.value:.2f} |")
