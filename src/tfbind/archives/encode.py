"""Experiments and files of the ENCODE portal, as rows of a sheet."""

import json
import os
import time
from collections.abc import Iterable
from urllib.parse import urlencode, urljoin

from tfbind.archives import rows
from tfbind.errors import InputError, ResourceError
from tfbind.io import download

#: Output types of ENCODE that are taken as the peaks of a TF, the best first.
PEAKS = (
    "IDR thresholded peaks",
    "optimal IDR thresholded peaks",
    "conservative IDR thresholded peaks",
    "pseudoreplicated IDR thresholded peaks",
)


# ---------------------------------------------------------------------------------------------------------- ENCODE


def encode_peaks(experiment: dict, assembly: str) -> dict:
    """Choose the peak file of an experiment: released narrowPeak of an assembly, the one that ENCODE prefers if any.

    Parameters
    ----------
    experiment : dict
        The portal's JSON of an experiment, with its `files` embedded.
    assembly : str
        As ENCODE writes it: `GRCh38`, `hg19`, `mm10`.

    Returns
    -------
    dict
        The portal's JSON of the file. Its output type is one of `PEAKS`. Files that ENCODE marks as
        preferred come first, then the order of `PEAKS`.

    Raises
    ------
    InputError
        The experiment is archived or revoked, no file fits, or several fit equally well; the message lists the files.
    """
    if fault := _withdrawn(experiment):
        raise InputError(fault)
    files = experiment.get("files", [])
    peaks = [f for f in files if f.get("file_format") == "bed" and f.get("file_format_type") == "narrowPeak"]
    released = [f for f in peaks if f.get("status") == "released" and f.get("assembly") == assembly]
    fit = [f for f in released if f.get("output_type") in PEAKS]
    fit.sort(key=_rank)
    best = [f for f in fit if _rank(f) == _rank(fit[0])]
    if len(best) == 1:
        return best[0]
    shown = "; ".join(
        f"{f.get('accession')} {f.get('output_type')}, {f.get('assembly', 'no assembly')}, {f.get('status')}"
        for f in sorted(best or peaks, key=lambda f: str(f.get("accession")))
    )
    if best:
        raise InputError(f"{len(best)} files of peaks fit equally well; name one of them: {shown}")
    raise InputError(f"no released IDR thresholded peaks of {assembly}; there is {shown or 'no narrowPeak file'}")


def _withdrawn(item: dict) -> str:
    """Remedy for an archived or revoked file or experiment; '' for a released one."""
    if item.get("status") == "released":
        return ""
    newer = ", ".join(_name(link) for link in item.get("superseded_by", []))
    return (
        f"{item.get('accession')} is {item.get('status')}{f', superseded by {newer}' if newer else ''}; name "
        f"{newer or _name(item.get('dataset', '')) or 'another one'} instead"
    )


def _rank(file: dict) -> tuple[bool, int]:
    return not file.get("preferred_default"), PEAKS.index(file["output_type"])


def encode_row(file: dict, experiment: dict, assembly: str = "", asked: Iterable[str] = ()) -> rows.Row:
    """Make the row of a sheet for one file of one experiment.

    Parameters
    ----------
    file, experiment : dict
        The portal's JSON of both.
    assembly : str
        Assembly that the file must have; '' takes any.
    asked : iterable of str
        Accessions that were asked for. If the portal answered with another one, the note says so.

    Returns
    -------
    dict
        Column -> text. The note holds ENCODE's audit flags, among others; '' is written for unknown values.

    Raises
    ------
    InputError
        The file is archived, revoked or not public, of another assembly, or no peak file; all faults at once.
    """
    accession = file.get("accession", "")
    faults = []
    if fault := _withdrawn(file):
        faults.append(
            f"{fault} or, to use it all the same, write its URL and md5:{file.get('md5sum', '')} in the sheet"
        )
    if assembly and file.get("assembly") != assembly:
        faults.append(f"{accession} is of the assembly {file.get('assembly', '(none)')}, wanted is {assembly}")
    if file.get("file_format") != "bed":
        faults.append(f"{accession} holds {file.get('output_type')} ({file.get('file_format')}), not peaks")
    if not file.get("href") or file.get("no_file_available") or file.get("restricted"):
        faults.append(f"{accession}: ENCODE offers no download of it")
    if faults:
        raise InputError(faults)
    tf, cell = _label(experiment, "target", "label"), _label(experiment, "biosample_ontology", "term_name")
    names = {accession, experiment.get("accession", "")}
    summary = experiment.get("biosample_summary", "")
    notes = [f"asked for {name}, ENCODE answers with {' '.join(sorted(names))}" for name in asked if name not in names]
    notes += [f"experiment is {experiment['status']}"] if experiment.get("status", "released") != "released" else []
    notes += [] if file.get("output_type") == PEAKS[0] else [str(file.get("output_type"))]
    notes += [summary] if summary and summary != cell else []
    notes += _audits(experiment, file)
    return {
        "dataset": rows.dataset(tf, cell, experiment.get("accession") or accession),
        "tf": tf,
        "assay": "chipseq",
        "path": urljoin(encode(), file["href"]),
        "sha256": f"md5:{file['md5sum']}" if file.get("md5sum") else "",
        "format": "narrowpeak" if file.get("file_format_type") == "narrowPeak" else "peaks",
        "genome": file.get("assembly", ""),
        "cell": cell,
        "lab": _label(experiment, "lab", "title"),
        "accession": " ".join(filter(None, (experiment.get("accession"), accession))),
        "note": "; ".join(notes),
    }


