"""`tfbind run`, from the clone: what it hands to Snakemake, and what it refuses."""

import filecmp
import subprocess
import sys

import pytest
from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

import studies
from tfbind import home, run
from tfbind.errors import InputError, ResourceError


def tfbind(folder, *arguments):
    command = [sys.executable, "-m", "tfbind.cli", "run", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def small(simulated, tmp_path):
    """The small study, its inputs there, in a folder below the working folder."""
    folder = tmp_path / "a study"
    folder.mkdir()
    studies.write(folder)
    (folder / "resources" / "simulated").symlink_to(simulated)
    return folder


def test_a_study_runs_in_the_folder_of_its_config(small, tmp_path):
    ran = tfbind(tmp_path, "a study/config.yaml", "resources/genomes/simulated.fa.fai", "--cores", 1)
    assert ran.returncode == 0, ran.stderr
    assert (small / "resources" / "genomes" / "simulated.fa.fai").is_file()
    other = tfbind(tmp_path, "a study/config.yaml", "-n", "--directory", "elsewhere", "results/summary.tsv")
    assert other.returncode == 0 and (tmp_path / "elsewhere" / ".snakemake").is_dir()
    assert "index_genome" in other.stdout and "report_page" not in other.stdout
    assert not (small / "results").exists() and not (tmp_path / "results").exists()


def test_a_job_that_fails_ends_with_1(small, tmp_path):
    (small / "broken.narrowPeak").write_text("chr1\tx\ty\n")
    sheet = small / "resources" / "datasets.tsv"
    broken = sheet.read_text().replace("simulated/USF1_k562.narrowPeak", "../broken.narrowPeak")
    sheet.with_name("broken.tsv").write_text(broken)
    words = ("results/positives/USF1_k562.parquet", "--config", "datasets=resources/broken.tsv")
    ran = tfbind(tmp_path, "a study/config.yaml", *words)
    assert ran.returncode == 1 and "broken.narrowPeak:1" in ran.stdout + ran.stderr, ran.stderr


BAD = {
    "an invalid config": (["c.yaml", "-n"], "'negatives' is a required property"),
    "no such file": (["none.yaml"], "none.yaml"),
    "an unknown option": (["c.yaml", "--coers", "8"], "--coers"),
    "a config that is not first": (["--cores", "1", "c.yaml"], "name the config first: tfbind run c.yaml"),
    "two configs": (["c.yaml", "--configfile", "d.yaml"], "c.yaml is the config already"),
    "two of Snakemake's": (["--configfile", "c.yaml", "d.yaml"], "one --configfile is one study"),
    "a value that is none": (["c.yaml", "--config", "level"], "name=value"),
    "no such executor": (["{study}", "--executor", "abacus"], "abacus"),
    "a number that is none": (["c.yaml", "--cores", "many"], "must be integer or"),
}


@pytest.mark.parametrize(("words", "said"), BAD.values(), ids=BAD)
def test_what_is_wrong_with_the_command_or_the_study_is_refused(words, said, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [word.format(study="a study/config.yaml") for word in words]
    for name in ("c.yaml", "d.yaml"):
        (tmp_path / name).write_text("datasets: d.tsv\n")
    with pytest.raises(InputError) as refused:
        run.run(words)
    assert said in str(refused.value) and len(str(refused.value).splitlines()) <= 3
    assert not (tmp_path / ".snakemake").exists(), "something was started"


def test_a_storage_needs_its_plug_in_and_a_place(small, monkeypatch):
    words = [str(small / "config.yaml"), "-n", "--default-storage-provider", "cellar"]
    with pytest.raises(ResourceError, match="no storage cellar: pip install snakemake-storage-plugin-cellar"):
        run.run(words)
    monkeypatch.setattr(StoragePluginRegistry, "is_installed", lambda self, name: True)
    with pytest.raises(InputError, match="storage cellar: name the place in it with --default-storage-prefix"):
        run.run(words)


def test_what_is_refused_ends_with_2(tmp_path):
    ran = tfbind(tmp_path, "none.yaml")
    assert ran.returncode == 2 and "none.yaml" in ran.stderr and "Traceback" not in ran.stderr


def test_without_a_config_the_demo_is_copied_and_nothing_is_overwritten(tmp_path):
    ran = tfbind(tmp_path, "-n")
    assert ran.returncode == 0 and "config.yaml: the demo" in ran.stdout and "adapt " in ran.stdout, ran.stderr
    for name in run.DEMO:
        assert filecmp.cmp(tmp_path / name, home.FOLDER / name, shallow=False)
    assert tfbind(tmp_path, "-n").returncode == 0, "it is now the config of this folder"
    (tmp_path / "config.yaml").unlink()
    (tmp_path / "resources" / "cells.tsv").write_text("mine\n")
    ran = tfbind(tmp_path, "-n")
    assert ran.returncode == 2 and "datasets.tsv is there without a config.yaml" in ran.stderr
    assert (tmp_path / "resources" / "cells.tsv").read_text() == "mine\n"
