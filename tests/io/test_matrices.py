"""Files of motifs in every form that is read, small ones made by hand."""

import gzip

import numpy as np
import pytest

from tfbind.errors import InputError
from tfbind.io import matrices

#: Positions by A C G T.
COUNTS = np.array([[0, 94, 1, 2], [3, 75, 0, 19], [79, 4, 3, 11], [40, 3, 4, 50], [66, 1, 1, 29]], float)
ROWS = ["0 3 79 40 66", "94 75 4 3 1", "1 0 3 4 1", "2 19 11 50 29"]
SHARES = COUNTS / COUNTS.sum(1, keepdims=True)
MEME = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.3 C 0.2 G 0.2 T 0.3\n\n"


def columns(table, digits=0, mark="", end=""):
    """One row per position."""
    return "".join(
        (f"{i:02d}\t" if mark else "") + "\t".join(f"{value:.{digits}f}" for value in row) + end + "\n"
        for i, row in enumerate(table, 1)
    )


def lettered(form):
    return "".join(form.format(letter, row) + "\n" for letter, row in zip("ACGT", ROWS, strict=True))


FILES = {
    "brackets": (">MA0001.1 AGL3\n" + lettered("{}  [{} ]"), "AGL3", "MA0001.1", COUNTS),
    "no_brackets": (">MA0001.1\tAGL3\n" + lettered("{} {}"), "AGL3", "MA0001.1", COUNTS),
    "no_letters": (">MA0001.1 AGL3\r\n" + "\r\n".join(ROWS) + "\r\n", "AGL3", "MA0001.1", COUNTS),
    "bars": (lettered("{} | {}"), "bars", "bars", COUNTS),
    "colons": ("Hbp1\n" + lettered("{}:\t{}"), "Hbp1", "Hbp1", COUNTS),
    "plain": ("\n".join(ROWS), "plain", "plain", COUNTS),
    "another_order": ("".join(f"{b} {row}\n" for b, row in list(zip("ACGT", ROWS, strict=True))[::-1]), "another_order",
                      "another_order", COUNTS),
    "positions": ("# a comment\n>AGL3\n" + columns(COUNTS), "AGL3", "AGL3", COUNTS),
    "a_header": ("Pos\tA\tC\tG\tT\n" + "".join(f"{i}\t{line}\n" for i, line in
                 enumerate(columns(COUNTS).splitlines(), 1)), "a_header", "a_header", COUNTS),
    "shuffled_header": ("T\tG\tC\tA\n" + columns(COUNTS[:, ::-1]), "shuffled_header", "shuffled_header", COUNTS),
    "homer": (">ACCWW\tPU.1(ETS)/X/Homer\t8.06\t-23791.5\t0\tT:17311.0(44%),B:2(5%)\n" + columns(SHARES, 3), "PU.1",
              "PU.1(ETS)/X/Homer", SHARES * matrices.SITES),
    "transfac": ("VV  TABLE\nXX\n//\nAC  M00001\nXX\nID  V$AGL3_01\nNA  AGL3\nXX\nP0      A      C      G      T\n"
                 + columns(COUNTS, 0, "0", "\tW") + "XX\nBF  AGL3\n//\n", "AGL3", "M00001", COUNTS),
    "transfac_of_jaspar": ("AC MA0001.1\nXX\nID AGL3\nXX\nDE MA0001.1 AGL3 ; From JASPAR\nPO\tA\tC\tG\tT\n"
                           + columns(COUNTS, 1, "0") + "XX\nCC tax_group:plants\nXX\n//\n", "AGL3", "MA0001.1", COUNTS),
    "meme": (MEME + "MOTIF MA0001.1 AGL3\nletter-probability matrix: alength= 4 w= 5 nsites= 97 E= 0\n"
             + columns(SHARES, 6) + "URL http://x\n", "AGL3", "MA0001.1", COUNTS),
    "meme_without_nsites": (MEME + "MOTIF AGL3\nletter-probability matrix:\n" + columns(SHARES, 6), "AGL3", "AGL3",
                            SHARES * matrices.SITES),
    "meme_as_text": ("*****\nMEME - Motif discovery tool\n*****\nMEME version 5.5 (Release date: x)\nALPHABET= ACGT\n"
                     "MOTIF ACCWW MEME-1\twidth =   5  sites =  97\nlog-odds matrix: alength= 4 w= 5 n= 9\n"
                     "-9 99 -9 -9\nletter-probability matrix: alength= 4 w= 5 nsites= 97 E= 1e-9\n"
                     + columns(SHARES, 6) + "-----\n", "MEME-1", "ACCWW", COUNTS),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_form_gives_the_same_matrix(tmp_path, name):
    text, wanted, number, counts = FILES[name]
    path = tmp_path / f"{name}.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    (found,) = matrices.read(path)
    assert (found.name, found.id) == (wanted, number)
    assert found.counts.shape == (5, 4) and np.allclose(found.counts, counts, atol=0.06)


def test_several_motifs_of_a_file_come_in_its_order(tmp_path):
    for name, of in (("brackets", "{0}>B x\n" + lettered("{} {}")), ("homer", "{0}{0}"), ("transfac", "{0}{0}")):
        path = tmp_path / name
        path.write_text(of.replace("{0}", FILES[name][0]) if name != "brackets" else FILES[name][0] + of[3:])
        assert len(matrices.read(path)) == 2
    path.write_text(FILES["meme"][0] + "MOTIF second\nletter-probability matrix: nsites= 20\n0.1 0.2 0.3 0.4\n")
    _, second = matrices.read(path)
    assert second.name == "second" and np.allclose(second.counts, [[2, 4, 6, 8]])


def test_four_positions_are_told_from_four_bases_by_their_sums(tmp_path):
    path = tmp_path / "four.pfm"
    path.write_text("\n".join(" ".join(row.split()[:4]) for row in ROWS))
    assert np.allclose(matrices.read(path)[0].counts, COUNTS[:4])
    path.write_text(columns(COUNTS[:4]))
    assert np.allclose(matrices.read(path)[0].counts, COUNTS[:4])


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["1: no motif found"]),
        (">a\n>b\n1 2\n", ["1: motif 'a' has no row of numbers", "3: motif 'b': 1 rows of 2 values"]),
        (">a x\nA 1 2\nC 1\nG 1 2\nT 1 2\n", ["3: motif 'a': 1 values, 2 in the row before"]),
        (">a\nA 1 2\nA 1 2\nG 1 2\nT 1 2\n", ["2: motif 'a' has the rows A A G T"]),
        (">a\nA 1 -2\nC 1 x\nG 0,5 nan\nT 1 2\n",
         ["2: motif 'a': -2: log odds", "3: motif 'a': 'x' is not a number",
          "4: motif 'a': '0,5' is not a number; write a point", "4: motif 'a': nan"]),
        ("1 2 3 4\n2 3 4 1\n3 4 1 2\n4 1 2 3\n", ["1: motif 'm': 4 rows of 4 values may be bases or positions"]),
        (">a\nA 1 0\nC 1 0\nG 1 0\nT 1 0\n", ["2: motif 'a': position 2 holds no base"]),
        (">a\n0.1 0.2 0.3 0.4\n0.1 0.2 0.3 0.1\n", ["3: motif 'a': the probabilities of position 2 sum to 0.7"]),
        (">a\n0 0.2 0.8\n0.1 0.2 0.7\n", ["2: motif 'a': 2 rows of 3 values"]),
        (">seq\nACGTACGT\n", ["2: motif 'seq': 'ACGTACGT' is not a number"]),
        (MEME.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY") + "MOTIF x\nletter-probability matrix: w= 2\n.25 .25 .25 .25\n",
         ["3: the alphabet 'ACDEFGHIKLMNPQRSTVWY' is not ACGT", "11: motif 'x': 1 rows, but w= 2"]),
        (MEME + "MOTIF x\nlog-odds matrix: w= 1\n1 2 3 4\n", ["10: motif 'x' has no row of numbers"]),
        (MEME + "MOTIF x\nletter-probability matrix: nsites= n\n.25 .25 .5\n",
         ["11: nsites= n is not a number", "12: motif 'x': 3 values in the row of a"]),
        *[(MEME + f"MOTIF x\nletter-probability matrix: nsites= {n}\n.25 .25 .25 .25\n",
           [f"11: nsites= {n} is not a number of sites"]) for n in ("-5", "nan", "inf")],
        (">a\nA 1e308\nC 1e308\nG 1\nT 1\n", ["2: motif 'a': 1e308: it must be", "3: motif 'a': 1e308: it must be"]),
        ("P0 A C G G\n01 1 2 3 4\n//\n", ["1: the motif: the columns 'ACGG' are not A C G T"]),
    ],
)  # fmt: skip
def test_all_faults_of_a_file_are_listed_with_their_lines(tmp_path, text, faults):
    path = tmp_path / "m.txt"
    path.write_text(text)
    with pytest.raises(InputError) as said:
        matrices.read(path)
    assert len(said.value.faults) == len(faults)
    for found, wanted in zip(said.value.faults, faults, strict=True):
        assert found.startswith(f"{path}:{wanted}"), found
