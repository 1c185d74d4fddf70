"""Every verb on the demo dataset: sentences, tables and what was computed agree."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tools import (
    TOOLS,
    Evidence,
    Limits,
    NoDatasetError,
    Session,
    ToolError,
    UnknownGeneError,
    UnknownLabelError,
)

TERMS = {"CL:0000236": "B cell", "CL:0000623": "natural killer cell", "CL:0000084": "T cell"}


class MarkerDescriber:
    """Names a cell by which of three genes is highest in it."""

    checkpoint_id, revision = "marker", "1"
    markers = {"CD79A": "CL:0000236", "NKG7": "CL:0000623", "CD3D": "CL:0000084"}

    def __init__(self) -> None:
        self.genes = SimpleNamespace(match=self._match, symbols=list(self.markers))
        self.n_described = 0

    def _match(self, names: list[str]) -> SimpleNamespace:
        known = list(self.markers)
        tokens = np.array([known.index(n) if n in known else -1 for n in names])
        return SimpleNamespace(token_ids=tokens, n_matched=len(names))

    def _values(self, matrix: object, names: list[str]) -> np.ndarray:
        columns = [list(names).index(gene) for gene in self.markers]
        return np.asarray(matrix.toarray())[:, columns]  # type: ignore[attr-defined]

    def survey(self, matrix: object, names: list[str], *, organs: object = ()) -> SimpleNamespace:
        return SimpleNamespace(organs=(), weights=(), copy_number=None)

    def describe(
        self,
        matrix: object,
        names: list[str],
        *,
        with_genes: bool = False,
        around: object = None,
        progress: object = None,
    ) -> list[SimpleNamespace]:
        values = self._values(matrix, names)
        self.n_described += len(values)
        return [self._one(row, with_genes=with_genes) for row in values]

    def _one(self, row: np.ndarray, *, with_genes: bool) -> SimpleNamespace:
        known = row.max() > 0
        term = list(self.markers.values())[int(row.argmax())] if known else None
        genes = (
            SimpleNamespace(symbol=list(self.markers)[int(row.argmax())], weight=0.5),
            SimpleNamespace(symbol="LYZ", weight=-0.25),
        )

        def slot(name: str, label: str | None, term: str | None, p: float) -> SimpleNamespace:
            return SimpleNamespace(
                name=name,
                label=label or "not known",
                ontology_term_id=term,
                confidence=p,
                runners_up=(),
                genes=genes if with_genes and name == "cell_type" else (),
            )

        slots = {name: slot(name, None, None, 0.0) for name in ("disease", "pathway_2")}
        slots["cell_type"] = slot("cell_type", TERMS.get(term or ""), term, 0.9 if known else 0.0)
        slots["tissue"] = slot("tissue", "blood", "UBERON:0000178", 0.8)
        slots["life_stage"] = slot("life_stage", "adult", "HsapDv:0000087", 0.7)
        slots["pathway_1"] = slot("pathway_1", "hypoxia", None, 0.6)
        text = f"A {TERMS.get(term or '', 'cell')}."
        return SimpleNamespace(text=text, slots=slots, n_genes=int((row > 0).sum()), flags=())

    def cell_type_probabilities(
        self, matrix: object, names: list[str], *, around: object = None
    ) -> tuple[np.ndarray, list[str]]:
        values = self._values(matrix, names) + 1e-3
        return values / values.sum(axis=1, keepdims=True), list(self.markers.values())

    def contrast(
        self, matrix: object, names: list[str], *, term_id: str, other_id: str
    ) -> SimpleNamespace:
        genes = {term: gene for gene, term in self.markers.items()}
        weights = (
            SimpleNamespace(symbol=genes[term_id], weight=0.75),
            SimpleNamespace(symbol=genes[other_id], weight=-0.5),
        )
        return SimpleNamespace(probability=0.8, other_probability=0.1, genes=weights)


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> object:
    from kb import KnowledgeBase

    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture(scope="module")
def demo(knowledge: object) -> Session:
    session = Session(knowledge=knowledge, load_describer=MarkerDescriber)  # type: ignore[arg-type]
    session.open_demo()
    return session


def numbers(text: str) -> set[str]:
    """Numbers of a text that are not part of a name."""
    plain = re.sub(r"\b[A-Za-z]+:\d+|'[^']*'|[\w.]*[A-Za-z][\w./-]*", " ", text)
    return {n.replace(",", "") for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:e-\d+)?", plain)}


def test_demo_is_read_from_raw_and_keeps_its_clusters(demo: Session) -> None:
    evidence = TOOLS["describe_dataset"](demo)
    assert evidence.facts["n_obs"] == 700
    assert evidence.facts["layer"] == "raw.X"
    assert evidence.facts["matrix"] == "log1p"
    assert demo.cluster_key == "louvain"
    assert demo.clusters() == [str(i) for i in range(11)]
    assert "700 cells and 765 genes" in evidence.text
    assert "'bulk_labels' (10 labels); they are never shown to the model" in evidence.text


def test_cluster_sizes_add_up(demo: Session) -> None:
    table = TOOLS["list_clusters"](demo).table
    assert table is not None
    assert sum(row["cells"] for row in table) == 700
    assert sum(row["percent"] for row in table) == pytest.approx(100, abs=0.6)


def test_cluster_is_described_from_its_own_cells(demo: Session) -> None:
    evidence = TOOLS["describe_cluster"](demo, cluster="cluster 4")
    assert evidence.facts["term_id"] == "CL:0000236"
    assert evidence.facts["next_cluster"] == "5"
    row = evidence.table[0]  # type: ignore[index]
    assert f"describes {row['cells']} of the {row['of']} cells" in evidence.text
    assert "B cell (CL:0000236)" in evidence.text
    assert "The model commits itself to no disease state" in evidence.text
    assert "'CD19+ B'" in evidence.text
    assert "sample of 40 of 66 cells" in (evidence.caveat or "")


def test_follow_up_uses_cached_descriptions(demo: Session) -> None:
    TOOLS["describe_cluster"](demo, cluster="4")
    described = demo.describer.n_described  # type: ignore[attr-defined]
    TOOLS["describe_cluster"](demo, cluster="4")
    assert demo.describer.n_described == described  # type: ignore[attr-defined]


def test_five_cells_are_described_without_their_barcodes_in_the_text(demo: Session) -> None:
    evidence = TOOLS["describe_cells"](demo, cluster="1")
    assert evidence.table is not None
    assert len(evidence.table) == 5
    assert {row["cluster"] for row in evidence.table} == {"1"}
    assert not any(row["barcode"] in evidence.text for row in evidence.table)
    barcode = evidence.table[2]["barcode"]
    again = TOOLS["describe_cells"](demo, cells=[barcode])
    assert again.table[0]["cell_type"] == evidence.table[2]["cell_type"]  # type: ignore[index]


def test_alternative_is_weighed_against_the_label(demo: Session) -> None:
    evidence = TOOLS["explain_alternative"](demo, cluster="4", cell_type="NK cells")
    assert evidence.facts["other_id"] == "CL:0000623"
    assert "spoke most for B cell over natural killer cell in cluster 4 is CD79A" in evidence.text
    other, own = evidence.table[:2]  # type: ignore[index]
    assert own["percent"] > other["percent"]
    assert f"a mean probability of {other['percent']:g}%" in evidence.text


def test_asking_why_not_the_given_label_says_so(demo: Session) -> None:
    evidence = TOOLS["explain_alternative"](demo, cluster="4", cell_type="B cells")
    assert "That is the label the model gives cluster 4." in evidence.text


def test_genes_behind_a_label_are_traced(demo: Session) -> None:
    evidence = TOOLS["explain_cell_type"](demo, cluster="4")
    assert evidence.facts["genes"][0] == "CD79A"
    assert "against B cell in cluster 4 is LYZ (mean weight -0.25)" in evidence.text


def test_markers_are_higher_in_the_cluster(demo: Session) -> None:
    evidence = TOOLS["rank_markers"](demo, cluster="4", n_genes=5)
    assert {"CD79A", "MS4A1"} <= set(evidence.facts["genes"])
    assert all(row["log2_fold_change"] > 0 for row in evidence.table)  # type: ignore[union-attr]
    assert "p-values are too small" in (evidence.caveat or "")


def test_comparison_has_both_directions(demo: Session) -> None:
    evidence = TOOLS["compare_clusters"](demo, cluster="2", other="5", n_genes=3)
    sides = [(row["higher_in"], row["log2_fold_change"] > 0) for row in evidence.table or []]
    assert sides == [("2", True)] * 3 + [("5", False)] * 3


def test_expression_is_that_of_the_gene(demo: Session) -> None:
    evidence = TOOLS["show_expression"](demo, gene="CD3D")
    adata = demo.adata
    assert adata is not None
    values = adata.X[:, adata.var_names.get_loc("CD3D")].toarray().ravel()
    assert f"detected in {(values > 0).sum()} of the 700 cells" in evidence.text
    row = evidence.table[0]  # type: ignore[index]
    inside = adata.obs["louvain"] == "0"
    assert row["mean"] == pytest.approx(values[inside].mean(), abs=0.006)
    violin = TOOLS["show_expression"](demo, gene="CD3D", plot="violin")
    assert violin.figure.data[0].type == "violin"  # type: ignore[union-attr]


def test_clusters_get_labels_and_a_map(demo: Session) -> None:
    evidence = TOOLS["label_clusters"](demo)
    assert len(evidence.table or []) == 11
    by_cluster = {row["cluster"]: row["cell_type"] for row in evidence.table or []}
    assert by_cluster["4"] == "B cell"
    assert demo.adata is not None
    assert set(demo.adata.obs["cell2text_cluster_cell_type"]) == set(by_cluster.values())


def test_term_is_looked_up(demo: Session) -> None:
    evidence = TOOLS["look_up_term"](demo, name="regulatory T cells")
    assert evidence.facts["term_id"] == "CL:0000815"
    assert "defines regulatory T cell (CL:0000815) as:" in evidence.text


@pytest.mark.parametrize("color", ["clusters", "bulk_labels", "n_counts", "CD3D", "cell types"])
def test_map_is_coloured_by_what_is_named(demo: Session, color: str) -> None:
    evidence = TOOLS["plot_umap"](demo, color=color)
    assert sum(len(trace.x) for trace in evidence.figure.data) == 700  # type: ignore[union-attr]


def test_chosen_cells_stand_out_from_all_others_on_the_map(demo: Session) -> None:
    evidence = TOOLS["plot_umap"](demo, where="phase = S")
    chosen, others = evidence.table or []
    assert (chosen["group"], others["group"]) == ("'S'", "other cells")
    assert chosen["cells"] == len(evidence.cells) == 700 - others["cells"]
    with pytest.raises(ToolError, match="No cell of the dataset is chosen"):
        TOOLS["plot_umap"](demo, where="phase = S AND phase = G1")


def test_composition_counts_every_cell(demo: Session) -> None:
    evidence = TOOLS["count_composition"](demo, by="phase")
    assert sum(row["cells"] for row in evidence.table or []) == 700
    assert "chance" in (evidence.caveat or "")


def test_cells_are_found_where_their_gene_is(demo: Session) -> None:
    evidence = TOOLS["find_cells"](demo, text="B cells")
    assert evidence.facts["cluster"] == "4"
    assert evidence.cells is not None
    assert len(evidence.cells) == evidence.facts["n_found"]


def _all_evidence(session: Session) -> list[Evidence]:
    calls: list[tuple[str, dict[str, object]]] = [
        ("describe_dataset", {}),
        ("list_clusters", {}),
        ("describe_cluster", {"cluster": "3"}),
        ("describe_cells", {"cluster": "1"}),
        ("label_clusters", {}),
        ("rank_markers", {"cluster": "3"}),
        ("compare_clusters", {"cluster": "2", "other": "5"}),
        ("show_expression", {"gene": "CD3D"}),
        ("explain_alternative", {"cluster": "4", "cell_type": "NK cells"}),
        ("count_composition", {"by": "phase"}),
        ("find_cells", {"text": "NK cells"}),
    ]
    return [TOOLS[name](session, **arguments) for name, arguments in calls]


def test_tables_are_plain_json_and_texts_are_sentences(demo: Session) -> None:
    for evidence in _all_evidence(demo):
        json.dumps(evidence.table, allow_nan=False)
        json.dumps(evidence.facts, allow_nan=False)
        assert evidence.text[0].isupper() or evidence.text[0].isdigit(), evidence.text
        assert evidence.text.endswith("."), evidence.text
        assert not re.search(r"\s{2}|\bnan\b|None|\.\.", evidence.text), evidence.text
        assert not re.search(r"\bIt(s)? ", evidence.text), f"does not stand alone: {evidence.text}"


def test_numbers_of_texts_are_in_tables_or_facts(demo: Session) -> None:
    for evidence in _all_evidence(demo):
        held: set[str] = set()
        nested = [v for v in evidence.facts.values() if isinstance(v, list)]
        rows = [row for part in nested for row in part if isinstance(row, dict)]
        for row in [*(evidence.table or []), evidence.facts, *rows]:
            held |= {f"{v:g}" for v in row.values() if isinstance(v, float)}
            held |= {f"{v:.2f}" for v in row.values() if isinstance(v, float)}
            held |= {str(v) for v in row.values() if v is not None}
        extra = numbers(evidence.text) - held
        extra -= {str(len(evidence.table or []))}  # "the 11 clusters"
        assert not extra, (evidence.tool, extra, evidence.text)


def test_errors_name_what_was_given_and_what_there_is(demo: Session) -> None:
    with pytest.raises(
        UnknownLabelError, match=r"Cluster '99' is not in obs\['louvain'\].*'9' and 1 more"
    ):
        TOOLS["describe_cluster"](demo, cluster="99")
    with pytest.raises(UnknownGeneError, match="'CD3Q' is not measured"):
        TOOLS["show_expression"](demo, gene="CD3Q")
    with pytest.raises(ToolError, match="'xyzzy' is not a cell type of the Cell Ontology"):
        TOOLS["explain_alternative"](demo, cluster="3", cell_type="xyzzy")
    with pytest.raises(ToolError, match="compared with itself"):
        TOOLS["compare_clusters"](demo, cluster="3", other="cluster 3")
    with pytest.raises(UnknownLabelError, match="no cell named 'x'"):
        TOOLS["describe_cells"](demo, cells=["x"])
    with pytest.raises(UnknownLabelError, match="neither a column of obs nor a measured gene"):
        TOOLS["plot_umap"](demo, color="nothing here")
    with pytest.raises(UnknownLabelError, match="'weather' is not in obs. Columns that group"):
        TOOLS["count_composition"](demo, by="weather")
    with pytest.raises(UnknownLabelError, match="nearest is 'phase'. .*'phase', 'bulk_labels'"):
        TOOLS["count_composition"](demo, by="fase")
    with pytest.raises(UnknownLabelError, match="Column 'n_genes' does not group the cells"):
        TOOLS["count_composition"](demo, by="n_genes")


def test_questions_before_a_dataset_say_that_none_is_open(knowledge: object) -> None:
    session = Session(knowledge=knowledge, load_describer=MarkerDescriber)  # type: ignore[arg-type]
    for name, arguments in (("describe_dataset", {}), ("describe_cluster", {"cluster": "3"})):
        with pytest.raises(NoDatasetError, match="No dataset is open"):
            TOOLS[name](session, **arguments)
    assert "CL:0000084" in TOOLS["look_up_term"](session, name="T cell").text


def test_ids_count_up_and_survive_a_new_dataset(knowledge: object, adata: object) -> None:
    session = Session(knowledge=knowledge, load_describer=MarkerDescriber)  # type: ignore[arg-type]
    first = session.open_demo()
    second = TOOLS["list_clusters"](session)
    assert (first.id, second.id) == ("E1", "E2")
    with pytest.raises(ToolError, match="no file at"):
        session.open(Path("nowhere.h5ad"))
    assert session.title == "pbmc68k_reduced"
    assert session.evidence["E2"] is second


def test_sessions_do_not_share_anything(knowledge: object, demo: Session) -> None:
    other = Session(knowledge=knowledge, load_describer=MarkerDescriber)  # type: ignore[arg-type]
    other.open_demo()
    TOOLS["choose_clusters"](other, column="bulk_labels")
    assert other.clusters() != demo.clusters()
    assert demo.cluster_key == "louvain"
    assert "E40" not in other.evidence


def test_mouse_cells_are_never_described(tmp_path: Path, knowledge: object, adata: object) -> None:
    adata.var_names = ["Cd3d", "Cd3e", "Il7r", "Ms4a1", "Cd79a", "Nkg7", "B2m", "Cd74"]  # type: ignore[attr-defined]
    adata.write_h5ad(tmp_path / "mouse.h5ad")  # type: ignore[attr-defined]
    limits = Limits(genes_matched=1)
    session = Session(knowledge=knowledge, load_describer=MarkerDescriber, limits=limits)  # type: ignore[arg-type]
    session.open(tmp_path / "mouse.h5ad")
    with pytest.raises(ToolError, match="those of mouse, and the model has read human"):
        TOOLS["describe_cluster"](session, cluster="0")
    assert "Cd3d" in TOOLS["rank_markers"](session, cluster="0").facts["genes"]


def test_ensembl_ids_are_shown_as_they_are_without_a_model(
    tmp_path: Path, knowledge: object, adata: object
) -> None:
    ids = [f"ENSG0000016728{i}" for i in range(8)]
    adata.var_names = ids  # type: ignore[attr-defined]
    adata.write_h5ad(tmp_path / "a.h5ad")  # type: ignore[attr-defined]

    def fail() -> None:
        raise OSError("no checkpoint")

    session = Session(knowledge=knowledge, load_describer=fail)  # type: ignore[arg-type]
    session.open(tmp_path / "a.h5ad")
    assert set(TOOLS["rank_markers"](session, cluster="1").facts["genes"]) <= set(ids)
    with pytest.raises(ToolError, match="could not be loaded: no checkpoint"):
        TOOLS["describe_cluster"](session, cluster="1")
