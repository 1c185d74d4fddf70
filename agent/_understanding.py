"""From a question to the asks in it.

A message is cut into stretches, each stretch is searched for names (`_mentions`) and matched
against the rules (`_rules`), and what it leaves open is filled from what the conversation is
about. No statistics and no model: every decision can be read here.
"""

import re
import unicodedata
from dataclasses import replace
from itertools import chain

from ._asks import SMALL_TALK, Ask, Focus
from ._asks_of_groups import of_groups
from ._figure_files import drawn_and_written
from ._filling import EMPTY_WORDS, each_of, fill_in
from ._following import is_follow_up, read_answer_to_us, read_follow_up, wants_more
from ._grammar import read_frame, words_left_over
from ._groups_told import back_to_start, name_told
from ._leaning import read_lean
from ._mentions import Mentions, correct_spelling, find_mentions, spell_out
from ._nicknames import spell_slang
from ._pairs import name_both
from ._pointing import name_pointed, name_sides
from ._reading_file import read_file_ask
from ._reading_file_names import read_file_name
from ._reading_groups import read_group_ask
from ._reading_knowledge import read_knowledge_ask
from ._reading_of_groups import read_of_groups
from ._reading_partners import read_partners
from ._reading_points import read_point
from ._reading_results import read_lost, read_result
from ._reading_tests import read_test
from ._reading_trust import joined, lean_on, read_of_file
from ._recalling import put_back, read_recall
from ._recognising import decide, is_one_act, without_remarks
from ._referring import cells_of_type
from ._returning import read_return
from ._rules import classify
from ._small_talk import small_talk
from ._table_files import computed_and_written, for_file
from ._tag_names import is_clustering
from ._topics import find_topic
from ._vocabulary import Vocabulary

_SPEAKS = (
    r"(?:please |can you |could you |also |then |now )*(?:show|plot|draw|display|tell|what|which|"
    r"why|how|where|who|describe|label|annotate|list|compare|explain|give|is|are|does|do|look|find|"
    r"name|search|define|count|summari[sz]e|rank|colou?r|identify|select|export|download|save|"
    r"write|use|make|assign|repeat|markers|umap|violin|dot ?plot|composition)\b"
)
_CUT = re.compile(
    rf"(?<=[?!;\n])(?!['\"])\s*|(?<=[^\W\d_]{{2}}\.)\s+|(?<=[\d)]\.)\s+(?=[A-Z])|"
    rf",?\s+(?:and then|and also|and|then|plus|also)\s+(?={_SPEAKS})|,\s+(?={_SPEAKS})|"
    r",?\s+(?:and|plus)\s+(?=(?:its|their)\s+(?:\w+\s+){0,2}(?:markers?|genes|pathways?)\b)",
    re.IGNORECASE,
)
_AUTHORS_NAMED = re.compile(
    r"(?i)\b(?:what|which|how many) (?:cell ?types|labels|annotations|types) (?:did|do|have|had) "
    r"the authors? (?:annotate\w*|use\w*|assign\w*|find|found|have|give\w*|label\w*|call\w*|"
    r"name\w*)\b"
)
_BACK_TO = re.compile(
    r"(?i)^(?:ok(?:ay)?,? |so |now |and |let's |go |going )*back to (?:the|my) (?:first|original|"
    r"earlier|previous|main|initial) question\s*[:,;.-]+\s*(?=\w)"
)
_WISHES = re.compile(
    r"(?i)(?:^|(?<=[.!?] ))(?:dear \w+,? )?(?:(?:[^.!?]{0,60},? and )?i (?:would|'d|just|really|"
    r"first|only|want|wanted|need|like|love|also| )+ to (?:first )?(?:understand|know|learn|see|"
    r"find out|hear|ask)(?: you)? (?=(?:how|what|which|who|where|whether|if|why)\b)|dear \w+, )"
)
_SET_OUT = re.compile(  # "and the platelets, what are they?"
    r"(?i)^(?:and |but |so |ok )*(?P<name>(?:the )?[\w +-]{3,40}), (?P<ask>(?:what|who|where|how "
    r"many) (?:is|are)) (?:it|they|those|these)\b(?P<rest>[^,?]*)\?*$"
)
_STOP = "\ue000"  # stands for a full stop and a space where nothing is to be cut
LONGEST_READ = 2_000  # characters of a question
_PLACE = re.compile(
    r"(?i)^(?:and |so |now |ok |then |but )*(?:within|out of|of|from|in|inside|among|"
    r"amongst|for|per|by|only in|looking only at|looking at|regarding|concerning|considering|"
    r"taking|take|given)"
    r"\s[^,.?!]{1,90},?$"
)


