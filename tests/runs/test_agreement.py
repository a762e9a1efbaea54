"""`tfbind validate` refuses what a run refuses, and nothing else: bad inputs, and sound ones with random damage."""

import gzip
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import yaml

import studies
from bad_inputs import CONFIG, SELEX, Case, fasta, fastq, genomes, peaks, reads, sequences, spaced
from bad_inputs import studies as configs
from tfbind import check_files
from tfbind.errors import InputError
from tfbind.study import config

CASES = [*peaks.CASES, *genomes.CASES, *reads.CASES]
#: What a random hand does to the bytes of a file, at a place in it.
DAMAGES = {
    "cut": lambda data, at, rng: data[:at],
    "a_byte": lambda data, at, rng: data[:at] + rng.bytes(1) + data[at + 1 :],
    "a_bit": lambda data, at, rng: data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :],
    "a_line_out": lambda data, at, rng: re.sub(rb"[^\n]*\n", b"", data[:at], count=1) + data[at:],
    "a_column_out": lambda data, at, rng: data[:at] + re.sub(rb"\t\S+", b"", data[at:], count=1),
    "columns_out": lambda data, at, rng: re.sub(rb"\t\S+", b"", data, count=int(rng.integers(1, 30))),
    "a_part_twice": lambda data, at, rng: data[:at] + data[at // 2 :],
    "a_part_gone": lambda data, at, rng: data[: at // 2] + data[at:],
}
CHIPSEQ, BED = {"assay": "chipseq"}, "".join(f"chr1\t{i}\t{i + 40}\tp\t{i}\t+\n" for i in range(500, 8000, 90)).encode()
PEAKS, FASTQ = spaced(60).encode(), fastq(sequences(60, 20)).encode()
FASTA = [fasta({f"r{i}": text for i, text in enumerate(sequences(60, 20, seed))}).encode() for seed in (0, 1)]
COUNTS = [["sequence", "0", "4"], *([text, "1", str(i % 4)] for i, text in enumerate(sequences(60, 20)))]
#: What is damaged first: name -> content; and the columns of the row.
SOUND = [
    ({"a.narrowPeak": PEAKS}, CHIPSEQ),
    ({"a.bed": BED}, CHIPSEQ),
    ({"a.narrowPeak.gz": gzip.compress(PEAKS, mtime=0)}, CHIPSEQ),
    (
        {"b.narrowPeak": PEAKS, "a.narrowPeak": PEAKS[: len(PEAKS) // 2]},
        {"path": "a.narrowPeak", "relaxed_path": "b.narrowPeak"},
    ),
    ({"a.fa": FASTA[0]}, SELEX),
    ({"b.fa": FASTA[1], "a.fa": FASTA[0]}, {**SELEX, "path": "a.fa", "negatives_path": "b.fa"}),
    ({"a.fastq": FASTQ}, SELEX),
    ({"a.fastq.gz": gzip.compress(FASTQ, mtime=0)}, SELEX),
    ({"a.counts": "".join("\t".join(row) + "\n" for row in COUNTS).encode()}, {**SELEX, "format": "counts"}),
]


def damaged(count):
    """Cases of sound files that something happened to."""
    rng = np.random.default_rng(7)
    for number in range(count):
        files, row = SOUND[number % len(SOUND)]
        what = list(DAMAGES)[number // len(SOUND) % len(DAMAGES)]
        name, content = next(iter(files.items()))
        compressed = name.endswith(".gz") and bool(rng.integers(2))
        data = gzip.decompress(content) if compressed else content
        data = DAMAGES[what](data, rng.integers(1, len(data)), rng)
        files = files | {name: gzip.compress(data, mtime=0) if compressed else data}
        yield Case(0, f"{name}_{what}", (), files=files, row=row | {"tf": f"T{number}"})


def together(folder, cases):
    """One study of many cases that need no config of their own: each a dataset, with files and a genome of its own."""
    rows, genomes = [], {}
    for number, case in enumerate(cases):
        name = f"c{number:03}"
        (folder / name).mkdir()
        case.write(folder / name)
        text = (folder / name / "sheet.tsv").read_text()
        row = dict(zip(*(line.split("\t") for line in text.splitlines()), strict=True))
        row |= {key: f"{name}/{value}" for key, value in row.items() if key.endswith("path") and value}
        rows.append(row | {"dataset": name, "genome": row["genome"] and name})
        if not row["genome"]:
            continue
        if "genome.fa" in case.files or "genomes" in case.config:
            own = {**CONFIG, **case.config}["genomes"]["tiny"]
            genomes[name] = own | {key: f"{name}/{own[key]}" for key in ("fasta", "blacklist") if key in own}
        else:
            rows[-1]["genome"] = "whole"
            genomes["whole"] = {"fasta": f"{name}/genome.fa"}
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["\t".join(columns), *("\t".join(row.get(key, "") for key in columns) for row in rows)]
    (folder / "sheet.tsv").write_text("\n".join(lines) + "\n")
    own = {
        "kind": {"chipseq": ["genomic"], "htselex": ["input", "provided", "dinucleotide"]},
        "margin": 20,
        "gc": False,
    }
    negatives = CONFIG["negatives"] | {"own": own | {"tfs": [row["tf"] for row in rows if row["tf"].startswith("T")]}}
    (folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "genomes": genomes, "negatives": negatives}))


def validated(folder):
    """Dataset -> the faults of its files, by `tfbind validate`."""
    try:
        check_files.read_files(config.load(folder / "config.yaml"), lambda line: None, cores=2)
    except InputError as error:
        found = defaultdict(list)
        for fault in error.faults:
            found[re.search(r"\b(c\d\d\d)\b", fault)[1]].append(fault)
        return found
    return {}


def asked(folder):
    """All that a run makes before it trains."""
    study = config.load(folder / "config.yaml")
    return [
        f"results/negatives/{dataset}/{label}.parquet" for dataset in study.datasets for label in study.labels(dataset)
    ]


def loads(case, folder):
    """Whether config and sheet of a case are in order; if not, neither command comes to its files."""
    folder.mkdir()
    try:
        config.load(case.write(folder))
    except InputError:
        return False
    return True


def test_validate_and_a_run_agree_on_every_file(tmp_path, monkeypatch):
    cases = [case for case in (*CASES, *damaged(len(SOUND) * len(DAMAGES))) if "split" not in case.config]
    cases = [case for number, case in enumerate(cases) if loads(case, tmp_path / f"alone{number}")]
    assert len(cases) > 140
    (folder := tmp_path / "study").mkdir()
    together(folder, cases)
    monkeypatch.chdir(folder)
    faults = validated(folder)
    studies.through(folder, *asked(folder))
    refused = {Path(path).parent.name for path in asked(folder) if not (folder / path).exists()}
    names = {f"c{number:03}": case.name for number, case in enumerate(cases)}
    assert {name: names[name] for name in refused} == {name: names[name] for name in faults}
    said = "\n".join(path.read_text() for path in (folder / "logs").rglob("*.log"))
    assert not [fault for words in faults.values() for fault in words if fault not in said], "in the same words"


@pytest.mark.parametrize(
    "case",
    [c for c in (*configs.CASES, *CASES) if c in configs.CASES or "split" in c.config],
    ids=lambda case: case.name,
)
def test_validate_and_a_run_agree_on_every_config(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = case.write(tmp_path)
    try:
        study = config.load(path)
        check_files.read_files(study, lambda line: None)
        faults = []
    except InputError as error:
        faults = error.faults
    run = studies.through(tmp_path, *([] if faults else asked(tmp_path)))
    said = run.stdout + run.stderr
    assert (run.returncode != 0) == bool(faults), said
    if not isinstance(case.config, bytes):  # which Snakemake reads first, and refuses in its own words
        assert not [fault for fault in faults if fault not in said]
