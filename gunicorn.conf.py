"""How the web is served: a few processes with a few threads each, quiet, on one machine."""

from __future__ import annotations

import os
import signal as _signal
from typing import Any

# A plain name would be read as a setting.
from songrec.core import access_settings as _access
from songrec.core import config as _settings
from songrec.core import logs as _logs
from songrec.core import metrics_folder as _metrics_folder
from songrec.core import processes as _processes

# Looked at here, once: processes that fail one by one would be started again for ever.
with _settings.one_line():
    _settings.load()
    logconfig_dict = _logs.dict_config()
    _logs.configure()
    _settings.warn_of_removed_settings()
    _undecided = _access.undecided(exposed=_settings.exposed())
    bind = _settings.bind_address()
    workers = _settings.web_processes()
# Headers of proxies are read by the application, as SONGREC_PROXIES says.
forwarded_allow_ips = ""
# Threads get whole requests: clients that send or read slowly hold none.
worker_class = "songrec.web.serving.worker.BufferingWorker"
threads = 20
# Not preloaded: a process forked from one that has opened SQLite or drawn random numbers would
# share both, and `import wsgi` is quick.
preload_app = False
timeout = 120  # of the loop, which never waits
worker_connections = 1000
graceful_timeout = 3
keepalive = 5
accesslog = None
loglevel = logconfig_dict["root"]["level"]
# Heartbeats on a disk that is busy writing a training would look like a hung process.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
if _settings.metrics():
    with _settings.one_line():
        _metrics_folder.prepare(worker_tmp_dir)


def when_ready(server: Any) -> None:
    """Say what is undecided and where songrec is, last of all that is printed at the start."""
    for line in _undecided:
        _logs.announce(f"songrec: {line}")
    _logs.announce(f"\nsongrec is at {_settings.address()}  (Ctrl-C stops it)\n")


def post_fork(server: Any, worker: Any) -> None:
    """Let a web process die with the server, whose port a new one needs, and open many files."""
    _processes.end_with(server.pid, _signal.SIGTERM)
    _processes.allow_open_files(4 * worker_connections)


def post_worker_init(worker: Any) -> None:
    """Let the supervisor start the workers of jobs, which would have slowed this start down."""
    _processes.report_ready()


def child_exit(server: Any, worker: Any) -> None:
    """Forget what a web process measured of itself."""
    _metrics_folder.forget(worker.pid)


def on_exit(server: Any) -> None:
    """Remove the counters that the web processes shared."""
    _metrics_folder.remove()
