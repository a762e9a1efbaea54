import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfbind.errors import InputError, ResourceError
from tfbind.io import intervals
from tfbind.io.chromosomes import named
from tfbind.io.genome import Genome
from tfbind.io.peaks import read_peaks
from tfbind.io.tally import Tally
from tfbind.sequences import chip_windows


def narrow(chrom, start, end, offset, signal=5.0):
    return f"{chrom}\t{start}\t{end}\t.\t0\t.\t{signal}\t-1\t-1\t{offset}\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="peaks.bed"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name

    return write


def table(rows):
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "summit", "score"])


def test_narrowpeak(write):
    tally = Tally()
    path = write(narrow("chr1", 100, 200, 30, 7.5) + narrow("chr2", 10, 21, -1) + narrow("chr2", 10, 20, 10))
    peaks = read_peaks(path, "narrowpeak", tally)
    assert peaks.to_numpy().tolist() == [["chr1", 100, 200, 130, 7.5], ["chr2", 10, 21, 15, 5], ["chr2", 10, 20, 15, 5]]
    assert tally.rows == [
        ("read", "peaks", 3),
        ("changed", "no summit in the file: midpoint taken", 1),
        ("changed", "summit outside its peak: midpoint taken", 1),
    ]


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_bed_of_every_width_and_wrapping(write, pack, end):
    lines = [
        b"\xef\xbb\xbftrack name=x",
        b"browser position chr1:1-2",
        b"# comment",
        b"",
        b"chr1\t5\t6",
        b"chr1\t10\t21\tname with spaces\t.",
        b"track1\t10\t20\tn\t900\t-\t10\t20\t0\t1\t10,\t0,",
    ]
    peaks = read_peaks(write(pack(end.join(lines)), "x.txt"), "bed")
    assert peaks[["chrom", "start", "end", "summit"]].to_numpy().tolist() == [
        ["chr1", 5, 6, 5],
        ["chr1", 10, 21, 15],
        ["track1", 10, 20, 15],
    ]
    assert peaks["score"].isna().tolist() == [True, True, False]


def test_every_malformed_line_is_named(write):
    good = narrow("chr1", 1, 9, 0)
    bad = {
        2: good.replace("1\t9", "9\t1"),
        3: good.replace("1\t9", "-4\t9"),
        4: good.replace("1\t9", "1.5\t9"),
        5: good.replace("\t", " "),
        6: "chr1\t1\t9\n",
        7: good.replace("5.0", "nan"),
        8: narrow("chr1", 1, 9, -2),
        9: good.replace(".\t5.0", "x\t5.0"),
        10: good.replace("chr1", ""),
        11: "chrom\tstart\tend\tname\tscore\tstrand\tsignalValue\tpValue\tqValue\tpeak\n",
        12: good.replace("\n", "\tmore\n"),
    }
    with pytest.raises(InputError) as error:
        read_peaks(write(good + "".join(bad.values())), "narrowpeak")
    assert [int(f.split(":")[1]) for f in error.value.faults] == list(bad)
    assert "separated by spaces; separate the columns by tabs" in error.value.faults[3]


def test_many_malformed_lines_are_counted(write):
    with pytest.raises(InputError) as error:
        read_peaks(write("chr1\t5\t5\n" * 50), "bed")
    assert len(error.value.faults) == 21 and "30 more" in error.value.faults[-1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "0 peaks"),
        ("# a\ntrack x\n", "0 peaks"),
        ("<html>gone", "begins with"),
        (gzip.compress(b"chr1\t1\t2\n" * 9, mtime=0)[:-9], "early"),
    ],
)
def test_no_peaks(write, content, words):
    with pytest.raises(InputError, match=words):
        read_peaks(write(content, "peaks.bed.gz"), "bed")


