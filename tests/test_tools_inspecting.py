"""What a matrix holds is told from its numbers."""

import numpy as np
import pytest

from tools._inspecting import inspect_matrix, sample_rows, undo_log


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
    assert (facts.kind, facts.log_base, facts.is_even) == ("log1p", "e", False)


def test_unlogged_normalised_values_are_normalised(counts: np.ndarray) -> None:
    assert inspect_matrix(_cp10k(counts)).kind == "normalised"
    small = _cp10k(counts) / 1e3  # below any ceiling of logs
    assert small.max() < 25
    assert inspect_matrix(small).kind == "normalised"


TELLING = {
    "counts per 10,000": _cp10k,
    "counts per million (CPM)": lambda x: 100 * _cp10k(x),
    "natural log of one plus counts per million": lambda x: np.log1p(100 * _cp10k(x)),
    "natural log of one plus raw counts": np.log1p,
    "base-2 log of one plus raw counts": lambda x: np.log2(x + 1),
    "natural log, taken twice,": lambda x: np.log1p(np.log1p(_cp10k(x))),
    "base-2 log of 0.001 plus": lambda x: np.log2(100 * _cp10k(x) + 0.001),
    "natural log of 0.5 plus": lambda x: np.log(_cp10k(x) + 0.5),
    "counts that were corrected": lambda x: x + 0.25 * (x % 4 == 2),
    "centred log ratios": lambda x: np.log1p(x) - np.log1p(x).mean(axis=1, keepdims=True),
    "zeros and ones": lambda x: (x > 0).astype(float),
}


@pytest.mark.parametrize("words", TELLING)
def test_precise_scale_is_in_the_words(counts: np.ndarray, words: str) -> None:
    assert words in inspect_matrix(TELLING[words](counts)).wording


def test_uneven_sums_tell_the_base_when_genes_are_missing_and_values_corrected() -> None:
    rng = np.random.default_rng(2)
    values = rng.gamma(0.3, 1.0, size=(80, 2000)) * rng.lognormal(0, 1.0, size=2000)
    values *= rng.random(values.shape) < rng.uniform(0.2, 0.9, size=(80, 1))
    tpm = (1e5 * values / values.sum(axis=1, keepdims=True))[:, :1900]
    facts = inspect_matrix(np.log2(tpm + 1))
    assert (facts.kind, facts.log_base, facts.is_certain) == ("log1p", "2", False)
    assert "probably the base-2 log of one plus values much like TPM divided by ten" in (
        facts.wording
    )


@pytest.mark.parametrize("words", [w for w in TELLING if "log" in w and "centred" not in w])
def test_logs_are_undone(counts: np.ndarray, words: str) -> None:
    logged = TELLING[words](counts)
    linear = undo_log(logged.copy(), inspect_matrix(logged))
    ratio = linear[counts > 0] / np.repeat(linear.sum(axis=1), (counts > 0).sum(axis=1))
    shares = (counts / counts.sum(axis=1, keepdims=True))[counts > 0]
    assert np.allclose(ratio, shares, rtol=0.02)


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
