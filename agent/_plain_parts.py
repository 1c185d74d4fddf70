"""What cells are made of, and which part of them something is: the parts of a whole."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import IDENTITY, Clauses, Frame, where_of
from ._named_cells import Make
from ._plain_answers import scored_by
from ._plain_asks import POINTS, ask_frame, cells_of, columns_of, denies
from ._spoken import those
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._outlines import Slot
    from ._plain_forms import Names

_FROM = re.compile(r"(?i)\b(?:from|come|comes|belong\w*|deriv\w*|origin\w*|contribut\w*|gave)\b")

_PEOPLE = re.compile(r"(?i)\b(?:donors?|patients?|samples?|who)\b")


def _is_identity(slot: "Slot") -> bool:
    parts = slot.tag.conditions if slot.tag is not None else ()
    return bool(parts) and all(part.slot == IDENTITY for part in parts)


def _share_from(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    slots = list(names.slots)
    if len(slots) == 1 and POINTS.search(names.text) and (cells := those(focus, vocabulary)):
        return [ask_frame(Frame("share", where=cells_of(slots), among=cells))]
    if len(slots) < 2 or denies(names):
        return None
    whole = next((slot for slot in slots if _is_identity(slot)), slots[0])
    if not _FROM.search(names.text):  # "what share of the responders are B cells"
        whole = slots[0]
    part = cells_of([slot for slot in slots if slot is not whole])
    kind = whole.tag.conditions if whole.tag is not None else ()
    if len(part) == 1 and part[0][0].column == kind[0].column:
        return None
    if len(part) == 1 and len(part[0]) > 1 and part[0][0].column not in {"", "clusters"}:
        return [_parts_of((kind,), part[0][0].column)]
    return [ask_frame(Frame("share", where=part, among=(kind,)))]


def _parts_of(cells: Clauses, column: str) -> Ask:
    return ask_frame(Frame("share", among=cells, by=(column,), form="parts"))


def _made_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if denies(names):
        return None
    columns = list(names.said.columns)
    if _PEOPLE.search(names.text) and not (columns or vocabulary.people):
        return [Ask("columns", name="donors")]
    if not names.slots and focus.last is not None and focus.last.intent == "score_set":
        return [scored_by(names, focus.last, vocabulary)]
    cells = cells_of(names.slots)
    kinds = cells_of([slot for slot in names.slots if _is_told(slot)])
    if not kinds and (spoken := those(focus, vocabulary)):  # "are they all from stim?"
        columns = columns or [clause[0].column for clause in cells]
        cells = spoken
    elif kinds and len(kinds) < len(cells) and not columns:  # "from stim or from ctrl?"
        columns = [clause[0].column for clause in cells if clause not in kinds]
        cells = kinds
    if not cells:
        return None
    taken = columns_of(cells)
    columns = [column for column in columns if column not in taken]
    if not columns:
        people = sorted(vocabulary.people) if _PEOPLE.search(names.text) else []
        types = [c for c in vocabulary.author_columns if c not in taken]
        columns = [*people, *types, *vocabulary.conditions, "cell types"]
    if columns[0] == "cell types":  # the model's names are of clusters, not of each cell
        clusters = [part.label for part in cells[0] if part.kind == "cluster"]
        told = [Ask("describe_cluster", clusters=(one,)) for one in clusters]
        return told or [Ask("describe_selection", where=where_of(cells))]
    return [_parts_of(cells, columns[0])]


def _is_told(slot: "Slot") -> bool:
    """Whether a name says which cells are meant, rather than what they may be from."""
    is_selection = slot.tag is not None and slot.tag.conditions[0].kind in {"selection", "gene"}
    return is_selection or _is_identity(slot)


PARTS: Mapping[str, Make] = {"share_from": _share_from, "made_of": _made_of}
