"""Import of AudioMuse-AI's analysis, so that songs are not analysed twice.

``/api/sync`` returns it in pages: names, tempo, key, energy, moods and 200 values of MusiCNN. They
become the feature sets ``audiomuse`` and ``audiomuse_moods``; tempo, key and mode also fill in
unknown values of tracks.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from sqlalchemy import bindparam, update

from songrec.core.errors import BadInput, NotReady
from songrec.core.outgoing import OriginSession, read_json
from songrec.core.server_urls import names_private_address, normalise_url
from songrec.core.texts import storable
from songrec.core.types import Progress, no_progress
from songrec.features.imported import MOODS, AudioMuse, AudioMuseMoods
from songrec.services.audiomuse.remote_songs import find_or_create_server, store_songs
from songrec.services.catalogue import duplicate_search
from songrec.services.library.after_import import refresh_derived
from songrec.services.servers.client import RemoteSong
from songrec.services.servers.matching import SongMatcher
from songrec.services.servers.pages import ListedIds
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.servers import music_servers
from songrec.store.sound import imported_features
from songrec.store.tables import MusicServer, Track, TrackAttributes

PAGE = 500
"""Songs per page, the limit of AudioMuse-AI."""
STATE = "audiomuse"
"""Key in ``MusicServer.scan`` of the position of an unfinished import."""
VECTORS, FIGURES = "audiomuse", "audiomuse_moods"
LONGEST_TEXT = 500
TEMPO = (20.0, 400.0)
_KEYS = {
    name: at
    for at, names in enumerate(
        ("C", "C# Db", "D", "D# Eb", "E", "F", "F# Gb", "G", "G# Ab", "A", "A# Bb", "B")
    )
    for name in names.split()
}
_MODES = {"major": 1, "minor": 0}
_COLUMNS = AudioMuseMoods().names()
_WIDTH = len(AudioMuse().names())


@dataclass
class ImportReport:
    """Outcome of an import, in numbers of songs.

    ``read`` were received; ``matched`` are tracks of the library, ``new_tracks`` of them new ones;
    ``vectors`` and ``figures`` were stored, ``unchanged`` were imported before, ``refused`` had
    invalid values.
    """

    server: str
    read: int = 0
    matched: int = 0
    new_tracks: int = 0
    vectors: int = 0
    figures: int = 0
    unchanged: int = 0
    refused: int = 0
    filled: int = 0
    was_resumed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask servers import-audiomuse --json``."""
        return asdict(self)

    @property
    def text(self) -> str:
        """The report as a sentence."""
        parts = [
            f"{self.read:,} songs read, {self.matched:,} of them in the library "
            f"({self.new_tracks:,} new)",
            f"{self.vectors:,} vectors and {self.figures:,} sets of figures stored",
        ]
        if self.unchanged:
            parts.append(f"{self.unchanged:,} had not changed")
        if self.refused:
            parts.append(f"{self.refused:,} had invalid values")
        if self.filled:
            parts.append(f"tempo, key or mode filled in for {self.filled:,}")
        return f"{self.server}: {'; '.join(parts)}."


@dataclass(frozen=True, slots=True)
class AnalysedSong:
    """A song of AudioMuse-AI: names, and the valid values of its analysis, encoded for storage."""

    song: RemoteSong
    mark: str
    vector: str | None
    figures: str | None
    tempo: float | None
    key: int | None
    mode: int | None


