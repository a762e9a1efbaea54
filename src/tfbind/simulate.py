"""A study with known truth, in the file formats of real ones: the demo, the test bed and the proof.

A genome with planted motifs is read by simulated ChIP-seq, a random library by simulated HT-SELEX. Both bind by the
same rule: the occupancy of a sequence is Z / (1 + Z), where Z is a concentration times the summed odds of all its
sites, on both strands, under the factor's JASPAR matrix. So the assays see one specificity; what parts them is known:

- ChIP-seq sees occupancy times accessibility, which a co-factor of each cell raises; weak sites, binding by way of the
  co-factor, artefacts in blacklisted regions, noise and, if asked for, a GC bias come on top.
- HT-SELEX sees occupancy to the power of the cycle, short inserts, and PCR duplicates.

For the cell-type task the same genome is read in several cells. There a factor binds in a step of 50 bp with a known
probability, its occupancy times how open the step is in the cell; so the probability that a bin is bound is known too.
"""

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyBigWig
import pysam

from tfbind import bins, dna, motifs, splits, tables
from tfbind.faults import InputError
from tfbind.kernels import tracks as kernel
from tfbind.layout import CELLS, COFACTORS, CYCLES, TFS, cell_files, chips

GENOME = "simulated"
LEFT_FLANK, RIGHT_FLANK = "TGTCGT", "GACTGC"

