"""Short questions about the genes that were spoken of: what goes with them, overlaps, differs.

They name no gene or one alone, so that what they mean is found in what was asked before.
"""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._asks_of_tests import treated_first
from ._frames import Frame, where_of
from ._kept import Kept
from ._plain_asks import ask_frame
from ._referring import cells_of_type
from ._scanning import of_gene
from ._spoken_genes import genes_of
from ._tags import tag
from ._vocabulary import Vocabulary

_WITH = (
    r"(?:go(?:es|ing)?|run|runs|rise\w*|var(?:y|ies)|move\w*|track\w*|travel\w*|come\w*) "
    r"(?:\w+ )?(?:together|along|hand in hand|in step|in parallel)\b|"
    r"(?:go(?:es|ing)?|var(?:y|ies)|track\w*|move\w*) with\b|"
    r"co-?express\w*|co-?regulat\w*|co-?var\w*|(?:anti-?)?correlat\w*|associat\w* with\b"
)
_PARTNERS = re.compile(
    rf"(?i)\b(?:what|which|any|find|list|show|top|other|else|best)\b(?=.*\b(?:genes?|else|"
    rf"others?|transcripts?|partners?)\b).*\b(?:{_WITH})|"
    rf"^(?:\W|\b(?:and|so|but|ok|then)\b)*what(?! (?:cells?|clusters?|cell ?types?|percent\w*|"
    rf"share|fraction)\b) .*\b(?:{_WITH})|"
    rf"\bgenes? (?:that |which |most |best |strongly |highly |closely )*(?:{_WITH})|"
    r"\b(?:co-?expression |correlation )?partners?\b"
)
_GENE_POINTED = re.compile(
    r"(?i)\b(?:it|that|this|the same|(?:the |that |this )(?:first |last |second )?(?:gene|one))\b"
)
_FIRST = re.compile(r"(?i)\bfirst\b")
_OVERLAP = re.compile(
    r"(?i)^(?:\W|\b(?:and|so|ok|then|but)\b)*(?:(?:how (?:much|many|big|large)|what|is|are|any|do|"
    r"does|the) .*)?\b(?:overlap\w*|intersect\w*|in common|double[- ]positives?)\W*$"
)
_OTHER_WAY = re.compile(
    r"(?i)\b(?:other way|opposite (?:way|direction)|(?:wrong|other|different) direction|"
    r"odd one out|against the (?:trend|others|rest)|reversed?|contrary)\b"
)
_ASKS_WHICH = re.compile(r"(?i)\b(?:which|what|any|does (?:any|one)|do any)\b")
_BARE = re.compile(r"(?i)^(?:\W|\b(?:and|now|ok|or|then)\b)*(?P<gene>[\w.-]+)\W*$")
_MOST = 8  # genes that are tested
_TURNS = 4


