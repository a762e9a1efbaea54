"""References: known matrices, and simple models of short words. A network that these beat is not worth its training.

The logits of `Matrix`, `PWM` and `KMers` are in bits: log2 of the odds of bound to unbound. Like any logit they become
probabilities by the curve that is fitted on the source's validation rows (`platt`).
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from tfbind import dna, kmers, motifs
from tfbind.errors import NotEstimable
from tfbind.kernels import gapped
from tfbind.models import platt
from tfbind.models.estimator import SequenceEstimator, Validation, motif_state, motifs_of

_ROWS = 4096  # training sequences at a time, where their words need memory


class _Motif(SequenceEstimator):
    """One motif, and how its sites in a sequence become a score.

    Attributes
    ----------
    motifs_ : Motifs
        Of length 1; stored with the model, so that scoring needs no database and no file.
    """

    readout: str

    def features(self, sequences: Sequence[str]) -> np.ndarray:
        """Bits of each sequence.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N,) float64
            `maximum`: the best site of both strands. `occupancy`: log2 of the summed odds over all positions and both
            strands.
        """
        read = motifs.maxima if self.readout == "maximum" else motifs.occupancy
        return read(dna.encode(sequences), self.motifs_)[:, 0].astype(float)

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        return motif_state(self.motifs_)

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping) -> None:
        self.motifs_ = motifs_of(arrays, about)


class Matrix(_Motif):
    """A known matrix, from JASPAR or from a file; nothing is trained.

    Parameters
    ----------
    motif : str
        Name or matrix id; '' takes that of the TF. See `motifs.known`.
    file : path
        '' looks in JASPAR.
    readout : {"maximum", "occupancy"}
        Best site, or the log of the summed odds of all sites.
    tax_groups : sequence of str
        JASPAR taxonomic groups in which a name is looked up; empty tries all in turn.
    collection, release : str
        JASPAR collection and release.
    tf : str
        Name of the TF; the plan of the study gives it.
    """

    def __init__(
        self,
        motif: str = "",
        file: str = "",
        readout: str = "maximum",
        tax_groups: Sequence[str] = (),
        collection: str = "CORE",
        release: str = motifs.RELEASE,
        tf: str = "",
    ):
        self.motif = motif
        self.file = file
        self.readout = readout
        self.tax_groups = tax_groups
        self.collection = collection
        self.release = release
        self.tf = tf

    def _learn(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> None:
        self.motifs_ = motifs.known(self.tf, self.motif, self.file, self.tax_groups, self.collection, self.release)
        self.history_ = self._auroc(sequences, labels, validation)


class PWM(_Motif):
    """A position weight matrix that is counted, not fitted, as the field does for SELEX.

    The seed is the k-mer that is most enriched in the positives. Bases are counted at each of its positions over all
    sites, of either strand, that equal the seed at its other positions; at `flank` positions on either side over all
    sites that equal the seed. What the negatives lead to expect, for as many words, is subtracted. Flanks that hold
    less than `LEAST` bits are cut off (Jolma et al. 2010, Genome Research 20:861; 2013, Cell 152:327).

    Parameters
    ----------
    k : int
        Length of the seed in bp.
    flank : int
        Positions on either side of it, at most.
    readout : {"maximum", "occupancy"}
        Best site, or the log of the summed odds of all sites.

    Attributes
    ----------
    motifs_ : Motifs
        Its `id` is the seed.
    """

    #: Information in bits that a position at the end of the matrix holds.
    LEAST = 0.2

    def __init__(self, k: int = 8, flank: int = 6, readout: str = "maximum"):
        self.k = k
        self.flank = flank
        self.readout = readout

    def _learn(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> None:
        tokens = dna.encode(sequences)
        enriched = kmers.enrichment(tokens, labels, self.k)
        seed = int(enriched.argmax())
        if not enriched[seed] > 0:
            raise NotEstimable(f"no word of {self.k} bp is more frequent in positives than in negatives")
        word = np.array([seed >> 2 * (self.k - 1 - i) & 3 for i in range(self.k)], np.uint8)
        bound, unbound = (_sites(tokens[labels == label], word, self.flank) for label in (1, 0))
        counts = np.maximum(bound[0] - unbound[0] * (bound[1] / max(unbound[1], 1)), 0)
        # a flank without more sites than expected says nothing
        counts[counts.sum(1) == 0] = 1
        shares = counts / counts.sum(1, keepdims=True)
        information = 2 + np.where(shares > 0, shares * np.log2(np.where(shares > 0, shares, 1)), 0).sum(1)
        known = np.flatnonzero(information >= self.LEAST)
        start = min(known.min(initial=self.flank), self.flank)
        end = max(known.max(initial=0), self.flank + self.k - 1) + 1
        self.motifs_ = motifs.Motifs(
            ("counted",), tuple(dna.decode(word[None])), (motifs.log_odds(counts[start:end]),), ("",)
        )
        self.history_ = self._auroc(sequences, labels, validation)


def _sites(tokens: np.ndarray, word: np.ndarray, flank: int) -> tuple[np.ndarray, int]:
    # Bases (flank + k + flank, 4) around all sites of a word, see `PWM`, and the number of words looked at.
    k, counts, looked = len(word), np.zeros((len(word) + 2 * flank, 4), np.int64), 0
    for start in range(0, len(tokens), _ROWS):
        part = tokens[start : start + _ROWS]
        for strand in (part, dna.reverse_complement(part)):
            padded = np.pad(strand, ((0, 0), (flank, flank)), constant_values=dna.UNKNOWN)
            if padded.shape[1] < k + 2 * flank:
                continue
            around = np.lib.stride_tricks.sliding_window_view(padded, k + 2 * flank, axis=1)  # (n, S, k + 2 flank)
            core = around[:, :, flank : flank + k]
            looked += int((core < dna.UNKNOWN).all(2).sum())
            other = core != word
            differ = other.sum(2)
            near = differ == 1
            place, base = other[near].argmax(1), core[near][other[near]]
            np.add.at(counts, (flank + place[base < 4], base[base < 4]), 1)
            for i, column in enumerate(around[differ == 0].T):
                counts[i] += np.bincount(column, minlength=5)[:4]
    return counts, looked


class KMers(SequenceEstimator):
    """Enrichment of k-mers in the positives over the negatives.

    Parameters
    ----------
    k : int
        Length in bp.
    readout : {"maximum", "sum"}
        The highest enrichment among the k-mers of a sequence, or the sum over all of them.

    Attributes
    ----------
    bits_ : (4**k,) float64
        From `kmers.enrichment`.
    """

    def __init__(self, k: int = 8, readout: str = "maximum"):
        self.k = k
        self.readout = readout

    def _learn(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> None:
        tokens = dna.encode(sequences)
        if not (kmers.codes(tokens, self.k) >= 0).any():
            raise NotEstimable(f"no training sequence holds a known word of {self.k} bp")
        self.bits_ = kmers.enrichment(tokens, labels, self.k)
        self.history_ = self._auroc(sequences, labels, validation)

    def features(self, sequences: Sequence[str]) -> np.ndarray:
        """Bits of each sequence.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N,) float64
            0 without a known k-mer.
        """
        tokens = dna.encode(sequences)
        if self.readout == "maximum":
            return kmers.highest(tokens, self.bits_, self.k)
        return gapped.total(kmers.canonical(tokens, self.k), self.bits_)

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {"bits": self.bits_}, {}

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping) -> None:
        self.bits_ = arrays["bits"]


#: Hadamard's matrix of 4 bases: the first row is their mean, each other row a contrast.
_HADAMARD = np.kron([[1, 1], [1, -1]], [[1, 1], [1, -1]]) / 2


def _transform(values: np.ndarray) -> np.ndarray:
    # Walsh-Hadamard transform, its own inverse, of (4**k,) values by the code of a k-mer.
    for _ in range((len(values).bit_length() - 1) // 2):
        values = (_HADAMARD @ values.reshape(4, -1)).T.ravel()
    return values


class GappedKMers(SequenceEstimator):
    """Logistic regression on gapped k-mers, the features of gkm-SVM.

    The features are the counts of all words of `length` bp of which `k` positions are informative and the others may
    be any base, both strands counted together and scaled to a vector of length 1 (Ghandi et al. 2014, PLoS
    Computational Biology 10:e1003711). The weights of the gapped k-mers in a word add up to one weight for the word, so
    these 4^length are fitted, under the penalty that the weights of the gapped k-mers would have: no features are held.
    Strengths are tried from the smallest on, until the log loss on the validation sequences no longer falls; without
    such sequences the middle one is taken.

    Parameters
    ----------
    length : int
        Length of the words in bp.
    k : int
        Informative positions, at most `length`.
    strengths : sequence of float
        Values of C to choose from (scikit-learn's: a large one regularises little).

    Attributes
    ----------
    C_ : float
    weights_ : (4**length,) float64
        Of a word and its reverse complement, at the smaller code of both.
    intercept_ : float
    """

    def __init__(self, length: int = 8, k: int = 5, strengths: Sequence[float] = (0.1, 1.0, 10.0, 100.0)):
        self.length = length
        self.k = k
        self.strengths = strengths

    def _learn(self, sequences: Sequence[str], labels: np.ndarray, validation: Validation) -> None:
        from scipy.optimize import minimize  # imported here, since it loads slowly

        if self.k > self.length:
            raise NotEstimable(f"k: {self.k} informative positions do not fit into words of {self.length} bp")
        x = self._words(sequences)
        if not x.nnz:
            raise NotEstimable(f"no training sequence holds a known word of {self.length} bp")
        signs = np.where(labels == 1, 1.0, -1.0)
        rows = {"train": (x, labels)}
        strengths = sorted(self.strengths)
        if validation is not None and len(np.unique(validation[1])) == 2:
            rows["validation"] = self._words(validation[0]), np.asarray(validation[1])
        else:
            strengths = strengths[len(strengths) // 2 :][:1]
        turned, scale, back = kmers.turned(self.length), self._scale(), x.T.tocsr()

        def loss(found: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
            u = _transform(scale * found[:-1])
            margin = signs * (x @ (u + u[turned]) + found[-1])
            slope = -strength * signs * platt.sigmoid(-margin)
            v = back @ slope
            gradient = np.append(found[:-1] + scale * _transform(v + v[turned]), slope.sum())
            return 0.5 * found[:-1] @ found[:-1] + strength * np.logaddexp(0, -margin).sum(), gradient

        found = np.zeros(4**self.length + 1)
        history, best = [], (np.inf,)
        for strength in strengths:
            found = minimize(loss, found, (strength,), "L-BFGS-B", jac=True, options={"maxiter": 500}).x
            u = _transform(scale * found[:-1])
            weights, intercept = u + u[turned], float(found[-1])
            for split, (words, truth) in rows.items():
                logits = words @ weights + intercept
                value, area = log_loss(truth, platt.sigmoid(logits)), roc_auc_score(truth, logits)
                history += [(strength, split, "log_loss", value), (strength, split, "auroc", area)]
            if value >= best[0]:  # loss of the last split, validation where there is one; a weaker penalty costs time
                break
            best = (value, strength, weights, intercept)
        _, self.C_, self.weights_, intercept = best
        self.intercept_ = np.float64(intercept)
        self.history_ = pd.DataFrame(history, columns=["strength", "split", "metric", "value"])

    def _patterns(self) -> np.ndarray:
        return np.array(list(itertools.combinations(range(self.length), self.k)), np.int64)  # (P, k)

    def _scale(self) -> np.ndarray:
        # Two words share as many gapped k-mers as there are patterns at whose places they are equal. The matrix of
        # these numbers is diagonal after `_transform`: at a frequency that varies at `varying` places, each pattern
        # that holds these places counts 4^gaps. (4**length,) square roots of this diagonal.
        varying = np.array([0, 1, 1, 1])
        for _ in range(self.length - 1):
            varying = np.add.outer(varying, [0, 1, 1, 1])
        gaps = self.length - self.k
        held = np.array([math.comb(self.length - j, gaps) if j <= self.k else 0 for j in range(self.length + 1)])
        return np.sqrt(held[varying.ravel()] * 4.0**gaps)

    def _words(self, sequences: Sequence[str]):
        # Sparse (N, 4**length): counts of the words of each sequence over the length of its vector of gapped k-mers.
        from scipy.sparse import csr_array

        codes = self.features(sequences)
        row, place = np.nonzero(codes >= 0)
        values = (1 / self._lengths(codes))[row]
        return csr_array((values, (row, codes[row, place])), (len(codes), 4**self.length))

    def _lengths(self, codes: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(gapped.squares(codes, self.length, self._patterns()), 1))

    def features(self, sequences: Sequence[str]) -> np.ndarray:
        """Words of each sequence.

        Parameters
        ----------
        sequences : sequence of str

        Returns
        -------
        (N, M) int32
            See `kmers.canonical`.
        """
        return kmers.canonical(dna.encode(sequences), self.length)

    def _logits(self, features: np.ndarray) -> np.ndarray:
        return gapped.total(features, self.weights_) / self._lengths(features) + self.intercept_

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {"weights": self.weights_, "intercept": np.asarray(self.intercept_)}, {}

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping) -> None:
        self.weights_, self.intercept_ = arrays["weights"], arrays["intercept"]
