"""Short questions about the answer before: how much of the whole, where, on which map."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._mentions import Mentions, spell_out
from ._vocabulary import Vocabulary

_SHARE = re.compile(
    r"^(?:and |so |ok )*(?:what|which|how much)?(?: is| are)?(?: the| that as a| that in)?\s*"
    r"(?:percent\w*|fractions?|proportions?|shares?)\b(?: (?:of|is|are|in|do|does|it|that|this|the|"
    r"they|them|those|these|total|whole|all|cells|dataset|data|sample|make|up|to|amount))*$"
)
_WHERE = re.compile(
    r"^(?:and |so )*(?:which|what|in which|from which|to which)(?: of the)? clusters? (?:do|does|"
    r"are|is|"
    r"did) (?:they|it|these|those|the cells|them|he|this)\b.*$|"
    r"^(?:and |so |but )*where (?:is|are|do|does) (?:it|they|these|those|that|this|the cells)\b.*$"
)
_ON_MAP = re.compile(
    r"^(?:and |now |please |can you |could you |ok )*(?:mark|show|plot|highlight|draw|put|see|"
    r"locate|"
    r"display|colou?r)\s+(?:me )?(?:them|it|these|those|that|this|the cells)\s+(?:on|in|onto)\s+"
    r"(?:the |a |my )?(?:umap|map|plot)\b"
)
_BARS = re.compile(
    r"\b(?:bar ?(?:plots?|charts?|graphs?)|bars|pie(?: chart)?|stacked|chart|graph)\b"
)
_HOW_MANY = re.compile(
    r"^(?:and |so |ok )*how many(?: cells)?(?: did you find| are (?:they|these|those|there|that)|"
    r" is "
    r"that| in total| of (?:them|these|those))*$"
)
_EACH = re.compile(
    r"^(?:and |so )*how many(?: cells)?(?: are)?(?: there)? (?:in|of|for) (?:each|both|either)"
)
_BY = re.compile(r"^(?:and |now |then |ok |also |the same |but )*(?:by|per|split by|for|"
                 r"coloured by|"
                 r"colored by)\s+(?:the )?[\w ]+$")  # fmt: skip
_SIGNIFICANT = re.compile(r"\bsignifican\w*\b|\bp[- ]?values?\b|\bfdr\b|\badjusted\b")
_TESTED = frozenset({"compare", "conditions", "compare_selections", "markers", "types_here"})
_ONLY = re.compile(
    r"^(?:and |but |just |only |show |give |me |the |please |ok )*(?:top|best|first) \w+"
    r"(?: genes| only| please| ones)*$|^(?:and |or |what about |the )*(?:down|up)"
    r"(?:-?regulated)?(?: genes| ones)?$"
)
_BY_GENES = re.compile(
    r"^(?:and |so |then )*(?:which|what)\b.*\b(?:genes?|proteins?|markers?|antigens?)\b.*"
    r"\b(?:separat\w*|distinguish\w*|tells?|differ\w*|discriminat\w*)\b"
)
_MEASURED = frozenset({"composition", "test_gene", "gene_by_group", "conditions", "most_changed"})
_HOW_MUCH = re.compile(r"^(?:and |so |but )*(?:by )?how (?:much|big|large|strong(?:ly)?)\b.*$")
_SIDED = frozenset({"compare", "compare_selections", "types_here"})
_OF_ONE_SIDE = re.compile(
    r"^(?:and |so |but )*(?:what|which)\b.*\b(?:higher|up|enriched|high|stronger|specific)\b.*"
    r"\b(?:first|second|former|latter|other|one)\b"
)
_RANKED = re.compile(
    r"^(?:and |so |but )*(?:which|what|who)(?: one| cluster| cell ?types?| cells| group| donor|"
    r" patient| sample| condition| of (?:them|these|those))? (?:comes?|is|are|has|have|shows?|"
    r"expresses)(?: it| the)* ?(?:second|next|third|last|highest|lowest|most|strongest|least|top)\b"
    r".*$"
)
_OF_LIST = re.compile(
    r"\b(?:these|those|them|they|the (?:first|second|third|last|top|list|genes|markers))\b"
)
_KNOWN = re.compile(
    r"\b(?:known|text ?books?|published|canonical|classical|established|literature|reported|"
    r"described)\b"
)
_SEEN = re.compile(
    r"\b(?:express\w*|high\w*|on|present|detect\w*|found|see|seen|measured|show up|here)\b"
)
_SIZED = frozenset(
    {
        "count_type",
        "biggest",
        "smallest",
        "cluster_size",
        "select",
        "selection_size",
        "which_clusters",
    }
)


def read_lean(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a short question asks about the answer before, if it does."""
    last = focus.last
    if last is None or len(found.shape.split()) > 14:
        return None
    bare = not (found.clusters or found.genes or found.cell_types or found.values or found.term_ids)
    for reader in (_of_markers, _same_again, _of_genes, _of_listed, _of_terms, _columns):
        ask = reader(found, last, focus, bare=bare)
        if ask is not None:
            # Whose cells the last question was about stands in its words.
            again = bool(ask.cell_types) or (ask.intent == "gene_by_group" and bool(found.genes))
            is_same = ask.intent == last.intent and again
            return replace(ask, text=f"{last.text} {found.raw}" if is_same else found.raw)
    return None


