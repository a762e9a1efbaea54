import email.utils
import gzip
import hashlib
import itertools
import os
import resource
import shutil
import socket
import socketserver
import threading
import time

import pysam
import pytest

from conftest import Reply
from tfbind.errors import InputError, ResourceError
from tfbind.io import download, genome, paths

CONTENT = b">chr1\nACGT\n"
SHA = hashlib.sha256(CONTENT).hexdigest()


MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


@pytest.mark.parametrize("checksum", [SHA, MD5])
def test_a_file_is_fetched_once_and_verified(web, tmp_path, checksum):
    url = web.serve("/a.fa", CONTENT)
    for name in ("x.fa", "y.fa"):
        assert download.fetch(url, checksum, tmp_path / name) == SHA
        assert (tmp_path / name).read_bytes() == CONTENT
    assert web.paths() == ["/a.fa"]


@pytest.mark.parametrize("checksum", ["0" * 64, "md5:" + "0" * 32])
def test_another_content_is_refused_with_both_checksums_and_nothing_is_left(web, tmp_path, checksum):
    with pytest.raises(InputError, match=f"not the file expected.* is {'(' + SHA + '|' + MD5[4:] + ')'}.*000"):
        download.fetch(web.serve("/a.fa", CONTENT), checksum, tmp_path / "x.fa")
    assert not (tmp_path / "x.fa").exists()
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_no_such_file_names_the_remedy_and_is_not_asked_for_again(web, tmp_path, status):
    with pytest.raises(ResourceError, match=f"{status}.*TFBIND_MIRROR"):
        download.fetch(web.serve("/absent.fa", Reply(status=status)), "", tmp_path / "x.fa")
    assert len(web.asked) == 1


def test_no_server_at_all_is_told_after_some_attempts(web, pauses, tmp_path):
    with pytest.raises(ResourceError, match="5 attempts"):
        download.fetch("http://127.0.0.1:1/a.fa", SHA, tmp_path / "x.fa")
    assert pauses == [1, 2, 4, 8]


def test_a_corrupt_cache_is_noticed_and_mended(web, tmp_path):
    url = web.serve("/a.fa", CONTENT)
    download.fetch(url, SHA, tmp_path / "x.fa")
    (tmp_path / "x.fa").unlink()
    next((tmp_path / "cache").rglob(SHA)).write_bytes(b"broken")
    with pytest.raises(InputError, match="run again"):
        download.fetch(url, SHA, tmp_path / "x.fa")
    assert not (tmp_path / "x.fa").exists()
    assert download.fetch(url, SHA, tmp_path / "x.fa") == SHA


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_is_tried_again(web, pauses, tmp_path, status):
    url = web.serve("/a.fa", Reply(status=status), Reply(status=status), CONTENT)
    assert download.fetch(url, SHA, tmp_path / "x.fa") == SHA
    assert pauses == [1, 2]


def test_a_server_that_stays_broken_is_given_up(web, pauses, tmp_path):
    with pytest.raises(ResourceError, match=r"500.*5 attempts"):
        download.fetch(web.serve("/a.fa", Reply(status=500)), SHA, tmp_path / "x.fa")


def test_retry_after_is_honoured_in_seconds_and_as_a_date(web, pauses, tmp_path, monkeypatch):
    now = 1_800_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    date = email.utils.formatdate(now + 100, usegmt=True)
    replies = [Reply(status=429, headers={"Retry-After": after}) for after in ("7", date, "soon")]
    assert download.fetch(web.serve("/a.fa", *replies, CONTENT), SHA, tmp_path / "x.fa") == SHA
    assert pauses == [7, 100, 4]


def test_a_server_that_asks_to_wait_for_hours_is_given_up(web, pauses, tmp_path):
    url = web.serve("/a.fa", Reply(status=429, headers={"Retry-After": "7200"}))
    with pytest.raises(ResourceError, match="7200 s"):
        download.fetch(url, SHA, tmp_path / "x.fa")
    assert pauses == []


BIG = bytes(range(256)) * 1000
BIG_SHA = hashlib.sha256(BIG).hexdigest()


def ranges(web):
    return [headers.get("Range", "") for _, headers in web.asked]


def test_a_cut_connection_is_continued_where_it_broke(web, pauses, tmp_path):
    named = {"ETag": '"v1"'}
    url = web.serve("/b", Reply(BIG, cut=100_000, headers=named), Reply(BIG, headers=named))
    assert download.fetch(url, BIG_SHA, tmp_path / "b") == BIG_SHA
    assert ranges(web) == ["", "bytes=100000-"] and web.asked[1][1]["If-Range"] == '"v1"'


