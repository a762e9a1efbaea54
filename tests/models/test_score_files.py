"""`tfbind score`: every row of the input has its row of the output, and each score is the model's."""

import gzip
import io
import itertools
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pysam
import pytest
import torch

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io import sequence_files, tables, textfile
from tfbind.io.genome import Genome
from tfbind.models import networks, predict, score_files, store

CURVE = {"slope": 0.8, "intercept": -0.3, "n_positive": 9, "n_negative": 9}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A network of windows of 24 bp, evaluated on two assays."""
    folder = tmp_path_factory.mktemp("model")
    states = {}
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = networks.build("deepbind", {"filters": 4, "width": 8})
        network.head.readout.weight.data = torch.randn(1, 4)
        states[seed] = network.state_dict()
    extra = {"model": "d", "domain": {"length": [20, 30], "gc": [0.2, 0.8]}, "calibration": CURVE}
    networks.save(folder, "deepbind", {"filters": 4, "width": 8}, states, 24, extra)
    rows = [
        ("d_scan", "scan", "A", "htselex", "same", 0.99),
        ("d", "whole", "A", "htselex", "same", 0.98),
        ("d_scan", "scan", "B", "chipseq", "cross", 0.9),
        ("d_scan", "scan", "C", "chipseq", "cross", 0.8),
        ("d", "whole", "B", "chipseq", "cross", 0.7),
        ("d", "whole", "C", "chipseq", "cross", None),
    ]
    columns = ["model", "reading", "target", "target_assay", "comparison", "value"]
    tables.write_tsv(pd.DataFrame(rows, columns=columns).assign(metric="auroc"), folder / "evaluation.tsv")
    return folder


def random_texts(n, low, high, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), rng.integers(low, high + 1))) for _ in range(n)]


def expected(model, texts, reading="whole"):
    stored = predict.stored(model)
    return [predict.score(stored.model, dna.encode([t]), reading, stored.window).mean(0)[0] for t in texts]


def scored(model, blocks, **options):
    out = io.StringIO()
    score_files.score_sequences(score_files.Scorer(model, **options), blocks, out)
    return pd.read_csv(io.StringIO(out.getvalue()), sep="\t", keep_default_na=False, na_values={"logit": [""]})


@pytest.mark.parametrize("block", [5, 13, 300, 2**20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_are_those_of_the_slow_reader(tmp_path, monkeypatch, block, end):
    monkeypatch.setattr(score_files, "_BLOCK", block)
    texts = random_texts(40, 1, 50)
    lines = [[f">s{i} about > it", t[:9], t[9:] or ";", *[""] * (i % 2)] for i, t in enumerate(texts)]
    body = "; a remark\n" + "\n".join(itertools.chain(*lines))
    body = body.replace("A", "a", 30).replace("T", "U", 9).replace("G", "R", 5).replace("\n", end)
    mark = b"\xef\xbb\xbf" * (end == "\n")
    for name, pack in (("a.fa", bytes), ("a.fa.gz", gzip.compress)):
        (tmp_path / name).write_bytes(pack(mark + body.encode()))
        blocks = score_files.fasta(str(tmp_path / name))
        found = [pair for names, tokens, _ in blocks for pair in zip(names, dna.decode(tokens), strict=True)]
        slow = sequence_files.read_fasta(tmp_path / name)
        # text of a block ends at its last known base
        assert found == [(n, s.rstrip("N")) for n, s in zip(slow["name"], slow["sequence"], strict=True)]


@pytest.mark.parametrize("reading", ["whole", "scan"])
def test_each_row_is_scored_as_if_alone(model, tmp_path, reading):
    texts = random_texts(50, 10, 60)
    texts[7], texts[8] = "NNNN", "GC" * 12
    (tmp_path / "a.fa").write_text("".join(f">s{i}\n{t}\n" for i, t in enumerate(texts)))
    table = scored(model, score_files.fasta(str(tmp_path / "a.fa")), reading=reading)
    assert list(table.columns) == list(score_files.SEQUENCE_COLUMNS)
    assert list(table["id"]) == [f"s{i}" for i in range(50)]
    assert np.isnan(table["logit"][7]) and "unreadable" in table["out_of_domain"][7]
    kept = table.drop(index=7)
    wanted = np.array(expected(model, [texts[i] for i in kept.index], reading))
    np.testing.assert_allclose(kept["logit"], wanted, atol=1e-5)
    curve = 1 / (1 + np.exp(-(0.8 * wanted - 0.3)))
    np.testing.assert_allclose(kept["probability"].astype(float), curve, atol=1e-5)
    for i, t in enumerate(texts):
        share = sum(t.count(base) for base in "GC") / max(len(t), 1)
        flags = ["length"] * (not 20 <= len(t.strip("N")) <= 30) + ["composition"] * (not 0.2 <= share <= 0.8)
        assert table["out_of_domain"][i] == ",".join(flags + ["unreadable"] * (i == 7))


def test_the_stream_is_never_held_whole(model, monkeypatch):
    """An endless file gives its first rows."""

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size):
            self.given += size
            return (b">a\n" + b"ACGT" * 6 + b"\n") * (size // 28)

    stream = Endless()
    monkeypatch.setattr(textfile, "binary", lambda path: stream)
    monkeypatch.setattr(score_files, "_BLOCK", 2800)
    some = list(itertools.islice(score_files.fasta("a.fa"), 20))
    assert stream.given <= 21 * 2800 and sum(len(block.names) for block in some) == 20 * 100 - 1


def test_a_long_sequence_among_short_ones_makes_no_huge_block(tmp_path, monkeypatch):
    monkeypatch.setattr(score_files, "_CELLS", 1000)
    texts = random_texts(60, 5, 10)
    texts[33] = "ACGT" * 100
    (tmp_path / "a.fa").write_text("".join(f">s{i}\n{t}\n" for i, t in enumerate(texts)))
    blocks = list(score_files.fasta(str(tmp_path / "a.fa")))
    assert max(block.tokens.size for block in blocks) <= 1000 and len(blocks) > 4
    assert [t for block in blocks for t in dna.decode(block.tokens)] == texts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "0 FASTA records"),
        ("ACGT\n", "'ACGT' stands before the first '>'"),
        (">a\n>b\nACGT\n", r"record 1 \(a\): no sequence"),
        (">a\nACGT\n>\nACGT\n", r"record 2 \(\): no name"),
        (">a\nAC-T\n", r"record 1 \(a\): '-' is not a letter of DNA"),
        (">a\n" + "ACGT" * 30_000, "is 120000 bp long, more than 100000; cut it into windows"),
        ("<html>", "not a data file"),
    ],
)
def test_a_broken_fasta_is_refused(tmp_path, content, message):
    (tmp_path / "a.fa").write_text(content)
    with pytest.raises(InputError, match=message):
        list(score_files.fasta(str(tmp_path / "a.fa")))


def test_a_truncated_gzip_is_refused(tmp_path):
    packed = gzip.compress("".join(f">s{i}\n{t}\n" for i, t in enumerate(random_texts(999, 50, 60))).encode())
    (tmp_path / "a.fa.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match="ends early or is damaged"):
        list(score_files.fasta(str(tmp_path / "a.fa.gz")))


def test_intervals_are_cut_from_the_genome(model, tmp_path, genome, chromosomes, monkeypatch):
    monkeypatch.setattr(score_files, "_ROWS", 3)
    places = [("chr2", 100, 124), ("chr1", 10, 60), ("chr1", 0, 20), ("chr4", 29_970, 30_000), ("chr1", 4_990, 5_010)]
    lines = ["track x", "# y", *("\t".join(map(str, p)) for p in places), "chr3\t50\t80\tpeak 7\t0\t-"]
    (tmp_path / "a.bed").write_text("\n".join(lines) + "\n")
    table = scored(model, score_files.bed(str(tmp_path / "a.bed"), genome), reading="scan")
    assert list(table["id"]) == [f"{c}:{s}-{e}" for c, s, e in places] + ["peak 7"]
    texts = [chromosomes[c][s:e] for c, s, e in [*places, ("chr3", 50, 80)]]
    np.testing.assert_allclose(table["logit"], expected(model, texts, "scan"), atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("chr1\t5\t2\nchr9\t1\t5\n", r"(?s)a.bed:1: start 5 is not below end 2.*a.bed:2: chr9:1-5 does not lie inside"),
        ("chr4\t29990\t30001\n", "does not lie inside"),
        ("# nothing\n", "0 intervals"),
        ("chr1 5 9\n", "separate the columns by tabs"),
    ],
)
def test_a_broken_bed_is_refused(tmp_path, genome, content, message):
    (tmp_path / "a.bed").write_text(content)
    with pytest.raises(InputError, match=message):
        list(score_files.bed(str(tmp_path / "a.bed"), genome))


def vcf(path, rows):
    header = (
        "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    path.write_text(header + "".join("\t".join(map(str, row)) + "\t.\t.\t.\n" for row in rows))
    return str(path)


def scored_variants(model, path, genome, **options):
    out = io.StringIO()
    counts = score_files.score_variants(score_files.Scorer(model, **options), path, genome, out)
    return counts, pd.read_csv(io.StringIO(out.getvalue()), sep="\t", keep_default_na=False)


def around(text, start, ref, allele, size=24):
    """The window by plain text: the middle of the allele is base `size // 2`."""
    whole = "N" * 99 + text[:start] + allele + text[start + len(ref) :] + "N" * 99
    first = 99 + start + len(allele) // 2 - size // 2
    return whole[first : first + size]


def best_around(stored, text, start, ref, allele, size=24):
    """The best of all windows of the allele with one window to both sides, cut out of plain text one by one."""
    whole = text[max(0, start - size) : start] + allele + text[start + len(ref) : start + len(ref) + size]
    tokens = dna.encode([whole[i : i + size] for i in range(len(whole) - size + 1)])
    return predict.score(stored.model, tokens, "whole", size).max(1).mean()


def test_variants_are_read_at_one_locus_with_either_allele(model, tmp_path, genome, chromosomes, monkeypatch):
    monkeypatch.setattr(score_files, "_ROWS", 4)
    text = {name: sequence.upper() for name, sequence in chromosomes.items()}
    rows, cases = [], []
    places = [
        ("chr1", 100, 1, ["{}"]),
        ("chr2", 2000, 1, ["{}", "{}"]),
        ("chr1", 300, 4, ["G"]),
        ("chr2", 700, 1, ["{}TTACG"]),
    ]
    places += [("chr1", 3, 1, ["{}"]), ("chr2", 49_998, 2, ["{}"]), ("chr1", 900, 30, ["ACGT" * 12])]
    places += [("chr1", 1200, 2, ["{}A"]), ("chr1", 1500, 30, ["ACGTA" * 6]), ("chr1", 2, 9, ["A"])]
    for i, (chrom, start, size, alts) in enumerate(places):
        ref = text[chrom][start : start + size]
        others = [base for base in "ACGT" if base != ref[0]]
        alts = [alt.format(other) for alt, other in zip(alts, others, strict=False)]
        rows.append((chrom, start + 1, f"rs{i}" if i else ".", ref, ",".join(alts)))
        cases.append((chrom, start, ref, alts))
    (_, flagged, wrong), table = scored_variants(model, vcf(tmp_path / "a.vcf", rows), genome)
    assert list(table.columns) == list(score_files.VARIANT_COLUMNS) and len(table) == len(rows) and wrong == 0
    assert table["id"][0] == f"chr1:101:{rows[0][3]}>{rows[0][4]}" and table["id"][1] == "rs1"
    for row, (chrom, start, ref, alts) in zip(table.itertuples(), cases, strict=True):
        if {len(allele) for allele in alts} == {len(ref)} and len(ref) <= 12:
            reference, *others = expected(model, [around(text[chrom], start, ref, a) for a in (ref, *alts)])
        else:
            stored = predict.stored(model)
            made = [best_around(stored, text[chrom], start, ref, allele) for allele in (ref, *alts)]
            reference, *others = made
        assert float(row.logit_reference) == pytest.approx(reference, abs=1e-4)
        assert list(map(float, str(row.logit_alternative).split(","))) == pytest.approx(others, abs=1e-4)
        differences = [other - reference for other in others]
        assert list(map(float, str(row.difference).split(","))) == pytest.approx(differences, abs=1e-4)
        assert 0 < float(row.probability_reference) < 1 and row.note == ""
    assert flagged == sum(table["out_of_domain"] != "") > 0  # next to the chromosome's ends


SITE = "CACGTGACCA"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A network of windows of 50 bp that knows one site and a half of it, and a genome with one site in neutral DNA."""
    folder = tmp_path_factory.mktemp("planted")
    network = networks.build("deepbind", {"filters": 2, "width": 10})
    for i, (site, gain) in enumerate(((SITE, 1.0), (SITE[:6] + "NNNN", 0.5))):
        weight = torch.full((4, 10), -1.0) if site == SITE else torch.zeros(4, 10)
        for at, letter in enumerate(site):
            if letter != "N":
                weight[dna.ALPHABET.index(letter), at] = 1.0
        network.weight.data[i] = gain * weight
    network.bias.data[:] = torch.tensor([-6.0, -3.0])
    network.head.readout.weight.data = torch.ones(1, 2)
    networks.save(folder, "deepbind", {"filters": 2, "width": 10}, {0: network.state_dict()}, 50, {})
    neutral = "".join(np.random.default_rng(3).choice(list("AT"), 4000))
    (folder / "g.fa").write_text(f">chr1\n{neutral[:2000]}{SITE}{neutral[2010:]}\n")
    pysam.faidx(str(folder / "g.fa"))
    return folder, f"{neutral[:2000]}{SITE}{neutral[2010:]}"


