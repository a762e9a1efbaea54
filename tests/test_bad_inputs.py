"""The 70 bad inputs that the project was given: what a user reads and the exit code, by the road that a user takes."""

import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pysam
import pytest

from bad_inputs import CHROMOSOMES, fasta, foreign, genomes, matrices, peaks, probes, proposal, reads, scoring, studies
from tfbind import cli

CASES = [*peaks.CASES, *genomes.CASES, *reads.CASES, *probes.CASES, *matrices.CASES, *foreign.CASES, *studies.CASES]
TESTS = Path(__file__).parent

#: Numbers whose place is deeper in the package than a file's reading -> the test that holds them.
ELSEWHERE = {
    15: "test_archives::test_a_withdrawn_file_is_refused_with_what_to_take_instead",
    16: "test_archives::test_a_file_that_is_something_else_is_refused",
    22: "test_positives::test_test_path_is_all_test_and_the_rest_never",
    23: "test_genome::test_the_index_is_neither_made_nor_written",
    28: "test_genome::test_the_index_is_neither_made_nor_written",
    34: "test_negatives::test_no_kind_possible_says_what_each_needs",
    42: "test_evaluation::test_the_only_dataset_of_a_tf_keeps_its_row",
    43: "test_evaluation::test_absent_predictions_and_few_rows_leave_a_note",
    46: "test_negatives::test_gc_that_the_genome_lacks_is_counted_by_bin",
    47: "test_negatives::test_a_genome_that_is_too_small",
    50: "test_training::test_a_diverging_seed_fails_and_the_others_stay",
    52: "test_predict::test_a_scan_is_the_best_window_and_an_occupancy_the_sum_of_odds",
    57: "test_cli::test_each_end_has_its_exit_code",
    58: "test_tables::test_a_failed_write_leaves_the_old_file_and_nothing_else",
    59: "test_faults::test_results_are_the_same_after_a_kill_and_with_one_core",
    60: "test_training::test_too_little_memory_on_a_gpu_is_told_with_the_remedies",
    61: "test_download::test_no_server_at_all_is_told_after_some_attempts",
    62: "test_faults::test_results_are_the_same_after_a_kill_and_with_one_core",
    63: "test_networks::test_a_spoilt_model_is_refused",
    64: "test_score_files::test_each_row_is_scored_as_if_alone",
    65: "test_negatives::test_sequences_without_another_shuffle_are_dropped_and_counted",
    66: "test_genome::test_windows_outside_are_refused_together",
    67: "test_leakage::test_one_library_is_named_in_the_counts_and_may_refuse_the_pair",
    68: "test_evaluation::test_rows_that_do_not_match_are_refused_all_at_once",
    69: "test_evaluation::test_auroc_and_delong_equal_the_pairwise_oracle",
    70: "test_evaluation::test_auroc_and_delong_equal_the_pairwise_oracle",
}


