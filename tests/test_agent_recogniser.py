"""Which act a question is: learnt from wordings, read from weights, weighed against the rules."""

import random
from pathlib import Path

import numpy as np
import pytest

from agent._asks import Ask, Focus
from agent._changing import changed, put_again
from agent._frames import Frame
from agent._kept import Kept
from agent._named_cells import cells_of
from agent._outlines import outline, tokens
from agent._plain_forms import ACTS, FORMS, names_of
from agent._recogniser import FIRST, Recogniser, recogniser
from agent._recognising import decide, is_one_act
from agent._tags import tag
from agent._understanding import plainly, understand
from agent._vocabulary import Vocabulary
from agent.learn_acts import Wording, fill, invented_files, learn, read_talks, read_wordings


@pytest.fixture(scope="module")
def file() -> Vocabulary:
    return invented_files()[0]


def act_of(text: str, file: Vocabulary, known: Recogniser | None = None) -> tuple[str, float]:
    text = plainly(text, file)
    tags = tag(text, file, Focus())
    return (known or recogniser()).likely(*outline(tags, file), tags)[0]


def test_names_leave_placeholders_behind(file: Vocabulary) -> None:
    tags = tag("what share of CD8 T cells is from donor 2 with LYZ above 3", file, Focus())
    line, slots = outline(tags, file)
    assert tokens(line) == [
        "what", "share", "of", "{group}", "is", "from", "{group}", "with", "{gene}", "above",
        "{number}",
    ]  # fmt: skip
    assert [slot.kind for slot in slots][:3] == ["{group}", "{group}", "{gene}"]


def test_words_that_only_look_like_a_cell_type_stay_words(file: Vocabulary) -> None:
    line, slots = outline(tag("least certain cells", file, Focus()), file)
    assert tokens(line) == ["least", "certain", "cells"]
    assert slots == ()


def test_every_wording_is_of_an_act_that_can_be_answered() -> None:
    wordings = read_wordings()
    assert {one.act for one in wordings} <= ACTS
    assert set(recogniser().acts) == {one.act for one in wordings}
    assert len({one.text.casefold() for one in wordings}) == len(wordings)


def test_plain_forms_are_known_as_their_act(file: Vocabulary) -> None:
    rng = random.Random(0)
    forms = {act: form for act, (form, *_) in FORMS.items() if act in recogniser().acts}
    found = {act: act_of(fill(form, file, rng), file)[0] for act, form in forms.items()}
    wrong = {act: known for act, known in found.items() if known != act}
    assert len(wrong) <= 0.1 * len(found), wrong


def test_the_same_wordings_give_the_same_weights(tmp_path: Path, file: Vocabulary) -> None:
    few = [
        Wording(act, text)
        for act, texts in {
            "markers": ("markers of {group}", "what marks {group}?", "{group} signature genes"),
            "thanks": ("thanks", "thank you", "thanks a lot"),
            "umap": ("umap by {column}", "show the umap", "umap please"),
        }.items()
        for text in texts
    ]
    for name in ("one.npz", "two.npz"):
        learn(tmp_path / name, wordings=few)
    one, two = (Recogniser.load(tmp_path / name) for name in ("one.npz", "two.npz"))
    assert one.features == two.features
    np.testing.assert_array_equal(one.weights, two.weights)
    assert act_of("thanks for that", file, one)[0] == "thanks"
    assert act_of("which genes mark cluster 4", file, one)[0] == "markers"


def test_a_line_without_an_act_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wordings.tsv"
    path.write_text("markers\tmarkers of {group}\nnonsense\twhat?\n")
    with pytest.raises(ValueError, match="'nonsense"):
        read_wordings(path)


@pytest.mark.parametrize(
    ("whole", "parts", "is_one"),
    [
        ("Nice. Which cluster is the biggest?", ["Nice", "Which cluster is the biggest?"], True),
        ("overview please. is X raw counts?", ["overview please", "is X raw counts?"], False),
        ("how many B cells? how many NK?", ["how many B cells?", "how many NK?"], False),
    ],
)
def test_a_remark_is_no_ask_of_its_own(
    whole: str, parts: list[str], is_one: bool, file: Vocabulary
) -> None:
    assert is_one_act(whole, parts, file, Focus()) is is_one


@pytest.mark.parametrize(
    ("text", "by_rules", "wins"),
    [
        ("biggest cluster?", Ask("offtopic"), True),  # the rules read nothing
        ("where do you and the authors disagree most?", Ask("compare", missing="cluster"), True),
        (
            "is LYZ specific to cluster 2?",
            Ask("frame", frame=Frame("share", by=("clusters",), form="only")),
            False,
        ),  # of all groups, not against the others together
        ("CD3D", Ask("expression", genes=("CD3D",)), False),  # a name alone
        ("undo that please", Ask("undo_correction"), False),  # settled
        ("which clusters are not B cells?", Ask("which_clusters", cell_types=("B cells",)), False),
        ("what is the second one?", Ask("describe_cluster", clusters=("1",)), False),
    ],
)
def test_the_rules_stand_where_they_know_better(
    text: str, by_rules: Ask, wins: bool, file: Vocabulary
) -> None:
    read = decide(text, file, Focus(), read=lambda form: [Ask("biggest")], by_rules=[by_rules])
    assert (read != [by_rules]) is wins


def test_the_act_before_tells_what_a_short_question_means(file: Vocabulary) -> None:
    tags = tag("CD79A", file, Focus())
    line, slots = outline(tags, file)
    likely = {
        before: recogniser().likely(line, slots, tags, before)[0][0]
        for before in (FIRST, "expression_in", "violin")
    }
    assert likely["expression_in"] == "and_gene" == likely["violin"]
    assert likely[FIRST] != "and_gene"


def test_talks_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "talks.tsv"
    path.write_text(
        "1\toverview\twhat is this\n1\tthanks\tthx\n1\tmarkers;umap\tmarkers and umap\n"
        "1\tand_group\tand {group}?\n2\tumap\tumap\n"
    )
    assert [(one.act, one.before) for one in read_talks(path)] == [
        ("overview", FIRST), ("thanks", "overview"), ("and_group", "umap"), ("umap", FIRST),
    ]  # fmt: skip
    path.write_text("1\tno_such_act\twhat\n")
    with pytest.raises(ValueError, match="should be a talk, an act and a wording"):
        read_talks(path)


def test_groups_that_are_left_out_are_all_left_out(file: Vocabulary) -> None:
    tags = tag("NK, B cells and CD8 T cells", file, Focus())
    slots = [slot for slot in outline(tags, file)[1] if slot.tag is not None]
    kept, *left_out = (Kept("markers", (slot.tag.conditions,)) for slot in slots if slot.tag)
    for one in left_out:
        names = names_of([slot for slot in slots if slot.tag.conditions == one.groups[0]], [], file)
        kept = changed(kept, "without", names, file)
    where = cells_of(put_again(kept, names_of(slots, tags, file)).slots)
    assert " OR " not in where
    assert where.count(" AND NOT ") == 2


def test_a_follow_up_puts_the_question_before_to_other_cells_in_any_act(file: Vocabulary) -> None:
    focus = Focus()
    for question in ("which genes differ between stim and ctrl in B cells?", "and in NK?"):
        asks = understand(question, file, focus)
        for ask in asks:
            focus = focus.after(ask)
    kept = asks[0].kept
    assert kept is not None
    assert kept.act == "compare"
    assert [part.label for clause in kept.groups for part in clause] == ["stim", "ctrl", "NK"]
    assert Ask.from_dict(asks[0].as_dict()).kept == kept
