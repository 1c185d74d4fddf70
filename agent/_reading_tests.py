"""Asks that test: one gene between two groups, a gene's place in a list, who responds most."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._conditions import condition_column, other_value
from ._mentions import Mentions
from ._referring import POINTING, cells_of_type, group_of, scope
from ._vocabulary import Vocabulary

_TESTS = re.compile(
    r"\bsignifican\w*|\bp[ -]?val\w*|\bfold[ -]?changes?|\blog2?[ -]?fc|\blog2? ?fold|\blfc\b|"
    r"\bfdr\b|"
    r"\bq[ -]?val\w*|\badjusted p|\bdifferential(?:ly)? expressed\b|\bstatistic\w*|"
    r"\bhow much (?:does|do|did|is|are)\b"
)
_MORE = re.compile(
    r"\b(?:higher|lower|more|less|stronger|weaker|increas\w*|decreas\w*|up|down|differ\w*|chang\w*|"
    r"same|compar\w*|vs|versus|than|separat\w*|distinguish\w*|discriminat\w*)\b"
)
_LISTS = frozenset(
    {
        "markers", "compare", "conditions", "compare_selections", "types_here", "type_markers",
        "top_expressed", "is_among", "is_marker", "most_changed", "explain",
    }
)  # fmt: skip
_AMONG = re.compile(
    r"\b(?:among|amongst|one of|part of|included in|contained in|in (?:there|that|the|this|your|"
    r"my) "
    r"?(?:list|table|set|top \w+|results?)?|on (?:the|that|this|your) list|in (?:those|these|them)|"
    r"shows? up|listed|makes? the list|there too|in there|of (?:those|these|them))\b"
)
_TOO = re.compile(
    r"^(?:and |so |but |what about |how about )*(?:is |are |was |does |)?<gene>(?: <gene>)*"
    r"(?: too| also| as well| either| there| one| is| in)*$|"
    r"^(?:and |so |but )*(?:is|are) <gene>(?: and <gene>)* (?:also |too )?(?:one|on it|in it|"
    r"a hit)$"
)
_RANK = re.compile(
    r"^(?:and |so )*(?:what|which|at what|at which) (?:rank|place|position)\b|"
    r"\bwhere does (?:it|<gene>) rank\b|\bhow high does\b.*\brank\b|^(?:what )?rank$"
)
_RESPONDS = re.compile(
    r"\b(?:respon[ds]\w*|reacts?|reaction|affected|sensitive|perturbed|altered|chang\w+|differs?|"
    r"induc\w+|upregulat\w+|up-regulat\w+|effects?|shifts?|hit)\b"
)
_MOST = re.compile(
    r"\b(?:most|strongest|strongly|best|least|weakest|strong|largest|biggest|greatest|highest|"
    r"hardest|rank)\b"
)
_WHO = re.compile(
    r"\b(?:which|what|who|rank|in which|in what)\b.*\b(?:cell ?types?|types?|cells|populations?|"
    r"subsets?|lineages?|clusters?|groups?|annotations?|labels?)\b|^who\b|"
    r"\b(?:strongest|weakest|largest|biggest) (?:respon\w+|reaction|change|effect)\b"
)
_ABUNDANCE = re.compile(
    r"\b(?:frequenc\w*|abundan\w*|proportions?|shares?|fractions?|composition|percent\w*)\b"
)
_STIMULUS = re.compile(
    r"\b(?:interferon\w*|ifn\w*|stimul\w*|treat\w*|drug|cytokine|infect\w*|condition\w*|therapy)\b"
)
_ORDER = re.compile(
    r"^(?:and |so |but )*(?:which|what|who)(?: one| cluster| cell ?type| type)?(?: responds|"
    r" reacts|"
    r" changes| is| does| comes)* ?(?:the )?(?:least|most|weakest|strongest|second|next|last)\b.*$"
)
_SETS = re.compile(r"\b(?:signature|score|pathway|program\w*|gene set|response genes|isgs?)\b")
_OTHERS = re.compile(r"\b(?:others?|rest|else|everything|specific|marker|elsewhere)\b")
_GENE_GAP = re.compile(r"\bgenes?\b")


def read_test(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a stretch asks to test, if it does."""
    if not vocabulary.has_dataset:
        return None
    for reader in (_among, _rank, _responds, _once_more, _gene):
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


