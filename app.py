"""The application, for `flask`."""

from songrec import create_app

app = create_app()
