"""How often the intervals hold the truth: simulated studies with known AUROCs (`make coverage`).

Scores are drawn, not trained: a class effect (the gain), an effect of the block that a row lies in, partly shared by
both classes of the block, a common and an own effect of the row, and of each training seed an effect on the gain and
on every row. In folds each fold has a seed effect on the gain of its own, and its models have an offset, which moves
all rows of the fold. All are normal, so that the AUROC expected over rows, blocks and seeds has a closed form. With one
seed the truth is that of the seed that was trained: nothing is known of others.

`coverage.tsv` holds a study of 500 test rows in 100 blocks by its number of seeds, and means over TFs by their number;
`coverage_grid.tsv` holds every combination, and what was not chosen: the percentile bootstrap over TFs, and one seed
taken for all. Its `agreeing` rows are those studies of `mean over TFs` whose drops agree so well, by chance, that the
TFs' own uncertainty sets the interval and not Student's t: with true drops that differ by `spread`, and with one true
drop (`spread` 0). An interval promises nothing on studies chosen by their outcome; these rows tell what such an
agreement is worth. `coverage_folds.tsv` holds studies in folds, ranked within folds and, as was not chosen, all folds
together (``python -m benchmarks.coverage folds`` makes it alone).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from tfbind.io import tables
from tfbind.seeding import generator
from tfbind.statistics import bootstrap
from tfbind.statistics.over_tfs import mean_over_tfs

LEVEL = 0.95
#: Simulated studies of each design, and of those of `coverage.tsv`.
STUDIES, MANY = 200, 1000
RESAMPLES = 200
ROWS, BLOCKS, SEEDS, TFS = (100, 500, 2000), (5, 20, 100), (1, 2, 3, 5), (2, 3, 4, 7, 20)
#: The study of `coverage.tsv`; and of studies in folds, the numbers of folds and the seeds.
USUAL = {"rows": 500, "blocks": 100}
FOLDS, SEEDS_OF_FOLDS = (3, 5), (1, 3)
AUROC, DROP = 0.93, 0.05
#: Standard deviations: of a block, of a seed's effect on the gain, of a row (common to models, own, of one seed); and
#: of the true drops of TFs.
BLOCK, GAIN, COMMON, OWN, SEED, TF = 0.3, 0.15, 0.6, 0.6, 0.5, 0.02
#: Standard deviation of the offset of the models of a fold, of three sizes.
OFFSETS = (0.0, 0.3, 1.0)
HERE = Path(__file__).parent


class Study(NamedTuple):
    """Two models on the same simulated test rows, the better one first."""

    models: list[bootstrap.Replicates]
    expected: np.ndarray  #: (2,) AUROC over rows, blocks and seeds
    of_seeds: np.ndarray  #: (2,) AUROC over rows and blocks of the very seeds that were trained


def study(
    rng: np.random.Generator,
    rows: int,
    blocks: int,
    seeds: int,
    aurocs: tuple[float, float],
    folds: int = 1,
    offset: float = 0.0,
    within: bool = True,
) -> Study:
    """Simulate one; `rows` test rows, half of them positive, in `blocks` blocks of equal size.

    With folds, blocks go round among them; `within` says whether rows are ranked within folds or all together.
    """
    labels = np.arange(rows) % 2
    block = np.arange(rows) * blocks // rows
    spread = 2 * (OWN**2 + COMMON**2 + SEED**2 / seeds + BLOCK**2)  # variance of a positive minus a negative
    common, of_block, of_class = rng.normal(size=rows), rng.normal(size=blocks), rng.normal(size=(2, blocks))
    draws = bootstrap.draw(labels, block, RESAMPLES, rng)
    fold = block % folds
    if folds > 1 and within:
        draws = draws._replace(folds=fold)
    models, of_seeds = [], []
    for auroc in aurocs:
        gain = stats.norm.ppf(auroc) * np.sqrt(spread + GAIN**2 / seeds)
        gains = gain + GAIN * rng.normal(size=(seeds, folds))
        place = BLOCK * np.sqrt(0.5) * (of_block + np.sqrt(0.5) * (of_class + rng.normal(size=(2, blocks))))
        scores = gains[:, fold] * labels + place[labels, block] + COMMON * common + OWN * rng.normal(size=rows)
        scores += SEED * rng.normal(size=(seeds, rows))
        if folds > 1:
            scores += offset * rng.normal(size=folds)[fold]
        models.append(bootstrap.replicate(scores, draws))
        of_seeds.append(stats.norm.cdf(gains.mean(0) / np.sqrt(spread)).mean())
    return Study(models, np.array(aurocs), np.array(of_seeds))


def of_one_tf(rows: int, blocks: int, seeds: int, studies: int) -> Iterator[tuple[str, bool]]:
    """(interval, whether it holds its truth) of the better model's AUROC and of the drop, study by study."""
    rng = generator("coverage", rows, blocks, seeds)
    for _ in range(studies):
        one = study(rng, rows, blocks, seeds, (AUROC, AUROC - DROP))
        low, high = bootstrap.metric_interval(one.models[0], 0, LEVEL)
        _, less, more = bootstrap.difference(*one.models, LEVEL)
        truth = one.of_seeds if seeds == 1 else one.expected
        yield "auroc", low <= truth[0] <= high
        yield "drop", less <= truth[0] - truth[1] <= more
        if seeds == 1:
            yield "auroc of all seeds", low <= one.expected[0] <= high
            yield "drop of all seeds", less <= one.expected[0] - one.expected[1] <= more


