"""What a hosted language model gets to see: no barcode, no person, no expression value.

The person sees these in tables and figures on this machine. In a prompt, a cell becomes
``cell_17`` (its row) and a donor ``person_2``; where the model uses such a name in a tool call or
in its answer, the real one is put back here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._phrasing import split_sentences

if TYPE_CHECKING:
    from tools import Evidence, Session

_BARCODE = re.compile(r"\b[ACGTN]{8,}(?:[-_.][\w-]+)*\b")
_PERSON = re.compile(
    r"(?i)(?<![a-z])(donor|patient|subject|indiv(?:idual)?|participant)s?(?![a-z])"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9'\[])")
_NUMBER = re.compile(r"(?<![\w.:-])-?\d[\d,]*\.\d+(?![\w%])")
_TOKEN = re.compile(r"[^\s,;\"'()\[\]{}<>]+")
_ALIAS = re.compile(r"\b(cell|person)_(\d+)\b")
_REFERENCE = re.compile(r"\[(E\d+)\]")
_SHORTEST_NAME = 4  # characters; shorter names of cells are ordinary numbers and words

WITHHELD = "(value not shown here)"
_VALUES = re.compile(
    r"(?i)log-normalised|counts per 10,000|z-score|value as stored|^mean |score|expression"
)


class Veil:
    """Takes names of cells and people out of texts, and puts them back.

    Parameters
    ----------
    session
        Whose dataset the names are of.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session

    def hide(self, text: str) -> str:
        """Return `text` without names of cells and people."""
        if self._session.adata is None:
            return _BARCODE.sub("(a cell)", text)
        for number, name in enumerate(self._people()):
            if name.isdigit():
                known = rf"(?i)((?:{_PERSON.pattern[4:]})\w*\W{{0,4}}){re.escape(name)}(?!\w)"
                text = re.sub(known, rf"\g<1>person_{number}", text)
            else:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"person_{number}", text)
        text = _TOKEN.sub(self._cell, text)
        return _BARCODE.sub("(a cell)", text)

    def lift(self, value: Any) -> Any:
        """Return a text, or the texts of a list or mapping, with the real names put back."""
        if isinstance(value, str):
            return _ALIAS.sub(self._real, value)
        if isinstance(value, Mapping):
            return {key: self.lift(part) for key, part in value.items()}
        return [self.lift(part) for part in value] if isinstance(value, list) else value

    def _cell(self, match: re.Match[str]) -> str:
        word = match.group()
        for name in dict.fromkeys((word, word.rstrip(".:!?"))):
            row = self._rows().get(name)
            if row is not None and len(name) >= _SHORTEST_NAME and not name.isdigit():
                return f"cell_{row}{word[len(name) :]}"
        return word

    def _real(self, match: re.Match[str]) -> str:
        kind, number = match.group(1), int(match.group(2))
        if self._session.adata is None:
            return match.group()
        names = self._people() if kind == "person" else self._session.adata.obs_names
        return str(names[number]) if number < len(names) else match.group()

    def _rows(self) -> dict[str, int]:
        def read() -> dict[str, int]:
            names = self._session.adata.obs_names if self._session.adata is not None else ()
            return {str(name): row for row, name in enumerate(names)}

        return self._session.cached("rows by name", read)

    def _people(self) -> list[str]:
        """Return the values of columns that tell people apart, the longest first."""

        def read() -> list[str]:
            obs = self._session.adata.obs  # type: ignore[union-attr]
            columns = [column for column in obs if _PERSON.search(str(column).replace("_", " "))]
            names = {str(value) for column in columns for value in obs[column].dropna().unique()}
            return sorted((name for name in names if len(name) > 1), key=lambda n: (-len(n), n))

        return self._session.cached("people", read)


def holds_values(evidence: "Evidence | Mapping[str, Any]") -> bool:
    """Whether the numbers of a piece of evidence are expression values."""
    get = evidence.get if isinstance(evidence, Mapping) else lambda key: getattr(evidence, key)
    unit, tool = str(get("unit") or ""), str(get("tool"))
    return tool in {"show_expression", "plot_dots", "plot_violin"} or bool(_VALUES.search(unit))


def for_hosted_model(evidence: "Evidence", veil: Veil) -> str:
    """Return `evidence.text` without cells, people and expression values."""
    kept = [part for part in _SENTENCE.split(evidence.text) if not _PERSON.search(part)]
    text = " ".join(kept)
    if holds_values(evidence):
        text = _NUMBER.sub(WITHHELD, text)
    return veil.hide(text)


def answer_for_hosted_model(text: str, evidence: "Mapping[str, Evidence]", veil: Veil) -> str:
    """Return an answer of the embedded planner as a hosted model may read it later."""

    def kept() -> Iterator[str]:
        for sentence in split_sentences(text):
            if _PERSON.search(sentence):
                continue
            cited = [evidence[name] for name in _REFERENCE.findall(sentence) if name in evidence]
            is_of_values = any(map(holds_values, cited))
            yield _NUMBER.sub(WITHHELD, sentence) if is_of_values else sentence

    return veil.hide(" ".join(kept()))
