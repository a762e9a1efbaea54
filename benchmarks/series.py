"""How often the check of SELEX cycles is right, on simulated series of the depth of real ones.

Series are checked as they are, with two adjacent labels exchanged, and with a cycle of another TF.

``python -m benchmarks.series [N]`` writes `series.tsv` beside this file where N, the TFs of each row, is left out.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna, motifs
from tfbind.io.tally import Tally
from tfbind.sequences import selex, selex_series
from tfbind.simulation import reads as simulated
from tfbind.simulation import settings
from tfbind.simulation.energies import Energies

#: Reads of a cycle: those of ALX4 of DeepSELEX, and of NRLB; GATA3 and GATA4 of mubind have 50,000 to 180,000.
DEPTHS = (15_000, 25_000)
#: Longest and shortest motif in bp.
_WIDTHS = range(6, 16)


def series(motif: motifs.Motifs, reads: int, rng: np.random.Generator) -> dict[int, list[str]]:
    """Distinct inserts of cycles 0 to 4."""
    found = {0: simulated.library(reads, settings.INSERT["htselex"], rng)}
    found |= {cycle: tokens for cycle, tokens, _ in simulated.htselex(Energies(motif, ("",)), reads, rng)}
    return {
        cycle: selex.inserts(dna.decode(tokens), "", "", Tally(), jackpots="keep")["sequence"].tolist()
        for cycle, tokens in found.items()
    }


def _said(cycles: dict[int, list[str]]) -> str:
    return selex_series.check(cycles).verdict.split(";")[0]


def main(n: int) -> pd.DataFrame:
    """Counts for each depth, over `n` TFs of JASPAR: false alarms, adjacent labels exchanged, cycles of another TF."""
    known = motifs.jaspar()
    rng = np.random.default_rng(0)
    chosen = rng.choice([i for i, matrix in enumerate(known.matrices) if len(matrix) in _WIDTHS], n, replace=False)
    rows = []
    for reads in DEPTHS:
        row = dict.fromkeys(("series", "alarms", "exchanged", "named", "foreign", "foreign_named", "foreign_told"), 0)
        before: dict[int, list[str]] = {}
        for i in chosen:
            cycles = series(known.take([int(i)]), reads, rng)
            row["series"] += 1
            row["alarms"] += _said(cycles).startswith(selex_series.WRONG)
            for one, two in pairwise(cycles):
                said = _said(cycles | {one: cycles[two], two: cycles[one]})
                row["exchanged"] += 1
                row["named"] += said == f"swapped: cycles {one} and {two}"
            for cycle in (2, 3, 4) if before else ():
                said = _said(cycles | {cycle: before[cycle]})
                row["foreign"] += 1
                row["foreign_told"] += said.startswith(selex_series.WRONG)
                row["foreign_named"] += said.startswith(f"another library: cycle {cycle}:")
            before = cycles
        rows.append({"reads": reads} | row)
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    measured = main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    print(measured.to_string(index=False))
    if len(sys.argv) == 1:
        measured.to_csv(Path(__file__).with_suffix(".tsv"), sep="\t", index=False)
