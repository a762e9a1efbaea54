"""Models to share: verified where they arrive, exported to ONNX, and described by a card.

A model's folder holds all that another user needs: `model.safetensors`, `model.json`, and after the evaluation
`MODEL.md` (the card) and `evaluation.tsv` (where it was tested, and how well it did).
"""

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tfbind import __version__, dna
from tfbind.assays import form
from tfbind.errors import InputError, NotEstimable, ResourceError
from tfbind.io import atomic, tables
from tfbind.models import predict, store
from tfbind.models.networks import MODELS, Network, trim
from tfbind.sequences import leakage, splits

CARD = "MODEL.md"
#: Largest difference of a logit that two machines or runtimes may have, absolute plus a share of the logit.
TOLERANCE = 1e-5
_OPSET = 18
_EVALUATION_COLUMNS = [
    *("model", "reading", "tf", "target", "target_assay", "shift", "comparison", "test_negatives", "metric"),
    *("value", "low", "high", "n_positive", "n_negative", "note"),
]


def verify(folder: str | os.PathLike) -> float:
    """Recompute the logits stored with a model and return the largest difference.

    Parameters
    ----------
    folder : path
        Of the model.

    Returns
    -------
    float
        Largest absolute difference between a logit computed here and the stored one.

    Raises
    ------
    InputError
        A difference is beyond `TOLERANCE`: the files are not those that were trained, or this machine computes
        differently. Also where the folder holds no model or a damaged one.
    NotEstimable
        The folder holds no logits to compare (format 1), or training gave no model.
    """
    description = store.usable(folder)
    check = description.get("check")
    if not check:
        raise NotEstimable(
            f"{folder}: holds no logits to recompute (format {description.get('format')}); train it again"
        )
    model = predict.stored(folder, "cpu")  # a GPU rounds the inputs of a convolution
    found = predict.score(model.model, dna.encode(check["sequences"]))  # (K, N)
    wanted = np.array([check["logits"][str(seed)] for seed in model.seeds])
    _compare(found, wanted, f"{folder}: the stored logits")
    return float(np.abs(found - wanted).max())


def _compare(found: np.ndarray, wanted: np.ndarray, what: str) -> None:
    if not np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE):
        raise InputError(
            f"{what} and those computed here differ by up to {np.abs(found - wanted).max():.3g}; "
            "copy the folder again, whole"
        )


class _Ensemble(torch.nn.Module):
    """The mean logit of the seeds, for any number of sequences of any length; NaN for one too short to be read."""

    def __init__(self, networks: list[Network]):
        super().__init__()
        self.networks = torch.nn.ModuleList(networks)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        shortest = self.networks[0].shortest
        # some ONNX operations fail on an empty batch or a short sequence: add a sequence, and padding
        rows = torch.cat([tokens, tokens.new_zeros(1, tokens.shape[1])])
        rows = torch.nn.functional.pad(rows, (0, 2 * shortest), value=dna.UNKNOWN)
        logits = torch.stack([network(rows) for network in self.networks]).mean(0)
        sizes = trim(rows)[1]
        return logits.masked_fill(sizes < shortest, torch.nan)[:-1]


def export(folder: str | os.PathLike, path: str | os.PathLike) -> float:
    """Write the mean logit of a network's seeds as one ONNX file and return the largest error of that file.

    The input `tokens` of the file is (N, L) uint8 (A 0, C 1, G 2, T 3, anything else and padding 4), its output `logit`
    (N,) float32, for any N and L, also 0. The logit is NaN for a sequence that holds fewer bp than the network reads
    (`shortest`); the network itself refuses such a sequence. The file is run in onnxruntime before it is kept.

    Parameters
    ----------
    folder : path
        Of the model.
    path : path
        ONNX file to write.

    Returns
    -------
    float
        Largest absolute difference between a logit of the file in onnxruntime and one of the network, over the
        sequences stored with the model (of a model of format 1, which holds none, over two fixed ones).

    Raises
    ------
    InputError
        The model is not a network, its files are damaged, or a difference is beyond `TOLERANCE`.
    NotEstimable
        Training gave no model.
    ResourceError
        onnx or onnxruntime is not installed.
    """
    description = store.usable(folder)
    if description["kind"] not in MODELS:
        raise InputError(f"{folder}: {description['kind']} is not a network; its arrays are plain in {store.WEIGHTS}")
    try:
        import onnx  # noqa: F401 (torch's exporter needs it)
        import onnxruntime
    except ImportError as error:
        raise ResourceError(f"{error.name} is not installed: pip install 'tfbind[export]'") from None
    ensemble = _Ensemble(predict.stored(folder, "cpu").model).eval()
    check = description.get("check", {"sequences": ["ACGT" * 8, "GATTACAGATTACAGATTACA"]})  # format 1 holds none
    probes = torch.from_numpy(dna.encode(check["sequences"]))
    with atomic.replacing(path) as temporary, warnings.catch_warnings(), torch.inference_mode():
        # the tracer cannot follow a test on values, and warns; the older exporter warns, but needs no further package
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        torch.onnx.export(
            ensemble,
            (probes,),
            str(temporary),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["tokens"],
            output_names=["logit"],
            dynamic_axes={"tokens": {0: "sequences", 1: "length"}, "logit": {0: "sequences"}},
        )
        session = onnxruntime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
        wanted, worst = ensemble(probes).numpy(), 0.0
        for rows in (slice(None), slice(0, 1), slice(0, 0)):
            found = session.run(None, {"tokens": probes[rows].numpy()})[0]
            _compare(found, wanted[rows], f"{path}: the logits of the network")
            worst = max(worst, float(np.abs(found - wanted[rows]).max(initial=0)))
    return worst


