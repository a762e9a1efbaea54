"""`tfbind init`: what is proposed from files, each column by column, and the study that comes of it."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from bad_inputs import CHROMOSOMES, bed, fasta, fastq, packed, peak, sequences, spaced
from tfbind import assays, cli
from tfbind.errors import InputError
from tfbind.proposal import genomes, held_out, names, propose, recognise
from tfbind.proposal.item import Item
from tfbind.study import config

BIN, REPO = Path(sys.executable).parent, Path(__file__).parents[2]
FIXTURES = REPO / "tests" / "fixtures"
PEAKS = "".join(spaced(30, name) for name in CHROMOSOMES)
FEWER = "".join(spaced(20, name) for name in CHROMOSOMES)


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def proposed(folder, *given, tf=(), assay=(), genome=()):
    """Rows by the names of their files, the config, and the whole proposal; written and read as a study."""
    answers = propose.Answers(
        *(cli._answers(name, list(got)) for name, got in (("tf", tf), ("assay", assay), ("genome", genome)))
    )
    found = propose.propose(folder, [folder / name for name in given], answers)
    propose.write(found, folder)
    text = (folder / "datasets.tsv").read_text().splitlines()
    rows = list(csv.DictReader((line for line in text if not line.startswith("#")), delimiter="\t"))
    said = yaml.safe_load((folder / "config.yaml").read_text())
    if not found.questions:
        config.load(folder / "config.yaml")
    return {Path(row["path"]).name: {k: v for k, v in row.items() if v} for row in rows}, said, found


def test_from_files_to_a_valid_study_without_an_editor(tmp_path, monkeypatch, capsys):
    """Two peak files, a SELEX series and a genome: the study is valid as it stands, and Snakemake plans it."""
    data = tmp_path / "data"
    reads = sequences(300, 20)
    write(data, {
        "peaks_USF1_K562.narrowPeak": PEAKS, 
        "USF1_H1.bed": bed(*((c, 700 + 150 * i, 790 + 150 * i) for c in CHROMOSOMES for i in range(30))),
        "genome.fa.gz": packed(fasta(CHROMOSOMES)),
        **{f"USF1_{cycle}.fastq.gz": packed(fastq(reads[75 * cycle :][:75])) for cycle in (0, 1, 2, 3)},
    })  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for arguments, expected in (
        (["init", "study", *sorted(data.iterdir())], 0),
        (["validate", "study/config.yaml"], 0),
    ):
        monkeypatch.setattr(sys, "argv", ["tfbind", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr().out
        assert code == expected, said
        if arguments[0] == "init":
            assert said.endswith("Next: tfbind validate study/config.yaml\nthen: tfbind run study/config.yaml\n")
    assert "valid; 1 TF in 5 datasets (2 chipseq, 3 htselex)" in said
    command = [
        BIN / "snakemake",
        "--snakefile",
        REPO / "Snakefile",
        "--dry-run",
        "--configfile",
        "config.yaml",
        "--cores",
        "1",
    ]
    run = subprocess.run(command, cwd=tmp_path / "study", capture_output=True, text=True)
    assert run.returncode == 0 and "report_page" in run.stdout, run.stderr


def test_training_is_proposed_by_what_the_study_holds(tmp_path):
    """Reads that shall reach peaks get further negatives and more weight decay; those of one TF no other TF's reads."""
    peaks = {"USF1_K562.narrowPeak": PEAKS, "genome.fa": fasta(CHROMOSOMES)}
    reads = {f"USF1_{cycle}.fastq": fastq(sequences(75, cycle)) for cycle in (0, 3)}
    other = {f"GATA3_{cycle}.fastq": fastq(sequences(75, 10 + cycle)) for cycle in (0, 3)}
    late = {f"GATA3_{cycle}.fastq": fastq(sequences(75, 10 + cycle)) for cycle in (0, 4)}
    for i, (files, also) in enumerate((
        (peaks, None), (reads, None), (peaks | reads, ["dinucleotide"]), (peaks | reads | late, ["dinucleotide"]),
        (peaks | reads | other, ["other_tf", "dinucleotide"]),
    )):  # fmt: skip
        folder = tmp_path / str(i)
        write(folder, files)
        _, said, _ = proposed(folder)
        assert said["negatives"] == {"standard": {"kind": "usual", **({"also": {"reads": also}} if also else {})}}
        assert said.get("training") == ({"weight_decay": {"reads": 0.3}} if also else None)
        assert {"deepbind", "deepbind_scan", "deepbind_occupancy", "pwm", "composition"} < set(said["models"])
        lines = (folder / "config.yaml").read_text().splitlines()
        above = dict(zip(lines[1:], lines, strict=False))
        for label in said["models"]:
            (line,) = [line for line in lines if line.startswith(f"  {label}:")]
            assert above[line].startswith("  # "), "each model has its reason"