def _of_markers(found: Mentions, last: Ask, focus: Focus, *, bare: bool) -> Ask | None:
    """Read "top 3 for cluster 5", "give me 20 for the B cells", "and down?" after genes."""
    text = found.text.strip(" ?.!")
    if bare and last.intent in _TESTED and _ONLY.match(text):
        return replace(last, number=found.number or last.number)
    if last.intent != "markers" or not found.number or found.genes or found.values:
        return None
    if not (found.clusters or found.cell_types) or "describe" in found.text:
        return None
    types = tuple(map(spell_out, found.cell_types))
    return Ask("markers", clusters=found.clusters, cell_types=types, number=found.number)


def _same_again(found: Mentions, last: Ask, focus: Focus, *, bare: bool) -> Ask | None:
    """Read what the evidence of the last answer already tells."""
    if not bare:
        return None
    text = found.text.strip(" ?.!")
    if (_SHARE.match(text) or _HOW_MANY.match(text)) and last.intent in _SIZED:
        return _sized(last, focus)
    if last.intent in _SIZED and (_WHERE.match(text) or _ON_MAP.match(text)):
        return _sized(last, focus)
    on_selection = last.intent in {"compare_selections", "describe_selection", "list_selections"}
    if _ON_MAP.match(text) and on_selection and focus.those:
        return Ask("describe_selection", where=focus.those, name=focus.selection)
    if _ON_MAP.match(text) and last.intent == "label_clusters":
        return Ask("plot", column="cell types")
    if last.intent == "composition" and (_BARS.search(text) or _SHARE.match(text)):
        return last
    if last.intent in _MEASURED and _HOW_MUCH.match(text):
        return last
    if last.intent == "gene_by_group" and _RANKED.match(text):
        return replace(last, text=found.raw)
    if last.intent in _SIDED and _OF_ONE_SIDE.search(text):
        return last
    if last.intent in {"compare_selections", "conditions"} and _EACH.match(text):
        return last
    if last.intent in _TESTED - {"markers"} and _BY_GENES.search(text):
        return last
    if last.intent in {"conditions", "test_gene", "most_changed"} and re.search(
        r"\bhow many (?:donors|patients|samples|replicates|people)\b", text
    ):
        return last
    if last.intent == "conditions" and re.search(r"\b(?:un)?paired\b|\bpseudo ?bulk\b", text):
        return last
    is_of_worth = re.search(r"\b(?:ok|valid|reliable|believe|mean\w*|independent|trust)\b", text)
    if last.intent in _TESTED and _SIGNIFICANT.search(text) and not is_of_worth:
        return last
    return None


def _sized(last: Ask, focus: Focus) -> Ask:
    if last.intent in {"select", "selection_size"} and focus.those:
        return Ask("describe_selection", where=focus.those, name=focus.selection)
    if last.intent == "which_clusters" and last.cell_types:
        return replace(last, intent="count_type")
    if last.intent in {"biggest", "smallest"} and focus.clusters:
        return Ask("cluster_size", clusters=focus.clusters[-1:])
    return last


