"""Describes cells: the face of a checkpoint."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ._cell_checks import CONTRADICTED, DYING, FEW_GENES, usual_second
from ._checkpoint import Checkpoint, load_checkpoint
from ._copy_number import MALIGNANT, move_to_malignant
from ._description import Contrast, Description, Slot
from ._engine import Engine, context_of
from ._errors import GeneMatchError, ModelError
from ._evidence_genes import evidence_genes, top_genes
from ._flagging import flagged, is_unnamed, remarks, withhold
from ._labels import NOT_KNOWN
from ._list_overlap import ListOverlap, overlap_of
from ._malignancy import named_malignant
from ._mitochondria import is_dying, mitochondrial_share
from ._neighbourhood import find_neighbourhood, steady
from ._references import FILE as REFERENCES
from ._references import read_profiles
from ._second_opinion import NearestProfile
from ._surroundings import NOWHERE, Surroundings, weights_of_shares
from ._tokens import linear_scale, rank_value_tokens
from ._walking import Walker

if TYPE_CHECKING:
    from ._genes import GeneTable
    from ._marker_lists import MarkerReading
    from ._walking import Walked

#: A description of a cell with fewer genes of the model than this is flagged.
ENOUGH_GENES = 100
#: A cell whose type is not known may be of a type with this probability.
_MAY_BE = 0.1
#: Below this many genes of the model in a dataset, nothing is described.
LEAST_MATCHED = 50


class Describer:
    """Reads cells and describes them.

    Parameters
    ----------
    checkpoint
        The model with its tables.
    checkpoint_id
        Name under which it was asked for.
    """

    def __init__(self, checkpoint: Checkpoint, *, checkpoint_id: str = "compact") -> None:
        from ._collate import Collator
        from ._decoding import ConstrainedDecoder
        from ._descriptions import DescriptionFormat
        from ._steady import make_steady

        self.checkpoint, self.checkpoint_id = checkpoint, checkpoint_id
        self.genes: GeneTable = checkpoint.genes
        self.space = checkpoint.labels
        self.text = DescriptionFormat(self.space)
        model = checkpoint.model
        self._model = model
        collator = Collator(self.text, model.tokenizer, model.prompt_ids)
        make_steady(model)
        computed = [slot for slot in self.space.stated if slot.startswith("pathway")]
        self.walker = Walker(checkpoint, ConstrainedDecoder(model, collator, computed=computed))
        self.engine = Engine()

    @cached_property
    def overlap(self) -> ListOverlap | None:
        """The lists that the checkpoint's marker encoders read, to lay other lists beside."""
        space = self.space.slot("cell_type")
        types = self.checkpoint.list_types
        return overlap_of(self._model, types, space, self.space.terms)

    @cached_property
    def nearest_profile(self) -> NearestProfile | None:
        """The profiles that travel with the checkpoint, where its calibration asks them."""
        checkpoint = self.checkpoint
        path = None if checkpoint.folder is None else checkpoint.folder / REFERENCES
        asked = checkpoint.calibration.slot("cell_type").agreement is not None
        if not asked or path is None or not path.is_file():
            return None
        return NearestProfile(read_profiles(self.genes, path), self.space.slot("cell_type"))

    @property
    def revision(self) -> str:
        """Hash of everything that decides what the checkpoint says."""
        return self.checkpoint.revision

    @property
    def metadata(self) -> dict[str, Any]:
        """Sources, seed, versions and scores of the checkpoint."""
        return self.checkpoint.metadata

    @property
    def labels(self) -> dict[str, dict[str, Any]]:
        """``{term id: {"label", "definition", "parents"}}`` of every term it knows."""
        return {
            t.term_id: {"label": t.label, "definition": t.definition, "parents": t.parents}
            for t in self.space.terms.values()
        }

    def tokens(
        self, matrix: sparse.csr_matrix | np.ndarray, var_names: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rank-value tokens ``(n, T)`` of cells and their number ``(n,)``.

        Values that are whole numbers, or larger than 20, are taken as linear; others as log1p.

        Raises
        ------
        GeneMatchError
            If hardly any variable is a gene of the model.
        """
        return self._tokens(linear_scale(matrix), var_names)

    def _tokens(
        self, linear: sparse.csr_matrix, var_names: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        match = self.genes.match(var_names)
        if match.n_matched < min(LEAST_MATCHED, len(self.genes)):
            msg = (
                f"Only {match.n_matched} of {len(var_names)} variables, such as "
                f"{[str(v) for v in var_names[:3]]}, are genes of the model, which knows "
                f"{len(self.genes)} human genes. Name the variables by gene symbol or Ensembl id."
            )
            raise GeneMatchError(msg)
        limit = self._model.config.encoder.max_tokens
        return rank_value_tokens(linear, match.token_ids, self.genes.medians, max_tokens=limit)

    def describe(
        self,
        matrix: sparse.csr_matrix | np.ndarray,
        var_names: Sequence[str],
        *,
        with_genes: bool = False,
        around: Surroundings = NOWHERE,
        batch_size: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> list[Description]:
        """Describe cells.

        Parameters
        ----------
        matrix
            ``(n, n_vars)`` counts, normalised or log1p expression; only the order of the genes
            within a cell is read.
        var_names
            ``(n_vars,)`` gene symbols or Ensembl ids.
        with_genes
            Also find the genes that speak for and against every claim, at the cost of a
            backward pass through the model for each.
        around
            Where the cells come from, as `survey` finds: other organs' resident types are then
            hardly ever said, types that the dataset has are preferred to others, and what the cells
            most like a cell are read as counts.
        batch_size
            Most cells described together; as many as the engine finds good when None. It
            changes no word.
        progress
            Called with (cells done, cells in all).
        cancel
            Asked before each batch; when true, nothing more is described.

        Raises
        ------
        GeneMatchError
            If hardly any variable is a gene of the model.
        """
        linear = linear_scale(matrix)
        tokens, n_tokens = self._tokens(linear, var_names)
        measured = self.measured(var_names)
        known, n_beside = self._known_of(linear, var_names, around)

        def run(
            tokens: np.ndarray, n_tokens: np.ndarray, known: np.ndarray | None
        ) -> list[Description]:
            others = None if known is None else known[:, n_beside:].astype(int)
            return self._describe_batch(
                tokens,
                n_tokens,
                with_genes=with_genes,
                measured=measured,
                around=around,
                beside=known[:, :n_beside] if known is not None and n_beside else None,
                others=others if others is not None and others.shape[1] else None,
            )

        context = context_of(
            self.revision,
            device=str(self._model.device),
            with_genes=with_genes,
            measured=np.packbits(measured).tobytes().hex(),
            around=[list(around.organs), list(around.weights), around.usual],
        )
        described = self.engine.describe(
            tokens,
            n_tokens,
            run,
            beside=known,
            context=context,
            batch_size=batch_size,
            progress=progress,
            cancel=cancel,
        )
        shares = mitochondrial_share(linear, var_names)
        alive = [
            self._unless_dying(one, share) for one, share in zip(described, shares, strict=True)
        ]
        return self._of_clones(alive, linear, var_names, around)

    def _known_of(
        self, linear: sparse.csr_matrix, var_names: Sequence[str], around: Surroundings
    ) -> tuple[np.ndarray | None, int]:
        """Return what is known of cells besides their tokens, and how many columns are readings.

        How their neighbours are read, see `beside`, and then what others call them, see `others`.
        """
        token_ids, near = self.genes.match(var_names).token_ids, around.neighbourhood
        found = None if near is None else near.find(linear, token_ids)
        beside = None if near is None else near.readings(found)
        others = self.others(linear, token_ids, around, found)
        parts = [part for part in (beside, others) if part is not None]
        n_beside = 0 if beside is None else beside.shape[1]
        return (np.column_stack(parts) if parts else None), n_beside

    def others(
        self,
        linear: sparse.csr_matrix,
        token_ids: np.ndarray,
        around: Surroundings,
        found: np.ndarray | None,
    ) -> np.ndarray | None:
        """Return ``(n, 1 + k)`` what the nearest profile and near neighbours call cells.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` expression on a linear scale.
        token_ids
            ``(n_vars,)`` row of the gene table for each variable, -1 where unknown.
        around
            As in `describe`.
        found
            The neighbours that `Neighbourhood.find` gave; None where there is no neighbourhood.

        Returns
        -------
        Places in the speakable terms, see `_second_opinion.agreement`; None where there are no
        neighbours or the checkpoint asks nobody.
        """
        if found is None or around.neighbourhood is None or self.nearest_profile is None:
            return None
        profile = self.nearest_profile.names(linear, token_ids)
        return np.column_stack([profile, around.neighbourhood.names_of(found)])

    def _of_clones(
        self,
        described: list[Description],
        linear: sparse.csr_matrix,
        var_names: Sequence[str],
        around: Surroundings,
    ) -> list[Description]:
        """Name the cells malignant whose chromosome arms are those of a clone of the dataset."""
        arms, found = self.checkpoint.arms, around.copy_number
        if arms is None or found is None:
            return described
        token_ids = self.genes.match(var_names).token_ids
        of_clone, which = arms.judge(linear, token_ids, found)
        space = self.space.slot("cell_type")
        least = self.checkpoint.calibration.slot("cell_type").least
        return [
            named_malignant(
                one,
                float(share),
                found.clones[clone],
                space=space,
                form=self.text,
                least=least,
            )
            for one, share, clone in zip(described, of_clone, which, strict=True)
        ]

    def _unless_dying(self, description: Description, share: float) -> Description:
        """Withhold the name of a cell with a mitochondrial share 0-1 as dying cells have it."""
        said = description.slots["cell_type"].ontology_term_id
        space = self.space.slot("cell_type")
        above = () if said is None else space.ancestors(said)
        if is_unnamed(description.flags) or not is_dying(share, above):
            return description
        return flagged(description, DYING, self.text)

    def _describe_batch(
        self,
        tokens: np.ndarray,
        n_tokens: np.ndarray,
        *,
        with_genes: bool,
        measured: np.ndarray | None = None,
        around: Surroundings = NOWHERE,
        beside: np.ndarray | None = None,
        others: np.ndarray | None = None,
    ) -> list[Description]:
        import torch

        with torch.set_grad_enabled(with_genes):
            batch = torch.as_tensor(tokens, device=self._model.device)
            gates = (batch != 0).float().requires_grad_(with_genes)
            walked = self.walker.walk(
                batch, gates, measured=measured, around=around, beside=beside, others=others
            )
            genes = evidence_genes(self.checkpoint, walked, batch, gates) if with_genes else {}
        checked = self._flags(walked, measured, around, beside)
        descriptions = []
        for i in range(len(tokens)):
            slots = {}
            for name in self.space.stated:
                slot = walked.slots[name][i]
                if n_tokens[i] == 0:
                    slot = Slot(name, NOT_KNOWN, None, 0.0)
                elif with_genes and slot.is_known:
                    slot = replace(slot, genes=genes[name][i])
                slots[name] = slot
            flags = (*checked[i], *((FEW_GENES,) if n_tokens[i] < ENOUGH_GENES else ()))
            if is_unnamed(flags):
                slots = {name: withhold(slot) for name, slot in slots.items()}
            spoken = {name: walked.spoken[name][i] for name, slot in slots.items() if slot.is_known}
            said = remarks(flags) or self._may_be(slots["cell_type"])
            text = self.text.write(spoken, remarks=said)
            descriptions.append(Description(text, slots, int(n_tokens[i]), flags))
        return descriptions

    def _may_be(self, slot: Slot) -> list[str]:
        """Return a sentence on what a cell whose type is not known may be."""
        unsaid = self.checkpoint.calibration.slot("cell_type").unsaid
        names = [
            self.text.name(other.ontology_term_id, "cell_type")
            for other in slot.runners_up
            if other.ontology_term_id and other.ontology_term_id not in unsaid
            if other.probability >= _MAY_BE
        ]
        return [f"It may be {' or '.join(names[:2])}."] if names and not slot.is_known else []

    def _flags(
        self,
        walked: "Walked",
        measured: np.ndarray | None,
        around: Surroundings,
        beside: np.ndarray | None,
    ) -> list[tuple[str, ...]]:
        """Return the flags of each cell that the checkpoint's checks find."""
        checks, facts = self.checkpoint.checks, walked.facts
        if checks is None or facts is None or measured is None:
            return [()] * len(walked.fed["cell_type"])
        found = checks.flags(facts, n_measured=int(measured.sum()), usual=around.usual)
        presence = steady(facts.presence, beside)
        for i, said in enumerate(walked.spoken["cell_type"]):
            named = said is not None and not is_unnamed(found[i])
            if named and checks.contradicted(presence[i], said, self.space.terms):
                found[i] = (*found[i], CONTRADICTED)
        return found

    def describe_markers(
        self,
        lists: Sequence[Sequence[str]],
        *,
        tissues: Sequence[Sequence[str]] | None = None,
        with_genes: bool = False,
    ) -> "MarkerReading":
        """Read ranked lists of marker genes, best first, as if each were a cell.

        Parameters
        ----------
        lists
            Gene symbols or Ensembl ids; what the model does not know is passed over.
        tissues
            UBERON id of each list's tissue and of the terms above it, nearest first; weighs the
            cell types by where they occur. Empty where not known.
        with_genes
            Also find the genes that speak for and against every claim.

        Raises
        ------
        ModelError
            If there are not as many tissues as lists.
        """
        from ._marker_lists import read_marker_lists

        return read_marker_lists(self, lists, tissues=tissues, with_genes=with_genes)

    def write_freely(
        self,
        matrix: sparse.csr_matrix | np.ndarray,
        var_names: Sequence[str],
        *,
        max_new_tokens: int = 160,
    ) -> list[str]:
        """Let the language model write, nothing forced and nothing forbidden; for research.

        Greedy, as in the paper. What it writes may name what is not there; `describe` may not.

        Parameters
        ----------
        matrix
            ``(n, n_vars)`` expression as in `describe`.
        var_names
            ``(n_vars,)`` gene symbols or Ensembl ids.
        max_new_tokens
            Longest description in word pieces.
        """
        import torch

        from ._decoding import generate_free

        tokens, _ = self.tokens(matrix, var_names)
        with torch.no_grad():
            cells = self._model.encode(torch.as_tensor(tokens, device=self._model.device))
            prompt = self._model.prompt_ids
            return generate_free(self._model, cells, prompt, max_new_tokens=max_new_tokens)

    def cell_type_probabilities(
        self,
        matrix: sparse.csr_matrix | np.ndarray,
        var_names: Sequence[str],
        *,
        around: Surroundings = NOWHERE,
    ) -> tuple[np.ndarray, list[str]]:
        """Return ``(n, n_terms)`` probabilities of each term or a term below it, and the ids.

        Parameters
        ----------
        matrix, var_names, around
            As in `describe`.

        Raises
        ------
        GeneMatchError
            If hardly any variable is a gene of the model.
        """
        space, linear = self.space.slot("cell_type"), linear_scale(matrix)
        beside = self.beside(linear, var_names, around)
        p = self.walker.settle(self.read(linear, var_names), around, beside)
        arms, found = self.checkpoint.arms, around.copy_number
        if arms is not None and found is not None:
            token_ids = self.genes.match(var_names).token_ids
            of_clone, _ = arms.judge(linear, token_ids, found)
            p = move_to_malignant(p, of_clone, space)
        return space.add_up(p), list(space.speakable)

    def read(self, linear: sparse.csr_matrix, var_names: Sequence[str]) -> np.ndarray:
        """Return ``(n, n_choices)`` probabilities of cell types by the cells' own genes alone.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` expression on a linear scale.
        var_names
            As in `describe`.
        """
        return self._read(linear, var_names)[0]

    def _read(
        self, linear: sparse.csr_matrix, var_names: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what the cells' own genes say.

        Returns
        -------
        ``(n, n_choices)`` probabilities of cell types, and ``(n, L)`` log-odds of the lineages,
        None where the checkpoint cannot tell them.
        """
        import torch

        checks = self.checkpoint.checks
        measured = self.measured(var_names)
        tokens, n_tokens = self._tokens(linear, var_names)
        tokens = tokens.astype(np.int32)  # half the memory, where many cells are looked at
        read = np.zeros((len(tokens), len(self.space.slot("cell_type").choices)))
        presence = np.zeros((len(tokens), 0 if checks is None else len(checks.presence.names)))
        for rows, padded in self.engine.batches(tokens, n_tokens):
            batch = torch.as_tensor(padded, dtype=torch.long, device=self._model.device)
            read[rows] = self.walker.read(batch, measured=measured)
            if checks is not None:
                presence[rows] = checks.presence.logits(padded)
        return read, None if checks is None else presence

    def survey(
        self,
        matrix: sparse.csr_matrix | np.ndarray,
        var_names: Sequence[str],
        *,
        organs: Iterable[str] = (),
    ) -> Surroundings:
        """Look at some cells of a dataset: organs, the types about, tumour clones, neighbours.

        Parameters
        ----------
        matrix, var_names
            As in `describe`; `SURVEY_CELLS` cells, drawn over the whole dataset.
        organs
            UBERON ids of the organs that are known anyway, with the terms above them; those whose
            parenchyma is among the cells are added.

        Raises
        ------
        GeneMatchError
            If hardly any variable is a gene of the model.
        """
        space, residents = self.space.slot("cell_type"), self.checkpoint.residents
        settle = self.walker.settle
        linear, token_ids = linear_scale(matrix), self.genes.match(var_names).token_ids
        p, presence = self._read(linear, var_names)
        near = Surroundings(
            neighbourhood=find_neighbourhood(linear, token_ids, p, presence=presence),
            usual=usual_second(presence),
        )
        beside = self.beside(linear, var_names, near)
        found = residents.recognise(space.add_up(settle(p, near, beside)), space)
        near = replace(near, organs=tuple(sorted({*organs, *found})))
        weights = weights_of_shares(settle(p, near, beside), space)
        known = replace(near, weights=weights)
        settled = settle(p, known, beside)
        if near.neighbourhood is not None:
            names = self.walker.names("cell_type", settled)[0]
            known = replace(known, neighbourhood=replace(near.neighbourhood, names=names))
        arms = self.checkpoint.arms
        if arms is None or MALIGNANT not in space.choices:
            return known
        return replace(known, copy_number=arms.find(linear, token_ids, settled, space))

    def beside(
        self, linear: sparse.csr_matrix, var_names: Sequence[str], around: Surroundings
    ) -> np.ndarray | None:
        """Return how the neighbours of cells are read, a row each; None for no neighbours.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` expression on a linear scale.
        var_names, around
            As in `describe`.
        """
        if around.neighbourhood is None:
            return None
        return around.neighbourhood.readings_beside(linear, self.genes.match(var_names).token_ids)

    def measured(self, var_names: Sequence[str]) -> np.ndarray:
        """Return ``(n_genes,)`` bool, which genes of the model a dataset has."""
        return np.isin(np.arange(len(self.genes)), self.genes.match(var_names).token_ids)

    def contrast(
        self,
        matrix: sparse.csr_matrix | np.ndarray,
        var_names: Sequence[str],
        *,
        term_id: str,
        other_id: str,
    ) -> Contrast:
        """Compare two cell types in the same cells.

        Parameters
        ----------
        matrix
            ``(n, n_vars)`` expression as in `describe`.
        var_names
            ``(n_vars,)`` gene symbols or Ensembl ids.
        term_id, other_id
            Cell Ontology ids that the model knows.

        Raises
        ------
        ModelError
            If the model does not know a term.
        GeneMatchError
            If hardly any variable is a gene of the model.
        """
        import torch

        masks = [torch.from_numpy(self._mask(term)) for term in (term_id, other_id)]
        tokens, _ = self.tokens(matrix, var_names)
        batch = torch.as_tensor(tokens, device=self._model.device)
        with torch.enable_grad():
            gates = (batch != 0).float().requires_grad_(requires_grad=True)
            walked = self.walker.walk(batch, gates, measured=self.measured(var_names))
            scores = walked.scores["cell_type"]
            first, second = (
                scores.masked_fill(~mask.to(scores.device), -torch.inf).logsumexp(-1)
                for mask in masks
            )
            (weights,) = torch.autograd.grad((first - second).sum(), gates)
        total = np.zeros(len(self.genes) + 1)
        np.add.at(total, tokens, weights.cpu().numpy() * (tokens > 0))
        p = walked.probabilities["cell_type"]
        genes = np.arange(len(total))
        return Contrast(
            round(float((p @ masks[0].numpy()).mean()), 4),
            round(float((p @ masks[1].numpy()).mean()), 4),
            top_genes(self.genes, genes, total / max(1, len(tokens))),
        )

    def _mask(self, term_id: str) -> np.ndarray:
        space = self.space.slot("cell_type")
        if term_id not in space.speakable:
            label = self.space.terms[term_id].label if term_id in self.space.terms else term_id
            msg = (
                f"The model cannot name {label!r} ({term_id}). It knows {len(space.speakable)} "
                "cell types; ask about one that it names, or about a more general one."
            )
            raise ModelError(msg)
        return space.allowed(term_id)


def load_describer(
    checkpoint: str | Path | None = None, *, device: str = "auto", cache: Path | None = None
) -> Describer:
    """Load a checkpoint to describe cells with.

    Parameters
    ----------
    checkpoint
        Folder or hub id; None is the compact checkpoint in the package.
    device
        "cpu", "cuda", "mps" or "auto".
    cache
        File in which descriptions are kept between runs; None to keep none.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be found or is not whole.
    """
    from ._acceleration import accelerate
    from ._description_cache import DescriptionCache

    name = "compact" if checkpoint is None else str(checkpoint)
    describer = Describer(load_checkpoint(checkpoint, device=device), checkpoint_id=name)
    accelerate(describer.checkpoint.model)
    describer.engine.cache = DescriptionCache(cache) if cache is not None else None
    return describer
