"""Clusters of similar sequences: repeats, paralogues and shifted windows, which must stay in one split."""

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.kernels import words

#: Distinct words of 16 bp that linked sequences share at least, as for `leakage.near`.
LEAST_WORDS = words.WINDOW
#: Comparisons of one sequence within one minimizer that may find nothing: of old repeats of a genome, whose copies have
#: diverged, thousands share a word and are not near-identical.
MOST_IN_VAIN = 2048


def clusters(sequences: pd.Series, share: float) -> tuple[np.ndarray, int]:
    """Clusters of near-identical sequences by single linkage, either strand.

    Two sequences are linked where they share at least `share` of the words of 16 bp of the one that has fewer, and
    `LEAST_WORDS` at least (see `kernels.words.near`). Equal ones are linked whatever their length.

    Parameters
    ----------
    sequences : Series of str, (N,)
    share : float

    Returns
    -------
    clusters : (N,) int64
        Of each sequence, the number of the first sequence of its cluster.
    given_up : int
        How often a sequence was not compared with all that share a minimizer (see `MOST_IN_VAIN`).
    """
    # equal sequences are compared once
    codes, distinct = pd.factorize(dna.canonicals(sequences))
    tokens = dna.encode(distinct.tolist())
    sizes = np.array([len(text) for text in distinct], np.int64)
    index = np.sort(words.entries(tokens, sizes))
    found, given_up = words.clusters(tokens, sizes, index, share, LEAST_WORDS, MOST_IN_VAIN)
    _, first = np.unique(codes, return_index=True)
    return first[found[codes]].astype(np.int64), int(given_up)
