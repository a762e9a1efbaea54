"""How far a model will travel, foretold from what is known without one label of the target.

`signs` are measured on the source and on the target's unlabelled training sequences. Whether they foretell the drop is
tested leaving TFs out: a ridge regression over all signs and the single sign that does best on the other TFs, against
what needs no sign at all, the mean drop of the other TFs.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
from sklearn.linear_model import RidgeCV

from tfbind import (
    adaptation,
    baseline,
    calibration,
    data,
    dna,
    evaluation,
    models,
    motifs,
    prediction,
    tables,
    unlabelled,
)
from tfbind.evaluation import KEY, NEGATIVES
from tfbind.faults import InputError, NotEstimable
from tfbind.splits import generator
from tfbind.transfer import EVERY_TF, wilcoxon
from tfbind.unlabelled import OVER, Case

#: The fewest TFs from which a drop can be foretold: a rule of two signs learnt on four, tested on the fifth.
LEAST = 6
#: k-mers whose shares are compared.
K = 4
_RIDGES = np.logspace(-1, 3, 9)

SIGNS = {
    "motif_agreement": "rank correlation of the model's scores with the JASPAR matrix's on the target's sequences",
    "word_agreement": "likewise with the 8-mers that the source is enriched in",
    "seed_agreement": "mean rank correlation of two seeds' scores on the target's sequences",
    "spread": "standard deviation of the model's scores on the target's sequences over that on the source's",
    "domain_auroc": "AUROC at which composition tells target from source",
    "kmer_distance": f"Jensen-Shannon distance of the shares of {K}-mers of target and source",
    "source_auroc": "AUROC on the source's validation rows",
    "source_motif": "AUROC of the JASPAR matrix on the source's training rows",
    "source_ece": "expected calibration error on the source's validation rows",
}
COLUMNS = [*(*KEY, "comparison", *NEGATIVES, "sign", "value", "low", "high", "n_tf", "p_value", "note")]


def signs(case: Case) -> dict[str, float]:
    """The `SIGNS` of a case; NaN where one cannot be had."""
    each, pool = case.direct[0], case.direct[0].mean(0)
    rows = case.source.rows("validation", 0)
    labels = case.source.labels[rows]
    known = case.read(case.stored.model, case.source.tokens[rows])
    found = {
        "word_agreement": _agreement(pool, case.words[0]),
        "seed_agreement": np.mean([_agreement(a, b) for i, a in enumerate(each) for b in each[:i]])
        if len(each) > 1
        else np.nan,
        "spread": pool.std() / max(known.mean(0).std(), 1e-9),
        "domain_auroc": unlabelled.domain_odds(case.train[0], case.pool, case.pool[:1])[1],
        "kmer_distance": jensenshannon(*(_shares(tokens) for tokens in (case.train[0], case.pool)), base=2),
        "source_auroc": evaluation.measure(labels, known.mean(0))[0],
        "source_ece": calibration.ece(labels, special.expit(known.mean(0))),
    }
    with suppress(InputError):  # JASPAR knows no such factor
        tokens, truth = case.train
        alone = motifs.score(tokens, case.motif)[0][:, 0]
        found |= {"motif_agreement": _agreement(pool, case.matrix[0])}
        found |= {"source_motif": evaluation.measure(truth, alone)[0]}
    return {name: float(found.get(name, np.nan)) for name in SIGNS}


def _agreement(a: np.ndarray, b: np.ndarray) -> float:
    return float(stats.spearmanr(a, b).statistic) if min(np.ptp(a), np.ptp(b)) > 0 else np.nan


def _shares(tokens: np.ndarray) -> np.ndarray:
    longest = baseline.composition(tokens, K)[:, baseline.composition(tokens[:1], K - 1).shape[1] :]
    return longest.mean(0)


def pair(
    about: Mapping[str, object],
    folder: Path,
    own: Path,
    source: adaptation.Examples,
    target: adaptation.Examples,
    reading: str,
    config: Mapping,
    others: Sequence[pd.DataFrame],
    cycles: adaptation.Examples | None,
    work: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A source model and a target whose training labels are hidden.

    Parameters
    ----------
    about : mapping
        `KEY` and `NEGATIVES` of the pair.
    folder, own : path
        The source model and the target-trained one.
    source, target : adaptation.Examples
        All rows; the target's validation rows are not used, nor the labels of its training rows.
    reading : str
        How both networks read a sequence.
    config : mapping
        `training`, `transfer` and `statistics` of the validated config.
    others : sequence of sequence tables
        Bound sequences of other factors.
    cycles : adaptation.Examples, optional
        Rows of other cycles of the source's library.
    work : path
        Holds checkpoints meanwhile.

    Returns
    -------
    adaptation, signs : DataFrame
        See `unlabelled.pair`; one row a sign, and the observed drop.
    """
    options = config["transfer"]["unlabelled"]
    test = pd.concat([t[(t["split"] == "test") & (t["draw"] == 0)] for t in target], ignore_index=True)
    names = [str(about[name]) for name in ("source", "target", "test_negatives")]
    try:
        for place in (folder, own):
            models.usable(place)
        if note := next(filter(None, map(tables.note, (*source, *target))), ""):
            raise NotEstimable(note)
        bound = [t.loc[t["split"] == "train", "sequence"] for t in others]
        case = Case(
            folder=folder,
            reading=reading,
            tf=str(about["tf"]),
            source=data.encode(*source),
            pool=pool(target, options["sequences"], names),
            test=dna.encode(test["sequence"]),
            others=list(pd.concat(bound)) if bound else [],
            cycles=cycles,
            settings=config["training"],
            steps=options["steps"],
            work=work,
        )
        theirs = prediction.stored(own)
        ceiling = prediction.score(theirs.model, case.test, reading, theirs.window)
        found = unlabelled.pair(case, ceiling, test, about, config)
        line = signs(case)
    except NotEstimable as reason:
        return unlabelled.unanswered(about, str(reason)), _rows(about, {"drop": np.nan}, str(reason))
    drop = found.loc[found["adaptation"] == "direct", "drop"].iloc[0]
    return found, _rows(about, {**line, "drop": drop})


