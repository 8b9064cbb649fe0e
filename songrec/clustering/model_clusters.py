"""The clusters that a model made itself while it learnt, such as VaDE's mixture."""

from __future__ import annotations

from songrec.core.errors import BadInput
from songrec.core.types import Clustering, Floats, Progress, no_progress


class OwnClusters:
    """Stands for the model's own clusters: the pipeline asks the model (``assign``), not this."""

    of_the_model = True

    def __init__(self) -> None:
        self.notes_: list[str] = []

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Always ``BadInput``: a latent alone has no clusters of its own."""
        raise BadInput(
            "The clusters of a model are asked of the model: train with --representation vade, "
            "or choose another clustering."
        )
