"""Write the ontology similarity of every pair of a list of cell types.

Run as ``python -m kb.similarities FILE --out TABLE.parquet``. The Cell Ontology ids are found in
any text file, such as a table of labels or ``labels.json``. `model.evaluate` reads the table and
so needs no ontology of its own. Rows are predictions and columns the truth: the similarity is
not symmetric.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import KnowledgeError
from ._graph import OntologyGraph
from ._sources import load_terms

if TYPE_CHECKING:
    import pandas as pd

_CELL_TYPE = re.compile(r"\bCL:\d{7}\b")


def similarity_table(term_ids: Iterable[str]) -> "pd.DataFrame":
    """Return the similarity of each term (row) to each other (column), 0 to 1.

    Ids that are no live term of the Cell Ontology are left out.
    """
    import pandas as pd

    graph = OntologyGraph(load_terms("CL"))
    known = [term_id for term_id in dict.fromkeys(term_ids) if term_id in graph.digraph]
    place = {term_id: i for i, term_id in enumerate(graph.digraph)}
    columns = [place[term_id] for term_id in known]
    table = graph.similarities(known)[:, columns]
    return pd.DataFrame(table.astype("float32"), index=known, columns=known)


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m kb.similarities", description=__doc__)
    parser.add_argument("file", type=Path, help="text file that holds Cell Ontology ids")
    parser.add_argument("--out", type=Path, required=True, help="parquet file to write")
    arguments = parser.parse_args(argv)
    try:
        text = arguments.file.read_text(encoding="utf-8")
        found = sorted(set(_CELL_TYPE.findall(text)))
        if not found:
            msg = f"{arguments.file} holds no Cell Ontology ids such as CL:0000084."
            raise KnowledgeError(msg)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        new = arguments.out.with_name(f"{arguments.out.name}.new")
        similarity_table(found).to_parquet(new)
        new.replace(arguments.out)
    except (KnowledgeError, OSError, UnicodeDecodeError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
