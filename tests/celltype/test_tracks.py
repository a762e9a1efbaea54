import gzip
import struct
import zlib

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest

from tfbind.celltype import cells, tracks
from tfbind.celltype.genes import expression, read_genes
from tfbind.errors import InputError
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally


def bases(track, chrom):
    ends, values = track.runs(chrom)
    assert ends[-1] == track.lengths[chrom] and (np.diff(ends, prepend=0) > 0).all() and values.dtype == np.float32
    return np.repeat(values, np.diff(ends, prepend=0))


@pytest.fixture
def fragments(genome, rng):
    """Fragments by chromosome, (N, 2)."""
    found = {}
    for chrom in ("chr1", "chr2", "chr4"):
        start = np.sort(rng.integers(0, genome.lengths[chrom] - 400, 800))
        found[chrom] = np.stack([start, start + rng.integers(1, 400, 800)], 1)
    found["chr4"][-1, 1] = genome.lengths["chr4"]
    return found


def write_fragments(path, fragments, more="", head=""):
    lines = [f"{chrom}\t{s}\t{e}{more}\n" for chrom, rows in fragments.items() for s, e in rows.tolist()]
    path.write_bytes(
        gzip.compress((head + "".join(lines)).encode()) if path.suffix == ".gz" else (head + "".join(lines)).encode()
    )
    return path


def write_bam(path, fragments, lengths, flags=()):
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": c, "LN": n} for c, n in lengths.items()]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for chrom, rows in fragments.items():
            for start, end in rows.tolist():
                size = min(end - start, 36)
                for flag, at in ((0, start), (16, end - size), *((extra, start) for extra in flags)):
                    read = pysam.AlignedSegment(out.header)
                    read.query_name, read.flag, read.reference_id = "r", flag, list(lengths).index(chrom)
                    read.reference_start, read.cigartuples = at, [(0, size)]
                    out.write(read)
    return path


def write_bigwig(path, values, lengths):
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader(list(lengths.items()))
        for chrom, line in values.items():
            start = np.flatnonzero(np.diff(line, prepend=np.nan) != 0)
            end = np.append(start[1:], len(line))
            there = ~np.isnan(line[start])
            out.addEntries(
                [chrom] * there.sum(), start[there], ends=end[there], values=line[start][there].astype(float)
            )
    return path


def data_block(path):
    """Place and size of the one block of data of a small bigWig, as its index says (Kent et al. 2010, table S9 on)."""
    whole = path.read_bytes()
    (index,) = struct.unpack_from("<Q", whole, 24)
    assert struct.unpack_from("<BBH", whole, index + 48) == (1, 0, 1)  # a leaf with one item
    return struct.unpack_from("<QQ", whole, index + 48 + 4 + 16)


def smoothed(fragments, lengths):
    """Slowly: cuts within 75 bp of each base over what is expected."""
    cuts = {chrom: np.zeros(length) for chrom, length in lengths.items()}
    for chrom, rows in fragments.items():
        for start, end in rows.tolist():
            cuts[chrom][start] += 1
            cuts[chrom][end - 1] += 1
    mean = sum(line.sum() for line in cuts.values()) / sum(lengths.values())
    return {chrom: np.convolve(line, np.ones(151), "same") / 151 / mean for chrom, line in cuts.items()}


def test_fragments_bam_and_bigwig_give_one_track(fragments, genome, tmp_path):
    expected = smoothed(fragments, genome.lengths)
    tally = Tally()
    files = {
        "fragments": write_fragments(tmp_path / "f.tsv.gz", fragments, "\tACGT-1\t2", "# id=a\n# b\n"),
        "bam": write_bam(tmp_path / "f.bam", fragments, genome.lengths),
        "bigwig": write_bigwig(tmp_path / "f.bw", expected, genome.lengths),
    }
    for kind, path in files.items():
        track = tracks.track([(path, kind)], genome, tally)
        for chrom, line in expected.items():
            np.testing.assert_allclose(bases(track, chrom), line, rtol=1e-5, atol=1e-6, err_msg=f"{kind} {chrom}")
    assert {"fragments", "aligned reads", "chromosomes of a bigWig"} <= {reason for _, reason, _ in tally.rows}
    assert [count for event, reason, count in tally.rows if reason == "cuts"] == [4800, 4800]


