"""The tables of the README, as Markdown, from the results of `make real`."""

from pathlib import Path

from tfbind import tables, transfer

RESULTS = Path(__file__).parents[2] / "results-real" / "results"
MODELS = ("deepbind", "bilstm_max", "regression")

summary = tables.read_tsv(RESULTS / "summary.tsv")
summary = summary[(summary["train_negatives"] == "standard") & (summary["test_negatives"] == "standard")]
print("| model | TFs | trained on ChIP-seq | trained on HT-SELEX | drop (95 % interval), points | p |")
print("| --- | --- | --- | --- | --- | --- |")
for row in summary.itertuples():
    drop = f"{100 * row.drop:.1f} ({100 * row.low:.1f} to {100 * row.high:.1f})"
    print(f"| `{row.model}` | {row.n_tf} | {row.same:.3f} | {row.cross:.3f} | {drop} | {row.p_value:.2g} |")

pairs = tables.read_tsv(RESULTS / "transfer.tsv")
libraries = tables.read_tsv(RESULTS / "libraries.tsv")
poor = libraries["dataset"][libraries["verdict"].str.startswith("poor")]
sound = transfer.summary(pairs[~pairs["source"].isin(poor)])
print(f"\nwithout the poor libraries ({', '.join(poor)}):\n")
for row in sound[(sound["train_negatives"] == "standard") & (sound["test_negatives"] == "standard")].itertuples():
    drop = f"{100 * row.drop:.1f} ({100 * row.low:.1f} to {100 * row.high:.1f})"
    print(f"| `{row.model}` | {row.n_tf} | {row.same:.3f} | {row.cross:.3f} | {drop} | {row.p_value:.2g} |")
into = (pairs["target_assay"] == "chipseq") & (pairs["source_assay"] == "htselex") & (pairs["shift"] == "assay")
pairs = pairs[into & (pairs["train_negatives"] == "standard") & (pairs["test_negatives"] == "standard")]
cells = pairs.set_index(["target", "model"])
print("\n| ChIP-seq test set | n | " + " | ".join(f"`{m}`: ChIP / SELEX whole / scanned" for m in MODELS) + " |")
print("| --- | --- |" + " --- |" * len(MODELS))
for target, part in pairs.groupby("target", sort=False):
    if ">" in part["tf"].iloc[0]:
        continue
    line = []
    part = part[part["tf"].str.contains(">") == False].set_index("model")  # noqa: E712
    for model in MODELS:
        whole, scan = part.loc[model], part.loc[f"{model}_scan"]
        line.append(f"{whole['same']:.3f} / {whole['cross']:.3f} / {scan['cross']:.3f}")
    print(f"| {target} | {part['n_positive'].iloc[0]} + {part['n_negative'].iloc[0]} | " + " | ".join(line) + " |")

metrics = tables.read_tsv(RESULTS / "metrics.tsv", dtype={"seed": str})
shown = metrics[(metrics["seed"] == "ensemble") & (metrics["metric"] == "auroc") & (metrics["comparison"] == "same")]
print("\n| `deepbind`, GATA3 ChIP-seq | tested against true shuffles | against pair shuffles |\n| --- | --- | --- |")
gata3 = shown[(shown["target"] == "GATA3_shsy5y") & (shown["model"] == "deepbind")]
gata3 = gata3.set_index(["train_negatives", "test_negatives"])["value"]
for label, name in (("standard", "true"), ("pairs", "pair")):
    values = " | ".join(f"{gata3[label, test]:.3f}" for test in ("standard", "pairs"))
    print(f"| trained against {name} shuffles | {values} |")

print("\n| yeast ChIP-exo, `genomic` negatives | n | `deepbind` | `bilstm_max` | `regression` | `composition` |")
print("| --- | --- | --- | --- | --- | --- |")
yeast = shown[(shown["test_negatives"] == "genomic") & (shown["train_negatives"] == "genomic")]
for target, part in yeast.groupby("target", sort=False):
    part = part.set_index("model")
    values = " | ".join(
        f"{part.loc[m, 'value']:.3f} ({part.loc[m, 'low']:.3f}-{part.loc[m, 'high']:.3f})"
        for m in (*MODELS, "composition")
    )
    count = f"{part['n_positive'].iloc[0]} + {part['n_negative'].iloc[0]}"
    print(f"| {target} | {count} | {values} |")
