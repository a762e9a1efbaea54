"""Time and memory of ``tfbind score`` against the number of sequences: ``python -m benchmarks.scoring [MOST]``.

A small `deepbind` scores 10^4 to 10^7 random sequences of 101 bp from a gzipped FASTA, each time as a command of its
own, as a user calls it. Writes `scoring.tsv` and `scoring.md`; 10^7 need 0.4 GB of disk and some minutes.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import growth, page

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
_BLOCK = 10_000


def write(path: Path, rows: int) -> None:
    """Random sequences as a gzipped FASTA."""
    rng = np.random.default_rng(0)
    with gzip.open(path, "wb", 1) as out:
        for start in range(0, rows, _BLOCK):
            letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (min(_BLOCK, rows - start), growth.LENGTH))]
            out.write(b"".join(b">%d\n%s\n" % (start + i, line.tobytes()) for i, line in enumerate(letters)))


def measure(model: Path, fasta: Path, out: Path) -> dict[str, float]:
    """Seconds, processor seconds and MB of one command."""
    command = [Path(sys.executable).parent / "tfbind", "score", model, "--fasta", fasta, "--out", out]
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"tfbind score ended with {process.returncode}")
    return {
        "seconds": time.perf_counter() - start,
        "processor": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / 1024,
    }


def main(most: int) -> None:
    """Measure, print and write the table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        growth.train(2_000, folder)()
        for count in (size for size in SIZES if size <= most):
            write(folder / "sequences.fa.gz", count)
            found = measure(folder, folder / "sequences.fa.gz", folder / "scores.tsv")
            with (folder / "scores.tsv").open("rb") as lines:
                written = sum(1 for _ in lines) - 1
            if written != count:
                sys.exit(f"{written} rows for {count} sequences")
            rows.append({"sequences": count, **found})
            print("{sequences} sequences: {seconds:.1f} s, {megabytes:.0f} MB".format(**rows[-1]), flush=True)
    table = pd.DataFrame(rows)
    page.publish(
        "scoring",
        "tfbind score against the number of sequences",
        "python -m benchmarks.scoring",
        "Sequences of 101 bp from a gzipped FASTA, a row out for each, one thread; start-up and compressed input "
        "included. `megabytes`: the most that the process ever held.",
        table,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1])
