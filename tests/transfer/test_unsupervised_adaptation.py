import numpy as np
import pandas as pd
import pytest
import torch

from tfbind import dna, kmers
from tfbind.io import tables
from tfbind.models import store, training
from tfbind.models.examples import LabelledTables
from tfbind.study.schema import schema
from tfbind.transfer import adaptation_methods, transferability, unsupervised_adaptation

TRAINING = {"epochs": 4, "patience": 4, "steps": 300, "batch_size": 64, "learning_rate": 0.01, "weight_decay": 0.0}
STATISTICS = {"resamples": 200, "level": 0.95, "block": 1000, "min_examples": 20}
ABOUT = {
    **{"tf": "USF1", "source": "s", "source_assay": "htselex", "target": "t", "target_assay": "chipseq"},
    **{"shift": "assay", "train_negatives": "n", "test_negatives": "n", "model": "deepbind"},
}
MOTIF, BESIDE = "CACGTGAC", "GGATTAGC"


def planted(n, seed, length=30, motif=1.0, beside=0.0, unbound=0.0):
    """So many bound and unbound sequences of random bases. Shares of the bound ones hold `MOTIF` and `BESIDE`, a share
    of the unbound ones `BESIDE`."""
    rng = np.random.default_rng(seed)

    def table(label):
        tokens = rng.integers(0, 4, (n, length)).astype(np.uint8)
        half = length // 2
        for word, share, first in ((MOTIF, motif * label, 0), (BESIDE, beside if label else unbound, half)):
            for row in np.flatnonzero(rng.random(n) < share):
                at = first + rng.integers(0, half - len(word) + 1)
                tokens[row, at : at + len(word)] = dna.encode([word])[0]
        split = np.array(["validation", "test", "test", "train", "train"])[np.arange(n) % 5]
        names = [f"{label}.{i}" for i in range(n)]
        return tables.sequences(id=names, sequence=dna.decode(tokens), label=label, split=split, origin="made")

    return LabelledTables(table(1), table(0))


