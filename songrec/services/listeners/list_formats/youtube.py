"""YouTube Music in Google Takeout: the watch history (JSON or HTML), playlists of video ids.

Playlists contain only ids of videos, whose names come from the history or library in the same
export (``entries.fill_names``).
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.entries import (
    VIDEO,
    SongList,
    fields,
    one_line,
    rows,
)

SOURCE = "youtube"
MUSIC = "YouTube Music"
PLAYLIST = "YouTube Music playlist"
# Takeout writes the title in the language of the account.
_WATCHED = re.compile(
    r"^(?:Watched|Ha visto|Has visto|Vous avez regardé|Hai guardato|Você assistiu a|Bekeken:?|"
    r"Просмотрено видео|Obejrzano:?|Du tittade på|Zobacz)\s+"
    r"|\s+(?:angesehen|を視聴しました|bekeken|을\(를\) 시청했습니다\.?|izlendi)$"
)
_QUOTED = re.compile(r"^[„“”\"«‹「](.+)[“”\"»›」]$")
_TOPIC = re.compile(r"\s+[-–]\s+(?:Topic|Thema|Tema|Thème|Argomento|Tópico|Temat|Onderwerp|Ämne)$")
_VIDEO_ID = re.compile(r"[\w-]{11}")
_HEADER = re.compile(r"header-cell[^>]*>\s*<p[^>]*>(.*?)(?:<br\s*/?>)?\s*</p>", re.DOTALL)
_CONTENT = re.compile(r"content-cell[^>]*body-1[^>]*>(.*?)</div>", re.DOTALL)
_LINK = re.compile(r"<a\s[^>]*href=\"([^\"]*)\"[^>]*>(.*?)</a>", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>")
_CELL = '<div class="outer-cell'
_ZONE = re.compile(r"\s+(?:(?:GMT|UTC)?([+-]\d{1,2}:?\d{0,2})|([A-ZА-Я]{2,5}))$")
_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1,
    "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "JST": 9, "KST": 9, "AEST": 10,
    "AEDT": 11, "NZST": 12, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7, "BRT": -3, "ART": -3,
    "МСК": 3, "TRT": 3,
}  # fmt: skip


def read_object(document: dict[str, Any], name: str) -> SongList | None:
    """Read a single entry; None for another format."""
    return read_rows([(1, document)], name) if has_row(document) else None


def has_row(row: dict[str, Any]) -> bool:
    """Return whether ``row`` is an entry of a watch history."""
    return "header" in row and "title" in row and ("titleUrl" in row or "products" in row)


def read_rows(numbered: list[tuple[int, Any]], name: str) -> SongList:
    """Read the entries of YouTube Music; other videos are passed over."""
    result = SongList("YouTube Music history")
    for number, row in numbered:
        if not isinstance(row, dict):
            result.refuse(number, "is not a JSON object")
            continue
        channel = fields(next(iter(rows(row.get("subtitles"))), None)).get("name")
        _add(
            result,
            number,
            str(row.get("header") or ""),
            str(row.get("title") or ""),
            channel if isinstance(channel, str) else "",
            str(row.get("titleUrl") or ""),
            row.get("time"),
        )
    return result


def looks_like_history(text: str) -> bool:
    """Return whether an HTML page is a history of Takeout."""
    return _CELL in text and "content-cell" in text


def read_html(text: str) -> SongList:
    """Read ``watch-history.html``, Takeout's default format."""
    result = SongList("YouTube Music history")
    for number, cell in enumerate(text.split(_CELL)[1:], 1):
        header, content = _HEADER.search(cell), _CONTENT.search(cell)
        if header is None or content is None:
            continue
        lines = _BREAK.split(content[1])
        links = _LINK.findall(content[1])
        address, title = links[0] if links else ("", _plain(lines[0]))
        channel = _plain(links[1][1]) if len(links) > 1 else ""
        times = [line for line in map(_plain, lines) if line]
        _add(
            result,
            number,
            _plain(header[1]),
            _plain(title),
            channel,
            html.unescape(address),
            _with_offset(times[-1] if times else "", result),
        )
    if not result.entries and not result.passed_over and not result.refused:
        raise BadInput("This page of Google Takeout holds no history.")
    return result


def read_playlist(numbered: list[tuple[int, list[str]]], name: str) -> SongList:
    """Read a playlist's rows of video ids."""
    result = SongList(PLAYLIST)
    ids = [(line, row[0].strip()) for line, row in numbered if row]
    videos = [(line, id_) for line, id_ in ids if _VIDEO_ID.fullmatch(id_)]
    name = re.sub(r"-videos(?:\(\d+\))?$", "", name)
    is_liked = name.casefold().startswith("liked")
    listed = -1 if is_liked else result.start_playlist(name)
    for line, id_ in videos:
        kind = "like" if is_liked else "playlist"
        result.add(line, kind, ids=[VIDEO + id_], playlist=listed)
    return result


def video_id(address: str) -> str:
    """Return ``youtube:ID`` for the address or the id of a video; empty for others."""
    text = address.strip()
    if not _VIDEO_ID.fullmatch(text):
        text = next(iter(parse_qs(urlsplit(text).query).get("v", [])), "")
    return f"{VIDEO}{text}" if _VIDEO_ID.fullmatch(text) else ""


def _add(
    result: SongList,
    number: int,
    header: str,
    title: str,
    channel: str,
    address: str,
    time: Any,
) -> None:
    if header != MUSIC:
        result.pass_over("videos outside YouTube Music")
        return
    played_at = moment(time)
    if played_at is None:
        result.refuse(number, "has no readable time")
        return
    name = _WATCHED.sub("", one_line(title))
    quoted = _QUOTED.match(name) if name != one_line(title) else None
    result.add(
        number,
        "play",
        ids=[video_id(address)],
        title=quoted[1] if quoted else name,
        artists=_TOPIC.sub("", one_line(channel)),
        played_at=played_at,
        source=SOURCE,
    )


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def _with_offset(text: str, result: SongList) -> str:
    """Return a time with its zone as an offset; an unknown one is read as UTC, with a note."""
    text = text.replace("\u202f", " ")
    zone = _ZONE.search(text)
    if zone is None or zone[2] in ("AM", "PM"):
        return text
    local = moment(text[: zone.start()])
    if local is None:
        return text
    hours = _HOURS.get(zone[2] or "")
    if zone[1]:
        hour, _, minute = zone[1].partition(":")
        hours = int(hour) + (int(minute or 0) / 60) * (-1 if hour.startswith("-") else 1)
    if hours is None:
        result.note(f"The time zone {zone[2]} is not known; its times were read as UTC.")
        hours = 0
    return str(local.timestamp() - 3600 * hours)
