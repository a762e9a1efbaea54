"""Time and memory of ``tfbind score --track`` against the genome: ``python -m benchmarks.genome_tracks [MB...]``.

Models of three seeds with the default options, whose weights do not matter here, read windows of 101 bp along a random
genome (a `bilstm` and a `regression` along a part of it), each time as a command of its own. What starting takes is
measured on 1 kb. Writes `genome_tracks.tsv` and `genome_tracks.md`; 48 Mb need 0.3 GB of disk.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from benchmarks import growth, page
from tfbind import dna
from tfbind.models import baseline, networks

HUMAN = 3100  # Mb
SIZES = (1.2, 12, 48)
#: Mb that the slower kinds read.
PARTS = {"bilstm": 0.1, "regression": 0.1}
_OPTIONS = {"deepbind": {}, "bilstm": {"readout": "max", "stride": 3}}


def models(folder: Path) -> None:
    """A model of each kind."""
    for kind, options in _OPTIONS.items():
        states = {seed: networks.build(kind, options).state_dict() for seed in range(3)}
        (folder / kind).mkdir()
        networks.save(folder / kind, kind, options, states, growth.LENGTH, {})
    (folder / "regression").mkdir()
    tokens = np.random.default_rng(0).integers(0, 4, (400, growth.LENGTH)).astype(np.uint8)
    rows = pd.DataFrame({"sequence": dna.decode(tokens), "draw": 0, "split": "train"})
    halves = rows.iloc[:200].assign(label=1), rows.iloc[200:].assign(label=0)
    baseline.fit("regression", {}, *halves, 0, folder / "regression")


def measure(*words: object) -> dict[str, float]:
    """Seconds, processor seconds and MB of one command."""
    command = [Path(sys.executable).parent / "tfbind", "score", *words]
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"tfbind score ended with {process.returncode}")
    seconds, processor = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return {"seconds": seconds, "processor": processor, "megabytes": usage.ru_maxrss / 1024}


def main(sizes: tuple[float, ...]) -> None:
    """Measure, print and write the table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models(folder)
        rng = np.random.default_rng(0)
        for size in sizes:
            fasta = folder / f"{size}.fa"
            with fasta.open("wb") as out:
                out.write(b">chr1\n")
                for _ in range(round(size * 10)):
                    out.write(np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, 100_000)].tobytes() + b"\n")
            pysam.faidx(str(fasta))
        bed, out = folder / "part.bed", folder / "track.bw"
        whole = [("deepbind", size, ["--fasta", folder / f"{size}.fa"]) for size in sizes]
        part = ["--bed", bed, "--genome", folder / f"{sizes[0]}.fa"]
        for kind, size, words in [*whole, *((kind, size, part) for kind, size in PARTS.items())]:
            bed.write_text("chr1\t5000\t6000\n")
            start = measure(folder / kind, "--track", out, *part)["processor"]
            bed.write_text(f"chr1\t5000\t{5000 + round(size * 1e6)}\n")
            found = measure(folder / kind, "--track", out, *words)
            each = (found["processor"] - start) / size
            rows.append(
                {"model": kind, "mb": size, **found, "processor_per_mb": each, "human_hours": each * HUMAN / 3600}
            )
            print(rows[-1], flush=True)
    page.publish(
        "genome_tracks",
        "tfbind score --track against the genome",
        "python -m benchmarks.genome_tracks",
        "Three seeds, windows of 101 bp, a value on every base, one thread. `seconds` and `processor` with the start, "
        f"`processor_per_mb` without. `human_hours`: what {HUMAN} Mb would take at that rate. `megabytes`: the most "
        "that the process ever held. `seconds` depend on what else the machine does, `processor` hardly.",
        pd.DataFrame(rows),
    )


if __name__ == "__main__":
    main(tuple(map(float, sys.argv[1:])) or SIZES)
