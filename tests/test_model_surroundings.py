"""What the other cells of a dataset say of one cell."""

import numpy as np
import pytest

from model._labels import LabelTerm, SlotSpace
from model._residents import RARE, Residents
from model._surroundings import Surroundings, weights_of_shares
from model.testing import tiny_describer

NAMES = [f"GENE{i}" for i in range(60)]


def readings(*rows):
    return np.array(rows, dtype=float)


def space_of(parents):
    terms = {t: LabelTerm(t, t, None, above) for t, above in parents.items()}
    return SlotSpace(list(parents), list(parents), terms)


FLAT = space_of({"A": (), "B": (), "C": ()})


def test_types_that_are_about_are_preferred():
    # Two types that many cells clearly are, a third only ever guessed at.
    p = np.vstack([np.tile([0.9, 0.05, 0.05], (60, 1)), np.tile([0.05, 0.9, 0.05], (40, 1))])
    weights = weights_of_shares(p, FLAT)
    assert weights[0] > weights[1] > weights[2]


def test_a_type_that_was_not_seen_stays_possible():
    p = np.tile([0.98, 0.01, 0.01], (400, 1))
    factors = np.exp(weights_of_shares(p, FLAT))
    cell = np.array([0.04, 0.95, 0.01]) * factors
    assert (cell / cell.sum()).argmax() == 1


def test_even_readings_change_nothing():
    even = np.full((50, 3), 1 / 3)
    assert weights_of_shares(even, FLAT) == pytest.approx([0.0] * 3, abs=1e-3)


def test_kinds_of_a_family_are_not_weighed_against_each_other():
    space = space_of({"CL:0000625": (), "CL:0000794": ("CL:0000625",), "B": ()})
    p = np.vstack([np.tile([0.1, 0.8, 0.1], (80, 1)), np.tile([0.1, 0.1, 0.8], (20, 1))])
    family, kind, other = weights_of_shares(p, space)
    assert family == kind > other


def test_a_type_that_is_rare_outside_its_organ_is_doubted_there():
    residents = Residents({}, {}, {"A": "UBERON:0002371"})
    p = np.array([[0.5, 0.5, 0.0]])
    away = residents.settle(p, FLAT, ())
    assert away[0, 0] / away[0, 1] == pytest.approx(RARE)
    assert residents.settle(p, FLAT, ("UBERON:0002371",)).tolist() == p.tolist()


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
