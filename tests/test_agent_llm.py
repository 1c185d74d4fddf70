"""Choosing a language model, and talking to a real OpenAI-compatible server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent import Answer, AnswerToken, Assistant, LanguageModelError, ToolCalled
from agent._llm import choose_model

COMPACT = Path(__file__).resolve().parent.parent / "model" / "checkpoints" / "compact"


@pytest.mark.parametrize("name", ["gpt", "nobody:gpt", "openai:", ""])
def test_a_name_that_cannot_be_read_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(LanguageModelError, match="provider:model"):
        choose_model(name)


def test_a_missing_package_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LanguageModelError, match=r"pip install 'cell2text-chat\[openai\]'"):
        choose_model("openai:gpt-4o")


def test_a_missing_key_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai", reason="the openai extra is not installed")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(LanguageModelError, match="could not be set up"):
        choose_model("openai:gpt-4o")


@pytest.mark.parametrize(
    ("url", "is_hosted"),
    [("http://127.0.0.1:8000/v1", False), ("http://localhost:1/v1", False)],
)
def test_a_server_on_this_machine_is_not_hosted(url: str, is_hosted: bool) -> None:
    pytest.importorskip("langchain_openai", reason="the openai extra is not installed")
    assert choose_model("some-model", base_url=url).is_hosted is is_hosted


def test_a_server_elsewhere_is_hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai", reason="the openai extra is not installed")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    assert choose_model("some-model", base_url="https://models.example.org/v1").is_hosted


class Handler(BaseHTTPRequestHandler):
    """Answers the first request with a tool call and the second with the evidence's words."""

    requests: list[dict[str, Any]] = []  # of all servers of this file; emptied before each

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(body)
        last = body["messages"][-1]
        if last["role"] == "tool":
            sentence = last["content"].split("] ", 1)[1].split(". ")[0]
            delta: dict[str, Any] = {"content": f"{sentence} {last['content'].split(' ')[0]}."}
        else:
            function = {"name": "look_up_term", "arguments": '{"name": "T cell"}'}
            delta = {
                "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]
            }
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for part, reason in ((delta, None), ({}, "stop")):
            chunk = {
                "id": "x",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": "m",
                "choices": [{"index": 0, "delta": part, "finish_reason": reason}],
            }
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


class Babbler(Handler):
    """Streams what a small language model with weights drawn at random says, word by word."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number, word in enumerate([*babble(body["messages"][-1]["content"]), None]):
            choice = {
                "index": 0,
                "delta": {} if word is None else {"content": word},
                "finish_reason": "stop" if word is None else None,
            }
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": number, "model": "m"}
            self.wfile.write(f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


class Broken(Handler):
    """Fails whatever it is asked."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append({})
        self.send_response(500)
        self.end_headers()


def babble(prompt: str) -> list[str]:
    """Let a one-layer model go on after `prompt`, in the words of our own tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(COMPACT / "tokenizer.json"))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=0,
    )
    ids = torch.tensor([tokenizer.encode(prompt)[-64:]])
    made = LlamaForCausalLM(config).eval().generate(ids, max_new_tokens=40, do_sample=True, top_k=0)
    return [tokenizer.decode(token) + " " for token in made[0, ids.shape[1] :]] + ["is 97.3."]


@pytest.fixture(params=[Handler])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    Handler.requests.clear()
    made = ThreadingHTTPServer(("127.0.0.1", 0), request.param)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}/v1"
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_real_server_leads_the_conversation(
    server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("langchain_openai", reason="the openai extra is not installed")
    from kb import KnowledgeBase
    from tools import Session

    session = Session(
        knowledge=KnowledgeBase.open(tmp_path_factory.mktemp("kb")),
        load_describer=lambda: pytest.fail("no cell has to be read"),
    )
    assistant = Assistant(session, llm="tiny", base_url=server)
    steps = list(assistant.ask("What is a T cell?"))
    answer = steps[-1]
    assert isinstance(answer, Answer)
    assert [step.name for step in steps if isinstance(step, ToolCalled)] == ["look_up_term"]
    assert "T cell" in answer.text
    assert "E1" in answer.references
    assert answer.unsupported == ()
    tools = {tool["function"]["name"] for tool in Handler.requests[0]["tools"]}
    assert "describe_cluster" in tools


def conversation(server: str, folder: Path) -> Assistant:
    from kb import KnowledgeBase
    from tools import Session

    session = Session(
        knowledge=KnowledgeBase.open(folder),
        load_describer=lambda: pytest.fail("no cell has to be read"),
    )
    return Assistant(session, llm="tiny", base_url=server)


@pytest.mark.parametrize("server", [Babbler], indirect=True)
def test_what_a_small_model_babbles_is_never_believed(server: str, tmp_path: Path) -> None:
    pytest.importorskip("langchain_openai", reason="the openai extra is not installed")
    steps = list(conversation(server, tmp_path).ask("What is a T cell?"))
    answer = steps[-1]
    assert isinstance(answer, Answer)
    assert len(Handler.requests) == 2  # the draft, and once more after it was sent back
    assert "97.3" not in answer.text
    assert any("97.3" in sentence for sentence in answer.unsupported)
    assert "Not supported by evidence" in answer.marked
    shown = "".join(step.text for step in steps if isinstance(step, AnswerToken))
    assert "97.3" not in shown


@pytest.mark.parametrize("server", [Broken], indirect=True)
def test_a_server_that_fails_is_tried_again_and_then_replaced(server: str, tmp_path: Path) -> None:
    pytest.importorskip("langchain_openai", reason="the openai extra is not installed")
    steps = list(conversation(server, tmp_path).ask("What is a T cell?"))
    answer = steps[-1]
    assert isinstance(answer, Answer)
    assert len(Handler.requests) > 2
    assert "the built-in planner answered" in answer.text
    assert "CL:0000084" in answer.references
