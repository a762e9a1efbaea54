"""A heterodimer in both sheets: what is planned for it, and under which names."""

import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parents[2]
CONFIG = """\
datasets: datasets.tsv
cells: cells.tsv
genomes: {g: {fasta: g.fa}}
split: {validation: [chr2], test: [chr1]}
negatives: {n: {kind: dinucleotide}}
models: {m: {kind: composition}}
celltype: {motifs: {"MYC::MAX": ["MYC::MAX", MAX]}}
"""


def test_a_heterodimer_is_planned_under_a_name_that_any_disk_takes(tmp_path):
    for name in ("g.fa", "a.bed", "b.bed", "open.cram", "c.narrowPeak", "shut.bam", "d.narrowPeak"):
        (tmp_path / name).write_text("")
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "datasets.tsv").write_text(
        "dataset\ttf\tassay\tpath\tgenome\nA\tMAX::MYC\tchipseq\ta.bed\tg\nB\tUSF1\tchipseq\tb.bed\tg\n"
    )
    (tmp_path / "cells.tsv").write_text(
        "cell\twhat\ttf\tpath\tgenome\nh1\taccessibility\t\topen.cram\tg\nh1\tconservative\tMYC::MAX\tc.narrowPeak\tg\n"
        "k562\taccessibility\t\tshut.bam\tg\nk562\tconservative\tMYC::MAX\td.narrowPeak\tg\n"
    )
    command = [
        Path(sys.executable).parent / "snakemake",
        "--cores",
        "1",
        "--dry-run",
        "--printshellcmds",
        "--snakefile",
        REPO / "Snakefile",
    ]
    command += ["--configfile", tmp_path / "config.yaml", "--directory", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, cwd=REPO)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    for path in ("evaluation/MAX-MYC/metrics.tsv", "evaluation/USF1/metrics.tsv", "celltype/MAX-MYC/h1.tsv"):
        assert f"results/{path}" in said, path
    assert "::" not in "".join(line for line in said.splitlines() if "output:" in line)
