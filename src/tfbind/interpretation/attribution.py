"""Motifs that a trained model has learnt: what its filters respond to, and the sites that its scores depend on."""

import os
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from tfbind import dna
from tfbind.dna import UNKNOWN
from tfbind.interpretation import tomtom
from tfbind.interpretation.tomtom import SITES
from tfbind.kernels import detectors
from tfbind.models import networks, predict, store
from tfbind.models.networks import BiLSTM, DeepBind, Network
from tfbind.models.selection import Selection, occupancy

#: The smallest number of windows or sequences from which a motif is made.
FEWEST = 10
#: Number of best-scored sequences in which sites are searched for, and width of a site in bp.
TOP, SITE = 100, 24
#: Sequences per class on which the effect of a filter is measured, and number of motifs shown for a regression.
_ROWS, _STRONGEST = 128, 10
#: Number of sites that a motif of energies stands for.
_SHOWN = 100
#: Nodes of the integral. More are used if their sum differs from the mean logit by more than this share, since a
#: read-out with ReLUs has kinks between no response and the full one.
_NODES, _APART = (16, 32, 64, 128), 0.01
_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN], np.uint8)


def windows(network: Network, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest response of each filter to each sequence, on either strand, and the window it responds to.

    Parameters
    ----------
    network : DeepBind or BiLSTM
        Other networks have no entry in `_WINDOWS`.
    tokens : (N, L) uint8
        Sequences.

    Returns
    -------
    answers : (N, F) float32
        Response after the ReLU; 0 where a filter does not respond.
    windows : (N, F, W) uint8
        Tokens as the filter reads them: the reverse complement where the other strand responds more strongly. W is the
        filter's width in bp.
    """
    return _WINDOWS[type(network)](network, tokens)


def _of_deepbind(network: DeepBind, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = network.weight.shape[2]
    best, where = detectors.scan(tokens, network.weight.detach().numpy())
    padded = np.pad(tokens, ((0, 0), (width - 1, width - 1)), constant_values=UNKNOWN)
    places = sliding_window_view(padded, width, axis=1)  # (N, P, W)
    turned = where >= places.shape[1]
    found = places[np.arange(len(tokens))[:, None], np.where(turned, where - places.shape[1], where)]
    found = np.where(turned[..., None], _COMPLEMENT[found[..., ::-1]], found)
    return np.maximum(best + network.bias.detach().numpy(), 0), found


def _of_bilstm(network: BiLSTM, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    c, width = network.convolution, network.convolution.kernel_size[0] + 2
    forward, sizes = networks.trim(torch.from_numpy(tokens))
    answers, found = [], []
    with torch.inference_mode():
        for strand in (forward, networks.other_strand(forward, sizes)):
            answer = networks.pooled_words(strand, network.embedding.weight, c.weight, c.bias, 1).numpy()  # (S, N, F)
            places = sliding_window_view(strand.numpy(), width, axis=1)  # (N, S, W)
            answers.append(answer.max(0))
            found.append(places[np.arange(len(tokens))[:, None], answer.argmax(0)])
    turned = answers[1] > answers[0]
    return np.maximum(*answers), np.where(turned[..., None], found[1], found[0])


#: Networks whose filters can be read; for any other only the sites are given.
_WINDOWS = {DeepBind: _of_deepbind, BiLSTM: _of_bilstm}


def count(windows: np.ndarray) -> np.ndarray:
    """Number of each base at each position of aligned windows; unknown bases are not counted.

    Parameters
    ----------
    windows : (N, W) uint8
        Tokens.

    Returns
    -------
    (W, 4) int64
        Columns A C G T.
    """
    return (windows[..., None] == np.arange(4)).sum(0)


def contributions(network: Network, tokens: np.ndarray) -> np.ndarray:
    """What each filter adds to each logit, by integrated gradients (Sundararajan et al. 2017) from no response at all.

    Parameters
    ----------
    network : DeepBind or BiLSTM
        A trained network.
    tokens : (N, L) uint8
        Sequences.

    Returns
    -------
    (N, F) float64
        For one sequence the values add up to its logit minus the logit of a sequence to which no filter responds. The
        integral is approximate: averaged over the sequences, it agrees within 1 % of the mean size of these
        differences, unless even the finest grid does not reach this. If the read-out is linear, a value is weight times
        response.
    """
    if isinstance(network, DeepBind):
        answers = torch.from_numpy(windows(network, tokens)[0])
        return _integrated(lambda x: network.head(x, None), answers)
    forward, sizes = networks.trim(torch.from_numpy(tokens))
    both = []
    for strand in (forward, networks.other_strand(forward, sizes)):
        with torch.no_grad():
            answers = network.answers(strand)
        both.append(_integrated(lambda x: network.read(x, sizes), answers).sum(0))
    return np.mean(both, 0)


def _integrated(read: Callable[[Tensor], Tensor], x: Tensor) -> np.ndarray:
    # Gauss-Legendre nodes on [0, 1]; sequences are independent, so one backward pass is enough for all
    with torch.no_grad():
        difference = (read(x) - read(torch.zeros_like(x))).double().numpy()
    for count in _NODES:
        nodes, weights = np.polynomial.legendre.leggauss(count)
        total = torch.zeros(x.shape, dtype=torch.float64)
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            point = (x * node).requires_grad_()
            total += weight * torch.autograd.grad(read(point).sum(), point)[0]
        parts = (total * x).numpy()
        if abs(parts.sum() - difference.sum()) <= _APART * np.abs(difference).sum():
            break
    return parts


def mutagenesis(read: Callable[[np.ndarray], np.ndarray], tokens: np.ndarray) -> np.ndarray:
    """What each base adds to the logit: the logit minus the mean logit with each of the three other bases in its place.

    This is the mutation map of Alipanahi et al. (2015), averaged over the substitutions.

    Parameters
    ----------
    read : function
        (M, L) tokens -> logits (M,).
    tokens : (N, L) uint8
        Sequences.

    Returns
    -------
    (N, L) float64
        0 where the base is unknown.
    """
    effects = np.zeros(tokens.shape)
    for row, logit in enumerate(read(tokens)):  # one sequence at a time, to bound the memory
        places = np.flatnonzero(tokens[row] != UNKNOWN)
        mutants = np.tile(tokens[row], (3 * len(places), 1))
        others = (tokens[row, places, None] + np.arange(1, 4)) % 4  # (P, 3)
        mutants[np.arange(len(mutants)), places.repeat(3)] = others.ravel()
        effects[row, places] = logit - read(mutants).reshape(-1, 3).mean(1)
    return effects


def align(tokens: np.ndarray, effects: np.ndarray, width: int = SITE, rounds: int = 10) -> np.ndarray:
    """One site from each sequence, aligned by what their bases add to the logit.

    The strongest window of the first sequence is the start. Then, in turn, each sequence gives the window, on either
    strand, whose effects fit the mean of all windows best, and the mean is shifted so that its weight is in the
    middle.

    Parameters
    ----------
    tokens : (N, L) uint8
        At least one sequence.
    effects : (N, L) float64
        Effect of each base, from `mutagenesis`.
    width : int
        Width of a window in bp; it may reach beyond the ends. Default 24.
    rounds : int
        Rounds of alignment, at least 1.

    Returns
    -------
    (N, width) uint8
        Tokens of the sites, on the strand that fits; unknown beyond the ends.
    """
    reach = ((0, 0), (width - 1, width - 1))
    padded = np.pad(tokens, reach, constant_values=UNKNOWN)
    known = (padded[..., None] == np.arange(4)) * np.pad(effects, reach)[..., None]  # (N, L', 4)
    strands = [known, known[:, ::-1, ::-1]]
    places = [sliding_window_view(strand, (width, 4), axis=(1, 2))[:, :, 0] for strand in strands]  # (N, P, W, 4) views
    rows, strand, p = np.arange(len(tokens)), None, None
    mean = places[0][0, places[0][0].sum((1, 2)).argmax()]  # (W, 4)
    for _ in range(rounds):
        fit = np.concatenate([np.einsum("npwb,wb->np", views, mean) for views in places], 1)
        strand, p = np.divmod(fit.argmax(1), places[0].shape[1])
        mean = np.where(strand[:, None, None], places[1][rows, p], places[0][rows, p]).mean(0)
        weight = np.maximum(mean, 0).sum(1)
        middle = (weight * np.arange(width)).sum() / max(weight.sum(), 1e-12)
        shift = round((width - 1) / 2 - middle)
        mean = np.roll(mean, shift, 0)
        mean[: max(shift, 0)] = 0
        mean[width + min(shift, 0) :] = 0
    text = np.stack([padded, _COMPLEMENT[padded[:, ::-1]]], 1)  # (N, 2, L')
    return sliding_window_view(text, width, axis=2)[rows, strand, p]


def learnt(
    folder: str | os.PathLike, positives: pd.DataFrame, negatives: pd.DataFrame, reading: str = "whole"
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Motifs of a stored model, from the test sequences of its own source.

    Parameters
    ----------
    folder : path
        Folder of the model.
    positives, negatives : sequence table
        Only their test sequences are used; at least 10 of each are needed.
    reading : {"whole", "scan", "occupancy", "embed"}
        How the model reads whole sequences.

    Returns
    -------
    table : DataFrame
        Columns `tomtom.LEARNT`, one row per motif: each filter of each seed (each mode of a `selection`), and the
        `SITES` of the ensemble; for a regression its strongest motifs. `effect` is the mean that it adds to the logit
        of a positive, minus the mean for a negative (of a mode, as if there were no other); `importance` is its share
        of the difference of the mean logits, NaN where positives do not score higher. A motif that cannot be given has
        its reason in `note`.
    motifs : dict of str to (W, 4) float64
        Shares of the bases by ``seed.filter``. Empty if the model was not trained or there are too few sequences.

    Raises
    ------
    InputError
        If the folder has no readable model.
    """
    networks.one_thread()
    description = store.describe(folder)
    reason = description.get("reason", "")
    bound, unbound = (dna.encode(table["sequence"][table["split"] == "test"]) for table in (positives, negatives))
    if not reason and min(len(bound), len(unbound)) < FEWEST:
        reason = f"{len(bound)} positives and {len(unbound)} negatives in the test rows; {FEWEST} of each are needed"
    if reason:
        return pd.DataFrame([{"note": reason}], columns=tomtom.LEARNT), {}
    if description["kind"] not in networks.MODELS:
        rows, found = _of_regression(folder, bound, unbound)
    else:
        rows, found = [], {}
        for seed, network in networks.load(folder).items():
            if type(network) in _WINDOWS:
                network.requires_grad_(False)  # only gradients of the responses are needed
                rows += _of_filters(network, str(seed), bound, unbound, found)
            elif isinstance(network, Selection):
                rows += _of_modes(network, str(seed), bound, unbound, found)
        rows.append(_of_sites(folder, bound, reading, found))
    return pd.DataFrame(rows, columns=tomtom.LEARNT), found


def _spread(tokens: np.ndarray) -> np.ndarray:
    """At most `_ROWS` sequences, evenly spaced."""
    return tokens[np.unique(np.linspace(0, len(tokens) - 1, min(len(tokens), _ROWS)).astype(int))]


def _of_filters(network: Network, seed: str, bound: np.ndarray, unbound: np.ndarray, found: dict) -> list[dict]:
    effects = [contributions(network, _spread(tokens)).mean(0) for tokens in (bound, unbound)]
    effect = effects[0] - effects[1]
    answers, sites = windows(network, bound)
    lines = []
    for i, answer in enumerate(answers.T):
        chosen = (answer > 0) & (answer >= answer.max() / 2)
        line = {"seed": seed, "filter": str(i), "n_sites": int(chosen.sum()), "effect": effect[i]}
        line |= {"importance": _share(effect[i], effect.sum())}
        lines.append(line | _motif(sites[chosen, i], f"{seed}.{i}", found))
    return lines


def _of_modes(network: Selection, seed: str, bound: np.ndarray, unbound: np.ndarray, found: dict) -> list[dict]:
    # the energies are the motif: no window has to be chosen
    with torch.inference_mode():
        table, shares = network.table(), network.motif().double().numpy()
        sums = [occupancy(torch.from_numpy(tokens), table, network.overhang).double() for tokens in (bound, unbound)]
    effects = network.head.rounds * (sums[0].mean(1) - sums[1].mean(1)).numpy()
    lines = []
    for mode, effect in enumerate(effects):
        line = {"seed": seed, "filter": str(mode), "effect": effect, "importance": _share(effect, effects.sum())}
        lines.append(line | _shown(_SHOWN * shares[mode], f"{seed}.{mode}", found))
    return lines


def _of_sites(folder: str | os.PathLike, bound: np.ndarray, reading: str, found: dict) -> dict:
    stored = predict.stored(folder)

    def read(tokens: np.ndarray) -> np.ndarray:
        return predict.score(stored.model, tokens, reading, stored.window, chain=stored.chain).mean(0)

    best = bound[np.argsort(-read(bound), kind="stable")[:TOP]]
    sites = align(best, mutagenesis(read, best))
    line = {"seed": "ensemble", "filter": SITES, "n_sites": len(sites)}
    return line | _motif(sites, f"ensemble.{SITES}", found)


def _motif(sites: np.ndarray, name: str, found: dict) -> dict:
    if len(sites) < FEWEST:
        return {"note": f"fewer than {FEWEST} windows"}
    return _shown(count(sites), name, found)


def _shown(counts: np.ndarray, name: str, found: dict) -> dict:
    share = tomtom.shares(tomtom.trim(counts))
    if tomtom.core(share) < tomtom.BITS:
        return {"note": f"diffuse: fewer than {tomtom.BITS} bits in any {tomtom.CORE} positions"}
    found[name] = share
    return {}


def _of_regression(folder: str | os.PathLike, bound: np.ndarray, unbound: np.ndarray) -> tuple[list[dict], dict]:
    """Known motifs and their effects: nothing is aligned, since the weights show which motifs matter."""
    from tfbind.models import baseline  # imported here, so that scikit-learn loads only where it is needed

    estimator, about = baseline.load(folder)
    known = estimator.motifs_
    means = [estimator.features(dna.decode(_spread(tokens))).mean(0, dtype=float) for tokens in (bound, unbound)]
    parts = estimator.coef_ * (means[0] - means[1]) / estimator.scale_
    effect = parts[: 2 * len(known)].reshape(2, -1).sum(0)  # best site and mean odds of each motif
    lines, found = [], {}
    for i in np.argsort(-effect, kind="stable")[:_STRONGEST]:
        line = {"seed": str(about["seeds"][0]), "filter": known.ids[i], "effect": effect[i]}
        lines.append(line | {"importance": _share(effect[i], parts.sum())})
        found[f"{line['seed']}.{known.ids[i]}"] = np.exp2(known.matrices[i].astype(float)) / 4
    return lines, found


def _share(part: float, whole: float) -> float:
    """Share of the whole; NaN where positives do not score higher than negatives."""
    return part / whole if whole > 0 else float("nan")
