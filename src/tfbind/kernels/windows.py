"""Windows of a chromosome: cut them out of the file, count their GC, draw random ones of wanted GC.

The functions that draw treat a token of 4 as closed to windows: besides unknown bases the caller writes 4 over all
that windows must avoid, and each window drawn is closed in turn.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from tfbind.kernels.vectors import check_places

_AHEAD = 8  # intervals whose text is on its way from memory


@intrinsic
def _copy(typing, target, source, count):
    """Copy so many bytes; numba's own loops are slow over some dozen bytes."""

    def generate(context, builder, signature, arguments):
        arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 1)]
        cgutils.raw_memcpy(builder, *arrays, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(target, source, count), generate


@intrinsic
def _prefetch(typing, array, at):
    """Ask for the 128 bytes at a place before they are needed; a hint, never a fault."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [data.type, number, number, number])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [data.type], kind)
        for beyond in (0, 64):
            place = builder.gep(data, [builder.add(arguments[1], ir.Constant(arguments[1].type, beyond))])
            builder.call(hint, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])  # read, keep, data
        return context.get_dummy_value()

    return types.void(array, at), generate


@njit(inline="always")
def _place(lines, which, start):
    # Where in the file a base lies, and its column and the line's bases and bytes.
    offset, bases, width = lines[which]
    column = start % bases
    return offset + start // bases * width + column, column, bases, width


@njit(inline="always")
def _letters_to_tokens(row):
    # `dna.CODE` in comparisons, of which the compiler makes many at once; tokens of 4 stay as they are.
    for i in range(len(row)):
        letter = row[i] & np.uint8(0xDF)  # upper case
        known = (letter == 65) | (letter == 67) | (letter == 71) | (letter == 84) | (letter == 85)  # A C G T U
        pair = (letter >> np.uint8(1)) & np.uint8(3)  # A 0, C 1, G 3, T and U 2
        row[i] = np.uint8(pair ^ (pair >> np.uint8(1))) if known else np.uint8(4)


@njit(cache=True, nogil=True)
def cut(text, lines, which, start, end, out):
    """Cut intervals out of the text of a FASTA, as tokens.

    Parameters
    ----------
    text : (B,) uint8
        The file.
    lines : (C, 3) int64
        Of each chromosome: offset of its first base in the file, bases of a line, bytes of a line.
    which : (N,) int64
        Chromosome of each interval.
    start, end : (N,) int64
        0-based half-open; the caller has checked that all lie inside.
    out : (N, L) uint8
        Receives the tokens; what lies beyond an interval's end must be 4 and stays so.

    Raises
    ------
    ValueError
        Arrays of different length, or an interval outside the list of chromosomes, the file or its row of `out`.
    """
    if not (len(which) == len(start) == len(end) == len(out)):
        raise ValueError("chromosomes, starts, ends and rows differ in number")
    for row in range(len(start)):
        if which[row] < 0 or which[row] >= len(lines) or start[row] < 0 or end[row] - start[row] > out.shape[1]:
            raise ValueError("an interval lies outside its chromosome or its row")
        if end[row] > start[row] and _place(lines, which[row], end[row] - 1)[0] >= len(text):
            raise ValueError("an interval lies outside its chromosome or its row")
    flat = out.reshape(-1)
    for row in range(len(start)):
        if row + _AHEAD < len(start):
            _prefetch(text, _place(lines, which[row + _AHEAD], start[row + _AHEAD])[0])
        at, column, bases, width = _place(lines, which[row], start[row])
        i, left = row * out.shape[1], end[row] - start[row]
        while left > 0:
            n = min(left, bases - column)
            _copy(flat[i : i + n], text[at : at + n], n)
            i += n
            left -= n
            column = 0
            at += n + width - bases
    _letters_to_tokens(flat)


@njit(cache=True, nogil=True)
def gc_counts(tokens, length):
    """Count G and C in every open window of a chromosome.

    Parameters
    ----------
    tokens : (M,) uint8
        4 closes a position.
    length : int
        Of a window, in bp.

    Returns
    -------
    (length + 1,) int64
        Number of windows, by GC count.
    """
    found = np.zeros(length + 1, np.int64)
    count = closed = 0
    for i in range(len(tokens)):
        count += tokens[i] == 1 or tokens[i] == 2
        closed += tokens[i] == 4
        if i >= length:
            old = tokens[i - length]
            count -= old == 1 or old == 2
            closed -= old == 4
        if i >= length - 1 and closed == 0:
            found[count] += 1
    return found


@njit(cache=True, nogil=True)
def candidates(tokens, length, wanted):
    """Starts of all open windows whose GC count `g` has ``wanted[g] > 0``.

    Parameters
    ----------
    tokens : (M,) uint8
        4 closes a position.
    length : int
        Of a window, in bp.
    wanted : (length + 1,) int64
        Windows wanted, by GC count.

    Returns
    -------
    (n,) int64
        Ascending, 0-based.

    Raises
    ------
    ValueError
        `wanted` has another length.
    """
    if len(wanted) != length + 1:
        raise ValueError("wanted holds another number of GC counts than a window has")
    total = 0
    found = gc_counts(tokens, length)
    for g in range(length + 1):
        if wanted[g] > 0:
            total += found[g]
    starts = np.empty(total, np.int64)
    n = count = closed = 0
    for i in range(len(tokens)):
        count += tokens[i] == 1 or tokens[i] == 2
        closed += tokens[i] == 4
        if i >= length:
            old = tokens[i - length]
            count -= old == 1 or old == 2
            closed -= old == 4
        if i >= length - 1 and closed == 0 and wanted[count] > 0:
            starts[n] = i - length + 1
            n += 1
    return starts


@njit(cache=True, nogil=True)
def take(tokens, length, wanted, starts):
    """Go through proposed starts and keep each open window whose GC count is still wanted.

    Parameters
    ----------
    tokens : (M,) uint8
        4 closes a position; the windows kept are closed in place.
    length : int
        Of a window, in bp.
    wanted : (length + 1,) int64
        Windows wanted, by GC count; the windows kept are taken off in place.
    starts : (p,) int64
        Proposed, 0-based.

    Returns
    -------
    (n,) int64
        The starts kept, in the order proposed.

    Raises
    ------
    ValueError
        `wanted` has another length, or a window does not lie inside the chromosome.
    """
    if len(wanted) != length + 1:
        raise ValueError("wanted holds another number of GC counts than a window has")
    check_places(starts, 0, len(tokens) - length + 1, "the start of a window")
    kept = np.empty(len(starts), np.int64)
    n = 0
    for start in starts:
        count = closed = 0
        for i in range(start, start + length):  # without a branch, so that many bases are taken at once
            count += (tokens[i] == 1) | (tokens[i] == 2)
            closed += tokens[i] == 4
        if closed == 0 and wanted[count] > 0:
            wanted[count] -= 1
            tokens[start : start + length] = 4
            kept[n] = start
            n += 1
    return kept[:n]


def sample(tokens, length, wanted, rng, exhaust=False):
    """Draw random windows of wanted GC counts, by rejection.

    Parameters
    ----------
    tokens : (M,) uint8
        4 closes a position; the windows drawn are closed in place.
    length : int
        In bp.
    wanted : (length + 1,) int64
        How many windows of each GC count; lowered in place by those found.
    rng : numpy Generator
    exhaust : bool
        False: give up on counts that random starts hit too rarely. True: look at every window of the chromosome in
        random order, so that the chromosome has none of what is left in `wanted`.

    Returns
    -------
    (n,) int64
        Starts, none of them overlapping.
    """
    if len(tokens) < length or not wanted.any():
        return np.empty(0, np.int64)
    if exhaust:
        return take(tokens, length, wanted, rng.permutation(candidates(tokens, length, wanted)))
    found = []
    # past this many tries, reading the whole chromosome once is cheaper
    budget = len(tokens) // 8 + 16 * int(wanted.sum())
    while wanted.any() and budget > 0:
        proposed = 4 * int(wanted.sum()) + 1024
        budget -= proposed
        found.append(take(tokens, length, wanted, rng.integers(0, len(tokens) - length + 1, proposed)))
    return np.concatenate(found)
