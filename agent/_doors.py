"""The verbs for other doors than the conversation: REST, MCP, scripts.

A door loops over `endpoints` and needs to know nothing about a single verb. What an endpoint
takes is checked against the same schema that a language model is given, and what it gives is
the same evidence, as plain JSON values.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tools import TOOLS, ToolError

from ._toolset import Verb, arguments_model, as_artifact, read_docstring

if TYPE_CHECKING:
    from tools import Session


@dataclass(frozen=True)
class Endpoint:
    """One verb as a door offers it.

    Parameters
    ----------
    name
        Of the verb.
    summary
        What it does, in one sentence.
    arguments
        Model that checks what is given.
    verb
        The function itself.
    """

    name: str
    summary: str
    arguments: type[BaseModel]
    verb: Verb

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        return self.arguments.model_json_schema()

    def call(self, session: "Session", given: Mapping[str, Any]) -> dict[str, Any]:
        """Check what is given, call the verb and return its evidence as JSON values.

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
        named = {name: getattr(checked, name) for name in self.arguments.model_fields}
        return as_artifact(self.verb(session, **named))

    def as_function(self, session_of: "Callable[[], Session]") -> Callable[..., dict[str, Any]]:
        """Return a plain function with the verb's own parameters, types and description.

        Parameters
        ----------
        session_of
            Gives the session that a call is about.
        """
        parameters = list(inspect.signature(self.verb).parameters.values())[1:]

        def function(*args: Any, **kwargs: Any) -> dict[str, Any]:
            given = dict(zip((p.name for p in parameters), args, strict=False)) | kwargs
            return self.call(session_of(), given)

        plain = [p.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in parameters]
        function.__name__ = self.name
        function.__signature__ = inspect.Signature(plain, return_annotation=dict)  # type: ignore[attr-defined]
        function.__annotations__ = {p.name: p.annotation for p in plain} | {"return": dict}
        function.__doc__ = self._google_docstring()
        return function

    def _google_docstring(self) -> str:
        """Return the description in the style that MCP servers read parameters from."""
        fields = self.arguments.model_fields
        lines = [f"    {name}: {field.description}" for name, field in fields.items()]
        return "\n".join([self.summary, *(["", "Args:", *lines] if lines else [])])


def endpoints(verbs: Mapping[str, Verb] = TOOLS) -> list[Endpoint]:
    """Return every verb as an endpoint, in the order of the registry.

    Raises
    ------
    ToolsetError
        If a verb's parameters are not annotated with plain types.
    """
    return [
        Endpoint(name, read_docstring(verb)[0], arguments_model(name, verb), verb)
        for name, verb in verbs.items()
    ]
