"""The pages' colours: text that can be read, lines that everybody can tell apart."""

import re
from itertools import combinations

import pytest

from tidegate.load.cards import STYLE

Linear = tuple[float, ...]

TOGETHER = ("c6 c3 c2", "c4 c3 c5 c1", "c6 c2 c4", "c3 c5 c1", "c6 c3 c1", "c4 c5")
"""The lines that are in one chart, of a load or of a rehearsal."""
SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no-red": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no-green": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no-blue": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
"""What is left of linear RGB without one kind of cone (Machado et al. 2009, severity 1)."""


def colours(scheme: str) -> dict[str, Linear]:
    """The style's colours as linear RGB."""
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")
    found = re.findall(r"--(\w+): #([0-9a-f]{3,6});", light if scheme == "light" else dark)
    whole = {name: code if len(code) == 6 else "".join(2 * c for c in code) for name, code in found}
    return {name: tuple(map(_linear, bytes.fromhex(code))) for name, code in whole.items()}


def _linear(byte: int) -> float:
    share = byte / 255
    return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: Linear, other: Linear) -> float:
    """WCAG 2.2's ratio of luminances."""
    weights = (0.2126, 0.7152, 0.0722)
    a, b = (sum(w * c for w, c in zip(weights, rgb, strict=True)) for rgb in (one, other))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def lab(rgb: Linear) -> Linear:
    """CIELAB of linear sRGB, white D65."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    whites = (0.95047, 1.0, 1.08883)
    x, y, z = (_root(sum(a * b for a, b in zip(row, rgb, strict=True)) / white)
               for row, white in zip(rows, whites, strict=True))  # fmt: skip
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return float(value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa_and_lines_that_of_graphics(scheme: str) -> None:
    found = colours(scheme)
    for paper in (found["paper"], found["card"]):
        assert all(contrast(found[n], paper) >= 4.5 for n in ("ink", "dim", "bad", "good"))
        assert all(contrast(found[f"c{n}"], paper) >= 3 for n in range(1, 7))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_lines_of_a_chart_differ_for_whoever_lacks_a_cone(scheme: str, sight: str) -> None:
    """By ten times what is just seen (a distance of about 2.3 in CIELAB)."""
    found = colours(scheme)
    for names in TOGETHER:
        seen = [
            lab(tuple(
                min(1.0, max(0.0, sum(m * c for m, c in zip(row, found[name], strict=True))))
                for row in SIGHT[sight]
            ))
            for name in names.split()
        ]  # fmt: skip
        for one, other in combinations(seen, 2):
            assert sum((p - q) ** 2 for p, q in zip(one, other, strict=True)) ** 0.5 > 23, names
