"""The door: the `cell2text` command and the page.

Clicks and words go in to the rooms, what comes back is drawn or printed. Nothing is decided
here (that is `agent`) and no fact about cells is computed here (that is `tools`). This is the
only file that knows Gradio, reads the environment or configures logging. It is longer than a
module should be because a page and a command line share one door: rooms, commands, page, errors,
in this order.
"""

import csv
import functools
import html
import importlib.util
import json
import logging
import os
import re
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import gradio as gr
    from plotly.graph_objects import Figure

    from agent import Assistant
    from kb import KnowledgeBase
    from model import Describer
    from tools import Evidence, Session

logger = logging.getLogger("cell2text")
cli = typer.Typer(
    help="Talk to a single-cell RNA-seq dataset.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class UsageError(ValueError):
    """What was asked for on the command line cannot be done; the message says what can."""


# ---------------------------------------------------------------------------------- rooms


@dataclass
class Rooms:
    """What all visitors share: one describer and one knowledge base, loaded once and only read.

    Parameters
    ----------
    checkpoint
        Folder or hub id of the describer; the compact one of this package when None.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    remember
        Whether descriptions are kept between runs, below the data folder.
    orthologues
        Table of a mouse's genes and the human ones, for datasets of a mouse.
    """

    checkpoint: str | None = None
    device: str = "auto"
    remember: bool = True
    orthologues: Path | None = None
    _loaded: dict[str, Any] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(
        default_factory=lambda: {"knowledge": threading.Lock(), "describer": threading.Lock()}
    )

    def _once(self, name: str, load: Callable[[], Any]) -> Any:
        with self._locks[name]:
            if name not in self._loaded:
                self._loaded[name] = load()
            return self._loaded[name]

    def knowledge(self) -> "KnowledgeBase":
        """Open the knowledge base, whose index lives below the data folder."""
        from kb import KnowledgeBase

        return self._once("knowledge", lambda: KnowledgeBase.open(data_folder() / "kb"))

    def describer(self) -> "Describer":
        """Load the model."""
        from model import load_describer

        cache = data_folder() / "descriptions.sqlite" if self.remember else None
        return self._once(
            "describer", lambda: load_describer(self.checkpoint, device=self.device, cache=cache)
        )

    def session(self) -> "Session":
        """Make the workplace of one visitor."""
        from tools import Session

        return Session(
            knowledge=self.knowledge(),
            load_describer=self.describer,
            orthologues=self.orthologues,
        )

    def warm(self) -> None:
        """Load everything that a first answer waits for; to be run beside the server's start."""
        try:
            session = self.session()
            session.open_demo()
            self.describer()
            from agent import Assistant

            assistant = Assistant(session)
            for question in ("What is in this dataset?", "What is cluster 0?"):
                for _ in assistant.ask(question):
                    pass
            self.knowledge().build()
        except Exception:  # whoever asks will be told; the page must start
            logger.exception("Warming up failed")


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
Offline = Annotated[bool, typer.Option("--offline", help="Never look for models on the network.")]
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
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535)] = 7860,
    share: Annotated[bool, typer.Option("--share", help="Also serve a public link.")] = False,
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
    rooms = Rooms(checkpoint, device, orthologues=orthologues)
    if orthologues is not None:
        rooms.session()  # a table that cannot be used is told now, not to a visitor
    threading.Thread(target=rooms.warm, name="warm-up", daemon=True).start()
    launch(Desk(rooms, data=data, llm=llm, offline=offline), host=host, port=port, share=share)


