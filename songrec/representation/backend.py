"""The one door to TensorFlow and Keras: quiet, and always the same backend."""

from __future__ import annotations

import os

# Read once, when the libraries load. 3: TensorFlow's C++ side speaks only of fatal errors; it
# otherwise greets every process without a GPU with a screenful on stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# oneDNN sums in an order that depends on the machine; without it a seed means the same elsewhere.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import tensorflow as tf

__all__ = ["keras", "tf"]
