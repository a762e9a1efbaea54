"""Baselines without a network: known motifs in a regularised regression, and composition alone.

`Regression` is the method that won ENCODE-DREAM, without its accessibility features: it shows how well motifs that are
already known do. `Composition` shows how well a model does that sees no motif at all.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from tfbind import dna, motifs
from tfbind.errors import InputError, NotEstimable
from tfbind.io import atomic, tables
from tfbind.kmers import composition
from tfbind.models import applicability, platt, store
from tfbind.models.estimator import SequenceEstimator, Validation, motif_state, motifs_of
from tfbind.models.references import PWM, GappedKMers, KMers, Matrix

FORMAT = 1
_ROWS = 4096
_PADDING = bytes([dna.UNKNOWN])


class _Logistic(SequenceEstimator):
    """Logistic regression with an L2 penalty on standardised features; a subclass defines the features.

    The strength is the one with the lowest log loss on the validation sequences; among equals the one that regularises
    most. Without validation sequences of both classes it is the middle one of `strengths`.

    Attributes
    ----------
    C_ : float
        The strength chosen (scikit-learn's C: a large one regularises little).
    history_ : DataFrame
        Columns `strength`, `split`, `metric`, `value`: log loss and AUROC of each strength tried.
    coef_, intercept_, mean_, scale_ : (F,), (), (F,), (F,) float64
    """

    def _learn(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> None:
        self._prepare()
        features = self.features(sequences)
        self.mean_ = features.mean(0, dtype=np.float64)
        scale = features.std(0, dtype=np.float64)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        features -= self.mean_.astype(features.dtype)
        features /= self.scale_.astype(features.dtype)
        rows = {"train": (features, labels)}
        strengths = sorted(self.strengths)
        if validation is not None and len(np.unique(validation[1])) == 2:
            chosen = (self.features(validation[0]) - self.mean_) / self.scale_
            rows["validation"] = (chosen.astype(features.dtype), np.asarray(validation[1]))
        else:
            strengths = strengths[len(strengths) // 2 :][:1]
        regression = LogisticRegression(solver="lbfgs", warm_start=True, max_iter=2000)
        history, best = [], (np.inf,)
        for strength in strengths:
            regression.set_params(C=strength).fit(features, labels)
            coefficients, intercept = regression.coef_[0].astype(np.float64), float(regression.intercept_[0])
            for split, (values, truth) in rows.items():
                logits = _product(values, coefficients) + intercept
                loss, area = log_loss(truth, platt.sigmoid(logits)), roc_auc_score(truth, logits)
                history += [(strength, split, "log_loss", loss), (strength, split, "auroc", area)]
            if loss < best[0]:  # loss of the last split: validation where there is one
                best = (loss, strength, coefficients, intercept)
        _, self.C_, self.coef_, intercept = best
        self.intercept_ = np.float64(intercept)
        self.history_ = pd.DataFrame(history, columns=["strength", "split", "metric", "value"])

    def _logits(self, features: np.ndarray) -> np.ndarray:
        return _product((features - self.mean_) / self.scale_, self.coef_) + self.intercept_

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {name: np.asarray(getattr(self, f"{name}_")) for name in ("coef", "intercept", "mean", "scale")}, {}

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping) -> None:
        for name in ("coef", "intercept", "mean", "scale"):
            setattr(self, f"{name}_", arrays[name])

    def _prepare(self) -> None:
        """Read what the features need besides the sequences."""


class Composition(_Logistic):
    """Logistic regression on k-mer shares, strands counted together: how well composition alone does.

    Against true dinucleotide shuffles its AUROC is exactly 0.5 at k <= 2, whatever the data. A higher AUROC in a table
    means that the composition of the negatives differs, and says nothing about binding.

    Parameters
    ----------
    k : int
        Longest k-mer in bp.
    strengths : sequence of float
        Values of C to choose from.
    """

    def __init__(self, k: int = 2, strengths: Sequence[float] = (0.001, 0.01, 0.1, 1.0)):
        self.k = k
        self.strengths = strengths

    def _same_features(self, other: SequenceEstimator) -> bool:
        return type(self) is type(other) and self.k == other.k

    def features(self, sequences: Sequence[str]) -> np.ndarray:
        """Shares of the k-mers of each sequence.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N, F) float64
            F = 2, 12, 44 for k = 1, 2, 3; see `tfbind.kmers.composition`.
        """
        return composition(dna.encode(sequences), self.k)


class Kept:
    """Motif scores that are computed once for some sequences: fits against several negative sets share their positives.

    Parameters
    ----------
    sequences : column of sequences
        Their scores are kept: 8 bytes for each sequence and motif.
    """

    def __init__(self, sequences: pd.Series):
        self.tokens = dna.encode(sequences)
        self.rows = {row.tobytes().rstrip(_PADDING): i for i, row in enumerate(self.tokens)}
        self.motifs = self.scores = None

    def score(self, tokens: np.ndarray, known: motifs.Motifs) -> tuple[np.ndarray, np.ndarray]:
        """Best site and mean odds of each motif, like `motifs.score`; the kept sequences are scored only once.

        Parameters
        ----------
        tokens : (N, L) uint8
            Any sequences, kept or not.
        known : Motifs
            Other motifs than in the call before: the kept sequences are scored again.

        Returns
        -------
        maxima, lse : (N, M) float32
            Bits.
        """
        if self.motifs is None or not self.motifs.same(known):
            self.motifs, self.scores = known, motifs.score(self.tokens, known)
        place = np.array([self.rows.get(row.tobytes().rstrip(_PADDING), -1) for row in tokens], int)
        others = motifs.score(tokens[place < 0], known)
        found = []
        for kept, other in zip(self.scores, others, strict=True):
            both = kept[place]
            both[place < 0] = other
            found.append(both)
        return tuple(found)


class Regression(_Logistic):
    """Logistic regression on known motifs and composition.

    The features are, for each motif, the best site and the log of the mean odds over the sequence
    (`tfbind.motifs.score`), as in the winning entry of ENCODE-DREAM (Keilwagen, Posch and Grau 2019, Genome Biology
    20:9), and the shares of k-mers.

    Parameters
    ----------
    tax_groups : sequence of str
        JASPAR taxonomic groups whose motifs are used.
    collection, release : str
        JASPAR collection and release.
    k : int
        Longest k-mer of the composition features in bp.
    strengths : sequence of float
        Values of C to choose from.

    Attributes
    ----------
    motifs_ : Motifs
        Stored with the model, so that scoring needs no database.
    """

    def __init__(
        self,
        tax_groups: Sequence[str] = ("vertebrates",),
        collection: str = "CORE",
        release: str = motifs.RELEASE,
        k: int = 2,
        strengths: Sequence[float] = (1e-4, 1e-3, 1e-2, 1e-1),
    ):
        self.tax_groups = tax_groups
        self.collection = collection
        self.release = release
        self.k = k
        self.strengths = strengths

    def _prepare(self) -> None:
        self.motifs_ = motifs.jaspar(self.tax_groups, self.collection, self.release)

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        arrays, about = motif_state(self.motifs_)
        return super()._state()[0] | arrays, about

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping) -> None:
        super()._restore(arrays, about)
        self.motifs_ = motifs_of(arrays, about)

    def _same_features(self, other: SequenceEstimator) -> bool:
        return type(self) is type(other) and self.k == other.k and self.motifs_.same(other.motifs_)

    def features(self, sequences: Sequence[str]) -> np.ndarray:
        """Motif features and k-mer shares of each sequence.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N, 2 M + F) float32
            Best site of each of the M motifs, log of the mean odds of each, shares of the F k-mers.
        """
        tokens = dna.encode(sequences)
        score = self._kept.score if self._kept else motifs.score
        maxima, lse = score(tokens, self.motifs_)
        return np.concatenate([maxima, lse, composition(tokens, self.k).astype(np.float32)], 1)


#: Values of `kind` in a model's config entry; the other keys of the entry are constructor arguments.
ESTIMATORS = {
    "regression": Regression,
    "composition": Composition,
    "matrix": Matrix,
    "kmers": KMers,
    "pwm": PWM,
    "gapped_kmers": GappedKMers,
}


def fit(
    kind: str,
    options: Mapping,
    positives: pd.DataFrame,
    negatives: pd.DataFrame,
    seed: int,
    folder: str | Path,
    extra: Mapping | None = None,
    kept: Kept | None = None,
):
    """Fit one estimator on a dataset and write its model files and `history.tsv`.

    Parameters
    ----------
    kind : str
        A key of `ESTIMATORS`.
    options : mapping
        Constructor arguments.
    positives, negatives : sequence tables
        Rows of split `train` are fitted, those of `validation` choose the strength and calibrate, `test` is not read.
        Of repeated draws of negatives only the first is used: a regression has no epochs in which to use the others.
    seed : int
        Recorded only: the fit is a convex problem with one answer.
    folder : path
        Receives `model.safetensors`, `model.json`, `history.tsv`.
    extra : mapping, optional
        Kept in `model.json`.
    kept : Kept, optional
        Motif scores of the positives, where they are fitted against several sets of negatives.

    Returns
    -------
    The fitted estimator; None where these rows cannot be fitted, with the reason in `model.json`.

    Raises
    ------
    InputError
        The options name a JASPAR release, collection or group that does not exist.
    """
    rows = pd.concat([positives, negatives], ignore_index=True)
    rows = rows[rows["draw"] <= 1]
    train, validation = (rows[rows["split"] == split] for split in ("train", "validation"))
    estimator = ESTIMATORS[kind](**options)
    estimator._kept = kept
    try:
        estimator.fit(
            train["sequence"].tolist(),
            train["label"].to_numpy(),
            (validation["sequence"].tolist(), validation["label"].to_numpy()),
        )
    except NotEstimable as reason:
        store.write_no_model(folder, kind, tables.note(positives) or tables.note(negatives) or str(reason))
        return None
    texts, labels = validation["sequence"].tolist(), validation["label"]
    notes = {"domain": applicability.describe(dna.encode(train["sequence"]))}
    notes["calibration"] = platt.calibrate(labels, estimator.decision_function(texts))
    estimator._kept = None
    save(folder, kind, options, estimator, seed, {**notes, **(extra or {})})
    history = estimator.history_
    metric = history["metric"]
    if "strength" in history:
        metric = metric + " C=" + history["strength"].map("{:g}".format)
    history = pd.DataFrame(
        {"seed": seed, "epoch": 0, "split": history["split"], "metric": metric, "value": history["value"]}
    )
    tables.write_tsv(history, Path(folder) / "history.tsv")
    return estimator


def save(folder: str | Path, kind: str, options: Mapping, estimator, seed: int, extra: Mapping | None = None) -> None:
    """Write `model.safetensors` (all arrays) and `model.json` (the rest); nothing is pickled.

    Parameters
    ----------
    folder : path
    kind : str
        A key of `ESTIMATORS`.
    options : mapping
        The constructor arguments of the config.
    estimator
        A fitted one.
    seed : int
        Recorded.
    extra : mapping, optional
        Anything that JSON can hold.
    """
    folder = Path(folder)
    arrays, told = estimator._state()
    options = dict(options)
    if options.get("file"):  # a path would tell a reader of the model nothing, and much of this machine
        options["file"] = Path(options["file"]).name
    about = {
        "format": FORMAT,
        "versions": tables.versions("numpy", "scikit-learn"),
        "kind": kind,
        "options": options,
        "seeds": [seed],
        "window": estimator.window_,
        "extra": dict(extra or {}),
        **({"strength": estimator.C_} if hasattr(estimator, "C_") else {}),
        "check": {"sequences": (probes := applicability.probes(estimator.window_))},
        **told,
    }
    about["check"]["logits"] = {seed: estimator.decision_function(probes).tolist()}
    # model.json is written last: a folder without it holds no model
    (folder / "model.json").unlink(missing_ok=True)
    with atomic.replacing(folder / "model.safetensors") as temporary:
        # safetensors writes the bytes in the order of the memory
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
    about["weights_sha256"] = tables.digest(folder / "model.safetensors")
    with atomic.replacing(folder / "model.json") as temporary:
        temporary.write_text(json.dumps(about, indent=1) + "\n")


def load(folder: str | Path) -> tuple[SequenceEstimator, dict]:
    """Read what `save` wrote.

    Parameters
    ----------
    folder : path

    Returns
    -------
    estimator : SequenceEstimator
        Fitted; its logits equal those of the saved one to the last bit.
    about : dict
        The fields of `model.json`.

    Raises
    ------
    InputError
        Another format or an unknown kind; `model.safetensors` is missing, unreadable or not as it was written.
    """
    path = Path(folder) / "model.json"
    about = json.loads(path.read_text())
    if about.get("format") != FORMAT or about.get("kind") not in ESTIMATORS:
        raise InputError(
            f"{path}: format {about.get('format')!r}, kind {about.get('kind')!r}; this version reads "
            f"format {FORMAT} of {', '.join(ESTIMATORS)}: train the model again"
        )
    weights = store.intact(Path(folder) / "model.safetensors", about.get("weights_sha256"))
    try:
        arrays = load_file(weights)
    except SafetensorError as error:
        raise InputError(f"{weights}: not a safetensors file ({error}); train the model again") from error
    estimator = ESTIMATORS[about["kind"]](**about["options"])
    estimator.classes_ = np.array([0, 1])
    estimator.window_ = about["window"]
    if "strength" in about:
        estimator.C_ = about["strength"]
    estimator._restore(arrays, about)
    return estimator, about


def _product(features: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    # BLAS rounds a row by its place in the matrix; a sum of its own gives equal features equal logits.
    return np.concatenate(
        [(features[start : start + _ROWS] * coefficients).sum(1) for start in range(0, max(len(features), 1), _ROWS)]
    )