@cli.command()
def ask(
    data: Input,
    question: Annotated[list[str], typer.Option("--question", "-q", help="May be repeated.")],
    as_json: AsJson = False,
    llm: Llm = None,
    orthologues: Orthologues = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    offline: Offline = False,
) -> None:
    """Ask about a dataset; several questions make one conversation."""
    prepare_environment(offline=offline)
    from agent import Assistant, answer_record

    session = Rooms(checkpoint, device, orthologues=orthologues).session()
    session.open(data)
    assistant = Assistant(session, llm=llm, offline=offline)
    for text in question:
        result = answer_record(text, assistant.ask(text))
        if as_json:
            print(json.dumps(result, ensure_ascii=False), flush=True)
            continue
        print(f"> {text}\n\n{result['answer']}\n", flush=True)
        for item in result["evidence"]:
            print(f"  [{item['id']}] {item['tool']}: {textwrap.shorten(item['text'], 90)}")
        print()


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
    """Describe each cell in words and write an annotated copy."""
    prepare_environment(offline=offline)
    require_choice("--by", by, ("cell", "cluster"))
    require_choice("--engine", engine, ("local", "ray"))
    if address is not None and engine != "ray":
        msg = f"--address {address!r} goes with --engine ray only. Add that, or leave it out."
        raise UsageError(msg)
    from tqdm import tqdm

    from tools import RayEngine, describe_file

    rooms = Rooms(checkpoint, device, remember=False)  # the shards of a run are its memory
    shape = "{desc} {percentage:3.0f}% |{bar}| {elapsed} (about {remaining} left)"
    with tqdm(total=1.0, bar_format=shape, disable=None) as bar:

        def show(fraction: float, words: str) -> None:
            bar.set_description_str(words)
            bar.update(max(0.0, fraction - bar.n))

        describe_file(
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
    print(f"Wrote {out}")


@cli.command()
def doctor(
    data: Input,
    as_json: AsJson = False,
    orthologues: Orthologues = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Say what a file holds, and what stands in the way of describing it."""
    prepare_environment()
    from tools import doctor as examine

    genes = Rooms(checkpoint).describer().genes
    report = examine(data, genes=genes, orthologues=orthologues)
    if as_json:
        print(report.model_dump_json())
    else:
        for name, value in report.model_dump(exclude={"problems"}).items():
            print(f"{name:14}{'not known' if value is None else value}")
        for problem in report.problems:
            print(f"\n{problem.code}: {problem.message}\n  {problem.fix}")
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
    if file is not None and out is not None:
        names = read_names(file)
        found = Rooms().knowledge().resolve_many(names, ontology=ontology, tissue=tissue)
        with out.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["name", "id", "label", "match", "score"])
            for name, item in zip(names, found, strict=True):
                writer.writerow([name, item.id, item.label, item.match, item.score])
        return
    item = Rooms().knowledge().resolve(str(text), ontology=ontology, tissue=tissue)
    if as_json:
        print(json.dumps(item.as_dict(), ensure_ascii=False))
        return
    print(f"{item.id}  {item.label}  ({item.match}, {item.score:.2f})" if item.id else "no term")
    if item.note:
        print(item.note)
    for other in item.candidates:
        if other.id != item.id:
            print(f"or {other.id}  {other.label}  ({other.score:.2f})")


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
    """Score the model, and baselines, against the labels of a file."""
    prepare_environment(offline=offline)
    from tools import EvaluationSettings, evaluate_file

    rooms = Rooms(checkpoint, device)
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
    """Name the cell type that a ranked list of marker genes speaks for."""
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

    rooms = Rooms(checkpoint, device)
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
    """Measure speed and memory, each beside a baseline in the same run."""
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
    import subprocess

    raise typer.Exit(subprocess.call([sys.executable, "-m", "model.train", *context.args]))


def require_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Stop with one sentence when `value` is none of the `allowed`."""
    if value not in allowed:
        msg = f"{option} {value!r} is not known. Allowed: {', '.join(allowed)}. Choose one."
        raise UsageError(msg)


def read_names(path: Path) -> list[str]:
    """Read the column ``name`` of a CSV file, as text."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows = [row.get("name") or "" for row in reader]
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        msg = (
            f"{str(path)!r} cannot be read as CSV in UTF-8 ({exc}). "
            "Expected a table with a column 'name'. Check the path."
        )
        raise UsageError(msg) from exc
    if "name" not in columns:
        msg = (
            f"{str(path)!r} has no column 'name'. It has: {', '.join(columns[:10]) or 'none'}. "
            "Rename the column that holds the names."
        )
        raise UsageError(msg)
    return rows


# ----------------------------------------------------------------------------------- page

REFERENCE = re.compile(r"\[(E\d+|[A-Za-z]+:\d+)\]")
N_CHIPS = 4  # suggested questions shown at a time
COLOURS = ["clusters", "cell types"]  # offered for every map
N_ROWS = 12  # rows of a table shown in the conversation
FRAME = 0.08  # fewest seconds between two drawings of a streamed answer
STOPPING = 20  # most seconds that a new question waits for the answer before it to stop

HEADER = """
<svg viewBox="0 0 40 40" width="32" height="32" aria-hidden="true"><g fill="currentColor">
<circle cx="12" cy="11" r="7"/><circle cx="27" cy="8" r="4.5" opacity=".5"/>
<circle cx="6" cy="26" r="4" opacity=".5"/><path opacity=".8" d="M16 19h18a4 4 0 0 1 4 4v6a4 4 0 0 1
-4 4h-9l-6 5v-5h-3a4 4 0 0 1-4-4v-6a4 4 0 0 1 4-4z"/></g></svg>
<div><h1>Cell2Text Chat</h1>
<p>Talk to your single cells. Every sentence shows its evidence.</p></div>
"""

CSS = """
.gradio-container { width: 100%; max-width: 1500px !important; margin: 0 auto !important; }
.gradio-container .fillable { padding: 12px 22px 0 !important; }
.gradio-container main { width: 100%; padding: 0 !important; }
footer { display: none !important; }
#header { padding: 0; }
#header .prose { display: flex; align-items: center; gap: 12px; }
#header svg { color: var(--primary-600); flex: none; }
#header h1 { font-size: 1.2rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
#header p { margin: 0; color: var(--body-text-color-subdued); font-size: .88rem; }
#conversation, #dataset { gap: 10px; }
#talk, #card, #map { border: 1px solid var(--border-color-primary); border-radius: 14px;
  background: var(--background-fill-primary); }
#talk .icon-button-wrapper.top-panel { display: none; }
#talk .message-row { padding: 4px 20px; background: transparent !important; }
#talk .bot.message, #talk .user.message { background: transparent; border: 0; }
#talk .user-row .user.message { margin-left: auto; width: fit-content; max-width: 80%;
  padding: 7px 14px; border-radius: 14px 14px 3px 14px; background: var(--primary-100); }
