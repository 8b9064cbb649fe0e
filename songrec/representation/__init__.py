"""Models that turn a feature table into a latent: one file each, and a registry.

A representation's ``__init__`` only stores its (keyword-only) parameters. It then has

* ``fit(table, *, seed, on_progress) -> self`` on an imputed, standardised ``FeatureTable``;
* ``transform(table) -> float32 (n, latent)``, also for tracks it has not seen;
* ``save(folder)`` and the class method ``load(folder)``: arrays, JSON and ``.keras``, no pickle;
* ``history_``, a list of ``{"epoch", "loss", "val_loss"}``, and ``metrics_``, a flat mapping.

An optional ability is told by its attribute, never by a name: ``reconstruct(table)`` gives the
table back as the latent remembers it.
"""

from songrec.representation.registry import REPRESENTATIONS

__all__ = ["REPRESENTATIONS"]
