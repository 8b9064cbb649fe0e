"""Conversions: read while they grow, shared, bounded, stopped when nobody listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from songrec.core.errors import BadInput
from songrec.services.features import conversion_slots, transcoded_files
from songrec.store.sound.audio_files import SoundSource
from tests.services.features import slow_transcoding

LIMIT = 2**20
WHOLE = b"".join(bytes([number]) * 10 for number in range(slow_transcoding.PIECES))


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    yield
    until(_has_stopped)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start converting a content by one of the stand-ins."""

    def start(
        name: str,
        function: Callable[..., None] = slow_transcoding.slow,
        owner: str = "anna",
        **more: Any,
    ) -> Any:
        monkeypatch.setattr(transcoded_files, "_transcode", function)
        source = SoundSource(tmp_path / name, name * 64)
        source.path.touch()
        return transcoded_files.start(tmp_path, source, "opus", owner, cache_bytes=LIMIT, **more)

    return start


def _has_stopped() -> bool:
    for conversion in list(transcoded_files._running.values()):
        conversion.process.stop()
    return not transcoded_files._running


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_file_is_read_while_it_grows_and_stays(tmp_path: Path, start: Any) -> None:
    conversion = start("a")
    assert conversion.has_begun(20)
    assert start("a") is conversion
    assert transcoded_files.finished(tmp_path, "a" * 64, "opus") is None
    pieces = list(transcoded_files.read(conversion))
    assert len(pieces) > 1
    assert b"".join(pieces) == WHOLE
    done = transcoded_files.finished(tmp_path, "a" * 64, "opus")
    assert done is not None
    assert done.read_bytes() == WHOLE
    assert b"".join(transcoded_files.read(start("a"))) == WHOLE


def test_what_nobody_reads_any_more_is_stopped(
    tmp_path: Path, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcoded_files, "GRACE_S", 0.05)
    conversion = start("a", slow_transcoding.endless)
    assert conversion.has_begun(20)
    reader = transcoded_files.read(conversion)
    assert next(reader) == b"a"
    reader.close()
    assert conversion.over.wait(20)
    assert conversion.problem is not None
    assert list(tmp_path.glob("transcoded/*/*")) == []


def test_what_plays_next_is_converted_without_a_reader(tmp_path: Path, start: Any) -> None:
    start("a", is_needed=True)
    until(lambda: transcoded_files.finished(tmp_path, "a" * 64, "opus") is not None)


def test_what_is_deleted_meanwhile_leaves_nothing(tmp_path: Path, start: Any) -> None:
    conversion = start("a", is_needed=True)
    (tmp_path / "a").unlink()
    assert conversion.over.wait(20)
    assert conversion.problem == "is gone"
    assert list(tmp_path.glob("transcoded/*/*")) == []


def test_no_more_than_a_few_at_once(start: Any) -> None:
    running = [start(name, slow_transcoding.endless) for name in "ab"]
    assert len(running) == transcoded_files.MOST_EACH
    with pytest.raises(conversion_slots.Busy, match="2 songs are being converted for you"):
        start("c")
    assert start("a") is running[0]  # joining takes no room
    running.append(start("c", slow_transcoding.endless, "bo"))
    assert len(running) == transcoded_files.MOST_AT_ONCE
    with pytest.raises(conversion_slots.Busy, match="Other songs"):
        start("d", owner="cleo")
    assert running[0].has_begun(20)
    running[0].process.stop()
    assert running[0].over.wait(20)
    start("d", slow_transcoding.endless, "cleo")


def test_a_file_that_cannot_be_decoded_says_why(tmp_path: Path, start: Any) -> None:
    conversion = start("a", slow_transcoding.failing)
    with pytest.raises(BadInput, match="holds no sound"):
        conversion.has_begun(20)
    assert list(tmp_path.glob("transcoded/*/*")) == []