def evaluated(source: str, negatives: str, readings: Mapping[str, str], metrics: pd.DataFrame) -> pd.DataFrame:
    """The part of `metrics.tsv` that is about one trained model.

    Parameters
    ----------
    source, negatives : str
        Dataset and label of the negatives that it was trained on.
    readings : mapping of str to str
        Labels of the models that use its weights -> their `reading`.
    metrics : DataFrame
        `metrics.tsv`, of all targets.

    Returns
    -------
    DataFrame
        The rows of the ensemble alone, with the column `reading`; the columns of `evaluation.tsv`.
    """
    mine = metrics[
        (metrics["source"] == source)
        & (metrics["train_negatives"] == negatives)
        & metrics["model"].isin(list(readings))
        & (metrics["seed"] == "ensemble")
    ]
    return mine.assign(reading=mine["model"].map(readings))[_EVALUATION_COLUMNS].reset_index(drop=True)


def write_card(
    folder: str | os.PathLike,
    row: Mapping[str, str],
    files: Mapping[str, str],
    sequences: Mapping[str, str | os.PathLike],
    settings: Mapping,
    evaluation: pd.DataFrame,
) -> None:
    """Write `MODEL.md` and `evaluation.tsv`.

    Parameters
    ----------
    folder : path
        Of the model; where training gave none, the card says why.
    row : mapping
        The dataset's row of the sheet.
    files : mapping of str to str
        Source as written in the sheet -> the local file.
    sequences : mapping
        `positives` and `negatives` -> the tables that were trained on; `leaking` -> the rows left out of them.
    settings : mapping
        `sequence`, `split` and `negatives` (the options of the label) of the config.
    evaluation : DataFrame
        Result of `evaluated`.

    Raises
    ------
    InputError
        `model.json` is missing or damaged, or a table is damaged.
    """
    folder = Path(folder)
    tables.write_tsv(evaluation, folder / store.EVALUATION)
    with atomic.replacing(folder / CARD) as temporary:
        temporary.write_text(_card(store.describe(folder), row, files, sequences, settings, evaluation))


def _table(header: list[str], rows: list[list[object]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "/") for cell in line) + " |" for line in lines]


