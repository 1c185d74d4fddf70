"""From a question to the asks in it.

A message is cut into stretches, each stretch is searched for names (`_mentions`) and matched
against the rules (`_rules`), and what it leaves open is filled from what the conversation is
about. No statistics and no model: every decision can be read here.
"""

import re
from dataclasses import replace

from ._asks import ABOUT_A_CLUSTER, ABOUT_A_GENE, ABOUT_A_TYPE, SMALL_TALK, Ask, Focus
from ._mentions import Mentions, correct_spelling, find_mentions, spell_out
from ._reading_groups import read_group_ask
from ._reading_knowledge import read_knowledge_ask
from ._recalling import put_back, read_recall
from ._rules import NEEDS, classify
from ._small_talk import small_talk
from ._vocabulary import Vocabulary
from ._words import COMMANDS, COMMON, NUMBERS, ORDINALS, words

_SPEAKS = (
    r"(?:please |can you |could you |also |then |now )*(?:show|plot|draw|display|tell|what|which|"
    r"why|how|where|who|describe|label|annotate|list|compare|explain|give|is|are|does|do|look|find|"
    r"name|search|define|count|summari[sz]e|rank|colou?r|identify|select|export|download|save|"
    r"write|use|make|assign|repeat|markers|umap|violin|dot ?plot|composition)\b"
)
_CUT = re.compile(
    rf"(?<=[?!;\n])\s*|(?<=[^\W\d_]{{2}}\.)\s+|(?<=[\d)]\.)\s+(?=[A-Z])|"
    rf",?\s+(?:and then|and also|and|then|plus|also)\s+(?={_SPEAKS})|,\s+(?={_SPEAKS})|"
    r",?\s+(?:and|plus)\s+(?=(?:its|their)\s+(?:\w+\s+){0,2}(?:markers?|genes|pathways?)\b)",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?i)^(?:and |so |now |ok |then |but )*(?:within|in|inside|among|for|only in|looking only at|"
    r"looking at|regarding|concerning)\s[^,.?!]{1,60},?$"
)
_FOLLOWS = re.compile(
    r"^(?:ok(?:ay)? |well |so |but |now |no |hm+ |sorry )*"
    r"(?:and|what about|how about|what of|same|the same|again|also|or|then|i meant?|now|but|"
    r"what if|do (?:that|it|the same)|repeat)\b"
)
_PRONOUN = re.compile(
    r"\b(it|its|them|they|their|those|these|that|this|that one|this one|the cluster|same)\b"
)
_PAIRED = re.compile(r"\b(compare|comparison|between|with|from|to|than|and|vs|versus|same)\b")
_BOTH = re.compile(r"\b(?:these|those|they|them|both|two|each other)\b")
_EMPTY_WORDS = words(
    """
    and what about how of the same for to or then i mean meant now but a an one ones cluster
    clusters please next previous is it them that this ok okay well so no sorry do again also in
    on with gene cells cell more another other following with <cluster> <gene> <type> <value> them
    actually thing as by if before after just only within among show me see those
    """
)


_ABOUT_ALL = frozenset({"label_clusters", "list_clusters"})
_MOST_EACH = 12  # clusters of one ask that are answered one by one


