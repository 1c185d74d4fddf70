"""Asks about the file, its columns and the quality of its cells, and about likeness."""

import re
from collections.abc import Callable
from dataclasses import replace

from ._asks import Ask, Focus
from ._gene_families import family_of
from ._mentions import Mentions
from ._selecting import read_cells
from ._sex import read_sex
from ._vocabulary import Vocabulary

Reader = Callable[[Mentions, Vocabulary, Focus], Ask | None]

# What a person may ask of the origin of cells, and columns in which files say it.
_ORIGIN: tuple[tuple[str, str], ...] = (
    (r"assays?|technolog\w+|platforms?|chemistry|protocols?|smart-?seq\w*|10x|drop-?seq|sequenc\w+|"
     r"library prep\w*|kit", r"assay|technology|platform|chemistry|protocol|method|library"),
    (r"tissues?|organs?|anatom\w+|body site|biopsy|where (?:is|are|was|were) (?:this|these|the "
     r"(?:cells|samples?|data)|it|they) (?:taken |isolated |collected |from)+",
     r"tissue|organ|site|location|region|anatom"),
    (r"diseases?|diagnos\w+|healthy|sick|patholog\w+|illness\w*|what (?:kind of )?(?:tumou?r|"
     r"cancer)|(?:which|what) (?:tumou?r|cancer)|(?:tumou?r|cancer) type",
     r"disease|diagnosis|patholog|tumou?r|cancer|health"),
    (r"sex(?:es)?|gender|male|female|males|females|women|men|woman|man", r"sex|gender"),
    (r"ages?|how old|years old|life stages?|adults?|child\w*|f(?:o)?etal", r"age|stage|"
     r"development"),
    (r"treatments?|therap(?:y|ies)|treated|drugs?|medication", r"treat|therap|drug|stim|condition"),
    (r"hpv|smok\w+|survival|surviv\w+|grade|outcome|ethnicity|race|batch(?:es)?|lanes?|runs?",
     r"hpv|smok|surviv|grade|outcome|ethnic|race|batch|lane|run"),
)  # fmt: skip
_NOT_IN_TEXT = tuple(said for said, _ in _ORIGIN[:1] + _ORIGIN[3:5] + _ORIGIN[6:])
_ASKS = re.compile(
    r"\b(?:what|which|who|is|are|was|were|do|does|did|how|known|any|from|where|tell|there|whose)\b"
)
_COLUMNS = re.compile(
    r"\b(?:columns?|meta-?data|obs|variables|annotations? (?:are )?(?:available|present)|"
    r"covariates?)\b"
)
_QUALITY = re.compile(
    r"\b(?:quality|qc|cells any good|good cells|mito(?:chondrial|chondria)?|umis?|"
    r"library sizes?|sequencing depth|depth|"
    r"dying|dead|damaged|low[- ]quality|empty droplets?|counts? per cell|reads per cell|"
    r"(?:genes?|features?) (?:are |is )?(?:detected |expressed |found |measured )*(?:per|in (?:an?|"
    r"each)|a) cell|number of genes per cell|complexity)\b"
)
_AUTHORS = re.compile(
    r"\b(?:authors?'?s?|original|published|provided|given|paper'?s?|existing|manual|reference|"
    r"ground truth|their) (?:\w+ )?(?:labels?|annotations?|cell types?|names?|clusters?|ones?)\b|"
    r"\bauthors?\b"
)
_AGREE = re.compile(
    r"\b(?:agree\w*|match\w*|concord\w*|consistent|disagree\w*|differ\w*|discrepan\w*|mismatch\w*|"
    r"compar\w*|same as|accura\w*|overlap\w*|conflict\w*|contradict\w*|correspond\w*|right|wrong)\b"
)
_DO_YOU_AGREE = re.compile(
    r"^(?:and |so |but |where |on what )*(?:do|does|would|did) (?:you|the model|your labels?) "
    r"(?:all |mostly |most |fully |even )?(?:dis)?agree"
    r"(?: (?:with (?:that|them|those|these|it)|most|on (?:that|those|these)))?\W*$"
)
_COUNT = re.compile(
    r"\b(?:how many|number of|count\w*|list|which|what|unique|different|values?|levels?|"
    r"fewest|most|smallest|largest|biggest)\b"
)
_PER = re.compile(r"\b(?:per|of each|in each|for each|by|each|every)\b")
_ALIKE = re.compile(
    r"\b(?:most|closest|nearest|very|more|least) (?:similar|alike|related|close|different|distinct|"
    r"dissimilar)\b|\b(?:closest|nearest)\b|\bsimilarit(?:y|ies)\b|\bhierarchy\b|\bdendrogram\b|"
    r"\b(?:look|are|seem) (?:very |most )?(?:alike|similar)\b|"
    r"\bstands? (?:most )?apart\b|\boutlier clusters?\b|\bunlike (?:all )?(?:the )?others\b"
)
_TOGETHER = re.compile(
    r"\bcorrelat\w*|\bco-?express\w*|\bco-?occur\w*|\b(?:go|goes|going|expressed) together\b|"
    r"\bin the same cells\b|\bmutually exclusive\b|\banti-?correlat\w*|\bassociation between\b"
)
_MOST_EXPRESSED = re.compile(
    r"\b(?:most|highest|highly|top|strongest)(?: \w+){0,2} express\w*\b|\bhighest expression\b"
)
_PEOPLE = re.compile(r"\b(?:donors?|patients?|individuals?|subjects?|participants?|people)\b")


