"""Each format of lists becomes what it is: likes, dislikes, skips, plays, playlists."""

from __future__ import annotations

import gzip
import io
import json
import plistlib
import zipfile
from datetime import UTC, datetime

import pytest

from songrec.core.errors import BadInput
from songrec.services.listeners import list_files
from songrec.services.listeners.list_formats.dates import moment
from songrec.services.listeners.list_formats.locations import as_path

SPOTIFY = "4JehYebiI9JE8sR8MisGVb"


def read(text, name="list", **more):
    content = text if isinstance(text, bytes) else text.encode()
    return list_files.read(content, name, **more)


def songs(listed, kind):
    return [(e.artists, e.title) for e in listed.entries if e.kind == kind]


def test_listens_are_plays_and_feedback_is_not():
    listen = {
        "listened_at": 1_700_000_000,
        "track_metadata": {
            "artist_name": "Anna",
            "track_name": "Alpha",
            "release_name": "First",
            "additional_info": {"isrc": "GBAAA9000001"},
            "mbid_mapping": {"recording_mbid": "0f1b3c2d-0000-4000-8000-0123456789ab"},
        },
    }
    feedback = {"recording_msid": "x", "score": -1, "track_metadata": None}
    listed = read("\n".join(map(json.dumps, [listen, feedback])))
    (play, dislike) = listed.entries
    assert (play.kind, play.played_at) == ("play", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    assert play.ids == ("GBAAA9000001", "0f1b3c2d-0000-4000-8000-0123456789ab")
    assert dislike.kind == "dislike"
    payload = {"payload": {"count": 1, "listens": [listen]}}
    assert songs(read(json.dumps(payload)), "play") == [("Anna", "Alpha")]


def test_spotifys_library_has_likes_and_hidden_songs():
    text = json.dumps(
        {
            "tracks": [
                {"artist": "A", "album": "L", "track": "T", "uri": f"spotify:track:{SPOTIFY}"}
            ],
            "albums": [{"artist": "A", "album": "L"}],
            "shows": [],
            "episodes": [{"name": "e"}, {"name": "f"}],
            "bannedTracks": [{"artist": "B", "track": "U", "uri": "spotify:track:" + "7" * 22}],
            "artists": [],
            "bannedArtists": [{"name": "no"}],
            "other": [],
        }
    )
    listed = read(text)
    assert songs(listed, "like") == [("A", "T")]
    assert songs(listed, "dislike") == [("B", "U")]
    assert listed.entries[0].ids[-1] == SPOTIFY
    assert dict(listed.passed_over) == {
        "saved albums": 1,
        "podcast episodes": 2,
        "hidden artists": 1,
    }


def test_spotifys_playlists_keep_two_of_one_name_and_local_files():
    def item(title=None, **more):
        song = {"trackName": title, "artistName": "A", "albumName": "L", "trackUri": ""}
        return {"track": song if title else None, "episode": None, "localTrack": None, **more}

    local = {"uri": "spotify:local:Some+One:Tapes:Home%20made:61"}
    text = json.dumps(
        {
            "playlists": [
                {
                    "name": "Mix",
                    "items": [item("T"), item(localTrack=local)],
                    "description": "&amp;",
                },
                {"name": "Mix", "items": [item("U"), item(episode={"episodeName": "e"}), item()]},
            ]
        }
    )
    listed = read(text)
    assert [(one.name, one.description) for one in listed.playlists] == [("Mix", "&"), ("Mix", "")]
    assert [(e.playlist_number, e.artists, e.title) for e in listed.entries] == [
        (0, "A", "T"),
        (0, "Some One", "Home made"),
        (1, "A", "U"),
    ]
    assert listed.passed_over.total() == 1
    assert listed.refused == [(5, "names no song")]


def test_short_plays_of_spotify_are_skips_and_podcasts_no_songs():
    extended = [
        {
            "ts": "2022-03-01T10:00:30Z",
            "ms_played": played,
            "master_metadata_track_name": "T",
            "master_metadata_album_artist_name": "A",
            "spotify_track_uri": f"spotify:track:{SPOTIFY}",
        }
        for played in (29_999, 30_000)
    ]
    extended.append({"ts": "2022-03-01T11:00:00Z", "ms_played": 9, "episode_name": "e"})
    listed = read(json.dumps(extended), "Streaming_History_Audio_2022_1.json")
    assert [(e.kind, e.is_skip) for e in listed.entries] == [("play", True), ("play", False)]
    assert dict(listed.passed_over) == {"podcast episodes": 1}
    basic = [
        {"endTime": "2022-03-01 10:00", "artistName": "A", "trackName": "T", "msPlayed": 99000}
    ]
    (play,) = read(json.dumps(basic), "StreamingHistory0.json").entries
    assert play.played_at == datetime(2022, 3, 1, 10, tzinfo=UTC)
    with pytest.raises(BadInput, match="1 podcast episodes"):
        read('[{"endTime": "2022-03-01 10:00", "podcastName": "p", "msPlayed": 1}]')


@pytest.mark.parametrize(
    "text",
    [
        'artist,album,track,date\nAnna,First,Alpha,"01 Jan 2021, 16:16"\n',
        'Anna,First,Alpha,"01 Jan 2021, 16:16"\nAnna,,Beta,01 Jan 2021 16:20\n',
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
        '"1609517760","01 Jan 2021, 16:16","Anna","","First","","Alpha",""\n',
        "Artist;Album;AlbumId;Track;Date#anna\nAnna;First;;Alpha;1609517760000\n",
        "2021-01-01,16:16:00,Anna,Alpha\n2021-01-01,16:20:00,Anna,Beta\n",
    ],
)
def test_last_fms_tables_are_plays(text):
    listed = read(text, "scrobbles.csv")
    first = listed.entries[0]
    assert (first.kind, first.artists, first.title) == ("play", "Anna", "Alpha")
    assert first.played_at == datetime(2021, 1, 1, 16, 16, tzinfo=UTC)
    assert not songs(listed, "like")


def test_last_fms_json():
    tracks = [
        {
            "name": "Alpha",
            "artist": {"#text": "Anna"},
            "album": {"#text": "L"},
            "date": {"uts": "1609517760"},
        },
        {"name": "Beta", "artist": {"#text": "Anna"}, "@attr": {"nowplaying": "true"}},
    ]
    listed = read(json.dumps([tracks[:1], tracks[1:]]))
    assert songs(listed, "play") == [("Anna", "Alpha")]
    assert listed.passed_over.total() == 1
    loved = {"lovedtracks": {"track": [{"name": "Alpha", "artist": {"name": "Anna"}}]}}
    assert songs(read(json.dumps(loved)), "like") == [("Anna", "Alpha")]
    stats = {
        "username": "a",
        "scrobbles": [{"track": "Alpha", "artist": "Anna", "date": 1609517760000}],
    }
    assert songs(read(json.dumps(stats)), "play") == [("Anna", "Alpha")]


def test_a_column_says_whether_the_day_or_the_month_is_first():
    def days(*dates):
        rows = "".join(f"Alpha,Anna,{date}\n" for date in dates)
        listed = read(f"title,artist,played at\n{rows}")
        return [e.played_at.strftime("%d.%m.") for e in listed.entries], listed.notes

    assert days("1/2/2021 10:00", "13/2/2021 10:00")[0] == ["01.02.", "13.02."]
    assert days("1/2/2021 10:00", "1/13/2021 10:00")[0] == ["02.01.", "13.01."]
    found, notes = days("1/2/2021 10:00 PM")
    assert found == ["02.01."]
    assert "Dates such as 1/2/2021 were read with the month first." in notes
    assert "Times without a zone were read as UTC." in notes
    assert "Times without a zone were read as UTC." not in days("2021-01-02T10:00:00Z")[1]


def test_a_release_date_makes_no_plays():
    listed = read("title,artist,date\nAlpha,Anna,2019-01-02\nBeta,Anna,2018\n")
    assert songs(listed, "like") == [("Anna", "Alpha"), ("Anna", "Beta")]


EXPORTIFY = (
    "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Added By,Added At\n"
    f"spotify:track:{SPOTIFY},Alpha,First,Anna;Bert,2019,1000,,2021-01-01T00:00:00Z\n"
)


@pytest.mark.parametrize(
    ("name", "kind"), [("road trip.csv", "playlist"), ("Liked_Songs.csv", "like")]
)
def test_exportifys_file_is_a_playlist_by_its_name(name, kind):
    listed = read(EXPORTIFY, name)
    assert [(e.kind, e.artists, e.ids[-1]) for e in listed.entries] == [
        (kind, "Anna, Bert", SPOTIFY)
    ]
    assert [one.name for one in listed.playlists] == (["road trip"] if kind == "playlist" else [])


def test_tunemymusic_names_playlists_and_favourites():
    listed = read(
        "Track name,Artist name,Album,Playlist name,Type,ISRC,Spotify - id\n"
        f"Alpha,Anna,L,My mix,Playlist,GBAAA9000001,{SPOTIFY}\n"
        "Beta,Bert,L,Other,Playlist,,\n"
        "Gamma,Bert,L,My mix,Playlist,,\n"
        "Delta,Bert,,Favorite Songs,Favorite,,\n"
        "Someone,,,Artists,Artist,,\n"
        "Nobody,,,Empty,Playlist,,\n"
    )
    assert [one.name for one in listed.playlists] == ["My mix", "Other"]
    assert [e.playlist for e in listed.entries] == ["My mix", "Other", "My mix", ""]
    assert songs(listed, "like") == [("Bert", "Delta")]
    assert listed.passed_over.total() == 1
    assert [line for line, _ in listed.refused] == [7]


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftitle;artist;album;isrc;addedDate;addedBy;duration;url\nAlpha;Anna;L;gbaaa9000001;;;225s;",
        "title,artist,album,isrc,platform,trackId,duration,addedDate,url\nAlpha,Anna,L,,deezer,1,225,,",
        "title;artist;album;isrc\nAlpha;Anna;L;\n",
    ],
)
def test_soundiiz_is_a_playlist(text):
    listed = read(text, "Evening.csv")
    assert (listed.format, listed.playlists[0].name) == ("Soundiiz", "Evening")
    assert songs(listed, "playlist") == [("Anna", "Alpha")]


