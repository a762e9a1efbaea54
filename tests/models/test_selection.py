import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch

from tfbind import dna, motifs
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.kernels import energies as kernel
from tfbind.kernels import ranks
from tfbind.models import networks, predict, selection, stacks
from tfbind.models.examples import encode
from tfbind.simulation import energies, reads, settings

TRAINING = {"epochs": 12, "patience": 12, "steps": 0, "batch_size": 128, "learning_rate": 0.01, "weight_decay": 0.03}


def random_network(width=5, modes=2, seed=0, **options):
    """A network whose every weight is random."""
    torch.manual_seed(seed)
    network = networks.Selection(width, modes, **options)
    for weight in network.parameters():
        weight.data = torch.randn_like(weight)
    return network.eval()


def slow_occupancy(text, bases, pairs, missing, overhang):
    """Log of the sum of exp(-energy) over all windows of both strands of one text, base by base."""
    text, width = text.strip("N"), len(bases)
    reach = max(overhang, width - len(text))
    whole = "N" * reach + text + "N" * reach
    turned = whole[::-1].translate(str.maketrans("ACGT", "TGCA"))
    total = 0.0
    for strand in (whole, turned):
        for start in range(len(strand) - width + 1):
            window = strand[start : start + width]
            if set(window) == {"N"}:
                continue
            energy = 0.0
            for i, base in enumerate(window):
                energy += max(bases[i]) + (missing if base == "N" else -bases[i]["ACGT".index(base)])
            for i, (a, b) in enumerate(itertools.pairwise(window)):
                energy -= 0 if "N" in (a, b) else pairs[i]["ACGT".index(a)]["ACGT".index(b)]
            total += math.exp(-energy)
    return math.log(total)


TEXTS = ["ACGTTGAC", "NNACGGTNCATNNNNNNNNNNTTAGANN", "A", "GNNT", "CCNNNNNGG", "ACGTACGTTGACCATTTGACANTTG", "TTAGC"]


@pytest.mark.parametrize("overhang", [0, 0.4, 0.9])
def test_the_sum_over_all_sites_and_its_gradient(overhang):
    network = random_network(overhang=overhang)
    tokens = torch.from_numpy(dna.encode(TEXTS))
    bases, pairs = (part.tolist() for part in network.energies())
    missing = network.missing.tolist()
    found = selection.occupancy(tokens, network.table(), network.overhang)
    for m, n in itertools.product(range(2), range(len(TEXTS))):
        slow = slow_occupancy(TEXTS[n], bases[m], pairs[m], missing[m], network.overhang)
        assert found[m, n].item() == pytest.approx(slow, abs=1e-5), (m, TEXTS[n])
    upstream = torch.randn(2, len(TEXTS))
    table = network.table().detach().requires_grad_()
    selection.occupancy(tokens, table, network.overhang).backward(upstream)
    double = table.detach().double().requires_grad_()  # not float32, so by torch
    exact = selection.occupancy(tokens, double, network.overhang)
    torch.testing.assert_close(found, exact.float(), rtol=1e-5, atol=1e-5)
    exact.backward(upstream.double())
    torch.testing.assert_close(table.grad, double.grad.float(), rtol=1e-4, atol=1e-5)
    direction = torch.randn_like(double)
    shifted = (double + step * direction for step in (-1e-5, 1e-5))
    ends = [(selection.occupancy(tokens, each, network.overhang) * upstream).sum() for each in shifted]
    assert ((ends[1] - ends[0]) / 2e-5).item() == pytest.approx((double.grad * direction).sum().item(), rel=1e-6)


def test_what_the_kernel_refuses():
    tokens, table = dna.encode(["ACGTACGT"]), np.zeros((1, 2, 3, 25), np.float32)
    total, shares = kernel.occupancy(tokens, table, 1, keep=True)
    assert total[0, 0] == pytest.approx(math.log(2 * 7)) and shares.shape == (1, 1, 2, 7)
    np.testing.assert_allclose(shares, 1 / 14, rtol=1e-6)
    for bad, given, overhang, word in (
        (tokens + 4, table, 1, "above 4"),
        (tokens.astype(int), table, 1, "uint8"),
        (tokens, table[0], 1, "float32"),
        (tokens, table.astype(float), 1, "float32"),
        (tokens, table, 4, "overhang"),
        (tokens, table, -1, "overhang"),
    ):
        with pytest.raises(ValueError, match=word):
            kernel.occupancy(bad, given, overhang, keep=False)
    with pytest.raises(ValueError, match="do not fit"):
        kernel.gradient(tokens, shares, np.zeros((1, 2), np.float32), 3, 1)
    assert kernel.occupancy(dna.encode(["NNNN"]), table, 1, keep=False)[0][0, 0] == kernel.NONE


def test_a_sequence_without_a_base_has_unspecific_binding_alone():
    network = random_network()
    with torch.inference_mode():
        logit = network(torch.from_numpy(dna.encode(["NNNNNNNN"])))
    assert logit.item() == pytest.approx((network.head.unspecific + network.head.bias).item(), abs=1e-6)


def test_saturation_is_of_training_and_never_hides_a_strong_site():
    network = random_network()
    network.head.unspecific.data.fill_(-20.0)
    tokens = torch.from_numpy(dna.encode(["ACGTTGACTA" * 2, "CATTGACCAGG", "A" * 12]))
    with torch.no_grad():
        free = network(tokens).double().numpy()
        held = network.train()(tokens).double().numpy()
    bias = network.head.bias.item()
    np.testing.assert_allclose(held - bias, -np.log1p(np.exp(-(free - bias))), atol=1e-5)
    network.head.concentration.data += 40  # bound for certain
    with torch.no_grad():
        strong = network.eval()(tokens).numpy()
    np.testing.assert_allclose(np.diff(strong), np.diff(free), atol=1e-5)


