"""The words about courses, from wording.toml, and how values are put into them."""

import re
import tomllib
from importlib import resources

import polars as pl

__all__ = ["WORDING", "of_change", "said", "shown", "worded"]

WORDING: dict[str, dict[str, str]] = tomllib.loads(
    (resources.files("alleviate.studies.courses") / "wording.toml").read_text(encoding="utf-8")
)
LONGEST = 40
"""Longer texts are cut where they are shown."""
_BRACES = re.compile(r"\{([\w-]*)\}")
_OF_CHANGE = re.compile(
    "|".join(
        "[-.0-9]+".join(map(re.escape, _BRACES.split(WORDING["reason"][key])[::2]))
        for key in ("improved", "deteriorated", "little-better", "little-worse", "same")
    )
)


def worded(kind: str, key: str, /, *values: pl.Expr, **named: object) -> pl.Expr:
    """A sentence of wording.toml for every row: ``{}`` are ``values`` in turn, ``{name}`` for all."""
    parts, left = [], list(values)
    for i, part in enumerate(_BRACES.split(WORDING[kind][key])):
        if i % 2 == 0:
            parts.append(pl.lit(part))
        else:
            parts.append(pl.lit(_text(named[part])) if part else left.pop(0).cast(pl.String))
    return pl.concat_str(parts)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def of_change(reason: str) -> bool:
    """Whether a reason compares with the first score of its course: not for beside another comparison."""
    return _OF_CHANGE.fullmatch(reason) is not None


def said(number: pl.Expr, decimals: int = 1) -> pl.Expr:
    """A number as text: whole ones without a point."""
    return number.round(decimals).cast(pl.String).str.strip_suffix(".0").str.replace("^-0$", "0")


def shown(text: pl.Expr) -> pl.Expr:
    """A value from a file, on one line, cut where it is long."""
    clean = text.cast(pl.String).str.replace_all(r"[\x00-\x1f\x7f]", "?")
    return pl.when(clean.str.len_chars() > LONGEST).then(clean.str.slice(0, LONGEST) + "…").otherwise(clean)
