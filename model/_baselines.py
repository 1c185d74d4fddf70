"""Simple methods that a model has to be better than, learnt from the same data.

Five, from the plainest to the strongest: always the commonest cell type; the profile whose genes
are ordered most alike; the types of the nearest training cells; logistic regression; and how
many of a type's markers are among a cell's top genes. All read the cell as the model does, by
the order of its genes, and all name a training label: none backs off to a broader type.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse, stats

from ._references import References

if TYPE_CHECKING:
    from ._describer import Describer

#: Cells ranked together; a dense block of this many cells by all genes must fit in memory.
_BLOCK = 256
#: Axes that training cells are reduced to before neighbours and regression.
N_AXES = 128
#: Nearest training cells that vote.
N_NEIGHBOURS = 25
#: Markers of a cell type, and top genes of a cell in which they are sought.
N_MARKERS = 50
N_TOP = 200
#: A study shares too few genes with a cell to be compared with from this many down.
_LEAST_SHARED = 20


class NearestProfile:
    """Name a cell after the profile whose genes are ordered most alike (Spearman).

    Parameters
    ----------
    profiles
        ``(n_profiles, n_genes)`` expression.
    measured
        ``(n_profiles, n_genes)`` whether the profile's study measured the gene.
    labels
        ``(n_profiles,)`` ids of cell types.
    sources
        ``(n_profiles,)`` study of each profile.
    """

    def __init__(
        self, profiles: np.ndarray, measured: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> None:
        self.profiles, self.measured = profiles, measured
        self.labels, self.sources = labels, sources

    def predict(self, matrix: sparse.csr_matrix, token_ids: np.ndarray) -> list[str]:
        """Return a cell type id for each of ``(n, n_vars)`` cells.

        Parameters
        ----------
        matrix
            Expression on any scale; only ranks are used.
        token_ids
            ``(n_vars,)`` column of `profiles` of each variable, -1 where unknown.
        """
        known = np.flatnonzero(token_ids >= 0)
        genes, first = np.unique(token_ids[known], return_index=True)
        columns = known[first]
        names: list[str] = []
        for start in range(0, matrix.shape[0], _BLOCK):
            cells = matrix[start : start + _BLOCK][:, columns].toarray().astype(np.float32)
            names += self._nearest(cells, genes)
        return names

    def _nearest(self, cells: np.ndarray, genes: np.ndarray) -> list[str]:
        best = np.full(len(cells), -2.0)
        label = np.full(len(cells), "", dtype=object)
        for source in np.unique(self.sources):
            rows = np.flatnonzero(self.sources == source)
            shared = self.measured[rows[0], genes]
            if shared.sum() < _LEAST_SHARED:
                continue
            left = _standard_ranks(cells[:, shared])
            right = _standard_ranks(self.profiles[rows][:, genes[shared]])
            correlation = left @ right.T
            top = correlation.argmax(1)
            value = correlation[np.arange(len(cells)), top]
            better = value > best
            best[better] = value[better]
            label[better] = self.labels[rows[top[better]]]
        return label.tolist()


class RankSpace:
    """Puts cells into a few dozen axes by the order of their genes.

    A gene counts from 1 (first of the cell) down to 0 (last); genes of the test data that no
    variable measures count 0 in training cells too. Axes are the leading singular vectors of the
    training cells.

    Parameters
    ----------
    tokens
        ``(n, T)`` rank-value tokens of training cells.
    measured
        ``(n_genes,)`` bool, genes that the cells to be named were measured for.
    """

    def __init__(self, tokens: np.ndarray, measured: np.ndarray) -> None:
        from sklearn.decomposition import TruncatedSVD

        self._measured = measured
        values = self._values(tokens)
        n_axes = max(1, min(N_AXES, min(values.shape) - 1))
        self._svd = TruncatedSVD(n_axes, random_state=0, n_iter=4)
        self.training = self._unit(self._svd.fit_transform(values))

    def __call__(self, tokens: np.ndarray) -> np.ndarray:
        """Return ``(n, n_axes)`` unit vectors of cells ``(n, T)``."""
        return self._unit(self._svd.transform(self._values(tokens)))

    def _values(self, tokens: np.ndarray) -> sparse.csr_matrix:
        kept = np.concatenate([[False], self._measured])[tokens]
        place = np.cumsum(kept, axis=1) - 1
        n = np.maximum(kept.sum(1, keepdims=True), 1)
        rows, _ = np.nonzero(kept)
        values = (1 - place / n)[kept].astype(np.float32)
        shape = (len(tokens), len(self._measured))
        return sparse.csr_matrix((values, (rows, tokens[kept] - 1)), shape=shape)

    @staticmethod
    def _unit(points: np.ndarray) -> np.ndarray:
        return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)


class Baselines:
    """All simple methods on one set of references.

    Parameters
    ----------
    references
        What they learn from.
    describer
        Turns cells into tokens, so that all methods read the same genes in the same order.
    """

    def __init__(self, references: References, describer: "Describer") -> None:
        self._references, self._describer = references, describer
        self._table = describer.genes

    def predict(
        self, matrix: sparse.csr_matrix, var_names: Sequence[str]
    ) -> dict[str, list[str | None]]:
        """Name every cell by every method.

        Parameters
        ----------
        matrix
            ``(n, n_vars)`` expression as in `Describer.describe`.
        var_names
            ``(n_vars,)`` gene symbols or Ensembl ids.

        Raises
        ------
        GeneMatchError
            If hardly any variable is a gene of the model.
        """
        known = self._references
        tokens, _ = self._describer.tokens(matrix, var_names)
        column = np.full(len(self._table) + 1, -1)
        column[known.genes] = np.arange(len(known.genes))
        columns = column[self._table.match(var_names).token_ids]
        measured = np.zeros(len(self._table), dtype=bool)
        measured[known.genes[columns[columns >= 0]]] = True
        space = RankSpace(known.cell_tokens, measured)
        points = space(tokens)
        profiles = NearestProfile(known.profiles, known.measured, known.cell_types, known.sources)
        commonest = Counter(known.cell_labels.tolist()).most_common(1)[0][0]
        found: dict[str, list[str]] = {
            "majority": [commonest] * len(tokens),
            "marker overlap": self._by_markers(tokens, measured),
            "nearest profile": profiles.predict(sparse.csr_matrix(matrix), columns),
            "k-NN": _neighbours(space.training, known.cell_labels, points),
            "logistic regression": _regression(space.training, known.cell_labels, points),
        }
        return {method: [name or None for name in names] for method, names in found.items()}

    def _by_markers(self, tokens: np.ndarray, measured: np.ndarray) -> list[str]:
        """Name the type of whose markers most are among the cell's top genes, first ones most."""
        types, members = self.markers(measured)
        place = np.full(len(self._table) + 1, -1)
        place[1:][self._references.genes] = np.arange(len(self._references.genes))
        top = tokens[:, :N_TOP]
        kept = (top > 0) & (place[top] >= 0)
        rows, ranks = np.nonzero(kept)
        weight = 1 / np.log2(ranks + 2)
        shape = (len(tokens), members.shape[1])
        ranked = sparse.csr_matrix((weight, (rows, place[top[kept]])), shape=shape)
        return types[np.asarray(ranked @ members.T).argmax(1)].tolist() if len(types) else []

    def markers(self, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return cell type ids and ``(n_types, n_genes)`` membership, rows of equal weight.

        A marker is a gene that the type's profiles express more, in logarithm, than profiles do
        on average, among the measured genes.
        """
        known = self._references
        logged = np.log(known.profiles + 2e-5)
        n = np.maximum(known.measured.sum(0), 1)
        usual = (logged * known.measured).sum(0) / n
        excess = np.where(known.measured, logged - usual, 0.0)
        types = np.unique(known.cell_types)
        members = np.zeros((len(types), len(known.genes)), dtype=np.float32)
        for i, name in enumerate(types):
            score = excess[known.cell_types == name].mean(0)
            score = np.where(measured[known.genes], score, -np.inf)
            best = np.argsort(-score, kind="stable")[:N_MARKERS]
            best = best[score[best] > 0]
            members[i, best] = 1 / max(1, len(best))
        return types, members


def _neighbours(training: np.ndarray, labels: np.ndarray, points: np.ndarray) -> list[str]:
    from sklearn.neighbors import KNeighborsClassifier

    k = min(N_NEIGHBOURS, len(training))
    return (
        KNeighborsClassifier(k, weights="distance").fit(training, labels).predict(points).tolist()
    )


def _regression(training: np.ndarray, labels: np.ndarray, points: np.ndarray) -> list[str]:
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return [str(labels[0])] * len(points)
    # Unit vectors need little shrinking; the loss is flat long before it has converged.
    model = LogisticRegression(C=30.0, tol=1e-3, max_iter=200)
    return model.fit(training, labels).predict(points).tolist()


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    ranks = stats.rankdata(values, axis=1).astype(np.float32)
    ranks -= ranks.mean(1, keepdims=True)
    return ranks / np.maximum(np.linalg.norm(ranks, axis=1, keepdims=True), 1e-9)
