"""Sentences are held against the evidence that they cite."""

import pytest

from agent._grounding import Grounds, TermText, check, complaint, corpus_of, without
from agent._phrasing import cite, split_sentences

MARKERS = {
    "id": "E1",
    "text": "Cluster 3 holds 1,200 cells. NKG7 marks it, with a log2 fold change of 3.42.",
    "table": [{"gene": "NKG7", "log2_fold_change": 3.417, "fraction": 0.856, "p": 1.3e-20}],
    "facts": {"cluster": "3", "label": "natural killer cell", "genes": ["NKG7", "GNLY"]},
    "caveat": "Cells are not independent samples.",
    "source": "scanpy",
    "unit": None,
}
TERMS = {
    "CL:0000084": TermText("T cell", ("T lymphocyte",), "CL:0000084\nT cell\nA lymphocyte."),
    "CL:0000236": TermText("B cell", (), "CL:0000236\nB cell\nA lymphocyte."),
}


@pytest.fixture
def grounds() -> Grounds:
    return Grounds(
        evidence={"E1": corpus_of(MARKERS)},
        term=TERMS.get,
        is_gene=lambda word: word in {"NKG7", "GNLY", "CD3D", "LTB"},
        question="What is cluster 3?",
    )


TRUE = [
    "Cluster 3 holds 1,200 cells [E1].",
    "Cluster 3 holds 1200 cells [E1].",
    "NKG7 has a log2 fold change of 3.4 [E1].",
    "NKG7 is expressed in 86% of the cells [E1].",
    "NKG7 is expressed in 85.6% of the cells [E1].",
    "Its p-value is 1.3e-20 [E1].",
    "These are natural killer cells [E1].",
    "Two genes stand out: NKG7 and GNLY [E1].",
    "Cells are not independent samples [E1].",
    "A T cell [CL:0000084] is a lymphocyte.",
    "T lymphocytes [CL:0000084] are lymphocytes.",
    "Which cluster do you mean?",
    "I cannot do that.",
    "NKG7 stands out here, cells are not independent samples [E1].",
    'It is called "killer", cell type with a fraction of 0.86 [E1].',
    "The most common cell type is natural killer cell [E1].",
    "I take it as chance; cells are not independent.",
    'Ask me, for example, "What is cluster 7?".',
    "Thanks for asking.",
]
FALSE = [
    ("Cluster 3 holds 1,300 cells [E1].", "1,300"),
    ("NKG7 has a log2 fold change of 3.5 [E1].", "3.5"),
    ("NKG7 has a log2 fold change of 3.43 [E1].", "3.43"),
    ("NKG7 is expressed in 88% of the cells [E1].", "88"),
    ("It lies in seven clusters [E1].", "seven"),
    ("CD3D marks cluster 3 [E1].", "CD3D"),
    ("LTB marks cluster 3 [E1].", "LTB"),
    ("FOXP3 marks cluster 3 [E1].", "FOXP3"),
    ("These are memory B cells [E1].", "B cells"),
    ("These are monocytes [E1].", "monocytes"),
    ("These are regulatory natural killer cells [E1].", "regulatory"),
    ("Cluster 3 holds 1,200 cells [E9].", "no evidence [E9]"),
    ("These are cells [CL:9999999].", "no term [CL:9999999]"),
    ("A T cell [CL:0000236] is a lymphocyte.", "which the sentence does not name"),
    ("Cluster 3 holds 1,200 cells.", "cites nothing"),
    ("Natural killer cells kill tumours.", "cites nothing"),
    ("I see 1,300 cells.", "1,300"),
    ("You have B cells.", "B cells"),
    ("I think CD3D is on.", "CD3D"),
]


@pytest.mark.parametrize("sentence", TRUE)
def test_what_the_evidence_holds_may_be_said(sentence: str, grounds: Grounds) -> None:
    assert grounds.problems(sentence) == []


@pytest.mark.parametrize(("sentence", "part"), FALSE)
def test_what_the_evidence_does_not_hold_is_found(
    sentence: str, part: str, grounds: Grounds
) -> None:
    assert part in "; ".join(grounds.problems(sentence))


def test_what_a_tool_refused_may_be_repeated() -> None:
    grounds = Grounds({}, TERMS.get, errors=("Cluster '99' is not in obs['louvain'].",))
    assert grounds.problems("There is no cluster 99.") == []
    assert grounds.problems("There is no cluster 98.")


def test_only_what_fails_is_cut_out(grounds: Grounds) -> None:
    text = "Cluster 3 holds 1,200 cells [E1]. It is 7 years old [E1].\n- NKG7 marks it [E1]."
    checked = check(text, grounds)
    assert [sentence for sentence, _ in checked.unsupported] == ["It is 7 years old [E1]."]
    assert checked.references == ("E1",)
    left = without(text, [sentence for sentence, _ in checked.unsupported])
    assert left == "Cluster 3 holds 1,200 cells [E1].\n- NKG7 marks it [E1]."
    assert "the number 7 is not in what it cites" in complaint(checked)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One [E1]. Two. [E2] Three?", ["One [E1].", "Two. [E2]", "Three?"]),
        ('It is "A. With a dot." [E1]. Next.', ['It is "A. With a dot." [E1].', "Next."]),
        ("A change of 3.42 [E1].\n- item [E1].", ["A change of 3.42 [E1].", "- item [E1]."]),
        ("Some, e.g. T cells, do [E1].", ["Some, e.g. T cells, do [E1]."]),
    ],
)  # fmt: skip
def test_sentences_are_cut_where_they_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_citation_stands_before_the_full_stop_and_terms_become_references() -> None:
    assert cite("It is T cell (CL:0000084).", "E2") == "It is T cell [CL:0000084] [E2]."
    assert cite("Really", "E2") == "Really [E2]."


def test_what_is_said_of_ourselves_needs_no_evidence() -> None:
    from agent._topics import TOPICS

    grounds = Grounds(evidence={}, term=lambda term_id: None)
    for topic in TOPICS.values():
        for sentence in topic.said:
            assert grounds.problems(sentence) == [], sentence


def test_a_question_of_ours_may_name_the_clusters_and_slips_in_no_number() -> None:
    grounds = Grounds(evidence={}, term=lambda term_id: None, labels=("0", "10"))
    assert grounds.problems("Which cluster do you mean (0 to 10)?") == []
    assert grounds.problems("Did you know that 95% of these are B cells?") != []


def test_a_label_with_a_full_stop_does_not_end_a_sentence() -> None:
    said = "They agree on 'Mast' and 'reg. T cell' [E1]. The rest differs [E1]."
    assert len(split_sentences(said)) == 2
