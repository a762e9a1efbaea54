import filecmp
import subprocess
import sys

import pytest

from tfbind import cli, errors
from tfbind.io import paths


def tfbind(*arguments):
    return subprocess.run([sys.executable, "-m", "tfbind.cli", *map(str, arguments)], capture_output=True, text=True)


def test_validate_says_what_a_study_holds(tmp_path):
    (tmp_path / "a.fa").write_text(">a\nACGT\n")
    (tmp_path / "d.tsv").write_text("dataset\ttf\tassay\tpath\nA\tUSF1\tchipseq\ta.fa\n")
    (tmp_path / "c.yaml").write_text("datasets: d.tsv\nnegatives: {n: {kind: pairs}}\nmodels: {m: {kind: deepbind}}\n")
    run = tfbind("validate", tmp_path / "c.yaml")
    assert run.returncode == 0 and "A: positives: 1 read" in run.stdout and "1 TF in 1 dataset (" in run.stdout
    (tmp_path / "a.fa").write_text("ACGT\n")
    quick, whole = tfbind("validate", "--quick", tmp_path / "c.yaml"), tfbind("validate", tmp_path / "c.yaml")
    assert quick.returncode == 0 and "positives" not in quick.stdout and "1 TF in 1 dataset (" in quick.stdout
    assert whole.returncode == 2 and "a.fa" in whole.stderr


def test_an_invalid_study_lists_all_faults_and_exits_with_2(tmp_path):
    (tmp_path / "c.yaml").write_text("datasets: d.tsv\nnegatives: {n: {kind: foo}}\nmodels: {m: {kind: bar}}\n")
    run = tfbind("validate", tmp_path / "c.yaml")
    assert run.returncode == 2 and len(run.stderr.splitlines()) == 2 and "Traceback" not in run.stderr


def test_a_simulated_study_is_valid_as_it_stands_and_always_the_same(simulated, tmp_path):
    assert tfbind("simulate", tmp_path / "study").returncode == 0
    run = tfbind("validate", tmp_path / "study" / "config.yaml")
    assert run.returncode == 0 and "3 TFs in 7 datasets" in run.stdout
    names = paths.simulated()
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == names
    assert filecmp.cmpfiles(tmp_path / "study", simulated, names, shallow=False) == (names, [], [])


def test_simulate_refuses_a_folder_in_use_and_a_word_that_is_no_assay(tmp_path):
    (tmp_path / "x").write_text("")
    assert tfbind("simulate", tmp_path).returncode == 2
    run = tfbind("simulate", tmp_path / "new", "--assay", "pbm", "--assay", "CUT&RUN")
    assert run.returncode == 2 and "no assay 'CUT&RUN'; did you mean cutandrun?" in run.stderr


def test_the_assays_of_a_simulated_study_are_chosen_at_the_command_line(every_assay, tmp_path):
    run = tfbind("simulate", tmp_path / "study", "--assay", "smileseq", "--assay", "pbm")
    names = paths.simulated(assays=["pbm", "smileseq"])
    assert run.returncode == 0 and f"{len(names)} files" in run.stdout
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == names
    shared = [name for name in names if name not in ("config.yaml", "datasets.tsv", "truth.json")]
    assert filecmp.cmpfiles(tmp_path / "study", every_assay, shared, shallow=False) == (shared, [], [])
    run = tfbind("validate", tmp_path / "study" / "config.yaml")
    assert run.returncode == 0 and "3 TFs in 9 datasets" in run.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), 2),
        (errors.NotEstimable("x"), 3),
        (errors.ResourceError("x"), 4),
        (OSError(28, "No space left on device"), 4),
    ],
)
def test_each_end_has_its_exit_code(monkeypatch, error, code):
    def fail():
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == code
