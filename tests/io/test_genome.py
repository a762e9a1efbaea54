import gzip
import os
import re
import shutil

import numpy as np
import pysam
import pytest

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import genome as genome_module
from tfbind.io.genome import Genome, index


def test_names_with_and_without_chr_are_one_where_it_is_said(fasta):
    genome = Genome(fasta, "chr")
    assert genome.resolve("1") == "chr1" and genome.resolve("chr1") == "chr1" and genome.resolve("x") == "x"


def test_messages_name_the_users_file_where_the_genome_is_a_copy(fasta):
    genome = Genome(fasta, source="given/hg38.fa.gz")
    with pytest.raises(InputError, match=r"chr1:0-999999999 does not lie inside given/hg38\.fa\.gz"):
        genome.windows(["chr1"], [0], [999_999_999])


def test_windows_are_the_text(genome, chromosomes, rng):
    chrom = rng.choice(list(chromosomes), 60)
    start = np.array([rng.integers(0, len(chromosomes[c]) - 120) for c in chrom])
    end = start + rng.integers(1, 120, 60)
    tokens = genome.windows(chrom, start, end)
    expected = [chromosomes[c][s:e].upper() for c, s, e in zip(chrom, start, end, strict=True)]
    assert (tokens == dna.encode(expected)).all()


def test_lengths_and_tokens(genome, chromosomes):
    assert genome.lengths == {name: len(text) for name, text in chromosomes.items()}
    for name in ("chr2", "chr1", "chr2"):
        assert (genome.tokens(name) == dna.encode_text(chromosomes[name].encode())).all()
    with pytest.raises(ValueError, match="read-only"):
        genome.tokens("chr1")[0] = 1


def test_windows_outside_are_refused_together(genome):
    size = genome.lengths["chr4"]
    with pytest.raises(InputError) as error:
        genome.windows(["chr4", "chr4", "chr9", "chr4", "chr1"], [size - 5, -1, 0, 7, 0], [size + 1, 5, 9, 7, 10])
    assert len(error.value.faults) == 4
    assert genome.windows(["chr4"], [size - 5], [size]).shape == (1, 5)
    assert genome.windows([], [], []).shape == (0, 0)


@pytest.mark.parametrize("wrap", ["plain", "gzip", "bgzip", "crlf", "one line, no end"])
def test_every_wrapping_gives_the_same_file(tmp_path, wrap):
    content = b">a x\nACGT\nACG\n\n>b\nNNNN\nRYac\n"
    source = tmp_path / "s.fa"
    source.write_bytes(content)
    if wrap == "gzip":
        source.write_bytes(gzip.compress(content))
    elif wrap == "bgzip":
        pysam.tabix_compress(str(source), str(tmp_path / "b.fa"))
        source = tmp_path / "b.fa"
    elif wrap == "crlf":
        source.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    elif wrap == "one line, no end":
        source.write_bytes(b">a x\nACGTACG\n>b\nNNNNRYac")
    index(source, tmp_path / "out.fa")
    genome = Genome(tmp_path / "out.fa")
    assert genome.lengths == {"a": 7, "b": 8}
    assert dna.decode(genome.windows(["a", "b"], [0, 2], [7, 8])) == ["ACGTACG", "NNNNAC"]
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out.fa", "out.fa.fai"]


