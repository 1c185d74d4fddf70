"""The genes that define close lineages decide between them, and move nothing else."""

import numpy as np
import pandas as pd
import pytest
import torch

from model._errors import CheckpointError
from model._lineage_markers import LineageGroup, LineageMarkers
from model._marker_knowledge import build_profiles, nearest_choice, read_markers
from model._residents import Residents
from model._surroundings import Surroundings
from model.testing import tiny_describer, tiny_genes, tiny_labels

CD4, CD8, B, T = "CL:0000624", "CL:0000625", "CL:0000236", "CL:0000084"


@pytest.fixture
def lineages():
    # Genes 0 speaks for CD4, gene 1 for CD8; a gene not seen speaks against, more so in depth.
    half = np.array([[2.0, -2.0, -1.0, 1.0, -0.5, 0.5]])
    group = LineageGroup(
        "CD4 or CD8",
        ((CD4,), (CD8,)),
        ("GENE0", "GENE1"),
        np.vstack([half, -half]),
        np.zeros(2),
    )
    return LineageMarkers([group], tiny_genes(), tiny_labels().slot("cell_type").choices)


def adjust(lineages, genes, *, measured):
    choices = tiny_labels().slot("cell_type").choices
    tokens = torch.tensor([[g + 1 for g in genes]])
    scores = torch.zeros(1, len(choices)).log_softmax(-1)
    known = None
    if measured is not None:
        known = np.isin(np.arange(len(tiny_genes())), measured)
    after = lineages.adjust(scores, tokens, torch.ones(1, len(genes)), measured=known)
    return dict(zip(choices, after.exp()[0].tolist(), strict=True))


def test_a_defining_gene_decides_and_the_group_keeps_its_share(lineages):
    p = adjust(lineages, [1, 20, 21], measured=[0, 1, 20, 21])
    assert p[CD8] > 5 * p[CD4]
    even = 1 / len(p)
    assert p[CD4] + p[CD8] == pytest.approx(2 * even, rel=1e-5)
    assert p[B] == pytest.approx(even, rel=1e-5)


def test_a_gene_that_was_not_measured_says_nothing(lineages):
    p = adjust(lineages, [20, 21], measured=[20, 21])
    assert p[CD8] == pytest.approx(p[CD4], rel=1e-5)
    p = adjust(lineages, [20, 21], measured=[0, 20, 21])
    assert p[CD8] > p[CD4]
    p = adjust(lineages, [20, 21], measured=None)
    assert p[CD8] == pytest.approx(p[CD4], rel=1e-5)


def test_a_gene_not_seen_says_more_in_a_deep_cell(lineages):
    shallow = adjust(lineages, [20, 21], measured=[0])
    deep = adjust(lineages, list(range(2, 58)) * 20, measured=[0])
    assert deep[CD8] / deep[CD4] != pytest.approx(shallow[CD8] / shallow[CD4], rel=0.05)


def test_the_gates_carry_a_gradient(lineages):
    tokens = torch.tensor([[2, 21, 22]])
    gates = torch.ones(1, 3, requires_grad=True)
    choices = tiny_labels().slot("cell_type").choices
    after = lineages.adjust(torch.zeros(1, len(choices)), tokens, gates)
    after[0, choices.index(CD8)].backward()
    assert gates.grad[0, 0] > 0
    assert gates.grad[0, 1] == 0


def test_the_product_that_stands_first_decides_where_all_are_seen(tmp_path):
    # A droplet of an islet holds each hormone; weights are 0 but for the product that is first.
    weights = np.array([[0.0] * 6 + [2.0, -2.0], [0.0] * 6 + [-2.0, 2.0]])
    group = LineageGroup(
        "product", ((CD4,), (CD8,)), ("GENE0", "GENE1"), weights, np.zeros(2), ("GENE0", "GENE1")
    )
    choices = tiny_labels().slot("cell_type").choices
    LineageMarkers([group], tiny_genes(), choices).save(tmp_path / "x.json")
    products = LineageMarkers.load(tmp_path / "x.json", tiny_genes(), choices)
    for genes, first, second in (([20, 0, 21, 1], CD4, CD8), ([1, 20, 0, 21], CD8, CD4)):
        p = adjust(products, genes, measured=[0, 1, 20, 21])
        assert p[first] > 5 * p[second]
    neither = adjust(products, [20, 21], measured=[0, 1, 20, 21])
    assert neither[CD4] == pytest.approx(neither[CD8], rel=1e-5)


def test_lineages_are_read_as_they_were_written(lineages, tmp_path):
    choices = tiny_labels().slot("cell_type").choices
    lineages.save(tmp_path / "x.json")
    again = LineageMarkers.load(tmp_path / "x.json", tiny_genes(), choices)
    assert adjust(again, [1, 20], measured=[0, 1]) == adjust(lineages, [1, 20], measured=[0, 1])
    (tmp_path / "x.json").write_text("[{")
    with pytest.raises(CheckpointError, match="damaged"):
        LineageMarkers.load(tmp_path / "x.json", tiny_genes(), choices)
    assert LineageMarkers.load(tmp_path / "none.json", tiny_genes(), choices).groups == ()


