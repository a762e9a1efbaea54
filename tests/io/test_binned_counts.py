"""Tables of read counts in bins: coordinates, columns by their names, the test, the peaks, faults."""

import gzip
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tfbind.errors import InputError, NotEstimable
from tfbind.io import binned_counts, peaks
from tfbind.io.tally import Tally

MAGIX = [
    *("chr", "start", "stop", "name"),
    *(f"YWE_B_AffSeq_H12_CTCF_cycle{c}" for c in (1, 2)),
    *(f"cycle_{c}_batches_YWE_B_aggregate" for c in (1, 2)),
    *(f"YWK_D_AffSeq_G9_CTCF_cycle{c}" for c in (1, 2)),
    *(f"cycle_{c}_batches_YWK_D_aggregate" for c in (1, 2)),
]


def read(path, **options):
    """The peaks of a table and the rows of its tally."""
    tally = Tally()
    return binned_counts.read_bins(path, **options, tally=tally), tally.rows


def simulated(bins=3000, planted=60, seed=0, columns=2):
    """Counts (bins, 1 + columns): a background, then cycles in which the planted bins are ten and twenty times up."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(2, 5, bins)
    site = np.zeros(bins, bool)
    site[rng.choice(bins - 2, planted, replace=False) + 1] = True
    counts = [rng.poisson(level), *(rng.poisson(level / 5 * np.where(site, 10 * c, 1)) for c in range(1, columns + 1))]
    return np.stack(counts, 1), site


def table(path, counts, header=None, width=200, chroms=("chr2", "chr1"), inclusive=False, first=0):
    """Write bins of equal width, half of them on each chromosome."""
    half = -(-len(counts) // len(chroms))
    lines = [] if header is None else ["\t".join(header)]
    for i, row in enumerate(counts):
        start = i % half * width + first
        lines.append("\t".join(map(str, (chroms[i // half], start, start + width - inclusive, *row))))
    path.write_text("\n".join(lines) + "\n")
    return path


def slow(counts, width=200, chroms=("chr2", "chr1")):
    """Peaks bin by bin: counts (bins, 2) of the background and of the cycle."""
    total = counts.sum(0)
    share = total[1] / total.sum()
    p_values = [float(stats.binom.sf(own - 1, own + other, share)) if own else 1.0 for other, own in counts]
    adjusted = stats.false_discovery_control(p_values)
    half = -(-len(counts) // len(chroms))
    found = []
    for i, (other, own) in enumerate(counts):
        ratio = (own + 1) / (other * total[1] / total[0] + 1)
        if adjusted[i] > binned_counts.LEVEL or ratio < binned_counts.FOLD:
            continue
        chrom, start = chroms[i // half], i % half * width
        if found and found[-1]["chrom"] == chrom and found[-1]["end"] == start:
            found[-1]["end"] = start + width
            if np.log2(ratio) > found[-1]["score"]:
                found[-1] |= {"summit": start + width // 2, "score": np.log2(ratio)}
        else:
            peak = {"chrom": chrom, "start": start, "end": start + width, "summit": start + width // 2}
            found.append(peak | {"score": np.log2(ratio)})
    return pd.DataFrame(found)


@pytest.mark.parametrize("seed", range(4))
def test_peaks_equal_those_of_a_loop_over_bins(tmp_path, seed):
    counts, _ = simulated(planted=300, seed=seed)  # many touch
    path = table(tmp_path / "a.tsv", counts)
    found, rows = read(path)
    expected = slow(counts[:, [0, 2]])
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    first, _ = read(path, cycle="1")
    pd.testing.assert_frame_equal(first, slow(counts[:, [0, 1]]), check_dtype=False)
    dropped = sum(count for event, _, count in rows if event == "dropped")
    assert ("read", "bins", 3000) in rows and 3000 - dropped == len(found)
    assert found.attrs["path"] == str(path)


def test_the_table_is_that_of_read_peaks(tmp_path):
    counts, _ = simulated()
    found, _ = read(table(tmp_path / "a.tsv", counts))
    (tmp_path / "a.bed").write_text("chr1\t10\t20\tp\t5\t+\n")
    same = peaks.read_peaks(tmp_path / "a.bed", "bed")
    assert list(found) == list(same) and (found.dtypes == same.dtypes).all()


def test_planted_bins_are_found_and_hardly_any_other(tmp_path):
    wrong = right = planted = 0
    for seed in range(10):
        counts, site = simulated(bins=5000, planted=100, seed=seed)
        found, _ = read(table(tmp_path / "a.tsv", counts, chroms=("chr1",)))
        hit = np.zeros(5000, bool)
        for start, end in zip(found["start"] // 200, found["end"] // 200, strict=True):
            hit[start:end] = True
        right, wrong, planted = right + (hit & site).sum(), wrong + (hit & ~site).sum(), planted + site.sum()
    assert right > 0.9 * planted and wrong <= 2 * binned_counts.LEVEL * (right + wrong)


def test_without_selection_nothing_is_enriched(tmp_path):
    alarms = 0
    for seed in range(20):
        counts, _ = simulated(bins=2000, planted=0, seed=seed)
        try:
            read(table(tmp_path / "a.tsv", counts))
            alarms += 1
        except NotEstimable as reason:
            assert "none of the 2000 bins of cycle 2 is enriched" in str(reason)
    assert alarms <= 1


COUNTS, _ = simulated(bins=400, planted=20)


@pytest.mark.parametrize(
    ("inclusive", "first", "said"),
    [(False, 0, "0-based half-open"), (True, 0, "last base, the start counts from 0"), (True, 1, "counts from 1")],
)
def test_coordinates_are_told_by_how_bins_follow_one_another(tmp_path, inclusive, first, said):
    expected, _ = read(table(tmp_path / "a.tsv", COUNTS))
    # a 1-based bin ends at the multiple of the width: start 1, end 200
    found, rows = read(table(tmp_path / "b.tsv", COUNTS, inclusive=inclusive, first=first))
    pd.testing.assert_frame_equal(found, expected)
    assert said in next(reason for event, reason, _ in rows if event == "read as")


def test_the_columns_of_magix_are_paired_by_batch(tmp_path):
    rng = np.random.default_rng(1)
    level = rng.gamma(2, 20, (1000, 2))
    site = np.zeros(1000, bool)
    site[::50] = True
    own = rng.poisson(level / 10 * np.where(site, 12, 1)[:, None])
    every = own + rng.poisson(level)
    names = [f"chr1:{i * 200}-{i * 200 + 199}" for i in range(1000)]
    columns = [names, *[own[:, 0]] * 2, *[every[:, 0]] * 2, *[own[:, 1]] * 2, *[every[:, 1]] * 2]
    path = table(tmp_path / "a.bed", list(zip(*columns, strict=True)), MAGIX, inclusive=True, chroms=("chr1",))
    found, rows = read(path, tf="CTCF")
    said = next(reason for event, reason, _ in rows if event == "read as")
    assert "YWE_B_AffSeq_H12_CTCF_cycle2 over cycle_2_batches_YWE_B_aggregate; YWK_D_AffSeq_G9_CTCF_cycle2 over" in said
    assert any("part of the aggregate: taken off" in reason for event, reason, _ in rows if event == "noted")
    total, background = own.sum(0), (every - own).sum(0)
    score = np.log2((own.sum(1) + 1) / (((every - own) * total / background).sum(1) + 1))
    np.testing.assert_allclose(found["score"], score[found["start"] // 200])
    assert set(np.flatnonzero(site) * 200 + 100) == set(found["summit"])
    # an aggregate that is below its experiment somewhere is another library's
    columns[4] = np.minimum(columns[4], columns[2] - 1).clip(0)
    _, rows = read(table(tmp_path / "b.bed", list(zip(*columns, strict=True)), MAGIX, chroms=("chr1",)), tf="CTCF")
    assert not any("YWE_B" in reason for event, reason, _ in rows if event == "noted")


def test_counts_of_mates_are_halved(tmp_path):
    own = COUNTS[:, [0, 2]]
    found, rows = read(table(tmp_path / "a.tsv", 2 * own))
    assert any("both mates of each pair" in reason for event, reason, _ in rows)
    pd.testing.assert_frame_equal(found, read(table(tmp_path / "b.tsv", own))[0])
    assert not any("mates" in reason for _, reason, _ in read(tmp_path / "b.tsv")[1])


@pytest.mark.parametrize(
    ("header", "options", "about"),
    [
        (["0", "1", "2"], {}, "2 over 0"),
        (["cycle_0", "cycle_1", "cycle_2"], {"cycle": "1"}, "cycle_1 over cycle_0"),
        (["R0", "R1", "R4"], {}, "R4 over R0"),
        (["input", "CTCF_1", "CTCF_2"], {"tf": "CTCF"}, "CTCF_2 over input"),
        (["control", "Cycle 3 MAX", "Cycle 3 CTCF"], {"tf": "CTCF"}, "Cycle 3 CTCF over control"),
        (["control", "cycle3_MAX_rep1", "cycle3_MAX_rep2"], {"tf": "MAX"}, "cycle3_MAX_rep1 + cycle3_MAX_rep2"),
        (["background", "gc", "MAX"], {"tf": "MAX"}, "MAX over background"),
        (["background_cycle3", "cycle0", "cycle3"], {}, "cycle3 over background_cycle3"),
        (["A1_cycle0", "A1_x_cycle1", "A1_y_cycle2"], {}, "A1_y_cycle2 over A1_cycle0"),
        (["0", "MAX_MYC_1", "MAX_1"], {"tf": "MAX::MYC"}, "MAX_MYC_1 over 0"),
    ],
)
def test_names_say_what_is_compared(tmp_path, header, options, about):
    path = table(tmp_path / "a.tsv", COUNTS, ["chrom", "start", "end", *header])
    _, rows = read(path, **options)
    assert next(reason for event, reason, _ in rows if event == "read as").startswith(about)


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        (["x", "y", "z"], {}, "no column is named for a cycle.*its columns are x, y, z"),
        (["1", "2", "3"], {}, "no column is the background of 3; name that of the unselected library cycle_0"),
        (["0", "1", "2"], {"cycle": "4"}, "no column is of cycle 4.*its columns are 0, 1, 2"),
        (["0", "1", "2"], {"cycle": "0"}, "cycle 0 is the unselected library"),
        (["0", "A_cycle2", "B_cycle2"], {"tf": "MAX"}, "A_cycle2, B_cycle2 are all of cycle 2, and none has MAX"),
        (["p_cycle0", "q_cycle0", "r_cycle1"], {}, "which of p_cycle0, q_cycle0 is the background of r_cycle1"),
        (["0", "1", "1"], {}, "column 1 occurs twice"),
    ],
)
def test_names_that_say_too_little_are_refused_with_all_columns(tmp_path, header, options, said):
    path = table(tmp_path / "a.tsv", COUNTS, ["chrom", "start", "end", *header])
    with pytest.raises(InputError, match=said) as error:
        read(path, **options)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chr1\t0\t200\t1\t2\nchr1\t200\t400\t1\n", ["a.tsv:2: 4 columns where the first line has 5"]),
        ("chr1\t0\t200\t1\t2\nchr1\t200\t200\t1\t2\n", ["a.tsv:2: start 200 is not below end 200"]),
        ("chr1\t0\t200\t1\t2\n\nchr1\tx\t400\t1\t2\n", ["a.tsv:3: start 'x' or end '400' is not a whole"]),
        ("chr1\t0\t200\t1\t2\nchr1\t200\t400\t1\t2.5\n", ["a.tsv:2: count '2.5' is not a whole number of reads"]),
        ("chr1\t0\t200\t1\t2\nchr1\t200\t400\t-1\t2\n", ["a.tsv:2: count '-1' is not a whole number"]),
        ("chr1\t0\t200\t1\t2\nchr1\t200\t400\tNA\tnan\n\t1\t9\t1\t2\n", [":2: count 'NA', 'nan' is no", ":3: no c"]),
        ("chr1\t0\t200\t1\t2\nchr1\t0\t200\t3\t2\n", ["1 bins occur twice, e.g. chr1:0-200"]),
        ("chr1\t0\t200\t0\t2\nchr1\t200\t400\t0\t2\n", ["no read in 0; correct or delete the column"]),
        ("", ["0 bins in this file"]),
        ("chrom\tstart\tend\t0\t1\n", ["0 bins in this file"]),
        ("chr1 0 200 1 2\n", ["a.tsv:1: 1 column(s); separate them by tabs"]),
        ("chr1,0,200,1,2\n", ["a.tsv:1: 1 column(s); separate them by tabs"]),
        ("chr1\t0\t200\tp\t5\t.\t3.2\t1\t1\t50\n", ["a.tsv:1: '.' in column 6 is no whole number of reads, and no"]),
        ("chr1\t0\t200\t3\n", ["without a header, the first count is of cycle 0, and no other follows"]),
        ("chr1\t0\t200\n", ["a.tsv:1: 3 column(s); chromosome, start, end and counts are read"]),
        ("locus\tfrom\tto\t0\t1\nchr1\t0\t200\t1\t2\n", ["the header locus, from, to, 0, 1 names no columns chrom"]),
    ],
)
def test_faults_name_the_line(tmp_path, text, said):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(InputError) as error:
        read(tmp_path / "a.tsv")
    for part in said:
        assert part in str(error.value)


def test_every_fault_is_told_at_once_and_many_are_counted(tmp_path):
    lines = [f"chr1\t{200 * i}\t{200 * i + 200}\t1\t{'x' if i % 2 else 3}\n" for i in range(100)]
    (tmp_path / "a.tsv").write_text("".join(lines))
    with pytest.raises(InputError) as error:
        read(tmp_path / "a.tsv")
    assert len(error.value.faults) == 21 and "... and 30 more like these" in error.value.faults[-1]


def test_odd_but_sound_lines_are_read_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(binned_counts, "_CHUNK", 1000)  # many pieces, most lines cut by one
    expected, _ = read(table(tmp_path / "a.tsv", COUNTS))
    rows = (tmp_path / "a.tsv").read_text().splitlines()
    odd = ["# a comment", "", *rows[:100], "", "# another", *(row.replace("chr", '"chr') for row in rows[100:])]
    odd = [row.replace("\t", '"\t', 1) if row.startswith('"') else row for row in odd]
    odd[10] = odd[10] + ".0"
    for text in ("\n".join(odd), "\r\n".join(odd) + "\r\n", "\ufeff" + "\n".join(rows), "\n".join(odd) + "\n\0"):
        (tmp_path / "b.tsv").write_bytes(text.encode())
        pd.testing.assert_frame_equal(read(tmp_path / "b.tsv")[0], expected)
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress("\n".join(odd).encode()))
    pd.testing.assert_frame_equal(read(tmp_path / "b.tsv.gz")[0], expected)
    (tmp_path / "c.tsv.gz").write_bytes(gzip.compress("\n".join(rows).encode())[:-50])
    with pytest.raises(InputError, match="ends early or is damaged"):
        read(tmp_path / "c.tsv.gz")


def test_the_order_of_the_rows_changes_nothing_but_that_of_the_chromosomes(tmp_path):
    expected, _ = read(table(tmp_path / "a.tsv", COUNTS))
    rows = (tmp_path / "a.tsv").read_text().splitlines()
    mixed = np.random.default_rng(0).permutation(rows)
    (tmp_path / "b.tsv").write_text("\n".join(mixed))
    found, _ = read(tmp_path / "b.tsv")
    order = ["chrom", "start"]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True), expected.sort_values(order, ignore_index=True)
    )


def test_two_million_bins_take_seconds_and_little_memory(tmp_path):
    counts, _ = simulated(bins=2000, planted=20)
    rows = "".join("\t".join(map(str, ("", *row))) + "\n" for row in counts).splitlines()
    with open(tmp_path / "a.tsv", "w") as stream:
        for c in range(20):
            stream.writelines(f"chr{c}\t{200 * i}\t{200 * i + 200}{rows[i % 2000]}\n" for i in range(100_000))
    script = (
        "import resource, sys, time; from tfbind.io import binned_counts, peaks; import pyarrow.csv, scipy.special;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; start = time.process_time();"
        "found = binned_counts.read_bins(sys.argv[1]); spent = time.process_time() - start;"
        "print(len(found), spent, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.tsv"], capture_output=True, text=True, check=True
    )
    found, spent, more = map(float, ended.stdout.split())
    assert found >= 15_000 and spent < 10 and more < 400, ended.stdout


def test_the_real_table_of_ctcf(real):
    """Bins of hg38 lie where ENCODE has peaks of CTCF on hg19, which is shifted by a constant over long stretches."""
    path = real / "ghtselex" / "CTCF_GHT_counts_100k.bed.gz"
    found, rows = read(path, tf="CTCF")
    said = next(reason for event, reason, _ in rows if event == "read as")
    assert said.count(" over ") == 7 and "YWO_B_AffSeq_A5_CTCF_cycle4 over cycle_4_batches_YWO_B_aggregate" in said
    assert "the end is the last base, the start counts from 0" in said and ("read", "bins", 100_000) in rows
    assert [count for event, _, count in rows if event == "noted"] == [7, 7]  # aggregates; mates
    assert len(found) == 544 and (found["start"] % 200 == 0).all() and (found["end"] % 200 == 0).all()
    with gzip.open(real / "chipseq" / "ctcf_keras_genomics" / "CTCF_test.fa.gz", "rt") as lines:
        names = (line[1:].split("-")[0].split(":") for line in lines if line[0] == ">" and "_shuf" not in line)
        summits = np.array([int(start) + 50 for chrom, start in names if chrom == "chr1"])
    for first, last, shift in ((6_000_000, 12_000_000, -59_950), (17_000_000, 20_000_000, -326_350)):
        sites = summits + shift
        bins = np.arange(first, last, 200) + 100
        for places, near in ((found["summit"].to_numpy(), True), (bins, False)):
            places = places[(places > first) & (places < last)]
            share = (np.abs(places[:, None] - sites).min(1) <= 300).mean()
            assert share > 0.08 if near else share < 0.01


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chr1\t0\t200\t1\t2\nchr1\t200\t400\t3\t4\nchr1\t400\t600\t3\t4\nchr2\t0\t200\t1\t2\n", True),
        ("chr1\t0\t199\tb\t2\nchr1\t200\t399\tb\t4\nchr1\t400\t599\tb\t4\n", True),  # the end is the last base
        ("chrom\tstart\tend\tTF_cycle3\tinput\nchr1\t0\t200\t1\t2\n", True),
        ("chr\tstart\tstop\t0\t3\nchr1\t0\t200\t1\t2\n", True),
        ("chr1\t0\t200\t1\t2\nchr1\t900\t1100\t3\t4\nchr1\t4000\t4200\t3\t4\n", False),  # peaks of one width
        ("# a b\nchr1\t0\t200\t1\t2\nchr1\t900\t1100\t3\t4\nchr1\t4000\t4200\t3\t4\n", False),
        ("chr1\t0\t200\tp1\t9\t+\nchr1\t200\t400\tp2\t9\t-\nchr1\t400\t600\tp\t9\t.\n", False),
        ("chr1\t0\t200\nchr1\t200\t400\n", False),
        ("#CHROM\tSTART\tEND\tabs_summit\tpileup\tname\nchr1\t0\t200\t90\t2\tp\n", False),
        ("", False),
    ],
)
def test_bins_are_told_from_peaks(tmp_path, text, said):
    (tmp_path / "a.bed").write_text(text)
    assert binned_counts.are_bins(tmp_path / "a.bed") is said
