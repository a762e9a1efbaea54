"""ENCODE and ENA as a local server that answers in their shapes. All accessions here are invented."""

import gzip
import hashlib
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import Reply
from tfbind import cli
from tfbind.archives import accessions as archives_accessions
from tfbind.archives import encode as archive_encode
from tfbind.archives.accessions import resolve
from tfbind.archives.ena import FIELDS, ena_row, ena_sheet, read_name
from tfbind.archives.encode import encode_peaks, encode_search
from tfbind.errors import InputError, ResourceError
from tfbind.study import config
from tfbind.study.read_sheets import read_sheet

PEAKS = gzip.compress(b"chr1\t100\t200\t.\t0\t.\t1\t-1\t-1\t50\n")
READS = gzip.compress(b"@a\nACGT\n+\nIIII\n")
MD5 = {name: hashlib.md5(body).hexdigest() for name, body in {"peaks": PEAKS, "reads": READS}.items()}


def peak_file(accession, **other):
    return {
        "@id": f"/files/{accession}/",
        "@type": ["File", "Item"],
        "accession": accession,
        "assembly": "GRCh38",
        "dataset": "/experiments/ENCSR999AAA/",
        "file_format": "bed",
        "file_format_type": "narrowPeak",
        "file_type": "bed narrowPeak",
        "href": f"/files/{accession}/@@download/{accession}.bed.gz",
        "md5sum": MD5["peaks"],
        "output_type": "IDR thresholded peaks",
        "status": "released",
        **other,
    }


def experiment(accession="ENCSR999AAA", files=(), **other):
    return {
        "@id": f"/experiments/{accession}/",
        "@type": ["Experiment", "Dataset", "Item"],
        "accession": accession,
        "assay_title": "TF ChIP-seq",
        "biosample_ontology": {"term_name": "HepG2", "classification": "cell line"},
        "biosample_summary": "HepG2",
        "files": list(files),
        "lab": {"title": "Some Body, HAIB"},
        "status": "released",
        "target": {"label": "USF1"},
        **other,
    }


@pytest.fixture
def encode(web, monkeypatch):
    """A function that makes the local server answer for ENCODE objects, and their downloads."""
    monkeypatch.setenv("TFBIND_ENCODE", web.url)
    monkeypatch.setattr(archives_accessions.time, "sleep", lambda seconds: None)

    def answer(*items, **at):
        for item in items:
            web.serve(item["@id"], json.dumps(item).encode())
            for file in (*item.get("files", ()), item):
                if "href" in file:
                    web.serve(file["href"], PEAKS)
        for accession, item in at.items():  # another accession that leads to the same object
            kind = "experiments" if accession.startswith("ENCSR") else "files"
            web.serve(f"/{kind}/{accession}/", Reply(status=301, headers={"Location": item["@id"]}))

    return answer


def search(web, *accessions, total=None):
    graph = [{"@id": f"/experiments/{a}/", "accession": a, "status": "released"} for a in accessions]
    body = json.dumps({"@graph": graph, "total": len(graph) if total is None else total}).encode()
    web.serve("/search/", Reply(body, status=200 if graph else 404))


def test_the_preferred_peaks_of_an_experiment_become_a_row(encode, web):
    other = peak_file("ENCFF999BBB", output_type="conservative IDR thresholded peaks")
    ranked = peak_file("ENCFF999CCC", output_type="IDR ranked peaks", preferred_default=True)
    lifted = peak_file("ENCFF999DDD", assembly="hg19", preferred_default=True)
    flags = {"WARNING": [{"category": "low read depth"}] * 2, "ERROR": [{"category": "missing control"}]}
    encode(experiment(files=[other, ranked, lifted, peak_file("ENCFF999AAA", preferred_default=True)], audit=flags))
    assert resolve("ENCSR999AAA", "GRCh38") == [
        {
            "dataset": "USF1_HepG2_ENCSR999AAA",
            "tf": "USF1",
            "assay": "chipseq",
            "path": f"{web.url}/files/ENCFF999AAA/@@download/ENCFF999AAA.bed.gz",
            "sha256": f"md5:{MD5['peaks']}",
            "format": "narrowpeak",
            "genome": "GRCh38",
            "cell": "HepG2",
            "lab": "Some Body, HAIB",
            "accession": "ENCSR999AAA ENCFF999AAA",
            "note": "audit ERROR: missing control; audit WARNING: low read depth",
        }
    ]


