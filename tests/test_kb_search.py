"""Questions in words find the terms that answer them, with and without the index."""

from pathlib import Path

import pytest

from kb import KnowledgeBase, UnknownTermError


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


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("bone resorbing cells", "osteoclast"),
        ("cells that sense light", "eye photoreceptor cell"),
        ("cells that nourish developing sperm", "Sertoli cell"),
        ("blood cells without a nucleus", "enucleate erythrocyte"),
        ("cells producing gastric acid", "parietal cell"),
        ("cells that sense pain", "pain receptor cell"),
    ],
)
def test_lay_words_reach_what_definitions_say(
    knowledge: KnowledgeBase, query: str, label: str
) -> None:
    assert label in [passage.label for passage in knowledge.search(query, limit=8)]


def test_search_is_kept_to_the_kinds_of_a_term(tmp_path: Path) -> None:
    knowledge = KnowledgeBase.open(tmp_path, ontologies=("CL",))
    t_cell = "CL:0000084"

    def found() -> list[str]:
        return [passage.id for passage in knowledge.search("in the gut", limit=6, within=t_cell)]

    by_words = found()
    knowledge.build()
    by_both = found()
    for ids in (by_words, by_both):
        assert len(ids) > 3
        assert all(knowledge.is_a(term_id, t_cell) for term_id in ids)
    assert any(not knowledge.is_a(p.id, t_cell) for p in knowledge.search("in the gut", limit=6))


def test_term_to_search_within_must_be_of_the_ontology(knowledge: KnowledgeBase) -> None:
    with pytest.raises(UnknownTermError, match=r"UBERON:0000955 is no term of CL"):
        knowledge.search("neuron", within="UBERON:0000955")
    with pytest.raises(UnknownTermError, match="CL:9999999"):
        knowledge.search("neuron", within="CL:9999999")
