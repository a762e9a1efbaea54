"""A study with known truth, in the file formats of real ones: the demo, and the data of many tests.

Assays of peaks read a genome with planted motifs, those of reads a random library, those of intensities an array. All
bind by the same rule: the occupancy of a sequence is Z / (1 + Z), where Z is a concentration times the summed odds of
all its sites, on both strands, under the TF's JASPAR matrix. So the assays measure one specificity, and it is known how
they differ (`peaks`, `reads` and `intensities` have a function for each):

- In vivo (ChIP-seq, ChIP-exo, CUT&RUN, CUT&Tag) it is occupancy times accessibility, which a co-factor of each cell
  raises; weak sites, binding through the co-factor, artefacts in blacklisted regions, noise, cuts in open chromatin
  and, if asked for, a GC bias are added.
- DAP-seq and GHT-SELEX read the same genome as naked DNA.
- HT-SELEX, SELEX-seq and SMiLE-seq measure occupancy to the power of the cycle, on short inserts, with PCR duplicates.
- PBM measures occupancy itself, on probes that hold every 8-mer.

`truth.json` says what is planted where, and, where other assays than the first of each form are asked for, what the
perfect model of each experiment reaches on every target of its TF (`oracle`).

For the cell-type task the same genome is read in several cells. There a TF binds in a step of 50 bp with a known
probability, its occupancy times how open the step is in the cell; so the probability that a bin is bound is known too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import motifs, seeding
from tfbind.assays import ASSAYS, meant
from tfbind.errors import InputError
from tfbind.io import atomic, tables
from tfbind.io.paths import COFACTORS, CYCLES, SIMULATED, TFS, experiments
from tfbind.simulation import assays as simulators
from tfbind.simulation import cells, energies, oracle, settings
from tfbind.simulation import genome as simulation_genome
from tfbind.simulation.genome import plant, write_genome
from tfbind.simulation.oracle import Target
from tfbind.simulation.peaks import Experiment, Ground, write_peaks
from tfbind.simulation.reads import library, write_counts, write_gzip, write_reads


def config(assays: Sequence[str] = SIMULATED) -> str:
    """The config of a simulated study as YAML; that of the demo says why each key is there."""
    kinds = ", ".join(f"{assay}: {simulators.negatives(assay)}" for assay in ASSAYS if assay in assays)
    return f"""\
