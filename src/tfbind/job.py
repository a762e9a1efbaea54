"""How a script of the workflow starts: its output goes to its log, and a job that fails ends the log with a message."""

import logging
import os
import sys
import traceback
from pathlib import Path

from tfbind.errors import InputError, NotEstimable, ResourceError

#: What the message of a failed job begins with, in its log and on its standard error.
SIGN = "Error: "
STOPPED = "stopped with Ctrl-C"
#: Names the standard error of a Snakemake that shows the messages of failed jobs itself (`progress.Watch`).
WATCHED = "TFBIND_WATCHED"


def begin(log: str | os.PathLike) -> None:
    """Send what the job logs and prints to `log`, and end it with a message where it fails.

    Standard output and standard error, also of libraries and of programs that are called, are appended to `log`. An
    exception that nobody catches is written there as ``Error: MESSAGE``, the last entry of the log. The traceback comes
    before it, except for `InputError`, `NotEstimable` and `ResourceError`, whose message is meant for the user, and for
    Ctrl-C. The message alone also goes to the job's own standard error, unless a Snakemake that shows it from the log
    reads there. The exit code is that of Python, 1.

    Parameters
    ----------
    log : path
        ``snakemake.log[0]``; its folder exists.
    """
    logging.basicConfig(filename=log, level="INFO")
    own = os.dup(2)
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    sys.stdout.flush()
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)

    def end(kind, error, trace):
        text = SIGN + said(error) + "\n"
        whole = "" if isinstance(error, _MEANT) else "".join(traceback.format_exception(kind, error, trace))
        if not _write(2, whole + text) or os.environ.get(WATCHED) != identity(own):
            _write(own, text)

    sys.excepthook = end


_MEANT = (InputError, NotEstimable, ResourceError, KeyboardInterrupt)


def said(error: BaseException) -> str:
    """An exception in words: the message alone of tfbind's own errors, anything else with its kind."""
    if isinstance(error, KeyboardInterrupt):
        return STOPPED
    if isinstance(error, _MEANT):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return ": ".join([str(name) for name in [error.filename] if name] + [error.strerror])
    return ": ".join(filter(None, [type(error).__name__, str(error)]))


def identity(descriptor: int) -> str:
    """A name for an open file, the same for two descriptors of one terminal, pipe or file."""
    state = os.fstat(descriptor)
    return f"{state.st_dev}:{state.st_ino}"


def message(log: str | os.PathLike) -> str:
    """The message of a failed job at the end of its log; empty where there is none, as for a job that was killed."""
    try:
        lines = Path(log).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    starts = [i for i, line in enumerate(lines) if line.startswith(SIGN)]
    return "\n".join(lines[starts[-1] :]).removeprefix(SIGN).strip() if starts else ""


def _write(descriptor: int, text: str) -> bool:
    """Whether a file took all of a text; on a full disk it does not, and the message must be shown elsewhere."""
    data = text.encode(errors="replace")
    try:
        return os.write(descriptor, data) == len(data)
    except OSError:
        return False