def test_a_read_of_the_reverse_strand_without_a_cigar_is_dropped_and_counted(fragments, genome, tmp_path):
    path, tally = write_bam(tmp_path / "f.bam", fragments, genome.lengths), Tally()
    with pysam.AlignmentFile(str(path)) as given, pysam.AlignmentFile(str(tmp_path / "g.bam"), "wb", given) as out:
        for number, read in enumerate(given):
            if number < 10:  # five of either strand
                read.cigartuples = None
            out.write(read)
    tracks.track([(tmp_path / "g.bam", "bam")], genome, tally)
    assert ("dropped", "on the reverse strand without a CIGAR: its 5' end is not known", 5) in map(tuple, tally.rows)
    assert [count for event, reason, count in tally.rows if reason == "cuts"] == [4795]


def test_cuts_of_replicates_are_added_and_bigwigs_averaged(fragments, genome, tmp_path):
    half = {chrom: rows[::2] for chrom, rows in fragments.items()}
    rest = {chrom: rows[1::2] for chrom, rows in fragments.items()}
    expected = smoothed(fragments, genome.lengths)
    parts = [(write_fragments(tmp_path / "a.tsv", half), "fragments")]
    parts += [(write_bam(tmp_path / "b.bam", rest, genome.lengths), "bam")]
    track = tracks.track(parts, genome)
    np.testing.assert_allclose(bases(track, "chr2"), expected["chr2"], rtol=1e-5, atol=1e-6)
    lines = [smoothed(one, genome.lengths) for one in (half, rest)]
    wigs = [(write_bigwig(tmp_path / f"{i}.bw", one, genome.lengths), "bigwig") for i, one in enumerate(lines)]
    mean = (lines[0]["chr1"] + lines[1]["chr1"]) / 2
    np.testing.assert_allclose(bases(tracks.track(wigs, genome), "chr1"), mean, rtol=1e-5, atol=1e-6)


def test_reads_that_do_not_count_are_counted(fragments, genome, tmp_path):
    few = {"chr1": fragments["chr1"][:10]}
    path = write_bam(tmp_path / "f.bam", few, {**genome.lengths, "chrM": 16_000}, (4, 256, 512, 1024, 2048))
    tally = Tally()
    found = tracks.read_bam(path, genome, tally)
    assert {chrom: len(cuts) for chrom, cuts in found.items()} == {"chr1": 20, "chr2": 0, "chr3": 0, "chr4": 0}
    assert ("dropped", "unmapped, secondary, supplementary, failed or duplicate", 50) in tally.rows


