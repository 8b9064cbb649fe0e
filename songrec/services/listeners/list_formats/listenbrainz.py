"""ListenBrainz: listens are plays, feedback is likes (1) and dislikes (-1)."""

from __future__ import annotations

from typing import Any

from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import SongList, fields, rows

SOURCE = "listenbrainz"
_FEEDBACK, _LISTENS = "ListenBrainz", "ListenBrainz listens"


def read_object(document: dict[str, Any], name: str) -> SongList | None:
    """Read a response of the API, or a single row; None for another format."""
    payload = fields(document.get("payload")) or document
    for key in ("listens", "feedback"):
        if isinstance(payload.get(key), list):
            return read_rows(list(enumerate(payload[key], 1)), name)
    if {"recording_mbid", "recording_msid", "listened_at"} & set(document):
        return read_rows([(1, document)], name)
    return None


def has_row(row: dict[str, Any]) -> bool:
    """Return whether ``row`` is a listen or feedback."""
    return bool({"listened_at", "recording_mbid", "recording_msid", "score"} & set(row))


def read_rows(numbered: list[tuple[int, Any]], name: str) -> SongList:
    """Read listens and feedback; a row with ``listened_at`` is a listen."""
    listens = any("listened_at" in fields(row) for _, row in numbered)
    result = SongList(_LISTENS if listens else _FEEDBACK)
    for number, row in numbered:
        if not isinstance(row, dict):
            result.refuse(number, "is not a JSON object")
        elif "pinned_until" in row:
            result.pass_over("pinned recordings")
        elif "listened_at" in row:
            _add_listen(result, number, row)
        else:
            _add_feedback(result, number, row)
    return result


def _add_listen(result: SongList, number: int, row: dict[str, Any]) -> None:
    if row.get("playing_now") is True:
        result.pass_over("songs that were playing at that moment")
        return
    played_at = moment(row["listened_at"])
    if played_at is None:
        result.refuse(number, "has no readable time")
        return
    metadata = fields(row.get("track_metadata"))
    result.add(
        number,
        "play",
        ids=_ids(row, metadata),
        title=metadata.get("track_name"),
        artists=metadata.get("artist_name"),
        album=metadata.get("release_name"),
        played_at=played_at,
        source=SOURCE,
    )


def _add_feedback(result: SongList, number: int, row: dict[str, Any]) -> None:
    score = row.get("score", 1)
    if score not in (1, -1):
        result.refuse(number, "has a score other than love and hate")
        return
    metadata = fields(row.get("track_metadata"))
    result.add(
        number,
        "like" if score == 1 else "dislike",
        ids=_ids(row, metadata),
        title=metadata.get("track_name"),
        artists=metadata.get("artist_name"),
        album=metadata.get("release_name"),
    )


def _ids(row: dict[str, Any], metadata: dict[str, Any]) -> list[Any]:
    more = fields(metadata.get("additional_info"))
    mapping = fields(metadata.get("mbid_mapping"))
    origin = more.get("origin_url")
    return [
        more.get("spotify_id"),
        more.get("isrc"),
        *rows(more.get("isrcs")),
        mapping.get("recording_mbid"),
        more.get("recording_mbid"),
        row.get("recording_mbid"),
        origin if isinstance(origin, str) and "spotify.com/track" in origin else None,
        row.get("recording_msid"),
        metadata.get("recording_msid"),
    ]