def test_shazam_has_a_line_above_its_header():
    listed = read(
        "Shazam Library\nIndex,TagTime,Title,Artist,URL,TrackKey\n"
        "1,2024-01-01,Alpha,Anna,https://www.shazam.com/track/1/alpha,1\n"
    )
    assert [(e.kind, e.line, e.title, e.ids) for e in listed.entries] == [("like", 3, "Alpha", ())]


def test_services_with_histories():
    deezer = read(
        "Song Title,Artist,ISRC,Album Title,Listening Time,Platform Name,Date\n"
        "Alpha,Anna,GBAAA9000001,L,201,web,2023-05-01 10:00:00\n"
        "Beta,Anna,,L,4,web,2023-05-01 10:04:00\n"
    )
    assert [(e.kind, e.is_skip) for e in deezer.entries] == [("play", False), ("play", True)]
    apple = read(
        "Artist Name,Song Name,Event Type,Event End Timestamp,Play Duration Milliseconds\n"
        "Anna,Alpha,PLAY_START,2023-05-01T10:00:00Z,0\n"
        "Anna,Alpha,PLAY_END,2023-05-01T10:03:00Z,180000\n"
    )
    assert songs(apple, "play") == [("Anna", "Alpha")]
    assert apple.passed_over.total() == 1
    history = read(
        "Track Name,Last Played Date,Is User Initiated\nAnna - Alpha,1609517760000,true\n"
    )
    assert songs(history, "play") == [("Anna", "Alpha")]
    youtube = json.dumps(
        [
            {
                "header": "YouTube Music",
                "title": "Watched Alpha",
                "titleUrl": "https://music.youtube.com/watch?v=x",
                "subtitles": [{"name": "Anna - Topic"}],
                "time": "2023-05-01T10:00:00.123Z",
            },
            {"header": "YouTube", "title": "Watched cats", "titleUrl": "x", "time": "2023-05-01"},
        ]
    )
    listed = read(youtube, "watch-history.json")
    assert songs(listed, "play") == [("Anna", "Alpha")]
    assert listed.passed_over.total() == 1
    takeout = read(
        "Video ID,Song Title,Album Title,Artist Name 1,Artist Name 2\nab,Alpha,L,Anna,B\n"
    )
    assert songs(takeout, "like") == [("Anna, B", "Alpha")]


