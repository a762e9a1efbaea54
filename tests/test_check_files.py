"""`read_files` on cells; on datasets it is held by test_bad_inputs."""

import hashlib

import numpy as np
import pytest

from tfbind import check_files
from tfbind.errors import InputError
from tfbind.io import paths
from tfbind.study import config

CONFIG = """
datasets: datasets.tsv
cells: cells.tsv
genomes: {g: {fasta: g.fa, genes: g.gtf, chromosomes: {"1": chr1}}}
split: {test: [chr2]}
negatives: {standard: {kind: dinucleotide}}
models: {composition: {kind: composition}}
"""
FILES = {
    "open.tsv": "1\t10\t60\nchr2\t5\t40\n",
    "rna.tsv": "gene_id\tTPM\nG1\t3\n",
    "bound.bed": "1\t100\t300\n",
    "g.gtf": 'chr1\ts\tgene\t101\t500\t.\t+\t.\tgene_id "G1";\n',
    "reads.fa": "".join(f">{i}\n{'ACGTTGCA'[i % 8 :] + 'GATTACA' * 3}\n" for i in range(8)),
}
CELLS = [
    ["cell", "what", "tf", "path", "genome", "sha256"],
    ["k562", "accessibility", "", "open.tsv", "g", ""],
    ["k562", "expression", "", "rna.tsv", "g", hashlib.sha256(FILES["rna.tsv"].encode()).hexdigest()],
    ["k562", "conservative", "USF1", "bound.bed", "g", ""],
    ["h1", "accessibility", "", "https://a.example/open.bw", "g", ""],
]


@pytest.fixture
def read(tmp_path, chromosomes):
    """A function that writes a study, some of its files replaced, and reads them."""

    def go(cells=CELLS, reasons=False, **texts):
        genome = "".join(f">{name}\n{text}\n" for name, text in chromosomes.items())
        named = {name.replace("_", "."): text for name, text in texts.items()}
        sheet = "dataset\ttf\tassay\tpath\nA\tUSF1\tchipseq\treads.fa\n"
        files = FILES | {"g.fa": genome, "config.yaml": CONFIG, "datasets.tsv": sheet} | named
        files["cells.tsv"] = "".join("\t".join(row) + "\n" for row in cells)
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        said = []
        found = check_files.read_files(config.load(tmp_path / "config.yaml"), said.append)
        return (said, found) if reasons else said

    return go


def test_cells_are_read_and_counted(read):
    said = read()
    (line,) = [line for line in said if line.startswith("k562: cell: ")]
    assert "2 read, fragments; 4 kept, cuts" in line and "1 kept, genes with expression" in line
    assert "1 read, peaks" in line
    (line,) = [line for line in said if line.startswith("h1: ")]
    assert "not read: resources/downloads/" in line


def test_all_faults_of_the_files_of_cells_are_listed(read):
    with pytest.raises(InputError) as error:
        read(open_tsv="chr1\t60\t10\n", bound_bed="chr1\tx\t10\n", rna_tsv="gene_id\tTPM\nG1\t4\n")
    found = "\n".join(error.value.faults)
    for part in ("open.tsv:1: start 60 is not below", "bound.bed:1: start 'x'", "rna.tsv"):
        assert part in found


def test_a_test_chromosome_without_measurement_is_a_reason_and_another_a_note(read):
    rows = "1\t10\t60\nchr3\t5\t40\n"
    said, reasons = read(open_tsv=rows, bound_bed="1\t100\t300\nchr2\t100\t300\nchr4\t9\t99\n", reasons=True)
    lacks = "accessibility and genes and genes of known expression"
    assert reasons == [f"k562: not estimable: peaks of USF1 on the test chromosome chr2 and no {lacks} there"]
    assert f"k562: not trained on chr4: peaks of USF1 and no {lacks} there" in said
    (line,) = [line for line in said if line.startswith("k562: cell: ")]
    assert "2 noted, chromosome of the genome of which open.tsv holds nothing (chr2, chr4)" in line


