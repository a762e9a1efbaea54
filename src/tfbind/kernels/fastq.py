"""Plain FASTQ, four lines a record, from bytes to letters.

The helpers take slices and gather their finding with `|`: the compiler turns such loops into comparisons of many bytes
at once.
"""

import numpy as np
from numba import njit


@njit(inline="always")
def _line_ends(row):
    found = np.uint8(0)
    for byte in row:
        found |= np.uint8(byte == 10) | np.uint8(byte == 13)
    return found != 0


@njit(inline="always")
def _unprintable(row):
    found = np.uint8(0)
    for byte in row:
        found |= np.uint8(byte < 32) | np.uint8(byte > 126)
    return found != 0


@njit(inline="always")
def _upper(row, out):
    # Write a line of letters in upper case; whether it holds anything but A C G T N.
    found = np.uint8(0)
    for i in range(len(row)):
        letter = row[i] & np.uint8(0xDF)
        found |= np.uint8((letter != 65) & (letter != 67) & (letter != 71) & (letter != 84) & (letter != 78))
        out[i] = letter
    return found != 0


@njit(inline="always")
def _line_end(buffer, at):
    # Where the line around `at` ends: its line feed or carriage return, or the end of the buffer.
    while at + 16 <= len(buffer) and not _line_ends(buffer[at : at + 16]):
        at += 16
    while at < len(buffer) and buffer[at] != 10 and buffer[at] != 13:
        at += 1
    return at


@njit(inline="always")
def _next_line(buffer, end):
    # Where the next line starts; 0 where no line ends here, or one ends in a lone carriage return.
    end += end < len(buffer) and buffer[end] == 13
    return end + 1 if end < len(buffer) and buffer[end] == 10 else 0


@njit(inline="always")
def _mate(header):
    # 1 or 2 where a header or its first word ends in /1 or /2, or its second word begins like 1:N:, else 0.
    n = len(header)
    name = 0
    while name < n and header[name] != 32 and header[name] != 9:
        name += 1
    for end in (n, name):
        if end > 2 and header[end - 2] == 47 and (header[end - 1] == 49 or header[end - 1] == 50):
            return np.int64(header[end - 1] - 48)
    at = name
    while at < n and (header[at] == 32 or header[at] == 9):
        at += 1
    if at + 3 >= n or header[at + 1] != 58 or header[at + 3] != 58 or (header[at + 2] != 78 and header[at + 2] != 89):
        return np.int64(0)
    return np.int64(header[at] - 48) if header[at] == 49 or header[at] == 50 else np.int64(0)


@njit(cache=True, nogil=True)
def parse(buffer):
    """Read plain records until the buffer ends or one is not plain.

    A plain record is four lines, ended by line feeds, with or without carriage returns: a header behind ``@``, letters
    A C G T N of either case, a line behind ``+``, and as many printable qualities as letters. Blank lines may precede
    it. Reading stops before the first record that is not of this form or may go on behind the buffer.

    Parameters
    ----------
    buffer : (M,) uint8
        Bytes of a file, from the start of a record on.

    Returns
    -------
    letters : (B,) uint8
        The sequences one after the other, upper case.
    ends : (N,) int64
        Where each sequence ends in `letters`.
    unread : int
        First byte after the last record read and the blank lines behind it.
    mates : int
        1 where a header names mate 1 of a pair, 2 where one names mate 2, 3 where there are both.
    """
    letters = np.empty(len(buffer) // 2, np.uint8)
    ends = np.empty(len(buffer) // 6, np.int64)
    n = last = unread = mates = 0
    while unread < len(buffer):
        header = _line_end(buffer, unread)
        start = _next_line(buffer, header)
        if start and header == unread:
            unread = start
            continue
        if not start or buffer[unread] != 64:  # @
            break
        end = _line_end(buffer, start)
        plus = _next_line(buffer, end)
        if end == start or not plus or plus == len(buffer) or buffer[plus] != 43:  # +
            break
        first = _next_line(buffer, _line_end(buffer, plus))
        stop = first + end - start
        after = _next_line(buffer, stop)
        if not first or not after or _unprintable(buffer[first:stop]) or _upper(buffer[start:end], letters[last:]):
            break
        mates |= _mate(buffer[unread:header])
        last += end - start
        ends[n] = last
        n += 1
        unread = after
    return letters[:last].copy(), ends[:n].copy(), unread, mates
