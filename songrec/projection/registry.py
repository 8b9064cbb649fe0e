"""The registered projections. Adding one is a file beside this one and an entry here."""

from __future__ import annotations

from songrec.core.registry import Entry, Parameter, Registry

AUTO = "auto"
"""The projection that chooses one of the others; a run records the one that it chose."""

PROJECTIONS = Registry(
    "projection",
    (
        Entry(
            AUTO,
            "songrec.projection.auto:AutomaticMap",
            "Automatic",
            "UMAP, or the principal components where their map is more faithful: with few songs.",
        ),
        Entry(
            "pca",
            "songrec.projection.pca:PCAProjection",
            "Principal components",
            "The two directions in which the latent varies most: fast, exact, new tracks fit in.",
        ),
        Entry(
            "tsne",
            "songrec.projection.tsne:TSNE",
            "t-SNE",
            "Keeps neighbours together: groups show well, distances between them mean little.",
            (
                Parameter(
                    "perplexity", "float", 30.0, "Perplexity",
                    "About how many neighbours a track has.", 2, 200,
                ),
                Parameter(
                    "n_iter", "int", 500, "Steps", "After the first 250.", 100, 5000,
                    aliases=("iterations",),
                ),
            ),
        ),
        Entry(
            "umap",
            "songrec.projection.umap:UMAP",
            "UMAP",
            "Keeps neighbours together and groups compact, with some of their arrangement.",
            (
                Parameter(
                    "n_neighbors", "int", 15, "Neighbours",
                    "How many count as near: few show detail, many the whole.", 2, 200,
                    aliases=("neighbours",),
                ),
                Parameter(
                    "min_dist", "float", 0.1, "Least distance",
                    "How close songs may lie on the map.", 0, 0.99,
                ),
                Parameter(
                    "n_epochs", "int", 0, "Epochs",
                    "auto: 500 for up to 10,000 tracks, 200 above.", 10, 5000, zero="auto",
                    aliases=("epochs",),
                ),
            ),
        ),
    ),
)  # fmt: skip

MAPS: tuple[str, ...] = tuple(name for name in PROJECTIONS.names() if name != AUTO)
"""The projections without the automatic choice between them."""
