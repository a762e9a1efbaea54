import gzip
import statistics

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io import probe_tables
from tfbind.io.tally import Tally
from tfbind.sequences import positives, probes
from tfbind.study import config

PRIMER = "GTCTGTGTTCCGTTGTCCGTGCTG"


def random(rng, count, size=36):
    return ["".join(row) for row in rng.choice(list("ACGT"), (count, size))]


def table(sequences, **columns):
    return pd.DataFrame({"sequence": pd.Series(sequences, dtype="str"), **columns})


@pytest.mark.parametrize(
    ("left", "right", "share", "expected"),
    [
        ("", "", 1, ("", "")),
        ("", PRIMER, 1, ("", PRIMER)),
        ("ACGTTG", PRIMER, 0.95, ("ACGTTG", PRIMER)),
        ("ACGTTG", PRIMER, 0.8, ("", "")),  # on too few probes
        ("ACGTT", "CCGTA", 1, ("", "")),  # too short to be one
    ],
)
def test_constant_ends(rng, left, right, share, expected):
    made = random(rng, 400, 20)
    full = [f"{left}{probe}{right}" for probe in made]
    some = round(400 * share)
    full = full[:some] + random(rng, 400 - some, len(full[0]))
    found = probes.constant_ends(pd.Series(full, dtype="str"))
    assert found == expected


def test_constant_ends_of_probes_of_several_lengths(rng):
    made = [probe[: 12 + i % 9] + PRIMER for i, probe in enumerate(random(rng, 200))]
    assert probes.constant_ends(pd.Series(made, dtype="str")) == ("", PRIMER)
    assert probes.constant_ends(pd.Series([], dtype="str")) == ("", "")
    assert probes.constant_ends(pd.Series(["ACG", "ACG"], dtype="str")) == ("", "")


def test_one_probe_has_no_constant_end(rng):
    """Declared, as the message asks, it would leave nothing."""
    assert probes.cut(table(random(rng, 1)), "", "", Tally())["sequence"].size == 1


def test_declared_ends_are_verified_and_cut_off(rng):
    made = random(rng, 100)
    lacking, short, unknown = random(rng, 5, 36 + 24), random(rng, 7, 30), random(rng, 3)
    full = [f"{probe}{PRIMER}" for probe in [*made, *short, *(f"{probe[:-1]}N" for probe in unknown)]]
    tally = Tally()
    found = probes.cut(table(full + lacking, signal=np.arange(115.0)), "", PRIMER.lower(), tally)
    assert found["sequence"].tolist() == made and found["signal"].tolist() == list(range(100))
    assert tally.rows == [
        ("dropped", "probe without the constant ends", 5),
        ("dropped", "probe is not 36 bp", 7),
        ("dropped", "probe with N", 3),
    ]


def test_any_base_in_a_flank(rng):
    made = random(rng, 50)
    full = [f"AC{base}TTG{probe}" for probe, base in zip(made, "ACGTA" * 10, strict=True)]
    assert probes.cut(table(full), "ACNTTG", "", Tally())["sequence"].tolist() == made