# Answers with numbers that pass over the words that they do not know.
_TELL_NUMBERS = frozenset(
    {
        "count",
        "dataset",
        "quality",
        "column",
        "cluster_size",
        "composition",
        "list_clusters",
        "look_up",
    }
)
_IF = re.compile(
    r"(?i)^(?:and |so |ok |then |but )*(?:if|when|after|suppose|supposing|assuming|assume|say|once|"
    r"with a|at a|using a)\b[^?!]{1,120}$"
)
_HOW_MANY = re.compile(
    r"(?i)^(?:how many(?: cells| donors| patients| samples)?(?: is that| are (?:there|they|"
    r"these))?|what (?:percent\w*|fraction|share)(?: is (?:that|it))?|count(?: them)?)\W*$"
)
_WHAT_IS_IT = re.compile(
    r"(?i)^(?:and )?(?:what|which)(?: cell)?(?: types?)? (?:is|are|of cell is|do) (?:it|that|they|"
    r"those|this)(?: cells?| one)?(?: then)?\W*$|^(?:and )?(?:its|the|their) (?:cell )?"
    r"(?:type|identity|label)\W*$"
)
_OF_THEM = re.compile(r"(?i)\b(?:on|about|of|for|in|are|is|do|does) (?:them|those|these|it|they)\b")
_FIRST_NAMED = re.compile(
    r"(?i)^(?!.*\b(?:what|which|who|how|why|where|show|plot|list|describe|explain|select|label|"
    r"compare|find|is|are|do|does|give|tell|hi|hello|thanks|ok)\b)(?:and |now |so |the )*"
    r"(?:[\w+-]+ ?){1,4},?$"
)
_ONES = re.compile(r"(?i)\b(?P<kind>[a-z][\w+-]*) ones?\b")
_NOUNS = re.compile(
    r"(?i)^(?!.*\b(?:what|which|who|how|why|where|show|plot|list|describe|explain|select|label|"
    r"compare|find|is|are|do|does|give|tell)\b)[^?!.]+,?$"
)


