"""The face of this room: one object that knows the terms, their names and their graph.

Opening reads nothing; each ontology is loaded when it is first asked for, and exact and lexical
resolution work before the search index exists.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ._errors import UnknownOntologyError, UnknownTermError
from ._sources import (
    NORMAL_TERM_ID,
    ONTOLOGY_TITLES,
    load_terms,
    normal_term,
    ontology_of,
    ontology_version,
)
from ._term import Passage, Resolution, Term

if TYPE_CHECKING:
    from ._embedding import Embedder
    from ._graph import OntologyGraph
    from ._index import Progress, TermIndex
    from ._markers import MarkerTable
    from ._resolver import Resolver
    from ._search import Searcher

logger = logging.getLogger(__name__)

_DEFAULT = ("CL", "UBERON", "MONDO", "HsapDv")
_NAMED = 0.85
"""Score of a resolution from which a query counts as the name of a term."""
_INDEX_FORMAT = "4"
"""Part of the content hash; raise it when documents are composed in another way."""


class KnowledgeBase:
    """Terms of cell types, tissues, diseases and life stages: resolve, search, walk the graph."""

    def __init__(
        self, path: Path, *, ontologies: Sequence[str], embedder: "Embedder | None" = None
    ) -> None:
        self._path = Path(path)
        self._ontologies = tuple(ontologies)
        self._given_embedder = embedder
        self._graphs: dict[str, OntologyGraph] = {}
        self._resolvers: dict[str, Resolver] = {}
        self._searchers: dict[str, Searcher] = {}
        for ontology in self._ontologies:
            if ontology not in _DEFAULT:
                self._refuse(ontology, allowed=_DEFAULT)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        ontologies: Sequence[str] = _DEFAULT,
        embedder: "Embedder | None" = None,
    ) -> Self:
        """Open the knowledge base whose search index is, or will be, in a folder.

        Parameters
        ----------
        path
            Folder of the index; need not exist.
        ontologies
            Which to answer from: CL, UBERON, MONDO, HsapDv.
        embedder
            Turns texts into vectors for the index; None for the offline one of this room.

        Raises
        ------
        UnknownOntologyError
            If an ontology is none of these.
        """
        return cls(path, ontologies=ontologies, embedder=embedder)

    # -- names and texts -----------------------------------------------------------------

    def resolve(
        self,
        text: str,
        *,
        ontology: str = "CL",
        tissue: str | None = None,
        remembered: Mapping[str, str] | None = None,
    ) -> Resolution:
        """Return the term that a name means, how that was found and what else it may mean.

        Parameters
        ----------
        tissue
            Where the cells are from, as a word: "liver" makes HSC the hepatic stellate cell.
        remembered
            Ids by names that a user gave them; looked at before every rule, equal but for case,
            plural and separators.

        Raises
        ------
        UnknownOntologyError
            If the ontology is not open.
        """
        resolver = self._resolver(ontology)
        answer = resolver.remembered(text, remembered) if remembered else None
        return answer or resolver.resolve(text, tissue=tissue)

    def resolve_many(
        self, texts: Iterable[str], *, ontology: str = "CL", tissue: str | None = None
    ) -> list[Resolution]:
        """Return what each name means, in order; quicker than one by one."""
        return self._resolver(ontology).resolve_many(texts, tissue=tissue)

    def search(
        self, query: str, *, ontology: str = "CL", limit: int = 8, within: str | None = None
    ) -> list[Passage]:
        """Return the terms that best answer a question in words, best first.

        Labels, synonyms, definitions and parents are searched by words and, once the index is
        built, by vectors too.

        Parameters
        ----------
        within
            Id of a term: answer with it and what is below it only.

        Raises
        ------
        UnknownOntologyError
            If the ontology is not open.
        UnknownTermError
            If `within` is no term of it.
        """
        if ontology not in self._searchers:
            from ._search import Searcher

            self._searchers[ontology] = Searcher(
                self._terms(ontology), source=self._source(ontology)
            )
        from ._search import subject_of

        named = self._resolver(ontology).resolve(subject_of(query), vectors=False)
        among = self._within(within, ontology)
        near: list[tuple[str, float]] = []
        if self.is_ready():
            near = self._near(query, ontology=ontology, limit=4 * limit, among=among)
        return self._searchers[ontology].search(
            query,
            named=named.id if named.score >= _NAMED else None,
            near=near,
            among=among,
            limit=limit,
        )

    # -- terms and the graph -------------------------------------------------------------

    def term(self, term_id: str) -> Term:
        """Return a term by its id; obsolete terms too, marked.

        Raises
        ------
        UnknownTermError
            If no open ontology holds the id.
        """
        ontology = ontology_of(term_id)
        known = ontology in self._ontologies or term_id == NORMAL_TERM_ID
        term = load_terms(ontology).get(term_id) if known else None
        if term is None:
            msg = (
                f"There is no term {term_id!r}. Allowed: ids of {', '.join(self._ontologies)} "
                "such as CL:0000084. Resolve the name first, or check the id."
            )
            raise UnknownTermError(msg)
        return term

    def parents(self, term_id: str) -> list[Term]:
        """Return the direct parents of a term."""
        return self._terms_of(self._graph(term_id).parents(term_id))

    def children(self, term_id: str) -> list[Term]:
        """Return the direct children of a term."""
        return self._terms_of(self._graph(term_id).children(term_id))

    def ancestors(self, term_id: str) -> list[Term]:
        """Return all that is above a term, nearest first."""
        return self._terms_of(self._graph(term_id).ancestors(term_id))

    def descendants(self, term_id: str) -> list[Term]:
        """Return all that is below a term, nearest first."""
        return self._terms_of(self._graph(term_id).descendants(term_id))

    def siblings(self, term_id: str) -> list[Term]:
        """Return the other children of a term's parents."""
        return self._terms_of(self._graph(term_id).siblings(term_id))

    def is_a(self, term_id: str, ancestor_id: str) -> bool:
        """Tell whether the first term is the second or lies below it."""
        if ontology_of(term_id) != ontology_of(ancestor_id):
            self.term(term_id), self.term(ancestor_id)
            return False
        return self._graph(term_id).is_a(term_id, ancestor_id)

    def lowest_common_ancestors(self, term_id: str, other_id: str) -> list[Term]:
        """Return the nearest terms that hold both; empty across ontologies."""
        if ontology_of(term_id) != ontology_of(other_id):
            self.term(term_id), self.term(other_id)
            return []
        found = self._graph(term_id).lowest_common_ancestors(term_id, other_id)
        return self._terms_of(found)

    def distance(self, term_id: str, other_id: str) -> int | None:
        """Return the fewest edges between two terms through a common ancestor, or None."""
        if ontology_of(term_id) != ontology_of(other_id):
            self.term(term_id), self.term(other_id)
            return None
        return self._graph(term_id).distance(term_id, other_id)

    def similarity(self, term_id: str, other_id: str) -> float:
        """Return the PageRank similarity of the paper, 0-1; the prediction comes first."""
        if ontology_of(term_id) != ontology_of(other_id):
            self.term(term_id), self.term(other_id)
            return 0.0
        return self._graph(term_id).similarity(term_id, other_id)

    def versions(self) -> dict[str, str]:
        """Return the release of each open ontology."""
        return {ontology: ontology_version(ontology) for ontology in self._ontologies}

    # -- markers and gene sets -----------------------------------------------------------

    @cached_property
    def markers(self) -> "MarkerTable":
        """Published marker genes of cell types, with their sources."""
        from ._markers import MarkerTable

        return MarkerTable.shipped()

    def read_markers(self, path: Path) -> "MarkerTable":
        """Read a user's table of markers; names of cell types are resolved.

        Raises
        ------
        KnowledgeError
            If it cannot be used; the message says what is wrong and what is expected.
        """
        from ._markers import MarkerTable

        return MarkerTable.read(Path(path), resolve=lambda name: self.resolve(name).id)

    def read_gene_sets(self, path: Path) -> dict[str, tuple[str, ...]]:
        """Read a user's gene sets from a .gmt file.

        Raises
        ------
        KnowledgeError
            If it cannot be used; the message says what is wrong and what is expected.
        """
        from ._gene_sets import read_gene_sets

        return read_gene_sets(Path(path))

    # -- the index -----------------------------------------------------------------------

    def build(self, *, progress: "Progress | None" = None) -> None:
        """Build the search index; at once done when it is there and nothing changed.

        Raises
        ------
        IndexBuildError
            If the folder cannot be written.
        """
        from ._search import document_of, names_of

        if self.is_ready():
            if progress is not None:
                progress(1.0, "The search index is ready.")
            return
        documents = {
            ontology: [
                (term.id, names_of(term), document_of(term, terms))
                for term in terms.values()
                if not term.deprecated
            ]
            for ontology, terms in ((name, self._terms(name)) for name in self._ontologies)
        }
        self._index.build(documents, progress=progress)

    def is_ready(self) -> bool:
        """Tell whether the search index is built for these very ontologies."""
        return self._index.is_ready()

    @cached_property
    def _embedder(self) -> "Embedder":
        from ._embedding import HashingEmbedder

        return self._given_embedder or HashingEmbedder()

    @cached_property
    def _index(self) -> "TermIndex":
        from ._index import TermIndex

        parts = [_INDEX_FORMAT, self._embedder.name, *map("=".join, self.versions().items())]
        digest = hashlib.sha256("|".join(parts).encode()).hexdigest()
        return TermIndex(self._path, embedder=self._embedder, content_hash=digest)

    def _near(
        self, text: str, *, ontology: str, limit: int, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        return self._index.nearest([text], ontology=ontology, limit=limit, among=among)[0]

    def _within(self, term_id: str | None, ontology: str) -> list[str] | None:
        if term_id is None:
            return None
        if ontology_of(term_id) != ontology:
            msg = (
                f"{term_id} is no term of {ontology}, which is searched. Allowed: ids such as "
                f"{next(iter(self._terms(ontology)))}. Search the ontology of the term."
            )
            raise UnknownTermError(msg)
        graph = self._graph(term_id)
        return [term_id, *graph.descendants(term_id)]

    # -- loaded when asked for -----------------------------------------------------------

    def _terms(self, ontology: str) -> dict[str, Term]:
        if ontology not in self._ontologies:
            self._refuse(ontology, allowed=self._ontologies)
        terms = load_terms(ontology)
        if ontology == "MONDO":
            # CELLxGENE writes a healthy donor's "disease" as a term of another ontology.
            terms = terms | {NORMAL_TERM_ID: normal_term()}
        return terms

    def _resolver(self, ontology: str) -> "Resolver":
        if ontology not in self._resolvers:
            from ._names import NameIndex
            from ._resolver import Resolver

            terms = self._terms(ontology)
            names = NameIndex(terms, ontology=ontology)
            graph = self._graph_of(ontology)
            self._resolvers[ontology] = Resolver(
                terms, names, graph, neighbours=lambda texts: self._neighbours(texts, ontology)
            )
        return self._resolvers[ontology]

    def _neighbours(self, texts: Sequence[str], ontology: str) -> list[list[tuple[str, float]]]:
        """Return the terms whose names are spelled most like each text; none without an index."""
        from ._embedding import shares_each_word, spelling_similarity

        if not self.is_ready():
            return [[] for _ in texts]
        terms = self._terms(ontology)
        answers = []
        for text, near in zip(
            texts, self._index.nearest(texts, ontology=ontology, limit=25), strict=True
        ):
            rated = {
                term_id: max(
                    spelling_similarity(text, name) * shares_each_word(text, name)
                    for name in (terms[term_id].label, *terms[term_id].synonyms)
                )
                for term_id, _ in near
                if term_id in terms
            }
            answers.append(sorted(rated.items(), key=lambda item: (-item[1], item[0])))
        return answers

    def _graph(self, term_id: str) -> "OntologyGraph":
        self.term(term_id)
        return self._graph_of(ontology_of(term_id))

    def _graph_of(self, ontology: str) -> "OntologyGraph":
        if ontology not in self._graphs:
            from ._graph import OntologyGraph

            self._graphs[ontology] = OntologyGraph(
                {NORMAL_TERM_ID: normal_term()} if ontology == "PATO" else load_terms(ontology)
            )
        return self._graphs[ontology]

    def _terms_of(self, term_ids: Iterable[str]) -> list[Term]:
        return [self.term(term_id) for term_id in term_ids]

    def _source(self, ontology: str) -> str:
        return f"{ONTOLOGY_TITLES[ontology]} {ontology_version(ontology)}"

    def _refuse(self, ontology: str, *, allowed: Sequence[str]) -> None:
        msg = (
            f"There is no ontology {ontology!r} here. Allowed: {', '.join(allowed)}. "
            "Name one of these."
        )
        raise UnknownOntologyError(msg)
