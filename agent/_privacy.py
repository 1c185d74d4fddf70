"""What a hosted language model gets to see of a piece of evidence.

Barcodes, donors and expression values stay on this machine; the person sees them in the
table and in the figure, the language model learns what was computed and how to cite it.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools import Evidence, Session

_BARCODE = re.compile(r"\b[ACGTN]{8,}(?:[-_.][\w-]+)*\b")
_PERSON = re.compile(r"(?i)\b(donor|patient|subject|individual|participant)s?(?:_?ids?)?\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9'\[])")
_NUMBER = re.compile(r"(?<![\w.:-])\d[\d,]*\.\d+(?![\w%])")

EXPRESSION_TOOLS = frozenset({"show_expression"})
WITHHELD = "(value not shown here)"


def for_hosted_model(evidence: "Evidence", session: "Session") -> str:
    """Return `evidence.text` without barcodes, donor columns and expression values."""
    text = _BARCODE.sub("(a cell)", evidence.text)
    if evidence.cells is not None and session.adata is not None and len(evidence.cells) <= 1000:
        names = session.adata.obs_names[evidence.cells]
        for number, name in enumerate(sorted(set(map(str, names)), key=len, reverse=True), 1):
            if len(name) > 3:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"(cell {number})", text)
    kept = [sentence for sentence in _SENTENCE.split(text) if not _PERSON.search(sentence)]
    text = " ".join(kept)
    if evidence.tool in EXPRESSION_TOOLS:
        text = _NUMBER.sub(WITHHELD, text)
    return text
