"""How often the largest part of a drop names its only cause: simulated studies with one known cause each.

``python -m benchmarks.causes`` writes `causes.tsv`, `causes_studies.tsv` (a row a study) and `causes.md` beside it.

Source and target hold sites of one JASPAR matrix in random bases, some rows rich in G and C and some poor. In every
study they differ a little in what `drop_attribution` can switch (`USUAL`), so that each cause is a candidate; one
difference is made large: the known cause. ``composition`` is a factor with another motif in rows poor in G and C, of
which the source has more; ``rest`` is another motif everywhere, which no switch can bring closer.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import page
from tfbind import dna, motifs
from tfbind.io import tables
from tfbind.models import networks
from tfbind.models.examples import LabelledTables
from tfbind.seeding import generator
from tfbind.sequences import negatives
from tfbind.transfer import drop_attribution, evaluate

STUDIES = 100
TFS = ("USF1", "GATA3", "CTCF", "ELK1", "NFE2", "MYC")
MODEL = ("deepbind", {"filters": 6, "width": 12})
SETTINGS = {"steps": 55, "batch_size": 128, "learning_rate": 0.05, "weight_decay": 0.0, "patience": 1}
STATISTICS = {"resamples": 200, "level": 0.95, "block": 1000, "min_examples": 20}
SEEDS = (0,)
TEST = 250


class World(NamedTuple):
    """What the rows of one experiment are like."""

    rows: int  #: bound training rows
    length: int  #: bp
    rich: float  #: share of the rows that are rich in G and C
    lower: float  #: by how much the unbound rows are poorer in G and C
    kind: str  #: of the unbound rows: shuffles of the bound ones, or random rows
    share: float  #: of the bound rows that hold a site
    tf: str  #: whose sites
    poor_tf: str  #: whose sites in rows poor in G and C


def _random(rows: int, world: World, lower: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rich = rng.random(rows) < world.rich
    share = (np.where(rich, RICH, POOR) - lower + 0.05 * rng.standard_normal(rows)).clip(0.05, 0.95)
    shape = rows, world.length
    tokens = np.where(rng.random(shape) < share[:, None], rng.integers(1, 3, shape), 3 * rng.integers(0, 2, shape))
    return tokens.astype(np.uint8), rich


def _plant(tokens: np.ndarray, rows: np.ndarray, tf: str, rng: np.random.Generator) -> None:
    matrix = motifs.of_tf(tf).take([0]).matrices[0]
    odds = np.exp2(matrix.astype(float))
    climb = (odds / odds.sum(1, keepdims=True)).cumsum(1)
    site = (rng.random((len(rows), len(matrix), 1)) > climb[:, :3]).sum(2).astype(np.uint8)
    site = np.where(rng.random((len(rows), 1)) < 0.5, site, 3 - site[:, ::-1])
    start = rng.integers(0, tokens.shape[1] - len(matrix) + 1, len(rows))
    tokens[rows[:, None], start[:, None] + np.arange(len(matrix))] = site


def _rows(name: str, world: World, rows: int, split: str, rng: np.random.Generator) -> LabelledTables:
    bound, rich = _random(rows, world, 0, rng)
    held = rng.random(rows) < world.share
    for tf, chosen in ((world.tf, held & rich), (world.poor_tf, held & ~rich)):
        _plant(bound, np.flatnonzero(chosen), tf, rng)
    options = {"split": split, "origin": "simulated"}
    ids = [f"{name}/p{split}{i}" for i in range(rows)]
    positives = tables.sequences(id=ids, sequence=dna.decode(bound), label=1, **options)
    if world.kind == "input":
        ids = [f"{name}/input{i}" for i in range(rows)]
        unbound = tables.sequences(
            id=ids, sequence=dna.decode(_random(rows, world, world.lower, rng)[0]), label=0, **options
        )
    else:
        unbound = negatives.NEGATIVES[world.kind](positives, rng)[0]
        unbound["id"] = [f"{name}/{world.kind}{i}" for i in range(len(unbound))]
    return LabelledTables(positives, unbound)


RICH, POOR = 0.58, 0.36
#: The target; the source where nothing is amiss; what makes each cause a large one, of the source unless said.
TARGET = World(800, 40, 0.5, 0.0, "dinucleotide", 0.9, "", "")
USUAL = {"rows": 680, "length": 38, "rich": 0.45, "kind": "input"}
LARGE: dict[str, Mapping] = {
    "negatives": {"lower": 0.2},
    "size": {"rows": 80, "target": {"rows": 1600}},
    "composition": {"rich": 0.2, "target": {"rich": 0.8}},
    "cycle": {"share": 0.15},
    "rest": {},
}


def study(cause: str, number: int) -> tuple[drop_attribution.Game, pd.DataFrame, str]:
    """A game whose only large cause is known, its test rows, and its TF."""
    rng = generator("causes", cause, number)
    tf, other = map(str, rng.choice(TFS, 2, replace=False))
    large = dict(LARGE[cause])
    target = TARGET._replace(tf=tf, poor_tf=other if cause == "composition" else tf, **large.pop("target", {}))
    source = target._replace(**{name: value for name, value in USUAL.items() if cause != name} | large)
    if cause == "rest":
        source = source._replace(tf=other, poor_tf=other)
    stand_in = source._replace(share=target.share)
    sides = [_rows(n, w, w.rows, "train", rng) for n, w in (("s", source), ("t", target), ("o", stand_in))]
    test = pd.concat(_rows("t", target, TEST, "test", rng), ignore_index=True)
    return drop_attribution.Game(*sides, "whole", (cause, str(number))), test, tf


def explain(cause: str, number: int, settings: Mapping = SETTINGS) -> dict:
    """One study: its known cause, the one that is named, the drop and every part."""
    networks.one_thread()
    game, test, tf = study(cause, number)
    sheet = [{"tf": tf, "assay": assay, "cell": ""} for assay in ("htselex", "chipseq")]
    why = drop_attribution.untestable(game, *sheet)
    switches = [name for name in drop_attribution.CAUSES if not why[name]]
    found, _ = drop_attribution.play(game, switches, test, MODEL, SEEDS, settings)
    results = drop_attribution.parts(found, evaluate.draws_of(test, "t", "simulated", STATISTICS), STATISTICS["level"])
    parts = {name: values[0] for (name, metric), values in results.items() if metric == "part"}
    named = max(parts, key=parts.get)
    return {"cause": cause, "study": number, "tf": tf, "named": named, "drop": results["all", "drop"][0]} | parts


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """`cause, n, named, low, high, drop, part`: how often the largest part is the known cause (Wilson's interval)."""
    right = table["cause"] == table["named"]
    own = pd.Series([row[row["cause"]] for row in table.to_dict("records")], table.index)
    lines = []
    for cause in [*LARGE, "all"]:
        some = (table["cause"] == cause) | (cause == "all")
        found = stats.binomtest(int(right[some].sum()), int(some.sum()))
        low, high = found.proportion_ci(method="wilson")
        line = {"cause": cause, "n": int(some.sum()), "named": right[some].mean(), "low": low, "high": high}
        lines.append(line | {"drop": table["drop"][some].mean(), "part": own[some].mean()})
    return pd.DataFrame(lines)


TEXT = """One cause is made large in each study; all others differ a little, so that each of them could be named.
`named`: share of the studies whose largest part is the cause (95 % interval of Wilson); `drop` and `part` (that of the
known cause) are means in AUROC. The length of the sequences is a candidate everywhere and never the planted cause:
networks that take maxima lose too little to it in these worlds."""


if __name__ == "__main__":
    found = pd.DataFrame([explain(cause, i) for i in range(STUDIES // len(LARGE)) for cause in LARGE])
    tables.write_tsv(found, page.HERE / "causes_studies.tsv")
    page.publish(
        "causes", "Does the largest part name the cause?", "python -m benchmarks.causes", TEXT, accuracy(found)
    )
    print((page.HERE / "causes.md").read_text())
