"""The library as apps browse, list and search it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from songrec.store.db import now
from songrec.store.listeners import listens, reactions, users
from songrec.store.tables import (
    AlbumOpinion,
    ArtistOpinion,
    AudioFile,
    Listen,
    Listener,
    TrackAlias,
    TrackRating,
)
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.subsonic.conftest import NAMESPACE, Device, Library


def titles(listed: list[dict[str, Any]]) -> list[str]:
    return [one.get("title") or one["name"] for one in listed]


def listener(session: Session, name: str = "Anna") -> Listener:
    return users.require_listener(session, users.get(session, name))


class TestBrowsing:
    """From artists to albums to songs, by tags and by folders."""

    def test_artists_stand_under_letters_without_their_articles(
        self, phone: Device, small: Library
    ) -> None:
        artists = phone.get("getArtists")
        groups = {one["name"]: titles(one["artist"]) for one in artists["index"]}
        assert groups == {"B": ["Björk"], "C": ["The Cure"], "E": ["Élan Vital"], "N": ["Nina"]}
        assert "The" in artists["ignoredArticles"].split()
        indexes = phone.get("getIndexes")
        assert [one["name"] for one in indexes["index"]] == list(groups)
        later = phone.get("getIndexes", ifModifiedSince=indexes["lastModified"])
        assert later["index"] == []

    def test_an_artist_has_albums_and_an_album_songs(self, phone: Device, small: Library) -> None:
        cure = phone.get("getArtist", id=small.artists["The Cure"])
        assert titles(cure["album"]) == ["Disintegration", "Wish"]
        assert cure["albumCount"] == 2
        album = phone.get("getAlbum", id=cure["album"][0]["id"])
        assert titles(album["song"]) == ["Plainsong", "Lullaby"]  # one has no file
        assert (album["songCount"], album["duration"], album["year"]) == (2, 180, 1989)
        assert (album["genre"], album["genres"]) == ("rock", [{"name": "rock"}, {"name": "gothic"}])
        song = album["song"][1]
        assert song == phone.get("getSong", id=song["id"])
        assert (song["albumId"], song["parent"]) == (album["id"], album["id"])
        assert (song["artistId"], song["artist"]) == (cure["id"], "The Cure")
        assert (song["track"], song["duration"], song["suffix"]) == (2, 120, "wav")
        assert (song["bpm"], song["contentType"], song["path"]) == (120, "audio/wav", "2.wav")
        assert song["isDir"] is song["isVideo"] is False

    @pytest.mark.parametrize("state", ["analysed", "listed"])
    def test_an_album_of_several_discs_is_in_their_order(
        self, phone: Device, small: Library, session: Session, tmp_path: Path, state: str
    ) -> None:
        """Also where all its files lie in one folder, and before they are analysed."""
        for number, (title, disc, place) in enumerate(
            (("B1", 2, 1), ("A2", 1, 2), ("B2", 2, 2), ("A1", 1, 1))
        ):
            track = make_track(session, title, artists="Nova", album="Both")
            wav = write_wav(tmp_path / "both" / f"{number}.wav", seconds=0.2, hertz=900.0 + number)
            info = {"track_number": place, "disc_number": disc}
            add_sound(session, track, wav, state=state, info=info)
        session.commit()
        (album,) = phone.get("search3", query="Both", songCount=0)["album"]
        songs = phone.get("getAlbum", id=album["id"])["song"]
        assert titles(songs) == ["A1", "A2", "B1", "B2"]
        assert [(one["discNumber"], one["track"]) for one in songs] == [
            (1, 1),
            (1, 2),
            (2, 1),
            (2, 2),
        ]

    def test_folders_are_the_library_artists_and_albums(
        self, phone: Device, small: Library
    ) -> None:
        (folder,) = phone.get("getMusicFolders")["musicFolder"]
        top = phone.get("getMusicDirectory", id=folder["id"])
        assert titles(top["child"]) == ["Björk", "The Cure", "Élan Vital", "Nina"]
        assert all(one["isDir"] for one in top["child"])
        artist = phone.get("getMusicDirectory", id=top["child"][0]["id"])
        assert titles(artist["child"]) == ["Debut"]
        assert artist["parent"] == str(folder["id"])
        album = phone.get("getMusicDirectory", id=artist["child"][0]["id"])
        assert titles(album["child"]) == ["Human Behaviour"]
        assert album["parent"] == top["child"][0]["id"]

    def test_songs_without_an_album_stand_in_one_of_their_artist(
        self, phone: Device, small: Library
    ) -> None:
        nina = phone.get("getArtist", id=small.artists["Nina"])
        (album,) = nina["album"]
        assert album["name"] == "Songs without an album"
        assert album["songCount"] == 1
        song = phone.get("getAlbum", id=album["id"])["song"][0]
        assert song["title"] == "Loose"
        assert song["albumId"] == album["id"]
        assert "album" not in song

    def test_what_has_no_file_does_not_exist_for_apps(
        self, phone: Device, session: Session, small: Library
    ) -> None:
        assert phone.code("getSong", id=small.song("Unheard")) == 70
        assert phone.get("search3", query="unheard")["song"] == []
        for file in session.query(AudioFile):
            file.state, file.updated_at = "missing", now()
        session.commit()
        assert phone.get("getArtists")["index"] == []
        assert phone.code("getAlbum", id=small.albums["Wish"]) == 70
        assert phone.code("getArtist", id=small.artists["Nina"]) == 70
        assert phone.get("getAlbumList2", type="random")["album"] == []
        assert phone.get("search3", query='""') == {"artist": [], "album": [], "song": []}

    def test_genres_count_songs_and_albums(self, phone: Device, small: Library) -> None:
        genres = {
            one["value"]: (one["songCount"], one["albumCount"])
            for one in phone.get("getGenres")["genre"]
        }
        assert genres == {"gothic": (1, 1), "pop": (2, 2), "rock": (3, 2)}
        elements = phone.xml("getGenres").iter(f"{NAMESPACE}genre")
        assert [one.text for one in elements] == ["gothic", "pop", "rock"]

    @pytest.mark.parametrize(
        ("endpoint", "id_"),
        [
            ("getArtist", "ar-nobody"),
            ("getArtist", "al-x"),
            ("getAlbum", "al-nothing"),
            ("getAlbum", "x"),
            ("getSong", "nothing"),
            ("getSong", "al-x"),
            ("getMusicDirectory", "99"),
            ("getArtistInfo2", "ar-nobody"),
            ("getAlbumInfo2", "al-nothing"),
            ("getAvatar", "x"),
        ],
    )
    def test_unknown_ids_are_not_found(
        self, phone: Device, small: Library, endpoint: str, id_: str
    ) -> None:
        assert phone.code(endpoint, id=id_) == 70
        if endpoint != "getAvatar":
            assert phone.code(endpoint) == 10

    def test_ids_of_recordings_are_those_of_the_song(
        self, phone: Device, session: Session, small: Library
    ) -> None:
        track = small.tracks["Loose"]
        recording = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
        for key in (f"mbid:{recording}", "isrc:DEA123456789", "id:x:1"):
            session.add(TrackAlias(track_id=track.id, key=key))
        session.commit()
        song = phone.get("getSong", id=track.public_id)
        assert (song["musicBrainzId"], song["isrc"]) == (recording, ["DEA123456789"])

    def test_what_songrec_does_not_have_is_empty_or_refused(self, phone: Device) -> None:
        assert phone.get("getPodcasts") == {"channel": []}
        assert phone.get("getInternetRadioStations") == {"internetRadioStation": []}
        assert phone.get("getLicense") == {"valid": True}
        assert phone.code("jukeboxControl", action="get") == 50
        assert phone.code("createUser", username="x", password="y", email="z") == 50
        names = {one["name"]: one["versions"] for one in phone.get("getOpenSubsonicExtensions")}
        assert names["apiKeyAuthentication"] == names["formPost"] == [1]


class TestLists:
    """Albums in every order, and what a listener starred."""

    def names(self, device: Device, kind: str, **params: Any) -> list[str]:
        listed = device.get("getAlbumList2", type=kind, size=50, **params)["album"]
        folders = device.get("getAlbumList", type=kind, size=50, **params)["album"]
        assert [one["id"] for one in listed] == [one["id"] for one in folders] or kind == "random"
        return titles(listed)

    def test_orders_that_are_the_same_for_everybody(self, phone: Device, small: Library) -> None:
        loose = "Songs without an album"
        by_name = ["Debut", "Disintegration", loose, "Wish", "Zebra"]
        assert self.names(phone, "alphabeticalByName") == by_name
        by_artist = ["Debut", "Disintegration", "Wish", "Zebra", loose]
        assert self.names(phone, "alphabeticalByArtist") == by_artist
        assert sorted(self.names(phone, "random")) == by_name
        assert sorted(self.names(phone, "newest")) == by_name
        years = {"fromYear": 1980, "toYear": 1992}
        assert self.names(phone, "byYear", **years) == ["Disintegration", "Wish"]
        years = {"fromYear": 1992, "toYear": 1980}
        assert self.names(phone, "byYear", **years) == ["Wish", "Disintegration"]
        assert self.names(phone, "byGenre", genre="Rock") == ["Disintegration", "Wish"]
        assert self.names(phone, "byGenre", genre="polka") == []

    def test_pages_and_bounds(self, phone: Device, small: Library) -> None:
        kind = {"type": "alphabeticalByName"}
        assert titles(phone.get("getAlbumList2", **kind, size=2, offset=3)["album"]) == [
            "Wish",
            "Zebra",
        ]
        assert phone.get("getAlbumList2", **kind, size=0)["album"] == []
        assert len(phone.get("getAlbumList2", **kind, size=10**9)["album"]) == 5
        assert phone.code("getAlbumList2") == 10
        assert phone.code("getAlbumList2", type="best") == 0
        assert phone.code("getAlbumList2", type="byYear", fromYear=1990) == 10
        assert phone.code("getAlbumList2", type="byGenre") == 10
        assert phone.code("getAlbumList2", **kind, size="many") == 0
        assert phone.code("getAlbumList2", **kind, musicFolderId=7) == 70

    def test_plays_stars_and_ratings_are_each_listeners_own(
        self,
        phone: Device,
        device_of: Callable[..., Device],
        session: Session,
        small: Library,
    ) -> None:
        anna = listener(session)
        for title, times in (("Lullaby", 3), ("Human Behaviour", 5), ("Loose", 1)):
            track = small.tracks[title]
            session.add(
                Listen(
                    listener_id=anna.id,
                    track_id=track.id,
                    key=title,
                    times=times,
                    played_at=now().replace(microsecond=times),
                )
            )
        wish, debut = (
            small.tracks[one].album_id for one in ("Friday I'm in Love", "Human Behaviour")
        )
        session.add(AlbumOpinion(listener_id=anna.id, album_id=wish, starred_at=now(), rating=5))
        session.add(TrackRating(listener_id=anna.id, track_id=small.tracks["Lullaby"].id, rating=4))
        session.add(TrackRating(listener_id=anna.id, track_id=small.tracks["Loose"].id, rating=2))
        reactions.react(session, anna, small.tracks["Lullaby"].id, reactions.LIKE)
        reactions.react(session, anna, small.tracks["Plainsong"].id, reactions.DISLIKE)
        session.commit()
        loose = "Songs without an album"
        assert self.names(phone, "frequent") == ["Debut", "Disintegration", loose]
        assert self.names(phone, "recent") == ["Debut", "Disintegration", loose]
        assert self.names(phone, "highest") == ["Wish", "Disintegration", loose]
        assert self.names(phone, "starred") == ["Wish"]
        starred = phone.get("getStarred2")
        assert titles(starred["song"]) == ["Lullaby"]
        assert titles(starred["album"]) == ["Wish"]
        song = phone.get("getSong", id=small.song("Lullaby"))
        assert (song["playCount"], song["userRating"]) == (3, 4)
        assert song["starred"].endswith("Z")
        album = phone.get("getAlbum", id=small.albums["Debut"])
        assert album["playCount"] == 5
        assert debut is not None
        other = device_of("Bert")
        for kind in ("frequent", "recent", "highest", "starred"):
            assert self.names(other, kind) == []
        assert other.get("getStarred") == {"artist": [], "album": [], "song": []}
        assert other.get("getSong", id=small.song("Lullaby"))["playCount"] == 0
        assert listens.counts(session, anna).plays == 9

    def test_starred_artists_are_listed(
        self, phone: Device, session: Session, small: Library
    ) -> None:
        anna = listener(session)
        artist_id = phone.get("getArtist", id=small.artists["Björk"])["id"].removeprefix("ar-")
        from songrec.store.catalogue import artists

        view = artists.find_artist(session, artist_id)
        assert view is not None
        session.add(ArtistOpinion(listener_id=anna.id, artist_id=view.id, starred_at=now()))
        session.commit()
        (artist,) = phone.get("getStarred2")["artist"]
        assert artist["name"] == "Björk"
        assert artist["starred"]
        groups = phone.get("getArtists")["index"]
        starred = [a["name"] for one in groups for a in one["artist"] if a.get("starred")]
        assert starred == ["Björk"]

    def test_songs_of_a_genre_come_the_best_known_first(
        self, phone: Device, small: Library
    ) -> None:
        songs = phone.get("getSongsByGenre", genre="ROCK")["song"]
        assert titles(songs) == ["Friday I'm in Love", "Lullaby", "Plainsong"]
        page = phone.get("getSongsByGenre", genre="rock", count=1, offset=1)["song"]
        assert titles(page) == ["Lullaby"]


class TestSearch:
    """Words, and everything by an empty query."""

    @pytest.mark.parametrize("query", ["", '""', "''", "*"])
    def test_an_empty_query_pages_through_everything(
        self, phone: Device, small: Library, query: str
    ) -> None:
        songs: list[str] = []
        for offset in range(0, 8, 2):
            page = phone.get(
                "search3", query=query, songCount=2, songOffset=offset, albumCount=0, artistCount=0
            )
            assert list(page) == ["song"]
            songs += titles(page["song"])
        assert sorted(songs) == sorted(small.tracks.keys() - {"Unheard"})
        everything = phone.get("search3", query=query)
        assert len(everything["album"]) == 5
        assert len(everything["artist"]) == 4

    def test_words_find_songs_albums_and_artists(self, phone: Device, small: Library) -> None:
        found = phone.get("search3", query="bjork")
        assert titles(found["artist"]) == ["Björk"]
        assert titles(found["album"]) == ["Debut"]
        assert titles(found["song"]) == ["Human Behaviour"]
        cure = phone.get("search2", query="the cure")
        assert titles(cure["artist"]) == ["The Cure"]
        assert titles(cure["album"]) == ["Disintegration", "Wish"]
        assert all(one["isDir"] for one in cure["album"])
        assert titles(cure["song"]) == ["Friday I'm in Love", "Lullaby", "Plainsong"]
        assert titles(phone.get("search3", query="zeb")["album"]) == ["Zebra"]
        assert titles(phone.get("search3", query="friday love")["song"]) == ["Friday I'm in Love"]
        assert phone.get("search3", query="songs without")["album"] == []
        assert phone.get("search3", query="?!")["song"] == []

    def test_a_title_that_begins_so_comes_before_better_known_songs(
        self, phone: Device, session: Session, small: Library
    ) -> None:
        found = phone.get("search3", query="l")["song"]
        assert titles(found)[:2] == ["Loose", "Lullaby"]

    def test_the_oldest_search_counts_its_hits(self, phone: Device, small: Library) -> None:
        found = phone.get("search", artist="Cure", count=1, offset=1)
        assert (found["totalHits"], found["offset"], len(found["match"])) == (3, 1, 1)
        assert phone.get("search", any="cure", newerThan=10**14)["totalHits"] == 0

    def test_a_new_song_is_found_at_once(
        self, phone: Device, session: Session, small: Library
    ) -> None:
        assert phone.get("search3", query="brandnew")["song"] == []
        track = make_track(session, "Brandnew", artists="Björk", album="Debut")
        file = session.query(AudioFile).first()
        assert file is not None
        file.track_id, file.updated_at = track.id, now()
        session.commit()
        assert titles(phone.get("search3", query="brandnew")["song"]) == ["Brandnew"]
        assert phone.get("getAlbum", id=small.albums["Debut"])["songCount"] == 2
