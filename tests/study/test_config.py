import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tfbind.errors import InputError
from tfbind.io import paths
from tfbind.study import config, plan, reference_page, strict_yaml
from tfbind.study import schema as study_schema
from tfbind.study.shifts import shift
from tfbind.study.study import file_name

REPO = Path(__file__).parents[2]
CONFIG = """
datasets: sheet.tsv
{negatives}
models: {{{models}}}
{more}
"""
STANDARD = "negatives: {standard: {kind: dinucleotide}}"
HEADER = ["dataset", "tf", "assay", "path"]


@pytest.fixture
def study(tmp_path):
    """A function that writes a study and loads it."""

    def write(rows, header=HEADER, more="", text=None, models="deepbind: {kind: deepbind}", negatives=STANDARD):
        (tmp_path / "a.fa").write_text(">a\nACGT\n")
        (tmp_path / "b.fa").write_text(">a\nACGT\n")
        lines = ["\t".join(header), *("\t".join(row) for row in rows)]
        (tmp_path / "sheet.tsv").write_bytes(("\n".join(lines) + "\n").encode() if text is None else text)
        (tmp_path / "config.yaml").write_text(CONFIG.format(more=more, models=models, negatives=negatives))
        return config.load(tmp_path / "config.yaml")

    return write


def faults(call, *args, **kwargs):
    with pytest.raises(InputError) as error:
        call(*args, **kwargs)
    return error.value.faults


def test_a_valid_study_has_every_default_and_absolute_paths(study, tmp_path):
    loaded = study([["A", "USF1", "chipseq", "a.fa"]])
    assert loaded.config["sequence"] == {"length": 101, "limit": 20000, "jackpots": "remove"}
    assert loaded.config["models"]["deepbind"]["filters"] == 16
    assert loaded.datasets["A"]["path"] == str(tmp_path / "a.fa")
    assert loaded.datasets["A"]["format"] == "fasta"
    assert loaded.tfs() == ["USF1"] and loaded.targets("A") == ["A"] and loaded.labels("A") == ["standard"]


def test_all_faults_of_config_are_listed_at_once(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "datasets: d.tsv\nnegatives: {n: {kind: foo, ratoi: 2}}\n"
        "models: {a: {kind: deepbind, filtrs: 1}, b: {}}\nseeds: [x]\n"
    )
    found = "\n".join(faults(config.load, tmp_path / "c.yaml"))
    for part in ("did you mean 'ratio'", "did you mean 'filters'", "models.b: needs either", "negatives.n.kind: 'foo'"):
        assert part in found
    assert "seeds.0" in found


def test_all_faults_of_a_sheet_are_listed_with_their_lines(study):
    found = faults(
        study,
        [
            ["A", "USF1", "chipseq", "a.fa"],
            ["a", "USF1", "chipsq", "b.fa"],
            ["../x", "USF1", "chipseq", "missing.fa"],
            ["C", "USF1", "chipseq", "b.odd"],
            ["D", "USF1", "htselex", "b.bed"],
        ],
    )
    text = "\n".join(found)
    assert "sheet.tsv:3: assay: 'chipsq'" in text and "sheet.tsv:3: dataset 'a' is also on line 2" in text
    assert "sheet.tsv:4: dataset: '../x' is not of the form" in text and "sheet.tsv:4: path: no file" in text
    assert "sheet.tsv:5: format: cannot be recognised" in text
    assert "sheet.tsv:6: genome: a bed file needs one" in text and "SELEX reads have none" in text


def test_an_accession_is_refused_with_the_command_that_makes_it_a_url(study):
    found = faults(study, [["A", "USF1", "chipseq", "ENCSR999AAA"], ["B", "USF1", "htselex", "ERR999991"]])
    assert found == [
        "sheet.tsv:2: path: ENCSR999AAA is an accession; make it a URL with `tfbind fetch sheet.tsv`",
        "sheet.tsv:3: path: ERR999991 is an accession; make it a URL with `tfbind fetch sheet.tsv`",
    ]


def test_where_hosts_are_listed_no_url_may_name_another(study):
    rows = [["A", "USF1", "chipseq", "https://a.example/a.fa"], ["B", "USF1", "chipseq", "https://b.example/a.fa"]]
    more = "hosts: [a.example]\ngenomes: {g: {fasta: 'http://c.example/g.fa'}}"
    found = faults(study, rows, more=more)
    assert [line.split(":")[0] for line in found] == ["config.yaml", "sheet.tsv"]
    assert "c.example is not in `hosts` (a.example)" in found[0] and "b.example is not in" in found[1]
    assert study(rows).config["hosts"] == []


def test_a_checksum_is_sha256_or_md5(study):
    header = [*HEADER, "sha256"]
    for good in ("a" * 64, f"md5:{'a' * 32}", ""):
        study([["A", "USF1", "chipseq", "a.fa", good]], header)
    for bad in ("a" * 32, f"md5:{'a' * 64}", f"sha1:{'a' * 40}"):
        assert "is not of the form" in faults(study, [["A", "USF1", "chipseq", "a.fa", bad]], header)[0]


