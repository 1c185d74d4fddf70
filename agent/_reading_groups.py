"""Asks about groups of cells: selections, conditions, shares, plots of several genes, exports.

Each reader looks at one stretch and returns an ask, or None where the stretch is about
something else; the first that returns one is believed.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ._asks import Ask, Focus
from ._conditions import condition_column, other_value
from ._figure_files import NAMES_FILE, figure_ask
from ._gene_families import family_of
from ._mentions import Mentions, spell_out
from ._reading_knowledge import PUBLISHED
from ._reading_selections import (
    FILE,
    NAMES,
    PRONOUN,
    SELECTS,
    ask_about_chosen,
    compare_chosen,
    describe_chosen,
    list_made,
    name_chosen,
    names_selection,
    select_cells,
)
from ._referring import POINTING, pointed
from ._rule import DIFFERENCE
from ._selecting import read_cells
from ._vocabulary import Vocabulary
from ._words import CELL_ADJECTIVES

Reader = Callable[[Mentions, Vocabulary, Focus], Ask | None]

_ONCE = re.compile(
    r"\b(?:once|only one time|not twice|no (?:cell )?types? twice|unique(?:ly)?|one[- ]to[- ]one|"
    r"(?:a )?(?:different|distinct|separate) (?:cell )?(?:type|label|name|identit)\w*)\b"
)
_ASSIGN = re.compile(
    r"\b(?:each|every|all|assign\w*|annotate|label|give|use|types?|match|distribute)\b"
)
_WRITE = re.compile(
    r"\b(?:export\w*|download\w*|save|write|dump|store)\b|\bas (?:an? )?(?:csv|h5ad|html)\b"
)
_AS_FIGURE = re.compile(
    r"\b(?:figures?|(?:dot|bar|box|violin)? ?plots?|violins?|heat ?maps?|charts?|graphics?|"
    r"pictures?|images?|html|graph|map|umap)\b"
)
_AS_TABLE = re.compile(r"\b(?:csv|tsv|excel|spreadsheet|tables?|list|markers?|genes?|results?)\b")
_TOO = re.compile(
    r"^(?:and |also |now )*(?:the |a )?(?:figure|plot|picture|table|csv|data|h5ad)s?"
    r"(?: too| as well| also| please)*$"
)
_STRONG = re.compile(
    r"\b(?:go(?:es|ing)? (?:up|down)|(?:up|down)\W?(?:regulat\w*|stream)?|chang\w+|"
    r"respon[ds]\w*|de|degs?|dge|"
    r"differential\w*|separat\w*|distinguish\w*|discriminat\w*|"
    r"effects?|affect\w*|induc\w+|happens?|do(?:es)?|vs|versus|against|compar\w+|differ\w*|"
    r"increas\w+|decreas\w+|higher|lower|alter\w*|impact)\b"
)
_SHARES = re.compile(
    r"\b(?:composition\w*|proportions?|shares?|fractions?|percent\w*|abundan\w+|distribut\w+|"
    r"spread|"
    r"divide\w*|split|break ?down|how many|number of|counts?|bars?|bar ?plot|barplot|stacked|"
    r"frequenc\w+|ratio|balanced?|evenly|equal(?:ly)?)\b"
)
_MORE_OF = re.compile(
    r"\b(?:more|fewer|less|enriched|depleted|expand\w*|lost|rarer|commoner|increas\w+|decreas\w+)\b"
)
_DOTS = re.compile(
    r"\b(?:heat ?maps?|matrix ?plots?|dot ?plots?|bubble ?plots?|bubbles?|dots|dot)\b"
)
_WHICH_GROUPS = re.compile(
    r"\b(?:what|which|list|name)\b(?: \w+){0,4} (?:conditions|treatments|experimental groups|arms|"
    r"study groups|groups of samples)\b(?: (?:are|do|exist|were)\b.*)?[\s.?!]*$"
)
_PEOPLE = re.compile(r"\b(?:donors?|patients?|samples?|individuals?|subjects?|participants?)\b")
_MOST_OF_ALL = re.compile(
    r"\b(?:which|what|who)\b.*\b(?:cell ?types?|clusters?|cells|populations?)\b.*"
    r"\b(?:respon[ds]\w*|affected|chang\w*|react\w*|perturbed|differs?|altered)\b.*"
    r"\b(?:most|strongest|strongly|best|least)\b|"
    r"\b(?:most|strongest) (?:affected|respon\w+|chang\w+|perturbed) (?:cell ?types?|clusters?)\b"
)
_OF_TYPES = frozenset(
    {
        "look_up",
        "which_clusters",
        "count_type",
        "term_difference",
        "describe_cluster",
        "confidence",
        "types_here",
        "markers",
        "type_markers",
    }
)
_THE_REST = re.compile(
    r"\b(?:all|the|every) (?:the )?(?:others?|rest|remaining)\b|\beverything\b|\beveryone else\b|"
    r"\ball else\b|\bother cells\b"
)
_INDUCED = re.compile(r"\b(?:induc\w*|up-?regulat\w*|down-?regulat\w*|respon[ds]\w*|repress\w*)\b")
_WHICH_TYPE = re.compile(
    r"\b(?:which|what) (?:\w+ )?(?:cell ?types?|clusters?|cells|"
    r"populations?)\b"
)
_VIOLIN = re.compile(r"\b(?:violins?|distributions?|box ?plots?)\b")


def read_group_ask(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a stretch asks of groups of cells, if it does."""
    for reader in _READERS:
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


