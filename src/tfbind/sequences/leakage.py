"""Leakage: a model is tested on sequences that it was trained on. Counted for each source and target before training.

Training sequences that leak into the test set of any target of their source are left out of its training (`without`),
or that pair of source and target is refused, as the config says. A model notes what was left out (`stamp`), so that a
target added later cannot be scored by a model that was trained on its test sequences (`outdated`). A model from
elsewhere is not trained here: where what it was trained on (`declared`) leaks, its score on that target is refused.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tfbind import dna, kmers
from tfbind.assays import form
from tfbind.io import atomic, intervals, tables
from tfbind.kernels import words
from tfbind.sequences import splits

#: How a training sequence may be a test sequence, the plainest first; each counts once, under the first that holds. The
#: last stands for any of the others between a negative of the training and a negative of the test.
KINDS = ("identical", "reverse_complement", "overlapping", "near_identical", "shared_negatives")
#: Two datasets of reads that hold the same reads.
ONE_LIBRARY = "one_library"
#: In the place of the kinds, where nobody says what a model from elsewhere was trained on.
NOT_DECLARED, NOT_TESTED = "not_declared", "not tested"
#: Distinct words of 16 bp that near-identical sequences share at least. In one stretch they are 23 bp, longer than
#: the motif of nearly every TF, so that inserts of 14 to 22 bp are near-identical to none: if both hold a strong motif,
#: two different inserts look like one that was copied with an error.
LEAST_WORDS = words.WINDOW
#: Test sequences of one minimizer that are compared; only repeats of a genome have more.
MOST_COPIES = 256
#: Two libraries are one if they share at least so many reads, so many times more than chance, at so small a p.
SHARED_READS, BEYOND_CHANCE, LIBRARY_LEVEL = 10, 10, 1e-6
COLUMNS = [
    *("tf", "source", "source_assay", "target", "target_assay", "comparison", "train_negatives", "test_negatives"),
    *("model", "kind", "n_train", "n_test", "n_removed", "action", "note"),
]
#: Training sequences to leave out: `id`, the kind of leak, and the first target that each leaks into.
LEAKING = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("id", "kind", "target")])
_ORDER = 5  # of the Markov chain from which the number shared by chance is computed
_BASES = 2**27  # bases of one block of sequences
_SHARED_NEGATIVES, _NONE = len(KINDS) - 1, len(KINDS)


def compare(
    train: pd.DataFrame, test: pd.DataFrame, share: float, one_genome: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Which sequences of two tables are in the other table, and how.

    Parameters
    ----------
    train, test : sequence tables, N and M sequences
    share : float
        The least share of words of 16 bp that near-identical sequences have in common, among the words of the one that
        holds fewer.
    one_genome : bool
        Whether the coordinates of both are of one assembly.

    Returns
    -------
    (N,) int8, (M,) int8
        Index into `KINDS`; ``len(KINDS)`` for a sequence that is not in the other table.
    """
    codes = np.full(len(train), _NONE, np.int8), np.full(len(test), _NONE, np.int8)
    if not len(train) or not len(test):
        return codes

    def found(kind: str, hits: tuple[np.ndarray, np.ndarray]) -> None:
        for code, hit in zip(codes, hits, strict=True):
            np.minimum(code, KINDS.index(kind), out=code, where=hit)

    turned = dna.reverse_complements(test["sequence"])
    found("identical", (_among(train["sequence"], test["sequence"]), _among(test["sequence"], train["sequence"])))
    found("reverse_complement", (_among(train["sequence"], turned), _among(turned, train["sequence"])))
    if one_genome:
        found("overlapping", (_overlapping(train, test), _overlapping(test, train)))
    found("near_identical", near(train["sequence"], test["sequence"], share))
    return codes


def _among(sequences: pd.Series, others: pd.Series) -> np.ndarray:
    texts = (pa.array(column, pa.large_string()) for column in (sequences, others))
    return pc.is_in(*texts).to_numpy(zero_copy_only=False)


