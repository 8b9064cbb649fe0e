"""Which feature sets there are now, as the cache files them, and tables of them to train on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable
from songrec.features.registry import EXTRACTORS
from songrec.features.settings import DEFAULTS, AudioSettings, digest
from songrec.store import feature_cache
from songrec.store.feature_cache import SetKey

FROM_LABELS = frozenset({"genre"})
"""Sets that come from a track's labels: nothing is extracted and nothing is cached."""
MEASURING = "statistical"
"""The set that measures tempo, key, mode and loudness; every analysis includes it."""
DEFAULT_SETS = ("mfcc", MEASURING)


def parse(text: str | Iterable[str]) -> tuple[str, ...]:
    """``"mfcc, musicnn"`` as names of audio feature sets, ``statistical`` always among them.

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
    return tuple(names if MEASURING in names else [*names, MEASURING])


def key_of(name: str, settings: AudioSettings = DEFAULTS) -> SetKey:
    """A set as the cache files it. Imports the extractor's module, which says its version."""
    version: int = EXTRACTORS.entry(name).load().version  # type: ignore[attr-defined]
    return SetKey(name, version, digest(name, settings))


def keys_of(names: Iterable[str], settings: AudioSettings = DEFAULTS) -> list[SetKey]:
    """Several sets as the cache files them."""
    return [key_of(name, settings) for name in names]


def table(
    session: Session, instance: Path, names: Sequence[str], *, minimum: int = 1
) -> FeatureTable:
    """The tracks that have all the audio sets ``names``, side by side; see ``read_table``.

    Of each set the vectors of the settings that most tracks were analysed with.
    """
    keys = [_commonest(session, name) for name in names]
    return feature_cache.read_table(session, instance, keys, minimum=minimum)


def _commonest(session: Session, name: str) -> SetKey:
    usual = key_of(name)
    found = feature_cache.digests(session, name, usual.version)
    if not found or found.get(usual.digest) == max(found.values()):
        return usual
    return SetKey(name, usual.version, max(found, key=lambda digest: (found[digest], digest)))
