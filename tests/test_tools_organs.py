"""An organ is known by its name in obs or by its own cells."""

import pytest

from model import Surroundings
from tools import Session
from tools._limits import Limits
from tools._organs import named_tissues


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory):
    from kb import KnowledgeBase

    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


def frame(**columns):
    import pandas as pd

    return pd.DataFrame(columns)


def test_a_named_tissue_counts_with_all_above_it(knowledge):
    found = named_tissues(frame(tissue=["left lobe of liver", "left lobe of liver"]), knowledge)
    assert "UBERON:0001115" in found
    assert "UBERON:0002107" in found
    assert "UBERON:0002048" not in found


def test_ids_come_before_words_and_what_is_no_tissue_is_passed_over(knowledge):
    both = frame(tissue_ontology_term_id=["UBERON:0002048"], tissue=["liver"])
    assert "UBERON:0002048" in named_tissues(both, knowledge)
    assert "UBERON:0002107" not in named_tissues(both, knowledge)
    assert named_tissues(frame(tissue=["sample 3", "control"]), knowledge) == set()
    assert named_tissues(frame(organ=[f"liver {i}" for i in range(40)]), knowledge) == set()


def test_a_session_passes_the_organ_on(knowledge, adata, fake_describer, tmp_path, monkeypatch):
    adata.obs["tissue"] = "lung"
    adata.write_h5ad(tmp_path / "cells.h5ad")
    session = Session(
        knowledge=knowledge, load_describer=lambda: fake_describer, limits=Limits(genes_matched=1)
    )
    session.open(tmp_path / "cells.h5ad")
    given = []
    describe = fake_describer.describe

    def spy(*args, around=None, **kwargs):
        given.append(around)
        return describe(*args, **kwargs)

    monkeypatch.setattr(
        fake_describer, "survey", lambda *a, organs: Surroundings((*organs, "UBERON:0002107"))
    )
    monkeypatch.setattr(fake_describer, "describe", spy)
    session.describe([0, 1])
    assert {"UBERON:0002107", "UBERON:0002048"} <= set(given[0].organs)
