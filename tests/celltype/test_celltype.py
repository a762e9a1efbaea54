import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from tfbind.celltype import estimators, evaluate
from tfbind.seeding import generator
from tfbind.statistics.metrics import INTERPOLATED, METRICS, measure

NAMES = [
    *("motif_mean", "motif_max", "motif_q99", "motif_q95", "motif_q90", "motif_q75", "motif_q50"),
    *("accessibility_mean", "accessibility_median", "gc"),
]
MOTIF, OPEN = 1, 7
CHROMOSOMES = {"train": ["a", "b"], "validation": ["c"], "test": ["d", "e"]}
STATISTICS = {"resamples": 100, "level": 0.95, "block": 10_000, "min_examples": 20}
METHODS = ["accessibility", "motif", "organisers", "catchitt", "elastic_net", "boosting"]


class Made:
    """Bins with known truth: motif of the place, accessibility of the cell, and who asked for what."""

    names = NAMES

    def __init__(self, size=6000):
        self.size, self.read, self.asked = size, [], []

    def _parts(self, cell, chrom):
        shared = generator("shared", chrom)
        motif, place = shared.standard_normal((2, self.size))
        own = 0.7 * place + 0.7 * generator("own", cell, chrom).standard_normal(self.size)
        return motif, own, -6 + 2.2 * motif + 1.8 * own

    def truth(self, cell, chrom):
        return self._parts(cell, chrom)[2]

    def labels(self, cell, chrom):
        self.read.append((cell, chrom))
        logits = self.truth(cell, chrom)
        labels = (generator("bound", cell, chrom).random(self.size) < expit(logits)).astype(np.uint8)
        labels[::50] = 2
        labels[1::50] = 3
        return labels

    def matrix(self, cell, chrom, index):
        self.asked.append((cell, chrom, index))
        motif, own, _ = self._parts(cell, chrom)
        noise = generator("noise", cell, chrom).standard_normal((self.size, 3))
        columns = [motif + 1, motif, *(motif / k for k in (2, 3, 4, 5, 6)), own, own + 0.1 * noise[:, 0], noise[:, 1]]
        return np.stack(columns, 1)[index].astype(np.float32)

    def tokens(self, chrom, index):
        return generator("tokens", chrom).integers(0, 4, (self.size, 200), dtype=np.uint8)[index]

    def unmeasured(self, cell, chrom):
        return {}


def gc(tokens):
    return np.isin(tokens, (1, 2)).mean(1)


def run(bins, plan, methods=METHODS, **options):
    options = {"limit": 100_000, "seed": 0, "statistics": STATISTICS, "best_site": gc} | options
    built = {name: candidates for name, candidates in estimators.build(NAMES, 0).items() if name in methods}
    return evaluate.evaluate("TF", bins, plan, methods=built, **options)


@pytest.fixture(scope="module")
def study():
    bins = Made()
    plan = evaluate.plan(["x", "y", "z"], "x", CHROMOSOMES)
    return bins, plan, run(bins, plan)


def values(table, metric="auprc"):
    return table[table["metric"] == metric].set_index("method")["value"]


def test_cells_and_chromosomes_are_both_held_out(study):
    bins, plan, _ = study
    assert plan == evaluate.Plan(("y", "z"), "y", "x", CHROMOSOMES)
    asked = {(cell, chrom) for cell, chrom, _ in bins.asked}
    assert asked == {*((cell, chrom) for cell in "yz" for chrom in "abc"), ("x", "d"), ("x", "e")}


