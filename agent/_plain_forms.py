"""The plain form of each act: the one wording that the grammar reads for certain.

A question is known by its outline (`_acts`); what it asks for is then put in plain words with the
names that it holds, and read as if it had been asked so. "responders or not, who has more
exhausted ones?" becomes "are there more exhausted cells in Responder than in Non-responder?".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ._asks import Ask, Focus
from ._asks_by_name import BY_NAME
from ._frames import IDENTITY, where_of
from ._named_cells import WITH_OTHERS, Make
from ._outlines import COLUMN, GENE, GROUP, Slot
from ._plain_answers import ABOUT
from ._plain_asks import MAKERS, POINTS, Said, said_in
from ._plain_choices import CHOICES
from ._plain_follow import OTHERS
from ._plain_parts import PARTS
from ._plain_redraw import REDRAWN
from ._plain_shows import SHOWERS
from ._spoken import chosen_by, parts_told, those
from ._tag_names import Tag
from ._vocabulary import Vocabulary

# Forms of one act, the fullest first; the first whose names are all there is taken. A number of
# names that a form does not use up is a sign that another form or another act is meant.
FORMS: dict[str, tuple[str, ...]] = {
    "overview": ("what is in this dataset?",),
    "n_cells": ("how many cells are there?",),
    "n_genes": ("how many genes are measured?",),
    "n_donors": ("how many donors are there?",),
    "which_conditions": ("which conditions are there?",),
    "columns": ("list the columns",),
    "column": ("what does the column {column} hold?",),
    "scale": ("is X raw counts?",),
    "tissue": ("which tissue is this?",),
    "is_measured": ("is {gene} measured?",),
    "quality": ("how good is the quality of the cells?",),
    "quality_by": ("quality by {column}",),
    "quality_group": ("quality of {group}",),
    "sex": ("are the donors male or female?",),
    "malignant": ("are there malignant cells?",),
    "confounded": ("are donors a confounder?",),
    "list_clusters": ("list the clusters",),
    "n_clusters": ("how many clusters are there?",),
    "biggest_cluster": ("which cluster is the biggest?",),
    "smallest_cluster": ("which cluster is the smallest?",),
    "how_clustered": ("how were the clusters computed?",),
    "choose_clusters": ("use {column} as clusters",),
    "likeness": ("which cluster is most similar to {group}?",),
    "label_all": ("label the clusters",),
    "most_abundant": ("which cell type is the most abundant?",),
    "rarest": ("which cell type is the rarest?",),
    "describe": ("what are {group}?",),
    "describe_cells": ("describe {number} cells of {group}", "describe cells of {group}",
                       "describe {number} cells"),
    "which_clusters": ("which clusters are {group}?",),
    "any_type": ("are there any {group}?",),
    "count_type": ("how many {group} are there?",),
    "share_type": ("what percentage of the cells are {group}?",),
    "is_type": ("is {group} {group}?",),
    "type_or": ("is {group} {group} or {group}?",),
    "why": ("why is {group} {group}?", "why is {group} labelled so?"),
    "why_not": ("why is {group} not {group}?",),
    "confidence": ("how sure are you of {group}?",),
    "confidence_all": ("how sure are you of the labels?",),
    "uncertain": ("which cells are you least sure about?",),
    "agreement": ("do your labels agree with those of the authors?",),
    "disagreement": ("where do your labels disagree most with those of the authors?",),
    "assign_once": ("use every cell type only once",),
    "markers": ("top {number} markers of {group}", "what are the markers of {group}?"),
    "is_marker": ("is {gene} a marker of {group} here?", "is {gene} a marker of it?"),
    "known_markers": ("what are the known markers of {group}?",),
    "down_genes": ("which genes are lower in {group}?",),
    "compare": ("which genes differ between {group} and {group} in {group}?",
                "which {number} genes differ between {group} and {group}?",
                "which genes differ between {group} and {group}?"),
    "compare_rest": ("which genes differ between {group} and all other cells?",),
    "de_condition": ("which genes differ between the conditions in {group}?",
                     "which genes differ between the conditions?"),
    "responds_most": ("which cell type responds most?",),
    "gene_test": ("is {gene} higher in {group} than in {group} in {group}?",
                  "is {gene} higher in {group} than in {group}?"),
    "expression": ("where is {gene} expressed?",),
    "expression_by": ("mean {gene} by {column} in {group}", "mean {gene} by {column}"),
    "expression_in": ("is {gene} expressed in {group}?",),
    "percent_express": ("what percentage of {group} express {gene}?",
                        "what percentage of the cells express {gene}?"),
    "count_express": ("how many {group} express {gene}?", "how many cells express {gene}?"),
    "count_above": ("how many {group} have {gene} above {number}?",
                    "how many cells have {gene} above {number}?"),
    "both": ("how many {group} express both {gene} and {gene}?",
             "how many cells express both {gene} and {gene}?"),
    "one_not_other": ("how many {group} express {gene} but not {gene}?",
                      "how many cells express {gene} but not {gene}?"),
    "correlated": ("are {gene} and {gene} correlated in {group}?",
                   "are {gene} and {gene} correlated?"),
    "highest_gene": ("which {column} has the highest {gene}?",),
    "top_expressed": ("which genes are most abundant in {group}?",),
    "gene_info": ("what is {gene}?",),
    "pathways": ("which pathways are active in {group}?",),
    "cycling": ("which cells are dividing?",),
    "count_by": ("how many {group} are there per {column}?",),
    "share_by": ("what percentage of the cells are {group} per {column}?",),
    "composition": ("composition by {column}",),
    "more_in": ("are there more {group} in {group} than in {group}?",),
    "most_of": ("which {column} has the most {group}?",),
    "cells_per": ("how many cells are there per {column}?",),
    "donors_per": ("how many donors are there?",),
    "count_both": ("how many {group} are {group}?",),
    "list_selections": ("which selections are there?",),
    "what_are_they": ("what are those cells?",),
    "umap": ("umap by {column}", "umap"),
    "undo": ("undo that",),
    "list_corrections": ("what have I corrected?",),
    "export_table": ("export the table",),
    "export_cells": ("save the cells as csv",),
    "and_by": ("and by {column}?",),
    "every_donor": ("and by donor?",),
    "as_share": ("as a percentage?",),
    "as_count": ("in numbers of cells?",),
    "as_bars": ("as bars",),
    "as_violin": ("as a violin plot",),
    "as_umap": ("on the umap",),
    "which_highest": ("which is the highest?",),
    "which_lowest": ("which is the lowest?",),
    "which_second": ("which comes second?",),
    "how_many_they": ("how many are they?",),
    "share_they": ("what percentage of all cells is that?",),
    "where_they": ("which {column} are they in?", "which clusters are they in?"),
    "they_express": ("do they express {gene}?",),
    "their_markers": ("what are their markers?",),
    "why_that": ("why?",),
    "sure": ("are you sure?",),
    "significant": ("what is the p-value?",),
    "difference": ("what is the difference?",),
    "without": ("and without {group}?",),
    "next_cluster": ("and the next cluster?",),
    "compare_them": ("compare the two",),
    "recall": ("what did I ask first?",),
    "help": ("what can you do?",),
    "greet": ("hello",),
    "thanks": ("thanks",),
    "privacy": ("does my data leave this machine?",),
    "how_named": ("how do you decide on a cell type?",),
    "what_confidence": ("what does the confidence mean?",),
    "trust": ("can I trust your labels?",),
    "cite": ("how should I cite this?",),
}  # fmt: skip

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LOWER = re.compile(
    r"(?i)\b(?:lower|lowest|least|fewest|fewer|less|down\w*|decreas\w*|reduc\w*|deplet\w*|drops?|"
    r"smaller|repress\w*)\b"
)
_LOW = re.compile(
    r"(?i)\b(?:low|absent|lost|los\w+|missing|miss|lack\w*|silen\w*|off|negativ\w*|under\w*|shut|"
    r"without|not|never|no longer|neg|weak\w*)\b|n't\b"
)
_PREVIOUS = re.compile(r"(?i)\b(?:previous|prev|before|prior|preceding|one back)\b")
_LOWEST = re.compile(r"(?i)\b(?:lowest|least|fewest|smallest|minimum|rarest)\b")


@dataclass
class Names:
    """What a question names, by kind, in order."""

    group: list[str] = field(default_factory=list)
    gene: list[str] = field(default_factory=list)
    column: list[str] = field(default_factory=list)
    number: list[str] = field(default_factory=list)
    quality: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)  # of the groups
    unit: list[str] = field(default_factory=list)  # columns that go by an everyday word
    said: Said = field(default_factory=Said)
    text: str = ""  # the question

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that are named, if clusters alone are."""
        parts = [part for slot in self.slots if slot.tag for part in slot.tag.conditions]
        is_all = bool(parts) and all(part.kind == "cluster" for part in parts)
        return tuple(part.label for part in parts) if is_all else ()

    def of(self, kind: str) -> list[str]:
        """Return the names of one kind."""
        return list(getattr(self, kind))


