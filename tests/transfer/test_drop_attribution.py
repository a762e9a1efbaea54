import itertools

import numpy as np
import pandas as pd
import pytest
from benchmarks import causes as benchmark

from tfbind import dna
from tfbind.io import tables
from tfbind.models.examples import LabelledTables
from tfbind.statistics import bootstrap
from tfbind.transfer import drop_attribution
from tfbind.transfer.drop_attribution import Game

ROW = {"tf": "T", "assay": "htselex", "cell": "", "lab": "", "cycle": "4"}
CHIP = ROW | {"assay": "chipseq", "cell": "K", "cycle": ""}
ABOUT = {
    **{"tf": "T", "source": "s", "source_assay": "htselex", "target": "t", "target_assay": "chipseq"},
    **{"shift": "assay", "train_negatives": "n", "test_negatives": "n", "model": "deepbind"},
}


def made(name, n, length, kind, seed, gc=0.5, score=None):
    """Tables that hold nothing but composition: `n` positives and `n` negatives, all training rows."""
    rng = np.random.default_rng(seed)

    def table(label, ids):
        p = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
        rows = ["".join(rng.choice(list("ACGT"), length, p=p)) for _ in range(n)]
        return tables.sequences(
            id=[f"{name}/{ids}{i}" for i in range(n)],
            sequence=rows,
            label=label,
            split="train",
            origin="made",
            score=score,
        )

    return LabelledTables(table(1, "p"), table(0, kind))


def game(source, target, other=None, reading="whole"):
    return Game(source, target, other, reading, ("a", "b", "c"))


@pytest.fixture(scope="module")
def far():
    """Reads of 20 bp against an initial library; fewer and longer windows, rich in G and C, against shuffles."""
    return game(
        made("s", 600, 20, "input", 0), made("t", 300, 50, "dinucleotide", 1, gc=0.6), made("o", 700, 20, "input", 2)
    )


def test_parts_are_what_each_adds_over_all_orders():
    value = np.random.default_rng(3).random(8)
    added = np.zeros(3)
    for order in itertools.permutations(range(3)):
        there = 0
        for player in order:
            added[player] += value[there | 1 << player] - value[there]
            there |= 1 << player
    np.testing.assert_allclose(drop_attribution.shapley(3) @ value, added / 6)
    np.testing.assert_allclose((drop_attribution.shapley(5) @ np.arange(32.0)), [1, 2, 4, 8, 16])  # an additive game
    assert drop_attribution.shapley(0).shape == (0, 1)


def test_weights_move_a_mean_and_stop_where_few_rows_would_count():
    x = np.random.default_rng(0).normal(size=(2000, 3))
    wanted = x.mean(0) + np.array([0.5, 0, -0.3])
    (weights, others), share = drop_attribution.tilt(x, wanted, [x[:100]])
    assert share == 1 and weights.sum() == pytest.approx(1) and others.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ x, wanted, atol=0.01)
    # of all weights with these means, those nearest to equal are exponential in the features
    design = np.column_stack([np.ones(len(x)), x])
    rest = np.log(weights) - design @ np.linalg.lstsq(design, np.log(weights), rcond=None)[0]
    assert np.abs(rest).max() < 1e-6
    (weights,), share = drop_attribution.tilt(x, x.mean(0) + 4)
    assert 0 < share < 1 and 1 / (weights @ weights) >= 0.3 * len(x)
    (weights,), share = drop_attribution.tilt(x, np.full(3, 1e3))
    assert share == 0 and len(set(weights)) == 1


