"""A question whose act is known is answered of the cells that it names, what was asked first."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent import Answer, Assistant
from agent._asks import Ask, Focus
from agent._outlines import outline
from agent._pairs import name_both
from agent._phrasing import split_sentences
from agent._plain_forms import ask_of, names_of, plain_form
from agent._sex import sex_told_by
from agent._tags import tag
from agent._understanding import understand
from agent._vocabulary import Vocabulary, vocabulary_of
from tests.marker_reader import MarkerReader
from tests.test_agent_questions import loose_numbers
from tools import Session

GENES = ["CD79A", "NKG7", "CD3D", "LYZ", "ISG15", "MT-CO1", *(f"GENE{n}" for n in range(60))]
TYPES = {"B cells": 0, "T cells": 2, "Monocytes": 3}
N_DONORS, N_EACH = 4, 10  # cells of a donor, a condition and a type


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Open cells of four donors before and after a stimulus, which raises ISG15 in all of them."""
    import anndata
    import pandas as pd
    from scipy import sparse

    from kb import KnowledgeBase

    rng = np.random.default_rng(0)
    rows, obs = [], []
    for donor in range(N_DONORS):
        for condition in ("ctrl", "stim"):
            for label, column in TYPES.items():
                mean = np.full(len(GENES), 2.0)
                mean[:5] = 0.05
                mean[column] = 15
                mean[4] = 12 if condition == "stim" else 0.2
                rows.append(rng.poisson(mean, size=(N_EACH, len(GENES))))
                cell = {"donor": f"D{donor}", "condition": condition, "cell_type": label}
                obs += [{**cell, "leiden": str(list(TYPES).index(label))}] * N_EACH
    frame = pd.DataFrame(obs, index=[f"c{n}" for n in range(len(obs))], dtype="category")
    counts = sparse.csr_matrix(np.vstack(rows).astype(np.float32))
    adata = anndata.AnnData(counts, obs=frame, var=pd.DataFrame(index=GENES))
    adata.obsm["X_umap"] = rng.normal(size=(len(obs), 2)).astype(np.float32)
    folder = tmp_path_factory.mktemp("acts")
    adata.write_h5ad(folder / "made.h5ad")
    made = Session(knowledge=KnowledgeBase.open(folder / "kb"), load_describer=MarkerReader)
    made.open(Path(folder / "made.h5ad"))
    return made


def read_as_act(question: str, vocabulary: Vocabulary, focus: Focus) -> list[Ask]:
    """Read "ACT| text" as that act."""
    act, _, text = question.partition("| ")
    tags = tag(text, vocabulary, focus)
    names = names_of(outline(tags, vocabulary)[1], tags, vocabulary)
    asks = ask_of(act, names, text, vocabulary, focus)
    return asks or understand(plain_form(act, names, text, vocabulary) or "", vocabulary, focus)


