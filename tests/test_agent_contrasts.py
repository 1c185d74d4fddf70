"""What is asked after two conditions were compared is asked between them."""

from dataclasses import replace

import pytest

from agent._asks import Ask, Focus
from agent._frames import Frame, where_of
from agent._saying_frames import _yes_or_no
from agent._understanding import understand
from agent._vocabulary import Named, Vocabulary

LABELS = {
    "condition": ("ctrl", "stim"),
    "donor": ("101", "107"),
    "cell_type": ("B", "T_CD4", "Monocytes"),
    "visit": ("pre",),
}
GENES = ("CD3D", "CD8A", "CD4", "LYZ", "ISG15", "CXCL10")


@pytest.fixture
def blood() -> Vocabulary:
    """Two conditions, two donors with an age, authors' types, one visit."""
    return Vocabulary(
        clusters=("0", "1", "2"),
        genes={gene.casefold(): gene for gene in GENES},
        columns={name.casefold(): name for name in (*LABELS, "age")},
        resolve=lambda text: (
            Named("CL:0000236", "B cell") if text.casefold().startswith("b cell") else None
        ),
        values={"condition": LABELS["condition"]},
        people=frozenset({"donor"}),
        authors={label.casefold(): ("cell_type", label) for label in LABELS["cell_type"]},
        labels=LABELS | {"age": ("31", "64")},
        numbers=frozenset({"age"}),
    )


def talked(vocabulary: Vocabulary, *questions: str) -> Ask:
    """Return what the last of `questions` asks, as one thing."""
    focus, asks = Focus(), []
    for question in questions:
        asks = understand(question, vocabulary, focus)
        for one in asks:
            focus = focus.after(one)
    (ask,) = asks
    return ask


PAIR = ("stim", "ctrl")


def test_shares_of_all_kinds_are_compared_and_turned_round(blood: Vocabulary) -> None:
    first = "Which cell types are more frequent in stim than in ctrl?"
    ask = talked(blood, first)
    assert (ask.intent, ask.mode, ask.values) == ("composition", "between", PAIR)
    assert talked(blood, first, "and the other way round?").values == PAIR[::-1]
    assert talked(blood, first, "and depleted?").values == PAIR[::-1]
    one = talked(blood, first, "and in ctrl?")
    assert (one.values, one.where) == (PAIR[::-1], "")


def test_a_share_that_was_counted_is_compared_and_then_another(blood: Vocabulary) -> None:
    talk = ("how many B are there?", "Does that share change after stimulation?")
    ask = talked(blood, *talk)
    assert ask.frame is not None
    assert (ask.frame.measure, ask.frame.by) == ("share", ("condition",))
    assert where_of(ask.frame.where) == 'cell_type = "B"'
    then = talked(blood, *talk, "same for the Monocytes")
    assert then.frame is not None
    assert where_of(then.frame.where) == 'cell_type = "Monocytes"'
    assert then.frame.by == ("condition",)


def test_the_normal_ones_are_no_term_of_anatomy(blood: Vocabulary) -> None:
    file = replace(blood, resolve_elsewhere=lambda text: "UBERON")
    assert talked(file, "what is the thymus?").intent == "look_up"
    assert talked(file, "what are the normal ones?").intent != "look_up"


@pytest.mark.parametrize("last", ["ISG15 the same?", "now ISG15 with the donor as the unit"])
def test_a_gene_is_tested_between_the_conditions_compared_before(
    last: str, blood: Vocabulary
) -> None:
    ask = talked(blood, "Is CXCL10 up in stim compared to ctrl?", last)
    assert (ask.intent, ask.column, ask.values) == ("test_gene", "condition", PAIR)
    assert ask.genes == ("ISG15",)


def test_each_donor_is_told_under_both_conditions(blood: Vocabulary) -> None:
    ask = talked(blood, "Is ISG15 up in every donor?")
    assert ask.frame is not None
    assert ask.frame.by == ("donor", "condition")


def test_what_was_tested_is_ranked_by_type(blood: Vocabulary) -> None:
    talk = ("Is CXCL10 up in stim compared to ctrl?", "and in which cell type is that strongest?")
    ask = talked(blood, *talk)
    assert (ask.intent, ask.genes, ask.values) == ("most_changed", ("CXCL10",), PAIR)


def test_what_a_treatment_does_is_its_genes_and_stays_so_for_other_cells(
    blood: Vocabulary,
) -> None:
    ask = talked(blood, "What does stim do to the Monocytes?")
    assert (ask.intent, ask.values, ask.where) == ("conditions", PAIR, 'cell_type = "Monocytes"')
    then = talked(blood, "What does stim do to the Monocytes?", "repeat for B")
    assert (then.intent, then.where) == ("conditions", 'cell_type = "B"')


