"""Files in a storage of Snakemake, on this machine and in S3: the same files as without, whosever the inputs are."""

import contextlib
import filecmp
import importlib.util
import re
import shutil

import pytest

from studies import DATASETS, NEGATIVES, REPO, plan, planned, through
from tfbind import storage

INSTALL = "pip install -r tests/plugins.txt"
#: Not beside what the lock says: boto3 and kubernetes want an older python-dateutil.
APART = "in another environment: pip install snakemake-{}"
S3 = APART.format("storage-plugin-s3==0.3.6 'moto[s3,server]==5.2.5'")
KUBERNETES = APART.format("executor-plugin-kubernetes==0.5.1")


def needs(*modules, programs=(), install=INSTALL):
    """Skip where a plug-in or a program is not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: {install}")
    if missing := [name for name in programs if shutil.which(name) is None]:
        pytest.skip(f"no {', '.join(missing)}: apt-get install {' '.join(missing)}")


@contextlib.contextmanager
def fs(folder):
    needs("snakemake_storage_plugin_fs", programs=["rsync"])
    yield ["--default-storage-provider", "fs", "--default-storage-prefix", folder / "store"], lambda: folder / "store"


@contextlib.contextmanager
def s3(folder):
    needs("snakemake_storage_plugin_s3", "moto", "flask", install=S3)
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        bucket = boto3.resource("s3", endpoint_url=url, **keys).create_bucket(Bucket="studies")

        def fetched():
            for each in bucket.objects.filter(Prefix="one/"):
                path = folder / "fetched" / each.key.removeprefix("one/")
                path.parent.mkdir(parents=True, exist_ok=True)
                bucket.download_file(each.key, str(path))
            return folder / "fetched"

        options = ["--storage-s3-endpoint-url", url, "--storage-s3-access-key", "a", "--storage-s3-secret-key", "b"]
        yield ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://studies/one", *options], fetched
    finally:
        server.stop()


WANTED = (*NEGATIVES, "results/audit.tsv")


@pytest.fixture
def own(study, tmp_path):
    """The study, its peaks and its genome in files of the user: one beside the config, one elsewhere."""
    simulated = study / "resources" / "simulated"
    elsewhere = tmp_path / "elsewhere.fa"
    shutil.move(simulated / "genome.fa", elsewhere)
    shutil.move(simulated / "USF1_k562.narrowPeak", study / "resources" / "own.narrowPeak")
    for path, before, after in (
        (study / "config.yaml", "resources/simulated/genome.fa", str(elsewhere)),
        (study / "resources" / "datasets.tsv", "simulated/USF1_k562.narrowPeak", "own.narrowPeak"),
    ):
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))
    config = study / "config.yaml"
    lines = config.read_text().splitlines()
    start = lines.index("simulation:")
    config.write_text("\n".join(lines[:start] + lines[start + 2 :]) + "\n")
    return study


@pytest.mark.parametrize("provider", [fs, s3])
def test_a_storage_holds_the_files_of_a_plain_run(provider, own, tmp_path):
    with provider(tmp_path) as (options, held):
        kept = through(own, *WANTED, *options)
        assert kept.returncode == 0 and "InputFunctionException" not in kept.stderr, kept.stderr
        assert not (own / "results").exists()
        stored = held() / "results"
        again = plan(own, *WANTED, *options)
        assert "Nothing to be done" in again.stdout + again.stderr
    plain = through(own, *WANTED)
    assert plain.returncode == 0, plain.stderr
    names = sorted(path.relative_to(own / "results") for path in (own / "results").rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(stored) for path in stored.rglob("*") if path.is_file())
    assert {f"positives/{dataset}.parquet" for dataset in DATASETS} < set(map(str, names))
    assert filecmp.cmpfiles(own / "results", stored, names, shallow=False) == (names, [], [])


def test_a_failed_job_says_why_and_names_the_users_file(own, tmp_path):
    (own / "resources" / "own.narrowPeak").write_text("chr1\tx\ty\n")
    with fs(tmp_path) as (options, _):
        ran = through(own, "results/positives/USF1_k562.parquet", *options)
    assert ran.returncode == 1 and "\n  resources/own.narrowPeak:1" in ran.stdout + ran.stderr, ran.stdout + ran.stderr


def test_kubernetes_plans_a_study(study, tmp_path):
    needs("snakemake_executor_plugin_kubernetes", install=KUBERNETES)
    with fs(tmp_path) as (options, _):
        asked = plan(study, "--executor", "kubernetes", "--jobs", 10, *options)
    assert planned(asked)["train"] == len(DATASETS)


def test_constraints_of_wildcards_stand_above_all_rules():
    """Below a rule they take those of its outputs in S3 away: findings/snakemake_s3_wildcard_constraints.sh."""
    entry = REPO / "Snakefile"
    files = [entry, *(REPO / "workflow" / "rules").glob("*.smk")]
    stating = [path.name for path in files if re.search(r"^wildcard_constraints:", path.read_text(), re.M)]
    assert stating == ["common.smk"]
    assert re.findall(r'^include: "(.*)"$', entry.read_text(), re.M)[0] == "workflow/rules/common.smk"
    assert not re.search(r"^ *rule ", (REPO / "workflow" / "rules" / "common.smk").read_text(), re.M)


def test_the_paths_of_rows_are_replaced_and_nothing_else():
    rows = {"k562": {"peaks": [{"path": "a.bed", "tf": "a.bed"}, {"path": "b.bed"}]}, "input_path": "a.bed", "n": 1}
    found = storage.placed(rows, {"a.bed": "store/a.bed"})
    assert found["k562"]["peaks"] == [{"path": "store/a.bed", "tf": "a.bed"}, {"path": "b.bed"}]
    assert found["input_path"] == "store/a.bed" and found["n"] == 1 and rows["input_path"] == "a.bed"
