"""Retrieval by ``conv_vae`` on real sound: whether a clip finds the other one of its recording.

Clips of ten seconds as pictures (``melspectrogram`` with the usual settings). The rule is that of
``flask evaluate clips``: cosine over standardised columns, excerpt a asks, excerpts b answer. The
model learns from the clips themselves, and from three other excerpts of each whole track, taken a
quarter, half and three quarters of its length in.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from songrec.audio_files.decoding import decode
from songrec.audio_files.file_scan import walk
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import Audio, FeatureTable, Floats
from songrec.evaluation.retrieval import cosine_similarities, retrieve_track
from songrec.features.audio.melspectrogram import MelSpectrogram
from songrec.services.evaluation.clip_list import read_clip_pairs
from songrec.store.sound.spectrograms import GivenSpectrograms

NEEDS = ("audio/clips/clips.csv", "audio/library")
SECONDS = 10.0
PLACES = (0.25, 0.5, 0.75)
EPOCHS = 60
COMPONENTS = 16


def study(data: Path, seed: int) -> list[str]:
    """Build a table of retrieval by averages, components and the model, of two seeds."""
    pairs = read_clip_pairs(data / "audio" / "clips")
    clips = GivenSpectrograms(
        [_picture(decode(path, seconds=SECONDS).audio) for pair in pairs for path in pair]
    )
    others = excerpts(data / "audio" / "library")
    seeds = (seed, seed + 1)
    latents_of = {
        "mean and deviation of the bands, no model": [_averages(clips)],
        f"{COMPONENTS} principal components of the pooled pictures": [_components(clips)],
        "`conv_vae`, trained on the clips themselves": [
            _latent(clips, clips, each) for each in seeds
        ],
        f"`conv_vae`, trained on {others.shape[0]} other excerpts": [
            _latent(others, clips, each) for each in seeds
        ],
    }
    lines = [
        f"{len(pairs)} recordings, two clips each, {EPOCHS} epochs, seeds {seeds[0]} and "
        f"{seeds[1]}.",
        "",
        "| | first | in the first five |",
        "|---|---|---|",
    ]
    for name, latents in latents_of.items():
        found = [
            retrieve_track(cosine_similarities(latent[0::2], latent[1::2])).to_json()
            for latent in latents
        ]
        figures = (", ".join(f"{one[of]:.2f}" for one in found) for of in ("top1", "top5"))
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return lines


def excerpts(folder: Path) -> GivenSpectrograms:
    """Return three spectrograms of ten seconds of every long enough track below ``folder``."""
    pictures = []
    for found in walk(folder):
        audio = decode(found.path, seconds=None).audio
        length = round(SECONDS * audio.sample_rate)
        room = len(audio.samples) - length
        for place in PLACES if room > 0 else ():
            start = round(place * room)
            part = audio.samples[start : start + length]
            pictures.append(_picture(Audio(part, audio.sample_rate, 0.0, SECONDS)))
    return GivenSpectrograms(pictures)


def _picture(audio: Audio) -> Floats:
    return MelSpectrogram().extract(audio)


def _averages(clips: GivenSpectrograms) -> Floats:
    pictures = clips.read(np.arange(clips.shape[0]))
    return np.concatenate([pictures.mean(axis=2), pictures.std(axis=2)], axis=1)


def _components(clips: GivenSpectrograms) -> Floats:
    from songrec.representation.conv_pooling import resized
    from songrec.representation.conv_vae import ConvVAE

    model = ConvVAE()
    pictures = resized(clips.read(np.arange(clips.shape[0])), model.bands, model.frames)
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return (left[:, :COMPONENTS] * sizes[:COMPONENTS]).astype(np.float32)


def _latent(learn: GivenSpectrograms, clips: GivenSpectrograms, seed: int) -> Floats:
    from songrec.representation.conv_vae import ConvVAE

    model = ConvVAE(epochs=EPOCHS).fit(_table(learn), seed=seed, spectrograms=learn)
    return model.transform(_table(clips), spectrograms=clips)


def _table(pictures: GivenSpectrograms) -> FeatureTable:
    rows = pictures.shape[0]
    return FeatureTable(
        np.arange(rows), (), np.empty((rows, 0), np.float32), FeatureSpec(("melspectrogram",))
    )