@pytest.mark.parametrize("bad", ["-rf", "a;b", "$(x)", "", "x" * 65, "a/b", "ü"])
def test_unsafe_ids_are_refused(study, bad):
    assert any("dataset" in fault for fault in faults(study, [[bad, "USF1", "chipseq", "a.fa"]]))


def test_a_heterodimer_is_one_tf_in_one_spelling(study):
    loaded = study([["A", "MAX::MYC", "chipseq", "a.fa"], ["B", "MAX::MYC", "chipseq", "b.fa"]])
    assert loaded.tfs() == ["MAX::MYC"] and loaded.targets("A") == ["A", "B"]
    assert file_name("MAX::MYC") == file_name("MYC::MAX") == "MAX-MYC"
    for other in ("MYC::MAX", "max::myc", "MAX-MYC"):
        found = faults(study, [["A", "MAX::MYC", "chipseq", "a.fa"], ["B", other, "chipseq", "b.fa"]])
        assert found == [
            f"sheet.tsv:3: tf {other!r} is 'MAX::MYC' on line 2; spell one TF in one way; if they are two, they "
            f"must differ in more than case, e.g. {other}_mouse"
        ]
    for bad in ("MAX:MYC", "::MYC", "MAX::", "MAX:::MYC", "MAX::../x"):
        assert "is not of the form" in faults(study, [["A", bad, "chipseq", "a.fa"]])[0]


def test_sheet_of_a_spreadsheet_is_read(study):
    text = "\ufeffdataset\ttf\tassay\tpath\r\n\r\nA\tUSF1\tchipseq\ta.fa\r\n\t\t\t\r\n".encode()
    assert list(study([], text=text).datasets) == ["A"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"", "empty"),
        (b"dataset\ttf\tassay\tpath\n", "no dataset"),
        (b"dataset,tf,assay,path\nA,USF1,chipseq,a.fa\n", "no tab"),
        (b"dataset\ttf\tassay\tpaht\n", "did you mean 'path'"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_odd_sheets_are_explained(study, text, part):
    assert part in "\n".join(faults(study, [], text=text))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: [1\n", "c.yaml:2"),
        ("datasets: a\ndatasets: b\n", "written twice"),
        ("a: !!python/object/apply:os.system [id]\n", "constructor"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("- 1\n", "keys and values"),
    ],
)
def test_yaml_that_is_no_config(tmp_path, text, part):
    (tmp_path / "c.yaml").write_text(text)
    assert part in "\n".join(faults(config.load, tmp_path / "c.yaml"))


def test_what_folds_cannot_be_combined_with(study):
    rows = [["A", "USF1", "chipseq", "a.fa"]]
    given = {"models": "own: {kind: scores, path: o}", "negatives": "negatives: {s: {kind: dinucleotide, fresh: true}}"}
    found = "\n".join(faults(study, rows, more="split: {folds: 3}", **given))
    assert "negatives.s.fresh: a row that trains in one fold is tested in another" in found
    assert "models.own: scores of another program are of one split" in found
    assert "split.folds: with 2, one tests" in "\n".join(faults(study, rows, more="split: {folds: 2}"))
    assert study(rows, more="split: {folds: 3}").config["split"]["folds"] == 3


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((word, word) for word in ("no", "NO", "on", "Off", "yes", "y", "N", "nUll")),
        *(
            (word, word)
            for word in ("010", "-07", "0o10", "0x1F", "0b11", "1_000", "1:30", "190:20:30", "1e", "+", ".")
        ),
        *((word, word) for word in ("2026-01-31", "2026-13-99", "2026-01-31 10:00:00", "=", "<<", "1.2.3", "09.5.1")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, None) for word in ("", "~", "null")),
        *(("0", 0), ("-0", 0), ("+12", 12), ("1200", 1200), ("1e-3", 1e-3), ("1E3", 1e3), (".5", 0.5), ("-1.", -1.0)),
        *(("2.5e+10", 2.5e10), ("'1'", "1"), ('"true"', "true")),
    ],
)
def test_values_are_read_by_yaml_1_2_and_what_1_1_reads_otherwise_is_text(tmp_path, written, value):
    (tmp_path / "c.yaml").write_text(f"a: {written}\nb: [{written or '~'}]\n{written or 'c'}: 1\n")
    read = strict_yaml.read_yaml(tmp_path / "c.yaml")
    assert read["a"] == read["b"][0] == value and type(read["a"]) is type(read["b"][0]) is type(value)
    assert list(read) == ["a", "b", written.strip("'\"") or "c"]


def test_a_value_that_is_read_in_two_ways_is_refused_where_a_number_or_a_truth_value_is_due(study):
    found = faults(
        study,
        [["A", "USF1", "chipseq", "a.fa"]],
        more="seeds: [010, 0]",
        negatives=STANDARD.replace("}}", ", fresh: yes}}"),
    )
    assert found == [
        "config.yaml: negatives.standard.fresh: 'yes' is not of type boolean; write true or false",
        "config.yaml: seeds.0: '010' is not of type integer",
    ]
    dated = {
        "datasets": datetime.date(2026, 1, 31),
        "negatives": {},
        "models": {},
    }  # as Snakemake reads a module's config
    assert any("2026" in fault and "put it in quotes" in fault for fault in faults(config.load, dated))


