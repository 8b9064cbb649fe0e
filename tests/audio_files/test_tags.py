"""Tags of every kind of file, and labels from paths."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import (
    APIC,
    ID3,
    SYLT,
    TALB,
    TCON,
    TDRC,
    TIT2,
    TORY,
    TPE1,
    TPE2,
    TPOS,
    TRCK,
    TXXX,
    TYER,
    USLT,
)
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggopus import OggOpus

from songrec.audio_files.decoding import decode
from songrec.audio_files.path_labels import PathLabels, labels_of
from songrec.audio_files.tag_text import clean
from songrec.audio_files.tags import FileTags, read_cover, read_tags
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
        TPOS(text="2/2"),
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
        "Song", "One, Two", None, ("Rock",), 2003, 3, None, "la\nla", True, ("One", "Two"), disc=2
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
    file["disk"] = [(2, 3)]
    file["covr"] = [MP4Cover(JPEG, MP4Cover.FORMAT_JPEG)]
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.artists, tags.album) == ("Lied", "Jemand", "Platte")
    assert (tags.genres, tags.year, tags.track, tags.disc) == (("Folk", "Pop"), 1999, 7, 2)
    assert read_cover(path).data == JPEG


@pytest.mark.parametrize(("name", "codec"), [("a.flac", "flac"), ("a.opus", "libopus")])
def test_vorbis_comments_are_read(tmp_path: Path, name: str, codec: str) -> None:
    path = sound(tmp_path, name, codec)
    file = FLAC(path) if codec == "flac" else OggOpus(path)
    file["TITLE"], file["artist"], file["DATE"] = "T", ["A", "B"], "19. 8. 1971"
    file["genre"], file["lyrics"], file["language"] = ["Jazz"], "words", "English"
    file["DISCNUMBER"] = "02"
    if codec == "flac":
        picture = Picture()
        picture.type, picture.data = 3, PNG
        file.add_picture(picture)
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.artists, tags.year, tags.disc) == ("T", "A, B", 1971, 2)
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
    assert FileTags().filled({"disc": "2/3"}).disc == 2


def test_broken_tags_are_no_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + np.random.default_rng(0).bytes(5000))
    assert read_tags(path) == FileTags(notes=("its tags are damaged",))
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


def append_ape(path: Path, items: dict[str, bytes | list[str]], *, id3v1: bytes = b"") -> None:
    """Append an APEv2 tag with a footer, and an ID3v1 tag behind it."""
    body = b""
    for key, value in items.items():
        is_binary = isinstance(value, bytes) and key.startswith("Cover")
        data = value if isinstance(value, bytes) else "\0".join(value).encode()
        body += struct.pack("<II", len(data), 2 if is_binary else 0) + key.encode() + b"\0" + data
    footer = struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(body) + 32, len(items), 0)
    with path.open("ab") as file:
        file.write(body + footer + id3v1)


def id3v1(title: bytes, artist: bytes = b"", genre: int = 255) -> bytes:
    return b"TAG" + title.ljust(30, b"\0") + artist.ljust(30, b"\0") + bytes(64) + bytes([genre])


def test_apev2_completes_id3_and_precedes_id3v1(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    items = {"TITLE": ["Whole title of more than thirty letters"], "Artist": ["A", "B"]}
    cover = {"Cover Art (Front)": b"front.png\0" + PNG, "Year": ["1999"], "Genre": ["(17)"]}
    append_ape(path, {**items, **cover}, id3v1=id3v1(b"Whole title of more than thirt", b"V1"))
    tags = read_tags(path)
    assert (tags.title, tags.artists) == ("Whole title of more than thirty letters", "A, B")
    assert (tags.year, tags.genres, tags.has_cover) == (1999, ("Rock",), True)
    assert read_cover(path).data == PNG

    id3 = ID3()
    id3.add(TIT2(encoding=3, text="By ID3"))
    id3.save(path)
    tags = read_tags(path)
    assert (tags.title, tags.artists) == ("By ID3", "A, B")


def test_apev2_with_a_damaged_item_or_another_encoding_keeps_the_rest(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    append_ape(path, {"Title": "Müde".encode("cp1252"), "Artist": ["Q"]})
    assert (read_tags(path).title, read_tags(path).artists) == ("Müde", "Q")
    data = path.read_bytes()
    path.write_bytes(
        data[:-32].replace(b"\x01\0\0\0\0\0\0\0Artist", b"\xff\xff\xff\x7f\0\0\0\0Artist")
        + data[-32:]
    )
    assert (read_tags(path).title, read_tags(path).artists) == ("Müde", None)


def test_id3v1_alone_is_read_with_its_genre_and_a_cut_character(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    with path.open("ab") as file:
        file.write(id3v1(f"A{'ö' * 15}".encode()[:30], b"Bj\xf6rk", 17))
    tags = read_tags(path)
    assert tags.title == f"A{'ö' * 14}"
    assert (tags.artists, tags.genres) == ("Björk", ("Rock",))


def test_text_in_a_wrong_encoding_is_mended_and_noted(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    tags = ID3()
    tags.add(TIT2(encoding=0, text="DÃ©jÃ\xa0 vu"))
    tags.add(TPE1(encoding=1, text="SigÃºr"))
    tags.add(TALB(encoding=0, text="Don\x92t"))
    tags.save(path)
    read = read_tags(path)
    assert (read.title, read.artists, read.album) == ("Déjà vu", "Sigúr", "Don’t")
    assert read.notes == ("title, artist: UTF-8 in a field declared otherwise, mended",)


def test_a_foreign_code_page_is_named_and_read_by_the_setting(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    tags = ID3()
    tags.add(TIT2(encoding=0, text="Выхода нет".encode("cp1251").decode("latin-1")))
    tags.add(TPE1(encoding=0, text="Сплин".encode("cp1251").decode("latin-1")))
    tags.add(TALB(encoding=0, text="Beyoncé"))
    tags.save(path)
    read = read_tags(path)
    assert read.title == "Âûõîäà íåò"
    assert "SONGREC_TAG_ENCODING=cp1251" in read.notes[0]
    assert "Выхода нет / Сплин" in read.notes[0]
    read = read_tags(path, "cp1251")
    assert (read.title, read.artists, read.album) == ("Выхода нет", "Сплин", "Beyoncé")


def test_the_info_chunk_of_wav_is_read_in_its_own_encoding(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.wav", "pcm_s16le")

    def info(title: bytes) -> FileTags:
        body = b"INFOINAM" + struct.pack("<I", len(title)) + title + bytes(len(title) % 2)
        chunk = b"LIST" + struct.pack("<I", len(body)) + body
        data = original + chunk
        path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
        return read_tags(path).filled(decode(path).metadata)

    original = path.read_bytes()
    assert info("Müde – Größe".encode("cp1252")).title == "Müde – Größe"
    assert info("Müde – Größe".encode()).title == "Müde – Größe"
    read = info("Группа крови".encode("cp1251"))
    assert "SONGREC_TAG_ENCODING=cp1251" in read.notes[-1]


def test_vorbis_text_that_is_not_utf8_is_read_from_the_container(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.flac", "flac")
    file = FLAC(path)
    file["title"], file["artist"] = "M?de", "Known"
    file.save()
    path.write_bytes(path.read_bytes().replace(b"M?de", b"M\xfcde"))
    read = read_tags(path).filled(decode(path).metadata)
    assert (read.title, read.artists) == ("Müde", "Known")


@pytest.mark.parametrize(
    ("written", "genres"),
    [
        ("(17)", ("Rock",)),
        ("17", ("Rock",)),
        ("(17)Rock", ("Rock",)),
        ("(17)Krautrock", ("Rock", "Krautrock")),
        ("(31)(39)", ("Trance", "Noise")),
        ("(RX)", ("Remix",)),
        ("((Odd)", ("(Odd)",)),
        ("255", ()),
        ("(255)", ()),
        ("(255)Ska", ("Ska",)),
        ("80s; Pop / Rock", ("80s", "Pop", "Rock")),
        ("genre 1", ("genre 1",)),
    ],
)
@pytest.mark.parametrize("kind", ["mp3", "flac"])
def test_numbers_of_genres_become_names(
    tmp_path: Path, kind: str, written: str, genres: tuple[str, ...]
) -> None:
    if kind == "mp3":
        path = sound(tmp_path, "a.mp3", "libmp3lame")
        tags = ID3()
        tags.add(TCON(encoding=3, text=written))
        tags.save(path)
    else:
        path = sound(tmp_path, "a.flac", "flac")
        file = FLAC(path)
        file["genre"] = written
        file.save()
    assert read_tags(path).genres == genres


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("20190614", 2019),
        ("2019-06-14", 2019),
        ("201906", 2019),
        ("14.06.2019", 2019),
        ("2019", 2019),
        ("20190614T101112", 2019),
        ("99999999", None),
        ("123456", None),
        ("0000", None),
    ],
)
def test_years_are_read_from_dates(tmp_path: Path, written: str, year: int | None) -> None:
    path = sound(tmp_path, "a.opus", "libopus")
    file = OggOpus(path)
    file["date"] = written
    file.save()
    assert read_tags(path).year == year


def test_the_year_is_that_of_the_first_release(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    tags = ID3()
    tags.add(TYER(encoding=0, text="20110926"))
    tags.add(TORY(encoding=0, text="1991"))
    tags.save(path, v2_version=3)
    assert read_tags(path).year == 1991
    path = sound(tmp_path, "b.flac", "flac")
    file = FLAC(path)
    file["DATE"], file["ORIGINALDATE"] = "2011", "1991-09-24"
    file.save()
    assert read_tags(path).year == 1991
    file["ORIGINALDATE"] = "2020"  # later than this release: wrong
    file.save()
    assert read_tags(path).year == 2011
    path = sound(tmp_path, "c.m4a", "aac")
    mp4 = MP4(path)
    mp4["\xa9day"], mp4["----:com.apple.iTunes:ORIGINALYEAR"] = "2011", [b"1991"]
    mp4.save()
    assert read_tags(path).year == 1991


def test_freeform_atoms_are_read_whoever_wrote_them(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.m4a", "aac")
    file = MP4(path)
    file["\xa9ART"] = "One & Two"
    file["----:org.example:Artists"] = [b"One", b"Two"]
    file["----:com.apple.iTunes:LANGUAGE"] = [b"deutsch"]
    file["----:com.apple.iTunes:LYRICS"] = ["Größe".encode("cp1252")]
    file.save()
    tags = read_tags(path)
    assert (tags.artist_names, tags.language, tags.lyrics) == (("One", "Two"), "deutsch", "Größe")


def test_synchronised_lyrics_and_files_beside_are_lyrics(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    (tmp_path / "a.lrc").write_text("[00:01.00]beside")
    assert read_tags(path).lyrics == "beside"
    tags = ID3()
    tags.add(SYLT(encoding=3, lang="eng", format=2, type=1, text=[("one", 10), ("two", 20)]))
    tags.save(path)
    assert read_tags(path).lyrics == "one\ntwo"
    tags.add(USLT(encoding=3, lang="eng", text="[00:05.00]plain"))
    tags.save(path)
    assert read_tags(path).lyrics == "plain"


def test_the_tags_of_a_video_become_those_of_a_song(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.opus", "libopus")
    file = OggOpus(path)
    file["title"], file["artist"] = "Some One - A Song (Official Video)", "SomeOneVEVO"
    file["date"], file["purl"] = "20190614", "https://www.youtube.com/watch?v=0"
    file.save()
    tags = read_tags(path).filled(decode(path).metadata)
    assert (tags.title, tags.artists, tags.year) == ("A Song", "Some One", 2019)
    assert len(tags.notes) == 1
    assert "Official Video" in tags.notes[0]


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.opus", "a.m4a", "a.wav"])
@pytest.mark.parametrize("seed", range(6))
def test_damaged_tags_raise_nothing(tmp_path: Path, name: str, seed: int) -> None:
    codecs = {"mp3": "libmp3lame", "flac": "flac", "opus": "libopus", "m4a": "aac"}
    path = sound(tmp_path, name, codecs.get(name[2:], "pcm_s16le"))
    if name != "a.wav":
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        file["title"], file["artist"], file["genre"] = "T" * 40, ["A", "B"], "17"
        file.save()
    append_ape(path, {"Title": ["Ape"], "Cover Art (Front)": b"x\0" + JPEG}, id3v1=id3v1(b"V1"))
    rng = np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    for at in [*rng.integers(0, 400, 20), *rng.integers(len(data) - 400, len(data), 20)]:
        data[at] = rng.integers(256)
    path.write_bytes(bytes(data))
    tags = read_tags(path)
    assert tags.title is None or tags.title == clean(tags.title)
    read_cover(path)


def test_old_pictures_of_vorbis_comments_are_covers(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.opus", "libopus")
    file = OggOpus(path)
    file["COVERART"] = base64.b64encode(PNG).decode()
    file.save()
    assert read_cover(path).data == PNG
    picture = Picture()
    picture.type, picture.data = 3, JPEG
    file["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture.write()).decode()
    del file["COVERART"]
    file.save()
    assert read_cover(path).data == JPEG
