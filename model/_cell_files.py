"""Labelled cells of h5ad files, on the model's genes and on a linear scale."""

import json
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._errors import ConfigError
from ._genes import GeneTable
from ._labels import LabelSpace, LabelTerm
from ._labels_from_data import labels_of, read_mapping
from ._life_stages import span_of_stage
from ._tokens import undo_log1p

if TYPE_CHECKING:
    from ._training_data import RealCells

#: Cells read from a file at a time.
CHUNK = 4_000
#: A log scale does not reach values above this.
_LARGEST_LOG = 20.0


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Return the files that paths and patterns (``train-*.h5ad``) name, in order.

    Raises
    ------
    ConfigError
        If one names nothing.
    """
    files: dict[Path, None] = {}
    for pattern in patterns:
        found = sorted(glob(pattern, recursive=True))  # noqa: PTH207 - may be absolute
        if not found:
            msg = f"mixture.cells names {pattern!r}, but no such file exists. Give h5ad files."
            raise ConfigError(msg)
        files |= dict.fromkeys(map(Path, found))
    return list(files)


def read_terms(path: Path) -> dict[str, LabelTerm]:
    """Read terms with labels, definitions and parents, as ``python -m kb.labels`` writes them.

    Raises
    ------
    ConfigError
        If the file is missing or of another form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))["terms"]
        return {
            i: LabelTerm(i, t["label"], t["definition"], tuple(t["parents"]))
            for i, t in data.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as exc:
        msg = (
            f"{path} is not a file of terms. Write one with "
            "`python -m kb.labels IDS.csv --out labels.json`."
        )
        raise ConfigError(msg) from exc


class CellFile:
    """One h5ad file, read in chunks.

    Raw counts are taken where the file has them: ``raw.X`` first, as the CELLxGENE schema keeps
    them, then ``X``. A log scale is undone.

    Parameters
    ----------
    path
        The file.
    genes
        Genes of the model.
    mapping
        ``{column: {value: term}}``, see `_labels_from_data`.
    """

    def __init__(
        self,
        path: Path,
        genes: GeneTable,
        mapping: Mapping[str, Mapping[str, str]] | None = None,
        *,
        exact_stages: bool = False,
    ) -> None:
        import anndata

        self.path, self._n_genes = path, len(genes)
        try:
            self._adata = anndata.read_h5ad(path, backed="r")
        except (OSError, ValueError, KeyError) as exc:
            msg = f"{path} cannot be read as h5ad: {exc}. Give files that anndata can open."
            raise ConfigError(msg) from exc
        raw = self._adata.raw
        self._source: Any = self._adata if raw is None else raw
        self.labels = labels_of(self._adata.obs, mapping, exact_stages=exact_stages)
        var = self._source.var
        names = self._source.var_names.astype(str).tolist()
        match = genes.match(names)
        if match.n_matched < 0.02 * len(names) and "feature_id" in var.columns:
            match = genes.match(var["feature_id"].astype(str).tolist())
        if not match.n_matched:
            msg = f"No variable of {path} is a gene of the model: {names[:3]}. Use Ensembl ids."
            raise ConfigError(msg)
        self._columns = np.flatnonzero(match.token_ids >= 0)
        self._genes = match.token_ids[self._columns]
        self.measured = np.isin(np.arange(len(genes)), self._genes)
        sample = self._linear(slice(0, 50), undo=False).data
        self.is_counts = bool(np.all(sample == np.round(sample)))
        self._is_log = not self.is_counts and sample.max(initial=0) <= _LARGEST_LOG

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.labels)

    def chunks(self) -> Iterator[tuple[slice, sparse.csr_matrix]]:
        """Yield rows and their ``(n, n_genes)`` expression, linear scale."""
        for start in range(0, len(self), CHUNK):
            rows = slice(start, min(start + CHUNK, len(self)))
            yield rows, self._linear(rows, undo=self._is_log)

    def _linear(self, rows: slice, *, undo: bool) -> sparse.csr_matrix:
        matrix = sparse.csr_matrix(self._source.X[rows]).astype(np.float32)
        matrix = matrix[:, self._columns]
        shape = (matrix.shape[0], self._n_genes)
        matrix = sparse.csr_matrix(
            (matrix.data, self._genes[matrix.indices], matrix.indptr), shape=shape
        )
        matrix.sum_duplicates()
        return undo_log1p(matrix) if undo else matrix

    def close(self) -> None:
        """Close the file."""
        self._adata.file.close()


