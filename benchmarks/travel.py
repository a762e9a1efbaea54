"""What helps a model of HT-SELEX reads to reach ChIP-seq peaks, from the reads alone.

``python -m benchmarks.travel`` writes `travel.tsv` and a page beside it. Sequences are made by the
workflow, of the data of resources/assays (fetched once), in ``results-travel``. ``python -m benchmarks.travel time``
writes `time_to_auroc`: how soon each way of training reaches the AUROC of the first line.
"""

import functools
import logging
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy import stats

from benchmarks import page
from benchmarks.inputs import REPO
from benchmarks.workflow import snakemake
from tfbind import dna
from tfbind.io import tables
from tfbind.kernels import ranks
from tfbind.models import baseline, networks, predict, training
from tfbind.study import schema

#: TFs with sound data in both assays: source and target of the sheet of resources/assays.
PAIRS = {
    "USF1": ("USF1_selex", "USF1_h1"),
    "ELK1": ("ELK1_selex", "ELK1_gm12878"),
    "GATA3": ("GATA3_selex", "GATA3_shsy5y"),
    "CTCF": ("CTCF_selex", "CTCF_chip"),
    "MAFK": ("MAFK_selex", "MAFK_chip"),
    "GATA4": ("GATA4_selex", "GATA4_chip"),
}
NEGATIVES = {
    "standard": {"kind": "usual"},
    "others": {"kind": "usual", "also": {"reads": ["other_tf"]}},
    "shuffles": {"kind": "usual", "also": {"reads": ["dinucleotide"]}},
    "both": {"kind": "usual", "also": {"reads": ["other_tf", "dinucleotide"]}},
}
#: Reads per library that train: the default, and all that the largest of these libraries have.
FEW, ALL = 20_000, 200_000
SEEDS = (0, 1, 2)


class Try(NamedTuple):
    """One way of training and reading."""

    negatives: str = "both"
    decay: float = 0.3
    reading: str = "occupancy"
    limit: int = FEW
    kind: str = "deepbind"
    options: Mapping = {}
    embed: int = 0


TRIES = {
    "today's deepbind_scan": Try("standard", 0.03, "scan"),
    "occupancy": Try("standard", 0.03),
    "reads of other TFs": Try("others", 0.03),
    "shuffles": Try("shuffles", 0.03),
    "reads of other TFs and shuffles": Try("both", 0.03),
    "weight decay 0.3": Try("standard"),
    "all three": Try(),
    "all three, best window": Try(reading="scan"),
    "all three, all reads": Try(limit=ALL),
    "all three, 64 detectors": Try(options={"filters": 64}),
    "all three, in surroundings": Try(reading="embed", embed=101),
    "all three, selection": Try(kind="selection", reading="whole", decay=0.03),
}
REFERENCES = {
    "matrix": ("matrix", {"readout": "maximum"}, "whole"),
    "8-mers": ("kmers", {}, "whole"),
    "pwm": ("pwm", {}, "whole"),
}


@functools.cache
def made(limit: int) -> Path:
    """The folder of the sequences of a study that uses so many reads of each library."""
    folder = REPO / "results-travel" / str(limit)
    folder.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((REPO / "resources/assays/config.yaml").read_text())
    config = {key: config[key] for key in ("split", "models", "transfer")}
    config |= {"datasets": str(REPO / "resources/assays/datasets.tsv"), "negatives": NEGATIVES}
    config["sequence"] = {"limit": limit}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    wanted = [f"results/negatives/{dataset}/standard.parquet" for pair in PAIRS.values() for dataset in pair]
    snakemake(folder, "--cores", 2, *wanted)
    return folder / "results"