.dark #talk .user-row .user.message { background: var(--primary-900); }
#talk .user-row .message .message { padding: 0; width: auto; }
#talk .js-plotly-plot { height: 420px; }
.js-plotly-plot :is(.xtick, .ytick, .g-gtitle, .g-xtitle, .g-ytitle, .legend, .colorbar) text {
  fill: var(--body-text-color-subdued) !important; font-family: inherit !important; }
#talk .thought-group { background: var(--background-fill-secondary); border-radius: 10px; }
#chips { gap: 8px; flex-wrap: wrap; }
#chips .chip { flex: 0 1 auto; border-radius: 999px; padding: 5px 12px; font-weight: 500;
  color: var(--primary-700); background: transparent; border: 1px solid var(--primary-300); }
#chips .chip:hover { background: var(--primary-50); }
.dark #chips .chip { color: var(--primary-200); border-color: var(--primary-700); }
.dark #chips .chip:hover { background: var(--primary-950); }
#question { border-radius: 14px; }
.reference { font-size: .76em; font-weight: 600; padding: 1px 6px; border-radius: 6px;
  white-space: nowrap; text-decoration: none !important;
  color: var(--primary-800) !important; background: var(--primary-100); }
.reference[role=button] { cursor: pointer; }
.dark .reference { color: var(--primary-100) !important; background: var(--primary-800); }
.fact { margin: 0 0 12px; font-size: .88rem; line-height: 1.5; }
.fact table { display: block; overflow-x: auto; margin: 8px 0; font-size: .8rem; }
.fact th, .fact td { padding: 3px 12px 3px 0; text-align: left; border: 0;
  border-bottom: 1px solid var(--border-color-primary); white-space: nowrap; }
