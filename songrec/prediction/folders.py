"""Where trained predictors lie: ``<instance>/predictor/<id>/``, and what their manifests say.

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
    """Where all predictors lie."""
    return instance / "predictor"


def studies(instance: Path) -> Path:
    """Where the cached searches lie."""
    return instance / "studies"


def new_id() -> str:
    """A name that sorts by time: ``20260131-142501-3fa9``."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3] + f"-{secrets.token_hex(2)}"


def ids(instance: Path) -> list[str]:
    """All whole predictors, the newest first."""
    found = root(instance)
    if not found.is_dir():
        return []
    names = (path.parent.name for path in found.glob(f"*/{MANIFEST}"))
    return sorted((name for name in names if not name.endswith(PARTIAL)), reverse=True)


def manifest(instance: Path, predictor_id: str) -> dict[str, Any]:
    """What a predictor is and how good it is; ``NotReady`` where it is not there."""
    path = root(instance) / predictor_id / MANIFEST
    if predictor_id not in ids(instance):
        raise NotReady(f"There is no predictor {predictor_id!r}: flask predict train")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def newest(instance: Path, columns: Iterable[str] | None = None) -> str | None:
    """The newest predictor, of those that need no more than ``columns`` if given; or None."""
    there = None if columns is None else set(columns)
    for name in ids(instance):
        if there is None or there.issuperset(manifest(instance, name)["columns"]):
            return name
    return None
