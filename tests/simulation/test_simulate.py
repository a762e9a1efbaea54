import gzip
import json
import resource
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import average_precision_score, roc_auc_score

from tfbind import dna, motifs
from tfbind.assays import ASSAYS, IN_VITRO, IN_VIVO, Assay
from tfbind.celltype import bins, tracks
from tfbind.celltype import cells as celltype_cells
from tfbind.errors import InputError, ResourceError
from tfbind.io import genome as genomes
from tfbind.io import intervals, tables
from tfbind.io import paths as io_paths
from tfbind.io.paths import COFACTORS, CYCLES, TFS
from tfbind.io.peaks import read_peaks
from tfbind.io.sequence_files import read_counts
from tfbind.sequences import drawing
from tfbind.sequences import positives as of_row
from tfbind.simulation import energies, reads, settings, simulate
from tfbind.simulation.cells import _write_open, cell_sheet
from tfbind.study import config

WINDOW = 50


@pytest.fixture(scope="module")
def study(simulated):
    return simulated


@pytest.fixture(scope="module")
def truth(study):
    return json.loads((study / "truth.json").read_text())


@pytest.fixture(scope="module")
def genome(study):
    records = (study / "genome.fa").read_text().split(">")[1:]
    parts = (record.partition("\n") for record in records)
    return {name: body.replace("\n", "") for name, _, body in parts}


def peaks_of(folder, dataset):
    columns = ["chrom", "start", "end", "name", "score", "strand", "signal", "p", "q", "peak"]
    return pd.read_csv(folder / f"{dataset}.narrowPeak", sep="\t", names=columns)


def windows(genome, peaks):
    summit = peaks["start"] + peaks["peak"]
    return [genome[c][s - WINDOW : s + WINDOW + 1].upper() for c, s in zip(peaks["chrom"], summit, strict=True)]


def inserts(path):
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert len(lines) % 4 == 0 and all(line == "+" for line in lines[2::4])
    assert all(name.startswith("@") for name in lines[0::4]) and len(set(lines[0::4])) == len(lines) // 4
    assert all(len(read) == len(quality) for read, quality in zip(lines[1::4], lines[3::4], strict=True))
    left, right = settings.LEFT_FLANK, settings.RIGHT_FLANK
    whole = [read for read in lines[1::4] if read.startswith(left) and read.endswith(right)]
    assert 0.98 < len(whole) / len(lines[1::4]) < 1
    return [read[len(left) : -len(right)] for read in whole]


def share_with_motif(texts, tf, bits):
    return (motifs.score(dna.encode(texts), motifs.of_tf(tf).take([0]))[0][:, 0] > bits).mean()


def scrambled(texts, rng):
    return ["".join(rng.permutation(list(text))) for text in texts]


def test_writes_the_files_it_names(study):
    assert sorted(path.name for path in study.iterdir()) == io_paths.simulated()


def test_another_seed_gives_another_study(study, tmp_path):
    """That equal arguments give equal bytes is in test_cli.py, where another process writes them."""
    simulate.study(str(tmp_path), 1)
    for name in io_paths.simulated():
        same = (tmp_path / name).read_bytes() == (study / name).read_bytes()
        assert same == (name in ("config.yaml", "datasets.tsv", "cells.tsv"))


def test_genome_looks_like_one(genome):
    assert list(genome) == [f"chr{i}" for i in range(1, 9)]
    assert all(150_000 <= len(text) <= 250_000 for text in genome.values())
    text = "".join(genome.values())
    assert set(text) == set("ACGTNacgtn") or set(text) == set("ACGTNacgt")
    assert 0.05 < sum(map(str.islower, text)) / len(text) < 0.5
    assert all("N" * 300 in one.upper() for one in genome.values())
    upper = text.upper()
    c, g, known = upper.count("C"), upper.count("G"), len(upper) - upper.count("N")
    assert 0.35 < (c + g) / known < 0.5
    assert upper.count("CG") * known / (c * g) < 0.5  # CpG depletion
    assert upper.count("GC") * known / (c * g) > 0.8
    patches = [text[i : i + 1000].upper() for i in range(0, len(text) - 1000, 1000)]
    assert np.std([(p.count("G") + p.count("C")) / 1000 for p in patches]) > 2 * np.sqrt(0.25 / 1000)


def test_true_sites_stand_in_the_genome(genome, truth):
    for name, sites in truth["sites"].items():
        motif = motifs.of_tf(name).take([0])
        assert motif.ids[0] == truth["motifs"][name]
        texts = []
        for chrom, start, end, strand, _ in sites:
            text = genome[chrom][start:end].upper()
            texts.append(text if strand == "+" else dna.reverse_complement_text(text))
        tokens = dna.encode(texts)
        bits = motif.matrices[0][np.arange(tokens.shape[1]), tokens].sum(1)
        assert len(sites) > 400
        assert bits == pytest.approx([site[4] for site in sites], abs=2e-3)


