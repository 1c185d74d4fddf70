"""The compact encoder: rank-value tokens in, states for the projector out.

Both kinds of encoder keep the rule of the Cell2Text paper (arXiv 2509.24840): the language model
receives gene-level information rather than one pooled vector. Geneformer (`_geneformer`) hands
over the states of the first K genes; the compact encoder reads all genes of the cell into K
tokens, which suits two cores.
"""

import torch
from torch import nn

from ._config import EncoderConfig
from ._steady import TILE
from ._tokens import PAD_TOKEN

#: Ranks fall into this many classes, evenly spaced on a log scale.
N_RANK_CLASSES = 48


class CompactEncoder(nn.Module):
    """Add up gene embeddings, each weighted by the gene's rank, and think about the sum.

    Every head has its own learned curve over ranks, so that one head may listen to the few
    genes on top and another to whether a gene is expressed at all. The sums of the heads pass
    a residual network and are cut into K cell tokens. Nothing attends to single genes: on two
    cores that would cost most of the time, and the number of cells seen in training decides.

    Parameters
    ----------
    config
        Sizes; ``vocab_size`` must be set.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        d, heads = config.hidden_size, config.n_heads
        self.config = config
        self.genes = nn.Embedding(config.vocab_size, d, padding_idx=PAD_TOKEN)
        self.rank_weights = nn.Parameter(rank_curves(heads, steepest=3.0))
        self.norm = nn.LayerNorm(d)
        self.layers = nn.ModuleList(Residual(d, config.dropout) for _ in range(config.n_layers))
        self.to_cells = nn.Linear(d, config.n_cell_tokens * config.cell_token_size)
        self.out_norm = nn.LayerNorm(config.cell_token_size)
        nn.init.normal_(self.genes.weight, std=0.5)

    def forward(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Encode cells.

        Parameters
        ----------
        tokens
            ``[B, T]`` int64, 0 pads on the right.
        gates
            ``[B, T]`` weight of each gene, 1 when absent. A gene with gate 0 is as good as not
            expressed; the derivative by the gate tells how much the gene matters.

        Returns
        -------
        ``[B, K, D]`` cell tokens.
        """
        weights = gene_weights(tokens, gates, self.rank_weights)
        slices = self.genes.weight.unflatten(1, (self.config.n_heads, -1)).transpose(0, 1)
        summed = weighted_sum(slices, tokens, weights, tile=None if self.training else TILE)
        hidden = self.norm(summed)
        for layer in self.layers:
            hidden = layer(hidden)
        cells = self.to_cells(hidden).unflatten(-1, (self.config.n_cell_tokens, -1))
        return self.out_norm(cells)


class Residual(nn.Module):
    """A residual layer of two matrices."""

    def __init__(self, d: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up, self.down = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        self.dropout, self.curve = nn.Dropout(dropout), nn.GELU()

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return ``[B, D]``."""
        inner = self.curve(self.up(self.norm(hidden)))
        return hidden + self.down(self.dropout(inner))


def rank_curves(n_heads: int, *, steepest: float) -> torch.Tensor:
    """Return ``[classes, heads]`` weights by rank: the first flat, the last the steepest."""
    ranks = torch.linspace(1.0, 0.0, N_RANK_CLASSES)
    powers = [steepest * head / max(1, n_heads - 1) for head in range(n_heads)]
    return torch.stack([ranks**power for power in powers], dim=1)


def gene_weights(
    tokens: torch.Tensor, gates: torch.Tensor | None, curves: torch.Tensor
) -> torch.Tensor:
    """Return ``[B, T, H]`` weights of a cell's genes, of unit length over the genes."""
    present = (tokens != PAD_TOKEN).to(curves.dtype)  # [B, T]
    gates = present if gates is None else gates * present
    rank = _rank_classes(tokens.shape[1], tokens.device)
    weights = gates[..., None] * curves[rank]  # [B, T, H]
    # A deep cell has more genes than a shallow one; the sum must not tell them apart.
    return weights / weights.square().sum(1, keepdim=True).clamp_min(1e-6).sqrt()


def weighted_sum(
    slices: torch.Tensor, tokens: torch.Tensor, weights: torch.Tensor, *, tile: int | None = None
) -> torch.Tensor:
    """Return ``[B, H * D]`` sums of gene vectors, each head's table by its own weights.

    The weights are spread over all genes and multiplied with the table as one dense product per
    head, whose cost does not grow with the number of genes in a cell, as that of looking up the
    rows and adding them does. A cell lists a gene once, and padding weighs nothing. On a CPU that
    does not train, cells are worked on `tile` at a time, see `_steady`.

    Parameters
    ----------
    slices
        ``[H, V, D]`` a table a head.
    tokens
        ``[B, T]``.
    weights
        ``[B, T, H]``.
    tile
        Cells in a product; all when None.
    """
    heads, n = weights.shape[-1], tokens.shape[0]
    tile = tile if tile and slices.device.type == "cpu" else max(n, 1)
    sums = []
    for start in range(0, max(n, 1), tile):
        rows = slice(start, min(start + tile, n))
        spread = weights.new_zeros(heads, tile, slices.shape[1])
        spread = spread.scatter(
            2, tokens[rows].expand(heads, -1, -1), weights[rows].permute(2, 0, 1)
        )
        sums.append(torch.bmm(spread, slices).transpose(0, 1).flatten(1))
    return torch.cat(sums)[:n]


def _rank_classes(length: int, device: torch.device) -> torch.Tensor:
    rank = torch.arange(length, device=device, dtype=torch.float32)
    classes = torch.log2(1 + rank / 8) * 6
    return classes.clamp(max=N_RANK_CLASSES - 1).long()
