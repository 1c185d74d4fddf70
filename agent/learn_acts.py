"""Learn which act a question is from written-down wordings: ``python -m agent.learn_acts``.

The placeholders of a wording are filled with names of invented files and then tagged as a real
question would be, so that the model learns from what it will see. The same wordings give the same
weights.
"""

import argparse
import json
import random
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ._asks import Focus
from ._outlines import outline
from ._plain_forms import ACTS
from ._recogniser import FIRST, PASSING, WEIGHTS, features_of
from ._tags import tag
from ._understanding import plainly
from ._vocabulary import Named, Vocabulary

WORDINGS = Path(__file__).with_name("wordings.tsv")
TALKS = Path(__file__).with_name("talks.tsv")
_SOFTNESS = 20.0  # inverse strength of the penalty on weights, from cross-validation
_GENES = tuple(
    """
    CD3D CD3E MS4A1 CD79A LYZ CD14 NKG7 GNLY FCGR3A CD8A CD4 IL7R PECAM1 COL1A1 ACTA2 ISG15 CXCL10
    IFI6 FOXP3 CTLA4 PDCD1 TCF7 GZMB KRT19 EPCAM S100A8 HLA-DRA PPBP MKI67 VIM INS GCG
    """.split()  # noqa: SIM905  # one name a word
)
_TYPES = (
    "T cells", "B cells", "NK cells", "monocytes", "macrophages", "fibroblasts",
    "endothelial cells", "dendritic cells", "plasma cells", "Tregs", "CD8 T cells", "CD4 T cells",
    "neutrophils", "epithelial cells", "mast cells",
)  # fmt: skip
_WORDS = {
    "quality": "UMIs;genes per cell;detected genes;mitochondrial reads;library size;counts;"
    "mito percent;nCount_RNA;percent mt;total counts",
    "set": "interferon response;hypoxia;cell cycle;inflammatory response;glycolysis;emt;apoptosis;"
    "oxidative phosphorylation;tnf signalling;T cell activation;angiogenesis;exhaustion",
    "thing": "insulin;antibodies;myelin;collagen;glucagon;histamine;mucus;surfactant;albumin",
    "name": "mygroup;keepers;activated;candidates;my cells;gate1;doublepos;tex;set_a",
    "number": "2;3;5;10;20;1;500;1000",
}
_FILES: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "author_label": ("CD4 T cells", "CD8 T cells", "B cells", "CD14+ Monocytes", "NK"),
        "condition": ("stim", "ctrl"),
        "donor": ("donor 1", "donor 2", "donor 3"),
    },
    {
        "cell_type": ("Fibroblast", "Epithelial", "Endothelial", "T cell", "Macrophage"),
        "respond": ("Responder", "Non-responder"),
        "patient": ("P1", "P12", "P24"),
        "therapy": ("anti-PD1", "anti-CTLA4"),
    },
    {
        "Annotation": ("Alpha", "Beta", "Ductal", "Acinar", "Stellate"),
        "disease": ("normal", "type 2 diabetes mellitus"),
        "sampleID": ("HC-07", "T2D-01", "T2D-02"),
        "sex": ("male", "female"),
    },
)


@dataclass(frozen=True)
class Wording:
    """One way to put an act, after another one where it comes from a conversation."""

    act: str
    text: str
    before: str = ""


