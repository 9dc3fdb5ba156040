"""What the live prognoses foresee of a person, whatever is done as a matter of course."""

from collections.abc import Sequence
from datetime import datetime

from alleviate.clinic.recommending.fitting import misfit
from alleviate.clinic.shelf import Shelved
from alleviate.decisions.parts import Passed, Prospect
from alleviate.records import PatientRecord
from alleviate.studies.prognosis.prognoses import Prognosis
from alleviate.terms.estimates import Estimate

__all__ = ["prospects"]

_RISKS = ("binary", "time-to-event")


def prospects(
    shelved: Sequence[Shelved[Prognosis]], record: PatientRecord, moment: datetime
) -> tuple[tuple[Prospect, ...], tuple[Passed, ...]]:
    """What is foreseen, and the prognoses that have nothing to say of this person."""
    found, passed = [], []
    for each in shelved:
        why = misfit(each.what.study, record, moment)
        if why:
            passed.append(Passed(each.name, each.what.package.title, why))
        else:
            found.append(_prospect(each, record, moment))
    return tuple(found), tuple(passed)


def _prospect(each: Shelved[Prognosis], record: PatientRecord, moment: datetime) -> Prospect:
    (told,) = each.what.predict_records([record], moment)
    outcome = each.what.package.outcome
    known = not told["abstained"] and told["estimate"] is not None
    return Prospect(
        package=each.name,
        seal=each.seal,
        title=each.what.package.title,
        label=outcome.words,
        unit=outcome.unit,
        risk=outcome.kind in _RISKS,
        expected=Estimate(told["estimate"], told["low"], told["high"]) if known else None,
        reason=told["reason"] or "",
        reasons=tuple(told["reasons"]),
        likely=tuple(told["set"] or ()) if outcome.kind not in _RISKS else (),
    )
