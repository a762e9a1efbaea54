"""Effects of single bases against plain loops; planted sites are found, on their strand, under their name."""

import io

import numpy as np
import pandas as pd
import pybedtools
import pyBigWig
import pysam
import pytest
import torch

from tfbind import dna, motifs
from tfbind.errors import InputError
from tfbind.interpretation import sites
from tfbind.io import tables
from tfbind.models import networks, predict, score_files

GATA = motifs.of_tf("GATA3")
#: The best site of GATA3's matrix, and a stretch without any.
SITE = "".join("ACGT"[i] for i in GATA.matrices[0].argmax(1))


def neutral(size, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("CG"), size))


def with_sites(size, places, seed=0):
    text = neutral(size, seed)
    for place, strand in places:
        site = SITE if strand == "+" else dna.reverse_complement_text(SITE)
        text = text[:place] + site + text[place + len(site) :]
    return text


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Networks of windows of 60 bp that know the motif of GATA3; one is evaluated, so that its TF is known."""
    folder = tmp_path_factory.mktemp("planted")
    states = {}
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = networks.build("deepbind", {"filters": 2, "width": len(SITE)})
        network.weight.data[0] = torch.from_numpy(np.maximum(GATA.matrices[0].T, -3) / 4)
        network.weight.data[1] *= 0.1
        network.bias.data[:] = torch.tensor([-1.5, 0.0])
        network.head.readout.weight.data = torch.tensor([[2.0, 0.05]])
        states[seed] = network.state_dict()
    networks.save(folder, "deepbind", {"filters": 2, "width": len(SITE)}, states, 60, {"model": "d"})
    rows = {"model": ["d"], "reading": ["scan"], "tf": ["GATA3"], "target": ["A"], "target_assay": ["chipseq"]}
    tables.write_tsv(pd.DataFrame(rows).assign(comparison="same", metric="auroc", value=0.9), folder / "evaluation.tsv")
    return folder


def one_by_one(scorer, text):
    """Every base changed to every other, and the whole sequence read again."""
    found = []
    for place, letter in enumerate(text):
        others = [text[:place] + base + text[place + 1 :] for base in "ACGT" if base != letter]
        stored = scorer.stored
        logits = [
            predict.score(stored.model, dna.encode([t]), scorer.reading, stored.window).mean(0)[0]
            for t in (text, *others)
        ]
        found.append(logits[0] - np.mean(logits[1:]) if letter in "ACGT" else np.nan)
    return found


@pytest.mark.parametrize(("reading", "size"), [("whole", 80), ("scan", 80), ("scan", 40)])
def test_effects_are_those_of_changing_one_base_at_a_time(planted, reading, size):
    text = with_sites(size, [(9, "+"), (22, "-")])
    text = text[:5] + "N" + text[6:30] + "NNN" + text[33:]
    scorer = score_files.Scorer(planted, reading)
    found = sites.effects(scorer, dna.encode([text])[0])
    np.testing.assert_allclose(found, one_by_one(scorer, text), atol=1e-5)
    assert np.isnan(found).sum() == 4


def test_windows_that_are_too_short_to_be_read_are_left_out_of_a_scan(tmp_path):
    torch.manual_seed(0)
    options = {"filters": 3, "width": 4, "units": 3, "embedding": 4}
    networks.save(tmp_path, "bilstm", options, {0: networks.build("bilstm", options).state_dict()}, 16, {})
    scorer, text = score_files.Scorer(tmp_path, "scan"), neutral(12) + "N" * 14 + neutral(30, 1)
    np.testing.assert_allclose(sites.effects(scorer, dna.encode([text])[0]), one_by_one(scorer, text), atol=1e-5)


@pytest.mark.parametrize(
    "places",
    [
        [(20, "+")],
        [(20, "-")],
        [(5, "+"), (42, "+")],  # equal: changing one alone changes nothing
        [(8, "+"), (21, "-")],
        [(0, "+"), (60 - len(SITE), "-")],
        [],
    ],
)
def test_planted_sites_are_found_where_they_are(planted, places):
    text = with_sites(60, places)
    found = sites.find(score_files.Scorer(planted), dna.encode([text])[0])
    assert len(found) == len(places)
    for site, (place, _) in zip(found, sorted(places), strict=True):
        assert place <= site.start < site.end <= place + len(SITE) and site.end - site.start >= 5
        assert site.effect > 1 and site.share.shape == (site.end - site.start, 4)
        np.testing.assert_allclose(site.share.sum(1), 1)


def test_an_effect_is_the_mean_change_of_shuffled_copies(planted):
    """Within the noise of eight copies: each of them alone reads the site as a sequence with nothing else would."""
    (site,) = sites.find(score_files.Scorer(planted), dna.encode([with_sites(60, [(20, "+")])])[0])
    scorer = score_files.Scorer(planted)
    logits = scorer.logits(dna.encode([with_sites(60, [(20, "+")], 5), neutral(60, 5)]))
    assert site.effect == pytest.approx(logits[0] - logits[1], abs=0.25 * abs(logits[0] - logits[1]))


def test_long_sequences_are_read_in_pieces_and_no_site_is_found_twice(planted):
    places = [(place, "+-"[i % 2]) for i, place in enumerate(range(15, 390, 37))]
    found = sites.find(score_files.Scorer(planted), dna.encode([with_sites(400, places)])[0])
    assert len(found) == len(places)
    assert all(
        place <= site.start < site.end <= place + len(SITE) for site, (place, _) in zip(found, places, strict=True)
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory, planted):
    """A genome with sites, and intervals that overlap and are in no order."""
    folder = tmp_path_factory.mktemp("place")
    text = with_sites(700, [(115, "+"), (330, "-"), (350, "+")]).lower()
    text = text[:200] + "NNNN" + text[204:]
    (folder / "g.fa").write_text(f">chr2\n{text}\n>chr1\n{neutral(300, 9)}\n>z\n{'N' * 90}\n")
    pysam.faidx(str(folder / "g.fa"))
    (folder / "r.bed").write_text(
        "chr1\t40\t100\tb\nchr2\t320\t380\ta\nchr2\t180\t260\nchr2\t100\t190\nchr2\t110\t150\n"
    )
    return folder, text


def explained(planted, place, where, bed=True, **options):
    """The files that one call writes, and what it reports."""
    folder, _ = place
    scorer, genome = score_files.Scorer(planted, options.pop("reading", "")), score_files.reference(folder / "g.fa")
    blocks = score_files.bed(str(folder / "r.bed"), genome) if bed else score_files.fasta(str(folder / "g.fa"))
    return sites.explain(scorer, planted, blocks, io.StringIO(), genome if bed else None, **{**where, **options})


def by_base(planted, place):
    """The effects of every interval, one by one, and their mean on each base."""
    folder, _ = place
    genome, found = score_files.reference(folder / "g.fa"), {}
    for line in (folder / "r.bed").read_text().splitlines():
        chrom, start, end = line.split("\t")[:3]
        text = dna.decode(genome.windows([chrom], [int(start)], [int(end)]))[0]
        for i, value in enumerate(one_by_one(score_files.Scorer(planted), text)):
            if value == value:
                found.setdefault((chrom, int(start) + i), []).append(value)
    return {key: np.mean(values) for key, values in found.items()}


def test_effects_along_a_genome_are_read_back_base_by_base(planted, place, tmp_path):
    wanted = by_base(planted, place)
    explained(planted, place, {"attributions": tmp_path / "a.bw", "hits": None})
    explained(planted, place, {"attributions": tmp_path / "a.bedGraph", "hits": None})
    with pyBigWig.open(str(tmp_path / "a.bw")) as file:
        found = {(chrom, start): value for chrom in file.chroms() for start, _, value in file.intervals(chrom) or ()}
        assert file.chroms() == {"chr2": 700, "chr1": 300, "z": 90}
    lines = pybedtools.BedTool(str(tmp_path / "a.bedGraph"))
    drawn = {(line.chrom, base): float(line[3]) for line in lines for base in range(line.start, line.end)}
    assert set(found) == set(drawn) == set(wanted)
    for values in (found, drawn):
        np.testing.assert_allclose([values[key] for key in wanted], list(wanted.values()), atol=1e-5)
    assert sum(line.end - line.start for line in lines) == len(drawn), "no base twice"
    order = [line.split("\t")[0] for line in (tmp_path / "a.bedGraph").read_text().splitlines()]
    assert order == sorted(order, key=["chr2", "chr1"].index), "in the order of the genome"


def test_effects_of_records_are_rows(planted, place, tmp_path):
    done = explained(planted, place, {"attributions": tmp_path / "a.tsv", "hits": None}, bed=False)
    table = pd.read_csv(tmp_path / "a.tsv", sep="\t", keep_default_na=False)
    assert list(table.columns) == list(sites.EFFECT_COLUMNS)
    text = place[1].upper()
    mine = table[table["id"] == "chr2"]
    assert "".join(mine["base"]) == text and list(mine["position"]) == list(range(700))
    assert all((effect == "") == (base == "N") for effect, base in zip(mine["effect"], mine["base"], strict=True))
    assert (done.count, done.unread) == (3, 1) and "z" not in set(table["id"])


def test_instances_have_place_strand_and_name(planted, place, tmp_path):
    done = explained(planted, place, {"attributions": None, "hits": tmp_path / "h.bed"})
    lines = pybedtools.BedTool(str(tmp_path / "h.bed"))
    rows = [(line.chrom, line.start, line.end, line.name, line.strand, line.fields[9]) for line in lines]
    assert done.sites == len(rows) == 4 and done.known == "the JASPAR motifs of the group of GATA3"
    found = {(115, "+", "chr2:100-190"), (115, "+", "chr2:110-150"), (330, "-", "a"), (350, "+", "a")}
    seen = set()
    for chrom, start, end, name, strand, sequence in rows:
        at = max(p for p in (115, 330, 350) if p <= start)
        seen.add((at, strand, sequence))
        assert chrom == "chr2" and end <= at + len(SITE) and name.upper().startswith("GATA")
    assert seen == found
    header, *_ = (tmp_path / "h.bed").read_text().splitlines()
    assert header == "#" + "\t".join(sites.COLUMNS)
    truth = pybedtools.BedTool("chr2\t115\t123\nchr2\t330\t338\nchr2\t350\t358\n", from_string=True)
    assert truth.intersect(lines, u=True).count() == 3
    explained(planted, place, {"attributions": None, "hits": tmp_path / "f.bed"}, bed=False)
    within = [(line.chrom, line.start, line.strand) for line in pybedtools.BedTool(str(tmp_path / "f.bed"))]
    assert [(chrom, strand) for chrom, _, strand in within] == [("chr2", "+"), ("chr2", "-"), ("chr2", "+")]


def test_the_order_of_the_sequences_changes_nothing(planted):
    scorer = score_files.Scorer(planted)
    rows = dna.encode([with_sites(60, [(9, "+")], 1), with_sites(60, [(30, "-")], 2)])
    one = [sites.find(scorer, row) for row in rows]
    other = [sites.find(scorer, row) for row in rows[::-1]][::-1]
    for a, b in zip(one, other, strict=True):
        assert [site[:3] for site in a] == [site[:3] for site in b]


def test_what_cannot_be_written_is_refused(planted, place, tmp_path):
    for name in ("a.wig", "a", "a.bed.gz"):
        with pytest.raises(InputError, match=r"use one of \.tsv, \.bedGraph, \.bw"):
            sites.form(tmp_path / name)
    with pytest.raises(InputError, match=r"FASTA records have no place on a genome; write a \.tsv"):
        explained(planted, place, {"attributions": tmp_path / "a.bw", "hits": None}, bed=False)
    with pytest.raises(InputError, match="--min-effect 0: a site adds more than 0 logits"):
        explained(planted, place, {"attributions": None, "hits": tmp_path / "h.bed"}, least=0)
    assert not list(tmp_path.iterdir())