def load_cells(
    patterns: Sequence[str], genes: GeneTable, mapping: Mapping[str, Mapping[str, str]] | None
) -> "list[RealCells]":
    """Read whole files into memory, for training beside profiles.

    Raises
    ------
    ConfigError
        If a file is missing, unreadable, or has no cell type for any cell.
    """
    from ._training_data import RealCells

    cells = []
    for path in find_files(patterns):
        file = CellFile(path, genes, mapping)
        labels = [row if "cell_type" in row else {} for row in file.labels]
        if not any(labels):
            msg = (
                f"{path} gives no cell a cell type: it lacks cell_type_ontology_term_id. Say with "
                "mixture.mapping which column holds cell types."
            )
            raise ConfigError(msg)
        matrix = sparse.vstack([chunk for _, chunk in file.chunks()], format="csr")
        cells.append(RealCells(path.stem, matrix, labels, file.is_counts))
        file.close()
    return cells


def labelled_files(
    mixture: dict[str, Any], genes: GeneTable, space: LabelSpace
) -> "tuple[list[RealCells], LabelSpace]":
    """Read the files that a compact model's mixture names beside the profiles.

    Parameters
    ----------
    mixture
        Table of the configuration; ``cells`` (files), ``mapping`` and ``terms`` are taken out.
    genes
        Genes of the model.
    space
        Label space of the curated sources.

    Returns
    -------
    The cells, and the label space with what they add.
    """
    patterns, own = mixture.pop("cells", ()), mixture.pop("terms", None)
    mapping = mixture.pop("mapping", None)
    if not patterns:
        return [], space
    cells = load_cells(patterns, genes, read_mapping(Path(mapping)) if mapping else None)
    return cells, fit_to_space(cells, space, read_terms(Path(own)) if own else {})


def fit_to_space(
    cells: "Sequence[RealCells]", space: LabelSpace, terms: Mapping[str, LabelTerm]
) -> LabelSpace:
    """Return the label space with what the cells add, and bring their labels into it, in place.

    A cell type, tissue or disease that `terms` knows becomes a choice of its own. A life stage
    becomes the narrowest choice that covers it, and a slot that the space lacks is left out.
    """
    added: dict[str, set[str]] = {}
    for real in cells:
        for labels in real.labels:
            for slot, term_id in list(labels.items()):
                if slot == "life_stage" and slot in space.slots:
                    wider = _covering(term_id, space.slot(slot).choices)
                    labels.pop(slot) if wider is None else labels.update({slot: wider})
                elif slot not in space.slots:
                    del labels[slot]
                elif term_id not in space.slot(slot).choices:
                    added.setdefault(slot, set()).add(term_id)
    lacking = sorted({t for ids in added.values() for t in ids} - set(terms) - set(space.terms))
    if lacking:
        msg = (
            f"mixture.terms lacks {len(lacking)} labels of the cells, such as {lacking[:5]}. "
            "Write the file with `python -m kb.labels IDS.csv --out labels.json`."
        )
        raise ConfigError(msg)
    if not added:
        return space
    slots = {
        name: (
            sorted({*slot.choices, *added.get(name, ())}),
            sorted({*slot.speakable, *added.get(name, ())}),
        )
        if name in added
        else (list(slot.choices), list(slot.speakable))
        for name, slot in space.slots.items()
    }
    return LabelSpace(dict(terms) | space.terms, slots, space.versions)


def _covering(term_id: str, choices: Sequence[str]) -> str | None:
    """Return the narrowest life stage among the choices that covers a stage."""
    span = span_of_stage(term_id)
    if term_id in choices or span is None:
        return term_id if term_id in choices else None
    around = [
        (other.high - other.low, choice)
        for choice in choices
        if (other := span_of_stage(choice)) is not None
        and other.unit == span.unit
        and other.low <= span.low
        and span.high <= other.high
    ]
    return min(around)[1] if around else None
