"""Known matrices of the config: files of motifs, and names."""

from bad_inputs import Case, spaced


def matrix(name, says, content="", code=2, tf="USF1", **options):
    """A case of a label of kind `matrix`, with a file where it has content."""
    files = {"a.narrowPeak": spaced(), "m.meme": content} if content else {}
    given = {"kind": "matrix", **({"file": "m.meme"} if content else {}), **options}
    return Case(54, name, says, code, row={"tf": tf}, config={"models": {"known": given}}, files=files)


MEME = "MEME version 4\nALPHABET= ACGT\nMOTIF M1 Usf1\nletter-probability matrix: w= 2 nsites= 9\n0.1 0.2 0.3 0.4\n1 0 0 0\n"
CASES = [
    matrix("a_file_of_motifs_that_is_sound", ("known: USF1: M1",), MEME, 0),
    matrix("a_tf_without_a_matrix", ("NOSUCH: no known: JASPAR has no matrix named 'NOSUCH'",), code=3, tf="NOSUCH"),
    matrix("a_motif_that_jaspar_lacks", ("config.yaml: models.known: motif: 'MA9999.1' is neither a name nor a matrix",),
           motif="MA9999.1"),
    matrix("log_odds_and_a_lost_row", ("m.meme:5: motif 'M1': -0.1: log odds", "m.meme:9: motif 'M2': 1 rows, but w= 2"),
           MEME.replace("0.1 0.2", "-0.1 0.2") + "MOTIF M2\n\nletter-probability matrix: w= 2\n0 0 0 1\n"),
    matrix("a_file_that_is_not_there", ("config.yaml: models.known.file: no file", "absent.meme"), file="absent.meme"),
    matrix("an_address_for_a_file", ("config.yaml: models.known.file: give a local file",), file="https://x.org/m.meme"),
    Case(54, "more_informative_positions_than_a_word_has",
         ("config.yaml: models.g.k: 7 informative positions in words of 6 bp",),
         config={"models": {"g": {"kind": "gapped_kmers", "length": 6, "k": 7}}}),
]  # fmt: skip
