"""The watch history of YouTube Music in Google Takeout (JSON)."""

from __future__ import annotations

import re
from typing import Any

from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import SongList, fields, one_line, rows

SOURCE = "youtube"
# Takeout writes the title in the language of the account.
_WATCHED = re.compile(
    r"^(?:Watched|Ha visto|Has visto|Vous avez regardé|Hai guardato|Você assistiu a|Bekeken:?|"
    r"Просмотрено видео)\s+|\s+(?:angesehen|を視聴しました|bekeken)$"
)
_TOPIC = re.compile(r"\s+-\s+(?:Topic|Thema|Tema|Thème|Argomento|Tópico)$")


def read_object(document: dict[str, Any], name: str) -> SongList | None:
    """Read a single entry; None for another format."""
    return read_rows([(1, document)], name) if has_row(document) else None


def has_row(row: dict[str, Any]) -> bool:
    """Whether ``row`` is an entry of a watch history."""
    return "header" in row and "title" in row and ("titleUrl" in row or "products" in row)


def read_rows(numbered: list[tuple[int, Any]], name: str) -> SongList:
    """Read the entries of YouTube Music; other videos are passed over."""
    result = SongList("YouTube Music history")
    for number, row in numbered:
        if not isinstance(row, dict):
            result.refuse(number, "is not a JSON object")
            continue
        if row.get("header") != "YouTube Music":
            result.pass_over("videos outside YouTube Music")
            continue
        played_at = moment(row.get("time"))
        if played_at is None:
            result.refuse(number, "has no readable time")
            continue
        channel = fields(next(iter(rows(row.get("subtitles"))), None)).get("name")
        result.add(
            number,
            "play",
            title=_WATCHED.sub("", one_line(str(row.get("title") or ""))),
            artists=_TOPIC.sub("", one_line(channel)) if isinstance(channel, str) else None,
            played_at=played_at,
            source=SOURCE,
        )
    return result
