"""What a study file says of treatments: ``[treatment]``, or a ``[[stage]]`` for each decision in turn."""

from collections.abc import Sequence
from math import fsum
from typing import cast

from alleviate.studies.sections import Section, nearest
from alleviate.terms.study import Assignment, Controls, Stage, Treatment

__all__ = ["CONTROL_KEYS", "STAGE_KEYS", "TREATMENT_KEYS", "read_controls", "read_stages", "read_treatment"]

TREATMENT_KEYS = ("column", "arms", "usual", "assignment", "probability", "trim")
STAGE_KEYS = ("name", *TREATMENT_KEYS, "features")
CONTROL_KEYS = ("outcome", "arms")


def read_treatment(section: Section) -> Treatment:
    """``[treatment]``, checked. Raises StudyError."""
    arms, usual = section.texts_by_name("arms"), section.name_or_none("usual")
    if arms and len(set(arms.values())) < 2:
        raise section.wrong("arms", "at least two different arms")
    if arms and usual is not None and usual not in arms.values():
        raise section.wrong("usual", "the name of an arm", nearest(usual, arms.values()))
    assignment = cast(Assignment, section.choice("assignment", ("randomised", "observational"), "randomised"))
    probability = _probability(section, set(arms.values()))
    if probability == "known" and assignment == "observational":
        hint = 'Leave "probability" out: it is then estimated.'
        raise section.error("probability", '"known" is for randomised arms; here nobody drew lots', hint)
    trim = section.positive("trim")
    if trim is not None and trim >= 0.5:
        raise section.wrong("trim", "a chance above 0 and below 0.5", "Crump et al. (2009) take 0.1.")
    if trim is not None and probability is not None:
        hint = "Leave one of the two out."
        raise section.error(
            "trim", "people are left out by estimated chances only; here they are given", hint
        )
    return Treatment(section.required("column"), usual, assignment, arms, probability, trim)


def read_stages(sections: Sequence[Section]) -> tuple[Stage, ...]:
    """Each ``[[stage]]`` in turn: two or more, with names, columns and features of their own."""
    stages: list[Stage] = []
    for section in sections:
        section.refuse_unknown(STAGE_KEYS)
        stage = Stage(section.required("name"), read_treatment(section), section.names("features"))
        for earlier in stages:
            if earlier.name == stage.name:
                raise section.wrong("name", "another name than an earlier stage's")
            if earlier.treatment.column == stage.treatment.column:
                raise section.wrong("column", "another column than an earlier stage's")
            again = next((name for name in stage.features if name in earlier.features), None)
            if again is not None:
                hint = "Take it out: what was known earlier is still known."
                raise section.error("features", f'"{again}" is a feature of "{earlier.name}" already', hint)
        stages.append(stage)
    if len(stages) == 1:
        raise sections[0].error("", "one stage alone is a treatment", "Write [treatment], or add a stage.")
    if stages and not stages[0].features:
        hint = 'As in: features = ["age", "severity"]'
        raise sections[0].error(
            "features", "expected what is known of people before treatment, got none", hint
        )
    return tuple(stages)


def read_controls(section: Section, treatment: Treatment) -> Controls:
    """``[controls]``, checked. Raises StudyError."""
    arms = section.names("arms")
    if arms and len(arms) != 2:
        raise section.wrong("arms", "two arms that ought not to differ")
    named = set(treatment.arms.values())
    strange = next((arm for arm in arms if named and arm not in named), None)
    if strange is not None:
        raise section.wrong("arms", "names of arms", nearest(strange, named))
    return Controls(section.name_or_none("outcome"), arms)


def _probability(section: Section, arms: set[str]) -> str | dict[str, float] | dict[str, str] | None:
    value = section.values.get("probability")
    if not isinstance(value, dict):
        if isinstance(value, (int, float)):
            raise section.wrong("probability", 'a number for each arm, as in { "CBT" = 0.5, "TAU" = 0.5 }')
        return section.name_or_none("probability")
    if arms and set(value) != arms:
        wrong = next(iter(set(value) ^ arms))
        hint = nearest(wrong, arms) if wrong in value else f'"{wrong}" is missing.'
        raise section.wrong("probability", "exactly the arms of this study", hint)
    if value and all(isinstance(column, str) and column.strip() for column in value.values()):
        return {arm: str(column) for arm, column in value.items()}
    if not value or any(isinstance(p, bool) or not isinstance(p, (int, float)) for p in value.values()):
        raise section.wrong("probability", "a number for each arm, or a column for each arm")
    if not all(0 < p < 1 for p in value.values()) or abs(fsum(value.values()) - 1) > 1e-6:
        hint = "Give the chance of each arm by the lot that was drawn."
        raise section.wrong("probability", "numbers between 0 and 1 that sum to 1", hint)
    return {arm: float(p) for arm, p in value.items()}
