"""Decides what to do next: a question and a `Session` become a stream of `Step`."""

from ._assistant import Assistant
from ._doors import Endpoint, endpoints
from ._errors import AgentError, LanguageModelError, ToolsetError
from ._steps import Answer, AnswerToken, Step, ToolCalled, ToolReturned

__all__ = [
    "AgentError",
    "Answer",
    "AnswerToken",
    "Assistant",
    "Endpoint",
    "LanguageModelError",
    "Step",
    "ToolCalled",
    "ToolReturned",
    "ToolsetError",
    "endpoints",
]