def test_the_choosing_cell_and_chromosomes_are_apart_from_those_fitted_before(study):
    _, plan, _ = study
    bins = Made()
    _, y, _, first, apart = evaluate.training(bins, "TF", plan, 100_000, 0)
    sizes = np.cumsum([len(index) for _, _, index in bins.asked])[:-1]
    parts = {key[:2]: rows for key, rows in zip(bins.asked, np.split(np.arange(len(y)), sizes), strict=True)}
    assert set(np.flatnonzero(first)) == {*parts["z", "a"], *parts["z", "b"]}
    assert set(np.flatnonzero(apart)) == {*parts["y", "c"]}
    alone = evaluate.plan(["x"], "x", CHROMOSOMES)
    _, y, _, first, apart = evaluate.training(Made(), "TF", alone, 100_000, 0)
    assert first.any() and apart.any() and (first ^ apart).all()


def test_plans_of_few_cells():
    assert evaluate.plan(["x", "y"], "y", CHROMOSOMES)[:3] == (("x",), "x", "y")
    assert "one training cell" in evaluate.plan(["x", "y"], "y", CHROMOSOMES).note()
    alone = evaluate.plan(["x"], "x", CHROMOSOMES)
    assert alone[:3] == (("x",), "x", "x") and "one cell" in alone.note()
    assert [evaluate.plan(list("xyz"), cell, CHROMOSOMES).select for cell in "xyz"] == ["y", "z", "x"]
    assert evaluate.plan(list("xy"), "new", CHROMOSOMES)[:3] == (("x", "y"), "x", "new")


def test_ambiguous_and_removed_bins_are_neither_trained_on_nor_scored(study):
    bins, _, table = study
    for cell, chrom, index in bins.asked:
        assert (bins.labels(cell, chrom)[index] <= 1).all()
    scored = sum((bins.labels("x", chrom) <= 1).sum() for chrom in "de")
    counts = table[table["metric"] == "auprc"][["n_bound", "n_unbound"]]
    assert (counts.sum(axis=1) == scored).all()


def test_the_rank_of_the_methods_is_that_of_their_information(study):
    bins, plan, table = study
    found = values(table)
    test = evaluate.test_bins(bins, "TF", plan, STATISTICS)
    truth = np.concatenate([bins.truth("x", chrom)[test.index[test.chrom == i]] for i, chrom in enumerate("de")])
    best = measure(test.labels, truth)[1]
    for method in ("organisers", "catchitt", "elastic_net"):
        assert found[method] > best - 0.02
        assert found[method] > found[["accessibility", "motif", "mean_signal"]].max() + 0.05
    assert found["boosting"] > found[["accessibility", "motif", "mean_signal"]].max()
    assert (found.drop("chance") > found["chance"] + 0.01).all()


def test_chance_is_the_base_rate(study):
    row = study[2].query("method == 'chance' and metric == 'auprc'").iloc[0]
    assert row["value"] == pytest.approx(row["n_bound"] / (row["n_bound"] + row["n_unbound"]))
    assert values(study[2], "auroc")["chance"] == 0.5


def test_the_interpolated_auprc_of_the_challenge_stands_beside_average_precision(study):
    table = study[2]
    both = pd.DataFrame({name: values(table, name) for name in ("auprc", INTERPOLATED)})
    assert both.notna().all(axis=None) and np.ptp(both.loc["chance"]) == pytest.approx(0, abs=1e-12)
    trained = both.drop("chance")
    assert (trained["auprc"] != trained[INTERPOLATED]).all()
    assert (np.ptp(trained, axis=1) < 0.05).all()
    rows = table[(table["metric"] == INTERPOLATED) & (table["method"] != "chance")]
    assert (rows["low"] < rows["value"]).all() and (rows["value"] < rows["high"]).all()


def test_rows_hold_the_contract_and_their_intervals(study):
    table = study[2]
    assert list(table.columns) == evaluate.COLUMNS
    assert set(table["method"]) == {*METHODS, "mean_signal", "chance"}
    assert set(table["train_cells"]) == {"y,z"} and set(table["test_cell"]) == {"x"}
    assert not table.duplicated(["tf", "train_cells", "test_cell", "method", "metric"]).any()
    told = table[table["metric"].isin(METRICS)]
    assert (told["low"] <= told["value"]).all() and (told["value"] <= told["high"]).all()
    trained = told[~told["method"].isin(["chance"])]
    assert ((trained["high"] - trained["low"])[trained["metric"] == "auprc"] > 0.01).all()


