import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, roc_auc_score

from tfbind import dna, kmers
from tfbind.errors import InputError, NotEstimable
from tfbind.io import tables
from tfbind.models import baseline


def shuffled(text, rng):
    """A true dinucleotide shuffle the slow way: swap two stretches that have equal neighbours, many times."""
    text = list(text)
    for _ in range(400):
        i, j, k, m = np.sort(rng.choice(len(text), 4, replace=False))
        if text[i] == text[k] and text[j] == text[m]:
            text = text[:i] + text[k:m] + text[j:k] + text[i:j] + text[m:]
    return "".join(text)


def words(text, k):
    counts = {}
    for start in range(len(text) - k + 1):
        word = text[start : start + k]
        if "N" not in word:
            counts[dna.canonical(word)] = counts.get(dna.canonical(word), 0) + 1
    total = sum(counts.values())
    return {word: count / total for word, count in counts.items()}


def exact_auroc(labels, logits):
    """By mid-ranks: sums of halves, so a half is a half to the last bit."""
    bound = labels == 1
    n, m = bound.sum(), (~bound).sum()
    return (rankdata(logits)[bound].sum() - n * (n + 1) / 2) / (n * m)


@pytest.fixture(scope="module")
def study():
    """Sequences with and without an E-box, in GC-poor and GC-rich backgrounds alike."""
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for row in range(900):
        gc = rng.uniform(0.3, 0.6)
        text = "".join(rng.choice(list("ACGT"), 60, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))
        if row % 2:
            start = rng.integers(0, 48)
            text = text[:start] + "GTCACGTGAC" + text[start + 10 :]
            if row % 8 == 1:
                text = dna.reverse_complement_text(text)
        texts.append(text)
        labels.append(row % 2)
    return texts, np.array(labels)


