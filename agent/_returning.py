"""Coming back to something told earlier: "back to the B cells: how many are stim?".

The conversation is read again up to the turn that is meant, so that what follows leans on it.
"""

import re

from ._asks import Ask, Focus
from ._scanning import scan
from ._tags import tag
from ._vocabulary import Vocabulary

_BACK = re.compile(
    r"(?i)^(?:ok(?:ay)?,? |and |now |so |please |can we |could we |let us |let's |then )*"
    r"(?:(?:go(?:ing)?|come|coming|get(?:ting)?)? ?back|return(?:ing)?) (?:again )?(?:to|at) "
    r"(?:the |those |these |our |my )?(?P<what>[^:;,?]+?)(?:\s*[:;,]\s*|\s+-\s+)(?P<rest>.+)$"
)
_TWO_GENES = re.compile(r"(?i)\bdouble[- ]?positives?\b")


def read_return(
    text: str, vocabulary: Vocabulary, focus: Focus
) -> tuple[str, Vocabulary, Focus] | None:
    """Return what is asked of an earlier turn, and what the conversation was about then.

    Where no earlier turn was about it, nothing is returned and the question stands as it is.
    """
    match = _BACK.match(text)
    if not vocabulary.has_dataset:
        return None
    if match is None:
        return _of_two_genes(text, vocabulary, focus)
    read = scan(tag(match["what"], vocabulary, focus), vocabulary)
    genes = {gene for _, gene in read.genes}
    slots = {(part.column, part.label) for _, clause in read.clauses for part in clause}
    genes |= {p.label for _, clause in read.clauses for p in clause if p.kind == "gene"}
    slots = {slot for slot in slots if slot[1] not in genes}
    two = _TWO_GENES.search(match["what"]) is not None
    if not (genes or slots or two):
        return None
    for at in range(len(focus.past) - 1, -1, -1):
        if _is_about(focus.past[at], genes, slots, two=two):
            return match["rest"], vocabulary, _until(focus, at)
    return None


def _of_two_genes(
    text: str, vocabulary: Vocabulary, focus: Focus
) -> tuple[str, Vocabulary, Focus] | None:
    """Return a question of "the double positives" as one of the cells counted with two genes."""
    said = re.search(r"(?i)\b(?:of )?the double[- ]?positives?(?: cells| ones)?\b", text)
    last = focus.last
    if said is None or (last is not None and _is_about(last, set(), set(), two=True)):
        return None
    for at in range(len(focus.past) - 1, -1, -1):
        if not _is_about(focus.past[at], set(), set(), two=True):
            continue
        rest = f"{text[: said.start()]}of them{text[said.end() :]}"
        if last is not None and len(last.clusters) == 1:
            rest = re.sub(
                r"(?i)\b(in|outside|inside|within|of) (?:it|this|that)\b",
                rf"\1 cluster {last.clusters[0]}", rest,
            )  # fmt: skip
        return rest, vocabulary, _until(focus, at)
    return None


def _is_about(ask: Ask, genes: set[str], slots: set[tuple[str, str]], *, two: bool) -> bool:
    parts = ask.frame.conditions if ask.frame is not None else ()
    spoken = {part.label for part in parts if part.kind == "gene"}
    if two:
        return len(spoken) > 1 and ask.intent == "frame"
    if ask.frame is not None and ask.frame.of_kind == "gene":
        spoken.add(ask.frame.of)
    if not genes <= spoken | set(ask.genes):
        return False
    known = {(part.column, part.label) for part in parts}
    return bool(ask.frame) and slots <= known if slots else True


def _until(focus: Focus, at: int) -> Focus:
    """Return what the conversation was about after its turn number `at`, all of it remembered."""
    earlier = Focus()
    for ask in (*focus.past[at + 1 :], *focus.past[: at + 1]):
        earlier = earlier.after(ask)
    return earlier