def read_wordings(path: Path = WORDINGS) -> list[Wording]:
    """Return the wordings, without those of acts that are not known.

    Raises
    ------
    ValueError
        If a line names an act that there is none of.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        act, _, text = line.partition("\t")
        if act not in ACTS or not text:
            msg = f"{path.name}: '{line[:60]}' should be an act, a tab and a wording."
            raise ValueError(msg)
        found.append(Wording(act, text))
    return found


def read_talks(path: Path = TALKS) -> list[Wording]:
    """Return the turns of conversations that ask for one thing, each with the act before it.

    Raises
    ------
    ValueError
        If a line names an act that there is none of.
    """
    found: list[Wording] = []
    talk, before = "", FIRST
    for line in path.read_text(encoding="utf-8").splitlines():
        number, _, rest = line.partition("\t")
        asked, _, text = rest.partition("\t")
        acts = asked.split(";")
        if not text or not set(acts) <= ACTS:
            msg = f"{path.name}: '{line[:60]}' should be a talk, an act and a wording, with tabs."
            raise ValueError(msg)
        if number != talk:
            talk, before = number, FIRST
        if len(acts) == 1:
            found.append(Wording(asked, text, before))
        before = next((act for act in reversed(acts) if act not in PASSING), before)
    return found


def invented_files() -> list[Vocabulary]:
    """Return vocabularies of files that there are none of, to fill wordings with."""
    kinds = {name.casefold() for name in _TYPES}
    made = []
    for labels in _FILES:
        types, *others = labels
        authors = {
            key: (types, label)
            for label in labels[types]
            for key in (label.casefold(), label.casefold().removesuffix("s"))
        }
        made.append(
            Vocabulary(
                clusters=tuple(map(str, range(10))),
                genes={gene.casefold(): gene for gene in _GENES},
                columns={
                    name.casefold(): name
                    for name in (*labels, "leiden", "n_genes", "percent.mt", "batch")
                },
                values={name: labels[name] for name in others},
                people=frozenset({"donor", "patient"} & set(labels)),
                authors=authors,
                labels=labels,
                numbers=frozenset({"n_genes", "percent.mt"}),
                resolve=lambda text: Named("", text) if text.casefold() in kinds else None,
            )
        )
    return made


def fill(wording: str, vocabulary: Vocabulary, rng: random.Random) -> str:
    """Return a wording with names of a file in place of its placeholders."""
    labels = [label for values in vocabulary.labels.values() for label in values]

    def name(match: re.Match[str]) -> str:
        kind = match[1]
        if kind == "group":
            which = rng.random()
            if which < 0.35:
                return f"cluster {rng.choice(vocabulary.clusters)}"
            return _cased(rng.choice(labels if which < 0.75 else _TYPES), rng)
        if kind == "gene":
            gene = rng.choice(_GENES)
            return gene if rng.random() < 0.8 else gene.casefold()
        if kind == "genes":
            few = rng.sample(_GENES, rng.choice((2, 3, 3, 4)))
            return rng.choice((", ", " and ", " ", ", ")).join(few)
        if kind == "column":
            return rng.choice(list(vocabulary.columns.values()))
        return rng.choice(_WORDS[kind].split(";"))

    return re.sub(r"\{(\w+)\}", name, wording)


def _cased(label: str, rng: random.Random) -> str:
    return label if rng.random() < 0.6 else label.casefold()


def examples(wordings: list[Wording], *, n_fillings: int = 1) -> Iterator[tuple[str, list[str]]]:
    """Yield the act and the features of each wording, filled as often as is wanted."""
    files, rng = invented_files(), random.Random(0)  # no secret
    for wording in wordings:
        for _ in range(n_fillings if "{" in wording.text else 1):
            vocabulary = rng.choice(files)
            text = plainly(fill(wording.text, vocabulary, rng), vocabulary)
            tags = tag(text, vocabulary, Focus())
            line, slots = outline(tags, vocabulary)
            yield wording.act, list(features_of(line, slots, tags, wording.before))


def learn(
    path: Path = WEIGHTS, *, wordings: list[Wording] | None = None, n_folds: int = 0
) -> float | None:
    """Learn from all wordings, write the weights and return the share right in cross-validation.

    Parameters
    ----------
    path
        Where the weights are written.
    wordings
        What is learnt from; those that ship with the package by default.
    n_folds
        Parts that are left out in turn; 0 does not cross-validate and returns None.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    pairs = list(examples(wordings or [*read_wordings(), *read_talks()]))
    acts = np.array([act for act, _ in pairs])
    words = TfidfVectorizer(analyzer=list, min_df=2, sublinear_tf=True)
    seen = words.fit_transform([features for _, features in pairs])
    model = LogisticRegression(C=_SOFTNESS, max_iter=60)
    right = float(cross_val_score(model, seen, acts, cv=n_folds).mean()) if n_folds else None
    with warnings.catch_warnings():  # few steps are meant: more fit the wordings too closely
        warnings.simplefilter("ignore")
        model.fit(seen, acts)
    scale = np.abs(model.coef_).max(axis=1) / 127
    names = {"acts": model.classes_.tolist(), "features": words.get_feature_names_out().tolist()}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        names=np.frombuffer(json.dumps(names).encode(), np.uint8),
        rarity=words.idf_.astype(np.float16),
        weights=np.round(model.coef_ / scale[:, None]).astype(np.int8).T,
        scale=scale.astype(np.float32),
        bias=model.intercept_.astype(np.float32),
    )
    part.replace(path)
    return right


def main() -> None:
    """Learn which act a question is, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m agent.learn_acts", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights are written")
    parser.add_argument("--folds", type=int, default=0, help="parts to leave out in turn")
    said = parser.parse_args()
    right = learn(said.out, n_folds=said.folds)
    if right is not None:
        sys.stdout.write(f"{right:.1%} of the wordings are known when left out.\n")
    sys.stdout.write(f"Wrote {said.out.name}.\n")


if __name__ == "__main__":
    main()