def _overlapping(table: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    hit, placed = np.zeros(len(table), bool), table["chrom"].notna().to_numpy()
    hit[placed] = intervals.overlapping(table[placed], others[others["chrom"].notna()])
    return hit


def near(sequences: pd.Series, others: pd.Series, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Which sequences are near-identical to one of the other column, on either strand: see `kernels.words.near`.

    In blocks of sequences, so that memory does not grow with them. Identical ones of 23 bp and more are among them.

    Parameters
    ----------
    sequences, others : Series of str, (N,) and (M,)
    share : float
        The least share of words of 16 bp in common, among the words of the one that holds fewer.

    Returns
    -------
    (N,) bool, (M,) bool
    """
    hit, other_hit = np.zeros(len(sequences), bool), np.zeros(len(others), bool)
    for some in _blocks(others):
        other_tokens, other_sizes = _encoded(others[some])
        index = np.sort(words.entries(other_tokens, other_sizes))
        for part in _blocks(sequences) if len(index) else ():
            tokens, sizes = _encoded(sequences[part])
            options = share, LEAST_WORDS, MOST_COPIES
            hits = words.near(tokens, sizes, other_tokens, other_sizes, index, *options)
            hit[part] |= hits[0]
            other_hit[some] |= hits[1]
    return hit, other_hit


def _blocks(sequences: pd.Series) -> list[slice]:
    longest = int(sequences.str.len().max()) if len(sequences) else 0
    step = max(1, _BASES // max(longest, 1))
    return [slice(first, first + step) for first in range(0, len(sequences), step)]


def _encoded(sequences: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    return dna.encode(sequences), sequences.str.len().to_numpy(np.int64)


def chain(sequences: pd.Series, order: int) -> Callable[[np.ndarray], np.ndarray]:
    """The composition of a library as a Markov chain, both strands alike.

    Parameters
    ----------
    sequences : Series of str
        Inserts of one length, without N.
    order : int
        Bases that the next one depends on. Each of the four gets a pseudocount of one.

    Returns
    -------
    function
        Tokens (N, L) uint8, L above `order` -> their natural log-probability (N,) float64.
    """
    counts = np.ones((4**order, 4))
    for column in (sequences, dna.reverse_complements(sequences)):
        counts += np.bincount(kmers.codes(dna.encode(column), order + 1).ravel(), minlength=4 ** (order + 1)).reshape(
            -1, 4
        )
    start = np.log(counts.sum(1) / counts.sum())
    step = np.log(counts / counts.sum(1, keepdims=True)).ravel()

    def log_probability(tokens: np.ndarray) -> np.ndarray:
        words = kmers.codes(tokens, order + 1)  # (N, L - order)
        return start[words[:, 0] // 4] + step[words].sum(1)

    return log_probability


def expected(sequences: pd.Series, others: pd.Series) -> float:
    """How many sequences two libraries of their size and composition would share by chance, on either strand.

    Composition is a Markov chain of order 5 (or the length less 1) fitted to `others`, so that a motif of both counts
    as chance.

    Parameters
    ----------
    sequences, others : Series of str
        Inserts of one length, without N.

    Returns
    -------
    float
    """
    tokens = dna.encode(sequences)
    chance = np.exp(chain(others, min(_ORDER, tokens.shape[1] - 1))(tokens))
    return float(np.minimum(2 * len(others) * chance, 1).sum())


def one_library(names: tuple[str, str], sequences: pd.Series, others: pd.Series) -> tuple[int, str]:
    """How many distinct inserts two libraries share, either strand, and a sentence where they look like one.

    Parameters
    ----------
    names : (str, str)
        Of the two datasets, for the sentence.
    sequences, others : Series of str, (N,) and (M,)
        Each library's positives, each once.

    Returns
    -------
    int, str
        The sentence is '' unless all inserts have one length and at least `SHARED_READS` are shared, `BEYOND_CHANCE`
        times as many as by chance, at a Poisson p of at most `LIBRARY_LEVEL`.
    """
    if sequences.empty or others.empty:
        return 0, ""
    shared = int(dna.canonicals(sequences).isin(dna.canonicals(others)).sum())
    sizes = [column.str.len().to_numpy() for column in (sequences, others)]
    if shared < SHARED_READS or len(set(sizes[0]) | set(sizes[1])) > 1:
        return shared, ""
    chance = expected(sequences, others)
    from scipy import special  # it loads for libraries that share inserts

    if shared < BEYOND_CHANCE * chance or special.pdtrc(shared - 1, chance) > LIBRARY_LEVEL:
        return shared, ""
    part = shared / min(len(sequences), len(others))
    by_chance = f"{chance:.2g}" if chance >= 0.01 else "under 0.01"
    return shared, (
        f"{names[0]} and {names[1]} look like one library: {part:.1%} of the inserts kept are shared ({shared}), "
        f"expected by chance {by_chance}"
    )


def audit(
    source: Mapping[str, str],
    train_negatives: str,
    train: tuple[pd.DataFrame, pd.DataFrame],
    targets: Mapping[str, Mapping[str, str]],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    *,
    leaks: str,
    share: float,
    model: str = "",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Which of one source's training and validation sequences are among the test sequences of each of its targets.

    Parameters
    ----------
    source : mapping of str to str
        Its row of the sheet.
    train_negatives : str
        Label of the negatives that it is trained with.
    train : (sequence table, sequence table)
        Its positives and its negatives of that label, all splits.
    targets : mapping of str to mapping
        Target -> its row of the sheet.
    tests : mapping of str to (sequence table, mapping of str to sequence table)
        Target -> its positives, and its negatives by label; the source itself is one of the targets.
    leaks : {"remove", "refuse"}
        What follows from a leak.
    share : float
        See `compare`.
    model : str
        Label of a model from elsewhere, of which `train` holds what it was trained on and `genome` of `source` is the
        assembly of that; a pair is then refused where `leaks` says that rows are removed. '' for all models trained
        here.

    Returns
    -------
    counts : DataFrame
        `COLUMNS`; for each target and label of its negatives one row for each of `KINDS` and one for `ONE_LIBRARY`.
        `n_train` and `n_test` count the sequences that leak and those that they leak into; for `ONE_LIBRARY`, the
        shared inserts of all splits.
    leaking : DataFrame
        `LEAKING`: the training sequences to leave out. Empty where pairs are refused instead.
    """
    rows, parts = [], []
    seen = [table[table["split"] != "test"].reset_index(drop=True) for table in train]
    for target, (positives, negatives) in tests.items():
        row = targets[target]
        own = source["dataset"] == target
        one_genome = (own and not model) or bool(source["genome"] and source["genome"] == row["genome"])
        shared, sentence = 0, ""
        if not own and form(source["assay"]) == form(row["assay"]) == "reads":
            names = model or source["dataset"], target
            shared, sentence = one_library(names, train[0]["sequence"], positives["sequence"])
        against_bound = [compare(part, _tested(positives), share, one_genome) for part in seen]
        for label, table in negatives.items():
            about = _about(source, row, train_negatives, label, model)
            note = tables.note(train[0]) or tables.note(train[1]) or tables.note(positives) or tables.note(table)
            against_unbound = [compare(part, _tested(table), share, one_genome) for part in seen]
            against_unbound[1] = [np.where(x < _NONE, _SHARED_NEGATIVES, _NONE) for x in against_unbound[1]]
            # codes of the positives and of the negatives: of the training, then of the test
            found = [np.minimum(x[0], y[0]) for x, y in zip(against_bound, against_unbound, strict=True)]
            tested = [np.minimum(*(codes for _, codes in both)) for both in (against_bound, against_unbound)]
            n_train, n_test = (np.bincount(np.concatenate(codes), minlength=_NONE) for codes in (found, tested))
            leaky = bool(n_train[:_NONE].any())
            refused = leaky or bool(sentence) if leaks == "refuse" else leaky and bool(model)
            for code, kind in enumerate(KINDS):
                n = int(n_train[code])
                action = "none" if not n else "refused" if refused else "removed"
                counts = {"n_train": n, "n_test": int(n_test[code]), "n_removed": n if action == "removed" else 0}
                rows.append(about | {"kind": kind, **counts, "action": action, "note": note})
            action = "none" if not sentence else "refused" if refused else "reported"
            counts = {"n_train": shared, "n_test": shared, "n_removed": 0}
            rows.append(about | {"kind": ONE_LIBRARY, **counts, "action": action, "note": sentence or note})
            if leaks == "remove" and not model:
                for part, codes in zip(seen, found, strict=True):
                    hit = codes < _NONE
                    chosen = pd.DataFrame({"id": part["id"][hit], "kind": np.array(KINDS)[codes[hit]]})
                    parts.append(chosen.assign(target=target))
    empty = LEAKING.empty_table().to_pandas()
    leaking = pd.concat([empty, *parts], ignore_index=True).drop_duplicates("id")
    return pd.DataFrame(rows, columns=COLUMNS), tables.conform(leaking, LEAKING)


def _about(
    source: Mapping[str, str], row: Mapping[str, str], train_negatives: str, label: str, model: str
) -> dict[str, str]:
    return {
        "tf": row["tf"] if source["tf"] == row["tf"] else f"{source['tf']}>{row['tf']}",
        "source": source["dataset"],
        "source_assay": source["assay"],
        "target": row["dataset"],
        "target_assay": row["assay"],
        "comparison": "same" if source["dataset"] == row["dataset"] else "cross",
        "train_negatives": train_negatives,
        "test_negatives": label,
        "model": model,
    }


def not_declared(
    source: Mapping[str, str],
    train_negatives: str,
    targets: Mapping[str, Mapping[str, str]],
    tests: Sequence[tuple[str, str]],
    model: str,
) -> pd.DataFrame:
    """The rows of a model from elsewhere of which nobody says what it was trained on.

    Parameters
    ----------
    source, train_negatives, targets
        See `audit`.
    tests : sequence of (str, str)
        Target and label of its negatives, of everything that the model is scored on.
    model : str
        Its label.

    Returns
    -------
    DataFrame
        `COLUMNS`: a row for each of `tests`, of the kind `NOT_DECLARED`, without counts.
    """
    said = {"kind": NOT_DECLARED, "action": NOT_TESTED, "note": f"models.{model}.trained_on does not say"}
    rows = [_about(source, targets[t], train_negatives, x, model) | said for t, x in tests]
    return pd.DataFrame(rows, columns=COLUMNS)


def audit_folds(
    source: Mapping[str, str],
    train_negatives: str,
    train: tuple[pd.DataFrame, pd.DataFrame],
    targets: Mapping[str, Mapping[str, str]],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    folds: int = 1,
    **options,
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """`audit` of every fold: a row leaks in a fold where it trains, and the row that it resembles is tested.

    Parameters
    ----------
    source, train_negatives, train, targets, tests, **options
        See `audit`.
    folds : int

    Returns
    -------
    counts : DataFrame
        `COLUMNS`, summed over the folds: a test row counts once, a training row once for each fold in which it leaks.
        A pair is refused if it is in any fold.
    leaking : list of DataFrame
        `LEAKING` of each fold.
    """
    every = [*train, *(table for own, sets in tests.values() for table in (own, *sets.values()))]
    alike = not any((splits.folds(table) >= 0).any() for table in every)
    found: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    for fold in range(folds):
        if alike and found:
            found.append(found[0])
            continue
        seen = splits.of_fold(train[0], fold), splits.of_fold(train[1], fold)
        held = {
            target: (splits.of_fold(own, fold), {x: splits.of_fold(t, fold) for x, t in sets.items()})
            for target, (own, sets) in tests.items()
        }
        found.append(audit(source, train_negatives, seen, targets, held, **options))
    counts, *others = (counts for counts, _ in (found[:1] if alike else found))
    summed = counts["kind"] != ONE_LIBRARY  # which compares whole libraries
    for other in others:
        for column in ("n_train", "n_test", "n_removed"):
            counts.loc[summed, column] += other.loc[summed, column]
        counts["action"] = counts["action"].mask(counts["action"] == "none", other["action"])
    return counts, [leaking for _, leaking in found]


def _tested(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == "test"].reset_index(drop=True)


def without(
    positives: pd.DataFrame, negatives: pd.DataFrame, leaking: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Both tables without the training sequences that leak.

    Parameters
    ----------
    positives, negatives : sequence tables
    leaking : DataFrame
        `LEAKING`.

    Returns
    -------
    table, table, str
        Positives, negatives, and what was left out in words. A table whose training and validation sequences all leak
        keeps its test sequences and gets a note.
    """
    kept = []
    for table in (positives, negatives):
        part = table[~table["id"].isin(leaking["id"])].reset_index(drop=True)
        part.attrs = dict(table.attrs)
        if (table["split"] != "test").any() and (part["split"] == "test").all():
            part.attrs["note"] = "every row that could train is in a test set too"
        kept.append(part)
    counts = ", ".join(f"{kind} {n}" for kind, n in leaking["kind"].value_counts(sort=False).items())
    return *kept, f"left out of training for being in a test set: {len(leaking)} rows{counts and f' ({counts})'}"


def trainable(
    positives: str | os.PathLike, negatives: str | os.PathLike, leaking: str | os.PathLike, fold: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Two files of sequences without the training sequences that leak; what was left out goes to the log.

    Of tables in folds: as the models of one fold see them.

    Parameters
    ----------
    positives, negatives : path
        Sequence tables.
    leaking : path
        A table of `LEAKING`, of this fold.
    fold : int
        See `splits.of_fold`.

    Returns
    -------
    table, table, DataFrame
        Positives, negatives, and the sequences that leak.
    """
    leaks = tables.read(leaking, LEAKING)
    both = (splits.of_fold(tables.read(path), fold) for path in (positives, negatives))
    *kept, said = without(*both, leaks)
    logging.info(said)
    return *kept, leaks


def fingerprint(leaking: pd.DataFrame) -> str:
    """The same text for the same sequences left out, whatever the targets that they leak into.

    Parameters
    ----------
    leaking : DataFrame
        `LEAKING`.

    Returns
    -------
    str
        SHA-256 of the sorted ids.
    """
    return hashlib.sha256("\n".join(sorted(leaking["id"])).encode()).hexdigest()


def stamp(folder: str | os.PathLike, leaking: pd.DataFrame) -> None:
    """Note in a model's `model.json` which sequences it was trained without.

    Parameters
    ----------
    folder : path
        Of the model.
    leaking : DataFrame
        `LEAKING`.
    """
    path = Path(folder) / "model.json"
    described = json.loads(path.read_text()) | {"left_out": len(leaking), "left_out_sha256": fingerprint(leaking)}
    with atomic.replacing(path) as temporary:
        temporary.write_text(json.dumps(described, indent=1) + "\n")


def outdated(folder: str | os.PathLike, leaking: pd.DataFrame) -> str:
    """Why a model must not be scored: other sequences were left out of its training than leak now.

    Parameters
    ----------
    folder : path
        Of the model.
    leaking : DataFrame
        `LEAKING`, as it is now.

    Returns
    -------
    str
        '' where the model may be scored.
    """
    described = json.loads((Path(folder) / "model.json").read_text())
    if described.get("left_out_sha256") == fingerprint(leaking):
        return ""
    before = described.get("left_out", 0)
    return (
        f"the targets have changed: {len(leaking)} training rows are in their test sets, and {before} were left out "
        "when this model was trained; run the workflow again to train it anew"
    )


def refused(counts: pd.DataFrame) -> dict[tuple[str, str, str, str], str]:
    """Why pairs of source and target are refused.

    Parameters
    ----------
    counts : DataFrame
        The counts of `audit`.

    Returns
    -------
    dict of tuple of str to str
        (source, train_negatives, target, test_negatives) -> the reason; pairs that are not refused are absent. Of a
        model from elsewhere its label is the fifth.
    """
    keys = ["source", "train_negatives", "target", "test_negatives", "model"]
    reasons = {}
    counts = counts.astype({"model": object}).fillna({"model": ""})
    for (*key, model), rows in counts[counts["action"] == "refused"].groupby(keys, sort=False):
        said = [
            row["note"] if row["kind"] == ONE_LIBRARY else f"{int(row['n_train'])} {row['kind'].replace('_', ' ')}"
            for row in rows.to_dict("records")
        ]
        more = f"; {model} comes from elsewhere and cannot be trained without them" if model else ""
        reasons[*key, *filter(None, [model])] = f"refused: training rows are in the test set ({', '.join(said)}){more}"
    return reasons
