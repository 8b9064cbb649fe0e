"""Retrieval on clips whose answer is known, and on the real ones."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.features.audio.mfcc import Mfcc
from songrec.services.evaluation.clip_list import read_clip_pairs
from songrec.services.evaluation.clip_retrieval import evaluate_clips, parse_sets
from songrec.services.similarity.sound_mixture import WEIGHTS

RATE = 22_050


def write_clip(path: Path, hertz: float, noise: float, seed: int) -> None:
    """Two seconds of a tone with overtones in noise, of its own timbre."""
    at = np.arange(2 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * hertz * n * at) / n for n in range(1, 5))
    sound = 0.2 * tone + noise * np.random.default_rng(seed).normal(size=len(at))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


# By their timbre: two pure tones, two noisy ones.
ARTISTS = ("tones", "noises", "tones", "noises")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    lines = ["clip,track,excerpt,artist"]
    for at, (hertz, noise) in enumerate([(110, 0.001), (440, 0.05), (1760, 0.001), (220, 0.15)]):
        for excerpt in "ab":
            name = f"{at}{excerpt}.wav"
            write_clip(folder / name, hertz, noise, seed=2 * at + (excerpt == "b"))
            lines.append(f"{name},track {at},{excerpt},{ARTISTS[at]}")
    write_clip(folder / "alone.wav", 300, 0.01, 99)
    lines.append("alone.wav,alone,a,tones")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder


PERFECT = {"pairs": 4, "top1": 1.0, "top5": 1.0, "mrr": 1.0}


def test_the_command_finds_every_other_excerpt_of_unmistakable_tracks(app, clips):
    arguments = ["evaluate", "clips", str(clips), "--features", "mfcc,mfcc+statistical", "--json"]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"mfcc": PERFECT, "mfcc+statistical": PERFECT}


def test_distributions_are_compared_by_their_own_distance(instance, clips):
    found = evaluate_clips(instance, clips, "timbre,timbre:mean,timbre+mfcc")
    assert found == {"timbre": PERFECT, "timbre:mean": PERFECT, "timbre+mfcc": PERFECT}


def test_the_mixture_uses_the_sets_that_can_be_extracted(instance, clips):
    assert [part.variants[0].name for part in parse_sets("sound")["sound"]] == list(WEIGHTS)
    assert evaluate_clips(instance, clips, "sound")["sound"]["top1"] == 1.0


def test_by_artist_another_track_of_the_artist_is_the_right_one(app, clips):
    arguments = ["evaluate", "clips", str(clips), "--features", "mfcc", "--by", "artist", "--json"]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["mfcc"]["pairs"] == 4
    assert json.loads(result.stdout)["mfcc"]["top5"] == 1.0


@pytest.mark.parametrize(
    ("artists", "message"),
    [(("", "", "", ""), "no artist is named"), (("a", "b", "c", "d"), "no artist has two tracks")],
)
def test_a_list_without_artists_cannot_be_evaluated_by_artist(instance, clips, artists, message):
    path = clips / "clips.csv"
    rows = path.read_text().splitlines()
    head, *rest = [row.rpartition(",")[0] for row in rows]
    names = [artists[int(row[0])] if row[0].isdigit() else "" for row in rest]
    lines = [f"{head},artist", *(f"{row},{name}" for row, name in zip(rest, names, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadInput, match=message):
        evaluate_clips(instance, clips, "mfcc", by="artist")


def test_what_was_extracted_is_not_extracted_again(instance, clips, monkeypatch):
    first = evaluate_clips(instance, clips, "mfcc")

    def again(*arguments):
        raise AssertionError("extracted again")

    monkeypatch.setattr(Mfcc, "extract", again)
    assert evaluate_clips(instance, clips, "mfcc") == first


def test_excerpts_exchanged_between_tracks_are_not_found(instance, clips):
    path = clips / "clips.csv"
    rows = path.read_text().replace("0b.wav", "?").replace("2b.wav", "0b.wav")
    path.write_text(rows.replace("?", "2b.wav"))
    assert evaluate_clips(instance, clips, "mfcc")["mfcc"]["top1"] == 0.5


def test_the_columns_that_count_can_be_chosen(instance, clips):
    found = evaluate_clips(instance, clips, "statistical:chroma,statistical")
    assert set(found) == {"statistical:chroma", "statistical"}
    with pytest.raises(BadInput, match="No column begins with 'statistical:chromatic'"):
        evaluate_clips(instance, clips, "statistical:chromatic")


def test_options_of_a_set_are_cached_beside_the_default_ones():
    usual, default, other = (
        parse_sets(text)[text][0].variants[0].key
        for text in ("musicnn", "musicnn:MSD_musicnn:mean", "musicnn:MTT_musicnn")
    )
    assert usual == default
    assert usual.digest != other.digest


def test_attributes_need_a_trained_predictor(instance, clips):
    with pytest.raises(NotReady, match="flask predict train"):
        evaluate_clips(instance, clips, "attributes")


@pytest.mark.parametrize(
    ("text", "error"),
    [("mfc", UnknownName), ("genre", BadInput), (" , ", BadInput), ("attributes:x", BadInput)],
)
def test_sets_that_are_not_vectors_are_refused(text, error):
    with pytest.raises(error):
        parse_sets(text)


def test_spectrograms_are_refused(instance, clips):
    with pytest.raises(BadInput, match="not a vector"):
        evaluate_clips(instance, clips, "melspectrogram")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("clip,track\n", "'excerpt' is missing"),
        ("clip,track,excerpt\nx,t,c\n", "line 2: the excerpt is a or b, not 'c'"),
        ("clip,track,excerpt\nx,t,a\ny,t,a\n", "line 3: a second excerpt a of 't'"),
        ("clip,track,excerpt\nx,t,a\ny,t,b\n", "names 1 tracks"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(tmp_path, rows, message):
    (tmp_path / "clips.csv").write_text(rows)
    with pytest.raises(BadInput, match=message):
        read_clip_pairs(tmp_path)


def test_a_folder_without_a_list_and_a_clip_that_is_not_there_say_so(instance, clips):
    with pytest.raises(BadInput, match=r"clips\.csv: cannot be read"):
        read_clip_pairs(clips / "nowhere")
    (clips / "3b.wav").unlink()
    with pytest.raises(BadInput, match=r"3b\.wav: cannot be read"):
        evaluate_clips(instance, clips, "mfcc")


@pytest.mark.realdata
def test_real_excerpts_find_each_other(instance, real_data):
    folder = real_data / "audio" / "clips"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    found = evaluate_clips(instance, folder, "statistical,statistical:chroma")
    assert found["statistical"]["pairs"] == 32
    assert found["statistical"]["top1"] >= 0.8
    assert found["statistical"]["top5"] >= 0.9
    # Chance is 1 in 32.
    assert found["statistical:chroma"]["top1"] > 0.4
