"""Derive the table of marker genes: ``python -m kb.markers ACCORDION.parquet --out FILE``.

Reads the marker table of the Cell Marker Accordion (rows of species, CL id, UBERON id, gene,
marker type and resource) and keeps, of human rows, one row a gene, cell type and sign: the
resources as a bit mask and the tissues as UBERON ids. Obsolete terms are replaced; rows whose
term is gone are left out and counted.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ._sources import load_terms, ontology_version

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TITLE = "Cell Marker Accordion"
LICENCE = "MIT"
CITE = "Busarello et al. 2025, doi:10.1038/s41467-025-60900-4"
_NEEDED = ("species", "CL_ID", "Uberon_ID", "marker", "marker_type", "resource")


def derive(rows: "pd.DataFrame") -> "pa.Table":
    """Return the compact table of the accordion's human rows.

    Parameters
    ----------
    rows
        Columns ``species``, ``CL_ID``, ``Uberon_ID``, ``marker``, ``marker_type`` (positive or
        negative) and ``resource``.

    Returns
    -------
    pyarrow.Table
        ``term_id``, ``gene``, ``is_positive``, ``sources`` (bit mask over the names in the
        metadata) and ``tissues`` (UBERON ids, separated by spaces).
    """
    import pandas as pd
    import pyarrow as pa

    rows = rows[rows["species"] == "Human"].dropna(subset=["CL_ID", "marker", "resource"])
    rows = rows.assign(term_id=rows["CL_ID"].map(_live_ids(rows["CL_ID"].unique())))
    rows = rows.dropna(subset=["term_id"])
    resources = sorted(rows["resource"].unique())
    bits = {name: 1 << bit for bit, name in enumerate(resources)}
    rows = rows.assign(
        bit=rows["resource"].map(bits), is_positive=rows["marker_type"] != "negative"
    )
    grouped = rows.groupby(["term_id", "marker", "is_positive"], sort=True)
    made = pd.DataFrame(
        {
            "sources": grouped["bit"].agg(lambda found: sum(set(found))),
            "tissues": grouped["Uberon_ID"].agg(
                lambda found: " ".join(sorted(set(found.dropna())))
            ),
        }
    ).reset_index()
    about = {
        "title": TITLE,
        "licence": LICENCE,
        "cite": CITE,
        "ontology": f"CL {ontology_version('CL')}",
        "resources": ";".join(resources),
    }
    columns = {
        "term_id": pa.array(made["term_id"]).dictionary_encode(),
        "gene": pa.array(made["marker"]).dictionary_encode(),
        "is_positive": pa.array(made["is_positive"]),
        "sources": pa.array(made["sources"], type=pa.int32()),
        "tissues": pa.array(made["tissues"]).dictionary_encode(),
    }
    return pa.table(columns).replace_schema_metadata(about)


def _live_ids(term_ids: "list[str]") -> dict[str, str]:
    """Return for each id itself, or what replaced it, where that is a live term."""
    terms = load_terms("CL")
    live = {}
    for term_id in term_ids:
        term = terms.get(term_id)
        if term is not None and term.deprecated:
            term = terms.get(term.replaced_by or "")
        if term is not None and not term.deprecated:
            live[term_id] = term.id
    return live


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m kb.markers", description=__doc__)
    parser.add_argument("accordion", type=Path, help="the accordion's marker table (parquet)")
    parser.add_argument("--out", type=Path, required=True, help="parquet file to write")
    arguments = parser.parse_args(argv)
    import pandas as pd
    import pyarrow.parquet as pq

    try:
        rows = pd.read_parquet(arguments.accordion)
        missing = [name for name in _NEEDED if name not in rows]
        if missing:
            msg = f"{arguments.accordion} lacks the columns {', '.join(missing)}."
            raise ValueError(msg)
        table = derive(rows)
        pending = arguments.out.with_suffix(".part")
        pq.write_table(table, pending, compression="zstd", compression_level=19)
        os.replace(pending, arguments.out)  # noqa: PTH105 - one step on every system
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{table.num_rows} markers written to {arguments.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