def test_windows_are_centred_and_accounted_for(genome, chromosomes, write):
    tally = Tally()
    size = genome.lengths["chr2"]
    rows = [
        ["chr1", 10_000, 10_001, 10_000, 1.0],
        ["chr1", 10_080, 10_090, 10_085, 9.0],  # overlaps the first and is stronger
        ["chr1", 10_070, 10_100, 10_085, 3.0],  # the same window, weaker
        ["chr1", 20, 40, 30, 1.0],  # off the start
        ["chr2", size - 30, size, size - 20, 1.0],  # off the end
        ["chr1", 5_100, 5_200, 5_150, 1.0],  # N
        ["chr1", 20_000, 20_100, 20_050, 1.0],  # blacklist
        ["chr1", 20_101, 20_201, 20_151, 1.0],  # just beside the blacklisted base
        ["chr4", 700, 900, 777, np.nan],
    ]
    black = write("chr1\t20000\t20001\tHigh Signal\nchrUn\t1\t2\n" + "chr1\t20100\t20101\n", "black.bed")
    found = chip_windows.windows(table(rows), 101, genome, black, tally)
    assert found[["chrom", "start", "end"]].to_numpy().tolist() == [
        ["chr1", 10_035, 10_136],
        ["chr1", 20_101, 20_202],
        ["chr4", 727, 828],
    ]
    assert found["origin"].tolist()[0] == "chr1:10080-10090"
    assert [r.upper() for r in found["sequence"]] == [
        chromosomes[c][s:e].upper() for c, s, e in zip(found["chrom"], found["start"], found["end"], strict=True)
    ]
    assert dict((reason, n) for _, reason, n in tally.rows) == {
        "window beyond the end of the chromosome": 2,
        "same window as a stronger peak": 1,
        "region of the blacklist on a chromosome that the genome lacks (chrUn)": 1,
        "blacklist": 1,
        "more than 10 % unknown bases": 1,
        "overlaps a stronger window": 1,
    }


def test_an_even_window_has_its_summit_right_of_the_middle(genome):
    found = chip_windows.windows(table([["chr1", 500, 600, 550, 1.0]]), 100, genome, None, Tally())
    assert found[["start", "end"]].to_numpy().tolist() == [[500, 600]]


def test_chromosome_names_of_another_style(fasta):
    peaks = table([["1", 500, 600, 550, 1.0], ["2", 500, 600, 550, 1.0]])
    with pytest.raises(InputError, match=r"says 1, 2, the genome chr1, chr2, chr3; .*genomes\.<name>\.chromosomes"):
        chip_windows.windows(peaks, 101, Genome(fasta), None, Tally())
    found = chip_windows.windows(peaks, 101, Genome(fasta, {"1": "chr1", "2": "chr2"}), None, Tally())
    assert found["chrom"].tolist() == ["chr1", "chr2"]


def test_names_that_differ_by_chr_alone_are_told_the_word_for_it(fasta, write):
    peaks = table([["1", 500, 600, 550, 1.0]])
    with pytest.raises(InputError, match=r"chromosomes \(`chromosomes: chr` is enough"):
        chip_windows.windows(peaks, 101, Genome(fasta), None, Tally())
    with pytest.raises(InputError, match=r"chromosomes or name another genome"):
        chip_windows.windows(peaks.assign(chrom="NC_1"), 101, Genome(fasta), None, Tally())
    found = chip_windows.windows(peaks, 101, Genome(fasta, "chr"), write("1\t90\t99\n", "black.bed"), Tally())
    assert found["chrom"].tolist() == ["chr1"]


def test_peaks_of_several_files_are_named_by_all_of_them(genome, write):
    files = [write(narrow("chr1", 5, 9, 1), "a.narrowPeak"), write(narrow("chrA", 5, 9, 1), "b.narrowPeak")]
    both = intervals.together([read_peaks(path, "narrowpeak") for path in files])
    with pytest.raises(InputError, match=r"a\.narrowPeak, \S*b\.narrowPeak: 1 of 2 intervals"):
        named(both, genome, Tally())


def test_few_absent_chromosomes_are_dropped(genome):
    rows = [["chr1", 6_000 + 200 * i, 6_100 + 200 * i, 6_050 + 200 * i, 1.0] for i in range(19)]
    tally = Tally()
    absent = ["chrUn_x", 5, 9, 7, 1.0]
    assert len(chip_windows.windows(table([*rows, absent]), 101, genome, None, tally)) == 19
    assert tally.rows == [("dropped", "chromosome absent from the genome", 1)]
    with pytest.raises(InputError, match="2 of 21 intervals lie on chromosomes"):
        chip_windows.windows(table([*rows, absent, absent]), 101, genome, None, Tally())


def test_peaks_beyond_the_end_point_to_another_build(genome):
    rows = [["chr1", 6_000 + 200 * i, 6_100 + 200 * i, 6_050 + 200 * i, 1.0] for i in range(100)]
    beyond = ["chr4", 29_990, 30_001, 29_995, 1.0]
    tally = Tally()
    assert len(chip_windows.windows(table([*rows, beyond]), 101, genome, None, tally)) == 100
    assert tally.rows == [("dropped", "peak ends beyond the chromosome", 1)]
    with pytest.raises(InputError, match=r"2 of 102 peaks end beyond .*chr4:29990-30001.*another genome build"):
        chip_windows.windows(table([*rows, beyond, beyond]), 101, genome, None, Tally())


