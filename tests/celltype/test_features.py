import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tfbind import dna, motifs
from tfbind.celltype import bins, cells, features, tracks
from tfbind.errors import NotEstimable
from tfbind.io.genome import Genome, index

CHROM = "chr3"


class Runs:
    """A track of random runs, as a source of `tracks.Track`."""

    def __init__(self, lengths):
        rng = np.random.default_rng(3)
        self.made = {}
        for chrom, length in lengths.items():
            ends = np.unique(np.append(rng.integers(1, length, length // 30), length))
            self.made[chrom] = ends, rng.gamma(1, 2, len(ends)).astype(np.float32)

    def runs(self, chrom, length):
        return self.made[chrom]


@pytest.fixture(scope="module")
def genes(chromosomes):
    rng = np.random.default_rng(4)
    tss = np.sort(rng.integers(0, len(chromosomes[CHROM]), 6))
    return pd.DataFrame({"chrom": CHROM, "tss": tss, "tpm": rng.gamma(1, 30, 6)})


@pytest.fixture
def cell(genome, genes):
    peaks = pd.DataFrame({"chrom": [CHROM, "chr1"], "start": [700, 0], "end": [1_010, 60_000]})
    return cells.Cell(tracks.Track(genome.lengths, (Runs(genome.lengths),)), peaks, genes)


@pytest.fixture
def recipe():
    two = motifs.jaspar().take([motifs.jaspar().names.index(name) for name in ("USF1", "CTCF")])
    return features.Recipe(
        two, peaks=True, expression=True, offsets=(-13, -1, 2, 40), networks={"net": lambda tokens: tokens.sum(1)}
    )


def of_motif(text, matrix, start, end):
    """Bits of the better strand, and of both, of all sites whose centre lies in [start, end)."""
    width = len(matrix)
    better, both = [], []
    for centre in range(start, end):
        first = centre - width // 2
        strands = [0.0, 0.0]
        for i in range(width):
            place = first + i
            base = "ACGT".find(text[place]) if 0 <= place < len(text) else -1
            strands[0] += matrix[i].mean() if base < 0 else matrix[i, base]
            strands[1] += matrix[width - 1 - i].mean() if base < 0 else matrix[width - 1 - i, 3 - base]
        better.append(max(strands))
        both += strands
    return np.array(better), np.array(both)


def slow(name, number, text, bases, recipe, genes, peaks):
    """One feature of one bin, from its description."""
    start, end = 50 * number, 50 * number + 200
    if found := re.fullmatch(r"motif(\d?)_(flank_)?(\w+?)(\d*)", name):
        matrix = recipe.motifs.matrices[int(found[1] or 1) - 1].astype(float)
        flank = 400 if found[2] else 0
        better, both = of_motif(text, matrix, start - flank, end + flank)
        return {
            "max": lambda: better.max(),
            "mean": lambda: better.mean(),
            "lse": lambda: np.log2(np.exp2(both).mean()),
            "q": lambda: np.sort(better)[::-1][int((100 - int(found[4])) * 199 // 100)],
        }[found[3]]()
    window = text[start:end]
    if name == "gc":
        return sum(map(window.count, "GC")) / max(200 - window.count("N"), 1)
    if name == "cpg":
        return text[start : end + 1].count("CG") / max(200 - window.count("N"), 1)
    if name == "network_net":
        return dna.encode([window]).sum()
    line = bases[start:end]
    if name in ("accessibility_mean", "accessibility_max", "accessibility_min", "accessibility_median"):
        return np.log1p(getattr(np, name.split("_")[1])(line))
    if found := re.fullmatch(r"accessibility_(before|after)_(max|min)", name):
        side = bases[max(start - 1000, 0) : start] if found[1] == "before" else bases[end : end + 1000]
        first_or_last = (
            bases[:50] if found[1] == "before" else bases[len(bases) // 50 * 50 - 50 : len(bases) // 50 * 50]
        )
        side = side[: len(side) // 50 * 50] if found[1] == "after" else side
        side = np.concatenate([side, first_or_last]) if len(side) < 1000 else side
        return np.log1p(getattr(np, found[2])(side))
    if found := re.fullmatch(r"accessibility_mean_([+-]\d+)", name):
        other = np.clip(number + int(found[1]) // 50, 0, bins.count(len(text)) - 1)
        return np.log1p(bases[50 * other : 50 * other + 200].mean())
    if name == "accessibility_in_peak":
        return any(start < e and s < end for s, e in zip(peaks["start"], peaks["end"], strict=True))
    distance = np.abs(genes["tss"] - (start + 100))
    near = genes.loc[distance <= 10_000, "tpm"]
    return {
        "tss_distance": np.log2(1 + distance.min()),
        "expression_nearest": np.log1p(genes["tpm"][distance.idxmin()]),
        "expression_max": np.log1p(near.max()) if len(near) else 0,
    }[name]


def test_every_feature_is_what_its_description_says(recipe, genome, chromosomes, cell, monkeypatch):
    text = chromosomes[CHROM].upper()
    total = bins.count(len(text))
    ends, values = cell.track.runs(CHROM)
    bases = np.repeat(values, np.diff(ends, prepend=0)).astype(float)
    index = np.array([total - 1, 0, 1, 3, 255, 256, 257, 12, 99, 100, 105, 106, 400, 300, total - 3])
    monkeypatch.setattr(features, "_BLOCK", 256)
    found = features.matrix(recipe, genome, CHROM, index, cell)
    names = features.names(recipe)
    assert found.dtype == np.float32 and found.shape == (len(index), len(names)) and len(set(names)) == len(names)
    peaks = cell.peaks[cell.peaks["chrom"] == CHROM]
    for column, name in enumerate(names):
        expected = [slow(name, number, text, bases, recipe, cell.genes, peaks) for number in index]
        np.testing.assert_allclose(found[:, column], expected, atol=2e-3, err_msg=name)
    known = found[:, names.index("gc")]
    assert (known == 0).any()  # the run of N was among them


def test_bins_do_not_depend_on_each_other(recipe, genome, cell, rng, monkeypatch):
    total = bins.count(genome.lengths[CHROM])
    whole = features.matrix(recipe, genome, CHROM, np.arange(total), cell)
    some = rng.permutation(total)[:50]
    monkeypatch.setattr(features, "_BLOCK", 77)
    np.testing.assert_allclose(features.matrix(recipe, genome, CHROM, some, cell), whole[some], atol=1e-5)
    assert features.matrix(recipe, genome, CHROM, np.empty(0, int), cell).shape == (0, whole.shape[1])
    with pytest.raises(ValueError, match=f"bins 0 to {total - 1}"):
        features.matrix(recipe, genome, CHROM, np.array([total]), cell)


def test_a_chromosome_without_genes_is_far_from_all(recipe, genome, cell):
    found = features.matrix(recipe, genome, "chr1", np.arange(5), cell)
    names = features.names(recipe)
    assert (found[:, names.index("tss_distance")] > 20).all() and (found[:, names.index("expression_max")] == 0).all()


def test_a_gene_of_unknown_expression_is_no_gene_of_level_0(recipe, genome, cell):
    names, index = features.names(recipe), np.arange(bins.count(genome.lengths[CHROM]))
    genes = cell.genes.assign(tpm=cell.genes["tpm"].where(np.arange(len(cell.genes)) % 2 == 0))
    found = features.matrix(recipe, genome, CHROM, index, replace(cell, genes=genes))
    fewer = features.matrix(recipe, genome, CHROM, index, replace(cell, genes=genes[genes["tpm"].notna()]))
    whole = features.matrix(recipe, genome, CHROM, index, cell)
    for name, wanted in {"tss_distance": whole, "expression_nearest": fewer, "expression_max": fewer}.items():
        np.testing.assert_array_equal(found[:, names.index(name)], wanted[:, names.index(name)])
    unknown = features.unmeasured(recipe, replace(cell, genes=genes.assign(tpm=np.nan)), CHROM)
    assert unknown == dict.fromkeys(["expression_nearest", "expression_max"], "genes of known expression")
    assert features.unmeasured(recipe, cell, CHROM) == {}
    nothing = features.unmeasured(recipe, replace(cell, genes=cell.genes[:0], peaks=cell.peaks[:0]), CHROM)
    assert set(nothing) == {"accessibility_in_peak", "tss_distance", "expression_nearest", "expression_max"}


def test_features_can_be_left_out(genome, cell):
    none = motifs.jaspar().take([])
    bare = features.Recipe(none, accessibility=False)
    assert features.names(bare) == ["gc", "cpg"]
    assert features.matrix(bare, genome, CHROM, np.arange(9)).shape == (9, 2)
    only = features.Recipe(none, composition=False, offsets=())
    assert all(name.startswith("accessibility_") for name in features.names(only))


def test_every_feature_is_described(recipe):
    names = features.names(recipe)
    families = {"motif_q": 5, "motif2_": 10, "network_": 1, "accessibility_mean_": 4}
    for described in features.DESCRIPTIONS:
        if described.endswith("_") or described == "motif_q":
            assert sum(name.startswith(described) for name in names) == families.pop(described)
        else:
            assert described in names
    assert not families
    for name in names:
        assert any(name == one or (one[-1] in "_q" and name.startswith(one)) for one in features.DESCRIPTIONS), name


def test_the_motif_of_a_tf_is_learnt_from_its_peaks(tmp_path):
    rng = np.random.default_rng(5)
    matrix = motifs.of_tf("USF1").matrices[0]
    text = {chrom: rng.integers(0, 4, 200_000, dtype=np.uint8) for chrom in ("chr1", "chr2")}
    summits = np.arange(2_000, 198_000, 2_500)
    for chrom in text:
        for summit in summits if chrom == "chr1" else []:
            text[chrom][summit : summit + len(matrix)] = matrix.argmax(1)
    letters = {chrom: dna.decode(tokens[None])[0] for chrom, tokens in text.items()}
    (tmp_path / "raw.fa").write_text("".join(f">{chrom}\n{line}\n" for chrom, line in letters.items()))
    index(tmp_path / "raw.fa", tmp_path / "g.fa")
    genome = Genome(tmp_path / "g.fa")
    peaks = pd.concat(
        pd.DataFrame({"chrom": chrom, "start": summits - 100, "end": summits + 100, "summit": summits, "score": height})
        for chrom, height in (("chr1", 5.0), ("chr2", 50.0))
    )
    found = features.learnt(genome, peaks, motifs.jaspar(), ["chr1"], count=5)
    assert "USF1" in found.names and len(found) == 5
    # the stronger peaks of a chromosome that is held out would have hidden it
    assert "USF1" not in features.learnt(genome, peaks, motifs.jaspar(), ["chr2"], count=5).names
    with pytest.raises(NotEstimable, match="20 are needed"):
        features.learnt(genome, peaks.head(10), motifs.jaspar(), ["chr1"])
