"""What turns the raw records of a file into clean ones, by the form of its assay.

All take records and a row of the sheet, and return the columns `sequence`, `chrom`, `start`, `end` (0-based half-open),
`strand`, `score` and `origin`, as far as there are such; and `label` where the records do not say it themselves.
"""

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind.assays import PLACED
from tfbind.errors import InputError
from tfbind.io import chromosomes, intervals
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally
from tfbind.sequences import chip_windows, selex
from tfbind.sequences import probes as arrays


def peaks(
    records: pd.DataFrame,
    row: Mapping[str, str],
    *,
    length: int,
    jackpots: str,
    probes: Mapping,
    genome: Genome | None,
    blacklist: str | os.PathLike | None,
    shortest: int,
    tally: Tally,
) -> pd.DataFrame:
    """Windows around summits; or sequences as they are, longer ones cut to their centre.

    Where all sequences have coordinates and a genome is given, those on the blacklist are dropped, as windows are.

    Parameters
    ----------
    records : DataFrame
        Of peaks or bins as `chip_windows.peaks_of` gives them; else `sequence`, `chrom`, `start`, `end` (0-based
        half-open), `strand`, `score`, `origin`.
    row : mapping of str to str
        One row of the sheet.
    length : int
        Length of a window in bp; no sequence is longer.
    jackpots : str
        Not used: for SELEX only.
    probes : mapping
        Not used: for intensities only.
    genome : Genome, optional
        Needed for peaks.
    blacklist : path, optional
        BED of regions to avoid.
    shortest : int
        Not used: for SELEX only.
    tally : Tally
        Counts what is cut and dropped, such as sequences with more than 10 % unknown bases.

    Returns
    -------
    DataFrame
        The records kept: `sequence`, `chrom`, `start`, `end`, `strand` (``+`` for windows), `score`, `origin`.

    Raises
    ------
    InputError
        Peaks without a genome; otherwise as `chip_windows.windows` and `chromosomes.named`.
    """
    if row["format"] in PLACED:
        if genome is None:
            raise InputError(f"{row['dataset']}: peaks need a genome; fill the column genome of the sheet")
        windows = chip_windows.windows(records, length, genome, blacklist, tally)
        return windows.assign(strand="+")
    size = records["sequence"].str.len()
    excess = (size - length).clip(lower=0)
    tally.add("changed", f"longer than {length} bp: centre taken", (excess > 0).sum())
    left = excess // 2
    cut = [s[a : a + length] for s, a in zip(records["sequence"], left, strict=True)]
    from_start = np.where(records["strand"] == "-", excess - left, left)
    records = records.assign(
        sequence=pd.Series(cut, dtype="str"),
        start=records["start"] + from_start,
        end=records["end"] - (excess - from_start),
    )
    many = records["sequence"].str.count("N") > chip_windows.UNKNOWN_SHARE * records["sequence"].str.len()
    tally.add("dropped", "more than 10 % unknown bases", many.sum())
    records = records[~many].reset_index(drop=True)
    if genome is not None and records["chrom"].notna().all():
        records = chromosomes.named(records, genome, tally)
        if blacklist:
            black = intervals.overlapping(records, intervals.read_blacklist(blacklist, genome, tally))
            tally.add("dropped", "blacklist", black.sum())
            records = records[~black].reset_index(drop=True)
    return records


def reads(
    records: pd.DataFrame,
    row: Mapping[str, str],
    *,
    length: int,
    jackpots: str,
    probes: Mapping,
    genome: Genome | None,
    blacklist: str | os.PathLike | None,
    shortest: int,
    tally: Tally,
) -> pd.DataFrame:
    """Inserts of one length, each once.

    Parameters
    ----------
    records : DataFrame
        `sequence`, `score` (how many reads it stands for) and `origin`, which is the same for all.
    row : mapping of str to str
        One row of the sheet; `left_flank`, `right_flank` and `trim` are read.
    length : int
        Not used: inserts keep their length.
    jackpots : {"remove", "keep"}
        What is done with PCR jackpots, see `selex.inserts`.
    probes, genome, blacklist
        Not used: reads have no intensities and no coordinates.
    shortest : int
        Where the row has `trim`, longer inserts are cut to so many bp at that end; 0 cuts none.
    tally : Tally
        Counts what is cut and dropped.

    Returns
    -------
    DataFrame
        `sequence`, `score` (float64, the number of reads) and `origin`.

    Raises
    ------
    InputError, NotEstimable
        As `selex.inserts`.
    """
    options = {"jackpots": jackpots, "trim": row.get("trim", "") if shortest else "", "length": shortest}
    flanks = row["left_flank"], row["right_flank"]
    inserts = selex.inserts(records["sequence"], *flanks, tally, records["score"], **options)
    return pd.DataFrame(
        {"sequence": inserts["sequence"], "score": inserts["count"].astype(float), "origin": records["origin"].iloc[0]}
    )


def intensities(
    records: pd.DataFrame,
    row: Mapping[str, str],
    *,
    length: int,
    jackpots: str,
    probes: Mapping,
    genome: Genome | None,
    blacklist: str | os.PathLike | None,
    shortest: int,
    tally: Tally,
) -> pd.DataFrame:
    """Probes of one length without their constant ends, or words, each bound or not.

    Parameters
    ----------
    records : DataFrame
        Of one file, as `probe_tables.read_probes` or `read_words` gives it, with `origin`.
    row : mapping of str to str
        One row of the sheet; `format`, `left_flank` and `right_flank` are read.
    length, jackpots, genome, blacklist, shortest
        Not used: probes are short, have no reads and no coordinates.
    probes : mapping
        `threshold` and `word_score`: what is bound, see `probes.bound` and `probes.bound_words`.
    tally : Tally
        Counts what is dropped and joined, and notes how many are bound.

    Returns
    -------
    DataFrame
        `sequence`, `score` (float64: processed signal or E-score), `label` (int8: 1 bound, 0 not) and `origin`.

    Raises
    ------
    InputError, NotEstimable
        As `probes.labelled`.
    """
    if row["format"] == "words":
        found = arrays.labelled_words(records, probes["word_score"], tally)
    else:
        found = arrays.labelled(records, row["left_flank"], row["right_flank"], probes["threshold"], tally)
    return found.assign(origin=records["origin"].iloc[0])


#: By the form of the assay.
FORMS = {"peaks": peaks, "reads": reads, "intensities": intensities}
