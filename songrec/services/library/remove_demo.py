"""Removal of the demo songs: the invented catalogue and the demo music, never anybody's own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from songrec.core import songs
from songrec.core.types import Progress, no_progress
from songrec.demo import catalogue
from songrec.services.library import setting_up
from songrec.services.library.demo_songs import music_folder, music_root
from songrec.store.bulk import chunks
from songrec.store.catalogue import removed_tracks, tracks
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.sound import uploads
from songrec.store.tables import AudioFile, FeatureVector, Track

BATCH = 200


@dataclass(frozen=True, slots=True)
class DemoRemoval:
    """How many songs were removed and how many stay; ``train`` as in ``setting_up.SetupReport``."""

    removed: int
    kept: int
    train: dict[str, Any] | None


def demo_track_ids(instance: Instance) -> list[int]:
    """Return the demo songs: pieces of the demo music, and songs named as in the demo catalogue.

    A song that has a file elsewhere, or another name, is somebody's own.
    """
    session = instance.session
    own_file = select(AudioFile.track_id).where(
        AudioFile.root != music_root(instance), AudioFile.track_id.is_not(None)
    )
    music = select(AudioFile.track_id).where(
        AudioFile.root == music_root(instance), AudioFile.track_id.not_in(own_file)
    )
    track_ids = {track_id for track_id in session.scalars(music) if track_id is not None}
    names = catalogue.names()
    keys = {songs.song_key(artist, title) for artist, title in names}
    for part in chunks(sorted(keys)):
        query = select(Track.id, Track.artists, Track.title).where(
            Track.song_key.in_(part), Track.id.not_in(own_file)
        )
        track_ids |= {row.id for row in session.execute(query) if (row.artists, row.title) in names}
    return sorted(track_ids)


def remove_demo(instance: Instance, on_progress: Progress = no_progress) -> DemoRemoval:
    """Remove the demo songs with their files, likes and places in playlists. **Commits** in parts.

    Without any other song no run stays published.
    """
    session = instance.session
    ids = demo_track_ids(instance)
    for start in range(0, len(ids), BATCH):
        on_progress(start / len(ids), f"{start:,} of {len(ids):,} demo songs removed")
        _remove(instance, ids[start : start + BATCH])
        session.commit()
    # Files without a track as well: those that were rejected, or listed and not yet analysed.
    session.execute(delete(AudioFile).where(AudioFile.root == music_root(instance)))
    left = tracks.track_count(session)
    if not left:
        runs.unpublish(session)
    session.commit()
    shutil.rmtree(music_folder(instance.folder), ignore_errors=True)
    on_progress(1.0, f"{len(ids):,} demo songs removed")
    return DemoRemoval(len(ids), left, setting_up.training_for(instance) if left and ids else None)


def _remove(instance: Instance, ids: list[int]) -> None:
    session = instance.session
    hashes = set(
        session.scalars(select(AudioFile.content_hash).where(AudioFile.track_id.in_(ids)))
    ) - {None}
    session.execute(delete(AudioFile).where(AudioFile.track_id.in_(ids)))
    removed_tracks.remove(session, ids)
    used = session.scalars(
        select(AudioFile.content_hash).where(AudioFile.content_hash.in_(hashes)).distinct()
    )
    unused = hashes - set(used)
    session.execute(delete(FeatureVector).where(FeatureVector.content_hash.in_(unused)))
    for content_hash in unused:
        uploads.forget_derived(instance, str(content_hash))