M3U = """#EXTM3U
#PLAYLIST:Evening
#EXTINF:201,Anna - Alpha
..\\Anna\\First\\01 Alpha.mp3
#EXTINF:-1 tvg-name="x, y",Bert - Beta - live
C:\\Music\\Bert\\02 Beta.mp3
#EXTALB:Third

file:///home/c/Music/%C3%89lan%20%231.flac
https://example.org/tracks/abcdefghijkl
"""


@pytest.mark.parametrize(
    "text", [M3U, M3U.replace("\n", "\r"), "\ufeff" + M3U.replace("\n", "\r\n")]
)
def test_m3u_has_names_and_paths_of_every_system(text):
    listed = read(text, "x.m3u8")
    assert [one.name for one in listed.playlists] == ["Evening"]
    assert [(e.artists, e.title, e.path) for e in listed.entries] == [
        ("Anna", "Alpha", "../Anna/First/01 Alpha.mp3"),
        ("Bert", "Beta - live", "C:/Music/Bert/02 Beta.mp3"),
        ("", "", "/home/c/Music/Élan #1.flac"),
        ("", "", ""),
    ]
    assert listed.entries[3].ids[-1] == "abcdefghijkl"


def test_bare_paths_and_latin_1():
    listed = read("Anna/Été.mp3\nBert/Beta.flac\n".encode("cp1252"), "Été.m3u")
    assert [e.path for e in listed.entries] == ["Anna/Été.mp3", "Bert/Beta.flac"]
    assert listed.playlists[0].name == "Été"