def _types(found: Mentions) -> tuple[str, ...]:
    return tuple(map(spell_out, found.cell_types)) + found.term_ids


def _once(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "annotate all clusters, each type once"."""
    if not (_ONCE.search(found.text) and _ASSIGN.search(found.text)) or found.genes:
        return None
    if not re.search(r"\b(?:types?|label\w*|annotat\w*|names?|identit\w+)\b", found.text):
        return None
    types = _types(found) if len(found.cell_types) > 1 else ()
    return Ask("assign_once", cell_types=types)


def _export(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is to be written to a file."""
    text = found.text
    if NAMES_FILE.search(text):
        return figure_ask(found.raw)
    after_export = bool(focus.past) and focus.past[-1].intent.startswith("export")
    if not _WRITE.search(text) and not (after_export and _TOO.match(found.shape)):
        return None
    is_figure = _AS_FIGURE.search(text)
    if not (is_figure or FILE.search(text) or PRONOUN.search(text)) and "export" not in text:
        return None
    if SELECTS.match(found.shape) or (NAMES.match(found.shape) and not FILE.search(text)):
        return None
    if re.search(r"\bh5ad\b|\b(?:dataset|everything|adata|anndata|annotated)\b", text):
        return Ask("export_dataset")
    if is_figure:
        return figure_ask(found.raw)
    last = focus.last
    chose = last is not None and last.intent in {"select", "name_selection", "describe_selection"}
    of_cells = re.search(r"\b(?:cells|barcodes)\b", text) or (chose and PRONOUN.search(text))
    if of_cells and (focus.those or focus.selection) and not re.search(r"\btable of\b", text):
        return Ask("export_cells", where=focus.those, name=focus.selection)
    if _AS_TABLE.search(text) or (PRONOUN.search(text) and not re.search(r"\bdata\b", text)):
        return Ask("export_table")
    return Ask("export_dataset")


def _gene_by_group(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read one gene over the groups of a column: violins, "higher in stim than in ctrl?"."""
    if not found.genes or _DOTS.search(found.text) or SELECTS.match(found.shape):
        return None
    if re.search(r"\b(?:umap|t-?sne|map|colou?r\w*|compare)\b", found.text):
        return None
    column = found.values[0][0] if found.values else found.column
    people = _PEOPLE.search(found.text) and re.search(
        r"\b(?:each|per|every|by|across|which|between)\b", found.text
    )
    if people and not found.values:
        column = _column_of_people(people_text=found.text, vocabulary=vocabulary) or column
        other = found.column not in (*vocabulary.people, column, None)
        if column is not None and other:
            column = f"{found.column}, {column}"
        if column is not None:
            where = read_cells(_without_genes(found), vocabulary, focus).where
            where = where if found.clusters or found.cell_types else ""
            return Ask("gene_by_group", genes=found.genes[:1], column=column, where=where)
    if column is None and _INDUCED.search(found.text) and not found.clusters:
        column = condition_column("conditions", vocabulary)
    if column is None or (column not in vocabulary.values and not _VIOLIN.search(found.text)):
        return None
    if len(found.values) == 1 and _WHICH_TYPE.search(found.text):
        only = read_cells(
            re.sub("|".join(map(re.escape, found.genes)), " ", found.raw, flags=re.IGNORECASE),
            vocabulary,
            focus,
        ).where
        types = re.search(r"\btypes?\b", found.text) and vocabulary.author_columns
        return Ask(
            "gene_by_group",
            genes=found.genes[:1],
            column=vocabulary.author_columns[0] if types else "clusters",
            where=only,
        )
    left = frozenset((column, label) for label in vocabulary.values.get(column, ()))
    rest = re.sub("|".join(map(re.escape, found.genes)), " ", found.raw, flags=re.IGNORECASE)
    where = read_cells(rest, vocabulary, focus, leave_out=left).where if found.clusters else ""
    return Ask(
        "gene_by_group",
        genes=found.genes[:1],
        column=column,
        values=tuple(label for _, label in found.values),
        where=where,
        cell_types=_types(found),
    )


def _column_of_people(people_text: str, vocabulary: Vocabulary) -> str | None:
    """Return the column of donors, or of samples, that a question speaks of."""
    columns = vocabulary.columns.items()
    if re.search(r"\bsamples?\b", people_text):
        return next((c for low, c in columns if low.startswith("sample")), None)
    return next((c for _, c in columns if c in vocabulary.people), None)


def _without_genes(found: Mentions) -> str:
    return re.sub("|".join(map(re.escape, found.genes)), " ", found.raw, flags=re.IGNORECASE)


_OF_EACH = 5  # genes of each of two groups


def _dots(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    if not _DOTS.search(found.text):
        return None
    family = family_of(found.text, vocabulary.genes)
    if not found.genes and family is not None and family[1]:
        column = found.values[0][0] if found.values else found.column
        column = column or condition_column(found.text, vocabulary)
        return Ask("family", name=family[0], listed=family[1], column=column)
    few = min(found.number or _OF_EACH, _OF_EACH)
    genes = found.genes or (
        focus.listed_of_both(few) if PRONOUN.search(found.text) or "marker" in found.text else ()
    )
    column = found.column or (found.values[0][0] if found.values else None)
    of_markers = re.search(r"\b(?:markers?|top genes|top \d+)\b", found.text)
    return Ask("dots", genes=genes, column=column, missing="" if genes or of_markers else "gene")


def known_column(found: Mentions, vocabulary: Vocabulary) -> str | None:
    """Return the column that a question names, or that of the conditions or people it names."""
    column = found.column or condition_column(found.text, vocabulary)
    if column is None and _PEOPLE.search(found.text):
        column = _column_of_people(found.text, vocabulary)
    return column


def _shares(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read how the cells of samples or conditions divide over clusters or types."""
    groups = (
        found.cell_types or found.clusters or re.search(r"\bclusters?\b|\btypes?\b", found.text)
    )
    is_of_more = found.values and _MORE_OF.search(found.text) and groups
    of_people = focus.past and focus.past[-1].column in vocabulary.people
    is_of_more = is_of_more or (of_people and groups and re.search(r"\bmo(?:re|st)\b", found.text))
    apart = re.search(
        r"\bclusters? (?:apart|separately|together|by)\b|\b(?:inter)?mix(?:ed|ing)?\b|\btable\b|"
        r"\bcross-?tab\w*|\bcontingency\b|\boverlap on\b",
        found.text,
    )
    if apart and not found.genes and (found.values or found.column):
        column = found.values[0][0] if found.values else found.column
        if column in vocabulary.values:
            return Ask("composition", column=column)
    leans = POINTING.search(found.text) and focus.is_on_selection
    by_shares = _SHARES.search(found.text) and not re.search(r"\bgenes?\b", found.text)
    if leans and by_shares and not found.genes and known_column(found, vocabulary):
        column = known_column(found, vocabulary)
        return Ask("composition", column=column, where=focus.those)
    types_in = re.search(r"\b(?:which|what|list) (?:cell ?types?|cells|clusters?)\b", found.text)
    most_of_people = (
        _PEOPLE.search(found.text)
        and found.cell_types
        and re.search(r"\b(?:most|fewest|more|least|highest|lowest)\b", found.text)
    )
    table = re.search(r"\bcell ?types?\b.*\b(?:by|per|across|vs|versus|for each)\b", found.text)
    is_of_more = is_of_more or most_of_people or (table and found.column)
    if _MOST_OF_ALL.search(found.text) or re.search(r"\bup in\b|\bdown in\b", found.text):
        return None
    is_of_more = is_of_more or (found.values and types_in and not found.genes)
    is_of_more = is_of_more or _WHICH_GROUPS.search(found.text)
    if (
        found.genes
        or not (_SHARES.search(found.text) or is_of_more)
        or re.search(r"\bgenes?\b|\bde\b", found.text)
    ):
        return None
    if re.search(r"\b(?:umap|colou?r\w*|map)\b", found.text):
        return None
    columns = [column for column, _ in found.values] + ([found.column] if found.column else [])
    spoken = focus.past[-1].column if focus.past else None
    if (
        not columns
        and spoken in vocabulary.values
        and found.cell_types
        and POINTING.search(found.text)
    ):
        columns = [str(spoken)]
    if not columns:
        named = condition_column(found.text, vocabulary)
        columns = [named] if named else []
    if not columns and _PEOPLE.search(found.text):
        columns = [column for column in vocabulary.values if column in vocabulary.people]
        columns = columns or [c for c in vocabulary.columns.values() if c in vocabulary.people]
    known = [c for c in dict.fromkeys(columns) if c in (*vocabulary.values, *vocabulary.people)]
    if not known:
        return None
    return Ask(
        "composition",
        column=known[0],
        values=tuple(label for column, label in found.values if column == known[0]),
        clusters=found.clusters,
        cell_types=_types(found),
    )


def _conditions(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read which genes differ between two conditions."""
    if len(found.clusters) > 1 or re.search(r"\b(?:umap|colou?r\w*)\b", found.text):
        return None
    if names_selection(found, vocabulary):
        return None
    counted = Counter(column for column, _ in found.values)
    column = next((c for c, number in counted.items() if number > 1), None)
    one_value = len(found.values) == 1
    values = tuple(label for c, label in found.values if c == column)[:2]
    if column is None and found.values and _STRONG.search(found.text):
        one = found.values[0]
        other = other_value(one, vocabulary)
        column, values = (one[0], (one[1], other)) if other else (None, ())
    if column is None and _STRONG.search(found.text) and not found.cell_types[1:]:
        column = condition_column(found.text, vocabulary)
        if column in vocabulary.people or column is None or not _asks_for_genes(found):
            return None
    if column is None or not _STRONG.search(found.text) or found.genes:
        return None
    against = re.search(r"\b(?:than|compar\w*|vs|versus|against|from)\b", found.text)
    leans = re.search(r"\bth(?:o|e)se\b|\bthem\b", found.text)
    if focus.is_on_selection and one_value and leans and against:
        return None
    left = frozenset((column, label) for label in vocabulary.values[column])
    text = re.sub(r"(?i)\b(?:it|that|this|they)\b", " ", found.raw)
    if POINTING.search(found.text) and focus.of in {"type", "clusters"}:
        cells = pointed(text, vocabulary, focus, leave_out=left)
    else:
        cells = read_cells(text, vocabulary, focus, leave_out=left)
    own = (
        ""
        if set(cells.kinds) <= {"cluster", "type", "value"} and not _others(found, column)
        else cells.where
    )
    return Ask(
        "conditions",
        column=column,
        values=values,
        clusters=found.clusters or _placed(found, focus),
        cell_types=() if found.clusters else _types(found),
        where=own,
    )


def _placed(found: Mentions, focus: Focus) -> tuple[str, ...]:
    """Return the cluster that "the former" or "the second one" means."""
    spoken = focus.listing if len(focus.clusters) > 1 else focus.recent[-2:]
    at = found.ordinals[0] if found.ordinals else None
    return (spoken[at],) if at is not None and -len(spoken) <= at < len(spoken) else ()


def _most_changed(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which cell type responds most?"."""
    if not _MOST_OF_ALL.search(found.text) or found.genes or found.clusters:
        return None
    column = found.values[0][0] if found.values else condition_column(found.text, vocabulary)
    column = column or focus.column or next(iter(vocabulary.conditions), None)
    if column not in vocabulary.values or column in vocabulary.people:
        return None
    values = tuple(label for c, label in found.values if c == column)[:2]
    values = values or (focus.values if focus.column == column else ())
    return Ask("most_changed", column=column, values=values if len(values) == 2 else ())


def _others(found: Mentions, column: str) -> bool:
    return any(other != column for other, _ in found.values)


def _asks_for_genes(found: Mentions) -> bool:
    return bool(
        re.search(
            r"\b(?:genes?|de|degs?|dge|differential\w*|expression|chang\w+|do|does|effects?|"
            r"respon[ds]\w*|compar\w+|differ\w*|regulated|affect\w*)\b",
            found.text,
        )
    )


def _with_the_rest(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "compare B cells to all other cells": what marks them."""
    if not re.search(DIFFERENCE, found.shape) or not _THE_REST.search(found.shape):
        return None
    if len(found.cell_types) != 1 or found.clusters or found.genes or found.values:
        return None
    return Ask("markers", cell_types=_types(found), number=found.number)


def _of_two_types(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "how do they differ from CD4 T cells?" after a cell type was spoken of."""
    if not re.search(DIFFERENCE, found.shape) or not PRONOUN.search(found.text):
        return None
    if not found.cell_types and not found.clusters and not found.genes and not found.values:
        spoken = [name for ask in focus.past for name in ask.cell_types]
        two = tuple(dict.fromkeys(reversed(spoken)))[:2][::-1]
        of_types = focus.intent in _OF_TYPES
        wants = re.search(r"\bgenes?\b|\bmarkers?\b|\bhere\b|\bdata", found.text)
        return Ask("types_here", cell_types=two) if len(two) == 2 and of_types and wants else None
    if len(found.cell_types) != 1 or found.clusters or found.genes or found.values:
        return None
    of_type = focus.of == "type" and focus.intent in _OF_TYPES and focus.cell_type
    if not of_type or focus.cell_type == _types(found)[0]:
        return None
    subject = str(focus.cell_type)
    if focus.last is not None and focus.last.intent == "types_here":
        subject = focus.last.cell_types[0]
    return Ask("types_here", cell_types=(subject, *_types(found)))


def _types_here(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read two types that are compared in the data ("T cells from B cells"), not as terms."""
    types = _types(found)
    several = re.search(r"\b(?:two|both|three|the|all|different) <type> clusters\b", found.shape)
    if len(types) == 1 and several and re.search(DIFFERENCE, found.shape):
        return Ask("types_here", cell_types=types)
    if (
        PUBLISHED.search(found.text)
        or len(types) != 2
        or found.clusters
        or found.term_ids
        or not vocabulary.has_dataset
    ):
        return None
    if not re.search(DIFFERENCE, found.shape):
        return None
    if re.search(
        r"\bontolog\w*|\bdefin\w+|\bterms?\b|\bmeans?\b|\ban? <type>|\brelated\b", found.shape
    ):
        return None
    plural = all(name.casefold() in vocabulary.authors for name in types) or all(
        name.casefold().rstrip(" ?.!").endswith("s") or name.split()[0] in CELL_ADJECTIVES
        for name in found.cell_types
    )
    return Ask("types_here", cell_types=types) if plural else None


_READERS: tuple[Reader, ...] = (
    _once,
    list_made,
    name_chosen,
    _export,
    _dots,
    select_cells,
    _gene_by_group,
    _shares,
    _most_changed,
    _conditions,
    compare_chosen,
    _with_the_rest,
    _of_two_types,
    _types_here,
    describe_chosen,
    ask_about_chosen,
)