def test_a_cram_is_read_without_its_reference_and_without_network(fragments, genome, fasta, tmp_path, monkeypatch):
    """Reads with letters are stored as differences from a reference, which is gone when the file is read."""
    copy, bam, cram = tmp_path / "ref.fa", tmp_path / "f.bam", tmp_path / "f.cram"
    copy.write_bytes(fasta.read_bytes())
    pysam.faidx(str(copy))
    whole = write_bam(bam, fragments, genome.lengths)
    lettered = tmp_path / "letters.bam"
    with pysam.AlignmentFile(str(whole), "rb") as given, pysam.AlignmentFile(str(lettered), "wb", given) as out:
        for read in given:
            size = read.query_alignment_length or read.reference_length
            read.query_sequence = "ACGT" * (size // 4) + "ACGT"[: size % 4]
            out.write(read)
    pysam.view("-C", "-T", str(copy), "-o", str(cram), str(lettered), catch_stdout=False)
    copy.unlink()
    monkeypatch.setenv("REF_PATH", "/nowhere")
    monkeypatch.setenv("REF_CACHE", "/nowhere")
    with pysam.AlignmentFile(str(cram)) as file:
        assert file.is_cram
    expected, found = (tracks.read_bam(path, genome, Tally()) for path in (lettered, cram))
    assert sum(map(len, expected.values())) == 4800
    for chrom in genome.lengths:
        np.testing.assert_array_equal(found[chrom], expected[chrom])
    cut = tmp_path / "cut.cram"
    cut.write_bytes(cram.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"cut\.cram: cannot be read as BAM or CRAM"):
        tracks.read_bam(cut, genome, Tally())


def test_missing_values_are_zero_and_absent_chromosomes_are_named(genome, tmp_path):
    line = np.full(genome.lengths["chr1"], np.nan)
    line[100:200], line[200:250] = 2.5, 0.5
    lengths = {"chr1": len(line), "chr2": genome.lengths["chr2"], "chrUn": 500}
    path = write_bigwig(tmp_path / "f.bw", {"chr1": line, "chr2": np.zeros(lengths["chr2"])}, lengths)
    tally = Tally()
    track = tracks.track([(path, "bigwig")], genome, tally)
    np.testing.assert_array_equal(bases(track, "chr1"), np.nan_to_num(line).astype(np.float32))
    np.testing.assert_array_equal(bases(track, "chr3"), 0)
    assert ("dropped", "chromosome absent from the genome", 1) in tally.rows
    assert ("noted", "chromosome of the genome of which f.bw holds nothing (chr3, chr4)", 2) in tally.rows
    assert [track.silent(chrom) for chrom in genome.lengths] == [False, True, True, True]
    track.check()


def test_a_chromosome_without_reads_is_named(fragments, genome, tmp_path):
    for path, kind in (
        (write_fragments(tmp_path / "f.tsv", fragments), "fragments"),
        (write_bam(tmp_path / "f.bam", fragments, genome.lengths), "bam"),
    ):
        tally = Tally()
        track = tracks.track([(path, kind)], genome, tally)
        assert ("noted", f"chromosome of the genome of which {path.name} holds nothing (chr3)", 1) in tally.rows
        assert track.silent("chr3") and not track.silent("chr1") and (bases(track, "chr3") == 0).all()
    repeated = [row for row in tally.rows if "mapping quality 0" in row[1]]
    assert repeated == [("noted", repeated[0][1], 4800)]  # as they were written above


def test_a_file_without_a_chromosome_has_no_part_in_the_mean_there(fragments, genome, tmp_path):
    lines = smoothed(fragments, genome.lengths)
    whole = write_bigwig(tmp_path / "whole.bw", lines, genome.lengths)
    lengths = {chrom: n for chrom, n in genome.lengths.items() if chrom != "chr2"}
    part = write_bigwig(tmp_path / "part.bw", {c: lines[c] for c in lengths}, lengths)
    both = tracks.track([(whole, "bigwig"), (part, "bigwig")], genome)
    for chrom in ("chr1", "chr2"):
        np.testing.assert_allclose(bases(both, chrom), lines[chrom], rtol=1e-5, atol=1e-6)
    # of cuts likewise: half of the cuts come from a file without chr2, whose share the other takes over there
    some = {chrom: rows for chrom, rows in fragments.items() if chrom != "chr2"}
    alone = tracks.track([(write_fragments(tmp_path / "a.tsv", fragments), "fragments")], genome)
    two = tracks.track(
        [(tmp_path / "a.tsv", "fragments"), (write_fragments(tmp_path / "b.tsv", some), "fragments")], genome
    )
    ratio = bases(two, "chr2").sum() / bases(two, "chr1").sum()
    assert ratio == pytest.approx(bases(alone, "chr2").sum() / bases(alone, "chr1").sum(), rel=1e-5)


def test_what_a_track_lacks_does_not_move_the_others_values(fragments, genome, tmp_path):
    """A track without chr2 has, once normalised, the values that it has when the reference lacks chr2 as well."""
    lines = smoothed(fragments, genome.lengths)
    lengths = {chrom: n for chrom, n in genome.lengths.items() if chrom != "chr2"}
    whole = tracks.track([(write_bigwig(tmp_path / "whole.bw", lines, genome.lengths), "bigwig")], genome)
    part = {chrom: 2 * lines[chrom] for chrom in lengths}
    part = tracks.track([(write_bigwig(tmp_path / "part.bw", part, lengths), "bigwig")], genome)
    np.testing.assert_allclose(bases(part.normalised(whole), "chr1"), lines["chr1"], rtol=0.02, atol=1e-3)
    other = write_bigwig(tmp_path / "other.bw", {"chr2": lines["chr2"]}, {"chr2": genome.lengths["chr2"]})
    with pytest.raises(InputError, match="no chromosome in common"):
        part.normalised(tracks.track([(other, "bigwig")], genome))


@pytest.mark.parametrize("value", [0, np.nan])
def test_a_track_that_holds_nothing_is_refused_by_name(value, genome, fragments, tmp_path):
    empty = {"chr1": np.full(genome.lengths["chr1"], value)}
    empty["chr1"][:5] = 0
    path = write_bigwig(tmp_path / "empty.bw", empty, {"chr1": genome.lengths["chr1"]})
    full = write_bigwig(tmp_path / "full.bw", smoothed(fragments, genome.lengths), genome.lengths)
    for files in ([path], [full, path]):
        track = tracks.track([(file, "bigwig") for file in files], genome)
        with pytest.raises(InputError, match=r"empty\.bw: no value above 0 on any chromosome"):
            track.check()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.inf, "holds inf, .*a ratio over 0, or its logarithm; add a pseudocount"),
        (-np.inf, "holds -inf, .*a ratio over 0"),
        (-1.5, r"chr1:40 \(0-based\) holds -1\.5, .*a log-ratio, a difference or a z-score is not accessibility"),
    ],
)
def test_values_that_no_accessibility_has_are_refused_wherever_they_are_read(value, said, genome, tmp_path):
    line = np.ones(genome.lengths["chr1"])
    line[40:50] = 1234567.5
    path = write_bigwig(tmp_path / "f.bw", {"chr1": line}, {"chr1": len(line)})
    # pyBigWig writes no infinite value, other programs do: it is put into the one block of data
    whole, (block, size) = bytearray(path.read_bytes()), data_block(path)
    other = zlib.decompress(whole[block : block + size]).replace(struct.pack("<f", 1234567.5), struct.pack("<f", value))
    other = zlib.compress(other, 9)
    assert len(other) <= size
    whole[block : block + size] = other.ljust(size, b"\0")
    path.write_bytes(whole)
    track = tracks.track([(path, "bigwig")], genome)
    for read in (lambda: track.runs("chr1"), track.quantiles, track.check, lambda: tracks.steps(track, "chr1")):
        with pytest.raises(InputError, match=said):
            read()


