"""The chromosomes that a study holds out."""

from collections import defaultdict
from collections.abc import Mapping

import pandas as pd

from tfbind.proposal.item import Item
from tfbind.sequences import splits

#: Shares of the peaks on the chromosomes of the test and the validation.
_TEST, _VALIDATION = 0.2, 0.1


def choose(rows: list[Item], genomes: Mapping[str, Mapping[str, int]]) -> tuple[dict[str, list[str]], str]:
    """Chromosomes for the test and the validation: about 20 % and 10 % of the peaks of each genome.

    Parameters
    ----------
    rows : list of Item
    genomes : mapping
        Label -> name of each chromosome -> bp.

    Returns
    -------
    split : dict of str to list of str
        `validation` and `test`, as far as there are such.
    why : str
    """
    placed = defaultdict(list)
    for item in rows:
        label = item.row["genome"]
        if item.look.peaks is not None and (label or not genomes):
            placed[label].append(item.look.peaks)
        elif item.look.kind == "bins" and label in genomes:  # bins cover the genome evenly
            bins = [chrom for chrom, size in genomes[label].items() for _ in range(size // 10**6 + 1)]
            placed[label].append(pd.DataFrame({"chrom": bins, "start": 0}))
    if not placed:
        return {}, "split: no file has coordinates: a hash of each sequence splits (20 % test, 10 % validate)"
    held: dict[str, list[str]] = {"validation": [], "test": []}
    said = [_hold_out(tables_, genomes.get(label, {}), held) for label, tables_ in placed.items()]
    return {key: chroms for key, chroms in held.items() if chroms}, f"split: {'; '.join(said)}"


def _hold_out(placed: list[pd.DataFrame], lengths: Mapping[str, int], held: dict[str, list[str]]) -> str:
    # Add to `held` the chromosomes of one genome, each file counting alike; says which.
    share: dict[str, float] = defaultdict(float)
    for table in placed:
        for chrom, part in table["chrom"].value_counts(normalize=True).items():
            share[chrom] += part / len(placed)
    everywhere = [c for c in share if all((table["chrom"] == c).any() for table in placed)] or list(share)
    order = sorted(everywhere, key=lambda chrom: (-share[chrom], chrom))
    # what another genome holds out under the same name, with chr or without, is held out here, too
    for chroms in held.values():
        chroms += [c for c in order if c not in chroms and _bare(c) in set(map(_bare, chroms))]
    taken = {chrom for chroms in held.values() for chrom in chroms}
    free = [chrom for chrom in order if chrom not in taken]
    if len(order) == 1:
        # other chromosomes are held out by name, so that a run splits this one by blocks
        others = [chrom for chrom in lengths if chrom not in (*share, *taken)][:2]
        for key, chrom in zip(held, others, strict=False):
            held[key].append(chrom)
        if all(splits.in_blocks(table, held) for table in placed):
            return f"{order[0]} alone has peaks of all files: a hash of blocks of 100 kb splits them"
        return f"{order[0]} alone has peaks of all files: they train and are not tested"
    if len(order) == 2:
        held["test"] += [] if set(order) & taken else order[1:]
        return f"two chromosomes have peaks of all files: {order[1]} tests, and none is left to validate"
    test = _fill(free, share, _TEST - sum(share[c] for c in held["test"] if c in share))
    rest = [chrom for chrom in free if chrom not in test]
    validation = _fill(rest[1:] or rest, share, _VALIDATION - sum(share[c] for c in held["validation"] if c in share))
    if sum(share[c] for c in validation) > sum(share[c] for c in test) and not taken:
        validation, test = test, validation
    held["test"] += test
    held["validation"] += validation
    parts = [
        f"{', '.join(chroms)} ({100 * sum(share[c] for c in chroms):.0f} %)"
        for chroms in ([c for c in held[key] if c in share] for key in ("test", "validation"))
    ]
    return f"of the peaks, {parts[0]} test and {parts[1]} validate"


def _bare(chrom: str) -> str:
    return chrom.removeprefix("chr")


def _fill(order: list[str], share: Mapping[str, float], wanted: float) -> list[str]:
    # The largest chromosomes that together stay within the share; the smallest one where each is larger.
    chosen: list[str] = []
    if wanted <= 0:
        return chosen
    for chrom in order:
        if sum(share[c] for c in chosen) + share[chrom] <= wanted * 1.1:
            chosen.append(chrom)
        if sum(share[c] for c in chosen) >= wanted * 0.9:
            break
    return chosen or order[-1:]