def test_keys_that_contradict_each_other(study):
    more = "split: {test: [chr1], validation: [chr1]}\ntransfer: {extra_pairs: [[A, Z]]}"
    found = "\n".join(faults(study, [["A", "USF1", "chipseq", "a.fa"]], more=more))
    assert "chr1 is in `validation` and in `test`" in found and "no dataset 'Z'" in found


def test_labels_kinds_and_test_sets_of_a_study(study, tmp_path):
    loaded = study([["A", "USF1", "chipseq", "a.fa"], ["B", "USF1", "htselex", "b.fa"]])
    negatives = {
        "own": {"kind": {"chipseq": ["provided", "pairs"], "htselex": "input"}, "tfs": []},
        "peaks": {"kind": {"chipseq": "pairs"}, "tfs": []},
        "other": {"kind": "pairs", "tfs": ["ELK1"]},
    }
    loaded.config["negatives"] = negatives
    assert loaded.labels("A") == ["own", "peaks"] and loaded.labels("B") == ["own"]
    assert loaded.kinds("own", "chipseq") == ["provided", "pairs"] and loaded.kinds("own", "htselex") == ["input"]
    assert loaded.test_labels("A", "own") == ["own"]
    loaded.config["transfer"]["test_negatives"] = "all"
    assert loaded.test_labels("A", "own") == ["own", "peaks"]


ASSAYS = [*HEADER, "genome", "cycle", "ligand"]
GENOMES = "genomes: {g: {fasta: a.fa}, h: {fasta: b.fa}}"


def sheet(*rows):
    return [[f"d{i}", tf, assay, *more] for i, (tf, assay, *more) in enumerate(rows)]


def negatives(study, rows, text):
    rows = [[dataset, tf, assay, "a.fa", *more] for dataset, tf, assay, *more in rows]
    return study(rows, ASSAYS, more=GENOMES, negatives=text)


def test_the_datasets_that_other_tf_negatives_come_from(study):
    text = "negatives: {aliens: {kind: other_tf}, some: {kind: other_tf, others: [T3], tfs: [T1]}}"
    peaks = sheet(
        ("T1", "chipseq", "g"), ("T2", "chipseq", "g"), ("T3", "chipseq", "g"), ("T1", "chipseq", "g"),
        ("T2", "chipseq", "h"), ("T3", "chipseq", "h"), ("T2", "htselex", "", "1"), ("T3", "htselex", "", "1"),
    )  # fmt: skip
    loaded = negatives(study, peaks, text)
    assert loaded.others("d0", "aliens") == ["d1", "d2"] and loaded.others("d0", "some") == ["d2"]
    assert loaded.others("d4", "aliens") == ["d5"] and loaded.others("d1", "aliens") == ["d0", "d2", "d3"]
    reads = sheet(
        ("T1", "htselex", "", "4", "AA"), ("T2", "htselex", "", "04", "AA"), ("T2", "htselex", "", "3", "AA"),
        ("T3", "htselex", "", "4", "CC"), ("T1", "htselex", "", "4", "CC"), ("T1", "htselex", "", "4", "GG"),
        ("T1", "htselex", "", "4"), ("T3", "htselex", "", "3", ""),
    )  # fmt: skip
    loaded = negatives(study, reads, text)
    found = {dataset: loaded.others(dataset, "aliens") for dataset in loaded.datasets}
    assert found["d0"] == ["d1"] and found["d4"] == ["d3"], "of the same cycle and ligand"
    assert found["d5"] == found["d6"] == ["d1", "d3"], "of the same cycle, where no ligand is the same"
    assert found["d2"] == ["d7"] and loaded.others("d5", "some") == ["d3"]


def test_negatives_that_the_sheet_cannot_give_are_faults(study):
    rows = sheet(("T1", "chipseq", "g"), ("T1", "chipseq"), ("T1", "htselex", "", "4"), ("T2", "htselex"))
    text = (
        "negatives: {a: {kind: other_tf, others: [T9], distance: [600, 300]}, b: {kind: [flank, genomic], tfs: [T1]}, "
        "c: {kind: [other_tf, dinucleotide]}}"
    )
    found = faults(negatives, study, rows, text)
    cannot = "cannot be made for the dataset"
    genome = "flank needs a genome (column genome); genomic needs a genome (column genome)"
    assert found == [
        "config.yaml: negatives.a.distance: [600, 300] is not the least and then the largest",
        "config.yaml: negatives.a.others: no TF 'T9' in the sheet",
        f"config.yaml: negatives.a: {cannot} d0: other_tf needs ChIP-seq of another TF on g",
        f"config.yaml: negatives.a: {cannot} d1: other_tf needs ChIP-seq of another TF without a genome",
        f"config.yaml: negatives.b: {cannot} d1: {genome}",
        f"config.yaml: negatives.a: {cannot} d2: other_tf needs HT-SELEX of another TF of cycle 4",
        f"config.yaml: negatives.b: {cannot} d2: {genome}",
        f"config.yaml: negatives.a: {cannot} d3: other_tf needs the column cycle",
    ]


