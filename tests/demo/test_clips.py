"""The made-up clips: known answers, reproducible, readable, and measured right."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen import File
from scipy.signal import resample_poly

from songrec.core.types import Audio
from songrec.demo import clips
from songrec.demo.clips_styles import STYLES
from songrec.features.audio import key
from songrec.features.audio.stft import Frames
from songrec.features.audio.tempo import find_tempo, rhythm_envelope


@pytest.fixture(scope="module")
def plan() -> list[clips.Clip]:
    return clips.plan()


@pytest.fixture(scope="module")
def found(plan: list[clips.Clip]) -> list[tuple[float, int, int]]:
    """Tempo, key and mode as measured, at the rate at which everything is analysed."""
    answers = []
    for clip in plan:
        sound = resample_poly(clips.render(clip), 441, 640).astype(np.float32)
        frames = Frames(Audio(sound, 22_050, 0.0, clips.SECONDS))
        measured = key.find_key(key.pitch_classes(frames))
        tempo = find_tempo(rhythm_envelope(frames), frames.rate)
        answers.append((tempo, measured.key, measured.mode) if measured else (tempo, -1, -1))
    return answers


def test_there_are_sixty_in_a_dozen_styles_and_all_keys(plan) -> None:
    assert len(plan) == 60
    assert len({clip.style.name for clip in plan}) == 12
    assert len({(clip.key, clip.mode) for clip in plan}) == 24
    assert len({clip.path for clip in plan}) == 60


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_patterns_fill_their_bar(style) -> None:
    patterns = [style.comp, style.bass_line, style.lead_rhythm, *style.drums.values()]
    if style.lead is None:
        patterns.remove(style.lead_rhythm)
    assert {len(pattern) for pattern in patterns} == {4 * style.beats}


def test_chords_are_spelt_as_they_sound() -> None:
    assert clips._chord("IV", 0, 1) == (5, 9, 12)
    assert clips._chord("iv", 9, 0) == (14, 17, 21)
    assert clips._chord("V7", 0, 0) == (7, 11, 14, 17)
    assert clips._chord("I7", 0, 1) == (0, 4, 7, 11)
    in_minor = next(clip for clip in clips.plan() if clip.mode == 0 and clip.style.name == "metal")
    assert in_minor.chord_names.split()[0].endswith("m")


def test_the_same_seed_sounds_the_same_and_another_does_not(plan) -> None:
    one, again = clips.render(plan[7]), clips.render(clips.plan()[7])
    np.testing.assert_array_equal(one, again)
    assert clips.plan(21)[7].title != plan[7].title
    assert one.dtype == np.float32
    assert len(one) == 12 * clips.RATE
    assert 0.05 < np.abs(one).max() < 1.0


def test_tempo_is_measured_right_in_95_percent(plan, found) -> None:
    right = [
        abs(answer[0] / clip.tempo - 1) < 0.02 for clip, answer in zip(plan, found, strict=True)
    ]
    assert np.mean(right) >= 0.95


def test_key_and_mode_are_measured_right_in_95_percent(plan, found) -> None:
    assert (
        np.mean([answer[1] == clip.key for clip, answer in zip(plan, found, strict=True)]) >= 0.95
    )
    assert (
        np.mean([answer[2] == clip.mode for clip, answer in zip(plan, found, strict=True)]) >= 0.95
    )


def test_files_have_tags_and_the_table_what_is_known(plan, tmp_path: Path) -> None:
    few = [plan[0], plan[1], plan[36]]
    paths = clips.write(tmp_path, few)
    assert {path.suffix for path in paths} == {".wav", ".flac"}
    with (tmp_path / "clips.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for clip, path, row in zip(few, paths, rows, strict=True):
        samples, rate = soundfile.read(path)
        assert (len(samples), rate) == (12 * clips.RATE, clips.RATE)
        tags = File(path)
        if path.suffix == ".flac":
            assert (tags["title"], tags["artist"]) == ([clip.title], [clip.artist])
        else:
            assert (str(tags["TIT2"]), str(tags["TPE1"])) == (clip.title, clip.artist)
        assert tmp_path / row["clip"] == path
        assert (int(row["tempo"]), int(row["key"]), int(row["mode"])) == (
            clip.tempo,
            clip.key,
            clip.mode,
        )
    before = paths[0].stat().st_mtime_ns
    clips.write(tmp_path, few)
    assert paths[0].stat().st_mtime_ns == before
    assert not list(tmp_path.rglob(".*"))


def test_help_writes_no_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["clips", "--help"])
    with pytest.raises(SystemExit, match="0"):
        clips.main()
    assert "FOLDER" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
