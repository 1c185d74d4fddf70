"""The embedded planner: a chat model that needs no language model.

It reads the conversation that any chat model would get, emits the same tool calls, and
composes its answer from the artifacts of the tool messages. It keeps no state of its own:
what it knows is in the messages and in the vocabulary of the open dataset, so a conversation
can be taken up again by another instance or handed over from a language model.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict

from ._asks import Ask
from ._calls import Call, Situation, unique
from ._composing import compose
from ._history import KEY, read_history
from ._plan import plan
from ._understanding import LONGEST_READ, understand
from ._vocabulary import Vocabulary

_MOST_ASKS = 12
_MOST_ROUNDS = 4
_CUT = "Your question was very long; only its beginning was read."


class EmbeddedPlanner(BaseChatModel):
    """Chat model that plans by rules and answers from evidence.

    Parameters
    ----------
    vocabulary
        Gives the names of the dataset that is open now.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    vocabulary: Callable[[], Vocabulary]

    @property
    def _llm_type(self) -> str:
        return "cell2text-embedded-planner"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Return itself: the planner knows its tools."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._reply(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reply = self._reply(messages)
        if reply.tool_calls:
            pieces = [
                tool_call_chunk(
                    name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index
                )
                for index, call in enumerate(reply.tool_calls)
            ]
            noted = reply.additional_kwargs
            chunk = AIMessageChunk("", tool_call_chunks=pieces, additional_kwargs=noted)
            yield ChatGenerationChunk(message=chunk)
            return
        for number, word in enumerate(re.findall(r"\S+\s*|\s+", str(reply.content))):
            noted = reply.additional_kwargs if number == 0 else {}
            yield ChatGenerationChunk(message=AIMessageChunk(word, additional_kwargs=noted))

    def _reply(self, messages: Sequence[BaseMessage]) -> AIMessage:
        """Return the next message of the conversation: tool calls, or the answer."""
        history = read_history(messages)
        vocabulary, turn = self.vocabulary(), history.current
        # A tool may change the names there are, so a question is read once in its turn.
        asks = list(turn.asks) or understand(turn.question, vocabulary, history.focus())
        asks = asks[:_MOST_ASKS]
        seen = frozenset(history.seen_barcodes())
        situation = Situation(
            vocabulary,
            turn.results,
            seen,
            history.artifacts(),
            history.together(),
            history.said(),
        )
        made = {result.key for result in turn.results}
        # What is written to a file may be what this very turn computes, so exports come last.
        exports = [ask for ask in asks if ask.intent.startswith("export")]
        missing: list[Call] = []
        for group in ([ask for ask in asks if ask not in exports], exports):
            wanted = unique(call for ask in group for call in plan(ask, situation))
            missing = missing or [call for call in wanted if call.key not in made]
        rounds = _rounds(messages)
        if missing and rounds < _MOST_ROUNDS:
            start = len(turn.results)
            calls = [
                tool_call(name=call.name, args=dict(call.args), id=f"call-{len(history.turns)}-{n}")
                for n, call in enumerate(missing, start)
            ]
            return AIMessage("", tool_calls=calls, additional_kwargs=_note(asks))
        said = compose(asks, situation, n_turns=len(history.turns))
        text = said.text
        if len(turn.question) > LONGEST_READ:
            text = f"{_CUT}\n\n{text}"
        return AIMessage(text, additional_kwargs=_note(said.asks))


def _note(asks: Sequence[Ask]) -> dict[str, Any]:
    return {KEY: {"asks": [ask.as_dict() for ask in asks]}}


def _rounds(messages: Sequence[BaseMessage]) -> int:
    """Count the rounds of tool calls since the last question."""
    count = 0
    for message in reversed(messages):
        if message.type == "human" and KEY not in message.additional_kwargs:
            break
        count += bool(getattr(message, "tool_calls", None))
    return count
