"""Which clusterings there are. Adding one is a file beside this one and an entry here."""

from __future__ import annotations

from songrec.core.registry import Entry, Parameter, Registry

CLUSTERINGS = Registry(
    "clustering",
    (
        Entry(
            "kmeans",
            "songrec.clustering.kmeans:KMeans",
            "k-means",
            "Splits the latent into a given number of compact groups around their centres.",
            (
                Parameter("clusters", "int", 10, "Clusters", "How many groups.", 1, 200),
                Parameter(
                    "starts", "int", 10, "Starts",
                    "How often it starts anew, keeping the best; at most 3 above 200,000 tracks.",
                    1, 100,
                ),
            ),
        ),
    ),
)  # fmt: skip
