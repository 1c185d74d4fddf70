"""The Census recipe on a stand-in of the Census: quotas, splits, and shards that go on."""

import contextlib
import json
import sys
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from typer.testing import CliRunner

from model import census as recipe
from model._cell_store import build_store
from model._census_plan import (
    COLUMNS,
    COVID,
    NORMAL,
    CensusConfig,
    allocate,
    sample,
    split,
    term_ids,
    thin,
    value_filter,
)
from model._errors import ConfigError
from model.testing import N_GENES, tiny_genes

N_CELLS = 6_000


class Frame:
    """A SOMA data frame: `read` filters, and gives tables one after the other."""

    def __init__(self, data, size=1_000):
        self.data, self.size, self.filters = data, size, []

    def read(self, *, value_filter=None, column_names=None):
        data = self.data
        if value_filter:
            self.filters.append(value_filter)
            data = data.query(value_filter)
        data = data[list(column_names)] if column_names else data
        parts = [data.iloc[i : i + self.size] for i in range(0, len(data), self.size)]
        return Tables([SimpleNamespace(to_pandas=lambda part=part: part) for part in parts])


class Tables(list):
    def concat(self):
        return SimpleNamespace(to_pandas=lambda: pd.concat([t.to_pandas() for t in self]))


def metadata(seed=0):
    rng = np.random.default_rng(seed)
    n = N_CELLS
    types = [f"CL:{i:07d}" for i in range(100, 160)]
    tissues = ["brain", "blood", "lung", "gut", "skin", "eye", "ear", "nose", "toe", "gland"]
    often = np.array([0.3, 0.4, 0.1, 0.1, 0.05, 0.02, 0.01, 0.01, 0.008, 0.002])
    tissue = rng.choice(len(tissues), n, p=often)
    dataset = rng.integers(0, 60, n)
    frame = pd.DataFrame(
        {
            "soma_joinid": np.arange(n) * 3 + 7,
            "dataset_id": [f"d{i:02d}" for i in dataset],
            "donor_id": [f"donor_{i}" for i in rng.integers(0, 8, n)],
            "assay": rng.choice(["10x 3' v3", "10x 3' v2", "Smart-seq2"], n, p=[0.6, 0.3, 0.1]),
            "cell_type_ontology_term_id": rng.choice([*types, "unknown"], n),
            "tissue_ontology_term_id": [f"UBERON:{i:07d}" for i in tissue],
            "tissue_general": [tissues[i] for i in tissue],
            "tissue_type": rng.choice(["tissue", "cell culture"], n, p=[0.95, 0.05]),
            "disease_ontology_term_id": rng.choice(
                [NORMAL, COVID, *[f"MONDO:{i:07d}" for i in range(9)]], n,
                p=[0.6, 0.22, *[0.02] * 9],
            ),
            "development_stage_ontology_term_id": "HsapDv:0000139",
            "sex_ontology_term_id": "PATO:0000383",
            "is_primary_data": rng.random(n) < 0.9,
        }
    )  # fmt: skip
    frame.loc[frame["dataset_id"].eq("d01"), "donor_id"] = "pooled"
    return frame


def open_census(frame):
    datasets = pd.DataFrame({"dataset_id": [f"d{i:02d}" for i in range(60)]})
    # Two datasets make a study; the last ten have none.
    datasets["collection_id"] = [f"study{i // 2}" if i < 50 else None for i in range(60)]
    return {
        "census_info": {"datasets": Frame(datasets)},
        "census_data": {"homo_sapiens": SimpleNamespace(obs=Frame(frame))},
    }


class GetAnnData:
    """`cellxgene_census.get_anndata` over the stand-in; can be told to fail once."""

    def __init__(self, frame):
        self.frame, self.calls, self.fail_at = frame, [], None

    def __call__(self, census, organism, *, X_name, obs_coords, obs_column_names,
                 var_column_names):  # fmt: skip
        assert (organism, X_name) == ("Homo sapiens", "raw")
        self.calls.append(len(obs_coords))
        if self.fail_at == len(self.calls):
            raise KeyboardInterrupt
        obs = self.frame[self.frame["soma_joinid"].isin(obs_coords)][list(obs_column_names)]
        rng = np.random.default_rng(0)
        counts = sparse.csr_matrix(rng.poisson(2, (len(obs), N_GENES)).astype(np.float32))
        ids = tiny_genes().table["ensembl_id"].to_numpy()
        var = pd.DataFrame({"feature_id": ids, "feature_name": tiny_genes().symbols})
        var.index = [str(i) for i in range(N_GENES)]
        obs = obs.set_index(obs["soma_joinid"].astype(str).to_numpy())
        return anndata.AnnData(counts, obs=obs, var=var[list(var_column_names)])


