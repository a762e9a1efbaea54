import gzip

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import probe_tables
from tfbind.io.tally import Tally

A, C, G = "ACGTACGTAA", "CCGTTCGTAC", "GGGTACTTAA"
IBIS = (
    "#id_spot\trow\tcol\tcontrol\tid_probe\tpbm_sequence\tlinker_sequence\tmean_signal_intensity\t"
    "mean_background_intensity\tflag\n"
)
ALLDATA = (
    "Column\tRow\tName\tID\tSequence\tAlexa488\tAlexa488Flags\tCy3\tCy3Flags\tCy3Exp\tObs/Exp\tAlexa488Norm\t"
    "Alexa488Median\tAlexa488Adjusted\n"
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="f"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name

    return write


def faults(reader, path):
    with pytest.raises(InputError) as error:
        reader(path)
    return [fault.removeprefix(f"{path}") for fault in error.value.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{A}\t12.5\t3\n{C}\t7\t1e1\n", {"signal": [12.5, 7], "background": [3, 10]}),  # DREAM5
        (f"{A}\t12.5\t\n{C}\t7\t\n", {"signal": [12.5, 7]}),  # a tab at the end
        (f"{A}\t12.5\t\n{C}\t7\t2\n", {"signal": [12.5, 7], "background": [np.nan, 2]}),
        (f"12.5\t{A}\n7\t{C}\n", {"signal": [12.5, 7]}),  # UniPROBE
        (f"{A}\t3.25\r\n{C}\t3.5\r\n", {"signal": [3.25, 3.5]}),  # gcPBM
        (f"\ufeff{A},3.25\n\n{C},3.5", {"signal": [3.25, 3.5]}),
        (f"signal,note,Probe Sequence\n1,x,{A}\n-2,y,{C}\n", {"signal": [1, -2]}),
        (f'"sequence","signal"\n"{A}","1"\n"{C}","2"\n', {"signal": [1, 2]}),
        (f'"spot, name",sequence,signal\n"a, 1",{A},1\n"a, 2",{C},2\n', {"signal": [1, 2]}),  # as Excel quotes
        (
            IBIS + f"1\t1\t3\t0\tp1\t{A}\tGTCTG\t10\t\t0\n2\t1\t4\t0\tp2\t{C}\tGTCTG\t20\t\t1\n",
            {"signal": [10, 20], "bad": [False, True], "row": [1, 1], "column": [3, 4]},
        ),
        (
            IBIS + f"1\t1\t3\tFALSE\tp1\t{A}\tGTCTG\t10\t2\tFALSE\n2\t1\t4\tFALSE\tp2\t{C}\tGTCTG\t20\t\tTRUE\n",
            {"signal": [10, 20], "background": [2, np.nan], "bad": [False, True], "row": [1, 1], "column": [3, 4]},
        ),
        (  # of two signals the adjusted one, whose spatial trend is out already
            ALLDATA
            + f"1\t1\tn\tdBr1\t{A}\t5\t0\t1\t0\t1\t1\t1\t1\t50\n1\t2\tn\tdBr2\t{C}\t6\t-100\t1\t0\t1\t1\t1\t1\t60\n",
            {"signal": [50, 60], "bad": [False, True]},
        ),
        (
            f"# DREAM5\nTF_Id\tArrayType\tSequence\tSignal_Median\tSignal_Mean\tBackground_Mean\tFlag\n"
            f"TF_1\tHK\t{A}\t1\t2\t3\t0\nTF_1\tHK\t{C}\t4\t5\t6\t0\n",
            {"signal": [2, 5], "background": [3, 6], "bad": [False, False]},
        ),
    ],
)
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_forms(write, text, expected, pack):
    tally = Tally()
    found = probe_tables.read_probes(write(pack(text)), tally)
    pd.testing.assert_frame_equal(
        found, pd.DataFrame({"sequence": [A, C], **expected}).astype({"signal": float}), check_dtype=False
    )
    assert tally.rows == [("read", "probes", 2), ("read as", f"columns {', '.join(found)}", 2)]


def test_what_is_dropped_is_counted(write):
    tally = Tally()
    rows = [f"1\t1\t0\t{A}\t10", f"1\t2\t1\t{C}\t10", "1\t3\t0\t\t10", f"1\t4\t0\t{C}\tNA", f"1\t5\t0\tnan\t{10}"]
    found = probe_tables.read_probes(write("row\tcol\tcontrol\tsequence\tsignal\n" + "\n".join(rows)), tally)
    assert found.to_dict("list") == {"sequence": [A], "signal": [10], "row": [1], "column": [1]}
    assert tally.rows == [
        ("read", "probes", 5),
        ("dropped", "spot without a sequence", 2),
        ("dropped", "spot without a signal", 1),
        ("dropped", "control spot", 1),
        ("read as", "columns sequence, signal, row, column", 1),
    ]


