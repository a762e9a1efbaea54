"""Files that are whole or not there: written under a temporary name, then renamed."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfbind.errors import InputError, NotEstimable, ResourceError

#: Why a machine refuses to write -> what to do.
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
    """A temporary path beside `path` that takes its name when the block ends well and vanishes when it does not.

    Raises
    ------
    ResourceError
        The machine did not take the file: its disk is full, its folder cannot be written.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.parent / f".{path.name}.{secrets.token_hex(8)}"
        # with the rights of any new file; to ask for the umask is to change it for every thread
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        temporary, rights = fresh, stat.S_IMODE(fresh.stat().st_mode)
        yield temporary
        temporary.chmod(rights)  # safetensors writes a file of its own
        temporary.replace(path)
    except (InputError, NotEstimable, ResourceError):
        raise
    except Exception as error:
        refusal = error if isinstance(error, OSError) else _refusal(temporary)
        if refusal and (fault := refused(path, refusal)):
            raise fault from error
        raise
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def _refusal(temporary: Path) -> OSError | None:
    """Why the disk takes no more of a file; torch, safetensors and samtools do not tell."""
    try:
        with open(temporary, "ab") as file:
            file.write(bytes(2**16))
    except OSError as error:
        return error
    return None


def refused(path: Path, error: OSError) -> ResourceError | None:
    """What a person is told when the machine does not take a file; None where the error is about something else."""
    other = error.filename is not None and path.parent not in Path(error.filename).parents
    if error.errno not in _REMEDIES or (other and not path.is_relative_to(error.filename)):
        return None
    said = f"{path}: not written: {os.strerror(error.errno)}; {_REMEDIES[error.errno]}"
    return ResourceError(f"{said}, then run the same command again: what is done is kept")
