"""Containers without a container engine: namespaces, a read-only root, one user without rights.

A service of compose.yaml runs in its image with namespaces of its own for mounts, processes, host
name and IPC. The root is mounted read-only; what the service may write to are its volumes and
tmpfs. It runs as the image's user without capabilities and cannot gain any. All services share
the network namespace of the check, in which there is only loopback. Limits of memory and
processes, seccomp and the separation of compose's networks are not part of this.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from images import CheckFailed, Image, output

START = r"""
set -eu
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o nosuid,mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device" && mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/shm && mount -t tmpfs -o nosuid,nodev,mode=1777,size=64m tmpfs dev/shm
ln -s /proc/self/fd dev/fd
mount --bind "$HOSTS" etc/hosts
for path in $TMPFS; do mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs ".$path"; done
eval "$VOLUMES"
mount -o remount,bind,ro "$ROOT"
hostname "$NAME"
exec chroot . setpriv --reuid "$OWNER" --regid "$GROUP" --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all -- "$@"
"""
GRACE_S = 10.0
"""Seconds that Docker waits between SIGTERM and SIGKILL."""


class Compose:
    """The services of a compose file, with its variables filled in."""

    def __init__(self, path: Path, variables: Mapping[str, str]) -> None:
        import yaml

        self.variables = variables
        self.services: dict[str, dict[str, Any]] = self._filled(
            yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
        )

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._filled(part) for part in value]
        return (
            re.sub(r"\$\{(\w+):([-?])([^}]*)\}", self._variable, value)
            if isinstance(value, str)
            else value
        )

    def _variable(self, match: re.Match[str]) -> str:
        name, kind, text = match.groups()
        if self.variables.get(name):
            return self.variables[name]
        if kind == "?":
            raise CheckFailed(f"{name} is not set: {text}")
        return text


class Host:
    """Volumes, log files and mounted images of the containers that run in ``folder``."""

    def __init__(self, folder: Path, compose: Compose) -> None:
        self.folder = folder
        self.compose = compose
        self.containers: list[Container] = []
        self._mounted: dict[str, tuple[str, Path]] = {}
        self.hosts = folder / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost {' '.join(compose.services)}\n")

    def root(self, image: str) -> Path:
        """Return the folder where the file system of ``image`` is mounted."""
        if image not in self._mounted:
            container = output("buildah", "from", "--pull-never", image)
            self._mounted[image] = (container, Path(output("buildah", "mount", container)))
        return self._mounted[image][1]

    def volume(self, source: str, image: Path, target: str) -> Path:
        """Return the folder of a volume; a new one has the owner and mode of the image's."""
        folder = self.folder / "volumes" / source
        if not folder.exists():
            folder.mkdir(parents=True)
            inside = image / target.lstrip("/")
            if inside.exists():
                made = inside.stat()
                os.chown(folder, made.st_uid, made.st_gid)
                folder.chmod(made.st_mode & 0o7777)
        return folder

    def close(self) -> None:
        """Kill what still runs and unmount the images."""
        for container in self.containers:
            container.kill()
        for name, _ in self._mounted.values():
            output("buildah", "rm", name)


