"""A short question as an edit of the last frame: what it names takes the place of its like.

A value replaces a value of the same column, a gene a gene, a measure a measure; what is new is
added; "those" are the cells that were spoken of.
"""

import re
from dataclasses import dataclass, replace

from ._asks import Focus
from ._frames import (
    AVERAGES,
    IDENTITY,
    Clause,
    Clauses,
    Condition,
    Frame,
    has_slot,
    put_in,
    renamed,
    without,
)
from ._last_frame import frame_of_ask, top_of
from ._scanning import of_gene
from ._selecting import quoted
from ._tag_names import is_clustering, value_condition
from ._tags import quality_column
from ._vocabulary import Vocabulary


@dataclass(frozen=True)
class Change:
    """What a short question says, slot by slot; empty where it says nothing."""

    clauses: Clauses = ()
    whole: Clauses = ()
    of_whole: bool = False
    genes: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    grouped: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    each: str = ""
    measures: tuple[str, ...] = ()
    order: str = ""
    place: int = 0
    limit: int = 0
    extreme: str = ""
    than: str = ""
    having: str = ""
    numbers: tuple[str, ...] = ()
    plot: str = ""
    marks: frozenset[str] = frozenset()
    omits_subject: bool = False
    is_part: bool = False  # "what share of the B cells is that?"
    words: tuple[str, ...] = ()

    @property
    def names_nothing(self) -> bool:
        """Whether it names no cells, gene, column or quality."""
        return not (self.clauses or self.genes or self.qualities or self.grouped or self.heads
                    or self.each)  # fmt: skip


def edit(last: Frame, change: Change, vocabulary: Vocabulary, focus: Focus) -> Frame | None:
    """Return the last frame with what `change` says, or None where it says nothing of it."""
    points = "that" in change.marks or change.omits_subject
    top = top_of(last, focus, vocabulary)
    if points and top is not None and (change.each or change.heads or change.qualities):
        found = _of_top(top, change, vocabulary)
        if found is not None:
            return found
    if points and "which" in change.marks and last.by and (change.order or change.than):
        found = _ranked_by(last, change, vocabulary)
        if found is not None:
            return found
    if "share" in change.measures and not change.clauses and not change.genes:
        found = _share_of(last, change)
        if found is not None:
            return found
    if change.is_part and change.clauses and last.where and last.measure not in AVERAGES:
        kept = last.spoken if last.is_of_whole else (*last.among, *last.where)
        for clause in change.clauses:
            kept = without(kept, clause[0].slot)
        return Frame("share", where=kept, among=change.clauses) if kept else None
    is_of_those = points and not change.names_nothing
    is_ranked = change.order and not {"mostly", "mainly"} & set(change.words)
    is_measured = last.gene or last.measure != "cells"
    if points and is_ranked and is_measured and not (change.clauses or change.genes):
        kept = replace(_regrouped(last, change, vocabulary), order=change.order, place=0)
        return kept if kept.by else None
    if points and ("which" in change.marks or change.order) and change.names_nothing is False:
        found = _divided(last, change, vocabulary)
        if found is not None:
            return found
    if points and change.order and "which" in change.marks and change.names_nothing:
        return None
    is_gene = last.of_kind == "gene" and last.of and not last.conditions and not change.genes
    if is_of_those and not is_gene and (change.clauses or change.genes) and (
        "cells" in change.measures or "share" in change.measures
        or not change.measures
    ) and not _excludes(last, change):  # fmt: skip
        return _narrowed(last, change, top)
    frame = last
    if change.numbers and change.names_nothing and not change.measures:
        return _of_numbers(last, change, vocabulary)
    if change.having and not change.clauses:
        changed = _amount_changed(frame, change, vocabulary)
        if changed is None:
            return None
        frame = changed
    elif change.having:
        frame = _amount_changed(frame, change, vocabulary) or frame
    frame = _measured(frame, change, vocabulary)
    if frame is None:
        return None
    frame = _only_gene(frame, change) or _named_genes(frame, change)
    if frame is None:
        return None
    if change.marks & {"reverse", "both", "either", "together", "neither"} or _denies(change):
        turned = _turned(frame, change, focus, vocabulary)
        if turned is not None:
            frame = replace(turned, by=() if "together" in change.marks else turned.by)
        elif change.names_nothing and not change.measures:
            return None
    for clause in change.clauses:
        frame = _with_clause(frame, clause, change)
    frame = _consistent(frame, change)
    frame = _regrouped(frame, change, vocabulary)
    if change.order or change.place or change.limit:
        if not frame.by and not frame.groups:
            return None
        order = change.order or frame.order or "high"
        place = change.place if change.place > 0 else 0
        frame = replace(frame, order=order, place=place, limit=change.limit, form="")
    elif frame.place or frame.limit:
        frame = replace(frame, place=0)
    if change.extreme:
        if frame.of_kind not in {"column"}:
            return None
        frame = replace(frame, measure=change.extreme)  # type: ignore[arg-type]
    if change.plot in {"bar", "stacked bar"}:
        if not frame.by and not frame.groups:
            return None
        frame = replace(frame, form=change.plot)  # type: ignore[arg-type]
    elif change.plot:
        return None
    if frame.each and "cells" in change.marks and not change.each and frame.by:
        frame = replace(frame, each="")
    if frame == last and "cells" in change.marks and "group" in change.marks and frame.by:
        return frame  # "cells in each?" after the groups were named
    if frame.each and not frame.conditions and not frame.by:
        return None
    if set(change.measures) & AVERAGES and not (frame.of or frame.over):
        return None
    asks_again = change.names_nothing and ("cells" in change.measures or "cells" in change.marks)
    return frame if frame != last or (asks_again and frame.conditions) else None


