"""Dataset of the tagger: cached log-mel spectrograms of songs, their segments and their tags."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.audio_files.path_labels import labels_of
from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.types import Audio, Floats, Ints, Progress, no_progress
from songrec.features.registry import digest
from songrec.features.settings import DEFAULTS
from songrec.services.features import feature_sets
from songrec.services.features.sound_files import local_path
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, feature_cache
from songrec.store.sound.audio_files import SoundSource
from songrec.store.sound.feature_cache import SetKey
from songrec.store.tables import AudioFile, Tag, TrackTag
from songrec.tagging.segmentation import Segments, split

SOURCES = ("musicnn", "genre", "tags", "folders")
"""Sources of the tags to train on; see ``tags_for``."""
MUSICNN_THRESHOLD = 0.1
"""Mean probability from which a MusiCNN tag counts as a tag of the song."""
MAX_TAGS = 64
MIN_SONGS_PER_TAG = 2
OPEN_FILES = 32
"""Spectrograms that are memory-mapped at a time."""
SPECTROGRAMS, STARTS = "fragment_spectrograms", "fragment_starts"
"""Folders of the feature cache, as older versions named them. They are no feature sets."""


@dataclass(frozen=True)
class SegmentSettings:
    """How songs are cut into segments, and the spectrograms that segments are read from.

    Segments are ``n_seconds`` long and begin every ``step`` seconds, within the middle ``seconds``
    of a song (None: all of it). Spectrograms are of ``bands`` mel bands at ``rate`` Hz, over
    ``n_fft`` samples every ``hop`` samples.
    """

    n_seconds: float = 5.0
    step: float = 1.0
    seconds: float | None = 60.0
    rate: int = 22_050
    bands: int = 80
    n_fft: int = 2048
    hop: int = 1024

    @property
    def frames(self) -> int:
        """Frames of a segment."""
        return max(2, round(self.n_seconds * self.rate / self.hop))

    @property
    def key(self) -> SetKey:
        """Key of the spectrograms in the feature cache."""
        settings = replace(
            DEFAULTS,
            sample_rate=self.rate,
            seconds=self.seconds,
            n_fft=self.n_fft,
            hop_length=self.hop,
            n_mels=self.bands,
        )
        return SetKey(SPECTROGRAMS, 1, digest("melspectrogram", settings))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as manifests hold them, under ``cutting``."""
        return asdict(self)

    def segments(self, songs: Sequence[SongSpectrogram]) -> Segments:
        """Split songs into segments."""
        return split([song.frames for song in songs], self.frames, self.step * self.rate / self.hop)

    def starts(self, songs: Sequence[SongSpectrogram], segments: Segments) -> Floats:
        """Return where each segment begins in its file, float32 ``(m,)`` in seconds."""
        begin = np.array([song.start_s for song in songs])
        return (begin[segments.song] + segments.first * (self.hop / self.rate)).astype(np.float32)


@dataclass(frozen=True)
class SongSpectrogram:
    """A song with a cached spectrogram of ``frames`` frames that begins at ``start_s``."""

    track_id: int
    path: Path
    root: Path
    content_hash: str
    start_s: float
    frames: int
    source: SoundSource | None = None


def cache_spectrograms(
    instance: Instance,
    settings: SegmentSettings,
    on_progress: Progress = no_progress,
    *,
    minimum: int = 1,
) -> tuple[list[SongSpectrogram], int]:
    """Return the audible songs, ascending by track, and the number of unreadable ones.

    Missing spectrograms are computed and cached one by one. Raises ``NotReady`` with fewer than
    ``minimum`` songs.
    """
    files = audio_files.readable(instance.session)
    instance.session.commit()  # nothing stays locked while files are read
    songs, n_unreadable = [], 0
    for done, (track_id, file) in enumerate(sorted(files.items())):
        on_progress(done / len(files), f"{done} of {len(files)} songs cut into segments")
        try:
            songs.append(_song(instance.folder, settings, track_id, file))
        except (BadInput, OSError):
            n_unreadable += 1  # moved or damaged since its analysis: the next one reports it
    if len(songs) < minimum:
        raise NotReady(
            f"{len(songs)} songs are audible; segments need at least {minimum}: flask analyze DIR"
        )
    return songs, n_unreadable


