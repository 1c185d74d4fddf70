"""Check an answer against the evidence, sentence by sentence.

A sentence that states something must cite what it rests on (``[E3]``, ``[CL:0000084]``), each
reference must exist, and each number, gene and cell type in the sentence must be found in what
it cites. Courtesies, questions and sentences about the assistant itself need no reference, but
may not slip in numbers or names either.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._phrasing import split_sentences
from ._words import (
    AFTER_CELL,
    CELL_NOUNS,
    CELL_SUFFIXES,
    COMMANDS,
    COMMON,
    EVERYDAY,
    NOT_GENES,
    NOT_OF_A_NAME,
    NUMBERS,
    words,
)

if TYPE_CHECKING:
    from tools import Evidence

REFERENCE = re.compile(r"\[(E\d+|(?:CL|UBERON|MONDO|HsapDv):\d{7})\]")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w]|\.\d)")
_WORD = re.compile(r"[^\W_]+(?:[-+/'.][^\W_]+)*\+?")
_PERSON = re.compile(r"\b(I|me|my|you|your|yours|we|us|our)\b", re.IGNORECASE)
_IMPERATIVE = re.compile(
    r"^(?:please |or |and )?(?:ask|try|open|name|use|choose|see|tell|goodbye|hello|hi|good|sorry|"
    r"thanks)\b",
    re.I,
)
_PAUSE = re.compile(r"[.,;:?!]+(?=\s|$)|[\"“”()]")
_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")
_GENE_SHAPE = re.compile(r"^(?=.*\d)(?=.*[A-Z])[A-Z][A-Z0-9orf]*(?:-[A-Z0-9]+)*$")
# Words before "cell" that name a kind of cell, wherever they stand in the phrase.
_KINDS = words(
    """
    regulatory cytotoxic naive memory effector central helper plasmacytoid conventional
    classical non-classical intermediate activated exhausted follicular germinal plasma stem
    progenitor natural killer dendritic epithelial endothelial mast positive negative immature
    mature alpha-beta gamma-delta mucosal invariant transitional myeloid lymphoid hematopoietic
    stromal mesenchymal glial neural beta alpha ductal acinar goblet ciliated basal club tuft
    """
)


@dataclass(frozen=True)
class TermText:
    """What the ontology says about one term, as text to check against."""

    label: str
    names: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Corpus:
    """Everything that one reference supports."""

    text: str
    numbers: frozenset[float] = field(default=frozenset())

    @cached_property
    def words(self) -> str:
        """Normalised words with a space at both ends, for searching phrases."""
        return _normal(self.text)


def corpus_of(evidence: "Evidence | Mapping[str, Any]") -> Corpus:
    """Gather the text and the numbers of a piece of evidence or of an artifact."""
    get = evidence.get if isinstance(evidence, Mapping) else lambda key: getattr(evidence, key)
    texts, numbers = [], set()
    for value in _leaves(
        [get(key) for key in ("text", "caveat", "source", "unit", "table", "facts")]
    ):
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            numbers.add(float(value))
    text = "\n".join(texts)
    numbers |= {value for value, _ in find_numbers(text)}
    return Corpus(text, frozenset(numbers))


def _leaves(value: Any) -> Iterator[Any]:
    """Yield plain values, and for each list how long it is."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from _leaves(part)
    elif isinstance(value, (list, tuple)):
        yield len(value)
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


