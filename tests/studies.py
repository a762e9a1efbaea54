"""A study of one TF in two assays, small enough to run many times: what the tests of runs that go wrong share.

What the rules are called and where they write their logs stands here alone.
"""

import contextlib
import filecmp
import itertools
import multiprocessing
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml

import waiting

REPO = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
DATASETS = ("USF1_k562", "USF1_selex")
EPOCHS = 6  # some to be killed amid, and some after that

#: The log of the job that trains on a dataset.
TRAINING_LOG = "logs/train/{dataset}.log"
#: What asks for nothing beyond the negatives of both datasets.
NEGATIVES = tuple(f"results/negatives/{dataset}/standard.parquet" for dataset in DATASETS)


def command(folder, *arguments, program=(SNAKEMAKE,), config=None):
    """Snakemake in `folder`, on the study that lies there or on another config."""
    config = config or folder / "config.yaml"
    return list(map(str, [*program, "--configfile", config, "--directory", folder, *arguments]))


def write(folder):
    """The config and the sheet: one network and the floor on simulated peaks and reads."""
    config = yaml.safe_load((REPO / "config.yaml").read_text())
    config |= {"seeds": [0], "training": {"epochs": EPOCHS, "patience": EPOCHS, "steps": 0, "batch_size": 64}}
    config["models"] = {"deepbind": {"kind": "deepbind"}, "composition": {"kind": "composition"}}
    config["statistics"]["resamples"] = 100
    for key in ("cells", "celltype", "transfer"):
        del config[key]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    header, *rows = (REPO / "resources" / "datasets.tsv").read_text().splitlines()
    (folder / "resources").mkdir(exist_ok=True)
    rows = [row for row in rows if row.startswith(DATASETS)]
    (folder / "resources" / "datasets.tsv").write_text("\n".join([header, *rows]) + "\n")


def run(folder, *arguments, program=(SNAKEMAKE,), config=None, **options):
    """What `command` does and says."""
    options = {"cwd": REPO, "capture_output": True, "text": True} | options
    return subprocess.run(command(folder, *arguments, program=program, config=config), **options)


