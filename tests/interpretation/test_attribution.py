"""Filters, contributions and sites against slow plain oracles; a planted motif is found in both assays."""

import numpy as np
import pytest
import torch

from tfbind import dna, motifs
from tfbind.dna import UNKNOWN
from tfbind.interpretation import attribution, tomtom
from tfbind.io import tables
from tfbind.models import baseline, networks, predict, store, training


def reads(rng, n, sizes):
    """Random tokens of different lengths, with a few unknown bases inside."""
    tokens = np.full((n, max(sizes)), UNKNOWN, np.uint8)
    for row in tokens:
        size = rng.choice(sizes)
        row[:size] = rng.integers(0, 4, size)
        row[rng.integers(0, size)] = UNKNOWN
    return tokens


def other_strand(window):
    return [UNKNOWN if base == UNKNOWN else 3 - base for base in reversed(window)]


def strongest_of_deepbind(network, sequence):
    """Window by window, strand by strand, with plain sums."""
    filters, _, width = network.weight.shape
    weight = network.weight.detach().numpy().astype(float)
    text = [UNKNOWN] * (width - 1) + list(sequence) + [UNKNOWN] * (width - 1)
    best = [(-np.inf, None)] * filters
    for strand in (0, 1):
        for start in range(len(text) - width + 1):
            window = text[start : start + width]
            if all(base == UNKNOWN for base in window):
                continue
            window = other_strand(window) if strand else window
            for f in range(filters):
                value = sum(
                    weight[f, :, k].mean() if base == UNKNOWN else weight[f, base, k] for k, base in enumerate(window)
                )
                if value > best[f][0] + 1e-6:
                    best[f] = (value, window)
    return [(max(value + bias, 0), window) for (value, window), bias in zip(best, network.bias.tolist(), strict=True)]


def test_windows_of_deepbind_are_those_of_a_plain_search(rng):
    torch.manual_seed(0)
    network = networks.DeepBind(filters=3, width=6).eval()
    tokens = reads(rng, 12, [9, 14, 20])
    answers, windows = attribution.windows(network, tokens)
    for i, sequence in enumerate(tokens):
        for f, (answer, window) in enumerate(strongest_of_deepbind(network, sequence)):
            assert answers[i, f] == pytest.approx(answer, abs=1e-5)
            assert windows[i, f].tolist() == window


def test_windows_of_a_bilstm_are_those_of_a_plain_search(rng):
    torch.manual_seed(1)
    network = networks.BiLSTM(filters=4, width=5, units=3, embedding=6).eval()
    tokens = np.concatenate([reads(rng, 6, [12]), reads(rng, 6, [20])[:, :20].copy()[:, :12]])
    answers, windows = attribution.windows(network, tokens)
    table, c = network.embedding.weight.detach().numpy(), network.convolution
    weight, bias = c.weight.detach().numpy(), c.bias.detach().numpy()
    for i, sequence in enumerate(tokens):
        sequence = sequence[: dna.lengths(sequence[None])[0]].tolist()
        sequence = sequence[next(k for k, base in enumerate(sequence) if base != UNKNOWN) :]
        for f in range(4):
            best = (0.0, None)
            for strand in (sequence, other_strand(sequence)):
                for start in range(len(strand) - 6):
                    window = strand[start : start + 7]
                    triplets = [window[k : k + 3] for k in range(5)]
                    words = [64 if UNKNOWN in (a, b, c) else 16 * a + 4 * b + c for a, b, c in triplets]
                    value = sum(float(table[word] @ weight[f, :, k]) for k, word in enumerate(words)) + float(bias[f])
                    if value > best[0] + 1e-6:
                        best = (value, window)
            assert answers[i, f] == pytest.approx(best[0], abs=1e-5)
            if best[1]:
                assert windows[i, f].tolist() == best[1]


torch.manual_seed(0)
NETWORKS = [
    networks.DeepBind(filters=5, width=8, hidden=0),
    networks.DeepBind(filters=5, width=8, hidden=6),
    networks.BiLSTM(filters=4, width=4, units=5, embedding=6, stride=2, readout="max"),
]