def test_the_logit_of_a_long_window_is_the_sum_over_its_sites():
    network = random_network(overhang=0)
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 4, (20, 60)).astype(np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, 5, axis=1)
    with torch.no_grad():
        each = selection.occupancy(torch.from_numpy(windows.reshape(-1, 5).copy()), network.table(), 0)
        whole = selection.occupancy(torch.from_numpy(tokens), network.table(), 0)
    torch.testing.assert_close(torch.logsumexp(each.unflatten(1, (20, -1)), 2), whole, rtol=1e-5, atol=1e-5)


def test_what_no_network_can_be():
    for options in ({"overhang": 1.0}, {"overhang": -0.1}, {"width": 1}):
        with pytest.raises(InputError, match="selection: width"):
            networks.build("selection", options)


def library(cycle, count, seed=0, tf="USF1"):
    """Tables of simulated reads of a cycle and of cycle 0, and the energies behind them."""
    rng = np.random.default_rng(seed)
    binds = energies.of(tf, motifs.of_tf(tf).take([0]))
    tokens = next(t for number, t, _ in reads.htselex(binds, count, rng) if number == cycle)
    both = []
    for label, rows in ((1, tokens), (0, reads.library(count, settings.INSERT["htselex"], rng))):
        texts = dna.decode(rows, np.full(count, rows.shape[1]))
        split = np.where(np.arange(count) % 5 == 0, "validation", "train")
        ids = [f"{label}.{i}" for i in range(count)]
        both.append(tables.sequences(id=ids, sequence=texts, label=label, split=split, origin="made", draw=0))
    return *both, binds


def fitted(examples, options, folder, seeds=(0,), **settings):
    decay = settings.pop("weight_decay", TRAINING["weight_decay"])
    members = [stacks.Member(seed, options, 0.01, decay) for seed in seeds]
    progress = stacks.fit_stack("selection", members, examples, 0, TRAINING | settings, folder)
    return [networks.restore("selection", options, each["best"]) for each in progress]


def agreement(network, matrix):
    """Correlation and slope of the fitted on the true energies of bases, where the two lie best on each other."""
    found = network.energies()[0][0].detach().numpy()
    true = matrix - matrix.mean(1, keepdims=True)
    true = true * math.log(2)  # bits
    best = (-1, 0)
    for strand in (true, true[::-1, ::-1]):
        for start in range(len(found) - len(strand) + 1):
            part, whole = found[start : start + len(strand)].ravel(), strand.ravel()
            best = max(best, (np.corrcoef(part, whole)[0, 1], np.polyfit(whole, part, 1)[0]))
    return best


@pytest.mark.parametrize(
    ("cycle", "options", "flattest"),
    [(4, {"rounds": 4}, 0.4), (3, {"rounds": 3, "dinucleotides": False}, 0.5)],  # the truth has no neighbours
)
def test_energies_of_simulated_reads_are_recovered(tmp_path, cycle, options, flattest):
    positives, negatives, binds = library(cycle, 30_000)
    (network,) = fitted(encode(positives, negatives), options, tmp_path)
    correlation, slope = agreement(network, binds.motifs.matrices[0])
    assert correlation > 0.95 and flattest < slope < 1.1
    tokens = [dna.encode(table["sequence"]) for table in library(cycle, 10_000, seed=1)[:2]]
    auroc = ranks.auroc(*(predict.score(network, part) for part in tokens))
    perfect = ranks.auroc(*(binds.odds(part) for part in tokens))
    assert auroc > perfect - 0.002
    print(f"correlation {correlation:.3f}, slope {slope:.2f}, AUROC {auroc:.4f} of {perfect:.4f}")


def test_the_motif_is_what_binds_among_all_sites():
    network = random_network(modes=2)
    every = torch.tensor(list(itertools.product(range(4), repeat=5)), dtype=torch.uint8)
    (forward, _) = network.table().unflatten(3, (5, 5)).transpose(0, 1)  # (M, 4, 5, 5)
    places = torch.arange(4)
    bound = torch.exp(forward[:, places, every[:, :-1].long(), every[:, 1:].long()].sum(2))  # (M, 4^5)
    bound = bound / bound.sum(1, keepdim=True)
    hot = torch.nn.functional.one_hot(every.long(), 4).float()
    torch.testing.assert_close(network.motif(), torch.einsum("mn,nkb->mkb", bound, hot), rtol=1e-4, atol=1e-6)


def test_training_starts_from_the_most_enriched_word():
    positives, negatives, _ = library(4, 2000)
    examples = encode(positives, negatives)
    plain, begun = random_network(16, 2), random_network(16, 2)
    begun.begin(examples.tokens, examples.labels)
    added = (begun.bases - plain.bases).detach()
    word = "".join("ACGT"[base] for base in added[0, 4:12].argmax(1))
    counts = []
    for table in (positives, negatives):
        texts = [[text, text[::-1].translate(str.maketrans("ACGT", "TGCA"))] for text in table["sequence"]]
        counts.append(Counter(w for both in texts for w in {t[i : i + 8] for t in both for i in range(13)}))
    best = max(counts[0], key=lambda w: (counts[0][w] + 5) / (counts[1][w] + 5))
    assert word in (best, best[::-1].translate(str.maketrans("ACGT", "TGCA"))) and added[0].sum() == pytest.approx(8)
    torch.testing.assert_close(added[1], added[0] / 2)
    assert (added[:, :4] == 0).all() and (added[:, 12:] == 0).all()
