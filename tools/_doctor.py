"""What a file is, what is wrong with it and how to put it right: the `doctor` command.

The report's fields are a contract with scripts. Each problem has a stable code:

- The file cannot be opened: ``file_not_found``, ``unreadable_file``, ``empty_file``,
  ``file_too_large``, ``out_of_memory``, ``bad_gzip``, ``packed_hdf5``, ``web_page``,
  ``lfs_pointer``, ``r_object``, ``not_a_dataset``, ``not_anndata``, ``damaged_file``,
  ``shape_mismatch``, ``missing_part``, ``encrypted_file``, ``unsafe_archive``,
  ``archive_too_large``, ``no_cells``, ``no_genes``, ``too_many_cells``, ``too_many_genes``,
  ``no_matrix``, ``not_numeric``, ``all_zero``.
- It was put right on reading: ``transposed``, ``numbers_as_text``, ``wrong_extension``,
  ``sampled``, ``cluster_labels_float``, ``unsafe_labels``, ``non_ascii_labels``,
  ``duplicate_barcodes``, ``duplicate_genes``, ``nan_or_inf``.
- It limits what can be asked: ``no_counts``, ``scaled_only``, ``negative_counts``,
  ``empty_cells``, ``one_cell``, ``one_gene``, ``few_genes``, ``no_gene_names``,
  ``gene_ids_unknown``, ``gene_ids_entrez``, ``species_not_human``, ``few_genes_matched``,
  ``too_many_clusters``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from ._errors import DatasetError
from ._genes import GeneIdKind, GeneNames, Species, gene_names, is_row_number
from ._groupings import find_clustering, is_clustering, list_groupings
from ._inspecting import MatrixFacts, MatrixKind
from ._limits import Limits
from ._reading import Opened, read_dataset
from ._slots import Slot, choose_slot, list_slots
from ._wording import choices, clean, count, listing, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_MOST_LABELS = 500


class GeneMatcher(Protocol):
    """The part of the model's gene table that this file needs."""

    def match(self, names: "Sequence[str]") -> "GeneMatched":
        """Match names to the genes of the model."""


class GeneMatched(Protocol):
    """Result of matching."""

    n_matched: int


class Problem(BaseModel):
    """One thing that is wrong, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    fix: str


class DoctorReport(BaseModel):
    """What a file holds; the JSON that ``cell2text doctor --json`` prints.

    ``layer`` names the slot that is read: ``X``, ``raw.X`` or ``layers['counts']``.
    ``genes_matched`` is null where no model was at hand to match with.
    """

    model_config = ConfigDict(frozen=True)

    format: str
    n_obs: int = 0
    n_vars: int = 0
    matrix: MatrixKind = "unknown"
    layer: str | None = None
    gene_ids: GeneIdKind = "unknown"
    species: Literal[Species] = "unknown"
    genes_matched: int | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether a session can open the file."""
        return self.layer is not None


def doctor(
    path: Path, *, genes: GeneMatcher | None = None, limits: Limits | None = None
) -> DoctorReport:
    """Examine the file at `path`; a broken file gives a report, never an exception.

    Parameters
    ----------
    path
        File or folder.
    genes
        Gene table of the model, to count how many of its genes were found.
    """
    limits = limits or Limits()
    try:
        opened = read_dataset(Path(path), limits=limits)
        return examine(opened, genes=genes, limits=limits)
    except DatasetError as error:
        problem = Problem(code=error.code, message=error.message, fix=error.fix)
        return DoctorReport(
            format=Path(path).suffix.lower().lstrip(".") or "unknown", problems=(problem,)
        )


def examine(
    opened: Opened,
    *,
    genes: GeneMatcher | None = None,
    limits: Limits | None = None,
) -> DoctorReport:
    """Report on a dataset that was read.

    Raises
    ------
    DatasetError
        If no matrix can be read.
    """
    limits = limits or Limits()
    adata = opened.adata
    slot = choose_slot(list_slots(adata))
    names = gene_names(slot.var)
    n_matched = None if genes is None else int(genes.match(names.names).n_matched)
    problems = [
        *(Problem(code=n.code, message=n.message, fix=n.fix) for n in opened.notes),
        *_size_problems(opened),
        *_matrix_problems(slot.facts, slot.name),
        *_axis_problems(opened.obs, slot),
        *_gene_problems(names, n_matched, limits),
        *_grouping_problems(opened.obs, limits),
    ]
    return DoctorReport(
        format=opened.format,
        n_obs=opened.n_obs,
        n_vars=len(slot.var),
        matrix=slot.facts.kind,
        layer=slot.name,
        gene_ids=names.kind,
        species=names.species,
        genes_matched=n_matched,
        problems=tuple(problems),
    )


def _size_problems(opened: Opened) -> list[Problem]:
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


def _matrix_problems(facts: MatrixFacts, slot: str) -> list[Problem]:
    found = []
    if facts.has_nan or facts.has_inf:
        what = listing(["missing values"] * facts.has_nan + ["infinite values"] * facts.has_inf)
        found.append(
            Problem(
                code="nan_or_inf",
                message=f"{slot} holds {what}; they are read as zero.",
                fix="Save the dataset again without them.",
            )
        )
    if facts.has_negative and facts.is_whole:
        found.append(
            Problem(
                code="negative_counts",
                message=f"{slot} holds whole numbers, but some are negative: no counts.",
                fix="Save the dataset again with the raw counts in X.",
            )
        )
    if facts.kind == "scaled":
        found.append(
            Problem(
                code="scaled_only",
                message=f"{slot} holds z-scores; no counts or log-normalised values are stored.",
                fix="Store the raw counts in layers['counts'] or in raw for reliable descriptions.",
            )
        )
    elif facts.kind != "counts":
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


def _axis_problems(obs: "pd.DataFrame", slot: Slot) -> list[Problem]:
    found = []
    repeats = int(obs.index.duplicated().sum())
    if repeats:
        found.append(
            Problem(
                code="duplicate_barcodes",
                message=f"{count(repeats, 'barcode')} in obs repeat an earlier one.",
                fix="Nothing has to be done; adata.obs_names_make_unique() tells them apart.",
            )
        )
    repeats = int(slot.var.index.duplicated().sum())
    if repeats:
        found.append(
            Problem(
                code="duplicate_genes",
                message=f"{count(repeats, 'gene name')} in var repeat an earlier one.",
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


def _gene_problems(names: GeneNames, n_matched: int | None, limits: Limits) -> list[Problem]:
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
        example = choices(names.names[:3])
        found.append(
            Problem(
                code="gene_ids_unknown" if names.kind == "unknown" else "gene_ids_entrez",
                message=f"The gene names are neither symbols nor Ensembl ids: {example}.",
                fix="Put gene symbols or Ensembl ids in var_names and save again.",
            )
        )
    if names.species in {"mouse", "other"}:
        what = "mouse genes" if names.species == "mouse" else "genes of another species than human"
        found.append(
            Problem(
                code="species_not_human",
                message=f"The gene names are {what}, and the model has read human cells only.",
                fix="Clusters, markers and plots work; cells are not described.",
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


def _grouping_problems(obs: "pd.DataFrame", limits: Limits) -> list[Problem]:
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
