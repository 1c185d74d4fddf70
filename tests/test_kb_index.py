"""The search index: built once, never half built, open to several processes."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kb import IndexBuildError, KnowledgeBase
from kb._embedding import HashingEmbedder, spelling_similarity


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    knowledge = KnowledgeBase.open(tmp_path_factory.mktemp("kb"), ontologies=("HsapDv",))
    knowledge.build()
    return knowledge


class FailingEmbedder(HashingEmbedder):
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        msg = "killed here"
        raise RuntimeError(msg)


def test_build_reports_progress_up_to_one(tmp_path: Path) -> None:
    knowledge = KnowledgeBase.open(tmp_path, ontologies=("HsapDv",))
    assert not knowledge.is_ready()
    seen: list[float] = []
    knowledge.build(progress=lambda fraction, message: seen.append(fraction))
    assert knowledge.is_ready()
    assert seen == sorted(seen)
    assert (seen[0] > 0, seen[-1]) == (True, 1.0)


def test_second_build_writes_nothing(built: KnowledgeBase) -> None:
    before = {path: path.stat().st_mtime_ns for path in built._path.rglob("*")}
    KnowledgeBase.open(built._path, ontologies=("HsapDv",)).build()
    assert {path: path.stat().st_mtime_ns for path in built._path.rglob("*")} == before


def test_other_content_is_another_index(built: KnowledgeBase) -> None:
    assert not KnowledgeBase.open(built._path, ontologies=("HsapDv", "CL")).is_ready()
    other = HashingEmbedder(n_dimensions=64)
    assert not KnowledgeBase.open(built._path, ontologies=("HsapDv",), embedder=other).is_ready()


def test_killed_build_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    broken = KnowledgeBase.open(tmp_path, ontologies=("HsapDv",), embedder=FailingEmbedder())
    with pytest.raises(RuntimeError, match="killed here"):
        broken.build()
    fresh = KnowledgeBase.open(tmp_path, ontologies=("HsapDv",))
    assert not fresh.is_ready()
    fresh.build()
    assert fresh.is_ready()
    kept = [path.name for path in tmp_path.glob("index-*")]
    assert kept == [json.loads((tmp_path / "current.json").read_text())["folder"]]


def test_damaged_pointer_means_not_built(built: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text('{"hash": "x"')
    assert not KnowledgeBase.open(tmp_path, ontologies=("HsapDv",)).is_ready()


def test_two_processes_build_one_index(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kb import KnowledgeBase\n"
        "k = KnowledgeBase.open(Path(sys.argv[1]), ontologies=('HsapDv',)); k.build()\n"
        "print(len(k._index.nearest(['adult'], ontology='HsapDv', limit=3)[0]))"
    )
    root = Path(__file__).parent.parent
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [run.communicate(timeout=120)[0].strip() for run in runs] == ["3", "3"]
    assert len(list(tmp_path.glob("index-*"))) == 1


def test_names_resolve_while_the_index_is_built(tmp_path: Path) -> None:
    knowledge = KnowledgeBase.open(tmp_path, ontologies=("CL", "HsapDv"))
    seen: list[str | None] = []

    def ask(fraction: float, message: str) -> None:
        seen.append(knowledge.resolve("regulatory T cells").label)
        seen.extend(passage.label for passage in knowledge.search("insulin", limit=1))

    KnowledgeBase.open(tmp_path, ontologies=("HsapDv",)).build(progress=ask)
    assert seen[0] == "regulatory T cell"
    assert not knowledge.is_ready()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(IndexBuildError, match="cannot be written to .*file.*another folder"):
        KnowledgeBase.open(occupied, ontologies=("HsapDv",)).build()


def test_vectors_find_a_name_that_no_rule_finds(built: KnowledgeBase) -> None:
    bare = KnowledgeBase.open(built._path / "none", ontologies=("HsapDv",))
    name = "seventh-LMPmonth-stag"
    assert bare.resolve(name, ontology="HsapDv").match == "none"
    answer = built.resolve(name, ontology="HsapDv")
    assert (answer.label, answer.match) == ("seventh LMP month stage", "vector")
    assert 0.6 < answer.score < 1.0


def test_embedder_is_deterministic_and_of_unit_length() -> None:
    vectors = HashingEmbedder().embed(["T cell", "T cells of the blood", ""])
    assert vectors.shape == (3, 256)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1.0, 1.0, 0.0], atol=1e-6)
    np.testing.assert_array_equal(
        vectors, HashingEmbedder().embed(["T cell", "T cells of the blood", ""])
    )


def test_spelling_similarity_falls_with_difference() -> None:
    assert spelling_similarity("monocyte", "monocyte") == 1.0
    assert spelling_similarity("monocyte", "monocytes") > spelling_similarity("monocyte", "moncity")
    assert spelling_similarity("monocyte", "") == 0.0


def test_engine_and_client_of_chroma_read_the_same(
    built: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["seventh month", "adult stage"]
    by_engine = built._index.nearest(texts, ontology="HsapDv", limit=3)
    monkeypatch.setitem(sys.modules, "chromadb_rust_bindings", None)  # importing it now fails
    other = KnowledgeBase.open(built._path, ontologies=("HsapDv",))
    assert other._index.nearest(texts, ontology="HsapDv", limit=3) == by_engine


def test_engine_with_another_face_is_passed_over(
    built: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = built._index.nearest(["adult stage"], ontology="HsapDv", limit=3)
    import chromadb_rust_bindings

    monkeypatch.setattr(chromadb_rust_bindings, "Bindings", lambda **_: SimpleNamespace())
    other = KnowledgeBase.open(built._path, ontologies=("HsapDv",))
    assert other._index.nearest(["adult stage"], ontology="HsapDv", limit=3) == expected


def test_reopening_reads_the_index_without_the_client_of_chroma(built: KnowledgeBase) -> None:
    code = (
        "import sys; from pathlib import Path; from kb import KnowledgeBase\n"
        "k = KnowledgeBase.open(Path(sys.argv[1]), ontologies=('HsapDv',))\n"
        "print(len(k._index.nearest(['adult'], ontology='HsapDv', limit=3)[0]))\n"
        "print('chromadb' in sys.modules)"
    )
    root = Path(__file__).parent.parent
    said = subprocess.check_output(
        [sys.executable, "-c", code, str(built._path)], cwd=root, text=True
    )
    assert said.split() == ["3", "False"]
