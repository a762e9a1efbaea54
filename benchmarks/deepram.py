"""How many sequences a model must see: deepRAM's own code beside tfbind's default `deepbind`, on published ChIP-seq.

``python -m benchmarks.deepram [--settings 3] [--steps 1000] [DATASET ...]`` adds to `deepram.tsv`, one at a time,
the sets that it lacks, and shows all in `deepram.md`. A table of another budget is begun anew.

deepRAM (Trabelsi et al. 2019) chooses among 40 random settings by three folds of 40,000 steps of 128 sequences, then
trains five models and keeps one. Its program is fetched, verified and run as it is but for what `_module` says: the
search is cut to a stated budget, and today's libraries get what they ask for. Both sides train on the same positives,
the published `_AC` file, and are tested on the published `_B` file: 500 peaks and their true dinucleotide shuffles, one
AUROC over all (deepRAM itself prints the mean over batches). deepRAM trains on the exact shuffles that tfbind trains on
and, on the sets `OWN`, also on those of its own function (`dinucshuffle`, which permutes pairs of bases and changes the
counts).
"""

import argparse
import contextlib
import copy
import gzip
import io
import random
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from benchmarks import inputs, page
from tfbind.io import download, tables
from tfbind.models import networks, predict, store, training
from tfbind.statistics import bootstrap, metrics

URL = "https://raw.githubusercontent.com/MedChaabane/deepRAM/87014f400d9bdeb96f04f7ae977071188deaebeb/deepRAM.py"
SHA256 = "6ddbbe007c8c6796134c0498eeee1226937ec35335dc358ae32cd2ec7bfcdf21"
#: Training sequences that the published search sees on one dataset, before its five final models.
PUBLISHED = 40 * 3 * 40_000 * 128
DATASETS = ("USF1_h1", "USF1_hepg2", "ELK1_gm12878", "GATA3_shsy5y", "GABPA_gm12878", "ZNF143_h1", "USF2_h1", "MYC_h1")
#: The three smallest sets, on which deepRAM also trains on its own shuffles, which doubles what a set costs.
OWN = ("ELK1_gm12878", "GABPA_gm12878", "MYC_h1")
SEEDS, SEARCH = 3, 8
LEVEL = 0.95
TABLE = page.HERE / "deepram.tsv"
PEER, PEER_OWN = "deepRAM, exact shuffles", "deepRAM, its own shuffles"
ONE, ALL, SEARCHED = "tfbind, 1 seed", f"tfbind, {SEEDS} seeds", f"tfbind, {SEEDS} seeds, search of {SEARCH}"
TRAINERS = [PEER, PEER_OWN, ONE, ALL, SEARCHED]
#: What is run, and on which sets.
JOBS = {PEER: DATASETS, SEARCHED: DATASETS, PEER_OWN: OWN}
_MARKS = 4  # how often in a fold the number of steps is judged; deepRAM: 8


class Trained(NamedTuple):
    """What a trainer reaches and spends."""

    scores: np.ndarray  #: (N,) of the test rows, bound before unbound
    seen: int  #: sequences trained on
    seconds: float  #: of processor time


