"""What a file is, what is wrong with it and how to put it right: the `doctor` command.

The report's fields are a contract with scripts. Each problem has a stable code; `_codes` lists
them all, and docs/doctor.md explains them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

from ._cellxgene_columns import missing_columns
from ._errors import DatasetError
from ._genes import GeneIdKind, gene_names
from ._inspecting import MatrixKind
from ._limits import Limits
from ._odd_values import count_odd_values
from ._orthologues import Orthologues
from ._problems import (
    Problem,
    axis_problems,
    gene_problems,
    grouping_problems,
    matrix_problems,
    size_problems,
)
from ._reading import Opened, read_dataset
from ._slots import choose_slot, list_slots
from ._species import Species, declared_species

if TYPE_CHECKING:
    from collections.abc import Sequence


class GeneMatcher(Protocol):
    """The part of the model's gene table that this file needs."""

    def match(self, names: "Sequence[str]") -> "GeneMatched":
        """Match names to the genes of the model."""


class GeneMatched(Protocol):
    """Result of matching."""

    n_matched: int


class DoctorReport(BaseModel):
    """What a file holds; the JSON that ``cell2text doctor --json`` prints.

    ``layer`` names the slot that is read: ``X``, ``raw.X`` or ``layers['counts']``.
    ``genes_matched`` is null where no model was at hand to match with. ``cellxgene_lacks`` names
    columns of obs that the CELLxGENE schema asks for, and that only the owner can fill.
    """

    model_config = ConfigDict(frozen=True)

    format: str
    n_obs: int = 0
    n_vars: int = 0
    matrix: MatrixKind = "unknown"
    layer: str | None = None
    gene_ids: GeneIdKind = "unknown"
    species: Species = "unknown"
    genes_matched: int | None = None
    problems: tuple[Problem, ...] = ()
    cellxgene_lacks: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return the lines that ``cell2text doctor`` prints."""
        held = self.model_dump(exclude={"problems"})
        held["cellxgene_lacks"] = ", ".join(self.cellxgene_lacks) or "nothing"
        lines = [f"{name:17}{'not known' if v is None else v}" for name, v in held.items()]
        lines += [f"\n{item.code}: {item.message}\n  {item.fix}" for item in self.problems]
        return "\n".join(lines)

    @property
    def is_usable(self) -> bool:
        """Whether a session can open the file."""
        return self.layer is not None


def doctor(
    path: Path,
    *,
    genes: GeneMatcher | None = None,
    limits: Limits | None = None,
    orthologues: Path | None = None,
) -> DoctorReport:
    """Examine the file at `path`; a broken file gives a report, never an exception.

    Parameters
    ----------
    path
        File or folder.
    genes
        Gene table of the model, to count how many of its genes were found.
    orthologues
        Table of a mouse's genes and the human ones.

    Raises
    ------
    DatasetError
        ``bad_orthologues`` if that table cannot be used.
    """
    limits = limits or Limits()
    pairs = None if orthologues is None else Orthologues.load(orthologues)
    try:
        opened = read_dataset(Path(path), limits=limits)
        return examine(opened, genes=genes, limits=limits, orthologues=pairs)
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
    orthologues: Orthologues | None = None,
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
    names = gene_names(slot.var, declared=declared_species(adata))
    names = names if orthologues is None else orthologues.apply(names)
    n_matched = None if genes is None else int(genes.match(names.names).n_matched)
    problems = [
        *(Problem(code=n.code, message=n.message, fix=n.fix) for n in opened.notes),
        *size_problems(opened),
        *matrix_problems(slot.facts, slot.name, count_odd_values(slot.matrix)),
        *axis_problems(opened.obs, slot),
        *gene_problems(names, n_matched, limits),
        *grouping_problems(opened.obs, limits),
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
        cellxgene_lacks=tuple(missing_columns(opened.obs)),
    )
