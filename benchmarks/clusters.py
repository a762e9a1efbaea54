"""What a split by clusters changes on real peaks without coordinates: ``python -m benchmarks.clusters``.

Each set is split into five folds by a hash of each sequence and by clusters. Counted are the rows whose near-identical
like is held out, summed over the folds. A fast model (shares of k-mers, positives against their dinucleotide shuffles)
is trained five times for each split: with these rows in the training, without them (what the audit does), and with
clusters, where there are none. Every row is tested once; the AUROC is that within folds, averaged over their positives.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import page
from tfbind.io import download, sequence_files, tables
from tfbind.io.tally import Tally
from tfbind.models.baseline import Composition
from tfbind.seeding import generator
from tfbind.sequences import clusters, leakage, negatives, splits
from tfbind.statistics.metrics import measure

LENGTH, FOLDS, K, STRENGTHS = 101, 5, 5, (0.001, 0.01, 0.1)
_RAW = "https://raw.githubusercontent.com"
_BALLESTER = f"{_RAW}/rsa-tools/demo_files/bdffaf79db8bb38a6c62d515ce799971cc58e159/Ballester_etal_elife_2014_hg18"
#: Set -> (URL, SHA-256).
SETS = {
    "CEBPA, liver": (
        f"{_BALLESTER}_cebpa_singletons.fa",
        "42e8d9af51a3ce68f511e816d11a742b0993d901126e0b89baefa250b5637779",
    ),
    "FOXA1, liver": (
        f"{_BALLESTER}_foxa1_singletons.fa",
        "8d292bd27e158eb7f6a34a80f8d883cbf5486f58f0607f3c9413ede8da22866d",
    ),
    "GATA4, merged": (
        f"{_RAW}/DiegoPom/gkmSVM_GATA4/5606a957b58a231328eb29ac2c546bea1124ec57/02-GKM-TRAIN-FILES-GATA4/top_10K_GATA4.fa",
        "e1a53a1da28d7ffaf633c705e13cdea3f66e27560f6537d6983498af78145e07",
    ),
    "ETS1, K562": (
        f"{_RAW}/vincentiusmartin/Cooperative-gcPBM/832863530832752289e00a3fd0434fcbddb4e2a3/data/additional_analysis/"
        "chipseq_k562_span200_ets1.tsv",
        "df8a910add6603437de76cf032fae6917fd0579a9db910f558378f2d5a8f25cb",
    ),
}


def sequences(url: str, sha256: str) -> pd.Series:
    """The distinct sequences of a set, the middle 101 bp of each; those with an unknown base are left out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / url.rsplit("/", 1)[-1]
        download.fetch(url, sha256, path)
        is_table = path.suffix == ".tsv"
        column = (pd.read_csv(path, sep="\t") if is_table else sequence_files.read_fasta(path, Tally()))["sequence"]
    column = column[column.str.len() >= LENGTH].str.upper()
    column = pd.Series([text[(len(text) - LENGTH) // 2 :][:LENGTH] for text in column], dtype="str")
    return column[~column.str.contains("[^ACGT]")].drop_duplicates().reset_index(drop=True)


def auroc(bound: pd.DataFrame, unbound: pd.DataFrame, removed: bool) -> float:
    """Of the fast model over all folds; `removed`: rows whose like is held out are left out of the training."""
    found = []
    for fold in range(FOLDS):
        table = pd.concat([splits.of_fold(part, fold) for part in (bound, unbound)], ignore_index=True)
        tested = table["split"] == "test"
        if removed:
            hit = leakage.near(table["sequence"][~tested], table["sequence"][tested], 0.5)[0]
            table = table.drop(table.index[~tested][hit])
        rows = {name: table[table["split"] == name] for name in tables.SPLITS}
        given = {name: (part["sequence"].tolist(), part["label"].to_numpy()) for name, part in rows.items()}
        model = Composition(K, STRENGTHS).fit(*given["train"], given["validation"])
        texts, labels = given["test"]
        found.append((measure(labels, model.decision_function(texts))[0], int(labels.sum())))
    values, weights = np.transpose(found)
    return float(np.average(values, weights=weights))


def row(name: str) -> dict:
    """A line of the table."""
    bound = sequences(*SETS[name])
    bound = tables.sequences(id=bound.index.astype(str), sequence=bound, label=1, origin=name)
    unbound, _ = negatives.dinucleotide(bound, generator(name))
    cluster, _ = clusters.clusters(bound["sequence"], 0.5)
    size = np.bincount(cluster)
    line = {"set": name, "rows": len(bound), "in clusters": int(size[size > 1].sum()), "largest": int(size.max())}
    straddling, found = {}, {}
    for word in ("hash", "cluster"):
        split = {"folds": FOLDS, "without_coordinates": word, "test_fraction": 0.2, "validation_fraction": 0.1}
        bound["split"] = splits.assign(bound, split)
        unbound["split"] = bound.set_index("id")["split"].reindex(unbound["origin"]).array
        seen = [splits.of_fold(bound, fold) for fold in range(FOLDS)]
        held = [(view["sequence"][view["split"] != "test"], view["sequence"][view["split"] == "test"]) for view in seen]
        straddling[f"straddling, {word}"] = sum(int(leakage.near(*pair, 0.5)[1].sum()) for pair in held)
        for removed in (False, True) if word == "hash" else (False,):
            found[f"AUROC, {word}" + (" and audit" if removed else "")] = auroc(bound, unbound, removed)
    return line | straddling | found


if __name__ == "__main__":
    text = (__doc__ or "").split("\n\n", 1)[1].replace("\n", " ")
    page.publish("clusters", "Splits by clusters", "python -m benchmarks.clusters", text, pd.DataFrame(map(row, SETS)))
    print((page.HERE / "clusters.md").read_text())