#: The study as it is written; the demo's own config says why each key stands there.
CONFIG = f"""\
datasets: datasets.tsv
cells: cells.tsv
genomes: {{{GENOME}: {{fasta: genome.fa, blacklist: blacklist.bed, genes: genes.gtf}}}}
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

_CHROMOSOMES = {f"chr{i + 1}": 250_000 - 10_000 * i for i in range(8)}
_PATCH = 1000  # bp of one GC content
_SPACING = 400  # bp between elements
_WIDE = 201  # bp of an element that can be bound
_PLANTED, _PLANTED_COFACTOR = 0.5, 0.25  # share of elements with a planted site, for each factor
_STRONG = 0.6  # share of planted sites that are bound more often than not
_TETHERED = 0.4  # at most this share of elements with the co-factor's motif is bound by way of the co-factor
_INSERT = 20  # bp
_POOL = 200_000  # candidates that stand for a library; half of them hold a site
_BOUND = 0.01  # share of the initial library that is bound
_CARRIED = 0.08  # chance of an unbound read to stay in the pool, against a bound one
_OPEN = 0.5  # share of the elements that are open in a cell
_WIDTH_OPEN = 90  # bp, standard deviation of an open element
_HALF_OPEN = 5.0  # accessibility, of a closed step, at which half of the occupied sites are bound
_MOST = 0.95  # probability to be bound at the best site of the most open step
_DOUBTFUL, _SPURIOUS = 0.25, 0.002  # relaxed-only peaks, per step: as a share of the probability of binding; anywhere
_PEAK, _READ = 200, 30  # bp


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
        Factors with a vertebrate JASPAR motif of at most 20 bp. The first is assayed in both cells.
    peaks : int
        Peaks of each ChIP-seq experiment, beside a few artefacts in blacklisted regions.
    reads : int
        Reads of each SELEX cycle; about a sixth are duplicates.
    cycle : int
        The SELEX cycle (1 to 4) that `datasets.tsv` names. All are written.
    cofactor : mapping of str to float, optional
        For each cell, by how much (natural log) its co-factor's motif raises accessibility, and with it the share of
        co-factor sites that bind the factor without a site of its own: a cause of shift between cells and between
        assays. Default 1.5 each; 0 removes it.
    noise : float
        Standard deviation of the natural log of a ChIP-seq signal.
    gc_bias : float
        Rise of the natural log of a ChIP-seq signal per standard deviation of GC content: a cause of shift that has
        nothing to do with binding.
    """
    folder = Path(folder)
    cofactor = dict.fromkeys(COFACTORS, 1.5) | dict(cofactor or {})
    known = {name: motifs.of_tf(name).take([0]) for name in [*tfs, *COFACTORS.values()]}
    strange = sorted(cofactor.keys() - COFACTORS.keys())
    faults = [f"cofactor: no cell {cell!r}; use {', '.join(COFACTORS)}" for cell in strange]
    faults += [f"tfs: the motif of {tf} is longer than {_INSERT} bp" for tf in tfs if _width(known[tf]) > _INSERT]
    if cycle not in CYCLES:
        faults.append(f"cycle: {cycle} is not one of {', '.join(map(str, CYCLES))}")
    if faults:
        raise InputError(faults)

    genome, blacklist = _genome(splits.generator(seed, "simulate", "genome"))
    elements, sites = _plant(genome, blacklist, known, splits.generator(seed, "simulate", "sites"))
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
    _write_genome(folder, genome, blacklist, splits.generator(seed, "simulate", "mask"))

    shared = splits.generator(seed, "simulate", "accessibility")
    openness = 0.7 * shared.standard_normal(len(elements))
    openness = {cell: openness + 0.4 * shared.standard_normal(len(elements)) for cell in COFACTORS}
    tokens = np.stack([genome[c][m - _WIDE // 2 : m + _WIDE // 2 + 1] for c, m in elements])
    for tf, cell in chips(tfs):
        helped = np.isin(np.arange(len(elements)), sites.loc[sites["name"] == COFACTORS[cell], "element"])
        table, about = _chip(
            f"{tf}_{cell}",
            known[tf],
            sites[sites["name"] == tf],
            (elements, tokens, openness[cell], helped),
            (peaks, cofactor[cell], noise, gc_bias),
            blacklist,
            splits.generator(seed, "simulate", tf, cell),
        )
        with tables.replacing(folder / f"{tf}_{cell}.narrowPeak") as temporary:
            table.to_csv(temporary, sep="\t", header=False, index=False, float_format="%.4f", lineterminator="\n")
        truth["datasets"][f"{tf}_{cell}"] = about

    rng = splits.generator(seed, "simulate", "library")
    _write_reads(folder / "selex_0.fastq.gz", rng.integers(0, 4, (reads, _INSERT), dtype=np.uint8), rng)
    for tf in tfs:
        rng = splits.generator(seed, "simulate", tf, "selex")
        about = {"bound": {}}
        for number, inserts, bound in _selex(known[tf], reads, rng):
            _write_reads(folder / f"{tf}_selex_{number}.fastq.gz", inserts, rng)
            about["bound"][number] = bound
        truth["datasets"][f"{tf}_selex"] = about

    _cells(folder, genome, elements, sites, {tf: known[tf] for tf in tfs}, seed)

    tables.write_tsv(_sheet(tfs, cycle), folder / "datasets.tsv")
    tables.write_tsv(_cell_sheet(tfs), folder / "cells.tsv")
    for name, text in {"config.yaml": CONFIG, "truth.json": json.dumps(truth, separators=(",", ":")) + "\n"}.items():
        with tables.replacing(folder / name) as temporary:
            temporary.write_text(text)


def _width(motif: motifs.Motifs) -> int:
    return len(motif.matrices[0])


def _sheet(tfs: Sequence[str], cycle: int) -> pd.DataFrame:
    rows = [
        {"dataset": f"{tf}_{cell}", "tf": tf, "assay": "chipseq", "path": f"{tf}_{cell}.narrowPeak"}
        | {"genome": GENOME, "cell": cell, "lab": "simulated"}
        for tf, cell in chips(tfs)
    ]
    rows += [
        {"dataset": f"{tf}_selex", "tf": tf, "assay": "htselex", "path": f"{tf}_selex_{cycle}.fastq.gz"}
        | {"lab": "simulated", "cycle": str(cycle), "input_path": "selex_0.fastq.gz"}
        | {"left_flank": LEFT_FLANK, "right_flank": RIGHT_FLANK}
        for tf in tfs
    ]
    return pd.DataFrame(rows)


def _genome(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], list[tuple[str, int, int]]]:
    """Chromosomes as tokens, by a first-order chain with few CpG outside GC-rich islands; blacklisted regions."""
    genome, blacklist = {}, []
    for name, length in _CHROMOSOMES.items():
        count = length // _PATCH
        drift = np.convolve(rng.standard_normal(count + 19), np.ones(20) / np.sqrt(20), "valid")
        island = rng.random(count) < 0.04
        gc = np.where(island, 0.64, 0.42 + 0.05 * drift).clip(0.32, 0.66)
        base = np.stack([1 - gc, gc, gc, 1 - gc], 1) / 2  # (patches, 4)
        step = np.repeat(base[:, None], 4, 1)
        step[:, 1, 2] *= np.where(island, 0.8, 0.22)
        climb = (step / step.sum(2, keepdims=True)).cumsum(2)
        text = np.empty((count, _PATCH), np.uint8)
        state = (rng.random((count, 1)) > base.cumsum(1)[:, :3]).sum(1)
        for i in range(_PATCH):
            state = (rng.random((count, 1)) > climb[np.arange(count), state][:, :3]).sum(1)
            text[:, i] = state
        genome[name] = text.reshape(-1)
        gap = int(rng.integers(20_000, length - 20_000))
        for start, end in ((0, 600), (gap, gap + int(rng.integers(300, 2000))), (length - 600, length)):
            genome[name][start:end] = dna.UNKNOWN
        start = int(rng.integers(20_000, length - 20_000))
        blacklist.append((name, start, start + int(rng.integers(1000, 3000))))
    return genome, blacklist


def _plant(
    genome: dict[str, np.ndarray],
    blacklist: list[tuple[str, int, int]],
    known: Mapping[str, motifs.Motifs],
    rng: np.random.Generator,
) -> tuple[list[tuple[str, int]], pd.DataFrame]:
    """Elements (chromosome, centre) and the sites written into `genome` there, none over another."""
    elements = []
    for chrom, text in genome.items():
        taboo = text == dna.UNKNOWN
        for _, start, end in (region for region in blacklist if region[0] == chrom):
            taboo[start:end] = True
        near = np.concatenate([[0], taboo.cumsum()])
        for start in range(1000, len(text) - 1000, _SPACING):
            centre = start + int(rng.integers(0, _SPACING - _WIDE))
            if near[centre + _WIDE] == near[centre - _WIDE]:
                elements.append((chrom, centre))
    taken = {chrom: np.zeros(len(text), bool) for chrom, text in genome.items()}
    rows = []
    for name, found in known.items():
        matrix = found.matrices[0]
        width = len(matrix)
        share = _PLANTED_COFACTOR if name in COFACTORS.values() else _PLANTED
        for index in np.flatnonzero(rng.random(len(elements)) < share):
            chrom, centre = elements[index]
            start = centre + int(rng.integers(-45, 46 - width))
            two = _sites(matrix, 2, rng)  # the better one: evolution kept it
            site, strand = two[matrix[np.arange(width), two].sum(1).argmax()], "+-"[rng.integers(2)]
            if taken[chrom][start : start + width].any():
                continue
            taken[chrom][start : start + width] = True
            genome[chrom][start : start + width] = site if strand == "+" else 3 - site[::-1]
            bits = float(matrix[np.arange(width), site].sum())
            rows.append((name, int(index), chrom, start, start + width, strand, round(bits, 3)))
    return elements, pd.DataFrame(rows, columns=["name", "element", "chrom", "start", "end", "strand", "bits"])


def _sites(matrix: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Sites drawn from a motif: (count, W) uint8."""
    share = np.exp2(matrix.astype(float))
    climb = (share / share.sum(1, keepdims=True)).cumsum(1)
    return (rng.random((count, len(matrix), 1)) > climb[:, :3]).sum(2).astype(np.uint8)


def _odds(tokens: np.ndarray, motif: motifs.Motifs) -> np.ndarray:
    """Summed odds over all sites of both strands: (N,) float64."""
    lse = motifs.score(tokens, motif)[1][:, 0].astype(float)
    return np.exp2(lse) * 2 * (tokens.shape[1] - _width(motif) + 1)


def _chip(
    dataset: str,
    motif: motifs.Motifs,
    planted: pd.DataFrame,
    regions: tuple[list[tuple[str, int]], np.ndarray, np.ndarray, np.ndarray],
    options: tuple[int, float, float, float],
    blacklist: list[tuple[str, int, int]],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, dict]:
    """Peaks in narrowPeak columns, strongest first, and what caused them."""
    elements, tokens, openness, helped = regions
    count, cofactor, noise, gc_bias = options
    odds = _odds(tokens, motif)
    odds /= np.quantile(odds[planted["element"]], 1 - _STRONG)
    occupancy = odds / (1 + odds)
    tethered = helped & (rng.random(len(elements)) < _TETHERED * -np.expm1(-cofactor))
    gc = dna.gc(tokens)
    signal = np.log(occupancy + 0.5 * tethered + 0.01) + openness + cofactor * helped
    signal += gc_bias * (gc - gc.mean()) / gc.std() + noise * rng.standard_normal(len(elements))
    signal = np.exp(signal)
    centre = dict(zip(planted["element"], (planted["start"] + planted["end"]) // 2, strict=True))
    rows = []
    for index in np.argsort(-signal, kind="stable")[:count]:
        chrom, middle = elements[index]
        cause = "site" if occupancy[index] >= 0.5 else "tethered" if tethered[index] else "weak"
        bound = index in centre and cause != "tethered"
        summit = round((centre[index] if bound else middle) + (10 if bound else 25) * rng.standard_normal())
        rows.append((chrom, summit, signal[index], cause, bool(helped[index])))
    for chrom, start, end in blacklist:
        rows.append((chrom, int(rng.integers(start, end)), signal.max() * rng.uniform(0.5, 2), "artefact", False))
    rows.sort(key=lambda row: -row[2])
    strongest = rows[0][2]
    peaks, causes = [], {}
    for number, (chrom, summit, height, cause, with_cofactor) in enumerate(rows, 1):
        start = summit - int(rng.integers(90, 260))
        end = summit + int(rng.integers(90, 260))
        name, score = f"{dataset}_{number}", round(1000 * height / strongest)
        peaks.append((chrom, start, end, name, score, ".", height, -1, -1, summit - start))
        causes[name] = [cause, with_cofactor]
    shares = pd.DataFrame(causes.values(), columns=["cause", "cofactor"])
    return pd.DataFrame(peaks), {
        "share": shares["cause"].value_counts(normalize=True).to_dict(),
        "with_cofactor": shares["cofactor"].mean(),
        "peaks": causes,
    }


def _selex(motif: motifs.Motifs, reads: int, rng: np.random.Generator):
    """Inserts of each cycle: number, (reads, _INSERT) tokens, share of them bound.

    A library holds 10^13 molecules. A mixture of random inserts and inserts with a site drawn from the motif at a
    random place stands for it: the density of the second kind, relative to the first, is exactly the mean odds over
    places and strands, so the inverse of the mixture's density weighs every candidate back to the uniform library.
    """
    matrix = motif.matrices[0]
    width = len(matrix)
    candidates = rng.integers(0, 4, (_POOL, _INSERT), dtype=np.uint8)
    share = 0.5
    planted = np.flatnonzero(rng.random(_POOL) < share)
    site = _sites(matrix, len(planted), rng)
    site = np.where(rng.random((len(planted), 1)) < 0.5, site, 3 - site[:, ::-1])
    start = rng.integers(0, _INSERT - width + 1, len(planted))
    candidates[planted[:, None], start[:, None] + np.arange(width)] = site
    odds = _odds(candidates, motif)
    weight = 1 / (1 - share + share * odds / (2 * (_INSERT - width + 1)))
    weight /= weight.sum()
    low, high = -60.0, 60.0  # log2 of the concentration at which `_BOUND` of the library is bound
    for _ in range(60):
        middle = (low + high) / 2
        bound = (weight * (odds / (odds + 2**-middle))).sum()
        low, high = (middle, high) if bound < _BOUND else (low, middle)
    occupancy = odds / (odds + 2**-low)
    for cycle in CYCLES:
        # some molecules amplify better than others
        weight = weight * (occupancy + _CARRIED * (1 - occupancy)) * np.exp(0.3 * rng.standard_normal(_POOL))
        weight /= weight.sum()
        chosen = rng.choice(_POOL, reads - reads // 8, p=weight)
        chosen = np.concatenate([chosen, rng.choice(chosen, reads // 8)])  # PCR duplicates
        rng.shuffle(chosen)
        yield cycle, candidates[chosen], float(occupancy[chosen].mean())


def _write_genome(folder: Path, genome: dict[str, np.ndarray], blacklist: list, rng: np.random.Generator) -> None:
    text = bytearray()
    for name, tokens in genome.items():
        letters = np.frombuffer(b"ACGTN", np.uint8)[tokens]
        for start in rng.integers(0, len(letters), len(letters) // 1500):
            letters[start : start + rng.integers(100, 600)] |= 32  # lower case: repeats
        text += f">{name}\n".encode()
        for start in range(0, len(letters), 60):
            text += letters[start : start + 60].tobytes() + b"\n"
    with tables.replacing(folder / "genome.fa") as temporary:
        temporary.write_bytes(text)
    with tables.replacing(folder / "blacklist.bed") as temporary:
        temporary.write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in blacklist))


def _write_reads(path: Path, inserts: np.ndarray, rng: np.random.Generator) -> None:
    """FASTQ of the inserts in their flanks; one read in a hundred has an error there, one in 200 an unknown base."""
    count = len(inserts)
    flanks = dna.encode([LEFT_FLANK, RIGHT_FLANK])
    reads = np.concatenate([np.tile(flanks[0], (count, 1)), inserts, np.tile(flanks[1], (count, 1))], 1)
    wrong = np.flatnonzero(rng.random(count) < 0.01)
    reads[wrong, rng.integers(0, len(LEFT_FLANK), len(wrong))] ^= 1
    unread = np.flatnonzero(rng.random(count) < 0.005)
    reads[unread, len(LEFT_FLANK) + rng.integers(0, _INSERT, len(unread))] = dna.UNKNOWN
    quality = rng.integers(ord("5"), ord("J"), (count, reads.shape[1]), dtype=np.uint8).tobytes().decode()
    width = reads.shape[1]
    name = path.name.split(".")[0]
    text = io.StringIO()
    for number, read in enumerate(dna.decode(reads, np.full(count, width))):
        text.write(f"@{name}.{number + 1}\n{read}\n+\n{quality[number * width : (number + 1) * width]}\n")
    with tables.replacing(path) as temporary:
        # no time, so that equal reads are equal files
        temporary.write_bytes(gzip.compress(text.getvalue().encode(), 6, mtime=0))


def _cell_sheet(tfs: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(cell_files(tfs), columns=["cell", "what", "tf", "path"]).assign(genome=GENOME)


def _cells(
    folder: Path,
    genome: dict[str, np.ndarray],
    elements: list[tuple[str, int]],
    sites: pd.DataFrame,
    known: Mapping[str, motifs.Motifs],
    seed: int,
) -> None:
    """Write the files of each cell, and the probability of each bin to be bound there."""
    rng = splits.generator(seed, "simulate", "cells")
    starts = _genes(folder / "genes.gtf", genome, elements, rng)
    shared = rng.standard_normal(len(elements))
    truth = {"chrom": np.repeat(list(genome), [bins.count(len(text)) for text in genome.values()])}
    truth["bin"] = np.concatenate([np.arange(bins.count(len(text))) for text in genome.values()])
    occupancy = {tf: _occupancy(genome, found, sites[sites["name"] == tf]) for tf, found in known.items()}
    for cell, (suffix, fragments) in CELLS.items():
        rng = splits.generator(seed, "simulate", "cells", cell)
        level = shared + rng.standard_normal(len(elements))
        is_open = level > np.quantile(level, 1 - _OPEN)
        height = np.where(is_open, np.exp(2.5 + 0.6 * rng.standard_normal(len(elements))), 0)
        rate = _rate(genome, elements, height)
        cuts = {chrom: _fragments(line, fragments, rate, rng) for chrom, line in rate.items()}
        _write_open(folder / f"open_{cell}.{suffix}", cuts, genome)
        covered = _covered(cuts, genome)
        _write_regions(folder / f"open_{cell}.bed", covered)
        tpm = starts.assign(TPM=np.exp(rng.standard_normal(len(starts))) * (0.5 + height[starts["element"]]))
        tables.write_tsv(tpm[["gene_id", "TPM"]], folder / f"rna_{cell}.tsv")
        steps = {chrom: bins.by_step(line) / bins.STEP for chrom, line in rate.items()}
        for tf, odds in occupancy.items():
            rng = splits.generator(seed, "simulate", "cells", cell, tf)
            chance = {chrom: _MOST * odds[chrom] * line**2 / (line**2 + _HALF_OPEN**2) for chrom, line in steps.items()}
            _write_bound(folder, f"{tf}_{cell}", chance, rng)
            truth[f"{tf}_{cell}"] = np.concatenate([_any(line) for line in chance.values()]).astype(np.float32)
    with tables.replacing(folder / "truth_bins.parquet") as temporary:
        pq.write_table(pa.table(truth), temporary, compression="zstd")


def _genes(path: Path, genome: dict[str, np.ndarray], elements: list, rng: np.random.Generator) -> pd.DataFrame:
    """Genes that start in some of the elements, as GTF: columns `gene_id` and `element`."""
    chosen = np.flatnonzero(rng.random(len(elements)) < 0.08)
    lines = []
    for number, index in enumerate(chosen, 1):
        chrom, centre = elements[index]
        plus = rng.random() < 0.5
        start, end = (centre, centre + 3000) if plus else (centre - 3000, centre)
        start, end = max(start, 0), min(end, len(genome[chrom]) - 1)
        about = f'gene_id "G{number:04d}.1"; gene_name "gene{number}";'
        lines.append(f"{chrom}\tsimulated\tgene\t{start + 1}\t{end + 1}\t.\t{'+' if plus else '-'}\t.\t{about}\n")
    with tables.replacing(path) as temporary:
        temporary.write_text("".join(lines))
    return pd.DataFrame({"gene_id": [f"G{number:04d}.1" for number in range(1, len(chosen) + 1)], "element": chosen})


def _occupancy(genome: dict[str, np.ndarray], motif: motifs.Motifs, planted: pd.DataFrame) -> dict[str, np.ndarray]:
    """Occupancy of each step of 50 bp by the sites whose centre it holds; 0 near unknown bases and at the ends."""
    matrix = motif.matrices[0]
    half, pad = len(matrix) // 2, len(matrix) + 2 * kernel.WORD
    table, shift = kernel.tables(matrix)
    odds, strong = {}, []
    for chrom, text in genome.items():
        padded = np.pad(text, pad, constant_values=dna.UNKNOWN)
        count = len(text) // bins.STEP
        total = kernel.sites(padded[pad - half :], count, table, np.zeros(1, np.int64))[1] * np.exp2(-shift)
        unknown = bins.by_step(text == dna.UNKNOWN) > 0
        unknown[: bins.STEPS] = unknown[-bins.STEPS :] = True
        total[np.convolve(unknown, np.ones(2 * bins.STEPS + 1), "same") > 0] = 0
        odds[chrom] = total
        strong.append(total[(planted.loc[planted["chrom"] == chrom, "start"].to_numpy() + half) // bins.STEP])
    unit = np.quantile(np.concatenate(strong), 1 - _STRONG)
    return {chrom: total / (total + unit) for chrom, total in odds.items()}


def _rate(genome: dict[str, np.ndarray], elements: list, height: np.ndarray) -> dict[str, np.ndarray]:
    """Accessibility of each base, 1 where nothing is open."""
    rate = {chrom: np.ones(len(text)) for chrom, text in genome.items()}
    reach = 4 * _WIDTH_OPEN
    bump = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _WIDTH_OPEN) ** 2)
    for (chrom, centre), top in zip(elements, height, strict=True):
        if top:
            rate[chrom][centre - reach : centre + reach + 1] += top * bump
    return rate


def _fragments(line: np.ndarray, count: int, rate: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Fragments of one chromosome, in order: (N, 2) start and end. Both ends lie at one distance from a random base."""
    count = rng.poisson(count * line.sum() / sum(other.sum() for other in rate.values()))
    middle = np.searchsorted(line.cumsum(), rng.random(count) * line.sum())
    half = rng.integers(_READ // 2, 60, count)
    start, end = middle - half, middle + half
    whole = (start >= 0) & (end <= len(line))
    rows = np.stack([start[whole], end[whole]], 1)
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _covered(cuts: dict[str, np.ndarray], genome: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cuts within 75 bp of each base, as a multiple of their mean, to two decimals."""
    mean = 2 * sum(map(len, cuts.values())) * 151 / sum(map(len, genome.values()))
    covered = {}
    for chrom, rows in cuts.items():
        length = len(genome[chrom])
        ends = np.bincount(np.concatenate([rows[:, 0], rows[:, 1] - 1]), minlength=length)
        total = np.pad(ends, (76, 75)).cumsum()
        covered[chrom] = ((total[151:] - total[:-151]) / mean).round(2)
    return covered


def _write_open(path: Path, cuts: dict[str, np.ndarray], genome: dict[str, np.ndarray]) -> None:
    with tables.replacing(path) as temporary:
        if path.suffix == ".bw":
            covered = _covered(cuts, genome)
            starts = {chrom: np.flatnonzero(np.diff(values, prepend=-1)) for chrom, values in covered.items()}
            # pyBigWig crashes where the disk is full: the space for its entries and summaries is tried first
            temporary.write_bytes(bytes(24 * sum(map(len, starts.values()))))
            with pyBigWig.open(str(temporary), "w") as out:
                out.addHeader([(chrom, len(text)) for chrom, text in genome.items()])
                for chrom, values in covered.items():
                    start = starts[chrom]
                    end = np.append(start[1:], len(values))
                    out.addEntries([chrom] * len(start), start, ends=end, values=values[start])
        elif path.suffix == ".bam":
            header = {"HD": {"VN": "1.6", "SO": "coordinate"}}
            header["SQ"] = [{"SN": chrom, "LN": len(text)} for chrom, text in genome.items()]
            with pysam.AlignmentFile(str(temporary), "wb", header=header) as out:
                for number, rows in enumerate(cuts.values()):
                    _write_aligned(out, number, rows)
        else:
            lines = [f"{chrom}\t{start}\t{end}\n" for chrom, rows in cuts.items() for start, end in rows.tolist()]
            temporary.write_bytes(gzip.compress("".join(lines).encode(), 4, mtime=0))


def _write_aligned(out: pysam.AlignmentFile, chrom: int, rows: np.ndarray) -> None:
    """A read from each end of each fragment, in the order of their starts."""
    start = np.concatenate([rows[:, 0], rows[:, 1] - _READ])
    flag = np.repeat([0, 16], len(rows))
    order = np.argsort(start, kind="stable")
    read = pysam.AlignedSegment(out.header)  # one for all: what differs is where it lies and its strand
    read.query_name, read.reference_id, read.mapping_quality = "simulated", chrom, 60
    read.cigartuples = [(0, _READ)]
    for read.reference_start, read.flag in zip(start[order].tolist(), flag[order].tolist(), strict=True):
        out.write(read)


def _write_regions(path: Path, covered: dict[str, np.ndarray]) -> None:
    """Where accessibility is three times its mean, as BED."""
    lines = []
    for chrom, values in covered.items():
        edges = np.flatnonzero(np.diff(values > 3, prepend=False, append=False))
        lines += [f"{chrom}\t{start}\t{end}\n" for start, end in edges.reshape(-1, 2).tolist() if end - start >= 50]
    with tables.replacing(path) as temporary:
        temporary.write_text("".join(lines))


def _write_bound(folder: Path, name: str, chance: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Peaks of a factor in a cell: certain ones where it binds; those and doubtful ones, wider, in the relaxed file.

    A step that is bound has a peak of 200 bp around it, which shares half of itself with the four bins that hold the
    step, and less with all others.
    """
    rows = {"conservative": [], "relaxed": []}
    for chrom, line in chance.items():
        bound = rng.random(len(line)) < line
        doubtful = rng.random(len(line)) < _DOUBTFUL * line + _SPURIOUS * (line > 0)
        signal = (20 * line + 1) * np.exp(0.5 * rng.standard_normal(len(line)))
        for what, chosen, margin in (("conservative", bound, 0), ("relaxed", bound | doubtful, 50)):
            for step in np.flatnonzero(chosen).tolist():
                summit = step * bins.STEP + bins.STEP // 2
                start, end = summit - _PEAK // 2 - margin, summit + _PEAK // 2 + margin
                rows[what].append((chrom, start, end, signal[step], summit - start))
    for what, peaks in rows.items():
        lines = [
            f"{chrom}\t{start}\t{end}\t{name}_{number}\t0\t.\t{signal:.4f}\t-1\t-1\t{offset}\n"
            for number, (chrom, start, end, signal, offset) in enumerate(sorted(peaks, key=lambda row: -row[3]), 1)
        ]
        with tables.replacing(folder / f"{name}_{what}.narrowPeak") as temporary:
            temporary.write_text("".join(lines))


def _any(chance: np.ndarray) -> np.ndarray:
    """Probability of each bin that one of its steps is bound."""
    return 1 - np.exp(bins.from_steps(np.log1p(-chance)))
