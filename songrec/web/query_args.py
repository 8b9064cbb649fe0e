"""Query parameters of pages, declared as marshmallow schemas and read leniently.

A page answers whatever its URL holds: a value that cannot be used counts as missing. The API, on
schemas of its own, refuses such a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma


class Clamped(ma.fields.Float):
    """A finite number, moved into the range from ``low`` to ``high``; a comma may be its point."""

    def __init__(self, low: float, high: float, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> float:
        number = super()._deserialize(str(value).replace(",", "."), *args, **options)
        return min(max(number, self.low), self.high)


def schema(**fields: ma.fields.Field[Any]) -> ma.Schema:
    """Return a schema of these fields that ignores all other parameters."""
    return ma.Schema.from_dict(fields)(unknown=ma.EXCLUDE)


def load(declared: ma.Schema, args: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the usable values, with the defaults of the rest, and the names of the unusable."""
    try:
        return declared.load(args), []
    except ma.ValidationError as error:
        unusable = [name for name in declared.fields if name in error.messages_dict]
        usable = {name: value for name, value in args.items() if name not in unusable}
        return declared.load(usable), unusable
