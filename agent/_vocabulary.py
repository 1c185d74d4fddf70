"""What the open dataset can be asked about: the names that a question may mention."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tools import ToolError

from ._toolset import as_artifact
from ._words import CELL_ABBREVIATIONS

if TYPE_CHECKING:
    from tools import Session

logger = logging.getLogger(__name__)

_CONDITION = re.compile(
    r"(?i)condition|treat|stim|disease|diagnos|status|genotype|response|time|group|drug|infect"
)

_PERSON = re.compile(r"(?i)donor|patient|subject|indiv|participant")
_OTHERS_LABELS = re.compile(
    r"(?i)cell_?types?|labels?$|annot|cluster|leiden|louvain|ontology|barcode|_snn_res|^cell2text"
)
_AUTHORS_LABELS = re.compile(
    r"(?i)^(?!cell2text|.*ontology|.*barcode)(?:.*cell_?types?|.*labels?|.*annot\w*|"
    r"cluster_(?:id|name|label))$"
)
_SAYS_NOTHING = frozenset(  # kinds of cell that nearly every cell is
    {"cell", "eukaryotic cell", "animal cell", "native cell", "somatic cell", "nucleate cell",
     "motile cell", "single nucleate cell", "anucleate cell"}
)  # fmt: skip
_MOST_LABELS = 60
_MOST_GROUPED = 300
_MOST_VALUES = 24  # of a column whose values may be named in a question
_UNLIKELY = 0.75  # below this score a vector match is not taken for the name of a cell type


@dataclass(frozen=True)
class Named:
    """A cell type as the ontology names it."""

    id: str
    label: str


@dataclass(frozen=True)
class Vocabulary:
    """Names of one dataset, and how to look up a cell type.

    Parameters
    ----------
    clusters
        Labels in their natural order; empty while no dataset is open.
    genes
        Lower-case name to the name as the dataset writes it.
    columns
        Lower-case obs column to the column.
    sizes
        Cells per cluster, to know which is the biggest.
    resolve
        Finds a cell type by name; None if there is none.
    more_cells
        Names of cells of a cluster (or of all), other than those given, at most so many.
    is_a
        Whether the first term id is the second or lies below it.
    values
        Column to its values, for columns that divide the cells into a few groups and are no
        clustering and nobody's cell types.
    people
        Columns that tell people apart; their values are never repeated.
    selections
        Names of the selections there are now, oldest first.
    recall
        Gives the plain part of the evidence with an id, made in this conversation or beside it.
    authors
        Lower-case label that the file's authors gave to cells, also as the ontology spells it, to
        its column and itself.
    common
        Gives the nearest term above two others.
    resolve_elsewhere
        Names the ontology of tissues, diseases or life stages that knows a name.
    labels
        Every column that divides the cells into groups, and its values.
    numbers
        Columns of numbers.
    term_of
        Gives the id of the cell type that a label of the authors surely means.
    tables
        Names of the layers and coordinates that the file holds beside its matrix.
    """

    clusters: tuple[str, ...] = ()
    genes: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    resolve: Callable[[str], Named | None] = lambda text: None
    more_cells: Callable[[str | None, frozenset[str], int], list[str]] = lambda c, seen, n: []
    is_a: Callable[[str, str], bool] = lambda term_id, ancestor_id: term_id == ancestor_id
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    people: frozenset[str] = frozenset()
    selections: Callable[[], tuple[str, ...]] = tuple
    recall: Callable[[str], Mapping[str, Any] | None] = lambda name: None
    authors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    common: Callable[[str, str], Named | None] = lambda one, other: None
    resolve_elsewhere: Callable[[str], str | None] = lambda text: None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    term_of: Callable[[str], str | None] = lambda label: None
    tables: tuple[str, ...] = ()

    @property
    def author_columns(self) -> tuple[str, ...]:
        """Columns that hold cell types of the file's authors."""
        return tuple(dict.fromkeys(column for column, _ in self.authors.values()))

    @property
    def grouping_columns(self) -> frozenset[str]:
        """Columns that divide the cells into a few groups."""
        return frozenset((*self.values, *self.author_columns))

    @property
    def conditions(self) -> tuple[str, ...]:
        """Columns that may tell conditions apart, the likeliest first."""
        columns = [c for c in self.values if c not in self.people]
        return tuple(sorted(columns, key=_is_unlike_condition))

    @property
    def has_dataset(self) -> bool:
        """Whether a dataset is open."""
        return bool(self.clusters)

    def after(self, cluster: str, *, step: int = 1) -> str | None:
        """Return the cluster `step` places after `cluster`, or None past either end."""
        if cluster not in self.clusters:
            return None
        index = self.clusters.index(cluster) + step
        return self.clusters[index] if 0 <= index < len(self.clusters) else None


