"""VaDE on the TidyTuesday catalogue: the effect of the joint phase's steps on its clusters.

Ten clusters of the model's own, asked of the genre that training did not see; a grid as ``flask
compare`` runs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.studies.instance import empty_instance
from benchmarks.tables import table
from songrec.services.catalogue.ingest import ingest_file
from songrec.services.sweeps.runner import run_sweep
from songrec.services.sweeps.specification import SweepSpec
from songrec.store.instance import Instance

FILE = "catalogues/tidytuesday_spotify_songs.csv"
NEEDS = (FILE,)
SETTINGS: dict[str, dict[str, float]] = {
    "the pretraining's steps: 0.001, no decay": {
        "joint_learning_rate": 0.001,
        "learning_rate_decay": 1.0,
    },
    "0.0003, decay 0.9": {"joint_learning_rate": 0.0003, "learning_rate_decay": 0.9},
    "**0.0001, decay 0.95**": {"joint_learning_rate": 0.0001, "learning_rate_decay": 0.95},
    "the same, β = 0.3": {"joint_learning_rate": 0.0001, "learning_rate_decay": 0.95, "beta": 0.3},
}
SEEDS = 2


def study(data: Path, seed: int = 0) -> list[str]:
    """Build a row for each setting: minimum and maximum over the seeds."""
    return measured(data / FILE, range(seed, seed + SEEDS))


def measured(
    file: Path, seeds: Iterable[int], settings: Mapping[str, Mapping[str, Any]] = SETTINGS
) -> list[str]:
    """Build the table for any catalogue whose tracks have genres."""
    spec = SweepSpec.from_mapping(
        {
            "representation": [{"vade": dict(values)} for values in settings.values()],
            "clustering": "vade",
            "seeds": list(seeds),
            "quick": True,
        }
    )
    with empty_instance() as (session, instance):
        ingest_file(session, file)
        session.commit()
        grid = run_sweep(Instance(instance, session), spec)
        agreement, rows = grid.agreement(), grid.rows()
    lines = []
    for name, choice in zip(settings, spec.representation, strict=True):
        cells = [row for row in rows if row["cell"]["representation"] == choice.to_json()]
        lines.append(
            (name, *figures([row["metrics"] for row in cells]), f"{agreement[cells[0]['key']]:.2f}")
        )
    return table(
        (
            "joint phase",
            "largest cluster",
            "smallest",
            "empty",
            "mutual information, genre",
            "adjusted Rand, genre",
            "error",
            "two seeds agree",
        ),
        lines,
    )


def figures(runs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Format the figures of the runs of one setting, each from minimum to maximum."""
    sizes = [list(run["sizes"].values()) for run in runs]
    return (
        span([100 * max(of) / sum(of) for of in sizes], "{:.0f}%"),
        span([100 * min(of) / sum(of) for of in sizes], "{:.1f}%"),
        span([10 - len(of) for of in sizes], "{:.0f}"),
        span([run["nmi_genre"] for run in runs], "{:.3f}"),
        span([run["ari_genre"] for run in runs], "{:.3f}"),
        span([run["reconstruction_mse"] for run in runs], "{:.3f}"),
    )


def span(values: list[float], form: str) -> str:
    """Format minimum and maximum, once where they are equal as text."""
    least, most = form.format(min(values)), form.format(max(values))
    return least if least == most else f"{least} to {most}"
