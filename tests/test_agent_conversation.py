"""Whole conversations through the real agent graph, with the planner and with scripted models."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent import Answer, AnswerToken, Assistant, ToolCalled, ToolReturned
from tests.marker_reader import MarkerReader
from tools import Session


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from kb import KnowledgeBase

    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture(scope="module")
def session(knowledge: Any) -> Session:
    made = Session(knowledge=knowledge, load_describer=MarkerReader)
    made.open_demo()
    return made


def ask(assistant: Assistant, question: str) -> tuple[Answer, list[str], list[Any]]:
    """Return the answer, the names of the tools called, and all steps."""
    steps = list(assistant.ask(question))
    answer = steps[-1]
    assert isinstance(answer, Answer)
    assert sum(isinstance(step, Answer) for step in steps) == 1
    return answer, [step.name for step in steps if isinstance(step, ToolCalled)], steps


CONVERSATION = [
    ("What is in this dataset?", ["describe_dataset"], ["700 cells", "765 genes"]),
    ("What is cluster 3?", ["describe_cluster"], ["Cluster 3", "[CL:"]),
    ("and the next one?", ["describe_cluster"], ["Cluster 4", "B cells [CL:0000236]", "CD19+ B"]),
    ("Describe five cells of cluster 1", ["describe_cells"], ["5 cells of cluster 1", "Cell 5"]),
    ("describe three more", ["describe_cells"], ["3 other cells of cluster 1"]),
    ("Why not NK cells?", ["explain_alternative"], ["natural killer cell [CL:0000623]"]),
    ("which genes made you say that?", ["explain_cell_type"], ["LYZ", "cluster 1"]),
    ("What tells cluster 2 from cluster 5?", ["compare_clusters"], ["FCGR3A"]),
    ("Show CD3D on the UMAP", ["show_expression"], ["CD3D is detected in 287 of the 700 cells"]),
    ("what about CD8?", ["show_expression"], ["the gene CD8A [E"]),
    (
        "What does the Cell Ontology say about regulatory T cells?",
        ["look_up_term"],
        ["[CL:0000815]", "regulates overall immune responses"],
    ),
    ("Label the clusters", ["label_clusters"], ["- Cluster 0:", "- Cluster 10:"]),
    ("is cluster 4 B cells?", ["explain_alternative"], ["Yes", "cluster 4"]),
    ("is cluster 4 monocytes?", ["explain_alternative"], ["No: the model labels cluster 4 as B"]),
    ("which clusters are B cells?", ["label_clusters", "summarise_cells"], ["4", "8"]),
    ("how sure are you about cluster 4?", ["describe_cluster"], ["mean confidence"]),
    ("where is NKG7 highest?", ["show_expression"], ["highest in cluster 3"]),
    ("what is it?", ["describe_cluster"], ["Cluster 3"]),
    ("which cluster is biggest?", ["list_clusters"], ["Cluster 0 is the biggest, with 130 cells"]),
    ("How many B cells are there?", ["find_cells"], ["B cell [CL:0000236]"]),
    ("What is cluster 99?", ["describe_cluster"], ["'99'"]),
    ("Show FOOBAR1", ["show_expression"], ["FOOBAR1"]),
    ("Why is cluster 3 not flurbocytes?", ["explain_alternative"], ["'flurbocytes' is not"]),
    ("write me a poem", [], ["I "]),
    ("", [], ["question"]),
    ("thanks", [], []),
]  # fmt: skip


def test_the_conversation_is_answered_with_references(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    assistant = Assistant(session)
    for question, tools, parts in CONVERSATION:
        answer, called, steps = ask(assistant, question)
        assert called == tools, question
        assert answer.unsupported == (), question
        for part in parts:
            assert part in answer.text, (question, answer.text)
        failed = [step for step in steps if isinstance(step, ToolReturned) and step.error]
        assert bool(answer.references) == bool(tools and not failed), question
        for name in answer.references:
            assert name in session.evidence or session.knowledge.term(name), question
        tokens = "".join(step.text for step in steps if isinstance(step, AnswerToken))
        assert tokens.split() == answer.text.split(), question
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


def test_more_cells_are_other_cells(session: Session) -> None:
    assistant = Assistant(session)
    first = ask(assistant, "Describe five cells of cluster 1")[0].evidence[0]
    more = ask(assistant, "describe three more")[0].evidence[0]
    assert first.table is not None
    assert more.table is not None
    assert {row["cluster"] for row in more.table} == {"1"}
    assert not {r["barcode"] for r in first.table} & {r["barcode"] for r in more.table}


def test_several_tool_calls_keep_their_order_and_their_evidence(session: Session) -> None:
    _, called, steps = ask(Assistant(session), "Show CD3D and NKG7 and LYZ and MS4A1")
    returned = [step for step in steps if isinstance(step, ToolReturned)]
    assert called == ["show_expression"] * 4
    numbers = [int(step.evidence.id[1:]) for step in returned]  # type: ignore[union-attr]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 4))
    genes = {step.evidence.id: step.evidence.facts["gene"] for step in returned}  # type: ignore[union-attr]
    assert [genes[name] for name in sorted(genes, key=lambda e: int(e[1:]))] == [
        "CD3D",
        "NKG7",
        "LYZ",
        "MS4A1",
    ]
    assert all(step.seconds > 0 for step in returned)


def test_without_a_dataset_one_sentence_says_so_and_the_ontology_still_works(
    knowledge: Any,
) -> None:
    assistant = Assistant(Session(knowledge=knowledge, load_describer=MarkerReader))
    for question in ("What is in this dataset?", "What is cluster 3?", "Show CD3D", "why?"):
        answer, called, _ = ask(assistant, question)
        assert answer.text.startswith("No dataset is open yet")
        assert called == []
        assert answer.unsupported == ()
    answer, called, _ = ask(assistant, "What does the Cell Ontology say about B cells?")
    assert called == ["look_up_term"]
    assert "CL:0000236" in answer.references
    assert assistant.suggestions()


def test_what_is_missing_is_asked_back_and_then_answered(session: Session) -> None:
    assistant = Assistant(session)
    answer, called, _ = ask(assistant, "Why not NK cells?")
    assert called == ["label_clusters"]
    assert "Cluster 3 is labelled as natural killer cell [CL:0000623]" in answer.text
    assert answer.text.endswith("Which cluster do you mean (0 to 10)?")
    answer, called, _ = ask(assistant, "4")
    assert called == ["explain_alternative"]
    assert "cluster 4" in answer.text


def test_a_question_about_an_unknown_cluster_leaves_the_focus_where_it_was(
    session: Session,
) -> None:
    assistant = Assistant(session)
    ask(assistant, "What is cluster 3?")
    ask(assistant, "What is cluster 99?")
    answer, _, steps = ask(assistant, "which genes made you say that?")
    called = next(step for step in steps if isinstance(step, ToolCalled))
    assert called.args == {"cluster": "3"}
    assert "cluster 3" in answer.text


def test_a_conversation_goes_on_from_its_checkpoint(session: Session, tmp_path: Path) -> None:
    import sqlite3

    from langgraph.checkpoint.sqlite import SqliteSaver

    with sqlite3.connect(tmp_path / "talk.sqlite", check_same_thread=False) as connection:
        saver = SqliteSaver(connection)
        ask(Assistant(session, checkpointer=saver), "What is cluster 3?")
        answer, called, _ = ask(Assistant(session, checkpointer=saver), "and the next one?")
    connection.close()
    assert called == ["describe_cluster"]
    assert "Cluster 4" in answer.text


TEN_TURNS = [
    ("What is cluster 4?", "describe_cluster"),
    ("Show LYZ", "show_expression"),
    ("How many genes were measured?", "describe_dataset"),
    ("list the clusters", "list_clusters"),
    ("umap by phase", "plot_umap"),
    ("composition by phase", "count_composition"),
    ("What is cluster 9?", "describe_cluster"),
    ("Show NKG7", "show_expression"),
    ("select cells in cluster 3 with CD3D > 1", "select_cells"),
    ("What does the ontology say about monocytes?", "look_up_term"),
    ("which cluster is smallest?", "list_clusters"),
]


def test_what_was_said_ten_turns_ago_can_be_referred_to(session: Session) -> None:
    session.cached("selections", dict).clear()
    assistant = Assistant(session)
    for question, tool in TEN_TURNS:
        assert ask(assistant, question)[1] == [tool], question
    first = next(name for name, e in session.evidence.items() if e.facts.get("cluster") == "4")
    for question, tools, part in (
        ("What was the first cluster I asked about?", [], "cluster 4"),
        ("markers of the first cluster I asked about", ["rank_markers"], "cluster 4"),
        ("which genes did I look at?", [], "LYZ"),
        ("what did you say about LYZ?", [], "LYZ is detected in"),
        ("what are the cells of selection 1?", ["describe_selection"], "CL:"),
        (f"what was {first}?", [], f"[{first}]"),
    ):
        answer, called, _ = ask(assistant, question)
        assert called == tools, question
        assert part in answer.text, (question, answer.text)
        assert answer.references, question
        assert answer.unsupported == (), question


def test_evidence_keeps_its_ids_over_a_restart(knowledge: Any, tmp_path: Path) -> None:
    import sqlite3

    from langgraph.checkpoint.sqlite import SqliteSaver

    def start() -> Session:
        made = Session(knowledge=knowledge, load_describer=MarkerReader)
        made.open_demo()
        return made

    with sqlite3.connect(tmp_path / "talk.sqlite", check_same_thread=False) as connection:
        before = start()
        first = Assistant(before, checkpointer=SqliteSaver(connection))
        before.record(tool="plot_umap", text="Drawn beside the conversation.")  # E2, a gap
        told = ask(first, "Show CD3D")[0]
        ask(first, "What is cluster 3?")
        after = start()
        after.record(tool="plot_umap", text="Drawn by the new page.")
        after.record(tool="plot_umap", text="Drawn again by the new page.")  # E3 there too
        second = Assistant(after, checkpointer=SqliteSaver(connection))
        assert after.evidence[told.references[0]].text == told.evidence[0].text
        assert "Drawn again by the new page." in {e.text for e in after.evidence.values()}
        assert all(name == item.id for name, item in after.evidence.items())
        known = set(after.evidence)
        recalled = ask(second, f"what was {told.references[0]}?")[0]
        new = ask(second, "and the next one?")[0]
    connection.close()
    assert recalled.references == told.references
    assert "CD3D is detected in" in recalled.text
    assert "Cluster 4" in new.text
    assert not {item.id for item in new.evidence} & known


def test_a_question_that_was_broken_off_does_not_disturb_the_next(session: Session) -> None:
    assistant = Assistant(session)
    ask(assistant, "What is cluster 3?")
    broken = assistant.ask("Show CD3D and NKG7")
    assert isinstance(next(broken), ToolCalled)
    broken.close()  # type: ignore[attr-defined]
    answer, called, _ = ask(assistant, "and the next one?")
    assert called == ["describe_cluster"]
    assert "Cluster 4" in answer.text


def test_suggestions_follow_from_what_was_shown(session: Session) -> None:
    assistant = Assistant(session)
    assert "Label the clusters" in assistant.suggestions()
    ask(assistant, "What is cluster 3?")
    assert "Which genes made you say that?" in assistant.suggestions()
    for question in assistant.suggestions():
        assert ask(assistant, question)[0].references


# Language models


class Scripted(BaseChatModel):
    """Plays a list of messages; an exception in the list is raised."""

    script: list[Any]
    seen: list[list[BaseMessage]] = []

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "Scripted":
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.seen.append(messages)
        message = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(message, Exception):
            raise message
        copied = message.model_copy(deep=True, update={"id": None})
        return ChatResult(generations=[ChatGeneration(message=copied)])


def call(name: str, _id: str = "c1", **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": _id}])


def talk(session: Session, *script: Any) -> tuple[Answer, Scripted, list[Any]]:
    model = Scripted(script=list(script), seen=[])
    answer, _, steps = ask(Assistant(session, llm=model), "What is cluster 3?")
    return answer, model, steps


def newest(session: Session) -> int:
    return len(session.evidence)


def test_a_language_model_is_led_through_the_same_tools(session: Session) -> None:
    number = newest(session) + 1
    answer, model, steps = talk(
        session,
        call("describe_cluster", cluster=3),  # a number where a text is wanted
        AIMessage(f"Cluster 3 holds 70 cells [E{number}]."),
    )
    assert answer.text == f"Cluster 3 holds 70 cells [E{number}]."
    assert answer.references == (f"E{number}",)
    assert answer.unsupported == ()
    assert [type(step) for step in steps[:2]] == [ToolCalled, ToolReturned]
    assert "never an instruction" in str(model.seen[0][0].content)


def test_a_hallucinated_number_is_sent_back_once_and_mended(session: Session) -> None:
    number = newest(session) + 1
    answer, model, steps = talk(
        session,
        call("describe_cluster", cluster="3"),
        AIMessage(f"Cluster 3 holds 70 cells [E{number}]. It is 12,345 cells [E{number}]."),
        AIMessage(f"Cluster 3 holds 70 cells [E{number}]."),
    )
    assert "12,345" in str(model.seen[2][-1].content)
    assert answer.text == f"Cluster 3 holds 70 cells [E{number}]."
    assert answer.unsupported == ()
    assert not any("12,345" in step.text for step in steps if isinstance(step, AnswerToken))


def test_what_stays_unsupported_is_never_part_of_the_answer(session: Session) -> None:
    number = newest(session) + 1
    bad = f"It holds 12,345 regulatory T cells [E{number}]."
    answer, model, _ = talk(
        session,
        call("describe_cluster", cluster="3"),
        AIMessage(f"Cluster 3 holds 70 cells [E{number}]. {bad}"),
    )
    assert answer.text == f"Cluster 3 holds 70 cells [E{number}]."
    assert answer.unsupported == (bad,)
    assert len(model.seen) == 3


def test_invented_references_and_bare_claims_are_caught(session: Session) -> None:
    answer, _, _ = talk(session, AIMessage("It is T cells [E9999]. Cluster 3 has NK cells."))
    assert answer.unsupported == ("It is T cells [E9999].", "Cluster 3 has NK cells.")
    assert "could not trace" in answer.text
    assert answer.references == ()


def test_wrong_tools_and_malformed_arguments_come_back_as_errors(session: Session) -> None:
    answer, model, steps = talk(
        session,
        call("delete_everything", "a", path="/"),
        call("describe_cluster", "b", kluster="3"),
        call("describe_cluster", "c", cluster="99"),
        AIMessage("I found no cluster 99."),
    )
    errors = [step.error for step in steps if isinstance(step, ToolReturned)]
    assert len(errors) == 3
    assert "delete_everything" in str(errors[0])
    assert "kluster" in str(errors[1])
    assert "'99'" in str(errors[2])
    assert answer.text == "I found no cluster 99."


def test_an_endless_loop_ends_with_one_sentence(session: Session) -> None:
    answer, model, _ = talk(session, call("list_clusters"))
    assert len(model.seen) <= 10
    assert answer.text.startswith("I stopped here")


def test_when_the_provider_fails_the_planner_answers_and_says_so(session: Session) -> None:
    answer, model, steps = talk(session, ConnectionError("no route to host"))
    assert "the built-in planner answered" in answer.text
    assert "ConnectionError" in answer.text
    assert "Cluster 3" in answer.text
    assert answer.references
    assert [step.name for step in steps if isinstance(step, ToolCalled)] == ["describe_cluster"]


def test_a_provider_that_fails_half_way_is_replaced_too(session: Session) -> None:
    answer, _, _ = talk(session, call("list_clusters"), ConnectionError("gone"))
    assert "the built-in planner answered" in answer.text
    assert "Cluster 3" in answer.text


def test_a_hosted_model_never_sees_barcodes(session: Session) -> None:
    _, model, _ = talk(
        session, call("describe_cells", cluster="1"), AIMessage("I have read the cells.")
    )
    prompt = "\n".join(str(message.content) for message in model.seen[-1])
    barcodes = [name for name in session.adata.obs_names if name in prompt]  # type: ignore[union-attr]
    assert barcodes == []
    assert "CL:" in prompt


def test_a_retry_does_not_repeat_what_was_shown(session: Session) -> None:
    number = newest(session) + 1
    answer, model, steps = talk(
        session,
        call("describe_cluster", cluster="3"),
        TimeoutError("slow"),
        AIMessage(f"Cluster 3 holds 70 cells [E{number}]."),
    )
    shown = "".join(step.text for step in steps if isinstance(step, AnswerToken))
    assert shown == answer.text == f"Cluster 3 holds 70 cells [E{number}]."
    assert "planner" not in answer.text


@pytest.mark.parametrize(
    "lie",
    [
        "Cluster 3 holds 71 cells [E{n}].",
        "Cluster 3 holds 10.1% of the dataset [E{n}].",
        "FOXP3 marks cluster 3 [E{n}].",
        "These are regulatory T cells [E{n}].",
        "The mean confidence is 0.99 [E{n}].",
        "Cluster 3 holds 70 cells [E{m}].",
        "Cluster 3 holds 70 cells.",
        "It is a T cell [CL:0000236].",
        "Cluster 3 holds seventy-one cells, or 71 [E{n}].",
        "NK cells kill tumour cells.",
        "You have 12 donors.",
        "I counted 71 cells.",
        "The p-value is 1.5e-30 [E{n}].",
    ],
)
def test_each_planted_falsehood_is_caught(lie: str, session: Session) -> None:
    number = newest(session) + 1
    sentence = lie.format(n=number, m=number + 500)
    answer, _, _ = talk(session, call("list_clusters"), AIMessage(sentence))
    assert answer.unsupported == (sentence,)
    assert sentence not in answer.text
    assert f"Not supported by evidence: {sentence}" in answer.marked


def test_arguments_that_are_no_json_end_in_words(session: Session) -> None:
    broken = AIMessage(
        "",
        invalid_tool_calls=[{"name": "list_clusters", "args": "{{{", "id": "x", "error": "bad"}],
    )
    answer, _, _ = talk(session, broken)
    assert answer.text
    assert answer.references == ()


def test_what_is_said_of_the_authors_labels_is_supported(session: Session) -> None:
    answer, called, _ = ask(Assistant(session), "Do the bulk labels agree with your labels?")
    assert called == ["compare_labels"]
    assert answer.unsupported == ()
    assert "in the ontology" in answer.text


def test_a_question_that_is_cut_is_said_to_be(session: Session) -> None:
    said = "Your question was very long; only its beginning was read."
    answer, _, _ = ask(Assistant(session), "How many cells are there?" + " " * 50 + "x " * 1500)
    assert answer.text.startswith(said)
    answer, _, _ = ask(Assistant(session), "How many cells are there?")
    assert said not in answer.text
