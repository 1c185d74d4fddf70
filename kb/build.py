"""Build the search index: ``python -m kb.build``.

Done once; a second run finds the index and ends at once. Without ``--path`` it is built where
``cell2text chat`` looks for it, so that the first page opens with it.
"""

import argparse
import os
import sys
from pathlib import Path

from ._errors import KnowledgeError
from ._knowledge import KnowledgeBase


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 2 the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m kb.build", description=__doc__)
    parser.add_argument("--path", type=Path, default=default_folder(), help="folder of the index")
    path = parser.parse_args(argv).path
    knowledge = KnowledgeBase.open(path)
    try:
        knowledge.build(progress=_show)
    except KnowledgeError as error:
        sys.stderr.write(f"\n{error}\n")
        return 2
    return 0


def default_folder() -> Path:
    """Return the folder of the index that the page uses, as the environment says."""
    if home := os.environ.get("CELL2TEXT_HOME"):
        return Path(home).expanduser() / "kb"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "cell2text" / "kb"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cell2text" / "kb"


def _show(fraction: float, message: str) -> None:
    sys.stderr.write(f"\r{fraction:4.0%} {message}\x1b[K" + ("\n" if fraction >= 1 else ""))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
