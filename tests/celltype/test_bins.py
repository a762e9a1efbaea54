import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.celltype import bins
from tfbind.errors import InputError


def stretches(rows, size):
    """Runs of painted bases, start and end; what touches is one."""
    painted = np.zeros(size, bool)
    for start, end in rows:
        painted[start:end] = True
    found, start = [], None
    for base, value in enumerate([*painted, False]):
        if value and start is None:
            start = base
        elif not value and start is not None:
            found.append((start, base))
            start = None
    return found


def slow(length, conservative, relaxed, blacklist, tokens, share):
    """The rule as one would say it, bin by bin and peak by peak."""
    size = length + 2000  # peaks may run beyond the chromosome
    tight, wide = stretches(conservative, size), stretches([*conservative, *relaxed], size)
    black = stretches(blacklist, size)
    labels = []
    start = 0
    while start + 200 <= length:
        end = start + 200

        def shared(peak, start=start, end=end):
            return max(0, min(end, peak[1]) - max(start, peak[0]))

        bound = [p for p in tight if shared(p) >= share * 200 or shared(p) >= share * (p[1] - p[0])]
        if any(shared(p) for p in black) or (tokens[start:end] == dna.UNKNOWN).sum() > 20:
            labels.append(3)
        elif bound:
            labels.append(1)
        elif any(shared(p) for p in wide):
            labels.append(2)
        else:
            labels.append(0)
        start += 50
    return labels


def drawn(rng, count, length, longest):
    start = rng.integers(0, length, count)
    return np.stack([start, start + rng.integers(1, longest, count)], 1)


@pytest.mark.parametrize("share", [0.5, 0.3, 1.0])
@pytest.mark.parametrize("longest", [30, 150, 600])
def test_labels_are_those_of_a_slow_labeller(share, longest, rng):
    for length in (150, 200, 249, 250, 5_000, 20_013):
        conservative, relaxed = drawn(rng, length // 400, length, longest), drawn(rng, length // 300, length, longest)
        blacklist = drawn(rng, length // 4000, length, 500)
        tokens = rng.integers(0, 4, length, dtype=np.uint8)
        tokens[length // 3 : length // 3 + 260] = dna.UNKNOWN
        found = bins.label(length, conservative, relaxed, blacklist, bins.unknown(tokens), share=share)
        expected = slow(length, conservative, relaxed, blacklist, tokens, share)
        assert found.dtype == np.uint8 and found.tolist() == expected
    assert set(expected) == {0, 1, 2, 3}


def test_either_half_of_the_bin_or_half_of_the_peak():
    #          half of the bin        one base less          half of a short peak   one base less
    for peak, expected in (([100, 400], 1), ([101, 400], 2), ([190, 210], 1), ([191, 211], 2)):
        assert bins.label(1000, np.array([peak]))[0] == expected
    assert bins.label(1000, np.array([[200, 400]]))[0] == 0
    # two short peaks that touch are one long peak
    assert bins.label(1000, np.array([[170, 220], [220, 420]]))[0] == 2
    assert bins.label(1000, np.array([[170, 220]]))[0] == 1


def test_relaxed_peaks_alone_are_ambiguous_and_the_blacklist_wins():
    labels = bins.label(1000, np.array([[0, 300]]), np.array([[0, 300], [599, 600]]), np.array([[0, 1]]))
    assert labels.tolist() == [3, 1, 1, 1, 1, 2, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0]


def test_no_peaks_no_bins():
    empty = np.empty((0, 2), int)
    assert bins.label(1000, empty, empty, empty).tolist() == [0] * 17
    assert bins.label(199, np.array([[0, 100]])).tolist() == []
    assert [bins.count(n) for n in (0, 199, 200, 249, 250)] == [0, 0, 1, 1, 2]
    with pytest.raises(ValueError, match="share"):
        bins.label(1000, empty, share=0)


def test_sums_by_bin(rng):
    for length in (120, 230, 1037):
        values = rng.integers(0, 5, length)
        expected = [values[s : s + 200].sum() for s in range(0, length - 199, 50)]
        assert bins.from_steps(bins.by_step(values)).tolist() == expected
        assert len(expected) == bins.count(length)


def test_touched_and_intervals():
    table = pd.DataFrame({"chrom": ["a", "b", "a"], "start": [260, 0, 900], "end": [261, 10, 950]})
    rows = bins.intervals(table, "a")
    assert rows.tolist() == [[260, 261], [900, 950]]
    expected = [start <= 260 < start + 200 or start + 200 > 900 for start in range(0, 801, 50)]
    assert bins.touched(rows, 1000).tolist() == expected


def test_labels_are_stored_as_runs(rng, tmp_path):
    labels = {
        "chr1": np.repeat(rng.integers(0, 4, 300), rng.integers(1, 40, 300)).astype(np.uint8),
        "chr2": np.zeros(70_000, np.uint8),
        "chr3": np.array([1], np.uint8),
        "chr4": np.zeros(0, np.uint8),
    }
    bins.write(labels, tmp_path / "labels.parquet")
    found = bins.read(tmp_path / "labels.parquet")
    assert list(found) == list(labels)
    for chrom, values in labels.items():
        np.testing.assert_array_equal(found[chrom], values)
        assert len(bins.runs(values)) <= 1 + (np.diff(values) != 0).sum()
    bins.write({}, tmp_path / "none.parquet")
    assert bins.read(tmp_path / "none.parquet") == {}


def test_a_damaged_label_file_is_refused(tmp_path):
    from tfbind.io import tables

    table = pd.DataFrame({"chrom": ["chr1"], "first": [0], "stop": [3], "label": [1]})
    tables.write(table, tmp_path / "labels.parquet", tables.LABELS)
    with pytest.raises(InputError, match="chr1 has no line of its size"):
        bins.read(tmp_path / "labels.parquet")
