import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from tfbind import motifs
from tfbind.celltype import bins, cells, estimators, evaluate, features, tracks
from tfbind.celltype.networks import NETWORKS
from tfbind.celltype.tf_bins import open_tf
from tfbind.errors import InputError
from tfbind.io import genome, paths
from tfbind.io.tally import Tally
from tfbind.statistics import metrics
from tfbind.study import config, schema

STATISTICS = {"resamples": 100, "level": 0.95, "block": 10_000, "min_examples": 20}


@pytest.fixture(scope="module")
def study(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells") / "study"
    shutil.copytree(simulated, folder)
    genome.index(folder / "genome.fa", folder / "indexed.fa")
    known, read = {}, cells.cell

    def once(files, *others):
        key = str(files)
        if key not in known:
            known[key] = read(files, *others)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:  # the same files are read by every test
        patch.setattr(cells, "cell", once)
        yield folder, config.load(folder / "config.yaml")


def opened(study, tf, **changes):
    folder, loaded = study
    options = loaded.config["celltype"] | changes.pop("options", {})
    reference = genome.Genome(folder / "indexed.fa")
    files = changes.pop("files", loaded.cells)
    return open_tf(tf, files, reference, options, folder / "genes.gtf", folder / "blacklist.bed", **changes)


class Once:
    """The bins of a TF whose chromosomes are measured once, for many trials."""

    def __init__(self, tf_bins):
        self.tf_bins, self.names, self.known = tf_bins, tf_bins.names, {}

    def labels(self, cell, chrom):
        key = ("labels", cell, chrom)
        if key not in self.known:
            self.known[key] = self.tf_bins.labels(cell, chrom)
        return self.known[key]

    def unmeasured(self, cell, chrom):
        return self.tf_bins.unmeasured(cell, chrom)

    def matrix(self, cell, chrom, index):
        if (cell, chrom) not in self.known:
            every = np.arange(bins.count(self.tf_bins.genome.lengths[chrom]))
            self.known[cell, chrom] = self.tf_bins.matrix(cell, chrom, every)
        return self.known[cell, chrom][index]


def test_on_simulated_cells_the_regression_comes_within_two_points_of_the_generating_model(study):
    folder, loaded = study
    truth = pd.read_parquet(folder / "truth_bins.parquet")
    gaps, alone = [], []
    for tf in paths.TFS:
        tf_bins = Once(opened(study, tf))
        chromosomes = evaluate.chromosomes(tf_bins.tf_bins.genome.lengths, loaded.config["split"])
        for cell in loaded.cells:
            plan = evaluate.plan(list(loaded.cells), cell, chromosomes)
            test = evaluate.test_bins(tf_bins, tf, plan, STATISTICS)
            best = np.concatenate(
                [
                    truth.loc[truth["chrom"] == chrom, f"{tf}_{cell}"].to_numpy()[test.index[test.chrom == i]]
                    for i, chrom in enumerate(chromosomes["test"])
                ]
            )
            rows = evaluate.training(tf_bins, tf, plan, 10**6, 0)
            built = estimators.build(tf_bins.names, 0)
            fitted = [estimators.fit(built[name], *rows) for name in ("catchitt", "accessibility", "motif")]
            scores = evaluate.scored(
                tf_bins, plan, test, lambda X, f=fitted: np.stack([e.decision_function(X) for e in f])
            )
            values = [metrics.measure(test.labels, score)[1] for score in (best, *scores)]
            gaps.append(values[0] - values[1])
            alone.append(values[1] - max(values[2:]))
    assert np.mean(gaps) < 0.02
    assert min(alone) > 0.1


def test_bins_are_those_of_their_parts(study):
    loaded = study[1]
    tally = Tally()
    tf_bins = opened(study, "USF1", tally=tally)
    assert list(tf_bins.peaks) == list(tf_bins.cells) == list(loaded.cells)
    labels = tf_bins.labels("h1", "chr2")
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    peaks = tf_bins.peaks["h1"][0]
    middle = peaks.loc[peaks["chrom"] == "chr2", "summit"].to_numpy() // bins.STEP - 1
    assert np.isin(labels[middle[(middle >= 0) & (middle < len(labels))]], (1, 3)).all()
    index = np.array([7, 900, 30])
    matrix = tf_bins.matrix("h1", "chr2", index)
    assert matrix.shape == (3, len(tf_bins.names)) and matrix.dtype == np.float32
    tokens = tf_bins.tokens("chr2", index)
    np.testing.assert_array_equal(tokens[1], tf_bins.genome.windows(["chr2"], [45_000], [45_200])[0])
    known = (tokens != 4).sum(1)
    gc = np.isin(tokens, (1, 2)).sum(1) / np.maximum(known, 1)
    np.testing.assert_allclose(matrix[:, tf_bins.names.index("gc")], gc, rtol=1e-5)
    # the best site of a bin is that of its sequence, but for sites that hang over its ends
    inside = tf_bins.best_site(tokens)
    assert (inside <= matrix[:, tf_bins.names.index("motif_flank_max")] + 0.01).all()
    assert tally.total("read") > 0


def test_accessibility_is_normalised_to_the_reference_cell(study):
    first = opened(study, "USF1")
    other = opened(study, "USF1", options={"reference": "h1"})
    assert first.cells["k562"].track.knots is None and first.cells["h1"].track.knots is not None
    assert other.cells["h1"].track.knots is None and other.cells["k562"].track.knots is not None
    reference, mapped = (first.cells[cell].track.quantiles() for cell in ("k562", "h1"))
    assert np.mean(mapped) == pytest.approx(np.mean(reference), rel=0.05)


def test_features_are_those_that_every_cell_has(study):
    files = study[1].cells
    bare = files | {"h1": files["h1"] | {"accessibility_peaks": [], "expression": []}}
    names = opened(study, "USF1", files=bare).names
    assert "accessibility_in_peak" not in names and not any("expression" in name for name in names)
    full = opened(study, "USF1").names
    assert {"accessibility_in_peak", "expression_max"} <= set(full) and set(names) < set(full)


def test_partners_are_further_motifs_and_unknown_names_are_told(study):
    tf_bins = opened(study, "USF1", options={"motifs": {"USF1": ["USF1", "HNF4A"]}})
    assert "motif2_max" in tf_bins.names and "motif3_max" not in tf_bins.names
    assert set(features.names(tf_bins.recipe)) == set(tf_bins.names)
    with pytest.raises(InputError, match=r"celltype\.motifs: USF1: .*NOSUCH"):
        opened(study, "USF1", options={"motifs": {"USF1": ["NOSUCH"]}})


def test_every_feature_and_method_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "celltype.md").read_text()
    for name, text in features.DESCRIPTIONS.items():
        assert f"| `{name}` | {text} |" in page
    methods = schema.schema("config")["properties"]["celltype"]["properties"]["methods"]["default"]
    assert all(f"`{method}`" in page for method in methods)
    assert set(methods) == set(estimators.build(features.names(features.Recipe(motifs.jaspar().take([0]))), 0))
    networks = schema.schema("config")["properties"]["celltype"]["properties"]["networks"]["items"]["enum"]
    assert set(networks) == set(NETWORKS) and all(f"`{network}`" in page for network in networks)


