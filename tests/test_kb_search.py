"""Questions in words find the terms that answer them, with and without the index."""

import pytest

from kb import KnowledgeBase


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("cells that make insulin", "insulin secreting cell"),
        ("regulatory T cells", "regulatory T cell"),
        ("oxygen carrying blood cell", "erythrocyte"),
        ("what does the ontology say about mast cells?", "mast cell"),
        ("immune cells in the gut wall", "intestinal intraepithelial lymphocyte"),
        ("cells that kill tumour cells", "cytotoxic T cell"),
    ],
)
def test_answer_is_among_the_first_three(knowledge: KnowledgeBase, query: str, label: str) -> None:
    assert label in [passage.label for passage in knowledge.search(query, limit=3)]


def test_passage_holds_definition_parents_and_source(knowledge: KnowledgeBase) -> None:
    passage = knowledge.search("regulatory T cell", limit=1)[0]
    assert passage.id == "CL:0000815"
    assert "Treg" in passage.text
    assert "regulates overall immune responses" in passage.text
    assert passage.source == f"Cell Ontology {knowledge.versions()['CL']}"
    assert 0.0 < passage.score <= 1.0


def test_limit_is_kept_and_scores_fall(knowledge: KnowledgeBase) -> None:
    passages = knowledge.search("epithelial cell of the lung", limit=5)
    assert len(passages) == 5
    scores = [passage.score for passage in passages]
    assert scores == sorted(scores, reverse=True)


def test_nothing_is_found_for_garbage(knowledge: KnowledgeBase) -> None:
    assert knowledge.search("qwxz vvkk") == []
    assert knowledge.search("") == []
