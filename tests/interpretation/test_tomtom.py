import numpy as np
import pandas as pd
import pytest

from tfbind import motifs
from tfbind.interpretation import tomtom
from tfbind.interpretation.tomtom import Learner


def shares(tf, known=None):
    """The TF's first JASPAR matrix as shares."""
    return np.exp2(motifs.of_tf(tf, known).matrices[0].astype(float)) / 4


def turned(share):
    return share[::-1, ::-1]


def learner(tf, source, assay, filters, model="deepbind"):
    """A model whose filters are these motifs: {name: (shares, importance)}."""
    rows = [
        dict(zip(("seed", "filter"), name.split("."), strict=True), n_sites=50, importance=part, effect=2 * part)
        for name, (_, part) in filters.items()
    ]
    found = {name: share for name, (share, _) in filters.items() if share is not None}
    table = pd.DataFrame(rows, columns=tomtom.LEARNT)
    return Learner({"tf": tf, "dataset": source, "assay": assay}, "standard", model, table, found)


@pytest.fixture(scope="module")
def table():
    nonsense = np.random.default_rng(0).dirichlet([0.3] * 4, 12)
    chip = {
        "ensemble.sites": (shares("USF1"), np.nan),
        "0.0": (shares("USF1"), 0.7),
        "0.1": (turned(shares("USF2")), 0.1),
        "0.2": (shares("NFYA"), 0.15),
        "0.3": (turned(shares("NFYC")), 0.05),
        "0.4": (nonsense, 0.0),
        "0.5": (None, 0.0),
    }
    selex = {"ensemble.sites": (turned(shares("USF1")), np.nan), "0.0": (shares("USF1"), 1.0)}
    nobody = {"0.0": (shares("NFYA"), 1.0)}
    learners = [learner("USF1", "chip", "chipseq", chip), learner("USF1", "selex", "htselex", selex)]
    learners.append(learner("NOBODY", "reads", "htselex", nobody))
    return tomtom.tabulate(learners)


def test_each_motif_meets_the_known_one_on_either_strand(table):
    found = table[0].set_index(["source", "filter"])
    assert list(table[0].columns) == tomtom.COLUMNS
    for key in [("chip", "sites"), ("chip", "0"), ("selex", "sites")]:
        row = found.loc[key]
        assert (row["match_tf"], row["kinship"], row["own_rank"]) == ("USF1", "own", 1)
        assert row["p_value"] <= row["q_value"] < 1e-6 and row["p_value"] == row["own_p_value"]
    assert found.loc[("chip", "1"), "kinship"] in ("own", "alike")
    assert found.loc[("chip", "2"), "kinship"] == "other" and found.loc[("chip", "2"), "own_rank"] > 20


def test_matches_that_are_like_each_other_have_one_name(table):
    found = table[0].set_index(["source", "filter"])["alike_to"]
    own = motifs.of_tf("USF1").ids[0]
    assert {found[key] for key in [("chip", "0"), ("chip", "1"), ("selex", "0"), ("selex", "sites")]} == {own}
    assert found["chip", "2"] == found["chip", "3"] != own


def test_what_matches_nothing_and_what_is_no_motif_stay_as_rows(table):
    found = table[0].set_index(["source", "filter"])
    nonsense, none = found.loc[("chip", "4")], found.loc[("chip", "5")]
    assert nonsense["q_value"] > tomtom.LEVEL and pd.isna(nonsense["kinship"]) and pd.isna(nonsense["alike_to"])
    assert pd.isna(none["match"]) and pd.isna(none["consensus"])
    assert len(table[0]) == 7 + 2 + 1


def test_a_tf_that_jaspar_does_not_know_has_no_own_motif(table):
    row = table[0][table[0]["tf"] == "NOBODY"].iloc[0]
    assert row["match_tf"] == "NFYA" and row["kinship"] == "other" and pd.isna(row["own"]) and pd.isna(row["own_rank"])


def test_q_values_are_those_of_benjamini_and_hochberg(table):
    share = shares("NFYA")
    p = tomtom.compare([share], motifs.jaspar())[0]
    order = np.sort(p)
    smallest = min(order[i] * len(p) / (i + 1) for i in range(len(p)))
    row = table[0].set_index(["source", "filter"]).loc[("chip", "2")]
    assert row["p_value"] == p.min() and row["q_value"] == pytest.approx(smallest)


def test_motifs_of_another_group_are_found_where_the_tf_is():
    known, own = motifs.group_of("Reb1")
    assert [known.names[i].upper() for i in own] == ["REB1"] and len(known) == len(motifs.jaspar(("fungi",)))


def test_tfs_that_no_group_knows_read_each_group_once():
    motifs._jaspar.cache_clear()
    for tf in ("NOSUCH1", "NOSUCH2"):
        known, own = motifs.group_of(tf)
        assert own == [] and known.ids == motifs.jaspar().ids
    assert motifs._jaspar.cache_info().misses == len(motifs.GROUPS)


def test_no_model_is_an_empty_table():
    table, found = tomtom.tabulate([])
    assert list(table.columns) == tomtom.COLUMNS and table.empty and found == {}


def test_trim_keeps_what_says_something_and_most_sites_reach():
    core = np.diag([40, 40, 40, 40, 40])[:, :4]
    core[4] = [0, 0, 40, 0]
    flat = np.full((3, 4), 10)
    rare = np.array([[15, 0, 0, 0]])  # of 40 sites, 15 reach so far
    np.testing.assert_array_equal(tomtom.trim(np.concatenate([rare, flat, core, flat])), core)
    assert tomtom.trim(flat).shape == (0, 4) and tomtom.trim(core[:4]).shape == (0, 4)


def test_the_core_is_what_neighbours_hold():
    sharp, flat = np.eye(4)[[0, 1, 2]], np.full((9, 4), 0.25)
    assert tomtom.core(np.concatenate([sharp, flat, sharp])) == pytest.approx(6)
    assert tomtom.core(np.concatenate([sharp, flat[:5], sharp])) == pytest.approx(6)
    assert tomtom.core(np.concatenate([sharp, flat[:2], sharp])) == pytest.approx(12)
    assert tomtom.core(flat[:0]) == 0


def test_consensus_is_in_iupac_letters():
    counts = np.array([[9, 0, 0, 1], [5, 0, 5, 0], [3, 3, 2, 2], [0, 0, 0, 10]])
    assert tomtom.consensus(counts) == "ARNT" and tomtom.consensus(counts[:0]) == ""


def test_shares_and_information_by_hand():
    counts = np.array([[3, 0, 0, 0], [1, 1, 1, 1]])
    np.testing.assert_allclose(tomtom.shares(counts), [[3.25 / 4, 0.25 / 4, 0.25 / 4, 0.25 / 4], [0.25] * 4])
    np.testing.assert_allclose(tomtom.information(np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])), [2, 0, 1])


def test_meme_files_come_back(tmp_path):
    given = {"0.3": shares("USF1"), "ensemble.sites": turned(shares("CTCF"))}
    tomtom.write(given, tmp_path / "a.meme")
    found = tomtom.read(tmp_path / "a.meme")
    assert list(found) == list(given)
    for name, share in given.items():
        np.testing.assert_allclose(found[name], share, atol=1e-5)
    tomtom.write({}, tmp_path / "b.meme")
    assert tomtom.read(tmp_path / "b.meme") == {}