def _name(link: str | dict) -> str:
    """The accession in a link such as `/files/ENCFF123ABC/`, or in the object that is embedded instead."""
    return link.get("accession", "") if isinstance(link, dict) else link.strip("/").rsplit("/", 1)[-1]


def _label(item: dict, key: str, label: str) -> str:
    value = item.get(key)
    return str(value.get(label, "")) if isinstance(value, dict) else ""


def _audits(*items: dict) -> list[str]:
    """ENCODE's audit flags by level, the most serious level first, each category once."""
    found = []
    for level in ("ERROR", "NOT_COMPLIANT", "WARNING"):
        flags = {flag.get("category", "") for item in items for flag in item.get("audit", {}).get(level, [])}
        if flags:
            found.append(f"audit {level}: {', '.join(sorted(flags))}")
    return found


def encode() -> str:
    """URL of the portal; `TFBIND_ENCODE` names another."""
    return os.environ.get("TFBIND_ENCODE") or "https://www.encodeproject.org"


def _encode_ask(path: str, **query: str) -> dict:
    url = f"{encode()}{path}?{urlencode({**query, 'format': 'json'})}"
    answer = download.ask(url)
    try:
        found = json.loads(answer.text)
    except json.JSONDecodeError:
        found = None
    if answer.status == 404 and isinstance(found, dict) and "@graph" in found:
        return found  # the portal answers so if a search finds nothing
    if answer.status in (403, 404):
        why = "knows no such object" if answer.status == 404 else "does not show it (deleted, replaced or in progress)"
        raise InputError(f"{path.strip('/')}: ENCODE {why}; check the accession")
    if answer.status != 200 or not isinstance(found, dict):
        raise ResourceError(f"{url}: expected JSON, found status {answer.status} and {answer.text[:60]!r}; try later")
    return found


def encode_resolve(accession: str, assembly: str) -> rows.Row:
    """Ask ENCODE for an experiment's preferred peaks, or for one file, as a row of a sheet.

    Parameters
    ----------
    accession : str
        ``ENCSR...`` is an experiment, anything else a file.
    assembly : str
        Such as ``GRCh38``; required for an experiment. '' takes a file of any assembly.

    Returns
    -------
    dict
        Column -> text.

    Raises
    ------
    InputError
        No assembly for an experiment; ENCODE does not know or show the accession; no file fits, or several do.
    ResourceError
        The portal cannot be reached or gives an unexpected answer.
    """
    if accession.startswith("ENCSR"):
        if not assembly:
            raise InputError(f"{accession}: an experiment has files of several assemblies; say which with --assembly")
        experiment = _encode_ask(f"/experiments/{accession}/")
        return encode_row(encode_peaks(experiment, assembly), experiment, assembly, [accession])
    file = _encode_ask(f"/files/{accession}/")
    experiment = _encode_ask(f"/experiments/{_name(file['dataset'])}/") if file.get("dataset") else {}
    return encode_row(file, experiment, assembly, [accession])


def encode_search(tf: str, assembly: str) -> rows.Found:
    """Find all released TF ChIP-seq experiments of ENCODE on one TF.

    Parameters
    ----------
    tf : str
        Exact label of the target in ENCODE.
    assembly : str
        Assembly of the peaks, such as ``GRCh38``.

    Returns
    -------
    Found
        One row for each experiment, and the accessions without a row, with the reason.

    Raises
    ------
    ResourceError
        The portal cannot be reached or gives an unexpected answer.
    """
    query = {"type": "Experiment", "assay_title": "TF ChIP-seq", "target.label": tf, "assembly": assembly}
    answer = _encode_ask("/search/", **query, status="released", limit="all")
    found, listed = rows.Found(), sorted(_name(item) for item in answer.get("@graph", []))
    for accession in listed:
        time.sleep(0.1)  # ENCODE asks for at most ten requests a second
        try:
            found.rows.append(encode_resolve(accession, assembly))
        except InputError as error:
            found.unread.append((accession, str(error)))
    if len(listed) < answer.get("total", 0):
        found.unread.append((tf, f"ENCODE has {answer['total']} experiments and listed {len(listed)}"))
    if not listed:
        found.unread.append((tf, f"ENCODE has no released TF ChIP-seq of {assembly} on a target of this name"))
    return found
