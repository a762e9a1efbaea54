"""References of the methods, as BibTeX."""

import re
from pathlib import Path

#: Every work that the page cites, in the order of its numbers.
BIBTEX = Path(__file__).with_suffix(".bib").read_text(encoding="utf-8")


def references() -> list[str]:
    """The works that the page cites, in the order of their numbers, each as a line of a reference list."""
    written = []
    for entry in re.findall(r"^@\w+\{\w+,\n(.*?)\n\}$", BIBTEX, re.M | re.S):
        of = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.M))
        names = [re.sub("[,.{}]", "", name.replace(". ", "")) for name in of["author"].split(" and ")]
        who = ", ".join(names).replace(", others", " et al.") + (f" ({of['year']})" if "year" in of else "")
        where = " ".join(of[key] for key in ("journal", "booktitle", "publisher", "volume") if key in of)
        where += f", {of['pages']}" if "pages" in of else ""
        said = [who.rstrip("."), of["title"], where, of.get("note", "")]
        text = ". ".join(filter(None, said)).replace("--", "–")
        written.append(text + (f". doi:{of['doi']}" if "doi" in of else "."))
    return written
