import numpy as np
import pandas as pd
import pytest

from tfbind.statistics.over_tfs import EVERY_TF
from tfbind.transfer import transferability
from tfbind.transfer.transferability import JASPAR, NOTHING, POOL, SHUFFLES

ABOUT = {
    **{"source_assay": "htselex", "target_assay": "chipseq", "shift": "assay", "comparison": "cross"},
    **{"train_negatives": "n", "test_negatives": "n", "model": "deepbind"},
}
ADAPTATIONS = {
    "direct": (NOTHING, "direct"),
    "contrast": (SHUFFLES, "adaptation"),
    "coral": (POOL, "adaptation"),
    "matrix": (JASPAR, "reference"),
}
SOUND = pd.DataFrame({"dataset": ["x"], "verdict": ["good: x"]})


def gains(**tfs):
    """A row for each TF and adaptation, all with a target-trained model at 1: TF -> (direct, a, b, matrix)."""
    rows = []
    for tf, values in tfs.items():
        for name, value in zip(("direct", "contrast", "coral", "matrix"), values, strict=True):
            how = ADAPTATIONS[name]
            row = ABOUT | {"tf": tf, "source": f"{tf}_s", "target": f"{tf}_t", "comparison": "cross", "note": ""}
            row |= {"adaptation": name, "needs": how[0], "role": how[1], "metric": "auroc", "value": value}
            for what, x in (("gain", value - values[0]), ("drop", 1 - value)):
                row |= {what: x, f"{what}_low": x - 0.01, f"{what}_high": x + 0.01}
            rows.append(row)
    return pd.DataFrame(rows, columns=transferability.ADAPTATION_COLUMNS)


def test_each_tf_gets_what_the_others_advise():
    found = gains(A=(0.8, 0.9, 0.85, 0.7), B=(0.8, 0.9, 0.85, 0.7), C=(0.8, 0.81, 0.95, 0.9), Poor=(0.5, 1, 0.5, 0.5))
    health = pd.DataFrame({"dataset": ["Poor_s"], "verdict": ["poor: no consensus"]})
    found.index = found.groupby("tf").cumcount()  # as of tables put together
    table = transferability.over_tfs(found, health, 0.95)
    rows = table.set_index(["tf", "adaptation"])
    # C would take coral, and is advised contrast; A and B see C's gain of coral: 0.10 and 0.055 against 0.05 and 0.10
    assert rows.loc[("C", "chosen"), "value"] == 0.81 and "contrast" in rows.loc[("C", "chosen"), "note"]
    assert rows.loc[("A", "chosen"), "value"] == 0.85
    assert rows.loc[("C", "chosen_general"), "value"] == 0.95
    assert rows.index.is_unique
    assert rows.loc[("C", "oracle"), "value"] == 0.95 and rows.loc[("C", "oracle"), "role"] == "oracle"
    assert ("Poor", "chosen") not in rows.index and ("Poor", "direct") in rows.index
    mean = rows.loc[(EVERY_TF, "contrast")]
    assert mean["n_tf"] == 3 and mean["gain"] == pytest.approx(0.21 / 3)
    assert mean["drop"] == pytest.approx(0.39 / 3) and mean["gain_low"] < mean["gain"] < mean["gain_high"]
    said = transferability.gained(table)
    assert len(said) == 1 and "3 TF(s)" in said[0] and "do as well on C: there" in said[0]
    alone = transferability.over_tfs(gains(A=(0.8, 0.9, 0.85, 0.7)), health, 0.95)
    assert "chosen" not in set(alone["adaptation"]) and "nothing can be chosen" in transferability.gained(alone)[0]
    unanswered = found[found["adaptation"] == "direct"].head(1).assign(value=np.nan, note="too few")
    nothing = transferability.over_tfs(unanswered, health, 0.95)
    assert nothing["note"].tolist() == ["too few"] and transferability.gained(nothing) == []


