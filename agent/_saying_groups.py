"""Answers about groups of cells: selections, conditions, shares, several genes, files."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ._asks import Ask
from ._calls import labelled_as
from ._phrasing import cite, counted, listing, percentage, pick, quote_all
from ._saying import Said, Saying, Teller
from ._saying_clusters import differing, of_side, surety, tell_comparison
from ._saying_frames import CLUSTERS
from ._saying_things import tell_difference
from ._saying_types import tell_which
from ._saying_worth import leans, worth
from ._table_files import other_format
from ._verdicts import LEAST_GAP, asks_yes_no, direction, hardly, verdict

_EACH_OF = re.compile(
    r"\b(?:each|every|per|which|by|contribut\w*|two|both|differ\w*|more|most|list|between|"
    r"across)\b",
    re.IGNORECASE,
)
_MOST_ROWS = 8
_EVEN = 10.0  # points of percent between groups that are about as large
_MOST_PEOPLE = 6  # whose cells are told one by one
_MOST_VALUES = 12  # groups of which each value is said
_EACH = re.compile(
    r"\b(?:each|every|per|numbers?|values?|by|across|list|which (?:donor|patient|sample)|highest|"
    r"for all)\b",
    re.IGNORECASE,
)


def tell_evidence(ask: Ask, now: Saying) -> Said:
    """Say what the evidence of the last call says, and what it warns of."""
    artifact = now.results[-1].artifact or {}
    return Said([*quote_all(artifact), *now.caveats(artifact)])


def tell_selection(ask: Ask, now: Saying) -> Said:
    """Say what was selected, and remember its name."""
    artifact = now.artifact("select_cells") or {}
    name = str((artifact.get("facts") or {}).get("selection") or "")
    return Said(quote_all(artifact), replace(ask, intent="select", name=name))


def tell_selection_size(ask: Ask, now: Saying) -> Said:
    """Say how many cells a selection holds."""
    artifact = now.artifact("list_selections") or {}
    rows = artifact.get("table") or []
    row = next((row for row in rows if row["selection"] == ask.name), rows[-1] if rows else None)
    if row is None:
        return Said(quote_all(artifact))
    line = (
        f"The selection '{row['selection']}' holds {counted(int(row['cells']), 'cell')}, "
        f"{percentage(row['percent'])} of the dataset."
    )
    return Said([cite(line, str(artifact["id"]))], replace(ask, name=str(row["selection"])))


def tell_described(ask: Ask, now: Saying) -> Said:
    """Say what the chosen cells are."""
    artifact = now.artifact("describe_selection") or {}
    facts = artifact.get("facts") or {}
    types = (str(facts["label"]),) if facts.get("is_known") else ()
    what = r"^The model describes|^The model is unsure|^The (?:most frequent )?labels the model"
    if ask.mode in _OF_TYPES:
        return Said([*_OF_TYPES[ask.mode](ask, artifact, now), *now.caveats(artifact)])
    if re.search(r"(?i)\bpathways?\b|\bprogram", ask.text):
        said = pick(artifact, r"\bpathways?\b")
        return Said([*said, *now.caveats(artifact)], replace(ask, cell_types=types))
    first = pick(artifact, what)  # what they are, then which they are
    skip = r"^The model reads? |\bpathways? "
    rest = [line for line in quote_all(artifact, skip=skip) if line not in first]
    lines = [*first, *rest, *now.caveats(artifact, skip=r"rest on a sample")]
    return Said(lines, replace(ask, cell_types=types))


def _asked_types(artifact: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Return how many of the cells read are of each type asked about, of how many, and it."""
    rows = (artifact.get("facts") or {}).get("asked") or []
    return [
        (int(row["cells"]), int(row["of"]), f"{row['label']} ({row['ontology_term_id']})")
        for row in rows
    ]


