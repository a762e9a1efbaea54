"""The table of docs/quickstart.md, as Markdown, from the results of `make run`: tour.py [FOLDER]."""

import sys
from pathlib import Path

from tfbind.io import tables

RESULTS = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "results")


def line(*cells):
    """Print one row of the table."""
    print("| " + " | ".join(cells) + " |")


def read(name, **where):
    """The rows of a table whose columns hold these values."""
    table = tables.read_tsv(RESULTS / f"{name}.tsv")
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def one(name, **where):
    """The only such row."""
    (row,) = read(name, **where).to_dict("records")
    return row


def points(row):
    """A drop with its interval."""
    return "{:.1f} ({:.1f} to {:.1f})".format(*(100 * row[column] for column in ("drop", "low", "high")))


def said(tf, source, target, shift="assay", row=0):
    """A verdict with its drop."""
    found = read("verdicts", tf=tf, shift=shift, source_assay=source, target_assay=target).to_dict("records")[row]
    return f"{points(found)}: {found['verdict']}"


def value(metric="auroc", **where):
    """A value of metrics.tsv, of all seeds together."""
    return one("metrics", seed="ensemble", metric=metric, **where)["value"]


def crossing(source, target):
    """From how many target examples on a new network is better."""
    row = one("crossings", source=source, target=target, adaptation="retrain", against="direct")
    return f"{float(format(row['n_star'], '.2g')):.0f}"


def cell(method):
    """AuPRC of a method in the cell that trains none."""
    return f"{one('celltype', tf='USF1', method=method, metric='auprc')['value']:.2f}"


shift = {
    model: one("shifts", shift="assay", source_assay="htselex", target_assay="chipseq", model=model)
    for model in ("bilstm_scan", "composition")
}
rungs = [
    one("ladder", tf="all TFs", source_assay="chipseq", model="deepbind", rung=rung, target_assay=target)
    for rung, target in (("none", "chipseq"), ("cell", "chipseq"), ("assay", "htselex"))
]
column = [value(source=d, target="USF1_k562", model="deepbind") for d in ("USF1_k562", "USF1_hepg2", "USF1_selex")]
ece = [
    one("calibration", source="USF1_selex", target="USF1_k562", model="deepbind", adaptation=how, n_target=n)["ece"]
    for how, n in (("none", 0), ("temperature and bias", 64))
]
motif = read("motifs", tf="USF1", source="USF1_selex", model="deepbind", kinship="own").sort_values("filter").iloc[0]
weak = read("libraries")
weak = weak[weak["verdict"].str.startswith("weak")]
kept = tables.read_tsv(RESULTS / "positives" / "USF1_k562.log.tsv").set_index("reason")["count"]
line("section", "question", "in the demo")
line(*["---"] * 3)
line(
    "Answer",
    "Which model may be used where?",
    f"USF1, HT-SELEX to ChIP-seq: {said('USF1', 'htselex', 'chipseq')}. To another cell: "
    f"{said('USF1', 'chipseq', 'chipseq', 'cell')}. All three TFs, HT-SELEX to ChIP-seq: "
    f"{said('all TFs', 'htselex', 'chipseq')}",
)
line(
    "Assay to assay",
    "What does HT-SELEX to ChIP-seq cost, over all TFs?",
    f"`bilstm_scan`: {shift['bilstm_scan']['same']:.3f} to {shift['bilstm_scan']['cross']:.3f}, "
    f"p = {shift['bilstm_scan']['p_value']:.2f}, the smallest that three TFs can give. `composition`: "
    f"{shift['composition']['cross']:.3f}",
)
pairs = read("assay_pairs", model="best of its source").set_index("source_assay")
line(
    "Pairs of assays",
    "What does each direction cost, over the TFs with sound data?",
    f"HT-SELEX to ChIP-seq {points(pairs.loc['htselex'])}, ChIP-seq to HT-SELEX {points(pairs.loc['chipseq'])}",
)
line(
    "Other shifts",
    "And the other direction, another cell, laboratory, replicate?",
    "ChIP-seq to HT-SELEX, `bilstm_scan`: "
    + points(one("shifts", source_assay="chipseq", target_assay="htselex", model="bilstm_scan")),
)
line(
    "Ladder",
    "At which step is it lost?",
    "`deepbind` of ChIP-seq: {:.3f} on its own test, {:.3f} in another cell, {:.3f} on HT-SELEX".format(
        *(rung["auroc"] for rung in rungs)
    ),
)
line(
    "Source × target",
    "Which dataset differs from the others?",
    "`deepbind` on USF1_k562: {:.3f} trained there, {:.3f} in HepG2, {:.3f} on HT-SELEX".format(*column),
)
line(
    "Retraining",
    "How many target examples does a new network need to beat the source model?",
    f"from {crossing('CTCF_selex', 'CTCF_k562')} peaks on for CTCF, from "
    f"{crossing('GATA3_selex', 'GATA3_k562')} for GATA3",
)
line(
    "Calibration",
    "Are scores probabilities on the target?",
    "`deepbind`, USF1_selex to USF1_k562: calibration error {:.2f}; {:.2f} after recalibration on 64 "
    "target examples".format(*ece),
)
line(
    "Motifs",
    "What did the network learn?",
    f"the first such filter of USF1_selex: `{motif['consensus']}`, like {motif['match']} of {motif['match_tf']}",
)
line(
    "Libraries",
    "Are the data good enough?",
    ", ".join(f"{d} is {text.partition(';')[0]}" for d, text in weak[["dataset", "verdict"]].to_numpy()),
)
line(
    "Leaks",
    "Do training and test share sequences?",
    f"{read('audit')['n_removed'].sum():.0f} training sequences were left out",
)
line(
    "Other cells",
    "Where does the TF bind in a cell without ChIP-seq?",
    f"auPRC of `catchitt` {cell('catchitt')}, of the motif {cell('motif')}, of accessibility "
    f"{cell('accessibility')}, by chance {cell('chance')}",
)
line(
    "Kept and dropped",
    "What became of the input?",
    f"USF1_k562: of {kept['peaks']} peaks {kept['blacklist']} are in the blacklist, {kept['test']} are for the test",
)
