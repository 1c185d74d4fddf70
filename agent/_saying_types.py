"""Answers about one cell type: which clusters are of it, and why a cluster is or is not."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._calls import labelled_as
from ._history import Result
from ._phrasing import cite, clusters_named, counted, listing, percentage, pick, plural, quote_all
from ._saying import Said, Saying, Teller
from ._saying_clusters import lying
from ._verdicts import asks_yes_no, verdict

_DENIED = re.compile(r"(?i)\bnot\b|n't\b|\bother than\b|\bexcept\b|\bno \w+ cells\b")


_HOW_LIKELY = re.compile(
    r"(?i)\bprobabilit\w*|\bhow (?:likely|probable|sure|certain|confident)\b|\bchances?\b"
)


def tell_alternative(ask: Ask, now: Saying) -> Said:
    """Weigh another cell type against the label: "why not NK cells?", "is it a B cell?"."""
    lines: list[str] = [_rather(now)] if ask.mode == "type_or" else lying(now)
    for result in now.of("explain_alternative"):
        artifact = result.artifact or {}
        lines += pick(artifact, r"cannot tell|is asked about")
        said = [*_verdict(ask, result, now), *_chances(result)]
        if ask.mode == "type_or":
            said = []
        lines += said[::-1] if _HOW_LIKELY.search(ask.text) else said
        if ask.intent == "why_not" or "why" in ask.text.casefold():
            lines += pick(artifact, r"^The genes that spoke|^No gene")
        else:
            lines += pick(artifact, r"^The genes that spoke|^No gene")[:1]
    return Said(lines)


def _rather(now: Saying) -> str:
    """Say which of the types is the likeliest of a cluster."""
    asked = [
        (next(row for row in result.table if row.get("percent") is not None), result)
        for result in now.of("explain_alternative")
    ]
    asked.sort(key=lambda one: -float(one[0]["percent"]))
    (best, result), *others = asked
    own = next((row for row in result.table[1:] if row.get("percent") is not None), None)
    ids = [str((one.artifact or {})["id"]) for _, one in asked]
    if own is not None and float(best["percent"]) < min(float(own["percent"]), _HALF):
        both = listing(f"{percentage(row['percent'])} to {_named(row)}" for row, _ in asked)
        line = (
            f"Neither: in cluster {result.facts['cluster']} the model gives a mean probability of "
            f"{both}; it labels the cluster as {_named(own)}."
        )
        return cite(line, *ids)
    shown = listing(f"{percentage(row['percent'])} to {_named(row)}" for row, _ in others)
    line = (
        f"Rather {_named(best)}: in cluster {result.facts['cluster']} the model gives it a mean "
        f"probability of {percentage(best['percent'])}, and {shown}."
    )
    return cite(line, *ids)


def _chances(result: Result) -> list[str]:
    """Set the probabilities of the two types side by side."""
    rows = [row for row in result.table if row.get("percent") is not None]
    cluster, evidence = result.facts["cluster"], str((result.artifact or {})["id"])
    if not rows:
        return []
    asked = rows[0]
    line = (
        f"In cluster {cluster} the model gives "
        f"{_named(asked)} a mean probability of "
        f"{percentage(asked['percent'])}"
    )
    if len(rows) > 1:
        own = rows[1]
        line += f", and {_named(own)} one of {percentage(own['percent'])}"
    return [cite(line + ".", evidence)]


def _verdict(ask: Ask, result: Result, now: Saying) -> list[str]:
    """Answer yes or no, as far as labels and ontology allow."""
    facts, evidence = result.facts, str((result.artifact or {})["id"])
    cluster, own_id, other_id = facts["cluster"], facts.get("term_id"), str(facts["other_id"])
    own, other = str(facts.get("label")), str(facts["other_label"])
    is_question = ask.intent == "is_type" and not _HOW_LIKELY.search(ask.text)
    if own_id is None:
        line = f"The model does not commit itself to any one cell type for cluster {cluster}."
    elif own_id == other_id:
        line = f"the model labels cluster {cluster} as {own}."
        line = f"Yes: {line}" if is_question else f"It does say so: {line}"
    elif now.vocabulary.is_a(str(own_id), other_id):
        line = f"the model labels cluster {cluster} as {own}, which is a kind of {other}."
        line = f"Yes: {line}" if is_question else f"It does not rule that out: {line}"
    elif now.vocabulary.is_a(other_id, str(own_id)):
        line = (
            f"{'Possibly' if is_question else 'It may be'}: {other} is a kind of {own}, and that "
            f"is as far as the model goes for cluster {cluster}."
        )
    elif is_question:
        verdict = "Probably not" if _is_close(result) else "No"
        line = f"{verdict}: the model labels cluster {cluster} as {own}."
    else:
        line = f"The model labels cluster {cluster} as {own}."
        if _is_behind(result):
            line = (
                f"The model labels cluster {cluster} as {own}, because that fits its cells better."
            )
    return [cite(line, evidence)]


def _is_behind(result: Result) -> bool:
    """Whether the alternative is less probable than the label."""
    chances = [float(row["percent"]) for row in result.table if row.get("percent") is not None]
    return len(chances) > 1 and chances[0] < chances[1]


def _is_close(result: Result) -> bool:
    """Whether the alternative is not much less probable than the label."""
    chances = [float(row["percent"]) for row in result.table if row.get("percent") is not None]
    return len(chances) > 1 and chances[0] >= 0.25 * chances[1]


_HALF = 50.0  # percent
_SOME = 1.0  # percent of the cells from which on there are some


def tell_which(ask: Ask, now: Saying) -> Said:
    """Say which clusters are of a type."""
    labels = now.artifact("label_clusters")
    found_cells = now.artifact("find_cells")
    name = ask.cell_types[0]
    if labels is None:
        return Said(quote_all(found_cells) if found_cells else ["I could not work that out."])
    exact, broader = labelled_as(labels.get("table") or [], name, now.vocabulary)
    asked = now.vocabulary.resolve(name)
    if asked is None:
        return Said([])
    evidence, lines = str(labels["id"]), []
    if ask.intent == "which_clusters" and not ask.missing and _DENIED.search(ask.text):
        return _other_clusters(ask, labels, exact, asked)
    if exact:
        clusters = [str(row["cluster"]) for row in exact]
        verb = "is" if len(exact) == 1 else "are"
        line = (
            f"{clusters_named(clusters).capitalize()} {verb} labelled as {plural(asked.label)} "
            f"({asked.id}){_or_narrower(exact, asked.id)}."
        )
        if len(exact) == 1:
            (row,) = exact
            line = (
                f"Cluster {row['cluster']} is labelled as {row['cell_type']} "
                f"({row['ontology_term_id']}): {counted(int(row['cells']), 'cell')}, "
                f"{percentage(row['agreement'])} of the {row['cells_read']} read agree."
            )
        if asks_yes_no(ask.text):
            line = verdict(line, yes=True)
        lines.append(cite(line, evidence))
        for row in exact if len(exact) > 1 else ():
            lines.append(
                "- "
                + cite(
                    f"Cluster {row['cluster']}: {row['cell_type']} ({row['ontology_term_id']}); "
                    f"{counted(int(row['cells']), 'cell')}, "
                    f"{percentage(row['agreement'])} of the {row['cells_read']} read agree.",
                    evidence,
                )
            )
        return Said(lines, replace(ask, clusters=tuple(clusters)))
    line = f"No cluster as a whole is labelled {asked.label} ({asked.id})."
    if asks_yes_no(ask.text) and found_cells and ask.intent == "which_clusters":
        found_facts = found_cells.get("facts") or {}
        shares = (found_facts.get("percent"), found_facts.get("percent_by_the_authors_labels"))
        few = max(float(share or 0) for share in shares)
        line = f"{'Yes, but' if few >= _SOME else 'Hardly any:' if few else 'No:'} no{line[2:]}"
    lines.append(cite(line, evidence))
    if broader:
        clusters = [str(row["cluster"]) for row in broader]
        kinds = listing(dict.fromkeys(str(row["cell_type"]) for row in broader))
        lines.append(
            cite(
                f"Such cells may hide in {clusters_named(clusters)}, which the model only calls "
                f"{kinds}.",
                evidence,
            )
        )
    if found_cells:
        lines += quote_all(found_cells)
    return Said(lines)


def _other_clusters(
    ask: Ask, labels: Mapping[str, Any], exact: list[dict[str, Any]], asked: Any
) -> Said:
    """Say which clusters are not of a type: "which clusters are not T cells?"."""
    own = {str(row["cluster"]) for row in exact}
    rest = [row for row in labels.get("table") or [] if str(row["cluster"]) not in own]
    kind = f"{plural(asked.label)} ({asked.id})"
    if not rest:
        return Said([cite(f"All clusters are labelled as {kind}.", str(labels["id"]))])
    clusters = [str(row["cluster"]) for row in rest]
    verb = "is" if len(rest) == 1 else "are"
    lines = [f"{clusters_named(clusters).capitalize()} {verb} not labelled as {kind}."]
    lines += [
        f"- Cluster {row['cluster']}: "
        + (
            f"{row['cell_type']} ({row['ontology_term_id']})."
            if row.get("ontology_term_id")
            else "no one type fits."
        )
        for row in rest
    ]
    said = [
        "- " + cite(line[2:], str(labels["id"]))
        if line.startswith("- ")
        else cite(line, str(labels["id"]))
        for line in lines
    ]
    return Said(said, replace(ask, clusters=tuple(clusters)))


def _or_narrower(rows: list[dict[str, Any]], term_id: str) -> str:
    return "" if all(row["ontology_term_id"] == term_id for row in rows) else " or a kind of these"


def _named(row: Mapping[str, Any]) -> str:
    label = row.get("name") or row.get("cell_type")
    return f"{label} ({row['ontology_term_id']})" if row.get("ontology_term_id") else str(label)


TYPE_TELLERS: Mapping[str, Teller] = {
    "which_clusters": tell_which,
    "why_not": tell_alternative,
    "is_type": tell_alternative,
}
