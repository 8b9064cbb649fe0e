"""Analysis of an uploaded song, its comparison with the published run, and keeping it.

Heavy: only job tasks call it. Results are stored in the upload's row as JSON, feature vectors in
the cache by content, so that keeping the song only needs a copy of the file and a row.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from songrec.audio_files.file_scan import content_hash
from songrec.core.attributes import ATTRIBUTES
from songrec.core.content_flags import content_flags, is_spoken_genre
from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.file_names import safe_file_name
from songrec.core.types import FeatureTable, Floats, Ints, Match, Progress, Space, no_progress
from songrec.features.audio.musicnn import TagPredictions
from songrec.features.audio.statistical import measured
from songrec.features.registry import EXTRACTORS, MEASURING
from songrec.prediction import from_tags
from songrec.recommend.explain import contributions
from songrec.recommend.similarity.similar import similar_tracks
from songrec.services.catalogue.left_out import left_out
from songrec.services.features import feature_sets, run_settings, waveform
from songrec.services.library.analyze_file import (
    AnalysedFile,
    analyse_like_the_library,
    keep_file,
    record_vectors,
)
from songrec.services.library.worker_process import WorkerProcess
from songrec.services.prediction import attribute_estimates
from songrec.services.prediction.attribute_estimates import load_estimator
from songrec.services.training import inference, model_inputs
from songrec.store.instance import Instance
from songrec.store.models import published_weights
from songrec.store.runs import runs
from songrec.store.sound import audio_files, uploads
from songrec.store.tables import AudioFile, Listener, Run, Track, Upload

SIMILAR = 100
"""Number of similar songs, the limit of the API; the page shows the first few."""
TAGS_SHOWN = 8
TAGS_SECONDS = 180.0
"""Limit of the part of a song, around its middle, with tags over time."""
TAGGER = "MSD_musicnn"


def analyse(
    instance: Instance,
    upload: Upload,
    *,
    longest_s: float,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Compute the content of the upload's page and store it in ``upload.result``. Flushes.

    Raises ``BadInput`` for a file without sound or longer than ``longest_s``.
    """
    path = Path(upload.path)
    run = runs.published(instance.session)
    on_progress(0.05, "Analysing the song.")
    problem = None
    with WorkerProcess() as worker:
        try:
            analysed = _analyse_for_run(instance, worker, path, run)
        except NotReady as error:
            # The run's feature sets cannot be extracted; the page shows the other results.
            problem = str(error)
            analysed = analyse_like_the_library(instance, worker, path, _sets(None))
        description = analysed.description
        seconds = description["decoded"]["duration_s"]
        if seconds > longest_s:
            raise BadInput(
                f"{upload.name} lasts {seconds / 60:.0f} minutes; the limit is "
                f"{longest_s / 60:.0f}."
            )
        on_progress(0.4, "Analysing it like the library.")
        in_library: dict[str, float] = {}
        with contextlib.suppress(NotReady):  # reported when the song is kept
            in_library = _analyse_for_library(instance, worker, path, run, description).columns()
        on_progress(0.55, "Drawing its waveform.")
        waveform_and_cover = waveform.create(instance.folder, path, analysed.content_hash)
        on_progress(0.65, "Predicting its tags.")
        tagging = None
        if published_weights.status(instance.folder, "musicnn").ready:
            tagging = worker.tag(path, instance.folder, TAGGER, TAGS_SECONDS)
    on_progress(0.8, "Estimating its attributes.")
    sound = analysed.columns()
    attributes = _attributes(instance.folder, analysed, sound, in_library, tagging)
    on_progress(0.85, "Searching for similar songs.")
    result: dict[str, Any] = {
        "title": description["tags"]["title"] or Path(upload.name).stem,
        "artists": description["tags"]["artists"] or "",
        "hash": analysed.content_hash,
        "seconds": seconds,
        **{
            name: description["decoded"][name]
            for name in ("codec", "container", "channels", "sample_rate", "notes")
        },
        "description": description,
        "cover_type": waveform_and_cover.cover_type,
        "attributes": attributes,
        "tags": None if tagging is None else _tags_over_time(tagging),
        "place": None,
        "similar": [],
        "problem": problem,
    }
    try:
        if problem is None:
            result |= _compare(instance, run, attributes, sound, analysed, upload)
    except NotReady as error:
        result["problem"] = str(error)
    upload.result = result
    upload.derived_size = uploads.derived_size(instance.folder, analysed.content_hash)
    instance.session.flush()
    return result


