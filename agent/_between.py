"""What is asked between two conditions, named in a question or compared before it."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_scores import set_in
from ._asks_of_tests import treatment_of
from ._between_designs import PEOPLE, balance, before_and_after, layout, worth_of_number
from ._between_shares import other_way, share_of, shares
from ._conditions import CONTROL
from ._contrasts import (
    MOST_GENES,
    contrast_in,
    contrast_of,
    is_between,
    likeliest,
    others_of,
    sexes_in,
)
from ._frames import Frame, where_of
from ._last_frame import cells_of_ask
from ._named_cells import CONDITION, clauses_of, first_of, is_condition
from ._plain_asks import POINTS, ask_frame, person_column
from ._plain_follow import OTHERS
from ._shares import labels_said, shares_of
from ._spoken import OF_A_GENE, with_cells
from ._verdicts import asks_yes_no, direction
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names


def of_contrast(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Return what is asked between two conditions, named here or before; None of anything else.

    Parameters
    ----------
    act
        What the question is most likely.
    """
    if not vocabulary.has_dataset:
        return None
    for make in (
        layout, worth_of_number, balance, _by_person, shares, share_of, _effect, _still_there,
        _pathways, _score_between, _by_kind, _linked,
        _which_kind, other_way, before_and_after, _of_them, _of_both_sexes,
    ):  # fmt: skip
        if found := make(act, names, focus, vocabulary):
            return [replace(ask, text=ask.text or names.text) for ask in found]
    return None


AS_UNIT = re.compile(
    rf"(?i)\b{PEOPLE}[- ]level\b|\b{PEOPLE} as (?:the |a )?(?:unit|replicate|sample)s?\b|"
    r"\bpseudo-?bulk\w*|\bunits?\b|\breplicates?\b|\bnot (?:per|by|over|each|single) cells?\b|"
    rf"\btest\w*\b.*\b(?:per|by|over|across|between) {PEOPLE}\b"
)
_EACH = re.compile(
    rf"(?i)\b(?:per|by|each|every|all(?: of)?(?: the)?|both|across(?: the)?|single|individual|"
    rf"within|consistent\w*|in) (?:\w+ )?{PEOPLE}\b|\b{PEOPLE} by {PEOPLE}\b"
)
_CHANGES = re.compile(
    r"(?i)\b(?:up|down|higher|lower|rises?|falls?|drops?|goes|go|gone|chang\w*|differ\w*|induc\w*|"
    r"increas\w*|decreas\w*|reduc\w*|repress\w*|respon[ds]\w*|effect|same (?:way|direction))\b"
)


