"""Pathway scores, calibration, judging along the ontology and the baseline."""

import numpy as np
import pytest
from scipy import sparse

from model._baselines import NearestProfile
from model._calibration import expected_calibration_error, fit_temperature
from model._pathways import TOP_FRACTION, PathwayScorer
from model._scoring import OntologyJudge, bootstrap_interval
from model.testing import tiny_checkpoint, tiny_labels

SYMBOLS = [f"GENE{i}" for i in range(60)]


def slow_auc(order, members):
    """Area under the recovery curve, step by step, over the best possible."""
    top = max(20, round(TOP_FRACTION * len(order)))
    found = [gene in members for gene in order]
    area = sum(sum(found[: r + 1]) for r in range(top))
    best = min(sum(found), top)
    return area / sum(min(r + 1, best) for r in range(top))


def test_auc_equals_the_recovery_curve_step_by_step():
    rng = np.random.default_rng(0)
    sets = {"A": SYMBOLS[:15], "B": SYMBOLS[10:40]}
    scorer = PathwayScorer(sets, SYMBOLS)
    tokens = np.stack([rng.permutation(60) + 1 for _ in range(8)])
    auc, n_genes = scorer.auc(tokens, np.full(8, 60))
    assert n_genes.tolist() == [[15, 30]] * 8
    for row, cell in enumerate(tokens):
        order = [SYMBOLS[t - 1] for t in cell]
        for column, members in enumerate(sets.values()):
            assert auc[row, column] == pytest.approx(slow_auc(order, set(members)), abs=1e-5)


def test_sets_with_few_detected_genes_are_not_scored():
    scorer = PathwayScorer({"A": SYMBOLS[:4], "B": SYMBOLS[:20]}, SYMBOLS)
    tokens = np.arange(1, 61)[None]
    top = scorer.top_two(tokens, np.array([60]))
    assert top.tolist() == [[1, -1]]


def test_standardised_scores_compare_a_set_with_itself():
    """A set that is high in every cell does not win; the one that is high here does."""
    rng = np.random.default_rng(0)
    scorer = PathwayScorer({"always": SYMBOLS[:20], "here": SYMBOLS[20:40]}, SYMBOLS)

    def cell(first):
        rest = [g for g in range(60) if g not in first]
        return np.concatenate([rng.permutation(first), rng.permutation(rest)]) + 1

    usual = np.stack([cell(list(range(rng.integers(14, 20)))) for _ in range(50)])
    scorer.fit_reference(usual, np.full(50, 60))
    special = np.stack([cell(list(range(14)) + list(range(20, 34)))])
    assert scorer.names[scorer.top_two(special, np.array([60]))[0, 0]] == "here"


def test_gene_sets_survive_saving(tmp_path):
    scorer = tiny_checkpoint().pathways
    tokens = np.arange(1, 61)[None]
    scorer.fit_reference(np.vstack([tokens, tokens[:, ::-1]]), np.array([60, 60]))
    scorer.save(tmp_path / "pathways.parquet")
    again = PathwayScorer.load(tmp_path / "pathways.parquet", SYMBOLS)
    assert again.names == scorer.names
    assert np.allclose(
        again.standardised(tokens, np.array([60])), scorer.standardised(tokens, np.array([60]))
    )


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
    wide = bootstrap_interval(values, donors)
    narrow = bootstrap_interval(values, np.arange(300))
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
