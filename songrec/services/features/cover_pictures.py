"""Scaling of cover pictures to the sizes of pages.

A picture is embedded in a sound file or lies in its folder. A child process reads and scales it.
Pages only send scaled pictures, because originals of 3,000 pixels have megabytes.
"""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.audio_files.folder_pictures import find_picture
from songrec.core.errors import BadInput, NotReady
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.core.types import Progress, no_progress
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, waveform_cache
from songrec.store.sound.waveform_cache import COVER_PIXELS

LIMITS = Limits(seconds=60.0, memory_bytes=2**30)
NOW = Limits(seconds=10.0, memory_bytes=2**30)
WAIT_S = 0.5
_scaling = threading.Lock()
AT_ONCE = 500
"""Pictures per job, so that an uploaded song does not wait for a whole library."""
QUALITY = 82


def scale_pictures(
    instance: Instance, on_progress: Progress = no_progress, limit: int = AT_ONCE
) -> tuple[int, int]:
    """Scale pictures that are missing in the cache; return the numbers scaled and still waiting.

    Files with unusable pictures are marked as files without one. Commits.
    """
    waiting = [
        (file_id, path, digest)
        for file_id, path, digest in audio_files.with_cover(instance.session)
        if not waveform_cache.has_thumbnails(instance.folder, digest)
    ]
    instance.session.commit()
    unusable = []
    with IsolatedProcess() as process:
        for number, (file_id, path, digest) in enumerate(waiting[:limit]):
            on_progress(number / min(len(waiting), limit), f"{number:,} covers scaled")
            try:
                scaled = process.call(scaled_cover, path, limits=LIMITS)["arrays"]
            except BadInput:
                scaled = {}
            if not scaled and not Path(path).is_file():
                continue  # on a disk that is not mounted
            if scaled:
                pictures = {size: scaled[size].tobytes() for size in COVER_PIXELS}
                waveform_cache.write_thumbnails(instance.folder, digest, pictures)
            else:
                unusable.append(file_id)
    audio_files.set_cover(instance.session, unusable, has_cover=False)
    instance.session.commit()
    done = min(len(waiting), limit)
    return done - len(unusable), len(waiting) - done


def scale_now(folder: Path, path: Path, digest: str) -> bool:
    """Scale the picture of one file for a waiting request; False if that is not possible now.

    Only one at a time: for a page of covers the first is scaled here, the others by the job.
    """
    if not _scaling.acquire(timeout=WAIT_S):
        return False
    try:
        if waveform_cache.has_thumbnails(folder, digest):
            return True
        with IsolatedProcess() as process:  # web processes keep no child
            scaled = process.call(scaled_cover, str(path), limits=NOW)["arrays"]
    except (BadInput, NotReady):
        return False
    finally:
        _scaling.release()
    if scaled:
        pictures = {size: scaled[size].tobytes() for size in COVER_PIXELS}
        waveform_cache.write_thumbnails(folder, digest, pictures)
    return bool(scaled)


def note_folder_pictures(session: Session, root: Path) -> int:
    """Mark the files below ``root`` whose folder has a cover; return their number.

    The caller commits.
    """
    folders: dict[Path, bool] = {}
    ids = []
    for file_id, path in audio_files.without_cover(session, root):
        folder = Path(path).parent
        if folder not in folders:
            folders[folder] = find_picture(folder) is not None
        if folders[folder]:
            ids.append(file_id)
    audio_files.set_cover(session, ids, has_cover=True)
    return len(ids)


def scaled_cover(path: str) -> dict[str, Any]:
    """Return the cover of a file, embedded or beside it, as JPEGs by size; none if unusable."""
    from songrec.audio_files.tags import LARGEST_COVER, read_cover

    cover = read_cover(Path(path))
    scaled = scale(cover.data) if cover is not None else None
    if scaled is None:
        beside = find_picture(Path(path).parent)
        if beside is not None and beside.stat().st_size <= LARGEST_COVER:
            scaled = scale(beside.read_bytes())
    arrays = {size: np.frombuffer(data, dtype=np.uint8) for size, data in (scaled or {}).items()}
    return {"arrays": arrays}


def scale(picture: bytes) -> dict[str, bytes] | None:
    """Crop a picture to its central square and return a JPEG per size; None if unreadable."""
    from PIL import Image, ImageOps

    from songrec.audio_files.picture_size import picture_size
    from songrec.audio_files.tags import MOST_PIXELS

    width, height = picture_size(picture) or (0, 0)
    if not 0 < width * height <= MOST_PIXELS:
        return None
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG", "GIF", "WEBP")) as opened:
            largest = max(COVER_PIXELS.values())
            opened.draft("RGB", (2 * largest, 2 * largest))  # decodes a JPEG at reduced size
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    # Pillow raises nearly any exception for a damaged picture; pages do without the picture then.
    except Exception:  # noqa: BLE001
        return None
    paper = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(paper, image).convert("RGB")
    return {size: _jpeg(ImageOps.fit(flat, (side, side))) for size, side in COVER_PIXELS.items()}


def _jpeg(image: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return content.getvalue()
