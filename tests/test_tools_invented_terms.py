"""What `describe` wrote is looked through for terms that no ontology has."""

from types import SimpleNamespace

import pandas as pd
import pytest

from kb import KnowledgeBase
from tools._invented_terms import count_invented

B_CELL, T_CELL = "CL:0000236", "CL:0000084"


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


def described(label: str, term_id: str | None, text: str) -> dict[str, str | None]:
    row: dict[str, str | None] = {"cell2text_description": text}
    for slot in ("cell_type", "tissue", "disease"):
        row[f"cell2text_{slot}"] = label if slot == "cell_type" else "not known"
        row[f"cell2text_{slot}_ontology_term_id"] = term_id if slot == "cell_type" else None
    return row


def count(knowledge: KnowledgeBase, *rows: dict[str, str | None]) -> tuple[int, int]:
    terms = {"B": B_CELL, "T": T_CELL, "X": "CL:9999999"}
    describer = SimpleNamespace(
        labels={B_CELL: {"label": "B cell"}, T_CELL: {"label": "T cell"}}
        | {"CL:9999999": {"label": "new cell"}},
        text=SimpleNamespace(
            parse=lambda text: {"cell_type": terms[text]} if text in terms else {}
        ),
    )
    return count_invented(pd.DataFrame(rows), describer, knowledge)


def test_terms_of_the_ontology_and_nothing_known_are_sound(knowledge: KnowledgeBase) -> None:
    rows = [described("B cell", B_CELL, "B")] * 3 + [described("not known", None, "nothing")]
    left_out = described("not known", None, "B") | {"cell2text_description": None}
    assert count(knowledge, *rows, left_out) == (4, 0)


@pytest.mark.parametrize(
    "row",
    [
        described("new cell", "CL:9999999", "X"),  # no such id
        described("B lymphoid thing", B_CELL, "B"),  # not its name
        described("B cell", B_CELL, "T"),  # the text names another
        described("B cell", B_CELL, "nothing"),  # the text does not name it
        described("not known", None, "X"),  # the text alone names it
    ],
)
def test_what_no_ontology_has_is_counted(
    row: dict[str, str | None], knowledge: KnowledgeBase
) -> None:
    assert count(knowledge, row, row, described("T cell", T_CELL, "T")) == (3, 2)
