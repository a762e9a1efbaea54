"""References against slow, plain versions of themselves, and on the way through a study's files."""

import itertools
import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.test_baseline import tables_of
from tfbind import dna, kmers, motifs
from tfbind.errors import InputError, NotEstimable
from tfbind.kernels import gapped
from tfbind.models import baseline, model_card, predict, references, score_files, store

KINDS = {
    "matrix": {"tf": "USF1"},
    "occupancy": {"tf": "USF1", "readout": "occupancy"},
    "kmers": {"k": 6},
    "summed": {"k": 6, "readout": "sum"},
    "pwm": {"k": 6, "flank": 3},
    "gapped_kmers": {"length": 6, "k": 4},
}
KIND_OF = {"occupancy": "matrix", "summed": "kmers"}
MEME = "MEME version 4\nMOTIF M1 {}\nletter-probability matrix: nsites= 20\n.1 .2 .3 .4\n0 1 0 0\n0 0 0 1\n"


def made(rng, rows=240, size=24, word="GTCACGTGAC"):
    """Positives with a word on either strand, negatives without, of several lengths, with N."""
    texts, labels = [], np.arange(rows) % 2
    for label in labels:
        text = "".join(rng.choice(list("ACGT"), rng.integers(size - 6, size)))
        if label and rng.random() < 0.9:
            i = rng.integers(len(text) - len(word) + 1)
            text = text[:i] + word + text[i + len(word) :]
        text = text if rng.random() < 0.5 else dna.reverse_complement_text(text)
        texts.append(text if rng.random() < 0.9 else text[:3] + "N" + text[4:])
    return texts, labels


def strands(text):
    return text, dna.reverse_complement_text(text)


@pytest.fixture(scope="module")
def data():
    return made(np.random.default_rng(0))


@pytest.fixture(scope="module")
def fitted(data):
    return {name: baseline.ESTIMATORS[KIND_OF.get(name, name)](**given).fit(*data) for name, given in KINDS.items()}


def test_a_matrix_gives_its_best_site_or_the_sum_of_all(fitted, data):
    matrix = motifs.of_tf("USF1").matrices[0].astype(float)
    for text, best, summed in zip(
        data[0][:40],
        fitted["matrix"].decision_function(data[0][:40]),
        fitted["occupancy"].decision_function(data[0][:40]),
        strict=True,
    ):
        bits = [
            sum(row.mean() if b == "N" else row["ACGT".index(b)] for row, b in zip(matrix, site, strict=True))
            for strand in strands(text)
            for site in (strand[i : i + len(matrix)] for i in range(len(text) - len(matrix) + 1))
        ]
        assert best == pytest.approx(max(bits), abs=1e-3)
        assert summed == pytest.approx(np.logaddexp2.reduce(bits), abs=1e-3)


def test_the_sum_over_words_is_that_of_their_log_ratios(fitted, data):
    texts, labels = data
    held = [{dna.canonical(t[i : i + 6]) for i in range(len(t) - 5) if "N" not in t[i : i + 6]} for t in texts]

    def bits(word):
        shares = [
            (sum(word in h for h, y in zip(held, labels, strict=True) if y == label) + 1) / (sum(labels == label) + 1)
            for label in (1, 0)
        ]
        return np.log2(shares[0] / shares[1])

    words = [dna.canonical(texts[1][i : i + 6]) for i in range(len(texts[1]) - 5) if "N" not in texts[1][i : i + 6]]
    assert fitted["summed"].decision_function(texts[1:2])[0] == pytest.approx(sum(map(bits, words)))
    assert fitted["kmers"].decision_function(texts[1:2])[0] == pytest.approx(max(map(bits, words)))
    assert fitted["summed"].decision_function(["ACGT"])[0] == fitted["kmers"].decision_function(["NNNNNNN"])[0] == 0


