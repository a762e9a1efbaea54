"""Every sentence of the verdicts and of the libraries, held against the tables of many made-up studies.

A sentence is taken apart by the grammar below, which knows each clause that may come; a clause is true or not by the
plain numbers of the rows that it speaks of. A clause that no rule knows fails.
"""

import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest

from tfbind.io import columns
from tfbind.io.tally import Tally
from tfbind.statistics import over_tfs
from tfbind.transfer import evaluate, library_qc, verdicts
from tfbind.transfer import evaluate as ev

MODELS = {"deepbind": {"kind": "deepbind"}, "bilstm": {"kind": "bilstm"}, "composition": {"kind": "composition"}}
WAYS = {"htselex": "HT-SELEX", "chipseq": "ChIP-seq"}
FAILURES = ["12 test positives of X, fewer than 20", "no prediction of deepbind", "training did not converge"]


class Made:
    """A made-up study: `metrics`, `transfer`, `libraries` and `verdicts`, all of one level."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng(seed)
        self.level = float(rng.choice([0.8, 0.9, 0.95]))
        self.noise = float(rng.choice([0.002, 0.02, 0.1]))
        names = rng.permutation(["USF1", "T. brucei 1", "NA", "A: B", "MAX"])[: rng.integers(1, 6)].tolist()
        self.rows = {}
        for tf in names:
            for i in range(rng.integers(1, 5)):
                facts = {
                    "assay": str(rng.choice(list(WAYS))),
                    "cell": str(rng.choice(["", "K562"])),
                    "replicate": str(i),
                }
                name = f"D{len(self.rows)}"
                self.rows[name] = {"dataset": name, "tf": tf, "lab": "", "cycle": "4"} | facts
        labels = ["shuffled", "genomic"][: rng.integers(1, 3)]
        with_floor = rng.random() < 0.9
        models = [m for m in MODELS if m != "composition" or with_floor]
        metrics, drops = [], []
        for target, negatives in itertools.product(self.rows, labels):
            floor = float(rng.choice([0.5, 0.55, 0.8, 0.95])) if with_floor else np.nan
            alike = [d for d in self.rows if self.rows[d]["tf"] == self.rows[target]["tf"]]
            cells = {}
            for source, model in itertools.product(alike, models):
                if model == "composition":
                    value = floor if source == target else 0.5
                else:
                    value = 0.5 + 0.5 * float(rng.choice([0, 0.02, 0.2, 0.4, 0.9, 1.0])) * rng.random() ** 0.2
                    if rng.random() < 0.3:
                        value = min(1, (0.5 if np.isnan(floor) else floor) + rng.choice([0, 0.001, 0.02]))
                half = np.nan if rng.random() < 0.05 else self.noise * rng.random()
                reason = str(rng.choice(FAILURES)) if rng.random() < 0.08 and model != "composition" else ""
                cells[source, model] = value, half, reason
                about = ev.named(self.rows, source, target, negatives, negatives, model)
                cell = {"seed": "ensemble", "metric": "auroc", "note": reason}
                if not reason:
                    cell |= {"value": value, "low": value - half, "high": value + half}
                metrics.append(about | cell)
            for source, model in cells:
                if source != target or len(alike) == 1:
                    drops.append(self._drop(source, target, negatives, model, cells, floor))
        self.metrics = pd.DataFrame(metrics, columns=columns.METRIC_COLUMNS)
        self.transfer = pd.DataFrame(drops, columns=columns.TRANSFER_COLUMNS)
        self.transfer = self.transfer.astype({"drop": float, "low": float, "high": float, "floor": float})
        tally = Tally()
        tally.add("read", "records", 100)
        contents = {name: self._content(row) for name, row in self.rows.items()}
        logs = dict.fromkeys(self.rows, tally.frame())
        self.libraries = library_qc.judge(self.rows, logs, contents, self.metrics, MODELS)
        self.verdicts = verdicts.verdicts(self.transfer, self.libraries, self.level)
        self.health = self.libraries.set_index("dataset").to_dict("index")

    def _drop(self, source, target, negatives, model, cells, floor):
        row = ev.named(self.rows, source, target, negatives, negatives, model)
        if source == target:
            return row | {"note": "the only dataset of its TF: nothing to transfer from"}
        row |= {"floor": floor}
        (same, half, own), (cross, other_half, other) = cells[target, model], cells[source, model]
        if own or other:
            return row | {"note": own or other}
        half = half + other_half if self.rng.random() < 0.9 else np.nan
        if self.rng.random() < 0.1:
            cross = same  # a drop of exactly zero
        row |= {"same": same, "cross": cross, "drop": same - cross, "low": same - cross - half}
        notes = ["one seed: the interval holds the test rows alone"]
        if model != "composition" and not np.isnan(floor):
            for value, note in ((same, ev.NOT_ABOVE_FLOOR), (cross, ev.SOURCE_NOT_ABOVE_FLOOR)):
                notes += [note] * (not value - self.noise > max(floor, 0.5))
        return row | {"high": same - cross + half, "note": "; ".join(notes)}

    def _content(self, row):
        rng = self.rng
        kmer = {"kmer": "CACGTG", "enrichment": 5.0} if rng.random() < 0.7 else {"kmer": "", "enrichment": np.nan}
        motif = [("MA0093.4", 0.9), ("MA0093.4", 0.55), ("", np.nan)][rng.integers(3)]
        found = kmer | dict(zip(("motif", "motif_auroc"), motif, strict=True)) | {"n_positive": 9, "n_negative": 9}
        if row["assay"] == "htselex":
            said = ("CACGTGAC", 9.0, 0.2) if rng.random() < 0.6 else ("", np.nan, np.nan)
            found |= dict(zip(("consensus", "excess", "held"), said, strict=True))
        return found

    def clear(self, auroc, floor, noise=0.0):
        """Whether an AUROC is beyond composition: by its noise and by a share of what is left to a perfect score."""
        floor = max(floor, 0.5)
        return auroc - noise > floor and (auroc - floor) / (1 - floor) >= evaluate.POOR_SHARE

    def beyond(self, row, end):
        """`clear` of one end of a pair, on its rows or, without a floor there, on the library's own held-out rows."""
        if np.isnan(row["floor"]):
            about = self.health[row[end]]
            return self.clear(about["auroc"], about["floor"])
        return self.clear(row["same" if end == "target" else "cross"], row["floor"], self.noise)

    def poor(self, name):
        return self.health[name]["verdict"].startswith("poor")

    def lacks_motif(self, row, end):
        about, value = self.health[row[end]], row["same" if end == "target" else "cross"]
        value, floor = (about["auroc"], about["floor"]) if np.isnan(row["floor"]) else (value, row["floor"])
        return about["motif_auroc"] < 0.6 and (value - floor) / (1 - floor) < 0.5

    def sound(self, row):
        if not np.isnan(row["floor"]) and row["model"] != "composition" and row["same"] - self.noise <= row["floor"]:
            return False
        ends = [end for end in ("source", "target") if self.poor(row[end])]
        return all(self.beyond(row, end) and not self.lacks_motif(row, end) for end in ends)


