"""What a question leaves open is filled in from what the conversation is about."""

import re
from dataclasses import replace

from ._asks import ABOUT_A_CLUSTER, ABOUT_A_GENE, ABOUT_A_TYPE, Ask, Focus
from ._mentions import Mentions
from ._rules import NEEDS
from ._vocabulary import Vocabulary
from ._words import COMMANDS, COMMON, words

_PRONOUN = re.compile(
    r"\b(it|its|them|they|their|those|these|that|this|that one|this one|the cluster|same)\b"
)
_PAIRED = re.compile(r"\b(compare|comparison|between|with|from|to|than|and|vs|versus|same)\b")
_BOTH = re.compile(r"\b(?:these|those|they|them|both|two|each other)\b")
EMPTY_WORDS = words(
    """
    and what about how of the same for to or then i mean meant now but a an one ones cluster
    clusters please next previous is it them that this ok okay well so no sorry do again also in
    on with gene cells cell more another other following with <cluster> <gene> <type> <value> them
    actually thing as by if before after just only within among show me see those instead
    """
)
_ABOUT_ALL = frozenset({"label_clusters", "list_clusters"})
_MOST_EACH = 12  # clusters of one ask that are answered one by one


def each_of(ask: Ask) -> list[Ask]:
    """Give each of several clusters or genes an ask of its own."""
    if ask.intent in ABOUT_A_CLUSTER - {"compare"} and len(ask.clusters) > 1:
        return [replace(ask, clusters=(cluster,)) for cluster in ask.clusters[:_MOST_EACH]]
    if ask.intent in ABOUT_A_GENE and len(ask.genes) > 1:
        return [replace(ask, genes=(gene,)) for gene in ask.genes[:6]]
    if ask.intent in ABOUT_A_TYPE and len(ask.cell_types) > 1:
        return [replace(ask, cell_types=(name,)) for name in ask.cell_types[:4]]
    return [ask]


