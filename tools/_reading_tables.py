"""Text tables: csv and tsv, packed or not, with cells in the rows or in the columns.

Which axis holds the genes is told from the names. Columns of text beside the numbers, and
numbers that are no expression (totals, clusters, lengths), are kept as columns of obs or var.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from ._errors import DatasetError
from ._genes import name_kind
from ._limits import Limits
from ._reading_h5 import check_memory
from ._stages import at_stage
from ._table_layout import MISSING, TableLayout, find_layout, open_packed
from ._wording import as_size, count, quote

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

_CHUNK_VALUES = 20_000_000  # values that are parsed at once
# Columns of numbers that describe cells or genes and are no expression.
_NO_EXPRESSION = re.compile(
    r"^(unnamed.*|n_?(counts?|genes?|umis?|features?)(_.*)?|n(count|feature)_\w+|total_counts.*|"
    r"(percent|pct|frac|fraction|pc)[._ ].*|log1p_.*|leiden.*|louvain.*|clusters?([_ ]?id)?|"
    r"seurat_clusters|\w+_snn_res.*|batch|sample(_?id)?|donor(_?id)?|replicate|plate|well|"
    r"umap[_ ]?\d|x_umap.*|tsne[_ ]?\d|pc_?\d+|age|size_?factors?|doublet.*|s_score|g2m_score|"
    r"(gene_?)?length|start|end|chr(om(osome)?)?|strand|gc(_content)?|entrez\w*|index)$",
    re.IGNORECASE,
)


def is_table(path: Path) -> bool:
    """Whether a file is a table with numbers, packed or not."""
    return path.is_file() and find_layout(path) is not None


def read_table(path: Path, limits: Limits) -> "AnnData":
    """Read a text table; genes are found in its rows or in its columns.

    Raises
    ------
    DatasetError
        ``not_numeric`` if it holds no column of numbers, ``no_cells``, ``ragged_table``,
        ``out_of_memory``, ``archive_too_large``.
    """
    import anndata
    from scipy import sparse

    layout = find_layout(path)
    if layout is None:
        raise _not_numeric(path)
    names = _column_names(layout)
    blocks, extras, index, n_values = [], [], [], 0
    kept: list[int] | None = None
    beside: list[int] = []
    for chunk in _chunks(path, layout, limits):
        first = 1 if layout.named_rows else 0
        if kept is None:
            is_number = [kind.kind in "iufb" for kind in chunk.dtypes]
            kept = [
                c
                for c in chunk.columns[first:]
                if is_number[c]
                and not _NO_EXPRESSION.match(names[c - first] or "unnamed")
                and (names[c - first] or chunk[c].notna().any())
            ]
            beside = sorted(set(chunk.columns[first:]) - set(kept))
            beside = [c for c in beside if names[c - first]]
            if not kept:
                raise _not_numeric(path)
        block = sparse.csr_matrix(_numbers(chunk[kept]))
        n_values += block.nnz
        check_memory(12 * n_values, path, limits)
        blocks.append(block)
        extras.append(chunk[beside].rename(columns={c: names[c - first] for c in beside}))
        start = len(index)
        at_stage(1 - 1 / (1 + len(blocks)), f"Read {count(start, 'row')} of the table")
        index.extend(
            map(str, chunk[0].fillna(""))
            if first
            else (str(start + row) for row in range(len(chunk)))
        )
    if not blocks or kept is None:
        msg = f"{quote(path.name)} has a header but no rows."
        raise DatasetError(msg, code="no_cells", fix="Export the table again with its rows.")
    first = 1 if layout.named_rows else 0
    matrix = sparse.vstack(blocks).tocsr()
    return _oriented(anndata, matrix, (index, [names[c - first] for c in kept]), extras)


def _oriented(
    anndata: "type", matrix: "AnnData", names: tuple[list[str], list[str]], extras: list
) -> "AnnData":
    """Put cells into the rows."""
    import pandas as pd

    rows = _as_text(pd.concat(extras))
    rows = rows.loc[:, ~rows.columns.duplicated()]
    rows.index = pd.Index(names[0])
    columns = pd.DataFrame(index=names[1])
    if _genes_are_rows(*names):
        return anndata.AnnData(X=matrix.T.tocsr(), obs=columns, var=rows)
    return anndata.AnnData(X=matrix, obs=rows, var=columns)


def _column_names(layout: TableLayout) -> list[str]:
    """Return a name for each column after that of the row names."""
    n_columns = layout.n_fields - layout.named_rows
    if layout.header is None:
        return [str(column) for column in range(n_columns)]
    return [*layout.header, *[""] * n_columns][:n_columns]


def _chunks(path: Path, layout: TableLayout, limits: Limits) -> Iterator["pd.DataFrame"]:
    """Yield runs of rows with the columns numbered.

    Raises
    ------
    DatasetError
        ``ragged_table`` where a line has more cells than the others.
    """
    import pandas as pd

    with open_packed(path) as handle:
        text = io.TextIOWrapper(
            _Limited(handle, limits.unpacked_bytes, path.name),  # type: ignore[arg-type]
            encoding=layout.encoding,
            errors="replace",
            newline=None,
        )
        for _ in range(layout.skip):
            text.readline()
        try:
            yield from pd.read_csv(
                text,
                sep=r"\s+" if layout.delimiter == " " else layout.delimiter,
                header=None,
                names=range(layout.n_fields),
                index_col=False,
                dtype={0: str} if layout.named_rows else None,
                na_values=list(MISSING),
                decimal=layout.decimal,
                thousands=layout.thousands,
                chunksize=max(1, _CHUNK_VALUES // layout.n_fields),
                low_memory=False,
            )
        except pd.errors.EmptyDataError:
            return
        except pd.errors.ParserError as exc:
            msg = f"The lines of {quote(path.name)} have different numbers of cells."
            fix = "Export the table again, with quotes around names that hold the delimiter."
            raise DatasetError(msg, code="ragged_table", fix=fix) from exc


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than a limit."""

    def __init__(self, source: IO[bytes], limit: int, name: str) -> None:
        self._source, self._left, self._limit, self._name = source, limit, limit, name

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes.

        Raises
        ------
        DatasetError
            ``archive_too_large`` beyond the limit.
        """
        part = self._source.read(size)
        self._left -= len(part)
        if self._left < 0:
            msg = f"{quote(self._name)} unpacks to more than {as_size(self._limit)}."
            fix = "Open a subset of it, or raise the limit unpacked_bytes."
            raise DatasetError(msg, code="archive_too_large", fix=fix)
        return part

    read1 = read


def _numbers(chunk: "pd.DataFrame") -> np.ndarray:
    """Return float32 values; text among the numbers of a later row is missing."""
    import pandas as pd

    if any(kind.kind not in "iufb" for kind in chunk.dtypes):
        chunk = chunk.apply(pd.to_numeric, errors="coerce")
    return chunk.to_numpy(dtype=np.float32)


def _not_numeric(path: Path) -> DatasetError:
    msg = f"{quote(path.name)} is a table without a column of numbers."
    fix = "Export expression values with a point as decimal mark, one row a cell or a gene."
    return DatasetError(msg, code="not_numeric", fix=fix)


def _genes_are_rows(rows: list[str], columns: list[str]) -> bool:
    """Tell from the names which axis holds the genes; in doubt the longer one does."""
    kinds = [name_kind(rows), name_kind(columns)]
    known = [kind not in {"unknown", "entrez"} for kind in kinds]
    if known[0] != known[1]:
        return known[0]
    return len(rows) > len(columns) if not known[0] else kinds[0] == "ensembl"


def _as_text(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Keep numbers as they are, and everything else as text."""
    for key in frame.columns[[kind.kind not in "iufb" for kind in frame.dtypes]]:
        frame[key] = frame[key].astype(str)
    return frame
