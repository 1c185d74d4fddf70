"""Whether the cells are of a male or a female donor, told by genes where no column says it."""

import re
from collections.abc import Mapping
from typing import Any

from ._asks import Ask
from ._calls import Call, Situation, run
from ._mentions import Mentions
from ._phrasing import cite, listing, percentage
from ._saying import Said, Saying, Teller
from ._vocabulary import Vocabulary

_ASKED = re.compile(
    r"\b(?:sex(?:es)?|genders?|males?|females?|women|woman|men|man|boys?|girls?|y chromosom\w*)\b"
)
_FEMALE = ("XIST", "TSIX")
_MALE = ("RPS4Y1", "DDX3Y", "EIF1AY", "UTY", "KDM5D", "USP9Y", "ZFY")
_MOST_MALE = 2  # genes of the Y chromosome that are looked at
_FOUND = 3.0  # percent of the cells from which on a gene is on in a person
_DEEP = 50.0
_CLEAR = 4.0  # times as many cells as with a gene of the other sex


def genes_of_sex(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the measured genes that tell the sexes apart; nothing where one side lacks."""
    sides = [
        [vocabulary.genes[g.casefold()] for g in side if g.casefold() in vocabulary.genes]
        for side in (_FEMALE, _MALE)
    ]
    if not sides[1]:
        return ()
    return (*sides[0][:1], *sides[1][:_MOST_MALE])


def read_sex(found: Mentions, vocabulary: Vocabulary) -> Ask | None:
    """Read "is this a male or a female donor?" where the file has no column of it."""
    if not _ASKED.search(found.text) or found.clusters or found.cell_types:
        return None
    genes = genes_of_sex(vocabulary)
    return Ask("sex", listed=genes, text=found.raw) if genes else None


def plan_sex(ask: Ask, situation: Situation) -> list[Call]:
    """Count the cells with each gene, person by person where there are several."""
    words = situation.vocabulary
    people = [c for c in words.people if len(words.labels.get(c, ())) > 1]
    by = sorted(people, key=len)[:1] or None
    calls: list[Call] = []
    for gene in genes_of_sex(words):
        calls += run("summarise_cells", measure="share", where=f"{gene} > 0", by=by)
    return calls


def tell_sex(ask: Ask, now: Saying) -> Said:
    """Say which sex the genes speak for, with the share of cells that have each."""
    results = [(str(r.facts["counted"]).split()[0], r) for r in now.of("summarise_cells")]
    if not results:
        return Said([], ask)
    ids = [str((result.artifact or {})["id"]) for _, result in results]
    whole = {gene: float(result.facts["percent"]) for gene, result in results}
    shares = listing(f"{gene} in {percentage(share)} of the cells" for gene, share in whole.items())
    by = results[0][1].facts.get("by")
    lines = [f"No column of the file tells the sex, but genes do: {shares}."]
    if by:
        lines.insert(0, _people(results))
    else:
        lines.insert(0, _SAID[sex_told_by(whole)])
    return Said([cite(line, *ids) for line in lines], ask)


_SAID = {
    "male": "The cells are most likely of a male donor, since genes of the Y chromosome are on.",
    "female": "The cells are most likely of a female donor: XIST is on, and genes of the Y "
    "chromosome are not.",
    "both": "The cells seem to come from donors of both sexes, since XIST and genes of the Y "
    "chromosome are both on.",
    "": "The genes do not tell: neither XIST nor a gene of the Y chromosome is found in enough "
    "cells.",
}  # fmt: skip


def sex_told_by(shares: Mapping[str, float]) -> str:
    """Return what the percentages of cells with each gene speak for: a sex, both, or nothing."""
    female = max((v for g, v in shares.items() if g.upper() in _FEMALE), default=0.0)
    # Where XIST is on in most cells, a gene of the Y chromosome counts only beside the others:
    # reads of DDX3X are taken for its like on the Y.
    of_y = [share for gene, share in shares.items() if gene.upper() in _MALE]
    male = (min if female >= _DEEP else max)(of_y, default=0.0)
    if male >= _FOUND and male >= _CLEAR * female:
        return "male"
    if female >= _FOUND and female >= _CLEAR * male:
        return "female"
    return "both" if min(male, female) >= _FOUND else ""


_MOST_PEOPLE = 12  # who are named one by one


def _people(results: list[tuple[str, Any]]) -> str:
    """Say of each person what the genes speak for; of many, of how many."""
    shares: dict[str, dict[str, float]] = {}
    for gene, result in results:
        for row in result.table:
            shares.setdefault(str(row["group"]), {})[gene] = float(row["value"])
    said = {name: sex_told_by(of) for name, of in shares.items()}
    parts = []
    for sex, one, many in _LOOK:
        who = [f"'{name}'" for name, told in said.items() if told == sex]
        if who:
            shown = listing(who) if len(said) <= _MOST_PEOPLE else f"{len(who)} people"
            parts.append(f"{shown} {one if len(who) == 1 else many}")
    return f"By their genes {listing(parts)}."


_LOOK = (
    ("female", "looks female", "look female"), ("male", "looks male", "look male"),
    ("both", "shows genes of both sexes", "show genes of both sexes"),
    ("", "cannot be told", "cannot be told"),
)  # fmt: skip


SEX_TELLERS: Mapping[str, Teller] = {"sex": tell_sex}