def test_a_folder_is_described_by_paths_within_it(tmp_path):
    write(tmp_path, {
        "USF1_K562.narrowPeak": PEAKS, "deep/down/GATA3_H1_rep2.narrowPeak": FEWER, "genome.fa": fasta(CHROMOSOMES),
        "tiny.blacklist.bed": bed(("chr1", 0, 50)), ".hidden": "", "results/USF1.narrowPeak": PEAKS,
        "genome.fa.fai": "chr1\t9000\t6\t60\t61\n", "readme.txt": "peaks by hand\n",
    })  # fmt: skip
    rows, said, found = proposed(tmp_path)
    usf1 = {"dataset": "USF1_K562", "tf": "USF1", "assay": "chipseq", "path": "USF1_K562.narrowPeak"}
    assert rows["USF1_K562.narrowPeak"] == {**usf1, "format": "peaks", "genome": "genome", "cell": "K562"}
    assert rows["GATA3_H1_rep2.narrowPeak"]["path"] == "deep/down/GATA3_H1_rep2.narrowPeak"
    assert said["genomes"] == {"genome": {"fasta": "genome.fa", "blacklist": "tiny.blacklist.bed"}}
    lines = found.lines()
    for part in (
        "genome.fa.fai: the index of a FASTA",
        "readme.txt",
        "1 hidden files not looked at",
        "results: not looked into",
        "blacklist of genome",
    ):
        assert any(part in line for line in lines), part
    for item in found.items:
        assert any(line.startswith(f"{item.shown}: ") for line in lines), "every file has its line"
    reasons = (tmp_path / "datasets.tsv").read_text()
    assert (
        "#     tf = USF1: the file's name\n" in reasons
        and sum(line.startswith("#") for line in reasons.splitlines()) > 10
    )