def pool(target: adaptation.Examples, most: int, names: Sequence[str]) -> np.ndarray:
    """Training sequences of a target, at most so many, in an order that tells nothing of their labels: (P, L) uint8."""
    rows = pd.concat([table["sequence"] for table in target.train()], ignore_index=True)
    return dna.encode(rows.iloc[generator("pool", *names).permutation(len(rows))[:most]])


def _rows(about: Mapping, found: Mapping[str, float], note: str = "") -> pd.DataFrame:
    lines = [{**about, "comparison": "cross", "sign": sign, "value": x, "note": note} for sign, x in found.items()]
    return pd.DataFrame(lines, columns=COLUMNS)


def foresee(found: pd.DataFrame, health: pd.DataFrame, level: float) -> pd.DataFrame:
    """How well the drop of a TF is foretold by the signs, when it is learnt from the other TFs.

    Parameters
    ----------
    found : DataFrame
        What `pair` gave of signs, all pairs.
    health : DataFrame
        As for `unlabelled.over_tfs`: pairs of poor data take no part.
    level : float

    Returns
    -------
    DataFrame
        `COLUMNS`: the signs and `drop`; of each sound pair `foretold_ridge`, `foretold_sign` (by the one sign that
        foretells best among the other TFs; `note` names it) and `foretold_mean`, each from the other TFs alone; over
        TFs `error_ridge`, `error_sign`, `error_mean`, the mean absolute errors, and `gain_ridge`, `gain_sign`, by how
        much they are smaller than that of the mean, with its interval (Student's t over TFs) and Wilcoxon's p. Below
        `LEAST` TFs nothing is foretold, and `note` says so.
    """
    poor = set(health.loc[health["verdict"].astype(str).str.startswith("poor"), "dataset"])
    sound = found[~found["source"].isin(poor) & ~found["target"].isin(poor)]
    parts = [found]
    for key, group in sound.groupby(OVER, sort=False):
        wide = group.pivot_table(index=KEY, columns="sign", values="value", sort=False)
        wide = wide[wide["drop"].notna()] if "drop" in wide else wide[:0]
        parts.append(_over(wide, dict(zip(OVER, key, strict=True)), level))
    return pd.concat(parts, ignore_index=True)[COLUMNS].astype({"n_tf": "Int64"})


