"""Scores of any other program in a study: tfbind writes FASTA files, the program scores them, tfbind evaluates.

A config never names a program. The user runs it between two runs of the study, by hand or by a script.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tfbind.errors import InputError
from tfbind.io import atomic, tables, textfile
from tfbind.io.paths import scores_file
from tfbind.sequences import leakage

if TYPE_CHECKING:  # not imported at run time, so that results do not depend on the code that reads a config
    from tfbind.study.study import Study

BOUND, UNBOUND = "bound|", "unbound|"
PAIRS = "pairs.tsv"


def names(rows: pd.DataFrame) -> pd.Series:
    """The names of sequences in the FASTA files, made of label and id.

    Parameters
    ----------
    rows : sequence table

    Returns
    -------
    Series of str
        `BOUND` or `UNBOUND` and the id, one per row.
    """
    return rows["label"].map({1: BOUND, 0: UNBOUND}) + rows["id"]


def write(study: "Study", folder: str | os.PathLike, out: str | os.PathLike) -> pd.DataFrame:
    """Write the sequences of a study as FASTA files, and the list of what has to be scored.

    The files ``{dataset}/{negatives}/train.fa``, ``validation.fa`` and ``test.fa`` hold positives and then negatives,
    in table order. Leakage is left out of the first two, as in all training.

    Parameters
    ----------
    study : Study
    folder : path
        The working directory of the study's run, with its tables under results/.
    out : path
        Folder to write to.

    Returns
    -------
    DataFrame
        What is written as `pairs.tsv`: `source`, `negatives`, `target`, `test_negatives`; the files `train`,
        `validation` and `test`, relative to `out`; and `scores`, the file that the program has to write, relative to
        the `path` of its label.

    Raises
    ------
    InputError
        A table of the run is not there yet, or is damaged.
    """
    if study.config["split"]["folds"] > 1:
        raise InputError(f"{study.path.name}: split.folds: a program of your own is trained on one split; use 1")
    results, out = Path(folder) / "results", Path(out)
    rows, absent = [], []
    for dataset in study.datasets:
        for label in study.labels(dataset):
            files = {
                "positives": results / "positives" / f"{dataset}.parquet",
                "negatives": results / "negatives" / dataset / f"{label}.parquet",
                "leaking": results / "audit" / dataset / f"{label}.parquet",
            }
            if missing := [path for path in files.values() if not path.exists()]:
                absent += map(str, missing)
                continue
            positives, negatives = tables.read(files["positives"]), tables.read(files["negatives"])
            kept = leakage.without(positives, negatives, tables.read(files["leaking"], leakage.LEAKING))[:2]
            for split, parts in {"train": kept, "validation": kept, "test": (positives, negatives)}.items():
                chosen = pd.concat([part[part["split"] == split] for part in parts], ignore_index=True)
                _write_fasta(chosen, out / dataset / label / f"{split}.fa")
            rows += [
                {"source": dataset, "negatives": label, "target": target, "test_negatives": test}
                | {split: f"{dataset}/{label}/{split}.fa" for split in ("train", "validation")}
                | {"test": f"{target}/{test}/test.fa", "scores": scores_file(dataset, label, target, test)}
                for target in study.targets(dataset)
                for test in study.test_labels(target, label)
            ]
    if absent:
        raise InputError([f"{path}: not there yet; run snakemake first" for path in dict.fromkeys(absent)])
    pairs = pd.DataFrame(rows)
    tables.write_tsv(pairs, out / PAIRS)
    return pairs


def _write_fasta(rows: pd.DataFrame, path: Path) -> None:
    lines = (">" + names(rows) + "\n" + rows["sequence"] + "\n").tolist() if len(rows) else []
    with atomic.replacing(path) as temporary:
        temporary.write_text("".join(lines))


def predictions(
    folder: str | os.PathLike,
    source: str,
    negatives: str,
    targets: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
) -> pd.DataFrame:
    """The scores that a program wrote, as a prediction table.

    Parameters
    ----------
    folder : path
        The `path` of the program's label, with files named by `scores_file`. An absent file leaves its cell without
        value.
    source, negatives : str
        Dataset and kind of negatives that the program was trained on.
    targets : mapping of str to (DataFrame, mapping)
        Positives of each target, and its negatives by kind: sequence tables.

    Returns
    -------
    prediction table
        Its only seed is `ensemble`. Empty, with the reason as its note, where there is no file. If all files of a
        target give its positives the same scores, positives are listed once. A program may use another scale in each
        call: where the files differ, positives are listed once per kind of negatives, under its name, and are compared
        with these negatives only.

    Raises
    ------
    InputError
        A file has a fault, see `read`; the first faults of all files, with a count of the rest.
    """
    faults, parts = [], []
    for target, (positives, sets) in targets.items():
        test = positives[positives["split"] == "test"]
        of_positives, of_negatives = {}, []
        for label, table in sets.items():
            path = Path(folder) / scores_file(source, negatives, target, label)
            if not path.exists():
                continue
            rows = table[table["split"] == "test"]
            try:
                found = read(path, [*names(test), *names(rows)])
            except InputError as error:
                faults += error.faults
                continue
            of_positives[label] = _scored(target, test, label, found)
            of_negatives.append(_scored(target, rows, label, found))
        each = list(of_positives.values())
        if each and all(part["score"].equals(each[0]["score"]) for part in each):
            each = [each[0].assign(negatives="")]
        parts += each + of_negatives
    if faults:
        raise InputError(textfile.listed(faults))
    if not parts:
        return tables.empty(tables.PREDICTIONS, f"no scores under {Path(folder).name}/{source}/{negatives}")
    return tables.conform(pd.concat(parts, ignore_index=True), tables.PREDICTIONS)


def _scored(target: str, rows: pd.DataFrame, negatives: str, found: Mapping[str, float]) -> pd.DataFrame:
    frame = {"target": target, "id": rows["id"].array, "label": rows["label"].array, "negatives": negatives}
    return pd.DataFrame({**frame, "seed": "ensemble", "score": [found[name] for name in names(rows)]})


def read(path: str | os.PathLike, wanted: Sequence[str]) -> dict[str, float]:
    """Read the scores of a program: a table of two tab-separated columns, name and score.

    Lines may have any order; a header line `name`, `score` may come first, and empty lines are skipped.

    Parameters
    ----------
    path : path
    wanted : sequence of str
        Names of the sequences that must have a score, see `names`.

    Returns
    -------
    dict of str to float
        The score of each name.

    Raises
    ------
    InputError
        With the first faults and a count of the rest: a line without exactly two columns, a score that is not a finite
        number, an unknown or repeated name, or a name without score.
    """
    found, faults, expected = {}, [], set(wanted)
    for number, fields in _lines(path):
        where = f"{path}:{number}"
        if len(fields) != 2:
            faults.append(
                f"{where}: {len(fields)} column(s) where there should be 2, name and score, with a tab between"
            )
            continue
        name, value = fields
        try:
            score = math.nan if "_" in value else float(value)
        except ValueError:
            score = math.nan
        if number == 1 and name == "name":
            continue
        if not math.isfinite(score):
            faults.append(f"{where}: score {value!r} is not a finite number")
        if name not in expected:
            faults.append(f"{where}: {name!r} is no row of this test set; give the names of its test.fa")
        elif name in found:
            faults.append(f"{where}: {name!r} is scored twice")
        found[name] = score
    if missing := [name for name in wanted if name not in found]:
        faults.append(f"{path}: {len(missing)} of {len(wanted)} rows have no score, e.g. {missing[0]!r}")
    if faults:
        raise InputError(textfile.listed(faults))
    return found


def _lines(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(textfile.lines(path), 1):
        if line.strip():
            yield number, line.split("\t")