def test_nothing_is_overwritten(tmp_path):
    write(tmp_path, {"USF1.narrowPeak": PEAKS, "genome.fa": fasta(CHROMOSOMES)})
    _, _, found = proposed(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("config.yaml", "datasets.tsv"):
        with pytest.raises(InputError, match="already there, and nothing is overwritten; name a new folder"):
            propose.write(found, tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
        (tmp_path / name).unlink()
        before.pop(tmp_path / name)
    propose.write(found, tmp_path)
    with pytest.raises(InputError, match="none: no such folder; name your files, too: tfbind init"):
        propose.propose(tmp_path / "none", [], propose.Answers())
    with pytest.raises(InputError, match=r"a file; name the folder of the study first"):
        propose.refuse(tmp_path / "genome.fa")


def test_the_cycles_of_a_library_are_found_by_the_number_in_which_names_differ(tmp_path):
    reads = sequences(900, 20)
    part = iter(range(0, 900, 60))
    files = {name: fastq([left + r for r in reads[i : i + 60]]) for name, left, i in (
        ("USF1_cycle0.fastq", "", next(part)), ("USF1_cycle1.fastq", "", next(part)),
        ("USF1_cycle4.fastq", "", next(part)),
        ("GATA3_TGTCGT20NGA_AC_2.fastq", "TGTCGTA", next(part)),
        ("GATA3_TGTCGT20NGA_AC_3.fastq", "TGTCGTA", next(part)),
        ("ZeroCycle_ES0_TGTCGT20NGA_0.fastq", "TGTCGTA", next(part)),
        ("ZeroCycle_ES0_GATGAT20NCC_0.fastq", "", next(part)),
        ("JUND_cycle3_L1.fastq", "", next(part)), ("JUND_cycle3_L2.fastq", "", next(part)),
        ("CTCF_3_b.fastq", "", next(part)), ("CTCF_2_b.fastq", "", next(part)),
    )}  # fmt: skip
    write(tmp_path, files)
    rows, said, found = proposed(tmp_path, *files)
    got = {
        name: tuple(row.get(c, "") for c in ("assay", "cycle", "input_path", "left_flank", "ligand"))
        for name, row in rows.items()
    }
    zero = "ZeroCycle_ES0_TGTCGT20NGA_0.fastq"
    assert got == {
        "USF1_cycle1.fastq": ("htselex", "1", "USF1_cycle0.fastq", "", ""),
        "USF1_cycle4.fastq": ("htselex", "4", "USF1_cycle0.fastq", "", ""),
        "GATA3_TGTCGT20NGA_AC_2.fastq": ("htselex", "2", zero, "TGTCGTA", "TGTCGT20NGA"),
        "GATA3_TGTCGT20NGA_AC_3.fastq": ("htselex", "3", zero, "TGTCGTA", "TGTCGT20NGA"),
        "JUND_cycle3_L1.fastq": ("htselex", "3", "", "", ""),
        "JUND_cycle3_L2.fastq": ("htselex", "3", "", "", ""),
        "CTCF_2_b.fastq": ("htselex", "2", "", "", ""),
        "CTCF_3_b.fastq": ("htselex", "3", "", "", ""),
    }
    assert "genomes" not in said and "split" not in said
    use = {item.shown: item.use for item in found.items}
    assert use[zero].startswith("cycle 0: input_path of GATA3") and use["USF1_cycle0.fastq"].startswith(
        "cycle 0: input_path of USF1"
    )


def test_one_cycle_0_serves_all_tfs(simulated, tmp_path):
    names_ = [f"{tf}_selex_{cycle}.fastq.gz" for tf in ("USF1", "CTCF") for cycle in (1, 4)] + ["selex_0.fastq.gz"]
    for name in names_:
        shutil.copy(simulated / name, tmp_path)
    rows, _, _ = proposed(tmp_path)
    assert {
        name: (row["cycle"], row["input_path"], row["left_flank"], row["right_flank"]) for name, row in rows.items()
    } == {name: (name[-10], "selex_0.fastq.gz", "TGTCGT", "GACTGC") for name in names_[:-1]}


def test_the_simulated_study_of_every_assay_is_proposed_as_it_is(every_assay, tmp_path):
    """Each file gets the assay that it was simulated for, by its content and name, and its format."""
    sheet = csv.DictReader((every_assay / "datasets.tsv").open(), delimiter="\t")
    wanted = {row["path"]: row for row in sheet}
    for path in {*wanted, *(row["input_path"] for row in wanted.values()), "genome.fa", "blacklist.bed"} - {""}:
        shutil.copy(every_assay / path, tmp_path)
    rows, said, found = proposed(tmp_path)
    assert not found.questions
    assert set(rows) == set(wanted)
    for path, row in rows.items():
        for column in ("tf", "assay", "input_path", "design", "cycle"):
            if not (column == "cycle" and wanted[path]["format"] == "counts"):
                assert row.get(column, "") == (wanted[path].get(column) or ""), (path, column)
        assert row["format"] == (
            wanted[path]["format"] or {"narrowPeak": "peaks"}.get(path.split(".")[1], "fastq")
        ) or row["format"] in ("peaks", "fastq"), path
    assert said["genomes"]["genome"]["blacklist"] == "blacklist.bed"


SUFFIXES = (".narrowPeak", ".xls", ".broadPeak", ".gappedPeak", ".bed")


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.iterdir() if path.suffix in SUFFIXES))
def test_files_of_callers_are_peaks(name):
    found = recognise.look(FIXTURES / name)
    assert (found.kind, found.format, found.faults) == ("peaks", "peaks", []) and len(found.peaks) > 2


