"""Tracks by the identifier that a person types."""

from __future__ import annotations

import pytest

from songrec.core.errors import BadInput
from songrec.services.catalogue.track_lookup import UnknownTrack, resolve_track
from songrec.store.catalogue import track_aliases, tracks
from tests.factories import make_track


def test_an_id_of_two_catalogues_asks_which(session):
    one = make_track(session, "Paper Moon", external_id="7", source_key="id:fma:7")
    other = make_track(session, "Gold Rush", external_id="7", source_key="id:ours:7")
    make_track(session, "Noon", external_id="8", source_key="id:fma:8")
    with pytest.raises(
        BadInput, match=r"2 songs have the id '7': .*Paper Moon.*Gold Rush"
    ) as caught:
        resolve_track(session, "7")
    assert "songs:7" in str(caught.value)
    assert resolve_track(session, "fma:7").id == one.id
    assert resolve_track(session, "ours:7").id == other.id
    assert resolve_track(session, one.public_id).id == one.id
    assert resolve_track(session, " 8 ").title == "Noon"
    for unknown in ("9", "fma:9", ":7"):
        with pytest.raises(UnknownTrack):
            resolve_track(session, unknown)


def test_a_recording_is_known_in_every_spelling_and_by_every_key(session):
    spotify, isrc = "5" * 22, "GBAYE0601498"
    track = make_track(session, "Noon", external_id=spotify, source_key=f"spotify:{spotify}")
    track_aliases.add(session, {f"isrc:{isrc}": track.id})
    for name in (
        spotify,
        f"spotify:track:{spotify}",
        f"https://open.spotify.com/track/{spotify}?si=1",
        isrc,
        "GB-AYE-06-01498",
    ):
        assert resolve_track(session, name).id == track.id


def test_a_title_of_digits_is_no_catalogue_s_number(session):
    make_track(session, "Noon", external_id="1999", source_key="id:fma:1999")
    assert tracks.find_track(session, "1999").title == "Noon"
    assert tracks.find_track(session, "1999", own_ids=False) is None