def test_a_model_for_some_tfs(study):
    models = "deepbind: {kind: deepbind, tfs: [USF1]}, scan: {trained_as: deepbind}, all: {kind: composition}"
    rows = [["A", "USF1", "chipseq", "a.fa"], ["B", "ELK1", "chipseq", "b.fa"]]
    loaded = study(rows, models=models)
    assert loaded.models("USF1") == ["deepbind", "scan", "all"] and loaded.models("ELK1") == ["all"]
    assert "models.deepbind.tfs: no TF 'USF1' in the sheet" in "\n".join(faults(study, rows[1:], models=models))


def test_further_negatives_and_training_by_assay(study):
    text = "negatives: {x: {kind: usual, also: {reads: [other_tf]}}}\ntraining: {weight_decay: {reads: 0.3}}"
    rows = sheet(("T1", "chipseq", "g"), ("T1", "htselex", "", "4"), ("T2", "htselex", "", "4"))
    loaded = negatives(study, rows, text)
    assert [loaded.drawn(dataset)["x"]["also"] for dataset in ("d0", "d1")] == [[], ["other_tf"]]
    assert loaded.pools("d0") == {} and loaded.pools("d1") == {"x": ["d2"]}
    assert [loaded.training(dataset)["weight_decay"] for dataset in ("d0", "d1")] == [0.03, 0.3]


def test_options_by_assay(study):
    models = "a: {kind: bilstm, mutation: {htselex: 0.1}}, b: {kind: bilstm, mutation: 0.2, reading: scan}"
    loaded = study([["A", "USF1", "chipseq", "a.fa"], ["B", "USF1", "htselex", "b.fa"]], models=models)
    assert [loaded.options("a", dataset)["mutation"] for dataset in "AB"] == [0, 0.1]
    options = loaded.options("b", "A")
    assert options["kind"] == "bilstm" and options["mutation"] == 0.2 and options["units"] == 50
    assert not {"reading", "tfs"} & set(options)


def test_a_url_is_fetched_to_a_safe_place():
    place = paths.local("https://example.org/a%2F..%2Fb(1).fa.gz?x=1")
    assert place.startswith("resources/downloads/") and place.endswith("b_1_.fa.gz") and ".." not in place
    assert paths.local("/a/b") == "/a/b"


@pytest.mark.parametrize("name", ["config", "datasets"])
def test_schemas_are_valid_closed_and_described(name):
    schema = study_schema.schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert all("description" in rule for rule in schema["properties"].values())


def test_config_page_is_what_the_schemas_say():
    assert (REPO / "docs" / "config.md").read_text() == reference_page.describe(), "run: make docs"


@pytest.mark.parametrize(
    "path", ["config.yaml", *(f"resources/{name}/config.yaml" for name in ("real", "yeast", "motifs", "causes"))]
)
def test_shipped_studies_are_valid(path):
    assert config.load(REPO / path).datasets


CELLS = ["cell", "what", "tf", "path", "genome"]


@pytest.fixture
def cells(study, tmp_path):
    """A function that writes a study with a sheet of cells and loads it."""

    def write(rows, header=CELLS, genomes="g: {fasta: a.fa, genes: g.gtf}, bare: {fasta: a.fa}", more=""):
        for name in ("g.gtf", "open.bw", "open.bam", "f.tsv.gz", "p.narrowPeak", "q.bed", "r.tsv"):
            (tmp_path / name).write_text("")
        lines = ["\t".join(header), *("\t".join(row) for row in rows)]
        (tmp_path / "cells.tsv").write_text("\n".join(lines) + "\n")
        more = f"cells: cells.tsv\ngenomes: {{{genomes}}}\n{more or 'split: {test: [chr1]}'}"
        return study([["A", "USF1", "chipseq", "a.fa"]], more=more)

    return write


def test_a_sheet_of_cells_is_read_by_kind(cells, tmp_path):
    loaded = cells(
        [
            ["k562", "accessibility", "", "open.bw", "g"],
            ["k562", "conservative", "USF1", "p.narrowPeak", "g"],
            ["k562", "relaxed", "USF1", "https://a.example/r.bed.gz", "g"],
            ["k562", "expression", "", "r.tsv", "g"],
            ["h1", "accessibility", "", "open.bam", "g"],
            ["h1", "accessibility", "", "f.tsv.gz", "g"],
            ["h1", "accessibility_peaks", "", "q.bed", "g"],
        ]
    )
    found = loaded.cells
    assert list(found) == ["k562", "h1"] and loaded.cell_tfs() == ["USF1"]
    assert found["k562"]["genome"] == "g"
    assert [row["format"] for row in found["h1"]["accessibility"]] == ["bam", "fragments"]
    assert found["h1"]["accessibility"][0]["path"] == str(tmp_path / "open.bam")
    assert found["h1"]["conservative"] == {} and found["h1"]["expression"] == []
    assert [row["format"] for row in found["h1"]["accessibility_peaks"]] == ["bed"]
    assert found["k562"]["expression"][0]["format"] == "tpm"
    relaxed = found["k562"]["relaxed"]["USF1"][0]
    assert relaxed["path"].startswith("resources/downloads/") and relaxed["format"] == "bed"
    assert loaded.downloads()[relaxed["path"]] == ("https://a.example/r.bed.gz", "")
    assert loaded.config["genomes"]["g"]["genes"] == str(tmp_path / "g.gtf")


