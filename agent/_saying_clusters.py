"""Answers about clusters: what they are, how sure that is, how they differ."""

import re
from collections.abc import Mapping
from dataclasses import replace

from ._asks import Ask
from ._calls import labelled_as
from ._history import Result
from ._phrasing import (
    cite,
    counted,
    listing,
    percentage,
    pick,
    plural,
    quote_all,
    vary,
)
from ._saying import Said, Saying, Teller
from ._saying_trust import FAIR, SURE, least_sure, not_named, on_average, surety
from ._saying_worth import leans, worth
from ._talk import EXPLAINED
from ._verdicts import asks_yes_no, direction, verdict
from ._words import NUMBERS

_MOST_LISTED = 30
_OF_ALL = re.compile(r"\b(?:each|every|all)\b.*\bcluster", re.IGNORECASE)
_LISTS = re.compile(r"\b(?:list|all|each|every|table|rank\w*|sort\w*|order\w*|from most)\b", re.I)
_WHOLE = re.compile(
    r"\b(describe|tell|more|detail|everything|summari[sz]e|explain|pathways?|tissue|disease|"
    r"healthy|"
    r"life stage|active)\b",
    re.I,
)


# What a question may be about, and the sentences that answer it.
_ASPECTS = (
    (r"\belse\b|alternativ|second best|runner|\bif not\b", r"labels? .* gave in cluster|as "),
    (r"\bpathways?\b|\bprogram", r"[Pp]athway"),
    (r"\btissues?\b|\borgan\b", r"\btissue\b"),
    (r"\bdisease|\bhealthy\b|\bsick\b|\bcovid|\bcancer", r"\bdisease state\b"),
    (r"\blife stage|\bage\b|\bold\b", r"\blife stage\b"),
    (r"\bauthors?\b", r"\bauthors' labels\b"),
)


def _certainty(confidence: float | None, percent: float, seed: int) -> str:
    if confidence is None or confidence < FAIR or percent < 50:
        return "may be"
    if confidence >= SURE and percent >= 80:
        return vary(("is most likely", "is very likely"), seed)
    return vary(("is probably", "looks like"), seed)


def _term(label: str, term_id: str | None) -> str:
    return f"{label} ({term_id})" if term_id else label


def tell_cluster(ask: Ask, now: Saying) -> Said:
    """Say what a cluster is; everything the model read when a description is asked for."""
    lines = _found_by_type(ask, now)
    shown, named = [], []
    for result in now.of("describe_cluster"):
        lines += _one_cluster(ask, result, now)
        shown.append(str(result.facts.get("cluster")))
        if result.facts.get("is_known"):
            named.append(str(result.facts["label"]))
    if not shown and now.of("describe_selection"):
        return Said([*_no_cluster(ask, now), *quote_all(now.artifact("describe_selection") or {})])
    if not shown:
        return Said(lines or _no_cluster(ask, now))
    types = tuple(named[-1:]) or ask.cell_types
    return Said(lines, replace(ask, clusters=tuple(shown), cell_types=types))


def _one_cluster(ask: Ask, result: Result, now: Saying) -> list[str]:
    artifact, facts = result.artifact or {}, result.facts
    cluster, evidence = facts["cluster"], str(artifact["id"])
    percent = float(facts.get("percent") or 0)
    aspects = [wanted for asked, wanted in _ASPECTS if re.search(asked, ask.text, re.IGNORECASE)]
    if aspects:
        return pick(artifact, "|".join(aspects)) or quote_all(artifact)[:1]
    lines = []
    if facts.get("is_known"):
        verb = _certainty(facts.get("confidence"), percent, now.seed)
        kind = f"{plural(str(facts['label']))} ({facts['term_id']})"
        lines.append(cite(f"Cluster {cluster} {verb} {kind}.", evidence))
        lines += _support(result)
    else:
        lines += pick(artifact, r"unsure about cluster")
    if not facts.get("is_known") or percent < 90:
        lines += pick(artifact, r"labels .* gave in cluster")
    if re.search(
        r"\b(describe|tell|more|detail|everything|summari[sz]e|explain)\b", ask.text, re.I
    ):
        lines += pick(artifact, r"^For the |[Pp]athway")
    lines += pick(artifact, r"marker genes")
    lines += pick(artifact, r"^Cluster .* holds ")
    lines += pick(artifact, r"^The authors' labels")
    lines += now.caveats(artifact, skip=r"are the model's predictions|rest on a sample")
    return lines


