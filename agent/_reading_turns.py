"""Short turns that go on with types, genes or selections of the turn before."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._mentions import Mentions, spell_out
from ._referring import cells_of_type
from ._vocabulary import Vocabulary

_DIFFERS = re.compile(
    r"^(?:and |so |but )*(?:how|what) (?:do|does|are|makes?|is|separates?|distinguishes|"
    r"sets?) (?:they|these|those|them|it|that)\b.*\b(?:from|to|than|with|vs|versus)\b"
)
_MARK = re.compile(
    r"^(?:and |so |but )*(?:what|which)(?: \w+)? (?:would|could|should|do|does|are|is|genes?)\b.*\b"
    r"(?:mark|marks|markers?|known|define|defines|identify|specific)\b.*\b(?:them|it|those|that|"
    r"this|these)\b|^(?:and )*which genes are known for (?:it|them|that)\b"
)
_SUBTYPES = re.compile(
    r"^(?:and |so )*(?:which|what|any|list)\b.*\b(?:subtypes?|subsets|kinds|sorts)\b"
    r"(?: of (?:it|them|that))?(?: exist| are there| are known| do (?:you|we) know| there)?\W*$"
)
_TOGETHER = re.compile(
    r"^(?:and |so |but )*(?:do|are|is) (?:they|those|these|the two|both)\b.*\b(?:together|"
    r"correlat\w*|co-?express\w*|co-?occur\w*|in the same cells|exclusive)\b"
)
_BIGGER = re.compile(
    r"^(?:and |so )*which(?: one| group| selection| set| of (?:them|these|those|the two))? "
    r"(?:is|has) (?:the )?(?:bigger|larger|smaller|biggest|largest|smallest|more cells|most cells|"
    r"fewer cells)\W*$"
)
_SEPARATE = re.compile(
    r"^(?:and |so |please )*(?:name|give|list|show|tell|which|what)\b.*\bgenes?\b.*\b(?:separat\w*|"
    r"distinguish\w*|tell|differ\w*|discriminat\w*)\b"
)
_STATISTICS = re.compile(
    r"\b(?:statistics?|test\w*|pseudobulk|compare|compar\w*)\b.*\b(?:between|across|of|with) "
    r"(?:the )?(?:donors?|patients?|people|individuals?|subjects?|samples?)\b"
)
_RELABEL = re.compile(
    r"\b(?:relabel|rename|re-?annotate|correct|fix|call)\b|\b(?:are|is) (?:really|actually)\b"
)


def read_turn(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a short turn asks of the types, genes or selections before it."""
    if not vocabulary.has_dataset:
        return None
    for reader in _READERS:
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


def _difference(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "how do they differ from T cells?" after the genes of NK cells."""
    if not _DIFFERS.match(found.text) or found.genes or found.values:
        return None
    last = focus.last
    if last is None or len(found.cell_types) != 1 or found.clusters:
        return None
    here = last.intent in {"markers", "describe_cluster", "which_clusters", "count_type"}
    if not here:
        return None
    other = spell_out(found.cell_types[0])
    mine = last.cell_types[0] if last.cell_types else ""
    if mine:
        return Ask("types_here", cell_types=(spell_out(mine), other))
    if last.clusters:
        where = " OR ".join(f"cluster {label}" for label in last.clusters)
        return Ask("compare_selections", where=where, second=cells_of_type(other, vocabulary))
    return None


def _separating(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "name three genes that separate them" after two groups were compared."""
    last = focus.last
    compared = {"compare_selections", "types_here", "compare", "conditions"}
    if last is None or last.intent not in compared or not _SEPARATE.match(found.text):
        return None
    if found.cell_types or found.clusters or found.genes:
        return None
    return replace(last, number=found.number or last.number, text=f"top {found.number or 10} genes")


def _known(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what would mark them?" and "which subtypes exist?" after a cell type."""
    if found.genes or found.clusters or found.cell_types or not focus.cell_type:
        return None
    spoken = {"look_up", "count_type", "which_clusters", "type_markers"}
    if focus.last is None or focus.last.intent not in spoken:
        return None
    if _SUBTYPES.match(found.text):
        return Ask("look_up", cell_types=(focus.cell_type,), text="subtypes")
    if _MARK.match(found.text):
        return Ask("type_markers", cell_types=(focus.cell_type,), number=found.number)
    return None


def _pair(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "do they go together?" after two genes."""
    if not _TOGETHER.match(found.text) or found.genes:
        return None
    spoken = [gene for ask in reversed(focus.past[-3:]) for gene in reversed(ask.genes)]
    two = tuple(dict.fromkeys(spoken))[:2][::-1]
    return Ask("gene_pair", genes=two) if len(two) == 2 else None


def _bigger(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which group is bigger?" after two selections."""
    last = focus.last
    if last is None or last.intent not in {"select", "name_selection"}:
        return None
    if len(vocabulary.selections()) < 2 or not _BIGGER.match(found.text):
        return None
    return Ask("list_selections")


def _same_cluster(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "CD4?" after a gene was looked at in one cluster."""
    last = focus.last
    if last is None or last.intent != "expression" or found.clusters:
        return None
    said = re.search(r"(?i)\bcluster (\w+)", last.text)
    clusters = last.clusters or ((said[1],) if said and said[1] in vocabulary.clusters else ())
    if not clusters:
        return None
    if len(found.genes) != 1 or found.cell_types or found.values:
        return None
    if not re.match(r"^(?:and |what about |or |how about )*<gene>$", found.shape):
        return None
    return replace(last, genes=found.genes, clusters=clusters, text=f"{last.text} {found.raw}")


def _before(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "and before?" after a gene was told by condition: the other condition."""
    last = focus.last
    if last is None or last.intent != "gene_by_group" or len(last.values) > 1 or not last.column:
        return None
    if not re.match(r"^(?:and |what about |but )*(?:before|after|without(?: it)?|unstimulated|"
                    r"untreated)(?: treatment| stimulation)?\W*$", found.text):  # fmt: skip
        return None
    labels = vocabulary.labels.get(last.column, ())
    other = next((label for label in labels if label not in last.values), None)
    if len(labels) != 2 or other is None:
        return None
    return replace(last, values=(other,), text=found.raw)


def _statistics(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "can I do statistics between donors?": how many people there are decides."""
    if not _STATISTICS.search(found.text) or found.genes or found.cell_types or found.clusters:
        return None
    if not re.match(
        r"^(?:and |so |but |then )*(?:can|could|may|is it|are|do|should)\b", found.text
    ):
        return None
    people = [c for c in vocabulary.columns.values() if c in vocabulary.people]
    if not people:
        return None
    return Ask("column", column=people[0], listed=(people[0],), name="statistics")


def _relabel(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "the monocytes are really macrophages, please relabel": a group of the authors."""
    if not re.search(r"\b(?:relabel|rename|re-?annotate|correct)\b", found.text) or found.clusters:
        return None
    if len(found.cell_types) != 2 or not _RELABEL.search(found.text):
        return None
    own = vocabulary.authors.get(found.cell_types[0].casefold())
    if own is None or vocabulary.resolve(spell_out(found.cell_types[1])) is None:
        return None
    return Ask("relabel_group", where=cells_of_type(found.cell_types[0], vocabulary),
               cell_types=(spell_out(found.cell_types[1]),))  # fmt: skip


_READERS = (
    _before,
    _difference,
    _separating,
    _known,
    _pair,
    _bigger,
    _same_cluster,
    _statistics,
    _relabel,
)
