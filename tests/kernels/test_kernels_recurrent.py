import gc

import numpy as np
import pytest
import torch

from tfbind.kernels import recurrent
from tfbind.models import networks


def layers(channels, units, seed, scale=1.0):
    torch.manual_seed(seed)
    pair = torch.nn.LSTM(channels, units), torch.nn.LSTM(channels, units)
    with torch.no_grad():
        for lstm in pair:
            for parameter in lstm.parameters():
                parameter.mul_(scale)
    return pair


def compiled(forwards, backwards, x, last, readout, shelf=None):
    return networks.recur(forwards, backwards, x, last, readout, shelf or recurrent.Shelf())


def read(pair, x, last, readout, weight, run):
    """What two LSTMs give, and the gradients of a loss that weighs all of it."""
    x = x.detach().requires_grad_()
    for lstm in pair:
        lstm.zero_grad()
    given = run(*pair, x, last, readout)
    (given * weight).sum().backward()
    return [given.detach(), x.grad, *(parameter.grad.clone() for lstm in pair for parameter in lstm.parameters())]


def exact(pair):
    found = []
    for lstm in pair:
        found.append(torch.nn.LSTM(lstm.input_size, lstm.hidden_size).double())
        found[-1].load_state_dict(lstm.state_dict())
    return found


SIZES = [(1, 1, 1, 1), (30, 7, 5, 13), (12, 64, 32, 50), (40, 21, 3, 24), (9, 17, 6, 4), (35, 3, 7, 8)]


@pytest.mark.parametrize("readout", ["last", "max"])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("steps", "rows", "channels", "units"), SIZES)
def test_outputs_and_gradients_are_those_of_torch_in_float64(steps, rows, channels, units, padded, readout):
    pair = layers(channels, units, steps, 3)  # gates that saturate
    x, weight = torch.randn(steps, rows, channels), torch.randn(rows, 2 * units)
    last = torch.randint(0, steps, (rows,)) if padded else torch.full((rows,), steps - 1)
    found = read(pair, x, last, readout, weight, compiled)
    expected = read(exact(pair), x.double(), last, readout, weight.double(), networks.recur_dense)
    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


@pytest.mark.parametrize("readout", ["last", "max"])
def test_padding_and_the_sequences_beside_it_change_no_bit(readout):
    pair, x, last = layers(5, 13, 0), torch.randn(30, 19, 5), torch.randint(0, 30, (19,))
    found = compiled(*pair, x, last, readout)
    with torch.inference_mode():
        assert torch.equal(compiled(*pair, x, last, readout), found)
        for row in range(19):
            alone = x[: last[row] + 1, row : row + 1]
            assert torch.equal(compiled(*pair, alone, last[row : row + 1], readout)[0], found[row])
    noise = torch.where((torch.arange(30)[:, None] > last)[..., None], torch.randn(x.shape), x)
    weight = torch.randn(19, 26)
    for one, other in zip(
        read(pair, noise, last, readout, weight, compiled), read(pair, x, last, readout, weight, compiled), strict=True
    ):
        assert torch.equal(one, other)


