"""Hosts that may be asked for files: only those that somebody named.

These are the hosts that `TFBIND_HOSTS` lists or, where it is empty, the host of a URL itself and those of ENCODE and
ENA (`HOSTS`).
"""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from tfbind.errors import InputError

#: Where ENCODE and ENA answer questions and where they keep their files.
HOSTS = ("www.encodeproject.org", "encode-public.s3.amazonaws.com", "www.ebi.ac.uk", "ftp.sra.ebi.ac.uk")


def allow(hosts: Iterable[str]) -> None:
    """Ask only these hosts from here on, in this process and those it starts; without any, nothing changes."""
    if hosts := list(hosts):
        os.environ["TFBIND_HOSTS"] = ",".join(hosts)


def allowed(url: str) -> set[str]:
    """The hosts that may be asked on behalf of a URL that somebody wrote."""
    listed = {host.strip().lower() for host in os.environ.get("TFBIND_HOSTS", "").split(",")} - {""}
    return listed or {urlsplit(url).hostname or "", *HOSTS}


def check_host(url: str, hosts: set[str], before: str = "") -> None:
    """Refuse a URL of another scheme than https, http and ftp, or of a host that is not in `hosts`."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "ftp"):
        raise InputError(f"{before}{url}: only https, http and ftp are fetched")
    if (parts.hostname or "") not in hosts:
        raise InputError(
            f"{before}{url}: the host {parts.hostname} is not allowed; if it is right, add it to `hosts` in the config "
            f"(tfbind fetch: --host; anywhere: TFBIND_HOSTS). Allowed are {', '.join(sorted(hosts))}"
        )