@pytest.mark.parametrize("word", ["", "NA", "NaN", "#N/A", "-", ".", "null"])
def test_words_for_a_missing_signal(write, word):
    tally = Tally()
    found = probe_tables.read_probes(write(f"{C}\t1\t5\n{A}\t{word}\t5\n"), tally)
    assert found["sequence"].tolist() == [C] and ("dropped", "spot without a signal", 1) in tally.rows


def test_letters_are_changed_and_counted(write):
    tally = Tally()
    found = probe_tables.read_probes(write("acgu\t1\nRYGT\t2\n"), tally)
    assert found["sequence"].tolist() == ["ACGT", "NNGT"]
    assert tally.rows[:2] == [("changed", "U read as T", 1), ("changed", "IUPAC letters read as N", 1)]


@pytest.mark.parametrize("fast", [True, False])
def test_flags(write, fast, monkeypatch):
    good, bad = (
        ["0", "0.0", "100", "FALSE", "no", "NA", "good", "G", "ok", "-"],
        ["1", "-100", "-75", "-50", "2", "0.5", "1e400", "True", "Y", "bad", "B", "flagged", "x"],
    )
    text = "sequence\tsignal\tflag\n" + "".join(f"{A}\t1\t{flag}\n" for flag in good + bad)
    monkeypatch.setattr(probe_tables, *(("_slow", None) if fast else ("_plain", lambda *_: None)))
    assert probe_tables.read_probes(write(text))["bad"].tolist() == [False] * len(good) + [True] * len(bad)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", [": 0 probes in this file; check that the right file is named"]),
        ("# nothing\n", [": 0 probes in this file; check that the right file is named"]),
        ("sequence\tsignal\n", [": 0 probes in this file; check that the right file is named"]),
        (
            f"{A} 12\n",
            [
                ":1: no column of the sequence and signal among '"
                + A
                + " 12'; columns are separated by tabs or commas, and"
            ],
        ),
        (f"{A}\t1\tx\n", [":1: 2 columns of text and 1 of numbers, and no header"]),
        (f"0\t{A}\t1\n1\t{C}\t2\n", [":1: a number stands before the sequence and another one beside it; without a"]),
        (f"ATF\t1.0\nsequence\tsignal\n{A}\t1\n", [":1: 'ATF' is no sequence; where other lines stand above the h"]),
        (f"{A}\t1\t2\t3\n", [":1: 1 columns of text and 3 of numbers, and no header"]),
        (
            "AAAAAAAC\tGTTTTTTT\t0.1\t5\t1\n",
            [":1: this is a table of words and their scores; give its format as words"],
        ),
        (
            "8-mer\t8-mer\tE-score\tMedian\nAAAAAAAC\tGTTTTTTT\t0.1\t5\n",
            [":1: this is a table of words and their scores; give its format as words"],
        ),
        (
            f"probe\tvalue\n{A}\t1\n",
            [":1: no column of the sequence and signal among 'probe', 'value'; call them sequence"],
        ),
        (f"{A}\t266,6\n", [":1: '266,6' is not a number; decimals follow a point"]),
        (f'sequence,signal\n{A},"1,234.5"\n', [":2: signal '1,234.5' is not a number; decimals follow a point"]),
        (f"row\tsequence\tsignal\nB\t{A}\t1\n", [":2: row 'B' is not a whole number; call the column something else"]),
        (f"sequence\tvalue\n{A}\t1\n", [":1: no column of the signal among"]),
        (f"sequence\tsignal\tsignal\n{A}\t1\t2\n", [":1: two columns are called 'signal'; delete one"]),
        (
            f"{A}\t1\n{C}\n{C}\t1,5\n{C}\tinf\nACGE\t4\n{C}\t1e999\n{C}\t1_0\n",
            [
                ":2: 1 columns where the first line has 2",
                ":3: signal '1,5' is not a number; decimals follow a point",
                ":4: signal 'inf' is not a number",
                ":6: signal '1e999' is not a number",
                ":7: signal '1_0' is not a number",
                ":5: 'E' is not a letter of DNA",
            ],
        ),
        (
            f"sequence\tsignal\tflag\trow\tcol\n{A}\t1\tmaybe\t-1\t2\n",
            [":2: 'maybe' is not a flag; write 0 for a good spot", ":2: row '-1' is not a whole number"],
        ),
        (
            f"TF_Id\tsequence\tsignal\nTF_1\t{A}\t1\nTF_2\t{A}\t2\nTF_2\t{C}\t2\n",
            [":3: TF_Id is 'TF_2', and 'TF_1' in the first row; a table holds one experiment on one array"],
        ),
        (
            f"sequence\tsignal\n{A}\tNA\n\t1\n",
            [": no probe with a sequence and a signal is left; check that the right"],
        ),
    ],
)
def test_faults_are_told_all_at_once(write, text, said):
    found = faults(probe_tables.read_probes, write(text))
    assert len(found) == len(said) and all(f.startswith(s) for f, s in zip(found, said, strict=True)), found


