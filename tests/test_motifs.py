import numpy as np
import pytest
from pyjaspar import jaspardb

from tfbind import dna, motifs
from tfbind.errors import InputError

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}


@pytest.fixture(scope="module")
def vertebrates():
    return motifs.jaspar()


def plain(text, matrix):
    """All site scores of both strands, base by base."""
    scores = []
    for strand in (text, "".join(COMPLEMENT[b] for b in reversed(text))):
        overhang = "N" * max(len(matrix) - len(strand), 0)
        strand = overhang + strand + overhang
        for start in range(len(strand) - len(matrix) + 1):
            site = strand[start : start + len(matrix)]
            columns = [dict(zip("ACGT", map(float, column), strict=True)) for column in matrix]
            scores.append(sum(c[b] if b in c else sum(c.values()) / 4 for b, c in zip(site, columns, strict=True)))
    return scores


def test_jaspar_is_pinned_and_whole(vertebrates):
    assert motifs.RELEASE == "JASPAR2026"
    assert len(vertebrates) > 900
    assert len(set(vertebrates.ids)) == len(vertebrates)
    assert len({i.split(".")[0] for i in vertebrates.ids}) == len(vertebrates)  # one version of each
    assert all(m.dtype == np.float32 and m.shape[1] == 4 and np.isfinite(m).all() for m in vertebrates.matrices)
    older = motifs.jaspar(release="JASPAR2020")
    assert len(older) < len(vertebrates)


@pytest.mark.parametrize(("groups", "release"), [(("Fungi", "nematodes"), motifs.RELEASE), (("plants",), "JASPAR2018")])
def test_jaspar_is_what_pyjaspar_fetches(groups, release):
    found = motifs.jaspar(groups, "core", release)
    known = jaspardb(release=release).fetch_motifs(collection="CORE", tax_group=list(groups))
    assert len(known) > 20
    for i, motif in enumerate(sorted(known, key=lambda motif: motif.matrix_id)):
        counts = np.array([motif.counts[base] for base in "ACGT"], float).T
        assert (found.ids[i], found.names[i]) == (motif.matrix_id, motif.name)
        assert found.species[i] == ",".join(map(str, motif.species))
        assert (found.matrices[i] == motifs.log_odds(counts)).all()
    assert len(found) == len(known)


def test_log_odds_use_root_n_pseudo_counts():
    bits = motifs.log_odds(np.array([[16.0, 0, 0, 0], [4, 4, 4, 4]]))
    assert bits[0] == pytest.approx([np.log2(17 / 20 * 4), *[np.log2(1 / 20 * 4)] * 3])
    assert bits[1] == pytest.approx([0, 0, 0, 0])


def test_of_tf_takes_any_case_and_prefers_human(vertebrates):
    assert motifs.of_tf("GATA3").names == ("Gata3",)
    assert motifs.of_tf("usf1").ids[0].startswith("MA0093.")
    ctcf = motifs.of_tf("CTCF")
    assert ctcf.ids == tuple(sorted(ctcf.ids)) and ctcf.ids[0].startswith("MA0139.")
    two = motifs.Motifs(("X", "x"), ("MA1.1", "MA2.1"), vertebrates.matrices[:2], ("10090", "9606"))
    assert motifs.of_tf("x", two).ids == ("MA2.1", "MA1.1")


def test_a_heterodimer_is_found_in_any_order_and_case():
    dimer = motifs.of_tf("MAX::MYC")
    assert set(dimer.names) == {"MAX::MYC"} and "MA0059" in dimer.ids[0]
    for name in ("MYC::MAX", "myc::Max"):
        assert motifs.of_tf(name).ids == dimer.ids
    assert motifs.of_tf("RXRA::Pparg").names == ("Pparg::Rxra",)
    assert "MAX::MYC" not in motifs.of_tf("MAX").names + motifs.of_tf("MYC").names
    with pytest.raises(InputError, match=r"'MAX-MYC': use the TF's name as JASPAR spells it \(a dimer: FOS::JUN\)"):
        motifs.of_tf("MAX-MYC")
    flies = motifs.jaspar(("insects",))
    assert motifs.of_tf("Su-H", flies).names == ("Su(H)",)


def test_a_tf_has_the_motifs_of_one_group():
    known, own = motifs.group_of("ABF1")  # yeast's, not the one of a plant
    assert {known.names[i] for i in own} == {"ABF1"} and len(known) == len(motifs.jaspar(("fungi",)))
    for tf, group in (("CTCF", "vertebrates"), ("USF", "insects"), ("GATA1::TAL1", "vertebrates")):
        known, own = motifs.group_of(tf)
        assert own and known.ids == motifs.jaspar((group,)).ids
    assert motifs.group_of("NOSUCH")[1] == []


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="NOSUCH"):
        motifs.of_tf("NOSUCH")
    with pytest.raises(InputError, match="JASPAR1999"):
        motifs.jaspar(release="JASPAR1999")
    with pytest.raises(InputError, match="martians"):
        motifs.jaspar(tax_groups=["martians"])


