"""Inputs that were once read wrongly or refused, where a folder of them is at hand; each is also held by a test of its
module, on files that the test writes itself."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from studies import REPO, SNAKEMAKE

CASES = Path(os.environ.get("TFBIND_CASES", REPO.parent / "shared" / "cases"))
TFBIND = Path(sys.executable).parent / "tfbind"
#: Folder -> config, exit code of `tfbind validate --files`, what it says.
VALIDATED = {
    "bigwig_without_test_chromosome": ("config", 3, ["peaks of MAX on the test chromosome chr1 and no accessibility"]),
    "getfasta_names": ("config", 0, ["167 kept, train; 112 kept, validation; 112 kept, test"]),
    "heterodimer_name": ("config", 0, ["valid; 1 TF "]),
    "hmmratac_scores_in_column5": ("config", 0, ["ranked by column 5 (score)", "1 dropped, overlaps a stronger"]),
    "idr_20_columns": ("config", 0, ["IDR's 20 columns: summit in column 10"]),
    "lanceotron_bed": ("config", 0, ["summit in column 7 (max_coverage_position)"]),
    "macs_xls": ("config", 0, ["1-based; summit in column 5 (abs_summit)"]),
    "peak_files_by_name": ("config", 0, ["broadPeak: no summit in it"]),
    "peak_files_by_name ": ("homer", 0, ["HOMER: columns 2 to 4, 1-based"]),
    "selex_cycle0_other_length": ("config", 2, ["cycle0.fastq.gz: the inserts of the negatives have 32 bp", "36 bp"]),
    "selex_inline_barcodes": ("config", 2, ["ACGT 27%, CAGC 26%, GGTA 23%, TTGA 23%", "TGATCC", "demultiplex"]),
}
#: Folder -> exit code of check.py, what it prints.
CHECKED = {
    "bigwig_infinite": (1, ["inf.bw: chr1:100 (0-based) holds inf"]),
    "fragments_single_end_strand": (0, ["array([174, 645]"]),
    "hmmratac_scores_in_column5": (0, ["chr1   1040  1141  295.0"]),
}


def folder(name):
    path = CASES / name.strip()
    if not path.is_dir():
        pytest.skip(f"no folder {path}")
    return path


def said(*command, cwd=REPO):
    run = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("name", VALIDATED)
def test_validate_says_what_is_read_or_why_not(name):
    config, expected, parts = VALIDATED[name]
    code, text = said(TFBIND, "validate", "--files", folder(name) / f"{config}.yaml")
    assert code == expected and all(part in text for part in parts), text


@pytest.mark.parametrize("name", CHECKED)
def test_values_are_those_of_the_file(name):
    expected, parts = CHECKED[name]
    code, text = said(sys.executable, "check.py", cwd=folder(name))
    assert code == expected and all(part in text for part in parts), text


@pytest.mark.parametrize("name", ["selex_cycle0_other_length", "selex_inline_barcodes"])
def test_a_run_refuses_what_validate_refuses(name, tmp_path):
    config = folder(name) / "config.yaml"
    asked = ("results/negatives/A/standard.parquet",)
    code, text = said(SNAKEMAKE, "--cores", 1, "--configfile", config, "--directory", tmp_path, *asked)
    assert code == 1 and all(part in text for part in VALIDATED[name][2]) and "Traceback" not in text, text


def test_a_site_beside_a_long_variant_is_in_both_alleles(tmp_path):
    case = folder("vcf_long_indel_beside_site")
    model = "results/models/A/standard/deepbind"
    code, text = said(
        *(SNAKEMAKE, "--cores", 1, "--configfile", case / "config.yaml", "--directory", tmp_path),
        f"{model}/model.safetensors",
    )
    assert code == 0, text
    vcf = ("--vcf", case / "variants.vcf", "--genome", case / "variants.fa", "--assay", "chipseq")
    code, text = said(TFBIND, "score", tmp_path / model, *vcf, "--out", tmp_path / "scores.tsv")
    assert code in (0, 3), text
    table = pd.read_csv(tmp_path / "scores.tsv", sep="\t")
    away = table[~table["id"].str.contains("edge")]
    assert away["difference"].abs().max() < 0.2, table.to_string()


def test_a_verdict_speaks_of_the_rows_that_it_was_taken_from(tmp_path):
    case = folder("verdict_against_table")
    config = ("--configfile", case / "config.yaml", "--directory", tmp_path)
    code, text = said(SNAKEMAKE, "--cores", 2, *config, "results/verdicts.tsv")
    assert code == 0, text
    sentences = pd.read_csv(tmp_path / "results" / "verdicts.tsv", sep="\t")["sentence"]
    assert not sentences.str.contains("No source taught more than composition").any(), sentences.tolist()
