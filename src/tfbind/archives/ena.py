"""Reads of the European Nucleotide Archive, and the TF, cycle and ligand that names of submitted files give."""

import csv
import io
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from tfbind.archives import rows
from tfbind.errors import InputError, ResourceError
from tfbind.io import download

#: Fields of each run that ENA is asked for.
FIELDS = (
    "run_accession", "study_accession", "sample_alias", "sample_title", "library_name", "center_name",
    "fastq_ftp", "fastq_md5", "submitted_ftp", "submitted_md5",
)  # fmt: skip
_READS = re.compile(r"\.(fastq|fq|txt|fasta|fa)(\.gz)?$", re.IGNORECASE)


# ------------------------------------------------------------------------------------------------------------- ENA


def ena_records(report: str) -> list[rows.Row]:
    """Parse a file report of ENA's portal, tab-separated with a header: one dict for each run.

    Raises
    ------
    ResourceError
        A column of `FIELDS` is missing.
    """
    lines = csv.DictReader(io.StringIO(report), delimiter="\t", quoting=csv.QUOTE_NONE)
    records = [{key: value or "" for key, value in line.items() if key} for line in lines]
    missing = [name for name in FIELDS if records and name not in records[0]]
    if missing:
        raise ResourceError(f"ENA's file report lacks the column(s) {', '.join(missing)}; has the interface changed?")
    return records


def ena_row(record: rows.Row) -> rows.Row:
    """Make the row of a sheet for one run from ENA's record: its reads, their MD5 and the submitted name.

    ENA's own FASTQ is taken if there is one, since its format is certain; otherwise the submitted file.

    Parameters
    ----------
    record : dict
        A run, from `ena_records`.

    Returns
    -------
    dict
        Column -> text; `sha256` is '' if ENA gives no MD5, and `note` says so. TF and cycle are missing (`read_name`).

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
        "path": f"{urlsplit(ena()).scheme}://{quote(re.sub(r'^[a-z]+://', '', files[0]), safe='/:')}",
        "sha256": f"md5:{sums[0]}" if checked else "",
        "format": "fasta" if re.search(r"\.(fasta|fa)(\.gz)?$", files[0], re.IGNORECASE) else "fastq",
        "lab": record["center_name"],
        "accession": run,
        "note": (f"submitted as {name}" if name else "") + ("" if checked else "; ENA states no MD5"),
    }


def submitted_name(record: rows.Row) -> str:
    """Name of the file that was submitted for a run, without its suffix; '' if ENA gives none."""
    return _READS.sub("", Path(record["submitted_ftp"].split(";")[0]).name)


class Profile(NamedTuple):
    """How the submitted file names of a study are built.

    Attributes
    ----------
    names : tuple of str
        Regular expressions, tried in turn. Their groups are the fields of a name: `tf`, `partner` (of a pair of TFs),
        `clone`, `ligand`, `batch`, `cycle`, `replicate`, `left` and `right` (flanks), `kind` (of SELEX).
    refused : dict of str to str
        Regular expression for names that the study has and tfbind cannot use -> the reason.
    tf : str
        Field of ENA's record that holds the TF, if the name does not.
    title : str
        Regular expression for the sample title, with the group `kind`, if the name does not hold the kind.
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
#: Profile -> how names are built, derived from the names in these studies.
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