class _Counting:
    """torch.nn.functional, but for a count of the sequences whose loss was asked for."""

    seen = 0

    def __getattr__(self, name: str):
        return getattr(torch.nn.functional, name)

    def binary_cross_entropy(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss that deepRAM trains with."""
        self.seen += len(target)
        return torch.nn.functional.binary_cross_entropy(output, target)


def _module(settings: int, steps: int, folder: Path) -> types.ModuleType:
    """deepRAM's program as a module."""
    path = folder / "deepRAM.py"
    download.fetch(URL, SHA256, path)
    text = path.read_text()
    marks = [steps * (i + 1) // _MARKS for i in range(_MARKS)]
    for old, new in (  # the budget
        ("range(40)", f"range({settings})"),
        ("learning_steps<=40000", f"learning_steps<={steps}"),
        ("learning_steps% 5000==0", f"learning_steps% {steps // _MARKS}==0"),
        ("learning_steps_list=[5000,10000,15000,20000,25000,30000,35000,40000]", f"learning_steps_list={marks}"),
        ("for n in range(8)", f"for n in range({_MARKS})"),
        # The maximum of maxima of three neighbours, where nothing lies between: the same, gradient too, in less time.
        ("self.max=torch.nn.MaxPool1d(3, stride=1)", "self.max=torch.nn.Identity()"),
    ):
        if text.count(old) != 1:
            raise ValueError(f"{URL}: {old!r} occurs {text.count(old)} times")
        text = text.replace(old, new)
    # Imported at its top, used by its embedding and its logos only.
    for name, word in (
        ("gensim", "models"),
        ("gensim.models", "Word2Vec"),
        ("gensim.models.word2vec", "LineSentence"),
        ("extract_motifs", "get_motif"),
    ):
        stub = types.ModuleType(name)
        setattr(stub, word, None)
        sys.modules.setdefault(name, stub)
    module = types.ModuleType("deepRAM")
    exec(compile(text, str(path), "exec"), module.__dict__)
    module.F = _Counting()
    return module


def _write(path: Path, sequences: list[str], labels: list[int]) -> None:
    with gzip.open(path, "wt") as out:
        out.write("sequence\tlabel\n")
        out.writelines(f"{sequence}\t{label}\n" for sequence, label in zip(sequences, labels, strict=True))


def peer(bound: pd.DataFrame, unbound: pd.DataFrame, own: bool, settings: int, steps: int) -> Trained:
    """deepRAM on exact shuffles or its own."""
    train = [table[table["split"] != "test"] for table in (bound, unbound)]
    shuffled = train[1][train[1]["draw"] <= 1]["sequence"].tolist()
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(name)
        module = _module(settings, steps, folder)
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        if own:
            shuffled = [module.dinucshuffle(sequence) for sequence in train[0]["sequence"]]
        _write(folder / "train.gz", [*train[0]["sequence"], *shuffled], [1] * len(train[0]) + [0] * len(shuffled))
        held = _held(bound, unbound)
        _write(folder / "test.gz", held["sequence"].tolist(), held["label"].tolist())
        arguments = {"train_data": "train.gz", "test_data": "test.gz", "out_file": "out", "model_path": "model"}
        arguments = {key: str(folder / value) for key, value in arguments.items()}
        arguments |= {
            "models_dir": f"{folder}/",
            "data_type": "DNA",
            "train": True,
            "predict_only": False,
            "motif": False,
        }
        arguments |= {
            "evaluate_performance": True,
            "Embedding": False,
            "Conv": True,
            "RNN": False,
            "RNN_type": "BiLSTM",
        }
        arguments |= {"conv_layers": 1, "RNN_layers": 1, "dilation": 1, "kmer_len": 3, "stride": 1}
        arguments |= dict.fromkeys(("motif_dir", "tomtom_dir", "word2vec_train", "word2vec_model"), "")
        start = time.process_time()
        with _kept() as stored:
            module.run_deepRAM(types.SimpleNamespace(**arguments))
        network = stored[arguments["model_path"]].eval()
        seconds = time.process_time() - start
        data = module.test_loader.dataset
        with torch.no_grad():
            scores = network(data.x_data).numpy().ravel()
    return Trained(scores, module.F.seen, seconds)


def _held(bound: pd.DataFrame, unbound: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table[table["split"] == "test"] for table in (bound, unbound)])


@contextlib.contextmanager
def _kept():
    # deepRAM pickles whole networks and reads them again: here they stay in memory, by the path that it names.
    save, load, stored = torch.save, torch.load, {}
    torch.save, torch.load = lambda kept, path: stored.update({path: copy.deepcopy(kept)}), stored.__getitem__
    try:
        yield stored
    finally:
        torch.save, torch.load = save, load


def ours(dataset: str, bound: pd.DataFrame, unbound: pd.DataFrame, searched: int = 0) -> tuple[Trained, Trained]:
    """tfbind's `deepbind` with its defaults, but for `training.search`: the first seed alone, the ensemble of all."""
    study = inputs.study_of_real_data()
    options = study.options("deepbind", dataset)
    rows = int((bound["split"] == "train").sum() + ((unbound["split"] == "train") & (unbound["draw"] <= 1)).sum())
    settings = study.config["training"] | {"search": searched}
    batches = -(-rows // settings["batch_size"])
    passes = max(1, -(-settings["steps"] // (settings["epochs"] * batches)))
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        training.fit(options.pop("kind"), options, bound, unbound, range(SEEDS), settings, folder, {})
        seconds = time.process_time() - start
        tried = sum(setting["epochs"] for setting in store.describe(folder)["extra"].get("search", []))
        epochs = pd.read_csv(Path(folder) / "history.tsv", sep="\t").groupby("seed")["epoch"].nunique()
        scores = predict.predict(folder, {"B": (bound, {"standard": unbound})}).set_index(["seed", "id"])["score"]
    held = _held(bound, unbound)["id"]
    one, every = (tried + int(epochs[0])) * passes * rows, (tried + int(epochs.sum())) * passes * rows
    return (
        Trained(scores["0"][held].to_numpy(), one, seconds * one / every),
        Trained(scores["ensemble"][held].to_numpy(), every, seconds),
    )


def measure(dataset: str, job: str, settings: int, steps: int) -> list[dict]:
    """The rows of one trainer on one set; beside deepRAM on exact shuffles also those of tfbind without a search."""
    bound, unbound = inputs.tables(dataset, SEEDS)
    networks.one_thread()
    if job == SEARCHED:
        found = {SEARCHED: ours(dataset, bound, unbound, SEARCH)[1]}
    else:
        found = {job: peer(bound, unbound, job == PEER_OWN, settings, steps)}
    if job == PEER:
        found |= zip((ONE, ALL), ours(dataset, bound, unbound), strict=True)
    labels = _held(bound, unbound)["label"].to_numpy()
    aurocs, covariance = metrics.delong(labels, np.stack([each.scores for each in found.values()]))
    rows = []
    for i, (trainer, each) in enumerate(found.items()):
        row = {"dataset": dataset, "trainer": trainer, "budget": f"{settings} x {steps}", "auroc": aurocs[i]}
        row |= {"seen": each.seen, "seconds": each.seconds}
        if i:
            variance = covariance[0, 0] + covariance[i, i] - 2 * covariance[0, i]
            half = bootstrap.half_width([(float(variance), len(labels) - 1)], LEVEL)
            difference = aurocs[i] - aurocs[0]
            row |= {"difference": difference, "low": difference - half, "high": difference + half}
        print("{dataset:15} {trainer:28} AUROC {auroc:.4f} seen {seen:9d} {seconds:6.0f} s".format(**row), flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Run what is missing, store each part as soon as it is there, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=int, default=3, help="random settings that deepRAM tries (published: 40)")
    parser.add_argument("--steps", type=int, default=1000, help="steps of each fold (published: 40000)")
    parser.add_argument("datasets", nargs="*", default=DATASETS, choices=[*DATASETS, DATASETS])
    arguments = parser.parse_args()
    settings, steps = arguments.settings, arguments.steps
    table = pd.read_csv(TABLE, sep="\t") if TABLE.exists() else pd.DataFrame(columns=["dataset", "trainer", "budget"])
    table = table[table["budget"] == f"{settings} x {steps}"]
    there = set(zip(table["dataset"], table["trainer"], strict=True))
    for job, names in JOBS.items():
        for name in names:
            if name in arguments.datasets and (name, job) not in there:
                table = pd.concat([table, pd.DataFrame(measure(name, job, settings, steps))], ignore_index=True)
                tables.write_tsv(table, TABLE)
    publish(table, settings, steps)


def publish(table: pd.DataFrame, settings: int, steps: int) -> None:
    """Write the table, and a page that says what it shows."""
    table = table.sort_values("dataset", key=lambda names: names.map(DATASETS.index), kind="stable").astype(
        {"seen": int}
    )
    seen = table.pivot(index="dataset", columns="trainer", values="seen").reindex(columns=TRAINERS)
    table["of published"], table["of cut"] = table["seen"] / PUBLISHED, table["seen"] / table["dataset"].map(seen[PEER])
    auroc = table.pivot(index="dataset", columns="trainer", values="auroc").reindex(columns=TRAINERS)
    best = auroc[[PEER, PEER_OWN]].max(axis=1)
    said = []
    for trainer in (ONE, ALL, SEARCHED):
        difference = (auroc[trainer] - best).dropna()
        said.append(
            f"- {trainer}: {(difference >= 0).sum()} of {len(difference)}, having seen at most "
            f"{seen[trainer].max() / PUBLISHED:.2%} of the published search's sequences"
            + "".join(f"; not on {name} ({lost:+.4f})" for name, lost in difference[difference < 0].items())
        )
    both = auroc[[ALL, SEARCHED]].dropna()
    if len(both) > 1:
        gain = both[SEARCHED] - both[ALL]
        half = bootstrap.half_width([(gain.var() / len(gain), len(gain) - 1)], LEVEL)
        said.append(
            f"\n`training.search` {'pays' if gain.mean() > half else 'does not pay'} for itself: on {len(gain)} sets "
            f"a search of {SEARCH} changes the AUROC of {SEEDS} seeds by {gain.mean():+.4f} ({gain.mean() - half:+.4f} "
            f"to {gain.mean() + half:+.4f}, the {LEVEL:.0%} interval of the mean) for "
            f"{(seen[SEARCHED] / seen[ALL]).mean():.1f} times the sequences"
        )
    page.publish(
        "deepram",
        "How many sequences a model must see, beside deepRAM",
        f"python -m benchmarks.deepram --settings {settings} --steps {steps}",
        f"deepRAM's own program, its search cut to {settings} settings of {steps} steps of 128 sequences in each of "
        "three folds, then five models of the best one; tfbind's `deepbind` with its defaults. AUROC over the whole "
        "published test file. `seen`: sequences trained on; `of published`: as a share of what the published search "
        f"sees ({PUBLISHED:.3g}); `of cut`: of what the cut one saw; `seconds`: of processor time, one thread; "
        f"`difference`: from the AUROC of {PEER}, `low` to `high` its {LEVEL:.0%} interval (DeLong). deepRAM's own "
        "shuffles permute pairs of bases, so that composition alone tells its negatives; a true shuffle tests what is "
        "left. What deepRAM reaches with its whole search is not measured.\n\n"
        "Sets on which tfbind reaches the AUROC of deepRAM, the better where there are two:\n\n"
        + "\n".join(f"{line}." for line in said),
        table,
    )


if __name__ == "__main__":
    main()
