"""The tables of docs/negatives.md, as Markdown, from the results of `make yeast`."""

from pathlib import Path

import numpy as np
from scipy import stats

from tfbind.io import tables

RESULTS = Path(__file__).parents[2] / "results-yeast" / "results"
SETS = ("dinucleotide", "genomic", "flank", "other_tf")
MODELS = ("deepbind", "regression", "composition")


def over_tfs(values, digits=3):
    """Mean with the 95 % interval of Student's t over TFs."""
    half = stats.t.isf(0.025, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    low, high = np.mean(values) - half, np.mean(values) + half
    return f"{np.mean(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def line(*cells):
    """Print one row of a table."""
    print("| " + " | ".join(map(str, cells)) + " |")


def head(*cells):
    """Print the head of a table."""
    print()
    line(*cells)
    line(*["---"] * len(cells))


metrics = tables.read_tsv(RESULTS / "metrics.tsv", dtype={"seed": str})
metrics = metrics[metrics["seed"] == "ensemble"]
metrics = metrics.set_index(["model", "train_negatives", "test_negatives", "metric", "tf"]).sort_index()
value = metrics["value"].unstack()

for metric in ("auroc", "auprc"):
    head(f"mean {metric.upper()} over {value.shape[1]} TFs (95 % interval)", *(f"`{name}`" for name in SETS))
    for model in MODELS:
        line(f"`{model}`", *(over_tfs(value.loc[model, name, name, metric]) for name in SETS))
    if metric == "auprc":
        share = metrics["n_positive"] / (metrics["n_positive"] + metrics["n_negative"])
        line("share of positives", *(f"{share.loc['composition', name, name, metric].mean():.3f}" for name in SETS))

head("paired gain in AUROC, points", *(f"`{name}`" for name in SETS))
for first, second in (("deepbind", "composition"), ("regression", "composition")):
    gains = [value.loc[first, name, name, "auroc"] - value.loc[second, name, name, "auroc"] for name in SETS]
    line(f"`{first}` above `{second}`", *(over_tfs(100 * gain, 1) for gain in gains))

for model in MODELS:
    head(f"`{model}`, mean AUROC: trained with ↓, tested against →", *(f"`{name}`" for name in SETS))
    for train in SETS:
        line(f"`{train}`", *(f"{value.loc[model, train, test, 'auroc'].mean():.3f}" for test in SETS))

for model in MODELS:
    head(f"`{model}`: AUROC (95 % interval) / AUPRC", "n", *(f"`{name}`" for name in SETS))
    for tf in metrics.index.unique("tf"):
        cells, counts = [], []
        for name in SETS:
            roc, pr = (metrics.loc[model, name, name, metric, tf] for metric in ("auroc", "auprc"))
            cells.append(f"{roc['value']:.3f} ({roc['low']:.3f}-{roc['high']:.3f}) / {pr['value']:.3f}")
            counts.append(str(int(roc["n_negative"])))
        line(tf, f"{int(roc['n_positive'])} + {', '.join(counts)}", *cells)