def _by_person(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell what differs between conditions in each person, or test it with people as the unit."""
    is_unit = AS_UNIT.search(names.text) is not None
    if not is_unit and not _EACH.search(names.text):
        return None
    named = treatment_of(names, vocabulary)
    contrast = named or contrast_of(focus, vocabulary)
    if contrast is None and _CHANGES.search(names.text):
        contrast = likeliest(vocabulary)
    person = person_column(names.said, vocabulary)
    last = focus.last
    if contrast is None or not person:
        return None
    rest = clauses_of(others_of(names, vocabulary))
    genes = tuple(names.gene)
    if not genes and last is not None and not named and last.genes and last.intent != "score_set":
        genes = last.genes
        if not rest:
            rest = cells_of_ask(with_cells(last, vocabulary), vocabulary)
    column, pair = contrast
    if genes and is_unit:
        return [Ask("test_gene", genes=genes, column=column, values=pair, where=where_of(rest))]
    if genes and names.gene and (_CHANGES.search(names.text) or named):
        by = (person, column)
        return [ask_frame(Frame("mean", of=gene, of_kind="gene", where=rest, by=by))
                for gene in genes[:MOST_GENES]]  # fmt: skip
    if genes or names.gene or last is None or names.slots:
        return None
    shares = shares_of(last, vocabulary)
    if shares is not None:
        return [replace(shares, text="" if is_unit else "in every donor?")]
    is_test = last.intent in {"test_gene", "conditions"} and is_unit  # people are its units
    return [replace(last, text="is it significant?", mode="")] if is_test else None


_DOES = re.compile(
    r"(?i)\b(?:do|does|did) (?:to|with)\b|\bwhat (?:do|does|did) .{2,40} do\b|"
    r"\b(?:effects?|impact|influence|consequences?) (?:of|on)\b"
)
_BY_IT = re.compile(r"(?i)\b(?:by|after|upon|under|with|on|due to|because of|in response to)\b")


def _effect(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """List the genes that a treatment changes: "what does the drug do to the cells?"."""
    text = names.text
    is_list = act in {"top_expressed", "markers", "down_genes"} and _CHANGES.search(text)
    is_list = is_list and _BY_IT.search(text)
    if names.gene or not (_DOES.search(text) or is_list) or re.search(r"(?i)\bpathways?\b", text):
        return None
    contrast = treatment_of(names, vocabulary)
    if contrast is None or len([s for s in names.slots if is_condition(s, vocabulary)]) > 1:
        return None
    where = where_of(clauses_of(others_of(names, vocabulary)))
    number = next((int(n) for n in names.number if n.isdigit()), None)
    return [Ask("conditions", column=contrast[0], values=contrast[1], where=where, number=number)]


def _by_kind(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell what was compared in every kind of cells: "by cell type"."""
    is_plain = act == "every_type" and not (names.slots or names.gene)
    if not (is_plain and is_between(focus, vocabulary)) or focus.last is None:
        return None
    is_told = focus.last.intent in {"by_donor", "test_gene"} and not focus.last.where
    return OTHERS["every_type"](names, focus, vocabulary) if is_told else None


_PATHWAYS = re.compile(
    r"(?i)\b(?:pathways?|hallmarks?|gene ?sets?|programs?|programmes?|processes)\b"
)


def _pathways(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Rank pathways by how they differ: "in pathways, not genes", "which ones go up in stim?"."""
    text = names.text
    if not _PATHWAYS.search(text) or names.gene or set_in(names, vocabulary) is not None:
        return None
    is_change = (
        _CHANGES.search(text)
        or _DOES.search(text)
        or re.search(r"(?i)\b(?:between|vs\.?|versus|than)\b", text)
    )
    contrast = treatment_of(names, vocabulary) if is_change else None
    others = others_of(names, vocabulary)
    where = where_of(clauses_of(others))
    last = focus.last
    if contrast is None and last is not None and is_between(focus, vocabulary) and not names.slots:
        contrast = contrast_of(focus, vocabulary)
        is_list = last.intent in OF_A_GENE | {"conditions"}
        where = where_of(cells_of_ask(with_cells(last, vocabulary), vocabulary)) if is_list else ""
    if contrast is None:
        return None
    return [Ask("pathways_between", column=contrast[0], values=contrast[1], where=where)]


def _score_between(
    act: str, names: "Names", focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Compare the score that was told between the two conditions that are named now."""
    last = focus.last
    if last is None or last.intent != "score_set" or names.gene or _LISTED.search(names.text):
        return None
    contrast = treatment_of(names, vocabulary)
    if contrast is None or (others := others_of(names, vocabulary)) and len(others) > 1:
        return None
    where = where_of(clauses_of(others)) or last.where
    return [Ask("by_donor", name=last.name, genes=last.genes, column=contrast[0],
                values=contrast[1], where=where)]  # fmt: skip


_LISTED = re.compile(r"(?i)\b(?:genes?|degs?|de|differential\w*|cells|umap|cluster\w*)\b")
_LINKED = re.compile(
    r"(?i)\b(?:associat\w*|correlat\w*|relat\w*|link\w*|depend\w*|predict\w*|happens?|affect\w*|"
    r"influenc\w*|effects?|impact)\b"
)


def _linked(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Test a gene that may go with a condition: "is TCF7 associated with response?"."""
    is_moved = _MOVES.search(names.text) and asks_yes_no(names.text) and not names.slots
    if not names.gene or not (_LINKED.search(names.text) or is_moved):
        return None
    if len(names.gene) > 1 and re.search(r"(?i)\b(?:correlat|relat)", names.text):
        return None
    contrast = treatment_of(names, vocabulary)
    if contrast is None and is_moved and not _ELSEWHERE.search(names.text) and not names.column:
        contrast = likeliest(vocabulary) if not contrast_of(focus, vocabulary) else None
        values = " ".join(contrast[1]).casefold() if contrast else ""
        contrast = contrast if set(re.findall(r"[a-z]+", values)) & CONTROL else None
    if contrast is None:
        return None
    where = where_of(clauses_of(others_of(names, vocabulary)))
    return [Ask("test_gene", genes=tuple(names.gene[:_MOST_TESTED]), column=contrast[0],
                values=contrast[1], where=where)]  # fmt: skip


_MOST_TESTED = 6
_MOVES = re.compile(
    r"(?i)\b(?:up|down|(?:up|down)-?regulated|induced|repressed|increased|decreased|changed)\W*$"
)
_STILL = re.compile(r"(?i)\b(?:still|hold\w*|remain\w*|persist\w*|stays?|true|also|too|as well)\b")
_IT = re.compile(
    r"(?i)\b(?:that|this|it|the (?:differences?|effects?|changes?|induction|increase|decrease|"
    r"drop|response|result|same))\b"
)


def _still_there(
    act: str, names: "Names", focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Put what was compared to other cells: "is the difference still there in the NK cells?"."""
    rest = others_of(names, vocabulary)
    is_asked = (_STILL.search(names.text) or act == "difference") and _IT.search(names.text)
    if not (rest and is_asked and is_between(focus, vocabulary)) or names.gene:
        return None
    if len(rest) != len(names.slots) or len(rest) > 1:
        return None
    said = labels_said(names.text, vocabulary) if not first_of(rest[0]).column else []
    if said and rest[0].tag is not None:  # "the memory cells", by the authors' one such label
        names = replace(
            names, slots=[replace(rest[0], tag=replace(rest[0].tag, conditions=said[0]))]
        )
    return OTHERS["and_group"](names, focus, vocabulary)


_WHICH_KIND = re.compile(
    r"(?i)\b(?:in )?(?:which|what) (?:cell ?)?(?:types?|clusters?|populations?|subsets?|cells)\b"
)
_WIDEST = re.compile(
    r"(?i)\b(?:strong\w*|most|largest|biggest|weak\w*|least|smallest|greatest|highest|lowest|"
    r"chang\w*|effect|induc\w*|respon[ds]\w*)\b"
)


def _which_kind(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Rank the kinds of cells by how much what was tested changes: "where is that strongest?"."""
    last = focus.last
    is_test = last is not None and last.intent in {"test_gene", "is_among"}
    is_test = is_test and is_between(focus, vocabulary)
    if not is_test or last is None or names.gene or names.slots or last.where:
        return None
    if not (_WHICH_KIND.search(names.text) and _WIDEST.search(names.text)):
        return None
    if not (POINTS.search(names.text) or re.search(r"(?i)\beffect|\bchange", names.text)):
        return None
    by = "clusters" if re.search(r"(?i)\bclusters?\b", names.text) else ""
    return [Ask("most_changed", genes=(gene,), column=last.column, values=last.values, plot=by)
            for gene in last.genes[:MOST_GENES]]  # fmt: skip


def _of_both_sexes(
    act: str, names: "Names", focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Test a gene between the sexes where the file writes them as codes."""
    contrast = sexes_in(names.text, vocabulary)
    if contrast is None or not names.gene or act not in {"gene_test", "compare", "more_in"}:
        return None
    if any(is_condition(slot, vocabulary) for slot in names.slots):
        return None
    where = where_of(clauses_of(names.slots))
    return [Ask("test_gene", genes=tuple(names.gene[:MOST_GENES]), column=contrast[0],
                values=contrast[1], where=where)]  # fmt: skip


def _of_them(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Test a gene between two conditions in the cells told of: "is TIGIT up in them as well?"."""
    last = focus.last
    if act != "they_express" or not names.gene or last is None or last.frame is None:
        return None
    contrast = contrast_in(last, vocabulary)
    if contrast is None or not direction(names.text):
        return None
    spoken = (*last.frame.among, *last.frame.where)
    cells = tuple(c for c in spoken if c[0].column != contrast[0] and c[0].kind != "gene")
    return [Ask("test_gene", genes=tuple(names.gene), column=contrast[0], values=contrast[1],
                where=where_of(cells))]  # fmt: skip


_ELSEWHERE = re.compile(
    r"(?i)\b(?:where|which|what|cluster\w*|types?|populations?|umap|violin|dots?|dot ?plot|plot|"
    r"show|draw|map|heat ?map|correlat\w*|marker|cells express)\b"
)


def _of_treatment(ask: Ask, vocabulary: Vocabulary) -> Ask:
    """Compare what was treated with what was not by donors, rather than with "all other cells"."""
    if ask.intent != "compare_selections" or ask.second or not ask.where:
        return ask
    clauses = cells_of_ask(ask, vocabulary)
    parts = [c for c in clauses if len(c) == 1 and c[0].kind == "value" and not c[0].is_not]
    mine = [c[0] for c in parts if c[0].column in vocabulary.conditions
            and CONDITION.search(c[0].column)]  # fmt: skip
    if len(mine) != 1 or len(parts) != len(clauses):
        return ask
    values = vocabulary.labels.get(mine[0].column, ())
    if len(values) != 2:
        return ask
    pair = (mine[0].label, *(value for value in values if value != mine[0].label))
    rest = where_of(clause for clause in clauses if clause[0] != mine[0])
    text = "which genes are lower?" if ask.mode == "lower" else "which genes are higher?"
    return Ask("conditions", column=mine[0].column, values=pair, where=rest, number=ask.number,
               text=text if ask.mode else "")  # fmt: skip


def take_up(asks: list[Ask], names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    """Put what is asked of a gene or a score between the conditions that were compared last."""
    asks = [_of_treatment(ask, vocabulary) for ask in asks]
    if not is_between(focus, vocabulary) or focus.last is None:
        return asks
    contrast = contrast_of(focus, vocabulary)
    if contrast is None or _ELSEWHERE.search(names.text):
        return asks
    column, pair = contrast
    last = focus.last
    kept = (
        where_of(cells_of_ask(with_cells(last, vocabulary), vocabulary))
        if (last.intent in OF_A_GENE | {"conditions", "by_donor", "pathways_between"})
        else ""
    )
    found = []
    for ask in asks:
        if ask.intent in {"where_highest", "expression"} and ask.genes and not ask.mode:
            where = ask.where or (where_of(cells_of_ask(ask, vocabulary)) or kept)
            found.append(Ask("test_gene", genes=ask.genes, column=column, values=pair, where=where,
                             text=ask.text))  # fmt: skip
        elif ask.intent == "score_set" and not ask.column and (ask.name or len(ask.genes) > 1):
            found.append(Ask("by_donor", name=ask.name, genes=ask.genes, column=column, values=pair,
                             where=ask.where or kept, text=ask.text))  # fmt: skip
        else:
            found.append(ask)
    return found
