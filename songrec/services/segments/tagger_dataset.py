"""The library's songs as the tagger wants them: 80-band log-mel on disk, windows, tags."""

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
from songrec.features.settings import DEFAULTS, digest
from songrec.services.features import feature_sets
from songrec.store.sound import audio_files, feature_cache
from songrec.store.sound.feature_cache import SetKey
from songrec.store.tables import AudioFile, Tag, TrackTag
from songrec.tagging.cutting import Windows, cut

SOURCES = ("musicnn", "genre", "tags", "folders")
"""Where a training's tags come from; see ``tags_of``."""
MUSICNN_FROM = 0.1
"""A tag of MusiCNN's is one of the song from this mean probability on."""
MOST_TAGS = 64
FEWEST_SONGS = 2
OPEN = 32
"""Spectrograms that are mapped at a time."""


@dataclass(frozen=True)
class Cutting:
    """How songs are cut: ``n_seconds`` long windows every ``step`` seconds of at most ``seconds``
    from the middle of a song (None: of all of it), heard at ``rate`` Hz in ``bands`` mel bands of
    ``n_fft`` samples every ``hop``.
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
        """Frames of a window."""
        return max(2, round(self.n_seconds * self.rate / self.hop))

    @property
    def key(self) -> SetKey:
        """Where the spectrograms lie in the feature cache: they are no feature set to train on."""
        settings = replace(
            DEFAULTS,
            sample_rate=self.rate,
            seconds=self.seconds,
            n_fft=self.n_fft,
            hop_length=self.hop,
            n_mels=self.bands,
        )
        return SetKey("fragment_spectrograms", 1, digest("melspectrogram", settings))

    def to_json(self) -> dict[str, Any]:
        """As a manifest keeps it."""
        return asdict(self)

    def windows(self, songs: Sequence[Song]) -> Windows:
        """The windows of these songs."""
        return cut([song.frames for song in songs], self.frames, self.step * self.rate / self.hop)

    def starts(self, songs: Sequence[Song], windows: Windows) -> Floats:
        """Where each window begins in its file, float32 ``(m,)`` seconds."""
        begin = np.array([song.start_s for song in songs])
        return (begin[windows.song] + windows.first * (self.hop / self.rate)).astype(np.float32)


@dataclass(frozen=True)
class Song:
    """A song that can be cut: its track, its file, and its spectrogram's place and length."""

    track_id: int
    path: Path
    root: Path
    content_hash: str
    start_s: float
    frames: int


def songs(
    session: Session,
    instance: Path,
    cutting: Cutting,
    on_progress: Progress = no_progress,
    *,
    minimum: int = 1,
) -> tuple[list[Song], int]:
    """The songs that can be heard, ascending by track, and how many could not be read.

    Spectrograms that are not there yet are made, each kept as soon as it is made. ``NotReady`` with
    fewer than ``minimum`` songs.
    """
    wanted = audio_files.of_tracks(session, audio_files.audible(session))
    session.commit()  # nothing stays locked while sound is read
    found, unread = [], 0
    for done, (track_id, file) in enumerate(sorted(wanted.items())):
        on_progress(done / len(wanted), f"{done} of {len(wanted)} songs cut into windows")
        try:
            found.append(_song(instance, cutting, track_id, file))
        except (BadInput, OSError):
            unread += 1  # moved or damaged since it was analysed: the next analysis says what
    if len(found) < minimum:
        raise NotReady(
            f"{len(found)} songs can be heard; segments need at least {minimum}: flask analyze DIR"
        )
    return found, unread


def spectrogram(audio: Audio, cutting: Cutting) -> Floats:
    """Log-mel of a sound, float32 ``(frames, bands)`` in decibels."""
    from songrec.features.audio.stft import Frames

    return Frames(audio, cutting.n_fft, cutting.hop).log_mel(cutting.bands).astype(np.float32)


def of_file(instance: Path, cutting: Cutting, path: Path, content_hash: str) -> tuple[float, int]:
    """Where the heard part of a file begins (s) and how many frames its spectrogram has.

    Raises ``BadInput`` or ``OSError`` for a file that cannot be read.
    """
    place = SetKey("fragment_starts", 1, cutting.key.digest)
    if feature_cache.missing_sets(instance, [cutting.key, place], content_hash):
        from songrec.audio_files.decoding import decode

        audio = decode(path, sample_rate=cutting.rate, seconds=cutting.seconds).audio
        feature_cache.write(instance, cutting.key, content_hash, spectrogram(audio, cutting))
        feature_cache.write(
            instance, place, content_hash, np.array([audio.start_s], dtype=np.float32)
        )
    picture = feature_cache.read(instance, cutting.key, content_hash, mapped=True)
    if picture.ndim != 2 or picture.shape[1] != cutting.bands:
        raise BadInput(f"The spectrogram of {content_hash[:12]}… is damaged.")
    return float(feature_cache.read(instance, place, content_hash)[0]), len(picture)


