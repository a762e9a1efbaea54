"""The cluster profiles on a SLURM cluster that the tests start: the files of a local run, whatever goes wrong."""

from pathlib import Path

import pytest
import yaml

import waiting
from slurm import cluster as slurm
from studies import DATASETS, REPO, Held, assert_done, assert_same, epochs, started, unlock

GENERIC = ("--workflow-profile", "profiles/generic", "--seconds-between-status-checks", 1)
#: Each training is a submission of its own, so that both datasets' can be amid their epochs.
APART = ("--group-components", "prepare=10", "train=1", "score=10", "tables=5")


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


def moving(cluster, folder, run):
    """What changes while a run gets on: the daemons tell of submissions, jobs work and write."""
    return lambda: (*cluster.told(), *waiting.work(folder, {run.pid}))


def test_a_cluster_makes_the_files_of_a_local_run(cluster, local, study):
    """The generic profile; that of SLURM makes them below, where everything goes wrong."""
    with started(study, *GENERIC, env=cluster.environment) as run:
        assert_done(run, study, moving(cluster, study, run))
    assert_same(study, local)


def test_two_runs_of_a_training_side_by_side_end_as_one(cluster, local, study):
    """The generic profile: SIGKILL of snakemake amid trainings, which run on beside those that the next run submits."""
    held, profile = Held(study, cluster.environment), (*GENERIC, *APART)
    with started(study, *profile, env=held.environment) as run:
        old = [held.training(study, dataset, (), moving(cluster, study, run)) for dataset in DATASETS]
    unlock(study, *profile, env=cluster.environment)
    with started(study, *profile, env=held.environment) as run:
        new = [held.training(study, dataset, old, moving(cluster, study, run)) for dataset in DATASETS]
        held.go_on(*old, *new)
        assert_done(run, study, moving(cluster, study, run))
    assert_same(study, local)


def test_nothing_is_lost_when_everything_goes_wrong(cluster, local, study):
    """The slurm profile: too little memory, a job over its time, a cancelled one, a dead node, a killed snakemake."""
    pause = ("--slurm-init-seconds-before-status-checks", 2)
    profile = ("--workflow-profile", "profiles/slurm", *pause, "--retries", 5, *APART)
    chip, selex = DATASETS
    held = Held(study, cluster.environment)
    little = ("--set-resources", "index_genome:mem_mb=5 if attempt == 1 else 2000")
    with started(study, *profile, *little, env=held.environment) as run:
        moved = moving(cluster, study, run)
        frozen = held.training(study, chip, (), moved)  # as on a file system that hangs: its time runs out
        cluster.ask("scontrol", "update", f"jobid={variable(frozen, 'SLURM_JOB_ID')}", "timelimit=1")
        cancelled = held.training(study, selex, {frozen}, moved)
        cluster.ask("scancel", variable(cancelled, "SLURM_JOB_ID"))
        cluster.wait("the end of its time", lambda: "TIMEOUT" in states(cluster))
        lost = held.training(study, selex, {frozen, cancelled}, moved)
        node = variable(lost, "SLURMD_NODENAME")
        cluster.lose_node(node)
        gone = {frozen, cancelled, lost}
        left = []
        for dataset in DATASETS:  # they are there when snakemake is killed, and run on beside their successors
            left.append(held.training(study, dataset, gone, moved))
            assert epochs(study, dataset) and epochs(study, dataset)[0] > 0, "the training began anew"
    cluster.start_node(node)
    unlock(study, *profile, env=cluster.environment)
    with started(study, *profile, env=held.environment) as run:
        moved = moving(cluster, study, run)
        held.go_on(*left, *(held.training(study, dataset, {*gone, *left}, moved) for dataset in DATASETS))
        assert_done(run, study, moved)
    assert {"FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"} <= states(cluster)
    assert_same(study, local)


def variable(pid, name):
    """A variable of the environment of a process."""
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return next(entry.partition("=")[2] for entry in environment if entry.startswith(f"{name}="))


def states(cluster):
    """What became of the submissions."""
    return set(cluster.ask("squeue", "--noheader", "--states=all", "--format=%T").split())