@dataclass(frozen=True)
class Grounds:
    """What the sentences of one answer may rest on.

    Parameters
    ----------
    evidence
        Corpus of each piece of evidence that may be cited, by id.
    term
        Text of an ontology term, or None where there is no such id.
    is_gene
        Whether a word is the name of a measured gene.
    errors
        What tools refused in this turn; such sentences may be repeated.
    question
        What was asked, for sentences about the question itself.
    labels
        Clusters there are, which we may ask back about.
    """

    evidence: Mapping[str, Corpus]
    term: Callable[[str], TermText | None]
    is_gene: Callable[[str], bool] = lambda word: False
    errors: tuple[str, ...] = ()
    question: str = ""
    labels: tuple[str, ...] = ()

    def problems(self, sentence: str) -> list[str]:
        """Return what is wrong with a sentence, in words; empty if nothing is."""
        references = list(dict.fromkeys(REFERENCE.findall(sentence)))
        bare = REFERENCE.sub("", sentence)
        if not references:
            return self._without_reference(bare)
        found: list[Corpus] = []
        problems: list[str] = []
        for name in references:
            if name.startswith("E"):
                if name in self.evidence:
                    found.append(self.evidence[name])
                else:
                    problems.append(f"there is no evidence [{name}]")
                continue
            term = self.term(name)
            if term is None:
                problems.append(f"there is no term [{name}]")
            else:
                found.append(Corpus(term.text))
                if not _names_term(sentence, name, term):
                    problems.append(f"[{name}] is {term.label}, which the sentence does not name")
        if problems:
            return problems
        return self._unsupported(bare, found)

    def _without_reference(self, sentence: str) -> list[str]:
        if not re.search(r"[^\W_]", sentence):
            return []
        if any(_normal(sentence).strip() in _normal(error) for error in self.errors):
            return []
        unquoted = _QUOTED.sub("", sentence)
        is_question = sentence.rstrip(" *_").endswith("?")
        around = [Corpus(self.question, frozenset(v for v, _ in find_numbers(self.question)))]
        around += [
            Corpus(error, frozenset(v for v, _ in find_numbers(error))) for error in self.errors
        ]
        around += self.evidence.values()
        if self.errors and not self._unsupported(unquoted, around[: 1 + len(self.errors)]):
            return []
        if is_question:
            labels = " ".join(self.labels)
            known = Corpus(labels, frozenset(value for value, _ in find_numbers(labels)))
            return self._unsupported(unquoted, [known, *around])
        if not (_PERSON.search(unquoted) or _IMPERATIVE.match(unquoted.strip())):
            return ["it cites nothing"]
        wrong = self._unsupported(unquoted, around[: 1 + len(self.errors)])
        return [f"it cites nothing, and {problem}" for problem in wrong]

    def _unsupported(self, sentence: str, found: Iterable[Corpus]) -> list[str]:
        """Return the numbers and names of `sentence` that none of `found` holds."""
        corpora = list(found)
        numbers = {value for corpus in corpora for value in corpus.numbers}
        words = " ".join(corpus.words for corpus in corpora)
        problems = [
            f"the number {written} is not in what it cites"
            for value, written in find_numbers(sentence)
            if not is_shown(value, written, numbers)
        ]
        problems += [
            f"{name} is not in what it cites"
            for name in self._names(sentence)
            if _normal(name) not in words
        ]
        return list(dict.fromkeys(problems))

    def _names(self, sentence: str) -> Iterator[str]:
        """Yield genes and cell types that a sentence names."""
        for part in _PAUSE.split(sentence):
            tokens = [match.group() for match in _WORD.finditer(part)]
            for index, token in enumerate(tokens):
                if self._is_gene_name(token):
                    yield token
                follows = tokens[index + 1].casefold() if index + 1 < len(tokens) else ""
                if _is_cell_noun(token.casefold()) and follows not in AFTER_CELL:
                    yield from _cell_phrase(tokens, index)

    def _is_gene_name(self, token: str) -> bool:
        low = token.casefold()
        if token.upper() in NOT_GENES or low.isdigit() or len(token) < 2:
            return False
        is_ordinary = not token.isupper() and low in COMMON | COMMANDS | NOT_OF_A_NAME | EVERYDAY
        return bool(_GENE_SHAPE.match(token)) or (self.is_gene(token) and not is_ordinary)


def _is_cell_noun(low: str) -> bool:
    return low.removesuffix("s") in CELL_NOUNS or (low.endswith(CELL_SUFFIXES) and len(low) > 6)


def _cell_phrase(tokens: list[str], index: int) -> Iterator[str]:
    """Yield the name of a cell type that ends at `index`: its last words, and its kinds."""
    noun = tokens[index]
    before = tokens[index - 1] if index else ""
    is_plain = before.casefold() in NOT_OF_A_NAME or before.casefold() in COMMON | set(NUMBERS)
    if noun.casefold().removesuffix("s") == "cell":
        if not before or is_plain or before[0].isdigit() or before.casefold() in _NEUTRAL:
            return
        yield f"{before} {noun}"
    else:
        yield noun
    for word in tokens[max(0, index - 5) : index]:
        if word.casefold() in _KINDS:
            yield word


