"""Kill operations with SIGKILL at random moments and count what was lost, damaged or stuck.

``python -m benchmarks.faults --kills 50`` kills ingests, analyses, trainings, publications and
uploads in turn, each at a moment drawn evenly from the time that it takes when left alone.
A command that was killed is started again by hand; ``make run``'s supervisor starts killed
processes of the server by itself. Counted for each operation:

* **lost**: something that had been confirmed before the kill (rows, likes, the published run, an
  answer to a request) is not there afterwards;
* **half-written**: the database or a file is damaged, or refers to what does not exist;
* **not resumed**: the operation, started again (a queued job: by itself), fails or ends with other
  content than one that was never disturbed.

``--write`` puts the table into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.ingest import ROOT, make_catalogue
from benchmarks.instance_state import contents, damages, digest
from benchmarks.pages import Client
from benchmarks.supervised import (
    ADMIN,
    PASSWORD,
    Supervised,
    alive,
    descendants,
    environment,
    flask,
    kill,
    signed_in,
    supervised,
    wait_for,
)

ROWS = 20_000
CLIPS = 1
"""Clips of each style of the demo."""
T = TypeVar("T")
Content = dict[str, list[tuple[Any, ...]]]


@dataclass
class Tally:
    """Counts for one operation; ``notes`` describe each count that is not zero."""

    operation: str
    seconds: float
    kills: int = 0
    lost: int = 0
    half_written: int = 0
    not_resumed: int = 0
    notes: list[str] = field(default_factory=list)

    def count(self, what: str, description: str) -> None:
        """Add one to ``what`` and keep the description."""
        setattr(self, what, getattr(self, what) + 1)
        self.notes.append(f"{what}: {description}")


def measure(kills: int, seed: int, only: list[str]) -> list[Tally]:
    """Kill each operation equally often; ``only`` names some of them."""
    choose = random.Random(seed)
    tallies = []
    with tempfile.TemporaryDirectory(prefix="songrec-faults-") as name:
        template = prepare(Path(name))
        for at, operation in enumerate(only):
            share = kills // len(only) + (at < kills % len(only))
            folder = Path(name) / operation
            folder.mkdir()
            tally = OPERATIONS[operation](template, folder, share, choose)
            print(json.dumps(asdict(tally)), file=sys.stderr, flush=True)
            tallies.append(tally)
    return tallies


def prepare(folder: Path) -> Path:
    """Create an instance with the demo catalogue, a published run, another run and an admin."""
    instance = folder / "template"
    instance.mkdir()
    for command in (
        ["db", "upgrade"],
        ["ingest", str(ROOT / "data" / "preprocess.csv")],
        ["train", "--representation", "pca", "--seed", "1"],
        ["train", "--representation", "pca", "--seed", "2", "--no-publish"],
    ):
        flask(instance, command)
    flask(instance, ["create-user", ADMIN, "--admin", "--password-stdin"], PASSWORD)
    with supervised(instance) as server:
        Client(server.port).like_a_few(instance)
    return instance


# Commands


def ingest(template: Path, folder: Path, kills: int, choose: random.Random) -> Tally:
    """Kill ``flask ingest`` of a catalogue of its own."""
    catalogue = folder / "songs.csv"
    make_catalogue(catalogue, ROWS)
    return _commands("ingest", template, folder, ["ingest", str(catalogue)], kills, choose)


def analysis(template: Path, folder: Path, kills: int, choose: random.Random) -> Tally:
    """Kill ``flask analyze`` of made clips."""
    from songrec.demo import clips

    sound = folder / "clips"
    clips.write(sound, clips.plan(per_style=CLIPS))
    command = ["analyze", str(sound), "--features", "mfcc"]
    return _commands("analysis", template, folder, command, kills, choose)


def training(template: Path, folder: Path, kills: int, choose: random.Random) -> Tally:
    """Kill ``flask train`` of an autoencoder, which publishes its run."""
    command = ["train", "--epochs", "3", "--seed", "3"]
    return _commands("training", template, folder, command, kills, choose)


def _commands(
    name: str, template: Path, folder: Path, command: list[str], kills: int, choose: random.Random
) -> Tally:
    before = contents(template)
    undisturbed = _copy(template, folder / "undisturbed")
    start = time.monotonic()
    flask(undisturbed, command)
    tally = Tally(name, time.monotonic() - start)
    expected = contents(undisturbed)
    for number in range(kills):
        instance = _copy(template, folder / f"killed-{number}")
        process = _start(instance, command)
        time.sleep(tally.seconds * (number + choose.random()) / kills)
        _kill_session(process)
        tally.kills += 1
        _check(tally, instance, number, before)
        again = _start(instance, command)
        if again.wait() != 0:
            tally.count("not_resumed", f"kill {number}: exit code {again.returncode}")
        else:
            _compare(tally, number, expected, contents(instance))
        for damage in damages(instance):
            tally.count("half_written", f"kill {number}, after starting again: {damage}")
        shutil.rmtree(instance)
    return tally


def _check(tally: Tally, instance: Path, number: int, before: Content) -> None:
    for damage in damages(instance):
        tally.count("half_written", f"kill {number}: {damage}")
    after = contents(instance)
    for name, rows in before.items():
        # A training that was killed right after its last commit has published its run.
        if name != "published" and not set(rows) <= set(after[name]):
            tally.count("lost", f"kill {number}: {name}")


def _compare(tally: Tally, number: int, expected: Content, found: Content) -> None:
    different = [name for name in expected if digest(expected[name]) != digest(found[name])]
    if different:
        tally.count("not_resumed", f"kill {number}: other {', '.join(different)}")


# The server


def publishing(template: Path, folder: Path, kills: int, choose: random.Random) -> Tally:
    """Kill web processes while an admin publishes another run."""
    instance = _copy(template, folder / "instance")
    likes = contents(instance)["likes"]
    runs = _runs(instance)
    with supervised(instance) as server:
        client = signed_in(server.port)
        seconds = _publish(client, runs[1])
        _publish(client, runs[0])
        tally = Tally("publishing", seconds)
        for number in range(kills):
            run = runs[(number + 1) % 2]
            delay = 1.5 * seconds * (number + choose.random()) / kills
            confirmed = _killing(server, delay, "web", partial(_publish, client, run))
            tally.kills += 1
            shown = _published(instance)
            if shown not in runs or (confirmed is not None and shown != run):
                tally.count("lost", f"kill {number}: {shown} is published, not {run}")
            for damage in damages(instance):
                tally.count("half_written", f"kill {number}: {damage}")
            if contents(instance)["likes"] != likes:
                tally.count("lost", f"kill {number}: likes")
            wait_for(server.answers)
            client = signed_in(server.port)
            _publish(client, run)
            if _published(instance) != run:
                tally.count("not_resumed", f"kill {number}: {run} cannot be published")
    return tally


NAMES = {"web": "gunicorn", "worker": "worker", "job": "songrec.jobs.child"}
"""Words in the command lines of the server's processes."""
TARGETS = (*NAMES, "everything")