CONFIG = CensusConfig(n_cells=2_000, most_alike=20, shard_cells=300)


@pytest.fixture(scope="module")
def frame():
    return metadata()


@pytest.fixture(scope="module")
def plan(frame):
    return recipe.make_plan(open_census(frame), CONFIG)


def test_the_query_is_short_and_keeps_what_it_should(frame):
    query = value_filter(CensusConfig(n_cells=10**7, excluded_datasets=("d00",)))
    assert len(query) < 600
    kept = frame.query(query)
    assert kept["is_primary_data"].all()
    assert set(kept["tissue_type"]) == {"tissue"}
    assert "Smart-seq2" not in set(kept["assay"])
    assert "d00" not in set(kept["dataset_id"])
    assert "unknown" not in set(kept["cell_type_ontology_term_id"])


def test_the_sample_keeps_its_quotas(plan):
    assert len(plan) == CONFIG.n_cells
    assert plan["soma_joinid"].is_unique
    parts = dict(tuple(plan.groupby("part")))
    distribution = parts["distribution"]["tissue_general"].value_counts()
    quota = CONFIG.shares["distribution"] * CONFIG.n_cells
    assert distribution["brain"] <= 0.2 * quota
    assert distribution["blood"] <= 0.15 * quota
    diseases = parts["disease"]["disease_ontology_term_id"].value_counts()
    quota = CONFIG.shares["disease"] * CONFIG.n_cells
    assert diseases[NORMAL] <= 0.7 * quota
    assert diseases[COVID] <= 0.05 * quota
    assert diseases.drop([NORMAL, COVID]).max() <= 0.03 * quota
    donors = parts["donor"]["donor"].value_counts()
    assert donors.max() <= max(1, 0.02 * CONFIG.shares["donor"] * CONFIG.n_cells)
    assert set(parts["rare"]["tissue_general"]) == {"gland"}


def test_tissues_are_more_even_in_the_sample_than_in_the_census(frame, plan):
    def evenness(values):
        p = values.value_counts(normalize=True)
        return float(-(p * np.log2(p)).sum() / np.log2(len(p)))

    assert evenness(plan["tissue_general"]) > evenness(frame["tissue_general"])


def test_no_donor_and_no_study_is_on_two_sides(plan):
    donors = plan[plan["donor"].ne("")].groupby("donor")["split"].nunique()
    assert donors.max() == 1
    held_out = set(plan.loc[plan["split"].eq("test_studies"), "study"])
    others = set(plan.loc[~plan["split"].eq("test_studies"), "study"])
    assert held_out
    assert not held_out & others
    shares = plan["split"].value_counts(normalize=True)
    for name in ("test_studies", "test_donors", "validation"):
        assert shares[name] == pytest.approx(getattr(CONFIG, name), rel=0.35)


def test_donors_of_one_name_in_two_studies_are_two_donors(plan):
    assert plan["donor_id"].nunique() <= 9
    assert plan["donor"].nunique() > 100
    assert plan.groupby("donor")["study"].nunique().drop("").max() == 1


def test_a_donor_that_is_not_known_is_never_held_out_by_itself(plan):
    unknown = plan[plan["donor"].eq("")]
    assert len(unknown)
    assert set(unknown["split"]) <= {"train", "test_studies"}


def test_the_plan_depends_on_the_seed_alone(frame, plan):
    again = open_census(frame)
    again["census_data"]["homo_sapiens"].obs.size = 333
    pd.testing.assert_frame_equal(recipe.make_plan(again, CONFIG), plan)
    other = CensusConfig(n_cells=2_000, most_alike=20, shard_cells=300, seed=1)
    assert set(recipe.make_plan(open_census(frame), other)["soma_joinid"]) != set(
        plan["soma_joinid"]
    )


def test_near_copies_are_thinned(frame):
    thinned = thin([frame.assign(donor_id="same")], {}, CensusConfig(most_alike=2))
    alike = ["study", "cell_type_ontology_term_id", "tissue_ontology_term_id",
             "disease_ontology_term_id"]  # fmt: skip
    assert thinned.groupby(alike).size().max() == 2


