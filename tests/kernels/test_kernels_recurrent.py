import numpy as np
import pytest
import torch

from tfbind.kernels import recurrent
from tfbind.models import networks


def read(lstm, x, weight, run):
    """What an LSTM gives, and the gradients of a loss that weighs all of it."""
    x = x.detach().requires_grad_()
    lstm.zero_grad()
    given = run(lstm, x)
    (given * weight).sum().backward()
    return [given.detach(), x.grad, *(parameter.grad.clone() for parameter in lstm.parameters())]


@pytest.mark.parametrize(("steps", "rows", "channels", "units"), [(1, 1, 1, 1), (30, 7, 5, 13), (12, 64, 32, 50)])
def test_steps_and_gradients_are_those_of_torch_in_float64(steps, rows, channels, units):
    torch.manual_seed(steps)
    lstm = torch.nn.LSTM(channels, units)
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.mul_(3)  # gates that saturate
    x, weight = torch.randn(steps, rows, channels), torch.randn(steps, rows, units)
    found = read(lstm, x, weight, networks.recur)
    exact = torch.nn.LSTM(channels, units).double()
    exact.load_state_dict(lstm.state_dict())
    expected = read(exact, x.double(), weight.double(), lambda lstm, x: lstm(x)[0])
    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_only_the_last_step_is_read():
    torch.manual_seed(1)
    lstm, x = torch.nn.LSTM(3, 4), torch.randn(9, 2, 3)
    weight = torch.zeros(9, 2, 4)
    weight[-1] = 1
    for one, other in zip(
        read(lstm, x, weight, networks.recur), read(lstm, x, weight, lambda lstm, x: lstm(x)[0]), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_sigmoid_is_that_of_float64():
    x = np.concatenate([np.linspace(-120, 120, 10_001), [0, 1e-30, -1e-30, 87, -87, 88, -88]]).astype(np.float32)
    gates = np.zeros((len(x), 4), np.float32)
    gates[:, 3] = x
    out = np.zeros((3, len(x), 1), np.float32)
    recurrent.forth(gates, *out)
    expected = 1 / (1 + np.exp(-x.astype(float)))
    np.testing.assert_allclose(gates[:, 3], expected, rtol=1e-6, atol=1e-37)


def test_what_is_not_a_number_stays_so():
    """A training that diverged must be seen."""
    lstm = torch.nn.LSTM(2, 3)
    with torch.no_grad():
        lstm.weight_hh_l0[0, 0] = torch.nan
        assert networks.recur(lstm, torch.ones(4, 2, 2))[-1].isnan().any()
