import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfbind.errors import InputError
from tfbind.io import sequence_files
from tfbind.io.tally import Tally

letters = st.text("ACGTNacgtn", min_size=1, max_size=40)
ends = st.sampled_from(["\n", "\r\n"])


@st.composite
def plain(draw):
    # one record of four lines, with its sequence
    sequence = draw(letters)
    quality = "".join(draw(st.lists(st.sampled_from("!@+I~ "), min_size=len(sequence), max_size=len(sequence))))
    header, comment = draw(st.text("@+ aé\t", max_size=40)), draw(st.text("@+ a", max_size=3))
    lines = ["@" + header, sequence, "+" + comment, quality]
    return "".join(line + draw(ends) for line in lines) + draw(st.sampled_from(["", "\n", "\r\n"])), sequence.upper()


def outcome(path):
    # what a caller sees: the sequences and the log, or the faults
    tally = Tally()
    try:
        return sequence_files.read_fastq(path, tally)["sequence"].tolist(), tally.rows
    except InputError as error:
        return error.faults


def careful(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence_files, "_plain_fastq", lambda path: None)
        return outcome(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fastq") / "reads"


@settings(deadline=None)  # the first call compiles
@given(st.lists(plain(), min_size=1, max_size=20), st.booleans(), st.booleans(), st.data())
def test_plain_files_of_every_wrapping(path, records, final, members, data):
    text = "".join(record for record, _ in records).encode()
    text = text if final else text.rstrip(b"\r\n")
    cut = data.draw(st.integers(0, len(text)))
    path.write_bytes(gzip.compress(text[:cut]) + gzip.compress(text[cut:]) if members else text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence_files, "_CHUNK", data.draw(st.sampled_from([400, 1 << 19])))
        fast = sequence_files._plain_fastq(path)
    sequences = [sequence for _, sequence in records]
    if final:
        assert fast.tolist() == sequences
    assert outcome(path) == careful(path) == (sequences, [("read", "reads", len(sequences))])


#: What makes a file odd, where it stands in for one or two characters of it.
ODD = [
    "\n",
    "\r",
    "\0",
    "\ufeff",
    "é",
    "+",
    "@",
    ">",
    "U",
    "R",
    "x",
    " ",
    "ACGT\nAC\n",
    "@b\nAC\nGT\n+\nII\nII\n",
    "+\nII\n",
]


@settings(deadline=None)
@given(
    st.lists(plain(), max_size=6), st.lists(st.tuples(st.integers(0, 400), st.sampled_from(ODD)), max_size=3), st.data()
)
def test_the_same_sequences_and_the_same_faults_as_the_careful_parser(path, records, changes, data):
    text = "".join(record for record, _ in records)
    for at, odd in changes:
        at = min(at, len(text))
        text = text[:at] + odd + text[at + data.draw(st.integers(0, 2)) :]
    packed = text.encode()
    if data.draw(st.booleans()):
        packed = gzip.compress(packed)
        packed = packed[: len(packed) - data.draw(st.sampled_from([0, 0, 1, 9, 20]))]
    path.write_bytes(packed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence_files, "_CHUNK", data.draw(st.sampled_from([1, 50, 300, 1 << 19])))
        assert outcome(path) == careful(path)


def test_only_other_files_take_the_careful_road(path):
    record = b"@a b\nACGTN\n+\nII@+!\n"
    for text in (
        record,
        record * 3,
        record.replace(b"\n", b"\r\n"),
        record + b"\n\n",
        record + record[:-1],
    ):
        path.write_bytes(text)
        assert len(sequence_files._plain_fastq(path)) == text.count(b"@a")
    for text in (
        b"",
        b"@a\nAC\nGT\n+\nIIII\n",  # wrapped
        record.replace(b"\n", b"\r"),
        b"@a\rNACGT\n+\nIIII\n",
        b"@a\nACGT\nACGT\nIIII\n",  # no +
        record + b"@b\n\n+\n\n",
        "@a\nAC\n+\né\n".encode(),
        b"\xef\xbb\xbf" + record,
        record.replace(b"T", b"U"),
        record + b"@b\nACGT\n+\nIII\n",
        record + b"@b\nACGT\n",
        gzip.compress(record * 99)[:-9],
    ):
        path.write_bytes(text)
        assert sequence_files._plain_fastq(path) is None
        assert outcome(path) == careful(path)
    path.write_bytes(b"<html>")
    assert outcome(path) == careful(path)
    assert outcome(path.with_name("missing")) == careful(path.with_name("missing"))


def test_a_real_file_is_plain(real):
    path = real / "selex/mubind/GATA3_TGTCGT20NGA_AC_2.fastq.gz"
    assert sequence_files._plain_fastq(path) is not None
    assert outcome(path) == careful(path)


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ("r/1", "r/2", True),
        ("r/1 x", "r/2 x", True),
        ("r 1:N:0:AC", "r 2:Y:0:AC", True),
        ("ERR1.1 M:5:1/1", "ERR1.1 M:5:1/2", True),
        ("r/1", "s/1", False),
        ("r 1:N:0:AC", "s 1:N:0:AC", False),
        ("r/12", "r/2", False),
        ("r 1:X:0", "r 2:X:0", False),
    ],
)
def test_mates_are_seen_on_both_roads(tmp_path, first, second, refused):
    text = "".join(f"@{name}\n{{}}\n+\nIIIIIIII\n" for name in (first, second))
    for road, sequence in {"plain": "ACGTACGT", "careful": "RCGTACGT"}.items():
        (tmp_path / "a.fastq").write_text(text.format(sequence, sequence))
        if refused:
            with pytest.raises(InputError, match=r"record 2 .*mates 1 and 2 in one file"):
                sequence_files.read_fastq(tmp_path / "a.fastq")
        else:
            assert len(sequence_files.read_fastq(tmp_path / "a.fastq")) == 2, road
