"""The application, for `flask`."""

from songrec import create_app
from songrec.core.config import one_line

with one_line():
    app = create_app()
