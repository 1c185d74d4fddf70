"""What can go wrong in this room, as one tree.

AgentError (RuntimeError)
├── LanguageModelError     the language model that was asked for cannot be made or reached
├── ToolsetError           a verb of the tools room cannot be offered as a tool
└── VisitError             a visitor asks for what is not there, or is being stopped

Errors of the tools room do not pass through here: they go back to the model as the tool's
answer, and the conversation goes on.
"""

from kb import KnowledgeError
from model import ModelError
from tools import ToolError


class AgentError(RuntimeError):
    """Base of everything that a caller of this room may want to catch."""


class LanguageModelError(AgentError):
    """The language model that was asked for cannot be made or reached."""


class ToolsetError(AgentError):
    """A verb of the tools room lacks what a tool needs: annotations of plain types."""


class VisitError(AgentError):
    """What a visitor asked for cannot be done now; the message is for them."""


# What a person can mend; everything else is ours.
THEIRS = (AgentError, ToolError, ModelError, KnowledgeError, PermissionError)
