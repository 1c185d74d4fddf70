"""One conversation: a question goes in, steps come out.

The loop is ``langchain.agents.create_agent``, the same with a language model and with the
embedded planner. This module turns its stream into `Step` values, and holds back each sentence
until it is checked.
"""

import functools
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    ToolCallLimitMiddleware,
)
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from tools import TOOLS, Session

from ._discretion import Discretion
from ._grounding import Checked, Corpus, Grounds, TermText, check, corpus_of, without
from ._history import text_of
from ._llm import ChosenModel, choose_model
from ._memory import put_back_evidence
from ._middleware import FallBack, InOrder, SendBack
from ._noting import noted
from ._phrasing import split_sentences
from ._planner import EmbeddedPlanner
from ._steps import Answer, AnswerToken, Step, ToolCalled, ToolReturned
from ._suggestions import suggest
from ._toolset import make_tools, title_of
from ._vocabulary import vocabulary_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.tools import StructuredTool
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from tools import Evidence

logger = logging.getLogger(__name__)

_MOST_MODEL_CALLS = 10  # a question
_MOST_TOOL_CALLS = 24  # a question
_LIMIT_REACHED = (
    "I stopped here, because this question led me in circles; please ask me in smaller steps."
)
_NOTHING_HELD = (
    "I wrote an answer that I could not trace to evidence, so I am leaving it out; please ask me "
    "more directly."
)


_NO_ANSWER = "I got no answer out of the language model; please ask me again."


@functools.cache
def _all_tools() -> list["StructuredTool"]:
    """Wrap the registry once; a tool holds nothing of a session."""
    return make_tools(TOOLS)


@dataclass
class _Turn:
    """What is known while one question is being answered."""

    question: str
    evidence: dict[str, "Evidence"] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    draft: str = ""
    message_id: str | None = None  # whose draft it is; a retry begins a new one
    released: int = 0  # characters of the draft that were shown
    drafts: int = 0  # finished drafts
    is_held: bool = False
    final: AIMessage | None = None