def test_fewer_cells_than_wanted_are_all_taken(frame):
    config = CensusConfig(n_cells=10**6, most_alike=10**6)
    cells = thin([frame.iloc[:500]], {}, config)
    drawn = sample(cells, config)
    assert sorted(drawn["soma_joinid"]) == sorted(frame["soma_joinid"].iloc[:500])
    assert set(split(drawn, config)) >= {"train", "validation"}


def test_what_a_full_group_leaves_goes_on():
    take = allocate(np.array([80.0, 15.0, 5.0]), np.array([10, 100, 100]), 60)
    assert take.sum() == 60
    assert take[0] == 10
    assert take[1] / take[2] == pytest.approx(3, rel=0.15)
    assert allocate(np.ones(3), np.array([1, 2, 3]), 50).tolist() == [1, 2, 3]


def test_a_stopped_run_fetches_only_what_is_missing(tmp_path, frame, plan):
    get = GetAnnData(frame)
    get.fail_at = 3
    with pytest.raises(KeyboardInterrupt):
        recipe.write_shards(plan, open_census(frame), get, tmp_path)
    assert len(list(tmp_path.glob("*.h5ad"))) == 2
    assert not list(tmp_path.glob("*.new"))
    done = []
    paths = recipe.write_shards(plan, open_census(frame), get, tmp_path, progress=done.append)
    assert sum(done) == len(plan)
    assert len(get.calls) == 1 + len(paths)
    ids = np.concatenate([anndata.read_h5ad(p).obs["soma_joinid"] for p in paths])
    assert sorted(ids) == sorted(plan["soma_joinid"])
    assert max(get.calls) <= CONFIG.shard_cells


def test_shards_are_what_training_reads(tmp_path, frame, plan):
    few = plan[plan["split"].eq("validation")]
    paths = recipe.write_shards(few, open_census(frame), GetAnnData(frame), tmp_path)
    store = build_store(paths, tmp_path / "parts", tiny_genes(), max_tokens=40)
    assert len(store) == len(few)
    assert set(store.batch(np.array([0])).labels[0]) == {
        "cell_type", "tissue", "disease", "life_stage", "sex"
    }  # fmt: skip


def test_a_changed_release_is_noticed(tmp_path, frame, plan):
    gone = GetAnnData(frame.iloc[::2])
    with pytest.raises(ConfigError, match="another release"):
        recipe.write_shards(plan, open_census(frame), gone, tmp_path)


def fake_package(monkeypatch, frame):
    get = GetAnnData(frame)

    @contextlib.contextmanager
    def open_soma(*, census_version):
        assert census_version == recipe.RELEASE
        yield open_census(frame)

    package = SimpleNamespace(open_soma=open_soma, get_anndata=get)
    monkeypatch.setitem(sys.modules, "cellxgene_census", package)
    return get


def test_the_command_plans_fetches_and_goes_on(tmp_path, monkeypatch, frame):
    get = fake_package(monkeypatch, frame)
    arguments = [str(tmp_path / "out"), "--cells", "400"]
    assert CliRunner().invoke(recipe.app, arguments).exit_code == 0
    n_calls = len(get.calls)
    assert n_calls == 4  # one shard a split
    assert CliRunner().invoke(recipe.app, arguments).exit_code == 0
    assert len(get.calls) == n_calls
    summary = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert sum(split["cells"] for split in summary["splits"].values()) == 400
    ids = (tmp_path / "out" / "ids.csv").read_text().split()
    assert ids[0] == "id"
    assert ids[1:] == term_ids(pd.read_parquet(tmp_path / "out" / "plan.parquet"), COLUMNS)
    other = CliRunner().invoke(recipe.app, [str(tmp_path / "out"), "--cells", "500"])
    assert other.exit_code == 2
    assert "plan of other settings" in other.output


def test_without_the_package_the_command_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cellxgene_census", None)
    ran = CliRunner().invoke(recipe.app, [str(tmp_path)])
    assert ran.exit_code == 2
    assert "pip install 'cellxgene-census" in ran.output


@pytest.mark.parametrize("wrong", [{"n_cells": 0}, {"test_studies": 0.6}, {"shares": {"a": 0.5}}])
def test_settings_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ConfigError):
        CensusConfig(**wrong)