POINTS = r"(-?[\d.]+) points of AUROC \((-?[\d.]+) to (-?[\d.]+), (\d+)% interval\)"
LOSS = re.compile(
    r"A (?P<model>[\w ]+) model trained on (?P<source>\S+)"
    rf"(?: (?P<word>loses|gains) {POINTS} on| and scored on) "
    r"(?P<target>\S+?)(?: of another (?P<shift>\w+))?(?P<unknown> has no interval for its loss)?"
    r"(?:, in the mean of (?P<n>\d+) pairs)?\. ?"
)


WILCOXON = re.compile(
    r"Wilcoxon p = ([\d.e-]+)"
    r"(?:, and so few TFs( with a drop other than zero)? cannot give less than ([\d.]+))?\. ?"
)


def holds_loss(found, line, used, made):
    """The clause of a loss: its numbers are the means of the rows, its words the ways of the key."""
    assert found["source"] == WAYS[line["source_assay"]] and found["target"] == WAYS[line["target_assay"]]
    short = {"replicate": "replicate", "lab": "laboratory", "cell": "cell"}.get(line["shift"])
    assert found["shift"] == short
    means = [used[name].sum(skipna=False) / len(used) for name in ("drop", "low", "high")]
    assert bool(found["unknown"]) == bool(np.isnan(means).any())
    if not found["unknown"]:
        said = [float(x) for x in found.groups()[3:6]]
        said = said if found["word"] == "loses" else [-said[0], -said[2], -said[1]]
        assert said == pytest.approx([100 * x for x in means], abs=0.0501)
        assert int(found.groups()[6]) == round(100 * made.level)
    return means


