"""Clips encoded anew are found as copies, other recordings are not; the command's own counting."""

from __future__ import annotations

import csv

import av
import pytest

from benchmarks import reencodings
from songrec.core.errors import BadInput
from songrec.features.audio import chromaprint
from tests.audio_files.sounds import chords, write_wav


@pytest.fixture
def clips(tmp_path):
    rows = []
    for seed, track in enumerate(["one", "two", "two"]):
        write_wav(tmp_path / f"{seed}.wav", chords(8, seed))
        rows.append({"clip": f"{seed}.wav", "track": track})
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["clip", "track"])
        table.writeheader()
        table.writerows(rows)
    return tmp_path


def test_every_pair_is_of_one_kind_and_copies_are_found(clips, monkeypatch):
    monkeypatch.setattr(reencodings, "ENCODINGS", reencodings.ENCODINGS[:2])
    found = reencodings.measure(clips)
    # Nine files: three of each clip, one pair of clips of the same track.
    assert found["pairs"] == {"copy": 9, "excerpt": 9, "other": 18}
    assert {r["pairs"] for r in found["encodings"].values()} == {3}
    assert found["found"]["features"]["other"] == 0
    if chromaprint.missing() is None:
        assert found["found"]["fingerprint"] == {"copy": 9, "excerpt": 0, "other": 0}
        told = found["values"]["fingerprint"]
        assert told["least copy"] >= 0.9 > told["most other"]
    page = "\n".join(reencodings.page(found))
    assert "| FLAC | 3 |" in page
    assert "3 clips." in page


@pytest.mark.parametrize("to", reencodings.ENCODINGS, ids=lambda to: to.name)
def test_what_is_encoded_is_what_was_asked_for(clips, tmp_path, to):
    target = tmp_path / f"again{to.ending}"
    reencodings.reencode(clips / "0.wav", target, to)
    with av.open(str(target)) as file:
        stream = file.streams.audio[0]
        assert stream.rate == to.rate
        assert stream.codec_context.name.startswith(to.codec.removeprefix("lib")[:3])
        samples = sum(frame.samples for frame in file.decode(audio=0))
    assert samples / to.rate == pytest.approx(8, abs=0.2)


def test_a_folder_without_a_list_is_one_line(tmp_path):
    with pytest.raises(BadInput, match=r"clips\.csv"):
        reencodings.measure(tmp_path)
