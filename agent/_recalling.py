"""What was said earlier in the conversation: "the first cluster I asked about", "go back to"."""

import re
from collections.abc import Mapping
from typing import Any

from ._asks import Ask, Focus
from ._mentions import Mentions, spell_out
from ._phrasing import cite, listing, quote_all
from ._words import NUMBERS, ORDINALS

_PLACES = "|".join([*ORDINALS, "earliest", "latest", "previous", "earlier"])
_WE = r"(?:that |which )?(?:i|we|you)(?:'ve| have| had)?(?: just)?"
_SPOKE = r"(?:asked?|talked|looked|spoke|mentioned|started|began|discussed|saw|showed|had)"
_OF = r"(?: (?:you|me))?(?: (?:about|at|of|with|on|for))*"
_WHEN = (
    r"(?:(?:at|in) the (?:very )?(?:beginning|start|outset)|first|earlier|before|originally|"
    r"(?P<ago>\w+) (?:questions?|turns?|messages?) (?:ago|back|before|earlier))"
)
_KIND = r"(?P<kind>cluster|gene|cell type|type)"
_FORMS = (
    rf"\b(?:the|my|that) (?P<place>{_PLACES}) {_KIND} {_WE} {_SPOKE}{_OF}",
    rf"\b(?:the|my|that) {_KIND} {_WE} {_SPOKE}{_OF}(?: {_WHEN})?",
    rf"\b(?:the|that) {_KIND} (?:from )?{_WHEN}",
    r"(?<=back to )(?:the|that|my) (?P<place>"
    + _PLACES
    + r") (?P<kind>cluster|gene|cell type|type|one)",
)
_BACK = re.compile(
    r"(?i)^(?:ok(?:ay)?,? |and |now |please |let us |let's |can we |could we )*"
    r"(?:go(?:ing)? back|come back|coming back|return(?:ing)?|back) to "
)
_ASKS_NAME = re.compile(
    r"^(?:and |so |but |again )*(?:what|which)(?: was| were| is)?(?: it)?\b|"
    r"\b(?:did|have) (?:i|we)\b.*\b(?:ask|look|talk|start|see)"
)
_SAID = re.compile(
    r"\bwhat (?:did|have) you (?:just |already )?(?:say|said|tell|told|find|found|mention)\b|"
    r"\b(?:repeat|remind me|say again|recap)\b|\bwhat was (?:it )?(?:again|said)\b"
)
_SUMMARY = re.compile(
    r"\b(?:summari[sz]e|recap|list|review|sum up)\b.*\b(?:conversation|chat|talk|discussion|"
    r"my questions|"
    r"what (?:i|we) (?:asked|did|discussed))\b|\bwhat have (?:we|i) (?:done|discussed|"
    r"covered) so far\b"
)
_MOST_RECALLED = 12
_QUESTION = re.compile(
    r"\bwhat (?:did|have) (?:i|we) (?:already |just )?ask(?:ed)?\b|"
    r"\bmy (?:first|last|previous) question\b"
)
_WHICH = re.compile(
    r"\b(?:which|what) (?P<kind>clusters?|genes?|cell types?|types?) (?:did|have|had|was|were)"
    r"(?: (?:i|we))\b"
)


def put_back(text: str, focus: Focus) -> str:
    """Put names in place of "the first cluster I asked about", where it is known which."""
    for form in _FORMS:
        match = re.search(f"(?i){form}", text)
        if match is None:
            continue
        parts = match.groupdict()
        name = _find(
            parts["kind"].casefold(), parts.get("place"), parts.get("ago"), match[0], focus
        )
        if name is not None:
            text = f"{text[: match.start()]}{name}{text[match.end() :]}"
    return re.sub(rf"{_BACK.pattern}(?=cluster|that cluster)", "", text)


