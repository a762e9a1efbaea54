"""Protein-binding microarrays: what a threshold calls bound, and whether to learn intensities or labels.

``python -m benchmarks.intensities`` writes `arrays.tsv`, `intensities.tsv` and their pages beside it, from ten arrays
of DREAM5: five TFs, each on two designs (ME and HK). A network trained on one design is tested on the other.
"""

import logging
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks import inputs, page
from tfbind import dna
from tfbind.io import download, probe_tables
from tfbind.io.tally import Tally
from tfbind.kernels import ranks
from tfbind.models import networks, training
from tfbind.seeding import generator
from tfbind.sequences import negatives, positives, probes
from tfbind.statistics import metrics
from tfbind.study import schema

URL = "https://raw.githubusercontent.com/connersk/DREAM5-CNN/fed3825de91ad6ea61e4a00680c527c9d9a567a7/data/{}.txt"
ARRAYS = {
    "Cebpb_ME": "6eaecdac1d71365fabdef4d1bb5e618ac512e872f4a19bbc05796756e2b95ec4",
    "Cebpb_HK": "98f63a3730df63757509b9ed6b43c7c6ff0bd08fe9c42d2205175e3196611681",
    "Esr1_ME": "34d8d7e7a194a29a0b4880c0258cd5e16a4049875e2dab460e96ec85263e12b8",
    "Esr1_HK": "daf912d93c41b57a52cd197af91fda417b0b29bb3eb799bf094da94de22a677c",
    "Junb_ME": "e012fc2fcf335ec2ebe366aba6c8e0a42153d233f1812c1f9c6df7a22a0f8997",
    "Junb_HK": "601d1d8b3e82230a861ec08e008bad60d629d5773baf668856cf9ec3d3b6e27d",
    "Sp1_ME": "e2eb0bfe2d8535d62a4777f29f2e2ecf2da1f50d82cca59b9a8b2271d58878ee",
    "Sp1_HK": "38d2604113e14bb55fd42e239f1069b9f473d86afb069a60e966276441603607",
    "Tcf3_ME": "0dbc5640b7506c9243ecf1b9dd26803517d3f6ca399a83535b7e7512b5f9ae42",
    "Tcf3_HK": "9ca8ee9832a09f04b72aa8c7cda9ec5d1cc9cbf1e9d67c2ff0c211406b08bb46",
}
#: What most sites of a TF hold, for the arrays of `arrays.tsv`.
SITES = {
    "Cebpb": "TT[AG]C[AG][CT]AA",
    "Esr1": "AGGTCA",
    "Junb": "TGA[CG]TCA",
    "Sp1": "GGGCGG",
    "Tcf3": "CAGGTG|CAGCTG",
}
SEEDS = (0, 1)
NETWORK = ("deepbind", {"filters": 16, "width": 24})


def fetched(name: str) -> Path:
    """The table of an array."""
    path = inputs.FOLDER / f"{name}.txt"
    if not path.exists():
        download.fetch(URL.format(name), ARRAYS[name], path)
    return path


def row(name: str, test: str) -> dict[str, str]:
    """A row of the sheet: the array `name`, tested on the array `test`."""
    about = dict.fromkeys(schema.schema("datasets")["properties"], "")
    about |= {"dataset": name, "assay": "pbm", "format": "probes", "path": str(fetched(name))}
    return about | {"test_path": str(fetched(test))}


def threshold(tf: str, design: str) -> list[dict]:
    """How many probes are bound on the scale of the intensities and on that of their logarithms."""
    found = probe_tables.read_probes(fetched(f"{tf}_{design}"))
    both = found["sequence"] + "n" + dna.reverse_complements(found["sequence"])
    site = both.str.contains(re.compile(SITES[tf])).to_numpy()
    raw, background = found["signal"].to_numpy(), found["background"].to_numpy()
    ranked = {"signal": raw, "minus background": raw - background, "over background": raw / background}
    line = {"tf": tf.upper(), "design": design, "probes": len(found)}
    line |= {f"site AUROC, {name}": ranks.auroc(values[site], values[~site]) for name, values in ranked.items()}
    for scale, values in (
        ("intensity", probes.signal(found, Tally())["signal"].to_numpy()),
        ("log", np.log(raw) - 100),
    ):
        for at in (2, 4, 6):
            there = probes.bound(values, at)  # the logarithms are shifted, so that they are not raised again
            line[f"bound, {scale}, {at}"] = int(there.sum())
    order = np.sort(raw)
    least = max(min(raw.mean() + 4 * raw.std(), order[-50]), order[-1300])
    line["above mean + 4 sd"] = int((raw >= raw.mean() + 4 * raw.std()).sum())
    line["bound, Weirauch 2013"] = int((raw >= least).sum())
    return [line]


