"""The retrain form, rendered from the registries, so that new algorithms need no changes here.

Parameters in the registries have types, bounds and error messages, and only those of the selected
algorithms are checked. WTForms would need a field class for each of them and the same loops, so the
admin's forms of models, sweeps and analyses store texts and let the parameters parse them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from songrec.core.errors import SongrecError, UnknownName
from songrec.core.feature_spec import FeatureSpec
from songrec.core.registry import Entry, Parameter, Registry
from songrec.services.features.feature_sets import parse_features
from songrec.services.training import model_inputs
from songrec.services.training.algorithms import (
    CLUSTERINGS,
    MAPS,
    PROJECTIONS,
    REPRESENTATIONS,
    STAGES,
)
from songrec.services.training.availability import Availability, availability
from songrec.services.training.cluster_count import (
    PARAMETER,
    default_n_clusters,
    n_clusters_by_size,
)
from songrec.services.training.dataset import default_features_for
from songrec.services.training.request import TrainRequest
from songrec.services.training.run_names import label_of
from songrec.services.training.time_estimate import TimeEstimate, estimate_time
from songrec.store.catalogue import taste_data, tracks, training_inputs
from songrec.store.db import db
from songrec.store.runs import runs
from songrec.store.tables import Run
from songrec.web import cached_counts
from songrec.web.admin import blueprint
from songrec.web.admin.queueing import queue_once

FEATURES = Parameter(
    "feature_set",
    "choice",
    "auto",
    "Learn from",
    "auto picks the default of the representation. attributes covers every song; audio features "
    "only analysed songs.",
    choices=(
        "auto",
        "attributes",
        "mfcc",
        "mfcc,statistical",
        "attributes,mfcc,statistical",
        "musicnn",
        "attributes,musicnn",
        "melspectrogram",
        "melspectrogram,mfcc,statistical",
    ),
)
SEED = Parameter(
    "seed", "int", 0, "Seed", "The same seed on the same data gives the same run.", 0, 2**31 - 1
)


@dataclass
class TrainForm:
    """The form's fields as text, and their errors.

    A parameter's field is named ``stage.algorithm.parameter``.
    """

    values: dict[str, str]
    publish: bool
    name: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    seed = SEED

    @classmethod
    def fresh(cls, *, publish: bool) -> TrainForm:
        """Return a form with all defaults."""
        values = {"seed": SEED.text(), "feature_set": FEATURES.text()}
        values |= {f"map.{name}": "no" for name in MAPS}
        for stage, _, registry in STAGES:
            values[stage] = registry.names()[0]
            for entry in registry:
                for parameter in entry.parameters:
                    name = cls.field_name(stage, entry, parameter)
                    values[name] = parameter.text(_default(entry, parameter))
        return cls(values, publish)

    @classmethod
    def like(cls, run: Run | None, *, publish: bool) -> TrainForm:
        """Return a form with the settings of ``run``."""
        form = cls.fresh(publish=publish)
        if run is None:
            return form
        form.values["seed"] = SEED.text(run.seed)
        if _is_known(run.feature_set):
            form.values["feature_set"] = run.feature_set
        for stage, _, registry in STAGES:
            name = getattr(run, stage)
            if (
                name not in registry
            ):  # an algorithm that no longer exists is replaced by the default
                continue
            form.values[stage] = name
            entry = registry.entry(name)
            parameters = entry.with_current_names(run.parameters.get(stage, {}))
            if n_clusters_by_size(entry, parameters, run.track_count):
                del parameters[PARAMETER]  # the library may have grown since
            form.values |= {
                cls.field_name(stage, entry, parameter): parameter.text(parameters[parameter.name])
                for parameter in entry.parameters
                if parameter.name in parameters
            }
        return form

    @property
    def feature_set(self) -> Parameter:
        """The choice of feature sets, with those of the run that the form is like."""
        value = self.values["feature_set"]
        if value in FEATURES.choices or not _is_known(value):
            return FEATURES
        return replace(FEATURES, choices=(*FEATURES.choices, value))

    @property
    def changed(self) -> dict[str, str]:
        """The fields that differ from their defaults, for the hidden fields of a short form."""
        defaults = self.fresh(publish=self.publish).values
        return {name: value for name, value in self.values.items() if value != defaults[name]}

    @property
    def labels(self) -> list[str]:
        """The labels of the selected algorithms."""
        return [registry.entry(self.values[stage]).label for stage, _, registry in STAGES]

    @classmethod
    def from_request(cls, form: Mapping[str, str]) -> TrainForm:
        """Return the submitted form; missing fields have their defaults."""
        fresh = cls.fresh(publish="publish" in form)
        fresh.name = runs.clean_name(form.get("name", "")) or ""
        fresh.values.update({name: form[name] for name in fresh.values if name in form})
        # An unticked box sends nothing.
        for name in MAPS:
            fresh.values[f"map.{name}"] = "yes" if f"map.{name}" in form else "no"
        for stage, _, registry in STAGES:
            for entry in registry:
                for parameter in entry.parameters:
                    name = cls.field_name(stage, entry, parameter)
                    if parameter.type == "bool" and form.get(stage) == entry.name:
                        fresh.values[name] = "yes" if name in form else "no"
        return fresh

    @staticmethod
    def field_name(stage: str, entry: Entry, parameter: Parameter) -> str:
        """Return the name of a parameter's field."""
        return f"{stage}.{entry.name}.{parameter.name}"

    @property
    def stages(self) -> tuple[tuple[str, str, Registry], ...]:
        """Name, label and registry of each stage, in order."""
        return STAGES

    def request(self) -> dict[str, Any] | None:
        """Return the fields of a ``TrainRequest``, or None with ``errors`` filled.

        Only values that differ from the defaults are parameters, as on the command line.
        """
        fields: dict[str, Any] = {"publish": self.publish, "parameters": {}}
        if self.name:
            fields["name"] = self.name
        try:
            fields["seed"] = SEED.coerce(self.values["seed"])
        except SongrecError as error:
            self.errors["seed"] = str(error)
        try:
            fields["feature_set"] = self.feature_set.coerce(self.values["feature_set"])
        except SongrecError as error:
            self.errors["feature_set"] = str(error)
        for stage, _, registry in STAGES:
            name = self.values[stage]
            try:
                entry = registry.entry(name)
            except SongrecError as error:
                self.errors[stage] = str(error)
                continue
            fields[stage] = name
            fields["parameters"][stage] = self._parameters(stage, entry)
        further = [name for name in MAPS if self.values[f"map.{name}"] == "yes"]
        if further := [name for name in further if name != self.values["projection"]]:
            fields["maps"] = further
            changed = {
                name: self._parameters("projection", PROJECTIONS.entry(name)) for name in further
            }
            fields["map_parameters"] = {name: part for name, part in changed.items() if part}
        if not self.errors:
            try:
                model_inputs.check(
                    REPRESENTATIONS.entry(fields["representation"]),
                    CLUSTERINGS.entry(fields["clustering"]),
                    FeatureSpec.parse(fields["feature_set"]),
                )
            except SongrecError as error:
                self.errors["clustering"] = str(error)
        return None if self.errors else fields

    def _parameters(self, stage: str, entry: Entry) -> dict[str, Any]:
        changed = {}
        for parameter in entry.parameters:
            name = self.field_name(stage, entry, parameter)
            try:
                value = parameter.coerce(self.values[name])
            except SongrecError as error:
                self.errors[name] = str(error)
                continue
            if value != _default(entry, parameter):
                changed[parameter.name] = list(value) if isinstance(value, tuple) else value
        return changed


