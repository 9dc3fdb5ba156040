"""What the names of treatments mean: ``treatments.toml``."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

__all__ = ["Treatment", "TreatmentKind", "find", "treatments"]

TreatmentKind = Literal["talking", "medicine", "other"]


@dataclass(frozen=True, slots=True)
class Treatment:
    """``effects``: side effects that are common or very common with it; ``less``: those less common than with
    its likes. ``sessions``: how many as a rule, least and most. ``plain``: words for the person themselves.
    """

    id: str
    title: str
    kind: TreatmentKind
    plain: str
    names: tuple[str, ...] = ()
    family: str = ""
    codes: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    sessions: tuple[int, int] | None = None


def treatments() -> tuple[Treatment, ...]:
    """All that are known, in the file's order."""
    return tuple(_table().values())


def find(word: str) -> Treatment | None:
    """The treatment that a study's arm, or a word or code of a record, means; None where it is unknown."""
    return _names().get(word.strip().casefold())


@cache
def _table() -> dict[str, Treatment]:
    text = (files("alleviate.advice.safety") / "treatments.toml").read_text(encoding="utf-8")
    found = {}
    for line in tomllib.loads(text)["treatments"]:
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in line.items()
        }
        each = Treatment(family=told.pop("class", ""), **told)
        assert each.id not in found, each.id
        found[each.id] = each
    return found


@cache
def _names() -> dict[str, Treatment]:
    names: dict[str, Treatment] = {}
    for each in treatments():
        for word in {name.casefold() for name in (each.id, each.title, *each.names, *each.codes)}:
            assert word not in names, f"{word!r} names two treatments"
            names[word] = each
    return names
