"""Looks for what no ontology has in the columns that `describe` writes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._keys import DESCRIPTION, PREFIX, SLOTS_WITH_TERMS

if TYPE_CHECKING:
    import pandas as pd

    from kb import KnowledgeBase
    from model import Describer


def count_invented(
    obs: "pd.DataFrame", describer: "Describer", knowledge: "KnowledgeBase"
) -> tuple[int, int]:
    """Count cells with a description, and those with a term that no ontology has.

    A term is there if an ontology has its id, not as an obsolete one, under the name that is
    given. The text is read back as well: each term that it names must be one, and the cell type
    that it names must be that of the column.

    Parameters
    ----------
    obs
        With the columns of `describe`.
    describer
        The model that wrote them; reads descriptions back.
    knowledge
        The ontologies.
    """
    columns = [DESCRIPTION]
    for slot in SLOTS_WITH_TERMS:
        columns += [f"{PREFIX}_{slot}", f"{PREFIX}_{slot}_ontology_term_id"]
    described = obs[obs[DESCRIPTION].notna()][columns].astype(object)
    described = described.where(described.notna(), None)
    kinds = described.value_counts(dropna=False)
    wrong = 0
    for values, n in kinds.items():
        row = dict(zip(columns, values, strict=True))
        wrong += int(n) * (not _is_sound(row, describer, knowledge))
    return len(described), wrong


def _is_sound(row: Mapping[str, Any], describer: "Describer", knowledge: "KnowledgeBase") -> bool:
    said = {}
    for slot in SLOTS_WITH_TERMS:
        term_id = row[f"{PREFIX}_{slot}_ontology_term_id"]
        if isinstance(term_id, str):
            said[slot] = term_id
            if not _has(knowledge, term_id, row[f"{PREFIX}_{slot}"]):
                return False
    labels = describer.labels
    named = {s: t for s, t in describer.text.parse(row[DESCRIPTION]).items() if ":" in t}
    if named.get("cell_type") != said.get("cell_type"):
        return False
    return all(_has(knowledge, term_id, labels[term_id]["label"]) for term_id in named.values())


def _has(knowledge: "KnowledgeBase", term_id: str, label: str) -> bool:
    from kb import KnowledgeError

    try:
        term = knowledge.term(term_id)
    except KnowledgeError:
        return False
    return term.label == label and not term.deprecated
