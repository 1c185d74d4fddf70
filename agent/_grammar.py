"""One grammar of quantitative questions: tags are composed to a frame.

The order of the words matters little: conditions choose cells, a column after "per" groups them,
a measure says what is told of them. What stands before "are" or "express" is the whole that a
share is taken of. A question with a word that the grammar does not know is left to others.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ._asks import Ask, Focus
from ._editing import Change, edit
from ._frames import (
    AVERAGES,
    IDENTITY,
    Clause,
    Clauses,
    Form,
    Frame,
    where_of,
)
from ._last_frame import NEED_A_MEASURE, frame_of
from ._mentions import Mentions
from ._scanning import Reading, age_column, of_gene, scan
from ._shapes import YES_NO as _YES_NO
from ._shapes import cutoff, has_value, one_cell, only_there, other_reading, ratio
from ._tag_names import is_clustering
from ._tag_words import PEOPLE
from ._tags import Tag, is_about_something_else, quality_column, tag
from ._vocabulary import Vocabulary
from ._words import COMMANDS, COMMON, EVERYDAY, SPELT_RIGHT

_FRAGMENT = re.compile(
    r"(?i)^(?:and|or|both|also|but|now|same|the same|what about|how about|then|only|just|in|for|"
    r"as|of|per|by|split|with|without|from|instead)\b"
)
_WHO = re.compile(r"(?i)\s*(?:that|which|who|also)(?: also)?\s*")
_IS = re.compile(r"(?i)is|are|was|were|comes?|came|belongs?|falls?|lies?|from")
_OF_WHOLE = re.compile(
    r"(?i)^(?:and |so |but |then )*(?:what |which )?(?:percent\w*|share|fraction|proportion|%) of "
    r"(?:all |the )*(?!.*\b(?:is|are|express\w*|have|has|do|does|come|found)\b)"
)
_OF_ALL = re.compile(
    r"(?i)^(?:and |so |but |then )*(?:what |which |as (?:a )?|in )?(?:the )?(?:percent\w*|share|"
    r"fraction|proportion|%) of (?:all |the |total |whole |entire )*(?:data ?set|data|cells|total|"
    r"whole|all)\W*$"
)
_IS_THAT = re.compile(
    r"(?:percent\w*|share|fraction|proportion|%) of .*\b(?:is|are|was|were|do|does) "
    r"(?:it|that|this|they|those|these)(?: (?:make up|represent|amount to))?\W*$"
)
_MOST_WORDS = 40
_MOST_AVERAGED = 4  # genes, one after the other
_COMPARED = re.compile(
    r"(?i)^(?:and |now )*compare(?:d)? (?:it |that |this |them )?(?:with|to|against) (?:the )?"
)


def read_frame(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    """Return the frames of a quantitative question, or of one that edits the last; else none."""
    text = found.raw.strip()
    if focus.last is not None and focus.last.frame is not None:
        text = _COMPARED.sub("and ", text)
    if not vocabulary.has_dataset or is_about_something_else(text):
        return []
    if len(text.split()) > _MOST_WORDS or found.barcodes or found.term_ids:
        return []
    tags = tag(text, vocabulary, focus)
    reading = scan(tags, vocabulary)
    drawn = _drawn(reading, text, vocabulary)
    if drawn is not None:
        return [drawn]
    if _narrows_selection(reading, focus):
        return []
    last = frame_of(focus, vocabulary)
    spoken = focus.last.intent if focus.last is not None else ""
    if spoken in NEED_A_MEASURE and not reading.measures and not _divides(reading):
        last = None  # "and in B cells?" is for those who drew the gene
    spoken_of = focus.last.frame if focus.last is not None else None
    if spoken_of is not None and spoken_of.is_relation and reading.marks & {"both", "group"}:
        last = replace(spoken_of, form="")  # "percent in both?"
        reading.marks -= {"both", "group"}
    frames: list[Frame] = []
    if last is not None and _leans(text, tags, reading, focus, last):
        change = _change(tags, reading, vocabulary)
        for part in _each_change(change):
            edited = edit(last, part, vocabulary, focus)
            if edited is None and part is not change and last.measure in part.measures:
                edited = last
            frames += [edited] if edited is not None else []
    if not frames:
        frames = _frames(text, tags, reading, vocabulary)
    if any(frame.over and not frame.by for frame in frames):
        return []  # "mean in CD8 T cells" does not say of what
    if any(frame.by and all(_is_constant(c, vocabulary) for c in frame.by) for frame in frames):
        return []
    return [
        Ask(
            "frame",
            frame=frame,
            genes=(frame.gene,) if frame.gene else (),
            column=frame.by[0] if frame.by else None,
            where=frame.cells,
            text=found.raw,
        )
        for frame in frames
    ]


_ASKS_NUMBER = re.compile(
    r"(?i)\b(?:how many|how much|number of|percent\w*|fractions?|proportions?|shares?|ratios?|mean|"
    r"median|average|avg|(?:what|which)\b.*\b(?:most|highest|lowest|fewest|least))\b|%"
)
_NO_NAMES = (
    EVERYDAY | COMMON | COMMANDS | SPELT_RIGHT - {"tumor", "tumour", "infection", "dividing"}
)


def words_left_over(text: str, vocabulary: Vocabulary, focus: Focus) -> tuple[str, ...]:
    """Return the words of a question for a number that stand for nothing known, at most two."""
    if not _ASKS_NUMBER.search(text) or is_about_something_else(text):
        return ()
    unknown = scan(tag(text, vocabulary, focus), vocabulary).unknown
    labels = (label for known in vocabulary.labels.values() for label in known)
    names = " ".join((*vocabulary.columns, *labels)).casefold()
    return tuple(
        word
        for word in dict.fromkeys(unknown)
        if len(word) > 2 and word.isalpha() and word not in _NO_NAMES
        if word.removesuffix("s") not in names
    )[:2]


def _frames(text: str, tags: Sequence[Tag], read: Reading, vocabulary: Vocabulary) -> list[Frame]:
    """Return the frames of a question that stands by itself, one for each measure in it."""
    shaped = (
        cutoff(text, tags, read, vocabulary)
        or ratio(text, read, vocabulary)
        or one_cell(text, read, vocabulary)
        or only_there(text, read, vocabulary)
        or has_value(text, read, vocabulary)
    )
    if shaped is not None:
        return [shaped]
    if len(read.unknown) > _allowed(read) or "ratio" in read.measures:
        return []
    found = []
    for one in _each_measure(read):
        frame = _compose(text, tags, one, vocabulary)
        if frame is None:
            return []
        found.append(frame)
    first = found[0]
    other = other_reading(tags, text, first.where)
    if other is not None and len(found) == 1:
        return [replace(first, where=other), first]
    return found


def _each_measure(read: Reading) -> list[Reading]:
    """Part a question that asks for several averages, or averages of several things."""
    averages = [m for m in dict.fromkeys(read.measures) if m in AVERAGES]
    qualities = list({name: (at, name) for at, name in read.qualities}.values())
    genes = list({gene: (at, gene) for at, gene in read.genes}.values())
    if len(averages) > 1:
        others = [m for m in read.measures if m not in AVERAGES]
        return [_copy(read, measures=[one, *others]) for one in averages]
    if len(qualities) > 1:
        return [_copy(read, qualities=[one]) for one in qualities]
    if averages and not qualities and 1 < len(genes) <= _MOST_AVERAGED:
        return [_copy(read, genes=[one]) for one in genes]
    return [_copy(read)]


def _copy(read: Reading, **changes: Any) -> Reading:
    """Return a reading whose lists may be changed without changing those of `read`."""
    lists = {
        name: list(getattr(read, name))
        for name in ("clauses", "columns", "measures", "qualities", "genes", "numbers", "unknown")
    }
    return replace(read, **lists | {"marks": set(read.marks)} | changes)


def _is_constant(column: str, vocabulary: Vocabulary) -> bool:
    """Whether a column holds one value only, which is better told as such."""
    return len(vocabulary.labels.get(column, ("", ""))) == 1 and column not in vocabulary.people


def _drawn(read: Reading, text: str, vocabulary: Vocabulary) -> Ask | None:
    """Read "dot plot of CD3D and CD68 by celltypes": genes drawn by one column."""
    columns = list(dict.fromkeys(column for _, column, _ in read.columns))
    if read.plot in {"violin", "umap"} and not read.genes and not read.unknown:
        return _measure_drawn(read, columns, text, vocabulary)
    if read.plot not in {"dots", "violin"} or len(columns) != 1 or read.unknown or not read.genes:
        return None
    if read.marks & {"that", "same"} or columns[0] == "cell types":
        return None
    genes = tuple(dict.fromkeys(gene for _, gene in read.genes))
    where = where_of(clause for _, clause in read.clauses)
    if read.plot == "violin" and len(genes) != 1:
        return None
    intent = "dots" if read.plot == "dots" else "gene_by_group"
    return Ask(intent, genes=genes, column=columns[0], where=where, text=text)


def _measure_drawn(
    read: Reading, columns: list[str], text: str, vocabulary: Vocabulary
) -> Ask | None:
    """Read "violins of UMIs by cell type" and "UMIs on the map": a number of each cell, drawn."""
    numbers = [column for column in columns if column in vocabulary.numbers]
    groups = [column for column in columns if column not in numbers]
    if len(read.qualities) + len(numbers) != 1 or read.marks & {"that", "same"}:
        return None
    name = read.qualities[0][1] if read.qualities else numbers[0]
    if read.plot == "umap":
        column = quality_column(name, vocabulary) if read.qualities else name
        return Ask("plot", column=column, text=text) if column and not groups else None
    versus = [c for _, clause in read.clauses for c in clause if c.column and len(clause) > 1]
    by = groups[0] if groups else versus[0].column if versus else _usual_groups(vocabulary)
    kept = [c for _, c in read.clauses if c[0].column != by]
    kind = "quality" if read.qualities else "column"
    frame = Frame("median", of=name, of_kind=kind, where=tuple(kept), by=(by,), form="violin")
    return Ask("frame", frame=frame, column=by, where=frame.cells, text=text)


def _usual_groups(vocabulary: Vocabulary) -> str:
    """Return the groups that are meant where none are named: the authors' types, or clusters."""
    return next(iter(vocabulary.author_columns), "clusters")


