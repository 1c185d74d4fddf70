"""From evidence to an answer: one short paragraph or list for each thing asked.

Every number comes out of an artifact, and every sentence that states something cites it.
What is said about clusters is in `_saying_clusters`, about one cell type in `_saying_types`,
about genes, cells and terms in `_saying_things`.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ._asks import SMALL_TALK, Ask
from ._calls import Situation
from ._figure_files import no_figure
from ._phrasing import cite, quote_all
from ._plan import NEEDS_NO_DATASET, can_help, plan
from ._recalling import say_recalled
from ._saying import Said, Saying, Teller
from ._saying_clusters import CLUSTER_TELLERS
from ._saying_file import FILE_TELLERS
from ._saying_frames import FRAME_TELLERS
from ._saying_groups import GROUP_TELLERS
from ._saying_knowledge import KNOWLEDGE_TELLERS
from ._saying_tests import TEST_TELLERS
from ._saying_things import THING_TELLERS
from ._saying_trust import TRUST_TELLERS
from ._saying_types import TYPE_TELLERS
from ._sex import SEX_TELLERS
from ._table_files import no_table
from ._talk import NO_DATASET, ask_back, say_talk
from ._verdicts import asks_yes_no

logger = logging.getLogger(__name__)

TELLERS: Mapping[str, Teller] = {
    **CLUSTER_TELLERS,
    **TYPE_TELLERS,
    **THING_TELLERS,
    **GROUP_TELLERS,
    **KNOWLEDGE_TELLERS,
    **FILE_TELLERS,
    **TEST_TELLERS,
    **TRUST_TELLERS,
    **FRAME_TELLERS,
    **SEX_TELLERS,
}


@dataclass(frozen=True)
class Composed:
    """The text of an answer, and the asks as they turned out."""

    text: str
    asks: tuple[Ask, ...]


def compose(asks: list[Ask], situation: Situation, *, n_turns: int) -> Composed:
    """Say what the evidence of this turn answers to each of `asks`."""
    blocks: list[str] = []
    told: set[str] = set()  # nothing is said twice in one answer
    settled: list[Ask] = []
    for number, ask in enumerate(asks):
        lines, outcome = _say(ask, situation, seed=n_turns + number)
        fresh = []
        for line in lines:
            if _bare(line) not in told:
                fresh.append(line)
                told.add(_bare(line))
        if fresh:
            blocks.append(_join(fresh))
        settled.append(outcome)
    return Composed("\n\n".join(blocks), tuple(settled))


def _bare(line: str) -> str:
    """Return a sentence without the evidence it cites."""
    return re.sub(r" \[E\d+\]", "", line)


def _say(ask: Ask, now: Situation, *, seed: int) -> tuple[list[str], Ask]:
    if ask.intent == "evidence":
        return _recall(ask, now), ask
    if ask.intent == "recall":
        return say_recalled(ask, now.earlier), ask
    if ask.intent in SMALL_TALK:
        return say_talk(ask, now.vocabulary, seed=seed), ask
    if not now.vocabulary.has_dataset and ask.intent not in NEEDS_NO_DATASET:
        return list(NO_DATASET), replace(ask, intent="unclear", missing="")
    if ask.missing and not can_help(ask):
        return ask_back(ask, now.vocabulary), ask
    if ask.intent.startswith("export") and not plan(ask, now):
        if ask.intent == "export_figure":
            return [no_figure(ask, now)], ask
        return [no_table(ask, now)], ask
    results = [result for call in plan(ask, now) if (result := now.result(call)) is not None]
    good = [result for result in results if result.artifact is not None]
    errors = [str(result.error) for result in results if result.artifact is None and result.error]
    is_noted = good and (not ask.genes or any(gene in ask.note for gene in ask.genes))
    lines = [cite(ask.note, str(good[0].artifact["id"]))] if ask.note and is_noted else []
    outcome = ask
    # What only prepared for a call that was refused answers nothing by itself.
    if errors and results[-1].artifact is None and {r.name for r in good} == {"label_clusters"}:
        good = []
    failed = [
        str(result.error)
        for result in now.results
        if result.name == "compare_selections" and result.artifact is None and result.error
    ]
    if ask.intent == "types_here" and failed and good:  # the terms stand in for the cells
        lines += ["I could not compare them in your data.", *dict.fromkeys(failed)]
    if good:
        said = _tell(ask, Saying(now.vocabulary, tuple(good), seed, now.said))
        lines += said.lines
        outcome = said.ask or ask
    if errors and not good and asks_yes_no(ask.text):
        is_absent = any("not measured" in error for error in errors)
        is_of_file = ask.mode == "measured"
        absent = "No, I find no such gene." if is_of_file else "Your file does not tell me that."
        lines.append(absent if is_absent else "I cannot tell.")
    lines += list(dict.fromkeys(errors))
    if ask.missing:
        return [*lines, *ask_back(ask, now.vocabulary)], ask
    if errors and not good:
        outcome = _known_part(ask, now)
    return lines or ["I could not work that out."], outcome


def _tell(ask: Ask, now: Saying) -> Said:
    """Let the teller speak; where evidence lacks what it looks for, the evidence speaks."""
    try:
        return TELLERS["which_clusters" if ask.missing else ask.intent](ask, now)
    except (AttributeError, LookupError, TypeError, ValueError):
        logger.warning("No words of our own for %s", ask.intent, exc_info=True)
        return Said([line for result in now.results for line in quote_all(result.artifact or {})])


def _known_part(ask: Ask, now: Situation) -> Ask:
    """Return what can still be spoken of after an error: unknown names are dropped."""
    words = now.vocabulary
    clusters = tuple(label for label in ask.clusters if label in words.clusters)
    genes = tuple(gene for gene in ask.genes if gene.casefold() in words.genes)
    types = tuple(name for name in ask.cell_types if words.resolve(name) is not None)
    if len(clusters) < len(ask.clusters) or not (clusters or genes):
        return Ask("unclear", text=ask.text)
    return replace(ask, clusters=clusters, genes=genes, cell_types=types)


def _recall(ask: Ask, now: Situation) -> list[str]:
    """Say again what pieces of evidence hold."""
    lines: list[str] = []
    named = re.findall(r"\bE\d+\b", ask.text)
    if not named and not now.earlier:
        return ["I have shown you no evidence so far; ask me about the data first."]
    for name in named or [max(now.earlier, key=lambda name: int(name[1:]))]:
        artifact = now.earlier.get(name) or now.vocabulary.recall(name)
        lines += quote_all(artifact) if artifact else [f"I have no evidence called '{name}'."]
    return lines


def _join(lines: list[str]) -> str:
    """Put sentences into a paragraph and list items on lines of their own."""
    text = ""
    for line in map(_capital, lines):
        if line.startswith("- "):
            text += ("\n" if text else "") + line
        else:
            after_list = text.rsplit("\n", 1)[-1].startswith("- ")
            text += ("\n\n" if after_list else " " if text else "") + line
    return text


def _capital(line: str) -> str:
    """Start a sentence with a capital, where it starts with an ordinary word."""
    first = line.split(" ", 1)[0]
    return line[0].upper() + line[1:] if first.isalpha() and first.islower() else line
