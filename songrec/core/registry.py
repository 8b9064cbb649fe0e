"""Registries of algorithms: names, descriptions and parameters, without importing them.

The admin form and ``--help`` are rendered from the entries; only ``create`` imports the algorithm.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from songrec.core.errors import BadInput, UnknownName

Kind = Literal["int", "float", "bool", "choice", "ints"]

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One adjustable value of an algorithm.

    ``type`` is ``int``, ``float``, ``bool``, ``choice`` (one of ``choices``) or ``ints`` (a tuple
    of integers, written ``"64,32"``). ``low`` and ``high`` are inclusive and bound each integer.
    ``zero`` is a word that stands for 0 of an ``int`` or ``float``, ``"auto"``; 0 is then allowed
    whatever ``low`` says. ``aliases`` are former names: settings, grids and runs that still use
    one are read as if they used ``name``. ``defines_loss``: losses under two values of it do not
    measure the same.
    """

    name: str
    type: Kind
    default: Any
    label: str
    help: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    zero: str = ""
    aliases: tuple[str, ...] = ()
    defines_loss: bool = False

    def coerce(self, value: Any, owner: str = "") -> Any:
        """Convert ``value`` (text from a form, or already typed) to this parameter's type.

        Raises ``BadInput`` with the parameter, the values that it takes and the value received.
        """
        try:
            typed = self._typed(value)
        except (TypeError, ValueError, OverflowError):
            typed = None
        if typed is None or not self._allowed(typed):
            whose = f" of {owner}" if owner else ""
            raise BadInput(
                f"{self.name!r}{whose} must be {self.expectation()}; it was given {value!r}."
            )
        return typed

    def expectation(self) -> str:
        """Describe the values that it takes: ``"a whole number from 1 to 100"``."""
        if self.type == "choice":
            return "one of " + ", ".join(self.choices)
        if self.type == "bool":
            return "yes or no"
        noun = {"int": "a whole number", "float": "a number"}.get(
            self.type, "whole numbers separated by commas"
        )
        if self.zero:
            return f"{self.zero}, or {replace(self, zero='').expectation()}"
        each = ", each" if self.type == "ints" else ""
        if self.low is not None and self.high is not None:
            return f"{noun}{each} from {_bound(self.low)} to {_bound(self.high)}"
        if self.low is not None:
            return f"{noun}{each} of at least {_bound(self.low)}"
        if self.high is not None:
            return f"{noun}{each} of at most {_bound(self.high)}"
        return noun

    def text(self, value: Any = None) -> str:
        """Format ``value`` (None: the default) for a form field or command line."""
        shown = self.default if value is None else value
        if self.zero and shown == 0:
            return self.zero
        if self.type == "ints":
            return ",".join(str(part) for part in shown)
        return str(shown)

    def _typed(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if self.zero and value.lower() == self.zero:
                value = 0
        match self.type:
            case "int":
                return _whole(value)
            case "float":
                if isinstance(value, bool):
                    raise TypeError("a truth value is no number")
                return float(value)
            case "bool":
                return _truth(value)
            case "ints":
                parts = value.split(",") if isinstance(value, str) else value
                parts = [parts] if isinstance(parts, int) else parts
                return tuple(_whole(part) for part in parts if part != "")
            case _:
                return str(value)

    def _allowed(self, value: Any) -> bool:
        if self.type == "choice":
            return value in self.choices
        if self.zero and value == 0:
            return True
        if self.type == "ints":
            return bool(value) and all(self._within(part) for part in value)
        return self.type == "bool" or self._within(value)

    def _within(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
        )


def _bound(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not a whole number")
    return int(value)


def _truth(value: Any) -> bool:
    text = str(value).lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise ValueError("neither yes nor no")


@dataclass(frozen=True, slots=True)
class Entry:
    """One algorithm: its name, its class (``"package.module:Class"``) and its parameters.

    ``abilities`` are the optional methods of its class that others choose it by; ``requires`` are
    those that a clustering expects of the representation. ``required_inputs`` repeats the class
    attribute of that name, so that forms know it without importing the class. ``suited_features``
    are the feature sets that it learns from by default, the best first.
    ``aliases`` are further names that people may write; results and files use ``name``.
    """

    name: str
    target: str
    label: str
    description: str
    parameters: tuple[Parameter, ...] = ()
    abilities: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    required_inputs: tuple[str, ...] = ()
    suited_features: tuple[str, ...] = ("attributes",)
    aliases: tuple[str, ...] = ()

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name or former name.

        Raises ``UnknownName``, which suggests the nearest name.
        """
        for parameter in self.parameters:
            if name == parameter.name or name in parameter.aliases:
                return parameter
        raise UnknownName(f"parameter of {self.name}", name, [p.name for p in self.parameters])

    def has_parameter(self, name: str) -> bool:
        """Return whether a parameter has that name or former name."""
        return any(name == p.name or name in p.aliases for p in self.parameters)

    def with_current_names(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` with former parameter names replaced by the current ones.

        Names that no parameter has are kept. Raises ``BadInput`` where a parameter is given under
        two of its names.
        """
        renamed: dict[str, Any] = {}
        for name, value in values.items():
            current = self.parameter(name).name if self.has_parameter(name) else name
            if current in renamed:
                raise BadInput(
                    f"{current!r} of {self.name} is given twice: {name!r} is a former name of it."
                )
            renamed[current] = value
        return renamed

    def resolve(self, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return all parameters: ``chosen`` ones checked and typed, the others at their default."""
        values = {p.name: p.default for p in self.parameters}
        for name, value in self.with_current_names(chosen or {}).items():
            values[name] = self.parameter(name).coerce(value, self.name)
        return values

    def load(self) -> type:
        """Import the class. This is the only place where an algorithm's own imports happen."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)

    def create(self, **parameters: Any) -> Any:
        """Import the class and make one; parameters are checked, missing ones are defaults."""
        return self.load()(**self.resolve(parameters))


class Registry:
    """The algorithms of one kind, in the order in which pages list them."""

    def __init__(self, what: str, entries: tuple[Entry, ...]) -> None:
        self.what = what
        self._entries = {entry.name: entry for entry in entries}
        self._aliases = {alias: entry.name for entry in entries for alias in entry.aliases}
        if len(self._entries) != len(entries):
            raise ValueError(f"Two entries of the {what} registry have the same name.")

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._aliases

    def names(self) -> tuple[str, ...]:
        """Return all names, in order; the first is the default."""
        return tuple(self._entries)

    def entry(self, name: str) -> Entry:
        """The entry called ``name`` (or with that alias); ``UnknownName`` with the nearest else."""
        name = self._aliases.get(name, name)
        if name not in self._entries:
            raise UnknownName(self.what, name, self._entries)
        return self._entries[name]

    def entry_of(self, algorithm: type) -> Entry:
        """Return the entry whose class is ``algorithm``; raises ``UnknownName``."""
        target = f"{algorithm.__module__}:{algorithm.__qualname__}"
        for entry in self:
            if entry.target == target:
                return entry
        raise UnknownName(f"class of a {self.what}", target, [e.target for e in self])

    def parse(self, name: str, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return all parameters of ``name`` from a mapping of texts or values; imports nothing."""
        return self.entry(name).resolve(chosen)

    def create(self, name: str, **parameters: Any) -> Any:
        """Import the algorithm and make one, as ``Entry.create`` does."""
        return self.entry(name).create(**parameters)
