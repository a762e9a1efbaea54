"""Fixtures that every test may ask for."""

import contextlib
import gzip
import http.server
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import hypothesis
import numpy as np
import pytest

import studies
from tfbind import dna
from tfbind.assays import ASSAYS
from tfbind.io import download
from tfbind.io.genome import Genome, index
from tfbind.simulation import simulate

# How long an example takes says how fast the machine is.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

#: The whole runs start first, so that the processes, which take file after file, end together.
FIRST = ("test_slurm", "test_workflow", "test_faults", "test_report")


def pytest_configure() -> None:
    """What the tests state to the bit holds on processors; `CUDA_VISIBLE_DEVICES=0` shows what a GPU changes."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the files."""
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that one process makes and the others of this run of the tests share."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, there = root / name, root / f"{name}.is.whole"
    with filelock.FileLock(root / f"{name}.lock"):
        if not there.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            there.touch()
    return folder


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of public data files; tests that need it are skipped where it is not named."""
    folder = os.environ.get("TFBIND_MIRROR")
    if not folder:
        pytest.skip("TFBIND_MIRROR is not set to a folder of the real data")
    return Path(folder)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Path:
    """The simulated study of seed 0, as the workflow and `tfbind simulate` write it. It is read, never written to."""
    return once(tmp_path_factory, "simulated", simulate.study)


@pytest.fixture(scope="session")
def every_assay(tmp_path_factory) -> Path:
    """The simulated study of seed 0 with all assays. It is read, never written to."""
    return once(tmp_path_factory, "every_assay", lambda folder: simulate.study(folder, assays=[*ASSAYS]))


@pytest.fixture(scope="session")
def local(tmp_path_factory, simulated) -> Path:
    """The study of `studies`, run on this machine with eight cores and without a fault."""

    def make(folder):
        studies.write(folder)
        shutil.copytree(simulated, folder / "resources" / "simulated")
        done = studies.run(folder, "--cores", "8")
        assert done.returncode == 0, done.stderr[-4000:]

    return once(tmp_path_factory, "local", make)


@pytest.fixture
def study(simulated, tmp_path) -> Path:
    """The same study, its simulated inputs there, with nothing done yet."""
    studies.write(tmp_path)
    shutil.copytree(simulated, tmp_path / "resources" / "simulated")
    return tmp_path


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def chromosomes() -> dict[str, str]:
    """Sequences of a tiny genome: islands of high GC, soft-masked stretches, a run of N on each chromosome."""
    rng = np.random.default_rng(7)
    result = {}
    for name, size in {"chr1": 60_000, "chr2": 50_000, "chr3": 40_000, "chr4": 30_000}.items():
        share = 0.25 + 0.5 * (np.sin(np.arange(size) / 900) > 0.6)
        strong = rng.random(size) < share
        tokens = np.where(strong, rng.integers(1, 3, size), rng.choice([0, 3], size)).astype(np.uint8)
        tokens[5_000:5_400] = dna.UNKNOWN
        text = dna.decode(tokens[None], np.array([size]))[0]
        result[name] = text[:2_000] + text[2_000:3_000].lower() + text[3_000:]
    return result


@pytest.fixture(scope="session")
def fasta(chromosomes, tmp_path_factory) -> Path:
    """The tiny genome as an indexed FASTA."""
    folder = tmp_path_factory.mktemp("genome")
    with gzip.open(folder / "source.fa.gz", "wt") as out:
        for name, text in chromosomes.items():
            out.write(f">{name} a chromosome\n" + "".join(f"{text[i : i + 70]}\n" for i in range(0, len(text), 70)))
    index(folder / "source.fa.gz", folder / "tiny.fa")
    return folder / "tiny.fa"


@pytest.fixture
def genome(fasta) -> Genome:
    return Genome(fasta)


@dataclass
class Reply:
    """One answer of the local server, and what goes wrong with it."""

    body: bytes = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    #: Close the connection after so many bytes of the body.
    cut: int | None = None
    #: Answer a range with that range.
    ranges: bool = True
    #: Send single bytes with pauses between them.
    drip: bool = False


class Web:
    """A local server that answers each path with the replies given for it, in turn; the last one stays."""

    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}"
        self.replies: dict[str, list[Reply]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def serve(self, path: str, *replies: Reply | bytes) -> str:
        self.replies[path] = [r if isinstance(r, Reply) else Reply(r) for r in replies]
        return self.url + path

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A local server, an empty cache, and no mirror."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            served.asked.append((self.path, dict(self.headers)))
            known = served.replies.get(self.path) or served.replies.get(self.path.split("?")[0]) or [Reply(status=404)]
            reply = known.pop(0) if len(known) > 1 else known[0]
            body, start, status = reply.body, 0, reply.status
            wanted = self.headers.get("Range", "")
            if wanted and reply.ranges and status == 200:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                status = 206 if start < len(body) else 416
            self.send_response(status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = b"" if status == 416 else body[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for i in range(0, len(body), 1 if reply.drip else max(len(body), 1)):
                self.wfile.write(body[i : i + 1] if reply.drip else body[: reply.cut])
                time.sleep(0.01 * reply.drip)  # so that a reader gets them one by one
            self.close_connection = True

        def log_message(self, *args):
            pass

        def handle(self):
            with contextlib.suppress(ConnectionError):  # the client gave up
                super().handle()

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Web(httpd.server_port)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("TFBIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFBIND_MIRROR", raising=False)
    monkeypatch.setenv("TFBIND_HOSTS", "")  # also undoes what the command sets
    yield served
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses between attempts, written down instead of waited for."""
    waited: list[float] = []
    monkeypatch.setattr(download, "_pause", waited.append)
    return waited
