"""How far a short list of genes is one of the lists that the marker encoders read.

A list of five genes is a poor cell: the encoder has seen few like it. What it shares with the
textbook's and the published lists of a type can be counted instead, rare markers and early places
for more, and is put beside what the language model reads from the list.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._labels import LabelTerm, SlotSpace
from ._marker_knowledge import nearest_choice

if TYPE_CHECKING:
    from ._cell2text import Cell2TextModel

#: File of a checkpoint with the types of its encoders' lists; one without it does without.
FILE = "marker_lists.json"
#: Weight of the overlap in log-probability; chosen on marker lists of the development studies.
WEIGHT = 9.0


class ListOverlap:
    """The lists of a checkpoint's marker encoders, with the choices that they are of.

    Parameters
    ----------
    entries
        ``(n_lists, n_genes + 1)`` weights of the genes on the lists, columns as tokens.
    choices
        ``(n_lists,)`` column of the choice that a list speaks for, -1 for none.
    n_choices
        Choices of the cell type slot.
    """

    def __init__(
        self, entries: sparse.csr_matrix, choices: Sequence[int], *, n_choices: int
    ) -> None:
        self.choices, self.n_choices = np.asarray(choices), n_choices
        on = np.bincount(entries.indices, minlength=entries.shape[1])
        self._rarity = np.log(entries.shape[0] / np.maximum(on, 1))
        self._lists = _unit_rows(entries.multiply(self._rarity).tocsr()).T.tocsc()

    def score(self, tokens: np.ndarray) -> np.ndarray:
        """Return ``(n, n_choices)`` cosines 0-1 of lists ``(n, T)`` with the best list of each.

        Parameters
        ----------
        tokens
            Tokens, best gene first, 0 pads on the right.
        """
        rows, places = np.nonzero(tokens)
        genes = tokens[rows, places]
        values = self._rarity[genes] / np.sqrt(places + 2)
        shape = (len(tokens), self._lists.shape[0])
        asked = _unit_rows(sparse.csr_matrix((values, (rows, genes)), shape=shape))
        cosines = (asked @ self._lists).toarray()
        best = np.zeros((len(tokens), self.n_choices + 1))
        np.maximum.at(best.T, self.choices, cosines.T)
        return best[:, : self.n_choices]


def _unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-9)) @ matrix).tocsr()


def overlap_of(
    model: "Cell2TextModel",
    types: Sequence[str],
    space: SlotSpace,
    terms: Mapping[str, LabelTerm],
) -> ListOverlap | None:
    """Return the lists of a model's first marker encoder; None where it has none.

    Parameters
    ----------
    model
        The composition.
    types
        ``(n_lists,)`` Cell Ontology ids of the lists, in the encoder's order.
    space, terms
        The cell type slot, and the terms above the lists' types.
    """
    from ._marker_encoder import MarkerEncoder

    readers = [module for module in model.modules() if isinstance(module, MarkerEncoder)]
    if not readers or not types:
        return None
    reader = readers[0]
    place = (reader.list_of.cpu().numpy(), reader.gene_of.cpu().numpy())
    shape = (len(types), model.config.encoder.vocab_size)
    entries = sparse.csr_matrix((reader.weight_of.cpu().numpy(), place), shape=shape)
    column = {choice: i for i, choice in enumerate(space.choices)}
    nearest = [nearest_choice(term_id, set(column), terms) for term_id in types]
    choices = [-1 if choice is None else column[choice] for choice in nearest]
    return ListOverlap(entries, choices, n_choices=len(column))


def save_types(types: Sequence[str], path: Path) -> None:
    """Write the types of the lists."""
    path.write_text(json.dumps(list(types), indent=0), encoding="utf-8")


def load_types(path: Path) -> tuple[str, ...]:
    """Read the types of the lists; none where there is no file."""
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()
