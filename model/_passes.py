"""A language model in the middle of a text: what it has read so far, and how it reads on.

Any causal language model is read through transformers. Of a Llama the layers are called one by
one, because only the last word of a pass is asked for its successor: the last layer then has to
compute keys and values of the other words, but none of the rest, which for two layers is nearly
half of all work. The numbers are the same.
"""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from ._cell2text import Cell2TextModel

#: Keys and values of each layer, ``[B, H, P, D/H]``.
Layers = list[tuple[torch.Tensor, torch.Tensor]]


def backbone(language_model: nn.Module) -> nn.Module:
    """Return the part of a causal language model below its vocabulary head."""
    model = language_model
    if hasattr(model, "get_base_model"):  # a model with peft adapters
        model = model.get_base_model()
    return model.get_decoder()


def version_of(model: "Cell2TextModel") -> tuple[object, ...]:
    """Return what changes when the language model's weights do, or their device."""
    return (model.device, *(w._version for w in model.language_model.parameters()))


class PromptPrefix:
    """The keys and values of what every prompt begins with, before the cell: read once.

    Parameters
    ----------
    model
        The composition.
    prompt
        Ids of the prompt.
    """

    def __init__(self, model: "Cell2TextModel", prompt: list[int]) -> None:
        self.model = model
        start = prompt.index(model.cell_token_id)
        self.ids, self.rest = prompt[:start], prompt[start:]
        self._layers: Layers = []
        self._state: tuple[object, ...] = ()

    def layers(self, n: int) -> Layers:
        """Return the keys and values of the prefix for ``n`` rows."""
        state = version_of(self.model)
        if state != self._state:
            self._layers, self._state = self._read(), state
        return [
            (keys.expand(n, -1, -1, -1), values.expand(n, -1, -1, -1))
            for keys, values in self._layers
        ]

    def _read(self) -> Layers:
        from transformers import DynamicCache

        if not self.ids:
            return []
        cache = DynamicCache()
        ids = torch.tensor([self.ids], device=self.model.device)
        with torch.no_grad():
            backbone(self.model.language_model)(
                inputs_embeds=self.model.embeddings(ids), past_key_values=cache, use_cache=True
            )
        return [(layer.keys, layer.values) for layer in cache.layers]


class TextState:
    """A batch of texts that begin with a cell.

    Parameters
    ----------
    model
        The composition.
    prefix
        What comes before the cell.
    cells
        ``[B, K, D]`` projected states.
    """

    def __init__(self, model: "Cell2TextModel", prefix: PromptPrefix, cells: torch.Tensor) -> None:
        n = cells.shape[0]
        self.model = model
        self.mask = torch.ones(n, len(prefix.ids), dtype=torch.long, device=model.device)
        self._open(prefix.layers(n))
        rest = torch.tensor([prefix.rest] * n, device=model.device)
        self._waiting: torch.Tensor | None = model.splice(rest, cells)

    def _open(self, layers: Layers) -> None:
        from transformers import DynamicCache

        self._cache: DynamicCache = DynamicCache()
        for index, (keys, values) in enumerate(layers):
            self._cache.update(keys, values, index)

    def feed_ids(self, rows: list[list[int]]) -> torch.Tensor:
        """Read ids of different length per row; return the logits after each row's last."""
        width = max(map(len, rows))
        pad = self.model.tokenizer.pad_token_id or 0
        ids = torch.tensor([r + [pad] * (width - len(r)) for r in rows], device=self.mask.device)
        mask = torch.tensor(
            [[1] * len(r) + [0] * (width - len(r)) for r in rows], device=self.mask.device
        )
        embeds = self.model.embeddings(ids)
        if self._waiting is not None:  # the cell goes in together with the first words
            mask = torch.cat([mask.new_ones(self._waiting.shape[:2]), mask], dim=1)
            embeds, self._waiting = torch.cat([self._waiting, embeds], dim=1), None
        past = self.mask.sum(1, keepdim=True)
        positions = (past + mask.cumsum(1) - 1).clamp_min(0)
        self.mask = torch.cat([self.mask, mask], dim=1)
        last = mask.shape[1] - 1 - mask.flip(1).argmax(1)  # [B]
        hidden = self._read(embeds, positions, last)
        return self.model.language_model.get_output_embeddings()(hidden)

    def _read(
        self, embeds: torch.Tensor, positions: torch.Tensor, last: torch.Tensor
    ) -> torch.Tensor:
        """Read embeddings ``[B, T, D]``; return the states ``[B, D]`` of each row's last."""
        hidden = backbone(self.model.language_model)(
            inputs_embeds=embeds,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
        ).last_hidden_state
        return hidden[torch.arange(len(last), device=last.device), last]

    def peek(self, ids: list[int]) -> torch.Tensor:
        """Return the logits after some more ids, without keeping them."""
        mask = self.mask
        logits = self.feed_ids([ids] * mask.shape[0])
        self._forget(len(ids))
        self.mask = mask
        return logits

    def _forget(self, n: int) -> None:
        self._cache.crop(-n)


