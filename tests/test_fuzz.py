"""Damaged files: every reader gives a table that accounts for each record, or a fault in words; nothing else.

`TFBIND_FUZZ=20000 pytest tests/test_fuzz.py` tries that many files of each format, at random.
"""

import gzip
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfbind import seeding
from tfbind.assays import PLACED
from tfbind.dna import decode
from tfbind.errors import InputError, NotEstimable
from tfbind.io import peaks, probe_tables, sequence_files
from tfbind.io.genome import Genome, index
from tfbind.io.tally import Tally
from tfbind.sequences import positives as of_row
from tfbind.study import config, schema

TRIES = int(os.environ.get("TFBIND_FUZZ", 0))
given_files = settings(
    max_examples=TRIES or 60,
    derandomize=not TRIES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

READ = "ACGTTGCAACCGGATTACAG"
#: A small sound file of each format.
SOUND = {
    "narrowpeak": "track name=x\n"
    + "".join(f"chr1\t{s}\t{s + 40}\t.\t0\t.\t{s / 7:.2f}\t-1\t-1\t{s % 40}\n" for s in range(300, 900, 150)),
    "bed": "# x\nchr1\t300\t340\nchr2\t500\t640\tname\t7\t+\n\nchr1\t700\t720\n",
    "fasta": f">chr1:10-30\n{READ}\n>b two\nACGTTGCA\nTTGACCA\n;c\n>d\nacgun\n",
    "fastq": f"@a\n{READ}\n+\n{'I' * 20}\n@b/1\nACGT\nNA\n+b\n@+IIII\n@c\n{READ[::-1]}\n+\n{'#' * 20}\n",
    "labelled": f"sequence\tlabel\n{READ}\t1\n{READ[::-1]}\t0\nACGTRYNU\t1\n",
    "deepbind": f"FoldID\tEventID\tseq\tBound\nA\te1\t{READ}\t1\nB\te2\t{READ[::-1]}\t0\n",
    "counts": f"seq\tcycle_0\tcycle_2\n{READ}\t3\t0\n{READ[::-1]}\t0\t7\nACGTTGCAACCGGATTACAT\t1\t1\n",
    "probes": "# x\nrow\tcol\tSequence\tSignal_Mean\tBackground_Mean\tFlag\n"
    f"1\t1\t{READ}\t60.5\t3\t0\n1\t2\t{READ[::-1]}\t1e2\t\t1\n"
    f"2\t1\tACGTTGCAACCGGATTACAT\t900\t5\t0\n2\t2\t{READ[3:] + READ[:3]}\t70\t4\tFALSE\n",
    "ranked": f"900.5\t{READ}\n70\t{READ[::-1]}\n60\tACGTTGCAACCGGATTACAT\n55.5\t{READ[3:] + READ[:3]}\n",
    "words": "8-mer\t8-mer\tE-score\tMedian\tZ-score\nAAAC\tGTTT\t0.49\t100\t3\nA.TC\tGA.T\t0.48\t\t\n"
    "AAAG\tCTTT\t-0.1\t5\t-1\n",
    "genome": f">chr1 a\n{READ}\n{READ}\nACGT\n>chr2\nNNNNACGT\n",
    "sheet": "dataset\ttf\tassay\tpath\tgenome\tcycle\nA\tUSF1\tchipseq\ta.bed\tg\t\nB\tUSF1\thtselex\ta.fq\t\t3\n\n",
    "config": "datasets: sheet.tsv\ngenomes:\n  g: {fasta: g.fa, chromosomes: {1: chr1}}\nnegatives:\n  n: {kind: "
    "[genomic, pairs], ratio: 2}\nmodels:\n  m: {kind: deepbind}\n  s: {trained_as: m, reading: scan}\n"
    "training: {learning_rate: 1e-3}\nseeds: [0, 1]\ntransfer: {extra_pairs: [[A, B]]}\n",
}
TOKENS = [
    *("", "-1", "0", "1", "nan", "inf", "1e400", "1_0", "-", ".", "+", "9" * 25, "9" * 5000, "N" * 60),
    *("U", "ß", "é", "٣"),
    *(">", "@", ";", "#", "track", "\t", " ", "\n", "\r", "\r\n", "\0", '"', "'", "\ufeff", "\x0b", "\x85", "\u2028"),
    *("chr1", "chr9", "../x", "https://[", "{", "[", "]", ": ", "&a ", "*a", "!!python/name:os ", "? ", "~"),
    *("1e3", "<", "R3b", "/2", " 2:N:", "__proto__", "(" * 300, "{[" * 400, "2024-99-99"),
    *("0x1F", "no", "\x1b[31m", "\ud7ff"),
]  # fmt: skip


@st.composite
def damaged(draw, form):
    """Bytes of a sound file after a few accidents."""
    data = SOUND[form].encode()
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 8, 40])))
        new = draw(
            st.one_of(st.sampled_from(TOKENS).map(str.encode), st.binary(max_size=4), st.just(data[end : end + 30]))
        )
        data = data[:start] + new + data[end:]
    accident = draw(st.sampled_from(["none"] * 6 + ["lines", "cut", "crlf", "gzip", "half gzip", "bad gzip"]))
    if accident == "lines":
        lines = data.splitlines(keepends=True)
        data = b"".join(draw(st.permutations(lines + lines[:2])))
    elif accident == "cut":
        data = data[: draw(st.integers(0, len(data)))]
    elif accident == "crlf":
        data = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")
    elif accident != "none":
        data = gzip.compress(data, mtime=0)
        at = draw(st.integers(0, len(data) - 1))
        if accident == "half gzip":
            data = data[:at]
        elif accident == "bad gzip":
            data = data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]
    return data


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        for file in ("a.bed", "a.fq", "g.fa"):
            (Path(name) / file).write_text("x")
        yield Path(name)