class Assistant:
    """A conversation about the dataset of one session.

    Parameters
    ----------
    session
        The dataset; may be empty, and may open another dataset between questions.
    llm
        ``"provider:model"``, a LangChain chat model, or None for the embedded planner.
    base_url
        Address of an OpenAI-compatible server.
    checkpointer
        Where the conversation is kept; in memory unless given.
    thread_id
        Which conversation of the checkpointer this is.
    offline
        Refuse a language model that runs on another machine.

    Raises
    ------
    LanguageModelError
        If the language model cannot be set up, or is not to be used offline.
    """

    def __init__(
        self,
        session: Session,
        *,
        llm: "str | BaseChatModel | None" = None,
        base_url: str | None = None,
        checkpointer: "BaseCheckpointSaver[Any] | None" = None,
        thread_id: str = "default",
        offline: bool = False,
    ) -> None:
        self.session = session
        self._planner = EmbeddedPlanner(vocabulary=lambda: vocabulary_of(session))
        self._chosen = (
            ChosenModel(self._planner, "the built-in planner", is_hosted=False)
            if llm is None and base_url is None
            else choose_model(llm or "default", base_url=base_url, offline=offline)
        )
        self._config: Any = {"configurable": {"thread_id": thread_id}, "recursion_limit": 100}
        self._order = InOrder()
        self._fall_back = FallBack(self._planner, name=self._chosen.name)
        self._discretion = Discretion(session, self._planner, is_hosted=self._chosen.is_hosted)
        self._turn = _Turn("")
        self._agent: Any = create_agent(
            self._chosen.model,
            tools=_all_tools(),
            system_prompt=resources.files(__package__)
            .joinpath("prompts/system.md")
            .read_text("utf-8"),
            middleware=self._middleware(),
            context_schema=Session,
            checkpointer=checkpointer or InMemorySaver(),
        )
        state = self._agent.get_state(self._config)
        put_back_evidence(session, state.values.get("messages", []))

    def _middleware(self) -> list[Any]:
        guards: list[Any] = [
            self._order,
            ModelCallLimitMiddleware(run_limit=_MOST_MODEL_CALLS, exit_behavior="end"),
            ToolCallLimitMiddleware(run_limit=_MOST_TOOL_CALLS, exit_behavior="continue"),
            SendBack(self._check),
        ]
        if self._chosen.model is self._planner:
            return guards
        retry = ModelRetryMiddleware(max_retries=2, on_failure="error", initial_delay=0.5)
        return [*guards, self._fall_back, retry, self._discretion]

    def suggestions(self) -> list[str]:
        """Return a few questions that make sense now."""
        last = self._turn.evidence
        return suggest(vocabulary_of(self.session), list(last.values()))

    def note(self, did: str, evidence: "Evidence", **args: str) -> None:
        """Take into the conversation what a person did beside it, such as choosing cells.

        Parameters
        ----------
        did
            What they did, as they might have asked for it.
        evidence
            What came of it; "these cells" then means its cells.
        args
            Of the verb that made it, as far as a reader of the conversation needs them.
        """
        self._turn = _Turn(did, evidence={evidence.id: evidence})
        messages = noted(did, evidence, args)
        self._agent.update_state(self._config, {"messages": messages}, as_node="model")

    def ask(self, question: str) -> Iterator[Step]:
        """Answer a question; the last step is the one `Answer`."""
        started = time.perf_counter()
        self._turn = turn = _Turn(question)
        self._order.start_turn()
        self._fall_back.start_turn()
        self._discretion.start_turn()
        stream = self._agent.stream(
            {"messages": [HumanMessage(question)]},
            context=self.session,
            config=self._config,
            stream_mode=["messages", "updates"],
        )
        for mode, chunk in stream:
            if mode == "messages":
                yield from self._token(turn, *chunk)
            else:
                yield from self._update(turn, chunk)
        answer = self._finish(turn, started)
        logger.info(
            "Answered in %.2f s with %d pieces of evidence", answer.seconds, len(answer.evidence)
        )
        yield answer

    # While it runs

    def _token(self, turn: _Turn, message: Any, where: dict[str, Any]) -> Iterator[Step]:
        if where.get("langgraph_node") == "model" and isinstance(message, AIMessageChunk):
            if message.id != turn.message_id:
                turn.message_id, turn.draft, turn.released = message.id, "", 0
            turn.draft += text_of(message)
            yield from self._release(turn, last=False)

    def _release(self, turn: _Turn, *, last: bool) -> Iterator[Step]:
        """Show sentences that are complete and hold; stop at the first that does not."""
        if turn.is_held or turn.drafts:
            return
        rest = turn.draft[turn.released :]
        sentences = split_sentences(rest)
        for sentence in sentences if last else sentences[:-1]:
            if self._grounds(turn).problems(sentence):
                turn.is_held = True
                return
            end = turn.draft.index(sentence, turn.released) + len(sentence)
            yield AnswerToken(self._lifted(turn.draft[turn.released : end]))
            turn.released = end

    def _update(self, turn: _Turn, chunk: dict[str, Any]) -> Iterator[Step]:
        for node, update in chunk.items():
            messages = (update or {}).get("messages", []) if isinstance(update, dict) else []
            for message in messages:
                if isinstance(message, ToolMessage):
                    yield self._returned(turn, message)
                elif isinstance(message, AIMessage) and node == "model":
                    yield from self._spoken(turn, message)
                elif isinstance(message, AIMessage):  # a limit ended the run
                    turn.final = AIMessage(_LIMIT_REACHED)

    def _spoken(self, turn: _Turn, message: AIMessage) -> Iterator[Step]:
        if message.tool_calls:
            for call in message.tool_calls:
                title = title_of(call["name"], call["args"])
                yield ToolCalled(str(call["id"]), call["name"], dict(call["args"]), title)
        else:
            turn.draft = text_of(message)
            yield from self._release(turn, last=True)
            turn.final = message
            turn.drafts += 1
        turn.draft, turn.released, turn.is_held = "", 0, False

    def _returned(self, turn: _Turn, message: ToolMessage) -> ToolReturned:
        call_id, name = str(message.tool_call_id), str(message.name)
        seconds = self._order.seconds.get(call_id, 0.0)
        artifact = message.artifact if isinstance(message.artifact, dict) else None
        evidence = self.session.evidence.get(artifact["id"]) if artifact else None
        if evidence is None or message.status == "error":
            turn.errors.append(text_of(message))
            return ToolReturned(call_id, name, None, turn.errors[-1], seconds)
        turn.evidence[evidence.id] = evidence
        return ToolReturned(call_id, name, evidence, None, seconds)

    # Checking

    def _grounds(self, turn: _Turn) -> Grounds:
        genes = vocabulary_of(self.session).genes
        return Grounds(
            evidence=_Corpora(self.session.evidence),
            term=self._term,
            is_gene=lambda word: genes.get(word.casefold()) == word,
            errors=tuple(turn.errors),
            question=turn.question,
            labels=vocabulary_of(self.session).clusters,
        )

    def _check(self, text: str) -> Checked:
        return check(text, self._grounds(self._turn))

    def _term(self, term_id: str) -> TermText | None:
        try:
            term = self.session.knowledge.term(term_id)
        except (KeyError, ValueError, LookupError):
            return None
        texts = [term.id, term.label, term.definition or "", *term.synonyms]
        return TermText(term.label, tuple(term.synonyms), "\n".join(texts))

    def _finish(self, turn: _Turn, started: float) -> Answer:
        draft = text_of(turn.final) if turn.final is not None else _LIMIT_REACHED
        checked = self._check(draft) if draft != _LIMIT_REACHED else Checked((draft,), ())
        bad = tuple(sentence for sentence, _ in checked.unsupported)
        text = without(draft, bad) if bad else draft.strip()
        if bad and turn.final is not None:
            text = text or _NOTHING_HELD
            mended = turn.final.model_copy(update={"content": text})
            self._agent.update_state(self._config, {"messages": [mended]})
        text, bad = self._lifted(text or _NO_ANSWER), tuple(map(self._lifted, bad))
        if self._fall_back.notice:
            text = f"{self._fall_back.notice}\n\n{text}"
        cited = [self.session.evidence[n] for n in checked.references if n in self.session.evidence]
        others = [item for item in turn.evidence.values() if item not in cited]
        return Answer(
            text=text,
            references=checked.references,
            evidence=(*cited, *others),
            unsupported=bad,
            sent=tuple(self._discretion.sent),
            seconds=time.perf_counter() - started,
        )

    def _lifted(self, text: str) -> str:
        """Return a text with the real names of cells and people, if a hosted model wrote it."""
        return self._discretion.veil.lift(text) if self._chosen.is_hosted else text


class _Corpora(dict[str, Corpus]):
    """Corpora of a session's evidence, made when first cited."""

    def __init__(self, evidence: "dict[str, Evidence]") -> None:
        super().__init__()
        self._evidence = evidence

    def __contains__(self, name: object) -> bool:
        return name in self._evidence

    def __missing__(self, name: str) -> Corpus:
        self[name] = made = corpus_of(self._evidence[name])
        return made