def keep(instance: Instance, upload: Upload) -> AudioFile:
    """Add the upload to the library, with a copy of its file. Flushes.

    Raises ``BadInput`` if the file no longer exists.
    """
    path = Path(upload.path)
    if not path.is_file():
        raise BadInput(f"{upload.name} no longer exists: upload it again.")
    library_files = [
        file
        for file in audio_files.with_content(instance.session, content_hash(path))
        if file.state == "analysed" and Path(file.path).is_file()
    ]
    if library_files:
        file = library_files[0]  # the library has this very file
    else:
        folder = uploads.library_folder(instance.folder) / upload.public_id
        try:
            file = _copy_into_library(instance, upload, path, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        file.kept_by_id = upload.listener_id
    upload.kept, upload.track_id, upload.expires_at = True, file.track_id, None
    upload.keep_state = None
    upload.path = file.path
    instance.session.flush()
    return file


def _copy_into_library(instance: Instance, upload: Upload, path: Path, folder: Path) -> AudioFile:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / safe_file_name(upload.name, "song")
    shutil.copy2(path, place)
    description = (upload.result or {}).get("description")
    run = runs.published(instance.session)
    with WorkerProcess() as worker:  # starts nothing where the cache has all
        analysed = _analyse_for_library(instance, worker, path, run, description)
        record_vectors(instance, analysed)
        with contextlib.suppress(NotReady):  # nothing can be extracted for that run any more
            for_run = _analyse_for_run(instance, worker, path, run, description)
            record_vectors(instance, for_run)
    return keep_file(instance.session, place, analysed)


def _analyse_for_run(
    instance: Instance,
    worker: WorkerProcess,
    path: Path,
    run: Run | None,
    description: dict[str, Any] | None = None,
) -> AnalysedFile:
    """Analyse by the settings that the run was trained with; ``NotReady`` where that is gone."""
    fixed = run_settings.settings_of(instance.folder, run)
    return analyse_like_the_library(instance, worker, path, _sets(run), fixed, description)


def _analyse_for_library(
    instance: Instance,
    worker: WorkerProcess,
    path: Path,
    run: Run | None,
    description: dict[str, Any] | None,
) -> AnalysedFile:
    """Analyse as the files of the library are, so that keeping the song extracts nothing."""
    sets = feature_sets.default_sets(instance.folder).union(_sets(run))
    return analyse_like_the_library(instance, worker, path, sets, description=description)


def _sets(run: Run | None) -> FeatureSpec:
    """Return the sets of every analysis and those that the run was trained on."""
    spec = FeatureSpec(()) if run is None else FeatureSpec.parse(run.feature_set)
    extracted = [n for n in spec if n in EXTRACTORS and EXTRACTORS.entry(n).from_audio]
    return feature_sets.DEFAULT_SETS.union(FeatureSpec(tuple(extracted)))


def _attributes(
    instance: Path,
    analysed: AnalysedFile,
    sound: Mapping[str, float],
    in_library: Mapping[str, float],
    tagging: TagPredictions | None,
) -> dict[str, dict[str, Any]]:
    """Attribute (or ``key``, ``mode``) to its value and where that comes from, the best source.

    ``sound`` are the columns that the run needs, ``in_library`` those of every analysis.
    """
    attributes: dict[str, dict[str, Any]] = {}
    if tagging is not None:
        attributes |= _with_source(
            from_tags.attributes(tagging.tags, tagging.mean[None, :]), attribute_estimates.FROM_TAGS
        )
    attributes |= _with_source(
        {
            column.partition(":")[2]: np.array([value], dtype=np.float32)
            for column, value in in_library.items()
            if column.startswith(f"{feature_sets.VIBENET}:")
        },
        attribute_estimates.FROM_VIBENET,
    )
    predictor = load_estimator(instance, tuple(sound))
    if predictor is not None:
        row = np.array([[sound[name] for name in sound]], dtype=np.float32)
        table = FeatureTable(
            np.zeros(1, dtype=np.int64), tuple(sound), row, FeatureSpec(("audio",))
        )
        attributes |= _with_source(predictor.attributes(table), attribute_estimates.PREDICTED)
    for name, value in measured(analysed.arrays[MEASURING]).items():
        if value is not None:
            attributes[name] = {"value": value, "source": attribute_estimates.MEASURED}
    return attributes


def _with_source(values: Mapping[str, Floats], source: str) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "value": attribute_estimates.clamp_to_range(name, float(column[0])),
            "source": source,
        }
        for name, column in values.items()
        if np.isfinite(column[0])
    }


