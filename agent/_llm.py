"""Make the chat model that a person asked for."""

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from ._errors import LanguageModelError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

# Provider: importable package, how to install it.
_PACKAGES = {
    "openai": ("langchain_openai", "pip install 'cell2text-chat[openai]'"),
    "ollama": ("langchain_ollama", "pip install 'cell2text-chat[ollama]'"),
    "anthropic": ("langchain_anthropic", "pip install 'cell2text-chat[anthropic]'"),
}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_TIMEOUT = 60.0  # seconds for one request
_LONGEST_REPLY = 1500  # tokens


@dataclass(frozen=True)
class ChosenModel:
    """A chat model, how to call it in a sentence, and whether it runs elsewhere."""

    model: "BaseChatModel"
    name: str
    is_hosted: bool


def choose_model(
    llm: "str | BaseChatModel", *, base_url: str | None = None, offline: bool = False
) -> ChosenModel:
    """Return the chat model named by `llm`.

    Parameters
    ----------
    llm
        ``"provider:model"`` with a provider of openai, anthropic or ollama; a bare model name
        with `base_url`; or a LangChain chat model, which is taken to be hosted.
    base_url
        Address of an OpenAI-compatible server.
    offline
        Allow only models that run on this machine.

    Raises
    ------
    LanguageModelError
        If the name cannot be read, a package is missing, the provider refuses, or the model runs
        elsewhere and `offline` is set.
    """
    if not isinstance(llm, str):
        return ChosenModel(llm, type(llm).__name__, is_hosted=True)
    provider, _, model = llm.strip().partition(":")
    if base_url and provider not in _PACKAGES:
        provider, model = "openai", llm.strip()
    if provider not in _PACKAGES or not model:
        msg = (
            f"The language model {llm!r} cannot be used. Write provider:model, with a provider of "
            "openai, anthropic or ollama, for example 'ollama:llama3.2'; or give the address of an "
            "OpenAI-compatible server."
        )
        raise LanguageModelError(msg)
    if offline and _is_hosted(provider, base_url):
        msg = (
            f"The language model {llm!r} runs on another machine, which --offline forbids. Use a "
            "model on this machine, for example 'ollama:llama3.2', or leave --llm out."
        )
        raise LanguageModelError(msg)
    package, install = _PACKAGES[provider]
    if importlib.util.find_spec(package) is None:
        msg = f"The language model {llm!r} needs the package {package}. Install it: {install}."
        raise LanguageModelError(msg)
    return ChosenModel(
        _make(provider, model, base_url), f"{provider}:{model}", _is_hosted(provider, base_url)
    )


def is_hosted(llm: "str | BaseChatModel | None") -> bool:
    """Whether a chat model, as it is named on the command line, runs on another machine."""
    if llm is None:
        return False
    return not isinstance(llm, str) or _is_hosted(llm.strip().partition(":")[0], None)


def _make(provider: str, model: str, base_url: str | None) -> "BaseChatModel":
    from langchain.chat_models import init_chat_model

    limit = "num_predict" if provider == "ollama" else "max_tokens"
    options: dict[str, Any] = {"temperature": 0, limit: _LONGEST_REPLY}
    if base_url:
        options["base_url"] = base_url
    if provider != "ollama":
        options |= {"timeout": _TIMEOUT, "max_retries": 1}
    if provider == "openai" and base_url and _is_loopback(base_url):
        options["api_key"] = "none"  # a local server asks for none, the client insists on one
    try:
        return init_chat_model(model, model_provider=provider, **options)
    except Exception as exc:
        msg = (
            f"The language model '{provider}:{model}' could not be set up: {exc}. Check its name, "
            "its address and its key, or leave --llm out to use the built-in planner."
        )
        raise LanguageModelError(msg) from exc


def _is_loopback(url: str) -> bool:
    return (urlparse(url).hostname or "") in _LOOPBACK


def _is_hosted(provider: str, base_url: str | None) -> bool:
    if base_url:
        return not _is_loopback(base_url)
    return provider != "ollama"
