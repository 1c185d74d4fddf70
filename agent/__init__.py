"""Decides what to do next: a question and a `Session` become a stream of `Step`."""

from ._assistant import Assistant
from ._doors import Endpoint, answer_record, endpoints
from ._errors import AgentError, LanguageModelError, ToolsetError
from ._steps import Answer, AnswerToken, Step, ToolCalled, ToolReturned
from ._workspaces import Workspaces

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
    "Workspaces",
    "answer_record",
    "endpoints",
]