@pytest.mark.parametrize(
    ("make", "flanks", "said"),
    [
        (lambda p: p + PRIMER, ("", ""), f"at least 90% of the probes end in {PRIMER}, a constant part, not a "
         f"site; write {PRIMER} in right_flank of the sheet, which cuts it off"),
        (lambda p: "AACCGGTT" + p + PRIMER, ("", PRIMER), "write AACCGGTT in left_flank"),
        (lambda p: p + PRIMER, ("", PRIMER[8:]), f"end in {PRIMER[:8]}, a constant part, not a site; write GTCT"),
        (lambda p: p + PRIMER, ("", "A" * 24), f"100 of 100 probes lack the right_flank {'A' * 24}; they show {PRIMER}"
         "; correct it, or leave it empty"),
        (lambda p: p, ("ACGTACGT", ""), "100 of 100 probes lack the left_flank ACGTACGT; they show nothing in common"),
        (lambda p: p[: 20 + len(p) * (p < "G") // 3], ("", ""), "probes of mixed length ("),
    ],
)  # fmt: skip
def test_ends_that_are_not_as_declared(rng, make, flanks, said):
    with pytest.raises(InputError) as error:
        probes.cut(table(list(map(make, random(rng, 100)))), *flanks, Tally())
    assert said in str(error.value)


def test_nothing_left(rng):
    with pytest.raises(NotEstimable, match="every probe has an N"):
        probes.cut(table([probe[:-1] + "N" for probe in random(rng, 9)]), "", "", Tally())
    with pytest.raises(NotEstimable, match="no probe is left"):
        probes.cut(table([PRIMER] * 9), "", PRIMER, Tally())


def plain(found):
    """The processed signal by loops: [(sequence, signal)]."""
    spots = [dict(row) for row in found.to_dict("records") if not row.get("bad", False)]
    raw = max(spot["signal"] for spot in spots) > 20 and min(spot["signal"] for spot in spots) >= 0
    if raw and "background" in found:
        for spot in spots:
            spot["signal"] -= spot["background"]
    spots = [spot for spot in spots if spot["signal"] == spot["signal"]]
    if "row" in found:
        rows, columns = ([spot[name] for spot in spots] for name in ("row", "column"))
        whole = statistics.median(spot["signal"] for spot in spots)

        def near(here, all_of_them):
            first, last = min(all_of_them), max(all_of_them)
            start = max(first, min(here - 7, last - 14))
            return range(start, start + 15)

        local = []
        for spot in spots:
            high, wide = near(spot["row"], rows), near(spot["column"], columns)
            local.append(statistics.median(s["signal"] for s in spots if s["row"] in high and s["column"] in wide))
        ratio = raw and whole > 0 and min(local) > 0
        for spot, middle in zip(spots, local, strict=True):
            spot["signal"] = spot["signal"] / (middle / whole) if ratio else spot["signal"] - (middle - whole)
    joined = {}
    for spot in spots:
        joined.setdefault(dna.canonical(spot["sequence"]), []).append(spot)
    return [(each[0]["sequence"], statistics.median(spot["signal"] for spot in each)) for each in joined.values()]


@pytest.mark.parametrize("seed", range(24))
def test_signal_is_that_of_plain_loops(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(30, 500))
    places = rng.choice(27 * 31, count, replace=False)
    different = random(rng, count, int(rng.integers(3, 9)))
    values = np.exp(rng.normal(6, 1, count)) if seed % 3 else rng.normal(6 - 6 * (seed % 2), 1, count)
    columns = {
        "background": np.where(rng.random(count) < 0.05, np.nan, rng.gamma(2, 30 * (1 + 20 * (seed % 4 == 1)), count)),
        "bad": rng.random(count) < 0.1,
        "row": places // 31 + 5,
        "column": places % 31,
    }
    chosen = {name: values for i, (name, values) in enumerate(columns.items()) if seed >> min(i, 2) & 1}
    given, tally = table(different, signal=values, **chosen), Tally()
    found = probes.signal(given, tally)
    expected = plain(given)
    assert found["sequence"].tolist() == [sequence for sequence, _ in expected]
    np.testing.assert_allclose(found["signal"], [value for _, value in expected], rtol=1e-12, atol=1e-9)
    assert len(found) + tally.total("dropped") == count, "no spot goes uncounted"


def test_a_trend_over_the_array_is_removed(rng):
    """A signal that doubles from one end of the array to the other; once it is removed, nothing is left to remove."""
    row, column = (axis.ravel() for axis in np.meshgrid(np.arange(60), np.arange(50), indexing="ij"))
    true = np.exp(rng.normal(6, 0.5, 3000))
    seen = table(random(rng, 3000), signal=true * (1 + row / 59), row=row, column=column)
    once = probes.signal(seen, Tally())
    twice = probes.signal(seen.assign(signal=once["signal"]), Tally())
    rank = [
        np.corrcoef(np.log(values), np.log(true))[0, 1] for values in (seen["signal"], once["signal"], twice["signal"])
    ]
    assert rank[0] < 0.94 and min(rank[1:]) > 0.99


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"bad": [True, True, False]}, "2 of 3 spots are flagged; if the column says which spots are good, write 0"),
        ({"row": [1, 1, 2], "column": [1, 1, 1]}, "two spots on one row and column; a table holds one array"),
        ({"row": [1, 10**6, 2], "column": [1, 10**6, 1]}, "3 spots on 1000000 rows and 1000000 columns"),
    ],
)
def test_spots_that_cannot_be_right(rng, columns, said):
    with pytest.raises(InputError, match=said):
        probes.signal(table(random(rng, 3), signal=[100.0, 200, 300], **columns), Tally())


