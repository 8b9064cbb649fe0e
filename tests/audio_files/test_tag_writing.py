"""Writing tempo and key: nothing else in the file changes, and links stay links."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, PRIV, TIT2, TXXX, TYER

from songrec.audio_files.decoding import decode
from songrec.audio_files.tag_writing import write_values
from songrec.audio_files.tags import read_cover, read_tags
from songrec.core.errors import BadInput
from tests.audio_files.test_tags import PNG, append_ape, id3v1, sound

EMPTY_FRAME = b"XYZW" + struct.pack(">I", 4) + b"\0\0" + b"data"


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.aiff"])
def test_the_version_of_id3_and_all_other_frames_stay(
    tmp_path: Path, name: str, version: int
) -> None:
    codecs = {"mp3": "libmp3lame", "wav": "pcm_s16le", "aiff": "pcm_s16be"}
    path = sound(tmp_path, name, codecs[name[2:]])
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for frame in (
        TIT2(encoding=0, text="M\xfcde"),
        TYER(encoding=0, text="1999"),
        TXXX(encoding=1, desc="odd", text=["a", "b"]),
        PRIV(owner="me", data=b"\0\x01"),
        APIC(encoding=0, mime="image/png", type=3, data=PNG),
    ):
        file.tags.add(frame)
    file.tags.unknown_frames, file.tags._unknown_v2_version = [EMPTY_FRAME], version
    file.tags.save(path, v2_version=version, v23_sep=None)
    before = dict(type(file.tags)(path, translate=False).items())
    samples = decode(path).audio.samples

    write_values(path, tempo=117.6, key="F#m")
    tags = type(file.tags)(path, translate=False)
    assert tags.version[:2] == (2, version)
    assert (str(tags.pop("TBPM")), str(tags.pop("TKEY"))) == ("118", "F#m")
    assert dict(tags.items()) == before
    assert [bytes(frame) for frame in tags.unknown_frames] == [EMPTY_FRAME]
    assert (decode(path).audio.samples == samples).all()


def test_id3v1_stays_byte_by_byte(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    tags = ID3()
    tags.add(TIT2(encoding=3, text="Another title"))
    tags.save(path)
    old = id3v1("Название".encode("cp1251"), b"x", 17)
    with path.open("ab") as file:
        file.write(old)
    write_values(path, tempo=100)
    assert path.read_bytes().endswith(old)
    assert path.read_bytes().count(b"TAG\xcd") == 1
    assert "TCON" not in ID3(path, load_v1=False)


def test_an_mp3_with_apev2_alone_gets_no_id3(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    ID3(path).delete(path)
    old = id3v1(b"Title")
    append_ape(path, {"Title": ["Title"], "Cover Art (Front)": b"a.png\0" + PNG}, id3v1=old)
    bare = tmp_path / "b.mp3"
    bare.write_bytes(path.read_bytes()[: -len(old)])
    write_values(bare, tempo=100, key="C")
    assert not bare.read_bytes().startswith(b"ID3")
    assert (str(APEv2(bare)["BPM"]), str(APEv2(bare)["INITIALKEY"])) == ("100", "C")
    assert (read_tags(bare).title, read_cover(bare).data) == ("Title", PNG)
    write_values(path, tempo=100)
    assert path.read_bytes().endswith(old)
    assert (str(APEv2(path)["Title"]), str(APEv2(path)["BPM"])) == ("Title", "100")


def test_pictures_of_flac_stay_and_text_that_would_be_lost_stops_it(tmp_path: Path) -> None:
    path = sound(tmp_path, "a.flac", "flac")
    file = FLAC(path)
    picture = Picture()
    picture.type, picture.data, picture.mime = 3, PNG, "image/png"
    file.add_picture(picture)
    file["Title"], file["ODD"] = "x", ["1", "2"]
    file.save()
    write_values(path, tempo=90)
    file = FLAC(path)
    assert (file["title"], file["odd"], file["bpm"]) == (["x"], ["1", "2"], ["90"])
    assert file.pictures[0].data == PNG
    path.write_bytes(path.read_bytes().replace(b"Title=x", b"Title=\xfc"))
    before = path.read_bytes()
    with pytest.raises(BadInput, match="UTF-8"):
        write_values(path, tempo=91)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.flac"]


def test_links_stay_links(tmp_path: Path) -> None:
    path = sound(tmp_path / "real", "a.mp3", "libmp3lame")
    symbolic, hard = tmp_path / "symbolic.mp3", tmp_path / "hard.mp3"
    symbolic.symlink_to(path)
    write_values(symbolic, tempo=100)
    assert symbolic.is_symlink()
    assert str(ID3(path)["TBPM"]) == "100"
    os.link(path, hard)
    path.chmod(0o640)
    os.utime(path, (0, 0))
    write_values(hard, key="Am")
    assert hard.samefile(path)
    assert (path.stat().st_nlink, path.stat().st_mode & 0o777) == (2, 0o640)
    assert path.stat().st_mtime > 0
    assert (str(ID3(path)["TBPM"]), str(ID3(path)["TKEY"])) == ("100", "Am")
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.mp3"]


def test_a_file_of_several_names_that_is_written_in_part_leaves_a_complete_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sound(tmp_path, "a.mp3", "libmp3lame")
    os.link(path, tmp_path / "b.mp3")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("songrec.audio_files.tag_writing.os.fsync", full)
    with pytest.raises(BadInput, match=r"a\.complete\.mp3 is complete"):
        write_values(path, tempo=100)
    assert str(ID3(tmp_path / "a.complete.mp3")["TBPM"]) == "100"


def test_what_has_no_tags_that_can_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.au"
    path.write_bytes(b".snd" + bytes(100))
    with pytest.raises(BadInput, match="cannot be written"):
        write_values(path, tempo=100)
