"""The report of a run: one HTML file without requests or scripts. Heavy."""

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
from songrec.projection import MAPS, PROJECTIONS
from songrec.services.reports import model_examples, plots
from songrec.services.reports.cluster_importance import cluster_importance
from songrec.services.training.run_metrics import MEASURES
from songrec.services.training.run_names import model_names, run_name
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs
from songrec.store.tables import Run, Track

MAP_TRACKS = 4_000
"""Maps that the run does not have are drawn from a seeded sample of this size."""
PER_CLUSTER, OVERALL = 5, 10


@dataclass
class Report:
    """A report: the whole ``html``, and its pictures and audio ``files`` by name."""

    html: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """A picture of the page: its data URL and its alternative text."""

    name: str
    source: str
    text: str


@dataclass(frozen=True)
class Example:
    """A track before and after the model; ``sounds`` are (label, data URL)."""

    title: str
    picture: Picture
    error: float
    sounds: tuple[tuple[str, str], ...]


def make_report(instance: Instance, run: Run, on_progress: Progress = no_progress) -> Report:
    """Draw and render the report; ``NotReady`` if the run's files are missing.

    Parts that cannot be shown (the features have changed, a map cannot be drawn) become notes.
    """
    report = Report()
    manifest = runs.manifest(instance.folder, run)
    history = runs.history(instance.folder, run)
    clusters = runs.clusters_of(instance.session, run)
    names = {cluster.number: cluster.name for cluster in clusters}
    notes: list[str] = list(manifest.get("notes", []))
    on_progress(0.05, "Drawing the losses", None)
    curves = _picture(report, "losses", plots.losses(history), "The losses over the epochs")
    maps = list(_maps(report, instance.folder, run, names, notes, on_progress))
    on_progress(0.6, "Loading the model", None)
    example_tracks: list[Example] = []
    walks: list[Picture] = []
    generated: list[Picture] = []
    importances = cluster_importance(instance.folder, run, manifest)
    try:
        examples = model_examples.load(instance, run)
    except SongrecError as error:
        notes.append(f"Examples are left out: {error}")
    else:
        importances = importance(
            examples.table.values, examples.table.names, examples.labels[examples.rows]
        )
        on_progress(0.65, "Reconstructing examples", None)
        example_tracks = list(_examples(instance.session, report, examples))
        on_progress(0.85, "Walking along the latent", None)
        for walk in model_examples.latent_walks(examples):
            text = f"Decoder outputs along latent dimension {walk.dimension + 1}"
            figure = plots.latent_walk(walk, examples.table.names)
            walks += _picture(report, f"latent_{walk.dimension + 1}", figure, text)
        columns = [label_of(name) for name in examples.table.names]
        figure = plots.generated_tracks(
            model_examples.generated_tracks(examples, run.seed), columns
        )
        generated = _picture(report, "made_up", figure, "Songs of each label, and generated ones")
    on_progress(0.95, "Writing the page", None)
    report.html = _render(
        run=run,
        name=run_name(run),
        models=model_names(run),
        manifest=manifest,
        notes=notes,
        clusters=clusters,
        measures=[(m, m.value_of(run)) for m in MEASURES if m.value_of(run) is not None],
        curves=curves,
        maps=maps,
        importances=importances,
        most=(PER_CLUSTER, OVERALL),
        examples=example_tracks,
        with_sound=any(one.sounds for one in example_tracks),
        walks=walks,
        made_up=generated,
        made_count=model_examples.GENERATED_TRACKS,
        made=now(),
        version=VERSION,
    )
    return report


def write_report(report: Report, folder: Path) -> None:
    """Write ``report.html``, every picture and every audio file into ``folder``, atomically."""
    for name, content in {**report.files, "report.html": report.html.encode()}.items():
        write_bytes(folder / name, content)


def label_of(column: str) -> str:
    """Return the label of a feature: ``attributes:energy`` is Energy."""
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
    """Yield the run's own map, and a sample of its tracks by every other projection."""
    _, labels = run_folders.read_labels(instance, run.public_id)
    latent = run_folders.read_array(instance, run.public_id, "latent.npy")
    rows = np.sort(np.random.default_rng(run.seed).permutation(len(labels))[:MAP_TRACKS])
    own = _own_map(instance, run)
    entries = [entry for entry in PROJECTIONS if entry.name in MAPS]
    for at, entry in enumerate(entries):
        on_progress(0.1 + 0.5 * at / len(entries), f"Drawing the map by {entry.label}", None)
        of = f", {len(rows):,} of {len(labels):,} tracks" if len(rows) < len(labels) else ""
        if entry.name == run.projection:
            coordinates, of = own[rows], f"{of} (the run's own map)"
        else:
            sample = np.ascontiguousarray(latent[rows])
            try:
                projection = PROJECTIONS.create(entry.name).fit(sample, seed=run.seed)
                coordinates = projection.project(sample)
            except SongrecError as error:
                notes.append(f"The map by {entry.label} is left out: {error}")
                continue
        title = f"{entry.label}{of}"
        figure = plots.cluster_map(coordinates, labels[rows], title, dict(names))
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
    session: Session, report: Report, examples: model_examples.ModelExamples
) -> Iterator[Example]:
    rows = model_examples.typical_rows(examples)
    tracks = model_examples.reconstructions(examples, rows)
    titles = _titles(session, [one.track_id for one in tracks])
    columns = [label_of(name) for name in examples.table.names]
    for number, one in enumerate(tracks, 1):
        title = titles.get(one.track_id, "A track")
        figure = plots.reconstruction(one, columns, title)
        (picture,) = _picture(report, f"example_{number}", figure, f"{title} before and after")
        sounds = []
        if one.is_spectrogram:
            for label, decibels in (("before", one.before), ("from the latent", one.after)):
                wav = model_examples.to_wav(model_examples.to_audio(decibels))
                name = f"example_{number}_{label.split()[0]}.wav"
                report.files[name] = wav
                sounds.append((label, _data_url("audio/wav", wav)))
        error = float(np.square(one.before - one.after, dtype=np.float64).mean())
        yield Example(title, picture, error, tuple(sounds))


def _titles(session: Session, track_ids: list[int]) -> dict[int, str]:
    query = select(Track.id, Track.title, Track.artists).where(Track.id.in_(track_ids))
    return {
        track_id: f"{title}, {artists}" if artists else title
        for track_id, title, artists in session.execute(query)
    }


def _picture(report: Report, name: str, figure: Any, text: str) -> list[Picture]:
    """Save a figure as PNG and SVG; returns it as a picture of the page, empty without a figure."""
    if figure is None:
        return []
    report.files[f"{name}.png"] = plots.save(figure, "png")
    report.files[f"{name}.svg"] = svg = plots.save(figure, "svg")
    return [Picture(name, _data_url("image/svg+xml", svg), text)]


def _data_url(kind: str, content: bytes) -> str:
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
    environment.filters["figure"] = _format
    return environment.get_template("report.html").render(**values)


def _format(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.4g}"
