"""Questions as biologists put them, over three datasets, with the tool and the fact expected.

``questions.csv`` holds one question a row. Questions of one talk follow each other in one
conversation. ``tools``: all of those joined by a comma are called, alternatives stand between
slashes, and ``-`` means none. ``fact``: what the answer must say; ``&`` joins what all must be
there, ``;`` alternatives. The planner was written on the set ``work``; the others were kept aside
until it had been measured on them.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from agent import Answer, Assistant, ToolCalled
from agent._grounding import REFERENCE, find_numbers, is_shown
from agent._phrasing import split_sentences
from tests.marker_reader import BLOOD, MarkerReader
from tools import Evidence, Session

PANCREAS = {
    "CL:0000169": ("type B pancreatic cell", "INS"),
    "CL:0000171": ("pancreatic A cell", "GCG"),
    "CL:0002064": ("pancreatic acinar cell", "PRSS1"),
    "CL:0002079": ("pancreatic ductal cell", "KRT19"),
    "CL:0000115": ("endothelial cell", "PECAM1"),
}
COMMON = ["ACTB", "B2M", "MALAT1", "TMSB4X", "EEF1A1", "RPL10", "RPL13", "RPS12", "FTL", "GAPDH"]
INTERFERON = ["ISG15", "IFI6", "IFIT1", "MX1", "OAS1", "ISG20"]
FIRST_CLUSTERS = {"demo": "louvain", "ifn": "leiden", "pancreas": "seurat_clusters"}
HELPERS = {"label_clusters"}  # may be called on the way to what was asked


@dataclass(frozen=True)
class Question:
    """One row of the file."""

    set: str
    dataset: str
    talk: int
    question: str
    tools: str
    fact: str

    def is_right_tool(self, called: list[str]) -> bool:
        """Whether the calls are one of the alternatives."""
        for wanted in self.tools.split("/"):
            names = {name for name in wanted.split(",") if name != "-"}
            if names <= set(called) and set(called) - names <= (HELPERS if names else set()):
                return True
        return False

    def is_right_fact(self, text: str) -> bool:
        """Whether the answer says what is expected."""
        said = text.casefold()
        return all(
            any(part.strip().casefold() in said for part in either.split(";"))
            for either in self.fact.split("&")
        )


def read_questions() -> list[Question]:
    path = Path(__file__).with_name("questions.csv")
    with path.open(newline="", encoding="utf-8") as stream:
        return [Question(**row | {"talk": int(row["talk"])}) for row in csv.DictReader(stream)]


def draw(profiles: list[tuple[dict[str, float], int]], genes: list[str]) -> np.ndarray:
    """Draw Poisson counts of cells with the given means of their own genes."""
    rng = np.random.default_rng(0)
    rows = []
    for means, number in profiles:
        mean = np.array([means.get(gene, 6.0 if gene in COMMON else 0.03) for gene in genes])
        rows.append(rng.poisson(mean * rng.lognormal(0, 0.15, size=(number, 1))))
    return np.vstack(rows).astype(np.float32)


def save(path: Path, matrix: np.ndarray, genes: list[str], obs: dict[str, list[str]]) -> Path:
    import anndata
    import pandas as pd
    from scipy import sparse

    names = [f"cell-{number:04d}" for number in range(len(matrix))]
    frame = pd.DataFrame({key: pd.Categorical(values) for key, values in obs.items()}, index=names)
    adata = anndata.AnnData(sparse.csr_matrix(matrix), obs=frame, var=pd.DataFrame(index=genes))
    groups = np.array([int(value) for value in obs[next(iter(obs))]])
    angle = 2 * np.pi * groups / (groups.max() + 1)
    noise = np.random.default_rng(1).normal(0, 0.3, size=(len(matrix), 2))
    adata.obsm["X_umap"] = 5 * np.column_stack([np.cos(angle), np.sin(angle)]) + noise
    adata.write_h5ad(path)
    return path


def interferon_file(folder: Path) -> Path:
    """Write blood of four donors, with and without interferon: 456 cells, counts."""
    types: list[dict[str, float]] = [
        {"CD3D": 8, "CD3E": 7, "IL7R": 5, "CD2": 4, "CD8A": 1.5, "CD8B": 1},
        {"LYZ": 14, "CD14": 6, "S100A8": 9, "S100A9": 9, "FCN1": 4, "CST3": 6},
        {"MS4A1": 6, "CD79A": 8, "CD79B": 6, "CD19": 2},
        {"NKG7": 10, "GNLY": 12, "KLRD1": 4, "PRF1": 4},
    ]
    numbers = {"ctrl": (20, 16, 12, 10), "stim": (20, 10, 12, 14)}
    genes = [*COMMON, *INTERFERON, "CXCL10", *dict.fromkeys(g for t in types for g in t)]
    profiles, obs = [], {"leiden": [], "condition": [], "donor_id": []}  # type: ignore[var-annotated]
    for donor in range(1, 5):
        for condition, sizes in numbers.items():
            for cluster, (means, number) in enumerate(zip(types, sizes, strict=True)):
                added = dict.fromkeys(INTERFERON, 5.0) if condition == "stim" else {}
                if condition == "stim" and cluster == 1:
                    added["CXCL10"] = 8.0
                profiles.append((means | added, number))
                obs["leiden"] += [str(cluster)] * number
                obs["condition"] += [condition] * number
                obs["donor_id"] += [f"donor {donor}"] * number
    return save(folder / "ifn.h5ad", draw(profiles, genes), genes, obs)


def pancreas_file(folder: Path) -> Path:
    """Write islets with and without type 2 diabetes: 200 cells, log-normalised, no donors."""
    types: list[tuple[dict[str, float], int]] = [
        ({"INS": 40, "IAPP": 8, "MAFA": 2, "CHGA": 5}, 60),
        ({"GCG": 40, "TTR": 9, "ARX": 2, "CHGA": 5}, 50),
        ({"PRSS1": 25, "CPA1": 12, "CELA3A": 12, "CPB1": 8}, 40),
        ({"KRT19": 12, "CFTR": 4, "SOX9": 4, "KRT7": 5}, 30),
        ({"PECAM1": 9, "VWF": 8, "PLVAP": 7, "CDH5": 4}, 20),
    ]
    genes = [*COMMON, *dict.fromkeys(gene for means, _ in types for gene in means)]
    profiles, obs = [], {"seurat_clusters": [], "disease": [], "sex": []}  # type: ignore[var-annotated]
    for cluster, (means, number) in enumerate(types):
        for disease in ("normal", "type 2 diabetes mellitus"):
            changed = means | {"INS": 15.0} if disease != "normal" and cluster == 0 else means
            profiles.append((changed, number // 2))
            obs["seurat_clusters"] += [str(cluster)] * (number // 2)
            obs["disease"] += [disease] * (number // 2)
            obs["sex"] += (["female", "male"] * number)[: number // 2]
    counts = draw(profiles, genes)
    logs = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    return save(folder / "islets.h5ad", logs, genes, obs)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    from kb import KnowledgeBase

    folder = tmp_path_factory.mktemp("questions")
    knowledge = KnowledgeBase.open(folder / "kb")
    types = {"demo": BLOOD, "ifn": BLOOD, "pancreas": PANCREAS}
    made = {
        name: Session(knowledge=knowledge, load_describer=lambda own=own: MarkerReader(own))
        for name, own in types.items()
    }
    made["demo"].open_demo()
    made["ifn"].open(interferon_file(folder))
    made["pancreas"].open(pancreas_file(folder))
    return made


@dataclass(frozen=True)
class Outcome:
    """What became of one question."""

    asked: Question
    answer: Answer
    called: list[str]


def converse(session: Session, talk: list[Question]) -> Iterator[Outcome]:
    session.cached("selections", dict).clear()
    session.use_clusters(FIRST_CLUSTERS[talk[0].dataset])
    assistant = Assistant(session)
    for asked in talk:
        steps = list(assistant.ask(asked.question))
        answer = steps[-1]
        assert isinstance(answer, Answer)
        called = [step.name for step in steps if isinstance(step, ToolCalled)]
        yield Outcome(asked, answer, called)


_EVERY = 6  # talk of the file is held by default; all of them with -m slow


@pytest.fixture(scope="module", params=["sample", pytest.param("all", marks=pytest.mark.slow)])
def outcomes(request: pytest.FixtureRequest, sessions: dict[str, Session]) -> list[Outcome]:
    found = []
    for number, talk in groupby(read_questions(), key=lambda asked: asked.talk):
        rows = list(talk)
        if request.param == "all" or number % _EVERY == 1:
            found += converse(sessions[rows[0].dataset], rows)
    return found


def share(outcomes: list[Outcome], *, of: str) -> float:
    """Return the share (0-1) of right tools or right facts."""
    right = [
        item.asked.is_right_tool(item.called)
        if of == "tool"
        else item.asked.is_right_fact(item.answer.text)
        for item in outcomes
    ]
    return sum(right) / len(right)


def wrong(outcomes: list[Outcome]) -> str:
    return "\n".join(
        f"{item.asked.dataset}: {item.asked.question} -> {item.called}: {item.answer.text[:150]}"
        for item in outcomes
        if not (
            item.asked.is_right_tool(item.called) and item.asked.is_right_fact(item.answer.text)
        )
    )


def test_there_are_enough_questions_of_every_kind() -> None:
    questions = read_questions()
    assert len(questions) >= 200
    assert {item.dataset for item in questions} == {"demo", "ifn", "pancreas"}
    assert len({item.question for item in questions}) > 0.9 * len(questions)
    aside = sum(item.set != "work" for item in questions)
    assert aside / len(questions) > 0.3


def test_questions_are_answered_with_the_right_tool(outcomes: list[Outcome]) -> None:
    assert share(outcomes, of="tool") >= 0.95, wrong(outcomes)


def test_questions_are_answered_with_the_right_fact(outcomes: list[Outcome]) -> None:
    assert share(outcomes, of="fact") >= 0.9, wrong(outcomes)


def test_no_sentence_lacks_evidence(outcomes: list[Outcome], sessions: dict[str, Session]) -> None:
    for item in outcomes:
        assert item.answer.unsupported == (), item.asked.question
        session = sessions[item.asked.dataset]
        for name in item.answer.references:
            assert name in session.evidence or session.knowledge.term(name), item.asked.question


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")  # names of others, definitions of the ontology
_CLUSTERS = re.compile(r"\b[Cc]lusters? \d+(?:(?:, | and | or )\d+)*\b")  # names, not numbers
_UNIT = re.compile(r"\bper 10,000\b")  # what values are scaled to


def held_numbers(evidence: Evidence) -> set[float]:
    """Return the numbers in the rows of a piece of evidence, and how many rows its table has.

    The text of the evidence is left out on purpose: a number has to stand where it can be looked
    up, and not only in a sentence.
    """
    values = [value for row in evidence.rows for value in row.values()]
    held = {float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)}
    held |= {n for v in values if isinstance(v, str) for n, _ in find_numbers(v)}
    return held | {float(len(evidence.table or []))}


def loose_numbers(sentence: str, asked: str, evidence: Mapping[str, Evidence]) -> list[str]:
    """Return the numbers of a sentence that no table it refers to holds.

    Names are no numbers (clusters, what stands in quotes, and genes such as CD8, which hold no
    free-standing number), nor is the unit of normalised values; the question's may be repeated.
    """
    cited = [evidence[name] for name in REFERENCE.findall(sentence) if name in evidence]
    if not cited:
        return []
    held = {number for item in cited for number in held_numbers(item)}
    held |= {number for number, _ in find_numbers(asked)}
    bare = REFERENCE.sub("", sentence)
    for names in (_QUOTED, _CLUSTERS, _UNIT):
        bare = names.sub(" ", bare)
    return [written for value, written in find_numbers(bare) if not is_shown(value, written, held)]


def test_numbers_of_a_sentence_are_in_the_tables_it_refers_to(
    outcomes: list[Outcome], sessions: dict[str, Session]
) -> None:
    found = [
        f"{item.asked.question}: {loose} in {sentence}"
        for item in outcomes
        for sentence in split_sentences(item.answer.text)
        if (
            loose := loose_numbers(
                sentence, item.asked.question, sessions[item.asked.dataset].evidence
            )
        )
    ]
    assert not found, "\n".join(found)


def test_a_number_that_only_the_text_of_the_evidence_holds_is_found() -> None:
    fact = Evidence("E1", "t", "There are 2,475 of 12.", table=[{"cells": 12}], facts={"n_obs": 90})
    evidence = {"E1": fact}
    assert loose_numbers("There are 2,475 of 12 [E1].", "", evidence) == ["2,475"]
    assert not loose_numbers("There are 12 of 90 [E1].", "", evidence)
    assert not loose_numbers("There are 2,475 of cluster 7 [E1].", "more than 2475?", evidence)
    assert loose_numbers("Cluster 7 holds 7 of 91 [E1].", "", evidence) == ["7", "91"]