@pytest.mark.parametrize("dataset", ["USF1_k562", "USF1_hepg2", "GATA3_k562", "CTCF_k562"])
def test_peaks_parse_and_hold_the_motif(dataset, study, genome, truth):
    peaks, about = peaks_of(study, dataset), truth["datasets"][dataset]
    assert 600 <= len(peaks) <= 1000 and peaks["name"].is_unique
    assert (peaks["start"] >= 0).all() and (
        peaks["end"] <= peaks["chrom"].map({c: len(t) for c, t in genome.items()})
    ).all()
    assert peaks["peak"].between(0, peaks["end"] - peaks["start"] - 1).all()
    assert peaks["score"].between(0, 1000).all() and peaks["signal"].is_monotonic_decreasing
    assert sorted(about["peaks"]) == sorted(peaks["name"])
    assert sum(about["share"].values()) == pytest.approx(1)
    cause = peaks["name"].map(lambda name: about["peaks"][name][0])
    assert {"site", "weak", "tethered", "artefact"} == set(cause)
    blacklist = pd.read_csv(study / "blacklist.bed", sep="\t", names=["chrom", "from", "to"])
    merged = peaks.assign(summit=peaks["start"] + peaks["peak"]).merge(blacklist, on="chrom")
    inside = merged[merged["summit"].between(merged["from"], merged["to"] - 1)]
    assert set(inside["name"]) == set(peaks.loc[cause == "artefact", "name"])
    tf = dataset.split("_")[0]
    bits = 0.6 * motifs.of_tf(tf).matrices[0].max(1).sum()
    texts = windows(genome, peaks)
    background = share_with_motif(scrambled(texts, np.random.default_rng(0)), tf, bits)
    found = [text for text, why in zip(texts, cause, strict=True) if why == "site"]
    assert share_with_motif(found, tf, bits) > max(0.7, 3 * background)
    indirect = [text for text, why in zip(texts, cause, strict=True) if why == "tethered"]
    assert share_with_motif(indirect, tf, bits) < share_with_motif(found, tf, bits) / 2


def test_each_cell_has_its_cofactor(study, genome):
    bits = {name: 0.75 * motifs.of_tf(name).matrices[0].max(1).sum() for name in COFACTORS.values()}
    texts = {cell: windows(genome, peaks_of(study, f"USF1_{cell}")) for cell in COFACTORS}
    for cell, own in COFACTORS.items():
        (other,) = texts.keys() - {cell}
        assert share_with_motif(texts[cell], own, bits[own]) > 1.5 * share_with_motif(texts[other], own, bits[own])


def test_selection_enriches_the_motif_cycle_by_cycle(study, truth):
    for tf in TFS:
        bits = 0.6 * motifs.of_tf(tf).matrices[0].max(1).sum()
        paths = [study / "selex_0.fastq.gz", *(study / f"{tf}_selex_{cycle}.fastq.gz" for cycle in CYCLES)]
        shares = [share_with_motif(inserts(path), tf, bits) for path in paths]
        assert all(later > 1.1 * earlier for earlier, later in pairwise(shares)), (tf, shares)
        assert shares[-1] > 5 * shares[0]
        bound = list(truth["datasets"][f"{tf}_selex"]["bound"].values())
        assert bound == sorted(bound) and len(bound) == 4


def test_reads_have_duplicates_and_a_fair_initial_library(study):
    chosen = inserts(study / "USF1_selex_3.fastq.gz")
    assert {len(read) for read in chosen} == {20}
    assert 6000 <= len(set(chosen)) <= 0.95 * len(chosen)
    start = inserts(study / "selex_0.fastq.gz")
    assert len(set(start)) == len(start)
    tokens = dna.encode(start)
    counts = np.bincount(tokens[tokens < 4], minlength=4)
    assert counts / counts.sum() == pytest.approx([0.25] * 4, abs=0.01)
    assert 0 < (tokens == dna.UNKNOWN).any(1).mean() < 0.02


def test_weights_stand_for_the_random_library():
    """What a plain random pool is enriched for after one cycle, the weighted mixture gives too."""
    motif = motifs.of_tf("USF1").take([0])
    rng = np.random.default_rng(0)
    binds = energies.of("USF1", motif)
    number, _, bound = next(reads.htselex(binds, 40_000, rng))
    pool = rng.integers(0, 4, (400_000, 20), dtype=np.uint8)
    odds = binds.odds(pool)
    low, high = -60.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (odds / (odds + 2**-middle)).mean() < settings.BOUND else (low, middle)
    occupancy = odds / (odds + 2**-low)
    weight = occupancy + settings.CARRIED["htselex"] * (1 - occupancy)
    expected = (weight * occupancy).sum() / weight.sum()
    assert number == 1 and bound == pytest.approx(expected, rel=0.1)


