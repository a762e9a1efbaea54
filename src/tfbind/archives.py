"""ENCODE and ENA: accessions and queries become rows of a sheet, for a person to read and correct.

Nothing is guessed. A file that the archive does not offer without doubt, or a file name that does not fit its study's
profile, gives no row but a reason, and the reasons stand as comments at the end of the sheet that is written.

`TFBIND_ENCODE` and `TFBIND_ENA` name other servers that answer like the archives (a mirror of the portal, a test).
"""

import csv
import io
import json
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

from tfbind import config, hosts, layout, resources, tables
from tfbind.faults import InputError, ResourceError

#: Output types of ENCODE that may stand for the peaks of a TF, the better first.
PEAKS = (
    "IDR thresholded peaks",
    "optimal IDR thresholded peaks",
    "conservative IDR thresholded peaks",
    "pseudoreplicated IDR thresholded peaks",
)
#: What is asked of ENA about each run.
FIELDS = (
    "run_accession", "study_accession", "sample_alias", "sample_title", "library_name", "center_name",
    "fastq_ftp", "fastq_md5", "submitted_ftp", "submitted_md5",
)  # fmt: skip

_READS = re.compile(r"\.(fastq|fq|txt|fasta|fa)(\.gz)?$", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Row = dict[str, str]


@dataclass
class Found:
    """Rows of a sheet, and what could not become one.

    Attributes
    ----------
    rows : list of dict
        Column -> text; columns that are not there are empty.
    unread : list of (str, str)
        What it is (an accession, a file name, a TF) and why it gives no row.
    remarks : list of str
        What to know of the whole.
    """

    rows: list[Row] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __add__(self, other: "Found") -> "Found":
        return Found(self.rows + other.rows, self.unread + other.unread, self.remarks + other.remarks)


# ---------------------------------------------------------------------------------------------------------- ENCODE


def encode_peaks(experiment: dict, assembly: str) -> dict:
    """The file of an experiment that holds its peaks: released narrowPeak of `assembly`, preferred by ENCODE if any is.

    Parameters
    ----------
    experiment : dict
        The portal's JSON of an experiment, its `files` embedded.
    assembly : str
        As ENCODE writes it: `GRCh38`, `hg19`, `mm10`.

    Raises
    ------
    InputError
        The experiment is archived or revoked, or no file fits, or several fit equally well; the message says what
        there is.
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
    """What to do about an archived or revoked file or experiment; '' for a released one."""
    if item.get("status") == "released":
        return ""
    newer = ", ".join(_name(link) for link in item.get("superseded_by", []))
    return (
        f"{item.get('accession')} is {item.get('status')}{f', superseded by {newer}' if newer else ''}; name "
        f"{newer or _name(item.get('dataset', '')) or 'another one'} instead"
    )


def _rank(file: dict) -> tuple[bool, int]:
    return not file.get("preferred_default"), PEAKS.index(file["output_type"])


def encode_row(file: dict, experiment: dict, assembly: str = "", asked: Iterable[str] = ()) -> Row:
    """The row of a sheet for one file of one experiment.

    Parameters
    ----------
    file, experiment : dict
        The portal's JSON of both.
    assembly : str
        The assembly that is wanted; empty takes any.
    asked : iterable of str
        Accessions that were asked for. One that the portal answered with another one is recorded in the note.

    Raises
    ------
    InputError
        The file is archived, revoked or not public, of another assembly, or no peak file.
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
        faults.append(f"{accession} holds {file.get('output_type')} ({file.get('file_format')}), no peaks")
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
        "dataset": _dataset(tf, cell, experiment.get("accession") or accession),
        "tf": tf,
        "assay": "chipseq",
        "path": urljoin(_encode(), file["href"]),
        "sha256": f"md5:{file['md5sum']}" if file.get("md5sum") else "",
        "format": "narrowpeak" if file.get("file_format_type") == "narrowPeak" else "peaks",
        "genome": file.get("assembly", ""),
        "cell": cell,
        "lab": _label(experiment, "lab", "title"),
        "accession": " ".join(filter(None, (experiment.get("accession"), accession))),
        "note": "; ".join(notes),
    }