def test_a_blacklist_in_another_style_is_refused(genome, write):
    with pytest.raises(InputError, match="names chrI, the genome"):
        chip_windows.windows(table([["chr1", 500, 600, 550, 1.0]]), 101, genome, write("chrI\t1\t9\n"), Tally())


spans = st.lists(
    st.tuples(st.sampled_from(["1", "chr2"]), st.integers(0, 60), st.integers(1, 15), st.integers(0, 4)), max_size=14
)


@settings(deadline=None, max_examples=25)
@given(spans, spans)
def test_overlaps_against_a_plain_loop(rows, others):
    one, two = (
        pd.DataFrame([(c, s, s + n, float(x)) for c, s, n, x in r], columns=["chrom", "start", "end", "score"])
        for r in (rows, others)
    )

    def meet(a, b):
        return a.chrom == b.chrom and a.start < b.end and b.start < a.end

    assert intervals.overlapping(one, two).tolist() == [
        any(meet(a, b) for b in two.itertuples()) for a in one.itertuples()
    ]
    kept = []
    for a in sorted(one.itertuples(), key=lambda a: (-a.score, a.start, a.end, a.Index)):
        if not any(meet(a, b) for b in kept):
            kept.append(a)
    assert np.flatnonzero(intervals.strongest(one)).tolist() == sorted(a.Index for a in kept)


def test_missing_bedtools_names_the_remedy(monkeypatch):
    monkeypatch.setenv("PATH", "")
    rows = pd.DataFrame({"chrom": ["1"], "start": [1], "end": [2], "score": [1.0]})
    with pytest.raises(ResourceError, match=r"apt-get install bedtools.*bioconda bedtools.*brew install bedtools"):
        intervals.strongest(rows)


def test_real_narrowpeaks(real):
    for path in sorted((real / "peaks" / "hg19").glob("*.narrowPeak.gz")):
        peaks = read_peaks(path, "narrowpeak")
        with gzip.open(path, "rt") as lines:
            assert len(peaks) == sum(1 for _ in lines)
        assert ((peaks["start"] <= peaks["summit"]) & (peaks["summit"] < peaks["end"])).all()


def hmmratac(chrom, start, end, offset, score, others=("0", "0", "0")):
    """As MACS3 hmmratac and bdgpeakcall write: the score in column 5, 0 in columns 7 to 9."""
    return "\t".join(map(str, (chrom, start, end, "MACS_peak", score, ".", *others, offset))) + "\n"


HMM = [("chr1", 1000, 1040, 20, 54), ("chr1", 1060, 1200, 30, 295), ("chr2", 3000, 3100, 50, 222)]


def test_where_signal_values_do_not_rank_column_5_does(write, genome):
    tally = Tally()
    path = write("".join(hmmratac(*row) for row in HMM))
    peaks = read_peaks(path, "narrowpeak", tally)
    assert peaks["score"].tolist() == [54, 295, 222]
    assert ("changed", "signalValue is 0 in every row: ranked by column 5 (score)", 3) in tally.rows
    windows = chip_windows.windows(peaks, 101, genome, None, tally)
    assert windows["origin"].tolist() == ["chr1:1060-1200", "chr2:3000-3100"]


@pytest.mark.parametrize(
    ("rows", "score", "said"),
    [
        (
            [("7", "2", "1", "9"), ("7", "2", "2", "9")],
            [1, 2],
            "signalValue is 2 in every row: ranked by column 8 (pValue)",
        ),
        ([("7", "-1", "1", "9"), ("7", "-1", "1", "8")], [9, 8], "-1 in every row: ranked by column 9 (qValue)"),
        ([("1", "0", "5", "5"), ("2", "3", "5", "5")], [0, 3], ""),
        ([("7", "2", "1", "9")], [2], ""),
        ([("7", "2", "1", "9")] * 2, [2, 2], "2 in every row, and no other column ranks"),
    ],
)
def test_the_column_that_ranks_is_said(write, rows, score, said):
    tally = Tally()
    lines = [hmmratac("chr1", 100 * i, 100 * i + 50, 9, row[0], row[1:]) for i, row in enumerate(rows)]
    assert read_peaks(write("".join(lines)), "narrowpeak", tally)["score"].tolist() == score
    words = [reason for _, reason, _ in tally.rows if "every row" in reason]
    assert len(words) == bool(said) and all(said in reason for reason in words)


def test_a_bed_whose_scores_are_all_one_says_so(write):
    tally = Tally()
    read_peaks(write("chr1\t1\t9\ta\t0\nchr1\t20\t30\tb\t0\n"), "bed", tally)
    assert ("noted", tally.rows[-1][1], 2) == tally.rows[-1] and "score is 0 in every row" in tally.rows[-1][1]
