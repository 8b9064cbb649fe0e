"""What taste is made of: P@10 with a part of it changed or left out, and what playlists teach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from benchmarks.studies.playlists import FILE, HEADER, learnt, lines
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
    """Two tables: variants of taste, and what the columns' priors are."""
    return measured(continuation_tasks(data / FILE, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """The same for any questions."""
    found: dict[str, list[Answer]] = {}
    for about, _, known in learnt(tasks, seed):
        for name, method, space, background in variants(known):
            with backgrounds(background):
                answers = tasks.answers(search_for(EVALUATED_METHODS[method]), space, about)
                found.setdefault(name, []).extend(answers)
    return [
        f"{len(tasks.playlists)} playlists, {sum(map(len, tasks.likes))} questions:",
        "",
        *table(("", *HEADER), lines(found, tasks, seed)),
        "What the first part taught:",
        "",
        *table(("column", "between playlists", "within", "share between"), columns(tasks, seed)),
    ]


def variants(known: Space) -> Iterator[tuple[str, str, Space, float]]:
    """Name, method, space and the weight of the catalogue's own density."""
    usual = scorer.BACKGROUND
    yield "`taste_content`", "taste_content", known, usual
    for weight in BACKGROUNDS:
        # Another space object: what is kept with a space depends on the weight.
        yield f"the catalogue's density counts {weight:g}", "taste_content", replace(known), weight
    nothing = replace(known, taste_prior=None)
    yield "nothing learnt from playlists", "taste_content", nothing, usual
    for name in LESS:
        if name in known.columns:
            yield f"without {name}", "taste_content", without(known, name), usual
    yield "`taste`", "taste", known, usual
    yield "`taste`, nothing learnt", "taste", nothing, usual


@contextmanager
def backgrounds(weight: float) -> Iterator[None]:
    """Taste with another weight of the catalogue's density."""
    with patch.object(scorer, "BACKGROUND", weight):
        yield


def without(space: Space, column: str) -> Space:
    """The space less a column."""
    kept = [at for at, name in enumerate(space.columns) if name != column]
    columns = tuple(space.columns[at] for at in kept)
    return replace(space, matrix=space.matrix[:, kept].copy(), columns=columns)


def columns(tasks: ContinuationTasks, seed: int) -> list[tuple[str, ...]]:
    """The priors that the first part's playlists teach, the most gathered column first."""
    _, _, known = next(learnt(tasks, seed))
    prior = TastePrior.from_json(known.taste_prior)
    told = [(name, prior.column(name)) for name in known.columns]
    told.sort(key=lambda one: -one[1].between / (one[1].between + one[1].within))
    return [
        (
            name,
            f"{column.between:.2f}",
            f"{column.within:.2f}",
            f"{column.between / (column.between + column.within):.0%}",
        )
        for name, column in told
    ]
