"""The encoder that reads marker lists, and the textbook markers that training makes up."""

import numpy as np
import pytest
import torch

from model._config import EncoderConfig
from model._errors import ConfigError
from model._marker_encoder import N_CURVES, MarkerEncoder
from model._marker_knowledge import MarkerSet, join_markers
from model._members import EncoderMembers
from model._profiles import NoiseConfig, ProfileSampler

N_GENES, N_LISTS = 100, 5


def sizes(**changes):
    values = {
        "vocab_size": N_GENES + 1,
        "hidden_size": 16,
        "n_heads": 2,
        "n_layers": 1,
        "n_marker_lists": N_LISTS,
        "n_marker_entries": 4 * N_LISTS,
        "cell_token_size": 8,
        "n_cell_tokens": 2,
    }
    return EncoderConfig(**(values | changes))


def lists():
    return [(np.arange(4 * k, 4 * k + 4), np.array([2.0, 1.0, 1.0, 1.0])) for k in range(N_LISTS)]


def cells(n=70, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(np.stack([rng.permutation(N_GENES) + 1 for _ in range(n)]))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    encoder = MarkerEncoder(sizes())
    encoder.set_lists(lists())
    encoder.fit_scale(cells())
    return encoder.eval()


def test_the_list_whose_genes_lead_a_cell_scores_highest(encoder):
    rest = [g for g in range(1, N_GENES + 1) if not 9 <= g <= 12]
    first, last = torch.tensor([[9, 10, 11, 12, *rest]]), torch.tensor([[*rest, 9, 10, 11, 12]])
    scores = encoder.scores(torch.cat([first, last]), None).unflatten(1, (N_CURVES, N_LISTS))
    assert scores[0, 1:].argmax(-1).tolist() == [2, 2]
    assert (scores[0, 1:, 2] > scores[1, 1:, 2]).all()
    # The flat curve asks only whether a gene is there.
    assert scores[0, 0, 2] == pytest.approx(scores[1, 0, 2].item())


def test_genes_on_no_list_do_not_matter_but_for_the_ranks(encoder):
    cell = torch.tensor([[9, 50, 10, 60]])
    other = torch.tensor([[9, 70, 10, 80]])
    assert torch.equal(encoder(cell), encoder(other))


def test_a_cell_is_read_alike_in_any_batch(encoder):
    tokens = cells()
    parts = torch.cat([encoder(tokens[:7]), encoder(tokens[7:55]), encoder(tokens[55:])])
    assert torch.equal(encoder(tokens), parts)


def test_gates_tell_which_genes_counted(encoder):
    tokens = torch.tensor([[9, 50, 10, 60]])
    gates = torch.ones(1, 4, requires_grad=True)
    encoder(tokens, gates).sum().backward()
    assert torch.isfinite(gates.grad).all()
    silent = encoder(tokens, torch.tensor([[1.0, 0.0, 1.0, 1.0]]))
    assert not torch.equal(silent, encoder(tokens, torch.tensor([[0.0, 1.0, 1.0, 1.0]])))


def test_the_lists_travel_with_the_weights(encoder):
    other = MarkerEncoder(sizes()).eval()
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(other(cells()), encoder(cells()))


def test_the_last_members_read_marker_lists():
    members = EncoderMembers(sizes(n_members=3, n_marker_members=2)).members
    assert [isinstance(member, MarkerEncoder) for member in members] == [False, True, True]
    with pytest.raises(ConfigError, match="at most"):
        sizes(n_members=1, n_marker_members=2)


def test_textbook_markers_come_first_and_none_is_lost():
    published = {"A": MarkerSet(np.array([1, 2]), np.array([9.0, 1.0]))}
    textbook = {
        "A": MarkerSet(np.array([3, 2]), np.array([5.0, 4.0])),
        "B": MarkerSet(np.array([4]), np.array([5.0])),
    }
    joined = join_markers(published, textbook)
    assert joined["A"].genes.tolist() == [1, 3, 2]
    assert joined["A"].weights.tolist() == [9.0, 5.0, 4.0]
    assert joined["B"].genes.tolist() == [4]


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_textbook_markers_are_expressed_where_a_study_has_not_measured_them(rate):
    profiles = np.full((2, 40), 1 / 40, dtype=np.float32)
    measured = np.ones((2, 40), dtype=bool)
    profiles[:, 7], measured[:, 7] = 0.0, False
    known = {"A": MarkerSet(np.array([7, 8]), np.array([5.0, 4.0]))}
    sampler = ProfileSampler(
        profiles,
        measured,
        labels=np.array(["A", "B"]),
        sources=np.array(["one", "one"]),
        symbols=[f"GENE{i}" for i in range(40)],
        programmes=[],
        markers={},
        textbook=known,
        noise=NoiseConfig(fill_rate=rate, panel_rate=0.0, gene_loss_rate=0.0, other_panel_rate=0.0),
    )
    rng = np.random.default_rng(0)
    a, b = sampler.draw(np.zeros(50, int), rng), sampler.draw(np.ones(50, int), rng)
    assert ((a[:, 7].toarray() > 0).mean() > 0.5) == bool(rate)
    assert b[:, 7].sum() == 0
