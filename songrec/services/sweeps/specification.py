"""A grid: feature sets × representations × clusterings × projections × seeds, as cells to train.

Light: the registries say what there is and what it takes, and no algorithm is imported. Principal
components with k-means are always among the cells: what everything else has to beat.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from songrec.clustering import CLUSTERINGS
from songrec.core.errors import BadInput, SongrecError, UnknownName
from songrec.core.registry import Entry
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS
from songrec.services.features import feature_sets
from songrec.services.sweeps import value_parsing
from songrec.services.training import dataset, model_inputs
from songrec.services.training.algorithms import REGISTRIES

BASELINE = {"representation": "pca", "clustering": "kmeans"}
MOST_CELLS = 5_000
_FLAGS = ("quick", "bootstrap_refit")
_KEYS = ("features", *REGISTRIES, "seeds", "clusters", *_FLAGS)
_COUNTED = 100 * MOST_CELLS


@dataclass(frozen=True)
class Choice:
    """One algorithm with those of its parameters that differ from the defaults, typed."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Any:
        """The name, or ``{name: {parameter: value}}``: what a grid file holds."""
        return {self.name: dict(self.parameters)} if self.parameters else self.name

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        shown = ", ".join(f"{name} {_text(value)}" for name, value in self.parameters.items())
        return f"{self.name} ({shown})"


@dataclass(frozen=True)
class Cell:
    """One combination with one seed; ``baseline`` marks principal components with k-means."""

    features: str
    representation: Choice
    clustering: Choice
    projection: Choice
    seed: int
    baseline: bool = False

    @property
    def key(self) -> str:
        """What the cell's files are called: the same for the same work."""
        return _digest([*self.configuration, self.seed])

    @property
    def configuration(self) -> tuple[str, ...]:
        """What the cell is apart from its seed: features and the three algorithms, as texts."""
        stages = (self.representation, self.clustering, self.projection)
        return (self.features, *(_canonical(choice) for choice in stages))

    @property
    def group(self) -> tuple[str, str, int]:
        """Cells of one group learn from the same latent, which is learnt once."""
        return self.features, _canonical(self.representation), self.seed

    def request(self) -> dict[str, Any]:
        """The fields of a ``services.training.request.TrainRequest`` that is not published."""
        stages = {stage: getattr(self, stage) for stage in REGISTRIES}
        return {
            "feature_set": self.features,
            "seed": self.seed,
            "publish": False,
            **{stage: choice.name for stage, choice in stages.items()},
            "parameters": {stage: dict(choice.parameters) for stage, choice in stages.items()},
        }

    def to_json(self) -> dict[str, Any]:
        """As ``from_json`` reads it."""
        return {
            "features": self.features,
            **{stage: getattr(self, stage).to_json() for stage in REGISTRIES},
            "seed": self.seed,
            "baseline": self.baseline,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Cell:
        """What ``to_json`` wrote."""
        stages = {stage: choice(stage, given[stage]) for stage in REGISTRIES}
        return cls(given["features"], **stages, seed=given["seed"], baseline=given["baseline"])


@dataclass(frozen=True)
class SweepSpec:
    """What a grid is made of.

    ``clusters`` are numbers of clusters (0 is "auto") for the clusterings that take one and whose
    choice does not say it itself; empty leaves each at its default. ``quick`` leaves out the
    measures that take trainings of their own (bootstrap samples, tracks held out);
    ``bootstrap_refit`` learns the latent anew for each bootstrap sample, too.
    """

    features: tuple[str, ...] = (dataset.ATTRIBUTES,)
    representation: tuple[Choice, ...] = (Choice(BASELINE["representation"]),)
    clustering: tuple[Choice, ...] = (Choice(BASELINE["clustering"]),)
    projection: tuple[Choice, ...] = (Choice(PROJECTIONS.names()[0]),)
    seeds: tuple[int, ...] = (0,)
    clusters: tuple[int, ...] = ()
    quick: bool = False
    bootstrap_refit: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str = "The grid") -> SweepSpec:
        """From a mapping as a YAML file or a form gives it; what is missing is the default.

        Raises ``UnknownName`` or ``BadInput`` for the first thing that is wrong: one line.
        """
        if not isinstance(given, Mapping):
            raise BadInput(f"{where} must be keys and values, {', '.join(_KEYS)}; see docs.")
        values: dict[str, Any] = {}
        for key, value in given.items():
            if key not in _KEYS:
                raise UnknownName("part of a grid", str(key), _KEYS)
            parts = value if isinstance(value, list | tuple) else [value]
            if not parts or any(part is None or part == "" for part in parts):
                raise BadInput(f"{where}: {key!r} is empty; leave it out for the default.")
            if key in _FLAGS:
                values[key] = value_parsing.yes(value, key)
            elif key == "features":
                values[key] = _distinct(_features(part) for part in parts)
            elif key in REGISTRIES:
                values[key] = _distinct(choice(key, part) for part in parts)
            else:
                numbers = value_parsing.seeds if key == "seeds" else value_parsing.clusters
                values[key] = _distinct(itertools.chain.from_iterable(map(numbers, parts)))
        spec = cls(**values)
        # So many that counting them would take its time; most of a grid's pairs go together.
        every = math.prod(
            len(part) or 1
            for part in (
                spec.features,
                *(getattr(spec, stage) for stage in REGISTRIES),
                spec.seeds,
                spec.clusters,
            )
        )
        cells = every if every > _COUNTED else len(spec.cells())
        if cells > MOST_CELLS:
            raise BadInput(f"{where} has {cells:,} cells; at most {MOST_CELLS:,} can be run.")
        return spec

    def to_json(self) -> dict[str, Any]:
        """As ``of`` reads it; the same grid is the same JSON."""
        return {
            "features": list(self.features),
            **{stage: [one.to_json() for one in getattr(self, stage)] for stage in REGISTRIES},
            "seeds": list(self.seeds),
            **({"clusters": list(self.clusters)} if self.clusters else {}),
            **{name: True for name in _FLAGS if getattr(self, name)},
        }

    def cells(self) -> tuple[Cell, ...]:
        """Every combination that can be trained, once, the baseline's first.

        A clustering by the model itself goes only with a model that can do it, pictures of the
        sound only with a model that looks at them: beside those the baseline takes vectors.
        """
        found: dict[tuple[Any, ...], Cell] = {}
        baseline = (Choice(BASELINE["representation"]), Choice(BASELINE["clustering"]))
        pairs = [(_for_vectors(features), *baseline, True) for features in self.features]
        pairs += [
            (features, model, grouping, False)
            for features in self.features
            for model in self.representation
            for grouping in self.clustering
            if fits(model.name, grouping.name, features)
        ]
        for features, model, grouping, is_baseline in pairs:
            for seed, numbered, drawn in itertools.product(
                self.seeds, self._numbered(grouping), self.projection
            ):
                cell = Cell(features, model, numbered, drawn, seed, is_baseline)
                found.setdefault((*cell.configuration, seed), cell)
        return tuple(found.values())

    def _numbered(self, grouping: Choice) -> list[Choice]:
        """The clustering once for each number of clusters, where it takes one."""
        taken = {parameter.name for parameter in CLUSTERINGS.entry(grouping.name).parameters}
        if not self.clusters or "n_clusters" not in taken or "n_clusters" in grouping.parameters:
            return [grouping]
        return [
            choice("clustering", {grouping.name: {"n_clusters": number, **grouping.parameters}})
            for number in self.clusters
        ]


