"""The examination of the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tfbind import doctor


def found(folder):
    return {check.what: check for check in doctor.checks(folder)}


def run(folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tfbind.cli", "doctor"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
    )


def test_every_part_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("TFBIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFBIND_MIRROR", str(tmp_path))
    checks = found(tmp_path)
    assert list(checks) == [
        "python",
        "packages",
        "workflow",
        "bedtools",
        "cores",
        "memory",
        "disk",
        "GPU",
        "cache",
        "mirror",
    ]
    assert checks["mirror"].state == "missing" and "MANIFEST.tsv" in checks["mirror"].words
    assert checks["cache"].state == "ok" and os.listdir(tmp_path / "cache") == []
    assert str(len(os.sched_getaffinity(0))) in checks["cores"].words


def test_a_machine_that_lacks_nothing_ends_with_0(tmp_path):
    (tmp_path / "MANIFEST.tsv").write_text("")
    ended = run(tmp_path, TFBIND_CACHE=str(tmp_path / "cache"), TFBIND_MIRROR=str(tmp_path))
    assert ended.returncode == 0 and ended.stderr == "" and "python" in ended.stdout


def test_what_is_missing_ends_with_4(tmp_path):
    (tmp_path / "file").write_text("")
    ended = run(tmp_path, TFBIND_CACHE=str(tmp_path / "file"), TFBIND_MIRROR="")
    assert ended.returncode == 4 and "Traceback" not in ended.stderr
    assert "point TFBIND_CACHE to a folder that can be written" in ended.stderr


def test_bedtools_is_looked_for_beside_python_too(tmp_path, monkeypatch):
    code = "import os, tfbind; print(os.environ['PATH'])"
    environment = {**os.environ, "PATH": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip().split(os.pathsep) == [str(tmp_path), str(Path(sys.executable).parent)]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.bedtools().state == "missing" and "apt-get install bedtools" in doctor.bedtools().words


def test_threads_that_would_fight_are_noted(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert doctor.cores().state == "note"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert doctor.cores().state == "ok"


@pytest.mark.parametrize(("lowest", "state"), [(0, "ok"), (2**60, "note")])
def test_memory_and_disk_are_weighed(tmp_path, monkeypatch, lowest, state):
    monkeypatch.setattr(doctor, "MEMORY", lowest)
    monkeypatch.setattr(doctor, "DISK", lowest)
    checks = found(tmp_path)
    assert checks["memory"].state == state and checks["disk"].state == (state if not lowest else "missing")


def test_packages_are_compared_with_the_lock(tmp_path, monkeypatch):
    lock = tmp_path / "constraints.txt"
    lock.write_text("numpy==0.1\n")
    (check,) = doctor.packages(lock)
    assert check.state == "note" and "(tested: 0.1)" in check.words
    lock.write_text('# made by make lock\n\nnumpy==0.1 ; python_version >= "3.11"  # why\nzipp == 1\n')
    (check,) = doctor.packages(lock)
    assert check.state == "note" and "(tested: 0.1)" in check.words
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: ["numpy>=1", "no-such-package"])
    states = {check.state: check.words for check in doctor.packages(Path(tmp_path / "none"))}
    remedy = f"{sys.executable} -m pip install -c {tmp_path / 'none'} no-such-package"
    assert states == {"missing": f"no-such-package; {remedy}"}
