"""songrec: recommends songs by how they sound, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from songrec.core.version import VERSION

if TYPE_CHECKING:
    from flask import Flask

__version__ = VERSION


def create_app(config: dict[str, Any] | None = None, *, commands: bool = True) -> Flask:
    """Build the application. Neither migrates, trains, prompts nor touches the network.

    ``config`` overrides what ``core.config.load`` reads from the environment; ``INSTANCE`` in it
    moves the instance folder. From here on the process creates files that only their owner may
    read. A web process needs no ``commands``, nor migrations, which are one of them: it starts
    sooner and takes less memory without.
    """
    from flask import Flask

    from songrec import web
    from songrec.core import config as settings
    from songrec.core import private_files
    from songrec.store.db import db, enable_migrations

    private_files.start_private()
    overrides = config or {}
    app = Flask(
        __name__,
        template_folder=str(settings.ROOT / "templates"),
        static_folder=str(settings.ROOT / "static"),
        instance_path=str(overrides.get("INSTANCE") or settings.instance_path()),
    )
    app.config.from_mapping(settings.load(overrides.get("INSTANCE")))
    app.config.from_mapping(overrides)
    db.init_app(app)
    web.init_app(app)
    if commands:
        from songrec import cli

        enable_migrations(app)
        cli.init_app(app)
    return app
