"""What the drops of all TFs say together: the paper's table, every shift, the health of the data, a verdict."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from tfbind import dna, motifs
from tfbind.evaluation import NOT_ABOVE_FLOOR, SHIFTS, measure
from tfbind.faults import InputError

#: A loss of AUROC below this is not worth new data: less than half of the 4.6 to 4.8 points that the
#: published cross-assay table lost, and about what another set of training seeds moves.
REUSABLE_LOSS = 0.02
#: An interval of the loss wider than this holds both a negligible loss and twice the published one: no
#: advice.
WIDEST_INTERVAL = 0.10
#: Share of the way from the composition floor to a perfect AUROC of 1. Up to the first, a model is
#: composition with some noise (HT-SELEX of GABPA and ZNF143: below 0.1); from the second on, sequence tells
#: most of it (USF1: 0.8). A share and not a difference, since in inserts of 20 bp a motif itself shifts the
#: composition.
POOR_SHARE = 0.15
GOOD_SHARE = 0.5
#: AUROC that the TF's own JASPAR motif must reach alone for the motif to count as present. Of the real sets, sound
#: ones lie at 0.68 and above, GABPA, ZNF143 and NFE2 reads and NFE2 peaks below 0.60.
MOTIF_PRESENT = 0.6
#: Every group whose TFs a sheet may name, and how many sequences a class are enough to see a motif.
_GROUPS = ("vertebrates", "fungi", "plants", "insects", "nematodes", "urochordates")
_ENOUGH = 5000
#: Family-wise level at which a k-mer counts as enriched (Bonferroni over all strand-blind k-mers).
KMER_LEVEL = 0.01

GROUP = ["model", "train_negatives", "test_negatives"]
MEANS = ["n_tf", "same", "cross", "drop", "low", "high", "p_value"]
SUMMARY_COLUMNS = [*GROUP, *MEANS]
SHIFT_COLUMNS = ["shift", "source_assay", "target_assay", *GROUP, *MEANS, "p_minimum", "p_holm"]
LIBRARY_COLUMNS = [
    *("dataset", "tf", "assay", "cell", "lab", "replicate", "cycle", "n_read", "n_dropped", "n_positive", "n_negative"),
    *("kmer", "enrichment", "motif", "motif_auroc", "model", "auroc", "low", "high", "floor", "verdict"),
]
#: The `tf` of a verdict over all TFs.
EVERY_TF = "all TFs"
VERDICT_COLUMNS = [
    *("tf", "shift", "source_assay", "target_assay", *GROUP, "n", "drop", "low", "high", "verdict", "sentence")
]
_ASSAY = {"htselex": "HT-SELEX", "chipseq": "ChIP-seq"}
_ELSEWHERE = {"replicate": " of another replicate", "lab": " of another laboratory", "cell": " of another cell"}


def _spread(low: pd.Series, high: pd.Series, level: float) -> pd.Series:
    return (high - low) / (2 * stats.norm.isf((1 - level) / 2))


def _per_tf(transfer: pd.DataFrame, level: float) -> pd.DataFrame:
    # Pairs of one TF share test rows and models, so their errors do not average out: the mean spread bounds
    # that of their mean.
    table = transfer.assign(spread=_spread(transfer["low"], transfer["high"], level))
    return table.groupby("tf", sort=False)[["same", "cross", "drop", "low", "high", "spread"]].mean()


def wilcoxon(drops: np.ndarray) -> float:
    """Exact two-sided p of Wilcoxon's signed-rank test that the drops (n,) centre on zero; zeros are split."""
    drops = np.asarray(drops, float)
    sizes = np.abs(drops)
    if not sizes.any():
        return 1.0
    # The tabulated distribution holds without zeros and ties only; otherwise flip the signs.
    tied = len(np.unique(sizes)) < len(sizes) or not sizes.all()
    method = stats.PermutationMethod(n_resamples=2**16, rng=np.random.default_rng(0)) if tied else "exact"
    return float(stats.wilcoxon(drops, zero_method="zsplit", method=method).pvalue)