def test_a_stream_in_pieces_is_no_playlist():
    with pytest.raises(BadInput, match="HLS"):
        read("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\na.ts\n")


def test_pls():
    listed = read(
        "[playlist]\nNumberOfEntries=2\nFile2=b.mp3\nTitle2=Bert - Beta\nfile1=/m/a.mp3\n"
        "Length1=3\noops\n",
        "Mine.pls",
    )
    assert [(e.path, e.title, e.line) for e in listed.entries] == [
        ("/m/a.mp3", "", 5),
        ("b.mp3", "Beta", 3),
    ]
    assert listed.refused == [(7, "is not a field of a PLS playlist")]


XSPF = """<?xml version="1.0" encoding="ISO-8859-1"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>A & B</title><trackList>
<track><location>Anna/a%20b.mp3</location><title>Alpha</title><creator>Anna</creator></track>
<track><identifier>https://musicbrainz.org/recording/0f1b3c2d-0000-4000-8000-0123456789ab</identifier>
</track>{}"""


def test_xspf_and_what_is_left_of_a_broken_one():
    whole = read(XSPF.format("</trackList></playlist>"))
    assert whole.playlists[0].name == "A & B"
    assert [(e.path, e.title) for e in whole.entries] == [("Anna/a b.mp3", "Alpha"), ("", "")]
    assert whole.entries[1].ids[-1] == "0f1b3c2d-0000-4000-8000-0123456789ab"
    broken = read(XSPF.format("<track><tit"))
    assert broken.entries == whole.entries
    assert "breaks the XML off" in broken.refused[0][1]


