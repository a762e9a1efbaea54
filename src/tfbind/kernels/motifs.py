"""Motif scores of many sequences, three or six bases and sixteen odds at a time.

The odds of a site are a product over its bases, so the product over a 3-mer is one entry of a table and a site of W bp
costs ceil(W / 3) look-ups. Odds, not log-odds, are tabulated: their maximum is the maximum of the score and their sum
the sum that log-sum-exp needs, so one pass gives both without an exponential.

Both strands of eight motifs make a row of 16 odds, a line of the cache; a block of such rows stays in the fastest
cache, which gives one line a cycle. Where many sequences are scanned, the products of the first two 3-mers are made
once for each 6-mer: they stay in the second cache, which gives a line in two cycles and saves two look-ups and a
product. Products are the same and in the same order, so no bit depends on it. The loops that numba makes write the
running maximum to memory at each position; `_fold` is written with vectors and so keeps it in registers.
"""

from collections.abc import Sequence

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from tfbind.kernels.vectors import aligned, check_places, check_tokens

WORD = 3
#: Motifs of a block: both strands of each are the lanes of a vector.
MOTIFS = 8
_LANES = 2 * MOTIFS
_UNKNOWN, _END = 4, 5  # letters beside A C G T; no site goes beyond the end
_LETTERS = 6
_WORDS = _LETTERS**WORD
_TILE = 4  # positions folded at once; their words are 64 bits
_ENTRY = _LANES // 2  # words name a row by its place in units of 8 bytes, which an address can hold as it is
_PAIRS = 4 ** (2 * WORD)  # 6-mers of known bases
_OTHER = 1 << 15  # in place of a 6-mer that holds another letter
_MANY = 400  # sequences for which it is worth making the odds of all 6-mers
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
    (ceil(C / 8), G, 216, 16) float32
        The product over the groups is ``2 ** TOP`` for the best site of each motif, and so much less for others as
        they score less. Lanes 0 to 7 of a block are the forward strands of 8 motifs, lanes 8 to 15 their reverse
        strands. Positions past W have odds 1.
    """
    groups, blocks = -(-max(map(len, matrices)) // WORD), -(-len(matrices) // MOTIFS)
    letters = np.ones((blocks, groups * WORD, _LETTERS, _LANES), np.float32)
    for i, matrix in enumerate(matrices):
        bits = np.concatenate([matrix, matrix.mean(1, keepdims=True, dtype=float)], 1)
        share = np.exp2(bits - bits.max(1, keepdims=True))
        forward, reverse = letters[i // MOTIFS, : len(matrix), :, i % MOTIFS :: MOTIFS].transpose(2, 0, 1)
        forward[:, :_END], reverse[:, :_END] = share, share[::-1, [3, 2, 1, 0, _UNKNOWN]]
        forward[:, _END] = reverse[:, _END] = 0
    letters[:, ::WORD] *= 2 ** (TOP / groups)
    a, b, c = np.moveaxis(letters.reshape(blocks, groups, WORD, _LETTERS, _LANES), 2, 0)  # each (B, G, 6, 16)
    odds = aligned((blocks, groups, _WORDS, _LANES))
    cube = odds.reshape(blocks, groups, _LETTERS, _LETTERS, _LETTERS, _LANES)
    np.multiply((a[:, :, :, None] * b[:, :, None])[:, :, :, :, None], c[:, :, None, None], out=cube)
    return odds


@njit(cache=True, nogil=True)
def encode(tokens, first, size, overhang, beyond):
    """The entry in a block of a table for the 3-mer and for the 6-mer at each position, for `scan`.

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
    (2, N, L + 2 max(overhang) + beyond) uint16
        3-mers, and 6-mers.

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
    found = np.empty((2, len(tokens), tokens.shape[1] + 2 * widest + beyond), np.uint16)
    line = np.empty(found.shape[2] + 2 * WORD - 1, np.int32)
    for row in range(len(tokens)):
        stop = size[row] + 2 * overhang[row]
        line[:stop] = _UNKNOWN
        line[stop:] = _END
        for i in range(size[row]):
            line[overhang[row] + i] = tokens[row, first[row] + i]
        threes, sixes = found[0, row], found[1, row]
        for i in range(found.shape[2]):
            threes[i] = _ENTRY * ((line[i] * _LETTERS + line[i + 1]) * _LETTERS + line[i + 2])
            word, other = 0, 0
            for k in range(2 * WORD):
                word = 4 * word + (line[i + k] & 3)
                other |= line[i + k] & 4
            sixes[i] = _OTHER if other else _ENTRY * word
    return found