def read_name(record: rows.Row, profile: str) -> rows.Row:
    """Read the columns of a sheet that the submitted name of a run gives.

    Parameters
    ----------
    record : dict
        A run, from `ena_records`.
    profile : str
        A key of `PROFILES`.

    Returns
    -------
    dict
        `tf` ('' for a cycle 0), `ligand`, `batch`, `cycle`, `replicate`, `note`; '' for a field that the name lacks.

    Raises
    ------
    InputError
        The name is missing, does not fit the profile or is of an assay that tfbind cannot use; nothing is taken from
        it.
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
        raise InputError(f"the cycle {cycle!r} is not a number")
    tf = record[rules.tf].strip() if rules.tf else said.get("tf", "")
    notes = [f"clone {said['clone']}"] if "clone" in said else []
    if said.get("partner", "htSELEX") != "htSELEX":
        tf = f"{tf}_{said['partner']}"
        notes.append("CAP-SELEX of two TFs")
    if "left" in said:  # a person has to check whether the reads contain them
        notes.append(f"flanks {said['left']} and {said['right']}: left_flank and right_flank if the reads hold them")
    if title := re.fullmatch(rules.title, record["sample_title"]) if rules.title else None:
        said |= title.groupdict()
    elif rules.title and int(cycle):
        notes.append("the sample title does not say which kind of SELEX (mHT-SELEX: methylated ligand)")
    notes += [said["kind"]] if "kind" in said else []
    if int(cycle) and not rows.ID.fullmatch(tf):
        raise InputError(f"{rules.tf or 'the name'} holds no name of a TF ({tf!r})")
    return {
        "tf": tf if int(cycle) else "",
        "ligand": said.get("ligand", ""),
        "batch": said.get("batch", ""),
        "cycle": str(int(cycle)),
        "replicate": said.get("replicate", ""),
        "note": "; ".join(notes),
    }


def ena_sheet(records: Sequence[rows.Row], profile: str, tfs: Sequence[str] = ()) -> rows.Found:
    """Make a row for each run of a study that its profile can read, with the cycle 0 of its ligand.

    Parameters
    ----------
    records : sequence of dict
        Runs of one study, or of several with the same profile, from `ena_records`.
    profile : str
        A key of `PROFILES`.
    tfs : sequence of str
        TFs to take, in the case of the names (human `ALX4` is not mouse `Alx4`); empty takes all.

    Returns
    -------
    Found
        Rows sorted by TF, batch, ligand and cycle; runs and TFs without a row, with the reason; remarks on runs of
        other TFs.
    """
    found, zeros, other = rows.Found(), defaultdict(list), Counter()
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
            row["dataset"] = rows.dataset(row["tf"], row["batch"], row["ligand"], f"C{row['cycle']}", run)
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


def _add_zero(row: rows.Row, zeros: list[rows.Row]) -> None:
    """Enter the cycle 0 of a row's ligand; if there are several or none, the note says so."""
    fit = [zero for zero in zeros if zero["batch"] == row["batch"]] if len(zeros) > 1 else zeros
    if len(fit) == 1:
        row["input_path"], row["input_sha256"] = fit[0]["path"], fit[0]["sha256"]
        note = f"cycle 0 is {fit[0]['accession']}"
    elif zeros:
        note = f"choose the cycle 0 of this ligand: {', '.join(zero['accession'] for zero in zeros)}"
    else:
        note = "no cycle 0 of this ligand found"
    row["note"] = "; ".join(filter(None, (row["note"], note)))


def ena() -> str:
    """URL of ENA's portal; `TFBIND_ENA` names another."""
    return os.environ.get("TFBIND_ENA") or "https://www.ebi.ac.uk/ena/portal/api"


def ena_ask(accession: str) -> list[rows.Row]:
    """Ask ENA for the sequencing runs of an accession.

    Returns
    -------
    list of dict
        One for each run, with the fields `FIELDS`.

    Raises
    ------
    InputError
        ENA does not know the accession or has no public run under it.
    ResourceError
        ENA cannot be reached or gives an unexpected answer.
    """
    query = {"accession": accession, "result": "read_run", "fields": ",".join(FIELDS), "format": "tsv", "limit": "0"}
    url = f"{ena()}/filereport?{urlencode(query)}"
    answer = download.ask(url)
    if answer.status in (400, 404):
        raise InputError(f"{accession}: ENA says {' '.join(answer.text.split())[:200]!r}; check the accession")
    if answer.status not in (200, 204) or answer.text.lstrip().startswith("<"):
        raise ResourceError(f"{url}: expected a file report, found status {answer.status} and {answer.text[:60]!r}")
    records = ena_records(answer.text)
    if not records:
        raise InputError(f"{accession}: ENA has no public run under this accession; check it")
    return records
