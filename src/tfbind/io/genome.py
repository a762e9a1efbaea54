"""A reference genome: a plain FASTA file with its index, written by one rule and only read by all others."""

import os
import warnings
from collections.abc import Mapping, Sequence
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

_LETTERS = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv"


def index(source: str | os.PathLike, out_fasta: str | os.PathLike) -> None:
    """Write `out_fasta` (plain) and its ``.fai`` from a plain, gzip or bgzip FASTA.

    Refused with `InputError`, all faults at once: text before the first name, a name that occurs twice, is empty or
    not ASCII, a record without sequence, lines of unequal length inside a record, letters outside the IUPAC code.
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
        faults.append(f"{source}: 0 records; this is no FASTA file")
    if faults:
        raise InputError(textfile.listed(faults))


class Genome:
    """Read access to an indexed FASTA. Tables everywhere carry the chromosome names of the FASTA.

    Parameters
    ----------
    path : path
        A plain FASTA with its ``.fai`` beside it, both as `index` writes them. Neither is ever written here; an index
        that does not fit the file is refused.
    names : mapping of str to str, or "chr"
        Chromosome names of peak files -> names in the FASTA (``genomes.<name>.chromosomes`` of the config). ``chr``:
        names with and without ``chr`` are the same, and so are ``MT``, ``M``, ``chrM`` and ``chrMT``.
    source : path, optional
        What messages call the genome, where it is a copy: the user's own file.

    Attributes
    ----------
    path : Path
        `source`, or `path`.
    lengths : dict of str to int
        Chromosome name -> length in bp.
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
                # that the index is older says nothing: whether it fits is verified below
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
        # Records and their headers must tile the file: an index of another file, even of equal names, does not.
        at = 0
        for name, record in sorted(self._records.items(), key=lambda item: item[1].offset):
            header = self._bytes[at : record.offset].tobytes()
            if header[:1] != b">" or header.count(b"\n") != 1 or header[1:].split()[:1] != [name.encode()]:
                break
            at = record.offset + self._span(record)
            at += record.lenb - record.lenc if record.rlen % record.lenc else 0
        else:
            if at == len(self._bytes) or (at > len(self._bytes) and self._bytes[-1] != ord("\n")):
                return
        raise InputError(f"{path}.fai does not fit {path}; make the index anew: samtools faidx {path}")

    @staticmethod
    def _span(record) -> int:
        whole, rest = divmod(record.rlen, record.lenc)
        return whole * record.lenb + rest

    def resolve(self, chrom: str) -> str:
        """The FASTA's name of a chromosome that a peak file or config names."""
        return self.names.get(chrom, chrom)

    def tokens(self, chrom: str) -> np.ndarray:
        """Tokens of one chromosome, (length,) uint8, read-only; the last one asked for is kept."""
        if self._last is None or self._last[0] != chrom:
            tokens = self.windows([chrom], [0], [self.lengths[chrom]])[0]
            tokens.setflags(write=False)
            self._last = chrom, tokens
        return self._last[1]

    def windows(self, chrom: Sequence[str], start: Sequence[int], end: Sequence[int]) -> np.ndarray:
        """Tokens of intervals, 0-based half-open.

        Parameters
        ----------
        chrom, start, end : (N,) arrays
            All inside their chromosomes; anything else is refused.

        Returns
        -------
        (N, L) uint8
            L is the longest interval; shorter ones are padded at the right end.
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
