"""A track holds, on each base, the logit of the window around it and of no other."""

import functools
import subprocess
import sys

import numpy as np
import pandas as pd
import pybedtools
import pyBigWig
import pysam
import pytest
import torch

from tfbind import dna
from tfbind.errors import InputError, NotEstimable, ResourceError
from tfbind.io import bigwig
from tfbind.models import baseline, genome_track, networks, predict, score_files

KINDS = {
    "deepbind": ("deepbind", {"filters": 4, "width": 8}, 24),
    "dense": ("deepbind", {"filters": 18, "width": 9, "hidden": 5}, 25),
    "wide": ("deepbind", {"filters": 3, "width": 24}, 20),  # detectors wider than a window
    "bilstm": ("bilstm", {"filters": 3, "width": 4, "units": 3, "embedding": 4, "readout": "max"}, 21),
    "composition": ("composition", {}, 30),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model of each kind; the networks have two seeds."""
    root = tmp_path_factory.mktemp("models")
    for name, (kind, options, window) in KINDS.items():
        (root / name).mkdir()
        if kind == "composition":
            rng = np.random.default_rng(0)
            texts = ["".join(row) for row in rng.choice(list("ACGT"), (80, window))]
            rows = pd.DataFrame({"sequence": texts, "draw": 0, "split": ["train", "validation"] * 40})
            halves = (rows.iloc[:40].assign(label=1), rows.iloc[40:].assign(label=0))
            baseline.fit(kind, options, *halves, 0, root / name)
            continue
        states = {}
        for seed in (0, 1):
            torch.manual_seed(seed)
            network = networks.build(kind, options)
            network.head.readout.weight.data = torch.randn_like(network.head.readout.weight)
            states[seed] = network.state_dict()
        curve = {"slope": 0.8, "intercept": -0.3, "n_positive": 9, "n_negative": 9}
        networks.save(root / name, kind, options, states, window, {"model": "d", "calibration": curve})
    return root


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A genome of three chromosomes: soft-masked, IUPAC letters, runs of N; the last shorter than a window."""
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("small") / "g.fa"
    texts = {name: "".join(rng.choice(list("ACGT"), size)) for name, size in (("chr2", 420), ("chr10", 260), ("s", 15))}
    text = texts["chr2"]
    texts["chr2"] = f"NNNN{text[4:100]}{text[100:200].lower()}RYK{text[203:230]}{'N' * 60}{text[290:]}"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    pysam.faidx(str(path))
    return path, texts


@functools.cache
def oracle(folder, text, size):
    """Base -> the mean logit of the window around it, one window at a time; none without a known base in it."""
    stored, shortest = predict.stored(folder), score_files.Scorer(folder).shortest
    found = {}
    for start in range(len(text) - size + 1):
        tokens = dna.encode([text[start : start + size]])
        if predict.span(tokens)[0] >= shortest:
            found[start + size // 2] = predict.score(stored.model, tokens).mean(0)[0]
    return found


def read(path):
    with pyBigWig.open(str(path)) as file:
        rows = {chrom: file.intervals(chrom) or () for chrom in file.chroms()}
    assert all(end == start + 1 for found in rows.values() for start, end, _ in found)
    return {chrom: {start: value for start, _, value in found} for chrom, found in rows.items()}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("step", [1, 7])
def test_every_base_has_the_logit_of_the_window_around_it(models, small, tmp_path, monkeypatch, name, step):
    monkeypatch.setattr(genome_track, "_BLOCK", 50)
    monkeypatch.setattr(genome_track, "_BATCH", 30)
    path, texts = small
    scorer, genome, told = score_files.Scorer(models / name), score_files.reference(path), []
    made = genome_track.write(scorer, genome, tmp_path / "t.bw", None, step, told=lambda *now: told.append(now))
    size, found = KINDS[name][2], read(tmp_path / "t.bw")
    assert list(found) == list(texts)
    for chrom, text in texts.items():
        wanted = {base: value for base, value in oracle(models / name, text, size).items() if base % step == 0}
        assert list(found[chrom]) == sorted(wanted)
        np.testing.assert_allclose(list(found[chrom].values()), list(wanted.values()), atol=1e-5)
    assert made.values == sum(map(len, found.values())) and made.empty == 1
    every = sum(len(range(0, len(text), step)) for text in texts.values())
    assert made.values + made.unknown + made.beyond == every == told[-1][0] == told[-1][1] and made.unknown > 0


def test_a_track_is_the_same_on_both_strands(models, small, tmp_path):
    """Windows of odd length have a middle on either strand."""
    path, texts = small
    (tmp_path / "r.fa").write_text(">chr2\n" + dna.reverse_complement_text(texts["chr2"].replace("RYK", "NNN")) + "\n")
    pysam.faidx(str(tmp_path / "r.fa"))
    scorer = score_files.Scorer(models / "dense")
    for fasta, out in ((path, "a.bw"), (tmp_path / "r.fa", "b.bw")):
        genome_track.write(scorer, score_files.reference(fasta), tmp_path / out)
    one, other = read(tmp_path / "a.bw")["chr2"], read(tmp_path / "b.bw")["chr2"]
    assert {419 - base for base in other} == set(one)
    np.testing.assert_allclose([other[419 - base] for base in one], list(one.values()), atol=1e-5)


def test_regions_are_merged_in_the_genomes_order_and_read_their_surroundings(models, small, tmp_path):
    path, _ = small
    bed = "chr10\t200\t260\nchr2\t350\t370\nchr2\t0\t3\nchr2\t360\t380\nchr2\t380\t390\nchr2\t90\t91\n"
    (tmp_path / "r.bed").write_text(bed)
    scorer, genome = score_files.Scorer(models / "deepbind"), score_files.reference(path)
    regions = genome_track.merged(str(tmp_path / "r.bed"), genome)
    assert {chrom: spans.tolist() for chrom, spans in regions.items()} == {
        "chr2": [[0, 3], [90, 91], [350, 390]], "chr10": [[200, 260]]}  # fmt: skip
    made = genome_track.write(scorer, genome, tmp_path / "t.bw", regions)
    genome_track.write(scorer, genome, tmp_path / "w.bw")
    part, whole = read(tmp_path / "t.bw"), read(tmp_path / "w.bw")
    for chrom in whole:
        inside = {b for low, high in regions.get(chrom, ()) for b in range(low, high)}
        assert part[chrom] == {base: value for base, value in whole[chrom].items() if base in inside}
    assert (made.values, made.beyond, made.empty) == (41 + 60 - 11, 3 + 11, 1)


def test_probabilities_are_those_of_the_calibration(models, small, tmp_path):
    scorer, genome = score_files.Scorer(models / "deepbind"), score_files.reference(small[0])
    for value in genome_track.VALUES:
        genome_track.write(scorer, genome, tmp_path / f"{value}.bw", value=value)
    logits, shares = read(tmp_path / "logit.bw")["chr2"], read(tmp_path / "probability.bw")["chr2"]
    curve = 1 / (1 + np.exp(-(0.8 * np.array(list(logits.values())) - 0.3)))
    np.testing.assert_allclose(list(shares.values()), curve, atol=1e-6)
    with pytest.raises(InputError, match="use one of logit, probability"):
        genome_track.write(scorer, genome, tmp_path / "x.bw", value="odds")
    scorer.curve = None
    with pytest.raises(InputError, match="no calibration; use --value logit"):
        genome_track.write(scorer, genome, tmp_path / "x.bw", value="probability")
    with pytest.raises(InputError, match="--step 0"):
        genome_track.write(scorer, genome, tmp_path / "x.bw", step=0)


def test_a_scan_is_the_highest_value_of_its_track(models, small, tmp_path):
    """The reading `scan` and the track are one model."""
    path, texts = small
    (tmp_path / "r.bed").write_text("chr10\t12\t249\n")
    scorer, genome = score_files.Scorer(models / "deepbind", "scan"), score_files.reference(path)
    genome_track.write(scorer, genome, tmp_path / "t.bw", genome_track.merged(str(tmp_path / "r.bed"), genome))
    one = score_files.Scorer(models / "deepbind", "scan")
    one.stored = one.stored._replace(model=one.stored.model[:1])
    genome_track.write(one, genome, tmp_path / "one.bw")
    logit = one.logits(dna.encode([texts["chr10"]]))[0]
    assert max(read(tmp_path / "one.bw")["chr10"].values()) == pytest.approx(logit, abs=1e-5)


def test_bedtools_reads_it_as_bedgraph(models, small, tmp_path):
    genome_track.write(score_files.Scorer(models / "deepbind"), score_files.reference(small[0]), tmp_path / "t.bw")
    found = read(tmp_path / "t.bw")
    rows = [f"{c}\t{b}\t{b + 1}\t{v}" for c, of in found.items() for b, v in of.items()]
    (tmp_path / "t.bedgraph").write_text("\n".join(rows) + "\n")
    region = pybedtools.BedTool("chr10\t20\t40\n", from_string=True)
    (line,) = region.map(pybedtools.BedTool(str(tmp_path / "t.bedgraph")), c=4, o="max", g=f"{small[0]}.fai")
    assert float(line[3]) == pytest.approx(max(found["chr10"][b] for b in range(20, 40)), rel=1e-6)


def test_nothing_to_write_leaves_no_file_and_the_old_one(models, small, tmp_path):
    (tmp_path / "r.bed").write_text("chr2\t0\t3\ns\t0\t9\n")
    (tmp_path / "t.bw").write_text("old")
    scorer, genome = score_files.Scorer(models / "deepbind"), score_files.reference(small[0])
    with pytest.raises(NotEstimable, match="it would hold no value: no window of 24 bp with known bases lies there"):
        genome_track.write(scorer, genome, tmp_path / "t.bw", genome_track.merged(str(tmp_path / "r.bed"), genome))
    assert (tmp_path / "t.bw").read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_values_that_did_not_reach_the_disk_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(bigwig, "_held", lambda path: 3)
    told = pytest.raises(ResourceError, match="3 of 4 values reached the disk")
    with told, bigwig.writing(tmp_path / "t.bw", {"c": 9}, 4, "") as add:
        add("c", 2, np.arange(4.0))
    assert not list(tmp_path.iterdir())


def test_large_files_have_no_summaries(tmp_path, monkeypatch):
    """pyBigWig would make them in memory; every value can be read all the same."""
    for most, levels in ((5000, 0), (10_000, 1)):
        monkeypatch.setattr(bigwig, "SUMMARISED", most)
        with bigwig.writing(tmp_path / "t.bw", {"c": 9000}, 9000, "") as add:
            add("c", 0, np.arange(9000.0))
        with pyBigWig.open(str(tmp_path / "t.bw")) as file:
            assert (file.header()["nLevels"] > 0) == levels and file.values("c", 4321, 4322) == [4321]


MEMORY = """
import resource, sys
from tfbind.models import genome_track, score_files
folder, short, long, out = sys.argv[1:]
scorer = score_files.Scorer(folder)
peaks = []
for path in (short, long):
    genome_track.write(scorer, score_files.reference(path), out)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(*peaks)
"""


def test_memory_does_not_grow_with_the_genome(models, tmp_path):
    rng = np.random.default_rng(2)
    for name, size in (("short", 200_000), ("long", 2_000_000)):
        text = "".join(np.array(list("ACGT"))[rng.integers(0, 4, size)])
        (tmp_path / name).write_text(f">chr1\n{text}\n")
        pysam.faidx(str(tmp_path / name))
    command = [sys.executable, "-c", MEMORY, models / "deepbind", tmp_path / "short", tmp_path / "long", tmp_path / "o"]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    short, long = map(float, ran.stdout.split())
    assert long - short < 15, "ten times the genome: its file mapped (2 MB), and the index of the bigWig"
