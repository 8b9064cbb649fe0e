"""The silence between two songs of an album, as a browser plays them.

``python -m benchmarks.gap`` serves an album of sines and lets Chromium play it, twice. Once both
audio elements of the player are recorded, each in a channel of its own: a change is measured in
samples from the last audible one of a song to the first audible one of the next. Once the elements
play to the system, whose output may take longer to start, and a change is measured by their clocks.
Negative where two songs overlap.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import wave
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.pages import build, served

CHROMIUM = "/usr/bin/chromium"
ROWS = 200
SECONDS = 4.0
RATE = 44_100
HERTZ = 440.0
AUDIBLE = 0.001
SILENCE_S = 0.5
"""Silence within a song that does not end it."""

RECORDER = """
registerProcessor("edges", class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.open = [null, null];
  }
  process([input]) {
    for (const [channel, samples] of input.entries()) {
      for (const [index, sample] of samples.entries()) {
        if (Math.abs(sample) < AUDIBLE) continue;
        this.open[channel] ??= { begun: currentFrame + index };
        this.open[channel].ended = currentFrame + index;
      }
      const song = this.open[channel];
      if (song && currentFrame - song.ended > SILENCE_S * sampleRate) {
        this.port.postMessage({ begun: song.begun / sampleRate, ended: song.ended / sampleRate });
        this.open[channel] = null;
      }
    }
    return true;
  }
});
"""
RECORD = """async ([tracks, code]) => {
  window.songs = [];
  const context = new AudioContext();
  const module = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  await context.audioWorklet.addModule(module);
  const both = { channelCount: 2, channelCountMode: "explicit" };
  const recorder = new AudioWorkletNode(context, "edges", both);
  const channels = context.createChannelMerger(2);
  for (const [index, element] of document.querySelectorAll("[data-player] audio").entries()) {
    context.createMediaElementSource(element).connect(channels, 0, index);
  }
  channels.connect(recorder).connect(context.destination);
  recorder.port.onmessage = ({ data }) => window.songs.push(data);
  document.dispatchEvent(new CustomEvent("songrec:play", { detail: { tracks } }));
}"""


WATCH = """([tracks]) => {
  window.samples = [];
  const elements = [...document.querySelectorAll("[data-player] audio")];
  setInterval(() => {
    for (const [element, audio] of elements.entries()) {
      if (audio.paused || audio.currentTime < 0.5) continue;
      const begun = performance.now() / 1000 - audio.currentTime;
      window.samples.push({ song: `${element} ${audio.src}`, begun });
    }
  }, 50);
  document.dispatchEvent(new CustomEvent("songrec:play", { detail: { tracks } }));
}"""


def measure(changes: int) -> dict[str, Any]:
    """Play an album of ``changes`` + 1 songs; returns the silences between them in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        build(instance, ROWS)
        ids = add_album(instance, Path(folder), changes + 1)
        with served(instance) as port, sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
            )
            version = browser.version
            # The recorder is a script that no page of songrec would load.
            address = {"base_url": f"http://127.0.0.1:{port}", "bypass_csp": True}
            recorded = record(browser.new_page(**address), ids)
            watched = watch(browser.new_page(**address), ids)
            browser.close()
    missing = [1000 * (SECONDS - (song["ended"] - song["begun"])) for song in recorded]
    return {
        "chromium": version,
        "changes": changes,
        "recorded_ms": gaps(recorded),
        "by_clocks_ms": gaps(watched),
        "cut_off_ms": max(missing),
    }


def gaps(songs: list[dict[str, float]]) -> dict[str, Any]:
    """Return the silences between songs in milliseconds."""
    each = [1000 * (after["begun"] - before["ended"]) for before, after in pairwise(songs)]
    return {
        "median": statistics.median(each),
        "worst": max(each, key=abs),
        "all": [round(gap, 1) for gap in each],
    }


def watch(page: Page, ids: list[str]) -> list[dict[str, float]]:
    """Play songs to the end of the last; returns when each sounded by its element's clock."""
    page.goto("/", wait_until="networkidle")
    page.evaluate(WATCH, [ids])
    page.wait_for_timeout(1000 * (len(ids) * SECONDS + 5))
    begun: dict[str, list[float]] = defaultdict(list)
    for sample in page.evaluate("window.samples"):
        begun[sample["song"]].append(sample["begun"])
    page.close()
    if len(begun) < len(ids):
        raise RuntimeError(f"of {len(ids)} songs only {len(begun)} were seen to play")
    # An element that stumbles within a song ends later than it would have.
    songs = [{"begun": times[0], "ended": times[-1] + SECONDS} for times in begun.values()]
    return sorted(songs, key=lambda song: song["begun"])


def record(page: Page, ids: list[str]) -> list[dict[str, float]]:
    """Play songs to the end of the last; returns when each could be heard, in seconds."""
    recorder = RECORDER.replace("AUDIBLE", str(AUDIBLE)).replace("SILENCE_S", str(SILENCE_S))
    page.goto("/", wait_until="networkidle")
    page.evaluate(RECORD, [ids, recorder])
    for _ in range(int(len(ids) * (SECONDS + 2))):
        songs = page.evaluate("window.songs")
        if len(songs) == len(ids):
            page.close()
            return sorted(songs, key=lambda song: song["begun"])
        page.wait_for_timeout(1000)
    raise RuntimeError(f"of {len(ids)} songs only {len(songs)} were heard to their end")


def add_album(instance: Path, folder: Path, count: int) -> list[str]:
    """Give ``count`` songs a sine each; returns their ids in order."""
    from songrec import create_app
    from songrec.core.files import modified_ns
    from songrec.store.db import db
    from songrec.store.tables import AudioFile, Track

    ids = []
    with create_app({"INSTANCE": instance}).app_context():
        for number, track in enumerate(db.session.query(Track).order_by(Track.id).limit(count)):
            path = write_sine(folder / f"{number}.wav", HERTZ + number)
            status = path.stat()
            file = AudioFile(
                public_id=f"song{number}",
                track_id=track.id,
                root=str(folder),
                path=str(path),
                content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
                size=status.st_size,
                modified_ns=modified_ns(status),
                state="analysed",
                duration_s=SECONDS,
                sample_rate=RATE,
                channels=1,
                codec="pcm_s16le",
                info={"container": "wav"},
            )
            db.session.add(file)
            ids.append(track.public_id)
        db.session.commit()
    return ids


def write_sine(path: Path, hertz: float) -> Path:
    """Write a sine of half of full scale, 16-bit mono."""
    sound = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(SECONDS * RATE)) / RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10)
    print(json.dumps(measure(parser.parse_args().changes), indent=2))


if __name__ == "__main__":
    main()
