"""The parts of a loss over the epochs, from a run's history. Light: pages draw them too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def loss_parts(
    history: Sequence[dict[str, Any]],
) -> list[tuple[str, list[tuple[str, list[tuple[float, float]]]]]]:
    """``(part, [("training" or "held out", [(epoch, value), …]), …])``, the whole loss first.

    Epochs count on through the phases of a training. A part needs two epochs to be a line.
    """
    names = list(dict.fromkeys(name for row in history for name in row))
    parts = []
    for name in names:
        if name in ("epoch", "epochs") or name.startswith("val_"):
            continue
        lines = []
        for label, key in (("training", name), ("held out", f"val_{name}")):
            points = [
                (float(at), float(row[key]))
                for at, row in enumerate(history, 1)
                if isinstance(row.get(key), int | float)
                and not isinstance(row[key], bool)
                and math.isfinite(row[key])
            ]
            if len(points) > 1:
                lines.append((label, points))
        if lines:
            parts.append((name, lines))
    return parts