def test_a_motif_is_learnt_from_training_peaks_alone(study):
    train = (["k562", "hepg2"], ["chr2", "chr3", "chr6", "chr7"])
    found = opened(study, "USF1", options={"motifs": {"USF1": ["learnt"]}}, train=train).recipe.motifs
    assert found.names == ("USF1",)


@pytest.mark.parametrize("absent", ["not named", "only zeros"])
def test_a_bigwig_without_a_test_chromosome_has_no_value_there(study, tmp_path, absent):
    folder, loaded = study
    reference = genome.Genome(folder / "indexed.fa")
    lengths = reference.lengths
    own = tracks.track([(row["path"], row["format"]) for row in loaded.cells["h1"]["accessibility"]], reference)
    runs = {chrom: own.runs(chrom) for chrom in lengths}
    lines = {chrom: np.repeat(values, np.diff(ends, prepend=0)).astype(float) for chrom, (ends, values) in runs.items()}
    split = loaded.config["split"]
    gone = split["test"][0]
    lines[gone][:] = 0
    held = {chrom: length for chrom, length in lengths.items() if absent == "only zeros" or chrom != gone}
    with pyBigWig.open(str(tmp_path / "h1.bw"), "w") as file:
        file.addHeader(list(held.items()))
        for chrom in held:
            file.addEntries(chrom, 0, values=lines[chrom], span=1, step=1)
    files = loaded.cells
    files = files | {"h1": files["h1"] | {"accessibility": [{"path": str(tmp_path / "h1.bw"), "format": "bigwig"}]}}
    tally = Tally()
    tf_bins = opened(study, "USF1", files=files, tally=tally)
    assert any(gone in reason for event, reason, _ in tally.rows if event == "noted") == (absent == "not named")
    plan = evaluate.plan(list(files), "h1", evaluate.chromosomes(lengths, split))
    methods = {name: estimators.build(tf_bins.names, 0)[name] for name in ("accessibility", "motif")}
    options = {"methods": methods, "limit": 2000, "seed": 0, "statistics": STATISTICS}
    auroc = evaluate.evaluate("USF1", tf_bins, plan, **options).query("metric == 'auroc'").set_index("method")
    assert np.isnan(auroc.loc["accessibility", "value"]) and auroc.loc["motif", "value"] > 0.6
    said = f"h1 has peaks of USF1 on the test chromosome {gone} and no accessibility there"
    assert auroc.loc["accessibility", "note"].startswith(said)
    # another test cell: what h1 lacks is not trained on where it has peaks, and it has some on no test chromosome
    other = evaluate.plan(list(files), "k562", evaluate.chromosomes(lengths, split))
    assert evaluate.note(tf_bins, other) == other.note()
