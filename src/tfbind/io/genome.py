"""A reference genome: an unpacked FASTA file and its index, written by one rule and only read by all others."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pysam

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import peak_formats, textfile
from tfbind.io.atomic import replacing
from tfbind.kernels import windows as kernel

_CHUNK = 1 << 22  # bytes of lines taken at a time
_LETTERS = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv"


def index(source: str | os.PathLike, out_fasta: str | os.PathLike) -> None:
    """Write an unpacked copy of a FASTA and its ``.fai`` index.

    Parameters
    ----------
    source : path
        Plain, gzip or bgzip FASTA.
    out_fasta : path
        The copy; the index is written beside it, with ``.fai`` added to the name.

    Raises
    ------
    InputError
        With all faults: text before the first name; a name that occurs twice, is empty or not ASCII; a record without
        sequence; lines of unequal length in a record; letters outside the IUPAC code; no record; a damaged file.
    ResourceError
        The disk is full or the folder cannot be written.
    """
    with replacing(out_fasta) as fasta:
        _copy(source, fasta)
        made = Path(f"{fasta}.fai")
        try:
            pysam.faidx(str(fasta))
            made.replace(f"{out_fasta}.fai")
        finally:
            made.unlink(missing_ok=True)


def _copy(source: str | os.PathLike, fasta: Path) -> None:
    faults, names = [], set()
    name, width, previous, blank = None, 0, 0, False

    def close(number: int) -> None:
        if name is not None and not previous:
            faults.append(f"{source}:{number}: record {name!r} has no sequence; delete it or fetch the file again")

    with textfile.binary(source) as stream, textfile.whole(source), open(fasta, "wb") as out:
        for number, line in enumerate(stream, 1):
            line = line.rstrip(b"\r\n")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.startswith(b">"):
                close(number)
                if b"\r" in line:
                    faults.append(f"{source}:{number}: a line ends in a carriage return alone; use tr '\\r' '\\n'")
                words = line[1:].split(None, 1)
                name = words[0].decode("utf-8", "replace") if words and not line[1:2].isspace() else ""
                if not name:
                    faults.append(f"{source}:{number}: a record without a name; name it right after '>'")
                elif not (name.isascii() and name.isprintable()):
                    faults.append(f"{source}:{number}: name {name!r} is not plain ASCII; rename the record")
                elif name in names:
                    faults.append(f"{source}:{number}: name {name!r} occurs twice; names must differ")
                names.add(name)
                width, previous, blank = 0, 0, False
            elif not line:
                blank = True
                continue
            elif name is None:
                faults.append(f"{source}:{number}: {textfile.shown(line)} before the first '>'; is this a FASTA file?")
                break
            else:
                width = width or len(line)
                if blank or (previous and previous != width) or len(line) > width:
                    faults.append(
                        f"{source}:{number}: record {name!r} has lines of unequal length ({len(line)} bp after "
                        f"{previous} bp); wrap it anew, e.g. with seqtk seq -l 60"
                    )
                    blank, width = False, len(line)
                previous = len(line)
                if foreign := line.translate(None, _LETTERS):
                    faults.append(
                        f"{source}:{number}: record {name!r} holds {chr(foreign[0])!r}; "
                        "only A C G T N and IUPAC letters are sequence"
                    )
            out.write(line + b"\n")
        close(number if names else 0)
    if not names and not faults:
        faults.append(f"{source}: 0 records; this is not a FASTA file")
    if faults:
        raise InputError(textfile.listed(faults))


def lengths(source: str | os.PathLike) -> Iterator[tuple[str, int]]:
    """Name and length of each record of a FASTA, without an index.

    Parameters
    ----------
    source : path
        Plain, gzip or bgzip. Read in one pass, in the memory of its longest line.

    Yields
    ------
    (str, int)
        Name up to the first white space, and bp, in the order of the file. Lines before the first ``>`` are left out;
        `index` refuses them.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    name, size = None, 0
    with textfile.binary(source) as stream, textfile.whole(source):
        while lines := stream.readlines(_CHUNK):
            whole = b"".join(lines)
            if name is not None and b">" not in whole and b";" not in whole:
                size += len(whole) - whole.count(b"\n") - whole.count(b"\r")
                continue
            for line in lines:
                if line.startswith(b">"):
                    if name is not None:
                        yield name, size
                    name, size = (line[1:].split() or [b""])[0].decode("utf-8", "replace"), 0
                elif not line.startswith(b";"):
                    size += len(line.strip(b"\r\n"))
    if name is not None:
        yield name, size


