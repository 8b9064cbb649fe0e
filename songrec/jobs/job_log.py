"""Progress, message, log and details of a running job, as its row stores them."""

from __future__ import annotations

import math
import re
import time
from typing import Any

from songrec.store.db import now
from songrec.store.jobs import LOG_LENGTH, MAX_EPOCHS

SECONDS_BETWEEN_ALIKE = 5.0
_EPOCH_FIELDS = ("epoch", "loss", "val_loss")
_NOT_A_LOSS = frozenset({*_EPOCH_FIELDS, "epochs", "stage", "seconds"})


class JobLog:
    """Accumulated progress reports, one instance in the worker and one in the job's process.

    ``details["epochs"]`` collects ``{"epoch", "loss", "val_loss", …}``: the loss and its parts by
    epoch. Other values replace their earlier ones.
    """

    def __init__(self) -> None:
        self.progress = 0.0
        self.message = "Starting."
        self.details: dict[str, Any] = {}
        self.text = ""
        self._pattern, self._pattern_at = "", 0.0

    def record_progress(
        self, fraction: float, message: str, details: dict[str, Any] | None
    ) -> None:
        """Add a progress report."""
        self.progress, self.message = min(max(float(fraction), 0.0), 1.0), str(message)[:500]
        details = details or {}
        if "epoch" in details:
            epochs = self.details.setdefault("epochs", [])
            parts = [name for name in details if name not in _NOT_A_LOSS]
            epochs.append(
                {name: _finite_or_none(details.get(name)) for name in (*_EPOCH_FIELDS, *parts)}
            )
            del epochs[:-MAX_EPOCHS]
        else:
            self.details.update(details)
        # Of "1,000 rows", "2,000 rows", … a line every few seconds suffices.
        pattern, moment = re.sub(r"\d+", "0", self.message), time.monotonic()
        if pattern != self._pattern or moment - self._pattern_at > SECONDS_BETWEEN_ALIKE:
            self._pattern, self._pattern_at = pattern, moment
            self.write(self.message)

    def write(self, line: str) -> None:
        """Append a line with the time of day (UTC) to the log; the oldest lines are dropped."""
        start = "\n" if self.text else ""
        self.text += f"{start}{now():%H:%M:%S} {line}"
        if len(self.text) > LOG_LENGTH:
            self.text = "…\n" + self.text[-LOG_LENGTH:].split("\n", 1)[-1]


def _finite_or_none(value: Any) -> Any:
    """Return ``value``, or None for a loss that diverged: JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
