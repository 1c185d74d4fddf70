"""What a person did beside the conversation, put into it, so that they can ask about it."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from ._toolset import as_artifact

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

    from tools import Evidence


def noted(did: str, evidence: "Evidence", args: dict[str, str]) -> list[BaseMessage]:
    """Return a turn in which `did` was asked for and `evidence` came of it.

    Parameters
    ----------
    did
        What the person did, as they might have asked for it.
    args
        Of the call, as far as a reader of the conversation needs them.
    """
    call_id = f"noted_{evidence.id}"
    call = {"name": evidence.tool, "args": args, "id": call_id, "type": "tool_call"}
    return [
        HumanMessage(did),
        AIMessage("", tool_calls=[call]),
        ToolMessage(
            evidence.text,
            tool_call_id=call_id,
            name=evidence.tool,
            artifact=as_artifact(evidence),
        ),
        AIMessage(f"{evidence.text.rstrip()} [{evidence.id}]"),
    ]


def open_memory(path: Path) -> "SqliteSaver":
    """Open the file that keeps one conversation; its ``conn`` is to be closed by the caller."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    path.parent.mkdir(parents=True, exist_ok=True)
    return SqliteSaver(sqlite3.connect(path, check_same_thread=False))