def _tags_over_time(tagging: TagPredictions) -> dict[str, Any]:
    """Serialize the most probable tags with their course over time, as the page draws them."""
    top = tagging.top(TAGS_SHOWN)
    at = [tagging.tags.index(name) for name, _ in top]
    return {
        "model": TAGGER,
        "times_s": [round(float(t), 2) for t in tagging.times_s],
        "length_s": tagging.length_s,
        "tags": [
            {
                "tag": name,
                "probability": round(probability, 4),
                "over_time": [round(float(p), 3) for p in tagging.probabilities[:, column]],
            }
            for (name, probability), column in zip(top, at, strict=True)
        ],
    }


def _compare(
    instance: Instance,
    run: Run | None,
    attributes: Mapping[str, Mapping[str, Any]],
    sound: Mapping[str, float],
    analysed: AnalysedFile,
    upload: Upload,
) -> dict[str, Any]:
    """Return the song's place in the published run, and the songs like it.

    Songs that must not be recommended to its listener are left out.
    """
    if run is None:
        raise NotReady(
            "No training run is published yet, so there is nothing to compare this song with."
        )
    track = _embed(instance, run, attributes, sound, analysed)
    space, track_id = track.append_to_space()
    listener = None
    if upload.listener_id is not None:
        listener = instance.session.get(Listener, upload.listener_id)
    tags = analysed.description["tags"]
    flags = content_flags(
        tags["title"] or Path(upload.name).stem,
        tags["album"] or "",
        speechiness=attributes.get("speechiness", {}).get("value"),
        spoken_genre=any(map(is_spoken_genre, tags["genres"])),
    )
    alike = _of_kinds(track.space, flags)
    withdrawn = left_out(instance, listener, requested=alike)
    matches = similar_tracks(space, track_id, SIMILAR, withdrawn=withdrawn)
    return {
        "place": {
            "run_id": run.public_id,
            "cluster": track.label,
            "confidence": round(track.confidence, 4),
            "x": track.x,
            "y": track.y,
            "guessed": list(track.guessed),
        },
        "vector": _plain(track.vector),
        "latent": _plain(track.latent),
        "similar": _serialize_matches(instance, matches),
    }


def _of_kinds(space: Space, flags: int) -> Ints:
    """Return the ids of the run's songs that have one of the content flags ``flags``."""
    if space.content_flags is None or not flags:
        return np.empty(0, dtype=np.int64)
    return np.asarray(space.track_ids[np.flatnonzero(np.asarray(space.content_flags) & flags)])


def _embed(
    instance: Instance,
    run: Run,
    attributes: Mapping[str, Mapping[str, Any]],
    sound: Mapping[str, float],
    analysed: AnalysedFile,
) -> inference.EmbeddedTrack:
    tags = analysed.description["tags"]
    values = {a.name: attributes[a.name]["value"] for a in ATTRIBUTES if a.name in attributes}
    values["duration"] = analysed.description["decoded"]["duration_s"] * 1000
    if tags["year"]:
        values["year"] = tags["year"]
    genre, language = next(iter(tags["genres"]), None), tags.get("language")
    labels = {"genre": genre, "language": language}
    inputs = model_inputs.TrackInputs(
        {kind: label for kind, label in labels.items() if label},
        tags.get("lyrics"),
        analysed.arrays.get(model_inputs.SPECTROGRAM_SET),
    )
    loudness_source = attributes.get("loudness", {}).get("source")
    return inference.embed_track(
        instance.folder,
        run,
        values,
        sound,
        inputs,
        has_measured_loudness=loudness_source == attribute_estimates.MEASURED,
    )


def _serialize_matches(instance: Instance, matches: Sequence[Match]) -> list[dict[str, Any]]:
    public = dict(
        instance.session.execute(
            select(Track.id, Track.public_id).where(Track.id.in_([m.track_id for m in matches]))
        ).all()
    )
    return [
        {
            "track_id": public[match.track_id],
            "score": match.score,
            "why": contributions.main_reason(match.reasons),
            "reasons": [asdict(reason) for reason in match.reasons],
        }
        for match in matches
        if match.track_id in public
    ]


def _plain(values: Floats) -> list[float]:
    return [float(value) for value in values]