def test_preference_is_encodes_then_the_better_output_type():
    better, worse = peak_file("ENCFF999AAA"), peak_file("ENCFF999BBB", output_type=archive_encode.PEAKS[2])
    assert encode_peaks(experiment(files=[worse, better]), "GRCh38") is better
    preferred = worse | {"preferred_default": True}
    assert encode_peaks(experiment(files=[better, preferred]), "GRCh38") is preferred


def test_two_equal_files_are_not_chosen_between():
    files = [peak_file("ENCFF999BBB"), peak_file("ENCFF999AAA")]
    with pytest.raises(InputError, match=r"2 files .* equally well.*ENCFF999AAA.*ENCFF999BBB"):
        encode_peaks(experiment(files=files), "GRCh38")


def test_what_there_is_is_said_where_nothing_fits():
    files = [peak_file("ENCFF999AAA", assembly="hg19"), peak_file("ENCFF999BBB", status="archived")]
    with pytest.raises(InputError, match=r"no released .* GRCh38; .*ENCFF999AAA.*hg19.*ENCFF999BBB.*archived"):
        encode_peaks(experiment(files=files), "GRCh38")
    with pytest.raises(InputError, match="no narrowPeak file"):
        encode_peaks(experiment(), "GRCh38")


def test_an_experiment_needs_an_assembly(encode):
    with pytest.raises(InputError, match="--assembly"):
        resolve("ENCSR999AAA")


def test_a_file_takes_cell_and_laboratory_from_its_experiment(encode):
    encode(peak_file("ENCFF999AAA", lab={"title": "the pipeline"}), experiment(biosample_summary="HepG2 edited"))
    (row,) = resolve("ENCFF999AAA")
    assert (row["tf"], row["cell"], row["lab"]) == ("USF1", "HepG2", "Some Body, HAIB")
    assert row["note"] == "HepG2 edited"


@pytest.mark.parametrize("status", ["archived", "revoked"])
def test_a_withdrawn_file_is_refused_with_what_to_take_instead(encode, status):
    newer = ["/files/ENCFF999ZZZ/"]
    encode(peak_file("ENCFF999AAA", status=status), peak_file("ENCFF999BBB", status=status, superseded_by=newer))
    encode(experiment())
    with pytest.raises(InputError, match=f"{status}; name ENCSR999AAA instead.*md5:{MD5['peaks']}"):
        resolve("ENCFF999AAA")
    with pytest.raises(InputError, match=f"{status}, superseded by ENCFF999ZZZ; name ENCFF999ZZZ"):
        resolve("ENCFF999BBB")


def test_a_revoked_experiment_is_refused(encode):
    encode(experiment(files=[peak_file("ENCFF999AAA")], status="revoked", superseded_by=["/experiments/ENCSR999ZZZ/"]))
    with pytest.raises(InputError, match="ENCSR999AAA is revoked, superseded by ENCSR999ZZZ"):
        resolve("ENCSR999AAA", "GRCh38")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"assembly": "hg19"}, "assembly hg19, wanted is GRCh38"),
        ({"file_format": "bam"}, "not peaks"),
        ({"href": ""}, "no download"),
        ({"restricted": True}, "no download"),
    ],
)
def test_a_file_that_is_something_else_is_refused(encode, other, words):
    encode(peak_file("ENCFF999AAA", **other), experiment())
    with pytest.raises(InputError, match=words):
        resolve("ENCFF999AAA", "GRCh38")


def test_a_replaced_accession_leads_to_the_new_one_and_both_are_recorded(encode):
    new = experiment("ENCSR999NEW", [peak_file("ENCFF999AAA")], alternate_accessions=["ENCSR999QLD"])
    encode(new, ENCSR999QLD=new)
    (row,) = resolve("ENCSR999QLD", "GRCh38")
    assert row["note"] == "asked for ENCSR999QLD, ENCODE answers with ENCFF999AAA ENCSR999NEW"


