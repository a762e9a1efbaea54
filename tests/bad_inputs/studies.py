"""Configs and sheets."""

from bad_inputs import Case

HEADER = b"dataset\ttf\tassay\tpath\tgenome\n"
ODD = ("../../x", "-rf", "a;b", "$(x)", "", "🧬")
ROW = b"A\tUSF1\tchipseq\ta.narrowPeak\ttiny\n"


def sheet(number, name, says, code, content):
    """A case of a whole sheet."""
    return Case(number, name, says, code, sheet=content)


def row(dataset="B", tf="USF1", assay="chipseq", path="a.narrowPeak"):
    """A further row."""
    return f"{dataset}\t{tf}\t{assay}\t{path}\ttiny\n".encode()


CASES = [
    sheet(38, "the_same_id_twice", ("sheet.tsv:4: dataset 'A' is also on line 2",), 2, HEADER + ROW + row() + ROW),
    sheet(38, "ids_that_differ_by_case", ("sheet.tsv:3: dataset 'a' is also on line 2 (case does not count)",), 2,
          HEADER + ROW + row("a")),
    sheet(39, "ids_that_are_paths_or_commands",
          tuple(f"sheet.tsv:{line}: dataset: {value!r} is not of the form" for line, value in enumerate(ODD, 2)), 2,
          HEADER + b"".join(map(row, ODD))),
    sheet(39, "an_id_of_300_letters", (f"sheet.tsv:2: dataset: '{'x' * 99}... is not of the form",), 2,
          HEADER + row("x" * 300)),
    sheet(39, "tfs_that_are_paths_or_commands", ("sheet.tsv:2: tf: '<script>' is not", "sheet.tsv:3: tf: 'a/../b' is"), 2,
          HEADER + row("A", "<script>") + row("B", "a/../b")),
    sheet(41, "one_tf_in_two_spellings",
          ("sheet.tsv:3: tf 'Usf1' is 'USF1' on line 2; spell one TF in one way; if they are two, they must differ in",), 2,
          HEADER + ROW + row("B", "Usf1")),
    sheet(56, "blank_lines_comments_and_quotes", ("2 datasets (2 chipseq",), 0,
          b'\n"dataset"\t tf \tassay\tpath\tgenome\r\n\r\n# a comment\r\n\t\t\t\t\r\n' + ROW + b'\n"B"\tUSF1\tchipseq\t'
          b'"a.narrowPeak"\ttiny\n\n'),
    sheet(56, "old_macintosh_line_ends", ("1 TF in 1 dataset",), 0, (HEADER + ROW).replace(b"\n", b"\r")),
    sheet(56, "a_column_misspelt", ("sheet.tsv:1: unknown column 'paht', did you mean 'path'?", "'path' is missing"), 2,
          HEADER.replace(b"path", b"paht") + ROW),
    sheet(56, "commas_instead_of_tabs", ("sheet.tsv:1: the header has no tab; separate the columns by tabs",), 2,
          (HEADER + ROW).replace(b"\t", b",")),
    sheet(56, "a_quotation_mark_left_open", ("sheet.tsv:3: unexpected end of data; reading stopped here, is a quotation",),
          2, HEADER + row("A", '"USF1') + row()),
    sheet(56, "a_quotation_mark_that_swallows_a_row", ("sheet.tsv:3: a cell runs on into the next line; reading stopped",),
          2, HEADER + row("A", '"USF1') + row("B", 'USF1"')),
    sheet(56, "a_cell_too_many", ("sheet.tsv:2: 7 cells under 5 columns",), 2, HEADER + ROW.replace(b"\n", b"\tx\ty\n")),
    sheet(56, "a_sheet_in_utf_16", ("sheet.tsv:1: not UTF-8 text (byte 0); save it as UTF-8",), 2,
          (HEADER + ROW).decode().encode("utf-16")),
    sheet(56, "a_sheet_without_rows", ("sheet.tsv: the sheet has a header and no dataset",), 2, HEADER),
    sheet(56, "an_empty_sheet", ("sheet.tsv: the sheet is empty; its header starts with dataset tf assay path",), 2, b""),
    sheet(56, "files_that_are_not_there", ("sheet.tsv:2: path: no file", "sheet.tsv:3: path: no file"), 2,
          HEADER + row("A", path="absent.bed") + row("B", path="x" * 5000 + ".bed")),
    sheet(56, "an_address_that_is_none", ("sheet.tsv:2: path: 'https://[x/a.bed' is not a URL",), 2,
          HEADER + row(path="https://[x/a.bed")),
    Case(45, "one_chromosome_validates_and_tests", ("config.yaml: split: chr3 is in `validation` and in `test`",),
         config={"split": {"validation": ["chr3"], "test": ["chr3"]}}),
    Case(45, "chromosomes_written_as_numbers", ("config.yaml: split.test.0: 3 is not of type string; put it in quotes",),
         config={"split": {"test": [3]}}),
    Case(51, "windows_shorter_than_any_detector", ("config.yaml: sequence.length: 5 is less than the minimum of 20",),
         config={"sequence": {"length": 5}}),
    Case(53, "a_key_misspelt", ("config.yaml: training: unknown key 'lerning_rate', did you mean 'learning_rate'?",),
         config={"training": {"lerning_rate": 0.1}}),
    Case(54, "wrong_values_all_at_once",
         ("seeds.0: 'abc' is not of type integer", "training.epochs: -1 is less than", "training.batch_size: 12.0 is not",
          "negatives.n.ratio: 0 is less than the minimum of 1", "models.m.kind: 'deepbnd' is not one of"),
         config={"training": {"epochs": -1, "batch_size": 12.0}, "seeds": ["abc"],
                 "negatives": {"n": {"kind": "pairs", "ratio": 0}}, "models": {"m": {"kind": "deepbnd"}}}),
    Case(54, "a_number_that_is_none", ("config.yaml:1:27: .nan is not a finite number",),
         config=b"training: {learning_rate: .nan}\n"),
    Case(54, "a_number_of_thousands_of_digits", ("config.yaml:1:9: '999", "cannot be read"),
         config=b"seeds: [" + b"9" * 5000 + b"]\n"),
    Case(54, "labels_that_are_no_file_names", ("config.yaml: negatives: 'a/b' is not of the form", "models: 'm\\n' is not"),
         config={"negatives": {"a/b": {"kind": "pairs"}}, "models": {"m\n": {"kind": "composition"}}}),
    Case(54, "labels_that_differ_by_case", ("config.yaml: models: 'M' and 'm' differ only by case",),
         config={"models": {"m": {"kind": "composition"}, "M": {"kind": "deepbind"}}}),
    Case(55, "yaml_with_a_tab", ("config.yaml:2:1: found character '\\t' that cannot start any token",),
         config=b"datasets: sheet.tsv\n\tnegatives: {}\n"),
    Case(55, "yaml_with_a_key_twice", ("config.yaml:2:1: the key 'datasets' is written twice",),
         config=b"datasets: sheet.tsv\ndatasets: other.tsv\n"),
    Case(55, "yaml_with_a_python_tag", ("config.yaml:1:11: could not determine a constructor for the tag",),
         config=b"datasets: !!python/object/apply:os.system ['touch owned']\n"),
    Case(55, "yaml_of_billions_of_laughs", ("config.yaml:2:11: aliases (*name) are not accepted; write the value out",),
         config=b"a: &a [x, x]\nb: &b    [*a, *a, *a]\n" + b"".join(b"c%d: &c%d [*b, *b]\n" % (i, i) for i in range(99))),
    Case(55, "yaml_nested_without_end", ("config.yaml: nested too deeply for a config; is a bracket left open?",),
         config=b"a: " + b"[" * 100_000),
    Case(55, "yaml_of_megabytes", ("config.yaml: longer than 1048576 bytes; name another file",), config=b"# x\n" * 2**19),
    Case(55, "yaml_that_is_no_utf8", ("config.yaml:2: not UTF-8 text (byte 28); save it as UTF-8",),
         config=b"datasets: sheet.tsv\ntitle: Z\xfcrich\n"),
    Case(55, "yaml_that_is_a_list", ("config.yaml: expected keys and values, found list",), config=b"- a\n"),
]  # fmt: skip