datasets: datasets.tsv
cells: cells.tsv
genomes: {{{settings.GENOME}: {{fasta: genome.fa, blacklist: blacklist.bed, genes: genes.gtf}}}}
sequence: {{length: {simulators.length(assays)}, limit: 2000}}
split: {{validation: [chr4], test: [chr1, chr5]}}
negatives:
  standard: {{kind: {{{kinds}}}}}
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
    assays: Sequence[str] = SIMULATED,
    peaks: int = 900,
    reads: int = 8000,
    cycle: int = 3,
    cofactor: Mapping[str, float] | None = None,
    modes: Mapping[str, float] | None = None,
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
        TFs with a vertebrate JASPAR motif that the inserts of all `assays` hold (at most 16 bp of SELEX-seq, 20 of
        HT-SELEX). The first is assayed in both cells.
    assays : sequence of str
        Keys of `tfbind.assays.ASSAYS`, in any order; an experiment is the same whichever others there are. An assay
        without a function of its own is simulated by its description (`simulators.simulator`).
    peaks : int
        Peaks of each experiment on the genome, beside a few artefacts in blacklisted regions.
    reads : int
        Reads of each SELEX cycle; about a sixth are duplicates.
    cycle : int
        The SELEX cycle (1 to 4) that `datasets.tsv` names. All are written.
    cofactor : mapping of str to float, optional
        For each cell, by how much (natural log) its co-factor's motif raises accessibility, and with it the share of
        co-factor sites where the TF is bound without a site of its own: a cause of shift between cells and between
        assays. Default 1.5 each; 0 removes it.
    modes : mapping of str to float, optional
        For an assay, the share of its binding (0 to 1) that has the halves of the motif apart (`energies.spaced`): a
        cause of shift between assays. The genome then has sites of that kind too. Default: none.
    noise : float
        Standard deviation of the natural log of a ChIP-seq signal.
    gc_bias : float
        Rise of the natural log of a ChIP-seq signal per standard deviation of GC content: a cause of shift that has
        nothing to do with binding.

    Raises
    ------
    InputError
        `cofactor` names an unknown cell, `assays` or `modes` an unknown assay, a motif is longer than the inserts or
        unknown to JASPAR, a share is not between 0 and 1, or there is no such cycle.
    """
    folder = Path(folder)
    cofactor = dict.fromkeys(COFACTORS, 1.5) | dict(cofactor or {})
    modes = dict(modes or {})
    known = {name: energies.of(name, motifs.of_tf(name).take([0])) for name in [*tfs, *COFACTORS.values()]}
    binding = {
        (tf, assay): energies.spaced(known[tf], modes[assay]) if assay in modes else known[tf]
        for tf in tfs
        for assay in assays
    }
    if faults := list(_faults(assays, cycle, cofactor, modes, binding)):
        raise InputError(faults)
    apart = {name: motif for both in binding.values() for name, motif in both.each().items() if name not in known}
    planted = {name: one.motifs for name, one in known.items()} | apart

    genome, blacklist = simulation_genome.genome(seeding.generator(seed, "simulate", "genome"))
    elements, sites = plant(genome, blacklist, planted, seeding.generator(seed, "simulate", "sites"))
    asked = {"tfs": list(tfs), "peaks": peaks, "reads": reads, "cycle": cycle}
    asked |= {"cofactor": cofactor, "noise": noise, "gc_bias": gc_bias}
    truth = {
        "seed": seed,
        "options": asked,
        "motifs": {name: found.ids[0] for name, found in planted.items()},
        "cofactors": COFACTORS,
        "sites": {
            name: sites[sites["name"] == name].drop(columns=["name", "element"]).to_numpy().tolist() for name in planted
        },
        "datasets": {},
    }
    write_genome(folder, genome, blacklist, seeding.generator(seed, "simulate", "mask"))

    shared = seeding.generator(seed, "simulate", "accessibility")
    openness = 0.7 * shared.standard_normal(len(elements))
    openness = {cell: openness + 0.4 * shared.standard_normal(len(elements)) for cell in COFACTORS}
    tokens = np.stack([genome[c][m - settings.WIDE // 2 : m + settings.WIDE // 2 + 1] for c, m in elements])
    ground = Ground(genome, blacklist, elements, tokens, sites, openness)
    rng = seeding.generator(seed, "simulate", "library")
    initial = library(reads, settings.INSERT["htselex"], rng)
    rows, made, length = experiments(tfs, assays, cycle), {}, simulators.length(assays)
    if any(row["input_path"] for row in rows):
        write_reads(folder / "selex_0.fastq.gz", initial, rng)
    for row in rows:
        tf, assay, cell = row["tf"], row["assay"], row["cell"]
        experiment = Experiment(row["dataset"], binding[tf, assay], peaks, reads, noise, cell)
        if cell:
            experiment = experiment._replace(cofactor=known[COFACTORS[cell]], raised=cofactor[cell], gc_bias=gc_bias)
        rng = seeding.generator(seed, "simulate", tf, *row["dataset"].removeprefix(f"{tf}_").split("_"))
        write = {"peaks": _peaks, "reads": _reads, "intensities": _intensities}[ASSAYS[assay].form]
        truth["datasets"][row["dataset"]], target = write(folder, row, experiment, ground, initial, length, rng)
        made[row["dataset"]] = experiment, target

    if set(assays) != set(SIMULATED) or modes:
        asked |= {"assays": [assay for assay in ASSAYS if assay in assays], "modes": modes}
        truth["expected"] = _expected(rows, made, ground)
    cells.cells(folder, genome, elements, sites, {tf: known[tf].motifs for tf in tfs}, seed)

    tables.write_tsv(_sheet(rows), folder / "datasets.tsv")
    tables.write_tsv(cells.cell_sheet(tfs), folder / "cells.tsv")
    texts = {"config.yaml": config(assays), "truth.json": json.dumps(truth, separators=(",", ":")) + "\n"}
    for name, text in texts.items():
        with atomic.replacing(folder / name) as temporary:
            temporary.write_text(text)


def _faults(assays: Sequence[str], cycle: int, cofactor: Mapping, modes: Mapping, binding: Mapping) -> Iterator[str]:
    known = ", ".join(ASSAYS)
    for word in assays:
        if word not in ASSAYS:
            near = f"did you mean {meant(word)}?" if meant(word) else f"use {known}"
            yield f"assays: no assay {word!r}; {near}"
    if not assays:
        yield f"assays: none; name one or more of {known}"
    strange = sorted(cofactor.keys() - COFACTORS.keys())
    yield from (f"cofactor: no cell {cell!r}; use {', '.join(COFACTORS)}" for cell in strange)
    for assay, share in modes.items():
        if assay not in assays:
            yield f"modes: {assay!r} is not among the assays ({', '.join(assays)})"
        if not 0 <= share <= 1:
            yield f"modes: {assay}: {share} is not a share; write 0 to 1"
    for tf in dict.fromkeys(tf for tf, _ in binding):
        # bp of the inserts of each assay that are too short, the shortest first
        short = [(settings.INSERT.get(assay, settings.INSERT["htselex"]), assay) for assay in assays]
        short = sorted((size, assay) for size, assay in short if binding[tf, assay].width > size)
        for size, assay in short[:1]:
            yield f"tfs: the motif of {tf} in {assay} has {binding[tf, assay].width} bp, longer than {size} bp"
    if cycle not in CYCLES:
        yield f"cycle: {cycle} is not one of {', '.join(map(str, CYCLES))}"


def _peaks(
    folder: Path, row: Mapping, experiment: Experiment, ground: Ground, initial, length: int, rng
) -> tuple[dict, Target]:
    # Simulates and writes an experiment of the form, and returns the truth of it and its sequences; so the next two.
    table, about, *bins = simulators.simulator(row["assay"])(experiment, ground, rng)
    if row["format"] == "bins":
        write_gzip(folder / row["path"], bins[0].to_csv(sep="\t", index=False, lineterminator="\n"))
        return {"bound": about["bound"]}, oracle.bins(bins[0], ground, length)
    write_peaks(folder / row["path"], table)
    return about, Target(ground.windows(table[0], (table[1] + table[9]).to_numpy(), length), None)


def _reads(
    folder: Path, row: Mapping, experiment: Experiment, ground, initial: np.ndarray, length, rng
) -> tuple[dict, Target]:
    about, selected = {"bound": {}}, {}
    for number, inserts, bound in simulators.simulator(row["assay"])(experiment.energies, experiment.reads, rng):
        if row["input_path"]:
            write_reads(folder / row["path"].replace(f"_{row['cycle']}.", f"_{number}."), inserts, rng)
        elif row["format"] != "counts":
            write_reads(folder / row["path"], inserts, rng)
        selected[number], about["bound"][number] = inserts, bound
    if row["format"] == "counts":
        initial = library(experiment.reads, inserts.shape[1], rng)
        write_counts(folder / row["path"], {0: initial} | selected)
    chosen = np.unique(selected[int(row["cycle"])] if row["cycle"] else inserts, axis=0)
    return about, Target(chosen, initial if simulators.negatives(row["assay"]) == "input" else None)


def _intensities(
    folder: Path, row: Mapping, experiment: Experiment, ground, initial, length, rng
) -> tuple[dict, Target]:
    table, about = simulators.simulator(row["assay"])(experiment.energies, row["design"], rng)
    with atomic.replacing(folder / row["path"]) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    return about, oracle.probes(table, about["trend"])


def _expected(rows: Sequence[Mapping], made: Mapping, ground: Ground) -> dict:
    # For each target what is planted there, and what perfect models of the same TF's datasets reach on it.
    expected = {}
    for row in rows:
        experiment, target = made[row["dataset"]]
        mine = [other for other in rows if other["tf"] == row["tf"]]
        if row["design"]:  # the other array is its test set
            alike = [other for other in mine if other["assay"] == row["assay"] and other["cell"] == row["cell"]]
            (target,) = (made[other["dataset"]][1] for other in alike if other["design"] != row["design"])
        models = {
            other["dataset"]: oracle.model(made[other["dataset"]][0], ground, settings.LEAK.get(other["assay"], 0))
            for other in mine
        }
        aurocs = oracle.aurocs(target, models, seeding.generator("simulate", row["dataset"], "shuffles"))
        planted = {"spaced": experiment.energies.shares[1]} if len(experiment.energies.shares) > 1 else {}
        if experiment.cell:
            leak = settings.LEAK.get(row["assay"], 0)
            planted |= {"cofactor": experiment.raised, "open": leak, "gc_bias": experiment.gc_bias}
        expected[row["dataset"]] = {
            "planted": planted,
            "negatives": simulators.negatives(row["assay"]),
            "auroc": aurocs,
            "drop": {source: aurocs[row["dataset"]] - value for source, value in aurocs.items()},
        }
    return expected


def _sheet(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    columns = ["dataset", "tf", "assay", "path", "format", "genome", "cell", "lab", "replicate", "cycle", "input_path"]
    columns += ["left_flank", "right_flank", "design"]
    sheet = pd.DataFrame([{column: row.get(column, "") for column in columns} for row in rows])
    form = sheet["assay"].map(lambda assay: ASSAYS[assay].form)
    sheet["lab"], sheet.loc[form == "peaks", "genome"] = "simulated", settings.GENOME
    raw = (form == "reads") & (sheet["format"] != "counts")  # a table of counts holds the inserts alone
    sheet.loc[raw, ["left_flank", "right_flank"]] = settings.LEFT_FLANK, settings.RIGHT_FLANK
    sheet.loc[form == "intensities", "right_flank"] = settings.PROBE_END
    return sheet.loc[:, (sheet != "").any()]
