"""An installed tfbind, without the clone: what the wheel holds, and a study planned and begun with it."""

import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile

import pytest

import studies
from studies import REPO
from tfbind import __version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this clone."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, REPO], check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Runs `tfbind` of a new environment, in a folder; all other packages are those of this one."""
    folder = tmp_path_factory.mktemp("an environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (purelib,) = (folder / "lib").glob("python*/site-packages")
    (purelib / "shared.pth").write_text(sysconfig.get_path("purelib"))  # whose own .pth files are not read there
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", f"--python={folder}/bin/python"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(where, *words):
        command = [folder / "bin" / "tfbind", *map(str, words)]
        return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)

    run.purelib = purelib
    return run


def test_the_wheel_holds_the_workflow_as_it_is_here(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
        names = archive.namelist()
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".lock"))]
    mapped = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert all(to == f"tfbind/repository/{source}" for source, to in mapped["force-include"].items())
    for source in mapped["force-include"]:
        files = [REPO / source] if (REPO / source).is_file() else (REPO / source).rglob("*")
        for path in (p for p in files if p.is_file() and "__pycache__" not in p.parts):
            assert filecmp.cmp(path, tmp_path / "tfbind" / "repository" / path.relative_to(REPO), shallow=False)
    tracked = subprocess.run(["git", "ls-files", "workflow", "profiles"], cwd=REPO, capture_output=True, text=True)
    assert all(f"tfbind/repository/{name}" in names for name in tracked.stdout.split())


def test_a_study_is_checked_planned_and_begun_outside_a_clone(installed, simulated, tmp_path):
    assert installed(tmp_path, "--version").stdout.strip() == __version__
    told = installed(tmp_path, "doctor").stdout
    assert f"workflow  {installed.purelib}/tfbind/repository\n" in told and "all as tested" in told
    study = tmp_path / "study"
    study.mkdir()
    studies.write(study)
    shutil.copytree(simulated, study / "resources" / "simulated")
    checked = installed(tmp_path, "validate", "--quick", "study/config.yaml")
    assert checked.returncode == 0 and "1 TF in 2 datasets" in checked.stdout, checked.stderr
    planned = installed(tmp_path, "run", "study/config.yaml", "-n", "--workflow-profile", "slurm")
    assert planned.returncode == 0 and "report_page" in planned.stdout, planned.stderr
    wanted = "results/positives/USF1_k562.parquet"
    begun = installed(tmp_path, "run", "study/config.yaml", wanted, "--cores", "1")
    assert begun.returncode == 0 and (study / wanted).is_file(), begun.stderr
    again = installed(tmp_path, "run", "study/config.yaml", wanted, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    (study / "config.yaml").write_text("seeds: one\n")
    refused = installed(tmp_path, "run", "study/config.yaml")
    assert refused.returncode == 2 and "seeds" in refused.stderr


def test_the_demo_is_there(installed, tmp_path):
    ran = installed(tmp_path, "run", "-n")
    assert ran.returncode == 0 and "simulate" in ran.stdout, ran.stderr
    assert filecmp.cmp(tmp_path / "config.yaml", REPO / "config.yaml", shallow=False)
