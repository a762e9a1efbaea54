"""Motif scores of many sequences, three bases and thirty-two matrices at a time.

The odds of a site are a product over its bases, so the product over a 3-mer is one entry of a table and a site of W bp
costs ceil(W / 3) look-ups. Odds, not log-odds, are tabulated: their maximum is the maximum of the score and their sum
the sum that log-sum-exp needs, so one pass gives both without an exponential.

Both strands of sixteen motifs make a row of 32 odds, the lanes of the processor's vectors; a block of such rows stays
in its fastest cache. The loops that numba makes write the running maximum to memory at each position; `_fold` is
written with vectors and so keeps it in registers.
"""

from collections.abc import Sequence

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from tfbind.kernels.vectors import LANES, aligned, check_places, check_tokens

WORD = 3
_UNKNOWN, _END = 4, 5  # letters beside A C G T; no site goes beyond the end
_LETTERS = 6
_WORDS = _LETTERS**WORD
_TILE = 4  # positions folded at once
_WRITTEN = 6  # groups whose products are written out: for most motifs a loop of few rounds would cost a fifth more
#: Binary exponent given to the best possible site: odds 2^220 below it are still normal float32 numbers.
TOP = 100


def tables(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Scaled odds of every 3-mer at each group of three motif positions, on both strands.

    Parameters
    ----------
    matrices : C arrays (W, 4) float
        Log-odds in bits; ``G = ceil(W / 3)`` for the widest. An unknown base scores the mean of its position.

    Returns
    -------
    (ceil(C / 16), G, 216, 32) float32
        The product over the groups is ``2 ** TOP`` for the best site of each motif, and so much less for others as
        they score less. Lanes 0 to 15 of a block are the forward strands of 16 motifs, lanes 16 to 31 their reverse
        strands. Positions past W have odds 1.
    """
    half = LANES // 2
    groups, blocks = -(-max(map(len, matrices)) // WORD), -(-len(matrices) // half)
    letters = np.ones((blocks, groups * WORD, _LETTERS, LANES), np.float32)
    for i, matrix in enumerate(matrices):
        bits = np.concatenate([matrix, matrix.mean(1, keepdims=True, dtype=float)], 1)
        share = np.exp2(bits - bits.max(1, keepdims=True))
        forward, reverse = letters[i // half, : len(matrix), :, i % half :: half].transpose(2, 0, 1)
        forward[:, :_END], reverse[:, :_END] = share, share[::-1, [3, 2, 1, 0, _UNKNOWN]]
        forward[:, _END] = reverse[:, _END] = 0
    letters[:, ::WORD] *= 2 ** (TOP / groups)
    a, b, c = np.moveaxis(letters.reshape(blocks, groups, WORD, _LETTERS, LANES), 2, 0)  # each (B, G, 6, 32)
    odds = aligned((blocks, groups, _WORDS, LANES))
    cube = odds.reshape(blocks, groups, _LETTERS, _LETTERS, _LETTERS, LANES)
    np.multiply((a[:, :, :, None] * b[:, :, None])[:, :, :, :, None], c[:, :, None, None], out=cube)
    return odds


@njit(cache=True, nogil=True)
def encode(tokens, first, size, overhang, beyond):
    """The entry in a block of a table for the 3-mer at each position, for `scan`.

    Parameters
    ----------
    tokens : (N, L) uint8
    first, size : (N,) int64
        Column of the first base and number of bases of each sequence; other columns are never read.
    overhang : (N,) int64
        Unknown bases to add at both ends.
    beyond : int
        Columns to add at the right end: at least the longest motif to scan with, and 8.

    Returns
    -------
    (N, L + 2 max(overhang) + beyond) int32

    Raises
    ------
    ValueError
        A token above 4, a sequence that goes beyond its columns, or arrays of other lengths than `tokens`.
    """
    check_tokens(tokens)
    if not len(tokens) == len(first) == len(size) == len(overhang):
        raise ValueError("tokens, first, size and overhang differ in length")
    check_places(overhang, 0, 1 << 30, "an overhang")
    check_places(first, 0, tokens.shape[1] + 1, "a first base")
    check_places(first + size, 0, tokens.shape[1] + 1, "the end of a sequence")
    widest = 0
    for extra in overhang:
        widest = max(widest, extra)
    found = np.empty((len(tokens), tokens.shape[1] + 2 * widest + beyond), np.int32)
    line = np.empty(found.shape[1] + WORD - 1, np.int32)
    for row in range(len(tokens)):
        stop = size[row] + 2 * overhang[row]
        line[:stop] = _UNKNOWN
        line[stop:] = _END
        for i in range(size[row]):
            line[overhang[row] + i] = tokens[row, first[row] + i]
        for i in range(found.shape[1]):
            found[row, i] = LANES * ((line[i] * _LETTERS + line[i + 1]) * _LETTERS + line[i + 2])
    return found


@intrinsic
def _fold(typing, words, odds, positions, best, total):
    """Maximum over positions and strands of the product over groups, for the 16 motifs of a block at once.

    And the sum, unless `total` is None.
    """

    def generate(context, builder, signature, arguments):
        kinds = signature.args
        words, odds, *outs = (
            None if kinds[i] == types.none else context.make_array(kinds[i])(context, builder, arguments[i])
            for i in (0, 1, 3, 4)
        )
        vector, long = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)

        def number(value):
            return ir.Constant(long, value)

        def lanes(pointer):
            return builder.bitcast(pointer, vector.as_pointer())

        def tree(join, found):
            while len(found) > 1:
                found = [join(found[i], found[i + 1]) for i in range(0, len(found), 2)]
            return found[0]

        def higher(one, two):
            return builder.select(builder.fcmp_ordered(">", one, two), one, two)

        def row(group, position):
            start = builder.add(position, builder.mul(group, number(WORD)))
            word = builder.sext(builder.load(builder.gep(words.data, [start])), long)
            entry = builder.add(word, builder.mul(group, number(_WORDS * LANES)))
            return builder.load(lanes(builder.gep(odds.data, [entry])), align=4)

        results = [
            (join, cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * LANES)), out)
            for join, out in zip((higher, builder.fadd), outs, strict=True)
            if out is not None
        ]
        sites = [cgutils.alloca_once(builder, vector) for _ in range(_TILE)]
        groups = cgutils.unpack_tuple(builder, odds.shape)[0]
        tiles = builder.udiv(builder.add(arguments[2], number(_TILE - 1)), number(_TILE))

        def fold(written):
            # all positions: `written` groups without a loop, then the rest, if any
            with cgutils.for_range(builder, tiles) as tile:
                start = builder.mul(tile.index, number(_TILE))
                positions = [builder.add(start, number(i)) for i in range(_TILE)]

                def times(group):
                    for site, position in zip(sites, positions, strict=True):
                        builder.store(builder.fmul(builder.load(site), row(group, position)), site)

                for site, position in zip(sites, positions, strict=True):
                    builder.store(row(number(0), position), site)
                for group in range(1, written):
                    times(number(group))
                if written == _WRITTEN:
                    with cgutils.for_range(builder, builder.sub(groups, number(written))) as left:
                        times(builder.add(left.index, number(written)))
                found = [builder.load(site) for site in sites]
                for join, result, _ in results:
                    builder.store(join(builder.load(result), tree(join, found)), result)

        wide, done = (builder.append_basic_block(name) for name in ("wide", "done"))
        cases = builder.switch(groups, wide)
        for written in range(1, _WRITTEN + 1):
            block = wide
            if written < _WRITTEN:
                block = builder.append_basic_block(f"groups{written}")
                cases.add_case(number(written), block)
            builder.position_at_end(block)
            fold(written)
            builder.branch(done)
        builder.position_at_end(done)
        half = vector.count // 2
        for join, result, out in results:
            found = builder.load(result)
            strands = [
                builder.shuffle_vector(found, found, ir.Constant(ir.VectorType(ir.IntType(32), half), list(picked)))
                for picked in (range(half), range(half, LANES))
            ]
            out = builder.bitcast(out.data, strands[0].type.as_pointer())
            builder.store(join(*strands), out, align=4)
        return context.get_dummy_value()

    return types.void(words, odds, positions, best, total), generate


@njit(cache=True, nogil=True)
def scan(words, positions, odds, rows, columns, best, total):
    """Largest and summed odds of each sequence over all positions and both strands.

    Parameters
    ----------
    words : (K, S) int32
        From `encode`.
    positions : (K,) int64
        How many each sequence has for the narrowest motif; where a wider one has fewer, the rest count as odds 0.
    odds : (B, G, 216, 32) float32
        From `tables`.
    rows, columns : (K,), (C,) int64
        Where the results of each sequence and of each motif go.
    best, total : (N, M) float32
        Receive the results; no sums where `total` is None.

    Raises
    ------
    ValueError
        An index lies outside its table, or arrays that belong together differ in shape.
    """
    half = LANES // 2
    # whole tiles of positions are read, each as far as the widest motif reaches
    reach = WORD * (odds.shape[1] - 1) + _TILE - 1
    if not len(words) == len(positions) == len(rows):
        raise ValueError("words, positions and rows differ in length")
    if len(columns) > half * len(odds):
        raise ValueError("more columns than motifs")
    check_places(positions, 0, words.shape[1] - reach + 1, "a position")
    check_places(words, 0, LANES * _WORDS, "a word")
    check_places(rows, 0, len(best), "a row")
    check_places(columns, 0, best.shape[1], "a column")
    if total is not None and total.shape != best.shape:
        raise ValueError("best and total differ in shape")
    highest, summed = np.empty(half, np.float32), np.empty(half, np.float32)
    for block in range(len(odds)):
        places = columns[half * block : half * (block + 1)]
        for i, row in enumerate(rows):
            if total is None:
                _fold(words[i], odds[block], positions[i], highest, None)
            else:
                _fold(words[i], odds[block], positions[i], highest, summed)
                for j, column in enumerate(places):
                    total[row, column] = summed[j]
            for j, column in enumerate(places):
                best[row, column] = highest[j]
