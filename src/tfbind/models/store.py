"""The folder of a stored model: its file names, its description, and whether its files are intact."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from tfbind.errors import InputError, NotEstimable
from tfbind.io import atomic, tables


def intact(path: str | os.PathLike, sha256: str | None) -> Path:
    """The path of a file, after a check that the file is as it was written.

    Parameters
    ----------
    path : path
    sha256 : str or None
        The SHA-256 written with the file. None, as for older models, accepts any content.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The file is missing or has another SHA-256.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: not found; train the model again, or copy its folder again")
    if sha256 not in (None, tables.digest(path)):
        fault = "damaged (its SHA-256 is not the one written with it)"
        raise InputError(f"{path}: {fault}; {atomic.AGAIN}, or copy the folder again")
    return path


def of_fold(folder: str | os.PathLike, fold: int) -> Path:
    """Where the models of a fold are: those of fold 0 in the folder itself, those of others in a folder within.

    Parameters
    ----------
    folder : path
        Of the model.
    fold : int
        From 0.

    Returns
    -------
    Path
        A folder like that of any model.
    """
    return Path(folder) / f"fold{fold}" if fold else Path(folder)


def final_of(folder: str | os.PathLike) -> Path:
    """Where the final model of an evaluated one is: ``results/final/...`` for ``results/models/...``.

    Raises
    ------
    InputError
        The folder is not one of a study, or there is no final model.
    """
    place = Path(folder).resolve()
    if len(place.parts) < 5 or place.parts[-4] not in ("models", "final"):
        raise InputError(
            f"{folder}: not results/models/DATASET/NEGATIVES/MODEL of a study; name its final model itself"
        )
    final = Path(*place.parts[:-4], "final", *place.parts[-3:])
    if not (final / DESCRIPTION).is_file():
        raise InputError(f"{final}: no final model; set `final: true` in the config and run the workflow")
    return final


def write_no_model(folder: str | os.PathLike, kind: str, reason: str) -> None:
    """Write the files of a model that could not be trained: `model.json` holds the reason, the others nothing.

    Parameters
    ----------
    folder : path
        Receives `model.safetensors`, `history.tsv` (both empty) and `model.json`.
    kind : str
        Of the model.
    reason : str
    """
    description = json.dumps({"versions": tables.versions(), "kind": kind, "reason": reason})
    for name, content in {"model.safetensors": "", "history.tsv": "", "model.json": description}.items():
        with atomic.replacing(Path(folder) / name) as temporary:
            temporary.write_text(content)


VERSION = 2
WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
EVALUATION = "evaluation.tsv"


def describe(folder: str | os.PathLike) -> dict:
    """The description of a stored model of any kind, network or not.

    Parameters
    ----------
    folder : path

    Returns
    -------
    dict
        The fields of `model.json`; `reason` is among them where training gave no model.

    Raises
    ------
    InputError
        `model.json` is missing, is not JSON, or names no kind.
    """
    path = Path(folder) / DESCRIPTION
    try:
        description = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: not found; give the folder of a trained model, never a file or a pickle") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON ({error}); train the model again") from error
    if not isinstance(description, dict) or "kind" not in description:
        raise InputError(f"{path}: names no model kind; train the model again")
    return description


def usable(folder: str | os.PathLike) -> dict:
    """The description of a stored model that can be used.

    Parameters
    ----------
    folder : path

    Returns
    -------
    dict
        The fields of `model.json`.

    Raises
    ------
    InputError
        `model.json` is missing, is not JSON, or names no kind.
    NotEstimable
        Training gave no model; the message holds the reason.
    """
    description = describe(folder)
    if "reason" in description:
        raise NotEstimable(f"{folder}: no model was trained: {description['reason']}")
    return description


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of format 1, whose head was a list of layers, under the names of format 2.

    Parameters
    ----------
    state : mapping of str to tensor

    Returns
    -------
    dict of str to tensor
        The same tensors.
    """
    last = "4" if "head.4.weight" in state else "1"
    names = {f"head.{last}.": "head.readout."} | ({"head.1.": "head.dense."} if last == "4" else {})
    return {names.get(name[:7], name[:7]) + name[7:]: value for name, value in state.items()}
