"""Registry of the feature sets; docs/adding-a-feature-set.md. Imports no numerics.

An entry says all that the program knows of a set: where its code is, its parameters, which settings
it depends on, its sample rate, its model files. Nothing else has to be changed for a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from songrec.core.errors import BadInput, UnknownName
from songrec.core.feature_spec import AUTO, FeatureSpec
from songrec.core.registry import Entry, Parameter, Registry
from songrec.features.settings import DEFAULTS, SHARED, AudioSettings

EXCERPT = ("seconds", "where")


@dataclass(frozen=True, slots=True)
class FeatureSet(Entry):
    """A feature set: an ``Entry`` whose class is an ``extraction.Extractor``, and its properties.

    Parameters
    ----------
    from_audio
        Whether it is extracted from audio; otherwise it comes from labels and is not cached.
    is_imported
        Whether another program extracted it (``store.sound.imported_features``); not ``from_audio``
        then.
    is_vector
        Whether an excerpt gives a vector; otherwise it is a matrix, which models read by rows.
    sample_rate
        Hz that a published network was trained at; None for the rate of the settings.
    model
        Its model in ``store.models.published_weights``; the extractor is passed its folder.
    is_optional
        Whether it needs libraries that are not installed by default.
    family
        Prefix of the names of its own parameters in the settings. Sets of one network share it.
    companions
        Sets that come for free when this one is extracted.
    categorical
        Columns that are names and not amounts: no distance between their values means anything.
    component
        What listeners call the principal components of its columns.
    distance
        ``"cosine"`` over standardised columns, or ``"gaussian"``: the columns are a mean and a
        covariance (``features.gaussians``).
    """

    from_audio: bool = True
    is_imported: bool = False
    is_vector: bool = True
    sample_rate: int | None = None
    model: str | None = None
    is_optional: bool = False
    family: str = ""
    companions: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    component: str = ""
    distance: str = "cosine"

    def setting(self, parameter: Parameter) -> str:
        """Return the name of a parameter in ``AudioSettings``."""
        if parameter.name in SHARED:
            return parameter.name
        return f"{self.family or self.name}_{parameter.name}"

    def settings(self, settings: AudioSettings = DEFAULTS) -> dict[str, Any]:
        """Return the settings that the values of the set depend on, by name."""
        if not self.from_audio:
            return {}
        rate = () if self.sample_rate else ("sample_rate",)
        values = {name: getattr(settings, name) for name in (*rate, *EXCERPT)}
        for parameter in self.parameters:
            name = self.setting(parameter)
            default = settings.own.get(name, parameter.default)
            values[name] = getattr(settings, name) if name in SHARED else default
        return values

    def arguments(self, settings: AudioSettings = DEFAULTS) -> dict[str, Any]:
        """Return the arguments of the extractor's constructor."""
        values = self.settings(settings)
        return self.resolve({p.name: values[self.setting(p)] for p in self.parameters})


class FeatureSets(Registry):
    """The registry of feature sets."""

    def __iter__(self) -> Iterator[FeatureSet]:
        return super().__iter__()  # type: ignore[return-value]

    def entry(self, name: str) -> FeatureSet:
        """Return the feature set ``name``; ``UnknownName`` if there is none."""
        return super().entry(name)  # type: ignore[return-value]


_STFT = (
    Parameter("n_fft", "int", DEFAULTS.n_fft, "Samples a window",
              "Length of the Fourier transform.",
              256, 16384),
    Parameter("hop_length", "int", DEFAULTS.hop_length, "Samples between windows", "", 64, 8192),
)  # fmt: skip
_MELS = Parameter("n_mels", "int", DEFAULTS.n_mels, "Mel bands", "", 16, 512)
_MUSICNN = (
    Parameter(
        "model", "choice", "MSD_musicnn", "Network",
        "Trained on the Million Song Dataset's tags, or on MagnaTagATune's.",
        choices=("MSD_musicnn", "MTT_musicnn"),
    ),
    Parameter(
        "overlap_s", "float", 0.0, "Overlap in seconds",
        "How much of a patch of three seconds the next one shares.", 0.0, 2.9,
    ),
)  # fmt: skip

