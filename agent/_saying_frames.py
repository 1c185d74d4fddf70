"""What is said of a frame: the number, the name or the yes that was asked for, first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._conditions import CONTROL
from ._frames import AVERAGES, Frame, parted
from ._phrasing import cite, counted, listing, percentage, pick
from ._saying import Said, Saying, Teller
from ._saying_shapes import (
    tell_cells_ranked,
    tell_only_there,
    tell_parts,
    tell_ratio,
    tell_type_read,
    tell_value,
)
from ._saying_trust import mito_judged
from ._verdicts import LEAST_GAP, asks_share, asks_yes_no, direction, hardly, verdict
from ._vocabulary import Vocabulary

_MOST_GROUPS = 20  # that are named; more are cut to the highest and the lowest
CLUSTERS = re.compile(r"(?i)clusters?|leiden.*|louvain.*|seurat_clusters")
_MOST = 50  # percent
_DOMINANT = 75  # percent of a group that come from one donor which dominates it
_OF_LOGS = (
    "I average logarithms of the expression, so please do not read that ratio as a fold change."
)
_MOST_NAMED = 10  # groups of which something holds


def tell_frame(ask: Ask, now: Saying) -> Said:
    """Say what was computed, the direct fact first."""
    frame = parted(ask.frame or Frame(), ask.text)
    artifact = now.artifact("rank_cells" if frame.by == ("cell",) else "summarise_cells") or {}
    is_crossed = len(frame.by) > 1 and frame.of_kind == "gene"
    if (
        asks_share(ask.text) or frame.form == "yesno" or is_crossed
    ):  # of a gene, how many cells have it
        frame = replace(frame, also=frame.also or "share")
    lines = _lines(frame, artifact, now.vocabulary)
    if is_crossed and lines and EVERY_ONE.search(ask.asked or ask.text):
        lines = _in_each(ask.asked or ask.text, lines)
    if frame.form == "parts" and asks_yes_no(ask.text) and artifact.get("table"):
        most = max(float(row["value"]) for row in artifact["table"])
        enough = _DOMINANT if re.search(r"(?i)\bdominat\w*|\bone\b|\bsingle\b", ask.text) else _MOST
        lines[0] = verdict(lines[0], yes=most > enough)
    if ask.mode == "on":
        lines = [_whether_on(frame, artifact.get("facts") or {}) or lines[0]]
    elif lines and not frame.by and not frame.groups:
        question = next(filter(_is_judged, (ask.text, ask.asked)), "")
        if question:
            lines[0] = _whether(question, frame, artifact.get("facts") or {}, lines[0])
    if frame.of == "mitochondrial" and lines and not frame.by and not frame.groups:
        lines[0] = mito_judged(ask.asked, artifact.get("facts") or {}, lines[0])
    if _BALANCED.search(ask.asked) and asks_yes_no(ask.asked.split(",")[-1].strip()):
        lines = _balanced(frame, artifact, lines)
    is_of_logs = frame.form == "ratio" and frame.of_kind == "gene" and frame.measure in AVERAGES
    rows = artifact.get("table") or []
    if frame.by == ("cell",):
        barcodes = tuple(str(row["barcode"]) for row in rows)
        ask = replace(ask, barcodes=barcodes)
        read = now.artifact("describe_cells")
        said = tell_type_read(read) if read is not None else []
        return Said([*(cite(line, str(artifact["id"])) for line in lines if line), *said], ask)
    if frame.order and frame.by == ("clusters",) and rows:
        ask = replace(ask, clusters=(str(rows[max(frame.place - 1, 0) % len(rows)]["group"]),))
    if frame.order and len(frame.by) == 1 and rows:
        top = str(rows[max(frame.place - 1, 0) % len(rows)]["group"])
        ask = replace(ask, values=(top,))
    if rows and "within" not in rows[0] and (frame.by or frame.groups):
        names = frame.groups or tuple(str(row["group"]) for row in rows)
        ask = replace(ask, told=names)
    cited = [cite(line, str(artifact["id"])) for line in lines if line]
    if ask.mode == "codes":
        line = "Your file writes the sexes as codes and does not say which is which."
        cited.append(cite(line, str(artifact["id"])))
    if lines and artifact.get("drawn") == "bars" and frame.form in {"bar", "stacked bar"}:
        cited.insert(0, cite(_bars(frame), str(artifact["id"])))
    drawn = now.artifact("plot_violin")
    cited = [*(pick(drawn, r"^The violins show") if drawn is not None else []), *cited]
    return Said([*cited, _OF_LOGS] if is_of_logs else cited, ask)


def _bars(frame: Frame) -> str:
    """Say that a chart was drawn, and of what."""
    what = {"cells": "the number of cells", "share": "the share of the cells"}.get(
        frame.measure, f"the {frame.measure} of {frame.of}"
    )
    by = ["cluster" if CLUSTERS.fullmatch(name) else f"'{name}'" for name in frame.by]
    return f"The bar chart shows {what} by {' and '.join(by or ['group'])}."


_BALANCED = re.compile(r"(?i)\b(?:un)?(?:balanced|even(?:ly)?|equal(?:ly)?)\b")
_EVEN = 1.5  # times as many in the largest group as in the smallest


def _balanced(frame: Frame, artifact: Mapping[str, Any], lines: list[str]) -> list[str]:
    """Say first whether groups are of about one size."""
    values = [float(row["value"]) for row in artifact.get("table") or []]
    if frame.measure != "cells" or not frame.by or len(values) < 2 or not lines:
        return lines
    low, high = min(values), max(values)
    lead = "Yes" if low and high <= _EVEN * low else "No"
    return [f"{lead}: the groups hold {int(low):,} to {int(high):,}.", *lines]


def _whether(question: str, frame: Frame, facts: Mapping[str, Any], line: str) -> str:
    """Put yes or no before a count: whether any, most or all of the cells are so."""
    is_said = frame.asked == "whether" or frame.form == "value"
    if is_said or frame.measure in AVERAGES or frame.each or "percent" not in facts:
        return line
    share = float(facts["percent"])
    if re.search(r"(?i)\b(?:all|every)\b", question):
        return verdict(line, yes=facts["cells"] == facts["of"])
    if re.search(r"(?i)\b(?:most|mostly|majority|mainly)\b", question):
        return verdict(line, yes=share > _MOST)
    if _A_LOT.search(question):
        lead = "Yes" if share >= _LARGE else "Some, but not most" if share >= _SMALL else "No, few"
        return verdict(line, yes=True).replace("Yes", lead, 1)
    is_in_cluster = [part.kind for clause in frame.among for part in clause] == ["cluster"]
    if is_in_cluster and 0 < share < _SMALL:  # some cells of a cluster are read as nearly anything
        return verdict(line, yes=False).replace("No", "Hardly any", 1)
    return verdict(line, yes=bool(facts["cells"]))


def _is_judged(question: str) -> bool:
    return asks_yes_no(question) or _A_LOT.search(question) is not None


_A_LOT = re.compile(r"(?i)(?<!how )\b(?:a lot|lots|many|much)\b")
_LARGE, _SMALL = 20.0, 5.0  # percent of the cells


def _lines(frame: Frame, artifact: Mapping[str, Any], words: Vocabulary) -> list[str]:
    facts, rows = artifact.get("facts") or {}, list(artifact.get("table") or [])
    if frame.by == ("cell",):
        return tell_cells_ranked(frame, facts, rows, words)
    if frame.form == "only" and frame.of_kind == "gene" and frame.by:
        return tell_only_there(frame, facts, rows, words)
    if frame.form == "ratios":
        return tell_ratio(frame, facts, rows)
    if frame.form == "value":
        return tell_value(frame, facts, rows, words)
    if not frame.by and not frame.groups:
        return _whole(frame, facts)
    if not rows:
        return [f"None of the {facts['n_groups']} groups holds{_having(frame)}."]
    if frame.is_relation and len(rows) == 2:
        return _apart(frame, facts, rows)
    if frame.form == "parts":
        is_kind = frame.by[0] in (*words.author_columns, "cell types")
        place = "in " if CLUSTERS.fullmatch(frame.by[0]) else "" if is_kind else "from "
        names = [_name(row, frame) for row in rows]
        return tell_parts(facts, rows, names, place=place)
    if frame.over:
        return _over(frame, facts, rows)
    if frame.having:
        return _holding(frame, facts, rows)
    if frame.form == "yesno":
        return _yes_or_no(frame, facts, rows)
    if frame.order and len(frame.by) == 2 and (gaps := _by_gap(frame, rows)):
        return gaps
    if frame.order and (frame.place or not frame.limit):
        return _ranked(frame, facts, rows)
    if "within" in rows[0]:
        return _crossed(frame, facts, rows)
    return _listed(frame, facts, rows)


# One number


def _whole(frame: Frame, facts: Mapping[str, Any]) -> list[str]:
    kind, among = str(facts["counted"]), str(facts["among"])
    if frame.measure in AVERAGES:
        return [_average(frame, facts)]
    of = _of(among)
    value, whole = int(facts["value"]) if frame.measure == "cells" else 0, int(facts["of"])
    if frame.each:
        have = "has" if int(facts["value"]) == 1 else "have"
        share = percentage(facts["percent"])
        return [f"{value:,} of the {whole:,} {_people(frame.each, whole)} ({share})"
                f"{of and f' with cells{of}'} {have} {_cells_that(kind, among)}: "
                f"{counted(int(facts['cells']), 'cell')}."]  # fmt: skip
    n = int(facts["cells"])
    if not kind:
        return [f"There {'is' if n == 1 else 'are'} {counted(n, 'cell')}{of}."]
    base = f"the {counted(whole, 'cell')}{of or ' of the dataset'}"
    that = _that(kind, one=n == 1)
    if frame.asked == "whether":
        lead = {0: "No", whole: "Yes"}.get(n, "In part")
        return [f"{lead}: {n:,} of {base} {that}."]
    if frame.measure == "share":
        return [f"{percentage(facts['percent'])} of {base} ({n:,}) {that}."]
    return [f"{n:,} of {base} ({percentage(facts['percent'])}) {that}."]


def _average(frame: Frame, facts: Mapping[str, Any]) -> str:
    chosen = str(facts["counted"] or facts["among"])
    within = _of(chosen)
    end = "%" if frame.of == "mitochondrial" else ""
    return (
        f"The {_measured(facts)} is {_number(facts['value'], frame)}{end} over the "
        f"{counted(int(facts['cells']), 'cell')}{within}{_found(frame, facts)}."
    )


_MANY, _SEEN_IN = 25.0, 10.0  # percent of the cells of a group that has a gene


def _whether_on(frame: Frame, facts: Mapping[str, Any]) -> str:
    """Say whether some cells have a gene: how many of them, and its mean."""
    if "percent_expressing" not in facts:
        return ""
    share = float(facts["percent_expressing"])
    lead = "Yes" if share >= _MANY else "Yes, in some" if share >= _SEEN_IN else "No, hardly"
    lead = lead if share else "No"
    chosen = str(facts["counted"] or facts["among"])
    scale = f"mean {facts.get('scale') or 'value'}"
    return (
        f"{lead}: {percentage(share)} of the {counted(int(facts['cells']), 'cell')}{_of(chosen)} "
        f"express {frame.of}, with a {scale} of {_number(facts['value'], frame)}."
    )


def _found(frame: Frame, row: Mapping[str, Any]) -> str:
    """Say in how many cells a gene is found, where that is asked beside its average."""
    if frame.also != "share" or "percent_expressing" not in row:
        return ""
    return f", and {percentage(row['percent_expressing'])} of them express it"


def _of(words: str) -> str:
    """Return words after "of", which those of people hold already."""
    if not words:
        return ""
    if words.startswith("not "):
        return f" that are {words}"
    return f" {words}" if words.startswith(("of ", "read as ")) else f" of {words}"


def _measured(facts: Mapping[str, Any]) -> str:
    """Name what is averaged, and of a gene on which scale."""
    scale = f" {facts['scale']}" if facts.get("scale") else ""
    if (what := str(facts["what"])).startswith("the "):
        return f"{facts['measure']} {what.removeprefix('the ')}"
    return f"{facts['measure']}{scale} of {what}"


_LEVEL = re.compile(r" (?:above|below|at least|at most|is) -?\d")


def _that(kind: str, *, one: bool = False) -> str:
    """Return what is said of cells: that they are of a name, in a cluster, or have a gene."""
    if " or " in kind or "(" in kind.replace(" (CL:", "") or re.search(r"\bnot\b", kind):
        return f"{'is' if one else 'are'} {_as_said(kind)}"
    names, places, genes, without, levels = [], [], [], [], []
    for part in kind.split(" and "):
        part = _OF_PERSON.sub(lambda m: f"of the {_people(m[1], 1)} asked for", part)
        if part.startswith("no ") and part.endswith(" detected"):
            without.append(part)
        elif part.endswith(" detected"):
            genes.append(part.removesuffix(" detected"))
        elif _LEVEL.search(part):
            levels.append(part)
        elif part.startswith(("cluster", "selection")):
            places.append(f"in {part}")
        else:
            names.append(part)
    said = []
    if names or places:
        said.append(f"{'is' if one else 'are'} {' and '.join([*names, *places])}")
    if genes:
        said.append(f"{'expresses' if one else 'express'} {listing(genes)}")
    if without or levels:
        said.append(f"{'has' if one else 'have'} {listing([*without, *levels])}")
    return " and ".join(said)


_OF_PERSON = re.compile(r"^of the '([^']*)' asked for$")


def _as_said(kind: str) -> str:
    """Return what stands after "are" where it is too long to be taken apart."""
    is_name = kind.startswith(("'", "read as", "not ", "of the ", "cluster", "selection"))
    if is_name and "detected" not in kind and not _LEVEL.search(kind):
        return f"in {kind}" if kind.startswith(("cluster", "selection")) else kind
    return f"found with {kind}"


def _cells_that(kind: str, among: str) -> str:
    return f"cells that {_that(kind)}" if kind else f"cells of {among}" if among else "cells"


def _people(column: str, number: int) -> str:
    """Name what is counted in place of cells."""
    noun = next((noun for noun in ("donor", "patient", "sample") if noun in column.casefold()), "")
    if noun:
        return noun if number == 1 else f"{noun}s"
    return f"{'value' if number == 1 else 'values'} of '{column}'"


def _number(value: float, frame: Frame) -> str:
    """Write a value: of a gene with two digits, whole numbers as such."""
    if frame.of_kind == "gene" and abs(value) < 1000:
        return f"{value:.2f}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if float(value * 10).is_integer() else f"{value:,.2f}"


# Groups


def _end(frame: Frame) -> str:
    return "%" if frame.measure == "share" or frame.of == "mitochondrial" else ""


def _value(frame: Frame, row: Mapping[str, Any]) -> str:
    if frame.measure == "share":
        return f"{percentage(row['value'])} ({row['cells']:,} of {row['of']:,})"
    if frame.measure in AVERAGES:
        share = (
            f" ({percentage(row['percent_expressing'])} of the cells)"
            if frame.also == "share" and "percent_expressing" in row
            else ""
        )
        return f"{_number(row['value'], frame)}{_end(frame)}{share}"
    return f"{row['value']:,}"


def _name(row: Mapping[str, Any], frame: Frame) -> str:
    names = [str(row["group"]), *([str(row["within"])] if "within" in row else [])]
    if frame.groups:
        return f"those {names[0]}" if names[0].startswith("read as ") else names[0]
    clusters = [CLUSTERS.fullmatch(by) is not None for by in frame.by]
    said = [f"cluster {name}" if n < len(clusters) and clusters[n] else f"'{name}'"
            for n, name in enumerate(names)]  # fmt: skip
    return " in ".join(reversed(said))


def _subject(frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] = ()) -> str:
    """Say what is told of each group; what the names of the groups say is not said twice."""
    kind, among = str(facts["counted"]), str(facts["among"])
    kind = "" if _is_of_groups(kind, frame, rows) else kind
    among = "" if _is_of_groups(among, frame, rows) else among
    of = _of(among)
    if frame.measure in AVERAGES:
        within = f" of the cells{_of(kind or among)}" if kind or among else ""
        return f"The {_measured(facts)}{within} is"
    if frame.measure == "share":
        return (
            f"The share of cells that {_that(kind)}{f' among those{of}' if of else ''} is" if kind
            else f"The share of the cells{of} is"
        )  # fmt: skip
    noun = f"different {_people(frame.each, 2)}" if frame.each else "cells"
    there = f" that {_that(kind)}" if kind else of
    return f"The number of {noun}{there}{of if kind and of else ''} is"


def _is_of_groups(words: str, frame: Frame, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether words name just the groups that are listed: "'stim' or 'ctrl'"."""
    named = {part.strip(" '()") for part in re.split(r" or |, ", words)}
    shown = {_name(row, frame).strip("'") for row in rows}
    return bool(rows) and named == shown


