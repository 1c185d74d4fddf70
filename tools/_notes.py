"""What was put right or left out while a file was read, on its way from a reader to the doctor."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData

_KEY = "cell2text_notes"  # key of uns until the notes are taken


@dataclass(frozen=True)
class Note:
    """Something about a file that was put right on reading."""

    code: str
    message: str
    fix: str


def add_note(adata: "AnnData", note: Note) -> None:
    """Leave a note with a dataset that a reader hands back."""
    adata.uns[_KEY] = [*adata.uns.get(_KEY, []), note]


def take_notes(adata: "AnnData") -> list[Note]:
    """Take the notes that were left."""
    return list(adata.uns.pop(_KEY, []))
