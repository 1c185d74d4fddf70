"""Calibration, judging along the ontology and the baseline."""

import numpy as np
import pytest
from scipy import sparse

from model._baselines import NearestProfile
from model._calibration import expected_calibration_error, fit_temperature
from model._scoring import GroupDraws, OntologyJudge
from model.testing import tiny_labels


def test_temperature_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = np.array([rng.choice(5, p=row) for row in p])
    allowed = np.eye(5, dtype=bool)[truth]
    assert fit_temperature(logits * 3, allowed) == pytest.approx(3, rel=0.1)
    assert fit_temperature(logits, allowed) == pytest.approx(1, rel=0.1)


def test_calibration_error_of_honest_and_of_boastful_confidence():
    correct = np.array([True] * 70 + [False] * 30)
    assert expected_calibration_error(np.full(100, 0.7), correct) == pytest.approx(0, abs=1e-9)
    assert expected_calibration_error(np.full(100, 0.99), correct) == pytest.approx(0.29)


@pytest.mark.parametrize(
    ("predicted", "truth", "outcome"),
    [
        ("CL:0000624", "CL:0000624", "right"),
        ("CL:0000624", "CL:0000084", "right"),
        ("CL:0000084", "CL:0000624", "general"),
        ("CL:0000236", "CL:0000084", "contradicted"),
        (None, "CL:0000084", "not known"),
    ],
)
def test_names_are_judged_along_the_ontology(predicted, truth, outcome):
    assert OntologyJudge(tiny_labels().terms).outcome(predicted, truth) == outcome


def test_interval_over_donors_is_wider_than_over_cells():
    rng = np.random.default_rng(0)
    donors = np.repeat(np.arange(6), 50)
    values = (rng.random(6)[donors] > rng.random(300)).astype(float)
    wide, narrow = (
        GroupDraws(groups).interval_of_ratio(values, np.ones(300))
        for groups in (donors, np.arange(300))
    )
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert wide[0] <= values.mean() <= wide[1]


def test_nearest_profile_finds_the_profile_a_cell_was_drawn_from():
    rng = np.random.default_rng(0)
    profiles = rng.lognormal(0, 2, (4, 60)).astype(np.float32)
    measured = np.ones((4, 60), dtype=bool)
    measured[2:, :10] = False
    baseline = NearestProfile(
        profiles, measured, np.array(["a", "b", "c", "d"]), np.array(["x", "x", "y", "y"])
    )
    cells = sparse.csr_matrix(rng.poisson(profiles * 20).astype(np.float32))
    assert baseline.predict(cells, np.arange(60)) == ["a", "b", "c", "d"]
