"""The trio of a Matrix Market file, its features and its barcodes, as 10x and others write it."""

import csv
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from ._errors import DatasetError
from ._genes import name_kind
from ._limits import Limits
from ._reading_10x import keep_genes
from ._reading_folders import open_limited
from ._reading_stored import BYTES_PER_VALUE, block_rows, mark_sampled
from ._stages import at_stage
from ._wording import quote

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy import sparse

_MTX = ("matrix.mtx", "matrix.mtx.gz", ".mtx", ".mtx.gz")
_ENDINGS = (".tsv", ".txt", ".csv")
_FEATURES = tuple(f"{n}{e}" for n in ("features", "genes", "gene_names", "cols") for e in _ENDINGS)
_BARCODES = tuple(
    f"{n}{e}" for n in ("barcodes", "cells", "cell_metadata", "rows") for e in _ENDINGS
)
_GENES = {"symbol", "ensembl", "mixed"}
_LINES = 5_000_000  # lines of a matrix that are read at once


def find_mtx(path: Path) -> Path | None:
    """Return the Matrix Market file of a folder, or None."""
    if not path.is_dir():
        return None
    found = sorted(p for p in path.iterdir() if p.is_file() and p.name.lower().endswith(_MTX))
    return next((p for p in found if "matrix" in p.name.lower()), found[0] if found else None)


def read_mtx(path: Path, limits: Limits) -> "AnnData":
    """Read the trio from a folder, or beside a .mtx file.

    Raises
    ------
    DatasetError
        ``missing_part`` if features or barcodes are not there; ``shape_mismatch`` if they do
        not fit the matrix; ``archive_too_large``.
    """
    import anndata
    import pandas as pd

    matrix_path = path if path.is_file() else find_mtx(path)
    if matrix_path is None:
        msg = f"{quote(path.name)} holds no matrix.mtx."
        raise DatasetError(msg, code="missing_part", fix="Add the matrix.mtx of the dataset.")
    folder = matrix_path.parent
    prefix = matrix_path.name.lower().split("matrix.mtx")[0]
    features = _table(_part(folder, prefix, _FEATURES, "features.tsv or genes.tsv"), limits)
    barcodes = _table(_part(folder, prefix, _BARCODES, "barcodes.tsv"), limits)
    features, barcodes = _told_apart(features, barcodes)
    with open_limited(matrix_path, limits.unpacked_bytes) as handle:
        shape, n_values = _header(handle)
        features, barcodes, turned = _fit(shape, features, barcodes)
        handle.seek(0)
        rows = np.arange(len(barcodes))
        if n_values is not None and BYTES_PER_VALUE * n_values > limits.memory_bytes:
            share = limits.memory_bytes / (2 * BYTES_PER_VALUE * n_values)
            rows = block_rows(len(barcodes), max(1, int(share * len(barcodes))))
        matrix = _read_cells(handle, rows, shape, turned=turned)
    names = [row[1] if len(row) > 1 else row[0] for row in features]
    var = pd.DataFrame({"gene_ids": [row[0] for row in features]}, index=names)
    obs = pd.DataFrame(index=[row[0] for row in barcodes])
    kinds = [row[2] for row in features if len(row) > 2]
    adata = anndata.AnnData(X=matrix, obs=obs.iloc[rows], var=var)
    adata = keep_genes(adata, kinds if len(kinds) == len(features) else [], path.name)
    return mark_sampled(adata, obs)


def _told_apart(
    features: list[list[str]], barcodes: list[list[str]]
) -> tuple[list[list[str]], list[list[str]]]:
    """Swap the two tables where the names of genes stand in that of the barcodes."""

    def holds_genes(rows: list[list[str]]) -> bool:
        return any(name_kind([row[c] for row in rows if len(row) > c]) in _GENES for c in (0, 1))

    swapped = holds_genes(barcodes) and not holds_genes(features)
    return (barcodes, features) if swapped else (features, barcodes)


def _header(handle: IO[bytes]) -> tuple[tuple[int, int], int | None]:
    """Return rows and columns, and the number of stored values where the file tells it."""
    for line in handle:
        if not line.startswith(b"%") and line.strip():
            numbers = [int(word) for word in line.split()]
            return (numbers[0], numbers[1]), numbers[2] if len(numbers) > 2 else None
    msg = "the file has no line of sizes"
    raise ValueError(msg)


def _fit(
    shape: tuple[int, int], features: list[list[str]], barcodes: list[list[str]]
) -> tuple[list[list[str]], list[list[str]], bool]:
    """Match the tables to the matrix, less a header line; tell whether genes are in its rows.

    Raises
    ------
    DatasetError
        ``shape_mismatch``.
    """
    for n_genes, n_cells, turned in ((*shape, True), (*shape[::-1], False)):
        if len(features) - n_genes in {0, 1} and len(barcodes) - n_cells in {0, 1}:
            return features[len(features) - n_genes :], barcodes[len(barcodes) - n_cells :], turned
    msg = (
        f"The parts do not fit together: the matrix is {shape[0]:,} x {shape[1]:,}, with "
        f"{len(features):,} features and {len(barcodes):,} barcodes."
    )
    fix = "Take matrix, features and barcodes from the same run."
    raise DatasetError(msg, code="shape_mismatch", fix=fix)


def _read_cells(
    handle: IO[bytes], rows: np.ndarray, shape: tuple[int, int], *, turned: bool
) -> "sparse.csr_matrix":
    """Read all cells, or only some where `rows` are fewer than the matrix holds."""
    from scipy import io, sparse

    n_genes, n_cells = shape if turned else shape[::-1]
    if len(rows) == n_cells:
        matrix = io.mmread(handle)
        return sparse.csr_matrix(matrix.T if turned else matrix, dtype=np.float32)
    import pandas as pd

    place = np.full(n_cells, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    _header(handle)
    parts = []
    names = ["gene", "cell", "value"] if turned else ["cell", "gene", "value"]
    for chunk in pd.read_csv(handle, sep=r"\s+", header=None, names=names, chunksize=_LINES):
        at_stage(1 - 1 / (1 + len(parts)), "Reading the matrix")
        row = place[chunk["cell"].to_numpy() - 1]
        kept = row >= 0
        parts.append((chunk["value"].to_numpy()[kept], row[kept], chunk["gene"].to_numpy()[kept]))
    data, row, gene = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sparse.csr_matrix((data.astype(np.float32), (row, gene - 1)), shape=(len(rows), n_genes))


def _part(folder: Path, prefix: str, names: tuple[str, ...], wanted: str) -> Path:
    """Find a part of the trio, with the same prefix as the matrix if there is one."""
    files = [p for p in sorted(folder.iterdir()) if p.is_file()]
    fitting = [p for p in files if p.name.lower().removesuffix(".gz").endswith(names)]
    best = [p for p in fitting if p.name.lower().startswith(prefix)] or fitting
    if not best:
        msg = f"Beside the matrix there is no {wanted}."
        fix = f"Put {wanted} into the same folder or archive."
        raise DatasetError(msg, code="missing_part", fix=fix)
    return best[0]


def _table(path: Path, limits: Limits) -> list[list[str]]:
    """Read a small table of text, without its byte order mark."""
    with open_limited(path, limits.unpacked_bytes) as handle:
        lines = handle.read().decode("utf-8-sig", "replace").splitlines()
    comma = path.name.lower().removesuffix(".gz").endswith(".csv")
    rows = csv.reader([line for line in lines if line], delimiter="," if comma else "\t")
    return [[cell.strip() for cell in row] for row in rows if row]
