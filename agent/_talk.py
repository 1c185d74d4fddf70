"""What is said without looking at the dataset: courtesies, help, limits, questions back."""

import re

from ._asks import Ask
from ._file_aspects import no_batches
from ._phrasing import listing, vary
from ._refusals import refuse
from ._topics import TOPICS
from ._vocabulary import Vocabulary

_MOST_TOLD = 12  # groups that a question back names
NO_DATASET = (
    "No dataset is open yet, so I have no cells to look at.",
    "Open an .h5ad file or the demo dataset and ask again.",
)
HELP = (
    "I answer questions about the open dataset and about cell types.",
    'Ask me, for example, "What is in this dataset?", "What is cluster {first}?", '
    '"Describe five cells of cluster {second}", "Why not NK cells?", '
    '"What tells cluster {first} from cluster {second}?", "Show CD3D on the UMAP", '
    '"Which clusters are T cells?" or "What does the Cell Ontology say about monocytes?".',
    'You can lean on the last answer too: "and the next one?", "why?", "how sure are you?".',
)


_OTHERS = re.compile(r"(?i)\b(?:chat ?)?gpt\b|openai|claude|gemini|copilot|llama|mistral|deepseek")


def say_talk(ask: Ask, vocabulary: Vocabulary, *, seed: int) -> list[str]:
    """Return sentences for an ask that needs no evidence."""
    example = (
        vocabulary.clusters[min(1, len(vocabulary.clusters) - 1)] if vocabulary.clusters else "1"
    )
    ideas = vary(
        (
            f'Try "What is cluster {example}?" or "Label the clusters".',
            f'You could ask "Which cell types are here?" or "markers of cluster {example}".',
            f'Ask me, for instance, "What is in this dataset?" or "Describe cluster {example}".',
        ),
        seed,
    )
    if ask.intent == "help":
        first = vocabulary.clusters[0] if vocabulary.clusters else "0"
        said = [line.format(first=first, second=example) for line in HELP]
        return said if vocabulary.has_dataset else [*said, NO_DATASET[1]]
    if ask.intent == "no_next":
        return [_no_next(ask)]
    if ask.intent == "glossary":
        return _explain_words(ask)
    if ask.intent == "lost":
        return _lost(ask)
    if ask.intent == "which_two":
        names = [f'"{label}"' for label in ask.listed[:_MOST_TOLD]]
        return [f"Which two do you mean, of {listing(names)}?"]
    if ask.intent == "topic" and ask.name == "batch" and vocabulary.has_dataset:
        return [*no_batches(vocabulary), *TOPICS["batch"].said[: 2 if vocabulary.people else 1]]
    if ask.intent == "topic":
        return list(TOPICS[ask.name].said)
    if ask.intent == "no_family":
        return [f"I find no {ask.name} genes among those that your file measures."]
    simple = {
        "greet": [vary(("Hello.", "Hi.", "Good to see you."), seed), ideas],
        "thanks": [vary(("You are welcome.", "Glad that helped you.", "Any time you like."), seed)],
        "bye": ["Goodbye; your dataset stays open while you keep this page."],
        "ack": [
            vary(
                (
                    "Good; ask me whatever you want to see next.",
                    "Tell me what you want to look at next.",
                ),
                seed,
            )
        ],
        "identity": [
            *(["No, I am none of the well-known chatbots."] if _OTHERS.search(ask.text) else []),
            "I am Cell2Text Chat, an assistant that reads single cells and shows you the evidence.",
            "I compute what I say from your dataset, let a Cell2Text model describe the cells, and "
            "look names up in the Cell Ontology for you.",
        ],
        "empty": ["I got an empty message; please type a question.", ideas],
        "complaint": [
            "I may well be wrong: what I say about cell types is a model's prediction.",
            "Tell me which cluster you mean, and I will show you the genes and the alternatives.",
        ],
        "privacy": [
            "With the built-in planner nothing leaves this machine: I neither use the internet nor "
            "send your data anywhere.",
            "If you let a hosted language model lead, it is sent your questions and short results, "
            "but no expression values, no names of cells and nothing that tells your patients "
            "apart.",
        ],
        "open_file": [
            "I cannot open files from the conversation; use the upload box beside it, and I will "
            "read what you open."
        ],
    }
    return simple.get(ask.intent) or refuse(ask, vocabulary, ideas=ideas)


