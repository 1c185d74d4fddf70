"""One thing that a person asks for, and what the conversation is about at that moment."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ._frames import Frame
from ._kept import Kept
from ._words import words

# Asks that are about one cluster, so that "and the next one?" repeats them.
ABOUT_A_CLUSTER = words(
    """
    describe_cluster describe_cells markers explain why_not is_type confidence cluster_size
    compare
    """
)
ABOUT_A_GENE = frozenset({"expression", "where_highest", "gene_info"})
ABOUT_A_TYPE = frozenset({"why_not", "is_type", "which_clusters", "count_type", "look_up"})


@dataclass(frozen=True)
class Ask:
    """One thing asked.

    Parameters
    ----------
    intent
        What for: ``"describe_cluster"``, ``"markers"``, ``"greet"``, ...
    missing
        What has to be asked back before it can be answered: ``"cluster"``, ``"gene"``,
        ``"cell_type"``, or nothing.
    note
        How a word was read, where that is worth saying.
    where
        Cells that are meant, in the words that the verbs take ("cluster 3 AND CD3D > 0").
    second
        Cells that these are compared with, in the same words.
    name
        What a selection is to be called, or is called.
    values
        Two values of `column` that are compared, or the one that is looked at.
    listed
        Genes that the answer listed, so that "the first of these" can be one.
    others
        Genes that it listed of the other of two groups.
    frame
        A quantitative question, whole.
    told
        Groups in the order in which the answer told them.
    mode
        What of its evidence is told first, where an intent serves several questions: of two
        groups that are compared the "markers" of the first, or what is "lower" in it. Of a figure
        that is to be written, the format.
    kept
        The question as it was recognised, for one that changes a part of it.
    asked
        The question as it was put, where `text` is the plain form that it was read as.
    """

    intent: str
    clusters: tuple[str, ...] = ()
    genes: tuple[str, ...] = ()
    cell_types: tuple[str, ...] = ()
    number: int | None = None
    column: str | None = None
    plot: str | None = None
    text: str = ""
    missing: str = ""
    note: str = ""
    more: bool = False
    barcodes: tuple[str, ...] = ()
    ontology: str | None = None
    where: str = ""
    second: str = ""
    name: str = ""
    values: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    frame: Frame | None = None
    told: tuple[str, ...] = ()
    mode: str = ""
    kept: Kept | None = field(default=None, compare=False)
    asked: str = field(default="", compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that a checkpoint can hold."""
        plain = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}
        return plain | {"frame": self.frame.as_dict() if self.frame else None}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Ask":
        """Read what `as_dict` wrote; keys of other versions are passed over."""
        known = {field.name for field in fields(cls)}
        frame = values.get("frame")
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        kept = values.get("kept")
        return cls(
            **plain
            | {"frame": Frame.from_dict(frame) if frame else None}
            | {"kept": Kept.from_dict(kept) if kept else None}
        )