class Genome:
    """Read access to an indexed FASTA; all tables carry the chromosome names of the FASTA.

    Parameters
    ----------
    path : path
        An unpacked FASTA with its ``.fai`` beside it, as `index` writes them. Neither is changed.
    names : mapping of str to str, or "chr"
        Chromosome names of peak files -> names in the FASTA (``genomes.<name>.chromosomes`` of the config). ``chr``:
        names with and without ``chr`` are the same, and so are ``MT``, ``M``, ``chrM`` and ``chrMT``. Default: none.
    source : path, optional
        The user's own file, if `path` is a copy of it; messages name this one.

    Attributes
    ----------
    path : Path
        `source`, or `path`.
    lengths : dict of str to int
        Chromosome name -> length in bp.
    names : dict of str to str
        Other names of chromosomes -> names in the FASTA.

    Raises
    ------
    InputError
        The file or its index cannot be read, the index is of another file, or `names` leads to a chromosome that the
        FASTA lacks.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        names: Mapping[str, str] | str | None = None,
        source: str | os.PathLike | None = None,
    ):
        self.path = Path(source or path)
        try:
            with warnings.catch_warnings():
                # an index older than its file may still fit; `_verify` checks that
                warnings.filterwarnings("ignore", message="Index file", category=RuntimeWarning)
                with pyfaidx.Faidx(str(path), rebuild=False, build_index=False) as fasta:
                    self._records = dict(fasta.index)
            self._bytes = np.asarray(np.memmap(path, np.uint8, "r"))
        except (OSError, ValueError, pyfaidx.FastaIndexingError, pyfaidx.IndexNotFoundError) as error:
            raise InputError(f"{path}: cannot be read with its index {path}.fai: {error}; make both anew") from None
        self._verify(path)
        self.lengths = {name: record.rlen for name, record in self._records.items()}
        self.names = peak_formats.with_or_without_chr(self.lengths) if names == "chr" else dict(names or {})
        absent = sorted(set(self.names.values()) - set(self.lengths))
        if absent:
            raise InputError(
                f"genomes.<name>.chromosomes maps to {', '.join(absent)}, absent from {self.path} "
                f"(it has {', '.join(list(self.lengths)[:5])}, ...)"
            )
        self._last: tuple[str, np.ndarray] | None = None

    def _verify(self, path: str | os.PathLike) -> None:
        # Records and headers must fill the file without gaps: an index of another file does not, even with equal names.
        at = 0
        for name, record in sorted(self._records.items(), key=lambda item: item[1].offset):
            header = self._bytes[at : record.offset].tobytes()
            *extra, last = header.splitlines() or [b""]
            if last[:1] != b">" or header[-1:] != b"\n" or last[1:].split()[:1] != [name.encode()]:
                break
            self._passed_over(path, extra, f"before record {name}")
            if extra:
                break
            at = record.offset + self._span(record)
            at += record.lenb - record.lenc if record.rlen % record.lenc else 0
        else:
            if at == len(self._bytes) or (at > len(self._bytes) and self._bytes[-1] != ord("\n")):
                return
            if at < len(self._bytes):
                self._passed_over(path, self._bytes[at:].tobytes().splitlines(), "at the end")
        raise InputError(f"{path}.fai does not fit {path}; make the index anew: samtools faidx {path}")

    @staticmethod
    def _passed_over(path: str | os.PathLike, lines: list[bytes], where: str) -> None:
        # samtools faidx is silent about records without sequence and blank lines: a new index would have them too
        names = [line for line in lines if line]
        if lines and all(line[:1] == b">" for line in names):
            told = (
                f"record {textfile.shown(names[0][1:].decode('utf-8', 'replace'))} has no sequence"
                if names
                else (f"a blank line {where}")
            )
            raise InputError(f"{path}: {told}; delete it, then samtools faidx {path}")

    @staticmethod
    def _span(record) -> int:
        whole, rest = divmod(record.rlen, record.lenc)
        return whole * record.lenb + rest

    def resolve(self, chrom: str) -> str:
        """The FASTA's name of a chromosome that a peak file or config names; an unknown name is returned unchanged."""
        return self.names.get(chrom, chrom)

    def tokens(self, chrom: str) -> np.ndarray:
        """Tokens of one whole chromosome; those of the last chromosome asked for are kept in memory.

        Parameters
        ----------
        chrom : str
            A name of the FASTA.

        Returns
        -------
        (length,) uint8
            Read-only; see `dna` for the tokens.
        """
        if self._last is None or self._last[0] != chrom:
            tokens = self.windows([chrom], [0], [self.lengths[chrom]])[0]
            tokens.setflags(write=False)
            self._last = chrom, tokens
        return self._last[1]

    def windows(self, chrom: Sequence[str], start: Sequence[int], end: Sequence[int]) -> np.ndarray:
        """Cut intervals out of the genome as tokens.

        Parameters
        ----------
        chrom : (N,) sequence of str
            Names of the FASTA.
        start, end : (N,) sequences of int
            0-based half-open, in bp.

        Returns
        -------
        (N, L) uint8
            A 0, C 1, G 2, T and U 3 in either case, any other letter 4. L is the longest interval; shorter ones are
            padded with 4 at the right end.

        Raises
        ------
        InputError
            An interval is empty or does not lie inside a chromosome of the genome.
        """
        start, end = np.asarray(start, np.int64), np.asarray(end, np.int64)
        which, names = pd.factorize(pd.Series(chrom))
        size = np.array([self.lengths.get(name, -1) for name in names], np.int64)[which]
        outside = np.flatnonzero((start < 0) | (end > size) | (start >= end))
        if len(outside):
            raise InputError(
                textfile.listed(
                    [f"{names[which[i]]}:{start[i]}-{end[i]} does not lie inside {self.path}" for i in outside]
                )
            )
        length = end - start
        out = np.empty((len(which), int(length.max(initial=0))), np.uint8)
        if len(length) and length.min() < out.shape[1]:
            out[:] = dna.UNKNOWN
        records = [self._records[name] for name in names]
        lines = np.array([(r.offset, r.lenc, r.lenb) for r in records], np.int64).reshape(-1, 3)
        kernel.cut(self._bytes, lines, which, start, end, out)
        return out
