"""What an answer says first: yes or no, the worth of a test, what was not understood."""

import pytest

from agent._asks import Ask
from agent._refusals import refuse
from agent._saying_worth import leans, worth
from agent._verdicts import asks_yes_no, direction, verdict
from agent._vocabulary import Vocabulary

WORDS = Vocabulary(
    clusters=("0", "1", "2"),
    genes={"cd3d": "CD3D", "lyz": "LYZ"},
    columns={"condition": "condition", "celltypes": "celltypes"},
    labels={"condition": ("ctrl", "stim")},
)


@pytest.mark.parametrize(
    ("question", "is_so"),
    [
        ("Is LYZ on in cluster 3?", True),
        ("and does it change?", True),
        ("Where is LYZ on?", False),
        ("are you sure?", False),
    ],
)
def test_a_question_for_yes_or_no_is_told_from_others(question: str, is_so: bool) -> None:
    assert asks_yes_no(question) is is_so


def test_yes_and_no_stand_before_a_sentence_and_leave_names_as_they_are() -> None:
    assert verdict("The mean is 3.", yes=True) == "Yes: the mean is 3."
    assert verdict("CD3D is off.", yes=False) == "No: CD3D is off."


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("which genes go up in stim", 1),
        ("are there fewer monocytes?", -1),
        ("what happens upon stimulation", 0),
        ("which genes go up or down", 0),
    ],
)
def test_the_direction_asked_for_is_read(question: str, asked: int) -> None:
    assert direction(question) == asked


def conditions(*, n_donors: int, n_significant: int) -> dict[str, object]:
    facts = {
        "is_pseudobulk": n_donors > 0,
        "n_donors": n_donors,
        "n_significant": n_significant,
        "threshold": 0.05,
    }
    return {"id": "E1", "facts": facts, "table": []}


@pytest.mark.parametrize(
    ("n_donors", "n_significant", "lead"),
    [(8, 3, "Yes: 3 genes"), (2, 1, "Only for large"), (0, 9, "Only as a ranking"), (8, 0, "No: ")],
)
def test_the_worth_of_a_comparison_hangs_on_its_donors(
    n_donors: int, n_significant: int, lead: str
) -> None:
    ask = Ask("conditions", text="is it statistically sound?")
    (line,) = worth(ask, conditions(n_donors=n_donors, n_significant=n_significant))
    assert line.startswith(lead)
    assert leans(ask)
    assert not worth(
        Ask("conditions", text="compare stim with ctrl"), conditions(n_donors=8, n_significant=3)
    )


def test_a_refusal_names_the_word_and_has_two_sentences() -> None:
    said = refuse(Ask("offtopic", text="flurb the gnarl"), WORDS, ideas="Try this.")
    assert len(said) == 2
    assert '"flurb" and "gnarl"' in said[0]
    near = refuse(Ask("offtopic", text="what of the celltyps"), WORDS, ideas="Try this.")
    assert '"celltypes"' in near[0]
    vague = refuse(Ask("offtopic", text="which is highest"), WORDS, ideas="Try this.")
    assert '"which is highest"' in vague[0]
    assert "Which cluster has the most cells?" in vague[1]
    undone = refuse(Ask("cannot", text="infer a trajectory"), WORDS, ideas="Try this.")
    assert '"trajectory"' in undone[0]
    assert len(undone) == 2
