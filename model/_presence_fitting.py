"""Fits which lineages are in a droplet: one weight a gene and lineage, see `_lineage_presence`.

The cells are shown as other studies would show them. State programmes are switched on at random in
cells of every kind, since an infected B cell is no T cell; and a part of the genes is left out,
often all but those that vary most, since such a choice of genes is what small files hold.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from torch import nn

from ._lineage_presence import USUAL_GENES, LineagePresence, gene_strengths
from ._planting import plant_doublets
from ._tokens import PAD_TOKEN, rank_value_tokens

if TYPE_CHECKING:
    from ._training_data import TrainingData

#: Doublets planted among the cells that lineages are learnt from.
N_DOUBLETS = 8_000
#: Fits of which the mean is taken, each of its own draws.
N_FITS = 3
_EPOCHS, _BATCH, _RATE, _SPARSITY = 6, 256, 0.02, 1e-6
#: Share of the batches that are shown as a panel.
_PANEL_RATE = 0.6
#: Share of the panels that are genes at random, and that are the most variable ones; the rest is
#: a small part of all genes. The genes that are lost of the first, kept of the second, lost of the
#: third.
_RANDOM, _VARIABLE = 0.5, 0.3
_LOST, _KEPT, _MOSTLY_LOST = (0.0, 0.8), (400, 6_000), (0.7, 0.95)
#: Of the most variable genes a panel lacks this share.
_MISSED = 0.1
#: Share of cells in which programmes are switched on, how many, and the share of their genes.
_SWITCHED, _PROGRAMMES, _SWITCHED_GENES = 0.5, (1, 3), (0.2, 0.8)
#: Log of the share of a cell's counts that a switched gene gets, and how far genes differ.
_STRENGTHS, _GENE_SPREAD = (-9.2, -6.2), 1.2
#: Added to a gene's mean before its variance is divided by it.
_LEAST_MEAN = 0.05


def fit_presence(
    presence: LineagePresence,
    cells: tuple[sparse.csr_matrix, np.ndarray],
    data: "TrainingData",
    programmes: Sequence[np.ndarray],
    rng: np.random.Generator,
    *,
    seed: int,
) -> LineagePresence:
    """Learn the lineages of single cells and doublets.

    Parameters
    ----------
    presence
        Names and members of the lineages.
    cells
        ``(n, n_genes)`` single cells on the model's genes, and the lineage of each, -1 for none.
    data
        Training data.
    programmes
        Rows of the gene table of each programme that any cell may switch on.
    rng, seed
        Of all that is drawn.
    """
    fits = [_fit_once(presence, cells, data, programmes, rng, seed=seed + i) for i in range(N_FITS)]
    return replace(
        presence,
        **{
            name: np.mean([getattr(fit, name) for fit in fits], axis=0)
            for name in ("weights", "bias", "depth")
        },
    )


def _fit_once(
    presence: LineagePresence,
    cells: tuple[sparse.csr_matrix, np.ndarray],
    data: "TrainingData",
    programmes: Sequence[np.ndarray],
    rng: np.random.Generator,
    *,
    seed: int,
) -> LineagePresence:
    n_lineages = len(presence.names)
    rows = np.flatnonzero(cells[1] >= 0)
    singles, kinds = switch_on(cells[0][rows], programmes, rng), cells[1][rows]
    both, pairs = plant_doublets(singles, kinds, rng, n=min(N_DOUBLETS, 2 * len(rows)))
    tokens = tokens_of(sparse.vstack([singles, both], format="csr"), data)
    variable = variable_genes(singles)
    truth = np.zeros((len(tokens), n_lineages), np.float32)
    truth[np.arange(len(kinds)), kinds] = 1
    for side in (0, 1):
        truth[len(kinds) + np.arange(len(pairs)), pairs[:, side]] = 1
    generator = torch.Generator().manual_seed(seed)
    weights = nn.Parameter(torch.zeros(len(data.genes) + 1, n_lineages))
    bias = nn.Parameter(torch.full((n_lineages,), -2.0))
    depth = nn.Parameter(torch.zeros(n_lineages))
    optimiser = torch.optim.Adam([weights, bias, depth], lr=_RATE)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(tokens), generator=generator).numpy()
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            shown = tokens[chosen]
            if rng.random() < _PANEL_RATE:
                shown = without(shown, ~draw_panel(variable, rng))
            strength, n = gene_strengths(shown)
            logits = nn.functional.embedding_bag(
                torch.from_numpy(shown),
                weights,
                per_sample_weights=torch.from_numpy(strength),
                mode="sum",
                padding_idx=PAD_TOKEN,
            )
            logs = torch.from_numpy(np.log(n / USUAL_GENES)).float()[:, None]
            loss = nn.functional.binary_cross_entropy_with_logits(
                logits + bias + depth * logs, torch.from_numpy(truth[chosen])
            )
            loss = loss + _SPARSITY * weights.abs().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    learnt = weights.detach().numpy().copy()
    learnt[PAD_TOKEN] = 0
    return replace(
        presence,
        weights=learnt,
        bias=bias.detach().numpy().astype(np.float64),
        depth=depth.detach().numpy().astype(np.float64),
    )


def switch_on(
    matrix: sparse.csr_matrix, programmes: Sequence[np.ndarray], rng: np.random.Generator
) -> sparse.csr_matrix:
    """Add counts of state programmes to half of the cells ``(n, n_genes)``, whatever they are."""
    depth = np.asarray(matrix.sum(1)).ravel()
    rows, columns, values = [], [], []
    chosen = np.flatnonzero(rng.random(matrix.shape[0]) < _SWITCHED) if programmes else []
    for row in chosen:
        n = min(len(programmes), int(rng.integers(_PROGRAMMES[0], _PROGRAMMES[1] + 1)))
        for programme in rng.choice(len(programmes), n, replace=False):
            genes = programmes[programme]
            genes = genes[rng.random(len(genes)) < rng.uniform(*_SWITCHED_GENES)]
            strength = rng.normal(rng.uniform(*_STRENGTHS), _GENE_SPREAD, len(genes))
            counts = rng.poisson(depth[row] * np.exp(strength))
            seen = counts > 0
            rows.append(np.full(seen.sum(), row))
            columns.append(genes[seen])
            values.append(counts[seen])
    if not rows:
        return matrix
    entries = np.concatenate(values).astype(np.float32)
    places = (np.concatenate(rows), np.concatenate(columns))
    return (matrix + sparse.csr_matrix((entries, places), shape=matrix.shape)).tocsr()


def variable_genes(matrix: sparse.csr_matrix) -> np.ndarray:
    """Return the columns of ``(n, n_genes)`` counts, those that vary most for their level first."""
    depth = np.asarray(matrix.sum(1)).ravel()
    logs = sparse.csr_matrix(sparse.diags(1e4 / np.maximum(depth, 1)) @ matrix)
    logs.data = np.log1p(logs.data)
    mean = np.asarray(logs.mean(0)).ravel()
    variance = np.asarray(logs.multiply(logs).mean(0)).ravel() - mean**2
    return np.argsort(-variance / (mean + _LEAST_MEAN), kind="stable")


def draw_panel(variable: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ``(n_genes + 1,)`` bool, the tokens that a study measures.

    Parameters
    ----------
    variable
        ``(n_genes,)`` genes, the most variable first.
    """
    n, kind = len(variable), rng.random()
    if kind < _RANDOM:
        return rng.random(n + 1) >= rng.uniform(*_LOST)
    if kind < _RANDOM + _VARIABLE:
        return variable_panel(variable, rng)
    return rng.random(n + 1) >= rng.uniform(*_MOSTLY_LOST)


def variable_panel(variable: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ``(n_genes + 1,)`` bool, tokens of some of the most variable genes."""
    kept = np.zeros(len(variable) + 1, dtype=bool)
    most = int(np.exp(rng.uniform(*np.log(_KEPT))))
    kept[variable[:most] + 1] = rng.random(min(most, len(variable))) >= _MISSED
    return kept


def without(tokens: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Return cells ``(n, T)`` without the tokens that are gone, the rest moving up."""
    kept = (tokens > 0) & ~gone[tokens]
    order = np.argsort(~kept, axis=1, kind="stable")
    return np.take_along_axis(np.where(kept, tokens, PAD_TOKEN), order, axis=1)


def tokens_of(matrix: sparse.csr_matrix, data: "TrainingData") -> np.ndarray:
    """Return the rank-value tokens of cells on the model's genes."""
    everything = np.arange(len(data.genes))
    return rank_value_tokens(matrix, everything, data.genes.medians, max_tokens=data.max_tokens)[0]
