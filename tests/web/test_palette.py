"""Cluster colours are told apart, also by people who see fewer colours, on either theme."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

CSS = (Path(__file__).resolve().parents[2] / "static/css/theme.css").read_text(encoding="utf-8")
COLOURS = re.findall(r"--cluster-\d+: (#[0-9a-f]{6})", CSS)
LIGHT, DARK = COLOURS[:12], COLOURS[12:24]
BACKGROUNDS = {"light": ("#fbfaf7", "#ffffff"), "dark": ("#161512", "#1f1d19")}
"""Of pages and of panels and maps."""

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
VISION = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    """sRGB hex to linear RGB."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB to OKLab (Ottosson 2020); distances there follow what people see."""
    lms = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ np.clip(rgb, 0, 1)
    )
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ lms
    )


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    luminances = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (luminances[1] + 0.05) / (luminances[0] + 0.05)


def test_both_ways_to_the_dark_theme_have_its_colours() -> None:
    assert COLOURS[24:] == DARK


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_every_two_cluster_colours_differ_clearly(vision: str, colours: list[str]) -> None:
    assert len(colours) == 12
    seen = [oklab(np.array(VISION[vision]) @ linear(colour)) for colour in colours]
    nearest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    assert nearest > 0.08, "about four times a just noticeable difference"


@pytest.mark.parametrize(("theme", "colours", "least"), [("light", LIGHT, 2), ("dark", DARK, 3)])
def test_cluster_colours_stand_out_from_the_background(
    theme: str, colours: list[str], least: float
) -> None:
    for background in BACKGROUNDS[theme]:
        assert background in CSS
        assert min(contrast(colour, background) for colour in colours) > least
