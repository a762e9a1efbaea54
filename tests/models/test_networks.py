import json
from hashlib import sha256

import numpy as np
import pytest
import torch

from tfbind import dna
from tfbind.errors import InputError, ResourceError
from tfbind.models import networks, predict, selection, store

VARIANTS = [
    ("deepbind", {}),
    ("deepbind", {"filters": 3, "width": 7, "hidden": 32, "dropout": 0.5}),
    ("bilstm", {"units": 8}),
    ("bilstm", {"units": 8, "filters": 6, "width": 4, "stride": 3, "readout": "max", "hidden": 5, "mutation": 0.2}),
    ("selection", {}),
    ("selection", {"width": 6, "modes": 2, "dinucleotides": False, "overhang": 0, "saturation": False, "rounds": 3}),
]
everywhere = pytest.mark.parametrize(("kind", "options"), VARIANTS, ids=str)


def network(kind, options):
    torch.manual_seed(1)
    return networks.build(kind, options).eval()


def random_tokens(rng, n=30, length=60, shortest=20):
    """Sequences of 20 to 60 bp with Ns inside and at both ends, padded."""
    tokens = rng.choice(5, (n, length), p=[0.23, 0.23, 0.23, 0.23, 0.08]).astype(np.uint8)
    sizes = rng.integers(shortest, length + 1, n)
    tokens[np.arange(length) >= sizes[:, None]] = dna.UNKNOWN
    tokens[0, :4] = dna.UNKNOWN
    tokens[1, 10:30] = dna.UNKNOWN
    tokens[1, 30:40] = 2
    return tokens


def logits(model, tokens):
    with torch.inference_mode():
        return model(torch.from_numpy(tokens)).numpy()


@everywhere
def test_padding_never_changes_a_score(kind, options):
    model, rng = network(kind, options), np.random.default_rng(0)
    tokens = random_tokens(rng)
    together = logits(model, tokens)
    assert together.shape == (30,)
    assert np.ptp(together) > 1e-3
    wider = np.pad(tokens, ((0, 0), (0, 50)), constant_values=dna.UNKNOWN)
    np.testing.assert_allclose(logits(model, wider), together, atol=1e-5)
    for row, size in enumerate(dna.lengths(tokens)):
        np.testing.assert_allclose(logits(model, tokens[row : row + 1, :size].copy()), together[row], atol=1e-5)


@everywhere
def test_both_strands_score_the_same(kind, options):
    model, tokens = network(kind, options), random_tokens(np.random.default_rng(1))
    np.testing.assert_allclose(logits(model, dna.reverse_complement(tokens)), logits(model, tokens), atol=1e-5)
    backwards = logits(model, tokens[:, ::-1].copy())  # not complemented: another sequence
    assert (np.abs(backwards - logits(model, tokens)) > 1e-5).mean() > 0.9


@everywhere
def test_unknown_bases_at_the_front_are_padding_too(kind, options):
    model, tokens = network(kind, options), random_tokens(np.random.default_rng(2))
    shifted = np.pad(tokens, ((0, 0), (9, 0)), constant_values=dna.UNKNOWN)
    np.testing.assert_allclose(logits(model, shifted), logits(model, tokens), atol=1e-5)


@everywhere
def test_training_uses_every_parameter(kind, options):
    model = network(kind, options).train()
    model(torch.from_numpy(random_tokens(np.random.default_rng(3)))).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_deepbind_is_the_published_formula():
    model = network("deepbind", {"filters": 2, "width": 4})
    sequence = "ACGTTGAN"
    hot = torch.zeros(4, len(sequence) + 6) + 0.25  # padded by width - 1 at both ends
    for i, base in enumerate(sequence):
        if base != "N":
            hot[:, 3 + i] = 0
            hot["ACGT".index(base), 3 + i] = 1
    best = torch.full((2,), -torch.inf)
    for strand in (hot, hot.flip(0, 1)):
        for start in range(hot.shape[1] - 3):
            best = torch.maximum(best, (model.weight * strand[:, start : start + 4]).sum((1, 2)))
    linear = model.head.readout
    expected = (linear.weight[0] * torch.relu(best + model.bias)).sum() + linear.bias
    np.testing.assert_allclose(logits(model, dna.encode([sequence])), expected.item(), atol=1e-5)


