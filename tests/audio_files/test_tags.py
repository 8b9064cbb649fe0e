"""Tags of every kind of file, and labels from paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TCON, TDRC, TIT2, TPE1, TPE2, TRCK, TXXX, USLT
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggopus import OggOpus

from songrec.audio_files.path_labels import PathLabels, labels_of
from songrec.audio_files.tags import FileTags, clean, read_cover, read_tags
from tests.audio_files.sounds import tone, write

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
JPEG = b"\xff\xd8\xff\xe0" + bytes(50)


def sound(folder: Path, name: str, codec: str) -> Path:
    return write(folder / name, tone(1.0, 48_000), 48_000, codec)


def test_id3_tags_are_read_with_numbers_as_genres(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    tags = ID3()
    for frame in (
        TIT2(text="Song\0"),
        TPE1(text=["One", "Two", "One"]),
        TCON(text="(17)"),
        TDRC(text="2003-05-01"),
        TRCK(text="3/12"),
        USLT(lang="eng", text="la\r\nla"),
        APIC(mime="image/png", type=4, data=PNG),
        APIC(mime="wrong/type", type=3, data=JPEG),
    ):
        tags.add(frame)
    # Two pictures need two descriptions.
    tags.getall("APIC")[0].desc = "back"
    tags.save(path)
    tags = read_tags(path)
    assert tags == FileTags(
        "Song", "One, Two", None, ("Rock",), 2003, 3, None, "la\nla", True, ("One", "Two")
    )
    cover = read_cover(path)
    assert cover is not None
    assert cover.kind in ("image/jpeg", "image/png")


def test_the_artists_of_a_file_are_listed_with_their_ids(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    tags = ID3()
    for frame in (
        TPE1(text="Queen feat. David Bowie"),
        TPE2(text="Queen"),
        TXXX(desc="ARTISTS", text=["Queen", "David Bowie"]),
        TXXX(desc="MusicBrainz Artist Id", text=["id-1", "id-2"]),
    ):
        tags.add(frame)
    tags.save(path)
    tags = read_tags(path)
    assert (tags.artists, tags.album_artist) == ("Queen feat. David Bowie", "Queen")
    assert tags.artist_names == ("Queen", "David Bowie")
    assert tags.artist_ids == ("id-1", "id-2")


def test_one_id_says_that_a_name_is_one_artist(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.flac", "flac")
    file = FLAC(path)
    file["artist"], file["musicbrainz_artistid"] = "Earth, Wind & Fire", "id-1"
    file.save()
    tags = read_tags(path)
    assert (tags.artist_names, tags.artist_ids) == (("Earth, Wind & Fire",), ("id-1",))


def test_mp4_tags_are_read(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.m4a", "aac")
    file = MP4(path)
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"] = "Lied", "Jemand", "Platte"
    file["\xa9gen"], file["\xa9day"], file["trkn"] = "Folk; Pop", "1999", [(7, 0)]
    file["covr"] = [MP4Cover(JPEG, MP4Cover.FORMAT_JPEG)]
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.artists, tags.album) == ("Lied", "Jemand", "Platte")
    assert (tags.genres, tags.year, tags.track) == (("Folk", "Pop"), 1999, 7)
    assert read_cover(path).data == JPEG


@pytest.mark.parametrize(("name", "codec"), [("a.flac", "flac"), ("a.opus", "libopus")])
def test_vorbis_comments_are_read(tmp_path: Path, name: str, codec: str) -> None:
    path = sound(tmp_path, name, codec)
    file = FLAC(path) if codec == "flac" else OggOpus(path)
    file["TITLE"], file["artist"], file["DATE"] = "T", ["A", "B"], "19. 8. 1971"
    file["genre"], file["lyrics"], file["language"] = ["Jazz"], "words", "English"
    if codec == "flac":
        picture = Picture()
        picture.type, picture.data = 3, PNG
        file.add_picture(picture)
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.artists, tags.year) == ("T", "A, B", 1971)
    assert (tags.genres, tags.lyrics, tags.language) == (
        ("Jazz",),
        "words",
        "english",
    )
    assert tags.has_cover is (codec == "flac")


def test_a_file_without_tags_has_none_and_a_container_may_know(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.wav", "pcm_s16le")
    assert read_tags(path) == FileTags()
    metadata = {"TITLE": "From the container", "artist": "Somebody", "date": "2020-02-02"}
    filled = FileTags(artists="Known").filled(metadata)
    assert (filled.title, filled.artists, filled.year) == ("From the container", "Known", 2020)


def test_broken_tags_are_no_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + np.random.default_rng(0).bytes(5000))
    assert read_tags(path) == FileTags()
    assert read_cover(path) is None


def test_text_is_one_clean_line() -> None:
    assert clean(" a\0b\n\tc\u2028d\ufeff ") == "a b c d"
    assert clean("x\udcff") == "x?"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("genres_original/blues/blues.00000.wav", PathLabels("blues.00000", genre="blues")),
        ("Rock/Foo Fighters - Everlong.mp3", PathLabels("Everlong", "Foo Fighters", "rock")),
        ("Vaporwave/Someone - Song - Live.mp3", PathLabels("Song - Live", "Someone", "vaporwave")),
        ("hip_hop/01 - Someone - Song.mp3", PathLabels("Song", "Someone", "hip hop")),
        ("languages/Bangla/gaan.mp3", PathLabels("gaan", language="bangla")),
        ("Spanish/Pop/02. Algo.mp3", PathLabels("Algo", genre="pop", language="spanish")),
        ("Someone/Someone - Song.mp3", PathLabels("Song", "Someone")),
        ("Someone - Album (1999)/Someone - Song.mp3", PathLabels("Song", "Someone")),
        ("CD 1/Someone - Song.mp3", PathLabels("Song", "Someone")),
        ("Someone - Song.mp3", PathLabels("Song", "Someone")),
        ("Band/Album/07 Seven.mp3", PathLabels("Seven")),
        ("99.mp3", PathLabels("99")),
        ("Some_One_-_The_Song.ogg", PathLabels("The Song", "Some One")),
    ],
)
def test_labels_come_from_the_path(path: str, expected: PathLabels) -> None:
    root = Path("/home/me/collection")
    assert labels_of(root / path, root) == expected


def test_the_root_itself_may_name_a_genre_or_what_its_folders_are() -> None:
    root = Path("/data/genres_original")
    assert labels_of(root / "metal" / "a.wav", root).genre == "metal"
    assert labels_of(root / "odd" / "a.wav", root).genre == "odd"
    assert labels_of(root / "odd" / "a.wav", root / "odd").genre == "odd"
