"""The conda environment says the same versions as constraints.txt."""

import re
from pathlib import Path

import yaml

REPO = Path(__file__).parents[1]
ELSEWHERE = {"python", "bedtools", "pip", "hatchling"}
ALIAS = {"pytorch": "torch", "python-isal": "isal"}


def norm(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_conda_environment_equals_the_lock():
    lock = dict(line.split("==") for line in (REPO / "constraints.txt").read_text().split())
    lock = {norm(name): version for name, version in lock.items()}
    for path in (REPO / "envs").glob("*.yaml"):
        for entry in yaml.safe_load(path.read_text())["dependencies"]:
            name, version = re.fullmatch(r"([a-z0-9_.-]+)=(\d[\w.]*)", entry).groups()
            if name not in ELSEWHERE:
                assert lock[norm(ALIAS.get(name, name))] == version, entry
    added = re.findall(r"(\S+)==(\S+)", (REPO / "envs" / "tfbind.post-deploy.sh").read_text())
    assert added and all(lock[norm(name)] == version for name, version in added)


def test_everything_the_package_needs_is_locked():
    import tomllib

    lock = {norm(line.split("==")[0]) for line in (REPO / "constraints.txt").read_text().split()}
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    for need in [*project["dependencies"], *(n for extra in project["optional-dependencies"].values() for n in extra)]:
        assert norm(re.match(r"[\w.-]+", need)[0]) in lock, need
