"""What a job has told so far, in the form in which its row keeps it."""

from __future__ import annotations

import math
import re
import time
from typing import Any

from songrec.store.db import now
from songrec.store.jobs import KEPT_EPOCHS, LOG_LENGTH

SECONDS_BETWEEN_ALIKE = 5.0
_OF_AN_EPOCH = ("epoch", "loss", "val_loss")
_NO_LOSS = frozenset({*_OF_AN_EPOCH, "epochs", "stage", "seconds"})


class Record:
    """Progress, message, log and details; the worker and the job's process each keep one.

    ``details["epochs"]`` collects ``{"epoch", "loss", "val_loss", …}``, the loss curve and those of
    the loss's parts; other figures replace what they were before.
    """

    def __init__(self) -> None:
        self.progress = 0.0
        self.message = "Starting."
        self.details: dict[str, Any] = {}
        self.log = ""
        self._shape, self._shape_at = "", 0.0

    def progressed(self, fraction: float, message: str, details: dict[str, Any] | None) -> None:
        """Note one progress report."""
        self.progress, self.message = min(max(float(fraction), 0.0), 1.0), str(message)[:500]
        details = details or {}
        if "epoch" in details:
            epochs = self.details.setdefault("epochs", [])
            parts = [name for name in details if name not in _NO_LOSS]
            epochs.append({name: _known(details.get(name)) for name in (*_OF_AN_EPOCH, *parts)})
            del epochs[:-KEPT_EPOCHS]
        else:
            self.details.update(details)
        # "1,000 rows", "2,000 rows", …: a line every few seconds says as much as all of them.
        shape, moment = re.sub(r"\d+", "0", self.message), time.monotonic()
        if shape != self._shape or moment - self._shape_at > SECONDS_BETWEEN_ALIKE:
            self._shape, self._shape_at = shape, moment
            self.write(self.message)

    def write(self, line: str) -> None:
        """Append a line to the log with the time of day (UTC); the oldest lines go first."""
        start = "\n" if self.log else ""
        self.log += f"{start}{now():%H:%M:%S} {line}"
        if len(self.log) > LOG_LENGTH:
            self.log = "…\n" + self.log[-LOG_LENGTH:].split("\n", 1)[-1]


def _known(figure: Any) -> Any:
    """``figure``, or None for one that JSON has no word for: a loss that ran away."""
    return None if isinstance(figure, float) and not math.isfinite(figure) else figure
