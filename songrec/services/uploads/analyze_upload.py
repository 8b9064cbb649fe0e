"""What an uploaded song sounds like: decoded, described, placed in the published run, compared.

Heavy: only job tasks call it. What is found is kept on the upload's row as JSON.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.audio_files.file_scan import content_hash
from songrec.core.attributes import ATTRIBUTES
from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.features.audio.musicnn import Tagging
from songrec.features.audio.statistical import measured
from songrec.features.registry import EXTRACTORS
from songrec.prediction import from_tags
from songrec.recommend.explain import contributions
from songrec.recommend.similarity.similar import similar_tracks
from songrec.services.features import feature_sets, run_settings, waveform
from songrec.services.library.analyze_file import (
    Heard,
    analyse_like_the_library,
    file_vectors,
    keep_file,
)
from songrec.services.library.worker_process import Outcome
from songrec.services.prediction import attribute_estimates
from songrec.services.prediction.attribute_prediction import load_estimator
from songrec.services.training import inference, model_inputs
from songrec.store.models import published_weights
from songrec.store.runs import runs
from songrec.store.sound import audio_files, uploads
from songrec.store.tables import AudioFile, Run, Track, Upload

SIMILAR = 100
"""As many as the programming interface may be asked for; the page shows the first few."""
TAGS_SHOWN = 8
TAGS_SECONDS = 180.0
"""Tags over time are told of at most so much of a song, from its middle."""
TAGGER = "MSD_musicnn"


def analyse(
    session: Session,
    instance: Path,
    upload: Upload,
    *,
    longest_s: float,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Find out everything the upload's page shows and keep it in ``upload.result``. Flushes.

    Raises ``BadInput`` for a file that is no sound or longer than ``longest_s``.
    """
    path = Path(upload.path)
    run = runs.published(session)
    on_progress(0.05, "Listening to the song.")
    problem = None
    try:
        like_others = analyse_like_the_library(
            session, instance, path, _sets(run), run_settings.settings_of(instance, run)
        )
    except NotReady as error:
        # It cannot be heard as the run's songs were; what can be heard without is told anyway.
        problem = str(error)
        like_others = analyse_like_the_library(session, instance, path, _sets(None))
    outcome = like_others.outcome
    seconds = outcome.decoded["duration_s"]
    if seconds > longest_s:
        raise BadInput(
            f"{upload.name} lasts {seconds / 60:.0f} minutes; {longest_s / 60:.0f} are the most."
        )
    on_progress(0.55, "Drawing its waveform.")
    digest = content_hash(path)
    drawn = waveform.create(instance, path, digest)
    on_progress(0.65, "Hearing what is in it.")
    heard = _tagged(instance, path)
    on_progress(0.8, "Estimating what it is like.")
    sound = like_others.columns()
    attributes = _attributes(instance, outcome, sound, heard)
    on_progress(0.85, "Looking for what sounds like it.")
    result: dict[str, Any] = {
        "title": outcome.tags["title"] or Path(upload.name).stem,
        "artists": outcome.tags["artists"] or "",
        "hash": digest,
        "seconds": seconds,
        "codec": outcome.decoded["codec"],
        "container": outcome.decoded["container"],
        "channels": outcome.decoded["channels"],
        "sample_rate": outcome.decoded["sample_rate"],
        "notes": outcome.decoded["notes"],
        "cover_type": drawn.cover_type,
        "attributes": attributes,
        "tags": None if heard is None else _told(heard),
        "place": None,
        "similar": [],
        "problem": problem,
    }
    try:
        if problem is None:
            result |= _placed(session, instance, run, attributes, sound, outcome)
    except NotReady as error:
        # What was heard stands without a run; the page says what is missing.
        result["problem"] = str(error)
    upload.result = result
    session.flush()
    return result


def keep(session: Session, instance: Path, upload: Upload) -> AudioFile:
    """Make the upload a track of the library; its file moves there. Flushes.

    Raises ``BadInput`` when the file is gone.
    """
    path = Path(upload.path)
    if not path.is_file():
        raise BadInput(f"{upload.name} is not there any more: upload it again.")
    run = runs.published(session)
    sets = [*feature_sets.default_sets(instance), *_sets(run)]
    like_others = analyse_like_the_library(session, instance, path, sets)
    known = [
        file
        for file in audio_files.with_content(session, content_hash(path))
        if file.state == "analysed" and Path(file.path).is_file()
    ]
    if known:
        file = known[0]  # the library has this very file
    else:
        folder = uploads.kept_folder(instance) / upload.public_id
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / path.name)
        file = keep_file(session, instance, folder / path.name, like_others)
        _hear_as_in_run(session, instance, file, run, like_others)
    upload.kept, upload.track_id, upload.expires_at = True, file.track_id, None
    upload.path = file.path
    session.flush()
    return file


