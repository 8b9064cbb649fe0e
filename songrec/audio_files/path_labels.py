"""Labels from file paths, used where tags are missing: artist, title, genre, language."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from songrec.audio_files.ignored_names import ignored_as
from songrec.audio_files.tag_text import LONGEST, clean
from songrec.audio_files.track_numbers import counted_names, without_track_number
from songrec.core.file_names import printable
from songrec.core.languages import is_language
from songrec.core.songs import plain

# Folder names that are genres anywhere, including GTZAN's ten.
_GENRES_WORDS = """
acoustic afrobeat alternative ambient blues bluegrass classical country dance disco dub
dubstep edm electronic emo flamenco folk funk garage gospel grime grunge hiphop hip-hop house
indie industrial jazz k-pop latin lo-fi lofi metal opera pop psychedelic punk r&b rap reggae
reggaeton rnb rock rocksteady salsa samba singer-songwriter ska soul soundtrack swing synthpop
tango techno trance trap trip-hop world"""
_GENRES = frozenset(_GENRES_WORDS.split()) | {
    "bossa nova",
    "drum and bass",
    "hip hop",
    "new age",
    "trip hop",
}
_ABOVE_GENRES = frozenset({"genres", "genres_original", "genre", "by genre", "bygenre"})
_ABOVE_LANGUAGES = frozenset({"languages", "language", "by language", "bylanguage"})
# Folder names that are not labels.
_NO_LABEL_WORDS = """
audio clips data downloads files library media misc mix mixes mp3 mp3s music new other
playlist playlists singles songs sounds temp test tmp tracks train unknown unsorted upload
uploads various wav wavs"""
_NO_LABEL = frozenset(_NO_LABEL_WORDS.split())
_DISC = re.compile(r"(?:cd|disc|disk|side|vol|volume)[\s_.-]*[\da-d]{1,2}")


@dataclass(frozen=True)
class PathLabels:
    """Labels of a path; None where unknown. ``title`` is never empty."""

    title: str
    artists: str | None = None
    genre: str | None = None
    language: str | None = None


def labels_of(
    path: Path, root: Path, *, is_counted: bool = False, track: int | None = None
) -> PathLabels:
    """Read labels off ``path`` below the folder ``root``.

    The name is ``Artist - Title`` or a title, after removal of a track number
    (``without_track_number`` with ``is_counted`` and ``track``). A folder is a genre (or a
    language) if it has the name of one, if its parent is called ``genres``, ``genres_original`` or
    ``by genre`` (``languages``), or if it contains ``Artist - Title`` files and is not the root.
    """
    text = name_of(path)
    artists, title = _names(without_track_number(text, is_counted=is_counted, track=track))
    above = [root.parent.name, root.name, *path.relative_to(root).parent.parts]
    # The root and its subfolders may be labels; the root's parent only determines their kind.
    places = list(itertools.pairwise(above))
    genre = language = None
    for parent, folder in places:
        name = plain(folder.replace("_", " "))
        if plain(parent) in _ABOVE_LANGUAGES or is_language(name):
            language = name
        elif plain(parent) in _ABOVE_GENRES or name in _GENRES:
            genre = name
    if genre is None and artists and len(places) > 1:
        genre = _free_label(places[-1][1], artists, language)
    return PathLabels(
        title[: LONGEST["title"]],
        artists[: LONGEST["artists"]] if artists else None,
        genre[: LONGEST["genre"]] if genre else None,
        language,
    )


def counted_paths(paths: Iterable[Path]) -> frozenset[Path]:
    """Return the files whose names begin with a track number, judged by their folder."""
    by_folder: dict[Path, list[Path]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path)
    counted: set[Path] = set()
    for folder in by_folder.values():
        names = {path: name_of(path) for path in folder}
        with_number = counted_names(set(names.values()))
        counted |= {path for path, name in names.items() if name in with_number}
    return frozenset(counted)


def name_of(path: Path) -> str:
    """Return the name of a file as words: without its ending, underscores as spaces."""
    stem = path.stem
    return printable(clean(stem.replace("_", " ") if " " not in stem else stem))


def _names(text: str) -> tuple[str | None, str]:
    parts = re.split(r"\s+[-–—]\s+", text)
    if len(parts) >= 2 and all(part.strip() for part in parts):
        return parts[0], " - ".join(parts[1:])
    return None, text or "Untitled"


def _free_label(folder: str, artists: str, language: str | None) -> str | None:
    name = plain(folder.replace("_", " "))
    is_label = (
        name not in _NO_LABEL
        and name not in _ABOVE_GENRES | _ABOVE_LANGUAGES
        and name != language
        and name != plain(artists)
        and not re.search(r"\s[-–—]\s|\d{4}", name)  # "Artist - Album", "Album (1999)"
        and not _DISC.fullmatch(name)
        and ignored_as(folder, is_folder=True) is None
    )
    return name if is_label else None
