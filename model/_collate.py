"""From labelled cells to the tensors of a training step.

The text is tokenised piece by piece (opening, name, closing), in training and in decoding
alike, so that a slot begins at the same place in both. The space before a name belongs to the
name: " a T cell" is what the language model chooses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ._cell2text import IGNORE
from ._descriptions import DescriptionFormat
from ._training_data import CellBatch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TextBatch:
    """Tensors of one step.

    Parameters
    ----------
    tokens
        ``[B, T]`` rank-value tokens.
    input_ids
        ``[B, P]`` prompt and description, padded on the right.
    attention_mask
        ``[B, P]`` 1 for real positions.
    labels
        ``[B, P]`` next-token targets; -100 in the prompt, in padding and at names that are
        trained by `allowed` instead.
    name_rows, name_positions
        ``[N]`` row of a name and position of the logits that predict it.
    true_ids
        ``[N]`` the word piece that is true at that name.
    ignored
        ``[N, V]`` bool, word pieces that are neither right nor wrong there.
    slots
        ``{slot: (rows whose label is known [R], true choice [R], ignored choices [R, C])}``.
    """

    tokens: torch.Tensor
    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    name_rows: torch.Tensor
    name_positions: torch.Tensor
    true_ids: torch.Tensor
    ignored: torch.Tensor
    slots: Mapping[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


class Collator:
    """Turns cells into prompts with descriptions.

    Parameters
    ----------
    text
        Format of the descriptions.
    tokenizer
        Tokenizer of the language model.
    prompt
        Ids of the prompt.
    """

    def __init__(
        self, text: DescriptionFormat, tokenizer: "PreTrainedTokenizerBase", prompt: list[int]
    ) -> None:
        self.text, self.space = text, text.space
        self.tokenizer, self.prompt = tokenizer, prompt
        self._pieces: dict[str, list[int]] = {}
        self._below: dict[tuple[str, str], np.ndarray] = {}

    def ids(self, piece: str) -> list[int]:
        """Return the ids of a piece of text, remembered."""
        if piece not in self._pieces:
            self._pieces[piece] = self.tokenizer.encode(piece, add_special_tokens=False)
        return self._pieces[piece]

    def name_ids(self, term_id: str, slot: str) -> list[int]:
        """Return the ids of a name as a slot says it, with the space before it."""
        return self.ids(" " + self.text.name(term_id, slot))

    def below(self, term_id: str, slot: str) -> np.ndarray:
        """Return the choices more specific than a label, ``(n_choices,)`` bool.

        A cell that a study only calls a T cell may be any kind of T cell: those names are
        neither right nor wrong for it, so they are left out of its loss.
        """
        key = (term_id, "pathway" if slot.startswith("pathway") else slot)
        if key not in self._below:
            space = self.space.slot(slot)
            below = space.allowed(term_id).copy()
            below[space.choices.index(term_id)] = False
            self._below[key] = below
        return self._below[key]

    def __call__(self, batch: CellBatch, rng: np.random.Generator) -> TextBatch:
        """Build the tensors of a step; `rng` drops slots and generalises names."""
        rows: list[list[int]] = []
        row_labels: list[list[int]] = []
        names: list[tuple[int, int, int, list[int]]] = []
        for row, labels in enumerate(batch.labels):
            ids, targets = list(self.prompt), [IGNORE] * len(self.prompt)
            for piece, slot in self.text.pieces(_drop(labels, self.space.stated, rng)):
                if slot is None:
                    piece_ids = self.ids(piece.rstrip(" "))
                    ids += piece_ids
                    targets += piece_ids
                    continue
                true_ids = self.name_ids(labels[slot], slot)
                if len(true_ids) == 1:
                    names.append((row, len(ids) - 1, true_ids[0], self._below_ids(labels, slot)))
                    piece_ids = self.name_ids(self._spoken(labels[slot], slot, rng), slot)
                    targets += [IGNORE] * len(piece_ids)
                else:  # a name of many pieces is learned piece by piece
                    piece_ids = true_ids
                    targets += piece_ids
                ids += piece_ids
            ids.append(self.tokenizer.eos_token_id)
            targets.append(self.tokenizer.eos_token_id)
            rows.append(ids)
            row_labels.append(targets)
        return self._tensors(batch, rows, row_labels, names)

    def _below_ids(self, labels: Mapping[str, str], slot: str) -> list[int]:
        choices = self.space.slot(slot).choices
        below = np.flatnonzero(self.below(labels[slot], slot))
        return [self.name_ids(choices[i], slot)[0] for i in below]

    def _spoken(self, term_id: str, slot: str, rng: np.random.Generator) -> str:
        """Return the name that later slots get to read: often a more general one."""
        space = self.space.slot(slot)
        if rng.random() < 0.6 or term_id not in space.speakable:
            return term_id
        above = [t for t in space.speakable if space.is_a(term_id, t)]
        return above[int(rng.integers(len(above)))]

    def _tensors(
        self,
        batch: CellBatch,
        rows: list[list[int]],
        row_labels: list[list[int]],
        names: list[tuple[int, int, int, list[int]]],
    ) -> TextBatch:
        width = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        input_ids = torch.tensor([r + [pad] * (width - len(r)) for r in rows])
        mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])
        labels = torch.tensor([r + [IGNORE] * (width - len(r)) for r in row_labels])
        ignored = torch.zeros(len(names), len(self.tokenizer), dtype=torch.bool)
        for i, (_, _, _, ids) in enumerate(names):
            ignored[i, ids] = True
        slots = {}
        for slot in self.space.stated:
            known = [i for i, row in enumerate(batch.labels) if slot in row]
            if known:
                choices = self.space.slot(slot).choices
                true = [batch.labels[i][slot] for i in known]
                below = np.stack([self.below(term_id, slot) for term_id in true])
                slots[slot] = (
                    torch.tensor(known),
                    torch.tensor([choices.index(term_id) for term_id in true]),
                    torch.from_numpy(below),
                )
        return TextBatch(
            tokens=torch.from_numpy(batch.tokens),
            input_ids=input_ids,
            attention_mask=mask,
            labels=labels,
            name_rows=torch.tensor([n[0] for n in names], dtype=torch.long),
            name_positions=torch.tensor([n[1] for n in names], dtype=torch.long),
            true_ids=torch.tensor([n[2] for n in names], dtype=torch.long),
            ignored=ignored,
            slots=slots,
        )


def _drop(
    labels: Mapping[str, str], stated: tuple[str, ...], rng: np.random.Generator
) -> dict[str, str]:
    """Leave out a slot now and then, as a careful decoder does when it is not sure."""
    dropped = rng.random(len(stated)) < 0.1
    kept = {
        slot: labels[slot]
        for slot, out in zip(stated, dropped, strict=True)
        if slot in labels and not (out and slot != "cell_type")
    }
    if "pathway_1" not in kept:
        kept.pop("pathway_2", None)
    return kept
