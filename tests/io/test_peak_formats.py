"""What peak callers and other tools write, read with the right coordinates, summits and scores."""

from pathlib import Path

import numpy as np
import pytest

from fixtures.reads import CHROMOSOMES, SITES
from tfbind.celltype import tracks
from tfbind.errors import InputError
from tfbind.io import peak_formats, peaks
from tfbind.io.tally import Tally
from tfbind.study import config

FIXTURES = Path(__file__).parents[1] / "fixtures"
TRUE = [(chrom, site) for chrom, sites in SITES.items() for site in sites]


def read(path, form="peaks"):
    """The peaks of a file, as rows, and what the log says of them."""
    tally = Tally()
    return peaks.read_peaks(path, form, tally), {event: reason for event, reason, _ in tally.rows}


def rows(table):
    """The first peak, coordinates and summit."""
    return table[["chrom", "start", "end", "summit"]].to_numpy().tolist()


# ------------------------------------------------------------------- written by the tools themselves (fixtures/make.sh)


def test_macs_narrow_peaks_xls_and_summits_are_the_same_peaks():
    narrow, said = read(FIXTURES / "narrow_peaks.narrowPeak", "narrowpeak")
    assert rows(narrow)[0] == ["chr1", 7863, 8141, 8013] and "read as" not in said
    assert list(zip(narrow["chrom"], narrow["summit"].round(-3), strict=True)) == TRUE
    assert (narrow["summit"] - [site for _, site in TRUE]).abs().max() <= 21
    for form in ("peaks", "bed", "narrowpeak"):  # the table is nothing else, whatever it is called
        table, said = read(FIXTURES / "narrow_peaks.xls", form)
        assert table.equals(narrow)
        assert said["read as"] == (
            "MACS's table: chr, start and end, 1-based; summit in column 5 (abs_summit), score in column 8 "
            "(fold_enrichment)"
        )
    summits, _ = read(FIXTURES / "narrow_summits.bed")
    assert summits["summit"].tolist() == narrow["summit"].tolist()
    same, said = read(FIXTURES / "narrow_peaks.narrowPeak", "peaks")
    assert same.equals(narrow) and said["read as"] == "narrowPeak by its columns: summit in column 10"


def test_macs_broad_peaks_have_no_summit_in_any_of_their_three_files():
    broad, said = read(FIXTURES / "broad_peaks.broadPeak")
    assert rows(broad)[0] == ["chr1", 7863, 8141, 8002] and broad["score"][0] == 23.2469
    assert said["read as"] == "broadPeak: no summit in it, score in column 7 (signalValue)"
    assert said["changed"] == "no summit in the file: midpoint taken"
    gapped, said = read(FIXTURES / "broad_peaks.gappedPeak")
    assert gapped.equals(broad) and "no summit" in said["read as"]
    table, said = read(FIXTURES / "broad_peaks.xls")
    assert table.equals(broad) and "1-based; no summit in it" in said["read as"]


def test_bdgpeakcall_and_hmmratac():
    found, _ = read(FIXTURES / "bdgpeakcall.narrowPeak", "narrowpeak")
    assert rows(found)[0] == ["chr1", 7868, 8136, 7868 + 145] and len(found) == len(TRUE)
    found, _ = read(FIXTURES / "hmmratac_accessible_regions.narrowPeak", "narrowpeak")
    assert rows(found)[1] == ["chr1", 7930, 8060, 7930 + 72]
    wide = found[found["end"] - found["start"] >= 100]
    assert list(zip(wide["chrom"], wide["summit"].round(-3), strict=True)) == TRUE


@pytest.mark.parametrize("name", ["epic2.bed", "epic2_control.bed"])
def test_epic2(name):
    found, said = read(FIXTURES / name)
    assert "read as" not in said and said["changed"] == "no summit in the file: midpoint taken"
    strong = found[found["score"] >= 1000] if name == "epic2.bed" else found  # the other reads peak at the sites, too
    for chrom, site in TRUE:
        assert ((strong["chrom"] == chrom) & (strong["start"] <= site) & (site < strong["end"] + 1)).sum() == 1


class Chromosomes:
    """The genome of the fixtures."""

    path, lengths = "genome.fa", CHROMOSOMES

    def resolve(self, chrom):
        return chrom


