"""The officers' figures as Vega-Lite."""

from typing import Any

from alleviate.clinic.gate import Visit
from alleviate.oversight.consents import ConsentFigures

__all__ = ["consents_by_month"]

_COLOUR = "#14505c"
_OTHER = "#8f3b1b"


def consents_by_month(figures: ConsentFigures, visit: Visit) -> dict[str, Any]:
    """Permissions for research given and withdrawn in each month; hidden numbers are left out."""
    _ = visit._
    given, withdrawn = _("Given"), _("Withdrawn")
    values = []
    for each in figures.changes:
        if each.purpose != "research":
            continue
        for words, count in ((given, each.given), (withdrawn, each.withdrawn)):
            if count is not None:
                values.append({"month": each.month, "what": words, "n": count})
    axis = {"labelFontSize": 13, "titleFontSize": 13}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 220,
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "title": _("Month"), "axis": axis},
            "y": {"field": "n", "type": "quantitative", "title": _("Statements"), "axis": axis},
            "color": {
                "field": "what",
                "type": "nominal",
                "title": None,
                "scale": {"domain": [given, withdrawn], "range": [_COLOUR, _OTHER]},
                "legend": {"orient": "top", "labelFontSize": 13},
            },
            "xOffset": {"field": "what", "sort": [given, withdrawn]},
        },
    }