def fill_in(ask: Ask, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask:
    """Complete `ask` from the conversation, or mark what has to be asked back."""
    needs = NEEDS.get(ask.intent, "")
    if ask.intent in {"biggest", "smallest"} and vocabulary.sizes:
        pick = max if ask.intent == "biggest" else min
        return replace(ask, clusters=(pick(vocabulary.sizes, key=vocabulary.sizes.__getitem__),))
    if "cluster" in needs and not ask.clusters:
        ask = _fill_cluster(ask, found, vocabulary, focus)
    if ask.intent == "compare" and not ask.missing:
        ask = _fill_pair(ask, found, vocabulary, focus)
    leans_back = ask.more or _PRONOUN.search(found.shape)
    if ask.intent == "describe_cells" and leans_back and not (ask.clusters or ask.cell_types):
        ask = replace(ask, clusters=focus.clusters[-1:])
    if "gene" in needs and not ask.genes and not ask.missing:
        ask = replace(ask, genes=(focus.gene,)) if focus.gene else replace(ask, missing="gene")
    if "type" in needs and not ask.cell_types and not ask.missing:
        of_focus = _PRONOUN.search(found.shape) or re.search(r"\bontology\b|\bterm\b", found.shape)
        if focus.cell_type and of_focus:
            return replace(ask, cell_types=(focus.cell_type,))
        if (named := _type_at_end(found, vocabulary)) and ask.clusters:
            return replace(ask, cell_types=named)
        return replace(ask, missing="cell_type")
    return read_family(ask, vocabulary)


def _fill_cluster(ask: Ask, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask:
    if found.step:
        if focus.cluster is None:
            return replace(ask, missing="cluster")
        cluster = vocabulary.after(focus.cluster, step=found.step)
        if cluster is None:
            return Ask("no_next", clusters=(focus.cluster,), text=ask.text, number=found.step)
        return replace(ask, clusters=(cluster,))
    if found.ordinal is not None:
        listed = focus.listing if "cluster" not in found.text else ()
        labels = listed or vocabulary.clusters
        if labels and -len(labels) <= found.ordinal < len(labels):
            return replace(ask, clusters=(labels[found.ordinal],))
    if ask.intent == "markers" and re.search(
        r"\b(?:each|every|all)\b.*\b(?:clusters?|cell ?types?|populations?)\b", found.text
    ):
        return replace(ask, clusters=vocabulary.clusters)
    is_of_all = re.search(r"\blabels\b|\bannotations?\b", found.text) or not focus.clusters
    if ask.intent == "confidence" and (is_of_all or focus.intent in _ABOUT_ALL):
        return ask
    if ask.intent == "explain" and focus.intent in _ABOUT_ALL and not ask.cell_types:
        return replace(ask, missing="cluster")
    largest = re.search(r"\b(biggest|largest|smallest)\b", found.text)
    if largest and vocabulary.sizes:
        pick = min if largest.group(1) == "smallest" else max
        return replace(ask, clusters=(pick(vocabulary.sizes, key=vocabulary.sizes.__getitem__),))
    if ask.cell_types and ask.intent in {
        "describe_cluster",
        "markers",
        "explain",
        "confidence",
        "describe_cells",
        "cluster_size",
    }:
        return ask  # "the monocytes": the plan finds their clusters
    if ask.intent == "describe_cells":
        return ask
    if focus.clusters:
        many = re.search(r"\b(them|they|those|these|their|both)\b", found.shape)
        return replace(ask, clusters=focus.clusters if many else focus.clusters[-1:])
    if len(vocabulary.clusters) == 1:
        return replace(ask, clusters=vocabulary.clusters)
    return replace(ask, missing="cluster")


def _fill_pair(ask: Ask, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask:
    if len(ask.clusters) >= 2:
        return replace(ask, clusters=ask.clusters[:2])
    if len(ask.clusters) == 1 and not _PAIRED.search(found.shape):
        return replace(ask, intent="markers")
    if len(found.ordinals) > 1 and len(focus.listing) > 1:
        known = [focus.listing[at] for at in found.ordinals[:2] if at < len(focus.listing)]
        if len(set(known)) == 2:
            return replace(ask, clusters=tuple(known))
    spoken = [label for label in reversed(focus.clusters) if label not in ask.clusters]
    if len(found.clusters) == 1 and spoken:
        return replace(ask, clusters=(spoken[0], *found.clusters))
    if not found.clusters and len(focus.clusters) >= 2:
        return replace(ask, clusters=focus.clusters[-2:])
    if not found.clusters and len(focus.recent) >= 2 and _BOTH.search(found.shape):
        return replace(ask, clusters=focus.recent[-2:])
    return replace(ask, missing="cluster")


def _type_at_end(found: Mentions, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Read "why not call it acinar?": the last words, where they name a cell type."""
    words = re.sub(r"<\w+>", " ", found.shape).split()
    for number in (3, 2, 1):
        tail = [word for word in words[-number:] if word not in EMPTY_WORDS]
        if len(tail) != number or any(word in COMMON | COMMANDS for word in tail):
            continue
        for name in (" ".join(tail), f"{' '.join(tail)} cell"):
            if vocabulary.resolve(name) is not None:
                return (name,)
    return ()


def read_family(ask: Ask, vocabulary: Vocabulary) -> Ask:
    """Read "CD8" as CD8A where only the chains of a protein are measured."""
    genes, notes = [], []
    for gene in ask.genes:
        low = gene.casefold()
        if low not in vocabulary.genes and re.fullmatch(r"[a-z]+\d+", low):
            chains = [
                vocabulary.genes[low + end] for end in "abdeg" if low + end in vocabulary.genes
            ]
            if chains:
                genes.append(chains[0])
                notes.append(f"I took that to mean the gene {chains[0]}.")
                continue
        genes.append(gene)
    return replace(ask, genes=tuple(genes), note=" ".join(notes)) if notes else ask