@intrinsic
def _multiply(typing, one, at, two, other, out, to):
    """Multiply a row of `one` by a row of `two` into a row of `out`; each begins at that place of its array."""

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.FloatType(), _LANES).as_pointer()

        def row(i):
            data = context.make_array(signature.args[i])(context, builder, arguments[i]).data
            return builder.bitcast(builder.gep(data, [arguments[i + 1]]), vector)

        builder.store(builder.fmul(*(builder.load(row(i), align=4) for i in (0, 2))), row(4), align=4)
        return context.get_dummy_value()

    return types.void(one, at, two, other, out, to), generate


@njit(cache=True, nogil=True)
def _products(odds, pairs):
    # The odds of every 6-mer of known bases: those of its two 3-mers multiplied.
    at = np.empty(4**WORD, np.int64)
    for word in range(len(at)):
        at[word] = _LANES * ((word // 16 * _LETTERS + word // 4 % 4) * _LETTERS + word % 4)
    to = 0
    for one in at:
        for two in at:
            _multiply(odds[0], one, odds[1], two, pairs, to)
            to += _LANES


@intrinsic
def _fold(typing, words, row, odds, block, pairs, known, positions, best, total, to):
    """Maximum over positions and strands of the product over groups, for the 8 motifs of a block at once.

    And the sum, unless `total` is None; both are written from place `to` on. `known`: whether `pairs` hold all 6-mers
    that are read. The arrays are given whole, with a row and a block, since numba counts references to each part of an
    array that it makes.
    """

    def generate(context, builder, signature, arguments):
        kinds = signature.args
        words, odds, pairs, *outs = (
            None if kinds[i] == types.none else context.make_array(kinds[i])(context, builder, arguments[i])
            for i in (0, 2, 4, 7, 8)
        )
        vector, long, short = ir.VectorType(ir.FloatType(), _LANES), ir.IntType(64), ir.IntType(16)

        def number(value):
            return ir.Constant(long, value)

        def tree(join, found):
            while len(found) > 1:
                found = [join(found[i], found[i + 1]) for i in range(0, len(found), 2)]
            return found[0]

        def higher(one, two):
            # of floats that are not negative the bits are in the same order; these are compared beside products
            whole = ir.VectorType(ir.IntType(32), one.type.count)
            greater = builder.icmp_signed(">", builder.bitcast(one, whole), builder.bitcast(two, whole))
            return builder.select(greater, one, two)

        _, sequences, length = cgutils.unpack_tuple(builder, words.shape)
        groups = cgutils.unpack_tuple(builder, odds.shape)[1]
        threes = builder.gep(words.data, [builder.mul(arguments[1], length)])
        sixes = builder.gep(threes, [builder.mul(sequences, length)])
        block = builder.mul(builder.mul(arguments[3], groups), number(_WORDS * _LANES))
        starts = builder.gep(odds.data, [block]), pairs.data
        odds, pairs = (builder.bitcast(start, ir.DoubleType().as_pointer()) for start in starts)

        def rows(line, start, table, entry):
            # the rows of a table for four words
            four = builder.load(builder.bitcast(builder.gep(line, [start]), long.as_pointer()), align=2)
            found = []
            for i in range(_TILE):
                word = builder.zext(builder.trunc(builder.lshr(four, number(16 * i)), short), long)
                place = builder.gep(table, [builder.add(word, entry)])
                found.append(builder.load(builder.bitcast(place, vector.as_pointer()), align=4))
            return found

        def group(start, which):
            start = builder.add(start, builder.mul(which, number(WORD)))
            return rows(threes, start, odds, builder.mul(which, number(_WORDS * _ENTRY)))

        results = [
            (join, cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * _LANES)), out)
            for join, out in zip((higher, builder.fadd), outs, strict=True)
            if out is not None
        ]
        sites = [cgutils.alloca_once(builder, vector) for _ in range(_TILE)]
        tiles = builder.udiv(builder.add(arguments[6], number(_TILE - 1)), number(_TILE))

        def keep(found):
            for site, value in zip(sites, found, strict=True):
                builder.store(value, site)

        def fold(written, known):
            # all positions: `written` groups without a loop, then the rest, if any
            with cgutils.for_range(builder, tiles) as tile:
                start = builder.mul(tile.index, number(_TILE))

                def times(found):
                    keep([builder.fmul(builder.load(site), value) for site, value in zip(sites, found, strict=True)])

                if known:
                    keep(rows(sixes, start, pairs, number(0)))
                else:
                    keep(group(start, number(0)))
                for which in range(2 if known else 1, written):
                    times(group(start, number(which)))
                if written == _WRITTEN:
                    with cgutils.for_range(builder, builder.sub(groups, number(written))) as left:
                        times(group(start, builder.add(left.index, number(written))))
                found = [builder.load(site) for site in sites]
                for join, result, _ in results:
                    builder.store(join(builder.load(result), tree(join, found)), result)

        done = builder.append_basic_block("done")
        ways = [(written, known) for written in range(1, _WRITTEN + 1) for known in (0, 1) if written > known]
        blocks = {way: builder.append_basic_block("groups{}_{}".format(*way)) for way in ways}
        few = builder.icmp_unsigned("<", groups, number(_WRITTEN))
        way = builder.add(builder.shl(builder.select(few, groups, number(_WRITTEN)), number(1)), arguments[5])
        cases = builder.switch(way, blocks[_WRITTEN, 0])
        for (written, known), block in blocks.items():
            cases.add_case(number(2 * written + known), block)
            builder.position_at_end(block)
            fold(written, known)
            builder.branch(done)
        builder.position_at_end(done)
        for join, result, out in results:
            found = builder.load(result)
            strands = [
                builder.shuffle_vector(found, found, ir.Constant(ir.VectorType(ir.IntType(32), MOTIFS), list(picked)))
                for picked in (range(MOTIFS), range(MOTIFS, _LANES))
            ]
            out = builder.bitcast(builder.gep(out.data, [arguments[9]]), strands[0].type.as_pointer())
            builder.store(join(*strands), out, align=4)
        return context.get_dummy_value()

    return types.void(words, row, odds, block, pairs, known, positions, best, total, to), generate


