"""What the other cells of a dataset say of one cell."""

import numpy as np
import pytest

from model._surroundings import STRENGTH, Surroundings, weights_of_shares
from model.testing import tiny_describer

NAMES = [f"GENE{i}" for i in range(60)]


def readings(*rows):
    return np.array(rows, dtype=float)


def test_types_that_are_about_are_preferred():
    # Two types that many cells clearly are, a third only ever guessed at.
    p = np.vstack([np.tile([0.9, 0.05, 0.05], (60, 1)), np.tile([0.05, 0.9, 0.05], (40, 1))])
    weights = weights_of_shares(p)
    assert weights[0] > weights[1] > weights[2]


def test_a_type_that_was_not_seen_stays_possible():
    p = np.tile([0.98, 0.01, 0.01], (400, 1))
    factors = np.exp(weights_of_shares(p))
    cell = np.array([0.04, 0.95, 0.01]) * factors
    assert (cell / cell.sum()).argmax() == 1


def test_even_readings_change_nothing():
    assert weights_of_shares(np.full((50, 4), 0.25)) == pytest.approx([0.0] * 4, abs=1e-3)
    assert 0 < STRENGTH < 1


def test_a_survey_moves_probability_towards_what_it_saw():
    describer = tiny_describer()
    cells = np.random.default_rng(0).poisson(2.0, (40, 60)).astype(np.float32)
    around = describer.survey(cells, NAMES, organs=["UBERON:0002107"])
    assert around.organs == ("UBERON:0002107",)
    choices = describer.space.slot("cell_type").choices
    best = choices[int(np.argmax(around.weights))]
    alone, ids = describer.cell_type_probabilities(cells, NAMES)
    beside, _ = describer.cell_type_probabilities(cells, NAMES, around=around)
    column = ids.index(best)
    assert beside[:, column].mean() > alone[:, column].mean()


def test_surroundings_are_part_of_what_is_remembered():
    describer = tiny_describer()
    cells = np.random.default_rng(1).poisson(2.0, (3, 60)).astype(np.float32)
    n_choices = len(describer.space.slot("cell_type").choices)
    for k in range(n_choices):
        if describer.space.slot("cell_type").choices[k] == "CL:0000084":
            continue  # what is read as a T cell is passed on to the kinds of it
        weights = tuple(12.0 if i == k else 0.0 for i in range(n_choices))
        made = describer.describe(cells, NAMES, around=Surroundings(weights=weights))
        said = {d.slots["cell_type"].ontology_term_id for d in made}
        assert said == {describer.space.slot("cell_type").choices[k]}
