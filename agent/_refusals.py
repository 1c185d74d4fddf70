"""What is said to a question that cannot be answered: what was not understood, and what is near.

Two sentences at most: the word or the part that stands in the way, and the closest that can be
asked instead.
"""

import re
from difflib import get_close_matches

from ._asks import Ask
from ._file_aspects import lacking
from ._phrasing import listing
from ._vocabulary import Vocabulary
from ._words import COMMANDS, COMMON, EVERYDAY, MISSPELT, NOT_OF_A_NAME, NUMBERS, ORDINALS

_KNOWN = COMMON | COMMANDS | EVERYDAY | NOT_OF_A_NAME | frozenset((*NUMBERS, *ORDINALS, *MISSPELT))
_LIKE = 0.75  # least likeness of a name that may have been meant
_LONGEST = 60  # characters of a question that are said again
# What this assistant does not do, and what comes nearest to it.
_UNDONE: tuple[tuple[str, str], ...] = (
    (
        r"pseudo ?time|trajector\w*|velocity|lineage tracing|differentiat\w*",
        'Closest to it I can tell you how alike clusters are ("Which cluster is most like cluster '
        '{second}?") and which genes tell two of them apart.',
    ),
    (
        r"re-?cluster\w*|sub-?cluster\w*|cluster\b.*\b(?:again|resolution)|re-?run|resolution",
        "I can take another column of your file as the clusters, or look at a part of the cells: "
        '"select the cells of cluster {first}".',
    ),
    (
        r"knock ?(?:outs?|downs?)|simulat\w*|perturb\w*|predict the effect",
        "I can show you which cells have the gene on, and compare conditions that were measured.",
    ),
    (
        r"cell[- ](?:to[- ])?cell (?:communication|interactions?|signall?ing)|communicat\w*|"
        r"cellchat|cellphonedb|ligand\w*|crosstalk",
        "I can show you where a ligand and its receptor are expressed, if you name the two genes.",
    ),
    (
        r"batch (?:correct\w*|effects?)|integrat\w*|harmony|scvi",
        "I can tell you how donors, batches and conditions of your file are crossed: "
        '"Are donors confounded with the condition?".',
    ),
    (
        r"copy number|cnv|infercnv",
        'I can tell you where whole chromosome arms look changed: "Which clusters are malignant?".',
    ),
    (
        r"delete|remove",
        'I can choose the cells that you want to keep: "select cells that are not in cluster '
        '{first}".',
    ),
    (
        r"impute|regulon\w*|spatial|mutation\w*|structure of|sequence of|blast|fold|survival|"
        r"drug targets?|upload|python|code|script|shell",
        'I can describe, count and compare cells and show genes; ask "what can you do?" for more.',
    ),
)
# Where nothing of a question is known: what questions with such a word usually want.
_NEAR: tuple[tuple[str, str], ...] = (
    (
        r"plot|draw|chart|figure|graph|picture|heat ?map|box",
        'I draw maps, violins, dot plots and bars: "violin of CD3D by cluster".',
    ),
    (
        r"highest|lowest|most|least|rank\w*|top|max\w*|min\w*",
        'You can ask "Which cluster has the most cells?" or "Where is CD3D highest?".',
    ),
    (
        r"how many|number|count|percent\w*|fraction|share|ratio|proportion",
        'You can ask "How many cells are in cluster {first}?" or "What percentage of cells '
        'express CD3D?".',
    ),
    (
        r"compar\w*|differ\w*|versus|vs|between|change\w*",
        'You can ask "What tells cluster {first} from cluster {second}?".',
    ),
    (r"why|reason|cause\w*", 'You can ask "Why not NK cells?" once a cluster has been named.'),
)


def refuse(ask: Ask, vocabulary: Vocabulary, *, ideas: str) -> list[str]:
    """Say which part of a question cannot be answered, and what can be asked instead.

    Parameters
    ----------
    ideas
        Said where nothing comes near.
    """
    text = ask.text.casefold()
    clusters = (*vocabulary.clusters, "0", "1")
    names = {"first": clusters[0], "second": clusters[min(1, len(clusters) - 1)]}
    if ask.intent == "cannot":
        for pattern, near in _UNDONE:
            if named := list(dict.fromkeys(re.findall(rf"\b(?:{pattern})\b", text))):
                what, are = (
                    listing(f'"{name}"' for name in named),
                    "is" if named[1:] == [] else "are",
                )
                lead = f"I cannot do that: {what} {are} not among the things I do"
                made = _made_before(text, vocabulary)
                return [f"{lead}{lacking(text, vocabulary)}.", made or near.format(**names)]
        return ["I cannot do that.", ideas]
    strange = list(ask.values) or _strange_words(ask.text, vocabulary)
    near = next((said for pattern, said in _NEAR if re.search(rf"\b(?:{pattern})\b", text)), ideas)
    near = near.format(**names)
    if strange:
        like = _alike(strange, vocabulary)
        verb = "means" if len(strange) == 1 else "mean"
        named = listing(f'"{word}"' for word in strange)
        lead = f"I cannot help with that, because I do not know what {named} {verb} here"
        return [f'{lead}; did you mean "{like}"?' if like else f"{lead}.", near]
    part = ask.text.strip(" ?.!")[:_LONGEST]
    if not part:
        return ["I did not understand that, I am afraid.", ideas]
    return [
        f'I cannot tell what "{part}" is about: please name the gene, cluster, cell type or column '
        "that you mean.",
        near,
    ]


_ORDERED = re.compile(r"(?i).*(?:pseudo_?time|latent_?time|dpt|velocity)")


def _made_before(text: str, vocabulary: Vocabulary) -> str:
    """Name the column of a trajectory that the file brings along, which can be shown."""
    column = next(filter(_ORDERED.match, vocabulary.numbers), "")
    if not column or not re.search(r"time|velocity|trajector", text):
        return ""
    return (
        f"Your file brings a column '{column}' along, which I can show you: "
        f'"violin of {column}" or "which cluster has the highest {column}?".'
    )


def _strange_words(text: str, vocabulary: Vocabulary) -> list[str]:
    """Return the words of a question that stand for nothing here, at most two."""
    known = {*vocabulary.genes, *vocabulary.columns, *map(str.casefold, vocabulary.clusters)}
    words = re.findall(r"[^\W\d_][\w-]{2,}", text.split('"')[0])
    strange = [
        word
        for word in dict.fromkeys(words)
        if not {word.casefold(), word.casefold().removesuffix("s")} & (_KNOWN | known)
    ]
    return strange[:2]


def _alike(words: list[str], vocabulary: Vocabulary) -> str:
    """Return a name of the file that is written much like one of `words`, or nothing."""
    labels = [label for names in vocabulary.labels.values() for label in names]
    names = {name.casefold(): name for name in (*vocabulary.columns.values(), *labels)}
    names |= {
        low: name for low, name in vocabulary.genes.items() if low[:1] == words[0][:1].lower()
    }
    for word in words:
        if found := get_close_matches(word.casefold(), names, n=1, cutoff=_LIKE):
            return names[found[0]]
    return ""