def _name(link: str | dict) -> str:
    """The accession in a link such as `/files/ENCFF123ABC/`, or in the object it stands for."""
    return link.get("accession", "") if isinstance(link, dict) else link.strip("/").rsplit("/", 1)[-1]


def _label(item: dict, key: str, label: str) -> str:
    value = item.get(key)
    return str(value.get(label, "")) if isinstance(value, dict) else ""


def _audits(*items: dict) -> list[str]:
    """ENCODE's audit flags by level, the graver first, each category once."""
    found = []
    for level in ("ERROR", "NOT_COMPLIANT", "WARNING"):
        flags = {flag.get("category", "") for item in items for flag in item.get("audit", {}).get(level, [])}
        if flags:
            found.append(f"audit {level}: {', '.join(sorted(flags))}")
    return found


def _encode() -> str:
    return os.environ.get("TFBIND_ENCODE") or "https://www.encodeproject.org"


def _encode_ask(path: str, **query: str) -> dict:
    url = f"{_encode()}{path}?{urlencode({**query, 'format': 'json'})}"
    answer = resources.ask(url)
    try:
        found = json.loads(answer.text)
    except json.JSONDecodeError:
        found = None
    if answer.status == 404 and isinstance(found, dict) and "@graph" in found:
        return found  # the portal's way to say that a search found nothing
    if answer.status in (403, 404):
        why = "knows no such object" if answer.status == 404 else "does not show it (deleted, replaced or in progress)"
        raise InputError(f"{path.strip('/')}: ENCODE {why}; check the accession")
    if answer.status != 200 or not isinstance(found, dict):
        raise ResourceError(f"{url}: expected JSON, found status {answer.status} and {answer.text[:60]!r}; try later")
    return found


def _encode_resolve(accession: str, assembly: str) -> Row:
    """The row of an experiment's preferred peaks, or of one file."""
    if accession.startswith("ENCSR"):
        if not assembly:
            raise InputError(f"{accession}: an experiment has files of several assemblies; say which with --assembly")
        experiment = _encode_ask(f"/experiments/{accession}/")
        return encode_row(encode_peaks(experiment, assembly), experiment, assembly, [accession])
    file = _encode_ask(f"/files/{accession}/")
    experiment = _encode_ask(f"/experiments/{_name(file['dataset'])}/") if file.get("dataset") else {}
    return encode_row(file, experiment, assembly, [accession])


def encode_search(tf: str, assembly: str) -> Found:
    """A row for each released TF ChIP-seq experiment of ENCODE on one TF, by its exact name."""
    query = {"type": "Experiment", "assay_title": "TF ChIP-seq", "target.label": tf, "assembly": assembly}
    answer = _encode_ask("/search/", **query, status="released", limit="all")
    found, listed = Found(), sorted(_name(item) for item in answer.get("@graph", []))
    for accession in listed:
        time.sleep(0.1)  # ENCODE asks for at most ten requests a second
        try:
            found.rows.append(_encode_resolve(accession, assembly))
        except InputError as error:
            found.unread.append((accession, str(error)))
    if len(listed) < answer.get("total", 0):
        found.unread.append((tf, f"ENCODE has {answer['total']} experiments and listed {len(listed)}"))
    if not listed:
        found.unread.append((tf, f"ENCODE has no released TF ChIP-seq of {assembly} on a target of this name"))
    return found


# ------------------------------------------------------------------------------------------------------------- ENA


def ena_records(report: str) -> list[Row]:
    """The runs of a file report, tab-separated with a header, as ENA's portal answers."""
    lines = csv.DictReader(io.StringIO(report), delimiter="\t", quoting=csv.QUOTE_NONE)
    records = [{key: value or "" for key, value in line.items() if key} for line in lines]
    missing = [name for name in FIELDS if records and name not in records[0]]
    if missing:
        raise ResourceError(f"ENA's file report lacks the column(s) {', '.join(missing)}; has the interface changed?")
    return records


