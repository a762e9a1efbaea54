"""What a page was made from: files, checksums, versions."""

import os
import platform
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import yaml

from tfbind import __version__
from tfbind.io import tables
from tfbind.io.paths import PATHS, checksum_column, fetched, is_url, local
from tfbind.report import wording
from tfbind.report.table import download


def provenance(
    rows: Mapping[str, Mapping[str, str]],
    config: Mapping,
    cells: Iterable[Mapping[str, str]] = (),
    located: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, object]:
    """Versions, seeds, input files with their SHA-256, and the whole configuration of a result.

    The same study gives the same values on any day and in any folder: a path inside the working directory is shown
    relative to it.

    Parameters
    ----------
    rows : mapping of str to mapping
        Dataset -> its row of the sheet: the columns of `paths.PATHS` and their checksums.
    config : mapping
        Plain values. `seeds` is required; the files of `genomes` and of `models` of kind ``scores`` are listed too.
    cells : iterable of mapping
        Rows of the sheet of cells: `cell`, `what`, `tf`, `path`, `sha256`.
    located : mapping of str to str
        Local path of a file -> where it is, if elsewhere.

    Returns
    -------
    dict
        For `page.render`: `tfbind`, `python`, `seeds`, `library versions`, `input files`, `configuration` (YAML). Each
        input file has `for`, what it was read for; `file`, its path or URL; `sha256`; and, if it was fetched from a
        URL, `fetched`, the day (``2026-11-30``). `sha256` is that of the file on disk (of a URL: of its download); a
        given checksum that differs stands in parentheses after it. Without a file on disk it is the given checksum, or
        "not given".
    """
    rows, config, cells = _below(f"{Path.cwd()}/", [rows, config, list(cells)])
    files = [(name, row.get(key), row.get(checksum_column(key), "")) for name, row in rows.items() for key in PATHS]
    files += [
        (" ".join(filter(None, (row["cell"], row["what"], row.get("tf")))), row["path"], row.get("sha256", ""))
        for row in cells
    ]
    for name, options in (config.get("genomes") or {}).items():
        given = {"fasta": "sha256", "blacklist": "blacklist_sha256", "genes": "genes_sha256"}
        files += [(name, options.get(key), options.get(checksum, "")) for key, checksum in given.items()]
    for label, options in (config.get("models") or {}).items():
        if options.get("kind") == "scores":  # of another program
            files += [(label, str(path), "") for path in sorted(Path(options["path"]).rglob("*.tsv"))]
            given = options.get("trained_on", [])
            each = given.items() if isinstance(given, Mapping) else [("", given)]
            files += [(f"{label} trained on {source}".strip(), path, "") for source, paths in each for path in paths]
    return {
        "tfbind": __version__,
        "python": platform.python_version(),
        "seeds": list(config["seeds"]),
        "library versions": {name: metadata.version(name) for name in wording.LIBRARIES},
        "input files": [_input(name, str(path), given or "", located) for name, path, given in files if path],
        "configuration": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def _input(name: str, source: str, given: str, located: Mapping[str, str]) -> dict[str, str]:
    path = located.get(local(source), local(source))
    line = {"for": name, "file": source, "sha256": given or "not given"}
    if os.path.isfile(path):
        line["sha256"] = tables.digest(path)
        algorithm, _, expected = given.rpartition(":")
        if expected and tables.digest(path, algorithm or "sha256") != expected:
            line["sha256"] += f" ({given} was given)"
    if is_url(source) and (found := fetched(source, given, path)):
        line["fetched"] = found[1]
    return line


def _below(folder: str, value: object) -> object:
    """Plain values, with the paths inside `folder` made relative to it."""
    if isinstance(value, Mapping):
        return {key: _below(folder, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_below(folder, item) for item in value]
    return value.removeprefix(folder) if isinstance(value, str) else value


def as_tables(provenance: Mapping) -> dict:
    """Plain values in reading order: short facts, then small tables, then texts of several lines.

    Parameters
    ----------
    provenance : mapping
        As `provenance` returns it, or with other keys. A DataFrame, a mapping and a list of mappings become a table, a
        list of other values a fact.

    Returns
    -------
    dict
        `facts`, pairs of key and text; `maps`, of each table its key, headings, rows of text and download (see
        `table.download`); `texts`, pairs of key and text.
    """
    facts, maps, texts = [], [], []

    def table(key: str, heads: list[str], rows: list[list[str]]) -> None:
        name = "provenance_" + re.sub(r"\W+", "_", key)
        maps.append((key, heads, rows, download(pd.DataFrame(rows, columns=heads), name)))

    for key, value in provenance.items():
        if isinstance(value, pd.DataFrame):
            table(key, [str(c) for c in value.columns], value.astype(str).to_numpy().tolist())
        elif isinstance(value, Mapping):
            table(key, ["name", "value"], [[str(k), str(v)] for k, v in value.items()])
        elif isinstance(value, str) and "\n" in value.strip():
            texts.append((key, value))
        elif isinstance(value, Iterable) and not isinstance(value, str):
            value = list(value)
            if value and all(isinstance(item, Mapping) for item in value):
                heads = list(dict.fromkeys(str(k) for item in value for k in item))
                table(key, heads, [[str(item.get(h, "")) for h in heads] for item in value])
            else:
                facts.append((key, ", ".join(map(str, value))))
        else:
            facts.append((key, str(value)))
    return {"facts": facts, "maps": maps, "texts": texts}
