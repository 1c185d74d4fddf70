"""The map of cells, coloured by whatever a person names."""

import numpy as np

from ._cell_expressions import find_positions, shown
from ._columns import column_named, neither_gene_nor_column
from ._errors import UnknownGeneError, UnknownLabelError, UnsupportedError
from ._evidence import Evidence
from ._figures import OTHERS, map_of_groups, map_of_values, pick_points
from ._groupings import as_labels, list_groupings
from ._keys import CELL_TYPE_BY_CLUSTER
from ._label_clusters import label_clusters
from ._list_clusters import cluster_map
from ._session import Session
from ._show_expression import show_expression
from ._wording import clean, count, quote

_CLUSTER_WORDS = frozenset({"", "cluster", "clusters", "clustering", "group", "groups"})
_TYPE_WORDS = frozenset(
    {
        "cell type",
        "cell types",
        "cell_type",
        "cell_types",
        "celltype",
        "celltypes",
        "label",
        "labels",
    }
)


def plot_umap(session: Session, *, color: str = "clusters", where: str = "") -> Evidence:
    """Draw the map of all cells (UMAP), coloured by clusters, cell types, a gene or a column.

    Parameters
    ----------
    color
        "clusters", "cell types" (as the model names them), a gene, or a column of obs.
    where
        Cells that stand out from all others, as `select_cells` takes them; `color` is then passed
        over.

    Returns
    -------
    Evidence
        Figure; table with the groups and their numbers of cells.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If `color` is neither a column nor a measured gene, or `where` names what is not there.
    UnsupportedError
        If `where` chooses no cell.
    """
    if where.strip():
        return _chosen_plot(session, where)
    word = clean(color).casefold()
    if word in _CLUSTER_WORDS:
        return _cluster_plot(session)
    named = column_named(session.prepared.adata.obs.columns, color)
    if word in _TYPE_WORDS and (named is None or named.casefold() != word):
        return label_clusters(session)
    if named is not None:
        return _column_map(session, named)
    try:
        return show_expression(session, gene=color)
    except UnknownGeneError as exc:
        advice = "Colour by one of them, by 'clusters', 'cell types' or a gene."
        raise neither_gene_nor_column(session, color, advice=advice) from exc


def _chosen_plot(session: Session, where: str) -> Evidence:
    adata = session.prepared.adata
    chosen, words = find_positions(session, where)
    if not len(chosen):
        msg = f"No cell of the dataset is chosen by {quote(where)}, so none can be shown."
        raise UnsupportedError(msg)
    coordinates, map_name = session.embedding()
    points = pick_points(adata.n_obs, limit=session.limits.points_drawn)
    name = clean(shown(words), limit=60)
    labels = np.full(adata.n_obs, OTHERS, dtype=object)
    labels[chosen] = name
    whole = f"{count(adata.n_obs, 'cell')}"
    of = name if name.startswith(("of ", "read as ")) else f"of {name}"
    of = f"that are {name}" if name.startswith("not ") else of
    table = [{"group": name, "cells": len(chosen)},
             {"group": OTHERS, "cells": adata.n_obs - len(chosen)}]  # fmt: skip
    return session.record(
        tool="plot_umap",
        text=f"The {map_name} shows the {count(len(chosen), 'cell')} {of} among all {whole}.",
        table=table,
        figure=map_of_groups(
            coordinates,
            labels,
            points=points,
            order=[OTHERS, name],
            map_name=map_name,
            title=f"{name} in {session.title}",
        ),
        cells=chosen,
        source=f"{map_name} of {session.title}",
        unit="cells",
        caveat=_map_caveat(map_name),
        facts={"color": name, "n_obs": adata.n_obs, "n_groups": 2},
    )


def _cluster_plot(session: Session) -> Evidence:
    adata, clusters = session.prepared.adata, session.clusters()
    _, map_name = session.embedding()
    table = [{"group": c, "cells": len(session.cells_of(c))} for c in clusters]
    text = (
        f"The {map_name} shows {count(adata.n_obs, 'cell')} coloured by their "
        f"{count(len(clusters), 'cluster')} in obs['{clean(session.prepared.cluster_key)}']."
    )
    return session.record(
        tool="plot_umap",
        text=text,
        table=table,
        figure=cluster_map(session),
        source=f"{map_name} of {session.title}",
        unit="cells",
        caveat=_map_caveat(map_name),
        facts={"color": "clusters", "n_obs": adata.n_obs, "n_clusters": len(clusters)},
    )


def _column_map(session: Session, key: str) -> Evidence:
    adata = session.prepared.adata
    coordinates, map_name = session.embedding()
    points = pick_points(adata.n_obs, limit=session.limits.points_drawn)
    column = adata.obs[key]
    shown = quote(key)
    table: list[dict[str, object]] | None = None
    groups = [g for g in list_groupings(adata.obs, limit=session.limits.clusters) if g.key == key]
    if key == CELL_TYPE_BY_CLUSTER or groups:
        labels = as_labels(column)
        counts = labels.value_counts(sort=False)
        table = [{"group": str(group), "cells": int(number)} for group, number in counts.items()]
        figure = map_of_groups(
            coordinates,
            labels.astype(str).to_numpy(),
            points=points,
            order=[str(group) for group in labels.cat.categories],
            map_name=map_name,
            title=f"{clean(key)} in {session.title}",
        )
        what = f"the {count(len(table), 'value')} of the column {shown}"
    elif column.dtype.kind in "iuf":
        values = np.nan_to_num(column.to_numpy(dtype=np.float64))
        clusters = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()[points]
        figure = map_of_values(
            coordinates[points],
            values[points],
            map_name=map_name,
            title=f"{clean(key)} in {session.title}",
            unit=clean(key, limit=30),
            hover=[f"cluster {label}" for label in clusters],
        )
        what = f"the numbers in the column {shown}"
    else:
        msg = (
            f"Column {shown} has {column.nunique():,} different values, too many to colour by. "
            "Colour by 'clusters', 'cell types', a gene or a column with fewer values."
        )
        raise UnknownLabelError(msg)
    return session.record(
        tool="plot_umap",
        text=f"The {map_name} shows {count(adata.n_obs, 'cell')} coloured by {what}.",
        table=table,
        figure=figure,
        source=f"obs['{clean(key)}'] of {session.title}",
        unit="cells",
        caveat=_map_caveat(map_name),
        facts={"color": clean(key), "n_obs": adata.n_obs, "n_groups": len(table or [])},
    )


def _map_caveat(map_name: str) -> str:
    return f"Distances between far-apart groups on a {map_name} mean little."