@pytest.mark.parametrize("network", NETWORKS, ids=["linear", "dense", "bilstm"])
def test_contributions_add_up_to_the_logit(network, rng):
    network = network.eval()
    tokens = reads(rng, 8, [24, 30])
    found = attribution.contributions(network, tokens)
    with torch.inference_mode():
        logits = network(torch.from_numpy(tokens)).double().numpy()
        if isinstance(network, networks.DeepBind):
            silent = float(network.head(torch.zeros(1, 5), None))
        else:
            _, sizes = networks.trim(torch.from_numpy(tokens))
            silent = network.read(torch.zeros_like(network.answers(torch.from_numpy(tokens))), sizes).numpy()
    np.testing.assert_allclose(found.sum(1), logits - silent, atol=5e-3)  # as near as the nodes of the integral are


def test_contributions_of_a_linear_readout_are_weight_times_answer(rng):
    network = NETWORKS[0].eval()
    tokens = reads(rng, 8, [24])
    weight = network.head.readout.weight.detach().numpy()[0]
    answers, _ = attribution.windows(network, tokens)
    np.testing.assert_allclose(attribution.contributions(network, tokens), answers * weight, atol=1e-5)


def test_mutagenesis_is_one_change_at_a_time(rng):
    weight = rng.normal(size=(5, 12))
    weight[UNKNOWN] = 0
    tokens = reads(rng, 4, [9, 12])

    def read(rows):
        return np.array([sum(weight[base, i] for i, base in enumerate(row)) ** 2 for row in rows])

    found = attribution.mutagenesis(read, tokens)
    for row, effects in zip(tokens, found, strict=True):
        for i, base in enumerate(row):
            if base == UNKNOWN:
                assert effects[i] == 0
                continue
            changed = [[*row[:i], other, *row[i + 1 :]] for other in range(4) if other != base]
            assert effects[i] == pytest.approx(read([row])[0] - read(changed).mean())


def planted(rng, n, length, matrix):
    """Random sequences with one site drawn from a matrix (W, 4) of shares, anywhere, on either strand; where it is."""
    tokens = rng.integers(0, 4, (n, length)).astype(np.uint8)
    width, place = len(matrix), np.zeros((n, length), bool)
    for row, there in zip(tokens, place, strict=True):
        site = np.array([rng.choice(4, p=column) for column in matrix], np.uint8)
        start = rng.integers(0, length - width + 1)
        row[start : start + width] = site if rng.random() < 0.5 else 3 - site[::-1]
        there[start : start + width] = True
    return tokens, place


def shares(tf):
    share = np.exp2(motifs.of_tf(tf).matrices[0].astype(float)) / 4
    return share / share.sum(1, keepdims=True)


def test_sites_are_put_under_each_other_on_one_strand(rng):
    matrix = shares("CTCF")
    tokens, place = planted(rng, 80, 60, matrix)
    effects = place + 0.1 * rng.normal(size=place.shape)
    sites = attribution.align(tokens, effects)
    found = tomtom.shares(tomtom.trim(attribution.count(sites)))
    p = tomtom.compare([found], motifs.jaspar())[0]
    assert motifs.jaspar().names[p.argmin()] == "CTCF" and abs(len(found) - len(matrix)) <= 4


def study(rng, tf, length, n=1200):
    """Sequence tables of bound and unbound sequences, one motif planted in the bound ones."""
    bound, _ = planted(rng, n, length, shares(tf))
    unbound = rng.integers(0, 4, (n, length)).astype(np.uint8)
    split = np.where(np.arange(n) % 4 == 0, "test", np.where(np.arange(n) % 4 == 1, "validation", "train"))
    return [
        tables.sequences(id=[f"{label}.{i}" for i in range(n)], sequence=dna.decode(tokens), label=label, split=split,
                         origin="simulated")
        for label, tokens in ((1, bound), (0, unbound))
    ]  # fmt: skip


TRAINING = {"epochs": 6, "steps": 300, "patience": 6, "batch_size": 64, "learning_rate": 0.02, "weight_decay": 0.01}
TRAINING |= {"search": 0}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """USF1 planted in windows of peaks and in reads; a network trained on each; what they have learnt."""
    rng, learners = np.random.default_rng(5), []
    for assay, length in (("chipseq", 101), ("htselex", 20)):
        folder = tmp_path_factory.mktemp(assay)
        bound, unbound = study(rng, "USF1", length)
        training.fit("deepbind", {}, bound, unbound, seeds=[0, 1], training=TRAINING, folder=folder, extra={})
        row = {"tf": "USF1", "dataset": assay, "assay": assay}
        learners.append(tomtom.Learner(row, "plain", "deepbind", *attribution.learnt(folder, bound, unbound)))
    return learners


