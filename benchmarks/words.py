"""Words and sound, with known answers: lyrics that say, among other words, how their song sounds.

python -m benchmarks.words                     recall@10 between words and sound, beside chance
python -m benchmarks.words --alignment 0       the same without the contrastive part of the loss
python -m benchmarks.words --telling 0.2       with fewer words that tell anything

Songs are the demo's made clips (``songrec.demo.clips``: synthesised, twelve styles, twelve seconds
each), analysed as any folder is. Their lyrics are made of lists of words below. Of a song's words a
share ``--telling`` (default 0.4) depends on its sound: half of these are drawn from twelve words
of its style, a quarter from eight of its mode (major, minor), a quarter from eight of its pace
(below 100 BPM, up to 125, above). All others are drawn from words that any song may have. Nothing
else connects the two sides: names, keys and lengths are in neither.

``flask evaluate words`` is then asked: a fifth of the songs is held out. ``ceiling`` is what
somebody could reach who reads style, mode and pace faultlessly from both sides, and ``shuffled``
what is measured where every song has another's lyrics: it has to lie at chance.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.instance import empty_instance
from songrec.demo.clips import Clip, plan, write
from songrec.store.instance import Instance

STYLE, MODE = 0.5, 0.25
STYLES = {
    "pop": (
        "radio lipstick telephone glitter sugar heartbeat mirror summer kiss weekend neon poster"
    ),
    "rock": (
        "highway engine leather thunder gasoline amplifier wheels desert rebel whiskey dust jukebox"
    ),
    "hip hop": "block hustle chain mic corner money crew sneakers rhyme cypher ghetto bars",
    "house": (
        "disco strobe sweat dancefloor mirrorball hands sunrise club body speaker champagne groove"
    ),
    "techno": (
        "machine circuit warehouse steel laser robot signal concrete voltage system factory cable"
    ),
    "ambient": ("ocean drift cloud silence glacier breath horizon dust orbit mist aurora floating"),
    "jazz": (
        "saxophone smoke bourbon basement velvet cigarette paris martini taxi cellar hat sidewalk"
    ),
    "waltz": (
        "ballroom gown chandelier palace orchestra marble duchess violin candle partner "
        "vienna masquerade"
    ),
    "folk": (
        "meadow river barley harvest cottage shepherd lantern willow valley fiddle mill sparrow"
    ),
    "metal": "blood throne demon skull hammer war inferno sword grave raven doom chains",
    "soul": (
        "gospel preacher mercy honey sister church lord tender sugarcane testify choir kitchen"
    ),
    "country": (
        "truck porch whippoorwill tractor boots creek dog fence tennessee cornfield saddle hound"
    ),
}
MODES = (
    "tears lonely goodbye sorrow broken cold weeping lost",
    "smile laughing sunny happy together golden joy hello",
)
PACES = (
    "slowly lazy linger waiting sleeping resting gentle crawl",
    "walking stroll wander steady easy along turning sway",
    "running racing hurry chasing faster rushing flying sprint",
)
ANY = (
    "day night time way love heart eyes hand world life home door street light road town face name "
    "word story dream morning evening winter spring year hour place thing nothing everything "
    "someone nobody again never always maybe only still know think want need feel find give take "
    "come leave stay turn hold keep tell hear see call believe remember forget wonder begin end "
    "down over under inside outside before after without through little long deep high far near"
)
WORDS = 60
"""A song."""


def lyrics(clip: Clip, telling: float, seed: int) -> str:
    """``WORDS`` words, of which a share depends on the clip's style, mode and pace."""
    draw = random.Random(seed)
    style, mode, pace = _facts(clip)
    count = round(telling * WORDS)
    said = [
        *draw.choices(STYLES[style].split(), k=round(STYLE * count)),
        *draw.choices(MODES[mode].split(), k=round(MODE * count)),
    ]
    said += draw.choices(PACES[pace].split(), k=count - len(said))
    said += draw.choices(ANY.split(), k=WORDS - len(said))
    draw.shuffle(said)
    return "\n".join(" ".join(said[at : at + 6]) for at in range(0, WORDS, 6))