def test_all_faults_of_a_sheet_of_cells_are_listed_with_their_lines(cells):
    text = "\n".join(
        faults(
            cells,
            [
                ["k562", "accessibilty", "", "open.bw", "g"],
                ["k562", "conservative", "", "p.narrowPeak", "g"],
                ["k562", "expression", "USF1", "r.tsv", "bare"],
                ["K562", "accessibility", "", "missing.bw", "g"],
                ["h1", "accessibility", "", "r.tsv", "g"],
                ["h1", "relaxed", "CTCF", "q.odd", "nowhere"],
            ],
        )
    )
    for part in (
        "cells.tsv:2: what: 'accessibilty' is not one of",
        "cells.tsv:3: tf: name the TF of these peaks",
        "cells.tsv:4: tf: leave it empty for expression",
        "cells.tsv:4: what: expression needs genomes.bare.genes",
        "cells.tsv:5: cell 'K562' is 'k562' on line 2",
        "cells.tsv:5: path: no file",
        "cells.tsv:6: path: r.tsv is also on line 4",
        "cells.tsv:7: format: cannot be recognised by the name 'q.odd'",
        "cells.tsv:7: genome: 'nowhere' is not in the config's `genomes`",
    ):
        assert part in text, part


def test_the_rows_of_a_cell_fit_together(cells):
    found = faults(
        cells,
        [
            ["k562", "conservative", "USF1", "p.narrowPeak", "g"],
            ["h1", "accessibility", "", "open.bw", "g"],
            ["h1", "relaxed", "CTCF", "q.bed", "bare"],
        ],
    )
    assert found == [
        "cells.tsv: cell k562 has no row of accessibility; the task needs one for each cell",
        "cells.tsv: cell h1 has the genomes bare, g; a cell has one",
        "cells.tsv: cell h1 has relaxed peaks of CTCF and no conservative ones; both are needed for labels",
    ]
    found = faults(cells, [["h1", "accessibility", "", "open.bw", "g", "narrowpeak"]], [*CELLS, "format"])
    assert found == ["cells.tsv:2: format: accessibility is bigwig or bam or fragments, not narrowpeak"]


def test_a_sheet_of_cells_is_optional_and_must_be_there_if_named(study, cells):
    assert study([["A", "USF1", "chipseq", "a.fa"]]).cells == {}
    assert "cells.tsv" in faults(study, [["A", "USF1", "chipseq", "a.fa"]], more="cells: none/cells.tsv")[0]
    assert "no file" in faults(cells, [])[0]


def test_what_the_cell_type_task_names_is_in_the_sheet_of_cells(cells):
    rows = [
        ["k562", "accessibility", "", "open.bw", "g"],
        ["k562", "conservative", "USF1", "p.narrowPeak", "g"],
        ["h1", "accessibility", "", "open.bam", "g"],
    ]
    assert cells(rows).config["celltype"]["limit"] == 200_000
    found = faults(
        cells,
        rows,
        more="celltype: {tfs: [USF], motifs: {CTCF: [CTCF]}, test_cells: [k56], reference: K562}",
    )
    for part in (
        "celltype.tfs: 'USF' is not in the sheet of cells, did you mean 'USF1'?",
        "celltype.motifs: 'CTCF' is not in the sheet of cells",
        "celltype.test_cells: 'k56' is not in the sheet of cells, did you mean 'k562'?",
        "celltype.reference: 'K562' is not in the sheet of cells",
        "celltype: no test cell has conservative peaks of a TF",
        "split.test: the cell-type task tests on whole chromosomes",
    ):
        assert any(part in fault for fault in found), part
    assert "no test cell" in faults(cells, rows, more="split: {test: [chr1]}\ncelltype: {test_cells: [h1]}")[0]


def test_checksums_of_a_tf_in_some_cells(cells, tmp_path):
    rows = [
        ["k562", "accessibility", "", "open.bw", "g", "a" * 64],
        ["k562", "conservative", "USF1", "p.narrowPeak", "g", "b" * 64],
        ["k562", "conservative", "CTCF", "q.bed", "g", "c" * 64],
        ["h1", "accessibility", "", "open.bam", "g", "d" * 64],
    ]
    genomes = f"g: {{fasta: a.fa, genes: g.gtf, genes_sha256: {'e' * 64}}}"
    loaded = cells(rows, [*CELLS, "sha256"], genomes)
    found = {Path(path).name: sha256[0] for path, sha256 in loaded.cell_checksums(["k562"], "USF1").items()}
    assert found == {"open.bw": "a", "p.narrowPeak": "b", "g.gtf": "e"}
    assert len(loaded.cell_checksums(["k562", "h1"], "CTCF")) == 4


