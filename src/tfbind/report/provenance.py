"""What a page was made of: files, checksums, versions."""

import os
import platform
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import pandas as pd
import yaml

from tfbind import __version__
from tfbind.io import tables
from tfbind.io.paths import PATHS, checksum_column, fetched, is_url, local
from tfbind.report import wording
from tfbind.report.table import download


def provenance(
    rows: Mapping[str, Mapping[str, str]], config: Mapping, cells: Iterable[Mapping[str, str]] = ()
) -> dict[str, object]:
    """What a result rests on: versions, seeds, the input files with their SHA-256, the whole configuration.

    Parameters
    ----------
    rows : {dataset: row of the sheet}
    config : mapping
        Plain values.
    cells : iterable of rows of the sheet of cells

    Returns
    -------
    dict
        For `render`. Of each file that was read: what for, its name or URL, the SHA-256 of what is at hand (of a
        URL, of what was fetched), beside the checksum that was given where that is another one; the given one where
        nothing is at hand; the day on which a URL was fetched. The same for the same study on any day, and wherever
        its folder lies: of a path within the working directory, the part below it is shown.
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
    return {
        "tfbind": __version__,
        "python": platform.python_version(),
        "seeds": list(config["seeds"]),
        "library versions": {name: metadata.version(name) for name in wording.LIBRARIES},
        "input files": [_input(name, str(path), given or "") for name, path, given in files if path],
        "configuration": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def _input(name: str, source: str, given: str) -> dict[str, str]:
    path = local(source)
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
    """Plain values with what lies in `folder` named from there."""
    if isinstance(value, Mapping):
        return {key: _below(folder, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_below(folder, item) for item in value]
    return value.removeprefix(folder) if isinstance(value, str) else value


def as_tables(provenance: Mapping) -> dict:
    """Plain values in reading order: short facts, then mappings as small tables, then texts of many lines."""
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