def _among(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "is ISG15 among those?", "and IFIT1?", "is NKG7 in there?"."""
    last = _listing(focus)
    if not found.genes or last is None or found.clusters or found.cell_types or found.values:
        return None
    if re.search(r"\b(?:umap|plot|violin|map|where|express\w*|known|what is|why)\b", found.text):
        return None
    among = _AMONG.search(found.text) and re.match(
        r"^(?:and |so |but |ok |hm+ )*(?:is|are|was|were|does|do|did|can|how about|what about|"
        r"<gene>|i|would|isn't)\b",
        found.shape,
    )
    too = _TOO.match(found.shape) and (
        focus.intent in {"is_among", "is_marker"}
        or re.search(r"\b(?:is|are|too|also|either)\b", found.shape)
        or focus.intent in {"conditions", "compare_selections", "compare"}
    )
    if not (among or too):
        return None
    return replace(last, intent="is_among", genes=found.genes[:4], name=_kind(last), text=found.raw)


def _kind(last: Ask) -> str:
    return last.name if last.intent == "is_among" else last.intent


def _listing(focus: Focus) -> Ask | None:
    """Return the last ask that listed genes, unless the talk has moved on."""
    for ask in reversed(focus.past[-3:]):
        if ask.intent in _LISTS - {"is_marker", "explain", "most_changed"}:
            return ask
        if ask.intent == "is_marker":
            return replace(ask, intent="markers", genes=())
        if ask.intent not in {"expression", "where_highest", "gene_info", "test_gene"}:
            return None
    return None


def _rank(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what rank?" after a gene was looked for in a list."""
    if not _RANK.search(found.shape):
        return None
    gene = found.genes[:1] or ((focus.gene,) if focus.gene else ())
    last = focus.last
    if last is None or not gene:
        return None
    if last.intent in {"is_among", "is_marker"}:
        return replace(last, genes=gene, text=found.raw)
    if last.intent == "is_known_marker" and focus.cell_type:
        return Ask("is_marker", cell_types=(focus.cell_type,), genes=gene)
    return None


def _responds(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which cell type reacts most to interferon?", "where is CCL8 induced most?"."""
    text = found.text
    last = focus.last
    if last is not None and last.intent == "most_changed" and _ORDER.match(text.strip(" ?.!")):
        return replace(last, text=found.raw)
    if found.clusters or not _RESPONDS.search(text):
        return None
    if len(found.cell_types) > 1 and _STIMULUS.search(text) and not found.genes:
        column = condition_column(text, vocabulary) or next(iter(vocabulary.conditions), None)
        if column in vocabulary.values and re.search(r"\brespon\w*|\breact\w*", text):
            return Ask("most_changed", column=column, cell_types=())
    if not _MOST.search(text):
        return None
    if _ABUNDANCE.search(text) and not found.genes and not found.cell_types:
        column = found.values[0][0] if found.values else condition_column(text, vocabulary)
        if column in vocabulary.values:
            return Ask("composition", column=column)
    if len(found.cell_types) > 1 and not found.genes:
        return None
    if not (_WHO.search(text) or (found.genes and re.search(r"\bwhere\b|\bwho\b", text))):
        return None
    if _GENE_GAP.search(text) and not found.genes and re.search(r"\b(?:which|what) genes?\b", text):
        return None
    column = found.values[0][0] if found.values else found.column
    column = column or condition_column(text, vocabulary)
    stimulated = _STIMULUS.search(text) or re.search(r"\binduc|\brespon|\breact", text)
    if column is None and stimulated:
        column = focus.column if focus.column in vocabulary.conditions else None
        column = column or next(iter(vocabulary.conditions), None)
    if column is None and found.genes:
        column = condition_column("conditions", vocabulary)
    if column not in vocabulary.values or column in vocabulary.people:
        return None
    if re.search(r"\bsample|\bage\b", str(column).casefold()):
        named = condition_column("conditions treatment", vocabulary)
        column = named or column
    values = tuple(label for c, label in found.values if c == column)[:2]
    if len(values) == 1:
        other = other_value((str(column), values[0]), vocabulary)
        values = (values[0], other) if other else ()
    by = "clusters" if re.search(r"\bclusters?\b", text) else ""
    named_set = "interferon alpha response" if _SETS.search(text) and "interf" in text else ""
    return Ask(
        "most_changed",
        column=column,
        values=values if len(values) == 2 else (),
        genes=found.genes[:1],
        name=named_set,
        plot=by,
    )


def _once_more(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "does it also change in B cells?" after a gene was tested."""
    last = focus.last
    if last is None or last.intent != "test_gene" or found.genes or found.values:
        return None
    leans = re.search(r"\b(?:it|that|the same|this)\b", found.text)
    if not leans or not _MORE.search(found.text) or not (found.cell_types or found.clusters):
        return None
    return test_again(last, found, vocabulary, focus)


def _gene(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "is ISG15 significantly higher in stim?", "p-value for IFI6 in B cells"."""
    text = found.text
    tests = _TESTS.search(text)
    genes = found.genes
    if not genes and tests and found.ordinals and focus.listed:
        at = found.ordinals[0]
        genes = focus.listed[at : at + 1 or None]
    if not genes and tests and focus.gene and _leans(found, focus):
        genes = (focus.gene,)
    if not genes or re.search(r"\b(?:umap|violins?|dot ?plot|plot|map|correlat\w*)\b", text):
        return None
    if re.search(r"\b(?:which|what) (?:clusters?|cell ?types?|cells|populations?)\b", text):
        return None
    sides = _sides(found, vocabulary)
    column, values = _contrast(found, vocabulary, focus)
    between = len(sides) == 2 and _MORE.search(text)
    again = focus.last is not None and focus.last.intent == "test_gene" and found.genes
    if again and _MORE.search(text) and not sides and not found.values and not tests:
        return replace(focus.last, genes=genes[:4], text=found.raw)
    if not tests and not between:
        return None
    if len(found.clusters) == 2 and not tests:
        return None
    asks = dict.fromkeys(genes[:4])
    if len(sides) == 2 and not column:
        return Ask("test_gene", genes=tuple(asks), where=sides[0], second=sides[1])
    within = scope(_without_values(found, column), found, vocabulary, focus).where
    last = focus.last
    if not column and not sides and not within and last is not None:
        if last.intent in {"test_gene", "is_among"} and (last.column or last.where):
            return replace(last, intent="test_gene", genes=tuple(asks), text=found.raw)
        if last.intent in {"conditions", "gene_by_group"} and last.column:
            column, values = last.column, last.values
            within = last.where
            if last.intent == "conditions" and (last.cell_types or last.clusters):
                within = _within(last, vocabulary)
    if column is None and not sides and not within:
        column = condition_column("conditions treatment", vocabulary)
        column = column or next(iter(vocabulary.conditions), None)
        if last is not None and last.intent == "markers" and last.clusters:
            return Ask("test_gene", genes=tuple(asks), where=f"cluster {last.clusters[0]}")
        if last is not None and last.intent == "markers" and last.cell_types:
            own = cells_of_type(last.cell_types[0], vocabulary)
            return Ask("test_gene", genes=tuple(asks), where=own)
    if column is None and len(sides) < 2 and (within or sides) and not _OTHERS.search(text):
        column = condition_column("conditions", vocabulary)
        within = within or sides[0]
    if column is not None:
        return Ask("test_gene", genes=tuple(asks), column=column, values=values[:2], where=within)
    if within or sides:
        return Ask("test_gene", genes=tuple(asks), where=within or sides[0])
    return None


def _leans(found: Mentions, focus: Focus) -> bool:
    return bool(re.search(r"\b(?:it|its|that|this|the gene)\b", found.text)) or (
        focus.last is not None
        and focus.last.intent in {"gene_by_group", "test_gene", "is_among", "expression"}
    )


def _within(last: Ask, vocabulary: Vocabulary) -> str:
    if last.clusters:
        return f"clusters {', '.join(last.clusters)}"
    return cells_of_type(last.cell_types[0], vocabulary) if last.cell_types else ""


def _sides(found: Mentions, vocabulary: Vocabulary) -> list[str]:
    sides = [f"cluster {label}" for label in found.clusters]
    sides += [cells_of_type(name, vocabulary) for name in found.cell_types]
    return sides[:2]


def _contrast(
    found: Mentions, vocabulary: Vocabulary, focus: Focus
) -> tuple[str | None, tuple[str, ...]]:
    """Return the column and the two values that a question sets against each other."""
    columns = [column for column, _ in found.values]
    own = [c for c in dict.fromkeys(columns) if c not in vocabulary.people]
    for column in own:
        values = tuple(label for c, label in found.values if c == column)
        if len(values) > 1:
            return column, values[:2]
        other = other_value((column, values[0]), vocabulary)
        if other is not None:
            return column, (values[0], other)
    if found.column in vocabulary.values and found.column not in vocabulary.people:
        return found.column, ()
    return condition_column(found.text, vocabulary), ()


def _without_values(found: Mentions, column: str | None) -> str:
    """Return the question without the values that it sets against each other."""
    text = found.raw
    for named, label in found.values:
        if named == column:
            text = re.sub(rf"(?i)(?<!\w){re.escape(label[:5])}\w*", " ", text)
    if column:
        text = re.sub(rf"(?i)(?<!\w){re.escape(column)}\w*", " ", text)
    text = re.sub(r"(?i)\b(?:control\w*|treated|stimulated|stim|ctrl)\b", " ", text)
    return re.sub(r"(?i)\b(?:it|its|that|this)\b", " ", text)


def test_again(last: Ask, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "and for CXCL10?", "in the monocytes only?" after a gene was tested."""
    if found.genes and not (found.cell_types or found.clusters or found.values):
        return replace(last, genes=found.genes[:4], text=found.raw)
    text = re.sub(r"(?i)\b(?:it|its|that|this|they)\b", " ", found.raw)
    within = scope(text, found, vocabulary, focus).where
    if not within and POINTING.search(found.text):
        within = group_of(focus, vocabulary)
    if within and last.column:
        return replace(last, genes=found.genes[:4] or last.genes, where=within, text=found.raw)
    if within and not last.second:
        return replace(last, genes=found.genes[:4] or last.genes, where=within, text=found.raw)
    return None
