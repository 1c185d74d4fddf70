"""What the gene names of a dataset are, whose species they belong to, and how to find one.

The model has its own gene table for matching; this file only needs to recognise kinds of
names, and to turn what a person types ("CD16", "pd-1") into a measured gene.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ._errors import UnknownGeneError
from ._gene_words import COMMON_SYMBOLS, PROTEIN_NAMES
from ._keys import ID_COLUMNS, SYMBOL_COLUMNS
from ._near_names import near_names
from ._species import ENSEMBL, Species, combine, find_species, undecorated, without_genome
from ._wording import choices, quote

if TYPE_CHECKING:
    import pandas as pd

GeneIdKind = Literal["symbol", "ensembl", "entrez", "mixed", "unknown"]

_JOINT = re.compile(r"^(?P<a>[^|;:]+?)[_|;:](?P<b>[^|;:]+)$")  # "CD3D_ENSG00000167286"
_ENTREZ = re.compile(r"^\d{1,9}$")
_SYMBOL = re.compile(r"^[A-Za-z][A-Za-z0-9._@/-]{0,39}$")
_CLONE = re.compile(r"^(RP\d+-|CT[A-D]-|AC\d{6}|AL\d{6}|AP\d{6}|LOC\d+|LINC\d+)")
_MIXED_FROM = 0.1  # share of a second kind from which names count as mixed


@dataclass(frozen=True)
class GeneNames:
    """Names of the genes of one matrix, as given and as people say them.

    Parameters
    ----------
    kind
        What the names with which the model is asked are.
    names
        Those names, shape ``(n_vars,)``.
    symbols
        Names to show, shape ``(n_vars,)``; the same as `names` where no symbols are at hand.
    slot
        Where `names` stand: ``"var_names"`` or ``"var['gene_ids']"``.
    species
        Whose genes they are.
    n_orthologues
        Genes that are read as a human one by a table of orthologues; None where none was used.
    """

    kind: GeneIdKind
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    slot: str
    species: Species
    n_orthologues: int | None = None


def name_kind(names: Sequence[str]) -> GeneIdKind:
    """Tell what `names` are; words that no database gives to genes are ``"unknown"``."""
    sample = [_best_part(str(name)) for name in names[:: max(1, len(names) // 5000)]]
    if not sample:
        return "unknown"
    n_ensembl = sum(bool(ENSEMBL.match(name)) for name in sample) / len(sample)
    n_entrez = sum(bool(_ENTREZ.match(name)) for name in sample) / len(sample)
    n_symbol = sum(is_symbol_like(name) for name in sample) / len(sample)
    if n_ensembl >= 1 - _MIXED_FROM:
        return "ensembl"
    if n_entrez >= 1 - _MIXED_FROM:
        return "unknown" if is_row_number(names) else "entrez"
    if n_ensembl >= _MIXED_FROM or (n_entrez >= _MIXED_FROM and n_symbol >= _MIXED_FROM):
        return "mixed"
    return "symbol" if n_symbol >= 0.5 and _knows_any(names) else "unknown"


def is_symbol_like(name: str) -> bool:
    """Whether `name` could be a gene symbol."""
    return bool(_SYMBOL.match(name)) and not ENSEMBL.match(name)


def is_row_number(names: Sequence[str]) -> bool:
    """Whether names are just 0, 1, 2, ... (a table without gene names)."""
    return all(str(name) == str(row) for row, name in enumerate(names[:200])) or all(
        str(name) == str(row + 1) for row, name in enumerate(names[:200])
    )


def _knows_any(names: Sequence[str]) -> bool:
    """Whether some names are common genes or follow the pattern of named clones."""
    upper = {_best_part(str(name)).upper() for name in names}
    hits = len(upper & COMMON_SYMBOLS) + sum(bool(_CLONE.match(name)) for name in upper)
    return hits >= max(1, min(5, len(upper) // 100))


def _best_part(name: str) -> str:
    """Return the Ensembl id of a joint name, else the name; without the name of a genome."""
    bare = without_genome(name.strip())[0]
    return next((part for part in _parts(bare) if ENSEMBL.match(part)), bare)


def _parts(name: str) -> tuple[str, ...]:
    match = _JOINT.match(name)
    return (match["a"], match["b"]) if match else ()


def _shown_part(name: str) -> str:
    """Return the symbol of a joint name, else the name; without the name of a genome."""
    bare = without_genome(name.strip())[0]
    parts = _parts(bare)
    if any(ENSEMBL.match(part) for part in parts):
        return next((part for part in parts if not ENSEMBL.match(part)), bare)
    return bare


def gene_names(var: "pd.DataFrame", *, declared: Species | None = None) -> GeneNames:
    """Find the best names of the genes in the index or any column of `var`.

    Ensembl ids are best for the model (they do not change); symbols are best for people. Names
    of genomes before a gene and of its place after it are taken off, and an id joined to a symbol
    is taken apart.

    Parameters
    ----------
    declared
        The species that the dataset says it is of.
    """
    index = tuple(undecorated(str(name)) for name in var.index)
    columns = {str(column).lower(): column for column in var.columns}
    slots = {"var_names": index}
    for name in (*SYMBOL_COLUMNS, *ID_COLUMNS):
        if name in columns:
            slots[f"var[{str(columns[name])!r}]"] = tuple(
                undecorated(str(gene)) for gene in var[columns[name]]
            )
    kinds = {slot: name_kind(names) for slot, names in slots.items()}
    order = ("ensembl", "symbol", "mixed", "entrez", "unknown")
    index_kind = kinds["var_names"]
    best = "var_names"
    if index_kind in {"unknown", "entrez", "mixed"}:
        best = min(slots, key=lambda slot: order.index(kinds[slot]))
        if order.index(kinds[best]) >= order.index(index_kind):
            best = "var_names"
    shown = next((slots[s] for s in slots if kinds[s] == "symbol"), None) or slots[best]
    return GeneNames(
        kind=kinds[best],
        names=tuple(without_genome(name.strip())[0] for name in slots[best]),
        symbols=tuple(_shown_part(name) for name in shown),
        slot=best,
        species=combine(_species_of(slots, best, shown), declared),
    )


def _species_of(slots: dict[str, tuple[str, ...]], best: str, shown: tuple[str, ...]) -> Species:
    """Tell the species from all names at hand; any sign of another than human counts."""
    told = [find_species(names) for names in (slots[best], shown, *slots.values())]
    for species in ("mixed", "other", "mouse"):
        if species in told:
            return species  # type: ignore[return-value]
    return "human" if "human" in told else "unknown"


def find_gene(
    asked: str, names: GeneNames, *, look_up: Callable[[str], int | None] | None = None
) -> int:
    """Return the column of the gene that `asked` means.

    Parameters
    ----------
    asked
        Symbol in any case, Ensembl id with or without version, or a protein name.
    names
        Genes of the dataset.
    look_up
        Last resort: the column of a gene by any of its names, from the model's gene table.

    Raises
    ------
    UnknownGeneError
        If it is not measured; the message suggests near names.
    """
    wanted = asked.strip()
    lookup: dict[str, int] = {}
    for pool in (names.names, names.symbols):
        for column, name in enumerate(pool):
            lookup.setdefault(name.upper(), column)
            if ENSEMBL.match(name):
                lookup.setdefault(name.split(".")[0].upper(), column)
    exact = {name: column for column, name in reversed(list(enumerate(names.symbols)))}
    if wanted in exact:
        return exact[wanted]
    key = wanted.upper()
    tries = [key, key.split(".")[0] if ENSEMBL.match(key) else key, PROTEIN_NAMES.get(key, key)]
    # A file may have the older of two names ("IL8") where the newer one is asked for.
    older = [name for name, symbol in PROTEIN_NAMES.items() if symbol == tries[-1]]
    for name in (*tries, *older):
        if name in lookup:
            return lookup[name]
    if look_up is not None:
        for name in dict.fromkeys((wanted, tries[-1])):
            if (column := look_up(name)) is not None:
                return column
    raise UnknownGeneError(_unknown_gene(wanted, names, key))


def _unknown_gene(wanted: str, names: GeneNames, key: str) -> str:
    near = near_names(key, names.symbols)
    gene = PROTEIN_NAMES.get(key)
    known_as = f" (the gene is {gene})" if gene and gene != key else ""
    similar = (
        f"Similar names that are measured: {choices(near)}."
        if near
        else "No measured gene has a similar name."
    )
    return (
        f"Gene {quote(wanted)}{known_as} is not measured in this dataset of "
        f"{len(names.names):,} genes. {similar} Ask for one of the measured genes."
    )