def import_analysis(
    instance: Instance,
    url: str,
    *,
    token: str = "",
    server: str = "",
    name: str = "",
    allows_private: bool = False,
    on_progress: Progress = no_progress,
) -> ImportReport:
    """Import all songs that the AudioMuse-AI at ``url`` has analysed. **Commits** after each page.

    An interrupted import continues at its page.

    Parameters
    ----------
    server
        Name of the connected music server whose ids AudioMuse-AI uses. By default a server that
        only stores ids is created (``name``, by default its kind).

    Raises
    ------
    NotReady
        If AudioMuse-AI cannot be reached, refuses the token, or sends an unexpected answer.
    BadInput
        If the address is invalid.
    """
    url = normalise_url(url)
    client = _Client(url, token, allows_private or names_private_address(url))
    first = client.page(1)
    session = instance.session
    if server:
        row = music_servers.find(session, server)
    else:
        kind = first.provider or "audiomuse"
        row = find_or_create_server(session, name or kind.capitalize(), url, kind)
    state = dict((row.scan or {}).get(STATE) or {})
    report = ImportReport(row.name)
    number = _resume(report, state) if state.get("url") == url else 1
    newest = int(state.get("newest") or duplicate_search.newest_id(session))
    matcher = SongMatcher(session, row)
    source = f"AudioMuse-AI at {urlsplit(url).netloc}"[:200]
    listed = ListedIds(row.name)
    while True:
        page = first if number == 1 else client.page(number)
        if page.has_more:
            listed.require_new(one.song.id for one in page.songs)
        _store(instance, row, matcher, page, source, report)
        counts = {key: value for key, value in asdict(report).items() if isinstance(value, int)}
        state = {"url": url, "page": number + 1, "newest": newest, "counts": counts}
        row.scan = {**(row.scan or {}), STATE: state}
        session.commit()
        share = min(report.read / max(page.total, 1), 1.0)
        on_progress(0.9 * share, f"{report.read:,} of {page.total:,} songs read")
        if not page.has_more:
            break
        number += 1
    row.scan = {key: value for key, value in row.scan.items() if key != STATE}
    row.scanned_at = row.scanned_at or now()
    session.commit()
    if report.new_tracks:
        refresh_derived(instance, newest)
    on_progress(1.0, report.text)
    return report


def _resume(report: ImportReport, state: Mapping[str, Any]) -> int:
    """Restore the counts of an interrupted import; return the number of its next page."""
    for each in fields(ImportReport):
        if isinstance(getattr(report, each.name), int) and each.name != "was_resumed":
            setattr(report, each.name, int(state["counts"].get(each.name, 0)))
    number = int(state["page"])
    report.was_resumed = number > 1
    return number


@dataclass(frozen=True, slots=True)
class _Page:
    songs: list[AnalysedSong]
    read: int
    refused: int
    total: int
    provider: str
    has_more: bool


class _Client:
    """Client of one AudioMuse-AI."""

    def __init__(self, url: str, token: str, allows_private: bool) -> None:
        if "\r" in token or "\n" in token:
            raise BadInput("The token must be a single line.")
        self._session = OriginSession(url, allows_private=allows_private)
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def page(self, number: int) -> _Page:
        """Return a page; ``NotReady`` with advice if that fails."""
        response = self._session.request("GET", "api/sync", params={"page": number, "limit": PAGE})
        where = urlsplit(response.url).netloc
        if response.status_code in (401, 403):
            raise NotReady(
                f"{where} refuses the token: make one in AudioMuse-AI, under Administration, and "
                "give it with --token."
            )
        if response.status_code == 404:
            raise NotReady(
                f"{where} has no /api/sync: is it AudioMuse-AI, with its path, and up to date?"
            )
        if response.status_code != 200:
            raise NotReady(
                f"{where} answers page {number} with an error of its own "
                f"({response.status_code}); run the import again, it goes on there."
            )
        return _read_page(read_json(response), where)


def _read_page(answer: Any, where: str) -> _Page:
    if not isinstance(answer, dict) or not isinstance(answer.get("tracks"), list):
        raise NotReady(f"{where} does not answer as AudioMuse-AI does: is this its address?")
    listed = answer["tracks"][:PAGE]
    songs = [song for each in listed if (song := read_song(each)) is not None]
    total = answer.get("total_tracks")
    provider = answer.get("provider_type")
    return _Page(
        songs,
        len(listed),
        len(listed) - len(songs),
        total if isinstance(total, int) and not isinstance(total, bool) else 0,
        provider[:20].lower() if isinstance(provider, str) and provider.isalnum() else "",
        answer.get("has_more") is True,
    )


def read_song(item: Any) -> AnalysedSong | None:
    """Parse a song, without its invalid values; None without an id or a name."""
    if not isinstance(item, dict):
        return None
    id_, title = _text(item.get("id"))[:200], _text(item.get("title"))
    if not id_ or not title:
        return None
    year = item.get("year")
    is_year = isinstance(year, int) and not isinstance(year, bool) and 1000 <= year <= 2200
    song = RemoteSong(
        id=id_,
        title=title,
        artist_line=_text(item.get("artist")) or _text(item.get("album_artist")),
        album=_text(item.get("album")),
        year=year if is_year else None,
    )
    tempo = _number(item.get("tempo"), *TEMPO)
    key = _KEYS.get(_text(item.get("key")))
    return AnalysedSong(
        song,
        _text(item.get("fp"))[:32],
        _vector(item.get("embedding")),
        _figures(item),
        tempo,
        key,
        _MODES.get(_text(item.get("scale")).lower()) if key is not None else None,
    )


