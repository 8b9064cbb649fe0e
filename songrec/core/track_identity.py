"""Keys that say which track a row, a list entry or an address means.

An id is known by what it looks like: a Spotify id, a MusicBrainz id (MBID) and an ISRC name the
same recording in every file; any other id ("1", "fx0042") names a track only within the catalogue
that it comes from. A row without ids is known by its names (``songs.names_key``), a row without
names by its values. The place of a row in its file identifies nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.songs import plain

MAX_KEY_LENGTH = 80
SPOTIFY, MUSICBRAINZ, ISRC = "spotify", "mbid", "isrc"
RECORDING_NAMESPACES = (SPOTIFY, MUSICBRAINZ, ISRC)
"""Namespaces whose ids mean the same in every file."""
CATALOGUE_ID, NAMES, VALUES = "id", "song", "values"
"""First parts of the keys of the other rows."""

MIN_VALUES = 6
"""Number of known attributes from which values alone identify a row in any catalogue."""

_FORMS = (
    (
        SPOTIFY,
        re.compile(
            r"(?:spotify:track:"
            r"|(?:https?://)?(?:open|play)\.spotify\.com/(?:intl-[a-z-]+/)?(?:embed/)?track/"
            r"|(?:https?://)?api\.spotify\.com/v1/(?:tracks|audio-features|audio-analysis)/)?"
            r"([0-9A-Za-z]{22})(?:[?#/].*)?"
        ),
    ),
    (
        MUSICBRAINZ,
        re.compile(
            r"(?:mbid:|urn:uuid:"
            r"|(?:https?://)?(?:[a-z]+\.)?musicbrainz\.org/(?:ws/2/)?(?:recording|track)/)?"
            r"([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})(?:[?#/].*)?"
        ),
    ),
    # Without a prefix only in capitals: "fx0001234567" may be anything.
    (ISRC, re.compile(r"([A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5})")),
    (ISRC, re.compile(r"(?i:(?:urn:)?isrc[: ]\s*([A-Z]{2}-?[A-Z0-9]{3}-?\d{2}-?\d{5}))")),
)
_WHOLE = re.compile(r"^(\d+)\.0+$")
_LOCAL_FILE = "spotify:local:"
_LABEL = re.compile(r"track \d+")
# What a recording sounds like; popularity changes from day to day.
_LASTING = tuple(
    at for at, name in enumerate(ATTRIBUTE_NAMES) if name not in ("popularity", "explicit")
)


def recording_key(text: str) -> str | None:
    """Return ``spotify:…``, ``mbid:…`` or ``isrc:…`` for an id of that form, else None.

    Bare ids, URIs and addresses of one recording have one key.
    """
    text = text.strip()
    if len(text) == 22 and text.isascii() and text.isalnum():
        return f"{SPOTIFY}:{text}"  # what most rows of most files have
    for namespace, form in _FORMS:
        match = form.fullmatch(text)
        if match:
            value = match[1]
            if namespace == MUSICBRAINZ:
                value = value.lower()
            elif namespace == ISRC:
                value = value.replace("-", "").upper()
            return f"{namespace}:{value}"
    return None


def recording_id(key: str) -> str | None:
    """Return the id in a key of ``RECORDING_NAMESPACES``; None for other keys."""
    kind, _, value = key.partition(":")
    return value if kind in RECORDING_NAMESPACES else None


def catalogue_key(catalogue: str, text: str) -> str:
    """Return the key of an id that is a catalogue's own."""
    return shorten_key(f"{catalogue_namespace(catalogue)}:{plain_id(text)}")


def plain_id(text: str) -> str:
    """Return an id without what a table program appends to whole numbers: "7.0" is "7"."""
    return _WHOLE.sub(r"\1", text.strip())


def catalogue_namespace(catalogue: str) -> str:
    """Return what the keys of a catalogue's own ids begin with, without the last colon."""
    return f"{CATALOGUE_ID}:{catalogue if len(catalogue) <= 50 else digest(catalogue)}"


def id_key(text: str | None, catalogue: str) -> str | None:
    """Return the key of an id of ``catalogue``; None for an empty one and for a local file's."""
    if not text or text.startswith(_LOCAL_FILE):
        return None
    return recording_key(text) or catalogue_key(catalogue, text)


def namespace_of(key: str) -> str | None:
    """Return the namespace of an id's key (``spotify``, ``id:songs``); None for other keys.

    A track has one id per namespace at most.
    """
    kind = key.partition(":")[0]
    return key.rpartition(":")[0] if kind in (*RECORDING_NAMESPACES, CATALOGUE_ID) else None


def key_kind(key: str) -> str:
    """Return what a key identifies by: ``spotify``, ``mbid``, ``isrc``, ``id``, ``names``, …"""
    kind = key.partition(":")[0]
    return "names" if kind == NAMES else kind


def values_key(
    values: Sequence[float | None], *, title: str = "", artists: str = "", scope: str = ""
) -> str:
    """Return the key of a row without a complete name: a digest of what it says.

    Parameters
    ----------
    values
        The attributes in the order of ``core.attributes``. Six significant digits count, so that
        a rescaled or re-encoded file has the same keys.
    title, artists
        The half of the name that the row has.
    scope
        Further text for rows with fewer than ``MIN_VALUES`` values.
    """
    lasting = [values[at] for at in _LASTING]
    numbers = ["" if v is None or v != v else f"{v + 0.0:.6g}" for v in lasting]
    title = "" if is_label(title) else plain(title)
    text = "\x1f".join((*numbers, title, plain(artists), scope))
    return f"{VALUES}:{digest(text)}"


def same_values(
    one: Sequence[float | None], other: Sequence[float | None], share: float = 0.5
) -> bool | None:
    """Return whether a ``share`` of the attributes that both know are equal.

    None if they share fewer than ``MIN_VALUES``. What changes from day to day does not count.
    """
    pairs = [(one[at], other[at]) for at in _LASTING]
    present = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(present) < MIN_VALUES:
        return None
    return sum(f"{a:.6g}" == f"{b:.6g}" for a, b in present) >= share * len(present)


def count_values(values: Sequence[float | None]) -> int:
    """Count the values that ``values_key`` would use."""
    return sum(values[at] is not None and values[at] == values[at] for at in _LASTING)


def repeated_key(key: str, count: int) -> str:
    """Return the key of the ``count``-th row of a file with the same values."""
    return key if count == 1 else f"{key}:{count}"


def is_label(title: str) -> bool:
    """Return whether a title is only a number's label ("Track 7"), not a name."""
    return _LABEL.fullmatch(plain(title)) is not None


def shorten_key(key: str) -> str:
    """Replace a key longer than ``MAX_KEY_LENGTH`` by a digest."""
    return key if len(key) <= MAX_KEY_LENGTH else f"{CATALOGUE_ID}:{digest(key)}"


def digest(text: str) -> str:
    """Return 32 hexadecimal digits for a text of any length."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