def _is_known(feature_sets: str) -> bool:
    try:
        parse_features(feature_sets, allow_auto=True)
    except UnknownName:
        return False
    return True


def _default(entry: Entry, parameter: Parameter) -> Any:
    """Return the default of a parameter in this library."""
    if parameter.name != PARAMETER:
        return parameter.default
    return default_n_clusters(entry, cached_counts.track_count(db.session))


@blueprint.route("/train", methods=["GET", "POST"])
def train() -> ResponseReturnValue:
    """Show the form, or queue a training run."""
    if request.method == "GET":
        return _page(TrainForm.fresh(publish=runs.published(db.session) is None))
    form = TrainForm.from_request(request.form)
    fields = form.request()
    if fields is None:
        return _page(form), 400
    return queue_once("train", fields)


def time_estimate(form: TrainForm) -> TimeEstimate | None:
    """Estimate the time of the training that ``form`` describes; None for an invalid form."""
    fields = form.request()
    if fields is None:
        return None
    return estimate_time(
        TrainRequest.from_json(fields),
        cached_counts.track_count(db.session),
        runs.all_runs(db.session),
        playlists=taste_data.catalogue_playlist_count(db.session),
    )


def what_can_be_trained() -> Availability:
    """Return the available models for this catalogue, cached until its songs change."""
    version = f"{tracks.version(db.session)}:{training_inputs.version(db.session)}"
    specs = [name for name in FEATURES.choices if name != "auto"]
    return cached_counts.cached_value(
        ("availability", str(db.engine.url)),
        version,
        lambda: availability(db.session, specs),
    )


def _changes(form: TrainForm, features: FeatureSpec, published: Run) -> list[str]:
    """Return the settings that differ from those of the published run, in words."""
    before, after = TrainForm.like(published, publish=True), form
    changes = []
    if str(features) != published.feature_set:
        sets = [name.replace(",", ", ") for name in (published.feature_set, str(features))]
        changes.append(f"Features: {sets[0]} → {sets[1]}")
    for stage, label, registry in STAGES:
        old, new = getattr(published, stage), after.values[stage]
        if old != new and not (stage == "projection" and new == TrainRequest.projection):
            changes.append(f"{label}: {label_of(stage, old)} → {registry.entry(new).label}")
            continue
        if new not in registry:
            continue
        entry = registry.entry(new)
        for parameter in entry.parameters:
            name = TrainForm.field_name(stage, entry, parameter)
            if before.values[name] != after.values[name]:
                changes.append(
                    f"{entry.label}, {parameter.label.lower()}: "
                    f"{before.values[name]} → {after.values[name]}"
                )
    return changes


def _page(form: TrainForm) -> str:
    recommended = TrainForm.fresh(publish=form.publish)
    available = what_can_be_trained()
    published = runs.published(db.session)
    representation = recommended.values["representation"]
    features = default_features_for(db.session, REPRESENTATIONS.entry(representation))
    return render_template(
        "admin/train.html",
        form=form,
        recommended=recommended,
        features=features,
        tracks=cached_counts.track_count(db.session),
        estimate=time_estimate(recommended),
        available=available,
        cannot=available.representations.get(representation)
        or available.feature_sets.get(recommended.values["feature_set"], ""),
        published=published,
        changes=_changes(recommended, features, published) if published else [],
    )
