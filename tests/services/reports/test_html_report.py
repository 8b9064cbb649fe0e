"""A run's report: one file that asks for nothing, with what the run is and what it does."""

import re
import struct
import wave
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from songrec.core.errors import BadInput, NotReady
from songrec.core.files import write_json
from songrec.core.types import FeatureTable
from songrec.projection import PROJECTIONS
from songrec.services.reports import html_report, model_examples, plots
from songrec.services.reports.model_examples import ModelExamples, Reconstruction
from songrec.services.training.request import TrainRequest
from songrec.services.training.run_metrics import loss_curves
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import run_folders
from songrec.store.tables import Track
from tests.services.training.test_train import plant

HISTORY = [
    {"epoch": n, "loss": 3.0 / n, "val_loss": 4.0 / n, "kl": 0.1 * n, "reconstruction": 2.0 / n}
    for n in range(1, 6)
]


@pytest.fixture
def run(session, instance):
    plant(session, per_genre=16)
    title = "<script>alert(1)</script>"
    for track in session.query(Track):
        track.title = title
    request = TrainRequest(representation="pca", parameters={"clustering": {"n_clusters": 3}})
    run = train(Instance(instance, session), request)
    session.commit()
    return run


@pytest.fixture
def only_pca(monkeypatch):
    """The other projections take seconds to compile; each has tests of its own."""
    entries = {name: entry for name, entry in PROJECTIONS._entries.items() if name == "pca"}
    monkeypatch.setattr(PROJECTIONS, "_entries", entries)


def test_the_report_is_one_file_without_requests_or_scripts(session, instance, run, only_pca):
    write_json(run_folders.run_folder(instance, run.public_id) / "history.json", HISTORY)
    report = html_report.make_report(Instance(instance, session), run)
    addresses = re.findall(r'(?:src|href|action|data)="([^"]*)"', report.html)
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"<script|<link|@import|url\(", report.html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in report.html
    for shown in (run.public_id, "Silhouette", "acoustic folk", "η²", "before and after"):
        assert shown in report.html
    assert "Sound is report from" not in report.html  # no spectrogram, no sound
    names = {"losses", "map_pca", "example_1", "example_2", "example_3"}
    assert {name.partition(".")[0] for name in report.files} == names
    for name in names:
        assert report.files[f"{name}.png"].startswith(b"\x89PNG")
        assert b"<svg" in report.files[f"{name}.svg"]


def test_the_same_report_twice_is_the_same_pictures(session, instance, run, only_pca):
    first, second = (
        html_report.make_report(Instance(instance, session), run).files for _ in range(2)
    )
    assert first == second


def test_what_has_gone_since_is_said_and_the_rest_shown(session, instance, run, only_pca):
    for track in session.query(Track):
        session.delete(track)
    session.commit()
    report = html_report.make_report(Instance(instance, session), run)
    assert "Examples are left out" in report.html
    assert "map_pca.png" in report.files


def test_a_run_without_files_has_no_report(session, instance, run):
    (run_folders.run_folder(instance, run.public_id) / "manifest.json").unlink()
    with pytest.raises(NotReady, match="train again"):
        html_report.make_report(Instance(instance, session), run)


def test_the_commands_write_report_and_clusters(
    app, session, instance, run, only_pca, tmp_path, monkeypatch
):
    runner = app.test_cli_runner()
    out, folder = tmp_path / "report.html", tmp_path / "pictures"
    said = runner.invoke(
        args=["report", run.public_id, "--out", str(out), "--pictures", str(folder)]
    )
    assert said.exit_code == 0, said.output
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (folder / "map_pca.svg").is_file()
    missing = runner.invoke(args=["report", "nothing"])
    assert (missing.exit_code, missing.output.count("\n")) == (1, 1)

    said = runner.invoke(args=["export", "clusters", "--run", run.public_id, "--out", "-"])
    assert said.exit_code == 0, said.output
    header, *rows = said.output.splitlines()
    assert header == "track_id,title,artists,cluster,cluster_name,confidence,x,y"
    assert len(rows) == run.track_count
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(args=["export", "clusters"]).exit_code == 0
    assert (tmp_path / "audio_clustering_results_kmeans.csv").is_file()


