"""The one place where labels become a description and a description becomes labels again.

A description is a handful of plain sentences, one a slot, each with a fixed opening. What is not
known is left out, so a short description is an honest one. Names stand with their article
("an enterocyte") because the article belongs to the name: a language model that had to write
"an" first would have given the name away before choosing it.

The definition and the meaning of a pathway follow from the name, so they are not generated: they
are looked up and printed, and skipped when a description is parsed.
"""

import re
from collections.abc import Mapping

from ._labels import SLOTS, LabelSpace

#: Openings of the generated sentences; the name of the slot's term replaces ``{}``.
OPENINGS = {
    "cell_type": "This cell is {}.",
    "tissue": " Its likely tissue of origin is {}.",
    "life_stage": " Its donor was at the {}.",
    "disease": " Its disease state is {}.",
    "pathway_1": " Its most active gene programme is {}",
    "pathway_2": ", followed by {}.",
}
_VOWEL_SOUND = re.compile(r"^(?:[aeioAEIO]|un(?!i)|u(?!ni|ro|ri|se)|[FHLMNRSX](?=[A-Z0-9/-]))")
_PLAIN = {"tissue", "life_stage", "disease", "pathway_1", "pathway_2"}


def phrase(label: str, slot: str) -> str:
    """Return a term as it stands in a sentence: cell types with their article."""
    if slot in _PLAIN:
        return label
    article = "an" if _VOWEL_SOUND.match(label) else "a"
    return f"{article} {label}"


class DescriptionFormat:
    """Writes and reads descriptions over one label space.

    Parameters
    ----------
    space
        The labels of a checkpoint.
    """

    def __init__(self, space: LabelSpace) -> None:
        self.space = space
        self._ids: dict[str, dict[str, str]] = {}
        for slot in SLOTS:
            names = {}
            for term_id in space.slot(slot).speakable:
                name = phrase(space.label(term_id), slot)
                if names.setdefault(name, term_id) != term_id:
                    msg = f"Two terms of the slot {slot!r} read {name!r}: no exact round trip."
                    raise ValueError(msg)
            self._ids[slot] = names

    def phrases(self, slot: str) -> dict[str, str]:
        """Return ``{phrase: term id}`` for everything a slot may say."""
        return self._ids[slot]

    def core(self, labels: Mapping[str, str]) -> str:
        """Write the generated sentences for ``{slot: term id}``; absent slots are left out."""
        return "".join(text for text, _ in self.pieces(labels))

    def pieces(self, labels: Mapping[str, str]) -> list[tuple[str, str | None]]:
        """Split the generated sentences into (text, slot of the name or None) pieces."""
        pieces: list[tuple[str, str | None]] = []
        for slot in SLOTS:
            if slot not in labels:
                continue
            before, after = OPENINGS[slot].split("{}")
            if slot == "pathway_2" and "pathway_1" not in labels:
                before = OPENINGS["pathway_1"].split("{}")[0]
            if slot == "pathway_1" and "pathway_2" not in labels:
                after = "."
            pieces.append((before, None))
            pieces.append((phrase(self.space.label(labels[slot]), slot), slot))
            if after:
                pieces.append((after, None))
        return pieces

    def write(self, labels: Mapping[str, str]) -> str:
        """Write the full description: the generated sentences with what the names mean.

        Parameters
        ----------
        labels
            ``{slot: term id}``; absent slots are left out.
        """
        if "cell_type" not in labels:
            opening = "The type of this cell is not known."
        else:
            opening = OPENINGS["cell_type"].format(
                phrase(self.space.label(labels["cell_type"]), "cell_type")
            )
            definition = self.space.terms[labels["cell_type"]].definition
            if definition:
                opening += f" The Cell Ontology defines it as {_clause(definition)}."
        rest = {slot: term for slot, term in labels.items() if slot != "cell_type"}
        text = opening + self.core(rest)
        meanings = [
            f"{self.space.label(labels[slot])} means {meaning}"
            for slot in ("pathway_1", "pathway_2")
            if slot in labels and (meaning := self.space.terms[labels[slot]].definition)
        ]
        if meanings:
            text += f" Here {'; '.join(meanings)}."
        return text

    def parse(self, text: str) -> dict[str, str]:
        """Read ``{slot: term id}`` back from a description.

        A sentence that the format does not know contributes nothing, so that a description
        written by a free-running language model is read as far as it can be read.
        """
        labels: dict[str, str] = {}
        for slot in SLOTS:
            before, _ = OPENINGS[slot].split("{}")
            start = text.find(before)
            if start < 0:
                continue
            rest = text[start + len(before) :]
            names = [name for name in self._ids[slot] if _starts_with(rest, name)]
            if names:
                labels[slot] = self._ids[slot][max(names, key=len)]
        return labels


def _starts_with(text: str, name: str) -> bool:
    """Tell whether the text opens with the whole name, not with a longer word."""
    return text.startswith(name) and (len(text) == len(name) or text[len(name)] in ".,")


def _clause(definition: str) -> str:
    """Turn a definition into a clause: no final stop, article in lower case."""
    clause = definition.strip().rstrip(".").strip()
    first, _, rest = clause.partition(" ")
    if first in {"A", "An", "Any", "The", "One"}:
        clause = f"{first.lower()} {rest}"
    return clause
