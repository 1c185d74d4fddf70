"""Measures of the model and of the knowledge base, each beside the usual way to do it."""

from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from ._benchmark_data import gene_names, made_cells
from ._benchmark_timing import Measure, faster, in_pairs, rounded, timed

if TYPE_CHECKING:
    from scipy import sparse

    from ._benchmark import Bench

_MOST_DIFFERENT = 10_000  # cells made up to be tokenised; more are the same ones again
_TOKENISE_TARGET = 20
_DECODE_TARGET = 8
_EQUAL = 1e-6
_BATCH_ON_GPU, _PIECES_ON_GPU = 256, 64


def _cells(bench: "Bench", n_cells: int) -> "tuple[sparse.csr_matrix, list[str]]":
    """Make cells of all genes of the model up."""
    from scipy import sparse

    known = bench.describer.genes.symbols
    names = gene_names(known, len(known))
    chunks = list(made_cells(n_cells, len(names), seed=1))
    return sparse.vstack(chunks, format="csr"), names


def _real_cells(bench: "Bench", n_cells: int) -> "tuple[sparse.csr_matrix, list[str]]":
    """Return cells of the user's file, or of the demo, again from the first where there are few.

    What is written about a cell, and so how long it takes to write, depends on what it is.
    """
    import anndata
    import scanpy as sc
    from scipy import sparse

    if bench.data is not None:
        adata = anndata.read_h5ad(bench.data, backed="r")
        matrix = adata[: min(n_cells, adata.n_obs)].to_memory().X
        adata.file.close()
    else:
        adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
        matrix = adata.X
    rows = np.arange(n_cells) % matrix.shape[0]
    return sparse.csr_matrix(matrix)[rows], adata.var_names.tolist()


