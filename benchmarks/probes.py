"""Protein-binding microarrays: reading and thresholding probes."""

import gzip

import numpy as np
import pandas as pd

from benchmarks import inputs
from benchmarks.race import Side, case
from tfbind import dna
from tfbind.io import probe_tables
from tfbind.io.tally import Tally
from tfbind.sequences import probes

_PROBES = 1_000_000


@case("a million probes read, verified, thresholded", "pandas: read_csv, groupby, median", 1)
def thresholded():
    """Gzipped, 36 bp, signal and background, one probe in twenty measured twice; the same probes are bound."""
    path = inputs.FOLDER / "probes.tsv.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        tokens = rng.integers(0, 4, (_PROBES * 20 // 21, 36)).astype(np.uint8)
        sequences = dna.decode(tokens[rng.permutation(np.arange(_PROBES) % len(tokens))])
        numbers = zip(sequences, np.exp(rng.normal(7, 1, _PROBES)) + 50, rng.gamma(4, 12, _PROBES), strict=True)
        path.write_bytes(gzip.compress("".join(f"{s}\t{a:.1f}\t{b:.1f}\n" for s, a, b in numbers).encode(), 1))

    def ours() -> list[str]:
        found = probes.signal(probes.cut(probe_tables.read_probes(path), "", "", Tally()), Tally())
        return found["sequence"][probes.bound(found["signal"])]

    def peer() -> list[str]:
        found = pd.read_csv(path, sep="\t", header=None, names=["sequence", "signal", "background"])
        signal = (found["signal"] - found["background"]).groupby(found["sequence"]).median()
        spread = (signal - signal.median()).abs().median()
        return signal.index[signal >= signal.median() + 4 * 1.4826 * spread]

    assert set(ours()) == set(peer())
    return Side(ours, _PROBES), Side(peer, _PROBES)
