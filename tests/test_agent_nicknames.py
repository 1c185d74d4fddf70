"""Short and familiar forms of the names of a file."""

import pytest

from agent._asks import Ask, Focus
from agent._tags import tag
from agent._understanding import plainly
from agent._vocabulary import Vocabulary

LABELS = {
    "cell_type": ("CD14+ Monocytes", "Macrophage", "Exhausted/HS CD8", "Cytotoxic CD8"),
    "respond": ("Responder", "Non-responder"),
    "patient": ("Pre_P24", "Pre_P28", "107"),
    "therapy": ("anti-PD1", "anti-CTLA4"),
}


@pytest.fixture
def file() -> Vocabulary:
    types = LABELS["cell_type"]
    return Vocabulary(
        clusters=tuple(map(str, range(10))),
        genes={"cd8a": "CD8A", "lyz": "LYZ"},
        columns={name: name for name in LABELS},
        values={name: values for name, values in LABELS.items() if name != "cell_type"},
        people=frozenset({"patient"}),
        authors={label.casefold(): ("cell_type", label) for label in types},
        labels=LABELS,
    )


def groups_in(text: str, file: Vocabulary, focus: Focus) -> list[str]:
    tags = tag(plainly(text, file), file, focus)
    return [part.label for one in tags for part in one.conditions]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("and without P24 and p28", ["Pre_P24", "Pre_P28"]),
        ("more in NR than in R?", ["Non-responder", "Responder"]),
        ("LYZ in the macs", ["Macrophage"]),
        ("cd14 monos only", ["CD14+ Monocytes"]),
        ("what about the HS ones", ["Exhausted/HS CD8"]),
        ("aPD1 patients", ["anti-PD1"]),
        ("only 107", ["107"]),
        ("top 107 genes", []),
    ],
)
def test_short_forms_are_the_names_of_the_file(
    text: str, wanted: list[str], file: Vocabulary
) -> None:
    assert groups_in(text, file, Focus()) == wanted


def test_bare_numbers_are_clusters_where_clusters_are_spoken_of(file: Vocabulary) -> None:
    focus = Focus().after(Ask("describe_cluster", clusters=("3",)))
    assert groups_in("is LYZ higher in 2 than in 4", file, focus) == ["2", "4"]
    assert groups_in("is LYZ higher in 2 than in 4", file, Focus()) == []
    assert groups_in("top 5 genes of it", file, focus) == []
    assert groups_in("6, 8", file, Focus()) == ["6", "8"]
    assert groups_in("and c7?", file, Focus()) == ["7"]
