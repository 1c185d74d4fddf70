"""What a name means by its words, when no term is spelled like it.

The matcher compares sets of tokens (`_lexical.py`): first the whole name, then several types in
one name, then the nearest term once states, markers, numbers and places are left off, last a
slip of the pen. It says what it left off; it never fills in what the name does not say.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ._draft import KINDS, SCORES, Draft
from ._graph import OntologyGraph
from ._lexical import key_of, tokenise
from ._names import Name, NameIndex
from ._spellings import (
    GENE_SYMBOL,
    beginnings,
    head_last,
    readings,
    remarks,
    shouted_words,
    without_brackets,
    without_letter,
    without_likeness,
)
from ._term import Term
from ._vocabulary import GREEK_WORDS, LINEAGE_WORDS, PLACES, STATE_WORDS, TISSUE_WORDS

CODE = re.compile(
    r"[<>{}=;`\\$^|*@]|--|\bselect\b.*\bfrom\b|\bdrop\s+table\b|https?:", re.IGNORECASE
)
"""What no name of a cell, a tissue or a disease holds."""
_WORDS = re.compile(r"[^\W_]+")
_LIST = re.compile(r"\s*(?:/|&|\bor\b|\band\b)\s*|(?<=[A-Za-z])\+(?=[A-Za-z]{2})", re.IGNORECASE)
_MARKER = re.compile(
    r"^[a-z][a-z0-9]{0,19}[+-]$|^[a-z][a-z0-9]{1,8}(?:hi|lo)$|^(?=.*\d)[a-z][a-z0-9]{2,9}$"
    r"|^type\w{1,2}$|^l\d(?:to\d)?$"
)
"""A gene or its state, a numbered type or a cortical layer: it marks a kind of cell, names none."""
_SURFACE = re.compile(r"^cd\d|^l\d|[+-]$|(?:hi|lo)$")
"""What stands on a cell, or the layer it lies in: never short for a cell."""
_CODE_WORD = re.compile(r"^[A-Z0-9]{1,7}$")
"""A symbol by itself: one letter away from a word it is another symbol, not a slip."""
_NUMBERED = re.compile(r"^([a-z]{2,}?)\d{1,2}$")
_MAX_TOKENS = 14
_MIN_COVERAGE = 0.5
_MIN_COVERAGE_OF_HEAD = 0.25
"""The last noun of a name says what the cell is, so more may be left off before it."""
_MIN_COVERAGE_OF_SHORT = 0.75
_MIN_SHARE = 0.5
"""Of what a term's name tells, the part that an incomplete name must hold."""
_LONG_WORD = 8
_SHORT = 4
"""Author names below this length are too often something else to stand beside unknown words."""
_SHORT_NAME = 5
"""Letters up to which a word may be short for a cell: "ganglion" by itself is none."""
_SHORTEST_NAME = 2
"""Letters that a name before a remark must have."""
_FIRM = 0.9
_SCORE_BEFORE_REMARK, _SHARE_OF_A_KIND = 0.6, 0.85
_WORTH_OF_TISSUE, _WORTH_OF_MARKER, _WORTH_OF_STATE = 1.2, 0.5, 0.4
_OF_THE_BLOOD = "CL:0000988"
"""Hematopoietic cell, which says something, near the root as it is."""
_T_LINEAGES = frozenset({"cd4+", "cd8+"})
_NEURON = "CL:0000540"
_SHALLOW = 2
"""A common parent this near the root ("cell", "eukaryotic cell") says nothing."""


