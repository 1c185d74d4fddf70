"""One thing that a person asks for, and what the conversation is about at that moment."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

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

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that a checkpoint can hold."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Ask":
        """Read what `as_dict` wrote; keys of other versions are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        )


@dataclass(frozen=True)
class Focus:
    """What "it", "the next one", "why?" refer to."""

    intent: str = ""
    clusters: tuple[str, ...] = ()
    gene: str | None = None
    cell_type: str | None = None
    number: int | None = None
    listing: tuple[str, ...] = ()  # clusters in the order in which the last answer listed them
    pending: Ask | None = None  # what we asked back about

    @property
    def cluster(self) -> str | None:
        """The cluster that was spoken of last."""
        return self.clusters[-1] if self.clusters else None

    def after(self, ask: Ask) -> "Focus":
        """Return what the conversation is about once `ask` is answered."""
        if ask.missing:
            return replace(self, pending=ask)
        if ask.intent in SMALL_TALK:
            return replace(self, pending=None)
        return Focus(
            intent=ask.intent,
            clusters=ask.clusters or self.clusters,
            gene=ask.genes[-1] if ask.genes else self.gene,
            cell_type=ask.cell_types[-1] if ask.cell_types else self.cell_type,
            number=ask.number or self.number,
            listing=ask.clusters if len(ask.clusters) > 1 else self.listing,
        )


SMALL_TALK = words(
    """
    greet thanks bye ack help identity empty offtopic unclear cannot open_file complaint no_next
    glossary
    """
)
