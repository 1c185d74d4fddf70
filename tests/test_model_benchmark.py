"""The usual ways give what the model's ways give, and the bound of memory is worked out right."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from transformers import LlamaConfig, LlamaForCausalLM

from model import ModelContest
from model._benchmark import bandwidth_bound, memory_bandwidth, writing_speed
from model.testing import tiny_describer


@pytest.fixture(scope="module")
def contest() -> ModelContest:
    return ModelContest(tiny_describer())


@pytest.fixture
def cells(contest: ModelContest) -> tuple[sparse.csr_matrix, list[str]]:
    symbols = contest.describer.genes.symbols
    counts = np.random.default_rng(0).poisson(1.0, (300, len(symbols))).astype(np.float32)
    counts[7] = 0
    counts[7, 3] = 1
    return sparse.csr_matrix(counts), list(symbols)


@pytest.mark.parametrize("zeros_first", [True, False])
def test_the_loop_gives_the_same_tokens(
    contest: ModelContest, cells: tuple[sparse.csr_matrix, list[str]], zeros_first: bool
) -> None:
    matrix, token_ids = cells[0], contest.token_ids(cells[1])
    looped = contest.tokenise_by_loop(matrix, token_ids, zeros_first=zeros_first)
    n_rounding, n_wrong = contest.count_differences(matrix, token_ids, looped)
    assert n_wrong == 0
    assert n_rounding < 0.1 * len(looped)
    assert looped[7].tolist() == [4]


def test_a_wrong_order_is_noticed(
    contest: ModelContest, cells: tuple[sparse.csr_matrix, list[str]]
) -> None:
    matrix, token_ids = cells[0], contest.token_ids(cells[1])
    looped = contest.tokenise_by_loop(matrix, token_ids)
    looped[0] = looped[0][::-1]
    looped[1] = looped[1][:-1]
    assert contest.count_differences(matrix, token_ids, looped)[1] == 2


def test_generate_writes_the_asked_length(
    contest: ModelContest, cells: tuple[sparse.csr_matrix, list[str]]
) -> None:
    matrix, names = cells
    written: list[int] = []
    hook = contest._plain.register_forward_hook(lambda *_: written.append(1))
    texts = contest.generate(contest.states(matrix[:5], names, batch_size=3), n_pieces=6)
    hook.remove()
    assert len(texts) == 5
    assert len(written) == 2 * 6  # two batches, one pass a word piece


def test_plain_layers_hold_the_same_weights(contest: ModelContest) -> None:
    ours, plain = contest._model.language_model, contest._plain
    ids = torch.tensor([[1, 5, 6, 7]])
    with torch.no_grad():
        assert torch.allclose(ours(ids).logits, plain(ids).logits, atol=1e-5)
    kinds = {type(module).__module__ for module in plain.modules()}
    assert not any(kind.startswith("model.") for kind in kinds)


def test_decoding_from_states_reads_every_cell(
    contest: ModelContest, cells: tuple[sparse.csr_matrix, list[str]]
) -> None:
    matrix, names = cells
    states = contest.states(matrix[:5], names, batch_size=3)
    assert [len(batch) for batch in states] == [3, 2]
    seen: list[int] = []
    walk = contest.describer.walker.decoder.walk

    def spy(batch: torch.Tensor, choose: Any) -> Any:
        seen.append(len(batch))
        return walk(batch, choose)

    contest.describer.walker.decoder.walk = spy
    try:
        contest.decode(states)
    finally:
        del contest.describer.walker.decoder.walk
    assert seen == [3, 2]


def test_bound_of_memory_counts_weights_once_a_step_and_the_cache_of_each_text() -> None:
    given = {"n_pieces": 4, "weight_bytes": 1000, "bandwidth": 1e6}
    assert bandwidth_bound(batch_size=1, cache_bytes=0, **given) == pytest.approx(250)
    assert bandwidth_bound(batch_size=8, cache_bytes=0, **given) == pytest.approx(2000)
    # Four steps read the cache of 0, 1, 2 and 3 positions: six in all, for each text.
    bound = bandwidth_bound(batch_size=8, cache_bytes=10, **given)
    assert bound == pytest.approx(8 * 1e6 / (4 * 1000 + 8 * 6 * 10))


def test_speed_stands_beside_its_bound() -> None:
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config).eval()
    bandwidth = memory_bandwidth(torch.device("cpu"), n_bytes=1 << 20)
    speed = writing_speed(model, name="tiny", batch_size=3, n_pieces=4, bandwidth=bandwidth)
    assert speed.weight_bytes == 4 * sum(p.numel() for p in model.parameters())
    assert speed.cache_bytes == 2 * 2 * 2 * 4 * 4  # keys and values, layers, heads, size, bytes
    assert speed.share == pytest.approx(speed.cells_per_second / speed.bound)
    assert 0 < speed.share < 1


def test_nothing_is_measured_on_a_gpu_that_is_not_there(
    contest: ModelContest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert contest.against_bandwidth(batch_size=2, n_pieces=2) == []
