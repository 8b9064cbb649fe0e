"""Pictures of covers are scaled once, whatever they are, and damaged ones cost nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from songrec.audio_files.folder_pictures import find_picture
from songrec.services.features.cover_pictures import (
    note_folder_pictures,
    scale,
    scale_pictures,
)
from songrec.store.instance import Instance
from songrec.store.sound import waveform_cache
from songrec.store.sound.waveform_cache import COVER_PIXELS
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


def picture(kind: str = "JPEG", size: tuple[int, int] = (600, 400), mode: str = "RGB") -> bytes:
    """A picture that is red with a blue middle."""
    image = Image.new(mode, size, "red")
    width, height = size
    image.paste("blue", (width // 3, 0, 2 * width // 3, height))
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_is_scaled_to_squares_of_each_size(kind: str) -> None:
    scaled = scale(picture(kind, (3000, 2000)))
    assert scaled is not None
    for name, data in scaled.items():
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("JPEG", (COVER_PIXELS[name],) * 2)
            red, _, blue = image.getpixel((COVER_PIXELS[name] // 2, 10))
            assert blue > 200 > 60 > red
    assert len(scaled["small"]) < 8_000


def test_what_is_transparent_becomes_white() -> None:
    content = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(content, "PNG")
    scaled = scale(content.getvalue())
    assert scaled is not None
    with Image.open(io.BytesIO(scaled["small"])) as image:
        assert min(image.getpixel((40, 40))) > 250


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        picture()[:200],
        picture("PNG")[:60],
        b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\x7f\xff\xff\xff" * 2,
    ],
)
def test_a_damaged_or_boundless_picture_is_none(data: bytes) -> None:
    assert scale(data) is None


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (("Folder.JPG", "cover.png", "notes.txt"), "cover.png"),
        (("back.jpg", "Front.jpeg"), "Front.jpeg"),
        (("back.jpg", "track.wav"), None),
    ],
)
def test_the_cover_of_a_folder_goes_by_its_name(
    tmp_path: Path, names: tuple[str, ...], best: str | None
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    found = find_picture(tmp_path)
    assert (found.name if found else None) == best
    assert find_picture(tmp_path / "missing") is None


def test_the_picture_in_a_folder_becomes_its_songs_cover(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    files = [
        add_sound(session, make_track(session), write_wav(tmp_path / folder / "song.wav", 0.1, n))
        for n, folder in ((200, "with"), (300, "damaged"), (400, "without"))
    ]
    for file in files:
        file.root = str(tmp_path)
    (tmp_path / "with" / "cover.jpg").write_bytes(picture())
    (tmp_path / "damaged" / "cover.jpg").write_bytes(b"no picture")
    session.commit()
    assert note_folder_pictures(session, tmp_path) == 2
    session.commit()
    assert scale_pictures(instance) == (1, 0)
    assert [file.has_cover for file in files] == [True, False, False]
    assert waveform_cache.has_thumbnails(instance.folder, str(files[0].content_hash))
    assert scale_pictures(instance) == (0, 0)


def test_a_cover_on_a_disk_that_is_away_is_tried_again_later(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "song.wav", 0.1)
    file = add_sound(session, make_track(session), path, has_cover=True)
    path.unlink()
    session.commit()
    scale_pictures(Instance(app.config["INSTANCE"], session))
    assert file.has_cover