@pytest.mark.parametrize(
    ("content", "kind", "form"),
    [
        (peak() * 3, "peaks", "peaks"),
        ("chrom\tstart\tend\tcycle_0\tcycle_1\nchr1\t0\t200\t5\t6\n", "bins", "bins"),
        ("".join(f"chr1\t{200 * i}\t{200 * i + 200}\t9\t9\n" for i in range(40)), "bins", "bins"),
        ("chr1\t900\nchr2\t800\n", "sizes", ""),
        ("".join(f"chr1\t{9 * i}\t{9 * i + 9}\t{i}.5\n" for i in range(9)), "other", ""),
        ("track type=bedGraph\nchr1\t0\t9\t1.5\n", "other", ""),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\n", "other", ""),
        ('chr1\tx\tgene\t1\t90\t.\t+\t.\tgene_id "a"\n' * 3, "other", ""),
        ("dataset\ttf\tassay\tpath\n", "other", ""),
        ("".join(f"chr1\t{i}\t{i + 9}\tHigh Signal Region\n" for i in range(0, 90, 9)), "blacklist", ""),
        ("FoldID\tEventID\tseq\tBound\nA\tx\tACGTACGTAC\t1\n", "table", "deepbind"),
        ("ACGTACGT\tACGTACGT\t0.4\nAACGTACG\tCGTACGTT\t0.1\n", "table", "words"),
        ("".join(f"{s}\t{i % 2}\n" for i, s in enumerate(sequences(9, 30))), "table", "labelled"),
        ("sequence,label\n" + "".join(f"{s},{i % 2}\n" for i, s in enumerate(sequences(9, 30))), "table", "labelled"),
        ("".join(f"{s}\t{i % 3}\t{i % 5}\n" for i, s in enumerate(sequences(20, 20))), "table", "counts"),
        ("seq\t0\t1\t4\n" + "".join(f"{s}\t1\t2\t3\n" for s in sequences(9, 20)), "table", "counts"),
        ("".join(f"{s}\t{i}.5\t{i}.2\n" for i, s in enumerate(sequences(20, 35))), "table", "probes"),
        (
            "sequence\tsignal\n" + "".join(f"{s}\t{100 + i}\n" for i, s in enumerate(sequences(20, 35))),
            "table",
            "probes",
        ),
        ("".join(f"{s}\t{100 + i}\n" for i, s in enumerate(sequences(20, 35))), "table", "?"),
        (">chr1\n" + "ACGT" * 4000 + "\n", "genome", "fasta"),
        (">p::chr1:10-40\n" + "ACG" * 10 + "\n", "fasta", "fasta"),
        ("@r\nACGT\n+\nIIII\n", "reads", "fastq"),
    ],
)
def test_what_a_file_is_by_its_content(content, kind, form, tmp_path):
    for name, packing in (
        ("file", str.encode),
        ("file.gz", packed),
        ("crlf", lambda text: text.replace("\n", "\r\n").encode()),
    ):
        (tmp_path / name).write_bytes(packing(content))
        found = recognise.look(tmp_path / name)
        assert (found.kind, found.format, found.faults) == (kind, form, [])


def test_parts_of_a_dataset_belong_to_one_row(tmp_path):
    windows = {f"chr{1 + i % 3}:{100 * i}-{100 * i + 101}": s for i, s in enumerate(sequences(240, 101))}
    parts = [dict(list(windows.items())[i : i + 60]) for i in range(0, 240, 60)]
    seq = [
        "FoldID\tEventID\tseq\tBound\n"
        + "".join(f"A\te{i}\t{s}\t{i % 2}\n" for i, s in enumerate(sequences(40, 101, n)))
        for n in (7, 8)
    ]
    write(tmp_path, {
        "NFE2_train_pos.fa": fasta(parts[0]), "NFE2_train_neg.fa": fasta(parts[1]), "NFE2_test_pos.fa": fasta(parts[2]),
        "NFE2_test_neg.fa": fasta(parts[3]), "ELK1_GM12878_AC.seq": seq[0], "ELK1_GM12878_B.seq": seq[1],
        "USF1_conservative.narrowPeak": FEWER, "USF1_relaxed.narrowPeak": PEAKS, "genome.fa": fasta(CHROMOSOMES),
        "JUND_train.csv": "sequence,label\n" + "".join(f"{s},{i % 2}\n" for i, s in enumerate(sequences(40, 101, 9))),
        "JUND_dev.csv": "sequence,label\n" + "".join(f"{s},{i % 2}\n" for i, s in enumerate(sequences(40, 101, 10))),
    })  # fmt: skip
    rows, _, found = proposed(tmp_path)
    nfe2 = rows.pop("NFE2_train_pos.fa")
    assert [nfe2[f"{c}_path"] for c in ("negatives", "test", "test_negatives")] == [
        "NFE2_train_neg.fa",
        "NFE2_test_pos.fa",
        "NFE2_test_neg.fa",
    ]
    assert (
        rows["ELK1_GM12878_AC.seq"]["test_path"] == "ELK1_GM12878_B.seq"
        and rows["ELK1_GM12878_AC.seq"]["cell"] == "GM12878"
    )
    assert rows["USF1_conservative.narrowPeak"]["relaxed_path"] == "USF1_relaxed.narrowPeak"
    assert set(rows) == {"ELK1_GM12878_AC.seq", "USF1_conservative.narrowPeak", "JUND_train.csv"}
    assert "validation set" in next(item.use for item in found.items if item.shown == "JUND_dev.csv")


