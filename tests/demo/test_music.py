"""The demo music: as varied as planned, reproducible, equally loud, and measured right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen import id3
from scipy.signal import resample_poly

from songrec.core.types import Audio
from songrec.demo import mastering, music
from songrec.demo.clips_sounds import RATE
from songrec.demo.instruments import DRUMS, INSTRUMENTS
from songrec.demo.music_styles import STYLES, Style
from songrec.features.audio import key
from songrec.features.audio.stft import Frames
from songrec.features.audio.tempo import find_tempo, rhythm_envelope

SHOWN = tuple(range(0, 32, 3))
"""Pieces that are rendered here, of different styles."""


@pytest.fixture(scope="module")
def plan() -> list[music.Piece]:
    return music.plan()


@pytest.fixture(scope="module")
def rendered(plan: list[music.Piece]) -> list[tuple[music.Piece, np.ndarray]]:
    return [(plan[number], music.render(plan[number])) for number in SHOWN]


def test_96_pieces_in_16_styles_come_in_turn(plan: list[music.Piece]) -> None:
    assert len(plan) == len({piece.path for piece in plan}) == 96
    assert len({piece.style.name for piece in plan[:16]}) == 16
    assert len({piece.artist for piece in plan}) == 32
    assert {piece.mode for piece in plan} == {0, 1}
    assert len({piece.key for piece in plan}) == 12


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_patterns_fill_their_bar_and_sounds_exist(style: Style) -> None:
    for part in style.parts:
        assert {len(pattern) for pattern in part.patterns} == {4 * style.beats}, part
        assert part.sound in (DRUMS if part.role == "drum" else INSTRUMENTS)
        assert set(part.sections) <= set("iabo")
    for progression in (*style.major, *style.minor_chords):
        for degree in progression:
            assert len(music.chord_of(degree, 0, 1)) in (3, 4)


def test_chords_are_spelt_as_they_sound() -> None:
    assert music.chord_of("IV", 0, 1) == (5, 9, 12)
    assert music.chord_of("iv", 9, 0) == (14, 17, 21)
    assert music.chord_of("V7", 0, 0) == (7, 11, 14, 17)
    assert music.chord_of("I7", 0, 1) == (0, 4, 7, 11)


def test_voices_move_little_from_chord_to_chord() -> None:
    part = next(part for part in STYLES[0].parts if part.role == "chords")
    c = music._voicing(part, music.chord_of("I", 0, 1), [])
    for degree in ("IV", "V", "vi", "ii"):
        moved = music._voicing(part, music.chord_of(degree, 0, 1), c)
        assert {pitch % 12 for pitch in moved} == {
            tone % 12 for tone in music.chord_of(degree, 0, 1)
        }
        assert max(abs(a - b) for a, b in zip(sorted(c), sorted(moved), strict=True)) <= 5


def test_a_piece_is_half_a_minute_in_stereo_that_begins_and_ends_in_silence(rendered) -> None:
    for piece, sound in rendered:
        seconds = len(sound) / RATE
        assert 25 < seconds < 40, piece.style.name
        assert (sound.dtype, sound.shape[1]) == (np.float32, 2)
        assert np.abs(sound[0]).max() < 1e-3
        assert np.abs(sound[-1]).max() < 1e-3
        assert np.abs(sound).max() <= mastering.PEAK
        # In mono, as a telephone plays it, it loses less than half.
        both = np.sqrt(np.mean(np.square(sound)))
        assert np.sqrt(np.mean(np.square(sound.mean(axis=1)))) > 0.5 * both


def test_every_piece_is_equally_loud(rendered) -> None:
    for piece, sound in rendered:
        assert mastering.loudness(sound) == pytest.approx(mastering.LUFS, abs=0.7), piece.style.name


def test_loudness_is_measured_as_the_standard_says() -> None:
    # A sine of 997 Hz at full scale in one channel is -3.01 LUFS (BS.1770).
    t = np.arange(5 * RATE) / RATE
    sine = np.stack([np.sin(2 * np.pi * 997 * t), np.zeros(len(t))], axis=1)
    assert mastering.loudness(sine) == pytest.approx(-3.01, abs=0.15)


def test_the_same_piece_sounds_the_same(plan, rendered) -> None:
    np.testing.assert_array_equal(music.render(music.plan()[SHOWN[0]]), rendered[0][1])


def test_tempo_and_key_are_measured_right_in_most(rendered) -> None:
    tempos, keys = [], []
    for piece, sound in rendered:
        mono = resample_poly(sound.mean(axis=1), 441, 640).astype(np.float32)
        frames = Frames(Audio(mono, 22_050, 0.0, len(mono) / 22_050))
        ratio = find_tempo(rhythm_envelope(frames), frames.rate) / piece.tempo
        tempos.append(min(abs(ratio / factor - 1) for factor in (0.5, 1.0, 2.0, 1.5, 3.0)) < 0.03)
        measured = key.find_key(key.pitch_classes(frames))
        # The relative key has the same notes.
        relative = (piece.key + (9 if piece.mode else 3)) % 12
        keys.append(measured is not None and measured.key in (piece.key, relative))
    assert np.mean(tempos) >= 0.7
    assert np.mean(keys) >= 0.7


def test_a_chord_through_an_amplifier_distorts_as_one_and_silence_stays_silent() -> None:
    t = np.arange(RATE) / RATE
    fifth = (0.5 * np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 330 * t)).astype("f4")
    loud = mastering.amplify(fifth, 7.0)
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(len(loud))))
    # The difference of both tones, an octave below the root, is what makes a power chord.
    assert spectrum[110] > 0.03 * spectrum.max()
    assert np.abs(mastering.amplify(np.zeros(RATE, dtype="f4"), 7.0)).max() < 1e-6


def test_a_file_has_tags_and_is_written_once(plan, tmp_path: Path) -> None:
    path = music.write(tmp_path, plan[0])
    tags = id3.ID3(path)
    assert (str(tags["TIT2"]), str(tags["TPE1"])) == (plan[0].title, plan[0].artist)
    assert str(tags["TCON"]) == plan[0].style.genre
    samples, rate = soundfile.read(path)
    assert (rate, samples.shape[1]) == (RATE, 2)
    before = path.stat().st_mtime_ns
    assert music.write(tmp_path, plan[0]) == path
    assert path.stat().st_mtime_ns == before
    assert not [other for other in tmp_path.rglob("*") if other.is_file() and other != path]
