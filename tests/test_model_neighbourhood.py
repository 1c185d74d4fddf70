"""Cells are read beside the cells most like them."""

import numpy as np
import pytest
from scipy import sparse

from model._neighbourhood import FEWEST_CELLS, find_neighbourhood, pool, steady
from model._surroundings import Surroundings
from model.testing import tiny_describer

N_GENES = 120
NAMES = [f"GENE{i}" for i in range(60)]


def two_populations(n=120, seed=0):
    """Counts of cells of two kinds, turn by turn, each with forty genes of its own."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    mean = np.full((2, N_GENES), 0.3)
    mean[0, :40], mean[1, 40:80] = 4.0, 4.0
    return sparse.csr_matrix(rng.poisson(mean[kind]).astype(np.float32)), kind


def readings(kind, *, sure=0.9):
    """Readings of two choices, right for each kind, but for the first cell's."""
    p = np.where(kind[:, None] == np.arange(2), sure, 1 - sure)
    p[0] = p[0, ::-1]
    return p


def test_a_cell_read_unlike_its_neighbours_is_read_as_they_are():
    cells, kind = two_populations()
    p, ids = readings(kind), np.arange(N_GENES)
    found = find_neighbourhood(cells, ids, p)
    together = pool(p, found.readings_beside(cells, ids))
    np.testing.assert_allclose(together.sum(1), 1)
    assert p[0].argmax() != kind[0]
    assert (together.argmax(1) == kind).all()


def test_no_cell_is_its_own_neighbour():
    cells, kind = two_populations()
    p, ids = readings(kind), np.arange(N_GENES)
    found = find_neighbourhood(cells, ids, p)
    # All its like are read alike, so it would show if the first counted for itself.
    *theirs, share = found.readings_beside(cells[:1], ids)[0]
    np.testing.assert_allclose(theirs, share * np.log(p[2]), atol=2e-3)
    assert share > 0.5


def test_the_only_cell_of_its_kind_is_read_by_itself():
    cells, kind = two_populations()
    alone = np.full(N_GENES, 0.3)
    alone[80:] = 4.0
    odd = sparse.csr_matrix(np.random.default_rng(3).poisson(alone)[None].astype(np.float32))
    ids = np.arange(N_GENES)
    reads = np.column_stack([readings(kind), np.full(len(kind), 0.001)])
    all_reads = np.vstack([reads, [[0.05, 0.05, 0.9]]])
    found = find_neighbourhood(sparse.vstack([cells, odd], format="csr"), ids, all_reads)
    beside = found.readings_beside(odd, ids)
    assert beside[0, -1] == 0
    np.testing.assert_allclose(pool(all_reads[-1:], beside), all_reads[-1:], atol=1e-3)


def test_the_lineages_of_a_cell_are_steadied_by_its_neighbours():
    cells, kind = two_populations()
    own = np.where(kind[:, None] == np.arange(2), 2.0, -2.0)
    own[0] = own[0, ::-1]  # what the genes of one cell say is not what those of its like say
    found = find_neighbourhood(cells, np.arange(N_GENES), readings(kind), presence=own)
    beside = found.readings_beside(cells, np.arange(N_GENES))
    assert steady(own, beside)[0] == pytest.approx([0, 0], abs=0.5)
    assert (steady(own, beside).argmax(1) == kind)[1:].all()
    np.testing.assert_array_equal(steady(own, None), own)
    np.testing.assert_allclose(pool(readings(kind), beside).sum(1), 1)


def test_neighbours_do_not_depend_on_which_cells_go_together():
    cells, kind = two_populations()
    ids = np.arange(N_GENES)
    found = find_neighbourhood(cells, ids, readings(kind))
    whole = found.readings_beside(cells, ids)
    single = np.vstack([found.readings_beside(cells[i : i + 1], ids) for i in range(len(kind))])
    np.testing.assert_array_equal(whole, single)


def test_neither_depth_nor_the_order_of_the_genes_moves_a_cell():
    cells, kind = two_populations()
    ids = np.arange(N_GENES)
    found = find_neighbourhood(cells, ids, readings(kind))
    other = np.random.default_rng(1).permutation(N_GENES)
    moved = found.readings_beside(sparse.csr_matrix(3 * cells[:, other]), ids[other])
    np.testing.assert_allclose(moved, found.readings_beside(cells, ids), atol=2e-3)


def test_few_cells_have_no_neighbourhood():
    cells, kind = two_populations(FEWEST_CELLS - 1)
    ids = np.arange(N_GENES)
    assert find_neighbourhood(cells, ids, readings(kind)) is None
    unknown = np.full(N_GENES, -1)
    assert find_neighbourhood(two_populations()[0], unknown, np.full((120, 2), 0.5)) is None


def test_without_neighbours_a_reading_stays():
    p = np.array([[0.25, 0.75]])
    assert pool(p, None) is p


@pytest.fixture(scope="module")
def surveyed():
    describer = tiny_describer()
    cells = np.random.default_rng(0).poisson(2.0, (60, len(NAMES))).astype(np.float32)
    return describer, cells, describer.survey(cells, NAMES)


def test_a_survey_finds_the_neighbourhood(surveyed):
    _, cells, around = surveyed
    assert around.neighbourhood is not None
    assert len(around.neighbourhood.places) == len(cells)


def test_words_are_the_same_for_every_batch(surveyed):
    describer, cells, around = surveyed
    describer.engine.cache = None
    together = describer.describe(cells, NAMES, around=around)
    alone = [describer.describe(cells[i : i + 1], NAMES, around=around)[0] for i in range(12)]
    assert [d.text for d in together[:12]] == [d.text for d in alone]
    assert describer.describe(cells, NAMES, around=around, batch_size=7) == together


def test_neighbours_count_in_probabilities_and_in_words_alike(surveyed):
    describer, cells, around = surveyed
    alone = Surroundings(around.organs, around.weights)
    p, ids = describer.cell_type_probabilities(cells, NAMES, around=around)
    assert not np.allclose(p, describer.cell_type_probabilities(cells, NAMES, around=alone)[0])
    for row, made in zip(p, describer.describe(cells, NAMES, around=around), strict=True):
        said = made.slots["cell_type"]
        if said.ontology_term_id is not None:
            assert row[ids.index(said.ontology_term_id)] == pytest.approx(said.confidence, abs=1e-3)
