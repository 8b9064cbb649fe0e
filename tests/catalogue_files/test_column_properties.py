"""Recognition of columns, whatever they are called, hold and in whatever order they come."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.catalogue_files.column_recognition import recognise_columns
from songrec.catalogue_files.json_tables import JsonTable

CELLS = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.lists(st.text(max_size=5), max_size=3),
    st.from_regex(r"spotify:(track|artist|album):[0-9A-Za-z]{22}", fullmatch=True),
    st.from_regex(r"[0-9A-Za-z]{22}", fullmatch=True),
    st.from_regex(r"\d{4}-\d\d-\d\d", fullmatch=True),
)
NAMES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ("title", "Track Name", "artist(s)", "ID", "uri", "energy", "año", "曲名", "%")
    ),
)
SPELLINGS = {
    "title": ("Track Name", "song_title", "TrackTitle", "Titel", "titre", "Song"),
    "artists": ("Artist Name(s)", "artist_names", "trackArtist", "Interpret", "Performer"),
    "external_id": ("Track URI", "spotify_id", "Spotify Track Id", "id", "uri", "whatever"),
    "album": ("Album Name", "album_title", "Release Name"),
    "tempo": ("BPM", "Tempo", "Beats.Per.Minute"),
    "energy": ("Energy", "energy_%", "ENERGY"),
    "": ("artist_count", "Album URI", "Added At", "track_number", "Similar Artist 1", "notes"),
}
WORDS = ("Noon", "Dusk", "Iron Gate", "Blue Harbour", "River Song", "Seven Lamps", "Old Mill")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_column_is_accounted_for_once(data):
    header = data.draw(st.lists(NAMES, max_size=8))
    width = len(header)
    rows = data.draw(st.lists(st.lists(CELLS, max_size=width + 1), max_size=6))
    mapping = recognise_columns(header, rows)
    columns = [*mapping.mapped, *mapping.passed_over]
    assert sorted(column.at for column in columns) == list(range(width))
    assert len({column.field for column in mapping.mapped}) == len(mapping.mapped)
    # A report can be stored, whatever bytes the file had.
    json.dumps(mapping.to_json(), allow_nan=False).encode()


@given(st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_a_catalogue_in_any_spelling_and_order_is_recognised(seed: int):
    rng = random.Random(seed)
    letters = "0123456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
    make = {
        "title": lambda: f"{rng.choice(WORDS)} {rng.randint(1, 99)}",
        "artists": lambda: rng.choice(("Ada Fenwick", "Bo Lund", "Cleo; Dan")),
        "external_id": lambda: "spotify:track:" + "".join(rng.choices(letters, k=22)),
        "album": lambda: rng.choice(("Days", "Nights")),
        "tempo": lambda: rng.randint(60, 180),
        "energy": lambda: round(rng.random(), 3),
    }
    other = {
        "artist_count": lambda: rng.randint(1, 3),
        "Album URI": lambda: "spotify:album:" + "".join(rng.choices(letters, k=22)),
        "Added At": lambda: "2024-01-01T00:00:00Z",
        "track_number": lambda: rng.randint(1, 12),
        "Similar Artist 1": lambda: rng.choice(("Eve", "Fay")),
        "notes": lambda: rng.choice(("good", "loud", "")),
    }
    columns = [(field, rng.choice(SPELLINGS[field]), make[field]) for field in make]
    columns += [("", name, other[name]) for name in rng.sample(SPELLINGS[""], 3)]
    rng.shuffle(columns)
    rows = [[cell() for _, _, cell in columns] for _ in range(20)]
    mapping = recognise_columns([name for _, name, _ in columns], rows)
    expected = {field: at for at, (field, _, _) in enumerate(columns) if field}
    assert mapping.places == expected
    assert mapping.warnings == ()


@given(
    st.lists(
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_records_that_go_in_come_out(records, lines):
    content = "\n".join(map(json.dumps, records)) if lines else json.dumps(records, indent=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "songs.json")
        path.write_text(content, encoding="utf-8")
        table = JsonTable(str(path), lambda: path.open("rb"), path.stat().st_size, zipped=False)
        (batch,) = table.batches()
    assert batch.rejects == []
    for row, record in zip(batch.rows, records, strict=True):
        cells = {
            name: cell for name, cell in zip(table.header, row, strict=True) if cell is not None
        }
        known = {name.strip(): value for name, value in record.items() if value is not None}
        assert cells == known
