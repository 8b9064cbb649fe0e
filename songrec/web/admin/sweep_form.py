"""The form of a grid: ticks, parameters with several values each, and the grid that they make."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from songrec.core.errors import SongrecError
from songrec.core.registry import Entry, Parameter
from songrec.services.sweeps import specification
from songrec.services.sweeps.specification import BASELINE, MAX_CELLS, SweepSpec
from songrec.services.training.algorithms import STAGES
from songrec.web.admin.training import FEATURES, TrainForm

FIELDS = ("features", *(stage for stage, _, _ in STAGES))
FLAGS = ("quick", "bootstrap_refit")
APART = ";"
"""Between the values of one parameter; a comma may be a part of one (64,32)."""
SHARED = "n_clusters"
"""The parameter that all clusterings take from one field."""


@dataclass
class GridForm:
    """The form's fields as text, their errors, and the resulting grid.

    A parameter's field is named ``stage.algorithm.parameter``, as on the retrain page; its texts
    are values separated by semicolons, or the ticked choices.
    """

    chosen: Mapping[str, list[str]]
    values: dict[str, list[str]] = field(default_factory=dict)
    seeds: str = "0,1,2"
    clusters: str = ""
    flags: frozenset[str] = frozenset()
    keep: bool = False
    counted: str = ""
    error: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    spec: SweepSpec | None = None

    stages = STAGES
    feature_sets = tuple(name for name in FEATURES.choices if name != "auto")

    @classmethod
    def fresh(cls) -> GridForm:
        """Return the initial form: the baseline and the default."""
        chosen = {stage: [registry.names()[0]] for stage, _, registry in STAGES}
        # A sweep does not compare maps, so it uses the fastest one.
        chosen["projection"] = [BASELINE["projection"]]
        return cls({"features": ["attributes"], **chosen}, _defaults())

    @classmethod
    def like(cls, spec: SweepSpec) -> GridForm | None:
        """Return the form that describes ``spec``, or None if no form can."""
        chosen = {"features": [str(one) for one in spec.features]}
        values = _defaults()
        for stage, _, registry in STAGES:
            choices = getattr(spec, stage)
            chosen[stage] = list(dict.fromkeys(one.name for one in choices))
            for entry, parameter, name in _fields(stage, registry):
                texts = [
                    parameter.text(one.parameters.get(parameter.name, parameter.default))
                    for one in choices
                    if one.name == entry.name
                ]
                if texts:
                    values[name] = _field_values(parameter, texts)
        form = cls(
            chosen,
            values,
            ",".join(map(str, spec.seeds)),
            ",".join(str(number or "auto") for number in spec.clusters),
            frozenset(name for name in FLAGS if getattr(spec, name)),
        )
        form.make()
        return form if form.spec == spec else None

    @classmethod
    def from_request(cls, form: MultiDict[str, str]) -> GridForm:
        """Return the submitted form, with ``error`` or ``errors`` by field if it is invalid."""
        values = {name: form.getlist(name) or default for name, default in _defaults().items()}
        made = cls(
            {name: form.getlist(name) for name in FIELDS},
            values,
            form.get("seeds", "").strip(),
            form.get("clusters", "").strip(),
            frozenset(name for name in FLAGS if name in form),
            "keep" in form,
            form.get("counted", ""),
        )
        made.make()
        return made

    def make(self) -> None:
        """Create the grid, or set the errors."""
        document: dict[str, Any] = dict.fromkeys(self.flags, True)
        document |= {name: text for name in ("seeds", "clusters") if (text := getattr(self, name))}
        missing = [name for name in FIELDS if not self.chosen.get(name)]
        if missing:
            self.error = f"Choose at least one under {missing[0]!r}."
            return
        document["features"] = self.chosen["features"]
        try:
            for stage, _, registry in STAGES:
                entries = [registry.entry(name) for name in self.chosen[stage]]
                document[stage] = [one for entry in entries for one in self._variants(stage, entry)]
            if self.errors:
                wrong = len(self.errors)
                self.error = f"correct {wrong} field{'s' if wrong > 1 else ''} below."
                return
            self.spec = SweepSpec.from_mapping(document)
        except SongrecError as error:
            self.error = str(error)

    def _variants(self, stage: str, entry: Entry) -> list[Any]:
        """Return one algorithm with every combination of its fields' values."""
        every: dict[str, list[Any]] = {}
        for parameter in own_parameters(entry):
            name = TrainForm.field_name(stage, entry, parameter)
            try:
                texts = _texts(parameter, self.values.get(name, []))
                every[parameter.name] = [parameter.coerce(text, entry.name) for text in texts]
            except SongrecError as error:
                self.errors[name] = str(error)
        if math.prod(map(len, every.values())) > MAX_CELLS:
            self.errors[f"{stage}.{entry.name}"] = (
                f"The values of {entry.label} make more than {MAX_CELLS:,} combinations."
            )
        if self.errors:
            return []
        return [
            {entry.name: dict(zip(every, values, strict=True))}
            for values in itertools.product(*every.values())
        ]

    @property
    def cells(self) -> int:
        """Number of trainings of the grid."""
        return len(self.spec.cells()) if self.spec else 0

    @property
    def yaml(self) -> str:
        """The grid as a file that ``flask compare --grid`` takes."""
        return specification.as_yaml(self.spec.to_json()) if self.spec else ""

    def differs(self, stage: str, entry: Entry) -> bool:
        """Return whether a parameter of ``entry`` differs from its default or is invalid."""
        names = [
            TrainForm.field_name(stage, entry, parameter) for parameter in own_parameters(entry)
        ]
        defaults = _defaults(stage)
        return f"{stage}.{entry.name}" in self.errors or any(
            name in self.errors or self.values.get(name) != defaults[name] for name in names
        )


def own_parameters(entry: Entry) -> list[Parameter]:
    """Return the parameters that have a field of their own."""
    return [parameter for parameter in entry.parameters if parameter.name != SHARED]


def is_ticked(parameter: Parameter) -> bool:
    """Return whether a parameter's values are checkboxes instead of text."""
    return parameter.type in ("choice", "bool")


def _fields(stage: str, registry: Iterable[Entry]) -> Iterator[tuple[Entry, Parameter, str]]:
    for entry in registry:
        for parameter in own_parameters(entry):
            yield entry, parameter, TrainForm.field_name(stage, entry, parameter)


def _defaults(of: str = "") -> dict[str, list[str]]:
    """Return all fields of all stages, or of one, with their defaults."""
    return {
        name: [_text(parameter, parameter.default)]
        for stage, _, registry in STAGES
        if of in ("", stage)
        for _, parameter, name in _fields(stage, registry)
    }


def _text(parameter: Parameter, value: Any) -> str:
    if parameter.type == "bool":
        return "yes" if value else "no"
    return parameter.text(value)


def _field_values(parameter: Parameter, texts: list[str]) -> list[str]:
    """Return the field values for these parameter values."""
    distinct = list(dict.fromkeys(texts))
    return distinct if is_ticked(parameter) else [f"{APART} ".join(distinct)]


def _texts(parameter: Parameter, values: list[str]) -> list[str]:
    """Return the distinct values in a field, by default the parameter's default."""
    parts = values if is_ticked(parameter) else " ".join(values).split(APART)
    distinct = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    return distinct or [_text(parameter, parameter.default)]
