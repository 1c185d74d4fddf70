"""How this assistant works, what its results are worth, and what it leaves to people.

None of this is a fact about the open dataset, so nothing here holds a number or a name.
"""

import re
from dataclasses import dataclass

from ._mentions import Mentions


@dataclass(frozen=True)
class Topic:
    """What a question may be about, and what is said to it."""

    pattern: str
    said: tuple[str, ...]


TOPICS: dict[str, Topic] = {
    "code": Topic(
        r"\b(?:write|give|show|generate|make|need|want|provide)\b.*\b(?:code|scripts?|python|"
        r"notebook|"
        r"r code|commands?|pipeline)\b|\b(?:python|r|bash) (?:code|script)\b|\bin (?:scanpy|"
        r"seurat)\b",
        (
            "I neither write nor run code.",
            "I can write an annotated .h5ad for you that scanpy opens, or any table as CSV: ask me "
            'to "export the annotated dataset".',
        ),
    ),
    "batch": Topic(
        r"\bbatch(?:es)?(?: |-)?(?:effects?|corrections?|corrected|correct|"
        r"differences?)?\b(?!.*<gene>)|"
        r"\bintegrat(?:e|ion|ed)\b|\bharmony\b|\bscvi\b",
        (
            "I do not test or correct for batch effects.",
            "To see whether you have one, ask me to colour the map by sample or donor, and to "
            "compare two samples within one cell type: genes that differ in every cell type hint "
            "at a batch rather than at biology.",
        ),
    ),
    "method": Topic(
        r"\bhow (?:do|did|does|can|are|were|is|was) (?:you|the model|the tool|it|this|cell2text|"
        r"the "
        r"(?:cell ?types?|labels?|annotations?|names?))\b.*\b(?:decid\w*|determin\w*|assign\w*|"
        r"annotat\w*|predict\w*|classif\w*|label\w*|name|made|make|work\w*|generat\w*|comput\w*|"
        r"identif\w*|chosen|choose)\b|\bwhat (?:method|algorithm|approach|model)\b.*\b(?:use|"
        r"used|you|"
        r"annotat\w*|label\w*|behind)\b|\b(?:which|what) (?:method|algorithm|model) (?:do|did|is|"
        r"was)\b|"
        r"\bhow does (?:it|this|the model|your model|cell2text) work\b",
        (
            "I let a Cell2Text model read the genes of each cell in order of expression, and it "
            "names a term of the Cell Ontology with a probability.",
            "For a cluster I take a sample of its cells and give you the most specific name that "
            "most of them share.",
            'It sees neither your clusters nor any labels of the authors; ask me "why?" after a '
            "label, and I show you the genes that spoke for it.",
        ),
    ),
    "no_selection": Topic(
        r"^(?!)",
        (
            "You have chosen no cells yet that I could look at.",
            'Ask me, for example, to "select cells in cluster 3", or draw around them on the map, '
            "and then ask again.",
        ),
    ),
    "methods": Topic(
        r"^(?!)",
        (
            "In short, for you to paste: we normalised the counts to a fixed total in each cell, "
            "log-transformed them, and clustered the cells by the Leiden algorithm unless the file "
            "held clusters; we named cell types with Cell2Text, a model that reads the genes of a "
            "cell in order of expression, in the terms of the Cell Ontology; we compared groups of "
            "cells by Wilcoxon rank-sum tests and conditions by moderated t-tests of pseudobulks, "
            "donors against donors where there were enough of them, and corrected p-values by the "
            "method of Benjamini and Hochberg.",
            "I write it with your numbers, versions and references in the report: choose the "
            'report under "Take home".',
        ),
    ),
    "delete": Topic(
        r"^(?!)",
        (
            "I never delete anything of yours.",
            'Instead I can choose what you want to keep: ask me, for example, to "select the rest" '
            'or to "select cells that are not in cluster 3", and go on with those.',
        ),
    ),
    "lab": Topic(
        r"\b(?:verif\w*|validat\w*|confirm\w*|test|prove)\b.*\b(?:lab|wet|experiment\w*|bench|facs|"
        r"flow|staining|imaging|antibod\w*|qpcr|it|this|that)\b|\b(?:in|at) the (?:lab|bench)\b|"
        r"\bfollow[- ]up experiments?\b|\bvalidation\b",
        (
            "I would stain for proteins whose genes mark the cells, by flow cytometry or imaging, "
            "with one marker that speaks for the label and one that speaks for its closest rival.",
            'Ask me for the "markers" of the cluster and "why not" the rival type, and I give you '
            "candidates with their numbers; a gene that is on need not mean that its protein is.",
        ),
    ),
    "publish": Topic(
        r"^(?!.*\b(?:when|who|where|was|were)\b).*\b(?:publish\w*|publication|reviewers?|"
        r"manuscript|paper ready|use (?:this|these|it|"
        r"them) in "
        r"(?:my|a|the|our) paper)\b(?!.*\b(?:figure|markers?|when|known|literature|types?)\b)",
        (
            "Please take my labels as a start, not as a result to publish unchecked.",
            "Before that I would check the markers of each cluster, compare my names with a second "
            "method or with the authors' labels, and report the model, its version and its "
            "confidence beside them.",
        ),
    ),
    "cite": Topic(
        r"\bhow (?:do|should|can|to|must) (?:i|we)? ?cite\b|\bcite (?:you|this|the tool)\b|"
        r"\bcitation\b",
        (
            "Please name Cell2Text Chat with the checkpoint that stands as the source of my "
            "evidence, and the Cell Ontology for the names.",
            "Each piece of evidence I show you carries its own source, which you can cite with it.",
        ),
    ),
    "untested": Topic(
        r"^(?:and |but |so |ok )*(?:is|are|was|were) (?:this|that|it|these|those|"
        r"(?:this |that |the )?(?:change|difference|shift|comparison|result|test|statistic)s?) "
        r"(?:really )?(?:statistically )?(?:significan\w*|real|meaningful|sound|valid|robust|solid|"
        r"reliable|justified|ok|correct)|\bsignificance of\b|^(?:and |so )*significant$|"
        r"\bstatistically (?:sound|valid|ok|correct|robust|justified)\b",
        (
            "I did not test that: what I gave you describes the cells of this file.",
            "A difference between conditions can be tested only with several donors in each, since "
            "cells of one donor are not independent; ask me to compare the conditions, or to test "
            "one gene.",
        ),
    ),
    "enough": Topic(
        r"\b(?:is|are|do|does|have)\b.*\b(?:cells?|donors?|samples?|replicates?)\b.*\benough\b|"
        r"\benough (?:cells?|donors?|samples?|replicates?|power)\b|\btoo few\b|"
        r"\bstatistical power\b|"
        r"\bunderpowered\b",
        (
            "That depends on what you want to claim.",
            "With few cells I can still tell you what a group is, but rare types and weak markers "
            "are missed; to compare conditions, the number of donors counts, not that of cells, "
            "and with two or three only large and steady differences show.",
        ),
    ),
    "reason": Topic(
        r"$^",  # asked for by what was said before, not by its words
        (
            "Why it is so I cannot read from the counts, which only show me that it is so.",
            "What I can do is to test the difference between conditions, to look at other genes of "
            "the same pathway, or to tell you what a gene is known for.",
        ),
    ),
    "counted": Topic(
        r"$^",
        (
            "Of that I am sure as far as the file goes: I counted it on all its cells, so there is "
            "no guess in the number.",
            "What I cannot tell you is whether it would hold in other donors; and where cells are "
            "named by the model, the names are predictions.",
        ),
    ),
    "outside": Topic(
        r"$^",
        (
            "That lies outside of what I do: I answer questions about the cells of your dataset, "
            "and about cell types and genes in general.",
            'Ask me, for instance, "What is in this dataset?" or "Describe cluster 1".',
        ),
    ),
    "nothing asked": Topic(r"$^", ("You have asked me nothing about the data so far.",)),
    "tests": Topic(
        r"$^",
        (
            "I rank markers, and the genes that tell two groups of cells apart, by the Wilcoxon "
            "rank-sum test (Welch's t-test where the file is very large), with p-values adjusted "
            "by Benjamini and Hochberg.",
            "Between conditions I add up the cells of each donor and compare donors by a moderated "
            "t-test (pseudobulk), paired where the same donors stand in both; where the file names "
            "no donors, I test cells and say so.",
            'By "log2 fold change" I mean how much higher a gene is on average in one group: each '
            "step of one doubles it.",
        ),
    ),
    "merge": Topic(
        r"\b(?:should|shall|can|could|would|may) (?:i|we|you|they|these|those|it)\b.*\b(?:merg\w*|"
        r"combin\w*|split|join\w*|collaps\w*)\b|\bmake sense to (?:merge|combine|split)\b",
        (
            "That is for you to decide.",
            "I would merge clusters that carry the same label, lie side by side and differ only in "
            "genes of stress, cell cycle or depth, and keep apart what differs in genes that mark "
            "a cell type; ask me to compare the two, and how alike they are.",
        ),
    ),
    "doublets": Topic(
        r"^(?!(?:and |so |but |is there a |do i have a )*(?:doublets?|multiplets?)"
        r"(?: (?:problem|issue|check)s?)?\W*$).*\b(?:doublets?|multiplets?|scrublet)\b",
        (
            "I flag droplets whose genes speak for two lineages as likely doublets; ask me which "
            "and how many.",
            "I miss doublets of like cells and most of those with few genes, so it is no doublet "
            "rate; a tool that simulates doublets from the raw counts gives one.",
        ),
    ),
    "flags": Topic(
        r"\bwhat (?:does|do|is|are)\b.*\bflag(?:s|ged|ging)?\b.*\bmean\b|\bwhat (?:is|are) "
        r"(?:a |the )?flags?\b",
        (
            "I flag a droplet that holds two lineages, is empty, is dying or is unlike anything "
            "that the model has met, and I give it no name.",
        ),
    ),
    "ambient": Topic(
        r"\bambient\b|\bsoup(?:x)?\b|\bcellbender\b|\bempty drops?\b",
        (
            "I do not remove ambient RNA.",
            "A gene that is low in every cluster but high in one may come from the soup around the "
            "cells; ask me for its expression by cluster.",
        ),
    ),
    "whose": Topic(
        r"\b(?:labels?|names?|annotations?|cell types?)\b.*\b(?:authors?|paper|file)\b.*\bor\b.*"
        r"\b(?:you|yours?|model|predict\w*)\b|\bwho (?:made|gave|assigned) (?:the|"
        r"these) (?:labels|names|"
        r"annotations)\b|\bare (?:these|those|the labels|they) (?:yours|your own|predicted|"
        r"predictions)\b",
        (
            "The names I give you with a confidence are my model's predictions.",
            "What the authors called the cells I never show to the model, and wherever I repeat "
            "their labels I say that they are theirs.",
        ),
    ),
    "trust": Topic(
        r"^(?:so |but |and )*(?:can|should|could|may|why should|do) (?:i|we) (?:really )?(?:trust|"
        r"believe|rely on) (?:you|this|the model|that|it|these labels|your (?:labels|answers))\b|"
        r"\bhow (?:accurate|good|reliable) (?:are you|is (?:the|your) model)\b|"
        r"\bare you (?:reliable|"
        r"ever wrong|always right)\b|\bdo you (?:hallucinate|make (?:things|stuff) up|lie)\b",
        (
            "Each number I give you comes out of a computation on your file, and you can open it "
            "at its mark.",
            "My names of cell types are predictions: I am at my best on blood, weaker on other "
            "tissues, and in tumours I often take what is malignant for its healthy relatives; so "
            "please check the markers.",
        ),
    ),
    "limits": Topic(
        r"\bwhat (?:can(?:'t|not| not)|can you not|could you not|do you not|don't you|"
        r"are you (?:not able|"
        r"unable)) (?:you )?(?:do|know|answer|tell|to do)\b|\bwhat (?:are )?your (?:limits|"
        r"limitations|"
        r"weaknesses)\b|\bwhat are you (?:bad|not good) at\b|\bwhat can you not do\b",
        (
            "I do not run code, change your cells, correct batches, find doublets, follow "
            "trajectories or velocity, infer signals between cells or copy numbers, or say "
            "anything about patients.",
            "I know only the open file, the ontologies and published markers, and what I say of "
            "cell types is a model's prediction that you should check.",
        ),
    ),
    "variable": Topic(
        r"\b(?:most|highly)[- ]variable\b|\bhvgs?\b|\bvariable genes\b",
        (
            "I keep no list of variable genes for you; I use them only where I have to compute a "
            "map or clusters myself.",
            "Ask me for the markers of the clusters, which are the variable genes that mean "
            "something.",
        ),
    ),
    "language": Topic(
        r"\b(?:ne demek|nedir|hangi|was ist|welche[rs]?|zeig\w*|wie viele|bitte|qu[eé] es|"
        r"cu[aá]les|"
        r"cu[aá]ntas|por favor|c[oó]mo|quelle|quels|combien|s'il vous|pouvez|qu'est|che cosa|quali|"
        r"quante|jakie|czym|qual [eé]|quantas|wat is|hvad|vad [aä]r)\b",
        ("I understand English only so far; could you ask me that in English?",),
    ),
    "prognosis": Topic(
        r"\bpredict\w*\b.*\b(?:respon\w+|outcome|survival|prognos\w*|patient)\b|\bprognos\w*|"
        r"\btreat(?:ment)? (?:should|options?|plan)\b|\bshould (?:i|we|the patient) (?:take|get|"
        r"receive)\b|\bdiagnos(?:e|is)\b.*\bpatient\b|\bshould (?:i|we) (?:give|treat|prescribe|"
        r"start|stop|offer)\b|\bmy patients?\b.*\b(?:give|treat\w*|therap\w*|drug|dose|benefit)\b|"
        r"\b(?:who|which patients?) (?:is|are|will be|would be) (?:more |"
        r"most )?likely to respond\b",
        (
            "I cannot do that: I describe cells for research and say nothing about how a patient "
            "will fare or should be treated.",
        ),
    ),
    "signals": Topic(
        r"\bligand|\breceptor[- ]?ligand|\bcell[- ]cell (?:communication|interact\w*)|"
        r"\bcrosstalk\b|"
        r"\bcellchat\b|\bcellphonedb\b|\btalks? to\b|\bsignals? to\b|\binteract\w* with\b|"
        r"\bsays? to the\b",
        (
            "I do not infer signals between cells.",
            "I can show you where a ligand and its receptor are expressed, if you name the two "
            "genes; that both are on does not mean that the cells talk.",
        ),
    ),
}  # fmt: skip


def find_topic(found: Mentions) -> str | None:
    """Return the topic that a stretch is about, if it is one."""
    for name, topic in TOPICS.items():
        asks_for_some = re.search(
            r"\b(?:are there|is there|how many|any|which cells|rates?|percent\w*|fraction|share|"
            r"proportion|number of|count)\b",
            found.text,
        )
        if name == "doublets" and (found.genes or found.cell_types or asks_for_some):
            continue
        if re.search(topic.pattern, found.text) or re.search(topic.pattern, found.shape):
            return name
    return None
