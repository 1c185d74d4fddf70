"""What the other cells of a dataset say of one cell: where it comes from, and what is about.

A cell is described by its own genes. But a reading that hesitates between a type of which the
dataset has many and one of which it has none is helped by knowing so. The shares of the types are
estimated from the readings of a few hundred cells by expectation maximisation, as for a classifier
that meets other proportions than it was trained on (Saerens 2002, doi:10.1162/089976602753284446).
They count for less than they would if the readings were independent and calibrated, and a type
that was not among those cells stays possible.
"""

from dataclasses import dataclass

import numpy as np

#: Weight of the shares, 0 to 1; chosen on the development studies.
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
    """

    organs: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()


#: Nothing is known of the other cells.
NOWHERE = Surroundings()


def weights_of_shares(probabilities: np.ndarray) -> tuple[float, ...]:
    """Return ``(n_choices,)`` log factors from the readings of some cells of a dataset.

    Parameters
    ----------
    probabilities
        ``(n, n_choices)``, each row summing to 1.
    """
    n_choices = probabilities.shape[1]
    share = np.full(n_choices, 1 / n_choices)
    for _ in range(_ROUNDS):
        weighted = probabilities * (share * n_choices) ** STRENGTH
        weighted /= weighted.sum(1, keepdims=True)
        share = (weighted.mean(0) + _ALIKE / n_choices) / (1 + _ALIKE)
    return tuple(np.round(STRENGTH * np.log(share * n_choices), 3).tolist())