def _support(result: Result) -> list[str]:
    """Say how many of the cells carry the label, and how sure the model is of them."""
    row = next((row for row in result.table if row.get("claim") == "cell type"), None)
    if row is None or row.get("cells") is None:
        return []
    given = [row for row in result.table if row.get("claim") == "label given"]
    exact = any(
        given_row["ontology_term_id"] == row["ontology_term_id"]
        and given_row["cells"] == row["cells"]
        for given_row in given
    )
    label = "that label" if exact else "that label or a more specific one"
    number, of = int(row["cells"]), counted(int(row["of"]), "cell")
    verb = "carries" if number == 1 else "carry"
    line = (
        f"{number:,} of the {of} that the model read {verb} {label} "
        f"({percentage(row['percent'])}), with a mean confidence of {row['confidence']:.2f}."
    )
    return [cite(line, str((result.artifact or {})["id"]))]


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
    asked = now.vocabulary.resolve(name)
    kind = _term(asked.label, asked.id) if asked else name
    return [cite(f"The model labels no cluster as {kind}.", str(labels["id"]))]


_MEANS = re.compile(
    r"(?i)\bexplain\b|\bmean(?:s|ing)?\b(?! confidence)|\bstands? for\b|\bdefin\w*\b|"
    r"\bhow (?:is|was|do you) .*\b(?:comput|calculat|measur|get)\w*"
)


def tell_confidence(ask: Ask, now: Saying) -> Said:
    """Say how far the model and the cells agree on the label, and what that means."""
    lines, shown = _found_by_type(ask, now), []
    if _MEANS.search(ask.text):
        lines = [EXPLAINED["confidence"]]
    for result in now.of("describe_cluster"):
        artifact, facts = result.artifact or {}, result.facts
        cluster, evidence = facts["cluster"], str(artifact["id"])
        shown.append(str(cluster))
        if facts.get("is_known"):
            sure = float(facts.get("confidence") or 0)
            agree = float(facts.get("percent") or 0)
            lead = surety(sure, agree)
            lines.append(
                cite(
                    f"{lead}: for cluster {cluster} the mean confidence in "
                    f"{_term(facts['label'], facts['term_id'])} is {sure:.2f}, and "
                    f"{percentage(agree)} of the cells read agree.",
                    evidence,
                )
            )
        else:
            lines += pick(artifact, r"unsure about cluster")
        if _MEANS.search(ask.text):
            continue
        lines += pick(artifact, r"labels .* gave in cluster")
        lines += pick(artifact, r"^The authors' labels")
        lines += now.caveats(artifact)
    if shown:
        return Said(lines, replace(ask, clusters=tuple(shown)))
    if (chosen := now.artifact("describe_selection")) is not None:
        return Said([*pick(chosen, r"unsure|describes|labels? "), *now.caveats(chosen)])
    own = now.artifact("label_clusters")
    if own is not None and ask.mode == "least":
        said, clusters = least_sure(own, ask.number or 1)
        return Said([*said, *now.caveats(own)], replace(ask, clusters=clusters, mode=""))
    labels = (own or {}).get("table") or []
    known = [row for row in labels if row.get("confidence") is not None]
    worst = min(known, key=lambda row: row["confidence"], default=None)
    clusters = (str(worst["cluster"]),) if worst else ()
    return Said(lines + _confidence_of_all(ask, now), replace(ask, clusters=clusters))


def _confidence_of_all(ask: Ask, now: Saying) -> list[str]:
    labels = now.artifact("label_clusters")
    if labels is None:
        return ["I could not find that cluster."]
    rows = [row for row in labels.get("table") or [] if row.get("confidence") is not None]
    ranked = sorted(rows, key=lambda row: -row["confidence"])
    said = on_average(labels)
    few = re.search(r"(?i)\b(\d+|two|three|four|five)\b(?=.*\bleast\b)", ask.text)
    if few and len(ranked) > 2:
        number = NUMBERS.get(few[1].casefold()) or int(few[1])
        shown = listing(
            f"cluster {row['cluster']} ({row['cell_type']}, {row['confidence']:.2f})"
            for row in ranked[::-1][:number]
        )
        said = [cite(f"The model is least confident of {shown}.", str(labels["id"])), *said]
    if _LISTS.search(ask.text):
        said += [
            "- "
            + cite(
                f"Cluster {row['cluster']}: {_term(row['cell_type'], row['ontology_term_id'])}, "
                f"mean confidence {row['confidence']:.2f}.",
                str(labels["id"]),
            )
            for row in ranked[:_MOST_LISTED]
        ]
    return [*said, *now.caveats(labels)]


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
    rows = [row for row in artifact.get("table") or [] if row.get("confidence") is not None]
    if _NOT_NAMED.search(ask.asked) and (unnamed := not_named(artifact)):
        lines = [*unnamed, *(line for line in lines if "no one type fits" in line)]
        clusters = tuple(map(str, artifact["facts"]["unsure"]))
        return Said(lines, replace(ask, clusters=clusters))
    if rows and _LEAST_SURE.search(ask.asked or ask.text):
        said, clusters = least_sure(artifact)
        return Said([*said, *lines], replace(ask, clusters=clusters))
    return Said(lines)


