"""What goes into a list comes out of the reader, or is named."""

from __future__ import annotations

import csv
import io
import json
import plistlib
from xml.sax.saxutils import escape

from hypothesis import example, given, settings
from hypothesis import strategies as st

from songrec.core.errors import BadInput
from songrec.services.listeners import list_files
from songrec.services.listeners.list_formats.entries import one_line

# No control characters: what they would do to lines is tested by itself.
text = (
    st.text(
        st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" ,;\t|'\"-&<>#%\\/[]{}=:."),
        min_size=1,
        max_size=20,
    )
    .map(one_line)
    .filter(bool)
)
names = st.lists(st.tuples(text, text), min_size=1, max_size=6)
fuzzy = settings(max_examples=60, deadline=None)


def accounted(listed: list_files.SongList) -> int:
    return len(listed.entries) + len(listed.refused) + listed.passed_over.total()


def plain(name: str) -> str:
    """A name without what separates several artists, which the reader writes in its own way."""
    return "".join(c for c in name if c not in ",; ")


def same(entry: list_files.ListEntry, artists: str, title: str) -> bool:
    return (plain(entry.title), plain(entry.artists)) == (plain(title), plain(artists))


@fuzzy
@given(names, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
@example([('"12 inch', "Anna")], ",", "\n", False)
def test_tables(songs, delimiter, end, quoted):
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["title", "artist", "album"])
    writer.writerows([title, artists, "x"] for artists, title in songs)
    listed = list_files.read(out.getvalue().encode())
    assert accounted(listed) == len(songs)
    for entry in listed.entries:
        assert any(same(entry, artists, title) for artists, title in songs)


@fuzzy
@given(names, st.data())
def test_a_table_with_a_stray_quote_loses_at_most_that_line(songs, data):
    lines = [f"{title},{artists},x" for artists, title in songs]
    lines = [line.replace('"', "").replace(",", "", line.count(",") - 2) for line in lines]
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = '"' + lines[at]
    listed = list_files.read("\n".join(["title,artist,album", *lines]).encode())
    assert accounted(listed) == len(songs)
    others = [reason for number, reason in listed.refused if number != at + 2]
    assert all(reason == "has no id and no title with an artist" for reason in others)


@fuzzy
@given(names)
def test_m3u(songs):
    lines = ["#EXTM3U", "#PLAYLIST:Mix"]
    for number, (artists, title) in enumerate(songs):
        lines += [f"#EXTINF:{number},{artists} - {title}", f"a/{number}.mp3"]
    listed = list_files.read("\n".join(lines).encode(), "x.m3u8")
    assert [entry.path for entry in listed.entries] == [f"a/{n}.mp3" for n in range(len(songs))]
    for entry, song in zip(listed.entries, songs, strict=True):
        # Where the artist's name has a dash of its own, the first dash divides.
        written = " - ".join(song)
        assert plain(f"{entry.artists} - {entry.title}") in (plain(written), plain(f" - {written}"))


@fuzzy
@given(names)
def test_pls(songs):
    lines = ["[playlist]"]
    for number, (artists, title) in enumerate(songs, 1):
        lines += [f"File{number}=a/{number}.mp3", f"Title{number}={artists} - {title}"]
    listed = list_files.read("\n".join(lines).encode())
    assert [entry.path for entry in listed.entries] == [
        f"a/{n}.mp3" for n in range(1, len(songs) + 1)
    ]
    assert not listed.refused


@fuzzy
@given(names, st.booleans())
def test_xspf(songs, escaped):
    write = escape if escaped else (lambda name: name.replace("<", "(").replace("&", "+"))
    tracks = "".join(
        f"<track><title>{write(title)}</title><creator>{write(artists)}</creator></track>"
        for artists, title in songs
    )
    listed = list_files.read(f"<playlist><trackList>{tracks}</trackList></playlist>".encode())
    assert len(listed.entries) == len(songs)
    if escaped:
        assert all(same(e, *song) for e, song in zip(listed.entries, songs, strict=True))


@fuzzy
@given(names)
def test_json_formats(songs):
    documents = {
        "like": {
            "tracks": [{"track": t, "artist": a, "uri": ""} for a, t in songs],
            "bannedTracks": [],
        },
        "playlist": {"playlist": {"track": [{"title": t, "creator": a} for a, t in songs]}},
        "play": [
            {"endTime": f"2020-01-{n + 1:02} 10:00", "trackName": t, "artistName": a, "msPlayed": 9}
            for n, (a, t) in enumerate(songs)
        ],
        "skip": {
            "format": list_files.FORMAT,
            "skips": [{"title": t, "artists": a, "times": 2} for a, t in songs],
        },
    }
    for kind, document in documents.items():
        listed = list_files.read(json.dumps(document).encode())
        assert [entry.kind for entry in listed.entries] == [kind] * len(songs)
        assert all(same(e, *song) for e, song in zip(listed.entries, songs, strict=True))


@fuzzy
@given(names)
@example([("{0}", "numbers in braces"), ("{:,}", "a format"), ("({0})", "both")])
def test_itunes(songs):
    tracks = {
        str(n): {"Track ID": n, "Name": title, "Artist": artists, "Loved": True}
        for n, (artists, title) in enumerate(songs)
    }
    listed = list_files.read(plistlib.dumps({"Tracks": tracks, "Playlists": []}))
    assert all(same(e, *song) for e, song in zip(listed.entries, songs, strict=True))


KEY_NAMES = """
format likes dislikes skips plays playlists tracks waiting name title artists id ids weight times
kind playlist playlist_number track feedback score track_metadata identifier creator location
listens payload listened_at additional_info spotify_id isrc recording_mbid mbid_mapping uri artist
bannedTracks album items trackName artistName trackUri localTrack episode endTime msPlayed ts uts
ms_played master_metadata_track_name spotify_track_uri scrobbles recenttracks lovedtracks date
header titleUrl subtitles played_at external_id path source total skipped description @attr"""
KEYS = KEY_NAMES.split()
values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "x", "2020-01-01 10:00", list_files.FORMAT, "like", "YouTube Music"])
)
json_values = st.recursive(
    values,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None)
@given(json_values, st.booleans())
def test_any_json_is_songs_or_one_clear_line(document, lines):
    if isinstance(document, list) and lines:
        content = "\n".join(json.dumps(row) for row in document)
    else:
        content = json.dumps(document)
    one_clear_line(content.encode())


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [
            b"#EXTM3U\n",
            b"[playlist]\n",
            b"<playlist>",
            b"<plist><dict><key>Tracks</key>",
            b"title,artist\n",
            b"Track name,Artist name,Playlist name,Type\n",
            b"uts,artist,track\n",
            b"\xff\xfe",
            b"PK\x03\x04",
            b"\x1f\x8b\x08",
            b"",
        ]
    ),
    st.binary(max_size=80) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")),
    st.sampled_from(["x.m3u", "x.csv", "x", "", "../x.txt", "x.json"]),
)
def test_any_bytes_are_songs_or_one_clear_line(start, rest, name):
    one_clear_line(start + rest, name)


def one_clear_line(content: bytes, name: str = "") -> None:
    try:
        listed = list_files.read(content, name)
    except BadInput as error:
        message = str(error)
    else:
        message = ""
        assert listed.entries or listed.refused or listed.playlists
        for entry in listed.entries:
            assert entry.label
            assert entry.kind in ("like", "dislike", "skip", "play", "playlist")
            assert "\n" not in entry.title + entry.artists
    assert "\n" not in message
    assert len(message) < 500