def test_replicates_and_spellings_of_one_tf(tmp_path):
    write(tmp_path, {
        "usf1_a.bed": PEAKS, "Usf1_b.bed": FEWER, "USF1_K562_rep2.bed": "".join(spaced(25, c) for c in CHROMOSOMES),
        "USF1_K562_rep3.bed": "".join(spaced(26, c) for c in CHROMOSOMES), "genome.fa": fasta(CHROMOSOMES),
    })  # fmt: skip
    rows, _, found = proposed(tmp_path)
    assert {row["tf"] for row in rows.values()} == {"USF1"}
    assert [
        rows[name]["replicate"] for name in ("Usf1_b.bed", "usf1_a.bed", "USF1_K562_rep2.bed", "USF1_K562_rep3.bed")
    ] == ["1", "2", "2", "3"]
    assert any("no cell in its name" in line for line in found.lines())


def test_chromosomes_that_a_genome_calls_otherwise_are_mapped(tmp_path):
    roman = dict(zip(("chrI", "chrIV", "chrIX"), CHROMOSOMES.values(), strict=True))
    arabic = dict(zip(CHROMOSOMES, ("chr1", "chr4", "chr9"), strict=True))
    text = PEAKS
    for name, other in reversed(arabic.items()):
        text = text.replace(f"{name}\t", f"{other}\t")
    write(tmp_path, {"yeast/genome.fa": fasta(roman), "yeast/Reb1.bed": text, "plain/genome.fa": fasta(CHROMOSOMES),
                     "plain/USF1.bed": PEAKS.replace("chr", "")})  # fmt: skip
    _, said, _ = proposed(tmp_path / "yeast")
    assert said["genomes"]["genome"]["chromosomes"] == {"chr1": "chrI", "chr4": "chrIV", "chr9": "chrIX"}
    assert {*said["split"]["test"], *said["split"]["validation"]} < set(roman)
    assert said["models"]["regression"] == {"kind": "regression", "tax_groups": ["fungi"]} and said["statistics"] == {
        "block": 1000
    }
    _, said, _ = proposed(tmp_path / "plain")
    assert said["genomes"]["genome"]["chromosomes"] == "chr"


def test_each_file_gets_the_genome_that_it_fits(tmp_path):
    long = {name: text * 2 for name, text in CHROMOSOMES.items()}
    write(tmp_path, {
        "old.fa": fasta(CHROMOSOMES), "new.fa": fasta(long), 
        "USF1_new.bed": bed(*((c, 100 + 150 * i, 180 + 150 * i) for c in long for i in range(100))),
        "USF1_old.bed": PEAKS, "old_blacklist.bed": bed(("chr1", 0, 60)), "new_blacklist.bed": bed(("chr1", 0, 50)),
    })  # fmt: skip
    rows, said, _ = proposed(tmp_path)
    assert rows["USF1_new.bed"]["genome"] == "new" and rows["USF1_old.bed"]["genome"] == "old", "the second by its name"
    assert {label: given["blacklist"] for label, given in said["genomes"].items()} == {
        label: f"{label}_blacklist.bed" for label in ("old", "new")
    }


def test_an_assembly_is_named_by_the_lengths_of_its_chromosomes(monkeypatch, tmp_path):
    lengths = {name: len(text) for name, text in CHROMOSOMES.items()}
    monkeypatch.setattr(genomes, "assemblies", lambda: {"tiny1": {"chr1": 5000}, "tiny2": {**lengths, "chrM": 900}})
    write(tmp_path, {"genome.fa": fasta(CHROMOSOMES), "USF1.bed": PEAKS})
    rows, said, _ = proposed(tmp_path)
    assert rows["USF1.bed"]["genome"] == "tiny2" and list(said["genomes"]) == ["tiny2"]
    with pytest.raises(InputError, match=r"--genome tiny1: .*genome.fa is tiny2 by the lengths of its chromosomes"):
        propose.propose(
            tmp_path / "x", [tmp_path / "genome.fa", tmp_path / "USF1.bed"], propose.Answers(genome={"": "tiny1"})
        )