_NEUTRAL = words(
    """
    single human blood immune such sampled analysed measured same whole neighbouring example
    labelled expressing remaining individual per cluster's given open its their which where most
    fewer only least named found agreeing read unlabelled named
    """
)


def _normal(text: str) -> str:
    """Return lower-case words without plural, hyphens as spaces, with a space at both ends."""
    words = re.findall(r"[^\W_]+", text.casefold().replace("+", " positive "))
    return f" {' '.join(w.removesuffix('s') if len(w) > 3 else w for w in words)} "


def find_numbers(text: str) -> list[tuple[float, str]]:
    """Return the numbers of a text with the words that they are written in."""
    found = []
    for match in _NUMBER.finditer(text):
        written = match.group().rstrip(",.")
        try:
            found.append((float(written.replace(",", "")), written))
        except ValueError:
            continue
    for word in re.findall(r"[a-z]+", text.casefold()):
        if NUMBERS.get(word, 0) > 3 and word not in {"several", "dozen"}:
            found.append((float(NUMBERS[word]), word))
    return found


def is_shown(value: float, written: str, numbers: set[float]) -> bool:
    """Whether a number of the evidence reads like `written` to the digits shown."""
    decimals = len(written.split(".")[1]) if "." in written and "e" not in written.lower() else 0
    half = 0.5 * 10**-decimals + 1e-9
    for number in numbers:
        for scaled in (number, 100 * number) if 0 < abs(number) <= 1 else (number,):
            close = abs(abs(scaled) - abs(value)) <= half
            if "e" in written.lower():
                close = abs(scaled - value) <= 0.05 * abs(value)
            elif decimals == 0 and float(scaled).is_integer():
                close = abs(scaled) == abs(value)
            if close:
                return True
    return False


def _names_term(sentence: str, name: str, term: TermText) -> bool:
    """Whether the words before a term's reference name that term."""
    before = sentence[: sentence.index(f"[{name}]")]
    others = [match for match in REFERENCE.finditer(before) if not match.group(1).startswith("E")]
    part = before[others[-1].end() :] if others else sentence
    spoken = _normal(REFERENCE.sub("", part))
    return any(_normal(alias) in spoken for alias in (term.label, *term.names))


@dataclass(frozen=True)
class Checked:
    """A draft after checking."""

    supported: tuple[str, ...]
    unsupported: tuple[tuple[str, tuple[str, ...]], ...]  # sentence, problems

    @property
    def references(self) -> tuple[str, ...]:
        """Ids that the supported sentences cite, in order."""
        return tuple(dict.fromkeys(REFERENCE.findall(" ".join(self.supported))))


def check(text: str, grounds: Grounds) -> Checked:
    """Sort the sentences of `text` into those that hold and those that do not."""
    good, bad = [], []
    for sentence in split_sentences(text):
        problems = grounds.problems(sentence)
        if problems:
            bad.append((sentence, tuple(problems)))
        else:
            good.append(sentence)
    return Checked(tuple(good), tuple(bad))


def without(text: str, sentences: Iterable[str]) -> str:
    """Return `text` with some of its sentences cut out."""
    for sentence in sentences:
        text = text.replace(sentence, "", 1)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    kept = "\n".join(line for line in lines if line not in {"-", "*"})
    return re.sub(r"\n{3,}", "\n\n", kept).strip()


def complaint(checked: Checked) -> str:
    """Say to a language model what has to be mended."""
    lines = [
        f'- "{sentence}": {"; ".join(problems)}.' for sentence, problems in checked.unsupported
    ]
    return (
        "Some sentences of your draft cannot be traced to evidence:\n"
        + "\n".join(lines)
        + "\nWrite the whole answer again. Cite [E…] or [CL:…] in every sentence that states "
        "something, use only numbers and names that the cited evidence holds, and leave out "
        "what you cannot support."
    )
