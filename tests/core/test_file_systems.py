"""File systems without links, locks, maps or syncing, full and read-only ones."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songrec.core import array_files, config, file_systems
from songrec.core.errors import BadInput, NotReady
from songrec.core.file_names import safe_file_name
from songrec.core.files import atomic_folder, write_text

ROOT = Path(__file__).resolve().parents[2]


def failing(number: int) -> Callable[..., Any]:
    """A function that fails as a system call does."""

    def fail(*arguments: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number), str(arguments[0]) if arguments else None)

    return fail


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says on which type of file system ``tmp_path`` lies."""
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    path = tmp_path / "mountinfo"
    monkeypatch.setattr(file_systems, "_MOUNTS", path)

    def mount(kind: str) -> None:
        file_systems._network_type.cache_clear()
        path.write_text(
            "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
            f"26 24 {number} /export /srv rw,relatime shared:1 master:2 - {kind} nas:/music rw\n"
        )

    yield mount
    file_systems._network_type.cache_clear()


@pytest.mark.parametrize(
    ("kind", "is_network"),
    [
        *((kind, True) for kind in ("nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph")),
        *((kind, False) for kind in ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "vfat")),
    ],
)
def test_network_file_systems_are_recognised(
    mounts: Callable[[str], None], tmp_path: Path, kind: str, is_network: bool
) -> None:
    mounts(kind)
    assert file_systems.network_type(tmp_path) == (kind if is_network else None)
    assert file_systems.network_type(tmp_path / "missing") is None


def test_where_the_system_does_not_say_a_file_system_counts_as_local(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(file_systems, "_MOUNTS", tmp_path / "none")
    file_systems._network_type.cache_clear()
    assert file_systems.network_type(tmp_path) is None
    file_systems._network_type.cache_clear()


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
def test_the_key_is_made_once_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", failing(number))
    key = config.secret_key(tmp_path)
    assert len(bytes.fromhex(key)) == 32
    assert config.secret_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_key_that_another_process_is_writing_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret_key"
    path.touch()
    monkeypatch.setattr("time.sleep", lambda seconds: path.write_text("key"))
    assert config.secret_key(tmp_path) == "key"
    path.write_text("")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(BadInput, match="secret_key is empty: delete it"):
        config.secret_key(tmp_path)


@pytest.mark.parametrize("links", [True, False])
def test_a_full_disk_leaves_no_empty_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if links:
        monkeypatch.setattr(os, "fdopen", failing(errno.ENOSPC))
    else:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
        monkeypatch.setattr(os, "write", failing(errno.ENOSPC))
    with pytest.raises(BadInput, match="The disk is full"):
        config.secret_key(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_missing_locks_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(number))
    with (tmp_path / "lock").open("w") as file, pytest.raises(NotReady) as error:
        file_systems.lock(file.fileno(), tmp_path)
    assert str(error.value).startswith(f"The file system of {tmp_path} has no locks")
    assert "\n" not in str(error.value)


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as one, (tmp_path / "lock").open("w") as other:
        assert file_systems.lock(one.fileno(), tmp_path)
        assert not file_systems.lock(other.fileno(), tmp_path)
        assert not file_systems.lock(other.fileno(), tmp_path, shared=True)


def test_arrays_are_read_where_they_cannot_be_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.save(tmp_path / "a.npy", values)
    values.tofile(tmp_path / "a.f32")

    def read() -> list[np.ndarray]:
        return [
            array_files.map_array(tmp_path / "a.npy"),
            array_files.map_raw(tmp_path / "a.f32", np.float32, (3, 2)),
        ]

    mapped = read()
    monkeypatch.setattr(mmap, "mmap", failing(errno.ENODEV))
    for array in (*mapped, *read()):
        np.testing.assert_array_equal(array, values)
    with pytest.raises(FileNotFoundError):
        array_files.map_array(tmp_path / "b.npy")


def test_an_array_written_in_parts_is_the_array(tmp_path: Path) -> None:
    row = np.dtype([("track", "<i8"), ("vector", "<f2", (3,))])
    values = np.zeros(4, dtype=row)
    values["track"] = range(4)
    with (tmp_path / "a.npy").open("wb") as file:
        array_files.write_header(file, row, (4,))
        for part in (values[:3], values[3:]):
            file.write(part.tobytes())
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), values)


def test_folders_that_cannot_be_synced_are_no_error_but_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    with atomic_folder(tmp_path / "run"):
        pass
    assert (tmp_path / "run").is_dir()
    with pytest.raises(OSError, match="Invalid"), atomic_folder(tmp_path / "other") as folder:
        write_text(folder / "deep" / "file", "")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EROFS, "The file system is read-only"),
        (errno.EIO, "The disk or the network file system failed"),
        (errno.ESTALE, "The network file system was mounted anew"),
    ],
)
def test_what_the_system_is_to_blame_for_is_explained(number: int, line: str) -> None:
    explained = file_systems.explain(OSError(number, os.strerror(number)))
    assert explained is not None
    assert explained.startswith(line)
    assert file_systems.explain(FileNotFoundError(errno.ENOENT, "")) is None


def test_names_of_an_instance_are_valid_on_every_file_system() -> None:
    with tarfile.open(ROOT / "tests" / "fixtures" / "instance_0_1.tar.gz") as archive:
        names = archive.getnames()
    assert len({name.casefold() for name in names}) == len(names)
    parts = {part for name in names for part in name.split("/") if not part.startswith(".")}
    assert {part: safe_file_name(part) for part in parts} == {part: part for part in parts}
