"""Write files whole or not at all: first under a temporary name, then renamed."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfbind.errors import InputError, NotEstimable, ResourceError

#: Error number of a refused write -> remedy.
_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "your quota is used up: delete something, or ask for more",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f)",
    errno.EROFS: "make the folder writable, or work in another (snakemake --directory)",
    errno.EACCES: "make the folder writable, or work in another (snakemake --directory)",
    errno.EPERM: "make the folder writable, or work in another (snakemake --directory)",
    errno.EIO: "the disk or its server fails: look at the system's log",
}
AGAIN = "delete it and run the same command again: it is made anew"


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`; it is renamed to `path` if the block succeeds and deleted if it fails.

    Missing folders are created. The file gets the permissions of any new file.

    Parameters
    ----------
    path : path
        Final name. A file of this name is replaced.

    Yields
    ------
    Path
        An empty file in the folder of `path`, to be written in the block.

    Raises
    ------
    ResourceError
        The machine cannot write the file: the disk is full, the quota used up, the folder read-only.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.parent / f".{path.name}.{secrets.token_hex(8)}"
        # with the permissions of any new file: os.umask cannot be read without changing it for all threads
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        temporary, rights = fresh, stat.S_IMODE(fresh.stat().st_mode)
        yield temporary
        temporary.chmod(rights)  # safetensors replaces the file by its own
        temporary.replace(path)
    except (InputError, NotEstimable, ResourceError):
        raise
    except Exception as error:
        refusal = error if isinstance(error, OSError) else temporary and _refusal(temporary)
        if refusal and (fault := refused(path, refusal)):
            raise fault from error
        raise
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def _refusal(temporary: Path) -> OSError | None:
    """The error with which the disk refuses more bytes, or None; torch, safetensors and samtools do not pass it on."""
    try:
        with open(temporary, "ab") as file:
            file.write(bytes(2**16))
    except OSError as error:
        return error
    return None


def refused(path: Path, error: OSError) -> ResourceError | None:
    """Turn a failed write into an error that names the remedy.

    Parameters
    ----------
    path : Path
        File that could not be written.
    error : OSError
        As the system raised it.

    Returns
    -------
    ResourceError or None
        None where the error has another cause than a refused write, or concerns a file elsewhere: neither `path`, nor
        in the folder of `path`, nor a folder above it.
    """
    other = error.filename is not None and path.parent not in Path(error.filename).parents
    if error.errno not in _REMEDIES or (other and not path.is_relative_to(error.filename)):
        return None
    said = f"{path}: not written: {os.strerror(error.errno)}; {_REMEDIES[error.errno]}"
    return ResourceError(f"{said}, then run the same command again: what is done is kept")
