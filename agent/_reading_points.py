"""Asks that point at something said before: those cells, the rest, the two, the second one."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._mentions import Mentions
from ._reading_knowledge import PUBLISHED
from ._reading_selections import SELECTS
from ._referring import CHOSEN_BEFORE, POINTING, cells_of_type, group_of, pointed
from ._rule import DIFFERENCE
from ._selecting import name_of_selection
from ._vocabulary import Vocabulary

_UNSURE = re.compile(
    r"\b(?:least|not|less|isn't|aren't) (?:very |so |too |quite )?(?:sure|certain|confident)|"
    r"\b(?:uncertain|unsure|doubtful|ambiguous|dubious|questionable|shaky)\b|"
    r"\b(?:lowest|low|poor|least) confidence\b|"
    r"\btrust (?:the )?least\b|\bleast trust\w*|\bleast reliable\b|"
    r"\b(?:hardest|hard|difficult|tricky|trickiest) to (?:annotate|label|call|name|classify|type)"
)
_OF_CLUSTERS = re.compile(r"\bclusters?\b|\blabels?\b|\bcell ?types?\b|\bannotations?\b|\bones?\b")
_REST = re.compile(
    r"^(?:and |ok |now |then |so |please |what about |how about |select |take |choose |pick |"
    r"describe |show me |show |give me |what are )*(?:all )?(?:of )?(?:the )?(?:rest|"
    r"remaining(?: cells| "
    r"ones)?|others|other cells|"
    r"everything else)(?: of (?:the )?(?:cells|dataset|data|them))?(?: please| as well| too)*$"
)
_WHERE = re.compile(
    r"\b(?:which|what|in which|in what) clusters?\b|\bwhere (?:are|do|is|does)\b|"
    r"^(?:which|what) clusters?$"
)
_DESCRIBES = re.compile(
    r"^(?:and |ok |now |so |then |please |can you )*(?:describe|what (?:are|is)|who are|"
    r"characteri[sz]e|summari[sz]e|identify|annotate|label|tell me (?:more )?about|which (?:cell )?"
    r"types? (?:are|is)|what (?:cell )?types? (?:are|is)|which (?:cells|kinds? of cells) (?:are|"
    r"is)|what kinds? of cells (?:are|is))\b"
)
_SHARED = re.compile(
    r"\b(?:spread|distribut\w*|divided?|split|break ?down|compos\w*|how many|number of|counts?|"
    r"fractions?|proportions?|shares?|percent\w*|come from|each|per)\b"
)
_TWO = re.compile(
    r"\b(?:the|these|those) two\b|\bboth\b|\beach other\b|\bthem\b|\bthey\b|\bthe latter\b"
)
_SAVES = re.compile(
    r"^(?:ok |and |now |then |please )*(?:save|name|call|store|keep|label|rename)\b.*"
    r"\b(?:selection|selected|cells|those|these|them|it|that|this)\b"
)
_NAMED = re.compile(
    r"(?i)\b(?:as|to|called|named)\s+['\"]?(?P<name>[\w][\w +/.-]{0,39}?)['\"]?\W*$"
)
_FILES = re.compile(r"\b(?:csv|h5ad|file|excel|table|tsv|png|svg|pdf|disk)\b")
_DROPS = re.compile(
    r"^(?:ok |and |now |then |please |can you |could you )*(?:delete|drop|forget|clear|remove|"
    r"discard|exclude|filter out|throw out)\b"
)
_TUMOUR = re.compile(
    r"\b(?:malignan\w+|(?:tumou?r|cancer)(?:ous)? (?:cells?|clusters?|clones?)|neoplastic|"
    r"aneuploid\w*|copy.?numbers?|cnvs?|chromosom\w*|clusters? (?:is|are) (?:tumou?r|cancer)\w*|"
    r"subclones?)\b|^(?:is|are) (?:it|they|these|this|those) (?:a )?(?:tumou?r|cancer)\w*"
)
_LOOKS_FOR = re.compile(
    r"\b(?:which|where|are|is|any|find|how many|number|do|does|can|show|select|list|what|call|"
    r"detect|see|tell)\b"
)
_OTHER_ASKS = re.compile(
    r"^(?:and |so )*what(?:'s|s| is| are)\b(?!.*\b(?:here|dataset|data|clusters?|sample|chance)\b)|"
    r"^define\b|\bwhat does\b|\b(?:kind|type|subtype)s? of\b|\bparents?\b|\bmarkers?\b|"
    r"\bgenes\b|\bexpress\w*|\bpathways?\b|\bcompar\w+|\bdiffer\w*|\bversus\b|\bvs\b"
)
_WHY = re.compile(r"\bwhy\b|\bevidence\b|\bwhich genes\b|\breasons?\b|\bhow do you know\b")


def read_point(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a stretch asks of what it points at, if it points."""
    if not vocabulary.has_dataset:
        return None
    for reader in _READERS:
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


