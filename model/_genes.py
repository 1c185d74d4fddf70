"""The genes a checkpoint knows: identifiers, aliases and the median that ranks them.

The table travels inside the checkpoint as ``genes.parquet``, so that what the model was trained
on decides what is matched, whatever annotation release a dataset was made with.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ._errors import CheckpointError

#: Columns of ``genes.parquet``; row ``i`` is gene ``i``.
COLUMNS = ("ensembl_id", "symbol", "aliases", "median")
#: An Ensembl gene id, alone or joined to a symbol ("HLA-A_ENSG00000206503"), any version.
_ENSEMBL = re.compile(r"(?:^|[_|;:])(ENS[A-Z]*G\d{6,})(?:\.\d+)?(?:$|[_|;:])", re.IGNORECASE)
#: What joins a symbol to an identifier in a variable name.
_JOINT = re.compile(r"[_|;:]")

GeneKind = Literal["symbol", "ensembl", "mixed", "unknown"]


@dataclass(frozen=True)
class GeneMatch:
    """How the variables of a dataset map to the genes of the model.

    Parameters
    ----------
    kind
        What the names are.
    token_ids
        ``(n_vars,)`` int64, row of the gene table, -1 where the model does not know the gene.
    n_matched
        Number of different genes of the model that were found.
    n_genes_model
        Number of genes the model knows.
    by_alias
        Names that matched through an older symbol, with the current one.
    """

    kind: GeneKind
    token_ids: np.ndarray
    n_matched: int
    n_genes_model: int
    by_alias: dict[str, str]


class GeneTable:
    """Gene identifiers of a checkpoint, with look-up by Ensembl id, symbol or alias."""

    def __init__(self, table: pd.DataFrame) -> None:
        missing = [column for column in COLUMNS if column not in table.columns]
        if missing:
            msg = f"The gene table lacks the columns {missing}. It needs {list(COLUMNS)}."
            raise CheckpointError(msg)
        self.table = table.reset_index(drop=True)
        self.symbols: list[str] = self.table["symbol"].astype(str).tolist()
        self.medians = self.table["median"].to_numpy(np.float32)
        self._by_id = {g: i for i, g in enumerate(self.table["ensembl_id"].astype(str))}
        self._by_symbol = {s.upper(): i for i, s in enumerate(self.symbols)}
        self._by_alias: dict[str, int] = {}
        for row, aliases in enumerate(self.table["aliases"].fillna("").astype(str)):
            for alias in filter(None, aliases.split("|")):
                if alias.upper() not in self._by_symbol:
                    self._by_alias.setdefault(alias.upper(), row)
        self._last: tuple[tuple[str, ...], GeneMatch] | None = None

    def __len__(self) -> int:
        """Return the number of genes."""
        return len(self.symbols)

    @classmethod
    def load(cls, path: Path) -> "GeneTable":
        """Read ``genes.parquet``.

        Raises
        ------
        CheckpointError
            If the file is missing or lacks a column.
        """
        if not path.is_file():
            msg = f"{path.name} is missing in {path.parent}. Copy the whole checkpoint folder."
            raise CheckpointError(msg)
        return cls(pd.read_parquet(path))

    def save(self, path: Path) -> None:
        """Write ``genes.parquet``."""
        self.table.to_parquet(path, index=False, compression="zstd")

    def match(self, names: Sequence[str]) -> GeneMatch:
        """Match variable names to genes.

        Ensembl ids are compared without their version, symbols without case; of a symbol joined
        to an id the id counts first. An older symbol is used only where no variable carries the
        current one.

        Parameters
        ----------
        names
            ``(n_vars,)`` names as the dataset gives them; the same ones again are not looked up
            again.
        """
        key = tuple(map(str, names))
        last = self._last
        if last is None or last[0] != key:
            last = self._last = key, self._match(key)
            last[1].token_ids.flags.writeable = False
        return last[1]

    def _match(self, names: tuple[str, ...]) -> GeneMatch:
        token_ids = np.full(len(names), -1, dtype=np.int64)
        pending: list[tuple[int, str, int]] = []
        n_ensembl = n_symbol = 0
        for column, raw in enumerate(names):
            name = raw.strip()
            ensembl = _ENSEMBL.search(name)
            row = self._by_id.get(ensembl.group(1).upper(), -1) if ensembl else -1
            n_ensembl += row >= 0
            if row < 0:
                symbol = _JOINT.split(name)[0] if ensembl else name
                row = self._by_symbol.get(symbol.upper(), -1)
                n_symbol += row >= 0
                if row < 0 and symbol.upper() in self._by_alias:
                    pending.append((column, symbol, self._by_alias[symbol.upper()]))
            token_ids[column] = row
        found = set(token_ids[token_ids >= 0].tolist())
        by_alias: dict[str, str] = {}
        for column, name, row in pending:
            if row not in found:
                token_ids[column] = row
                found.add(row)
                by_alias[name] = self.symbols[row]
        n_symbol += len(by_alias)
        return GeneMatch(
            kind=_kind(n_symbol, n_ensembl),
            token_ids=token_ids,
            n_matched=len(found),
            n_genes_model=len(self),
            by_alias=by_alias,
        )


def _kind(n_symbol: int, n_ensembl: int) -> GeneKind:
    if n_symbol + n_ensembl == 0:
        return "unknown"
    share = n_ensembl / (n_symbol + n_ensembl)
    if share > 0.95:
        return "ensembl"
    return "symbol" if share < 0.05 else "mixed"