@njit(cache=True, nogil=True)
def scan(words, positions, odds, best, total):
    """Largest and summed odds of each sequence over all positions and both strands.

    Parameters
    ----------
    words : (2, K, S) uint16
        From `encode`.
    positions : (K,) int64
        How many each sequence has for the narrowest motif; where a wider one has fewer, the rest count as odds 0.
    odds : (B, G, 216, 16) float32
        From `tables`.
    best, total : (at least B, at least K, 8) float32
        Receive the results, by block of the table and sequence; no sums where `total` is None.

    Raises
    ------
    ValueError
        An index lies outside its table, or arrays that belong together differ in shape.
    """
    # whole tiles of positions are read, each as far as the widest motif reaches
    reach = WORD * (odds.shape[1] - 1) + _TILE - 1
    rows = len(positions)
    if words.shape[1] != rows:
        raise ValueError("words and positions differ in length")
    if len(best) < len(odds) or best.shape[1] < rows or best.shape[2] != MOTIFS:
        raise ValueError("there is no place for the results")
    check_places(positions, 0, words.shape[2] - reach + 1, "a position")
    check_places(words[0], 0, _ENTRY * _WORDS, "a word")
    check_places(words[1], 0, _OTHER + 1, "a word")
    if total is not None and total.shape != best.shape:
        raise ValueError("best and total differ in shape")
    many = rows >= _MANY and odds.shape[1] > 1
    memory = np.empty((_PAIRS + 1) * _LANES, np.float32)
    start = -memory.ctypes.data // 4 % _LANES  # at a line of the cache
    pairs = memory[start : start + _PAIRS * _LANES]
    known = np.zeros(rows, np.int64)
    if many:
        for i in range(rows):
            letters = np.uint16(0)
            for word in words[1, i, : -(-positions[i] // _TILE) * _TILE]:
                letters |= word
            known[i] = letters < _OTHER
    for block in range(len(odds)):
        if many:
            _products(odds[block], pairs)
        for i in range(rows):
            to = MOTIFS * (block * best.shape[1] + i)
            _fold(words, i, odds, block, pairs, known[i], positions[i], best, total, to)


@njit(cache=True, nogil=True)
def spread(found, rows, places, out):
    """Bring results into the order of sequences and motifs.

    Parameters
    ----------
    found : (B, at least K, 8) float32
        From `scan`.
    rows : (K,) int64
        Where each sequence goes.
    places : (M,) int64
        Where each motif is: 8 times its block, and its place there.
    out : (N, M) float32

    Raises
    ------
    ValueError
        An index lies outside its table, or arrays that belong together differ in shape.
    """
    if found.shape[1] < len(rows) or found.shape[2] != MOTIFS or len(places) != out.shape[1]:
        raise ValueError("results, rows and columns differ in length")
    check_places(rows, 0, len(out), "a row")
    check_places(places, 0, len(found) * MOTIFS, "a motif")
    flat = found.reshape(-1)
    block = found.shape[1] * MOTIFS
    start = np.empty(len(places), np.int64)
    for j in range(len(places)):
        start[j] = places[j] // MOTIFS * block + places[j] % MOTIFS
    for i in range(len(rows)):
        line = out[rows[i]]
        for j in range(len(start)):
            line[j] = flat[np.uint64(start[j] + i * MOTIFS)]