def ena_row(record: Row) -> Row:
    """The row of a sheet for one run, as far as ENA tells: its reads, their MD5, the submitted name.

    ENA's own FASTQ is taken where there is one, since its format is certain; the submitted file otherwise.

    Raises
    ------
    InputError
        ENA has no file of reads for this run, or several.
    """
    run, name = record["run_accession"], submitted_name(record)
    for kind in ("fastq", "submitted"):
        files = [path for path in record[f"{kind}_ftp"].split(";") if path]
        sums = [md5 for md5 in record[f"{kind}_md5"].split(";") if md5]
        if len(files) > 1:
            raise InputError(f"{run}: {len(files)} files ({', '.join(Path(f).name for f in files)}), one is expected")
        if files and (kind == "fastq" or _READS.search(files[0])):
            break
    else:
        raise InputError(f"{run}: ENA has no FASTQ of it" + (f", only {Path(files[0]).name}" if files else ""))
    checked = len(sums) == 1
    return {
        "dataset": run,
        "assay": "htselex",
        "path": f"{urlsplit(_ena()).scheme}://{quote(re.sub(r'^[a-z]+://', '', files[0]), safe='/:')}",
        "sha256": f"md5:{sums[0]}" if checked else "",
        "format": "fasta" if re.search(r"\.(fasta|fa)(\.gz)?$", files[0], re.IGNORECASE) else "fastq",
        "lab": record["center_name"],
        "accession": run,
        "note": (f"submitted as {name}" if name else "") + ("" if checked else "; ENA states no MD5"),
    }


def submitted_name(record: Row) -> str:
    """Name of the file that was submitted for a run, without its suffix; '' where ENA does not tell."""
    return _READS.sub("", Path(record["submitted_ftp"].split(";")[0]).name)


class Profile(NamedTuple):
    """How the submitted file names of a study are built.

    `names` are tried in turn; the fields of a name are its groups: `tf`, `partner` (of a pair of TFs), `clone`,
    `ligand`, `batch`, `cycle`, `replicate`, `left` and `right` (flanks), `kind` (of SELEX). `refused` are names that
    the study has and tfbind cannot use, and why. Where the name does not hold them, `tf` is the field of ENA's record
    that holds the TF, and `title` the pattern of its sample title that holds the kind.
    """

    names: tuple[str, ...]
    refused: dict[str, str] = {}
    tf: str = ""
    title: str = ""


_TF = r"(?P<tf>[A-Za-z0-9][A-Za-z0-9.-]*)"
_LIGAND = r"(?P<ligand>[ACGT]*[0-9]+N[ACGT]*)"
_BATCH = r"(?P<batch>[A-Z]{1,6})"
_CYCLE = r"(?P<cycle>[0-9]+[a-z0-9]*)"
_FLANKS = r"(?P<left>[ACGT]+){}(?P<right>[ACGT]+)"
#: The cycle 0 of a ligand, shared by all TFs, in every study of this series.
_ZERO = rf"Zero[A-Za-z]*_((?P<batch>[A-Z0-9]+)_)?{_LIGAND}(_.*)?"

