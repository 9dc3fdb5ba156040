"""PROBAST+AI's signalling questions that a package can answer by rule."""

from collections.abc import Callable, Mapping
from typing import Literal

from alleviate.packages.prognosis_findings import PrognosisFindings

__all__ = ["Answer", "answered"]

Answer = Literal["yes", "probably yes", "probably no", "no information", "for a person"]

Key = Literal["yes", "probably", "no", "unknown"]

WRITTEN: Mapping[Key, Answer] = {
    "yes": "yes",
    "probably": "probably yes",
    "no": "probably no",
    "unknown": "no information",
}

ENOUGH_EVENTS = 100
"""With the event, and without, to judge a model by (Collins, Ogundimu & Altman, Stat Med 2016)."""


def answered(rule: str, findings: PrognosisFindings) -> tuple[Answer, Key]:
    """The answer, and the key of its reason in ``probast.toml``."""
    key = RULES[rule](findings)
    return WRITTEN[key], key


def _enough_to_develop(f: PrognosisFindings) -> Key:
    if f.fitting is None or f.fitting.needed is None:
        return "unknown"
    return "yes" if f.n >= f.fitting.needed.people else "no"


def _fit(f: PrognosisFindings) -> Key:
    if f.fitting is None or f.fitting.gap.fit == "unsure":
        return "unknown"
    return "yes" if f.fitting.gap.fit == "neither" else "no"


def _enough_to_evaluate(f: PrognosisFindings) -> Key:
    head = f.validations[0]
    if head.events is None:
        return "unknown"
    return "yes" if min(head.events, head.n - head.events) >= ENOUGH_EVENTS else "no"


def _measured(f: PrognosisFindings) -> Key:
    return "yes" if f.validations[0].curve else "probably"


RULES: Mapping[str, Callable[[PrognosisFindings], Key]] = {
    "outcome_apart": lambda f: "probably",
    "enough_to_develop": _enough_to_develop,
    "predictors_handled": lambda f: "yes",
    "missing_handled": lambda f: "probably",
    "chosen_inside": lambda f: "yes",
    "fit": _fit,
    "enough_to_evaluate": _enough_to_evaluate,
    "others_judged": lambda f: "probably" if f.headline == "cross-validation" else "yes",
    "measured": _measured,
    "not_resampled": lambda f: "yes",
    "grouped": lambda f: "yes" if f.groups else "unknown",
}
