"""Values in a grid's description: numbers as people write them. ``BadInput`` is one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from songrec.core.errors import BadInput

MOST_SEEDS = 100


def yes(given: Any, key: str) -> bool:
    """True or false, as YAML knows them; ``key`` names it in the message."""
    if not isinstance(given, bool):
        raise BadInput(f"{key!r} in a grid is true or false; it was given {given!r}.")
    return given


def seeds(given: Any) -> list[int]:
    """Seeds from a number or a text."""
    return _numbers(given, "seeds", 2**31 - 1)


def clusters(given: Any) -> list[int]:
    """Numbers of clusters from a number or a text; ``auto`` is 0."""
    return _numbers(given, "clusters", 10_000)


def _numbers(given: Any, key: str, most: int) -> list[int]:
    """``3``, ``"0,1,2"`` or ``"0-4"`` as whole numbers."""
    found: list[int] = []
    try:
        if isinstance(given, bool | float):
            raise ValueError
        for part in str(given).split(","):
            if key == "clusters" and part.strip().lower() == "auto":
                found.append(0)
                continue
            low, dash, high = part.strip().partition("-")
            first, last = int(low), int(high) if dash else int(low)
            if not 0 <= first <= last <= most or last - first >= MOST_SEEDS:
                raise ValueError
            found.extend(range(first, last + 1))
    except ValueError:
        raise BadInput(
            f"{key!r} takes whole numbers from 0 to {most:,}, such as 0,1,2 or 0-4; it was given "
            f"{given!r}."
        ) from None
    return found


def as_yaml(given: Mapping[str, Any]) -> str:
    """A grid's JSON as the file that ``grid.parse_yaml`` reads."""
    import yaml

    return yaml.safe_dump(dict(given), sort_keys=False, default_flow_style=None, width=90)
