"""The graph: what is above and below a term, and the paper's similarity in closed form."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from kb import KnowledgeBase, Term, UnknownTermError
from kb._graph import OntologyGraph

T_CELL, B_CELL, LYMPHOCYTE, NEURON = "CL:0000084", "CL:0000236", "CL:0000542", "CL:0000540"


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture(scope="module")
def diamond() -> OntologyGraph:
    """A root, two parents, a child of both, a leaf, an obsolete term and a lone term."""
    parents = {"r": (), "a": ("r",), "b": ("r",), "c": ("a", "b"), "d": ("c",), "lone": ()}
    terms = {key: Term(key, key, "X", parents=above) for key, above in parents.items()}
    terms["old"] = Term("old", "old", "X", parents=("a",), deprecated=True)
    return OntologyGraph(terms)


def test_walks_up_and_down(diamond: OntologyGraph) -> None:
    assert diamond.parents("c") == ["a", "b"]
    assert diamond.ancestors("d") == ["c", "a", "b", "r"]
    assert diamond.descendants("r") == ["a", "b", "c", "d"]
    assert diamond.siblings("a") == ["b"]
    assert diamond.lowest_common_ancestors("a", "b") == ["r"]
    assert diamond.lowest_common_ancestors("d", "a") == ["a"]
    assert (diamond.distance("d", "r"), diamond.distance("d", "lone")) == (3, None)
    assert diamond.depth("d") == 3


def test_obsolete_terms_are_no_part_of_the_graph(diamond: OntologyGraph) -> None:
    with pytest.raises(UnknownTermError, match="old is no live term"):
        diamond.parents("old")


def test_cell_ontology_says_what_a_biologist_says(knowledge: KnowledgeBase) -> None:
    assert knowledge.is_a("CL:0000624", T_CELL)
    assert knowledge.is_a(T_CELL, T_CELL)
    assert not knowledge.is_a(T_CELL, "CL:0000624")
    assert [term.id for term in knowledge.lowest_common_ancestors(T_CELL, B_CELL)] == [LYMPHOCYTE]
    assert "leukocyte" in {term.label for term in knowledge.ancestors(T_CELL)}
    assert T_CELL in {term.id for term in knowledge.descendants(LYMPHOCYTE)}
    assert not knowledge.is_a(T_CELL, "UBERON:0000178")


def test_similarity_equals_personalised_pagerank_of_networkx(diamond: OntologyGraph) -> None:
    graph = diamond.digraph.to_undirected()
    keys = list(graph)
    ranks = [
        nx.pagerank(graph, alpha=0.9, personalization={key: 1.0}, tol=1e-12, max_iter=2000)
        for key in keys
    ]
    logs = np.log1p(np.array([[rank[key] for key in keys] for rank in ranks]) / 1e-4)
    expected = (logs - logs.min()) / (logs.max() - logs.min())
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(diamond.similarities(), expected, atol=1e-6)
    one_by_one = OntologyGraph(diamond._terms)
    assert one_by_one.similarity("d", "a") == pytest.approx(
        expected[keys.index("d"), keys.index("a")], abs=1e-6
    )


@pytest.mark.parametrize("n_roots", [1, 2])
def test_scale_of_similarity_is_that_of_the_whole_table(n_roots: int) -> None:
    rng = np.random.default_rng(n_roots)
    parents: dict[str, tuple[str, ...]] = {f"t{i}": () for i in range(n_roots)}
    for i in range(n_roots, 400):  # one component for each root, none of a single term
        above = rng.integers(0, i, size=2) // n_roots * n_roots + i % n_roots
        parents[f"t{i}"] = tuple({f"t{j}" for j in above if j < i})
    graph = OntologyGraph({key: Term(key, key, "X", parents=up) for key, up in parents.items()})
    table = graph._all_rows()
    np.testing.assert_allclose(graph._range, (table.min(), table.max()), atol=1e-12)
    assert (graph._range[0] == 0.0) == (n_roots > 1)


def test_similarity_orders_cell_types_as_expected(knowledge: KnowledgeBase) -> None:
    near = knowledge.similarity(T_CELL, B_CELL)
    assert knowledge.similarity(T_CELL, T_CELL) == 1.0
    assert 1.0 > knowledge.similarity("CL:0000624", "CL:0000625") > near
    assert near > knowledge.similarity(T_CELL, NEURON) >= 0.0


def test_similarity_of_real_terms_equals_networkx(knowledge: KnowledgeBase) -> None:
    graph = knowledge._graph_of("CL")
    undirected = graph.digraph.to_undirected()
    keys = list(undirected)
    low, high = graph._range
    for key in (T_CELL, NEURON):
        rank = nx.pagerank(
            undirected, alpha=0.9, personalization={key: 1.0}, tol=1e-12, max_iter=2000
        )
        expected = (np.log1p(np.array([rank[other] for other in keys]) / 1e-4) - low) / (high - low)
        expected[keys.index(key)] = 1.0
        np.testing.assert_allclose(graph.similarities([key])[0], expected, atol=1e-6)


def test_opening_reads_nothing(tmp_path: Path) -> None:
    from kb._sources import load_terms

    load_terms.cache_clear()
    KnowledgeBase.open(tmp_path / "absent")
    assert load_terms.cache_info().currsize == 0
    assert not (tmp_path / "absent").exists()
