import csv
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.test_training import assert_same, fit, weights

from tfbind.errors import InputError
from tfbind.models import devices, networks, predict

TABLE = Path(__file__).parents[2] / "benchmarks" / "gpu.tsv"
ROWS = {row["what"]: row for row in csv.DictReader(TABLE.read_text().splitlines(), delimiter="\t")}
TRAINING = {
    "training deepbind, stack of 1, batch 128": ("deepbind", {}, 1, 128),
    "training deepbind, stack of 8, batch 128": ("deepbind", {}, 8, 128),
    "training deepbind filters=128, stack of 8, batch 1024": ("deepbind", {"filters": 128}, 8, 1024),
    "training bilstm, stack of 3, batch 128": ("bilstm", {}, 3, 128),
    "training bilstm readout=max stride=3, stack of 3, batch 1024": (
        "bilstm",
        {"readout": "max", "stride": 3},
        3,
        1024,
    ),
}


def stack(kind, options, count):
    return [networks.build(kind, options) for _ in range(count)]


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.delenv(devices.VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


def test_every_measured_row_of_training_is_met_and_decides(seen):
    assert set(TRAINING) == {what for what in ROWS if what.startswith("training")}
    for what, (kind, options, count, batch) in TRAINING.items():
        made = stack(kind, options, count)
        times = devices.milliseconds(made, batch, 101, True)
        speeds = [1e3 * count * batch / each for each in times]
        measured = [float(ROWS[what][device]) for device in ("one_cpu_thread", "gpu")]
        assert speeds == pytest.approx(measured, rel=1e-3)
        assert devices.choose(made, batch, 101, True) == ("gpu" if float(ROWS[what]["ratio"]) > 1 else "cpu")


@pytest.mark.parametrize("kind", ["deepbind", "bilstm"])
def test_the_rows_of_scoring_are_met_and_decide(seen, kind):
    made, row = stack(kind, {}, 3), ROWS[f"scoring with 3 {kind}"]
    times = devices.milliseconds(made, 4096, 101, False)
    assert [4.096e6 / each for each in times] == pytest.approx(
        [float(row[name]) for name in ("one_cpu_thread", "gpu")], rel=1e-3
    )
    assert devices.choose(made, 4096, 101, False) == "gpu"
    assert devices.choose(made, 1, 30, False) == "cpu"


def test_a_wider_stack_a_larger_batch_or_a_longer_sequence_speaks_for_the_gpu(seen):
    small = stack("deepbind", {}, 8)
    assert devices.choose(small, 128, 101, True) == "cpu"
    assert devices.choose(small, 2048, 101, True) == "gpu"
    assert devices.choose(small, 128, 2000, True) == "gpu"
    assert devices.choose(stack("deepbind", {"filters": 256}, 8), 128, 101, True) == "gpu"


def test_a_kind_that_was_not_measured_takes_the_gpu(seen):
    class Other(networks.Network):
        pass

    assert devices.choose([Other()], 128, 101, True) == "gpu"


def test_the_choice_and_its_reason_are_one_line(seen, caplog):
    caplog.set_level("INFO")
    devices.choose(stack("deepbind", {}, 8), 128, 101, True)
    [line] = caplog.messages
    assert re.fullmatch(
        r"training 8 DeepBind on the cpu: about 7.33 ms on a processor thread, 8.59 ms on a GPU for a step", line
    )


def test_the_variable_decides(seen, monkeypatch):
    small, wide = stack("deepbind", {}, 1), stack("bilstm", {}, 3)
    monkeypatch.setenv(devices.VARIABLE, "gpu")
    assert devices.choose(small, 128, 101, True) == "gpu"
    monkeypatch.setenv(devices.VARIABLE, "cpu")
    assert devices.choose(wide, 1024, 101, True) == "cpu"
    monkeypatch.setenv(devices.VARIABLE, "tpu")
    with pytest.raises(InputError, match="TFBIND_ACCELERATOR is 'tpu'; set it to cpu, gpu or auto"):
        devices.choose(small, 128, 101, True)


def test_without_a_gpu_it_is_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    wide = stack("bilstm", {}, 3)
    monkeypatch.delenv(devices.VARIABLE, raising=False)
    assert devices.choose(wide, 1024, 101, True) == "cpu"
    monkeypatch.setenv(devices.VARIABLE, "gpu")
    with pytest.raises(InputError, match="torch sees no GPU here"):
        devices.choose(wide, 1024, 101, True)


@pytest.mark.parametrize("kind", ["deepbind", "bilstm"])
def test_results_on_the_processor_are_the_same_whoever_chose_it(tmp_path, monkeypatch, kind):
    options = {"deepbind": {"filters": 4, "width": 8}, "bilstm": {"filters": 4, "width": 4, "units": 4}}[kind]
    taken = []
    # Lightning must not meet the GPU that is not there: the rule alone is told of it
    choose = devices.choose

    def told(*arguments, **more):
        with monkeypatch.context() as patch:
            patch.setattr(torch.cuda, "is_available", lambda: True)
            taken.append(choose(*arguments, **more))
        return "cpu"

    fit(tmp_path / "alone", (0, 1), kind, options)
    monkeypatch.setattr(devices, "choose", told)
    fit(tmp_path / "told", (0, 1), kind, options)
    assert_same(weights(tmp_path / "alone"), weights(tmp_path / "told"))
    tokens = np.random.default_rng(0).integers(0, 4, (40, 30), dtype=np.uint8)
    logits = [predict.score(predict.stored(tmp_path / name).model, tokens) for name in ("alone", "told")]
    assert np.array_equal(*logits)
    assert taken and set(taken) <= {"cpu", "gpu"}


def test_training_and_scoring_ask_the_rule(tmp_path, monkeypatch):
    monkeypatch.setenv(devices.VARIABLE, "gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=devices.VARIABLE):
        fit(tmp_path / "a")
    monkeypatch.delenv(devices.VARIABLE)
    fit(tmp_path / "b")
    monkeypatch.setenv(devices.VARIABLE, "gpu")
    with pytest.raises(InputError, match=devices.VARIABLE):
        predict.stored(tmp_path / "b")
