"""What a short list shares with the lists that the marker encoders read."""

import numpy as np
import pytest
from scipy import sparse

from model._list_overlap import ListOverlap, load_types, overlap_of, save_types
from model._marker_lists import read_marker_lists
from model.testing import N_GENES, tiny_checkpoint, tiny_describer

T, CD8, B = "CL:0000084", "CL:0000625", "CL:0000236"


@pytest.fixture
def overlap():
    entries = np.zeros((3, 12))
    entries[0, [1, 2, 3]] = entries[1, [4, 5, 6]] = entries[2, [4, 7, 8]] = 1.0
    return ListOverlap(sparse.csr_matrix(entries), [0, 1, 1], n_choices=3)


def test_the_best_list_of_a_type_counts(overlap):
    scores = overlap.score(np.array([[1, 2, 3], [7, 8, 4], [9, 10, 0]]))
    assert scores.shape == (3, 3)
    assert scores.argmax(1)[:2].tolist() == [0, 1]
    assert scores[0, 0] > 0.9
    assert scores[1, 1] > 0.9
    assert scores[2].tolist() == [0, 0, 0]
    assert (scores[:, 2] == 0).all()


def test_rare_markers_and_first_places_count_for_more(overlap):
    shared, own = overlap.score(np.array([[4, 9, 10], [5, 9, 10]]))[:, 1]
    assert own > shared > 0
    first, last = overlap.score(np.array([[5, 1, 2], [1, 2, 5]]))[:, 1]
    assert first > last


def test_types_are_kept_with_the_checkpoint(tmp_path):
    assert load_types(tmp_path / "none.json") == ()
    save_types([T, B], tmp_path / "types.json")
    assert load_types(tmp_path / "types.json") == (T, B)


def test_a_model_without_marker_encoders_has_no_lists():
    checkpoint = tiny_checkpoint()
    space = checkpoint.labels.slot("cell_type")
    assert overlap_of(checkpoint.model, (T,), space, checkpoint.labels.terms) is None


def test_a_list_like_a_known_one_is_read_as_its_type(monkeypatch):
    describer = tiny_describer()
    names = [f"GENE{i}" for i in range(6)]
    space = describer.space.slot("cell_type")
    entries = np.zeros((3, N_GENES + 1))
    entries[0, 1:7] = entries[1, 20:26] = entries[2, 40:46] = 1.0
    before = read_marker_lists(describer, [names])
    columns = [space.choices.index(t) for t in (CD8, B, T)]
    known = ListOverlap(sparse.csr_matrix(entries), columns, n_choices=len(space.choices))
    monkeypatch.setattr(describer, "overlap", known)
    after = read_marker_lists(describer, [names])
    column = after.term_ids.index(CD8)
    assert after.probabilities[0, column] > max(0.5, before.probabilities[0, column])
    assert after.descriptions[0].slots["cell_type"].ontology_term_id == CD8