EXTRACTORS = FeatureSets(
    "feature set",
    (
        FeatureSet(
            "mfcc", "songrec.features.audio.mfcc:Mfcc", "MFCC",
            "Mel-frequency cepstral coefficients with first and second differences, summed up by "
            "seven statistics: what the sound's colour is and how it moves.",
            (
                Parameter("n_mfcc", "int", DEFAULTS.n_mfcc, "Coefficients", "", 2, 40),
                _MELS,
                *_STFT,
            ),
            component="timbre",
        ),
        FeatureSet(
            "statistical", "songrec.features.audio.statistical:Statistical", "Statistical",
            "Spectrum, dynamics, rhythm, harmony and pitch in figures, with measured tempo, key, "
            "mode and loudness.",
            _STFT,
            # 11 is next to 0. The chroma columns carry the harmony.
            categorical=("key",),
            component="sound",
        ),
        FeatureSet(
            "timbre", "songrec.features.audio.timbre:Timbre", "Timbre",
            "Mean and covariance of 25 mel-frequency cepstral coefficients over the excerpt: what "
            "the sound's colour is and how it varies.",
            (_MELS, *_STFT),
            component="texture", distance="gaussian",
        ),
        FeatureSet(
            "chroma", "songrec.features.audio.chroma:Chroma", "Chroma",
            "Mean and covariance of the twelve pitch classes over the excerpt: key and chords.",
            _STFT,
            component="harmony", distance="gaussian",
        ),
        FeatureSet(
            "melspectrogram", "songrec.features.audio.melspectrogram:MelSpectrogram",
            "Mel spectrogram",
            "The log-mel spectrogram that convolutional models read.",
            (_MELS, *_STFT),
            is_vector=False,
        ),
        FeatureSet(
            "musicnn", "songrec.features.audio.musicnn:MusiCNN", "MusiCNN",
            "Embedding of the published MusiCNN network.",
            (
                *_MUSICNN,
                Parameter(
                    "pooling", "choice", "mean", "Pooling",
                    "What is kept of the frames of a patch.", choices=("mean", "max"),
                ),
            ),
            sample_rate=16_000, model="musicnn", companions=("musicnn_tags", "musicnn_max"),
        ),
        FeatureSet(
            "musicnn_max", "songrec.features.audio.musicnn:MusiCNNMax", "MusiCNN's maxima",
            "The embedding with the maximum of the frames of each patch; in one pass with the "
            "embedding.",
            _MUSICNN,
            sample_rate=16_000, model="musicnn", family="musicnn",
        ),
        FeatureSet(
            "musicnn_tags", "songrec.features.audio.musicnn:MusiCNNTags", "MusiCNN's tags",
            "How likely each of 50 tags is to MusiCNN, over the excerpt; in one pass with the "
            "embedding. Without a trained predictor, attributes are estimated from them.",
            _MUSICNN,
            sample_rate=16_000, model="musicnn", family="musicnn",
        ),
        FeatureSet(
            "instrument_tags", "songrec.features.audio.musicnn:InstrumentTags", "Instruments",
            "How likely each of 50 tags, most of them instruments and voices, is to the MusiCNN of "
            "MagnaTagATune; searches by words rest on them.",
            _MUSICNN[1:],
            sample_rate=16_000, model="musicnn", family="musicnn",
        ),
        FeatureSet(
            "vibenet", "songrec.features.audio.vibenet:VibeNet", "VibeNet",
            "Seven musical attributes by the published VibeNet network; needs onnxruntime and its "
            "weights.",
            sample_rate=16_000, model="vibenet", is_optional=True,
        ),
        FeatureSet(
            "mert", "songrec.features.audio.mert:Mert", "MERT",
            "Embedding of the self-supervised MERT transformer; needs torch and its weights.",
            (
                Parameter(
                    "layer", "int", -1, "Layer",
                    "0 enters the transformer, 1 to 12 are its layers, -1 is their mean.", -1, 12,
                ),
            ),
            sample_rate=24_000, model="mert", is_optional=True,
        ),
        FeatureSet(
            "encodecmae", "songrec.features.audio.encodecmae:EncodecMae", "EnCodecMAE",
            "Embedding of the masked autoencoder over EnCodec; needs torch and its weights.",
            sample_rate=24_000, model="encodecmae", is_optional=True,
        ),
        FeatureSet(
            "audiomuse", "songrec.features.imported:AudioMuse", "AudioMuse-AI",
            "MusiCNN's dense layer as AudioMuse-AI extracted it; imported, not extracted here.",
            from_audio=False, is_imported=True, component="sound",
        ),
        FeatureSet(
            "audiomuse_moods", "songrec.features.imported:AudioMuseMoods", "AudioMuse-AI's moods",
            "Energy, six moods and MusiCNN's likeliest tags as AudioMuse-AI has them; imported, "
            "not extracted here.",
            from_audio=False, is_imported=True, component="mood",
        ),
        FeatureSet(
            "genre", "songrec.features.genre:Genre", "Genre",
            "The track's genre as a one-hot vector; known from tags or folders, not from sound.",
            (Parameter("most", "int", 64, "Genres", "Columns; rarer genres share one.", 1, 2000),),
            from_audio=False,
        ),
    ),
)  # fmt: skip

