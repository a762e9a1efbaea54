"""The cluster profiles on a SLURM cluster that the test starts: the files of a local run."""

import filecmp
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slurm import cluster as slurm

REPO = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
DATASETS = ("USF1_k562", "USF1_selex")
EPOCHS = 3


@pytest.fixture(scope="module")
def cluster():
    if missing := slurm.missing():
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    with slurm.running() as started:
        yield started


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A study of one factor in two assays, one network and the floor, run on this machine."""
    folder = tmp_path_factory.mktemp("local")
    config = yaml.safe_load((REPO / "config.yaml").read_text())
    config |= {"seeds": [0], "training": {"epochs": EPOCHS, "patience": EPOCHS, "steps": 0, "batch_size": 64}}
    config["models"] = {"deepbind": {"kind": "deepbind"}, "composition": {"kind": "composition"}}
    config["statistics"]["resamples"] = 100
    for key in ("cells", "celltype", "transfer"):
        del config[key]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    header, *rows = (REPO / "resources" / "datasets.tsv").read_text().splitlines()
    (folder / "resources").mkdir()
    rows = [row for row in rows if row.startswith(DATASETS)]
    (folder / "resources" / "datasets.tsv").write_text("\n".join([header, *rows]) + "\n")
    done = subprocess.run([*command(folder), "--cores", "2"], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.fixture
def study(local, tmp_path):
    """The same study with nothing done yet."""
    for name in ("config.yaml", "resources/datasets.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(local / name, tmp_path / name)
    shutil.copytree(local / "resources" / "simulated", tmp_path / "resources" / "simulated")
    return tmp_path


def command(folder, *arguments):
    return list(map(str, [SNAKEMAKE, "--configfile", folder / "config.yaml", "--directory", folder, *arguments]))


def assert_same(ours, theirs):
    """The same files under results/, byte for byte; the page alone names the folder that its inputs lie in."""
    names = [{p.relative_to(f) for p in (f / "results").rglob("*") if p.is_file()} for f in (ours, theirs)]
    assert names[0] == names[1]
    tables = sorted(name for name in names[0] if name.name != "report.html")
    assert not [str(name) for name in tables if not filecmp.cmp(ours / name, theirs / name, shallow=False)]


def test_the_profiles_ask_for_the_same():
    ours, theirs = (yaml.safe_load((REPO / "profiles" / p / "config.yaml").read_text()) for p in ("slurm", "generic"))
    for key in ("default-resources", "set-resources", "groups", "group-components", "cores", "jobs", "retries"):
        assert ours[key] == theirs[key], key


@pytest.mark.parametrize(
    ("profile", "pause"),
    [("generic", "--seconds-between-status-checks"), ("slurm", "--slurm-init-seconds-before-status-checks")],
)
def test_a_cluster_makes_the_files_of_a_local_run(cluster, local, study, profile, pause):
    asked = command(study, "--workflow-profile", f"profiles/{profile}", pause, 1)
    run = subprocess.run(asked, cwd=REPO, env=cluster.environment, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stderr[-4000:]
    assert_same(study, local)
