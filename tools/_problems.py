"""What is wrong with a dataset that could be read: the checks behind the doctor's report."""

import re
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from ._genes import GeneNames, is_row_number
from ._groupings import find_clustering, is_clustering, list_groupings
from ._inspecting import MatrixFacts
from ._limits import Limits
from ._odd_values import OddValues
from ._reading import Opened
from ._slots import Slot
from ._wording import choices, clean, count, listing, quote

if TYPE_CHECKING:
    import pandas as pd

_MOST_LABELS = 500
_DATE = re.compile(
    r"^(\d{1,2}-(mar|sep|sept|dec|oct|nov|apr|feb)|(mar|sep|sept|dec|oct|nov|apr|feb)-\d{1,2}|"
    r"\d{4}-\d\d-\d\d( 00:00:00)?)$",
    re.IGNORECASE,
)
# Features that are no genes, told from their names: code, pattern, what they are.
_ODD_NAMES = (
    (
        "genomic_regions",
        re.compile(r"^(chr)?[0-9XYM]{1,2}T?[:_-]\d+[-_:]\d+$|^(GL|KI)\d+\.\d[:_-]\d+-\d+$", re.I),
        "genomic regions, as those of ATAC-seq",
    ),
    ("transcripts", re.compile(r"^ENS[A-Z]*T\d{11}", re.I), "transcripts, not genes"),
    (
        "proteins",
        re.compile(r".*([_-](TotalSeq\w*|Total[ABC]|ADT|prot|protein))$", re.I),
        "proteins",
    ),
)