def measure_tokenise(bench: "Bench") -> list[Measure]:
    """Order the genes of cells: all cells of a batch at once, beside one after the other."""
    from model import ModelContest

    contest = ModelContest(bench.describer)
    batch = min(_MOST_DIFFERENT, bench.sizes.n_tokenised)
    n_pairs = max(1, bench.sizes.n_tokenised // batch)
    matrix, names = _cells(bench, batch)
    token_ids = contest.token_ids(names)
    contest.tokenise(matrix[:200], token_ids)
    looped: list[Any] = []

    def loop(pair: int) -> None:
        looped[:] = contest.tokenise_by_loop(matrix, token_ids)

    def ours(pair: int) -> None:
        contest.tokenise(matrix, token_ids)

    seconds = in_pairs(ours, loop, repeats=n_pairs)
    n_rounding, n_wrong = contest.count_differences(matrix, token_ids, looped)
    facts = {
        "cells": batch * n_pairs,
        "different_cells": batch,
        "values_per_cell": round(matrix.nnz / batch),
        "cells_per_second": rounded(batch / median(seconds[0])),
        "cells_that_differ": n_wrong,
        "cells_that_differ_by_rounding": n_rounding,
    }
    words = "rank_value_tokens", "loop: scale, divide, sort, drop zeros, cut"
    measures = [
        faster("tokenise.loop", *words, seconds=seconds, target=_TOKENISE_TARGET, facts=facts)
    ]
    seconds = in_pairs(
        ours,
        lambda pair: contest.tokenise_by_loop(matrix, token_ids, zeros_first=True),
        repeats=bench.sizes.repeats,
    )
    words = "rank_value_tokens", "loop that drops zeros before sorting"
    return [*measures, faster("tokenise.loop_zeros_first", *words, seconds=seconds)]


def measure_decode(bench: "Bench") -> list[Measure]:
    """Write descriptions, beside writing as many word pieces with ``generate``."""
    from model import ModelContest

    contest = ModelContest(bench.describer)
    n, repeats = bench.sizes.n_decoded, bench.sizes.repeats
    matrix, names = _real_cells(bench, n * repeats)
    parts = [matrix[pair * n : (pair + 1) * n] for pair in range(repeats)]
    described = bench.describer.describe(parts[0], names)
    n_pieces = contest.count_pieces([description.text for description in described])
    states = contest.states(parts[0], names)
    contest.generate(states[:1], n_pieces=2)
    usual = "transformers generate: greedy, cached, same batches, weights and length"
    facts = {"cells": n, "word_pieces": n_pieces, **contest.devices}
    text = in_pairs(
        lambda pair: contest.decode(states),
        lambda pair: contest.generate(states, n_pieces=n_pieces),
        repeats=repeats,
    )
    each = in_pairs(
        lambda pair: contest.decode(states),
        lambda pair: contest.generate(states, n_pieces=n_pieces, every_member=True),
        repeats=1,
    )
    whole = in_pairs(
        lambda pair: bench.describer.describe(parts[pair], names),
        lambda pair: contest.generate(contest.states(parts[pair], names), n_pieces=n_pieces),
        repeats=repeats,
    )
    return [
        faster(
            "decode.text",
            "constrained decoding of encoded cells",
            usual,
            seconds=text,
            target=_DECODE_TARGET,
            facts=facts | _per_second(n, text),
        ),
        faster(
            "decode.members",
            "constrained decoding, all members of the encoder read",
            f"{usual}, of each member for itself",
            seconds=each,
            facts=_per_second(n, each),
        ),
        faster(
            "decode.describe",
            "Describer.describe: counts to text, calibrated probabilities and all",
            f"encoding, then {usual}",
            seconds=whole,
            facts=facts | _per_second(n, whole),
        ),
    ]


def _per_second(n_cells: int, seconds: tuple[list[float], list[float]]) -> dict[str, float]:
    ours, theirs = (rounded(n_cells / median(values)) for values in seconds)
    return {"cells_per_second": ours, "baseline_cells_per_second": theirs}


def measure_resolve(bench: "Bench") -> list[Measure]:
    """Resolve names, beside one vector query a name; and open the index, beside building it."""
    from kb import KnowledgeContest

    contest = KnowledgeContest(bench.folder / "kb")
    terms: list[int] = []
    built = timed(lambda: terms.append(contest.build()))
    opened = [timed(contest.reopen) for _ in range(bench.sizes.repeats)]
    names = contest.names(bench.sizes.n_names)
    asked = names[:: max(1, len(names) // bench.sizes.n_queried)][: bench.sizes.n_queried]
    contest.nearest_one_by_one(asked[:5])
    resolvers = [contest.fresh_resolver() for _ in range(bench.sizes.repeats)]
    found: list[Any] = []
    seconds = in_pairs(
        lambda pair: found.append(resolvers[pair](names)),
        lambda pair: contest.nearest_one_by_one(asked),
        repeats=bench.sizes.repeats,
    )
    share = len(asked) / len(names)
    one = contest.fresh_resolver()
    singly = in_pairs(
        lambda pair: one([asked[pair]]),
        lambda pair: contest.nearest_one_by_one([asked[pair]]),
        repeats=len(asked),
    )
    middle = tuple([median(values)] for values in singly)
    return [
        faster(
            "resolve.many",
            f"{len(names):,} names, their seconds for {len(asked):,}",
            f"one vector query a name, {len(asked):,} names",
            seconds=([value * share for value in seconds[0]], seconds[1]),
            facts={
                "seconds_for_all": [rounded(value) for value in seconds[0]],
                "resolved": sum(item.id is not None for item in found[0]),
            },
        ),
        faster(
            "resolve.one",
            f"one name not met before, median of {len(asked):,}",
            "one vector query, median",
            seconds=middle,
        ),
        faster(
            "resolve.reopen_index",
            "opening the index and one query",
            f"building it ({terms[0]:,} terms)",
            seconds=(opened, [built] * len(opened)),
        ),
    ]


def measure_pagerank(bench: "Bench") -> list[Measure]:
    """Compute the similarity of all terms at once, beside ``networkx`` term by term."""
    from kb import KnowledgeContest

    contest = KnowledgeContest(bench.folder / "kb")
    sources = contest.sources(bench.sizes.n_sources)
    contest.similarities_by_networkx(sources[:1])
    tables: dict[str, np.ndarray] = {}
    seconds = in_pairs(
        lambda pair: tables.update(ours=contest.similarities()),
        lambda pair: tables.update(theirs=contest.similarities_by_networkx(sources)),
        repeats=bench.sizes.repeats,
    )
    ours = tables["ours"]
    off = float(np.abs(ours[contest.rows_of(sources)] - tables["theirs"]).max())
    share = len(sources) / len(ours)
    return [
        faster(
            "pagerank.per_term",
            f"all {len(ours):,} terms at once, seconds for {len(sources)} of them",
            f"networkx.pagerank, {len(sources)} terms one by one",
            seconds=([value * share for value in seconds[0]], seconds[1]),
            facts={"largest_difference": rounded(off), "is_equal": off < _EQUAL},
        )
    ]


def measure_bandwidth(bench: "Bench") -> list[Measure]:
    """Compare writing on a GPU with what its memory would let through; nothing without one."""
    from model import ModelContest

    speeds = ModelContest(bench.describer).against_bandwidth(
        batch_size=_BATCH_ON_GPU, n_pieces=_PIECES_ON_GPU
    )
    return [
        Measure(
            f"bandwidth.{speed.name}",
            f"greedy writing of {_PIECES_ON_GPU} word pieces, {_BATCH_ON_GPU} cells together",
            "reading weights and cache at the measured bandwidth",
            [speed.cells_per_second],
            [speed.bound],
            "cells/s",
            speed.share,
            "higher",
            facts={
                "bandwidth_gb_per_s": rounded(speed.bandwidth / 1e9),
                "weight_mb": rounded(speed.weight_bytes / 1e6),
            },
        )
        for speed in speeds
    ]
