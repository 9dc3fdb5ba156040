"""What a screening package holds once it is opened, and how it is laid out in files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from alleviate.models.screening.joint import Joint
from alleviate.models.screening.scale import Scale
from alleviate.models.screening.screen import Bends, Screen, targets_from
from alleviate.models.trial import Floats
from alleviate.packages.canonical import from_json, to_json
from alleviate.terms.errors import PackageError
from alleviate.terms.estimates import Estimate

__all__ = [
    "JudgedInstrument",
    "ScreeningFindings",
    "ScreeningPackage",
    "Variable",
    "screening_files",
    "screening_from",
]

GOLDEN_PEOPLE = 6
GOLDEN_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Variable:
    """A column of the screen. ``of``: an instrument's id, an item's code, or the stem of diagnoses' codes.

    ``total`` and ``before`` are of the last form that is fresh, and the last that is not; higher is worse.
    """

    name: str
    kind: Literal["total", "before", "item", "age", "female", "diagnosis"]
    of: str = ""


@dataclass(frozen=True, slots=True)
class JudgedInstrument:
    """How well caseness was foreseen in people held out. ``reason``: why not, where ``measures`` are none.

    ``n``: people who were given it, ``cases`` of them cases (at any of their moments), ``share`` of moments.
    """

    instrument: str
    n: int
    cases: int
    share: float
    measures: Mapping[str, Estimate]
    reason: str = ""

    @property
    def weak(self) -> bool:
        """Whether it was not told better than by chance: what was foreseen does not rise with what came."""
        slope = self.measures.get("calibration_slope")
        return slope is None or slope.low <= 0


@dataclass(frozen=True, slots=True)
class ScreeningFindings:
    """``n``: people; ``moments`` of theirs; ``source``: words for where they came from."""

    n: int
    moments: int
    source: str
    instruments: tuple[JudgedInstrument, ...]
    warnings: tuple[str, ...]
    fingerprint: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScreeningPackage:
    """``days``: an answer older than this is asked again. ``seen``: youngest and oldest age, where known."""

    screen: Screen
    variables: tuple[Variable, ...]
    days: int
    seen: tuple[float, float] | None
    findings: ScreeningFindings

    def row(self, values: Mapping[str, float]) -> Floats:
        """(p,) of what is known by variable name; the rest is NaN, and what is no variable is left out."""
        return np.array([values.get(variable.name, np.nan) for variable in self.variables], dtype=float)

    def column(self, name: str) -> int | None:
        """The place of a variable, if there is one of this name."""
        return next((j for j, variable in enumerate(self.variables) if variable.name == name), None)


def screening_files(package: ScreeningPackage) -> dict[str, bytes]:
    """The files of a package, by name. The inverse of `screening_from`."""
    screen = package.screen
    model = {
        "days": package.days,
        "seen": None if package.seen is None else list(package.seen),
        "variables": [asdict(variable) for variable in package.variables],
        "scales": [scale.to_json() for scale in screen.scales],
        "joint": screen.joint.to_json(),
        "targets": [asdict(target) for target in screen.targets],
        "bends": _listed(screen.bends),
        "draws": [{"joint": joint.to_json(), "bends": _listed(bends)} for joint, bends in screen.draws],
    }
    golden = {"expected": _golden(screen).tolist()}
    return {
        "model.json": to_json(model, sort=False),
        "golden.json": to_json(golden, sort=False),
        "findings.json": to_json(package.findings, sort=False),
    }


def screening_from(files: Mapping[str, bytes], path: Path) -> ScreeningPackage:
    """The screening that verified ``files`` hold, compared with its golden predictions.

    ``path``: where they lie, as an error shows it. Raises ``PackageError``.
    """
    try:
        package = _parsed(files)
        expected = np.array(json.loads(files["golden.json"])["expected"], dtype=float)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            f"{path}: signed, but no screening that this version can read ({type(error).__name__}: {error}).",
            hint="Learn it again with this version.",
        ) from None
    found = _golden(package.screen)
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=0.0, atol=GOLDEN_TOLERANCE):
        raise PackageError(
            f"{path}: the model does not give the golden predictions that were stored with it.",
            hint="Libraries here compute otherwise: learn it again, or use the versions in findings.json.",
        )
    return package


def _golden(screen: Screen) -> Floats:
    """(people, targets) probabilities for made-up people, each of whom has another third of all answered."""
    p = len(screen.scales)
    found = []
    for i in range(GOLDEN_PEOPLE):
        x = np.full(p, np.nan)
        for j, scale in enumerate(screen.scales):
            if (i + j) % 3 == 0 and not any(target.column == j for target in screen.targets):
                x[j] = scale.values[(i + j) % len(scale.values)]
        told = screen.probable(x)
        found.append([told[target.name].p for target in screen.targets])
    return np.array(found)


def _parsed(files: Mapping[str, bytes]) -> ScreeningPackage:
    model: dict[str, Any] = json.loads(files["model.json"])
    screen = Screen(
        scales=tuple(Scale.from_json(each) for each in model["scales"]),
        joint=Joint.from_json(model["joint"]),
        targets=targets_from(model["targets"]),
        bends=_bends(model["bends"]),
        draws=tuple((Joint.from_json(each["joint"]), _bends(each["bends"])) for each in model["draws"]),
    )
    seen = model["seen"]
    return ScreeningPackage(
        screen=screen,
        variables=tuple(Variable(**each) for each in model["variables"]),
        days=int(model["days"]),
        seen=None if seen is None else (float(seen[0]), float(seen[1])),
        findings=from_json(files["findings.json"], ScreeningFindings, name="findings.json"),
    )


def _listed(bends: tuple[Bends, ...]) -> list[list[list[float]]]:
    return [[list(bend) for bend in pair] for pair in bends]


def _bends(data: list[list[list[float]]]) -> tuple[Bends, ...]:
    return tuple(((float(a), float(b)), (float(c), float(d))) for (a, b), (c, d) in data)
