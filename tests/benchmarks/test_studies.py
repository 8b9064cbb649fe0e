"""The studies that the documents' figures come from, on made-up data."""

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.studies import (
    decoding,
    dense_layer,
    densities,
    estimates,
    lists,
    maps,
    memory,
    priors,
    ranker,
    tastes,
    tempo_key,
    towers,
    unknown,
    vade,
)
from benchmarks.studies import lengths as lengths_study
from benchmarks.studies import similar as similar_study
from benchmarks.studies.__main__ import STUDIES, main, module
from benchmarks.studies.instance import empty_instance
from benchmarks.studies.playlists import with_priors
from songrec.demo import clips
from songrec.prediction import from_tags
from songrec.recommend.taste.additive_model import AdditiveModel
from songrec.services.evaluation.playlist_continuation import EVALUATED_METHODS, search_for
from songrec.services.evaluation.playlist_tasks import continuation_tasks
from songrec.services.sweeps.specification import SweepSpec
from songrec.services.training import two_tower
from songrec.store.tables import Track
from tests.audio_files import sounds
from tests.playlist_file import write


@pytest.fixture
def tasks(tmp_path):
    return continuation_tasks(write(tmp_path / "lists.csv"), draws=1)


def cells(lines):
    """The rows of a Markdown table by their first cell."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {row[0]: row[1:] for row in rows[2:]}


def test_every_study_is_there_and_says_what_it_needs(tmp_path, capsys):
    for name in STUDIES:
        study = module(name)
        assert callable(study.study)
        assert isinstance(study.NEEDS, tuple)
    with pytest.raises(SystemExit, match=r"tidytuesday_spotify_songs\.csv is not there"):
        main(["priors", "--data", str(tmp_path)])
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in STUDIES)


def test_an_instance_for_a_study_is_gone_afterwards(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGREC_INSTANCE", str(tmp_path))
    (tmp_path / "models").mkdir()
    with empty_instance() as (session, folder):
        assert session.query(Track).count() == 0
        assert (folder / "models").resolve() == (tmp_path / "models").resolve()
    assert not folder.exists()
    assert (tmp_path / "models").is_dir()


def test_taste_is_taken_apart(tasks):
    found = cells(priors.measured(tasks))
    assert {"without year", "the catalogue's density counts 0.7"} <= set(found)
    precision = {name: float(row[0].split()[0]) for name, row in found.items() if "(" in row[0]}
    # Lists keep to their own years: the column is what most of the rest of them is found by.
    assert precision["`taste_content`"] > 0.8
    assert precision["without year"] < precision["`taste_content`"]
    # Lists keep to their own years, and the rest of the file to nobody's tempo.
    shares = [name for name in found if found[name][-1].endswith("%")]
    assert shares.index("year") < shares.index("tempo")


def test_lists_that_grow_from_songs_are_compared_with_the_sound_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "PAIRS", 4)
    found = cells(lists.measured(continuation_tasks(write(tmp_path / "l.csv"), likes=1, draws=1)))
    assert len(found) >= 4
    for by_sound, by_method, _ in found.values():
        assert 0 <= float(by_sound) <= 1
        assert 0 <= float(by_method) <= 1
    by_sound, by_method, _ = found["a song's page, first ten"]
    assert float(by_method) > float(by_sound)


def test_other_densities_are_asked_the_same(tasks):
    found = cells(densities.measured(tasks))
    assert len(found) == 9
    for name, (precision, *_) in found.items():
        assert float(precision.split()[0]) > 0.3, name


def test_columns_that_are_constant_in_every_playlist_leave_the_covariance_invertible(tasks):
    _, lists, space = next(with_priors(tasks, 0))
    lessons = densities.Lessons.of(space, lists)
    assert np.linalg.cond(lessons.within) < 1e4
    year = space.columns.index("year")
    assert lessons.within[year, year] == pytest.approx(densities.LEAST_VARIANCE)


def test_a_normal_ratio_is_the_textbook_one():
    points = np.random.default_rng(0).normal(size=(50, 2))

    class Liked:
        likes = np.arange(5)

    lessons = densities.Lessons(points, np.eye(2), np.eye(2))
    scores = densities.normal(lessons, 1e-9, Liked)
    mean, deviation = points[:5].mean(axis=0), points[:5].std(axis=0)

    def log(x, mean, deviation):
        return (-0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation)).sum(axis=1)

    expected = log(points, mean, deviation) - log(points, np.zeros(2), np.ones(2))
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_two_tastes_are_told_apart(tasks):
    lines = tastes.measured(tasks, pairs=4)
    parted = cells(lines[:5])
    assert parted["0"][1].endswith("of 20")
    counts = [int(parted[margin][1].split()[0]) for margin in ("0", "1", "3")]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 3
    rows = [line for line in lines if line.startswith("| `taste_content`")]
    _, best, turn = (float(row.split("|")[5].strip(" %\n")) for row in rows)
    assert turn >= best
    assert turn > 50


def test_nearness_by_sound_is_put_on_top_of_taste(tasks):
    bare = towers.by_sound(tasks.space)
    assert bare.artists is None
    assert "popularity" not in bare.value_names
    # All songs of the first list are near each other, all others far off.
    inside = np.isin(np.arange(len(tasks.space.track_ids)), tasks.playlists[0].rows)
    near = two_tower.Towers(np.where(inside[:, None], [1.0, 0.0], [-1.0, 0.0]), 10.0)
    for search in (towers.nearest(near), towers.on_top(near, 2.0)):
        (answer,) = tasks.answers(search, tasks.space, [0])
        assert answer.right[: answer.rest].all()
    (answer,) = tasks.answers(towers.on_top(near, 0.0), tasks.space, [0])
    assert not answer.right[: answer.rest].all()


def test_nearness_counts_a_share_of_the_towers_scale(tasks):
    inside = np.isin(np.arange(len(tasks.space.track_ids)), tasks.playlists[0].rows)
    near = two_tower.Towers(
        np.where(inside[:, None], [1.0, 0.0], [-1.0, 0.0]).astype(np.float32), 100.0
    )
    without = replace(tasks.space, ranker=AdditiveModel.linear({"content": 1.0}).to_json())
    search = search_for(EVALUATED_METHODS["additive_ranker"])
    right = {}
    for share in (0.0, 1.0):
        (answer,) = tasks.answers(search, ranker.at_share(without, near, share), [0])
        right[share] = answer.right[: answer.rest].all()
    assert right == {0.0: False, 1.0: True}
    names = {ranker.named(share) for share in ranker.SHARES}
    assert names >= {ranker.WITHOUT_TOWERS, ranker.RANKER}


def test_fewer_likes_are_some_of_the_same(tasks):
    fewer = ranker.with_likes(tasks, 3, seed=0)
    for few, many in zip(fewer.likes, tasks.likes, strict=True):
        assert len(few[0]) == 3
        assert np.isin(few[0], many[0]).all()
    assert fewer.folds == tasks.folds


def test_the_dense_layer_is_measured_beside_the_layers_it_reads(tmp_path, monkeypatch):
    """Excerpts have their track's direction by one layer, and the next track's by the other."""

    def planted(weights, path):
        number = int(path.stem[1:])
        wrong = (number + (path.stem[0] == "b")) % 3
        return {"mean_pool": np.eye(3)[number], "penultimate": np.eye(3)[wrong]}

    monkeypatch.setattr(dense_layer, "embeddings", planted)
    for name in ("clips", "music"):
        folder = tmp_path / "audio" / name
        folder.mkdir(parents=True)
        lines = ["clip,track,excerpt"]
        for one in ("a", "b"):
            for number in range(3):
                (folder / f"{one}{number}.wav").touch()
                lines.append(f"{one}{number}.wav,track {number},{one}")
        (folder / "clips.csv").write_text("\n".join(lines), encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in dense_layer.study(tmp_path)[2:] if line]
    top1 = [(row[1], row[2]) for row in rows]
    assert top1 == 2 * [("`musicnn`", "1.00"), ("dense layer", "0.00")]


def test_the_sizes_of_clusters_are_told_from_the_least_to_the_most():
    spec = SweepSpec.from_mapping(
        {
            "representation": [{"vade": dict(values)} for values in vade.SETTINGS.values()],
            "clustering": "vade",
        }
    )
    assert len({str(choice) for choice in spec.representation}) == 4
    measures = {"nmi_genre": 0.1, "ari_genre": 0.05, "reconstruction_mse": 0.07}
    runs = [
        {"sizes": dict(enumerate([50, 30, 20])), **measures},
        {"sizes": dict(enumerate([25] * 4)), **measures},
    ]
    assert vade.figures(runs) == (
        "25% to 50%",
        "20.0% to 25.0%",
        "6 to 7",
        "0.100",
        "0.050",
        "0.070",
    )


def test_agreement_of_estimates_is_by_rank():
    values = np.linspace(0, 1, 9).astype(np.float32)
    predicted = dict.fromkeys(from_tags.ATTRIBUTES, values)
    told = dict.fromkeys(from_tags.ATTRIBUTES, values**2) | {"energy": -values}
    unknown = dict.fromkeys(from_tags.ATTRIBUTES, np.full(9, np.nan, dtype=np.float32))
    energy, *others = estimates.agreement(predicted, told)
    assert (energy, set(others)) == (-1.0, {1.0})
    nothing = estimates.agreement(predicted, unknown)
    assert estimates.shown([("a", *others), ("b", *nothing)]) == [
        ("a", *["1.00"] * 5),
        ("b", *["–"] * 6),
    ]


def test_memory_is_read_from_what_linux_says():
    status = "Name:\tx\nVmHWM:\t  2048 kB\nRssAnon:\t1024 kB\nRssFile:\t 512 kB\n"
    assert memory.figures(status) == {"VmHWM": 2, "RssFile": 0, "RssAnon": 1}


def test_a_clip_finds_its_other_excerpt(tmp_path, monkeypatch):
    from scipy.io import wavfile

    folder = tmp_path / "audio" / "clips"
    folder.mkdir(parents=True)
    plan = clips.plan()
    lines = ["clip,track,excerpt"]
    for track, number in enumerate((0, 25, 50)):
        sound = clips.render(plan[number])
        for excerpt, part in zip("ab", np.array_split(sound, 2), strict=True):
            name = f"{track}{excerpt}.wav"
            wavfile.write(folder / name, clips.RATE, part[: 2 * clips.RATE])
            lines.append(f"{name},{track},{excerpt}")
    (folder / "clips.csv").write_text("\n".join(lines))
    monkeypatch.setenv("SONGREC_INSTANCE", str(tmp_path / "none"))
    found = cells(similar_study.study(tmp_path))
    assert set(found) == {"`mfcc`", "`statistical`", "`timbre`", "`chroma`", "`sound`"}
    for first, within in found.values():
        assert re.fullmatch(r"\d of 6", first)
        assert within == "6"


def test_lengths_are_compared_file_by_file(tmp_path):
    folder = tmp_path / "audio" / "some"
    sounds.write_wav(folder / "whole.wav", sounds.tone(2.0))
    path = sounds.write(folder / "cut.flac", sounds.tone(9.0), 22_050, "flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (folder / "words.txt").write_text("no sound")
    lines = lengths_study.study(tmp_path)
    assert any(line.startswith("| some/whole.wav | 2.000 | 2.000 | 2.000 |  |") for line in lines)
    (cut,) = (line for line in lines if "cut.flac" in line)
    assert "9.000" in cut
    assert "states another length" in cut
    assert lines[-1] == "2 files, 0 measured wrongly by more than 50 ms."


def test_tempi_and_keys_are_named_by_their_relation():
    relation = tempo_key.tempo_relation
    assert [relation(120.0, bpm) for bpm in (123.0, 61.0, 239.0, 40.0, 358.0, 90.0)] == [
        *tempo_key.FACTORS,
        "other",
    ]
    c_major, a_minor = (0, 1), (9, 0)
    related = ((0, 1), (7, 1), (5, 1), (9, 0), (0, 0), (3, 0))
    assert [tempo_key.key_relation(c_major, key) for key in related] == [*tempo_key.KEYS, "other"]
    assert tempo_key.key_relation(a_minor, c_major) == "relative"


def test_tempi_and_keys_are_scored_as_mir_eval_does():
    pytest.importorskip("mir_eval", reason="a development requirement: requirements/dev.txt")
    truth = {"tempo": 100.0, "key": 0.0, "mode": 1.0}
    found = [truth, {"tempo": 107.0, "key": 9.0, "mode": 0.0}, dict.fromkeys(truth)]
    pairs = [(truth, one) for one in found]
    assert tempo_key._tempo_cells(pairs)[:3] == ["2 of 3", "1.000", "50%"]
    assert tempo_key._key_cells(pairs)[:3] == ["2 of 3", "0.650", "50%"]


def test_songs_that_lack_values_are_recommended_as_often_as_others(tasks):
    lines = [line for line in unknown.measured(tasks) if "|" in line]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = {(row[0], row[1]): row[2:] for row in found[2:]}
    assert len(rows) == len(unknown.METHODS) * len(unknown.CHANCES)
    for name in unknown.METHODS:
        as_mean, known, lacking, *shares = rows[f"`{name}`", "0"]
        assert as_mean == known
        assert [lacking, *shares] == ["0%", "0%", "0%"]
    # The mean is nearer to everything than a song is.
    _, _, lacking, as_mean, now = rows["`distance`", "0.3"]
    shares = [int(share.rstrip("%")) for share in (now, lacking, as_mean)]
    assert shares == sorted(shares)


def test_values_are_taken_away_alike_as_means_and_as_unknown(tasks):
    found = dict(unknown.without_values(tasks.space, 0.3, seed=0))
    np.testing.assert_array_equal(found["mean"].matrix, found["unknown"].matrix)
    assert not unknown.lacks(found["mean"]).any()
    lacking = unknown.lacks(found["unknown"])
    expected = 0.5 * (1 - 0.7 ** len(tasks.space.columns))
    assert lacking.mean() == pytest.approx(expected, abs=0.06)
    # What is unknown lies at 0, what is not keeps its place.
    changed = found["unknown"].matrix != tasks.space.matrix
    assert (found["unknown"].matrix[changed] == 0).all()
    assert not changed[~lacking].any()


def test_a_flat_latent_loses_no_neighbour_on_its_map():
    rng = np.random.default_rng(0)
    flat = np.zeros((400, 6), dtype=np.float32)
    flat[:, :2] = rng.normal(size=(400, 2))
    found = cells(maps.measured(flat, maps=("pca",)))
    assert found["`pca`"][0] == "1.000"
    round_one = rng.normal(size=(400, 6)).astype(np.float32)
    found = cells(maps.measured(round_one, maps=("pca",)))
    assert 0.5 < float(found["`pca`"][0]) < 0.95


def test_an_excerpt_is_decoded_once_or_twice_to_the_same_samples(tmp_path):
    path = sounds.write_wav(tmp_path / "a.wav", sounds.chords(2, seed=0))
    for one, other in zip(decoding.at_once(path), decoding.separately(path), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = cells(decoding.measured([path]))
    assert {name: row[0] for name, row in rows.items()} == {
        "once for both rates": "1",
        "once for each rate": "1",
    }