def test_learning_curves_are_of_the_pairs_that_were_asked_for(study):
    rows = [["p", "T", "chipseq", "a.fa", "K"], ["q", "T", "chipseq", "a.fa", "L"], ["r", "T", "htselex", "b.fa", ""]]
    header = [*HEADER, "cell"]
    assert study(rows, header).retrained() == []
    pairs = study(rows, header, more="transfer: {retrain: {models: [deepbind]}}").retrained()
    assert [pair[:2] for pair in pairs] == [("p", "r"), ("q", "r"), ("r", "p"), ("r", "q")]
    assert {pair[2:] for pair in pairs} == {("standard", "deepbind")}
    some = study(rows, header, more="transfer: {retrain: {models: [deepbind], shifts: [cell], targets: [chipseq]}}")
    assert [pair[:2] for pair in some.retrained()] == [("p", "q"), ("q", "p")]
    for models in ("deepbind: {kind: composition}", "a: {kind: deepbind}, deepbind: {trained_as: a}"):
        found = faults(study, rows, header, more="transfer: {retrain: {models: [deepbind]}}", models=models)
        assert "transfer.retrain.models: 'deepbind' is not the label of a network" in found[0]


def test_causes_are_of_the_pairs_that_were_asked_for_and_a_reading_that_can_change(study):
    rows = [["p", "T", "chipseq", "a.fa"], ["r", "T", "htselex", "b.fa"]]
    loaded = study(rows, more="transfer: {causes: {models: [deepbind], targets: [chipseq]}}")
    assert loaded.explained() == [("r", "p", "standard", "deepbind")] and loaded.retrained() == []
    embedded = {"models": "deepbind: {kind: deepbind, reading: embed}"}
    found = faults(study, rows, more="transfer: {causes: {models: [deepbind]}}", **embedded)
    assert "transfer.causes.models: 'deepbind' is trained in random surroundings" in found[0]
    found = faults(study, rows, more="transfer: {causes: {models: [deep]}}")
    assert "transfer.causes.models: 'deep' is not the label of a network" in found[0]


def test_another_dataset_stands_for_another_cycle_or_cell(study):
    header = [*HEADER, "cell", "lab", "cycle"]
    reads = [["s4", "4", "A"], ["s3", "3", "A"], ["s2", "2", "A"], ["s1", "1", "B"], ["s2b", "2", "A"], ["s", "", "A"]]
    rows = [[name, "T", "htselex", "b.fa", "", lab, cycle] for name, cycle, lab in reads]
    chips = [["k", "K", "A"], ["k2", "K", "B"], ["l", "L", "B"], ["l2", "L", "A"], ["m", "M", "A"]]
    rows += [[name, "T", "chipseq", "a.fa", cell, lab, ""] for name, cell, lab in chips]
    of = study(rows, header).stand_in
    assert of("s4", "k") == "s2" and of("s3", "k") == "s2"  # the earliest of this laboratory, the first in the sheet
    assert of("s2", "k") == of("s", "k") == of("s1", "k") == ""
    assert of("s4", "s2") == "s2b" and of("s4", "s3") == "" and of("s4", "s") == ""
    assert of("k", "l") == "l2" and of("k2", "l2") == "l"
    assert of("k", "m") == of("k", "k2") == of("k", "s4") == ""


def test_targets_without_labels_are_met_by_the_last_cycle_of_each_library(study, tmp_path):
    for name in ("c.fa", "d.fa"):
        (tmp_path / name).write_text(">a\nACGT\n")
    rows = [["p", "T", "chipseq", "a.fa", "", ""], ["r", "T", "htselex", "b.fa", "X", "3"]]
    rows += [["s", "T", "htselex", "c.fa", "X", "4"], ["u", "T", "htselex", "d.fa", "Y", "2"]]
    header = [*HEADER, "lab", "cycle"]
    loaded = study(rows, header, more="transfer: {unlabelled: {models: [deepbind], targets: [chipseq]}}")
    assert [pair[:2] for pair in loaded.unlabelled()] == [("s", "p"), ("u", "p")]
    assert loaded.cycles("s") == {"r": 3} and loaded.cycles("u") == loaded.cycles("s", target="r") == {}
    assert study(rows, header).unlabelled() == []
    more = "transfer: {unlabelled: {models: [deepbind]}}"
    found = faults(study, rows, header, more=more, models="deepbind: {kind: composition}")
    assert "transfer.unlabelled.models: 'deepbind' is not the label of a network" in found[0]
    found = faults(study, rows, header, more=more, models="deepbind: {kind: deepbind, reading: embed}")
    assert "'deepbind' reads by embed" in found[0]
    borrowed = "a: {kind: deepbind}, deepbind: {trained_as: a}"
    assert study(rows, header, more=more, models=borrowed).unlabelled()


