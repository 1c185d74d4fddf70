"""Cells on disk as rank-value tokens with labels, for more cells than fit into memory.

Each h5ad file becomes a folder named by its content, the gene table and the mapping, so that a
file is read once, a killed run goes on at the next file, and a changed file is read anew. A
folder holds the tokens of all cells in one row (``tokens.bin``), where each cell begins
(``offsets.npy``), the labels (``labels.parquet``) and which genes were measured
(``measured.npy``).
"""

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ._cell_files import CellFile
from ._errors import ConfigError
from ._genes import GeneTable
from ._labels import LabelSpace
from ._pathways import PathwayScorer
from ._tokens import rank_value_tokens
from ._training_data import LEAST_TOKENS, CellBatch

logger = logging.getLogger(__name__)
#: Changes whenever the form of the folders does.
_FORM = 1
#: Cells whose gene sets are scored at a time.
_CHUNK = 2_000


@dataclass(frozen=True)
class CellPart:
    """The cells of one file.

    Parameters
    ----------
    key
        Hash of everything that the part was made from.
    tokens
        ``(sum of n_tokens,)`` tokens of all cells, one after the other.
    offsets
        ``(n + 1,)`` where each cell begins.
    labels
        ``(n, slots)`` term ids, missing where not known.
    measured
        ``(n_genes,)`` bool.
    """

    key: str
    folder: Path
    tokens: np.ndarray
    offsets: np.ndarray
    labels: pd.DataFrame
    measured: np.ndarray

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.offsets) - 1

    def padded(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return tokens ``(n, T)`` padded with 0, and their numbers ``(n,)``."""
        n_tokens = (self.offsets[rows + 1] - self.offsets[rows]).astype(np.int64)
        tokens = np.zeros((len(rows), max(1, int(n_tokens.max(initial=1)))), dtype=np.int64)
        for i, row in enumerate(rows):
            tokens[i, : n_tokens[i]] = self.tokens[self.offsets[row] : self.offsets[row + 1]]
        return tokens, n_tokens


class CellStore:
    """The cells of many files, numbered through.

    Parameters
    ----------
    parts
        One a file; see `build_part`.
    """

    def __init__(self, parts: Sequence[CellPart]) -> None:
        self.parts = list(parts)
        self._starts = np.concatenate(([0], np.cumsum([len(part) for part in self.parts])))
        self._programmes: list[np.ndarray] = []
        self._names: list[str] = []

    def __len__(self) -> int:
        """Return the number of cells."""
        return int(self._starts[-1])

    def place(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part and the row in it of each cell."""
        part = np.searchsorted(self._starts, rows, side="right") - 1
        return part, rows - self._starts[part]

    def used_labels(self) -> list[dict[str, str]]:
        """Return every different label once, as ``{slot: term id}``."""
        return [
            {slot: term_id}
            for part in self.parts
            for slot in part.labels.columns
            for term_id in part.labels[slot].dropna().unique()
        ]

    def fit_reference(self, scorer: PathwayScorer, *, n_cells: int, seed: int) -> None:
        """Fit the reference of the gene sets on cells drawn from all files."""
        rng = np.random.default_rng([seed, 0])
        rows = rng.choice(len(self), min(n_cells, len(self)), replace=False)
        batch = self.batch(np.sort(rows))
        scorer.fit_reference(batch.tokens, batch.n_tokens)

    def score_pathways(
        self, scorer: PathwayScorer, *, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Label each cell with its two most active gene sets."""
        self._names, self._programmes = scorer.names, []
        for part in self.parts:
            best = np.full((len(part), 2), -1, dtype=np.int16)
            for start in range(0, len(part), _CHUNK):
                rows = np.arange(start, min(start + _CHUNK, len(part)))
                best[rows] = scorer.top_two(*part.padded(rows), measured=part.measured)
                progress(len(rows))
            self._programmes.append(best)

    def batch(self, rows: np.ndarray, *, space: LabelSpace | None = None) -> CellBatch:
        """Return cells with their labels, in the order of `rows`.

        Parameters
        ----------
        rows
            ``(n,)`` numbers of cells.
        space
            Leave out labels that are no choice of this space; None keeps all.
        """
        parts, places = self.place(np.asarray(rows))
        cells = [self.parts[p].padded(np.array([i])) for p, i in zip(parts, places, strict=True)]
        width = max(tokens.shape[1] for tokens, _ in cells)
        tokens = np.zeros((len(rows), width), dtype=np.int64)
        for i, (own, _) in enumerate(cells):
            tokens[i, : own.shape[1]] = own[0]
        labels = [self._labels(int(p), int(i), space) for p, i in zip(parts, places, strict=True)]
        return CellBatch(tokens, np.array([int(n[0]) for _, n in cells]), labels)

    def _labels(self, part: int, row: int, space: LabelSpace | None) -> dict[str, str]:
        values = self.parts[part].labels.iloc[row]
        labels = {str(slot): term for slot, term in values.items() if isinstance(term, str)}
        if self._programmes:
            first, second = self._programmes[part][row]
            if second >= 0:
                labels |= {"pathway_1": self._names[first], "pathway_2": self._names[second]}
        if space is None:
            return labels
        stated = set(space.stated)
        return {s: t for s, t in labels.items() if s in stated and t in space.slot(s).choices}


def build_store(
    paths: Sequence[Path],
    folder: Path,
    genes: GeneTable,
    *,
    max_tokens: int,
    mapping: Mapping[str, Mapping[str, str]] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> CellStore:
    """Open the cells of h5ad files, reading those that have not been read before.

    Parameters
    ----------
    paths
        The files.
    folder
        Where parts are kept.
    genes
        Genes of the model.
    max_tokens
        Genes kept per cell.
    mapping
        ``{column: {value: term}}``, see `_labels_from_data`.
    progress
        Called with the number of cells read.

    Raises
    ------
    ConfigError
        If no cell of any file has a cell type.
    """
    parts = []
    for path in paths:
        key = _key(path, genes, mapping, max_tokens)
        if not (folder / key / "labels.parquet").is_file():
            _write_part(path, folder, key, genes, mapping, max_tokens, progress)
        parts.append(open_part(folder / key))
    store = CellStore([part for part in parts if len(part)])
    if not len(store):
        msg = (
            f"No cell of {[p.name for p in paths[:3]]} has a cell type and {LEAST_TOKENS} genes "
            "of the model. The files need cell_type_ontology_term_id, or mixture.mapping."
        )
        raise ConfigError(msg)
    return store


def open_part(folder: Path) -> CellPart:
    """Open a part; its tokens stay on disk."""
    tokens: np.ndarray = np.zeros(0, dtype=np.uint16)
    if (folder / "tokens.bin").stat().st_size:
        tokens = np.memmap(folder / "tokens.bin", dtype=np.uint16, mode="r")
    return CellPart(
        folder.name,
        folder,
        tokens,
        np.load(folder / "offsets.npy"),
        pd.read_parquet(folder / "labels.parquet"),
        np.load(folder / "measured.npy"),
    )


def _write_part(
    path: Path,
    folder: Path,
    key: str,
    genes: GeneTable,
    mapping: Mapping[str, Mapping[str, str]] | None,
    max_tokens: int,
    progress: Callable[[int], None],
) -> None:
    if len(genes) >= np.iinfo(np.uint16).max:
        msg = f"{len(genes)} genes are more than 65,534, which tokens on disk can tell apart."
        raise ConfigError(msg)
    file = CellFile(path, genes, mapping)
    identity = np.arange(len(genes))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        new = Path(scratch) / "part"
        new.mkdir()
        lengths: list[np.ndarray] = []
        kept: list[dict[str, str]] = []
        with (new / "tokens.bin").open("wb") as out:
            for rows, matrix in file.chunks():
                tokens, n_tokens = rank_value_tokens(
                    matrix, identity, genes.medians, max_tokens=max_tokens
                )
                labels = file.labels[rows]
                good = (n_tokens >= LEAST_TOKENS) & [("cell_type" in row) for row in labels]
                flat = tokens[good]
                out.write(flat[flat > 0].astype(np.uint16).tobytes())
                lengths.append(n_tokens[good])
                kept += [row for row, keep in zip(labels, good, strict=True) if keep]
                progress(len(labels))
        ends = np.cumsum(np.concatenate(lengths or [np.zeros(0, np.int64)]))
        np.save(new / "offsets.npy", np.concatenate(([0], ends)))
        np.save(new / "measured.npy", file.measured)
        slots = sorted({slot for row in kept for slot in row})
        table = pd.DataFrame({slot: [row.get(slot) for row in kept] for slot in slots})
        table.astype("category").to_parquet(new / "labels.parquet", index=False)
        new.rename(folder / key)
    file.close()
    logger.info("Read %d labelled cells of %s.", len(kept), path.name)


def _key(
    path: Path,
    genes: GeneTable,
    mapping: Mapping[str, Mapping[str, str]] | None,
    max_tokens: int,
) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 24):
            digest.update(block)
    digest.update(json.dumps([_FORM, mapping, max_tokens], sort_keys=True).encode())
    digest.update("\n".join(genes.table["ensembl_id"].astype(str)).encode())
    digest.update(genes.medians.tobytes())
    return digest.hexdigest()[:24]
