"""What the gene names of a dataset are, whose species they belong to, and how to find one.

The model has its own gene table for matching; this file only needs to recognise kinds of
names, and to turn what a person types ("CD16", "pd-1") into a measured gene.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ._errors import UnknownGeneError
from ._keys import ID_COLUMNS, SYMBOL_COLUMNS
from ._wording import choices, quote

if TYPE_CHECKING:
    import pandas as pd

GeneIdKind = Literal["symbol", "ensembl", "entrez", "mixed", "unknown"]
Species = Literal["human", "mouse", "other", "unknown"]

_ENSEMBL = re.compile(r"^(ENS[A-Z]{0,4}G)\d{11}(\.\d+)?(_PAR_Y)?$", re.IGNORECASE)
_ENTREZ = re.compile(r"^\d{1,9}$")
_SYMBOL = re.compile(r"^[A-Za-z][A-Za-z0-9._@/-]{0,39}$")
_CLONE = re.compile(r"^(RP\d+-|CT[A-D]-|AC\d{6}|AL\d{6}|AP\d{6}|LOC\d+|LINC\d+)")
_MIXED_FROM = 0.1  # share of a second kind from which names count as mixed

# Genes that nearly every human dataset measures; used to tell symbols from other words.
_COMMON_SYMBOLS = frozenset(
    [
        "ACTB",
        "ACTG1",
        "B2M",
        "CALM1",
        "CD3D",
        "CD44",
        "CD74",
        "CD79A",
        "CD9",
        "CFL1",
        "COL1A1",
        "CST3",
        "EEF1A1",
        "EEF2",
        "EPCAM",
        "FOS",
        "FTH1",
        "FTL",
        "GAPDH",
        "GNB1",
        "HSP90AA1",
        "HSPA8",
        "JUN",
        "JUNB",
        "KLF6",
        "LDHA",
        "LGALS1",
        "LYZ",
        "MALAT1",
        "MT-CO1",
        "MT-ND1",
        "MYL6",
        "NKG7",
        "NPM1",
        "PFN1",
        "PGK1",
        "PPIA",
        "PTMA",
        "PTPRC",
        "RACK1",
        "RPL10",
        "RPL13",
        "RPL3",
        "RPLP0",
        "RPLP1",
        "RPS12",
        "RPS18",
        "RPS27",
        "RPS3",
        "RPS6",
        "S100A4",
        "S100A6",
        "SAT1",
        "SERF2",
        "STMN1",
        "SOX2",
        "TMSB10",
        "TMSB4X",
        "TPT1",
        "TUBA1B",
        "UBA52",
        "UBB",
        "UBC",
        "VIM",
        "YWHAZ",
        "DCN",
        "LUM",
        "PECAM1",
        "VWF",
        "KRT8",
        "KRT18",
        "INS",
        "GCG",
        "ALB",
        "APOE",
        "SPP1",
        "CDK1",
        "MKI67",
        "TOP2A",
        "ATP5F1E",
        "ATF4",
        "AHNAK",
        "HMGB1",
        "HMGB2",
        "H3F3A",
        "H3-3A",
        "NEAT1",
        "SLC25A5",
        "ENO1",
        "ALDOA",
        "TPI1",
        "PKM",
        "LAMP1",
        "CTSD",
        "CTSB",
        "GAD1",
        "SNAP25",
        "GFAP",
        "PLP1",
        "MBP",
        "AIF1",
        "ITGAM",
        "MS4A1",
        "CD8A",
        "CD4",
        "FCGR3A",
        "GNLY",
        "PPBP",
        "HBB",
        "HBA1",
        "TP53",
        "MYC",
        "EGFR",
        "BRCA1",
        "STAT1",
        "ISG15",
        "IFI6",
        "SMAD2",
        "NOTCH1",
        "TGFB1",
        "TNF",
        "IL7R",
        "CCR7",
        "CCL5",
        "CXCL8",
        "CXCR4",
        "SELL",
        "HLA-A",
        "HLA-B",
        "HLA-DRA",
    ]
)
_SPECIES_BY_PREFIX = {"ENSG": "human", "ENSMUSG": "mouse"}

# Names that bench biologists use for proteins, and the gene that makes them (HGNC).
PROTEIN_NAMES = {
    "CD8": "CD8A",
    "CD10": "MME",
    "CD11B": "ITGAM",
    "CD11C": "ITGAX",
    "CD13": "ANPEP",
    "CD15": "FUT4",
    "CD16": "FCGR3A",
    "CD16A": "FCGR3A",
    "CD18": "ITGB2",
    "CD20": "MS4A1",
    "CD21": "CR2",
    "CD23": "FCER2",
    "CD25": "IL2RA",
    "CD29": "ITGB1",
    "CD30": "TNFRSF8",
    "CD31": "PECAM1",
    "CD32": "FCGR2A",
    "CD35": "CR1",
    "CD39": "ENTPD1",
    "CD41": "ITGA2B",
    "CD42B": "GP1BA",
    "CD43": "SPN",
    "CD45": "PTPRC",
    "CD49D": "ITGA4",
    "CD49F": "ITGA6",
    "CD56": "NCAM1",
    "CD57": "B3GAT1",
    "CD61": "ITGB3",
    "CD62L": "SELL",
    "CD64": "FCGR1A",
    "CD66B": "CEACAM8",
    "CD71": "TFRC",
    "CD73": "NT5E",
    "CD90": "THY1",
    "CD94": "KLRD1",
    "CD95": "FAS",
    "CD103": "ITGAE",
    "CD105": "ENG",
    "CD107A": "LAMP1",
    "CD115": "CSF1R",
    "CD117": "KIT",
    "CD122": "IL2RB",
    "CD123": "IL3RA",
    "CD127": "IL7R",
    "CD133": "PROM1",
    "CD134": "TNFRSF4",
    "CD137": "TNFRSF9",
    "CD138": "SDC1",
    "CD141": "THBD",
    "CD146": "MCAM",
    "CD150": "SLAMF1",
    "CD152": "CTLA4",
    "CD161": "KLRB1",
    "CD162": "SELPLG",
    "CD183": "CXCR3",
    "CD184": "CXCR4",
    "CD185": "CXCR5",
    "CD194": "CCR4",
    "CD195": "CCR5",
    "CD196": "CCR6",
    "CD197": "CCR7",
    "CD206": "MRC1",
    "CD235A": "GYPA",
    "CD257": "TNFSF13B",
    "CD269": "TNFRSF17",
    "CD278": "ICOS",
    "CD279": "PDCD1",
    "CD303": "CLEC4C",
    "CD304": "NRP1",
    "CD314": "KLRK1",
    "CD319": "SLAMF7",
    "CD326": "EPCAM",
    "CD335": "NCR1",
    "CD366": "HAVCR2",
    "4-1BB": "TNFRSF9",
    "41BB": "TNFRSF9",
    "ALPHA-SMA": "ACTA2",
    "ASMA": "ACTA2",
    "BCMA": "TNFRSF17",
    "BDCA1": "CD1C",
    "BDCA2": "CLEC4C",
    "BDCA3": "THBD",
    "BLIMP1": "PRDM1",
    "CK5": "KRT5",
    "CK8": "KRT8",
    "CK18": "KRT18",
    "CK19": "KRT19",
    "E-CADHERIN": "CDH1",
    "EOMES": "EOMES",
    "F4/80": "ADGRE1",
    "FOXP3": "FOXP3",
    "GRANZYME B": "GZMB",
    "GRANZYME K": "GZMK",
    "HELIOS": "IKZF2",
    "HER2": "ERBB2",
    "HLA-DR": "HLA-DRA",
    "IFNG": "IFNG",
    "IFN-GAMMA": "IFNG",
    "IL-2": "IL2",
    "IL-6": "IL6",
    "IL-8": "CXCL8",
    "IL8": "CXCL8",
    "KI-67": "MKI67",
    "KI67": "MKI67",
    "LAG-3": "LAG3",
    "MHC-II": "HLA-DRA",
    "N-CADHERIN": "CDH2",
    "NEUN": "RBFOX3",
    "NKG2D": "KLRK1",
    "NKP46": "NCR1",
    "OX40": "TNFRSF4",
    "PD1": "PDCD1",
    "PD-1": "PDCD1",
    "PDL1": "CD274",
    "PD-L1": "CD274",
    "PERFORIN": "PRF1",
    "RORGT": "RORC",
    "SCA-1": "LY6A",
    "T-BET": "TBX21",
    "TBET": "TBX21",
    "TIM3": "HAVCR2",
    "TIM-3": "HAVCR2",
    "TNF-ALPHA": "TNF",
    "TNFA": "TNF",
    "VE-CADHERIN": "CDH5",
    "VEGF": "VEGFA",
    "VIMENTIN": "VIM",
}


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
    """

    kind: GeneIdKind
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    slot: str
    species: Species


