import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbind import dna

words = st.lists(st.text("ACGTN", max_size=30), min_size=1, max_size=6).filter(
    lambda texts: set("".join(texts)) - {"N"}
)
PAIR = dict(zip("ACGTN", "TGCAN", strict=True))


@given(words)
def test_encode_and_decode_are_inverse(texts):
    tokens = dna.encode(texts)
    assert tokens.dtype == np.uint8
    assert dna.decode(tokens, np.array([len(t) for t in texts])) == texts
    assert dna.decode(tokens) == [t.rstrip("N") for t in texts]
    assert dna.lengths(tokens).tolist() == [len(t.rstrip("N")) for t in texts]


@given(words)
def test_both_reverse_complements_against_a_plain_loop(texts):
    plain = ["".join(PAIR[base] for base in reversed(t)) for t in texts]
    assert [dna.reverse_complement_text(t) for t in texts] == plain
    known = [t.rstrip("N") for t in texts]
    turned = dna.reverse_complement(dna.encode(known))
    assert dna.decode(turned, np.array([len(t) for t in known])) == [dna.reverse_complement_text(t) for t in known]
    assert all(
        dna.canonical(t) == dna.canonical(p) and dna.canonical(t) in (t, p) for t, p in zip(texts, plain, strict=True)
    )


def columns(texts):
    # the same sequences as columns that lie differently in memory
    column = pd.Series(texts, dtype="str")
    yield column
    yield pd.Series(["AC", *texts, "T"], dtype="str")[1:-1]
    yield pd.Series([x for text in texts for x in (text, "GG")], dtype="str")[::2]
    yield pd.concat([column[:1], column[1:]])
    yield column.astype(object)


@given(words)
def test_a_column_is_encoded_like_a_list(texts):
    for column in columns(texts):
        assert dna.encode(column).tolist() == dna.encode(texts).tolist()
        assert dna.encode(column, 30).tolist() == dna.encode(texts, 30).tolist()
        keys = dna.canonicals(column)
        assert keys.tolist() == [dna.canonical(text) for text in texts] and keys.index.equals(column.index)


def test_a_column_from_its_letters():
    column = dna.column(np.frombuffer(b"ACGTN", np.uint8), np.array([0, 2, 2, 5]))
    assert column.equals(pd.Series(["AC", "", "GTN"], dtype="str"))


@given(words)
def test_gc_against_a_plain_loop(texts):
    known = [t.replace("N", "") for t in texts]
    plain = [sum(base in "GC" for base in t) / len(t) if t else 0 for t in known]
    assert dna.gc(dna.encode(texts)) == pytest.approx(plain)


def test_letters_and_padding():
    assert dna.encode(["acgtuRx-é", "A"]).tolist() == [[0, 1, 2, 3, 3, 4, 4, 4, 4], [0] + [4] * 8]
    assert dna.encode(["AC"], 4).tolist() == [[0, 1, 4, 4]]
    assert dna.encode(pd.Series(["acgtuRx-é", "A"])).tolist() == dna.encode(["acgtuRx-é", "A"]).tolist()
    assert dna.encode([], 3).shape == dna.encode(pd.Series([], dtype="str"), 3).shape == (0, 3)
    assert dna.encode(["AC"]).flags.writeable and dna.encode(pd.Series(["AC"])).flags.writeable
    with pytest.raises(ValueError, match="1 of 2 sequences are missing"):
        dna.encode(pd.Series(["A", None]))
    with pytest.raises(ValueError, match="5 bp does not fit into 4"):
        dna.encode(["ACGTA"], 4)
