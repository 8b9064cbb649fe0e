"""One sound file's analysis: decode, read tags, extract features. What a child process does.

``python -m songrec.services.library.worker_main`` reads requests, one JSON object per line, and
answers each
with a JSON header of one line followed by the arrays as ``.npz``. It ends with its parent. Run by
``analyst.Analyst``, which kills it when a file takes too long: native decoders cannot be stopped
otherwise.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import queue
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from songrec.core.errors import BadInput, SongrecError

MEMORY_BYTES = 4 * 2**30
"""A child that needs more gets a MemoryError, and its file is rejected."""


def analyse(request: Mapping[str, Any], extractors: Mapping[str, Any]) -> dict[str, Any]:
    """Analyse one file. ``request``: ``path``, ``root``, ``settings`` (of ``AudioSettings``).

    The answer holds ``tags``, ``labels`` (of the path), ``decoded`` and ``arrays``. Raises
    ``BadInput`` with one line of reason for a file that cannot be used.
    """
    from songrec.audio_files.decoding import decode
    from songrec.audio_files.path_labels import labels_of
    from songrec.audio_files.tags import read_tags
    from songrec.features.extraction import extract_all
    from songrec.features.settings import AudioSettings, sample_rate_of

    path, root = Path(request["path"]), Path(request["root"])
    settings = AudioSettings(**request["settings"])
    by_rate: dict[int, dict[str, Any]] = {}
    for name, extractor in extractors.items():
        by_rate.setdefault(sample_rate_of(name, settings), {})[name] = extractor
    arrays: dict[str, Any] = {}
    decoded = None
    for rate in sorted(by_rate, key=lambda rate: rate != settings.sample_rate):
        at_rate = decode(path, sample_rate=rate, seconds=settings.seconds, where=settings.where)
        arrays |= extract_all(at_rate.audio, by_rate[rate])
        decoded = decoded or at_rate
    if decoded is None:
        decoded = decode(
            path, sample_rate=settings.sample_rate, seconds=settings.seconds, where=settings.where
        )
    for name, array in arrays.items():
        if np.isinf(array).any():
            raise BadInput(f"gives infinite values for {name}")
    return {
        "tags": asdict(read_tags(path).filled(decoded.metadata)),
        "labels": asdict(labels_of(path, root)),
        "decoded": {
            "duration_s": decoded.audio.duration_s,
            "start_s": decoded.audio.start_s,
            "excerpt_s": round(decoded.seconds, 3),
            "channels": decoded.channels,
            "sample_rate": decoded.source_rate,
            "codec": decoded.codec,
            "container": decoded.container,
            "notes": list(decoded.notes),
        },
        "arrays": arrays,
    }


def main() -> int:
    """Answer requests until the parent goes away."""
    channel = _take_stdout()
    requests = _requests()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    extractors: dict[str, Any] = {}
    while True:
        request = requests.get()
        try:
            if "prepare" in request:
                extractors = _extractors(**request["prepare"])
                _answer(channel, {"ready": True})
                continue
            _answer(channel, _tried(request, extractors))
        except SongrecError as error:
            _answer(channel, {"fatal": str(error)})
        except Exception as error:  # noqa: BLE001 - the parent must hear what is wrong
            _answer(channel, {"fatal": f"{type(error).__name__}: {error}"})


def _tried(request: Mapping[str, Any], extractors: Mapping[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    chosen = {name: extractors[name] for name in request["sets"]}
    try:
        answer = analyse(request, chosen)
    except BadInput as error:
        return {"reason": str(error)}
    except MemoryError:
        return {"reason": f"needs more than {MEMORY_BYTES // 2**30} GiB of memory"}
    except SongrecError:
        raise  # weights that are missing, say: no file's fault
    except Exception as error:  # noqa: BLE001 - one odd file must not end the others' analysis
        words = " ".join(str(error).split())[:200]
        return {
            "reason": f"could not be analysed ({type(error).__name__}: {words})",
            "passing": True,  # ours more likely than the file's: try again with another version
        }
    return {**answer, "seconds": round(time.perf_counter() - start, 3)}


def _extractors(sets: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    from songrec.features.extraction import make_extractors
    from songrec.features.settings import AudioSettings

    made = make_extractors(sets, AudioSettings(**settings))
    for extractor in made.values():
        if hasattr(extractor, "warm"):
            extractor.warm()  # its start is no file's time
    return made


def _answer(channel: BinaryIO, answer: dict[str, Any]) -> None:
    body = b""
    arrays = answer.pop("arrays", None)
    if arrays is not None:
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        body = buffer.getvalue()
    header = json.dumps({**answer, "bytes": len(body)}).encode()
    channel.write(header + b"\n" + body)
    channel.flush()


def _requests() -> queue.Queue[dict[str, Any]]:
    """Requests as they come in; the end of the pipe, or of the parent, is the end of this one."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    found: queue.Queue[dict[str, Any]] = queue.Queue()

    def read() -> None:
        for line in sys.stdin.buffer:
            found.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, name="requests", daemon=True).start()
    return found


def _take_stdout() -> BinaryIO:
    """The pipe to the parent; libraries that print from now on print to standard error."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    sys.exit(main())
