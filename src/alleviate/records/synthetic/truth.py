"""What is true of the synthetic clinic: what to expect of each treatment, and how likely each is chosen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, pi

import numpy as np
from numpy.typing import NDArray

from alleviate.records.synthetic.answers import QUESTIONNAIRES
from alleviate.records.synthetic.person import Person
from alleviate.records.synthetic.settings import FEATURES, MODEL, SITES, TREATMENTS, weights

__all__ = ["Staff", "draw_staff", "end_distress", "expected_totals", "propensities", "season"]

Floats = NDArray[np.float64]

_COURSE = MODEL["course"]
_FLOOR = MODEL["assignment"]["floor"]
_SEVERE = FEATURES.index("severe")
_CHANGE = np.array([arm.change for arm in TREATMENTS])
_EFFECT = np.stack([arm.effect for arm in TREATMENTS]) + weights(MODEL["prognosis"])
_ODDS = np.array([arm.constant for arm in TREATMENTS])
_ASSIGNMENT = np.stack([arm.assignment for arm in TREATMENTS])
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_MIDWINTER, _YEAR = 15, 365.25


@dataclass(frozen=True, slots=True)
class Staff:
    """Those who give one treatment at one site.

    ``effects`` is what each adds to distress at the end, ``caseloads`` the share of people that each sees.
    """

    names: tuple[str, ...]
    effects: Floats
    caseloads: Floats


def draw_staff(random: np.random.Generator) -> dict[tuple[str, str], Staff]:
    """The staff of the clinic, by names of site and treatment."""
    staff = {}
    for site in SITES:
        for arm, size in zip(TREATMENTS, site.staff, strict=True):
            names = tuple(f"{site.name.lower()}-{arm.name}-{number}" for number in range(1, size + 1))
            effects = random.normal(0.0, _COURSE["therapist"], size)
            staff[site.name, arm.name] = Staff(names, effects, random.dirichlet(np.full(size, 8.0)))
    return staff


def season(moment: datetime) -> float:
    """What the time of the year adds to distress: most in mid-January, least in mid-July."""
    day = moment.timetuple().tm_yday
    return float(_COURSE["winter"]) * cos(2 * pi * (day - _MIDWINTER) / _YEAR)


def end_distress(person: Person) -> Floats:
    """Mean distress at the last week under each treatment, before therapists: shape (treatments,)."""
    end = person.start + timedelta(weeks=_COURSE["weeks"])
    ahead: Floats = _CHANGE + _EFFECT @ person.features
    return person.distress + person.site.level + season(end) + ahead


def expected_totals(person: Person, staff: dict[tuple[str, str], Staff]) -> Floats:
    """E[PHQ-9 at the last week | person, treatment]: over therapists, response, ups and downs, and answers.

    Shape (treatments,), in points; by Gauss-Hermite quadrature with 21 nodes.
    """
    spread = np.hypot(_COURSE["noise"], _COURSE["response"])
    phq9, shift = QUESTIONNAIRES["phq9"], person.shifts["phq9"]
    expected = []
    for arm, centre in zip(TREATMENTS, end_distress(person), strict=True):
        those = staff[person.site.name, arm.name]
        totals = phq9.expected_total(centre + those.effects[:, None] + spread * _NODES, shift)
        expected.append(float(those.caseloads @ totals @ _WEIGHTS))
    return np.array(expected)


def propensities(person: Person, phq9: int) -> Floats:
    """P(treatment | what the assessment shows): shape (treatments,). ``phq9`` is the total at assessment.

    Everything that it uses stands in the record, so assignment is ignorable given the record.
    """
    seen = person.features.copy()
    seen[_SEVERE] = (phq9 - 15) / 5
    logits = _ODDS + person.site.odds + _ASSIGNMENT @ seen
    chosen = np.exp(logits - logits.max())
    share: Floats = _FLOOR + (1 - _FLOOR * len(TREATMENTS)) * chosen / chosen.sum()
    return share
