"""Work that is not done again: the files of one unit of work, kept with a stamp of all that they were made of.

Snakemake deletes the outputs of a job before it runs again. A job of many units (each network of a dataset, say) runs
again as soon as one of them is new; the others are then taken from here. The files are hard links to the outputs, so
they need no disk space; an output that was damaged in place is noticed by its checksum and made again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tfbind.io import atomic

#: Under the working folder. Without it everything is made again when Snakemake asks for it.
STORE = Path(".tfbind/kept")
_NOTE = "made.json"


def stamp(*made_of: object) -> str:
    """A digest of all that a unit of work is made of.

    Parameters
    ----------
    *made_of : Path, or what JSON can hold
        A `Path` stands for the content of its file, anything else for itself.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    found = hashlib.sha256()
    for part in made_of:
        found.update(_sha256(part).encode() if isinstance(part, Path) else json.dumps(part, sort_keys=True).encode())
        found.update(b"\n")
    return found.hexdigest()


def restore(outputs: Sequence[str | os.PathLike], stamp: str) -> bool:
    """Put kept files in the places of `outputs` if they have this stamp and are as they were made.

    Parameters
    ----------
    outputs : sequence of path
        All files of one unit, relative to the working folder; the first names the unit.
    stamp : str
        See `stamp`.

    Returns
    -------
    bool
        Whether the outputs are there now. If not, make them and `keep` them.
    """
    folder = _folder(outputs)
    try:
        note = json.loads((folder / _NOTE).read_text())
        whole = note["stamp"] == stamp and [_sha256(folder / Path(path).name) for path in outputs] == note["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if whole:
        for path in map(Path, outputs):
            _link(folder / path.name, path)
            os.utime(path)  # newer than the inputs, as if it had been made now
    return whole


def keep(outputs: Sequence[str | os.PathLike], stamp: str) -> None:
    """Keep the files of a unit that has just been made, and drop those kept of it before.

    Parameters
    ----------
    outputs : sequence of path
        All files of the unit, relative to the working folder; the first names the unit.
    stamp : str
        See `stamp`.
    """
    folder = _folder(outputs)
    (folder / _NOTE).unlink(missing_ok=True)
    for path in map(Path, outputs):
        _link(path, folder / path.name)
    with atomic.replacing(folder / _NOTE) as temporary:
        temporary.write_text(json.dumps({"stamp": stamp, "sha256": [_sha256(Path(path)) for path in outputs]}) + "\n")


def copy(there: Sequence[str | os.PathLike], outputs: Sequence[str | os.PathLike]) -> bool:
    """Put the files of another unit, which was made of the same, in the places of `outputs`.

    Parameters
    ----------
    there, outputs : sequence of path
        All files of each unit, in one order.

    Returns
    -------
    bool
        True.
    """
    for source, target in zip(map(Path, there), map(Path, outputs), strict=True):
        _link(source, target)
        os.utime(target)
    return True


def _folder(outputs: Sequence[str | os.PathLike]) -> Path:
    first = Path(os.path.relpath(outputs[0]))
    return STORE.joinpath(*(part for part in first.parts if part != ".."))


def _link(source: Path, target: Path) -> None:
    # to a new name first: a kill never leaves half a file, and two jobs may do the same at once
    with atomic.replacing(target) as temporary:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, temporary)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
