"""Malignant cells of a dataset, told by clusters and chromosome arms."""

from types import SimpleNamespace

import numpy as np
import pytest

from model._copy_number import Clone, CopyNumber
from model._description import Slot
from tests.marker_reader import MarkerReader
from tools import TOOLS, Session


@pytest.fixture
def opened() -> Session:
    session = Session(knowledge=None, load_describer=MarkerReader)
    session.open_demo()
    return session


def test_a_dataset_without_malignant_cells_rules_nothing_out(opened):
    evidence = TOOLS["find_malignant"](opened)
    assert evidence.facts["n_malignant"] == 0
    assert "none of the" in evidence.text
    assert "does not rule out" in evidence.text
    assert "no diagnosis" in evidence.caveat
    assert {row["cluster"] for row in evidence.table} == set(opened.clusters())


def test_malignant_cells_are_counted_by_cluster_with_their_arms(opened, monkeypatch):
    clone = Clone({"1p": -0.2, "19q": -0.2, "7p": 0.2}, 20)
    first = opened.clusters()[0]
    own = set(np.asarray(opened.sample_of(first)).tolist())
    describe = type(opened).describe
    named = Slot("cell_type", "malignant cell", "CL:0001064", 0.99)

    def changed(session, cells, **options):
        made = describe(session, cells, **options)
        return [
            SimpleNamespace(
                **{
                    **vars(d),
                    "slots": {**d.slots, "cell_type": named},
                    "copy_number": clone.changes,
                }
            )
            if int(cell) in own
            else d
            for cell, d in zip(cells, made, strict=True)
        ]

    around = SimpleNamespace(copy_number=CopyNumber((1,), (0.1,), (clone,)))
    monkeypatch.setattr(type(opened), "describe", changed)
    monkeypatch.setattr(type(opened), "around", property(lambda session: around))
    evidence = TOOLS["find_malignant"](opened)
    assert evidence.table[0]["cluster"] == first
    assert evidence.table[0]["percent"] == 100
    assert evidence.facts["n_malignant"] == len(own) == len(evidence.cells)
    assert "1p lost, 19q lost and 7p gained" in evidence.text
