"""What a file and its labels are good for: whether they can be trusted, and are enough."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._phrasing import cite, counted, listing, percentage, quote_all
from ._saying import Said, Saying, Teller
from ._verdicts import verdict

#: Of single names as sure as this about 88%, and below the second hardly more than half, are true.
SURE, FAIR = 0.85, 0.75
MOSTLY, HARDLY = 70.0, 30.0  # percent of the cells on which model and authors agree
_FEW_DONORS, _MANY_DONORS = 2, 4  # in each condition: to compare at all, and to find more than much
_FEW_CELLS, _MANY_CELLS = 10, 50  # of a group: hardly any, and enough to tell its main genes
_CHECK = "Please check the markers of what matters to you; these names are predictions."
ENOUGH = re.compile(
    r"(?i)\b(?:enough|sufficient\w*|adequate\w*|too few|power(?:ed)?|replicates?|suffices?|"
    r"pseudo-? ?bulks?|de|differential|statistics|stats)\b"
)
_BATCHES = re.compile(r"(?i)batch|lane|^run|library|chip|plate|pool|chemistry")


def surety(confidence: float, percent: float) -> str:
    """Say in words how sure a label is."""
    if confidence >= SURE and percent >= 80:
        return "Quite sure"
    return "Fairly sure, no more" if confidence >= FAIR else "Not very sure"


def on_average(labels: Mapping[str, Any]) -> list[str]:
    """Say how sure the labels are in all, and of which cluster most and least."""
    facts, evidence = labels.get("facts") or {}, str(labels["id"])
    rows = [row for row in labels.get("table") or [] if row.get("confidence") is not None]
    if not rows or facts.get("mean_confidence") is None:
        return [cite("Not at all: the model names no cell type for any cluster.", evidence)]
    ranked = sorted(rows, key=lambda row: -row["confidence"])
    mean, agree = float(facts["mean_confidence"]), float(facts["mean_agreement"])
    line = (
        f"{surety(mean, agree)}: over the cells of the named clusters the mean confidence is "
        f"{mean:.2f} on average, and {percentage(agree)} agree with the name"
    )
    said = [cite(f"{line}.", evidence)]
    if len(ranked) > 1:
        ends = " and ".join(
            f"{word} for cluster {row['cluster']} ({row['cell_type']}, {row['confidence']:.2f})"
            for word, row in (("highest", ranked[0]), ("lowest", ranked[-1]))
        )
        said.append(cite(f"It is {ends}.", evidence))
    return [*said, *not_named(labels)]


def least_sure(labels: Mapping[str, Any], number: int = 1) -> tuple[list[str], tuple[str, ...]]:
    """Say of which clusters the model is least sure, and name these."""
    evidence = str(labels["id"])
    rows = [row for row in labels.get("table") or [] if row.get("confidence") is not None]
    unsure = tuple(str(name) for name in (labels.get("facts") or {}).get("unsure") or ())
    ranked = sorted(rows, key=lambda row: (float(row["agreement"]), float(row["confidence"])))
    if not ranked:
        return not_named(labels), unsure
    shown = ranked[: max(number, 1)]
    each = listing(
        f"cluster {row['cluster']} ({row['cell_type']}: {percentage(row['agreement'])} of the "
        f"{row['cells_read']} cells read agree, mean confidence {float(row['confidence']):.2f})"
        for row in shown
    )
    line = f"Of the clusters that it names, the model is least sure of {each}."
    shaky = min(rows, key=lambda row: float(row["confidence"]))
    said = [cite(line if unsure else line.replace("Of the clusters that it names, the", "The"),
                 evidence)]  # fmt: skip
    if number < 2 and float(shaky["confidence"]) < float(shown[0]["confidence"]):
        line = (
            f"The lowest mean confidence is that in cluster {shaky['cluster']} "
            f"({shaky['cell_type']}, {float(shaky['confidence']):.2f})."
        )
        said.append(cite(line, evidence))
    clusters = tuple(str(row["cluster"]) for row in shown)
    return [*said, *not_named(labels)] if not unsure else [*not_named(labels), *said], clusters


def not_named(labels: Mapping[str, Any]) -> list[str]:
    """Say of which clusters the model names no type."""
    unsure = [str(name) for name in (labels.get("facts") or {}).get("unsure") or ()]
    if not unsure:
        return []
    word = "cluster" if len(unsure) == 1 else "clusters"
    line = (
        f"The model names no one type for {word} {listing(unsure)}, as none fits at least "
        f"{labels['facts']['percent_needed']}% of the cells read."
    )
    return [cite(line, str(labels["id"]))]


def tell_trust(ask: Ask, now: Saying) -> Said:
    """Say how far the labels of this file can be trusted: by its authors' labels, if it has any."""
    labels, compared = now.artifact("label_clusters"), now.artifact("compare_labels")
    lines: list[str] = []
    facts = (compared or {}).get("facts") or {}
    if compared is not None and facts.get("n_judged"):
        share = float(facts["percent_agree"])
        lead = "Mostly" if share >= MOSTLY else "In part" if share >= HARDLY else "Hardly"
        rows = [row for row in compared.get("table") or [] if row.get("agree") is not None]
        worst = min(rows, key=lambda row: row["agree"])
        line = (
            f"{lead}: {percentage(share)} of the {counted(int(facts['n_judged']), 'cell')} read "
            "carry the authors' name or a more specific one"
        )
        if len(rows) > 1 and worst["agree"] < share:
            line += f", fewest of '{worst['label']}' ({percentage(worst['agree'])})"
        lines.append(cite(f"{line}.", str(compared["id"])))
    elif compared is None and labels is not None:
        lines.append("This file holds no labels of its authors that I could check mine against.")
    if labels is not None:
        own = on_average(labels)
        lines = [*lines, *own] if facts.get("n_judged") else [*own[:1], *lines, *own[1:]]
        lines += now.caveats(labels, skip=r"are the model's predictions|rest on a sample")
    rows = [row for row in (compared or {}).get("table") or [] if row.get("agree") is not None]
    if not rows:
        return Said([*lines, _CHECK])
    worst = str(min(rows, key=lambda row: row["agree"])["label"])
    return Said([*lines, _CHECK], replace(ask, column=str(facts["column"]), values=(worst,)))