def test_xml_with_entities_of_its_own_is_not_read():
    with pytest.raises(BadInput, match="entities"):
        read('<!DOCTYPE x [<!ENTITY a "aaaa">]><playlist><title>&a;</title></playlist>')


def test_itunes_has_ratings_counts_and_playlists():
    def song(number, **more):
        return {"Track ID": number, "Name": f"S{number}", "Artist": "Anna", **more}

    library = {
        "Tracks": {
            "1": song(1, Rating=100, **{"Play Count": 7, "Play Date UTC": datetime(2020, 1, 2)}),
            "2": song(2, Loved=True, Location="file:///C:/Music/a%20b.mp3"),
            "3": song(3, Rating=20, **{"Skip Count": 2}),
            "4": song(4, Rating=60),
            "5": song(5, Rating=100, **{"Rating Computed": True}),
            "6": song(6, Podcast=True),
        },
        "Playlists": [
            {"Name": "Library", "Master": True, "Playlist Items": [{"Track ID": 1}]},
            {"Name": "Mix", "Playlist Items": [{"Track ID": 2}, {"Track ID": 6}]},
            {"Name": "Mix", "Playlist Items": [{"Track ID": 1}]},
            {"Name": "Folder", "Folder": True, "Playlist Items": []},
        ],
    }
    listed = read(plistlib.dumps(library))
    assert [(e.title, e.weight) for e in listed.entries if e.kind == "like"] == [
        ("S1", 2),
        ("S2", 1),
    ]
    assert songs(listed, "dislike") == [("Anna", "S3")]
    (play,) = [e for e in listed.entries if e.kind == "play"]
    assert (play.weight, play.is_total, play.played_at) == (
        7,
        True,
        datetime(2020, 1, 2, tzinfo=UTC),
    )
    assert [(e.weight, e.title) for e in listed.entries if e.kind == "skip"] == [(2, "S3")]
    assert [(e.playlist_number, e.title) for e in listed.entries if e.kind == "playlist"] == [
        (0, "S2"),
        (1, "S1"),
    ]
    assert next(e.path for e in listed.entries if e.title == "S2") == "C:/Music/a b.mp3"
    assert sorted(listed.passed_over.values()) == [1, 1, 1, 1]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-8"])
def test_itunes_text(codec):
    header = "Name\tArtist\tAlbum\tKind\tPlays\tLast Played\tSkips\tMy Rating\tLocation"
    row = "Élan\tAnna\tL\tAAC\t3\t2/18/17, 5:31 PM\t1\t80\tMacintosh HD:Users:a:Music:Anna:Élan.m4a"
    listed = read(f"{header}\r{row}\r".encode(codec), "Evening.txt")
    assert listed.format == "iTunes text"
    assert sorted(e.kind for e in listed.entries) == ["like", "play", "playlist", "skip"]
    assert {e.title for e in listed.entries} == {"Élan"}
    assert listed.entries[0].path == "Macintosh HD/Users/a/Music/Anna/Élan.m4a"
    assert listed.playlists[0].name == "Evening"


def test_an_archive_is_its_lists():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a/Road.csv", EXPORTIFY)
        archive.writestr("a/Night.csv", EXPORTIFY)
        archive.writestr("a/Userdata.json", '{"username": "x"}')
        archive.writestr("__MACOSX/a/._Road.csv", "x")
        archive.writestr("a/cover.png", b"\x89PNG")
    listed = read(data.getvalue())
    assert [one.name for one in listed.playlists] == ["Night", "Road"]
    assert [e.playlist_number for e in listed.entries] == [0, 1]
    assert listed.format == "ZIP archive: Exportify"
    assert "Userdata.json" in listed.notes[-1]
    assert "cover.png" in listed.notes[-1]
    assert songs(read(gzip.compress(EXPORTIFY.encode()), "x.csv.gz"), "playlist")


