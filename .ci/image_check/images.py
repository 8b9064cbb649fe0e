"""The images of the check: built with buildah on a base that debootstrap makes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
BASE = "localhost/songrec-check-base"
DATABASE = "localhost/songrec-check-postgresql"
IMAGE = "localhost/songrec-check"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
INSIDE = "/etc/ssl/certs/of-this-machine.crt"
"""Where the build finds this machine's certificates, which its package index may need."""

PYTHON = "apt-get install -y --no-install-recommends python3 python3-venv python-is-python3"
POSTGRESQL = (
    "apt-get install -y --no-install-recommends postgresql && "
    "install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data"
)


@dataclass(frozen=True)
class Image:
    """A built image: its name, size in bytes and configuration."""

    name: str
    size: int
    config: dict[str, object]

    @classmethod
    def inspect(cls, name: str) -> Image:
        """Read the configuration of a local image."""
        found = json.loads(output("buildah", "inspect", "--type", "image", name))
        (size,) = {row["size"] for row in json.loads(output("buildah", "images", "--json", name))}
        return cls(name, _bytes(size), found["Docker"]["config"])


def _bytes(size: str | int) -> int:
    if isinstance(size, int):
        return size
    number, unit = size.split()
    return int(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])


class CheckFailed(Exception):
    """One line: what was expected and what happened."""


def output(*command: str) -> str:
    """Run a command and return what it prints; raise ``CheckFailed`` with its last lines."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise CheckFailed(f"{' '.join(command[:3])} ended with code {done.returncode}: {last}")
    return done.stdout.strip()


def exists(name: str) -> bool:
    """Return whether there is a local image of this name."""
    command = ["buildah", "inspect", "--type", "image", name]
    return subprocess.run(command, capture_output=True).returncode == 0


def build_base() -> None:
    """Make the base image, Debian with its own Python, unless it is there."""
    if not exists(BASE):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            root = Path(folder) / "root"
            output(
                "debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root)
            )
            archive = Path(folder) / "base.tar"
            output("tar", "-C", str(root), "-cf", str(archive), ".")
            _commit("scratch", BASE, add=archive)
        _commit(BASE, BASE, run=PYTHON)


def build_database() -> None:
    """Make the image of the database server unless it is there."""
    if not exists(DATABASE):
        _commit(BASE, DATABASE, run=POSTGRESQL)


def _commit(base: str, name: str, *, add: Path | None = None, run: str | None = None) -> None:
    container = output("buildah", "from", "--pull-never", base)
    try:
        if add is not None:
            output("buildah", "add", "--quiet", container, str(add), "/")
        if run is not None:
            command = f"apt-get update -qq && {run} && apt-get clean"
            environment = ["--env", "DEBIAN_FRONTEND=noninteractive"]
            output(
                *("buildah", "run", "--isolation", "chroot", *environment, container),
                *("sh", "-c", command),
            )
        output("buildah", "commit", "--quiet", container, name)
    finally:
        output("buildah", "rm", container)


def build(source: Path) -> Image:
    """Build the Dockerfile of ``source`` on the base of the check."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(_pip_settings())
        settings.flush()
        output(
            *("buildah", "build", "--isolation", "chroot", "--format", "docker"),
            *("--layers", "--pull-never", "--build-arg", f"BASE={BASE}"),
            *("--secret", f"id=pip,src={settings.name}"),
            *("--volume", f"{CERTIFICATES}:{INSIDE}:ro", "--tag", IMAGE, str(source)),
        )
    return Image.inspect(IMAGE)


def _pip_settings() -> str:
    """Return this machine's package index for pip, for the build alone."""
    lines = ["[global]", f"cert = {INSIDE}"]
    names = {"PIP_INDEX_URL": "index-url", "PIP_DEFAULT_TIMEOUT": "timeout"}
    lines += [f"{key} = {os.environ[name]}" for name, key in names.items() if os.environ.get(name)]
    return "\n".join([*lines, ""])