def trained(folder, examples):
    training.fit("deepbind", {"filters": 8, "width": 8}, *examples, [0, 1, 2], TRAINING, folder, {})
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A network that knows `MOTIF`, and its rows."""
    examples = planted(500, 0)
    return trained(tmp_path_factory.mktemp("source"), examples), examples


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    """A target whose bound sequences all hold `BESIDE` and every other one `MOTIF`, and its own network."""
    target = planted(1000, 1, length=60, motif=0.5, beside=1)
    return trained(tmp_path_factory.mktemp("own"), target), target


def run(source, own, work, *adaptations, others=(), cycles=None, **about):
    options = {"sequences": 2000, "steps": 300, "adaptations": adaptations}
    config = {"training": TRAINING, "transfer": {"unlabelled": options}, "statistics": STATISTICS}
    sides = (ABOUT | about, source[0], own[0], source[1], own[1])
    return unsupervised_adaptation.pair(*sides, "scan", config, others, cycles, work)


def test_what_lies_beside_the_site_is_learnt_from_shuffles(source, helped, tmp_path):
    table, signs = run(source, helped, tmp_path / "w", "contrast", "contrast_taught", "both_strands")
    assert list(table) == transferability.ADAPTATION_COLUMNS and not (tmp_path / "w").exists()
    rows = table.set_index("adaptation")
    assert set(rows.index) == {"direct", "matrix", "words", "contrast", "contrast_taught", "both_strands"}
    assert rows.loc["direct", "value"] < 0.85 and pd.isna(rows.loc["direct", "gain"])
    for name in ("contrast", "contrast_taught"):
        assert rows.loc[name, "gain_low"] > 0 and rows.loc[name, "drop"] < rows.loc["direct", "drop"] - 0.1, name
    # strand-symmetric by construction: the same score, and no doubt about it
    assert rows.loc["both_strands", ["gain", "gain_low", "gain_high"]].abs().max() < 1e-12
    ceiling = (rows["drop"] + rows["value"]).tolist()
    assert ceiling == pytest.approx(ceiling[:1] * len(rows))
    values = signs.set_index("sign")["value"]
    assert set(values.index) == {*transferability.SIGNS, "drop"} and values.notna().all()
    assert values["drop"] == rows.loc["direct", "drop"]


def test_where_unbound_sequences_are_no_shuffles_contrast_gains_nothing(source, tmp_path):
    """Every sequence holds `BESIDE`: it tells the target from shuffles, and bound from unbound not at all."""
    target = planted(500, 3, length=60, beside=1, unbound=1)
    table, _ = run(source, (trained(tmp_path / "own", target), target), tmp_path / "w", "contrast")
    rows = table.set_index("adaptation")
    assert rows.loc["direct", "value"] > 0.95
    assert rows.loc["contrast", "gain"] <= 0 and "are like shuffles" in rows.loc["contrast", "needs"]


def test_every_adaptation_gives_a_score_that_its_own_words_describe(source, helped, tmp_path):
    words = schema("config")["properties"]["transfer"]["properties"]["unlabelled"]["properties"]["adaptations"]
    offered = [name for name, how in adaptation_methods.ADAPTATIONS.items() if how.role == "adaptation"]
    assert words["items"]["enum"] == words["default"] == offered
    more = {"others": [planted(100, 5, motif=0, beside=1).positives], "cycles": planted(100, 6)}
    table, _ = run(source, helped, tmp_path / "a", *offered, **more)
    assert table["value"].between(0.5, 1).all() and table["note"].eq("").all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    lacking, _ = run(source, helped, tmp_path / "b", "other_tfs", "cycles", "with_matrix", tf="NoSuchTF")
    notes = lacking.set_index("adaptation")["note"]
    assert "no positives of another TF" in notes["other_tfs"] and "no other cycle" in notes["cycles"]
    assert "no motif is named" in notes["matrix"] and "no motif is named" in notes["with_matrix"]
    assert lacking.set_index("adaptation").loc["direct", "value"] == table["value"].iloc[0]


def test_the_labels_of_the_target_are_not_seen(helped):
    """Training labels turned round: the pool is the same mixture, and so is all that is learnt from it."""
    target = helped[1]
    pool = unsupervised_adaptation.pool(target, 2000, ["a"])
    turned = LabelledTables(*(t.assign(label=1 - t["label"]) for t in target))
    assert (unsupervised_adaptation.pool(turned, 2000, ["a"]) == pool).all()
    assert len(pool) == 800 and len(unsupervised_adaptation.pool(target, 300, ["a"])) == 300
    order = dna.decode(pool)
    bound = set(target.positives["sequence"])
    first = np.mean([text in bound for text in order[:400]])
    assert 0.4 < first < 0.6
    test = set(pd.concat(target).query("split == 'test'")["sequence"])
    assert not test & set(order)


def test_what_cannot_be_estimated_says_why(source, helped, tmp_path):
    nothing = tables.empty(tables.SEQUENCES, "library collapsed")
    table, signs = run(source, (helped[0], LabelledTables(nothing, nothing)), tmp_path)
    assert table["note"].tolist() == ["library collapsed"] and signs["note"].tolist() == ["library collapsed"]
    store.write_no_model(tmp_path / "m", "deepbind", "too few")
    table, _ = run((tmp_path / "m", source[1]), helped, tmp_path)
    assert "too few" in table["note"].iloc[0]


def test_enrichment_against_a_plain_count():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 5, (60, 12)).astype(np.uint8)
    labels = np.repeat([1, 0], 30)
    held = [{dna.canonical(text[i : i + 8]) for i in range(5) if "N" not in text[i : i + 8]} for text in
            dna.decode(tokens, np.full(60, 12))]  # fmt: skip
    bits = kmers.enrichment(tokens, labels, 8)
    found = kmers.highest(tokens, bits, 8)
    for words, score in zip(held, found, strict=True):
        expected = [
            np.log2((sum(word in h for h in held[:30]) + 1) / (sum(word in h for h in held[30:]) + 1)) for word in words
        ]
        assert score == pytest.approx(max(expected, default=0))
    assert kmers.highest(tokens[:, :7], bits, 8).tolist() == [0] * 60


def test_features_take_the_moments_of_the_source():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(4000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 3]]) + 5
    b = rng.normal(size=(4000, 3)) @ np.array([[2, 0, 1], [0, 0.3, 0], [0, 0, 1]])
    moved = (b - b.mean(0)) @ adaptation_methods._between(b, a, whole=False) + a.mean(0)
    assert moved.mean(0) == pytest.approx(a.mean(0)) and moved.std(0) == pytest.approx(a.std(0))

    def regular(x):
        covariance = np.cov(x.T)
        return covariance + covariance.trace() / 3 * np.eye(3)

    between = adaptation_methods._between(b, a, whole=True)
    assert between.T @ regular(b) @ between == pytest.approx(regular(a))


def test_the_gradient_is_turned_round():
    x = torch.ones(2, requires_grad=True)
    (adaptation_methods._Reversal.apply(x, 0.5) * torch.tensor([1.0, 2.0])).sum().backward()
    assert x.grad.tolist() == [-0.5, -1]


def test_composition_tells_two_domains_apart_or_not():
    rng = np.random.default_rng(2)
    even, rich = rng.integers(0, 4, (800, 20)), rng.choice(4, (800, 40), p=[0.1, 0.4, 0.4, 0.1])
    even, rich = even.astype(np.uint8), rich.astype(np.uint8)
    odds, auroc = adaptation_methods.domain_odds(even, rich, np.concatenate([even[:50, :], rich[:50, :20]]))
    assert auroc > 0.9 and odds[:50].mean() < odds[50:].mean()
    same = rng.integers(0, 4, (800, 20)).astype(np.uint8)
    assert 0.42 < adaptation_methods.domain_odds(even, same, even)[1] < 0.58
    few, both = (np.concatenate([rich[:n, :20], same[:n]]) for n in (200, 800))
    assert 0.4 < adaptation_methods.domain_odds(both, few, few)[1] < 0.6, "not the first of the larger set alone"
