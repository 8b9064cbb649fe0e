"""Linear algebra in the calling thread alone."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any

import numpy as np  # noqa: F401 - its BLAS must be loaded before the controller looks for it
from threadpoolctl import ThreadpoolController


def single_threaded_blas() -> AbstractContextManager[Any]:
    """Return a context in which products of matrices use no further threads.

    A BLAS hands large products to threads of its own. On a busy machine waiting for those takes
    many times as long as the arithmetic of a product with a vector, and the order of the sums
    depends on how many there are.
    """
    return _controller().limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