ANSWERS = [
    ("which_conditions", "which arms?", ["tells 2 conditions apart", "'ctrl'", "'stim'"]),
    ("scale", "raw?", ["Yes: expression is read from X, which holds raw counts"]),
    ("is_measured", "got ISG15?", ["Yes: ISG15 is measured"]),
    ("is_measured", "got FOXP3?", ["No, I find no such gene", "FOXP3"]),
    ("how_clustered", "clusters?", ["The cells form 3 clusters, taken from the file's column"]),
    ("n_clusters", "clusters?", ["holds 3 clusters"]),
    ("confounded", "donors?", ["No: each of the 4 donors in 'donor' has cells of several"]),
    ("quality_group", "good B cells?", ["The medians over the 80 cells of 'B cells' are", "240"]),
    ("quality_by", "by condition", ["in 'ctrl'", "in 'stim'"]),
    ("doublets", "doublets?", ["No: "]),
    ("most_abundant", "commonest?", ["share the first place, with 80 each"]),
    ("likeness", "who is like the T cells?", ["is most like 'T cells'"]),
    ("which_clusters", "T cells?", ["Cluster 1 is labelled as T cell", "80 in cluster 1"]),
    ("any_type", "any B cells?", ["Yes: 80 of the 240 cells of the dataset (33.3%)"]),
    ("any_type", "any natural killer cells?", ["No: no cluster as a whole is labelled"]),
    ("compare", "stim B cells with stim Monocytes", ["Higher in 'B cells' and 'stim' than in 'Mo"]),
    ("more_in", "more cluster 1 than cluster 2?", ["No: the number of cells is 80 in cluster 1"]),
    ("any_type", "any natural killer cells in stim?", ["No: 0 of the 120 cells of 'stim' (0%)"]),
    ("gene_test", "is ISG15 up in every cell type?", ["in 'stim' than in 'ctrl' in each of the 3"]),
    ("count_type", "B cells and T cells?", ["are 'B cells'", "are 'T cells'"]),
    ("share_type", "and cluster 1?", ["33.3% of the 240 cells of the dataset (80) are in"]),
    ("is_type", "are Monocytes B cells?", ["No: the model reads 0 of 40 cells of them as B cell"]),
    ("is_type", "is cluster 0 B cells?", ["Yes: the model labels cluster 0 as B cell"]),
    ("type_or", "cluster 0: B cells or T cells?", ["Rather B cell [CL:0000236]"]),
    ("why", "why is cluster 0 T cells?", ["does not call cluster 0 so, but B cell", "CD79A"]),
    ("why", "why Monocytes?", ["in cluster 2 (80)", "LYZ"]),
    ("confidence", "sure of Monocytes?", ["sure: the model describes 40 of the 40 cells"]),
    ("agreement", "agree?", ["Mostly: in all the model gives"]),
    ("markers", "B cells?", ["Higher in 'B cells' than in all other cells", "CD79A"]),
    ("markers", "2 for cluster 2", ["The strongest markers of cluster 2", "LYZ"]),
    ("down_genes", "low in B cells?", ["Higher in all other cells than in 'B cells'", "LYZ"]),
    ("is_marker", "LYZ for Monocytes?", ["Yes: LYZ is significantly higher in 'Monocytes'"]),
    ("is_marker", "LYZ for B cells?", ["No: LYZ is significantly lower in 'B cells'"]),
    ("compare", "stim against ctrl", ["Higher in 'stim' than in 'ctrl'", "ISG15", "pseudobulk"]),
    ("compare", "stim against ctrl in B cells", ["ISG15", "among 'B cells'"]),
    ("compare", "B cells against Monocytes", ["Higher in 'B cells' than in 'Monocytes'"]),
    ("compare", "cluster 0 and 1", ["Higher in cluster 0 than in cluster 1"]),
    ("compare", "B cells, upon stim", ["ISG15", "40 cells of 'stim'", "among 'B cells'"]),
    ("de_condition", "changes?", ["Higher in 'stim' than in 'ctrl'", "ISG15"]),
    ("responds_most", "who?", ["responds most between 'stim' and 'ctrl'"]),
    ("gene_test", "is ISG15 higher in stim than in ctrl?", ["Yes: ISG15 is significantly higher"]),
    ("gene_test", "is ISG15 up or down in stim?", ["ISG15 is significantly higher in 'stim'"]),
    ("gene_test", "is LYZ lower in B cells than in Monocytes?", ["Yes: LYZ is significantly low"]),
    ("expression_in", "LYZ in Monocytes?", ["Yes: 100% of the 80 cells of 'Monocytes' express"]),
    ("expression_genes_in", "LYZ, CD3D in B cells?", ["cells of 'B cells' express LYZ", "CD3D"]),
    ("expression", "where is LYZ?", ["By the labels of the authors in 'cell_type'"]),
    ("expression", "where is LYZ on in stim?", ["'Monocytes' has the highest mean log expression"]),
    ("count_express", "how many B cells have FOXP3?", ["FOXP3' is not measured"]),
    ("top_expressed", "in Monocytes?", ["highest mean log expression in 'Monocytes' is", "LYZ"]),
    ("both", "CD79A, CD3D and LYZ?", ["CD79A, CD3D and LYZ"]),
    ("expression_by", "LYZ, CD3D by condition", ["of LYZ is", "of CD3D is", "in 'stim'"]),
    ("highest_gene", "which cell type has the lowest LYZ?", ["has the lowest mean log expression"]),
    ("correlated", "LYZ, CD3D and CD79A?", ["LYZ and CD3D", "LYZ and CD79A", "CD3D and CD79A"]),
    ("share_by", "B cells, T cells by condition", ["(40 of 120) in 'ctrl'", "are 'T cells' is"]),
    ("cells_per", "by donor and condition", ["- 'D0': 'ctrl' 30 (50%) and 'stim' 30 (50%)"]),
    ("percent_express", "LYZ, CD3D in Monocytes", ["(80) express LYZ", "express CD3D"]),
    ("score_genes", "LYZ and CD3D", ["highest in 'T cells'", "highest in cluster 1"]),
    ("gene_test", "is hypoxia higher in stim than in ctrl?", ["no gene set or cell type called"]),
    ("composition", "by condition", ["Of the 120 cells of 'ctrl': 'B cells' 40 (33.3%)"]),
    ("more_in", "more B cells in stim than ctrl?", ["No: the share of cells", "(40 of 120)"]),
    ("made_of", "B cells: which condition?", ["Of the 80 cells of 'B cells', 40 are from 'ctrl'"]),
    ("share_from", "B cells from stim?", ["50% of the 80 cells of 'B cells' (40) are 'stim'"]),
    ("donors_per", "donors per condition", ["The number of different donors is 4 in 'ctrl'"]),
    ("umap_group", "B cells on the map", ["shows the 80 cells of 'B cells' among all 240 cells"]),
    ("violin", "genes by condition", ["The violins show the number of genes", "'stim'"]),
    ("bars", "cell types per condition", ["- 'ctrl': 'B cells' 33.3% (40 of 120)"]),
    ("exclude", "all but B cells", ["holds 160 cells"]),
    ("export_cells", "B cells", ["It holds the 80 cells"]),
    ("term_id", "natural killer cells?", ["The id of natural killer cell is [CL:0000623]"]),
    ("term_difference", "B cells and T cells", ["The Cell Ontology defines B cell [CL:0000236]"]),
    ("evidence", "based on what?", ["I have shown you no evidence so far"]),
    ("which_test", "which test?", ["Wilcoxon rank-sum test", "pseudobulk"]),
    ("offtopic", "the weather?", ["outside of what I do"]),
    ("list_corrections", "corrected?", ["No label was corrected"]),
]  # fmt: skip