def test_a_damaged_gzip_says_how_far_it_can_be_read(write, rng):
    rows = "".join(f"{''.join(rng.choice(list('ACGT'), 35))}\t{rng.random()}\n" for _ in range(2000))
    (said,) = faults(probe_tables.read_probes, write(gzip.compress(rows.encode())[:-2000]))
    assert "ends early or is damaged; download it again (it breaks off after 1" in said


@pytest.mark.parametrize("seed", range(40))
def test_fast_and_slow_readers_agree_on_random_tables(write, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    count, names = int(rng.integers(1, 60)), ["sequence", "signal", "background", "flag", "row", "col", "note"]
    rng.shuffle(names)
    names = [name for name in names if name in ("sequence", "signal") or rng.random() < 0.6]
    make = {
        "sequence": lambda: "".join(rng.choice(list("ACGT" if rng.random() < 0.95 else "ACGTN"), rng.integers(4, 12))),
        "signal": lambda: f"{rng.normal(0, 10.0 ** rng.integers(-3, 6)):{rng.choice(['.3f', '.6g', '.2e', ''])}}",
        "background": lambda: f"{rng.random():.4g}" if rng.random() < 0.99 else "",
        "flag": lambda: rng.choice(["0", "1", "-100", "FALSE"]),
        "row": lambda: str(rng.integers(1, 999)),
        "col": lambda: str(rng.integers(1, 999)),
        "note": lambda: rng.choice(["", "x", 'a"b', "é"]),
    }
    rows = [[make[name]() for name in names] for _ in range(count)]
    end = rng.choice(["\n", "\r\n"])
    path = write(end.join("\t".join(row) for row in [names, *rows]) + (end if rng.random() < 0.5 else ""))
    found, tally = probe_tables.read_probes(path), Tally()
    monkeypatch.setattr(probe_tables, "_plain", lambda *_: None)
    again = probe_tables.read_probes(path, tally)
    pd.testing.assert_frame_equal(found, again)
    column = dict(zip(names, zip(*rows, strict=True), strict=True))
    assert found["sequence"].tolist() == list(column["sequence"])
    assert found["signal"].tolist() == list(map(float, column["signal"]))
    if "flag" in names:
        assert found["bad"].tolist() == [flag in ("1", "-100") for flag in column["flag"]]
    assert ("row" in found) == ({"row", "col"} <= set(names))


WORDS = "AAAAAAAC\tGTTTTTTT\t0.49\t100.5\t3.25\nA.TTCCGGT\tACCGGAA.T\t0.48\t90\t3\nAAAAAAAG\tCTTTTTTT\t-0.1\t50\t-1\n"


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("", WORDS),
        ("8-mer\t8-mer\tE-score\tMedian\tZ-score\n", WORDS),
        (
            "8-mer\t8-mer reverse complement\tenrichment score\tmedian intensity\tzscore\tp of the enrichment\tQ\n",
            WORDS.replace("\n", "\t0.5\t0.6\n"),
        ),
        ("", "".join("\t".join(line.split("\t")[:3]) + "\n" for line in WORDS.splitlines())),  # of two arrays combined
    ],
)
def test_words(write, header, rows):
    """The first row of a table without a header is a word: in the tables of top words it is the best one."""
    tally = Tally()
    found = probe_tables.read_words(write(header + rows), tally)
    assert found["word"].tolist() == ["AAAAAAAC", "AAAAAAAG"] and found["escore"].tolist() == [0.49, -0.1]
    scores = found[["median", "zscore"]].to_numpy().tolist()
    assert scores == [[100.5, 3.25], [50, -1]] if rows.count("\t") > 6 else found["median"].isna().all()
    lacks = (
        "2 of 32896 words of 8 bp are in the table, those of E-score -0.1 or more; it is not known whether the others"
    )
    assert found.attrs["lacks"] == f"{lacks} are negatives"
    assert tally.rows == [
        ("read", "words", 3),
        ("dropped", "gapped word: only words without gaps are read", 1),
        ("noted", f"{lacks} are negatives", 32894),
    ]


