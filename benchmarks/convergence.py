"""Does the table look-up of `deepbind` learn what a plain convolution learns? ``python -m benchmarks.convergence``.

Trains tfbind's default `deepbind` to its end, on the same rows with the same seeds, once by the kernel that the CPU
uses and once by `networks.best_window_dense`, and writes `convergence.tsv` and `convergence.md`. Both see the same
weights, batches and dropout at the start; rounding parts them, as it would part two machines.
"""

import sys
import tempfile
import time
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks import inputs, page
from tfbind.models import networks, predict, training

DATASETS = ("USF1_hepg2", "ELK1_gm12878", "GABPA_gm12878", "MYC_h1")
SEEDS = 3


def aurocs(dataset: str, seeds: int) -> tuple[dict[str, float], float]:
    """AUROC over the published test file of each seed and of the ensemble, and seconds of processor time."""
    study = inputs.study_of_real_data()
    bound, unbound = inputs.tables(dataset, seeds)
    options = study.options("deepbind", dataset)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        training.fit(options.pop("kind"), options, bound, unbound, range(seeds), study.config["training"], folder, {})
        seconds = time.process_time() - start
        scores = predict.predict(folder, {"test": (bound, {"standard": unbound})})
    return {seed: roc_auc_score(part["label"], part["score"]) for seed, part in scores.groupby("seed")}, seconds


def main(datasets: list[str]) -> None:
    """Run the sets, print, and write the table where none was left out."""
    rows = []
    for dataset in datasets or DATASETS:
        kernel, fast = aurocs(dataset, SEEDS)
        with mock.patch.object(networks, "best_window", networks.best_window_dense):
            dense, slow = aurocs(dataset, SEEDS)
        for seed, auroc in kernel.items():
            row = {"dataset": dataset, "seed": seed, "kernel": auroc, "convolution": dense[seed]}
            rows.append(row | {"difference": auroc - dense[seed], "times faster": slow / fast})
            print(
                "{dataset:15} {seed:9} {kernel:.4f} {convolution:.4f} {difference:+.5f}".format(**rows[-1]), flush=True
            )
    if datasets:
        return
    table = pd.DataFrame(rows)
    single = table[table["seed"] != "ensemble"]
    noise = single.groupby("dataset")["convolution"].std().mean()
    page.publish(
        "convergence",
        "The kernel and the convolution, trained to their end",
        "python -m benchmarks.convergence",
        "AUROC over the published test file of tfbind's `deepbind` with its defaults, by table look-ups (`kernel`) and "
        "by `conv1d` (`convolution`), and how many times as fast the training was. Mean difference of a seed "
        f"{single['difference'].mean():+.5f}, largest {single['difference'].abs().max():.5f}; the standard deviation "
        f"between the seeds of one set is {noise:.5f} on average.",
        table,
    )
    if not np.allclose(table["difference"], 0, atol=0.01):
        sys.exit("the kernel and the convolution do not reach the same AUROC")


if __name__ == "__main__":
    main(sys.argv[1:])
