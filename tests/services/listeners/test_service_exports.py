"""What services export, as a whole: archives whose parts belong together, workbooks, logs."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest

from songrec.core.errors import BadInput
from songrec.services.listeners import list_reader
from songrec.services.listeners.list_files import SongList
from songrec.services.listeners.list_files import read as read_list
from songrec.services.listeners.list_formats.dates import moment

MSID = "aaaaaaaa-0000-4000-8000-00000000000{}"
MBID = "bbbbbbbb-0000-4000-8000-000000000001"
VIDEO = "a1B2c3D4e5F"


def archive(files: dict[str, object]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, value in files.items():
            file.writestr(name, value if isinstance(value, str | bytes) else json.dumps(value))
    return content.getvalue()


def found(listed: SongList) -> list[tuple[str, str, str]]:
    return [(one.kind, one.artists, one.title) for one in listed.entries]


def lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_feedback_of_listenbrainz_is_named_by_the_listens_beside_it() -> None:
    """Its export gives feedback by id only; a song that was never heard keeps its id."""
    listens = lines(
        {
            "listened_at": 1_621_374_413.0,
            "inserted_at": 1_621_374_420.5,
            "track_metadata": {
                "track_name": "Meadow",
                "artist_name": "Painter",
                "recording_msid": MSID.format(1),
                "mbid_mapping": {"recording_mbid": MBID},
            },
        }
    )
    listed = read_list(
        archive(
            {
                "user.json": {"user_id": 1, "username": "ann"},
                "listens/2021/5.jsonl": listens,
                "feedback.jsonl": lines(
                    {"recording_msid": MSID.format(1), "recording_mbid": None, "score": 1},
                    {"recording_msid": None, "recording_mbid": MBID, "score": -1},
                    {"recording_msid": MSID.format(2), "recording_mbid": None, "score": -1},
                ),
                "pinned_recording.jsonl": lines({"recording_msid": "x", "pinned_until": 2}),
            }
        ),
        "listenbrainz_ann_1621374413.zip",
    )
    assert found(listed) == [
        ("like", "Painter", "Meadow"),
        ("dislike", "Painter", "Meadow"),
        ("dislike", "", ""),
        ("play", "Painter", "Meadow"),
    ]
    assert listed.entries[3].played_at == datetime(2021, 5, 18, 21, 46, 53, tzinfo=UTC)
    assert listed.passed_over == {"pinned recordings": 1}


def test_the_account_data_of_spotify_is_read_as_a_whole() -> None:
    song = {"trackName": "Meadow", "artistName": "Painter", "albumName": "Fields",
            "trackUri": "spotify:track:0000000000000000000001"}  # fmt: skip
    folder = "Spotify Account Data/"
    listed = read_list(
        archive(
            {
                f"{folder}StreamingHistory_music_0.json": [
                    {"endTime": "2024-03-01 10:00", "artistName": "Painter",
                     "trackName": "Meadow", "msPlayed": 200_000},
                    {"endTime": "2024-03-01 10:01", "artistName": "Painter",
                     "trackName": "Lantern", "msPlayed": 4_000},
                ],
                f"{folder}StreamingHistory_podcast_0.json": [
                    {"endTime": "2024-03-01 10:00", "podcastName": "P", "msPlayed": 1}
                ],
                f"{folder}Playlist1.json": {
                    "playlists": [{"name": "Mix", "items": [{"track": song}]}]
                },
                f"{folder}YourLibrary.json": {
                    "tracks": [{"artist": "Painter", "track": "Harbour", "album": "",
                                "uri": "spotify:track:0000000000000000000002"}],
                    "bannedTracks": [{"artist": "Painter", "track": "Thunder", "album": "",
                                      "uri": "spotify:track:0000000000000000000003"}],
                },
                # What is beside them is no list of songs.
                f"{folder}SearchQueries.json": [{"searchQuery": "meadow", "platform": "IPHONE"}],
                f"{folder}Marquee.json": [{"artistName": "Painter", "segment": "Listeners"}],
                f"{folder}MessageData.json": [{"from": "ann", "message": "hi"}],
                f"{folder}Inferences.json": {"inferences": ["x"]},
                f"{folder}Read_Me_First.pdf": b"%PDF-1.4",
            }
        ),
        "my_spotify_data.zip",
    )  # fmt: skip
    assert Counter(one.kind for one in listed.entries) == {
        "play": 2, "playlist": 1, "like": 1, "dislike": 1,
    }  # fmt: skip
    assert [one.title for one in listed.entries if one.is_skip] == ["Lantern"]
    assert listed.refused == []
    assert "ListenBrainz" not in listed.format


HISTORY = """<!DOCTYPE html><html><head><title>My Activity</title><style>p{{}}</style></head>
<body><div class="mdl-grid">{}</div></body></html>"""
CELL = (
    '<div class="outer-cell mdl-cell mdl-shadow--2dp"><div class="mdl-grid"><div '
    'class="header-cell mdl-cell"><p class="mdl-typography--title">{header}<br></p></div><div '
    'class="content-cell mdl-cell mdl-typography--body-1">Watched\xa0<a href="https://music.youtube'
    '.com/watch?v={video}">{title}</a><br><a href="https://www.youtube.com/channel/x">{channel}</a>'
    "<br>{time}<br></div></div></div>"
)


def page(*cells: tuple[str, str, str, str, str]) -> str:
    names = ("header", "video", "title", "channel", "time")
    return HISTORY.format(
        "".join(CELL.format(**dict(zip(names, cell, strict=True))) for cell in cells)
    )


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("May 18, 2021, 9:46:53\u202fPM UTC", 21),
        ("May 18, 2021, 9:46:53 PM GMT+01:00", 20),
        ("18 May 2021, 21:46:53 CEST", 19),
        ("18.05.2021, 21:46:53 MESZ", 19),
        ("18.05.2021, 21:46:53 XYZ", 21),
        ("May 18, 2021, 9:46:53 PM PDT", 4),
        ("18 May 2021, 9:46:53\u202fpm AEST", 11),
        ("18 may 2021, 9:46:53 p.\xa0m. CEST", 19),
        ("18 mai 2021, 21:46:53 UTC+2", 19),
        ("18 de mai. de 2021, 21:46:53 BRT", 0),
        ("18 mag 2021, 21:46:53 CEST", 19),
        ("18 mei 2021 21:46:53 CEST", 19),
        ("18 maj 2021, 21:46:53 CEST", 19),
        ("18 мая 2021 г., 21:46:53 МСК", 18),
        ("2021. 5. 18. 오후 9:46:53 KST", 12),
        ("2021年5月18日 21:46:53 JST", 12),
    ],
)
def test_a_history_of_youtube_music_as_a_page(written: str, hour: int) -> None:
    text = page(
        ("YouTube Music", VIDEO, "Rain &amp; Fields", "Painter - Topic", written),
        ("YouTube", "x" * 11, "A cat", "Cats", written),
    )
    listed = read_list(text.encode(), "watch-history.html")
    assert found(listed) == [("play", "Painter", "Rain & Fields")]
    played_at = listed.entries[0].played_at
    assert played_at is not None
    assert (played_at.hour, played_at.minute) == (hour, 46)
    assert listed.passed_over == {"videos outside YouTube Music": 1}
    assert any("XYZ" in note for note in listed.notes) == ("XYZ" in written)


@pytest.mark.parametrize(
    ("written", "month"),
    [
        ("5 Sept 2023, 15:04", 9),
        ("5 févr. 2023, 15:04", 2),
        ("5 août 2023, 15:04", 8),
        ("5 juin 2023, 15:04", 6),
        ("5 juil. 2023, 15:04", 7),
        ("5 dic 2023, 15:04", 12),
        ("5 set 2023, 15:04", 9),
        ("5 mrt 2023 15:04", 3),
        ("5 paź 2023, 15:04", 10),
        ("5 Ağu 2023 15:04", 8),
        ("5 июн. 2023 г., 15:04", 6),
        ("5. 1. 2023 15:04", 1),
        ("5. Okt. 2023, 15:04", 10),
        ("5 xyz 2023, 15:04", None),
        ("31 févr. 2023, 15:04", None),
    ],
)
def test_months_are_read_in_the_languages_of_services(written: str, month: int | None) -> None:
    assert moment(written) == (month and datetime(2023, month, 5, 15, 4, tzinfo=UTC))


def test_a_table_without_artists_says_so_in_a_sentence() -> None:
    """A remark on columns is text, and not made where the artists were found in the titles."""
    listed = read_list(b"Song Name,Container Name,ISRC\nRain,Nova,GBUM71505078\n", "x.csv")
    remarks = [note for note in listed.notes if "artists" in note]
    assert remarks == [
        "No column was read as the artists, but 'Container Name' may hold them: “Nova”."
    ]
    listed = read_list(b"Track Name,Last Played Date\nNova - Rain,1672531200000\n", "x.csv")
    assert found(listed) == [("play", "Nova", "Rain")]
    assert [note for note in listed.notes if "rtists" in note] == [
        "Artists were taken from the titles (“Artist - Title”)."
    ]


def test_ids_of_musicbrainz_in_a_table_of_last_fm_are_read() -> None:
    """The album's and the artist's are not those of the song."""
    table = (
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
        f'"1700000000","14 Nov 2023, 22:13","Nova","{MSID.format(1)}","","{MSID.format(2)}",'
        f'"Rain","{MBID}"\n'
    )
    (play,) = read_list(table.encode(), "recenttracks-ann.csv").entries
    assert (play.kind, play.ids, play.title) == ("play", (MBID,), "Rain")


def test_episodes_in_a_playlist_of_exportify_are_no_songs() -> None:
    """They would wait for half a year for a catalogue that has them."""
    table = (
        "Track URI,Track Name,Album Name,Artist Name(s),Added At\n"
        "spotify:track:4uLU6hMCjMI75M1A2tKUQC,Rain,Fields,Nova,2023-01-01T10:00:00Z\n"
        "spotify:episode:512ojhOuo1ktJprKbVcKyQ,Part 1,A show,A publisher,2023-01-01T10:00:00Z\n"
    )
    listed = read_list(table.encode(), "mix.csv")
    assert found(listed) == [("playlist", "Nova", "Rain")]
    assert listed.passed_over == {"podcast episodes": 1}


def test_pages_of_last_fm_are_read_as_one_history() -> None:
    """Exporters write the API's answers one after the other."""

    def track(name: str, uts: int) -> dict[str, object]:
        return {"name": name, "artist": {"#text": "Nova", "mbid": ""}, "date": {"uts": str(uts)}}

    pages = [
        {"track": [track("Rain", 1_700_000_000)], "@attr": {"page": "1"}},
        {"track": [track("Fog", 1_700_000_300)], "@attr": {"page": "2"}},
    ]
    listed = read_list(json.dumps(pages).encode(), "recenttracks.json")
    assert found(listed) == [("play", "Nova", "Rain"), ("play", "Nova", "Fog")]


