"""Gains and losses of chromosome arms, by which tumour cells are told apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from model._checkpoint import load_checkpoint
from model._copy_number import (
    MALIGNANT,
    POSITIONS,
    ChromosomeArms,
    Clone,
    CopyNumber,
    move_to_malignant,
)
from model._description import Candidate, Description, Slot
from model._descriptions import DescriptionFormat
from model._labels import LabelTerm, SlotSpace
from model._malignancy import named_malignant

T, LEUKOCYTE, BLOOD, EPITHELIAL = "CL:0000084", "CL:0000738", "CL:0000988", "CL:0000066"
ARMS = [f"{number}{arm}" for number in range(1, 21) for arm in "pq"]
PER_ARM = 200
N_GENES = len(ARMS) * PER_ARM


@pytest.fixture
def arms() -> ChromosomeArms:
    rows = np.random.default_rng(0).permutation(N_GENES).reshape(len(ARMS), PER_ARM)
    return ChromosomeArms({arm: row.tolist() for arm, row in zip(ARMS, rows, strict=True)})


@pytest.fixture
def space() -> SlotSpace:
    terms = {
        BLOOD: LabelTerm(BLOOD, "hematopoietic cell", None, ()),
        LEUKOCYTE: LabelTerm(LEUKOCYTE, "leukocyte", None, (BLOOD,)),
        T: LabelTerm(T, "T cell", None, (LEUKOCYTE,)),
        EPITHELIAL: LabelTerm(EPITHELIAL, "epithelial cell", None, ()),
        MALIGNANT: LabelTerm(MALIGNANT, "malignant cell", None, ()),
    }
    return SlotSpace([T, EPITHELIAL, MALIGNANT], [*terms], terms)


def draw(arms, *, n=(40, 40, 40), loss=0.5, gain=1.5, depth=16_000, seed=1):
    """Return counts of T cells, epithelial cells and tumour cells, and what each was read as."""
    rng = np.random.default_rng(seed)
    one = rng.lognormal(0.0, 1.0, N_GENES)
    kinds = np.vstack([one, one * rng.lognormal(0.0, 0.5, N_GENES)])  # every gene differs
    tumour = kinds[1].copy()
    for name in ("3p", "9q"):
        tumour[arms.rows[name]] *= loss
    for name in ("7p", "8q"):
        tumour[arms.rows[name]] *= gain
    means = np.vstack([kinds[0], kinds[1], tumour])
    rates = np.repeat(means / means.sum(1, keepdims=True) * depth, n, axis=0)
    probabilities = np.repeat([[0.98, 0.01, 0.01], [0.01, 0.9, 0.09], [0.01, 0.9, 0.09]], n, axis=0)
    return sparse.csr_matrix(rng.poisson(rates).astype(np.float32)), probabilities


def test_a_clone_is_found_with_its_arms_and_its_cells(arms, space):
    counts, p = draw(arms)
    genes = np.arange(N_GENES)
    found = arms.find(counts, genes, p, space)
    assert found is not None
    clone = found.clones[0]
    assert set(clone.lost) == {"3p", "9q"}
    assert set(clone.gained) <= {"7p", "8q"}
    shares, which = arms.judge(counts, genes, found)
    assert (shares[80:] > 0.5).mean() > 0.95
    assert (shares[:80] < 0.5).mean() > 0.95
    assert set(which) <= set(range(len(found.clones)))


@pytest.mark.parametrize("seed", range(5))
def test_normal_cells_make_no_clone_however_their_types_differ(arms, space, seed):
    counts, p = draw(arms, n=(60, 60, 0), seed=seed)
    assert arms.find(counts, np.arange(N_GENES), p, space) is None


def test_without_normal_cells_or_with_few_genes_nothing_is_claimed(arms, space):
    genes = np.arange(N_GENES)
    counts, p = draw(arms, n=(4, 40, 40))
    assert arms.find(counts, genes, p, space) is None
    counts, p = draw(arms)
    panel = np.where(genes < 1_400, genes, -1)
    assert arms.find(counts, panel, p, space) is None


def test_many_cells_are_judged_as_few_are(arms, space):
    counts, p = draw(arms)
    genes = np.arange(N_GENES)
    found = arms.find(counts, genes, p, space)
    many = sparse.vstack([counts] * 6, format="csr")
    few, _ = arms.judge(counts, genes, found)
    assert np.allclose(arms.judge(many, genes, found)[0], np.tile(few, 6))


def test_only_lineages_that_turn_malignant_are_moved(space):
    p = np.array([[0.98, 0.01, 0.01], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    moved = move_to_malignant(p, np.array([1.0, 0.9, 0.3]), space)
    assert moved.sum(1) == pytest.approx([1, 1, 1])
    assert moved[0] == pytest.approx([0.98, 0.0, 0.02])
    assert moved[1, 2] == pytest.approx(0.1 + 0.8 * 0.9)
    assert moved[2].tolist() == p[2].tolist()


def test_positions_lay_genes_on_arms(tmp_path):
    checkpoint = load_checkpoint(device="cpu")
    ids = ["ENSG00000141510", "ENSG00000136997", "ENSG00000147889", "ENSG00000206503"]
    table = pd.DataFrame(
        {
            "gene_id": ids,  # TP53, MYC, CDKN2A and HLA-A, which is left out
            "chromosome": ["chr17", "chr8", "chr9", "chr6"],
            "start": [7_661_779, 127_735_434, 21_967_752, 29_942_532],
        }
    )
    table.to_csv(tmp_path / POSITIONS, index=False)
    arms = ChromosomeArms.from_positions(tmp_path / POSITIONS, checkpoint.genes)
    assert arms.names == ["8q", "9p", "17p"]
    arms.save(tmp_path / "arms.json")
    assert ChromosomeArms.load(tmp_path / "arms.json").rows == arms.rows
    assert ChromosomeArms.load(tmp_path / "none.json") is None
    shipped = checkpoint.arms
    assert shipped is not None
    row = checkpoint.genes.match(["TP53"]).token_ids
    assert shipped.names[shipped.arm_of(row)[0]] == "17p"


@pytest.fixture(scope="module")
def form():
    return DescriptionFormat(load_checkpoint(device="cpu").labels)


def described(form, term_id, label, *, confidence=0.8, flags=(), runners_up=()):
    slots = {
        "cell_type": Slot("cell_type", label, term_id, confidence, runners_up),
        "tissue": Slot("tissue", "not known", None, 0.0),
    }
    return Description(form.write({"cell_type": term_id}), slots, 900, flags)


CLONE = Clone({"1p": -0.2, "19q": -0.15, "7p": 0.1}, 30)


def name(form, description, share=0.99):
    space = form.space.slot("cell_type")
    return named_malignant(description, share, CLONE, space=space, form=form, least=0.5)


def test_a_cell_of_a_clone_is_named_malignant_and_says_by_which_arms(form):
    runner = Candidate("astrocyte", "CL:0000127", 0.1)
    glia = described(form, "CL:0002453", "oligodendrocyte precursor cell", runners_up=(runner,))
    named = name(form, glia)
    slot = named.slots["cell_type"]
    assert (slot.label, slot.ontology_term_id) == ("malignant cell", MALIGNANT)
    assert slot.confidence == pytest.approx(0.99)
    assert slot.runners_up[0].label == "oligodendrocyte precursor cell"
    assert sum(c.probability for c in slot.runners_up) <= 1 - slot.confidence
    assert "arms look 1p and 19q lost and 7p gained" in named.text
    assert named.copy_number == ("1p lost", "19q lost", "7p gained")
    assert form.parse(named.text) == {"cell_type": MALIGNANT}


def test_immune_vascular_doubtful_and_withheld_cells_keep_what_was_said(form):
    for term_id, label in (("CL:0000084", "T cell"), ("CL:0000115", "endothelial cell")):
        cell = described(form, term_id, label)
        assert name(form, cell) is cell
    glia = described(form, "CL:0002453", "oligodendrocyte precursor cell")
    assert name(form, glia, share=0.4) is glia
    doublet = replace(glia, flags=("doublet",))
    assert name(form, doublet) is doublet
    likely_immune = described(
        form, "CL:0002453", "x", confidence=0.3, runners_up=(Candidate("T cell", T, 0.6),)
    )
    assert name(form, likely_immune) is likely_immune


def test_a_found_clone_keeps_the_larger_confidence(form):
    cell = described(form, MALIGNANT, "malignant cell", confidence=0.97)
    assert name(form, cell, share=0.8).slots["cell_type"].confidence == 0.97


def test_arms_are_listed_by_chromosome():
    clone = Clone({"19q": -0.1, "1p": -0.2, "10q": -0.3, "7q": 0.2, "7p": 0.1}, 5)
    assert clone.lost == ("1p", "10q", "19q")
    assert clone.gained == ("7p", "7q")
    assert clone.as_text.startswith("1p lost, 10q lost, 19q lost, 7p gained, 7q gained (5 of")
    assert CopyNumber((1,), (0.5,), (clone,)).clones[0] is clone
