"""The verbs, and the conversation, for other doors than the page: REST, MCP, scripts.

A door loops over `endpoints` and needs to know nothing about a single verb. What an endpoint
takes is checked against the same schema that a language model is given, and what it gives is
the same evidence, as plain JSON values.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticUndefined

from tools import TOOLS, ToolError

from ._steps import Answer, Step, ToolCalled
from ._toolset import Verb, arguments_model, as_artifact, read_docstring

if TYPE_CHECKING:
    from ._assistant import Assistant
    from ._workspaces import Workspaces

_WORKSPACE = (
    "Name that came with an earlier result, to go on with the same dataset, evidence and "
    "conversation; leave it out to begin anew."
)
_ASK = (
    "Ask about the open dataset in plain words; the answer comes with references, the evidence "
    "behind them and the calls that made it."
)


@dataclass(frozen=True)
class Endpoint:
    """One verb, or the conversation, as a door offers it.

    Parameters
    ----------
    name
        Of the verb.
    summary
        What it does, in one sentence.
    arguments
        Model that checks what is given.
    run
        Takes the caller's conversation and the checked arguments, gives plain JSON values.
    """

    name: str
    summary: str
    arguments: type[BaseModel]
    run: "Callable[[Assistant, dict[str, Any]], dict[str, Any]]"

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        return self.arguments.model_json_schema()

    def call(self, assistant: "Assistant", given: Mapping[str, Any]) -> dict[str, Any]:
        """Check what is given, do it, and return the evidence or the answer as JSON values.

        Raises
        ------
        ToolError
            If an argument is wrong, or the verb refuses; the message is for people.
        """
        try:
            checked = self.arguments(**given)
        except ValidationError as exc:
            wrong = "; ".join(
                f"{'.'.join(map(str, error['loc'])) or 'arguments'}: {error['msg'].lower()}"
                for error in exc.errors()
            )
            known = ", ".join(self.arguments.model_fields) or "none"
            msg = f"{self.name} cannot be called so ({wrong}). Its arguments are: {known}."
            raise ToolError(msg) from exc
        return self.run(
            assistant, {name: getattr(checked, name) for name in self.arguments.model_fields}
        )

    def as_function(
        self,
        workspaces: "Workspaces",
        *,
        caller: type | None = None,
        client_of: Callable[[Any], str | None] = lambda caller: None,
    ) -> Callable[..., dict[str, Any]]:
        """Return a plain function with the verb's own parameters, types and description.

        Its last parameters are ``workspace``, and ``caller`` where a type of it is given.

        Parameters
        ----------
        workspaces
            Where the dataset and the conversation of each caller are.
        caller
            Type of what a door hands over about who calls.
        client_of
            Gives the secret by which a caller's calls belong together, or None.
        """
        kinds = {name: field.annotation for name, field in self.arguments.model_fields.items()}
        parameters = [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if field.is_required() else field.default,
                annotation=field.annotation,
            )
            for name, field in self.arguments.model_fields.items()
        ]
        more: dict[str, Any] = {"workspace": str} | ({"caller": caller} if caller else {})
        for name, kind in more.items():
            default = "" if name == "workspace" else None
            parameters.append(
                inspect.Parameter(
                    name,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                    default=default,
                    annotation=kind,
                )
            )

        def function(*args: Any, **kwargs: Any) -> dict[str, Any]:
            given = dict(zip((p.name for p in parameters), args, strict=False)) | kwargs
            client = client_of(given.pop("caller", None))
            place = workspaces.take(str(given.pop("workspace", None) or ""), client=client)
            with place.lock:
                return self.call(place.assistant, given) | {"workspace": place.name}

        function.__name__ = self.name
        function.__signature__ = inspect.Signature(parameters, return_annotation=dict)  # type: ignore[attr-defined]
        function.__annotations__ = kinds | more | {"return": dict}
        function.__doc__ = self._google_docstring()
        return function

    def _google_docstring(self) -> str:
        """Return the description in the style that MCP servers read parameters from."""
        fields = self.arguments.model_fields
        lines = [f"    {name}: {field.description}" for name, field in fields.items()]
        return "\n".join([self.summary, "", "Args:", *lines, f"    workspace: {_WORKSPACE}"])


def endpoints(verbs: Mapping[str, Verb] = TOOLS) -> list[Endpoint]:
    """Return the conversation and every verb as endpoints, in the order of the registry.

    Raises
    ------
    ToolsetError
        If a verb's parameters are not annotated with plain types.
    """
    question = (str, Field(PydanticUndefined, description="Question or request, in English."))
    config = ConfigDict(extra="forbid")
    asking = create_model("ask", __config__=config, question=question)  # type: ignore[call-overload]
    return [
        Endpoint("ask", _ASK, asking, _ask),
        *(
            Endpoint(name, read_docstring(verb)[0], arguments_model(name, verb), _runner(verb))
            for name, verb in verbs.items()
        ),
    ]


def _runner(verb: Verb) -> "Callable[[Assistant, dict[str, Any]], dict[str, Any]]":
    return lambda assistant, named: as_artifact(verb(assistant.session, **named))


def _ask(assistant: "Assistant", named: dict[str, Any]) -> dict[str, Any]:
    return answer_record(named["question"], assistant.ask(named["question"]))


def record_text(record: Mapping[str, Any]) -> str:
    """Return what `answer_record` gathered as text: the answer, and a line for each evidence."""
    lines = [f"> {record['question']}", "", record["answer"], ""]
    lines += [
        f"  [{item['id']}] {item['tool']}: {textwrap.shorten(item['text'], 90)}"
        for item in record["evidence"]
    ]
    return "\n".join([*lines, ""])


def answer_record(question: str, steps: Iterable[Step]) -> dict[str, Any]:
    """Gather the steps of one answer into plain JSON values, as every door hands them out.

    Returns
    -------
    ``question``, ``answer``, ``references``, ``evidence`` (``id``, ``tool``, ``text``, and as
    ``table`` all rows of `tools.Evidence.rows`), ``steps`` (``tool``, ``args``) and ``seconds``.

    Raises
    ------
    RuntimeError
        If the steps end without an answer.
    """
    calls, final = [], None
    for step in steps:
        if isinstance(step, ToolCalled):
            calls.append({"tool": step.name, "args": dict(step.args)})
        elif isinstance(step, Answer):
            final = step
    if final is None:
        msg = "the conversation ended without an answer"
        raise RuntimeError(msg)
    return {
        "question": question,
        "answer": final.marked,
        "references": list(final.references),
        "evidence": [
            {"id": item.id, "tool": item.tool, "text": item.text, "table": item.rows or None}
            for item in final.evidence
        ],
        "steps": calls,
        "seconds": round(final.seconds, 3),
    }