def _listed(frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [row for row in rows if row["value"]]
    shown, cut = rows, ""
    is_counted = frame.measure in {"cells", "share"}
    if is_counted and len(rows) > 4 and 0 < len(found) <= _MOST_GROUPS and len(found) < len(rows):
        shown = rows = found
        cut = ", and none in any other"
    if len(rows) > _MOST_GROUPS:
        ranked = sorted(rows, key=lambda row: -row["value"])
        half = _MOST_GROUPS // 2
        shown = [*ranked[:half], *ranked[-half:]]
        cut = f", the highest and the lowest of {len(rows)} groups"
    if frame.limit and frame.order:
        shown = rows
    text = listing(f"{_value(frame, row)} in {_name(row, frame)}" for row in shown)
    lines = [f"{_subject(frame, facts, rows)} {text}{cut}."]
    plain_count = frame.measure == "cells" and not frame.each and frame.conditions and frame.by
    if plain_count and not frame.limit and len(rows) > 1 and facts["counted"]:
        lines.append(f"That is {int(facts['cells']):,} in all.")
    return lines


def _crossed(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """List a table of two columns, a line for each group of the first."""
    firsts = list(dict.fromkeys(str(row["group"]) for row in rows))
    by = " and ".join("cluster" if CLUSTERS.fullmatch(name) else f"'{name}'" for name in frame.by)
    lines = [*_same_way(frame, rows, firsts), f"{_subject(frame, facts)} this, by {by}."]
    for first in firsts[:_MOST_GROUPS]:
        mine = [row for row in rows if str(row["group"]) == first]
        mine = sorted(mine, key=lambda row: -row["value"])[:_MOST_GROUPS]
        some = [row for row in mine if row["value"] or frame.measure in AVERAGES] or mine[:1]
        inner, outer = (
            f"cluster {name}" if CLUSTERS.fullmatch(by) else f"'{name}'"
            for name, by in (("{}", frame.by[1]), (first, frame.by[0]))
        )
        text = listing(f"{inner.format(row['within'])} {_cell(frame, row)}" for row in some)
        lines.append(f"- {outer[:1].upper()}{outer[1:]}: {text}.")
    return lines


def _by_gap(frame: Frame, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rank groups that are told of two conditions by how far these lie apart."""
    sides: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        sides.setdefault(str(row["group"]), []).append(row)
    two = {str(row["within"]) for row in rows}
    both = {name: pair for name, pair in sides.items() if len(pair) == 2}
    if len(two) != 2 or len(both) < 2 or frame.measure not in AVERAGES or frame.of_kind != "gene":
        return []

    def gap(name: str) -> float:
        return abs(float(both[name][0]["value"]) - float(both[name][1]["value"]))

    def told(name: str) -> str:
        high, low = sorted(both[name], key=lambda row: -float(row["value"]))
        return (
            f"'{name}' ({_number(high['value'], frame)} in '{high['within']}' against "
            f"{_number(low['value'], frame)} in '{low['within']}')"
        )

    ranked = sorted(both, key=gap, reverse=frame.order != "low")
    way = "least" if frame.order == "low" else "most"
    lines = [f"{frame.of} differs {way} between the two in {told(ranked[0])}."]
    return [
        *lines,
        f"Then {'come' if len(ranked) > 2 else 'comes'} {listing(map(told, ranked[1:5]))}.",
    ]


def _same_way(frame: Frame, rows: Sequence[Mapping[str, Any]], firsts: list[str]) -> list[str]:
    """Say in how many groups the first of two is higher, where each group is told of two."""
    two = list(dict.fromkeys(str(row["within"]) for row in rows))
    values = {(str(row["group"]), str(row["within"])): float(row["value"]) for row in rows}
    if frame.measure not in AVERAGES or len(two) != 2 or len(firsts) < 2:
        return []
    both = [name for name in firsts if all((name, one) in values for one in two)]
    gaps = {name: round(values[name, two[0]], 2) - round(values[name, two[1]], 2) for name in both}
    if not both:
        return []
    if sum(gaps.values()) < 0:
        two, gaps = two[::-1], {name: -gap for name, gap in gaps.items()}
    higher = [name for name, gap in gaps.items() if gap > 0]
    what = frame.of if frame.of_kind == "gene" else "It"
    way = f"{what} is higher in '{two[0]}' than in '{two[1]}' in"
    if len(higher) == len(both):
        kind = "cluster" if CLUSTERS.fullmatch(frame.by[0]) else _people(frame.by[0], 1)
        return [f"{way} each {kind.replace('value of', 'group of')}."]
    if not higher:
        return []
    left = listing(f"'{name}'" for name in both if name not in higher)
    return [f"{way} {listing(map(repr, higher))}, not in {left}."]


EVERY_ONE = re.compile(r"(?i)\b(?:every|each|all|both|same)\b")
_HIGHER = re.compile(r" is higher in '([^']+)' than in '([^']+)' in (each\b)?")


def _in_each(question: str, lines: list[str]) -> list[str]:
    """Say first whether it goes one way in every group, and whether the way that was asked."""
    match = _HIGHER.search(lines[0])
    asked = direction(question)
    if match is None or not (asked or asks_yes_no(question)):
        return lines
    high, low = (set(re.findall(r"[a-z]+", match[at].casefold())) for at in (1, 2))
    is_up = not high & (CONTROL | {"non"})
    is_so = match[3] is not None and (not asked or is_up is (asked > 0) or not (high | low))
    return [f"{'Yes' if is_so else 'No'}: {lines[0]}", *lines[1:]]


def _cell(frame: Frame, row: Mapping[str, Any]) -> str:
    if frame.measure == "cells" and not frame.each:
        return f"{row['cells']:,} ({percentage(row['percent'])})"
    return _value(frame, row)


def _ranked(frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    at = max(frame.place - 1, 0)
    if at >= len(rows):
        return [f"There are only {counted(len(rows), 'group')}."]
    row = rows[at]
    ties = [r for r in rows if r["value"] == row["value"]]
    lead = {0: "has the highest", 1: "comes second", 2: "comes third"}.get(
        at, f"is number {at + 1}"
    )
    if at == 0:
        lead = "has the highest" if frame.order == "high" else "has the lowest"
        if frame.measure == "cells" and not frame.each:
            lead = "has the most" if frame.order == "high" else "has the fewest"
    what = _subject(frame, facts, rows).removeprefix("The ").removesuffix(" is")
    if at == 0 and frame.measure == "cells" and not frame.each:
        what = what.removeprefix("number of ")
    if len(ties) > 1 and at == 0:
        names = listing(_name(r, frame) for r in ties[:_MOST_GROUPS])
        end = "first" if frame.order == "high" else "last"
        each = f"{_value(frame, row)} each{_of_all(frame, row)}"
        return [f"{names} share the {end} place, with {each}."]
    glue = f" in {what}" if at else f" {what}"
    of_all = _of_all(frame, row)
    lines = [f"{_name(row, frame)} {lead}{glue}: {_value(frame, row)}{of_all}."]
    if frame.by == ("cell types",) and frame.measure == "cells":
        lines.append("Each cell goes by the name that the model gives its cluster here.")
    others = [r for r in rows[at + 1 : at + 4] if r["value"] or frame.order == "low"]
    if others and at == 0:
        text = listing(f"{_name(r, frame)} ({_value(frame, r)})" for r in others)
        lines.append(f"Then {'comes' if len(others) == 1 else 'come'} {text}.")
    is_counted = frame.measure == "cells" and not frame.each and frame.conditions
    if is_counted and at == 0 and len(rows) <= _MOST_SUMMED and facts["counted"]:
        lines.append(f"That is {int(facts['cells']):,} in all.")
    return lines


_MOST_SUMMED = 4  # groups after which their sum is said


def _of_all(frame: Frame, row: Mapping[str, Any]) -> str:
    """Return the share that a number of cells is of those that were counted."""
    share = row.get("percent_of_all")
    return "" if share is None or len(frame.by) != 1 else f" ({percentage(share)} of the cells)"


def _having(frame: Frame) -> str:
    sign, _, number = frame.having.partition(" ")
    words = {">": "above", "<": "below", ">=": "at least", "<=": "at most"}.get(sign, sign)
    return f" a value {words} {number}{_end(frame)}"


def _holding(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say which groups hold."""
    what = _subject(frame, facts, rows).removeprefix("The ").removesuffix(" is")
    named = listing(f"{_name(row, frame)} ({_value(frame, row)})" for row in rows[:_MOST_NAMED])
    left = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    lead = f"{len(rows)} of the {facts['n_groups']} groups of '{frame.by[0]}' have"
    return [f"{lead}{_having(frame)} in {what}.", f"These are {named}{left}."]


def _over(frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    value = facts[f"{frame.over}_of_groups"]
    what = _subject(frame, facts, rows).removeprefix("The ").removesuffix(" is")
    low, high = facts["minimum_of_groups"], facts["maximum_of_groups"]
    return [
        f"The {frame.over} {what} is {_number(value, frame)}{_end(frame)} over the "
        f"{counted(int(facts['n_groups']), 'group')} of '{frame.by[0]}' "
        f"(from {_number(low, frame)} to "
        f"{_number(high, frame)})."
    ]


def _yes_or_no(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Answer whether a group is above or below the other."""
    mine = next((row for row in rows if str(row["group"]) == frame.subject), rows[0])
    others = [row for row in rows if row is not mine]
    if not others:
        return _listed(frame, facts, rows)
    if frame.asked == "more":
        is_so = all(mine["value"] > row["value"] for row in others)
    else:
        is_so = all(mine["value"] < row["value"] for row in others)
    shown = [mine, *sorted(others, key=lambda row: -row["value"])][:_MOST_GROUPS]
    text = listing(f"{_value(frame, row)} in {_name(row, frame)}" for row in shown)
    if frame.asked in {"change", "same"}:
        gap = max(abs(mine["value"] - row["value"]) for row in others)
        lead = "No" if (gap >= _SLIGHT) is (frame.asked == "same") else "Yes"
        lead = f"{lead}, hardly" if frame.asked == "change" and gap < _SLIGHT else lead
        lead = f"{lead}, nearly" if frame.asked == "same" and 0 < gap < _SLIGHT else lead
        line = verdict(f"{_subject(frame, facts, rows)} {text}.", yes=True)
        return [line.replace("Yes", lead, 1)]
    line = verdict(f"{_subject(frame, facts, rows)} {text}.", yes=is_so)
    least = min(abs(mine["value"] - row["value"]) for row in others)
    return [hardly(line) if frame.measure == "share" and least < LEAST_GAP else line]


_SLIGHT = 3.0  # points of percent below which a share is about the same

# Two groups, one set against the other


def _apart(frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how two groups lie to each other, what was asked for first."""
    high, low = sorted(rows, key=lambda row: -row["value"])
    of_both = f"{_value(frame, high)} in {_name(high, frame)}"
    against = f"{_value(frame, low)} in {_name(low, frame)}"
    what = _subject(frame, facts, rows).removeprefix("The ").removesuffix(" is")
    if high["value"] == low["value"]:
        return [f"Neither is higher: the {what} is {of_both} and {against}."]
    unit = " percentage points" if _end(frame) else ""
    gap = f"{_number(facts['difference'], frame)}{unit}"
    ratio = facts.get("ratio")
    if frame.form == "ratio":
        lead = f"The ratio is {ratio:,}" if ratio else "No ratio can be given, as one of them is 0"
        lines = [f"{lead}: the {what} is {of_both} and {against}.", f"They differ by {gap}."]
    elif frame.form == "difference":
        lines = [f"The difference is {gap}: the {what} is {of_both} and {against}."]
    else:
        lead = _up_or_down(frame, high, low)
        lines = [f"{lead}: the {what} is {of_both} and {against}, a difference of {gap}."]
    is_of_logs = frame.of_kind == "gene" and frame.measure in AVERAGES
    if ratio and frame.form != "ratio" and not is_of_logs:
        lines.append(f"The ratio of the higher to the lower is {ratio:,}.")
    return lines


def _up_or_down(frame: Frame, high: Mapping[str, Any], low: Mapping[str, Any]) -> str:
    """Say which is higher, from the control's side where one is."""
    words = [set(re.findall(r"[a-z]+", str(row["group"]).casefold())) for row in (high, low)]
    if words[1] & CONTROL and not words[0] & CONTROL:
        return f"Up in {_name(high, frame)}"
    if words[0] & CONTROL and not words[1] & CONTROL:
        return f"Down in {_name(low, frame)}"
    return f"Higher in {_name(high, frame)} than in {_name(low, frame)}"


FRAME_TELLERS: Mapping[str, Teller] = {"frame": tell_frame, "authors_name": tell_frame}
