"""Figures of reports by matplotlib, as PNG and SVG. Heavy: only jobs and commands import it.

No display is needed. Drawing the same figure twice gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Ints
from songrec.services.training.run_metrics import loss_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songrec.services.reports.model_examples import GeneratedTracks, LatentWalk, Reconstruction

Kind = Literal["png", "svg"]
DPI = 150
# The clusters' colours on every page: twelve, repeated. Noise is grey.
COLOURS = (
    "#3c78b4",
    "#ff7878",
    "#0f5a3c",
    "#8769f0",
    "#78782d",
    "#00b4b4",
    "#a50000",
    "#d287ff",
    "#69a50f",
    "#b43c78",
    "#004bc3",
    "#782d87",
)
NOISE = "#8a857b"
INK, QUIET, ACCENT = "#1f1d1a", "#8a857b", "#3c78b4"
MAX_FEATURES = 16


def save(figure: Figure, kind: Kind) -> bytes:
    """Encode a figure as a file."""
    import matplotlib

    out = io.BytesIO()
    settings = {"svg.hashsalt": "songrec", "font.size": 9.0}
    with matplotlib.rc_context(settings):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=DPI, bbox_inches="tight", metadata=metadata)
    return out.getvalue()


def cluster_map(
    coordinates: Floats, labels: NDArray[np.integer], title: str, names: dict[int, str]
) -> Figure:
    """Draw a map: a dot per track ``(n, 2)``, coloured by cluster, with a legend of their names."""
    figure, (axes,) = _figure(1, width=7.5, height=5.0)
    order = np.random.default_rng(0).permutation(len(labels))  # so that no cluster covers another
    colours = np.array([colour(int(label)) for label in labels])
    size = float(np.clip(20_000 / max(1, len(labels)), 1.5, 18.0))
    axes.scatter(
        coordinates[order, 0],
        coordinates[order, 1],
        s=size,
        c=colours[order],
        linewidths=0,
        alpha=0.75,
        rasterized=True,
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title)
    for label in sorted(set(np.unique(labels).tolist()), key=lambda n: (n < 0, n)):
        axes.scatter([], [], s=24, c=colour(label), label=names.get(label, str(label)))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def losses(history: Sequence[dict[str, Any]]) -> Figure | None:
    """Draw every term of the loss over the epochs, on training and on held-out tracks."""
    parts = loss_curves(history)
    if not parts:
        return None
    figure, panels = _figure(len(parts), width=4.0, height=2.6)
    for axes, (name, lines) in zip(panels, parts, strict=False):
        for label, points in lines:
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                label=label,
                color=ACCENT if label == "training" else QUIET,
                linestyle="-" if label == "training" else "--",
            )
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("epoch")
        if len(lines) > 1:
            axes.legend(frameon=False)
    return figure


def reconstruction(one: Reconstruction, names: Sequence[str], title: str) -> Figure:
    """Draw a track before and after the model: pairs of values, or two spectrograms."""
    if one.is_spectrogram:
        figure, panels = _figure(2, width=4.2, height=2.6)
        low, high = float(one.before.min()), float(one.before.max())
        for axes, picture, text in zip(
            panels, (one.before, one.after), (title, "from the latent"), strict=True
        ):
            _spectrogram(axes, picture, text, low, high)
        return figure
    order = np.argsort(-np.abs(one.before - one.after), kind="stable")[:MAX_FEATURES]
    order = np.sort(order)[::-1]
    figure, (axes,) = _figure(1, width=6.0, height=0.28 * len(order) + 0.9)
    at = _pairs(axes, one.before[order], one.after[order], ("before", "from the latent"))
    axes.set_yticks(at, [names[i] for i in order])
    axes.set_xlabel("standard deviations from the mean")
    axes.set_title(title)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def latent_walk(one: LatentWalk, names: Sequence[str]) -> Figure:
    """Draw decoder outputs along one dimension of the latent."""
    title = f"Latent dimension {one.dimension + 1}"
    if one.decoded.ndim == 3:
        steps = range(0, len(one.places), 3)
        figure, panels = _figure(len(steps), width=2.8, height=2.2)
        low, high = float(one.decoded.min()), float(one.decoded.max())
        for axes, at in zip(panels, steps, strict=False):
            _spectrogram(axes, one.decoded[at], f"{title}: {one.places[at]:.2f}", low, high)
        return figure
    figure, (axes,) = _figure(1, width=5.0, height=2.8)
    spread = np.ptp(one.decoded, axis=0)
    for rank, column in enumerate(np.argsort(-spread, kind="stable")[:6].tolist()):
        axes.plot(
            one.places,
            one.decoded[:, column],
            label=names[column],
            color=COLOURS[rank],
            marker="os^Dvx"[rank],
            markersize=3,
        )
    axes.set_xlabel(title)
    axes.set_ylabel("standard deviations")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def generated_tracks(tracks: Sequence[GeneratedTracks], names: Sequence[str]) -> Figure | None:
    """Draw means of each label's tracks and of generated ones; None without labels."""
    if not tracks:
        return None
    spread = np.ptp([one.mean for one in tracks], axis=0)
    order = np.sort(np.argsort(-spread, kind="stable")[:MAX_FEATURES])[::-1]
    figure, panels = _figure(len(tracks), width=3.4, height=0.22 * len(order) + 0.9)
    for number, (axes, one) in enumerate(zip(panels, tracks, strict=False)):
        at = _pairs(axes, one.mean[order], one.generated_mean[order], ("its songs", "generated"))
        axes.set_yticks(at, [names[i] for i in order] if number % 3 == 0 else [""] * len(at))
        axes.set_title(f"{one.label} ({one.tracks:,})")
        axes.set_xlabel("standard deviations")
    panels[0].legend(loc="best", frameon=False)
    return figure


def colour(label: int) -> str:
    """Return the colour of a cluster."""
    return NOISE if label < 0 else COLOURS[label % len(COLOURS)]


def _pairs(axes: Any, solid: Floats, hollow: Floats, labels: tuple[str, str]) -> Ints:
    """Draw joined pairs of values from the bottom; returns the positions of the lines."""
    at = np.arange(len(solid))
    axes.hlines(at, solid, hollow, color=QUIET, linewidth=1)
    axes.plot(solid, at, "o", color=INK, label=labels[0], markersize=5)
    axes.plot(hollow, at, "o", color=ACCENT, label=labels[1], markersize=5, markerfacecolor="none")
    axes.axvline(0, color=QUIET, linewidth=0.5)
    return at


def _spectrogram(axes: Any, decibels: Floats, title: str, low: float, high: float) -> None:
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    axes.set_title(title, fontsize=8)
    axes.set_xlabel("frame")
    axes.set_ylabel("mel band")


def _figure(panels: int, *, width: float, height: float) -> tuple[Figure, list[Any]]:
    from matplotlib.figure import Figure

    across = min(3, panels)
    down = -(-panels // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for spare in axes[panels:]:
        spare.set_axis_off()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes
