"""Build the image, run the services of compose.yaml, ask them, and stop them.

What is checked: the build with hashes; set-up on PostgreSQL; health checks; pages; a training that
is stopped with its worker and goes on; an analysis on the cluster; modes of files; clean ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import json
import math
import os
import re
import shutil
import socket
import stat
import struct
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

import images
from containers import Compose, Container, Host
from images import CheckFailed, Image

ROOT = Path(__file__).resolve().parents[2]
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
PAGES = (
    *("/", "/tracks", "/map", "/map/points", "/recommendations", "/mood", "/words", "/upload"),
    *("/api/v1/clusters", "/api/v1/tracks", "/static/css/theme.css"),
)
DATABASE = """
set -e
umask 077
data=/var/lib/postgresql/data
bin=$(echo /usr/lib/postgresql/*/bin)
echo "$POSTGRES_PASSWORD" >/tmp/password
$bin/initdb --auth scram-sha-256 --username songrec --pwfile /tmp/password --encoding UTF8 \\
    --locale C.UTF-8 $data
$bin/pg_ctl -D $data -w -o "-c listen_addresses=" start
PGPASSWORD=$POSTGRES_PASSWORD $bin/createdb -U songrec songrec
$bin/pg_ctl -D $data -w stop
exec $bin/postgres -D $data -c listen_addresses=127.0.0.1
"""
QUEUE = """
from songrec import create_app
from songrec.jobs.queue import enqueue
from songrec.store.db import db
with create_app().app_context():
    job = enqueue(db.session, "train", {parameters})
    db.session.commit()
    print("job", job.public_id)
"""
BACKUP = """
set -e
flask backup /var/tmp/songrec.tar.gz
python -c "import psycopg
with psycopg.connect('host=db user=songrec dbname=songrec', autocommit=True) as server:
    server.execute('CREATE DATABASE restored')"
export SONGREC_INSTANCE=/var/tmp/restored SONGREC_DATABASE_URL=postgresql+psycopg://songrec@db/restored
flask restore /var/tmp/songrec.tar.gz
flask runs
"""
WRITE = """
import sys
for folder in sys.argv[1:]:
    try:
        open(folder + "/probe", "w").close()
    except OSError:
        continue
    print("wrote", folder)
"""
STATE = """
from songrec import create_app
from songrec.store import jobs
from songrec.store.db import db
with create_app().app_context():
    job = jobs.find(db.session, "{job}")
    print("state", job.state, job.error or "")
"""


SET_UP = """
from sqlalchemy import select
from songrec import create_app
from songrec.store.db import db
from songrec.store.tables import Job
with create_app().app_context():
    job = db.session.scalars(select(Job).where(Job.kind == "setup")).one()
    print("state", job.state, job.error or "")
"""
SET_UP_SECONDS = 1800
"""Time to make, analyse and train the demo; two to three minutes on two free cores."""


def main() -> int:
    """Run the check; return the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="songrec-image-check-", dir="/var/tmp"))
    try:
        images.build_base()
        images.build_database()
        began = time.monotonic()
        image = images.build(ROOT)
        passed(f"built in {time.monotonic() - began:.0f} s; {image.size / 1e9:.2f} GB")
        enter_empty_network()
        host = Host(folder, Compose(ROOT / "compose.yaml", settings()))
        try:
            check_services(host, image)
        finally:
            host.close()
    except CheckFailed as problem:
        print(f"image-check: failed: {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    return 0


def settings() -> dict[str, str]:
    """Return what .env.example sets, with a password."""
    text = (ROOT / ".env.example").read_text()
    return {**dict(re.findall(r"^(\w+)=(.*)$", text, re.M)), "POSTGRES_PASSWORD": token_hex(24)}


def passed(what: str) -> None:
    """Print what is shown to be right."""
    print(f"image-check: {what}", flush=True)


def enter_empty_network() -> None:
    """Leave this machine's network for one in which there is only loopback."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise CheckFailed(f"no network of its own: {os.strerror(ctypes.get_errno())}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def check_services(host: Host, image: Image) -> None:
    """Start, ask and stop every service of the compose file."""
    database = Container(
        host,
        "db",
        Image(images.DATABASE, 0, {"Env": ["PATH=/usr/bin:/bin"], "Cmd": []}),
        command=["bash", "-c", DATABASE],
    )
    wait_for(lambda: answers(5432), "the database")
    setup = Container(host, "setup", image).finish()
    if "The admin's account" not in setup:
        raise CheckFailed(f"setup shows no admin's account: {setup}")
    passed("setup: the database is migrated, the demo is queued")
    if (
        "The admin's account"
        in Container(host, "setup", image, run_name="setup-again").finish()[len(setup) :]
    ):
        raise CheckFailed("a second setup makes an account")

    services = {name: Container(host, name, image) for name in ("web", "worker", "uploads")}
    for service in services.values():
        service.wait_until_healthy()
    passed("web, worker and uploads are healthy")
    check_first_minutes(host, image)
    check_pages()
    check_isolation(host, services)
    check_stopped_training(host, image, services)
    check_cluster(host, image)
    check_backup(host, image)
    check_modes(host)
    for service in services.values():
        passed(f"{service.name} ended with code 0 after {service.stop():.1f} s")
    database.kill()


def wait_for(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait until ``condition`` holds; raise ``CheckFailed`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CheckFailed(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.5)


def answers(port: int) -> bool:
    """Return whether a port of this network takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def get(path: str, host: str = "localhost:8000") -> tuple[int, str]:
    """Return the status and body of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def check_first_minutes(host: Host, image: Image) -> None:
    """Home answers while the worker sets the demo up; then a run is published."""
    began = time.monotonic()
    status, _ = get("/")
    if status != 200:
        raise CheckFailed(f"/ while the demo is set up: status {status}")
    wait_for(lambda: get("/ready")[0] == 200, "a published run", SET_UP_SECONDS)
    published = time.monotonic() - began
    unfinished = {"waiting", "running"}
    wait_for(lambda: state(host, image, SET_UP) not in unfinished, "the setup", SET_UP_SECONDS)
    if (found := state(host, image, SET_UP)) != "done":
        raise CheckFailed(f"the setup is {found}")
    passed(f"a run after {published:.0f} s, the whole demo after {time.monotonic() - began:.0f} s")


def check_pages() -> None:
    """The demo's pages answer, to the names of this machine only."""
    status, body = get("/ready")
    if status != 200:
        raise CheckFailed(f"/ready: {status} {body}")
    for page in PAGES:
        status, body = get(page)
        if status != 200:
            raise CheckFailed(f"{page}: status {status}")
    if get("/", host="attacker.example")[0] != 400:
        raise CheckFailed("another host name is answered to")
    passed(f"/ready and {len(PAGES)} pages of the demo answer")


def check_isolation(host: Host, services: dict[str, Container]) -> None:
    """Every container is process 1 of its own, without rights, on a root that is read-only."""
    for service in services.values():
        status = Path(f"/proc/{service.first_process}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        expected = {"NoNewPrivs": "1", "CapEff": "0" * 16, "CapBnd": "0" * 16}
        for name, value in expected.items():
            if fields[name].strip() != value:
                raise CheckFailed(f"{service.name}: {name} is {fields[name]}")
        if set(fields["Uid"].split()) != {"10001"} or fields["NSpid"].split()[-1] != "1":
            raise CheckFailed(f"{service.name}: user {fields['Uid']}, process {fields['NSpid']}")
    words = ["python", "-c", WRITE, "/", "/app", "/venv", "/music", "/etc"]
    written = Container(host, "worker", services["web"].image, command=words, run_name="probe")
    if "wrote" in written.finish():
        raise CheckFailed(f"the root is not read-only: {written.tail()}")
    passed("each is process 1 of its own, user 10001, no capabilities, read-only root and music")
    sizes = [f"{name} {service.memory() / 2**20:.0f} MiB" for name, service in services.items()]
    passed(f"memory after those pages: {', '.join(sizes)}")


def check_stopped_training(host: Host, image: Image, services: dict[str, Container]) -> None:
    """A training whose worker is stopped goes back to the queue and ends with the next worker."""
    parameters = '{"parameters": {"representation": {"epochs": 200}}}'
    words = ["python", "-c", QUEUE.replace("{parameters}", parameters)]
    queued = Container(host, "worker", image, command=words, run_name="queue").finish()
    job = queued.rsplit(None, 1)[-1]
    script = STATE.replace("{job}", job)
    wait_for(lambda: state(host, image, script) != "waiting", "the training starts")
    seconds = services["worker"].stop()
    found = state(host, image, script)
    if found != "waiting":
        raise CheckFailed(f"a training whose worker stopped is {found}, not waiting")
    services["worker"] = Container(host, "worker", image, run_name="worker-again")
    wait_for(lambda: state(host, image, script) in {"done", "failed"}, "the training ends", 600)
    if (found := state(host, image, script)) != "done":
        raise CheckFailed(f"the training that started again is {found}")
    passed(f"a training went back to the queue in {seconds:.1f} s and was done by the next worker")


def state(host: Host, image: Image, script: str) -> str:
    """Return the state of the job that ``script`` prints."""
    name = f"state-{token_hex(3)}"
    words = ["python", "-c", script]
    printed = Container(host, "worker", image, command=words, run_name=name).finish()
    return printed.rsplit("state ", 1)[-1].split()[0]


def check_cluster(host: Host, image: Image) -> None:
    """Audio in the folder of music is analysed by a dask worker."""
    folder = host.volume("music", host.root(image.name), "/music")
    for number in range(3):
        write_tone(folder / f"tone {number}.wav", 220.0 * (number + 1))
    scheduler = Container(host, "scheduler", image)
    scheduler.wait_until_healthy()
    worker = Container(host, "dask-worker", image)
    environment = {"SONGREC_DASK_SCHEDULER": "tcp://scheduler:8786"}
    words = ["flask", "analyze", "/music", "--json"]
    done = Container(
        host, "worker", image, command=words, environment=environment, run_name="analyze"
    ).finish()
    report = json.loads(done[done.index("{") :])
    if report.get("analysed") != 3:
        raise CheckFailed(f"the cluster analysed: {done}")
    times = ", ".join(f"{service.name} {service.stop():.1f} s" for service in (worker, scheduler))
    passed(f"a dask worker analysed 3 files; ended after SIGTERM: {times}")


def write_tone(path: Path, frequency: float, seconds: int = 5, rate: int = 22050) -> None:
    """Write a sine tone."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        samples = (math.sin(2 * math.pi * frequency * n / rate) for n in range(seconds * rate))
        file.writeframes(b"".join(struct.pack("<h", int(9000 * sample)) for sample in samples))


def check_backup(host: Host, image: Image) -> None:
    """A backup of database and instance is restored into new ones, with the image's pg_dump."""
    words = ["sh", "-c", BACKUP]
    printed = Container(host, "worker", image, command=words, run_name="backup").finish()
    if not re.search(r"^\* \d{8}-", printed, re.M):
        raise CheckFailed(f"the restored instance shows no published run: {printed}")
    passed("a backup was restored into another database and instance folder")


def check_modes(host: Host) -> None:
    """Nothing in the instance can be read by others."""
    folder = host.folder / "volumes" / "instance"
    open_to_others = [
        str(path.relative_to(folder))
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o007
    ]
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        raise CheckFailed(f"the instance folder is open to others: {open_to_others[:5]}")
    passed(f"the instance folder is private; open by their own mode: {len(open_to_others)} of it")


if __name__ == "__main__":
    sys.exit(main())
