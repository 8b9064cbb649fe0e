"""By which settings the feature sets were made that a run learnt from: noted, and had again.

A song that comes later is extracted by these, whatever most of the library is analysed with by
then: the run's scaler and model know no others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.features.registry import EXTRACTORS
from songrec.features.settings import DEFAULTS, AudioSettings, digest, parameters_of
from songrec.services.features import feature_sets
from songrec.store.runs import runs
from songrec.store.sound import feature_cache
from songrec.store.tables import Run


def record(session: Session, instance: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Version, digest and parameters of the sets ``names`` as a training reads them now."""
    found = {}
    for name in names:
        key = feature_sets.most_common_settings(session, name)
        parameters = feature_cache.parameters(instance, key)
        if parameters is None and key == feature_sets.key_of(name):
            parameters = parameters_of(name)
        found[name] = {"version": key.version, "digest": key.digest, "parameters": parameters}
    return found


def settings_of(instance: Path, run: Run | None) -> dict[str, AudioSettings]:
    """The settings of the sets that ``run`` learnt from; nothing of a run that noted none.

    Raises ``NotReady`` where they cannot be had any more: another version of an extractor, a
    parameter that there is no longer, or nobody wrote them down.
    """
    if run is None:
        return {}
    known = {field.name for field in fields(AudioSettings)}
    found = {}
    for name, told in runs.manifest(instance, run).get("feature_settings", {}).items():
        parameters = told["parameters"]
        if name not in EXTRACTORS:
            raise _gone(run, name, "which this songrec does not extract")
        version = feature_sets.key_of(name).version
        if version != told["version"]:
            raise _gone(
                run, name, f"version {told['version']}; this songrec extracts version {version}"
            )
        if parameters is None:
            raise _gone(run, name, "with settings that nobody wrote down")
        settings = replace(DEFAULTS, **{k: v for k, v in parameters.items() if k in known})
        if digest(name, settings) != told["digest"]:
            raise _gone(run, name, "with settings that this songrec does not have")
        found[name] = settings
    return found


def _gone(run: Run, name: str, why: str) -> NotReady:
    return NotReady(
        f"The run {run.public_id} learnt from {name}, {why}: train again with `flask train`."
    )