def of_folds(folds: int, seeds: int, offset: float, studies: int) -> pd.DataFrame:
    """Coverage and bias of the better model's AUROC and of the drop, ranked within folds and all together.

    Returns
    -------
    DataFrame
        `interval, folds, seeds, offset, nominal, covered, bias, n`.
    """
    lines = []
    for within in (True, False):
        rng, found = generator("coverage of folds", folds, seeds, offset), []  # the same studies for both
        for _ in range(studies):
            one = study(
                rng, **USUAL, seeds=seeds, aurocs=(AUROC, AUROC - DROP), folds=folds, offset=offset, within=within
            )
            truth = one.of_seeds if seeds == 1 else one.expected
            values = [model.value[0] for model in one.models]
            low, high = bootstrap.metric_interval(one.models[0], 0, LEVEL)
            _, less, more = bootstrap.difference(*one.models, LEVEL)
            found.append(("auroc", low <= truth[0] <= high, values[0] - truth[0]))
            error = values[0] - values[1] - (truth[0] - truth[1])
            found.append(("drop", less <= truth[0] - truth[1] <= more, error))
        frame = pd.DataFrame(found, columns=["interval", "covered", "bias"])
        means = frame.groupby("interval", sort=False).mean().reset_index()
        how = ", within folds" if within else ", all folds together"
        lines.append(means.assign(interval=means["interval"] + how))
    columns = ["interval", "folds", "seeds", "offset", "nominal", "covered", "bias", "n"]
    return pd.concat(lines).assign(folds=folds, seeds=seeds, offset=offset, nominal=LEVEL, n=studies)[columns]


def over_tfs(tfs: int, studies: int, spread: float = TF) -> Iterator[tuple[str, bool]]:
    """The same of the mean drop over TFs, 300 rows in 60 blocks and three seeds each.

    Parameters
    ----------
    tfs, studies : int
    spread : float
        Standard deviation of the true drops of the TFs.
    """
    rng = generator("coverage over TFs", tfs, *([] if spread == TF else [spread]))
    quantile = stats.t.isf((1 - LEVEL) / 2, tfs - 1)
    for _ in range(studies):
        drops = []
        for tf in range(tfs):
            models = study(rng, 300, 60, 3, (AUROC, AUROC - DROP - spread * rng.normal())).models
            names = ("drop", "low", "high")
            drops.append({"tf": tf, **dict(zip(names, bootstrap.difference(*models, LEVEL), strict=True))})
        frame = pd.DataFrame(drops).assign(same=AUROC, cross=AUROC - DROP)
        mean = mean_over_tfs(frame, LEVEL)
        covered = mean["low"] <= DROP <= mean["high"]
        yield "mean over TFs", covered
        if mean["high"] - mean["drop"] > 1.000001 * quantile * stats.sem(frame["drop"]):
            yield "mean over TFs, agreeing", covered
        again = rng.choice(frame["drop"], size=(RESAMPLES, tfs)).mean(1)
        low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        yield "mean over TFs, percentile bootstrap", low <= DROP <= high


def grid(studies: int = STUDIES, many: int = MANY) -> pd.DataFrame:
    """`interval, rows, blocks, seeds, tfs, spread, nominal, covered, n` of every simulated design."""
    designs = [{"rows": r, "blocks": b, "seeds": s} for r in ROWS for b in BLOCKS for s in SEEDS]
    designs += [{"tfs": n, "spread": TF} for n in TFS] + [{"tfs": n, "spread": 0.0} for n in TFS if n < 5]
    lines = []
    for design in designs:
        n = many if "tfs" in design or design.items() >= USUAL.items() else studies
        found = over_tfs(**design, studies=n) if "tfs" in design else of_one_tf(**design, studies=n)
        covered = pd.DataFrame(found, columns=["interval", "covered"]).groupby("interval", sort=False)["covered"]
        for interval, held in covered:
            lines.append({"interval": interval, **design, "nominal": LEVEL, "covered": held.mean(), "n": len(held)})
    columns = ["interval", "rows", "blocks", "seeds", "tfs", "spread", "nominal", "covered", "n"]
    return pd.DataFrame(lines, columns=columns).astype(dict.fromkeys(columns[1:5], "Int64"))


def usual(grid: pd.DataFrame) -> pd.DataFrame:
    """`interval, nominal, covered, n`: the intervals in use, on a study of the usual size."""
    size = grid["tfs"].notna() | (grid[list(USUAL)] == list(USUAL.values())).fillna(False).all(axis=1)
    chosen = grid[size & grid["interval"].isin(["auroc", "drop", "mean over TFs"]) & (grid["spread"] != 0)]
    counts = [f"{row.seeds} seeds" if pd.isna(row.tfs) else f"{row.tfs} TFs" for row in chosen.itertuples()]
    names = chosen["interval"] + ", " + pd.Series(counts, chosen.index).replace({"1 seeds": "1 seed"})
    return chosen.assign(interval=names)[["interval", "nominal", "covered", "n"]]


if __name__ == "__main__":
    if sys.argv[1:] != ["folds"]:
        whole = grid()
        tables.write_tsv(whole, HERE / "coverage_grid.tsv")
        tables.write_tsv(usual(whole), HERE / "coverage.tsv")
        print(usual(whole).to_string(index=False))
    designs = [(k, s, offset) for k in FOLDS for s in SEEDS_OF_FOLDS for offset in OFFSETS]
    folded = pd.concat([of_folds(*design, MANY) for design in designs])
    tables.write_tsv(folded, HERE / "coverage_folds.tsv")
    print(folded.to_string(index=False))
