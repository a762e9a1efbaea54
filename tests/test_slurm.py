"""The cluster profiles on a SLURM cluster that the tests start: the files of a local run, whatever goes wrong."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from slurm import cluster as slurm
from studies import DATASETS, REPO, assert_same, command


@pytest.fixture(scope="module")
def cluster():
    if missing := slurm.missing():
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    with slurm.running() as started:
        yield started


def test_the_profiles_ask_for_the_same():
    ours, theirs = (yaml.safe_load((REPO / "profiles" / p / "config.yaml").read_text()) for p in ("slurm", "generic"))
    for key in ("default-resources", "set-resources", "groups", "group-components", "cores", "jobs", "retries"):
        assert ours[key] == theirs[key], key


@pytest.mark.parametrize(
    ("profile", "pause"),
    [("generic", "--seconds-between-status-checks"), ("slurm", "--slurm-init-seconds-before-status-checks")],
)
def test_a_cluster_makes_the_files_of_a_local_run(cluster, local, study, profile, pause):
    asked = command(study, "--workflow-profile", f"profiles/{profile}", pause, 1)
    run = subprocess.run(asked, cwd=REPO, env=cluster.environment, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stderr[-4000:]
    assert_same(study, local)


@contextlib.contextmanager
def started(folder, cluster, *arguments):
    """A run that goes on beside the test; it and its submissions, which are the cluster's, have parted."""
    log = folder / "snakemake.log"
    with log.open("a") as out:
        options = {"cwd": REPO, "env": cluster.environment, "stdout": out, "stderr": out}
        process = subprocess.Popen(command(folder, *arguments), **options, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def training(cluster, folder, dataset, besides=()):
    """The process that trains on a dataset and has saved an epoch, once there is one."""
    log = folder / "logs" / "train" / dataset / "standard" / "deepbind.log"
    model = folder / "results" / "models" / dataset / "standard" / "deepbind"

    def found():
        if list(model.glob("checkpoints/*/last.ckpt")):
            return next((p for p in slurm.children() if p not in besides and str(log) in slurm.open_files(p)), None)

    return cluster.wait(f"a training on {dataset}", found, 300)


def variable(pid, name):
    """A variable of the environment of a process."""
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return next(entry.partition("=")[2] for entry in environment if entry.startswith(f"{name}="))


def epochs(folder, dataset):
    """The epochs that the log of the latest start of a training tells of."""
    text = (folder / "logs" / "train" / dataset / "standard" / "deepbind.log").read_text()
    return [int(line.split()[3].rstrip(":")) for line in text.splitlines() if "validation AUROC" in line]


def test_two_runs_of_a_training_side_by_side_end_as_one(cluster, local, study):
    """The generic profile: SIGKILL of snakemake amid trainings, which run on beside those that the next run submits."""
    profile = ("--workflow-profile", "profiles/generic", "--seconds-between-status-checks", 1)
    with started(study, cluster, *profile):
        old = [training(cluster, study, dataset) for dataset in DATASETS]
        for pid in old:
            os.kill(pid, signal.SIGSTOP)  # else they end before the next run is there
    unlock(study, cluster, *profile)
    with started(study, cluster, *profile) as run:
        for dataset in DATASETS:
            training(cluster, study, dataset, old)
        for pid in old:
            os.kill(pid, signal.SIGCONT)
        assert run.wait(300) == 0, (study / "snakemake.log").read_text()[-4000:]
    assert_same(study, local)


def test_nothing_is_lost_when_everything_goes_wrong(cluster, local, study):
    """The slurm profile: too little memory, a job over its time, a cancelled one, a dead node, a killed snakemake."""
    profile = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", 2, "--retries", 5)
    chip, selex = DATASETS
    asked = (
        "index_genome:mem_mb=5 if attempt == 1 else 2000",
        f"train:runtime=1 if attempt == 1 and wildcards.dataset == '{chip}' else 30",
    )
    with started(study, cluster, *profile, "--set-resources", *asked):
        frozen = training(cluster, study, chip)
        os.kill(frozen, signal.SIGSTOP)  # as on a file system that hangs: its time runs out
        cancelled = training(cluster, study, selex)
        cluster.ask("scancel", variable(cancelled, "SLURM_JOB_ID"))
        lost = training(cluster, study, selex, {cancelled})
        node = variable(lost, "SLURMD_NODENAME")
        cluster.kill_node(node)
        cluster.wait("the end of its time", lambda: "TIMEOUT" in states(cluster), 150)
        for dataset in DATASETS:  # they run on when snakemake is killed, and beside their successors
            training(cluster, study, dataset, {frozen, cancelled, lost})
            first, *_ = cluster.wait("an epoch", lambda dataset=dataset: epochs(study, dataset), 300)
            assert first > 0, "the training began anew"
    cluster.start_node(node)
    unlock(study, cluster, *profile)
    with started(study, cluster, *profile) as run:
        assert run.wait(600) == 0, (study / "snakemake.log").read_text()[-4000:]
    assert {"FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"} <= states(cluster)
    assert_same(study, local)


def unlock(folder, cluster, *profile):
    """As the message of a folder whose run was killed asks for."""
    subprocess.run(command(folder, *profile, "--unlock"), cwd=REPO, env=cluster.environment, check=True)


def states(cluster):
    """What became of the submissions."""
    return set(cluster.ask("squeue", "--noheader", "--states=all", "--format=%T").split())