@pytest.mark.parametrize(
    ("question", "intent", "mode"),
    [
        ("What is the design of this experiment?", "design", "layout"),
        ("so a before/after comparison isn't possible?", "column", "one time"),
        ("how old are the donors?", "column", "people"),
    ],
)
def test_designs_times_and_ages_are_asked_of_the_file(
    question: str, intent: str, mode: str, blood: Vocabulary
) -> None:
    ask = talked(blood, question)
    assert (ask.intent, ask.mode) == (intent, mode)


def test_the_oldest_donor_and_who_gave_most_are_people(blood: Vocabulary) -> None:
    first = "How many cells are of the oldest donor?"
    assert talked(blood, first).where == '"age" >= 64'
    then = talked(blood, first, "and how many of these are B?")
    assert then.frame is not None
    assert where_of(then.frame.among) == '"age" >= 64'
    most = talked(blood, "who gave the most cells")
    assert most.frame is not None
    assert (most.frame.by, most.frame.order) == (("donor",), "high")


def test_a_share_is_compared_above_an_age_and_below(blood: Vocabulary) -> None:
    ask = talked(blood, "Is the share of B higher in the over-60s?")
    assert ask.frame is not None
    assert ask.frame.groups == ('"age" > 60', '"age" <= 60')


@pytest.mark.parametrize(
    ("talk", "intent", "values", "text"),
    [
        (("markers of stim",), "conditions", PAIR, "which genes are higher?"),
        (("what does stim do to the cells?", "and down"), "conditions", PAIR,
         "which genes are lower?"),
        (("is ISG15 associated with stim?",), "test_gene", PAIR, "is ISG15 associated with stim?"),
    ],
)  # fmt: skip
def test_what_a_condition_goes_with_is_tested_against_the_other(
    talk: tuple[str, ...], intent: str, values: tuple[str, str], text: str, blood: Vocabulary
) -> None:
    ask = talked(blood, *talk)
    assert (ask.intent, ask.values, ask.text) == (intent, values, text)


def test_who_is_of_a_group_is_told_person_by_person(blood: Vocabulary) -> None:
    ask = talked(blood, "which donors got stim?")
    assert ask.frame is not None
    assert (ask.frame.by, where_of(ask.frame.where)) == (("donor",), 'condition = "stim"')


def test_pathways_are_compared_where_genes_were(blood: Vocabulary) -> None:
    talk = ("compare stim and ctrl in the Monocytes", "in pathways not genes")
    ask = talked(blood, *talk)
    assert (ask.intent, ask.values) == ("pathways_between", PAIR)
    assert 'cell_type = "Monocytes"' in ask.where
    down = talked(blood, *talk, "and down?")
    assert (down.intent, down.text) == ("pathways_between", "which genes are lower?")
    assert talked(blood, "Which pathways are active in stim?").intent != "pathways_between"


def test_a_gene_is_up_in_what_was_treated_whichever_side_was_told_first(blood: Vocabulary) -> None:
    talk = ("Which cell types are less frequent in stim than in ctrl?", "Is ISG15 up?")
    assert talked(blood, *talk).values == PAIR


def test_a_share_in_one_donor_is_set_against_the_others(blood: Vocabulary) -> None:
    ask = talked(blood, "Is the fraction of B lower in donor 107?")
    assert ask.frame is not None
    assert (ask.frame.by, ask.frame.subject, ask.frame.asked) == (("donor",), "107", "less")


def test_a_share_told_by_condition_is_told_by_another_column_too(blood: Vocabulary) -> None:
    talk = (
        "Are there more B in stim than in ctrl?",
        "is that so in every donor?",
        "and per visit?",
    )
    ask = talked(blood, *talk)
    assert ask.frame is not None
    assert ask.frame.by == ("visit", "condition")


def test_there_is_in_the_cells_that_were_told_of(blood: Vocabulary) -> None:
    ask = talked(blood, "describe cluster 1", "which genes separate stim from ctrl there?")
    assert (ask.intent, ask.values, ask.where) == ("conditions", PAIR, "cluster 1")


def test_the_number_of_donors_and_their_ages_are_both_told(blood: Vocabulary) -> None:
    asks = understand("how many donors, age range", blood, Focus())
    assert [ask.column for ask in asks] == ["donor", "age"]


@pytest.mark.parametrize(("percent", "lead"), [(19.2, "Hardly:"), (29.2, "Yes:")])
def test_a_gap_of_next_to_nothing_is_no_plain_yes(percent: float, lead: str) -> None:
    frame = Frame("share", by=("condition",), form="yesno", asked="less", subject="stim")
    rows = [
        {"group": "stim", "value": 19.1, "cells": 154, "of": 806},
        {"group": "ctrl", "value": percent, "cells": 144, "of": 750},
    ]
    (line,) = _yes_or_no(
        frame, {"of": 1556, "counted": "are B cells", "among": "", "value": 19.2}, rows
    )
    assert line.startswith(lead)
