"""The table of predictions that IBIS 2024 takes, from tables of ``tfbind score``.

``python resources/ibis/predictions.py CHS_participants.fasta TF=scores.tsv TF=scores.tsv --out CHS_submission.tsv``
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind.errors import InputError, NotEstimable, ResourceError
from tfbind.io import atomic, tables
from tfbind.models import score_files
from tfbind.study import schema

#: Digits after the point; IBIS refuses more.
DIGITS = 5


def submission(fasta, scores, benchmark=None):
    """One row for each sequence of the test file, one column for each TF.

    IBIS takes numbers from 0 to 1 with five digits and compares their ranks. So a logit becomes its rank, from 0 to 1,
    with the mean rank where logits tie: rounded probabilities would tie wherever they are near 0 or 1.

    Parameters
    ----------
    fasta : path
        Test file of IBIS, gzip or not; the name up to the first space is the tag.
    scores : sequence of (str, path)
        TF, and the table that ``tfbind score MODEL --fasta`` wrote for `fasta`.
    benchmark : path, optional
        The JSON that IBIS gives to its own check: its `tags` and `tfs` are compared, too.

    Returns
    -------
    DataFrame
        `tag`, in the order of `fasta`, and a column for each TF.

    Raises
    ------
    InputError
        What IBIS would refuse, all of it at once: a tag twice, missing or unknown; a TF twice or unknown; a sequence
        without a finite score. Or a file cannot be read.
    """
    tags = pd.Index([name for block in score_files.fasta(str(fasta)) for name in block.names], name="tag")
    faults = [f"{fasta}: {_some(tags[tags.duplicated()], 'tag')} more than once"] if tags.has_duplicates else []
    if benchmark:
        told = _benchmark(benchmark)
        faults += _compared(tags, told["tags"], str(fasta), str(benchmark), "take the FASTA and the JSON of one stage")
        for tf in dict.fromkeys(tf for tf, _ in scores if tf not in told["tfs"]):
            faults.append(f"{benchmark}: no TF {tf!r} in this benchmark{schema.meant(tf, list(told['tfs']))}")
    columns, first = {}, {}
    for tf, path in scores:
        if first.setdefault(tf, path) != path:
            faults.append(f"{path}: {tf} has {first[tf]} already; give each TF one table")
            continue
        remedy = f"tfbind score MODEL --fasta {fasta} --out {path}"
        try:
            table = tables.read_tsv(path)
        except (OSError, ValueError) as error:
            faults.append(str(error) if isinstance(error, InputError) else f"{path}: {error}; make it with {remedy}")
            continue
        if missing := [name for name in ("id", "logit") if name not in table]:
            faults.append(f"{path}: no column {' and '.join(missing)}; make it with {remedy}")
            continue
        logit = pd.to_numeric(table["logit"], errors="coerce").to_numpy(float)
        if len(without := table["id"][~np.isfinite(logit)]):
            faults.append(f"{path}: {_some(without, 'id')} without a finite logit; take a model that reads them")
        wrong = list(_compared(table["id"], tags, str(path), str(fasta), remedy))
        faults += wrong
        if not wrong and not tags.has_duplicates:
            ranks = pd.Series(logit, pd.Index(table["id"])).reindex(tags).rank()
            columns[tf] = ((ranks - 1) / max(len(ranks) - 1, 1)).round(DIGITS)
    if faults:
        raise InputError(faults)
    return pd.DataFrame(columns, index=tags).reset_index()


def write(table, path):
    """Write a submission in the form that IBIS takes.

    Parameters
    ----------
    table : DataFrame
        As `submission` gives it.
    path : path
        Plain text, tab-separated.
    """
    form = {"sep": "\t", "index": False, "float_format": f"%.{DIGITS}f", "lineterminator": "\n"}
    with atomic.replacing(path) as temporary:
        table.to_csv(temporary, quoting=csv.QUOTE_NONE, **form)


def _benchmark(path):
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        return {key: dict.fromkeys(map(str, told[key])) for key in ("tags", "tfs")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no benchmark JSON of IBIS with `tags` and `tfs` ({error!r}); name it") from None


def _compared(ids, wanted, path, other, remedy):
    """Ids that are missing, unknown, or there twice."""
    ids, wanted = pd.Index(ids), pd.Index(wanted)
    if len(absent := wanted[~wanted.isin(ids)]):
        yield f"{path}: {_some(absent, 'id')} of {other} missing; {remedy}"
    if len(unknown := ids[~ids.isin(wanted)]):
        yield f"{path}: {_some(unknown, 'id')} not in {other}; {remedy}"
    if path != other and ids.has_duplicates and not wanted.has_duplicates:
        yield f"{path}: {_some(ids[ids.duplicated()], 'id')} more than once; {remedy}"


def _some(ids, what):
    return f"{len(ids)} {what}{'s' * (len(ids) > 1)} ({', '.join(map(str, ids[:3]))}{', ...' if len(ids) > 3 else ''})"


def main(arguments=None):
    """Write the submission."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fasta", type=Path, help="test file of IBIS, such as CHS_participants.fasta")
    parser.add_argument("scores", nargs="+", metavar="TF=SCORES", help="a table of tfbind score for each TF")
    parser.add_argument("--out", type=Path, required=True, help="the submission to write")
    parser.add_argument("--benchmark", type=Path, help="the benchmark JSON of IBIS, to compare tags and TFs with")
    given = parser.parse_args(arguments)
    pairs = [tuple(each.partition("=")[::2]) for each in given.scores]
    if wrong := [each for each, (tf, path) in zip(given.scores, pairs, strict=True) if not (tf and path)]:
        parser.error(f"{', '.join(wrong)}: write TF=SCORES")
    try:
        table = submission(given.fasta, pairs, given.benchmark)
        write(table, given.out)
    except (InputError, NotEstimable, ResourceError) as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{given.out}: {len(table)} sequences, {table.shape[1] - 1} TFs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