def upload(template: Path, folder: Path, kills: int, choose: random.Random) -> Tally:
    """Kill a web process, the worker, the job's process or all of them while a song is uploaded."""
    from songrec.demo import clips

    instance = _copy(template, folder / "instance")
    sound = clips.write(folder / "clips", clips.plan(per_style=1))[0].read_bytes()
    likes = contents(instance)["likes"]
    with supervised(instance) as server:
        start = time.monotonic()
        expected = _result(instance, _upload(Client(server.port), sound))
        tally = Tally("upload", time.monotonic() - start)
        for number in range(kills):
            target = TARGETS[number % len(TARGETS)]
            delay = tally.seconds * choose.random()
            sent = _killing(server, delay, target, lambda: _upload(Client(server.port), sound))
            tally.kills += 1
            wait_for(server.answers, 90)
            for damage in damages(instance):
                tally.count("half_written", f"kill {number} ({target}): {damage}")
            if contents(instance)["likes"] != likes:
                tally.count("lost", f"kill {number} ({target}): likes")
            # One that was not confirmed is sent again, as a person would.
            address = sent or _upload(Client(server.port), sound)
            found = _result(instance, address)
            if found is None:
                tally.count("lost" if sent else "not_resumed", f"kill {number} ({target})")
            elif found != expected:
                tally.count("not_resumed", f"kill {number} ({target}): another result")
    return tally


