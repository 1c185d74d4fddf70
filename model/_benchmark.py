"""The model's ways beside the usual ones, on the same cells: what `cell2text benchmark` times.

Nothing is timed here, and nothing of it is used to describe cells. The slow ways are written as
a reader of the papers would write them, with no more and no less care than that.
"""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._tokens import rank_value_tokens

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from ._describer import Describer

#: Counts a cell is scaled to before its genes are ranked (doi:10.1038/s41586-023-06139-9).
TARGET_SUM = 10_000
#: Relative difference up to which two values differ by no more than single precision's rounding.
_ROUNDING = 1e-6
#: Sizes of Llama-3.2-1B; the weights are random, which changes no time.
ONE_BILLION = {
    "vocab_size": 128_256,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": True,
}
_COPIED_BYTES = 1 << 30
_COPIES = 10


class ModelContest:
    """A describer, and the usual way to do each thing that it does.

    Parameters
    ----------
    describer
        The model that takes part.
    """

    def __init__(self, describer: "Describer") -> None:
        self.describer = describer
        self._model = describer.checkpoint.model

    def token_ids(self, var_names: Sequence[str]) -> np.ndarray:
        """Return ``(n_vars,)`` rows of the gene table, which both ways to tokenise are given."""
        return self.describer.genes.match(var_names).token_ids

    def tokenise(
        self, matrix: sparse.csr_matrix, token_ids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Order the genes of ``(n, n_vars)`` counts as the describer does."""
        medians, most = self.describer.genes.medians, self._model.config.encoder.max_tokens
        return rank_value_tokens(matrix, token_ids, medians, max_tokens=most)

    def tokenise_by_loop(
        self,
        matrix: sparse.csr_matrix,
        token_ids: np.ndarray,
        *,
        zeros_first: bool = False,
    ) -> list[np.ndarray]:
        """Order the genes of one cell after another: scale, divide, sort, drop zeros, cut.

        Parameters
        ----------
        matrix
            ``(n, n_vars)`` counts of genes that the model knows, each once.
        zeros_first
            Drop what is not expressed before sorting, which is quicker.
        """
        tokens, medians = token_ids + 1, self.describer.genes.medians[token_ids]
        most = self._model.config.encoder.max_tokens
        cells = []
        for row in range(matrix.shape[0]):
            counts = matrix[row].toarray().ravel()
            values = counts / counts.sum() * TARGET_SUM / medians
            if zeros_first:
                (expressed,) = np.nonzero(values)
                order = expressed[np.argsort(-values[expressed], kind="stable")]
            else:
                order = np.argsort(-values, kind="stable")
                order = order[values[order] > 0]
            cells.append(tokens[order[:most]])
        return cells

    def count_differences(
        self,
        matrix: sparse.csr_matrix,
        token_ids: np.ndarray,
        cells: list[np.ndarray],
    ) -> tuple[int, int]:
        """Compare `tokenise` with what the loop gave for the same cells.

        Returns
        -------
        Cells in which genes whose values are equal up to rounding stand in another order, and
        cells that differ in anything else.
        """
        tokens, n_tokens = self.tokenise(matrix, token_ids)
        column = np.zeros(len(self.describer.genes) + 1, np.int64)
        column[token_ids + 1] = np.arange(len(token_ids))
        n_rounding = n_wrong = 0
        for row, theirs in enumerate(cells):
            ours = tokens[row, : n_tokens[row]]
            if np.array_equal(ours, theirs):
                continue
            counts = matrix[row].toarray().ravel().astype(np.float64)
            values = [
                counts[column[genes]] / self.describer.genes.medians[genes - 1]
                for genes in (ours, theirs)
            ]
            if len(ours) == len(theirs) and np.allclose(*values, rtol=_ROUNDING, atol=0):
                n_rounding += 1
            else:
                n_wrong += 1
        return n_rounding, n_wrong

    def count_pieces(self, texts: Sequence[str]) -> int:
        """Return the mean number of word pieces of texts, rounded."""
        pieces = self._model.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return round(sum(map(len, pieces)) / max(1, len(pieces)))

    def states(
        self, matrix: sparse.csr_matrix, var_names: Sequence[str], *, batch_size: int = 64
    ) -> "list[torch.Tensor]":
        """Return the projected states ``[B, K, D]`` of cells, batch by batch."""
        import torch

        tokens, n_tokens = self.describer.tokens(matrix, var_names)
        states = []
        with torch.no_grad():
            for start in range(0, len(tokens), batch_size):
                part = slice(start, start + batch_size)
                width = max(1, int(n_tokens[part].max(initial=1)))
                batch = torch.as_tensor(tokens[part, :width], device=self._model.device)
                states.append(self._model.encode(batch))
        return states

    def decode(self, states: "list[torch.Tensor]") -> None:
        """Walk the format for cells, saying the likeliest name at every slot."""
        import torch

        space = self.describer.space

        def likeliest(slot: str, scores: np.ndarray) -> list[str]:
            # A slot that is computed has no scores, and its words are not read.
            best = scores.argmax(1) if scores.shape[1] else np.zeros(len(scores), np.int64)
            return [space.slot(slot).choices[i] for i in best]

        with torch.no_grad():
            for batch in states:
                self.describer.walker.decoder.walk(batch, likeliest)

    def generate(
        self, states: "list[torch.Tensor]", *, n_pieces: int, every_member: bool = False
    ) -> list[str]:
        """Write texts of `n_pieces` word pieces by greedy ``generate`` with a key-value cache.

        Of several members the first is read, or each for itself, as `decode` reads them all. The
        layers are PyTorch's own.
        """
        import torch

        texts: list[str] = []
        with torch.no_grad():
            for batch in states:
                cells = batch
                if batch.ndim == 4:
                    cells = batch.flatten(0, 1) if every_member else batch[:, 0]
                prompt = torch.tensor([self._model.prompt_ids] * len(cells), device=cells.device)
                output = self._plain.generate(
                    inputs_embeds=self._model.splice(prompt, cells),
                    attention_mask=torch.ones_like(prompt),
                    max_new_tokens=n_pieces,
                    min_new_tokens=n_pieces,
                    do_sample=False,
                    use_cache=True,
                    pad_token_id=self._model.tokenizer.pad_token_id or 0,
                )
                texts += self._model.tokenizer.batch_decode(output, skip_special_tokens=True)
        return texts

    @cached_property
    def _plain(self) -> "PreTrainedModel":
        """The language model with the layers it had before `make_steady`, which cost time."""
        from torch import nn

        from ._steady import SteadyGELU, SteadyLinear, SteadySiLU

        usual = {SteadyLinear: nn.Linear, SteadySiLU: nn.SiLU, SteadyGELU: nn.GELU}
        plain = copy.deepcopy(self._model.language_model)
        for module in plain.modules():
            if type(module) in usual:
                module.__class__ = usual[type(module)]
                module.__dict__.setdefault("inplace", False)
                module.__dict__.setdefault("approximate", "none")
        return plain

    @property
    def devices(self) -> dict[str, Any]:
        """What the model runs on, and with how many threads."""
        import torch

        facts: dict[str, Any] = {"device": str(self._model.device)}
        facts["torch_threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            facts["gpu"] = torch.cuda.get_device_name()
        return facts

    def against_bandwidth(self, *, batch_size: int, n_pieces: int) -> "list[WritingSpeed]":
        """Time writing on a GPU beside the bound that its memory sets; nothing without a GPU.

        Returns
        -------
        The language model of the checkpoint, then one of 1.2 billion random weights in bfloat16.
        """
        import torch
        from transformers import AutoModelForCausalLM, LlamaConfig

        if not torch.cuda.is_available():
            return []
        device = torch.device("cuda")
        bandwidth = memory_bandwidth(device)
        sizes = {"batch_size": batch_size, "n_pieces": n_pieces, "bandwidth": bandwidth}
        own = self._plain.to(device)
        speeds = [writing_speed(own, name=self.describer.checkpoint_id, **sizes)]
        big = AutoModelForCausalLM.from_config(LlamaConfig(**ONE_BILLION), dtype=torch.bfloat16)
        return [*speeds, writing_speed(big.to(device).eval(), name="1B, random", **sizes)]


@dataclass(frozen=True)
class WritingSpeed:
    """How fast a language model writes, and how fast its memory would let it.

    Parameters
    ----------
    cells_per_second
        Measured, texts of the asked length.
    bound
        Cells a second if reading weights and cache were all that took time.
    """

    name: str
    cells_per_second: float
    bound: float
    bandwidth: float  # bytes a second, measured by copying
    weight_bytes: int
    cache_bytes: int  # of one position of one text

    @property
    def share(self) -> float:
        """Part of the bound that is reached, 0 to 1."""
        return self.cells_per_second / self.bound


def bandwidth_bound(
    *, batch_size: int, n_pieces: int, weight_bytes: int, cache_bytes: int, bandwidth: float
) -> float:
    """Return the most cells a second that memory lets a model write, one piece after another.

    Each step reads all weights once for the whole batch, and of each text the cache of the
    positions before; writing and computing are taken to cost nothing.

    Parameters
    ----------
    weight_bytes
        Bytes of all weights that a step reads.
    cache_bytes
        Bytes of keys and values of one position of one text.
    bandwidth
        Bytes a second.
    """
    positions = n_pieces * (n_pieces - 1) / 2  # read in all steps together, of one text
    n_bytes = n_pieces * weight_bytes + batch_size * positions * cache_bytes
    return batch_size * bandwidth / n_bytes


def memory_bandwidth(device: "torch.device", *, n_bytes: int = _COPIED_BYTES) -> float:
    """Return bytes a second that a device reads and writes when it copies, the best of some."""
    import torch

    source = torch.ones(n_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(_COPIES):
        _finish(device)
        start = time.perf_counter()
        target.copy_(source)
        _finish(device)
        best = min(best, time.perf_counter() - start)
    return 2 * n_bytes / best


def writing_speed(
    language_model: "PreTrainedModel",
    *,
    name: str,
    batch_size: int,
    n_pieces: int,
    bandwidth: float,
) -> WritingSpeed:
    """Time greedy writing after a begin token, once to warm up and then the median of three."""
    import torch

    device = language_model.device
    start_ids = torch.ones(batch_size, 1, dtype=torch.long, device=device)
    seconds = []
    with torch.no_grad():
        for _ in range(4):
            _finish(device)
            start = time.perf_counter()
            language_model.generate(
                start_ids,
                attention_mask=torch.ones_like(start_ids),
                max_new_tokens=n_pieces,
                min_new_tokens=n_pieces,
                do_sample=False,
                use_cache=True,
                pad_token_id=0,
            )
            _finish(device)
            seconds.append(time.perf_counter() - start)
    weights = {p.data_ptr(): p.numel() * p.element_size() for p in language_model.parameters()}
    cost = {"weight_bytes": sum(weights.values()), "cache_bytes": _cache_bytes(language_model)}
    bound = bandwidth_bound(batch_size=batch_size, n_pieces=n_pieces, bandwidth=bandwidth, **cost)
    measured = batch_size / float(np.median(seconds[1:]))
    return WritingSpeed(name, measured, bound, bandwidth, **cost)


def _cache_bytes(language_model: "PreTrainedModel") -> int:
    """Return the bytes that the keys and values of one position take."""
    config = language_model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * size * language_model.dtype.itemsize


def _finish(device: "torch.device") -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
