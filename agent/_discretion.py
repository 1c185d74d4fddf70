"""What is sent to a language model: little of what is long past, nothing that must stay here."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.utils import count_tokens_approximately

from ._history import KEY, Turn, read_history, text_of
from ._privacy import Veil, answer_for_hosted_model, for_hosted_model

if TYPE_CHECKING:
    from langchain.tools.tool_node import ToolCallRequest
    from langchain_core.language_models import BaseChatModel
    from langgraph.types import Command

    from tools import Session

logger = logging.getLogger(__name__)

_MOST_TOKENS = 3000  # of a conversation that is sent in full
_TURNS_KEPT = 4  # latest turns that are sent as they were
_LONGEST_RESULT = 4000  # characters of a tool's text
_LONGEST_ANSWER = 280  # characters of an answer of long ago


class Discretion(AgentMiddleware):
    """Shorten old turns, and keep cells, people and expression values on this machine.

    The conversation itself keeps everything; only what a model is sent is changed.

    Parameters
    ----------
    session
        Whose dataset the conversation is about.
    planner
        The embedded planner, which runs here and is sent everything.
    is_hosted
        Whether the language model runs on somebody else's machine.
    """

    def __init__(self, session: "Session", planner: "BaseChatModel", *, is_hosted: bool) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.veil = Veil(session)
        self._session = session
        self._planner = planner
        self._is_hosted = is_hosted

    def start_turn(self) -> None:
        """Forget what was sent for the last question."""
        self.sent.clear()

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Send the messages as the model may see them."""
        if request.model is self._planner:
            return handler(request)
        messages = list(request.messages)
        if self._is_hosted:
            messages = [self._hidden(message) for message in messages]
        messages = condense(messages)
        if self._is_hosted:
            self.sent += [f"{message.type}: {text_of(message)}" for message in messages]
        return handler(request.override(messages=messages))

    def wrap_tool_call(
        self,
        request: "ToolCallRequest",
        handler: "Callable[[ToolCallRequest], ToolMessage | Command[Any]]",
    ) -> "ToolMessage | Command[Any]":
        """Put the real names of cells and people back into a call."""
        if not self._is_hosted:
            return handler(request)
        call = request.tool_call
        real = {**call, "args": self.veil.lift(dict(call["args"]))}
        return handler(request.override(tool_call=real))  # type: ignore[typeddict-item]

    def _hidden(self, message: BaseMessage) -> BaseMessage:
        if isinstance(message, SystemMessage):
            return message
        if isinstance(message, ToolMessage):
            return self._hidden_result(message)
        if isinstance(message, AIMessage):
            text = text_of(message)
            if KEY in message.additional_kwargs:
                text = answer_for_hosted_model(text, self._session.evidence, self.veil)
            calls = [{**c, "args": _hide_all(c["args"], self.veil)} for c in message.tool_calls]
            return AIMessage(self.veil.hide(text), tool_calls=calls, id=message.id)
        text = self.veil.hide(text_of(message))
        return HumanMessage(text, id=message.id, additional_kwargs=message.additional_kwargs)

    def _hidden_result(self, message: ToolMessage) -> ToolMessage:
        artifact = message.artifact if isinstance(message.artifact, dict) else {}
        evidence = self._session.evidence.get(str(artifact.get("id")))
        if evidence is not None:
            text = f"[{evidence.id}] {for_hosted_model(evidence, self.veil)}"
        else:
            text = self.veil.hide(text_of(message))
        return ToolMessage(
            _cut(text, _LONGEST_RESULT),
            tool_call_id=message.tool_call_id,
            name=message.name,
            status=message.status,
            id=message.id,
        )


def _hide_all(value: Any, veil: Veil) -> Any:
    if isinstance(value, str):
        return veil.hide(value)
    if isinstance(value, dict):
        return {key: _hide_all(part, veil) for key, part in value.items()}
    return [_hide_all(part, veil) for part in value] if isinstance(value, list) else value


def condense(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the messages of a conversation, with old turns as a few lines if it is long."""
    if count_tokens_approximately(messages) <= _MOST_TOKENS:
        return list(messages)
    starts = [
        at
        for at, message in enumerate(messages)
        if isinstance(message, HumanMessage) and KEY not in message.additional_kwargs
    ]
    if len(starts) <= _TURNS_KEPT:
        return list(messages)
    first, cut = starts[0], starts[-_TURNS_KEPT]
    turns = read_history(messages[first:cut]).turns
    logger.info("Sent %d old turns as a summary", len(turns))
    lines = ["Earlier in this conversation:", *map(_in_short, turns)]
    note = HumanMessage("\n".join(lines), additional_kwargs={KEY: {"note": "summary"}})
    return [*messages[:first], note, *messages[cut:]]


def _in_short(turn: Turn) -> str:
    answer = text_of(turn.answer) if turn.answer else "no answer"
    return f"- Asked: {_cut(turn.question, 200)} Answered: {_cut(answer, _LONGEST_ANSWER)}"


def _cut(text: str, length: int) -> str:
    one_line = text if length > 1000 else " ".join(text.split())
    return one_line if len(one_line) <= length else one_line[: length - 1].rstrip() + "…"