def vocabulary_of(session: "Session") -> Vocabulary:
    """Read the vocabulary of a session's open dataset; made once while it stays open."""

    def resolve(text: str) -> Named | None:
        found = session.knowledge.resolve(text)
        if found.id is None or (found.match == "vector" and found.score < _UNLIKELY):
            return None
        return Named(found.id, found.label or found.id)

    def exact(text: str) -> str | None:
        found = session.knowledge.resolve(text)
        return found.label if found.id is not None and found.match != "vector" else None

    def is_a(term_id: str, ancestor_id: str) -> bool:
        try:
            return session.knowledge.is_a(term_id, ancestor_id)
        except (KeyError, ValueError):
            return term_id == ancestor_id

    def common(one: str, other: str) -> Named | None:
        try:
            found = session.knowledge.lowest_common_ancestors(one, other)
        except (KeyError, ValueError):
            return None
        if not found or found[0].label in _SAYS_NOTHING:
            return None
        return Named(found[0].id, found[0].label)

    def resolve_elsewhere(text: str) -> str | None:
        for ontology in ("UBERON", "MONDO"):
            found = session.knowledge.resolve(text, ontology=ontology)
            if found.id is not None and found.match in {"id", "label", "synonym", "lexical"}:
                return ontology
        return None

    @lru_cache(maxsize=512)
    def term_of(label: str) -> str | None:
        for name in (label, CELL_ABBREVIATIONS.get(_sorted_name(label), "")):
            found = session.knowledge.resolve(name) if name else None
            if found is not None and found.id is not None and found.match != "vector":
                return str(found.id)
        return None

    def recall(name: str) -> dict[str, Any] | None:
        found = session.evidence.get(name)
        return None if found is None else as_artifact(found)

    if session.adata is None:
        return Vocabulary(
            resolve=resolve,
            is_a=is_a,
            recall=recall,
            common=common,
            resolve_elsewhere=resolve_elsewhere,
        )

    def more_cells(cluster: str | None, seen: frozenset[str], number: int) -> list[str]:
        names = session.adata.obs_names
        if cluster is None:
            positions = range(session.adata.n_obs)
        elif cluster in session.clusters():
            positions = session.sample_of(cluster, n_cells=len(session.cells_of(cluster)))
        else:
            return []
        fresh = [str(names[at]) for at in positions if str(names[at]) not in seen]
        step = max(len(fresh) // max(number, 1), 1)
        return fresh[::step][:number]

    def selections() -> tuple[str, ...]:
        return tuple(session.cached("selections", dict))

    def read() -> Vocabulary:
        try:
            symbols = list(session.symbols())
        except ToolError as exc:  # Ensembl ids need the model's table; without it ids remain
            logger.info("Gene symbols are not at hand: %s", exc)
            symbols = []
        names = [*map(str, session.adata.var_names), *symbols]
        return Vocabulary(
            clusters=tuple(session.clusters()),
            genes={name.casefold(): name for name in names},
            columns={str(name).casefold(): str(name) for name in session.adata.obs.columns},
            sizes={label: len(session.cells_of(label)) for label in session.clusters()},
            resolve=resolve,
            is_a=is_a,
            more_cells=more_cells,
            values=_values(session.adata.obs),
            people=frozenset(str(c) for c in session.adata.obs if _PERSON.search(str(c))),
            selections=selections,
            recall=recall,
            common=common,
            resolve_elsewhere=resolve_elsewhere,
            authors=_authors(session.adata.obs, session.cluster_key, exact),
            labels=_labels(session.adata.obs),
            numbers=frozenset(
                str(c) for c in session.adata.obs if session.adata.obs[c].dtype.kind in "iuf"
            ),
            term_of=term_of,
            tables=(*map(str, session.adata.layers), *map(str, session.adata.obsm)),
        )

    return session.cached(("agent vocabulary", session.cluster_key), read)


def _authors(
    obs: Any, cluster_key: str | None, named: Callable[[str], str | None]
) -> dict[str, tuple[str, str]]:
    """Return the labels of the columns in which authors keep their cell types."""
    found: dict[str, tuple[str, str]] = {}
    for column in map(str, obs.columns):
        if not _AUTHORS_LABELS.search(column) or column == cluster_key:
            continue
        if not 2 <= obs[column].nunique() <= _MOST_LABELS:
            continue
        labels = [str(value) for value in obs[column].dropna().unique()]
        if all(not re.search(r"[^\W\d_]{2}", label) for label in labels):
            continue
        for label in labels:
            low = label.casefold()
            plain = low.replace("+", "").replace("-positive", "").replace(".", "")
            for name in dict.fromkeys((low, low.replace("-", " "), plain)):
                for key in (name, name.removesuffix("s"), f"{name} cell"):
                    found.setdefault(key, (column, label))
            spelt = CELL_ABBREVIATIONS.get(label.casefold()) or named(label)
            if spelt is not None:
                found.setdefault(spelt.casefold(), (column, label))
    return found


def _sorted_name(label: str) -> str:
    """Return "cd4 t" of "T_CD4"."""
    return " ".join(sorted(re.findall(r"[a-z0-9]+", label.casefold())))


def _labels(obs: Any) -> dict[str, tuple[str, ...]]:
    """Return every column that divides the cells, with its values as they are shown."""
    found = {}
    for column in map(str, obs.columns):
        if column.startswith("cell2text") or not 1 <= obs[column].nunique() <= _MOST_GROUPED:
            continue
        if obs[column].dtype.kind == "f" and obs[column].nunique() > _MOST_VALUES:
            continue
        values = [str(value) for value in obs[column].dropna().unique()]
        if len(values) > max(2, len(obs) // 2):
            continue
        found[column] = tuple(re.sub(r"(?<=\d)\.0+$", "", value) for value in values)
    return found


def _values(obs: Any) -> dict[str, tuple[str, ...]]:
    """Return the values of the columns that divide cells into a few groups."""
    found = {}
    for column in map(str, obs.columns):
        if _OTHERS_LABELS.search(column) or obs[column].dtype.kind == "f":
            continue
        if 2 <= obs[column].nunique() <= _MOST_VALUES:
            found[column] = tuple(str(value) for value in obs[column].dropna().unique())
    return found


def _is_unlike_condition(column: str) -> tuple[bool, bool]:
    """Sort key: columns called a condition first, then those that sound like one."""
    is_named = re.search(r"(?i)^(?:condition|treatment|disease)", column) is not None
    return not is_named, not _CONDITION.search(column)
