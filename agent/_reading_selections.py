"""Asks about cells that were chosen: choosing, naming, comparing and describing them."""

import re

from ._asks import Ask, Focus
from ._mentions import Mentions
from ._rule import DIFFERENCE
from ._selecting import Cells, name_of_selection, quoted, read_cells
from ._vocabulary import Vocabulary

PRONOUN = re.compile(r"\b(?:those|these|that|this|them|they|it|its|their|ones?|selected|chosen)\b")
FILE = re.compile(
    r"\b(?:h5ad|files?|csv|tsv|excel|spreadsheet|table|figures?|plots?|pictures?|images?|png|svg|"
    r"html|pdf|"
    r"dataset|data|everything|copy|annotat\w+|results?|adata|anndata|scanpy|disk|graph|list|map)\b"
)
SELECTS = re.compile(
    r"^(?:ok |and |now |then |please |can you |could you |i want to |i would like to |let us |"
    r"let's |also )*(?:select|pick|take|choose|gate|filter|subset|isolate|grab|keep|restrict to|"
    r"highlight|extract|focus on|merge|combine|join|pool|(?:make|create|define|"
    r"build) (?:me )?(?:a |one )?"
    r"(?:new )?selection)\b"
)
_TOGETHER = re.compile(
    r"\bcells?\b.*\b(?:both|together)\b|\bdouble[- ](?:positive|negative)s?\b|\bco-?express\w*\b|"
    r"\w\+(?: and)? \w+\+"
)
_CELLS_WITH = re.compile(r"\bcells\b|\bhow many\b|^not ")
_SIGNED = re.compile(
    r"(?i)\w\+(?=[\s,.?!]|$)|\b(?:positive|expressing)(?: \w+)? cells?\b|\bcells? (?:positive|"
    r"expressing)\b"
)
_DENIED = re.compile(
    r"\b(?:not|no|without|lack\w*|negative|zero|don't|doesn't|do not|does not|except|but not|"
    r"neither|"
    r"excluding|nor|minus|outside|aren't|isn't|are not|is not)\b|\w-(?=[\s,.?!]|$)"
)
_NO_FILTER = re.compile(
    r"\b(?:what|happens?|does|effects?|upon|after|compar\w*|vs|versus|differ\w*|higher|lower|"
    r"than|correlat\w*|violins?|umap|map|plot|"
    r"dots?|"
    r"markers?|genes|why|which (?:cell ?types?|clusters?)|what (?:cell ?types?|clusters?)|"
    r"percent\w*|"
    r"fractions?|proportions?|shares?|induc\w*|up-?regulat\w*|chang\w*|respon\w*|should|label\w*|"
    r"called?|rename|describe|explain|score|composition|mean|average|median)\b"
)
_AGAIN = re.compile(
    r"^(?:ok |and |now |then |so |just |only )*(?:those|these|the ones|them)\s+"
    r"(?:without|with|in|not in|that|which|of|from|except|outside)\b"
)
NAMES = re.compile(
    r"^(?:ok |and |now |then |please )*(?:call|name|save|store|keep|label|rename)\s+"
    r"(?:it|them|that|this|those|these|the selection|my selection)\b"
)
_NUMBER_OF_CELLS = re.compile(
    r"\b(?:\d+|two|three|four|five|six|ten|few|some|random|single|one)\s+"
    r"(?:random |single |more |of the )?cells?\b"
)
_SPLIT = (  # where a comparison is cut in two, the surest places first
    r"\bcompared (?:with|to)\b",
    r"\b(?:differs?|different|distinct) (?:from|to|than)\b",
    r"\bapart from\b",
    r"\bvs\.?(?=\s)|\bversus\b|\bagainst\b",
    r"\bfrom\b",
    r"\bwith\b",
    r"\bthan\b",
    r"\bto\b",
    r"\band\b",
)
_LEAD = re.compile(
    r"(?i)^.*?\b(?:compare|differences? (?:between|of)|distinguish\w*|separates?|sets?|tells?)\b"
)