class Container:
    """One running service, or a single ``command`` in its place."""

    def __init__(
        self,
        host: Host,
        name: str,
        image: Image,
        *,
        command: list[str] | None = None,
        environment: Mapping[str, str] | None = None,
        run_name: str | None = None,
        service: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = run_name or name
        self.service = host.compose.services[name] if service is None else service
        self.image = image
        root = host.root(image.name)
        user = str(self.service.get("user") or image.config["User"])
        self.owner, _, self.group = user.partition(":")
        self.environment = {
            **dict(entry.split("=", 1) for entry in image.config["Env"]),
            **(host.compose.variables if self.service.get("env_file") else {}),
            **self.service.get("environment", {}),
            **(environment or {}),
        }
        self.log = host.folder / f"{self.name}.log"
        self._workdir = str(image.config.get("WorkingDir") or "/")
        words = command or self.service.get("command") or image.config["Cmd"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"),
                    *("sh", "-c", START, "container", *self._inside(words)),
                ],
                env={
                    "PATH": os.environ["PATH"],
                    "ROOT": str(root),
                    "HOSTS": str(host.hosts),
                    "NAME": self.name,
                    "OWNER": self.owner,
                    "GROUP": self.group or self.owner,
                    "TMPFS": " ".join(self.service.get("tmpfs", ())),
                    "VOLUMES": "\n".join(self._volumes(host, root)),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        host.containers.append(self)

    def _volumes(self, host: Host, root: Path) -> Iterator[str]:
        for entry in self.service.get("volumes", ()):
            source, _, rest = entry.rpartition(":") if entry.endswith(":ro") else (entry, "", "")
            read_only = rest == "ro"
            source, _, target = source.partition(":")
            if not target:  # anonymous
                source, target = f"{self.name}-{source.strip('/').replace('/', '-')}", source
            folder = host.volume(source, root, target)
            (root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
            yield shlex.join(["mount", "--bind", str(folder), f".{target}"])
            if read_only:
                yield shlex.join(["mount", "-o", "remount,bind,ro", f".{target}"])

    def _inside(self, words: list[str]) -> list[str]:
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        enter = ["sh", "-c", f'cd {shlex.quote(self._workdir)} && exec "$@"', "command"]
        return ["env", "-i", *variables, *enter, *words]

    @property
    def first_process(self) -> int:
        """The process id, outside, of the container's process 1."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while self.process.poll() is None:
            if found := children.read_text().split():
                return int(found[0])
            time.sleep(0.05)
        raise CheckFailed(f"{self.name} has ended: {self.tail()}")

    def memory(self) -> int:
        """Return the bytes of memory that its processes take, shared pages by their share."""
        namespace = Path(f"/proc/{self.first_process}/ns/pid").readlink()
        total = 0
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                if (process / "ns" / "pid").readlink() == namespace:
                    pages = (process / "smaps_rollup").read_text()
                    total += 1024 * int(re.search(r"^Pss: +(\d+)", pages, re.M)[1])
        return total

    def check_health(self) -> str | None:
        """Run the health check of the service or the image in it; return what is wrong."""
        check = self.service.get("healthcheck") or self.image.config.get("Healthcheck")
        words = list(check.get("test") or check["Test"])[1:]
        done = subprocess.run(
            [
                *("nsenter", "--target", str(self.first_process)),
                *("--mount", "--pid", "--uts", "--ipc", "--root"),
                *("setpriv", "--reuid", self.owner, "--regid", self.group or self.owner),
                *("--clear-groups", "--no-new-privs", *self._inside(words)),
            ],
            capture_output=True,
            text=True,
        )
        return (done.stderr or done.stdout).strip() if done.returncode else None

    def wait_until_healthy(self, seconds: float = 180) -> None:
        """Ask for the health until it is good; raise ``CheckFailed`` if it does not become so."""
        deadline = time.monotonic() + seconds
        while problem := self.check_health():
            if time.monotonic() > deadline:
                raise CheckFailed(f"{self.name}: {problem}: {self.tail()}")
            time.sleep(1)

    def finish(self, seconds: float = 600) -> str:
        """Wait for the end of a container that ends by itself; return what it printed."""
        code = self.process.wait(seconds)
        if code:
            raise CheckFailed(f"{self.name} ended with code {code}: {self.tail()}")
        return self.log.read_text(errors="replace")

    def stop(self) -> float:
        """Stop it as Docker does; return the seconds that it took."""
        stop = signal.Signals[str(self.image.config.get("StopSignal") or "SIGTERM")]
        began = time.monotonic()
        os.kill(self.first_process, stop)
        try:
            code = self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            raise CheckFailed(f"{self.name} runs {GRACE_S:.0f} s after {stop.name}") from None
        if code:
            raise CheckFailed(f"{self.name} ended with code {code} after {stop.name}")
        return time.monotonic() - began

    def kill(self) -> None:
        """Kill whatever of it still runs."""
        if self.process.poll() is None:
            with contextlib.suppress(CheckFailed, ProcessLookupError):
                os.kill(self.first_process, signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def tail(self) -> str:
        """Return the last lines that it printed, in one line."""
        return json.dumps(self.log.read_text(errors="replace").splitlines()[-15:])
