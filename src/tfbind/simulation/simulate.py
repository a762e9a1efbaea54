"""A study with known truth, in the file formats of real ones: the demo, and the data of many tests.

Simulated ChIP-seq reads a genome with planted motifs, simulated HT-SELEX a random library. Both bind by the same rule:
the occupancy of a sequence is Z / (1 + Z), where Z is a concentration times the summed odds of all its sites, on both
strands, under the TF's JASPAR matrix. So the assays measure one specificity, and it is known how they differ:

- ChIP-seq measures occupancy times accessibility, which a co-factor of each cell raises; weak sites, binding through
  the co-factor, artefacts in blacklisted regions, noise and, if asked for, a GC bias come on top.
- HT-SELEX measures occupancy to the power of the cycle, on short inserts, with PCR duplicates.

For the cell-type task the same genome is read in several cells. There a TF binds in a step of 50 bp with a known
probability, its occupancy times how open the step is in the cell; so the probability that a bin is bound is known too.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import motifs, seeding
from tfbind.errors import InputError
from tfbind.io import atomic, tables
from tfbind.io.paths import COFACTORS, CYCLES, TFS, chips
from tfbind.simulation import assays, cells, settings
from tfbind.simulation import genome as simulation_genome
from tfbind.simulation.genome import plant, write_genome

#: The config of the study; that of the demo says why each key is there.
CONFIG = f"""\
datasets: datasets.tsv
cells: cells.tsv
genomes: {{{settings.GENOME}: {{fasta: genome.fa, blacklist: blacklist.bed, genes: genes.gtf}}}}
sequence: {{length: 101, limit: 2000}}
split: {{validation: [chr4], test: [chr1, chr5]}}
negatives:
  standard: {{kind: {{chipseq: dinucleotide, htselex: input}}}}
models:
  deepbind: {{kind: deepbind, reading: whole}}
  deepbind_scan: {{trained_as: deepbind, reading: scan}}
  bilstm_scan: {{kind: bilstm, readout: max, stride: 3, reading: scan}}
  regression: {{kind: regression}}
  composition: {{kind: composition}}
