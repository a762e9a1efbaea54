"""Adaptations of a source model to a target without its labels, each against using the model as it is.

What is known of the target is nothing, or the sequences of its *training* rows, bound and unbound mixed in an order
that says nothing: the pool. Its test rows are scored and never seen before; its labels say how well that went, and no
more. `ADAPTATIONS` holds them all, with what each needs. Two of them are no adaptations but what a network must beat
to be worth its training: the factor's JASPAR matrix, and the enrichment of 8-mers in the very reads of the source.

Every setting is fixed here, beforehand; steps and rows come from the config. What trains on source rows chooses its
epoch on the source's validation rows, as the source model did.
"""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from tfbind import dna, kmers, motifs
from tfbind.errors import NotEstimable
from tfbind.io import tables
from tfbind.models import examples, predict, store
from tfbind.seeding import generator
from tfbind.statistics import bootstrap, metrics
from tfbind.transfer import adaptation_methods, calibration, evaluate, learning_curves
from tfbind.transfer.transferability import ADAPTATION_COLUMNS, NOTHING, SIGN_COLUMNS, SIGNS, K


def _adaptations(
    case: adaptation_methods.Case, own: np.ndarray, test: pd.DataFrame, about: Mapping[str, object], config: Mapping
) -> pd.DataFrame:
    # Of one case; `own` (S, M) are the logits of the target-trained model.
    statistics = config["statistics"]
    level = statistics["level"]
    drawn = evaluate.draws_of(test, str(about["target"]), str(about["test_negatives"]), statistics)
    ceiling = bootstrap.replicate(own, drawn)
    direct = bootstrap.replicate(case.direct[1], drawn)
    labels = test["label"].to_numpy()
    counts = {"n_positive": int((labels == 1).sum()), "n_negative": int((labels == 0).sum())}
    wanted = {name for name, adaptation in adaptation_methods.ADAPTATIONS.items() if adaptation.role != "adaptation"}
    wanted |= set(config["transfer"]["unlabelled"]["adaptations"])
    lines = []
    for name, how in adaptation_methods.ADAPTATIONS.items():
        if name not in wanted:
            continue
        line = {"comparison": "cross", "adaptation": name, "needs": how.needs, "role": how.role, "metric": "auroc"}
        line |= {**about, **counts, "note": ""}
        try:
            scores = how.score(case)
            found = bootstrap.replicate(scores, drawn)
        except NotEstimable as reason:
            lines.append(line | {"note": str(reason)})
            continue
        line["value"] = found.value[0]
        line["low"], line["high"] = bootstrap.metric_interval(found, 0, level)
        if how.role != "direct":
            spread = _seeds(scores, case.direct[1], labels)
            line["gain"], line["gain_low"], line["gain_high"] = _gain(found, direct, spread, level)
        line["drop"], line["drop_low"], line["drop_high"] = bootstrap.difference(ceiling, found, level)
        lines.append(line)
    shutil.rmtree(case.work, ignore_errors=True)
    return pd.DataFrame(lines, columns=ADAPTATION_COLUMNS)