def test_settings_that_do_nothing_are_noted_and_no_others(study):
    header = [*HEADER, "left_flank", "genome", "negative_names", "format"]
    rows = [
        ["A", "USF1", "htselex", "a.fa", "ACG", "g", "", ""],
        ["B", "MAX", "htselex", "b.fa", "", "", "x", "labelled"],
    ]
    idle = """
  n: {kind: {chipseq: dinucleotide}}
  m: {kind: dinucleotide, margin: 900, ratio: 2}
  o: {kind: {htselex: other_tf}, others: [MAX], tfs: [USF1]}"""
    more = "genomes: {g: {fasta: a.fa}, h: {fasta: b.fa}}\nsplit: {test: [chr1]}\ncelltype: {limit: 9000}\n"
    more += "transfer: {retrain: {models: [deepbind], shifts: [lab]}}"
    rows[0] += ["3"]
    rows[1] += ["3"]
    loaded = study(rows, [*header, "cycle"], more, negatives=f"negatives:{idle}")
    assert loaded.notes == (
        "A: genome: not read for htselex of format fasta",
        "B: negative_names: not read for htselex of format labelled",
        "config.yaml: split.test: no dataset has coordinates, so chr1 cannot be held out; a hash splits",
        "config.yaml: genomes.h: no row names it",
        "config.yaml: negatives.n: applies to no dataset",
        "config.yaml: negatives.m.margin: of genomic; the datasets here have dinucleotide",
        "config.yaml: transfer.retrain: no pair of datasets of one TF is of its shifts, targets and models",
        "config.yaml: celltype: the config names no sheet of `cells`",
    )
    assert study([["A", "USF1", "chipseq", "a.fa"]], more="split: {test: [chr1]}").notes == ()
    used = (
        "negatives: {n: {kind: dinucleotide, also: {reads: [other_tf]}, others: [MAX], gc: false, tfs: [USF1]}, "
        "m: {kind: usual}}"
    )
    plain = [["A", "USF1", "htselex", "a.fa", "3"], ["B", "MAX", "htselex", "b.fa", "3"]]
    assert study(plain, [*HEADER, "cycle"], negatives=used).notes == ()
    alone = (
        "negatives: {n: {kind: usual, also: {reads: [other_tf, dinucleotide]}}, "
        "m: {kind: usual, also: {peaks: [other_tf]}}}"
    )
    assert study(plain[:1], [*HEADER, "cycle"], negatives=alone).notes == (
        "config.yaml: negatives.n.also: other_tf: A: no dataset of another TF of the same assay and cycle",
        "config.yaml: negatives.m.also: no dataset is of the assays or forms that it names",
    )
    for path in ("config.yaml", "resources/real/config.yaml", "resources/assays/config.yaml"):
        assert config.load(REPO / path).notes == ()


def test_a_pair_tells_its_shift_and_no_smaller_difference(study):
    header = ["dataset", "tf", "assay", "path", "cell", "lab", "replicate"]

    def of(*facts):
        rows = [[name, "MAX", assay, "a.fa", *fact] for name, assay, fact in zip("ABC", ASSAY, facts, strict=True)]
        loaded = study(rows, header, negatives="negatives: {n: {kind: dinucleotide}}")
        return [loaded.pair(*names) for names in ("AB", "AC")]

    first = of(("k562", "x", "1"), ("hepg2", "y", "2"), ("", "x", ""))
    assert [shift(*pair.values()) for pair in first] == ["cell", "assay"]
    assert of(("k562", "z", "7"), ("hepg2", "z", "1"), ("", "y", "3")) == first, "laboratory and replicate"
    assert of(("gm12878", "x", "1"), ("hepg2", "y", "2"), ("", "x", "")) == first, "another name"
    assert of(("k562", "x", "1"), ("k562", "y", "2"), ("", "x", ""))[0] != first[0]


ASSAY = ("chipseq", "chipseq", "htselex")


@pytest.mark.parametrize(
    ("word", "assay"),
    [("ChIP-seq", "chipseq"), ("HT_SELEX", "htselex"), ("CUT&RUN", "cutandrun"), ("SMiLE", "smileseq"), ("PBM", "pbm")],
)
def test_a_spelling_of_an_assay_is_met_with_the_word_meant(word, assay, study):
    (fault,) = faults(study, [["A", "USF1", word, "a.fa"]])
    assert f"assay: {word!r} is not one of chipseq, " in fault and fault.endswith(f"did you mean {assay!r}?")
    (fault,) = faults(
        study, [["A", "USF1", "chipseq", "a.fa"]], negatives=f"negatives: {{s: {{kind: {{'{word}': usual}}}}}}"
    )
    assert f"{word!r} (did you mean {assay!r}?) is neither an assay nor a form" in fault


def test_kinds_of_negatives_by_assay_by_form_and_as_usual(study):
    rows = [["A", "USF1", "chipseq", "a.fa"], ["B", "USF1", "dapseq", "a.fa"], ["C", "USF1", "htselex", "b.fa"]]
    text = "negatives: {s: {kind: {dapseq: pairs, peaks: [usual], reads: usual}}, all: {kind: usual}}"
    loaded = study(rows, negatives=text)
    assert {assay: loaded.kinds("s", assay) for assay in ("chipseq", "dapseq", "htselex", "pbm")} == {
        "chipseq": ["provided", "dinucleotide"],
        "dapseq": ["pairs"],
        "htselex": ["input", "provided", "dinucleotide"],
        "pbm": [],
    }
    assert loaded.labels("B") == ["s", "all"] and loaded.kinds("all", "pbm") == ["provided"]