def differences(planted, tmp_path, rows):
    folder, _ = planted
    table = scored_variants(folder, vcf(tmp_path / "v.vcf", rows), score_files.reference(folder / "g.fa"))[1]
    assert (table["note"] == "").all()
    return table["difference"].astype(float).to_numpy()


@pytest.mark.parametrize("gap", [0, 1, 20, 39, 45, 49, 60, 200])
def test_a_site_beside_a_variant_cancels_whatever_its_length_and_distance(planted, tmp_path, gap):
    """Deletions and insertions to the right and to the left of a site that no allele touches."""
    text, rows = planted[1], []
    for size in (1, 2, 7, 30, 50, 51, 60, 100, 300, 1000):
        for at in (2010 + gap, 2000 - gap - size - 1):  # the base that is kept, before what goes
            rows.append(("chr1", at + 1, ".", text[at : at + size + 1], text[at]))
            rows.append(("chr1", at + 1, ".", text[at], text[at] + "AT" * size))
            rows.append(("chr1", at + 1, ".", text[at : at + size + 1], "A" * (size + 1)))
    np.testing.assert_allclose(differences(planted, tmp_path, rows), 0, atol=1e-5)


@pytest.mark.parametrize("size", [0, 30, 60, 300])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_site_that_an_allele_creates_or_destroys_counts_wherever_it_lies_in_it(planted, tmp_path, size, place):
    text, before = planted[1], int(place * size)
    long = "A" * before + SITE + "A" * (size - before)
    first = 2000 - before
    rows = [
        ("chr1", 3001, ".", text[3000], text[3000] + long),  # created
        ("chr1", 3001, ".", text[3000 : 3000 + len(long)], long),
        ("chr1", first, ".", text[first - 1 : first + len(long)], text[first - 1]),  # destroyed
        ("chr1", 2006, ".", text[2005 : 2005 + size + 2], text[2005]),  # half of it
    ]
    created, replaced, destroyed, cut = differences(planted, tmp_path, rows)
    assert created == pytest.approx(replaced, abs=1e-5) and created > 3
    assert destroyed == pytest.approx(-created, abs=1e-5) and cut < -1


