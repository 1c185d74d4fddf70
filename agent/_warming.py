"""Loading what a first answer waits for, while the server starts."""

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ._assistant import Assistant

if TYPE_CHECKING:
    from tools import Rooms

logger = logging.getLogger(__name__)

_GIVES_WAY = 15  # niceness of a process that nobody waits for


def warm_up(rooms: "Rooms") -> None:
    """Load everything that a first answer waits for; to be run beside the server's start."""
    try:
        # First the model: what else a visitor waits for, the visitor's own session loads.
        rooms.describer()
        session = rooms.session()
        session.open_demo()
        assistant = Assistant(session)
        for question in ("What is in this dataset?", "What is cluster 0?"):
            for _ in assistant.ask(question):
                pass
        _build_index_aside(rooms.knowledge_folder)
        rooms.knowledge().build()  # nothing is left to do, unless the other process failed
    except Exception:
        logger.exception("Warming up failed")


def _build_index_aside(folder: Path) -> None:
    """Build the search index in a process that gives way to those who are being answered."""
    command = [sys.executable, "-m", "kb.build", "--path", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as builder:
        if hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, builder.pid, _GIVES_WAY)
