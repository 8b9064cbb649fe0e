"""Fixtures of the tests of representations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def interpreted() -> Iterator[None]:
    """TensorFlow runs its functions as they are written: nothing to compile for a few steps."""
    from songrec.core.backend import tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
