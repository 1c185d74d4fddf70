"""Asks for a figure as a file: which figure is meant, in what format, and whether to draw it."""

import re

from ._asks import Ask
from ._calls import Call, Situation, run

# The first format whose words are in a question is taken; without any, the page that moves.
_FORMATS = (
    ("html", r"html?|web ?pages?|interactive\w*|browser"),
    ("json", r"json"),
    ("svg", r"svgs?|illustrator|inkscape|affinity|corel\w*|figma"),
    ("pdf", r"pdfs?|eps|postscript|latex"),
    ("png", r"pngs?|tiff?s?|jpe?gs?|bmp|bitmap|raster\w*"),
    ("svg", r"vector\w*|editable|scalable|to edit"),
    ("png", r"\d+ ?dpi|dpi|high(?:er)?[- ]?res\w*|hi-?res\w*|resolution|power ?point|pptx?|slides?|"
            r"keynote|word|docx?|images?|pictures?|photos?|savefig|ggsave"),
    ("pdf", r"publi(?:cation|sh)\w*|manuscripts?|journals?|papers?|thesis|dissertation|posters?|"
            r"(?:to |for )?print(?:ed|ing|able)?|nature|camera[- ]ready"),
)  # fmt: skip
_READ = tuple((name, re.compile(rf"(?i)\b(?:{said})\b")) for name, said in _FORMATS)
_DPI = re.compile(r"(?i)\b(\d{2,4}) ?(?:dpi|ppi|dots per inch)\b")
_NOT_WRITTEN = re.compile(r"(?i)\b(tiff?|jpe?g|bmp|eps|postscript)s?\b")
_KINDS = (
    ("map", r"umaps?|t-?snes?|(?<!heat )maps?"),
    ("violin", r"violins?(?: ?plots?)?|box ?plots?"),
    ("dots", r"(?:dot|bubble|matrix)[- ]?plots?|heat ?maps?"),
    ("bars", r"(?:stacked )?bar ?-?(?:plot|chart|graph)s?|(?:stacked )?bars"),
)
_OF_KIND = tuple((kind, re.compile(rf"(?i)\b(?:{said})\b")) for kind, said in _KINDS)
_FORMAT = r"(?:html|svg|pdf|png|tiff?|jpe?g|eps)s?"
#: Words of a question that ask for a figure as a file, whatever else it says.
NAMES_FILE = re.compile(
    rf"(?i)\b(?:(?!html){_FORMAT}|\d+ ?dpi|illustrator|inkscape|(?:figure|plot|graph|umap|violin)s?"
    r" for (?:the|my|our|a) (?:paper|manuscript|thesis|poster|talk|slides|presentation))\b"
)
_WRITE = r"(?:save|export|download|write|store|put)"
_DRAWING = (
    rf"(?:the |an? )?(?P<drawn>(?:{'|'.join(said for _, said in _KINDS)})\b.*?"
    r"\b(?:by|of|showing) (?!(?:that|this|these|those|it|the last|the figure|E\d+)\b).+?)"
)
_DRAWN_AND_WRITTEN = (
    re.compile(
        rf"(?i)^(?:please |can you |could you |and |now |then )*(?P<write>{_WRITE} )?"
        r"(?:(?:give|show|get|draw|plot|make|i want|i need) (?:me )?)?"
        rf"{_DRAWING}(?P<format>,? (?:as|in|to|into) (?:an? )?{_FORMAT}\b.*)?[?.! ]*$"
    ),
    re.compile(rf"(?i)^(?:an? |the )?(?P<format>{_FORMAT})(?: files?)? of {_DRAWING}[?.! ]*$"),
)


_DRAWN_AND_ALL = re.compile(
    rf"(?i)^(?P<drawn>.*\b(?:{'|'.join(said for _, said in _KINDS)})\b.*?),? and (?:then |also )?"
    rf"{_WRITE} .*\b(?:everything|all of it|whole|data ?set|h5ad|ann ?data|adata|object|scanpy|"
    r"cellxgene)\b.*$"
)


def drawn_and_written(text: str) -> list[str]:
    """Cut "save the violin of LYZ as pdf" into what is to be drawn and what is to be written."""
    if both := _DRAWN_AND_ALL.match(text):
        return [both["drawn"], "export the annotated dataset"]
    for pattern in _DRAWN_AND_WRITTEN:
        match = pattern.match(text)
        if match and (match["format"] or match.groupdict().get("write")):
            format = re.sub(r"(?i)^,? (?:as|in|to|into) (?:an? )?", "", match["format"] or "html")
            return [f"show {match['drawn']}", f"export the figure as {format}"]
    return [text]


def figure_ask(text: str) -> Ask:
    """Return the ask for a file of a figure, with the format and the kind that are named."""
    format = next((name for name, said in _READ if said.search(text)), "html")
    dpi, other = _DPI.search(text), _NOT_WRITTEN.search(text)
    note = ""
    if other and not re.search(rf"(?i)\b{format}s?\b", text):
        note = f"I write no {other[1].upper()}; a {format.upper()} can be converted into one."
    return Ask(
        "export_figure",
        mode=format,
        plot=next((kind for kind, said in _OF_KIND if said.search(text)), None),
        number=int(dpi[1]) if dpi and format == "png" else None,
        note=note,
        text=text,
    )


def plan_figure(ask: Ask, situation: Situation) -> list[Call]:
    """Write the figure that was made last, of the kind that is asked for; a map can be drawn."""
    named = re.search(r"(?i)\bE\d+\b", ask.text)
    if _was_refused(situation):
        return []
    latest = situation.latest(holding="has_figure", drawn=ask.plot)
    evidence = named.group().upper() if named else latest
    if evidence is None:
        return [Call("plot_umap", {"color": "clusters"})] if ask.plot == "map" else []
    return run("export_figure", evidence=evidence, format=ask.mode or "html", dpi=ask.number)


def no_figure(ask: Ask, situation: Situation) -> str:
    """Say why nothing was written."""
    if _was_refused(situation):
        return "So there is no figure to write."
    kinds = {"violin": "violin plot", "dots": "dot plot", "bars": "bar chart"}
    kind = kinds.get(ask.plot or "", "figure")
    return f"I have made no {kind} yet that I could write; ask me for one first."


def _was_refused(situation: Situation) -> bool:
    """Whether this turn was to draw something and could not; another figure is not meant then."""
    made = [result for result in situation.results if not result.name.startswith("export")]
    is_drawn = any((result.artifact or {}).get("drawn") for result in made)
    return any(result.error for result in made) and not is_drawn
