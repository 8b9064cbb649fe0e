"""Examples of the documentation as modules of the packages that they are written for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def module_in(package: ModuleType, name: str, folder: Path, code: str) -> Iterator[None]:
    """Make ``code`` importable as the module ``name`` of ``package``; ``folder`` holds the file.

    A module of that name which the package has is hidden meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(code)
    full_name, path = f"{package.__name__}.{name}", package.__path__
    hidden = sys.modules.pop(full_name, None)
    vars(package).pop(name, None)
    package.__path__ = [str(folder), *path]
    try:
        yield
    finally:
        package.__path__ = path
        sys.modules.pop(full_name, None)
        vars(package).pop(name, None)
        if hidden is not None:
            sys.modules[full_name] = hidden
            setattr(package, name, hidden)