def text_of(data: bytes) -> list[str]:
    """The lines that a reader should see, by the plainest means."""
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return [line.rstrip("\0") for line in text.split("\n")]


def in_words(error):
    """A fault is text with at least a word in it, never an empty line."""
    assert error.faults and all(fault.strip() for fault in error.faults)


@pytest.mark.parametrize("form", ["narrowpeak", "bed"])
@given_files
@given(data=st.data())
def test_peaks(folder, form, data):
    content = data.draw(damaged(form))
    (folder / "f").write_bytes(content)
    tally = Tally()
    try:
        table = peaks.read_peaks(folder / "f", form, tally)
    except InputError as error:
        return in_words(error)
    skipped = ("track", "browser")
    lines = [x for x in text_of(content) if x.strip() and not x.startswith("#") and x.split(None, 1)[0] not in skipped]
    assert len(table) == len(lines) == tally.total("read")
    assert ((table["start"] >= 0) & (table["start"] <= table["summit"]) & (table["summit"] < table["end"])).all()


@pytest.mark.parametrize("form", ["fasta", "fastq", "labelled", "deepbind", "counts"])
@given_files
@given(data=st.data())
def test_reads(folder, form, data):
    content = data.draw(damaged(form))
    (folder / "f").write_bytes(content)
    tally = Tally()
    try:
        table = getattr(sequence_files, f"read_{form}")(folder / "f", tally)
    except InputError as error:
        return in_words(error)
    lines = [line for line in text_of(content) if line.strip()]
    assert len(table) == tally.total("read") > 0
    assert set("".join(table["sequence"])) <= set("ACGTN") and table["sequence"].str.len().gt(0).all()
    if form == "fasta":
        assert len(table) == sum(line.startswith(">") for line in lines)
    elif form != "fastq":
        header = len(lines) - len(table)
        assert header in ((1,) if form == "deepbind" else (0, 1))
        assert not header or set(re.sub("[\t,]", "", lines[0]).upper()) - set("ACGTUNRYSWKMBDHV")


