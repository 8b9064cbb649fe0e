"""Similar songs: by the published run, or by one feature set of the sound without training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.core.title_normalization import match_key
from songrec.core.types import Match, Progress, SegmentIndex, SoundMixture, Space, no_progress
from songrec.features.registry import EXTRACTORS
from songrec.features.sound_vectors import embed_gaussians, is_gaussian
from songrec.recommend.explain import phrases
from songrec.recommend.explain.segment_tags import describe_sound, shared_tags
from songrec.recommend.similarity import content_similarity, weighted_similarity
from songrec.recommend.similarity.mutual_proximity import nearest_by_mixture
from songrec.recommend.similarity.similar import similar_tracks
from songrec.services.catalogue.left_out import left_out
from songrec.services.features import feature_sets
from songrec.services.similarity import sound_mixture
from songrec.services.similarity.artist_pages import space_or_none
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.sound import feature_cache, feature_matrices, mixture_files, sound_folders
from songrec.store.sound.feature_matrices import MatrixRow
from songrec.store.tables import Listener, Track

SOUND = sound_mixture.NAME
RUN_COMPARISONS = ("space", "features", "latent")
"""Comparisons within the published run; see ``similar_by``."""
# A spectrogram is not a vector that songs could be compared by.
FEATURE_SETS = tuple(entry.name for entry in EXTRACTORS if entry.from_audio and entry.is_vector)
"""The feature sets that songs can be compared by."""
COVERAGE = 0.5
"""Share of a run's tracks that must have sound for songs to be compared by the mixture."""
COMPARISONS = (SOUND, *RUN_COMPARISONS, *FEATURE_SETS)
"""All values of ``by`` in ``similar_by``."""


class HasId(Protocol):
    """Anything with a track's id: a row, a view."""

    @property
    def id(self) -> int:
        """The track's id."""
        ...


def refresh_matrices(instance: Instance, on_progress: Progress = no_progress) -> dict[str, bool]:
    """Write the matrices of feature sets that have changed, and their mixture.

    Each matrix has the vectors of the settings with which most tracks were analysed.

    Returns
    -------
    dict
        Whether the matrix was written, by feature set.
    """
    present = [name for name in FEATURE_SETS if name in feature_cache.set_names(instance.session)]
    written = {}
    keys: dict[int, int] = {}
    for done, name in enumerate(present):

        def report(share: float, name: str = name, done: int = done) -> None:
            on_progress((done + share) / len(present), f"Writing the matrix of {name}.")

        key = feature_sets.most_common_settings(instance.session, name)
        written[name] = feature_matrices.refresh(
            instance.folder,
            key,
            _matrix_rows(
                instance.session, feature_cache.hashes_of_tracks(instance.session, [key]), keys
            ),
            leave_out=EXTRACTORS.entry(name).categorical,
            embed=embed_gaussians if is_gaussian(name) else None,
            on_share=report,
        )
    written[SOUND] = sound_mixture.refresh(instance.folder)
    return written


def available_feature_sets(instance: Path) -> dict[str, str]:
    """Return the feature sets that songs can be compared by now, with their labels."""
    present = sound_folders.names(instance)
    labels = {name: EXTRACTORS.entry(name).label for name in FEATURE_SETS}
    return {name: label for name, label in labels.items() if name in present}


def similar_to(
    instance: Instance, track: HasId, n: int = 8, *, listener: Listener | None = None
) -> list[RankedTrack]:
    """Return the ``n`` tracks of the published run that sound most like ``track``.

    Songs that must not be recommended to ``listener`` are left out.

    Raises ``NotReady`` when nothing is published or the track is not part of the run.
    """
    withdrawn = left_out(instance, listener, [track.id])
    matches = similar_tracks(published_space(instance), track.id, n, withdrawn=withdrawn)
    return attach_tracks(instance.session, matches)


def similar_by(
    instance: Instance,
    track: TrackView,
    n: int = 8,
    *,
    by: str = SOUND,
    weights: Mapping[str, float] | None = None,
    listener: Listener | None = None,
) -> list[RankedTrack]:
    """Return the ``n`` tracks that sound most like ``track``, by one of ``COMPARISONS``.

    ``sound`` compares by the sound alone: if most songs have sound, by the mixture of several
    feature sets by mutual proximity (``sound_mixture``), else like ``space``, by the audible
    attributes of the published run. ``features`` is the cosine over standardised features with
    one-hot key and mode, with groups weighted by ``weights``; ``latent`` is the distance in the
    latent space of the published run's model (a run of ``--features mfcc --representation
    identity`` compares by those). A Gaussian set (``timbre``, ``chroma``) is compared as in the
    mixture, any other feature set by the cosine over its standardised columns, among all tracks
    with the set, even without a run.

    Raises
    ------
    UnknownName
        If ``by`` is none of ``COMPARISONS``.
    NotReady
        If the track is not part of the run, has no sound, or no matrix was written.
    """
    if by not in COMPARISONS:
        raise UnknownName("comparison", by, COMPARISONS)
    if by == SOUND:
        by = SOUND if has_mixture(instance, track) else "space"
    if by == "space":
        return similar_to(instance, track, n, listener=listener)
    if by == SOUND or by in FEATURE_SETS:
        return _by_features(instance, track, n, by, listener)
    space, withdrawn = published_space(instance), left_out(instance, listener, [track.id])
    if by == "latent":
        matches = weighted_similarity.latent_neighbours(space, track.id, n, withdrawn=withdrawn)
    else:
        harmony = _harmony(instance.session, space)
        matches = weighted_similarity.weighted_neighbours(
            space, harmony, track.id, n, weights or {}, withdrawn=withdrawn
        )
    return attach_tracks(instance.session, matches, weighted_similarity.describe_match)


