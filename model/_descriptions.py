"""The one place where labels become a description and a description becomes labels again.

A description is a handful of plain sentences, one a slot, each with a fixed opening. What is not
known is left out, so a short description is an honest one. Names stand with their article
("an enterocyte") because the article belongs to the name: a language model that had to write
"an" first would have given the name away before choosing it.

The definition and the meaning of a pathway follow from the name, so they are not generated: they
are looked up and printed, and skipped when a description is parsed.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ._labels import LabelSpace

#: Openings of the generated sentences; the name of the slot's term replaces ``{}``.
OPENINGS = {
    "cell_type": "This cell is {}.",
    "tissue": " Its likely tissue of origin is {}.",
    "life_stage": " Its donor was at the {}.",
    "sex": " The donor was {}.",
    "disease": " Its disease state is {}.",
    "pathway_1": " Its most active gene programme is {}",
    "pathway_2": ", followed by {}.",
}
#: How a cell type's definition is given: word for word, since some are phrases ("A cell that ..."),
#: some sentences about the type ("A lymphocyte is ...") and some go on for several sentences.
_DEFINED = ' In the words of the Cell Ontology: "{}."'
#: Names that open with the sound of a vowel: not "eu-", "uni-" and "uro-", but "un-", the letters
#: that are spelled with a vowel first ("NK", "S cone"), and eight, eleven and eighteen.
_VOWEL_SOUND = re.compile(
    r"^(?:[aioAIO](?!ne\b)|[eE](?!u)|un(?!i)|u(?!n|r|s|t)|U(?=n[^i])"
    r"|[FHLMNRSX](?=[A-Z0-9/ -])|8|1[18]\b)"
)


def phrase(label: str, slot: str) -> str:
    """Return a term as it stands in a sentence.

    Cell types get their article, life stages the word "stage" and years in full.
    """
    if slot == "cell_type":
        return f"{'an' if _VOWEL_SOUND.match(label) else 'a'} {label}"
    if slot == "life_stage":
        label = label.replace(" yo)", " years)")
        return label if "stage" in label else f"{label} stage"
    return label


class DescriptionFormat:
    """Writes and reads descriptions over one label space.

    Two terms of a slot that would read alike are told apart by their ids, "a blast cell
    (CL:1234567)", and so is a programme whose name reads like two. So every description reads
    back as the labels it was written from.

    Parameters
    ----------
    space
        The labels of a checkpoint.
    """

    def __init__(self, space: LabelSpace) -> None:
        self.space = space
        self._ids: dict[str, dict[str, str]] = {}
        self._names: dict[str, dict[str, str]] = {}
        for slot in space.stated:
            terms = space.slot(slot).speakable
            plain = {term_id: phrase(space.label(term_id), slot) for term_id in terms}
            times = Counter(plain.values())
            joint = OPENINGS["pathway_2"].split("{}")[0]
            names = {
                t: f"{n} ({t})" if times[n] > 1 or ("pathway" in slot and joint in n) else n
                for t, n in plain.items()
            }
            self._names[slot] = names
            self._ids[slot] = {name: term_id for term_id, name in names.items()}

    def name(self, term_id: str, slot: str) -> str:
        """Return a term as the slot says it; it must be one of the space's."""
        known = self._names[slot].get(term_id)
        return known if known is not None else phrase(self.space.label(term_id), slot)

    def phrases(self, slot: str) -> dict[str, str]:
        """Return ``{phrase: term id}`` for everything a slot may say."""
        return self._ids[slot]

    def core(self, labels: Mapping[str, str]) -> str:
        """Write the generated sentences for ``{slot: term id}``; absent slots are left out."""
        return "".join(text for text, _ in self.pieces(labels))

    def pieces(self, labels: Mapping[str, str]) -> list[tuple[str, str | None]]:
        """Split the generated sentences into (text, slot of the name or None) pieces."""
        pieces: list[tuple[str, str | None]] = []
        for slot in self.space.stated:
            if slot not in labels:
                continue
            before, after = OPENINGS[slot].split("{}")
            if slot == "pathway_2" and "pathway_1" not in labels:
                before = OPENINGS["pathway_1"].split("{}")[0]
            if slot == "pathway_1" and "pathway_2" not in labels:
                after = "."
            pieces.append((before, None))
            pieces.append((self.name(labels[slot], slot), slot))
            if after:
                pieces.append((after, None))
        return pieces

    def write(self, labels: Mapping[str, str], *, remarks: Sequence[str] = ()) -> str:
        """Write the full description: the generated sentences with what the names mean.

        Parameters
        ----------
        labels
            ``{slot: term id}``; absent slots are left out.
        remarks
            Sentences to end with, which are passed over when the text is parsed.
        """
        if "cell_type" not in labels:
            opening = "The type of this cell is not known."
        else:
            name = self.name(labels["cell_type"], "cell_type")
            opening = OPENINGS["cell_type"].format(name) + self._definition(labels["cell_type"])
        rest = {slot: term for slot, term in labels.items() if slot != "cell_type"}
        text = opening + self.core(rest)
        meanings = [
            f"{self.space.label(labels[slot])} means {meaning}"
            for slot in ("pathway_1", "pathway_2")
            if slot in labels and (meaning := self.space.terms[labels[slot]].definition)
        ]
        if meanings:
            text += f" Here {'; '.join(meanings)}."
        return " ".join([text, *remarks])

    def _definition(self, term_id: str) -> str:
        """Return the sentence with a cell type's definition, empty where it has none."""
        definition = self.space.terms[term_id].definition
        return _DEFINED.format(_quoted(definition)) if definition else ""

    def parse(self, text: str) -> dict[str, str]:
        """Read ``{slot: term id}`` back from a description.

        Sentences are read in the order in which they are written, and a definition is passed
        over word by word, so nothing inside a name or a definition is taken for a sentence. A
        sentence that the format does not know contributes nothing, so that a description written
        by a free-running language model is read as far as it can be read.
        """
        openings = {slot: OPENINGS[slot].split("{}")[0] for slot in self.space.stated}
        labels: dict[str, str] = {}
        at, last = 0, ""
        while True:
            found = [
                (start, slot)
                for slot, opening in openings.items()
                if slot not in labels and (start := text.find(opening, at)) >= 0
                # The programmes come last; after them only what they mean is said.
                if start == at or "pathway" not in last
                if slot != "pathway_2" or last == "pathway_1"
            ]
            if not found:
                return labels
            start, slot = min(found)
            at, last = start + len(openings[slot]), slot
            name = self._longest_name(text, at, slot)
            if name is None:
                continue
            labels[slot] = self._ids[slot][name]
            at += len(name)
            if slot == "cell_type":
                defined = self._definition(labels[slot])
                at += 1 + (len(defined) if text.startswith(defined, at + 1) else 0)

    def _longest_name(self, text: str, begin: int, slot: str) -> str | None:
        """Return the longest name of the slot that stands at a place and ends as names end."""
        ends = [".", ", followed by "] if slot == "pathway_1" else ["."]
        found = None
        for end in ends:
            stop = text.find(end, begin)
            while stop >= 0:
                name = text[begin:stop]
                if name in self._ids[slot] and len(name) > len(found or ""):
                    found = name
                stop = text.find(end, stop + 1)
        if found is None and text[begin:] in self._ids[slot]:  # cut off before the full stop
            found = text[begin:]
        return found


def _quoted(definition: str) -> str:
    """Return a definition as it stands in quotation marks, without its last full stop."""
    quoted = definition.strip().rstrip(".").strip().replace('"', "'")
    return quoted[:1].upper() + quoted[1:]
