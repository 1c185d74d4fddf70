"""Where this room meets the model: which cells it may read, and whose errors are whose."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ._errors import DescriberError, UnsupportedError
from ._genes import GeneNames
from ._keys import NOT_KNOWN
from ._limits import Limits
from ._wording import clean

if TYPE_CHECKING:
    from model import Slot


def check_species(names: GeneNames) -> None:
    """Refuse cells that are not human, so that none gets an unlabelled description.

    Raises
    ------
    UnsupportedError
        If the gene names are those of another species.
    """
    if names.species not in {"mouse", "other"}:
        return
    what = "mouse" if names.species == "mouse" else "another species"
    msg = (
        f"The gene names of this dataset are those of {what}, and the model has read human "
        "cells only, so its cells are not described. Clusters, markers and plots work."
    )
    raise UnsupportedError(msg)


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
