"""Decides what to do next: a question and a `Session` become a stream of `Step`."""

from ._assistant import Assistant
from ._board import Board
from ._desk import Desk
from ._doors import Endpoint, answer_record, endpoints, record_text
from ._errors import AgentError, LanguageModelError, ToolsetError, VisitError
from ._noting import open_memory
from ._showing import dressed, follow
from ._steps import Answer, AnswerToken, Step, ToolCalled, ToolReturned
from ._visits import Visit, Visits
from ._warming import warm_up
from ._work import Work, report_progress, ticking
from ._workspaces import Workspaces

__all__ = [
    "AgentError",
    "Answer",
    "AnswerToken",
    "Assistant",
    "Board",
    "Desk",
    "Endpoint",
    "LanguageModelError",
    "Step",
    "ToolCalled",
    "ToolReturned",
    "ToolsetError",
    "Visit",
    "VisitError",
    "Visits",
    "Work",
    "Workspaces",
    "answer_record",
    "dressed",
    "endpoints",
    "follow",
    "open_memory",
    "record_text",
    "report_progress",
    "ticking",
    "warm_up",
]