def test_a_genome_of_ucsc_is_named_by_the_command_line(tmp_path):
    write(
        tmp_path,
        {
            "USF1.bed": "".join(
                bed((f"chr{c}", 10**6 + 999 * i, 10**6 + 999 * i + 90)) for c in range(1, 20) for i in range(9)
            )
        },
    )
    rows, said, _ = proposed(tmp_path, genome=["hg38"])
    assert rows["USF1.bed"]["genome"] == "hg38" and said["genomes"]["hg38"]["fasta"].endswith(
        "/hg38/bigZips/hg38.fa.gz"
    )
    (tmp_path / "new").mkdir()
    found = propose.propose(tmp_path / "new", [tmp_path / "USF1.bed"], propose.Answers())
    assert (
        "genome of USF1: no genome among the files" in found.questions[0]
        and "they lie inside hg38" in found.questions[0]
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 23])
def test_a_tenth_validates_and_a_fifth_tests(count, tmp_path):
    share = np.linspace(2, 1, count)
    rows = [Item(recognise.Look(tmp_path, kind="peaks"), names.Said("x"), "x", {"genome": "g"}) for _ in range(2)]
    table = [(f"chr{c}", 200_000 * i) for c in range(count) for i in range(int(200 * share[c]))]
    for row in rows:
        row.look.peaks = pd.DataFrame(table, columns=["chrom", "start"])
    split, why = held_out.choose(rows, {"g": {f"chr{c}": 10**9 for c in range(30)}})
    part = {
        key: sum(share[int(c[3:])] for c in chroms if int(c[3:]) < count) / share.sum() for key, chroms in split.items()
    }
    if count == 23:
        assert 0.15 < part["test"] < 0.23 and 0.07 < part["validation"] < 0.12
    elif count > 2:
        assert 0 < part["validation"] <= part["test"] < 0.5 and not set(split["test"]) & set(split["validation"])
    elif count == 2:
        assert split == {"test": ["chr1"]} and "none is left to validate" in why
    else:
        assert part == {"validation": 0, "test": 0} and "blocks of 100 kb" in why


@pytest.mark.parametrize(
    ("name", "tf", "assay", "cell", "cycle"),
    [
        ("peaks_USF1_K562.narrowPeak", "USF1", "", "K562", None),
        ("USF1_H1-hESC_USF-1_HudsonAlpha_AC.seq.gz", "USF1", "", "H1-hESC", None),
        ("wgEncodeAwgTfbsSydhK562Gata1UcdUniPk.narrowPeak.gz", "Gata1", "", "K562", None),
        ("ChIPseq.GM12878.MAX.conservative.train.narrowPeak.gz", "MAX", "chipseq", "GM12878", None),
        ("Reb1_CX.bed.gz", "Reb1", "", "", None),
        ("Cka1_CX.bed.gz", "Cka1", "", "", None),
        ("MAX-MYC_K562.bed", "MAX::MYC", "", "K562", None),
        ("ctcf.bed", "CTCF", "", "", None),
        ("max_signal.bed", "", "", "", None),
        ("rep1_rep2.narrowPeak", "", "", "", None),
        ("HeLaS3_NRSF_ChIP_HAIB.fa.gz", "", "chipseq", "HeLa-S3", None),
        ("CEBPB_R0_vs_R4.tsv.gz", "CEBPB", "", "", 4),
        ("HT-SELEX_GATA3_cycle3.fastq.gz", "GATA3", "htselex", "", 3),
        ("GATA3_cut_and_run.bed", "GATA3", "cutandrun", "", None),
        ("selex_0.fastq.gz", "", "htselex", "", 0),
        ("ZeroCycle_ES0_TGTCGT20NGA_0.fastq.gz", "", "", "", 0),
        ("H3K27ac_K562.broadPeak", "", "other", "K562", None),
        ("USF1_GATA3.bed", "?", "", "", None),
        ("GATA3_rep1.bed", "GATA3", "", "", None),
        ("ENCFF001ABC.bed.gz", "", "", "", None),
    ],
)  # fmt: skip
def test_what_a_name_says(name, tf, assay, cell, cycle):
    said = names.read(Path("/data") / name)
    assert (said.tf, said.assay, said.cell, said.cycle) == (tf, assay, cell, cycle)


def test_a_spelling_of_an_assay_is_exact_and_a_meaning_is_near():
    assert (
        assays.spelled("ChIP-seq") == assays.spelled("chip") == "chipseq" and assays.spelled("CUT&RUN") == "cutandrun"
    )
    assert assays.spelled("chipsec") == "" and assays.meant("chipsec") == "chipseq"
