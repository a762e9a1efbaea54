"""Download files once, verify them and keep them in a cache.

A file is looked for in the cache (`TFBIND_CACHE`, by default the user's cache folder), then in a mirror
(`TFBIND_MIRROR`, a folder with a `MANIFEST.tsv`, for machines without network), then at its URL. A mirror may hold a
gzipped copy of a file that its source serves unpacked; it is unpacked before its checksum is compared.

A checksum is a SHA-256, or `md5:` and an MD5 where an archive gives no other. An empty checksum accepts any content.

Only hosts that somebody named are contacted, redirects included (`tfbind.io.hosts`).
"""

import email.utils
import fcntl
import ftplib
import gzip
import logging
import os
import re
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3

from tfbind import __version__
from tfbind.errors import InputError, ResourceError
from tfbind.io import atomic, tables
from tfbind.io.hosts import allowed, check_host
from tfbind.io.paths import cache, cached_copy, fetched
from tfbind.io.tables import digest

log = logging.getLogger(__name__)
#: Most bytes of a download, and of a compressed file when unpacked.
LARGEST = 2**34
#: Attempts at one file. The pauses between them double from one second on, unless the server says how long to wait.
ATTEMPTS = 5
#: No further attempt is made if a server asks to wait longer than this many seconds.
LONGEST_WAIT = 600
#: A connection is closed after this many seconds without an answer, or with fewer than `SLOWEST` bytes of a file.
PATIENCE = 60.0
SLOWEST = 2**14
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_NAMES = {"sha256": "SHA-256", "md5": "MD5"}
_T = TypeVar("_T")
_pause, _clock = time.sleep, time.monotonic


class _Again(Exception):
    """A fault that may pass, so that the request is tried again.

    Parameters
    ----------
    message : str
    wait : float, optional
        Seconds that the server asks to wait.
    """

    def __init__(self, message: str, wait: float | None = None):
        super().__init__(message)
        self.wait = wait


def _mismatch(path: str | os.PathLike, checksum: str) -> str:
    """How a file differs from its checksum, for a message; '' if it has that checksum or none is expected."""
    algorithm, _, expected = checksum.rpartition(":")
    algorithm = algorithm or "sha256"
    if not expected or (found := digest(path, algorithm)) == expected:
        return ""
    return f"{_NAMES[algorithm]} is {found}, expected {expected}"


def verify(path: str | os.PathLike, checksum: str) -> None:
    """Check that a file has a checksum.

    Parameters
    ----------
    path : path
    checksum : str
        Expected SHA-256, or `md5:` and an MD5; '' accepts any file.

    Raises
    ------
    InputError
        The file has another checksum.
    """
    if fault := _mismatch(path, checksum):
        raise InputError(f"{path}: {fault}; fetch the file again or correct the config")


def fetch(url: str, checksum: str, path: str | os.PathLike) -> str:
    """Copy the file at `url` to `path`, from the cache, a mirror or the network, and verify it.

    Parameters
    ----------
    url : str
        https, http or ftp.
    checksum : str
        Expected SHA-256, or `md5:` and an MD5; '' accepts any content and logs a warning with the SHA-256 found.
    path : path
        Written under a temporary name, then renamed.

    Returns
    -------
    str
        SHA-256 of the file written.

    Raises
    ------
    InputError
        The content does not have the checksum, is a web page or is larger than `LARGEST` bytes; the URL or a redirect
        names a host that is not allowed; the mirror has no manifest.
    ResourceError
        The network or the server does not answer, or not in time; the disk is full; another program deleted the
        cached copy.
    """
    cached = cached_copy(url, checksum)
    kept = cached.is_file()
    try:
        if not kept and not _from_mirror(url, checksum, cached):
            _download(url, checksum, cached)
        with atomic.replacing(path) as temporary:
            shutil.copyfile(cached, temporary)
            found = digest(temporary)
            if fault := _mismatch(temporary, checksum):
                cached.unlink()
                raise InputError(f"{url}: of the cached copy, {fault}; it was removed, run again")
    except FileNotFoundError as error:
        raise ResourceError(
            f"{url}: {error.filename} was removed while it was fetched; leave {cache()} alone and run again"
        ) from error
    except OSError as error:
        if fault := atomic.refused(cached, error):
            raise fault from error
        raise
    if not checksum:
        size, date = fetched(url) or (os.path.getsize(path), "now")
        came = "kept in the cache since" if kept else "fetched on"
        log.warning(
            "%s: no checksum given, content not verified: %d bytes, %s %s, with SHA-256 %s; its source is not asked "
            "again: for the content of today, delete %s and %s and run again",
            *(url, size, came, date, found, cached, path),
        )
    return found


