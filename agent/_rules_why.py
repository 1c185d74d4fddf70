"""Rules for reasons, certainty, the ontology, and what is not done."""

import re

from ._rule import DIFFERENCE, Rule, has_type, in_play, no_gene, two_types

_ONTOLOGY = (
    r"\bontolog\w*|\bdefin\w+|\bsynonyms?\b|\bsubtypes?\b|\b(?:kinds?|types|sorts?) of <type>|"
    r"\b(?:parents?|children|ancestors?|descendants?)\b|\blineage of\b"
)
_WHY_GENES = (
    r"\b(?:which|what) genes?\b.*\b(?:say|said|think|thought|made|make|makes|decide\w*|told|"
    r"convinc\w+|"
    r"use|uses|used|rely|relied|look|led|lead|support\w*|speak|spoke|argue\w*|point\w*|behind|"
    r"reason\w*|call|called|base\w*)\b"
)

_GLOSSARY = (
    r"\bwhat (?:is|are|does|do|did)\b.*\b(?:log2?|fold change|p value|p values|confidence|weights?|"
    r"umap|marker genes?|numbers|agreement|probability|pseudobulks?)\b(?: mean| stand for| show)?$|"
    r"\b(?:explain|tell me|say|clarify)\b.*\b(?:confidence|probability|weights?|agreement|"
    r"fold changes?|p values?)\b.*\b(?:means?|is|stands? for)\b|"
    r"\bpseudo ?bulks?\b|\breplicates?\b|"
    r"\b(?:trust|believe|valid|reliable|rely|mean\w*)\b.*\bp[ -]?values?\b|"
    r"\bp[ -]?values?\b.*\b(?:trust|valid|reliable|ok|correct|right|mean\w*)\b|"
    r"^what is (?:an? |the )?(?:cluster|umap|(?:cell )?ontology|evidence|reference)$|"
    r"\bwhat does (?:that|this|it) mean$|\b(?:do not|don't) understand\b"
)