def test_a_window_without_a_known_base_never_wins():
    tokens = torch.from_numpy(dna.encode(["ACGT" * 6 + "N" * 60, "N" * 84]))
    weight = torch.full((1, 4, 24), -1.0)
    weight[:, :, 5] = 1.0
    for best in (networks.best_window(tokens, weight), networks.best_window_dense(tokens, weight)):
        assert best[1].item() == -torch.inf
    negative = -torch.eye(4)[:, :3].contiguous()[None]  # an all-unknown window would reach -0.75, a base no more
    only_a = torch.from_numpy(dna.encode(["A" * 9 + "N" * 30]))
    torch.testing.assert_close(networks.best_window(only_a, negative), networks.best_window_dense(only_a, negative))


def test_the_bilstm_reads_the_last_forward_and_the_first_backward_state():
    torch.manual_seed(0)
    model = networks.BiLSTM(filters=4, width=3, units=5).eval()
    reference = torch.nn.LSTM(4, 5, batch_first=True, bidirectional=True)
    state = {name: value for name, value in model.forwards.state_dict().items()}
    state |= {f"{name}_reverse": value for name, value in model.backwards.state_dict().items()}
    reference.load_state_dict(state)
    tokens = torch.randint(0, 4, (6, 30), dtype=torch.uint8)
    words = torch.tensor([[16 * r[i] + 4 * r[i + 1] + r[i + 2] for i in range(28)] for r in tokens.tolist()])
    with torch.inference_mode():
        x = torch.relu(model.convolution(model.embedding(words).transpose(1, 2)))
        x = torch.nn.functional.max_pool1d(x, 3, 1).transpose(1, 2)
        states = reference(x)[0]
        expected = model.head(torch.cat([states[:, -1, :5], states[:, 0, 5:]], 1), None)
        found = model._read(tokens, torch.full((6,), 30))
    torch.testing.assert_close(found, expected)


def test_mutation_draws_known_bases_anew_in_training_alone(monkeypatch):
    torch.manual_seed(0)
    tokens = torch.from_numpy(random_tokens(np.random.default_rng(6), n=2000))
    mutated = networks._mutated(tokens, 0.2, None)
    known = tokens != dna.UNKNOWN
    assert (mutated[~known] == dna.UNKNOWN).all() and (mutated[known] < 4).all()
    assert (mutated != tokens)[known].float().mean().item() == pytest.approx(0.15, abs=0.005)  # a quarter stays
    model = network("bilstm", {"units": 4, "mutation": 0.9})
    monkeypatch.setattr(networks, "_mutated", lambda *_: pytest.fail("mutated"))
    model(tokens[:5])
    with pytest.raises(pytest.fail.Exception):
        model.train()(tokens[:5])


def test_the_bilstm_refuses_what_is_too_short():
    model = network("bilstm", {})
    assert model.shortest == 14
    assert np.isfinite(logits(model, dna.encode(["ACGTACGTACGTAC"]))).all()
    with pytest.raises(InputError, match=r"1 sequence\(s\) hold fewer than 14 bp .*13 bp"):
        logits(model, dna.encode(["ACGTACGTACGTA", "ACGTACGTACGTAC"]))


def loss_and_gradients(model, tokens, labels):
    torch.manual_seed(7)  # the same dropout
    loss = torch.nn.functional.binary_cross_entropy_with_logits(model.train()(tokens), labels)
    model.zero_grad()
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in model.named_parameters()}


@everywhere
@pytest.mark.parametrize("exact", [False, True])
def test_the_fused_paths_train_like_the_convolutions(monkeypatch, kind, options, exact):
    rng = np.random.default_rng(5)
    tokens = torch.from_numpy(random_tokens(rng, 200, 101))
    tokens[5] = 0
    if kind != "bilstm":
        tokens[6] = dna.UNKNOWN
    labels = torch.from_numpy(rng.integers(0, 2, 200).astype(np.float32))
    model = network(kind, options)
    if exact and kind == "deepbind":  # weights whose sums are exact, so that many windows are equal
        model.weight.data = torch.randint(-1, 2, model.weight.shape).float() * 0.25
    if exact and kind == "bilstm":
        for parameter in (model.embedding.weight, model.convolution.weight, model.convolution.bias):
            parameter.data = torch.randint(-1, 2, parameter.shape).float() * 0.25
    loss, gradients = loss_and_gradients(model, tokens, labels)
    monkeypatch.setattr(networks, "best_window", networks.best_window_dense)
    monkeypatch.setattr(networks, "pooled_words", networks.pooled_words_dense)
    monkeypatch.setattr(networks, "recur", lambda *given: networks.recur_dense(*given[:-1]))
    monkeypatch.setattr(selection, "occupancy", selection.occupancy_dense)
    expected, oracle = loss_and_gradients(model, tokens, labels)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    for name, value in oracle.items():
        assert (gradients[name] - value).abs().max() <= 1e-5 * value.abs().max(), name


