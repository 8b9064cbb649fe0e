"""Progress and timing of a training's stages, and a cache of stages shared by trainings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from songrec.core.types import Progress


class StageProgress:
    """Map each stage's progress to its part of the whole training, and time the stages.

    ``seconds`` holds the time that each completed stage took.
    """

    def __init__(self, on_progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._on_progress = on_progress
        self._reached = 0.0

    @contextmanager
    def stage(self, name: str, label: str, until: float) -> Iterator[Progress]:
        """Run a stage that ends at fraction ``until`` of the whole; yields a progress callable."""
        begin, self._reached = self._reached, until
        started = time.perf_counter()

        def report(
            fraction: float, message: str = "", details: dict[str, Any] | None = None
        ) -> None:
            self._on_progress(
                begin + (until - begin) * min(max(fraction, 0.0), 1.0),
                f"{label}: {message}" if message else label,
                {"stage": name, "seconds": self._elapsed(started), **(details or {})},
            )

        report(0.0)
        yield report
        self.seconds[name] = self._elapsed(started)

    @staticmethod
    def _elapsed(started: float) -> float:
        return round(time.perf_counter() - started, 3)


class StageCache:
    """Results of stages that several trainings have in common, each computed once."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, str], tuple[Any, float]] = {}

    def get_or_compute(
        self, progress: StageProgress, stage: str, key: Any, compute: Callable[[], Any]
    ) -> Any:
        """Return the result of ``stage`` for ``key``, computing it on first use.

        ``compute`` must run the stage through ``progress``. The seconds of a cached result are
        entered as those that it took when it was computed.
        """
        cache_key = (stage, json.dumps(key, sort_keys=True))
        if cache_key not in self._results:
            result = compute()
            self._results[cache_key] = result, progress.seconds[stage]
        result, progress.seconds[stage] = self._results[cache_key]
        return result
