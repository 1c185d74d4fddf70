"""Base models by hub id or folder: only configuration, tokenizer and safetensors, never code."""

from pathlib import Path

from ._errors import CheckpointError

#: What a base model may consist of. Python files and pickled weights are never fetched.
PATTERNS = ("*.json", "*.safetensors", "tokenizer*", "*.jinja", "*.model", "*.txt")


def base_folder(
    name_or_path: str,
    *,
    subfolder: str | None = None,
    revision: str | None = None,
    weights: bool = True,
) -> Path:
    """Return the folder of a base model, downloading it when it is a hub id.

    Parameters
    ----------
    name_or_path
        Folder, or hub id such as "meta-llama/Llama-3.2-1B-Instruct".
    subfolder
        Folder inside it that holds the model, as Geneformer's repository has one a model.
    revision
        Branch, tag or commit on the hub; None is the newest.
    weights
        Whether the weights are needed, or the configuration alone.

    Raises
    ------
    CheckpointError
        If it can be neither found nor downloaded, or holds no model.
    """
    folder = Path(name_or_path)
    if not folder.is_dir():
        patterns = [f"{subfolder}/{p}" for p in PATTERNS] if subfolder else list(PATTERNS)
        folder = download(name_or_path, patterns, what="base model", revision=revision)
    folder = folder / subfolder if subfolder else folder
    if not (folder / "config.json").is_file():
        msg = (
            f"{folder} holds no config.json, so it is no model. Give the folder of a transformers "
            "model, or its hub id; encoder.subfolder names a folder inside a repository."
        )
        raise CheckpointError(msg)
    if weights and not any(folder.glob("*.safetensors")):
        msg = (
            f"{folder} holds no *.safetensors. Weights in pickle form (pytorch_model.bin) can run "
            "code and are not read; take a revision with safetensors, or convert them."
        )
        raise CheckpointError(msg)
    return folder


def download(hub_id: str, patterns: list[str], *, what: str, revision: str | None = None) -> Path:
    """Return the local copy of a hub repository.

    Raises
    ------
    CheckpointError
        If the repository cannot be had, be it for its name, for lack of a network or of access.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as exc:
        msg = (
            f"{hub_id!r} is neither a {what} folder nor a repository that could be downloaded "
            "from the hub. Give a folder, or a hub id such as 'owner/name' while online; for a "
            "gated model log in with `hf auth login` first."
        )
        raise CheckpointError(msg) from exc