#: Profile -> how names are built, as the names of these studies show it.
PROFILES = {
    # NOTO_TGCGTT30NTGC_AI_1; CTCF_full_AJ_TAGCGA20NGCT_3 has batch and ligand the other way round
    "jolma2013": Profile(
        (
            rf"{_TF}(_(?P<clone>full|DBD[a-z]*))?_{_LIGAND}_{_BATCH}_{_CYCLE}",
            rf"{_TF}(_(?P<clone>full|DBD[a-z]*))?_{_BATCH}_{_LIGAND}_{_CYCLE}",
        )
    ),
    # AR_TCGCAA40NTGT_1: AR is the batch; the TF is the name of the library
    "nitta2015": Profile((rf"{_BATCH}_{_LIGAND}_{_CYCLE}",), tf="library_name"),
    # NFATC4_HOXA1_3_AAE_TGAACG40NCAA is a pair of TFs, X_htSELEX_... a single one
    "jolma2015": Profile((rf"{_TF}_(?P<partner>[A-Za-z0-9.-]+)_{_CYCLE}_{_BATCH}_{_LIGAND}",)),
    # YY2_FL_1_KV_TAGAGA40NCGC; YY2_FL_Bis_3_KAM_40NATATAATATT was treated with bisulfite
    "yin2017": Profile(
        (rf"{_TF}_(?P<clone>FL|eDBD)_{_CYCLE}_{_BATCH}_{_LIGAND}",),
        {r".+_(FL|eDBD)_(Bis|Nor)_.+": "bisulfite SELEX (Bis, and Nor beside it): its reads are not those of HT-SELEX"},
        title=r"(?P<kind>.*SELEX) sample .+",
    ),
    # LEF1_R0_C1_lf5ACGACGC_rf3AGCCTCA; ZNF770.FL@HTS.Lys@AAT_A_GG40NGTGAGA.C3.5ACGACGC.3GTGAGAA@Reads.any-name.Train
    "codebook": Profile(
        (
            rf"{_TF}_R(?P<replicate>[0-9]+)_C{_CYCLE}_lf5?{_FLANKS.format('_rf3?')}",
            r"(?P<tf>[A-Za-z0-9-]+)\.(?P<clone>[^@]+)@HTS(\.(?P<kind>[^@]+))?@"
            rf"(?P<batch>[A-Za-z0-9_]+)_{_LIGAND}\.C{_CYCLE}\.5{_FLANKS.format('.3')}(@.*)?",
        ),
        {r".+@(GHTS|AFS|SMS|CHS|PBM)[.@].+": "another assay than HT-SELEX with a random library"},
    ),
}


def read_name(record: Row, profile: str) -> Row:
    """What the submitted name of a run says, as columns of the sheet.

    Parameters
    ----------
    record : dict
        A run of ENA's file report.
    profile : str
        A key of `PROFILES`.

    Returns
    -------
    dict
        `tf` ('' for a cycle 0), `ligand`, `batch`, `cycle`, `replicate`, `note`.

    Raises
    ------
    InputError
        The name does not fit; nothing is taken from it.
    """
    rules, name = PROFILES[profile], submitted_name(record)
    if not name:
        raise InputError("ENA tells no submitted name")
    for pattern, why in rules.refused.items():
        if re.fullmatch(pattern, name):
            raise InputError(why)
    matches = [match for pattern in (_ZERO, *rules.names) if (match := re.fullmatch(pattern, name))]
    if not matches:
        raise InputError(f"the name does not fit the profile {profile}")
    said = {key: value for key, value in matches[0].groupdict().items() if value}
    cycle = said.get("cycle", "0")
    if not cycle.isdigit():
        raise InputError(f"the cycle {cycle!r} is no number")
    tf = record[rules.tf].strip() if rules.tf else said.get("tf", "")
    notes = [f"clone {said['clone']}"] if "clone" in said else []
    if said.get("partner", "htSELEX") != "htSELEX":
        tf = f"{tf}_{said['partner']}"
        notes.append("CAP-SELEX of two TFs")
    if "left" in said:  # whether the reads hold them is for a person to see
        notes.append(f"flanks {said['left']} and {said['right']}: left_flank and right_flank if the reads hold them")
    if title := re.fullmatch(rules.title, record["sample_title"]) if rules.title else None:
        said |= title.groupdict()
    elif rules.title and int(cycle):
        notes.append("the sample title does not say which kind of SELEX (mHT-SELEX: methylated ligand)")
    notes += [said["kind"]] if "kind" in said else []
    if int(cycle) and not _ID.fullmatch(tf):
        raise InputError(f"{rules.tf or 'the name'} holds no name of a TF ({tf!r})")
    return {
        "tf": tf if int(cycle) else "",
        "ligand": said.get("ligand", ""),
        "batch": said.get("batch", ""),
        "cycle": str(int(cycle)),
        "replicate": said.get("replicate", ""),
        "note": "; ".join(notes),
    }


