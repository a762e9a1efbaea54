"""`read_files` on cells; on datasets it is held by test_bad_inputs."""

import hashlib

import pytest

from tfbind import config, validation
from tfbind.faults import InputError

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
        found = validation.read_files(config.load(tmp_path / "config.yaml"), said.append)
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