def name_kind(names: Sequence[str]) -> GeneIdKind:
    """Tell what `names` are; words that no database gives to genes are ``"unknown"``."""
    sample = [str(name).strip() for name in names[:: max(1, len(names) // 5000)]]
    if not sample:
        return "unknown"
    n_ensembl = sum(bool(_ENSEMBL.match(name)) for name in sample) / len(sample)
    n_entrez = sum(bool(_ENTREZ.match(name)) for name in sample) / len(sample)
    n_symbol = sum(is_symbol_like(name) for name in sample) / len(sample)
    if n_ensembl >= 1 - _MIXED_FROM:
        return "ensembl"
    if n_entrez >= 1 - _MIXED_FROM:
        return "unknown" if _is_row_number(names) else "entrez"
    if n_ensembl >= _MIXED_FROM or (n_entrez >= _MIXED_FROM and n_symbol >= _MIXED_FROM):
        return "mixed"
    return "symbol" if n_symbol >= 0.5 and _knows_any(names) else "unknown"


def is_symbol_like(name: str) -> bool:
    """Whether `name` could be a gene symbol."""
    return bool(_SYMBOL.match(name)) and not _ENSEMBL.match(name)


def _is_row_number(names: Sequence[str]) -> bool:
    """Whether names are just 0, 1, 2, ... (a table without gene names)."""
    return all(str(name) == str(row) for row, name in enumerate(names[:200])) or all(
        str(name) == str(row + 1) for row, name in enumerate(names[:200])
    )


def _knows_any(names: Sequence[str]) -> bool:
    """Whether some names are common genes or follow the pattern of named clones."""
    upper = {str(name).upper() for name in names}
    hits = len(upper & _COMMON_SYMBOLS) + sum(bool(_CLONE.match(name)) for name in upper)
    return hits >= max(1, min(5, len(upper) // 100))


def find_species(names: Sequence[str]) -> Species:
    """Tell the species from Ensembl prefixes, else from how common symbols are capitalised."""
    prefixes = [match[1].upper() for name in names if (match := _ENSEMBL.match(str(name)))]
    if len(prefixes) >= 0.5 * len(names) and prefixes:
        top = max(set(prefixes), key=prefixes.count)
        return _SPECIES_BY_PREFIX.get(top, "other")  # type: ignore[return-value]
    known = [str(name) for name in names if str(name).upper() in _COMMON_SYMBOLS]
    if not known:
        return "unknown"
    human = sum(name == name.upper() for name in known)
    mouse = sum(name == name.capitalize() and name != name.upper() for name in known)
    if human >= 0.8 * len(known):
        return "human"
    return "mouse" if mouse >= 0.8 * len(known) else "unknown"


def gene_names(var: "pd.DataFrame") -> GeneNames:
    """Find the best names of the genes in the index or any column of `var`.

    Ensembl ids are best for the model (they do not change); symbols are best for people.
    """
    index = tuple(str(name) for name in var.index)
    columns = {str(column).lower(): column for column in var.columns}
    slots = {"var_names": index}
    for name in (*SYMBOL_COLUMNS, *ID_COLUMNS):
        if name in columns:
            slots[f"var[{str(columns[name])!r}]"] = tuple(map(str, var[columns[name]]))
    kinds = {slot: name_kind(names) for slot, names in slots.items()}
    order = ("ensembl", "symbol", "mixed", "entrez", "unknown")
    index_kind = kinds["var_names"]
    best = "var_names"
    if index_kind in {"unknown", "entrez", "mixed"}:
        best = min(slots, key=lambda slot: order.index(kinds[slot]))
        if order.index(kinds[best]) >= order.index(index_kind):
            best = "var_names"
    symbols = next((slots[s] for s in slots if kinds[s] == "symbol"), None) or slots[best]
    species = find_species(slots[best])
    if species == "unknown":
        species = find_species(symbols)
    return GeneNames(
        kind=kinds[best],
        names=tuple(name.strip() for name in slots[best]),
        symbols=tuple(symbols),
        slot=best,
        species=species,
    )


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
            if _ENSEMBL.match(name):
                lookup.setdefault(name.split(".")[0].upper(), column)
    exact = {name: column for column, name in reversed(list(enumerate(names.symbols)))}
    if wanted in exact:
        return exact[wanted]
    key = wanted.upper()
    tries = [key, key.split(".")[0] if _ENSEMBL.match(key) else key, PROTEIN_NAMES.get(key, key)]
    for name in tries:
        if name in lookup:
            return lookup[name]
    if look_up is not None:
        for name in dict.fromkeys((wanted, tries[-1])):
            if (column := look_up(name)) is not None:
                return column
    raise UnknownGeneError(_unknown_gene(wanted, names, key))


def _unknown_gene(wanted: str, names: GeneNames, key: str) -> str:
    from rapidfuzz import fuzz, process

    near = process.extract(
        key,
        {name: name.upper() for name in dict.fromkeys(names.symbols)},
        scorer=fuzz.ratio,
        limit=5,
        score_cutoff=60,
    )
    gene = PROTEIN_NAMES.get(key)
    known_as = f" (the gene is {gene})" if gene and gene != key else ""
    similar = (
        f"Similar names that are measured: {choices([match[2] for match in near])}."
        if near
        else "No measured gene has a similar name."
    )
    return (
        f"Gene {quote(wanted)}{known_as} is not measured in this dataset of "
        f"{len(names.names):,} genes. {similar} Ask for one of the measured genes."
    )
