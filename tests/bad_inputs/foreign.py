"""What the config declares of the training of models from elsewhere."""

from bad_inputs import Case, spaced


def foreign(name, says, content="", trained_on="k.bed", code=2, **options):
    """A case of a label of kind `scores` that declares a file."""
    files = {"a.narrowPeak": spaced(), "k/none": "", **({"k.bed": content} if content else {})}
    given = {"kind": "scores", "path": "k", "trained_on": trained_on, **options}
    models = {"floor": {"kind": "composition"}, "theirs": given}
    return Case(54, name, says, code, config={"models": models}, files=files)


PLACE = "chr1\t100\t200\n"
CASES = [
    foreign("training_that_is_not_there", ("config.yaml: models.theirs.trained_on: no file", "k.bed")),
    foreign(
        "training_at_an_address", ("models.theirs.trained_on: give a local file",), trained_on="https://x.org/k.bed"
    ),
    foreign(
        "training_of_a_source_that_is_not_there",
        ("trained_on.d: no file", "absent", "no dataset 'D1' in the sheet"),
        PLACE,
        {"d": ["k.bed", "absent"], "D1": "k.bed"},
    ),
    foreign(
        "training_that_is_no_file",
        ("models.theirs.trained_on: 7 does not fit. What the program was trained on",),
        trained_on=7,
    ),
    foreign(
        "training_on_an_unknown_genome",
        ("models.theirs.genome: 'hg19' is not in the config's `genomes` (tiny)",),
        PLACE,
        genome="hg19",
    ),
    foreign("training_that_is_empty", ("k.bed: empty; name the file that says what theirs was trained on",), "\n"),
    foreign(
        "training_loci_without_a_genome", ("k.bed: these are loci; name the genome", "as models.theirs.genome"), PLACE
    ),
    foreign(
        "training_loci_on_other_chromosomes",
        ("k.bed: 1 of 1 intervals lie on chromosomes that", "the file says 1, the genome chr1", "`chromosomes: chr`"),
        PLACE.removeprefix("chr"),
        genome="tiny",
    ),
    foreign(
        "training_loci_with_a_fault",
        ("k.bed:2: start 300 is not below end 200",),
        PLACE + "chr1\t300\t200\n",
        genome="tiny",
    ),
    foreign("training_that_is_sound", ("theirs: trained on, for d: 1 read, peaks",), PLACE, code=0, genome="tiny"),
]