def holds_verdict(verdict, means):
    _, low, high = means
    if np.isnan(means).any():
        assert verdict == "cannot tell"
    elif high < 0.02:
        assert verdict == "reuse"
    elif low > 0.02:
        assert verdict == "retrain"
    else:
        assert verdict == ("cannot tell" if high - low > 0.1 else "fine-tune or retrain")


def doubts(row, made):
    """Every clause on poor data that is true of one pair."""
    true = set()
    if made.poor(row["target"]) and not made.beyond(row, "target"):
        true.add("the target library holds little beyond composition")
    if made.poor(row["source"]) and not made.beyond(row, "source"):
        above = not np.isnan(row["floor"]) and row["cross"] - made.noise > max(row["floor"], 0.5)
        true.add(f"no source taught {'much ' * above}more than composition")
    for end in ("target", "source"):
        if made.poor(row[end]) and made.beyond(row, end) and made.lacks_motif(row, end):
            true.add(f"the {end} library hardly holds the TF's own motif")
    if not np.isnan(row["floor"]) and not row["same"] - made.noise > max(row["floor"], 0.5):
        true.add(ev.NOT_ABOVE_FLOOR)
    return true


def holds_tf(line, made):
    tf, verdict, sentence = line["tf"], line["verdict"], line["sentence"]
    assert sentence.startswith(f"{tf}: {verdict}. ")
    rest = sentence[len(f"{tf}: {verdict}. ") :]
    keys = ["tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives"]
    rows = made.transfer[(made.transfer[keys] == [line[key] for key in keys]).all(axis=1)]
    rows = rows[rows["model"] == rows["source"].map(lambda name: made.health[name]["model"])]
    known = rows[rows["drop"].notna()]
    if known.empty:
        assert verdict == "cannot tell" and line["n"] == 0
        why = rest.removesuffix(".").split(" could be estimated: ")[-1]
        notes = {note.lower() for note in rows["note"]}
        notes |= {made.health[name]["verdict"].removeprefix(f"cannot tell: {tf}: ").lower() for name in made.rows}
        assert all(part.lower() in notes for part in why.split("; ")), rest
        return
    records = known.to_dict("records")
    sound = known[[made.sound(row) for row in records]]
    used = known if sound.empty else sound
    assert line["n"] == len(used)
    if sound.empty:
        assert verdict == "poor data"
        why, _, rest = rest.partition(". A ")
        rest = "A " + rest
        true = [doubts(row, made) for row in records]
        for clause in why.split("; "):
            counted = re.fullmatch(r"(.*) \((\d+) of (\d+) pairs\)", clause)
            text = counted[1] if counted else clause
            text = text[0].lower() + text[1:]
            n = sum(text in some for some in true)
            assert (n, len(true)) == ((int(counted[2]), int(counted[3])) if counted else (len(true), len(true))), why
    found = LOSS.match(rest)
    assert found, rest
    means = holds_loss(found, line, used, made)
    assert set(found["model"].split(" or ")) == set(used["model"]) and int(found["n"] or 1) == len(used)
    assert [line["drop"], line["low"], line["high"]] == pytest.approx(means, nan_ok=True)
    if not sound.empty:
        holds_verdict(verdict, means)
    rest = rest[found.end() :]
    if own := re.match(
        r"The libraries are judged by their own held-out rows: composition was not scored on these\.", rest
    ):
        assert sound.empty and known["floor"].isna().any()
        rest = rest[own.end() :].lstrip()
    called = {name for end in ("source", "target") for name in used[end] if made.poor(name)}
    if poor := re.match(r"Poor by its own held-out rows, but not by these: ([^.]+)\. ?", rest):
        assert set(poor[1].split(", ")) == called and not sound.empty
        rest = rest[poor.end() :]
    else:
        assert sound.empty or not called
    if left := re.match(r"Pairs left out for poor data: (\d+) of (\d+)\.", rest):
        assert (int(left[1]), int(left[2])) == (len(known) - len(sound), len(known)) and len(sound) < len(known)
        rest = rest[left.end() :]
    else:
        assert len(used) == len(known)
    assert rest == "", f"no rule knows {rest!r}"


