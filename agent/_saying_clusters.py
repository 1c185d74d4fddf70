"""Answers about clusters: what they are, how sure that is, how they differ."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._history import Result
from ._phrasing import (
    cite,
    clusters_named,
    counted,
    listing,
    percentage,
    pick,
    plural,
    quote_all,
    vary,
)
from ._plan import labelled_as
from ._saying import Said, Saying, Teller

_SURE, _FAIR = 0.8, 0.6
_MOST_LISTED = 30


def _certainty(confidence: float | None, seed: int) -> str:
    if confidence is None:
        return "may be"
    if confidence >= _SURE:
        return vary(("is most likely", "is very likely"), seed)
    return vary(("is probably", "looks like"), seed) if confidence >= _FAIR else "may be"


def _term(label: str, term_id: str | None) -> str:
    return f"{label} ({term_id})" if term_id else label


def tell_cluster(ask: Ask, now: Saying) -> Said:
    """Say what a cluster is; everything the model read when a description is asked for."""
    lines = _found_by_type(ask, now)
    shown = []
    for result in now.of("describe_cluster"):
        lines += _one_cluster(ask, result, now)
        shown.append(str(result.facts.get("cluster")))
    if not shown:
        return Said(lines or _no_cluster(ask, now))
    return Said(lines, replace(ask, clusters=tuple(shown)))


def _one_cluster(ask: Ask, result: Result, now: Saying) -> list[str]:
    artifact, facts = result.artifact or {}, result.facts
    cluster, evidence = facts["cluster"], str(artifact["id"])
    lines = []
    if facts.get("is_known"):
        verb = _certainty(facts.get("confidence"), now.seed)
        kind = f"{plural(str(facts['label']))} ({facts['term_id']})"
        lines.append(cite(f"Cluster {cluster} {verb} {kind}.", evidence))
        lines += pick(artifact, r"^It describes ")
        lines[-1] = lines[-1].replace("It describes", "The model describes", 1)
    else:
        lines += pick(artifact, r"^The model is unsure")
    if not facts.get("is_known") or float(facts.get("percent") or 0) < 90:
        lines += pick(artifact, r"^The (?:most frequent )?labels it gave")
    if re.search(
        r"\b(describe|tell|more|detail|everything|summari[sz]e|explain)\b", ask.text, re.I
    ):
        lines += pick(artifact, r"^For the |^It does not commit|^It names no one|pathway")
    lines += pick(artifact, r"marker genes")
    lines += pick(artifact, r"^Cluster .* holds ")
    lines += pick(artifact, r"^The authors' labels")
    return lines


def _found_by_type(ask: Ask, now: Saying) -> list[str]:
    """Say which clusters "the monocytes" are."""
    labels = now.artifact("label_clusters")
    if labels is None or ask.clusters or not ask.cell_types:
        return []
    exact, _ = labelled_as(labels.get("table") or [], ask.cell_types[0], now.vocabulary)
    if not exact:
        return []
    rows = listing(f"{row['cluster']} ({row['cell_type']})" for row in exact)
    word = "cluster" if len(exact) == 1 else "clusters"
    return [cite(f"Of that type the model labels {word} {rows}.", str(labels["id"]))]


def _no_cluster(ask: Ask, now: Saying) -> list[str]:
    labels = now.artifact("label_clusters")
    name = ask.cell_types[0] if ask.cell_types else "that type"
    if labels is None:
        return ["I could not find that cluster."]
    if now.vocabulary.resolve(name) is None:
        return [f"I know no cell type called '{name}', so I cannot say which cluster you mean."]
    return [cite(f"The model labels no cluster as {name}.", str(labels["id"]))]


def tell_confidence(ask: Ask, now: Saying) -> Said:
    """Say how far the model and the cells agree on the label."""
    lines, shown = _found_by_type(ask, now), []
    for result in now.of("describe_cluster"):
        artifact, facts = result.artifact or {}, result.facts
        cluster, evidence = facts["cluster"], str(artifact["id"])
        shown.append(str(cluster))
        if facts.get("is_known"):
            sure = float(facts.get("confidence") or 0)
            agree = float(facts.get("percent") or 0)
            lead = (
                "Quite sure"
                if sure >= _SURE and agree >= 80
                else "Fairly sure, no more"
                if sure >= _FAIR
                else "Not very sure"
            )
            lines.append(
                cite(
                    f"{lead}: for cluster {cluster} the mean confidence in "
                    f"{_term(facts['label'], facts['term_id'])} is {sure:.2f}, and "
                    f"{percentage(agree)} of the cells read agree.",
                    evidence,
                )
            )
        else:
            lines += pick(artifact, r"^The model is unsure")
        lines += pick(artifact, r"^The (?:most frequent )?labels it gave")
        lines += pick(artifact, r"^The authors' labels")
        lines += _caveat(artifact)
    if shown:
        return Said(lines, replace(ask, clusters=tuple(shown)))
    return Said(lines + _confidence_of_all(now))


def _confidence_of_all(now: Saying) -> list[str]:
    labels = now.artifact("label_clusters")
    if labels is None:
        return ["I could not find that cluster."]
    rows = [row for row in labels.get("table") or [] if row.get("confidence") is not None]
    if not rows:
        return ["Not at all: the model names no cell type for any cluster."]
    ranked = sorted(rows, key=lambda row: -row["confidence"])
    best, worst = ranked[0], ranked[-1]
    line = (
        f"That differs by cluster: the mean confidence is highest for cluster {best['cluster']} "
        f"({best['cell_type']}, {best['confidence']:.2f})"
    )
    if len(ranked) > 1:
        line += (
            f" and lowest for cluster {worst['cluster']} "
            f"({worst['cell_type']}, {worst['confidence']:.2f})"
        )
    return [cite(line + ".", str(labels["id"])), *_caveat(labels)]


def _caveat(artifact: Mapping[str, Any]) -> list[str]:
    from ._phrasing import split_sentences

    found = split_sentences(str(artifact.get("caveat") or ""))
    return [cite(sentence, str(artifact["id"])) for sentence in found]


def tell_labels(ask: Ask, now: Saying) -> Said:
    """List a cell type for every cluster."""
    artifact = now.artifact("label_clusters") or {}
    evidence, lines = str(artifact["id"]), []
    lines += pick(artifact, r"^The model names a cell type for")
    for row in (artifact.get("table") or [])[:_MOST_LISTED]:
        cells = counted(int(row["cells"]), "cell")
        if row.get("ontology_term_id"):
            agree = f"{percentage(row['agreement'])} of the {row['cells_read']} read agree"
            kind = f"{row['cell_type']} ({row['ontology_term_id']})"
            lines.append(
                "- " + cite(f"Cluster {row['cluster']}: {kind}; {cells}, {agree}.", evidence)
            )
        else:
            lines.append(
                "- " + cite(f"Cluster {row['cluster']}: no one type fits; {cells}.", evidence)
            )
    return Said(lines)


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
    if exact:
        clusters = [str(row["cluster"]) for row in exact]
        total = sum(int(row["cells"]) for row in exact)
        verb = "is" if len(exact) == 1 else "are"
        lines.append(
            cite(
                f"{clusters_named(clusters).capitalize()} {verb} labelled as {plural(asked.label)} "
                f"({asked.id}){_or_narrower(exact, asked.id)}.",
                evidence,
            )
        )
        for row in exact:
            lines.append(
                "- "
                + cite(
                    f"Cluster {row['cluster']}: {row['cell_type']} ({row['ontology_term_id']}); "
                    f"{counted(int(row['cells']), 'cell')}, "
                    f"{percentage(row['agreement'])} of the {row['cells_read']} read agree.",
                    evidence,
                )
            )
        del total
        return Said(lines, replace(ask, clusters=tuple(clusters)))
    lines.append(cite(f"No cluster as a whole is labelled {asked.label} ({asked.id}).", evidence))
    if broader:
        clusters = [str(row["cluster"]) for row in broader]
        kinds = listing(dict.fromkeys(str(row["cell_type"]) for row in broader))
        lines.append(
            cite(
                f"Such cells may hide in {clusters_named(clusters)}, where the model only says {kinds}.",
                evidence,
            )
        )
    if found_cells:
        lines += quote_all(found_cells)
    return Said(lines)


def _or_narrower(rows: list[dict[str, Any]], term_id: str) -> str:
    return "" if all(row["ontology_term_id"] == term_id for row in rows) else " or a kind of these"


def tell_why(ask: Ask, now: Saying) -> Said:
    """Name the genes behind a label."""
    lines, shown = _found_by_type(ask, now), []
    for result in now.of("explain_cell_type"):
        artifact = result.artifact or {}
        shown.append(str(result.facts.get("cluster")))
        lines += quote_all(artifact, skip=r"^The genes were traced")
        lines += pick(artifact, r"^The genes were traced")
        lines += _caveat(artifact)
    if not shown:
        return Said(lines or _no_cluster(ask, now))
    return Said(lines, replace(ask, clusters=tuple(shown)))


def tell_alternative(ask: Ask, now: Saying) -> Said:
    """Weigh another cell type against the label: "why not NK cells?", "is it a B cell?"."""
    lines: list[str] = []
    for result in now.of("explain_alternative"):
        artifact, facts = result.artifact or {}, result.facts
        lead = _verdict(ask, artifact, facts, now)
        rest = quote_all(artifact)
        if ask.intent == "why_not" and lead is None:
            lines += rest
            continue
        lines += [*([lead] if lead else []), *rest]
    return Said(lines)


def _verdict(
    ask: Ask, artifact: Mapping[str, Any], facts: Mapping[str, Any], now: Saying
) -> str | None:
    """Answer yes or no, as far as labels and ontology allow."""
    cluster, evidence = facts["cluster"], str(artifact["id"])
    own_id, other_id = facts.get("term_id"), str(facts["other_id"])
    own, other = str(facts.get("label")), str(facts["other_label"])
    is_question = ask.intent == "is_type"
    if own_id is None:
        line = f"I cannot tell: the model does not commit itself to one type for cluster {cluster}."
    elif now.vocabulary.is_a(str(own_id), other_id):
        same = (
            "that is how the model labels"
            if own_id == other_id
            else f"{own} is a kind of {other}, and so the model labels"
        )
        line = (
            f"Yes: {same} cluster {cluster}."
            if is_question
            else f"It does not rule that out: {same} cluster {cluster}."
        )
    elif now.vocabulary.is_a(other_id, str(own_id)):
        line = (
            f"Possibly: {other} is a kind of {own}, which is as far as the model goes for "
            f"cluster {cluster}."
        )
    else:
        line = f"No: the model labels cluster {cluster} as {own}." if is_question else ""
    return cite(line, evidence) if line else None


def tell_markers(ask: Ask, now: Saying) -> Said:
    """Name the genes that mark a cluster."""
    lines, shown = _found_by_type(ask, now), []
    for result in now.of("rank_markers"):
        lines += quote_all(result.artifact or {})
        shown.append(str(result.facts.get("cluster")))
    if not shown:
        return Said(lines or _no_cluster(ask, now))
    return Said(lines, replace(ask, clusters=tuple(shown)))


def tell_comparison(ask: Ask, now: Saying) -> Said:
    """Name the genes that tell two clusters apart."""
    return Said(quote_all(now.artifact("compare_clusters") or {}))


def tell_sizes(ask: Ask, now: Saying) -> Said:
    """Say how big the clusters are, or one of them."""
    artifact = now.artifact("list_clusters") or {}
    rows, evidence = artifact.get("table") or [], str(artifact["id"])
    by_label = {str(row["cluster"]): row for row in rows}
    if ask.intent == "cluster_size":
        cluster = str(ask.clusters[0])
        row = by_label.get(cluster)
        if row is None:
            known = listing(list(by_label)[:12])
            return Said(
                [cite(f"There is no cluster {cluster}; the clusters are {known}.", evidence)],
                Ask("unclear", text=ask.text),
            )
        share = percentage(row["percent"])
        cells = counted(int(row["cells"]), "cell")
        return Said([cite(f"Cluster {cluster} holds {cells}, {share} of the dataset.", evidence)])
    if ask.intent in {"biggest", "smallest"}:
        key = "largest" if ask.intent == "biggest" else "smallest"
        cluster = str(artifact["facts"][key])
        row = by_label[cluster]
        line = (
            f"Cluster {cluster} is the {ask.intent}, with {counted(int(row['cells']), 'cell')} "
            f"({percentage(row['percent'])} of the dataset)."
        )
        return Said([cite(line, evidence)], replace(ask, clusters=(cluster,)))
    lines = quote_all(artifact)
    if 2 < len(rows) <= _MOST_LISTED:
        sizes = listing(f"{row['cells']:,} in cluster {row['cluster']}" for row in rows)
        lines.append(cite(f"In order, the numbers of cells are {sizes}.", evidence))
    return Said(lines)


CLUSTER_TELLERS: Mapping[str, Teller] = {
    "describe_cluster": tell_cluster,
    "confidence": tell_confidence,
    "label_clusters": tell_labels,
    "which_clusters": tell_which,
    "explain": tell_why,
    "why_not": tell_alternative,
    "is_type": tell_alternative,
    "markers": tell_markers,
    "compare": tell_comparison,
    "list_clusters": tell_sizes,
    "cluster_size": tell_sizes,
    "biggest": tell_sizes,
    "smallest": tell_sizes,
}
