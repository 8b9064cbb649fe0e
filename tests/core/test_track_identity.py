"""Ids are known by what they look like; rows without ids by their names or values."""

from __future__ import annotations

import pytest

from songrec.core import track_identity
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.track_identity import (
    id_key,
    namespace_of,
    recording_id,
    recording_key,
    same_values,
    values_key,
)

SPOTIFY = "6f807x0ima9a1j3VPbc7VN"
MBID = "b1a9c0e8-1f2e-4c3b-9d4a-0123456789ab"
VALUES = [float(at + 1) for at in range(len(ATTRIBUTE_NAMES))]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (SPOTIFY, f"spotify:{SPOTIFY}"),
        (f"  {SPOTIFY} ", f"spotify:{SPOTIFY}"),
        (f"spotify:track:{SPOTIFY}", f"spotify:{SPOTIFY}"),
        (f"https://open.spotify.com/track/{SPOTIFY}?si=0a1b", f"spotify:{SPOTIFY}"),
        (f"https://open.spotify.com/intl-pt/track/{SPOTIFY}", f"spotify:{SPOTIFY}"),
        (f"open.spotify.com/embed/track/{SPOTIFY}", f"spotify:{SPOTIFY}"),
        (f"https://api.spotify.com/v1/tracks/{SPOTIFY}", f"spotify:{SPOTIFY}"),
        (f"spotify:album:{SPOTIFY}", None),
        (f"https://open.spotify.com/playlist/{SPOTIFY}", None),
        (MBID.upper(), f"mbid:{MBID}"),
        (f"https://musicbrainz.org/recording/{MBID}", f"mbid:{MBID}"),
        (f"http://beta.musicbrainz.org/track/{MBID}#x", f"mbid:{MBID}"),
        (f"https://musicbrainz.org/artist/{MBID}", None),
        ("USRC17607839", "isrc:USRC17607839"),
        ("GB-AYE-06-01498", "isrc:GBAYE0601498"),
        ("isrc:gbaye0601498", "isrc:GBAYE0601498"),
        ("gbaye0601498", None),
        ("1", None),
        ("fx0042", None),
        ("a" * 21, None),
        ("a" * 23, None),
        ("a-" * 11, None),
        ("é" * 22, None),
        ("", None),
    ],
)
def test_ids_of_recordings_have_one_key_in_every_spelling(text, key):
    assert recording_key(text) == key
    assert id_key(text, "songs") == (key or (f"id:songs:{text}" if text else None))
    if key:
        assert recording_id(key) == key.partition(":")[2]


def test_other_ids_are_their_catalogue_s():
    assert id_key("7", "one") != id_key("7", "two")
    assert id_key("7.0", "one") == id_key(" 7", "one") == "id:one:7"
    assert id_key("spotify:local:Ada:Days:Noon:178", "one") is None
    assert recording_id("id:one:7") is None
    assert [
        namespace_of(key) for key in ("id:one:7", f"spotify:{SPOTIFY}", "song:0", "audio:0")
    ] == [
        "id:one",
        "spotify",
        None,
        None,
    ]
    long = id_key("7", "c" * 100)
    assert long is not None
    assert len(long) <= track_identity.MAX_KEY_LENGTH
    assert len(id_key("x" * 100, "one") or "") <= track_identity.MAX_KEY_LENGTH


def changed(**values: float | None) -> list[float | None]:
    return [values.get(name, value) for name, value in zip(ATTRIBUTE_NAMES, VALUES, strict=True)]


def test_a_row_of_numbers_is_known_by_what_lasts_in_it():
    key = values_key(VALUES)
    assert key == values_key(changed(popularity=1.0, explicit=None))
    assert key == values_key(changed(energy=VALUES[5] * (1 + 1e-9)))
    assert key != values_key(changed(energy=0.25))
    assert key != values_key(changed(energy=None))
    assert values_key(changed(liveness=0.0)) == values_key(changed(liveness=-0.0))


def test_half_a_name_is_part_of_it_and_a_label_is_none():
    assert values_key(VALUES, title="Halo") != values_key(VALUES)
    assert values_key(VALUES, title="HÁLO ") == values_key(VALUES, title="halo")
    assert values_key(VALUES, title="Halo") != values_key(VALUES, artists="Halo")
    assert values_key(VALUES, title="Track 7") == values_key(VALUES, title="Track 8")


def test_values_are_the_same_if_most_are():
    assert same_values(VALUES, changed(tempo=1.5, energy=0.25)) is True
    assert same_values(VALUES, [value + 0.5 for value in VALUES]) is False
    few = [None] * (len(VALUES) - 3) + VALUES[-3:]
    assert same_values(VALUES, few) is None
