"""Models that turn a feature table into a latent: one file each, and a registry.

A representation's ``__init__`` only stores its (keyword-only) parameters. It then has

* ``fit(table, *, seed, on_progress) -> self`` on an imputed, standardised ``FeatureTable``;
* ``transform(table) -> float32 (n, latent)``, also for tracks it has not seen;
* ``save(folder)`` and the class method ``load(folder)``: arrays, JSON and ``.keras``, no pickle;
* ``history_``, a list of ``{"epoch", "loss", "val_loss"}``, and ``metrics_``, a flat mapping.

A class attribute ``needs`` names what it takes beside the table: ``"spectrograms"`` (a
``core.types.Spectrograms``), ``"texts"`` and ``"labels"`` (lists of texts or None), row by row over
the table's tracks, as keyword arguments of these names to ``fit``, ``transform`` and the abilities.

An optional ability is told by its attribute, never by a name:

* ``reconstruct(table)`` gives the table back as the latent remembers it;
* ``decode(latent)`` gives the features that belong to places of the latent;
* ``assign(table) -> Clustering``: the model clusters by itself.

The registry's entry repeats ``needs``, and of the abilities those that others choose by.
"""

from songrec.representation.registry import REPRESENTATIONS

__all__ = ["REPRESENTATIONS"]