def _over(wide: pd.DataFrame, about: Mapping, level: float) -> pd.DataFrame:
    tfs = wide.index.get_level_values("tf").to_numpy() if len(wide) else np.array([])
    n = len(set(tfs))
    if n < LEAST:
        said = f"{n} sound TF(s), fewer than {LEAST}: nothing can be foretold"
        return pd.DataFrame([{**about, "tf": EVERY_TF, "sign": "error_mean", "n_tf": n, "note": said}], columns=COLUMNS)
    signs = wide.reindex(columns=list(SIGNS)).dropna(axis=1, how="all")
    foretold, used = foretell(signs.to_numpy(float), wide["drop"].to_numpy(float), tfs)
    lines = []
    for i, key in enumerate(wide.index):
        for way, values in foretold.items():
            note = signs.columns[used[i]] if way == "sign" else ""
            line = dict(zip(KEY, key, strict=True)) | {"sign": f"foretold_{way}", "value": values[i], "note": note}
            lines.append({**about, **line})
    errors = pd.DataFrame({way: np.abs(values - wide["drop"].to_numpy()) for way, values in foretold.items()})
    errors = errors.groupby(tfs, sort=False).mean()
    over = {**about, "tf": EVERY_TF, "n_tf": n, "note": ""}
    lines += [over | {"sign": f"error_{way}", "value": errors[way].mean()} for way in errors]
    for way in ("ridge", "sign"):
        gain = errors["mean"] - errors[way]
        half = stats.t.isf((1 - level) / 2, n - 1) * gain.std() / np.sqrt(n)
        line = {"value": gain.mean(), "low": gain.mean() - half, "high": gain.mean() + half}
        lines.append(over | line | {"sign": f"gain_{way}", "p_value": wilcoxon(gain.to_numpy())})
    return pd.DataFrame(lines, columns=COLUMNS)


def foretell(signs: np.ndarray, drops: np.ndarray, tfs: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The drop of each pair, learnt from the pairs of the other TFs.

    Parameters
    ----------
    signs : (N, F) float64
        A missing one counts as the mean of the others.
    drops : (N,) float64
    tfs : (N,) str

    Returns
    -------
    foretold : {"ridge", "sign", "mean"} -> (N,) float64
        The ridge's strength is chosen by leaving single pairs out (scikit-learn's `RidgeCV`), the sign by leaving TFs
        out, both among the other TFs.
    used : (N,) int
        The sign chosen.
    """
    foretold = {name: np.empty(len(drops)) for name in ("ridge", "sign", "mean")}
    used = np.empty(len(drops), int)
    for tf in dict.fromkeys(tfs):
        out = tfs == tf
        train, test = _scaled(signs[~out], signs[out])
        y, others = drops[~out], tfs[~out]
        foretold["mean"][out] = y.mean()
        foretold["ridge"][out] = RidgeCV(_RIDGES).fit(train, y).predict(test)
        errors = [np.abs(_each_out(column, y, others) - y).mean() for column in train.T]
        used[out] = best = int(np.argmin(errors))
        foretold["sign"][out] = np.polyval(np.polyfit(train[:, best], y, 1), test[:, best])
    return foretold, used


def _scaled(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, scale = np.nanmean(train, 0), np.nanstd(train, 0)
    mean, scale = np.nan_to_num(mean), np.where(scale > 1e-9, scale, 1)  # a sign that none of the others has
    return np.nan_to_num((train - mean) / scale), np.nan_to_num((test - mean) / scale)


def _each_out(x: np.ndarray, y: np.ndarray, tfs: np.ndarray) -> np.ndarray:
    found = np.empty(len(y))
    for tf in dict.fromkeys(tfs):
        out = tfs == tf
        found[out] = np.polyval(np.polyfit(x[~out], y[~out], 1), x[out]) if np.ptp(x[~out]) else y[~out].mean()
    return found


def sentences(table: pd.DataFrame) -> list[str]:
    """Whether the drop could be foreseen, for each model and direction."""
    said = []
    for key, group in table[table["tf"] == EVERY_TF].groupby(OVER, sort=False):
        about = dict(zip(OVER, key, strict=True))
        rows = group.set_index("sign")
        text = f"{about['model']}, {about['source_assay']} to {about['target_assay']}: "
        if "gain_ridge" not in rows.index:
            said.append(text + str(rows["note"].iloc[0]) + ".")
            continue
        best = rows.loc[["gain_ridge", "gain_sign"], "value"].idxmax()
        name = {"gain_ridge": "a regression on all signs", "gain_sign": "the best single sign"}[best]
        gain = rows.loc[best]
        error, usual = (100 * rows.loc[sign, "value"] for sign in (best.replace("gain", "error"), "error_mean"))
        sure = "foresees the drop better than" if gain["low"] > 0 else "does not foresee the drop better than"
        said.append(
            f"{text}{name} {sure} the mean drop of the other TFs: off by {error:.1f} points on average "
            f"instead of {usual:.1f} (gain {100 * gain['low']:.1f} to {100 * gain['high']:.1f}, "
            f"{gain['n_tf']} TFs)."
        )
    return said
