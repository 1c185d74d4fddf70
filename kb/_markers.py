"""Marker genes of cell types: which types a gene speaks for, which genes a type is known by.

The table that comes along is derived from the Cell Marker Accordion (`markers.md` beside it tells
its licence and sources; `markers.py` makes it). A user's own table is read from a CSV or TSV.
Published markers are claims of papers and databases: how many sources make a claim is kept with
each, and nothing here is computed from expression.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from math import log2
from pathlib import Path
from typing import Any, Self

from ._errors import KnowledgeError

_COLUMNS = {
    "gene": ("gene", "marker", "symbol", "gene_symbol", "gene symbol"),
    "cell_type": ("cell_type", "cell type", "celltype", "type", "cl_id", "cell_type_id"),
    "tissue": ("tissue", "organ"),
    "source": ("source", "reference", "resource", "pmid"),
    "sign": ("sign", "marker_type", "direction"),
}
"""Columns of a user's table by the names they may have, in lower case; the first two are needed."""
_NEGATIVE = frozenset({"-", "-1", "negative", "neg", "down", "absent"})
_MOST_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class Marker:
    """A claim that a gene marks a cell type.

    `is_positive` is False where the gene's absence marks the type. `sources` are the databases
    that make the claim, `tissues` the UBERON ids for which they make it. `n_types` counts the
    types of the table that the gene marks, by which a gene that marks everything is told.
    """

    gene: str
    term_id: str
    is_positive: bool
    sources: tuple[str, ...]
    tissues: tuple[str, ...]
    n_types: int

    @property
    def score(self) -> float:
        """Sources, weighted down for genes that mark many types: n² / log2(2 + types).

        The square keeps a gene that two sources name for this type alone behind one that
        most of them name, as for epithelial cells ABCC13 behind EPCAM.
        """
        return len(self.sources) ** 2 / log2(2.0 + self.n_types)


class MarkerTable:
    """Claims of markers, findable by gene and by cell type.

    Parameters
    ----------
    rows
        (gene, term id, positive, sources, tissues) of each claim; a gene and type once a sign.
    source
        Where the table is from, in words.
    """

    def __init__(
        self,
        rows: Iterable[tuple[str, str, bool, tuple[str, ...], tuple[str, ...]]],
        *,
        source: str,
    ) -> None:
        self.source = source
        self._rows = list(rows)

    @classmethod
    def shipped(cls) -> Self:
        """Read the table that comes along."""
        import pyarrow.parquet as pq

        with as_file(files(__package__).joinpath("markers.parquet")) as path:
            table = pq.read_table(path)
        about = {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
        resources = about["resources"].split(";")

        def named(mask: int) -> tuple[str, ...]:
            return tuple(name for bit, name in enumerate(resources) if mask >> bit & 1)

        names = {mask: named(mask) for mask in set(table["sources"].to_pylist())}
        columns = [table[key].to_pylist() for key in ("gene", "term_id", "is_positive")]
        masks, tissues = table["sources"].to_pylist(), table["tissues"].to_pylist()
        rows = zip(
            *columns,
            (names[mask] for mask in masks),
            (tuple(text.split()) for text in tissues),
            strict=True,
        )
        return cls(rows, source=about["title"])

    @classmethod
    def read(cls, path: Path, *, resolve: Callable[[str], str | None]) -> Self:
        """Read a user's table: a CSV or TSV with a column of genes and one of cell types.

        Parameters
        ----------
        resolve
            Gives the id of a cell type's name, or None.

        Raises
        ------
        KnowledgeError
            If the file cannot be read, lacks a column, is too long or names no cell type.
        """
        rows = _user_rows(path)
        names = dict.fromkeys(row["cell_type"] for row in rows)
        ids = {name: resolve(name) for name in names}
        claims: dict[tuple[str, str, bool], tuple[set[str], set[str]]] = {}
        for row in rows:
            term_id = ids[row["cell_type"]]
            if term_id is None or not row["gene"]:
                continue
            is_positive = row["sign"].casefold() not in _NEGATIVE
            sources, tissues = claims.setdefault(
                (row["gene"], term_id, is_positive), (set(), set())
            )
            sources.add(row["source"] or path.name)
            tissues.update({row["tissue"]} - {""})
        if not claims:
            shown = ", ".join(repr(name) for name in list(names)[:5]) or "none"
            msg = (
                f"No cell type of {path.name} is known to the Cell Ontology; the first are "
                f"{shown}. Write names such as 'T cell' or ids such as CL:0000084."
            )
            raise KnowledgeError(msg)
        found = (
            (*key, tuple(sorted(sources)), tuple(sorted(tissues)))
            for key, (sources, tissues) in claims.items()
        )
        return cls(found, source=path.name)

    def __len__(self) -> int:
        return len(self._rows)

    def of_gene(self, gene: str) -> list[Marker]:
        """Return the claims about a gene symbol, in any case, the best supported first."""
        return _ranked(self._by_gene.get(gene.upper(), ()), by_type=True)

    def of_type(self, term_id: str) -> list[Marker]:
        """Return the genes a cell type is known by, the best supported and most telling first."""
        return _ranked(self._by_type.get(term_id, ()), by_type=False)

    def genes(self) -> list[str]:
        """Return the genes of the table, in capitals."""
        return list(self._by_gene)

    @cached_property
    def _by_gene(self) -> dict[str, list[Marker]]:
        grouped: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in self._rows:
            grouped[row[0].upper()].append(row)
        return {
            key: [Marker(*row, n_types=len({other[1] for other in rows})) for row in rows]
            for key, rows in grouped.items()
        }

    @cached_property
    def _by_type(self) -> dict[str, list[Marker]]:
        grouped: dict[str, list[Marker]] = defaultdict(list)
        for markers in self._by_gene.values():
            for marker in markers:
                grouped[marker.term_id].append(marker)
        return dict(grouped)


def _ranked(markers: Sequence[Marker], *, by_type: bool) -> list[Marker]:
    def rank(marker: Marker) -> tuple[float, int, str]:
        support = -float(len(marker.sources)) if by_type else -marker.score
        return support, -len(marker.tissues), marker.term_id if by_type else marker.gene

    return sorted(markers, key=rank)


def _user_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a user's table, with the columns that are known by any of their names."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            delimiter = "\t" if "\t" in handle.readline() else ","
            handle.seek(0)
            table = csv.DictReader(handle, delimiter=delimiter)
            header = {str(name).strip().casefold(): name for name in table.fieldnames or ()}
            found = {
                key: next((header[name] for name in names if name in header), None)
                for key, names in _COLUMNS.items()
            }
            if found["gene"] is None or found["cell_type"] is None:
                msg = (
                    f"{path.name} has the columns {', '.join(map(repr, header.values()))}. "
                    "A table of markers needs a column 'gene' and a column 'cell_type'; 'tissue', "
                    "'source' and 'sign' may be there. Rename the columns."
                )
                raise KnowledgeError(msg)
            rows = []
            for row in table:
                if len(rows) >= _MOST_ROWS:
                    msg = f"{path.name} has more than {_MOST_ROWS:,} rows. Give a shorter table."
                    raise KnowledgeError(msg)
                rows.append(
                    {
                        key: (row.get(name) or "").strip() if name else ""
                        for key, name in found.items()
                    }
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path.name} cannot be read as a table ({error}). Give a CSV or TSV file in UTF-8."
        raise KnowledgeError(msg) from error
    return rows
