"""What to train: the algorithms of every stage, their parameters and the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import UnknownName
from songrec.core.feature_spec import ATTRIBUTES_ONLY, AUTO, FeatureSpec
from songrec.features.registry import parse_features
from songrec.projection.registry import AUTO as AUTO_MAP
from songrec.services.training import dataset, model_inputs
from songrec.services.training.algorithms import (
    CLUSTERINGS,
    PROJECTIONS,
    REGISTRIES,
    REPRESENTATIONS,
    clusters_by_model,
)
from songrec.services.training.cluster_count import PARAMETER, is_by_size, with_n_clusters


@dataclass(frozen=True)
class TrainRequest:
    """The settings of one training run.

    Attributes
    ----------
    feature_set
        ``attributes``, feature sets of the audio, or several; only tracks that have all of them
        take part. ``AUTO`` selects the default of the representation
        (``dataset.default_features_for``).
    parameters
        Values that differ from the defaults, by stage:
        ``{"representation": {"epochs": 5}, "clustering": {"n_clusters": 8}}``. Values may be texts.
        Without a number of clusters it follows from the number of tracks (``cluster_count``).
    maps
        Further projections that the map page offers beside ``projection``.
    map_parameters
        Values that differ from the defaults, by projection of ``maps``.
    name
        The name of the run for people; empty for one from its models.
    """

    feature_set: FeatureSpec = ATTRIBUTES_ONLY
    representation: str = "autoencoder"
    clustering: str = "kmeans"
    projection: str = AUTO_MAP
    seed: int = 0
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    publish: bool = True
    maps: tuple[str, ...] = ()
    map_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    name: str = ""

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> TrainRequest:
        """Return the request with the fields of a job or a sweep, features as text."""
        spec = parse_features(fields.get("feature_set", str(ATTRIBUTES_ONLY)), allow_auto=True)
        return cls(**{**fields, "feature_set": spec})

    def validated_parameters(self) -> dict[str, dict[str, Any]]:
        """Return all parameters of every stage, typed and checked, without importing an algorithm.

        Raises ``UnknownName`` or ``BadInput`` for the first invalid setting.
        """
        for stage in self.parameters:
            if stage not in REGISTRIES:
                raise UnknownName("stage", stage, REGISTRIES)
        for name in (*self.maps, *self.map_parameters):
            PROJECTIONS.parse(name, self.map_parameters.get(name))
        model_inputs.check(
            REPRESENTATIONS.entry(self.representation),
            CLUSTERINGS.entry(self.clustering),
            self.feature_set,
        )
        return {
            stage: registry.parse(getattr(self, stage), self.parameters.get(stage))
            for stage, registry in REGISTRIES.items()
        }

    def with_resolved_features(self, session: Session) -> TrainRequest:
        """Return the request with ``auto`` replaced by feature sets that this catalogue has."""
        if self.feature_set != AUTO:
            return self
        entry = REPRESENTATIONS.entry(self.representation)
        return replace(self, feature_set=dataset.default_features_for(session, entry))

    def with_resolved_clusters(self, tracks: int) -> TrainRequest:
        """Return the request with the default number of clusters for ``tracks``, if it has none."""
        parameters = dict(self.parameters)
        for stage in ("representation", "clustering"):
            entry = REGISTRIES[stage].entry(getattr(self, stage))
            parameters[stage] = with_n_clusters(entry, parameters.get(stage), tracks)
        return replace(self, parameters=parameters)

    @property
    def n_clusters_source(self) -> str | None:
        """Where the number of clusters comes from; None where the algorithm takes none.

        ``"size"``: the number of tracks; ``"request"``: this request, a number or ``auto``.
        """
        stage = "representation" if clusters_by_model(self.clustering) else "clustering"
        entry = REGISTRIES[stage].entry(getattr(self, stage))
        if not entry.has_parameter(PARAMETER):
            return None
        return "size" if is_by_size(entry, self.parameters.get(stage)) else "request"