def _hear_as_in_run(
    session: Session, instance: Path, file: AudioFile, run: Run | None, known: Heard
) -> None:
    """File the vectors by the run's settings, too, where most of the library has others."""
    try:
        settings = run_settings.settings_of(instance, run)
    except NotReady:
        return  # nothing can be extracted for that run any more
    other = {
        name: how
        for name, how in settings.items()
        if name in known.settings
        and feature_sets.key_of(name, how) != feature_sets.key_of(name, known.settings[name])
    }
    if other:
        heard = analyse_like_the_library(session, instance, Path(file.path), other, other)
        file_vectors(session, instance, str(file.content_hash), heard)


def _sets(run: Run | None) -> list[str]:
    """The sets that every analysis makes, and those that the run was trained on."""
    wanted = [] if run is None else run.feature_set.split(",")
    known = [n for n in wanted if n in EXTRACTORS and n not in feature_sets.FROM_LABELS]
    return list(dict.fromkeys([*feature_sets.DEFAULT_SETS, *known]))


def _attributes(
    instance: Path, outcome: Outcome, sound: Mapping[str, float], heard: Tagging | None
) -> dict[str, dict[str, Any]]:
    """Attribute (or ``key``, ``mode``) to its value and where that comes from, the best source."""
    found: dict[str, dict[str, Any]] = {}
    if heard is not None:
        found |= _marked(
            from_tags.attributes(heard.tags, heard.mean[None, :]), attribute_estimates.FROM_TAGS
        )
    predictor = load_estimator(instance, tuple(sound))
    if predictor is not None:
        row = np.array([[sound[name] for name in sound]], dtype=np.float32)
        table = FeatureTable(np.zeros(1, dtype=np.int64), tuple(sound), row, "audio")
        found |= _marked(predictor.attributes(table), attribute_estimates.PREDICTED)
    for name, value in measured(outcome.arrays[feature_sets.MEASURING]).items():
        if value is not None:
            found[name] = {"value": value, "source": attribute_estimates.MEASURED}
    return found


def _marked(values: Mapping[str, Floats], source: str) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": attribute_estimates.clamped(name, float(column[0])), "source": source}
        for name, column in values.items()
        if np.isfinite(column[0])
    }


def _tagged(instance: Path, path: Path) -> Tagging | None:
    """What MusiCNN hears over time; None where its weights are not installed."""
    if not published_weights.status(instance, "musicnn").ready:
        return None
    from songrec.services.features.audio_tags import tag_file

    return tag_file(path, instance, model=TAGGER, seconds=TAGS_SECONDS)


def _told(heard: Tagging) -> dict[str, Any]:
    """The likeliest tags, all of the way through, as the page draws them."""
    top = heard.top(TAGS_SHOWN)
    at = [heard.tags.index(name) for name, _ in top]
    return {
        "model": TAGGER,
        "times_s": [round(float(t), 2) for t in heard.times_s],
        "length_s": heard.length_s,
        "tags": [
            {
                "tag": name,
                "probability": round(probability, 4),
                "over_time": [round(float(p), 3) for p in heard.probabilities[:, column]],
            }
            for (name, probability), column in zip(top, at, strict=True)
        ],
    }


def _placed(
    session: Session,
    instance: Path,
    run: Run | None,
    attributes: Mapping[str, Mapping[str, Any]],
    sound: Mapping[str, float],
    outcome: Outcome,
) -> dict[str, Any]:
    if run is None:
        raise NotReady(
            "No training run is published yet, so there is nothing to compare this song with."
        )
    known = {a.name: attributes[a.name]["value"] for a in ATTRIBUTES if a.name in attributes}
    known["duration"] = outcome.decoded["duration_s"] * 1000
    if outcome.tags["year"]:
        known["year"] = outcome.tags["year"]
    genre, language = next(iter(outcome.tags["genres"]), None), outcome.tags.get("language")
    labels = {"genre": genre, "language": language}
    inputs = model_inputs.TrackInputs(
        {kind: label for kind, label in labels.items() if label},
        outcome.tags.get("lyrics"),
        outcome.arrays.get(model_inputs.SPECTROGRAM_SET),
    )
    placed = inference.embed_track(instance, run, known, sound, inputs)
    joined, track_id = placed.append_to_space()
    matches = similar_tracks(joined, track_id, SIMILAR)
    public = dict(
        session.execute(
            select(Track.id, Track.public_id).where(Track.id.in_([m.track_id for m in matches]))
        ).all()
    )
    return {
        "place": {
            "run_id": run.public_id,
            "cluster": placed.label,
            "confidence": round(placed.confidence, 4),
            "x": placed.x,
            "y": placed.y,
            "guessed": list(placed.guessed),
        },
        "vector": _plain(placed.vector),
        "latent": _plain(placed.latent),
        "similar": [
            {
                "track_id": public[match.track_id],
                "score": match.score,
                "why": contributions.main_reason(match.reasons),
                "reasons": [asdict(reason) for reason in match.reasons],
            }
            for match in matches
            if match.track_id in public
        ],
    }


def _plain(values: Floats) -> list[float]:
    return [float(value) for value in values]
