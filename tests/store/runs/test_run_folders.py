import subprocess
import sys

import numpy as np
import pytest

from songrec.core.errors import NotReady
from songrec.core.files import atomic_folder, write_json
from songrec.store.runs import run_folders


def test_a_run_has_its_name_only_once_it_is_whole(tmp_path):
    with atomic_folder(run_folders.run_folder(tmp_path, "r1")) as folder:
        write_json(folder / "history.json", [{"epoch": 1}])
        assert not run_folders.run_folder(tmp_path, "r1").exists()
    assert run_folders.read_json(tmp_path, "r1", "history.json") == [{"epoch": 1}]
    assert [path.name for path in run_folders.runs_folder(tmp_path).iterdir()] == ["r1"]


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    def fail():
        with atomic_folder(run_folders.run_folder(tmp_path, "r1")) as folder:
            (folder / "history.json").write_text("[]")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(run_folders.runs_folder(tmp_path).iterdir()) == []


def test_a_process_killed_while_writing_leaves_no_run_and_what_it_left_is_swept(tmp_path):
    code = (
        "import os, pathlib, signal, sys\n"
        "from songrec.core.files import atomic_folder\n"
        "from songrec.store.runs import run_folders\n"
        "with atomic_folder(run_folders.run_folder(pathlib.Path(sys.argv[1]), 'r1')) as folder:\n"
        "    (folder / 'manifest.json').write_text('{}')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert not run_folders.run_folder(tmp_path, "r1").exists()
    assert run_folders.sweep(tmp_path) == []  # it may still be being written
    assert run_folders.sweep(tmp_path, older_than=0) == ["r1.partial"]
    assert list(run_folders.runs_folder(tmp_path).iterdir()) == []


def test_sweeping_never_removes_a_whole_run(tmp_path):
    with atomic_folder(run_folders.run_folder(tmp_path, "kept")) as folder:
        (folder / "manifest.json").write_text("{}")
    assert run_folders.sweep(tmp_path, older_than=0) == []
    assert run_folders.run_folder(tmp_path, "kept").is_dir()


def test_missing_files_say_which_run_and_what_to_do(tmp_path):
    for read in (run_folders.read_json, run_folders.read_array):
        with pytest.raises(NotReady, match=r"run r9 are missing.*train again"):
            read(tmp_path, "r9", "latent.npy")


def test_damaged_files_say_which_run_and_what_to_do(tmp_path):
    with atomic_folder(run_folders.run_folder(tmp_path, "r1")) as folder:
        np.save(folder / "track_ids.npy", np.arange(3))
        (folder / "clustering.npz").write_bytes(b"PK\x03\x04 cut off")
        (folder / "manifest.json").write_text('{"run_id": ')
    says = r"run r1 are damaged.*train again, or publish another run"
    with pytest.raises(NotReady, match=says):
        run_folders.read_json(tmp_path, "r1", "manifest.json")
    with pytest.raises(NotReady, match=says):
        run_folders.read_labels(tmp_path, "r1")


def test_json_with_a_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "manifest.json", {"silhouette": float("nan")})


def test_arrays_are_mapped_and_never_unpickled(tmp_path):
    with atomic_folder(run_folders.run_folder(tmp_path, "r1")) as folder:
        np.save(folder / "latent.npy", np.eye(2))
        np.save(folder / "evil.npy", np.array([object()]), allow_pickle=True)
    assert isinstance(run_folders.read_array(tmp_path, "r1", "latent.npy"), np.memmap)
    with pytest.raises(NotReady, match=r"damaged.*(pickle|[Oo]bject)"):
        run_folders.read_array(tmp_path, "r1", "evil.npy", mapped=False)
