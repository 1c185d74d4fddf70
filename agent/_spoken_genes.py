"""The genes that "it", "both" and "the two" are: those that were asked about last."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus

if TYPE_CHECKING:
    from ._plain_forms import Names

_OF_ONE = frozenset(
    {"gene_test", "expression", "expression_in", "expression_genes_in", "expression_by",
     "percent_express", "count_express", "highest_gene"}
)  # fmt: skip
_OF_TWO = frozenset({"correlated", "both", "one_not_other"})
_LIKE_A_GENE = re.compile(r"\b(?:(?=\w*\d)(?=\w*[A-Za-z])[\w-]{3,}|[A-Z]{3,}[\w-]*)\b")


def with_genes(act: str, names: "Names", focus: Focus) -> "Names":
    """Return the names of a question with the genes that it points at, where it names too few.

    What looks like the name of a gene and is none is not passed over: then nothing is put in.
    """
    least = 1 if act in _OF_ONE else 2 if act in _OF_TWO else 0
    if act == "correlated" and names.said.columns:  # of a gene with a number of each cell
        least = 1
    if len(names.gene) >= least or names.quality:
        return names
    rest = names.text
    for slot in names.slots:
        rest = rest.replace(slot.text, " ")
    for named in (*names.gene, *names.number):
        rest = re.sub(re.escape(named), " ", rest, flags=re.IGNORECASE)
    if _LIKE_A_GENE.search(rest):
        return names
    spoken = _spoken(focus, least)
    if names.gene and len(spoken) == 1:  # "and with IL1B?"
        spoken = list(dict.fromkeys((*spoken, *names.gene)))
    elif names.gene:
        spoken = list(dict.fromkeys((*names.gene, *spoken)))
    if least == 2:
        spoken = spoken[:2] if len(spoken) >= 2 else []
    return replace(names, gene=spoken) if spoken else names


def _spoken(focus: Focus, least: int) -> list[str]:
    """Return the genes of the last question, and of those before it where more are needed."""
    found: list[str] = []
    for ask in reversed(focus.past):
        mine = genes_of(ask)
        found = [*(gene for gene in mine if gene not in found), *found]
        if len(found) >= least and found:
            break
    return found


def genes_of(ask: Ask) -> list[str]:
    """Return the genes that a question was about."""
    if ask.kept is not None and ask.kept.genes:
        return list(ask.kept.genes)
    return list(ask.genes) or ([ask.frame.gene] if ask.frame is not None and ask.frame.gene else [])
