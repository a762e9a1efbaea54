"""The steps of a long short-term memory, value by value; a library does the matrix products between them.

All gates of a step are one sigmoid over one array: ``tanh(x) = 2 sigmoid(2 x) - 1``, so the caller doubles what enters
the third gate. The exponential is a polynomial and a shift of exponent bits, which compilers turn into vectors; that of
the C library is a call for each value.
"""

import math

import numpy as np
from llvmlite import ir
from numba import float32, njit, types
from numba.extending import intrinsic

_COMPILED = {"cache": True, "nogil": True, "error_model": "numpy"}  # no check for a division by zero in each loop
_ROUND = np.float32(3 << 22)  # added to a float32, leaves it rounded in the last bits
_PER_LOG2 = np.float32(1 / math.log(2))
_LOG2_HIGH = np.float32(0.693359375)  # few bits, so that its multiples are exact
_LOG2_LOW = np.float32(math.log(2) - 0.693359375)
_T2, _T3, _T4, _T5, _T6 = (np.float32(1 / math.factorial(i)) for i in range(2, 7))
_MOST = np.float32(87)  # exp of more is no float32
_ONE, _TWO, _FOUR = np.float32(1), np.float32(2), np.float32(4)


@intrinsic
def _power(typing, rounded):
    """2 to the power of the integer in the last bits of a float32."""

    def generate(context, builder, signature, arguments):
        whole = ir.IntType(32)
        bits = builder.shl(builder.bitcast(arguments[0], whole), ir.Constant(whole, 23))
        return builder.bitcast(builder.add(bits, ir.Constant(whole, 127 << 23)), ir.FloatType())

    return float32(types.float32), generate


@njit(**_COMPILED)
def _sigmoid(x):  # pragma: no cover (compiled)
    # 1 / (1 + exp(-x)); NaN stays NaN
    y = -x
    y = _MOST if y > _MOST else y
    y = -_MOST if y < -_MOST else y
    rounded = y * _PER_LOG2 + _ROUND
    whole = rounded - _ROUND
    r = (y - whole * _LOG2_HIGH) - whole * _LOG2_LOW
    series = _ONE + r * (_ONE + r * (_T2 + r * (_T3 + r * (_T4 + r * (_T5 + r * _T6)))))
    return _ONE / (_ONE + series * _power(rounded))


@njit(**_COMPILED)
def forth(gates, before, cell, hidden):  # pragma: no cover (compiled)
    """One step of a layer of H units for N sequences.

    Parameters
    ----------
    gates : (N, 4H) float32
        Input of the gates, in torch's order: input, forget, cell (doubled), output. Becomes their sigmoid.
    before : (N, H) float32
        State of the cell before.
    cell, hidden : (N, H) float32
        Receive the state of the cell, and the output of the step.

    Raises
    ------
    ValueError
        The arrays differ in shape.
    """
    n, units = hidden.shape
    if gates.shape != (n, 4 * units) or before.shape != hidden.shape or cell.shape != hidden.shape:
        raise ValueError("gates and states differ in shape")
    flat = gates.reshape(-1)
    for i in range(len(flat)):
        flat[i] = _sigmoid(flat[i])
    for row in range(n):
        opened, kept, new = gates[row, :units], gates[row, units : 2 * units], gates[row, 2 * units : 3 * units]
        old, state = before[row], cell[row]
        for i in range(units):
            state[i] = kept[i] * old[i] + opened[i] * (_TWO * new[i] - _ONE)
    states, given = cell.reshape(-1), hidden.reshape(-1)
    for i in range(len(states)):
        given[i] = _TWO * _sigmoid(_TWO * states[i]) - _ONE
    for row in range(n):
        shown, out = gates[row, 3 * units :], hidden[row]
        for i in range(units):
            out[i] *= shown[i]


@njit(**_COMPILED)
def back(gates, before, cell, upstream, later, carried, gradient):  # pragma: no cover (compiled)
    """The gradient of one step.

    Parameters
    ----------
    gates : (N, 4H) float32
        The sigmoids that `forth` left there.
    before, cell : (N, H) float32
        State of the cell before and after the step, as `forth` left them.
    upstream, later : (N, H) float32
        Gradient of the loss with respect to the output of the step, by itself and through the later steps.
    carried : (N, H) float32
        Gradient with respect to the state of the cell that comes from later steps; becomes that of the step before.
    gradient : (N, 4H) float32
        Receives the gradient with respect to the input of the gates, none of it doubled.

    Raises
    ------
    ValueError
        The arrays differ in shape.
    """
    n, units = upstream.shape
    if gates.shape != (n, 4 * units) or gradient.shape != gates.shape:
        raise ValueError("gates and gradients differ in shape")
    for state in (before, cell, later, carried):
        if state.shape != upstream.shape:
            raise ValueError("gates and states differ in shape")
    bent = np.empty((n, units), np.float32)  # tanh of the state
    states, flat = cell.reshape(-1), bent.reshape(-1)
    for i in range(len(states)):
        flat[i] = _TWO * _sigmoid(_TWO * states[i]) - _ONE
    for row in range(n):
        opened, kept, new = gates[row, :units], gates[row, units : 2 * units], gates[row, 2 * units : 3 * units]
        shown, tanh, old = gates[row, 3 * units :], bent[row], before[row]
        alone, beyond, state, out = upstream[row], later[row], carried[row], gradient[row]
        to_opened, to_kept, to_new, to_shown = (
            out[:units],
            out[units:][:units],
            out[2 * units :][:units],
            out[3 * units :],
        )
        for i in range(units):
            given = alone[i] + beyond[i]
            to_shown[i] = given * tanh[i] * shown[i] * (_ONE - shown[i])
            state[i] += given * shown[i] * (_ONE - tanh[i] * tanh[i])
        for i in range(units):
            to_new[i] = state[i] * opened[i] * _FOUR * new[i] * (_ONE - new[i])
        for i in range(units):
            to_opened[i] = state[i] * (_TWO * new[i] - _ONE) * opened[i] * (_ONE - opened[i])
        for i in range(units):
            to_kept[i] = state[i] * old[i] * kept[i] * (_ONE - kept[i])
        for i in range(units):
            state[i] *= kept[i]
