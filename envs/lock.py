"""What stands behind the versions of constraints.txt: hashes, licences, a bill of materials. `make lock` runs this.

    lock.py UV WHEEL...

Each WHEEL is a build of a locked version that no index lists, e.g. torch for the processor alone, and is accepted, too.
"""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from tfbind import __version__
from tfbind.io import atomic, tables

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
SETUP = ["--extra", "dev", "--extra", "cluster"]


def locked() -> dict[str, set[str]]:
    """Pin (`name==version`) -> its accepted hashes, as the lock has them."""
    found, pin = {}, ""
    for word in LOCK.read_text().split() if LOCK.exists() else []:
        if word.startswith("--hash="):
            found[pin].add(word.removeprefix("--hash="))
        elif word != "\\":
            found[pin := word] = set()
    return found


def lock(uv: str, wheels: list[Path]) -> None:
    """Write every hash that the index states of each pin that `make setup` installs, and those of `wheels`."""
    command = [uv, "pip", "compile", "--quiet", "--no-annotate", "--no-header", "--python-version", "3.11"]
    before = locked()
    LOCK.unlink(missing_ok=True)
    command += ["--generate-hashes", "-c", "constraints.txt", "-o", LOCK, *SETUP, "pyproject.toml"]
    subprocess.run(command, check=True, cwd=HERE.parent)
    pins = locked()
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        pins[f"{name}=={version.split('+')[0]}"].add(f"sha256:{tables.digest(wheel)}")
    for pin, hashes in before.items():  # of builds that another machine has
        pins.get(pin, set()).update(hashes)
    with atomic.replacing(LOCK) as temporary:
        temporary.write_text(
            "".join(" \\\n    ".join([p, *(f"--hash={h}" for h in sorted(pins[p]))]) + "\n" for p in pins)
        )


def licence(name: str, about: metadata.PackageMetadata) -> str:
    """The licence that a package declares: an expression, else classifiers, else the first line of the text."""
    classifiers = [c.split(" :: ")[-1] for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    texts = [about["License"] or "", *(f.read_text() for f in metadata.files(name) if "LICEN" in f.name.upper())]
    first = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    return about["License-Expression"] or ", ".join(classifiers) or first[0]


def materials() -> None:
    """Write the licences of all that is locked, and the bill of materials (CycloneDX 1.6)."""
    root = f"pkg:pypi/tfbind@{__version__}"
    components, rows = [], []
    for pin in locked():
        name, version = pin.split("==")
        about = metadata.metadata(name)
        said = licence(name, about)
        kind = {"expression": said} if about["License-Expression"] else {"license": {"name": said}}
        components.append(
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name}@{version}",
                "licenses": [kind],
            }
        )
        rows.append(f"| {name} | {version} | {said} |\n")
    top = {"type": "application", "bom-ref": root, "name": "tfbind", "version": __version__, "purl": root}
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": top | {"licenses": [{"license": {"id": "MIT"}}]}},
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [c["bom-ref"] for c in components]}],
    }
    with atomic.replacing(HERE / "sbom.json") as temporary:
        temporary.write_text(json.dumps(bill, indent=1) + "\n")
    with atomic.replacing(HERE.parent / "docs" / "licences.md") as temporary:
        temporary.write_text(HEAD + "".join(rows))


HEAD = """# Licences

What `make setup` installs, each with the licence that it declares; `make lock` writes this page, and the same as a bill
of materials (`envs/sbom.json`, CycloneDX). bedtools, the one program that is no Python package, is under the MIT
licence.

| package | version | licence |
| --- | --- | --- |
"""

if __name__ == "__main__":
    lock(sys.argv[1], list(map(Path, sys.argv[2:])))
    materials()