.fact td.number { font-variant-numeric: tabular-nums; text-align: right; }
.aside { color: var(--body-text-color-subdued); font-size: .8rem; margin: 4px 0 0; }
#card { padding: 14px 18px; }
#card h2 { font-size: 1rem; margin: 0 0 6px; }
#card .figures { display: flex; gap: 28px; margin: 0 0 6px; }
#card .figures b { display: block; font-size: 1.45rem; line-height: 1.25; font-weight: 600; }
#card .figures span, #card summary, #card li { color: var(--body-text-color-subdued);
  font-size: .84rem; }
#card summary { cursor: pointer; }
#card ul { margin: 4px 0 0; padding-left: 18px; }
#card .problem::marker { content: "! "; color: var(--primary-600); font-weight: 700; }
#map { padding: 12px 14px 4px; gap: 4px; }
#umap { border: 0; padding: 0; margin: 0; background: transparent; }
#map, #umap, #umap > div, #umap .js-plotly-plot { width: 100%; }
#umap .js-plotly-plot { height: max(320px, calc(100dvh - 470px)); }
@media (max-width: 760px) { #umap .js-plotly-plot { height: 340px; }
  #talk { height: 62dvh !important; } #talk .message-row { padding: 4px 8px; }
  .gradio-container .fillable { padding: 8px 10px 0 !important; } }
