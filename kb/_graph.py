"""The graph of one ontology: what is above, below and beside a term, and how near two terms are.

Edges run from child to parent as the source package gives them (*is a* and *part of* merged).
Similarity is the personalised PageRank of the Cell2Text paper in closed form, so no iteration
and no table on disk is needed.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from ._errors import UnknownTermError
from ._term import Term

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import SuperLU

_RESTART = 0.1
"""Probability to jump back to the starting term: 1 - alpha of the paper's 0.9."""
_FLOOR = 1e-4
"""Probabilities far below this count as none: the scale of the logarithm."""
_BLOCK = 256
"""Columns solved at a time: bounds memory to terms x 256 doubles."""


class OntologyGraph:
    """Ancestors, descendants, distances and similarity among the live terms of one ontology."""

    def __init__(self, terms: Mapping[str, Term]) -> None:
        self._terms = terms

    @cached_property
    def digraph(self) -> "nx.DiGraph":
        """Live terms as nodes, one edge from each child to each of its parents."""
        import networkx as nx

        graph = nx.DiGraph()
        live = {term_id for term_id, term in self._terms.items() if not term.deprecated}
        graph.add_nodes_from(sorted(live))
        graph.add_edges_from(
            (term_id, parent)
            for term_id in sorted(live)
            for parent in self._terms[term_id].parents
            if parent in live
        )
        return graph

    def parents(self, term_id: str) -> list[str]:
        """Return the direct parents."""
        return sorted(self.digraph.successors(self._known(term_id)))

    def children(self, term_id: str) -> list[str]:
        """Return the direct children."""
        return sorted(self.digraph.predecessors(self._known(term_id)))

    def siblings(self, term_id: str) -> list[str]:
        """Return the other children of its parents."""
        beside = {child for parent in self.parents(term_id) for child in self.children(parent)}
        return sorted(beside - {term_id})

    def ancestors(self, term_id: str) -> list[str]:
        """Return all that is above the term, nearest first."""
        steps = self._steps_up(self._known(term_id))
        return sorted((key for key in steps if key != term_id), key=lambda key: (steps[key], key))

    def descendants(self, term_id: str) -> list[str]:
        """Return all that is below the term, nearest first."""
        import networkx as nx

        below = self.digraph.reverse(copy=False)
        steps = nx.single_source_shortest_path_length(below, self._known(term_id))
        return sorted((key for key in steps if key != term_id), key=lambda key: (steps[key], key))

    def is_a(self, term_id: str, ancestor_id: str) -> bool:
        """Tell whether the first term is the second or lies below it."""
        self._known(ancestor_id)
        return ancestor_id in self._steps_up(self._known(term_id))

    def lowest_common_ancestors(self, term_id: str, other_id: str) -> list[str]:
        """Return the common ancestors that have no other common ancestor below them.

        A term counts as its own ancestor. Several are returned where the ontology gives a term
        several parents.
        """
        first = self._steps_up(self._known(term_id))
        second = self._steps_up(self._known(other_id))
        common = first.keys() & second.keys()
        above = {key for shared in common for key in self._steps_up(shared) if key != shared}
        return sorted(common - above, key=lambda key: (first[key] + second[key], key))

    def distance(self, term_id: str, other_id: str) -> int | None:
        """Return the fewest edges between two terms by way of a common ancestor, or None."""
        first = self._steps_up(self._known(term_id))
        second = self._steps_up(self._known(other_id))
        return min((first[key] + second[key] for key in first.keys() & second.keys()), default=None)

    def depth(self, term_id: str) -> int:
        """Return the most edges from the term up to a root."""
        return max(self._steps_up(self._known(term_id)).values())

    def similarity(self, term_id: str, other_id: str) -> float:
        """Return how near `other_id` is to `term_id`, 0 to 1; 1 for the same term.

        ``ln(1 + p / 1e-4)`` of the PageRank `p` at `other_id` of walks on the undirected graph
        that restart at `term_id` with probability 0.1, scaled to 0-1 over all pairs of the
        ontology :cite:p:`cell2text`. Not symmetric: as a score, the prediction comes first.
        """
        position = self._position
        start, end = position[self._known(term_id)], position[self._known(other_id)]
        if start == end:
            return 1.0
        low, high = self._range
        return float((self._row(start)[end] - low) / (high - low))

    def similarities(self, term_ids: Iterable[str] | None = None) -> "np.ndarray":
        """Return the similarity of each given term (all: in the order of `digraph`) to every term.

        Returns
        -------
        Array of shape ``(n_given, n_terms)``, 0 to 1.
        """
        import numpy as np

        position = self._position
        if term_ids is None:
            table = self._all_rows()
            low, high = float(table.min()), float(table.max())
            rows = list(range(len(position)))
        else:
            rows = [position[self._known(key)] for key in term_ids]
            low, high = self._range
            blocks = [rows[at : at + _BLOCK] for at in range(0, len(rows), _BLOCK)]
            table = np.vstack([self._log_pagerank(block) for block in blocks])
        table -= low
        table /= high - low
        table[np.arange(len(rows)), rows] = 1.0
        return table

    def _all_rows(self) -> "np.ndarray":
        """Return ln(1 + p / 1e-4) of every term from every term.

        All columns of the inverse at once, one step of the factors a term: the graph is nearly
        a tree, so a step touches few rows, each of them whole.
        """
        import numpy as np
        from scipy.sparse import csr_array

        factor, degree = self._factor
        lower, upper = csr_array(factor.L), csr_array(factor.U)
        size = len(degree)
        table = np.zeros((size, size))
        table[factor.perm_r, np.arange(size)] = 1.0
        for row in range(size):
            _subtract(table, row, *_off_diagonal(lower, row))
        diagonal = upper.diagonal()
        for row in range(size - 1, -1, -1):
            _subtract(table, row, *_off_diagonal(upper, row))
            table[row] /= diagonal[row]
        table = table[factor.perm_c]  # symmetric: column s of the inverse is its row s
        table *= degree
        table /= table.sum(axis=1, keepdims=True) * _FLOOR
        return np.log1p(table, out=table)

    def _known(self, term_id: str) -> str:
        if term_id not in self.digraph:
            msg = (
                f"{term_id} is no live term of this ontology. Allowed: ids such as "
                f"{next(iter(self.digraph), 'CL:0000000')}. Resolve the name first."
            )
            raise UnknownTermError(msg)
        return term_id

    @lru_cache(maxsize=4096)  # noqa: B019 - one graph an ontology, kept for the process
    def _steps_up(self, term_id: str) -> dict[str, int]:
        steps = {term_id: 0}
        queue = deque([term_id])
        while queue:
            current = queue.popleft()
            for parent in self.digraph.successors(current):
                if parent not in steps:
                    steps[parent] = steps[current] + 1
                    queue.append(parent)
        return steps

    @cached_property
    def _position(self) -> dict[str, int]:
        return {term_id: place for place, term_id in enumerate(self.digraph)}

    @cached_property
    def _factor(self) -> tuple["SuperLU", "np.ndarray"]:
        """Factorise D - alpha A, which holds every walk at once; degrees as (n_terms,)."""
        import networkx as nx
        import numpy as np
        from scipy.sparse import csc_array, diags_array
        from scipy.sparse.linalg import splu

        graph = self.digraph.to_undirected(as_view=True)
        adjacency = csc_array(nx.to_scipy_sparse_array(graph, format="csc", dtype=float))
        degree = np.maximum(np.asarray(adjacency.sum(axis=0)).ravel(), 1.0)
        system = csc_array(diags_array(degree) - (1.0 - _RESTART) * adjacency)
        options = {"SymmetricMode": True}
        return splu(system, permc_spec="MMD_AT_PLUS_A", options=options), degree

    @cached_property
    def _range(self) -> tuple[float, float]:
        """Return the least and the greatest ln(1 + p / 1e-4) over all pairs of terms.

        Walks never reach another component, so with two or more the least is 0. The greatest is
        on the diagonal: p at t of walks from s is p at t of walks from t, times the probability
        of ever reaching t. Only terms whose bound exceeds the greatest so far are solved.
        """
        import networkx as nx
        import numpy as np

        connected = nx.number_connected_components(self.digraph.to_undirected(as_view=True)) < 2
        low = self._least() if connected else 0.0
        bounds = self._bounds_of_return()
        order, best = np.argsort(-bounds), 0.0
        for offset in range(0, len(order), _BLOCK):
            block = order[offset : offset + _BLOCK]
            if bounds[block[0]] <= best:
                break
            table = self._log_pagerank(block.tolist())
            best = max(best, float(table[np.arange(len(block)), block].max()))
        return low, best

    def _least(self) -> float:
        size = len(self._position)
        starts = range(0, size, _BLOCK)
        blocks = (list(range(start, min(start + _BLOCK, size))) for start in starts)
        return min(float(self._log_pagerank(block).min()) for block in blocks)

    def _bounds_of_return(self) -> "np.ndarray":
        """Return upper bounds of the diagonal of ln(1 + p / 1e-4), shape ``(n_terms,)``.

        p at t of walks from t is (1 - alpha) / (1 - r), where r sums the probabilities of the
        first return after n steps, each times alpha to the n. Those of two and three steps are
        counted; all the rest are taken to return after four.
        """
        import networkx as nx
        import numpy as np
        from scipy.sparse import csr_array, diags_array

        graph = self.digraph.to_undirected(as_view=True)
        adjacency = csr_array(nx.to_scipy_sparse_array(graph, format="csr", dtype=float))
        degree = np.asarray(adjacency.sum(axis=1)).ravel()
        step = csr_array(diags_array(1.0 / np.maximum(degree, 1.0)) @ adjacency)
        in_two = np.asarray(step.multiply(step.T).sum(axis=1)).ravel()
        in_three = np.asarray((step @ step).multiply(step.T).sum(axis=1)).ravel()
        alpha = 1.0 - _RESTART
        later = np.maximum(1.0 - in_two - in_three, 0.0)
        returned = alpha**2 * in_two + alpha**3 * in_three + alpha**4 * later
        p = np.where(degree > 0, _RESTART / (1.0 - returned), 1.0)
        # A hair above, so that rounding never excludes the greatest.
        return np.log1p(p / _FLOOR) * (1.0 + 1e-9)

    @lru_cache(maxsize=1024)  # noqa: B019 - one graph an ontology, kept for the process
    def _row(self, start: int) -> "np.ndarray":
        return self._log_pagerank([start])[0]

    def _log_pagerank(self, starts: list[int]) -> "np.ndarray":
        """Return ln(1 + p / 1e-4) for walks from each start, shape ``(n_starts, n_terms)``."""
        import numpy as np

        factor, degree = self._factor
        sources = np.zeros((len(degree), len(starts)))
        sources[starts, np.arange(len(starts))] = 1.0
        # Row s of (I - alpha D^-1 A)^-1 is D times column s of the symmetric (D - alpha A)^-1.
        walks = factor.solve(sources).T * degree
        walks /= walks.sum(axis=1, keepdims=True)
        return np.log1p(walks / _FLOOR)


def _off_diagonal(matrix: "csr_array", row: int) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the columns and values of a row of a triangular matrix beside its diagonal."""
    start, end = matrix.indptr[row], matrix.indptr[row + 1]
    columns, values = matrix.indices[start:end], matrix.data[start:end]
    beside = columns != row
    return columns[beside], values[beside]


def _subtract(table: "np.ndarray", row: int, others: "np.ndarray", times: "np.ndarray") -> None:
    """Take multiples of other rows from a row, in place."""
    if len(others):
        table[row] -= times @ table[others]
