"""The quality of each dataset: what was read and kept, which k-mers are enriched, and what a model learns from it."""

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tfbind import dna, kmers, motifs
from tfbind.assays import form
from tfbind.errors import NotEstimable
from tfbind.io import sequence_files
from tfbind.io.tally import Tally
from tfbind.kernels import shuffle
from tfbind.sequences import selex, selex_series
from tfbind.sequences.selex import JACKPOT
from tfbind.statistics.metrics import beyond, measure
from tfbind.transfer.evaluate import GOOD_SHARE, MOTIF_PRESENT, POOR_SHARE

#: So many sequences per class are enough to test a motif.
_ENOUGH = 5000
#: Family-wise level at which a k-mer counts as enriched (Bonferroni over all strand-blind k-mers).
KMER_LEVEL = 0.01
#: Length of the consensus of a SELEX library, and how many times more often it must occur than in dinucleotide shuffles
#: of the inserts, so that composition does not explain it. Of the real libraries of cycle 4 only GABPA has none (its
#: runs of C reach an excess of 2.3); that of ZNF143 is ACCCACCC, which libraries of other TFs (EBF1, MEF2A) have too.
CONSENSUS, LEAST_EXCESS = 8, 3
#: Shuffles of each insert, and how many inserts are looked at.
_SHUFFLES, _MOST = 4, 10_000
#: PCR jackpots with more than this share of the reads are mentioned in the verdict.
_MANY_JACKPOTS = 0.01
#: Kinds of models that a network should beat; the first learns nothing of a dataset.
REFERENCES = ("matrix", "kmers", "pwm", "gapped_kmers")
COLUMNS = [
    *("dataset", "tf", "assay", "cell", "lab", "replicate", "cycle", "n_read", "n_dropped", "n_positive", "n_negative"),
    *("n_jackpot", "kmer", "enrichment", "entropy", "entropy_negative", "consensus", "excess", "held"),
    *("series", "motif", "motif_auroc", "model", "auroc", "low", "high", "floor", "verdict"),
]


def _held(sequences: Sequence[str], k: int) -> np.ndarray:
    # `kmers.held`, some sequences at a time to limit the memory.
    parts = [sequences[first : first + 20_000] for first in range(0, len(sequences), 20_000)]
    return sum((kmers.held(dna.encode(part), k) for part in parts), np.zeros(4**k, np.int64))