def read_file_ask(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a stretch asks about the file, its columns or the quality of its cells."""
    if not vocabulary.has_dataset or found.barcodes:
        return None
    for reader in _READERS:
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


def _said_values(found: Mentions) -> tuple[tuple[str, str], ...]:
    """Return the values that are named as the file writes them, not by the part they play."""
    return tuple(pair for pair in found.values if pair[1].casefold() in found.text)


def _plain(found: Mentions) -> bool:
    return not (found.genes or found.clusters or found.cell_types or found.term_ids)


def _agreement(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read whether the model and the authors agree."""
    column = found.column if found.column in vocabulary.author_columns else None
    follows = focus.intent in {"agreement", "label_clusters"} and re.search(
        r"\b(?:where|which|who|what)\b.*\b(?:disagree|differ|agree|wrong)", found.text
    )
    named = column is not None or _AUTHORS.search(found.text)
    if vocabulary.author_columns and not found.clusters and _DO_YOU_AGREE.match(found.text):
        return Ask("agreement", column=column, text=found.raw)
    if follows or (named and _AGREE.search(found.text) and not found.genes):
        if found.clusters and not named:
            return None
        return Ask("agreement", column=column, text=found.raw)
    return None


def _columns(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    if not _COLUMNS.search(found.text) or not _plain(found) or found.values:
        return None
    named = _named_column(found, vocabulary)
    if named is not None:
        return Ask("column", column=named, listed=(named,))
    return Ask("columns") if _ASKS.search(found.text) or _COUNT.search(found.text) else None


def _named_column(found: Mentions, vocabulary: Vocabulary) -> str | None:
    """Return the column whose name stands in the question as the file writes it."""
    for low, column in sorted(vocabulary.columns.items(), key=lambda item: -len(item[0])):
        name = re.escape(low).replace("_", "[_ ]")
        if re.search(rf"(?<!\w){name}s?(?!\w)", found.text):
            return column
    return found.column


def _quality(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    text = re.sub(r"\bmitochondrial genes\b", "", found.text)
    if not _QUALITY.search(text) or found.genes or found.cell_types or found.term_ids:
        return None
    if re.search(r"\bmarkers?\b|\bdifferential|<gene>|\bcompare clusters?\b", found.shape):
        return None
    column = found.values[0][0] if found.values else found.column
    if column is not None and column not in vocabulary.grouping_columns:
        column = None
    people = _PEOPLE.search(text) or re.search(r"\bsamples\b", text)
    if column is None and people and vocabulary.people & set(vocabulary.values):
        column = next(c for c in vocabulary.values if c in vocabulary.people)
    return Ask("quality", column=column, clusters=found.clusters)


def _origin(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which tissue?", "are the patients healthy?", "is it Smart-seq2?"."""
    if not _plain(found) or _said_values(found) or len(found.shape.split()) > 14:
        return None
    sought = re.search(
        r"\b(?:sex(?:es)?|genders?|males?|females?|women|woman|men|man|smok\w+|"
        r"ethnicit\w+)\b",
        found.text,
    )
    if sought and _fitting(r"sex|gender|smok|ethnic", vocabulary) is None:
        return read_sex(found, vocabulary) or Ask("columns", name=sought.group())
    if re.search(r"\bmodel\b|\bspecies\b|\borganism\b|\bby\b|\bper\b|\bcompos\w*|\bpropor\w*|"
                 r"\bshares?\b|\byou (?:think|"
                 r"say)\b|\bpredict|\bontology\b|\bcompar|\bbetween\b|"
                 r"\bgenes?\b|\beffects?\b|\bcorrect\w*\b|\bcells? (?:are|is) (?:from|in)\b",
                 found.text):  # fmt: skip
        return None
    wanted = [
        column
        for said, pattern in _ORIGIN
        if re.search(rf"(?<![\w-])(?:{said})(?![\w-])", found.text)
        for column in (_fitting(pattern, vocabulary),)
        if column is not None
    ]
    if not (_ASKS.search(found.text) or len(found.shape.split()) <= 3):
        return None
    if not wanted:
        missing = re.search(rf"(?<![\w-])(?:{'|'.join(_NOT_IN_TEXT)})(?![\w-])", found.text)
        tissue = _fitting(r"tissue|organ|sample_?type", vocabulary)
        if missing and re.match(r"f(?:o)?etal|adult|child", missing.group()) and tissue:
            return Ask("column", listed=(tissue,), column=tissue)
        return Ask("columns", name=missing.group()) if missing else None
    return Ask("column", listed=tuple(dict.fromkeys(wanted)), column=wanted[0])


def _fitting(pattern: str, vocabulary: Vocabulary) -> str | None:
    for low, column in vocabulary.columns.items():
        if re.match(rf"(?:{pattern})", low) and not low.startswith("cell2text"):
            return column
    return None


def _group_sizes(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "how many cells per condition", "how many donors", "which conditions?"."""
    text = found.text
    if not _plain(found) or found.values or not (_COUNT.search(text) or _PER.search(text)):
        return None
    if re.search(r"\b(?:genes?|umap|plot|map|colou?r\w*|violin|draw|markers?|de|p ?values?|"
                 r"differ\w*|chang\w*|compar\w*|clusters?|propor\w*|compos\w*|fractions?|"
                 r"percent\w*|shares?|distribut\w*|spread|use|switch|divide\w*|split|respon\w*|"
                 r"stack\w*|bars?|score)\b", text):  # fmt: skip
        return None
    people = [c for c in vocabulary.columns.values() if c in vocabulary.people]
    numbered = re.search(r"\bof the (\d+) (?:groups|types|labels|classes|categories)\b", text)
    if numbered and found.number is not None and found.number != len(vocabulary.clusters):
        sizes = {c: len(labels) for c, labels in vocabulary.values.items()}
        for column in vocabulary.author_columns:
            sizes[column] = len({v for c, v in vocabulary.authors.values() if c == column})
        fits = [c for c, n in sizes.items() if n == found.number]
        if fits:
            return Ask("column", column=fits[0], listed=(fits[0],))
    columns = []
    for noun, known in (
        (r"samples?", [c for low, c in vocabulary.columns.items() if low.startswith("sample")]),
        (r"donors?|patients?|individuals?|subjects?|participants?|people", people),
        (r"conditions?|treatments?|groups|arms", list(vocabulary.conditions[:1])),
        (r"cell ?types?|labels?|annotations?|types?", list(vocabulary.author_columns)),
        (r"batch(?:es)?", [c for low, c in vocabulary.columns.items() if "batch" in low]),
    ):
        wants = rf"(?:how many|number of|which|what|list|count\w*)(?: \w+){{0,3}} (?:{noun})\b"
        is_wanted = re.search(wants, text) or re.search(
            rf"{_PER.pattern} (?:\w+ )?(?:{noun})\b", text
        )
        also = columns and re.search(rf"\band (?:{noun})\b", text)
        if known and (is_wanted or also):
            columns.append(known[0])
    if re.search(r"\bcell ?types?\b.*\b(?:by|per|across|vs|versus|for each)\b", text) and (
        found.column or re.search(r"\bconditions?|treatments?|samples?|donors?", text)
    ):
        return None
    if focus.is_on_selection and re.search(r"\b(?:these|those|they|them)\b", text):
        return None
    per_type = re.search(r"\bcells?\b (?:per|of|in|for|by|each)|\bper cell ?type", text)
    if re.search(r"\bcell ?types?\b", text) and not per_type:
        columns = [c for c in columns if c not in vocabulary.author_columns]
    exact = _named_column(found, vocabulary) if re.search(r"\w_\w", text) else None
    exact = exact or (found.column if found.column in vocabulary.grouping_columns else None)
    counted = re.search(r"cells?|unique|values?|levels?|^(?:which|what|how many)", text)
    if not columns and exact and counted:
        columns = [exact]
    return (
        Ask("column", column=columns[0], listed=tuple(dict.fromkeys(columns))) if columns else None
    )


def _likeness(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which cluster is closest to cluster 3?", "which is the most different?"."""
    if not _ALIKE.search(found.text) or found.genes or len(found.clusters) > 1:
        return None
    if found.cell_types or found.term_ids or re.search(r"\bconditions?\b|\bontology\b", found.text):
        return None
    if not re.search(r"\bclusters?\b|\bpopulations?\b|\bgroups?\b|\bcell types?\b|\bit\b|\bthis\b|"
                     r"\bthat\b|<cluster>", found.shape):  # fmt: skip
        return None
    leans = re.search(r"\b(?:it|this|that)\b", found.shape) and not found.clusters
    return Ask("likeness", clusters=found.clusters or (focus.clusters[-1:] if leans else ()))


def _two_genes(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    if not _TOGETHER.search(found.text):
        return None
    genes = found.genes
    if len(genes) == 1 and focus.gene and focus.gene != genes[0]:
        genes = (focus.gene, *genes)
    if len(genes) != 2 or any(gene.casefold() not in vocabulary.genes for gene in genes):
        return None
    where = ""
    if found.clusters or found.cell_types or found.values:
        rest = re.sub("|".join(map(re.escape, genes)), " ", found.raw, flags=re.IGNORECASE)
        where = read_cells(rest, vocabulary, focus).where
    return Ask("gene_pair", genes=genes, where=where)


def _top_expressed(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which gene is the most highly expressed?"; a named gene is asked for elsewhere."""
    if not _MOST_EXPRESSED.search(found.text) or found.genes:
        return None
    if not re.search(r"\bgenes?\b", found.text) or re.search(
        r"\bmarkers?\b|\bdifferential|\bcompared\b|\bthan\b|\bspecific|\bcondition", found.text
    ):
        return None
    where = read_cells(found.raw, vocabulary, focus).where if not _plain(found) else ""
    if (
        not _plain(found)
        and not found.values
        and not re.search("absolute|overall|mean", found.text)
    ):
        return None  # of a cluster, its markers are meant
    return Ask("top_expressed", where=where, number=found.number)


def _family(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read a group of genes under one name: "HLA genes", "checkpoint molecules"."""
    if found.genes or found.term_ids:
        return None
    cue = re.search(r"\b(?:genes?|molecules?|markers?|express\w*|produc\w*|secret\w*|makes?|making|"
                    r"show|plot|dot ?plot|there|levels?|high\w*|induced|which cells|where|score|"
                    r"any|is it|or|transcripts?|heat ?map)\b", found.text)  # fmt: skip
    named = family_of(found.text, vocabulary.genes)
    if named is None or not cue:
        return None
    name, genes = named
    if (
        re.search(r"\bof cluster\b|\bmark(?:s|ers?) (?:for|of)\b", found.text)
        and "canonical" not in name
    ):
        return None
    noun = re.search(rf"{re.escape(name)}\s+(?:\w+\s+)?(?:genes?|molecules?|markers?|chains?|"
                     r"transcripts?|proteins?)\b", found.text)  # fmt: skip
    if not noun and (found.cell_types or found.clusters) and name not in {"m1", "m2"}:
        return None
    if not noun and re.match(
        r"prolif|cell|cycl|divid|cytot|cytol|exhaust|antibod|checkp|polar", name
    ):
        return None
    if not genes:
        return Ask("no_family", name=name)
    column = found.values[0][0] if found.values else found.column
    if column is None and re.search(r"\binduc\w*|\bchang\w*|\brespon\w*", found.text):
        column = next(iter(vocabulary.conditions), None)
    return Ask("family", name=name, listed=genes, column=column, number=found.number)


_SETS = (
    r"hypoxi\w*|glycoly\w*|angiogen\w*|emt|epithelial[- ](?:to[- ])?mesenchymal(?: transition)?|"
    r"apoptosis|apoptotic|oxphos|oxidative phosphorylation|p53|inflammat\w+(?: response)?|"
    r"interferon(?:[- ](?:alpha|gamma|i|ii))?|type i+ (?:interferon|ifn)|ifn(?:[- ](?:alpha|"
    r"gamma))?|"
    r"tnf(?:a|-alpha)?(?: signal\w+)?|nf-?kb|wnt|notch|hedgehog|tgf-?(?:b|beta)|mtor\w*|"
    r"unfolded protein response|er stress|adipogenesis|myogenesis|complement|coagulation|"
    r"cholesterol|fatty acid\w*|heme|peroxisome|dna repair|androgen|estrogen|kras|myc|jak[- ]stat|"
    r"il-?6|ros|oxidative stress|prolifer\w+|cell cycle|cycling|cycles?|divid(?:ing|e|es)|mitosis"
)
_STEMS = {
    "hypoxi": "hypoxia", "glycoly": "glycolysis", "angiogen": "angiogenesis",
    "apopto": "apoptosis", "prolifer": "proliferation", "divid": "proliferation",
    "inflammat": "inflammatory response", "cycl": "proliferation", "mtor": "mtorc1",
}  # fmt: skip


def set_named(text: str) -> str:
    """Return the gene set that words name, or nothing."""
    match = re.search(rf"(?<![\w-])(?:{_SETS})(?![\w-])", text.casefold())
    if match is None:
        return ""
    said = match.group()
    return next((name for stem, name in _STEMS.items() if said.startswith(stem)), said)


def _pathway(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "hypoxia in which cells?", "any proliferating cells?"."""
    match = re.search(rf"(?<![\w-])(?:{_SETS})(?![\w-])", found.text)
    if match is None or found.genes or found.term_ids or found.clusters:
        return None
    said = match.group()
    is_process = re.match(r"prolif|cell cycle|cycl|divid|mitosis", said)
    cue = re.search(
        r"\b(?:pathways?|signal\w*|signatures?|scor\w*|activ\w*|programs?|programmes?|responses?|"
        r"high\w*|low\w*|stress|in which|which (?:cells|clusters?|cell types?)|where|strongest|"
        r"most)\b",
        found.text.replace(said, " ") if is_process else found.text,
    )
    short = len(found.shape.split()) <= 3
    cells = is_process and re.search(
        r"\bcells?\b|\bclusters?\b|\bpopulations?\b|\bthere\b", found.text
    )
    if not (cue or short or cells):
        return None
    if re.search(r"\b(?:compar\w*|vs|versus|effect|between|differ\w*|stimulated|stimulation|"
                 r"happens|"
                 r"phase|g2m|does)\b", found.text):  # fmt: skip
        return None
    name = set_named(said)
    values = _said_values(found)
    column = values[0][0] if values else None if found.values else found.column
    column = column if column in vocabulary.grouping_columns else None
    return Ask("score_set", name=name, column=column)


_READERS: tuple[Reader, ...] = (
    _agreement,
    _quality,
    _columns,
    _group_sizes,
    _origin,
    _two_genes,
    _likeness,
    _top_expressed,
    _family,
    _pathway,
)
