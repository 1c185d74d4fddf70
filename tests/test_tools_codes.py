"""The doctor's codes are listed, documented, and each is one that the code can give."""

import ast
from pathlib import Path

from tools._codes import CODES, codes_table

ROOT = Path(__file__).resolve().parent.parent
FILES = [
    "_doctor.py",
    "_limits.py",
    "_mending.py",
    "_other_files.py",
    "_problems.py",
    "_reading*.py",
    "_slots.py",
    "_table_layout.py",
]
LISTED = [code for codes in CODES.values() for code in codes]


def _given() -> set[str]:
    """Return the codes that stand in the source of everything behind the doctor."""
    found: set[str] = set()
    for path in (path for name in FILES for path in (ROOT / "tools").glob(name)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            values = [k.value for k in node.keywords if k.arg == "code"]
            if isinstance(node.func, ast.Name) and node.func.id == "Note":
                values += node.args[:1]
            parts = [part for value in values for part in ast.walk(value)]
            found |= {p.value for p in parts if isinstance(p, ast.Constant) and "_" in str(p.value)}
    return found


def test_every_code_is_listed_once() -> None:
    assert len(LISTED) == len(set(LISTED))
    assert _given() <= set(LISTED)


def test_every_listed_code_can_be_given() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for name in FILES for path in (ROOT / "tools").glob(name)
    )
    assert [code for code in LISTED if f'"{code}"' not in source] == []


def test_documentation_holds_the_table() -> None:
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert text.endswith(codes_table())
