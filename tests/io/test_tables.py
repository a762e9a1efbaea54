import contextlib
import json
import os
import resource
import stat

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from tfbind.errors import InputError, ResourceError
from tfbind.io import atomic, tables
from tfbind.io.tally import Tally


@pytest.fixture
def table():
    return tables.sequences(
        id=["a", "b"],
        sequence=["ACGT", "GG"],
        label=1,
        origin="x",
        chrom=["chr1", None],
        start=[5, None],
        score=[1.5, None],
    )


def test_round_trip(table, tmp_path):
    tables.write(table, tmp_path / "deep" / "t.parquet")
    again = tables.read(tmp_path / "deep" / "t.parquet")
    pd.testing.assert_frame_equal(again, table)
    assert list(again) == tables.SEQUENCES.names
    assert again["start"].tolist() == [5, pd.NA] and again["draw"].tolist() == [0, 0]
    assert os.listdir(tmp_path / "deep") == ["t.parquet"]
    about = pq.read_schema(tmp_path / "deep" / "t.parquet").metadata
    assert json.loads(about[b"versions"]) == tables.versions("pandas", "pyarrow")


def test_an_empty_table_round_trips(tmp_path):
    empty = tables.sequences(id=[], sequence=[], label=[], origin=[])
    tables.write(empty, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(tables.read(tmp_path / "t.parquet"), empty)


def test_the_contract_is_enforced(table):
    with pytest.raises(ValueError, match=r"lacks the column.* label, origin"):
        tables.conform(table.drop(columns=["label", "origin"]), tables.SEQUENCES)
    with pytest.raises(ValueError, match="sequence has empty cells"):
        tables.conform(table.assign(sequence=["A", None]), tables.SEQUENCES)
    assert list(tables.conform(table[table.columns[::-1]].assign(more=1), tables.SEQUENCES)) == tables.SEQUENCES.names


def test_rows_are_matched_by_position_not_index():
    made = tables.sequences(id=["a", "b"], sequence=pd.Series(["A", "C"], index=[7, 3]), label=0, origin="x")
    assert made["sequence"].tolist() == ["A", "C"]


def test_other_versions_and_columns_are_refused(table, tmp_path):
    tables.write(table, tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="not a table of format 1"):
        tables.read(tmp_path / "t.parquet", tables.PREDICTIONS)
    stored = pq.read_table(tmp_path / "t.parquet")
    pq.write_table(stored.replace_schema_metadata({"tfbind": "0"}), tmp_path / "old.parquet")
    with pytest.raises(ValueError, match="not a table of format 1"):
        tables.read(tmp_path / "old.parquet")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "f").write_text("old")
    with pytest.raises(KeyError), atomic.replacing(tmp_path / "f") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert (tmp_path / "f").read_text() == "old" and os.listdir(tmp_path) == ["f"]


def _text(path):
    path.write_text("x")


@pytest.mark.parametrize("writer", [_text, lambda path: _torch(path), lambda path: _safetensors(path)])
def test_files_carry_the_users_permissions(writer, tmp_path, monkeypatch):
    set_umask = os.umask
    # to ask for it is to change it for every thread of the process
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask was changed"))
    before = set_umask(0o027)
    try:
        with atomic.replacing(tmp_path / "f") as temporary:
            writer(temporary)
    finally:
        set_umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / "f").st_mode) == 0o640


