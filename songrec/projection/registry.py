"""Which projections there are. Adding one is a file beside this one and an entry here."""

from __future__ import annotations

from songrec.core.registry import Entry, Registry

PROJECTIONS = Registry(
    "projection",
    (
        Entry(
            "pca",
            "songrec.projection.pca:PCAProjection",
            "Principal components",
            "The two directions in which the latent varies most: fast, exact, new tracks fit in.",
        ),
    ),
)