def test_dropout_draws_what_bernoulli_draws():
    """So a network drops the same values on any device's way of drawing that torch has for the processor."""
    for share in (0, 0.05, 0.25, 0.3, 0.5, 0.9):
        for size in (1, 7, 16, 17, 1001, 100_003):
            one, other = torch.Generator().manual_seed(size), torch.Generator().manual_seed(size)
            x = torch.randn(size)
            expected = x * torch.empty(size).bernoulli_(1 - share, generator=one).div_(1 - share)
            assert torch.equal(networks._drop(x, share, other), expected)
            assert torch.equal(one.get_state(), other.get_state())


def test_one_thread_is_set_and_checked(monkeypatch):
    torch.set_num_threads(2)
    networks.one_thread()
    assert torch.get_num_threads() == 1
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(ResourceError, match="2 threads"):
        networks.one_thread()


@everywhere
def test_save_and_load(tmp_path, kind, options):
    trained = {seed: networks.build(kind, options).eval() for seed in (3, 11)}
    states = {seed: model.state_dict() for seed, model in trained.items()}
    networks.save(tmp_path / "m", kind, options, states, 101, {"dataset": "d"})
    description = store.describe(tmp_path / "m")
    check, versions = description.pop("check"), description.pop("versions")
    assert set(versions) == {"tfbind", "python", "torch", "numpy"}
    assert description.pop("weights_sha256") == sha256((tmp_path / "m" / "model.safetensors").read_bytes()).hexdigest()
    probes = dna.encode(check["sequences"])
    assert check["logits"] == {str(seed): logits(model, probes).tolist() for seed, model in trained.items()}
    assert description == {
        "format": 2,
        "kind": kind,
        "options": options,
        "seeds": [3, 11],
        "window": 101,
        "extra": {"dataset": "d"},
    }
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["model.json", "model.safetensors"]
    loaded = networks.load(tmp_path / "m")
    tokens = random_tokens(np.random.default_rng(4))
    assert list(loaded) == [3, 11]
    for seed, model in loaded.items():
        assert not model.training
        np.testing.assert_array_equal(logits(model, tokens), logits(trained[seed], tokens))


def stored(folder):
    networks.save(folder, "deepbind", {"filters": 2}, {0: networks.DeepBind(2).state_dict()}, 101, {})


def edit(folder, **values):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return "model.safetensors"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: edit(f, format=99), "format 99, not 2"),
        (lambda f: edit(f, kind="transformer"), "'transformer' is unknown; use one of deepbind, bilstm, selection"),
        (lambda f: edit(f, options={"filtres": 2}), "filtres"),
        (lambda f: edit(f, options={"filters": 3}), "does not fit"),
        (lambda f: edit(f, seeds=[0, 1]), "seed 1 does not fit"),
        (lambda f: torch.save({"a": torch.ones(1)}, f / "model.safetensors"), "damaged"),
        (lambda f: torch.save({}, f / edit(f, weights_sha256=None)), "not a safetensors file"),
        (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors: not found"),
        (lambda f: (f / "model.json").unlink(), r"model\.json: not found"),
        (lambda f: (f / "model.json").write_text("{"), "not JSON"),
        (lambda f: (f / "model.json").write_text("[]"), "names no model kind"),
    ],
)
def test_a_spoilt_model_is_refused(tmp_path, spoil, message):
    stored(tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=message):
        networks.load(tmp_path)


@pytest.mark.parametrize("kind", networks.MODELS)
@pytest.mark.parametrize("train", [False, True])
def test_tokens_that_are_none_are_refused_by_every_entry(kind, train):
    network = networks.build(kind, {}).train(train)
    tokens = np.tile(np.arange(4, dtype=np.uint8), (3, 25))
    for value in (5, 15, 255):
        bad = tokens.copy()
        bad[1, 7] = value
        with pytest.raises(InputError, match=f"token {value}: A C G T are 0 to 3"):
            network(torch.from_numpy(bad))
        for reading in ("whole", "scan"):
            with pytest.raises(InputError, match=f"token {value}: A C G T are 0 to 3"):
                predict.score(network, bad, reading, 24)
    for bad in (tokens.astype(np.int64), tokens[0]):
        with pytest.raises(InputError, match=r"tokens are \(N, L\) uint8"):
            network(torch.from_numpy(bad))
        with pytest.raises(InputError, match=r"tokens are \(N, L\) uint8"):
            predict.score(network, bad)