def test_fragments_of_snapatac2_and_sinto():
    for name, count, first in (("snapatac2.tsv.gz", 60, (8906, 8955)), ("sinto.tsv", 50, (8938, 8984))):
        tally = Tally()
        cuts = tracks.read_fragments(FIXTURES / name, Chromosomes(), tally)
        assert ("read", "fragments", count) in tally.rows and len(cuts["chr1"]) == 0
        assert len(cuts["chr2"]) == 2 * count and (cuts["chr2"][0], cuts["chr2"][count]) == first, name
        assert 8_900 <= cuts["chr2"].min() < cuts["chr2"].max() < 9_200


def test_a_bigwig_of_deeptools():
    track = tracks.track([(FIXTURES / "deeptools.bw", "bigwig")], Chromosomes())
    for chrom, sites in SITES.items():
        ends, values = track.runs(chrom)
        assert ends[-1] == CHROMOSOMES[chrom]
        at = values[np.searchsorted(ends, sites, side="right")]
        assert at.min() > 20 * np.median(values)


# ----------------------------------------------------------- after the documentation of tools that are not in fixtures/

NARROW = "chr1\t100\t300\tp\t900\t.\t7.5\t3.0\t2.0\t30\n"
CASES = {
    "idr": (NARROW[:-1] + "\t3.1\t2.9\t100\t300\t4.0\t32\t100\t300\t5.1\t28\n", 100, 300, 130, 7.5, "in column 10"),
    "idr_broad": (
        "chr1\t100\t300\t.\t900\t.\t7.5\t-1\t2.0\t3.1\t2.9\t100\t300\t4.0\t100\t300\t5.1\n",
        100, 300, 200, 7.5, "no summit",
    ),
    "homer": (
        "# HOMER Peaks\n# total peaks = 1\n#\n"
        "#PeakID\tchr\tstart\tend\tstrand\tNormalized Tag Count\tfocus ratio\tfindPeaks Score\n"
        "chr1-1\tchr1\t101\t300\t+\t35.2\t0.9\t30.1\n", 100, 300, 200, 35.2, "1-based; summit in the middle"
    ),
    "homer_positions": ("p1\tchr1\t101\t300\t0\n", 100, 300, 200, None, "1-based; summit in the middle"),
    "homer_annotated": (
        "PeakID (cmd=annotatePeaks.pl x hg38)\tChr\tStart\tEnd\tStrand\tPeak Score\tAnnotation\n"
        "p1\tchr1\t101\t300\t+\t12.5\tIntergenic\n", 100, 300, 200, 12.5, "score in column 6"
    ),
    "seacr": ("chr1\t100\t300\t5000.5\t90.1\tchr1:120-140\n", 100, 300, 130, 5000.5, "region of column 6"),
    "seacr_one_base": ("chr1\t100\t300\t5000.5\t90.1\tchr1:299-300\n", 100, 300, 299, 5000.5, "region of column 6"),
    "gem": (
        "Position\t     IP\tControl\t   Fold\tExpectd\tQ_-lg10\n" "chr1:131\t  496.8\t    7.4\t   67.1\t2.1\t129.052\n",
        130, 131, 130, 496.8, "events of GEM or ChExMix: summit in column 1, 1-based",
    ),
    "chexmix": (
        "### ChExMix output\n#Condition\tName\tIndex\n#Condition\tx\t0\n#\n#Point\tx_Sig\tx_Ctrl\tx_log2Fold\n"
        "chr1:131\t230.0\t1.0\t7.8\tchr1:133:+\n", 130, 131, 130, 230, "score in column 2",
    ),
    "sicer": ("chr1\t100\t299\t50\t4\t1e-9\t7.25\t1e-8\n", 100, 299, 199, 7.25, "no summit, score in column 7"),
    "lanceotron": (
        "chrom\tstart\tend\toverall_peak_score\tshape_score\tenrichment_score\tmax_coverage_position\tregion_id\n"
        "chr1\t100\t300\t0.98\t0.91\t0.77\t130\t1\n", 100, 300, 130, 0.98, "column 7 (max_coverage_position)"
    ),
    "lanceotron_with_input": (
        "chrom\tstart\tend\toverall_peak_score\tshape_score\tenrichment_score\tpvalue_input\tmax_coverage_position\n"
        "chr1\t100\t300\t0.98\t0.91\t0.77\t100.0\t130\n", 100, 300, 130, 0.98, "column 8 (max_coverage_position)"
    ),
    "lanceotron_without_header": (
        "chr1\t100\t300\t0.98\t0.91\t0.77\t130\t1\t100.0\n", 100, 300, 130, 0.98, "summit in column 7"
    ),
    "macs_1.4": (
        "# This file is generated by MACS version 1.4.2\n"
        "chr\tstart\tend\tlength\tsummit\ttags\t-10*log10(pvalue)\tfold_enrichment\tFDR(%)\n"
        "chr1\t101\t300\t200\t31\t50\t300.1\t7.5\t0.0\n", 100, 300, 130, 7.5, "summit in column 5"
    ),
    "data_frame_of_r": (
        '"seqnames"\t"start"\t"end"\t"width"\t"strand"\t"score"\n"chr1"\t101\t300\t200\t"*"\t8\n',
        100, 300, 200, 8, "1-based",
    ),
    "no_strand": ("chr1\t100\t300\tname\t7\tx\n", 100, 300, 200, None, "column 6 is not a strand in any row"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", ["bed", "peaks"])
def test_each_layout_whatever_it_is_called(name, form, tmp_path):
    content, start, end, summit, score, about = CASES[name]
    (tmp_path / "a.bed").write_text(content)
    found, said = read(tmp_path / "a.bed", form)
    assert rows(found) == [["chr1", start, end, summit]]
    assert found["score"].isna().all() if score is None else found["score"].tolist() == [score]
    assert about in said["read as"]


def test_the_peaks_of_ibis_have_their_summits_and_their_header_may_stand_amid_them(tmp_path):
    names = "#CHROM\tSTART\tEND\tabs_summit\tpileup\t-log10(pvalue)\tfold_enrichment\t-log10(qvalue)\tname"
    header = f"{names} \t supporting_peakcallers\n"
    row = "chr{}\t100\t300\t130\t33\t12.5\t7.5\t9.1\tMACS_1\tcpics,gem\n"
    (tmp_path / "a.peaks").write_text(header + row.format(1) + header + row.format(2))
    found, said = read(tmp_path / "a.peaks")
    assert rows(found) == [["chr1", 100, 300, 130], ["chr2", 100, 300, 130]] and found["score"].tolist() == [7.5, 7.5]
    assert "0-based; summit in column 4 (abs_summit), score in column 7" in said["read as"]


def test_bed_and_narrowpeak_stay_what_they_were(tmp_path):
    """No word in the log, and the midpoint or column 10, where nothing else is told."""
    plain = {
        "gopeaks": ("chr1\t100\t300\n", "peaks", 200),
        "genrich": ("chr1\t100\t300\tpeak_0\t1000\t.\t812.5\t9.1\t-1\t30\n", "narrowpeak", 130),
        "bed6": ("track name=x\nbrowser position chr1:1-9\nchr1\t100\t300\tn\t5\t+\n", "peaks", 200),
        "bed9": ("chr1\t100\t300\tn\t5\t+\t110\t290\t0,0,255\n", "peaks", 200),
        "bed12": ("chr1\t100\t300\tn\t5\t+\t110\t290\t0\t1\t200,\t0,\n", "peaks", 200),
        "header": ("chrom\tstart\tend\tname\nchr1\t100\t300\tn\n", "bed", 200),
        "header_after_comments": ("# x\n#chrom\tstart\tend\nchr1\t100\t300\n", "peaks", 200),
        "star": ("chr1\t100\t300\tn\t5\t*\n", "peaks", 200),
    }
    for name, (content, form, summit) in plain.items():
        (tmp_path / "a.bed").write_text(content)
        found, said = read(tmp_path / "a.bed", form)
        assert rows(found) == [["chr1", 100, 300, summit]] and "read as" not in said, name


def test_one_base_is_its_own_summit(tmp_path):
    """ChExMix's BED and MACS's summits: nothing was guessed."""
    (tmp_path / "a.bed").write_text(
        "track name=ChExMix-x\nchr1\t454120\t454121\tChExMix\t90\nchr2\t7\t8\tChExMix\t80\n"
    )
    found, said = read(tmp_path / "a.bed", "bed")
    assert rows(found) == [["chr1", 454120, 454121, 454120], ["chr2", 7, 8, 7]] and "changed" not in said
    assert found["score"].tolist() == [90, 80]


def test_a_file_that_is_said_to_be_bed_keeps_its_midpoints_and_the_log_says_what_is_lost(tmp_path):
    (tmp_path / "a.bed").write_text(NARROW)
    found, said = read(tmp_path / "a.bed", "bed")
    assert rows(found) == [["chr1", 100, 300, 200]] and "no summit taken from column 10" in said["read as"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "p1\tchr1\t101\t300\t+\n" * 3 + "p2\tchr1\t0\t300\t+\np3\tchr1\t7\n",
            ["4: start 0 is below 1", "5: 3 column(s)"],
        ),
        (2 * (NARROW[:-1] + "\t1" * 10 + "\n") + NARROW, ["a.bed:3: 10 column(s) where IDR has 20"]),
        ("chr1\t1\t9\t1\t2\tchr1:2-4\n" * 2 + "chr1\t1\t9\t1\t2\t.\n", ["a.bed:3: not the six columns of SEACR"]),
        (
            "Position\tIP\nchr1:5\t9\nchr1:0\t9\nchr1:7\tx\nchr1\t8\n",
            ["a.bed:3: base 0 is below 1", "a.bed:4: signalValue 'x'", "a.bed:5: not an event of GEM or ChExMix"],
        ),
        ("chr1\t1\t9\tn\t2\t+\nchr1\t1\t9\tn\t2\tx\n", ["a.bed:2: strand 'x' is none of"]),
    ],
)
def test_rows_that_do_not_fit_the_others_are_refused_with_their_lines(content, words, tmp_path):
    (tmp_path / "a.bed").write_text(content)
    with pytest.raises(InputError) as error:
        read(tmp_path / "a.bed")
    assert all(word in str(error.value) for word in words), str(error.value)