def choice(stage: str, given: Any) -> Choice:
    """A name, or ``{name: {parameter: value}}``, checked against the stage's registry."""
    registry = REGISTRIES[stage]
    if isinstance(given, Choice):
        given = given.to_json()
    if isinstance(given, Mapping) and len(given) == 1:
        ((name, parameters),) = given.items()
    else:
        name, parameters = given, {}
    if not isinstance(name, str) or not isinstance(parameters or {}, Mapping):
        raise BadInput(
            f"{stage!r} in a grid takes a name or {{name: {{parameter: value}}}}; it was given "
            f"{given!r}."
        )
    entry: Entry = registry.entry(name.strip())
    kept = {}
    named = {str(key): value for key, value in (parameters or {}).items()}
    for key, value in entry.with_current_names(named).items():
        parameter = entry.parameter(key)
        typed = parameter.coerce(value, entry.name)
        if typed != parameter.default:
            kept[parameter.name] = list(typed) if isinstance(typed, tuple) else typed
    return Choice(entry.name, dict(sorted(kept.items())))


def parse_yaml(text: str, where: str) -> SweepSpec:
    """A grid from YAML; ``where`` names it in messages. ``BadInput`` is one line, with the line."""
    import yaml

    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BadInput(f"{where}{at}: this is not YAML ({problem}).") from None
    try:
        return SweepSpec.of(given if given is not None else {}, where)
    except SongrecError as error:
        said = str(error)
        raise BadInput(said if said.startswith(where) else f"{where}: {said}") from None


def fits(representation: str, clustering: str, features: str = "") -> bool:
    """Whether the two can be trained together, on these features."""
    try:
        model_inputs.check(
            REPRESENTATIONS.entry(representation), CLUSTERINGS.entry(clustering), features
        )
    except BadInput:
        return False
    return True


def _for_vectors(features: str) -> str:
    """The features themselves, or vectors of the same sound where they are pictures of it."""
    names = [name for name in features.split(",") if name != model_inputs.SPECTROGRAM_SET]
    return ",".join(names or feature_sets.DEFAULT_SETS)


def _features(given: Any) -> str:
    if not isinstance(given, str):
        raise BadInput(f"'features' in a grid takes names by commas; it was given {given!r}.")
    return ",".join(dataset.parse_feature_sets(given))


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)


def _canonical(one: Choice) -> str:
    return json.dumps(one.to_json(), sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