@pytest.fixture
def markers(tmp_path):
    rows = [
        {"species": species, "CL_ID": t, "marker": f"GENE{i}", "marker_type": kind, "resource": r}
        for t, genes in ((CD8, range(6)), (B, range(4, 12)))
        for i in genes
        for r, species, kind in (
            ("one", "Human", "positive"),
            ("two", "Human", "positive"),
            ("three", "Mouse", "positive"),
        )
    ]
    rows.append({**rows[0], "marker": "GENE50", "marker_type": "negative"})
    rows.append({**rows[0], "marker": "GENE0", "resource": "four"})
    pd.DataFrame(rows).to_parquet(tmp_path / "m.parquet")
    return read_markers(tmp_path / "m.parquet", tiny_genes())


def test_markers_are_human_positive_and_ordered_by_support(markers):
    assert set(markers) == {CD8, B}
    assert set(markers[CD8].genes) == set(range(6))
    assert markers[CD8].genes[0] == 0
    # Genes 4 and 5 are named for both types and mark neither.
    assert set(markers[CD8].genes[-2:]) == {4, 5}
    drawn = markers[B].draw_list(np.random.default_rng(0), size=3)
    assert len(set(drawn)) == 3
    assert set(drawn) <= set(range(4, 12))


def test_a_built_profile_has_the_markers_of_its_type_and_loses_those_of_its_base(markers):
    rng = np.random.default_rng(0)
    profiles = rng.lognormal(0, 1, (3, 60)).astype(np.float32)
    profiles[:, 6:12] = 50.0  # markers of B cells
    profiles /= profiles.sum(1, keepdims=True)
    table = pd.DataFrame({"cell_type_id": [CD8], "base_ids": [B]})
    labels = np.array([B, B, T])
    built, measured, rows = build_profiles(table, markers, profiles, np.ones((3, 60), bool), labels)
    assert len(built) == len(rows) == 2
    assert np.allclose(built.sum(1), 1, atol=1e-5)
    assert measured.all()
    before = profiles[:2, 6:12].sum(1) / profiles[:2, 20:].sum(1)
    after = built[:, 6:12].sum(1) / built[:, 20:].sum(1)
    assert (after < 0.3 * before.max()).all()


def test_a_type_that_is_no_choice_teaches_the_closest_one_above_it():
    terms = tiny_labels().terms
    assert nearest_choice(CD8, {T, B}, terms) == T
    assert nearest_choice(B, {T}, terms) is None


LIVER, KUPFFER, HEPATOCYTE = "UBERON:0002107", "CL:0000576", "CL:0000584"


def test_a_resident_is_read_as_its_general_kind_outside_its_organ():
    space = tiny_labels().slot("cell_type")
    residents = Residents({CD4: LIVER}, {LIVER: [HEPATOCYTE]})
    column = {choice: i for i, choice in enumerate(space.choices)}
    p = np.full((1, len(space.choices)), 0.1)
    p[0, column[CD4]] = 1 - 0.1 * (len(space.choices) - 1)
    away, home = residents.settle(p, space)[0], residents.settle(p, space, [LIVER])[0]
    assert away.sum() == pytest.approx(1)
    assert home.sum() == pytest.approx(1)
    assert away[column[CD4]] < 0.05 < 0.4 < away[column[T]]
    assert away[column[B]] == pytest.approx(0.1)
    assert home[column[CD4]] > p[0, column[CD4]]
    # Nor does it get what the general kind holds.
    assert space.pass_down(p, residents.strange(space.choices))[0] == pytest.approx(p[0])
    assert residents.strange(space.choices, [LIVER]).sum() == 0


def test_an_organ_is_recognised_by_enough_cells_of_its_parenchyma():
    residents = Residents({KUPFFER: LIVER}, {LIVER: [HEPATOCYTE]})
    space = tiny_labels().slot("cell_type")
    spoken = np.zeros((200, len(space.speakable)))
    spoken[:2, space.speakable.index(HEPATOCYTE)] = 0.9
    assert residents.recognise(spoken, space) == ()
    spoken[:3, space.speakable.index(HEPATOCYTE)] = 0.9
    assert residents.recognise(spoken, space) == (LIVER,)
    spoken[:, space.speakable.index(HEPATOCYTE)] = 0.5
    assert residents.recognise(spoken, space) == ()


def test_a_describer_says_residents_only_of_their_organ():
    describer = tiny_describer()
    describer.checkpoint.residents = Residents({KUPFFER: LIVER}, {LIVER: [HEPATOCYTE]})
    cells = np.random.default_rng(0).poisson(1.0, (6, 60)).astype(np.float32)
    names = tiny_genes().symbols
    away, terms = describer.cell_type_probabilities(cells, names)
    home, _ = describer.cell_type_probabilities(cells, names, around=Surroundings((LIVER,)))
    column = terms.index(KUPFFER)
    assert (away[:, column] < 0.5 * home[:, column]).all()
