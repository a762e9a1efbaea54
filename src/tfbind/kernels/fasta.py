"""FASTA, record by record, from bytes to tokens."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def parse(buffer, code, letter, final):
    """Read records until the buffer ends.

    Blank lines and lines that begin with ``;`` are skipped; white space around lines and inside is no letter.

    Parameters
    ----------
    buffer : (M,) uint8
        Bytes of a file, from the start of a record on.
    code : (256,) uint8
        Token of each byte.
    letter : (256,) bool
        Whether a byte may stand for a base.
    final : bool
        Whether the file ends with the buffer; if not, its last record may go on and is left unread.

    Returns
    -------
    tokens : (B,) uint8
        The sequences one after the other.
    ends : (N,) int64
        Where each sequence ends in `tokens`.
    names : (N, 2) int64
        Start and end of each name in `buffer`: from behind ``>`` to the first white space.
    foreign : (N,) uint8
        The first byte of each record that stands for no base, or 0.
    unread : int
        First byte that was not read; -1 where text precedes the first record.

    Raises
    ------
    ValueError
        `code` or `letter` has not 256 entries.
    """
    if len(code) != 256 or len(letter) != 256:
        raise ValueError("code and letter have an entry for each of 256 bytes")
    count = 1
    for i in range(len(buffer)):
        count += buffer[i] == 62
    tokens = np.empty(len(buffer), np.uint8)
    ends = np.empty(count, np.int64)
    names = np.empty((count, 2), np.int64)
    foreign = np.zeros(count, np.uint8)
    n = last = at = unread = 0
    while at < len(buffer):
        end = at
        while end < len(buffer) and buffer[end] != 10:
            end += 1
        if end == len(buffer) and not final:
            break
        if buffer[at] == 62:  # >
            if n:
                ends[n - 1] = last
            unread = at
            stop = at + 1
            while stop < end and buffer[stop] > 32:
                stop += 1
            names[n] = at + 1, stop
            n += 1
        elif buffer[at] != 59:  # ;
            for i in range(at, end):
                byte = buffer[i]
                if letter[byte] and n:
                    tokens[last] = code[byte]
                    last += 1
                elif byte > 32:
                    if n == 0:
                        return tokens[:0], ends[:0], names[:0], foreign[:0], -1
                    if foreign[n - 1] == 0:
                        foreign[n - 1] = byte
        at = end + 1
    if final:
        unread = len(buffer)
        if n:
            ends[n - 1] = last
    elif n:
        n -= 1
        last = ends[n - 1] if n else 0
    return tokens[:last].copy(), ends[:n].copy(), names[:n].copy(), foreign[:n].copy(), unread
