"""The stages of a training: how far each is, how long it took, and which several have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from songrec.core.types import Progress


class Stages:
    """Maps each stage's own progress into its part of the whole, and times the stages."""

    def __init__(self, on_progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._on_progress = on_progress
        self._from = 0.0

    @contextmanager
    def stage(self, name: str, label: str, until: float) -> Iterator[Progress]:
        """One stage, which ends at ``until`` of the whole; gives its own progress callable."""
        begin, self._from = self._from, until
        started = time.perf_counter()

        def report(
            fraction: float, message: str = "", details: dict[str, Any] | None = None
        ) -> None:
            self._on_progress(
                begin + (until - begin) * min(max(fraction, 0.0), 1.0),
                f"{label}: {message}" if message else label,
                {
                    "stage": name,
                    "seconds": self._elapsed(started),
                    **(details or {}),
                },
            )

        report(0.0)
        yield report
        self.seconds[name] = self._elapsed(started)

    @staticmethod
    def _elapsed(started: float) -> float:
        return round(time.perf_counter() - started, 3)


class Shared:
    """Stages that several trainings have in common, done once for all of them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[Any, float]] = {}

    def once(self, stages: Stages, stage: str, key: Any, make: Callable[[], Any]) -> Any:
        """What ``make``, which passes the stage, gave for an equal ``key``, with its seconds."""
        at = (stage, json.dumps(key, sort_keys=True))
        if at not in self._kept:
            made = make()
            self._kept[at] = made, stages.seconds[stage]
        made, stages.seconds[stage] = self._kept[at]
        return made