def tables_of(texts, labels):
    split = np.array(["train", "train", "train", "validation", "test"])[np.arange(len(texts)) // 2 % 5]
    parts = []
    for label in (1, 0):
        rows = np.flatnonzero(labels == label)
        parts.append(
            tables.sequences(
                id=[f"{label}_{i}" for i in rows],
                sequence=[texts[i] for i in rows],
                label=label,
                split=list(split[rows]),
                origin="made",
            )
        )
    return parts


@pytest.mark.parametrize("k", [1, 2, 3])
def test_composition_equals_a_plain_count(k):
    texts = ["ACGTTGCANNACG", "GGGGG", "ACG", "NNNN", "A", "ttacgggatcag"]
    found = kmers.composition(dna.encode(texts), k)
    assert found.shape == (6, {1: 2, 2: 12, 3: 44}[k])
    for row, text in enumerate(texts):
        expected = [share for size in range(1, k + 1) for share in words(text.upper(), size).values()]
        assert sorted(found[row][found[row] > 0]) == pytest.approx(sorted(expected))


def test_composition_ignores_strand_and_padding():
    texts = ["ACGTTGCAACGGGATTACC", "GGGCATTGAC"]
    other = [dna.reverse_complement_text(text) for text in texts]
    found = kmers.composition(dna.encode(texts), 3)
    assert np.array_equal(found, kmers.composition(dna.encode(other), 3))
    assert np.array_equal(found, kmers.composition(dna.encode(texts, 50), 3))


def test_floor_is_exactly_a_half_on_true_shuffles():
    rng = np.random.default_rng(1)
    bound = ["".join(rng.choice(list("ACGT"), n, p=[0.2, 0.3, 0.3, 0.2])) for n in rng.integers(15, 102, 240)]
    texts = [text[:7] + "GTCACGTGAC" + text[17:] for text in bound]
    shuffles = [shuffled(text, rng) for text in texts]
    assert sum(a != b for a, b in zip(texts, shuffles, strict=True)) > 230
    train = texts[:80] + shuffles[:80]
    floor = baseline.Composition().fit(train, np.repeat([1, 0], 80))
    assert exact_auroc(np.repeat([1, 0], 160), floor.decision_function(texts[80:] + shuffles[80:])) == 0.5
    # even a model fitted to something else gives a pair one score, wherever its rows stand
    skewed = baseline.Composition().fit(train, np.arange(160) % 3 == 0)
    assert np.array_equal(skewed.decision_function(texts), skewed.decision_function(shuffles))
    assert np.ptp(skewed.decision_function(texts)) > 0
    logits = skewed.decision_function(texts[80:] + shuffles[80:])
    assert exact_auroc(np.repeat([1, 0], 160), logits) == 0.5


def test_regression_finds_the_motif(study):
    texts, labels = study
    model = baseline.Regression().fit(texts[:500], labels[:500], (texts[500:700], labels[500:700]))
    logits = model.decision_function(texts[700:])
    assert logits.shape == (200,) and logits.dtype == np.float64
    assert roc_auc_score(labels[700:], logits) > 0.97
    assert np.allclose(
        logits, model.decision_function([dna.reverse_complement_text(t) for t in texts[700:]]), atol=1e-3
    )
    assert np.array_equal(logits[5:6], model.decision_function(texts[705:706]))
    probabilities = model.predict_proba(texts[700:])
    assert np.allclose(probabilities[:, 1], 1 / (1 + np.exp(-logits))) and np.allclose(probabilities.sum(1), 1)
    assert np.array_equal(model.predict(texts[700:]), (logits > 0).astype(int))


def test_strength_has_the_lowest_log_loss_on_validation_rows_alone(study):
    texts, labels = study
    train, chosen = (texts[:60], labels[:60]), (texts[60:200], labels[60:200])
    model = baseline.Composition(k=3, strengths=[100.0, 0.01, 1.0]).fit(*train, chosen)
    losses = {}
    for strength in (0.01, 1.0, 100.0):
        alone = baseline.Composition(k=3, strengths=[strength]).fit(*train)
        losses[strength] = log_loss(chosen[1], alone.predict_proba(chosen[0])[:, 1])
    assert min(losses, key=losses.get) == model.C_
    history = model.history_.query("split == 'validation' and metric == 'log_loss'")
    assert history["value"].tolist() == pytest.approx([losses[c] for c in history["strength"]], abs=2e-3)
    # a validation set that contradicts the training rows asks for the strongest regularisation
    against = baseline.Composition(k=3, strengths=[0.001, 1000.0]).fit(*train, (train[0], 1 - train[1]))
    assert against.C_ == 0.001
    assert baseline.Composition(k=3, strengths=[0.001, 1000.0]).fit(*train, train).C_ == 1000.0
    assert baseline.Composition(strengths=[0.1, 1.0, 10.0]).fit(*train).C_ == 1.0


def test_estimators_keep_to_scikit_learn(study):
    texts, _ = study
    for estimator in baseline.ESTIMATORS.values():
        model = estimator()
        assert clone(model).get_params() == model.get_params()
        with pytest.raises(NotFittedError):
            model.decision_function(texts[:2])
        assert model.__sklearn_tags__().input_tags.string
        assert not hasattr(model, "coef_")
        with pytest.raises(NotEstimable):
            model.fit(texts[:4], np.ones(4, int))


@pytest.mark.parametrize("kind", baseline.ESTIMATORS)
def test_save_load_score(kind, study, tmp_path):
    texts, labels = study
    positives, negatives = tables_of(texts, labels)
    options = {"regression": {"tax_groups": ["vertebrates"]}, "matrix": {"tf": "USF1"}}.get(kind, {})
    fitted = baseline.fit(kind, options, positives, negatives, 7, tmp_path, {"dataset": "made"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["history.tsv", "model.json", "model.safetensors"]
    model, about = baseline.load(tmp_path)
    assert np.array_equal(model.decision_function(texts), fitted.decision_function(texts))
    assert {"format", "kind", "options", "seeds", "window", "extra"} <= about.keys()
    assert about["kind"] == kind and about["seeds"] == [7] and about["window"] == 60
    assert set(about["extra"]) == {"dataset", "domain", "calibration"} and about["options"] == options
    history = tables.read_tsv(tmp_path / "history.tsv")
    assert list(history.columns) == ["seed", "epoch", "split", "metric", "value"]
    assert set(history["split"]) == {"train", "validation"} and (history["seed"] == "7").all()
    if hasattr(model, "strengths"):
        assert len(history) == 4 * len(model.strengths)
    else:
        assert list(history["metric"]) == ["auroc", "auroc"] and (history["value"].astype(float) > 0.9).all()


def test_fit_reads_neither_test_rows_nor_later_draws(study, tmp_path):
    texts, labels = study
    positives, negatives = tables_of(texts, labels)
    first = baseline.fit("composition", {}, positives, negatives, 0, tmp_path / "a")
    spoilt = positives.copy()
    spoilt.loc[spoilt["split"] == "test", "sequence"] = "G" * 60
    later = negatives.assign(draw=np.int16(2), sequence="C" * 60)
    drawn = negatives.assign(draw=np.int16(1))
    second = baseline.fit("composition", {}, spoilt, pd.concat([drawn, later]), 0, tmp_path / "b")
    assert np.array_equal(first.coef_, second.coef_) and first.C_ == second.C_
    for name in ("model.json", "model.safetensors", "history.tsv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_kept_scores_change_no_bit(study, tmp_path):
    texts, labels = study
    positives, negatives = tables_of(texts, labels)
    kept = baseline.Kept(positives["sequence"])
    for name, share, release in (
        ("a", positives, "JASPAR2014"),
        ("b", positives[::2], "JASPAR2014"),
        ("c", positives, "JASPAR2016"),
    ):
        options = {"tax_groups": ["nematodes"], "release": release}
        for folder, known in (("alone", None), ("shared", kept)):
            baseline.fit("regression", options, share, negatives, 1, tmp_path / folder / name, kept=known)
        for file in ("model.safetensors", "model.json", "history.tsv"):
            assert (tmp_path / "alone" / name / file).read_bytes() == (tmp_path / "shared" / name / file).read_bytes()


def test_foreign_model_is_refused(study, tmp_path):
    baseline.fit("composition", {}, *tables_of(*study), 0, tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(InputError, match="99"):
        baseline.load(tmp_path)


def test_regression_on_real_peaks(real):
    """GATA3 peaks; the published test set brings its own true shuffles."""
    folder = real / "chipseq" / "deepbind_encode"
    peaks = pd.read_csv(next(folder.glob("GATA3_*_AC.seq.gz")), sep="\t")["seq"].str.upper()[:2000].tolist()
    test = pd.read_csv(next(folder.glob("GATA3_*_B.seq.gz")), sep="\t")
    rng = np.random.default_rng(0)
    texts = peaks + [shuffled(peak, rng) for peak in peaks]
    labels = np.repeat([1, 0], len(peaks))
    chosen = np.arange(len(texts)) % 10 == 0

    def rows(mask):
        return [text for text, inside in zip(texts, mask, strict=True) if inside], labels[mask]

    model = baseline.Regression().fit(*rows(~chosen), rows(chosen))
    assert roc_auc_score(test["Bound"], model.decision_function(test["seq"].tolist())) > 0.9
    floor = baseline.Composition().fit(*rows(~chosen), rows(chosen))
    assert exact_auroc(test["Bound"].to_numpy(), floor.decision_function(test["seq"].tolist())) == 0.5