def _seeds(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> float:
    """Variance of the difference of two AUROCs between trainings, by the jackknife: a seed leaves both at once.

    Parameters
    ----------
    first : (S, N) or (1, N)
        One row: a score without seeds.
    second : (S, N)
    labels : (N,) 0/1
    """
    n = len(second)
    if n < 2:
        return 0.0
    first = np.broadcast_to(first, second.shape)
    means = [[np.delete(scores, i, 0).mean(0) for scores in (first, second)] for i in range(n)]
    left = [np.subtract(*(metrics.measure(labels, mean)[0] for mean in pair)) for pair in means]
    return float((n - 1) * np.var(left))


def _gain(
    first: bootstrap.Replicates, second: bootstrap.Replicates, seeds: float, level: float
) -> tuple[float, float, float]:
    # As `bootstrap.difference`, of models that share their seeds.
    value = float(first.value[0] - second.value[0])
    rows = float((first.rows[:, 0] - second.rows[:, 0]).var())
    half = bootstrap.half_width([(rows, second.n_block - 1), (seeds, second.n_seed - 1)], level)
    return value, *(float(x) for x in np.clip([value - half, value + half], -1, 1))


def _unanswered(about: Mapping[str, object], reason: str) -> pd.DataFrame:
    """The row of a pair that has no model or no test rows."""
    row = {**about, "comparison": "cross", "adaptation": "direct", "needs": NOTHING, "role": "direct"}
    return pd.DataFrame([row | {"metric": "auroc", "note": reason}], columns=ADAPTATION_COLUMNS)


def signs(case: adaptation_methods.Case) -> dict[str, float]:
    """The `SIGNS` of a case; NaN where one cannot be had."""
    from scipy.spatial.distance import jensenshannon

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
        "domain_auroc": adaptation_methods.domain_odds(case.train[0], case.pool, case.pool[:1])[1],
        "kmer_distance": jensenshannon(*(_shares(tokens) for tokens in (case.train[0], case.pool)), base=2),
        "source_auroc": metrics.measure(labels, known.mean(0))[0],
        "source_ece": calibration.ece(labels, special.expit(known.mean(0))),
    }
    with suppress(NotEstimable):  # JASPAR knows no such factor
        tokens, truth = case.train
        alone = motifs.maxima(tokens, case.motif)[:, 0]
        found |= {"motif_agreement": _agreement(pool, case.matrix[0])}
        found |= {"source_motif": metrics.measure(truth, alone)[0]}
    return {name: float(found.get(name, np.nan)) for name in SIGNS}


def _agreement(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if min(np.ptp(a), np.ptp(b)) > 0 else np.nan


def _shares(tokens: np.ndarray) -> np.ndarray:
    longest = kmers.composition(tokens, K)[:, kmers.composition(tokens[:1], K - 1).shape[1] :]
    return longest.mean(0)


def pair(
    about: Mapping[str, object],
    folder: Path,
    own: Path,
    source: learning_curves.Examples,
    target: learning_curves.Examples,
    reading: str,
    config: Mapping,
    others: Sequence[pd.DataFrame],
    cycles: learning_curves.Examples | None,
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
        `ADAPTATION_COLUMNS`: `gain` is over direct use, `drop` what is left to the target-trained model, both paired;
        and `SIGN_COLUMNS`: one row a sign, and the observed drop.
    """
    options = config["transfer"]["unlabelled"]
    test = pd.concat([t[(t["split"] == "test") & (t["draw"] == 0)] for t in target], ignore_index=True)
    names = [str(about[name]) for name in ("source", "target", "test_negatives")]
    try:
        for place in (folder, own):
            store.usable(place)
        if note := next(filter(None, map(tables.note, (*source, *target))), ""):
            raise NotEstimable(note)
        bound = [t.loc[t["split"] == "train", "sequence"] for t in others]
        case = adaptation_methods.Case(
            folder=folder,
            reading=reading,
            tf=str(about["tf"]),
            source=examples.encode(*source),
            pool=pool(target, options["sequences"], names),
            test=dna.encode(test["sequence"]),
            others=list(pd.concat(bound)) if bound else [],
            cycles=cycles,
            settings=config["training"],
            steps=options["steps"],
            work=work,
        )
        theirs = predict.stored(own)
        ceiling = predict.score(theirs.model, case.test, reading, theirs.window)
        found = _adaptations(case, ceiling, test, about, config)
        line = signs(case)
    except NotEstimable as reason:
        return _unanswered(about, str(reason)), _lines(about, {"drop": np.nan}, str(reason))
    drop = found.loc[found["adaptation"] == "direct", "drop"].iloc[0]
    return found, _lines(about, {**line, "drop": drop})


def pool(target: learning_curves.Examples, most: int, names: Sequence[str]) -> np.ndarray:
    """Training sequences of a target, at most so many, in an order that tells nothing of their labels: (P, L) uint8."""
    rows = pd.concat([table["sequence"] for table in target.train()], ignore_index=True)
    return dna.encode(rows.iloc[generator("pool", *names).permutation(len(rows))[:most]])


def _lines(about: Mapping, found: Mapping[str, float], note: str = "") -> pd.DataFrame:
    lines = [{**about, "comparison": "cross", "sign": sign, "value": x, "note": note} for sign, x in found.items()]
    return pd.DataFrame(lines, columns=SIGN_COLUMNS)