def test_windows_beyond_either_end_of_a_chromosome_are_marked(model, tmp_path, genome, chromosomes):
    text = chromosomes["chr4"].upper()
    last = len(text)
    rows = [("chr4", at, ".", text[at - 1], "C" if text[at - 1] != "C" else "A") for at in (4, 500, last - 3)]
    table = scored_variants(model, vcf(tmp_path / "a.vcf", rows), genome)[1]
    assert ["length" in flags for flags in table["out_of_domain"]] == [True, False, True]


def test_alleles_without_sequence_and_wrong_references_are_noted(model, tmp_path, genome, chromosomes):
    text = chromosomes["chr1"].upper()
    other = "A" if text[50] != "A" else "C"
    rows = [("chr1", 50 + i, ".", text[49 + i], "A") for i in range(20)]
    rows[1] = ("chr1", 51, ".", other, text[50])
    rows[2] = ("chr1", 52, ".", text[51], "<DEL>,T")
    rows[3] = ("chr1", 53, ".", text[52], ".")
    rows[4] = ("chr1", 0, ".", "N", "A")
    rows[5] = ("chr1", 55, ".", text[54], "R")
    rows[6] = ("chr1", 56, ".", text[55], "*,A")
    rows[7] = ("chr1", 57, ".", text[56], text[56] * (score_files.LONGEST + 1))
    rows[8] = ("chrZ", 57, ".", "A", "C")
    (count, _, wrong), table = scored_variants(model, vcf(tmp_path / "a.vcf", rows), genome)
    assert (count, wrong) == (20, 2)
    assert table["note"][1] == f"REF is {other}, the genome has {text[50]}" and table["logit_alternative"][1] != ""
    assert table["note"][2] == "<DEL> is not a sequence" and table["logit_alternative"][2].startswith(",")
    assert (table["alt"][3], table["logit_alternative"][3], table["note"][3]) == (".", "", "")
    assert table["note"][4] == "POS 0 lies before the first base: no score" and table["logit_reference"][4] == ""
    assert table["note"][5] == "R: R is not a single base and read as unknown" and table["difference"][5] != ""
    assert table["note"][6] == "* is not a sequence: a deletion that another record describes"
    assert table["difference"][6].startswith(",") and table["difference"][6] != ","
    assert "bp long, more than 100000: no score" in table["note"][7] and table["difference"][7] == ""
    assert table["note"][8] == "not on the genome: it has no chrZ"