def test_a_read_with_a_strand_is_one_cut(genome, tmp_path):
    """As SnapATAC2 writes single-end libraries, and bedtools bamtobed any."""
    path = tmp_path / "f.tsv"
    path.write_text("# x\nchr1\t174\t224\tCELL3-1\t1\t+\nchr1\t596\t646\tCELL1-1\t1\t-\nchr2\t5\t9\tA\t1\t-\n")
    tally = Tally()
    found = tracks.read_fragments(path, genome, tally)
    assert found["chr1"].tolist() == [174, 645] and found["chr2"].tolist() == [8]
    assert ("read", "reads of one end (strand in column 6), one cut each", 3) in tally.rows
    assert ("kept", "cuts", 3) in tally.rows
    path.write_text("chr1\t174\t224\tC\t1\t.\nchr1\t596\t646\tC\t1\t.\n")
    assert sorted(tracks.read_fragments(path, genome, Tally())["chr1"].tolist()) == [174, 223, 596, 645]
    for mixed in (".", "x", ""):
        path.write_text(f"chr1\t174\t224\tC\t1\t+\nchr1\t596\t646\tC\t1\t{mixed}\n")
        with pytest.raises(InputError, match=r"f\.tsv: column 6 holds .*on every line is single reads, on none"):
            tracks.read_fragments(path, genome, Tally())


def test_mates_with_places_of_their_own_are_no_fragments(genome, tmp_path):
    (tmp_path / "f.bedpe").write_text("chr1\t100\t136\tchr1\t300\t336\tr1\t60\t+\t-\n")
    with pytest.raises(InputError, match="BEDPE, each mate with a place of its own; give fragments"):
        tracks.read_fragments(tmp_path / "f.bedpe", genome, Tally())