@contextlib.contextmanager
def started(folder, *arguments, **options):
    """A run that goes on beside the test and writes to `snakemake.log`; it is killed where it has not ended."""
    with (folder / "snakemake.log").open("a") as out:
        options = {"cwd": REPO, "stdout": out, "stderr": out, "start_new_session": True} | options
        process = subprocess.Popen(command(folder, *arguments), **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def assert_done(process, folder, moved=None):
    """The run in `folder` ends well."""
    status = waiting.ended(process, moved or (lambda: waiting.work(folder, {process.pid})))
    assert status == 0, (folder / "snakemake.log").read_text()[-4000:]


class Held:
    """Trainings, or those of one model, in runs with this `environment` stop themselves amid epochs (`tests/held`)."""

    def __init__(self, folder, environment=os.environ, model=""):
        self._flag = folder / "held"
        self._flag.write_text(model and f"/{model}/")
        path = os.pathsep.join([str(REPO / "tests" / "held"), *filter(None, [environment.get("PYTHONPATH")])])
        self.environment = {**environment, "PYTHONPATH": path, "HELD": str(self._flag)}

    def training(self, folder, dataset, besides=(), moved=None):
        """The process that trains on a dataset, once it has stopped with an epoch saved and another to be saved."""
        log = str(folder / TRAINING_LOG.format(dataset=dataset))

        def found():
            stopped = [pid for pid in waiting.processes() if pid not in besides and waiting.is_stopped(pid)]
            return next((pid for pid in stopped if log in waiting.open_files(pid)), None)

        return waiting.until(f"a training on {dataset}", found, moved or (lambda: waiting.work(folder)))

    def go_on(self, *stopped):
        """Let these trainings go on, and those that come pass."""
        self._flag.unlink(missing_ok=True)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def epochs(folder, dataset):
    """The epochs that the log of the latest start of a training tells of."""
    text = (folder / TRAINING_LOG.format(dataset=dataset)).read_text()
    return [int(epoch) for epoch in re.findall(r"epoch (\d+): train loss", text)]


def trained(folder, dataset):
    """The networks (negatives/model) that the latest job on a dataset has trained or begun to train, and has kept."""
    text = (folder / TRAINING_LOG.format(dataset=dataset)).read_text()
    return [re.findall(rf"([\w.-]+/[\w.-]+): {what}$", text, re.M) for what in ("training", "kept")]


def unlock(folder, *arguments, **options):
    """As the message of a folder whose run was killed asks for."""
    done = run(folder, *arguments, "--unlock", **options)
    assert done.returncode == 0, done.stderr


def plan(folder, *arguments, config=None, env=None, target=None):
    """A dry run, in a process forked from one that has Snakemake loaded: many plans cost one start."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["snakemake.cli", "snakemake.workflow", "snakemake.dag", "tfbind.sequences.drawing"])
    with tempfile.TemporaryDirectory() as name:
        said = [Path(name) / "out", Path(name) / "err"]
        words = command(folder, "--cores", 1, "--dry-run", *arguments, config=config)
        process = forks.Process(target=target or _plan, args=(words, said, {**(os.environ if env is None else env)}))
        process.start()
        process.join()
        out, err = (path.read_text() for path in said)
    return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _plan(words, said, environment):
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(REPO)
    sys.argv = words
    from snakemake.cli import main

    main(words[1:])


def through(folder, *arguments, config=None):
    """A run that goes on past failed jobs, in a process forked as for `plan`; its scripts are forked from that.

    Everything but the start of Python is as in a run: the plan, the parameters, the files, the messages.
    """
    return plan(folder, "--keep-going", *arguments, config=config, target=_through)


def _through(words, said, environment):
    from snakemake.script import PythonScript

    def execute_script(self, fname, edit=False):
        self.bench_record.running_time = 0  # nothing takes it
        child = os.fork()
        if not child:
            code = 1
            try:
                runpy.run_path(fname, run_name="__main__")
                code = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(code)
        if status := os.waitpid(child, 0)[1]:
            raise subprocess.CalledProcessError(status, fname)

    PythonScript.execute_script = execute_script
    _plan([word for word in words if word != "--dry-run"], said, environment)


def planned(run):
    """Rule -> number of jobs of a dry run that went well."""
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    lines = run.stdout.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("job ")), None)
    table = [line.split() for line in lines[start + 2 :]] if start is not None else []
    rows = itertools.takewhile(lambda row: len(row) == 2 and row[0] != "total", table)
    jobs = Counter()
    for rule, number in rows:
        if rule != "all":
            jobs[re.sub(r"_\d+$", "", rule)] += int(number)  # of the variants of a rule together
    return jobs


def is_done(run):
    """Whether a dry run plans nothing."""
    return run.returncode == 0 and "Nothing to be done" in run.stdout + run.stderr


def code_of_rules():
    """Rule -> the modules whose code is a parameter of it."""
    found = {}
    for path in sorted((REPO / "workflow" / "rules").glob("*.smk")):
        pattern = r'^(?:for name.*?variants\(\s*"| *rule )(\w+)(.*?)(?=^for name| *rule \w|\Z)'
        for name, body in re.findall(pattern, path.read_text(), re.M | re.S):
            found[name] = re.findall(r'"([\w.]+)"', "".join(re.findall(r"code=digest\((.*?)\)", body, re.S)))
    return found


def results(folder):
    """The files under results/."""
    return sorted(path.relative_to(folder) for path in (folder / "results").rglob("*") if path.is_file())


def assert_same(ours, theirs, names=None):
    """The same files under results/, byte for byte; with names, those and no more are compared."""
    if names is None:
        names = results(ours)
        assert names == results(theirs), set(names) ^ set(results(theirs))
    other = [str(name) for name in names if not filecmp.cmp(ours / name, theirs / name, shallow=False)]
    assert not other, other