def test_tsv(tmp_path):
    frame = pd.DataFrame({"tf": ["NA", "b"], "value": [1 / 3, None], "n": [1, 2]})
    tables.write_tsv(frame, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_bytes() == b"tf\tvalue\tn\nNA\t0.333333\t1\nb\t\t2\n"
    again = tables.read_tsv(tmp_path / "t.tsv")
    assert again["tf"].tolist() == ["NA", "b"] and again["value"].isna().tolist() == [False, True]


def test_tally():
    tally = Tally()
    tally.add("read", "peaks", 10)
    tally.add("dropped", "n", 0)
    tally.add("dropped", "x", 2)
    tally.add("dropped", "y", 3)
    assert tally.total("dropped") == 5 and tally.total("kept") == 0
    assert tally.frame().to_numpy().tolist() == [["read", "peaks", 10], ["dropped", "x", 2], ["dropped", "y", 3]]
    assert list(Tally().frame()) == ["event", "reason", "count"]


def test_an_empty_table_keeps_its_reason(tmp_path):
    tables.write(tables.empty(tables.SEQUENCES, "library collapsed"), tmp_path / "t.parquet")
    back = tables.read(tmp_path / "t.parquet")
    assert back.empty and tables.note(back) == "library collapsed"
    assert list(back.columns) == tables.SEQUENCES.names


def test_targets_are_read_with_their_negatives_by_label(tmp_path):
    def written(name):
        row = {"id": name, "sequence": "ACGT", "label": int(name in "ab"), "split": "test", "origin": "made"}
        tables.write(tables.sequences(**{key: [value] for key, value in row.items()}), tmp_path / name)
        return tmp_path / name

    positives, negatives = [written("a"), written("b")], [written("x"), written("y")]
    found = tables.read_targets(["A", "B"], positives, [("A", "x"), ("A", "y")], negatives)
    assert {target: list(labels) for target, (_, labels) in found.items()} == {"A": ["x", "y"], "B": []}
    assert found["A"][1]["y"]["id"].tolist() == ["y"] and found["B"][0]["id"].tolist() == ["b"]


def _torch(path):
    torch.save({"a": torch.rand(9999)}, path)


def _safetensors(path):
    save_file({"a": torch.rand(9999)}, path)


@pytest.fixture
def full():
    """While it is open, the kernel takes no more than 5,000 bytes of a file, as on a disk that is full."""

    @contextlib.contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.mark.parametrize(
    "writer",
    [_torch, _safetensors, lambda path: path.write_text("a" * 9999), lambda path: path.write_bytes(bytes(9999))],
)
def test_a_disk_that_takes_no_more_is_named_whatever_library_writes(writer, tmp_path, full):
    (tmp_path / "t").write_text("before")
    with pytest.raises(ResourceError) as caught, full(), atomic.replacing(tmp_path / "t") as temporary:
        writer(temporary)
    assert str(caught.value).startswith(f"{tmp_path / 't'}: not written: File too large; raise the limit")
    assert "run the same command again: what is done is kept" in str(caught.value)
    assert os.listdir(tmp_path) == ["t"] and (tmp_path / "t").read_text() == "before"


def test_no_table_is_left_half(tmp_path, full):
    many = tables.sequences(id=list(map(str, range(9999))), sequence="ACGT", label=1, origin="x")
    for write, name in ((tables.write, "t.parquet"), (tables.write_tsv, "t.tsv")):
        with pytest.raises(ResourceError, match=f"{name}: not written"), full():
            write(many, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_what_is_not_the_disks_fault_stays_what_it_is(tmp_path, full):
    for error in (
        KeyError("x"),
        InputError("x"),
        FileNotFoundError(2, "gone", "elsewhere"),
        PermissionError(13, "", "/x"),
    ):
        with pytest.raises(type(error)), atomic.replacing(tmp_path / "t"):
            raise error
    with pytest.raises(InputError), full(), atomic.replacing(tmp_path / "t") as temporary:
        temporary.write_bytes(bytes(5000))
        raise InputError("the data are at fault, whatever the disk")
    assert os.listdir(tmp_path) == []


def test_every_damage_to_a_parquet_table_is_refused(table, tmp_path):
    """One bit flipped anywhere, or the end cut off: refused by name, or read as it was."""
    tables.write(table, path := tmp_path / "t.parquet")
    whole, seen = path.read_bytes(), 0
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            pd.testing.assert_frame_equal(tables.read(path), table)
        except InputError as error:
            seen += 1
            assert str(path) in str(error) and "delete it and run the same command again" in str(error)
    assert seen > 50
    for length in (0, 4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"t\.parquet: damaged, .*delete it and run the same command again"):
            tables.read(path)


def test_a_tsv_that_ends_inside_a_line_is_refused(table, tmp_path):
    tables.write_tsv(table, path := tmp_path / "t.tsv")
    whole = path.read_bytes()
    assert len(tables.read_tsv(path)) == 2
    for length in (0, 10, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"t\.tsv: damaged .*delete it and run the same command again"):
            tables.read_tsv(path)