def test_sheet_names_the_files(study):
    sheet = tables.read_tsv(study / "datasets.tsv").fillna("")
    chips = ["USF1_k562", "USF1_hepg2", "GATA3_k562", "CTCF_k562"]
    series = ["USF1_selex", "GATA3_selex", "CTCF_selex"]
    assert sheet["dataset"].tolist() == chips + series
    for path in [*sheet["path"], *filter(None, sheet["input_path"])]:
        assert (study / path).is_file()
    assert set(sheet.loc[sheet["assay"] == "htselex", "cycle"]) == {"3"}


def test_options_are_causes(study, truth, tmp_path):
    simulate.study(tmp_path, 0, cofactor={"k562": 0.0}, gc_bias=2.0, cycle=4)
    changed = json.loads((tmp_path / "truth.json").read_text())
    assert (tmp_path / "genome.fa").read_bytes() == (study / "genome.fa").read_bytes()
    assert "tethered" not in changed["datasets"]["USF1_k562"]["share"]
    before, after = (t["datasets"]["USF1_k562"]["with_cofactor"] for t in (truth, changed))
    assert after < 0.6 * before
    assert "tethered" in changed["datasets"]["USF1_hepg2"]["share"]
    genome = {
        r.partition("\n")[0]: r.partition("\n")[2].replace("\n", "")
        for r in (tmp_path / "genome.fa").read_text().split(">")[1:]
    }
    plain, biased = (dna.gc(dna.encode(windows(genome, peaks_of(f, "CTCF_k562")))) for f in (study, tmp_path))
    assert biased.mean() > plain.mean() + 0.02
    assert "CTCF_selex_4.fastq.gz" in (tmp_path / "datasets.tsv").read_text()


def test_options_out_of_range_are_refused(tmp_path):
    long = next(name for name in motifs.jaspar().names if len(motifs.of_tf(name).matrices[0]) > 20)
    with pytest.raises(InputError) as caught:
        simulate.study(tmp_path, cycle=9, cofactor={"hela": 1.0}, tfs=(long,))
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["cofactor", "tfs", "cycle"]
    with pytest.raises(InputError, match="NOSUCH"):
        simulate.study(tmp_path, tfs=("NOSUCH",))
    assert not list(tmp_path.iterdir())


def test_the_demo_is_the_same_study():
    repo = Path(__file__).parents[2]
    demo, own = yaml.safe_load((repo / "config.yaml").read_text()), yaml.safe_load(simulate.config())
    for key in ("sequence", "split", "negatives", "models", "training", "statistics"):
        assert demo[key] == own[key], key
    assert demo["celltype"] == own["celltype"] | {"tfs": ["USF1"]}  # the demo's sheet is that of the three TFs
    sheet = tables.read_tsv(repo / "resources" / "datasets.tsv")
    for column in ("path", "input_path"):
        sheet[column] = sheet[column].str.removeprefix("simulated/")
    assert sheet.fillna("").equals(simulate._sheet(io_paths.experiments()).astype(sheet.dtypes))
    cells = tables.read_tsv(repo / "resources" / "cells.tsv")
    cells["path"] = cells["path"].str.removeprefix("simulated/")
    assert cells.fillna("").equals(cell_sheet(TFS).astype(cells.dtypes))


@pytest.fixture(scope="module")
def every_truth(every_assay):
    return json.loads((every_assay / "truth.json").read_text())


PLACED = [row for row in io_paths.experiments(TFS, ASSAYS) if ASSAYS[row["assay"]].form == "peaks"]
PLACED = [row for row in PLACED if row["format"] != "bins"]


def called(folder, row):
    """Peaks of an experiment as the readers give them, and what caused each."""
    peaks = read_peaks(folder / row["path"], row["format"] or "narrowpeak")
    causes = json.loads((folder / "truth.json").read_text())["datasets"][row["dataset"]]["peaks"]
    return peaks.assign(cause=[cause for cause, _ in causes.values()])


def around(genome, peaks):
    return windows(genome, peaks.assign(start=0, peak=peaks["summit"]))


