"""One training run: features → representation → clustering + projection → a run that stays.

This is the picture of docs/architecture.md as code. Heavy: only commands and job tasks call it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.clustering import CLUSTERINGS, clusters_by_model, label_alignment, scores
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import NotReady, UnknownName
from songrec.core.files import atomic_folder
from songrec.core.types import Clustering, FeatureTable, Floats, Progress, no_progress
from songrec.evaluation.agreement import match_labels
from songrec.features.attribute_table import AttributeSelection
from songrec.features.quantile_normalization import NormalSpace, normal_space
from songrec.features.scaling import Scaler
from songrec.features.whitening_pca import Components
from songrec.projection import PROJECTIONS
from songrec.projection.metrics import trustworthiness
from songrec.representation import REPRESENTATIONS
from songrec.services.training import (
    dataset,
    diagnostics,
    label_agreement,
    model_inputs,
    taste_stage,
)
from songrec.services.training.artifacts import BESIDES, Drawn, Trained, run_row, write_folder
from songrec.services.training.cluster_profiles import Catalogue, found_clusters
from songrec.services.training.stage_cache import Shared, Stages
from songrec.store.catalogue import training_data
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Run

STAGES = {"representation": REPRESENTATIONS, "clustering": CLUSTERINGS, "projection": PROJECTIONS}


@dataclass(frozen=True)
class TrainRequest:
    """What to train.

    ``feature_set`` is ``attributes``, sets of the sound, or several by commas
    (``mfcc,statistical``): then only tracks that have them all; ``auto`` is what suits the
    representation (``settled`` says which that is). ``parameters`` maps a stage to
    what differs from its defaults:
    ``{"representation": {"epochs": 5}, "clustering": {"clusters": 8}}``; values may be texts.
    ``maps`` names further projections that the map page offers beside ``projection``;
    ``map_parameters`` maps their names to what differs from their defaults.
    """

    feature_set: str = "attributes"
    representation: str = "autoencoder"
    clustering: str = "kmeans"
    projection: str = "pca"
    seed: int = 0
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    publish: bool = True
    maps: tuple[str, ...] = ()
    map_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def resolved(self) -> dict[str, dict[str, Any]]:
        """All parameters of every stage, checked; imports no algorithm.

        Raises ``UnknownName`` or ``BadInput`` for the first thing that is wrong.
        """
        auto = self.feature_set == dataset.AUTO
        if not auto:
            dataset.parse(self.feature_set)
        for stage in self.parameters:
            if stage not in STAGES:
                raise UnknownName("stage", stage, STAGES)
        for name in (*self.maps, *self.map_parameters):
            PROJECTIONS.parse(name, self.map_parameters.get(name))
        model_inputs.check(
            REPRESENTATIONS.entry(self.representation),
            CLUSTERINGS.entry(self.clustering),
            "" if auto else self.feature_set,
        )
        return {
            stage: registry.parse(getattr(self, stage), self.parameters.get(stage))
            for stage, registry in STAGES.items()
        }

    def settled(self, session: Session) -> TrainRequest:
        """The same with ``auto`` features replaced by what suits the representation here."""
        if self.feature_set != dataset.AUTO:
            return self
        entry = REPRESENTATIONS.entry(self.representation)
        return replace(self, feature_set=dataset.suited(session, entry))


def train(
    session: Session,
    instance: Path,
    request: TrainRequest,
    on_progress: Progress = no_progress,
) -> Run:
    """Train, write the run's folder and rows, publish if asked; the caller commits.

    ``on_progress`` is not called once rows are being written: until the caller commits, a report
    that writes to the same SQLite database would wait for itself. If the commit fails, the
    folder stays without a row and does no harm.
    """
    run_folders.sweep(instance)
    request = request.settled(session)
    stages = Stages(on_progress)
    trained = learn(session, instance, request, stages)
    tastes = learn_tastes(session, instance, request, trained, stages)
    return write(session, instance, request, trained, tastes, stages)


def learn(
    session: Session,
    instance: Path,
    request: TrainRequest,
    stages: Stages,
    shared: Shared | None = None,
) -> Trained:
    """All that a training finds, without a folder or a row.

    Trainings that are given the same ``shared`` read the catalogue once, prepare the same
    features once, learn the same latent once and draw the same map once.
    """
    parameters = request.resolved()
    shared = shared or Shared()

    def read() -> training_data.TrainingData:
        with stages.stage("read", "Reading the catalogue", 0.08) as report:
            return training_data.read(
                session, lambda done, total: report(done / total, f"{done:,} of {total:,} tracks")
            )

    data = shared.once(stages, "read", None, read)
    return _learn(session, instance, request, parameters, data, stages, shared)


def learn_tastes(
    session: Session, instance: Path, request: TrainRequest, trained: Trained, stages: Stages
) -> taste_stage.Tastes:
    """Train the taste model and the two towers of a run that is going to be written."""
    with stages.stage("tastes", "Learning from playlists", 0.97) as report:
        return taste_stage.learn(session, instance, trained, seed=request.seed, on_progress=report)


def write(
    session: Session,
    instance: Path,
    request: TrainRequest,
    trained: Trained,
    tastes: taste_stage.Tastes,
    stages: Stages,
) -> Run:
    """Make what was learnt a run: its folder and rows, published if asked; the caller commits."""
    parameters = request.resolved()
    data = trained.data
    tags = {
        kind: training_data.read_tags(session, kind, data.track_ids)
        for kind in ("genre", "emotion")
    }
    with stages.stage("portraits", "Naming the clusters", 0.98):
        described = dataset.described_attributes(data)
        used = [ATTRIBUTE_NAMES.index(name) for name in described]
        clusters = found_clusters(
            Catalogue(data, described, data.values[:, used], tags),
            trained.clustering,
            trained.latent,
        )
    run = run_row(request, parameters, trained)
    with stages.stage("write", "Writing the run", 1.0):
        run.seconds = stages.seconds
        with atomic_folder(run_folders.run_folder(instance, run.public_id)) as folder:
            write_folder(folder, run, trained, tastes, clusters)
        runs.insert_run(
            session, run, clusters, data.track_ids, trained.clustering, trained.coordinates
        )
        if request.publish:
            runs.publish(session, run.public_id)
    run.seconds = {**stages.seconds, "total": round(sum(stages.seconds.values()), 3)}
    session.flush()
    return run


@dataclass(frozen=True)
class _Prepared:
    """The features of a training, standardised, and the space to recommend from."""

    data: training_data.TrainingData
    choice: AttributeSelection
    scaler: Scaler
    table: FeatureTable
    space: NormalSpace
    sound: Components | None
    settings: dict[str, dict[str, Any]]


def _prepare(
    session: Session,
    instance: Path,
    feature_set: str,
    data: training_data.TrainingData,
    stages: Stages,
) -> _Prepared:
    with stages.stage("features", "Preparing the features", 0.14):
        chosen = dataset.choose(session, instance, feature_set, data)
        data = chosen.data
        scaler = Scaler.fit(chosen.table)
        table = scaler.transform(chosen.table)
        space = normal_space(
            data.values,
            ATTRIBUTE_NAMES,
            {name: getattr(data, source) for name, source in BESIDES.items()},
        )
        sound = None
        if chosen.has_audio:
            sound = Components.fit(dataset.sound_of(table))
            space = space.beside(sound.transform(dataset.sound_of(table)), sound.names)
    return _Prepared(data, chosen.choice, scaler, table, space, sound, chosen.settings)


def _learn(
    session: Session,
    instance: Path,
    request: TrainRequest,
    parameters: dict[str, dict[str, Any]],
    data: training_data.TrainingData,
    stages: Stages,
    shared: Shared,
) -> Trained:
    prepared = shared.once(
        stages,
        "features",
        request.feature_set,
        lambda: _prepare(session, instance, request.feature_set, data, stages),
    )
    data, table = prepared.data, prepared.table

    def represent() -> tuple[Any, dict[str, Any], Floats]:
        with stages.stage("representation", "Learning the latent", 0.6) as report:
            model = REPRESENTATIONS.create(request.representation, **parameters["representation"])
            needed = model_inputs.gather(session, instance, model, data.track_ids)
            model.fit(table, seed=request.seed, on_progress=report, **needed)
            return model, needed, model.transform(table, **needed)

    def draw(stage: str, name: str, chosen: dict[str, Any]) -> Drawn:
        with stages.stage(stage, f"Drawing the map by {name}", 0.8) as report:
            projection = PROJECTIONS.create(name, **chosen)
            projection.fit(latent, seed=request.seed, on_progress=report)
            coordinates = projection.project(latent)
            trust = trustworthiness(latent, coordinates, seed=request.seed)
            return Drawn(name, projection, coordinates, trust, chosen)

    learnt = [
        request.feature_set,
        request.representation,
        parameters["representation"],
        request.seed,
    ]
    model, needed, latent = shared.once(stages, "representation", learnt, represent)
    with stages.stage("clustering", "Clustering", 0.75) as report:
        algorithm = CLUSTERINGS.create(request.clustering, **parameters["clustering"])
        by_model = clusters_by_model(request.clustering)
        if by_model:
            clustering = model.assign(table, **needed)
        else:
            clustering = algorithm.fit(latent, seed=request.seed, on_progress=report)
        clustering = _numbered(session, instance, data, diagnostics.with_names(clustering, model))
        predictor = {} if by_model else algorithm.state(clustering.labels)
    wanted = {request.projection: parameters["projection"]}
    further = [name for name in request.maps if name not in wanted]
    wanted |= {name: PROJECTIONS.parse(name, request.map_parameters.get(name)) for name in further}
    maps = []
    for name, chosen in wanted.items():
        stage = f"map {name}" if maps else "projection"
        drawing = functools.partial(draw, stage, name, chosen)
        maps.append(shared.once(stages, stage, [*learnt, name, chosen], drawing))
    labels = label_agreement.labels_of(session, data.track_ids)
    with stages.stage("scores", "Measuring", 0.88):
        metrics = {
            **model.metrics_,
            "reconstruction_mse": diagnostics.reconstruction_mse(model, table, needed),
            **scores.score(latent, clustering.labels, seed=request.seed),
            **label_agreement.agreement(clustering.labels, labels, seed=request.seed),
            **maps[0].trust,
        }
    notes = [*diagnostics.notes(prepared.choice, model), *algorithm.notes_]
    return Trained(
        data,
        prepared.choice,
        prepared.scaler,
        model,
        latent,
        clustering,
        predictor,
        tuple(maps),
        prepared.space,
        prepared.sound,
        metrics,
        notes,
        prepared.settings,
    )


def _numbered(
    session: Session,
    instance: Path,
    data: training_data.TrainingData,
    clustering: Clustering,
) -> Clustering:
    """Numbers by size, continued from the published run where that is whole and shares tracks."""
    clustering = label_alignment.by_size(clustering)
    shown = runs.published(session)
    if shown is None:
        return clustering
    try:
        track_ids, labels = run_folders.read_labels(instance, shown.public_id)
    except NotReady:
        # Its files are gone or damaged. Training again is the way out, so it must not need them.
        return clustering
    _, here, there = np.intersect1d(
        data.track_ids, track_ids, assume_unique=True, return_indices=True
    )
    matched = match_labels(clustering.labels[here], labels[there])
    return label_alignment.continuing(clustering, matched)