def workbook():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (workbook(), "Excel workbook"),
        (b"SQLite format 3\0" + b"\0" * 50, "SQLite"),
        (b"<!DOCTYPE html><html></html>", "watch-history.html"),
        (b"<DJ_PLAYLISTS/>", "rekordbox"),
        (b"<note/>", "neither an XSPF"),
        (b"Video ID,Playlist Video Creation Timestamp\nabcdefghijk,2024-01-01\n", "Takeout"),
        (b'{"likes": [1]}', "it holds likes"),
        (b'[{"a": 1}, ', "cut off"),
        (b"<plist><dict><key>Tracks</key>", "property list"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"\x1f\x8b broken", "damaged"),
        (b"\x00\x01\x02" * 100, "binary"),
        (b'FILE "x.wav" WAVE\n  TRACK 01 AUDIO\n', "CUE sheet"),
        (b"#EXTM3U\n", "no songs"),
        (b"<playlist><trackList/></playlist>", "no songs"),
        (b"Playlist Id,Title\nPL1,Mix\n\nVideo Id,Time Added\nabcdefghijk,2020\n", "Takeout"),
    ],
)
def test_other_files_are_named_with_what_to_do(content, message):
    with pytest.raises(BadInput, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)


def test_a_column_of_ratings_or_hearts_decides():
    rated = read("title,artist,rating\nA,Anna,5\nB,Anna,1\nC,Anna,3\nD,Anna,\n")
    assert songs(rated, "like") == [("Anna", "A")]
    assert songs(rated, "dislike") == [("Anna", "B")]
    assert rated.passed_over.total() == 2
    loved = read("title,artist,loved\nA,Anna,1\nB,Anna,0\nC,Anna,TRUE\n")
    assert songs(loved, "like") == [("Anna", "A"), ("Anna", "C")]
    assert loved.passed_over.total() == 1
    # Nobody rated anything: the list says nothing about it.
    assert len(read("title,artist,rating\nA,Anna,0\nB,Anna,0\n").entries) == 2
    favourites = read(
        "Favorite Type,Item Description,Preference\n"
        "SONG,Anna - A,LIKE\nALBUM,Anna - X,LIKE\nSONG,Bert - B,DISLIKE\n"
    )
    assert (songs(favourites, "like"), songs(favourites, "dislike")) == (
        [("Anna", "A")],
        [("Bert", "B")],
    )


@pytest.mark.parametrize(
    "line", ["spotify:track:{}", "https://open.spotify.com/track/{}?si=x", "{}"]
)
def test_lines_of_ids_need_no_header(line):
    ids = [SPOTIFY, SPOTIFY[::-1]]
    listed = read("\n".join(line.format(one) for one in ids) + "\nnothing\n", "ids.txt")
    assert [entry.ids[-1] for entry in listed.entries] == ids
    assert [number for number, _ in listed.refused] == [3]


def test_lines_of_names():
    listed = read("Anna - Alpha\n2. Bert – Beta\n", "list.txt")
    assert songs(listed, "like") == [("Anna", "Alpha"), ("Bert", "Beta")]


def test_json_of_any_program():
    listed = read(json.dumps({"data": [{"id": 1, "title": "A", "artist": {"name": "Anna"}}]}))
    assert [(e.kind, e.ids) for e in listed.entries] == [("like", ("1",))]
    listed = read(json.dumps({"name": "Mix", "tracks": [{"title": "A", "artists": ["X", "Y"]}]}))
    assert (listed.playlists[0].name, songs(listed, "playlist")) == ("Mix", [("X, Y", "A")])
    several = [{"playlist": {"title": "P", "track": [{"title": t, "creator": "X"}]}} for t in "AB"]
    for document in (several, {"playlists": several}):
        assert [e.playlist_number for e in read(json.dumps(document)).entries] == [0, 1]