@pytest.mark.parametrize("threshold", [0, 2, 4, 6.5])
def test_bound(rng, threshold):
    values = np.exp(rng.normal(6, 1, 2001))
    middle = statistics.median(values)
    least = middle + threshold * 1.4826 * statistics.median(abs(value - middle) for value in values)
    np.testing.assert_array_equal(probes.bound(values, threshold), [value >= least for value in values])
    # scale and place of the signal say nothing; the logarithms of intensities mean the intensities
    np.testing.assert_array_equal(probes.bound(values * 1e-3 - 7, threshold), probes.bound(values, threshold))
    clear = np.abs(values / least - 1) > 1e-9
    np.testing.assert_array_equal(
        probes.bound(np.log(values), threshold)[clear], probes.bound(values, threshold)[clear]
    )


def test_half_the_probes_alike_give_no_threshold():
    for values in ([], [5.0], [1, 1, 1, 7, 9], [0, 1, 0, 1, 0]):
        with pytest.raises(NotEstimable, match="one and the same signal"):
            probes.bound(np.array(values, float))


def test_bound_words():
    found = probes.bound_words(np.array([0.5, 0.45, 0.449, 0.35, 0.349, -0.5]))
    assert found.tolist() == [1, 1, -1, -1, 0, 0] and found.dtype == np.int8
    assert probes.bound_words(np.array([0.31, 0.3, 0.29]), 0.3).tolist() == [1, 1, 0]


def test_thresholds(rng):
    values = np.exp(rng.normal(6, 1, 500))
    scores = np.round(np.log(values) + rng.normal(size=500), 1)
    found = probes.thresholds(values, scores, [1, 4, 1000])
    assert found["threshold"].tolist() == [1, 4, 1000] and (found["n_positive"] + found["n_negative"] == 500).all()
    for threshold, line in zip([1, 4], found.itertuples(), strict=False):
        there = probes.bound(values, threshold)
        pairs = [(p > n) + (p == n) / 2 for p in scores[there] for n in scores[~there]]
        assert line.n_positive == there.sum() and line.auroc == pytest.approx(np.mean(pairs), abs=1e-12)
    assert found["n_positive"][2] == 0 and np.isnan(found["auroc"][2])


@pytest.mark.parametrize(
    ("name", "counts", "motif"),
    [
        ("dream5/Cebpb_ME", {2: 3970, 4: 1359, 6: 791}, "TTGCGCAA"),
        ("dream5/Esr1_ME", {2: 6926, 4: 4537, 6: 3391}, "AGGTCA"),
        ("dream5/Junb_HK", {2: 1580, 4: 112, 6: 30}, "TGACTCA"),
        ("dream5/Sp1_ME", {2: 2485, 4: 361, 6: 89}, "GGGCGG"),
        ("dream5/Tcf3_HK", {2: 5161, 4: 2760, 6: 1886}, "CAGGTG"),
        ("uniprobe/GATA4_combinatorial", {2: 2933, 4: 495, 6: 165}, "AGATAA"),
        ("gcpbm/Max", {2: 1389, 4: 132, 6: 3}, "CACGTG"),
        ("gcpbm/Myc", {2: 1596, 4: 980, 6: 632}, "CACGTG"),
    ],
)
def test_bound_probes_of_real_arrays_hold_the_motif(real, name, counts, motif):
    tally = Tally()
    found = probe_tables.read_probes(real / "pbm" / f"{name}.txt.gz", tally)
    found = probes.signal(probes.cut(found, "", PRIMER if "combinatorial" in name else "", tally), tally)
    assert {k: probes.bound(found["signal"], k).sum() for k in counts} == counts
    there = probes.bound(found["signal"])
    other = dna.reverse_complement_text(motif)
    holds = found["sequence"].str.contains(f"{motif}|{other}")
    assert holds[there].mean() > 3 * holds[~there].mean()
    assert tally.total("read") == len(found) + tally.total("dropped")


