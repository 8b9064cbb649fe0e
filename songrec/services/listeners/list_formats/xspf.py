"""XSPF (https://xspf.org), read element by element so that a broken file keeps its beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats.entries import SongList
from songrec.services.listeners.list_formats.jspf import add_track
from songrec.services.listeners.list_formats.locations import as_path, unescaped

_BARE_AMPERSAND = re.compile(r"&(?!(?:[a-zA-Z]\w*|#\d+|#x[0-9a-fA-F]+);)")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_PIECE = 1 << 16
_REPEATED = frozenset({"location", "identifier"})


def read_xspf(text: str, name: str) -> SongList:
    """Read an XSPF document; of a truncated one the tracks before its end."""
    result = SongList("XSPF")
    title = annotation = None
    tracks: list[dict[str, Any]] = []
    broken = ""
    path: list[str] = []
    try:
        for event, element in _events(text):
            tag = _local(element)
            if event == "start":
                path.append(tag)
                continue
            path.pop()
            if tag == "track":
                tracks.append(_track(element))
                element.clear()
            elif path == ["playlist"] and tag == "title":
                title = element.text
            elif path == ["playlist"] and tag == "annotation":
                annotation = element.text
    except ParseError as error:
        broken = str(error)
        if not tracks:
            raise BadInput(f"This XSPF is not valid XML: {broken}.") from None
    playlist = result.start_playlist(title or name, annotation)
    for line, track in enumerate(tracks, 1):
        add_track(result, line, playlist, track)
    if broken:
        result.refuse(len(tracks) + 1, f"breaks the XML off ({broken}); what follows is not read")
    return result


def check_xml(text: str) -> None:
    """Raise ``BadInput`` for XML that declares entities, which can expand without bounds."""
    if "<!ENTITY" in text:
        raise BadInput("This XML declares entities, so it is not read.")


def repaired(text: str) -> str:
    """Return XML text without forbidden characters, and with bare ampersands escaped."""
    return _BARE_AMPERSAND.sub("&amp;", _FORBIDDEN.sub("", text))


def without_declaration(text: str) -> str:
    """Return XML without its declaration, whose encoding does not apply to decoded text."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)


def _events(text: str) -> Iterator[tuple[str, Element]]:
    parser = XMLPullParser(("start", "end"))
    body = without_declaration(repaired(text))
    for start in range(0, len(body), _PIECE):
        parser.feed(body[start : start + _PIECE])
        yield from parser.read_events()
    parser.close()
    yield from parser.read_events()


def _track(element: Element) -> dict[str, Any]:
    track: dict[str, Any] = {}
    for child in element:
        tag, text = _local(child), (child.text or "").strip()
        if tag in _REPEATED:
            # Locations are URLs: percent escapes in a relative one are not part of the file name.
            location = unescaped(text) if tag == "location" and as_path(text) == text else text
            track.setdefault(tag, []).append(location)
        elif text:
            track.setdefault(tag, text)
    return track


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]
