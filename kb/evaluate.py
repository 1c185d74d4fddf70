"""How well names are resolved: `python -m kb.evaluate crosswalk.csv …`.

Reads lists of authors' names with the ids that experts gave them (a crosswalk of the Human
Reference Atlas, or any CSV or TSV with the columns ``name`` and ``id``) and prints the share that
gets the id. Names that stand word for word in our own list of authors' names are counted apart:
what is looked up tells little of how a stranger's list would fare. Beside that it checks every
name of the ontologies against itself and strings that are no names against nothing.
"""

import argparse
import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ._errors import KnowledgeError
from ._knowledge import KnowledgeBase
from ._lexical import alias_key
from ._names import author_names
from ._sources import load_terms
from .build import default_folder

_LOW_SCORE = 0.5
"""Below it an answer to a string that is no name counts as none."""
_HEADER = "Annotation_Label"
_LOREM = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris"
)
_CODE = (
    "SELECT * FROM {}", "DROP TABLE {};", "' OR 1=1 -- {}", "<b>{}</b>", "rm -rf /{}", "{}()",
    "http://{}.example", "{{'{}': 1}}", "import {}", "INSERT INTO {} VALUES (1)",
)  # fmt: skip
_SENTENCES = (
    "please find attached the report", "the quick brown fox", "hello world", "good morning",
    "to be or not to be", "yesterday it rained", "buy two get one free", "page 3 of 12",
    "meeting at noon", "see figure legend", "sample 12 batch 3", "not a real thing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labelled:
    """A name as an author wrote it, with the id that an expert gave it.

    `is_exact` is False where the expert said that the name is narrower than the term.
    """

    name: str
    term_id: str
    tissue: str | None
    is_exact: bool


def read_labelled(path: Path) -> list[Labelled]:
    """Read a list of names with ids.

    Raises
    ------
    KnowledgeError
        If the file cannot be read or lacks the columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            lines = handle.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read ({error}). Give a CSV or TSV file in UTF-8."
        raise KnowledgeError(msg) from error
    start = next((at for at, line in enumerate(lines) if _HEADER in line), 0)
    header = lines[start] if lines else ""
    rows = csv.DictReader(lines[start:], delimiter="\t" if "\t" in header else ",")
    if _HEADER in header:
        tissues = load_terms("UBERON")
        return [
            Labelled(
                row[_HEADER],
                row["CL_ID"],
                tissues[row["Organ_ID"]].label if row["Organ_ID"] in tissues else None,
                "exact" in row["CL_Match"],
            )
            for row in rows
            if (row["CL_ID"] or "").startswith("CL:")
        ]
    if not {"name", "id"} <= set(rows.fieldnames or ()):
        msg = (
            f"{path} has the columns {', '.join(rows.fieldnames or ())}. A list of names needs "
            "'name' and 'id' ('tissue' may be there), or the columns of a crosswalk."
        )
        raise KnowledgeError(msg)
    return [
        Labelled(row["name"], row["id"], row.get("tissue") or None, is_exact=True)
        for row in rows
        if row["id"]
    ]


def strings_that_are_no_names(n_genes: int = 120) -> list[str]:
    """Return genes, filler text, code, emoji and noise: what no cell is called."""
    draw = Random(0)
    genes = KnowledgeBase.open(Path()).markers.genes()
    words = _LOREM.split()
    filler = [" ".join(draw.sample(words, size)) for size in (1, 2, 3, 5) for _ in range(10)]
    code = [text.format(draw.choice(words)) for text in _CODE for _ in range(2)]
    emoji = [chr(draw.randrange(0x1F600, 0x1F640)) * draw.randrange(1, 4) for _ in range(15)]
    noise = [
        "".join(draw.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(size))
        for size in range(5, 25)
    ]
    return [*draw.sample(sorted(genes), n_genes), *filler, *code, *emoji, *noise, *_SENTENCES]


class Examiner:
    """Counts how many names a knowledge base resolves as they should be."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._listed = {alias_key(name) for name, _ in author_names()}

    def own_names(self) -> Iterator[tuple[str, int, int]]:
        """Yield for each ontology how many labels and exact synonyms lead to their own term."""
        for ontology in self._knowledge.versions():
            terms = [t for t in load_terms(ontology).values() if not t.deprecated]
            names = [(name, t.id) for t in terms for name in (t.label, *t.synonyms)]
            found = self._knowledge.resolve_many([name for name, _ in names], ontology=ontology)
            right = sum(
                term_id in {answer.id, *(other.id for other in answer.candidates)}
                for (_, term_id), answer in zip(names, found, strict=True)
            )
            yield ontology, right, len(names)

    def labelled(self, rows: Sequence[Labelled]) -> Iterator[tuple[str, int, int]]:
        """Yield counts of names that get the id: exact ones that id, others it or beside it."""
        for tissue, exact in itertools.product((False, True), (True, False)):
            chosen = [row for row in rows if row.is_exact == exact]
            kind = f"{'exact' if exact else 'narrower'}, {'tissue' if tissue else 'name'}"
            answers = [self._is_right(row, with_tissue=tissue) for row in chosen]
            listed = [alias_key(row.name) in self._listed for row in chosen]
            apart = [right for right, known in zip(answers, listed, strict=True) if not known]
            once = {
                (row.name, row.term_id, row.tissue if tissue else None): right
                for row, right in zip(chosen, answers, strict=True)
            }
            yield kind, sum(answers), len(answers)
            yield f"{kind}, each once", sum(once.values()), len(once)
            yield f"{kind}, not in our list", sum(apart), len(apart)

    def no_names(self) -> tuple[int, int]:
        """Return how many strings that are no names give none or a low score, and of how many."""
        strings = strings_that_are_no_names()
        answers = self._knowledge.resolve_many(strings)
        return sum(a.id is None or a.score < _LOW_SCORE for a in answers), len(strings)

    def _is_right(self, row: Labelled, *, with_tissue: bool) -> bool:
        tissue = row.tissue if with_tissue else None
        answer = self._knowledge.resolve(row.name, tissue=tissue).id
        if answer is None or row.is_exact:
            return answer == row.term_id
        beside = (*self._knowledge.parents(answer), *self._knowledge.children(answer))
        return row.term_id in {answer, *(term.id for term in beside)}


def examine(knowledge: KnowledgeBase, lists: Iterable[Path]) -> Iterator[dict[str, object]]:
    """Yield one row a check: what, how many were right, of how many.

    Raises
    ------
    KnowledgeError
        If a list cannot be used.
    """
    rows = [row for path in lists for row in read_labelled(path)]
    examiner = Examiner(knowledge)
    found = [(f"{name}: own names", *counts) for name, *counts in examiner.own_names()]
    found.append(("no names: none or low", *examiner.no_names()))
    found += examiner.labelled(rows)
    for check, right, total in found:
        if total:
            yield {"check": check, "right": right, "of": total, "share": right / total}


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m kb.evaluate", description=__doc__)
    parser.add_argument("lists", nargs="*", type=Path, help="names with ids (CSV or TSV)")
    parser.add_argument("--path", type=Path, default=default_folder(), help="folder of the index")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args(argv)
    try:
        for row in examine(KnowledgeBase.open(arguments.path), arguments.lists):
            shown = "{check:<38} {right:>7} of {of:>7}  {share:.1%}".format_map(row)
            sys.stdout.write(f"{json.dumps(row) if arguments.json else shown}\n")
    except KnowledgeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
