"""How tests wait: for what they wait for, or until nothing has moved for long. None knows how fast a machine is."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
#: Seconds in which nothing at all has moved: no file has grown, no process has used a hundredth of a second. A machine
#: that is merely slow moves something.
STILL = 600
_PAUSE = 0.3


class Stuck(AssertionError):
    """What was waited for does not come."""


def until(what: str, reached: Callable[[], T], moved: Callable[[], object], still: float = STILL) -> T:
    """The first true answer of `reached`, asked again and again while the answers of `moved` change."""
    seen, since = moved(), time.monotonic()
    while not (answer := reached()):
        now = moved()
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > still:
            raise Stuck(f"{what}: nothing has moved for {still} s, all is at {seen}")
        time.sleep(_PAUSE)
    return answer


def ended(process: subprocess.Popen, moved: Callable[[], object] | None = None) -> int:
    """The exit status of a process; what moves is by default its processor time and that of the processes below it."""
    moved = moved or (lambda: ticks(below(process.pid)))
    until(f"the end of process {process.pid}", lambda: process.poll() is not None, moved)
    return process.returncode


def sizes(*folders: Path) -> tuple[int, int]:
    """How many files lie below folders, and how many bytes they hold."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):  # it may go while it is looked at
                found.append(path.stat().st_size)
    return len(found), sum(found)


def processes() -> dict[int, int]:
    """Process -> its parent, of all that can be seen."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            found[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return found


def below(pid: int) -> set[int]:
    """A process, its children, theirs, and so on."""
    parents = processes()
    found, waiting = set(), {pid}
    while waiting:
        found |= waiting
        waiting = {child for child, parent in parents.items() if parent in waiting} - found
    return found


def ticks(pids: Iterable[int]) -> int:
    """The processor time that processes have used, in ticks of the kernel's clock."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total


def is_stopped(pid: int) -> bool:
    """Whether a process has been stopped (SIGSTOP) and not continued."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False


def open_files(pid: int) -> set[str]:
    """The files that a process holds open."""
    found = set()
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(path))
    return found


def jobs_of(folder: Path, besides: Iterable[int] = ()) -> set[int]:
    """The processes that do a job of the workflow in `folder`, or get ready to: Python, there, without children.

    One that has children waits for them; what it does meanwhile, looking at the clock, brings nothing on.
    """
    parents = processes()
    leaves = set(parents) - set(parents.values()) - set(besides)
    found = set()
    for pid in leaves:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"python" in words[0] and Path(os.readlink(f"/proc/{pid}/cwd")) == folder:
                found.add(pid)
    return found


def work(folder: Path, besides: Iterable[int] = ()) -> tuple:
    """What changes while jobs of the workflow in `folder` get on: files, and the processor time of the jobs."""
    return *sizes(folder / "logs", folder / "results", folder / "resources"), ticks(jobs_of(folder, besides))
