"""Import TensorFlow and Keras from here: without their messages, and with one backend."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Read once, when the libraries load. 3: TensorFlow's C++ side logs only fatal errors.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# oneDNN sums in an order that depends on the machine; without it a seed means the same elsewhere.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

_STARTUP_MESSAGE = re.compile(
    rb"^(WARNING: All log messages before absl::|[IW]\d{4} \d\d:\d\d:\S+ +\d+ )"
)


@contextlib.contextmanager
def _without_startup_messages() -> Iterator[None]:
    """Drop TensorFlow's startup messages from stderr, and nothing else.

    They are written while the shared libraries load, before any log level applies. Other output is
    held back and written when the block ends, also when it raises.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            rest = b"".join(line for line in held if not _STARTUP_MESSAGE.match(line))
            if rest:
                os.write(2, rest)


with _without_startup_messages():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
