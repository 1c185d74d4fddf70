"""The engine: same words whatever the batch, alike cells once, less memory, stop, remember."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import sparse

from model import Description, ModelError, Slot, load_describer
from model._acceleration import accelerate
from model._collate import Collator
from model._decoding import ConstrainedDecoder
from model._description_cache import DescriptionCache
from model._engine import Engine, context_of
from model._errors import DescribingCancelledError, OutOfMemoryError
from model._packed_llama import PackedLlama, PackedState, can_be_packed
from model._passes import LlamaState, PromptPrefix
from model.testing import N_GENES, tiny_checkpoint, tiny_describer


@pytest.fixture(scope="module")
def describer():
    return tiny_describer()


@pytest.fixture(scope="module")
def compact():
    return load_describer(device="cpu")


def cells_like(describer, n, seed=0):
    """Counts of cells of very different depth, and the names of their genes."""
    rng = np.random.default_rng(seed)
    names = describer.genes.symbols[:: max(1, len(describer.genes) // 600)]
    depth = rng.lognormal(0, 1.5, (n, 1))
    rates = depth * rng.lognormal(-1, 1.5, (n, len(names)))
    return sparse.csr_matrix(rng.poisson(rates).astype(np.float32)), names


@pytest.mark.parametrize("which", ["describer", "compact"])
def test_the_batch_changes_nothing(which, request):
    """Every word and every digit is the same for every batch size and number of threads."""
    describer = request.getfixturevalue(which)
    matrix, names = cells_like(describer, 20)
    whole = describer.describe(matrix, names)
    assert len({d.text for d in whole}) > 1
    for size in (1, 2, 3, 7, 8, 13, 20):
        assert describer.describe(matrix, names, batch_size=size) == whole, size
    order = np.random.default_rng(1).permutation(20)
    assert describer.describe(matrix[order], names) == [whole[i] for i in order]
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(n_threads + 1)
        assert describer.describe(matrix, names) == whole
    finally:
        torch.set_num_threads(n_threads)


def echo(tokens, n_tokens, beside=None):
    """Describe each cell by its genes, so that a mix-up of cells shows."""
    assert ((tokens > 0).sum(1) == n_tokens).all()
    return [
        Description(
            " ".join(map(str, row[row > 0])), {"cell_type": Slot("cell_type", "x", None, 1)}, n
        )
        for row, n in zip(tokens, n_tokens.tolist(), strict=True)
    ]


def random_tokens(n, most=300, seed=0):
    rng = np.random.default_rng(seed)
    n_tokens = rng.integers(0, most, n)
    tokens = np.zeros((n, most), np.int64)
    for row, k in enumerate(n_tokens):
        tokens[row, :k] = rng.permutation(most * 2)[:k] + 1
    return tokens, n_tokens


def texts(tokens):
    return [" ".join(map(str, row[row > 0])) for row in tokens]


def test_cells_of_one_batch_have_about_the_same_length():
    tokens, n_tokens = random_tokens(200)
    widths = []

    def run(batch, n, beside):
        widths.append(batch.shape[1])
        assert batch.shape[1] - n.min() <= 128
        return echo(batch, n)

    made = Engine(batch_size=16).describe(tokens, n_tokens, run)
    assert [d.text for d in made] == texts(tokens)
    assert widths == sorted(widths, reverse=True)


def test_what_else_is_known_of_a_cell_goes_with_it_and_tells_it_from_its_like():
    tokens, n_tokens = random_tokens(40)
    tokens[1], n_tokens[1] = tokens[0], n_tokens[0]
    tokens[3], n_tokens[3] = tokens[2], n_tokens[2]
    beside = np.arange(40.0)[:, None]
    beside[3] = beside[2]
    seen = []

    def run(batch, n, beside):
        seen.extend(beside[:, 0].tolist())
        return [Description(str(known), {}, 1) for known in beside[:, 0].tolist()]

    made = Engine(batch_size=7).describe(tokens, n_tokens, run, beside=beside)
    assert [d.text for d in made] == [str(known) for known in beside[:, 0].tolist()]
    assert sorted(seen) == sorted(set(beside[:, 0].tolist()))


def test_cells_with_the_same_order_of_genes_are_described_once(describer, monkeypatch):
    matrix, names = cells_like(describer, 6)
    twice = sparse.vstack([matrix, matrix * 3, matrix[:2]]).tocsr()  # sequenced deeper, and again
    rows = []
    whole = describer._describe_batch
    monkeypatch.setattr(
        describer, "_describe_batch", lambda t, n, **kw: rows.extend(n) or whole(t, n, **kw)
    )
    made = describer.describe(twice, names)
    assert len(rows) == 6
    assert made[6:12] == made[:6]
    assert made[12:] == made[:2]
    assert len(describer.describe(matrix[:0], names)) == 0


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    ],
)
def test_the_batch_is_halved_until_it_fits(error):
    tokens, n_tokens = random_tokens(50)
    sizes = []

    def run(batch, n, beside):
        sizes.append(len(batch))
        if len(batch) > 5:
            raise error
        return echo(batch, n)

    engine = Engine(batch_size=32)
    made = engine.describe(tokens, n_tokens, run)
    assert [d.text for d in made] == texts(tokens)
    assert engine.batch_size <= 5
    sizes.clear()
    engine.describe(tokens, n_tokens, run)
    assert max(sizes) <= 5  # learned


def test_what_does_not_fit_at_all_is_said_and_other_errors_are_not_hidden():
    tokens, n_tokens = random_tokens(4)

    def full(batch, n, beside):
        raise MemoryError

    def broken(batch, n, beside):
        msg = "mat1 and mat2 shapes cannot be multiplied"
        raise RuntimeError(msg)

    with pytest.raises(OutOfMemoryError, match="a single cell"):
        Engine().describe(tokens, n_tokens, full)
    with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
        Engine().describe(tokens, n_tokens, broken)
    assert not isinstance(caught.value, ModelError)


def test_progress_ends_at_all_and_a_stop_comes_between_batches():
    tokens, n_tokens = random_tokens(30)
    told = []
    Engine(batch_size=7).describe(
        tokens, n_tokens, echo, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (30, 30)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    batches = []

    def run(batch, n, beside):
        batches.append(len(batch))
        return echo(batch, n)

    with pytest.raises(DescribingCancelledError, match="of 30 cells"):
        Engine(batch_size=7).describe(tokens, n_tokens, run, cancel=lambda: len(batches) == 2)
    assert len(batches) == 2


def test_a_describer_can_be_stopped(describer):
    with pytest.raises(ModelError, match="Stopped after 0 of 5"):
        describer.describe(*cells_like(describer, 5), cancel=lambda: True)


@pytest.fixture
def store(tmp_path):
    return DescriptionCache(tmp_path / "home" / "descriptions.sqlite")


def test_described_cells_are_remembered_as_they_were(describer, store, monkeypatch):
    matrix, names = cells_like(describer, 8)
    monkeypatch.setattr(describer, "engine", Engine(cache=store))
    first = describer.describe(matrix, names, with_genes=True)
    monkeypatch.setattr(describer, "engine", Engine(cache=store))
    runs = []
    whole = describer._describe_batch
    monkeypatch.setattr(
        describer, "_describe_batch", lambda t, n, **kw: runs.append(len(n)) or whole(t, n, **kw)
    )
    again = describer.describe(matrix, names, with_genes=True)
    assert again == first
    assert again[0].slots["cell_type"].genes
    assert runs == []
    describer.describe(matrix, names)  # other settings are another question
    assert runs == [8]
    assert store.path.stat().st_mode & 0o077 == 0


def test_what_decides_a_description_decides_its_place():
    same = {"device": "cpu", "measured": "ff"}
    assert context_of("r1", **same) == context_of("r1", **same)
    assert context_of("r1", **same) != context_of("r2", **same)
    assert context_of("r1", **same) != context_of("r1", **same | {"measured": "fe"})
    assert context_of("", **same) is None  # weights that have no name are not remembered


def described(n, seed=0):
    tokens, n_tokens = random_tokens(n, seed=seed)
    made = echo(tokens, n_tokens)
    return {bytes([seed, *i.to_bytes(3, "big")]): one for i, one in enumerate(made)}


def test_the_cache_stays_below_its_size_and_forgets_the_oldest(store):
    small = replace(store, most_bytes=200_000)
    for seed in range(10):
        small.put(described(60, seed))
    assert small.path.stat().st_size <= 220_000
    assert not small.get(list(described(60, 0)))
    assert small.get(list(described(60, 9))) == described(60, 9)


def test_a_damaged_cache_is_begun_anew(store):
    store.put(described(3))
    store.path.write_bytes(b"not a database, however long one looks at it " * 100)
    assert store.get(list(described(3))) == {}
    store.put(described(3))
    assert store.get(list(described(3))) == described(3)


def test_a_cache_that_cannot_be_written_costs_no_result(tmp_path):
    (tmp_path / "file").write_text("in the way")
    tokens, n_tokens = random_tokens(3)
    engine = Engine(cache=DescriptionCache(tmp_path / "file" / "descriptions.sqlite"))
    made = engine.describe(tokens, n_tokens, echo, context="c")
    assert [d.text for d in made] == texts(tokens)


def test_two_processes_share_a_cache(store):
    code = (
        "import sys; from pathlib import Path; from model import Description\n"
        "from model._description_cache import DescriptionCache\n"
        "cache, me = DescriptionCache(Path(sys.argv[1])), sys.argv[2]\n"
        "for i in range(40):\n"
        "    cache.put({f'{me}{i}{j}'.encode(): Description(me, {}, i) for j in range(5)})\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(store.path), me], cwd=Path.cwd())
        for me in "ab"
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    keys = [f"{me}{i}{j}".encode() for me in "ab" for i in range(40) for j in range(5)]
    assert len(store.get(keys)) == 400


def test_the_beginning_of_the_prompt_is_read_once_and_follows_the_weights():
    checkpoint = tiny_checkpoint()
    model = checkpoint.model
    describer = tiny_describer()
    collator = Collator(describer.text, model.tokenizer, model.prompt_ids)
    kept, fresh = (ConstrainedDecoder(model, collator) for _ in range(2))
    cells = model.encode(torch.randint(1, N_GENES, (3, 9))).detach()

    def first(slot, scores):
        return [describer.space.slot(slot).choices[0]] * len(scores)

    with torch.no_grad():
        before = kept.walk(cells, first)
        layers = kept._prefix._layers
        kept.walk(cells, first)
        assert kept._prefix._layers is layers
        for weight in model.language_model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
        after, expected = kept.walk(cells, first), fresh.walk(cells, first)
    assert torch.equal(after["tissue"], expected["tissue"])
    assert not torch.equal(after["cell_type"], before["cell_type"])


def test_the_packed_model_says_the_same_and_for_the_same_genes(monkeypatch):
    model = tiny_checkpoint().model
    describer = tiny_describer()
    collator = Collator(describer.text, model.tokenizer, model.prompt_ids)
    tokens = torch.randint(1, N_GENES, (5, 9))

    def differently(slot, scores):
        choices = describer.space.slot(slot).choices
        return [choices[i % len(choices)] for i in range(len(scores))]

    def read():
        gates = torch.ones(tokens.shape, requires_grad=True)
        with torch.no_grad():
            found = ConstrainedDecoder(model, collator).walk(model.encode(tokens), differently)
        walked = ConstrainedDecoder(model, collator).walk(model.encode(tokens, gates), differently)
        last = walked["disease"][:, 0].sum() + walked["tissue"][:, 0].sum()
        return found, walked, torch.autograd.grad(last, gates)[0]

    assert can_be_packed(model)
    packed = read()
    monkeypatch.setattr("model._decoding.can_be_packed", lambda model: False)
    plain = read()
    for ours, theirs in zip(packed[:2], plain[:2], strict=True):
        assert ours.keys() == theirs.keys()
        for slot, scores in ours.items():
            torch.testing.assert_close(scores, theirs[slot], atol=1e-5, rtol=1e-5)
    assert packed[2].abs().max() > 0
    torch.testing.assert_close(packed[2], plain[2], atol=1e-6, rtol=1e-4)


def test_the_packed_model_reads_texts_of_different_length():
    model = tiny_checkpoint().model.eval()
    prefix = PromptPrefix(model, model.prompt_ids)
    cells = model.encode(torch.randint(1, N_GENES, (3, 9))).detach()
    with torch.no_grad():
        packed = PackedState(model, prefix, cells, PackedLlama(model.language_model))
        plain = LlamaState(model, prefix, cells)
        for rows in ([[5, 6], [5, 6], [7, 8]], [[9], [4, 5, 6], [7, 8]], [[5, 6, 7]] * 3):
            torch.testing.assert_close(
                packed.feed_ids(rows), plain.feed_ids(rows), atol=1e-5, rtol=1e-5
            )
            torch.testing.assert_close(
                packed.peek([4, 5]), plain.peek([4, 5]), atol=1e-5, rtol=1e-5
            )


def test_only_a_large_model_on_cuda_is_narrowed_and_compiled(monkeypatch):
    done = []
    backbone = SimpleNamespace(compile=lambda **kw: done.append(kw))
    language_model = SimpleNamespace(
        to=done.append,
        get_decoder=lambda: backbone,
        parameters=lambda: iter([torch.zeros(1, dtype=torch.bfloat16)]),
    )

    def fake(device, kind):
        config = SimpleNamespace(language_model=SimpleNamespace(kind=kind))
        return SimpleNamespace(
            device=SimpleNamespace(type=device), config=config, language_model=language_model
        )

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    for device, kind in (("cpu", "hub"), ("cpu", "compact"), ("cuda", "compact")):
        accelerate(fake(device, kind))
    assert done == []
    accelerate(fake("cuda", "hub"))
    assert done == [torch.bfloat16, {"dynamic": True}]