def test_every_cause_is_a_switch_or_says_why_not(far):
    why = drop_attribution.untestable(far, ROW, CHIP)
    assert {name for name, reason in why.items() if not reason} == {
        "negatives",
        "length",
        "size",
        "composition",
        "cycle",
    }
    assert why["strength"] == why["cell"] == "not both are of one assay"
    alike = made("s", 300, 20, "input", 0)
    why = drop_attribution.untestable(game(alike, made("t", 310, 20, "input", 1)), ROW, ROW | {"cycle": "2"})
    assert why["negatives"] == "both are set against input" and why["length"] == "both are 20 bp"
    assert why["size"] == "about as many training rows: 300 and 310 positives"
    assert why["cycle"] == "no usable dataset of the target's cycle of T from the same library in the sheet"
    assert drop_attribution.untestable(game(*far[:2]), ROW, CHIP)["cycle"].startswith("no usable earlier cycle of T")
    peaks, few = made("s", 300, 20, "flank", 0, score=np.arange(300.0)), made("t", 100, 20, "flank", 1)
    why = drop_attribution.untestable(game(peaks, few), CHIP, CHIP | {"cell": "L"})
    assert why["strength"] == "" and why["cell"] == "no other usable ChIP-seq of T in L in the sheet"
    assert drop_attribution.untestable(game(peaks, few, few), CHIP, CHIP | {"cell": "L"})["cell"] == ""
    assert drop_attribution.untestable(game(peaks, few), CHIP, CHIP)["cell"] == "both are of K"
    assert (
        drop_attribution.untestable(game(few, peaks), CHIP, CHIP)["strength"]
        == "the peaks of the source have no scores"
    )
    assert drop_attribution.untestable(game(peaks, peaks), CHIP, CHIP)["strength"].startswith(
        "the source has no more peaks"
    )


def of(player, *switched, seed=0):
    examples = player.of_source(frozenset(switched), seed)
    positives = examples.labels == 1
    return examples, dna.decode(examples.tokens[positives]), dna.decode(examples.tokens[~positives])


def test_switches_do_what_they_are_called(far):
    player = drop_attribution._Player(far)
    source, target, other = far[:3]
    examples, positives, negatives = of(player)
    assert positives == source.positives["sequence"].tolist() and negatives == source.negatives["sequence"].tolist()
    assert examples.chain is None
    _, positives, negatives = of(player, "size")
    assert len(positives) == len(negatives) == 300 and set(positives) < set(source.positives["sequence"])
    assert positives != of(player, "size", seed=1)[1] and positives == of(player, "size", "length")[1]
    examples, positives, _ = of(player, "length")
    assert examples.window == 50 and positives == source.positives["sequence"].tolist()
    np.testing.assert_array_equal(examples.chain.following, player.chains["source"].following)
    assert of(player, "length", "composition")[0].chain is player.chains["target"]
    _, positives, negatives = of(player, "negatives")
    pairs = [sorted(s[i : i + 2] for i in range(19)) for s in (positives[0], negatives[0])]
    assert pairs[0] == pairs[1] and positives[0] != negatives[0]
    wanted = dna.gc(dna.encode(target.negatives["sequence"])).mean()
    before, after = (dna.gc(dna.encode(of(player, *s)[2])).mean() for s in ((), ("composition",)))
    assert before < 0.52 and after > before + 0.7 * player.moved["source"] * (wanted - before)
    _, positives, negatives = of(player, "cycle")
    assert len(positives) == 600 and set(positives) < set(other.positives["sequence"])  # as many as the source has


def test_the_strongest_peaks_are_taken():
    peaks = made("s", 300, 30, "flank", 0, score=np.random.default_rng(1).permutation(300))
    player = drop_attribution._Player(game(peaks, made("t", 100, 30, "flank", 1)))
    strongest = peaks.positives.nlargest(100, "score")["sequence"]
    assert set(of(player, "strength")[1]) == set(strongest) == set(of(player, "strength", "size")[1])
    assert set(of(player, "size")[1]) != set(strongest)


