"""The label space of a checkpoint: what each slot of a description may say.

Every slot has *choices*, the terms among which the language model divides its probability, and
*speakable* terms, the choices and those of their ancestors that are worth saying. Probability
flows up the ontology: a term is as probable as all choices at or below it together, so a cell
whose subtype is unclear can still be called a T cell.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ._errors import CheckpointError

#: Slots in the order in which a description states them.
SLOTS = ("cell_type", "tissue", "life_stage", "disease", "pathway_1", "pathway_2")
#: The order in which a description states what is known; sex only where a checkpoint has it.
STATED = ("cell_type", "tissue", "life_stage", "sex", "disease", "pathway_1", "pathway_2")
#: What a slot says when no term is probable enough.
NOT_KNOWN = "not known"

#: A general choice passes its probability down only where the choices below hold more than this.
LEAST_KINDS = 0.05
#: A choice with fewer choices below it counts as specific itself.
FEWEST_KINDS = 2


@dataclass(frozen=True)
class LabelTerm:
    """A term that a description may name.

    Parameters
    ----------
    term_id
        Ontology id, or the name of a gene set.
    label
        The ontology's own label.
    definition
        The ontology's definition, or what the gene set stands for.
    parents
        Ids of the direct parents.
    """

    term_id: str
    label: str
    definition: str | None
    parents: tuple[str, ...]


class SlotSpace:
    """The terms of one slot and how probability adds up over them."""

    def __init__(
        self, choices: Iterable[str], speakable: Iterable[str], terms: Mapping[str, LabelTerm]
    ) -> None:
        self.choices = tuple(choices)
        self.speakable = tuple(speakable)
        self._ancestors = {term_id: _ancestors(term_id, terms) for term_id in self.speakable}
        column = {term_id: i for i, term_id in enumerate(self.choices)}
        self.membership = np.zeros((len(self.choices), len(self.speakable)), dtype=np.float32)
        for j, spoken in enumerate(self.speakable):
            for choice, i in column.items():
                above = self._ancestors.get(choice) or _ancestors(choice, terms)
                self.membership[i, j] = spoken in above
        self._general = self._general_choices()
        #: Fewer choices below means more specific; used to pick what to say.
        self.breadth = self.membership.sum(0)
        self.depth = np.array([len(self._ancestors[t]) for t in self.speakable])

    def _general_choices(self) -> list[tuple[int, np.ndarray]]:
        """Return (choice, the choices below it) for general choices, most general first."""
        general = []
        for index, term_id in enumerate(self.choices):
            below = np.flatnonzero(self.allowed(term_id))
            below = below[below != index]
            if len(below) >= FEWEST_KINDS:
                general.append((index, below))
        return sorted(general, key=lambda pair: -len(pair[1]))

    @cached_property
    def on_lineage(self) -> np.ndarray:
        """``(n_speakable, n_speakable)`` bool, whether one is the other, above it or below it."""
        above = np.array(
            [[a in self._ancestors[t] for a in self.speakable] for t in self.speakable]
        )
        return above | above.T

    def is_a(self, term_id: str, ancestor_id: str) -> bool:
        """Tell whether a speakable term equals another or lies below it."""
        return ancestor_id in self._ancestors.get(term_id, ())

    def ancestors(self, term_id: str) -> frozenset[str]:
        """Return a speakable term with all terms above it."""
        return self._ancestors.get(term_id, frozenset())

    def allowed(self, term_id: str) -> np.ndarray:
        """Return the ``(n_choices,)`` bool mask of choices compatible with a known label."""
        return self.membership[:, self.speakable.index(term_id)] > 0

    def nearest_general(self, index: int) -> int:
        """Return the choice that holds the fewest others among those above a choice, or -1."""
        held = [(len(below), general) for general, below in self._general if index in below]
        return min(held)[1] if held else -1

    def pass_down(self, probabilities: np.ndarray, closed: np.ndarray | None = None) -> np.ndarray:
        """Divide the probability of a general choice among the choices below it.

        A choice such as "T cell" stands for studies that went no further; what it holds belongs
        to the kinds of T cell, in the proportion in which the cell itself favours them. Where
        the kinds together hold next to nothing there is no proportion to go by, and the general
        choice keeps what it has.

        Parameters
        ----------
        probabilities
            ``(n, n_choices)``, each row summing to 1.
        closed
            ``(n_choices,)`` bool, choices that get nothing: not every fibroblast is one of the
            few kinds of it that have a name, which live in one organ each.
        """
        result = probabilities.copy()
        for index, held in self._general:
            below = held if closed is None else held[~closed[held]]
            if len(below) < FEWEST_KINDS:
                continue
            kinds = result[:, below].sum(1)
            share = np.where(kinds > LEAST_KINDS, result[:, index] / np.maximum(kinds, 1e-9), 0.0)
            result[:, below] *= 1 + share[:, None]
            result[share > 0, index] = 0.0
        return result

    def add_up(self, probabilities: np.ndarray) -> np.ndarray:
        """Sum ``(n, n_choices)`` probabilities into ``(n, n_speakable)`` along the ontology."""
        return np.minimum(probabilities @ self.membership, 1.0)

    def most_specific(self, spoken: np.ndarray, *, least: float) -> int:
        """Return the index of the most specific term with at least this probability, or -1.

        Among equally specific terms the more probable one wins; specificity is the number of
        choices a term covers, then its depth in the ontology.
        """
        safe = np.flatnonzero(spoken >= least)
        if not len(safe):
            return -1
        rank = np.lexsort((-self.depth[safe], -spoken[safe], self.breadth[safe]))
        return int(safe[rank[0]])


class LabelSpace:
    """All slots of a checkpoint, read from and written to ``labels.json``."""

    def __init__(
        self,
        terms: Mapping[str, LabelTerm],
        slots: Mapping[str, tuple[list[str], list[str]]],
        versions: Mapping[str, str],
    ) -> None:
        self.terms, self.versions = dict(terms), dict(versions)
        self.slots = {
            name: SlotSpace(choices, speakable, self.terms)
            for name, (choices, speakable) in slots.items()
        }

    @cached_property
    def stated(self) -> tuple[str, ...]:
        """Slots of this space, in the order in which a description states them."""
        return tuple(
            name for name in STATED if (name if "pathway" not in name else "pathway") in self.slots
        )

    def slot(self, name: str) -> SlotSpace:
        """Return the space of a slot; both pathway slots share one."""
        return self.slots["pathway" if name.startswith("pathway") else name]

    def label(self, term_id: str) -> str:
        """Return the label of a term."""
        return self.terms[term_id].label

    @classmethod
    def load(cls, path: Path) -> "LabelSpace":
        """Read ``labels.json``.

        Raises
        ------
        CheckpointError
            If the file is missing.
        """
        if not path.is_file():
            msg = f"{path.name} is missing in {path.parent}. Copy the whole checkpoint folder."
            raise CheckpointError(msg)
        data = json.loads(path.read_text(encoding="utf-8"))
        terms = {
            term_id: LabelTerm(term_id, t["label"], t["definition"], tuple(t["parents"]))
            for term_id, t in data["terms"].items()
        }
        slots = {name: (s["choices"], s["speakable"]) for name, s in data["slots"].items()}
        return cls(terms, slots, data["versions"])

    def save(self, path: Path) -> None:
        """Write ``labels.json``."""
        data = {
            "versions": self.versions,
            "slots": {
                name: {"choices": list(s.choices), "speakable": list(s.speakable)}
                for name, s in self.slots.items()
            },
            "terms": {
                t.term_id: {
                    "label": t.label,
                    "definition": t.definition,
                    "parents": list(t.parents),
                }
                for t in self.terms.values()
            },
        }
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def _ancestors(term_id: str, terms: Mapping[str, LabelTerm]) -> frozenset[str]:
    seen, stack = {term_id}, [term_id]
    while stack:
        term = terms.get(stack.pop())
        for parent in term.parents if term else ():
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return frozenset(seen)
