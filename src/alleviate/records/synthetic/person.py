"""Who comes: the traits of one person, drawn before anything is done for them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alleviate.records.synthetic.answers import QUESTIONNAIRES
from alleviate.records.synthetic.settings import FEATURES, MODEL, SITES, Site, weights

__all__ = ["Person", "draw_person", "is_holiday"]

_PEOPLE = MODEL["people"]
_SEVERITY = weights(_PEOPLE["severity"])
_PREFERENCES = ("talk", "tablets", "either")
_YEAR = 365.25
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Person:
    """One person as they are at assessment. ``distress`` is the true level, ``features`` (features,) is what
    moderates effects, by the order of `FEATURES`; ``shifts`` are own levels on each item, by questionnaire;
    ``anxiety``, ``function`` and ``drinking`` are the parts of those traits that distress does not explain.
    """

    site: Site
    referred: datetime
    assessed: datetime
    start: datetime
    born: datetime
    female: bool
    employment: str
    preference: str
    metaboliser: str
    earlier: int
    attempt: bool
    family_history: bool
    distress: float
    apart: dict[str, float]
    features: NDArray[np.float64]
    shifts: dict[str, NDArray[np.float64]]

    def has(self, feature: str) -> bool:
        """Whether a feature of yes and no is there."""
        return bool(self.features[FEATURES.index(feature)])


def draw_person(random: np.random.Generator, now: datetime) -> Person:
    """A person referred in the years before ``now``."""
    site = SITES[random.choice(len(SITES), p=[site.share for site in SITES])]
    span = _PEOPLE["years"] * _YEAR - 2
    referred = _at_work(now - timedelta(days=1 + span * random.random()), random)
    referred = min(referred, now.replace(microsecond=0))
    assessed = _at_work(referred + timedelta(days=7 + float(random.exponential(8.0))), random)
    start = _at_work(assessed + timedelta(days=7 + float(random.gamma(4.0, site.wait * 7 / 4))), random)
    age = float(np.clip(random.normal(_PEOPLE["age_mean"], _PEOPLE["age_spread"]), 18.1, _PEOPLE["age_most"]))
    born_on = (referred - timedelta(days=age * _YEAR)).date()
    has = dict.fromkeys(FEATURES, 0.0)
    has["young"], has["older"] = float(age < _PEOPLE["young_below"]), float(age >= _PEOPLE["older_from"])
    employment = _employment(random, has, site.jobs)
    has["unemployed"] = float(employment == "unemployed")
    preference = _PREFERENCES[random.choice(3, p=_PEOPLE["preference"]["shares"])]
    metaboliser = str(random.choice(list(_PEOPLE["metaboliser"]), p=list(_PEOPLE["metaboliser"].values())))
    for name in (preference, metaboliser):
        if name in has:
            has[name] = 1.0
    earlier = int(min(6, random.poisson(_PEOPLE["episodes_rate"] * (age - 10) / 30)))
    has["recurrent"] = float(earlier >= _PEOPLE["recurrent_from"])
    for name in ("trauma", "insomnia", "pain"):
        has[name] = float(random.random() < _PEOPLE[name])
    features = np.array([has[name] for name in FEATURES])
    distress = float(
        _PEOPLE["severity"]["constant"]
        + site.severity
        + _SEVERITY @ features
        + random.normal(0.0, _PEOPLE["spread"])
    )
    features[FEATURES.index("severe")] = distress
    return Person(
        site=site,
        referred=referred,
        assessed=assessed,
        start=start,
        born=datetime(born_on.year, born_on.month, born_on.day, tzinfo=UTC),
        female=bool(random.random() < _PEOPLE["female"]),
        employment=employment,
        preference=preference,
        metaboliser=metaboliser,
        earlier=earlier,
        attempt=bool(random.random() < _PEOPLE["attempt"]),
        family_history=bool(random.random() < _PEOPLE["family_history"]),
        distress=distress,
        apart={name: float(random.normal()) for name in QUESTIONNAIRES},
        features=features,
        shifts=_shifts(random, has),
    )


def _employment(random: np.random.Generator, has: dict[str, float], jobs: float) -> str:
    group = "young" if has["young"] else "older" if has["older"] else "middle"
    shares = np.array(_PEOPLE["employment"][group])
    shares[1] *= jobs
    return str(random.choice(_PEOPLE["employment"]["names"], p=shares / shares.sum()))


def _shifts(random: np.random.Generator, has: dict[str, float]) -> dict[str, NDArray[np.float64]]:
    """A person's own levels: some always sleep badly, whatever their mood."""
    shifts = {
        name: random.normal(0.0, _PEOPLE["item_spread"], len(form.slopes))
        for name, form in QUESTIONNAIRES.items()
    }
    shifts["phq9"][2] += _PEOPLE["insomnia_on_sleep"] * has["insomnia"]
    shifts["phq9"][3] += _PEOPLE["pain_on_fatigue"] * has["pain"]
    return shifts


def _at_work(moment: datetime, random: np.random.Generator) -> datetime:
    """That day or the next on which the clinic is open, at a quarter of an hour between 8 and 16:45."""
    day = moment
    while day.weekday() > _FRIDAY or is_holiday(day):
        day += timedelta(days=1)
    return day.replace(
        hour=int(random.integers(8, 17)), minute=int(random.integers(0, 4)) * 15, second=0, microsecond=0
    )


def is_holiday(moment: datetime) -> bool:
    """Whether the clinic is closed over Christmas and New Year."""
    return (moment.month, moment.day) >= (12, 24) or (moment.month, moment.day) == (1, 1)