@pytest.mark.parametrize(("act", "text", "parts"), ANSWERS)
def test_an_act_is_answered_of_the_cells_that_are_named(
    act: str, text: str, parts: list[str], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent._planner.understand", read_as_act)
    answer = list(Assistant(session).ask(f"{act}| {text}"))[-1]
    assert isinstance(answer, Answer)
    assert answer.unsupported == ()
    missing = [part for part in parts if part not in answer.text]
    assert not missing, answer.text
    said = split_sentences(answer.text)
    assert not [n for line in said for n in loose_numbers(line, text, session.evidence)], said


def test_nothing_is_said_twice_in_one_answer(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent._planner.understand", read_as_act)
    answer: Any = list(Assistant(session).ask("score_genes| LYZ and CD3D"))[-1]
    assert answer.text.count("2 are measured") == 1


FOLLOWED = [
    ("count_type", "B cells?", "quality_group", "are these good?", "the 80 cells of 'B cells'"),
    ("describe", "cluster 2?", "is_type", "is it a B cell?", "No: the model labels cluster 2 as"),
    ("describe", "Monocytes?", "why", "why are they monocytes?", "in cluster 2 (80)"),
    ("confidence", "Monocytes?", "doublets", "any in them?", "No: of the cells of 'Monocytes'"),
    ("count_type", "B cells?", "compare", "stim against ctrl in these", "among 'B cells'"),
    ("count_type", "B cells?", "compare", "stim against ctrl", "120 cells of 'stim'"),
    ("more_in", "more B cells in stim?", "significant", "is that significant?", "No: the diff"),
    ("more_in", "more B cells in stim?", "every_donor", "in each?", "0 of the 4 donors, in 'ctrl'"),
    ("gene_test", "is ISG15 higher in stim than in ctrl?", "every_donor", "in each?",
     "ISG15 is higher in 'stim' than in 'ctrl' in each donor"),
    ("gene_test", "is LYZ higher in Monocytes than in B cells?", "every_donor", "in each donor?",
     "LYZ is higher in 'Monocytes' than in 'B cells' in each donor"),
    ("gene_test", "is LYZ higher in Monocytes than in B cells?", "and_group", "and in stim?",
     "higher in 'Monocytes' and 'stim' than in 'B cells' and 'stim'"),
    ("gene_test", "is LYZ higher in Monocytes than in B cells?", "without", "without stim?",
     "than in 'B cells' without 'stim'"),
    ("expression_in", "LYZ in B cells?", "compare_selection", "compare them with the Monocytes",
     "Higher in 'B cells' than in 'Monocytes'"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "text", "then", "next_text", "said"), FOLLOWED)
def test_these_are_the_cells_that_were_spoken_of(
    act: str,
    text: str,
    then: str,
    next_text: str,
    said: str,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent._planner.understand", read_as_act)
    assistant = Assistant(session)
    list(assistant.ask(f"{act}| {text}"))
    answer: Any = list(assistant.ask(f"{then}| {next_text}"))[-1]
    assert said in answer.text


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ({"XIST": 100.0, "RPS4Y1": 0.0, "DDX3Y": 30.0}, "female"),
        ({"XIST": 90.0, "RPS4Y1": 40.0, "DDX3Y": 30.0}, "both"),
        ({"XIST": 0.5, "RPS4Y1": 60.0, "DDX3Y": 4.0}, "male"),
        ({"XIST": 25.0, "RPS4Y1": 30.0, "DDX3Y": 2.0}, "both"),
        ({"XIST": 0.0, "RPS4Y1": 0.0}, ""),
    ],
)
def test_a_trace_of_one_gene_of_the_y_chromosome_makes_nobody_male(
    shares: dict[str, float], verdict: str
) -> None:
    assert sex_told_by(shares) == verdict


OF_THE_FILE = [
    ("are there time points?", "No: I see nothing in your file that would tell me about time"),
    ("are there spatial coordinates?", "tell me about spatial coordinates"),
    ("can you compute a trajectory?", "I find no time points in your file"),
    ("are there enough donors to compare?", "Yes: there are 4 donors with cells of several"),
    ("are there enough B cells in each condition?", "Barely: the smallest group, 'ctrl', has 40"),
    ("can I compare donors?", "Yes: there are 4 people"),
    ("how many donors and which condition each?", "Each of the 4 donors in 'donor' has cells of"),
    ("what sex are the donors?", "I see nothing in your file that would tell me about the sex"),
    ("how many genes are measured, and is that the whole transcriptome?", "No: only 66 genes"),
    ("is this data normalised?", "No: expression is read from X, which holds raw counts"),
    ("are the labels trustworthy?", "cells read carry the authors' name or a more specific one"),
    ("how confident are you on average?", "the mean confidence is 0.9"),
    ("are clusters 0 and 1 the same cell type?", "No: the model calls cluster 0"),
    ("is FCGR3A the same as CD16?", "Yes: 'FCGR3A' and 'CD16' are names of one gene, FCGR3A"),
    ("what is the most common cell type, and the rarest?", "share the last place"),
    ("which of the clusters are immune?", "labelled as leukocytes"),
    ("is LYZ expressed anywhere?", "Yes: LYZ is detected in"),
    ("is there a batch effect?", "I see no column of batches in your file"),
    ("are there any B cells in cluster 0?", "Yes: 80 of the 80 cells of cluster 0"),
    ("are B cells the majority?", "No: 33.3% of the 240 cells"),
    ("are the cells per condition balanced?", "Yes: the groups hold 120 to 120"),
    ("is the B cells label reliable?", "the model reads 40 of 40 cells of them as B cell"),
    ("is ISG15 higher in stim than in ctrl?", "That is the p-value of this one gene"),
    ("is cluster 1 malignant?", "No: of the 40 cells read in cluster 1"),
    ("what do 0 and 1 mean in leiden?", "I cannot tell what these values stand for"),
    ("is there contamination with red blood cells?", "Erythrocyte (CL:0000232)"),
    ("how many B cells are there, and is that a lot?", "Yes: 80 of the 240 cells"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "part"), OF_THE_FILE)
def test_what_a_file_lacks_or_is_enough_for_is_said_of_this_file(
    question: str, part: str, session: Session
) -> None:
    answer = list(Assistant(session).ask(question))[-1]
    assert isinstance(answer, Answer)
    assert answer.unsupported == ()
    assert part in answer.text, answer.text


def test_why_after_doubtful_cells_says_between_which_types_the_model_wavers(
    session: Session,
) -> None:
    assistant = Assistant(session)
    list(assistant.ask("which cells are you least sure about?"))
    answer: Any = list(assistant.ask("why?"))[-1]
    assert "genes of these cells" in answer.text, answer.text
    assert answer.unsupported == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("is NKG7 on in both?", "is NKG7 expressed in cluster 0 and in cluster 1?"),
        ("which of the two has more NKG7?", "compare NKG7 between cluster 0 and cluster 1"),
        ("is NKG7 one of them?", "is NKG7 one of them?"),
    ],
)
def test_both_are_the_two_groups_that_were_spoken_of(
    question: str, said: str, session: Session
) -> None:
    focus = Focus().after(Ask("compare", clusters=("0", "1")))
    assert name_both(question, focus, vocabulary_of(session)) == said