def test_a_vcf_of_another_build_is_refused_before_a_row_is_written(model, tmp_path, genome):
    rows = [("chr1", 50 + i, ".", "ACGT"[i % 4], "A") for i in range(40)]
    out = io.StringIO()
    with pytest.raises(InputError, match=r"of the first 40 reference alleles are not those of .*another genome build"):
        score_files.score_variants(score_files.Scorer(model), vcf(tmp_path / "a.vcf", rows), genome, out)
    assert out.getvalue() == ""
    rows = [("1", 50 + i, ".", "A", "C") for i in range(4)]
    with pytest.raises(InputError, match="4 of the first 4 reference"):
        score_files.score_variants(score_files.Scorer(model), vcf(tmp_path / "a.vcf", rows), genome, out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("chr1\t5\t9\n", "cannot be read as VCF after record 0"),
        ("chr1\t5\t.\tA\tC\t.\t.\t.\n", "it has no header: put ##fileformat=VCFv4.2 and, separated by tabs, #CHROM"),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n", "0 variants"),
        ("<html>", "not a data file"),
    ],
)
def test_a_broken_vcf_is_refused(model, tmp_path, genome, content, message):
    (tmp_path / "a.vcf").write_text(content)
    with pytest.raises(InputError, match=message):
        score_files.score_variants(score_files.Scorer(model), str(tmp_path / "a.vcf"), genome, io.StringIO())


