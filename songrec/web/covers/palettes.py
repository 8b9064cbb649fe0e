"""Palettes of drawn covers, in four moods; a palette is a ground and three colours for shapes."""

from __future__ import annotations

Palette = tuple[str, str, str, str]
"""The ground, the main colour, a second one and an accent."""

LIVELY_AND_BRIGHT: tuple[Palette, ...] = (
    ("#f4c430", "#d1341f", "#1d2a4d", "#fff3d6"),
    ("#e94f37", "#fbe3c0", "#2b2d42", "#f6ae2d"),
    ("#ff6f59", "#254441", "#ffe8d1", "#43aa8b"),
    ("#f7b32b", "#2d1e2f", "#fcf6b1", "#d6573a"),
    ("#00a6a6", "#fff1d0", "#f08700", "#0b3c49"),
    ("#ef476f", "#ffd166", "#073b4c", "#fff6ea"),
    ("#2ec4b6", "#ff9f1c", "#fdfffc", "#011627"),
    ("#3f7cac", "#ffe066", "#f25f5c", "#fdf6e3"),
    ("#fce9c4", "#ef476f", "#118ab2", "#ffb703"),
)
LIVELY_AND_DARK: tuple[Palette, ...] = (
    ("#14110f", "#d62828", "#f4f1ea", "#8a817c"),
    ("#1b1b2f", "#e43f5a", "#f2f2f2", "#3a6ea5"),
    ("#0d1b2a", "#ff5d2e", "#e0e1dd", "#5b7a99"),
    ("#2b0f1f", "#ff3864", "#f6e8ea", "#9a8c98"),
    ("#1a1a1a", "#f5d300", "#f7f7f2", "#757575"),
    ("#22092c", "#f05941", "#f0dcca", "#872341"),
    ("#0b132b", "#5bc0be", "#f5f5f5", "#e05263"),
    ("#101820", "#f2aa4c", "#fefefe", "#4f6272"),
    ("#7a0f1c", "#14110f", "#f3e3d3", "#e0a030"),
)
CALM_AND_BRIGHT: tuple[Palette, ...] = (
    ("#f6e7cb", "#e07a5f", "#3d405b", "#81b29a"),
    ("#e8efe0", "#6a994e", "#bc4749", "#f2cc8f"),
    ("#fde8d7", "#f28482", "#84a59d", "#3d5a5b"),
    ("#dbe9ee", "#4f6d7a", "#dd6e42", "#e8dab2"),
    ("#faf3dd", "#5e9ea0", "#f3a683", "#2f4858"),
    ("#f3e9f5", "#9d7bb0", "#f2b880", "#463f5c"),
    ("#fff4e0", "#f4a259", "#5b8e7d", "#bc4b51"),
    ("#e3f0ea", "#2a9d8f", "#e9c46a", "#264653"),
    ("#a8c5b5", "#f6ecd9", "#e2725b", "#31504b"),
)
CALM_AND_DARK: tuple[Palette, ...] = (
    ("#1f2f46", "#8fb3d1", "#e8e4da", "#c98b5e"),
    ("#2f3e46", "#84a98c", "#cad2c5", "#e0a96d"),
    ("#283044", "#78a1bb", "#ebf5ee", "#bfa89e"),
    ("#3a2e39", "#b5a2c8", "#f0e6ef", "#d8886a"),
    ("#22333b", "#c6ac8f", "#eae0d5", "#7d9a9e"),
    ("#1d3534", "#6fa8a0", "#f1ead8", "#c4704f"),
    ("#33294a", "#8f80c4", "#efe9f4", "#e6a57e"),
    ("#3c4450", "#a6b1bd", "#f3f1ec", "#d9a441"),
    ("#5d6d7e", "#22303c", "#f2e9dc", "#e8b298"),
)
MOODS: dict[tuple[bool, bool], tuple[Palette, ...]] = {
    (True, True): LIVELY_AND_BRIGHT,
    (True, False): LIVELY_AND_DARK,
    (False, True): CALM_AND_BRIGHT,
    (False, False): CALM_AND_DARK,
}
"""Palettes by two flags of a song: lively, and bright."""
GROUP_COLOURS = (
    "#3c78b4", "#ff7878", "#0f5a3c", "#8769f0", "#78782d", "#00b4b4",
    "#a50000", "#d287ff", "#69a50f", "#b43c78", "#004bc3", "#782d87",
)  # fmt: skip
"""The colours of sound groups in the light theme of ``theme.css``; a cover has one look in both."""
NOISE_COLOUR = "#8a857b"


def group_palette(number: int) -> Palette:
    """Return the palette of a sound group: its colour with a lighter and a darker shade."""
    colour = GROUP_COLOURS[number % len(GROUP_COLOURS)] if number >= 0 else NOISE_COLOUR
    return colour, "#fbfaf7", _mix_colours(colour, 0, 0.5), _mix_colours(colour, 255, 0.55)


def _mix_colours(colour: str, towards: int, share: float) -> str:
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one + (towards - one) * share):02x}" for one in channels)
