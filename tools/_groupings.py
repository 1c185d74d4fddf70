"""Columns of obs that group cells: clusterings, authors' labels, samples and conditions.

Which column is what is told from its name and its values. An unsupervised clustering has
labels that are numbers ("0", "c3"); words are somebody's annotation.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ._errors import UnknownLabelError
from ._keys import AUTHOR_LABEL_NAMES, CLUSTERING_NAMES, PERSON_NAMES, PREFIX
from ._wording import choices, clean, quote

if TYPE_CHECKING:
    import pandas as pd

GroupingKind = Literal["clustering", "author labels", "person", "other"]

_NUMBERED = re.compile(
    r"^(c|cl|cluster|clust|k|group)?[ _.-]?\d+(\.0+)?([_.-]\d+)?$", re.IGNORECASE
)
_FLOAT = re.compile(r"^(-?\d+)\.0+$")
_CLUSTER_WORD = re.compile(
    r"^(the\s+)?(cluster|clusters|group)\s*(no\.?|number|#)?\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Grouping:
    """A column of obs that puts each cell into one of a few groups."""

    key: str
    kind: GroupingKind
    n_groups: int


def is_person(key: str) -> bool:
    """Whether a column tells people apart, so that its values stay out of texts."""
    return any(name in key.lower() for name in PERSON_NAMES)


def is_numbered(label: str) -> bool:
    """Whether a label is a number, as clusterings give, and no name."""
    return _NUMBERED.match(label) is not None


def is_clustering(key: str, labels: list[str]) -> bool:
    """Whether a column is an unsupervised clustering: known name and numbered labels."""
    name = key.lower()
    named = any(
        name == known or name.startswith((known + "_", known + ".")) for known in CLUSTERING_NAMES
    )
    named = named or name.startswith(("leiden", "louvain")) or "_snn_res" in name
    return named and bool(labels) and all(_NUMBERED.match(label) for label in labels)


def list_groupings(obs: "pd.DataFrame", *, limit: int) -> list[Grouping]:
    """List the columns that put cells into 1 to `limit` groups, in the order of obs."""
    found = []
    for key in obs.columns:
        column = obs[key]
        name = str(key)
        if name.startswith(PREFIX) or column.dtype.kind == "f" and column.nunique() > 50:
            continue
        n_groups = int(column.nunique())
        if not 1 <= n_groups <= min(limit, max(2, len(obs) // 2)):
            continue
        found.append(
            Grouping(name, _kind(name, [str(v) for v in column.dropna().unique()]), n_groups)
        )
    return found


def _kind(key: str, labels: list[str]) -> GroupingKind:
    if is_clustering(key, labels):
        return "clustering"
    if key.lower() in AUTHOR_LABEL_NAMES or (key.lower() in CLUSTERING_NAMES and labels):
        return "author labels"
    return "person" if is_person(key) else "other"


def find_clustering(obs: "pd.DataFrame", *, limit: int) -> str | None:
    """Return the existing unsupervised clustering to start from, or None.

    A clustering needs at least two groups and, on average, two cells in each.
    """
    groupings = [
        grouping
        for grouping in list_groupings(obs, limit=limit)
        if grouping.kind == "clustering" and 2 <= grouping.n_groups <= max(2, len(obs) // 2)
    ]
    if not groupings:
        return None

    def rank(grouping: Grouping) -> int:
        name = grouping.key.lower()
        for position, known in enumerate(CLUSTERING_NAMES):
            if name == known or name.startswith(known):
                return position
        return len(CLUSTERING_NAMES)

    return min(groupings, key=rank).key


def as_labels(column: "pd.Series") -> "pd.Series":
    """Return a copy as ordered text categories that are safe to show.

    ``1.0`` becomes ``"1"``; control characters and markup go; missing becomes
    ``"unassigned"``; numbers are put in numeric order.
    """
    import pandas as pd

    texts = {}
    for value in column.dropna().unique():
        text = str(value)
        text = match[1] if (match := _FLOAT.match(text)) else text
        label = clean(text) or "empty"
        while label in texts.values():
            label += "'"
        texts[value] = label
    labels = column.astype(object).map(texts).where(column.notna(), "unassigned")
    present = [*texts.values(), *(["unassigned"] if column.isna().any() else [])]
    order = sorted(dict.fromkeys(present), key=_natural)
    return pd.Series(pd.Categorical(labels, categories=order), index=column.index, name=column.name)


def _natural(label: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key that puts "2" before "10"."""
    parts = re.split(r"(\d+)", label)
    return tuple((0, int(p)) if p.isdecimal() else (1, p.lower()) for p in parts if p)


def match_label(asked: str, known: list[str], *, where: str, noun: str = "Cluster") -> str:
    """Return the label that `asked` means: "3", "cluster 3" and "Cluster 3" are the same.

    Raises
    ------
    UnknownLabelError
        If no label fits.
    """
    text = clean(str(asked))
    bare = _CLUSTER_WORD.sub("", text).strip(" '\"?.,;:")
    folded = {label.casefold(): label for label in reversed(known)}
    for name in (text, bare, match[1] if (match := _FLOAT.match(bare)) else bare):
        if name in known:
            return name
        if name.casefold() in folded:
            return folded[name.casefold()]
    numbers = {digits[0]: label for label in known if (digits := re.findall(r"\d+", label))}
    if bare.isdecimal() and len(numbers) == len(known) and bare in numbers:
        return numbers[bare]
    msg = (
        f"{noun} {quote(asked)} is not in {where}. Known labels: {choices(known)}. "
        f"Name one of them."
    )
    raise UnknownLabelError(msg)
