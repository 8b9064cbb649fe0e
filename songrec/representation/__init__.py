"""Models that turn a feature table into a latent: one file each, and a registry.

A representation's ``__init__`` only stores its (keyword-only) parameters. It then has

* ``fit(table, *, seed, on_progress) -> self`` on an imputed, standardised ``FeatureTable``;
* ``transform(table) -> float32 (n, latent)``, also for tracks it has not seen;
* ``save(folder)`` and the class method ``load(folder)``: arrays, JSON and ``.keras``, no pickle;
* ``history_``, a list of ``{"epoch", "loss", "val_loss"}``, and ``metrics_``, a flat mapping.

A class attribute ``required_inputs`` names its inputs beside the table: ``"spectrograms"`` (a
``core.types.Spectrograms``), ``"texts"`` and ``"labels"`` (lists of texts or None), row by row over
the table's tracks, as keyword arguments of these names to ``fit``, ``transform`` and the abilities.

Abilities are optional methods; callers look for the attribute, never for a model's name:

* ``reconstruct(table)`` restores the table from its latent;
* ``decode(latent)`` returns the features that belong to places of the latent;
* ``assign(table) -> Clustering`` returns the clusters of the model itself.

The registry's entry repeats ``required_inputs``, and of the abilities those that others choose by.
"""

from songrec.representation.registry import REPRESENTATIONS

__all__ = ["REPRESENTATIONS"]