@pytest.mark.parametrize("length", [30, 12])
def test_a_kind_that_cannot_be_drawn_is_pieces_of_the_target_s(length):
    source, target = made("s", 400, 20, "input", 0, gc=0.46), made("t", 400, length, "flank", 1, gc=0.56)
    target.negatives["sequence"] = made("t", 400, length, "flank", 2, gc=0.5).negatives[
        "sequence"
    ]  # poorer than its positives
    _, positives, negatives = of(drop_attribution._Player(game(source, target)), "negatives")
    assert {len(s) for s in negatives} == {20} and len(negatives) == len(positives)
    if length > 20:
        joined = " ".join(target.negatives["sequence"])
        assert all(s in joined for s in negatives)
    apart = dna.gc(dna.encode(negatives)).mean() - dna.gc(dna.encode(positives)).mean()
    assert -0.09 < apart < -0.03  # as there, where they are 0.06 apart


def test_a_longer_source_reads_the_target_in_surroundings(far):
    turned = drop_attribution._Player(game(far.target, far.source))

    class Reader:
        """Stands for a network: tells what it was given."""

        seen = []

        def __call__(self, tokens):
            self.seen.append(tokens)
            return np.zeros((1, len(tokens)))

    tokens = dna.encode(far.source.positives["sequence"].head(5))
    turned.read(Reader(), tokens, frozenset())
    turned.read(Reader(), tokens, frozenset(["length"]))
    assert Reader.seen[0].shape == (5, 20) and {part.shape for part in Reader.seen[1:]} >= {(5, 50)}
    examples, *_ = of(turned, "length")
    assert examples.chain is None and examples.tokens.shape[1] == 50