def test_playlists_of_takeout_are_named_by_what_lies_beside_them() -> None:
    folder = "Takeout/YouTube and YouTube Music/"
    playlist = f"Video ID,Playlist Video Creation Timestamp\n{VIDEO},2024-01-01T00:00:00+00:00\n"
    files = {
        f"{folder}playlists/Mix-videos.csv": f"{playlist}unknown0000,2024-01-01T00:00:00+00:00\n",
        f"{folder}playlists/Liked music.csv": playlist,
        f"{folder}music (library and uploads)/music library songs.csv": (
            "Video ID,Song Title,Album Title,Artist Name 1,Artist Name 2\n"
            f"{VIDEO},Meadow,Fields,Painter,Nova\n"
        ),
    }
    listed = read_list(archive(files), "takeout.zip")
    assert sorted(found(listed)) == [
        ("like", "Painter, Nova", "Meadow"),
        ("like", "Painter, Nova", "Meadow"),
        ("playlist", "Painter, Nova", "Meadow"),
    ]
    assert [one.name for one in listed.playlists] == ["Mix"]
    assert [reason for _, reason in listed.refused] == ["is a video whose name is not in the file"]
    with pytest.raises(BadInput, match="Import the whole ZIP"):
        read_list(playlist.encode(), "Mix-videos.csv")


