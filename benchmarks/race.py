"""Fair ratios on a machine that others use too: both sides in turn, round by round, in one process.

Work of one thread is clocked in the processor time of this process, which other programs do not lengthen; work of
several threads in wall time.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

ROUNDS = 5


class Side(NamedTuple):
    """One contestant: a function without arguments, and how many items one call handles."""

    run: Callable[[], object]
    items: int = 1


class Case(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    name, against : str
        What is done, and the peer that does it too.
    goal : float
        Least ratio of items per second, ours over the peer's.
    prepare : callable
        Returns both `Side`s, after checking that they give the same result; or the ratio itself where nothing is timed.
    threads : int
        More than one is clocked in wall time.
    """

    name: str
    against: str
    goal: float
    prepare: Callable[[], tuple[Side, Side] | float]
    threads: int = 1


CASES: list[Case] = []


def case(name: str, against: str, goal: float, threads: int = 1) -> Callable:
    """Enter the decorated `prepare` function into `CASES`."""

    def enter(prepare: Callable) -> Callable:
        CASES.append(Case(name, against, goal, prepare, threads))
        return prepare

    return enter


def race(chosen: Case, rounds: int = ROUNDS) -> np.ndarray:
    """Ratios (rounds,) of items per second, ours over the peer's, after one round that is not counted."""
    sides = chosen.prepare()
    if isinstance(sides, float):
        return np.array([sides])
    clock = time.process_time if chosen.threads == 1 else time.perf_counter
    speeds = np.empty((rounds + 1, 2))
    with _collected():
        for speed in speeds:
            for i, side in enumerate(sides):
                gc.collect()
                start = clock()
                side.run()
                speed[i] = side.items / (clock() - start)
    return speeds[1:, 0] / speeds[1:, 1]


@contextmanager
def _collected() -> Iterator[None]:
    # Garbage is collected between the turns, not in one side's turn for the other's.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