class WordMatcher:
    """Matches names of one ontology by their words."""

    def __init__(self, terms: Mapping[str, Term], names: NameIndex, graph: OntologyGraph) -> None:
        self._terms = terms
        self._names = names
        self._graph = graph

    def match(self, text: str) -> Draft:
        """Return what the name means by its words; a draft without ids when nothing fits."""
        if CODE.search(text):
            return Draft(note="It reads as code or an address, not as a name.")
        if draft := self._by_author(text):
            return self._with_local_meanings(draft, text)
        for spelling in readings(text, ontology=self._names.ontology):
            draft = self._by_author(spelling) or self._by_list(spelling) or self._by_key(spelling)
            if draft:
                left = "" if spelling == text else f"Read as '{spelling}'."
                draft = self._narrowed(draft, text) if spelling != text else draft
                return draft.noting(left).times(1.0 if spelling == text else 0.95)
        if self._names.biological and GENE_SYMBOL.match(text):
            return Draft(note="It reads as the symbol of a gene.")
        shouted = shouted_words(text)
        if self._names.biological:
            text = without_likeness(text)
        for order in dict.fromkeys((head_last(text), text)):
            tokens = tokenise(order, biological=self._names.biological)
            if len(tokens) > _MAX_TOKENS:
                return Draft(note="It is longer than any name.")
            if self._names.biological and PLACES.issuperset(tokens):
                return Draft(note="It names a place, and no cell of it.")
            if draft := self._by_short_words(tokens) or self._by_containment(tokens, shouted):
                return draft
        if draft := self._by_beginning(text) or self._by_expanded(tokens, shouted):
            return draft
        return (
            self._by_completion(frozenset(tokens))
            or self._by_letter(text)
            or (None if _CODE_WORD.match(text) else self._by_correction(tokens, shouted))
            or Draft(note="No term has this name or one like it.")
        )

    def _narrowed(self, draft: Draft, text: str) -> Draft:
        """Prefer what brackets hold when it is a kind of what stands before them."""
        for remark in remarks(text):
            inside = self._by_author(remark) or self._by_key(remark)
            if inside and self._graph.is_a(inside.ids[0], draft.ids[0]):
                return inside
        return draft

    def _with_local_meanings(self, draft: Draft, text: str) -> Draft:
        """List what a short name means in one organ beside what it means anywhere."""
        local = [name for name in self._names.elsewhere(text) if name.term_id not in draft.ids]
        if not local:
            return draft
        said = ", ".join(f"{self._terms[name.term_id].label} ('{name.text}')" for name in local)
        ids = dict.fromkeys((*draft.ids, *(name.term_id for name in local)))
        return replace(draft, ids=tuple(ids), note=f"{draft.note} It may also be {said}.")

    def in_tissue(self, text: str, tissue: str, draft: Draft) -> Draft:
        """Return the kind of cell that the same name means in a tissue, else the draft.

        "Basal" in the prostate is the basal cell of prostate epithelium. A name that says by
        itself what the cell is keeps its meaning: a macrophage of the lung is called macrophage
        by those who name cells, and the lung macrophage is listed beside it.
        """
        general = self._terms[draft.ids[0]].label if draft.ids else text
        written = (f"{without_brackets(text)} {tissue}", f"{general} {tissue}")
        found = (self._names.keyed(frozenset(tokenise(named))) for named in written)
        names = next(filter(None, found), None)
        if not names:
            return draft
        local = self._draft(names)
        if local.ids[0] in draft.ids[:1]:
            return draft
        is_local = names[0].kind == "author" or self._is_named_by_place(draft)
        if is_local or draft.score < _FIRM:
            others = (*local.ids, *draft.ids)
            return replace(local, ids=tuple(dict.fromkeys(others))).noting(f"In {tissue}:")
        if self._graph.is_a(local.ids[0], draft.ids[0]):
            others = (draft.ids[0], *local.ids, *draft.ids[1:])
            label = self._terms[local.ids[0]].label
            note = f"{draft.note} The one of {tissue} is {label}."
            return replace(draft, ids=tuple(dict.fromkeys(others)), note=note)
        return draft

    def _is_named_by_place(self, draft: Draft) -> bool:
        """Tell whether experts name such cells by where they are: neurons, that is."""
        if not draft.ids or not self._names.biological:
            return False
        return self._graph.is_a(draft.ids[0], _NEURON)

    def _by_short_words(self, tokens: tuple[str, ...]) -> Draft | None:
        """Write out short names inside a longer one: "short lived IgM PC"."""
        if not self._names.biological:
            return None
        expanded = frozenset().union(*map(self._names.expansion, tokens)) if tokens else frozenset()
        names = self._names.keyed(expanded) if expanded != frozenset(tokens) else []
        return self._draft(names) if names else None

    def _by_author(self, text: str) -> Draft | None:
        names = self._names.author(text)
        return self._draft(names) if names else None

    def _by_key(self, text: str) -> Draft | None:
        key = frozenset(tokenise(text, biological=self._names.biological))
        names = self._names.keyed(key)
        return self._draft(names) if names else None

    def _draft(self, names: Sequence[Name]) -> Draft:
        best = names[0]
        ids = list(dict.fromkeys(name.term_id for name in names))
        score = SCORES[best.kind] - (0.1 if len(ids) > 1 and names[1].rank == best.rank else 0.0)
        if best.kind in KINDS:
            note = f"'{best.text}' is {KINDS[best.kind]} {self._terms[best.term_id].label}."
        else:
            note = f"The same words as '{best.text}'."
        return Draft(ids=tuple(ids), score=score, note=note)

    def _by_list(self, text: str) -> Draft | None:
        """Read "T/NK" or "HSC/MPP": the term that holds all of the types named."""
        parts = [part for part in _LIST.split(text) if part]
        if not 2 <= len(parts) <= 4 or not self._names.biological:
            return None
        ids: list[str] = []
        told = _T_LINEAGES & set(tokenise(text))
        lineage = f"{next(iter(told))} " if len(told) == 1 else ""
        for part in parts:
            # "CD4+ memory/effector T": the marker stands once and is said of each.
            draft = (
                (self._by_key(lineage + part) if lineage else None)
                or self._by_author(part)
                or self._by_key(part)
            )
            if draft is None or not draft.ids:
                return None
            ids.append(draft.ids[0])
        shared = ids[0]
        for term_id in ids[1:]:
            common = self._graph.lowest_common_ancestors(shared, term_id)
            if not common:
                return None
            shared = max(common, key=lambda key: (self._graph.depth(key), key))
        labels = ", ".join(self._terms[key].label for key in dict.fromkeys(ids))
        if self._graph.depth(shared) < _SHALLOW and shared != _OF_THE_BLOOD:
            note = f"It names {labels}, which share no near parent; the first is given. Check it."
            return Draft(ids=tuple(dict.fromkeys(ids)), score=0.4, note=note)
        note = f"It names {labels}; {self._terms[shared].label} holds them all."
        return Draft(ids=(shared, *ids), score=0.7, note=note)

    def _by_containment(self, tokens: tuple[str, ...], shouted: frozenset[str]) -> Draft | None:
        """Leave off states, markers, numbers and places until a term's whole name remains."""
        tokens = tuple(dict.fromkeys(part for token in tokens for part in self._loosened(token)))
        worth = {token: self._worth(token, shouted=token in shouted) for token in tokens}
        nouns = [token for token in tokens if worth[token] > _WORTH_OF_TISSUE]
        head = nouns[-1] if nouns else ""
        lineage = LINEAGE_WORDS & set(tokens)
        marked = any(map(_MARKER.match, tokens))
        best: tuple[tuple[float, ...], frozenset[str], Sequence[Name]] | None = None
        for candidate, names in self._names.contained(frozenset(tokens)):
            if not lineage <= candidate:
                continue
            plain = names[0].kind != "author" or len(candidate) > 1
            if max(map(len, candidate)) < 2 and not candidate & {"t", "b"}:
                continue
            if candidate <= GREEK_WORDS and marked or self._is_of_another_organ(names[0], tokens):
                continue
            covered = sum(map(self._told, candidate))
            rating = (
                -1.0 if self._names.is_special(names[0]) else float(plain),
                float(head in candidate),
                round(covered, 6),
                float(max(tokens.index(token) for token in candidate)),
                -float(names[0].rank),
            )
            if best is None or rating > best[0]:
                best = (rating, candidate, names)
        if best is None:
            return None
        (plain, has_head, covered, *_), covered_key, names = best
        implied = key_of(self._terms[names[0].term_id].label, biological=self._names.biological)
        left = [token for token in tokens if token not in covered_key | implied]
        kind = [] if lineage else self._kind_among(left, names[0].term_id)
        if kind:
            return self._draft(kind).times(_SHARE_OF_A_KIND)
        coverage = covered / (covered + sum(worth[token] for token in left))
        short = plain <= 0 and max(map(len, covered_key)) < _SHORT
        needed = _MIN_COVERAGE_OF_HEAD if has_head else _MIN_COVERAGE
        if coverage < (_MIN_COVERAGE_OF_SHORT if short else needed):
            return None
        draft = self._draft(names)
        if not left:
            return draft
        shown = ", ".join(left)
        label = self._terms[draft.ids[0]].label
        note = f"No term holds all of the name; {label} is the nearest without '{shown}'."
        score = draft.score * (0.55 + 0.35 * coverage)
        return Draft(ids=draft.ids, score=score, note=note)

    def _is_of_another_organ(self, name: Name, tokens: tuple[str, ...]) -> bool:
        """Tell whether authors mean a cell of one organ, and the text says another.

        "Ductal" is of the pancreas, unless it is "salivary ductal".
        """
        if name.kind != "author":
            return False
        theirs = TISSUE_WORDS & key_of(self._terms[name.term_id].label)
        return bool(theirs) and not theirs & set(tokens) and bool(TISSUE_WORDS & set(tokens))

    def _kind_among(self, tokens: Sequence[str], term_id: str) -> list[Name]:
        """Return the short name of a kind of the term: AT2 in "Epi_AT2_SFTPC"."""
        for token in tokens:
            if len(token) > _SHORT_NAME or _SURFACE.search(token):
                continue
            names = self._names.keyed(frozenset({token}))
            if not names or names[0].kind != "author" or names[0].term_id == term_id:
                continue
            if self._graph.is_a(names[0].term_id, term_id):
                return names
        return []

    def _by_beginning(self, text: str) -> Draft | None:
        """Read a name before a remark: the alpha cell in "alpha_MHC II", the MPP in "MPP-MkEry"."""
        if not self._names.biological:
            return None
        for name, remark in beginnings(text):
            if len(name) < _SHORTEST_NAME or not all(map(self._is_remark, _WORDS.findall(remark))):
                continue
            draft = self._by_author(name) or self._by_key(name)
            if len(name) == _SHORTEST_NAME and (named := self._by_author(remark)):
                # Two letters stand for many things: the CM of "CM PreTfh" is no heart muscle.
                draft, name, remark = named, remark, name
            if draft and draft.score >= _FIRM:
                label = self._terms[draft.ids[0]].label
                note = f"Read as '{name}', which is {label}, with the remark '{remark}'."
                return replace(draft, score=_SCORE_BEFORE_REMARK, note=note)
        return None

    def _by_letter(self, text: str) -> Draft | None:
        """Read a name behind a single small letter: the EVT of "iEVT"."""
        short = without_letter(text) if self._names.biological else None
        draft = short and (self._by_author(short) or self._by_key(short))
        if not short or not draft or draft.score < _FIRM:
            return None
        label = self._terms[draft.ids[0]].label
        note = f"Read as '{short}', which is {label}, with '{text[0]}' before it."
        return replace(draft, score=_SCORE_BEFORE_REMARK, note=note)

    def _is_remark(self, word: str) -> bool:
        """Tell whether a word may be a gene, a number, a state or a place beside a name."""
        shouted = any(char.isdigit() for char in word) or sum(map(str.isupper, word)) > 1
        folded = word.lower()
        return shouted or len(word) < 2 or folded in STATE_WORDS or self._names.knows(folded)

    def _by_expanded(self, tokens: tuple[str, ...], shouted: frozenset[str]) -> Draft | None:
        """Write out short names and leave off layers, markers and numbers: "Ex L5"."""
        rest = [token for token in tokens if self._names.expansion(token) == {token}]
        if not self._names.biological or len(rest) == len(tokens):
            return None
        if any(self._worth(token, shouted=token in shouted) > _WORTH_OF_MARKER for token in rest):
            return None
        expanded = tuple(part for token in tokens for part in sorted(self._names.expansion(token)))
        return self._by_containment(tuple(dict.fromkeys(expanded)), shouted)

    def _by_completion(self, key: frozenset[str]) -> Draft | None:
        """Find the one term whose name holds all the words and few more: "nucleus pulposus"."""
        told = sum(map(self._names.weight, key))
        if len(key) < 2 and max(map(len, key), default=0) < _LONG_WORD:
            return None
        if all(map(_MARKER.match, key)):
            return None  # genes, and no cell
        rated: dict[str, float] = {}
        for candidate, names in self._names.holding(key) if told else ():
            share = told / sum(map(self._names.weight, candidate))
            for name in names:
                if share >= _MIN_SHARE and not self._names.is_special(name):
                    rated[name.term_id] = max(rated.get(name.term_id, 0.0), share)
        if not rated:
            return None
        ids = sorted(rated, key=lambda term_id: (-rated[term_id], term_id))
        label = self._terms[ids[0]].label
        others = f", as have {len(ids) - 1} others" if len(ids) > 1 else ""
        note = f"Not the whole name: {label} has all its words and more{others}."
        return Draft(tuple(ids), 0.8 * rated[ids[0]] - 0.1 * (len(ids) > 1), note)

    def _loosened(self, token: str) -> tuple[str, ...]:
        """Return a known form of an unknown token: "fb1" as fibroblast."""
        if self._names.knows(token) or not self._names.biological:
            return (token,)
        numbered = _NUMBERED.match(token)
        parts = tokenise(numbered.group(1)) if numbered else ()
        return parts if parts and all(map(self._names.knows, parts)) else (token,)

    def _told(self, token: str) -> float:
        """Return how much a token of a name tells of the kind of cell: of a state, little."""
        return _WORTH_OF_STATE if token in STATE_WORDS else min(self._names.weight(token), 6.0)

    def _worth(self, token: str, *, shouted: bool) -> float:
        """Return how much is lost when a token is left off."""
        if token.isdigit() or len(token) == 1 and token not in ("t", "b"):
            return 0.2
        if token in STATE_WORDS:
            return _WORTH_OF_STATE
        if token in TISSUE_WORDS:
            return _WORTH_OF_TISSUE
        unknown = shouted and not self._names.knows(token)
        if self._names.biological and (unknown or _MARKER.match(token)):
            return _WORTH_OF_MARKER
        return min(self._names.weight(token), 6.0) or 4.0

    def _by_correction(self, tokens: tuple[str, ...], shouted: frozenset[str]) -> Draft | None:
        words = {
            token: self._names.corrected(token) for token in tokens if not self._names.knows(token)
        }
        changes = {token: word for token, word in words.items() if word}
        if not changes:
            return None
        biological = self._names.biological
        changed = ", ".join(f"'{old}' as '{new}'" for old, new in changes.items())
        if draft := self._by_author(" ".join(changes.get(token, token) for token in tokens)):
            return draft.noting(f"Read {changed}.").times(0.9)
        corrected = tuple(
            part
            for token in tokens
            for part in tokenise(changes.get(token, token), biological=biological)
        )
        names = self._names.keyed(frozenset(corrected))
        draft = self._draft(names) if names else self._by_containment(corrected, shouted)
        return draft and draft.noting(f"Read {changed}.").times(0.9)