def _from_mirror(url: str, checksum: str, cached: Path) -> bool:
    """Copy a file from the mirror into the cache; False if there is no mirror or it does not have the file."""
    folder = os.environ.get("TFBIND_MIRROR")
    if not folder:
        return False
    manifest = Path(folder) / "MANIFEST.tsv"
    if not manifest.is_file():
        raise InputError(f"TFBIND_MIRROR: no {manifest}; it lists the files (columns path, url, sha256_at_source)")
    listed = tables.read_tsv(manifest).fillna("")
    named = listed["path"].map(lambda p: Path(p).name == Path(urlsplit(url).path).name)
    if checksum and not checksum.startswith("md5:"):
        listed = listed[listed["sha256_at_source"] == checksum]
    elif checksum:  # a manifest holds no MD5: any file of this name is a candidate, and is verified
        listed = listed[(listed["url"] == url) | named]
    else:  # without a checksum, another file of the same name could not be recognised
        others = listed["url"][named & (listed["url"] != url)]
        listed = listed[listed["url"] == url]
        if len(others) and not len(listed):
            log.warning(
                "%s: not taken from the mirror, whose file of this name is that of %s; if it is the same, write its "
                "SHA-256 into the sheet, or the URL into %s",
                *(url, ", ".join(filter(None, others)) or "no URL", manifest),
            )
    for name in listed["path"]:
        stored = Path(folder) / name
        if stored.is_file() and _copy(stored, checksum, cached):
            log.info("%s: from the mirror, %s", url, name)
            return True
    return False


def _copy(stored: Path, checksum: str, cached: Path) -> bool:
    """Copy a file of the mirror, unpacked if only its unpacked content has the checksum; False if neither has it."""
    for opener in (open, gzip.open):
        try:
            with atomic.replacing(cached) as temporary:
                try:
                    with opener(stored, "rb") as source, open(temporary, "wb") as target:
                        _copy_bounded(source, target)
                except (gzip.BadGzipFile, EOFError, zlib.error):
                    raise _Another from None
                if _mismatch(temporary, checksum):
                    raise _Another
        except _Another:  # then no file is left in the cache
            continue
        return True
    return False


class _Another(Exception):
    """A file of the mirror is not the one that was asked for."""


def _copy_bounded(source, target) -> None:
    written = 0
    while block := source.read(2**20):
        written += len(block)
        if written > LARGEST:
            raise InputError(f"{getattr(source, 'name', 'file')}: unpacks to more than {LARGEST} bytes")
        target.write(block)


class Answer(NamedTuple):
    """A server's answer to a request: status code, final URL after redirects, and decoded text."""

    status: int
    url: str
    text: str


def ask(url: str) -> Answer:
    """Request a URL from a server and return its answer; faults that may pass are tried again.

    Returns
    -------
    Answer
        With any status code: what a status other than 200 means depends on the request.

    Raises
    ------
    InputError
        The URL or a redirect names a host that is not allowed, or the answer is larger than `LARGEST` bytes.
    ResourceError
        The server does not answer, or only with faults that may pass, after all attempts.
    """

    def attempt() -> Answer:
        with _open(url, {}) as response:
            body = b"".join(_blocks(response, decode=True))
            return Answer(response.status_code, response.url, body.decode("utf-8", "replace"))

    return _patiently(url, attempt)


