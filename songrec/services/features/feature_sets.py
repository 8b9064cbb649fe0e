"""Which feature sets there are now, as the cache files them, and tables of them to train on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import FeatureTable
from songrec.features.registry import EXTRACTORS
from songrec.features.settings import (
    DEFAULTS,
    DEPENDS_ON,
    OWN_PARAMETERS,
    AudioSettings,
    digest,
    parameters_of,
)
from songrec.store.models import published_weights
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

FROM_LABELS = frozenset({"genre"})
"""Sets that come from a track's labels: nothing is extracted and nothing is cached."""
MEASURING = "statistical"
"""The set that measures tempo, key, mode and loudness; every analysis includes it."""
DEFAULT_SETS = ("mfcc", MEASURING)
TAGS = "musicnn_tags"
"""The set that attributes are estimated from where no predictor is trained."""
_HEARD = ("musicnn", TAGS)


def default_sets(instance: Path) -> tuple[str, ...]:
    """What is extracted unless told otherwise: MusiCNN's sets too where its weights are."""
    return (
        (*DEFAULT_SETS, *_HEARD)
        if published_weights.is_there(instance, "musicnn")
        else DEFAULT_SETS
    )


def parse(text: str | Iterable[str]) -> tuple[str, ...]:
    """``"mfcc, musicnn"`` as names of audio feature sets, ``statistical`` always among them.

    With ``musicnn`` come its tags, which its one pass gives as well.

    Raises ``UnknownName`` for a set that there is not and ``BadInput`` for one of labels.
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    names = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for name in names:
        EXTRACTORS.entry(name)
        if name in FROM_LABELS:
            raise BadInput(
                f"The feature set {name!r} comes from labels: nothing is analysed for it."
            )
    if not names:
        raise BadInput(f"No feature set is named. Known: {', '.join(EXTRACTORS.names())}.")
    implied = [MEASURING, *([TAGS] if "musicnn" in names else [])]
    return tuple(dict.fromkeys([*names, *implied]))


def settings_from(given: Iterable[str], settings: AudioSettings = DEFAULTS) -> AudioSettings:
    """``settings`` changed by ``("n_mfcc=20", "musicnn.model=MTT_musicnn", …)``.

    A setting goes by its own name or as ``set.parameter``; what several sets share changes for all
    of them. Raises ``UnknownName`` for one that there is not and ``BadInput`` for its value.
    """
    changed: dict[str, Any] = {}
    own = {
        f"{name}.{parameter.name}": (setting, parameter)
        for name, entry in ((name, EXTRACTORS.entry(name)) for name in DEPENDS_ON)
        for setting in DEPENDS_ON[name]
        for parameter in entry.parameters
        if parameter.name == OWN_PARAMETERS.get(setting, setting)
    }
    known = {**{setting: (setting, parameter) for setting, parameter in own.values()}, **own}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise BadInput(f"{text!r} sets nothing: write NAME=VALUE, such as n_mfcc=20.")
        if name not in known:
            raise UnknownName("setting", name, sorted(known))
        setting, parameter = known[name]
        changed[setting] = parameter.coerce(value)
    return replace(settings, **changed)


def key_of(name: str, settings: AudioSettings = DEFAULTS) -> SetKey:
    """A set as the cache files it. Imports the extractor's module, which says its version."""
    version: int = EXTRACTORS.entry(name).load().version  # type: ignore[attr-defined]
    return SetKey(name, version, digest(name, settings))


def keys_of(names: Iterable[str], settings: AudioSettings = DEFAULTS) -> list[SetKey]:
    """Several sets as the cache files them."""
    return [key_of(name, settings) for name in names]


def library_settings(
    session: Session,
    instance: Path,
    names: Iterable[str],
    fixed: Mapping[str, AudioSettings] = MappingProxyType({}),
) -> list[tuple[tuple[str, ...], AudioSettings]]:
    """``names`` with the settings that most tracks have them by, grouped where those agree.

    What an upload is to be compared with was perhaps not extracted with the defaults. ``fixed``
    says by name where it has to be other settings: those that a run learnt from.
    """
    groups: list[tuple[list[str], dict[str, Any]]] = []
    for name in names:
        if name in fixed:
            told = parameters_of(name, fixed[name])
        else:
            key = most_common_settings(session, name)
            told = feature_cache.parameters(instance, key) or parameters_of(name)
        known = {field.name for field in fields(AudioSettings)}
        wanted = {setting: value for setting, value in told.items() if setting in known}
        for members, settings in groups:
            if all(settings.get(setting, value) == value for setting, value in wanted.items()):
                members.append(name)
                settings.update(wanted)
                break
        else:
            groups.append(([name], wanted))
    return [(tuple(members), replace(DEFAULTS, **settings)) for members, settings in groups]


def write_columns(
    instance: Path, key: SetKey, names: Sequence[str], settings: AudioSettings
) -> None:
    """Write down what the set's columns are called and which settings its vectors are made with."""
    feature_cache.write_columns(instance, key, names, parameters_of(key.name, settings))


def table(
    session: Session, instance: Path, names: Sequence[str], *, minimum: int = 1
) -> FeatureTable:
    """The tracks that have all the audio sets ``names``, side by side; see ``read_table``.

    Of each set the vectors of the settings that most tracks were analysed with.
    """
    keys = [most_common_settings(session, name) for name in names]
    return feature_cache.read_table(session, instance, keys, minimum=minimum)


def most_common_settings(session: Session, name: str) -> SetKey:
    """A set by those settings that most tracks were analysed with; the usual ones where equal."""
    usual = key_of(name)
    found = feature_cache.digests(session, name, usual.version)
    if not found or found.get(usual.digest) == max(found.values()):
        return usual
    return SetKey(name, usual.version, max(found, key=lambda digest: (found[digest], digest)))