def column(at: int) -> str:
    return chr(ord("A") + at)


def sheet(rows: list[list[str | float]]) -> str:
    """Return a sheet; texts are inline, numbers have the style of dates."""
    cells = ""
    for number, row in enumerate(rows, 1):
        cells += f'<row r="{number}">'
        for at, value in enumerate(row):
            place = f"{column(at)}{number}"
            if isinstance(value, str):
                cells += f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
            else:
                cells += f'<c r="{place}" s="1"><v>{value}</v></c>'
        cells += "</row>"
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'


def workbook(sheets: dict[str, list[list[str | float]]]) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{relations}">'
            f"<sheets>{listed}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
            "xl/styles.xml": f'<styleSheet xmlns="{space}">{styles}</styleSheet>',
            **{
                f"xl/worksheets/sheet{n}.xml": sheet(rows)
                for n, rows in enumerate(sheets.values(), 1)
            },
        }
    )


DEEZER: dict[str, list[list[str | float]]] = {
    "1_profile": [["Name", "Mail"], ["Ann", "x"]],
    "8_favoriteSong": [
        ["Song Title", "Artist", "Album Title", "ISRC"],
        ["Harbour", "Painter", "Fields", "FRXXX2400001"],
    ],
    "10_listeningHistory": [
        ["Song Title", "Artist", "ISRC", "Album Title", "IP Address", "Listening Time",
         "Platform Name", "Platform Model", "Date"],
        ["Meadow", "Painter", "FRXXX2400002", "Fields", "-", "200", "web", "", 44334.90756944444],
        ["Lantern", "Painter", "FRXXX2400003", "Fields", "-", "3", "web", "", "2021-05-18 22:00"],
    ],
}  # fmt: skip