_CONFOUNDED = {
    "paired": "No",
    "mixed": "Only in part",
    "nested": "In part",
    "confounded": "Yes",
    "unknown": "Not known",
}


def tell_design(ask: Ask, now: Saying) -> Said:
    """Say whether donors are confounded with the conditions, or are enough to compare these."""
    artifact = now.artifact("check_design") or {}
    said = quote_all(artifact)
    is_of_batch = re.search(r"(?i)\bbatch(?:es)?\b", ask.asked)
    if is_of_batch and not any(map(_BATCHES.search, now.vocabulary.columns)):
        line = "I see no column of batches in your file; donors or samples come nearest to one."
        return Said([line, *said, *now.caveats(artifact)])
    if ask.mode == "layout":
        return Said([*_laid_out(ask, artifact), *said[1:], *now.caveats(artifact)])
    if ENOUGH.search(ask.asked) or ask.mode == "enough":
        line = cite(_enough_donors(artifact["facts"]), str(artifact["id"]))
        return Said([line, *said, *now.caveats(artifact)])
    if ask.mode == "which each":
        return Said(said)
    lead = _CONFOUNDED[str(artifact["facts"]["verdict"])]
    lines = [verdict(said[0], yes=True).replace("Yes", lead, 1), *said[1:]]
    return Said([*lines, *now.caveats(artifact)])


_PAIRED = {"paired": "Yes", "mixed": "In part", "nested": "No", "confounded": "No"}


def _laid_out(ask: Ask, artifact: Mapping[str, Any]) -> list[str]:
    """Say how donors and cells divide over the conditions, and whether donors are paired."""
    first, *_ = quote_all(artifact)
    lead = _PAIRED.get(str(artifact["facts"]["verdict"]), "")
    is_asked = re.search(r"(?i)\b(?:un)?paired\b|\bmatched\b", ask.asked)
    if lead and is_asked:
        kind = "paired" if lead == "Yes" else "not paired" if lead == "No" else "paired in part"
        first = verdict(first, yes=True).replace("Yes:", f"{lead}, {kind}:", 1)
    sizes = artifact["facts"]["sizes"]
    shown = listing(f"{counted(row['cells'], 'cell')} of '{row['condition']}'" for row in sizes)
    return [first, cite(f"There are {shown}.", str(artifact["id"]))]


