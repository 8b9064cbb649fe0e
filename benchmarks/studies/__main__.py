"""Repeat one study of the documents and print it as Markdown.

    python -m benchmarks.studies NAME --data DIR [--instance DIR] [--seed 0]

DIR holds what the study needs, under these names:

    catalogues/tidytuesday_spotify_songs.csv                  TidyTuesday 2020-01-21
    listening/                                                listening counts, HetRec 2011 Last.fm
    attributes/fma_librosa_means_with_echonest.csv            FMA's means with Echo Nest attributes
    audio/clips/ with clips.csv (clip, track, excerpt)        two excerpts, a and b, of each track
    audio/music/ with clips.csv                               the same of further tracks
    audio/library/                                            whole tracks

MusiCNN's weights are taken from the instance (``flask models fetch musicnn``); nothing is written
into it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

STUDIES = {
    "mixture": "what the mixture of feature sets is made of, a part at a time (evaluation.md)",
    "rivals": "bliss-audio and Musly on the same clips, and their speed (evaluation.md)",
    "similar": "what sounds like each of the clips, without a training (sound-library.md)",
    "estimates": "attributes from tags beside a predictor's (prediction.md)",
    "spread": "attributes from tags beside VibeNet's, before and after calibration (prediction.md)",
    "combiners": "stacking and plain means of base models (prediction.md)",
    "tempo_key": "half and double tempi, relative keys (evaluation.md)",
    "pictures": "what conv_vae knows of real sound (words.md)",
    "memory": "what a worker of flask analyze takes (embeddings.md)",
    "lengths": "lengths of sound files as stated, measured and decoded (sound-library.md)",
    "vade": "steps of VaDE's joint phase and the sizes of clusters (representations.md)",
    "priors": "what taste is made of, a part at a time (evaluation.md)",
    "tastes": "likes of two playlists at once (evaluation.md)",
    "lists": "what grows from a song or two: by the method, by the sound alone (evaluation.md)",
    "densities": "other densities for a taste, which were tried (evaluation.md)",
    "ranker": "the additive ranker by likes and towers' share, familiar to new (evaluation.md)",
    "decoding": "one decoding of an excerpt for several rates (benchmarks.md)",
    "dense_layer": "MusiCNN's dense layer beside the layers it reads (servers.md)",
    "maps": "how far each kind of map keeps neighbours (projections.md)",
    "unknown": "values that songs lack: cosine, distance and cluster (evaluation.md)",
    "collaborative": "item-kNN, ALS and BPR on the same playlists (evaluation.md)",
    "towers": "nearness learnt from playlists, with and without artists (evaluation.md)",
}


def module(name: str) -> ModuleType:
    """Return the module of a study."""
    return importlib.import_module(f"benchmarks.studies.{name}")


def main(argv: Sequence[str] | None = None) -> None:
    """Print a study."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="studies:\n" + "\n".join(f"  {name:10} {what}" for name, what in STUDIES.items()),
    )
    parser.add_argument("name", choices=STUDIES, metavar="NAME")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR")
    parser.add_argument("--instance", type=Path, metavar="DIR", help="whose weights are used")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    if args.instance is not None:
        os.environ["SONGREC_INSTANCE"] = str(args.instance.resolve())
    study = module(args.name)
    missing = [name for name in study.NEEDS if not (args.data / name).exists()]
    if missing:
        sys.exit(f"{args.data / missing[0]} is not there; --help says what --data holds.")
    print("\n".join(study.study(args.data, args.seed)))


if __name__ == "__main__":
    main()