def ena_sheet(records: Sequence[Row], profile: str, tfs: Sequence[str] = ()) -> Found:
    """A row for each run of a study that its profile can read, with the cycle 0 of its ligand.

    Parameters
    ----------
    records : sequence of dict
        ENA's file report, of one study or of several read with one profile.
    profile : str
        A key of `PROFILES`.
    tfs : sequence of str
        The TFs that are wanted, case as in the names (`ALX4` of man is not `Alx4` of mouse); empty takes all.
    """
    found, zeros, other = Found(), defaultdict(list), Counter()
    for record in records:
        run = record["run_accession"]
        try:
            said, row = read_name(record, profile), ena_row(record)
        except InputError as error:
            found.unread.append((f"{run} {submitted_name(record)}".strip(), str(error)))
            continue
        row |= said | {"note": "; ".join(filter(None, (row["note"], said["note"])))}
        if not said["tf"]:
            zeros[row["ligand"]].append(row)
        elif tfs and said["tf"] not in tfs:
            other[said["tf"]] += 1
        else:
            row["dataset"] = _dataset(row["tf"], row["batch"], row["ligand"], f"C{row['cycle']}", run)
            found.rows.append(row)
    for row in found.rows:
        _add_zero(row, zeros[row["ligand"]] if row["ligand"] else [])
    found.rows.sort(key=lambda row: (row["tf"], row["batch"], row["ligand"], row["cycle"], row["accession"]))
    if other:
        found.remarks.append(f"{sum(other.values())} runs of {len(other)} other TFs are left out")
    for tf in tfs:
        alike = sorted(name for name in other if name.lower() == tf.lower())
        if alike:
            found.remarks.append(f"{tf}: {', '.join(alike)} differs in case, as a TF of another species does")
        if tf not in {row["tf"] for row in found.rows}:
            found.unread.append((tf, "no run of this TF that could be read"))
    return found


def _add_zero(row: Row, zeros: list[Row]) -> None:
    """Name the cycle 0 of a row's ligand, where there is one and no doubt which."""
    fit = [zero for zero in zeros if zero["batch"] == row["batch"]] if len(zeros) > 1 else zeros
    if len(fit) == 1:
        row["input_path"], row["input_sha256"] = fit[0]["path"], fit[0]["sha256"]
        note = f"cycle 0 is {fit[0]['accession']}"
    elif zeros:
        note = f"choose the cycle 0 of this ligand: {', '.join(zero['accession'] for zero in zeros)}"
    else:
        note = "no cycle 0 of this ligand found"
    row["note"] = "; ".join(filter(None, (row["note"], note)))


def _ena() -> str:
    return os.environ.get("TFBIND_ENA") or "https://www.ebi.ac.uk/ena/portal/api"


def _ena_ask(accession: str) -> list[Row]:
    query = {"accession": accession, "result": "read_run", "fields": ",".join(FIELDS), "format": "tsv", "limit": "0"}
    url = f"{_ena()}/filereport?{urlencode(query)}"
    answer = resources.ask(url)
    if answer.status in (400, 404):
        raise InputError(f"{accession}: ENA says {' '.join(answer.text.split())[:200]!r}; check the accession")
    if answer.status not in (200, 204) or answer.text.lstrip().startswith("<"):
        raise ResourceError(f"{url}: expected a file report, found status {answer.status} and {answer.text[:60]!r}")
    records = ena_records(answer.text)
    if not records:
        raise InputError(f"{accession}: ENA has no public run under this accession; check it")
    return records


# ----------------------------------------------------------------------------------------------------------- sheets


def resolve(accession: str, assembly: str = "") -> list[Row]:
    """The file or files that an accession stands for, as rows of a sheet.

    Parameters
    ----------
    accession : str
        ENCODE experiment (its preferred peaks) or file; run or study (all its runs) of ENA.
    assembly : str
        Which peaks of an experiment are wanted; a file of another assembly is refused.
    """
    if accession.startswith("ENC"):
        return [_named(_encode_resolve(accession, assembly), _encode())]
    return [_named(ena_row(record), _ena()) for record in _ena_ask(accession)]


def _named(row: Row, asked: str) -> Row:
    """`row`, refused where an archive sends us to a host that nobody named."""
    hosts.check_host(row["path"], hosts.allowed(asked), f"{row['accession']} is at ")
    return row


