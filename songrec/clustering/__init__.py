"""Algorithms that group a latent: one file each, a registry, scores and names.

A clustering's ``__init__`` only stores its parameters; ``fit(latent, *, seed, on_progress)``
gives a ``core.types.Clustering`` (label -1 is noise). ``notes_`` lists what a person should know,
such as fewer clusters than asked for.
"""

from songrec.clustering.registry import CLUSTERINGS

__all__ = ["CLUSTERINGS"]