OPERATIONS: dict[str, Callable[[Path, Path, int, random.Random], Tally]] = {
    "ingest": ingest,
    "analysis": analysis,
    "training": training,
    "publishing": publishing,
    "upload": upload,
}


def _killing(server: Supervised, delay: float, target: str, action: Callable[[], T]) -> T | None:
    """Kill ``target`` ``delay`` seconds after ``action`` began.

    Returns what ``action`` returned, None if the kill broke its connection.
    """
    answers: list[T] = []

    def act() -> None:
        with suppress(OSError, HTTPException, RuntimeError):
            answers.append(action())

    thread = threading.Thread(target=act)
    thread.start()
    time.sleep(delay)
    if target == "everything":
        server.kill()
        server.start()
    else:
        for pid in server.named(NAMES[target]):
            kill(pid)
    thread.join()
    return answers[0] if answers else None


def _publish(client: Client, run: str) -> float:
    token = client.token("/admin/runs")
    start = time.monotonic()
    client.post(f"/admin/runs/{run}/publish", {"csrf_token": token})
    return time.monotonic() - start


def _upload(client: Client, sound: bytes) -> str:
    fields = {"csrf_token": client.token("/upload")}
    return client.post_file("/upload", fields, "song.wav", sound)


def _result(instance: Path, address: str) -> list[str] | None:
    """Wait for the upload at ``address``; returns its similar songs, None if its job failed."""
    name = address.rpartition("/")[2]
    found: list[str] | None = None

    def ended() -> bool:
        nonlocal found
        rows = _rows(
            instance,
            "SELECT job.state, upload.result FROM upload JOIN job ON job.id = job_id "
            "WHERE upload.public_id = ?",
            name,
        )
        if not rows:
            return True
        state, result = rows[0]
        if state == "done":
            found = [match["track_id"] for match in json.loads(result)["similar"]]
        return state in ("done", "failed", "cancelled")

    wait_for(ended, 120)
    return found


def _start(instance: Path, command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", *command],
        cwd=ROOT,
        env=environment(instance),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill the command; its children end by themselves, and are waited for."""
    children = descendants(process.pid) if process.poll() is None else []
    process.kill()
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in children))


# Instances


def _copy(template: Path, instance: Path) -> Path:
    shutil.copytree(template, instance, ignore=shutil.ignore_patterns("workers"))
    return instance


def _rows(instance: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(instance / "songrec.db", timeout=30)) as database:
        return database.execute(query, values).fetchall()


def _runs(instance: Path) -> list[str]:
    return [name for (name,) in _rows(instance, "SELECT public_id FROM run ORDER BY id")]


def _published(instance: Path) -> str:
    ((name,),) = _rows(
        instance, "SELECT public_id FROM run JOIN publication ON publication.run_id = run.id"
    )
    return str(name)


def table(tallies: list[Tally]) -> list[str]:
    """Return the lines of the table for docs/reliability.md."""
    return [
        "| operation | undisturbed | kills | lost | half-written | not resumed |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {one.operation} | {one.seconds:.2f} s | {one.kills} | {one.lost} | "
            f"{one.half_written} | {one.not_resumed} |"
            for one in tallies
        ),
    ]


def main() -> None:
    """Print the tallies as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="in all (default 50)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(OPERATIONS), default=list(OPERATIONS))
    parser.add_argument("--write", action="store_true", help="into docs/reliability.md")
    options = parser.parse_args()
    tallies = measure(options.kills, options.seed, options.only)
    print(json.dumps([asdict(one) for one in tallies], indent=2))
    if options.write:
        from benchmarks.sections import replace_section

        replace_section("reliability.md", "kills", table(tallies))
    if any(one.lost or one.half_written or one.not_resumed for one in tallies):
        sys.exit(1)


if __name__ == "__main__":
    main()