@pytest.mark.parametrize(("status", "words"), [(404, "knows no such object"), (403, "does not show it")])
def test_an_accession_that_encode_does_not_show(encode, web, status, words):
    web.serve("/files/ENCFF999AAA/", Reply(b'{"status": "error"}', status=status))
    with pytest.raises(InputError, match=f"ENCFF999AAA.*{words}"):
        resolve("ENCFF999AAA")


def test_a_page_instead_of_json_is_no_bug_of_ours(encode, web):
    web.serve("/files/ENCFF999AAA/", b"<html>maintenance")
    with pytest.raises(ResourceError, match="expected JSON"):
        resolve("ENCFF999AAA")


def test_a_download_elsewhere_is_refused(encode):
    encode(peak_file("ENCFF999AAA", href="https://elsewhere.example/x.bed.gz"), experiment())
    with pytest.raises(InputError, match=r"elsewhere\.example is not allowed"):
        resolve("ENCFF999AAA")


def test_a_search_lists_what_it_could_not_use(encode, web):
    search(web, "ENCSR999BBB", "ENCSR999AAA", total=3)
    encode(experiment("ENCSR999AAA", [peak_file("ENCFF999AAA")]), experiment("ENCSR999BBB"))
    found = encode_search("USF1", "GRCh38")
    assert [row["accession"] for row in found.rows] == ["ENCSR999AAA ENCFF999AAA"]
    assert [what for what, _ in found.unread] == ["ENCSR999BBB", "USF1"]
    assert "3 experiments and listed 2" in found.unread[1][1]
    asked = parse_qs(urlsplit(web.asked[0][0]).query)
    assert asked["target.label"] == ["USF1"] and asked["assembly"] == ["GRCh38"] and asked["limit"] == ["all"]
    assert asked["status"] == ["released"] and asked["assay_title"] == ["TF ChIP-seq"]


def test_a_search_without_a_hit_is_a_404_and_no_fault(encode, web):
    search(web)
    assert "no released TF ChIP-seq of GRCh38" in encode_search("NOTATF", "GRCh38").unread[0][1]


# ------------------------------------------------------------------------------------------------------------- ENA


def run(accession, name="", **other):
    where = f"127.0.0.1/vol1/fastq/{accession[:6]}/{accession}/{accession}.fastq.gz"
    return {
        "run_accession": accession,
        "study_accession": "PRJEB999999",
        "sample_alias": name,
        "sample_title": name,
        "library_name": "unspecified",
        "center_name": "Some Institute",
        "fastq_ftp": where,
        "fastq_md5": MD5["reads"],
        "submitted_ftp": f"127.0.0.1/vol1/run/{accession[:6]}/{accession}/{name}.fastq.gz" if name else "",
        "submitted_md5": "f" * 32 if name else "",
        **other,
    }


def report(records):
    return "\n".join(["\t".join(FIELDS), *("\t".join(r[f] for f in FIELDS) for r in records), ""])


@pytest.fixture
def ena(web, monkeypatch):
    """A function that makes the local server answer with these runs, and their files."""
    monkeypatch.setenv("TFBIND_ENA", f"{web.url}/ena/portal/api")

    def answer(*records):
        here = web.url.removeprefix("http://")
        moved = [{k: v.replace("127.0.0.1", here) for k, v in record.items()} for record in records]
        web.serve("/ena/portal/api/filereport", report(moved).encode())
        for record in records:
            web.serve(record["fastq_ftp"].removeprefix("127.0.0.1"), READS)

    return answer


def test_a_run_becomes_a_row_with_enas_fastq_and_the_submitted_name(ena, web):
    ena(run("ERR999991", "GATA3_TGTCGT20NGA_AC_2"))
    (row,) = resolve("ERR999991")
    assert row["path"] == f"{web.url}/vol1/fastq/ERR999/ERR999991/ERR999991.fastq.gz"
    assert row["sha256"] == f"md5:{MD5['reads']}" and row["format"] == "fastq"
    assert row["note"] == "submitted as GATA3_TGTCGT20NGA_AC_2"
    asked = parse_qs(urlsplit(web.asked[0][0]).query)
    assert asked["accession"] == ["ERR999991"] and asked["result"] == ["read_run"] and asked["limit"] == ["0"]
    assert {"submitted_ftp", "fastq_md5"} <= set(asked["fields"][0].split(","))


