"""What learned courses leave behind: the model, how scores are read, when to alert; in plain files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from msgspec import structs

from alleviate.features import FeatureSpec, schema
from alleviate.instruments import INSTRUMENTS, Instrument
from alleviate.instruments.parts import Change
from alleviate.models.courses.course import CourseModel
from alleviate.models.courses.histories import Histories
from alleviate.models.courses.workload import AlertPlan
from alleviate.models.trial import Floats
from alleviate.packages.canonical import from_json, to_json
from alleviate.packages.course_findings import CourseFindings
from alleviate.packages.rule import golden_people
from alleviate.terms.errors import InputError, PackageError

__all__ = ["STATED", "CoursePackage", "Following", "course_files", "course_from", "nothing_known"]

STATED = "as stated when the courses were learned"
GOLDEN_PEOPLE = 8
GOLDEN_TOLERANCE = 1e-7
"""Largest difference from a golden forecast, relative to the range of scores."""


@dataclass(frozen=True, slots=True)
class Following:
    """How scores are read. ``reliable``: points, where they were stated and are not the instrument's.

    ``unit`` of time: weeks, or sessions where no time was known; ``episode_gap``: after more units than
    this without a score a new episode begins. ``spec``: of intake; ``further``: columns of more measures.
    """

    instrument_id: str
    reliable: float | None
    unit: Literal["weeks", "sessions"]
    episode_gap: float | None
    spec: FeatureSpec
    further: tuple[str, ...]

    @property
    def instrument(self) -> Instrument:
        """With the reliable change that is used. Raises ``InputError`` where there is none."""
        found = INSTRUMENTS.get(self.instrument_id)
        if found is None or found.total != "sum":
            raise InputError(
                f"{self.instrument_id!r} is no instrument with a total that we know.",
                hint="See: alleviate instruments",
            )
        if self.reliable is not None:
            return structs.replace(found, reliable_change=Change(source=STATED, points=self.reliable))
        if found.reliable_change is None:
            raise InputError(
                f"No reliable change is published that we know for the {found.abbreviation}.",
                hint="State how many points count: --reliable POINTS",
            )
        return found


@dataclass(frozen=True, slots=True)
class CoursePackage:
    """Learned courses, ready to forecast. Alerts: so many of 100 patients, per session or over a course."""

    name: str
    following: Following
    model: CourseModel
    per_100: float
    per: Literal["session", "patient"]
    findings: CourseFindings

    @property
    def plan(self) -> AlertPlan:
        return self.model.workload.plan(self.per_100, self.per)


def course_files(package: CoursePackage) -> dict[str, bytes]:
    """The files of a package, by name. The inverse of ``course_from``, but for the seal."""
    following = package.following
    model = {
        "name": package.name,
        "following": {
            **{key: value for key, value in asdict(following).items() if key != "spec"},
            "features": following.spec.to_dict(),
        },
        "per_100": package.per_100,
        "per": package.per,
        "model": package.model.to_json(),
    }
    histories = _made_up(package)
    golden = {
        "people": histories.features.to_dicts(),
        "person": histories.person.tolist(),
        "time": histories.time.tolist(),
        "score": histories.score.tolist(),
        "further": [
            [float(value) if isfinite(value) else None for value in row] for row in histories.further
        ],
        "expected": _golden(package, histories).tolist(),
    }
    return {
        "model.json": to_json(model, sort=False),
        "golden.json": to_json(golden, sort=False),
        "findings.json": to_json(package.findings, sort=False),
    }


def _made_up(package: CoursePackage) -> Histories:
    """Made-up courses to test a package on when it is opened: worsening, level, improving."""
    model, spec = package.model, package.following.spec
    people = golden_people(model.encoder, spec) if spec.features else nothing_known(GOLDEN_PEOPLE)
    n, visits, scale = len(people), 4, model.scale
    start = scale.low + (scale.high - scale.low) * (0.3 + 0.08 * np.arange(n))
    drift = (scale.high - scale.low) * 0.1 * ((np.arange(n) % 3) - 1)
    score = np.clip(start[:, None] + drift[:, None] * np.arange(visits), scale.low, scale.high)
    return Histories(
        np.repeat(np.arange(n), visits),
        np.tile(np.arange(visits) * model.growth.basis.gap, n),
        score.ravel(),
        people,
        np.full(n, model.horizon),
        np.zeros(n, dtype=bool),
        np.full((n * visits, len(package.following.further)), np.nan),
    )


def nothing_known(n: int) -> pl.DataFrame:
    """``n`` people without a feature."""
    return pl.DataFrame({"person": range(n)}).drop("person")


def _golden(package: CoursePackage, histories: Histories) -> Floats:
    found = package.model.forecast(histories)
    return np.column_stack([getattr(found, name) for name in type(found).__slots__])


def course_from(files: Mapping[str, bytes], path: Path) -> CoursePackage:
    """What verified ``files`` hold, compared with its golden forecasts.

    ``path``: where they lie, as an error shows it. Raises ``PackageError``.
    """
    try:
        package = _parsed(files)
        golden = json.loads(files["golden.json"])
        expected = np.array(golden["expected"], dtype=float)
        histories = _golden_read(golden, package)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise PackageError(
            f"{path}: signed, but no courses that this version can read ({type(error).__name__}: {error}).",
            hint="Learn them again with this version.",
        ) from None
    found = _golden(package, histories)
    scale = package.model.scale
    near = GOLDEN_TOLERANCE * (scale.high - scale.low)
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=0.0, atol=near):
        raise PackageError(
            f"{path}: the model does not give the golden forecasts that were stored with it.",
            hint="Libraries here compute otherwise: learn it again, or use the versions in findings.json.",
        )
    return package


def _golden_read(golden: Mapping[str, Any], package: CoursePackage) -> Histories:
    person = np.array(golden["person"], dtype=np.int64)
    n, spec = int(person.max()) + 1, package.following.spec
    features = pl.DataFrame(golden["people"], schema=schema(spec)) if spec.features else nothing_known(n)
    further = np.array(golden["further"], dtype=float).reshape(len(person), -1)
    return Histories(
        person,
        np.array(golden["time"], dtype=float),
        np.array(golden["score"], dtype=float),
        features,
        np.full(n, package.model.horizon),
        np.zeros(n, dtype=bool),
        further,
    )


def _parsed(files: Mapping[str, bytes]) -> CoursePackage:
    data: dict[str, Any] = json.loads(files["model.json"])
    told = data["following"]
    following = Following(
        told["instrument_id"],
        told["reliable"],
        told["unit"],
        told["episode_gap"],
        FeatureSpec.from_dict(told["features"]),
        tuple(told["further"]),
    )
    following.instrument  # noqa: B018  (refuses one that this version does not know)
    return CoursePackage(
        data["name"],
        following,
        CourseModel.from_json(data["model"]),
        data["per_100"],
        data["per"],
        from_json(files["findings.json"], CourseFindings, name="findings.json"),
    )