def test_takeout_in_another_language_names_its_playlists_all_the_same() -> None:
    """Its columns of ids are known by what they hold."""
    folder = "Takeout/YouTube et YouTube Music/"
    files = {
        f"{folder}playlists/Mix-vidéos.csv": (
            f"ID de la vidéo,Horodatage de création\n{VIDEO},2024-01-01T00:00:00+00:00\n"
        ),
        f"{folder}musique/titres de la bibliothèque.csv": (
            f"ID de la vidéo,Titre du morceau,Titre de l'album,Nom de l'artiste 1\n"
            f"{VIDEO},Meadow,Fields,Painter\n"
        ),
    }
    listed = read_list(archive(files), "takeout.zip")
    assert sorted(found(listed)) == [
        ("like", "Painter", "Meadow"),
        ("playlist", "Painter", "Meadow"),
    ]
    assert {one.ids for one in listed.entries} == {(f"youtube:{VIDEO}",)}


@pytest.mark.parametrize(
    "header",
    [
        "Name\tInterpret\tAlbum\tWiedergaben\tZuletzt gespielt\tÜbersprungen\tMeine Wertung\tOrt",
        "Nom\tArtiste\tAlbum\tÉcoutes\tDernière écoute\tSauts\tMon classement\tEmplacement",
        "Nombre\tArtista\tÁlbum\tReproducciones\tÚltima reproducción\tOmisiones\tMi valoración\t"
        "Ubicación",
        "名前\tアーティスト\tアルバム\t再生回数\t最後に再生した日\tSkips\tマイレート\t場所",
    ],
)
def test_a_playlist_of_itunes_is_one_in_every_language(header: str) -> None:
    """It must not become likes, for it has songs of all ratings."""
    text = f"{header}\rMeadow\tPainter\tFields\t5\t2021/01/13 15:04\t1\t20\tMacintosh HD:M:a.mp3\r"
    listed = read_list(text.encode("utf-16"), "Evening.txt")
    assert [playlist.name for playlist in listed.playlists] == ["Evening"]
    assert [(one.kind, one.weight) for one in listed.entries] == [
        ("playlist", 1),
        ("dislike", 1),
        ("play", 5),
        ("skip", 1),
    ]
    assert listed.entries[2].played_at == datetime(2021, 1, 13, 15, 4, tzinfo=UTC)
    assert {(one.artists, one.title, one.path) for one in listed.entries} == {
        ("Painter", "Meadow", "Macintosh HD/M/a.mp3")
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_library_of_itunes_is_read_in_the_encoding_that_it_has(encoding: str) -> None:
    """The declaration no longer applies once the text is decoded."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<plist version="1.0"><dict>'
        "<key>Tracks</key><dict><key>1</key><dict><key>Track ID</key><integer>1</integer>"
        "<key>Name</key><string>Café</string><key>Artist</key><string>Näva</string>"
        "<key>Loved</key><true/></dict></dict></dict></plist>"
    )
    assert found(read_list(text.encode(encoding), "Library.xml")) == [("like", "Näva", "Café")]


def test_the_workbook_of_deezer_is_read_sheet_by_sheet() -> None:
    for content in (workbook(DEEZER), archive({"deezer-data_1.xlsx": workbook(DEEZER)})):
        listed = list_reader.read(content, "deezer-data_1.xlsx")
        assert found(listed) == [
            ("like", "Painter", "Harbour"),
            ("play", "Painter", "Meadow"),
            ("play", "Painter", "Lantern"),
        ]
        assert listed.entries[1].played_at == datetime(2021, 5, 18, 21, 46, 54, tzinfo=UTC)
        assert [one.is_skip for one in listed.entries] == [False, False, True]
        assert "Deezer" in listed.format


def test_other_workbooks_are_explained() -> None:
    with pytest.raises(BadInput, match="no sheet of songs"):
        read_list(workbook({"Costs": [["Item", "Price"], ["Desk", "100"]]}), "costs.xlsx")
    broken = archive({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook"})
    with pytest.raises(BadInput, match="damaged"):
        read_list(broken, "x.xlsx")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>'
    for hidden in (
        bomb,
        f"{' ' * 3000}{bomb}",
        f"{' ' * (2**16 - 3)}{bomb}",
        bomb.encode("utf-16"),
    ):
        with pytest.raises(BadInput, match="entities"):
            read_list(archive({"[Content_Types].xml": "", "xl/workbook.xml": hidden}), "x.xlsx")


def test_favourites_of_deezer_with_a_date_are_no_plays() -> None:
    text = (
        "Song Title,Artist Name,Album Title,ISRC,Date\n"
        "Meadow,Painter,Fields,FRXXX2400002,2021-05-18 21:46:53\n"
    )
    listed = read_list(text.encode(), "8_favoriteSong.csv")
    assert (listed.format, found(listed)) == ("Deezer", [("like", "Painter", "Meadow")])


def test_plays_of_maloja_and_of_the_log_of_a_player() -> None:
    document = {
        "maloja": {"export_time": 1},
        "scrobbles": [
            {"time": 1_621_374_413,
             "track": {"artists": ["Painter", "Nova"], "title": "Meadow",
                       "album": {"albumtitle": "Fields"}, "length": 200}}
        ],
    }  # fmt: skip
    listed = read_list(json.dumps(document).encode(), "maloja_export.json")
    assert found(listed) == [("play", "Painter, Nova", "Meadow")]
    log = (
        "#AUDIOSCROBBLER/1.1\n#TZ/UNKNOWN\n#CLIENT/Rockbox\n"
        "Painter\tFields\tMeadow\t1\t200\tL\t1621374413\t\n"
        "Painter\tFields\tLantern\t2\t200\tS\t1621374500\t\nbroken\n"
    )
    listed = read_list(log.encode(), ".scrobbler.log")
    assert [(one.title, one.is_skip) for one in listed.entries] == [
        ("Meadow", False),
        ("Lantern", True),
    ]
    assert listed.refused == [(6, "has no readable time")]
    assert any("UTC" in note for note in listed.notes)


def test_json_that_is_no_list_of_songs_says_what_it_holds() -> None:
    with pytest.raises(BadInput, match="its rows have searchQuery, platform"):
        read_list(b'[{"searchQuery": "x", "platform": "y"}]', "SearchQueries.json")
