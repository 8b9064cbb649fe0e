"""Evaluation of feature sets by retrieval: find the other excerpt of a track among clips.

A folder holds audio files and a list of them (``clip_list``). Features are extracted with the
default settings and cached with those of the library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.audio_files.file_scan import content_hash
from songrec.audio_files.isolated import decode
from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.evaluation.retrieval import cosine_similarities, evaluate_artist, retrieve_track
from songrec.features.extraction import extract_all, make_extractors
from songrec.features.registry import ATTRIBUTES, EXTRACTORS, categorical_columns, sample_rate_of
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.features.sound_vectors import is_gaussian
from songrec.recommend.similarity.mutual_proximity import proximity
from songrec.services.evaluation import segment_retrieval
from songrec.services.evaluation.clip_list import CLIP_LIST, ClipPair, read_clips
from songrec.services.features import feature_sets
from songrec.services.features.feature_sets import DEFAULT_SETS
from songrec.services.segments.encoder_selection import ENCODERS
from songrec.services.similarity import sound_mixture
from songrec.store.models import published_weights
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

SEGMENT_METHOD = ("segments", "fragments")


@dataclass(frozen=True)
class FeatureVariant:
    """A feature set with the settings that it is extracted with."""

    name: str
    settings: AudioSettings = DEFAULTS

    @property
    def key(self) -> SetKey:
        """Its key in the feature cache, as ``flask analyze`` uses it."""
        return feature_sets.key_of(self.name, self.settings)

    def create(self, models: Path) -> Any:
        """Create the extractor, with the model files in ``models``."""
        return make_extractors([self.name], self.settings, models)[self.name]


@dataclass(frozen=True)
class FeaturePart:
    """A part of a feature set: its variants, and the prefix of the columns that are compared.

    Attributes are estimated from several variants.
    """

    variants: tuple[FeatureVariant, ...]
    columns: str = ""

    @property
    def is_estimated(self) -> bool:
        """Whether attributes are predicted from the variants."""
        return len(self.variants) > 1


def parse_sets(text: str) -> dict[str, tuple[FeaturePart, ...]]:
    """Parse ``"mfcc, mfcc+statistical"`` into the parts of each set to evaluate.

    ``+`` concatenates sets. A colon precedes an option of the set (``musicnn:MTT_musicnn:max``) or
    a prefix of column names (``statistical:chroma``). ``attributes`` are those that a trained
    predictor estimates. ``sound`` is the mixture that songs are compared by (``sound_mixture``);
    ``timbre`` and ``chroma`` alone are compared by their own distance. ``segments`` (or
    ``fragments``) is the recommendation method of that name, with the best encoder or a named one
    (``segments:tagger``). Neither ``sound`` nor ``segments`` can be concatenated.
    Raises ``UnknownName`` or ``BadInput`` for anything else and for sets that are no vectors.
    """
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise BadInput(f"No feature set is named. Known: {', '.join(EXTRACTORS.names())}.")
    return {name: _parse_set(name) for name in names}


def evaluate_clips(
    instance: Path,
    folder: Path,
    features: str,
    on_progress: Progress = no_progress,
    *,
    by: str = "track",
) -> dict[str, dict[str, Any]]:
    """Evaluate feature sets; returns ``{set: {"pairs", "top1", "top5", "mrr"}}``.

    By artist the same with the album filter may follow as ``album_filter``.

    Parameters
    ----------
    by
        What is right: ``"track"``, the other excerpt of the track; ``"artist"``, another track by
        its artist (``evaluation.retrieval``).

    Raises
    ------
    BadInput
        For a folder, list or clip that cannot be used.
    NotReady
        Where weights or a predictor are missing.
    """
    sets = parse_sets(features)
    if sound_mixture.NAME in sets:
        sets[sound_mixture.NAME] = _extractable(instance, sets[sound_mixture.NAME])
    pairs = read_clips(folder)
    if by == "artist" and len({pair.artist for pair in pairs if pair.artist}) == 0:
        raise BadInput(f"{folder / CLIP_LIST}: no artist is named; the column is 'artist'.")
    clips = [clip for pair in pairs for clip in (pair.a, pair.b)]
    variants = list(dict.fromkeys(v for parts in sets.values() for p in parts for v in p.variants))
    vectors = read_or_extract(instance, clips, variants, on_progress)
    results = {}
    for name, parts in sets.items():
        if encoder := _segment_encoder(name):
            similarities = segment_retrieval.similarities(
                instance, [(pair.a, pair.b) for pair in pairs], on_progress, by=encoder
            )
        elif weights := _mixture(name, parts):
            similarities = _proximities(vectors, weights)
        else:
            values = np.hstack([_columns(instance, part, vectors) for part in parts])
            similarities = cosine_similarities(values[0::2], values[1::2])
        results[name] = _retrieve(similarities, pairs, by)
    return results


def _extractable(instance: Path, parts: tuple[FeaturePart, ...]) -> tuple[FeaturePart, ...]:
    """Return the parts that need no weights, or whose weights are installed.

    So the mixture is the one that a library of this instance is compared by.
    """
    models = ((part, EXTRACTORS.entry(part.variants[0].name).model) for part in parts)
    return tuple(p for p, m in models if m is None or published_weights.is_installed(instance, m))


def _mixture(name: str, parts: tuple[FeaturePart, ...]) -> dict[FeatureVariant, float]:
    """Return the weights of the sets that ``name`` compares by mutual proximity; none otherwise.

    These are ``sound`` and a single set with a distance of its own.
    """
    variants = [part.variants[0] for part in parts]
    if name == sound_mixture.NAME:
        return {variant: sound_mixture.WEIGHTS[variant.name] for variant in variants}
    is_whole = len(parts) == 1 and not parts[0].is_estimated and not parts[0].columns
    return {variants[0]: 1.0} if is_whole and is_gaussian(variants[0].name) else {}


def _proximities(
    vectors: Mapping[FeatureVariant, Floats], weights: Mapping[FeatureVariant, float]
) -> NDArray[np.float64]:
    """Compare excerpts a with b by mutual proximity, over all clips; ``(pairs, pairs)``."""
    rows = np.arange(len(vectors[next(iter(weights))]))
    parts = sound_mixture.parts_of(
        {v.name: sound_mixture.values_matrix(v.name, vectors[v]) for v in weights},
        {v.name: rows for v in weights},
        {v.name: weight for v, weight in weights.items()},
    )
    return np.stack(
        [
            sum((p.weight * proximity(p, int(row), rows[1::2]) for p in parts), np.zeros(1))
            for row in rows[0::2]
        ]
    )


def _retrieve(
    similarities: NDArray[np.float64], pairs: Sequence[ClipPair], by: str
) -> dict[str, Any]:
    if by == "track":
        return retrieve_track(similarities).to_json()
    try:
        return evaluate_artist(
            similarities, [pair.artist for pair in pairs], [pair.album for pair in pairs]
        )
    except ValueError as error:
        raise BadInput(f"The list cannot be evaluated by artist: {error}.") from None


def _segment_encoder(name: str) -> str:
    """Return the encoder if ``name`` is the segments method, else an empty text."""
    method, _, encoder = name.partition(":")
    if method not in SEGMENT_METHOD:
        return ""
    if encoder and encoder not in ENCODERS:
        raise UnknownName("segment encoder", encoder, ENCODERS)
    return encoder or ENCODERS[0]


def _parse_set(name: str) -> tuple[FeaturePart, ...]:
    if _segment_encoder(name):
        return ()
    if name == sound_mixture.NAME:
        return tuple(_parse_part(each) for each in sound_mixture.WEIGHTS)
    return tuple(_parse_part(each.strip()) for each in name.split("+"))


def _parse_part(text: str) -> FeaturePart:
    name, *options = (piece.strip() for piece in text.split(":"))
    if name == ATTRIBUTES:
        if options:
            raise BadInput("The feature set 'attributes' takes no options.")
        return FeaturePart(tuple(FeatureVariant(each) for each in DEFAULT_SETS))
    entry = EXTRACTORS.entry(name)
    if not entry.from_audio:
        raise BadInput(f"The feature set {name!r} comes from labels, not from sound.")
    settings = DEFAULTS
    columns = ""
    for option in options:
        parameters = (p for p in entry.parameters if p.type == "choice" and option in p.choices)
        if parameter := next(parameters, None):
            settings = settings.updated({entry.setting(parameter): option})
        else:
            columns = option
    return FeaturePart((FeatureVariant(name, settings),), columns)


def read_or_extract(
    instance: Path,
    clips: Sequence[Path],
    variants: Sequence[FeatureVariant],
    on_progress: Progress = no_progress,
) -> dict[FeatureVariant, Floats]:
    """Return ``(clips, columns)`` of each variant, from the cache or extracted into it."""
    models = published_weights.models_folder(instance)
    extractors = {variant: variant.create(models) for variant in variants}
    keys = {variant: variant.key for variant in variants}
    for variant, key in keys.items():
        feature_cache.write_columns(instance, key, extractors[variant].names())
    rows: dict[FeatureVariant, list[Floats]] = {variant: [] for variant in variants}
    for done, clip in enumerate(clips):
        on_progress(done / len(clips), f"Extracting features of {clip.name}.")
        try:
            hashed = content_hash(clip)
            absent = set(feature_cache.missing_sets(instance, keys.values(), hashed))
            _extract(
                instance, clip, hashed, {v: extractors[v] for v in variants if keys[v] in absent}
            )
        except BadInput as error:
            raise BadInput(f"{clip}: {error}") from None
        for variant, key in keys.items():
            values = feature_cache.read(instance, key, hashed)
            if values.ndim != 1:
                raise BadInput(f"{key.name}: a spectrogram is not a vector and cannot be compared.")
            rows[variant].append(values)
    on_progress(1.0, f"{len(clips)} clips.")
    return {variant: np.stack(values) for variant, values in rows.items()}


def _extract(instance: Path, clip: Path, hashed: str, missing: dict[FeatureVariant, Any]) -> None:
    by_rate: dict[int, list[FeatureVariant]] = {}
    for variant in missing:
        by_rate.setdefault(sample_rate_of(variant.name), []).append(variant)
    for rate, same_rate in by_rate.items():
        decoded = decode(clip, sample_rate=rate, seconds=DEFAULTS.seconds, where=DEFAULTS.where)
        # Variants of one set have the same name, so they are numbered here.
        numbered = {str(at): missing[variant] for at, variant in enumerate(same_rate)}
        vectors = extract_all(decoded.audio, numbered)
        for at, variant in enumerate(same_rate):
            feature_cache.write(instance, variant.key, hashed, vectors[str(at)])


def _columns(instance: Path, part: FeaturePart, vectors: dict[FeatureVariant, Floats]) -> Floats:
    """Return the compared columns of a part, ``(clips, columns)``."""
    names = [
        f"{variant.name}:{column}"
        for variant in part.variants
        for column in feature_cache.columns(instance, variant.key)
    ]
    values = np.hstack([vectors[variant] for variant in part.variants])
    if part.is_estimated:
        table = FeatureTable(np.arange(len(values)), tuple(names), values)
        return _attributes(instance, table)
    prefix = f"{part.variants[0].name}:{part.columns}"
    categorical = categorical_columns()
    selected = [
        at for at, name in enumerate(names) if name.startswith(prefix) and name not in categorical
    ]
    if not selected:
        raise BadInput(f"No column begins with {prefix!r}.")
    return values[:, selected]


def _attributes(instance: Path, table: FeatureTable) -> Floats:
    """Estimate every attribute that the newest suitable predictor covers."""
    from songrec.services.prediction.attribute_prediction import load_estimator

    predictor = load_estimator(instance, table.names)
    if predictor is None:
        raise NotReady("No attribute predictor is trained yet: flask predict train")
    estimates = predictor.attributes(table)
    amounts = [estimates[name] for name in sorted(estimates) if name not in ("key", "mode")]
    return np.column_stack(amounts).astype(np.float32)
