"""Questions that make sense next."""

import re
from typing import TYPE_CHECKING

from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from tools import Evidence

_MOST = 4
# Genes that tell much in one organ or another; the first that is measured is offered.
_TELLING = ("cd3d", "ms4a1", "lyz", "epcam", "rbfox3", "gfap", "ins", "alb", "col1a1", "ptprc")
_CONDITION = re.compile(r"(?i)condition|treat|stim|disease|diagnos|status|genotype|response|infect")


def suggest(vocabulary: Vocabulary, last: "list[Evidence]") -> list[str]:
    """Return at most four questions, from what was just shown."""
    if not vocabulary.has_dataset:
        return ["What can you do?", "What does the Cell Ontology say about regulatory T cells?"]
    found: list[str] = []
    for evidence in reversed(last):
        found += _after(evidence, vocabulary)
    clusters = vocabulary.clusters
    found += ["Label the clusters", f"What is cluster {clusters[0]}?"]
    found += _about_conditions(vocabulary)
    if len(clusters) > 1:
        found.append(f"What tells cluster {clusters[0]} from cluster {clusters[1]}?")
    gene = next((vocabulary.genes[g] for g in _TELLING if g in vocabulary.genes), None)
    if gene:
        found.append(f"Show {gene} on the UMAP")
    found += ["Which cell types are here?", "What is in this dataset?"]
    return list(dict.fromkeys(found))[:_MOST]


def _about_conditions(vocabulary: Vocabulary) -> list[str]:
    """Ask for the difference between two conditions, in a dataset that has just two."""
    for column in vocabulary.conditions:
        values = vocabulary.values[column]
        if _CONDITION.search(column) and len(values) == 2:
            return [f"What changes in {values[0]} vs {values[1]}?"]
    return []


def _after(evidence: "Evidence", vocabulary: Vocabulary) -> list[str]:
    facts = evidence.facts
    cluster, following = facts.get("cluster"), facts.get("next_cluster")
    genes = facts.get("genes") or []
    found: list[str] = []
    if evidence.tool == "describe_cluster":
        found += ["Which genes made you say that?", "How sure are you?"]
    elif evidence.tool in {"explain_cell_type", "explain_alternative"}:
        found.append(f"What are the markers of cluster {cluster}?")
    elif evidence.tool == "describe_dataset":
        found += ["Label the clusters", "Which cluster is biggest?"]
    elif evidence.tool == "label_clusters":
        found += ["How sure are you?", f"Why is cluster {vocabulary.clusters[0]} labelled so?"]
    elif evidence.tool == "select_cells" and facts.get("selection"):
        found += ["What are these cells?", "Which genes set these cells apart?"]
    elif evidence.tool == "describe_selection":
        found.append("Which genes set these cells apart?")
    elif evidence.tool == "describe_cells" and cluster is not None:
        found += ["Describe three more", f"What is cluster {cluster}?"]
    elif evidence.tool == "show_expression":
        found.append(f"What is cluster {facts.get('highest_cluster')}?")
    if genes:
        found.append(f"Show {genes[0]} on the UMAP")
    if following is not None:
        found.append("And the next one?")
    return found