def _is_type(ask: Ask, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Say whether some cells are of a type: what the model reads them as."""
    hits, whole, kind = _asked_types(artifact)[0]
    facts = artifact.get("facts") or {}
    few = "Mostly not" if facts.get("is_known") else "In part"
    lead = "Yes" if 2 * hits > whole else few if 5 * hits > whole else "No"
    line = f"{lead}: the model reads {hits:,} of {counted(whole, 'cell')} of them as {kind}."
    own = pick(artifact, r"^The model describes|^The model is unsure|labels the model")
    return [cite(line, str(artifact["id"])), *own]


def _which_type(ask: Ask, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Say as which of two types more of some cells are read."""
    read = sorted(_asked_types(artifact), key=lambda one: -one[0])
    (most, whole, kind), (less, _, other) = read
    line = (
        f"Rather {kind}: the model reads {most:,} of {counted(whole, 'cell')} of them so, and "
        f"{less:,} as {other}."
    )
    if most == less:
        line = f"Neither more than the other: the model reads {most:,} of them as either."
    own = pick(artifact, r"^The model describes|^The model is unsure|labels the model")
    return [cite(line, str(artifact["id"])), *own]


def _how_sure(ask: Ask, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Say how sure the model is of some cells."""
    facts = artifact.get("facts") or {}
    own = pick(artifact, r"^The model describes|^The model is unsure|labels the model")
    if not facts.get("is_known") or not own:
        return own
    lead = surety(float(facts.get("confidence") or 0), float(facts.get("agree_percent") or 0))
    return [f"{lead}: {own[0][0].lower()}{own[0][1:]}", *own[1:]]


_OF_TYPES = {"is_type": _is_type, "type_or": _which_type, "confidence": _how_sure}


def tell_compared(ask: Ask, now: Saying) -> Said:
    """Name the genes that tell two groups of cells apart."""
    artifact = now.artifact("compare_selections") or {}
    genes = tuple((artifact.get("facts") or {}).get("genes") or ())
    if ask.mode in _ONE_SIDE:
        genes = genes if ask.mode == "markers" else tuple(artifact["facts"]["other_genes"])
        said = _one_side(quote_all(artifact), genes, is_first=ask.mode == "markers")
        return Said([*said, *now.caveats(artifact)], replace(ask, listed=genes))
    said = differing(ask, of_side(quote_all(artifact), ask))
    said = [*worth(ask, artifact), *([] if leans(ask) else said)]
    others = tuple((artifact.get("facts") or {}).get("other_genes") or ())
    return Said([*said, *now.caveats(artifact)], replace(ask, listed=genes, others=others))


_ONE_SIDE = frozenset({"markers", "lower"})


def _one_side(said: list[str], genes: tuple[str, ...], *, is_first: bool) -> list[str]:
    """Keep the genes that one group has more of, and what is said of the first of them."""
    other = 1 if is_first else 0
    rest = [line for n, line in enumerate(said) if n != other and " is expressed in " not in line]
    detail = [line for line in said if line.split(" ", 1)[0] in genes[:1]]
    return [*rest[:1], *detail, *rest[1:]]


def tell_types_here(ask: Ask, now: Saying) -> Said:
    """Compare two types: their clusters, or their definitions where a type has no cluster."""
    if now.of("compare_clusters"):
        facts = now.of("compare_clusters")[0].facts
        clusters = (str(facts["cluster"]), str(facts["other"]))
        told = tell_comparison(ask, now)
        return Said([*told.lines, *_labels_of(ask, now)], replace(ask, clusters=clusters))
    if now.of("compare_selections"):
        is_by_labels = str(now.of("compare_selections")[0].args["first"]).startswith("clusters")
        labels = _labels_of(ask, now) if is_by_labels else []
        return Said([*tell_compared(ask, now).lines, *labels])
    if len(ask.cell_types) < 2:
        return tell_which(ask, now)
    return tell_difference(ask, now)


def _labels_of(ask: Ask, now: Saying) -> list[str]:
    labels = now.artifact("label_clusters") or {}
    rows = [
        row
        for row in labels.get("table") or []
        for name in ask.cell_types
        if (asked := now.vocabulary.resolve(name)) is not None
        and row.get("ontology_term_id")
        and now.vocabulary.is_a(row["ontology_term_id"], asked.id)
    ]
    named = listing(f"{row['cluster']} ({row['cell_type']})" for row in rows)
    return [cite(f"By the model's labels I compared clusters {named}.", str(labels["id"]))]


def tell_conditions(ask: Ask, now: Saying) -> Said:
    """Name the genes that differ between conditions, and what the test is worth."""
    artifact = now.artifact("compare_conditions") or {}
    facts = artifact.get("facts") or {}
    said = quote_all(artifact)
    if re.search(r"(?i)\bpseudo ?bulk\b|\bpaired\b|\bdonors\b|\breplicates?\b", ask.text):
        said = [*said[-1:], *said[:-1]]  # how it was compared stands last
    told = [] if leans(ask) else _of_direction(ask, said, facts)
    lines = [*worth(ask, artifact), *told, *now.caveats(artifact)]
    genes = tuple(facts.get("genes") or ())
    values = (str(facts.get("first")), str(facts.get("second")))
    others = tuple(facts.get("other_genes") or ())
    return Said(lines, replace(ask, values=ask.values or values, listed=genes, others=others))


def _of_direction(ask: Ask, said: list[str], facts: Mapping[str, Any]) -> list[str]:
    """Leave out the genes of the other side where only those that go up, or down, were asked."""
    asked = direction(ask.text)
    genes = facts.get("other_genes" if asked > 0 else "genes")
    if not asked or not genes:
        return said
    high, low = str(facts["first"]), str(facts["second"])
    high, low = (low, high) if asked > 0 else (high, low)
    unasked = (f"Higher in '{high}' than in '{low}'", f"{genes[0]} is expressed in")
    kept = [line for line in said if not line.startswith(unasked)]
    none = [line for line in kept if line.startswith("No gene passes as higher")]
    return [*none, *(line for line in kept if line not in none)]


def tell_gene_by_group(ask: Ask, now: Saying) -> Said:
    """Say where among the groups of a column a gene is highest; answer "is it higher in"."""
    artifact = now.artifact("plot_violin") or {}
    rows = {str(row["group"]): row for row in artifact.get("table") or []}
    evidence, gene = str(artifact["id"]), str(artifact["facts"]["gene"])
    mean = f"mean {artifact['facts'].get('scale') or ''}".strip()
    names = [name for name in ask.values if name in rows]
    if len(names) == 1 and len(rows) == 2:
        names.append(next(name for name in rows if name != names[0]))
    lines = []
    if len(names) >= 2:
        one, two = rows[names[0]], rows[names[1]]
        shown = [f"{_mean_of(rows[name])} in '{name}'" for name in names[:2]]
        line = f"The {mean} of {gene} is {' and '.join(shown)}."
        if asked := direction(ask.text):
            higher = float(f"{one['mean']:.2f}") - float(f"{two['mean']:.2f}")
            line = verdict(line, yes=higher * asked > 0)
        lines.append(cite(line, evidence))
    elif len(names) == 1:
        line = f"The {mean} of {gene} in '{names[0]}' is {_mean_of(rows[names[0]])}."
        lines.append(cite(line, evidence))
    if len(names) >= 2 and len(rows) == 2:
        return Said(lines, replace(ask, genes=(gene,)))
    placed = re.search(r"(?i)\b(second|third|lowest|least|last|next)\b", ask.text)
    if placed and len(rows) > 2:
        at = {"second": 1, "next": 1, "third": 2}.get(placed.group(1).casefold(), -1)
        row = sorted(rows.values(), key=lambda row: -row["mean"])[at]
        lead = {1: "Second", 2: "Third"}.get(at, "Lowest")
        line = f"{lead} for {gene} is '{row['group']}', with a {mean} of {row['mean']:.2f}."
        return Said([cite(line, evidence)], replace(ask, genes=(gene,)))
    said = quote_all(artifact)
    if not lines and _EACH.search(ask.text):  # which is highest, then the list
        listed = _each_value(f"{mean} of {gene}", list(rows.values()), evidence)
        return Said([*said[::-1], *listed], replace(ask, genes=(gene,)))
    return Said([*lines, *said], replace(ask, genes=(gene,)))


def _mean_of(row: Mapping[str, Any]) -> str:
    """Write a mean, and how many of the cells have the gene where that is known."""
    mean = f"{row['mean']:.2f}"
    if "percent_expressing" not in row:
        return mean
    return f"{mean} ({percentage(row['percent_expressing'])} of the cells)"


def _each_value(what: str, rows: list[dict[str, Any]], evidence: str) -> list[str]:
    """List the mean of a gene in each group: all of a few, else the highest and the lowest."""
    ranked = sorted(rows, key=lambda row: -row["mean"]) if len(rows) > _MOST_VALUES else rows
    half = _MOST_VALUES // 2
    cut = len(rows) > _MOST_VALUES
    shown = [*ranked[:half], *ranked[-half:]] if cut else ranked
    lead = f"The {what} in the {half} highest and the {half} lowest of {len(rows)} groups is this."
    said = [cite(lead, evidence)] if cut else []
    for row in shown:
        share = (
            f", {percentage(row['percent_expressing'])} of {counted(int(row['cells']), 'cell')}"
            if "percent_expressing" in row
            else ""
        )
        said.append("- " + cite(f"'{row['group']}': {row['mean']:.2f}{share}.", evidence))
    return said


def tell_composition(ask: Ask, now: Saying) -> Said:
    """Say how the cells of samples or conditions divide, first what was asked about."""
    artifact = now.artifact("count_composition")
    if artifact is None:
        return Said([line for r in now.results for line in quote_all(r.artifact or {})])
    if ask.mode == "between":
        lines, told = _between(ask, artifact, now)
        return Said([*lines, *now.caveats(artifact)], replace(ask, told=told))
    if ask.mode == "all":
        return Said([*_whole_composition(artifact, now), *now.caveats(artifact)])
    asked = _asked_rows(ask, artifact, now)
    lines = asked or _largest_change(artifact, now)
    people = [] if lines else _of_people(ask, artifact, now)
    lines += people
    if len(ask.values) == 1 and not (ask.clusters or ask.cell_types):
        lines += _parts_of(ask.values[0], artifact, now)
    said = quote_all(artifact)
    if re.search(r"(?i)\bevenly\b|\bbalanced\b|\bequal\w*\b", ask.text):
        said = _whether_even(artifact, said)
    elif asked or people:
        said = []  # what was asked for is said
    return Said([*lines, *said, *now.caveats(artifact)])


_CLEAR_GAP = 5.0  # points of percent from which shares clearly differ
_MOST_KINDS = 4  # that are named on either side


def _between(
    ask: Ask, artifact: Mapping[str, Any], now: Saying
) -> tuple[list[str], tuple[str, ...]]:
    """Say which kinds of cells make up more of one of two conditions, and which kinds less."""
    one, two = ask.values
    shares: dict[str, dict[str, float]] = {}
    for row in artifact.get("table") or []:
        shares.setdefault(str(row["within"]), {})[str(row["by"])] = float(row["percent"])
    gaps = {k: s[one] - s[two] for k, s in shares.items() if one in s and two in s}
    more = [k for k in sorted(gaps, key=lambda k: -gaps[k]) if gaps[k] >= LEAST_GAP]
    less = [k for k in sorted(gaps, key=lambda k: gaps[k]) if gaps[k] <= -LEAST_GAP]

    def told(kinds: list[str], way: str) -> str:
        shown = listing(
            f"{_part({'within': k}, artifact, now)} ({percentage(shares[k][one])} against "
            f"{percentage(shares[k][two])})"
            for k in kinds[:_MOST_KINDS]
        )
        verb = "is" if len(kinds) == 1 else "are"
        where = f"in '{one}' than in '{two}'"
        return (
            f"{way} frequent {where} {verb} {shown}."
            if kinds
            else (f"No kind of cells is {way.lower()} frequent {where} by a point of percent.")
        )

    lines = [line for line in quote_all(artifact) if line.startswith("Only the cells")]
    said = [told(more, "More"), told(less, "Less")]
    before = [k for k in ask.told if k in gaps]
    if before and _STILL.search(ask.asked):
        kept = [k for k in before if gaps[k] >= LEAST_GAP]
        lead = "Yes" if kept == before else "In part" if kept else "No"
        still = listing(
            f"{_part({'within': k}, artifact, now)} ({percentage(shares[k][one])} against "
            f"{percentage(shares[k][two])})"
            for k in (kept or before)[:_MOST_KINDS]
        )
        end = f"more frequent in '{one}' than in '{two}'"
        still += f" {'is' if len(kept or before) == 1 else 'are'} "
        said.insert(0, f"{lead}: {still}{'still' if kept else 'no longer'} {end}.")
        del said[1]
    elif asks_yes_no(ask.asked) and gaps:
        widest = max(abs(gap) for gap in gaps.values())
        said[0] = verdict(said[0], yes=widest >= _CLEAR_GAP)
    evidence = str(artifact["id"])
    return [*(cite(line, evidence) for line in said), *lines], tuple(more)


_STILL = re.compile(r"(?i)\b(?:still|hold\w*|same|also|true|too|as well|consistent\w*)\b")


def _whole_composition(artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Tell the shares of all groups: where they differ most, then group by group."""
    rows, evidence = artifact.get("table") or [], str(artifact["id"])
    groups = list(dict.fromkeys(str(row["by"]) for row in rows))
    lines = [line for line in quote_all(artifact) if line.startswith("Only the cells")]
    is_by_cluster = CLUSTERS.fullmatch(str((artifact.get("facts") or {}).get("by"))) is not None
    if len(groups) > (_MOST_VALUES if is_by_cluster else _MOST_PEOPLE):
        return [*lines, *_spread(artifact, now)]
    lines += _largest_change(artifact, now)
    for group in groups:
        mine = sorted((r for r in rows if str(r["by"]) == group), key=lambda r: -int(r["cells"]))
        some = [row for row in mine if row["cells"]][:_MOST_VALUES]
        if not some:
            continue
        shown = listing(
            f"{_part(row, artifact, now)} {row['cells']:,} ({percentage(row['percent'])})"
            for row in some
        )
        name = f"cluster {group}" if is_by_cluster else f"'{group}'"
        line = f"Of the {counted(int(mine[0]['of']), 'cell')} of {name}: {shown}."
        lines.append("- " + cite(line, evidence))
    return lines


def _spread(artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Tell how far the share of each part runs over many groups."""
    rows, facts = artifact.get("table") or [], artifact.get("facts") or {}
    parts = list(dict.fromkeys(str(row["within"]) for row in rows))[:_MOST_VALUES]
    lead = f"Over the {facts['n_groups']} groups of '{facts['by']}' the shares run as follows."
    lines = [cite(lead, str(artifact["id"]))]
    for part in parts:
        mine = [row for row in rows if str(row["within"]) == part and int(row["of"])]
        low, high = (best(mine, key=lambda row: float(row["percent"])) for best in (min, max))
        line = (
            f"{_part(high, artifact, now)}: from {percentage(low['percent'])} in '{low['by']}' to "
            f"{percentage(high['percent'])} in '{high['by']}'."
        )
        lines.append("- " + cite(line[:1].upper() + line[1:], str(artifact["id"])))
    return lines


def _whether_even(artifact: Mapping[str, Any], said: list[str]) -> list[str]:
    """Say first whether the groups hold about as many cells each."""
    sizes = (artifact.get("facts") or {}).get("sizes") or []
    at = next((n for n, line in enumerate(said) if line.startswith("By '")), None)
    if at is None or len(sizes) < 2:
        return said
    shares = [float(row["percent"]) for row in sizes]
    return [verdict(said[at], yes=max(shares) - min(shares) <= _EVEN), *said[:at]]


def _parts_of(value: str, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """List what the cells of one sample or condition are."""
    by = str((artifact.get("facts") or {}).get("by"))
    if by in now.vocabulary.people:
        return []
    rows = [r for r in artifact.get("table") or [] if str(r["by"]) == value and int(r["cells"])]
    ranked = sorted(rows, key=lambda row: -int(row["cells"]))[:_MOST_ROWS]
    if len(ranked) < 2:
        return []
    shown = listing(
        f"{row['cells']:,} in {_part(row, artifact, now)} ({percentage(row['percent'])})"
        for row in ranked
    )
    return [cite(f"They are {shown}.", str(artifact["id"]))]


def _part(row: Mapping[str, Any], artifact: Mapping[str, Any], now: Saying) -> str:
    """Name what cells are divided into: a cluster by its number, a type in quotes."""
    column = str((artifact.get("facts") or {}).get("within"))
    is_cluster = row["within"] in now.vocabulary.clusters and CLUSTERS.fullmatch(column)
    return f"cluster {row['within']}" if is_cluster else f"'{row['within']}'"


def _of_people(ask: Ask, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Say what the cells of a few people are, where that was asked of each."""
    by = str((artifact.get("facts") or {}).get("by"))
    rows = artifact.get("table") or []
    names = list(dict.fromkeys(str(row["by"]) for row in rows))
    is_asked = by in now.vocabulary.people and _EACH_OF.search(ask.text)
    if not is_asked or len(names) > _MOST_PEOPLE:
        return []
    lines = []
    for name in names:
        mine = sorted((r for r in rows if str(r["by"]) == name), key=lambda r: -int(r["cells"]))
        shown = listing(
            f"{r['cells']:,} in {_part(r, artifact, now)} ({percentage(r['percent'])})"
            for r in mine[:5]
        )
        line = f"Of the {counted(int(mine[0]['of']), 'cell')} of '{name}' there are {shown}."
        lines.append(cite(line, str(artifact["id"])))
    return lines


def _largest_change(artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Say where two groups differ most in their shares."""
    facts, shares = artifact.get("facts") or {}, {}
    if str(facts.get("by")) in now.vocabulary.people:
        return []
    for row in artifact.get("table") or []:
        shares.setdefault(str(row["within"]), {})[str(row["by"])] = float(row["percent"])
    groups = list(dict.fromkeys(str(row["by"]) for row in artifact.get("table") or []))
    if len(groups) != 2 or len(shares) < 2:
        return []
    one, two = groups
    most = max(shares, key=lambda name: abs(shares[name][one] - shares[name][two]))
    if shares[most][one] == shares[most][two]:
        line = f"The shares do not differ between '{one}' and '{two}'."
        return [cite(line, str(artifact["id"]))]
    part = _part({"within": most}, artifact, now)
    line = (
        f"The shares differ most for {part}: {percentage(shares[most][one])} of the cells of "
        f"'{one}' and {percentage(shares[most][two])} of those of '{two}'."
    )
    return [cite(line, str(artifact["id"]))]


def _asked_rows(ask: Ask, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Return sentences on the groups and clusters or types that a question named."""
    wanted = {label.casefold() for label in ask.clusters}
    for name in ask.cell_types:
        asked = now.vocabulary.resolve(name)
        if (own := now.vocabulary.authors.get(name.casefold())) is not None:
            wanted.add(own[1].casefold())
        wanted |= {name.casefold()} | ({asked.label.casefold()} if asked else set())
        labels = (now.artifact("label_clusters") or {}).get("table") or []
        exact, _ = labelled_as(labels, name, now.vocabulary)
        wanted |= {str(row["cell_type"]).casefold() for row in exact}
    facts, found = artifact.get("facts") or {}, []
    if str(facts.get("by")) in now.vocabulary.people and not _EACH_OF.search(ask.text):
        return []
    for row in artifact.get("table") or []:
        is_by = not ask.values or str(row["by"]) in ask.values or _asks_change(ask)
        if is_by and str(row["within"]).casefold() in wanted:
            share = percentage(row["percent"])
            found.append(
                cite(
                    f"Of the {counted(int(row['of']), 'cell')} of '{row['by']}', "
                    f"{row['cells']:,} ({share}) are in {_part(row, artifact, now)}.",
                    str(artifact["id"]),
                )
            )
    if found and re.search(r"(?i)\b(?:which|who)\b.*\b(?:most|more|highest|largest)\b", ask.text):
        found.sort(key=lambda line: -_first_number(line))
    if len(found) == 2 and asks_yes_no(ask.text) and _asks_change(ask):
        return [_share_verdict(ask, artifact, wanted, now)]
    if found or not ask.values:
        return found[:_MOST_ROWS]
    totals = {str(row["by"]): int(row["of"]) for row in artifact.get("table") or []}
    return [
        cite(
            f"{counted(totals[value], 'cell')} {'is' if totals[value] == 1 else 'are'} '{value}' "
            f"in '{facts['by']}'.",
            str(artifact["id"]),
        )
        for value in ask.values
        if value in totals
    ]


def _asks_change(ask: Ask) -> bool:
    """Whether one group is to be set against the others."""
    return bool(direction(ask.text)) or bool(_CHANGE.search(ask.text))


_CHANGE = re.compile(r"(?i)\b(?:chang\w*|differ\w*|shift\w*|alter\w*|affect\w*)\b")


def _share_verdict(ask: Ask, artifact: Mapping[str, Any], wanted: set[str], now: Saying) -> str:
    """Say whether a part is larger, smaller or other in the group that was named."""
    rows = [r for r in artifact.get("table") or [] if str(r["within"]).casefold() in wanted]
    rows.sort(key=lambda row: str(row["by"]) not in ask.values)
    one, two = rows
    change = float(one["percent"]) - float(two["percent"])
    asked = direction(ask.text)
    shown = " and ".join(
        f"{percentage(row['percent'])} of those of '{row['by']}' ({row['cells']:,} of "
        f"{row['of']:,})"
        for row in rows
    )
    shown = shown.replace("of those of", "of the cells of", 1)
    line = f"The share in {_part(one, artifact, now)} is {shown}."
    line = verdict(line, yes=change * asked > 0 if asked else change != 0)
    return cite(hardly(line) if abs(change) < LEAST_GAP else line, str(artifact["id"]))


def _first_number(line: str) -> float:
    """Return the number of cells that a sentence of shares tells, to put the most first."""
    found = re.search(r", ([\d,]+) \(", line)
    return float(found.group(1).replace(",", "")) if found else 0.0


def tell_assigned(ask: Ask, now: Saying) -> Said:
    """Say which type each cluster got."""
    artifact = now.artifact("assign_cell_types") or {}
    lines = pick(artifact, r"^Each of ")
    lines += ["- " + line for line in pick(artifact, r"^Cluster .+? \(")]
    lines += pick(artifact, r"gets? none")
    lines += now.caveats(artifact, skip=r"rest on a sample")
    clusters = tuple(str(row["cluster"]) for row in artifact.get("table") or [])
    return Said(lines, replace(ask, clusters=clusters))


def tell_file(ask: Ask, now: Saying) -> Said:
    """Say what was written, and where it lies unless it is handed over."""
    artifact = now.results[-1].artifact or {}
    path = (artifact.get("facts") or {}).get("path")
    where = "You find it below." if path is None else f'You find it in "{Path(path).parent}".'
    return Said([*quote_all(artifact), where, *other_format(ask)])


GROUP_TELLERS: Mapping[str, Teller] = {
    "assign_once": tell_assigned,
    "select": tell_selection,
    "name_selection": tell_selection,
    "list_selections": tell_evidence,
    "selection_size": tell_selection_size,
    "describe_selection": tell_described,
    "compare_selections": tell_compared,
    "types_here": tell_types_here,
    "conditions": tell_conditions,
    "gene_by_group": tell_gene_by_group,
    "dots": tell_evidence,
    "composition": tell_composition,
    "export_dataset": tell_file,
    "export_table": tell_file,
    "export_cells": tell_file,
    "export_figure": tell_file,
}