"""

# Keep the newest message in view while answers and plots grow, unless the reader scrolled away;
# a click on a reference opens the evidence it names.
BEHAVIOUR = """() => {
  let height = 0, asked = 0, follow = true;
  const box = () => document.querySelector('#talk .panel-wrap');
  const moved = () => setTimeout(() => {
    const b = box(); if (b) follow = b.scrollTop + b.clientHeight > b.scrollHeight - 40; }, 80);
  for (const act of ['wheel', 'touchmove', 'keydown']) document.addEventListener(act, moved);
  setInterval(() => {
    const b = box(); if (!b) return;
    const questions = b.querySelectorAll('.user-row').length;
    if (questions > asked) follow = true;
    if (follow && b.scrollHeight !== height) b.scrollTop = b.scrollHeight;
    [asked, height] = [questions, b.scrollHeight];
  }, 100);
  const open = (event) => {
    const mark = event.target.closest('#talk .reference[role=button]');
    if (!mark || (event.key && event.key !== 'Enter')) return;
    const names = (t) => t.textContent.includes('Evidence:')
      && t.textContent.match(/E[0-9]+/g).includes(mark.textContent);
    const title = [...document.querySelectorAll('#talk .thought-group > .title')].find((t) =>
      names(t) && mark.compareDocumentPosition(t) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (!title) return;
    follow = false;
    if (!title.parentElement.querySelector('.fact')) title.click();
    setTimeout(() => title.scrollIntoView({ block: 'start', behavior: 'smooth' }), 120);
  };
  for (const act of ['click', 'keydown']) document.addEventListener(act, open, true); }"""


@dataclass
class Visit:
    """What belongs to one visitor: their dataset, their conversation, and nothing shared."""

    session: "Session"
    assistant: "Assistant"
    messages: list[dict[str, Any]] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)  # what the map can be coloured by
    turn: int = 0  # rises with each question and each stop; an older answer sees it and ends
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, content: Any, *, role: str = "assistant", **metadata: Any) -> dict[str, Any]:
        """Add a message and hand it back, to be changed while it grows."""
        self.messages.append({"role": role, "content": content, "metadata": metadata})
        return self.messages[-1]


def escape(text: Any) -> str:
    """Make words from a dataset or a person harmless: no HTML, no picture that is fetched."""
    return html.escape(str(text), quote=False).replace("![", "!\\[")


def answer_text(text: str) -> str:
    """Answer as Markdown, its references as small marks; terms link to their ontology page."""

    def mark(match: re.Match[str]) -> str:
        name = match[1]
        if ":" not in name:
            return f'<span class="reference" role="button" tabindex="0">{name}</span>'
        address = "http://purl.obolibrary.org/obo/" + name.replace(":", "_")
        return f'<a class="reference term" target="_blank" href="{address}">{name}</a>'

    return REFERENCE.sub(mark, escape(text))


def table_html(rows: list[dict[str, Any]]) -> str:
    """Draw the first rows of a table."""

    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f"<td class='number'>{value:.3g}</td>"
        return f"<td>{html.escape('' if value is None else str(value))}</td>"

    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(cell(row.get(name)) for name in columns)}</tr>" for row in rows[:N_ROWS]
    )
    more = f"<p class='aside'>{len(rows) - N_ROWS} more rows</p>" if len(rows) > N_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def evidence_html(evidence: "Iterable[Evidence]") -> str:
    """Draw what an answer rests on: each fact with its numbers, source and caveat."""
    facts = []
    for item in evidence:
        table = table_html(item.table) if item.table else ""
        notes = [item.source, item.unit and f"unit: {item.unit}", item.caveat]
        aside = " · ".join(html.escape(note) for note in notes if note)
        facts.append(
            f"<div class='fact'><span class='reference'>{item.id}</span> "
            f"{html.escape(item.text)}{table}<p class='aside'>{aside}</p></div>"
        )
    # One line: a blank line would end the HTML block and let Markdown read the rest.
    return " ".join("".join(facts).split("\n"))


def card_html(session: "Session") -> str:
    """Draw the dataset card: what it is, what the doctor found, how it was prepared."""
    report = session.report
    figures = {"cells": report.n_obs, "genes": report.n_vars, "clusters": len(session.clusters())}
    shown = "".join(f"<div><b>{n:,}</b><span>{what}</span></div>" for what, n in figures.items())
    names = {"human": "human", "mouse": "mouse"}.get(report.species, "species not known")
    facts = [
        f"Values: {report.matrix}, read from {report.layer}",
        f"Gene names: {report.gene_ids}, {names}",
        f"Clusters: obs[{session.cluster_key!r}]",
        *session.prepared.made,
    ]
    listed = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
    listed += "".join(
        f"<li class='problem'>{html.escape(f'{problem.message} {problem.fix}')}</li>"
        for problem in report.problems
    )
    n = len(report.problems)
    note = f"How it was read, and {n} remark{'s' * (n > 1)}" if n else "How it was read"
    return (
        f"<h2>{html.escape(session.title)}</h2><div class='figures'>{shown}</div>"
        f"<details><summary>{note}</summary><ul>{listed}</ul></details>"
    )


def dressed(figure: "Figure") -> "Figure":
    """Copy a figure for the page: no background of its own, so that light and dark both work."""
    from plotly.graph_objects import Figure

    return Figure(figure).update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        autosize=True,
        width=None,
        height=None,
    )


def follow(visit: Visit, question: str) -> Iterator[None]:
    """Turn the steps of one answer into messages; yields when there is something new to see."""
    from gradio import Plot

    from agent import Answer, AnswerToken, ToolCalled, ToolReturned

    calls: dict[str, dict[str, Any]] = {}
    spoken: dict[str, Any] | None = None
    text, next_drawing = "", 0.0
    for step in visit.assistant.ask(question):
        if isinstance(step, ToolCalled):
            calls[step.id] = visit.say("", title=escape(step.title), status="pending")
        elif isinstance(step, ToolReturned):
            call = calls[step.id]
            call["metadata"] |= {"status": "done", "duration": round(step.seconds, 1)}
            call["content"] = escape(step.error or step.evidence.text)
            if step.error:
                call["metadata"]["title"] += " (not possible)"
            elif step.evidence.figure is not None:
                visit.say(Plot(dressed(step.evidence.figure), show_label=False))
        elif isinstance(step, AnswerToken):
            text += step.text
            spoken = spoken or visit.say("")
            spoken["content"] = answer_text(text)
            if time.monotonic() < next_drawing:
                continue
        elif isinstance(step, Answer):
            spoken = spoken or visit.say("")
            spoken["content"] = answer_text(step.text)
            if step.unsupported:
                doubtful = answer_text(" ".join(step.unsupported))
                spoken["content"] += f"\n\n*Not supported by evidence:* {doubtful}"
            if step.evidence:
                ids = ", ".join(item.id for item in step.evidence)
                visit.say(evidence_html(step.evidence), title=f"Evidence: {ids}", status="done")
        started = time.monotonic()
        yield
        # A long conversation takes longer to draw; drawing must not hold up the answer.
        took = time.monotonic() - started
        next_drawing = time.monotonic() + max(FRAME, 2 * took)


def open_dataset(desk: "Desk", path: Path | None, *, progress: "gr.Progress") -> Visit:
    """Open a file, or the demo when `path` is None, as the start of a conversation."""
    from agent import Assistant

    session = desk.rooms.session()
    quiet = session.progress
    session.progress = lambda fraction, words: progress(fraction, desc=words)
    opened = session.open_demo() if path is None else session.open(path)
    session.progress = quiet
    assistant = Assistant(session, llm=desk.llm, offline=desk.offline)
    visit = Visit(session, assistant, colours=COLOURS.copy())
    visit.colours += [row["column"] for row in opened.table or () if row["kind"] != "clusters"]
    report, n_clusters = session.report, len(session.clusters())
    visit.say(
        answer_text(
            f"{session.title} is open: {report.n_obs:,} cells, {report.n_vars:,} genes, "
            f"{n_clusters} clusters [{opened.id}]. Ask about it, or begin with a question below."
        )
    )
    visit.say(evidence_html([opened]), title=f"Evidence: {opened.id}", status="done")
    return visit


class Desk:
    """What happens when a visitor clicks; every handler works on the `Visit` it is handed.

    Parameters
    ----------
    rooms
        Describer and knowledge base that all visitors read.
    data
        Dataset that a new visitor finds open; the demo when None.
    llm
        Chat model that leads the conversations; the embedded planner when None.
    offline
        Refuse a chat model that runs on another machine.
    """

    def __init__(
        self, rooms: Rooms, *, data: Path | None, llm: str | None, offline: bool = False
    ) -> None:
        self.rooms = rooms
        self.data = data
        self.llm = llm
        self.offline = offline

    def begin(self) -> "Assistant":
        """Open this server's dataset for one more caller."""
        from agent import Assistant

        session = self.rooms.session()
        session.open_demo() if self.data is None else session.open(self.data)
        return Assistant(session, llm=self.llm, offline=self.offline)

    def board(self, visit: Visit) -> list[Any]:
        """Draw everything that depends on the dataset: state, talk, card, colour, map, chips."""
        import gradio as gr

        return [
            visit,
            visit.messages,
            card_html(visit.session),
            gr.Dropdown(choices=visit.colours, value=COLOURS[0]),
            self.colour_map(COLOURS[0], visit),
            *self.chips(visit),
        ]

    def chips(self, visit: Visit) -> list[Any]:
        """Offer questions that make sense now."""
        import gradio as gr

        texts = visit.assistant.suggestions()[:N_CHIPS]
        shown = [gr.Button(text, visible=True) for text in texts]
        return shown + [gr.Button(visible=False)] * (N_CHIPS - len(texts))

    def open(self, path: Path | None, visit: Visit | None, progress: "gr.Progress") -> list[Any]:
        """Open a file, or the demo; what cannot be used leaves the open dataset as it is."""
        import gradio as gr

        try:
            return self.board(open_dataset(self, path, progress=progress))
        except user_errors() as exc:
            if visit is None:
                raise self.told(exc) from exc
            visit.say(f"I could not open that file. {escape(exc)}")
            return [visit, visit.messages, *[gr.skip()] * (3 + N_CHIPS)]

    def colour_map(self, colour: str, visit: Visit | None) -> Any:
        """Draw the cells on their map, coloured by a grouping or a gene."""
        import gradio as gr

        from tools import TOOLS

        if visit is None:
            return gr.skip()
        try:
            return dressed(TOOLS["plot_umap"](visit.session, color=colour).figure)
        except user_errors() as exc:
            gr.Warning(escape(exc), title="The map stays as it is", duration=12)
            return gr.skip()

    def answer(self, question: str, visit: Visit | None) -> Iterator[list[Any]]:
        """Answer a question while the visitor watches; yields state, talk, question and chips."""
        import gradio as gr

        wait = [gr.skip()] * N_CHIPS
        if visit is None:
            msg = "No dataset is open yet. Wait for it, or open a file or the demo."
            raise self.told(msg)
        if not question.strip():
            yield [gr.skip()] * (3 + N_CHIPS)
            return
        visit.turn += 1
        turn = visit.turn
        if not visit.lock.acquire(timeout=STOPPING):
            msg = "The answer before is still being stopped. Ask again in a moment."
            raise self.told(msg)
        try:
            visit.say(escape(question), role="user")
            box = gr.Textbox("", submit_btn=False, stop_btn=True)
            yield [visit, visit.messages, box, *wait]
            for _ in self.steps(visit, question):
                if visit.turn != turn:
                    return
                yield [visit, visit.messages, gr.skip(), *wait]
        finally:
            settle(visit)
            visit.lock.release()
        box = gr.Textbox(submit_btn=True, stop_btn=False)
        yield [visit, visit.messages, box, *self.chips(visit)]

    @staticmethod
    def steps(visit: Visit, question: str) -> Iterator[None]:
        """Follow an answer; an error becomes a sentence, and the conversation goes on."""
        try:
            yield from follow(visit, question)
        except user_errors() as exc:
            visit.say(escape(exc))
        except Exception:
            logger.exception("An answer failed")
            visit.say("Something went wrong on my side with that question; it was logged.")
        yield

    def stop(self, visit: Visit | None) -> list[Any]:
        """End the answer that is being given."""
        import gradio as gr

        box = gr.Textbox(submit_btn=True, stop_btn=False)
        if visit is None:
            return [gr.skip(), box]
        visit.turn += 1
        settle(visit)
        visit.say("*Stopped.*")
        return [visit.messages, box]

    @staticmethod
    def told(exc: Exception | str) -> Exception:
        """Make an error that Gradio shows to the visitor."""
        import gradio as gr

        return gr.Error(escape(exc), title="That did not work", duration=12, print_exception=False)


def settle(visit: Visit) -> None:
    """Stop the spinners of steps that will not return."""
    for message in visit.messages:
        if message["metadata"].get("status") == "pending":
            message["metadata"]["status"] = "done"


class Controls:
    """The components of the page that handlers read or write, laid out as they are made."""

    def __init__(self) -> None:
        import gradio as gr

        self.visit = gr.State(time_to_live=7200)
        gr.HTML(HEADER, elem_id="header")
        with gr.Row(elem_id="room"):
            with gr.Column(scale=3, min_width=340, elem_id="conversation"):
                self.lay_out_conversation()
            with gr.Column(scale=2, min_width=320, elem_id="dataset"):
                self.lay_out_dataset()

    def lay_out_conversation(self) -> None:
        """Place the talk, the suggested questions and the question box."""
        import gradio as gr

        self.talk = gr.Chatbot(
            elem_id="talk",
            show_label=False,
            height="calc(100dvh - 200px)",
            min_height=380,
            layout="panel",
            buttons=[],
            latex_delimiters=[],
            autoscroll=False,
            allow_tags=False,
            feedback_options=None,
            placeholder="Opening the dataset …",
        )
        with gr.Row(elem_id="chips"):
            self.chips = [
                gr.Button(visible=False, size="sm", min_width=60, elem_classes="chip")
                for _ in range(N_CHIPS)
            ]
        self.question = gr.Textbox(
            elem_id="question",
            show_label=False,
            label="Question",
            placeholder="Ask about this dataset, a cluster, a gene, a cell type …",
            submit_btn=True,
            max_length=4000,
            autofocus=True,
        )

    def lay_out_dataset(self) -> None:
        """Place the dataset's card, the ways to open another, and the map."""
        import gradio as gr

        self.card = gr.HTML("<h2>Opening the dataset …</h2>", elem_id="card")
        with gr.Row(elem_id="open"):
            self.upload = gr.UploadButton("Open a dataset", size="sm", variant="primary")
            self.demo = gr.Button("Open the demo", size="sm")
        with gr.Column(elem_id="map"):
            self.colour = gr.Dropdown(
                label="Colour by a grouping or a gene",
                choices=COLOURS,
                allow_custom_value=True,
                container=False,
            )
            self.umap = gr.Plot(show_label=False, elem_id="umap", container=False)


def build_page(desk: Desk) -> "gr.Blocks":
    """Lay out the page and join its controls to the desk."""
    import gradio as gr

    def arrive(progress: gr.Progress = gr.Progress()) -> list[Any]:
        return desk.open(desk.data, None, progress)

    def upload(path: str, here: Visit | None, progress: gr.Progress = gr.Progress()) -> list[Any]:
        return desk.open(Path(path), here, progress)

    def demo(here: Visit | None, progress: gr.Progress = gr.Progress()) -> list[Any]:
        return desk.open(None, here, progress)

    private = {"api_visibility": "private"}
    slow = private | {"concurrency_limit": 2, "concurrency_id": "work"}
    with gr.Blocks(title="Cell2Text Chat", fill_width=True, delete_cache=(3600, 7200)) as page:
        on = Controls()
        opening = slow | {"show_progress_on": [on.talk]}
        board = [on.visit, on.talk, on.card, on.colour, on.umap, *on.chips]
        page.load(arrive, None, board, **opening)
        on.upload.upload(upload, [on.upload, on.visit], board, **opening)
        on.demo.click(demo, on.visit, board, **opening)
        on.colour.input(desk.colour_map, [on.colour, on.visit], on.umap, **slow)
        # A plot that was drawn while the page was being laid out takes its place's size.
        resize = "() => { setTimeout(() => dispatchEvent(new Event('resize')), 60) }"
        on.umap.change(None, js=resize)
        told = [on.visit, on.talk, on.question, *on.chips]
        asked = [on.question.submit(desk.answer, [on.question, on.visit], told, **slow)]
        asked += [chip.click(desk.answer, [chip, on.visit], told, **slow) for chip in on.chips]
        still = [on.talk, on.question]
        on.question.stop(desk.stop, on.visit, still, cancels=asked, queue=False, **private)
        offer_verbs(desk)
    return page


def offer_verbs(desk: Desk) -> None:
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
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        input_background_fill="transparent",
        input_background_fill_dark="transparent",
    )


