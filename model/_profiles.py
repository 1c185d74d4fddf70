"""Pseudo-cells: draws from the mean expression profile of a labelled cell type.

A profile is a distribution rather than a cell. Each draw imitates what separates one study from
another, so that the model learns what a cell type keeps across studies: library size, ambient
RNA, a bias per gene, whole groups of genes that follow handling rather than identity, panels
that measure few genes, and doublets never (they are planted on purpose elsewhere).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ._marker_knowledge import MarkerSet, marker_levels

#: Prefixes of genes whose level follows handling and protocol more than identity.
HANDLING_GROUPS = (("RPL", "RPS"), ("HSP", "DNAJ"), ("FOS", "JUN", "EGR", "IER"), ("MT1", "MT2"))
#: Prefixes of genes that some studies do not count at all; their absence must mean nothing.
UNCOUNTED_GROUPS = (("HLA-",), ("TRAC", "TRBC", "TRDC", "TRGC", "IGH", "IGK", "IGL"), ("XIST",))


@dataclass(frozen=True)
class NoiseConfig:
    """How far a pseudo-cell may stray from its profile."""

    counts_low: float = 600.0  # total counts, drawn log-uniformly from here
    counts_high: float = 20_000.0  # total counts, to here
    gene_bias: float = 1.0  # largest standard deviation of the log bias per gene
    study_bias_rate: float = 0.6  # share of cells that are made to look like another study's
    study_bias: float = 1.0  # largest share of the difference seen between two studies
    other_panel_rate: float = 0.5  # share of cells with only the genes that another study measured
    ambient: float = 0.2  # largest share of ambient RNA
    contrast: float = 0.25  # profiles are raised to a power in 1 +/- this
    uncounted_rate: float = 0.12  # share of cells that lack each group of `UNCOUNTED_GROUPS`
    panel_rate: float = 0.3  # share of cells that are measured with few genes
    panel_low: int = 300  # genes of the smallest panel
    panel_high: int = 4_000  # genes of the largest panel
    blend_rate: float = 0.5  # share of cells drawn between two profiles of one cell type
    programme_rate: float = 0.5  # share of cells in which a state programme is moved
    gene_loss_rate: float = 0.4  # share of cells that lose genes at random
    gene_loss: float = 0.7  # largest share of genes lost
    emphasis_rate: float = 0.0  # share of cells in which published markers are brought out
    emphasis: float = 1.2  # largest log factor by which they are raised
    fill_rate: float = 0.5  # share of cells with textbook markers that their study lacks


_NONE = np.zeros(0, dtype=np.int64)
#: A study that measured fewer genes than this was not of the whole transcriptome.
WHOLE_TRANSCRIPTOME = 8_000


class ProfileSampler:
    """Draws pseudo-cells from a matrix of profiles.

    Parameters
    ----------
    profiles
        ``(n_profiles, n_genes)`` mean expression, linear scale, each row summing to 1.
    measured
        ``(n_profiles, n_genes)`` whether the profile's study measured the gene.
    labels
        ``(n_profiles,)`` cell type of each profile; blends stay within one label.
    sources
        ``(n_profiles,)`` study of each profile; ambient RNA is the mean of the study.
    symbols
        ``(n_genes,)`` gene symbols.
    programmes
        Gene indices of state programmes, which are moved up or down at random.
    markers
        Published markers by cell type.
    textbook
        Textbook markers by cell type, best first; expressed where a study has not measured them.
    noise
        How far a pseudo-cell may stray.
    """

    def __init__(
        self,
        profiles: np.ndarray,
        measured: np.ndarray,
        *,
        labels: np.ndarray,
        sources: np.ndarray,
        symbols: list[str],
        programmes: list[np.ndarray],
        markers: Mapping[str, MarkerSet],
        textbook: Mapping[str, MarkerSet],
        noise: NoiseConfig,
    ) -> None:
        self.markers = [markers.get(label) for label in labels]
        self.profiles, self.measured, self.noise = profiles, measured, noise
        self.twins = [
            np.flatnonzero((labels == labels[i]) & (np.arange(len(labels)) != i))
            for i in range(len(labels))
        ]
        self.ambient = np.stack([profiles[sources == source].mean(0) for source in sources])
        self.programmes = programmes
        self.overall = profiles.mean(0)
        # For each study, profiles of its cell types in itself and in another study.
        self.pairs = {
            source: np.array(
                [
                    (int(j), i)
                    for i in np.flatnonzero(sources == source)
                    for j in self.twins[i]
                    if sources[j] != source
                    and measured[j].sum() > min(WHOLE_TRANSCRIPTOME, 0.5 * len(symbols))
                ]
            )
            for source in np.unique(sources)
        }
        self.level = marker_levels(textbook, profiles, measured, labels)
        self.missing = [
            known.genes[~mask[known.genes]] if (known := textbook.get(label)) else _NONE
            for label, mask in zip(labels, measured, strict=True)
        ]
        self.sources = sources
        self.panels = np.stack([measured[sources == s][0] for s in np.unique(sources)])
        self.groups = [
            np.flatnonzero([symbol.startswith(prefixes) for symbol in symbols])
            for prefixes in HANDLING_GROUPS
        ]
        self.uncounted = [
            np.flatnonzero([symbol.startswith(prefixes) for symbol in symbols])
            for prefixes in UNCOUNTED_GROUPS
        ]
        # Panels favour genes that vary between cell types, as designed panels do.
        spread = np.log1p(profiles * 1e4).std(0) + 1e-3
        self.panel_weight = spread / spread.sum()

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> sparse.csr_matrix:
        """Draw one pseudo-cell from each given profile.

        Parameters
        ----------
        rows
            ``(n,)`` indices of profiles.
        rng
            Source of all randomness.

        Returns
        -------
        ``(n, n_genes)`` float32 counts.
        """
        noise, n_genes = self.noise, self.profiles.shape[1]
        cells = []
        for row in rows:
            mean = self._mean(int(row), rng)
            if rng.random() < noise.study_bias_rate:
                mean = mean * self._study_bias(int(row), rng)
            # Which genes a study measured must not tell which study, and so which labels.
            if rng.random() < noise.other_panel_rate:
                mean = mean * self.panels[rng.integers(len(self.panels))]
            sigma = rng.uniform(0.1, noise.gene_bias)
            mean = mean * np.exp(sigma * rng.standard_normal(n_genes, dtype=np.float32))
            for group in self.groups:
                mean[group] *= np.exp(rng.normal(0.0, 0.7))
            if self.programmes and rng.random() < noise.programme_rate:
                programme = self.programmes[rng.integers(len(self.programmes))]
                mean[programme] *= np.exp(rng.normal(0.3, 0.8))
            self._emphasise(mean, int(row), rng)
            if len(self.missing[row]) and rng.random() < noise.fill_rate:
                level, spread = self.level
                missing = self.missing[row]
                mean[missing] = mean.sum() * level * np.exp(rng.normal(0.0, spread, len(missing)))
            if rng.random() < noise.gene_loss_rate:
                mean = mean * (rng.random(n_genes) >= rng.uniform(0, noise.gene_loss))
            for group in self.uncounted:
                if rng.random() < noise.uncounted_rate:
                    mean[group] = 0.0
            if rng.random() < noise.panel_rate:
                mean = mean * self._panel(rng)
            total = float(mean.sum())
            depth = np.exp(rng.uniform(np.log(noise.counts_low), np.log(noise.counts_high)))
            rate = mean * (depth / total) if total > 0 else mean
            cells.append(sparse.csr_matrix(rng.poisson(rate).astype(np.float32)))
        return sparse.vstack(cells, format="csr")

    def draw_marker_list(self, row: int, rng: np.random.Generator, *, size: int) -> np.ndarray:
        """Return gene indices as a paper's table of markers would list them, best first.

        Markers are ranked by how much more the profile expresses a gene than its study (or than
        all studies), with enough noise that two lists of one cell type differ.
        """
        mean = self.profiles[row]
        background = self.ambient[row] if rng.random() < 0.5 else self.overall
        score = np.log(mean + 2e-5) - np.log(background + 2e-5)
        score = score * np.sqrt(np.minimum(mean / 1e-4, 1.0))
        score += 0.5 * rng.standard_normal(len(score), dtype=np.float32)
        score[(mean <= 0) | ~self.measured[row]] = -np.inf
        best = np.argpartition(-score, size)[:size]
        return best[np.argsort(-score[best])]

    def _mean(self, row: int, rng: np.random.Generator) -> np.ndarray:
        noise = self.noise
        mean = self.profiles[row]
        if len(self.twins[row]) and rng.random() < noise.blend_rate:
            twin = int(rng.choice(self.twins[row]))
            both = self.measured[row] & self.measured[twin]
            if both.sum() > min(WHOLE_TRANSCRIPTOME, 0.5 * self.profiles.shape[1]):
                weight = rng.uniform(0.0, 1.0)
                mean = np.where(both, (1 - weight) * mean + weight * self.profiles[twin], 0.0)
        share = rng.uniform(0.0, noise.ambient) if rng.random() < 0.5 else 0.0
        around = row if rng.random() < 0.5 else int(rng.integers(len(self.ambient)))
        mean = (1 - share) * mean + share * self.ambient[around]
        power = 1.0 + rng.uniform(-noise.contrast, noise.contrast)
        return np.power(mean, power, dtype=np.float32)

    def _emphasise(self, mean: np.ndarray, row: int, rng: np.random.Generator) -> None:
        """Bring out, in place, what many resources say of a type, over what one study shows."""
        markers = self.markers[row]
        if markers is None or rng.random() >= self.noise.emphasis_rate:
            return
        chosen = markers.draw_some(rng)
        strength = rng.uniform(0.0, self.noise.emphasis)
        mean[chosen] *= np.exp(strength * rng.uniform(0.3, 1.0, len(chosen)))

    def _study_bias(self, row: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``(n_genes,)`` factors that make a profile look as if another study made it.

        The ratio of the two studies' profiles of some cell type that both have. What separates
        them is mostly protocol, reference and depth, and it is correlated between genes as no
        independent noise is.
        """
        pairs = self.pairs[self.sources[row]]
        if not len(pairs):
            return np.ones(self.profiles.shape[1], dtype=np.float32)
        other, own = pairs[rng.integers(len(pairs))]
        both = self.measured[other] & self.measured[own]
        ratio = np.log((self.profiles[other] + 1e-5) / (self.profiles[own] + 1e-5))
        share = rng.uniform(0.0, self.noise.study_bias)
        return np.exp(share * np.clip(np.where(both, ratio, 0.0), -2.5, 2.5))

    def _panel(self, rng: np.random.Generator) -> np.ndarray:
        n_genes = self.profiles.shape[1]
        low, high = np.log(self.noise.panel_low), np.log(self.noise.panel_high)
        size = min(int(np.exp(rng.uniform(low, high))), n_genes)
        # Exponential keys give a weighted draw without replacement in one pass.
        keys = rng.exponential(size=n_genes) / self.panel_weight
        panel = np.zeros(n_genes, dtype=bool)
        panel[np.argpartition(keys, size - 1)[:size]] = True
        return panel