def test_equal_maxima_share_the_gradient():
    """As in torch: a step that is repeated until the output no longer changes gives many equal ones."""
    pair, x = layers(2, 3, 1, 3), torch.ones(400, 4, 2)
    last, weight = torch.full((4,), 399), torch.randn(4, 6)
    found = read(pair, x, last, "max", weight, compiled)
    shares = recurrent.lay_out(
        *(each.detach().numpy() for each in (pair[0].weight_ih_l0, pair[0].weight_hh_l0, pair[0].bias_ih_l0))
    )
    assert recurrent.read(x.numpy(), last.numpy(), shares, False, True, None).equal.max() > 10
    expected = read(pair, x, last, "max", weight, networks.recur_dense)
    for one, other in zip(found[:1] + found[2:], expected[:1] + expected[2:], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_two_threads_give_the_same():
    pair, x, last = layers(5, 13, 2), torch.randn(30, 19, 5), torch.full((19,), 29)
    alone = read(pair, x, last, "last", torch.ones(19, 26), compiled)
    torch.set_num_threads(2)
    try:
        both = read(pair, x, last, "last", torch.ones(19, 26), compiled)
    finally:
        torch.set_num_threads(1)
    for one, other in zip(alone, both, strict=True):
        assert torch.equal(one, other)


def test_gradients_of_the_input_alone():
    pair, last, weight = layers(4, 9, 3), torch.full((6,), 11), torch.randn(6, 18)
    x = torch.randn(12, 6, 4)
    expected = read(pair, x, last, "last", weight, compiled)[1]
    for lstm in pair:
        lstm.requires_grad_(False)
    x.requires_grad_()
    (compiled(*pair, x, last, "last") * weight).sum().backward()
    assert torch.equal(x.grad, expected)


def test_memory_is_used_again_and_never_by_two():
    pair, last, shelf = layers(4, 9, 4), torch.full((6,), 11), recurrent.Shelf()
    x, y = torch.randn(2, 12, 6, 4)
    expected = [read(pair, each, last, "last", torch.ones(6, 18), compiled) for each in (x, y)]
    for lstm in pair:
        lstm.zero_grad()
    one, other = (compiled(*pair, each, last, "last", shelf) for each in (x, y))  # both before a gradient
    one.sum().backward()
    other.sum().backward()
    found = [parameter.grad for lstm in pair for parameter in lstm.parameters()]
    for each, first, second in zip(found, expected[0][2:], expected[1][2:], strict=True):
        torch.testing.assert_close(each, first + second)
    del one, other
    gc.collect()
    held = {memory.ctypes.data for memory in shelf._spare}
    assert len(held) == len(shelf._spare) == 4
    compiled(*pair, x[:5], last - 7, "last", shelf).sum().backward()  # smaller
    gc.collect()
    assert {memory.ctypes.data for memory in shelf._spare} == held


def gates(x):
    """The sigmoids of values, by an LSTM of one unit whose last gate is all that it has."""
    into, onto = np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32)
    into[3] = 1
    w = recurrent.lay_out(into, onto, np.zeros(4, np.float32))
    shape = (1, len(x), 1)
    found = recurrent.read(x.reshape(shape), np.zeros(len(x), int), w, False, False, recurrent.Shelf())
    return recurrent.states(found.memory, shape, w).gates[..., 3 * w.units].reshape(-1)[: len(x)]


def test_the_sigmoid_is_that_of_float64():
    x = np.concatenate([np.linspace(-120, 120, 10_001), [0, 1e-30, -1e-30, 87, -87, 88, -88]]).astype(np.float32)
    expected = 1 / (1 + np.exp(-x.astype(float)))
    np.testing.assert_allclose(gates(x), expected, rtol=1e-6, atol=1e-37)
    assert gates(np.zeros(1, np.float32))[0] == 0.5


@pytest.mark.parametrize("readout", ["last", "max"])
def test_what_is_not_a_number_stays_so(readout):
    """A training that diverged must be seen."""
    pair = layers(2, 3, 5)
    with torch.no_grad():
        pair[0].weight_hh_l0[0, 0] = torch.nan
        found = compiled(*pair, torch.ones(4, 2, 2), torch.full((2,), 3), readout)
    assert found[:, :3].isnan().any() and not found[:, 3:].isnan().any()


def wrong(**changed):
    given = {"x": np.zeros((6, 5, 3), np.float32), "last": np.full(5, 5), "units": 9} | changed
    lstm = torch.nn.LSTM(3, given["units"])
    w = recurrent.lay_out(*(getattr(lstm, f"{n}_l0").detach().numpy() for n in ("weight_ih", "weight_hh", "bias_ih")))
    found = recurrent.read(given["x"], given["last"], w, False, False, recurrent.Shelf())
    shape, upstream = given.get("shape", (6, 5, 3)), given.get("upstream", np.zeros((5, 9), np.float32))
    return recurrent.gradient(upstream, found, given.get("after", given["last"]), shape, w, False, False, True)


def test_what_does_not_fit_together_is_refused():
    wrong()
    for changed in (
        {"last": np.full(5, 6)},
        {"last": np.full(5, -1)},
        {"last": np.full(4, 5)},
        {"x": np.zeros((6, 5, 2), np.float32)},
        {"x": np.zeros((6, 5, 3))},
        {"after": np.full(5, 6)},
        {"shape": (7, 5, 3)},
        {"upstream": np.zeros((5, 8), np.float32)},
        {"upstream": np.zeros((4, 9), np.float32)},
    ):
        with pytest.raises(ValueError, match=r"fit together|lies outside|memory of"):
            wrong(**changed)
    with pytest.raises(ValueError, match="do not fit together"):
        recurrent.lay_out(*(np.zeros(shape, np.float32) for shape in ((8, 3), (8, 3), (8,))))