def _enough_donors(facts: Mapping[str, Any]) -> str:
    """Say whether there are donors enough to compare conditions."""
    each = [int(row["donors"]) for row in facts["each"]]
    is_paired = facts["verdict"] in {"paired", "mixed"}
    if facts["verdict"] == "unknown":
        return (
            "No: without donors or samples that are told apart, cells can only be compared as if "
            "each were a sample of its own."
        )
    number = int(facts["n_both"]) if is_paired else min(each, default=0)
    of = "with cells of several conditions" if is_paired else "in the smallest condition"
    donors = f"{counted(number, 'donor')} {of}"
    if number >= _MANY_DONORS:
        return f"Yes: there are {donors}, so donors can be compared with donors."
    if number >= _FEW_DONORS:
        return f"Barely: there are {donors}, so only large and steady differences can be found."
    return f"No: there is {donors}, so a difference cannot be told from one between donors."


def tell_enough(ask: Ask, now: Saying) -> Said:
    """Say whether each of the groups has cells enough to be compared."""
    artifact = now.artifact("summarise_cells") or {}
    rows = [row for row in artifact.get("table") or [] if "group" in row]
    if len(rows) < 2:
        return Said(quote_all(artifact))
    least = min(rows, key=lambda row: int(row["cells"]))
    number = int(least["cells"])
    lead = "Yes" if number >= _MANY_CELLS else "Barely" if number >= _FEW_CELLS else "No"
    name = f"cluster {least['group']}" if ask.column == "clusters" else f"'{least['group']}'"
    why = {
        "Yes": "so the main differences can be found",
        "Barely": "so only strong differences can be found",
        "No": "too few to tell anything from",
    }[lead]
    line = f"{lead}: the smallest group, {name}, has {counted(number, 'cell')}, {why}."
    return Said([cite(line, str(artifact["id"])), *quote_all(artifact)])


_WHOLE_ASKED = re.compile(
    r"(?i)\b(?:enough|sufficient|all|whole|complete|entire|full|every(?:thing)?|transcriptome|"
    r"genome|many|few|lot|panel|targeted|only|subset|selection)\b"
)
_WHOLE, _PART = 15_000, 5_000  # genes of a file: a whole transcriptome, and the expressed ones


def of_all_genes(asked: str, number: int) -> str:
    """Say whether so many genes are a whole transcriptome, or nothing where it was not asked."""
    if not _WHOLE_ASKED.search(re.sub(r"(?i)\bhow many\b", "", asked)):
        return ""
    genes = counted(number, "gene")
    if number >= _WHOLE:
        return f"Yes: {genes} are measured, about a whole transcriptome."
    if number >= _PART:
        return (
            f"In part: {genes} are measured, fewer than a whole transcriptome; those that few "
            "cells express seem to have been left out."
        )
    return (
        f"No: only {genes} are measured, a selection of the transcriptome; what is not among them "
        "cannot be told, and fine cell types less surely."
    )


_JUDGED = re.compile(
    r"(?i)\b(?:good|bad|ok(?:ay)?|fine|decent|poor|enough|sufficient|acceptable|reasonable|normal|"
    r"high|low|deep|shallow|clean|trust\w*|usable|problem\w*|worry\w*|healthy|great|filter\w*|"
    r"alright|much|many|qc)\b"
)
_POOR_CELLS, _SOME_CELLS = 25.0, 5.0  # percent of the cells beyond a limit
_HIGH_MITO, _SHALLOW = 10.0, 500.0  # percent of counts and genes of the median cell
_SELECTION = 2_000  # genes of a file below which it is no whole transcriptome


