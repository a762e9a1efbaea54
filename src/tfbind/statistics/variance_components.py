"""Where the spread of AUROC comes from: seed, replicate, laboratory, cell or assay of the training data.

Models trained on different sources score the same test sequences of one target. Their AUROCs, one per training seed,
vary between seeds of a dataset, datasets (replicates) of a laboratory, laboratories of a cell, cells of an assay, and
assays. These levels are random effects of a nested, unbalanced design. Their variances follow from setting the sums of
squares, pooled over targets, equal to their expectations (Henderson's method I, 1953). The noise of the test sequences
is part of `replicate`. A laboratory with data of two cells counts as one laboratory in each.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind.io.columns import NEGATIVES
from tfbind.seeding import generator
from tfbind.statistics.over_tfs import within_tf

#: The levels of the design, from the outermost to the innermost.
COMPONENTS = ("assay", "cell", "lab", "replicate", "seed")
VARIANCE_COLUMNS = [*NEGATIVES, "component", "n_level", "freedom", "sd", "low", "high", "share", "note"]
#: Fewest TFs for which an interval is given.
FEWEST_TFS = 5
RESAMPLES = 1000


def sums(values: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums of squares of a nested design, with their expectations and degrees of freedom.

    Parameters
    ----------
    values : (N,) float
    levels : (N, F + 1) int
        Number of the group of each value at each level, from the outermost to the innermost; numbers run from 0 over
        the whole column. The first column is a block whose variance is not estimated. Each group lies within one
        group of the column before, and in the last column every value is its own group.

    Returns
    -------
    squares : (F,) float64
    coefficients : (F, F) float64
        Such that ``E[squares] = coefficients @ variances``; zero below the diagonal.
    freedom : (F,) int64
        Degrees of freedom.
    """
    n_level = levels.shape[1]
    sizes = [np.bincount(column) for column in levels.T]
    squares = [
        np.bincount(column, values) @ (np.bincount(column, values) / sizes[i]) for i, column in enumerate(levels.T)
    ]
    # [f, h]: for each group of level f, the squared sizes of its groups of level h over its own size, summed
    within = np.zeros((n_level, n_level))
    for f in range(n_level):
        for h in range(f, n_level):
            parents = np.zeros(len(sizes[h]), int)
            parents[levels[:, h]] = levels[:, f]
            within[f, h] = (np.bincount(parents, sizes[h] ** 2.0, len(sizes[f])) / sizes[f]).sum()
    coefficients = np.triu(within[1:, 1:] - within[:-1, 1:])
    return np.diff(squares), coefficients, np.diff([len(size) for size in sizes])


def solve(squares: np.ndarray, coefficients: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Variances of the levels from the sums of squares.

    Parameters
    ----------
    squares : (F,) float
    coefficients : (F, F) float
    freedom : (F,) int
        All three from `sums`, or added up over several targets.

    Returns
    -------
    (F,) float64
        May be negative, as estimates by this method can; NaN for a level without degrees of freedom.
    """
    known = freedom > 0
    variances = np.full(len(squares), np.nan)
    variances[known] = np.linalg.solve(coefficients[np.ix_(known, known)], squares[known])
    return variances


def split(metrics: pd.DataFrame, rows: Mapping[str, Mapping[str, str]], level: float = 0.95) -> pd.DataFrame:
    """The variance components of every model and kind of negatives, over all TFs.

    Parameters
    ----------
    metrics : DataFrame
        `columns.METRIC_COLUMNS`, all TFs. Used are the AUROCs of single seeds that were trained and tested on the same
        kind of negatives; extra pairs of two TFs are left out.
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `VARIANCE_COLUMNS`, five rows per model and kind of negatives. `sd` is in units of AUROC (0 where the variance
        is estimated as negative), with a percentile bootstrap interval over TFs if there are at least `FEWEST_TFS`.
        `share` is of the sum of variances. A component that the design cannot estimate has no number; `note` says why
        and which component includes its variance.
    """
    table = within_tf(metrics[(metrics["metric"] == "auroc") & metrics["value"].notna()])
    table = table[(table["seed"].astype(str) != "ensemble") & (table["train_negatives"] == table["test_negatives"])]
    lines = []
    for key, some in table.groupby(NEGATIVES, sort=False):
        lines += [dict(zip(NEGATIVES, key, strict=True)) | line for line in _of_model(some, rows, level)]
    return pd.DataFrame(lines, columns=VARIANCE_COLUMNS)


def _of_model(table: pd.DataFrame, rows: Mapping[str, Mapping[str, str]], level: float) -> list[dict]:
    unknown = [f for f in COMPONENTS[:3] if not any(rows[source].get(f, "") for source in table["source"])]
    parts = []
    for _, of_tf in table.groupby("tf", sort=False):
        names = [of_tf["target"], *(of_tf["source"].map(lambda s, f=f: rows[s].get(f, "")) for f in COMPONENTS[:3])]
        names += [of_tf["source"], of_tf["seed"].astype(str)]
        nested = [pd.MultiIndex.from_arrays(names[: i + 1]) for i in range(len(names))]
        levels = np.stack([pd.factorize(index)[0] for index in nested], 1)
        parts.append((*sums(of_tf["value"].to_numpy(float), levels), [len(set(column)) for column in levels.T[1:]]))
    squares, coefficients, freedom, n_level = (np.stack(part) for part in zip(*parts, strict=True))
    total = freedom.sum(0)
    variances = solve(squares.sum(0), coefficients.sum(0), total)
    n_tf = len(parts)
    low, high = np.full((2, len(COMPONENTS)), np.nan)
    if n_tf >= FEWEST_TFS:
        counts = generator("variance", *table["model"].unique()).multinomial(n_tf, np.full(n_tf, 1 / n_tf), RESAMPLES)
        drawn = [solve(n @ squares, np.tensordot(n, coefficients, 1), n @ freedom) for n in counts]
        spread = np.sqrt(np.maximum(drawn, 0))[:, total > 0]
        low[total > 0], high[total > 0] = np.nanquantile(spread, [(1 - level) / 2, (1 + level) / 2], axis=0)
    positive = np.maximum(variances, 0)
    lines = []
    for i, name in enumerate(COMPONENTS):
        line = {"component": name, "n_level": int(n_level[:, i].sum()), "freedom": int(total[i])}
        if total[i] == 0:
            holder = (
                next((c for c, f in zip(COMPONENTS[i - 1 :: -1], total[i - 1 :: -1], strict=True) if f), "")
                if i
                else ""
            )
            why = f"no {name} is stated" if name in unknown else f"nothing has two: {_WITHIN[name]}"
            lines.append(line | {"note": f"not estimable: {why}" + (f"; held by {holder}" if holder else "")})
            continue
        line |= {"sd": np.sqrt(positive[i]), "low": low[i], "high": high[i]}
        line["share"] = positive[i] / np.nansum(positive) if np.nansum(positive) else np.nan
        notes = ["negative, taken for 0"] if variances[i] < 0 else []
        notes += [f"fewer than {FEWEST_TFS} TFs: no interval"] if n_tf < FEWEST_TFS else []
        lines.append(line | {"note": "; ".join(notes)})
    return lines


_WITHIN = {
    "assay": "every target is tested from one assay alone",
    "cell": "each assay of a TF has one cell",
    "lab": "each cell has one laboratory",
    "replicate": "each laboratory has one dataset",
    "seed": "each model was trained once",
}
