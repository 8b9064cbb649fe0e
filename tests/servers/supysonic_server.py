"""A real supysonic on loopback, in a process of its own, with songs that tests make.

``python -m tests.servers.supysonic_server serve|scan FOLDER`` is that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.services.servers.client import ServerClient

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "supysonic-pass"
START_S = 30.0


@dataclass
class Supysonic:
    """A running server: its address, the folder ``music`` that it reads, and its accounts.

    ``admin`` and ``listener`` are the names of two accounts with ``PASSWORD``.
    """

    folder: Path
    url: str
    admin: str = "admin"
    listener: str = "listener"

    @property
    def music(self) -> Path:
        """The folder whose songs it has."""
        return self.folder / "music"

    def scan(self) -> None:
        """Let it read its folder again: new, changed and missing songs."""
        _run("scan", self.folder)

    def forget_all(self) -> None:
        """Let it read its folder from nothing, so that every song has another id."""
        _run("renumber", self.folder)

    def client(self, name: str = "admin") -> ServerClient:
        """Sign in as one of its accounts."""
        return ServerClient(
            "Supysonic", self.url, username=name, secret=PASSWORD, allows_private=True
        )


@contextmanager
def supysonic_server(folder: Path) -> Iterator[Supysonic]:
    """Run a server over ``folder/music``, which is read once before it answers."""
    (folder / "music").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        _command("serve", folder), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        assert port.isdecimal(), "supysonic did not start"
        yield Supysonic(folder, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


def write_song(
    path: Path,
    *,
    title: str,
    artist: str,
    seconds: float = 2.0,
    hz: float = 440.0,
    seed: int | None = None,
    **tags: Any,
) -> Path:
    """Write a FLAC file with tags (``album``, ``albumartist``, ``track``, …).

    Its sound is a tone, or the made-up piece of ``seed``.
    """
    from mediafile import MediaFile

    from tests.audio_files.sounds import chords, tone, write

    sound = tone(seconds, hz=hz) if seed is None else chords(seconds, seed)
    write(path, sound, 22_050, "flac")
    file = MediaFile(str(path))
    file.update({"title": title, "artist": artist, **tags})
    file.save()
    return path


def _command(task: str, folder: Path) -> list[str]:
    return [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.servers.supysonic_server",
        task,
        str(folder),
    ]


def _run(task: str, folder: Path) -> None:
    done = subprocess.run(
        _command(task, folder), cwd=ROOT, capture_output=True, text=True, timeout=START_S
    )
    assert done.returncode == 0, done.stderr


def _configuration(folder: Path) -> Any:
    from supysonic.config import DefaultConfig

    configuration = DefaultConfig()
    configuration.BASE["database_uri"] = f"sqlite:///{folder / 'supysonic.db'}"
    configuration.WEBAPP["cache_dir"] = str(folder / "cache")
    configuration.WEBAPP["mount_webui"] = False
    configuration.DAEMON["socket"] = str(folder / "no-daemon.sock")
    return configuration


def _scan(folder: Path, *, anew: bool = False) -> None:
    from supysonic import config
    from supysonic.db import Folder, init_database
    from supysonic.managers.folder import FolderManager
    from supysonic.managers.user import UserManager
    from supysonic.scanner import Scanner

    config.current_config = _configuration(folder)
    is_new = not (folder / "supysonic.db").exists()
    init_database(config.current_config.BASE["database_uri"])
    if is_new:
        UserManager.add("admin", PASSWORD, admin=True)
        UserManager.add("listener", PASSWORD)
    if anew:
        FolderManager.delete_by_name("music")
    if not Folder.select().where(Folder.root).exists():
        FolderManager.add("music", str(folder / "music"))
    scanner = Scanner()
    scanner.queue_folder("music")
    scanner.run()


def _serve(folder: Path) -> None:
    from supysonic.db import release_database
    from supysonic.web import create_application
    from werkzeug.serving import make_server

    _scan(folder)
    release_database()
    app = create_application(_configuration(folder))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    os.umask(0o077)
    task, place = sys.argv[1], Path(sys.argv[2])
    if task == "serve":
        _serve(place)
    else:
        _scan(place, anew=task == "renumber")
