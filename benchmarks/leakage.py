"""How long the leakage audit takes and how much memory: a million sequences against a million.

``python -m benchmarks.leakage [N]`` writes `leakage.tsv` beside this file where N is left out.
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.sequences import leakage

LENGTH = 101


def table(tokens: np.ndarray) -> pd.DataFrame:
    """Tokens (N, L) as the columns of a sequence table that the audit reads."""
    bounds = np.arange(len(tokens) + 1, dtype=np.int64) * tokens.shape[1]
    return pd.DataFrame({"sequence": dna.column(np.frombuffer(b"ACGT", np.uint8)[tokens].ravel(), bounds)})


def made(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of `n` random sequences: 1 % shared, 1 % on the other strand, 1 % shifted by 20 bp."""
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 4, (n, LENGTH), np.uint8) for _ in range(2))
    part = n // 100
    train[:part] = test[:part]
    train[part : 2 * part] = dna.reverse_complement(test[part : 2 * part])
    train[2 * part : 3 * part, 20:] = test[2 * part : 3 * part, :-20]
    return table(train), table(test)


def _peak() -> float:
    # MB of this process; Linux counts in kB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main(n: int) -> pd.DataFrame:
    """Measure, after checking that every planted row is found."""
    leakage.compare(*made(1000), share=0.5, one_genome=False)  # compiled
    train, test = made(n)
    before, start, clock = _peak(), time.perf_counter(), time.process_time()
    for codes in leakage.compare(train, test, share=0.5, one_genome=False):
        found = np.bincount(codes, minlength=len(leakage.KINDS) + 1)
        np.testing.assert_array_equal(found[[0, 1, 3]], n // 100)
    row = {
        "sequences": f"{n} x {n}",
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - clock,
    }
    return pd.DataFrame([row | {"peak_mb": _peak(), "peak_mb_before": before}])


if __name__ == "__main__":
    measured = main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    print(measured.to_string(index=False))
    if len(sys.argv) == 1:
        measured.to_csv(Path(__file__).with_suffix(".tsv"), sep="\t", index=False, float_format="%.4g")
