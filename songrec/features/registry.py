"""The feature sets that can be extracted from audio. Importing this imports no numerics."""

from __future__ import annotations

from songrec.core.errors import BadInput
from songrec.core.registry import Entry, Parameter, Registry
from songrec.features.settings import DEFAULTS

_STFT = (
    Parameter("n_fft", "int", DEFAULTS.n_fft, "Samples a window",
              "Length of the Fourier transform.",
              256, 16384),
    Parameter("hop_length", "int", DEFAULTS.hop_length, "Samples between windows", "", 64, 8192),
)  # fmt: skip
_MELS = Parameter("n_mels", "int", DEFAULTS.n_mels, "Mel bands", "", 16, 512)
_MUSICNN = (
    Parameter(
        "model", "choice", DEFAULTS.musicnn_model, "Network",
        "Trained on the Million Song Dataset's tags, or on MagnaTagATune's.",
        choices=("MSD_musicnn", "MTT_musicnn"),
    ),
    Parameter(
        "overlap_s", "float", DEFAULTS.musicnn_overlap_s, "Overlap in seconds",
        "How much of a patch of three seconds the next one shares.", 0.0, 2.9,
    ),
)  # fmt: skip

EXTRACTORS = Registry(
    "feature set",
    (
        Entry(
            "mfcc", "songrec.features.audio.mfcc:Mfcc", "MFCC",
            "Mel-frequency cepstral coefficients with first and second differences, summed up by "
            "seven statistics: what the sound's colour is and how it moves.",
            (
                Parameter("n_mfcc", "int", DEFAULTS.n_mfcc, "Coefficients", "", 2, 40),
                _MELS,
                *_STFT,
            ),
        ),
        Entry(
            "statistical", "songrec.features.audio.statistical:Statistical", "Statistical",
            "Spectrum, dynamics, rhythm, harmony and pitch in figures, with measured tempo, key, "
            "mode and loudness.",
            _STFT,
        ),
        Entry(
            "melspectrogram", "songrec.features.audio.melspectrogram:MelSpectrogram",
            "Mel spectrogram",
            "The log-mel picture of the sound that convolutional models read.",
            (_MELS, *_STFT),
        ),
        Entry(
            "musicnn", "songrec.features.audio.musicnn:MusiCNN", "MusiCNN",
            "Embedding of the published MusiCNN network.",
            (
                *_MUSICNN,
                Parameter(
                    "pooling", "choice", DEFAULTS.musicnn_pooling, "Pooling",
                    "What is kept of the frames of a patch.", choices=("mean", "max"),
                ),
            ),
        ),
        Entry(
            "musicnn_tags", "songrec.features.audio.musicnn:MusiCNNTags", "MusiCNN's tags",
            "How likely each of 50 tags is to MusiCNN, over the excerpt; in one pass with the "
            "embedding. Without a trained predictor, attributes are estimated from them.",
            _MUSICNN,
        ),
        Entry(
            "mert", "songrec.features.audio.mert:Mert", "MERT",
            "Embedding of the self-supervised MERT transformer; needs torch and its weights.",
            (
                Parameter(
                    "layer", "int", DEFAULTS.mert_layer, "Layer",
                    "0 enters the transformer, 1 to 12 are its layers, -1 is their mean.", -1, 12,
                ),
            ),
        ),
        Entry(
            "encodecmae", "songrec.features.audio.encodecmae:EncodecMae", "EnCodecMAE",
            "Embedding of the masked autoencoder over EnCodec; needs torch and its weights.",
        ),
        Entry(
            "genre", "songrec.features.genre:Genre", "Genre",
            "The track's genre as a one-hot vector; known from tags or folders, not from sound.",
            (Parameter("most", "int", 64, "Genres", "Columns; rarer genres share one.", 1, 2000),),
        ),
    ),
)  # fmt: skip


def parse_sets(text: str) -> tuple[str, ...]:
    """``"mfcc,musicnn"`` as names, in the order given, each once; raises ``UnknownName``."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise BadInput(
            f"No feature set is named in {text!r}. Known: {', '.join(EXTRACTORS.names())}."
        )
    return tuple(EXTRACTORS.entry(name).name for name in names)
