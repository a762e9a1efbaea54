"""Motif maxima over windows, both strands: the features of the regression."""

import numpy as np
import torch

from benchmarks import inputs
from benchmarks.race import Side, case
from tfbind import dna, motifs

_ROWS = 2_000


def _inputs() -> tuple[np.ndarray, motifs.Motifs]:
    tokens, _ = inputs.examples("USF1_h1", _ROWS)
    return tokens, motifs.jaspar()


def _ours(tokens: np.ndarray, chosen: motifs.Motifs) -> Side:
    return Side(lambda: motifs.maxima(tokens, chosen), len(tokens))


@case("motif maxima, both strands", "torch conv1d and amax", 20)
def convolution():
    """Real peaks of USF1 and all JASPAR vertebrate motifs."""
    tokens, chosen = _inputs()
    one_hot = torch.from_numpy(np.eye(5, 4, dtype=np.float32)[tokens].transpose(0, 2, 1).copy())
    one_hot[torch.from_numpy(tokens == dna.UNKNOWN)[:, None].expand_as(one_hot)] = 0.25
    widths = np.array([len(matrix) for matrix in chosen.matrices])
    stacked = {}
    for width in np.unique(widths):
        forward = np.stack([chosen.matrices[i].T for i in np.flatnonzero(widths == width)])  # (C, 4, W)
        stacked[width] = torch.from_numpy(np.concatenate([forward, forward[:, ::-1, ::-1]]).copy())

    def peer(rows: int) -> np.ndarray:
        best = np.empty((rows, len(widths)), np.float32)
        with torch.inference_mode():
            for start in range(0, rows, 64):
                part = one_hot[start : min(start + 64, rows)]
                for width, weight in stacked.items():
                    found = torch.nn.functional.conv1d(part, weight).amax(-1).unflatten(1, (2, -1)).amax(1)
                    best[start : start + len(part), widths == width] = found.numpy()
        return best

    assert np.abs(motifs.maxima(tokens[:256], chosen) - peer(256)).max() <= 0.01  # bits
    return _ours(tokens, chosen), Side(lambda: peer(256), 256)


@case("motif maxima, both strands", "lightmotif on one long sequence", 8)
def lightmotif():
    """The same; the peer scores all windows as one sequence, whose windows are then reduced by numpy."""
    import lightmotif

    tokens, chosen = _inputs()
    known = (tokens < 4).all(1)
    tokens = tokens[known]
    few = tokens[:500]
    length = tokens.shape[1]
    striped = lightmotif.stripe("".join(dna.decode(few)))
    scorers = []
    for matrix in chosen.matrices:
        values = {base: matrix[:, k].tolist() for k, base in enumerate("ACGT")}
        forward = lightmotif.ScoringMatrix(values)
        scorers.append((len(matrix), (forward, forward.reverse_complement())))

    def peer() -> np.ndarray:
        best = np.empty((len(few), len(scorers)), np.float32)
        for column, (width, strands) in enumerate(scorers):
            found = [
                np.asarray(strand.calculate(striped)).ravel()[: few.size].reshape(-1, length)[:, : length - width + 1]
                for strand in strands
            ]
            best[:, column] = np.maximum(found[0].max(1), found[1].max(1))
        return best

    assert np.abs(motifs.maxima(few, chosen) - peer()).max() <= 0.01  # bits
    return _ours(tokens, chosen), Side(peer, len(few))