def test_all_faults_of_a_fasta_at_once(tmp_path):
    (tmp_path / "s.fa").write_text(">a\nACGT\nAC\nACGT\n>b\n>a\nACXT\n> c\nAC\n\nGG\n>d\nACGT\nACGTA\n>e\n")
    with pytest.raises(InputError) as error:
        index(tmp_path / "s.fa", tmp_path / "out.fa")
    text = str(error.value)
    for part in (
        "s.fa:4: record 'a' has lines of unequal length",
        "s.fa:6: record 'b' has no sequence",
        "s.fa:6: name 'a' occurs twice",
        "s.fa:7: record 'a' holds 'X'",
        "s.fa:8: a record without a name",
        "s.fa:11: record '' has lines of unequal",
        "s.fa:14: record 'd' has lines of unequal",
        "s.fa:15: record 'e' has no sequence",
    ):
        assert part in text
    assert os.listdir(tmp_path) == ["s.fa"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 records"),
        (b"chr1\t0\t5\n", "before the first '>'"),
        (gzip.compress(b">a\n" + os.urandom(5000).hex().encode() + b"\n")[:-900], "ends early"),
    ],
)
def test_no_fasta(tmp_path, content, words):
    (tmp_path / "s.fa").write_bytes(content)
    with pytest.raises(InputError, match=words):
        index(tmp_path / "s.fa", tmp_path / "out.fa")
    assert not (tmp_path / "out.fa").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (">a\n>b\nACGT\n", "record 'a' has no sequence; delete it, then samtools faidx"),
        (">a\nACGT\n>b x\n\n>c\nAC\n", "record 'b x' has no sequence; delete it"),
        (">a\nACGT\n\n>b\nAC\n", "a blank line before record b; delete it"),
        (">a\nACGT\n\n", "a blank line at the end; delete it"),
    ],
)
def test_what_samtools_passes_over_is_named(tmp_path, text, words):
    (tmp_path / "g.fa").write_text(text)
    pysam.faidx(str(tmp_path / "g.fa"))
    with pytest.raises(InputError, match=re.escape(words)):
        Genome(tmp_path / "g.fa")


def test_an_index_of_another_file_is_refused(fasta, tmp_path):
    lines = fasta.read_text().splitlines(keepends=True)
    other = tmp_path / "other.fa"
    shutil.copy(f"{fasta}.fai", f"{other}.fai")
    other.write_text("".join(lines[:5] + lines[6:]))
    os.utime(f"{other}.fai")
    with pytest.raises(InputError, match="does not fit"):
        Genome(other)
    other.write_text("".join(lines) + ">chr5\nACGT\n")
    with pytest.raises(InputError, match="does not fit"):
        Genome(other)
    other.write_text("".join(lines))
    assert Genome(other).lengths


def test_the_index_is_neither_made_nor_written(fasta, tmp_path):
    other = tmp_path / "other.fa"
    shutil.copy(fasta, other)
    with pytest.raises(InputError, match="index"):
        Genome(other)
    assert os.listdir(tmp_path) == ["other.fa"]
    shutil.copy(f"{fasta}.fai", f"{other}.fai")
    os.utime(f"{other}.fai", (1, 1))
    Genome(other).tokens("chr1")
    assert os.stat(f"{other}.fai").st_mtime == 1


def test_names(fasta):
    genome = Genome(fasta, {"1": "chr1"})
    assert genome.resolve("1") == genome.resolve("chr1") == "chr1"
    assert genome.resolve("7") == "7"
    with pytest.raises(InputError, match=r"chromosomes maps to chrI\b"):
        Genome(fasta, {"1": "chrI"})


def test_the_yeast_genome(real, tmp_path):
    index(real / "genome" / "sacCer3.fa.gz", tmp_path / "sacCer3.fa")
    genome = Genome(tmp_path / "sacCer3.fa")
    sizes = dict(line.split() for line in (real / "genome" / "sacCer3.chrom.sizes").read_text().splitlines())
    assert genome.lengths == {name: int(sizes[name]) for name in genome.lengths}
    assert len(genome.lengths) == 16
    fetched = pysam.FastaFile(str(tmp_path / "sacCer3.fa")).fetch("chrXII", 459_000, 460_000)
    assert dna.decode(genome.windows(["chrXII"], [459_000], [460_000])) == [fetched.upper()]


def test_lengths_are_those_of_the_index(tmp_path, monkeypatch):
    text = ">chr1 a description\r\nACGTACGTAC\r\nACGT\r\n>chr2\nACGTAC\n>chr3\n" + "ACGTACGTAC\n" * 90 + "ACG"
    (tmp_path / "a.fa").write_bytes(text.encode())
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(text.encode()))
    index(tmp_path / "a.fa", tmp_path / "b.fa")
    expected = list(Genome(tmp_path / "b.fa").lengths.items())
    for chunk in (1, 64, 1 << 22):
        monkeypatch.setattr(genome_module, "_CHUNK", chunk)
        assert (
            list(genome_module.lengths(tmp_path / "a.fa"))
            == list(genome_module.lengths(tmp_path / "a.fa.gz"))
            == expected
        )
