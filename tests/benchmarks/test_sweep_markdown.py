"""The commands that write docs/evaluation.md's tables: a grid as Markdown, labels of the sounds."""

import csv

import numpy as np
import pytest

from benchmarks import sound_sweep, sweep_markdown
from songrec.core.feature_spec import FeatureSpec
from songrec.core.files import write_json
from songrec.services.sweeps import runner
from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.specification import SweepSpec
from songrec.store.catalogue import training_data
from songrec.store.tables import AudioFile, Tag, TrackTag
from tests.factories import make_track


@pytest.fixture
def grid(instance):
    spec = SweepSpec.from_mapping(
        {"representation": "identity", "seeds": "0-2", "features": "mfcc"}
    )
    grid = SweepFolder.begin(instance, "0123456789ab", spec, 5)
    for cell in spec.cells():
        row = {**runner.failed_row(cell, "no"), "state": "done", "reason": None, "clusters": 2}
        row["metrics"] = {
            "silhouette": 0.1 * cell.seed,
            "nmi_genre": 0.5,
            "nmi_genre_random": 0.25,
            "held_out_mse": 0.0 if cell.representation.name == "identity" else 0.5,
            "noise_share": 0.125,
            "label_leakage": 0.25,
            "label_leakage_vae": 0.75,
            "label_leakage_chance": 0.2,
        }
        if not (cell.baseline and cell.seed == 2):
            grid.write_row(cell, row, None)
    failed = next(cell for cell in spec.cells() if cell.baseline and cell.seed == 2)
    grid.write_row(failed, runner.failed_row(failed, "no memory"), None)
    write_json(grid.path / "agreement.json", {spec.cells()[0].key: 0.875})
    return grid


def test_a_grid_as_markdown(instance, grid, capsys):
    sweep_markdown.main([str(instance), grid.id, "--labels", "genre"])
    head, _, first, second, _, *rest = capsys.readouterr().out.splitlines()
    assert head.split(" | ")[0] == "| model + clustering"
    assert "information, genre" in head
    assert "Rand" not in head  # no combination has that figure
    assert first == (
        "| `pca` + `kmeans` (baseline) | 0.050 ± 0.071 | 0.500 ± 0.000 (0.25) | 0.88 "
        "| 0.500 ± 0.000 | 12% |"
    )
    assert second.startswith("| `identity` + `kmeans` | 0.100 ± 0.100 |")
    assert second.endswith("| – | – | 12% |")
    assert "0.250 ± 0.000; of a VAE that was not told it 0.750 ± 0.000; by chance 0.200" in rest[0]
    assert rest[-1] == "pca + kmeans on mfcc, seed 2, failed: no memory"


def write_list(path, rows):
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_excerpts_and_whole_tracks_of_a_recording_carry_the_same_label(tmp_path, session):
    song = {"artist": "A", "title": "T", "genre": "Folk"}
    write_list(
        tmp_path / "clips" / "clips.csv",
        [
            {"clip": "t_a.ogg", "track": "a-t", **song},
            {"clip": "t_b.ogg", "track": "a-t", **song},
        ],
    )
    write_list(
        tmp_path / "library" / "library.csv",
        [
            {"path": "x/t.mp3", **song},
            {"path": "x/u.mp3", "artist": "A", "title": "U", "genre": "Jazz"},
        ],
    )
    truth = sound_sweep.labels(tmp_path)
    assert [found["subgenre"] for found in truth.values()] == ["a-t", "a-t", "a-t", "x/u.mp3"]

    tracks = [make_track(session) for _ in truth]
    old = Tag(kind="genre", name="what the file says")
    session.add(old)
    session.flush()
    session.add(TrackTag(track_id=tracks[0].id, tag_id=old.id))
    for number, (path, track) in enumerate(zip(truth, tracks, strict=True)):
        session.add(
            AudioFile(
                public_id=str(number),
                track_id=track.id,
                root=str(tmp_path),
                path=str(path),
                size=1,
                modified_ns=1,
                state="analysed",
            )
        )
    assert sound_sweep.plant(session, truth) == {"subgenre": 4, "genre": 4}
    genres = training_data.read_tags(session, "genre", np.array([track.id for track in tracks]))
    assert [genres.names[tag] for tag in genres.tags] == ["folk", "folk", "folk", "jazz"]


def test_the_grid_on_sound_is_one_that_can_be_run():
    spec = SweepSpec.from_mapping(sound_sweep.grid("0-4", musicnn=True))
    cells = spec.cells()
    assert {str(cell.features) for cell in cells} == {
        *sound_sweep.VECTORS,
        sound_sweep.SPECTROGRAM_SET,
    }
    pictures = {
        c.representation.name for c in cells if str(c.features) == sound_sweep.SPECTROGRAM_SET
    }
    assert pictures == {"conv_vae"}
    fewer = SweepSpec.from_mapping(sound_sweep.grid("0", musicnn=False, quick=True))
    assert (fewer.quick, FeatureSpec(("musicnn",)) in fewer.features) == (True, False)