def _card(description, row, files, sequences, settings, evaluation) -> str:
    kind, extra = description["kind"], description.get("extra", {})
    final = extra.get("final")
    where = ", ".join(f"{key} {row[key]}" for key in ("assay", "cell", "lab", "replicate", "cycle") if row.get(key))
    made = "for" if kind == "matrix" else "trained on all rows of" if final else "trained on"
    lines = [f"# {row['tf']}: {kind} {made} {row['dataset']}", ""]
    if "reason" in description:
        return "\n".join([*lines, f"No model: {description['reason']}.", ""])
    seeds = len(description["seeds"])
    learnt = f"learnt from {where}"
    if kind == "matrix":
        known = description["motifs"]
        name, number = known["names"][0], known["ids"][0]
        learnt = f"by the known matrix {name} ({number}); the data below calibrate it and do not train it ({where})"
    lines += [
        f"Binding of {row['tf']} to DNA sequences, {learnt}. The score of a sequence is a logit, the "
        f"mean of {seeds} network(s) or fit(s) (`seeds`). Made by tfbind {__version__}, format "
        f"{description['format']}.",
        "",
        *(_is_final(final, kind) if final else []),
        "## Training data",
        "",
        *_table(["file", "SHA-256"], [[_public(source), tables.digest(path)] for source, path in files.items()]),
        "",
    ]
    read = {name: tables.read(sequences[name]) for name in ("positives", "negatives")}
    if final:
        counts = [[name, final[f"n_{name[:-1]}"], tables.digest(sequences[name])] for name in read]
        header, left_out = ["sequences", "trained on", "SHA-256 of the table"], "no row is left out of training"
    else:
        whole = {name: splits.of_fold(table, 0) for name, table in read.items()}
        *trained, left_out = leakage.without(*whole.values(), tables.read(sequences["leaking"], leakage.LEAKING))
        counts, header = [], ["sequences", *tables.SPLITS, "SHA-256 of the table"]
        for (name, table), kept in zip(whole.items(), trained, strict=True):
            held = [int((kept["split"] == part).sum()) for part in ("train", "validation")]
            counts.append([name, *held, int((table["split"] == "test").sum()), tables.digest(sequences[name])])
    lines += [
        *_table(header, counts),
        "",
        f"{left_out[0].upper()}{left_out[1:]}.",
        "",
        f"Negatives: `{json.dumps(settings['negatives'])}`. Settings: `{json.dumps(description['options'])}`.",
        "",
        "## Held-out split" + (" of the evaluated model" if final else ""),
        "",
        _split(row, settings["split"], read["positives"]),
        "",
        "## Evaluation" + (" of the evaluated model" if final else ""),
        "",
        "On held-out rows only. `same`: the test split of its own dataset; `cross`: another experiment. All values, "
        f"with AUPRC and recall: `{store.EVALUATION}`.",
        "",
        *_table(
            ["target", "assay", "comparison", "reading", "against", "AUROC", "interval", "n", "note"],
            [
                [
                    *(r.target, r.target_assay, r.comparison, r.reading, r.test_negatives, _number(r.value)),
                    *(_interval(r.low, r.high), f"{r.n_positive} + {r.n_negative}", "" if pd.isna(r.note) else r.note),
                ]
                for r in evaluation[evaluation["metric"] == "auroc"].itertuples()
            ],
        ),
        "",
        "## Limits",
        "",
    ]
    if known := extra.get("domain"):
        (short, long), (low, high) = known["length"], known["gc"]
        lines.append(
            f"- Trained on sequences of {short:g} to {long:g} bp with {low:.0%} to {high:.0%} G and C; what lies "
            "outside is flagged by `tfbind score`."
        )
    if curve := extra.get("calibration"):
        lines.append(
            f"- Probabilities (logistic of {curve['slope']:.4g} logit + {curve['intercept']:.4g}) hold for the "
            f"validation rows of this dataset, {curve['n_positive']} positives and {curve['n_negative']} negatives; a "
            "genome holds far fewer bound sites." + (" The curve is that of the evaluated model." if final else "")
        )
    auroc = evaluation[(evaluation["metric"] == "auroc") & evaluation["value"].notna()]
    tested = sorted(set(auroc["target_assay"]))
    lines += [
        f"- Evaluated on {', '.join(tested) or 'nothing that could be estimated'}; for any other use its performance "
        "is not known.",
        "- It scores sequence alone: not chromatin, not cofactors, not concentration.",
        "",
        "## Use",
        "",
        "`tfbind verify FOLDER` recomputes stored logits; `tfbind score FOLDER --fasta FILE` scores; "
        "`tfbind export FOLDER --onnx FILE` writes ONNX. Ten lines read it without tfbind: docs/sharing.md.",
        "",
    ]
    if not final:
        place = "/".join(str(extra[key]) for key in ("dataset", "negatives", "model") if key in extra)
        lines[-1:] = [
            f"With `final: true` in the config, the model of all rows is `results/final/{place}`; `tfbind score FOLDER "
            "--final` uses it.",
            "",
        ]
    return "\n".join(lines)


def _is_final(final: Mapping, kind: str) -> list[str]:
    if kind == "matrix":
        same = (
            f"**This is the final model.** It is the evaluated model `{final['evaluated']}`: a matrix is not trained."
        )
        return [same, ""]
    epochs = f" and for {final['epochs']} epochs, the median over its seeds" if "epochs" in final else ""
    return [
        "**This is the final model.** It was trained on all rows of its dataset after the evaluated model "
        f"`{final['evaluated']}` had been tested, with its settings{epochs}. Rows that tested or chose the evaluated "
        "model trained this one, as did those that were left out for being in the test set of another dataset: no row "
        "is left to judge "
        "it. The evaluation below is that of the evaluated model, and is what justifies this one.",
        "",
    ]


def _split(row: Mapping[str, str], split: Mapping, positives: pd.DataFrame) -> str:
    if row.get("test_path"):
        return f"Tested on {_public(row['test_path'])} alone, which never trains."
    placed = bool(positives["chrom"].notna().any()) and not splits.in_blocks(positives, split)
    if (splits.folds(positives) >= 0).any():
        how = "chromosome" if placed else "similar sequences" if splits.by_cluster(split) else "a hash of the sequence"
        return (
            f"In {split['folds']} folds by {how}. This is the model of fold 0, validated on fold 1 and trained on the "
            "others; the models of the other folds are in the folders within. The evaluation is that of all folds "
            "together."
        )
    if placed:
        validation, test = (", ".join(split[part]) or "none" for part in ("validation", "test"))
        return f"By chromosome: {validation} for validation, {test} for the test; the others train."
    how = "clusters of similar sequences" if splits.by_cluster(split) else "a strand-blind hash of the sequence"
    if form(row["assay"]) == "intensities":  # as all probes overlap others of their design
        return f"By {how}: {split['validation_fraction']:.0%} for validation. No other array design tests it."
    return f"By {how}: {split['validation_fraction']:.0%} for validation, {split['test_fraction']:.0%} for the test."


def _public(source: str) -> str:
    """A URL as it is; of a local path the file name alone, since the rest is private."""
    return source if "://" in source else Path(source).name


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def _interval(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"{low:.3f} to {high:.3f}"