def test_a_vcf_that_gzip_packed_names_what_to_do(model, tmp_path, genome):
    """htslib cannot seek in it, unlike in one that bgzip packed."""
    plain = vcf(tmp_path / "a.vcf", [("chr1", 11, ".", "A", "N")])
    with open(plain, "rb") as file:
        (tmp_path / "a.vcf.gz").write_bytes(gzip.compress(file.read()))
    with pytest.raises(InputError, match=r"packed with gzip.*; zcat .*a\.vcf\.gz \| tfbind score"):
        score_files.score_variants(score_files.Scorer(model), str(tmp_path / "a.vcf.gz"), genome, io.StringIO())


@pytest.mark.parametrize(
    ("options", "value", "words", "flag"),
    [
        ({}, "", "say with --assay what the sequences are from (evaluated on chipseq, htselex)", ""),
        ({"assay": "htselex"}, "0.980", "0.980, as on its own held-out rows", ""),
        ({"assay": "chipseq"}, "0.700", "as on other experiments", "assay"),
        ({"assay": "chipseq", "reading": "scan"}, "0.850", "(B, C; reading scan, between 0.800 and 0.900)", "assay"),
        ({"assay": "atac"}, "", "was not evaluated on atac with reading whole", "assay"),
    ],
)
def test_the_auroc_to_expect_is_that_of_the_use(model, tmp_path, options, value, words, flag):
    scorer = score_files.Scorer(model, **options)
    assert scorer.expected == value and words in scorer.about
    (tmp_path / "a.fa").write_text(">a\nACGTACGTACGTACGTACGTACGT\n")
    table = scored(model, score_files.fasta(str(tmp_path / "a.fa")), **options)
    assert str(table["expected_auroc"][0]).ljust(len(value), "0") == value and table["out_of_domain"][0] == flag