class Problem(BaseModel):
    """One thing that is wrong, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    fix: str


def size_problems(opened: Opened) -> list[Problem]:
    """Say that a sample was read."""
    if opened.n_obs == opened.adata.n_obs:
        return []
    return [
        Problem(
            code="sampled",
            message=(
                f"The file is larger than the memory limit, so a sample of "
                f"{opened.adata.n_obs:,} of {opened.n_obs:,} cells was read, in blocks spread "
                "evenly over the file."
            ),
            fix="Nothing has to be done; raise the limit memory_bytes to read all cells.",
        )
    ]


def reading_problems(facts: MatrixFacts, slot: str, odd: OddValues) -> list[Problem]:
    """Name what keeps the values of the matrix from being read as they stand in the file."""
    found = []
    cells = count(odd.n_cells, "cell") + " read"
    numbers = ((odd.n_missing, "missing value"), (odd.n_infinite, "infinite value"))
    what = listing([count(number, noun) for number, noun in numbers if number])
    if what:
        is_one = odd.n_missing + odd.n_infinite == 1
        found.append(
            Problem(
                code="nan_or_inf",
                message=(
                    f"{slot} holds {what} in the {cells}; "
                    f"{'it is' if is_one else 'they are'} read as zero, that is, not expressed."
                ),
                fix="Put the measured values there, or leave these genes out, and save again.",
            )
        )
    negative = count(odd.n_negative, "negative value")
    as_zero = f"{'it is' if odd.n_negative == 1 else 'they are'} read as zero"
    if odd.n_negative and facts.has_negative and facts.is_whole:
        found.append(
            Problem(
                code="negative_counts",
                message=(
                    f"{slot} holds whole numbers, but also {negative} in the {cells}, so these "
                    f"are no counts; when cells are described, {as_zero}."
                ),
                fix="Save the dataset again with the raw counts in X.",
            )
        )
    elif odd.n_negative and not facts.has_negative:
        found.append(
            Problem(
                code="negative_values",
                message=(
                    f"{slot} holds {facts.wording}, but also {negative} in the {cells}; {as_zero}."
                ),
                fix="Save the dataset again with the raw counts in X.",
            )
        )
    if facts.kind == "scaled":
        found.append(
            Problem(
                code="scaled_only",
                message=(
                    f"{slot} holds {facts.wording}, {odd.n_negative:,} of them negative; no "
                    "counts or log-normalised values are stored, so cells are read only from "
                    "genes above the mean and descriptions are less reliable."
                ),
                fix="Store the raw counts in layers['counts'] or in raw for reliable descriptions.",
            )
        )
    return found


def matrix_problems(facts: MatrixFacts, slot: str, odd: OddValues) -> list[Problem]:
    """Name what is odd about the values of the matrix that is read."""
    found = reading_problems(facts, slot, odd)
    if facts.kind not in {"counts", "scaled"}:
        found.append(
            Problem(
                code="no_counts",
                message=f"No raw counts are stored; {slot} is read, which holds {facts.wording}.",
                fix="Nothing has to be done; raw counts in layers['counts'] would be read first.",
            )
        )
    if facts.n_empty_rows:
        found.append(
            Problem(
                code="empty_cells",
                message=(
                    f"{count(facts.n_empty_rows, 'cell')} of the {facts.n_rows:,} that were "
                    "looked at "
                    f"in {slot} have no expressed gene."
                ),
                fix="Remove the empty cells: scanpy.pp.filter_cells(adata, min_genes=1).",
            )
        )
    return found


def axis_problems(obs: "pd.DataFrame", slot: Slot) -> list[Problem]:
    """Name repeated names, and datasets too small to compare."""
    found = []
    repeats = int(obs.index.duplicated().sum())
    if repeats:
        found.append(
            Problem(
                code="duplicate_barcodes",
                message=f"{count(repeats, 'barcode')} in obs {_repeat(repeats)} an earlier one.",
                fix="Nothing has to be done; adata.obs_names_make_unique() tells them apart.",
            )
        )
    repeats = int(slot.var.index.duplicated().sum())
    if repeats:
        found.append(
            Problem(
                code="duplicate_genes",
                message=f"{count(repeats, 'gene name')} in var {_repeat(repeats)} an earlier one.",
                fix="Call adata.var_names_make_unique(), or sum the columns of each gene.",
            )
        )
    if len(obs) == 1:
        found.append(
            Problem(
                code="one_cell",
                message="The dataset holds a single cell, so nothing can be compared.",
                fix="It can still be described; open a dataset with more cells to compare.",
            )
        )
    if len(slot.var) == 1:
        found.append(
            Problem(
                code="one_gene",
                message="The dataset holds a single gene, so cells cannot be told apart.",
                fix="Save it again with all measured genes.",
            )
        )
    elif len(slot.var) < 50:
        found.append(
            Problem(
                code="few_genes",
                message=f"The dataset holds only {count(len(slot.var), 'gene')}.",
                fix="Save it again with all measured genes, not only a selection.",
            )
        )
    return found


def _repeat(number: int) -> str:
    return "repeats" if number == 1 else "repeat"


def gene_problems(names: GeneNames, n_matched: int | None, limits: Limits) -> list[Problem]:
    """Name what keeps the model from reading the genes."""
    found = []
    if names.kind == "unknown" and is_row_number(names.names):
        found.append(
            Problem(
                code="no_gene_names",
                message="The genes have no names: var_names only counts them.",
                fix="Put gene symbols or Ensembl ids in var_names and save again.",
            )
        )
    elif names.kind in {"unknown", "entrez"}:
        found.append(_odd_names(names))
    found += _species_problems(names)
    dates = [name for name in names.symbols if _DATE.match(name)]
    if dates:
        found.append(
            Problem(
                code="genes_as_dates",
                message=(
                    f"{count(len(dates), 'gene name')} became a date in a spreadsheet: "
                    f"{choices(dates[:3])}."
                ),
                fix="Take the names from the original file, not from the spreadsheet.",
            )
        )
    if n_matched is not None and n_matched < limits.genes_matched:
        found.append(
            Problem(
                code="few_genes_matched",
                message=f"Only {n_matched:,} of the model's genes were found.",
                fix="Put human gene symbols or Ensembl ids in var_names and save again.",
            )
        )
    return found


def _odd_names(names: GeneNames) -> Problem:
    """Say what names are that are neither symbols nor Ensembl ids."""
    example = choices(names.names[:3])
    fix = "Put gene symbols or Ensembl ids in var_names and save again."
    if names.kind == "entrez":
        message = f"The genes are named by Entrez numbers: {example}."
        return Problem(code="gene_ids_entrez", message=message, fix=fix)
    for code, pattern, what in _ODD_NAMES:
        if sum(bool(pattern.match(name)) for name in names.names) >= 0.5 * len(names.names):
            fix = "Open the matrix of gene expression of the same cells."
            return Problem(code=code, message=f"The features are {what}: {example}.", fix=fix)
    message = f"The gene names are neither symbols nor Ensembl ids: {example}."
    return Problem(code="gene_ids_unknown", message=message, fix=fix)


def _species_problems(names: GeneNames) -> list[Problem]:
    if names.n_orthologues is not None:
        return [
            Problem(
                code="read_by_orthologues",
                message=(
                    f"The genes are those of a mouse; {names.n_orthologues:,} of "
                    f"{len(names.names):,} are read as their one human orthologue."
                ),
                fix="Nothing has to be done; every description says so.",
            )
        ]
    if names.species == "mixed":
        return [
            Problem(
                code="mixed_species",
                message=(
                    "The genes or cells are of several species, and the model has read human "
                    "cells only."
                ),
                fix="Keep the human cells and genes and save again; now no cell is described.",
            )
        ]
    if names.species not in {"mouse", "other"}:
        return []
    is_mouse = names.species == "mouse"
    what = "mouse genes" if is_mouse else "genes of another species than human"
    how = " unless a table of one-to-one orthologues is given" if is_mouse else ""
    return [
        Problem(
            code="species_not_human",
            message=f"The gene names are {what}, and the model has read human cells only.",
            fix=f"Clusters, markers and plots work; cells are not described{how}.",
        )
    ]


def grouping_problems(obs: "pd.DataFrame", limits: Limits) -> list[Problem]:
    """Name what is odd about the columns that group cells."""
    found = []
    key = find_clustering(obs, limit=limits.clusters)
    if key is not None and obs[key].dtype.kind == "f":
        found.append(
            Problem(
                code="cluster_labels_float",
                message=f"The cluster labels in obs['{clean(key)}'] are decimal numbers.",
                fix="Nothing has to be done; they are read as '0', '1', and so on.",
            )
        )
    found += _label_problems(obs)
    hostile = [
        grouping.key
        for grouping in list_groupings(obs, limit=limits.clusters)
        if any(
            clean(v, limit=len(str(v)) + 1) != " ".join(str(v).split())
            for v in _labels(obs, grouping.key)
        )
    ]
    if hostile:
        found.append(
            Problem(
                code="unsafe_labels",
                message=f"Labels in {choices(hostile)} hold control characters or markup.",
                fix="Nothing has to be done; they are shown without them.",
            )
        )
    return found


def _label_problems(obs: "pd.DataFrame") -> list[Problem]:
    """Name clusterings with more labels than can be shown, and labels beyond ASCII."""
    found = []
    for key in obs.columns:
        column = obs[key]
        if column.dtype.kind not in "OiU" and str(column.dtype) != "category":
            continue
        n_labels = int(column.nunique())
        named = is_clustering(str(key), ["0"])
        if named and n_labels > _MOST_LABELS:
            found.append(
                Problem(
                    code="too_many_clusters",
                    message=f"The column {quote(key)} has {n_labels:,} different labels.",
                    fix="Nothing has to be done; it is left aside and cells are clustered anew.",
                )
            )
        elif n_labels <= _MOST_LABELS and not all(
            str(label).isascii() for label in column.dropna().unique()
        ):
            found.append(
                Problem(
                    code="non_ascii_labels",
                    message=f"Labels in {quote(key)} hold letters beyond ASCII.",
                    fix="Nothing has to be done; they are shown as they are.",
                )
            )
    return found


def _labels(obs: "pd.DataFrame", key: str) -> np.ndarray:
    return obs[key].dropna().unique()
