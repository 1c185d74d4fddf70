"""Resolving and similarity beside the usual ways: what `cell2text benchmark` times.

Nothing is timed here, and nothing of it is used to answer anybody.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ._graph import _FLOOR, _RESTART
from ._knowledge import KnowledgeBase
from ._term import Resolution

if TYPE_CHECKING:
    import numpy as np

_TOLERANCE = 1e-12
_STEPS = 10_000


class KnowledgeContest:
    """A knowledge base, and the usual way to do each thing that it does.

    Parameters
    ----------
    path
        Folder for the search index.
    ontologies
        Which to hold; all of them when None.
    """

    def __init__(self, path: Path, *, ontologies: Sequence[str] | None = None) -> None:
        self._path = path
        self._asked = {} if ontologies is None else {"ontologies": tuple(ontologies)}
        self._base = KnowledgeBase.open(path, **self._asked)

    def build(self) -> int:
        """Build the search index and return how many terms it holds."""
        self._base.build()
        return sum(
            not term.deprecated
            for ontology in self._base.versions()
            for term in self._base._terms(ontology).values()
        )

    def reopen(self) -> list[tuple[str, float]]:
        """Open the index that is on disk anew and ask it one thing."""
        base = KnowledgeBase.open(self._path, **self._asked)
        return base._near("T cell", ontology="CL", limit=1)

    def names(self, n_names: int) -> list[str]:
        """Return names of cell types as authors write them, all different where possible.

        Labels and synonyms of the Cell Ontology, plain and in other spellings, in an order that
        mixes them.
        """
        terms = [t for t in self._base._terms("CL").values() if not t.deprecated]
        plain = [name for term in terms for name in (term.label, *term.synonyms)]
        spellings: list[Callable[[str], str]] = [
            str,
            lambda name: name.replace("-positive", "+").replace("-negative", "-").upper(),
            lambda name: f"{name}s".replace(" ", "_"),
            lambda name: f"{name} 2",
            lambda name: f"activated {name}",
        ]
        names = list(dict.fromkeys(spell(name) for spell in spellings for name in plain))
        step = max(1, len(names) // n_names)
        picked = names[::step][:n_names]
        return picked + names[: max(0, n_names - len(picked))]

    def fresh_resolver(self) -> Callable[[Sequence[str]], list[Resolution]]:
        """Return a function that resolves names, loaded and with nothing remembered."""
        base = KnowledgeBase.open(self._path, **self._asked)
        base.resolve_many(["T cell", "a name that no ontology holds"])
        return base.resolve_many

    def nearest_one_by_one(self, names: Sequence[str]) -> list[str]:
        """Return for each name the id of the nearest term, asking the index once a name."""
        found = [self._base._near(name, ontology="CL", limit=1) for name in names]
        return [near[0][0] for near in found]

    def sources(self, n_sources: int) -> list[str]:
        """Return ids spread over the Cell Ontology."""
        ids = list(self._base._graph_of("CL").digraph)
        return ids[:: max(1, len(ids) // n_sources)][:n_sources]

    def similarities(self) -> "np.ndarray":
        """Return the similarity of every term to every term, by a graph that knows nothing yet."""
        from ._graph import OntologyGraph

        return OntologyGraph(self._base._terms("CL")).similarities()

    def rows_of(self, term_ids: Sequence[str]) -> list[int]:
        """Return the rows of terms in the table of `similarities`."""
        position = self._base._graph_of("CL")._position
        return [position[term_id] for term_id in term_ids]

    def similarities_by_networkx(self, term_ids: Sequence[str]) -> "np.ndarray":
        """Return the similarity of terms to every term, ``(n_given, n_terms)``, by iteration.

        One ``networkx.pagerank`` a term; only the two numbers that scale all rows to 0-1 are
        taken from the graph, since they would need every term's row.
        """
        import networkx as nx
        import numpy as np

        graph = self._base._graph_of("CL")
        undirected = graph.digraph.to_undirected()
        low, high = graph._range
        rows = []
        for term_id in term_ids:
            rank = nx.pagerank(
                undirected,
                alpha=1.0 - _RESTART,
                personalization={term_id: 1.0},
                tol=_TOLERANCE,
                max_iter=_STEPS,
            )
            near = np.array([rank[key] for key in graph.digraph])
            rows.append((np.log1p(near / _FLOOR) - low) / (high - low))
            rows[-1][graph._position[term_id]] = 1.0
        return np.array(rows)