def measure(
    per_style: int, telling: float, epochs: int, seeds: list[int], alignment: float
) -> dict[str, Any]:
    """Measure recall@10 in both directions per seed, chance, the ceiling and shuffled lyrics."""
    from songrec.services.library.analysis_report import AnalyzeRequest
    from songrec.services.library.analyze_folder import analyze_folder
    from songrec.services.similarity import text_to_audio

    clips = plan(per_style=per_style)
    texts = [lyrics(clip, telling, 7_000 + at) for at, clip in enumerate(clips)]
    with empty_instance() as (session, instance):
        folder = instance / "clips"
        write(folder, clips)
        analyze_folder(Instance(instance, session), AnalyzeRequest(folder, ("melspectrogram",)))
        tracks = _tracks(session, folder, clips)

        def evaluate(seed: int) -> dict[str, Any]:
            return text_to_audio.evaluate_retrieval(
                Instance(instance, session),
                epochs=epochs,
                seed=seed,
                parameters={"alignment": alignment},
            )

        _sing(session, tracks, texts)
        measured = [evaluate(seed) for seed in seeds]
        others = np.random.default_rng(0).permutation(len(texts))
        _sing(session, tracks, [texts[at] for at in others])
        shuffled = evaluate(seeds[0])
    ways = ("words_to_sound", "sound_to_words")
    return {
        "songs": len(clips),
        "telling": telling,
        "alignment": alignment,
        "learnt_from": measured[0]["learnt_from"],
        "held_out": measured[0]["held_out"],
        "epochs": epochs,
        "chance": round(measured[0]["chance"], 3),
        "ceiling": round(_ceiling(clips, measured[0]["held_out"]), 3),
        **{
            way: {
                "mean": round(float(np.mean([one[way] for one in measured])), 3),
                "by_seed": [round(one[way], 3) for one in measured],
            }
            for way in ways
        },
        "shuffled": {way: round(shuffled[way], 3) for way in ways},
    }


def _facts(clip: Clip) -> tuple[str, int, int]:
    """Return the facts that lyrics may contain: style, mode, pace."""
    return clip.style.name, clip.mode, 0 if clip.tempo < 100 else 1 if clip.tempo <= 125 else 2


def _ceiling(clips: list[Clip], held_out: int) -> float:
    """Return the expected recall@10 if songs of equal facts are indistinguishable."""
    sizes = Counter(map(_facts, clips))
    share = held_out / len(clips)
    return sum(n * min(1.0, 10 / max(1.0, 1 + (n - 1) * share)) for n in sizes.values()) / len(
        clips
    )


def _tracks(session: Any, folder: Path, clips: list[Clip]) -> list[int]:
    from sqlalchemy import select

    from songrec.store.tables import AudioFile

    rows = session.execute(select(AudioFile.path, AudioFile.track_id)).all()
    by_path = {Path(path): track for path, track in rows}
    return [by_path[(folder / clip.path).resolve()] for clip in clips]


def _sing(session: Any, tracks: list[int], texts: list[str]) -> None:
    from sqlalchemy import delete

    from songrec.store.tables import Lyrics

    session.execute(delete(Lyrics))
    session.add_all(
        Lyrics(track_id=track, text=text) for track, text in zip(tracks, texts, strict=True)
    )
    session.commit()


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-style", type=int, default=25, help="clips of each of 12 styles")
    parser.add_argument("--telling", type=float, default=0.4, help="share of words that tell")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", default="0,1", help="by commas")
    parser.add_argument("--alignment", type=float, default=100.0, help="the contrastive part")
    given = parser.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    found = measure(given.per_style, given.telling, given.epochs, seeds, given.alignment)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
