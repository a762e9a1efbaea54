"""Over TFs: what is gained without target labels, and whether the drop can be predicted.

`unsupervised_adaptation` measures one pair. Here an adaptation is chosen for each TF by its gain on the other TFs. The
drop is predicted from signs that need no target labels, always for a TF that is left out: by ridge regression on all
signs, and by the single sign that predicts best among the other TFs. Both are compared with a prediction that needs no
sign, the mean drop of the other TFs.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import special

from tfbind.io.columns import KEY, NEGATIVES
from tfbind.statistics.over_tfs import EVERY_TF, mean_over_tfs, wilcoxon

NOTHING, POOL, JASPAR, BOTH = "nothing", "target sequences", "JASPAR", "JASPAR, target sequences"
#: The need of a method that works only if negatives resemble shuffles: positives are then recognised in the pool by
#: what exceeds its dinucleotides.
SHUFFLES = "target sequences, whose negatives are like shuffles"
ADAPTATION_COLUMNS = [
    *(*KEY, "comparison", *NEGATIVES, "adaptation", "needs", "role", "metric", "value", "low", "high"),
    *("gain", "gain_low", "gain_high", "drop", "drop_low", "drop_high", "n_tf", "n_positive", "n_negative", "note"),
]
#: The fewest TFs with which a drop is predicted. Of six, one is left out; among the other five the best sign is chosen
#: by a line (two parameters) fitted on four and tested on the fifth.
LEAST = 6
#: Length in bp of the k-mers whose shares are compared.
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
SIGN_COLUMNS = [*(*KEY, "comparison", *NEGATIVES, "sign", "value", "low", "high", "n_tf", "p_value", "note")]
#: Adaptations chosen on the other TFs, and how the report's sentence about the remaining drop begins.
CHOSEN = {
    "chosen": "adapted without target labels, as the other TFs advise,",
    "chosen_general": "whatever the negatives are,",
}
#: TFs are compared within groups that agree in these columns.
OVER = ["shift", "source_assay", "target_assay", "comparison", *NEGATIVES]


def over_tfs(found: pd.DataFrame, health: pd.DataFrame, level: float) -> pd.DataFrame:
    """All pairs, the adaptation that would have been chosen for each, and the means over TFs.

    Parameters
    ----------
    found : DataFrame
        The adaptation tables of `unsupervised_adaptation.pair`, all pairs.
    health : DataFrame
        `dataset` and `verdict` from `library_qc.judge`. A pair whose source or target is ``poor`` is left out of all
        choices and means.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `ADAPTATION_COLUMNS`: the rows of `found`; for each other pair three more adaptations; and rows of means, whose
        `tf` is `over_tfs.EVERY_TF`. The three are `chosen`, which gains most on the other TFs; `chosen_general`, the
        same among adaptations that do not need negatives like shuffles; and `oracle`, which has the highest AUROC on
        the pair's own test sequences and could not be known in practice. With one TF there is no `chosen`.
    """
    poor = set(health.loc[health["verdict"].astype(str).str.startswith("poor"), "dataset"])
    found = found.reset_index(drop=True)
    sound = found[~found["source"].isin(poor) & ~found["target"].isin(poor) & found["value"].notna()]
    parts = [found]
    for _, group in sound.groupby(OVER, sort=False):
        general = ~group["needs"].str.contains(SHUFFLES, regex=False)
        chosen = [_chosen(group, *which) for which in (("chosen", general | True), ("chosen_general", general))]
        group = pd.concat([group, *chosen, _oracle(group)], ignore_index=True)
        parts.append(group[group["role"].isin(["chosen", "oracle"])])
        for (name, needs, role), rows in group.groupby(["adaptation", "needs", "role"], sort=False):
            parts.append(pd.DataFrame([_mean(rows, level) | {"adaptation": name, "needs": needs, "role": role}]))
    table = pd.concat(parts, ignore_index=True)[ADAPTATION_COLUMNS]
    return table.astype({"n_tf": "Int64", "n_positive": "Int64", "n_negative": "Int64"})


def _mean(rows: pd.DataFrame, level: float) -> dict:
    line = {name: rows[name].iloc[0] for name in OVER} | {"tf": EVERY_TF, "metric": "auroc", "note": ""}
    line["value"] = rows.groupby("tf")["value"].mean().mean()
    for name in ("gain", "drop"):
        names = {name: "drop", f"{name}_low": "low", f"{name}_high": "high"}
        part = rows[["tf", *names]].rename(columns=names).assign(same=rows["value"], cross=rows["value"])
        means = mean_over_tfs(part, level)
        line |= {name: means.get("drop"), f"{name}_low": means.get("low"), f"{name}_high": means.get("high")}
        line["n_tf"] = max(line.get("n_tf", 0), means["n_tf"])
    return line


def _chosen(group: pd.DataFrame, name: str, able: pd.Series) -> pd.DataFrame:
    able = group[able & (group["role"] == "adaptation")]
    gains = able.pivot_table(index="tf", columns="adaptation", values="gain", sort=False).dropna(axis=1)
    lines = []
    for tf in gains.index if len(gains) > 1 and gains.shape[1] else ():
        best = gains.drop(tf).mean().idxmax()
        mine = able[(able["tf"] == tf) & (able["adaptation"] == best)]
        lines.append(mine.assign(note=f"{best}, which gains most on the other TFs"))
    table = pd.concat(lines) if lines else group[:0]
    return table.assign(adaptation=name, role="chosen", needs="labels of other TFs")


def _oracle(group: pd.DataFrame) -> pd.DataFrame:
    able = group[group["role"] == "adaptation"]
    best = able.loc[able.groupby(["source", "target"], sort=False)["value"].idxmax()]
    said = best["adaptation"] + ", chosen with the target's labels"
    return best.assign(adaptation="oracle", role="oracle", needs="labels of the target", note=said)


def gained(table: pd.DataFrame) -> list[str]:
    """Sentences on the drop of each model and direction, the gain without labels, and whether references do as well.

    Parameters
    ----------
    table : DataFrame
        From `over_tfs`.

    Returns
    -------
    list of str
        One for each model, direction and kind of negatives that has a mean over TFs.
    """
    said = []
    for key, group in table.groupby(OVER, sort=False):
        about = dict(zip(OVER, key, strict=True))
        means = group[group["tf"] == EVERY_TF].set_index("adaptation")
        if "direct" not in means.index:
            continue
        direct = means.loc["direct"]
        text = (
            f"{about['model']}, {about['source_assay']} to {about['target_assay']}, {direct['n_tf']} TF(s): used as it "
            f"is, the model loses {_points(direct, 'drop')} of AUROC"
        )
        for name, words in CHOSEN.items():
            if name in means.index:
                row = means.loc[name]
                sure = "a gain of" if row["gain_low"] > 0 else "no certain gain,"
                text += f"; {words} {_points(row, 'drop')} ({sure} {_points(row, 'gain')})"
        if "chosen" not in means.index:
            text += "; with one TF nothing can be chosen on others"
        said.append(f"{text}. {_worth(group[group['tf'] != EVERY_TF])}")
    return said


def _worth(pairs: pd.DataFrame) -> str:
    # About the unchanged model, since an adapted one may include the references themselves.
    direct = pairs[(pairs["role"] == "direct") & pairs["value"].notna()]
    reference = pairs[(pairs["role"] == "reference") & pairs["value"].notna()]
    known = reference.groupby(["tf", "target"])["value"].max()
    sound = pairs.loc[pairs["role"] == "oracle", ["source", "target"]]
    direct = direct.merge(sound.drop_duplicates(), on=["source", "target"])
    compared = [
        (str(tf), known[tf, target] >= value)
        for tf, target, value in direct[["tf", "target", "value"]].itertuples(index=False)
        if (tf, target) in known.index
    ]
    beaten = [tf for tf, is_beaten in compared if is_beaten]
    if not compared:
        return "Neither a JASPAR matrix nor enriched 8-mers stand beside it."
    if not beaten:
        alone = [tf for tf in dict.fromkeys(map(str, direct["tf"])) if tf not in dict(compared)]
        but = f" but {', '.join(alone)}, where there are none" if alone else ""
        return f"As it is, it beats the JASPAR matrix and the enriched 8-mers on every TF{but}."
    names = ", ".join(dict.fromkeys(beaten))
    return (
        f"As it is, the JASPAR matrix or the enriched 8-mers do as well on {names}: there it is not worth its training."
    )


def _points(row: pd.Series, name: str) -> str:
    value, low, high = (100 * row[column] + 0.0 for column in (name, f"{name}_low", f"{name}_high"))
    interval = "no interval" if np.isnan([low, high]).any() else f"{low:.1f} to {high:.1f}"
    return f"{value:.1f} points ({interval})"


def foresee(found: pd.DataFrame, health: pd.DataFrame, level: float) -> pd.DataFrame:
    """How well the drop of a TF is predicted from the signs, by rules learnt on the other TFs.

    Parameters
    ----------
    found : DataFrame
        The sign tables of `unsupervised_adaptation.pair`, all pairs.
    health : DataFrame
        `dataset` and `verdict` from `library_qc.judge`. A pair whose source or target is ``poor`` is left out.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `SIGN_COLUMNS`, one row per value, named by `sign`: the signs and drops of `found`. For each other pair the
        predicted drops `foretold_ridge`, `foretold_sign` (by the sign that predicts best among the other TFs, named in
        `note`) and `foretold_mean`, each learnt on the other TFs only. Over TFs, with `EVERY_TF` as `tf`, the mean
        absolute errors `error_ridge`, `error_sign` and `error_mean`; and `gain_ridge` and `gain_sign`, by how much an
        error is smaller than `error_mean`, with an interval (Student's t over TFs) and Wilcoxon's p-value. With fewer
        than `LEAST` TFs nothing is predicted, and `note` says so.
    """
    poor = set(health.loc[health["verdict"].astype(str).str.startswith("poor"), "dataset"])
    sound = found[~found["source"].isin(poor) & ~found["target"].isin(poor)]
    parts = [found]
    for key, group in sound.groupby(OVER, sort=False):
        wide = group.pivot_table(index=KEY, columns="sign", values="value", sort=False)
        wide = wide[wide["drop"].notna()] if "drop" in wide else wide[:0]
        parts.append(_over(wide, dict(zip(OVER, key, strict=True)), level))
    return pd.concat(parts, ignore_index=True)[SIGN_COLUMNS].astype({"n_tf": "Int64"})


def _over(wide: pd.DataFrame, about: Mapping, level: float) -> pd.DataFrame:
    tfs = wide.index.get_level_values("tf").to_numpy() if len(wide) else np.array([])
    n = len(set(tfs))
    if n < LEAST:
        said = f"{n} sound TF(s), fewer than {LEAST}: nothing can be predicted"
        return pd.DataFrame(
            [{**about, "tf": EVERY_TF, "sign": "error_mean", "n_tf": n, "note": said}], columns=SIGN_COLUMNS
        )
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
        half = -special.stdtrit(n - 1, (1 - level) / 2) * gain.std() / np.sqrt(n)
        line = {"value": gain.mean(), "low": gain.mean() - half, "high": gain.mean() + half}
        lines.append(over | line | {"sign": f"gain_{way}", "p_value": wilcoxon(gain.to_numpy())})
    return pd.DataFrame(lines, columns=SIGN_COLUMNS)


def foretell(signs: np.ndarray, drops: np.ndarray, tfs: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The drop of each pair, predicted from the pairs of the other TFs.

    Parameters
    ----------
    signs : (N, F) float64
        One line per pair; NaN is replaced by the mean of the sign over the other TFs' pairs.
    drops : (N,) float64
        Observed, as fractions of 1.
    tfs : (N,) str
        TF of each pair.

    Returns
    -------
    foretold : dict of str to (N,) float64
        Predicted drops by ``ridge``, ``sign`` and ``mean``. Only the other TFs' pairs are used, also to choose the
        strength of the ridge (leaving single pairs out: scikit-learn's `RidgeCV`) and the sign (leaving TFs out).
    used : (N,) int
        Index of the sign chosen.
    """
    from sklearn.linear_model import RidgeCV  # imported here, since it loads slowly

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
    # `nan_to_num` and 1 for a sign that is missing or constant in all other pairs.
    mean, scale = np.nan_to_num(mean), np.where(scale > 1e-9, scale, 1)
    return np.nan_to_num((train - mean) / scale), np.nan_to_num((test - mean) / scale)


def _each_out(x: np.ndarray, y: np.ndarray, tfs: np.ndarray) -> np.ndarray:
    found = np.empty(len(y))
    for tf in dict.fromkeys(tfs):
        out = tfs == tf
        found[out] = np.polyval(np.polyfit(x[~out], y[~out], 1), x[out]) if np.ptp(x[~out]) else y[~out].mean()
    return found


def foreseen(table: pd.DataFrame) -> list[str]:
    """Sentences on whether the drop could be predicted, for each model and direction.

    Parameters
    ----------
    table : DataFrame
        From `foresee`.

    Returns
    -------
    list of str
        One for each model, direction and kind of negatives; with too few TFs, the note that says so.
    """
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
        sure = "predicts the drop better than" if gain["low"] > 0 else "does not predict the drop better than"
        said.append(
            f"{text}{name} {sure} the mean drop of the other TFs: off by {error:.1f} points on average "
            f"instead of {usual:.1f} (gain {100 * gain['low']:.1f} to {100 * gain['high']:.1f}, "
            f"{gain['n_tf']} TFs)."
        )
    return said
