"""Whether others agree with a name tells how sure it may be."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse, stats

from model._agreement_fitting import _fit_curve
from model._calibration import Agreement, Calibration, SlotCalibration, curve_inputs
from model._labels import LabelTerm, SlotSpace
from model._references import Profiles
from model._second_opinion import NO_NAME, NOBODY, NearestProfile, agreement
from model.testing import tiny_describer

N_GENES = 60
NAMES = [f"GENE{i}" for i in range(N_GENES)]
#: Two kinds of T below T, B beside it.
PARENTS = {"T": (), "CD4": ("T",), "CD8": ("T",), "B": ()}
SPACE = SlotSpace(
    list(PARENTS), list(PARENTS), {t: LabelTerm(t, t, None, above) for t, above in PARENTS.items()}
)
T, CD4, CD8, B = range(4)
CURVE = Agreement(intercept=-0.5, probability=0.3, profile=0.8, neighbours=1.5)


def profiles_of(types, *, sources=None, seed=0):
    """Profiles with an order of genes of their own, all genes measured."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 1.5, (len(types), N_GENES)).astype(np.float32)
    values /= values.sum(1, keepdims=True)
    sources = np.array(sources or ["study_a"] * len(types))
    measured = np.ones(values.shape, dtype=bool)
    return Profiles(values, measured, np.array(types), sources, np.arange(N_GENES))


def cells_of(profiles, rows, *, seed=1, depth=400):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(profiles.profiles[rows] * depth).astype(np.float32)
    return sparse.csr_matrix(counts)


def test_a_cell_is_nearest_the_profile_that_it_was_drawn_from():
    profiles = profiles_of(["CD4", "CD8", "B"])
    rows = np.arange(30) % 3
    found = NearestProfile(profiles, SPACE).names(cells_of(profiles, rows), np.arange(N_GENES))
    assert found.tolist() == [(CD4, CD8, B)[row] for row in rows]


def test_where_all_genes_are_measured_the_correlation_is_spearmans():
    types = ["T", "CD4", "CD8", "B"]
    profiles = profiles_of(types)
    counts = np.random.default_rng(2).poisson(1.0, (40, N_GENES)).astype(np.float32)
    cells = sparse.csr_matrix(counts)
    by_hand = [
        int(np.argmax([stats.spearmanr(row, p).statistic for p in profiles.profiles]))
        for row in cells.toarray()
    ]
    assert len(set(by_hand)) > 1
    found = NearestProfile(profiles, SPACE).names(cells, np.arange(N_GENES))
    assert found.tolist() == by_hand


def test_genes_that_a_study_did_not_measure_do_not_count_for_it():
    profiles = profiles_of(["CD4", "B"], sources=["study_a", "study_b"])
    measured = profiles.measured.copy()
    measured[1, :30] = False
    values = np.where(measured, profiles.profiles, 0)
    # The cells lack exactly the genes that the second study measured in another order.
    nearest = NearestProfile(replace(profiles, profiles=values, measured=measured), SPACE)
    found = nearest.names(cells_of(profiles, np.array([1] * 10)), np.arange(N_GENES))
    assert (found == B).all()


def test_too_few_shared_genes_give_no_opinion():
    profiles = profiles_of(["CD4", "B"])
    nearest, cells = NearestProfile(profiles, SPACE), cells_of(profiles, np.array([0, 1]))
    few = np.where(np.arange(N_GENES) < 10, np.arange(N_GENES), -1)
    assert nearest.names(cells, few).tolist() == [NO_NAME, NO_NAME]
    assert nearest.names(0 * cells, np.arange(N_GENES)).tolist() == [NO_NAME, NO_NAME]


def test_a_block_of_cells_is_read_like_each_of_them():
    profiles = profiles_of(["T", "CD4", "CD8", "B"])
    cells = cells_of(profiles, np.arange(600) % 4, depth=20)
    nearest = NearestProfile(profiles, SPACE)
    whole = nearest.names(cells, np.arange(N_GENES))
    parts = [nearest.names(cells[i : i + 7], np.arange(N_GENES)) for i in range(0, 600, 7)]
    assert whole.tolist() == np.concatenate(parts).tolist()
    # Another order of the variables is the same dataset.
    turned = np.arange(N_GENES)[::-1]
    assert nearest.names(cells[:, turned], turned).tolist() == whole.tolist()


def test_a_type_that_cannot_be_said_and_the_makers_of_a_study_have_no_voice():
    sources = ["atlas_kidney_Lab", "atlas_liver_Lab", "other_study"]
    profiles = profiles_of(["CD4", "CD8", "B"], sources=sources)
    cells, ids = cells_of(profiles, np.array([0, 1, 2])), np.arange(N_GENES)
    nearest = NearestProfile(profiles, SPACE)
    assert (nearest.without("atlas_lung_Lab").names(cells, ids) == B).all()
    assert nearest.names(cells, ids).tolist() == [CD4, CD8, B]
    unknown = NearestProfile(profiles_of(["CD4", "CD8", "other"]), SPACE)
    assert set(unknown.names(cells, ids)) <= {CD4, CD8}


