"""Two conditions are compared donor by donor where there are donors, with a warning where not."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from tools import TOOLS, Session, ToolError
from tools._pseudobulk import Bulks, make_bulks, moderated_t

GENES = [f"GENE{number}" for number in range(58)] + ["ISG15", "CD3D"]
N_DONORS, N_CELLS = 4, 15  # cells of a donor in a condition


def make(tmp_path: Path, *, drop: tuple[str, ...] = (), log: bool = False) -> Session:
    """Open counts of four donors before and after interferon: ISG15 rises, donors differ."""
    rng = np.random.default_rng(0)
    donor_effect = rng.lognormal(0, 0.8, size=(N_DONORS, len(GENES)))
    rows, obs = [], []
    for donor in range(N_DONORS):
        for condition in ("ctrl", "stim"):
            mean = 3 * donor_effect[donor].copy()
            mean[58] = 12 if condition == "stim" else 0.5
            rows.append(rng.poisson(mean, size=(N_CELLS, len(GENES))))
            obs += [{"donor_id": f"P{donor}", "condition": condition, "batch": "one"}] * N_CELLS
    counts = np.vstack(rows).astype(np.float32)
    matrix = np.log1p(1e4 * counts / counts.sum(1, keepdims=True)) if log else counts
    kept = [{key: value for key, value in one.items() if key not in drop} for one in obs]
    return opened(tmp_path, matrix, kept, GENES)


def opened(
    tmp_path: Path, matrix: np.ndarray, obs: list[dict[str, str]], genes: list[str]
) -> Session:
    """Write a file of these values and open it."""
    import anndata
    import pandas as pd
    from scipy import sparse

    frame = pd.DataFrame(obs, index=[f"c{number}" for number in range(len(obs))])
    adata = anndata.AnnData(sparse.csr_matrix(matrix), obs=frame, var=pd.DataFrame(index=genes))
    adata.obs["leiden"] = pd.Categorical(["0", "1"] * (len(obs) // 2))
    rng = np.random.default_rng(1)
    adata.obsm["X_umap"] = rng.normal(size=(len(obs), 2)).astype(np.float32)
    path = tmp_path / "kang.h5ad"
    adata.write_h5ad(path)
    session = Session(
        knowledge=SimpleNamespace(),  # type: ignore[arg-type]
        load_describer=lambda: pytest.fail("no model is needed"),
    )
    session.open(path)
    return session


@pytest.mark.parametrize("log", [False, True])
def test_donors_are_compared_with_themselves(tmp_path: Path, log: bool) -> None:
    found = TOOLS["compare_conditions"](make(tmp_path, log=log), column="condition")
    assert found.facts["first"] == "stim"  # the control comes second
    assert found.facts["is_pseudobulk"]
    assert found.facts["is_paired"]
    assert found.facts["n_donors"] == N_DONORS
    assert found.facts["genes"] == ["ISG15"]
    best = (found.table or [])[0]
    assert best["log2_fold_change"] == pytest.approx(np.log2(12 / 0.5), abs=0.8)
    assert "4 donors" in str(found.caveat)
    assert "by chance" not in str(found.caveat)
    assert "P0" not in found.text


def test_without_donors_a_plain_warning_comes_along(tmp_path: Path) -> None:
    session = make(tmp_path, drop=("donor_id",))
    found = TOOLS["compare_conditions"](session, column="condition", first="stim")
    assert not found.facts["is_pseudobulk"]
    assert "no column that tells donors apart" in str(found.caveat)
    assert "far too small" in str(found.caveat)
    assert "cell by cell" in found.text
    assert "ISG15" in found.facts["genes"]


def test_too_few_cells_of_a_donor_make_no_sample(tmp_path: Path) -> None:
    found = TOOLS["compare_conditions"](
        make(tmp_path), column="condition", within="cluster 1 and ISG15 >= 0"
    )
    assert not found.facts["is_pseudobulk"]  # 7 or 8 cells each
    assert "at least 10 of these cells" in str(found.caveat)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    session = make(tmp_path)
    with pytest.raises(ToolError, match="'banana' is not in obs"):
        TOOLS["compare_conditions"](session, column="condition", first="banana")
    with pytest.raises(ToolError, match="Name two different ones"):
        TOOLS["compare_conditions"](session, column="batch")
    with pytest.raises(ToolError, match="4 people") as caught:
        TOOLS["compare_conditions"](session, column="donor_id")
    assert "P0" not in str(caught.value)


def test_donors_of_one_condition_are_left_out_where_others_have_both() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(7, 5))
    bulks = Bulks(values, np.array([True, False] * 3 + [True]), np.array([0, 0, 1, 1, 2, 2, 3]))
    assert not bulks.is_paired
    assert bulks.only_paired().is_paired
    assert bulks.only_paired().n_each == (3, 3)


@pytest.mark.parametrize("paired", [True, False])
def test_without_a_prior_the_moderated_test_is_the_common_one(paired: bool) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(8, 2))  # two genes are too few to learn a prior from
    is_first = np.array([True, False] * 4)
    donors = np.repeat(np.arange(4), 2) if paired else np.arange(8)
    frame = moderated_t(Bulks(values, is_first, donors))
    test = stats.ttest_rel if paired else stats.ttest_ind
    expected = test(values[is_first], values[~is_first])
    assert frame["score"].to_numpy() == pytest.approx(expected.statistic)


def test_variances_are_drawn_towards_each_other() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(6, 400))
    bulks = Bulks(values, np.array([True] * 3 + [False] * 3), np.arange(6))
    raw = stats.ttest_ind(values[:3], values[3:]).statistic
    score = moderated_t(bulks)["score"].to_numpy()
    assert np.abs(score).max() < np.abs(raw).max()  # a small variance by chance counts less
    assert (moderated_t(bulks)["p_value_adjusted"] < 0.05).sum() == 0


def test_donors_that_differ_are_no_discovery() -> None:
    """Unpaired donors that differ by chance: cells call many genes, donors call none."""
    rng = np.random.default_rng(5)
    effects = rng.lognormal(0, 0.7, size=(6, 200))
    counts = np.vstack([rng.poisson(4 * effects[d], size=(30, 200)) for d in range(6)])
    donors, is_first = np.repeat(np.arange(6), 30), np.repeat([True, False], 90)
    bulks = make_bulks(counts.astype(float), is_first, donors, logged=False)
    by_cells = stats.mannwhitneyu(counts[is_first], counts[~is_first]).pvalue
    assert (stats.false_discovery_control(by_cells) < 0.05).sum() > 60
    assert (moderated_t(bulks)["p_value_adjusted"] < 0.05).sum() <= 4


@pytest.mark.parametrize(
    ("donors", "verdict", "said"),
    [
        (("A", "A", "B", "B"), "paired", "each can be compared with itself"),
        (("A", "B", "C", "D"), "nested", "2 of 'ctrl' and 2 of 'stim'"),
        (("A", "B", "A", "C"), "confounded", "'ctrl' there is one only"),
        (("A", "A", "B", "C"), "mixed", "1 of the 3 donors"),
    ],
)
def test_the_design_says_whether_donors_are_confounded(
    donors: tuple[str, ...], verdict: str, said: str, tmp_path: Path
) -> None:
    session = make(tmp_path)
    obs = session.prepared.adata.obs
    which = np.arange(len(obs)) % 4
    obs["donor_id"] = np.array(donors)[which]
    obs["condition"] = np.array(["ctrl", "stim", "ctrl", "stim"])[which]
    found = TOOLS["check_design"](session, column="condition")
    assert found.facts["verdict"] == verdict
    assert said in found.text


def test_a_batch_that_is_one_condition_is_confounded(tmp_path: Path) -> None:
    session = make(tmp_path)
    obs = session.prepared.adata.obs
    obs["batch"] = np.where(obs["condition"] == "stim", "b1", "b2")
    found = TOOLS["check_design"](session, column="condition")
    assert "Each value of 'batch' belongs to one condition only" in found.text


def test_another_column_may_go_with_the_conditions(tmp_path: Path) -> None:
    session = make(tmp_path)
    obs = session.prepared.adata.obs
    obs["therapy"] = np.where(obs["condition"] == "stim", "one", "two")
    found = TOOLS["check_design"](session, column="condition", donors="therapy")
    assert found.facts["verdict"] == "confounded"
    assert "Each of the 2 values of 'therapy' is found with one value of 'condition'" in found.text
    obs["therapy"] = np.resize(["one", "two"], len(obs))
    stim = obs["condition"] == "stim"
    obs.loc[stim, "therapy"] = np.resize(["one", "one", "one", "two"], int(stim.sum()))
    found = TOOLS["check_design"](session, column="condition", donors="therapy")
    assert found.facts["verdict"] == "mixed"
    assert "mixed unevenly" in found.text
    obs["therapy"] = np.resize(["one", "two", "two"], len(obs))
    found = TOOLS["check_design"](session, column="condition", donors="therapy")
    assert found.facts["verdict"] == "paired"


def few(tmp_path: Path) -> Session:
    """Open two donors with both conditions: ISG15 rises in each of them, unevenly."""
    rng = np.random.default_rng(7)
    genes = [*GENES[:-2], "CD3D", "ISG15"]
    rows, obs = [], []
    for donor in range(2):
        for condition in ("ctrl", "stim"):
            mean = 3 * rng.lognormal(0, 0.6, size=len(genes))  # a sample has a noise of its own
            mean[-1] = {"ctrl": 2, "stim": 5 + 3 * donor}[condition]
            rows.append(rng.poisson(mean, size=(40, len(genes))))
            obs += [{"donor_id": f"P{donor}", "condition": condition}] * 40
    return opened(tmp_path, np.vstack(rows).astype(np.float32), obs, genes)


def test_genes_of_each_of_two_donors_are_named_where_none_passes_across_them(
    tmp_path: Path,
) -> None:
    found = TOOLS["compare_conditions"](few(tmp_path), column="condition")
    assert found.facts["n_significant"] == 0
    assert "ISG15" in found.facts["genes"]
    assert "in each of the 2 donors, each tested on its own cells" in found.text
    assert "may differ by chance alone" in str(found.caveat)
    assert {row["found"] for row in found.table or []} == {"in each donor"}
    assert "No gene is" not in found.text


def test_a_gene_that_a_small_sample_lacks_does_not_hide_a_difference() -> None:
    """Four donors, three with few cells: genes that rise in each of them are found."""
    rng = np.random.default_rng(8)
    mean = np.full(300, 0.1)
    rows, is_first, donors = [], [], []
    for donor, n_cells in enumerate((200, 15, 15, 15)):
        for first in (True, False):
            here = mean.copy()
            here[:20] *= 12 if first else 1
            rows.append(rng.poisson(here, size=(n_cells, 300)))
            is_first += [first] * n_cells
            donors += [donor] * n_cells
    bulks = make_bulks(
        np.vstack(rows).astype(float), np.array(is_first), np.array(donors), logged=False
    )
    found = moderated_t(bulks)["p_value_adjusted"].to_numpy() < 0.05
    assert found[:20].mean() > 0.8
    assert found[20:].mean() < 0.02
