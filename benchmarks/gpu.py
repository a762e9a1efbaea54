"""Training and scoring on a GPU beside one CPU thread; says so where there is none.

``python -m benchmarks.gpu`` writes `gpu.tsv` beside this file.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch

from benchmarks import inputs, networks
from tfbind import models, prediction

ROUNDS = 3
HERE = Path(__file__).parent
#: Kind, options, networks in the stack, batch size.
STACKS = [
    ("deepbind", {}, 1, 128),
    ("deepbind", {}, 8, 128),
    ("deepbind", {"filters": 128}, 8, 1024),
    ("bilstm", {}, 3, 128),
    ("bilstm", {"readout": "max", "stride": 3}, 3, 1024),
]


class _On:
    """Lightning chooses the device by itself (`accelerator: auto`); here each gets its turn."""

    def __init__(self, accelerator: str):
        self.accelerator = accelerator

    def __enter__(self):
        self.trainer = lightning.Trainer
        lightning.Trainer = lambda **options: self.trainer(**{**options, "accelerator": self.accelerator})

    def __exit__(self, *_):
        lightning.Trainer = self.trainer


def _seconds(run: object) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Both devices in turn, round by round."""
    if not torch.cuda.is_available():
        sys.exit("no GPU here: nothing was measured; run this where torch.cuda.is_available()")
    models.one_thread()
    rows = []
    for kind, options, count, batch in STACKS:
        side = networks._ours(kind, options, batch, 2, count)
        speeds = np.empty((ROUNDS + 1, 2))
        for speed in speeds:
            for i, accelerator in enumerate(("gpu", "cpu")):
                with _On(accelerator):
                    speed[i] = side.items / _seconds(side.run)
        rows.append(_row(f"training {kind} {options}, stack of {count}, batch {batch}", speeds))
    tokens = np.tile(inputs.examples("USF1_h1", 8192)[0], (8, 1))
    for kind in ("deepbind", "bilstm"):
        stack = [models.build(kind, {}) for _ in range(3)]
        speeds = np.empty((ROUNDS + 1, 2))
        for speed in speeds:
            for i, device in enumerate(("cuda", "cpu")):
                moved = [network.to(device) for network in stack]
                part = tokens if device == "cuda" else tokens[:8192]
                read = prediction.reader(moved, 4096)
                speed[i] = len(part) / _seconds(lambda read=read, part=part: read(part))
        rows.append(_row(f"scoring with 3 {kind}", speeds))
    table = pd.DataFrame(rows)
    table.insert(0, "gpu", torch.cuda.get_device_name())
    table.to_csv(HERE / "gpu.tsv", sep="\t", index=False, float_format="%.4g")
    print(table.to_string(index=False))


def _row(name: str, speeds: np.ndarray) -> dict:
    ratio = speeds[1:, 0] / speeds[1:, 1]
    ours, cpu = np.median(speeds[1:], 0)
    row = {"name": name, "sequences_per_second": ours, "one_cpu_thread": cpu}
    return row | {"ratio": np.median(ratio), "low": ratio.min(), "high": ratio.max()}


if __name__ == "__main__":
    main()
