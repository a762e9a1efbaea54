"""Protein-binding microarrays: from the spots of an array to probes with one signal each, bound or not.

Choices, and what they do to ten arrays of DREAM5, two designs of each of five TFs (`python -m benchmarks.intensities`):

- Background is subtracted, as Berger and Bulyk (2009) do, and never divided by. The signal then ranks probes with the
  TF's consensus above the others as well as without (AUROC within 0.01); a ratio loses up to 0.32 (ESR1).
- The threshold stands on the scale of the intensities, not of their logarithm. At 4 robust standard deviations 112 to
  4,537 of about 40,000 probes are bound; on the log scale none of SP1's and ESR1's ME design, whose brightest spots
  saturate the scanner (65,535). Logarithms in a file are therefore raised again.
- Median and MAD (Rousseeuw and Croux 1993) instead of mean and standard deviation (mean + 4 standard deviations, at
  least 50 and at most 1,300 probes, of Weirauch et al. 2013 and IBIS), which the bound probes themselves raise: ESR1's
  ME design has no probe above that.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io.tally import Tally
from tfbind.kernels import neighbours, ranks

#: Share of probes that must end alike, and in how many bp at least, for an end to be constant.
SUPPORT, SHORTEST = 0.9, 6
#: Rows and columns of spots whose median is the local one (Berger and Bulyk 2009).
BLOCK = 15
#: Standard deviation of a normal distribution in units of its median absolute deviation.
MAD = 1.4826
#: Logarithms of intensities lie between these: those of a 16-bit scanner reach 11.1 (natural) or 16 (binary). The
#: largest intensity of an array is above, and the smallest ratio of signal to background below.
SMALLEST_LOG, LARGEST_LOG = 1, 20
#: Why a background stays where it is.
NO_BACKGROUND = (
    f"background not subtracted: the signal has values below 0 or none above {LARGEST_LOG}, so it is logarithms, "
    "standardised or without its background already"
)
#: A word of at least the threshold is bound, and one below this E-score is not; between them it is neither.
UNBOUND_WORD = 0.35


def constant_ends(sequences: pd.Series, support: float = SUPPORT) -> tuple[str, str]:
    """The longest beginning and end that most sequences share, such as the primer site of PBM probes.

    Parameters
    ----------
    sequences : Series of str, (N,)
        Upper case; only as many bp of each as the shortest has are compared.
    support : float
        Share of the sequences that must have all of a constant end.

    Returns
    -------
    left, right : str
        '' where there is none; an end of fewer than `SHORTEST` bp counts as none.
    """
    if len(sequences) < 2:  # one probe is alike to its end
        return "", ""
    shortest = int(sequences.str.len().min())
    if shortest < SHORTEST:
        return "", ""
    places = range(shortest)
    return (
        _shared((sequences.str.slice(i, i + 1) for i in places), support),
        _shared((sequences.str.slice(-1 - i, -i or None) for i in places), support)[::-1],
    )


def _shared(columns: Iterable[pd.Series], support: float) -> str:
    # The longest text that at least `support` of the rows share, base by base.
    alike, text = True, ""
    for column in columns:
        tokens = dna.encode(column)[:, 0]
        letter = np.bincount(tokens[alike].ravel(), minlength=5)[:4].argmax()
        alike = alike & (tokens == letter)
        if alike.sum() < support * len(tokens):
            break
        text += dna.ALPHABET[letter]
    return text if len(text) >= SHORTEST else ""


def cut(table: pd.DataFrame, left_flank: str, right_flank: str, tally: Tally) -> pd.DataFrame:
    """Probes without their constant ends, which are verified: of one length and without unknown bases.

    Parameters
    ----------
    table : DataFrame
        `sequence`, upper case; other columns are kept.
    left_flank, right_flank : str
        The constant ends as the sheet declares them, `N` for any base; '' for none.
    tally : Tally
        Counts the probes that are dropped: without the constant ends, of another length than most, with N.

    Returns
    -------
    DataFrame
        The probes kept, `sequence` without its ends, rows numbered from 0.

    Raises
    ------
    InputError
        More than half of the probes lack the declared ends; most probes share an end that is not declared; the most
        frequent length holds under 80 % of the probes.
    NotEstimable
        No probe is left.
    """
    left_flank, right_flank = left_flank.upper(), right_flank.upper()
    sequences = table["sequence"]
    keep = np.ones(len(table), bool)
    sides = (("left_flank", left_flank, 0, len(left_flank)), ("right_flank", right_flank, -len(right_flank), None))
    for name, flank, start, stop in sides:
        if flank:
            ends = sequences.str.slice(start, stop)
            there = ends.str.len().to_numpy() == len(flank)
            expected = dna.encode([flank])
            there[there] = ((dna.encode(ends[there], len(flank)) == expected) | (expected == dna.UNKNOWN)).all(1)
            if 2 * there.sum() < len(table):
                shown = constant_ends(sequences, 0.5)[0 if name == "left_flank" else 1] or "nothing in common"
                raise InputError(
                    f"{len(table) - there.sum()} of {len(table)} probes lack the {name} {flank}; they show {shown}; "
                    "correct it, or leave it empty if the probes come without their constant part"
                )
            keep &= there
    if left_flank or right_flank:
        keep &= (sequences.str.len() > len(left_flank) + len(right_flank)).to_numpy()
        tally.add("dropped", "probe without the constant ends", (~keep).sum())
        inner = sequences[keep].str.slice(len(left_flank), -len(right_flank) or None)
        table = table[keep].assign(sequence=inner)
    if table.empty:
        raise NotEstimable("no probe is left after its constant ends were cut off")
    for name, end in zip(("left_flank", "right_flank"), constant_ends(table["sequence"]), strict=True):
        if end:
            does, declared = ("begin with", left_flank + end) if name == "left_flank" else ("end in", end + right_flank)
            raise InputError(
                f"at least {SUPPORT:.0%} of the probes {does} {end}, a constant part, not a site; write {declared} "
                f"in {name} of the sheet, which cuts it off"
            )
    sizes = table["sequence"].str.len().to_numpy()
    counts = np.bincount(sizes)
    modal = int(counts.argmax())
    if counts[modal] < 0.8 * len(sizes):
        common = ", ".join(f"{n} bp {counts[n] / len(sizes):.0%}" for n in np.argsort(-counts)[:4] if counts[n])
        raise InputError(
            f"probes of mixed length ({common}), which a model would learn; write each length into its own file"
        )
    tally.add("dropped", f"probe is not {modal} bp", (sizes != modal).sum())
    table = table[sizes == modal] if counts[modal] < len(sizes) else table
    unknown = table["sequence"].str.contains("N", regex=False).to_numpy()
    tally.add("dropped", "probe with N", unknown.sum())
    if unknown.all():
        raise NotEstimable("every probe has an N")
    return (table[~unknown] if unknown.any() else table).reset_index(drop=True)


def signal(table: pd.DataFrame, tally: Tally) -> pd.DataFrame:
    """One processed signal for each probe: flagged spots dropped, background and spatial trends removed.

    In this order: flagged spots are dropped; the background is subtracted; each spot is divided by the ratio of the
    median of the 15 x 15 spots around it to that of the array (Berger and Bulyk 2009); spots of one sequence, or of its
    reverse complement, are joined by their median. Signals that are logarithms or standardised (none above 20, or some
    negative in the file) keep their scale: their background is left, and trends are subtracted. Trends are also
    subtracted where a local median is not positive.

    Parameters
    ----------
    table : DataFrame
        `sequence`, `signal` and, where the array has them, `background`, `bad`, `row`, `column`, as
        `probe_tables.read_probes` gives them.
    tally : Tally
        Counts spots dropped and joined, and notes what was done to the signal.

    Returns
    -------
    DataFrame
        `sequence` (of the spot that comes first) and `signal` (float64), in the order of the table.

    Raises
    ------
    InputError
        Most spots are flagged, two lie on one place, or their places are not a grid.
    """
    if "bad" in table:
        bad = table["bad"].to_numpy()
        if 2 * bad.sum() > len(bad):
            raise InputError(
                f"{bad.sum()} of {len(bad)} spots are flagged; if the column says which spots are good, write 0 for "
                "these and 1 for the others, or call it something else than flag"
            )
        tally.add("dropped", "flagged spot", bad.sum())
        table = table[~bad]
    values = table["signal"].to_numpy(float)
    raw = _are_intensities(values)
    if "background" in table and not raw:
        tally.add("noted", NO_BACKGROUND, len(table))
    elif "background" in table:
        values = values - table["background"].to_numpy(float)
        lacking = np.isnan(values)
        tally.add("dropped", "spot without a background", lacking.sum())
        tally.add("changed", "background subtracted", (~lacking).sum())
        table, values = table[~lacking], values[~lacking]
    if {"row", "column"} <= set(table):
        values = _detrended(values, table["row"].to_numpy(), table["column"].to_numpy(), raw, tally)
    table = pd.DataFrame({"sequence": table["sequence"].array, "signal": values})
    probe = pd.factorize(dna.canonicals(table["sequence"]))[0]
    if (again := len(table) - (probe.max(initial=-1) + 1)) == 0:
        return table
    tally.add("dropped", "further spot of a sequence (either strand): their median is taken", again)
    joined = table["signal"].groupby(probe, sort=False).median()
    first = np.diff(np.maximum.accumulate(probe), prepend=-1) > 0
    return pd.DataFrame({"sequence": table["sequence"][first].array, "signal": joined.to_numpy()})


def _are_intensities(values: np.ndarray) -> bool:
    # Of a scanner, and neither logarithms nor z-scores nor ratios of them.
    return values.max(initial=0) > LARGEST_LOG and values.min(initial=0) >= 0


def _detrended(values: np.ndarray, row: np.ndarray, column: np.ndarray, raw: bool, tally: Tally) -> np.ndarray:
    if not len(values):
        return values
    row, column = row - row.min(), column - column.min()
    shape = int(row.max()) + 1, int(column.max()) + 1
    if shape[0] * shape[1] > 20 * len(values) + BLOCK**2:
        raise InputError(
            f"{len(values)} spots on {shape[0]} rows and {shape[1]} columns: these are not places on an array; "
            "call these columns something else"
        )
    grid = np.full(shape, np.nan)
    if len(np.unique(row * shape[1] + column)) < len(values):
        raise InputError("two spots on one row and column; a table holds one array: write each into a file of its own")
    grid[row, column] = values
    local, whole = neighbours.local_medians(grid, BLOCK)[row, column], np.median(values)
    ratio = raw and whole > 0 and local.min() > 0
    tally.add(
        "changed", f"spatial trend {'divided out' if ratio else 'subtracted'} ({BLOCK} x {BLOCK} spots)", len(values)
    )
    return values / (local / whole) if ratio else values - (local - whole)


def cutoff(signal: np.ndarray, threshold: float) -> float:
    """The least signal of a bound probe: median + `threshold` robust standard deviations (1.4826 MAD).

    Parameters
    ----------
    signal : (N,) float
        Processed signals. If all lie within 1 to 20, they are natural logarithms of intensities (gcPBM), and median
        and MAD are those of the intensities.
    threshold : float
        In robust standard deviations.

    Returns
    -------
    float
        On the scale of `signal`.

    Raises
    ------
    NotEstimable
        Over half of the signals are alike, so that nothing says how far they scatter.
    """
    signal = np.asarray(signal, float)
    logs = len(signal) > 0 and signal.min() >= SMALLEST_LOG and signal.max() <= LARGEST_LOG
    values = np.exp(signal) if logs else signal
    middle = np.median(values) if len(values) else np.nan
    spread = MAD * np.median(np.abs(values - middle)) if len(values) else 0
    if not spread > 0:
        raise NotEstimable("over half of the probes have one and the same signal, so no threshold tells the bound ones")
    least = middle + threshold * spread
    return float(np.log(max(least, np.finfo(float).tiny)) if logs else least)


def bound(signal: np.ndarray, threshold: float = 4.0) -> np.ndarray:
    """Which probes are bound: those whose signal is far above that of most.

    Parameters
    ----------
    signal : (N,) float
        Processed signals, see `cutoff`.
    threshold : float
        In robust standard deviations above the median.

    Returns
    -------
    (N,) bool

    Raises
    ------
    NotEstimable
        As `cutoff`.
    """
    return np.asarray(signal, float) >= cutoff(signal, threshold)


def bound_words(escore: np.ndarray, threshold: float = 0.45) -> np.ndarray:
    """Which words are bound, by their E-score (Berger et al. 2006, 2008: 0.45 or more are sequence-specific).

    Parameters
    ----------
    escore : (N,) float
        -0.5 to 0.5.
    threshold : float
        Least E-score of a bound word.

    Returns
    -------
    (N,) int8
        1 bound; 0 unbound, below `UNBOUND_WORD` and below the threshold; -1 neither.
    """
    escore = np.asarray(escore, float)
    return np.where(escore >= threshold, 1, np.where(escore < min(UNBOUND_WORD, threshold), 0, -1)).astype(np.int8)


def labelled(table: pd.DataFrame, left_flank: str, right_flank: str, threshold: float, tally: Tally) -> pd.DataFrame:
    """The probes of one array, each with its processed signal and whether it is bound.

    Parameters
    ----------
    table : DataFrame
        As `probe_tables.read_probes` gives it.
    left_flank, right_flank : str
        The constant ends, see `cut`.
    threshold : float
        See `bound`.
    tally : Tally
        Counts what `cut` and `signal` drop and change, and notes the probes that are bound.

    Returns
    -------
    DataFrame
        `sequence`, `score` (float64, the processed signal) and `label` (int8: 1 bound, 0 not).

    Raises
    ------
    InputError, NotEstimable
        As `cut`, `signal` and `cutoff`.
    """
    found = signal(cut(table, left_flank, right_flank, tally), tally)
    least, there = cutoff(found["signal"], threshold), bound(found["signal"], threshold)
    tally.add(
        "noted", f"probe, of which {there.sum()} reach probes.threshold {threshold:g} (signal {least:.6g})", len(there)
    )
    return pd.DataFrame({"sequence": found["sequence"], "score": found["signal"], "label": there.astype(np.int8)})


def labelled_words(table: pd.DataFrame, threshold: float, tally: Tally) -> pd.DataFrame:
    """The words of a table, each with its E-score and whether it is bound.

    Parameters
    ----------
    table : DataFrame
        As `probe_tables.read_words` gives it.
    threshold : float
        See `bound_words`.
    tally : Tally
        Counts the words that are neither bound nor known to be unbound: all others, where the table lacks some.

    Returns
    -------
    DataFrame
        `sequence`, `score` (float64, the E-score) and `label` (int8: 1 bound, 0 not).
    """
    label = bound_words(table["escore"], threshold)
    if table.attrs["lacks"]:
        label[label == 0] = -1
    known = label >= 0
    tally.add("dropped", f"word below probes.word_score {threshold:g}, not known to be unbound", (~known).sum())
    found = {"sequence": table["word"][known].array, "score": table["escore"][known].to_numpy(), "label": label[known]}
    return pd.DataFrame(found)


def thresholds(signal: np.ndarray, scores: np.ndarray, at: Sequence[float]) -> pd.DataFrame:
    """How the number of bound probes and the AUROC of a model change with the threshold.

    Parameters
    ----------
    signal : (N,) float
        Processed signals, see `cutoff`.
    scores : (N,) float
        Of the model; higher for likelier positives.
    at : sequence of float
        Thresholds in robust standard deviations.

    Returns
    -------
    DataFrame
        `threshold`, `n_positive`, `n_negative`, `auroc` (NaN where a class has no probe).
    """
    lines = []
    for threshold in at:
        there = bound(signal, threshold)
        n = int(there.sum())
        area = ranks.auroc(scores[there], scores[~there]) if 0 < n < len(there) else np.nan
        lines.append({"threshold": threshold, "n_positive": n, "n_negative": len(there) - n, "auroc": area})
    return pd.DataFrame(lines, columns=["threshold", "n_positive", "n_negative", "auroc"])
