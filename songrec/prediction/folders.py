"""Folders of trained predictors, ``<instance>/predictor/<id>/``, and their manifests.

Light: the report page reads from here without loading an estimator.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from songrec.core.errors import NotReady
from songrec.core.files import PARTIAL

MANIFEST = "manifest.json"


def root(instance: Path) -> Path:
    """Return the folder of all predictors."""
    return instance / "predictor"


def studies(instance: Path) -> Path:
    """Return the folder of cached hyperparameter searches."""
    return instance / "studies"


def new_id() -> str:
    """Create an id that sorts by time: ``20260131-142501-3fa9``."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3] + f"-{secrets.token_hex(2)}"


def ids(instance: Path) -> list[str]:
    """Return the ids of all complete predictors, newest first."""
    folder = root(instance)
    if not folder.is_dir():
        return []
    names = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    return sorted((name for name in names if not name.endswith(PARTIAL)), reverse=True)


def manifest(instance: Path, predictor_id: str) -> dict[str, Any]:
    """Read the manifest of a predictor; ``NotReady`` if it does not exist."""
    path = root(instance) / predictor_id / MANIFEST
    if predictor_id not in ids(instance):
        raise NotReady(f"No predictor {predictor_id!r}. To train one: flask predict train")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def newest(instance: Path, columns: Iterable[str] | None = None) -> str | None:
    """Return the newest predictor, or the newest that ``columns`` suffice for; None without one."""
    available = None if columns is None else set(columns)
    for name in ids(instance):
        if available is None or available.issuperset(manifest(instance, name)["columns"]):
            return name
    return None
