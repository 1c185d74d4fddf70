"""How like two texts are: BLEU-4 and ROUGE-L, sentence by sentence.

Small on purpose: two short formulas do not need a library that downloads word lists. Both agree
with the tools that the Cell2Text paper used (NLTK's sentence BLEU with smoothing 4 on words
between blanks, rouge-score without stemming), which the tests check by hand-worked values.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

_N = 4
_K = 5.0  # constant of smoothing method 4 (Chen and Cherry 2014, doi:10.3115/v1/W14-3346)
_WORD = re.compile(r"[a-z0-9]+")


def bleu_4(text: str, reference: str) -> float:
    """Return BLEU-4 of a text against one reference, 0-1 (Papineni 2002, doi:10.3115/1073083).

    The geometric mean of the shares of the text's runs of one to four words that stand in the
    reference, times a penalty for a text that is shorter. A share of zero is smoothed.
    """
    words, true_words = text.split(), reference.split()
    if not words or not true_words:
        return float(words == true_words)
    logs = []
    n_empty = 0
    for n in range(1, _N + 1):
        runs, true_runs = _runs(words, n), _runs(true_words, n)
        matched = float(sum(min(k, true_runs[run]) for run, k in runs.items()))
        if not matched:
            if n == 1 or len(words) < 2:
                return 0.0
            n_empty += 1
            matched = 1 / (2**n_empty * _K / math.log(len(words)))
        logs.append(math.log(matched / max(1, sum(runs.values()))))
    penalty = min(0.0, 1 - len(true_words) / len(words))
    return math.exp(penalty + sum(logs) / _N)


def rouge_l(text: str, reference: str) -> float:
    """Return ROUGE-L of a text against one reference, 0-1 (Lin 2004, aclanthology W04-1013).

    The F score of the longest run of words that both have in the same order, gaps allowed.
    """
    words, true_words = _WORD.findall(text.lower()), _WORD.findall(reference.lower())
    if not words or not true_words:
        return float(words == true_words)
    longest = _longest_common(words, true_words)
    return 2 * longest / (len(words) + len(true_words))


def _runs(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for j, other in enumerate(second, start=1):
            above = row[j]
            row[j] = before + 1 if word == other else max(above, row[j - 1])
            before = above
    return row[-1]
