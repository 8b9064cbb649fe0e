"""What is asked of an analysis and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features.feature_sets import DEFAULT_SETS
from songrec.services.library.worker_process import TIME_LIMIT_S


@dataclass(frozen=True)
class AnalyzeRequest:
    """What to analyse and how. ``workers`` None is one a core; ``scheduler`` is a dask address."""

    folder: Path
    features: tuple[str, ...] = DEFAULT_SETS
    workers: int | None = None
    scheduler: str | None = None
    settings: AudioSettings = DEFAULTS
    time_limit_s: float = TIME_LIMIT_S


@dataclass
class AnalyzeReport:
    """What became of the files: ``found`` is ``analysed + unchanged + len(rejected)``.

    ``unchanged`` counts files whose sound was known already, moved ones among them. ``missing``
    counts those that have vanished since the last time; ``alike`` the new tracks that are named
    like one that was there before them. ``segments`` is what became of the index of segments
    (``services.segments.build_index.refresh_after_analysis``), None where nothing.
    """

    folder: Path
    found: int = 0
    analysed: int = 0
    unchanged: int = 0
    missing: int = 0
    alike: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    segments: dict[str, Any] | None = None

    @property
    def done(self) -> int:
        """How many files are dealt with."""
        return self.analysed + self.unchanged + len(self.rejected)

    def to_json(self) -> dict[str, Any]:
        """The report as ``flask analyze --json`` prints it."""
        return {
            "found": self.found,
            "analysed": self.analysed,
            "unchanged": self.unchanged,
            "missing": self.missing,
            "alike": self.alike,
            "rejected": [{"path": path, "reason": reason} for path, reason in self.rejected],
            "seconds": round(self.seconds, 3),
            "fragments": self.segments
            and {
                name: value
                for name, value in self.segments.items()
                if name in ("added", "removed", "tracks", "fragments", "made_by", "problem")
            },
        }
