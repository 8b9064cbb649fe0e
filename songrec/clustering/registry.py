"""The registered clusterings. Adding one is a file beside this one and an entry here."""

from __future__ import annotations

from songrec.clustering.model_selection import parameters as numbers
from songrec.core.registry import Entry, Parameter, Registry

MODEL_CLUSTERS = "assign"
"""The ability of a representation that learns clusters together with its latent."""


def clusters_by_model(name: str) -> bool:
    """Return whether a clustering uses the clusters of the representation itself."""
    return MODEL_CLUSTERS in CLUSTERINGS.entry(name).requires


CLUSTERINGS = Registry(
    "clustering",
    (
        Entry(
            "kmeans",
            "songrec.clustering.kmeans:KMeans",
            "k-means",
            "Splits the latent into compact groups around their centres.",
            (
                *numbers(10, "silhouette", "gap"),
                Parameter(
                    "n_init", "int", 10, "Starts",
                    "Number of random starts; the best is kept; at most 3 above 200,000 tracks.",
                    1, 100, aliases=("starts",),
                ),
            ),
        ),
        Entry(
            "minibatch_kmeans",
            "songrec.clustering.minibatch_kmeans:MiniBatchKMeans",
            "Mini-batch k-means",
            "k-means that looks at some tracks at a time: for hundreds of thousands and more.",
            (
                *numbers(10, "silhouette", "gap"),
                Parameter(
                    "n_init", "int", 3, "Starts", "Number of random starts; the best is kept.",
                    1, 100, aliases=("starts",),
                ),
                Parameter(
                    "batch_size", "int", 4096, "Batch size", "Tracks that one step looks at.",
                    64, 100_000,
                ),
            ),
        ),
        Entry(
            "gmm",
            "songrec.clustering.gmm:GMM",
            "Gaussian mixture",
            "Soft groups of any ellipsoidal shape; each song belongs to each with a probability.",
            (
                *numbers(10, "bic", "silhouette", "gap"),
                Parameter(
                    "covariance_type", "choice", "full", "Shapes",
                    "full: every cluster its own ellipsoid; tied: one for all; diag: along the "
                    "axes; spherical: balls.",
                    choices=("full", "tied", "diag", "spherical"), aliases=("covariance",),
                ),
                Parameter(
                    "n_init", "int", 3, "Starts", "Number of random starts; the best is kept.",
                    1, 20, aliases=("starts",),
                ),
            ),
        ),
        Entry(
            "hdbscan",
            "songrec.clustering.hdbscan:HDBSCAN",
            "HDBSCAN",
            "Finds dense regions of any shape and leaves what lies between them apart.",
            (
                Parameter(
                    "min_cluster_size", "int", 25, "Smallest cluster",
                    "Fewer tracks than this are no cluster.", 2, 100_000,
                ),
                Parameter(
                    "min_samples", "int", 0, "Neighbours",
                    "How many neighbours make a place dense; more of them, more ungrouped songs. "
                    "auto: as many as the smallest cluster has.",
                    1, 200, zero="auto",
                ),
                Parameter(
                    "cluster_selection_method", "choice", "eom", "Selection",
                    "eom: the most persistent clusters; leaf: the smallest and most alike.",
                    choices=("eom", "leaf"), aliases=("selection",),
                ),
            ),
        ),
        Entry(
            "dbscan",
            "songrec.clustering.dbscan:DBSCAN",
            "DBSCAN",
            "Joins dense places that touch, at one density, and leaves the rest apart.",
            (
                Parameter(
                    "eps", "float", 0.0, "Radius",
                    "How near a neighbour is; auto: where the distances to the neighbours bend.",
                    0, 1e6, zero="auto",
                ),
                Parameter(
                    "min_samples", "int", 10, "Neighbours",
                    "How many tracks within the radius make a place dense.", 2, 1000,
                ),
            ),
        ),
        Entry(
            "agglomerative",
            "songrec.clustering.agglomerative:Agglomerative",
            "Agglomerative",
            "Joins the nearest groups until the wanted number is left; above 8,000 tracks on a "
            "sample, the others following the nearest centre.",
            (
                *numbers(10, "silhouette", "gap"),
                Parameter(
                    "linkage", "choice", "ward", "Linkage",
                    "The distance of two groups: ward, what joining adds to the scatter, or the "
                    "average, largest (complete) or smallest (single) distance of their tracks.",
                    choices=("ward", "average", "complete", "single"),
                ),
            ),
        ),
        Entry(
            "weighted_kmeans",
            "songrec.clustering.weighted_kmeans:WeightedKMeans",
            "Weighted k-means",
            "k-means that learns which columns tell the groups apart, and says so.",
            (
                *numbers(10, "silhouette"),
                Parameter(
                    "beta", "float", 0.0, "Beta",
                    "How even the weights stay: near 1 one column takes all, large is k-means. "
                    "auto tries several.",
                    1.05, 50, zero="auto",
                ),
                Parameter(
                    "n_init", "int", 3, "Starts", "Random starts for each beta.", 1, 50,
                    aliases=("starts",),
                ),
            ),
        ),
        Entry(
            "vade",
            "songrec.clustering.model_clusters:ModelClusters",
            "The model's own clusters",
            "What the representation grouped while it learnt; only for one that does (VaDE).",
            requires=(MODEL_CLUSTERS,),
        ),
    ),
)  # fmt: skip
