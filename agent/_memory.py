"""What a conversation that is taken up again needs: the evidence that it cites."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage, ToolMessage

from tools import Evidence

if TYPE_CHECKING:
    from tools import Session

logger = logging.getLogger(__name__)

_FIELDS = ("id", "tool", "text", "table", "source", "unit", "caveat", "facts")


def put_back_evidence(session: "Session", messages: Sequence[BaseMessage]) -> None:
    """Give a session the evidence that an earlier run of the same conversation made.

    Answers cite evidence by id, so what the conversation calls E3 stays E3. What the session
    itself made under that id since it was opened moves to a new one. Figures are not kept.
    """
    kept = [
        message.artifact
        for message in messages
        if isinstance(message, ToolMessage) and isinstance(message.artifact, dict)
    ]
    moved: list[Evidence] = []
    for artifact in kept:
        made = _evidence(artifact)
        there = session.evidence.get(made.id)
        if there is not None and (there.tool, there.text) == (made.tool, made.text):
            continue
        if there is not None:
            moved.append(there)
        session.evidence[made.id] = made
    for item in moved:
        number = 1 + max(int(name[1:]) for name in session.evidence)
        session.evidence[f"E{number}"] = replace(item, id=f"E{number}")
    if kept:
        logger.info("Put back %d pieces of evidence", len(kept))


def _evidence(artifact: dict[str, Any]) -> Evidence:
    return Evidence(
        **{name: artifact.get(name) for name in _FIELDS}
        | {"source": artifact.get("source") or "", "facts": dict(artifact.get("facts") or {})}
    )