def test_a_folder_without_evaluation_or_calibration_says_so(model, tmp_path):
    about = json.loads((model / "model.json").read_text())
    about["extra"] = {}
    (tmp_path / "model.json").write_text(json.dumps(about))
    (tmp_path / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    scorer = score_files.Scorer(tmp_path, assay="chipseq")
    assert scorer.expected == "" and "holds no evaluation.tsv" in scorer.about and scorer.reading == "scan"
    (tmp_path / "a.fa").write_text(">a\nACGTACGTACGTACGTACGTACGT\n")
    row = scored(tmp_path, score_files.fasta(str(tmp_path / "a.fa"))).iloc[0]
    assert row["probability"] == "" and row["out_of_domain"] == "" and np.isfinite(row["logit"])
    store.write_no_model(tmp_path, "deepbind", "too few reads")
    with pytest.raises(NotEstimable, match="too few reads"):
        score_files.Scorer(tmp_path)


def tfbind(*arguments, **options):
    options = {"capture_output": True} | options
    return subprocess.run([sys.executable, "-m", "tfbind.cli", *map(str, arguments)], **options)


def test_the_command_reads_standard_input_and_files_alike(model, tmp_path, fasta):
    body = "".join(f">s{i}\n{t}\n" for i, t in enumerate(random_texts(9, 20, 30))).encode()
    (tmp_path / "a.fa").write_bytes(body)
    by_file = tfbind("score", model, "--fasta", tmp_path / "a.fa", "--assay", "htselex")
    assert by_file.returncode == 0 and b"9 rows, 0 outside the training domain" in by_file.stderr
    for given in (body, gzip.compress(body)):
        piped = tfbind("score", model, "--fasta", "-", "--assay", "htselex", "--out", tmp_path / "o.tsv", input=given)
        assert piped.returncode == 0 and (tmp_path / "o.tsv").read_bytes() == by_file.stdout
    bed = tfbind("score", model, "--bed", "-", "--genome", fasta, input=b"chr1\t10\t34\n")
    assert bed.stdout.splitlines()[1].startswith(b"chr1:10-34\t")
    given = vcf(tmp_path / "a.vcf", [("chr1", 11, ".", base_of(fasta, 10), "N")])
    with open(given, "rb") as file:
        variants = tfbind("score", model, "--vcf", "-", "--genome", fasta, stdin=file)
    assert variants.returncode == 0 and len(variants.stdout.splitlines()) == 2


def base_of(fasta, at):
    return dna.decode(Genome(fasta).windows(["chr1"], [at], [at + 1]))[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fasta", "a.fa", "--vcf", "b"], b"name one file to score"),
        ([], b"name one file to score"),
        (["--bed", "a.fa"], b"need --genome FASTA"),
        (["--bed", "a.fa", "--genome", "a.fa"], b"samtools faidx a.fa"),
        (["--fasta", "none.fa"], b"No such file"),
        (["--fasta", "a.fa", "--reading", "half"], b"use one of whole, scan, occupancy, embed"),
    ],
)
def test_a_wrong_call_is_refused_and_leaves_no_file(model, tmp_path, arguments, message):
    (tmp_path / "a.fa").write_text(">a\nACGT\n>b\nAC*T\n")
    run = tfbind("score", model, *arguments, "--out", "o.tsv", cwd=tmp_path)
    assert run.returncode == 2 and message in run.stderr and b"Traceback" not in run.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.fa"]


def test_a_fault_in_the_middle_leaves_no_file(model, tmp_path):
    (tmp_path / "a.fa").write_text(">a\nACGT\n" * 70_000 + ">b\nAC*T\n")
    run = tfbind("score", model, "--fasta", "a.fa", "--out", "o.tsv", cwd=tmp_path)
    assert run.returncode == 2 and b"record 70001 (b): '*'" in run.stderr and not (tmp_path / "o.tsv").exists()
    run = tfbind("score", tmp_path / "a.fa", "--fasta", "a.fa", cwd=tmp_path)
    assert run.returncode == 2 and b"give the folder of a trained model" in run.stderr
