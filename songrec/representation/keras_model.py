"""Base class of the Keras models: parameters as fields, losses and metrics, files."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from songrec.representation.registry import REPRESENTATIONS


@dataclass(kw_only=True, eq=False, repr=False)
class KerasModel(ABC):
    """A model of Keras layers. A subclass is a dataclass: its fields are its parameters.

    ``history_`` has the losses of every epoch, ``metrics_`` measures of the trained model.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-3
    validation_share: float = 0.1

    def __post_init__(self) -> None:
        self.history_: list[dict[str, Any]] = []
        self.metrics_: dict[str, Any] = {}

    def save(self, folder: Path) -> None:
        """Write ``model.keras``, and ``model.json`` with parameters, losses and metrics."""
        self._save_layers(folder)
        state = {
            "parameters": {field.name: getattr(self, field.name) for field in fields(self)},
            "history": self.history_,
            "metrics": self.metrics_,
            **self._state(),
        }
        (folder / "model.json").write_text(json.dumps(state, indent=2))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        state = json.loads((folder / "model.json").read_text())
        # A model that was saved by an older version may use former parameter names.
        parameters = REPRESENTATIONS.entry_of(cls).with_current_names(state["parameters"])
        model = cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in parameters.items()
            }
        )
        model.history_, model.metrics_ = state["history"], state["metrics"]
        model._restore(state)
        model._load_layers(folder)
        return model

    @abstractmethod
    def _save_layers(self, folder: Path) -> None:
        """Write the layers, and arrays beside them."""

    @abstractmethod
    def _load_layers(self, folder: Path) -> None:
        """Read what ``_save_layers`` wrote."""

    def _state(self) -> dict[str, Any]:
        """Return further JSON for ``model.json``."""
        return {}

    def _restore(self, state: dict[str, Any]) -> None:  # noqa: B027 - optional
        """Restore what ``_state`` returned."""