def test_the_example_of_a_cluster_is_the_track_nearest_its_middle():
    table = FeatureTable(np.arange(6), ("x",), np.zeros((6, 1), dtype=np.float32))
    latent = np.array([[0], [1], [2], [10], [11], [5]], dtype=np.float32)
    labels = np.array([0, 0, 0, 1, 1, -1])
    examples = ModelExamples(None, table, np.arange(6), latent, labels, {})
    assert model_examples.typical_rows(examples).tolist() == [1, 3]


def test_a_walk_moves_one_dimension_and_leaves_the_others_at_their_median():
    class Decoder:
        def decode(self, latent):
            return latent * 2

    random = np.random.default_rng(0)
    latent = np.column_stack([random.normal(size=200), 5 * random.normal(size=200), np.ones(200)])
    latent = latent.astype(np.float32)
    table = FeatureTable(np.arange(200), ("a", "b", "c"), np.zeros((200, 3), dtype=np.float32))
    examples = ModelExamples(Decoder(), table, np.arange(200), latent, np.zeros(200, dtype=int), {})
    wide, narrow = model_examples.latent_walks(examples)  # the third dimension is the same for all
    assert (wide.dimension, narrow.dimension) == (1, 0)
    np.testing.assert_allclose(wide.places[[0, -1]], np.quantile(latent[:, 1], [0.05, 0.95]), 1e-5)
    np.testing.assert_allclose(wide.decoded[:, 1], 2 * wide.places)
    np.testing.assert_allclose(wide.decoded[:, 0], 2 * np.median(latent[:, 0]), rtol=1e-5)
    assert model_examples.latent_walks(replace(examples, model=object())) == []


def test_a_tone_comes_back_from_its_spectrogram():
    from songrec.core.types import Audio
    from songrec.features.audio.melspectrogram import MelSpectrogram

    rate = 22_050
    tone = 0.5 * np.sin(2 * np.pi * 880.0 * np.arange(rate) / rate).astype(np.float32)
    decibels = MelSpectrogram().extract(Audio(tone, rate, 0.0, 1.0))
    heard = model_examples.to_audio(decibels)
    assert np.abs(heard).max() == pytest.approx(0.891, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.fft.rfftfreq(len(heard), 1 / rate)[spectrum.argmax()] == pytest.approx(880, rel=0.03)
    with wave.open(BytesIO(model_examples.to_wav(heard))) as file:
        assert (file.getframerate(), file.getnchannels()) == (rate, 1)
        first = struct.unpack("<h", file.readframes(1))[0]
        assert first == pytest.approx(heard[0] * 32767, abs=1)
    with pytest.raises(BadInput, match="bands and frames"):
        model_examples.to_audio(np.zeros(5, dtype=np.float32))


def test_a_spectrogram_before_and_after_is_two_pictures():
    random = np.random.default_rng(0)
    before, after = (random.normal(-40, 5, (16, 30)).astype(np.float32) for _ in range(2))
    one = Reconstruction(1, before, after)
    assert one.is_spectrogram
    drawn = plots.save(plots.reconstruction(one, (), "A song"), "svg").decode()
    assert drawn.count("<image") == 2


def test_parts_of_a_loss_go_with_what_they_are_on_held_out_tracks():
    parts = dict(loss_curves([*HISTORY, {"epoch": 6, "loss": float("nan"), "phase": "last"}]))
    assert list(parts) == ["loss", "kl", "reconstruction"]
    assert [label for label, _ in parts["loss"]] == ["training", "held out"]
    assert [label for label, _ in parts["kl"]] == ["training"]
    assert parts["kl"][0][1][0] == (1.0, 0.1)
    assert loss_curves(HISTORY[:1]) == []
    assert plots.losses([]) is None


def test_songs_made_up_of_a_label_are_like_those_that_have_it(session, instance, only_pca):
    plant(session, per_genre=40)
    settings = {"epochs": 60, "batch_size": 16, "latent": 2, "hidden": (16,), "beta": 0.1}
    asked = TrainRequest(
        representation="cvae",
        projection="pca",
        parameters={"representation": settings, "clustering": {"n_clusters": 3}},
    )
    report = html_report.make_report(
        Instance(instance, session), run := train(Instance(instance, session), asked)
    )
    assert "generated samples per label" in report.html
    assert "made_up.svg" in report.files
    found = model_examples.generated_tracks(model_examples.load(Instance(instance, session), run))
    assert [one.tracks for one in found] == [40, 35, 30]
    for one in found:
        away = [np.linalg.norm(one.generated_mean - other.mean) for other in found]
        assert found[int(np.argmin(away))].label == one.label
