import numpy as np

from tfbind import dna
from tfbind.io import tables
from tfbind.models.examples import Batches, Examples, encode


def table(sequences, label, split, draw=0):
    ids = [f"{label}_{draw}_{i}" for i in range(len(sequences))]
    return tables.sequences(id=ids, sequence=sequences, label=label, split=split, origin="made", draw=draw)


def test_encode_keeps_rows_and_order():
    positives = table(["ACGT", "ACGTAC", "NTTT"], 1, ["train", "test", "validation"])
    negatives = table(["GGGG"], 0, "train", draw=2)
    examples = encode(positives, negatives)
    assert dna.decode(examples.tokens, np.array([4, 6, 4, 4])) == ["ACGT", "ACGTAC", "NTTT", "GGGG"]
    assert examples.tokens.dtype == np.uint8
    np.testing.assert_array_equal(examples.labels, np.float32([1, 1, 1, 0]))
    assert examples.window == 4
    assert list(examples.rows("train", 0)) == [0]
    assert list(examples.rows("train", 1)) == [0, 3]
    assert list(examples.rows("validation", 0)) == [2]


def test_the_window_is_the_commonest_length():
    examples = encode(table(["A" * 20] * 3 + ["A" * 30] * 2, 1, "train"), table(["A" * 30], 0, "train"))
    assert examples.window == 20


def examples(n=103):
    rng = np.random.default_rng(0)
    tokens = np.arange(n, dtype=np.uint8)[:, None] * np.ones(3, np.uint8)
    labels = rng.integers(0, 2, n).astype(np.float32)
    return Examples(tokens, labels, np.full(n, "train", object), np.zeros(n, np.int16), 3)


def test_batches_hold_every_row_once():
    source, rows = examples(), np.arange(3, 103)
    batches = list(Batches(source, rows, 16, np.random.default_rng(1)))
    assert len(batches) == len(Batches(source, rows, 16)) == 7
    sizes = {len(labels) for _, labels in batches}
    assert max(sizes) <= 16
    assert max(sizes) - min(sizes) <= 1
    seen = np.concatenate([tokens[:, 0].numpy() for tokens, _ in batches])
    assert sorted(seen) == list(rows)
    assert list(seen) != list(rows)
    for tokens, labels in batches:
        np.testing.assert_array_equal(labels, source.labels[tokens[:, 0]])


def test_several_passes_hold_every_row_as_often():
    batches = Batches(examples(), np.arange(3, 103), 16, np.random.default_rng(1), passes=3)
    drawn = [tokens[:, 0].numpy() for tokens, _ in batches]
    assert len(drawn) == len(batches) == 21
    first, second = np.concatenate(drawn[:7]), np.concatenate(drawn[7:14])
    assert sorted(first) == sorted(second) == list(range(3, 103)) and list(first) != list(second)


def test_order_is_the_generators():
    def order(seed):
        generator = None if seed is None else np.random.default_rng(seed)
        batches = Batches(examples(), np.arange(103), 10, generator)
        return np.concatenate([tokens[:, 0].numpy() for tokens, _ in batches]).tolist()

    assert order(1) == order(1) != order(2)
    assert order(None) == list(range(103))


def test_no_rows():
    empty = table([], 1, [])
    found = encode(empty, empty)
    assert found.tokens.shape == (0, 0)
    assert list(Batches(found, found.rows("train", 0), 8)) == []
