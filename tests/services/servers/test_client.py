"""The client of music servers, against a real supysonic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from songrec.core.errors import NotReady
from songrec.services.servers.client import ServerClient, ServerRefusal, read_song
from tests.servers.supysonic_server import PASSWORD, Supysonic, supysonic_server, write_song


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supysonic]:
    """A supysonic with three songs on two albums."""
    folder = tmp_path_factory.mktemp("supysonic")
    music = folder / "music"
    for number, (title, artist, album) in enumerate(
        (("Dawn", "Ada", "Hours"), ("Noon", "Ada", "Hours"), ("Rain", "Bo", "Weather")), 1
    ):
        write_song(
            music / artist / album / f"{number:02} {title}.flac",
            title=title,
            artist=artist,
            album=album,
            track=number,
            year=2020,
            genre="Ambient",
        )
    with supysonic_server(folder) as running:
        yield running


def test_songs_are_read_in_pages_with_their_names_and_lengths(server: Supysonic) -> None:
    """Search with an empty query pages through all songs."""
    with server.client() as client:
        first, second = client.songs(0, 2), client.songs(2, 2)
        assert client.songs(3, 2) == []
    songs = {song.title: song for song in first + second}
    assert set(songs) == {"Dawn", "Noon", "Rain"}
    assert songs["Rain"].artist_line == "Bo"
    assert songs["Rain"].album == "Weather"
    assert songs["Rain"].path == "Bo/Weather/03 Rain.flac"
    assert songs["Rain"].duration_s == 2
    assert songs["Rain"].genres == ("Ambient",)


def test_albums_lead_to_the_same_songs(server: Supysonic) -> None:
    """Album lists are the way for servers whose search wants a word."""
    with server.client() as client:
        ids = {song.id for album in client.albums(0, 10) for song in client.album(album)}
        assert ids == {song.id for song in client.songs(0, 10)}


def test_sound_is_streamed_as_it_is_stored(server: Supysonic) -> None:
    """Bytes of a stream are those of the file."""
    with server.client() as client:
        song = next(one for one in client.songs(0, 10) if one.title == "Dawn")
        response = client.stream(song.id)
        content = b"".join(response.iter_content(4096))
    assert content == (server.music / song.path).read_bytes()


def test_a_download_is_the_file_and_counts_as_no_play(server: Supysonic) -> None:
    """A library that is analysed must not become its owner's most played one."""
    with server.client() as client:
        song = next(one for one in client.songs(0, 10) if one.title == "Rain")
        content = b"".join(client.download(song.id).iter_content(4096))
        assert song.album_id not in dict(client.recent_albums(0, 10))
        b"".join(client.stream(song.id).iter_content(4096))
        assert song.album_id in dict(client.recent_albums(0, 10))
    assert content == (server.music / song.path).read_bytes()


def test_stars_go_both_ways(server: Supysonic) -> None:
    """A star that was given is read back with its time, and can be taken away."""
    with server.client() as client:
        song = client.songs(0, 1)[0]
        client.star([song.id])
        client.star([song.id])
        starred = client.starred()
        assert [one.id for one in starred] == [song.id]
        assert starred[0].starred_at is not None
        client.unstar([song.id])
        assert client.starred() == []


def test_playlists_are_replaced_in_place(server: Supysonic) -> None:
    """Writing again keeps the id, and changes songs and comment."""
    with server.client() as client:
        ids = [song.id for song in client.songs(0, 3)]
        written = client.write_playlist("Daily mix", ids[:2], comment="calm, like Dawn")
        again = client.write_playlist("Daily mix 1", ids[::-1], playlist_id=written)
        playlist = client.playlist(written)
        assert again == written
        assert playlist.name == "Daily mix 1"
        assert playlist.comment == "calm, like Dawn"
        assert [song.id for song in playlist.songs] == ids[::-1]
        client.delete_playlist(written)
        client.delete_playlist(written)
        with pytest.raises(ServerRefusal):
            client.write_playlist("Daily mix", ids, playlist_id=written)


def test_wrong_passwords_are_one_line_without_the_password(server: Supysonic) -> None:
    """A refusal names the server and says what to do."""
    wrong = ServerClient(
        "Attic", server.url, username="admin", secret="not-it-at-all", allows_private=True
    )
    with pytest.raises(ServerRefusal, match=r"Attic refuses the name or the password") as error:
        wrong.info()
    assert error.value.is_sign_in
    assert "not-it-at-all" not in str(error.value)


def test_passwords_themselves_are_not_sent_over_plain_http(server: Supysonic) -> None:
    """A server in the internet that cannot check digests is asked over HTTPS alone."""
    client = ServerClient(
        "Attic", server.url, username="admin", secret=PASSWORD, allows_private=True
    )
    client._may_send_password = False
    with pytest.raises(ServerRefusal, match="HTTPS"):
        client.info()


def test_private_addresses_need_permission(server: Supysonic) -> None:
    """Without it nothing is sent."""
    client = ServerClient("Attic", server.url, username="admin", secret=PASSWORD)
    with pytest.raises(NotReady, match="private network"):
        client.info()


@pytest.mark.parametrize("item", [{}, {"id": None}, {"id": "1", "isDir": True}, {"id": []}])
def test_what_is_no_song_is_passed_over(item: dict[str, object]) -> None:
    """Folders, videos and entries without an id are no songs."""
    assert read_song(item) is None


def test_values_that_no_column_holds_are_empty() -> None:
    """One odd song must not end the scan of a whole server, again and again."""
    song = read_song(
        {
            "id": "a\ud800b\0",
            "title": "Dawn\udcff",
            "size": 10**400,
            "duration": 1e300,
            "year": 10**30,
            "playCount": 10**400,
            "starred": "9999-12-31T23:59:59-10:00",
        }
    )
    assert song is not None
    assert (song.id, song.title) == ("ab", "Dawn")
    assert (song.size, song.duration_s, song.year, song.starred_at) == (None,) * 4
    assert song.play_count == 0


@pytest.mark.parametrize(
    ("item", "suffix"),
    [
        ({"suffix": "FLAC", "path": "a.mp3"}, "flac"),
        ({"suffix": ".opus"}, "opus"),
        ({"path": "Ada\\\\Dawn.M4A"}, "m4a"),
        ({"path": "Ada/Mr. Dawn", "contentType": "audio/mpeg"}, "mp3"),
        ({"contentType": "audio/X-FLAC; charset=binary"}, "flac"),
        ({"path": "Ada/Dawn"}, ""),
    ],
)
def test_a_song_without_a_suffix_has_that_of_its_file_or_media_type(
    item: dict[str, object], suffix: str
) -> None:
    """Apps play what they know the format of."""
    song = read_song({"id": "1", "title": "Dawn", **item})
    assert song is not None
    assert song.suffix == suffix


def test_half_an_answer_is_read_as_far_as_it_goes() -> None:
    """Values of other types than the protocol's are empty."""
    song = read_song(
        {
            "id": 7,
            "title": None,
            "duration": "12",
            "size": -1,
            "year": "soon",
            "starred": "yes",
            "played": "2026-01-02T03:04:05.123456789Z",
            "artists": [{"name": "Ada"}, "Bo", {}],
            "isrc": ["USRC17607839"],
            "musicBrainzId": "not-one",
            "userRating": 9,
        }
    )
    assert song is not None
    assert (song.id, song.title, song.duration_s, song.size) == ("7", "", 12, None)
    assert song.artists == ("Ada",)
    assert song.isrc == "USRC17607839"
    assert song.played_at is not None
    assert (song.starred_at, song.rating, song.year, song.musicbrainz_id) == (None,) * 4