WHY_RULES: tuple[Rule, ...] = (
    Rule("open_file", r"\b(open|load|upload|import)\b.*\b(file|dataset|data|demo|h5ad)\b"),
    # What this assistant does not do
    Rule(
        "cannot",
        r"\b(pseudotime|trajector\w*|velocity|lineage tracing|batch (?:correct\w*|effects?)|"
        r"integrate|integration|harmony|scvi|recluster\w*|re-cluster|subcluster\w*|doublets?|"
        r"cell cell communication|cellchat|cellphonedb|ligand\w*|copy number|cnv|infercnv|spatial|"
        r"delete|remove|upload|knock ?outs?|knock ?downs?|simulate|perturbation|predict the effect|"
        r"python|code|script|shell|fold|structure of|drug targets?|survival|regulon\w*|"
        r"blast|sequence of|mutation\w*|re-?run|cluster (?:the )?\w+ again|impute|scrublet)\b",
        lambda m, f: (
            not re.search(r"\bfold change|remove.*not\b", m.shape)
            and not (m.cell_types and re.search(r"\bdoublets?\b", m.shape))
        ),
    ),
    Rule(
        "choose_clusters",
        r"\b(?:use|switch to|take|choose|group by|cluster by|set)\b|\bback to\b|\breturn to\b",
        lambda m, f: (
            m.column is not None
            and not m.genes
            and not m.cell_types
            and not re.match(
                r"^(?:and |so |but )*(?:how|what|which|who|did|do|does|is|"
                r"are)\b",
                m.shape,
            )
        ),
    ),
    Rule(
        "composition",
        r"\b(?:composition|proportions?|per|by|across|divide\w*|split|distribut\w*|"
        r"fractions?|break ?down|between|how many|number of|what is|"
        r"which|describe|values?|each|mean)\b",
        lambda m, f: (
            m.column is not None
            and not m.genes
            and not m.cell_types
            and not m.clusters
            and not re.search(r"\b(umap|plot|colou?r|map|draw|show)\b", m.shape)
        ),
    ),
    # Ontology
    Rule(
        "look_up",
        r"\b(?:what|mean\w*|define|tell|about)\b|^\W*$",
        lambda m, f: bool(m.term_ids) and not (m.clusters or m.genes),
    ),
    Rule("term_difference", DIFFERENCE, two_types),
    Rule("term_difference", r"^(?:is|are) (?:an? |the )?<type>", two_types),
    Rule("glossary", _GLOSSARY, lambda m, f: not m.clusters and not m.cell_types),
    Rule("evidence", "", lambda m, f: bool(re.search(r"\bE\d+\b", m.raw))),
    Rule(
        "search_ontology",
        r"\bsearch\b|\bfind (?:me )?(?:an? |the )?(?:terms?|entries)\b|"
        r"\bwhich (?:cell types?|cells?|terms?) (?:make|makes|secrete|produce|synthesi\w+|"
        r"are called|"
        r"are known|live|transport|carry|kill|engulf|detect)\w*|"
        r"^(?:which |what |find |the |are there )*cells? (?:that|which|who)\b",
        lambda m, f: (
            not (m.clusters or m.genes)
            and not (m.cell_types and re.search(r"\blooks? like\b|\bresembl|\bare\b", m.shape))
        ),
    ),
    Rule(
        "look_up",
        _ONTOLOGY,
        lambda m, f: (
            has_type(m, f)
            or (bool(re.search("ontolog|defin", m.shape)) and not m.clusters and not m.genes)
        ),
    ),
    # Why
    Rule(
        "why_not",
        r"\b(?:why|how come)\b.*(?:\bnot\b|n't\b|\brather than\b|\binstead of\b|\bno\b)|"
        r"^(?:and |but |so )?not\b|\bcouldn't (?:it|they|that|this|these|<cluster>) (?:be|"
        r"also be)",
        has_type,
    ),
    Rule("explain", _WHY_GENES, no_gene),
    Rule(
        "explain",
        r"\b(?:what|which) (?:\w+ )?(?:makes?|made|tells?|told|leads?|led) you\b|"
        r"\bwhy (?:do|did|would) you (?:say|think|call|believe|label)\b",
        lambda m, f: no_gene(m, f) and " not " not in m.shape and "n't" not in m.shape,
    ),
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
            has_type(m, f)
            and not m.genes
            and not re.search(r"^(?:and |so |but )*(?:is|are) there\b|\bany\b", m.shape)
            and (
                bool(m.clusters)
                or bool(re.search(r"\b(it|they|this|that|these|those|them|<cluster>)\b", m.shape))
            )
        ),
    ),
    Rule(
        "is_type",
        r"\b(?:how likely|likely|probab\w+|chance)\b",
        lambda m, f: has_type(m, f) and in_play(m, f),
    ),
    Rule(
        "is_type",
        r"<cluster>.*\b(?:is|are|being|be|really|looks? like)\b.*<type>|"
        r"^(?:so )?<cluster> <type>$",
        lambda m, f: not re.search(r"^how (?:do|did|can)\b|\bwhy\b|\bevidence\b", m.shape),
    ),
    Rule(
        "explain",
        r"\bwhy\b.*<type>|\b(?:what|which) (?:makes?|made|tells?|told|leads?) you\b|"
        r"\bhow (?:do|did|can|could|would) you (?:tell|know|decide|conclude|see|figure|come|"
        r"arrive|get)\b|"
        r"\bbased on what\b|\bevidence\b|\bon what (?:grounds|basis)\b|\bjustif\w+|\breasons?\b|"
        r"^(?:and |but |so |ok )*why\b|\bhow come\b|\bsays who\b|\bexplain (?:that|this|it|why|"
        r"your)\b|"
        r"\bwhy (?:do|did|would) you\b|\bprove it\b|\bexplain yourself\b|\bhow so\b|"
        r"\b(?:speaks?|argues?|says) (?:for|against)\b",
        no_gene,
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
)