def run(monkeypatch, capsys, *arguments):
    """The command in this process: exit code and everything it printed."""
    monkeypatch.setattr(sys, "argv", ["tfbind", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, "".join(capsys.readouterr())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number:02}-{case.name}")
def test_bad_input(case, tmp_path, monkeypatch, capsys):
    config = case.write(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, said = run(monkeypatch, capsys, "validate", config)
    assert (code, [part for part in case.says if part not in said]) == (case.code, []), said
    assert sorted(tmp_path.rglob("*")) == before, "reading leaves nothing behind"


@pytest.mark.parametrize("case", proposal.CASES, ids=lambda case: case.name)
def test_bad_input_of_init(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in {"genome.fa": fasta(CHROMOSOMES), "USF1.narrowPeak": proposal.PEAKS, **case.files}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.name == "nowhere":
            path.symlink_to("absent")
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(tmp_path.rglob("*"))
    code, said = run(monkeypatch, capsys, "init", "study", *case.given)
    assert (code, [part for part in case.says if part not in said]) == (case.code, []), said
    written = set(tmp_path.rglob("*")) - set(before)
    assert {path.name for path in written} == (set() if code == 2 else {"study", "config.yaml", "datasets.tsv"})
    if code != 2:
        # a question is a fault of the sheet that is named as one; without any the study is valid
        code, said = run(monkeypatch, capsys, "validate", "study/config.yaml")
        assert code == (2 if case.code == 3 else 0), said
        assert case.code == 0 or "could not tell" in said, said


def test_every_number_has_its_test():
    assert {case.number for case in CASES} | set(ELSEWHERE) == set(range(1, 71))
    for number, place in ELSEWHERE.items():
        file, name = place.split("::")
        (path,) = TESTS.rglob(f"{file}.py")
        assert re.search(rf"^def {name}\(", path.read_text(), re.M), (number, place)
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


def test_faults_of_several_files_are_listed_at_once(tmp_path, monkeypatch, capsys):
    """Those of config and sheet first; once these are mended, those of all data files."""
    case = peaks.Case(0, "", (), files={"b.narrowPeak": "chr1\t9\t3\n", "c.fastq": ">x\n", "bad.fa": ""})
    config = case.write(tmp_path)
    header = "dataset\ttf\tassay\tpath\tgenome\tcycle\n"
    rows = "B\tUSF1\tchipseq\tb.narrowPeak\ttiny\t{}\nC\tUSF1\thtselex\tc.fastq\t\t\nD\tUSF1\tchipseq\t{}\ttiny\t\n"
    config.write_text(config.read_text().replace("genome.fa", "bad.fa") + "seed: [1]\n")
    (tmp_path / "sheet.tsv").write_text(header + rows.format("x", "absent.bed"))
    code, said = run(monkeypatch, capsys, "validate", config)
    assert code == 2 and "unknown key 'seed'" in said
    config.write_text(config.read_text().replace("seed: [1]\n", ""))
    code, said = run(monkeypatch, capsys, "validate", config)
    assert code == 2 and all(part in said for part in ("sheet.tsv:2: cycle: 'x'", "sheet.tsv:4: path: no file"))
    (tmp_path / "sheet.tsv").write_text(header + rows.format("", "a.narrowPeak"))
    config.write_text(config.read_text().replace("bad.fa", "genome.fa"))
    code, said = run(monkeypatch, capsys, "validate", config)
    assert code == 2 and "D: positives: 20" in said
    assert all(part in said for part in ("b.narrowPeak:1: 3 column", "c.fastq: record 1"))
    config.write_text(config.read_text().replace("genome.fa", "bad.fa"))
    code, said = run(monkeypatch, capsys, "validate", config)
    assert code == 2 and "bad.fa: 0 records" in said and "c.fastq: record 1" in said
    assert "D: not read: its genome" in said


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A network, a model of composition, and one that could not be trained."""
    import pandas as pd

    from tfbind.models import baseline, networks, store

    root = tmp_path_factory.mktemp("models")
    for name in ("net", "floor", "none"):
        (root / name).mkdir()
    options = {"filters": 2, "width": 8}
    networks.save(root / "net", "deepbind", options, {0: networks.build("deepbind", options).state_dict()}, 24, {})
    texts = [CHROMOSOMES["chr1"][i : i + 24] for i in range(0, 960, 24)]
    rows = pd.DataFrame({"sequence": texts, "draw": 0, "split": "train"})
    baseline.fit("composition", {}, rows.iloc[:20].assign(label=1), rows.iloc[20:].assign(label=0), 0, root / "floor")
    store.write_no_model(root / "none", "deepbind", "too few reads")
    return root


@pytest.mark.parametrize("call", scoring.CASES, ids=lambda call: call.name)
def test_a_bad_call_of_score(call, models, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    (tmp_path / "dir").mkdir()
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    files = {"genome.fa": fasta(CHROMOSOMES), "genome.bw": fasta(CHROMOSOMES), "a.fa": ">a\n" + "ACGT" * 9 + "\n"}
    files |= {"a.bed": "chr1\t100\t140\n", "a.vcf": header + "chr1\t9\t.\tA\tC\t.\t.\t.\n", **call.files}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for name in ("genome.fa", "genome.bw"):
        pysam.faidx(name)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, said = run(monkeypatch, capsys, "score", call.model, *call.words)
    assert (code, [part for part in call.says if part not in said]) == (call.code, []), said
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert before.items() <= after.items(), "what was there is as it was"
    assert {str(path.relative_to(tmp_path)) for path in after.keys() - before.keys()} == set(call.made)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_messages_reach_every_terminal(tmp_path, locale):
    case = studies.sheet(39, "", (), 2, studies.HEADER + studies.row("Zoë🧬"))
    command = [sys.executable, "-m", "tfbind.cli", "validate", str(case.write(tmp_path))]
    end = subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": locale, "PATH": ""})
    assert end.returncode == 2 and b"sheet.tsv:2: dataset: " in end.stderr and b"Traceback" not in end.stderr


MEMORY = """
import resource, sys
from tfbind.io import genome, peaks, probe_tables, sequence_files
from tfbind.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    {call}
except InputError as error:
    print(error, file=sys.stderr)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("unit", "call"),
    [
        (b"A", "genome.index(sys.argv[1], sys.argv[1] + '.fa')"),
        (b"chr1", "peaks.read_peaks(sys.argv[1], 'bed')"),
        (b">a\nAC\n", "sequence_files.read_fasta(sys.argv[1])"),
        (b"A\t1\n", "sequence_files.read_labelled(sys.argv[1])"),
        (b"A\t1\n", "probe_tables.read_probes(sys.argv[1])"),
        (b"A\tT\t0\n", "probe_tables.read_words(sys.argv[1])"),
    ],
)
def test_a_bomb_costs_little_memory(tmp_path, unit, call):
    """What unpacks to a thousand times its size is refused before a gigabyte of memory is used."""
    block = unit * (2**20 // len(unit))
    pack = zlib.compressobj(9, wbits=31)
    (tmp_path / "bomb").write_bytes(b"".join(pack.compress(block) for _ in range(32)) + pack.flush())
    end = subprocess.run(
        [sys.executable, "-c", MEMORY.format(call=call), str(tmp_path / "bomb")], capture_output=True, text=True
    )
    assert end.returncode == 0 and end.stderr and int(end.stdout) < 1024, (end.stdout, end.stderr[-500:])
