"""The lock with its hashes, the conda environment, the licences and the bill of materials say the same versions."""

import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tfbind import __version__

REPO = Path(__file__).parents[1]
ELSEWHERE = {"python", "bedtools"}
ALIAS = {"pytorch": "torch", "python-isal": "isal"}
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]


def norm(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints():
    pins = [line.split(";")[0].split("==") for line in (REPO / "constraints.txt").read_text().splitlines()]
    return {norm(name.strip()): version.strip() for name, version in pins}


def locked():
    """Name -> (version, hashes) of the lock."""
    text = (REPO / "envs" / "requirements.lock").read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pin, *hashes = line.split()
        name, version = pin.split("==")
        found[norm(name)] = version, hashes
    return found


def test_conda_environment_equals_the_lock():
    lock = constraints()
    for path in (REPO / "envs").glob("*.yaml"):
        for entry in yaml.safe_load(path.read_text())["dependencies"]:
            name, version = re.fullmatch(r"([a-z0-9_.-]+)=(\d[\w.]*)", entry).groups()
            if name not in ELSEWHERE:
                assert lock[norm(ALIAS.get(name, name))] == version, entry
    added = re.findall(r"(\S+)==(\S+)", (REPO / "envs" / "tfbind.post-deploy.sh").read_text())
    assert added and all(lock[norm(name)] == version for name, version in added)


def test_every_environment_has_the_python_of_the_lock():
    """That of `make lock`; the conda environment has all that the package needs, and nothing that it does not."""
    locked_with = re.findall(r'"--python-version", "([\d.]+)"', (REPO / "envs" / "lock.py").read_text())
    made_with = re.findall(r"--python-version ([\d.]+)", (REPO / "Makefile").read_text())
    packages = yaml.safe_load((REPO / "envs" / "tfbind.yaml").read_text())["dependencies"]
    conda = [entry.removeprefix("python=") for entry in packages if entry.startswith("python=")]
    image = re.findall(r"^FROM python:([\d.]+)-", (REPO / "Dockerfile").read_text(), re.M)
    assert locked_with == made_with == conda == image and conda[0] in SpecifierSet(PROJECT["requires-python"])
    names = {norm(ALIAS.get(name, name)) for name in (entry.partition("=")[0] for entry in packages)} - ELSEWHERE
    added = re.findall(r"(\S+)==", (REPO / "envs" / "tfbind.post-deploy.sh").read_text())
    needed = {norm(Requirement(need).name) for need in PROJECT["dependencies"]}
    assert names | set(map(norm, added)) == needed | {"tqdm"}, "tqdm is memelite's"


def test_the_image_installs_what_the_lock_says():
    """It cannot be built here: each line is read."""
    text = (REPO / "Dockerfile").read_text().replace("\\\n", " ")
    (installed,) = re.findall(r"pip install (.*?) &&", text)
    options = shlex.split(installed)
    assert options[:3] == ["--no-cache-dir", "-c", "constraints.txt"]
    (what,) = options[3:]
    assert set(Requirement(f"tfbind{what.removeprefix('.')}").extras) <= set(PROJECT["optional-dependencies"])
    kept = [line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all(list(REPO.glob(pattern)) for pattern in kept)
    hatch = tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for path in [*hatch["packages"], *hatch["force-include"], PROJECT["readme"], "LICENSE", "constraints.txt"]:
        assert any(Path(path).match(pattern) or path.startswith(f"{pattern}/") for pattern in kept), path


def test_a_conda_environment_gets_the_tfbind_that_runs(tmp_path):
    """The post-deploy script, in an environment that is no conda's: tfbind is linked, also that of a new version."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    (purelib,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (purelib / "shared.pth").write_text(sysconfig.get_path("purelib"))
    script = REPO / "envs" / "tfbind.post-deploy.sh"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PATH"] = f"{tmp_path / 'env' / 'bin'}{os.pathsep}{environment['PATH']}"
    asked = ["python", "-c", "from tfbind import home; print(home.FOLDER)"]
    for package in (tmp_path / "older", REPO / "src" / "tfbind"):
        subprocess.run(["sh", script], env={**environment, "TFBIND_PACKAGE": str(package)}, check=True)
    told = subprocess.run(asked, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout.strip() == str(REPO), told.stderr


def test_everything_the_package_needs_is_locked():
    lock = constraints()
    extras = PROJECT["optional-dependencies"]
    for need in [*PROJECT["dependencies"], *(n for extra in extras.values() for n in extra)]:
        assert norm(re.match(r"[\w.-]+", need)[0]) in lock, need


def test_the_lock_has_a_hash_of_every_version_of_the_constraints():
    pins, lock = constraints(), locked()
    assert set(lock) < set(pins)  # all but what the benchmarks alone need
    for name, (version, hashes) in lock.items():
        assert pins[name] == version, f"{name}: make lock"
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", text) for text in hashes), name


def test_the_lock_is_whole():
    """`make setup` installs the lock without asking what its packages need."""
    extras = PROJECT["optional-dependencies"]
    lock = locked()
    waiting = [*PROJECT["dependencies"], *extras["dev"], *extras["cluster"]]
    seen = set()
    while waiting:
        need = Requirement(waiting.pop())
        name = norm(need.name)
        for extra in need.extras or {""}:
            if (name, extra) in seen or (need.marker and not need.marker.evaluate({"extra": ""})):
                continue
            seen.add((name, extra))
            if name.startswith(("nvidia-", "cuda-")) or name == "triton":
                continue  # torch pins its own
            assert name in lock, f"{need} is not locked: make lock"
            assert lock[name][0] in need.specifier, need
            for deep in importlib.metadata.requires(name) or []:
                marker = Requirement(deep).marker
                if marker is None or marker.evaluate({"extra": extra}):
                    waiting.append(deep.split(";")[0])


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_compromised_releases_of_lightning_cannot_be_installed(version):
    wanted = [Requirement(need) for need in PROJECT["dependencies"] if "lightning" in need]
    assert wanted and all(version not in need.specifier for need in wanted)
    assert constraints()["pytorch-lightning"] in wanted[0].specifier & SpecifierSet("!=2.6.2,!=2.6.3")
    assert "lightning" not in constraints(), "the other name of the same code"


def test_licences_and_bill_of_materials_are_those_of_the_lock():
    lock = {name: version for name, (version, _) in locked().items()}
    bill = json.loads((REPO / "envs" / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["version"] == __version__
    assert {norm(c["name"]): c["version"] for c in bill["components"]} == lock
    assert all(c["licenses"] for c in bill["components"])
    page = (REPO / "docs" / "licences.md").read_text()
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", page, re.M)
    listed = {norm(name): version for name, version, _ in rows if name not in ("package", "---")}
    assert listed == lock


def test_bedtools_comes_without_any_right(tmp_path):
    """Where apt may not install, it is unpacked beside Python; where there is no apt, one line says what to do."""
    script = REPO / "workflow" / "scripts" / "install_bedtools.sh"
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("id", "env", "mktemp", "dirname", "cp", "rm", "sh"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (programs / name).symlink_to(found)
    run = subprocess.run([script, tmp_path], env={"PATH": str(programs)}, capture_output=True, text=True)
    assert run.returncode == 4 and run.stderr.count("\n") == 1 and "conda install -c bioconda bedtools" in run.stderr

    def program(name, text):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)

    program("apt-get", 'case "$1" in download) : > bedtools_2_amd64.deb;; *) exit 100;; esac')
    unpacked = (
        "mkdir -p usr/bin; printf '#!/bin/sh\\necho bedtools v2\\n' > usr/bin/bedtools; chmod +x usr/bin/bedtools"
    )
    program("dpkg-deb", f"PATH=/usr/bin:/bin; {unpacked}")
    target = tmp_path / "a venv" / "bin"
    target.mkdir(parents=True)
    where = {"PATH": f"{programs}:{target}"}
    assert subprocess.run([script, target], env=where, capture_output=True).returncode == 0
    told = subprocess.run([target / "bedtools", "--version"], capture_output=True, text=True)
    assert told.stdout == "bedtools v2\n"
    assert subprocess.run([script, "nowhere"], env=where, capture_output=True).returncode == 0, "found now"