def test_the_submitted_file_stands_in_where_ena_made_no_fastq():
    row = ena_row(run("ERR999991", "a b#1", fastq_ftp="", fastq_md5=""))
    assert row["path"].endswith("/a%20b%231.fastq.gz") and row["sha256"] == f"md5:{'f' * 32}"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"fastq_ftp": "h/a_1.fastq.gz;h/a_2.fastq.gz"}, r"2 files \(a_1.fastq.gz, a_2.fastq.gz\)"),
        ({"fastq_ftp": "", "submitted_ftp": "h/a.bam"}, "no FASTQ of it, only a.bam"),
        ({"fastq_ftp": "", "submitted_ftp": ""}, "no FASTQ of it$"),
    ],
)
def test_a_run_without_one_file_of_reads_is_refused(other, words):
    with pytest.raises(InputError, match=words):
        ena_row(run("ERR999991", "x", **other))


def test_a_missing_md5_is_said():
    row = ena_row(run("ERR999991", "x", fastq_md5=""))
    assert row["sha256"] == "" and "no MD5" in row["note"]


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(status=204), InputError, "no public run"),
        (Reply(("\t".join(FIELDS) + "\n").encode()), InputError, "no public run"),
        (Reply(b"Invalid accession provided.", status=400), InputError, "Invalid accession"),
        (Reply(b"<html>maintenance"), ResourceError, "expected a file report"),
        (Reply(b"run_accession\tfastq_ftp\nERR1\tx\n"), ResourceError, "lacks the column"),
    ],
)
def test_what_ena_says_instead_of_a_report(ena, web, reply, error, words):
    web.serve("/ena/portal/api/filereport", reply)
    with pytest.raises(error, match=words):
        resolve("PRJEB999999")


# Names as they stand in public lists of these studies.
@pytest.mark.parametrize(
    ("profile", "name", "expected"),
    [
        ("jolma2013", "NOTO_TGCGTT30NTGC_AI_1", "NOTO TGCGTT30NTGC AI 1"),
        ("jolma2013", "Alx1_TAAAGC20NCG_Z_4", "Alx1 TAAAGC20NCG Z 4"),
        ("jolma2013", "CTCF_full_AJ_TAGCGA20NGCT_3", "CTCF TAGCGA20NGCT AJ 3"),
        ("jolma2013", "Alx4_ESP_TGGTAG20NCG_1", "Alx4 TGGTAG20NCG ESP 1"),
        ("jolma2013", "ZeroCycle_ES0_TGTCGT20NGA_0", " TGTCGT20NGA ES0 0"),
        ("jolma2015", "NFATC4_HOXA1_3_AAE_TGAACG40NCAA", "NFATC4_HOXA1 TGAACG40NCAA AAE 3"),
        ("jolma2015", "ELF1_htSELEX_3_YLIII_TTCATT40NTAT", "ELF1 TTCATT40NTAT YLIII 3"),
        ("yin2017", "YY2_FL_1_KV_TAGAGA40NCGC", "YY2 TAGAGA40NCGC KV 1"),
        ("yin2017", "ALX3_eDBD_2_KO_TGCTCC40NCCG", "ALX3 TGCTCC40NCCG KO 2"),
        ("codebook", "LEF1_R0_C1_lf5ACGACGCTCTTCCGATCTAT_rf3AGCCTCAGATCGGAAGAGCA", "LEF1   1"),
        (
            "codebook",
            "ZNF770.FL@HTS.Lys@AAT_A_GG40NGTGAGA.C3.5ACGACGCTCTTCCGATCTGG.3GTGAGAAGATCGGAAGAGCA@Reads.freaky.Train",
            "ZNF770 GG40NGTGAGA AAT_A 3",
        ),
    ],
)
def test_a_profile_reads_the_names_of_its_study(profile, name, expected):
    said = read_name(run("ERR999991", name), profile)
    assert " ".join(said[key] for key in ("tf", "ligand", "batch", "cycle")) == expected