def test_a_long_bigwig_is_read_in_chunks(genome, rng, tmp_path, monkeypatch):
    line = np.repeat(rng.integers(0, 3, 6_000), 10)[: genome.lengths["chr1"]].astype(float)
    path = write_bigwig(tmp_path / "f.bw", {"chr1": line}, {"chr1": len(line)})
    monkeypatch.setattr(tracks, "_CHUNK", 777)
    np.testing.assert_array_equal(bases(tracks.track([(path, "bigwig")], genome), "chr1"), line)


def test_chromosome_names_pass_through_the_map(fasta, fragments, tmp_path):
    genome = Genome(fasta, {f"Chr{i}": f"chr{i}" for i in range(1, 5)})
    renamed = {f"C{chrom[1:]}": rows for chrom, rows in fragments.items()}
    expected = smoothed(fragments, genome.lengths)["chr1"]
    for path, kind in (
        (write_fragments(tmp_path / "f.tsv", renamed), "fragments"),
        (write_bam(tmp_path / "f.bam", renamed, {f"C{c[1:]}": n for c, n in genome.lengths.items()}), "bam"),
    ):
        np.testing.assert_allclose(bases(tracks.track([(path, kind)], genome), "chr1"), expected, rtol=1e-5, atol=1e-6)


def test_normalised_has_the_distribution_of_the_reference_and_its_own_order(genome, rng, tmp_path):
    def track(name, make):
        lines = {chrom: np.repeat(make(n // 10), 10)[:n] for chrom, n in genome.lengths.items()}
        return tracks.track([(write_bigwig(tmp_path / name, lines, genome.lengths), "bigwig")], genome)

    own = track("own.bw", lambda n: np.where(rng.random(n) < 0.4, 0, rng.gamma(2, 3, n)))
    reference = track("ref.bw", lambda n: np.where(rng.random(n) < 0.2, 0, rng.gamma(1, 1, n)))
    made = own.normalised(reference)
    before, after = bases(own, "chr1"), bases(made, "chr1")
    assert (np.diff(after[np.argsort(before, kind="stable")]) >= 0).all()
    # zeros are one value: they share the mean of the reference's lowest 40 %
    wanted = reference.quantiles()
    zero = after[before == 0]
    assert np.ptp(zero) == 0 and zero[0] == pytest.approx(wanted[: int(0.4 * len(wanted))].mean(), rel=0.05)
    for q in (0.5, 0.8, 0.95, 0.999, 1):
        assert np.quantile(made.quantiles(), q) == pytest.approx(np.quantile(wanted, q), rel=0.03)
    same = reference.normalised(reference)
    np.testing.assert_allclose(bases(same, "chr2"), bases(reference, "chr2"), rtol=2e-3, atol=1e-4)


def test_values_above_all_that_were_sampled_grow_in_proportion(genome):
    class Flat:
        def runs(self, chrom, length):
            return np.array([length]), np.array([30.0], np.float32)

    track = tracks.Track(dict(genome.lengths), (Flat(),), (np.array([0.0, 10.0]), np.array([0.0, 20.0])))
    assert bases(track, "chr1")[0] == pytest.approx(60)


def test_a_nearly_constant_track_can_be_normalised(genome, tmp_path):
    flat = {chrom: np.zeros(n) for chrom, n in genome.lengths.items()}
    track = tracks.track([(write_bigwig(tmp_path / "f.bw", flat, genome.lengths), "bigwig")], genome)
    assert (bases(track.normalised(track), "chr1") == 0).all()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("chr1\t10\t20\nchr1\t30\t20\n", ":2: start 30 is not below end 20"),
        ("chr1\t10\t20\nchr1\tx\t20\n", ":2: 'chr1\\tx\\t20' is not `chrom start end`"),
        ("chr1 10 20\n", ":1: 'chr1 10 20' is not"),
        ("chr1\t10\t20\nchr1\t10\n", ":2: 'chr1\\t10' is not"),
        ("chr1\t-5\t20\n", ":1: 'chr1\\t-5\\t20' is not"),
        ("", "0 fragments"),
        ("# only a comment\n", "0 fragments"),
        ("1\t10\t20\n", "names 1, the genome"),
        ("chr1\t10\t70000\nchr1\t10\t20\n", "of another genome build"),
    ],
)
def test_bad_fragments_are_refused(text, part, genome, tmp_path):
    (tmp_path / "f.tsv").write_text(text)
    with pytest.raises(InputError) as error:
        tracks.track([(tmp_path / "f.tsv", "fragments")], genome)
    assert part in str(error.value)


def test_bad_tracks_are_refused(genome, fragments, tmp_path):
    (tmp_path / "no.bw").write_text("not a bigWig")
    (tmp_path / "no.bam").write_text("not a BAM")
    bad = {"short.bw": {"chr1": 1000}, "names.bw": {"1": 60_000}}
    for name, lengths in bad.items():
        write_bigwig(tmp_path / name, {next(iter(lengths)): np.ones(1000)}, lengths)
    write_bigwig(tmp_path / "minus.bw", {"chr1": np.full(60_000, -1.0)}, {"chr1": 60_000})
    whole = write_bam(tmp_path / "whole.bam", fragments, genome.lengths).read_bytes()
    (tmp_path / "cut.bam").write_bytes(whole[: len(whole) // 2])
    whole = (tmp_path / "minus.bw").read_bytes()
    (tmp_path / "cut.bw").write_bytes(whole[:100])
    for name, part in {
        "no.bw": "is not a bigWig", "no.bam": "cannot be read as BAM", "absent.bw": "No such file",
        "short.bw": "chr1 has 1000 bp", "names.bw": "names 1, the genome", "cut.bam": "cannot be read as BAM",
        "cut.bw": "cannot be read as bigWig",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=part):
            tracks.track([(tmp_path / name, "bigwig" if name.endswith("bw") else "bam")], genome)
    with pytest.raises(InputError, match="negative or infinite"):
        tracks.track([(tmp_path / "minus.bw", "bigwig")], genome).runs("chr1")
    with pytest.raises(InputError, match="use bigwig, bam, fragments"):
        tracks.track([(tmp_path / "no.bw", "wig")], genome)


GTF = """\
#!genome-build x
chr1\ts\tgene\t101\t500\t.\t+\t.\tgene_id "ENSG01.7"; gene_name "USF1";
chr1\ts\ttranscript\t151\t500\t.\t+\t.\tgene_id "ENSG01.7"; transcript_id "T1";
chr2\ts\tgene\t101\t500\t.\t-\t.\tgene_id "ENSG02.1"; gene_name "CTCF";
chrUn\ts\tgene\t101\t500\t.\t-\t.\tgene_id "ENSG03.1"; gene_name "X";
"""
#: The same genes as GENCODE, Ensembl and NCBI write them in GFF3.
GFF3 = {
    "gencode": """\
##gff-version 3
chr1\ts\tgene\t101\t500\t.\t+\t.\tID=ENSG01.7;gene_id=ENSG01.7;gene_type=protein_coding;gene_name=USF1
chr1\ts\ttranscript\t151\t500\t.\t+\t.\tID=T1;Parent=ENSG01.7;gene_id=ENSG01.7;gene_name=USF1
chr2\ts\tgene\t101\t500\t.\t-\t.\tID=ENSG02.1;gene_id=ENSG02.1;gene_name=CTCF
""",
    "ensembl": """\
##gff-version 3
##sequence-region   1 1 1000
chr1\ts\tchromosome\t1\t1000\t.\t.\t.\tID=chromosome:1;Alias=CM000663.2
chr1\ts\tgene\t101\t500\t.\t+\t.\tID=gene:ENSG01;Name=USF1;biotype=protein_coding;gene_id=ENSG01;version=7
chr1\ts\tmRNA\t151\t500\t.\t+\t.\tID=transcript:T1;Parent=gene:ENSG01;Name=USF1-201
chr1\ts\texon\t151\t200\t.\t+\t.\tParent=transcript:T1;Name=E1
chr2\ts\tncRNA_gene\t101\t500\t.\t-\t.\tID=gene:ENSG02;Name=CTCF;gene_id=ENSG02
###
""",
    "ncbi": """\
##gff-version 3
chr1\tBestRefSeq\tgene\t101\t500\t.\t+\t.\tID=gene-ENSG01;Dbxref=GeneID:1%2C2;Name=USF1;gbkey=Gene;gene=USF1
chr2\tBestRefSeq\tpseudogene\t101\t500\t.\t-\t.\tID=gene-ENSG02;Name=CT%43F;gbkey=Gene
##FASTA
>chr1
ACGT
""",
}
BED = "chr2\t100\t500\tENSG02.1\t0\t-\nchr1\t100\t500\tENSG01\nchr9\t1\t2\tENSG03\t0\t+\n"


def test_genes_of_gtf_and_bed(genome, tmp_path):
    (tmp_path / "g.gtf").write_text(GTF)
    (tmp_path / "g.bed").write_text(BED)
    tally = Tally()
    found = read_genes(tmp_path / "g.gtf", genome, tally)
    assert found.to_dict("list") == {
        "chrom": ["chr1", "chr2"], "tss": [100, 499], "gene": ["ENSG01", "ENSG02"], "name": ["USF1", "CTCF"],
    }  # fmt: skip
    assert ("dropped", "gene on no chromosome of the genome", 1) in tally.rows
    same = read_genes(tmp_path / "g.bed", genome)
    assert same[["chrom", "tss", "gene"]].equals(found[["chrom", "tss", "gene"]])
    for name, content in GFF3.items():
        (tmp_path / "g.gff3").write_text(content)
        pd.testing.assert_frame_equal(read_genes(tmp_path / "g.gff3", genome), found, obj=name)
    (tmp_path / "t.gff3").write_text("\n".join(line for line in GFF3["ensembl"].split("\n") if "gene\t" not in line))
    assert read_genes(tmp_path / "t.gff3", genome)[["tss", "gene"]].to_numpy().tolist() == [[150, "ENSG01"]]
    (tmp_path / "t.gtf").write_text("\n".join(line for line in GTF.splitlines() if "\tgene\t" not in line) + "\n")
    assert read_genes(tmp_path / "t.gtf", genome)["tss"].tolist() == [150]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (GTF.replace("101", "0"), ":2: start 0 and end 500 are not a GTF interval"),
        (GTF.replace("gene_id", "id"), ":2: no gene_id"),
        ("chr1\t10\n", "2 column(s)"),
        ("chr1\t20\t10\tg\n", "start 20 is not below"),
        ("chr1\tten\t10\tg\n", "'ten' is not a whole number"),
        ("chr1\t-5\t10\tg\n", "start -5 is negative"),
        ("chr1\t5\t10\tg\t0\tminus\n", "strand 'minus' is none of"),
        (" chr1\t5\t10\tg\n", "has spaces around it"),
        ('chr1\ts\texon\t101\t500\t.\t+\t.\tgene_id "a"\n', "0 genes"),
        ("1\t10\t20\tg\n", "names 1, the genome"),
    ],
)
def test_bad_genes_are_refused(text, part, genome, tmp_path):
    (tmp_path / "g").write_text(text)
    with pytest.raises(InputError) as error:
        read_genes(tmp_path / "g", genome)
    assert part in str(error.value)


def test_expression_is_found_by_identifier_or_name_and_averaged(genome, tmp_path):
    (tmp_path / "g.gtf").write_text(GTF)
    genes = read_genes(tmp_path / "g.gtf", genome)
    (tmp_path / "a.tsv").write_text("gene_id\tlength\tTPM\nENSG01.2\t9\t4\nENSG09\t9\t1\n")
    (tmp_path / "b.tsv").write_text("gene\ttpm\nUSF1\t2\nENSG09\t1\n")
    tally = Tally()
    found = expression([tmp_path / "a.tsv", tmp_path / "b.tsv"], genes, tally)
    assert found["tpm"].tolist() == pytest.approx([3, np.nan], nan_ok=True)
    assert tally.rows == [
        ("kept", "genes with expression", 1),
        ("changed", "gene without expression: in no table (e.g. ENSG02)", 1),
        ("dropped", "gene of a.tsv that the annotation lacks (e.g. ENSG09)", 1),
        ("dropped", "gene of b.tsv that the annotation lacks (e.g. ENSG09)", 1),
    ]
    (tmp_path / "b.tsv").write_text("gene\ttpm\nCTCF\t2\n")
    found = expression([tmp_path / "a.tsv", tmp_path / "b.tsv"], genes, tally)
    assert found["tpm"].tolist() == [4, 2]  # of the table that knows it, not half of it
    assert ("changed", "gene in some of the tables only: their mean (e.g. ENSG01, ENSG02)", 2) in tally.rows
    for text, part in {
        "gene_id\tcount\nA\t1\n": "lacks gene_id or TPM",
        "gene_id\tTPM\nENSG01\tx\n": ":2: 'ENSG01\\tx' has no TPM",
        "gene_id\tTPM\nENSG01\t-1\n": "has no TPM of 0 or more",
        "gene_id\tTPM\n": "0 genes",
        "gene_id\tTPM\nA\t1\n": "none is found in both",
    }.items():
        (tmp_path / "c.tsv").write_text(text)
        with pytest.raises(InputError) as error:
            expression([tmp_path / "c.tsv"], genes)
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("gene", "bare"),
    [
        ("ENSG00000182378.15", "ENSG00000182378"),
        ("ENSG00000182378.15_PAR_Y", "ENSG00000182378_PAR_Y"),
        ("ENSMUSG00000051951.5", "ENSMUSG00000051951"),
        ("NM_000546.6", "NM_000546"),
        *((name, name) for name in ("RP11-34P13.7", "AL627309.5", "MSTRG.1.2", "Y74C9A.3", "AT1G01010.1", "H3.5")),
    ],
)
def test_a_last_number_is_a_version_where_identifiers_have_one(gene, bare, genome, tmp_path):
    other = f"{gene.rpartition('.')[0]}.9"  # the same gene of another release, or another gene
    lines = [f'chr1\ts\tgene\t{start}\t500\t.\t+\t.\tgene_id "{name}";' for start, name in ((101, gene), (201, "X"))]
    (tmp_path / "g.gtf").write_text("\n".join(lines) + "\n")
    (tmp_path / "t.tsv").write_text(f"gene_id\tTPM\n{gene}\t4\nX\t1\n")
    genes = read_genes(tmp_path / "g.gtf", genome)
    assert genes["gene"].tolist() == [bare, "X"]
    assert expression([tmp_path / "t.tsv"], genes)["tpm"].tolist() == [4, 1]
    if "_PAR_Y" not in gene:
        (tmp_path / "t.tsv").write_text(f"gene_id\tTPM\n{other}\t4\nX\t1\n")
        found = expression([tmp_path / "t.tsv"], genes)["tpm"].tolist()
        assert found == pytest.approx([4 if bare != gene else np.nan, 1], nan_ok=True)


