"""Text tables: csv and tsv, packed or not, with cells in the rows or in the columns.

Which axis holds the genes is told from the names. Columns of text beside the numbers are
kept as columns of obs or var.
"""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ._errors import DatasetError
from ._genes import name_kind
from ._limits import Limits
from ._reading_folders import open_limited
from ._reading_h5 import check_memory
from ._wording import quote

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

_DELIMITERS = ",\t; "
_CHUNK_ROWS = 2_000


def is_table(head: bytes) -> bool:
    """Whether the first bytes of a (decompressed) file look like a table with numbers."""
    if not head or b"\x00" in head:
        return False
    lines = head.decode("utf-8", "replace").splitlines()
    lines = lines[:-1] if len(lines) > 2 else lines
    if len(lines) < 2:
        return False
    delimiter = find_delimiter(lines[1])
    if delimiter is None:
        return False
    cells = next(csv.reader([lines[1]], delimiter=delimiter))
    header = next(csv.reader([lines[0]], delimiter=delimiter))
    return abs(len(cells) - len(header)) <= 1 and any(_is_number(cell) for cell in cells[1:])


def find_delimiter(line: str) -> str | None:
    """Return the character that divides a line into most columns, or None."""
    best = max(_DELIMITERS, key=lambda character: (line.count(character), -ord(character)))
    return best if best in line else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(path: Path, limits: Limits) -> "AnnData":
    """Read a text table; genes are found in its rows or in its columns.

    Raises
    ------
    DatasetError
        ``not_numeric`` if it holds no column of numbers, ``out_of_memory``,
        ``archive_too_large``.
    """
    import anndata
    import pandas as pd
    from scipy import sparse

    with open_limited(path, limits.unpacked_bytes) as handle:
        line = handle.readline()
        second = handle.readline().decode("utf-8", "replace")
        handle.seek(0)
        delimiter = find_delimiter(second or line.decode("utf-8", "replace"))
        blocks, extras, index, n_values = [], [], [], 0
        numeric: list[str] | None = None
        chunks = pd.read_csv(
            handle, sep=delimiter, index_col=0, chunksize=_CHUNK_ROWS, low_memory=False
        )
        for chunk in chunks:
            if numeric is None:
                numeric = [c for c in chunk.columns if chunk[c].dtype.kind in "iufb"]
                _check_numeric(numeric, path)
            values = chunk[numeric].apply(pd.to_numeric, errors="coerce")
            block = sparse.csr_matrix(values.to_numpy(dtype=np.float32))
            n_values += block.nnz
            check_memory(12 * n_values, path, limits)
            blocks.append(block)
            extras.append(chunk.drop(columns=numeric))
            index.extend(map(str, chunk.index))
    if not blocks or numeric is None:
        msg = f"{quote(path.name)} has a header but no rows."
        raise DatasetError(msg, code="no_cells", fix="Export the table again with its rows.")
    matrix = sparse.vstack(blocks).tocsr()
    rows = pd.concat(extras)
    rows.index = pd.Index(index)
    columns = pd.DataFrame(index=[str(name) for name in numeric])
    if _genes_are_rows(index, list(columns.index)):
        return anndata.AnnData(X=matrix.T.tocsr(), obs=columns, var=_as_text(rows))
    return anndata.AnnData(X=matrix, obs=_as_text(rows), var=columns)


def _check_numeric(numeric: list[str], path: Path) -> None:
    if not numeric:
        msg = f"{quote(path.name)} is a table without a column of numbers."
        fix = "Export expression values with a point as decimal mark, one row a cell or a gene."
        raise DatasetError(msg, code="not_numeric", fix=fix)


def _genes_are_rows(rows: list[str], columns: list[str]) -> bool:
    """Tell from the names which axis holds the genes; in doubt the longer one does."""
    kinds = [name_kind(rows), name_kind(columns)]
    known = [kind not in {"unknown", "entrez"} for kind in kinds]
    if known[0] != known[1]:
        return known[0]
    return len(rows) > len(columns) if not known[0] else kinds[0] == "ensembl"


def _as_text(frame: "pd.DataFrame") -> "pd.DataFrame":
    return frame.astype(dict.fromkeys(frame.columns, str))
