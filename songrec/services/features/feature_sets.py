"""Feature sets of the library: their extraction settings and tables of their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, UnknownName
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable
from songrec.features.registry import (
    EXTRACTORS,
    MEASURING,
    digest,
    offered_sets,
    parameters_of,
    parse_audio_features,
    parse_features,
    with_companions,
)
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.store.instance import Instance
from songrec.store.models import published_weights
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

__all__ = [
    "DEFAULT_SETS",
    "EXTRACTORS",
    "INSTRUMENTS",
    "MEASURING",
    "TAGS",
    "VIBENET",
    "default_sets",
    "installed_sets",
    "key_of",
    "keys_of",
    "library_settings",
    "most_common_settings",
    "parse_audio_features",
    "parse_features",
    "settings_from",
    "table",
    "write_columns",
]

DEFAULT_SETS = FeatureSpec(("mfcc", MEASURING))
"""Inputs of the attribute predictor; every analysis includes them."""
COMPARED_SETS = FeatureSpec(("timbre", "chroma"))
"""Further sets of every analysis, for comparing songs; see ``sound_mixture``."""
TAGS = "musicnn_tags"
"""Set to estimate attributes from without a predictor and without VibeNet."""
INSTRUMENTS = "instrument_tags"
"""Set of instruments and voices for searches by words."""
VIBENET = "vibenet"
"""Set whose columns are estimates of attributes."""
NETWORKS = ("musicnn", INSTRUMENTS, VIBENET)
"""Sets of published networks that are extracted by default where they are installed."""


def default_sets(instance: Path) -> FeatureSpec:
    """Return the sets to extract by default, including those of installed networks."""
    installed = [
        name
        for name in NETWORKS
        if published_weights.is_usable(instance, str(EXTRACTORS.entry(name).model))
    ]
    return with_companions(FeatureSpec((*DEFAULT_SETS, *COMPARED_SETS, *installed)))


def extracted_sets(instance: Instance) -> list[str]:
    """Return the names of the audio sets that any file was analysed with."""
    return list(feature_cache.set_names(instance.session))


def installed_sets(instance: Path) -> tuple[str, ...]:
    """Return the available audio sets, without those whose optional library is missing."""
    optional = (name for name in NETWORKS if EXTRACTORS.entry(name).is_optional)
    usable = (name for name in optional if published_weights.is_usable(instance, name))
    return (*offered_sets(), *usable)


def settings_from(assignments: Iterable[str], settings: AudioSettings = DEFAULTS) -> AudioSettings:
    """Change ``settings`` by texts such as ``"n_mfcc=20"`` or ``"musicnn.model=MTT_musicnn"``.

    A setting goes by its own name or as ``set.parameter``; one that several sets share changes for
    all of them. Raises ``UnknownName`` for an unknown setting and ``BadInput`` for its value.
    """
    parameters = {
        name: (entry.setting(parameter), parameter)
        for entry in EXTRACTORS
        if entry.from_audio
        for parameter in entry.parameters
        for name in (entry.setting(parameter), f"{entry.name}.{parameter.name}")
    }
    values: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise BadInput(f"{text!r} sets nothing: write NAME=VALUE, such as n_mfcc=20.")
        if name not in parameters:
            raise UnknownName("setting", name, sorted(parameters))
        setting, parameter = parameters[name]
        values[setting] = parameter.coerce(value)
    return settings.updated(values)


def key_of(name: str, settings: AudioSettings = DEFAULTS) -> SetKey:
    """Return the key of a set in the cache. Imports its extractor, which holds its version."""
    version: int = EXTRACTORS.entry(name).load().version  # type: ignore[attr-defined]
    return SetKey(name, version, digest(name, settings))


def keys_of(spec: FeatureSpec, settings: AudioSettings = DEFAULTS) -> list[SetKey]:
    """Return the keys of several sets in the cache."""
    return [key_of(name, settings) for name in spec]


def library_settings(
    instance: Instance,
    spec: FeatureSpec,
    fixed: Mapping[str, AudioSettings] = MappingProxyType({}),
) -> list[tuple[FeatureSpec, AudioSettings]]:
    """Group sets by their most common settings in the library.

    An upload is extracted with these settings, so that it can be compared with the library.
    ``fixed`` overrides the settings by name of a set, with those of the run that embeds the upload.
    """
    groups: list[tuple[list[str], dict[str, Any]]] = []
    for name in spec:
        if name in fixed:
            values = parameters_of(name, fixed[name])
        else:
            key = most_common_settings(instance.session, name)
            values = feature_cache.parameters(instance.folder, key) or parameters_of(name)
        for members, settings in groups:
            if all(settings.get(setting, value) == value for setting, value in values.items()):
                members.append(name)
                settings.update(values)
                break
        else:
            groups.append(([name], dict(values)))
    return [(FeatureSpec(tuple(names)), DEFAULTS.updated(values)) for names, values in groups]


def write_columns(
    instance: Path, key: SetKey, names: Sequence[str], settings: AudioSettings
) -> None:
    """Record the names of a set's columns and the settings of its vectors in the cache."""
    feature_cache.write_columns(instance, key, names, parameters_of(key.name, settings))


def table(instance: Instance, spec: FeatureSpec, *, minimum: int = 1) -> FeatureTable:
    """Return the tracks that have all audio sets of ``spec``; see ``feature_cache.read_table``.

    The vectors are those with the most common settings.
    """
    keys = [most_common_settings(instance.session, name) for name in spec]
    return feature_cache.read_table(instance, keys, minimum=minimum)


def most_common_settings(session: Session, name: str) -> SetKey:
    """Return the key of a set's most common settings; of the default settings in case of a tie."""
    default = key_of(name)
    counts = feature_cache.digests(session, name, default.version)
    if not counts or counts.get(default.digest) == max(counts.values()):
        return default
    return SetKey(name, default.version, max(counts, key=lambda each: (counts[each], each)))
