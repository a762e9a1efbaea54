"""Training and scoring on a GPU beside one CPU thread; says so where there is none.

``python -m benchmarks.gpu`` writes `gpu.tsv` and `gpu.md` beside this file.
"""

import os
import sys
import time
from collections.abc import Callable

from tfbind.models import devices, predict
from tfbind.models.networks import build, one_thread

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch

from benchmarks import inputs, networks, page

ROUNDS = 3
DEVICES = ("gpu", "cpu")
#: Kind, options, networks in the stack, batch size.
STACKS = [
    ("deepbind", {}, 1, 128),
    ("deepbind", {}, 8, 128),
    ("deepbind", {"filters": 128}, 8, 1024),
    ("bilstm", {}, 3, 128),
    ("bilstm", {"readout": "max", "stride": 3}, 3, 1024),
]


def _timed(run: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    found = run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, found


def training(kind: str, options: dict, count: int, batch: int) -> dict:
    """A stack on both devices in turn; the mean of the best validation AUROC on each."""
    side = networks._ours(kind, options, batch, 1, count)
    speeds, reached = np.empty((ROUNDS + 1, 2)), {}
    for speed in speeds:
        for i, device in enumerate(DEVICES):
            os.environ[devices.VARIABLE] = device
            seconds, progress = _timed(side.run)
            speed[i] = side.items / seconds
            reached[device] = np.mean([each["score"] for each in progress])
    name = " ".join([f"training {kind}", *(f"{key}={value}" for key, value in options.items())])
    name += f", stack of {count}, batch {batch}"
    return _row(name, speeds) | {f"auroc_{device}": score for device, score in reached.items()}


def scoring(kind: str) -> dict:
    """Three networks read 65,536 sequences (8,192 on the CPU); how far the logits of equal rows lie apart."""
    tokens = np.tile(inputs.examples("USF1_h1", 8192)[0], (8, 1))
    stack = [build(kind, {}) for _ in range(3)]
    speeds, found = np.empty((ROUNDS + 1, 2)), {}
    for speed in speeds:
        for i, (device, rows) in enumerate(zip(DEVICES, (tokens, tokens[:8192]), strict=True)):
            read = predict.reader([network.to(device.replace("gpu", "cuda")) for network in stack], 4096)
            seconds, logits = _timed(lambda read=read, rows=rows: read(rows))
            speed[i], found[device] = len(rows) / seconds, logits[:, :8192]
    return _row(f"scoring with 3 {kind}", speeds) | {"difference": np.abs(found["gpu"] - found["cpu"]).max()}


def _row(name: str, speeds: np.ndarray) -> dict:
    # the first round warms up
    ratio, (gpu, cpu) = speeds[1:, 0] / speeds[1:, 1], np.median(speeds[1:], 0)
    print(f"{name}: {gpu:.3g} on the GPU, {cpu:.3g} on one CPU thread", flush=True)
    row = {"what": name, "gpu": gpu, "one_cpu_thread": cpu}
    return row | {"ratio": np.median(ratio), "low": ratio.min(), "high": ratio.max()}


def main() -> None:
    """Both devices in turn, round by round."""
    if not torch.cuda.is_available():
        sys.exit("no GPU here: nothing was measured; run this where torch.cuda.is_available()")
    one_thread()
    table = pd.DataFrame([*(training(*stack) for stack in STACKS), *(scoring(kind) for kind in ("deepbind", "bilstm"))])
    page.publish(
        "gpu",
        "A GPU beside one CPU thread",
        "python -m benchmarks.gpu",
        f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}. `gpu`, `one_cpu_thread`: sequences (times "
        f"networks of the stack) per second, the median of {ROUNDS} rounds, both in turn; training includes its "
        "validation, schedule and checkpoints. `auroc_*`: mean of the best validation AUROC, after one epoch; "
        "`difference`: how far the logits of the two devices lie apart at most. By default a stack takes the device "
        "that is faster for it, by times fitted to this table as it was on 2026-11-26 (`tfbind.models.devices`).",
        table,
    )
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
