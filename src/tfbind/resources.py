"""Files from elsewhere: fetched once, verified, kept in a cache.

A file is looked for in the cache (`TFBIND_CACHE`, by default the user's cache folder), then in a mirror
(`TFBIND_MIRROR`, a folder with a `MANIFEST.tsv`, for machines without network), then at its URL. A mirror may hold a
file gzipped that its source serves plain; it is unpacked before its checksum is compared.
"""

import gzip
import hashlib
import logging
import os
import shutil
from pathlib import Path

import pooch

from tfbind import tables
from tfbind.faults import InputError, ResourceError

log = logging.getLogger(__name__)

#: A compressed file may unpack to at most this many bytes.
LARGEST = 2**34


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: str | os.PathLike, checksum: str) -> None:
    """Refuse a file whose SHA-256 is not `checksum`; an empty one accepts any file."""
    if checksum and (found := sha256(path)) != checksum:
        raise InputError(
            f"{path}: SHA-256 is {found}, the config expects {checksum}; fetch the file again or mend the config"
        )


def fetch(url: str, checksum: str, path: str | os.PathLike) -> str:
    """Bring the file at `url` to `path`, verified, from the cache, a mirror or the network.

    Parameters
    ----------
    url : str
    checksum : str
        Expected SHA-256; empty accepts any content (logged with the SHA-256 found).
    path : path
        Written under a temporary name and renamed.

    Returns
    -------
    str
        The SHA-256 of what was written.

    Raises
    ------
    InputError
        The content at `url` is not what the checksum says.
    ResourceError
        The network or the server does not answer.
    """
    cached = _cache() / hashlib.sha256(url.encode()).hexdigest()[:12] / (checksum or "unverified")
    if not cached.is_file() and not _from_mirror(url, checksum, cached):
        _download(url, checksum, cached)
    with tables.replacing(path) as temporary:
        shutil.copyfile(cached, temporary)
        found = sha256(temporary)
    if checksum and found != checksum:
        Path(path).unlink()
        cached.unlink()
        raise InputError(f"{url}: the cached copy has SHA-256 {found}, expected {checksum}; it was removed, run again")
    if not checksum:
        log.warning("%s: no checksum given, content not verified; it has SHA-256 %s", url, found)
    return found


def _cache() -> Path:
    return Path(os.environ.get("TFBIND_CACHE") or pooch.os_cache("tfbind"))


def _from_mirror(url: str, checksum: str, cached: Path) -> bool:
    """Copy a file from a mirror into the cache; False where no mirror has it."""
    folder = os.environ.get("TFBIND_MIRROR")
    if not folder:
        return False
    manifest = Path(folder) / "MANIFEST.tsv"
    if not manifest.is_file():
        raise InputError(f"TFBIND_MIRROR: no {manifest}; it lists the files (columns path, url, sha256_at_source)")
    listed = tables.read_tsv(manifest, dtype=str).fillna("")
    if checksum:
        listed = listed[listed["sha256_at_source"] == checksum]
    else:  # nothing to compare: the file's own name must do
        listed = listed[(listed["url"] == url) | listed["path"].map(lambda p: Path(p).name == Path(url).name)]
    for name in listed["path"]:
        stored = Path(folder) / name
        if stored.is_file() and _copy(stored, checksum, cached):
            log.info("%s: from the mirror, %s", url, name)
            return True
    return False


def _copy(stored: Path, checksum: str, cached: Path) -> bool:
    """Copy a mirrored file as it is or, where only its unpacked content has the checksum, unpacked."""
    for opener in (open, gzip.open):
        with tables.replacing(cached) as temporary:
            try:
                with opener(stored, "rb") as source, open(temporary, "wb") as target:
                    _copy_bounded(source, target)
            except gzip.BadGzipFile:
                return False
            if not checksum or sha256(temporary) == checksum:
                return True
        cached.unlink()
    return False


def _copy_bounded(source, target) -> None:
    written = 0
    while block := source.read(2**20):
        written += len(block)
        if written > LARGEST:
            raise InputError(f"{getattr(source, 'name', 'file')}: unpacks to more than {LARGEST} bytes")
        target.write(block)


def _download(url: str, checksum: str, cached: Path) -> None:
    manager = pooch.create(
        cached.parent,
        base_url="",
        registry={cached.name: f"sha256:{checksum}" if checksum else None},
        urls={cached.name: url},
        retry_if_failed=3,
    )
    try:
        manager.fetch(cached.name)
    except ValueError as error:  # pooch's word for a checksum that differs
        raise InputError(f"{url}: not the file expected: {error}") from None
    except OSError as error:
        raise ResourceError(
            f"{url}: cannot be fetched ({error}). Without network, put the file into a folder with a MANIFEST.tsv "
            "and point TFBIND_MIRROR to it"
        ) from None