def test_loved_tracks_of_last_fm_are_likes_although_they_have_times():
    text = "ISO time\tunixtime\ttrack name\tartist name\n2013-01-01T00:00:00\t1356998400\tA\tAnna\n"
    assert songs(read(text, "loved_tracks.tsv"), "like") == [("Anna", "A")]
    assert songs(read(text, "banned_tracks.tsv"), "dislike") == [("Anna", "A")]
    assert songs(read(text, "scrobbles.tsv"), "play") == [("Anna", "A")]


def test_what_the_songs_become_can_be_chosen():
    listed = read("title,artist\nAlpha,Anna\n", "Evening.csv", kind="playlist")
    assert [(e.kind, e.playlist) for e in listed.entries] == [("playlist", "Evening")]
    liked = read(M3U, "x.m3u", kind="likes")
    assert {e.kind for e in liked.entries} == {"like"}
    assert not liked.playlists
    with pytest.raises(BadInput, match="not 'plays'"):
        read("title,artist\na,b\n", kind="plays")


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("file://server/share/a%20b.mp3", "//server/share/a b.mp3"),
        ("file://localhost/a.mp3", "/a.mp3"),
        ("file:///C:/a.mp3", "C:/a.mp3"),
        ("\\\\nas\\music\\a.mp3", "//nas/music/a.mp3"),
        ("./a:b.mp3", "./a:b.mp3"),
        ("a\\b.mp3", "a/b.mp3"),
        ("a/b\\c.mp3", "a/b\\c.mp3"),
        ("http://a/b.mp3", ""),
        ("spotify:track:x", ""),
    ],
)
def test_locations(location, path):
    assert as_path(location) == path


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1609517760, datetime(2021, 1, 1, 16, 16, tzinfo=UTC)),
        ("1609517760123", datetime(2021, 1, 1, 16, 16, 0, 123000, tzinfo=UTC)),
        ("2021-01-01T16:16:00+02:00", datetime(2021, 1, 1, 14, 16, tzinfo=UTC)),
        ("2021-01-01 16:16:00 UTC", datetime(2021, 1, 1, 16, 16, tzinfo=UTC)),
        ("1/1/21, 4:16 PM", datetime(2021, 1, 1, 16, 16, tzinfo=UTC)),
        ("31.12.2020 16:16", datetime(2020, 12, 31, 16, 16, tzinfo=UTC)),
        ("never", None),
        ("99999999999999999", None),
        (float("nan"), None),
        (10**400, None),
        (True, None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_times(value, expected):
    assert moment(value) == expected


@pytest.mark.parametrize("space", [" ", "\N{EM SPACE} ", "\N{NO-BREAK SPACE}"])
def test_long_runs_of_spaces_are_read_like_one(space: str) -> None:
    # Patterns that try every place of a run would take hours.
    run = (space * 60_000)[:60_000]
    name = f"Anna{run}- Song{run}Two"
    watched = {
        "header": "YouTube Music",
        "title": f"Watched {name}",
        "titleUrl": "https://music.youtube.com/watch?v=abc",
        "subtitles": [{"name": f"Anna{run}B - Topic"}],
        "time": "2024-01-01T00:00:00Z",
    }
    texts = {
        "a.m3u": f"#EXTM3U\n#EXTINF:1,{name}\na.mp3\n",
        "a.pls": f"[playlist]\nFile1=a.mp3\nTitle1={name}\n",
        "a.txt": f"{name}\nBert - Song\n",
        "watch-history.json": json.dumps([watched]),
    }
    entries = [list_files.read(text.encode(), file).entries[0] for file, text in texts.items()]
    assert [(one.artists, one.title) for one in entries] == [
        *[("Anna", "Song Two")] * 3,
        ("Anna B", "Anna - Song Two"),
    ]