def query(tfs: Sequence[str], assembly: str = "", studies: Sequence[str] = (), profile: str = "") -> Found:
    """ENCODE's ChIP-seq of some TFs, if an assembly is given, and their SELEX in some studies of ENA."""
    faults = []
    if assembly and not tfs:
        faults.append("--assembly: name the TFs with --tf")
    if not assembly and not studies:
        faults.append("--tf: say where to look: --assembly GRCh38 for ENCODE, --study and --profile for ENA")
    if studies and profile not in PROFILES:
        faults.append(f"--profile: {profile!r}; the names of a study's files are read by one of {', '.join(PROFILES)}")
    if faults:
        raise InputError(faults)
    found = Found()
    for tf in tfs if assembly else ():
        found += encode_search(tf, assembly)
    if studies:
        runs = {record["run_accession"]: record for study in studies for record in _ena_ask(study)}
        records = list(runs.values())
        found += ena_sheet(records, profile, tfs)
        found.remarks.append(f"{', '.join(studies)}: {len(records)} runs, names read as {profile}; a row is one cycle")
    for row in found.rows:
        _named(row, _encode() if row["assay"] == "chipseq" else _ena())
    return found


def resolve_sheet(path: Path, folder: Path, assembly: str = "") -> Found:
    """A sheet with each accession in a path replaced by its URL and checksum, for a sheet in `folder`.

    What a person wrote stays; only empty cells of the row are filled from the archive.

    Raises
    ------
    InputError
        With the faults of all rows.
    """
    lines, faults = config.read_sheet(path)
    for number, row in lines:
        for column in layout.PATHS:
            try:
                _resolve_cell(row, column, assembly)
            except InputError as error:
                faults += [f"{path.name}:{number}: {column}: {fault}" for fault in error.faults]
            if row[column] and not layout.is_url(row[column]) and not Path(row[column]).is_absolute():
                row[column] = os.path.relpath(path.parent / row[column], folder)
    if faults:
        raise InputError(faults)
    return Found([row for _, row in lines])


def _resolve_cell(row: Row, column: str, assembly: str) -> None:
    accession = row[column]
    if not config.ACCESSION.fullmatch(accession):
        return
    files = resolve(accession, assembly)
    if len(files) > 1:
        raise InputError(f"{accession} has {len(files)} runs; a row is one of them (tfbind fetch --study lists them)")
    if row["tf"] and files[0].get("tf", row["tf"]) not in (row["tf"], ""):
        raise InputError(f"{accession} is of the TF {files[0]['tf']}, this row of {row['tf']}")
    checksum = layout.checksum_column(column)
    row[column], row[checksum] = files[0]["path"], row[checksum] or files[0]["sha256"]
    if column == "path":
        row |= {key: value for key, value in files[0].items() if not row[key]}


def write_sheet(found: Found, path: Path) -> None:
    """Write a sheet; what could not become a row stands in comments at its end, with the reason."""
    columns = config.schema("datasets")["properties"]
    required = config.schema("datasets")["required"]
    used = [name for name in columns if name in required or any(row.get(name) for row in found.rows)]
    with tables.replacing(path) as temporary, open(temporary, "w", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        remarks = [f"Written by tfbind fetch on {time.strftime('%Y-%m-%d')}. Read and correct it before use."]
        out.writerows([f"# {remark}"] for remark in [*remarks, *found.remarks])
        out.writerow(used)
        for row in found.rows:
            out.writerow([" ".join(row.get(column, "").split()) for column in used])
        if found.unread:
            out.writerow([f"# Not in this sheet ({len(found.unread)}), and why:"])
            out.writerows([f"# {what}", " ".join(why.split())] for what, why in found.unread)


def _dataset(*words: str) -> str:
    """An id of a dataset from words; a long one is cut before its last word, which tells it from others."""
    *first, last = [re.sub(r"[^A-Za-z0-9.-]+", "-", word).strip("-") for word in words if word]
    return f"{'_'.join(first)[: 63 - len(last)]}_{last}".strip("_")