def holds_over_tfs(line, made):
    keys = ["shift", "source_assay", "target_assay", "train_negatives", "test_negatives", "model"]
    rows = made.transfer[(made.transfer[keys] == [line[key] for key in keys]).all(axis=1)]
    rows = rows[rows["drop"].notna()]
    sound = rows[[made.sound(row) for row in rows.to_dict("records")]]
    drops = sound.groupby("tf")["drop"].mean().to_numpy()
    lead, rest = f"{len(drops)} TFs: {line['verdict']}. ", line["sentence"]
    assert rest.startswith(lead) and line["n"] == len(drops) > 1
    found = LOSS.match(rest[len(lead) :])
    rest = rest[len(lead) + found.end() :]
    means = [line["drop"], line["low"], line["high"]]
    holds_loss(found, line, pd.DataFrame([means], columns=["drop", "low", "high"]), made)
    assert line["drop"] == pytest.approx(drops.mean())
    assert np.isnan(line["low"]) == sound["low"].isna().any()
    holds_verdict(line["verdict"], means)
    tested = WILCOXON.match(rest)
    assert tested, rest
    ranks = pd.Series(np.abs(drops)).rank().to_numpy() * (drops != 0)  # a zero tells the sides not apart
    flips = [abs(np.dot(signs, ranks)) for signs in itertools.product([-1, 1], repeat=len(drops))]
    p = np.mean(np.array(flips) >= abs(np.dot(np.sign(drops), ranks)) - 1e-9)
    least = min(1, 2.0 ** (1 - np.count_nonzero(drops)))
    assert float(tested[1]) == pytest.approx(p, rel=0.05)
    assert bool(tested[3]) == (least > 1 - made.level)
    assert not tested[3] or float(tested[3]) == pytest.approx(least, rel=0.05)
    assert bool(tested[2]) == bool(tested[3] and (drops == 0).any())
    rest = rest[tested.end() :]
    lost = rows["tf"].nunique() - len(drops)
    assert rest == (f"TFs left out for poor data: {lost}." if lost else "")


