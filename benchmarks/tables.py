"""Each benchmark's JSON as a section of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    """Return a Markdown table."""
    header = list(header)
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return [*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows), ""]


def ingest(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``ingest``."""
    return [
        "## Ingest",
        "",
        "`flask ingest` of a CSV in songrec's format into an empty SQLite database, and a "
        "second time, when nothing has changed. Peak is the resident memory of the process.",
        "",
        *table(
            ("rows", "seconds", "rows/s", "peak MiB", "again, seconds", "again, peak MiB"),
            (
                (
                    f"{r['rows']:,}",
                    f"{r['seconds']:.1f}",
                    f"{r['rows_per_second']:,}",
                    r["peak_mib"],
                    f"{r['again_seconds']:.1f}",
                    r["again_peak_mib"],
                )
                for r in results
            ),
        ),
    ]


def training(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``training``."""
    both, huge = results
    usual, ours = both["usual"], both["ours"]
    return [
        "## Training the autoencoder",
        "",
        f"{both['rows']:,} × 12 rows, {both['epochs']} epochs, batch {both['batch_size']}: "
        "`model.fit` as in a tutorial, and songrec's compiled loop (compiling included; the "
        "median of three), in turn in one process.",
        "",
        *table(
            ("how", "seconds", "training loss", "validation loss"),
            (
                (name, f"{r['seconds']:.2f}", f"{r['loss']:.4f}", f"{r['val_loss']:.4f}")
                for name, r in (("`model.fit`", usual), ("songrec", ours))
            ),
        ),
        f"**{both['ratio']:.1f} times faster**, final training loss "
        f"{100 * both['loss_difference']:+.2f}%.",
        "",
        f"{huge['rows']:,} rows, 2 epochs: {huge['ours']['seconds']:.1f} s, "
        f"peak {huge['peak_mib']:,} MiB resident.",
        "",
    ]


def pages(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``pages``."""
    names = list(results[0]["pages"])
    header = ["page"]
    for result in results:
        header += [f"p50, {result['rows']:,} songs", f"p95, {result['rows']:,} songs"]
    rows = [
        [name, *(f"{r['pages'][name][p]:.1f}" for r in results for p in ("p50", "p95"))]
        for name in names
    ]
    return [
        "## Pages",
        "",
        "Milliseconds from the request to the last byte: gunicorn with 2 processes and "
        f"the client on the same two cores, {results[0]['requests']} requests each, over different "
        "songs, words, clusters and filters; a listener with eight likes.",
        "",
        *table(header, rows),
        "All kinds in turn with 4 clients at once: "
        + ", ".join(f"{r['per_second']:.0f} requests/s at {r['rows']:,} songs" for r in results)
        + ".",
        "",
    ]


def page_weights(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``page_weights``."""
    (found,) = results
    return [
        "## Page weights",
        "",
        f"Kilobytes of a page, plain and packed by gzip: a catalogue of {found['rows']:,} songs "
        "without sound, a listener with eight likes. What browsers cache is left out.",
        "",
        *table(
            ["page", "kB", "kB packed"],
            [
                [name, f"{one['bytes'] / 1000:.1f}", f"{one['gzip_bytes'] / 1000:.1f}"]
                for name, one in found["pages"].items()
            ],
        ),
    ]


def slow_clients(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``slow_clients``."""
    ours, plain = results

    def cells(found: dict[str, Any]) -> list[str]:
        times = ["–" if found[p] is None else f"{found[p]:.0f}" for p in ("p50", "p95")]
        return [str(found["answers"]), str(found["errors"]), *times, f"{found['memory_mb']:.0f}"]

    return [
        "## Slow clients",
        "",
        f"A normal client asks for pages for {ours['seconds']:.0f} s, one after the other, while "
        f"{ours['clients']} clients of another address are slow: answers, errors (none within 30 "
        "s), milliseconds, and MB of memory per process. Two processes and all clients are on the "
        f"same two cores, {ours['rows']:,} songs. First songrec's worker, with 20 threads, then "
        "gunicorn's own, with 4.",
        "",
        *table(
            (
                "slow clients",
                *(
                    f"{whose}{what}"
                    for whose in ("", "plain: ")
                    for what in ("answers", "errors", "p50", "p95", "MB")
                ),
            ),
            (
                [kind, *cells(found), *cells(plain["kinds"][kind])]
                for kind, found in ours["kinds"].items()
            ),
        ),
    ]


def recommend(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``recommend``."""
    (result,) = results
    sizes = list(result)
    return [
        "## Recommending",
        "",
        "Milliseconds, median (slowest of 15, of 5 at 1,200,000) to rank, re-rank and explain 20 "
        "songs for 10 likes of two groups and 3 dislikes, two songs of an artist at most; "
        "*re-ranked* with variety, novelty, freshness and chance as well. *Plain* scores and sorts "
        "everything, without reasons or exclusions. Stations give 20 songs from place 200 on, half "
        "of the catalogue can be heard where it says *audible*; *surprise me* is the method that "
        "answers by itself with chance. `segments`, which asks other arrays: "
        "[below](#searching-segments).",
        "",
        *table(
            ["question", *(f"{int(size):,} songs" for size in sizes)],
            (
                [
                    name,
                    *(
                        f"{result[s][name]['median_ms']:.1f} ({result[s][name]['slowest_ms']:.1f})"
                        for s in sizes
                    ),
                ]
                for name in result[sizes[0]]
            ),
        ),
    ]


def latent_map(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``map``."""
    result, large = results
    return [
        "## The map",
        "",
        "Bytes as sent (gzip where it helps) and the server's milliseconds: first request of a "
        "process, then the median.",
        "",
        *table(
            (
                "",
                "points and clusters, kB",
                "one more column, kB",
                "first visit, kB",
                "points, first ms",
                "points, ms",
                "titles, ms",
                "search, ms",
            ),
            (
                (
                    name,
                    f"{r['points_sent_bytes'] / 1000:.0f}",
                    f"{r['column_sent_bytes'] / 1000:.0f}",
                    f"{r['total_bytes'] / 1000:.0f}",
                    f"{r['points_first_ms']:.1f}",
                    f"{r['points_ms']:.1f}",
                    f"{r['titles_ms']:.1f}",
                    f"{r['search_ms']:.1f}",
                )
                for name, r in result.items()
            ),
        ),
        "",
        f"A map of {large['songs']:,} songs is sent in parts: cells of 5 pixels with the number of "
        "their songs and their most frequent sound group; from near (at most 20,000 songs) the "
        "songs themselves. Views of 1,375 × 862 pixels in twelve random places with songs; the "
        "slowest one's milliseconds and the largest one's kB. The first view of a process takes "
        f"{large['first_ms']['cells']:.0f} ms and its names {large['first_ms']['names']:.0f}; the "
        f"page {large['page_first_ms']:.0f}, then {large['page_ms']:.0f} ms and "
        f"{large['page_kb']:.0f} kB.",
        "",
        *table(
            ("zoom", "part, ms", "part, kB", "names, ms", "names, kB"),
            (
                (
                    zoom,
                    f"{r['cells_slowest_ms']:.0f}",
                    f"{r['cells_most_kb']:.0f}",
                    f"{r['names_slowest_ms']:.0f}",
                    f"{r['names_most_kb']:.0f}",
                )
                for zoom, r in large["zooms"].items()
            ),
        ),
    ]


def subsonic(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``subsonic``."""
    (r,) = results
    return [
        "## Apps at /rest",
        "",
        f"{r['rows']:,} songs that can be played, {r['albums']:,} albums, {r['artists']:,} "
        "artists; gunicorn with two workers, one app, JSON, milliseconds from the request to the "
        f"last byte, {r['requests']} requests each. The words of the search are ordinary ones, "
        "among them “the” and “a”, which half of all songs have. The last line is a search "
        "without an application: LIKE in titles, albums and artists, in the process that measures.",
        "",
        *table(
            ("call", "p50", "p95"),
            (
                (name, f"{times['p50']:.0f}", f"{times['p95']:.0f}")
                for name, times in r["calls"].items()
            ),
        ),
    ]


def audiomuse(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``audiomuse``."""
    (r,) = results
    return [
        "## AudioMuse-AI's plugins",
        "",
        f"What the plugins ask for, at {r['rows']:,} songs that a music server has; gunicorn with "
        "two workers, one client, milliseconds from the request to the last byte, "
        f"{r['requests']} requests each, each about another song.",
        "",
        *table(
            ("request", "p50", "p95"),
            (
                (f"`{name}`", f"{times['p50']:.0f}", f"{times['p95']:.0f}")
                for name, times in r["requested"].items()
            ),
        ),
    ]


def servers(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``servers``."""
    (r,) = results
    return [
        "## Scanning a music server",
        "",
        f"`flask servers scan` of a made server with {r['songs']:,} songs on loopback: the first "
        f"time ({r['requests']} requests), again when nothing has changed, and after the server "
        "gave every song another id. Peak is the resident memory of the process.",
        "",
        *table(
            ("songs", "first, seconds", "again", "other ids", "peak MiB"),
            [
                (
                    f"{r['songs']:,}",
                    *(f"{r[key]:.1f}" for key in ("first_s", "again_s", "renumbered_s")),
                    r["peak_mib"],
                )
            ],
        ),
    ]


def analysis(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``analysis``."""
    (r,) = results
    per_file, more = r["per_file_s"], r["more"]
    return [
        "## Analysing a folder",
        "",
        "Every default feature set and the segments of whole tracks: the folder as it is, start "
        f"included, then {more['files']} more files of the same length in the same instance. "
        f"{r['cores']} cores; peak is the resident memory of one process that analyses.",
        "",
        *table(
            ("files", "feature sets, seconds", "segments", "processor seconds", "peak MiB"),
            (
                (
                    part["files"],
                    f"{part['wall_s']:.1f}",
                    f"{part['segments_wall_s']:.1f}",
                    f"{part['processor_s']:.0f}",
                    part["peak_mib"],
                )
                for part in (r["first"], more)
            ),
        ),
        f"**{per_file['wall_s'] + per_file['segments_wall_s']:.2f} s for each further track**, "
        f"{r['hours_for_100000']} hours for 100,000.",
        "",
    ]


def duplicates(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``duplicates``."""
    steps = {
        "search_seconds": "first search",
        "again_seconds": "search again",
        "import_seconds": "count after an import",
        "page_seconds": "a page of groups",
        "merge_seconds": "merge",
        "undo_seconds": "undo",
    }
    return [
        "## Duplicates",
        "",
        "Seconds on a catalogue in which every twentieth track is another one's remaster: names "
        "and content, without audio. The first search computes the key of every name. Peak is "
        "the resident memory of the process, *more* what the steps added to it.",
        "",
        *table(
            ("songs", *steps.values(), "peak MiB", "more MiB"),
            (
                (
                    f"{r['rows']:,}",
                    *(f"{r[step]:.2f}" for step in steps),
                    r["peak_mib"],
                    r["more_mib"],
                )
                for r in results
            ),
        ),
    ]


def segments(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``segments``."""
    return [
        "## Searching segments",
        "",
        "The 20 songs with the segments nearest to 32 liked ones, exactly, in 256 dimensions; 27 "
        "segments are a song of half a minute. What is read of them stays on disk as memory maps: "
        "1,200,000 songs would be 33 GB.",
        "",
        *table(
            ("segments", "songs", "index built, s", "median, ms", "slowest, ms", "processor, ms"),
            (
                (
                    f"{r['rows']:,}",
                    f"{r['songs']:,}",
                    *(
                        r[name]
                        for name in ("build_seconds", "median_ms", "slowest_ms", "processor_ms")
                    ),
                )
                for r in results
            ),
        ),
    ]


def startup(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``startup``."""
    (result,) = results
    first = result.pop("first_minute")
    music = "the demo music" if first["audio"] == "demo" else "a folder of songs"
    return [
        "## Starting",
        "",
        f"A new instance with {music}, in seconds: the address from `make run` (all is installed),",
        "the rest from when the address answers.",
        "",
        *table(
            (
                "address answers",
                "first song",
                "first recommendations",
                "analysed and trained",
            ),
            [tuple(first[name] for name in ("address", "song", "recommendations", "everything"))],
        ),
        "",
        "Fresh processes, median of five. The web process imports none of the heavy libraries.",
        "",
        *table(
            ("", "seconds", "resident MiB", "heavy libraries"),
            (
                (f"`{name}`", r["seconds"], r["peak_mib"], ", ".join(r["heavy"]) or "none")
                for name, r in result.items()
            ),
        ),
    ]


def features(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``features``."""
    (result,) = results
    alone = {key.split("_")[1]: value for key, value in result.items() if key.startswith("alone_")}
    return [
        "## Features from audio",
        "",
        "`mfcc` and `statistical` of a 30-second clip, and one call of librosa for each "
        "feature, in turn (median of three, compiled before): "
        f"{result['ours']:.2f} s against {result['plain']:.1f} s, "
        f"**{result['ratio']:.0f} times faster**. A fresh process:",
        "",
        *table(
            ("seconds of sound", "first time, s", "again, s", "peak MiB"),
            (
                (seconds, r["first_seconds"], r["seconds"], r["peak_mib"])
                for seconds, r in alone.items()
            ),
        ),
        *_per_core(result.get("per_core", {})),
    ]


def _per_core(found: dict[str, dict[str, float]]) -> list[str]:
    if not found:
        return []
    names = {"clip": "a clip", "track": "a full track"}
    return [
        "Seconds for each, by one process kept to one core and by two on two, against the plain "
        "script on the same cores:",
        "",
        *table(
            ("", "seconds of sound", "one core", "plain", "two cores", "plain"),
            (
                (
                    names[name],
                    r["seconds_of_sound"],
                    f"{r['ours_1']:.2f}",
                    f"{r['plain_1']:.2f}",
                    f"{r['ours_2']:.2f}",
                    f"{r['plain_2']:.2f}",
                )
                for name, r in found.items()
            ),
        ),
    ]


def lab(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``lab``."""
    each, huge, flask, pictures = results
    whole = flask["end_to_end"]
    by_stage = ", ".join(
        f"{name} {s:.0f} s" for name, s in whole["stages"].items() if s >= 1 and name != "total"
    )
    few, many = pictures["spectrograms"]
    stages = ", ".join(f"{name} {s} s" for name, s in huge["pipeline"].items() if name != "total")
    return [
        "## The model lab",
        "",
        f"{each['rows']:,} × 12 through every representation of vectors, with its default "
        "parameters, one after the other in one process.",
        "",
        *table(
            ("representation", "learning, s", "placing all rows, s"),
            (
                (f"`{name}`", r["fit_seconds"], r["transform_seconds"])
                for name, r in each["representations"].items()
            ),
        ),
        f"{huge['rows']:,} × 12: {stages}; {huge['pipeline']['total']} s in all, peak "
        f"{huge['peak_mib']:,} MiB resident.",
        "",
        f"The same by `flask train` on a catalogue of {flask['rows']:,} songs, with all that a "
        f"published run has: {whole['train_seconds']:.0f} s "
        f"({whole['train_processor_seconds']:.0f} s of processor time; {by_stage}), peak "
        f"{whole['train_peak_mib']:,} MiB; `flask ingest` before it "
        f"{whole['ingest_seconds']:.0f} s, {whole['ingest_peak_mib']:,} MiB.",
        "",
        f"`conv_vae` on {few['pictures']:,} spectrograms ({few['pictures_mib']:,} MiB on disk) "
        f"peaks at {few['peak_mib']:,} MiB, on {many['pictures']:,} "
        f"({many['pictures_mib']:,} MiB), in as many steps, at {many['peak_mib']:,} MiB.",
        "",
    ]


def sound(results: list[dict[str, Any]]) -> list[str]:
    """Section of ``sound``."""
    (result,) = results
    rows = result["rows"]
    return [
        "## Similar by sound",
        "",
        f"The 20 songs nearest to one by the mixture of {rows[0]['sets']} feature sets of "
        f"{rows[0]['columns']} columns each, exact, with their reasons: milliseconds, and "
        "processor time of the thread. *Moments* are what mutual proximity needs of each song, "
        f"computed after an analysis. Load of the machine {result['load']}.",
        "",
        *table(
            ("songs", "processor ms", "median ms", "slowest ms", "vectors, MB", "moments, s"),
            (
                (
                    f"{r['tracks']:,}",
                    r["processor_ms"],
                    r["median_ms"],
                    r["slowest_ms"],
                    r["mb"],
                    r["moments_s"],
                )
                for r in rows
            ),
        ),
    ]


WRITERS: dict[str, Callable[[list[dict[str, Any]]], list[str]]] = {
    "ingest": ingest,
    "training": training,
    "pages": pages,
    "page_weights": page_weights,
    "slow_clients": slow_clients,
    "recommend": recommend,
    "map": latent_map,
    "duplicates": duplicates,
    "subsonic": subsonic,
    "audiomuse": audiomuse,
    "servers": servers,
    "analysis": analysis,
    "segments": segments,
    "sound": sound,
    "startup": startup,
    "features": features,
    "lab": lab,
}
