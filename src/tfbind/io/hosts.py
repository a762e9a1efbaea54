"""Hosts that may be contacted for files: only those that somebody named.

These are the hosts in `TFBIND_HOSTS` or, if it is empty, the host of the URL and those of ENCODE and ENA (`HOSTS`).
"""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from tfbind.errors import InputError

#: Hosts of the portals of ENCODE and ENA, and of their files.
HOSTS = ("www.encodeproject.org", "encode-public.s3.amazonaws.com", "www.ebi.ac.uk", "ftp.sra.ebi.ac.uk")


def allow(hosts: Iterable[str]) -> None:
    """Allow only these hosts from now on, in this process and those it starts; an empty list changes nothing."""
    if hosts := list(hosts):
        os.environ["TFBIND_HOSTS"] = ",".join(hosts)


def allowed(url: str) -> set[str]:
    """Hosts that may be contacted for a URL that a user wrote: those of `TFBIND_HOSTS`, else its own and `HOSTS`."""
    listed = {host.strip().lower() for host in os.environ.get("TFBIND_HOSTS", "").split(",")} - {""}
    return listed or {urlsplit(url).hostname or "", *HOSTS}


def check_host(url: str, hosts: set[str], before: str = "") -> None:
    """Check that a URL may be fetched.

    Parameters
    ----------
    url : str
    hosts : set of str
        Allowed hosts, from `allowed`.
    before : str
        Text before the URL in the message, such as where it comes from.

    Raises
    ------
    InputError
        The scheme is not https, http or ftp, or the host is not in `hosts`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "ftp"):
        raise InputError(f"{before}{url}: only https, http and ftp are fetched")
    if (parts.hostname or "") not in hosts:
        raise InputError(
            f"{before}{url}: the host {parts.hostname} is not allowed; if it is right, add it to `hosts` in the config "
            f"(tfbind fetch: --host; anywhere: TFBIND_HOSTS). Allowed are {', '.join(sorted(hosts))}"
        )