def _download(url: str, checksum: str, cached: Path) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    part = cached.with_name(f"{cached.name}.part")
    with open(part, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may be fetching the same file
        if cached.is_file():
            return
        if not checksum:  # without a checksum, nobody could check that an earlier run's part is of the same content
            file.truncate(0)
        resumed = file.seek(0, os.SEEK_END) > 0
        receive = _from_ftp if urlsplit(url).scheme == "ftp" else _from_http
        receive(url, file)
        if _mismatch(part, checksum) and resumed:
            log.info("%s: what an earlier run left does not belong to it; fetched anew", url)
            file.truncate(0)
            receive(url, file)
        file.flush()
        with open(part, "rb") as arrived:
            page = _PAGE.match(arrived.read(256)) is not None
        if page or (fault := _mismatch(part, checksum)):
            shown = "a web page" if page else fault
            file.truncate(0)
            raise InputError(f"{url}: not the file expected: {shown}; check the URL and the checksum")
        part.replace(cached)


def _from_http(url: str, file: BinaryIO) -> None:
    """Download a file over as many connections as needed; each continues where the last one broke off."""
    version = ""  # the server's mark (ETag or date) of the content that has begun to arrive

    def attempt() -> None:
        nonlocal version
        start = file.seek(0, os.SEEK_END)
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and version:
            headers["If-Range"] = version
        with _open(url, headers) as response:
            if response.status_code == 416:  # the part on disk is as long as the file, or longer
                file.truncate(0)
                raise _Again("the server has no more than what is here already", 0)
            if response.status_code not in (200, 206):
                raise ResourceError(_unreachable(url, f"the server says {response.status_code} {response.reason}"))
            if "html" in response.headers.get("Content-Type", "") and not urlsplit(url).path.endswith(("html", "htm")):
                raise InputError(f"{url}: not the file expected: a web page; check the URL")
            if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                file.truncate(0)  # the server sends the file from its beginning
            version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            for block in _blocks(response):
                file.write(block)
            file.flush()

    _patiently(url, attempt)


def _from_ftp(url: str, file: BinaryIO) -> None:
    """Download a file by FTP, as anonymous; after a fault from its beginning, since FTP has no mark of the content."""
    place = urlsplit(url)

    def write(block: bytes) -> None:
        file.write(block)
        _check_size(url, file.tell())

    def attempt() -> None:
        file.truncate(0)
        try:
            with ftplib.FTP(timeout=PATIENCE) as server:
                server.connect(place.hostname or "", place.port or ftplib.FTP_PORT)
                server.login()
                server.retrbinary(f"RETR {unquote(place.path)}", write)
        except InputError:  # a ValueError, too
            raise
        except (ftplib.error_perm, ValueError) as error:  # refused, or no path that can be asked for
            raise ResourceError(_unreachable(url, str(error))) from None
        except ftplib.all_errors as error:
            raise _Again(str(error) or "the connection broke off") from None
        file.flush()

    check_host(url, allowed(url))
    _patiently(url, attempt)


def _check_size(url: str, arrived: int) -> None:
    if arrived > LARGEST:
        raise InputError(f"{url}: more than {LARGEST} bytes; no file that tfbind reads is so large")


def _patiently(url: str, attempt: Callable[[], _T]) -> _T:
    """Return the result of `attempt`; after faults that may pass, try again, with longer pauses each time."""
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except _Again as error:
            wait = 2.0**number if error.wait is None else error.wait
            if number + 1 == ATTEMPTS or wait > LONGEST_WAIT:
                asked = f"; it asks to wait {wait:.0f} s" if wait > LONGEST_WAIT else ""
                raise ResourceError(_unreachable(url, f"{error}{asked}, after {number + 1} attempts")) from None
            log.info("%s: %s; again in %g s", url, error, wait)
            _pause(wait)
    raise AssertionError("unreachable")


def _unreachable(url: str, why: str) -> str:
    return (
        f"{url}: cannot be fetched ({why}). Without network, put the file into a folder with a MANIFEST.tsv that names "
        "its URL and SHA-256 (columns path, url, sha256_at_source), and point TFBIND_MIRROR to it"
    )


class _Session(requests.Session):
    """A session that follows redirects to allowed hosts only."""

    def __init__(self, hosts: set[str]):
        super().__init__()
        self.hosts = hosts
        self.headers["User-Agent"] = f"tfbind/{__version__}"
        self.headers["Accept-Encoding"] = "identity"  # bytes as stored, so that ranges and checksums agree

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """The URL that a response redirects to, or None.

        Parameters
        ----------
        resp : Response

        Returns
        -------
        str or None

        Raises
        ------
        InputError
            The host of that URL is not allowed.
        """
        target = super().get_redirect_target(resp)
        if target:
            check_host(urljoin(resp.url, target), self.hosts, f"{resp.url} leads to ")
        return target


def _open(url: str, headers: dict[str, str]) -> requests.Response:
    """Send a request and return the response before its body is read."""
    hosts = allowed(url)
    check_host(url, hosts)
    try:
        response = _Session(hosts).get(url, headers=headers, stream=True, timeout=PATIENCE)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _Again(str(error)) from None
    except requests.RequestException as error:
        raise ResourceError(_unreachable(url, str(error))) from None
    if response.status_code in _PASSING:
        response.close()
        words = f"the server says {response.status_code} {response.reason}"
        raise _Again(words, _retry_after(response.headers.get("Retry-After", "")))
    return response


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from a Retry-After header: a number of seconds or a date."""
    if value.strip().isdigit():
        return float(value)
    date = email.utils.parsedate_tz(value)
    return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())


def _blocks(response: requests.Response, decode: bool = False) -> Iterator[bytes]:
    """The body in blocks, as served or decoded; a broken or very slow connection is a fault that may pass."""
    arrived, since, before = 0, _clock(), 0
    while True:
        try:
            block = response.raw.read1(2**20, decode_content=decode)
        except urllib3.exceptions.HTTPError as error:
            raise _Again(f"the connection broke off after {arrived} bytes: {error}") from None
        if not block:
            return
        arrived += len(block)
        _check_size(response.url, arrived)
        yield block
        if (now := _clock()) - since > PATIENCE:
            if arrived - before < SLOWEST:
                raise _Again(f"too slow: {arrived - before} bytes in {now - since:.0f} s")
            since, before = now, arrived