def test_score_equals_a_plain_scan(vertebrates):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGTN"), n, p=[0.24] * 4 + [0.04])) for n in (5, 9, 20, 40, 101, 33)]
    texts = [t.strip("N") for t in texts]
    chosen = vertebrates.take(
        list(range(0, len(vertebrates), 23)) + list(range(len(vertebrates) - 3, len(vertebrates)))
    )
    maxima, lse = motifs.score(dna.encode(texts), chosen)
    for row, text in enumerate(texts):
        for column, matrix in enumerate(chosen.matrices):
            scores = np.array(plain(text, matrix))
            assert maxima[row, column] == pytest.approx(scores.max(), abs=0.01)
            assert lse[row, column] == pytest.approx(np.log2(np.mean(2.0**scores)), abs=0.01)


def test_padding_and_strand_change_nothing(vertebrates):
    chosen = vertebrates.take(range(0, len(vertebrates), 40))
    texts = ["TTGACGTCATGGCACGTGACC", "ACG", "CCACCAGNNGGCGCTGATAAG", "NNGGCACGTGACC"]
    alone = motifs.score(dna.encode(texts), chosen)
    padded = motifs.score(dna.encode(texts, 120), chosen)
    before = motifs.score(dna.encode(["N" * 7 + t for t in texts], 120), chosen)
    other = motifs.score(dna.encode([dna.reverse_complement_text(t) for t in texts]), chosen)
    for one, two, three, four in zip(alone, padded, before, other, strict=True):
        assert np.array_equal(one, two) and np.array_equal(one, three)
        assert np.allclose(one, four, atol=1e-4)


def test_scores_of_one_row_do_not_depend_on_the_others(vertebrates):
    chosen = vertebrates.take(range(0, len(vertebrates), 100))
    tokens = np.random.default_rng(3).integers(0, 4, (30, 50), dtype=np.uint8)
    whole, part = motifs.score(tokens, chosen), motifs.score(tokens[7:8], chosen)
    assert np.array_equal(whole[0][7:8], part[0]) and np.array_equal(whole[1][7:8], part[1])


def test_a_sequence_without_bases_scores_the_column_means(vertebrates):
    chosen = vertebrates.take([0, 5])
    maxima, lse = motifs.score(np.full((1, 12), dna.UNKNOWN, np.uint8), chosen)
    means = [matrix.mean(1).sum() for matrix in chosen.matrices]
    assert maxima[0] == pytest.approx(means, abs=1e-3) and lse[0] == pytest.approx(means, abs=1e-3)
    assert np.array_equal(motifs.score(dna.encode([""]), chosen)[0], maxima)
    assert motifs.score(dna.encode([]), chosen)[0].shape == (0, 2)


def test_sites_beyond_float32_stay_exact():
    rng = np.random.default_rng(1)
    matrix = np.full((36, 4), -8, np.float32)
    matrix[:, 0] = 2
    matrix[:, 1] = rng.uniform(-9, -8, 36)
    long = motifs.Motifs(("A36",), ("X1.1",), (matrix,), ("",))
    text = "C" * 40
    maxima, lse = motifs.score(dna.encode([text, "A" * 40]), long)
    scores = np.array(plain(text, matrix))
    assert scores.max() < -280
    assert maxima[0, 0] == pytest.approx(scores.max(), abs=0.01)
    assert lse[0, 0] == pytest.approx(np.logaddexp2.reduce(scores) - np.log2(len(scores)), abs=0.01)
    assert maxima[1, 0] == pytest.approx(72, abs=0.01)


def test_lse_does_not_grow_with_length(vertebrates):
    rng = np.random.default_rng(5)
    chosen = vertebrates.take([i for i, m in enumerate(vertebrates.matrices) if len(m) == 8][:20])
    short = motifs.score(rng.integers(0, 4, (4000, 20), dtype=np.uint8), chosen)[1]
    long = motifs.score(rng.integers(0, 4, (4000, 200), dtype=np.uint8), chosen)[1]
    # the mean odds of random sequence are 1 whatever the length
    assert np.mean(2.0**short) == pytest.approx(1, abs=0.15)
    assert np.mean(2.0**long) == pytest.approx(1, abs=0.15)


def test_best_motif_of_each_tf():
    found = motifs.best_of(["USF1", "gata3"])
    assert found.ids == (motifs.of_tf("USF1").ids[0], motifs.of_tf("GATA3").ids[0])
    with pytest.raises(InputError, match="NOSUCH"):
        motifs.best_of(["USF1", "NOSUCH"])