_LEAST_SURE = re.compile(
    r"(?i)\b(?:least|not|less) (?:sure|certain|confident)|\b(?:lowest|least) confidence\b|doubt|"
    r"\b(?:weakest|shakiest|worst)\b"
)
_NOT_NAMED = re.compile(
    r"(?i)\b(?:un(?:named|labell?ed|known|identified|assigned)|(?:can ?not|not|could not|unable to|"
    r"no) (?:\w+ )?(?:name|names|type|label|labels|identify|call)d?)\b|"
    r"n't (?:you )?(?:name|label|identify|call)"
)


def tell_why(ask: Ask, now: Saying) -> Said:
    """Name the genes behind a label."""
    lines, shown = [*_found_by_type(ask, now), *lying(now)], []
    for result in now.of("explain_cell_type"):
        artifact = result.artifact or {}
        shown.append(str(result.facts.get("cluster")))
        lines += _denied(ask, result, now)
        said = quote_all(artifact)
        method = [line for line in said if line.startswith("The genes were traced")]
        lines += [*(line for line in said if line not in method), *method]
        lines += now.caveats(artifact)
    if not shown:
        return Said(lines or _no_cluster(ask, now))
    genes = tuple(now.of("explain_cell_type")[-1].facts.get("genes") or ())
    if ask.barcodes:
        return Said(lines, replace(ask, listed=genes))
    return Said(lines, replace(ask, clusters=tuple(shown), listed=genes))


def lying(now: Saying) -> list[str]:
    """Say in which clusters the cells lie for which these clusters speak."""
    chosen = now.artifact("describe_selection")
    return (
        pick(chosen, r"^Of .* there are |^(?:They|Most of them) lie in ")
        if chosen is not None
        else []
    )


def _denied(ask: Ask, result: Result, now: Saying) -> list[str]:
    """Say that a cluster is not labelled so, where it was asked why it is."""
    asked = now.vocabulary.resolve(ask.cell_types[0]) if ask.cell_types else None
    own = result.facts.get("term_id")
    if asked is None or not (ask.clusters or ask.where) or own is None:
        return []
    if now.vocabulary.is_a(str(own), asked.id) or now.vocabulary.is_a(asked.id, str(own)):
        return []
    kind = _term(str(result.facts["label"]), str(own))
    line = f"The model does not call cluster {result.facts['cluster']} so, but {kind}."
    return [cite(line, str((result.artifact or {})["id"]))]


def tell_markers(ask: Ask, now: Saying) -> Said:
    """Name the genes that mark a cluster."""
    lines, shown = [], []
    for result in now.of("rank_markers"):
        said = _named_by_type(result, ask, now)
        short = said[:1] if _OF_ALL.search(ask.text) else said
        lines += [*worth(ask, result.artifact or {}), *([] if leans(ask) else short)]
        shown.append(str(result.facts.get("cluster")))
    if not shown and (compared := now.artifact("compare_selections")):
        genes = tuple((compared.get("facts") or {}).get("genes") or ())
        said = quote_all(compared)
        if direction(ask.text) < 0:
            genes = tuple((compared.get("facts") or {}).get("other_genes") or ())
        starts = _sides(said)
        # What is higher in all other cells marks no group, unless what is lower was asked.
        side = starts[(1 if direction(ask.text) < 0 else 0) :][:1]
        kept = [said[at] for at in side] if len(starts) == 2 else said[:1]
        kept += [line for line in said if line.split(" ", 1)[0] in genes[:1]]
        of_type = [] if ask.clusters else _no_cluster(ask, now)
        return Said([*kept, *of_type], replace(ask, listed=genes))
    if not shown:
        known = now.artifact("list_markers_of_type")
        genes = tuple((known.get("facts") or {}).get("genes") or ()) if known else ()
        said = [*(lines or _no_cluster(ask, now)), *(quote_all(known)[:3] if known else [])]
        return Said(said, replace(ask, listed=genes))
    listed = tuple(now.of("rank_markers")[-1].facts.get("genes") or ())
    return Said(lines, replace(ask, clusters=tuple(shown), listed=listed))


