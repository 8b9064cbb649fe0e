"""Artists and albums in the database: written once, split on the catalogue's evidence."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.artist_credits import ArtistField, Credit, evidence_names, parse_credits
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.artists import CreditWriter, TrackNames
from songrec.store.tables import Album, Artist, Track
from tests.factories import make_track


def names(session: Session, track: Track) -> list[str]:
    return artists.names_of_tracks(session, [track.id]).get(track.id, [])


def line(session: Session, track: Track) -> str:
    (view,) = tracks.tracks_by_id(session, [track.id])
    return "".join(credit.name + credit.joiner for credit in view.credits)


def credit(session: Session, track: Track, source: ArtistField) -> None:
    writer = CreditWriter(session)
    writer.meet([TrackNames(source)])
    writer.write([(track.id, source.certain_credits)], fresh=False)


def test_spellings_are_one_artist_and_keep_their_line(session: Session) -> None:
    one = make_track(session, artists="Beyoncé")
    other = make_track(session, artists="BEYONCE feat. JAY-Z")
    assert names(session, one) == ["Beyoncé"]
    assert names(session, other) == ["Beyoncé", "JAY-Z"]
    assert line(session, other) == other.artists == "BEYONCE feat. JAY-Z"
    assert artists.find_artist(session, "beyonce").tracks == 2


@pytest.mark.parametrize(
    "text", ["Queen & David Bowie", "Kygo, Selena Gomez", "Jay-Z / Linkin Park"]
)
def test_joint_artists_are_split_once_both_are_known(session: Session, text: str) -> None:
    together = make_track(session, artists=text)
    first, second = [part.strip() for part in text.replace("&", ",").replace("/", ",").split(",")]
    make_track(session, artists=first)
    assert artists.split_joint_artists(session) == 0
    assert names(session, together) == [text]
    make_track(session, artists=second)
    assert artists.split_joint_artists(session) == 1
    assert names(session, together) == [first, second]
    assert line(session, together) == text
    assert artists.find_artist(session, text) is None
    assert artists.split_joint_artists(session) == 0


def test_a_name_of_a_list_is_never_split(session: Session) -> None:
    for name in ("Earth", "Wind", "Fire"):
        make_track(session, artists=name)
    band = make_track(session, artists="Earth, Wind & Fire")
    credit(session, make_track(session), ArtistField(("Earth, Wind & Fire", "Wind"), True))
    artists.split_joint_artists(session)
    assert names(session, band) == ["Earth, Wind & Fire"]


def test_a_name_with_many_more_songs_than_a_part_of_it_is_never_split(session: Session) -> None:
    make_track(session, artists="Tyler")
    make_track(session, artists="The Creator")
    songs = [make_track(session, artists="Tyler, The Creator") for _ in range(11)]
    artists.split_joint_artists(session)
    assert [names(session, song) for song in songs] == [["Tyler, The Creator"]] * 11


def test_the_album_of_split_artists_goes_to_the_first(session: Session) -> None:
    make_track(session, artists="Queen", album="Hot Space")
    make_track(session, artists="David Bowie")
    joint = make_track(session, artists="Queen & David Bowie", album="Hot Space")
    single = make_track(session, artists="Queen & David Bowie feat. Choir", album="Single")
    artists.split_joint_artists(session)
    session.expire_all()
    queen = artists.find_artist(session, "Queen")
    found = {album.title: album for album in artists.albums_of_artist(session, queen.id, 9)}
    assert {title: album.tracks for title, album in found.items()} == {"Hot Space": 2, "Single": 1}
    assert joint.album_id == found["Hot Space"].id
    assert single.album_id == found["Single"].id
    assert session.scalar(select(func.count()).select_from(Album)) == 2


def test_ids_tell_artists_of_one_name_apart(session: Session) -> None:
    first, second, third = (make_track(session) for _ in range(3))
    credit(session, first, ArtistField(("Nirvana",), True, ("id-us",)))
    credit(session, second, ArtistField(("Nirvana",), True, ("id-uk",)))
    credit(session, third, ArtistField(("NIRVANA",), True, ("id-uk",)))
    rows = session.scalars(select(Artist).where(Artist.name == "Nirvana")).all()
    assert {row.musicbrainz_id for row in rows} == {"id-us", "id-uk"}
    views = artists.credits_of_tracks(session, [first.id, second.id, third.id])
    ids = {track: [view.artist_id for view in some] for track, some in views.items()}
    assert ids[first.id] != ids[second.id] == ids[third.id]


def test_an_id_that_comes_later_is_added_to_the_artist(session: Session) -> None:
    track = make_track(session, artists="Nirvana")
    credit(session, make_track(session), ArtistField(("Nirvana",), True, ("id-us",)))
    (artist,) = session.scalars(select(Artist).where(Artist.name == "Nirvana"))
    assert (artist.musicbrainz_id, artist.confirmed) == ("id-us", True)
    assert names(session, track) == ["Nirvana"]


def test_a_text_from_outside_is_parsed_by_the_catalogues_names(session: Session) -> None:
    make_track(session, artists="Queen")
    make_track(session, artists="David Bowie")
    text = "queen & david bowie feat. Somebody"
    evidence = artists.evidence_for(session, evidence_names(text))
    assert [(one.name, one.role) for one in parse_credits(text, evidence)] == [
        ("queen", "main"),
        ("david bowie", "main"),
        ("Somebody", "featured"),
    ]
    evidence = artists.evidence_for(session, evidence_names("Lil Nas X"))
    assert parse_credits("Lil Nas X", evidence) == [Credit("Lil Nas X")]


def test_albums_of_one_title_by_two_artists_are_two(session: Session) -> None:
    one = make_track(session, artists="A", album="Greatest Hits", year=1999)
    same = make_track(session, artists="A", album="greatest hits")
    other = make_track(session, artists="B", album="Greatest Hits")
    assert one.album_id == same.album_id != other.album_id
    assert artists.find_album(session, one.album.public_id).year == 1999
