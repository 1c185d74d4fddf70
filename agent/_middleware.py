"""What stands around the loop: order of tool calls, mending of drafts, and falling back."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ModelRequest,
    ModelResponse,
    hook_config,
)
from langchain_core.messages import AIMessage, HumanMessage

from ._grounding import Checked, complaint
from ._history import KEY, text_of

if TYPE_CHECKING:
    from langchain.tools.tool_node import ToolCallRequest
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import ToolMessage
    from langgraph.runtime import Runtime
    from langgraph.types import Command

logger = logging.getLogger(__name__)

_PATIENCE = 900.0  # seconds that a tool call waits for those before it


class InOrder(AgentMiddleware):
    """Run the tool calls of one message one after the other, in the order given.

    The graph starts them all at once; but a session computes one thing at a time, and the
    evidence should be numbered in the order in which it was asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}
        self._done: set[str] = set()
        self._turn = threading.Condition()

    def wrap_tool_call(
        self,
        request: "ToolCallRequest",
        handler: "Callable[[ToolCallRequest], ToolMessage | Command[Any]]",
    ) -> "ToolMessage | Command[Any]":
        """Wait for the calls before this one, then run it."""
        mine = str(request.tool_call["id"])
        earlier = _calls_before(mine, request.state.get("messages", []))
        with self._turn:
            self._turn.wait_for(lambda: earlier <= self._done, timeout=_PATIENCE)
        started = time.perf_counter()
        try:
            return handler(request)
        finally:
            with self._turn:
                self.seconds[mine] = time.perf_counter() - started
                self._done.add(mine)
                self._turn.notify_all()

    def start_turn(self) -> None:
        """Forget the calls of the last question: some models use the same ids again."""
        with self._turn:
            self._done.clear()
            self.seconds.clear()


def _calls_before(mine: str, messages: list[Any]) -> set[str]:
    """Return ids of the calls that stand before `mine` in the same message."""
    for message in reversed(messages):
        if isinstance(message, AIMessage) and message.tool_calls:
            ids = [str(call["id"]) for call in message.tool_calls]
            return set(ids[: ids.index(mine)]) if mine in ids else set()
    return set()


class SendBack(AgentMiddleware):
    """Send a draft with unsupported sentences back to the model, once."""

    def __init__(self, check: Callable[[str], Checked]) -> None:
        super().__init__()
        self._check = check

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: AgentState[Any], runtime: "Runtime[Any]") -> dict[str, Any] | None:
        """Check the draft unless it calls tools or was sent back before."""
        messages = state["messages"]
        draft = messages[-1]
        if not isinstance(draft, AIMessage) or draft.tool_calls or _was_sent_back(messages):
            return None
        checked = self._check(text_of(draft))
        if not checked.unsupported:
            return None
        logger.info("Sent %d sentences back", len(checked.unsupported))
        note = HumanMessage(complaint(checked), additional_kwargs={KEY: {"note": "unsupported"}})
        return {"messages": [note], "jump_to": "model"}


def _was_sent_back(messages: list[Any]) -> bool:
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return KEY in message.additional_kwargs
    return False


class FallBack(AgentMiddleware):
    """Let the embedded planner go on when the language model's provider fails."""

    def __init__(self, planner: "BaseChatModel", *, name: str) -> None:
        super().__init__()
        self.notice = ""
        self._planner = planner
        self._name = name

    def start_turn(self) -> None:
        """Give the provider another chance with each question."""
        self.notice = ""

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Call the model; after a failure, the planner for the rest of the turn."""
        if not self.notice:
            try:
                return handler(request)
            except Exception as exc:  # noqa: BLE001 - each provider has errors of its own
                logger.warning("%s failed: %s", self._name, type(exc).__name__)
                self.notice = (
                    f"(The language model {self._name} could not be reached or failed "
                    f"({type(exc).__name__}), so the built-in planner answered.)"
                )
        return handler(request.override(model=self._planner))