def _named_by_type(result: Result, ask: Ask, now: Saying) -> list[str]:
    """Return what is said of a cluster's markers; how the type led to it stands beside it."""
    artifact, labels = result.artifact or {}, now.artifact("label_clusters")
    said, cluster = quote_all(artifact), str(result.facts.get("cluster"))
    rows = (labels or {}).get("table") or []
    row = next((row for row in rows if str(row["cluster"]) == cluster), None)
    if labels is None or ask.clusters or row is None or not said:
        return said
    kind = _term(row["cell_type"], row["ontology_term_id"])
    first = str(artifact.get("text", "")).split(". ")[0].rstrip(".")
    first = first.replace(
        f"cluster {cluster} ", f"cluster {cluster} (which the model labels {kind}) ", 1
    )
    return [cite(f"{first}.", str(artifact["id"]), str(labels["id"])), *said[1:]]


def tell_is_marker(ask: Ask, now: Saying) -> Said:
    """Say whether a gene is among the strongest markers of a cluster."""
    artifact, gene = now.artifact("rank_markers") or {}, ask.genes[0]
    rows, evidence = artifact.get("table") or [], str(artifact["id"])
    cluster = artifact["facts"]["cluster"]
    row = next((row for row in rows if str(row["gene"]).casefold() == gene.casefold()), None)
    if row is None:
        best = listing(str(row["gene"]) for row in rows[:3])
        line = f"No: it is not among the {len(rows)} strongest markers of cluster {cluster}"
        return Said([cite(f"{line}, which {best} lead." if best else f"{line}.", evidence)])
    line = f"Yes: {row['gene']} is among the {len(rows)} strongest markers of cluster {cluster}"
    if "percent_out" in row:
        line += (
            f"; {percentage(row['percent_in'])} of its cells express it, and "
            f"{percentage(row['percent_out'])} of the other cells"
        )
    return Said([cite(line + ".", evidence)], replace(ask, clusters=(str(cluster),)))


def tell_comparison(ask: Ask, now: Saying) -> Said:
    """Name the genes that tell two clusters apart."""
    artifact = now.artifact("compare_clusters") or {}
    genes = tuple((artifact.get("facts") or {}).get("genes") or ())
    said = differing(ask, of_side(quote_all(artifact), ask))
    said = [*worth(ask, artifact), *([] if leans(ask) else said)]
    others = tuple((artifact.get("facts") or {}).get("other_genes") or ())
    return Said(said, replace(ask, listed=genes, others=others))


def differing(ask: Ask, said: list[str]) -> list[str]:
    """Say first that two groups do differ, where it was asked whether they do."""
    same = re.search(r"(?i)\b(?:same|alike|identical|equal)\b", ask.text)
    other = re.search(r"(?i)\b(?:different|differ|distinct)\b", ask.text)
    by_type = re.search(r"(?i)\btypes?\b|\blabels?\b", ask.text)  # told by the labels, not by genes
    if not said or not asks_yes_no(ask.text) or by_type or not (same or other):
        return said
    differ = any(line.startswith("Higher in") for line in said)
    return [verdict(said[0], yes=differ != bool(same)), *said[1:]]


def _sides(lines: list[str]) -> list[int]:
    """Return where the sentences on each of two groups begin."""
    return [at for at, line in enumerate(lines) if re.match(r"Higher in |No gene is sig", line)]


def of_side(lines: list[str], ask: Ask) -> list[str]:
    """Keep the sentences on the second of two groups, or the first, where one was asked for."""
    asked = re.search(r"(?i)\b(?:higher|up|enriched|high|specific)\b.*\b(first|former|second|"
    r"latter|"
                      r"other)\b", ask.text)  # fmt: skip
    starts = _sides(lines)
    if len(starts) == 2 and asked is None and (up := direction(ask.text)):
        return _without_side(lines, lines[starts[1 if up > 0 else 0]])
    if asked is None or len(starts) != 2:
        return lines
    is_first = asked.group(1).casefold() in {"first", "former"}
    return lines[starts[0] : starts[1]] if is_first else lines[starts[1] :]


def _without_side(lines: list[str], other: str) -> list[str]:
    """Leave out the genes of a side that was not asked for, and what is said of the first."""
    gene = re.search(r" (?:are|is) ([\w.-]+)", other)
    detail = f"{gene[1]} is expressed in " if gene and other.startswith("Higher") else other
    return [line for line in lines if line != other and not line.startswith(detail)]


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
    "explain": tell_why,
    "markers": tell_markers,
    "is_marker": tell_is_marker,
    "compare": tell_comparison,
    "list_clusters": tell_sizes,
    "cluster_size": tell_sizes,
    "biggest": tell_sizes,
    "smallest": tell_sizes,
}
