"""Which act a question is: a linear model over its words, learnt from written-down wordings.

The wordings are in ``wordings.tsv``, one a line with its act, and in ``talks.tsv``, where they
follow each other as in a conversation. `agent.learn_acts` learns from both and writes the weights,
which are all that is read here. A question is seen as its outline (`_outlines`), so that no name of
a file takes part, and after the act of the question before.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ._outlines import Slot, tokens
from ._tag_names import Tag

WEIGHTS = Path(__file__).with_name("acts.npz")
_TELLING = frozenset(
    {"measure", "plot", "order", "group", "verb", "than", "that", "which", "only", "not", "or"}
)  # kinds of words of which it matters which one it is
_MOST_OF_A_KIND = 3
FIRST = "first"  # in place of the act before, where nothing was asked before
# Acts that leave what the conversation is about as it is, and are no act before another.
PASSING = frozenset(
    {"greet", "thanks", "offtopic", "cannot", "identity", "help", "privacy", "which_test", "trust",
     "cite", "how_named", "what_confidence", "export_dataset", "export_table", "export_cells",
     "export_figure", "recall", "evidence", "columns", "column", "list_corrections"}
)  # fmt: skip


@dataclass(frozen=True)
class Recogniser:
    """A linear model over features of outlines.

    Parameters
    ----------
    acts
        Names of the acts.
    features
        Feature to its row.
    rarity
        ``(n_features,)`` inverse document frequency.
    weights
        ``(n_features, n_acts)`` eight-bit weights.
    scale
        ``(n_acts,)`` what a unit of `weights` is worth.
    bias
        ``(n_acts,)``.
    """

    acts: tuple[str, ...]
    features: dict[str, int]
    rarity: np.ndarray
    weights: np.ndarray
    scale: np.ndarray
    bias: np.ndarray

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Recogniser":
        """Read the weights that `agent.learn_acts` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            names = json.loads(bytes(stored["names"]).decode())
            return cls(
                tuple(names["acts"]),
                {name: row for row, name in enumerate(names["features"])},
                *(stored[key].astype(np.float32) for key in ("rarity", "weights", "scale", "bias")),
            )

    def likely(
        self, line: str, slots: Sequence[Slot], tags: Sequence[Tag], before: str = ""
    ) -> list[tuple[str, float]]:
        """Return the acts that a question may be with their probabilities, the likeliest first.

        Parameters
        ----------
        before
            The act of the question before, `FIRST`, or nothing where that is not known.
        """
        found = features_of(line, slots, tags, before)
        counted = Counter(f for f in found if f in self.features)
        rows = np.fromiter((self.features[name] for name in counted), int, len(counted))
        counts = np.fromiter(counted.values(), np.float32, len(counted))
        values = (1 + np.log(counts)) * self.rarity[rows]
        values /= max(float(np.linalg.norm(values)), 1e-9)
        logits = (values @ self.weights[rows]) * self.scale + self.bias
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        order = np.argsort(-shares)
        return [(self.acts[at], float(shares[at])) for at in order]


@cache
def recogniser() -> Recogniser:
    """Return the recogniser that ships with the package."""
    return Recogniser.load()


def features_of(
    line: str, slots: Sequence[Slot], tags: Sequence[Tag], before: str = ""
) -> Iterator[str]:
    """Yield what the model looks at: words and pieces, kinds of words and names, the act before."""
    words = ["^", *tokens(line), "$"]
    if before:
        yield f"p:{before}"
        for word in words[1:-1]:
            yield f"p:{before} {word}"
    for length in (1, 2, 3):
        for at in range(len(words) - length + 1):
            yield "w:" + " ".join(words[at : at + length])
    for at in range(len(words) - 2):
        yield f"s:{words[at]} * {words[at + 2]}"
    for word in words:
        if word[0] != "{" and len(word) > 2:
            whole = f"<{word}>"
            for length in (3, 4, 5):
                for at in range(len(whole) - length + 1):
                    yield "c:" + whole[at : at + length]
    yield f"l:{min(len(words) - 2, 12)}"
    kinds = ["^", *(_kind(one) for one in tags), "$"]
    for length in (1, 2, 3):
        for at in range(len(kinds) - length + 1):
            yield "k:" + " ".join(kinds[at : at + length])
    counted = Counter(slot.kind for slot in slots)
    for kind in ("{group}", "{gene}", "{column}", "{number}"):
        yield f"n:{kind}{min(counted[kind], _MOST_OF_A_KIND)}"
    for slot in slots:
        if slot.tag is not None:
            yield f"t:{slot.tag.kind}"


def _kind(one: Tag) -> str:
    return f"{one.kind}={one.value}" if one.kind in _TELLING else one.kind
