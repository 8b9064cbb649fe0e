"""The application, for a WSGI server."""

import os

from songrec import create_app
from songrec.core.config import one_line

# A server does without commands and Alembic; `flask`, which looks here first, has them.
with one_line():
    app = create_app(commands=os.environ.get("FLASK_RUN_FROM_CLI") == "true")
