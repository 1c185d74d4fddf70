"""The small words of quantitative questions, and what kind each is: data, no logic."""

import re

from ._words import words

# Connecting words, longest first where one holds another. The order is that of trying.
LEXICON: tuple[tuple[str, str, str], ...] = (
    # measures
    (
        "measure",
        "cells",
        r"how many|how much|total(?=\W*$)|total(?= cells| donors| patients)|"
        r"(?:the |total )*numbers? of|(?:raw |absolute |the )*"
        r"(?:numbers|counts?)(?: of)?|tally|nr of|no\. of|# of|n of|count up|amount of|"
        r"what number(?: of)?|how (?:big|large)(?: is| are)?|(?:the )?sizes? of",
    ),
    (
        "measure",
        "share",
        r"(?:the |what )*(?:percent\w*|per cent|pct|fractions?|proportions?|"
        r"shares?|%)(?: of)?|(?:frequenc(?:y|ies)|prevalence)(?: of)?|"
        r"how (?:frequent|common|abundant)",
    ),
    ("measure", "mean", r"(?:the )?(?:mean|average|avg|mean value|on average)(?: of)?"),
    ("measure", "median", r"(?:the )?median(?: of)?"),
    (
        "measure",
        "standard deviation",
        r"(?:the )?(?:standard dev\w*|std\.?(?: dev\w*)?|sd|st\. ?dev\.?)(?: of)?",
    ),
    ("measure", "maximum", r"(?:the )?(?:maxim\w+|max)(?: of)?"),
    ("measure", "minimum", r"(?:the )?(?:minim\w+|min)(?: of)?"),
    ("extreme", "maximum", r"oldest"),
    ("extreme", "minimum", r"youngest"),
    ("spread", "", r"(?:the )?ranges?(?: of)?|min(?:imum)?(?: and | ?/ ?)max(?:imum)?"),
    ("measure", "ratio", r"(?:the )?(?:(?:cell )?ratios?|odds)(?: of| between)?(?: the)?"),
    # plots
    ("plot", "stacked bar", r"stacked(?: bar(?:s|plots?|charts?| charts?| plots?| graphs?)?)?"),
    ("plot", "bar", r"(?:bar ?(?:charts?|plots?|graphs?)|bars|histogram|pie(?: chart)?)"),
    ("plot", "violin", r"violin(?:s|plots?| plots?)?|box ?plots?"),
    ("plot", "dots", r"dot ?plots?|bubble plots?|heat ?maps?"),
    ("plot", "umap", r"(?:the |a )?(?:umaps?|map|t-?sne|embedding)"),
    ("plot", "values", r"(?:the )?(?:values|categories|entries) (?:of|in)"),
    # comparing
    ("compare", ">=", r">="),
    ("compare", "<=", r"<="),
    ("compare", ">", r">"),
    ("compare", "<", r"<"),
    (
        "compare",
        ">",
        r"(?:more|higher|greater|bigger|larger|above|over|older|longer)"
        r"(?: than| the age of)?(?= ?\d)|above|exceed(?:s|ing)?|aged over",
    ),
    (
        "compare",
        "<",
        r"(?:less|lower|fewer|smaller|younger|below|under)(?: than| the age of)?"
        r"(?= ?\d)|below|aged under",
    ),
    ("compare", ">=", r"at least|no (?:less|fewer) than|minimum of(?= ?\d)"),
    ("compare", "<=", r"at most|no more than|up to|not more than|maximum of(?= ?\d)"),
    ("compare", "or more", r"(?:and|or) (?:more|above|over|older|higher)|\+(?= |$)"),
    ("compare", "or less", r"(?:and|or) (?:less|fewer|below|under|younger|lower)"),
    ("between", "", r"between(?= ?\d)|from(?= ?\d)"),
    ("aged", "", r"years?(?: old| of age)?|old\b"),
    # grouping
    (
        "group",
        "",
        r"(?:for|in|within|of|across|among|over|between|from|by|on)(?: all(?! cells)| each| every)"
        r"(?: of)?(?: the| my)?|(?:split|broken down|stratified|grouped|separated|divided|"
        r"separately|"
        r"colou?r(?:ed)?)(?: up)? (?:by|for|per|into|across)|per(?: each)?|each|every|across|by|"
        r"against|breakdown (?:of|by)|distribution (?:of|by|over|across)|for all",
    ),
    ("split", "", r"as well as per|and also per"),
    # ranking
    (
        "order",
        "high",
        r"(?:the )?(?:most(?: common| frequent| abundant| often| enriched)?|mostly|mainly|"
        r"highest|largest|biggest|greatest|commonest|enriched|strongest|maximal|best)",
    ),
    (
        "order",
        "low",
        r"(?:the )?(?:least(?: common| frequent| abundant)?|fewest|lowest|smallest|"
        r"rarest|weakest|minimal)",
    ),
    ("order", "high", r"corresponds? to|match(?:es)?"),
    ("top", "high", r"(?:the )?top|rank(?:ed|ing)?|sort(?:ed)?|order(?:ed)?"),
    ("top", "low", r"(?:the )?bottom"),
    (
        "than",
        "more",
        r"outnumbers?|more(?: often| frequent| common| abundant)?|higher|bigger|"
        r"larger|greater|commoner",
    ),
    ("than", "less", r"less(?: often| frequent| common| abundant)?|lower|smaller|fewer|rarer"),
    # pointing
    (
        "that",
        "",
        r"(?:the |my )?(?:selected|chosen|picked|gated) (?:cells|ones)|(?:the )?cells "
        r"(?:that )?(?:i|you|we) (?:have |had |just )*(?:selected|chose|picked|gated|drew|found)"
        r"(?: before| earlier| above| first)?|(?:that|this|the|my) selection",
    ),
    (
        "that",
        "",
        r"(?:those|these|them|they|it|theirs?)(?: cells| ones)?|(?<!cells )(?<!ones )(?<!donors )"
        r"(?<!patients )(?<!samples )that(?: cells| ones| one)?(?! (?:is|are|have|has|express)\b)",
    ),
    # one cell, one value
    (
        "onecell",
        "",
        r"(?:(?:which|what|the|a|any|one|each|single|individual) )*(?:single|individual) cells?"
        r"(?: barcodes?)?(?! ?types?| each| per)|(?:(?:which|what|the) )?(?:cell )?barcodes?|"
        r"(?:(?:which|what) )?cell (?:ids?|names?)|"
        r"any (?:single )?cell(?! ?types?| line)|(?:which|what) cell(?= (?:has|had|have|is|shows?|"
        r"expresses|got|contains?|with|in)\b)|"
        r"(?:the )?cell(?= (?:with|that has|which has|having|of) (?:the )?"
        r"(?:most|highest|lowest|least|fewest|max\w*|min\w*|largest|smallest|biggest|top)\b)",
    ),
    (
        "specific",
        "",
        r"(?:uniquely |highly |very |really |truly )*specific(?:ally)?(?: (?:to|for|of|in))?|"
        r"restricted(?: to)?|confined(?: to)?|limited to|exclusive(?:ly)?(?: (?:to|in|for))?|"
        r"unique(?:ly)?(?: (?:to|in|for))?|solely|selective(?:ly)?(?: (?:to|for|in))?",
    ),
    (
        "elsewhere",
        "",
        r"elsewhere|any(?:where|thing|one|body)? (?:other|else)(?: than| but| besides)?|"
        r"(?:any|in) other|anywhere|others? than",
    ),
    # joining
    (
        "versus",
        "",
        r"vs\.?|versus|compared (?:to|with)|against|relative to|than(?: in| for)?|"
        r"as opposed to|rather than",
    ),
    ("together", "", r"together|combined|in total|pooled|altogether|plus|sum(?: of)?|summed"),
    ("either", "", r"either(?: of)?|at least one(?: of)?|any of|one of"),
    ("neither", "", r"neither"),
    ("both", "", r"both(?: of)?|double|co-?express(?:ing|ed|es)?"),
    (
        "not",
        "",
        r"not(?: the| in| from)?|no|non|without|w/o|except(?: for)?|excluding|exclude|"
        r"other than|outside(?: of)?|apart from|minus|lack(?:s|ing)?|but not|nor|never|zero|"
        r"isn't|aren't|don't|doesn't|didn't|leaving out|negative for|ignoring",
    ),
    ("or", "", r"or|and/or|/"),
    ("and", "", r"and|&|with both|as well as|plus|,|also"),
    ("positive", "", r"positives?|\+|pos|expressing|high|hi|on\b"),
    ("negative", "", r"negatives?|-|neg|off\b"),
    ("reverse", "", r"(?:the )?(?:reverse|opposite|converse|other way(?: a?round)?)"),
    ("instead", "", r"instead|rather"),
    (
        "same",
        "",
        r"(?:the )?same(?: thing| question)?(?: for| in| with)?|what about|how about|"
        r"and what about|ditto",
    ),
    ("only", "", r"only|just|restrict(?:ed)? to|limit(?:ed)? to|looking only at"),
    ("which", "", r"which|what|who"),
    (
        "verb",
        "",
        r"is|are|was|were|am|be|being|r|does|do|did|has|have|had|having|comes?|came|get|"
        r"gets|got|contains?|holds?|shows?|express(?:es|ed)?|belongs?|falls?|lies?|made|make|up|"
        r"received?|give|gave|gives|contributed?|annotated|labell?ed|called|"
        r"classified|found|detected|seen|there",
    ),
    (
        "in",
        "",
        r"in|within|among|amongst|between|inside|for|from|at|on|with|carrying|to|into|through|under",
    ),
    ("of", "", r"of|out of"),
    ("cells", "", r"(?:all )?(?:the |my )?(?:single )?cells?(?! ?types?)|everything|nuclei"),
)
FILLER = words(
    """
    the a an me please pls can could you would i want need to know tell show give list let us my
    our all any some there this that dataset data file sample? ones one so ok okay now then hi hey
    hello just also total whole overall altogether according as well ? ! . , ; : ( ) ' " column
    columns table tables here find out of their they it positive expression level levels expressed
    value values number numbers see get does do did s per x × breakdown distribution distributed
    population populations group groups cells? raw counting counted count again still even exactly
    actually really roughly about group's type's plot draw plots graph chart figure state status
    wat people's = them those these if we have has too
    behind combination combinations alone plus each crosstab cross-tab tabulate tab
    cross tabulation author authors categories category
    split break down broken how's much kind kinds lobe region arm
    aged table tabulated tabular respectively thanks cheers kindly quickly i'd i'm id im wonder
    wondering interested looking like check compute calculate calc report display print provide
    return amount compare compared comparing alone monotherapy mono single agent only come coming
    came from detectable hold holding held carry carries their there's actual sorted out across
    view values' overview it's
    """
)
STOPS = re.compile(
    r"(?i)\b(?:why|explain|markers?|differential\w*|differ(?:s|ent|ence|ences)?|correlat\w*|"
    r"pathways?|signific\w*|p-?values?|similar\w*|relate\w*|relation\w*|ontolog\w*|subtypes?|"
    r"define|definition|known|literature|publish\w*|synonyms?|select|gate|filter|subset|pick|"
    r"export|save|download|relabel|rename|undo|confiden\w*|sure|certain|doublets?|quality|"
    r"malignan(?:t|cy) cells|describe|summar\w+|compare|comparison|respond(?:s|ing)? (?:most|"
    r"strongest)|score|signature|induc\w*|upregulat\w*|downregulat\w*|de genes|cluster the|"
    r"cluster (?:it|this)|use|as clusters|coexpress\w*|cor|should|might|because|mean by|"
    r"(?:that|the|this) list|increases?|decreases?|chang\w+|clinically|predict\w*|trust|agree\w*|"
    r"label the|annotate)\b|"
    r"\b(?:what|which|the|any) genes? (?:are|is|go|goes|that)\b.*\b(?:vs|versus|than|compared)\b|"
    r"\b(?:vs|versus)\b.*\bgenes\b|\btop (?:\d+ )?genes\b"
)
SIGNS_OF_GENES = words(
    "positive negative double single triple pos neg high low expressing expression"
)
PEOPLE = (
    r"donors?|patients?|pats|pts|ppl|people|persons?|individuals?|subjects?|participants?|humans?"
)
ROLES = {  # what people call the values of columns, by the column's name
    r"sex|gender": {
        r"males?|men|man": ("m", "male", "man", "men"),
        r"females?|women|woman": ("f", "female", "woman", "women"),
    }
}
# "counts" are molecules rather than cells after these.
_BEFORE_COUNTS = "|".join(
    rf"(?<={word} )counts(?! of)"
    for word in (
        "mean",
        "median",
        "average",
        "avg",
        "most",
        "highest",
        "lowest",
        "fewest",
        "least",
        "zero",
        "total",
    )
)
_PER_CELL = r"(?:(?: per |/)(?:each |single )?cell(?!\s?-?types?))?"
QUALITIES = (
    ("mitochondrial",
     r"(?:(?:the )?(?:%|percent(?:age)?|pct|share|fraction|proportion) of (?:the |all )?(?:reads|"
     r"counts|umis?|transcripts|rna) (?:that )?(?:is|are) mito\w*|"
     r"(?:the )?(?:%|percent(?:age)?|pct|share|fraction)?(?: of)? ?(?:mito\w*|mt)(?:[ -](?:reads?|"
     r"counts?|genes?|share|content|percent\w*|fraction|%|umis?|rna|transcripts?))*(?: %)?)"),
    ("genes", r"(?:detected |expressed |measured )?(?:genes|features|n_genes|ngenes?|"
     r"gene (?:numbers?|counts?))"
     rf"(?: (?:detected|expressed|counts?))?{_PER_CELL}"),
    ("counts", rf"(?:{_BEFORE_COUNTS}|umi counts?|umis?|total counts|library sizes?|reads|"
     r"transcripts|molecules|read depth|sequencing depth|n_counts)(?: (?:detected|counts?))?"
     rf"{_PER_CELL}"),
)  # fmt: skip
QUALITY_COLUMNS = {
    "genes": r"n_?genes(?:_by_counts)?|n_?features?_rna|cell2text_n_genes",
    "counts": r"n_?counts?|n_?umis?|n_?count_rna|total_counts|cell2text_total_counts",
    "mitochondrial": r"(?:percent|pct|pct_counts|fraction)[_.]?(?:mito\w*|mt)"
    r"|cell2text_percent_mito",
}