def test_the_other_array_design_is_the_test_set(study, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.tsv").write_text("ACGT\t1\n")
    header = [*HEADER, "lab", "design", "sha256"]
    rows = [
        ["M", "USF1", "pbm", "a.tsv", "x", "ME", "0" * 64],
        ["H", "USF1", "pbm", "b.tsv", "x", "HK", "1" * 64],
        ["O", "USF1", "pbm", "c.tsv", "y", "HK", ""],
        ["P", "USF1", "chipseq", "a.fa", "", "", ""],
    ]
    loaded = study(rows, header, negatives="negatives: {s: {kind: usual}}")
    tests = {
        name: (row["format"], Path(row["test_path"]).name, row["test_sha256"][:1])
        for name, row in loaded.datasets.items()
    }
    assert tests == {
        "M": ("probes", "b.tsv", "1"),
        "H": ("probes", "a.tsv", "0"),
        "O": ("probes", "", ""),
        "P": ("fasta", "", ""),
    }
    assert loaded.targets("M") == ["M", "O", "P"] and loaded.targets("P") == ["M", "H", "O", "P"]


@pytest.mark.parametrize(
    ("text", "hinted"),
    [
        ("seeds: ['0', '1']", True),
        ("statistics: {level: '0.9'}", True),
        ("seeds: ['one']", False),
        ("seeds: [0.5]", False),
    ],
)
def test_numbers_that_snakemake_makes_text_of_are_met_with_the_remedy(text, hinted, study):
    """`--config seeds=[0,1]` arrives as texts: findings/snakemake_config_values.sh."""
    found = faults(study, [["A", "USF1", "chipseq", "a.fa"]], more=text)
    assert all("is not of type" in fault for fault in found)
    assert all(("Snakemake's --config makes text" in fault) == hinted for fault in found)


def test_a_model_is_never_scored_on_the_design_that_it_was_trained_on(study, tmp_path):
    """Not in another laboratory and not of another TF, where the same probes have other signals."""
    header = [*HEADER, "lab", "design", "right_flank"]
    tfs, ends = {"x": "USF1", "y": "USF1", "z": "JUNB"}, {"ME": "ACGTAC", "HK": ""}
    rows = [[lab + d, tf, "pbm", f"{lab}{d}.tsv", lab, d, end] for lab, tf in tfs.items() for d, end in ends.items()]
    for _, _, _, name, *_ in rows:
        (tmp_path / name).write_text("ACGT\t1\n")
    extra = "transfer: {extra_pairs: [[xME, zME], [xME, zHK]]}"
    loaded = study(rows, header, negatives="negatives: {s: {kind: usual}}", more=extra)
    assert loaded.targets("xME") == ["xME", "yME", "zME"] and loaded.targets("yHK") == ["xHK", "yHK"]
    made = loaded.row("xME", ("path",))
    assert {key: made[key] for key in made if key != "path"} == {"test_design": "HK", "test_right_flank": ""}


def test_designs_and_bins_that_cannot_be_meant(study, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.tsv").write_text("ACGT\t1\n")
    rows = [["M", "USF1", "pbm", "a.tsv", "ME", ""], ["H", "USF1", "pbm", "b.tsv", "me", ""]]
    rows.append(["C", "USF1", "chipseq", "a.tsv", "", "bins"])
    found = faults(study, rows, [*HEADER, "design", "format"], negatives="negatives: {s: {kind: usual}}")
    assert (
        "sheet.tsv:3: design 'me' is 'ME' on line 2; spell one design in one way; if they are two, they must differ in "
        in found[0]
    )
    assert any("sheet.tsv:4: format: bins is for GHT-SELEX; ChIP-seq comes as narrowpeak" in fault for fault in found)


def test_a_matrix_is_given_its_tf_and_its_file(study, tmp_path):
    (tmp_path / "m.meme").write_text("")
    rows = [["A", "USF1", "chipseq", "a.fa"], ["B", "MAX::MYC", "htselex", "b.fa"]]
    models = "known: {kind: matrix, file: m.meme, tfs: [USF1]}, jaspar: {kind: matrix, readout: occupancy}"
    loaded = study(rows, models=models + ", pwm: {kind: pwm}, scan: {trained_as: pwm}")
    assert loaded.options("known", "A")["tf"] == "USF1" and loaded.options("jaspar", "B")["tf"] == "MAX::MYC"
    assert "tf" not in loaded.options("pwm", "A") and loaded.options("jaspar", "B")["readout"] == "occupancy"
    planned = plan.Plan(loaded)
    assert [Path(path).name for path in planned.matrices("A")] == ["m.meme"] and planned.matrices("B") == []
    assert [unit["model"] for unit in planned.trained("baseline", "B")] == ["jaspar", "pwm"]
    assert planned.learners("A") == [] and ("standard", "scan") in planned.scored("B")
