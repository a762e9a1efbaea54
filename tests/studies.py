"""A study of one factor in two assays, small enough to run many times: what the tests of runs that go wrong share."""

import filecmp
import subprocess
import sys
from pathlib import Path

import yaml

REPO = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
DATASETS = ("USF1_k562", "USF1_selex")
EPOCHS = 60  # long enough to be killed amid them


def command(folder, *arguments, program=(SNAKEMAKE,), config=None):
    """Snakemake in `folder`, on the study that lies there or on another config."""
    config = config or folder / "config.yaml"
    return list(map(str, [*program, "--configfile", config, "--directory", folder, *arguments]))


def write(folder):
    """The config and the sheet: one network and the floor on simulated peaks and reads."""
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


def run(folder, *arguments, program=(SNAKEMAKE,), config=None, **options):
    """What `command` does and says."""
    options = {"cwd": REPO, "capture_output": True, "text": True} | options
    return subprocess.run(command(folder, *arguments, program=program, config=config), **options)


def results(folder):
    """The files under results/."""
    return sorted(path.relative_to(folder) for path in (folder / "results").rglob("*") if path.is_file())


def assert_same(ours, theirs):
    """The same files under results/, byte for byte."""
    names = results(ours)
    assert names == results(theirs), set(names) ^ set(results(theirs))
    other = [str(name) for name in names if not filecmp.cmp(ours / name, theirs / name, shallow=False)]
    assert not other, other