def holds_library(line, made):
    verdict, rest = line["verdict"], line["verdict"]
    if verdict.startswith("cannot tell"):
        return
    low, floor, value = line["low"], max(line["floor"], 0.5), line["auroc"]
    share = (value - floor) / (1 - floor)
    numbers = re.search(r"\(([\d.]+), floor ([\d.]+)\)", rest)
    assert [float(x) for x in numbers.groups()] == pytest.approx([value, floor], abs=0.0051)
    away = made.metrics[(made.metrics["source"] == line["dataset"]) & (made.metrics["model"] == line["model"])]
    at_home = (away["comparison"] == "same") & (away["value"] == value)
    judged = away.loc[at_home, "test_negatives"].iloc[0]  # by these negatives
    away = away[(away["comparison"] == "cross") & (away["test_negatives"] == judged)]
    floors = made.metrics[(made.metrics["model"] == "composition") & (made.metrics["comparison"] == "same")]
    floors = floors[floors["test_negatives"] == judged].set_index("target")["value"].to_dict()
    elsewhere = {
        row["target"]: row["value"] for row in away.to_dict("records") if made.clear(row["low"], floors[row["target"]])
    }
    if "a model trained on this learns composition" in verdict:
        assert share < 0.15 and not elsewhere
    if "little beyond composition was learnt" in verdict or "little beyond composition shows" in verdict:
        assert share < 0.15
    if found := re.search(r"but on (\S+) the model reaches ([\d.]+) \(floor ([\d.]+)\)", verdict):
        assert elsewhere[found[1]] == max(elsewhere.values())
        assert float(found[2]) == pytest.approx(elsewhere[found[1]], abs=0.0051)
        assert float(found[3]) == pytest.approx(floors[found[1]], abs=0.0051)
    elif share < 0.15:
        assert not elsewhere
    if "not by the TF's own motif" in verdict or "hardly by the TF's own motif" in verdict:
        assert line["motif_auroc"] < 0.6 and share >= 0.15
    if "no enriched k-mer" in verdict:
        assert line["consensus"] == ""
    if found := re.search(r"(\d+)% of the way", verdict):
        assert int(found[1]) == pytest.approx(100 * share, abs=0.51) and low > floor
        assert verdict.startswith("good" if share >= 0.5 else "weak")


@pytest.mark.parametrize("block", range(6))
def test_every_sentence_is_true_of_its_rows(block):
    seen = {}
    for seed in range(40 * block, 40 * block + 40):
        made = Made(seed)
        for line in made.libraries.to_dict("records"):
            holds_library(line, made)
        for line in made.verdicts.to_dict("records"):
            (holds_over_tfs if line["tf"] == over_tfs.EVERY_TF else holds_tf)(line, made)
            seen[line["verdict"]] = seen.get(line["verdict"], 0) + 1
    assert set(seen) == {"reuse", "retrain", "fine-tune or retrain", "cannot tell", "poor data"}


def test_a_source_that_is_poor_at_home_and_reaches_the_target_is_no_poor_data():
    """The case of `verdict_against_table`: 0.81 beside 0.81 on its own reads, 1.00 beside 0.50 on the peaks."""
    row = {"tf": "MAX", "source": "A_selex", "target": "A_chip", "source_assay": "htselex", "target_assay": "chipseq"}
    row |= {"shift": "assay", "train_negatives": "standard", "test_negatives": "standard", "model": "deepbind"}
    row |= {"same": 1.0, "cross": 1.0, "drop": 0.0, "low": -0.001, "high": 0.001, "floor": 0.5, "note": ""}
    health = pd.DataFrame(
        [
            {"dataset": "A_selex", "model": "deepbind", "auroc": 0.81, "floor": 0.81, "verdict": "poor: MAX: little"},
            {"dataset": "A_chip", "model": "deepbind", "auroc": 1.0, "floor": 0.5, "verdict": "good: MAX: 100%"},
        ]
    )
    line = verdicts.verdicts(pd.DataFrame([row], columns=columns.TRANSFER_COLUMNS), health).iloc[0]
    assert line["verdict"] == "reuse"
    assert line["sentence"].endswith("on ChIP-seq. Poor by its own held-out rows, but not by these: A_selex.")
    note = ev.SOURCE_NOT_ABOVE_FLOOR
    row |= {"cross": 0.51, "drop": 0.49, "low": 0.48, "high": 0.5, "note": note}
    line = verdicts.verdicts(pd.DataFrame([row], columns=columns.TRANSFER_COLUMNS), health).iloc[0]
    assert line["sentence"].startswith("MAX: poor data. No source taught more than composition. A deepbind model ")
    assert math.isclose(line["drop"], 0.49)