def test_a_counted_matrix_holds_the_bases_of_sites_that_equal_the_seed_elsewhere(fitted, data):
    texts, labels = data
    found, k, flank = fitted["pwm"].motifs_, 6, 3
    (seed,) = found.ids
    counts, looked = np.zeros((2, 2 * flank + k, 4)), [0, 0]
    for text, label in zip(texts, labels, strict=True):
        for strand in strands(text):
            for i in range(len(strand) - k + 1):
                word = strand[i : i + k]
                looked[label] += "N" not in word
                for j in range(k):
                    if word[:j] + word[j + 1 :] == seed[:j] + seed[j + 1 :] and word[j] != "N":
                        counts[label, flank + j, "ACGT".index(word[j])] += 1
                around = ("N" * flank + strand + "N" * flank)[i : i + k + 2 * flank]
                for j in (*range(flank), *range(flank + k, k + 2 * flank)):
                    if word == seed and around[j] != "N":
                        counts[label, j, "ACGT".index(around[j])] += 1
    left = np.maximum(counts[1] - counts[0] * looked[1] / looked[0], 0)
    assert (left.sum(1) > 0).all()
    whole, matrix = motifs.log_odds(left), found.matrices[0]
    starts = range(len(whole) - len(matrix) + 1)
    (start,) = [s for s in starts if np.allclose(whole[s : s + len(matrix)], matrix, atol=1e-4)]
    end = start + len(matrix)
    assert start <= flank and end >= flank + k
    information = [2 + (p * np.log2(np.where(p > 0, p, 1))).sum() for p in left / left.sum(1, keepdims=True)]
    least = references.PWM.LEAST
    assert (start == flank or information[start] >= least) and all(each < least for each in information[:start])
    assert (end == flank + k or information[end - 1] >= least) and all(each < least for each in information[end:])
    assert "CACGTG" in dna.decode(found.matrices[0].argmax(1).astype(np.uint8)[None])[0]


def test_gapped_words_are_a_logistic_regression_on_their_counts():
    texts, labels = made(np.random.default_rng(3), 90, 14, "CACGT")
    size, k = 4, 2

    def features(text):
        counts = {}
        for strand in strands(text):
            for i in range(len(strand) - size + 1):
                word = strand[i : i + size]
                for places in itertools.combinations(range(size), k) if "N" not in word else ():
                    key = places, "".join(word[j] for j in places)
                    counts[key] = counts.get(key, 0) + 1
        length = np.sqrt(sum(value**2 for value in counts.values()))
        return {key: value / length for key, value in counts.items()}

    found = [features(text) for text in texts]
    names = sorted({name for each in found for name in each})
    table = np.array([[each.get(name, 0) for name in names] for each in found])
    plain = LogisticRegression(C=10, tol=1e-9, max_iter=10_000).fit(table, labels)
    model = references.GappedKMers(size, k, [10.0]).fit(texts, labels)
    assert np.allclose(model.decision_function(texts), plain.decision_function(table), atol=2e-3)
    codes = kmers.canonical(dna.encode(texts), size)
    patterns = np.array(list(itertools.combinations(range(size), k)))
    for square, each in zip(gapped.squares(codes, size, patterns), found, strict=True):
        counts = np.array(list(each.values())) * np.sqrt(square)
        assert np.allclose(counts, np.round(counts)) and (np.round(counts) ** 2).sum() == square


def test_kernels_refuse_what_lies_outside():
    codes = np.array([[3, -1, 3, 255]], np.int32)
    assert gapped.total(codes, np.arange(256.0)).tolist() == [261.0]
    with pytest.raises(ValueError, match="without a value"):
        gapped.total(codes, np.zeros(255))
    with pytest.raises(ValueError, match="outside of the word"):
        gapped.squares(codes, 4, np.array([[0, 4]]))
    with pytest.raises(ValueError, match="outside of the words"):
        gapped.squares(codes, 3, np.array([[0, 2]]))


@pytest.mark.parametrize("name", KINDS)
def test_strand_padding_and_neighbours_change_nothing(fitted, data, name):
    model, texts = fitted[name], data[0]
    logits = model.decision_function(texts)
    assert roc_auc_score(data[1], logits) > 0.9
    turned = model.decision_function([dna.reverse_complement_text(text) for text in texts])
    assert np.allclose(logits, turned, atol=1e-4)
    if name in ("kmers", "summed", "gapped_kmers"):
        assert np.array_equal(logits, turned)
    padded = model.decision_function([text + "N" * (i % 9) for i, text in enumerate(texts)])
    assert np.array_equal(logits, padded)
    assert [model.decision_function([text])[0] for text in texts[:5]] == logits[:5].tolist()
    assert np.isfinite(model.decision_function(["", "N", "ACG"])).all() and len(model.decision_function([])) == 0
    other = baseline.ESTIMATORS[KIND_OF.get(name, name)](**KINDS[name])
    other.fit([dna.reverse_complement_text(text) for text in texts], data[1])
    assert np.allclose(other.decision_function(texts), logits, atol=1e-3)


