"""The two sizes that every story of a person is told at."""

from __future__ import annotations

import pytest

SIZES = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}

both_sizes = pytest.mark.parametrize("viewport", list(SIZES), indirect=True)
"""Run a test at both sizes; without it ``page`` is a desktop's."""