def enrichment(positives: Sequence[str], negatives: Sequence[str], k: int = 6) -> tuple[str, float, float]:
    """The k-mer, on either strand, that is most enriched in positives over negatives.

    Parameters
    ----------
    positives, negatives : sequence of str
        Of similar length; in longer sequences every k-mer is more frequent.
    k : int
        Length of the k-mer in bp.

    Returns
    -------
    kmer : str
        The alphabetically smaller strand; empty where no k-mer is enriched at `KMER_LEVEL`.
    ratio : float
        Share of positives that hold it over share of negatives, with half a sequence added to each count; NaN if there
        is none.
    p_value : float
        Of `kmer`: hypergeometric tail (Fisher's exact test, one-sided) with Bonferroni correction over all k-mers. If
        none is enriched, the smallest of all k-mers; NaN without positives or negatives.
    """
    if not len(positives) or not len(negatives):
        return "", float("nan"), float("nan")
    from scipy import stats  # imported here, since it loads slowly and only sequences need it

    inside, outside = _held(positives, k), _held(negatives, k)
    n_positive, n_negative = len(positives), len(negatives)
    ratio = ((inside + 0.5) / (n_positive + 1)) / ((outside + 0.5) / (n_negative + 1))
    n_kmer = (4**k + (4 ** (k // 2) if k % 2 == 0 else 0)) // 2
    tail = stats.hypergeom.sf(inside - 1, n_positive + n_negative, inside + outside, n_positive)
    p_value = np.minimum(tail * n_kmer, 1)
    enriched = (p_value <= KMER_LEVEL) & (ratio > 1)
    if not enriched.any():
        return "", float("nan"), float(p_value.min())
    best = int(np.argmax(np.where(enriched, ratio, 0)))
    return _text(best, k), float(ratio[best]), float(p_value[best])


def _text(code: int, k: int) -> str:
    return "".join(dna.ALPHABET[code // 4**i % 4] for i in range(k)[::-1])


def consensus(positives: pd.Series, negatives: pd.Series) -> tuple[str, float, float]:
    """The 8-mer of a SELEX library, on either strand, that is enriched beyond what composition explains.

    A library whose base composition drifted, or in which some inserts are rich in one base, has enriched k-mers too. So
    the 8-mer must occur in a larger share of the positives than of the negatives, and in a share at least
    `LEAST_EXCESS` times that of the positives' own dinucleotide shuffles.

    Parameters
    ----------
    positives, negatives : Series of str
        Inserts; only the first `_MOST` of each are used.

    Returns
    -------
    kmer : str
        Among the 8-mers that are significant in both comparisons (`KMER_LEVEL`, Bonferroni), the one with the largest
        product of the share of positives that hold it and the logarithm of its enrichment over the negatives. Empty
        where there is none.
    excess : float
        Share of the positives that hold it over the share of their shuffles; NaN if there is none.
    held : float
        Share of the positives that hold it; NaN if there is none.
    """
    nothing = "", float("nan"), float("nan")
    if positives.empty or negatives.empty:
        return nothing
    from scipy import stats

    positives, negatives = positives[:_MOST], negatives[:_MOST]
    tokens = np.repeat(dna.encode(positives), _SHUFFLES, axis=0)
    sizes = np.repeat(positives.str.len().to_numpy(np.int64), _SHUFFLES)
    shuffled = dna.decode(shuffle.dinucleotide(tokens, sizes, np.arange(len(tokens), dtype=np.uint64)), sizes)
    inside, outside, by_chance = (_held(sequences, CONSENSUS) for sequences in (positives, negatives, shuffled))
    n_positive, n_negative = len(positives), len(negatives)
    enriched = (inside + 0.5) / (n_positive + 1) / ((outside + 0.5) / (n_negative + 1))
    excess = (inside + 0.5) / ((by_chance + 0.5) / _SHUFFLES)
    able = np.flatnonzero((enriched > 1) & (excess >= LEAST_EXCESS))
    tails = (
        stats.hypergeom.sf(inside[able] - 1, n_positive + n_negative, (inside + outside)[able], n_positive),
        stats.binom.sf(inside[able] - 1, (inside + by_chance)[able], 1 / (1 + _SHUFFLES)),
    )
    n_kmer = (4**CONSENSUS + 4 ** (CONSENSUS // 2)) // 2
    found = able[np.maximum(*tails) * n_kmer <= KMER_LEVEL]
    if not len(found):
        return nothing
    best = found[np.argmax(inside[found] * np.log(enriched[found]))]
    return _text(best, CONSENSUS), float(excess[best]), float(inside[best] / n_positive)


def entropy(sequences: Sequence[str], k: int = 6) -> float:
    """Entropy of the k-mers of a library, both strands counted as one.

    It is lowered by selection, and also by many copies of few reads and by a drift of composition.

    Parameters
    ----------
    sequences : sequence of str
    k : int
        Length of the k-mers in bp; each is counted once per sequence.

    Returns
    -------
    float
        In bits, at most 11.02 for 6-mers; NaN without any k-mer.
    """
    from scipy import stats

    counts = _held(sequences, k)
    return float(stats.entropy(counts, base=2)) if counts.any() else float("nan")


def content(row: Mapping[str, str], positives: pd.Series, negatives: pd.Series) -> dict[str, object]:
    """What the sequences of a dataset show without a model: k-mers, entropy and the TF's own motif.

    Parameters
    ----------
    row : mapping of str to str
        The sheet's row of the dataset; `tf` and `assay` are used.
    positives, negatives : Series of str
        Sequences.

    Returns
    -------
    dict of str to object
        Some of `COLUMNS`: `kmer, enrichment, motif, motif_auroc, entropy, entropy_negative, n_positive, n_negative`,
        and for reads `consensus, excess, held`.
    """
    kmer, ratio, _ = enrichment(positives, negatives)
    motif, alone = own_motif(row["tf"], list(positives), list(negatives))
    found = {"kmer": kmer, "enrichment": ratio, "motif": motif, "motif_auroc": alone}
    found |= {"entropy": entropy(positives), "entropy_negative": entropy(negatives)}
    if form(row["assay"]) == "reads":
        found |= dict(zip(("consensus", "excess", "held"), consensus(positives, negatives), strict=True))
    return found | {"n_positive": len(positives), "n_negative": len(negatives)}


def of_series(
    rows: Mapping[str, Mapping[str, str]],
    sequences: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    counted: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Whether the cycles of each SELEX library follow one another, see `selex_series.check`.

    A library are the rows of one TF, assay, laboratory, ligand and replicate. Their positives are its cycles, their
    negatives that come from a cycle 0 its cycle 0; a count table brings all of its own. Where a cycle comes from two
    files, these are of two libraries, and none is compared.

    Parameters
    ----------
    rows : mapping of str to mapping
        The sheet's row of each dataset; `tf`, `assay`, `lab`, `ligand`, `replicate` and `cycle` are used.
    sequences : mapping of str to (DataFrame, DataFrame)
        Positives and negatives of the datasets of reads: `sequence` and `origin`.
    counted : mapping of str to mapping
        Dataset -> its row with the path of its count table, of those that are one.

    Returns
    -------
    dict of str to str
        Dataset -> the verdict on its library; none for a dataset of reads without a cycle, or of another form.
    """
    libraries: dict[tuple[str, ...], list[str]] = {}
    for dataset in sequences:
        row = rows[dataset]
        if row["cycle"] or dataset in counted:
            key = tuple(row.get(name, "") for name in ("tf", "assay", "lab", "ligand", "replicate"))
            libraries.setdefault(key, []).append(dataset)
    found = {}
    for datasets in libraries.values():
        cycles: dict[int, pd.Series] = {}
        tables, twice = {counted[name]["path"]: counted[name] for name in datasets if name in counted}, set()
        parts = [_cycles(row) for row in tables.values()]
        parts += [
            {int(rows[name]["cycle"]): sequences[name][0]["sequence"]} for name in datasets if name not in counted
        ]
        for part in parts:
            twice |= cycles.keys() & part.keys()
            cycles |= part
        for name in datasets:
            unbound = sequences[name][1]
            initial = unbound["sequence"][unbound["origin"] == "cycle 0"]
            if name not in counted and len(initial) > len(cycles.get(0, ())):
                cycles[0] = initial
        if twice:
            named = ", ".join(map(str, sorted(twice)))
            said = f"cannot tell: two files hold cycle {named}; write in replicate which library each row is of"
        else:
            said = selex_series.check(cycles).verdict
        found |= dict.fromkeys(datasets, said)
    return found


def _cycles(row: Mapping[str, str]) -> dict[int, pd.Series]:
    # The inserts of every cycle of a count table; of a collapsed or empty cycle none.
    table = sequence_files.read_counts(row["path"])
    found = {}
    for cycle in table.columns[1:]:
        there = table[cycle] > 0
        reads = table["sequence"][there], row["left_flank"], row["right_flank"], Tally(), table[cycle][there].to_numpy()
        with contextlib.suppress(NotEstimable):
            found[cycle] = selex.inserts(*reads)["sequence"]
    return found


def own_motif(tf: str, positives: Sequence[str], negatives: Sequence[str]) -> tuple[str, float]:
    """The TF's own JASPAR motif and its AUROC without any training.

    Parameters
    ----------
    tf : str
        Name of the TF, looked up by `motifs.group_of`.
    positives, negatives : sequence of str
        Only the first `_ENOUGH` of each are used.

    Returns
    -------
    motif : str
        Id of the TF's matrix with the highest AUROC; empty where JASPAR has none under this name, or a class has no
        sequence.
    auroc : float
        With the score of the best match in each sequence; NaN where `motif` is empty.
    """
    known, places = motifs.group_of(tf)
    known = known.take(places)
    positives, negatives = list(positives[:_ENOUGH]), list(negatives[:_ENOUGH])
    if not len(known) or not positives or not negatives:
        return "", float("nan")
    best = motifs.maxima(dna.encode(positives + negatives), known)  # (N, M)
    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    scores = [measure(labels, best[:, i])[0] for i in range(len(known))]
    top = int(np.argmax(scores))
    return known.ids[top], scores[top]


def _health(tf: str, auroc: float, low: float, floor: float, line: Mapping, elsewhere: str) -> str:
    numbers = f"({auroc:.2f}, floor {floor:.2f})"
    most = f"; {_strongest(line)}"
    most += f"; the TF's own motif {line['motif']} alone reaches {line['motif_auroc']:.2f}" if line["motif"] else ""
    if line["n_jackpot"] and line["n_jackpot"] > _MANY_JACKPOTS * line["n_read"]:
        most += f"; PCR jackpots are {line['n_jackpot'] / line['n_read']:.0%} of the reads"
    absent = line["motif_auroc"] < MOTIF_PRESENT  # False where JASPAR has no motif (NaN)
    floor = max(floor, 0.5)  # an AUROC of composition below 0.5 counts as chance
    share = beyond(auroc, floor)
    if share < POOR_SHARE:
        lesson = "a model trained on this learns composition"
        if elsewhere:
            return (
                f"poor: {tf}: little beyond composition shows on its own held-out rows {numbers}, but {elsewhere}{most}"
            )
        if line.get("consensus") == "":
            return f"poor: {tf}: no enriched k-mer; {lesson} {numbers}{most}"
        return f"poor: {tf}: little beyond composition was learnt {numbers}; {lesson}{most}"
    if absent and share < GOOD_SHARE:
        return f"poor: {tf}: positives and negatives are separated {numbers}, but not by the TF's own motif{most}"
    if not low > floor:  # `not` also covers NaN, where there is no interval
        return f"cannot tell: {tf}: too few held-out rows to put the model above composition {numbers}{most}"
    if absent:
        return f"weak: {tf}: positives and negatives are separated {numbers}, but hardly by the TF's own motif{most}"
    if share < GOOD_SHARE:
        return f"weak: {tf}: {share:.0%} of the way from composition to a perfect score {numbers}{most}"
    return f"good: {tf}: {share:.0%} of the way from composition to a perfect score {numbers}{most}"


def _strongest(line: Mapping) -> str:
    if line.get("consensus"):
        return (
            f"its consensus is {line['consensus']} ({line['excess']:.1f} times, in {line['held']:.1%} of the inserts)"
        )
    if not line["kmer"]:
        return "no k-mer is enriched"
    most = f"its most enriched k-mer is {line['kmer']} ({line['enrichment']:.1f} times)"
    return most if line.get("consensus") is None else f"{most}, which its composition explains"


def judge(
    rows: Mapping[str, Mapping[str, str]],
    logs: Mapping[str, pd.DataFrame],
    contents: Mapping[str, Mapping[str, object]],
    metrics: pd.DataFrame,
    models: Mapping[str, Mapping],
    series: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The quality of each dataset: what was read and kept, its most enriched k-mer, and what a model learns from it.

    The model is the one with the highest AUROC on the dataset's own held-out sequences, under the first kind of
    negatives (in the order of `metrics`) that has both an estimate and a composition floor.

    Parameters
    ----------
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    logs : mapping of str to DataFrame
        `Tally.frame()` of each dataset.
    contents : mapping of str to mapping
        What `content` returns for each dataset.
    metrics : DataFrame
        `columns.METRIC_COLUMNS`, all TFs.
    models : mapping of str to mapping
        Options of each model label, from the config; models of kind ``composition`` are the floor. A reference
        is chosen where no other model was scored; one of kind ``matrix`` never, since it learns nothing of a dataset.
    series : mapping of str to str, optional
        Dataset -> what `of_series` says of the cycles of its library. A verdict names cycles that are out of order.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per dataset. `verdict` begins with ``good``, ``weak``, ``poor`` or ``cannot tell`` and is
        about the dataset's own held-out sequences. Where the model of a ``poor`` dataset is clearly above composition
        on another target, `verdict` says so. A dataset without held-out rows that holds its TF's own motif has as
        `model` the first of the config that was scored anywhere.
    """
    kinds = _kinds(models)
    floors = {label for label, kind in kinds.items() if kind == "composition"}
    untrained = [label for label, kind in kinds.items() if kind == "matrix"]
    metrics = metrics[~metrics["model"].isin(untrained)]
    reserve = references(models)
    cells = metrics[
        (metrics["seed"].astype(str) == "ensemble")
        & (metrics["metric"] == "auroc")
        & (metrics["train_negatives"] == metrics["test_negatives"])
    ].reset_index(drop=True)
    own, cross = (cells[cells["comparison"] == comparison] for comparison in ("same", "cross"))
    own_floors = own[own["model"].isin(floors)].set_index(["target", "test_negatives"])["value"].to_dict()
    table = []
    for dataset, row in rows.items():
        log = logs[dataset]
        events = log.groupby("event")["count"].sum()
        line = {name: row.get(name, "") for name in ("tf", "assay", "cell", "lab", "replicate", "cycle")}
        line |= {"dataset": dataset, "n_read": events.get("read", 0), "n_dropped": events.get("dropped", 0)}
        jackpots = log["count"][log["reason"].astype(str).str.startswith(JACKPOT)].sum()
        line |= {"n_jackpot": jackpots if form(row["assay"]) == "reads" else None, **contents[dataset]}
        mine = own[own["source"] == dataset]
        away = cross[cross["source"] == dataset]
        places = zip(away["target"], away["test_negatives"], strict=True)
        away = away.assign(floor=[own_floors.get(place, np.nan) for place in places])
        line |= {"series": (series or {}).get(dataset, "")} | _learnt(row["tf"], mine, floors, reserve, line, away)
        if line["series"].startswith(selex_series.WRONG):
            line["verdict"] += f"; its cycles: {line['series'].split(';')[0]}"
        table.append(line)
    return pd.DataFrame(table, columns=COLUMNS)


def _kinds(models: Mapping[str, Mapping]) -> dict[str, str]:
    return {label: models.get(options.get("trained_as"), options).get("kind", "") for label, options in models.items()}


def references(models: Mapping[str, Mapping]) -> list[str]:
    """The labels of references, which a network should beat.

    Parameters
    ----------
    models : mapping of str to mapping
        Options of each model label, from the config.

    Returns
    -------
    list of str
        Those of a kind in `REFERENCES`, other readings of them too.
    """
    return [label for label, kind in _kinds(models).items() if kind in REFERENCES]


def _preferred(rows: pd.DataFrame, floors: set[str], reserve: Sequence[str]) -> pd.DataFrame:
    # The rows of models that are neither floors nor references; where there are none, those of references.
    rows = rows[rows["value"].notna() & ~rows["model"].isin(floors)]
    chosen = rows[~rows["model"].isin(reserve)]
    return rows if chosen.empty else chosen


def _learnt(
    tf: str, mine: pd.DataFrame, floors: set[str], reserve: Sequence[str], about: Mapping, away: pd.DataFrame
) -> dict:
    known = mine[mine["value"].notna()]
    networks = _preferred(known, floors, reserve)
    if networks.empty:
        notes = [note for note in mine["note"].dropna().unique() if note]
        reason = "; ".join(notes) or "no model was scored on its own held-out rows"
        line = {"verdict": f"cannot tell: {tf}: {reason}"}
        if about["motif_auroc"] >= MOTIF_PRESENT:
            line["verdict"] += f"; its own motif {about['motif']} alone reaches {about['motif_auroc']:.2f} on its rows"
            scored = _preferred(away, floors, reserve)
            line["model"] = next(iter(scored["model"]), None)  # the first of the config, whatever it reaches
        return line
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
        "verdict": _health(tf, float(best["value"]), float(best["low"]), floor, about, _elsewhere(best, away)),
    }


def _elsewhere(best: pd.Series, away: pd.DataFrame) -> str:
    # The target on which the best model reaches most, if the lower end of its interval is clearly above composition.
    same = (away["model"] == best["model"]) & (away["test_negatives"] == best["test_negatives"])
    more = [beyond(low, floor) >= POOR_SHARE for low, floor in zip(away["low"], away["floor"], strict=True)]
    found = away[same & np.array(more, bool)]
    if found.empty:
        return ""
    most = found.loc[found["value"].idxmax()]
    return f"on {most['target']} the model reaches {most['value']:.2f} (floor {most['floor']:.2f})"
