"""Where this room meets the model: which cells it may read, and whose errors are whose."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING

from ._errors import DescriberError, UnsupportedError
from ._genes import GeneNames
from ._keys import NOT_KNOWN
from ._limits import Limits
from ._wording import clean

if TYPE_CHECKING:
    from model import Description, Slot


def check_species(names: GeneNames) -> None:
    """Refuse cells that are not human, so that none gets an unlabelled description.

    Raises
    ------
    UnsupportedError
        If the gene names are those of another species.
    """
    if names.species in {"human", "unknown"} or names.n_orthologues is not None:
        return
    if names.species == "mixed":
        msg = (
            "This dataset holds genes of several species, and the model has read human cells "
            "only, so its cells are not described. Keep the human cells and genes, and open that."
        )
        raise UnsupportedError(msg)
    what = "mouse" if names.species == "mouse" else "another species"
    hint = " Give a table of orthologues to have them read." if names.species == "mouse" else ""
    msg = (
        f"The gene names of this dataset are those of {what}, and the model has read human "
        f"cells only, so its cells are not described. Clusters, markers and plots work.{hint}"
    )
    raise UnsupportedError(msg)


def orthologue_caveat(names: GeneNames) -> str | None:
    """Say that cells were read by way of orthologues, or None where they were not."""
    if names.n_orthologues is None:
        return None
    return (
        f"These are {names.species} cells, read by way of {names.n_orthologues:,} one-to-one "
        "orthologues by a model that has learnt human cells only; their types are those of the "
        "nearest human cells."
    )


def by_orthologues(description: "Description", species: str) -> "Description":
    """Return a description whose text says that the cell is none of a human."""
    labelled = copy(description)
    text = f"A {species} cell, read by way of human orthologues. {description.text}"
    object.__setattr__(labelled, "text", text)  # a frozen dataclass, of which this is a copy
    return labelled


def check_matched(names: GeneNames, n_matched: int, limits: Limits) -> None:
    """Refuse a dataset in which hardly any gene of the model is measured.

    Raises
    ------
    UnsupportedError
        If fewer genes are matched than the limit; the message says the likely reason.
    """
    if n_matched >= limits.genes_matched:
        return
    msg = (
        f"Only {n_matched:,} of the model's genes were found among the {len(names.names):,} "
        f"names in {names.slot}, and at least {limits.genes_matched} are needed. Put human gene "
        "symbols or Ensembl ids there and open the dataset again."
    )
    raise UnsupportedError(msg)


def is_known(slot: "Slot") -> bool:
    """Whether the model committed itself to a label."""
    return bool(slot.label) and slot.label != NOT_KNOWN


@contextmanager
def model_errors() -> Iterator[None]:
    """Translate the model room's errors at the wall.

    Raises
    ------
    DescriberError
        Where the model raised one of its own errors.
    """
    from model import ModelError

    try:
        yield
    except ModelError as exc:
        msg = f"The model could not read these cells: {clean(exc, limit=300)}"
        raise DescriberError(msg) from exc