def understand(question: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    """Return what `question` asks for, in order; at least one ask."""
    text = plainly(question, vocabulary)
    if not re.search(r"\w", text):
        return [Ask("empty")]
    asks: list[Ask] = []
    whole = _keep_whole(correct_spelling(text, vocabulary), vocabulary)
    parts = [part.replace(_STOP, ". ") for part in _stretches(whole)]
    if len(parts) > 1 and is_one_act(whole.replace(_STOP, ". "), parts, vocabulary, focus):
        parts = [whole.replace(_STOP, ". ")]
    if len(parts) > 1:
        parts = without_remarks(parts, vocabulary, focus)
    parts = list(chain.from_iterable(map(drawn_and_written, parts)))
    for stretch in chain.from_iterable(map(computed_and_written, parts)):
        before = asks[-1].frame if asks else None
        if before is not None and before.by == ("cell",) and _WHAT_IS_IT.match(stretch):
            continue  # said with the cell
        stretch = name_sides(_point_back(stretch, asks), focus, vocabulary)
        for found in _share_unit(asks, _decide(stretch, vocabulary, focus), whole):
            found = of_groups(found, asks, stretch, vocabulary, focus)
            ask = replace(lean_on(found, asks, stretch, vocabulary, focus), asked=stretch)
            if ask.name and ask.intent in {"select", "name_selection"}:
                ask = replace(ask, name=_as_written(ask.name, question))
            if ask.intent == "name_selection" and asks and asks[-1].intent == "select":
                asks[-1] = ask = replace(asks[-1], name=ask.name)
            else:
                asks.append(ask)
            focus = focus.after(ask)
            if ask.intent in {"select", "name_selection"} and ask.name:  # spoken of further on
                made = (*vocabulary.selections(), ask.name)
                vocabulary = replace(vocabulary, selections=lambda made=made: made)
    found = for_file(_tidy(asks)) or [Ask("unclear", text=text)]
    return [replace(found[0], asked=text)] if len(found) == 1 else found


def _as_written(name: str, question: str) -> str:
    """Return a new name as it was typed, "bcells" rather than "b cells"."""
    letters = r"\s*".join(map(re.escape, "".join(name.split())))
    typed = re.search(rf"(?i)(?<!\w){letters}(?!\w)", question)
    return typed.group() if typed else name


def _decide(stretch: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    """Return what a stretch asks, by the rules or as the act that it is recognised as."""
    stretch, focus = back_to_start(stretch, focus)
    if focus.pending is None and (held := read_partners(stretch, vocabulary, focus)):
        return [held]
    stretch = name_told(name_both(stretch, focus, vocabulary), focus, vocabulary)
    stretch = _name_ones(stretch, vocabulary, of=focus.cell_type or "")
    if focus.pending is None:
        for reader in (read_of_file, read_of_groups):
            if held := reader(stretch, vocabulary, focus):
                return [held]
    by_rules = _read(stretch, vocabulary, focus)
    if focus.pending is not None:
        found = _with_bare_label(find_mentions(stretch, vocabulary), vocabulary)
        if read_answer_to_us(found, vocabulary, focus) is not None:
            return by_rules
        focus = replace(focus, pending=None)  # something else is asked
        by_rules = _read(stretch, vocabulary, focus)
    return decide(
        stretch,
        vocabulary,
        focus,
        read=lambda form: _read(form, vocabulary, focus),
        by_rules=by_rules,
    )


def plainly(question: str, vocabulary: Vocabulary) -> str:
    """Return a question with its abbreviations written out and signs made plain."""
    text = spell_slang(" ".join(_plain(question).split()), vocabulary)
    return _name_ones(_spell_t_cells(text, vocabulary), vocabulary)


def _name_ones(text: str, vocabulary: Vocabulary, *, of: str = "") -> str:
    """Write "non-classical monocyte and the classical one" out; `of` was spoken of before."""
    ones = _ONES.search(text)
    named = find_mentions(text, vocabulary).cell_types if ones else ()
    named = named or ((of,) if of else ())
    if ones is None or not named:
        return text
    noun = re.sub(r"(?i)^.*?((?:[tb]|nk) cells?|\S+)$", r"\1", named[0])
    whole = f"{ones['kind']} {noun}"
    kind, general = vocabulary.resolve(whole), vocabulary.resolve(noun)
    is_kind = kind is not None and general is not None and kind.id != general.id
    if not is_kind or text.find(named[0].split()[-1]) > ones.start():
        return text
    return f"{text[: ones.start()]}{whole}{text[ones.end() :]}"


_HOW_BIG = re.compile(
    r"(?i)^(?:and )?how (?:big|large|many)\b.*?\b(it|they|them|those|that|this)\b"
)


def _point_back(stretch: str, asks: list[Ask]) -> str:
    """Put the cell type of the same message in place of "it": "what is X and how big is it"."""
    match = _HOW_BIG.match(stretch)
    if match is None or not asks or not asks[-1].cell_types or asks[-1].frame is not None:
        return stretch
    return f"how many {asks[-1].cell_types[-1]} are there"


def _share_unit(asks: list[Ask], found: list[Ask], text: str) -> list[Ask]:
    """Let "how many X and how many Y, in patients" count patients in both; changes `asks`."""
    last, new = (asks[-1].frame if asks else None), (found[0].frame if found else None)
    if last is None or new is None or not new.each or last.each or last.measure != "cells":
        return found
    if last.by or last.of or re.search(r"(?i)\bcells\b(?! ?types?)", text):
        return found
    asks[-1] = replace(asks[-1], frame=replace(last, each=new.each))
    return found


def _keep_whole(text: str, vocabulary: Vocabulary) -> str:
    """Mark full stops within labels of the authors ("reg. T cell"), which end no stretch."""
    for _, label in set(vocabulary.authors.values()):
        if ". " in label:
            whole = label.replace(". ", _STOP)
            text = re.sub(re.escape(label), lambda _, whole=whole: whole, text, flags=re.IGNORECASE)
    return text


_SHORT = tuple(
    (re.compile(rf"(?i)(?<![\w/]){short}"), whole)
    for short, whole in (
        (r"w/o(?!\w)", "without"), (r"w/ ?(?=\w)", "with "), (r"w(?= )", "with"),
        (r"b/w(?!\w)", "between"), (r"expr\.?(?![\w.])", "expression"),
        (r"lib\.? size(?!\w)", "library size"), (r"nb(?= of)", "number"),
        (r"approx\.?(?!\w)", "about"),
    )
)  # fmt: skip


_AGED = r"donors with age \1 \2"  # "the over-70s"


def _plain(text: str) -> str:
    table = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
    text = unicodedata.normalize("NFKC", text.translate(str.maketrans(table)))
    plain = "".join(c for c in text if unicodedata.category(c) != "Cf")[:LONGEST_READ]
    plain = re.sub(r"(?i)\b(clusters?) (?:no|nr|num)\.? ?(?=\d)", r"\1 ", plain)
    plain = re.sub(
        r"(?i)^(?:n|nr|no\.|#) (?=(?:of )?(?:cells|donors|patients|samples)\b)", "number of ", plain
    )
    plain = re.sub(r"(?i)\btop(\d+)(?!\w)", r"top \1", plain)
    plain = re.sub(r"(?<=\w) v\.? (?=\w)", " vs ", plain)
    plain = _WISHES.sub("", _BACK_TO.sub("", plain))
    plain = _SET_OUT.sub(r"\g<ask> \g<name>\g<rest>?", plain)
    plain = re.sub(r"(?i)\bthe (over|under)[- ](\d\d)s?\b(?! ?[%\w])", _AGED, plain)
    plain = _AUTHORS_NAMED.sub("list the authors' cell types", plain)
    for short, whole in _SHORT:
        plain = short.sub(whole, plain)
    plain = re.sub(r"(?i)\b(CD[48])s\b", lambda m: f"{m[1].upper()} T cells", plain)
    return re.sub(r"(?i)\b(what|where|who|how|which|that|it)'s\b", r"\1 is", plain)


_SHORT_T_CELLS = re.compile(r"\b(CD[48]\+?) Ts?(?![\w-])(?! ?cells?\b)")


def _spell_t_cells(text: str, vocabulary: Vocabulary) -> str:
    """Write "CD8 T" out, of which the letter might be read as a gene; not where it is a label."""
    labels = (*vocabulary.clusters, *(label for _, label in vocabulary.authors.values()))
    if any(_SHORT_T_CELLS.search(label) for label in labels):
        return text
    return _SHORT_T_CELLS.sub(r"\1 T cells", text)


def _stretches(text: str) -> list[str]:
    """Cut a message into what is asked; "in cluster 1, what ..." stays together."""
    parts = [part for part in map(str.strip, _CUT.split(text)) if re.search(r"\w", part)]
    glued: list[str] = []
    for part in parts:
        is_tail = glued and _HOW_MANY.match(part) and _NOUNS.match(glued[-1])
        is_tail = is_tail or (glued and _FIRST_NAMED.match(glued[-1]) and _OF_THEM.search(part))
        if glued and part.startswith("(") and "?" not in part:  # "(in the column cellTypes)"
            glued[-1] = f"{glued[-1]} {part}"
        elif glued and (_PLACE.match(glued[-1]) or _IF.match(glued[-1]) or is_tail):
            glued[-1] = f"{glued[-1].rstrip(' ,')} {part}"
        else:
            glued.append(part)
    return glued


def _tidy(asks: list[Ask]) -> list[Ask]:
    """Drop courtesies that come with a real ask, and repetitions."""
    real = [ask for ask in asks if ask.intent not in SMALL_TALK - {"cannot"} or ask.values]
    said = [ask for ask in asks if ask.intent not in {"greet", "thanks", "ack", "bye"}]
    return joined(real or said[:1] or asks[:1])


def _read(said: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    """Return what a stretch asks; a number is never told for another question than it was."""
    asks = _read_any(said, vocabulary, focus)
    if asks and asks[0].intent in _TELL_NUMBERS and not focus.pending:
        stretch = name_pointed(put_back(said, focus), focus, vocabulary)
        strange = words_left_over(stretch, vocabulary, focus)
        if strange:
            return [Ask("unclear", values=strange, text=said)]
    return asks


def _read_any(said: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    stretch = name_pointed(put_back(said, focus), focus, vocabulary)
    back = read_return(stretch, vocabulary, focus)
    if back is not None:
        return _read(*back)
    found = _with_bare_label(find_mentions(stretch, vocabulary), vocabulary)
    answered = read_answer_to_us(found, vocabulary, focus)
    if answered is not None:
        return answered
    recalled = read_recall(found, said, focus)
    if recalled is not None:
        return [recalled]
    for first in (read_result, read_file_name):
        named = first(found, vocabulary, focus)
        if named is not None:
            return [named]
    framed = read_frame(found, vocabulary, focus)
    if framed:
        return framed
    topic = find_topic(found)
    if topic is not None:
        is_of_labels = topic == "trust" and vocabulary.has_dataset
        return [Ask("trust" if is_of_labels else "topic", name=topic, text=stretch)]
    for reader in (
        read_test, read_point, read_knowledge_ask, read_lean, read_file_ask,
        read_group_ask,
    ):  # fmt: skip
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return each_of(ask)
    listed = _listed_gene(found, focus)
    if listed is not None:
        return [listed]
    talk = small_talk(found)
    if talk is not None:
        return [Ask(talk, text=stretch)]
    if is_follow_up(found):
        return [read_follow_up(found, vocabulary, focus)]
    intent = classify(found, focus)
    ask = Ask(
        intent,
        clusters=found.clusters,
        genes=found.genes,
        cell_types=tuple(map(spell_out, found.cell_types)) + found.term_ids,
        number=found.number,
        column=found.column
        or _colouring(found, vocabulary)
        or next((c for c, _ in found.values), None),
        plot=_plot(found),
        text=stretch,
        more=wants_more(found),
        barcodes=found.barcodes,
        ontology=_ontology(found),
    )
    if ask.intent == "composition" and ask.column and is_clustering(ask.column, vocabulary):
        ask = replace(ask, intent="unclear")  # the clusters are not counted within themselves
    if ask.ontology and not ask.cell_types:
        named = re.search(r".*\b(?:about|for|of|up|define|is)\s+(?:an? |the )?([^?.!]+)", stretch)
        ask = replace(ask, intent="look_up", cell_types=(named.group(1).strip(),) if named else ())
    # "What are the CD8 T cells?": those that the authors call so, rather than the term.
    is_here = ask.cell_types and ask.cell_types[0].casefold() in vocabulary.authors
    if (
        ask.intent == "look_up"
        and is_here
        and re.match(
            r"(?:and )?what (?:is|"
            r"are) the <",
            found.shape,
        )
    ):
        ask = replace(ask, intent="describe_cluster")
    if ask.intent in {"offtopic", "unclear"} and (other := _other_term(found, vocabulary)):
        return [other]
    lost = read_lost(ask, found, vocabulary, focus)
    if lost is not None:
        return [lost]
    if ask.intent in {"look_up", "which_clusters"} and len(ask.cell_types) == 1:
        name = ask.cell_types[0]
        if name.casefold() in vocabulary.authors and vocabulary.resolve(name) is None:
            own = cells_of_type(name, vocabulary)
            return [Ask("describe_selection", where=own, text=stretch)]
    return each_of(fill_in(ask, found, vocabulary, focus))


def _other_term(found: Mentions, vocabulary: Vocabulary) -> Ask | None:
    """Read "what is lupus?", "what is the thymus?": a disease or a tissue by its name."""
    match = re.match(
        r"^(?:and |so |but |please )*(?:what|who) (?:is|are)(?: an?|"
        r" the)? (?P<name>[\w' -]{3,60})$",
        found.text.strip(" ?.!"),
    )
    points = r"(?:these|those|they|this|that|it|the two|two)\b|.*\bones?$"
    if match is None or re.match(points, match["name"]):
        return None
    known = vocabulary.resolve_elsewhere(match["name"])
    if known is None:
        return None
    return Ask("look_up", cell_types=(match["name"],), ontology=known, text=found.raw)


def _listed_gene(found: Mentions, focus: Focus) -> Ask | None:
    """Read "show the first of these" where a list of genes was given."""
    if not focus.listed or not found.ordinals or found.clusters or found.genes:
        return None
    is_of_genes = re.search(r"\bgenes?\b|\bmarkers?\b", found.text)
    is_drawn = re.search(r"\b(?:show|plot|draw|map|umap|violin|express\w*|where)\b", found.text)
    lists = {"markers", "compare", "conditions", "compare_selections"}
    if not (is_of_genes or (is_drawn and focus.intent in lists)):
        return None
    at = found.ordinals[0]
    if not -len(focus.listed) <= at < len(focus.listed):
        return None
    return Ask("expression", genes=(focus.listed[at],), plot=_plot(found), text=found.raw)


def _with_bare_label(found: Mentions, vocabulary: Vocabulary) -> Mentions:
    """Read the number of "what about 5?" as a cluster."""
    skipped = EMPTY_WORDS | {"describe", "explain", "tell", "me", "about", "markers", "please"}
    words = [word for word in found.shape.split() if word not in skipped]
    is_label = len(words) == 1 and words[0] in vocabulary.clusters
    is_counted = re.search(r"\b(?:cells?|genes?|more)\b|<type>", found.shape)
    if is_label and not (found.clusters or found.genes or is_counted):
        shape = re.sub(rf"\b{re.escape(words[0])}\b", "<cluster>", found.shape)
        return replace(found, clusters=(words[0],), number=None, shape=shape)
    return found


def _colouring(found: Mentions, vocabulary: Vocabulary) -> str | None:
    named = re.search(r"\bby (?:the )?(\w+?)s?\b", found.text)
    if named is not None:  # "by celltype", where the file has `celltypes`
        for low, column in vocabulary.columns.items():
            if low.removesuffix("s") == named.group(1):
                return column
    if not re.search(r"\b(cell ?types?|annotations?)\b", found.text):
        return None
    by_model = re.search(r"\b(?:model|predict\w*|your|you|inferred)\b", found.text)
    return "cell types" if by_model else next(iter(vocabulary.author_columns), "cell types")


def _plot(found: Mentions) -> str | None:
    if re.search(r"\b(violin|distribution|box ?plot)", found.text):
        return "violin"
    return "umap" if re.search(r"\b(umap|map|embedding|tsne|t-sne)\b", found.text) else None


def _ontology(found: Mentions) -> str | None:
    named = re.search(r"\b(uberon|mondo|hsapdv)\b", found.text)
    names = {"uberon": "UBERON", "mondo": "MONDO", "hsapdv": "HsapDv"}
    return names[named.group(1)] if named else None
