import os

import pytest

from tfbind import kept


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(text="weights"):
    files = [os.path.join("results", "models", name) for name in ("model.bin", "model.json")]
    os.makedirs("results/models", exist_ok=True)
    for path in files:
        with open(path, "w") as out:
            out.write(f"{text} of {path}")
    return files


def remove(files):
    for path in files:
        os.unlink(path)


def test_what_was_kept_is_restored_and_newer_than_its_inputs(folder):
    files = make()
    told = [(folder / path).read_text() for path in files]
    assert not kept.restore(files, "a")
    kept.keep(files, "a")
    remove(files)
    (folder / "input").touch()
    assert kept.restore(files, "a")
    assert [(folder / path).read_text() for path in files] == told
    assert all(os.stat(path).st_mtime_ns >= os.stat("input").st_mtime_ns for path in files)


def test_another_stamp_restores_nothing(folder):
    files = make()
    kept.keep(files, "a")
    remove(files)
    assert not kept.restore(files, "b") and not os.path.exists(files[0])


def test_one_result_is_kept_of_a_unit(folder):
    files = make("first")
    kept.keep(files, "a")
    remove(files)
    kept.keep(make("second"), "b")
    remove(files)
    assert not kept.restore(files, "a") and kept.restore(files, "b")
    assert (folder / "results/models/model.bin").read_text().startswith("second")


@pytest.mark.parametrize("damage", ["output", "kept", "note", "gone"])
def test_what_is_damaged_is_made_anew(folder, damage):
    files = make()
    kept.keep(files, "a")
    where = next(folder.glob(".tfbind/kept/**/model.json" if damage == "kept" else ".tfbind/kept/**/made.json"))
    if damage == "output":  # a hard link: the kept file with it
        with open(files[0], "r+") as out:
            out.write("x")
    elif damage == "gone":
        where.with_name("model.bin").unlink()
    else:
        where.write_text("x")
    remove(files)
    assert not kept.restore(files, "a")


def test_without_hard_links_files_are_copied(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    files = make()
    kept.keep(files, "a")
    assert os.stat(files[0]).st_nlink == 1
    remove(files)
    assert kept.restore(files, "a") and (folder / files[1]).read_text().startswith("weights")


def test_a_unit_may_lie_outside_the_working_folder(folder, monkeypatch):
    files = make()
    (folder / "work").mkdir()
    monkeypatch.chdir(folder / "work")
    files = [os.path.join("..", path) for path in files]
    kept.keep(files, "a")
    remove(files)
    assert kept.restore(files, "a")


def test_a_stamp_reads_files_and_settings(folder):
    path = folder / "rows"
    path.write_text("rows")
    one = kept.stamp(path, {"a": 1, "b": 2})
    assert one == kept.stamp(path, {"b": 2, "a": 1}) != kept.stamp(path, {"a": 1, "b": 3})
    path.write_text("other rows")
    assert one != kept.stamp(path, {"a": 1, "b": 2})
