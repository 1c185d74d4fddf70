"""Activity of gene sets: what counts, what it is compared with, and what a planted set does."""

import numpy as np
import pytest
from scipy import sparse

from model._pathways import LEAST_TOP, TOP_FRACTION, PathwayScorer
from model._tokens import rank_value_tokens

N_GENES = 1_200
SYMBOLS = [f"GENE{i}" for i in range(N_GENES)]
#: Gene expression falls over four orders of magnitude; sets are spread over all of it.
LEVELS = np.exp(-np.arange(N_GENES) / 150)
SETS = {f"SET{k}": [SYMBOLS[g] for g in range(k, N_GENES, 20)] for k in range(8)}
HOUSEKEEPING = {"TOP": SYMBOLS[:40]}


def cells(rng, depths, *, raised=None, fold=1.0, panel=None):
    """Cells of one tissue: gene levels vary from cell to cell, the set `raised` by `fold`."""
    mean = LEVELS * np.exp(0.5 * rng.standard_normal((len(depths), N_GENES)))
    if raised is not None:
        members = np.isin(SYMBOLS, (SETS | HOUSEKEEPING)[raised])
        mean[:, members] *= fold
    if panel is not None:
        mean *= panel
    rate = mean / mean.sum(1, keepdims=True) * np.asarray(depths)[:, None]
    counts = sparse.csr_matrix(rng.poisson(rate).astype(np.float32))
    return rank_value_tokens(
        counts, np.arange(N_GENES), np.ones(N_GENES, np.float32), max_tokens=N_GENES
    )


@pytest.fixture(scope="module")
def scorer():
    rng = np.random.default_rng(0)
    scorer = PathwayScorer(SETS | HOUSEKEEPING, SYMBOLS)
    scorer.fit_reference(*cells(rng, np.exp(rng.uniform(np.log(200), np.log(6_000), 500))))
    return scorer


def test_area_equals_the_recovery_curve_step_by_step():
    rng = np.random.default_rng(0)
    scorer = PathwayScorer(SETS, SYMBOLS)
    tokens = np.stack([rng.permutation(N_GENES)[:300] + 1 for _ in range(4)])
    area = scorer.areas(tokens, np.full(4, 300)) @ scorer.membership
    top = max(LEAST_TOP, round(TOP_FRACTION * 300))
    for row, cell in enumerate(tokens):
        order = [SYMBOLS[t - 1] for t in cell]
        for column, members in enumerate(SETS.values()):
            found = np.cumsum([gene in members for gene in order])
            assert area[row, column] * top == pytest.approx(found[:top].sum(), abs=1e-3)


def test_no_set_wins_always_and_none_vanishes(scorer):
    """Each of nine sets is among the top two of unremarkable cells about as often as another."""
    tokens, n_tokens = cells(np.random.default_rng(1), np.full(400, 1_500))
    wins = np.bincount(scorer.top_two(tokens, n_tokens).ravel(), minlength=9) / 800
    assert wins.min() > 0.04
    assert wins.max() < 0.25


@pytest.mark.parametrize("depth", [300, 1_000, 5_000])
def test_scores_of_unremarkable_cells_are_normal_deviates_at_every_depth(scorer, depth):
    z = scorer.standardised(*cells(np.random.default_rng(depth), np.full(400, depth)))
    assert z.mean() == pytest.approx(0, abs=0.15)
    assert z.std() == pytest.approx(1, abs=0.2)
    assert (z > 2).mean() == pytest.approx(0.023, abs=0.02)
    assert (z > 3).mean() < 0.01


@pytest.mark.parametrize("name", ["SET3", "TOP"])
def test_a_planted_set_is_found(scorer, name):
    """Raised threefold, a set is among the top two of most cells, deep or shallow."""
    for depth, least in ((500, 0.6), (4_000, 0.9)):
        rng = np.random.default_rng(7)
        tokens, n_tokens = cells(rng, np.full(200, depth), raised=name, fold=3.0)
        found = (scorer.top_two(tokens, n_tokens) == scorer.names.index(name)).any(1)
        assert found.mean() > least


def test_genes_that_a_panel_leaves_out_do_not_count_as_silent(scorer):
    """A panel holds half of one set's genes and all others': the set does not seem low."""
    half = np.isin(SYMBOLS, SETS["SET2"]) & (np.arange(N_GENES) % 40 < 20)
    panel = ~half & (np.random.default_rng(2).random(N_GENES) < 0.6)
    tokens, n_tokens = cells(np.random.default_rng(3), np.full(300, 1_000), panel=panel)
    column = scorer.names.index("SET2")
    told = scorer.standardised(tokens, n_tokens, measured=panel)[:, column]
    untold = scorer.standardised(tokens, n_tokens)[:, column]
    assert abs(np.median(told)) < 0.5
    assert np.median(untold) < -1


def test_a_set_with_few_measured_genes_is_not_scored(scorer):
    tokens, n_tokens = cells(np.random.default_rng(4), [1_000])
    measured = np.ones(N_GENES, dtype=bool)
    measured[np.flatnonzero(np.isin(SYMBOLS, SETS["SET5"]))[4:]] = False
    z = scorer.standardised(tokens, n_tokens, measured=measured)[0]
    assert np.isneginf(z[scorer.names.index("SET5")])
    assert np.isfinite(z[scorer.names.index("SET6")])


def test_a_cell_without_genes_and_a_scorer_without_reference_score_nothing(scorer):
    empty = np.zeros((1, 3), dtype=np.int64)
    assert scorer.top_two(empty, np.array([0])).tolist() == [[-1, -1]]
    tokens, n_tokens = cells(np.random.default_rng(5), [500])
    assert PathwayScorer(SETS, SYMBOLS).top_two(tokens, n_tokens).tolist() == [[-1, -1]]


def test_the_company_of_other_cells_changes_nothing(scorer):
    tokens, n_tokens = cells(np.random.default_rng(6), [300, 900, 2_700])
    together = scorer.standardised(tokens, n_tokens)
    for row in range(3):
        alone = scorer.standardised(tokens[row : row + 1, : n_tokens[row]], n_tokens[row : row + 1])
        assert np.allclose(alone[0], together[row])


def test_gene_sets_and_their_reference_survive_saving(tmp_path, scorer):
    tokens, n_tokens = cells(np.random.default_rng(8), [400, 4_000])
    scorer.save(tmp_path / "pathways.parquet")
    again = PathwayScorer.load(tmp_path / "pathways.parquet", SYMBOLS)
    assert again.names == scorer.names
    assert np.allclose(
        again.standardised(tokens, n_tokens), scorer.standardised(tokens, n_tokens), atol=1e-6
    )


def test_shares_of_genes_in_a_score_add_up(scorer):
    tokens, _ = cells(np.random.default_rng(9), [2_000])
    shares = scorer.contributions("SET1", tokens[0])
    assert shares.sum() == pytest.approx(1)
    members = {SYMBOLS.index(s) + 1 for s in SETS["SET1"]}
    assert {int(t) for t in tokens[0][shares > 0]} <= members
