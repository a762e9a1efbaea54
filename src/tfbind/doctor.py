"""Whether this machine has all that a run needs, in words."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tfbind import home
from tfbind.io import paths

#: Below these a run of a few human datasets is likely to end early (bytes).
MEMORY, DISK = 4 * 2**30, 10 * 2**30
_PYTHON = (3, 11)


class Check(NamedTuple):
    """One thing that was checked; `state` is `ok`, `note` (works with a restriction) or `missing` (a run fails)."""

    state: str
    what: str
    words: str


def checks(folder: Path) -> Iterator[Check]:
    """Check Python, packages, workflow, bedtools, cores, memory, disk of `folder`, GPU and cache, in that order."""
    found = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= _PYTHON
    yield Check("ok" if good else "missing", "python", found if good else f"{found}; 3.11 or newer is needed")
    yield from packages()
    yield Check("ok", "workflow", str(home.FOLDER))
    yield bedtools()
    yield cores()
    memory = available_memory()
    words = f"{memory / 2**30:.1f} GB free" + ("" if memory >= MEMORY else "; run with --cores 1, or elsewhere")
    yield Check("ok" if memory >= MEMORY else "note", "memory", words)
    free = shutil.disk_usage(folder).free
    words = f"{free / 2**30:.1f} GB free in {folder.resolve()}"
    state = "ok" if free >= DISK else "note" if free >= DISK / 20 else "missing"
    yield Check(state, "disk", words if state == "ok" else f"{words}; a human genome alone takes 3 GB")
    yield gpu()
    yield from cache()


def packages(lock: Path | None = None) -> Iterator[Check]:
    """The packages that tfbind requires, against the versions of constraints.txt where that file is found."""
    lock = lock or home.FOLDER / "constraints.txt"
    needed = [re.match(r"[\w.-]+", line)[0] for line in importlib.metadata.requires("tfbind") or [] if ";" not in line]
    lines = lock.read_text().splitlines() if lock.is_file() else []
    # a line may go on with a marker of the environment, a hash or a remark
    pins = {_plain(pin[1]): pin[2] for line in lines if (pin := re.match(r"([\w.-]+) *== *([\w.!+-]+)", line))}
    absent, other, remedy = [], [], f"{sys.executable} -m pip install -c {lock}"
    for name in needed:
        try:
            version = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
            continue
        if pins.get(_plain(name), version) != version:
            other.append(f"{name} {version} (tested: {pins[_plain(name)]})")
    if absent:
        yield Check("missing", "packages", f"{', '.join(absent)}; {remedy} {' '.join(absent)}")
    if other:
        names = " ".join(line.split()[0] for line in other)
        yield Check("note", "packages", f"{', '.join(other)}; {remedy} {names} gives the tested ones")
    if not absent and not other:
        yield Check("ok", "packages", f"{len(needed)} installed" + (", all as tested" if pins else ""))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def bedtools() -> Check:
    """The one program that no Python package brings along: bedtools."""
    if shutil.which("bedtools") is None:
        install = "apt-get install bedtools, or conda install -c bioconda bedtools, or brew install bedtools"
        return Check("missing", "bedtools", f"not installed: {install}")
    run = subprocess.run(["bedtools", "--version"], capture_output=True, text=True)
    return Check("ok" if run.returncode == 0 else "missing", "bedtools", (run.stdout or run.stderr).strip())


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> Check:
    """How many cores this process may use, and whether the threads of libraries will compete for them."""
    usable = usable_cores()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads not in ("", "1"):
        return Check(
            "note", "cores", f"{usable}; OMP_NUM_THREADS is {threads}, unset it: jobs run side by side instead"
        )
    return Check("ok", "cores", f"{usable}; snakemake --cores {usable} uses all")


def available_memory() -> int:
    """Memory in bytes that may still be used: of the machine or, where it is less, of the control group."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        found = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
        machine = int(found[1]) * 1024 if found else machine
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(machine, int(limit) - used) if limit.isdigit() else machine
    except OSError:  # no Linux, or no control group
        return machine


def gpu() -> Check:
    """The GPU that training and scoring use where it is faster (`models.devices`), if there is one."""
    try:
        import torch
    except ImportError as error:
        return Check("missing", "GPU", f"torch cannot be loaded: {error}")
    if torch.cuda.is_available():
        return Check("ok", "GPU", torch.cuda.get_device_name(0))
    return Check("ok", "GPU", "none; everything runs on the processor")


def cache() -> Iterator[Check]:
    """Where downloads are kept, and the mirror where one is named."""
    folder = paths.cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        yield Check("ok", "cache", f"{folder} can be written")
    except OSError as error:
        yield Check(
            "missing", "cache", f"{folder}: {error.strerror}; point TFBIND_CACHE to a folder that can be written"
        )
    if mirror := os.environ.get("TFBIND_MIRROR"):
        there = (Path(mirror) / "MANIFEST.tsv").is_file()
        yield Check("ok" if there else "missing", "mirror", mirror if there else f"{mirror} holds no MANIFEST.tsv")
