"""gunicorn with two processes on IPv6, below a path: one JSON line per request, shared counters."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.test_supervised_server import wait_for

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "/music"
STATIC = f"{PREFIX}/static/css/theme.css"


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    host: str
    port: int
    output: Path
    temporary: Path

    def get(self, address: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            answer.text = answer.read().decode()  # type: ignore[attr-defined]
            return answer
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.get(STATIC).status == 200
        except OSError:
            return False

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def count(self, route: str) -> float:
        """Answered requests of a route, by what /metrics says."""
        families = text_string_to_metric_families(self.get("/metrics").text)  # type: ignore[attr-defined]
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "songrec_http_requests_total" and sample.labels["route"] == route
        )

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


@pytest.fixture
def server(instance: Path, tmp_path: Path) -> Iterator[Server]:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            host, port = probe.getsockname()[:2]
    except OSError:
        pytest.skip("no IPv6 on this machine")
    output = tmp_path / "output"
    settings = {
        "SONGREC_INSTANCE": str(instance),
        "SONGREC_HOST": "[::1]",
        "PORT": str(port),
        "SONGREC_PREFIX": PREFIX,
        "SONGREC_LOG_REQUESTS": "1",
        "SONGREC_LOG_FORMAT": "json",
        "SONGREC_METRICS": "1",
        "WEB_CONCURRENCY": "2",
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    made = Server(process, host, port, output, Path("/dev/shm"))
    try:
        wait_for(made.answers)
        yield made
    finally:
        process.terminate()
        process.wait(20)


def test_logs_metrics_prefix_and_ipv6_of_a_real_server(server: Server) -> None:
    # Addresses: printed with brackets and prefix, answered to by name and number.
    (announced,) = [line for line in server.lines() if line["logger"] == "songrec"]
    assert f"http://[::1]:{server.port}{PREFIX} " in announced["message"]
    for host in (f"[::1]:{server.port}", f"[0:0:0:0:0:0:0:1]:{server.port}", "localhost"):
        assert server.get(f"{PREFIX}/sign-in", Host=host).status == 200
    assert server.get(f"{PREFIX}/sign-in", Host="[::2]").status == 400
    assert server.get("/sign-in").status == 404
    location = server.get(f"{PREFIX}/account").headers["Location"]
    assert location == f"{PREFIX}/sign-in?next={PREFIX}/account"

    # Headers that only a believed proxy may send.
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil", "Script_Name": "/evil"}
    answer = server.get(f"{PREFIX}/sign-in", **forged)
    assert answer.status == 200
    assert "evil" not in answer.text  # type: ignore[attr-defined]

    # One line for each request, with the id of its answer.
    def lines_of_answer() -> list[dict[str, Any]]:
        lines = [line for line in server.lines() if line["logger"] == "songrec.requests"]
        return [one for one in lines if one["request_id"] == answer.headers["X-Request-ID"]]

    wait_for(lines_of_answer)  # written after the answer
    (line,) = lines_of_answer()
    assert (line["method"], line["status"]) == ("GET", 200)
    assert (line["path"], line["route"]) == (f"{PREFIX}/sign-in", "/sign-in")
    assert line["bytes"] == int(answer.headers["Content-Length"])

    # Both processes count together, and what a killed one counted stays.
    # A request is counted once its answer is sent, so each number is waited for.
    wait_for(lambda: server.count("/static/<path:filename>") == 1)  # that of `answers`
    for _ in range(10):
        server.get(STATIC)
    wait_for(lambda: server.count("/static/<path:filename>") == 11)
    one, _other = server.children()
    os.kill(one, signal.SIGKILL)
    wait_for(lambda: one not in server.children() and len(server.children()) == 2)
    wait_for(lambda: server.count("/static/<path:filename>") == 11)

    shared = list(server.temporary.glob(f"songrec-metrics-{server.process.pid}-*"))
    assert len(shared) == 1
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert not shared[0].exists()
