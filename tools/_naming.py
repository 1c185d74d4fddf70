"""What a person's words for a cell type mean: their own corrections first, then the ontology."""

from typing import TYPE_CHECKING

from ._errors import UnknownTermError
from ._session import Session
from ._wording import choices, clean, quote

if TYPE_CHECKING:
    from kb import Resolution


def resolve_cell_type(session: Session, name: str) -> "Resolution":
    """Find the Cell Ontology term that a person's words mean.

    Names that this person corrected come before every rule, and the note says so.

    Raises
    ------
    UnknownTermError
        If there is none.
    """
    from kb import KnowledgeError

    try:
        found = session.knowledge.resolve(str(name), remembered=session.own.names)
    except KnowledgeError as exc:
        raise UnknownTermError(clean(exc, limit=300)) from exc
    if found.id is None:
        near = [candidate.label for candidate in found.candidates[:5]]
        similar = f" Similar names: {choices(near)}." if near else ""
        msg = (
            f"{quote(name)} is not a cell type of the Cell Ontology.{similar} "
            "Use a name like 'natural killer cell' or an id like 'CL:0000623'."
        )
        raise UnknownTermError(msg)
    return found
