"""Fixtures that every test may ask for."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tfbind import dna
from tfbind.genome import Genome, index


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of public data files; tests that need it are skipped where it is not named."""
    folder = os.environ.get("TFBIND_MIRROR")
    if not folder:
        pytest.skip("TFBIND_MIRROR is not set to a folder of the real data")
    return Path(folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def chromosomes() -> dict[str, str]:
    """Sequences of a tiny genome: islands of high GC, soft-masked stretches, a run of N on each chromosome."""
    rng = np.random.default_rng(7)
    result = {}
    for name, size in {"chr1": 60_000, "chr2": 50_000, "chr3": 40_000, "chr4": 30_000}.items():
        share = 0.25 + 0.5 * (np.sin(np.arange(size) / 900) > 0.6)
        strong = rng.random(size) < share
        tokens = np.where(strong, rng.integers(1, 3, size), rng.choice([0, 3], size)).astype(np.uint8)
        tokens[5_000:5_400] = dna.UNKNOWN
        text = dna.decode(tokens[None], np.array([size]))[0]
        result[name] = text[:2_000] + text[2_000:3_000].lower() + text[3_000:]
    return result


@pytest.fixture(scope="session")
def fasta(chromosomes, tmp_path_factory) -> Path:
    """The tiny genome as an indexed FASTA."""
    folder = tmp_path_factory.mktemp("genome")
    with gzip.open(folder / "source.fa.gz", "wt") as out:
        for name, text in chromosomes.items():
            out.write(f">{name} a chromosome\n" + "".join(f"{text[i : i + 70]}\n" for i in range(0, len(text), 70)))
    index(folder / "source.fa.gz", folder / "tiny.fa")
    return folder / "tiny.fa"


@pytest.fixture
def genome(fasta) -> Genome:
    return Genome(fasta)
