"""What happens while a question is answered, as values that a page or a script can follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools import Evidence


@dataclass(frozen=True)
class ToolCalled:
    """A tool is about to run; `title` says so in words for people."""

    id: str
    name: str
    args: Mapping[str, Any]
    title: str


@dataclass(frozen=True)
class ToolReturned:
    """A tool came back: with evidence, or with one sentence on why not."""

    id: str
    name: str
    evidence: "Evidence | None"
    error: str | None
    seconds: float


@dataclass(frozen=True)
class AnswerToken:
    """A piece of the answer as it is being said; only of sentences that were checked."""

    text: str


@dataclass(frozen=True)
class Answer:
    """The whole answer; it replaces the tokens that were shown before.

    Parameters
    ----------
    text
        Sentences whose references, numbers and names were all found in the evidence.
    references
        Ids that `text` cites, in order: ``"E3"``, ``"CL:0000084"``.
    evidence
        What those ids stand for, and what else was computed for this question.
    unsupported
        Sentences of the language model that could not be traced to evidence. They are no
        part of `text`.
    sent
        What left this machine for a hosted language model, message by message.
    seconds
        From question to answer.
    """

    text: str
    references: tuple[str, ...]
    evidence: "tuple[Evidence, ...]"
    unsupported: tuple[str, ...]
    seconds: float
    sent: tuple[str, ...] = ()

    @property
    def marked(self) -> str:
        """The text, and after it what could not be traced to evidence, marked as such."""
        if not self.unsupported:
            return self.text
        return f"{self.text}\n\nNot supported by evidence: {' '.join(self.unsupported)}"


Step = ToolCalled | ToolReturned | AnswerToken | Answer