def measured(n, seed, slope):
    """Signs of so many TFs, two targets each; one of them moves the drop."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        level = rng.normal()
        for target in "ab":
            about = ABOUT | {"tf": f"T{i}", "source": f"s{i}", "target": f"{target}{i}", "note": ""}
            values = dict(zip(transferability.SIGNS, rng.normal(size=len(transferability.SIGNS)), strict=True))
            values["motif_agreement"] = level + 0.1 * rng.normal()
            values["source_motif"] = np.nan if i == 0 else values["source_motif"]
            values["drop"] = 0.1 + slope * values["motif_agreement"] + 0.01 * rng.normal()
            rows += [about | {"sign": sign, "value": value} for sign, value in values.items()]
    return pd.DataFrame(rows, columns=transferability.SIGN_COLUMNS)


def test_a_sign_that_moves_the_drop_foretells_it():
    table = transferability.foresee(measured(12, 0, 0.05), SOUND, 0.95)
    over = table[table["tf"] == EVERY_TF].set_index("sign")
    assert (over["n_tf"] == 12).all()
    assert over.loc["error_sign", "value"] < 0.5 * over.loc["error_mean", "value"]
    assert over.loc["gain_sign", "low"] > 0 and over.loc["gain_sign", "p_value"] < 0.01
    assert over.loc["gain_ridge", "value"] > 0
    each = table[table["sign"] == "foretold_sign"]
    assert len(each) == 24 and set(each["note"]) == {"motif_agreement"}
    said = transferability.foreseen(table)
    assert len(said) == 1 and "predicts the drop better than the mean drop" in said[0]


def test_signs_without_meaning_foretell_nothing():
    table = transferability.foresee(measured(12, 1, 0.0), SOUND, 0.95)
    over = table[table["tf"] == EVERY_TF].set_index("sign")
    assert over.loc[["gain_ridge", "gain_sign"], "low"].max() < 0
    assert "does not predict" in transferability.foreseen(table)[0]


def test_the_drop_of_a_tf_never_enters_its_own_forecast():
    signs, drops, tfs = np.eye(6), np.arange(6.0), np.array(list("aabbcc"))
    before = transferability.foretell(signs, drops, tfs)[0]
    after = transferability.foretell(signs, np.where(tfs == "a", 100, drops), tfs)[0]
    for way in before:
        assert before[way][:2] == pytest.approx(after[way][:2])
    assert before["mean"].tolist() == [3.5, 3.5, 2.5, 2.5, 1.5, 1.5]


def test_few_tfs_are_refused():
    found = measured(5, 2, 0.05)
    table = transferability.foresee(found, SOUND, 0.95)
    last = table.iloc[-1]
    assert len(table) == len(found) + 1 and "5 sound TF(s), fewer than 6" in last["note"] and pd.isna(last["value"])
    assert "nothing can be predicted" in transferability.foreseen(table)[0]
    poor = pd.DataFrame({"dataset": ["s0"], "verdict": ["poor: T0"]})
    assert "5 sound TF(s)" in transferability.foresee(measured(6, 2, 0.05), poor, 0.95).iloc[-1]["note"]


def test_what_a_network_is_worth_is_said_of_the_tfs_that_were_compared():
    def pairs(*values):
        rows = []
        for tf, direct, reference in values:
            about = ABOUT | {"tf": tf, "source": f"s{tf}", "target": f"t{tf}"}
            parts = {"direct": direct, "oracle": direct, "reference": reference}
            rows += [about | {"role": role, "value": value} for role, value in parts.items()]
        return pd.DataFrame(rows)

    said = transferability._worth
    assert said(pairs(("A", 0.9, 0.8), ("B", 0.9, 0.7))).endswith("on every TF.")
    assert "do as well on B:" in said(pairs(("A", 0.9, 0.8), ("B", 0.7, 0.7)))
    assert said(pairs(("A", 0.9, 0.8), ("B", 0.9, np.nan))).endswith("on every TF but B, where there are none.")
    assert said(pairs(("B", 0.9, np.nan))) == "Neither a JASPAR matrix nor enriched 8-mers stand beside it."
    row = pd.Series({"gain": 0.02, "gain_low": np.nan, "gain_high": np.nan})
    assert transferability._points(row, "gain") == "2.0 points (no interval)"
