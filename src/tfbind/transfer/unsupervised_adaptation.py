"""Adaptations of a source model to a target without target labels, each compared with the unchanged source model.

Of the target an adaptation sees nothing, or the pool: the sequences of its *training* rows, positives and negatives
mixed in random order. Target test sequences are only scored, and target labels only serve to evaluate the scores.
`adaptation_methods.ADAPTATIONS` lists all adaptations with what each needs. Two of them are references that a network
should beat: the TF's JASPAR matrix, and the enrichment of 8-mers in the source's own sequences.

All settings are fixed in the code beforehand, except the number of steps and the size of the pool, which come from the
config. An adaptation that trains on source sequences chooses its epoch on the source's validation sequences, as the
source model did.
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
from tfbind.transfer import adaptation_methods, calibration, evaluate
from tfbind.transfer.transferability import ADAPTATION_COLUMNS, NOTHING, SIGN_COLUMNS, SIGNS, K


def _adaptations(
    case: adaptation_methods.Case, own: np.ndarray, test: pd.DataFrame, about: Mapping[str, object], config: Mapping
) -> pd.DataFrame:
    # The rows of the adaptation table of one case; `own` (S, M) are the logits of the target-trained model.
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
            seeds = bootstrap.shared_seeds(scores, case.direct[1], labels)
            line["gain"], line["gain_low"], line["gain_high"] = bootstrap.difference(found, direct, level, seeds)
        line["drop"], line["drop_low"], line["drop_high"] = bootstrap.difference(ceiling, found, level)
        lines.append(line)
    shutil.rmtree(case.work, ignore_errors=True)
    return pd.DataFrame(lines, columns=ADAPTATION_COLUMNS)


def _unanswered(about: Mapping[str, object], reason: str) -> pd.DataFrame:
    """The row of a pair without a model or without test sequences."""
    row = {**about, "comparison": "cross", "adaptation": "direct", "needs": NOTHING, "role": "direct"}
    return pd.DataFrame([row | {"metric": "auroc", "note": reason}], columns=ADAPTATION_COLUMNS)


def signs(case: adaptation_methods.Case) -> dict[str, float]:
    """The `SIGNS` of a case, which may predict its drop without target labels.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict of str to float
        A value for each of `SIGNS`; NaN where one cannot be computed: those of the motif if JASPAR has none, the AUROC
        of the source if its validation sequences lack a class.
    """
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
        "source_ece": calibration.ece(labels, special.expit(known.mean(0))),
    }
    with suppress(NotEstimable):  # the validation sequences lack a class
        found["source_auroc"] = metrics.measure(labels, known.mean(0))[0]
    with suppress(NotEstimable):  # JASPAR has no matrix of this TF
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
    source: examples.LabelledTables,
    target: examples.LabelledTables,
    reading: str,
    config: Mapping,
    others: Sequence[pd.DataFrame],
    cycles: examples.LabelledTables | None,
    work: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All adaptations and signs of one source model on one target whose training labels are hidden.

    Parameters
    ----------
    about : mapping
        `columns.KEY` and `columns.NEGATIVES` of the pair.
    folder, own : path
        The source model and the target-trained one.
    source, target : LabelledTables
        All sequences of both datasets. The target's validation sequences and the labels of its training sequences are
        not used.
    reading : {"whole", "scan", "occupancy", "embed"}
        How both networks read a sequence, see `predict.score`.
    config : mapping
        `training`, `transfer` and `statistics` of the validated config.
    others : sequence of sequence tables
        Positives of other TFs; only training rows are used.
    cycles : LabelledTables or None
        Sequences from other cycles of the source's library.
    work : path
        Folder for checkpoints; removed at the end.

    Returns
    -------
    adaptation : DataFrame
        `ADAPTATION_COLUMNS`, one row per adaptation. `gain` is over the unchanged source model and `drop` is what
        remains to the target-trained model; both are paired. A row without value says why in `note`.
    signs : DataFrame
        `SIGN_COLUMNS`: one row per sign, and one for the observed drop of the unchanged model. Where the pair is not
        estimable, a single row of NaN whose `note` says why.

    Raises
    ------
    InputError
        A stored model is missing or damaged.
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


def pool(target: examples.LabelledTables, most: int, names: Sequence[str]) -> np.ndarray:
    """Training sequences of a target without their labels, in random order.

    Parameters
    ----------
    target : LabelledTables
    most : int
        Sequences at most; more are sampled at random.
    names : sequence of str
        Seed the random choice, so that the same names give the same pool.

    Returns
    -------
    (P, L) uint8
        Tokens, padded to the longest sequence.
    """
    rows = pd.concat([table["sequence"] for table in target.train()], ignore_index=True)
    return dna.encode(rows.iloc[generator("pool", *names).permutation(len(rows))[:most]])


def _lines(about: Mapping, found: Mapping[str, float], note: str = "") -> pd.DataFrame:
    lines = [{**about, "comparison": "cross", "sign": sign, "value": x, "note": note} for sign, x in found.items()]
    return pd.DataFrame(lines, columns=SIGN_COLUMNS)