def understand(question: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    """Return what `question` asks for, in order; at least one ask."""
    text = " ".join(_plain(question).split())
    if not re.search(r"\w", text):
        return [Ask("empty")]
    asks: list[Ask] = []
    for stretch in _stretches(correct_spelling(text, vocabulary)):
        for ask in _read(stretch, vocabulary, focus):
            if ask.intent == "name_selection" and asks and asks[-1].intent == "select":
                asks[-1] = ask = replace(asks[-1], name=ask.name)
            else:
                asks.append(ask)
            focus = focus.after(ask)
    return _tidy(asks) or [Ask("unclear", text=text)]


def _plain(text: str) -> str:
    table = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
    plain = text.translate(str.maketrans(table))[:2000]
    plain = re.sub(r"(?i)\b(clusters?) (?:no|nr|num)\.? ?(?=\d)", r"\1 ", plain)
    plain = re.sub(r"(?i)\btop(\d+)", r"top \1", plain)
    plain = re.sub(r"(?<=\w) v\.? (?=\w)", " vs ", plain)
    return re.sub(r"(?i)\b(what|where|who|how|which|that|it)'s\b", r"\1 is", plain)


def _stretches(text: str) -> list[str]:
    """Cut a message into what is asked; "in cluster 1, what ..." stays together."""
    parts = [part for part in map(str.strip, _CUT.split(text)) if re.search(r"\w", part)]
    glued: list[str] = []
    for part in parts:
        if glued and _PLACE.match(glued[-1]):
            glued[-1] = f"{glued[-1].rstrip(' ,')} {part}"
        else:
            glued.append(part)
    return glued


def _tidy(asks: list[Ask]) -> list[Ask]:
    """Drop courtesies that come with a real ask, and repetitions."""
    real = [ask for ask in asks if ask.intent not in SMALL_TALK or ask.intent == "cannot"]
    said = [ask for ask in asks if ask.intent not in {"greet", "thanks", "ack", "bye"}]
    return list(dict.fromkeys(real or said[:1] or asks[:1]))


def _read(said: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    stretch = put_back(said, focus)
    found = _with_bare_label(find_mentions(stretch, vocabulary), vocabulary)
    answered = _answer_to_us(found, vocabulary, focus)
    if answered is not None:
        return answered
    recalled = read_recall(found, said, focus)
    if recalled is not None:
        return [recalled]
    for reader in (read_knowledge_ask, read_group_ask):
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return [ask]
    listed = _listed_gene(found, focus)
    if listed is not None:
        return [listed]
    talk = small_talk(found)
    if talk is not None:
        return [Ask(talk, text=stretch)]
    if _is_follow_up(found):
        return [_follow_up(found, vocabulary, focus)]
    intent = classify(found, focus)
    ask = Ask(
        intent,
        clusters=found.clusters,
        genes=found.genes,
        cell_types=tuple(map(spell_out, found.cell_types)) + found.term_ids,
        number=found.number,
        column=found.column or _colouring(found) or next((c for c, _ in found.values), None),
        plot=_plot(found),
        text=stretch,
        more=_wants_more(found),
        barcodes=found.barcodes,
        ontology=_ontology(found),
    )
    if ask.ontology and not ask.cell_types:
        named = re.search(r".*\b(?:about|for|of|up|define|is)\s+(?:an? |the )?([^?.!]+)", stretch)
        ask = replace(ask, intent="look_up", cell_types=(named.group(1).strip(),) if named else ())
    return _each(_fill(ask, found, vocabulary, focus))


def _listed_gene(found: Mentions, focus: Focus) -> Ask | None:
    """Read "show the first of these" where a list of genes was given."""
    if not focus.listed or not found.ordinals or found.clusters or found.genes:
        return None
    is_of_genes = re.search(r"\bgenes?\b|\bmarkers?\b", found.text)
    is_drawn = re.search(r"\b(?:show|plot|draw|map|umap|violin|express\w*|where)\b", found.text)
    lists = {"markers", "compare", "conditions", "compare_selections"}
    if not (is_of_genes or (is_drawn and focus.intent in lists)):
        return None
    at = found.ordinals[0]
    if not -len(focus.listed) <= at < len(focus.listed):
        return None
    return Ask("expression", genes=(focus.listed[at],), plot=_plot(found), text=found.raw)


def _with_bare_label(found: Mentions, vocabulary: Vocabulary) -> Mentions:
    """Read the number of "what about 5?" as a cluster."""
    skipped = _EMPTY_WORDS | {"describe", "explain", "tell", "me", "about", "markers", "please"}
    words = [word for word in found.shape.split() if word not in skipped]
    is_label = len(words) == 1 and words[0] in vocabulary.clusters
    is_counted = re.search(r"\b(?:cells?|genes?|more)\b", found.shape)
    if is_label and not (found.clusters or found.genes or is_counted):
        shape = re.sub(rf"\b{re.escape(words[0])}\b", "<cluster>", found.shape)
        return replace(found, clusters=(words[0],), number=None, shape=shape)
    return found


def _colouring(found: Mentions) -> str | None:
    return "cell types" if re.search(r"\b(cell ?types?|annotations?)\b", found.text) else None


def _plot(found: Mentions) -> str | None:
    if re.search(r"\b(violin|distribution|box ?plot)", found.text):
        return "violin"
    return "umap" if re.search(r"\b(umap|map|embedding|tsne|t-sne)\b", found.text) else None


def _ontology(found: Mentions) -> str | None:
    named = re.search(r"\b(uberon|mondo|hsapdv)\b", found.text)
    names = {"uberon": "UBERON", "mondo": "MONDO", "hsapdv": "HsapDv"}
    return names[named.group(1)] if named else None


def _wants_more(found: Mentions) -> bool:
    return bool(re.search(r"\b(more|another|other|others|further|additional)\b", found.shape))


def _each(ask: Ask) -> list[Ask]:
    """Give each of several clusters or genes an ask of its own."""
    if ask.intent in ABOUT_A_CLUSTER - {"compare"} and len(ask.clusters) > 1:
        return [replace(ask, clusters=(cluster,)) for cluster in ask.clusters[:_MOST_EACH]]
    if ask.intent in ABOUT_A_GENE and len(ask.genes) > 1:
        return [replace(ask, genes=(gene,)) for gene in ask.genes[:6]]
    if ask.intent in ABOUT_A_TYPE and len(ask.cell_types) > 1:
        return [replace(ask, cell_types=(name,)) for name in ask.cell_types[:4]]
    return [ask]


# Follow-ups


def _is_follow_up(found: Mentions) -> bool:
    """Whether nothing but names, or "the next one", is said after "and" or "what about"."""
    words = set(found.shape.split()) - _EMPTY_WORDS
    names = found.clusters or found.genes or found.cell_types or found.step or found.term_ids
    names = names or found.values
    has_ordinal = found.ordinal is not None
    if has_ordinal:
        words -= {"first", "second", "third", "fourth", "fifth", "last", "sixth", "seventh"}
    starts = _FOLLOWS.match(found.shape) or found.step or has_ordinal
    if (
        _wants_more(found)
        and not names
        and words
        <= {"describe", "show", "give", "me", "few", "some", "three", "two", "five", "four"}
    ):
        return False
    return bool(starts and (names or has_ordinal) and not words)


def _follow_up(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask:
    last = focus.intent
    if last == "conditions" and focus.last is not None and (found.clusters or found.cell_types):
        types = tuple(map(spell_out, found.cell_types))
        return replace(
            focus.last, clusters=found.clusters, cell_types=types, where="", text=found.raw
        )
    if found.values and not (found.genes or found.clusters or found.cell_types):
        return _of_a_value(found, focus)
    if found.genes and not found.cell_types and last not in ABOUT_A_GENE:
        named = spell_out(found.genes[0])
        if last in ABOUT_A_TYPE | {"describe_cluster", "explain"} and named != found.genes[0]:
            found = replace(found, genes=(), cell_types=(found.genes[0],))
    if found.cell_types or found.term_ids:
        names = tuple(map(spell_out, found.cell_types)) + found.term_ids
        if last in ABOUT_A_TYPE:
            intent = last
        elif last in {"describe_cluster", "explain", "confidence"}:
            intent = "why_not"
        else:
            intent = "which_clusters"
        return _fill(
            Ask(intent, clusters=found.clusters, cell_types=names, text=found.raw),
            found,
            vocabulary,
            focus,
        )
    if found.genes:
        intent = last if last in ABOUT_A_GENE else "expression"
        return _fill(Ask(intent, genes=found.genes, text=found.raw), found, vocabulary, focus)
    intent = last if last in ABOUT_A_CLUSTER else "describe_cluster"
    clusters = found.clusters
    if intent == "compare" and len(clusters) == 1 and focus.clusters:
        clusters = (focus.clusters[0], clusters[0])
    types = (focus.cell_type,) if intent in {"why_not", "is_type"} and focus.cell_type else ()
    number = focus.number if intent == "describe_cells" else None
    ask = Ask(intent, clusters=clusters, cell_types=types, number=number, text=found.raw)
    return _fill(ask, found, vocabulary, focus)


def _of_a_value(found: Mentions, focus: Focus) -> Ask:
    """Read "and in stim?": the last gene there, or the share of such cells."""
    column, values = found.values[0][0], tuple(label for _, label in found.values)
    if focus.gene and focus.intent in ABOUT_A_GENE | {"gene_by_group", "dots"}:
        return Ask(
            "gene_by_group", genes=(focus.gene,), column=column, values=values, text=found.raw
        )
    return Ask("composition", column=column, values=values, text=found.raw)


def _type_at_end(found: Mentions, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Read "why not call it acinar?": the last words, where they name a cell type."""
    words = re.sub(r"<\w+>", " ", found.shape).split()
    for number in (3, 2, 1):
        tail = [word for word in words[-number:] if word not in _EMPTY_WORDS]
        if len(tail) != number or any(word in COMMON | COMMANDS for word in tail):
            continue
        for name in (" ".join(tail), f"{' '.join(tail)} cell"):
            if vocabulary.resolve(name) is not None:
                return (name,)
    return ()


def _answer_to_us(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> list[Ask] | None:
    """Read a short message as the answer to what we asked back."""
    pending = focus.pending
    others = set(found.shape.split()) - _EMPTY_WORDS - set(ORDINALS) - {"number", "type"}
    others -= {*vocabulary.clusters, *(label.casefold() for label in vocabulary.clusters)}
    if pending is None or any(not word.isdigit() and word not in NUMBERS for word in others):
        return None
    ask = replace(pending, missing="", text=f"{pending.text} {found.raw}".strip())
    if pending.missing == "cluster":
        clusters = found.clusters or _bare_labels(found, vocabulary)
        if clusters:
            return _each(
                _fill(
                    replace(ask, clusters=(*pending.clusters, *clusters)), found, vocabulary, focus
                )
            )
    if pending.missing == "gene" and found.genes:
        return _each(replace(ask, genes=found.genes))
    if pending.missing == "cell_type" and (found.cell_types or found.genes):
        names = found.cell_types or found.genes
        return _each(
            _fill(replace(ask, cell_types=tuple(map(spell_out, names))), found, vocabulary, focus)
        )
    return None


def _bare_labels(found: Mentions, vocabulary: Vocabulary) -> tuple[str, ...]:
    known = {label.casefold(): label for label in vocabulary.clusters}
    if found.text.strip(" .?!") in known:
        return (known[found.text.strip(" .?!")],)
    if found.ordinal is not None and vocabulary.clusters:
        return (vocabulary.clusters[min(found.ordinal, len(vocabulary.clusters) - 1)],)
    return (str(found.number),) if found.number is not None else ()


# Filling in what was not said


def _fill(ask: Ask, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask:
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
        if focus.cell_type and _PRONOUN.search(found.shape):
            return replace(ask, cell_types=(focus.cell_type,))
        if (named := _type_at_end(found, vocabulary)) and ask.clusters:
            return replace(ask, cell_types=named)
        return replace(ask, missing="cell_type")
    return _read_family(ask, vocabulary)


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
    if ask.intent == "markers" and re.search(r"\b(?:each|every|all)\b.*\bcluster", found.text):
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


def _read_family(ask: Ask, vocabulary: Vocabulary) -> Ask:
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
