"""Decoding: cells in, probabilities of every slot and text out.

``constrained`` walks the format. Fixed words are fed in one forward pass with whatever name came
before them; at a slot the language model's next-token distribution is restricted to the names
that the slot may say, along a trie of their word pieces, and renormalised. ``free`` is plain
greedy generation as in the paper (arXiv 2509.24840).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from ._collate import Collator
from ._descriptions import OPENINGS
from ._members import agreed
from ._packed_llama import PackedLlama, PackedState, can_be_packed
from ._passes import LlamaState, PromptPrefix, TextState, backbone, version_of

if TYPE_CHECKING:
    from ._cell2text import Cell2TextModel

#: Branches of a name trie less probable than this are not followed; they count as zero.
LEAST_BRANCH = 1e-4

#: Chooses what to say: (slot, ``(B, n_choices)`` log-probabilities) -> ids of the terms to feed.
Chooser = Callable[[str, np.ndarray], Sequence[str]]
#: Is shown each member's own log-probabilities ``[B, M, n_choices]`` of a slot.
Notice = Callable[[str, torch.Tensor], None]


class ConstrainedDecoder:
    """Walks the description format with a key-value cache.

    Parameters
    ----------
    model
        The composition.
    collator
        Tokenises the format piece by piece, as in training.
    computed
        Slots that the chooser decides without the language model. Where only such slots are
        left, nothing more is read, and they have no log-probabilities.
    """

    def __init__(
        self, model: "Cell2TextModel", collator: Collator, *, computed: Sequence[str] = ()
    ) -> None:
        self.model, self.collator, self.computed = model, collator, frozenset(computed)
        self._prefix = PromptPrefix(model, collator.prompt)
        self._packed: tuple[object, PackedLlama] | None = None
        self.tries = {slot: self._trie(slot) for slot in collator.space.stated}

    def _trie(self, slot: str) -> "_Node":
        """Return the trie of the word pieces of a slot's names."""
        root = _Node()
        for index, term_id in enumerate(self.collator.space.slot(slot).choices):
            node = root
            for piece in self.collator.name_ids(term_id, slot):
                node = node.children.setdefault(piece, _Node())
            node.choice = index
        return root

    def walk(
        self, cells: torch.Tensor, choose: Chooser, *, notice: Notice | None = None
    ) -> dict[str, torch.Tensor]:
        """Walk the format for a batch of cells.

        Parameters
        ----------
        cells
            ``[B, K, D]`` projected states, or ``[B, M, K, D]`` of several members.
        choose
            Called at each slot with its log-probabilities; returns the term that each cell's
            text goes on with.
        notice
            Called at each slot, before `choose`, with what each member says for itself.

        Returns
        -------
        ``{slot: [B, n_choices]}`` log-probabilities of the choices, normalised over the slot;
        slots that were not read are missing.
        """
        n, stated = cells.shape[0], self.collator.space.stated
        n_members = cells.shape[1] if cells.ndim == 4 else 1
        state = self._begin(cells)
        results: dict[str, torch.Tensor] = {}
        pending: list[list[int]] = [[] for _ in range(n * n_members)]
        for position, slot in enumerate(stated):
            if self.computed.issuperset(stated[position:]):
                choose(slot, np.zeros((n, 0)))
                continue
            own = self._read(slot, state, pending)
            if notice is not None:
                notice(slot, own.unflatten(0, (-1, n_members)))
            results[slot] = agreed(own, n_members)
            # In double precision, so that what is added up later hardly depends on the order.
            terms = choose(slot, results[slot].detach().double().cpu().numpy())
            after = OPENINGS[slot].split("{}")[1]
            closing = self.collator.ids(after) if after else []
            named = [self.collator.name_ids(term, slot) + closing for term in terms]
            pending = [ids for ids in named for _ in range(n_members)]
        return results

    def read_first(self, cells: torch.Tensor) -> torch.Tensor:
        """Read the first slot and nothing after it.

        Parameters
        ----------
        cells
            As in `walk`.

        Returns
        -------
        ``[B, M, n_choices]`` log-probabilities of each member, the same as `walk` shows.
        """
        n_members = cells.shape[1] if cells.ndim == 4 else 1
        nothing: list[list[int]] = [[] for _ in range(cells.shape[0] * n_members)]
        own = self._read(self.collator.space.stated[0], self._begin(cells), nothing)
        return own.unflatten(0, (-1, n_members))

    def _read(self, slot: str, state: TextState, pending: list[list[int]]) -> torch.Tensor:
        """Return ``[B * M, n_choices]`` log-probabilities of a slot after its opening words."""
        opening = self.collator.ids(OPENINGS[slot].split("{}")[0].rstrip(" "))
        return self._choices(slot, state.feed_ids([ids + opening for ids in pending]), state)

    def _begin(self, cells: torch.Tensor) -> TextState:
        """Return texts that begin with cells, in the state that suits the model.

        Of several members ``[B, M, K, D]``, each reads a text of its own.
        """
        from transformers import LlamaModel

        cells = cells.flatten(0, 1) if cells.ndim == 4 else cells
        if can_be_packed(self.model):
            version = version_of(self.model)
            if self._packed is None or self._packed[0] != version:
                self._packed = version, PackedLlama(self.model.language_model)
            return PackedState(self.model, self._prefix, cells, self._packed[1])
        kind = LlamaState if type(backbone(self.model.language_model)) is LlamaModel else TextState
        return kind(self.model, self._prefix, cells)

    def _choices(self, slot: str, logits: torch.Tensor, state: TextState) -> torch.Tensor:
        """Return ``[B, n_choices]`` log-probabilities along the trie of a slot."""
        n_choices = len(self.collator.space.slot(slot).choices)
        total = torch.full((logits.shape[0], n_choices), -torch.inf, device=logits.device)
        start = torch.zeros(logits.shape[0], device=logits.device)
        frontier: list[tuple[_Node, list[int], torch.Tensor, torch.Tensor]] = [
            (self.tries[slot], [], start, logits)
        ]
        while frontier:
            node, prefix, score, at = frontier.pop()
            pieces = sorted(node.children)
            # A name that is the beginning of another ends by the sentence's next piece.
            ends = self._end_pieces(slot) if node.choice >= 0 else []
            options = torch.log_softmax(at[:, pieces + ends].float(), dim=-1)
            if ends:
                total[:, node.choice] = score + options[:, -1]
            leaves = [p for p, piece in enumerate(pieces) if not node.children[piece].children]
            if leaves:
                columns = [node.children[pieces[p]].choice for p in leaves]
                total[:, columns] = score[:, None] + options[:, leaves]
            for p, piece in enumerate(pieces):
                child = node.children[piece]
                if not child.children:
                    continue
                branch = score + options[:, p]
                # Each cell by itself: what another cell of the batch follows counts for nothing.
                followed = branch.detach().exp() > LEAST_BRANCH
                if bool(followed.any()):
                    longer = [*prefix, piece]
                    branch = branch.masked_fill(~followed, -torch.inf)
                    frontier.append((child, longer, branch, state.peek(longer)))
        return torch.log_softmax(total, dim=-1)

    def _end_pieces(self, slot: str) -> list[int]:
        after = OPENINGS[slot].split("{}")[1] or ","
        return self.collator.ids(after)[:1]


@dataclass
class _Node:
    """A word piece of a name; `choice` is the name that ends here, -1 for none."""

    choice: int = -1
    children: "dict[int, _Node]" = field(default_factory=dict)


def generate_free(
    model: "Cell2TextModel", cells: torch.Tensor, prompt: list[int], *, max_new_tokens: int = 160
) -> list[str]:
    """Write descriptions by greedy generation, nothing forced and nothing forbidden.

    Parameters
    ----------
    model
        The composition.
    cells
        ``[B, K, D]`` projected states, or ``[B, M, K, D]``, of which the first member is read.
    prompt
        Ids of the prompt.
    max_new_tokens
        Longest description in word pieces; a description of the format needs fewer.
    """
    cells = cells[:, 0] if cells.ndim == 4 else cells
    ids = torch.tensor([prompt] * cells.shape[0], device=cells.device)
    output = model.language_model.generate(
        inputs_embeds=model.splice(ids, cells),
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=model.tokenizer.pad_token_id or 0,
        eos_token_id=model.tokenizer.eos_token_id,
    )
    texts = model.tokenizer.batch_decode(output, skip_special_tokens=True)
    return [text.strip() for text in texts]