def _each_change(change: Change) -> list[Change]:
    """Return the changes of "mean and percent please", one for each measure."""
    averages = tuple(m for m in change.measures if m in AVERAGES)
    if not (averages and "share" in change.measures and change.names_nothing):
        return [change]
    return [replace(change, measures=averages), replace(change, measures=("share",))]


def _divides(read: Reading) -> bool:
    """Whether "from which donors are they?" asks how the cells that were spoken of divide."""
    return bool(read.marks & {"that"} and read.columns and not read.clauses and not read.genes)


def _narrows_selection(read: Reading, focus: Focus) -> bool:
    """Whether "only those that also have CD8A" makes another selection."""
    last = focus.last
    return (
        last is not None and last.intent in {"select", "name_selection", "describe_selection"}
        and "that" in read.marks and not read.measures
        and ("only" in read.marks or any(column == "cell types" for _, column, _ in read.columns))
    )  # fmt: skip


def _allowed(reading: Reading) -> int:
    """Return how many unknown words a question may hold: one in a long and plain one."""
    known = len(reading.clauses) + len(reading.columns) + len(reading.measures)
    return 1 if known >= 3 and reading.measures else 0


# From the scan to a frame


def _compose(text: str, tags: Sequence[Tag], read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Return the frame of a question that stands by itself."""
    if "that" in read.marks or "same" in read.marks:
        return None
    is_yes_no = _YES_NO.match(text) is not None
    if is_yes_no and read.genes and not read.measures:
        return None  # whether a gene rises is tested elsewhere
    if read.plot and (read.genes or read.plot in {"violin", "dots", "umap"}):
        return None
    is_ranked = bool(read.order or "top" in read.marks)
    if read.qualities and not _is_quality(tags, read):
        return None
    measure = _measure(read)
    if read.having and "percent" in read.marks and measure == "cells":
        measure = "share"
    if is_ranked and read.genes and not read.measures and "cells" not in read.marks:
        read.measures.append("mean")
        measure = "mean"
    averages = [m for m in read.measures if m in AVERAGES]
    clauses = [clause for _, clause in read.clauses]
    if clauses and not averages and not read.each and (unit := _unit_said(text, read, vocabulary)):
        read.each = unit
        read.columns = [item for item in read.columns if item[1] != unit]
    grouped, heads = _columns(read, tags)
    if "which" not in read.marks and not read.order:  # "CD4 T according to Annotation"
        named = {part.column for clause in clauses for part in clause}
        heads = [column for column in heads if column not in named]
    of, of_kind = "", ""
    stated = [c for c in clauses if len(c) == 1 and c[0].kind == "number"]
    if averages and len(stated) == 1 and not read.qualities and (read.each or heads or grouped):
        part = stated[0][0]  # "how many types have a median above 700 genes"
        clauses = [clause for clause in clauses if clause is not stated[0]]
        read.having = " ".join(part.words.split()[-2:])
        read.qualities.append((0, part.label))
        grouped, read.each = [*grouped, *([read.each] if read.each else [])], ""
    is_number = any(c in vocabulary.numbers for c in heads) and bool(clauses)
    is_number = is_number and not (read.order or grouped or "cells" in read.marks)
    if measure in AVERAGES or (not read.measures and (read.qualities or read.extreme or is_number)):
        of, of_kind = _averaged(read, heads, vocabulary)
        heads = [column for column in heads if column != of]
        if read.extreme:
            of, of_kind = age_column(vocabulary), "column"
            measure = "maximum" if read.extreme == "maximum" else "minimum"
            if not of or read.measures or clauses or read.having:
                return None
            return Frame(measure, of=of, of_kind=of_kind)  # type: ignore[arg-type]
    if of and measure not in AVERAGES:
        measure = "median" if of_kind == "quality" else "mean"
    if of_kind == "gene":
        read.genes = [(at, gene) for at, gene in read.genes if gene != of]
    over = ""
    also = "share" if of_kind == "gene" and "share" in read.measures else ""
    if averages and not of:
        if not (read.marks & {"cells"} or clauses) or read.qualities:
            return None
        over, measure = averages[0], "cells"
    by_gene = measure in {"cells", "share"}
    if by_gene and read.genes:
        clauses += _genes_as_conditions(read)
    elif read.genes and of_kind == "gene":
        return None  # two genes averaged at once
    trigger = (
        read.measures or read.order or "top" in read.marks or read.having or read.plot
        or any(c.kind == "number" for clause in clauses for c in clause)
        or len(grouped) + len(heads) > 1 or ("cells" in read.marks and (grouped or heads))
        or (read.than and (_YES_NO.match(text) or "which" in read.marks))
        or (of and (grouped or heads or clauses))
        or (read.each and clauses)
    )  # fmt: skip
    if not trigger:
        return None
    frame = _placed(text, tags, read, clauses, measure, vocabulary)
    frame = replace(frame, of=of, of_kind=of_kind, over=over, also=also)
    frame = replace(frame, where=_merged(frame.where), among=_merged(frame.among))
    return _grouped(text, tags, frame, read, grouped, heads, vocabulary)


_IN_UNITS = re.compile(
    rf"(?i)\b(?:in|by)(?: terms of| numbers? of)? (?:{PEOPLE}|samples)(?=\W*$|\s*[,:;)])"
)


def _merged(clauses: Clauses) -> Clauses:
    """Join two values of one column, which no cell can have at once, to either of them."""
    found: list[Clause] = []
    for clause in clauses:
        column = clause[0].column if clause[0].kind == "value" and not clause[0].is_not else ""
        at = next((n for n, old in enumerate(found) if column and _is_of(old, column)), None)
        if at is None or not _is_of(clause, column):
            found.append(clause)
        else:
            found[at] = tuple(dict.fromkeys((*found[at], *clause)))
    return tuple(found)


def _is_of(clause: Clause, column: str) -> bool:
    return all(c.kind == "value" and c.column == column and not c.is_not for c in clause)


def _unit_said(text: str, read: Reading, vocabulary: Vocabulary) -> str:
    """Return the column whose values are counted by "..., in patients"."""
    said = _IN_UNITS.search(text)
    if said is None or re.search(r"(?i)\b(?:mean|average|median)\b", text):
        return ""
    columns = [c for _, c, is_grouped in read.columns if not is_grouped]
    return next((c for c in columns if c in vocabulary.people or _is_sample(c)), "")


def _is_quality(tags: Sequence[Tag], read: Reading) -> bool:
    """Whether "genes" are those that a cell has: averaged, ranked, or per cell."""
    if any(name == "mitochondrial" for _, name in read.qualities):
        return True
    if "per cell" in read.marks and (read.columns or read.order or read.clauses):
        return True  # "number of genes by cell type"
    said = " ".join(one.text.casefold() for one in tags if one.kind == "quality")
    is_per_cell = re.search(r"per |/|n_|umi|count", said) is not None
    averaged = any(measure in AVERAGES for measure in read.measures)
    return averaged or is_per_cell or bool(read.order and not read.limit)


def _measure(read: Reading) -> str:
    averages = [m for m in read.measures if m in AVERAGES]
    is_of_share = any(name == "mitochondrial" for _, name in read.qualities)
    shares = [m for m in read.measures if m == "share"]
    if averages and (not shares or is_of_share or read.genes or read.qualities):
        return averages[0]
    if shares and not (is_of_share and not read.clauses):
        return "share"
    return "mean" if is_of_share and shares else "cells"


def _columns(read: Reading, tags: Sequence[Tag]) -> tuple[list[str], list[str]]:
    """Return columns that group, and columns that stand elsewhere, each once."""
    grouped = list(dict.fromkeys(c for _, c, is_grouped in read.columns if is_grouped))
    heads = list(dict.fromkeys(c for _, c, _ in read.columns if c not in grouped))
    return grouped, heads


def _averaged(read: Reading, heads: list[str], vocabulary: Vocabulary) -> tuple[str, str]:
    """Return what is averaged, and whether it is a gene, a quality or a column."""
    if read.qualities:
        return read.qualities[0][1], "quality"
    for column in heads:
        if column in vocabulary.numbers:
            return column, "column"
    for _, column, _ in read.columns:
        if column in vocabulary.numbers and vocabulary.labels.get(column) is None:
            return column, "column"
    return (read.genes[0][1], "gene") if read.genes else ("", "")


def _genes_as_conditions(read: Reading) -> list[Clause]:
    """Read bare genes as found: all of them, or any after "or" and "either"."""
    found: list[Clause] = []
    for at, gene in read.genes:
        part = of_gene(gene)
        if found and (at in read.any_of or ("either" in read.marks and not read.any_of)):
            found[-1] = (*found[-1], part)
        else:
            found.append((part,))
    return found


def _placed(
    text: str,
    tags: Sequence[Tag],
    read: Reading,
    clauses: list[Clause],
    measure: str,
    vocabulary: Vocabulary,
) -> Frame:
    """Put each clause into what is counted or into the whole that it is a share of."""
    if measure in AVERAGES:
        return Frame(measure, where=tuple(clauses))  # type: ignore[arg-type]
    if measure == "share" and len(clauses) > 1 and not _turnable(clauses):
        whole = _whole(tags, read, clauses)
        if whole and len(whole) < len(clauses):
            rest = tuple(c for c in clauses if c not in whole)
            return Frame(measure, where=rest, among=tuple(whole))  # type: ignore[arg-type]
    fronted = _fronted(tags, read, clauses)
    if fronted:
        rest = tuple(c for c in clauses if c not in fronted)
        if rest:
            return Frame(measure, where=rest, among=tuple(fronted))  # type: ignore[arg-type]
    exact = [c for c in clauses if any(part.kind in {"gene", "number"} for part in c)]
    others = [c for c in clauses if c not in exact]
    if exact and others:
        if (turned := _turned(tags, exact, others)) is not None:
            exact, others = turned
        return Frame(measure, where=tuple(exact), among=tuple(others))  # type: ignore[arg-type]
    if exact or measure == "cells":
        return Frame(measure, where=tuple(clauses))  # type: ignore[arg-type]
    whole = _whole(tags, read)
    base = tuple(c for c in others if c in whole)
    rest = tuple(c for c in others if c not in whole)
    if base and not rest:
        base, rest = (), base
    return Frame(measure, where=rest, among=base)  # type: ignore[arg-type]


def _places(tags: Sequence[Tag], clauses: Sequence[Clause]) -> dict[Clause, int]:
    """Return where each clause is named first."""
    found: dict[Clause, int] = {}
    for clause in clauses:
        slots = {c.slot for c in clause if c.kind == "gene"}
        labels = {c.words for c in clause}
        for at, one in enumerate(tags):
            is_here = (one.kind == "gene" and one.value in slots) or any(
                c.words in labels for c in one.conditions
            )
            if is_here or (one.kind in {"quality", "column"} and one.value in _names_of(clause)):
                found[clause] = at
                break
    return found


def _names_of(clause: Clause) -> set[str]:
    return {name for c in clause for name in (c.label, c.slot)}


def _fronted(tags: Sequence[Tag], read: Reading, clauses: Sequence[Clause]) -> list[Clause]:
    """Return the clauses of "of the cells with A and B, how many ...", which are the whole."""
    start = next((n for n, one in enumerate(tags) if one.kind == "measure"), 0)
    opening = [one.kind for one in tags[:start] if one.kind not in {"filler", "cells"}]
    if not opening or opening[0] not in {"of", "in", "group", "only"}:
        return []
    places = _places(tags, clauses)
    return [clause for clause in clauses if places.get(clause, start) < start]


def _turned(
    tags: Sequence[Tag], exact: list[Clause], others: list[Clause]
) -> tuple[list[Clause], list[Clause]] | None:
    """Turn the two where the cells with a gene are the whole: "how many CD3D+ cells are NK?"."""
    places = _places(tags, [*exact, *others])
    start = next((n for n, one in enumerate(tags) if one.kind == "measure"), 0)
    verbs = [n for n, one in enumerate(tags) if one.kind == "verb" and n > start]
    said = [n for n in verbs if _IS.fullmatch(tags[n].text.strip())]
    if not said or len(places) < len(exact) + len(others):
        return None
    before = all(start < places[c] < said[-1] for c in exact)
    after = all(places[c] > said[-1] for c in others)
    return (others, exact) if before and after else None


def _turnable(clauses: Sequence[Clause]) -> bool:
    """Whether both genes and names are spoken of, which tell by themselves what is the whole."""
    exact = [any(part.kind in {"gene", "number"} for part in clause) for clause in clauses]
    return any(exact) and not all(exact)


def _whole(
    tags: Sequence[Tag], read: Reading, clauses: Sequence[Clause] | None = None
) -> list[Clause]:
    """Return the clauses that name the whole: "of X ... are", "in X", "within X"."""
    verbs = [n for n, one in enumerate(tags) if one.kind == "verb" and n]
    passive = {"found", "annotated", "called"}
    verb = next((n for n in verbs if tags[n].text.casefold() not in passive), None)
    start = next((n for n, one in enumerate(tags) if one.kind == "measure"), 0)
    found: list[Clause] = []
    places = _places(tags, clauses) if clauses is not None else {}
    placed = [(places[c], c) for c in clauses or () if c in places]
    relative = next((n for n, one in enumerate(tags) if n > start and _WHO.fullmatch(one.text)), 0)
    if verb is None and relative and any(at > relative for at, _ in placed):
        ahead = [c for at, c in placed if start < at < relative]
        if ahead:
            return ahead  # "percent of CD8A+ cells that co-express GZMB"
    is_of = start and not verb and tags[start].text.casefold().rstrip().endswith(" of")
    if is_of and places and not _fronted(tags, read, clauses or ()):
        return [c for c, at in places.items() if at > start]  # "donor 107's share of the B cells"
    for at, clause in placed if clauses is not None else read.clauses:
        before = [one.kind for one in tags[:at]]
        preposition = next((k for k in reversed(before) if k in {"in", "of", "measure", "verb",
                                                                 "group"}), "")  # fmt: skip
        if verb is not None and verb > start:
            between = start < at < verb
            late = (
                preposition in {"in", "group"}
                and at > verb
                and len(read.clauses) > 1
                and (any(n > verb and n < at for n, _ in read.clauses))
            )
            if between or late:
                found.append(clause)
        elif preposition in {"in", "group"} or at < start and len(read.clauses) > 1:
            found.append(clause)
    return found


def _grouped(
    text: str,
    tags: Sequence[Tag],
    frame: Frame,
    read: Reading,
    grouped: list[str],
    heads: list[str],
    vocabulary: Vocabulary,
) -> Frame | None:
    """Say by which columns the frame is told, and how the groups are ranked."""
    each = read.each
    by = list(grouped)
    is_ranked = bool(read.order or "top" in read.marks or read.place)
    is_yes_no = _YES_NO.match(text) is not None and bool(read.than)
    if is_yes_no and "frequent" in read.marks and frame.measure == "cells":
        frame = replace(frame, measure="share")
    # "patients per therapy": a column of people before one that groups is counted.
    counted = [c for c in heads if c in vocabulary.people or _is_sample(c)]
    if read.order and "which" in read.marks and counted and len(heads) > 1 and not each:
        each = counted[-1] if counted[-1] != heads[0] else each  # "which therapy has most patients"
        heads = [column for column in heads if column != each]
    has_cells = "cells" in read.marks or frame.measure in AVERAGES or bool(frame.over)
    if frame.of_kind == "column" and counted and not each and not is_ranked:
        each = counted[0]
        heads = [column for column in heads if column != each]
    owners = [
        c for at, c, _ in read.columns if c in vocabulary.people and c != each and len(heads) > 1
        and at and tags[at - 1].kind == "in"
    ]  # fmt: skip
    if is_ranked and not each:
        heads = [column for column in heads if column not in owners]  # "among donors with sex 1"
    if not heads and not by and "group" in read.marks and re.search(r"(?i)\beach\W*$", text):
        by = [next(iter(vocabulary.author_columns), "cell types")]
    if (
        "cells" in read.marks
        and "cells" in read.measures
        and not is_ranked
        and not (read.plot or read.having)
    ):
        owners = [c for c in heads if c in vocabulary.people and "which" not in read.marks]
        heads = [column for column in heads if column not in owners]  # "cells of people over 70"
    is_asked_of = "cells" in read.measures and not has_cells and not by and not is_ranked
    if not each and counted and is_asked_of and "which" not in read.marks:
        each = counted[0]
        heads = [column for column in heads if column != each]
    if not each and counted and by and not has_cells and not is_ranked and not read.plot:
        each = counted[0]
        heads = [column for column in heads if column != each]
    with_having = read.having and "which" not in read.marks and heads and not by and not each
    if with_having and heads[0] in vocabulary.labels:
        each, heads = heads[0], heads[1:]
    if read.having and each:
        return _with_having(frame, each, read, vocabulary)
    by += [column for column in heads if column not in by]
    if each and each in by:
        by.remove(each)
    if frame.measure == "share" and not frame.where and len(by) == 2 and grouped:
        pass  # the grouped one is outer already
    by = [c for c in by if c in vocabulary.labels or c in {"clusters", "cell types"}]
    versus = _versus(frame, read, text)
    groups: tuple[str, ...] = ()
    subject = ""
    if versus is not None and len(by) == 1 and versus[0] and versus[0] not in by:
        column, clause, frame = versus  # "each cell type in stim vs ctrl"
        frame = replace(frame, where=tuple(c for c in frame.where if c != clause))
        is_part = frame.measure == "share" and not frame.where
        by = [column, by[0]] if is_part else [by[0], column]
        if not read.order:
            each = each if each not in by else ""
    elif versus is not None and not by:
        column, clause, frame = versus
        subject = clause[0].label if clause else ""
        if column:
            by = [column]
        else:
            groups = tuple(part.text for part in clause)
            subject = ""
    if is_yes_no and not by and not groups:
        opened = _against_others(frame, vocabulary)
        if opened is None:
            return None
        frame, column, subject = opened
        by = [column]
    if read.order and not by and not groups and not is_yes_no:
        return None
    if read.place and not by:
        return None
    if read.than and not is_yes_no and "which" in read.marks and by:
        read.order = "high" if read.than == "more" else "low"
        is_ranked = True
    if read.having and not by:
        return None
    if read.than and not is_yes_no and not by and not read.measures:
        return None
    form: Form = "yesno" if is_yes_no and (by or groups) else read.plot  # type: ignore[assignment]
    order = read.order or ("high" if read.place else "")
    if by and not frame.measure and not frame.of:
        return None
    if each and frame.measure == "share" and not by:
        frame = replace(frame, measure="cells")  # "9 of 19 patients (47%)"
    plain = replace(
        frame, each=each, by=tuple(by[:2]), groups=groups, order=order, place=read.place,
        limit=read.limit or (read.few if order and not read.place else 0),
        having=read.having, form=form,
        asked=read.than if is_yes_no else "", subject=subject,
    )  # fmt: skip
    return plain if _says_something(plain, read, vocabulary) else None


def _is_sample(column: str) -> bool:
    return re.search(r"(?i)sample|library", column) is not None


def _with_having(frame: Frame, each: str, read: Reading, vocabulary: Vocabulary) -> Frame:
    """Read "how many donors have more than 50 bmem cells": groups that hold."""
    return replace(frame, by=(each,), having=read.having, each="", measure=frame.measure)


def _versus(frame: Frame, read: Reading, text: str) -> tuple[str, Clause, Frame] | None:
    """Return the groups that are set against each other: values of a column, or words."""
    if "together" in read.marks or "or" in read.marks:
        return None
    sided = "versus" in read.marks or read.than
    for part in ("where", "among"):
        clauses: Clauses = getattr(frame, part)
        for clause in clauses:
            if len(clause) < 2 or any(c.is_not for c in clause):
                continue
            columns = {c.column for c in clause}
            is_list = clause[0].slot in read.listed
            is_named = clause[0].kind in {"value", "cluster", "type"} and clause[0].column
            if len(columns) == 1 and is_named and (
                sided or (is_list and len(clause) > 1)
            ):  # fmt: skip
                left = tuple(c for c in clauses if c != clause)
                kept = replace(frame, **{part: left})
                if frame.measure in AVERAGES:
                    kept = replace(kept, where=(*kept.where, clause))
                else:
                    kept = replace(kept, among=(*kept.among, clause))
                return clause[0].column, clause, kept
            if sided and len(columns) >= 1:
                left = tuple(c for c in clauses if c != clause)
                return "", clause, replace(frame, **{part: left})
    if sided and frame.measure in AVERAGES:
        genes = [c for c in frame.where if len(c) == 1 and c[0].kind == "gene"]
        if len(genes) == 2 and genes[0][0].slot == genes[1][0].slot:
            left = tuple(c for c in frame.where if c not in genes)
            return "", (genes[0][0], genes[1][0]), replace(frame, where=left)
    return None


def _against_others(frame: Frame, vocabulary: Vocabulary) -> tuple[Frame, str, str] | None:
    """Return a frame by the column of one value, to set that value against the others."""
    for part in ("among", "where"):
        for clause in reversed(getattr(frame, part)):
            one = clause[0]
            if len(clause) == 1 and one.kind == "value" and one.slot != IDENTITY:
                left = tuple(c for c in getattr(frame, part) if c != clause)
                return replace(frame, **{part: left}), one.column, one.label
    return None


def _says_something(frame: Frame, read: Reading, vocabulary: Vocabulary) -> bool:
    """Whether a frame asks for more than other readers tell better."""
    if frame.measure in AVERAGES:
        return bool(frame.of)
    if frame.each and not frame.where and not frame.by:
        return False  # "how many donors?": the column says more
    if not frame.where and not frame.among and not frame.by and not frame.groups:
        return False
    if frame.form in {"violin", "dots", "umap"}:
        return False
    kinds = {c.kind for c in frame.conditions}
    clusterings = (c == "clusters" or is_clustering(c, vocabulary) for c in frame.by[:1])
    names_clusters = any(clusterings) and len(frame.by) == 1 and "which" in read.marks
    names_clusters = names_clusters and "cells" not in read.marks
    if names_clusters and not (frame.order or read.measures or frame.having) and kinds <= {
        "value", "type"
    }:  # fmt: skip
        return False  # "which clusters are B cells?"
    is_plain = len(frame.where) == 1 and not frame.among and not frame.conditions[0].is_not
    if not frame.by and kinds == {"type"} and not frame.each and is_plain:
        return False  # "how many T cells?": the model and the authors both count
    plain_by = frame.by and not frame.conditions and frame.measure == "cells"
    if not frame.by and kinds == {"cluster"} and len(frame.conditions) == 1 and not frame.each:
        return frame.conditions[0].is_not  # the size of one cluster
    is_bare = not (frame.each or frame.having or frame.over)
    if plain_by and frame.by == ("clusters",) and frame.order and is_bare:
        return bool(frame.limit or frame.place or frame.form)  # "which cluster is biggest?"
    return not (plain_by and set(frame.by) == {"cell types"})


# What a short question changes


def _leans(text: str, tags: Sequence[Tag], read: Reading, focus: Focus, last: Frame) -> bool:
    """Whether a question goes on with the last rather than stands by itself."""
    if len(read.unknown) > 0:
        return False
    names = read.clauses or read.genes or read.qualities or read.measures or "cells" in read.marks
    if "which" in read.marks and read.order and not names and len(read.columns) < 2:
        return True  # "which cell type has the highest?" does not say of what
    is_ranked = "which" in read.marks and bool(read.order) and len(read.columns) == 1
    if is_ranked and last.of and set(read.measures) <= AVERAGES and not (
        read.clauses or read.genes or read.qualities
    ):  # fmt: skip
        return True  # "which cluster has the highest median?"
    if "which" in read.marks and not (
        read.order or read.place or read.measures or read.columns or read.marks & {"that", "same"}
        or read.qualities
    ):  # fmt: skip
        return False  # "what is cluster 9?" speaks of the cluster itself
    if read.marks & {"that", "same", "instead", "reverse"}:
        return True
    if last.where and _OF_WHOLE.match(text) and len(read.clauses) == 1 and not read.genes:
        return last.where[-1] != read.clauses[0][1]
    if _OF_ALL.match(text) and (last.where or last.by):
        return True
    if re.search(r"(?i)\b(?:dataset|in total|overall|all cells|whole)\b", text) and read.measures:
        return False
    n_words = len(text.split())
    has_names = bool(read.clauses or read.genes or read.columns or read.qualities)
    if read.measures and "cells" in read.marks and (read.clauses or read.columns):
        return False
    if read.measures and (read.clauses or read.genes) and not _FRAGMENT.match(text):
        return _omits_subject(tags)
    if n_words <= 2 and not read.measures:
        return True
    if _FRAGMENT.match(text) and n_words <= 9:
        return not (read.columns and read.clauses and read.measures)
    if n_words <= 6 and not has_names:
        turns = {"both", "either", "neither", "together", "group"}
        said = (read.measures, read.order, read.place, read.plot, read.numbers, read.having)
        return any(said) or bool(read.marks & turns) or bool(read.each)
    if n_words <= 4 and not read.measures and not _YES_NO.match(text):
        return True
    if "which" in read.marks and n_words <= 6 and read.order and not has_names:
        return True
    is_only = "only" in read.marks and not read.measures
    return is_only or (read.measures != [] and n_words <= 3)


def _omits_subject(tags: Sequence[Tag]) -> bool:
    """Whether "how many are ctrl?" leaves out of what: a verb follows the measure at once."""
    for at, one in enumerate(tags):
        if one.kind == "measure" and at + 1 < len(tags):
            following = [t for t in tags[at + 1 :] if t.kind not in {"filler"}]
            return bool(following) and following[0].kind == "verb"
    return False


def _change(tags: Sequence[Tag], read: Reading, vocabulary: Vocabulary) -> Change:
    """Return what a short question says, slot by slot."""
    grouped, heads = _columns(read, tags)
    named = {tags[at].value: tags[at].text.casefold() for at, _, _ in read.columns}
    heads = [c for c in heads if named.get(c) not in {"group", "groups", "one", "ones"}]
    whole = _whole(tags, read) if "share" in read.measures else []
    of_whole = any(
        one.kind == "measure" and one.value == "share" and at + 1 < len(tags)
        and (one.text.casefold().rstrip().endswith("of"))
        for at, one in enumerate(tags)
    )  # fmt: skip
    verbs = [one.text.casefold() for one in tags if one.kind == "verb"]
    said = " ".join(one.text.casefold() for one in tags)
    is_of_whole = _IS_THAT.search(said) is not None
    return Change(
        clauses=tuple(clause for _, clause in read.clauses),
        whole=tuple(whole),
        of_whole=of_whole and (not verbs or is_of_whole),
        is_part=is_of_whole,
        genes=tuple(gene for _, gene in read.genes),
        qualities=tuple(name for _, name in read.qualities),
        grouped=tuple(grouped),
        heads=tuple(heads),
        each=read.each,
        measures=tuple(read.measures),
        order=read.order,
        place=read.place,
        limit=read.limit,
        extreme=read.extreme,
        than=read.than,
        having=read.having,
        numbers=tuple(read.numbers),
        plot=read.plot,
        marks=frozenset(read.marks),
        omits_subject=_omits_subject(tags),
        words=tuple(one.text.casefold() for one in tags),
    )