def test_what_a_name_says(tmp_path):
    names = {
        "a.narrowPeak": "narrowpeak", "a.bed": "peaks", "a.bed.gz": "peaks", "a.broadPeak": "peaks", "a.txt": "peaks",
        "a.gappedPeak.gz": "peaks", "a_peaks.xls": "peaks", "ENCFF000AAA.fa": "fasta", "regions": "peaks",
    }  # fmt: skip
    (tmp_path / "g.fa").write_text(">chr1\nA\n")
    lines = ["dataset\ttf\tassay\tpath\tgenome"]
    for i, name in enumerate(names):
        (tmp_path / name).write_text("")
        lines.append(f"d{i}\tMAX::MYC\tchipseq\t{name}\tg")
    (tmp_path / "s.tsv").write_text("\n".join(lines) + "\n")
    study = {
        "datasets": str(tmp_path / "s.tsv"),
        "genomes": {"g": {"fasta": str(tmp_path / "g.fa")}},
        "negatives": {"n": {"kind": "dinucleotide"}},
        "models": {"m": {"kind": "composition"}},
    }
    loaded = config.load(study)
    assert [row["format"] for row in loaded.datasets.values()] == list(names.values())
    (tmp_path / "s.tsv").write_text("dataset\ttf\tassay\tpath\nd\tA\tchipseq\tOdd.Name\n")
    (tmp_path / "Odd.Name").write_text("")
    with pytest.raises(
        InputError, match=r"cannot be recognised by the name 'Odd\.Name'; write one of narrowpeak, bed, peaks"
    ):
        config.load(study)


def test_names_with_and_without_chr():
    assert peak_formats.with_or_without_chr(["chr1", "chrX", "chrM"]) == {
        "1": "chr1", "X": "chrX", "M": "chrM", "MT": "chrM", "chrMT": "chrM",
    }  # fmt: skip
    assert peak_formats.with_or_without_chr(["1", "MT", "chr1"]) == {"chrMT": "MT", "chrM": "MT", "M": "MT"}
