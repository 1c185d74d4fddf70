"""Whether a droplet holds one living cell of a known kind: what is planted, found and said."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scanpy
from scipy import sparse

from model import CheckpointError, load_describer
from model import _cell_checks_fitting as fitting
from model import _presence_fitting as presence_fitting
from model._cell_checks import (
    CONTRADICTED,
    DOUBLET,
    DYING,
    EMPTY,
    FILE,
    STRANGE,
    UNNAMED,
    CellChecks,
    CellFacts,
    Check,
    usual_second,
)
from model._cell_checks_fitting import fit_cell_checks
from model._check_scores import score_checks
from model._evidence_deletion import score_deletion
from model._flagging import flagged, kind_of, remarks
from model._lineage_presence import SCALE, LineagePresence, gene_strengths
from model._mitochondria import is_dying, mitochondrial_genes, mitochondrial_share
from model._planting import plant_doublets, plant_dying, plant_empty, plant_strange, thin
from model._presence_fitting import switch_on, variable_genes, variable_panel, without
from model._profiles import NoiseConfig
from model._surroundings import NOWHERE
from model._tokens import linear_scale, rank_value_tokens
from model._training_data import DataConfig, TrainingData
from model.testing import (
    N_GENES,
    tiny_checkpoint,
    tiny_describer,
    tiny_labels,
    write_training_folder,
)

B_CELL, T_CELL, CD4, LYMPHOCYTE = "CL:0000236", "CL:0000084", "CL:0000624", "CL:0000542"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def counts(rng):
    return sparse.csr_matrix(rng.poisson(rng.lognormal(0, 1.5, (40, 90))).astype(np.float32))


@pytest.fixture
def checks():
    """Genes 0 to 9 are those of T cells, 10 to 19 those of B cells."""
    weights = np.full((N_GENES + 1, 2), -0.05, np.float32)
    weights[0] = 0
    weights[1:11, 0], weights[11:21, 1] = 2.0, 2.0
    presence = LineagePresence(
        ("T cell", "B cell"), ((T_CELL,), (B_CELL,)), weights, np.full(2, -2.0), np.zeros(2)
    )
    kinds = {DOUBLET: Check((1.0,), 0.0, 2.0), STRANGE: Check((-1.0, 0.0, 0.0, 0.0), 0.0, 1.5)}
    return CellChecks(presence, kinds)


def tokens_of(*genes):
    """A cell of 30 genes, or more, that begins with these."""
    rest = [g for g in range(21, N_GENES + 1) if g not in genes]
    return np.array([[*genes, *rest]])


T_GENES, B_GENES = tuple(range(1, 11)), tuple(range(11, 21))


def facts_of(checks, tokens, n_genes=400):
    zeros = np.zeros(len(tokens))
    return CellFacts(checks.presence.logits(tokens), np.full(len(tokens), n_genes), zeros, zeros)


def test_a_doublet_is_no_deeper_than_the_shallower_of_its_cells(counts, rng):
    groups = np.repeat([0, 1, -1, 2], 10)
    depth = np.asarray(counts.sum(1)).ravel()
    made, pairs = plant_doublets(counts, groups, rng, n=60)
    assert made.shape == (60, 90)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert -1 not in pairs
    assert (made.sum(1) <= depth.max()).all()
    assert np.all(made.data == np.round(made.data))
    none, _ = plant_doublets(counts, np.zeros(40, int), rng, n=5)
    assert none.shape[0] == 0


def test_a_doublet_of_what_is_not_counted_shows_no_more_genes(counts, rng):
    scaled = sparse.csr_matrix(counts.multiply(0.37))
    made, _ = plant_doublets(scaled, np.repeat([0, 1], 20), rng, n=30)
    assert np.diff(made.indptr).max() <= np.diff(scaled.indptr).max()


def test_thinning_keeps_so_many_counts(counts, rng):
    kept = np.asarray(thin(counts, np.full(40, 50.0), rng).sum(1)).ravel()
    assert abs(np.median(kept) - 50) < 12
    whole = thin(counts, np.full(40, 1e9), rng)
    assert (whole != counts).nnz == 0


def test_a_strange_cell_has_the_depth_of_a_cell_and_other_genes(counts, rng):
    made = plant_strange(counts, rng)
    assert np.array_equal(made.sum(1), counts.sum(1))
    assert np.array_equal(np.diff(made.indptr), np.diff(counts.indptr))
    assert (made != counts).nnz > counts.nnz / 2


def test_an_empty_droplet_is_shallow(counts, rng):
    made = plant_empty(counts, rng, n=20, depth=(10, 40))
    depth = np.asarray(made.sum(1)).ravel()
    assert ((depth >= 10) & (depth <= 40)).all()


def names_with_mitochondria(n=8_100):
    """Names of many genes: those of the tiny model, of mitochondria, and others."""
    own = ["MT-ND1", "MT-ND2", "MT-ND4", "MT-CO1", "MT-CO2", "MT-CO3", "MT-ATP6", "MT-CYB"]
    known = [f"GENE{i}" for i in range(N_GENES)]
    return [*known, *own, *(f"OTHER{i}" for i in range(n - len(known) - len(own)))]


def test_a_dying_cell_is_known_by_its_mitochondria(rng):
    names = names_with_mitochondria()
    matrix = sparse.csr_matrix(rng.poisson(0.3, (6, len(names))).astype(np.float32))
    own = mitochondrial_genes(names)
    assert own.sum() == 8
    assert mitochondrial_share(matrix, names).max() < 0.05
    dying = plant_dying(matrix, own, rng)
    shares = mitochondrial_share(dying, names)
    assert ((shares > 0.2) & (shares < 0.85)).all()
    assert mitochondrial_genes(["ENSG00000198888.3", "MT-ND1P1", "ND1"]).tolist() == [
        True,
        False,
        False,
    ]


def test_the_share_means_nothing_among_a_few_genes_and_muscle_may_have_more(rng):
    names = names_with_mitochondria()[:500]
    matrix = sparse.csr_matrix(rng.poisson(1.0, (3, 500)).astype(np.float32))
    assert np.isnan(mitochondrial_share(matrix, names)).all()
    assert not is_dying(float("nan"))
    assert is_dying(0.4, {"CL:0000236"})
    assert not is_dying(0.4, {"CL:0000746", "CL:0000737"})
    assert is_dying(0.7, {"CL:0000746", "CL:0000737"})


def test_describing_a_dying_cell_withholds_its_name(rng):
    describer = tiny_describer()
    names = names_with_mitochondria()
    matrix = sparse.csr_matrix(rng.poisson(0.5, (5, len(names))).astype(np.float32))
    dying = plant_dying(matrix, mitochondrial_genes(names), rng)
    well, ill = describer.describe(matrix, names), describer.describe(dying, names)
    assert not any(DYING in one.flags for one in well)
    found = [one for one in ill if DYING in one.flags]
    assert found
    for one in found:
        assert not any(slot.is_known for slot in one.slots.values())
        assert one.text == f"The type of this cell is not known. {UNNAMED[DYING]}"
        assert describer.text.parse(one.text) == {}


def test_the_vector_of_a_cell_has_one_length():
    for n in (1, 7, 40):
        tokens = np.pad(np.arange(1, n + 1), (0, 3))[None]
        strength, number = gene_strengths(tokens)
        assert number[0] == n
        assert np.linalg.norm(strength) == pytest.approx(SCALE)
        assert (np.diff(strength[0]) <= 0).all()


def test_a_cells_score_does_not_depend_on_its_batch(checks, rng):
    cells = np.stack([rng.permutation(N_GENES)[:25] + 1 for _ in range(9)])
    wide = np.pad(cells, ((0, 0), (0, 50)))
    whole = checks.presence.logits(cells)
    assert np.array_equal(whole, checks.presence.logits(wide))
    assert np.array_equal(whole[3:4], checks.presence.logits(cells[3:4]))


def test_two_lineages_in_one_droplet_are_a_doublet(checks):
    cells = [tokens_of(*T_GENES), tokens_of(*B_GENES), tokens_of(*T_GENES, *B_GENES)]
    found = [checks.flags(facts_of(checks, cell), n_measured=20_000)[0] for cell in cells]
    assert found[:2] == [(), ()]
    assert found[2] == ("doublet: T cell + B cell",)
    assert remarks(found[2]) == ["This may be two cells in one droplet: T cell and B cell."]
    few = checks.flags(facts_of(checks, cells[2], n_genes=60), n_measured=20_000)[0]
    assert few == ()  # too few genes to say


def test_a_second_lineage_that_stands_out_of_the_dataset_is_a_doublet(checks):
    """Few genes are measured, so that the threshold is out of reach."""
    strict = dataclasses.replace(checks, checks={DOUBLET: Check((1.0,), 0.0, 9.0)})
    presence = np.array([[4.0, 1.0], [4.0, -0.5]])
    facts = CellFacts(presence, np.full(2, 200), np.zeros(2), np.zeros(2))
    others = np.column_stack([np.full(60, 4.0), np.random.default_rng(0).normal(-4.0, 0.5, 60)])
    usual = usual_second(others)
    assert usual == pytest.approx((-4.0, 0.5), abs=0.3)
    assert [len(found) for found in strict.flags(facts, n_measured=900)] == [0, 0]
    flags = strict.flags(facts, n_measured=900, usual=usual)
    assert [kind_of(flag) for flag in flags[0]] == [DOUBLET]
    assert flags[1] == ()  # unlikely all the same
    varied = strict.flags(facts, n_measured=900, usual=(-4.0, 3.0))
    assert varied[0] == ()  # other cells come as far


def test_a_few_cells_do_not_tell_what_is_usual(checks):
    assert usual_second(np.zeros((5, 2))) is None
    assert usual_second(None) is None


def test_no_lineage_at_all_is_strange(checks):
    found = checks.flags(facts_of(checks, tokens_of()), n_measured=20_000)[0]
    assert found == (STRANGE,)


def test_an_empty_droplet_is_told_only_where_all_genes_are_measured(checks):
    checks = dataclasses.replace(checks, checks={EMPTY: Check((-1.0, 0, 0, 0), 0.0, 1.0)})
    shallow = facts_of(checks, tokens_of(*T_GENES), n_genes=30)
    assert checks.flags(shallow, n_measured=20_000) == [(EMPTY,)]
    assert checks.flags(shallow, n_measured=900) == [()]


def test_a_name_that_its_markers_contradict_is_found(checks):
    terms = tiny_labels().terms
    b_cell = checks.presence.logits(tokens_of(*B_GENES))[0]
    assert checks.contradicted(b_cell, T_CELL, terms)
    assert checks.contradicted(b_cell, CD4, terms)
    assert not checks.contradicted(b_cell, B_CELL, terms)
    assert not checks.contradicted(b_cell, LYMPHOCYTE, terms)  # says neither
    unclear = checks.presence.logits(tokens_of())[0]
    assert not checks.contradicted(unclear, B_CELL, terms)  # no other lineage instead


def test_a_describer_with_checks_flags_and_withholds(checks):
    describer = tiny_describer()
    describer.checkpoint.checks = checks
    names = [f"GENE{i}" for i in range(N_GENES)]
    values = np.zeros((3, N_GENES), np.float32)
    for row, genes in enumerate((T_GENES, B_GENES, (*T_GENES, *B_GENES))):
        cell = tokens_of(*genes)[0]
        values[row, cell - 1] = np.linspace(9, 1, len(cell)) * describer.genes.medians[cell - 1]
    plain = describer.describe(sparse.csr_matrix(values), names)
    assert not any(kind_of(flag) in UNNAMED for one in plain for flag in one.flags)  # few genes
    named = [one.slots["cell_type"].ontology_term_id for one in plain]
    logits = checks.presence.logits(describer.tokens(values, names)[0])
    wrong = [
        checks.contradicted(row, said or "", describer.space.terms)
        for row, said in zip(logits, named, strict=True)
    ]
    assert [CONTRADICTED in one.flags for one in plain] == wrong
    assert any(wrong)
    held = flagged(plain[0], STRANGE, describer.text)
    assert held.flags[0] == STRANGE
    assert held.slots["cell_type"].ontology_term_id is None
    assert held.slots["cell_type"].runners_up[0].ontology_term_id == named[0]


def test_the_checks_are_learnt_from_training_cells(tmp_path, monkeypatch):
    data, curation = write_training_folder(tmp_path)
    table = tmp_path / "lineages.csv"
    rows = [("T cell", T_CELL), ("B cell", B_CELL), ("monocyte", "CL:0000576"), ("none", "CL:9")]
    pd.DataFrame(rows, columns=["lineage", "cell_type_id"]).to_csv(table, index=False)
    checkpoint = tiny_checkpoint()
    training = TrainingData(
        data,
        curation,
        checkpoint.genes,
        checkpoint.pathways,
        DataConfig(marker_list_rate=0.0),
        NoiseConfig(),
        labels=checkpoint.labels,
        max_tokens=40,
    )
    for name, value in {"N_CELLS": 400, "N_CHECKED": 60, "FEWEST_GENES": 5}.items():
        monkeypatch.setattr(fitting, name, value)
    for name, value in {"N_DOUBLETS": 300, "_EPOCHS": 12, "_KEPT": (20, 60)}.items():
        monkeypatch.setattr(presence_fitting, name, value)
    assert fit_cell_checks(checkpoint, training, tmp_path / "no.csv", seed=1) is None
    made = fit_cell_checks(checkpoint, training, table, seed=1)
    assert made.presence.names == ("T cell", "B cell", "monocyte")  # one has no cells
    assert set(made.checks) == {DOUBLET, EMPTY, STRANGE}
    again = fit_cell_checks(checkpoint, training, table, seed=1)
    assert np.array_equal(again.presence.weights, made.presence.weights)
    assert again.checks == made.checks
    assert again.margin == made.margin >= 0
    real = training.real[0]
    truth = made.presence.lineages_of(
        [row["cell_type"] for row in real.labels], tiny_labels().terms
    )
    tokens, _ = rank_value_tokens(
        real.matrix, np.arange(N_GENES), checkpoint.genes.medians, max_tokens=40
    )
    assert (made.presence.logits(tokens).argmax(1) == truth).mean() > 0.9
    both, _ = plant_doublets(real.matrix, truth, np.random.default_rng(0), n=30)
    mixed, _ = rank_value_tokens(both, np.arange(N_GENES), checkpoint.genes.medians, max_tokens=40)
    second = [np.sort(made.presence.logits(cells), axis=1)[:, -2] for cells in (tokens, mixed)]
    assert np.median(second[1]) > np.median(second[0])


def test_what_the_table_says_of_the_checks_is_counted(checks):
    describer = tiny_describer()
    describer.checkpoint.checks = checks
    names = [f"GENE{i}" for i in range(N_GENES)]
    kinds = [T_GENES, B_GENES] * 10
    values = np.zeros((20, N_GENES), np.float32)
    for row, genes in enumerate(kinds):
        cell = tokens_of(*genes)[0]
        values[row, cell - 1] = np.linspace(9, 1, len(cell)) * describer.genes.medians[cell - 1]
    matrix = sparse.csr_matrix(np.round(values * 10))
    described = describer.describe(matrix, names)
    # What the random weights say is put right, so that there are descriptions to exchange.
    truth = [T_CELL, B_CELL] * 10
    right = []
    for one, term in zip(described, truth, strict=True):
        slot = dataclasses.replace(
            one.slots["cell_type"], label=describer.space.label(term), ontology_term_id=term
        )
        right.append(dataclasses.replace(one, slots={**one.slots, "cell_type": slot}))
    row = score_checks(describer, (matrix, names), truth, right, describer.space.terms)
    assert row["contradiction_caught"] == 1.0
    assert row["contradiction_false"] == 0.0
    assert row["invented"] == 0.0
    assert 0 <= row["evidence_deletion"] <= 1
    assert row["evidence_claims"] > 0
    assert 0 <= row["doublet_auroc"] <= 1
    made_up = dataclasses.replace(
        right[0],
        slots={"cell_type": dataclasses.replace(right[0].slots["cell_type"], label="T-ish cell")},
    )
    worse = score_checks(
        describer, (matrix, names), truth, [made_up, *right[1:]], describer.space.terms
    )
    assert worse["invented"] == pytest.approx(1 / 20)


def test_genes_that_speak_for_a_claim_weigh_more_than_others_in_the_real_model():
    """The ten genes named as evidence lower a claim by more than ten others, nearly always."""
    describer = load_describer(device="cpu")
    adata = scanpy.datasets.pbmc68k_reduced().raw.to_adata()
    rows = np.linspace(0, adata.n_obs - 1, 40).astype(int)
    names = adata.var_names.tolist()
    matrix = linear_scale(adata.X[rows])
    row = score_deletion(describer, matrix, names, NOWHERE, np.random.default_rng(0))
    assert row["evidence_claims"] >= 30
    assert row["evidence_deletion"] >= 0.9


def test_b_and_t_cells_that_are_exchanged_are_noticed_in_the_real_model():
    describer = load_describer(device="cpu")
    checks = describer.checkpoint.checks
    if checks is None:
        pytest.skip("the checkpoint has no checks; python -m model.references adds them")
    adata = scanpy.datasets.pbmc68k_reduced().raw.to_adata()
    labels = adata.obs["bulk_labels"].astype(str)
    logits = checks.presence.logits(describer.tokens(adata.X, adata.var_names.tolist())[0])
    terms = describer.space.terms
    swaps = {"CD19+ B": T_CELL, "CD4+/CD45RO+ Memory": B_CELL, "CD4+/CD25 T Reg": B_CELL}
    caught = [
        checks.contradicted(r, swaps[x], terms)
        for r, x in zip(logits, labels, strict=True)
        if x in swaps
    ]
    own = {"CD19+ B": B_CELL, "CD4+/CD45RO+ Memory": T_CELL, "CD4+/CD25 T Reg": T_CELL}
    false = [
        checks.contradicted(r, own[x], terms)
        for r, x in zip(logits, labels, strict=True)
        if x in own
    ]
    assert len(caught) > 150
    assert np.mean(caught) >= 0.9
    assert np.mean(false) < 0.05


def test_a_programme_is_switched_on_in_cells_of_every_kind(counts, rng):
    own, other = np.arange(5), np.arange(40, 45)
    deep = counts * 50
    more = (switch_on(deep, [own, other], rng) - deep).toarray()
    assert more.min() == 0
    assert {*own, *other} == set(np.flatnonzero(more.sum(0)).tolist())
    assert 5 < (more.sum(1) > 0).sum() < 40
    assert (switch_on(deep, [], rng) != deep).nnz == 0


def test_a_panel_holds_the_most_variable_genes_and_the_rest_moves_up(rng):
    counts = rng.poisson(5.0, (200, 3_000)).astype(np.float32)
    counts[:100, :300] *= 10
    variable = variable_genes(sparse.csr_matrix(counts))
    assert set(variable[:300]) == set(range(300))
    panel = variable_panel(variable, rng)
    assert not panel[0]
    assert panel[1 + variable[:400]].mean() > 0.8
    cells = without(np.array([[4, 2, 9, 1], [3, 2, 0, 0]]), np.isin(np.arange(10), [2, 9]))
    assert cells.tolist() == [[4, 1, 0, 0], [3, 0, 0, 0]]


def test_checks_are_kept_in_the_checkpoint(checks, tmp_path):
    assert CellChecks.load(tmp_path / FILE) is None
    checks = dataclasses.replace(checks, margin=0.25)
    checks.save(tmp_path / FILE)
    again = CellChecks.load(tmp_path / FILE)
    assert again.checks == checks.checks
    assert again.presence.names == checks.presence.names
    assert again.presence.members == checks.presence.members
    assert again.margin == 0.25
    cell = tokens_of(*T_GENES)
    expected = checks.rounded().presence.logits(cell)
    assert np.array_equal(again.presence.logits(cell), expected)
    (tmp_path / FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="is damaged"):
        CellChecks.load(tmp_path / FILE)