def test_agreement_lies_along_the_lineage():
    said = np.array([CD4, CD4, T, CD4, CD4])
    others = np.array([[CD4], [T], [CD8], [CD8], [NO_NAME]])
    found = agreement(SPACE, said, others)
    assert found.tolist() == [[1, 0], [1, 0], [1, 0], [0, 0], [0.5, 0]]


def test_far_neighbours_are_not_asked_and_unnamed_ones_do_not_agree():
    others = np.array([[CD4, CD4, T, CD8, NOBODY], [CD4, CD4, NO_NAME, NOBODY, NOBODY]])
    found = agreement(SPACE, np.array([CD4, CD4]), others)
    assert found[:, 1] == pytest.approx([2 / 3, 1 / 2])
    assert agreement(SPACE, np.array([NO_NAME]), others[:1])[0].tolist() == [0, 0]


def test_more_probability_and_more_agreement_never_make_less_sure():
    p = np.linspace(0, 1, 50)
    steps = [(0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1)]
    sure = [CURVE.confidence(p, np.tile(step, (50, 1))) for step in steps]
    assert (np.diff(sure, axis=1) >= 0).all()
    assert (np.diff(sure, axis=0) > 0).all()
    assert np.min(sure) >= 0
    assert np.max(sure) <= 1


def test_agreement_that_tells_nothing_or_lies_gets_no_weight():
    rng = np.random.default_rng(0)
    agreed = np.column_stack([rng.integers(0, 2, 4000), rng.random(4000)])
    p = rng.uniform(0.5, 1, 4000)
    inputs = curve_inputs(p, agreed)
    true = rng.random(4000) < np.where(agreed[:, 0] > 0, 0.9, 0.5)
    _, of_probability, of_profile, _ = _fit_curve([("a", inputs, true)])
    assert of_probability >= 0
    assert of_profile == pytest.approx(np.log(9), abs=0.3)
    lies = rng.random(4000) < np.where(agreed[:, 0] > 0, 0.5, 0.9)
    assert _fit_curve([("a", inputs, lies)])[2] == 0


def test_every_source_counts_alike():
    inputs = curve_inputs(np.full(1000, 0.5), np.zeros((1000, 2)))
    many, few = np.ones(1000, dtype=bool), np.zeros(10, dtype=bool)
    intercept = _fit_curve([("a", inputs, many), ("b", inputs[:10], few)])[0]
    assert intercept == pytest.approx(0, abs=1e-3)


def test_agreement_is_kept_in_the_file_of_the_calibration(tmp_path):
    path = tmp_path / "calibration.json"
    plain = Calibration({"cell_type": SlotCalibration(1.1, 0.5, ("T",))})
    plain.save(path)
    assert Calibration.load(path) == plain
    agreeing = plain.agreeing("cell_type", CURVE)
    agreeing.save(path)
    assert Calibration.load(path) == agreeing


@pytest.fixture
def asking():
    """A describer that asks others, and one that does not, before the same cells."""
    cells = np.random.default_rng(0).poisson(2.0, (60, N_GENES)).astype(np.float32)
    plain, describer = tiny_describer(), tiny_describer()
    space = describer.space.slot("cell_type")
    calibration = describer.checkpoint.calibration
    describer.checkpoint.calibration = calibration.agreeing("cell_type", CURVE)
    matched = describer.genes.match(NAMES).token_ids
    types = [space.speakable[i % len(space.speakable)] for i in range(6)]
    profiles = replace(profiles_of(types), genes=matched)
    describer.nearest_profile = NearestProfile(profiles, space)
    return plain, describer, cells


def test_others_change_how_sure_a_name_is_and_no_word(asking):
    plain, describer, cells = asking
    around = describer.survey(cells, NAMES)
    before = plain.describe(cells, NAMES, around=around)
    after = describer.describe(cells, NAMES, around=around)
    assert [d.text for d in before] == [d.text for d in after]
    sure = [[d.slots["cell_type"].confidence for d in made] for made in (before, after)]
    assert sure[0] != sure[1]
    assert all(0 <= one <= 1 for one in sure[1])


def test_confidence_is_the_same_for_every_batch(asking):
    _, describer, cells = asking
    around = describer.survey(cells, NAMES)
    assert (around.neighbourhood.names >= NO_NAME).all()
    together = describer.describe(cells, NAMES, around=around)
    assert describer.describe(cells, NAMES, around=around, batch_size=7) == together
    alone = [describer.describe(cells[i : i + 1], NAMES, around=around)[0] for i in range(12)]
    assert alone == together[:12]


def test_of_a_few_cells_and_of_marker_lists_nobody_is_asked(asking):
    plain, describer, cells = asking
    few, lists = cells[:5], [NAMES[:5]]
    around = describer.survey(few, NAMES)
    assert around.neighbourhood is None
    assert describer.describe(few, NAMES, around=around) == plain.describe(
        few, NAMES, around=around
    )
    assert (
        describer.describe_markers(lists).descriptions == plain.describe_markers(lists).descriptions
    )