@pytest.mark.parametrize("form", ["probes", "ranked", "words"])
@given_files
@given(data=st.data())
def test_arrays(folder, form, data):
    """Lines are a header, comments before it, and rows; the fast reader finds what the slow one does."""
    content = data.draw(damaged(form))
    (folder / "f").write_bytes(content)
    tally = Tally()
    reader = probe_tables.read_words if form == "words" else probe_tables.read_probes
    try:
        table = reader(folder / "f", tally)
    except InputError as error:
        in_words(error)
        if form != "words":
            with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError, match=re.escape(str(error))):
                patch.setattr(probe_tables, "_plain", lambda *_: None)
                reader(folder / "f")
        return
    lines = [line for line in text_of(content) if line.strip()]
    assert len(table) == tally.total("read") - tally.total("dropped") > 0
    assert len(lines) - sum(line.startswith("#") for line in lines) - tally.total("read") in (-1, 0, 1)
    if form == "words":
        assert table["escore"].abs().le(0.5).all() and set("".join(table["word"])) <= set("ACGT")
        return
    assert np.isfinite(table["signal"]).all() and set("".join(table["sequence"])) <= set("ACGTN")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe_tables, "_plain", lambda *_: None)
        pd.testing.assert_frame_equal(reader(folder / "f"), table)


@given_files
@given(content=damaged("genome"))
def test_genome(folder, content):
    (folder / "f").write_bytes(content)
    try:
        index(folder / "f", folder / "out.fa")
    except InputError as error:
        return in_words(error)
    records: dict[str, str] = {}
    for line in text_of(content):
        if line.startswith(">"):
            name = line[1:].split()[0]
            records[name] = ""
        elif line.strip():
            records[name] += line
    genome = Genome(folder / "out.fa")
    assert genome.lengths == {name: len(text) for name, text in records.items()}
    for name, text in records.items():
        plain = "".join(x if x in "ACGT" else "N" for x in text.upper().replace("U", "T"))
        assert decode(genome.tokens(name)[None], [len(plain)]) == [plain]


@given_files
@given(sheet=damaged("sheet"), text=damaged("config"))
def test_study(folder, sheet, text):
    (folder / "sheet.tsv").write_bytes(sheet)
    (folder / "config.yaml").write_bytes(text)
    try:
        study = config.load(folder / "config.yaml")
    except InputError as error:
        return in_words(error)
    study.downloads()
    for name, row in study.datasets.items():
        study.row(name), study.checksums(name), study.targets(name)
        for label in study.labels(name):
            assert "/" not in label and study.kinds(label, row["assay"])
        for model in study.models(row["tf"]):
            assert "/" not in model and ("kind" not in study.config["models"][model] or study.options(model, name))
        assert "/" not in name + row["tf"] and row["format"]


@pytest.fixture(scope="module")
def tiny(folder):
    sequence = (READ + READ[::-1] + "TTGAC") * 40
    (folder / "tiny.src").write_text(f">chr1\n{sequence}\n>chr2\n{sequence[7:]}\n")
    index(folder / "tiny.src", folder / "tiny.fa")
    return Genome(folder / "tiny.fa")


@pytest.mark.parametrize(
    ("assay", "form"),
    [("chipseq", x) for x in ("narrowpeak", "bed", "fasta", "labelled", "deepbind")]
    + [("htselex", x) for x in ("fastq", "fasta", "labelled", "counts")]
    + [("pbm", x) for x in ("probes", "ranked", "words")],
)
@given_files
@given(data=st.data())
def test_rows_read_are_rows_kept_and_dropped(folder, tiny, assay, form, data):
    content = data.draw(damaged(form))
    (folder / "f").write_bytes(content)
    row = dict.fromkeys(schema.schema("datasets")["properties"], "")
    row |= {"dataset": "d", "assay": assay, "format": form, "path": str(folder / "f"), "tf": "X"}
    row["format"] = "probes" if form == "ranked" else form
    split = {"validation": [], "test": ["chr2"], "validation_fraction": 0.1, "test_fraction": 0.2}
    options = {"length": 21, "split": split, "rng": seeding.generator("fuzz")}
    options["genome"] = tiny if form in PLACED else None
    for make in (of_row.positives, lambda *a, **o: of_row.unbound(*a[:1], "provided", **o)):
        try:
            table, tally = make(row, limit=100, **options)
        except (InputError, NotEstimable) as error:
            assert str(error).strip()
            continue
        assert tally.total("read") == tally.total("kept") + tally.total("dropped"), tally.rows
        assert len(table) == tally.total("kept")
        if form in ("fasta", "labelled", "deepbind") and len(table):
            assert len(table) <= sum(bool(x.strip()) for x in text_of(content))
