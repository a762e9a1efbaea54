"""References of the methods: a list in CSL-JSON (`references.json`), as lines of the page and as BibTeX."""

import json
from pathlib import Path

#: Every work that the page cites, in the order of its numbers.
WORKS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_BIBTEX = {
    "article-journal": "article",
    "book": "book",
    "manuscript": "unpublished",
    "paper-conference": "inproceedings",
    "software": "software",
}


def references() -> list[str]:
    """The works that the page cites, in the order of their numbers, each as a line of a reference list."""
    written = []
    for work in WORKS:
        names = [who.get("literal") or f"{who['family']} {who.get('given', '')}".strip() for who in work["author"]]
        who = ", ".join(names).replace(". ", "").replace(".", "").replace(", others", " et al.") + _year(work, " ({})")
        where = " ".join(work[key] for key in ("container-title", "publisher", "volume") if key in work)
        where += f", {work['page'].replace('-', '–')}" if "page" in work else ""
        text = ". ".join(filter(None, [who.rstrip("."), work["title"], where, work.get("note", "")]))
        written.append(text + (f". doi:{work['DOI']}" if "DOI" in work else "."))
    return written


def bibtex() -> str:
    """The same works as BibTeX."""
    entries = []
    for work in WORKS:
        names = [who.get("literal") or ", ".join(who.values()) for who in work["author"]]
        names = [f"{{{name}}}" if " " in name and "," not in name else name for name in names]
        fields = {
            "author": " and ".join(names),
            "year": _year(work, "{}"),
            "title": work["title"],
            "booktitle" if work["type"] == "paper-conference" else "journal": work.get("container-title", ""),
            "publisher": work.get("publisher", ""),
            "volume": work.get("volume", ""),
            "pages": work.get("page", "").replace("-", "--"),
            "doi": work.get("DOI", ""),
            "note": work.get("note", "").replace("–", "--"),
            "version": work.get("version", ""),
        }
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        entries.append(f"@{_BIBTEX[work['type']]}{{{work['id']},\n{lines}\n}}\n")
    return "\n".join(entries)


def _year(work: dict, form: str) -> str:
    return form.format(work["issued"]["date-parts"][0][0]) if "issued" in work else ""