def read(folder: Path, dataset: str, label: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positives and negatives of a dataset."""
    return (
        tables.read(folder / "positives" / f"{dataset}.parquet"),
        tables.read(folder / "negatives" / dataset / f"{label}.parquet"),
    )


def area(folder: Path, tf: str, model: Path, reading: str) -> float:
    """AUROC of a stored model on the test rows of the TF's ChIP-seq."""
    both = pd.concat(read(folder, PAIRS[tf][1], "standard")).query("split == 'test'")
    stored = predict.stored(model, "cpu")
    logits = predict.score(stored.model, dna.encode(both["sequence"]), reading, stored.window, chain=stored.chain)
    bound = both["label"].to_numpy() == 1
    return float(ranks.auroc(logits.mean(0)[bound], logits.mean(0)[~bound]))


def fitted(tf: str, how: Try, model: Path, settings: Mapping) -> tuple[Path, float, int]:
    """Train a try on the reads of a TF: the study's folder, seconds of the processor, sequences of an epoch."""
    folder = made(how.limit)
    rows = read(folder, PAIRS[tf][0], how.negatives)
    start = time.process_time()
    settings = {**settings, "weight_decay": how.decay}
    training.fit(how.kind, dict(how.options), *rows, SEEDS, settings, model, {}, embed=how.embed)
    seconds, counts = time.process_time() - start, [(table["split"] == "train").sum() for table in rows]
    return folder, seconds, int(sum(counts))


def defaults() -> dict:
    """`training` of the config where nothing is given."""
    rules = schema.schema("config")["properties"]["training"]["properties"]
    return {key: rule["default"] for key, rule in rules.items()}


def reached(tf: str) -> list[dict]:
    """The AUROC of every try and reference."""
    lines = []
    with tempfile.TemporaryDirectory() as work:
        for number, (name, how) in enumerate(TRIES.items()):
            if how.kind not in networks.MODELS:
                continue
            model = Path(work) / str(number)
            folder, seconds, _ = fitted(tf, how, model, defaults())
            lines.append({"try": name, "tf": tf, "auroc": area(folder, tf, model, how.reading), "seconds": seconds})
            print(lines[-1], flush=True)
        folder = made(FEW)
        for name, (kind, options, reading) in REFERENCES.items():
            model = Path(work) / kind
            model.mkdir()
            of_tf = {"tf": tf} if kind == "matrix" else {}
            baseline.fit(kind, options | of_tf, *read(folder, PAIRS[tf][0], "standard"), 0, model)
            lines.append({"try": f"reference: {name}", "tf": tf, "auroc": area(folder, tf, model, reading)})
            print(lines[-1], flush=True)
    return lines


def summed(found: pd.DataFrame) -> pd.DataFrame:
    """Mean AUROC of each try, its gain over the first with an interval over the TFs, and what the others choose."""
    wide = found.pivot(index="try", columns="tf", values="auroc")[list(PAIRS)].loc[list(dict.fromkeys(found["try"]))]
    first = wide.iloc[0]
    networks_only = wide[~wide.index.str.startswith("reference")]
    picked = {tf: networks_only.drop(columns=tf).mean(axis=1).idxmax() for tf in wide}
    wide.loc["chosen on the five other TFs"] = {tf: wide.loc[name, tf] for tf, name in picked.items()}
    lines = []
    for name, row in wide.iterrows():
        gain = 100 * (row - first)
        half = stats.t.ppf(0.975, len(gain) - 1) * gain.sem() if name != wide.index[0] else np.nan
        spread = {"low": gain.mean() - half, "high": gain.mean() + half}
        line = {"try": name, **row.round(4), "mean": row.mean(), "gain": gain.mean(), **spread}
        lines.append(line)
    return pd.DataFrame(lines)


def raced(tf: str) -> list[dict]:
    """How soon today's training and the default for reads reach the AUROC of today's, by schedules of more epochs."""
    lines, goal = [], None
    with tempfile.TemporaryDirectory() as work:
        for name in ("today's deepbind_scan", "all three"):
            how, found = TRIES[name], []
            for epochs in (1, 2, 3, 4, 6, 8, 12):
                model = Path(work) / f"{how.decay}-{epochs}"
                settings = defaults() | {"epochs": epochs, "steps": 0, "patience": epochs}
                folder, seconds, rows = fitted(tf, how, model, settings)
                found.append((epochs, area(folder, tf, model, how.reading), seconds, rows * epochs))
            goal = goal or found[-1][1]
            line = {"tf": tf, "way": name, "goal": goal, "epochs": np.nan, "seconds": np.nan, "sequences": np.nan}
            for epochs, value, seconds, seen in found:
                if value >= goal:
                    line |= {"epochs": epochs, "seconds": seconds, "sequences": seen}
                    break
            lines.append(line)
            print(line, found, flush=True)
    return lines


def main(words: list[str]) -> None:
    """Write the tables and the page."""
    logging.disable(logging.INFO)
    networks.one_thread()
    made(FEW)
    if "time" in words:
        table = pd.DataFrame([line for tf in PAIRS for line in raced(tf)])
        text = (
            "`goal`: the AUROC on ChIP-seq of today's training after its 12 epochs. `epochs`, `seconds` of the "
            "processor, `sequences` seen by each of three networks: of the shortest schedule that reaches it; empty "
            "where none does."
        )
        page.publish("time_to_auroc", "Time to AUROC", "python -m benchmarks.travel time", text, table)
        return
    made(ALL)
    found = pd.DataFrame([line for tf in PAIRS for line in reached(tf)])
    text = (
        "AUROC on the test rows of ChIP-seq of `deepbind` networks trained on HT-SELEX reads alone, three seeds. "
        "`gain`: over the first line, in points, with Student's interval over the six TFs. The last line takes for "
        "each TF what was best on the five others. All these TFs were looked at while the tries were chosen."
    )
    page.publish("travel", "From reads to peaks", "python -m benchmarks.travel", text, summed(found))


if __name__ == "__main__":
    main(sys.argv[1:])