def _of_genes(found: Mentions, last: Ask, focus: Focus, *, bare: bool) -> Ask | None:
    """Read "where is it?", "and in cluster 4?" after a gene."""
    after_gene = last.intent in {
        "expression", "where_highest", "gene_info", "gene_by_group", "frame", "test_gene",
        "is_among",
    }  # fmt: skip
    of_same = re.match(r"^(?:and |now |what about |how about |same for |ok )*<gene>$", found.shape)
    if last.intent == "gene_by_group" and of_same and found.genes:
        return replace(last, genes=found.genes[:1])
    if not after_gene or focus.gene is None or found.genes:
        return None
    leans = re.search(r"\b(?:it|that|this|also|too)\b", found.shape)
    known = re.search(r"\bmark(?:s|er|ers)?\b|\btext ?books?\b|\bknown\b|\bcanonical\b", found.text)
    if found.cell_types and known and leans:
        types = tuple(map(spell_out, found.cell_types))[:1]
        return Ask("is_known_marker", genes=(focus.gene,), cell_types=types)
    if found.cell_types:
        return None
    text = found.text.strip(" ?.!")
    text = re.sub(r"^(?:and |but |so )*(?:in|within) (?:this|my|our|the) data(?:set)?,? ", "", text)
    text = re.sub(r",? (?:in (?:this|my|our|the) data(?:set)?|here)$", "", text)
    next_one = re.match(
        r"^(?:and |what is |which is )*(?:the )?(?:next|second|third|lowest|weakest)(?: (?:highest|"
        r"one|best|most|strongest))*$",
        text,
    )
    if next_one or (bare and _RANKED.match(text)):
        return Ask("where_highest", genes=(focus.gene,))
    if bare and _WHERE.match(text):
        return Ask("where_highest", genes=(focus.gene,))
    if bare and (
        _ON_MAP.match(text)
        or re.match(
            r"^(?:and |now )*(?:on|in) (?:the |a )?(?:umap|"
            r"map)$",
            text,
        )
    ):
        return Ask("expression", genes=(focus.gene,), plot="umap")
    if bare and re.match(
        r"^(?:and |now |then |the same |show |plot |it |that )*(?:as|in) (?:a |"
        r"an )?violins?\b",
        text,
    ):
        return Ask("expression", genes=(focus.gene,), plot="violin")
    in_cluster = re.match(
        r"^(?:and |but |what about |how about |ok |so )*(?:in )?<cluster>$", found.shape
    )
    if found.clusters and in_cluster and last.intent != "gene_info":
        return Ask("expression", clusters=found.clusters, genes=(focus.gene,))
    return None


def _of_listed(found: Mentions, last: Ask, focus: Focus, *, bare: bool) -> Ask | None:
    """Read "does it express any of these?" after a list of genes; and which of two is surer."""
    if last.intent == "compare" and bare and re.search(r"\bconfiden\w*|\bsurer?\b", found.text):
        return Ask("confidence", clusters=last.clusters)
    if not focus.listed or found.genes or found.cell_types or found.values:
        return None
    if re.search(r"\b(?:umap|map)\b", found.text):
        return None
    if focus.is_on_selection and not re.search(r"\bgenes?\b|\bmarkers?\b", found.text):
        return None
    named_few = re.search(r"\b(?:first|top) (\w+)\b", found.text)
    genes = focus.listed
    if named_few and (found.number or 0) > 1:
        genes = genes[: found.number]
    if _KNOWN.search(found.text) and _OF_LIST.search(found.text):
        if found.ordinals:
            genes = genes[found.ordinals[0] : found.ordinals[0] + 1 or None]
        if focus.cell_type or focus.clusters:
            of_cluster = last.intent in {"markers", "explain", "compare"} and last.clusters
            types = (focus.cell_type,) if focus.cell_type and not of_cluster else ()
            clusters = last.clusters[:1] if of_cluster else focus.clusters[-1:]
            return Ask("known_list", cell_types=types, clusters=clusters, listed=genes)
    if _SEEN.search(found.text) and _OF_LIST.search(found.text):
        return Ask("dots", genes=genes)
    if named_few and re.search(r"\bdot ?plots?|\bheat ?map|\bviolin|\bplot\b", found.text):
        return Ask("dots", genes=genes)
    if re.search(
        r"\bexpress\w*\b.*\b(?:these|those|them)\b|^(?:show|plot|draw) (?:me )?(?:these|those|"
        r"them)\b",
        found.text,
    ):
        return Ask("dots", genes=focus.listed)
    return None


def _of_terms(found: Mentions, last: Ask, focus: Focus, *, bare: bool) -> Ask | None:
    """Read "is it a lymphocyte?" after a term was looked up."""
    if last.intent not in {"look_up", "term_difference"} or not focus.cell_type:
        return None
    is_asked = re.match(
        r"^(?:and |so |but )*(?:is|are) (?:it|they|that|this|these|those)\b", found.shape
    )
    if is_asked and found.cell_types and not (found.clusters or found.genes):
        kind = spell_out(found.cell_types[0])
        return Ask("term_difference", cell_types=(focus.cell_type, kind))
    return None


def _columns(found: Mentions, last: Ask, focus: Focus, *, bare: bool) -> Ask | None:
    """Read "by donor", "now by author label" after a map, a violin or shares."""
    by_part = found.values and found.values[0][1].casefold() not in found.text
    column = found.values[0][0] if by_part else found.column
    if column is None or found.genes or found.clusters or found.cell_types:
        return None
    if found.values and not by_part:
        return None
    if not _BY.match(found.text.strip(" ?.!")):
        return None
    if last.intent == "plot":
        return Ask("plot", column=column)
    if last.intent in {"gene_by_group", "expression", "where_highest"} and focus.gene:
        return Ask("gene_by_group", genes=(focus.gene,), column=column)
    if last.intent in {"quality", "family", "score_set"}:
        return replace(last, column=column)
    return None
