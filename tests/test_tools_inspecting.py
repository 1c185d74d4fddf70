"""What a matrix holds is told from its numbers."""

import numpy as np
import pytest

from tools._inspecting import inspect_matrix, sample_rows


@pytest.fixture
def counts() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.poisson(rng.gamma(0.4, 3.0, size=60), size=(40, 60)).astype(float)


def _cp10k(counts: np.ndarray) -> np.ndarray:
    return 1e4 * counts / counts.sum(axis=1, keepdims=True)


def test_counts_are_counts(counts: np.ndarray) -> None:
    assert inspect_matrix(counts).kind == "counts"


@pytest.mark.parametrize(
    ("base", "log"),
    [("e", np.log1p), ("2", lambda x: np.log2(x + 1)), ("10", lambda x: np.log10(x + 1))],
)
def test_base_of_logs_is_told(counts: np.ndarray, base: str, log: object) -> None:
    facts = inspect_matrix(log(_cp10k(counts)))  # type: ignore[operator]
    assert (facts.kind, facts.log_base) == ("log1p", base)
    assert facts.total == pytest.approx(1e4, rel=1e-3)


def test_logs_of_a_gene_subset_are_logs_although_sums_differ(counts: np.ndarray) -> None:
    facts = inspect_matrix(np.log1p(_cp10k(counts))[:, :30].astype(np.float32))
    assert (facts.kind, facts.log_base, facts.total) == ("log1p", "e", None)


def test_unlogged_normalised_values_are_normalised(counts: np.ndarray) -> None:
    assert inspect_matrix(_cp10k(counts)).kind == "normalised"
    small = _cp10k(counts) / 1e3  # below any ceiling of logs
    assert small.max() < 25
    assert inspect_matrix(small).kind == "normalised"


def test_z_scores_are_scaled(counts: np.ndarray) -> None:
    assert inspect_matrix((counts - counts.mean(0)) / (counts.std(0) + 1)).kind == "scaled"


def test_negative_whole_numbers_are_not_counts(counts: np.ndarray) -> None:
    facts = inspect_matrix(counts - 1)
    assert facts.kind == "unknown"
    assert facts.has_negative


def test_missing_and_infinite_values_are_noticed(counts: np.ndarray) -> None:
    counts[0, 0], counts[1, 1] = np.nan, np.inf
    facts = inspect_matrix(counts)
    assert facts.has_nan
    assert facts.has_inf
    assert facts.kind == "counts"


def test_zeros_are_unknown_and_counted_as_empty() -> None:
    facts = inspect_matrix(np.zeros((5, 3)))
    assert facts.kind == "unknown"
    assert facts.n_empty_rows == 5


def test_sample_covers_both_ends() -> None:
    rows = sample_rows(10_000, n_rows=100)
    assert rows[0] == 0
    assert rows[-1] == 9_999
    assert len(rows) == 100
    assert sample_rows(1).tolist() == [0]
