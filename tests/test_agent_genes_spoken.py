"""Genes that were spoken of: what a short question asks of them, and what figures keep."""

import pytest

from agent import Answer, Assistant
from agent._asks import Focus
from agent._understanding import understand
from agent._vocabulary import vocabulary_of
from tests import test_agent_acts
from tools import Session

session = test_agent_acts.session  # four donors before and after a stimulus


def _last(session: Session, *turns: str) -> list[tuple[str, tuple[str, ...], str | None]]:
    """Return intent, genes and column of what the last of several questions asks."""
    focus, vocabulary, asks = Focus(), vocabulary_of(session), []
    for turn in turns:
        asks = understand(turn, vocabulary, focus)
        for ask in asks:
            focus = focus.after(ask)
    return [(ask.intent, ask.genes, ask.column) for ask in asks]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (("which genes go together with LYZ?",), [("gene_pair", ("LYZ",), None)]),
        (
            ("how many cells express LYZ?", "what else goes along with that gene?"),
            [("gene_pair", ("LYZ",), None)],
        ),
        (
            ("how many cells express LYZ?", "and NKG7? how much overlap?"),
            [("frame", ("NKG7",), None), ("gene_pair", ("LYZ", "NKG7"), None)],
        ),
        (
            ("how many cells express LYZ?", "with NKG7 too?"),
            [("frame", ("NKG7",), None), ("gene_pair", ("LYZ", "NKG7"), None)],
        ),
        (
            ("how many cells have both LYZ and NKG7?", "CD79A"),
            [("frame", ("CD79A",), None)],
        ),
        (("umap by condition", "now by LYZ"), [("expression", ("LYZ",), None)]),
        (
            ("violin of LYZ by condition", "do a dotplot instead and add NKG7 and CD79A"),
            [("dots", ("LYZ", "NKG7", "CD79A"), "condition")],
        ),
        (
            ("umap by condition, and another one by donor",),
            [("plot", (), "condition"), ("plot", (), "donor")],
        ),
    ],
)
def test_a_short_question_is_of_the_genes_and_figures_that_were_spoken_of(
    session: Session,
    turns: tuple[str, ...],
    expected: list[tuple[str, tuple[str, ...], str | None]],
) -> None:
    assert _last(session, *turns) == expected


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("could I use this to predict which patients will relapse?", "what became of the patients"),
        ("where are the antibodies?", "protein measurements"),
        ("which dose was used?", "tell me about doses"),
    ],
)
def test_what_a_file_does_not_hold_is_said(session: Session, question: str, said: str) -> None:
    answer = list(Assistant(session).ask(question))[-1]
    assert isinstance(answer, Answer)
    assert answer.unsupported == ()
    assert said in answer.text


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (
            ("what are the markers of B cells?", "LYZ in the others?"),
            [("frame", ("LYZ",), "cell_type")],
        ),
        (
            ("is LYZ a good marker of B cells?", "anything better?"),
            [("compare_selections", (), None)],
        ),
    ],
)
def test_a_gene_is_looked_at_beside_the_group_that_it_was_to_mark(
    session: Session,
    turns: tuple[str, ...],
    expected: list[tuple[str, tuple[str, ...], str | None]],
) -> None:
    assert _last(session, *turns) == expected


def test_a_selection_is_called_as_its_name_was_typed(session: Session) -> None:
    focus, vocabulary = Focus(), vocabulary_of(session)
    for ask in understand("how many cells have both CD79A and NKG7?", vocabulary, focus):
        focus = focus.after(ask)
    (ask,) = understand("keep those as a selection called bcells", vocabulary, focus)
    assert (ask.intent, ask.name) == ("name_selection", "bcells")