ATTRIBUTES = "attributes"
"""The set of the catalogue's attributes (``attribute_table``), which needs no extractor."""
MEASURING = "statistical"
"""The set that measures tempo, key, mode and loudness; every analysis includes it."""


def categorical_columns() -> frozenset[str]:
    """Return the columns of all sets that are names and not amounts, as ``"set:column"``."""
    return frozenset(f"{entry.name}:{name}" for entry in EXTRACTORS for name in entry.categorical)


def offered_sets() -> tuple[str, ...]:
    """Return the audio sets that forms offer: those that need no optional library."""
    free = {name for entry in EXTRACTORS for name in entry.companions}
    return tuple(
        entry.name
        for entry in EXTRACTORS
        if entry.from_audio and not entry.is_optional and entry.name not in free
    )


def parse_features(text: str, *, allow_auto: bool = False) -> FeatureSpec:
    """Parse feature sets to train on, such as ``"attributes,mfcc"``, or ``"auto"`` if allowed.

    Raises ``UnknownName`` for a set that does not exist.
    """
    spec = FeatureSpec.parse(text)
    if allow_auto and spec == AUTO:
        return AUTO
    available = (ATTRIBUTES, *EXTRACTORS.names())
    for name in spec if len(spec) else ("",):
        if name not in available:
            raise UnknownName("feature set", name, available)
    return spec


def parse_audio_features(text: str) -> FeatureSpec:
    """Parse feature sets to extract, such as ``"mfcc,musicnn"``.

    ``statistical`` is always among the result, and so are the companions of each set. Raises
    ``UnknownName`` for a set that does not exist and ``BadInput`` for one that is not from audio.
    """
    spec = FeatureSpec.parse(text)
    if not len(spec):
        raise BadInput(f"No feature set is named. Known: {', '.join(EXTRACTORS.names())}.")
    return with_companions(spec)


def with_companions(spec: FeatureSpec) -> FeatureSpec:
    """Add ``statistical`` and the companions of each set.

    Raises ``UnknownName`` for a set that does not exist and ``BadInput`` for one that is not from
    audio.
    """
    for name in spec:
        entry = EXTRACTORS.entry(name)
        if not entry.from_audio:
            reason = "is imported" if entry.is_imported else "comes from labels"
            raise BadInput(f"The feature set {name!r} {reason}: it cannot be extracted.")
    companions = (name for each in spec for name in EXTRACTORS.entry(each).companions)
    return spec.union(FeatureSpec((MEASURING, *companions)))


def parameters_of(name: str, settings: AudioSettings = DEFAULTS) -> dict[str, Any]:
    """Return the settings that the feature set ``name`` depends on; ``UnknownName`` otherwise."""
    return EXTRACTORS.entry(name).settings(settings)


def sample_rate_of(name: str, settings: AudioSettings = DEFAULTS) -> int:
    """Return the sample rate in Hz of the audio that the feature set ``name`` takes."""
    return EXTRACTORS.entry(name).sample_rate or settings.sample_rate


def digest(
    name: str, settings: AudioSettings = DEFAULTS, own: Mapping[str, Any] | None = None
) -> str:
    """Return 16 hexadecimal digits for all that the values of a feature set depend on.

    The cache files vectors under it: another value of a setting gives another digest for just the
    sets that depend on it. Equal settings give equal digests on every machine. ``own`` adds further
    parameters.
    """
    values = {**parameters_of(name, settings), **(own or {})}
    # 30 and 30.0 seconds are the same.
    plain = {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in values.items()
    }
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
