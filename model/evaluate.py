"""Score a checkpoint on whole studies it never saw: ``python -m model.evaluate --data DIR``.

Each study of ``DIR/cells/dev`` is described cell by cell and judged along the ontology, beside
baselines that learn from the same training data as the model: the same profiles and real cells,
the same sources left out. `kb.similarities` makes the table for ``--similarities``.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ._errors import ConfigError, ModelError
from ._evaluating import CURATION
from ._surroundings import SURVEY_CELLS

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from ._describer import Describer
    from ._evaluating import Ontology

logger = logging.getLogger(__name__)
#: Cells of a study that are scored; more would only narrow the interval.
MOST_CELLS = 2_500
#: Columns of obs that tell donors apart, as the development studies name them.
DONORS = ("donor", "donor_id")


def evaluate(
    folder: Path,
    *,
    checkpoint: Path | None = None,
    baselines: bool = True,
    similarities: Path | None = None,
    n_free: int = 0,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Score a checkpoint on every development study.

    Parameters
    ----------
    folder
        Data folder with ``cells/dev``, and for the baselines what the model was trained on.
    checkpoint
        Checkpoint folder; None is the compact one.
    baselines
        Also score the baselines.
    similarities
        Table that `kb.similarities` wrote; None leaves the similarity out.
    n_free
        Cells of each study that the language model also describes freely.

    Returns
    -------
    One row a study and method, see `Scorer.row`, and notes for the reader.

    Raises
    ------
    ConfigError
        If there are no labelled development studies, or no profiles for the baselines.
    """
    from ._describer import load_describer
    from ._evaluating import evaluate_cells, load_baselines

    describer = load_describer(checkpoint)
    ontology = _ontology(describer, similarities)
    notes = []
    if similarities is None:
        notes.append("Ontology similarity is left out: give --similarities.")
    simple, words = load_baselines(describer, folder) if baselines else (None, "")
    notes += [words] if words else []
    rows: list[dict[str, Any]] = []
    for study, adata, labels in _studies(folder):
        logger.info("Scoring %s: %d cells", study, adata.n_obs)
        names = adata.var_names.tolist()
        sample = np.linspace(0, adata.n_obs - 1, min(adata.n_obs, SURVEY_CELLS)).astype(int)
        donors = next((c for c in DONORS if c in adata.obs), None)
        scored = evaluate_cells(
            describer,
            (adata.X, names),
            labels,
            groups=adata.obs[donors or "author_label"].astype(str).to_numpy(),
            ontology=ontology,
            baselines=simple,
            around=describer.survey(adata.X[sample], names),
            n_free=n_free,
        )
        rows += [{"study": study, **row} for row in scored]
    if not rows:
        msg = f"{folder / 'cells' / 'dev'} holds no labelled study. Give the right --data."
        raise ConfigError(msg)
    return rows, notes


def _ontology(describer: "Describer", similarities: Path | None) -> "Ontology":
    """Return the terms of the reviewed tables, and their similarity where a table is given."""
    from ._evaluating import Ontology
    from ._labels import LabelTerm

    data = json.loads((CURATION / "labels.json").read_text(encoding="utf-8"))["terms"]
    terms = {
        i: LabelTerm(i, t["label"], t["definition"], tuple(t["parents"])) for i, t in data.items()
    }
    terms |= {i: t for i, t in describer.space.terms.items() if i not in terms}
    if similarities is None:
        return Ontology(terms)
    import pandas as pd

    if not similarities.is_file():
        msg = f"{similarities} does not exist. Write it with python -m kb.similarities."
        raise ConfigError(msg)
    table = pd.read_parquet(similarities)
    values, rows, columns = (
        table.to_numpy(),
        {t: i for i, t in enumerate(table.index)},
        {t: i for i, t in enumerate(table.columns)},
    )

    def similarity(predicted: str, true: str) -> float:
        if predicted not in rows or true not in columns:
            return float("nan")
        return float(values[rows[predicted], columns[true]])

    return Ontology(terms, similarity)


def _studies(folder: Path) -> "Iterator[tuple[str, AnnData, list[dict[str, str]]]]":
    """Yield name, cells and labels of each study, cells without a label left out."""
    import anndata
    import pandas as pd

    from ._training_data import LABEL_COLUMNS, LIFE_STAGES

    table = pd.read_csv(CURATION / "dev_labels.csv", keep_default_na=False)
    table = table[table["use"].eq("yes") & table["cell_type_id"].ne("")]
    for path in sorted((folder / "cells" / "dev").glob("*.h5ad")):
        known = {}
        for row in table[table["dataset"].eq(path.stem)].to_dict("records"):
            labels = {slot: row[column] for slot, column in LABEL_COLUMNS.items() if row[column]}
            if "life_stage" in labels:
                labels["life_stage"] = LIFE_STAGES[labels["life_stage"]]
            known[row["author_label"]] = labels
        adata = anndata.read_h5ad(path)
        if "author_label" not in adata.obs:
            continue
        adata = adata[adata.obs["author_label"].astype(str).isin(known)]
        if not adata.n_obs:
            continue
        if adata.n_obs > MOST_CELLS:
            pick = np.random.default_rng(0).choice(adata.n_obs, MOST_CELLS, replace=False)
            adata = adata[np.sort(pick)]
        yield path.stem, adata, [known[name] for name in adata.obs["author_label"].astype(str)]


def with_mean(rows: Sequence[dict[str, Any]]) -> "pd.DataFrame":
    """Return the rows with the mean over studies of each method below them.

    Intervals are of one study each, so the mean has none.
    """
    import pandas as pd

    table = pd.DataFrame(rows)
    mean = table.groupby("method", sort=False).mean(numeric_only=True).assign(study="mean")
    mean = mean.drop(columns=[c for c in mean if c.endswith(("_low", "_high"))])
    return pd.concat([table, mean.reset_index()], ignore_index=True)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Data folder with cells/dev and profiles")],
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint folder")] = None,
    similarities: Annotated[
        Path | None, typer.Option(help="Table written by python -m kb.similarities")
    ] = None,
    readme: Annotated[
        Path | None, typer.Option(help="Markdown file to write the table into")
    ] = None,
    free: Annotated[int, typer.Option(min=0, help="Cells a study to describe freely too")] = 0,
    *,
    baselines: Annotated[bool, typer.Option(help="Also score the baselines")] = True,
    record: Annotated[
        bool, typer.Option(help="Write the scores into metadata.json and the card")
    ] = False,
) -> None:
    """Score a checkpoint on the development studies and print one row a study and method."""
    from ._card import write_card
    from ._checkpoint import find_checkpoint, write_whole
    from ._results import insert_results, markdown, plain

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        rows, notes = evaluate(
            data,
            checkpoint=checkpoint,
            baselines=baselines,
            similarities=similarities,
            n_free=free,
        )
        table = with_mean(rows)
        typer.echo(plain(table))
        for note in notes:
            typer.echo(note)
        if readme is not None:
            insert_results(readme, markdown(table, notes))
    except ModelError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc
    if record:
        path = find_checkpoint(checkpoint) / "metadata.json"
        metadata = json.loads(path.read_text(encoding="utf-8"))
        records = table.round(4).to_dict("records")
        metadata["scores"] = [{k: v for k, v in row.items() if v == v} for row in records]
        write_whole(path, json.dumps(metadata, indent=1, ensure_ascii=False))
        write_card(path.parent)


if __name__ == "__main__":
    app()