def test_in_nitta_2015_the_tf_is_the_library_and_the_name_begins_with_the_batch():
    said = read_name(run("ERR999991", "AR_TCGCAA40NTGT_1", library_name="Sox100B"), "nitta2015")
    assert (said["tf"], said["batch"], said["cycle"]) == ("Sox100B", "AR", "1")
    with pytest.raises(InputError, match="library_name holds no name of a TF"):
        read_name(run("ERR999991", "AR_TCGCAA40NTGT_1", library_name=""), "nitta2015")


def test_notes_tell_what_no_column_can():
    def note(name, profile, **other):
        return read_name(run("ERR999991", name, **other), profile)["note"]

    assert "CAP-SELEX" in note("NFATC4_HOXA1_3_AAE_TGAACG40NCAA", "jolma2015")
    assert note("YY2_FL_1_KV_TAGAGA40NCGC", "yin2017", sample_title="mHT-SELEX sample YY2_FL") == "clone FL; mHT-SELEX"
    assert "does not say which kind" in note("YY2_FL_1_KV_TAGAGA40NCGC", "yin2017")
    assert "flanks ACGA and AGCC" in note("LEF1_R0_C1_lf5ACGA_rf3AGCC", "codebook")


@pytest.mark.parametrize(
    ("profile", "name", "words"),
    [
        ("jolma2013", "NOTO_TGCGTT30NTGC_AI_3b1", "cycle '3b1' is not a number"),
        ("jolma2013", "NOTO_AI_1", "does not fit the profile jolma2013"),
        ("jolma2013", "YY2_FL_1_KV_TAGAGA40NCGC", "does not fit"),
        ("jolma2013", "", "no submitted name"),
        ("yin2017", "YY2_FL_Bis_3_KAM_40NATATAATATTATTTATAATAAA", "bisulfite"),
        ("codebook", "ZNF770.FL@GHTS.Lys@A.C3.5ACG.3GTG@Reads.x", "another assay"),
    ],
)
def test_a_name_that_does_not_fit_is_never_guessed_at(profile, name, words):
    with pytest.raises(InputError, match=words):
        read_name(run("ERR999991", name), profile)


def test_a_study_gives_rows_with_their_cycle_0_and_reasons_for_the_rest():
    zero = "ZeroCycle_ES0_TGTCGT20NGA_0"
    found = ena_sheet(
        [
            run("ERR999991", "GATA3_TGTCGT20NGA_AC_2"),
            run("ERR999992", "GATA3_TAAAAA20NGA_AC_1"),
            run("ERR999993", zero),
            run("ERR999994", "Gata3_TGTCGT20NGA_AC_1"),
            run("ERR999995", "odd"),
            run("ERR999996", "ELK1_TGTCGT20NGA_AC_1"),
        ],
        "jolma2013",
        ["GATA3", "USF1"],
    )
    one, two = found.rows
    assert [row["accession"] for row in found.rows] == ["ERR999992", "ERR999991"]
    assert two["dataset"] == "GATA3_AC_TGTCGT20NGA_C2_ERR999991"
    assert two["input_path"].endswith("ERR999993.fastq.gz") and two["input_sha256"] == f"md5:{MD5['reads']}"
    assert "input_path" not in one and "no cycle 0" in one["note"]
    assert dict(found.unread) == {
        "ERR999995 odd": "the name does not fit the profile jolma2013",
        "USF1": "no run of this TF that could be read",
    }
    assert found.remarks == ["2 runs of 2 other TFs are left out", "GATA3: Gata3 differs in case, as a TF of another "
                             "species does"]  # fmt: skip


def test_of_several_cycles_0_the_batch_decides_or_a_person():
    runs = [run("ERR999993", "ZeroCycle_AC_TGTCGT20NGA_0"), run("ERR999994", "ZeroCycle_AD_TGTCGT20NGA_0")]
    rows = ena_sheet(
        [run("ERR999991", "GATA3_TGTCGT20NGA_AC_2"), run("ERR999992", "USF1_TGTCGT20NGA_Z_2"), *runs], "jolma2013"
    ).rows
    assert rows[0]["input_path"].endswith("ERR999993.fastq.gz")
    assert "input_path" not in rows[1] and "choose the cycle 0" in rows[1]["note"] and "ERR999994" in rows[1]["note"]


# ---------------------------------------------------------------------------------------------------- the command


