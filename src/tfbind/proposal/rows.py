"""Rows of a sheet from what files hold and what their names say: TF, assay, cycles, parts, designs, replicates."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from tfbind import assays, motifs
from tfbind.proposal import recognise
from tfbind.proposal.item import OPEN, Answers, Item, answer
from tfbind.proposal.recognise import Look
from tfbind.sequences import probes
from tfbind.study import schema

#: Sequences of one length up to so many bp are taken for inserts of SELEX, from so many on for windows of peaks.
_INSERT, _WINDOW = 50, 60


def begin(item: Item, answers: Answers) -> None:
    """Give a file a row with TF, assay, format and what its name says.

    Parameters
    ----------
    item : Item
        Of peaks, bins, reads or sequences.
    answers : Answers
    """
    look, said = item.look, item.said
    own_tf, of_file = answer(answers.tf, item)
    assay, of_assay = answer(answers.assay, item)
    if said.assay == "other" and not of_assay:
        item.use = (
            "left out: its name is of open chromatin, histone marks or fragments, not of one TF; else say --assay"
        )
        item.use += f" {look.path.name}=NAME"
        return
    item.row = dict.fromkeys(schema.schema("datasets")["properties"], "")
    item.row["path"] = item.shown
    if own_tf and (of_file or said.tf in ("", OPEN)):
        item.put("tf", own_tf, "as --tf says")
    elif said.tf and said.tf != OPEN:
        item.put("tf", said.tf, said.tf_why)
    else:
        why = f"{said.tf_why}, and one is meant" if said.tf_why else "the name holds none that JASPAR knows"
        item.ask("tf", f"{why}; say it with --tf {look.path.name}=NAME")
    if look.format == OPEN:
        item.ask("format", f"{look.about}; write counts or probes")
    else:
        item.row["format"] = look.format
    _assay(item, assay, of_assay)
    if said.cell and assays.form(item.row["assay"]) != "reads":
        item.put("cell", said.cell, "the file's name")
    if look.negative_names:
        item.put("negative_names", look.negative_names, "names of records end so in part of the file")


def _assay(item: Item, given: str, of_file: bool) -> None:
    look, said = item.look, item.said
    takes = {assay for assay, about in assays.ASSAYS.items() if look.format in about.formats or look.format == OPEN}
    name = f"say it with --assay {look.path.name}=NAME ({', '.join(sorted(takes))})"
    if of_file:
        item.put("assay", given, "as --assay says")
    elif said.assay in takes:
        item.put("assay", said.assay, "the file's name")
    elif given in takes:
        item.put("assay", given, "as --assay says")
    elif look.kind == "bins":
        item.put("assay", "ghtselex", "only GHT-SELEX comes as read counts in bins of a genome")
    elif look.format in ("probes", "words"):
        item.put("assay", "pbm", f"{look.format} are of arrays")
    elif look.format == "counts":
        item.put("assay", "htselex", f"reads of the cycles {', '.join(map(str, look.cycles))}")
    elif look.kind == "reads" or look.format == OPEN:
        item.ask("assay", name)  # `_cycles` may know
    elif look.kind != "peaks" and look.length and look.length <= _INSERT:
        item.put("assay", "htselex", f"sequences of {look.length} bp are inserts of SELEX, not windows of peaks")
    elif look.kind != "peaks" and look.median < _WINDOW:
        item.ask("assay", f"sequences of {look.median} bp are long for inserts and short for peaks; {name}")
    elif item.row["tf"] == OPEN:
        item.ask("assay", f"a ChIP of a TF, or open chromatin? {name}")
    else:
        what = "peaks" if look.kind == "peaks" else f"sequences of {look.median} bp, as windows of peaks,"
        item.put("assay", "chipseq", f"{what} of a TF are most often of ChIP-seq")


def spell(rows: list[Item]) -> None:
    """Spell each TF in one way: the one with the most capitals."""
    spelled: dict[str, str] = {}
    for item in rows:
        tf = item.row["tf"]
        key = "::".join(motifs.parts(tf))
        spelled[key] = max(spelled.get(key, tf), tf, key=lambda name: sum(map(str.isupper, name)))
    for item in rows:
        one = spelled["::".join(motifs.parts(item.row["tf"]))]
        if item.row["tf"] != one:
            item.put("tf", one, f"{item.why['tf']}, spelled as in the other files")


def once(items: list[Item]) -> None:
    """Leave out the same peaks in another file, such as a packed one."""
    rows = [item for item in items if item.row and item.look.kind == "peaks"]
    for i, item in enumerate(rows):
        same = next((other for other in rows[:i] if other.row and other.look.peaks.equals(item.look.peaks)), None)
        if same:
            item.drop(f"left out: the same peaks as {same.shown}")


# -------------------------------------------------------------------------------------------------------------- SELEX


def _is_reads(item: Item) -> bool:
    return item.look.kind == "reads" or (item.look.kind == "fasta" and 0 < item.look.length <= _INSERT)


def cycles(rows: list[Item]) -> None:
    """Join the cycles of a library: reads whose names differ in one number; cycle 0 is the input of the others."""
    reads = [item for item in rows if _is_reads(item)]
    for item in reads:
        mates = [other for other in reads if recognise.same_run(item.look, other.look)]
        if mates and item.look.path > mates[0].look.path:
            item.drop(f"left out: mate of {mates[0].shown}; the first read of each pair holds the insert")
    reads = [item for item in reads if item.row]
    series = _series(reads)
    cycle = {id(item): series.get(id(item), ("", item.said.cycle))[1] for item in reads}
    zeros = [item for item in reads if cycle[id(item)] == 0]
    later = [item for item in reads if item not in zeros]
    used = defaultdict(list)
    for item in later:
        number, key = cycle[id(item)], series.get(id(item), ("", None))[0]
        fit = [zero for zero in zeros if key and series.get(id(zero), ("", None))[0] == key]
        fit = fit or [zero for zero in zeros if zero.row["tf"] == item.row["tf"] != OPEN and _same_ligand(zero, item)]
        fit = fit or [zero for zero in zeros if not zero.said.tf and _same_ligand(zero, item)]
        several = sum(1 for other in later if key and series.get(id(other), ("", None))[0] == key) > 1
        # one number alone may be that of a lane, or of read 1 of a ChIP
        alone = bool(number) and item.look.length <= _WINDOW
        if item.row["assay"] == OPEN and "assay" in item.asked and (fit or several or alone):
            if item.look.length:
                what = (
                    "names that differ in the cycle alone" if fit or several else f"its name holds the cycle {number}"
                )
                item.put("assay", "htselex", f"reads of {item.look.length} bp, and {what}")
            else:
                item.asked["assay"] = (
                    f"reads of several lengths, as of no SELEX library; of ChIP, give the peaks; {item.asked['assay']}"
                )
        if not assays.has_cycles(item.row["assay"]):
            continue
        if number:
            item.put("cycle", str(number), "the file's name")
        if item.said.ligand:
            item.put("ligand", item.said.ligand, "the file's name")
        same = [zero for zero in fit if zero.look.format == item.look.format]
        if len(same) == 1:
            item.put("input_path", same[0].shown, "cycle 0 of the library, the negatives")
            used[id(same[0])].append(item)
            if same[0].look.length != item.look.length and same[0].look.length and item.look.length:
                item.ask(
                    "trim",
                    f"cycle 0 has reads of {same[0].look.length} bp, this file of {item.look.length}: write left or "
                    "right, the end at which the longer ones are cut",
                )
        elif same:
            item.ask("input_path", f"which is its cycle 0: {', '.join(zero.shown for zero in same)}?")
            item.row["input_path"] = ""
        else:
            item.notes.append("no cycle 0 among the files: its negatives are shuffles")
    for item in rows:
        # of a table with labels; one of counts has all cycles
        if item.row and item.look.format == "labelled" and assays.has_cycles(item.row["assay"]) and item.said.cycle:
            item.put("cycle", str(item.said.cycle), "the file's name")
    for zero in zeros:
        of = [item.row["path"] for item in used[id(zero)]]
        zero.drop(f"cycle 0: input_path of {', '.join(of)}" if of else "left out: cycle 0, and of no library here")
    for item in later:
        _flanks(item, [item.look, *(zero.look for zero in zeros if zero.shown == item.row["input_path"])])


def _same_ligand(one: Item, other: Item) -> bool:
    return not (one.said.ligand and other.said.ligand) or one.said.ligand == other.said.ligand


def _series(reads: list[Item]) -> dict[int, tuple[str, int]]:
    # Item -> the name of its library without the cycle, and the cycle.
    by_rest = defaultdict(dict)
    for item in reads:
        for match in re.finditer(r"(?<![0-9])[0-9]{1,2}(?![0-9])", item.said.stem):
            rest = f"{item.said.stem[: match.start()]}#{item.said.stem[match.end() :]}"
            by_rest[rest].setdefault(int(match[0]), item)
    found: dict[int, tuple[str, int]] = {}
    for rest, members in sorted(by_rest.items(), key=lambda each: (-len(each[1]), each[0])):
        # not the number of a TF (USF1, USF2) or of a replicate
        tfs = {item.row["tf"] for item in members.values()}
        said = all(item.said.cycle in (None, number) for number, item in members.items())
        if len(members) > 1 and len(tfs) == 1 and said and not re.search("rep(licate)?[_.-]?#", rest, re.I):
            for number, item in members.items():
                found.setdefault(id(item), (rest, number))
    return found


def _flanks(item: Item, looks: list[Look]) -> None:
    # Constant ends that the reads of all files of the row have.
    if not item.row or assays.form(item.row["assay"]) not in ("reads", "intensities") or item.look.format == "words":
        return
    ends = [probes.constant_ends(pd.Series(look.sequences, dtype="str")) for look in looks if look.sequences]
    for at, column in enumerate(assays.FLANKS):
        if ends and ends[0][at] and all(each[at] == ends[0][at] for each in ends):
            item.put(column, ends[0][at], "all reads or probes have it at this end")


# -------------------------------------------------------------------------------------------------- parts, designs, ids


def _core(item: Item) -> str:
    # The two halves of DeepBind's files end in AC, to train, and B, to test.
    core = item.said.core
    return re.sub("_(ac|b)$", "", core) if item.look.format == "deepbind" else core


def _parts_of(item: Item) -> set[str]:
    parts = set(item.said.parts)
    if item.look.format == "deepbind" and item.said.core.endswith("_b"):
        parts.add("test")
    return parts


def parts(rows: list[Item]) -> None:
    """Give negatives, test sets and relaxed peaks to the row of the file whose name is the same else."""
    groups = defaultdict(list)
    for item in rows:
        if item.row and not _is_reads(item):
            groups[item.look.kind, item.look.format, _core(item)].append(item)
    for members in groups.values():
        extra = ("negative", "test", "validation", "relaxed")
        main = [item for item in members if not _parts_of(item) & set(extra)]
        for item in members:
            parts = _parts_of(item) & set(extra)
            if not parts or len(members) == 1:
                continue
            column = {
                frozenset(["negative"]): "negatives_path",
                frozenset(["test"]): "test_path",
                frozenset(["negative", "test"]): "test_negatives_path",
                frozenset(["relaxed"]): "relaxed_path",
            }.get(frozenset(parts), "")
            if column == "relaxed_path" and main and item.look.kind == "peaks":
                for other in main:
                    other.put(column, item.shown, "the same name but for that word")
                item.drop(f"{column} of {', '.join(other.shown for other in main)}")
                continue
            if len(main) != 1:
                item.notes.append(f"its name says {' and '.join(sorted(parts))}; no single file here goes with it")
                continue
            row = main[0].row
            if not column:
                item.drop(f"left out: a validation set; part of {main[0].shown} validates")
            elif row[column] or column == "relaxed_path":
                continue
            else:
                main[0].put(column, item.shown, "the same name but for that word")
                item.drop(f"{column} of {main[0].shown}")


def designs(rows: list[Item]) -> None:
    """Two tables of probes of one TF are two array designs, each the test set of the other."""
    of_tf = defaultdict(list)
    for item in rows:
        if item.row["format"] == "probes" and item.row["tf"] != OPEN:
            of_tf[item.row["tf"]].append(item)
    for item in rows:
        if assays.form(item.row["assay"]) == "intensities":
            _flanks(item, [item.look])
    for pair in of_tf.values():
        words = [set(item.said.words) for item in pair]
        own = [sorted(mine - set().union(*(w for w in words if w is not mine))) for mine in words]
        if len(pair) > 1 and all(len(word) == 1 for word in own):
            for item, (word,) in zip(pair, own, strict=True):
                item.put("design", word, "the word in which the names of this TF's arrays differ: each tests the other")
        elif len(pair) == 1:
            pair[0].notes.append("one array design: it trains, and is not tested")


def unfit(item: Item) -> Iterator[str]:
    """Faults of an answer that the file cannot be."""
    about = assays.ASSAYS.get(item.row["assay"])
    if about and item.row["format"] not in (*about.formats, OPEN):
        yield (
            f"{item.look.path}: --assay {item.row['assay']}: {about.printed} comes as {', '.join(about.formats)}, and "
            f"this is {item.look.about}"
        )


_ALIKE = ("tf", "assay", "cell", "format", "genome", "cycle", "ligand", "design")


def replicates(rows: list[Item]) -> None:
    """Number the files of one TF, assay, cell and the like."""
    same = defaultdict(list)
    for item in rows:
        same[tuple(item.row[c] for c in _ALIKE)].append(item)
    for key, members in same.items():
        if len(members) < 2 or OPEN in key[:2]:
            continue
        said = [item.said.replicate for item in members]
        for i, item in enumerate(members, 1):
            value = item.said.replicate if all(said) and len(set(said)) == len(said) else str(i)
            item.put(
                "replicate", value, f"{len(members)} files of {key[0]} and {key[1]}{f' in {key[2]}' if key[2] else ''}"
            )
            if not key[2]:
                item.notes.append("no cell in its name: if the files are of two cells, write them into the column cell")


def name(rows: list[Item]) -> None:
    """Give each row an id, from the name of its file."""
    taken = set()
    for item in rows:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "_", item.said.stem).lstrip("_.-")[:56] or "dataset"
        name, i = base, 1
        while name.lower() in taken:
            name, i = f"{base}_{i + 1}", i + 1
        taken.add(name.lower())
        item.row["dataset"] = name