def test_the_primer_site_of_real_probes_is_found(real):
    found = probe_tables.read_probes(real / "pbm" / "uniprobe" / "GATA4_combinatorial.txt.gz")
    assert probes.constant_ends(found["sequence"]) == ("", PRIMER)
    with gzip.open(real / "pbm" / "uniprobe" / "GATA4_combinatorial.txt.gz", "rt") as lines:
        assert all(line.rstrip().endswith(PRIMER) for line in lines)
    for path in sorted((real / "pbm" / "dream5").iterdir()) + sorted((real / "pbm" / "gcpbm").iterdir()):
        assert probes.constant_ends(probe_tables.read_probes(path)["sequence"]) == ("", ""), path


def row(path, **columns):
    """A row of the sheet."""
    empty = dict.fromkeys(("test_path", "negatives_path", "test_negatives_path", "negative_names", "input_path"), "")
    empty |= dict.fromkeys(("left_flank", "right_flank", "trim", "cycle", "genome"), "")
    return {"dataset": "d", "assay": "pbm", "format": "probes", "path": str(path), **empty, **columns}


OPTIONS = {"length": 101, "limit": None, "split": {"validation_fraction": 0.1, "test_fraction": 0.2}}


def made(about, threshold=4.0, word_score=0.45):
    options = {**OPTIONS, "probes": {"threshold": threshold, "word_score": word_score}}
    return [
        positives.positives(about, **options, rng=np.random.default_rng(0)),
        positives.unbound(about, "provided", **options, rng=np.random.default_rng(0)),
    ]


def test_a_row_of_probes_becomes_positives_and_all_other_probes(rng, tmp_path):
    """Each array has its own threshold; the probes of `test_path` alone test, and no probe is in two splits."""
    names = []
    for design, scale in (("me", 1), ("hk", 40)):
        values = scale * np.exp(rng.normal(5, 0.2, 600))
        values[:30] *= 20
        shared = random(np.random.default_rng(9), 12)  # on both designs, six of them bound on both
        lines = zip(shared[:6] + random(rng, 588) + shared[6:], values, strict=True)
        names.append(tmp_path / f"{design}.txt")
        names[-1].write_text("".join(f"{sequence}\t{value:.3f}\n" for sequence, value in lines))
    about = row(names[0], test_path=str(names[1]))
    assert positives.offers(about) == {name: {"provided"} for name in ("train", "validation", "test")}
    (bound, tally), (unbound, _) = made(about)
    assert bound["split"].value_counts().to_dict().keys() <= {"train", "validation", "test"}
    assert len(bound) == 54 and (bound["split"] == "test").sum() == 30 and (unbound["split"] == "test").sum() == 570
    assert len(unbound) == 600 + 600 - 60 - 6
    assert ("dropped", "same sequence in the test set (either strand)", 6) in tally.rows
    for table, label in ((bound, 1), (unbound, 0)):
        assert (table["label"] == label).all() and table["score"].notna().all() and table["chrom"].isna().all()
    test = pd.concat([bound, unbound]).query("split == 'test'")
    read = pd.read_csv(names[1], sep="\t", header=None)
    assert sorted(test["score"]) == sorted(read[1]), "all probes of the other design, with their signals"


def test_one_array_alone_has_no_test_set(rng, tmp_path):
    lines = zip(random(rng, 400), np.exp(rng.normal(5, 1, 400)), strict=True)
    (tmp_path / "a.txt").write_text("".join(f"{sequence}\t{value}\n" for sequence, value in lines))
    assert positives.offers(row(tmp_path / "a.txt"))["test"] == set()
    for table, tally in made(row(tmp_path / "a.txt"), 2):
        assert set(table["split"]) == {"train", "validation"}
        assert ("noted", positives.ONE_ARRAY, len(table)) in tally.rows


def array(path, sequences, bound, end=""):
    values = np.where(bound, 9000, 100 + np.arange(len(sequences)) % 17)
    path.write_text("".join(f"{sequence}{end}\t{value}\n" for sequence, value in zip(sequences, values, strict=True)))
    return path


