"""The specification of a sweep: feature sets × representations × clusterings × projections × seeds.

Commands, YAML files and pages call a sweep a grid. No algorithm is imported: the registries list
names and parameters. Principal components with k-means are always among the cells, as the baseline.
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
from songrec.core.feature_spec import ATTRIBUTES_ONLY, FeatureSpec
from songrec.core.registry import Entry
from songrec.features.registry import parse_features
from songrec.representation import REPRESENTATIONS
from songrec.services.features import feature_sets
from songrec.services.training import model_inputs
from songrec.services.training.algorithms import REGISTRIES

BASELINE = {"representation": "pca", "clustering": "kmeans", "projection": "pca"}
MAX_CELLS = 5_000
_FLAGS = ("quick", "bootstrap_refit")
_KEYS = ("features", *REGISTRIES, "seeds", "clusters", *_FLAGS)
MAX_SEEDS = 100
_COUNTABLE = 100 * MAX_CELLS
"""Products beyond this are not enumerated to count their cells."""


@dataclass(frozen=True)
class AlgorithmChoice:
    """An algorithm and its typed parameters, as far as they differ from the defaults."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Any:
        """Return the name, or ``{name: {parameter: value}}``, as in a grid file."""
        return {self.name: dict(self.parameters)} if self.parameters else self.name

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        shown = ", ".join(f"{name} {_text(value)}" for name, value in self.parameters.items())
        return f"{self.name} ({shown})"