def _lost(ask: Ask) -> list[str]:
    """Say which words were not understood as a question about the last answer."""
    words = listing(f'"{word}"' for word in ask.listed[:4])
    what = f"do not understand {words} in it" if words else "am not sure what it asks"
    return [
        f"I took that as a question about my last answer, but {what}.",
        "Please name the cells, the gene or the number that you mean, or ask me, for example, "
        '"which is highest?", "what is the difference?" or "what are those?".',
    ]


EXPLAINED = {
    "fold change": 'By "log2 fold change" I mean how much higher a gene is on average in one group '
    "than in the other: each step of one doubles it.",
    "p value": 'By "p-value" I mean how surprising a difference would be by chance; cells are not '
    "independent, so use it to rank genes, not as proof.",
    "pseudobulk": "Between conditions I add up the cells of each donor and compare donors with "
    "donors (pseudobulk), where your file names donors and each condition has enough of them.",
    "replicate": "Without replicates I can only compare cells, as if each were a sample of its "
    "own; cells of one donor are not independent, so please take those p-values as a ranking.",
    "confidence": 'By "confidence" I mean how likely the model holds its label to be right, from '
    "zero to one: of the labels that it gives with a confidence near one nearly all should hold, "
    "of those near one half every second one; that was set on studies it had not learned from, and "
    "is less exact in tissues and tumours than in blood.",
    "weight": 'By "weight" I mean how far a gene moved the model towards a label: above zero it '
    "speaks for the label, below zero against it.",
    "umap": "You can read the map like this: each dot is one cell, and cells that express similar "
    "genes lie close together.",
    "marker": 'By "marker" I mean a gene that is clearly higher in one cluster than elsewhere.',
    "cluster": 'By "cluster" I mean cells of your dataset that express similar genes and were '
    "grouped by computation.",
    "ontology": "The names I give you come from the Cell Ontology: a shared list of cell types, "
    "each with a definition and its place among the others.",
    "agreement": 'By "agree" I mean the share of the cells read that got this label or a more '
    "specific one.",
}


def _explain_words(ask: Ask) -> list[str]:
    """Explain the words that answers use."""
    text = ask.text.casefold().replace("p-value", "p value").replace("log2", "fold change")
    text = re.sub(r"pseudo bulk", "pseudobulk", text)
    if "p value" in text and re.search(r"trust|valid|reliab|believe|rely", text):
        text += " replicate pseudobulk"
    text = text.replace("probability", "confidence")
    if "donor" in text or "replicate" in text:
        text += " pseudobulk replicate"
    named = [line for word, line in EXPLAINED.items() if word in text]
    if named:
        return named
    return [
        "Let me put it differently: a mark like [E…] tells you which piece of evidence a sentence "
        "rests on, and you can open it below my answer.",
        EXPLAINED["confidence"],
        EXPLAINED["agreement"],
    ]


def _no_next(ask: Ask) -> str:
    end = "first" if ask.number == -1 else "last"
    return f"Cluster {ask.clusters[0]} was the {end} one; which cluster do you want to see?"


def ask_back(ask: Ask, vocabulary: Vocabulary, *, listing_of: tuple[str, ...] = ()) -> list[str]:
    """Return the question that has to be answered first."""
    if ask.missing == "gene":
        return ["Which gene do you mean?"]
    if ask.missing == "cell_type":
        return ["Which cell type do you mean?"]
    known = listing_of or vocabulary.clusters
    if ask.intent == "compare":
        said = f"with cluster {ask.clusters[0]} " if ask.clusters else ""
        which = "cluster should I compare" if said else "two clusters should I compare"
        return [f"Which {which} {said}({_range(known)})?".replace("  ", " ")]
    return [f"Which cluster do you mean ({_range(known)})?"]


def _range(labels: tuple[str, ...]) -> str:
    if len(labels) > 4 and all(label.isdigit() for label in labels):
        return f"{labels[0]} to {labels[-1]}"
    return listing(labels[:12], word="or") + (" and others" if len(labels) > 12 else "")