def launch(desk: Desk, *, host: str, port: int, share: bool) -> None:
    """Serve the page until interrupted."""
    page, address = serve(desk, host=host, port=port, share=share)
    print(f"Cell2Text Chat is at {address} (stop with Ctrl+C)", flush=True)
    page.block_thread()


def serve(desk: Desk, *, host: str, port: int, share: bool) -> "tuple[gr.Blocks, str]":
    """Start serving the page and the other doors; return it with its address."""
    page = build_page(desk)
    page.queue(max_size=64)
    at_a_screen = sys.stdout.isatty() and (sys.platform == "darwin" or "DISPLAY" in os.environ)
    try:
        _, local, public = page.launch(
            quiet=True,
            prevent_thread_lock=True,
            server_name=host,
            server_port=port,
            share=share,
            inbrowser=at_a_screen,
            css=CSS,
            js=BEHAVIOUR,
            theme=make_theme(),
            footer_links=[],
            max_file_size=os.environ.get("CELL2TEXT_MAX_UPLOAD", "4gb"),
            show_error=True,
            mcp_server=importlib.util.find_spec("mcp") is not None,
        )
    except OSError as exc:
        msg = f"Port {port} on {host} is in use or not allowed. Choose another with --port."
        raise UsageError(msg) from exc
    return page, str(public or local)


# ---------------------------------------------------------------------------------- errors


def user_errors() -> tuple[type[Exception], ...]:
    """Errors that a person can mend; everything else is ours."""
    from kb import KnowledgeError
    from model import ModelError
    from tools import ToolError

    known = (UsageError, ToolError, ModelError, KnowledgeError, PermissionError)
    if "agent" in sys.modules:  # slow to import, and cannot have failed where it was not
        from agent import LanguageModelError

        known += (LanguageModelError,)
    return known


def main(argv: list[str] | None = None) -> int:
    """Run one command; without one, the page.

    Returns
    -------
    0 when done, 2 on bad usage or unreadable input, 1 on an error of this program.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
        arguments = ["chat", *arguments]
    logging.basicConfig(
        level=os.environ.get("CELL2TEXT_LOG", "WARNING").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
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
