"""The numbers and words of the synthetic clinic, read once from the TOML files beside this one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEATURES", "MODEL", "NOTES", "PEOPLE", "SITES", "TREATMENTS", "Site", "Treatment", "weights"]

Floats = NDArray[np.float64]


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text(encoding="utf-8"))


MODEL = _read("model.toml")
PEOPLE = _read("people.toml")
NOTES = _read("notes.toml")
FEATURES: tuple[str, ...] = tuple(MODEL["features"])


def weights(table: Mapping[str, float]) -> Floats:
    """The weights of a table by the order of `FEATURES`; those it lacks are 0. Shape (features,)."""
    return np.array([table.get(name, 0.0) for name in FEATURES])


@dataclass(frozen=True, slots=True)
class Treatment:
    """One arm of the clinic. ``change`` and ``effect`` (features,) give its effect on distress at the end,
    ``assignment`` (features,) and ``constant`` its log odds of being chosen; ``speed`` is in weeks.
    """

    name: str
    title: str
    medicine: bool
    speed: float
    sessions: int
    change: float
    dropout: float
    effect: Floats
    constant: float
    assignment: Floats


@dataclass(frozen=True, slots=True)
class Site:
    """Where people are treated; ``odds`` and ``staff`` go by the order of `TREATMENTS`."""

    name: str
    share: float
    level: float
    severity: float
    wait: float
    jobs: float
    staff: tuple[int, ...]
    odds: Floats


TREATMENTS: tuple[Treatment, ...] = tuple(
    Treatment(
        name=arm["name"],
        title=PEOPLE["treatments"][arm["name"]]["title"],
        medicine=arm["kind"] == "medicine",
        speed=arm["speed"],
        sessions=arm["sessions"],
        change=arm["change"],
        dropout=arm["dropout"],
        effect=weights(arm["effect"]),
        constant=arm["assignment"]["constant"],
        assignment=weights(arm["assignment"]),
    )
    for arm in MODEL["treatments"]
)

SITES: tuple[Site, ...] = tuple(
    Site(
        name=site["name"],
        share=site["share"],
        level=site["level"],
        severity=site["severity"],
        wait=site["wait"],
        jobs=site["jobs"],
        staff=tuple(site["staff"][arm.name] for arm in TREATMENTS),
        odds=np.array([site["odds"].get(arm.name, 0.0) for arm in TREATMENTS]),
    )
    for site in PEOPLE["sites"]
)
