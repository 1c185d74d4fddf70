"""Putting a dataset right that was read: numbers, orientation, columns, features, droplets.

Whatever is changed is noted, so that the doctor and the conversation can say so.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DatasetError
from ._genes import name_kind
from ._limits import Limits
from ._notes import Note, add_note
from ._reading_10x import keep_genes
from ._reading_h5 import check_sparse
from ._reading_stored import WHOLE_OBS
from ._wording import count, quote

if TYPE_CHECKING:
    from anndata import AnnData

_FEATURE_COLUMNS = ("feature_types", "feature_type")
_MOST_FILTERED = 20_000  # barcodes; droplets are looked for in larger matrices only
_HARDLY_ANY = 20  # counts of an empty droplet, at most
_EMPTY_SHARE = 0.7  # of the barcodes, from which a matrix counts as unfiltered
_EXPECTED_CELLS = 3_000  # of a run, as Cell Ranger assumes


def put_right(adata: "AnnData", name: str, limits: Limits) -> "AnnData":
    """Check sizes and indices, and mend what has one right answer.

    Raises
    ------
    DatasetError
        ``no_cells``, ``no_genes``, ``too_many_cells``, ``too_many_genes``, ``damaged_file``,
        ``not_numeric``, ``no_gene_expression``, or ``transposed`` where only a sample was read.
    """
    _check_size(adata, name, limits)
    _check_matrices(adata)
    _single_columns(adata)
    _numbers(adata)
    return _droplets(_genes_only(_upright(adata, name), name))


def _check_size(adata: "AnnData", name: str, limits: Limits) -> None:
    """Refuse an empty dataset and one beyond the limits."""
    if adata.n_obs == 0:
        msg = f"{quote(name)} holds no cells ({adata.n_obs} x {adata.n_vars})."
        raise DatasetError(msg, code="no_cells", fix="Save it again with its cells in the rows.")
    if adata.n_vars == 0:
        msg = f"{quote(name)} holds no genes ({adata.n_obs} x {adata.n_vars})."
        raise DatasetError(msg, code="no_genes", fix="Save it again with genes in the columns.")
    n_obs = len(adata.uns.get(WHOLE_OBS, adata.obs))
    if n_obs > limits.n_obs:
        msg = f"{quote(name)} holds {n_obs:,} cells, and at most {limits.n_obs:,} are opened."
        fix = "Save a subset, or raise the limit n_obs."
        raise DatasetError(msg, code="too_many_cells", fix=fix)
    if adata.n_vars > limits.n_vars:
        msg = f"{quote(name)} has {adata.n_vars:,} columns, and at most {limits.n_vars:,} are read."
        fix = "If its genes are in the rows, transpose it; else keep the genes only."
        raise DatasetError(msg, code="too_many_genes", fix=fix)


def _check_matrices(adata: "AnnData") -> None:
    """Check every sparse matrix before anything walks along its indices."""
    named = {"X": adata.X, **{f"layers[{key!r}]": adata.layers[key] for key in adata.layers}}
    named |= {f"obsp[{key!r}]": adata.obsp[key] for key in adata.obsp}
    if adata.raw is not None:
        named["raw.X"] = adata.raw.X
    for name, matrix in named.items():
        check_sparse(matrix, name)


def _single_columns(adata: "AnnData") -> None:
    """Keep the first of several columns of one name."""
    for axis in ("obs", "var"):
        frame = getattr(adata, axis)
        twice = frame.columns.duplicated()
        if twice.any():
            setattr(adata, axis, frame.loc[:, ~twice].copy())
            repeated = sorted({str(key) for key in frame.columns[twice]})
            add_note(
                adata,
                Note(
                    "duplicate_columns",
                    f"{axis} has {count(int(twice.sum()), 'column')} whose name is taken: "
                    f"{quote(repeated[0])}.",
                    "Nothing has to be done; the first column of each name is read.",
                ),
            )


def _numbers(adata: "AnnData") -> None:
    """Turn numbers that were stored as text into numbers, where all of them are."""
    matrix = adata.X
    if matrix is None or matrix.dtype.kind not in "OSU":
        return
    try:
        adata.X = np.asarray(matrix).astype(np.float32)
    except (ValueError, TypeError) as exc:
        msg = "X holds text, not numbers."
        fix = "Convert X to a numeric matrix and save again."
        raise DatasetError(msg, code="not_numeric", fix=fix) from exc
    add_note(
        adata,
        Note(
            "numbers_as_text",
            "The numbers in X are stored as text; they were converted.",
            "Nothing has to be done; save X as numbers to make the file smaller.",
        ),
    )


def _upright(adata: "AnnData", name: str) -> "AnnData":
    """Turn a dataset whose obs names are genes and whose var names are not."""
    genes = {"symbol", "ensembl", "mixed"}
    if name_kind(list(adata.obs_names[:20_000])) not in genes or adata.raw is not None:
        return adata
    columns = [str(c).lower() for c in adata.var.columns]
    if name_kind(list(adata.var_names)) in genes or "gene_ids" in columns:
        return adata
    if WHOLE_OBS in adata.uns:
        msg = f"{quote(name)} has genes in its rows, and is larger than the memory limit."
        fix = "Save adata.T, so that its cells can be sampled, or raise the limit memory_bytes."
        raise DatasetError(msg, code="transposed", fix=fix)
    turned = adata.T.copy()
    add_note(
        turned,
        Note(
            "transposed",
            "The names of obs are genes, so the matrix was stored with genes in the rows.",
            "Nothing has to be done; it was turned round. Save adata.T to put the file right.",
        ),
    )
    return turned


def _genes_only(adata: "AnnData", name: str) -> "AnnData":
    """Leave out proteins, peaks and other features, where a column of var tells them apart."""
    column = next((key for key in _FEATURE_COLUMNS if key in adata.var), None)
    return adata if column is None else keep_genes(adata, list(adata.var[column].astype(str)), name)


def _droplets(adata: "AnnData") -> "AnnData":
    """Leave out the empty droplets of a matrix that was not filtered.

    A barcode is a cell when it has a tenth of the counts of the richest barcodes, the rule of
    Cell Ranger 2 (99th percentile of the 3,000 richest, over 10).
    """
    if adata.n_obs <= _MOST_FILTERED or adata.X is None or WHOLE_OBS in adata.uns:
        return adata
    totals = np.asarray(adata.X.sum(axis=1), dtype=np.float64).ravel()
    few = np.isfinite(totals) & (totals < _HARDLY_ANY)
    if few.mean() < _EMPTY_SHARE or not _is_counts(adata.X):
        return adata
    richest = np.sort(totals)[::-1][:_EXPECTED_CELLS]
    least = max(float(_HARDLY_ANY), float(np.percentile(richest, 99)) / 10)
    kept = totals >= least
    if not kept.any():
        return adata
    cells = adata[kept].copy()
    add_note(
        cells,
        Note(
            "empty_droplets",
            f"Of the {adata.n_obs:,} barcodes, {int((~kept).sum()):,} have fewer than "
            f"{least:,.0f} counts, as the empty droplets of an unfiltered matrix have; they were "
            f"left out, and {count(int(kept.sum()), 'cell')} are read.",
            "Open the filtered matrix of the same run (filtered_feature_bc_matrix) instead.",
        ),
    )
    return cells


def _is_counts(matrix: Any) -> bool:
    values = matrix.data if hasattr(matrix, "indptr") else np.asarray(matrix).ravel()
    some = values[:100_000]
    return bool(np.all(some == np.rint(some)) and (some >= 0).all())
