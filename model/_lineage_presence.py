"""Tells from a cell's genes which broad lineages are in its droplet: none, one, or two.

One linear score a lineage, over the order of all genes, learnt on single cells and on planted
doublets alike. It knows nothing of the encoder, so that it can contradict it: a description that
names a B cell where only the genes of a T cell are seen does not agree with its own markers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ._labels import LabelTerm

#: Length of the gene vector of a cell before it is weighed.
SCALE = 8.0
#: Number of genes at which a lineage's offset needs no correction.
USUAL_GENES = 600.0
#: Cells whose genes are weighed at once.
_ROWS = 16


@dataclass(frozen=True)
class LineagePresence:
    """Scores of all lineages.

    Parameters
    ----------
    names
        ``(L,)`` what the lineages are called.
    members
        ``(L,)`` ids of the terms that each lineage consists of, with all below them.
    weights
        ``(n_genes + 1, L)`` weight of each token; row 0, the padding, weighs nothing.
    bias, depth
        ``(L,)`` offset, and what a cell's log number of genes adds to it.
    """

    names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]
    weights: np.ndarray
    bias: np.ndarray
    depth: np.ndarray

    def logits(self, tokens: np.ndarray) -> np.ndarray:
        """Return ``(n, L)`` log-odds that each lineage is in the droplet.

        Parameters
        ----------
        tokens
            ``(n, T)`` rank-value tokens, 0 pads on the right.
        """
        strength, n = gene_strengths(tokens)
        total = np.zeros((len(tokens), len(self.names)))
        for start in range(0, len(tokens), _ROWS):
            part = slice(start, start + _ROWS)
            # Gene after gene, so that a cell's sum does not depend on its batch.
            weighed = strength[part, :, None] * self.weights[tokens[part]]
            total[part] = weighed.sum(1, dtype=np.float64)
        return total + self.bias + self.depth * np.log(n / USUAL_GENES)[:, None]

    def lineage_of(self, term_id: str, terms: Mapping[str, LabelTerm]) -> int:
        """Return the lineage that a term belongs to, -1 where it is of none or of several."""
        seen, stack = {term_id}, [term_id]
        while stack:
            term = terms.get(stack.pop())
            new = set(term.parents if term else ()) - seen
            seen |= new
            stack += sorted(new)
        found = [i for i, ids in enumerate(self.members) if not seen.isdisjoint(ids)]
        return found[0] if len(found) == 1 else -1

    def lineages_of(self, term_ids: Sequence[str], terms: Mapping[str, LabelTerm]) -> np.ndarray:
        """Return ``(n,)`` the lineage of each term, see `lineage_of`."""
        known = {term_id: self.lineage_of(term_id, terms) for term_id in set(term_ids)}
        return np.array([known[term_id] for term_id in term_ids], dtype=np.int64)


def gene_strengths(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(n, T)`` how much each gene counts, and ``(n,)`` the number of genes, at least 1.

    The first gene of a cell counts most and the last nearly nothing; the vector of a cell has
    the length `SCALE`, so that a deep cell does not speak louder than a shallow one.
    """
    present = tokens > 0
    n = np.maximum(present.sum(1), 1)
    strength = np.maximum(1 - np.arange(tokens.shape[1])[None] / n[:, None], 0) * present
    # The length follows from the number of genes alone.
    steps = n.astype(np.float64)
    length = np.sqrt((steps + 1) * (2 * steps + 1) / (6 * steps))
    return (SCALE * strength / length[:, None]).astype(np.float32), n
