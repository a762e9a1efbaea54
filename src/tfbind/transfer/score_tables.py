"""Reads a table of scores from any program, checks it, and evaluates it like the models of a study.

One row per score: which model, trained on which source, gave which score to which labelled example of which target.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.io.tally import Tally
from tfbind.statistics import variance_components
from tfbind.study.shifts import SHIFTS, shift
from tfbind.transfer import calibration, guidance, ladder
from tfbind.transfer import summary as transfer_summary
from tfbind.transfer import verdicts as transfer_verdicts
from tfbind.transfer.evaluate import as_tables, on_target

REQUIRED = ("source", "target", "id", "label", "score", "model")
#: Optional columns and their default. `tf` is what was predicted (a TF, a task); `negatives` names the set that a
#: negative belongs to; examples of one `block` are resampled together, or, without `block`, those of one stretch of
#: `chrom` by `start`; `shift` says what target and source differ in.
OPTIONAL = {"seed": "0", "tf": "all", "negatives": "given", "block": "", "chrom": "", "start": "", "shift": ""}
#: Properties of a dataset, given in columns such as `source_lab` and `target_lab`. The shift of a pair is the largest
#: one that differs.
FACTS = ("assay", "cell", "lab", "replicate")
#: The shift of a pair if only this is known, that source and target are different datasets.
OTHER = "other"


class Results(NamedTuple):
    """The result tables of one table of scores, named as in the folder results/ of a study."""

    metrics: pd.DataFrame
    transfer: pd.DataFrame
    summary: pd.DataFrame
    shifts: pd.DataFrame
    assay_pairs: pd.DataFrame
    ladder: pd.DataFrame
    variance: pd.DataFrame
    verdicts: pd.DataFrame
    guidance: pd.DataFrame
    curves: pd.DataFrame
    calibration: pd.DataFrame
    reliability: pd.DataFrame
    tally: Tally  #: numbers of scores read, dropped (with the reason) and kept

    @property
    def unknown(self) -> list[str]:
        """Reasons why cells with scores have no AUROC."""
        empty = self.metrics[(self.metrics["metric"] == "auroc") & self.metrics["value"].isna()]
        empty = empty[~empty["note"].str.startswith("no prediction")]
        return [f"{row.model}, {row.source} to {row.target}: {row.note}" for row in empty.itertuples()]

    def write(self, folder: str | os.PathLike) -> None:
        """Write each table as a TSV of its name, and the tally as `scores.log.tsv`."""
        for name in self._fields[:-1]:
            tables.write_tsv(getattr(self, name), Path(folder) / f"{name}.tsv")
        tables.write_tsv(self.tally.frame(), Path(folder) / "scores.log.tsv")


def read(path: str | os.PathLike) -> pd.DataFrame:
    """Read and check a table of scores.

    Parameters
    ----------
    path : path
        A `.parquet`, `.tsv` or `.csv` file; the last two may be compressed (`.gz`).

    Returns
    -------
    DataFrame
        Columns `REQUIRED`, `OPTIONAL` (absent ones filled with their default) and those of `FACTS` that are present.
        `label` is int64, `score` float64, everything else text. `negatives` is empty for positives.

    Raises
    ------
    InputError
        With every fault at once: a missing column; an empty source, target, id or model; a label other than 0 and 1; a
        score that is not a finite number; a seed that is not a whole number; a shift that contradicts source and
        target; an id twice in a cell (source, target, model, seed); an id whose label, block or place changes within a
        target; contradictory statements on a pair or a dataset. Also a file that is absent, unreadable or empty.
    """
    path = Path(path)
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            frame = pd.read_parquet(path)
        elif name.endswith((".tsv", ".csv")):
            options = {"dtype": str, "keep_default_na": False, "na_values": [""]}
            frame = pd.read_csv(path, sep="\t" if name.endswith(".tsv") else ",", **options)
        else:
            raise InputError(f"{path}: what it holds is not known by its name; use .parquet, .tsv or .csv")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read as a table: {error}") from None
    missing = [column for column in REQUIRED if column not in frame]
    if missing:
        there = ", ".join(map(str, frame.columns))
        raise InputError(f"{path}: lacks the column(s) {', '.join(missing)}; it has {there}")
    if frame.empty:
        raise InputError(f"{path}: holds no score")
    return _checked(frame, str(path), 1 if name.endswith(".parquet") else 2)


def _checked(frame: pd.DataFrame, path: str, first: int) -> pd.DataFrame:
    faults: list[str] = []

    def refuse(bad: np.ndarray, said: str) -> None:
        if bad.any():
            where = int(np.flatnonzero(bad)[0])
            more = f", and {int(bad.sum()) - 1} more" if bad.sum() > 1 else ""
            faults.append(f"{path}, row {where + first}{more}: {said.format(**frame.iloc[where].to_dict())}")

    facts = [f"{end}_{fact}" for fact in FACTS for end in ("source", "target")]
    table = pd.DataFrame(index=frame.index)
    for column in (*REQUIRED, *OPTIONAL, *(fact for fact in facts if fact in frame)):
        neutral = OPTIONAL.get(column, "")
        given = frame[column] if column in frame else pd.Series(neutral, frame.index)
        table[column] = given.astype(object).where(given.notna(), neutral).map(_word).astype("str")
    for column in ("source", "target", "id", "model"):
        refuse((table[column] == "").to_numpy(), f"{column} is empty; every score needs one")
    label, score = (pd.to_numeric(frame[name], errors="coerce") for name in ("label", "score"))
    refuse(~label.isin([0, 1]).to_numpy(), "label is {label!r}; use 1 for positives and 0 for negatives")
    refuse(~np.isfinite(score.to_numpy(float)), "score is {score!r}; give a finite number, larger for a likelier 1")
    refuse(~table["seed"].str.fullmatch(r"\d+").to_numpy(), "seed is {seed!r}; number the trainings 0, 1, 2, ...")
    table["label"], table["score"] = label.fillna(-1).astype(int), score.astype(float)
    own = table["source"] == table["target"]
    refuse(
        (own & ~table["shift"].isin(["", "none"])).to_numpy(), "source and target are {source!r}: no shift {shift!r}"
    )
    refuse((~own & (table["shift"] == "none")).to_numpy(), "the shift from {source!r} to {target!r} cannot be none")
    with_sets = "negatives" in frame
    table["negatives"] = table["negatives"].where(table["label"] == 0, "")
    cell = ["source", "target", "model", "seed", *(["negatives"] if with_sets else []), "id"]
    refuse(table.duplicated(cell).to_numpy(), "{source} to {target}, {model}: the id {id!r} comes twice in this cell")
    example = ["target", *(["negatives"] if with_sets else []), "id"]
    for columns, about, said in (
        (example, [] if with_sets else ["label"], "{target}: the id {id!r} has another {column} elsewhere"),
        (example, ["block", "chrom", "start"], "{target}: the id {id!r} has another {column} elsewhere"),
        (["source", "target"], ["shift"], "from {source} to {target} there is another {column} elsewhere"),
        (["source", "target"], ["tf"], "from {source} to {target} there is another {column} elsewhere"),
    ):
        for column in about:
            agreed = table.groupby(columns, sort=False)[column].transform("first")
            refuse((table[column] != agreed).to_numpy(), said.replace("{column}", column))
    facts_of: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        end, _, name = fact.partition("_")
        if fact in table:
            for dataset, value in table[[end, fact]].drop_duplicates().itertuples(index=False):
                facts_of.setdefault((dataset, name), set()).add(value)
    faults += [
        f"{path}: {dataset} has more than one {fact}: {', '.join(sorted(values))}"
        for (dataset, fact), values in facts_of.items()
        if len(values) > 1
    ]
    if faults:
        raise InputError(faults)
    return table.reset_index(drop=True)


def _word(value: object) -> str:
    # A numeric column with empty cells stores 3 as 3.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _rows(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    # What a sheet would say of each dataset. The TF is taken from targets, since an extra pair has a source of another
    # TF.
    rows: dict[str, dict[str, str]] = {}
    for end in ("target", "source"):
        facts = [f"{end}_{fact}" for fact in FACTS if f"{end}_{fact}" in table]
        for dataset, tf, *values in table[[end, "tf", *facts]].drop_duplicates(end).itertuples(index=False):
            known = dict(zip((fact.partition("_")[2] for fact in facts), values, strict=True))
            rows.setdefault(dataset, {"dataset": dataset, "tf": tf} | dict.fromkeys(FACTS, "")).update(known)
    return rows


def _shifts(table: pd.DataFrame, rows: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], str]:
    known = any(row[fact] for row in rows.values() for fact in FACTS)
    words = {}
    for source, target, given in table[["source", "target", "shift"]].drop_duplicates().itertuples(index=False):
        found = shift(rows[source], rows[target]) if known or source == target else OTHER
        words[source, target] = given or found
    return words


def evaluate(table: pd.DataFrame, statistics: Mapping) -> Results:
    """The same statistics on a table of scores as on the models of a study.

    An example that was not scored by every seed of a cell is dropped from that cell. If a source model and the
    target-trained model scored different examples of a target, their drop is from the examples that both scored. The
    tally counts what is left out in both cases.

    Parameters
    ----------
    table : DataFrame
        From `read`.
    statistics : mapping
        `resamples, level, block, min_examples`, as in a config.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        The scores of a cell cannot be matched to its examples.
    """
    rows, level = _rows(table), statistics["level"]
    table = table.assign(key=table["negatives"] + "\x1f" + table["id"])
    tally = Tally()
    tally.add("read", "scores", len(table))
    found: tuple[list, ...] = ([], [], [], [], [])
    for target, of_target in table.groupby("target", sort=False):
        sets = [name for name in dict.fromkeys(of_target["negatives"]) if name] or [OPTIONAL["negatives"]]
        for negatives in sets:
            of_set = of_target[of_target["negatives"].isin(["", negatives])]
            for model, scored in of_set.groupby("model", sort=False):
                shares = _shares(table[(table["model"] == model) & table["negatives"].isin(["", negatives])])
                parts = _of_model(target, negatives, model, scored, rows, statistics, shares, tally)
                for whole, part in zip(found, parts, strict=True):
                    whole.extend(part)
    tally.add("kept", "scores", len(table) - tally.total("dropped"))
    words = _shifts(table, rows)
    parts = [*as_tables(*found[:3]), *calibration.as_tables(*found[3:])]
    metrics, drops, curves, calibrated, reliability = (_with_shift(part, words) for part in parts)
    best = _best(metrics)
    said = transfer_verdicts.verdicts(drops, best, level)
    return Results(
        metrics=metrics,
        transfer=drops,
        summary=_summary(drops, level),
        shifts=transfer_summary.shifts(drops, level),
        assay_pairs=transfer_summary.assay_pairs(drops, best, level),
        ladder=ladder.ladder(metrics, drops, level),
        variance=variance_components.split(metrics, rows, level),
        verdicts=said,
        guidance=guidance.guidance(said, drops, best, calibrated, level),
        curves=curves,
        calibration=calibrated,
        reliability=reliability,
        tally=tally,
    )


def _of_model(
    target: str,
    negatives: str,
    model: str,
    scored: pd.DataFrame,
    rows: Mapping[str, Mapping[str, str]],
    statistics: Mapping,
    shares: Mapping[str, float],
    tally: Tally,
) -> tuple[list, ...]:
    # Sources that scored the same examples are evaluated together. The drop of a source that scored other examples than
    # the target's own model is from the examples that both scored.
    config = {"models": {model: {}}, "statistics": statistics}
    cells = {}
    for source, cell in scored.groupby("source", sort=False):
        everywhere = cell.groupby("key", sort=False)["seed"].transform("size") == cell["seed"].nunique()
        tally.add("dropped", f"{model}, {source} to {target}: not scored by every seed", int((~everywhere).sum()))
        cells[source] = cell[everywhere]
    ids = {source: frozenset(cell["key"]) for source, cell in cells.items()}

    def run(sources: list[str], keys: frozenset[str], wanted: set[str]) -> tuple[list, ...]:
        some = {source: cells[source][cells[source]["key"].isin(keys)] for source in sources if source in cells}
        predictions = {(source, negatives, model): cell for source, cell in some.items()}
        test = _test_rows(next(iter(some.values())))
        runs = [(source, negatives) for source in sources]
        values, paired, points = on_target(target, negatives, test, runs, predictions, rows, config)
        runs = [(source, negatives) for source in some if source in wanted]
        calibrated = calibration.on_target(target, negatives, test, runs, predictions, rows, config, shares)
        return [row for row in values if row["source"] in wanted], paired, points, *calibrated

    found: tuple[list, ...] = ([], [], [], [], [])
    own, told = ids.get(target), set()
    for keys in dict.fromkeys(ids.values()):
        sources = [source for source in cells if ids[source] == keys]
        wanted = {*sources, *([target] if own is None else [])} - told
        told |= wanted
        parts = run(list(dict.fromkeys([target, *sources])), keys, wanted)
        for name, whole, part in zip(("", "drops", "", "", ""), found, parts, strict=True):
            if name != "drops" or own in (None, keys):
                whole.extend(part)
        for source in sources if own not in (None, keys) else []:
            found[1].extend(run([target, source], keys & own, set())[1])
            lost = len(keys ^ own)
            tally.add("left out", f"{model}, drop from {source} to {target}: examples that one of both scored", lost)
    return found


def _shares(table: pd.DataFrame) -> dict[str, float]:
    # Share of positives among each source's own test examples.
    own = table[table["source"] == table["target"]].drop_duplicates(["source", "key"])
    return own.groupby("source", sort=False)["label"].mean().to_dict()


def _test_rows(cell: pd.DataFrame) -> pd.DataFrame:
    test = cell.drop_duplicates("key").sort_values("key", kind="stable").reset_index(drop=True)
    place = test["block"].where(test["block"] != "", test["chrom"])
    start = pd.to_numeric(test["start"].where(test["block"] == "", "0"), errors="coerce")
    return test.assign(chrom=place.where(place != ""), start=start.where(place != "").astype("Int64"))


def _with_shift(frame: pd.DataFrame, words: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    pairs = zip(frame["source"], frame["target"], strict=True)
    return frame.assign(shift=[words.get(pair, SHIFTS[0]) for pair in pairs])


def _best(metrics: pd.DataFrame) -> pd.DataFrame:
    # In place of `library_qc.judge` for `verdicts.verdicts`: the best model on each source's own examples.
    own = metrics[(metrics["comparison"] == "same") & (metrics["seed"] == "ensemble") & (metrics["metric"] == "auroc")]
    own = own[own["value"].notna()].reset_index(drop=True)
    best = own.loc[own.groupby("source", sort=False)["value"].idxmax(), ["source", "model"]]
    return best.rename(columns={"source": "dataset"}).assign(verdict="")


def _summary(drops: pd.DataFrame, level: float) -> pd.DataFrame:
    # From SELEX to ChIP-seq, as in a study; without such pairs, over the largest shift of the table.
    crossing = transfer_summary.summary(drops, level)
    if drops.empty or crossing["n_tf"].any():
        return crossing
    farthest = [rung for rung in ladder.rungs(drops["shift"]) if rung in set(drops["shift"])][-1]
    return transfer_summary.summary(drops, level, drops["shift"] == farthest)
