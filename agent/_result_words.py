"""How short questions about the last answer are put: patterns, no logic."""

import re

from ._words import ORDINALS

_STARTS = (
    r"(?:(?:and|so|but|ok(?:ay)?|hm+|odd|weird|strange|funny|interesting|wow|huh|then|now|well|also|"
    r"great|thanks|cool|sorry|please|right|yes|no)[,;.!]? )*"
)
_THEY = r"(?:those|these|they|them|that|it|this|the(?:se|y| ones)?)"
WHO = re.compile(
    rf"(?i)^{_STARTS}(?:(?:what|who)(?: kinds?| sorts?| types?)?(?: of (?:cells?|things?))?(?: the "
    rf"hell)? (?:are|is|were|could|might) (?:those|these|they|that|this|it)(?: (?:be|then|now|"
    rf"really|mostly|mainly|actually|cells?|ones|double positives?))*|"
    rf"(?:which|what) (?:cells?|ones|kinds?(?: of cells?)?)(?: are| is)? ?(?:those|these|they|"
    rf"that)?|what do (?:they|those|these) look like|"
    rf"what (?:cell ?)?types? (?:of cells? )?(?:is|could) (?:it|that|this)(?: be)?|"
    rf"(?:can you )?(?:describe|identify|characteri[sz]e|annotate) (?:those|these|them)(?: cells)?|"
    rf"what are the double[- ]positives?(?: cells| ones)?|"
    rf"what (?:cell ?)?types? (?:of cells? )?(?:are|is) (?:those|these|they|that))\W*$"
)
AGAIN = re.compile(
    rf"(?i)^{_STARTS}(?:by )?(?:how (?:much|high|low|strong(?:ly)?)|(?:what|which) (?:value|level|"
    rf"number)s?)(?: (?:is|are|was) (?:it|that|they|this))?\W*$"
)
SIZE = re.compile(
    rf"(?i)^{_STARTS}(?:how (?:big|large|small)|what size)(?: (?:is|are) (?:{_THEY}))?\W*$"
)
ALL = re.compile(
    rf"(?i)^{_STARTS}(?:(?:please )?(?:list|show|give|name|print)(?: me)?(?: them)? (?:all|"
    rf"everything|the (?:rest|others|whole list|full list))"
    rf"(?: (?:of (?:them|these|those)|groups?|types?|values?|numbers?))?|all of them|"
    rf"(?:the )?(?:full|whole|complete) (?:list|table)|(?:what about )?(?:all )?the others?)\W*$"
)
WIDER = re.compile(
    rf"(?i)^{_STARTS}(?:what about |how about )?(?:in|for|over|across|of) (?:the )?(?:whole|entire|"
    rf"full|complete|all (?:the |of the )?)(?: )?(?:dataset|data|cells|sample|file|types|"
    rf"clusters)?\W*$|^{_STARTS}(?:overall|in total|in all cells|everywhere|all cells)\W*$"
)
GROUPS = re.compile(
    rf"(?i)^{_STARTS}(?:(?:in )?(?:which|what) (?P<what>clusters?|(?:cell ?)?types?|populations?|"
    rf"cells?|ones|groups?)(?: are (?:those|they)| (?:is|are) (?:it|they) in)?|"
    rf"(?:please )?(?:rank|sort|order|compare) (?:all|them|everything|the (?:cell )?types|"
    rf"all (?:of them|(?:cell )?types|groups))(?: of them)?)\W*$"
)
PLACE = re.compile(
    rf"(?i)^{_STARTS}(?:(?:which|what|who)(?: one| cluster| type| group)? (?:is|comes|was|are) )?"
    rf"(?:the )?(?:(?P<place>{'|'.join(ORDINALS)}|next)(?: one| highest| best| most|"
    r" biggest| largest)*|"
    r"(?P<order>highest|lowest|biggest|largest|smallest|rarest|most|fewest|least)(?: one)?)\W*$"
)
COUNT_OF_IT = re.compile(
    rf"(?i)^{_STARTS}how many(?: cells)?(?: (?:does|do|has|have) (?:it|that one|this one|that|they)"
    rf"(?: (?:have|hold|contain))?| (?:are|is) (?:in it|there in it|in there)|"
    rf"(?P<that> (?:is|are) (?:that|this|it|those|they)))(?: in total| overall)?\W*$"
)
OTHERS = re.compile(
    rf"(?i)^{_STARTS}(?:what about |how about |for |in |of )?(?:all )?(?:the )?(?:other cells|"
    rf"others|rest|remaining(?: cells| ones)?|everything else|other ones)(?: of the cells)?\W*$"
)
SEPARATES = re.compile(
    rf"(?i)^{_STARTS}(?:what|which(?: genes?)?|name (?:the )?genes (?:that )?|"
    r"(?:the )?genes (?:that|which))(?: genes?)? ?(?:separates?|distinguish(?:es)?|sets?|tells?|"
    r"makes?|differs?|are different|is different)"
    rf"(?: between| apart)? ?(?:them|these|those|the two|both|these two)?"
    r"(?: apart| different)?\W*$"
)
MOST_APART = re.compile(
    rf"(?i)^{_STARTS}(?:which|what|who)(?: one| group| type)? (?:differs?|chang\w+|varies|shifts?)"
    r"(?: the)? (?:most|least)\W*$"
)
EACH = re.compile(
    rf"(?i)^{_STARTS}(?:how many|number of|what number of)(?: cells)?(?: (?:are|is|do|does))?"
    r"(?: (?:in|they|of|have|hold))* ?(?:each|both|the two|each of (?:them|these))(?: have)?\W*$"
)
REASON = re.compile(
    rf"(?i)^{_STARTS}(?:(?:any )?(?:ideas?|guess(?:es)?|clue) (?:why|what)\b.*|"
    rf"why (?:might|could|would|may|should|is|are|do|does|was)(?: \w+)? (?:{_THEY}|that|so)\b.*|"
    rf"why (?:is|are) (?:\S+ ){{1,4}}(?:so |that )?(?:low|high|up|down|different|rare|frequent|few|"
    rf"many|strong|weak)\b.*|how come\b.*|why so\b.*|"
    rf"what (?:could|might|would|may|can) (?:explain|cause|be (?:the )?(?:reason|cause)|that mean|"
    rf"it mean|be behind)\b.*|what does (?:that|this|it) (?:mean|tell (?:us|me))? ?biolog\w+.*|"
    rf"(?:is there )?(?:a|any) (?:biological )?(?:explanation|reason|cause)s?(?: for (?:it|that|"
    rf"this))?|biologically\b.*|how (?:do|would|can) you explain (?:that|this|it))\W*$"
)
SOUND = re.compile(
    r"(?i)\b(?:statistic\w* (?:sound|valid|reliable|robust|meaningful|ok|solid|significan\w*|"
    r"different)|(?:sound|valid|reliable|robust|solid|hold up|meaningful) statistic\w*|"
    r"(?:trust|believe|rely on|reliable|robust|sound|valid|solid|convinc\w+|significan\w*)\b.*\b"
    r"(?:only|just|few|two|three|one|so few|with|n ?=) ?\d* ?(?:\w+ )?"
    r"(?:donors?|patients?|samples?|replicates?|people|cells)|significan\w*|"
    r"is (?:that|this|it|the difference) (?:real|sound|robust|solid|reliable|valid|meaningful|"
    r"statistic\w*)|(?:just|be|only) (?:noise|chance|random)|(?:by|due to) chance)\b|"
    r"\b(?:trust|believe)\b.*\b(?:donors?|patients?|replicates?)\b"
)
OF_PEOPLE = re.compile(r"(?i)\b(?:donors?|patients?|samples?|replicates?|people)\b")
NOT_SOUND = re.compile(r"(?i)\bgenes?\b|\bconfiden\w*|\blabels?\b|\bannotat\w*|\bpaper\b")
CALLED = re.compile(
    rf"(?i)^{_STARTS}(?:what|how) (?:do|did|would) the authors? (?:call|label|name|annotate|"
    r"classify) (?:it|them|those|these|that|this(?: cluster| one)?)(?: as)?\W*$|"
    rf"^{_STARTS}(?:what|which) (?:is|are) (?:the|their|its) authors?'?s?'? (?:labels?|names?|"
    r"annotations?)(?: (?:of|for) (?:it|them|those|these|that))?\W*$"
)
DOUBLETS = re.compile(
    r"(?i)\b(?:doublets?|multiplets?|dying|dead|damaged|empty droplets?|debris|low[- ]quality)\b"
)
MOST_WORDS = 12  # of a question that leans on the last
ABOUT_ALL = frozenset({"dataset", "count", "label_clusters", "list_selections", "list_clusters"})
POINTS = re.compile(
    r"(?i)\b(?:that|it|its|those|these|them|they|their|both|either|the two|the (?:first|second|"
    r"third|other|last)|one|each|together)\b"
)
OF_ALL = re.compile(
    r"(?i)\b(?:data ?set|data|file|clusters?|labels?|cells are there|selections?)\b"
)
GOES_ON = re.compile(r"(?i)^(?:and|so|but|or|what about|how about|then|also|only|with|without)\b")
MEASURED = frozenset({"frame", "gene_by_group", "test_gene", "composition", "conditions",
                       "expression", "where_highest", "compare_selections"})  # fmt: skip
