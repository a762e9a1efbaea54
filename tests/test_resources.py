import gzip
import hashlib
import http.server
import threading

import pytest

from tfbind import resources
from tfbind.faults import InputError, ResourceError

CONTENT = b">chr1\nACGT\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local server, its folder, and an empty cache."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "a.fa").write_bytes(CONTENT)
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(served))

        def do_GET(self):
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    monkeypatch.setenv("TFBIND_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFBIND_MIRROR", raising=False)
    yield f"http://127.0.0.1:{httpd.server_port}", requests
    httpd.shutdown()
    httpd.server_close()


def test_a_file_is_fetched_once_and_verified(server, tmp_path):
    url, requests = server
    for name in ("x.fa", "y.fa"):
        assert resources.fetch(f"{url}/a.fa", SHA, tmp_path / name) == SHA
        assert (tmp_path / name).read_bytes() == CONTENT
    assert requests == ["/a.fa"]


def test_another_content_is_refused_and_nothing_is_left(server, tmp_path):
    url, _ = server
    with pytest.raises(InputError, match="not the file expected"):
        resources.fetch(f"{url}/a.fa", "0" * 64, tmp_path / "x.fa")
    assert not (tmp_path / "x.fa").exists()


def test_no_answer_names_the_remedy(server, tmp_path):
    url, _ = server
    with pytest.raises(ResourceError, match="TFBIND_MIRROR"):
        resources.fetch(f"{url}/absent.fa", "", tmp_path / "x.fa")


def test_a_corrupt_cache_is_noticed_and_mended(server, tmp_path):
    url, _ = server
    resources.fetch(f"{url}/a.fa", SHA, tmp_path / "x.fa")
    next((tmp_path / "cache").rglob(SHA)).write_bytes(b"broken")
    with pytest.raises(InputError, match="run again"):
        resources.fetch(f"{url}/a.fa", SHA, tmp_path / "x.fa")
    assert resources.fetch(f"{url}/a.fa", SHA, tmp_path / "x.fa") == SHA


@pytest.mark.parametrize("zipped", [False, True])
def test_a_mirror_serves_without_network(server, tmp_path, monkeypatch, zipped):
    _, requests = server
    mirror = tmp_path / "mirror"
    (mirror / "sub").mkdir(parents=True)
    (mirror / "sub" / "other-name").write_bytes(gzip.compress(CONTENT) if zipped else CONTENT)
    (mirror / "MANIFEST.tsv").write_text(
        f"path\turl\tsha256_at_source\nsub/other-name\thttps://x.invalid/a.fa\t{SHA}\n"
    )
    monkeypatch.setenv("TFBIND_MIRROR", str(mirror))
    assert resources.fetch("https://x.invalid/a.fa", SHA, tmp_path / "x.fa") == SHA
    assert requests == []


def test_a_mirror_without_a_manifest_is_explained(server, tmp_path, monkeypatch):
    monkeypatch.setenv("TFBIND_MIRROR", str(tmp_path))
    with pytest.raises(InputError, match="MANIFEST"):
        resources.fetch("https://x.invalid/a.fa", SHA, tmp_path / "x.fa")


def test_verify(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT)
    resources.verify(tmp_path / "a", SHA)
    resources.verify(tmp_path / "a", "")
    with pytest.raises(InputError, match="SHA-256"):
        resources.verify(tmp_path / "a", "1" * 64)