def p_minimum(n_tf: int) -> float:
    """The smallest p that `wilcoxon` can reach with so many TFs: 0.25 with three, 0.03 with six."""
    return 2.0 ** (1 - n_tf) if n_tf else float("nan")


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (Holm 1979) of one family (n,); NaN stays NaN and is not counted."""
    p_values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = np.full(len(p_values), np.nan)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def mean_over_tfs(transfer: pd.DataFrame, level: float) -> dict[str, float]:
    """Mean drop of the TFs in `transfer`, with its interval and p.

    Several pairs of one TF are averaged first. The interval is Student's t over the TFs, whose spread
    already holds each TF's own uncertainty; it reaches at least one standard error of that uncertainty to either
    side, so that a few drops equal by chance are not taken for certainty. One TF keeps its own interval.

    Parameters
    ----------
    transfer : DataFrame
        Rows of one model, kind of negatives and shift.
    level : float

    Returns
    -------
    dict
        `n_tf`, `same`, `cross`, `drop`, `low`, `high`, `p_value`; `n_tf` alone where no drop was estimable.
    """
    tfs = _per_tf(transfer[transfer["drop"].notna()], level)
    n = len(tfs)
    if n == 0:
        return {"n_tf": 0}
    means = tfs[["same", "cross", "drop"]].mean().to_dict()
    if n == 1:
        low, high = tfs["low"].iloc[0], tfs["high"].iloc[0]
    else:
        within = float((tfs["spread"].fillna(0) ** 2).mean())
        between = stats.t.isf((1 - level) / 2, n - 1) * float(tfs["drop"].std())
        half = max(between, np.sqrt(within)) / np.sqrt(n)
        low, high = means["drop"] - half, means["drop"] + half
    return {"n_tf": n, **means, "low": low, "high": high, "p_value": wilcoxon(tfs["drop"].to_numpy())}


def within_tf(transfer: pd.DataFrame) -> pd.DataFrame:
    """The rows of source and target of the same TF, without extra pairs."""
    return transfer[~transfer["tf"].astype(str).str.contains(">", regex=False)]


def rank(shift: str) -> int:
    """Place of a shift among `SHIFTS`; words of a table of scores come after them."""
    return SHIFTS.index(shift) if shift in SHIFTS else len(SHIFTS)


def summary(transfer: pd.DataFrame, level: float = 0.95, chosen: pd.Series | None = None) -> pd.DataFrame:
    """The cross-assay table: trained on HT-SELEX, tested on ChIP-seq, means over TFs.

    Parameters
    ----------
    transfer : DataFrame
        `evaluation.TRANSFER_COLUMNS`, all TFs; extra pairs of different TFs are left aside.
    level : float
    chosen : Series of bool
        Other rows of `transfer` to take the means over.

    Returns
    -------
    DataFrame
        `SUMMARY_COLUMNS`, one row for each model and pair of negatives, also where ``n_tf`` is 0. See
        `mean_over_tfs`.
    """
    if chosen is None:
        crossing = (transfer["source_assay"] == "htselex") & (transfer["target_assay"] == "chipseq")
        chosen = crossing & (transfer["shift"] == "assay")
    pairs = within_tf(transfer[chosen])
    groups = transfer[GROUP].drop_duplicates().itertuples(index=False)
    rows = (
        dict(zip(GROUP, group, strict=True)) | mean_over_tfs(pairs[(pairs[GROUP] == list(group)).all(axis=1)], level)
        for group in groups
    )
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def shifts(transfer: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The same table for every shift and direction that the study holds.

    Returns
    -------
    DataFrame
        `SHIFT_COLUMNS`, from the smallest shift to the largest. `p_minimum` is the smallest p that so many
        TFs allow; `p_holm` is adjusted for the number of models compared under the same shift, direction and
        negatives.
    """
    keys = SHIFT_COLUMNS[: 3 + len(GROUP)]
    rows = []
    for key, group in within_tf(transfer[transfer["shift"] != SHIFTS[0]]).groupby(keys, sort=False):
        means = mean_over_tfs(group, level)
        rows.append(dict(zip(keys, key, strict=True)) | means | {"p_minimum": p_minimum(means["n_tf"])})
    table = pd.DataFrame(rows, columns=SHIFT_COLUMNS)
    family = table.groupby([key for key in keys if key != "model"], sort=False)["p_value"]
    table["p_holm"] = family.transform(lambda p: holm(p.to_numpy(float)))
    return table.sort_values("shift", key=lambda s: s.map(rank), kind="stable", ignore_index=True)