def test_a_probe_of_both_designs_does_not_train(rng, tmp_path):
    """Whatever it is on the other: no label of an array chooses the probes of the other one."""
    shared, places = random(rng, 40), np.arange(300)
    one = array(tmp_path / "me", shared + random(rng, 260), places % 4 == 0)
    other = array(tmp_path / "hk", shared + random(rng, 260), places % 3 == 0)
    (bound, tally), (unbound, others) = made(row(one, test_path=str(other)))
    assert tally.rows.count(("dropped", "same sequence in the test set (either strand)", 10)) == 1
    assert others.rows.count(("dropped", "same sequence in the test set (either strand)", 30)) == 1
    both = pd.concat([bound, unbound])
    tests = both["split"] == "test"
    assert (bound["split"] == "test").sum() == 100 and tests.sum() == 300 and (~tests).sum() == 260
    assert not set(both["sequence"][~tests]) & set(shared)


def test_one_array_under_two_designs_is_refused(rng, tmp_path):
    sequences = random(rng, 100)
    one, other = (array(tmp_path / name, sequences, np.arange(100) < 20) for name in ("me", "hk"))
    with pytest.raises(InputError, match=f"{one}: all of its probes are in {other}, too; name those of another array"):
        made(row(one, test_path=str(other)))


def test_each_design_has_its_own_constant_ends(rng, tmp_path):
    one = array(tmp_path / "me", random(rng, 100), np.arange(100) < 20, PRIMER)
    other = array(tmp_path / "hk", random(rng, 100), np.arange(100) < 30)
    about = row(one, test_path=str(other), right_flank=PRIMER, test_right_flank="")
    (bound, _), (unbound, _) = made(about)
    assert len(bound) == 50 and len(unbound) == 150 and set(bound["sequence"].str.len()) == {36}


def test_an_array_that_nothing_binds_is_no_fault(rng, tmp_path):
    (bound, _), _ = made(row(array(tmp_path / "me", random(rng, 100), np.zeros(100, bool))))
    assert bound.empty and bound.attrs["note"] == "me: none of its probes reaches probes.threshold"
    array(tmp_path / "hk", random(rng, 100), np.arange(100) < 20)
    flat = tmp_path / "flat"
    flat.write_text("".join(f"{sequence}\t5\n" for sequence in random(rng, 100)))
    (bound, _), _ = made(row(tmp_path / "hk", test_path=str(flat)))
    assert bound.attrs["note"].startswith("flat: over half of the probes have one and the same signal")


def test_words_are_bound_unbound_or_neither(tmp_path):
    scores = {"AAAAAAAC": 0.5, "AAAAAAAG": 0.45, "AAAAAAAT": 0.4, "AAAAAACA": 0.35, "AAAAAACC": 0.34, "AAAAAACG": -0.2}
    line = "{}\t{}\t{}\n".format
    text = "".join(line(word, dna.reverse_complement_text(word), score) for word, score in scores.items())
    (tmp_path / "top.txt").write_text(text)
    (bound, tally), (unbound, _) = made(row(tmp_path / "top.txt", format="words"))
    assert bound["sequence"].tolist() == ["AAAAAAAC", "AAAAAAAG"] and bound["score"].tolist() == [0.5, 0.45]
    assert ("dropped", "word below probes.word_score 0.45, not known to be unbound", 4) in tally.rows
    assert unbound.empty and unbound.attrs["note"].startswith("provided: top.txt: 6 of 32896 words of 8 bp")


@pytest.mark.parametrize("name", ["GATA4", "CEBPA", "CEBPB"])
def test_real_tables_of_all_words_have_unbound_ones(real, name):
    (bound, tally), (unbound, _) = made(row(real / "pbm" / "uniprobe" / f"{name}_8mers.txt.gz", format="words"))
    neither = sum(n for event, reason, n in tally.rows if "not known" in reason)
    assert {"GATA4": 40, "CEBPA": 80, "CEBPB": 79}[name] == len(bound)
    assert len(bound) + len(unbound) + neither == 32896


def test_the_defaults_are_those_of_the_schema():
    study = config.schema.schema("config")["properties"]["probes"]["properties"]
    assert {key: rules["default"] for key, rules in study.items()} == positives.PROBES
