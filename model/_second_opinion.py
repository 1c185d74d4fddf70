"""What others than the network say of a cell, which tells how far its name is to be trusted.

Two that share nothing with it: the training profile whose genes are ordered most like the cell's
(Spearman), and the names that the nearest cells of the dataset were given. Neither is as often
right as the network, but where they agree with it along the ontology it is right more often than
where they do not, and its own probability hardly knows the difference. They change the confidence
of a name and never the name; where a dataset is too small to have neighbours, nobody is asked.

Correlation is taken over the genes that the cell's dataset and the profile's study both measured,
of ranks among all genes of the dataset: with those ranks each cell is ranked once rather than once
a study.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse, stats

if TYPE_CHECKING:
    from ._labels import SlotSpace
    from ._references import Profiles

#: Nothing is said.
NO_NAME = -1
#: There is no neighbour near enough.
NOBODY = -2
#: A study that shares fewer genes with a cell is not compared with it.
LEAST_SHARED = 20
#: Cells that are ranked together.
_ROWS = 256


class NearestProfile:
    """Finds the cell type whose profile has its genes ordered most like a cell's.

    Parameters
    ----------
    profiles
        Labelled profiles; those of types that the slot cannot say have no voice.
    space
        The cell type slot.
    """

    def __init__(self, profiles: "Profiles", space: "SlotSpace") -> None:
        place = {term_id: i for i, term_id in enumerate(space.speakable)}
        kept = np.array([str(t) in place for t in profiles.cell_types], dtype=bool)
        self._profiles, self._measured = profiles.profiles[kept], profiles.measured[kept]
        self._names = np.array([place[str(t)] for t in profiles.cell_types[kept]], dtype=int)
        self._genes, self._sources = profiles.genes, profiles.sources[kept]
        self._ready: tuple[bytes, _Ranked] | None = None

    def without(self, source: str) -> "NearestProfile":
        """Return the same less the profiles of a study and of others by the same makers.

        A study's makers are told by the last word of its name.
        """
        own = source.rsplit("_", 1)[-1]
        kept = np.array([str(s).rsplit("_", 1)[-1] != own for s in self._sources], dtype=bool)
        fewer = object.__new__(NearestProfile)
        fewer._profiles, fewer._measured = self._profiles[kept], self._measured[kept]
        fewer._names, fewer._sources = self._names[kept], self._sources[kept]
        fewer._genes, fewer._ready = self._genes, None
        return fewer

    def names(self, linear: sparse.csr_matrix, token_ids: np.ndarray) -> np.ndarray:
        """Return ``(n,)`` places in the slot's speakable terms, `NO_NAME` where there is none.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` expression on any scale; only the order of a cell's genes counts.
        token_ids
            ``(n_vars,)`` row of the gene table for each variable, -1 where unknown.
        """
        genes, columns = self._shared(token_ids)
        found = np.full(linear.shape[0], NO_NAME)
        if not len(genes) or not len(self._names):
            return found
        ranked = self._ranked(genes)
        for start in range(0, linear.shape[0], _ROWS):
            cells = sparse.csr_matrix(linear[start : start + _ROWS][:, columns], dtype=np.float64)
            correlation = ranked.correlate(_ranks_above_none(cells))
            best = correlation.argmax(1)
            known = np.isfinite(correlation[np.arange(len(best)), best])
            found[start : start + len(best)] = np.where(known, self._names[best], NO_NAME)
        return found

    def _shared(self, token_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of the profiles' genes a dataset has, and its first variable of each."""
        place = {int(gene): i for i, gene in enumerate(self._genes)}
        of_variable = np.array([place.get(int(t), -1) for t in token_ids], dtype=int)
        known = np.flatnonzero(of_variable >= 0)
        genes, first = np.unique(of_variable[known], return_index=True)
        return genes, known[first]

    def _ranked(self, genes: np.ndarray) -> "_Ranked":
        """Return the profiles ranked on these genes, kept while they stay the same."""
        key, ready = genes.tobytes(), self._ready
        if ready is None or ready[0] != key:
            profiles, measured = self._profiles[:, genes], self._measured[:, genes]
            ready = self._ready = key, _rank(profiles, measured, self._sources)
        return ready[1]


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Ranks of profiles over some genes.

    Parameters
    ----------
    ranks
        ``(g, n_profiles)`` ranks, centred and of unit length over the measured genes, 0 elsewhere.
    measured
        ``(g, n_studies)`` 1 where the study measured the gene.
    study
        ``(n_profiles,)`` column of `measured`.
    """

    ranks: np.ndarray
    measured: np.ndarray
    study: np.ndarray

    @cached_property
    def _n_shared(self) -> np.ndarray:
        return self.measured.sum(0)

    def correlate(self, above: sparse.csr_matrix) -> np.ndarray:
        """Return ``(n, n_profiles)`` correlations, minus infinity where too little is shared.

        The products are sparse, and so the same however many cells go together.

        Parameters
        ----------
        above
            ``(n, g)`` how far each gene ranks above those that are not expressed.
        """
        n = np.maximum(self._n_shared, 1)
        variance = above.power(2) @ self.measured - np.square(above @ self.measured) / n
        usable = (self._n_shared >= LEAST_SHARED) & (variance > 0)
        length = np.sqrt(np.where(usable, variance, 1.0))
        found = (above @ self.ranks) / length[:, self.study]
        return np.where(usable[:, self.study], found, -np.inf)


def _rank(profiles: np.ndarray, measured: np.ndarray, sources: np.ndarray) -> _Ranked:
    """Rank ``(n_profiles, g)`` profiles over the genes that their own study measured."""
    studies, study = np.unique(sources, return_inverse=True)
    ranks = np.zeros(profiles.shape[::-1])
    masks = np.zeros((profiles.shape[1], len(studies)))
    for number in range(len(studies)):
        rows = np.flatnonzero(study == number)
        genes = np.flatnonzero(measured[rows[0]])
        masks[genes, number] = 1.0
        if len(genes) < LEAST_SHARED:
            continue
        own = stats.rankdata(profiles[np.ix_(rows, genes)], axis=1)
        own -= own.mean(1, keepdims=True)
        own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
        ranks[np.ix_(genes, rows)] = own.T
    return _Ranked(ranks, masks, study)


def _ranks_above_none(cells: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return ``(n, g)`` by how many ranks each gene lies above the genes that a cell lacks."""
    cells.eliminate_zeros()
    n_genes = cells.shape[1]
    for start, end in zip(cells.indptr[:-1], cells.indptr[1:], strict=True):
        # Genes that are not expressed share the mean of the lowest ranks.
        n_none = n_genes - (end - start)
        own = stats.rankdata(cells.data[start:end])
        cells.data[start:end] = own + n_none / 2 - 0.5 * (n_none > 0)
    return cells


def agreement(space: "SlotSpace", said: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return ``(n, 2)`` how far others bear out what is said of cells.

    Whether the nearest profile is of the type that is said, of one above it or of one below, 0.5
    where there is no profile to compare with; and the share of the near neighbours of which the
    same is true, 0 where none is near.

    Parameters
    ----------
    space
        The cell type slot.
    said
        ``(n,)`` places in its speakable terms, `NO_NAME` where nothing is said.
    others
        ``(n, 1 + k)`` the same for the nearest profile and for `k` neighbours, `NOBODY` for
        neighbours that are too far away.
    """
    agree = space.on_lineage[said[:, None], others] & (others >= 0) & (said >= 0)[:, None]
    n_near = (others[:, 1:] != NOBODY).sum(1)
    share = agree[:, 1:].sum(1) / np.maximum(n_near, 1)
    nearest = np.where(others[:, 0] >= 0, agree[:, 0], 0.5)
    return np.column_stack([nearest, share]).astype(float)
