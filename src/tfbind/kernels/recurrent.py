"""A long short-term memory in one pass: matrix products, gates and states of a few sequences at a time.

A block of sequences goes through all steps before the next block does, so that its states stay in the fastest cache.
The products of a step are small; a library packs its arguments for each of them anew. The sums of a sequence are taken
in one order, so its result does not depend on the sequences beside it.

`_tile_2`, `_forth_wide` and their like are written with vectors, so that sums stay in registers. The exponential is a
polynomial and a shift of exponent bits; that of the C library is a call for each value.
"""

import math
import weakref
from typing import NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from tfbind.kernels.vectors import aligned, check_places

_COMPILED = {"cache": True, "nogil": True, "error_model": "numpy"}  # no check for a division by zero in each loop
_NARROW = 8  # lanes of a vector on any processor
#: Lanes of a vector where there are many units, and sequences of a block: two vectors of sums for each sequence, and
#: what is added to them, are as many as the registers of the processor.
_WIDE, ROWS = (16, 8) if binding.get_host_cpu_features().get("avx512f") else (8, 6)
_LINE = 16  # float32 values in a line of the cache
_CHUNK = 16  # steps whose share of the gradient of the weights is summed at once
_ROUND = 3 << 22  # added to a float32, leaves it rounded in the last bits
_MOST = 87  # exp of more is no float32
_FUSED = ("contract",)  # a product and a sum may be one instruction


