"""The IBIS profile on made-up files of the forms that IBIS gives: sheet, protocol, and the table of predictions."""

import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tfbind import check_files, dna
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.io.genome import Genome, index
from tfbind.models import baseline, score_files
from tfbind.seeding import generator
from tfbind.sequences import drawing, positives
from tfbind.study import config

PROFILE = Path(__file__).parents[2] / "resources" / "ibis"
CHROMOSOMES = ("chr1", "chr2", "chr3", "chr4", "chr11")
SITE = {"TFA": "TGACGTCA", "TFB": "CACGTGGC"}
#: Peaks of a TF on each chromosome; of each TF, so many of the other for its aliens.
PEAKS, MORE, SIZE = 12, 30, 300_000
NAMES = (
    "CHROM",
    "START",
    "END",
    "abs_summit",
    "pileup",
    "-log10(pvalue)",
    "fold_enrichment",
    "-log10(qvalue)",
    "name ",
)
HEADER = "#" + "\t".join([*NAMES, " supporting_peakcallers"]) + "\n"
FLANKS = "lf5ACGACGCTCTTCCGATCTAT_rf3AGCCTCAGATCGGAAGAGCA"


def script(name):
    """A script of the profile as a module."""
    spec = importlib.util.spec_from_file_location(f"ibis_{name}", PROFILE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sheet, predictions = script("sheet"), script("predictions")


def random(rng, size):
    """Random bases."""
    return "".join(rng.choice(list("ACGT"), size))


def planted(rng, size, site):
    """Random bases around a site, on either strand."""
    text = random(rng, size)
    at = int(rng.integers(0, size - len(site)))
    text = text[:at] + site + text[at + len(site) :]
    return dna.reverse_complement_text(text) if rng.random() < 0.5 else text


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder laid out as the training data of IBIS, with a genome beside it."""
    rng, folder = np.random.default_rng(24), tmp_path_factory.mktemp("ibis")
    genome = {name: list(random(rng, SIZE)) for name in CHROMOSOMES}
    base = folder / "data" / "train"

    def write(path, text):
        path = base / path
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") if path.suffix == ".gz" else open(path, "w") as out:
            out.write(text)

    for number, (tf, site) in enumerate(SITE.items()):
        for assay, name in (("CHS", "THC_0001.Rep-DIANA_0293"), ("GHTS", f"YWK_B_AffSeq_G3_{tf}.C4")):
            lines = [HEADER]
            for chrom in CHROMOSOMES:
                places = np.arange(4_000, SIZE - 4_000, 4_000 if tf == "TFA" else 2_000) + 1_000 * number
                for at in np.sort(rng.choice(places, PEAKS if tf == "TFA" else MORE, replace=False)):
                    summit = at + int(rng.integers(150, 250))
                    genome[chrom][summit : summit + len(site)] = site
                    lines.append(
                        f"{chrom}\t{at}\t{at + 400}\t{summit}\t40\t12.5\t{rng.uniform(3, 9):.3f}\t9.1\tp\tgem,sissrs\n"
                    )
                lines.append(HEADER)  # files of both sets of chromosomes are joined with their headers
            write(f"{assay}/{tf}/{name}.peaks", "".join(lines))
        for path in (f"HTS/{tf}/{tf}_R0_C3_{FLANKS}.fastq.gz", f"SMS/{tf}/UT380-04{number}.fastq.gz"):
            reads = [planted(rng, 40, site) for _ in range(600)]
            write(path, "".join(f"@r{i}\n{read}\n+\n{'I' * 40}\n" for i, read in enumerate(reads)))
        names = ["id_spot", "row", "col", "control", "id_probe", "pbm_sequence", "linker_sequence"]
        lines = ["#" + "\t".join([*names, "mean_signal_intensity", "mean_background_intensity", "flag"]) + "\n"]
        for spot in range(1_500):
            bound = spot < 60
            probe = planted(rng, 35, site) if bound else random(rng, 35)
            signal = rng.uniform(5, 9) if bound else rng.normal()  # QNZS are Z-scores
            cells = [spot, spot // 50, spot % 50, "FALSE", f"ME_{spot:05d}", probe, "CCTGTGTGAAATTGTTATCCGCTCT"]
            lines.append("\t".join(map(str, [*cells, f"{signal:.4f}", "", 0])) + "\n")
        for normalised in ("QNZS", "SD"):
            write(f"PBM/{tf}/{normalised}_PBM1433{number}.tsv", "".join(lines))
    write("CHS/TFA/read.me", "not of IBIS\n")
    source = folder / "source.fa"
    source.write_text("".join(f">{name}\n{''.join(bases)}\n" for name, bases in genome.items()))
    index(source, folder / "hg38.fa")
    (folder / "black.bed").write_text("chr1\t0\t1000\n")
    return folder


def study(data, folder, **changes):
    """The study of the profile, as a run with the command of its config loads it."""
    assert sheet.main([str(data / "data"), str(folder / "datasets.tsv")]) == 0
    genome = {"fasta": str(data / "hg38.fa"), "blacklist": str(data / "black.bed")}
    given = {"datasets": str(folder / "datasets.tsv"), "genomes": {"hg38": genome}}
    return config.load(PROFILE / "config.yaml", given | changes)


# --------------------------------------------------------------------------------------------------------- the sheet


def test_every_file_is_a_row_with_what_its_name_says(data, tmp_path, capsys):
    found = study(data, tmp_path).datasets
    assert len(found) == 10
    said = capsys.readouterr()
    assert "10 datasets of 2 TFs, 3 file(s) left out" in said.out
    assert "read.me: no file name that IBIS gives to CHS data of TFA" in said.err
    assert said.err.count("the same probes as in its QNZS table") == 2
    columns = ("tf", "assay", "format", "genome", "replicate", "cycle", "design", "note")
    assert {name: tuple(row[column] for column in columns) for name, row in found.items() if row["tf"] == "TFA"} == {
        "TFA_CHS_THC_0001.Rep-DIANA_0293": ("TFA", "chipseq", "peaks", "hg38", "THC_0001.Rep-DIANA_0293", "", "", ""),
        "TFA_GHTS_YWK_B_AffSeq_G3_TFA_C4": ("TFA", "ghtselex", "peaks", "hg38", "YWK_B_AffSeq_G3_TFA", "4", "", ""),
        "TFA_HTS_R0_C3": ("TFA", "htselex", "fastq", "", "R0", "3", "", FLANKS),
        "TFA_SMS_UT380-040": ("TFA", "smileseq", "fastq", "", "UT380-040", "", "", ""),
        "TFA_PBM_PBM14330": ("TFA", "pbm", "probes", "", "PBM14330", "", "ME", "QNZS"),
    }


def test_a_sheet_may_be_of_some_tfs_and_of_the_other_normalisation(data, tmp_path):
    assert sheet.main([str(data / "data" / "train"), str(tmp_path / "s.tsv"), "--tf", "TFB", "--pbm", "SD"]) == 0
    rows = tables.read_tsv(tmp_path / "s.tsv")
    assert rows["tf"].unique().tolist() == ["TFB"] and rows["note"].dropna().tolist() == [FLANKS, "SD"]


def test_folders_without_files_of_ibis_are_refused(data, tmp_path, capsys):
    (tmp_path / "HTS" / "TFA").mkdir(parents=True)
    (tmp_path / "HTS" / "TFA" / "TFB_R0_C3_lf5A_rf3C.fastq.gz").touch()
    assert sheet.main([str(tmp_path), str(tmp_path / "s.tsv")]) == InputError.exit_code
    said = capsys.readouterr().err
    assert "TFB_R0_C3_lf5A_rf3C.fastq.gz: no file name that IBIS gives to HTS data of TFA" in said
    assert "no file of IBIS; it holds CHS, GHTS, HTS, SMS, PBM" in said and not (tmp_path / "s.tsv").exists()
    assert sheet.main([str(data / "data"), str(tmp_path / "s.tsv"), "--tf", "TFC"]) == InputError.exit_code
    assert "no data of TFC; there are TFA, TFB" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------ the protocol


def test_validate_passes(data, tmp_path):
    said = []
    assert check_files.read_files(study(data, tmp_path), said.append) == []
    chs = next(line for line in said if line.startswith("TFA_CHS"))
    assert "summit in column 4 (abs_summit), score in column 7 (fold_enrichment)" in chs


def drawn(found, dataset):
    """Positives and named sets of negatives of a dataset, as the jobs of a run make them."""

    def bound(name):
        row = found.datasets[name]
        where = found.config["genomes"].get(row["genome"])
        genome = Genome(where["fasta"]) if where else None
        black = where["blacklist"] if where else None
        options = {"split": found.config["split"], "genome": genome, "blacklist": black}
        return positives.positives(row, **sequence, **options, rng=generator("positives", name))[0], options

    sequence = dict(found.config["sequence"])
    table, options = bound(dataset)
    pools = found.pools(dataset)
    sets = drawing.sets(
        found.datasets[dataset],
        found.drawn(dataset),
        table,
        sequence=sequence,
        seeds=1,
        neighbours=found.neighbours(dataset),
        others={label: [bound(name)[0] for name in names] for label, names in pools.items()},
        bound=[bound(name)[0] for name in found.alike(dataset)],
        **options,
    )
    made = {}
    for label, negatives, tally in sets:
        assert tally.total("kept") == len(negatives), "a pool to draw from is not kept"
        made[label] = negatives
    return table, made


@pytest.mark.parametrize("dataset", ["TFA_CHS_THC_0001.Rep-DIANA_0293", "TFA_GHTS_YWK_B_AffSeq_G3_TFA_C4"])
def test_genomic_data_have_windows_splits_and_named_negatives_at_their_ratios(data, tmp_path, dataset):
    table, sets = drawn(study(data, tmp_path), dataset)
    peaks = pd.read_csv(study(data, tmp_path).datasets[dataset]["path"], sep="\t", comment="#", header=None)
    # the window of IBIS: 150 bp on either side of the summit
    assert table["start"].tolist() == (peaks[3] - 150).tolist() and set(table["sequence"].str.len()) == {301}
    assert set(sets) == {"shades", "aliens", "random"}
    number = table["chrom"].str.removeprefix("chr").astype(int)
    assert ((table["split"] == "test") == (number % 2 == 0)).all()
    assert ((table["split"] == "validation") == (number == 11)).all() and (table["split"] == "train").any()
    for label, ratio in (("shades", 1), ("aliens", 2), ("random", 2)):
        found = sets[label]
        assert set(found["sequence"].str.len()) == {301}
        assert found["split"].value_counts().to_dict() == (ratio * table["split"].value_counts()).to_dict(), label
        assert found.groupby("chrom")["split"].first().eq(table.groupby("chrom")["split"].first()).all()
    # shades lie beside their own peaks, 300 to 600 bp from their edges
    peak = peaks.set_axis(table["id"]).loc[sets["shades"]["origin"]]
    before = peak[1].to_numpy() - sets["shades"]["end"].to_numpy(int)
    behind = sets["shades"]["start"].to_numpy(int) - peak[2].to_numpy()
    away = np.maximum(before, behind)
    assert away.min() >= 300 and away.max() <= 600
    # aliens are windows of the other TF; random ones have the GC counts of the positives
    other = drawn(study(data, tmp_path), dataset.replace("TFA", "TFB"))[0]
    assert sets["aliens"]["sequence"].isin(other["sequence"]).all()
    for split in tables.SPLITS:
        bound, unbound = (
            rows["sequence"][rows["split"] == split].str.count("[GC]") for rows in (table, sets["random"])
        )
        assert abs(bound.mean() - unbound.mean()) < 0.5


def test_reads_have_aliens_of_their_cycle(data, tmp_path):
    found = study(data, tmp_path)
    for dataset, label, ratio in (("TFA_HTS_R0_C3", "aliens", 2), ("TFA_SMS_UT380-040", "sms_aliens", 5)):
        table, sets = drawn(found, dataset)
        assert set(sets) == {label} and found.config["negatives"][label]["ratio"] == ratio
        assert set(table["sequence"].str.len()) == {40}
        # the library of the other TF is as large as this one: its reads are all taken, and the log counts what is short
        other, _ = drawn(found, dataset.replace("TFA", "TFB").replace("040", "041"))
        assert sets[label]["split"].value_counts().to_dict() == other["split"].value_counts().to_dict()


def test_probes_have_the_ratio_of_ibis(data, tmp_path):
    table, sets = drawn(study(data, tmp_path), "TFA_PBM_PBM14330")
    assert len(table) == 60 and set(sets) == {"probes"}
    # one array design trains; with the other, it would be the test
    assert set(table["split"]) == {"train", "validation"} == set(sets["probes"]["split"])
    assert sets["probes"]["split"].value_counts().to_dict() == (10 * table["split"].value_counts()).to_dict()
    # bound probes hold the motif, and only the variable part of a probe is a sequence
    turned = dna.reverse_complement_text(SITE["TFA"])
    held = table["sequence"].str.contains(f"{SITE['TFA']}|{turned}")
    assert held.all() and set(table["sequence"].str.len()) == {35}
    assert sets["probes"]["score"].max() < table["score"].min()


def test_every_set_is_scored_for_itself(data, tmp_path):
    found = study(data, tmp_path)
    assert found.test_labels("TFA_CHS_THC_0001.Rep-DIANA_0293", "aliens") == ["shades", "aliens", "random"]


# -------------------------------------------------------------------------------------------- the table of predictions


def refused(path, tags, tfs):
    """What the public check of IBIS says of a submission: its rules, by the table in README.md."""
    header, *lines = path.read_text().splitlines()
    columns = header.split("\t")
    rows = [line.split("\t") for line in lines]
    said = [] if len(columns) > 1 else ["no TF"]
    said += [f"unknown TF {tf}" for tf in columns[1:] if tf not in tfs]
    said += [f"unknown tag {row[0]}" for row in rows if row[0] not in tags]
    said += [f"no prediction for {tag}" for tag in sorted(set(tags) - {row[0] for row in rows})]
    for row in rows:
        said += [f"{row[0]}: {len(row)} cells"] if len(row) != len(columns) else []
        for cell in row[1:]:
            whole, _, after = cell.partition(".")
            if not (whole.isdigit() and (after == "" or after.isdigit()) and len(after) <= 5 and 0 <= float(cell) <= 1):
                said.append(f"{row[0]}: {cell}")
    return said


@pytest.fixture
def scored(tmp_path, rng):
    """A test file of IBIS, the tables that `tfbind score` writes for it, and the benchmark JSON."""
    tags = [f"swift-{animal}-{i}" for i, animal in enumerate(["otter", "NA", "1e5", "heron"] * 50)]
    (tmp_path / "CHS_participants.fasta").write_text(
        "".join(f">{tag} left=AC;right=GT\n{random(rng, 301)}\n" for tag in tags)
    )
    for tf in ("TFA", "TFB"):
        logit = rng.normal(-12, 6, len(tags))
        logit[:3] = 40, 41, -60  # their probabilities round to 1, 1 and 0
        columns = {"id": tags, "logit": logit, "probability": 1 / (1 + np.exp(-logit)), "out_of_domain": ""}
        tables.write_tsv(pd.DataFrame(columns), tmp_path / f"{tf}.tsv")
    (tmp_path / "benchmark.json").write_text(json.dumps({"tags": tags, "tfs": ["TFA", "TFB", "TFC"], "scorers": []}))
    return tmp_path, tags


def submit(folder, *more):
    """Write the submission of both TFs."""
    pairs = [f"{tf}={folder / tf}.tsv" for tf in ("TFA", "TFB")]
    return predictions.main([str(folder / "CHS_participants.fasta"), *pairs, "--out", str(folder / "out.tsv"), *more])


def test_a_submission_passes_the_rules_of_the_public_check_and_keeps_the_ranks(scored):
    folder, tags = scored
    assert submit(folder, "--benchmark", str(folder / "benchmark.json")) == 0
    assert refused(folder / "out.tsv", tags, ["TFA", "TFB", "TFC"]) == []
    table = pd.read_csv(folder / "out.tsv", sep="\t", dtype={"tag": str}, keep_default_na=False)
    assert table.columns.tolist() == ["tag", "TFA", "TFB"] and table["tag"].tolist() == tags
    logit = tables.read_tsv(folder / "TFA.tsv")["logit"].astype(float)
    assert table["TFA"].rank().tolist() == logit.rank().tolist() and set(table["TFA"].agg(["min", "max"])) == {0, 1}


def test_from_a_model_to_a_submission(tmp_path, rng):
    parts = []
    for label, share in ((1, 0.7), (0, 0.4)):
        texts = ["".join(rng.choice(list("ACGT"), 40, p=[(1 - share) / 2, share / 2] * 2)) for _ in range(200)]
        split = ["train", "validation", "train", "test"] * 50
        columns = {"id": [f"{label}_{i}" for i in range(200)], "sequence": texts, "split": split}
        parts.append(tables.sequences(label=label, origin="made", **columns))
    baseline.fit("composition", {}, *parts, 0, tmp_path / "model")
    fasta = tmp_path / "HTS_participants.fasta"
    fasta.write_text("".join(f">tag-{i}\n{random(rng, 40)}\n" for i in range(30)))
    with open(tmp_path / "TFA.tsv", "w") as out:
        score_files.score_sequences(score_files.Scorer(tmp_path / "model"), score_files.fasta(str(fasta)), out)
    given = [str(fasta), f"TFA={tmp_path / 'TFA.tsv'}", "--out", str(tmp_path / "out.tsv")]
    assert predictions.main(given) == 0
    assert refused(tmp_path / "out.tsv", [f"tag-{i}" for i in range(30)], ["TFA"]) == []


def test_rows_in_another_order_meet_their_tags(scored):
    folder, _ = scored
    assert submit(folder) == 0
    first = (folder / "out.tsv").read_text()
    table = tables.read_tsv(folder / "TFA.tsv").sample(frac=1, random_state=3)
    table.to_csv(folder / "TFA.tsv", sep="\t", index=False)
    assert submit(folder) == 0 and (folder / "out.tsv").read_text() == first


def test_all_that_ibis_would_refuse_is_said_at_once(scored, capsys):
    folder, tags = scored
    table = tables.read_tsv(folder / "TFA.tsv")
    table.loc[4, "logit"] = ""
    table.loc[5, "logit"] = "inf"
    table.loc[6, "id"] = "other"
    pd.concat([table, table.tail(1)]).to_csv(folder / "TFA.tsv", sep="\t", index=False)
    (folder / "TFB.tsv").write_text("id\tprobability\nx\t0.5\n")
    told = {"tags": [*tags[1:], "more"], "tfs": ["TFA", "TFBB"]}
    (folder / "benchmark.json").write_text(json.dumps(told))
    assert submit(folder, "--benchmark", str(folder / "benchmark.json")) == InputError.exit_code
    said = capsys.readouterr().err
    for part in (
        "CHS_participants.fasta: 1 id (more) of",
        f"CHS_participants.fasta: 1 id ({tags[0]}) not in",
        "no TF 'TFB' in this benchmark, did you mean 'TFBB'?",
        f"TFA.tsv: 2 ids ({tags[4]}, {tags[5]}) without a finite logit",
        f"TFA.tsv: 1 id ({tags[6]}) of",
        "TFA.tsv: 1 id (other) not in",
        f"TFA.tsv: 1 id ({tags[-1]}) more than once; tfbind score MODEL --fasta",
        "TFB.tsv: no column logit; make it with tfbind score MODEL --fasta",
    ):
        assert part in said, part
    assert not (folder / "out.tsv").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [(">a\nACGT\n>a\nACGA\n", "1 tag (a) more than once"), (">b\nACGT\n", "1 id (b) of"), ("", "0 FASTA records")],
)
def test_a_test_file_that_is_no_test_file(tmp_path, capsys, text, said):
    (tmp_path / "t.fa").write_text(text)
    (tmp_path / "a.tsv").write_text("id\tlogit\na\t1\n")
    given = [str(tmp_path / "t.fa"), f"TFA={tmp_path / 'a.tsv'}", "--out", str(tmp_path / "out.tsv")]
    assert predictions.main(given) == InputError.exit_code
    assert said in capsys.readouterr().err


def test_a_tf_has_one_table_that_is_there(scored, capsys):
    folder, _ = scored
    given = [f"TFA={folder / 'TFA.tsv'}", f"TFA={folder / 'TFB.tsv'}", f"TFC={folder / 'none.tsv'}"]
    fasta = str(folder / "CHS_participants.fasta")
    assert predictions.main([fasta, *given, "--out", str(folder / "out.tsv")]) == InputError.exit_code
    said = capsys.readouterr().err
    assert "TFA has" in said and "give each TF one table" in said and "none.tsv: " in said


def test_the_config_is_data_and_says_the_numbers_of_ibis():
    written = yaml.safe_load((PROFILE / "config.yaml").read_text())
    assert written["sequence"]["length"] == 301
    assert written["split"]["test"] == [f"chr{number}" for number in range(2, 23, 2)]
    assert all(int(chrom.removeprefix("chr")) % 2 for chrom in written["split"]["validation"])