def _vector(value: Any) -> str | None:
    """Return MusiCNN's values if they are 200 finite float32 numbers, not all equal."""
    if not isinstance(value, str) or len(value) > 2 * 4 * _WIDTH:
        return None
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 4 * _WIDTH:
        return None
    values = np.frombuffer(raw, dtype="<f4")
    if not np.isfinite(values).all() or np.ptp(values) == 0 or np.abs(values).max() > 1e6:
        return None
    return imported_features.encode(values)


def _figures(item: Mapping[str, Any]) -> str | None:
    """Return energy, moods and tags; None without any of them."""
    energy = _number(item.get("energy"), 0.0, 1.0)
    moods, tags = _scores(item.get("other_features")), _scores(item.get("mood_vector"))
    if energy is None and not moods and not tags:
        return None
    unnamed = AudioMuseMoods.UNNAMED
    values = {"energy": math.nan if energy is None else energy}
    values |= {name: moods.get(name, math.nan) for name in MOODS}
    values |= {f"tag {name}": score for name, score in tags.items()}
    row = [values.get(name, unnamed if tags else math.nan) for name in _COLUMNS]
    return imported_features.encode(np.array(row, dtype=np.float32))


def _scores(value: Any) -> dict[str, float]:
    """Parse ``name:0.51,other name:0.2``, without values that are not from 0 to 1."""
    scores = {}
    for part in value.split(",") if isinstance(value, str) and len(value) <= 4_000 else ():
        name, colon, figure = part.rpartition(":")
        score = _number(figure, 0.0, 1.0) if colon else None
        if score is not None:
            scores[name.strip()] = score
    return scores


def _number(value: Any, low: float, high: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if low <= number <= high else None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return " ".join(storable(value).split())[:LONGEST_TEXT]


def _store(
    instance: Instance,
    server: MusicServer,
    matcher: SongMatcher,
    page: _Page,
    source: str,
    report: ImportReport,
) -> None:
    session = instance.session
    songs = {one.song.id: one for one in page.songs}
    tracks, n_new = store_songs(session, server, matcher, [one.song for one in songs.values()])
    of_track = {track_id: songs[id_] for id_, track_id in tracks.items() if id_ in songs}
    report.read += page.read
    report.matched += len(tracks)
    report.new_tracks += n_new
    report.refused += page.refused
    stored_marks = imported_features.marks(session, VECTORS, of_track)
    changed = {
        track_id: one
        for track_id, one in of_track.items()
        if not one.mark or stored_marks.get(track_id) != one.mark
    }
    report.unchanged += len(of_track) - len(changed)
    marks = {track_id: one.mark for track_id, one in changed.items()}
    vectors = {i: one.vector for i, one in changed.items() if one.vector is not None}
    figures = {i: one.figures for i, one in changed.items() if one.figures is not None}
    report.refused += sum(one.vector is None for one in changed.values())
    imported_features.write(session, VECTORS, vectors, source=source, marks=marks)
    imported_features.write(session, FIGURES, figures, source=source, marks=marks)
    report.vectors += len(vectors)
    report.figures += len(figures)
    report.filled += _fill_in(instance, changed)


def _fill_in(instance: Instance, songs: Mapping[int, AnalysedSong]) -> int:
    """Fill in unknown tempo, key and mode; return the number of changed tracks."""
    connection = instance.session.connection()
    moment = now()
    track, attributes = Track.__table__, TrackAttributes.__table__
    keyed: Sequence[dict[str, Any]] = [
        {"row_id": i, "key_": one.key, "mode_": one.mode, "at": moment}
        for i, one in songs.items()
        if one.key is not None
    ]
    timed = [{"row_id": i, "tempo_": one.tempo} for i, one in songs.items() if one.tempo]
    filled = 0
    if keyed:
        filled = connection.execute(
            update(track)
            .where(track.c.id == bindparam("row_id"), track.c.key.is_(None))
            .values(key=bindparam("key_"), mode=bindparam("mode_"), updated_at=bindparam("at")),
            keyed,
        ).rowcount
    if timed:
        result = connection.execute(
            update(attributes)
            .where(attributes.c.track_id == bindparam("row_id"), attributes.c.tempo.is_(None))
            .values(tempo=bindparam("tempo_")),
            timed,
        )
        filled = max(filled, result.rowcount)
    return max(filled, 0)