def read_partners(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is asked of genes that were spoken of before, or nothing."""
    tags = tag(text, vocabulary, focus)
    genes = tuple(dict.fromkeys(one.value for one in tags if one.kind == "gene"))
    groups = [one for one in tags if one.kind in {"value", "cluster", "type"}]
    if len(genes) > 1 or (genes and genes[0].casefold() not in vocabulary.genes):
        return None
    if _PARTNERS.search(text):
        spoken = genes or _pointed(text, focus)
        if not spoken or any(one.kind == "column" for one in tags):
            return None
        where = where_of([one.conditions for one in groups if one.conditions])
        kept = Kept("correlated", genes=spoken, text=text)
        return Ask("gene_pair", genes=spoken, where=where, text=text, kept=kept)
    if groups:
        return None
    if not genes and _OVERLAP.search(text):
        two = spoken_genes(focus)[-2:]
        if len(two) == 2 and all(gene.casefold() in vocabulary.genes for gene in two):
            kept = Kept("correlated", genes=tuple(two), text=text)
            return Ask("gene_pair", genes=tuple(two), text="how many have both?", kept=kept)
    if not genes and _OTHER_WAY.search(text) and _ASKS_WHICH.search(text):
        return _opposed(text, focus, vocabulary)
    if not genes and _BETTER.search(text):
        return _better(text, focus, vocabulary)
    if genes and _IN_OTHERS.search(text):
        return _in_others(genes, focus, vocabulary)
    return _alone(text, genes, focus)


def spoken_genes(focus: Focus) -> list[str]:
    """Return the genes that were spoken of, each once, the latest last."""
    found: dict[str, None] = {}
    for ask in focus.past:
        for gene in genes_of(ask):
            found.pop(gene, None)
            found[gene] = None
    return list(found)


def _pointed(text: str, focus: Focus) -> tuple[str, ...]:
    spoken = [gene for ask in focus.past for gene in genes_of(ask)]
    if not spoken or not _GENE_POINTED.search(text):
        return ()
    return (spoken[0] if _FIRST.search(text) else spoken[-1],)


def pair_spoken(focus: Focus, vocabulary: Vocabulary) -> tuple[str, tuple[str, str]] | None:
    """Return the column of conditions that was spoken of last, and the two that are compared."""
    for ask in reversed(focus.past):
        columns = (ask.column, *(ask.frame.by if ask.frame is not None else ()))
        for column in columns:
            known = vocabulary.labels.get(str(column), ())
            if column not in vocabulary.conditions or column in vocabulary.people:
                continue
            pair = ask.values if len(ask.values) == 2 else known
            if len(pair) == 2 and set(pair) <= set(known):
                return str(column), (pair[0], pair[1])
    return None


def _opposed(text: str, focus: Focus, vocabulary: Vocabulary) -> Ask | None:
    """Test the genes that were told of, for the one that changes the other way."""
    last = focus.last
    genes = max(list(last.genes), genes_of(last), key=len) if last is not None else []
    genes = (genes if len(genes) > 1 else spoken_genes(focus))[-_MOST:]
    pair = pair_spoken(focus, vocabulary)
    if len(genes) < 2 or pair is None:
        return None
    where = last.where if last is not None and not last.second else ""
    values = treated_first(pair[1])
    return Ask("test_gene", genes=tuple(genes), column=pair[0], values=values, where=where,
               mode="opposed", text=text)  # fmt: skip


_BETTER = re.compile(
    r"(?i)^(?:\W|\b(?:and|so|ok|then|but|well|hm+)\b)*(?:what|which|is there|any\w*|something|"
    r"are there|do you have)\b.*\b(?:better|alternatives?|more specific|cleaner|best)\b"
    r"(?!.*\b(?:clusters?|cells?|quality|labels?|types?|sample|donor|patient)\b)"
)
_IN_OTHERS = re.compile(
    r"(?i)\b(?:in|among|for|across|and) (?:all )?(?:the )?(?:others?|rest|other (?:\w+ )?"
    r"(?:groups?|clusters?|types?|cells|ones|labels))\W*$|\b(?:anywhere|somewhere) else\W*$"
)
_OF_MARKERS = frozenset({"markers", "compare_selections", "test_gene", "is_known_marker",
                         "is_marker", "expression", "where_highest"})  # fmt: skip


def _group_spoken(focus: Focus) -> str:
    """Return the one group whose genes were spoken of last, in the words that the verbs take."""
    for ask in reversed(focus.past[-_TURNS:]):
        if ask.intent not in _OF_MARKERS or ask.second or len(ask.values) > 1:
            continue
        if ask.intent == "test_gene" and ask.mode != "marker":
            continue
        if ask.clusters and ask.intent in {"markers", "is_marker"}:
            return f"cluster {ask.clusters[-1]}"
        if ask.where:
            return ask.where
    return ""


def _better(text: str, focus: Focus, vocabulary: Vocabulary) -> Ask | None:
    """Look for the markers of the group that a gene was to mark."""
    last = focus.last
    is_of_gene = last is not None and last.frame is not None and last.frame.of_kind == "gene"
    if last is None or not (last.intent in _OF_MARKERS or is_of_gene):
        return None
    where = _group_spoken(focus)
    if not where and last.cell_types and last.genes:
        where = cells_of_type(last.cell_types[-1], vocabulary)
    if not where:
        return None
    if cluster := re.fullmatch(r"cluster (\S+)", where):
        return Ask("markers", clusters=(cluster[1],), text="markers")
    return Ask("compare_selections", where=where, mode="markers", text="markers")


def _in_others(genes: tuple[str, ...], focus: Focus, vocabulary: Vocabulary) -> Ask | None:
    """Tell a gene group by group where the markers of one group were told."""
    where = _group_spoken(focus)
    if not where:
        return None
    named = re.match(r'^\(?"?([^"=()]+?)"? = "', where)
    column = named[1] if named and named[1] in vocabulary.labels else "clusters"
    if not named and not where.startswith("cluster"):
        return None
    frame = Frame("mean", of=genes[0], of_kind="gene", by=(column,), also="share")
    return replace(ask_frame(frame), genes=genes[:1], column=column)


def _alone(text: str, genes: tuple[str, ...], focus: Focus) -> Ask | None:
    """Read a gene's name and no more, after the cells with several were counted."""
    last = focus.last
    frame = last.frame if last is not None else None
    match = _BARE.match(text)
    if frame is None or not match or match["gene"].upper() not in {g.upper() for g in genes}:
        return None
    of_genes = [part for clause in frame.where for part in clause if part.kind == "gene"]
    if len(of_genes) < 2 or frame.by or frame.measure not in {"cells", "share"}:
        return None
    rest = tuple(c for c in frame.where if c[0].kind != "gene")
    counted = replace(frame, where=(*rest, (of_gene(genes[0]),)))
    kept = Kept("count_express", genes=genes, text=text)
    return replace(ask_frame(counted), genes=genes, text="how many?", kept=kept)
