"""Can a drop be foreseen without the target's labels? Simulated factors: ``python -m benchmarks.foresight``.

`TFS` are simulated (`tfbind simulate`) in both assays; of each the HT-SELEX model meets the peaks, and the workflow
writes `transferability.tsv`: the signs of each pair, and how far predictions leaving a factor out miss, beside the mean
drop. Writes `foresight.tsv` (what is said over factors) and `foresight.md`.
"""

import tempfile
from pathlib import Path

import pandas as pd
import yaml

from benchmarks import page, workflow
from tfbind.io import tables
from tfbind.simulation import simulate
from tfbind.statistics.over_tfs import EVERY_TF

TFS = ("USF1", "GATA3", "CTCF", "ELK1", "NFE2", "MYC", "TP53", "SPI1", "YY1", "NRF1", "GABPA", "MEF2A")


def study(folder: Path) -> None:
    """The demo's simulation with all factors, one network, and nothing but the signs."""
    simulate.study(folder, tfs=TFS)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["models"] = {"deepbind": {"kind": "deepbind", "reading": "scan"}, "composition": {"kind": "composition"}}
    config["transfer"] = {
        "unlabelled": {"models": ["deepbind"], "targets": ["chipseq"], "adaptations": ["both_strands"]}
    }
    for key in ("cells", "celltype"):
        config.pop(key, None)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def main() -> None:
    """Run, print and write."""
    with tempfile.TemporaryDirectory() as name:
        study(Path(name))
        workflow.snakemake(Path(name), "--cores", "all", "results/transferability.tsv")
        found = tables.read_tsv(Path(name) / "results" / "transferability.tsv")
    over = found[found["tf"] == EVERY_TF]
    said = over[["sign", "value", "low", "high", "n_tf", "p_value", "note"]]
    drops = found.loc[found["sign"] == "drop", "value"].astype(float)
    page.publish(
        "foresight",
        "Can the drop be foreseen?",
        "python -m benchmarks.foresight",
        f"{len(drops)} pairs of {len(TFS)} simulated factors, HT-SELEX to ChIP-seq; their drops in AUROC are "
        f"{drops.mean():.3f} in the mean, {drops.min():.3f} to {drops.max():.3f}. Columns as in `transferability.tsv` "
        "(docs/outputs.md).",
        pd.DataFrame(said),
    )
    print((page.HERE / "foresight.md").read_text())


if __name__ == "__main__":
    main()
