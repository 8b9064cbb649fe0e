"""Names of the feature sets whose columns a table, a training or an analysis uses together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class FeatureSpec:
    """Feature sets in the order of their columns, each once.

    Texts (``"mfcc,statistical"``) are parsed where they enter the program: ``parse_features`` and
    ``parse_audio_features`` in ``features.registry`` also check the names. Everything else passes
    this object on. ``str`` gives the text that files and the database hold.
    """

    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split names at commas or plus signs, without checking them."""
        parts = (part.strip() for part in re.split("[,+]", text))
        return cls(tuple(dict.fromkeys(part for part in parts if part)))

    def __str__(self) -> str:
        return ",".join(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def without(self, *names: str) -> FeatureSpec:
        """Return the spec without ``names``."""
        return FeatureSpec(tuple(name for name in self.names if name not in names))

    def union(self, other: FeatureSpec) -> FeatureSpec:
        """Return the sets of both, those of ``other`` last."""
        return FeatureSpec(tuple(dict.fromkeys((*self.names, *other.names))))


ATTRIBUTES_ONLY = FeatureSpec(("attributes",))
"""The attributes of the catalogue, without any audio."""
AUTO = FeatureSpec(("auto",))
"""The default of the representation; see ``services.training.dataset``."""