def spectrogram(audio: Audio, settings: SegmentSettings) -> Floats:
    """Compute the log-mel spectrogram, float32 ``(frames, bands)`` in decibels."""
    from songrec.features.audio.stft import Frames

    frames = Frames(audio, settings.n_fft, settings.hop)
    return frames.log_mel(settings.bands).astype(np.float32)


def cache_spectrogram(
    instance: Path, settings: SegmentSettings, path: Path, content_hash: str
) -> tuple[float, int]:
    """Compute and cache the spectrogram of a file unless it is cached.

    Returns where the decoded part begins in the file (s) and the number of frames. Raises
    ``BadInput`` or ``OSError`` for a file that cannot be read.
    """
    starts = SetKey(STARTS, 1, settings.key.digest)
    if feature_cache.missing_sets(instance, [settings.key, starts], content_hash):
        from songrec.audio_files.isolated import decode

        audio = decode(path, sample_rate=settings.rate, seconds=settings.seconds).audio
        feature_cache.write(instance, settings.key, content_hash, spectrogram(audio, settings))
        feature_cache.write(
            instance, starts, content_hash, np.array([audio.start_s], dtype=np.float32)
        )
    cached = feature_cache.read(instance, settings.key, content_hash, mapped=True)
    if cached.ndim != 2 or cached.shape[1] != settings.bands:
        raise BadInput(
            f"The cached spectrogram of {content_hash[:12]}… is damaged: delete "
            f"{feature_cache.relative_path(settings.key, content_hash)} in "
            f"{feature_cache.folder(instance)}."
        )
    return float(feature_cache.read(instance, starts, content_hash)[0]), len(cached)


def _song(
    instance: Path, settings: SegmentSettings, track_id: int, file: AudioFile
) -> SongSpectrogram:
    source = audio_files.source_of(file)
    is_cached = not feature_cache.missing_sets(instance, [settings.key], source.content_hash)
    path = source.path if is_cached else local_path(instance, source)
    start_s, frames = cache_spectrogram(instance, settings, path, source.content_hash)
    path, root = source.path, Path(file.root)
    return SongSpectrogram(track_id, path, root, source.content_hash, start_s, frames, source)