_WHOLE = re.compile(
    r"\b(?:dataset|data|file|in total|total|overall|whole|all (?:the |my )?cells)\b"
)


def _share_of(last: Frame, change: Change) -> Frame | None:
    """Read "what percent of the dataset is that?", "of the donor?": the same, of another whole."""
    is_whole = _WHOLE.search(" ".join(change.words)) and not (change.grouped or change.heads)
    if is_whole and len(last.by) == 1 and last.measure in {"cells", "share"}:
        named = [c for c in (*last.among, *last.where) if {p.column for p in c} == set(last.by)]
        if len(named) == 1 and len(named[0]) > 1:
            return Frame("share", groups=tuple(part.text for part in named[0]))
    if last.measure in AVERAGES or last.by or not last.where:
        return None
    if is_whole:
        return Frame("share", each=last.each, where=(*last.among, *last.where))
    columns = {*change.grouped, *change.heads}
    whole = tuple(c for c in last.where if {p.column for p in c} & columns)
    rest = tuple(c for c in (*last.among, *last.where) if c not in whole)
    if not whole or not rest or change.order or "which" in change.marks:
        return None
    return Frame("share", where=rest, among=whole)


def _of_top(top: Condition, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Read "how old is that donor?" after one was named."""
    numbers = [c for c in (*change.heads, change.each) if c in vocabulary.numbers]
    if numbers:
        return Frame("mean", of=numbers[0], of_kind="column", where=((top,),))
    if change.qualities:
        measure = next((m for m in change.measures if m in AVERAGES), "median")
        return Frame(measure, of=change.qualities[0], of_kind="quality", where=((top,),))  # type: ignore[arg-type]
    columns = [c for c in change.heads if c != top.column and c in vocabulary.labels]
    return Frame(by=(columns[0],), where=((top,),), order="high") if columns else None


def _ranked_by(last: Frame, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Read "which of them has more CD8 T cells?": the groups of before, ranked anew."""
    order = change.order or ("high" if change.than == "more" else "low")
    columns = [c for c in (*change.grouped, *change.heads) if c in vocabulary.labels]
    if columns and columns[0] not in last.by:
        return None
    genes = tuple((of_gene(gene),) for gene in change.genes)
    if change.qualities:
        measure = next((m for m in change.measures if m in AVERAGES), "median")
        return Frame(measure, of=change.qualities[0], of_kind="quality", by=last.by, order=order)  # type: ignore[arg-type]
    if not change.clauses and not genes:
        return None
    measure = "share" if "share" in change.measures else "cells"
    return Frame(measure, where=(*change.clauses, *genes), by=last.by, order=order)


def _denies(change: Change) -> bool:
    return "not" in change.marks and change.names_nothing


def _divided(last: Frame, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Read "which clusters are they in?", "what are they mostly?", "which donors is that?"."""
    columns = [*change.grouped, *change.heads]
    if change.clauses or change.genes or not (columns or change.each):
        return None
    if not last.cells or last.measure in AVERAGES and not last.conditions:
        return None
    by = tuple(c for c in columns if c in vocabulary.labels or c in {"clusters", "cell types"})
    if not by:
        return None
    each = "" if "cells" in change.marks or "cells" in change.measures else last.each
    return Frame(each=each, where=last.spoken, by=by[:1], order="high")


def _consistent(frame: Frame, change: Change) -> Frame:
    """Drop what was said before where it excludes what is said now, so that none is left."""
    for clause in change.clauses:
        if len(clause) != 1:
            continue
        new = clause[0]
        for name in ("where", "among"):
            kept = tuple(c for c in getattr(frame, name) if not _exclude(c, new))
            frame = replace(frame, **{name: kept})
    return frame


def _exclude(old: Clause, new: Condition) -> bool:
    """Whether no cell can hold both."""
    if len(old) != 1 or old[0] == new or old[0].slot != new.slot:
        return False
    one = old[0]
    if one.kind == "gene" == new.kind:
        return _is_off(one) != _is_off(new)
    same = one.column == new.column and bool(one.column) and one.kind == "value" == new.kind
    if not same:
        return False
    if one.is_not != new.is_not:
        return one.label == new.label
    return not one.is_not and one.label != new.label


def _is_off(part: Condition) -> bool:
    return part.words.endswith("= 0") != part.is_not


def _narrowed(last: Frame, change: Change, top: Condition | None) -> Frame | None:
    """Read "how many of them are stim?": among the cells that were spoken of."""
    base = last.spoken or (((top,),) if top is not None else ())
    genes = tuple((of_gene(gene),) for gene in change.genes)
    is_share = "share" in change.measures or (last.measure == "share" and not change.measures)
    measure = "share" if is_share else "cells"
    if not base:
        return None
    if last.measure in AVERAGES and not change.marks & {"that"}:
        return None
    counts_cells = "cells" in change.marks or measure == "share"
    each = change.each or ("" if counts_cells else last.each)
    frame = Frame(measure, each=each, where=(*change.clauses, *genes), among=base)  # type: ignore[arg-type]
    return _consistent(frame, change)


def _excludes(last: Frame, change: Change) -> bool:
    """Whether the cells spoken of have another value of a column: then that value is replaced."""
    said = {p.column: p.label for clause in change.clauses for p in clause if p.kind == "value"}
    known = (p for p in last.conditions if p.kind == "value" and not p.is_not)
    return any(said.get(p.column, p.label) != p.label for p in known)


def _of_numbers(last: Frame, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Read "107?" and "6?": a value that is a number, of a column that was spoken of."""
    number = change.numbers[0]
    if len(change.numbers) > 1:
        return _of_several(last, change, vocabulary)
    for part in reversed(last.conditions):
        if part.kind == "value" and number in vocabulary.labels.get(part.column, ()):
            return _with_clause(last, (value_condition(part.column, number, vocabulary),), change)
        if part.kind == "cluster" and number in vocabulary.clusters:
            clause = (Condition(IDENTITY, f"cluster {number}", "cluster", "clusters", number),)
            return _with_clause(last, clause, change)
    for column in last.by:
        if number in vocabulary.labels.get(column, ()):
            clause = (value_condition(column, number, vocabulary),)
            return _with_clause(replace(last, by=()), clause, change)
    return None


def _of_several(last: Frame, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Read "and outside 0 and 1?": several numbered groups of what was spoken of."""
    for part in reversed(last.conditions):
        known = (
            vocabulary.clusters if part.kind == "cluster" else vocabulary.labels.get(part.column)
        )
        if not known or any(number not in known for number in change.numbers):
            continue
        made = tuple(
            Condition(IDENTITY, f"cluster {n}", "cluster", "clusters", n)
            if part.kind == "cluster" else value_condition(part.column, n, vocabulary)
            for n in change.numbers
        )  # fmt: skip
        if part.is_not or "not" in change.marks:
            where = without(last.where, part.slot)
            return replace(last, where=(*where, *((replace(m, is_not=True),) for m in made)))
        return _with_clause(last, made, change)
    return None


def _amount_changed(frame: Frame, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Put an amount into the threshold that was spoken of, or make one of what was averaged."""
    amount, *more = change.having.split(" & ")
    for name in ("where", "among"):
        clauses: Clauses = getattr(frame, name)
        for clause in reversed(clauses):
            part = clause[0]
            if part.kind == "number" or (part.kind == "gene" and len(clause) == 1):
                head = re.sub(r"\s*(?:>=|<=|>|<|=)\s*[\d.]+$", "", part.words)
                new = [(replace(part, words=f"{head} {one}"),) for one in (amount, *more)]
                left = tuple(c for c in clauses if c[0].slot != part.slot)
                return replace(frame, **{name: (*left, *new)}, having="")
    if frame.of and frame.measure in AVERAGES:
        column = quality_column(frame.of, vocabulary) if frame.of_kind == "quality" else frame.of
        if column is None:
            return None
        words_of = f"{column} {amount}" if frame.of_kind == "gene" else f"{quoted(column)} {amount}"
        kind = "gene" if frame.of_kind == "gene" else "number"
        part = Condition(frame.of, words_of, kind, column, frame.of)
        return Frame("cells", where=((part,),), among=frame.where)
    if frame.having:
        return replace(frame, having=amount)
    return None


def _measured(frame: Frame, change: Change, vocabulary: Vocabulary) -> Frame | None:
    """Put in another measure: "in percent", "the median", "raw numbers", "donors?"."""
    averages = [m for m in change.measures if m in AVERAGES]
    shares = "share" in change.measures
    if change.qualities and not any(c.kind == "number" for cl in change.clauses for c in cl):
        name = change.qualities[0]
        if frame.measure in AVERAGES:
            frame = replace(frame, of=name, of_kind="quality")
        elif averages:
            frame = replace(frame, measure=averages[0], of=name, of_kind="quality")
        elif not (shares and name == "mitochondrial"):
            return None
    if averages:
        if frame.of:
            return replace(frame, measure=averages[0])  # type: ignore[arg-type]
        if frame.by and frame.measure in {"cells", "share"} and not (frame.gene and change.clauses):
            return replace(frame, over=averages[0])
        if change.grouped and frame.measure in {"cells", "share"}:
            column = change.grouped[0]
            return replace(frame, by=(column,), over=averages[0], order="",
                           where=without(frame.where, column),
                           among=without(frame.among, column))  # fmt: skip
        if frame.gene:
            where = without(frame.where, frame.gene)
            return replace(frame, measure=averages[0], of=frame.gene, of_kind="gene",
                           where=(*frame.among, *where), among=())  # fmt: skip
        return None
    if shares:
        if frame.measure in AVERAGES and frame.of_kind == "gene":
            return Frame("share", where=((of_gene(frame.of),),), among=frame.where, by=frame.by,
                         groups=frame.groups, order=frame.order)  # fmt: skip
        if frame.measure in AVERAGES:
            return None
        whole = change.clauses if change.of_whole else ()
        among = frame.among
        for clause in whole:
            among = put_in(among, clause)
        by = frame.by
        is_of_theirs = any(word.startswith("their") for word in change.words)
        if by and frame.where and not among and not is_of_theirs:
            return replace(frame, measure="share", over="", having="")
        return replace(frame, measure="share", among=among, over="", having="")
    if "cells" in change.measures or "cells" in change.marks:
        if frame.measure in AVERAGES and change.names_nothing:
            whole = (*frame.among, *frame.where)
            if not (whole or frame.by or frame.groups) and frame.of_kind == "gene":
                whole = ((of_gene(frame.of),),)
            if whole or frame.by or frame.groups:
                return Frame(where=whole, by=frame.by, groups=frame.groups)
        if change.each:
            if frame.measure in AVERAGES and not frame.conditions:
                return None
            return Frame("cells", each=change.each, where=frame.where, among=frame.among)
        if "cells" in change.marks and frame.each and change.names_nothing:
            return replace(frame, each="", measure="cells", by=())
        if frame.measure == "share" and change.names_nothing:
            return replace(frame, measure="cells")
    return frame


def _only_gene(frame: Frame, change: Change) -> Frame | None:
    """Read "only COL1A1" after two genes: that one, and not the other."""
    genes = [c[0] for c in frame.where if c[0].kind == "gene" and len(c) == 1]
    if "only" not in change.marks or len(change.genes) != 1 or len(genes) < 2:
        return None
    if change.genes[0] not in {part.slot for part in genes}:
        return None
    left = tuple(c for c in frame.where if c[0] not in genes)
    signs = ((replace(of_gene(p.slot), is_not=p.slot != change.genes[0]),) for p in genes)
    return replace(frame, where=(*left, *signs))


def _named_genes(frame: Frame, change: Change) -> Frame | None:
    """Put other genes in place of the last one."""
    if not change.genes:
        return frame
    gene = change.genes[0]
    if frame.of_kind == "gene" and frame.of and frame.measure in AVERAGES:
        return replace(frame, of=gene)
    old = frame.gene
    if not old and not change.marks & {"and", "in"} and not change.omits_subject:
        return None
    if old:
        return replace(frame, where=renamed(frame.where, old, gene),
                       among=renamed(frame.among, old, gene))  # fmt: skip
    return replace(frame, where=((of_gene(gene),),), among=(*frame.among, *frame.where))


def _turned(frame: Frame, change: Change, focus: Focus, vocabulary: Vocabulary) -> Frame | None:
    """Read "the reverse", "both?", "either?", "together?" and "and did not?"."""
    if "neither" in change.marks and change.names_nothing:
        return _neither(frame, focus, vocabulary)
    if "reverse" in change.marks:
        turned = [tuple(_opposite(part) for part in clause) for clause in frame.where]
        return replace(frame, where=tuple(turned))
    if _denies(change):
        for name in ("where", "among"):
            clauses: Clauses = getattr(frame, name)
            if clauses and clauses[-1][0].kind != "number":
                last = tuple(replace(part, is_not=not part.is_not) for part in clauses[-1])
                return replace(frame, **{name: (*clauses[:-1], last)})
        return None
    genes = [clause for clause in frame.where if clause[0].kind == "gene" and not clause[0].is_not]
    if "either" in change.marks and len(genes) > 1 and change.names_nothing:
        left = tuple(clause for clause in frame.where if clause not in genes)
        return replace(frame, where=(*left, tuple(clause[0] for clause in genes)))
    any_of = next((c for c in frame.where if len(c) > 1 and c[0].kind == "gene"), None)
    if "both" in change.marks and change.names_nothing and any_of is not None:
        left = tuple(clause for clause in frame.where if clause != any_of)
        return replace(frame, where=(*left, *((part,) for part in any_of)))
    if change.names_nothing and change.marks & {"both", "either", "together"}:
        return _joined(frame, change, focus, vocabulary)
    return None


def _opposite(part: Condition) -> Condition:
    if part.kind == "gene" and part.words.endswith("> 0"):
        return replace(part, words=part.words.replace("> 0", "= 0"))
    if part.kind == "gene" and part.words.endswith("= 0"):
        return replace(part, words=part.words.replace("= 0", "> 0"))
    return replace(part, is_not=not part.is_not)


def _neither(frame: Frame, focus: Focus, vocabulary: Vocabulary) -> Frame | None:
    """Read "neither?": none of the genes that were asked for, in one question or in two."""
    genes = [c for c in frame.where if c[0].kind == "gene"]
    if len(genes) < 2:
        both = _joined(frame, Change(), focus, vocabulary)
        genes = [c for c in both.where if c[0].kind == "gene"] if both is not None else []
    parts = [part for clause in genes for part in clause]
    if len(parts) < 2:
        return None
    left = tuple(c for c in frame.where if c[0].kind != "gene")
    off = ((replace(of_gene(part.slot), is_not=True),) for part in parts)
    return replace(frame, where=(*left, *off), by=(), order="", place=0)


def _joined(frame: Frame, change: Change, focus: Focus, vocabulary: Vocabulary) -> Frame | None:
    """Join what the last two questions counted: "B?", "NK?", "and both?"."""
    frames = [frame_of_ask(ask, focus, vocabulary) for ask in focus.past[-6:]]
    others = [one for one in frames if one is not None and not one.is_relation and one != frame]
    is_any = bool(change.marks & {"either", "together"})
    for one in reversed(others):
        for name in ("where", "among"):
            for clause in getattr(frame, name):
                other = _its_like(clause, one)
                if other is None or other == clause:
                    continue
                is_gene = clause[0].kind in {"gene", "number"}
                if is_gene and not is_any:
                    left = tuple(c for c in getattr(frame, name) if c != clause)
                    return replace(frame, **{name: (*left, other, clause)})
                both = (*other, *clause)
                kept = tuple(both if c == clause else c for c in getattr(frame, name))
                return replace(frame, **{name: kept})
    return None


def _its_like(clause: Clause, frame: Frame) -> Clause | None:
    """Return the clause of another frame that speaks of the same: a gene where a gene is."""
    kind, slot = clause[0].kind, clause[0].slot
    for other in (*frame.where, *frame.among):
        if other[0].slot == slot or (kind == "gene" == other[0].kind):
            return other
    return None


def _with_clause(frame: Frame, clause: Clause, change: Change) -> Frame:
    """Put a condition in place of that of its slot, or add it."""
    slot = clause[0].slot
    if change.of_whole and "share" in change.measures and frame.measure == "share":
        if {part.column for part in clause} & set(frame.by):
            frame = replace(frame, by=(), order="", place=0)
        return frame if clause in frame.among else replace(frame, among=put_in(frame.among, clause))
    kept = frame.by
    for part in clause:
        if (
            part.column in frame.by
            and frame.by != (part.column,)
            or (part.column in frame.by and len(clause) == 1)
        ):
            kept = tuple(column for column in kept if column != part.column)
    if kept != frame.by:
        frame = replace(frame, by=kept, form="", order="" if not kept else frame.order)
    if frame.groups or frame.form == "yesno":
        frame = replace(frame, form="", asked="", subject="")
    if not any(part.is_not for part in clause) or len(clause) > 1:
        if has_slot(frame.where, slot):
            return replace(frame, where=put_in(frame.where, clause))
        if has_slot(frame.among, slot):
            return replace(frame, among=put_in(frame.among, clause))
    elif "and" in change.words and has_slot(frame.where, slot):
        return replace(frame, where=(*frame.where, clause))
    if frame.measure in AVERAGES:
        return replace(frame, where=(*frame.where, clause))
    genes = [c for c in frame.where if c[0].kind == "gene"]
    is_next = len(genes) == 1 and frame.among and {"and", "or"} & set(change.words[:1])
    if clause[0].kind == "gene" and is_next and not {"also", "too", "both"} & set(change.words):
        kept = tuple(clause if c == genes[0] else c for c in frame.where)
        return replace(frame, where=kept)
    if clause[0].kind in {"gene", "number"}:
        if any(part.kind in {"gene", "number"} for c in frame.where for part in c):
            return replace(frame, where=(*frame.where, clause))
        return replace(frame, where=(clause,), among=(*frame.among, *frame.where))
    if (
        frame.measure == "share"
        or frame.among
        or any(part.kind in {"gene", "number"} for c in frame.where for part in c)
    ):
        return replace(frame, among=(*frame.among, clause))
    return replace(frame, where=(*frame.where, clause))


def _regrouped(frame: Frame, change: Change, vocabulary: Vocabulary) -> Frame:
    """Group by another column: "per donor", "by condition instead", "for all types"."""
    columns = [c for c in (*change.grouped, *change.heads)
               if c in vocabulary.labels or c in {"clusters", "cell types"}]  # fmt: skip
    if not columns or change.measures and change.each:
        return frame
    column = columns[0]
    identities = (*vocabulary.author_columns, "clusters", "cell types")
    is_identity = column in identities or is_clustering(column, vocabulary)
    slot = IDENTITY if is_identity else column
    where, among = without(frame.where, slot), without(frame.among, slot)
    adds = any("split" in word or "also" in word or "as well" in word for word in change.words)
    if frame.over and frame.by == (column,):
        return frame
    by = (column,)
    if adds and frame.by and column not in frame.by:
        by = (frame.by[0], column)
    return replace(frame, by=by, groups=(), where=where, among=among, form="", asked="",
                   subject="", over="", order="", place=0, limit=0)  # fmt: skip