@pytest.mark.parametrize("name", KINDS)
def test_a_stored_reference_is_read_verified_and_scores_files(data, tmp_path, name):
    bound, unbound = tables_of(*data)
    model = baseline.fit(KIND_OF.get(name, name), KINDS[name], bound, unbound, 0, tmp_path)
    assert model_card.verify(tmp_path) == 0
    scorer = score_files.Scorer(tmp_path, "whole")
    tokens = dna.encode(data[0])
    assert np.array_equal(scorer.logits(tokens), model.decision_function(data[0]))
    assert ((scorer.probability(scorer.logits(tokens)) > 0.5) == data[1]).mean() > 0.8
    scores = predict.predict(tmp_path, {"d": (bound, {"x": unbound})}, "scan")
    assert set(scores["seed"]) == {"0", "ensemble"} and scores["score"].notna().all()


def test_a_tf_without_a_matrix_has_no_model_and_its_targets_the_reason(data, tmp_path):
    bound, unbound = tables_of(*data)
    assert baseline.fit("matrix", {"tf": "NOSUCH"}, bound, unbound, 0, tmp_path) is None
    assert "no matrix named 'NOSUCH'" in store.describe(tmp_path)["reason"]
    scores = predict.predict(tmp_path, {"d": (bound, {"x": unbound})})
    assert scores.empty and "no matrix named 'NOSUCH'" in scores.attrs["note"]
    for kind, reason in (("kmers", "holds a known word of 8 bp"), ("gapped_kmers", "holds a known word of 8 bp")):
        baseline.fit(kind, {}, *(t.assign(sequence="ACGTNACG") for t in (bound, unbound)), 0, tmp_path)
        assert reason in store.describe(tmp_path)["reason"]
    baseline.fit("pwm", {}, *(t.assign(sequence="ACGTACGTA") for t in (bound, unbound)), 0, tmp_path)
    assert "no word of 8 bp is more frequent in positives" in store.describe(tmp_path)["reason"]


def test_a_matrix_of_a_file_needs_it_no_more_and_does_not_tell_where_it_was(data, tmp_path):
    path = tmp_path / "mine" / "m.meme"
    path.parent.mkdir()
    path.write_text(MEME.format("x"))
    baseline.fit("matrix", {"tf": "USF1", "file": str(path)}, *tables_of(*data), 0, tmp_path / "a")
    path.unlink()
    model, about = baseline.load(tmp_path / "a")
    assert model.motifs_.ids == ("M1",) and str(tmp_path) not in json.dumps(about)
    assert about["options"]["file"] == "m.meme" and len(model.motifs_.matrices[0]) == 3


def test_a_matrix_is_found_by_name_number_and_dimer(tmp_path):
    assert motifs.known("Usf1").same(motifs.of_tf("USF1").take([0]))
    assert motifs.known("NOSUCH", "ma0093.3").ids == ("MA0093.3",)
    assert motifs.known(motif="MA0093").ids == motifs.known(motif="MA0093.4").ids
    assert motifs.known("X", "MYC::MAX").ids == motifs.known("MAX::MYC").ids
    assert motifs.known("ABF1").ids == motifs.known("ABF1", tax_groups=["fungi"]).ids
    with pytest.raises(NotEstimable, match=r"no matrix named 'ABF1'.*vertebrates"):
        motifs.known("ABF1", tax_groups=["vertebrates"])
    with pytest.raises(InputError, match=r"'MA0093\.99' is neither a name nor a matrix id"):
        motifs.known("USF1", "MA0093.99")
    with pytest.raises(InputError, match="JASPAR1999"):
        motifs.known("USF1", release="JASPAR1999")
    path = tmp_path / "m.txt"
    path.write_text(MEME.format("Q9"))
    assert motifs.known("USF1", file=path).names == ("Q9",), "the only one"
    with pytest.raises(InputError, match="no motif is named 'USF1'; it holds Q9"):
        motifs.known("X", "USF1", path)
    two = MEME.format("MAX_HUMAN.H11MO.0.A") + MEME.format("USF1.H12CORE.0.P.B")[15:].replace("M1", "M2")
    path.write_text(two)
    assert motifs.known("Usf1", file=path).ids == motifs.known("X", "M2", path).ids == ("M2",)
    with pytest.raises(NotEstimable, match=r"m\.txt: no motif is named 'CTCF'"):
        motifs.known("CTCF", file=path)