def tfbind(monkeypatch, *arguments):
    """Run the command in this process; its exit code."""
    monkeypatch.setattr(cli.sys, "argv", ["tfbind", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0


def sheet(path):
    rows, faults = read_sheet(path)
    assert faults == []
    return [row for _, row in rows]


def test_fetch_writes_a_sheet_that_is_valid_and_a_person_can_read(encode, ena, web, tmp_path, monkeypatch, capsys):
    search(web, "ENCSR999AAA", "ENCSR999BBB")
    encode(experiment(files=[peak_file("ENCFF999AAA")]), experiment("ENCSR999BBB"))
    ena(run("ERR999991", "USF1_TGTCGT20NGA_AC_2"), run("ERR999993", "ZeroCycle_ES0_TGTCGT20NGA_0"), run("ERR999995"))
    options = ["--tf", "USF1", "--assembly", "GRCh38", "--study", "PRJEB999999", "--profile", "jolma2013"]
    assert tfbind(monkeypatch, "fetch", *options, "--out", tmp_path / "d.tsv") == 0
    assert "2 rows; 2 could not be read" in capsys.readouterr().out
    rows = sheet(tmp_path / "d.tsv")
    assert [(row["tf"], row["assay"], row["cycle"]) for row in rows] == [
        ("USF1", "chipseq", ""),
        ("USF1", "htselex", "2"),
    ]
    text = (tmp_path / "d.tsv").read_text()
    assert text.startswith("# Written by tfbind fetch") and "# Not in this sheet (2), and why:" in text
    assert "# ENCSR999BBB\tno released IDR thresholded peaks" in text and "# ERR999995\tENA tells no" in text
    (tmp_path / "g.fa").write_text(">chr1\nACGT\n")
    (tmp_path / "c.yaml").write_text(
        "datasets: d.tsv\ngenomes: {GRCh38: {fasta: g.fa}}\nnegatives: {n: {kind: dinucleotide}}\n"
        "models: {m: {kind: deepbind}}\n"
    )
    study = config.load(tmp_path / "c.yaml")
    assert len(study.downloads()) == 3

    again = tfbind(monkeypatch, "fetch", *options, "--out", tmp_path / "d.tsv")
    assert again == 2 and "somebody may have corrected it" in capsys.readouterr().err


def test_fetch_says_why_there_is_no_sheet(ena, tmp_path, monkeypatch, capsys):
    ena(run("ERR999995", "odd"))
    options = ["--study", "PRJEB999999", "--profile", "jolma2013", "--out", tmp_path / "d.tsv"]
    assert tfbind(monkeypatch, "fetch", *options) == 2
    assert "ERR999995 odd: the name does not fit" in capsys.readouterr().err and not (tmp_path / "d.tsv").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tf", "USF1"], "say where to look"),
        (["--study", "PRJEB999999"], "--profile"),
        (["--study", "PRJEB999999", "--profile", "jolma13"], "'jolma13'.*jolma2013"),
        (["--tf", "USF1", "x"], "leave out"),
        ([], "name accessions"),
        (["ENCFF12"], "no file, no URL and no accession"),
    ],
)
def test_fetch_explains_itself(web, monkeypatch, capsys, options, words):
    assert tfbind(monkeypatch, "fetch", *options) == 2
    assert re.search(words, capsys.readouterr().err)


def test_fetch_resolves_a_sheet_and_keeps_what_a_person_wrote(encode, ena, tmp_path, monkeypatch):
    encode(experiment(files=[peak_file("ENCFF999AAA")]), peak_file("ENCFF999BBB"))
    ena(run("ERR999991", "USF1_TGTCGT20NGA_AC_2"))
    (tmp_path / "own.fa").write_text(">a\nACGT\n")
    (tmp_path / "d.tsv").write_text(
        "dataset\ttf\tassay\tpath\tcell\trelaxed_path\tinput_path\n"
        "A\tUSF1\tchipseq\tENCSR999AAA\tmine\tENCFF999BBB\t\n"
        "B\tUSF1\thtselex\tERR999991\t\t\tERR999991\n"
        "C\tUSF1\tchipseq\town.fa\t\t\t\n"
    )
    out = tmp_path / "sub" / "new.tsv"
    assert tfbind(monkeypatch, "fetch", tmp_path / "d.tsv", "--assembly", "GRCh38", "--out", out) == 0
    a, b, c = sheet(out)
    assert a["dataset"] == "A" and a["cell"] == "mine" and a["lab"] == "Some Body, HAIB" and a["genome"] == "GRCh38"
    assert a["path"].endswith("ENCFF999AAA.bed.gz") and a["relaxed_path"].endswith("ENCFF999BBB.bed.gz")
    assert a["relaxed_sha256"] == f"md5:{MD5['peaks']}" and a["format"] == "narrowpeak"
    assert b["input_path"] == b["path"] and b["input_path"].endswith("ERR999991.fastq.gz")
    assert c["path"] == "../own.fa"