training: {{steps: 500}}
celltype: {{test_cells: [h1], networks: [deepbind, deepbind_track], steps: 600}}
statistics: {{block: 10000}}
"""


def study(
    folder: str | Path,
    seed: int = 0,
    *,
    tfs: Sequence[str] = TFS,
    peaks: int = 900,
    reads: int = 8000,
    cycle: int = 3,
    cofactor: Mapping[str, float] | None = None,
    noise: float = 0.5,
    gc_bias: float = 0.0,
) -> None:
    """Write a simulated study; the same arguments give the same bytes.

    Parameters
    ----------
    folder : path
    seed : int
        Another seed is another genome, other sites and other reads.
    tfs : sequence of str
        TFs with a vertebrate JASPAR motif of at most 20 bp. The first is assayed in both cells.
    peaks : int
        Peaks of each ChIP-seq experiment, beside a few artefacts in blacklisted regions.
    reads : int
        Reads of each SELEX cycle; about a sixth are duplicates.
    cycle : int
        The SELEX cycle (1 to 4) that `datasets.tsv` names. All are written.
    cofactor : mapping of str to float, optional
        For each cell, by how much (natural log) its co-factor's motif raises accessibility, and with it the share of
        co-factor sites where the TF is bound without a site of its own: a cause of shift between cells and between
        assays. Default 1.5 each; 0 removes it.
    noise : float
        Standard deviation of the natural log of a ChIP-seq signal.
    gc_bias : float
        Rise of the natural log of a ChIP-seq signal per standard deviation of GC content: a cause of shift that has
        nothing to do with binding.

    Raises
    ------
    InputError
        `cofactor` names an unknown cell, a motif is longer than 20 bp or unknown to JASPAR, or there is no such cycle.
    """
    folder = Path(folder)
    cofactor = dict.fromkeys(COFACTORS, 1.5) | dict(cofactor or {})
    known = {name: motifs.of_tf(name).take([0]) for name in [*tfs, *COFACTORS.values()]}
    strange = sorted(cofactor.keys() - COFACTORS.keys())
    faults = [f"cofactor: no cell {cell!r}; use {', '.join(COFACTORS)}" for cell in strange]
    faults += [
        f"tfs: the motif of {tf} is longer than {settings.INSERT} bp"
        for tf in tfs
        if assays.width(known[tf]) > settings.INSERT
    ]
    if cycle not in CYCLES:
        faults.append(f"cycle: {cycle} is not one of {', '.join(map(str, CYCLES))}")
    if faults:
        raise InputError(faults)

    genome, blacklist = simulation_genome.genome(seeding.generator(seed, "simulate", "genome"))
    elements, sites = plant(genome, blacklist, known, seeding.generator(seed, "simulate", "sites"))
    truth = {
        "seed": seed,
        "options": {"tfs": list(tfs), "peaks": peaks, "reads": reads, "cycle": cycle}
        | {"cofactor": cofactor, "noise": noise, "gc_bias": gc_bias},
        "motifs": {name: found.ids[0] for name, found in known.items()},
        "cofactors": COFACTORS,
        "sites": {
            name: sites[sites["name"] == name].drop(columns=["name", "element"]).to_numpy().tolist() for name in known
        },
        "datasets": {},
    }
    write_genome(folder, genome, blacklist, seeding.generator(seed, "simulate", "mask"))

    shared = seeding.generator(seed, "simulate", "accessibility")
    openness = 0.7 * shared.standard_normal(len(elements))
    openness = {cell: openness + 0.4 * shared.standard_normal(len(elements)) for cell in COFACTORS}
    tokens = np.stack([genome[c][m - settings.WIDE // 2 : m + settings.WIDE // 2 + 1] for c, m in elements])
    for tf, cell in chips(tfs):
        helped = np.isin(np.arange(len(elements)), sites.loc[sites["name"] == COFACTORS[cell], "element"])
        table, about = assays.chip(
            f"{tf}_{cell}",
            known[tf],
            sites[sites["name"] == tf],
            (elements, tokens, openness[cell], helped),
            (peaks, cofactor[cell], noise, gc_bias),
            blacklist,
            seeding.generator(seed, "simulate", tf, cell),
        )
        with atomic.replacing(folder / f"{tf}_{cell}.narrowPeak") as temporary:
            table.to_csv(temporary, sep="\t", header=False, index=False, float_format="%.4f", lineterminator="\n")
        truth["datasets"][f"{tf}_{cell}"] = about

    rng = seeding.generator(seed, "simulate", "library")
    assays.write_reads(folder / "selex_0.fastq.gz", rng.integers(0, 4, (reads, settings.INSERT), dtype=np.uint8), rng)
    for tf in tfs:
        rng = seeding.generator(seed, "simulate", tf, "selex")
        about = {"bound": {}}
        for number, inserts, bound in assays.selex(known[tf], reads, rng):
            assays.write_reads(folder / f"{tf}_selex_{number}.fastq.gz", inserts, rng)
            about["bound"][number] = bound
        truth["datasets"][f"{tf}_selex"] = about

    cells.cells(folder, genome, elements, sites, {tf: known[tf] for tf in tfs}, seed)

    tables.write_tsv(_sheet(tfs, cycle), folder / "datasets.tsv")
    tables.write_tsv(cells.cell_sheet(tfs), folder / "cells.tsv")
    for name, text in {"config.yaml": CONFIG, "truth.json": json.dumps(truth, separators=(",", ":")) + "\n"}.items():
        with atomic.replacing(folder / name) as temporary:
            temporary.write_text(text)


def _sheet(tfs: Sequence[str], cycle: int) -> pd.DataFrame:
    rows = [
        {"dataset": f"{tf}_{cell}", "tf": tf, "assay": "chipseq", "path": f"{tf}_{cell}.narrowPeak"}
        | {"genome": settings.GENOME, "cell": cell, "lab": "simulated"}
        for tf, cell in chips(tfs)
    ]
    rows += [
        {"dataset": f"{tf}_selex", "tf": tf, "assay": "htselex", "path": f"{tf}_selex_{cycle}.fastq.gz"}
        | {"lab": "simulated", "cycle": str(cycle), "input_path": "selex_0.fastq.gz"}
        | {"left_flank": settings.LEFT_FLANK, "right_flank": settings.RIGHT_FLANK}
        for tf in tfs
    ]
    return pd.DataFrame(rows)
