"""Whether the last answer is statistically sound: asked of any comparison, in few words."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._frames import where_of, without
from ._mentions import Mentions
from ._referring import cells_of_type
from ._vocabulary import Vocabulary

_ASKED = re.compile(
    r"^(?:and |but |so |ok |then )*(?:(?:is|are|was|were|how|can i|should i|do i)\b.*)?"
    r"\b(?:significan\w*|statistically|(?:statistical )?significance|sound|valid|robust|reliable|"
    r"meaningful|by chance|trust(?:worthy)?)\b[\w ]*$"
)
_LEANS = re.compile(
    r"\b(?:it|that|this|these|those|they|the (?:differences?|changes?|comparison|results?|test|"
    r"statistics?|p[- ]?values?))\b|^(?:and |so )*(?:statistically )?significant(?:ly)?$"
)
_COMPARED = frozenset(
    {"conditions", "compare", "compare_selections", "types_here", "markers", "test_gene"}
)


def read_worth(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "is it statistically sound?", "is that significant?" after a comparison.

    What was tested is told again with what the test is worth; a gene whose means were compared
    between two values of a column is tested. Of anything else nothing is read here.
    """
    last, text = focus.last, found.text.strip(" ?.!")
    named = found.genes or found.clusters or found.cell_types or found.values or found.term_ids
    if last is None or named or not _ASKED.match(text) or not _LEANS.search(text):
        return None
    if last.intent in _COMPARED:
        # Whose cells the last question was about stands in its words.
        return replace(last, text=f"{last.text} {found.raw}" if last.cell_types else found.raw)
    known = vocabulary.values.get(last.column or "", ())
    values = last.values if len(last.values) == 2 else known
    if len(last.values) == 1 and len(known) == 2:
        values = tuple(sorted(known, key=lambda value: value not in last.values))
    if last.intent == "gene_by_group" and last.genes and len(values) == 2:
        where = last.where or (f"clusters {', '.join(last.clusters)}" if last.clusters else "")
        if not where and last.cell_types:
            where = cells_of_type(last.cell_types[0], vocabulary)
        return Ask(
            "test_gene",
            genes=last.genes[:1],
            column=last.column,
            values=tuple(values),
            where=where,
            text=found.raw,
        )
    frame = last.frame
    if last.intent != "frame" or frame is None or frame.of_kind != "gene" or len(frame.by) != 1:
        return None
    values = vocabulary.values.get(frame.by[0], ())
    if len(values) != 2 or frame.by[0] in vocabulary.people:
        return None
    subject = frame.subject or values[0]
    rest = [value for value in values if value != subject]
    where = where_of(without((*frame.among, *frame.where), frame.by[0]))
    return Ask(
        "test_gene",
        genes=(frame.of,),
        column=frame.by[0],
        values=(subject, *rest[:1]),
        where=where,
        text=found.raw,
    )