def scored(n, seeds, strengths, seed=0):
    """Logits (S, N) by setting, of given strength, and the draws of their rows."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    drawn = bootstrap.draw(labels, np.arange(n) // 4, 300, rng)
    return {name: x * labels + rng.normal(size=(seeds, n)) for name, x in strengths.items()}, drawn


def test_parts_sum_to_the_drop_and_have_intervals():
    sets = [frozenset(s) for k in range(3) for s in itertools.combinations(["negatives", "length"], k)]
    found, drawn = scored(400, 2, {**{s: 1 + 0.3 * len(s) for s in sets}, "few": 2.0, "target": 2.5})
    results = drop_attribution.parts(found, drawn, 0.95)
    parts = {name: v for (name, metric), v in results.items() if metric == "part"}
    assert set(parts) == {"negatives", "length", "size", "rest"}
    assert sum(v[0] for v in parts.values()) == pytest.approx(results["all", "drop"][0], abs=1e-12)
    assert all(low < value < high for value, low, high in results.values())
    # the whole is the paired drop of evaluation, to the last digit
    models = [bootstrap.replicate(found[name], drawn) for name in ("target", frozenset())]
    assert results["all", "drop"] == bootstrap.difference(*models, 0.95)
    assert results["size", "part"] == bootstrap.difference(models[0], bootstrap.replicate(found["few"], drawn), 0.95)
    assert results["length", "alone"][0] == pytest.approx(
        bootstrap.replicate(found[frozenset(["length"])], drawn).value[0] - models[1].value[0]
    )


def test_without_a_switch_all_is_rest():
    found, drawn = scored(400, 1, {frozenset(): 1.0, "target": 2.0})
    results = drop_attribution.parts(found, drawn, 0.95)
    assert results["rest", "part"] == results["all", "drop"]


def test_a_sentence_names_what_can_be_told_from_nothing():
    found = {("all", "drop"): (0.071, 0.06, 0.082), ("length", "part"): (0.029, 0.018, 0.04)}
    found |= {("negatives", "part"): (-0.01, -0.02, -0.004), ("size", "part"): (0.002, -0.01, 0.01)}
    found |= {("rest", "part"): (0.05, 0.04, 0.06), ("rest", "alone"): (0.5, 0.4, 0.6)}
    assert drop_attribution.sentence(ABOUT, found) == (
        "T, s to t: of the 7.1 (6.0 to 8.2) points that are lost, 5.0 (4.0 to 6.0) come from the assay itself, "
        "2.9 (1.8 to 4.0) come from the length of the sequences; the kind of negatives gives 1.0 (0.4 to 2.0) back; "
        "not to be told from nothing: the number of training rows."
    )
    none = {("all", "drop"): (0.001, -0.01, 0.012), ("rest", "part"): (0.001, -0.01, 0.012)}
    assert "the loss of 0.1 (-1.0 to 1.2) points cannot be told from none" in drop_attribution.sentence(ABOUT, none)
    assert "0.5 (0.1 to 0.9) points are gained" in drop_attribution.sentence(
        ABOUT, {("all", "drop"): (-0.005, -0.009, -0.001)}
    )


CONFIG = {
    "training": {"epochs": 4, "batch_size": 64, "learning_rate": 0.03, "weight_decay": 0.0, "steps": 1, "patience": 4},
    "statistics": {"resamples": 100, "level": 0.95, "block": 1000, "min_examples": 20},
    "seeds": [0],
    "steps": 20,
}
MODEL = {"kind": "deepbind", "filters": 4, "width": 8, "hidden": 0, "dropout": 0.0, "reading": "scan"}


def whole(rows, n=60):
    """With test rows of the same kind."""
    return LabelledTables(
        *(pd.concat([t, t.head(n).assign(split="test", id=t["id"] + "x")], ignore_index=True) for t in rows)
    )


def test_a_pair_has_a_row_for_each_cause(far):
    sides = (
        whole(LabelledTables(*(t.head(200) for t in far.source))),
        whole(made("t", 100, 20, "dinucleotide", 1, gc=0.6)),
        None,
    )
    table = drop_attribution.pair(*sides, [ROW, CHIP], ABOUT, CONFIG, MODEL)
    assert list(table) == drop_attribution.COLUMNS
    part = table[table["metric"] == "part"].set_index("cause")
    assert list(part.index.sort_values()) == sorted([*drop_attribution.CAUSES, "rest"])
    assert part["value"].isna().sum() == 4 and (part["note"][part["value"].isna()] != "").all()
    drop = table[table["metric"] == "drop"].iloc[0]
    assert part["value"].sum() == pytest.approx(drop["value"], abs=1e-12)
    levels = table[table["metric"] == "auroc"].set_index("cause")["value"]
    assert drop["value"] == pytest.approx(levels["target"] - levels["source"])
    assert drop["sentence"].startswith("T, s to t: ") and set(table["n_positive"]) == {60}
    pd.testing.assert_frame_equal(table, drop_attribution.pair(*sides, [ROW, CHIP], ABOUT, CONFIG, MODEL))


def test_what_cannot_be_estimated_says_why(far):
    nothing = tables.empty(tables.SEQUENCES, "library collapsed")
    for sides, reason in (
        ((LabelledTables(nothing, nothing), whole(far.target)), "library collapsed"),
        ((far.source, far.target), "fewer than 20"),
        (
            (LabelledTables(far.source.positives, far.source.negatives.assign(split="test")), whole(far.target)),
            "no negatives in the training rows",
        ),
    ):
        table = drop_attribution.pair(*sides, None, [ROW, CHIP], ABOUT, CONFIG, MODEL)
        assert len(table) == 1 and table["value"].isna().all() and reason in table["note"].iloc[0]


def test_the_largest_part_names_the_cause_of_simulated_studies():
    studies = [*((cause, 1) for cause in benchmark.LARGE if cause != "size"), ("rest", 0), ("cycle", 0)]
    found = [benchmark.explain(cause, number) for cause, number in studies]
    assert sum(row["named"] == row["cause"] for row in found) >= len(found) - 1, found
    assert all(sum(row[name] for name in ("negatives", "length", "size", "composition", "cycle", "rest")) ==
               pytest.approx(row["drop"]) for row in found)  # fmt: skip
