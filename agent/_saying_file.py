"""Answers about the file, its columns, the quality of its cells, and about likeness."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._file_aspects import limit_of
from ._history import Result
from ._phrasing import cite, listing, quote_all
from ._saying import Said, Saying, Teller
from ._saying_trust import HARDLY, MOSTLY, judged_quality
from ._verdicts import asks_yes_no, verdict

_FEW = 8
_PER = re.compile(r"(?i)\b(?:per|each|every|by|which|most|fewest|list)\b")


def tell_all(ask: Ask, now: Saying) -> Said:
    """Say what each piece of evidence says, and what it warns of."""
    lines: list[str] = []
    if ask.intent == "columns" and ask.name:
        lines.append(_not_held(ask))
    if ask.name == "statistics":
        lines += _statistics(now)
    if ask.mode == "candidates":
        return Said(_candidates(now), ask)
    if ask.mode == "conditions":
        lines += [line for result in now.of("describe_column") for line in _conditions(result)]
    for result in now.results if ask.mode != "conditions" else ():
        said = quote_all(result.artifact or {})
        if ask.intent == "gene_pair" and said and asks_yes_no(ask.asked or ask.text):
            said[0] = verdict(said[0], yes=" correlate hardly" not in said[0])
        if ask.mode == "one time" and said:
            lines.append(f"Only one time is in your file, so it cannot be compared: {said.pop(0)}")
        if ask.mode == "codes":
            lines.append(_UNTOLD)
        if ask.mode == "health" and said:
            said[0] = _of_health(result, said[0])
        if ask.mode == "held" and ask.intent == "column" and said and _ANY.match(ask.asked):
            one = "Only one" if len(result.table) == 1 else "Yes"
            said[0] = verdict(said[0], yes=True).replace("Yes", one, 1)
        if ask.intent == "columns" and not ask.name and said and asks_yes_no(ask.text):
            said[0] = verdict(said[0], yes=bool(result.table))
        lines += [*said, *now.caveats(result.artifact)]
        if ask.intent == "column" and ask.mode == "held" and (limit := limit_of(ask.name)):
            lines = [*lines[:1], limit, *lines[1:]]
        lines += _each_person(ask, result.artifact or {}, now)
    return Said(list(dict.fromkeys(lines)))


_UNTOLD = "I cannot tell what these values stand for: your file does not say it."


def _candidates(now: Saying) -> list[str]:
    """Name the columns of the authors' labels, the finest first."""
    found = sorted(now.of("describe_column"), key=lambda result: -len(result.table))
    ids = [str((result.artifact or {})["id"]) for result in found]
    best, *others = [(str(result.facts["column"]), len(result.table)) for result in found]
    rest = listing(f"'{name}' ({number})" for name, number in others)
    line = f"The finest labels of the authors stand in '{best[0]}', with {best[1]} values"
    line += f"; other columns of labels are {rest}." if others else "."
    return [cite(line, *ids), *quote_all(found[0].artifact or {})]


_HEALTHY = re.compile(r"(?i)\b(?:normal|healthy|controls?|ctrl|none|unaffected)\b")


def _of_health(result: Result, line: str) -> str:
    """Say before what a column holds whether any of it is healthy."""
    sound = [row for row in result.table if _HEALTHY.search(str(row["value"]))]
    lead = "Yes" if sound and len(sound) == len(result.table) else "In part" if sound else "No"
    return verdict(line, yes=True).replace("Yes", lead, 1)


def _not_held(ask: Ask) -> str:
    """Say that the file does not tell of something, or that it is not read here."""
    if ask.values:
        return f"Your file holds '{ask.values[0]}', but I do not read {ask.name}."
    line = f"I see nothing in your file that would tell me about {ask.name}."
    if limit := limit_of(ask.name):
        line = f"{line} {limit}"
    return f"No: {line}" if asks_yes_no(ask.asked) or _MAY.match(ask.asked) else line


_ANY = re.compile(r"(?i)(?:and |so |but )*(?:(?:is|are|was|were) there|(?:do|does) \w+ have|any)\b")
_MAY = re.compile(r"(?i)(?:and |so |but )*(?:can|could) (?:i|we)\b")


