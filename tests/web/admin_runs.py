"""A run as the admin pages see it: its row, and the two files that they read."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.files import write_json
from songrec.store.runs import run_folders
from songrec.store.tables import Run

METRICS = {"silhouette": 0.25, "loss": 0.12, "val_loss": 0.13}


def a_run(
    app: Flask, session: Session, public_id: str, *, with_files: bool = True, **manifest: Any
) -> Run:
    """A run of 3,000 tracks, committed; its folder unless ``with_files`` is false."""
    run = Run(
        public_id=public_id,
        feature_set="attributes",
        representation="autoencoder",
        clustering="kmeans",
        projection="pca",
        seed=0,
        track_count=3000,
        cluster_count=10,
        data_fingerprint="",
        metrics=METRICS,
        seconds={"read": 0.2, "total": 2.5},
        parameters={"representation": {"epochs": 20, "hidden": [12]}},
    )
    session.add(run)
    session.commit()
    if with_files:
        folder = run_folders.run_folder(app.config["INSTANCE"], public_id)
        folder.mkdir(parents=True)
        write_json(folder / "manifest.json", {"notes": ["variance was left out"], **manifest})
        epochs = [{"epoch": n, "loss": 1 / n, "val_loss": 1.1 / n} for n in range(1, 21)]
        write_json(folder / "history.json", epochs)
    return run