def to_sites(peaks, sites):
    """How far each summit lies from the middle of the nearest planted site, in bp."""
    sites = pd.DataFrame(sites, columns=["chrom", "start", "end", "strand", "bits"])
    middles = {chrom: np.sort((part["start"] + part["end"]) // 2) for chrom, part in sites.groupby("chrom")}
    return np.array(
        [np.abs(middles[chrom] - summit).min() for chrom, summit in zip(peaks["chrom"], peaks["summit"], strict=True)]
    )


def test_all_assays_write_the_files_they_name(every_assay, study):
    assert sorted(path.name for path in every_assay.iterdir()) == io_paths.simulated(assays=ASSAYS)
    sheet = tables.read_tsv(every_assay / "datasets.tsv").fillna("")
    assert set(sheet["assay"]) == set(ASSAYS)
    for path in [*sheet["path"], *filter(None, sheet["input_path"])]:
        assert (every_assay / path).is_file()
    # an experiment is the same, whichever others the study has
    for name in set(io_paths.simulated()) - {"config.yaml", "datasets.tsv", "truth.json"}:
        assert (every_assay / name).read_bytes() == (study / name).read_bytes(), name


def test_the_order_of_the_assays_and_the_others_change_no_experiment(every_assay, tmp_path):
    simulate.study(tmp_path, assays=["pbm", "smileseq", "cuttag"])
    names = io_paths.simulated(assays=["cuttag", "smileseq", "pbm"])
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in set(names) - {"config.yaml", "datasets.tsv", "truth.json"}:
        assert (tmp_path / name).read_bytes() == (every_assay / name).read_bytes(), name


@pytest.mark.parametrize("row", PLACED, ids=lambda row: row["dataset"])
def test_peaks_of_all_assays_are_read_and_hold_the_motif(row, every_assay, genome, every_truth):
    peaks = called(every_assay, row)
    assert 800 <= len(peaks) <= (1000 if row["assay"] != "dapseq" else 2000)
    tf = row["tf"]
    bits = 0.6 * motifs.of_tf(tf).matrices[0].max(1).sum()
    found = around(genome, peaks[peaks["cause"] == "site"])
    background = share_with_motif(scrambled(found, np.random.default_rng(0)), tf, bits)
    assert share_with_motif(found, tf, bits) > max(0.7, 3 * background)
    assert sum(every_truth["datasets"][row["dataset"]]["share"].values()) == pytest.approx(1)


def test_summits_are_as_sharp_as_the_assay(every_assay, every_truth):
    """From the base (ChIP-exo) over fragments (ChIP-seq) to what a tethered enzyme cuts."""
    spread, width = {}, {}
    for row in PLACED:
        if row["dataset"].startswith("USF1") and row["cell"] in ("", "k562"):
            peaks = called(every_assay, row)
            peaks = peaks[peaks["cause"] == "site"]
            far = to_sites(peaks, every_truth["sites"]["USF1"])
            spread[row["assay"]] = np.median(far[far < 100])
            width[row["assay"]] = (peaks["end"] - peaks["start"]).median()
    assert spread["chipexo"] <= 2 < spread["chipseq"] < spread["cutandrun"]
    assert width["chipexo"] == 1 and width["chipseq"] < width["cutandrun"] and width["chipseq"] < width["cuttag"]


def test_open_chromatin_is_cut_in_cells_alone(every_assay, every_truth, genome):
    """CUT&RUN and, more, CUT&Tag call open elements without a site; naked DNA has neither cell nor co-factor."""
    bits = 0.75 * motifs.of_tf("FOS::JUN").matrices[0].max(1).sum()
    opened, helped = {}, {}
    for row in PLACED:
        if row["dataset"].startswith("USF1") and row["cell"] in ("", "k562"):
            opened[row["assay"]] = every_truth["datasets"][row["dataset"]]["share"].get("open", 0)
            helped[row["assay"]] = share_with_motif(around(genome, called(every_assay, row)), "FOS::JUN", bits)
    assert opened["chipseq"] == opened["chipexo"] == opened["dapseq"] == opened["ghtselex"] == 0
    assert 0.05 < opened["cutandrun"] < 0.5 * opened["cuttag"]
    assert max(helped["dapseq"], helped["ghtselex"]) < 0.75 * helped["chipseq"] < helped["chipseq"] < helped["cuttag"]


def test_naked_dna_is_bound_wherever_a_site_is(every_assay, every_truth):
    """In a cell closed chromatin hides sites; and only elements are read there."""
    sites = [site for site in every_truth["sites"]["USF1"] if site[4] > 14]
    found = {}
    for row in PLACED:
        if row["dataset"] in ("USF1_k562", "USF1_dapseq", "USF1_ghtselex"):
            peaks = called(every_assay, row).rename(columns={"summit": "middle"})
            found[row["assay"]] = np.mean(
                [
                    (np.abs(peaks.loc[peaks["chrom"] == c, "middle"] - (s + e) // 2) < 60).any()
                    for c, s, e, _, _ in sites
                ]
            )
    assert found["dapseq"] > 1.5 * found["chipseq"] and found["ghtselex"] > 1.2 * found["chipseq"], found


def test_bins_count_reads_that_selection_moves_to_sites(every_assay, every_truth, genome):
    for tf in TFS:
        bins = pd.read_csv(every_assay / f"{tf}_ghtselex_bins.tsv.gz", sep="\t")
        cycles = [f"cycle_{cycle}" for cycle in range(5)]
        assert list(bins) == ["chrom", "start", "end", "name", *cycles]
        assert (bins["end"] - bins["start"] == 200).all() and (bins["start"] % 200 == 0).all()
        lengths = {chrom: len(text) for chrom, text in genome.items()}
        assert (bins["end"] <= bins["chrom"].map(lengths)).all() and not bins.duplicated(["chrom", "start"]).any()
        assert bins.groupby("chrom")["end"].max().to_dict() == lengths
        assert (bins[cycles].sum() > 50_000).all() and bins[cycles].sum().std() < 0.02 * bins[cycles].sum().mean()
        # the bins of the best sites win reads from cycle to cycle, those without any lose them
        motif = motifs.of_tf(tf).take([0])
        texts = [genome[c][s:e].upper() for c, s, e in zip(bins["chrom"], bins["start"], bins["end"], strict=True)]
        score = motifs.score(dna.encode(texts), motif)[1][:, 0]
        black = pd.read_csv(every_assay / "blacklist.bed", sep="\t", names=["chrom", "from", "to"])
        inside = np.zeros(len(bins), bool)
        for chrom, start, end in black.itertuples(index=False):
            inside |= (bins["chrom"] == chrom) & (bins["start"] < end) & (bins["end"] > start)
        assert bins.loc[inside, "cycle_0"].mean() > 5 * bins.loc[~inside, "cycle_0"].mean()
        clean = ~inside & np.array(["N" not in text for text in texts])
        top = clean & (score > np.quantile(score[clean], 0.95))
        means = bins.loc[top, cycles].mean()
        assert all(later > 1.05 * earlier for earlier, later in pairwise(means.iloc[:4])), means
        assert means.iloc[-1] > 4 * means.iloc[0]
        bound = list(every_truth["datasets"][f"{tf}_ghtselex_bins"]["bound"].values())
        assert bound == sorted(bound) and len(bound) == 5


def test_short_inserts_come_as_counts_of_one_late_cycle(every_assay):
    for tf in TFS:
        table = read_counts(every_assay / f"{tf}_selexseq.tsv.gz")
        assert list(table) == ["sequence", 0, 3] and (table["sequence"].str.len() == 16).all()
        assert table[0].sum() == table[3].sum() == 8000 and table["sequence"].is_unique
        bits = 0.6 * motifs.of_tf(tf).matrices[0].max(1).sum()
        before, after = (share_with_motif(table["sequence"][table[cycle] > 0].tolist(), tf, bits) for cycle in (0, 3))
        assert after > max(0.01, 20 * before), (tf, before, after)  # 15 bp of CTCF have two places in an insert


def test_one_round_in_a_trap_is_enough(every_assay):
    for tf in TFS:
        chosen = inserts(every_assay / f"{tf}_smileseq.fastq.gz")
        assert {len(text) for text in chosen} == {30}
        bits = 0.6 * motifs.of_tf(tf).matrices[0].max(1).sum()
        background = share_with_motif(scrambled(chosen, np.random.default_rng(0)), tf, bits)
        one_cycle = share_with_motif(inserts(every_assay / f"{tf}_selex_1.fastq.gz"), tf, bits)
        assert share_with_motif(chosen, tf, bits) > max(2 * background, 1.5 * one_cycle)


def probe_table(folder, tf, design):
    return pd.read_csv(folder / f"{tf}_pbm_{design}.tsv", sep="\t")


def test_each_array_holds_all_8_mers_and_shares_no_probe_with_the_other(every_assay):
    tables_of = {design: probe_table(every_assay, "USF1", design) for design in ("A", "B")}
    for table in tables_of.values():
        assert table["sequence"].str.len().eq(59).all() and table["sequence"].is_unique
        assert table["sequence"].str.endswith(settings.PROBE_END).all()
        tokens = dna.encode(table["sequence"].str[:35].tolist()).astype(int)
        words = np.lib.stride_tricks.sliding_window_view(tokens, 9, axis=1) @ 4 ** np.arange(9)
        counts = np.bincount(words.ravel(), minlength=4**9)
        assert (counts >= 1).all() and (counts > 1).sum() < 60  # the last probe closes the circle
        assert not table.duplicated(["row", "col"]).any()
    assert not set(tables_of["A"]["sequence"]) & set(tables_of["B"]["sequence"])
    assert (probe_table(every_assay, "CTCF", "A")["sequence"] == tables_of["A"]["sequence"]).all()


def test_probes_shine_as_they_are_bound(every_assay, every_truth):
    for tf in TFS:
        for design in ("A", "B"):
            table = probe_table(every_assay, tf, design)
            assert 0.001 < table["flag"].mean() < 0.01
            good = table[table["flag"] == 0]
            level = np.log(good["signal"] - good["background"])
            score = motifs.score(dna.encode(good["sequence"].str[:35].tolist()), motifs.of_tf(tf).take([0]))[1][:, 0]
            best = score >= np.quantile(score, 0.99)
            assert level[best].median() > level[~best].median() + np.log(2)
            assert good["background"].between(50, 800).all() and (good["signal"] > good["background"]).all()
            # a gradient over the array, which has nothing to do with the sequences
            there = np.stack([good["row"] / good["row"].max(), good["col"] / good["col"].max(), np.ones(len(good))], 1)
            slope = np.linalg.lstsq(there[~best], level[~best], rcond=None)[0][:2]
            assert slope == pytest.approx(every_truth["datasets"][f"{tf}_pbm_{design}"]["trend"], abs=0.1)


def oracle(tf):
    """The TF's true energies, log-sum-exp over positions and both strands, by the plain definition."""
    matrix = motifs.of_tf(tf).matrices[0].astype(float)

    def score(tokens):
        found = np.lib.stride_tricks.sliding_window_view(tokens, len(matrix), axis=1)
        bits = np.concatenate([m[np.arange(len(matrix)), found].sum(2) for m in (matrix, matrix[::-1, ::-1])], axis=1)
        return np.logaddexp2.reduce(bits, axis=1)

    return score


@pytest.fixture(scope="module")
def read_as_a_run_does(every_assay, tmp_path_factory):
    """Dataset -> its positives and negatives, made of its files as a run makes them; all, and more negatives."""
    loaded = config.load(every_assay / "config.yaml")
    fasta = tmp_path_factory.mktemp("every_genome") / "genome.fa"
    genomes.index(every_assay / "genome.fa", fasta)
    made = {}
    for dataset in loaded.datasets:
        row = loaded.row(dataset)
        placed = {"genome": genomes.Genome(fasta), "blacklist": every_assay / "blacklist.bed"} if row["genome"] else {}
        options = {"sequence": loaded.made(dataset) | {"limit": None}, "split": loaded.config["split"]}
        positives, _ = of_row.positives(
            row, **options["sequence"], **placed, split=options["split"], rng=np.random.default_rng(0)
        )
        labels = {label: options | {"ratio": 5} for label, options in loaded.drawn(dataset).items()}
        ((_, negatives, _),) = drawing.sets(row, labels, positives, **options, **placed, seeds=1, others={})
        made[dataset] = positives, negatives
    return made


def test_an_oracle_reaches_the_stated_auroc_on_every_target(read_as_a_run_does, every_truth):
    checked = set()
    for row in io_paths.experiments(TFS, ASSAYS):
        target, score = row["dataset"], oracle(row["tf"])
        # an array is tested on the other design; of the others more rows are a better estimate
        rows = [part[part["split"] == "test"] if row["design"] else part for part in read_as_a_run_does[target]]
        positives, negatives = (score(dna.encode(part["sequence"].tolist())) for part in rows)
        reached = roc_auc_score(np.repeat([1, 0], [len(positives), len(negatives)]), [*positives, *negatives])
        stated = every_truth["expected"][target]
        for source in (other for other in io_paths.experiments([row["tf"]], ASSAYS) if not other["cell"]):
            value = stated["auroc"][source["dataset"]]
            assert reached == pytest.approx(value, abs=0.01), (target, source["dataset"])
            checked.add((source["dataset"], target))
    assert len(checked) == 8 * len(every_truth["expected"])  # datasets in vitro of a TF, on all targets


@pytest.mark.parametrize("pair", [*combinations(ASSAYS, 2)], ids=lambda pair: " ".join(pair))
def test_each_pair_of_assays_is_a_valid_study(pair, every_assay, tmp_path):
    """With the files of the study of all assays, which are those of the pair's own study."""
    sheet = tables.read_tsv(every_assay / "datasets.tsv").fillna("")
    sheet = sheet[sheet["assay"].isin(pair)]
    for column in ("path", "input_path"):
        sheet[column] = [path and str(every_assay / path) for path in sheet[column]]
    tables.write_tsv(sheet, tmp_path / "datasets.tsv")
    options = yaml.safe_load(simulate.config(pair))
    for name in ("genome.fa", "blacklist.bed", "genes.gtf", "cells.tsv"):
        (tmp_path / name).symlink_to(every_assay / name)
    for path in tables.read_tsv(every_assay / "cells.tsv")["path"]:
        (tmp_path / path).symlink_to(every_assay / path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(options))
    loaded = config.load(tmp_path / "config.yaml")
    assert not loaded.notes and {row["assay"] for row in loaded.datasets.values()} == set(pair)
    for tf in TFS:
        mine = [name for name, row in loaded.datasets.items() if row["tf"] == tf]
        for source in mine:
            other = {loaded.datasets[target]["assay"] for target in loaded.targets(source)}
            assert other == set(pair), "the pair is compared both ways"


def test_only_what_is_planted_makes_drops(every_truth):
    """In vitro all assays of a TF have one perfect model; a cell has its co-factor, and open chromatin is cut."""
    expected = every_truth["expected"]
    of = {row["dataset"]: row for row in io_paths.experiments(TFS, ASSAYS)}
    assert set(expected) == set(of)
    in_vivo_gain = {}
    for target, about in expected.items():
        for source, drop in about["drop"].items():
            assert of[source]["tf"] == of[target]["tf"] and drop == about["auroc"][target] - about["auroc"][source]
            cells_of = of[source]["cell"], of[target]["cell"]
            if cells_of == ("", ""):
                assert drop == 0
            elif cells_of[0] == cells_of[1]:
                assert abs(drop) < 0.015  # they differ in how much open chromatin counts
            elif cells_of[1]:
                assert drop > 0.03, (source, target)
                in_vivo_gain.setdefault(of[target]["assay"], []).append(drop)
    gain = {assay: np.mean(drops) for assay, drops in in_vivo_gain.items()}
    assert gain["chipseq"] < gain["cutandrun"] < gain["cuttag"]


def test_another_mode_of_binding_is_a_drop_both_ways_and_its_removal_none(tmp_path):
    chosen = {"tfs": ("USF1",), "assays": ["pbm", "selexseq", "smileseq"], "reads": 4000}
    simulate.study(tmp_path, modes={"pbm": 0.5, "smileseq": 1.0}, **chosen)
    truth = json.loads((tmp_path / "truth.json").read_text())
    expected = truth["expected"]
    assert expected["USF1_pbm_A"]["planted"] == {"spaced": 0.5} and expected["USF1_selexseq"]["planted"] == {}
    assert truth["motifs"]["USF1_spaced"] == "MA0093.4_spaced" and len(truth["sites"]["USF1_spaced"]) > 400
    assert expected["USF1_pbm_A"]["drop"]["USF1_selexseq"] > 0.03
    assert expected["USF1_smileseq"]["drop"]["USF1_selexseq"] > 0.05
    assert expected["USF1_selexseq"]["drop"]["USF1_smileseq"] > 0.05
    assert expected["USF1_pbm_A"]["drop"]["USF1_pbm_B"] == 0
    matrix = motifs.of_tf("USF1").matrices[0]
    spaced = energies.spaced(energies.of("USF1", motifs.of_tf("USF1").take([0])), 0.5).motifs.matrices[1]
    assert np.array_equal(np.delete(spaced, [5, 6], 0), matrix) and not spaced[5:7].any()


@pytest.mark.parametrize("form", ["peaks", "reads", "intensities"])
@pytest.mark.parametrize("side", [IN_VIVO, IN_VITRO])
def test_an_assay_that_is_only_described_gets_data_by_its_form(form, side, monkeypatch, tmp_path):
    monkeypatch.setitem(ASSAYS, "toy", Assay("Toy-seq", form, side, cycles=form == "reads" and side == IN_VITRO))
    simulate.study(tmp_path, tfs=("USF1",), assays=["toy", "chipseq"], peaks=200, reads=2000)
    assert sorted(path.name for path in tmp_path.iterdir()) == io_paths.simulated(("USF1",), ["toy", "chipseq"])
    sheet = tables.read_tsv(tmp_path / "datasets.tsv").fillna("")
    toys = sheet[sheet["assay"] == "toy"]
    # an array has two designs; a cell is assayed wherever the first TF is
    assert len(toys) == (2 if form == "intensities" else 1) * (2 if side == IN_VIVO else 1)
    negatives = yaml.safe_load((tmp_path / "config.yaml").read_text())["negatives"]["standard"]["kind"]
    kinds = {"peaks": {"dinucleotide"}, "reads": {"dinucleotide", "input"}, "intensities": {"provided"}}
    assert negatives["toy"] in kinds[form] and negatives["chipseq"] == "dinucleotide"
    expected = json.loads((tmp_path / "truth.json").read_text())["expected"]
    assert all(expected[dataset]["auroc"][dataset] > 0.75 for dataset in toys["dataset"])


def test_assays_that_cannot_be_simulated_are_refused_by_name(tmp_path):
    with pytest.raises(InputError) as caught:
        simulate.study(tmp_path, assays=["ChIP-seq", "xyz", "selexseq"], modes={"pbm": 0.5, "selexseq": 2})
    faults = "\n".join(caught.value.faults)
    for said in ("'ChIP-seq'; did you mean chipseq?", "'xyz'; use chipseq", "'pbm' is not among", "2 is not a share"):
        assert said in faults
    with pytest.raises(InputError, match="CTCF in selexseq has 17 bp, longer than 16 bp"):
        simulate.study(tmp_path, assays=["selexseq"], modes={"selexseq": 0.5})
    with pytest.raises(InputError, match="assays: none"):
        simulate.study(tmp_path, assays=[])
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def cells(study, tmp_path_factory):
    """What a reader makes of the cells: the genome, each cell, and of each TF in each cell labels and truth."""
    loaded = config.load(study / "config.yaml")
    fasta = tmp_path_factory.mktemp("genome") / "genome.fa"
    genomes.index(study / "genome.fa", fasta)
    reference = genomes.Genome(fasta)
    black = intervals.read_blacklist(study / "blacklist.bed", reference)
    truth = pd.read_parquet(study / "truth_bins.parquet")
    opened, labels = {}, {}
    for cell, files in loaded.cells.items():
        opened[cell] = celltype_cells.cell(files, reference, study / "genes.gtf")
        for tf in loaded.cell_tfs():
            rows = [read_peaks(files[kind][tf][0]["path"], "narrowpeak") for kind in PEAK_KINDS]
            labels[tf, cell] = np.concatenate(
                [
                    bins.label(
                        length,
                        *(bins.intervals(table, chrom) for table in (*rows, black)),
                        bins.unknown(reference.tokens(chrom)),
                    )
                    for chrom, length in reference.lengths.items()
                ]
            )
    return reference, opened, labels, truth


PEAK_KINDS = ("conservative", "relaxed")


def test_bins_are_bound_as_often_as_the_truth_says(cells):
    _, _, labels, truth = cells
    assert len(labels) == 9
    chances, bound = [], []
    for (tf, cell), found in labels.items():
        chance = truth[f"{tf}_{cell}"].to_numpy()
        there = found != bins.REMOVED
        assert 0.01 < (found[there] == bins.BOUND).mean() < 0.15 and (found == bins.AMBIGUOUS).any()
        chances.append(chance[there])
        bound.append(found[there] == bins.BOUND)
    chances, bound = np.concatenate(chances), np.concatenate(bound)
    edges = np.quantile(chances, [0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 1])
    for low, high in pairwise(edges):
        here = (chances > low) & (chances <= high)
        # four bins share each peak, so that a quarter of the rows counts
        error = np.sqrt(chances[here].mean() * (1 - chances[here].mean()) / (here.sum() / 4))
        assert abs(bound[here].mean() - chances[here].mean()) < 4 * error


def test_relaxed_peaks_hold_the_conservative_ones_and_more(study):
    for tf in TFS:
        tight, wide = (peaks_of(study, f"{tf}_h1_{kind}") for kind in PEAK_KINDS)
        summits = [set(zip(p["chrom"], p["start"] + p["peak"], strict=True)) for p in (tight, wide)]
        assert summits[0] < summits[1]
        assert (tight["end"] - tight["start"] == 200).all() and (wide["end"] - wide["start"] == 300).all()


def test_each_format_shows_where_its_cell_is_open(cells):
    reference, opened, _, _ = cells
    found = {}
    for cell, one in opened.items():
        parts = []
        for chrom, length in reference.lengths.items():
            mean = bins.from_steps(tracks.steps(one.track, chrom).mean) / bins.STEPS
            is_open = bins.touched(bins.intervals(one.peaks, chrom), length)
            assert mean[is_open].mean() > 3 * mean[~is_open].mean()
            parts.append(np.log1p(mean))
        found[cell] = np.concatenate(parts)
        assert np.average(np.expm1(found[cell])) == pytest.approx(1, abs=0.05)  # depth is divided out
        assert (one.genes["tpm"] > 0).all() and len(one.genes) > 100
    for one, other in (("k562", "hepg2"), ("k562", "h1"), ("hepg2", "h1")):
        assert 0.2 < np.corrcoef(found[one], found[other])[0, 1] < 0.9  # some elements are open in both, others not


def test_the_truth_ranks_bins_better_than_its_parts(cells):
    reference, opened, labels, truth = cells
    for tf in TFS:
        motif = motifs.of_tf(tf).take([0])
        found = labels[tf, "h1"]
        there = found < bins.AMBIGUOUS
        rows = [
            reference.windows([c] * bins.count(n), s := np.arange(bins.count(n)) * bins.STEP, s + bins.WIDTH)
            for c, n in reference.lengths.items()
        ]
        best = np.concatenate([motifs.score(tokens, motif)[0][:, 0] for tokens in rows])
        access = np.concatenate([tracks.steps(opened["h1"].track, chrom).median for chrom in reference.lengths])
        areas = [
            average_precision_score(found[there] == bins.BOUND, score[there])
            for score in (truth[f"{tf}_h1"].to_numpy(), best, access)
        ]
        assert areas[0] > 0.5 and areas[0] > 1.5 * max(areas[1:]) and min(areas[1:]) > 1.5 * found[there].mean()


def test_a_track_is_not_begun_on_a_full_disk(tmp_path, rng):
    """pyBigWig would end the process."""
    starts = np.sort(rng.integers(0, 49_000, 2000))
    cuts, before = {"chr1": np.stack([starts, starts + 100], 1)}, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(ResourceError, match=r"open\.bw: not written: File too large"):
            _write_open(tmp_path / "open.bw", cuts, {"chr1": "A" * 50_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
    _write_open(tmp_path / "open.bw", cuts, {"chr1": "A" * 50_000})
    assert (tmp_path / "open.bw").stat().st_size > 5000
