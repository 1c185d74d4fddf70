"""The encoder that knows genes only by the marker lists they stand on.

An encoder that learns a vector for every gene also learns what sets the studies apart that it is
shown. This one is given what is published of each gene instead: for a few hundred cell types, how
far the cell expresses that type's markers. What it learns is how such scores speak for a type,
which holds in a study it has never seen, and for genes that no training study measured.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ._config import EncoderConfig
from ._encoder import Residual, gene_weights, rank_curves
from ._steady import TILE

#: Curves over ranks: whether a gene is there, and twice how far up it stands.
N_CURVES = 3
#: Scores further than this many standard deviations from the mean count as this far.
_FARTHEST = 8.0
#: Share of the scores that are hidden in training.
_HIDDEN = 0.2
_EPSILON = 1e-5


class MarkerEncoder(nn.Module):
    """Score every marker list in a cell and think about the scores.

    A list's score is the sum of its genes' weights, as the list weighs them, times the weight of
    their ranks; each curve over ranks gives one score a list. Scores are standardised by their
    mean and spread in training and pass the same residual network as those of `CompactEncoder`.

    Parameters
    ----------
    config
        Sizes; ``vocab_size``, ``n_marker_lists`` and ``n_marker_entries`` must be set.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        d, n_scores = config.hidden_size, N_CURVES * config.n_marker_lists
        for name in ("list_of", "gene_of"):
            self.register_buffer(name, torch.zeros(config.n_marker_entries, dtype=torch.int32))
        self.register_buffer("weight_of", torch.zeros(config.n_marker_entries))
        self.register_buffer("curves", rank_curves(N_CURVES, steepest=2.0), persistent=False)
        self.register_buffer("mean", torch.zeros(n_scores))
        self.register_buffer("spread", torch.ones(n_scores))
        self.hide = nn.Dropout(_HIDDEN)
        self.to_hidden = nn.Linear(n_scores, d)
        self.norm = nn.LayerNorm(d)
        self.layers = nn.ModuleList(Residual(d, config.dropout) for _ in range(config.n_layers))
        self.to_cells = nn.Linear(d, config.n_cell_tokens * config.cell_token_size)
        self.out_norm = nn.LayerNorm(config.cell_token_size)
        self._table: torch.Tensor | None = None

    def set_lists(self, lists: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """Take the lists: ``(genes, weights)`` each, genes as rows of the gene table."""
        sizes = [len(genes) for genes, _ in lists]
        scaled = [weights / np.linalg.norm(weights) for _, weights in lists]
        self.list_of.copy_(torch.from_numpy(np.repeat(np.arange(len(lists)), sizes)))
        self.gene_of.copy_(torch.from_numpy(np.concatenate([g for g, _ in lists]) + 1))
        self.weight_of.copy_(torch.from_numpy(np.concatenate(scaled)))
        self._table = None

    def fit_scale(self, tokens: torch.Tensor) -> None:
        """Take mean and spread of the scores from training cells ``[B, T]``."""
        with torch.no_grad():
            scores = self.scores(tokens, None)
            self.mean.copy_(scores.mean(0))
            self.spread.copy_(scores.std(0))

    def scores(self, tokens: torch.Tensor, gates: torch.Tensor | None) -> torch.Tensor:
        """Return ``[B, curves * lists]`` scores as they are, before standardising."""
        weights = gene_weights(tokens, gates, self.curves)
        # A tile of its own size for each number of cells would add up in its own order.
        is_steady = not self.training and tokens.device.type == "cpu"
        tile = TILE if is_steady else max(1, len(tokens))
        parts = []
        for start in range(0, max(1, len(tokens)), tile):
            rows = slice(start, start + tile)
            parts.append(self._tile_scores(tokens[rows], weights[rows], tile))
        return torch.cat(parts)[: len(tokens)]

    def _tile_scores(self, tokens: torch.Tensor, weights: torch.Tensor, tile: int) -> torch.Tensor:
        """Return ``[tile, curves * lists]`` of at most `tile` cells."""
        short = tile - len(tokens)
        tokens = nn.functional.pad(tokens, (0, 0, 0, short))
        weights = nn.functional.pad(weights, (0, 0, 0, 0, 0, short)).float()
        columns = tokens.t().repeat(1, N_CURVES)  # [T, curves * tile]
        values = weights.permute(1, 2, 0).flatten(1)
        spread = values.new_zeros(self.config.vocab_size, columns.shape[1])
        with torch.autocast(tokens.device.type, enabled=False):
            scores = self._lists() @ spread.scatter(0, columns, values)
        return scores.unflatten(1, (N_CURVES, tile)).permute(2, 1, 0).flatten(1)

    def _lists(self) -> torch.Tensor:
        """Return ``[lists, V]`` weights of the genes on the lists, sparse."""
        if self._table is None or self._table.device != self.weight_of.device:
            self._table = _sparse_rows(
                torch.stack([self.list_of, self.gene_of]),
                self.weight_of,
                (self.config.n_marker_lists, self.config.vocab_size),
            )
        return self._table

    def forward(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Encode cells.

        Parameters
        ----------
        tokens
            ``[B, T]`` int64, 0 pads on the right.
        gates
            ``[B, T]`` weight of each gene, 1 when absent.

        Returns
        -------
        ``[B, K, D]`` cell tokens.
        """
        scores = (self.scores(tokens, gates).float() - self.mean) / (self.spread + _EPSILON)
        hidden = self.norm(self.to_hidden(self.hide(scores.clamp(-_FARTHEST, _FARTHEST))))
        for layer in self.layers:
            hidden = layer(hidden)
        cells = self.to_cells(hidden).unflatten(-1, (self.config.n_cell_tokens, -1))
        return self.out_norm(cells)


def _sparse_rows(
    places: torch.Tensor, values: torch.Tensor, shape: tuple[int, int]
) -> torch.Tensor:
    """Return a matrix in compressed rows, each of which is summed up in its own order."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse .* support is in beta")
        warnings.filterwarnings("ignore", message="Sparse invariant checks")
        matrix = torch.sparse_coo_tensor(places.long(), values, shape, check_invariants=False)
        return matrix.coalesce().to_sparse_csr()