def _shares(sequences: Sequence[str], k: int) -> np.ndarray:
    """How many sequences hold each k-mer on either strand: (4**k,), at the smaller code of the two."""
    count = np.zeros(4**k, np.int64)
    for first in range(0, len(sequences), 20_000):
        tokens = dna.encode(sequences[first : first + 20_000]).astype(np.int64)  # (N, L)
        if tokens.shape[1] < k:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(tokens, k, axis=1)  # (N, L - k + 1, k)
        known = (windows < 4).all(-1)
        forward = windows @ 4 ** np.arange(k)[::-1]
        reverse = (3 - windows) @ 4 ** np.arange(k)
        row = np.broadcast_to(np.arange(len(tokens))[:, None], known.shape)
        seen = np.unique(row[known] * 4**k + np.minimum(forward, reverse)[known])
        count += np.bincount(seen % 4**k, minlength=4**k)
    return count


def enrichment(positives: Sequence[str], negatives: Sequence[str], k: int = 6) -> tuple[str, float, float]:
    """The strand-blind k-mer that the positives hold most often beyond the negatives.

    Parameters
    ----------
    positives, negatives : sequence of str
        Of similar length; in longer sequences every k-mer is more frequent.
    k : int

    Returns
    -------
    kmer : str
        The alphabetically smaller strand; empty where no k-mer is enriched at `KMER_LEVEL`.
    ratio : float
        Shares of sequences that hold it, positives over negatives, half a sequence added to each count; NaN
        if none.
    p_value : float
        Of the smallest hypergeometric tail (Fisher's exact test, one-sided), Bonferroni over the
        strand-blind k-mers.
    """
    if not len(positives) or not len(negatives):
        return "", float("nan"), float("nan")
    inside, outside = _shares(positives, k), _shares(negatives, k)
    n_positive, n_negative = len(positives), len(negatives)
    ratio = ((inside + 0.5) / (n_positive + 1)) / ((outside + 0.5) / (n_negative + 1))
    n_kmer = (4**k + (4 ** (k // 2) if k % 2 == 0 else 0)) // 2
    tail = stats.hypergeom.sf(inside - 1, n_positive + n_negative, inside + outside, n_positive)
    p_value = np.minimum(tail * n_kmer, 1)
    enriched = (p_value <= KMER_LEVEL) & (ratio > 1)
    if not enriched.any():
        return "", float("nan"), float(p_value.min())
    best = int(np.argmax(np.where(enriched, ratio, 0)))
    kmer = "".join(dna.ALPHABET[best // 4**i % 4] for i in range(k)[::-1])
    return kmer, float(ratio[best]), float(p_value[best])


def own_motif(tf: str, positives: Sequence[str], negatives: Sequence[str]) -> tuple[str, float]:
    """How well the TF's own JASPAR motif alone tells positives from negatives.

    Returns
    -------
    motif, auroc : str, float
        Of the TF's matrices the one that does best, by its best match in each sequence; ``('', NaN)`` where JASPAR has
        none under this name or there is nothing to compare.
    """
    try:
        known = motifs.of_tf(tf, motifs.jaspar(_GROUPS))
    except InputError:
        return "", float("nan")
    positives, negatives = list(positives[:_ENOUGH]), list(negatives[:_ENOUGH])
    if not positives or not negatives:
        return "", float("nan")
    best = motifs.score(dna.encode(positives + negatives), known)[0]  # (N, M)
    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    scores = [measure(labels, best[:, i])[0] for i in range(len(known))]
    top = int(np.argmax(scores))
    return known.ids[top], scores[top]


def _health(tf: str, auroc: float, low: float, floor: float, kmer: str, ratio: float, motif: str, alone: float) -> str:
    numbers = f"({auroc:.2f}, floor {floor:.2f})"
    most = f"; its most enriched k-mer is {kmer} ({ratio:.1f} times)" if kmer else "; no k-mer is enriched"
    most += f"; the factor's own motif {motif} alone reaches {alone:.2f}" if motif else ""
    absent = alone < MOTIF_PRESENT  # not so where JASPAR has no motif (NaN)
    floor = max(floor, 0.5)  # composition below chance is chance
    share = (auroc - floor) / (1 - floor) if floor < 1 else 0.0
    if share < POOR_SHARE or (absent and share < GOOD_SHARE):
        lesson = "a model trained on this learns composition"
        return f"poor: {tf}: little beyond composition was learnt {numbers}; {lesson}{most}"
    if not low > floor:  # nor is there a lower end without an interval (NaN)
        return f"cannot tell: {tf}: too few held-out rows to put the model above composition {numbers}{most}"
    if absent:
        return f"weak: {tf}: the sequences are told apart {numbers}, but hardly by the factor's own motif{most}"
    if share < GOOD_SHARE:
        return f"weak: {tf}: {share:.0%} of the way from composition to a perfect score {numbers}{most}"
    return f"good: {tf}: {share:.0%} of the way from composition to a perfect score {numbers}{most}"


def libraries(
    rows: Mapping[str, Mapping[str, str]],
    logs: Mapping[str, pd.DataFrame],
    counts: Mapping[str, tuple[int, int]],
    metrics: pd.DataFrame,
    enrichments: Mapping[str, tuple[str, float, float]],
    own_motifs: Mapping[str, tuple[str, float]],
    models: Mapping[str, Mapping],
) -> pd.DataFrame:
    """The health of each dataset: what was read and kept, its strongest k-mer, and what a model learns from
    it.

    The model is the best by AUROC on the dataset's own held-out rows, under the first kind of negatives (in
    the order of `metrics`) that has an estimate beside a composition floor.

    Parameters
    ----------
    rows : {dataset: row of the sheet}
    logs : {dataset: Tally.frame()}
    counts : {dataset: (positives, negatives)}
    metrics : DataFrame
        `evaluation.METRIC_COLUMNS`, all TFs.
    enrichments : {dataset: what `enrichment` returns}
    own_motifs : {dataset: what `own_motif` returns}
    models : {label: options}
        Of the config; those of kind ``composition`` are the floor.

    Returns
    -------
    DataFrame
        `LIBRARY_COLUMNS`; `verdict` begins with ``good``, ``weak``, ``poor`` or ``cannot tell``.
    """
    floors = {label for label, options in models.items() if options.get("kind") == "composition"}
    own = metrics[
        (metrics["comparison"] == "same")
        & (metrics["seed"].astype(str) == "ensemble")
        & (metrics["metric"] == "auroc")
        & (metrics["train_negatives"] == metrics["test_negatives"])
    ].reset_index(drop=True)
    table = []
    for dataset, row in rows.items():
        log = logs.get(dataset)
        counted = {} if log is None else log.groupby("event")["count"].sum().to_dict()
        n_positive, n_negative = counts.get(dataset, (None, None))
        kmer, ratio, _ = enrichments[dataset]
        motif, alone = own_motifs[dataset]
        line = {name: row.get(name, "") for name in ("tf", "assay", "cell", "lab", "replicate", "cycle")} | {
            "dataset": dataset,
            "n_read": None if log is None else counted.get("read", 0),
            "n_dropped": None if log is None else counted.get("dropped", 0),
            "n_positive": n_positive,
            "n_negative": n_negative,
            "kmer": kmer,
            "enrichment": ratio,
            "motif": motif,
            "motif_auroc": alone,
        }
        mine = own[own["source"] == dataset]
        table.append(line | _learnt(row["tf"], mine, floors, (kmer, ratio, motif, alone)))
    return pd.DataFrame(table, columns=LIBRARY_COLUMNS)


def _learnt(tf: str, mine: pd.DataFrame, floors: set[str], content: tuple[str, float, str, float]) -> dict:
    known = mine[mine["value"].notna()]
    networks = known[~known["model"].isin(floors)]
    if networks.empty:
        notes = [note for note in mine["note"].dropna().unique() if note]
        reason = "; ".join(notes) or "no model was scored on its own held-out rows"
        return {"verdict": f"cannot tell: {tf}: {reason}"}
    beside = known[known["model"].isin(floors)]
    labels = [label for label in networks["train_negatives"].unique() if label in set(beside["train_negatives"])]
    label = labels[0] if labels else networks["train_negatives"].iloc[0]
    networks = networks[networks["train_negatives"] == label]
    best = networks.loc[networks["value"].idxmax()]
    line = {"model": best["model"], "auroc": best["value"], "low": best["low"], "high": best["high"]}
    if not labels:
        return line | {"verdict": f"cannot tell: {tf}: {best['value']:.2f}, without a composition model beside it"}
    floor = float(beside.loc[beside["train_negatives"] == label, "value"].iloc[0])
    return line | {
        "floor": floor,
        "verdict": _health(tf, float(best["value"]), float(best["low"]), floor, *content),
    }


def classify(drop: float, low: float, high: float) -> str:
    """The verdict on a loss of AUROC with its interval, data of good quality taken for granted.

    ``reuse``: at most `REUSABLE_LOSS` lost, even at the upper end. ``retrain``: more, even at the lower end.
    ``fine-tune or retrain``: the interval holds `REUSABLE_LOSS`. ``cannot tell``: no interval, or one that
    holds it and is wider than `WIDEST_INTERVAL`.
    """
    if not np.isfinite([drop, low, high]).all():
        return "cannot tell"
    if high < REUSABLE_LOSS:
        return "reuse"
    if low > REUSABLE_LOSS:
        return "retrain"
    return "cannot tell" if high - low > WIDEST_INTERVAL else "fine-tune or retrain"


def _loss(drop: float, low: float, high: float, level: float) -> str:
    # + 0.0 turns the -0.0 of a rounded small gain into 0.0.
    points = [round(100 * x, 1) + 0.0 for x in (drop, low, high)]
    if points[0] < 0:
        points = [-points[0], -points[2], -points[1]]
        word = "gains"
    else:
        word = "loses"
    return f"{word} {points[0]:.1f} points of AUROC ({points[1]:.1f} to {points[2]:.1f}, {level:.0%} interval)"


def _way(key: Mapping[str, str]) -> tuple[str, str]:
    ends = ("source", "target")
    source, target = (_ASSAY.get(key[f"{end}_assay"], key[f"{end}_assay"]) or f"the {end}" for end in ends)
    return source, target + _ELSEWHERE.get(key["shift"], "")


def _advice(subject: str, model: str, key: Mapping[str, str], loss: tuple[float, float, float], level: float) -> dict:
    verdict = classify(*loss)
    source, target = _way(key)
    line = dict(zip(("drop", "low", "high"), loss, strict=True)) | {"model": model, "verdict": verdict}
    if np.isfinite(loss).all():
        said = f"A {model} model trained on {source} {_loss(*loss, level)} on {target}."
    else:
        said = f"A {model} model trained on {source} and scored on {target} has no interval for its loss."
    return line | {"sentence": f"{subject}: {verdict}. {said}"}


def _of_tf(pairs: pd.DataFrame, health: pd.DataFrame, key: Mapping[str, str], level: float) -> dict:
    tf, (source, target) = key["tf"], _way(key)
    best = pairs["source"].map(health["model"])
    chosen = pairs[pairs["model"] == best]
    line = {**key, "model": ", ".join(chosen["model"].unique()), "n": int(chosen["drop"].notna().sum())}
    if not line["n"]:
        notes = chosen["note"] if len(chosen) else pairs["source"].map(health["verdict"])
        reasons = (str(note).removeprefix(f"cannot tell: {tf}: ") for note in notes.dropna() if note)
        why = "; ".join(dict.fromkeys(reasons)) or "no model was chosen"
        if key["shift"] != SHIFTS[0]:
            why = f"no drop from {source} to {target} could be estimated: {why}"
        return line | {
            "verdict": "cannot tell",
            "sentence": f"{tf}: cannot tell. {why[0].upper() + why[1:]}.",
        }
    chosen = chosen[chosen["drop"].notna()]
    poor_source, poor_library = (
        chosen[end].map(health["verdict"]).astype(str).str.startswith("poor") for end in ("source", "target")
    )
    poor_target = poor_library | chosen["note"].fillna("").str.contains(NOT_ABOVE_FLOOR, regex=False)
    sound = chosen[~poor_source & ~poor_target]
    if sound.empty:
        loss = tuple(chosen[["drop", "low", "high"]].mean())
        why = "no source taught more than composition" if poor_source.all() else NOT_ABOVE_FLOOR
        if poor_library.all():
            why = "the target library holds little beyond composition"
        why = why[0].upper() + why[1:]
        said = f"{_advice(tf, line['model'], key, loss, level)['sentence'].split('. ', 1)[1]}"
        return line | {
            **dict(zip(("drop", "low", "high"), loss, strict=True)),
            "verdict": "poor data",
            "sentence": f"{tf}: poor data. {why}. {said}",
        }
    loss = tuple(sound[["drop", "low", "high"]].mean())
    line |= {"n": len(sound)} | _advice(tf, ", ".join(sound["model"].unique()), key, loss, level)
    left_out = len(chosen) - len(sound)
    if left_out:
        line["sentence"] += f" Pairs left out for poor data: {left_out} of {len(chosen)}."
    return line


def verdicts(transfer: pd.DataFrame, libraries: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """What to do, for each TF and direction, in a sentence that holds its uncertainty; then over the TFs.

    The model is the best on the source's own held-out rows (`libraries`), never chosen on the target.
    Several pairs of one TF are averaged, those of poor data left out where others remain.

    Parameters
    ----------
    transfer, libraries : DataFrame
        As made by `evaluation.evaluate` and `libraries`.
    level : float

    Returns
    -------
    DataFrame
        `VERDICT_COLUMNS`. `verdict` is one of `classify`, or ``poor data``: the target-trained model is not
        above its composition floor or the source library is poor, so that the loss says nothing about the
        shift. Rows over TFs have `EVERY_TF` as `tf`, leave TFs of poor data out (the other tables hold them) and
        stand where at least two remain; `n` counts pairs, or there TFs.
    """
    health = libraries.set_index("dataset")[["model", "verdict"]]
    keys = ["tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives"]
    # A TF with one dataset has rows of shift none: they say why there is no verdict.
    lines = [
        _of_tf(pairs, health, dict(zip(keys, key, strict=True)), level)
        for key, pairs in transfer.groupby(keys, sort=False)
    ]
    used = set(libraries["model"].dropna())
    poor = set(health.index[health["verdict"].astype(str).str.startswith("poor")])
    sound = transfer[~transfer["source"].isin(poor) & ~transfer["target"].isin(poor)]
    over = ["shift", "source_assay", "target_assay", *GROUP]
    everyone = shifts(transfer, level).set_index(over)["n_tf"]
    for row in shifts(sound, level).to_dict("records"):
        if row["model"] in used and row["n_tf"] > 1:
            key = {name: row[name] for name in keys[1:]}
            line = key | {"tf": EVERY_TF, "n": row["n_tf"]}
            loss = (row["drop"], row["low"], row["high"])
            line |= _advice(f"{row['n_tf']} TFs", row["model"], key, loss, level)
            line["sentence"] += f" Wilcoxon p = {row['p_value']:.2g}"
            if row["p_minimum"] > 1 - level:
                line["sentence"] += f", and so few TFs cannot give less than {row['p_minimum']:.2g}"
            line["sentence"] += "."
            left_out = int(everyone[tuple(row[name] for name in over)] - row["n_tf"])
            if left_out:
                line["sentence"] += f" TFs left out for poor data: {left_out}."
            lines.append(line)
    return pd.DataFrame(lines, columns=VERDICT_COLUMNS)