def judged_quality(
    asked: str, artifact: Mapping[str, Any], names: list[str], *, n_genes: int
) -> list[str]:
    """Say whether the quality of the cells is good, where that was asked.

    Parameters
    ----------
    names
        What was asked about: genes, counts, mitochondrial; all where it is empty.
    n_genes
        Measured by the file: of a selection of genes, few in a cell mean nothing.
    """
    facts = artifact.get("facts") or {}
    whole = int(facts.get("n_cells") or 0)
    if not _JUDGED.search(asked) or not whole or not facts.get("measures"):
        return []
    beyond = {str(row["measure"]): row for row in facts.get("beyond") or []}
    genes, mito = facts.get("median_genes"), facts.get("median_mitochondrial")
    is_of_mito = names == ["mitochondrial"]
    is_selection = n_genes < _SELECTION
    few = int((beyond.get("genes") or {}).get("cells") or 0)
    few = 0 if is_of_mito or is_selection else few
    many = int((beyond.get("mitochondrial") or {}).get("cells") or 0)
    share = 100 * max(few, many) / whole
    known = [f"the median cell has {genes:,g} detected genes"] if genes and not is_of_mito else []
    if mito is not None and names in ([], ["mitochondrial"]):
        known.append(
            f"{'it has ' if known else 'the median cell has '}{mito:g}% mitochondrial counts"
        )
    if few:
        limit = beyond["genes"]["limit"]
        have = "has" if few == 1 else "have"
        known.append(f"{counted(few, 'cell')} {have} fewer than {limit} genes")
    if many:
        have = "has" if many == 1 else "have"
        limit = beyond["mitochondrial"]["limit"]
        known.append(f"{counted(many, 'cell')} {have} more than {limit}% mitochondrial counts")
    is_shallow = genes is not None and genes < _SHALLOW and not is_of_mito
    if is_selection and mito is None:
        lead = "Hard to tell, since your file measures a selection of genes only"
    elif share >= _POOR_CELLS or (mito is not None and mito >= 2 * _HIGH_MITO):
        lead = "Rather poor"
    elif is_shallow:
        lead = "Usable, but shallow"
    elif share >= _SOME_CELLS or (mito is not None and mito >= _HIGH_MITO):
        lead = "Fair"
    else:
        lead = "Good"
    said = [cite(f"{lead}: {listing(known)}.", str(artifact["id"]))] if known else []
    if mito is None and not names:
        said.append("I find no mitochondrial genes in your file, so damage I cannot tell by them.")
    return said


def mito_judged(asked: str, facts: Mapping[str, Any], line: str) -> str:
    """Say before a mean mitochondrial share whether it is too high, where that was asked."""
    value = facts.get("value")
    is_of_high = re.search(r"(?i)\b(?:too )?(?:high|much|bad)\b(?!est)", asked)
    is_of_fine = re.search(r"(?i)\b(?:ok(?:ay)?|fine|good|acceptable|normal|low)\b", asked)
    if value is None or not (is_of_high or is_of_fine) or re.search(r"(?i)\bhow\b", asked):
        return line
    return verdict(line, yes=(float(value) >= _HIGH_MITO) == bool(is_of_high))


def tell_same_gene(ask: Ask, now: Saying) -> Said:
    """Say whether two names are of one gene."""
    results = now.of("explain_gene")
    names = [str(result.facts["gene"]) for result in results]
    lines = [line for result in results for line in quote_all(result.artifact or {})[:1]]
    if len(results) < 2:
        return Said(lines)
    ids = [str((result.artifact or {})["id"]) for result in results]
    one, two = ask.genes
    if names[0] == names[1]:
        line = f"Yes: '{one}' and '{two}' are names of one gene, {names[0]}."
    else:
        line = f"No: {names[0]} and {names[1]} are two genes."
    return Said([cite(line, *ids), *lines], replace(ask, genes=(one,)))


def tell_same_type(ask: Ask, now: Saying) -> Said:
    """Say whether the model gives two clusters one name, or names of which one holds the other."""
    labels = now.artifact("label_clusters") or {}
    rows = {str(row["cluster"]): row for row in labels.get("table") or []}
    two = [rows[name] for name in ask.clusters]
    ids = [row.get("ontology_term_id") for row in two]
    named = [
        f"cluster {row['cluster']} "
        + (f"{row['cell_type']} ({row['ontology_term_id']})" if known else "no one type")
        for row, known in zip(two, ids, strict=True)
    ]
    said = f"the model calls {listing(named)}"
    is_same = None not in ids and ids[0] == ids[1]
    is_kin = None not in ids and any(
        now.vocabulary.is_a(str(a), str(b)) for a, b in (ids, ids[::-1])
    )
    if is_same or is_kin:
        lead = "Yes" if is_same else "In part, one being a kind of the other"
    else:
        lead = "No" if None not in ids else "That is not sure"
    lines = [cite(f"{lead}: {said}.", str(labels["id"]))]
    above = None
    if lead == "No" and (above := now.vocabulary.common(str(ids[0]), str(ids[1]))):
        line = f"The nearest type that I know to cover both is {above.label} ({above.id})."
        lines.append(cite(line, str(labels["id"])))
    return Said(lines)


TRUST_TELLERS: Mapping[str, Teller] = {
    "trust": tell_trust,
    "design": tell_design,
    "enough": tell_enough,
    "same_gene": tell_same_gene,
    "same_type": tell_same_type,
}