def has_mixture(instance: Instance, track: HasId) -> bool:
    """Return whether ``track`` is compared by the mixture of feature sets when by its sound.

    It is if it has all of its sets, and most of the published run's tracks have them, too: among
    few songs with sound in a large catalogue the nearest would not be near.
    """
    if sound_folders.current(instance.folder, SOUND) is None:
        return False
    mixture = mixture_files.load(instance.folder)
    run = runs.published(instance.session)
    enough = run is None or len(mixture.track_ids) >= COVERAGE * run.track_count
    return enough and len(mixture.rows_of([track.id])) > 0


def _by_features(
    instance: Instance, track: TrackView, n: int, name: str, listener: Listener | None
) -> list[RankedTrack]:
    if feature_cache.hash_of_track(instance.session, track.id) is None:
        raise NotReady(f"“{track.title}” has no sound file here, so {name} cannot compare it.")
    find: Callable[..., list[Match]]
    if name == SOUND or is_gaussian(name):
        mixture = mixture_files.load(instance.folder)
        mixture = mixture if name == SOUND else _only(mixture, name)
        find = partial(nearest_by_mixture, mixture, phrases=sound_mixture.PHRASES)
    else:
        space = feature_matrices.load(instance.folder, name)
        label = EXTRACTORS.entry(name).label
        find = partial(content_similarity.nearest_by_features, space, label=label)
    try:
        matches = find(track.id, n, excluded=left_out(instance, listener, [track.id]))
    except NotReady:
        sets = "" if name == SOUND else f" --features {name}"
        raise NotReady(
            f"“{track.title}” was not analysed by {name} as the other songs were: flask analyze "
            f"DIR{sets}"
        ) from None
    space = space_or_none(instance)
    segments = space.segments if space is not None else None
    return attach_tracks(instance.session, matches, partial(_describe, segments, track))


def _describe(segments: SegmentIndex | None, track: TrackView, match: Match) -> str:
    """Write the main sentence: common tags of both songs, else the closest aspect of the sound."""
    tags = shared_tags(segments, track.id, match.track_id) if match.score > 0 else []
    clause = describe_sound((), tags)
    if not clause:
        return content_similarity.describe_match(match)
    return phrases.shorten(phrases.capitalize(f"{clause}, like “{track.title}”"))


def _only(mixture: SoundMixture, name: str) -> SoundMixture:
    """Return the mixture restricted to one of its sets; ``NotReady`` for another set."""
    parts = tuple(replace(part, weight=1.0) for part in mixture.parts if part.name == name)
    if not parts:
        raise NotReady(
            f"Too few songs have the features {name} to be compared by them: flask analyze DIR "
            f"--features {name}"
        )
    return replace(mixture, parts=parts)


def _matrix_rows(
    session: Session, hashes: Mapping[int, str], keys: dict[int, int]
) -> list[MatrixRow]:
    """Return the rows of a matrix; ``keys`` are song keys that are known, and gets the others.

    They are those of a run: a remaster is the same song.
    """
    for part in chunks(sorted(hashes.keys() - keys.keys())):
        names = artists.names_of_tracks(session, part)
        query = select(Track.id, Track.song_key, Track.title).where(Track.id.in_(part))
        for track_id, song_key, title in session.execute(query):
            key = match_key(names.get(track_id, ()), title)
            keys[track_id] = song_key if key is None else key
    return [MatrixRow(i, keys[i], hashes[i]) for i in sorted(hashes) if i in keys]


def _harmony(session: Session, space: Space) -> weighted_similarity.Harmony:
    """Return key and mode of the space's tracks, read once per open space."""

    def read() -> weighted_similarity.Harmony:
        key = np.full(len(space.track_ids), -1, dtype=np.int8)
        mode = key.copy()
        query = select(Track.id, Track.key, Track.mode).where(Track.key.is_not(None))
        row_of = {track_id: row for row, track_id in enumerate(space.track_ids.tolist())}
        for track_id, its_key, its_mode in session.execute(query):
            if track_id in row_of:
                key[row_of[track_id]] = its_key
                mode[row_of[track_id]] = -1 if its_mode is None else its_mode
        return weighted_similarity.Harmony(key, mode)

    return space.cached("harmony", read)