def test_a_server_that_ignores_ranges_sends_the_whole_again(web, pauses, tmp_path):
    url = web.serve("/b", Reply(BIG, cut=100_000), Reply(BIG, ranges=False))
    assert download.fetch(url, BIG_SHA, tmp_path / "b") == BIG_SHA


@pytest.fixture
def interrupted(web, tmp_path, monkeypatch):
    """The URL of a file of which an earlier run received the first 100,000 bytes."""
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    with pytest.raises(ResourceError, match="broke off"):
        download.fetch(web.serve("/b", Reply(BIG, cut=100_000)), BIG_SHA, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    web.asked.clear()
    return f"{web.url}/b"


def test_a_cache_that_is_removed_while_it_fills_is_named_and_filled_anew(web, tmp_path, monkeypatch):
    received = download._from_http

    def removed(url, file):
        received(url, file)
        shutil.rmtree(tmp_path / "cache")

    url = web.serve("/a", CONTENT)
    with monkeypatch.context() as patch:
        patch.setattr(download, "_from_http", removed)
        with pytest.raises(ResourceError, match=r"was removed while it was fetched; leave .*cache alone and run again"):
            download.fetch(url, SHA, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert download.fetch(url, SHA, tmp_path / "a") == SHA
    shutil.rmtree(tmp_path / "cache")  # what was fetched does not need it
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("what", ["cache", "copy"])
def test_a_full_disk_is_named(web, tmp_path, what):
    """The kernel refuses every byte of the download, or of its copy."""
    url, before = web.serve("/a", CONTENT), resource.getrlimit(resource.RLIMIT_FSIZE)
    if what == "copy":
        download.fetch(url, SHA, tmp_path / "before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(
            ResourceError, match=rf"{'cache/.*' if what == 'cache' else 'a'}: not written: File too large"
        ):
            download.fetch(url, SHA, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "a").exists() and download.fetch(url, SHA, tmp_path / "a") == SHA


def test_a_later_run_continues(web, interrupted, tmp_path):
    web.serve("/b", BIG)
    assert download.fetch(interrupted, BIG_SHA, tmp_path / "b") == BIG_SHA
    assert ranges(web) == ["bytes=100000-"]


def test_a_later_run_starts_anew_where_the_beginning_is_of_another_content(web, interrupted, tmp_path):
    part = next((tmp_path / "cache").rglob("*.part"))
    part.write_bytes(b"x" + part.read_bytes()[1:])
    web.serve("/b", BIG)
    assert download.fetch(interrupted, BIG_SHA, tmp_path / "b") == BIG_SHA
    assert ranges(web) == ["bytes=100000-", ""]


def test_a_part_as_long_as_the_file_is_fetched_anew(web, interrupted, pauses, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    next((tmp_path / "cache").rglob("*.part")).write_bytes(BIG)
    web.serve("/b", BIG)
    assert download.fetch(interrupted, BIG_SHA, tmp_path / "b") == BIG_SHA


def test_without_a_checksum_nothing_is_continued_from_an_earlier_run(web, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    url = web.serve("/b", Reply(BIG, cut=100_000), BIG)
    with pytest.raises(ResourceError):
        download.fetch(url, "", tmp_path / "b")
    assert download.fetch(url, "", tmp_path / "b") == BIG_SHA
    assert ranges(web) == ["", ""]


def test_a_drip_is_given_up(web, pauses, tmp_path, monkeypatch):
    hours = itertools.count(0, 3600)
    monkeypatch.setattr(download, "_clock", lambda: next(hours))
    with pytest.raises(ResourceError, match="too slow"):
        download.fetch(web.serve("/b", Reply(BIG, drip=True)), BIG_SHA, tmp_path / "b")
    assert len(pauses) == download.ATTEMPTS - 1


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_under_a_data_files_name_is_refused(web, tmp_path, kind):
    page = Reply(b"\n<!DOCTYPE html><html>Sign in", headers={"Content-Type": kind})
    with pytest.raises(InputError, match="web page"):
        download.fetch(web.serve("/a.bed.gz", page), "", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_gzip_is_kept_as_it_is_served(web, tmp_path):
    packed = gzip.compress(CONTENT)
    url = web.serve("/a.fa.gz", Reply(packed, headers={"Content-Encoding": "x-gzip"}))
    download.fetch(url, "", tmp_path / "a.fa.gz")
    assert (tmp_path / "a.fa.gz").read_bytes() == packed


def test_a_genome_by_url_may_be_bgzip(web, tmp_path):
    with pysam.BGZFile(str(tmp_path / "a.fa.gz"), "w") as out:
        out.write(CONTENT)
    download.fetch(web.serve("/a.fa.gz", (tmp_path / "a.fa.gz").read_bytes()), "", tmp_path / "b.fa.gz")
    genome.index(tmp_path / "b.fa.gz", tmp_path / "g.fa")
    assert genome.Genome(tmp_path / "g.fa").lengths == {"chr1": 4}


def test_a_redirect_is_followed_where_its_host_is_allowed(web, tmp_path, monkeypatch):
    web.serve("/there", CONTENT)
    elsewhere = web.url.replace("127.0.0.1", "localhost") + "/there"
    url = web.serve("/here", Reply(status=302, headers={"Location": "/there"}))
    away = web.serve("/away", Reply(status=307, headers={"Location": elsewhere}))
    assert download.fetch(url, SHA, tmp_path / "x") == SHA
    with pytest.raises(InputError, match=r"leads to .*localhost is not allowed.*`hosts`"):
        download.fetch(away, SHA, tmp_path / "x")
    monkeypatch.setenv("TFBIND_HOSTS", "127.0.0.1,localhost")
    assert download.fetch(away, SHA, tmp_path / "x") == SHA


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/"])
def test_a_redirect_to_another_scheme_is_refused(web, tmp_path, target):
    with pytest.raises(InputError, match="only https, http and ftp"):
        download.fetch(web.serve("/x", Reply(status=302, headers={"Location": target})), "", tmp_path / "x")


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_where_hosts_are_listed_no_other_is_asked(web, tmp_path, monkeypatch, scheme):
    monkeypatch.setenv("TFBIND_HOSTS", "example.org")
    with pytest.raises(InputError, match=r"127\.0\.0\.1 is not allowed"):
        download.fetch(f"{scheme}{web.serve('/a.fa', CONTENT)[4:]}", SHA, tmp_path / "x")
    assert web.asked == []


@pytest.fixture
def ftp(web):
    """A local FTP server: it sends `CONTENT`, in the first of the connections only the beginning of it."""
    asked = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.say("220 ready")
            for line in self.rfile:
                word, _, rest = line.decode().strip().partition(" ")
                if word == "PASV":
                    passive = socket.create_server(("127.0.0.1", 0))
                    self.say("227 ok (127,0,0,1,{},{})".format(*divmod(passive.getsockname()[1], 256)))
                elif word == "RETR":
                    asked.append(rest)
                    if rest == "/absent.fa":
                        self.say("550 no such file")
                        continue
                    self.say("150 here it comes")
                    data, _ = passive.accept()
                    data.sendall(CONTENT[: None if len(asked) > 1 else 4])
                    data.close()
                    self.say("226 done" if len(asked) > 1 else "426 the connection breaks off")
                else:
                    self.say({"USER": "230 welcome", "QUIT": "221 bye"}.get(word, "200 ok"))

        def say(self, words):
            self.wfile.write(f"{words}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"ftp://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def test_ftp_is_tried_again_and_verified(ftp, pauses, tmp_path):
    url, asked = ftp
    assert download.fetch(f"{url}/a%20b.fa", SHA, tmp_path / "x") == SHA
    assert pauses == [1] and asked == ["/a b.fa"] * 2


@pytest.mark.parametrize(("path", "said"), [("/absent.fa", "550 no such file"), ("/a%0d%0aDELE b", "illegal")])
def test_what_ftp_refuses_is_not_asked_for_again(ftp, pauses, tmp_path, path, said):
    with pytest.raises(ResourceError, match=rf"{said}.*TFBIND_MIRROR"):
        download.fetch(ftp[0] + path, SHA, tmp_path / "x")
    assert pauses == [] and len(ftp[1]) <= 1


def test_ftp_without_a_server_and_without_an_end_is_given_up(ftp, pauses, tmp_path, monkeypatch):
    with pytest.raises(ResourceError, match=r"refused.*5 attempts"):
        download.fetch("ftp://127.0.0.1:1/a.fa", SHA, tmp_path / "x")
    assert pauses == [1, 2, 4, 8]
    monkeypatch.setattr(download, "LARGEST", 3)
    with pytest.raises(InputError, match="more than 3 bytes"):
        download.fetch(f"{ftp[0]}/a.fa", SHA, tmp_path / "x")


def test_a_question_is_asked_again_after_a_fault_that_passes(web, pauses):
    url = web.serve("/q", Reply(status=429, headers={"Retry-After": "3"}), Reply(b"{}", cut=1), b'{"a": 1}')
    assert download.ask(url).text == '{"a": 1}' and pauses == [3, 2]
    assert download.ask(f"{web.url}/none").status == 404


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("checksum", [SHA, MD5])
def test_a_mirror_serves_without_network(web, tmp_path, monkeypatch, zipped, checksum):
    mirror = tmp_path / "mirror"
    (mirror / "sub").mkdir(parents=True)
    (mirror / "a.fa").write_bytes(b"another file of this name")
    (mirror / "sub" / "other-name").write_bytes(gzip.compress(CONTENT) if zipped else CONTENT)
    (mirror / "MANIFEST.tsv").write_text(
        "path\turl\tsha256_at_source\n"
        f"a.fa\thttps://y.invalid/a.fa\t{'0' * 64}\n"
        f"sub/other-name\thttps://x.invalid/a.fa\t{SHA}\n"
    )
    monkeypatch.setenv("TFBIND_MIRROR", str(mirror))
    assert download.fetch("https://x.invalid/a.fa", checksum, tmp_path / "x.fa") == SHA
    assert web.asked == []


@pytest.mark.parametrize(
    "content", [b"not the file that was asked for", gzip.compress(b"nor this one", mtime=0)[:-9]], ids=["other", "cut"]
)
def test_a_mirror_with_another_file_leaves_nothing_in_the_cache(web, pauses, tmp_path, monkeypatch, content):
    (mirror := tmp_path / "mirror").mkdir()
    (mirror / "a").write_bytes(content)
    (mirror / "MANIFEST.tsv").write_text(f"path\turl\tsha256_at_source\na\t{web.url}/a.fa\t{SHA}\n")
    monkeypatch.setenv("TFBIND_MIRROR", str(mirror))
    web.serve("/a.fa", Reply(CONTENT))
    assert download.fetch(f"{web.url}/a.fa", SHA, tmp_path / "x.fa") == SHA and web.asked


def test_without_a_checksum_a_mirror_is_asked_by_url_and_not_by_name(web, pauses, tmp_path, monkeypatch, caplog):
    mirror = tmp_path / "mirror"
    (mirror / "k562").mkdir(parents=True)
    (mirror / "k562" / "peaks.bed").write_bytes(b"those of another cell")
    (mirror / "own").write_bytes(CONTENT)
    (mirror / "MANIFEST.tsv").write_text(
        f"path\turl\tsha256_at_source\nk562/peaks.bed\thttps://a.invalid/k562/peaks.bed\t{'0' * 64}\n"
        f"own\thttps://b.invalid/own/peaks.bed\t{SHA}\n"
    )
    monkeypatch.setenv("TFBIND_MIRROR", str(mirror))
    web.serve("/hepg2/peaks.bed", Reply(b"those of the cell that was asked for"))
    download.fetch(f"{web.url}/hepg2/peaks.bed", "", tmp_path / "x.bed")
    assert (tmp_path / "x.bed").read_bytes() == b"those of the cell that was asked for"
    assert "whose file of this name is that of https://a.invalid/k562/peaks.bed" in caplog.text
    assert download.fetch("https://b.invalid/own/peaks.bed", "", tmp_path / "y.bed") == SHA
    with pytest.raises(ResourceError, match="404"):
        download.fetch(f"{web.url}/none/peaks.bed", "", tmp_path / "z.bed")
    assert not (tmp_path / "z.bed").exists()


def test_without_a_checksum_the_log_says_of_which_day_a_file_is_and_how_to_fetch_it_again(web, tmp_path, caplog):
    url, path = f"{web.url}/a.fa", tmp_path / "x.fa"
    web.serve("/a.fa", Reply(CONTENT), Reply(b">another\nA\n"))
    assert paths.fetched(url) is None
    download.fetch(url, "", path)
    assert f"{len(CONTENT)} bytes, fetched on {time.strftime('%Y-%m-%d', time.gmtime())}" in caplog.text
    (cached,) = (p for p in paths.cache().rglob("unverified"))
    os.utime(cached, (86400, 86400))
    caplog.clear()
    download.fetch(url, "", path)
    assert f"{len(CONTENT)} bytes, kept in the cache since 1970-01-02, with SHA-256 {SHA}" in caplog.text
    assert f"delete {cached} and {path} and run again" in caplog.text
    assert paths.fetched(url) == (len(CONTENT), "1970-01-02")
    cached.unlink()
    path.unlink()
    download.fetch(url, "", path)
    assert path.read_bytes() == b">another\nA\n"


def test_a_mirror_without_a_manifest_is_explained(web, tmp_path, monkeypatch):
    monkeypatch.setenv("TFBIND_MIRROR", str(tmp_path))
    with pytest.raises(InputError, match="MANIFEST"):
        download.fetch("https://x.invalid/a.fa", SHA, tmp_path / "x.fa")


def test_verify(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT)
    download.verify(tmp_path / "a", SHA)
    download.verify(tmp_path / "a", "")
    with pytest.raises(InputError, match="SHA-256"):
        download.verify(tmp_path / "a", "1" * 64)
