"""A run as one HTML file that needs nothing else: no request, no script. Heavy."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core import config
from songrec.core.attributes import BY_NAME
from songrec.core.errors import NotReady, SongrecError
from songrec.core.files import write_bytes
from songrec.core.types import Progress, no_progress
from songrec.core.version import VERSION
from songrec.evaluation.importance import importance
from songrec.projection import PROJECTIONS
from songrec.services.reports import model_examples, plots
from songrec.services.reports.cluster_importance import cluster_importance
from songrec.services.training.run_metrics import MEASURES
from songrec.store.db import now
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Run, Track

MAP_TRACKS = 4_000
"""Maps that the run has not drawn itself are drawn of a seeded sample this large."""
TELLING, OVERALL = 5, 10


@dataclass
class Report:
    """``html`` is the whole report; ``files`` are its pictures and sounds by name."""

    html: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture in the page: its address (the picture itself) and what it says."""

    name: str
    source: str
    text: str


@dataclass(frozen=True)
class Example:
    """One track before and after; ``sounds`` are (label, address)."""

    title: str
    picture: Picture
    error: float
    sounds: tuple[tuple[str, str], ...]


def make(session: Session, instance: Path, run: Run, on_progress: Progress = no_progress) -> Report:
    """Draw and write everything. ``NotReady`` where the run's files are gone.

    What cannot be shown (the features have changed since, a map cannot be drawn) is a sentence in
    the report.
    """
    report = Report()
    manifest = runs.manifest(instance, run)
    history = runs.history(instance, run)
    clusters = runs.clusters_of(session, run)
    names = {cluster.number: cluster.name for cluster in clusters}
    notes: list[str] = list(manifest.get("notes", []))
    on_progress(0.05, "Drawing the losses", None)
    curves = _picture(report, "losses", plots.losses(history), "The losses over the epochs")
    maps = list(_maps(report, instance, run, names, notes, on_progress))
    on_progress(0.6, "Loading the model", None)
    shown: list[Example] = []
    walked: list[Picture] = []
    invented: list[Picture] = []
    telling = cluster_importance(instance, run, manifest)
    try:
        subject = model_examples.load(session, instance, run)
    except SongrecError as error:
        notes.append(f"Examples are left out: {error}")
    else:
        telling = importance(
            subject.table.values, subject.table.names, subject.labels[subject.rows]
        )
        on_progress(0.65, "Restoring examples", None)
        shown = list(_examples(session, report, subject))
        on_progress(0.85, "Walking along the latent", None)
        for walk in model_examples.walks(subject):
            said = f"What the decoder makes of latent dimension {walk.dimension + 1}"
            drawn = plots.walk(walk, subject.table.names)
            walked += _picture(report, f"latent_{walk.dimension + 1}", drawn, said)
        columns = [label_of(name) for name in subject.table.names]
        drawn = plots.made_up(model_examples.made_up(subject, run.seed), columns)
        invented = _picture(report, "made_up", drawn, "Songs of each label, and made-up ones")
    on_progress(0.95, "Writing the page", None)
    report.html = _render(
        run=run,
        manifest=manifest,
        notes=notes,
        clusters=clusters,
        measures=[(m, m.value_of(run)) for m in MEASURES if m.value_of(run) is not None],
        curves=curves,
        maps=maps,
        telling=telling,
        most=(TELLING, OVERALL),
        examples=shown,
        with_sound=any(one.sounds for one in shown),
        walks=walked,
        made_up=invented,
        made_count=model_examples.MADE_UP,
        made=now(),
        version=VERSION,
    )
    return report


def write(report: Report, folder: Path) -> None:
    """``report.html`` and every picture and sound into ``folder``; each is put in place whole."""
    for name, content in {**report.files, "report.html": report.html.encode()}.items():
        write_bytes(folder / name, content)


def label_of(column: str) -> str:
    """What people call a feature: ``attributes:energy`` is Energy."""
    attribute = BY_NAME.get(column.removeprefix("attributes:"))
    return attribute.label if attribute else column.replace("_", " ").replace(":", ": ")


def _maps(
    report: Report,
    instance: Path,
    run: Run,
    names: Mapping[int, str],
    notes: list[str],
    on_progress: Progress,
) -> Iterator[Picture]:
    """The run's own map, and a sample of it drawn by every other projection there is."""
    _, labels = run_folders.read_labels(instance, run.public_id)
    latent = run_folders.read_array(instance, run.public_id, "latent.npy")
    rows = np.sort(np.random.default_rng(run.seed).permutation(len(labels))[:MAP_TRACKS])
    own = _own_map(instance, run)
    for at, entry in enumerate(PROJECTIONS):
        on_progress(0.1 + 0.5 * at / len(PROJECTIONS), f"Drawing the map by {entry.label}", None)
        of = f", {len(rows):,} of {len(labels):,} tracks" if len(rows) < len(labels) else ""
        if entry.name == run.projection:
            coordinates, of = own[rows], f"{of} (the run's own map)"
        else:
            sample = np.ascontiguousarray(latent[rows])
            try:
                drawn = PROJECTIONS.create(entry.name).fit(sample, seed=run.seed)
                coordinates = drawn.project(sample)
            except SongrecError as error:
                notes.append(f"The map by {entry.label} is left out: {error}")
                continue
        title = f"{entry.label}{of}"
        figure = plots.map_of(coordinates, labels[rows], title, dict(names))
        yield from _picture(report, f"map_{entry.name}", figure, f"Map of the latent: {title}")


def _own_map(instance: Path, run: Run) -> Any:
    path = run_folders.run_folder(instance, run.public_id) / "projection.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["coordinates"]
    except (OSError, ValueError, KeyError) as error:
        raise NotReady(
            f"The files of run {run.public_id} are damaged ({error}): train again."
        ) from None


def _examples(
    session: Session, report: Report, subject: model_examples.Subject
) -> Iterator[Example]:
    rows = model_examples.typical(subject)
    found = model_examples.restored(subject, rows)
    titles = _titles(session, [one.track_id for one in found])
    columns = [label_of(name) for name in subject.table.names]
    for number, one in enumerate(found, 1):
        title = titles.get(one.track_id, "A track")
        figure = plots.before_and_after(one, columns, title)
        (picture,) = _picture(report, f"example_{number}", figure, f"{title} before and after")
        sounds = []
        if one.is_picture:
            for label, decibels in (("before", one.before), ("from the latent", one.after)):
                heard = model_examples.wav(model_examples.sound(decibels))
                name = f"example_{number}_{label.split()[0]}.wav"
                report.files[name] = heard
                sounds.append((label, _address("audio/wav", heard)))
        error = float(np.square(one.before - one.after, dtype=np.float64).mean())
        yield Example(title, picture, error, tuple(sounds))


def _titles(session: Session, track_ids: list[int]) -> dict[int, str]:
    query = select(Track.id, Track.title, Track.artists).where(Track.id.in_(track_ids))
    return {
        track_id: f"{title}, {artists}" if artists else title
        for track_id, title, artists in session.execute(query)
    }


def _picture(report: Report, name: str, figure: Any, text: str) -> list[Picture]:
    """The figure kept as PNG and SVG, and put into the page as SVG; nothing of None."""
    if figure is None:
        return []
    report.files[f"{name}.png"] = plots.save(figure, "png")
    report.files[f"{name}.svg"] = drawn = plots.save(figure, "svg")
    return [Picture(name, _address("image/svg+xml", drawn), text)]


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _render(**values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(config.ROOT / "templates" / "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["label"] = label_of
    environment.filters["figure"] = _figure
    return environment.get_template("report.html").render(**values)


def _figure(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.4g}"
