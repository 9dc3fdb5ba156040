"""The house's colours can be read: text at 4.5:1 or more, lines at 3:1 (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

from alleviate.clinic.looks.web.build import SOURCES

LEAST = {"text": 4.5, "graphic": 3.0}
LINE = re.compile(r"^\$([\w-]+): (#[0-9a-f]{6});(?: // (.*))?$")
USE = re.compile(r"(text|graphic) on (#[0-9a-f]{6})")


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _uses() -> list[tuple[str, str, str, str]]:
    lines = (SOURCES / "styles" / "_colours.scss").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        match = LINE.match(line)
        if match and match[3]:
            found += [(match[1], match[2], use, ground) for use, ground in USE.findall(match[3])]
    return found


def test_the_measure_itself_is_right() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("name", "colour", "use", "ground"), _uses())
def test_a_colour_stands_out_from_its_ground(name: str, colour: str, use: str, ground: str) -> None:
    assert _contrast(colour, ground) >= LEAST[use], f"${name} as {use} on {ground}"


def test_every_colour_that_text_or_lines_have_is_measured() -> None:
    measured = {name for name, *_ in _uses()}
    used = set()
    for path in sorted((SOURCES / "styles").glob("_*.scss")):
        if path.name != "_colours.scss":
            text = Path(path).read_text(encoding="utf-8")
            used |= set(re.findall(r"(?:^|[ {;])(?:color|stroke|border[\w-]*): [^;]*?\$([\w-]+)", text))
    assert len(used) > 6
    assert used <= measured


def test_our_own_styles_write_few_colours_outside_the_list() -> None:
    """Greys of NHS.UK frontend that only part one thing from another, and its focus colour."""
    written = set()
    for path in (SOURCES / "styles").glob("_*.scss"):
        if path.name != "_colours.scss":
            written |= set(re.findall(r"#[0-9a-f]{3,6}\b", path.read_text(encoding="utf-8")))
    assert written <= {"#fff", "#000", "#d8dde0", "#aeb7bd", "#f0f4f5", "#ffeb3b"}