def test_shuffles_stand_beside_the_genome(study):
    bins, plan, table = study
    test = evaluate.test_bins(bins, "TF", plan, STATISTICS)
    tokens, labels = evaluate.shuffles(bins, "TF", plan, test)
    assert labels.sum() == (test.labels == 1).sum() == len(labels) / 2
    where = np.flatnonzero(test.labels == 1)
    first = where[test.chrom[where] == 0]
    np.testing.assert_array_equal(tokens[: len(first)], bins.tokens("d", test.index[first]))
    assert (np.sort(tokens[0]) == np.sort(tokens[len(tokens) // 2])).all() and (
        tokens[0] != tokens[len(tokens) // 2]
    ).any()
    # composition is what a shuffle keeps: this score cannot tell
    assert values(table, "shuffled_auroc")["motif"] == 0.5


def test_scores_do_not_depend_on_the_size_of_a_chunk(study, monkeypatch):
    _, plan, table = study
    monkeypatch.setattr(evaluate, "_CHUNK", 777)
    bins = Made()
    again = run(bins, plan, ["accessibility", "elastic_net"])
    assert max(len(index) for cell, _, index in bins.asked if cell == "x") <= 777
    for metric in METRICS:
        assert values(again, metric)["accessibility"] == values(table, metric)["accessibility"]
        assert values(again, metric)["elastic_net"] == pytest.approx(values(table, metric)["elastic_net"], abs=1e-3)


def test_sampling_is_bounded_unbiased_and_repeats(study):
    plan, bins = study[1], Made()
    X, y, weight, _, _ = evaluate.training(bins, "TF", plan, 3000, 3)
    pairs = [(cell, chrom) for cell in "yz" for chrom in "abc"]
    n_bound = sum((bins.labels(*pair) == 1).sum() for pair in pairs)
    n_unbound = sum((bins.labels(*pair) == 0).sum() for pair in pairs)
    assert n_bound < 3000 and (y == 1).sum() == n_bound  # all bound bins
    assert 2800 < (y == 0).sum() < 3200
    assert weight[y == 0].sum() == pytest.approx(n_unbound, rel=0.1) and (weight[y == 1] == 1).all()
    np.testing.assert_array_equal(X, evaluate.training(Made(), "TF", plan, 3000, 3)[0])


def test_what_cannot_be_estimated_says_why():
    bins = Made()
    alone = run(bins, evaluate.plan(["x"], "x", CHROMOSOMES), ["motif"])
    missing = alone[alone["method"] == "mean_signal"]
    assert (
        len(missing) == len(METRICS) + 1
        and missing["value"].isna().all()
        and (missing["note"] == "there is no other cell").all()
    )
    assert alone[alone["method"] == "motif"]["note"].str.contains("one cell").all()
    few = run(bins, evaluate.plan(["x", "y"], "x", CHROMOSOMES), statistics=STATISTICS | {"min_examples": 10**6})
    assert few["value"].isna().all() and few["note"].str.contains("fewer than 1000000").all()
    assert set(few["method"]) == {*METHODS, "mean_signal", "chance"}


def test_combined_score_is_the_formula_of_the_challenge():
    metrics = [metric for metric in METRICS if metric != "auprc"] + [INTERPOLATED]
    rows = [
        ("T", "x", method, metric, value)
        for metric in metrics
        for method, value in {"first": 0.9, "second": 0.5, "third": 0.1, "chance": 0.95}.items()
    ]
    rows += [("U", "x", "first", metric, np.nan) for metric in metrics]
    rows += [("U", "x", method, metric, 0.3) for metric in metrics for method in ("second", "third")]
    table = pd.DataFrame(rows, columns=["tf", "test_cell", "method", "metric", "value"]).assign(train_cells="y")
    found = evaluate.ranked(table).set_index("method")["value"]
    assert "chance" not in found
    average = pd.DataFrame({"metric": "auprc", "value": [0.1, 0.9], "method": ["first", "second"]}).assign(tf="T")
    added = pd.concat([table, average.assign(test_cell="x", train_cells="y")])
    assert evaluate.ranked(added).equals(evaluate.ranked(table)), "the challenge interpolates"
    # T: ranks 1, 2, 3 of 3; U: two tied at 1.5 of 2, one without a value
    assert found["first"] == pytest.approx(4 * (-np.log10(1 / 4) - np.log10(1 / 2)))
    assert found["second"] == pytest.approx(4 * (-np.log10(2 / 4) - np.log10(1.5 / 3)))
    assert found["third"] == pytest.approx(4 * (-np.log10(1 / 2) - np.log10(1.5 / 3)))
    assert evaluate.ranked(table)["method"].iloc[0] == "first"
    assert evaluate.joined([table, table.iloc[:0]])["metric"].iloc[-1] == "rank_score"


class Gap(Made):
    """Bins of which accessibility was not measured on some chromosomes of a cell."""

    def __init__(self, gaps, bound=True):
        super().__init__()
        self.gaps, self.bound = gaps, bound

    def unmeasured(self, cell, chrom):
        names = ("accessibility_mean", "accessibility_median")
        return dict.fromkeys(names, "accessibility") if (cell, chrom) in self.gaps else {}

    def labels(self, cell, chrom):
        labels = super().labels(cell, chrom)
        return labels if self.bound or (cell, chrom) not in self.gaps else np.where(labels == 1, 0, labels)


def test_a_test_chromosome_without_measurement_has_no_value_for_what_reads_it(study):
    plan = study[1]
    found = run(Gap({("x", "e")}), plan, ["accessibility", "catchitt", "motif"])
    auroc = found[found["metric"] == "auroc"].set_index("method")
    for method in ("accessibility", "catchitt"):
        assert np.isnan(auroc.loc[method, "value"])
        said = "x has peaks of TF on the test chromosome e and no accessibility there; give a file that holds e"
        assert auroc.loc[method, "note"].startswith(said)
    whole = study[2][study[2]["metric"] == "auroc"].set_index("method")
    for method in ("motif", evaluate.SIGNAL, evaluate.CHANCE):
        assert auroc.loc[method, "value"] == whole.loc[method, "value"]


def test_a_training_chromosome_without_measurement_is_left_out_and_named(study):
    bins, plan = Gap({("y", "a"), ("y", "b")}), study[1]
    found = run(bins, plan, ["accessibility", "catchitt"])
    assert not {("y", "a"), ("y", "b")} & {asked[:2] for asked in bins.asked}
    assert found["note"].eq("not trained on a, b of y, where it has no accessibility").all()
    auroc = found[found["metric"] == "auroc"].set_index("method")["value"]
    assert auroc["catchitt"] > auroc["accessibility"] > 0.6
    nothing = run(Gap({(cell, chrom) for cell in "yz" for chrom in "abc"}), plan, ["catchitt"])
    assert nothing["note"].str.startswith("no training cell was measured").all() and nothing["value"].isna().all()


def test_a_chromosome_without_peaks_may_count_as_zero(study):
    """As Y in a female cell."""
    found = run(Gap({("y", "a"), ("x", "e")}, bound=False), study[1], ["accessibility", "motif"])
    assert found["note"].eq("").all() and found["value"].notna().all()


def test_chromosomes_of_the_config_are_the_genomes_own_under_another_name():
    resolve = {"1": "chr1", "M": "chrM"}.get
    found = evaluate.chromosomes(
        ["chr1", "chr2", "chr3", "chrM"], {"validation": ["chr2"], "test": ["1"]}, ["M"], lambda c: resolve(c, c)
    )
    assert found == {"validation": ["chr2"], "test": ["chr1"], "train": ["chr3"]}
