"""Messages that lean on the last ones: "and the next one?", "what about CD8?", answers to us."""

import re
from dataclasses import replace

from ._asks import ABOUT_A_CLUSTER, ABOUT_A_GENE, ABOUT_A_TYPE, Ask, Focus
from ._filling import EMPTY_WORDS, each_of, fill_in
from ._mentions import Mentions, spell_out
from ._reading_tests import test_again
from ._vocabulary import Vocabulary
from ._words import NUMBERS, ORDINALS

_FOLLOWS = re.compile(
    r"^(?:ok(?:ay)? |well |so |but |now |no |hm+ |sorry )*"
    r"(?:and|what about|how about|what of|same|the same|again|also|or|then|i meant?|now|but|"
    r"what if|do (?:that|it|the same)|repeat)\b"
)


def wants_more(found: Mentions) -> bool:
    return bool(re.search(r"\b(more|another|other|others|further|additional)\b", found.shape))


def is_follow_up(found: Mentions) -> bool:
    """Whether nothing but names, or "the next one", is said after "and" or "what about"."""
    words = set(found.shape.split()) - EMPTY_WORDS
    names = found.clusters or found.genes or found.cell_types or found.step or found.term_ids
    names = names or found.values
    has_ordinal = found.ordinal is not None
    if has_ordinal:
        words -= {"first", "second", "third", "fourth", "fifth", "last", "sixth", "seventh"}
    starts = _FOLLOWS.match(found.shape) or found.step or has_ordinal
    starts = starts or re.match(
        r"^(?:just |only |and )*(?:in|for|among|within|of|with)\b", found.shape
    )
    if (
        wants_more(found)
        and not names
        and words
        <= {"describe", "show", "give", "me", "few", "some", "three", "two", "five", "four"}
    ):
        return False
    return bool(starts and (names or has_ordinal) and not words)


def read_follow_up(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask:
    again = _same_with_other_names(found, vocabulary, focus)
    if again is not None:
        return again
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
        if last in ABOUT_A_TYPE | {"markers"}:
            intent = last
        elif last in {"describe_cluster", "explain", "confidence"}:
            intent = "why_not"
        else:
            intent = "which_clusters"
        return fill_in(
            Ask(intent, clusters=found.clusters, cell_types=names, text=found.raw),
            found,
            vocabulary,
            focus,
        )
    if found.genes:
        intent = last if last in ABOUT_A_GENE else "expression"
        return fill_in(Ask(intent, genes=found.genes, text=found.raw), found, vocabulary, focus)
    intent = last if last in ABOUT_A_CLUSTER else "describe_cluster"
    clusters = found.clusters
    if "instead" in found.text and focus.last is not None and len(clusters) == 2:
        new, old = clusters
        clusters = tuple(new if label == old else label for label in focus.last.clusters) or (new,)
    if intent == "compare" and len(clusters) == 1 and focus.clusters:
        clusters = (focus.clusters[0], clusters[0])
    types = (focus.cell_type,) if intent in {"why_not", "is_type"} and focus.cell_type else ()
    number = focus.number if intent == "describe_cells" else None
    ask = Ask(intent, clusters=clusters, cell_types=types, number=number, text=found.raw)
    return fill_in(ask, found, vocabulary, focus)


def _same_with_other_names(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Put the names that were said into the last ask: "and for CXCL10?", "in B cells only?"."""
    last = focus.last
    if last is None:
        return None
    if last.intent == "test_gene":
        return test_again(last, found, vocabulary, focus)
    if last.intent == "most_changed" and found.genes:
        return replace(last, genes=found.genes[:1], name="", text=found.raw)
    if last.intent == "composition" and found.cell_types and not found.values:
        types = tuple(map(spell_out, found.cell_types))
        return replace(last, cell_types=types, clusters=(), text=f"{last.text} {found.raw}")
    if last.intent in {"expression", "where_highest"} and focus.gene and found.cell_types:
        types = tuple(map(spell_out, found.cell_types))
        if not (found.genes or found.clusters) and not _named_gene(found, vocabulary):
            return Ask("expression", genes=(focus.gene,), cell_types=types, text=found.raw)
    if last.intent == "gene_by_group" and found.cell_types and not found.genes:
        types = tuple(map(spell_out, found.cell_types))
        return replace(last, cell_types=types, where="", text=found.raw)
    if last.intent == "most_changed" and found.cell_types and last.column:
        types = tuple(map(spell_out, found.cell_types))
        return Ask(
            "conditions", column=last.column, values=last.values, cell_types=types, text=found.raw
        )
    return None


def _named_gene(found: Mentions, vocabulary: Vocabulary) -> bool:
    return found.cell_types[0].casefold() in vocabulary.genes


def _of_a_value(found: Mentions, focus: Focus) -> Ask:
    """Read "and in stim?": the last gene there, or the share of such cells."""
    column, values = found.values[0][0], tuple(label for _, label in found.values)
    last = focus.last
    if last is not None and last.intent == "composition" and last.column == column:
        return replace(last, values=values, text=f"{last.text} {found.raw}")
    if focus.gene and focus.intent in ABOUT_A_GENE | {"gene_by_group", "dots"}:
        return Ask(
            "gene_by_group", genes=(focus.gene,), column=column, values=values, text=found.raw
        )
    return Ask("composition", column=column, values=values, text=found.raw)


def read_answer_to_us(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> list[Ask] | None:
    """Read a short message as the answer to what we asked back."""
    pending = focus.pending
    others = set(found.shape.split()) - EMPTY_WORDS - set(ORDINALS) - {"number", "type"}
    others -= {*vocabulary.clusters, *(label.casefold() for label in vocabulary.clusters)}
    if pending is None or any(not word.isdigit() and word not in NUMBERS for word in others):
        return None
    ask = replace(pending, missing="", text=f"{pending.text} {found.raw}".strip())
    if pending.missing == "cluster":
        clusters = found.clusters or _bare_labels(found, vocabulary)
        if clusters:
            return each_of(
                fill_in(
                    replace(ask, clusters=(*pending.clusters, *clusters)), found, vocabulary, focus
                )
            )
    if pending.missing == "gene" and found.genes:
        return each_of(replace(ask, genes=found.genes))
    if pending.missing == "cell_type" and (found.cell_types or found.genes):
        names = found.cell_types or found.genes
        return each_of(
            fill_in(replace(ask, cell_types=tuple(map(spell_out, names))), found, vocabulary, focus)
        )
    return None


def _bare_labels(found: Mentions, vocabulary: Vocabulary) -> tuple[str, ...]:
    known = {label.casefold(): label for label in vocabulary.clusters}
    if found.text.strip(" .?!") in known:
        return (known[found.text.strip(" .?!")],)
    if found.ordinal is not None and vocabulary.clusters:
        return (vocabulary.clusters[min(found.ordinal, len(vocabulary.clusters) - 1)],)
    return (str(found.number),) if found.number is not None else ()
