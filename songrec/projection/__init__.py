"""Maps of a latent in two dimensions: one file each, and a registry.

A projection's ``__init__`` only stores its parameters. ``fit(latent, *, seed) -> self`` learns,
``project(latent) -> float32 (n, 2)`` places tracks, also new ones (never by a second fit),
``state()`` returns the arrays that ``project`` needs and ``from_state(arrays)`` takes them back.
"""

from songrec.projection.registry import MAPS, PROJECTIONS

__all__ = ["MAPS", "PROJECTIONS"]
