"""The door: the `cell2text` command and the page.

Clicks and words go in to the rooms, what comes back is drawn or printed. Nothing is decided
here (that is `agent`) and no fact about cells is computed here (that is `tools`). This is the
only file that knows Gradio, reads the environment or configures logging. It is longer than a
module should be because a page and a command line share one door: environment, commands, page,
errors, in this order.
"""

import functools
import importlib.util
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import gradio as gr

    from agent import Board, Desk, Visit
    from tools import Rooms

logger = logging.getLogger("cell2text")
cli = typer.Typer(
    help="Talk to a single-cell RNA-seq dataset.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


LOCAL = "127.0.0.1"
LOOPBACK = frozenset({LOCAL, "localhost", "::1"})


class UsageError(ValueError):
    """What was asked for on the command line cannot be done; the message says what can."""


# ----------------------------------------------------------------------------- environment


def data_folder() -> Path:
    """Folder for what is made once and kept between runs (``CELL2TEXT_HOME``)."""
    if home := os.environ.get("CELL2TEXT_HOME"):
        return Path(home).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "cell2text"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cell2text"


def prepare_environment(*, offline: bool = False) -> None:
    """Set what heavy libraries read when they are imported; a value already set is kept.

    Waiting OpenMP threads must sleep: spinning, they cost torch much of its speed on shared
    cores. Nothing here sends statistics anywhere.
    """
    defaults = {
        "OMP_WAIT_POLICY": "passive",
        "TOKENIZERS_PARALLELISM": "false",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    if offline:
        defaults |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def make_rooms(checkpoint: str | None = None, device: str = "auto", **more: Any) -> "Rooms":
    """Make what the visitors of this process share."""
    from tools import Rooms

    return Rooms(data_folder(), checkpoint, device, **more)


class JsonLines(logging.Formatter):
    """Writes each record as one JSON object, for machines (``CELL2TEXT_LOG_FORMAT=json``)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        line |= getattr(record, "event", None) or {"event": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


# ------------------------------------------------------------------------------- commands

Input = Annotated[
    Path, typer.Argument(metavar="IN", help="Dataset: h5ad, 10x h5 or mtx, loom, zarr, csv.")
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        envvar="CELL2TEXT_CHECKPOINT",
        help="Folder or hub id of a model; the compact one when left out.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Offline = Annotated[
    bool, typer.Option("--offline", help="Use no network: only models that are on this machine.")
]
Llm = Annotated[
    str | None,
    typer.Option(
        envvar="CELL2TEXT_LLM",
        help="Chat model that leads the conversation, such as openai:NAME or ollama:NAME; "
        "the embedded planner when left out.",
    ),
]
Orthologues = Annotated[
    Path | None,
    typer.Option(help="Table of two columns, mouse and human genes, to read cells of a mouse by."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Ontology = Annotated[str, typer.Option(help="CL, UBERON, MONDO or HsapDv.")]


@cli.command()
def chat(
    data: Annotated[Path | None, typer.Argument(help="Dataset to open; the demo if none.")] = None,
    host: Annotated[
        str | None,
        typer.Option(envvar=["CELL2TEXT_HOST", "GRADIO_SERVER_NAME"], help="Address to listen on."),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            envvar=["PORT", "GRADIO_SERVER_PORT"], min=1, max=65535, help="Port to listen on."
        ),
    ] = 7860,
    share: Annotated[bool, typer.Option("--share", help="Also serve a public link.")] = False,
    root_path: Annotated[
        str,
        typer.Option(envvar="GRADIO_ROOT_PATH", help="Path below which a proxy serves the page."),
    ] = "",
    login: Annotated[
        str | None,
        typer.Option(
            envvar="CELL2TEXT_LOGIN",
            help="Ask for a name and a password: NAME:PASSWORD, several joined by commas.",
        ),
    ] = None,
    llm: Llm = None,
    orthologues: Orthologues = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    offline: Offline = False,
) -> None:
    """Open the page."""
    prepare_environment(offline=offline)
    if data is not None and not data.exists():
        msg = f"{str(data)!r} does not exist. Expected a dataset file. Check the path."
        raise UsageError(msg)
    rooms = make_rooms(checkpoint, device, orthologues=orthologues, is_shared=True)
    if orthologues is not None:
        rooms.session()  # a table that cannot be used is told now, not to a visitor
    # A Space is reached from outside its container only.
    host = host or ("0.0.0.0" if "SPACE_ID" in os.environ else LOCAL)
    address = Address(host, port, share, root_path, read_logins(login))
    from model import is_lent

    if is_lent():
        rooms.describer()  # a Space that lends GPUs looks for what wants one while it starts
    from agent import Desk

    keep_days = float(os.environ.get("CELL2TEXT_KEEP_DAYS", "7"))
    folder = data_folder() / "visits"
    desk = Desk(rooms, data=data, llm=llm, offline=offline, folder=folder, keep_days=keep_days)
    launch(desk, address)


@cli.command()
def ask(
    data: Input,
    question: Annotated[
        list[str], typer.Option("--question", "-q", help="What to ask; may be repeated.")
    ],
    as_json: AsJson = False,
    llm: Llm = None,
    orthologues: Orthologues = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    offline: Offline = False,
) -> None:
    """Ask about a dataset, once or in a conversation."""
    prepare_environment(offline=offline)
    from agent import Assistant, answer_record, record_text

    session = make_rooms(checkpoint, device, orthologues=orthologues).session()
    session.open(data)
    assistant = Assistant(session, llm=llm, offline=offline)
    for text in question:
        record = answer_record(text, assistant.ask(text))
        shown = json.dumps(record, ensure_ascii=False) if as_json else record_text(record)
        print(shown, flush=True)


@cli.command()
def describe(
    data: Input,
    out: Annotated[Path, typer.Option(help="Annotated copy to write, an .h5ad file.")],
    by: Annotated[str, typer.Option(help="cell or cluster.")] = "cell",
    cells: Annotated[int | None, typer.Option(min=1, help="Describe only so many.")] = None,
    engine: Annotated[str, typer.Option(help="local or ray (extra 'cluster').")] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster to join, with --engine ray; else one is started."),
    ] = None,
    orthologues: Orthologues = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    offline: Offline = False,
) -> None:
    """Describe cells in words in an annotated copy."""
    prepare_environment(offline=offline)
    require_choice("--by", by, ("cell", "cluster"))
    require_choice("--engine", engine, ("local", "ray"))
    if address is not None and engine != "ray":
        msg = f"--address {address!r} goes with --engine ray only. Add that, or leave it out."
        raise UsageError(msg)
    from tqdm import tqdm

    from tools import RayEngine, describe_file

    rooms = make_rooms(checkpoint, device, remember=False)  # the shards of a run are its memory
    shape = "{desc} {percentage:3.0f}% |{bar}| {elapsed} (about {remaining} left)"
    with tqdm(total=1.0, bar_format=shape, disable=None) as bar:

        def show(fraction: float, words: str) -> None:
            bar.set_description_str(words)
            bar.update(max(0.0, fraction - bar.n))

        remarks = describe_file(
            data,
            out,
            describer=rooms.describer(),
            by=by,
            n_cells=cells,
            knowledge=rooms.knowledge(),
            orthologues=orthologues,
            progress=show,
            ray=RayEngine(checkpoint, device, address) if engine == "ray" else None,
        )
    for remark in remarks:
        print(remark, file=sys.stderr)
    print(f"Wrote {out}")


@cli.command()
def doctor(
    data: Input,
    as_json: AsJson = False,
    orthologues: Orthologues = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Say what a file holds, and what to mend in it."""
    prepare_environment()
    from tools import doctor as examine

    genes = make_rooms(checkpoint).describer().genes
    report = examine(data, genes=genes, orthologues=orthologues)
    print(report.model_dump_json() if as_json else report.as_text())
    if not report.is_usable:
        worst = report.problems[0]
        msg = f"{worst.message} {worst.fix}"
        raise UsageError(msg)


@cli.command()
def resolve(
    text: Annotated[str | None, typer.Argument(help="Name, synonym or id of a term.")] = None,
    file: Annotated[Path | None, typer.Option(help="CSV with a column 'name'.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write, with --file.")] = None,
    ontology: Ontology = "CL",
    tissue: Annotated[str | None, typer.Option(help="Where the cells are from.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the ontology term that a name means."""
    prepare_environment()
    if (text is None) == (file is None) or (file is None) != (out is None):
        msg = (
            "resolve takes either one TEXT, or --file IN.csv together with --out OUT.csv. "
            "Example: cell2text resolve 'CD4+ T cell'"
        )
        raise UsageError(msg)
    from kb import KnowledgeBase  # without `tools`, which takes longer to load than a name to find

    knowledge = KnowledgeBase.open(data_folder() / "kb")
    if file is not None and out is not None:
        from tools import resolve_name_file

        resolve_name_file(file, out, knowledge=knowledge, ontology=ontology, tissue=tissue)
        return
    found = knowledge.resolve(str(text), ontology=ontology, tissue=tissue)
    print(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else found.as_text())


@cli.command()
def evaluate(
    data: Input,
    labels: Annotated[str, typer.Option(metavar="COLUMN", help="Labels in obs, or CL ids.")],
    donors: Annotated[str | None, typer.Option(help="Column of donors, for intervals.")] = None,
    cells: Annotated[int, typer.Option(min=1, help="Score at most so many cells.")] = 2_500,
    candidates: Annotated[
        str | None, typer.Option(help="Cell types to choose from, separated by semicolons.")
    ] = None,
    each_once: Annotated[
        bool, typer.Option("--each-once", help="Also give each label another candidate.")
    ] = False,
    free: Annotated[int, typer.Option(min=0, help="Cells to describe freely too.")] = 0,
    training: Annotated[
        Path | None, typer.Option("--data", help="Training data folder, for the baselines.")
    ] = None,
    as_json: AsJson = False,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    offline: Offline = False,
) -> None:
    """Score the model against the labels of a file."""
    prepare_environment(offline=offline)
    from tools import EvaluationSettings, evaluate_file

    rooms = make_rooms(checkpoint, device)
    settings = EvaluationSettings(cells, donors, candidates, each_once, free, training)
    report = evaluate_file(
        data,
        labels,
        describer=rooms.describer(),
        knowledge=rooms.knowledge(),
        settings=settings,
    )
    print(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else report.as_text())


@cli.command("annotate-markers")
def annotate_markers(
    markers: Annotated[str | None, typer.Argument(help="Genes, best marker first.")] = None,
    tissue: Annotated[str | None, typer.Option(help="Where the cells are from.")] = None,
    file: Annotated[Path | None, typer.Option(help="CSV with columns markers, tissue.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write, with --file.")] = None,
    candidates: Annotated[
        str | None, typer.Option(help="Cell types to choose from, separated by semicolons.")
    ] = None,
    each_once: Annotated[
        bool, typer.Option("--each-once", help="Give each row another candidate, with --file.")
    ] = False,
    as_json: AsJson = False,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    offline: Offline = False,
) -> None:
    """Name the cell type that marker genes speak for."""
    prepare_environment(offline=offline)
    one = markers is not None
    if one == (file is not None) or (file is None) != (out is None) or (tissue and not one):
        msg = (
            "annotate-markers takes either one list of genes, with --tissue if known, or "
            "--file IN.csv together with --out OUT.csv. "
            "Example: cell2text annotate-markers 'CD79A,MS4A1'"
        )
        raise UsageError(msg)
    if each_once and (candidates is None or one):
        msg = "--each-once needs --file, and --candidates to share out. Give both, or leave it out."
        raise UsageError(msg)
    from tools import annotate_marker_file
    from tools import annotate_markers as annotate

    rooms = make_rooms(checkpoint, device)
    given = {"describer": rooms.describer(), "knowledge": rooms.knowledge()}
    given |= {"candidates": candidates}
    if file is not None and out is not None:
        number = annotate_marker_file(file, out, **given, each_once=each_once)
        print(f"Wrote {out} ({number} rows)")
        return
    found = annotate([(str(markers), tissue or "")], **given)[0]
    if not found.names.genes:
        raise UsageError(found.problem)
    print(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else found.as_text())


@cli.command()
def benchmark(
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Measure only this; may be repeated.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="An .h5ad file, in place of made-up cells.")
    ] = None,
    cells: Annotated[int, typer.Option(help="Cells of the made-up file to open.")] = 20_000,
    genes: Annotated[int, typer.Option(help="Genes of the made-up file to open.")] = 15_000,
    repeats: Annotated[int, typer.Option(help="Pairs of each measure.")] = 3,
    as_json: AsJson = False,
    checkpoint: Checkpoint = None,
) -> None:
    """Measure speed and memory, beside baselines."""
    prepare_environment()
    from tools import benchmark as measure

    report = measure(
        only=only or (),
        data=data,
        checkpoint=checkpoint,
        sizes={"n_cells": cells, "n_genes": genes, "repeats": repeats},
        progress=lambda name: print(f"Measuring {name} ...", file=sys.stderr, flush=True),
    )
    print(json.dumps(report.as_dict()) if as_json else report.as_table())


PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@cli.command(context_settings=PASS_ON)
def train(context: typer.Context) -> None:
    """Train a model; the same as python -m model.train."""
    prepare_environment()
    raise typer.Exit(subprocess.call([sys.executable, "-m", "model.train", *context.args]))


def read_logins(text: str | None) -> tuple[tuple[str, str], ...]:
    """Read names and passwords: ``ada:secret,ben:other``."""
    if not text:
        return ()
    pairs = [tuple(part.strip().split(":", 1)) for part in text.split(",")]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        msg = "--login is to be NAME:PASSWORD, several joined by commas. Write it so."
        raise UsageError(msg)
    return tuple((name, password) for name, password in pairs)


def require_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Stop with one sentence when `value` is none of the `allowed`."""
    if value not in allowed:
        msg = f"{option} {value!r} is not known. Allowed: {', '.join(allowed)}. Choose one."
        raise UsageError(msg)


# ------------------------------------------------------------------------------------- page

LONGEST_QUESTION = 4_000  # characters
N_CHIPS = 4  # suggested questions shown at a time
COLOURS = [("Clusters", "clusters"), ("Cell types", "cell types"), ("Confidence", "confidence")]


def asset(name: str) -> str:
    """Read a template, a style sheet or a script of the page."""
    from tools import views

    return views.page_file(name)


def told(exc: Exception | str) -> Exception:
    """Make an error that Gradio shows to the visitor."""
    import gradio as gr

    from tools import views

    text = views.escape(exc)
    return gr.Error(text, title="That did not work", duration=12, print_exception=False)


def as_message(said: dict[str, Any]) -> dict[str, Any]:
    """Turn a message into one of the chat: a figure becomes a plot, a path a file to fetch."""
    from gradio import Plot

    from tools import views

    content = said["content"]
    if isinstance(content, str):
        return said
    if isinstance(content, Path):
        if content.is_file():
            # Of no kind in particular, or a picture would be shown rather than handed over.
            file = {"path": fetchable(content), "mime_type": "application/octet-stream"}
            return said | {"content": {"file": file | {"orig_name": content.name}}}
        return said | {"content": f"{views.escape(content.name)} is not kept any more."}
    return said | {"content": Plot(content, show_label=False)}


def fetchable(path: Path) -> str:
    """Copy a file to where Gradio serves from, and return where.

    Gradio serves what lies in its own cache, below names that tell nothing and nobody can list.
    The folders of the visits are never served, and need not lie in the temporary folder.
    """
    stat = path.stat()
    copy = copied(path, stat.st_mtime_ns, stat.st_size)
    if not Path(copy).exists():  # what lies there is deleted after some hours
        copied.cache_clear()
        copy = copied(path, stat.st_mtime_ns, stat.st_size)
    return copy


@functools.lru_cache(maxsize=256)
def copied(path: Path, time_ns: int, size: int) -> str:
    """Copy a file, once for each time that it was written."""
    from gradio.processing_utils import save_file_to_cache
    from gradio.utils import get_upload_folder

    return save_file_to_cache(path, cache_dir=get_upload_folder())


class Controls:
    """The components of the page that handlers read or write, laid out as they are made.

    Parameters
    ----------
    is_local
        Whether a path on this machine may be opened.
    promise
        Where what is opened and asked goes.
    """

    def __init__(self, *, is_local: bool, promise: str) -> None:
        import gradio as gr

        self.secret = gr.BrowserState(None, storage_key="cell2text", secret="cell2text-chat")
        gr.HTML(asset("header.html"), elem_id="header", apply_default_css=False, padding=False)
        self.lay_out_opener(is_local=is_local, promise=promise)
        self.lay_out_takehome()
        with gr.Row(elem_id="room"):
            with gr.Column(min_width=0, elem_id="conversation"):
                self.lay_out_conversation()
            with gr.Column(min_width=0, elem_id="dataset"):
                self.lay_out_dataset()

    def lay_out_opener(self, *, is_local: bool, promise: str) -> None:
        """Place the ways to open another dataset, in a panel under the header."""
        import gradio as gr

        with gr.Column(elem_id="opener"):
            words = asset("opener.html").replace("{promise}", promise)
            gr.HTML(words, apply_default_css=False, padding=False)
            self.upload = gr.File(
                elem_id="upload", label="Dataset", show_label=False, height=118, type="filepath"
            )
            with gr.Row(visible=is_local):
                self.path = gr.Textbox(
                    elem_id="path",
                    label="Path on this machine",
                    placeholder="/data/my.h5ad",
                    submit_btn="Open",
                )
            self.demo = gr.Button("Open the demo", size="sm", elem_classes="done")

    def lay_out_takehome(self) -> None:
        """Place what can be taken home, in a panel under the header."""
        import gradio as gr

        from tools import take_home

        with gr.Column(elem_id="takehome"):
            gr.HTML(asset("takehome.html"), apply_default_css=False, padding=False)
            with gr.Column(elem_id="takehome-list"):
                self.takes = [
                    (kind, gr.Button(words, size="sm", elem_classes="take"))
                    for kind, words in take_home.WORDS.items()
                ]
            self.ready = gr.File(
                elem_id="ready", label="Ready", interactive=False, show_label=False
            )

    def lay_out_conversation(self) -> None:
        """Place the talk, the suggested questions and the question box."""
        import gradio as gr

        self.talk = gr.Chatbot(
            elem_id="talk",
            label="Conversation",
            show_label=False,
            layout="panel",
            buttons=[],
            latex_delimiters=[],
            autoscroll=False,
            allow_tags=False,
            feedback_options=None,
            placeholder="Opening the dataset …",
        )
        self.chips = gr.HTML(elem_id="chips", apply_default_css=False, padding=False)
        self.question = gr.Textbox(
            elem_id="question",
            show_label=False,
            label="Question",
            placeholder="Ask about this dataset, a cluster, a gene, a cell type …",
            submit_btn=True,
            max_length=LONGEST_QUESTION,
            autofocus=True,
        )

    def lay_out_dataset(self) -> None:
        """Place how far a long step is, the dataset's card, the map and the evidence."""
        import gradio as gr

        self.work = gr.HTML(
            elem_id="work",
            apply_default_css=False,
            padding=False,
            js_on_load="element.addEventListener('click', (event) => "
            "event.target.closest('button') && trigger('cancel', {}));",
        )
        self.card = gr.HTML(
            "<h2>Opening the dataset …</h2>", elem_id="card", apply_default_css=False, padding=False
        )
        with gr.Column(elem_id="map"):
            with gr.Row(elem_id="colour-row"):
                self.colour = gr.Radio(
                    COLOURS,
                    value="clusters",
                    label="Colour the map by",
                    elem_id="colour",
                    container=False,
                )
                self.gene = gr.Dropdown(
                    label="Colour by a gene or a column",
                    elem_id="gene",
                    choices=[],
                    value=None,
                    allow_custom_value=True,
                    container=False,
                )
            self.cells = gr.HTML(
                html_template=asset("map.html"),
                js_on_load=asset("map.js"),
                elem_id="cells",
                apply_default_css=False,
                padding=False,
                cells="",
                colours="",
                lit="",
                tip="",
                wait="",
            )
        self.evidence = gr.HTML(elem_id="evidence", apply_default_css=False, padding=False)

    def all(self) -> list[Any]:
        """List what `show` gives values for, in its order."""
        return [
            self.secret,
            self.talk,
            self.question,
            self.work,
            self.card,
            self.cells,
            self.colour,
            self.gene,
            self.evidence,
            self.chips,
        ]

    def show(self, board: "Board") -> list[Any]:
        """Turn what a handler wants to be seen into values for the components."""
        import gradio as gr

        from tools import views

        if board.notice is not None:
            title, words = board.notice
            gr.Warning(views.escape(words), title=title, duration=12)
        skip, sent = gr.skip(), board.on_the_map()
        simple = {value for _, value in COLOURS}
        question = skip
        if board.is_answering is not None:
            on = board.is_answering
            question = gr.Textbox(submit_btn=not on, stop_btn=on)
            if on:
                question = gr.Textbox("", submit_btn=False, stop_btn=True)
        gene: dict[str, Any] = {}
        if board.choices is not None:
            gene["choices"] = board.choices
        if board.colour is not None:
            gene["value"] = None if board.colour in simple else board.colour
        return [
            skip if board.secret is None else board.secret,
            skip if board.messages is None else [as_message(item) for item in board.messages],
            question,
            skip if board.work is None else board.work,
            skip if board.card is None else board.card,
            gr.HTML(**sent) if sent else skip,
            skip
            if board.colour is None
            else gr.Radio(value=board.colour if board.colour in simple else None),
            gr.Dropdown(**gene) if gene else skip,
            skip if board.evidence is None else board.evidence,
            skip if board.chips is None else views.chips_html(board.chips[:N_CHIPS]),
        ]


def build_page(desk: "Desk", *, is_local: bool = False) -> "gr.Blocks":
    """Lay out the page and join its controls to the desk."""
    import gradio as gr

    from agent import Board

    def key_of(secret: str | None, request: gr.Request) -> str:
        if not secret:
            msg = "This page is not ready yet. Reload it; it needs to keep a note in the browser."
            raise told(msg)
        return desk.visits.key_of(secret, request.username)

    def visit_of(secret: str | None, request: gr.Request) -> "Visit":
        try:
            return desk.visits.get(key_of(secret, request))
        except user_errors() as exc:
            raise told(exc) from exc

    def shown(boards: "Iterable[Board]") -> Iterator[list[Any]]:
        board = None
        try:
            for new in boards:
                board = new.on_top_of(board)
                yield on.show(board)
            if board is None:  # from a generator that gives nothing, Gradio empties all outputs
                yield on.show(Board())
        except user_errors() as exc:
            yield on.show(Board(work="", is_settled=True))
            raise told(exc) from exc

    def arrive(secret: str | None, request: gr.Request) -> Iterator[list[Any]]:
        yield from shown(desk.arrive(secret, request.username))

    def upload(path: str | None, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        boards = (
            () if path is None else desk.open(key_of(secret, request), Path(path), is_ours=True)
        )
        yield from shown(boards)

    def open_path(path: str, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        if not (is_local and is_from_here(request)):
            msg = "Paths can be opened only on the machine that serves the page. Upload the file."
            raise told(msg)
        yield from shown(desk.open_path(key_of(secret, request), path))

    def demo(secret: str, request: gr.Request) -> Iterator[list[Any]]:
        yield from shown(desk.open(key_of(secret, request), None))

    def cancel(secret: str, request: gr.Request) -> None:
        desk.visits.cancel(key_of(secret, request))

    def recolour(colour: str | None, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        # Who only passes by the box of genes with the keyboard chooses nothing.
        yield from shown(desk.recolour(visit_of(secret, request), colour) if colour else ())

    def lasso(event: gr.EventData, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        stroke = event._data.get("stroke") or []
        yield from shown(desk.lasso(visit_of(secret, request), stroke))

    def pick(event: gr.EventData, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        group = int(event._data.get("index", -1))
        yield from shown(desk.pick(visit_of(secret, request), group))

    def unlight(secret: str, request: gr.Request) -> list[Any]:
        visit_of(secret, request).lit = ""
        return on.show(Board(lit=""))

    def peek(event: gr.EventData, secret: str, request: gr.Request) -> list[Any]:
        return on.show(desk.peek(visit_of(secret, request), int(event._data.get("cell", -1))))

    def show_evidence(event: gr.EventData, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        name = str(event._data.get("id", ""))
        yield from shown(desk.show_evidence(visit_of(secret, request), name))

    def ask_this(question: str, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        yield from shown(desk.answer(question, visit_of(secret, request)))

    def pose(event: gr.EventData, secret: str, request: gr.Request) -> Iterator[list[Any]]:
        question = str(event._data.get("text", ""))[:LONGEST_QUESTION]
        yield from shown(desk.answer(question, visit_of(secret, request)))

    def stop(secret: str, request: gr.Request) -> list[Any]:
        return on.show(desk.stop(visit_of(secret, request)))

    def take(kind: str) -> Callable[..., Iterator[list[Any]]]:
        def make(secret: str, request: gr.Request) -> Iterator[list[Any]]:
            for board, path in desk.take_home(visit_of(secret, request), kind):
                file = gr.skip() if path is None else fetchable(path)
                yield [*on.show(board), file]

        return make

    private = {"api_visibility": "private", "show_progress": "hidden"}
    workers = int(os.environ.get("CELL2TEXT_WORKERS", "2"))
    slow = private | {"concurrency_limit": workers, "concurrency_id": "work"}
    quick = private | {"concurrency_limit": 8, "concurrency_id": "look"}
    with gr.Blocks(title="Cell2Text Chat", fill_width=True, delete_cache=(3600, 12 * 3600)) as page:
        on = Controls(is_local=is_local, promise=desk.promise(is_local=is_local))
        everything = on.all()
        page.load(arrive, on.secret, everything, **slow)
        on.upload.upload(upload, [on.upload, on.secret], everything, **slow)
        # Else the file stays in the box, which then takes no other.
        on.upload.upload(lambda: None, None, on.upload, queue=False, **private)
        on.path.submit(open_path, [on.path, on.secret], everything, **slow)
        on.demo.click(demo, on.secret, everything, **slow)
        on.work.cancel(cancel, on.secret, None, queue=False, **private)
        on.colour.input(recolour, [on.colour, on.secret], everything, **slow)
        on.gene.input(recolour, [on.gene, on.secret], everything, **slow)
        on.cells.lasso(lasso, on.secret, everything, **quick)
        on.cells.pick(pick, on.secret, everything, **quick)
        on.cells.unlight(unlight, on.secret, everything, **quick)
        on.cells.peek(peek, on.secret, everything, trigger_mode="always_last", **quick)
        on.cells.evidence(show_evidence, on.secret, everything, **quick)
        asked = [on.question.submit(ask_this, [on.question, on.secret], everything, **slow)]
        asked += [on.cells.pose(pose, on.secret, everything, **slow)]
        on.question.stop(stop, on.secret, everything, cancels=asked, queue=False, **private)
        fetch = "() => setTimeout(() => document.querySelector('#ready a[download]')?.click(), 400)"
        for kind, button in on.takes:
            made = button.click(take(kind), on.secret, [*everything, on.ready], **slow)
            made.success(None, js=fetch)
        offer_verbs(desk)
    return page


def offer_verbs(desk: "Desk") -> None:
    """Offer the conversation and every verb through REST, and through MCP where it is served."""
    import gradio as gr

    from agent import Workspaces, endpoints

    def is_mcp(caller: gr.Request) -> bool:
        return caller.headers.get("x-gradio-user") == "mcp"

    def client_of(caller: gr.Request) -> str | None:
        # Gradio serves all MCP callers through one client of its own.
        return None if is_mcp(caller) else caller.session_hash

    def door(function: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        def guarded(*given: Any) -> Any:
            try:
                record = function(*given)
            except user_errors() as exc:
                raise gr.Error(str(exc), print_exception=False) from exc
            # An MCP result is text, and the text of a dict would be Python's rather than JSON.
            return json.dumps(record, ensure_ascii=False) if is_mcp(given[-1]) else record

        return guarded

    places = Workspaces(desk.begin)
    for item in endpoints():
        function = item.as_function(places, caller=gr.Request, client_of=client_of)
        gr.api(door(function), api_name=item.name, concurrency_limit=2, concurrency_id="work")


def is_from_here(request: "gr.Request") -> bool:
    """Whether a request came from a browser on this very machine, through no proxy."""
    host = request.client.host if request.client else ""
    through = {"x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host"}
    return host in LOOPBACK and not any(name in request.headers for name in through)


def make_theme() -> "gr.Theme":
    """Make the colours and the type of the page; nothing of it is fetched."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        # Bundled with Gradio; its semi-bold lacks Latin letters.
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "sans-serif"),
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        input_background_fill="transparent",
        input_background_fill_dark="transparent",
    )


@dataclass(frozen=True)
class Address:
    """Where the page is served.

    Parameters
    ----------
    root_path
        Path below which a proxy serves it, such as ``/cells``.
    logins
        Names and passwords of those who may come in; everybody when empty.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    root_path: str = ""
    logins: tuple[tuple[str, str], ...] = ()


def launch(desk: "Desk", address: Address) -> None:
    """Serve the page until interrupted."""
    page, where = serve(desk, address)
    # Not before: loading would keep the server from answering while it looks whether it is up.
    from agent import warm_up

    rooms = desk.visits.rooms
    threading.Thread(target=warm_up, args=(rooms,), name="warm-up", daemon=True).start()
    print(f"Cell2Text Chat is at {where} (stop with Ctrl+C)", flush=True)
    page.block_thread()


def serve(desk: "Desk", address: Address) -> "tuple[gr.Blocks, str]":
    """Start serving the page and the other doors; return it with its address."""
    is_local = address.host in LOOPBACK and not (address.share or address.root_path)
    page = build_page(desk, is_local=is_local)
    page.queue(max_size=64)
    at_a_screen = sys.stdout.isatty() and (sys.platform == "darwin" or "DISPLAY" in os.environ)
    try:
        server, local, public = page.launch(
            quiet=True,
            prevent_thread_lock=True,
            server_name=address.host,
            server_port=address.port,
            share=address.share,
            root_path=address.root_path or None,
            auth=list(address.logins) or None,
            auth_message="Cell2Text Chat" if address.logins else None,
            inbrowser=at_a_screen,
            css=asset("page.css"),
            js=asset("page.js"),
            theme=make_theme(),
            footer_links=[],
            max_file_size=os.environ.get("CELL2TEXT_MAX_UPLOAD", "4gb"),
            show_error=True,
            enable_monitoring=False,  # it would show who asks when, to anybody
            run_history=False,
            ssr_mode=False,
            mcp_server=importlib.util.find_spec("mcp") is not None,
        )
    except OSError as exc:
        msg = (
            f"Port {address.port} on {address.host} is in use or not allowed. "
            "Choose another with --port."
        )
        raise UsageError(msg) from exc
    add_health(server, desk)
    return page, str(public or local)


def add_health(server: Any, desk: "Desk") -> None:
    """Let machines ask whether the page is up, at ``/health``; it tells nothing of anybody."""
    from fastapi.responses import JSONResponse
    from fastapi.routing import APIRoute

    started = time.time()

    def health() -> JSONResponse:
        status = {
            "status": "ok",
            "uptime_seconds": round(time.time() - started),
            "visits": len(desk.visits),
            "model_loaded": desk.visits.rooms.is_loaded("describer"),
        }
        return JSONResponse(status)

    server.router.routes.insert(0, APIRoute("/health", health, methods=["GET", "HEAD"]))


# ---------------------------------------------------------------------------------- errors


def user_errors() -> tuple[type[Exception], ...]:
    """Errors that a person can mend; everything else is ours."""
    from kb import KnowledgeError
    from model import ModelError
    from tools import ToolError

    known = (UsageError, ToolError, ModelError, KnowledgeError, PermissionError)
    if "agent" in sys.modules:  # slow to import, and cannot have failed where it was not
        from agent import LanguageModelError, VisitError

        known += (LanguageModelError, VisitError)
    return known


def set_up_logging() -> None:
    """Log to stderr, as text or as one JSON object a line (``CELL2TEXT_LOG_FORMAT=json``)."""
    handler = logging.StreamHandler(sys.stderr)
    is_json = os.environ.get("CELL2TEXT_LOG_FORMAT", "").lower() == "json"
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if is_json else text)
    level = os.environ.get("CELL2TEXT_LOG", "WARNING").upper()
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Gradio asks itself whether it is up


def main(argv: list[str] | None = None) -> int:
    """Run one command; without one, the page.

    Returns
    -------
    0 when done, 2 on bad usage or unreadable input, 1 on an error of this program.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
        arguments = ["chat", *arguments]
    set_up_logging()
    try:
        cli(args=arguments, prog_name="cell2text")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 0
    except BrokenPipeError:
        return 0
    except Exception as exc:  # the one broad handler
        if isinstance(exc, user_errors()):
            print(f"cell2text: {exc}", file=sys.stderr)
            return 2
        logger.exception("An error of this program")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
