"""One training run: features → representation → clustering and projection → a stored run.

The steps are those of docs/architecture.md. Heavy: only commands and job tasks import it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from songrec.clustering import CLUSTERINGS, clusters_by_model, label_alignment, scores
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.files import atomic_folder
from songrec.core.types import Clustering, FeatureTable, Floats, Progress, no_progress
from songrec.evaluation.agreement import match_labels
from songrec.features.attribute_table import AttributeSelection
from songrec.features.quantile_normalization import NormalSpace, normal_space
from songrec.features.scaling import Scaler
from songrec.features.whitening_pca import Components
from songrec.projection import PROJECTIONS
from songrec.projection.auto import AutomaticMap
from songrec.projection.metrics import trustworthiness
from songrec.representation import REPRESENTATIONS
from songrec.services.training import (
    dataset,
    diagnostics,
    label_agreement,
    model_inputs,
    taste_stage,
)
from songrec.services.training.artifacts import (
    EXTRA_COLUMNS,
    Projection2D,
    TasteArtifacts,
    TrainingResult,
    run_row,
    write_folder,
)
from songrec.services.training.cluster_profiles import ProfileInputs, name_metrics, profile_clusters
from songrec.services.training.publication import publish
from songrec.services.training.request import TrainRequest
from songrec.services.training.stage_cache import StageCache, StageProgress
from songrec.store.catalogue import content_flags, training_data
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs, spaces
from songrec.store.tables import Run


def train(
    instance: Instance,
    request: TrainRequest,
    on_progress: Progress = no_progress,
) -> Run:
    """Train, write the run's folder and rows, and publish it if requested; the caller commits.

    ``on_progress`` is not called once rows are being written: until the caller commits, a callback
    that writes to the same SQLite database would deadlock. If the commit fails, the folder stays
    without a row and does no harm.
    """
    run_folders.sweep(instance.folder)
    request = request.with_resolved_features(instance.session)
    progress = StageProgress(on_progress)
    result = run_stages(instance, request, progress)
    tastes = train_tastes(instance, request, result, progress)
    return write_run(instance, request, result, tastes, progress)


def run_stages(
    instance: Instance,
    request: TrainRequest,
    progress: StageProgress,
    cache: StageCache | None = None,
) -> TrainingResult:
    """Run every stage of a training up to its metrics, without writing a folder or a row.

    Trainings with a common ``cache`` share the catalogue, equal features, equal latents and equal
    maps.
    """
    request.validated_parameters()
    cache = cache or StageCache()

    def read_catalogue() -> training_data.TrainingData:
        with progress.stage("read", "Reading the catalogue", 0.08) as report:
            return training_data.read(
                instance.session,
                lambda done, total: report(done / total, f"{done:,} of {total:,} tracks"),
            )

    def prepare() -> _Prepared:
        return _prepare(instance, request.feature_set, catalogue, progress)

    def fit_representation() -> tuple[Any, dict[str, Any], Floats]:
        with progress.stage("representation", "Learning the latent", 0.6) as report:
            model = REPRESENTATIONS.create(request.representation, **parameters["representation"])
            inputs = model_inputs.gather(instance, model, data.track_ids)
            model.fit(table, seed=request.seed, on_progress=report, **inputs)
            return model, inputs, model.transform(table, **inputs)

    catalogue = cache.get_or_compute(progress, "read", None, read_catalogue)
    prepared = cache.get_or_compute(progress, "features", str(request.feature_set), prepare)
    data, table = prepared.data, prepared.table
    source = request.n_clusters_source
    request = request.with_resolved_clusters(len(data.track_ids))
    parameters = request.validated_parameters()
    latent_key = [
        str(request.feature_set),
        request.representation,
        parameters["representation"],
        request.seed,
    ]
    model, inputs, latent = cache.get_or_compute(
        progress, "representation", latent_key, fit_representation
    )
    with progress.stage("clustering", "Clustering", 0.75) as report:
        algorithm = CLUSTERINGS.create(request.clustering, **parameters["clustering"])
        by_model = clusters_by_model(request.clustering)
        if by_model:
            clustering = model.assign(table, **inputs)
        else:
            clustering = algorithm.fit(latent, seed=request.seed, on_progress=report)
        clustering = diagnostics.with_named_weights(clustering, model)
        if source is not None:
            details = {**clustering.details, "n_clusters_source": source}
            clustering = replace(clustering, details=details)
        clustering = _number_clusters(instance, data, clustering)
        predictor = {} if by_model else algorithm.state(clustering.labels)
    maps = _fit_maps(request, parameters["projection"], latent, latent_key, progress, cache)
    labels = label_agreement.labels_by_kind(instance.session, data.track_ids)
    with progress.stage("scores", "Measuring", 0.88):
        metrics = {
            **model.metrics_,
            "reconstruction_mse": diagnostics.reconstruction_mse(model, table, inputs),
            **scores.score(latent, clustering.labels, seed=request.seed),
            **label_agreement.agreement_metrics(clustering.labels, labels, seed=request.seed),
            **maps[0].trust,
        }
    return TrainingResult(
        data,
        prepared.choice,
        prepared.scaler,
        model,
        latent,
        clustering,
        predictor,
        maps,
        prepared.space,
        prepared.sound,
        metrics,
        [
            *prepared.notes,
            *diagnostics.describe_warnings(prepared.choice, model),
            *algorithm.notes_,
        ],
        prepared.settings,
        prepared.loudness_scale,
    )


def _fit_maps(
    request: TrainRequest,
    parameters: dict[str, Any],
    latent: Floats,
    latent_key: Sequence[Any],
    progress: StageProgress,
    cache: StageCache,
) -> tuple[Projection2D, ...]:
    """Fit the map of the request with its ``parameters``, and its further maps, each once."""
    requested = {request.projection: parameters}
    for name in request.maps:
        if name not in requested:
            requested[name] = PROJECTIONS.parse(name, request.map_parameters.get(name))
    maps: dict[str, Projection2D] = {}
    for name, map_parameters in requested.items():
        if name in maps:  # chosen automatically for the first map
            continue
        stage = f"map {name}" if maps else "projection"
        compute = functools.partial(
            _fit_map, stage, name, map_parameters, latent, request.seed, progress
        )
        key = [*latent_key, name, map_parameters]
        projection = cache.get_or_compute(progress, stage, key, compute)
        maps.setdefault(projection.name, projection)
    return tuple(maps.values())


def _fit_map(
    stage: str,
    name: str,
    parameters: dict[str, Any],
    latent: Floats,
    seed: int,
    progress: StageProgress,
) -> Projection2D:
    with progress.stage(stage, f"Drawing the map: {name}", 0.8) as report:
        projection = PROJECTIONS.create(name, **parameters)
        projection.fit(latent, seed=seed, on_progress=report)
        if isinstance(projection, AutomaticMap):
            name, projection = projection.name_, projection.projection_
            parameters = PROJECTIONS.parse(name)
        coordinates = projection.project(latent)
        trust = trustworthiness(latent, coordinates, seed=seed)
        return Projection2D(name, projection, coordinates, trust, parameters)


def train_tastes(
    instance: Instance,
    request: TrainRequest,
    result: TrainingResult,
    progress: StageProgress,
) -> TasteArtifacts:
    """Train the taste model and the two towers of a run that is going to be written."""
    with progress.stage("tastes", "Learning from playlists", 0.97) as report:
        return taste_stage.train_tastes(instance, result, seed=request.seed, on_progress=report)


def write_run(
    instance: Instance,
    request: TrainRequest,
    result: TrainingResult,
    tastes: TasteArtifacts,
    progress: StageProgress,
) -> Run:
    """Write a training's folder and rows, and publish the run if requested; the caller commits."""
    data = result.data
    request = request.with_resolved_clusters(len(data.track_ids))
    parameters = request.validated_parameters()
    tags = {
        kind: training_data.read_tags(instance.session, kind, data.track_ids)
        for kind in ("genre", "emotion")
    }
    with progress.stage("portraits", "Naming the clusters", 0.98):
        described = dataset.described_attributes(data)
        columns = [ATTRIBUTE_NAMES.index(name) for name in described]
        flags = content_flags.read_flags(
            instance.session,
            data.track_ids,
            data.values[:, ATTRIBUTE_NAMES.index("speechiness")],
        )
        clusters = profile_clusters(
            ProfileInputs(
                data, described, data.values[:, columns], tags, tastes.artists, flags == 0
            ),
            result.clustering,
            result.latent,
        )
        result = replace(result, metrics={**result.metrics, **name_metrics(clusters)})
    run = run_row(request, parameters, result, tastes)
    with progress.stage("write", "Writing the run", 1.0):
        run.seconds = progress.seconds
        with atomic_folder(run_folders.run_folder(instance.folder, run.public_id)) as folder:
            write_folder(folder, run, result, tastes, clusters)
            np.save(folder / spaces.CONTENT_FLAGS_FILE, flags)
        runs.insert_run(
            instance.session, run, clusters, data.track_ids, result.clustering, result.coordinates
        )
        if request.publish:
            publish(instance, run.public_id)
    run.seconds = {**progress.seconds, "total": round(sum(progress.seconds.values()), 3)}
    instance.session.flush()
    return run