def _song(instance: Path, cutting: Cutting, track_id: int, file: AudioFile) -> Song:
    digest_of = str(file.content_hash)
    start_s, frames = of_file(instance, cutting, Path(file.path), digest_of)
    return Song(track_id, Path(file.path), Path(file.root), digest_of, start_s, frames)


class CachedWindows:
    """Windows of cached spectrograms, copied out of memory maps; ``tagging.tagger.Pictures``."""

    def __init__(
        self, instance: Path, cutting: Cutting, hashes: Sequence[str], windows: Windows
    ) -> None:
        self._instance, self._cutting = instance, cutting
        self._hashes, self._windows = hashes, windows
        self._open: OrderedDict[str, Floats] = OrderedDict()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Windows, frames, bands."""
        return len(self._windows), self._windows.frames, self._cutting.bands

    def read(self, rows: Ints) -> Floats:
        """Decibels float32 ``(len(rows), frames, bands)``; what is too short ends in silence."""
        _, frames, bands = self.shape
        pictures = np.empty((len(rows), frames, bands), dtype=np.float32)
        for at, row in enumerate(rows.tolist()):
            picture = self._picture(self._hashes[int(self._windows.song[row])])
            first = int(self._windows.first[row])
            part = picture[first : first + frames]
            pictures[at, : len(part)] = part
            if len(part) < frames:
                pictures[at, len(part) :] = picture.min()
        return pictures

    def _picture(self, content_hash: str) -> Floats:
        known = self._open.get(content_hash)
        if known is None:
            known = feature_cache.read(self._instance, self._cutting.key, content_hash, mapped=True)
            self._open[content_hash] = known
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(content_hash)
        return known


@dataclass(frozen=True)
class Labels:
    """Tags of songs: names, and bool ``(songs, tags)``; ``known`` says of which songs any."""

    names: tuple[str, ...]
    carried: NDArray[np.bool_]
    known: NDArray[np.bool_]


def tags_of(session: Session, instance: Path, source: str, found: Sequence[Song]) -> Labels:
    """The tags of songs by one of ``SOURCES``.

    ``genre`` are the catalogue's or the files' own genres, ``tags`` genres, subgenres and tags
    together, ``folders`` the genre that a song's place says, else its folder's name, ``musicnn``
    what MusiCNN hears with a mean probability of at least 0.1 (feature set ``musicnn_tags``). Tags
    of a single song or of all songs are left out, as are all but the 64 commonest. ``NotReady``
    where nothing is left.
    """
    if source not in SOURCES:
        raise UnknownName("source of tags", source, SOURCES)
    if source == "musicnn":
        carried = _heard(session, instance, found)
    elif source == "folders":
        carried = {song.track_id: {_folder(song)} for song in found}
    else:
        kinds = ("genre",) if source == "genre" else ("genre", "subgenre", "tag")
        carried = _tagged(session, kinds, [song.track_id for song in found])
    counts: dict[str, int] = {}
    for song in found:
        for name in carried.get(song.track_id, ()):
            counts[name] = counts.get(name, 0) + 1
    total = sum(bool(carried.get(song.track_id)) for song in found)
    kept = [name for name, count in counts.items() if FEWEST_SONGS <= count < total]
    kept.sort(key=lambda name: (-counts[name], name))
    kept = kept[:MOST_TAGS]
    if not kept:
        raise NotReady(
            f"No tag of the source {source!r} is carried by {FEWEST_SONGS} songs and not by all: "
            f"choose another source ({', '.join(SOURCES)}), or analyse more songs."
        )
    matrix = np.array(
        [[name in carried.get(song.track_id, ()) for name in kept] for song in found], dtype=bool
    )
    known = np.array([bool(carried.get(song.track_id)) for song in found])
    return Labels(tuple(kept), matrix, known)


def _heard(session: Session, instance: Path, found: Sequence[Song]) -> dict[int, set[str]]:
    key = feature_sets.commonest(session, feature_sets.TAGS)
    names = feature_cache.columns(instance, key)
    carried = {}
    for song in found:
        if not feature_cache.missing_sets(instance, [key], song.content_hash):
            told = feature_cache.read(instance, key, song.content_hash)
            carried[song.track_id] = {names[at] for at in np.flatnonzero(told >= MUSICNN_FROM)}
    return carried


def _folder(song: Song) -> str:
    return labels_of(song.path, song.root).genre or song.path.parent.name


def _tagged(session: Session, kinds: Sequence[str], ids: list[int]) -> dict[int, set[str]]:
    carried: dict[int, set[str]] = {}
    wanted = set(ids)
    query = (
        select(TrackTag.track_id, Tag.name)
        .join(Tag, Tag.id == TrackTag.tag_id)
        .where(Tag.kind.in_(kinds), TrackTag.track_id.in_(select(AudioFile.track_id)))
    )
    for track_id, name in session.execute(query):
        if track_id in wanted:
            carried.setdefault(track_id, set()).add(name)
    return carried