def test_a_cell_is_read_whole(genome, fragments, tmp_path):
    write_fragments(tmp_path / "f.tsv", fragments)
    (tmp_path / "p.bed").write_text("chr1\t100\t300\nchr2\t5\t80\n")
    (tmp_path / "g.gtf").write_text(GTF)
    (tmp_path / "a.tsv").write_text("gene_id\tTPM\nENSG01\t4\n")
    files = {
        "accessibility": [{"path": tmp_path / "f.tsv", "format": "fragments"}],
        "accessibility_peaks": [{"path": tmp_path / "p.bed", "format": "bed"}],
        "expression": [{"path": tmp_path / "a.tsv", "format": "tpm"}],
    }
    cell = cells.cell(files, genome, tmp_path / "g.gtf")
    assert cell.genes["tpm"].tolist() == pytest.approx([4, np.nan], nan_ok=True)
    assert cell.peaks[["chrom", "start", "end"]].to_numpy().tolist() == [["chr1", 100, 300], ["chr2", 5, 80]]
    bare = cells.cell({**files, "accessibility_peaks": [], "expression": []}, genome)
    assert bare.peaks is None and bare.genes is None
    assert isinstance(cells.cell({**files, "expression": []}, genome, tmp_path / "g.gtf").genes, pd.DataFrame)