@pytest.mark.parametrize("size", [4, 5])
def test_a_table_of_all_words_lacks_none(write, size, rng):
    letters = np.stack(np.meshgrid(*[np.arange(4)] * size, indexing="ij"), -1).reshape(-1, size).astype(np.uint8)
    words = [word for word in dna.decode(letters) if word == dna.canonical(word)]
    line = "{0}\t{1}\t{2:.3f}\n".format
    text = "".join(line(word, dna.reverse_complement_text(word), rng.random() - 0.5) for word in words)
    assert probe_tables.read_words(write(text)).attrs["lacks"] == ""
    assert probe_tables.read_words(write(text.split("\n", 1)[1])).attrs["lacks"].startswith(f"{len(words) - 1} of")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", [": 0 words without a gap in this file"]),
        ("A.TTCCGGT\tACCGGAA.T\t0.48\n", [": 0 words without a gap in this file"]),
        (f"{A}\t12\n", [":1: 2 column(s); word, reverse complement and E-score are separated by tabs"]),
        ("8-mer\t8-mer\tscore\nAAAA\tTTTT\t0\n", [":1: no column of the E-score among '8-mer', '8-mer', 'score'"]),
        (
            "AAAA\tTTTT\t0.1\nAAAC\tGTTA\t0.1\nAAAC\tGTTT\t0.6\nAAAG\tCTTT\nAAXG\tCTTT\t0\nAAAG\tCTTT\tx\n",
            [
                ":2: 'GTTA' is not the reverse complement of AAAC",
                ":3: E-score 0.6 is not within -0.5 to 0.5",
                ":4: 2 columns where the first line has 3",
                ":5: 'AAXG' is not a word of A, C, G, T and gaps (.)",
                ":6: escore 'x' is not a number",
            ],
        ),
        ("AAAA\tTTTT\t0.1\nAAAAC\tGTTTT\t0.1\n", [": words of several lengths (4 bp in "]),
    ],
)
def test_faults_of_words(write, text, said):
    found = faults(probe_tables.read_words, write(text))
    assert len(found) == len(said) and all(f.startswith(s) for f, s in zip(found, said, strict=True)), found


REAL = {
    **{f"dream5/{tf}_{design}": 3 for tf in ("Cebpb", "Esr1", "Junb", "Sp1", "Tcf3") for design in ("ME", "HK")},
    **{"uniprobe/GATA4_combinatorial": 2, "gcpbm/Max": 2, "gcpbm/Myc": 2},
}


@pytest.mark.parametrize("name", REAL)
def test_real_probes_are_read_fast_and_are_those_of_the_file(real, name, monkeypatch):
    monkeypatch.delattr(probe_tables, "_slow")
    path = real / "pbm" / f"{name}.txt.gz"
    with gzip.open(path, "rt") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    places = (1, 0) if name.startswith("uni") else (0, 1, 2)
    tally = Tally()
    found = probe_tables.read_probes(path, tally)
    assert found.shape == (len(rows), REAL[name]) and not tally.total("dropped")
    assert found["sequence"].tolist() == [row[places[0]] for row in rows]
    for column, place in zip(found.columns[1:], places[1:], strict=False):
        assert found[column].tolist() == [float(row[place]) for row in rows]


@pytest.mark.parametrize(
    ("name", "count", "gapped", "best"),
    [
        ("GATA4_8mers", 32896, 0, ""),
        ("CEBPA_8mers", 32896, 0, ""),
        ("CEBPB_8mers", 32896, 0, ""),
        ("Elk1_top_8mers", 1464, 50408, "ACCGGAAG"),
        ("Ets1_top_8mers", 1216, 42193, "ACCGGAAG"),
        ("Gabpa_top_8mers", 744, 22893, "ACCGGAAG"),
    ],
)
def test_real_words(real, name, count, gapped, best):
    tally = Tally()
    found = probe_tables.read_words(real / "pbm" / "uniprobe" / f"{name}.txt.gz", tally)
    assert len(found) == count and tally.total("dropped") == gapped
    assert bool(found.attrs["lacks"]) == ("top" in name)
    if "top" in name:
        assert found["word"][found["escore"].idxmax()] == best == found["word"][0], "the first row is no header"
