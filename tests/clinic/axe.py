"""axe-core, the accessibility checker, on a page that a browser shows: ``violations(page) -> list``."""

import json
from functools import cache
from typing import Any

from alleviate.clinic.looks.assets import FOLDER

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""WCAG 2.2, levels A and AA."""


@cache
def _source() -> str:
    path = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    assert path.exists(), (
        f"axe-core is not in {path.parent}: python -m alleviate.clinic.looks.web.build --dev"
    )
    return path.read_text(encoding="utf-8")


def violations(page: Any) -> list[str]:
    """What of WCAG 2.2 AA the page violates: the rule, and the first places. [] is none."""
    page.evaluate(_source())  # by the browser's own tools, so that the page's policy need not allow it
    asked = json.dumps({"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    found = page.evaluate(f"axe.run(document, {asked})")
    assert found["testEngine"]["name"] == "axe-core"
    return [
        f"{each['id']}: {each['help']}: " + "; ".join(node["html"][:200] for node in each["nodes"][:3])
        for each in found["violations"]
    ]
