"""Calls in a child that may be killed: what comes back, and what a bad call costs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from songrec.core import isolation
from songrec.core.errors import BadInput, NotReady
from songrec.core.isolation import IsolatedProcess, Limits, Stopped
from tests.core import isolated_functions as functions

LIMITS = Limits(seconds=120.0, memory_bytes=64 * 2**20)


@pytest.fixture(scope="module")
def process() -> Iterator[IsolatedProcess]:
    with IsolatedProcess() as process:
        yield process


def test_arguments_and_results_with_arrays_pass_both_ways(process: IsolatedProcess) -> None:
    answer = process.call(functions.double, 2.5, None, limits=LIMITS)
    arrays = answer.pop("arrays")
    assert answer == {"number": 2.5, "name": None}
    assert (arrays["many"] == np.full((2, 3), 5.0)).all()
    assert (arrays["many"].dtype, arrays["none"].shape) == (np.float32, (0, 4))
    samples = np.arange(4, dtype=np.int16)
    assert process.call(functions.total, limits=LIMITS, arrays={"samples": samples}) == 6.0


def test_the_child_stays_for_the_next_call(process: IsolatedProcess) -> None:
    pids = {process.call(functions.process_id, limits=LIMITS) for _ in range(3)}
    assert pids == {process.pid}
    assert process.pid != os.getpid()


def test_too_much_memory_is_one_line_and_the_next_call_goes_on(process: IsolatedProcess) -> None:
    assert process.call(functions.fill, 2**20, limits=LIMITS) == 2**20
    with pytest.raises(Stopped, match=r"^needs more than 64 MiB of memory$") as stopped:
        process.call(functions.fill, 2**30, limits=LIMITS)
    assert not stopped.value.passing
    assert process.call(functions.fill, 2**20, limits=LIMITS) == 2**20


def test_a_call_that_hangs_ends_with_all_that_it_started(
    process: IsolatedProcess, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    process.call(functions.process_id, limits=LIMITS)
    with pytest.raises(Stopped, match=r"^took longer than 5 s$") as stopped:
        process.call(functions.hang, str(mark), limits=Limits(5.0, LIMITS.memory_bytes))
    assert stopped.value.passing
    name, program = mark.read_text().splitlines()
    assert not Path(name).exists()
    assert not Path(name).parent.exists()
    deadline = time.monotonic() + 60
    while _runs(int(program)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.call(functions.process_id, limits=LIMITS) == process.pid


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_crash_says_which_signal_it_was(process: IsolatedProcess) -> None:
    with pytest.raises(Stopped, match=r"^made the reader crash \(was ended by SIGSEGV") as stopped:
        process.call(functions.crash, limits=LIMITS)
    assert stopped.value.passing


def test_errors_of_the_function_are_errors_of_the_caller(process: IsolatedProcess) -> None:
    with pytest.raises(BadInput, match=r"^is no song$"):
        process.call(functions.refuse, "input", limits=LIMITS)
    with pytest.raises(NotReady, match=r"^No key 'H'"):
        process.call(functions.refuse, "name", limits=LIMITS)
    with pytest.raises(Stopped, match=r"^could not be read \(ZeroDivisionError: a bug\)$"):
        process.call(functions.refuse, "bug", limits=LIMITS)


def test_calls_within_the_child_stay_there_under_their_own_limit(process: IsolatedProcess) -> None:
    assert process.call(functions.nest, 2**25, limits=LIMITS) == [
        True,
        "needs more than 16 MiB of memory",
    ]


def test_a_call_takes_at_most_half_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "machine_bytes", lambda: 2**30)
    assert Limits(1.0, 4 * 2**30).memory == 2**29
    assert Limits(1.0, 2**20).memory == 2**20
