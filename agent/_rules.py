"""Which words ask for what: the planner's rules, tried from the top.

A rule looks at the shape of a stretch, where names stand as ``<cluster>``, ``<gene>`` and
``<type>``, so that it reads the same for every dataset.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ._asks import Focus
from ._mentions import Mentions

# What an ask cannot do without; asked back when neither said nor known from before.
NEEDS = {
    "describe_cluster": "cluster",
    "markers": "cluster",
    "explain": "cluster",
    "why_not": "cluster type",
    "is_type": "cluster type",
    "which_clusters": "type",
    "count_type": "type",
    "confidence": "cluster",
    "cluster_size": "cluster",
    "compare": "",
    "describe_cells": "cluster",
    "expression": "gene",
    "where_highest": "gene",
    "gene_info": "gene",
    "look_up": "type",
}

Test = Callable[[Mentions, Focus], bool]


@dataclass(frozen=True)
class Rule:
    """If `pattern` is found in the shape and `test` holds, it is `intent`."""

    intent: str
    pattern: str = ""
    test: Test = lambda found, focus: True

    def holds(self, found: Mentions, focus: Focus) -> bool:
        """Whether this rule reads `found`."""
        return bool(re.search(self.pattern, found.shape)) and self.test(found, focus)


def _has_type(found: Mentions, focus: Focus) -> bool:
    return bool(found.cell_types or found.term_ids)


def _has_gene(found: Mentions, focus: Focus) -> bool:
    return bool(found.genes)


def _has_cluster(found: Mentions, focus: Focus) -> bool:
    return bool(found.clusters or found.step or found.ordinal is not None)


def _only_types(found: Mentions, focus: Focus) -> bool:
    return _has_type(found, focus) and not _has_cluster(found, focus) and not found.genes


def _two_types(found: Mentions, focus: Focus) -> bool:
    return len(found.cell_types) + len(found.term_ids) >= 2 and not found.clusters


def _nothing_named(found: Mentions, focus: Focus) -> bool:
    return not (found.cell_types or found.genes or found.clusters)


def _in_play(found: Mentions, focus: Focus) -> bool:
    """Whether a cluster is named or was spoken of."""
    return _has_cluster(found, focus) or bool(focus.clusters)


def _no_gene(found: Mentions, focus: Focus) -> bool:
    return not found.genes


_DIFFERENCE = (
    r"\b(compare|comparison|comparing|difference|differences|different|differ|differs|versus|vs|"
    r"distinguish\w*|contrast|similar|unlike)\b|\b(?:tells?|separates?|sets?|keeps?|divides?)\b.*"
    r"\b(from|apart)\b"
)
_ONTOLOGY = (
    r"\bontolog\w*|\bdefin\w+|\bsynonyms?\b|\bsubtypes?\b|\b(?:kinds?|types|sorts?) of <type>|"
    r"\b(?:parents?|children|ancestors?|descendants?)\b"
)
_WHY_GENES = (
    r"\b(?:which|what) genes?\b.*\b(?:say|said|think|thought|made|make|makes|decide\w*|told|"
    r"convinc\w+|"
    r"led|lead|support\w*|speak|spoke|argue\w*|point\w*|behind|reason\w*|call|called|base\w*)\b"
)

RULES: tuple[Rule, ...] = (
    # What this assistant does not do
    Rule(
        "cannot",
        r"\b(pseudotime|trajector\w*|velocity|lineage tracing|batch correct\w*|integrate|"
        r"harmony|recluster\w*|re-cluster|subcluster\w*|doublets?|cell cell communication|"
        r"ligand\w*|"
        r"copy number|cnv|spatial|download|export|save|delete|remove|upload|rename|relabel|"
        r"python|code|script|run a|fold|structure of|drug|treat\w*|diagnos\w*|survival|"
        r"blast|sequence of|mutation\w*)\b",
        lambda m, f: not re.search(r"\bfold change|remove.*not\b", m.shape),
    ),
    Rule(
        "choose_clusters",
        r"\b(?:use|switch to|take|choose|group by|cluster by|set)\b",
        lambda m, f: m.column is not None and not m.genes and not m.cell_types,
    ),
    Rule(
        "composition",
        r"\b(?:composition|proportions?|per|by|across|divide\w*|split|distribut\w*|"
        r"fractions?|break ?down|between|how many|what is|which|describe|values?|each)\b",
        lambda m, f: (
            m.column is not None
            and not m.genes
            and not m.cell_types
            and not m.clusters
            and not re.search(r"\b(umap|plot|colou?r|map|draw|show)\b", m.shape)
        ),
    ),
    Rule("open_file", r"\b(open|load|switch to|use)\b.*\b(file|dataset|data|demo|h5ad)\b"),
    # Ontology
    Rule(
        "look_up", "", lambda m, f: bool(m.term_ids) and not (m.clusters or m.genes or f.clusters)
    ),
    Rule("term_difference", _DIFFERENCE, _two_types),
    Rule(
        "search_ontology",
        r"\bsearch\b|\bfind (?:me )?(?:an? |the )?(?:terms?|entries)\b|"
        r"\bwhich (?:cell types?|cells?|terms?) (?:make|makes|secrete|produce|synthesi\w+|"
        r"are called|"
        r"are known|live|transport|carry|kill|engulf|detect|respond)\w*",
        lambda m, f: not m.clusters and not m.genes,
    ),
    Rule(
        "look_up",
        _ONTOLOGY,
        lambda m, f: (
            _has_type(m, f)
            or (bool(re.search("ontolog|defin", m.shape)) and not m.clusters and not m.genes)
        ),
    ),
    # Why
    Rule(
        "why_not",
        r"\b(?:why|how come)\b.*(?:\bnot\b|n't\b|\brather than\b|\binstead of\b|\bno\b)|"
        r"^(?:and |but |so )?not\b|\bcouldn't (?:it|they|that|this|these|<cluster>) (?:be|"
        r"also be)",
        _has_type,
    ),
    Rule("explain", _WHY_GENES, _no_gene),
    Rule(
        "why_not",
        r"^(?:and |but |so |then )?why (?:not|isn't|aren't|couldn't|wouldn't|no) (?!\W*$)"
        r"(?!it\b|that\b|you\b|we\b|show\b|tell\b|just\b)",
        lambda m, f: not m.clusters or bool(re.search(r"not \w+|n't <cluster> \w+", m.shape)),
    ),
    Rule(
        "is_type",
        r"^(?:and |but |so |then |or )?(?:is|are|isn't|aren't|could|can|might|would|does|do|"
        r"were|was|surely|how likely|how probable|probability)\b",
        lambda m, f: (
            _has_type(m, f)
            and not m.genes
            and (
                bool(m.clusters)
                or bool(re.search(r"\b(it|they|this|that|these|those|them|<cluster>)\b", m.shape))
            )
        ),
    ),
    Rule(
        "is_type",
        r"\b(?:how likely|likely|probab\w+|chance)\b",
        lambda m, f: _has_type(m, f) and _in_play(m, f),
    ),
    Rule(
        "is_type",
        r"<cluster>.*\b(?:is|are|being|be|really|looks? like)\b.*<type>|"
        r"^(?:so )?<cluster> <type>$",
    ),
    Rule(
        "explain",
        r"\bwhy\b.*<type>|\b(?:what|which) (?:makes?|made|tells?|told|leads?) you\b|"
        r"\bhow (?:do|did|can|could|would) you (?:tell|know|decide|conclude|see|figure|come|"
        r"arrive|get)\b|"
        r"\bbased on what\b|\bevidence\b|\bon what (?:grounds|basis)\b|\bjustif\w+|\breasons?\b|"
        r"^(?:and |but |so |ok )*why\b|\bhow come\b|\bsays who\b|\bexplain (?:that|this|it|why|"
        r"your)\b|"
        r"\bwhy (?:do|did|would) you\b|\bexplain\b.*<cluster>|\bprove it\b|\bhow so\b",
        _no_gene,
    ),
    Rule(
        "confidence",
        r"\bhow (?:sure|certain|confident|reliable|trustworthy|safe|accurate)\b|"
        r"\bare you (?:sure|certain|confident|serious|positive)\b|\bconfiden\w+|\btrust\b|"
        r"\bcertainty\b|"
        r"\bis (?:that|this|it) (?:certain|reliable|right|true|correct|safe)\b|^(?:oh )?really$|"
        r"\bhow (?:likely|probable)\b|\bprobabilit\w+|\bcertain\b|\bcould you be wrong\b|\bsure\b",
        lambda m, f: not m.genes,
    ),
    # Genes
    Rule(
        "where_highest",
        r"\bwhere\b|\b(?:which|what|who)\b.*\b(?:express\w*|highest|most|high|strong\w*|"
        r"peaks?|positive|has|have|contains?)\b|\bhighest\b|\bstrongest\b|\bmost of\b|"
        r"\bwho expresses\b|"
        r"\bpositive (?:for|clusters?)\b",
        _has_gene,
    ),
    Rule(
        "gene_info",
        r"^(?:and |so )?(?:what is|what are|what does|what do you know about|tell me about|"
        r"tell me more about|who is|explain|define|about|information on|info on|function of|"
        r"what is the function of|what about the function of)\b",
        lambda m, f: (
            bool(m.genes)
            and not m.clusters
            and not re.search(r"express|level|umap|plot|marker", m.shape)
        ),
    ),
    Rule("expression", "", lambda m, f: bool(m.genes) and not m.cell_types),
    Rule(
        "expression",
        r"\b(show|plot|draw|display|expression|express\w*|violin|umap|colou?r)\b",
        _has_gene,
    ),
    # Clusters against each other
    Rule(
        "compare",
        _DIFFERENCE,
        lambda m, f: (
            not m.cell_types and (_has_cluster(m, f) or bool(f.clusters) or "cluster" in m.shape)
        ),
    ),
    # Markers
    Rule(
        "markers",
        r"\bmarkers?\b|\bsignature\b|\btop (?:\w+ )?genes\b|\bgenes?\b.*\b(?:define|mark|marks|"
        r"characteri\w+|distinguish\w*|specific|enriched|up|high|higher|highest|express\w*|"
        r"typical|"
        r"stand out|most)\b|\bupregulated\b|\bdifferentially\b|\bdegs?\b|\bde genes\b|"
        r"\b(?:which|what) genes\b|\bgenes? (?:of|in|for|from)\b|^(?:list |show |give |me |the |"
        r"its |top )*"
        r"genes$|\bwhat (?:does|do) (?:it|they|<cluster>|<type>) express\b|\bcharacteri[sz]es\b",
        lambda m, f: not re.search(r"how many genes|number of genes", m.shape),
    ),
    # Single cells
    Rule(
        "describe_cells",
        r"\b(?:describe|read|look at|inspect|examine|show|give|pick|take|summari[sz]e|"
        r"tell me about|what are|what do|random|sample|individual|single)\b.*\bcells?\b",
        lambda m, f: (
            bool(
                m.number
                or re.search(r"\b(single|individual|random|some|more|another|few)\b", m.shape)
            )
            and not re.search(r"\bhow many\b|\beach\b|\bcell types?\b|\ball\b", m.shape)
        ),
    ),
    Rule(
        "describe_cells",
        r"^(?:and |ok |please |now )*(?:describe|show|give|read|list|pick|take)?\s*"
        r"(?:me |us )?(?:\w+ )?(?:more|another|others?)(?: \w+)?(?: please)?$",
        lambda m, f: f.intent == "describe_cells" and not m.genes,
    ),
    # The whole
    Rule(
        "smallest",
        r"\b(smallest|fewest|least|tiniest|rarest)\b",
        lambda m, f: (
            not m.clusters
            and bool(re.search("which|what|who|name|how (?:big|large)", m.shape))
            and not re.search(r"cell types? (?:is|are)|describe", m.shape)
        ),
    ),
    Rule(
        "biggest",
        r"\b(biggest|largest|most cells|most abundant|most common|most frequent|main)\b",
        lambda m, f: (
            not m.clusters and not re.search(r"^(?:describe|label|markers)|\bmarkers?\b", m.shape)
        ),
    ),
    Rule(
        "count_type",
        r"\b(how many|number of|count|fraction|percentage|proportion|share|percent)\b",
        lambda m, f: _has_type(m, f) and not m.clusters,
    ),
    Rule(
        "cluster_size",
        r"\b(how many|number of|how (?:big|large|small)|size|count)\b",
        lambda m, f: bool(m.clusters) and not m.cell_types and "genes" not in m.shape,
    ),
    Rule(
        "cluster_size",
        r"\b(how many cells|how (?:big|large|small)|size of)\b.*"
        r"\b(it|they|them|that|this|one|there in it)\b",
        lambda m, f: bool(f.clusters) and "dataset" not in m.shape,
    ),
    Rule(
        "list_clusters",
        r"\bhow many (?:clusters|groups)\b|\b(?:list|show|name|give|which|what)\b.*"
        r"\b(?:clusters|groups) (?:are|exist|do)\b|^(?:list|show)(?: me)?(?: all)?(?: the)? "
        r"(?:clusters|groups)$|\bnumber of clusters\b|\bcluster sizes\b|\bsizes? of (?:the |all |"
        r"each )?"
        r"clusters?\b|^(?:all |the )*clusters$|\bhow (?:big|large) (?:are|is) (?:the|each|every)",
        lambda m, f: not m.clusters and not m.cell_types,
    ),
    Rule(
        "count",
        r"\bhow (?:many|big|large)\b|\bnumber of (?:cells|genes)\b|\bcount\b",
        lambda m, f: not m.clusters and not m.cell_types,
    ),
    Rule(
        "plot",
        r"\b(umap|tsne|embedding|scatter)\b|\b(?:plot|draw|show|display|map|picture|visuali[sz]e|"
        r"colou?r)\b.*\b(clusters?|cell types?|labels?|map|dataset|data|umap|by|plot|picture)\b|"
        r"^(?:plot|draw|visuali[sz]e)",
        lambda m, f: not m.genes and not re.search(r"\bmarkers?\b|\bcells? of\b", m.shape),
    ),
    Rule(
        "label_clusters",
        r"\b(?:label|annotate|annotation|assign|identify|name|call)\b(?!.*<cluster>)|"
        r"\b(?:all|each|every|the) (?:the )?(?:\w+ )?clusters\b|\bcell types?\b|\bcelltypes?\b|"
        r"\bwhat (?:kinds?|sorts?|types?) of cells\b|\bwho is (?:in )?(?:here|there)\b|"
        r"\b(?:which|what) cells (?:are|do|can)\b|\bcell identities\b|\bpopulations?\b",
        lambda m, f: not m.clusters and not m.cell_types and m.step == 0 and m.ordinal is None,
    ),
    # Types in the dataset
    Rule(
        "describe_cluster",
        r"\b(?:describe|summari[sz]e|tell me (?:more )?about|look at)\b.*<type>",
        lambda m, f: (
            _only_types(m, f)
            and bool(re.search(r"\b(?:here|dataset|data|cluster|the <type>)", m.shape))
        ),
    ),
    Rule(
        "which_clusters",
        r"\b(which|what|any|are there|is there|do you see|do we have|does it have|find|"
        r"where|there|contain\w*|show|have|has|see|present|clusters?|highlight|locate|got)\b",
        lambda m, f: (
            _only_types(m, f)
            and not re.search(r"^(?:what|who) (?:is|are) (?:an? |the )?<type>$", m.shape)
        ),
    ),
    Rule("look_up", r"\b(what|who|describe|tell|about|explain|mean\w*|info\w*)\b", _only_types),
    Rule("is_type", r"^(?:so |and |then )*<cluster>.*<type>"),
    Rule("which_clusters", r"", _only_types),
    # One cluster
    Rule(
        "label_clusters",
        r"^(?:describe|explain|summari[sz]e|tell me about) (?:all |every |each |the )+"
        r"(?:of the )?(?:clusters|groups)",
    ),
    Rule(
        "describe_cluster",
        r"<cluster>|\b(?:first|second|third|last|next|previous|biggest|largest|"
        r"smallest) (?:cluster|one|group)\b",
    ),
    Rule(
        "dataset",
        r"\bdataset|\bdata\b|\boverview\b|\bsamples?\b|\btissue\b|\borganism\b|\bspecies\b|"
        r"\bdisease\b|\bsummary\b|\bsummari[sz]e\b|\bwhat (?:is|have we|do we have|"
        r"have i)(?: got)? "
        r"(?:in )?(?:here|this|there|it)\b|\bexperiment\b|\bwhat am i looking at\b|"
        r"\bwhere do (?:these|the) "
        r"cells come\b|\bcolumns?\b|\bmetadata\b|\bwhat did i (?:open|load|upload)\b|\bfile\b|"
        r"\bdescribe (?:it|this|everything)\b$",
        lambda m, f: (
            not (
                f.clusters
                and re.search(r"(?:what is|describe|summari[sz]e) (?:it|this|that)$", m.shape)
            )
        ),
    ),
    Rule(
        "describe_cluster",
        r"\b(?:what|who|which|describe|tell|about|explain|identity|summari[sz]e|more|"
        r"type)\b.*\b(it|this|that|they|those|these|them|one|cluster)\b|^(?:describe|go on|"
        r"continue)$|"
        r"\btell me more\b|\bdescribe\b|^(?:and |ok )*(?:more|details?|more details?)$",
        lambda m, f: bool(f.clusters) or "cluster" in m.shape,
    ),
    Rule("list_clusters", r"\bclusters?\b|\bgroups?\b"),
    Rule("expression", r"\b(?:expression|expressed|express|violin)\b"),
    Rule(
        "describe_cells",
        r"\bcells?\b.*\b(?:describe|read|look)\b|\b(?:describe|read|look)\b.*\bcells?\b",
    ),
)


def classify(found: Mentions, focus: Focus) -> str:
    """Return what a stretch asks for: the first rule that holds."""
    for rule in RULES:
        if rule.holds(found, focus):
            return rule.intent
    return "offtopic" if len(found.shape.split()) > 2 else "unclear"
