"""How pictures of courses look: Altair charts as SVG, whose colours a page's own style takes over."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

__all__ = ["ACCENT", "FAINT", "INK", "LINE", "SOFT", "WARN", "framed", "on_page", "svg", "table"]

INK, SOFT, LINE, FAINT = "#15202b", "#4a5664", "#cdd5dd", "#6b7886"
ACCENT, WARN, PAPER = "#005b79", "#a86b00", "#ffffff"
FONT = "Helvetica, Arial, Liberation Sans, sans-serif"

_ON_PAGE = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    FAINT: "var(--faint)",
    ACCENT: "var(--accent)",
    WARN: "var(--warn-line)",
    PAPER: "var(--paper)",
}
"""A colour of a picture → what the report's style.css calls it, so that it follows light and dark."""


_LETTERING = re.compile(r"<text([^>]*)>")
_STYLES = re.compile(r' (font-size|font-weight|fill)="([^"]*)"')


def _styled(text: re.Match[str]) -> str:
    """Lettering that keeps its size: a page's style goes before attributes."""
    style = "; ".join(f"{name}: {value}" for name, value in _STYLES.findall(text[1]))
    return f'<text{_STYLES.sub("", text[1])} style="{style}">'


def framed(chart: Any, *, background: str | None = PAPER) -> Any:
    """The chart in the house's lettering and colours."""
    axis = {
        "domainColor": FAINT,
        "tickColor": FAINT,
        "gridColor": LINE,
        "gridOpacity": 0.6,
        "labelColor": SOFT,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    }
    return (
        chart.configure(
            background=background or "transparent",
            font=FONT,
            padding={"left": 8, "top": 8, "right": 28, "bottom": 8},
        )
        .configure_axis(**axis)
        .configure_view(stroke=None)
        .configure_header(labelColor=INK, labelFontSize=13, labelFontWeight="bold", title=None)
        .configure_legend(
            labelColor=INK, titleColor=INK, labelFontSize=12, titleFontSize=12, symbolStrokeWidth=2
        )
        .configure_title(
            color=INK, subtitleColor=SOFT, fontSize=16, subtitleFontSize=12.5, anchor="start", offset=12
        )
    )


def table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as the data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])


def svg(chart: Any) -> str:
    """The chart as an SVG document: the same bytes for the same chart."""
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


def on_page(picture: str, words: str) -> str:
    """An SVG to stand in a page: as wide as it, in its colours, told by ``words`` to who cannot see it."""
    for colour, name in _ON_PAGE.items():
        picture = picture.replace(colour, name)
    picture = re.sub(r' width="[\d.]+" height="[\d.]+"', ' class="picture"', picture, count=1)
    picture = _LETTERING.sub(_styled, picture)
    label = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return picture.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


alt.data_transformers.disable_max_rows()
