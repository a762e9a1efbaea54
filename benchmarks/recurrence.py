"""A `bilstm` against another checkout and against the machine: ``python -m benchmarks.recurrence OTHER``.

Both builds and the same network layer by layer take turns on one thread, each build in a process of its own with its
own `src`, clocked in its processor time. Between the turns a large matrix product is clocked: no network of this form
can do its products faster. Writes `recurrence.tsv` and `recurrence.md`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import inputs, page
from benchmarks.lean import commit

WORK = {
    "training, batch 128": ("train", 3),  # the gradients of input and weights are a product each, like the output
    "scoring, both strands": ("score", 2),
}
_ROWS, _BATCH, _LARGE = 4096, 128, 1024


def side(logits: Path) -> None:
    """One build: reads what to do from standard input, writes the processor seconds of each turn, one a line."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from benchmarks.networks import EagerBiLSTM
    from tfbind.models import networks, predict

    networks.one_thread()
    encoded, labels = inputs.examples("USF1_h1", _ROWS)
    tokens, labels = torch.from_numpy(encoded), torch.from_numpy(labels)
    square = torch.randn(_LARGE, _LARGE)
    torch.manual_seed(0)
    network, eager = networks.build("bilstm", {}), EagerBiLSTM()
    np.save(logits, predict.score(network, encoded))

    def train(each: torch.nn.Module, *random: object) -> None:
        optimizer = torch.optim.AdamW(each.train().parameters(), 1e-3, fused=True)
        for x, y in zip(tokens.split(_BATCH), labels.split(_BATCH), strict=True):
            loss = binary_cross_entropy_with_logits(each(x, *random), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def score_eager() -> None:
        eager.eval()
        with torch.inference_mode():
            for strand in (tokens, torch.from_numpy(encoded[:, ::-1].copy())):
                for part in strand.split(512):
                    eager(part)

    turns: dict[str, Callable] = {
        "train": lambda: train(network, torch.Generator().manual_seed(1)),
        "score": lambda: predict.score(network, encoded),
        "train eager": lambda: train(eager),
        "score eager": score_eager,
        "product": lambda: [square @ square for _ in range(20)],
        "count": lambda: None,
    }
    steps = encoded.shape[1] - network.shortest + 1
    weights = sum(w.numel() for name, w in network.named_parameters() if "wards.weight" in name)
    for line in sys.stdin:
        start = time.process_time()
        turns[line.strip()]()
        spent = time.process_time() - start
        print(2 * weights * steps if line.strip() == "count" else spent, flush=True)


class Build:
    """A checkout in a process of its own."""

    def __init__(self, checkout: Path, logits: Path):
        self.checkout = checkout.resolve()
        environment = os.environ | {"PYTHONPATH": str(self.checkout / "src"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.recurrence", "--side", str(logits)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=inputs.REPO, env=environment, **pipes)

    def turn(self, what: str) -> float:
        """Processor seconds of one turn."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.checkout}: the process ended with {self.process.wait()}")
        return float(answer)

    def end(self) -> None:
        """Wait for the end of the process."""
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    """Race, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", nargs="?", type=Path, help="checkout of the other build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--side", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side(arguments.side)
        return
    if not arguments.other:
        parser.error("name the checkout of the other build")
    with tempfile.TemporaryDirectory() as name:
        places = [Path(name) / f"{i}.npy" for i in range(2)]
        ours, other = (
            Build(checkout, place) for checkout, place in zip((inputs.REPO, arguments.other), places, strict=True)
        )
        flops = ours.turn("count")
        turns = [(build, what) for what in ("train", "score", "product") for build in (ours, other)]
        turns += [(ours, "train eager"), (ours, "score eager")]
        for build, what in turns:
            build.turn(what)  # not counted: compiles, and fills the caches
        found = [{(build is ours, what): build.turn(what) for build, what in turns} for _ in range(arguments.rounds)]
        ours.end()
        other.end()
        apart = float(np.abs(np.subtract(*map(np.load, places))).max())
    product = statistics.median(2 * _LARGE**3 * 20 / turn[True, "product"] for turn in found)
    rows = []
    for label, (what, passes) in WORK.items():
        spent = {key: statistics.median(turn[key] for turn in found) for key in found[0]}
        row = {"what": label, "sequences a second": _ROWS / spent[True, what]}
        for against, key in (("other build", (False, what)), ("eager layers", (True, f"{what} eager"))):
            ratios = [turn[key] / turn[True, what] for turn in found]
            row[f"over {against}"] = statistics.median(ratios)
            row[f"over {against}, least to most"] = f"{min(ratios):.2f} to {max(ratios):.2f}"
        rate = passes * flops * _ROWS / spent[True, what]
        row |= {"MFLOP a sequence": passes * flops / 1e6, "GFLOP/s": rate / 1e9, "share of the limit": rate / product}
        rows.append(row)
    table = pd.DataFrame(rows).assign(commit=commit(inputs.REPO), against=commit(arguments.other))
    print(table.T.to_string())
    page.publish(
        "recurrence",
        "A bilstm against another build and the machine",
        "python -m benchmarks.recurrence OTHER",
        f"The published form on 101 bp, one thread, {arguments.rounds} rounds in which all take turns: medians of "
        "sequences a second and of the ratios of each round, in processor time. `eager layers`: embedding, convolution "
        "and oneDNN's LSTM, called by the same loop (the Lightning loop with a Dataset is in [results](results.md)). "
        "`MFLOP`: the products of the recurrence alone, two for each weight, step and strand, three times that in "
        f"training. `share of the limit`: their rate over that of a product of {_LARGE} x {_LARGE} in the same rounds "
        f"({product / 1e9:.0f} GFLOP/s). The logits of the builds differ by {apart:.1g} at most.",
        table,
    )


if __name__ == "__main__":
    main()