def _growth(x: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(x == 0, -1, np.expm1(-x) / x)


# exp(-x) = 1 + x p(x) around 0, to 2e-7 of its value; the last coefficient of p first
_SERIES = np.polynomial.Chebyshev.interpolate(_growth, 4, [-math.log(2) / 2, math.log(2) / 2])
_SERIES = [*_SERIES.convert(kind=np.polynomial.Polynomial).coef[::-1], 1]


def _up(count: int, to: int) -> int:
    return -(-count // to) * to


class _Vectors:
    """Arithmetic of an intrinsic on vectors of float32."""

    def __init__(self, builder: ir.IRBuilder, lanes: int):
        self.builder, self.lanes = builder, lanes
        self.type, self.bits = ir.VectorType(ir.FloatType(), lanes), ir.VectorType(ir.IntType(32), lanes)

    def of(self, value: float) -> ir.Constant:
        return ir.Constant(self.type, [float(np.float32(value))] * self.lanes)

    def _place(self, data: ir.Value, offset: ir.Value) -> ir.Value:
        return self.builder.bitcast(self.builder.gep(data, [offset]), self.type.as_pointer())

    def load(self, data: ir.Value, offset: ir.Value) -> ir.Value:
        return self.builder.load(self._place(data, offset), align=4)

    def store(self, value: ir.Value, data: ir.Value, offset: ir.Value) -> None:
        self.builder.store(value, self._place(data, offset), align=4)

    def spread(self, value: ir.Value) -> ir.Value:
        nothing, first = ir.Constant(self.type, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        filled = self.builder.insert_element(nothing, value, first)
        return self.builder.shuffle_vector(filled, nothing, ir.Constant(self.bits, [0] * self.lanes))

    def times(self, *factors: ir.Value) -> ir.Value:
        product = factors[0]
        for factor in factors[1:]:
            product = self.builder.fmul(product, factor, flags=_FUSED)
        return product

    def plus(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fadd(a, b, flags=_FUSED)

    def minus(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.fsub(a, b, flags=_FUSED)

    def rest(self, value: ir.Value) -> ir.Value:
        """1 - value."""
        return self.minus(self.of(1), value)

    def sigmoid(self, x: ir.Value) -> ir.Value:
        """1 / (1 + exp(-x)); NaN stays NaN."""
        builder = self.builder
        for sign, most in ((">", _MOST), ("<", -_MOST)):
            x = builder.select(builder.fcmp_ordered(sign, x, self.of(most)), self.of(most), x)
        rounded = self.minus(self.of(_ROUND), self.times(x, self.of(1 / math.log(2))))
        whole = builder.fsub(rounded, self.of(_ROUND))
        left = self.plus(self.times(whole, self.of(math.log(2))), x)
        power = self.of(_SERIES[0])
        for each in _SERIES[1:]:
            power = self.plus(self.times(power, left), self.of(each))
        shift, bias = (ir.Constant(self.bits, [value] * self.lanes) for value in (23, 127 << 23))
        exponent = builder.add(builder.shl(builder.bitcast(rounded, self.bits), shift), bias)
        power = self.times(power, builder.bitcast(exponent, self.type))
        return builder.fdiv(self.of(1), self.plus(power, self.of(1)))

    def tanh(self, x: ir.Value) -> ir.Value:
        return self.minus(self.times(self.of(2), self.sigmoid(self.times(self.of(2), x))), self.of(1))


def _signature(*kinds: types.Type) -> types.Type:
    return types.void(*(kind if isinstance(kind, types.Array) else types.int64 for kind in kinds))


def _given(context: object, builder: ir.IRBuilder, signature: object, arguments: list) -> list[ir.Value]:
    """Arrays as pointers to their first value, numbers as they are."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


def _tile(lanes: int, vectors: int):
    """An intrinsic: ``start + a @ w`` of `ROWS` rows and as many columns as the vectors have lanes, from `column`.

    All arrays are flat; `_row` is the distance from a row to the next, `_next` that from one term of the sums to the
    next.
    """

    @intrinsic
    def tile(typing, a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, column):
        def generate(context, builder, signature, arguments):
            vector = _Vectors(builder, lanes)
            a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, column = _given(
                context, builder, signature, arguments
            )

            def number(value):
                return ir.Constant(ir.IntType(64), value)

            columns = [builder.add(column, number(i * lanes)) for i in range(vectors)]
            sums = [[cgutils.alloca_once(builder, vector.type) for _ in columns] for _ in range(ROWS)]
            for row, each in enumerate(sums):
                for at, total in zip(columns, each, strict=True):
                    offset = builder.add(builder.mul(start_row, number(row)), at)
                    builder.store(vector.load(start, offset), total)
            lines = [builder.gep(a, [builder.mul(a_row, number(row))]) for row in range(ROWS)]
            with cgutils.for_range(builder, terms) as term:
                across, along = builder.mul(term.index, w_next), builder.mul(term.index, a_next)
                weights = [vector.load(w, builder.add(across, at)) for at in columns]
                for line, each in zip(lines, sums, strict=True):
                    value = vector.spread(builder.load(builder.gep(line, [along])))
                    for weight, total in zip(weights, each, strict=True):
                        builder.store(vector.plus(vector.times(value, weight), builder.load(total)), total)
            for row, each in enumerate(sums):
                for at, total in zip(columns, each, strict=True):
                    vector.store(builder.load(total), out, builder.add(builder.mul(out_row, number(row)), at))
            return context.get_dummy_value()

        return _signature(a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, column), generate

    return tile


_tile_2, _tile_1, _tile_rest = _tile(_WIDE, 2), _tile(_WIDE, 1), _tile(_NARROW, 1)


@njit(**_COMPILED)
def _product(
    a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, columns
):  # pragma: no cover (compiled)
    # `columns` is a multiple of `_NARROW`
    at = 0
    while at + 2 * _WIDE <= columns:
        _tile_2(a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, at)
        at += 2 * _WIDE
    if at + _WIDE <= columns:
        _tile_1(a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, at)
        at += _WIDE
    if at < columns:
        _tile_rest(a, a_row, a_next, terms, w, w_next, start, start_row, out, out_row, at)


def _units(lanes: int):
    """Two intrinsics: as many units as there are lanes, from `unit`, of one row at one step; and the gradient of that.

    All arrays are flat, those of the gates `width` a row, the states `units` a row.
    """

    def offset(builder: ir.IRBuilder, row: ir.Value, unit: ir.Value, length: ir.Value) -> ir.Value:
        return builder.add(builder.mul(row, length), unit)

    def gates(builder: ir.IRBuilder, first: ir.Value, units: ir.Value) -> list[ir.Value]:
        return [builder.add(first, builder.mul(units, ir.Constant(units.type, i))) for i in range(4)]

    @intrinsic
    def forth(typing, entered, before, opened, cell, hidden, hidden_row, width, units, row, unit):
        def generate(context, builder, signature, arguments):
            vector = _Vectors(builder, lanes)
            entered, before, gate, cell, hidden, hidden_row, width, units, row, unit = _given(
                context, builder, signature, arguments
            )
            places = gates(builder, offset(builder, row, unit, width), units)
            state_at = offset(builder, row, unit, units)
            values = [vector.load(entered, place) for place in places]
            let_in, kept, shown = (vector.sigmoid(values[i]) for i in (0, 1, 3))
            new = vector.tanh(values[2])
            state = vector.plus(vector.times(kept, vector.load(before, state_at)), vector.times(let_in, new))
            for place, value in zip(places, (let_in, kept, new, shown), strict=True):
                vector.store(value, gate, place)
            vector.store(state, cell, state_at)
            output = vector.times(shown, vector.tanh(state))
            vector.store(output, hidden, offset(builder, row, unit, hidden_row))
            return context.get_dummy_value()

        return _signature(entered, before, opened, cell, hidden, hidden_row, width, units, row, unit), generate

    @intrinsic
    def back(typing, opened, before, cell, given, given_row, later, earlier, gradient, width, units, row, unit):
        def generate(context, builder, signature, arguments):
            vector = _Vectors(builder, lanes)
            gate, before, cell, given, given_row, later, earlier, gradient, width, units, row, unit = _given(
                context, builder, signature, arguments
            )
            places = gates(builder, offset(builder, row, unit, width), units)
            state_at = offset(builder, row, unit, units)
            let_in, kept, new, shown = (vector.load(gate, place) for place in places)
            tanh, old = vector.tanh(vector.load(cell, state_at)), vector.load(before, state_at)
            output = vector.load(given, offset(builder, row, unit, given_row))
            through = vector.times(output, shown, vector.rest(vector.times(tanh, tanh)))
            state = vector.plus(vector.load(later, state_at), through)
            found = (
                vector.times(state, new, let_in, vector.rest(let_in)),
                vector.times(state, old, kept, vector.rest(kept)),
                vector.times(state, let_in, vector.rest(vector.times(new, new))),
                vector.times(output, tanh, shown, vector.rest(shown)),
            )
            for place, value in zip(places, found, strict=True):
                vector.store(value, gradient, place)
            vector.store(vector.times(state, kept), earlier, state_at)
            return context.get_dummy_value()

        kinds = (opened, before, cell, given, given_row, later, earlier, gradient, width, units, row, unit)
        return _signature(*kinds), generate

    return forth, back


_forth_wide, _back_wide = _units(_WIDE)
_forth_narrow, _back_narrow = _units(_NARROW)


@njit(**_COMPILED)
def _forth(entered, before, gates, cell, hidden, hidden_row, width, units):  # pragma: no cover (compiled)
    # gates and states of a block; a last vector that would pass the last unit takes some units once more
    for row in range(ROWS):
        unit = 0
        while unit + _WIDE <= units:
            _forth_wide(entered, before, gates, cell, hidden, hidden_row, width, units, row, unit)
            unit += _WIDE
        while unit < units:
            last = min(unit, units - _NARROW)
            _forth_narrow(entered, before, gates, cell, hidden, hidden_row, width, units, row, last)
            unit += _NARROW


@njit(**_COMPILED)
def _back(gates, before, cell, given, given_row, later, earlier, gradient, width, units):  # pragma: no cover (compiled)
    for row in range(ROWS):
        unit = 0
        while unit + _WIDE <= units:
            _back_wide(gates, before, cell, given, given_row, later, earlier, gradient, width, units, row, unit)
            unit += _WIDE
        while unit < units:
            last = min(unit, units - _NARROW)
            _back_narrow(gates, before, cell, given, given_row, later, earlier, gradient, width, units, row, last)
            unit += _NARROW


@intrinsic
def _fetch(typing, data, at):
    """Ask for the line of the cache that holds a value, well before it is read."""

    def generate(context, builder, signature, arguments):
        data, at = _given(context, builder, signature, arguments)
        place, number = builder.bitcast(builder.gep(data, [at]), ir.IntType(8).as_pointer()), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return _signature(data, at), generate


@intrinsic
def _carry(typing, source, source_at, target, target_at, count):
    """Copy values from one flat array to another."""

    def generate(context, builder, signature, arguments):
        source, source_at, target, target_at, count = _given(context, builder, signature, arguments)
        places = builder.gep(target, [target_at]), builder.gep(source, [source_at])
        cgutils.raw_memcpy(builder, *places, count, 4)
        return context.get_dummy_value()

    return _signature(source, source_at, target, target_at, count), generate


class Weights(NamedTuple):
    """The weights of one direction, laid out for the kernels.

    Attributes
    ----------
    hidden : int
        H: units of the layer.
    units : int
        U: the same, or `_NARROW` if that is more; a unit that was added has no weight and gives 0.
    forth : (C + U, G) float32
        From the input of a step and the output of the step before to the gates: input, forget, cell, output; G is
        ``4 U`` rounded up.
    bias : (G,) float32
    back : (4 U, D) float32
        `forth` turned; D is ``C + U`` rounded up.
    """

    hidden: int
    units: int
    forth: np.ndarray
    bias: np.ndarray
    back: np.ndarray


def lay_out(into: np.ndarray, onto: np.ndarray, bias: np.ndarray) -> Weights:
    """The weights of one direction, laid out for `read` and `gradient`.

    Parameters
    ----------
    into : (4H, C) float32
        From the input to the gates, in torch's order: input, forget, cell, output.
    onto : (4H, H) float32
        From the output of the step before.
    bias : (4H,) float32

    Returns
    -------
    Weights

    Raises
    ------
    ValueError
        The arrays do not fit together.
    """
    hidden, channels = onto.shape[1], into.shape[1]
    if into.shape != (4 * hidden, channels) or onto.shape != (4 * hidden, hidden) or bias.shape != (4 * hidden,):
        raise ValueError(f"weights {into.shape}, {onto.shape} and {bias.shape} do not fit together")
    units = max(hidden, _NARROW)
    back = aligned((4 * units, _up(channels + units, _NARROW)))
    forth, shift = aligned((channels + units, _up(4 * units, _NARROW))), aligned((_up(4 * units, _NARROW),))
    back[:], forth[:], shift[:] = 0, 0, 0
    both = np.concatenate([into, onto], 1).reshape(4, hidden, channels + hidden)
    back.reshape(4, units, -1)[:, :hidden, : channels + hidden] = both
    forth[:, : 4 * units] = back[:, : channels + units].T
    shift[: 4 * units].reshape(4, units)[:, :hidden] = bias.reshape(4, hidden)
    return Weights(hidden, units, forth, shift, back)


class Shelf:
    """Memory that is used again, since the system takes longer to hand out fresh memory than a step of training."""

    def __init__(self):
        self._spare = []

    def take(self, size: int) -> np.ndarray:
        """An array that goes back to the shelf when nothing refers to it any more; a view of it does not count.

        Parameters
        ----------
        size : int

        Returns
        -------
        (size,) float32
            Not filled.
        """
        memory = self._spare.pop() if self._spare else aligned((size,))
        if len(memory) < size:
            memory = aligned((size,))
        taken = memory[:size]
        weakref.finalize(taken, self._spare.append, memory).atexit = False
        return taken


class States(NamedTuple):
    """What the steps of one direction leave for the gradient, block by block of `ROWS` sequences.

    Attributes
    ----------
    met : (B, S + 1, ROWS, M) float32
        Of each step: its input (C), the output of the step before (U), a one, and zeros.
    gates : (B, S, ROWS, G) float32
        Opened by so much: input, forget, cell (its new value), output.
    cell : (B, S + 1, ROWS, U) float32
        State of the cell before each step.
    """

    met: np.ndarray
    gates: np.ndarray
    cell: np.ndarray


def states(memory: np.ndarray, shape: tuple[int, int, int], w: Weights) -> States:
    """The parts of the memory that `read` filled.

    Parameters
    ----------
    memory : (size,) float32
        As `read` gives it, with a shelf.
    shape : tuple of int
        (S, N, C) of the input.
    w : Weights

    Returns
    -------
    States

    Raises
    ------
    ValueError
        The memory is of another size.
    """
    return _cut(memory, _shapes(shape, w, True))


def _shapes(shape: tuple[int, int, int], w: Weights, keep: bool) -> list[tuple[int, ...]]:
    steps, n, channels = shape
    # without a gradient to come, one block and the states of two steps are enough
    blocks, slots, kept = (-(-n // ROWS), steps + 1, steps) if keep else (1, 2, 1)
    met, gates = _up(channels + w.units + 1, ROWS), w.forth.shape[1]
    return [(blocks, slots, ROWS, met), (blocks, kept, ROWS, gates), (blocks, slots, ROWS, w.units)]


def _cut(memory: np.ndarray, shapes: list[tuple[int, ...]]) -> States:
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    if len(memory) != ends[-1]:
        raise ValueError(f"memory of {len(memory)} values, not {ends[-1]}")
    parts = np.split(memory, ends[:-1])
    return States(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


class Read(NamedTuple):
    """What one direction says of N sequences.

    Attributes
    ----------
    output : (N, U) float32
        The output of its last step, or the highest of each unit.
    equal : (N, U) float32
        Steps that gave the highest; not used for the last step.
    memory : (size,) float32
        See `states`.
    """

    output: np.ndarray
    equal: np.ndarray
    memory: np.ndarray


def read(x: np.ndarray, last: np.ndarray, w: Weights, backwards: bool, most: bool, shelf: Shelf | None) -> Read:
    """One direction of a layer over sequences of different lengths, from zero states.

    Parameters
    ----------
    x : (S, N, C) float32
        S steps of N sequences.
    last : (N,) int64
        The last step of each sequence; those after it are padding.
    w : Weights
    backwards : bool
        Whether each sequence is read from its last step to its first.
    most : bool
        Whether the highest output of each unit is wanted, not that of the step that is read last.
    shelf : Shelf or None
        Gives the memory for what `gradient` needs; None where there will be no gradient.

    Returns
    -------
    Read

    Raises
    ------
    ValueError
        The arrays do not fit together, or a last step lies outside the sequence.
    """
    steps, n, channels = x.shape
    if x.dtype != np.float32 or last.shape != (n,) or channels + w.units != len(w.forth):
        raise ValueError(f"input {x.shape} {x.dtype}, {last.shape} last steps and weights do not fit together")
    check_places(last, 0, steps, "a last step")
    shapes = _shapes(x.shape, w, shelf is not None)
    size = sum(map(math.prod, shapes))
    memory = aligned((size,)) if shelf is None else shelf.take(size)
    output, equal = np.full((n, w.units), -np.inf, np.float32), np.zeros((n, w.units), np.float32)
    forth = w.forth.reshape(-1)
    _read(np.ascontiguousarray(x), last, forth, w.bias, backwards, most, *_cut(memory, shapes), output, equal)
    return Read(output, equal, memory)


@njit(**_COMPILED)
def _read(x, last, weight, bias, backwards, most, met, gates, cell, best, equal):  # pragma: no cover (compiled)
    n, channels = x.shape[1:]
    (blocks, slots, _, across), (kept, _, width), units = met.shape, gates.shape[1:], cell.shape[3]
    # flat, since each view of a part with more axes costs as much as a gate
    x, met_of, gates_of, cell_of = x.reshape(-1), met.reshape(-1), gates.reshape(-1), cell.reshape(-1)
    entered = np.empty(ROWS * width, np.float32)
    for first in range(0, n, ROWS):
        block, rows = (first // ROWS) % blocks, min(ROWS, n - first)
        final = last[first : first + rows]
        end = final.max() + 1
        met[block, :, :, channels + units] = 1
        met[block, :, :, channels + units + 1 :] = 0
        met[block, :, rows:, :channels] = 0
        met[block, 0, :, channels : channels + units] = 0
        cell[block, 0] = 0
        for i in range(end):
            step = end - 1 - i if backwards else i
            now, then = (block * slots + i % slots) * ROWS, (block * slots + (i + 1) % slots) * ROWS
            for row in range(rows):
                source, target = (step * n + first + row) * channels, (now + row) * across
                _carry(x, source, met_of, target, channels)
            if i + 1 < end:  # the steps of a sequence lie far apart
                following = ((step - 1 if backwards else step + 1) * n + first) * channels
                for c in range(0, rows * channels, _LINE):
                    _fetch(x, following + c)
            _product(met_of[now * across :], across, 1, channels + units, weight, width, bias, 0, entered, width, width)
            before, after, hidden = cell_of[now * units :], cell_of[then * units :], met_of[then * across + channels :]
            opened = gates_of[(block * kept + i % kept) * ROWS * width :]
            _forth(entered, before, opened, after, hidden, across, width, units)
            for row in range(rows):
                output = (then + row) * across + channels
                if step > final[row]:
                    if backwards:  # it has not begun
                        for u in range(units):
                            met_of[output + u] = 0
                            cell_of[(then + row) * units + u] = 0
                elif most:
                    for u in range(units):
                        value, highest = met_of[output + u], best[first + row, u]
                        higher = (value > highest) | (value != value)  # NaN stays
                        count = equal[first + row, u] + np.float32(value == highest)
                        equal[first + row, u] = np.float32(1) if higher else count
                        best[first + row, u] = value if higher else highest
                elif step == (0 if backwards else final[row]):
                    for u in range(units):
                        best[first + row, u] = met_of[output + u]


def gradient(
    upstream: np.ndarray,
    found: Read,
    last: np.ndarray,
    shape: tuple[int, int, int],
    w: Weights,
    backwards: bool,
    most: bool,
    of_weights: bool,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Gradients of the `output` of `read`.

    Parameters
    ----------
    upstream : (N, H) float32
        Gradient of the loss with respect to the output.
    found : Read
        As `read` gave it, with a shelf.
    last : (N,) int64
        As given to `read`.
    shape : tuple of int
        (S, N, C) of its input.
    w : Weights
    backwards, most : bool
        As given to `read`.
    of_weights : bool
        Whether those of the weights are wanted too; they are half of the work.

    Returns
    -------
    x : (S, N, C) float32
    into : (4H, C) float32 or None
    onto : (4H, H) float32 or None
    bias : (4H,) float32 or None

    Raises
    ------
    ValueError
        The arrays do not fit together.
    """
    steps, n, channels = shape
    parts = states(found.memory, shape, w)
    if upstream.shape != (n, w.hidden) or last.shape != (n,) or found.output.shape != (n, w.units):
        raise ValueError(f"gradients {upstream.shape}, {last.shape} last steps and input {shape} do not fit together")
    check_places(last, 0, steps, "a last step")
    across, width = parts.met.shape[3], w.forth.shape[1]
    share = np.zeros((n, w.units), np.float32)
    share[:, : w.hidden] = upstream
    to_x, total = np.zeros(shape, np.float32), np.zeros((across, width), np.float32)
    _gradient(share, last, w.back, backwards, most, *parts, found.output, found.equal, to_x, total, of_weights)
    if not of_weights:
        return to_x, None, None, None
    by_gate = total[:, : 4 * w.units].reshape(across, 4, w.units)[:, :, : w.hidden].reshape(across, 4 * w.hidden)
    into, onto = by_gate[:channels], by_gate[channels : channels + w.hidden]
    return to_x, np.ascontiguousarray(into.T), np.ascontiguousarray(onto.T), by_gate[channels + w.units]


@njit(**_COMPILED)
def _gradient(
    upstream, last, weight, backwards, most, met, gates, cell, best, equal, to_x, total, of_weights
):  # pragma: no cover (compiled)
    n, channels = to_x.shape[1:]
    slots, across, kept, width = met.shape[1], met.shape[3], gates.shape[1], gates.shape[3]
    units, beside = cell.shape[3], weight.shape[1]
    to_x, weight, nothing = to_x.reshape(-1), weight.reshape(-1), np.zeros(beside, np.float32)
    met, gates, cell = met.reshape(-1), gates.reshape(-1), cell.reshape(-1)
    to_gates, own = np.zeros(_CHUNK * ROWS * width, np.float32), np.empty(across * width, np.float32)
    given = np.empty(ROWS * beside, np.float32)
    later, earlier = np.empty(ROWS * units, np.float32), np.empty(ROWS * units, np.float32)
    for first in range(0, n, ROWS):
        block, rows = first // ROWS, min(ROWS, n - first)
        final = last[first : first + rows]
        end = final.max() + 1
        given[:] = 0
        later[:] = 0
        own[:] = 0  # summed block by block, since a long sum in one order loses more to rounding
        for i in range(end - 1, -1, -1):
            step, place, at = end - 1 - i if backwards else i, i % _CHUNK, (block * slots + i) * ROWS
            for row in range(rows):
                to = row * beside + channels
                if step > final[row]:
                    if backwards:
                        for u in range(units):
                            given[to + u] = 0
                            later[row * units + u] = 0
                elif most:
                    output = (at + ROWS + row) * across + channels
                    for u in range(units):
                        share = upstream[first + row, u] / equal[first + row, u]
                        given[to + u] += share if met[output + u] == best[first + row, u] else np.float32(0)
                elif step == (0 if backwards else final[row]):
                    for u in range(units):
                        given[to + u] += upstream[first + row, u]
            opened, here = gates[(block * kept + i) * ROWS * width :], to_gates[place * ROWS * width :]
            before, after = cell[at * units :], cell[(at + ROWS) * units :]
            _back(opened, before, after, given[channels:], beside, later, earlier, here, width, units)
            later, earlier = earlier, later
            _product(here, width, 1, 4 * units, weight, beside, nothing, 0, given, beside, beside)
            for row in range(rows):
                source, target = row * beside, (step * n + first + row) * channels
                for c in range(channels):
                    to_x[target + c] = given[source + c]
            if place == 0 and of_weights:
                terms = (min(end, i + _CHUNK) - i) * ROWS
                for c in range(0, across, ROWS):
                    sums = own[c * width :]
                    _product(met[at * across + c :], 1, across, terms, to_gates, width, sums, width, sums, width, width)
        if of_weights:
            total += own.reshape(total.shape)