def _find(kind: str, place: str | None, ago: str | None, said: str, focus: Focus) -> str | None:
    """Return the cluster, gene or type that was spoken of at some place of the conversation."""
    key = "clusters" if kind in {"cluster", "one"} else "genes" if kind == "gene" else "cell_types"
    names = [(at, name) for at, ask in enumerate(focus.past) for name in getattr(ask, key)]
    if ago:
        number = int(ago) if ago.isdigit() else NUMBERS.get(ago.casefold(), 0)
        names = [(at, name) for at, name in names if at == len(focus.past) - number]
    ordered = list(dict.fromkeys(name for _, name in names))
    if not ordered:
        return None
    low = (place or "").casefold()
    if re.search(r"(?i)\b(?:beginning|start|outset|first|originally)\b", said) or low == "earliest":
        index = 0
    elif low in {"previous", "earlier"}:
        index = -2 if len(ordered) > 1 else -1
    else:
        index = ORDINALS.get(low, -1)
    if not -len(ordered) <= index < len(ordered):
        return None
    return f"cluster {ordered[index]}" if key == "clusters" else ordered[index]


def read_recall(found: Mentions, raw: str, focus: Focus) -> Ask | None:
    """Read a question about the conversation itself; `raw` is how it was put."""
    low = raw.casefold()
    which = _WHICH.search(low)
    if which is not None and focus.past:
        kind = which.group("kind")
        key = "clusters" if "cluster" in kind else "genes" if "gene" in kind else "cell_types"
        names = tuple(dict.fromkeys(n for ask in focus.past for n in getattr(ask, key)))
        return Ask("recall", **{key: names}, text=raw, plot="names") if names else None
    if _SUMMARY.search(low):
        asked = tuple(dict.fromkeys(ask.text for ask in focus.past if ask.text))
        return (
            Ask("recall", listed=asked[-_MOST_RECALLED:], text=raw, plot="all") if asked else None
        )
    if _QUESTION.search(low):
        asked = [ask.text for ask in focus.past if ask.text]
        if not asked:
            return None
        chosen = asked[0] if re.search(r"\bfirst\b|\bbegin|\bstart", low) else asked[-1]
        return Ask("recall", name=chosen, text=raw, plot="question")
    was_put_back = any(re.search(f"(?i){form}", raw) for form in _FORMS)
    if was_put_back and _ASKS_NAME.search(low) and len(found.shape.split()) <= 4:
        names_of = {"clusters": found.clusters, "genes": found.genes}
        types = tuple(map(spell_out, found.cell_types))
        return Ask("recall", **names_of, cell_types=types, text=raw, plot="names")
    if _SAID.search(low) and focus.past and (found.clusters or found.genes or found.cell_types):
        types = tuple(map(spell_out, found.cell_types))
        return Ask("recall", found.clusters, found.genes, types, text=raw, plot="said")
    return None


def say_recalled(ask: Ask, earlier: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what was spoken of before, citing the evidence of then."""
    if ask.plot == "all":
        quoted = [question.replace('"', "'") for question in ask.listed]
        return ["You asked me the following so far."] + [f'- You asked: "{q}"' for q in quoted]
    if ask.plot == "question":
        question = ask.name.replace('"', "'")
        return [f'You asked me: "{question}"']
    names = [("cluster", n) for n in ask.clusters] + [("gene", n) for n in ask.genes]
    names += [("cell type", n) for n in ask.cell_types]
    lines = []
    for kind, name in names:
        about = [item for item in earlier.values() if _is_about(item, kind, name)]
        if not about:
            continue
        if ask.plot == "names":
            what = f"cluster {name}" if kind == "cluster" else name
            lines.append(cite(f"You asked about {what}.", str(about[0]["id"])))
        else:
            lines += quote_all(about[-1])[:3]
    if lines:
        return list(dict.fromkeys(lines))
    return [f"I have nothing on {listing(name for _, name in names)} from earlier in our talk."]


def _is_about(item: Mapping[str, Any], kind: str, name: str) -> bool:
    facts = item.get("facts") or {}
    if kind == "cluster":
        return str(facts.get("cluster")) == name or str(facts.get("other")) == name
    if kind == "gene":
        return str(facts.get("gene", "")).casefold() == name.casefold()
    return name.casefold() in {
        str(facts.get(key, "")).casefold() for key in ("label", "other_label")
    }