def test_the_planted_motif_is_the_best_match_from_both_assays(learnt):
    table, _ = tomtom.tabulate(learnt)
    sites = table[table["filter"] == "sites"].set_index("source")
    assert sites["match_tf"].to_dict() == {"chipseq": "USF1", "htselex": "USF1"}
    assert (sites["kinship"] == "own").all() and (sites["q_value"] < 1e-4).all()
    strongest = table[table["filter"] != "sites"].sort_values("importance").groupby("source").last()
    assert strongest["kinship"].isin(["own", "alike"]).all()


def test_importances_of_a_seed_add_up(learnt):
    for learner in learnt:
        filters = learner.table[learner.table["filter"] != "sites"]
        assert set(filters["seed"]) == {"0", "1"} and (filters.groupby("seed").size() == 16).all()
        np.testing.assert_allclose(filters.groupby("seed")["importance"].sum(), 1)


def test_what_is_no_motif_says_why(learnt, tmp_path, rng):
    for learner in learnt:
        named = learner.table["seed"] + "." + learner.table["filter"]
        none = learner.table[~named.isin(learner.motifs)]
        few = none["n_sites"] < attribution.FEWEST
        assert (none["note"][few] == f"fewer than {attribution.FEWEST} windows").all()
        assert len(none) and none["note"][~few].str.startswith("diffuse").all()
        assert learner.table["note"][named.isin(learner.motifs)].isna().all()
    bound, unbound = study(rng, "USF1", 20, n=20)
    store.write_no_model(tmp_path, "deepbind", "library collapsed")
    table, found = attribution.learnt(tmp_path, bound, unbound)
    assert table["note"].tolist() == ["library collapsed"] and found == {}
    baseline.fit("regression", {}, *study(rng, "USF1", 20, n=80), 0, tmp_path)
    table, found = attribution.learnt(tmp_path, bound, unbound)
    assert "5 positives and 5 negatives in the test rows" in table["note"].iloc[0] and found == {}


def test_a_regression_names_the_planted_motif(tmp_path, rng):
    bound, unbound = study(rng, "CTCF", 40, n=400)
    estimator = baseline.fit("regression", {}, bound, unbound, 0, tmp_path)
    table, found = attribution.learnt(tmp_path, bound, unbound)
    names = dict(zip(estimator.motifs_.ids, estimator.motifs_.names, strict=True))
    assert "CTCF" in {names[i] for i in table["filter"][:3]}
    assert list(found) == (table["seed"] + "." + table["filter"]).tolist()
    tests = [dna.encode(rows["sequence"][rows["split"] == "test"]) for rows in (bound, unbound)]
    logits = [predict.stored(tmp_path).model(tokens)[0].mean() for tokens in tests]
    whole = table["effect"] / table["importance"]
    np.testing.assert_allclose(whole, logits[0] - logits[1], rtol=1e-4)


def test_the_motif_of_a_selection_is_its_energies(tmp_path, rng):
    bound, unbound = study(rng, "USF1", 20)
    options = {"modes": 2, "width": 14}
    training.fit("selection", options, bound, unbound, [0, 1], TRAINING, tmp_path, {})
    table, found = attribution.learnt(tmp_path, bound, unbound)
    assert (table["seed"] + "." + table["filter"]).tolist() == ["0.0", "0.1", "1.0", "1.1", "ensemble.sites"]
    modes = table[table["filter"] != "sites"]
    np.testing.assert_allclose(modes.groupby("seed")["importance"].sum(), 1)
    row = {"tf": "USF1", "dataset": "a", "assay": "htselex"}
    matched, _ = tomtom.tabulate([tomtom.Learner(row, "plain", "selection", table, found)])
    assert (matched[matched["filter"] == "0"]["kinship"] == "own").all()
    network = networks.load(tmp_path)[0]
    share = network.motif()[0].detach().numpy()
    shown = found["0.0"]
    fits = [np.abs(share[i : i + len(shown)] - shown).max() for i in range(len(share) - len(shown) + 1)]
    assert min(fits) < 0.01  # but for its ends and one pseudo-count
