"""Sizes of the clusters."""

import numpy as np

from ._evidence import Evidence
from ._figures import map_of_groups, pick_points
from ._session import Session
from ._wording import as_percent, clean, count, percent


def list_clusters(session: Session) -> Evidence:
    """List the clusters of the open dataset with their numbers of cells.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``cells`` and ``percent`` of all cells; figure with the
        map coloured by cluster.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    sizes = session.cluster_sizes()
    clusters, n_obs = list(sizes), sum(sizes.values())
    table = [
        {"cluster": cluster, "cells": size, "percent": percent(size, n_obs)}
        for cluster, size in sizes.items()
    ]
    largest = max(clusters, key=lambda cluster: sizes[cluster])
    smallest = min(clusters, key=lambda cluster: sizes[cluster])
    key = clean(session.prepared.cluster_key)
    text = (
        f"The {count(n_obs, 'cell')} form {count(len(clusters), 'cluster')} in obs['{key}']. "
        f"The largest is cluster {largest} with {count(sizes[largest], 'cell')} "
        f"({as_percent(percent(sizes[largest], n_obs))})"
    )
    if len(clusters) > 1:
        text += (
            f", and the smallest is cluster {smallest} with {count(sizes[smallest], 'cell')} "
            f"({as_percent(percent(sizes[smallest], n_obs))})"
        )
    return session.record(
        tool="list_clusters",
        text=text + ".",
        table=table,
        figure=cluster_map(session),
        source=f"obs['{key}'] of {session.title}",
        unit="cells",
        facts={
            "n_obs": n_obs,
            "n_clusters": len(clusters),
            "clusters": clusters,
            "largest": largest,
            "smallest": smallest,
        },
        of_sample=n_obs != len(session.all_obs),
    )


def cluster_map(session: Session, *, names: dict[str, str] | None = None) -> object:
    """Draw the map coloured by cluster, or by `names` given to the clusters."""
    adata = session.prepared.adata
    coordinates, map_name = session.embedding()
    points = pick_points(adata.n_obs, limit=session.limits.points_drawn)
    labels = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()
    order = session.clusters()
    hover = [f"cluster {label}" for label in labels[points]]
    title = "Clusters"
    if names:
        hover = [f"cluster {label}: {names[label]}" for label in labels[points]]
        labels = np.array([names[label] for label in labels], dtype=object)
        order = list(dict.fromkeys(names[cluster] for cluster in order))
        title = "Clusters by the cell type that the model names"
    return map_of_groups(
        coordinates, labels, order=order, map_name=map_name, title=title, points=points, hover=hover
    )