@dataclass(frozen=True)
class _Prepared:
    """The standardised features of a training, and the space to recommend from."""

    data: training_data.TrainingData
    choice: AttributeSelection
    scaler: Scaler
    table: FeatureTable
    space: NormalSpace
    sound: Components | None
    settings: dict[str, dict[str, Any]]
    loudness_scale: str
    notes: tuple[str, ...]


def _prepare(
    instance: Instance,
    feature_set: FeatureSpec,
    data: training_data.TrainingData,
    progress: StageProgress,
) -> _Prepared:
    with progress.stage("features", "Preparing the features", 0.14):
        built = dataset.build_dataset(instance, feature_set, data)
        data = built.data
        scaler = Scaler.fit(built.table)
        table = scaler.transform(built.table)
        space = normal_space(
            data.values,
            ATTRIBUTE_NAMES,
            {name: getattr(data, source) for name, source in EXTRA_COLUMNS.items()},
        )
        sound = None
        if built.has_audio:
            sound = Components.fit(dataset.sound_of(table))
            space = space.with_columns(sound.transform(dataset.sound_of(table)), sound.names)
    return _Prepared(
        data,
        built.choice,
        scaler,
        table,
        space,
        sound,
        built.settings,
        built.loudness_scale,
        built.notes,
    )


def _number_clusters(
    instance: Instance,
    data: training_data.TrainingData,
    clustering: Clustering,
) -> Clustering:
    """Number clusters by size, or as in the published run if its files are readable."""
    clustering = label_alignment.by_size(clustering)
    published = runs.published(instance.session)
    if published is None:
        return clustering
    try:
        track_ids, labels = run_folders.read_labels(instance.folder, published.public_id)
    except NotReady:
        # Its files are missing or damaged. Training is the way to replace them, so go on.
        return clustering
    _, rows, published_rows = np.intersect1d(
        data.track_ids, track_ids, assume_unique=True, return_indices=True
    )
    matched = match_labels(clustering.labels[rows], labels[published_rows])
    return label_alignment.continuing(clustering, matched)
