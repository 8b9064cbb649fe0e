"""Lists that unpack or nest without end: one line, in the bounded memory of a child."""

from __future__ import annotations

import gzip
import io
import json
import resource
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.services.listeners import list_files, list_reader
from songrec.services.listeners.list_reader import is_short_text, read
from tests.audio_files.bombs import zeros_compressed

MIB = 2**20


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_reader, "LIMITS", Limits(seconds=120.0, memory_bytes=200 * MIB))


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The functions that were called in children."""
    called = []
    call = IsolatedProcess.call

    def noted(self: IsolatedProcess, function: Any, *arguments: Any, **more: Any) -> Any:
        called.append(function.__name__)
        return call(self, function, *arguments, **more)

    monkeypatch.setattr(IsolatedProcess, "call", noted)
    yield called
    assert called == ["_read"]


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name.replace("_", "."), content)
    return packed.getvalue()


def entities() -> bytes:
    """XML whose nine entities of ten references each expand to a thousand million."""
    lines = ["<!ENTITY a0 'laugh'>"]
    lines += [f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)]
    padding = " " * 150_000
    doctype = f"<!DOCTYPE playlist [{padding}{''.join(lines)}]>"
    return f"<?xml version='1.0'?>{doctype}<playlist><title>&a9;</title></playlist>".encode()


TOO_MUCH = "This list needs more than 200 MiB of memory"
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip": (
        lambda: gzip.compress(b"")[:10] + zeros_compressed(0.5)[2:-4] + bytes(8),
        TOO_MUCH,
    ),
    "zip": (lambda: archive(a_csv=b"title,artist\n" + bytes(220 * MIB)), TOO_MUCH),
    "nested zip": (
        lambda: archive(a_csv=archive(b_csv=bytes(MIB))),
        "This ZIP archive contains no list of songs; it contains a.csv.",
    ),
    "json": (lambda: b"[" * 100_000, "nested too deeply"),
    "entities": (entities, "This XML declares entities"),
    "lines": (
        lambda: b'{"score": 1}\n' * 120_000,
        "More than 100,000 lines of this file are not songs.",
    ),
    "objects": (lambda: b"[" + b"[]," * (20 * MIB // 3) + b"[]]", TOO_MUCH),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_line_and_costs_this_process_no_memory(
    name: str, children: list[str]
) -> None:
    build, reason = BOMBS[name]
    content = build()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInput) as error:
        read(content, "list.csv")
    assert reason in str(error.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_archives_of_very_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_files, "_MOST_FILES", 2)
    with pytest.raises(BadInput, match="holds more than 2 files"):
        list_files.read(archive(a_csv=b"", b_csv=b"", c_csv=b""))


def test_what_is_read_in_the_child_is_what_is_read_here(children: list[str]) -> None:
    document = {
        "format": list_files.FORMAT,
        "version": 1,
        "likes": [{"title": f"Song {n}", "artists": "Anna", "weight": 2} for n in range(2000)],
        "plays": [
            {
                "title": "Song 1",
                "artists": "Anna",
                "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat(),
            },
            {"title": "no artist"},
        ],
        "playlists": [{"name": "Evening", "tracks": [{"title": "Song 2", "artists": "Bo"}]}],
        "mixes": [{"kind": "mood", "name": "Pop", "settings": {"genre": "pop"}}],
        "decisions": [
            {
                "title": "Song 3",
                "artists": "An",
                "state": "matched",
                "track": {"id": "0123456789abcdef", "title": "Song 3", "artists": "Anna"},
            },
            {"title": "Song 4", "artists": "An", "state": "none", "track": None},
        ],
    }
    content = json.dumps(document).encode()
    result = read(content, "songrec.json")
    assert (len(result.mixes), len(result.decisions)) == (1, 2)
    assert result == list_files.read(content, "songrec.json")


def test_exports_in_an_archive_bring_all_their_mixes_and_decisions() -> None:
    exports = {
        f"{name}_json": json.dumps(
            {
                "format": list_files.FORMAT,
                "mixes": [{"kind": "mood", "name": name}],
                "decisions": [{"title": name, "artists": "Anna", "state": "none"}],
            }
        ).encode()
        for name in ("one", "two")
    }
    result = list_files.read(archive(**exports))
    assert [mix["name"] for mix in result.mixes] == ["one", "two"]
    assert [title for _, title, _ in result.decisions] == ["one", "two"]


@pytest.mark.parametrize("what", ["decisions", "playlists"])
def test_very_many_parts_are_refused(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(list_files, "MAX_ENTRIES", 1)
    rows = [{"title": name, "artists": "Anna", "state": "none", "name": name} for name in "ab"]
    content = json.dumps({"format": list_files.FORMAT, what: rows}).encode()
    with pytest.raises(BadInput, match=f"has 2 {what}; at most 1 are read"):
        list_files.read(content)


def test_short_texts_need_no_child() -> None:
    assert is_short_text(b"title,artist\nA,B\n")
    for content in (b"\x1f\x8b\x08", b"PK\x03\x04", b"\xef\xbb\xbf <?xml?>", b"a," * 40_000):
        assert not is_short_text(content)