def names_of(slots: Sequence[Slot], tags: Sequence[Tag], vocabulary: Vocabulary) -> Names:
    """Return the names in a question; two values of one column stand first, as a pair does."""
    names = Names()
    groups = [slot for slot in slots if slot.kind == GROUP and slot.tag is not None]
    groups = [one for at, one in enumerate(groups)  # "stim B cells and stim T cells"
              if one.tag.conditions not in [old.tag.conditions for old in groups[:at]]
              or not one.tag.conditions]  # type: ignore[union-attr]  # fmt: skip
    pair = _pair(groups)
    names.said = said_in(tags)
    for slot in [*pair, *(one for one in groups if one not in pair)]:
        names.group.append(_said(slot))
        names.slots.append(slot)
    for slot in slots:
        if slot.kind == GENE:
            names.gene.append(slot.tag.value if slot.tag else slot.text)
        elif slot.kind == COLUMN:
            names.column.append(slot.tag.value if slot.tag else slot.text)
    for one in tags:
        if one.kind == "number":
            names.number.append(one.value)
        elif one.kind == "quality":
            names.quality.append(one.text)
        elif one.kind == "unit":
            names.unit.append(one.value)
    names.gene = list(dict.fromkeys(names.gene))
    names.column = list(dict.fromkeys(names.column))
    return names