def _conditions(result: Result) -> list[str]:
    """Name the conditions that a column tells apart."""
    named = listing(f"'{row['value']}'" for row in result.table)
    line = f"The column '{result.facts['column']}' tells {len(result.table)} conditions apart: "
    said = quote_all(result.artifact or {})
    return [cite(f"{line}{named}.", str((result.artifact or {})["id"])), *said[1:]]


def _statistics(now: Saying) -> list[str]:
    """Say whether there are people enough to compare them."""
    artifact = now.results[0].artifact or {}
    number = int((artifact.get("facts") or {}).get("n_values") or 0)
    if number < 2:
        line = "No: all cells are of one person, so donors cannot be compared with one another."
    else:
        line = (
            f"Yes: there are {number} people, and I compare conditions donor against donor; with "
            "few of them only large differences can be told from chance."
        )
    return [cite(line, str(artifact["id"]))]


def _each_person(ask: Ask, artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """Say how many cells each of a few people gave, where that was asked."""
    rows, facts = artifact.get("table") or [], artifact.get("facts") or {}
    is_of_people = str(facts.get("column")) in now.vocabulary.people
    if not is_of_people or not _PER.search(ask.text) or not rows or "value" not in rows[0]:
        return []
    shown = listing(f"{row['cells']:,} of '{row['value']}'" for row in rows[:_FEW])
    left = "" if len(rows) <= _FEW else " at the top"
    return [cite(f"In cells{left} these are {shown}.", str(artifact["id"]))]


def tell_quality(ask: Ask, now: Saying) -> Said:
    """Say how good the cells are; first those of the clusters that were asked about."""
    artifact = now.artifact("summarise_quality") or {}
    lines = []
    facts = artifact.get("facts") or {}
    text = ask.asked or ask.text
    asked = [name for name, said in _SAID.items() if re.search(said, text, re.IGNORECASE)]
    if asked == ["mitochondrial"] and "mean_mitochondrial" not in facts:
        return Said(
            ["I cannot tell: I find no mitochondrial genes in your file, and no such column."]
        )
    asked = [name for name in asked if f"mean_{name}" in facts]
    wants_mean = re.search(r"(?i)\b(?:mean|average)\b", text)
    by_group = (
        ask.column
        or ask.where
        or re.search(r"(?i)\b(?:by|each|every|clusters?|conditions?|donors?|samples?)\b", text)
    )
    n_genes = len(set(now.vocabulary.genes.values()))
    if ask.mode in {"worst", "best"} and (judged := _extreme(ask, artifact)):
        return Said([*judged, *quote_all(artifact), *now.caveats(artifact)])
    lines += judged_quality(text, artifact, asked, n_genes=n_genes) if not ask.clusters else []
    if len(asked) == 1 and not by_group and not ask.clusters:
        name = asked[0]
        kind = "mean" if wants_mean else "median"
        unit = _MEASURES[name].removeprefix("% ")
        sign = "%" if name == "mitochondrial" else ""
        value = f"{facts[f'{kind}_{name}']:g}"
        line = f"The {kind} over the cells is {value}{sign} {unit}."
        return Said([*lines, cite(line, str(artifact["id"])), *now.caveats(artifact)])
    for row in artifact.get("table") or []:
        if str(row["group"]) in ask.clusters:
            known = [f"{row[key]:g} {words}" for key, words in _MEASURES.items() if key in row]
            text = f"In cluster {row['group']} the medians are {' and '.join(known)}."
            lines.append(cite(text, str(artifact["id"])))
    return Said([*lines, *quote_all(artifact), *_by_person(artifact, now), *now.caveats(artifact)])


def _extreme(ask: Ask, artifact: Mapping[str, Any]) -> list[str]:
    """Name the group whose cells are the worst or the best, by all medians together."""
    rows = [row for row in artifact.get("table") or [] if "group" in row]
    keys = [key for key in _MEASURES if rows and all(row.get(key) is not None for row in rows)]
    if len(rows) < 2 or not keys:
        return []

    def place(row: Mapping[str, Any]) -> int:
        bad = [(other[key] > row[key]) == (key != "mitochondrial") and other[key] != row[key]
               for key in keys for other in rows]  # fmt: skip
        return sum(bad)

    row = (max if ask.mode == "worst" else min)(rows, key=place)
    by = (artifact.get("facts") or {}).get("by")
    name = f"'{row['group']}'" if by and ask.column else f"Cluster {row['group']}"
    known = listing(f"{row[key]:,g} {words}" for key, words in _MEASURES.items() if key in keys)
    line = f"{name} has the {ask.mode} quality: the medians of its cells are {known}."
    return [cite(line, str(artifact["id"]))]


def _by_person(artifact: Mapping[str, Any], now: Saying) -> list[str]:
    """List the medians of a few people, which the evidence tells in its table only."""
    rows = artifact.get("table") or []
    if str((artifact.get("facts") or {}).get("by")) not in now.vocabulary.people:
        return []
    shown = rows if len(rows) <= _MOST_PEOPLE else []
    lines = []
    for row in shown:
        known = listing(f"{row[key]:,g} {words}" for key, words in _MEASURES.items() if key in row)
        lines.append("- " + cite(f"'{row['group']}': {known}.", str(artifact["id"])))
    return lines


_MOST_PEOPLE = 24
_SAID = {
    "genes": r"\b(?:genes|features)\b",
    "counts": r"\b(?:counts?|umis?|depth|library|reads)\b(?! mito)",
    "mitochondrial": r"\bmito",
}
_MEASURES = {"genes": "genes", "counts": "counts", "mitochondrial": "% mitochondrial counts"}


_WORST = re.compile(r"(?i)\b(?:where|which|what)\b.*\b(?:disagree|differ|wrong|worst)")


def tell_agreement(ask: Ask, now: Saying) -> Said:
    """Say where model and authors agree; the labels on which they do not come first."""
    artifact = now.artifact("compare_labels") or {}
    said = quote_all(artifact)
    if _WORST.search(ask.text):
        rows = [row for row in artifact.get("table") or [] if row.get("agree") is not None]
        worst = min(rows, key=lambda row: row["agree"], default={"label": ""})
        lines = [line for line in said if f"call '{worst['label']}'" in line]
        lines += now.caveats(artifact, skip=r"predictions|rest on a sample")
        column = str(artifact["facts"]["column"])
        return Said(lines, replace(ask, column=column, values=(str(worst["label"]),)))
    at = next((n for n, line in enumerate(said) if line.startswith("Of the ")), len(said))
    lines = [*_mostly(artifact, said[1:at]), said[0], *(f"- {line}" for line in said[at:])]
    return Said([*lines, *now.caveats(artifact, skip=r"predictions|rest on a sample")])


def _mostly(artifact: Mapping[str, Any], said: list[str]) -> list[str]:
    """Say first whether model and authors agree, all in all."""
    facts = artifact.get("facts") or {}
    if not facts.get("n_judged") or not said:
        return said
    share = float(facts["percent_agree"])
    lead = "Mostly" if share >= MOSTLY else "In part" if share >= HARDLY else "Hardly"
    return [verdict(said[0], yes=True).replace("Yes", lead, 1), *said[1:]]


def tell_likeness(ask: Ask, now: Saying) -> Said:
    """Say which clusters are alike."""
    artifact = now.artifact("relate_clusters")
    if artifact is None:
        return Said(["I find no cluster of that type, so I cannot say which is most like it."])
    facts = artifact.get("facts") or {}
    clusters = tuple(str(facts[key]) for key in ("cluster", "other") if facts.get(key) is not None)
    return Said([*quote_all(artifact), *now.caveats(artifact)], replace(ask, clusters=clusters))


def tell_genes(ask: Ask, now: Saying) -> Said:
    """Say what a list of genes shows, and remember the genes."""
    artifact = now.results[-1].artifact or {}
    genes = tuple(str(name) for name in (artifact.get("facts") or {}).get("genes") or ())
    return Said([*quote_all(artifact), *now.caveats(artifact)], replace(ask, listed=genes[:_FEW]))


FILE_TELLERS: Mapping[str, Teller] = {
    "columns": tell_all,
    "column": tell_all,
    "quality": tell_quality,
    "agreement": tell_agreement,
    "likeness": tell_likeness,
    "gene_pair": tell_all,
    "top_expressed": tell_genes,
    "family": tell_genes,
}
