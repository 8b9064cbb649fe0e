"""How far values that should be the same differ where they were computed in single precision."""

from __future__ import annotations

import numpy as np

ROUNDING = 8 * float(np.finfo(np.float32).eps)
"""As a share of the largest of them. What differs by less is constant: the mean of a network's
silent unit over three windows is not the mean over ten, in its last digits, and divided by the
deviation of those digits it would tell how long a sound is and weigh as much as any other column.
"""
