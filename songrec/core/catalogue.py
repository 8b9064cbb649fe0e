"""One track as a catalogue file gives it: what ingest makes and the store keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from songrec.core.artist_credits import ArtistField


@dataclass(slots=True)
class CatalogueRow:
    """One good row of a catalogue.

    ``number`` counts the file's data rows from 1. ``source_key`` says which track it is,
    ``further_keys`` are those of further ids, ``fingerprint`` digests everything the row says.
    ``fields`` are the track table's descriptive columns (``artists`` is the displayed line; where
    ``is_titled`` is False the title is a label), ``attributes`` the twelve in ``core.attributes``
    order on the canonical scale, None where unknown. ``artists`` and ``album`` are as the source
    names them, ``tags`` are (kind, name) pairs. ``playlist`` is (external id, name) or None.
    """

    number: int
    source_key: str
    fingerprint: str
    song_key: int
    fields: dict[str, Any]
    attributes: list[float | None]
    artists: ArtistField = field(default_factory=ArtistField)
    album: str | None = None
    tags: list[tuple[str, str]] = field(default_factory=list)
    lyrics: str | None = None
    playlist: tuple[str, str] | None = None
    further_keys: tuple[str, ...] = ()
    is_titled: bool = True
