"""How much memory there is, and bounds on what a process takes."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from songrec.core.memory import bounded_growth, machine_bytes

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def groups(tmp_path: Path) -> tuple[Path, Path]:
    """Folders as ``/sys/fs/cgroup`` and ``/proc/self``; the process is in group a/b."""
    process = tmp_path / "proc"
    process.mkdir()
    (process / "cgroup").write_text("4:memory:/elsewhere\n0::/a/b\n")
    (tmp_path / "cgroup" / "a" / "b").mkdir(parents=True)
    return tmp_path / "cgroup", process


def test_without_a_limit_it_is_the_machines(groups: tuple[Path, Path], tmp_path: Path) -> None:
    cgroups, process = groups
    (cgroups / "a" / "memory.max").write_text("max\n")
    assert machine_bytes(cgroups, process) == MACHINE
    assert machine_bytes(tmp_path / "none", tmp_path / "neither") == MACHINE


@pytest.mark.parametrize("where", [".", "a", "a/b", "memory"])
def test_the_least_limit_of_the_containers_counts(groups: tuple[Path, Path], where: str) -> None:
    cgroups, process = groups
    file = cgroups / where / ("memory.limit_in_bytes" if where == "memory" else "memory.max")
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{96 * 2**20}\n")
    assert machine_bytes(cgroups, process) == 96 * 2**20
    (cgroups / "a" / "b" / "memory.max").write_text(f"{64 * 2**20}\n")
    assert machine_bytes(cgroups, process) == 64 * 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_growth_is_bounded_within_the_block_alone() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_growth(256 * 2**20):
        held = np.ones(2**23)
        with pytest.raises(MemoryError):
            np.ones(2**27)
        with bounded_growth(2**34), pytest.raises(MemoryError):  # the outer one still holds
            np.ones(2**27)
        # Not by an array: the allocator may have kept enough from others before.
        outer, _ = resource.getrlimit(resource.RLIMIT_DATA)
        with bounded_growth(16 * 2**20):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] < outer
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] == outer
    assert held[0] == 1.0
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert np.empty(2**27).nbytes == 2**30


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_bounds_of_two_threads_leave_no_limit_behind() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first, second = bounded_growth(2**33), bounded_growth(2**34)
    first.__enter__()
    second.__enter__()
    limited, _ = resource.getrlimit(resource.RLIMIT_DATA)
    first.__exit__(None, None, None)  # the first to enter leaves first, as threads may
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] > limited
    second.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
