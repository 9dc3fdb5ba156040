"""How every page is made: Jinja's environment with our filters. Words and looks are in ``templates/``."""

import re
import shlex
import textwrap
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from alleviate.reports import charts, harm_chart, numbers

__all__ = ["templates"]


@cache
def templates() -> Environment:
    """Made once: to compile the templates takes longer than to fill them in."""
    environment = Environment(
        loader=PackageLoader("alleviate.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": numbers.count,
        "share": numbers.share,
        "p_value": numbers.p_value,
        "number": numbers.number,
        "shell": shlex.quote,
        "sentence": _sentence,
        "css_string": _css_string,
    }
    environment.globals["HEIGHT"] = charts.HEIGHT
    environment.globals["TALL"] = harm_chart.TALL
    return environment


def _sentence(text: str) -> str:
    """Text with a full stop, where it ends without one."""
    return text if text.rstrip().endswith((".", "!", "?")) else text.rstrip() + "."


def _css_string(text: str, longest: int = 80) -> Markup:
    """A CSS string of any text: all but plain letters, digits and spaces is written as code points."""
    short = textwrap.shorten(text, longest, placeholder="…")
    return Markup('"' + re.sub(r"[^A-Za-z0-9 ]", lambda m: f"\\{ord(m[0]):x} ", short) + '"')