def test_all_faults_of_a_sheet_with_accessions_are_told_at_once(encode, ena, tmp_path, monkeypatch, capsys):
    encode(experiment(files=[peak_file("ENCFF999AAA")]))
    ena(run("ERR999991"), run("ERR999992"))
    (tmp_path / "d.tsv").write_text(
        "dataset\ttf\tassay\tpath\nA\tELK1\tchipseq\tENCSR999AAA\nB\tUSF1\thtselex\tPRJEB999999\n"
        "C\tUSF1\tchipseq\tENCFF999ZZZ\n"
    )
    assert tfbind(monkeypatch, "fetch", tmp_path / "d.tsv", "--assembly", "GRCh38") == 2
    said = capsys.readouterr().err
    assert "d.tsv:2: path: ENCSR999AAA is of the TF USF1, this row of ELK1" in said
    assert "d.tsv:3: path: PRJEB999999 has 2 runs" in said and "d.tsv:4: path: files/ENCFF999ZZZ" in said
    assert not (tmp_path / "d.resolved.tsv").exists()


def test_fetch_brings_files_once_and_works_offline_afterwards(encode, ena, web, tmp_path, monkeypatch, capsys):
    encode(experiment(files=[peak_file("ENCFF999AAA")]))
    ena(run("ERR999991"), run("ERR999992"))
    url = web.serve("/g.fa", b">a\nACGT\n")
    words = ["ENCSR999AAA", "PRJEB999999", url, tmp_path / "own.fa", "--assembly", "GRCh38", "--out", tmp_path / "o"]
    (tmp_path / "own.fa").write_text(">a\nACGT\n")
    assert tfbind(monkeypatch, "fetch", *words) == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "ENCFF999AAA.bed.gz", "ERR999991.fastq.gz", "ERR999992.fastq.gz", "g.fa",
    ]  # fmt: skip
    assert (tmp_path / "o" / "ENCFF999AAA.bed.gz").read_bytes() == PEAKS
    lines = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert lines[str(tmp_path / "o" / "ERR999991.fastq.gz")] == hashlib.sha256(READS).hexdigest()
    assert str(tmp_path / "own.fa") in lines

    web.replies.clear()
    assert tfbind(monkeypatch, "fetch", url, "--out", tmp_path / "p") == 0


def test_fetch_brings_what_it_can_and_tells_what_it_could_not(encode, web, tmp_path, monkeypatch, capsys):
    encode(experiment(files=[peak_file("ENCFF999AAA")]))
    web.serve("/files/ENCFF999AAA/@@download/ENCFF999AAA.bed.gz", b"other content")
    words = ["ENCSR999AAA", f"{web.url}/none", web.serve("/a.fa", b">a\nAC\n"), "--assembly", "GRCh38"]
    assert tfbind(monkeypatch, "fetch", *words, "--out", tmp_path / "o") == 4
    said = capsys.readouterr().err
    assert "not the file expected: MD5 is" in said and "/none: cannot be fetched" in said
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["a.fa"]


def test_fetch_follows_a_redirect_only_to_a_named_host(web, tmp_path, monkeypatch):
    web.serve("/there", b"x")
    elsewhere = web.url.replace("127.0.0.1", "localhost") + "/there"
    url = web.serve("/here", Reply(status=302, headers={"Location": elsewhere}))
    assert tfbind(monkeypatch, "fetch", url, "--out", tmp_path) == 2
    assert tfbind(monkeypatch, "fetch", url, "--out", tmp_path, "--host", "localhost") == 0