@dataclass(frozen=True)
class Cell:
    """A combination of algorithms with one seed; ``baseline`` marks PCA with k-means."""

    features: FeatureSpec
    representation: AlgorithmChoice
    clustering: AlgorithmChoice
    projection: AlgorithmChoice
    seed: int
    baseline: bool = False

    @property
    def key(self) -> str:
        """The name of the cell's files, equal for equal cells."""
        return _digest([*self.configuration, self.seed])

    @property
    def configuration(self) -> tuple[str, ...]:
        """The cell without its seed: features and the three algorithms, as texts."""
        stages = (self.representation, self.clustering, self.projection)
        return (str(self.features), *(_canonical(choice) for choice in stages))

    @property
    def group(self) -> tuple[str, str, int]:
        """The key of cells that share a latent, which is trained once."""
        return str(self.features), _canonical(self.representation), self.seed

    def request(self) -> dict[str, Any]:
        """Return the fields of a ``TrainRequest`` that is not published, with all parameters."""
        stages = {stage: getattr(self, stage) for stage in REGISTRIES}
        return {
            "feature_set": str(self.features),
            "seed": self.seed,
            "publish": False,
            **{stage: choice.name for stage, choice in stages.items()},
            "parameters": {
                stage: REGISTRIES[stage].parse(choice.name, choice.parameters)
                for stage, choice in stages.items()
            },
        }

    def to_json(self) -> dict[str, Any]:
        """Return the cell as ``from_json`` reads it."""
        return {
            "features": str(self.features),
            **{stage: getattr(self, stage).to_json() for stage in REGISTRIES},
            "seed": self.seed,
            "baseline": self.baseline,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Cell:
        """Read what ``to_json`` wrote."""
        stages = {stage: parse_choice(stage, document[stage]) for stage in REGISTRIES}
        spec = FeatureSpec.parse(document["features"])
        return cls(spec, **stages, seed=document["seed"], baseline=document["baseline"])


@dataclass(frozen=True)
class SweepSpec:
    """The combinations that a sweep trains, and which metrics it computes.

    Attributes
    ----------
    clusters
        Numbers of clusters (0 is "auto") for clusterings that take one and whose choice does not
        set it; empty leaves each at its default.
    quick
        Leave out the metrics that need further trainings (bootstrap samples, held-out tracks).
    bootstrap_refit
        Also refit the representation on each bootstrap sample.
    """

    features: tuple[FeatureSpec, ...] = (ATTRIBUTES_ONLY,)
    representation: tuple[AlgorithmChoice, ...] = (AlgorithmChoice(BASELINE["representation"]),)
    clustering: tuple[AlgorithmChoice, ...] = (AlgorithmChoice(BASELINE["clustering"]),)
    projection: tuple[AlgorithmChoice, ...] = (AlgorithmChoice(BASELINE["projection"]),)
    seeds: tuple[int, ...] = (0,)
    clusters: tuple[int, ...] = ()
    quick: bool = False
    bootstrap_refit: bool = False

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], where: str = "The grid") -> SweepSpec:
        """Parse a mapping from a YAML file or a form; missing keys have their defaults.

        Raises ``UnknownName`` or ``BadInput``, one line, for the first invalid value.
        """
        if not isinstance(document, Mapping):
            raise BadInput(f"{where} must be keys and values, {', '.join(_KEYS)}; see docs.")
        values: dict[str, Any] = {}
        for key, value in document.items():
            if key not in _KEYS:
                raise UnknownName("part of a grid", str(key), _KEYS)
            parts = value if isinstance(value, list | tuple) else [value]
            if not parts or any(part is None or part == "" for part in parts):
                raise BadInput(f"{where}: {key!r} is empty; leave it out for the default.")
            if key in _FLAGS:
                values[key] = _boolean(value, key)
            elif key == "features":
                values[key] = _distinct(_features(part) for part in parts)
            elif key in REGISTRIES:
                values[key] = _distinct(parse_choice(key, part) for part in parts)
            else:
                numbers = _seeds if key == "seeds" else _cluster_counts
                values[key] = _distinct(itertools.chain.from_iterable(map(numbers, parts)))
        spec = cls(**values)
        # Most pairs are compatible, so the product is a fair estimate where counting takes long.
        product = math.prod(
            len(part) or 1
            for part in (
                spec.features,
                *(getattr(spec, stage) for stage in REGISTRIES),
                spec.seeds,
                spec.clusters,
            )
        )
        cells = product if product > _COUNTABLE else len(spec.cells())
        if cells > MAX_CELLS:
            raise BadInput(f"{where} has {cells:,} cells; at most {MAX_CELLS:,} can be run.")
        return spec

    def to_json(self) -> dict[str, Any]:
        """Return the mapping that ``from_mapping`` reads; equal sweeps give equal JSON."""
        return {
            "features": [str(one) for one in self.features],
            **{stage: [one.to_json() for one in getattr(self, stage)] for stage in REGISTRIES},
            "seeds": list(self.seeds),
            **({"clusters": list(self.clusters)} if self.clusters else {}),
            **{name: True for name in _FLAGS if getattr(self, name)},
        }

    def cells(self) -> tuple[Cell, ...]:
        """Return every combination that can be trained, once, the baseline's first.

        Clusterings by the model are combined only with models that cluster, spectrograms only with
        models that take them; there the baseline is trained on feature vectors of the same audio.
        """
        cells: dict[tuple[Any, ...], Cell] = {}
        baseline = (
            AlgorithmChoice(BASELINE["representation"]),
            AlgorithmChoice(BASELINE["clustering"]),
        )
        pairs = [(_for_vectors(features), *baseline, True) for features in self.features]
        pairs += [
            (features, model, grouping, False)
            for features in self.features
            for model in self.representation
            for grouping in self.clustering
            if fits(model.name, grouping.name, features)
        ]
        for features, model, grouping, is_baseline in pairs:
            for seed, clustering, projection in itertools.product(
                self.seeds, self._with_cluster_counts(grouping), self.projection
            ):
                cell = Cell(features, model, clustering, projection, seed, is_baseline)
                cells.setdefault((*cell.configuration, seed), cell)
        return tuple(cells.values())

    def _with_cluster_counts(self, grouping: AlgorithmChoice) -> list[AlgorithmChoice]:
        """Return the clustering once for each number of clusters, where it takes one."""
        accepted = {parameter.name for parameter in CLUSTERINGS.entry(grouping.name).parameters}
        if not self.clusters or "n_clusters" not in accepted or "n_clusters" in grouping.parameters:
            return [grouping]
        return [
            parse_choice(
                "clustering", {grouping.name: {"n_clusters": number, **grouping.parameters}}
            )
            for number in self.clusters
        ]