class CachedSegments:
    """Segments of cached spectrograms, read from memory maps (``tagger.SegmentSpectrograms``)."""

    def __init__(
        self,
        instance: Path,
        settings: SegmentSettings,
        hashes: Sequence[str],
        segments: Segments,
    ) -> None:
        self._instance, self._settings = instance, settings
        self._hashes, self._segments = hashes, segments
        self._open: OrderedDict[str, Floats] = OrderedDict()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Segments, frames, bands."""
        return len(self._segments), self._segments.frames, self._settings.bands

    def read(self, rows: Ints) -> Floats:
        """Read segments in decibels, float32 ``(len(rows), frames, bands)``, short ones padded."""
        _, frames, bands = self.shape
        result = np.empty((len(rows), frames, bands), dtype=np.float32)
        for at, row in enumerate(rows.tolist()):
            song = self._spectrogram(self._hashes[int(self._segments.song[row])])
            first = int(self._segments.first[row])
            segment = song[first : first + frames]
            result[at, : len(segment)] = segment
            if len(segment) < frames:
                result[at, len(segment) :] = song.min()
        return result

    def _spectrogram(self, content_hash: str) -> Floats:
        if content_hash in self._open:
            self._open.move_to_end(content_hash)
        else:
            key = self._settings.key
            self._open[content_hash] = feature_cache.read(
                self._instance, key, content_hash, mapped=True
            )
            while len(self._open) > OPEN_FILES:
                self._open.popitem(last=False)
        return self._open[content_hash]


@dataclass(frozen=True)
class SongTags:
    """Tags of songs: ``names``, ``matrix`` bool ``(songs, tags)``, ``has_any`` bool ``(songs,)``.

    ``has_any`` is False for songs without any tag of the source, also of tags that were left out.
    """

    names: tuple[str, ...]
    matrix: NDArray[np.bool_]
    has_any: NDArray[np.bool_]


def tags_for(instance: Instance, source: str, songs: Sequence[SongSpectrogram]) -> SongTags:
    """Return the tags of songs from one of ``SOURCES``.

    ``genre`` are the genres of the catalogue or the files, ``tags`` genres, subgenres and tags,
    ``folders`` the genre in the path of a song, else the name of its folder, ``musicnn`` the tags
    that MusiCNN predicts with a mean probability of at least 0.1 (feature set ``musicnn_tags``).
    Tags of a single song or of all songs are left out, and so are all but the 64 most common.
    Raises ``NotReady`` if no tag remains.
    """
    if source not in SOURCES:
        raise UnknownName("source of tags", source, SOURCES)
    ids = [song.track_id for song in songs]
    if source == "musicnn":
        tags = _musicnn_tags(instance, songs)
    elif source == "folders":
        tags = {song.track_id: {_folder_tag(song)} for song in songs}
    else:
        kinds = ("genre",) if source == "genre" else ("genre", "subgenre", "tag")
        tags = _catalogue_tags(instance.session, kinds, ids)
    counts: dict[str, int] = {}
    for track_id in ids:
        for name in tags.get(track_id, ()):
            counts[name] = counts.get(name, 0) + 1
    n_tagged = sum(bool(tags.get(track_id)) for track_id in ids)
    names = [name for name, count in counts.items() if MIN_SONGS_PER_TAG <= count < n_tagged]
    names.sort(key=lambda name: (-counts[name], name))
    names = names[:MAX_TAGS]
    if not names:
        raise NotReady(
            f"No tag of the source {source!r} belongs to {MIN_SONGS_PER_TAG} songs but not to all: "
            f"choose another source ({', '.join(SOURCES)}), or analyse more songs."
        )
    matrix = np.array(
        [[name in tags.get(track_id, ()) for name in names] for track_id in ids], dtype=bool
    )
    has_any = np.array([bool(tags.get(track_id)) for track_id in ids])
    return SongTags(tuple(names), matrix, has_any)


def _musicnn_tags(instance: Instance, songs: Sequence[SongSpectrogram]) -> dict[int, set[str]]:
    key = feature_sets.most_common_settings(instance.session, feature_sets.TAGS)
    names = feature_cache.columns(instance.folder, key)
    tags = {}
    for song in songs:
        if not feature_cache.missing_sets(instance.folder, [key], song.content_hash):
            probabilities = feature_cache.read(instance.folder, key, song.content_hash)
            likely = np.flatnonzero(probabilities >= MUSICNN_THRESHOLD)
            tags[song.track_id] = {names[column] for column in likely}
    return tags


def _folder_tag(song: SongSpectrogram) -> str:
    return labels_of(song.path, song.root).genre or song.path.parent.name


def _catalogue_tags(
    session: Session, kinds: Sequence[str], track_ids: list[int]
) -> dict[int, set[str]]:
    tags: dict[int, set[str]] = {}
    requested = set(track_ids)
    query = (
        select(TrackTag.track_id, Tag.name)
        .join(Tag, Tag.id == TrackTag.tag_id)
        .where(Tag.kind.in_(kinds), TrackTag.track_id.in_(select(AudioFile.track_id)))
    )
    for track_id, name in session.execute(query):
        if track_id in requested:
            tags.setdefault(track_id, set()).add(name)
    return tags
