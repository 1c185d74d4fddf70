"""A compact Llama in the middle of a text, on a CPU: few and large operations, no copies.

A small model spends more time on what surrounds its matrix products than on the products. Here
what can be done beforehand is: scales of norms are part of the matrices behind them, the turned
half of queries and keys has rows of its own, and what the first layer makes of a word, which no
other word changes, is looked up. Keys and values are written into memory that is there already.
The numbers are those of `LlamaState` up to rounding, whatever the batch (see `_steady`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from ._passes import Layers, PromptPrefix, TextState, backbone
from ._steady import TILE

if TYPE_CHECKING:
    from transformers import LlamaModel

    from ._cell2text import Cell2TextModel

#: Positions that keys and values have room for; more are added as they are needed.
_ROOM = 64


@dataclass(frozen=True)
class _Layer:
    """Matrices of a layer, ``[in, out]``; scales of the norms before them are within."""

    queries: torch.Tensor
    keys: torch.Tensor
    queries_turned: torch.Tensor
    keys_turned: torch.Tensor
    values: torch.Tensor
    out: torch.Tensor
    gate: torch.Tensor  # negated, as is `up`: their product is what it was
    up: torch.Tensor
    down: torch.Tensor


class PackedLlama:
    """The weights of a compact Llama, prepared for `PackedState`.

    Parameters
    ----------
    language_model
        Causal language model for which `can_be_packed` is true; its weights are read once.
    """

    def __init__(self, language_model: nn.Module) -> None:
        decoder = backbone(language_model)
        config = decoder.config
        self.n_heads, self.epsilon = config.num_attention_heads, config.rms_norm_eps
        with torch.no_grad():
            self.embeddings = decoder.embed_tokens.weight.detach()
            self.layers = [_pack(layer) for layer in decoder.layers]
            head = language_model.get_output_embeddings().weight
            self.head = (head * decoder.norm.weight).t().contiguous()
            positions = torch.arange(config.max_position_embeddings)[None]
            cos, sin = decoder.rotary_emb(self.embeddings, position_ids=positions)
            self.cos, self.sin = (part[0].repeat(1, self.n_heads) for part in (cos, sin))
            self.words = self.project(0, self.normed(_in_tiles(self.embeddings)))

    def normed(self, hidden: torch.Tensor) -> torch.Tensor:
        """Divide rows by their root mean square (arXiv 1910.07467)."""
        return hidden * torch.rsqrt((hidden * hidden).mean(-1, keepdim=True) + self.epsilon)

    def project(self, index: int, normed: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return queries, turned queries, keys, turned keys and values of rows in tiles."""
        layer = self.layers[index]
        return (
            times(normed, layer.queries),
            times(normed, layer.queries_turned),
            times(normed, layer.keys),
            times(normed, layer.keys_turned),
            times(normed, layer.values),
        )


def can_be_packed(model: "Cell2TextModel") -> bool:
    """Tell whether the language model is one that `PackedState` reads."""
    from transformers import LlamaModel

    if model.config.language_model.kind != "compact" or model.device.type != "cpu":
        return False
    decoder = backbone(model.language_model)
    return not model.training and type(decoder) is LlamaModel and _is_plain(decoder)


def _is_plain(decoder: "LlamaModel") -> bool:
    """Tell whether a Llama has no bias and as many heads of keys as of queries."""
    config = decoder.config
    has_bias = config.attention_bias or config.mlp_bias
    return not has_bias and config.num_key_value_heads == config.num_attention_heads


