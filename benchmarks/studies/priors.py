"""Ablation of taste: P@10 with a part of it changed or left out, and the learnt column priors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from benchmarks.studies.playlists import FILE, HEADER, lines, with_priors
from benchmarks.tables import table
from songrec.core.types import Space
from songrec.evaluation.playlists import Answer
from songrec.recommend.taste import scorer
from songrec.recommend.taste.prior import TastePrior
from songrec.services.evaluation.playlist_continuation import EVALUATED_METHODS, search_for
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks

NEEDS = (FILE,)
BACKGROUNDS = (1.0, 0.9, 0.7, 0.6)
LESS = ("year", "duration")


def study(data: Path, seed: int = 0) -> list[str]:
    """Build two tables: variants of taste, and the priors of the columns."""
    return measured(continuation_tasks(data / FILE, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the tables for any tasks."""
    answers_of: dict[str, list[Answer]] = {}
    for about, _, space_with_prior in with_priors(tasks, seed):
        for name, method, space, background in variants(space_with_prior):
            with backgrounds(background):
                answers = tasks.answers(search_for(EVALUATED_METHODS[method]), space, about)
                answers_of.setdefault(name, []).extend(answers)
    return [
        f"{len(tasks.playlists)} playlists, {sum(map(len, tasks.likes))} questions:",
        "",
        *table(("", *HEADER), lines(answers_of, tasks, seed)),
        "What the first part taught:",
        "",
        *table(("column", "between playlists", "within", "share between"), columns(tasks, seed)),
    ]


def variants(space_with_prior: Space) -> Iterator[tuple[str, str, Space, float]]:
    """Yield name, method, space and the weight of the catalogue's own density."""
    usual = scorer.BACKGROUND
    yield "`taste_content`", "taste_content", space_with_prior, usual
    for weight in BACKGROUNDS:
        # Another space object: what is kept with a space depends on the weight.
        yield (
            f"the catalogue's density counts {weight:g}",
            "taste_content",
            replace(space_with_prior),
            weight,
        )
    nothing = replace(space_with_prior, taste_prior=None)
    yield "nothing learnt from playlists", "taste_content", nothing, usual
    for name in LESS:
        if name in space_with_prior.columns:
            yield f"without {name}", "taste_content", without(space_with_prior, name), usual
    yield "`taste`", "taste", space_with_prior, usual
    yield "`taste`, nothing learnt", "taste", nothing, usual


@contextmanager
def backgrounds(weight: float) -> Iterator[None]:
    """Patch the weight of the catalogue's density."""
    with patch.object(scorer, "BACKGROUND", weight):
        yield


def without(space: Space, column: str) -> Space:
    """Return the space without a column."""
    kept = [at for at, name in enumerate(space.columns) if name != column]
    columns = tuple(space.columns[at] for at in kept)
    return replace(space, matrix=space.matrix[:, kept].copy(), columns=columns)


def columns(tasks: ContinuationTasks, seed: int) -> list[tuple[str, ...]]:
    """Return the priors learnt in the first fold, the most concentrated column first."""
    _, _, space_with_prior = next(with_priors(tasks, seed))
    prior = TastePrior.from_json(space_with_prior.taste_prior)
    rows = [(name, prior.column(name)) for name in space_with_prior.columns]
    rows.sort(key=lambda one: -one[1].between / (one[1].between + one[1].within))
    return [
        (
            name,
            f"{column.between:.2f}",
            f"{column.within:.2f}",
            f"{column.between / (column.between + column.within):.0%}",
        )
        for name, column in rows
    ]
