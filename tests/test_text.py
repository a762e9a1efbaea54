import gzip

import pytest

from tfbind import text
from tfbind.faults import InputError


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"\xef\xbb\xbfone\r\ntwo\r\n", b"one\ntwo", b"one\ntwo\n\0"])
@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress, lambda b: gzip.compress(b[:4]) + gzip.compress(b[4:])])
def test_lines_of_every_wrapping(tmp_path, content, pack):
    (tmp_path / "f.txt").write_bytes(pack(content))
    assert [line for line in text.lines(tmp_path / "f.txt") if line] == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>Not found", "begins with '<!DOCTYPE html>"),
        (b'{"error": "gone"}', "begins with"),
        (gzip.compress(b"<html>"), "begins with '<html>'"),
        (b"PK\x03\x04rest", "zip"),
        (b"BZh91AY", "bzip2"),
        (b"\x01\x02\0\x05", "not a data file"),
    ],
)
def test_foreign_files_are_named(tmp_path, content, words):
    (tmp_path / "f.bed.gz").write_bytes(content)
    with pytest.raises(InputError, match=words):
        list(text.lines(tmp_path / "f.bed.gz"))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.bed: No such file"):
        list(text.lines(tmp_path / "no.bed"))


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b[:200] + bytes(20) + b[220:], lambda b: b[:12]])
def test_damaged_gzip(tmp_path, damage):
    whole = gzip.compress("".join(f"line {i * i}\n" for i in range(500)).encode())
    (tmp_path / "f.gz").write_bytes(damage(whole))
    with pytest.raises(text.Truncated, match="ends early or is damaged"):
        list(text.lines(tmp_path / "f.gz"))


def test_only_the_first_faults_are_listed():
    assert text.listed(["a"] * 20) == ["a"] * 20
    assert text.listed(["a"] * 25)[20:] == ["... and 5 more like these"]