class LlamaState(TextState):
    """A batch of texts read by a Llama, layer by layer."""

    def _open(self, layers: Layers) -> None:
        decoder = backbone(self.model.language_model)
        self._layers: list[tuple[torch.Tensor, torch.Tensor] | None] = list(layers)
        self._layers += [None] * (len(decoder.layers) - len(layers))

    def _forget(self, n: int) -> None:
        self._layers = [
            (keys[:, :, :-n], values[:, :, :-n]) for keys, values in filter(None, self._layers)
        ]

    def _read(
        self, embeds: torch.Tensor, positions: torch.Tensor, last: torch.Tensor
    ) -> torch.Tensor:
        decoder = backbone(self.model.language_model)
        rows = torch.arange(len(last), device=last.device)
        turns = decoder.rotary_emb(embeds, position_ids=positions)
        seen = self._seen(embeds.shape[1])
        hidden, final = embeds, len(decoder.layers) - 1
        for index, layer in enumerate(decoder.layers):
            normed = layer.input_layernorm(hidden)
            keys, values = self._extend(index, layer.self_attn, normed, turns)
            if index == final:
                hidden, normed = hidden[rows, last][:, None], normed[rows, last][:, None]
                turns = tuple(part[rows, last][:, None] for part in turns)
                seen = seen[rows, :, last][:, :, None]
            hidden = hidden + _attend(layer.self_attn, normed, keys, values, turns, seen)
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        return decoder.norm(hidden)[:, 0]

    def _seen(self, n_new: int) -> torch.Tensor:
        """Return ``[B, 1, T, P]`` bool: which positions each new one may look at."""
        n_all = self.mask.shape[1]
        order = torch.arange(n_all, device=self.mask.device)
        before = order[None, :] <= order[n_all - n_new :, None]
        return before[None, None] & (self.mask > 0)[:, None, None]

    def _extend(
        self,
        index: int,
        attention: nn.Module,
        normed: torch.Tensor,
        turns: tuple[torch.Tensor, ...],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the keys and values of new positions to those of a layer."""
        keys = _turned(_heads(attention.k_proj(normed), attention.head_dim), turns)
        values = _heads(attention.v_proj(normed), attention.head_dim)
        known = self._layers[index]
        if known is not None:
            keys = torch.cat([known[0], keys], dim=2)
            values = torch.cat([known[1], values], dim=2)
        self._layers[index] = keys, values
        return keys, values


def _attend(
    attention: nn.Module,
    normed: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    turns: tuple[torch.Tensor, ...],
    seen: torch.Tensor,
) -> torch.Tensor:
    queries = _turned(_heads(attention.q_proj(normed), attention.head_dim), turns)
    found = nn.functional.scaled_dot_product_attention(
        queries,
        keys,
        values,
        attn_mask=seen,
        scale=attention.scaling,
        enable_gqa=attention.num_key_value_groups > 1,
    )
    return attention.o_proj(found.transpose(1, 2).flatten(2))


def _heads(projected: torch.Tensor, size: int) -> torch.Tensor:
    """Cut ``[B, T, D]`` into heads ``[B, H, T, D/H]``."""
    return projected.unflatten(-1, (-1, size)).transpose(1, 2)


def _turned(heads: torch.Tensor, turns: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Rotate ``[B, H, T, D/H]`` by position (arXiv 2104.09864)."""
    cos, sin = (part[:, None] for part in turns)
    first, second = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat([-second, first], dim=-1) * sin
