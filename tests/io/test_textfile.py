import gzip

import pysam
import pytest
from isal import igzip

from tfbind.errors import InputError
from tfbind.io import textfile


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"\xef\xbb\xbfone\r\ntwo\r\n", b"one\ntwo", b"one\ntwo\n\0"])
@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, lambda b: gzip.compress(b[:4]) + gzip.compress(b[4:])])
def test_lines_of_every_wrapping(tmp_path, content, pack):
    (tmp_path / "f.txt").write_bytes(pack(content))
    assert [line for line in textfile.lines(tmp_path / "f.txt") if line] == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>Not found", "begins with '<!DOCTYPE html>"),
        (b'{"error": "gone"}', "begins with"),
        (gzip.compress(b"<html>", mtime=0), "begins with '<html>'"),
        (b"PK\x03\x04rest", "zip"),
        (b"BZh91AY", "bzip2"),
        (b"\x01\x02\0\x05", "not a data file"),
    ],
)
def test_foreign_files_are_named(tmp_path, content, words):
    (tmp_path / "f.bed.gz").write_bytes(content)
    with pytest.raises(InputError, match=words):
        list(textfile.lines(tmp_path / "f.bed.gz"))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.bed: No such file"):
        list(textfile.lines(tmp_path / "no.bed"))


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b[:200] + bytes(20) + b[220:], lambda b: b[:12]])
def test_damaged_gzip(tmp_path, damage):
    whole = gzip.compress("".join(f"line {i * i}\n" for i in range(500)).encode())
    (tmp_path / "f.gz").write_bytes(damage(whole))
    with pytest.raises(textfile.Truncated, match="ends early or is damaged"):
        list(textfile.lines(tmp_path / "f.gz"))
    with (
        pytest.raises(textfile.Truncated),
        textfile.binary(tmp_path / "f.gz") as stream,
        textfile.whole(tmp_path / "f.gz"),
    ):
        stream.read()


def test_each_library_of_gzip_names_a_damage_in_its_way(tmp_path):
    whole = gzip.compress("".join(f"line {i * i}\n" for i in range(500)).encode())
    for at in range(0, len(whole), 3):
        (tmp_path / "f.gz").write_bytes(whole[:at] + bytes([whole[at] ^ 128]) + whole[at + 1 :])
        kinds = []
        for unpack in (igzip.open, gzip.open):
            try:
                with textfile.binary(tmp_path / "f.gz", unpack) as stream, textfile.whole(tmp_path / "f.gz"):
                    kinds.append(stream.read())
            except InputError as error:
                kinds.append(str(error))
        assert kinds[0] == kinds[1], at


def test_all_members_of_a_bgzip_file(tmp_path):
    content = b"".join(b"line %d\n" % i for i in range(30_000))
    (tmp_path / "f.txt").write_bytes(content)
    pysam.tabix_compress(str(tmp_path / "f.txt"), str(tmp_path / "f.gz"))
    with textfile.binary(tmp_path / "f.gz") as stream:
        assert stream.read() == content


def test_only_the_first_faults_are_listed():
    assert textfile.listed(["a"] * 20) == ["a"] * 20
    assert textfile.listed(["a"] * 25)[20:] == ["... and 5 more like these"]
