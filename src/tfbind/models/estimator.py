"""What every model that is not a network has in common: the form of scikit-learn's estimators, over sequences."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import check_is_fitted

from tfbind import motifs
from tfbind.errors import NotEstimable
from tfbind.models import platt

_ROWS = 4096
Validation = tuple[Sequence[str], Sequence[int]] | None


class SequenceEstimator(ClassifierMixin, BaseEstimator):
    """A model of sequences; a subclass defines `_learn`, `features`, `_state` and `_restore`."""

    _kept = None

    def fit(self, sequences: Sequence[str], labels, validation: Validation = None):
        """Fit on the training sequences; choose between settings, where there are several, on the validation sequences.

        Parameters
        ----------
        sequences : sequence of str
        labels : (N,) int
            1 positive, 0 negative.
        validation : (sequences, labels), optional

        Returns
        -------
        The estimator itself.

        Raises
        ------
        NotEstimable
            `labels` does not hold both 0 and 1, or nothing can be learnt from these sequences.

        Attributes
        ----------
        history_ : DataFrame
            Columns `split`, `metric`, `value`; `strength` where several were tried.
        classes_ : (2,) array
        window_ : int
            The commonest length of a training sequence in bp, the shortest among equals.
        """
        labels = np.asarray(labels)
        if set(np.unique(labels)) != {0, 1}:
            raise NotEstimable("training needs rows of both labels, 0 and 1")
        self.classes_ = np.array([0, 1])
        self.window_ = int(np.bincount([len(sequence) for sequence in sequences]).argmax())
        self._learn(sequences, labels, validation)
        return self

    def decision_function(self, sequences: Sequence[str]) -> np.ndarray:
        """Logits of sequences.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N,) float64
            A sequence's logit does not depend on the sequences beside it.

        Raises
        ------
        NotFittedError
            Before `fit`; it is a ValueError of scikit-learn.
        """
        check_is_fitted(self)
        return logits([self], sequences)[0]

    def predict_proba(self, sequences: Sequence[str]) -> np.ndarray:
        """Probabilities of the classes 0 and 1.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N, 2) float64
            From the logit as it is, not calibrated.

        Raises
        ------
        NotFittedError
            Before `fit`; it is a ValueError of scikit-learn.
        """
        positive = platt.sigmoid(self.decision_function(sequences))
        return np.stack([1 - positive, positive], 1)

    def predict(self, sequences: Sequence[str]) -> np.ndarray:
        """Class of each sequence.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N,) int
            1 where the logit is positive, else 0.

        Raises
        ------
        NotFittedError
            Before `fit`; it is a ValueError of scikit-learn.
        """
        return self.classes_[(self.decision_function(sequences) > 0).astype(int)]

    def _learn(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> None:
        """Fit; sets `history_` and all that `_logits` reads."""
        raise NotImplementedError

    def _logits(self, features: np.ndarray) -> np.ndarray:
        """(N,) float64 from what `features` gave, each from its own row alone; by default the feature itself."""
        return features

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        """All that `_logits` reads: arrays by name, and what JSON can hold."""
        raise NotImplementedError

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping) -> None:
        """Set what `_state` gave."""
        raise NotImplementedError

    def _same_features(self, other: "SequenceEstimator") -> bool:
        """Whether both compute the same features: by default only the object itself; a subclass compares settings."""
        return self is other

    def _auroc(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> pd.DataFrame:
        # `history_` of a model without settings to choose from.
        rows = {"train": (sequences, labels)}
        if validation is not None and len(np.unique(validation[1])) == 2:
            rows["validation"] = validation
        found = [(split, "auroc", roc_auc_score(y, logits([self], x)[0])) for split, (x, y) in rows.items()]
        return pd.DataFrame(found, columns=["split", "metric", "value"])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        tags.target_tags.single_output = True
        return tags


def logits(estimators: Sequence[SequenceEstimator], sequences: Sequence[str]) -> list[np.ndarray]:
    """Logits of the same sequences by several fitted estimators; features that they share are computed once.

    Parameters
    ----------
    estimators : sequence of SequenceEstimator
    sequences : sequence of str

    Returns
    -------
    list of (N,) float64
        One per estimator, equal to its `decision_function`.
    """
    found = [np.empty(len(sequences)) for _ in estimators]
    for start in range(0, len(sequences), _ROWS):
        part, left = slice(start, start + _ROWS), list(range(len(estimators)))
        while left:
            first = estimators[left[0]]
            alike = [i for i in left if first._same_features(estimators[i])]
            features = first.features(sequences[part])
            for i in alike:
                found[i][part] = estimators[i]._logits(features)
            left = [i for i in left if i not in alike]
    return found


def motif_state(found: motifs.Motifs) -> tuple[dict[str, np.ndarray], dict]:
    """Motifs as arrays and what JSON can hold, for a model's `_state`.

    Parameters
    ----------
    found : Motifs

    Returns
    -------
    arrays : dict of str to array
        `motifs`: all matrices one below the other; `widths` of each, in bp.
    about : dict
        `motifs`: their names, ids and species.
    """
    arrays = {"motifs": np.concatenate(found.matrices), "widths": np.array([len(matrix) for matrix in found.matrices])}
    return arrays, {"motifs": {"names": found.names, "ids": found.ids, "species": found.species}}


def motifs_of(arrays: Mapping[str, np.ndarray], about: Mapping) -> motifs.Motifs:
    """The motifs that `motif_state` gave.

    Parameters
    ----------
    arrays : mapping of str to array
    about : mapping

    Returns
    -------
    Motifs
    """
    matrices = np.split(arrays["motifs"], np.cumsum(arrays["widths"])[:-1])
    known = about["motifs"]
    return motifs.Motifs(tuple(known["names"]), tuple(known["ids"]), tuple(matrices), tuple(known["species"]))
