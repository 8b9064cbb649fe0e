"""Lyrics of a song for apps, with the times of lines, if known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.audio_files import lyrics_text
from songrec.core import config
from songrec.core.errors import SongrecError
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Lyrics, TrackWords

LIMITS = Limits(seconds=10.0, memory_bytes=2**29)
UNKNOWN = "und"
"""ISO 639 code of an unknown language."""
_CODES = {
    "arabic": "ar",
    "chinese": "zh",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hebrew": "he",
    "hindi": "hi",
    "hungarian": "hu",
    "indonesian": "id",
    "irish": "ga",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "norwegian": "no",
    "polish": "pl",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "turkish": "tr",
    "ukrainian": "uk",
    "welsh": "cy",
}


@dataclass(frozen=True, slots=True)
class LyricsLine:
    """A line, and when it is sung in milliseconds; None in lyrics without times."""

    words: str
    start_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SongLyrics:
    """The lines of a song's lyrics and their language by ISO 639."""

    lines: tuple[LyricsLine, ...]
    is_timed: bool
    language: str

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(line.words for line in self.lines)


def song_lyrics(session: Session, track_id: int, *, timed: bool = True) -> SongLyrics | None:
    """Return the lyrics of a track, None without any.

    With ``timed`` the times are read from the .lrc file beside the sound or from its tags; the
    catalogue only stores the words.
    """
    row = session.execute(
        select(Lyrics.text, TrackWords.language)
        .outerjoin(TrackWords, TrackWords.track_id == Lyrics.track_id)
        .where(Lyrics.track_id == track_id)
    ).first()
    text, name = row or ("", None)
    language = _CODES.get(name or "", UNKNOWN)
    file = audio_files.for_track(session, track_id) if timed else None
    if file is not None and not file.part:
        session.commit()  # nothing stays locked while the file is read
        if lines := _timed_lines(file, bool(text)):
            return SongLyrics(lines, True, language)
    lines = tuple(LyricsLine(line.rstrip()) for line in text.strip().splitlines())
    return SongLyrics(lines, False, language) if lines else None


def _timed_lines(file: AudioFile, has_words: bool) -> tuple[LyricsLine, ...]:
    path = Path(file.path)
    beside = lyrics_text.read_timed_beside(path, config.tag_encoding())
    if beside and (lines := lyrics_text.timed_lines(beside)):
        return tuple(LyricsLine(line.words, line.start_ms) for line in lines)
    # Words in the tags are also in the catalogue.
    if not has_words:
        return ()
    return _lines_in_tags(str(path), file.modified_ns)


@lru_cache(maxsize=256)
def _lines_in_tags(path: str, modified_ns: int) -> tuple[LyricsLine, ...]:
    try:
        with IsolatedProcess() as process:  # web processes keep no child
            lines = process.call(_read_lines, path, config.tag_encoding(), limits=LIMITS)
    except SongrecError:
        return ()
    return tuple(LyricsLine(words, start_ms) for start_ms, words in lines)


def _read_lines(path: str, code_page: str | None) -> list[tuple[int, str]]:
    from songrec.audio_files.tags import read_timed_lyrics

    return [(line.start_ms, line.words) for line in read_timed_lyrics(Path(path), code_page)]
