"""Retrieval on a folder of clips: how well each feature set finds the other excerpt of a track.

The folder holds sound files and ``clips.csv`` with the columns ``clip`` (the file, relative to the
folder), ``track`` (equal for excerpts of one recording) and ``excerpt`` (``a`` or ``b``). Features
are those of an analysis with the usual settings, and are kept in the same cache.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.audio_files.decoding import decode
from songrec.audio_files.file_scan import content_hash
from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.evaluation.retrieval import retrieve
from songrec.features.extraction import extract_all, make_extractors
from songrec.features.registry import EXTRACTORS
from songrec.features.settings import (
    DEFAULTS,
    DEPENDS_ON,
    OWN_PARAMETERS,
    AudioSettings,
    sample_rate_of,
)
from songrec.services.evaluation import segment_retrieval
from songrec.services.features import feature_sets
from songrec.services.features.feature_sets import DEFAULT_SETS, FROM_LABELS, MEASURING
from songrec.services.segments.encoder_selection import ENCODERS
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

LIST = "clips.csv"
ATTRIBUTES = "attributes"
SEGMENT_METHOD = ("segments", "fragments")
# A pitch class is a name, not an amount.
_NO_AMOUNT = frozenset({f"{MEASURING}:key"})


@dataclass(frozen=True)
class Variant:
    """A feature set and the settings that it is extracted with, which also file it in the cache."""

    name: str
    settings: AudioSettings = DEFAULTS

    @property
    def key(self) -> SetKey:
        """As ``flask analyze`` with these settings would file it."""
        return feature_sets.key_of(self.name, self.settings)

    def create(self) -> Any:
        """The extractor."""
        return make_extractors([self.name], self.settings)[self.name]


@dataclass(frozen=True)
class Part:
    """One part of a set: what it is made of, and how the columns that count begin.

    Several variants are what the attributes are estimated from.
    """

    variants: tuple[Variant, ...]
    columns: str = ""

    @property
    def is_estimated(self) -> bool:
        """Whether this is not the sound itself but a predictor's word on it."""
        return len(self.variants) > 1


def parse(text: str) -> dict[str, tuple[Part, ...]]:
    """``"mfcc, mfcc+statistical"`` as the parts of each set that is to be measured.

    ``+`` puts sets side by side. After a colon stands a choice of the set's own
    (``musicnn:MTT_musicnn:max``) or how the names of the columns that count begin
    (``statistical:chroma``). ``attributes`` are what a trained predictor makes of the sound,
    ``segments`` (or ``fragments``) the recommendation method of that name (by itself, not beside
    others), with the best encoder or the one named after the colon (``segments:tagger``).
    Raises ``UnknownName`` or ``BadInput`` for what is no set of vectors.
    """
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise BadInput(f"No feature set is named. Known: {', '.join(EXTRACTORS.names())}.")
    return {
        name: () if _way(name) else tuple(_part(one.strip()) for one in name.split("+"))
        for name in names
    }


def evaluate_clips(
    instance: Path, folder: Path, features: str, on_progress: Progress = no_progress
) -> dict[str, dict[str, float]]:
    """``{set: {"pairs", "top1", "top5", "mrr"}}``, see ``evaluation.retrieval``.

    Raises ``BadInput`` for a folder, list or clip that cannot be used and ``NotReady`` where
    weights or a predictor are missing.
    """
    sets = parse(features)
    pairs = read_list(folder)
    clips = [clip for pair in pairs for clip in pair]
    variants = list(dict.fromkeys(v for parts in sets.values() for p in parts for v in p.variants))
    vectors = _vectors(instance, clips, variants, on_progress)
    found = {}
    for name, parts in sets.items():
        if way := _way(name):
            found[name] = segment_retrieval.retrieve(instance, pairs, on_progress, by=way).to_json()
            continue
        values = np.hstack([_columns(instance, part, vectors) for part in parts])
        found[name] = retrieve(values[0::2], values[1::2]).to_json()
    return found


def _way(name: str) -> str:
    """What stands for a segment where ``name`` is the rule of segments; empty elsewhere."""
    rule, _, way = name.partition(":")
    if rule not in SEGMENT_METHOD:
        return ""
    if way and way not in ENCODERS:
        raise UnknownName("way to compare segments", way, ENCODERS)
    return way or ENCODERS[0]


