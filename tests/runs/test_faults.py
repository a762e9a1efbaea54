"""What may go wrong under a run on one machine: disk, clock, cache, an early end. The files are those of a clean run.

A run is asked for what the fault can meet: the disk for all up to the evaluation, the others for the negatives.
A damaged file is in test_workflow.py, what a cluster adds is in test_slurm.py.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import yaml

import studies
import waiting
from studies import (
    DATASETS,
    NEGATIVES,
    Held,
    assert_done,
    assert_same,
    command,
    epochs,
    plan,
    planned,
    results,
    started,
    trained,
    unlock,
)

# What a run says of each try is $OUT/N.log; the disk grows by less than most stages write.
FULL_DISK = """
mount -t tmpfs -o size=64m tmpfs "$DISK"
# The owner that mount itself would repeat from its table has another number in the name space of an ordinary user.
grow() { mount --options-mode ignore -o remount,size=${size}k "$DISK"; }
cp -r "$STUDY"/. "$DISK"
size=$(( $(du -sk "$DISK" | cut -f1) + 100 ))
grow
tries=1
until "$@" > "$OUT/$tries.log" 2>&1; do
  tries=$((tries + 1))
  test $tries -lt 20
  size=$((size + (tries == 2 ? 2000 : 160)))
  grow
done
cp -a "$DISK" "$OUT/study"
"""
READ_ONLY = """
mount --bind "$DISK" "$DISK"
mount -o remount,ro,bind "$DISK"
"$@"
"""


def with_disk(script, folder, asked, **variables):
    """Run a script with a mount of its own at `folder`, seen by nobody else."""
    space = ["unshare", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*space, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk of their own (unshare)")
    environment = {**os.environ, "DISK": str(folder), **{name: str(value) for name, value in variables.items()}}
    options = {"cwd": studies.REPO, "env": environment, "capture_output": True, "text": True}
    return subprocess.run([*space, "bash", "-euc", script, "bash", *asked], **options)


def assert_part(study, local, *asked):
    """What was asked for is there, and all that lies under results/ is as in the clean run."""
    names = results(study)
    assert {str(name) for name in names} >= set(asked)
    assert_same(study, local, names)


def test_a_full_disk_stops_a_run_wherever_it_is_and_costs_nothing(study, local, tmp_path_factory):
    """A disk that holds the inputs and a little, then a little more, until the study is evaluated."""
    disk, out = tmp_path_factory.mktemp("disk"), tmp_path_factory.mktemp("out")
    asked = command(disk, "--cores", "2", "--until", "evaluate")
    done = with_disk(FULL_DISK, disk, asked, STUDY=study, OUT=out)
    tries = sorted(out.glob("*.log"), key=lambda path: int(path.stem))
    said = [path.read_text() for path in tries]
    assert done.returncode == 0, done.stderr + "".join(said[-1:])[-3000:]
    full = said[:-1]
    assert len(full) >= 5 and all("No space left on device" in text for text in full)
    told = set(re.findall(r"(\S+): not written: No space", "".join(full)))
    assert "resources/genomes/simulated.fa" in told and len(told) >= 3, told
    assert_part(out / "study", local, *(str(name) for name in results(local) if name.parts[1] == "evaluation"))


def test_a_folder_that_cannot_be_written_is_named(study, local):
    asked = command(study, "--cores", "2", *NEGATIVES)
    for folder in (study, study / "results"):
        folder.mkdir(exist_ok=True)
        refused = with_disk(READ_ONLY, folder, asked)
        told = refused.stdout + refused.stderr
        assert refused.returncode and "Read-only file system" in told and str(folder.name) in told, told[-2000:]
        assert "Traceback" not in told
        assert not list(folder.glob("results/*"))
    assert studies.run(study, "--cores", "2", *NEGATIVES).returncode == 0
    assert_part(study, local, *NEGATIVES)


def test_a_clock_that_is_ahead_is_named_and_costs_nothing(study, local):
    """Peaks from a machine an hour ahead, then results from one."""
    peaks = study / "resources" / "simulated" / f"{DATASETS[0]}.narrowPeak"
    date(peaks, 3600)
    refused = studies.run(study, "--cores", "2", *NEGATIVES)
    assert refused.returncode and "clock skew" in refused.stderr, refused.stderr[-2000:]
    assert str(peaks.relative_to(study)) in refused.stderr
    date(peaks, 0)
    rest = studies.run(study, "--cores", "2", *NEGATIVES)
    assert rest.returncode == 0, rest.stderr[-2000:]
    assert_part(study, local, *NEGATIVES)
    for path in (study / "results" / "positives").iterdir():
        date(path, 3600)
    again = plan(study, *NEGATIVES)
    assert "Nothing to be done" in again.stdout + again.stderr


def date(path, ahead):
    """Give a file the time of a clock that is so many seconds ahead."""
    os.utime(path, (time.time() + ahead,) * 2)


def test_a_cache_may_vanish_under_a_run(study, local, tmp_path_factory):
    """Files that the sheet names by URL; the cache is removed as soon as they are there."""
    mirror, cache = tmp_path_factory.mktemp("mirror"), tmp_path_factory.mktemp("caches") / "cache"
    listed, sheet = ["path\turl\tsha256_at_source"], study / "resources" / "datasets.tsv"
    header, *rows = (line.split("\t") for line in sheet.read_text().splitlines())
    at, checksum = header.index("path"), "sha256"
    for row in rows:
        row += [""] * (len(header) - len(row))
        source = study / "resources" / row[at]
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        row[at] = f"https://example.org/{source.name}"
        row.append(digest)
        shutil.copy(source, mirror)
        listed.append(f"{source.name}\t{row[at]}\t{digest}")
    sheet.write_text("".join("\t".join(row) + "\n" for row in [[*header, checksum], *rows]))
    (mirror / "MANIFEST.tsv").write_text("\n".join(listed) + "\n")
    environment = {**os.environ, "TFBIND_MIRROR": str(mirror), "TFBIND_CACHE": str(cache)}
    with started(study, "--cores", "2", *NEGATIVES, env=environment) as run:

        def fetched():
            assert run.poll() is None, (study / "snakemake.log").read_text()[-2000:]
            return len(list(cache.glob("*/*"))) == len(DATASETS) and list(study.glob("results/positives/*.parquet"))

        waiting.until("the files in the cache", fetched, lambda: waiting.sizes(study, cache))
        shutil.rmtree(cache)
        assert_done(run, study)
    again = plan(study, *NEGATIVES, env=environment)
    assert "Nothing to be done" in again.stdout + again.stderr
    assert_part(study, local, *NEGATIVES)


def test_results_are_the_same_after_a_kill_and_with_one_core(study, local):
    """SIGKILL in the middle of training, then the rest with one core: byte for byte the files of eight cores."""
    held = Held(study)
    with started(study, "--cores", "2", env=held.environment):
        held.training(study, DATASETS[0])
    refused = studies.run(study, "--cores", "1")  # as beside a run that still goes on
    assert refused.returncode and "no other Snakemake process" in refused.stderr and "--unlock" in refused.stderr
    unlock(study)
    run = studies.run(study, "--cores", "1")
    assert run.returncode == 0, run.stderr[-4000:]
    assert epochs(study, DATASETS[0])[0] > 0, "the training began anew"
    assert_same(study, local)


def test_a_new_label_trains_itself_alone_and_what_goes_wrong_costs_the_label_in_work(local, tmp_path):
    """Two more networks; the job of one dataset is killed amid the second of them, the run amid that of the other."""
    folder = shutil.copytree(local, tmp_path / "more")
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["models"] |= {name: {"kind": "deepbind", "filters": n} for name, n in (("second", 4), ("third", 6))}
    path.write_text(yaml.safe_dump(config))
    old, second, third = "standard/deepbind", "standard/second", "standard/third"
    asked = ("--cores", "2", "--until", "train")
    held = Held(folder, model="third")
    with started(folder, *asked, env=held.environment) as run:
        amid = [held.training(folder, dataset, moved=lambda: waiting.work(folder, {run.pid})) for dataset in DATASETS]
        assert [trained(folder, dataset) for dataset in DATASETS] == [[[second, third], [old]]] * 2
        os.kill(amid[0], signal.SIGKILL)
        gone = folder / "results" / "models" / DATASETS[0] / old / "model.json"
        waiting.until("the end of the job", lambda: not gone.exists(), lambda: waiting.work(folder))
    unlock(folder)
    held.go_on()
    assert planned(plan(folder, "--until", "train")) == {"train": 2}
    done = studies.run(folder, *asked)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [trained(folder, dataset) for dataset in DATASETS] == [[[third], [old, second]]] * 2
    weights = [f"results/models/{dataset}/{old}/model.safetensors" for dataset in DATASETS]
    assert_same(folder, local, weights)
    config["models"]["second"]["filters"] = 5
    path.write_text(yaml.safe_dump(config))
    done = studies.run(folder, *asked)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [trained(folder, dataset) for dataset in DATASETS] == [[[second], [old, third]]] * 2