def parse_choice(stage: str, choice: Any) -> AlgorithmChoice:
    """Parse a name, or ``{name: {parameter: value}}``, and check it with the stage's registry."""
    registry = REGISTRIES[stage]
    if isinstance(choice, AlgorithmChoice):
        choice = choice.to_json()
    if isinstance(choice, Mapping) and len(choice) == 1:
        ((name, parameters),) = choice.items()
    else:
        name, parameters = choice, {}
    if not isinstance(name, str) or not isinstance(parameters or {}, Mapping):
        raise BadInput(
            f"{stage!r} in a grid takes a name or {{name: {{parameter: value}}}}; it was given "
            f"{choice!r}."
        )
    entry: Entry = registry.entry(name.strip())
    typed_parameters = {}
    named = {str(key): value for key, value in (parameters or {}).items()}
    for key, value in entry.with_current_names(named).items():
        parameter = entry.parameter(key)
        typed = parameter.coerce(value, entry.name)
        if typed != parameter.default:
            typed_parameters[parameter.name] = list(typed) if isinstance(typed, tuple) else typed
    return AlgorithmChoice(entry.name, dict(sorted(typed_parameters.items())))


def parse_yaml(text: str, where: str) -> SweepSpec:
    """Parse a sweep from YAML; ``where`` names it in messages, which are one line."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BadInput(f"{where}{at}: this is not YAML ({problem}).") from None
    try:
        return SweepSpec.from_mapping(document if document is not None else {}, where)
    except SongrecError as error:
        message = str(error)
        raise BadInput(message if message.startswith(where) else f"{where}: {message}") from None


def as_yaml(document: Mapping[str, Any]) -> str:
    """Write a sweep's JSON as the file that ``parse_yaml`` reads."""
    import yaml

    return yaml.safe_dump(dict(document), sort_keys=False, default_flow_style=None, width=90)


def fits(representation: str, clustering: str, features: FeatureSpec | None = None) -> bool:
    """Return whether the two can be trained together on these features."""
    try:
        model_inputs.check(
            REPRESENTATIONS.entry(representation), CLUSTERINGS.entry(clustering), features
        )
    except BadInput:
        return False
    return True


def _for_vectors(features: FeatureSpec) -> FeatureSpec:
    """Return the features without spectrograms, or the default audio sets in their place."""
    vectors = features.without(model_inputs.SPECTROGRAM_SET)
    return vectors if len(vectors) else feature_sets.DEFAULT_SETS


def _features(value: Any) -> FeatureSpec:
    if not isinstance(value, str):
        raise BadInput(f"'features' in a grid takes names by commas; it was given {value!r}.")
    return parse_features(value)


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return tuple(distinct)


def _canonical(one: AlgorithmChoice) -> str:
    return json.dumps(one.to_json(), sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _boolean(value: Any, key: str) -> bool:
    """Return a YAML boolean; ``key`` names it in the message."""
    if not isinstance(value, bool):
        raise BadInput(f"{key!r} in a grid is true or false; it was given {value!r}.")
    return value


def _seeds(value: Any) -> list[int]:
    return _numbers(value, "seeds", 2**31 - 1)


def _cluster_counts(value: Any) -> list[int]:
    """Return numbers of clusters; ``auto`` is 0."""
    return _numbers(value, "clusters", 10_000)


def _numbers(value: Any, key: str, highest: int) -> list[int]:
    """Parse ``3``, ``"0,1,2"`` or ``"0-4"`` as whole numbers."""
    numbers: list[int] = []
    try:
        if isinstance(value, bool | float):
            raise ValueError
        for part in str(value).split(","):
            if key == "clusters" and part.strip().lower() == "auto":
                numbers.append(0)
                continue
            low, dash, high = part.strip().partition("-")
            first, last = int(low), int(high) if dash else int(low)
            if not 0 <= first <= last <= highest or last - first >= MAX_SEEDS:
                raise ValueError
            numbers.extend(range(first, last + 1))
    except ValueError:
        raise BadInput(
            f"{key!r} takes whole numbers from 0 to {highest:,}, such as 0,1,2 or 0-4; it was "
            f"given {value!r}."
        ) from None
    return numbers