def read_list(folder: Path) -> list[tuple[Path, Path]]:
    """The excerpts a and b of every track that has both, in the list's order.

    Raises ``BadInput`` with one line for what cannot be understood.
    """
    path = folder / LIST
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            wanted = {"clip", "track", "excerpt"}
            missing = wanted - set(reader.fieldnames or ())
            rows = list(reader)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: is no CSV file in UTF-8 ({error}).") from None
    if missing:
        raise BadInput(f"{path}: the column {sorted(missing)[0]!r} is missing.")
    tracks: dict[str, dict[str, Path]] = {}
    for line, row in enumerate(rows, 2):
        excerpt = (row["excerpt"] or "").strip().lower()
        track = (row["track"] or "").strip()
        if excerpt not in ("a", "b"):
            raise BadInput(f"{path}: line {line}: the excerpt is a or b, not {excerpt!r}.")
        if excerpt in tracks.setdefault(track, {}):
            raise BadInput(f"{path}: line {line}: a second excerpt {excerpt} of {track!r}.")
        tracks[track][excerpt] = folder / (row["clip"] or "").strip()
    pairs = [(of["a"], of["b"]) for of in tracks.values() if len(of) == 2]
    if len(pairs) < 2:
        raise BadInput(f"{path}: names {len(pairs)} tracks with excerpts a and b; 2 are needed.")
    return pairs


def _part(text: str) -> Part:
    name, *asked = (piece.strip() for piece in text.split(":"))
    if name == ATTRIBUTES:
        if asked:
            raise BadInput("The feature set 'attributes' takes no choices.")
        return Part(tuple(Variant(each) for each in DEFAULT_SETS))
    entry = EXTRACTORS.entry(name)
    if name in FROM_LABELS:
        raise BadInput(f"The feature set {name!r} comes from labels, not from sound.")
    settings = DEFAULTS
    columns = ""
    for choice in asked:
        taking = [p.name for p in entry.parameters if p.type == "choice" and choice in p.choices]
        of_set = [
            setting
            for setting in DEPENDS_ON[name]
            if OWN_PARAMETERS.get(setting, setting) in taking
        ]
        if of_set:
            settings = replace(settings, **{of_set[0]: choice})
        else:
            columns = choice
    return Part((Variant(name, settings),), columns)


def _vectors(
    instance: Path, clips: Sequence[Path], variants: Sequence[Variant], on_progress: Progress
) -> dict[Variant, Floats]:
    """``(clips, columns)`` of each variant, from the cache or extracted and put there."""
    extractors = {variant: variant.create() for variant in variants}
    keys = {variant: variant.key for variant in variants}
    for variant, key in keys.items():
        feature_cache.write_columns(instance, key, extractors[variant].names())
    rows: dict[Variant, list[Floats]] = {variant: [] for variant in variants}
    for done, clip in enumerate(clips):
        on_progress(done / len(clips), f"Listening to {clip.name}.")
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
                raise BadInput(f"{key.name}: a picture of the sound is no vector to compare by.")
            rows[variant].append(values)
    on_progress(1.0, f"{len(clips)} clips.")
    return {variant: np.stack(of) for variant, of in rows.items()}


def _extract(instance: Path, clip: Path, hashed: str, missing: dict[Variant, Any]) -> None:
    by_rate: dict[int, list[Variant]] = {}
    for variant in missing:
        by_rate.setdefault(sample_rate_of(variant.name), []).append(variant)
    for rate, of_rate in by_rate.items():
        decoded = decode(clip, sample_rate=rate, seconds=DEFAULTS.seconds, where=DEFAULTS.where)
        # One set may be asked for in two variants: each goes by a name of its own here.
        named = {str(at): missing[variant] for at, variant in enumerate(of_rate)}
        found = extract_all(decoded.audio, named)
        for at, variant in enumerate(of_rate):
            feature_cache.write(instance, variant.key, hashed, found[str(at)])


def _columns(instance: Path, part: Part, vectors: dict[Variant, Floats]) -> Floats:
    """The columns of one part that count, ``(clips, columns)``."""
    names = [
        f"{variant.name}:{column}"
        for variant in part.variants
        for column in feature_cache.columns(instance, variant.key)
    ]
    values = np.hstack([vectors[variant] for variant in part.variants])
    if part.is_estimated:
        table = FeatureTable(np.arange(len(values)), tuple(names), values, ATTRIBUTES)
        return _attributes(instance, table)
    begin = f"{part.variants[0].name}:{part.columns}"
    kept = [
        at for at, name in enumerate(names) if name.startswith(begin) and name not in _NO_AMOUNT
    ]
    if not kept:
        raise BadInput(f"No column begins with {begin!r}.")
    return values[:, kept]


def _attributes(instance: Path, table: FeatureTable) -> Floats:
    """Every attribute that the newest fitting predictor can tell of a sound."""
    from songrec.services.prediction.attribute_prediction import load_estimator

    predictor = load_estimator(instance, table.names)
    if predictor is None:
        raise NotReady("No predictor of attributes is trained yet: flask predict train")
    told = predictor.attributes(table)
    amounts = [told[name] for name in sorted(told) if name not in ("key", "mode")]
    return np.column_stack(amounts).astype(np.float32)
