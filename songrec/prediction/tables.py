"""Tables of features and attributes: detection of feature and target columns.

Targets are known by their names (``TARGET_NAMES``). Columns that identify or describe a track
rather than sound (``NOT_FEATURES``, names ending in ``_id``, anything that is not a number) are
left aside; every other column of numbers is a feature. In FMA's tables the column ``feature``
only parts the two, and holds a row's name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import FeatureTable, Floats
from songrec.prediction.targets import PITCHES, TARGETS, tempo_bins

TARGET_NAMES = {
    "energy": "energy",
    "valence": "valence",
    "positiveness": "valence",
    "danceability": "danceability",
    "loudness": "loudness",
    "loudness (db)": "loudness",
    "acousticness": "acousticness",
    "instrumentalness": "instrumentalness",
    "liveness": "liveness",
    "speechiness": "speechiness",
    "key": "key",
    "mode": "mode",
    "tempo": "tempo_bin",
}

NOT_FEATURES = frozenset(
    {
        "",
        "id",
        "index",
        "row",
        "track",
        "title",
        "name",
        "artist",
        "artists",
        "album",
        "feature",
        "features",
        "set",
        "split",
        "subset",
        "fold",
        "year",
        "popularity",
        "explicit",
        "variance",
        "time_signature",
        "duration_ms",
        "duration",
        "tempo_bin",
        "genre",
        "label",
        "playlist",
    }
)

_FLATS = {"DB": "C#", "EB": "D#", "GB": "F#", "AB": "G#", "BB": "A#"}


def read(path: Path) -> tuple[FeatureTable, dict[str, Floats]]:
    """Read a CSV, CSV.gz or Parquet file into features and targets, NaN where unknown.

    Raises ``BadInput`` for a file that cannot be read, has no feature columns, no target, no
    rows, or a target outside its bounds.
    """
    frame = _frame(path)
    columns = {str(name).strip(): name for name in frame.columns}
    if not len(frame):
        raise BadInput(f"{path} has no rows.")
    targets: dict[str, Floats] = {}
    features: dict[str, Floats] = {}
    for shown, original in columns.items():
        lower, column = shown.lower(), frame[original]
        if lower in TARGET_NAMES:
            target = TARGET_NAMES[lower]
            values = _numbers(target, column)
            targets[target] = TARGETS[target].check(
                tempo_bins(values) if target == "tempo_bin" else values
            )
        elif _is_feature(lower, column):
            features[shown] = column.to_numpy(dtype=np.float32, na_value=np.nan)
    if not features:
        raise BadInput(f"{path} has no feature columns besides the attributes.")
    if not targets:
        raise BadInput(f"{path} has none of the attributes {', '.join(sorted(TARGET_NAMES))}.")
    matrix = np.column_stack(list(features.values()))
    table = FeatureTable(
        np.arange(len(frame)), tuple(features), matrix, FeatureSpec((f"table {path.name}",))
    )
    return table, targets


def _frame(path: Path) -> Any:
    import pandas as pd

    if not path.is_file():
        raise BadInput(f"File {path} does not exist.")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, low_memory=False)
    except (ValueError, OSError, EOFError) as error:
        # pandas' and pyarrow's parser errors are ValueErrors, as are those of text encoding.
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{path} cannot be read as CSV or Parquet: {reason}") from None


def _is_feature(lower: str, column: Any) -> bool:
    import pandas as pd

    described = lower in NOT_FEATURES or lower.endswith("_id") or lower.startswith("unnamed:")
    return not described and bool(pd.api.types.is_numeric_dtype(column.dtype))


def _numbers(target: str, column: Any) -> NDArray[np.float64]:
    """Convert a target's values to numbers: pitch and mode may be words, -1 is an unknown key."""
    import pandas as pd

    values = column
    if not pd.api.types.is_numeric_dtype(column.dtype):
        words = column.astype("string").str.strip().str.upper()
        if target == "mode":
            values = words.replace({"MINOR": "0", "MAJOR": "1"})
        elif target == "key":
            plain = words.str.replace("♯", "#").str.replace("♭", "B").replace(_FLATS)
            values = plain.replace({name: str(number) for number, name in enumerate(PITCHES)})
        else:
            values = words.str.removesuffix("DB").str.strip()
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if target in ("key", "mode"):
        numbers = np.where(numbers < 0, np.nan, numbers)
    return numbers
