"""The table of docs/method.md on what each assay taught, as Markdown, from the results of `make motifs`."""

from pathlib import Path

from tfbind.assays import printed
from tfbind.interpretation import logos
from tfbind.io import tables

RESULTS = Path(__file__).parents[2] / "results-motifs" / "results"

table = tables.read_tsv(RESULTS / "motifs.tsv", dtype={"seed": str, "filter": str})
print("| source | assay | sites | best match in JASPAR | q | own motif: rank, p | effect of filters like it |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for (source, assay), rows in table.groupby(["source", "source_assay"], sort=False):
    best, found = logos.headline(rows), logos.taught(rows)
    own = found.loc[found["kinship"] != "other", "importance"].sum()
    match = f"{best['match_tf']} {best['match']} ({best['kinship']})"
    rank = f"{best['own_rank']:.0f}, {best['own_p_value']:.0e}"
    line = [source, printed(assay), f"`{best['consensus']}`", match, f"{best['q_value']:.0e}", rank, f"{own:.0%}"]
    print("| " + " | ".join(line) + " |")
print()
for _, rows in table.groupby("tf", sort=False):
    for sentence in logos.told(rows):
        if sentence.startswith("Only"):
            print(f"- {rows['tf'].iloc[0]}: {sentence}")
