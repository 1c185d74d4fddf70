"""Answers about the dataset, single cells, genes, maps and ontology terms."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._calls import labelled_as
from ._history import Result
from ._phrasing import cite, counted, listing, percentage, pick, quote_all
from ._saying import Said, Saying, Teller
from ._saying_trust import of_all_genes
from ._verdicts import asks_yes_no, verdict

_MOST_NEXT = 2
_ID = re.compile(r"(?i)\b(?:CL|ontology|term) ?ids?\b|\bids? of\b|\bidentifiers?\b")
_SUBTYPES = re.compile(
    r"(?i)\bsub-?types?\b|\bsub-?sets?\b|\b(?:kinds?|types|sorts?) of\b|"
    r"\bchildren\b"
)
_OF_THE_BODY = re.compile(
    r"\b(tissues?|diseased?|healthy|covid|cancer|organs?|organism|species|donors?|patients?)\b",
    re.IGNORECASE,
)
_BY_SOMETHING = re.compile(
    r"\b(?:by|per|across|how many|number of|between)\s+(?:the\s+|different\s+)?"
    r"(donors?|patients?|samples?|batch(?:es)?|conditions?|treatments?|individuals?|groups)\b",
    re.IGNORECASE,
)
_RANKS = re.compile(r"\b(?:rank\w*|sort\w*|order\w*|each cluster|every cluster|all clusters|"
                    r"(?:per|by|across) (?:the )?clusters?)\b", re.IGNORECASE)  # fmt: skip
_LACKS = re.compile(
    r"\b(?:lack\w*|absent|missing|without|not express\w*|don't express|do not express|negative|"
    r"lowest)\b",
    re.IGNORECASE,
)
_MOST_RANKED = 30
_HARDLY = 5.0  # percent of the cells
_MORE = re.compile(r"\b(higher|more|stronger|lower|less|weaker)\b", re.IGNORECASE)


def tell_dataset(ask: Ask, now: Saying) -> Said:
    """Summarise the dataset."""
    artifact = now.artifact("describe_dataset") or {}
    if ask.mode == "scale":
        return Said(_of_scale(ask.asked, artifact))
    if ask.mode == "clusters":
        return Said(pick(artifact, r"^The cells form |^What was missing was made"))
    if (asked := _BY_SOMETHING.search(ask.text)) is not None:
        noun = asked.group(1).casefold()
        lines = [f"I see no column called '{noun}' that groups the cells of your file."]
        return Said([*lines, *pick(artifact, r"\bcolumns?\b")])
    if not _OF_THE_BODY.search(ask.text):
        return Said(quote_all(artifact))
    lines = [*quote_all(artifact)[:1], *pick(artifact, r"human genes|mouse genes|species|Donors")]
    lines.append(
        "I cannot read tissue or disease off the file itself; ask me to describe a cluster, and I "
        "will tell you what the model makes of its cells."
    )
    return Said(lines)


_NORMALISED = re.compile(r"(?i)\b(?:log\w*|(?:un)?normali[sz]\w*|transform\w*|scaled|z-?scor\w*)\b")


def _of_scale(asked: str, artifact: Mapping[str, Any]) -> list[str]:
    """Say whether the matrix holds raw counts, or other values, and what was made of it."""
    is_raw = (artifact.get("facts") or {}).get("matrix") == "counts"
    is_of_other = _NORMALISED.search(asked) and not re.search(r"(?i)\bcounts?\b|\braw\b", asked)
    lines = pick(artifact, r"^Expression is read from|^What was missing was made")
    if is_of_other and not asks_yes_no(asked):
        return lines
    yes = is_raw != bool(is_of_other)
    return [verdict(line, yes=yes) if n == 0 else line for n, line in enumerate(lines)]


def tell_counts(ask: Ask, now: Saying) -> Said:
    """Say how many cells, genes or clusters there are."""
    artifact = now.artifact("describe_dataset") or {}
    if _BY_SOMETHING.search(ask.text):
        return tell_dataset(ask, now)
    facts, evidence = artifact["facts"], str(artifact["id"])
    cells, genes = counted(int(facts["n_obs"]), "cell"), counted(int(facts["n_vars"]), "gene")
    clusters = counted(int(facts["n_clusters"]), "cluster")
    text = ask.text.casefold()
    named = [
        words
        for noun, words in (("cell", cells), ("gene", genes), ("cluster", clusters))
        if noun in text
    ] or [cells, genes, clusters]
    lines = [cite(f"The dataset holds {listing(named)}.", evidence)]
    if named == [genes] and (said := of_all_genes(ask.asked, int(facts["n_vars"]))):
        lines = [cite(said, evidence)]
    return Said(lines)


def tell_cells(ask: Ask, now: Saying) -> Said:
    """Show what the model says about single cells, in its own words."""
    results = now.of("describe_cells")
    if not results:
        from ._saying_clusters import tell_cluster

        return tell_cluster(ask, now)
    artifact, facts = results[0].artifact or {}, results[0].facts
    evidence, rows = str(artifact["id"]), results[0].table
    cluster = facts.get("cluster") or (ask.clusters[0] if ask.clusters else None)
    where = f" of cluster {cluster}" if cluster is not None else ""
    other = "other " if ask.more else ""
    cells = f"{len(rows)} {other}{'cell' if len(rows) == 1 else 'cells'}{where}"
    lines = [cite(f"This is what the model says about {cells}.", evidence)]
    for row in rows:
        sure = float(row.get("cell_type_confidence") or 0)
        said = str(row.get("description") or row.get("cell_type")).replace('"', "'")
        own = "" if cluster is not None else f" (cluster {row['cluster']})"
        known = row.get("cell_type_ontology_term_id")
        tail = f", cell type with confidence {sure:.2f} ({known})" if known else ""
        lines.append("- " + cite(f'Cell {row["cell"]}{own}: "{said}"{tail}.', evidence))
    clusters = (str(cluster),) if cluster is not None else ()
    barcodes = tuple(str(row["barcode"]) for row in rows)
    return Said(lines, replace(ask, clusters=clusters, number=len(rows), barcodes=barcodes))


def tell_expression(ask: Ask, now: Saying) -> Said:
    """Say where a gene is on, and in the cluster that was asked for."""
    result = now.of("show_expression")[0]
    artifact, rows = result.artifact or {}, [row for row in result.table if "cluster" in row]
    evidence, gene = str(artifact["id"]), str(result.facts.get("gene"))
    scale = str(result.facts.get("scale") or "value")
    lines: list[str] = []
    if ask.mode == "measured":
        whole = pick(artifact, r"is detected in|cannot be told|is measured as")
        lines = [cite(f"Yes: {gene} is measured in this dataset.", evidence), *whole]
        return Said(lines, replace(ask, genes=(gene,)))
    if ask.plot == "umap" and artifact.get("drawn"):
        lines.append(cite(f"The UMAP is coloured by the expression of {gene}.", evidence))
    if _ELSEWHERE.search(ask.text):
        lines += _elsewhere(ask, gene, result, now)
    for cluster in ask.clusters:
        row = next((row for row in rows if str(row["cluster"]) == cluster), None)
        if row is not None:
            said = _in_cluster(gene, row, scale)
            if asks_yes_no(ask.text) and len(ask.clusters) == 1 and not lines:
                said = _whether_on(said, row)
            lines.append(cite(said, evidence))
    lines += _of_labels(ask, gene, result, now) or _of_types(ask, gene, rows, now)
    if ask.intent == "where_highest" and not _LACKS.search(ask.text):
        highest = pick(artifact, r"\bhighest\b")
        if not re.search(r"(?i)\bclusters?\b", ask.text):  # the authors' names say more
            highest.sort(key=lambda line: not line.startswith("By the labels of the authors"))
        lines += [*highest, *_called(result, now), *_runners_up(gene, rows, evidence)]
        lines += pick(artifact, r"is detected in|cannot be told|is measured as")
        lines = _place_asked(ask, gene, result) + lines
        if asks_yes_no(ask.asked) and not _ELSEWHERE.search(ask.asked):
            lines = _on_at_all(lines, rows)
        top = str(result.facts.get("highest_cluster"))
        return Said(lines, replace(ask, genes=(gene,), clusters=(top,)))
    both = [row for row in rows if str(row["cluster"]) in ask.clusters]
    if len(both) == 2 and (asked := _MORE.search(ask.text)):
        said = _which_is_more(f"{scale} of {gene}", both, ask.clusters, asked.group(1), ask.text)
        return Said([cite(said, evidence), *lines])
    lines += quote_all(artifact)
    if _RANKS.search(ask.text) and len(rows) > 2:
        lines += _ranking(scale, rows, evidence)
    elif _LACKS.search(ask.text):
        lines = [*_lacking(gene, rows, evidence), *lines]
    return Said(lines, replace(ask, genes=(gene,), clusters=()))


_RARE = 1.0  # percent of the cells of each cluster below which a gene is hardly anywhere


def _on_at_all(lines: list[str], rows: list[dict[str, Any]]) -> list[str]:
    """Put first in how many cells a gene is, with a yes or a no."""
    whole = [line for line in lines if " is detected in " in line]
    shares = [float(row["percent_expressing"]) for row in rows if "percent_expressing" in row]
    if not whole or not shares:
        return lines
    most = max(shares)
    said = verdict(whole[0], yes=most >= _SEEN_IN)
    if 0 < most < _SEEN_IN:
        said = said.replace("No:", "Hardly:" if most < _RARE else "Only in few cells:", 1)
    return [said, *(line for line in lines if line != whole[0])]


def _called(result: Result, now: Saying) -> list[str]:
    """Say what the model calls the cluster in which a gene is highest."""
    labels = now.artifact("label_clusters")
    top = str(result.facts.get("highest_cluster"))
    rows = (labels or {}).get("table") or []
    row = next((row for row in rows if str(row["cluster"]) == top), None)
    if labels is None or row is None or not row.get("ontology_term_id"):
        return []
    kind = f"{row['cell_type']} ({row['ontology_term_id']})"
    return [cite(f"The model labels cluster {top} as {kind}.", str(labels["id"]))]


def _whether_on(line: str, row: Mapping[str, Any]) -> str:
    """Put yes or no before how many cells of a cluster have a gene; of few it is hardly on."""
    share = float(row.get("percent_expressing", 100))
    said = verdict(line, yes=share >= _SEEN_IN)
    return said.replace("No:", "No, hardly:", 1) if 0 < share < _SEEN_IN else said


_ELSEWHERE = re.compile(
    r"(?i)\b(?:any ?where else|elsewhere|else|(?:any )?others?|another|restricted|specific|unique|"
    r"exclusive\w*|confined|limited)\b|^(?:and |so |but )*(?:is|are|does) .*\bonly\b"
)
_OTHER_ONE = re.compile(r"(?i)\b(?:any ?where else|elsewhere|else|(?:any )?others?|another)\b")
_SEEN_IN = 10.0  # percent of the cells of a group that has a gene


def _elsewhere(ask: Ask, gene: str, result: Result, now: Saying) -> list[str]:
    """Say whether a gene is on in other groups than the one it is highest in, or that was named."""
    named = {name.casefold().rstrip("s") for name in ask.cell_types}
    known = (now.vocabulary.authors.get(n.casefold(), ("", n))[1] for n in ask.cell_types)
    named |= {label.casefold().rstrip("s") for label in known}
    labels = [dict(row) for row in result.facts.get("by_label") or []]
    own = [row for row in labels if str(row["label"]).casefold().rstrip("s") in named]
    rows, key = (
        (labels, "label") if own else ([r for r in result.table if "cluster" in r], "cluster")
    )
    if not rows or "percent_expressing" not in rows[0]:
        return []
    ranked = sorted(rows, key=lambda row: -float(row["percent_expressing"]))
    mine = own or [r for r in ranked if str(r.get("cluster")) in ask.clusters] or ranked[:1]
    others = [r for r in ranked if r not in mine and float(r["percent_expressing"]) >= _SEEN_IN]

    def shown(found: list[dict[str, Any]]) -> str:
        words = "cluster {}" if key == "cluster" else "'{}'"
        return listing(
            f"{percentage(r['percent_expressing'])} in {words.format(r[key])}" for r in found[:5]
        )

    base = f"{gene} is detected in {percentage(mine[0]['percent_expressing'])} of the cells of "
    base += f"cluster {mine[0][key]}" if key == "cluster" else f"'{mine[0][key]}'"
    if others:
        line = f"{base}; of the other groups it is detected in {shown(others)}."
    else:
        line = f"{base}, and in less than a tenth of the cells of every other group."
    if asks_yes_no(ask.text):
        line = verdict(line, yes=bool(others) == bool(_OTHER_ONE.search(ask.text)))
    return [cite(line, str((result.artifact or {})["id"]))]


def _of_labels(ask: Ask, gene: str, result: Result, now: Saying) -> list[str]:
    """Say how a gene stands in the cells that the authors call by a name that was asked about."""
    evidence, lines = str((result.artifact or {})["id"]), []
    rows = {str(row["label"]): row for row in result.facts.get("by_label") or []}
    for name in ask.cell_types:
        low = name.casefold()
        known = now.vocabulary.authors.get(low) or now.vocabulary.authors.get(low.rstrip("s"))
        row = rows.get(known[1]) if known else None
        if row is None:
            continue
        share = (
            f"{percentage(row['percent_expressing'])} of the {counted(int(row['cells']), 'cell')} "
            f"that the authors call '{row['label']}' express {gene}, with a mean log expression of "
            f"{row['mean']:.2f}."
            if "percent_expressing" in row
            else f"In the cells that the authors call '{row['label']}' the mean z-score of {gene} "
            f"is {row['mean']:.2f}."
        )
        lines.append(cite(share, evidence))
    return lines


def _place_asked(ask: Ask, gene: str, result: Result) -> list[str]:
    """Say which group comes second, or last, where that was asked."""
    asked = re.search(r"(?i)\b(second|third|next|last|lowest|least)\b", ask.text)
    rows = result.facts.get("by_label") or []
    name = "label"
    if not rows or re.search(r"(?i)\bclusters?\b", ask.text):
        rows = sorted(result.table, key=lambda row: -float(row["mean"]))
        name = "cluster"
    if asked is None or len(rows) < 2:
        return []
    at = {"second": 1, "next": 1, "third": 2}.get(asked.group(1).casefold(), -1)
    row = rows[min(at, len(rows) - 1)]
    group = f"cluster {row[name]}" if name == "cluster" else f"'{row[name]}'"
    place = {1: "Second for", 2: "Third for"}.get(at, "Lowest for")
    scale = result.facts.get("scale") or "value"
    line = f"{place} {gene} is {group}, with a mean {scale} of {row['mean']:.2f}."
    return [cite(line, str((result.artifact or {})["id"]))]


def _of_types(ask: Ask, gene: str, rows: list[dict[str, Any]], now: Saying) -> list[str]:
    """Say how a gene stands in the clusters that are labelled as the types asked about."""
    labels = now.artifact("label_clusters")
    if labels is None:
        return []
    lines = []
    for name in ask.cell_types:
        exact, _ = labelled_as(labels.get("table") or [], name, now.vocabulary)
        for label in exact[: _MOST_NEXT * 2]:
            row = next((row for row in rows if str(row["cluster"]) == str(label["cluster"])), None)
            if row is not None:
                kind = f"{label['cell_type']} ({label['ontology_term_id']})"
                scale = str((now.of("show_expression")[0].facts).get("scale") or "value")
                line = _in_cluster(gene, row, scale).replace(
                    ",", f", which the model calls {kind},", 1
                )
                ids = [str(labels["id"])]
                ids += [str(r.artifact["id"]) for r in now.of("show_expression")[:1] if r.artifact]
                lines.append(cite(line, *ids))
    return lines


def _ranking(scale: str, rows: list[dict[str, Any]], evidence: str) -> list[str]:
    """List all clusters from the highest mean to the lowest."""
    ranked = sorted(rows, key=lambda row: -float(row["mean"]))[:_MOST_RANKED]
    return [
        "- " + cite(f"Cluster {row['cluster']}: mean {scale} {row['mean']:.2f}.", evidence)
        for row in ranked
    ]


def _lacking(gene: str, rows: list[dict[str, Any]], evidence: str) -> list[str]:
    """Say in which clusters fewer than one cell in twenty has a gene."""
    few = [row for row in rows if float(row.get("percent_expressing", 100)) < _HARDLY]
    if not few:
        return []
    shown = listing(
        f"cluster {row['cluster']} ({percentage(row['percent_expressing'])} of the cells)"
        for row in sorted(few, key=lambda row: float(row["percent_expressing"]))
    )
    return [cite(f"{gene} is nearly absent from {shown}.", evidence)]


def _which_is_more(
    what: str, rows: list[dict[str, Any]], order: tuple[str, ...], asked: str, question: str
) -> str:
    """Answer whether a gene is higher in the first of two clusters than in the second."""
    means = {str(row["cluster"]): float(row["mean"]) for row in rows}
    first, second = means[order[0]], means[order[1]]
    if re.search(r"\bor\b", question):
        more = asked.casefold() not in {"lower", "less", "weaker"}
        best = order[0] if (first > second) == more else order[1]
        said = f"The mean {what} is {'higher' if more else 'lower'} in cluster {best}"
        return (
            f"{said}: it is {first:.2f} in cluster {order[0]} and {second:.2f} in cluster "
            f"{order[1]}."
        )
    is_so = first < second if asked.casefold() in {"lower", "less", "weaker"} else first > second
    return (
        f"{'Yes' if is_so else 'No'}: the mean {what} is {first:.2f} in cluster {order[0]} and "
        f"{second:.2f} in cluster {order[1]}."
    )


def _in_cluster(gene: str, row: Mapping[str, Any], scale: str) -> str:
    if "percent_expressing" not in row:
        return f"In cluster {row['cluster']} the mean {scale} of {gene} is {row['mean']:.2f}."
    return (
        f"In cluster {row['cluster']}, {percentage(row['percent_expressing'])} of the cells "
        f"express {gene}, with a mean {scale} of {row['mean']:.2f}."
    )


def _runners_up(gene: str, rows: list[dict[str, Any]], evidence: str) -> list[str]:
    ranked = sorted(rows, key=lambda row: -float(row["mean"]))[1 : 1 + _MOST_NEXT]
    if not ranked or len(rows) < 3:
        return []
    shown = listing(f"cluster {row['cluster']} ({row['mean']:.2f})" for row in ranked)
    verb = "comes" if len(ranked) == 1 else "come"
    return [cite(f"Next {verb} {shown}.", evidence)]


def tell_found(ask: Ask, now: Saying) -> Said:
    """Say how many cells of a type there are."""
    artifact = now.artifact("find_cells") or {}
    cluster = (artifact.get("facts") or {}).get("cluster")
    clusters = (str(cluster),) if cluster is not None else ()
    lines = quote_all(artifact)
    if artifact and not now.vocabulary.author_columns:
        line = "Single cells are read here; the label of a cluster counts all of its cells."
        lines.append(cite(line, str(artifact["id"])))
    return Said(lines, replace(ask, clusters=clusters))


def tell_plot(ask: Ask, now: Saying) -> Said:
    """Say what the map shows."""
    artifact = now.artifact("plot_umap") or {}
    if artifact.get("tool") == "label_clusters":
        line = "The map is coloured by the cell types that the model names."
        return Said([cite(line, str(artifact["id"])), *quote_all(artifact)[:1]])
    return Said([*quote_all(artifact), *now.caveats(artifact)])


def tell_term(ask: Ask, now: Saying) -> Said:
    """Say what the ontology says about a term."""
    lines: list[str] = []
    for result in now.of("look_up_term"):
        if re.search(r"(?i)\bsynonyms?\b|\b(?:other|also) (?:names?|called)\b", ask.text):
            lines += pick(result.artifact or {}, r"^Other names")
        elif re.search(r"(?i)\b(?:kind|type|sort) of what\b|\bparents?\b", ask.text):
            lines += pick(result.artifact or {}, r"lies directly below")
        elif _SUBTYPES.search(ask.text):
            below = result.artifact or {}
            lines += [*pick(below, r"^Directly below"), *pick(below, r" lies? below |Ontology \(")]
            continue
        elif _ID.search(ask.text) and (artifact := result.artifact):
            line = f"The id of {result.facts['label']} is ({result.facts['term_id']})."
            lines += [cite(line, str(artifact["id"])), *pick(artifact, r" defines | is called ")]
            continue
        lines += quote_all(result.artifact or {})
    lines = list(dict.fromkeys(lines))
    names = tuple(str(result.facts.get("label")) for result in now.of("look_up_term"))
    return Said(lines, replace(ask, cell_types=names or ask.cell_types))


def tell_difference(ask: Ask, now: Saying) -> Said:
    """Set the definitions of two terms side by side."""
    results = now.of("look_up_term")
    lines: list[str] = []
    for result in results:
        lines += pick(result.artifact or {}, r" defines | gives no definition ")
    if len(results) >= 2:
        lines = [*_kinship(ask, results[0], results[1], now), *lines]
    return Said(lines)


def _kinship(ask: Ask, one: Any, two: Any, now: Saying) -> list[str]:
    """Say how two terms are related: one a kind of the other, or both of a third."""
    ids = (str(one.artifact["id"]), str(two.artifact["id"]))
    (first, second), terms = (_term(one), _term(two)), (one.facts["term_id"], two.facts["term_id"])
    is_asked = (
        re.match(r"(?i)(?:and |so |but )*(?:is|are)\b(?!.*\b(?:related|linked|close)\b)", ask.text)
        is not None
    )
    yes, no = ("Yes: in", "No: in") if is_asked else ("In", "In")
    if now.vocabulary.is_a(terms[0], terms[1]):
        return [cite(f"{yes} the ontology {first} is a kind of {second}.", *ids)]
    if now.vocabulary.is_a(terms[1], terms[0]):
        return [cite(f"{no} the ontology {second} is a kind of {first}.", *ids)]
    parents = [
        {row["id"]: row["label"] for row in result.table if row["relation"] == "parent"}
        for result in (one, two)
    ]
    shared = [label for term, label in parents[0].items() if term in parents[1]]
    lines = [cite(f"No: neither {first} nor {second} is a kind of the other.", *ids)]
    above = now.vocabulary.common(terms[0], terms[1]) if not shared else None
    if above is not None:
        nearest = f"The nearest type that covers both {first} and {second} is {above.label}"
        lines.append(cite(f"{nearest} ({above.id}).", *ids))
    if shared:
        both = f"Both {first} and {second} lie directly below {listing(shared)}."
        return [*(lines if is_asked else []), cite(both, *ids)]
    return lines if is_asked else []


def _term(result: Any) -> str:
    return f"{result.facts['label']} ({result.facts['term_id']})"


def tell_text(ask: Ask, now: Saying) -> Said:
    """Say what the evidence says."""
    lines: list[str] = []
    for result in now.results:
        lines += quote_all(result.artifact or {})
    return Said(lines)


THING_TELLERS: Mapping[str, Teller] = {
    "dataset": tell_dataset,
    "count": tell_counts,
    "describe_cells": tell_cells,
    "expression": tell_expression,
    "where_highest": tell_expression,
    "count_type": tell_found,
    "plot": tell_plot,
    "look_up": tell_term,
    "search_ontology": tell_text,
    "choose_clusters": tell_text,
}
