"""The generic profile with another batch system than SLURM: task-spooler, a queue on one machine."""

import os
import shutil
import subprocess

import pytest
import yaml

from studies import DATASETS, NEGATIVES, REPO, assert_done, assert_same, results, started, through

#: What docs/cluster.md says to put in place of the three commands of `profiles/generic`.
COMMANDS = {
    "cluster-generic-submit-cmd": "tsp -L tfbind-{name}",
    "cluster-generic-status-cmd": (
        'state() { case $(tsp -s "$1" 2>&1) in finished) tsp -i "$1" | grep -q "exit code 0$" && echo success || '
        "echo failed;; skipped) echo failed;; *) echo running;; esac; }; state"
    ),
    "cluster-generic-cancel-cmd": "sh -c 'for job; do tsp -k $job || tsp -r $job; done' tsp",
}


@pytest.fixture
def queue(tmp_path_factory):
    """The environment of a queue of its own, for two jobs at a time."""
    if not shutil.which("tsp"):
        pytest.skip("no tsp: apt-get install task-spooler")
    folder = tmp_path_factory.mktemp("tsp")
    environment = {**os.environ, "TS_SOCKET": str(folder / "socket"), "TMPDIR": str(folder), "TS_SLOTS": "2"}
    yield environment
    subprocess.run(["tsp", "-K"], env=environment, check=True)


def jobs(queue):
    """Label -> exit code of what was submitted."""
    lines = subprocess.run(["tsp"], env=queue, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    return [(line.partition("[")[2].partition("]")[0], line.split()[3]) for line in lines]


def test_task_spooler_makes_the_files_of_a_local_run(queue, study, tmp_path_factory):
    profile = yaml.safe_load((REPO / "profiles" / "generic" / "config.yaml").read_text())
    mine = tmp_path_factory.mktemp("profile")
    (mine / "config.yaml").write_text(yaml.safe_dump(profile | COMMANDS))
    words = ("--workflow-profile", mine, "--seconds-between-status-checks", 1)
    plain = tmp_path_factory.mktemp("plain")
    shutil.copytree(study, plain, dirs_exist_ok=True)
    peaks = study / "resources" / "simulated" / "USF1_k562.narrowPeak"
    text = peaks.read_text()
    peaks.write_text("chr1\tx\ty\n")
    with started(study, *NEGATIVES, *words, "--retries", 0, env=queue) as run:
        assert run.wait() == 1
    assert "USF1_k562.narrowPeak:1" in (study / "snakemake.log").read_text()
    assert {code for _, code in jobs(queue)} == {"0", "1"}
    peaks.write_text(text)
    with started(study, *NEGATIVES, *words, env=queue) as run:
        assert_done(run, study)
    assert all(name.startswith("tfbind-") for name, _ in jobs(queue)) and jobs(queue)[-1][1] == "0"
    done = through(plain, *NEGATIVES)
    assert done.returncode == 0, done.stderr
    assert len(results(plain)) == 4 * len(DATASETS)
    assert_same(study, plain)
