"""Record and restore the feature-extraction settings that a run was trained with.

Songs added later are extracted with these settings even if the library's have changed, because the
run's scaler and model are only valid for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from songrec.core.errors import NotReady
from songrec.features.registry import EXTRACTORS, digest, parameters_of
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features import feature_sets
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.sound import feature_cache
from songrec.store.tables import Run


def record(instance: Instance, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the current version, digest and parameters of sets, by name."""
    settings = {}
    for name in names:
        key = feature_sets.most_common_settings(instance.session, name)
        parameters = feature_cache.parameters(instance.folder, key)
        if parameters is None and key == feature_sets.key_of(name):
            parameters = parameters_of(name)
        settings[name] = {"version": key.version, "digest": key.digest, "parameters": parameters}
    return settings


def settings_of(instance: Path, run: Run | None) -> dict[str, AudioSettings]:
    """Return the recorded settings of the sets that ``run`` was trained on, by name.

    Raises ``NotReady`` if they cannot be restored: the extractor's version changed, a parameter no
    longer exists, or parameters were not recorded.
    """
    if run is None:
        return {}
    restored = {}
    for name, entry in runs.manifest(instance, run).get("feature_settings", {}).items():
        parameters = entry["parameters"]
        if name not in EXTRACTORS:
            raise _not_restorable(run, name, "which this songrec does not extract")
        version = feature_sets.key_of(name).version
        if version != entry["version"]:
            raise _not_restorable(
                run, name, f"version {entry['version']}; this songrec extracts version {version}"
            )
        if parameters is None:
            raise _not_restorable(run, name, "with settings that were not recorded")
        settings = DEFAULTS.updated(parameters)
        if digest(name, settings) != entry["digest"]:
            raise _not_restorable(run, name, "with settings that this songrec does not have")
        restored[name] = settings
    return restored


def _not_restorable(run: Run, name: str, why: str) -> NotReady:
    return NotReady(
        f"The run {run.public_id} was trained on {name}, {why}: train again with `flask train`."
    )
