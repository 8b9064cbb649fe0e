"""Weights of published networks in the instance folder, and their status.

``<instance>/models/<name>/`` holds the weights of one model and its licence, if it has one, written
atomically. Weights are not part of songrec: they are fetched on request (``fetching``) and
verified.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.errors import UnknownName


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its name in the model's folder, and its SHA-256 if pinned."""

    name: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A published model: its files, required libraries and source.

    ``source`` is a package with its version, or a repository of the hub; ``libraries`` are the
    import names of the packages in ``requirements``. ``wheel_sha256`` is the digest of the
    package's wheel, None for a repository.
    """

    name: str
    label: str
    source: str
    licence: str
    size_mb: int
    files: tuple[ModelFile, ...]
    libraries: tuple[str, ...] = ()
    requirements: str = ""
    wheel_sha256: str | None = None


_TORCH = ("torch", "transformers", "safetensors", "huggingface_hub")
_EXTRA = "requirements/embeddings.txt"

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "musicnn",
            "MusiCNN: 50 tags and an embedding of 753 dimensions",
            "musicnn==0.1.0",
            "ISC",
            29,
            (
                ModelFile(
                    "MTT_musicnn/model.index",
                    "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
                ),
                ModelFile(
                    "MTT_musicnn/model.data-00000-of-00001",
                    "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
                ),
                ModelFile(
                    "MSD_musicnn/model.index",
                    "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
                ),
                ModelFile(
                    "MSD_musicnn/model.data-00000-of-00001",
                    "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
                ),
            ),
            wheel_sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
        ),
        Model(
            "vibenet",
            "VibeNet: seven musical attributes",
            "vibenet==0.1.0",
            "GPL-3.0-or-later",
            16,
            (
                ModelFile(
                    "efficientnet_model.onnx",
                    "efa88450153863a1461989a00846526ac9230665b19fbf82f33e46fdeef7d275",
                ),
            ),
            ("onnxruntime",),
            "requirements/vibenet.txt",
            "3474fd65a9723f0f58f511e77d1641ea937f11b8d75e906bcda2da9cad3094f5",
        ),
        Model(
            "mert",
            "MERT-v1-95M: an embedding of 768 dimensions",
            "m-a-p/MERT-v1-95M",
            "CC BY-NC 4.0",
            378,
            (
                ModelFile("config.json"),
                ModelFile("preprocessor_config.json"),
                ModelFile("model.safetensors"),
            ),
            _TORCH,
            _EXTRA,
        ),
        Model(
            "encodecmae",
            "EnCodecMAE base: an embedding of 768 dimensions",
            "lpepino/encodecmae-base",
            "as its repository states",
            400,
            (ModelFile("model.safetensors"),),
            _TORCH,
            _EXTRA,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Status of a model: missing or damaged parts, and advice.

    ``missing_libraries`` and ``missing_files`` are names; ``damaged_files`` differ from the
    published ones. ``advice`` has one command or sentence per step, empty if ``ready``.
    """

    name: str
    label: str
    licence: str
    source: str
    folder: Path
    missing_libraries: tuple[str, ...]
    missing_files: tuple[str, ...]
    damaged_files: tuple[str, ...]
    advice: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether features can be extracted with it."""
        return not (self.missing_libraries or self.missing_files or self.damaged_files)

    def as_json(self) -> dict[str, Any]:
        """Return the status for ``flask models status --json``."""
        return {
            "name": self.name,
            "label": self.label,
            "ready": self.ready,
            "folder": str(self.folder),
            "source": self.source,
            "licence": self.licence,
            "missing_libraries": list(self.missing_libraries),
            "missing_files": list(self.missing_files),
            "damaged_files": list(self.damaged_files),
            "advice": list(self.advice),
        }


def models_folder(instance: Path) -> Path:
    """Return the folder of an instance's models."""
    return instance / "models"


def model(name: str) -> Model:
    """Return the model called ``name``; ``UnknownName`` with the nearest otherwise."""
    if name not in MODELS:
        raise UnknownName("model", name, MODELS)
    return MODELS[name]


def status(instance: Path, name: str) -> ModelStatus:
    """Return the status of a model, without importing its libraries."""
    weights = model(name)
    folder = models_folder(instance) / name
    libraries = _missing_libraries(weights)
    missing = tuple(file.name for file in weights.files if not (folder / file.name).is_file())
    damaged = damaged_files(folder, weights)
    advice = []
    if libraries:
        advice.append(f"pip install -r {weights.requirements}")
    if missing or damaged:
        advice.append(f"flask models fetch {name}  (about {weights.size_mb} MB, {weights.source})")
        advice.append(f"without a network: flask models fetch {name} --from PATH")
    return ModelStatus(
        name,
        weights.label,
        weights.licence,
        weights.source,
        folder,
        libraries,
        missing,
        damaged,
        tuple(advice),
    )


def is_installed(instance: Path, name: str) -> bool:
    """Return whether the files of a model exist, without reading them as ``status`` does."""
    folder = models_folder(instance) / name
    return all((folder / file.name).is_file() for file in model(name).files)


def is_usable(instance: Path, name: str) -> bool:
    """Return whether files and libraries of a model exist, without reading or importing them."""
    return is_installed(instance, name) and not _missing_libraries(model(name))


def _missing_libraries(weights: Model) -> tuple[str, ...]:
    return tuple(name for name in weights.libraries if importlib.util.find_spec(name) is None)


def all_status(instance: Path) -> list[ModelStatus]:
    """Return the status of every model, in the order of ``MODELS``."""
    return [status(instance, name) for name in MODELS]


def damaged_files(folder: Path, weights: Model) -> tuple[str, ...]:
    """Return the files in ``folder`` whose checksum is not the pinned one."""
    return tuple(
        file.name
        for file in weights.files
        if file.sha256
        and (folder / file.name).is_file()
        and sha256(folder / file.name) != file.sha256
    )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