def _said(slot: Slot) -> str:
    """Return a group as the grammar reads it: a label of the file is written as there."""
    one = slot.tag
    if one is None or len(one.conditions) != 1:
        return slot.text
    part = one.conditions[0]
    if part.kind == "cluster":
        return part.words if part.words.startswith("cluster") else f"cluster {part.label}"
    is_label = bool(part.column) and (
        one.kind == "value" or _words(part.label) == _words(slot.text)
    )
    return part.label if is_label else slot.text


def _words(name: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[^\W_]+", name.casefold())}


def _pair(groups: Sequence[Slot]) -> list[Slot]:
    """Return two groups of one column where there are others beside them."""
    if len(groups) < 3:
        return []
    for at, one in enumerate(groups):
        for other in groups[at + 1 :]:
            mine, its = one.tag.conditions[:1], other.tag.conditions[:1]  # type: ignore[union-attr]
            if mine and its and mine[0].slot == its[0].slot != IDENTITY:
                return [one, other]
    return []


_SPOKEN_COLUMNS = (
    ("cell types", r"cell ?types?|types of cells?|populations?|cell identit(?:y|ies)"),
    ("cluster", r"clusters?"), ("donor", r"donors?|patients?|individuals?|subjects?|people|mice"),
    ("sample", r"samples?"), ("condition", r"conditions?|treatments?|arms?"),
    ("sex", r"sex(?:es)?|gender"), ("tissue", r"tissues?|organs?"), ("batch", r"batch(?:es)?"),
)  # fmt: skip
# Acts to which it does not matter which groups are named beside.
_OF_ALL = frozenset(
    {"malignant", "sex", "which_conditions", "confounded", "agreement", "disagreement", "n_donors",
     "tissue", "overview", "responds_most", "help", "how_named", "trust", "recall", "bars",
     "composition", "de_condition", "confidence_all", "label_all", "as_umap", "why_that", "sure",
     "how_many_they", "share_they", "next_cluster", "undo"}
)  # fmt: skip
_WITHIN = frozenset({"count_above", "composition", "most_of", "highest_gene", "cells_per",
                     "violin", "dots", "both", "count_express"})  # fmt: skip


def plain_form(act: str, names: Names, text: str, vocabulary: Vocabulary) -> str | None:
    """Return the plain form of an act with the names of a question, or None if one is lacking.

    Parameters
    ----------
    act
        One of `FORMS` or of the acts that are built here.
    names
        What the question names.
    text
        The question, for its direction: "lower", "fewest".
    """
    if not names.column and (said := _spoken_column(text, vocabulary)):
        names = Names(**{**vars(names), "column": [said]})
    made = _BUILT[act](names, text, vocabulary) if act in _BUILT else _filled(act, names)
    return _turned(act, made, text) if made else None


def _filled(act: str, names: Names) -> str | None:
    for form in FORMS.get(act, ()):
        left = {kind: names.of(kind) for kind in ("group", "gene", "column", "number", "quality")}
        wanted = _PLACEHOLDER.findall(form)
        if any(wanted.count(kind) > len(left[kind]) for kind in left):
            continue
        whole = _PLACEHOLDER.sub(lambda match, left=left: left[match[1]].pop(0), form)
        if not left["group"] or act in _OF_ALL:
            return whole
        if wanted.count("group") == 1 and act not in _WITHIN and len(left["group"]) < 3:
            mine = names.group[0]
            return whole.replace(mine, " and ".join(names.group), 1)
        if act in _WITHIN:
            return f"{whole.rstrip('?')} in {' and '.join(left['group'])}?"
    return None


def is_lower(text: str) -> bool:
    """Whether a question asks for what is lower, not higher."""
    return _LOWER.search(text) is not None or _LOW.search(text) is not None


def _turned(act: str, form: str, text: str) -> str:
    """Turn "higher" to "lower" and "most" to "fewest" where the question does."""
    if act in {"gene_test", "more_in"} and _LOWER.search(text):
        return form.replace(" higher ", " lower ").replace("there more ", "there fewer ")
    if act == "next_cluster" and _PREVIOUS.search(text):
        return "and the previous cluster?"
    if act in {"highest_gene", "most_of"} and _LOWEST.search(text):
        return form.replace("the highest", "the lowest").replace("the most", "the fewest")
    return form


def _spoken_column(text: str, vocabulary: Vocabulary) -> str:
    for name, said in _SPOKEN_COLUMNS:
        if re.search(rf"(?i)\b(?:{said})\b", text):
            return _types_of(vocabulary) if name == "cell types" else name
    return ""


def _types_of(vocabulary: Vocabulary) -> str:
    return next(iter(vocabulary.author_columns), "cell types")


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


Build = Callable[[Names, str, Vocabulary], str | None]


def _of_genes(before: str, after: str = "", *, least: int = 1) -> Build:
    def build(names: Names, text: str, vocabulary: Vocabulary) -> str | None:
        if len(names.gene) < least or ("{group}" in after and not names.group):
            return None
        where = _list(names.group) if names.group else ""
        return f"{before}{_list(names.gene)}{after.replace('{group}', where)}"

    return build


def _and_group(names: Names, text: str, vocabulary: Vocabulary) -> str | None:
    if not names.group:
        return None
    is_cluster = all(name.startswith("cluster ") for name in names.group)
    return f"and {'' if is_cluster else 'in '}{_list(names.group)}?"


_BUILT: dict[str, Build] = {
    "every_type": lambda names, text, vocabulary: f"and by {_types_of(vocabulary)}?",
    "and_group": _and_group,
    "and_gene": _of_genes("and ", "?"),
    "expression_genes_in": _of_genes("are ", " expressed in {group}?"),
    "score_genes": _of_genes("score these genes: ", least=2),
}


_MORE = {**MAKERS, **OTHERS, **REDRAWN, **ABOUT, **SHOWERS, **CHOICES, **PARTS}

# Acts that are put as an ask at once, since it takes the cells rather than their names.


def ask_of(
    act: str, names: Names, text: str, vocabulary: Vocabulary, focus: Focus
) -> list[Ask] | None:
    """Return the asks of an act that has no plain form, or None where it has one."""
    if act in {"compare_selection", "compare_them"} and names.slots and WITH_OTHERS.search(text):
        act = "compare"  # "compare them with the B cells"
    if act == "their_markers" and names.slots:
        act = "markers"
    make = _ASKS.get(act) or _MORE.get(act)
    names = replace(names, text=text)
    if act in _OF_A_GENE and not names.gene and focus.gene and _is_on_gene(focus):
        names = replace(names, gene=[focus.gene])
    if act in BY_NAME:
        names = replace(names, slots=_with_those(act, names, focus, vocabulary))
    found = _made(act, make, names, focus, vocabulary) if make is not None else None
    return [replace(one, text=one.text or text) for one in found] if found else None


# Follow-ups that change each part of an answer, and those that go back to one that can be changed.
_OF_PARTS = frozenset(
    {"which_highest", "which_lowest", "which_second", "and_group", "and_by", "every_type",
     "every_donor", "as_share", "as_count", "without", "most_of"}
)  # fmt: skip
_GOES_BACK = frozenset({"as_bars", "as_share", "as_count", "as_violin", "which_second",
                        "which_highest", "which_lowest"})  # fmt: skip
_BACK = 4  # turns


def _made(
    act: str, make: Make, names: Names, focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Put an act, of each gene that was told of where there were several."""
    parts = parts_told(focus) if act in _OF_PARTS and not names.gene else []
    if len(parts) > 1:
        each = [make(names, replace(focus, last=one, gene=one.genes[0]), vocabulary)
                for one in parts]  # fmt: skip
        if all(each):
            return list(dict.fromkeys(ask for found in each for ask in found or ()))
    found = make(names, focus, vocabulary)
    if not found and act in _GOES_BACK and not (names.slots or names.gene):
        for ask in reversed(focus.past[-_BACK:-1]):
            is_told = ask.frame is not None or ask.intent == "score_set"
            if is_told and (found := make(names, replace(focus, last=ask), vocabulary)):
                return found
    return found


# Acts of cells that may go by "these", and those whose first group may, before so many others.
_OF_CELLS = frozenset(
    {"quality_by", "quality_group", "doublets", "flags", "markers", "is_marker",
     "down_genes", "compare_rest", "expression_in", "expression_genes_in", "top_expressed",
     "pathways", "known_markers", "count_type", "share_type", "confidence", "describe_cells",
     "composition", "score_genes", "pathway_where", "cycling", "likeness", "de_condition"}
)  # fmt: skip
_OF_CELLS_WITH = frozenset({"percent_express", "count_express", "both", "one_not_other"})
_NEED_CELLS = frozenset(  # of which nothing can be told without cells, so those before are meant
    {"markers", "is_marker", "down_genes", "compare_rest", "expression_in", "expression_genes_in",
     "pathways", "known_markers", "likeness"}
)  # fmt: skip
_OF_A_GENE = frozenset(
    {"expression_in", "percent_express", "count_express", "expression_by", "highest_gene",
     "gene_test", "is_marker", "umap_gene", "gene_info", "violin", "they_express"}
)  # fmt: skip


def _is_on_gene(focus: Focus) -> bool:
    """Whether a gene was spoken of last."""
    last = focus.last
    return last is not None and bool(last.genes or (last.kept is not None and last.kept.genes))


_OF_THOSE_FIRST = {"is_type": 1, "why_not": 1, "why": 1, "type_or": 2}
_OF_THOSE_LAST = frozenset({"compare", "gene_test", "more_in", "de_condition"})
_VERSUS = re.compile(
    r"(?i)^(?:\W|\b(?:no|and|now|ok|then|but|or|rather|only|just)\b)*"
    r"(?:vs|versus|against|compared? (?:to|with)|with)\b"
)
_IN_THOSE = re.compile(
    r"(?i)\b(?:in|among|within|of|for|inside) (?:all |only |just )?"
    r"(?:these|those|them|that|this|it|here)\b|(?<!\bare )(?<!\bis )\bthere\W*$"
)
_OF_THEM = re.compile(
    r"(?i)\b(?:of|in|among|within|do|does|are|have) (?:all |only |just )?"
    r"(?:they|them|those|these|there|here)\b(?! (?:genes?|two|both))|"
    r"\bthat (?:cluster|group|type)\b|\b(?:their|his|her|its) (?:own )?cells\b"
)


def _with_those(act: str, names: Names, focus: Focus, vocabulary: Vocabulary) -> list[Slot]:
    """Return the groups that are named, and "these cells" where they are spoken of so."""
    number = len(names.slots)
    is_alone = act in _OF_CELLS and not number and POINTS.search(names.text)
    is_alone = is_alone or (act in _OF_CELLS_WITH and not number and _OF_THEM.search(names.text))
    is_alone = is_alone or (act in _NEED_CELLS and not number)
    is_first = _OF_THOSE_FIRST.get(act) == number and POINTS.search(names.text)
    points = POINTS.search(names.text) or _VERSUS.match(names.text)
    is_first = is_first or (act == "compare" and number == 1 and points)
    with_others = act in {"compare", "compare_rest"} and number
    is_first = is_first or (with_others and WITH_OTHERS.search(names.text))
    is_last = act in _OF_THOSE_LAST and number and _IN_THOSE.search(names.text)
    if not (is_alone or is_first or is_last):
        return names.slots
    last = focus.last
    is_of_gene = last is not None and last.intent in {"where_highest", "expression"}
    if is_of_gene and not POINTS.search(names.text):
        return names.slots
    pointed = [
        Slot(GROUP, "they", Tag(0, 0, "value", "", clause)) for clause in those(focus, vocabulary)
    ]
    if act in _OF_THOSE_LAST | {"compare_rest"} and len(pointed) > 1:  # all of them narrow it
        clause = (chosen_by(where_of(those(focus, vocabulary))),)
        pointed = [Slot(GROUP, "they", Tag(0, 0, "value", "", clause))]
    is_of_cluster = re.search(r"(?i)\bclusters?\b", names.text) and not number
    if is_of_cluster and not any(slot.tag.conditions[0].kind == "cluster" for slot in pointed):  # type: ignore[union-attr]
        return names.slots
    if act in _OF_CELLS_WITH:
        pointed = [slot for slot in pointed if slot.tag.conditions[0].label not in names.gene]  # type: ignore[union-attr]
    if is_last and names.slots[0].tag is not None:
        match = _IN_THOSE.search(names.text)
        is_last = match is None or names.slots[0].tag.start < match.start()
    return [*names.slots, *pointed] if is_last else [*pointed, *names.slots]


_ASKS: dict[str, Make] = {
    **BY_NAME,
    "which_test": lambda names, focus, vocabulary: [Ask("topic", name="tests")],
    "identity": lambda names, focus, vocabulary: [Ask("identity")],
    "evidence": lambda names, focus, vocabulary: [Ask("evidence")],
    "cannot": lambda names, focus, vocabulary: [Ask("cannot")],
    "offtopic": lambda names, focus, vocabulary: [Ask("topic", name="outside")],
}

#: Every act that a question can be.
ACTS = frozenset({*FORMS, *_BUILT, *_ASKS, *_MORE, "search_ontology", "select", "name_selection",
                  "pathway_where"})  # fmt: skip