def learn(tf: str, design: str) -> list[dict]:
    """One network for each way of learning: on one design, tested on the other."""
    other = {"ME": "HK", "HK": "ME"}[design]
    config = schema.schema("config")["properties"]
    settings = {key: rules["default"] for key, rules in config["training"]["properties"].items()}
    split = {"validation_fraction": 0.1, "test_fraction": 0.2}
    about, options = row(f"{tf}_{design}", f"{tf}_{other}"), {"length": 101, "limit": None, "split": split}
    bound, _ = positives.positives(about, **options, rng=generator("positives", tf))
    pool, _ = positives.unbound(about, "provided", **options, rng=generator("provided", tf))
    one, _ = negatives.draw(tf, bound, ["provided"], generator("negatives", tf), unbound={"provided": pool})
    test = pd.concat([bound, pool]).query("split == 'test'")
    tokens, lines = torch.from_numpy(dna.encode(test["sequence"])), []
    for learns, unbound, said in (
        ("labels", one, "labels, one negative a positive"),
        ("labels", pool, "labels, all probes"),
        ("intensities", pool, "intensities, all probes"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            training.fit(*NETWORK, bound, unbound, SEEDS, settings, folder, {}, learns=learns)
            found = networks.load(folder)
        with torch.inference_mode():
            scores = np.stack([network(tokens).numpy() for network in found.values()])
        line = {"tf": tf.upper(), "trained on": design, "tested on": other, "learns": said}
        line |= {"bound": int((bound["split"] != "test").sum())}
        for name, metric in metrics.INTENSITY_METRICS.items():
            values = [metric(test["score"].to_numpy(), each) for each in (scores.mean(0), *scores)]
            line |= {name: values[0], f"{name}, sd of seeds": float(np.std(values[1:], ddof=1))}
        mean, label = scores.mean(0), test["label"].to_numpy() == 1
        lines.append(line | {"auroc": ranks.auroc(mean[label], mean[~label])})
        print(lines[-1], flush=True)
    return lines


def main(words: list[str]) -> None:
    """Write both tables, or that of which a word is given."""
    logging.disable(logging.INFO)
    networks.one_thread()
    arrays = [name.split("_") for name in ARRAYS]
    if "learn" not in words:
        table = pd.DataFrame([line for array in arrays for line in threshold(*array)])
        text = (
            "Ten arrays of DREAM5. `site AUROC`: how well the signal tells probes with the TF's consensus from the "
            "others, as it is, minus and over its background. `bound`: probes from so many robust standard deviations "
            "above the median on, of the processed intensities and of the logarithms; `Weirauch 2013`: from mean + 4 "
            "standard deviations on, at least 50 and at most 1,300."
        )
        page.publish("arrays", "What is bound on an array", "python -m benchmarks.intensities", text, table)
    if "thresholds" not in words:
        table = pd.DataFrame([line for array in arrays for line in learn(*array)])
        means = table.groupby("learns", sort=False)[["spearman", "auroc_top_probes", "auroc"]].mean()
        said = "; ".join(
            f"{name}: Spearman {line.spearman:.3f}, top probes {line.auroc_top_probes:.3f}, AUROC {line.auroc:.3f}"
            for name, line in means.iterrows()
        )
        text = (
            f"A `deepbind` of 16 detectors, {len(SEEDS)} seeds (their mean logit), trained on one array design and "
            "tested on all probes of the other. `bound`: probes learnt as positives; `auroc`: of the probes bound in "
            f"the test, threshold 4. Means: {said}."
        )
        page.publish("intensities", "Intensities or labels", "python -m benchmarks.intensities", text, table)


if __name__ == "__main__":
    main(sys.argv[1:])
