"""Rules for genes, clusters, cells, maps and the dataset."""

import re

from ._asks import ABOUT_A_GENE
from ._rule import DIFFERENCE, Rule, has_cluster, has_gene, has_type, only_types

WHAT_RULES: tuple[Rule, ...] = (
    # Genes
    Rule(
        "list_clusters",
        r"\b(?:rank|sort|order|list|arrange)\b.*\bclusters?\b.*\b(?:size|cells|number|abundance)\b",
    ),
    Rule(
        "dataset",
        r"\b(?:run ?down|tour|gist|walk me through|primer|briefing|elevator pitch)\b",
        lambda m, f: not (m.genes or m.clusters or m.cell_types),
    ),
    Rule(
        "label_clusters",
        r"\bhow many (?:clusters|groups)\b.*\b(?:what|which|who) (?:are they|is each|cell types|"
        r"types|do they)\b",
    ),
    Rule(
        "describe_cells",
        r"^(?:please |ok |and |can you )*(?:show|give|pick|read|describe|take)\b.*<type>",
        lambda m, f: (
            bool(m.number)
            and not (m.genes or m.clusters or m.values)
            and not re.search(r"\bmarkers?\b|\bgenes?\b|\btop\b|\bterms?\b", m.shape)
        ),
    ),
    Rule("where_highest", r"\bmarkers?\b", lambda m, f: bool(m.genes and m.cell_types)),
    Rule("is_marker", r"\bmarkers?\b", lambda m, f: bool(m.genes and (m.clusters or f.clusters))),
    Rule(
        "expression",
        r"\b(?:higher|lower|more|less|stronger|weaker)\b.*<cluster>",
        lambda m, f: bool(m.genes) and len(m.clusters) > 1,
    ),
    Rule(
        "where_highest",
        r"\bwhere\b|\b(?:which|what|who)\b.*\b(?:express\w*|highest|most|high|strong\w*|"
        r"peaks?|positive|has|have|contains?)\b|\bhighest\b|\bstrongest\b|\bmost of\b|"
        r"\bwho expresses\b|"
        r"\bpositive (?:for|clusters?)\b",
        has_gene,
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
        r"\b(show|plot|draw|display|expression|express\w*|violin|umap|colou?r|detect\w*|present|on|"
        r"off|positive|negative|levels?|have|has|high|low|measured?|transcrib\w*|in|too)\b",
        has_gene,
    ),
    Rule(
        "expression",
        r"\b(?:it|its|that gene|this gene)\b.*\b(?:off|on|expressed|expression|highest|lowest|"
        r"strongest|absent|missing)\b",
        lambda m, f: f.intent in ABOUT_A_GENE and not (m.cell_types or m.clusters),
    ),
    Rule(
        "expression",
        r"^(?:and |but |what about |where (?:is )?|which (?:is |cluster )?)*(?:has )?(?:the )?"
        r"(?:lowest|highest|weakest|strongest)(?: one| cluster)?$",
        lambda m, f: f.intent in ABOUT_A_GENE and f.gene is not None,
    ),
    # Clusters against each other
    Rule(
        "compare",
        r"\b(?:separat\w*|discriminat\w*|distinguish\w*|relat\w*|overlap\w*|resembl\w*|close|"
        r"between|differential\w*)\b",
        lambda m, f: len(m.clusters) == 2 and not m.cell_types,
    ),
    Rule(
        "compare",
        DIFFERENCE,
        lambda m, f: (
            not m.cell_types
            and (
                has_cluster(m, f)
                or bool(f.clusters)
                or bool(re.search(r"\b(?:clusters?|they|them|these|those)\b", m.shape))
            )
        ),
    ),
    # Markers
    Rule(
        "markers",
        r"\bmarkers?\b|\bsignature\b|\btop (?:\w+ )?genes\b|\bgenes?\b.*\b(?:define|mark|marks|"
        r"characteri\w+|distinguish\w*|specific|enriched|up|high|higher|highest|more|express\w*|"
        r"typical|"
        r"stand out|most)\b|\bupregulated\b|\bdifferentially\b|\bdegs?\b|\bde genes\b|"
        r"\b(?:which|what) genes\b|\bgenes? (?:of|in|for|from)\b|^(?:list |show |give |me |the |"
        r"its |top )*"
        r"genes$|\bwhat (?:does|do) (?:it|they|<cluster>|<type>) express\b|\bcharacteri[sz]es\b|"
        r"\b(?:makes?|defines?|marks)\b.*(?:<cluster>|\bit\b|\bthem\b)",
        lambda m, f: not re.search(r"how many genes|number of genes", m.shape),
    ),
    # Single cells
    Rule("describe_cells", "", lambda m, f: bool(m.barcodes)),
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
        lambda m, f: (
            not m.genes
            and (f.intent == "describe_cells" or bool(re.search("describe|read", m.shape)))
        ),
    ),
    # The whole
    Rule(
        "label_clusters",
        r"\b(?:common\w*|abundant|rare\w*|main|major|dominant|each|every|all|of)\b.*"
        r"\bcell types?\b|"
        r"\bhow many cell types?\b",
        lambda m, f: not (m.clusters or m.cell_types or m.genes or m.step) and m.column is None,
    ),
    Rule(
        "describe_cluster",
        r"\belse\b.*\bbe\b|\bbe\b.*\belse\b|\balternatives?\b|\bsecond best\b|\brunners? up\b|"
        r"^and if not\b",
        lambda m, f: bool(m.clusters or f.clusters) and not m.cell_types,
    ),
    Rule(
        "smallest",
        r"\b(smallest|fewest|least|tiniest|rarest)\b",
        lambda m, f: (
            not m.clusters
            and bool(re.search("which|what|who|name|how (?:big|large)|^(?:the )?smallest", m.shape))
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
        lambda m, f: has_type(m, f) and not m.clusters,
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
        r"\bhow (?:many|big|large)\b|\bnumber of (?:cells|genes)\b|\bcount\b|"
        r"^(?:n|and|no of|nr of) (?:cells|genes|clusters)$|^what is the (?:n|and)$|"
        r"^(?:cells|genes) (?:count|number)$",
        lambda m, f: not m.clusters and not m.cell_types,
    ),
    Rule(
        "dataset",
        r"\bwhat (?:are|is) the (?:values|numbers|units?|scale)\b|"
        r"\bare (?:these|they|the values|the numbers) (?:raw |log\w* )*(?:counts|tpm|umis)\b|"
        r"\bhow (?:were|was|are|is|did)\b.*\b(?:clusters?|clustering|umap|map|data)\b.*"
        r"\b(?:comput\w*|made|calculated|obtained|found|generated|done|derived)\b",
    ),
    Rule(
        "plot",
        r"\b(umap|tsne|embedding|scatter)\b|\b(?:plot|draw|show|display|map|picture|visuali[sz]e|"
        r"colou?r)\b.*\b(clusters?|cell types?|labels?|map|dataset|data|umap|by|plot|picture)\b|"
        r"^(?:plot|draw|visuali[sz]e)",
        lambda m, f: (
            not m.genes
            and not re.search(r"\bmarkers?\b|\bcells? of\b", m.shape)
            and not (m.cell_types and not re.search(r"\b(?:umap|map|plot|draw)\b", m.shape))
        ),
    ),
    Rule(
        "label_clusters",
        r"\b(?:label|annotate|annotation|assign|identify|name|call)\b(?!.*<cluster>)|"
        r"\b(?:all|each|every) (?:of )?(?:the )?cells?\b|"
        r"\b(?:all|each|every|the) (?:the )?(?:\w+ )?clusters\b|\bcell types?\b|\bcelltypes?\b|"
        r"\bwhat (?:kinds?|sorts?|types?) of cells\b|\bwho is (?:in )?(?:here|there)\b|"
        r"\b(?:immune|blood|stromal|cancer|tumou?r|malignant) cells?\b|"
        r"\b(?:which|what) (?:\w+ )?cells (?:are|do|can)\b|\bcell identities\b|\bpopulations?\b",
        lambda m, f: not m.clusters and not m.cell_types and m.step == 0 and m.ordinal is None,
    ),
    Rule(
        "describe_cluster",
        r"\bpathways?\b|\bprogram(?:me)?s?\b",
        lambda m, f: bool(m.cell_types) and not m.genes,
    ),
    Rule(
        "where_highest",
        r"\b(?:restricted|specific|exclusive|unique|limited|"
        r"confined)\b",
        has_gene,
    ),
    # Types in the dataset
    Rule(
        "describe_cluster",
        r"\b(?:describe|summari[sz]e|tell me (?:more )?about|look at)\b.*<type>",
        lambda m, f: (
            only_types(m, f)
            and bool(re.search(r"\b(?:here|dataset|data|cluster|the <type>)", m.shape))
        ),
    ),
    Rule(
        "look_up",
        r"\blook up\b|\bdo you know about\b|\bexplain what\b|^(?:please )?(?:explain|describe) "
        r"(?:an? )?<type>$|\btell me (?:more |something )?about (?:an? |the )?<type>$|\bmeaning\b|"
        r"^(?:what|who) (?:is|are|was|were) (?:an? |the )?<type>$|"
        r"\bwhat do(?:es)? (?:an? |the )?<type> do\b|\b(?:function|role|job|purpose)s? of\b",
        only_types,
    ),
    Rule(
        "which_clusters",
        r"\b(which|what|any|are there|is there|do you see|do we have|does it have|find|"
        r"where|there|contain\w*|show|have|has|see|present|clusters?|highlight|locate|got)\b",
        only_types,
    ),
    Rule("look_up", r"\b(what|who|describe|tell|about|explain|mean\w*|info\w*)\b", only_types),
    Rule("is_type", r"^(?:so |and |then )*<cluster>.*<type>"),
    Rule("which_clusters", r"", only_types),
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
        r"\bdataset|\bdata\b|\b(?:by|per|split|across) (?:donor|patient|sample|condition|batch)|"
        r"\bcomposition\b|\boverview\b|\bsamples?\b|\btissue\b|\borgan\b|\borganism\b|\bspecies\b|"
        r"\bdiseased?\b|\bdonors?\b|\bpatients?\b|\bhealthy\b|"
        r"\bhuman\b|\bmouse\b|\bmurine\b|\braw counts\b|\bnormali[sz]\w+\b|\bmatrix\b|\blayers?\b|"
        r"\bcovid|\bcancer\b|\bsummary\b|\bsummari[sz]e\b|\bwhat (?:is|have we|do we have|"
        r"have i)(?: got)? "
        r"(?:in )?(?:here|this|there|it)\b|\bexperiment\b|\bwhat (?:am i|i'm|i am) looking at\b|"
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
    Rule("expression", "", has_gene),
    Rule("list_clusters", r"\bclusters?\b|\bgroups?\b"),
    Rule("expression", r"\b(?:expression|expressed|express|violin)\b"),
    Rule(
        "describe_cells",
        r"\bcells?\b.*\b(?:describe|read|look)\b|\b(?:describe|read|look)\b.*\bcells?\b",
    ),
)
