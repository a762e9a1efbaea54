"""What a TF prefers: matrices of log-odds, and how strongly they bind a sequence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfbind import motifs
from tfbind.simulation import settings


@dataclass(frozen=True)
class Energies:
    """The binding energies of a TF in one experiment: those that a perfect model of it would learn.

    Parameters
    ----------
    motifs : Motifs
        M matrices, the ways in which the TF binds; the first is its own motif.
    names : tuple of str
        Under which `genome.plant` planted the sites of each.
    shares : tuple of float
        By which the odds of each matrix count; together 1.
    """

    motifs: motifs.Motifs
    names: tuple[str, ...]
    shares: tuple[float, ...] = (1.0,)

    @property
    def width(self) -> int:
        """Length of the longest matrix in bp."""
        return int(self.motifs.widths.max())

    def each(self) -> dict[str, motifs.Motifs]:
        """The matrices by the names of their planted sites."""
        return {name: self.motifs.take([number]) for number, name in enumerate(self.names)}

    def places(self, length: int) -> np.ndarray:
        """How many places each matrix has on both strands of a sequence.

        Parameters
        ----------
        length : int
            Of the sequence in bp.

        Returns
        -------
        (M,) int64
        """
        return 2 * (length - self.motifs.widths + 1)

    def odds(self, tokens: np.ndarray) -> np.ndarray:
        """Summed odds of all sites, on both strands and of all matrices.

        Parameters
        ----------
        tokens : (N, L) uint8
            Sequences at least as long as every matrix.

        Returns
        -------
        (N,) float64
            The occupancy at a concentration c is ``c * odds / (1 + c * odds)``.
        """
        return self.total(self.of_each(tokens))

    def of_each(self, tokens: np.ndarray) -> np.ndarray:
        """Summed odds of all sites of each matrix.

        Parameters
        ----------
        tokens : (N, L) uint8
            As of `odds`.

        Returns
        -------
        (N, M) float64
        """
        lse = motifs.score(tokens, self.motifs)[1].astype(float)
        return np.exp2(lse) * self.places(tokens.shape[1])

    def total(self, of_each: np.ndarray) -> np.ndarray:
        """The odds of all matrices together, by their shares.

        Parameters
        ----------
        of_each : (N, M) float64
            As `of_each` gives it.

        Returns
        -------
        (N,) float64
            What `odds` returns.
        """
        return (of_each * np.array(self.shares)).sum(1)


def occupied(odds: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Occupancy at the concentration at which `settings.BOUND` of a library is bound.

    Parameters
    ----------
    odds : (N,) float64
        As `Energies.odds` gives them.
    weight : (N,) float64
        Share of the library that each sequence stands for; together 1.

    Returns
    -------
    (N,) float64
        0 to 1.
    """
    low, high = -60.0, 60.0  # log2 of the concentration
    for _ in range(60):
        middle = (low + high) / 2
        bound = (weight * (odds / (odds + 2**-middle))).sum()
        low, high = (middle, high) if bound < settings.BOUND else (low, middle)
    return odds / (odds + 2**-low)


def of(name: str, motif: motifs.Motifs) -> Energies:
    """Energies of one matrix.

    Parameters
    ----------
    name : str
        Under which its sites are planted.
    motif : Motifs
        One matrix.

    Returns
    -------
    Energies
    """
    return Energies(motif, (name,))


def spaced(energies: Energies, share: float) -> Energies:
    """Energies with a second mode of binding: the halves of the matrix apart.

    Dimers and TFs of several domains bind so in some assays and not in others, which depends on their concentration,
    their partners and the construct; a model of one assay then lacks a motif of the other.

    Parameters
    ----------
    energies : Energies
        Of one matrix.
    share : float
        Share of the odds that goes to the second mode, 0 to 1.

    Returns
    -------
    Energies
        With `SPACER` bp without preference in the middle of the second matrix, named ``{name}_spaced``.
    """
    motif, (matrix,) = energies.motifs, energies.motifs.matrices
    middle = len(matrix) // 2
    apart = np.insert(matrix, [middle] * SPACER, 0, axis=0)
    return Energies(
        motifs.Motifs(motif.names * 2, (motif.ids[0], f"{motif.ids[0]}_spaced"), (matrix, apart), motif.species * 2),
        (energies.names[0], f"{energies.names[0]}_spaced"),
        (1 - share, share),
    )


#: bp between the halves of a matrix in `spaced`.
SPACER = 2


def sites(matrix: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Sites drawn at random from a motif.

    Parameters
    ----------
    matrix : (W, 4) float
        Log-odds in bits, columns A C G T.
    count : int
    rng : numpy Generator

    Returns
    -------
    (count, W) uint8
        Tokens.
    """
    share = np.exp2(matrix.astype(float))
    climb = (share / share.sum(1, keepdims=True)).cumsum(1)
    return (rng.random((count, len(matrix), 1)) > climb[:, :3]).sum(2).astype(np.uint8)


def best(tokens: np.ndarray, matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Centre of the best site of some matrices in each sequence, on either strand.

    Parameters
    ----------
    tokens : (N, L) uint8
        An unknown base scores the mean of its position.
    matrices : sequence of (W, 4) float
        Log-odds in bits.

    Returns
    -------
    (N,) int64
        In bp from the start of the sequence.
    """
    highest, centre = np.full(len(tokens), -np.inf), np.zeros(len(tokens), np.int64)
    for matrix in matrices:
        width = len(matrix)
        found = np.lib.stride_tricks.sliding_window_view(tokens, width, axis=1)
        for strand in (matrix, matrix[::-1, ::-1]):
            bits = np.concatenate([strand, strand.mean(1, keepdims=True)], 1).astype(float)
            score = sum(bits[i, found[:, :, i]] for i in range(width))
            better = score.max(1) > highest
            highest = np.maximum(highest, score.max(1))
            centre[better] = score.argmax(1)[better] + width // 2
    return centre
