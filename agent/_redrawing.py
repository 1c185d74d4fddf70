"""Short changes to the last figure: another gene, another column, fewer cells, another form."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._frames import where_of
from ._mentions import Mentions
from ._scanning import Reading, scan
from ._tags import tag
from ._vocabulary import Vocabulary

_ADDS = re.compile(r"(?i)\b(?:add|include|also|plus|as well|too|and)\b")
_DROPS = re.compile(r"(?i)\b(?:remove|drop|without|minus|leave out|exclude|take out|delete)\b")
_PLOT_WORDS = re.compile(
    r"(?i)\b(?:add|include|remove|drop|take out|leave out|delete|can you|please|draw|plot|show|"
    r"make|it|that|them|the|a|an|as|instead|now|then|again|to|for|same|split|with|version|redo|too|"
    r"also|as well|ok|and|but|only|just|in|by|of|figure|graph|from)\b"
)
_FORMS = (
    ("dots", re.compile(r"(?i)\bdot ?-?plots?\b|\bheat ?maps?\b|\bbubbles?\b|\bas dots\b")),
    ("gene_by_group", re.compile(r"(?i)\bviolins?\b|\bbox ?plots?\b|\bdistributions?\b")),
)
_DRAWN = frozenset({"dots", "gene_by_group"})


def read_redrawing(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return the last figure with what a short question changes of it."""
    last = focus.last
    if last is None or last.intent not in _DRAWN or len(found.raw.split()) > 9:
        return None
    if last.intent == "gene_by_group" and last.values:
        return None  # "is it higher in stim?" was answered by a number
    if re.search(
        r"(?i)\b(?:how|what|which|why|where|who|is|are|do|does|significan\w*)\b", found.raw
    ):
        return None
    tags = tag(found.raw, vocabulary, focus)
    read = scan(tags, vocabulary)
    left = [word for word in read.unknown if not _PLOT_WORDS.fullmatch(word)]
    if left or read.measures or read.order or read.having:
        return None
    form = next((name for name, said in _FORMS if said.search(found.raw)), "")
    ask = _with_genes(last, found, read)
    if ask is None:
        return None
    ask = _with_column(ask, found.raw, read, vocabulary)
    if read.clauses:
        ask = replace(ask, where=where_of(clause for _, clause in read.clauses), cell_types=())
    if form:
        ask = replace(ask, intent=form, plot=None)
    if ask.intent == "gene_by_group" and len(ask.genes) != 1:
        ask = replace(ask, intent="dots")
    if ask.intent == "gene_by_group" and ask.column is None:
        column = next(iter(vocabulary.author_columns), None)
        if column is None:
            return Ask("expression", genes=ask.genes, plot="violin", text=found.raw)
        ask = replace(ask, column=column)
    changed = replace(ask, text=last.text) != last or form
    return replace(ask, text=found.raw) if changed else None


def _with_genes(last: Ask, found: Mentions, read: Reading) -> Ask | None:
    said = [gene for _, gene in read.genes]
    said += [p.label for _, clause in read.clauses for p in clause if p.kind == "gene" and p.is_not]
    genes = tuple(dict.fromkeys(said))
    read.clauses = [(at, c) for at, c in read.clauses if c[0].kind != "gene"]
    if not genes:
        return last
    if _DROPS.search(found.raw):
        left = tuple(gene for gene in last.genes if gene not in genes)
        return replace(last, genes=left) if left and left != last.genes else None
    if _ADDS.search(found.raw) and last.intent == "dots":
        return replace(last, genes=tuple(dict.fromkeys((*last.genes, *genes))))
    return replace(last, genes=genes)


def _with_column(ask: Ask, said: str, read: Reading, vocabulary: Vocabulary) -> Ask:
    columns = list(dict.fromkeys(column for _, column, _ in read.columns))
    if columns:
        name = None if columns[0] == "clusters" else columns[0]
        return replace(
            ask, column=name if name in vocabulary.labels or name is None else ask.column
        )
    if re.search(r"(?i)\bby clusters?\b|\bper cluster\b", said):
        return replace(ask, column=None)
    return ask
