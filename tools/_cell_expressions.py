"""Which cells a few words mean: clusters, values of obs, genes above a threshold, cell types.

The words form a small language, read here and nowhere run as code: atoms such as ``cluster 3``,
``condition = stim``, ``CD3D > 1`` or ``NK cells``, joined by AND, OR, NOT and parentheses. Text
in quotes is taken as it stands.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._columns import column_named, neither_gene_nor_column
from ._errors import UnknownGeneError, UnknownLabelError, UnknownTermError, UnsupportedError
from ._gene_values import gene_values
from ._groupings import as_labels, is_person, list_groupings, match_label
from ._keys import PERSON_NAMES
from ._wording import clean, quote

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

GRAMMAR = (
    "Write, for example, 'cluster 3', 'clusters 3, 4', 'condition = stim', 'CD3D > 1', 'CD3D+', "
    "'T cells', 'selection 1', joined by AND, OR, NOT and parentheses; put quotes around names "
    "that hold such words."
)
_TOKEN = re.compile(r"\s*(?:(['\"])(?P<quoted>.*?)\1|(?P<mark>[()])|(?P<word>[^\s()'\"]+))")
_JOINS = {"and": "and", "&": "and", "&&": "and", "or": "or", "|": "or", "||": "or"}
_DENIES = frozenset({"not", "!", "except", "without"})
_COMPARED = re.compile(r"^(?P<left>.+?)\s*(?P<how>>=|<=|!=|==|>|<|=)\s*(?P<right>.+)$")
_SAID = re.compile(
    r"^(?P<left>\S+)\s+(?P<how>is not|is|in|above|over|below|under)\s+(?P<right>.+)$"
)
_SPOKEN = {"is": "=", "in": "=", "==": "=", "is not": "!=", "above": ">", "over": ">"} | {
    "below": "<",
    "under": "<",
}
_CLUSTERS = re.compile(r"(?i)^clusters?\s+(?P<list>.+)$")
_ON = re.compile(
    r"(?i)^(?:(?P<a>\S+?)\+|(?P<b>\S+)\s+(?:positive|expressing|expressed|on)|"
    r"(?:expressing|express|positive for)\s+(?P<c>\S+))$"
)
_OFF = re.compile(r"(?i)^(?:(?P<a>\S+?)-|(?P<b>\S+)\s+(?:negative|off))$")
_MOST_WORDS = 1000  # characters


@dataclass(frozen=True)
class Selection:
    """Cells that were chosen, and how.

    Parameters
    ----------
    name
        By which a person or a model calls them.
    words
        How they were chosen; names no person.
    cells
        Their positions in obs, sorted, shape ``(n_cells,)``.
    """

    name: str
    words: str
    cells: np.ndarray


def selections_of(session: "Session") -> dict[str, Selection]:
    """Return the named selections of the open dataset, oldest first."""
    return session.cached("selections", dict)


def find_positions(session: "Session", where: str) -> tuple[np.ndarray, str]:
    """Return the positions of the cells that `where` means, sorted, and it in our words.

    Raises
    ------
    UnsupportedError
        If the words cannot be read.
    UnknownLabelError
        If they name nothing that the dataset has.
    """
    text = str(where).strip()
    tokens = _tokens(text[:_MOST_WORDS])
    if not tokens:
        msg = f"No cells were named. {GRAMMAR}"
        raise UnsupportedError(msg)
    reader = _Reader(session, tokens)
    mask, words = reader.either()
    if reader.rest:
        msg = f"{quote(text)} cannot be read beyond {quote(reader.rest[0].text)}. {GRAMMAR}"
        raise UnsupportedError(msg)
    return np.flatnonzero(mask), words


_NUMBERS = {  # columns of ours, as they are spoken of
    "cell2text_percent_mito": "a percentage of mitochondrial counts",
    "cell2text_n_genes": "a number of detected genes",
    "cell2text_total_counts": "a number of counts",
}
_PERSON = re.compile(
    rf"obs\['[^']*'\] is (?P<is_not>not )?(?P<who>(?:{'|'.join(PERSON_NAMES)}) '[^']*')"
)
_SHORTEST_NAME = 2  # characters; a shorter name of a person cannot be told from other words
_VALUE = re.compile(r"obs\['[^']*'\] is ('[^']*')")


def shown(words: str, *, limit: int = 120) -> str:
    """Return the words of chosen cells as they stand best in a sentence: 'B cells' and 'stim'."""
    while words.startswith("(") and _closes(words) == len(words) - 1:
        words = words[1:-1]
    text = re.sub(r"obs\['([^']*)'\] is given values", r"of the '\1' asked for", words)
    text = _PERSON.sub(lambda m: f"{m['is_not'] or ''}of the {m['who']}", text)
    text = _VALUE.sub(r"\1", text).replace(" with a probability of at least 50%", "")
    text = re.sub(r"obs\['([^']*)'\]", lambda m: _NUMBERS.get(m[1], f"'{m[1]}'"), text)
    text = re.sub(r"(?<=\S)\s*>\s*0(?!\.?\d)", " detected", text)
    text = re.sub(r"\bnot (\S+) detected", r"no \1 detected", text)
    text = text.replace(">=", "at least").replace("<=", "at most")
    text = re.sub(r"\((selection '[^']*'|clusters? [^()]*|'[^']*')\)", r"\1", text)
    return clean(text.replace(">", "above").replace("<", "below"), limit=limit)


def as_group(words: str) -> str:
    """Put the words of `shown` so that they can stand after "in" or "among"."""
    if words.startswith("(") and _closes(words) == len(words) - 1:
        words = words[1:-1]
    if words.startswith(("read as ", "of the ")):
        return f"the cells {words}"
    if re.match(r"'[^']*' and (?:clusters? |read as )", words):  # "the 'stim' cells of cluster 3"
        words = re.sub(r"^('[^']*') and read as ", r"the \1 cells read as ", words)
        words = re.sub(r"^('[^']*') and (clusters? )", r"the \1 cells of \2", words)
    if words.startswith("of the "):
        return f"the cells {words}"
    named = ("'", "cluster", "selection", "all ", "the ")
    words = re.sub(r" and not (?!of the )", " without ", words)
    return words if words.startswith(named) else f"the cells with {words}"


def _closes(words: str) -> int:
    """Return where the parenthesis that opens `words` is closed."""
    depth = 0
    for at, letter in enumerate(words):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at
    return -1


def chosen_mask(session: "Session", where: str) -> tuple[np.ndarray, str]:
    """Return which cells `where` means, bool, shape ``(n_obs,)``, and it in our words.

    Raises
    ------
    UnsupportedError
        If the words cannot be read or choose no cell.
    """
    n_obs = session.prepared.adata.n_obs
    if not where.strip():
        return np.ones(n_obs, dtype=bool), ""
    cells, words = find_positions(session, where)
    if not len(cells):
        msg = f"No cell of the dataset is chosen by {quote(where)}. Loosen the words."
        raise UnsupportedError(msg)
    return _mask(n_obs, cells), shown(words)


def among(words: str) -> list[str]:
    """Say that only chosen cells were looked at, where they were."""
    return [f"Only the cells chosen by {words} were looked at."] if words else []


@dataclass(frozen=True)
class _Token:
    text: str
    is_quoted: bool = False

    @property
    def join(self) -> str | None:
        return None if self.is_quoted else _JOINS.get(self.text.casefold())

    @property
    def is_not(self) -> bool:
        return not self.is_quoted and self.text.casefold() in _DENIES

    @property
    def is_mark(self) -> bool:
        return not self.is_quoted and self.text in {"(", ")"}


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        quoted = match.group("quoted")
        if quoted is not None:
            found.append(_Token(quoted, is_quoted=True))
        else:
            found.append(_Token(match.group("mark") or match.group("word")))
    left = text[at:].strip()
    return [*found, _Token(left)] if left else found


class _Reader:
    """Reads tokens from left to right; NOT binds closest, then AND, then OR."""

    def __init__(self, session: "Session", tokens: list[_Token]) -> None:
        self.session = session
        self.rest = tokens

    def either(self) -> tuple[np.ndarray, str]:
        return self._joined("or", self._both)

    def _both(self) -> tuple[np.ndarray, str]:
        return self._joined("and", self._one)

    def _joined(
        self, join: str, part: Callable[[], tuple[np.ndarray, str]]
    ) -> tuple[np.ndarray, str]:
        mask, words = part()
        while self.rest and (self.rest[0].join == join or (join == "and" and self.rest[0].is_not)):
            if self.rest[0].join:
                self.rest = self.rest[1:]
            other, more = part()
            mask = mask | other if join == "or" else mask & other
            words = f"{words} {join} {more}"
        return mask, words

    def _one(self) -> tuple[np.ndarray, str]:
        if self.rest and self.rest[0].is_not:
            self.rest = self.rest[1:]
            mask, words = self._one()
            return ~mask, f"not {words}"
        if self.rest and self.rest[0].is_mark and self.rest[0].text == "(":
            self.rest = self.rest[1:]
            mask, words = self.either()
            if not (self.rest and self.rest[0].is_mark and self.rest[0].text == ")"):
                msg = f"A parenthesis is not closed. {GRAMMAR}"
                raise UnsupportedError(msg)
            self.rest = self.rest[1:]
            return mask, f"({words})"
        parts: list[_Token] = []
        while self.rest and not self._ends(parts):
            parts.append(self.rest[0])
            self.rest = self.rest[1:]
        if not parts:
            msg = f"Something is missing beside AND, OR or NOT. {GRAMMAR}"
            raise UnsupportedError(msg)
        return read_atom(self.session, " ".join(part.text for part in parts))

    def _ends(self, parts: list[_Token]) -> bool:
        """Whether the next token ends an atom; the "not" of "is not" does not."""
        following = self.rest[0]
        is_said = bool(parts) and parts[-1].text.casefold() == "is"
        return bool(following.join or following.is_mark or (following.is_not and not is_said))


def read_atom(session: "Session", text: str) -> tuple[np.ndarray, str]:
    """Return the cells that one atom means, bool, shape ``(n_obs,)``, and it in our words."""
    n_obs = session.prepared.adata.n_obs
    text = re.sub(r"(?i)^(?:all |the )*cells? (?:in|of|with|from|where) ", "", text.strip())
    if text.casefold() in {"all", "all cells", "everything", "the dataset"}:
        return np.ones(n_obs, dtype=bool), "all cells"
    named = re.sub(r"(?i)^(?:the )?selection\s+", "", text)
    chosen = {name.casefold(): item for name, item in selections_of(session).items()}
    for name in (named, text):
        if name.casefold() in chosen:
            item = chosen[name.casefold()]
            return _mask(n_obs, item.cells), f"selection {quote(item.name)}"
    if (found := _CLUSTERS.match(text)) is not None and found["list"][0] not in "=<>!":
        return _in_clusters(session, found.group("list"))
    if (found := _COMPARED.match(text) or _SAID.match(text)) is not None:
        how = found.group("how").casefold()
        return _compared(session, found.group("left"), _SPOKEN.get(how, how), found.group("right"))
    for pattern, how in ((_ON, ">"), (_OFF, "=")):
        if (found := pattern.match(text)) is not None:
            gene = next(group for group in found.groups() if group)
            return _by_gene(session, session.gene(gene), how, 0.0)
    return _by_name(session, text)


def _mask(n_obs: int, cells: np.ndarray) -> np.ndarray:
    mask = np.zeros(n_obs, dtype=bool)
    mask[cells] = True
    return mask


def _in_clusters(session: "Session", labels: str) -> tuple[np.ndarray, str]:
    n_obs = session.prepared.adata.n_obs
    try:
        clusters = [session.cluster(labels)]
    except UnknownLabelError:
        clusters = [session.cluster(part.strip()) for part in labels.split(",") if part.strip()]
    mask = np.zeros(n_obs, dtype=bool)
    for cluster in clusters:
        mask[session.cells_of(cluster)] = True
    return mask, f"{'cluster' if len(clusters) == 1 else 'clusters'} {', '.join(clusters)}"


def _compared(session: "Session", left: str, how: str, right: str) -> tuple[np.ndarray, str]:
    """Compare a column of obs, or a gene, with a value."""
    column = _column(session, left)
    if column is not None and how in {"=", "!="}:
        labels = as_labels(session.prepared.adata.obs[column])
        known = [str(label) for label in labels.cat.categories]
        values = _values(right, known, column)
        mask = labels.isin(values).to_numpy()
        shown = _people(column, values) or " or ".join(map(quote, values))
        word = "is" if how == "=" else "is not"
        return (mask if how == "=" else ~mask), f"obs[{quote(column)}] {word} {shown}"
    number = _number(right, left)
    if column is not None:
        return _by_number(session, column, how, number)
    try:
        return _by_gene(session, session.gene(left), how, number)
    except UnknownGeneError as exc:
        advice = "Compare one of them, or a gene."
        raise neither_gene_nor_column(session, left, advice=advice) from exc


def _people(column: str, values: list[str]) -> str:
    """Name people as a hosted model is not told them: "donor '107'"; nothing of other columns."""
    noun = next((name for name in PERSON_NAMES if name in column.lower()), "")
    if not noun or any(len(value) < _SHORTEST_NAME for value in values):
        return noun and "given values"
    return " or ".join(f"{noun} {quote(value)}" for value in values)


def _values(right: str, known: list[str], column: str) -> list[str]:
    where = f"obs['{clean(column)}']"
    if is_person(column):
        folded = {label.casefold(): label for label in known}
        parts = [clean(part).casefold() for part in right.split(",")]
        if any(part not in folded for part in parts):
            msg = f"{where} has no such value among its {len(known)}. Check the spelling."
            raise UnknownLabelError(msg)
        return [folded[part] for part in parts]
    try:
        return [match_label(right, known, where=where, noun="Value")]
    except UnknownLabelError:
        if "," not in right:
            raise
    return [match_label(part, known, where=where, noun="Value") for part in right.split(",")]


def _number(text: str, left: str) -> float:
    try:
        return float(text.replace("%", "").strip())
    except ValueError as exc:
        msg = f"{quote(left)} was to be compared with {quote(text)}, which is no number. {GRAMMAR}"
        raise UnsupportedError(msg) from exc


def _holds(values: np.ndarray, how: str, number: float) -> np.ndarray:
    return {
        ">": values > number,
        ">=": values >= number,
        "<": values < number,
        "<=": values <= number,
        "=": values == number,
        "!=": values != number,
    }[how]


def _by_number(session: "Session", column: str, how: str, number: float) -> tuple[np.ndarray, str]:
    import pandas as pd

    values = pd.to_numeric(session.prepared.adata.obs[column], errors="coerce").to_numpy(float)
    if np.isnan(values).all():
        msg = f"The column {quote(column)} holds no numbers. Compare it with = and a value."
        raise UnsupportedError(msg)
    return _holds(values, how, number), f"obs[{quote(column)}] {how} {number:g}"


def _by_gene(session: "Session", column: int, how: str, number: float) -> tuple[np.ndarray, str]:
    values = gene_values(session, column)
    return _holds(values, how, number), f"{clean(session.symbol(column))} {how} {number:g}"


def _column(session: "Session", name: str) -> str | None:
    """Return the column of obs with that name, or None."""
    found = column_named(session.prepared.adata.obs.columns, name)
    if found is None and clean(name).casefold() in {"cluster", "clusters"}:
        return session.prepared.cluster_key
    return found


def _by_name(session: "Session", text: str) -> tuple[np.ndarray, str]:
    """Read a bare name: a cluster, a value of obs, a gene, or a cell type."""
    known = {label.casefold(): label for label in session.clusters()}
    if text.casefold() in known:
        return _in_clusters(session, known[text.casefold()])
    low = text.casefold()
    for name in (low, low.removesuffix("s")) if len(low) > len("nks") else (low,):
        for column, labels in _public_values(session):
            match = next((v for v in labels.cat.categories if v.casefold() == name), None)
            if match is not None:  # 'Macrophage', also where "macrophages" are asked for
                return (labels == match).to_numpy(), f"obs[{quote(column)}] is {quote(match)}"
    try:
        return _by_gene(session, session.gene(text), ">", 0.0)
    except UnknownGeneError as unknown:
        from ._find_cells import likely_cells

        try:
            cells, label = likely_cells(session, text)
        except UnknownTermError as exc:
            msg = (
                f"{quote(text)} is no cluster, no value of a column, no measured gene and no cell "
                f"type. {GRAMMAR}"
            )
            raise UnknownLabelError(msg) from (exc or unknown)
        return _mask(session.prepared.adata.n_obs, cells), f"read as {label}"


def _public_values(session: "Session") -> "Sequence[tuple[str, pd.Series]]":
    obs = session.prepared.adata.obs
    limit = session.limits.clusters
    return [
        (g.key, as_labels(obs[g.key]))
        for g in list_groupings(obs, limit=limit)
        if g.kind != "person"
    ]