def selex(folder, kinds, bound, unbound):
    """A study of one SELEX dataset with these reads, cycle 4 and cycle 0."""
    rng = np.random.default_rng(0)
    for name, before in (("c4", bound), ("c0", unbound)):
        texts = ("".join(rng.choice(list("ACGT"), 20)) for _ in range(400))
        lines = (f"@r\n{rng.choice(before)}TGATCC{text}\n+\n{'I' * 30}\n" for text in texts)
        (folder / f"{name}.fastq").write_text("".join(lines).replace("I" * 30, "I" * (26 + len(before[0]))))
    (folder / "config.yaml").write_text(
        f"datasets: d.tsv\nnegatives: {{n: {{kind: [{kinds}]}}}}\nmodels: {{floor: {{kind: composition}}}}\n"
    )
    (folder / "d.tsv").write_text(
        "dataset\ttf\tassay\tpath\tcycle\tinput_path\tleft_flank\nA\tMAX\thtselex\tc4.fastq\t4\tc0.fastq\tNNNNTGATCC\n"
    )
    return config.load(folder / "config.yaml")


def test_reads_are_refused_as_in_a_run_where_barcodes_tell_the_classes(tmp_path):
    barcodes = ["CCAT", "GGTA", "TTGA"], ["CAGC", "GTGT", "AATC"]
    study = selex(tmp_path, "input", *barcodes)
    assert not check_files.read_files(study, print), "the sheet names the barcodes"
    text = (tmp_path / "d.tsv").read_text()
    (tmp_path / "d.tsv").write_text(text.replace("NNNNTGATCC", ""))
    with pytest.raises(InputError, match="A: bases 1 to 4 of the 30 bp separate positive from negative reads") as error:
        check_files.read_files(config.load(tmp_path / "config.yaml"), print)
    assert len(error.value.faults) == 1 and "left_flank NNNNTGATCC" in error.value.faults[0]


def test_cycle_0_of_another_length_is_refused_as_in_a_run(tmp_path):
    selex(tmp_path, "input", ["CCAT", "GGTA"], [""])
    sheet = (tmp_path / "d.tsv").read_text().replace("NNNNTGATCC", "")
    (tmp_path / "d.tsv").write_text(sheet)
    with pytest.raises(
        InputError,
        match=r"c0\.fastq: the inserts of the negatives have 26 bp, those of the positives in .*c4\.fastq 30 bp",
    ):
        check_files.read_files(config.load(tmp_path / "config.yaml"), print)
    head, line = sheet.splitlines()
    (tmp_path / "d.tsv").write_text(f"{head}\ttrim\n{line}\tleft\n")
    assert not check_files.read_files(config.load(tmp_path / "config.yaml"), print)
    (tmp_path / "d.tsv").write_text(f"{head}\ttrim\n{line}\tright\n")
    with pytest.raises(InputError, match="without any binding"):
        check_files.read_files(config.load(tmp_path / "config.yaml"), print)


def test_scores_of_another_program_are_held_against_the_rows_that_a_run_will_test(tmp_path):
    selex(tmp_path, "input", ["CCAT"], ["CCAT"])
    text = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text.replace("{floor:", "{theirs: {kind: scores, path: theirs}, floor:"))
    (tmp_path / "theirs").mkdir()
    study = config.load(tmp_path / "config.yaml")
    assert not check_files.read_files(study, print), "no scores yet: the first run writes what they are made from"
    path = tmp_path / "theirs" / paths.scores_file("A", "n", "A", "n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("bound|A/p0\t1\nbound|B/p0\t1\nunbound|A/input0\tx\n")
    with pytest.raises(InputError) as error:
        check_files.read_files(study, print)
    found = "\n".join(error.value.faults)
    assert ":2: 'bound|B/p0' is no row" in found and ":3: score 'x' is not a finite number" in found
    assert "rows have no score" in found and str(path.name) in found


def test_the_same_is_said_in_the_same_order_by_one_process_and_by_two(tmp_path):
    study = selex(tmp_path, "input", ["CCAT"], ["CCAT"])
    lines, steps = [[], []], [[], []]
    for number in (0, 1):
        count = steps[number].append
        check_files.read_files(study, lines[number].append, number + 1, lambda done, of, count=count: count((done, of)))
    assert lines[0] == lines[1] and lines[0]
    assert steps[0] == steps[1] == [(0, 2), (1, 2), (2, 2)]
