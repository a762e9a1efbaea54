import re
from pathlib import Path

from tfbind import __version__
from tfbind.report import page, references


def test_every_work_is_a_line_of_the_list_and_an_entry_of_the_bibtex():
    lines, bibtex = references.references(), references.bibtex()
    entries = re.findall(r"^@(\w+)\{(\w+),\n((?:  \w+ = \{.+\},?\n)+)\}$", bibtex, re.M)
    assert [key for _, key, _ in entries] == [work["id"] for work in references.WORKS]
    for work, line, (_, _, fields) in zip(references.WORKS, lines, entries, strict=True):
        for word in (work["author"][0].get("family", "The tfbind authors"), work["title"], work.get("DOI", "")):
            assert word in line and word in fields
    assert lines[1] == (
        "Trabelsi A, Chaabane M, Ben-Hur A (2019). Comprehensive evaluation of deep learning architectures for "
        "prediction of DNA/RNA sequence binding specificities. Bioinformatics 35, i269–i277. "
        "doi:10.1093/bioinformatics/btz339"
    )
    assert "  author = {Trabelsi, A. and Chaabane, M. and Ben-Hur, A.},\n  year = {2019},\n" in bibtex
    assert "  pages = {i269--i277},\n" in bibtex and "  author = {{The tfbind authors}},\n" in bibtex


def test_the_version_is_of_today_and_every_number_in_the_text_is_of_a_work():
    assert references.WORKS[-1]["version"] == __version__
    templates = Path(page.__file__).parent.rglob("*.j2")
    cited = {int(n) for path in templates for n in re.findall(r" \[(\d+)\]", path.read_text())}
    assert cited <= set(range(1, len(references.WORKS))) and len(cited) > 10
