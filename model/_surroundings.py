"""What the other cells of a dataset say of one cell: where it comes from, and what is about.

A cell is described by its own genes and by how the cells most like it are read (`_neighbourhood`).
A reading that hesitates between a type of which the dataset has many and one of which it has none
is helped by knowing so, too. The shares of the types are estimated from those readings by
expectation maximisation, as for a classifier that meets other proportions than it was trained on
(Saerens 2002, doi:10.1162/089976602753284446). They count for less than they would if the readings
were independent and calibrated, and a type that was not among those cells stays possible.
"""

from dataclasses import dataclass

import numpy as np

from ._copy_number import CopyNumber, kinds_below
from ._labels import SlotSpace
from ._neighbourhood import Neighbourhood

#: Cells of a dataset that are looked at; more would hardly be nearer neighbours.
SURVEY_CELLS = 2_000
#: Types below each of these count as one: how studies divide them differs too much for a share of
#: one to speak against another.
FAMILIES = ("CL:0000625",)
#: Weight of the shares, 0 to 1; at 1, types that few cells are of are hardly ever said.
STRENGTH = 0.6
#: Cells of all types alike that are counted beside the dataset's own, as a share of these.
_ALIKE = 0.3
_ROUNDS = 20


@dataclass(frozen=True)
class Surroundings:
    """Where the cells of a dataset come from.

    Parameters
    ----------
    organs
        UBERON ids of the organs, with the terms above them.
    weights
        ``(n_choices,)`` log factors on the probabilities of the cell types; empty where the types
        about are not known.
    copy_number
        Tumour clones among the cells; None where none is known.
    neighbourhood
        Cells of the dataset that others are read beside; None where there are too few.
    usual
        Median and spread of the log-odds of the second lineage in a cell, see `_cell_checks`; None
        where they are not known.
    """

    organs: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    copy_number: CopyNumber | None = None
    neighbourhood: Neighbourhood | None = None
    usual: tuple[float, float] | None = None


#: Nothing is known of the other cells.
NOWHERE = Surroundings()


def weights_of_shares(probabilities: np.ndarray, space: SlotSpace) -> tuple[float, ...]:
    """Return ``(n_choices,)`` log factors from the readings of some cells of a dataset.

    Parameters
    ----------
    probabilities
        ``(n, n_choices)``, each row summing to 1.
    space
        The cell type slot.
    """
    class_of = _classes(space)
    alike = np.bincount(class_of) / len(class_of)
    added = np.zeros((len(class_of), len(alike)))
    added[np.arange(len(class_of)), class_of] = 1
    read = probabilities @ added
    share = alike
    for _ in range(_ROUNDS):
        weighted = read * (share / alike) ** STRENGTH
        weighted /= weighted.sum(1, keepdims=True)
        share = (weighted.mean(0) + _ALIKE * alike) / (1 + _ALIKE)
    return tuple(np.round(STRENGTH * np.log(share / alike), 3)[class_of].tolist())


def _classes(space: SlotSpace) -> np.ndarray:
    """Return ``(n_choices,)`` the class of each choice, families taken together."""
    label = np.arange(len(space.choices))
    for family in FAMILIES:
        own = kinds_below(space, (family,))
        if own.any():
            label[own] = np.flatnonzero(own)[0]
    return np.unique(label, return_inverse=True)[1]
