from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from songrec.core.errors import BadInput
from songrec.prediction import tables

HEADER = "track_id,genre_title,energy,valence,key,mode,tempo,feature,mfcc,mfcc.1,note\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_features_and_attributes_are_told_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        HEADER + "7,Rock,0.5,0.25,D♭,Major,120,99,1.5,,x\n8,Pop,,0.75,-1,minor,,98,2.5,4,y\n",
    )
    table, targets = tables.read(path)
    assert table.names == ("mfcc", "mfcc.1")
    np.testing.assert_array_equal(table.values, np.array([[1.5, np.nan], [2.5, 4]], np.float32))
    result = {name: values.tolist() for name, values in targets.items()}
    assert result["valence"] == [0.25, 0.75]
    assert result["mode"] == [1, 0]
    assert result["key"][0] == 1
    assert np.isnan(result["key"][1])
    assert result["tempo_bin"][0] == 3
    assert np.isnan(result["tempo_bin"][1])
    assert np.isnan(result["energy"][1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be read as CSV"),
        (HEADER, "has no rows"),
        ("energy,genre_id\n0.5,3\n", "no feature columns"),
        ("mfcc,title\n0.5,x\n", "none of the attributes"),
        ("mfcc,energy\n0.5,50\n", "energy must be a number from 0 to 1"),
        ("mfcc,key\n0.5,12\n", "key must be a whole number from 0 to 11"),
        ("mfcc,mode\n0.5,0.5\n", "mode must be a whole number"),
        ('a,b\n1,2\n3,"4', "cannot be read as CSV"),
    ],
)
def test_files_that_cannot_serve_say_why(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        tables.read(write(tmp_path / "a.csv", text))


def test_a_missing_file_and_a_false_parquet_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        tables.read(tmp_path / "absent.csv")
    with pytest.raises(BadInput, match="cannot be read"):
        tables.read(write(tmp_path / "a.parquet", "no parquet"))


def test_tempo_bins_begin_at_their_edges() -> None:
    result = tables.tempo_bins(np.array([0, 40, 70, 89.9, 90, 149, 150, 300, np.nan]))
    np.testing.assert_array_equal(result, [np.nan, 0, 1, 1, 2, 4, 5, 5, np.nan])
