"""Every odd file there is: analysed or rejected with one line, in bounded time, never an end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from songrec.audio_files.decoding import LOUDEST, SHORTEST_S, decode
from songrec.audio_files.file_scan import walk
from songrec.audio_files.tag_text import clean
from songrec.audio_files.tags import read_cover, read_tags
from songrec.core.errors import BadInput

pytestmark = pytest.mark.realdata
NO_SOUND = {".txt", ".toml", ".csv", ""}


@pytest.fixture(scope="module")
def awkward(real_data: Path) -> Path:
    return (real_data / "audio" / "awkward").resolve()


def files(awkward: Path) -> Iterator[Path]:
    yield from (path for path in sorted(awkward.rglob("*")) if path.is_file())


def test_every_odd_file_is_decoded_or_refused_in_one_line(awkward: Path) -> None:
    decoded = refused = 0
    for path in files(awkward):
        start = time.perf_counter()
        reason, found = None, None
        try:
            found = decode(path)
        except BadInput as error:
            reason = str(error)
        if found is None:
            refused += 1
            assert 5 < len(reason) < 300, path
            assert "\n" not in reason, path
            assert str(path) not in reason, path
        else:
            decoded += 1
            samples = found.audio.samples
            assert samples.dtype == np.float32, path
            assert samples.ndim == 1, path
            assert np.isfinite(samples).all(), path
            assert 0 < np.abs(samples).max() <= LOUDEST, path
            assert SHORTEST_S <= found.seconds <= 30.001, path
            assert found.audio.start_s + found.seconds <= found.audio.duration_s + 0.1, path
            assert 1 <= found.channels <= 8, path
            assert found.source_rate > 0, path
        assert time.perf_counter() - start < 20, path
    assert decoded >= 40
    assert refused >= 200


def test_odd_files_that_hold_sound_are_not_refused(awkward: Path) -> None:
    for name in (
        "openl3/chirp_stereo.wav",
        "flac/41 - 6 channels (5.1).flac",
        "flac/23 - 8 bit per sample.flac",
        "flac/10 - invalid vorbis comment metadata block.flac",
        "beets/whitenoise.opus",
        "tinytag/8khz_5s.opus",
        "tinytag/M1F1-mulawC-AFsp.afc",
        "tinytag/lossless.wma",
        "beets/mpeglayer3.wav",
        "tinytag/flac453sStereo.flac",
    ):
        assert decode(awkward / name).seconds > SHORTEST_S, name


def test_a_wrong_length_in_the_header_is_noted(awkward: Path) -> None:
    found = decode(awkward / "flac" / "05 - wrong total number of samples.flac")
    assert found.seconds > 4
    assert any("claims 1.7 s" in note for note in found.notes)


def test_tags_of_odd_files_are_clean_text(awkward: Path) -> None:
    tagged = covers = 0
    for path in files(awkward):
        tags = read_tags(path)
        for text in (tags.title, tags.artists, tags.album, *tags.genres):
            assert text is None or (text == clean(text) and text and len(text) <= 500), path
        assert tags.year is None or 1000 <= tags.year < 2100, path
        assert "\0" not in (tags.lyrics or ""), path
        tagged += tags.title is not None
        covers += read_cover(path) is not None
    assert tagged > 60
    assert covers > 15


@pytest.mark.parametrize(
    "kind",
    ["aiff", "alac.m4a", "ape", "dsf", "flac", "m4a", "mp3", "mpc", "ogg", "opus", "wma", "wv"],
)
def test_full_tags_are_read_in_every_format(awkward: Path, kind: str) -> None:
    tags = read_tags(awkward / "beets" / f"full.{kind}")
    assert (tags.title, tags.artists, tags.album) == ("full", "the artist", "the album")
    assert (tags.genres, tags.year, tags.track) == (("the genre",), 2001, 2)
    assert tags.lyrics


def test_the_walk_finds_sound_and_leaves_words(awkward: Path) -> None:
    found = {found.path for found in walk(awkward)}
    named = {path for path in files(awkward) if path.suffix not in NO_SOUND}
    assert not {path for path in found if path.suffix in NO_SOUND}
    left = {path.name for path in named - found}
    assert all(name.endswith((".x", ".bogus", ".afc", ".ogv")) for name in left), left


def test_tags_that_others_lose_are_read(real_data: Path) -> None:
    folder = real_data / "faults" / "audio"
    ape = read_tags(folder / "t15 ape only.mp3")
    assert (ape.title, ape.artist_names, ape.year) == ("Ape title", ("Ape A", "Ape B"), 1999)
    assert (ape.genres, ape.has_cover) == (("Folk",), True)
    mended = read_tags(folder / "t04c utf8 in latin1.mp3")
    assert (mended.title, mended.artists) == ("Déjà vu", "Beyoncé")
    assert mended.notes
    video = read_tags(folder / "ytdlp.opus")
    assert (video.title, video.artists, video.year) == ("Yt opus", "A", 2019)