def list_made(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    if re.search(r"\b(?:which|what|list|show|how many|my)\b.*\bselections\b", found.text):
        return Ask("list_selections")
    return None


def name_chosen(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "call them X"."""
    if not NAMES.match(found.shape) or found.clusters:
        return None
    if re.search(r"\b(?:csv|tsv|h5ad|excel|file|spreadsheet|png|svg|html)\b", found.text):
        return None
    name, _ = name_of_selection(found.raw)
    return Ask("name_selection", name=name, where=focus.those) if name and focus.those else None


def select_cells(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "select the stim cells of cluster 1 and call them X"."""
    signed = re.findall(r"(?<!\w)([\w-]+)\+(?=[\s,.?!]|$)", found.raw)
    genes = [name for name in signed if name.casefold() in vocabulary.genes]
    both = len({*found.genes, *genes}) > 1 and _TOGETHER.search(found.text)
    again = focus.is_on_selection and _AGAIN.match(found.text)
    selects = SELECTS.match(found.shape) or again or both
    if not (selects or _may_filter(found)) or _NUMBER_OF_CELLS.search(found.text):
        return None
    name, text = name_of_selection(found.raw)
    cells = read_cells(text, vocabulary, focus)
    if not selects and not _is_filter(cells, found):
        return None
    if found.column and not cells.where:
        return None  # "take bulk_labels as clusters"
    if not cells.where and not found.barcodes:
        wants = re.search(r"\bcells?\b", found.text)
        return Ask("select", missing="where", name=name) if wants else None
    return Ask("select", where=cells.where, name=name, barcodes=found.barcodes)


def _may_filter(found: Mentions) -> bool:
    asks = re.match(r"^(?:and |so |but )*(?:is|are|do|does|did|can|could|has|have)\b", found.text)
    if asks and not re.search(
        r"\b(?:are|is) there\b.*\bcells?\b.*\b(?:that|which|with|"
        r"both)\b",
        found.text,
    ):
        return False
    return bool(_CELLS_WITH.search(found.text)) and not _NO_FILTER.search(found.text)


def _is_filter(cells: Cells, found: Mentions) -> bool:
    """Whether conditions that together choose cells were named: "CD3D+ but not CD4+ cells"."""
    kinds = set(cells.kinds) - {"selection"}
    is_denied = _DENIED.search(found.text) is not None
    is_signed = "gene" in kinds and _SIGNED.search(found.raw) is not None
    if len(cells.kinds) > 1:
        return bool(kinds & {"gene", "value", "column"}) or is_denied
    return ("gene" in kinds and (is_denied or is_signed)) or bool(
        is_denied and kinds & {"cluster", "value"}
    )


def names_selection(found: Mentions, vocabulary: Vocabulary) -> bool:
    """Whether a selection that there is stands in a stretch by its name."""
    return any(
        re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", found.text)
        for name in vocabulary.selections()
        if len(name) > 1
    )


def compare_chosen(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read two groups of cells that are compared, at least one of them chosen by words."""
    if not re.search(DIFFERENCE, found.shape):
        return None
    leans = focus.is_on_selection and PRONOUN.search(found.text) is not None
    named = names_selection(found, vocabulary) or re.search(r"\bselections?\b", found.text)
    mixed = bool(found.values) and bool(found.clusters or found.cell_types)
    if not (leans or named or mixed):
        return None
    one, two = _sides(found.raw, vocabulary, focus)
    if not one.where and leans:
        one = Cells(focus.those)
    if not one.where or not (two.where or two.is_rest):
        return None
    return Ask("compare_selections", where=one.where, second=two.where, name=focus.selection)


def _sides(text: str, vocabulary: Vocabulary, focus: Focus) -> tuple[Cells, Cells]:
    """Cut a comparison in two; the first cut that leaves cells on both sides holds."""
    body = _LEAD.sub("", text, count=1) or text
    best = Cells(), Cells()
    for pattern in _SPLIT:
        parts = re.split(f"(?i){pattern}", body, maxsplit=1)
        if len(parts) < 2:
            continue
        one = read_cells(parts[0], vocabulary, focus)
        two = read_cells(parts[1], vocabulary, focus)
        if one.where and (two.where or two.is_rest):
            return one, two
        if two.where or two.is_rest:
            best = one, two
    return best


def describe_chosen(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "describe two stimulated monocytes": what such cells are."""
    wants = re.match(
        r"^(?:please |can you |now |and |ok )*(?:describe|read|characteri[sz]e|"
        r"what are)\b",
        found.text,
    )
    of_cells = found.cell_types or found.number or re.search(r"\bcells\b", found.text)
    if not wants or not found.values or found.clusters or found.genes or not of_cells:
        return None
    if re.search(r"\b(?:genes?|markers?|differ\w*|types?|compar\w*)\b", found.text):
        return None
    cells = read_cells(found.raw, vocabulary, focus)
    return Ask("describe_selection", where=cells.where) if cells.where else None


def ask_about_chosen(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is asked of the cells that were chosen last, or of a named selection."""
    named = next(
        (
            name
            for name in reversed(vocabulary.selections())
            if re.search(
                rf"\bselection ['\"]?{re.escape(name.casefold())}(?!\w)"
                + (rf"|(?<!\w){re.escape(name.casefold())}(?!\w)" if len(name) > 2 else ""),
                found.text,
            )
            or re.search(rf"\b(?:in|of) {re.escape(name)}\W*$", found.raw)
        ),
        "",
    )
    has_names = found.clusters or found.genes or found.cell_types or found.values or found.step
    on_map = re.search(
        r"^(?:and |now |ok )*(?:show |plot )?(?:on|in) (?:the |a )?(?:umap|map)", found.text
    )
    leans = focus.is_on_selection and not has_names
    leans = leans and (on_map or PRONOUN.search(found.text))
    where = f"selection {quoted(named)}" if named else focus.those if leans else ""
    if not where or found.ordinals:
        return None
    name = named or focus.selection
    if re.search(r"\bhow many\b|\bsize\b|\bnumber of\b|\bhow (?:big|large)\b", found.text):
        return Ask("selection_size", name=name)
    if re.search(
        r"\bgenes?\b|\bmarkers?\b|\bexpress\w*\b|\bspecial\b|\bdistinguish\w*\b|\bmarks?\b",
        found.text,
    ):
        return Ask("compare_selections", where=where, name=name)
    if re.search(
        r"\b(?:what|which|who|describe|identity|types?|tell|summari[sz]e|about|explain|where|look|"
        r"map|umap|show|plot)\b",
        found.text,
    ):
        return Ask("describe_selection", where=where, name=name)
    return None
