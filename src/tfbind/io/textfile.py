"""Text files of users: plain or gzip (recognised by the bytes, not the name), any line ends, with or without BOM."""

import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from isal import igzip, isal_zlib

from tfbind.errors import InputError

#: Most faults of one file that are listed; the others are counted.
LISTED = 20
#: Most characters of a line or name that a message quotes.
SHOWN = 300
#: A compressed file that unpacks to more than `BOMB` bytes and to more than `RATIO` times its own size is refused as a
#: decompression bomb: FASTA, FASTQ and peaks compress four to thirty times. A line of `LONGEST` characters or more is
#: neither a read nor a peak.
BOMB, RATIO, LONGEST = 2**24, 100, 2**24
#: The name of standard input where a file is asked for.
STANDARD = "-"
#: How files begin that are no text, unpacked or not -> what they are, and what to give instead.
_AGAIN = "unpack it or pack it with gzip"
_SIGNAL = "give the peaks that were called on it"
_ALIGNED = "call peaks on them, e.g. with MACS, and give these"
_FOREIGN = {
    b"PK\x03\x04": ("a zip archive", f"{_AGAIN} (a sheet of Excel: save it as tab-separated text)"),
    b"\xd0\xcf\x11\xe0": ("a document of Excel or Word", "save it as tab-separated text"),
    **{
        start: (name, _AGAIN) for start, name in ((b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))
    },
    **dict.fromkeys((b"BAM\1", b"CRAM"), ("BAM or CRAM, alignments", _ALIGNED)),
    **dict.fromkeys((b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26"), ("bigWig, a signal along the genome", _SIGNAL)),
    **dict.fromkeys((b"\xeb\xf2\x89\x87", b"\x87\x89\xf2\xeb"), ("bigBed", "unpack it with bigBedToBed")),
    **dict.fromkeys((b"\x43\x27\x41\x1a", b"\x1a\x41\x27\x43"), ("2bit", "unpack it with twoBitToFa")),
    **dict.fromkeys((b"BAI\1", b"TBI\1", b"CSI\1"), ("an index", "name the file that it is of")),
    b"NCBI.sra": ("an archive of SRA", "unpack it with fasterq-dump"),
    b"\x89HDF": ("HDF5", "write its content as text"),
    b"PAR1": ("Parquet", "write it as tab-separated text"),
    b"%PDF": ("a PDF", "name the data file"),
}


class Truncated(InputError):
    """A compressed file ends early or is damaged."""


class _Unpacked(io.RawIOBase):
    """The content of a gzip file; refused if it unpacks to far more than any data do."""

    def __init__(self, path: str | os.PathLike, unpack: Callable[..., BinaryIO]):
        standard = path == STANDARD
        self.path, self.unpacked, self.stream = path, 0, unpack(sys.stdin.buffer if standard else path, "rb")
        # the size of standard input is not known, and it is never held whole in memory
        self.most = sys.maxsize if standard else max(BOMB, RATIO * os.path.getsize(path))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self.stream.readinto1(buffer)  # one block at most, so that all before a fault is read
        self.unpacked += count
        if self.unpacked > self.most:
            raise InputError(f"{self.path}: unpacks to over {RATIO} times its size, as no data do; fetch it again")
        return count

    def close(self) -> None:
        self.stream.close()
        super().close()


class whole:
    """A context in which the errors that gzip libraries raise for a damaged file become `Truncated`.

    Parameters
    ----------
    path : path
        The file, as the message names it.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, (EOFError, zlib.error, isal_zlib.error, gzip.BadGzipFile)):
            message = f"{self.path}: the gzip file ends early or is damaged; download it again"
            raise Truncated(message) from error


def binary(path: str | os.PathLike, unpack: Callable[..., BinaryIO] = igzip.open) -> BinaryIO:
    """Open a file for reading bytes, unpacked if it is gzip or bgzip.

    Parameters
    ----------
    path : path
        ``-`` is standard input.
    unpack : callable
        Opens a gzip file, or an open stream of one, given the mode ``rb``.

    Returns
    -------
    binary file
        Readable and buffered; the caller closes it.

    Raises
    ------
    InputError
        The file is missing, in another compressed format or binary, or a web page or JSON answer under the name of a
        data file. Reading raises it as well if the content unpacks to over `RATIO` times the size of the file.
    Truncated
        The gzip file is damaged within its first bytes.
    """
    if path == STANDARD:
        magic = sys.stdin.buffer.peek(8)[:8]
    else:
        try:
            with open(path, "rb") as raw:
                magic = raw.read(8)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; check the path") from None
    _refuse_foreign(path, magic)
    if magic[:2] == b"\x1f\x8b":
        stream = io.BufferedReader(_Unpacked(path, unpack), 2**17)
    else:
        stream = sys.stdin.buffer if path == STANDARD else io.BufferedReader(io.FileIO(path), 2**17)
    with whole(path):
        head = stream.peek(256)[:256]
    try:
        _refuse_foreign(path, head)  # BAM is packed as gzip is
    except InputError:
        stream.close()
        raise
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begins[:1] in (b"<", b"{", b"\0") or b"\0" in head.rstrip(b"\0"):
        stream.close()
        shown = begins[:60].decode("ascii", "replace").replace("\n", " ")
        raise InputError(f"{path}: not a data file, it begins with {shown!r}; download it again")
    return stream


def _refuse_foreign(path: str | os.PathLike, head: bytes) -> None:
    for start, (what, remedy) in _FOREIGN.items():
        if head.startswith(start):
            raise InputError(f"{path}: this is {what}; {remedy}")


def lines(path: str | os.PathLike) -> Iterator[str]:
    """Yield each line of a file without its line end.

    Raises
    ------
    Truncated
        The gzip file is damaged; raised after the lines before the damage.
    InputError
        The file cannot be opened (see `binary`), or a line is longer than `LONGEST` characters.
    """
    # gzip, since igzip withholds up to a buffer before the damage, and messages say how far a file can be read
    with binary(path, gzip.open) as stream, whole(path):
        decoded = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace")
        number = 0
        while line := decoded.readline(LONGEST):
            number += 1
            if len(line) == LONGEST:
                raise InputError(f"{path}:{number}: a line of {LONGEST} characters or more; is this the right file?")
            yield line.rstrip("\n\0")  # some published files end in a NUL


def fields(line: str, separator: str) -> list[str]:
    """The cells of a row, without the quotation marks around them; a separator between such marks is part of its cell.

    Parameters
    ----------
    line : str
        Without its line end.
    separator : str
        One character.

    Returns
    -------
    list of str
        Spaces around a cell are left out.
    """
    if '"' not in line:
        return [field.strip() for field in line.split(separator)]
    cells = re.findall(rf'(?:^|{separator})( *"[^"]*" *|[^{separator}]*)(?={separator}|$)', line)
    return [cell.strip().strip('"').strip() for cell in cells]


def shown(value: str | bytes) -> str:
    """Quote a text of the user's for a message; one of over `SHOWN` characters is cut, and its length given."""
    return repr(value) if len(value) <= SHOWN else f"{value[:SHOWN]!r}... ({len(value)} characters)"


def listed(faults: list[str]) -> list[str]:
    """The first `LISTED` faults, and a line with the number of the others."""
    rest = len(faults) - LISTED
    return faults[:LISTED] + ([f"... and {rest} more like these"] if rest > 0 else [])