@dataclass(frozen=True)
class Focus:
    """What "it", "the next one", "why?", "those cells" refer to."""

    intent: str = ""
    clusters: tuple[str, ...] = ()
    gene: str | None = None
    cell_type: str | None = None
    number: int | None = None
    listing: tuple[str, ...] = ()  # clusters in the order in which the last answer listed them
    pending: Ask | None = None  # what we asked back about
    recent: tuple[str, ...] = ()  # clusters spoken of, the latest last, each once
    listed: tuple[str, ...] = ()  # genes that the last list of genes held
    selection: str = ""  # the selection that was made or spoken of last
    chosen: str = ""  # how it was chosen, for a selection that is not made yet
    column: str | None = None
    values: tuple[str, ...] = ()
    of: str = ""  # what "those" are: "selection", "type" or "clusters"
    barcodes: tuple[str, ...] = ()  # single cells in the order in which they were shown
    last: Ask | None = None  # what was answered last
    past: tuple[Ask, ...] = ()  # everything asked so far, the oldest first

    @property
    def cluster(self) -> str | None:
        """The cluster that was spoken of last."""
        return self.clusters[-1] if self.clusters else None

    @property
    def those(self) -> str:
        """The cells that were chosen last, in the words that the verbs take."""
        if self.selection:
            return f'selection "{self.selection}"'
        return f"({self.chosen})" if self.chosen else ""

    @property
    def is_on_selection(self) -> bool:
        """Whether chosen cells, rather than a cluster, were spoken of last."""
        return bool(self.those) and (
            self.intent in ABOUT_A_SELECTION or (self.of == "selection" and self.intent in KEEPS)
        )

    def listed_of_both(self, each: int) -> tuple[str, ...]:
        """Return the genes that were listed: of two groups that were compared some of each."""
        others = self.last.others if self.last is not None else ()
        if not others:
            return self.listed
        return tuple(dict.fromkeys((*self.listed[:each], *others[:each])))

    def _selection(self, ask: Ask) -> str:
        if ask.intent == "compare_selections":  # its name says what is told of them
            return self.selection
        if ask.intent in {"select", "name_selection"} or ask.intent in ABOUT_A_SELECTION:
            return ask.name or ("" if ask.intent == "select" else self.selection)
        return "" if _chooses(ask) else self.selection

    def _chosen(self, ask: Ask) -> str:
        """Return how "those" were chosen: what was only counted is left with the subject."""
        if _chooses(ask):
            return ask.where
        chooser = next((one for one in reversed(self.past) if _chooses(one)), None)
        is_counted = chooser is not None and chooser.intent == "frame"
        return "" if is_counted and ask.intent in NEW_SUBJECTS and not ask.where else self.chosen

    def _subject(self, ask: Ask) -> str | None:
        """Return the cell type that is spoken of: of "is it a lymphocyte?" it stays what it was."""
        if not ask.cell_types:
            return self.cell_type
        return ask.cell_types[0 if ask.intent == "term_difference" else -1]

    def _of(self, ask: Ask) -> str:
        if ask.intent in ABOUT_A_SELECTION or _chooses(ask):
            return "selection"
        if ask.intent == "frame" and ask.clusters:
            return "clusters"
        if ask.where or (ask.intent in KEEPS and not (ask.cell_types or ask.clusters)):
            return self.of
        if ask.clusters and ask.intent in {"describe_cluster", "which_clusters", "markers"}:
            return "clusters"
        if ask.cell_types and ask.intent not in {"why_not", "is_type", "is_known_marker"}:
            return "type"
        return "clusters" if ask.clusters and ask.intent not in ABOUT_A_GENE else self.of

    def after(self, ask: Ask) -> "Focus":
        """Return what the conversation is about once `ask` is answered."""
        if ask.missing:
            return replace(self, pending=ask)
        if ask.intent in SMALL_TALK:
            return replace(self, pending=None)
        if ask.intent in ASIDES:
            return replace(self, pending=None, past=(*self.past, ask))
        kept = [label for label in self.recent if label not in ask.clusters]
        return Focus(
            intent=ask.intent,
            clusters=ask.clusters or self.clusters,
            gene=ask.genes[-1] if ask.genes else self.gene,
            cell_type=self._subject(ask),
            number=ask.number or self.number,
            listing=ask.clusters if len(ask.clusters) > 1 else self.listing,
            recent=(*kept, *ask.clusters),
            listed=ask.listed or self.listed,
            selection=self._selection(ask),
            chosen=self._chosen(ask),
            column=ask.column or self.column,
            values=ask.values or self.values,
            of=self._of(ask),
            barcodes=ask.barcodes or self.barcodes,
            last=ask,
            past=(*self.past, ask),
        )


def _chooses(ask: Ask) -> bool:
    """Whether "those" are the cells of an ask from now on."""
    return ask.intent == "select" or (ask.intent == "frame" and bool(ask.where))


ABOUT_A_SELECTION = words(
    "select describe_selection compare_selections list_selections selection_size name_selection"
)
# Asks about cells that were chosen before, after which these are still spoken of.
KEEPS = words(
    """
    frame test_gene is_among conditions composition gene_by_group expression where_highest
    dots score_set quality uncertain most_changed top_expressed gene_pair describe_cells markers
    family
    """
)
# Asks about all the cells, after which cells that were only counted are spoken of no more.
NEW_SUBJECTS = words(
    """
    frame composition dataset count quality list_clusters label_clusters biggest smallest
    conditions most_changed
    """
)
# Answered without changing what the conversation is about.
ASIDES = words(
    """
    export_dataset export_table export_cells export_figure recall glossary evidence columns column
    authors_name
    """
)

SMALL_TALK = words(
    """
    greet thanks bye ack help identity empty offtopic unclear cannot open_file complaint no_next
    glossary privacy topic no_family which_two lost
    """
)