def _uncertain(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which cells are you least sure about?", "the hardest clusters to annotate"."""
    flagged = re.match(
        r"^(?:and |so |but )*(?:are there|is there|do you see|how many|any|which cells are|"
        r"are any|(?:what (?:is |are |about )?)?(?:the |your )?(?:rate|percent\w*|fraction|share|"
        r"proportion|number|count)s?\b|(?:what (?:is |about )?)?(?:the )?(?=doublet rate))"
        r".*\b(?:doublets?|multiplets?|flagged|dying|damaged|empty droplets?|strange)\b"
        r"|^(?:and |so |but |is there a |do i have a )*(?:doublets?|multiplets?)"
        r"(?: (?:problem|issue|check)s?)?\W*$"
        r"|^(?:and |so |but )*(?:how many|which|what)\b(?!.*\bmean).*"
        r"\b(?:you|the model) flag(?:ged|s)?\b",
        found.text,
    )
    if flagged and not (found.genes or found.cell_types or found.clusters):
        return Ask("uncertain", number=found.number, name="flags")
    if (
        not _UNSURE.search(found.text)
        or found.genes
        or re.match(r"^(?:and |but )*why\b", found.text)
    ):
        return None
    if re.search(r"\bcells?\b(?! types?)", found.text) or POINTING.search(found.text):
        text = re.sub(_UNSURE, " ", found.text)
        text = re.sub(r"(?i)\b(?:list|show|the|me|cells?|which|what|you|are|about)\b", " ", text)
        leans = POINTING.search(found.text) and focus.is_on_selection
        where = ""
        if found.clusters or found.values or leans:
            where = pointed(text, vocabulary, focus).where
        return Ask("uncertain", where=where, number=found.number, clusters=found.clusters)
    if _OF_CLUSTERS.search(found.text) and not found.clusters and not found.cell_types:
        return Ask("confidence", number=None)
    return None


def _malignant(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which clusters are malignant?", "any tumour cells?", "is 1p lost?", and why so."""
    if found.genes:
        return None
    again = focus.last is not None and focus.last.intent == "malignant"
    again = again and not (found.clusters or found.cell_types)
    if again and _WHY.search(found.text):
        return Ask("malignant")
    if _OTHER_ASKS.search(found.text) or not _TUMOUR.search(found.text):
        return None
    asks = _LOOKS_FOR.search(found.text) or len(found.text.split()) <= 3
    return Ask("malignant") if asks else None


def _nothing_chosen(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what are the cells I selected?" where no cells were chosen."""
    if not CHOSEN_BEFORE.search(found.text) or focus.those or vocabulary.selections():
        return None
    return Ask("topic", name="no_selection")


def _single(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "why is the second one a fibroblast?" after single cells were described."""
    last = focus.last
    shown = last is not None and last.intent in {"describe_cells", "uncertain"} and focus.barcodes
    again = last is not None and last.intent == "explain" and last.barcodes and focus.barcodes
    if not (shown or again) or found.clusters or found.genes:
        return None
    at = found.ordinals[0] if found.ordinals else None
    named = re.search(r"\b(?:cell|number|no\.?) #?(\d{1,2})\b", found.text)
    if named:
        at = int(named.group(1)) - 1
    if at is None and len(focus.barcodes) == 1:
        at = 0
    of_first = re.search(r"\bthat (?:one|cell)\b|\bit\b|^(?:and |so |but )*why\W*$", found.text)
    if at is None and shown and of_first:
        at = 0
    if at is None or not -len(focus.barcodes) <= at < len(focus.barcodes):
        return None
    cell = (focus.barcodes[at],)
    if _WHY.search(found.text) and not found.text.startswith("why not"):
        return Ask("explain", barcodes=cell)
    if again and not named and not re.search(r"\bdescribe\b", found.text):
        return Ask("explain", barcodes=cell)
    if re.search(r"\b(?:what|describe|confiden\w*|sure|more|about|which|tell)\b", found.text):
        return Ask("describe_cells", barcodes=cell)
    return None


def _rest(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "now the rest" after cells were chosen."""
    if not _REST.match(found.text.strip(" ?.!,")) or not focus.is_on_selection:
        return None
    intent = "describe_selection" if re.search(r"describe|what are", found.text) else "select"
    return Ask(intent, where=f"NOT {focus.those}")


def _save(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "save that selection as hot"; "as a csv" names a file and no selection."""
    if not _SAVES.match(found.text) or _FILES.search(found.text) or not focus.those:
        return None
    if found.clusters or not focus.is_on_selection:
        return None
    match = _NAMED.search(found.raw)
    name = match["name"].strip() if match else name_of_selection(found.raw)[0]
    return Ask("name_selection", where=focus.those, name=name) if name else None


def _drop(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "remove them": nothing is deleted, but the others can be chosen."""
    if not _DROPS.match(found.text):
        return None
    named = any(name.casefold() in found.text for name in vocabulary.selections() if len(name) > 1)
    if POINTING.search(found.text) or re.search(r"\b(?:it|that|selection)\b", found.text) or named:
        return Ask("topic", name="delete")
    return None


def _select_group(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "select them" after a cell type or clusters were spoken of."""
    if not SELECTS.match(found.shape) or not POINTING.search(found.text):
        return None
    if found.clusters or found.genes or found.cell_types or found.values or focus.of == "selection":
        return None
    if re.search(r"\b\d+\b", found.text):
        return None
    group = group_of(focus, vocabulary)
    name, _ = name_of_selection(found.raw)
    return Ask("select", where=group, name=name) if group else None


def _of_chosen(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is asked of chosen cells: where they lie, what they are, how they divide."""
    if not focus.is_on_selection or found.clusters or found.cell_types or found.ordinals:
        return None
    text, last = found.text.strip(" ?.!"), focus.last
    points = POINTING.search(text) or re.search(r"\b(?:it|this|that)\b", text)
    is_bare = not (found.genes or found.values or found.column)
    people = next((c for c in vocabulary.columns.values() if c in vocabulary.people), None)
    if points and people and re.search(r"\bhow many (?:\w+ )?(?:donors?|patients?|people)\b", text):
        return Ask("composition", column=people, where=focus.those)
    if is_bare and re.match(r"^(?:and |so )*how many(?: cells)?(?: are)?(?: there| they)?$", text):
        return Ask("selection_size", name=focus.selection) if focus.selection else None
    if is_bare and _WHERE.search(text) and (points or len(text.split()) < 4):
        return Ask("describe_selection", where=focus.those, name=focus.selection)
    if is_bare and points and _DESCRIBES.search(text) and not re.search(r"\bgenes?|markers?", text):
        return Ask("describe_selection", where=focus.those, name=focus.selection)
    if found.column not in vocabulary.grouping_columns or found.genes or found.values:
        return None
    if not (points or last is not None) or not (_SHARED.search(text) or len(text.split()) < 5):
        return None
    if re.search(r"\b(?:genes?|umap|map|colou?r\w*|de|use|clusters)\b", text):
        return None
    return Ask("composition", column=found.column, where=focus.those)


def _narrower(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "only those that also have FOXP3": some of the cells that were chosen."""
    match = _NARROWS.match(found.text)
    if match is None or not focus.is_on_selection:
        return None
    if not re.search(r"\b(?:also|only|just|too|keep|as well|them|those|these)\b", found.text):
        return None
    cells = pointed(found.raw[match.end() :], vocabulary, focus)
    if not cells.where or "selection" in cells.kinds:
        return None
    return Ask("select", where=f"{focus.those} AND ({cells.where})")


def _really(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "are the pericytes really smooth muscle?": what the model makes of a label."""
    if not re.match(r"^(?:and |so |but )*(?:are|is) (?:the|these|those|all) <type>", found.shape):
        return None
    if not re.search(r"\b(?:really|actually|truly|in fact|indeed|correct\w*)\b", found.text):
        return None
    if found.clusters or found.genes or not found.cell_types:
        return None
    return Ask("describe_selection", where=cells_of_type(found.cell_types[0], vocabulary))


def _both_here(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "do we have both here?" after types were spoken of."""
    last = focus.last
    if last is None or len(last.cell_types) < 2 or found.cell_types or found.genes:
        return None
    if not re.search(r"\b(?:both|either|they|these|those|them|any)\b", found.text):
        return None
    if not re.search(r"\b(?:do (?:we|you|i)|have|here|present|in (?:my|this|the) data|see|there)\b",
                     found.text):  # fmt: skip
        return None
    if re.search(r"\bdiffer\w*|\bdistinguish\w*|\bcompar\w*|\bgenes?\b|\bmarkers?\b", found.text):
        return None
    return Ask("which_clusters", cell_types=last.cell_types[:2])


def _filter(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which cells have more than 500 genes?", "I'd like the monocytes from donor 107"."""
    asks = re.match(r"^(?:and |so |ok |please )*(?:(?:which|what) cells (?:have|with|express|"
    r"show|are)\b|"
                    r"(?:i would like|i'd like|i want|give me|get me|show me) .*\b(?:only|just|"
                    r"but)\b)",
                    found.text)  # fmt: skip
    if not asks or found.ordinals:
        return None
    cells = pointed(found.raw, vocabulary, focus)
    kinds = set(cells.kinds)
    if "column" in kinds or (
        len(cells.kinds) > 1 and kinds & {"value", "gene"} and "only" in found.text
    ):
        return Ask("select", where=cells.where)
    return None


def _swap(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "now the CD8A version": the last selection with another gene."""
    last = focus.last
    if last is None or last.intent != "select" or len(found.genes) != 1 or " > " not in last.where:
        return None
    if not re.match(r"^(?:and |now |then |ok |same |the same |also )*(?:the |with |for |"
    r"but with |but )*"
                    r"<gene>(?: version| one| instead| too| cells)*$", found.shape):  # fmt: skip
        return None
    if not re.search(r"\b(?:version|instead|same|now)\b", found.text):
        return None
    before, _, after = last.where.rpartition(" > ")
    head, _, _ = before.rpartition(" ")
    return Ask("select", where=f"{head} {found.genes[0]} > {after}".strip())


def _kind_of_what(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "a kind of what then?" and "do we see those?" after a cell type was spoken of."""
    if found.genes or found.clusters or found.cell_types or not focus.cell_type:
        return None
    text = found.text.strip(" ?.!")
    if re.match(r"^(?:so |then |but |and )*(?:it is )?(?:a )?(?:kind|type|sort) of what\b|"
                r"^(?:so |then )*what (?:kind|type|sort)(?: of (?:cell|"
                r"thing))? is it\b", text):  # fmt: skip
        return Ask("look_up", cell_types=(focus.cell_type,))
    sees = re.match(r"^(?:and |so |but )*(?:do (?:we|you|i) (?:see|have|find)|are there|any of) "
                    r"(?:those|them|any|any of (?:those|them))(?: here| in (?:my|this|"
                    r"the) data\w*)*$",
                    text)  # fmt: skip
    if sees and not focus.listed:
        return Ask("which_clusters", cell_types=(focus.cell_type,))
    return None


def _two(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what distinguishes the two?" after two types, clusters or selections."""
    text = found.text
    if found.genes or found.clusters or found.cell_types or found.values:
        return None
    differs = re.search(DIFFERENCE, found.shape) or re.search(
        r"\b(?:separat\w*|tells?|sets?|differ\w*|apart|distinct)\b", text
    )
    published = PUBLISHED.search(text)
    if not (differs or published) or not _TWO.search(text) or re.search(r"\bontolog", text):
        return None
    types = [n for ask in reversed(focus.past[-4:]) for n in reversed(ask.cell_types)]
    last = focus.last
    if last is not None and len(last.clusters) == 2 and last.intent in {"likeness", "compare"}:
        return Ask("compare", clusters=last.clusters)
    spoken: list[str] = []
    for ask in reversed(focus.past[-4:]):
        if ask.intent in {"select", "name_selection"} and ask.name:
            spoken.append(f'selection "{ask.name}"')
        elif ask.intent in {"which_clusters", "count_type", "look_up", "markers", "type_markers"}:
            spoken += [cells_of_type(name, vocabulary) for name in reversed(ask.cell_types)]
            if not ask.cell_types:
                spoken += [f"cluster {label}" for label in reversed(ask.clusters)]
        elif ask.intent == "describe_cluster":
            spoken += [f"cluster {label}" for label in reversed(ask.clusters)]
    if published and len(types) > 1:
        return Ask("term_difference", cell_types=tuple(dict.fromkeys(types))[:2][::-1])
    two = list(dict.fromkeys(spoken))[:2][::-1]
    if len(two) < 2 or all(where.startswith("cluster ") for where in two):
        return None
    return Ask("compare_selections", where=two[0], second=two[1])


_NARROWS = re.compile(
    r"^(?:and |ok |now |then |please |so )*(?:only|just|keep(?: only)?|of (?:those|these|them),?|"
    r"among (?:those|these|them),?|select|take)(?: only)? (?:the |those |these |the ones |ones |"
    r"cells )*(?:of (?:those|these|them) )?(?:that |which |with |expressing |who )+(?:also |have |"
    r"has |express |are |is )*(?=.*\b(?:also|too|as well|only|keep|just|of them|of those)\b|.*)"
)
_READERS = (
    _malignant,
    _nothing_chosen,
    _uncertain,
    _single,
    _rest,
    _save,
    _drop,
    _swap,
    _kind_of_what,
    _narrower,
    _really,
    _both_here,
    _filter,
    _select_group,
    _of_chosen,
    _two,
)
