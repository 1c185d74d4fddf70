"""Answers from published markers, gene sets, and what the user corrected."""

import re
from collections.abc import Mapping
from dataclasses import replace

from ._asks import Ask
from ._phrasing import cite, counted, listing, pick, quote_all
from ._saying import Said, Saying, Teller
from ._saying_groups import tell_evidence
from ._saying_things import tell_difference, tell_expression
from ._topics import TOPICS
from ._verdicts import asks_yes_no

_MOST_SENTENCES = 4


def tell_gene(ask: Ask, now: Saying) -> Said:
    """Say what a gene is known for, and where it is on here."""
    known = now.artifact("explain_gene")
    lines = quote_all(known)[:_MOST_SENTENCES] if known else []
    if now.of("show_expression"):
        here = replace(ask, intent="expression")
        lines += tell_expression(here, now).lines[:2]
    return Said(lines, ask)


def tell_reason(ask: Ask, now: Saying) -> Said:
    """Say that counts tell no reason, and what the gene is known for."""
    known = now.artifact("explain_gene")
    lines = quote_all(known)[:2] if known else []
    return Said([*TOPICS["reason"].said[:1], *lines, *TOPICS["reason"].said[1:]], ask)


def tell_known_marker(ask: Ask, now: Saying) -> Said:
    """Say whether the literature lists a gene as a marker of a type."""
    known = now.artifact("explain_gene")
    asked = now.vocabulary.resolve(ask.cell_types[0])
    lines = []
    if known is not None and asked is not None:
        evidence = str(known["id"])
        rows = [
            row
            for row in known.get("table") or []
            if row["marker"] == "positive"
            and row.get("ontology_term_id")
            and now.vocabulary.is_a(str(row["ontology_term_id"]), asked.id)
        ]
        gene = (known.get("facts") or {}).get("gene")
        own = [row for row in rows if row["ontology_term_id"] == asked.id]
        if rows and not own:
            best = rows[0]
            line = (
                f"Only in part: {gene} is listed for {best['cell_type']} "
                f"({best['ontology_term_id']}), which is narrower than what you ask about, in "
                f"{counted(int(best['n_sources']), 'source')}."
            )
        elif rows:
            best = own[0]
            line = (
                f"Yes: {gene} is listed as a marker of {best['cell_type']} "
                f"({best['ontology_term_id']}), in {counted(int(best['n_sources']), 'source')}."
            )
        else:
            line = f"Not among the types that {gene} is most often listed for."
        lines = [cite(line, evidence), *quote_all(known)[:2]]
    if now.of("show_expression"):
        here = tell_expression(replace(ask, intent="expression"), now).lines[:2]
        seen = now.artifact("show_expression") or {}
        if re.search(r"(?i)\b(?:dataset|data|here)\b", ask.text):
            whole = pick(seen, r"is detected in|By the labels of the authors")
            lines = [*lines[:1], *dict.fromkeys([*here, *whole]), *lines[1:]]
        else:
            lines += here
    return Said(lines, ask)


def tell_type_markers(ask: Ask, now: Saying) -> Said:
    """Say which genes a type is known by."""
    artifact = now.artifact("list_markers_of_type") or {}
    genes = tuple((artifact.get("facts") or {}).get("genes") or ())
    return Said([*quote_all(artifact), *now.caveats(artifact)], replace(ask, listed=genes))


_FEW_OF_SET = 0.1  # of the genes of a set


def tell_score(ask: Ask, now: Saying) -> Said:
    """Say in which clusters a gene set is most active."""
    artifact = now.artifact("score_gene_set") or {}
    cluster = (artifact.get("facts") or {}).get("cluster")
    clusters = (str(cluster),) if cluster is not None else ()
    lines = quote_all(artifact)
    ranked = sorted(artifact.get("table") or [], key=lambda row: -row["mean"])
    place = {"lowest": -1, "second": 1}.get(ask.mode)
    if place is not None and len(ranked) > 1:
        row = ranked[place]
        group = f"Cluster {row['cluster']}" if "cluster" in row else f"'{row['group']}'"
        said = "has the lowest mean score" if place < 0 else "comes second in mean score"
        lines = [cite(f"{group} {said}: {row['mean']:g}.", str(artifact["id"])), *lines]
    facts = artifact.get("facts") or {}
    if genes := facts.get("genes"):
        some = "" if len(genes) == facts.get("n_measured") else "include "
        line = f"The genes of it that were scored {some or 'are '}{listing(genes)}."
        lines = [*lines[:1], cite(line, str(artifact["id"])), *lines[1:]]
    known, measured = int(facts.get("n_genes") or 0), int(facts.get("n_measured") or 0)
    if known and measured < _FEW_OF_SET * known:  # chance moves such a score
        line = f"of the {known:,} genes of {facts['gene_set']} only {measured:,} are measured"
        lead = f"Hardly: {line}." if asks_yes_no(ask.asked) else f"Take this with care: {line}."
        lines = [cite(lead, str(artifact["id"])), *lines]
    return Said([*lines, *now.caveats(artifact)], replace(ask, clusters=clusters, mode=""))


def tell_types(ask: Ask, now: Saying) -> Said:
    """Say how two types differ, by definition and by markers."""
    artifact = now.artifact("compare_types")
    if artifact is None:
        return tell_difference(ask, now)
    return Said(quote_all(artifact))


KNOWLEDGE_TELLERS: Mapping[str, Teller] = {
    "gene_info": tell_gene,
    "reason": tell_reason,
    "is_known_marker": tell_known_marker,
    "type_markers": tell_type_markers,
    "score_set": tell_score,
    "term_difference": tell_types,
    "relabel": tell_evidence,
    "relabel_group": tell_evidence,
    "remember_name": tell_evidence,
    "undo_correction": tell_evidence,
    "list_corrections": tell_evidence,
}
