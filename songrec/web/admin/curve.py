"""A loss curve as the points of two SVG lines. Server and script draw the same numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from songrec.services.training.run_metrics import loss_curves

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 12, 28
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Curve:
    """``loss`` and ``val_loss`` are SVG ``points``; ``ticks`` are (y, text), lowest first."""

    loss: str
    val_loss: str
    ticks: list[tuple[float, str]]
    first_epoch: int
    last_epoch: int
    last_loss: str
    last_val_loss: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM

    def to_json(self) -> dict[str, Any]:
        """For the script that keeps the curve up to date."""
        return asdict(self)


def curve(epochs: Sequence[dict[str, Any]]) -> Curve | None:
    """Return the curve of ``[{"epoch", "loss", "val_loss"}, …]``; None before two epochs."""
    rows = [row for row in epochs if _is_number(row.get("loss"))]
    if len(rows) < 2:
        return None
    step = -(-len(rows) // MOST_POINTS)
    rows = [*rows[:-1:step], rows[-1]]
    values = [
        row[name] for row in rows for name in ("loss", "val_loss") if _is_number(row.get(name))
    ]
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 0.5, high + 0.5
    first, last = rows[0]["epoch"], rows[-1]["epoch"]

    def points(name: str) -> str:
        return " ".join(
            f"{scale(row['epoch'], first, last, LEFT, WIDTH - RIGHT):.1f},"
            f"{scale(row[name], low, high, HEIGHT - BOTTOM, TOP):.1f}"
            for row in rows
            if _is_number(row.get(name))
        )

    ticks = [
        (round(scale(value, low, high, HEIGHT - BOTTOM, TOP), 1), f"{value:.3g}")
        for value in (low, (low + high) / 2, high)
    ]
    return Curve(
        points("loss"),
        points("val_loss"),
        ticks,
        first,
        last,
        _text(rows[-1].get("loss")),
        _text(rows[-1].get("val_loss")),
    )


def part_curves(history: Sequence[dict[str, Any]]) -> list[tuple[str, Curve]]:
    """Return a curve for each part of the loss, by name, without the total."""
    curves = []
    for name, lines in loss_curves(history):
        rows: dict[float, dict[str, Any]] = {}
        for label, points in lines:
            key = "loss" if label == "training" else "val_loss"
            for at, value in points:
                rows.setdefault(at, {"epoch": int(at)})[key] = value
        line = curve([rows[at] for at in sorted(rows)])
        if line is not None and name != "loss":
            words = ["KL" if word == "kl" else word for word in name.split("_")]
            curves.append((" ".join(words), line))
    return curves


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _text(value: Any) -> str:
    return f"{value:.4f}" if _is_number(value) else ""


def scale(value: float, low: float, high: float, start: float, end: float) -> float:
    """Map ``value`` from the range ``low``–``high`` to ``start``–``end``."""
    share = (value - low) / (high - low) if high > low else 0.0
    return start + share * (end - start)