class PackedState(TextState):
    """A batch of texts that begin with a cell, read by a packed Llama.

    Parameters
    ----------
    model
        The composition.
    prefix
        What comes before the cell.
    cells
        ``[B, K, D]`` projected states.
    packed
        The language model's weights.
    """

    def __init__(
        self,
        model: "Cell2TextModel",
        prefix: PromptPrefix,
        cells: torch.Tensor,
        packed: PackedLlama,
    ) -> None:
        self.packed = packed
        self._n_known, self._is_even = len(prefix.ids), True
        super().__init__(model, prefix, cells)

    def _open(self, layers: Layers) -> None:
        # Positions before heads here: [B, P, H * D].
        self._known = [
            tuple(part.transpose(1, 2).flatten(2) for part in both) for both in layers
        ] or [()] * len(self.packed.layers)

    def feed_ids(self, rows: list[list[int]]) -> torch.Tensor:
        """Read ids of different length per row; return the logits after each row's last."""
        packed, n = self.packed, len(rows)
        width = max(map(len, rows))
        self._is_even &= all(len(row) == width for row in rows)
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.ones_like(ids)
        if not self._is_even:
            for row, own in enumerate(rows):
                mask[row, len(own) :] = 0
        if self._waiting is None:
            hidden = _in_tiles(packed.embeddings[ids.flatten()])
            first = [_in_tiles(table[ids.flatten()]) for table in packed.words]
        else:  # the cell goes in together with the first words
            mask = torch.cat([mask.new_ones(self._waiting.shape[:2]), mask], dim=1)
            embeds = torch.cat([self._waiting, packed.embeddings[ids]], dim=1)
            hidden, self._waiting = _in_tiles(embeds.flatten(0, 1)), None
            first = list(packed.project(0, packed.normed(hidden)))
        width = mask.shape[1]
        past = self.mask[:1] if self._is_even else self.mask
        new = mask[:1] if self._is_even else mask
        positions = (past.sum(1, keepdim=True) + new.cumsum(1) - 1).clamp_min(0)
        last = width - 1 - mask.flip(1).argmax(1)  # [B]
        self.mask = torch.cat([self.mask, mask], dim=1)
        hidden = self._pass(hidden, first, (n, width), positions, last)
        self._n_known += width
        return times(_in_tiles(packed.normed(hidden)), packed.head)[:n]

    def _pass(
        self,
        hidden: torch.Tensor,
        first: list[torch.Tensor],
        shape: tuple[int, int],
        positions: torch.Tensor,
        last: torch.Tensor,
    ) -> torch.Tensor:
        """Read rows ``[N, D]`` in tiles; return the states ``[B, D]`` of each text's last.

        Parameters
        ----------
        first
            What the first layer makes of the rows before it attends, see `PackedLlama.project`.
        shape
            B and T.
        positions
            ``[B, T]``, or ``[1, T]`` where they are the same for all texts.
        last
            ``[B]`` which of the T is a text's last.
        """
        packed, n = self.packed, shape[0] * shape[1]
        turns = packed.cos[positions], packed.sin[positions]
        seen, final = self._seen(shape[1]), len(packed.layers) - 1
        ends = torch.arange(shape[0]) * shape[1] + last
        for index, layer in enumerate(packed.layers):
            if index == 0:
                queries, queries_turned, keys, keys_turned, values = first
            else:
                normed = packed.normed(hidden)
                keys, keys_turned = times(normed, layer.keys), times(normed, layer.keys_turned)
                values = times(normed, layer.values)
            keys, values = self._remember(
                index,
                _turned(keys[:n], keys_turned[:n], turns, shape),
                values[:n].unflatten(0, shape),
            )
            if index == final:  # only its last word is asked what comes next
                hidden = _in_tiles(hidden[ends])
                normed = packed.normed(hidden)
                shape, n = (shape[0], 1), shape[0]
                turns = tuple(self._at(part, last) for part in turns)
                seen = self._at_mask(seen, last)
            if index > 0 or index == final:
                queries = times(normed, layer.queries)
                queries_turned = times(normed, layer.queries_turned)
            queries = _turned(queries[:n], queries_turned[:n], turns, shape)
            found = nn.functional.scaled_dot_product_attention(
                *(self._heads(part) for part in (queries, keys, values)), attn_mask=seen
            )
            found = _in_tiles(found.transpose(1, 2).reshape(n, -1))
            hidden = _plus(hidden, found, layer.out)
            normed = packed.normed(hidden)
            hidden = _plus(
                hidden, _gated(times(normed, layer.gate), times(normed, layer.up)), layer.down
            )
        return hidden[:n]

    def _seen(self, n_new: int) -> torch.Tensor:
        """Return ``[B or 1, 1, T, P]`` what is added to the score of each position: 0 or -inf."""
        mask = self.mask[:1] if self._is_even else self.mask
        n_all = mask.shape[1]
        order = torch.arange(n_all)
        before = order[None, :] <= order[n_all - n_new :, None]
        hidden = ~(before[None, None] & (mask > 0)[:, None, None])
        return torch.zeros(hidden.shape).masked_fill_(hidden, -torch.inf)

    def _at(self, turns: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """Return the rows ``[B or 1, 1, D]`` of turns ``[B or 1, T, D]`` at each text's last."""
        rows = torch.arange(len(last)) if len(turns) > 1 else torch.zeros(1, dtype=torch.long)
        return turns[rows, last[: len(turns)]][:, None]

    def _at_mask(self, seen: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(len(seen))
        return seen[rows, :, last[: len(seen)]][:, :, None]

    def _heads(self, rows: torch.Tensor) -> torch.Tensor:
        """Cut ``[B, T, D]`` into heads ``[B, H, T, D/H]``."""
        return rows.unflatten(-1, (self.packed.n_heads, -1)).transpose(1, 2)

    def _remember(
        self, index: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add keys and values ``[B, T, D]`` to those of a layer; return them all."""
        start, stop = self._n_known, self._n_known + keys.shape[1]
        known = self._known[index]
        if torch.is_grad_enabled():  # what was read is needed again, as it was
            parts = tuple(
                torch.cat([old[:, :start], new], dim=1)
                for old, new in zip(
                    known or (keys[:, :0], values[:, :0]), (keys, values), strict=True
                )
            )
            self._known[index] = parts
            return parts
        if not known or known[0].shape[1] < stop:
            room = [
                new.new_empty(len(new), max(_ROOM, 2 * stop), new.shape[2])
                for new in (keys, values)
            ]
            for roomy, old in zip(room, known, strict=False):
                roomy[:, :start] = old[:, :start]
            known = self._known[index] = tuple(room)
        for roomy, new in zip(known, (keys, values), strict=True):
            roomy[:, start:stop] = new
        return known[0][:, :stop], known[1][:, :stop]

    def _forget(self, n: int) -> None:
        self._n_known -= n


def times(rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiply ``[N, K]``, whole tiles, with ``[K, M]``, tile by tile."""
    tiles = rows.view(-1, TILE, rows.shape[1])
    return torch.bmm(tiles, matrix.expand(len(tiles), -1, -1)).view(-1, matrix.shape[1])


def _plus(hidden: torch.Tensor, rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Add ``rows @ matrix`` to ``[N, D]``, whole tiles, tile by tile."""
    tiles = rows.view(-1, TILE, rows.shape[1])
    sums = hidden.view(-1, TILE, hidden.shape[1])
    return torch.baddbmm(sums, tiles, matrix.expand(len(tiles), -1, -1)).view(hidden.shape)


def _in_tiles(rows: torch.Tensor) -> torch.Tensor:
    """Add rows of zeros up to whole tiles."""
    short = -len(rows) % TILE
    return nn.functional.pad(rows, (0, 0, 0, short)) if short else rows


def _turned(
    rows: torch.Tensor,
    turned: torch.Tensor,
    turns: tuple[torch.Tensor, ...],
    shape: tuple[int, int],
) -> torch.Tensor:
    """Rotate ``[N, D]`` by position (arXiv 2104.09864); return ``[B, T, D]``."""
    cos, sin = turns
    return rows.unflatten(0, shape) * cos + turned.unflatten(0, shape) * sin


def _gated(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Return ``silu(-gate) * -up``."""
    if torch.is_grad_enabled():
        return gate / (1 + gate.exp()) * up
    return gate.div_(gate.exp().add_(1)).mul_(up)


def _pack(layer: nn.Module) -> _Layer:
    attention, mlp = layer.self_attn, layer.mlp
    before, between = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
    queries, keys, values = (
        getattr(attention, name).weight.detach() * before for name in ("q_proj", "k_proj", "v_proj")
    )
    # The score is scaled by the attention itself, as in the layer.
    matrices = {
        "queries": queries,
        "keys": keys,
        "queries_turned": _quarter_turn(queries, attention.head_dim),
        "keys_turned": _quarter_turn(keys, attention.head_dim),
        "values": values,
        "out": attention.o_proj.weight.detach(),
        "gate": -mlp.gate_proj.weight.detach() * between,
        "up": -mlp.up_proj.weight.detach() * between,
        "down": mlp.down_proj.weight.detach(),
    }
    return _Layer(**{name: matrix.t().contiguous() for name, matrix in matrices.items()})


def _quarter_turn(matrix: torch.Tensor, size: int) -> torch.Tensor:
    """Turn the rows of each head: the second half, negated, before the first."""
    first, second = matrix.unflatten(0, (-1, size)).chunk(2, dim=1)
    return torch.cat([-second, first], dim=1).flatten(0, 1)
