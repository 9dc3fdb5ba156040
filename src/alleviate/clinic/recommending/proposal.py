"""From a chart and the live packages to a *Proposal*: everything that will be shown, and what it rests on."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from alleviate import __version__
from alleviate.advice import safety
from alleviate.clinic.recommending.asking import Asked, ask
from alleviate.clinic.recommending.fitting import misfit, started
from alleviate.clinic.recommending.options import Ordered, held, ordered
from alleviate.clinic.recommending.prospects import prospects
from alleviate.clinic.recommending.sides import sided
from alleviate.clinic.recommending.whatif import changes, gaps
from alleviate.clinic.recommending.wording import wording
from alleviate.clinic.shelf import Shelf, Shelved
from alleviate.clinic.wishes import wishes_of
from alleviate.decisions import Proposal
from alleviate.decisions.parts import Aim, Begun, Evidence, Passed, Prospect, Versions, Wanted
from alleviate.instruments import INSTRUMENTS
from alleviate.records import KINDS, Kind, PatientRecord
from alleviate.studies.rules import LearnedRule
from alleviate.studies.vault_sections import spec_of

__all__ = ["Person", "build", "key_of", "kinds_of", "moment_of"]

Rule = Shelved[LearnedRule]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is advised: our id, the record as it may be read, which kinds may be, the record's revision."""

    patient: str
    record: PatientRecord
    allowed: frozenset[Kind] = frozenset(KINDS)
    revision: int = 0


def moment_of(now: datetime) -> datetime:
    """The last moment of the day: what is known today counts, and one day gives one proposal, not thousands.

    Ages and windows are reckoned in days, and a record knows nothing of what lies ahead.
    """
    return datetime.combine(now.date(), time(23, 59, 59), UTC)


def key_of(person: Person, shelf: Shelf, question: str, now: datetime) -> str:
    """A word that is the same for the same content: record, packages, rules, wording, version and day."""
    told = [
        person.patient,
        _fingerprint(person.record),
        sorted(person.allowed),
        question,
        [each.seal for each in shelf.rules()] + [each.seal for each in shelf.prognoses()],
        safety.digest(),
        wording(),
        __version__,
        now.date().isoformat(),
    ]
    return "advice:" + hashlib.sha256(json.dumps(told).encode()).hexdigest()


def kinds_of(proposal: Proposal, record: PatientRecord, shelf: Shelf) -> tuple[Kind, ...]:
    """The kinds of data that a proposal speaks of: who withholds one of them withholds the proposal too."""
    studies = [each.what.study for each in shelf.rules()] + [each.what.study for each in shelf.prognoses()]
    features = [feature for study in studies for feature in spec_of(study.definitions).features]
    found: set[Kind] = {
        event.kind for event in record.events if any(feature.matches(event.code) for feature in features)
    }
    if any(option.concerns for option in proposal.options) or proposal.unchecked:
        found |= {"medication", "condition"}
    if any(concern.because for option in proposal.options for concern in option.concerns):
        found |= {"measurement", "genetic"}
    if proposal.wishes:
        found.add("preference")
    if proposal.begun:
        found.add("episode")
    return tuple(kind for kind in KINDS if kind in found and any(e.kind == kind for e in record.events))


def build(person: Person, shelf: Shelf, now: datetime, *, question: str = "") -> Proposal:
    """What is proposed to the care team of ``person`` at ``now`` (UTC).

    ``question``: the name of the package that is asked; "" asks the first that fits. Packages out of use are
    never asked. Nothing is stored.
    """
    moment = moment_of(now)
    record = person.record
    fits = {each.name: misfit(each.what.study, record, moment) for each in shelf.rules()}
    fitting = [each for each in shelf.rules() if not fits[each.name]]
    chosen = next((each for each in fitting if question in ("", each.name)), None)
    passed = tuple(
        Passed(each.name, each.what.package.title, fits[each.name])
        for each in shelf.rules()
        if fits[each.name]
    )
    foreseen, silent = prospects(shelf.prognoses(), record, moment)
    nothing = _nothing(person, moment, (*passed, *silent), foreseen)
    if chosen is None:
        return nothing
    return _advised(nothing, chosen, person, moment)


def _advised(nothing: Proposal, rule: Rule, person: Person, moment: datetime) -> Proposal:
    package, study, record = rule.what.package, rule.what.study, person.record
    arms = [held(arm, study, record, moment, person.allowed) for arm in package.arms]
    asked = ask(rule.what, record, moment, [each.barred for each in arms])
    found = ordered(asked, arms, nothing.wishes, package.title)
    speaks_for, against, unknown = sided(asked.reasons)
    medicine = any(each.kind in ("medicine", "mixed", "unknown") for each in arms)
    running = started(record, study.cohort.start, moment) if study.cohort else None
    return replace(
        nothing,
        standing=found.standing,
        reason=_reason(asked, found),
        first=found.first,
        benefit=found.benefit,
        options=found.options,
        reordered=found.moved,
        reasons_for=speaks_for,
        reasons_against=against,
        unknown=unknown,
        changes=changes(asked),
        gaps=gaps(asked),
        newest=_newest(asked, record, moment),
        comparable=0 if asked.problem else int(asked.outlook.utility.comparable[0].sum()),
        unchecked=safety.unchecked(record, moment, person.allowed) if medicine else (),
        begun=() if running is None else (Begun(running.words, running.at.date().isoformat()),),
        aim=_aim(rule.what),
        evidence=_evidence(rule.what),
        versions=replace(nothing.versions, package=rule.name, seal=rule.seal, signer=rule.signer),
    )


def _nothing(
    person: Person, moment: datetime, passed: tuple[Passed, ...], foreseen: tuple[Prospect, ...]
) -> Proposal:
    """What is shown where no package fits."""
    wishes: tuple[Wanted, ...] = wishes_of(person.record)
    return Proposal(
        patient=person.patient,
        moment=moment,
        standing="no-package",
        reason="",
        first="",
        benefit=None,
        options=(),
        reordered=False,
        reasons_for=(),
        reasons_against=(),
        unknown=(),
        changes=(),
        gaps=(),
        newest="",
        comparable=0,
        unchecked=(),
        wishes=wishes,
        begun=(),
        aim=None,
        evidence=None,
        prospects=foreseen,
        passed=passed,
        versions=Versions(
            alleviate=__version__,
            package="",
            seal="",
            signer="",
            record=_fingerprint(person.record),
            revision=person.revision,
            rules=safety.digest(),
            wording=wording(),
        ),
    )


def _reason(asked: Asked, found: Ordered) -> str:
    problem = asked.problem or asked.choices.reasons[0] or ""
    return problem[:1].upper() + problem[1:] if found.standing in ("cannot-say", "none-safe") else ""


def _newest(asked: Asked, record: PatientRecord, moment: datetime) -> str:
    """The day of the newest score among what the rule read, or ""."""
    times = [
        event.time
        for event in record.at(moment).events
        if event.kind in ("questionnaire", "measurement")
        and any(feature.matches(event.code) for feature in asked.features)
    ]
    return max(times).date().isoformat() if times else ""


def _aim(rule: LearnedRule) -> Aim | None:
    study, outcome = rule.study, rule.package.outcome
    if study.cohort is None:
        return None
    instrument = INSTRUMENTS.get(str(study.cohort.outcome.get("of", "")))
    change = instrument.reliable_change if instrument and "item" not in study.cohort.outcome else None
    return Aim(
        label=outcome.words,
        unit=outcome.unit,
        better=outcome.better,
        important=outcome.important or 0.0,
        risk=bool(outcome.binary),
        feature=dict(study.cohort.outcome),
        start=study.cohort.start,
        by_code=study.cohort.arm == "code",
        arms=dict(study.treatment.arms),
        opens=study.cohort.opens + max(0, study.cohort.offset),
        closes=study.cohort.closes + max(0, study.cohort.offset),
        reliable=change.points if change else None,
        scale=_scale(rule),
    )


def _scale(rule: LearnedRule) -> tuple[float, float] | None:
    """Of a risk 0 to 1, of an instrument's total its range; None of anything else."""
    if rule.package.outcome.binary:
        return 0.0, 1.0
    cohort = rule.study.cohort
    instrument = INSTRUMENTS.get(str(cohort.outcome.get("of", ""))) if cohort else None
    whole = cohort is not None and cohort.outcome.get("take", "last") in (
        "last",
        "first",
        "mean",
        "min",
        "max",
    )
    if instrument is None or cohort is None or not whole or "item" in cohort.outcome:
        return None
    return instrument.range


def _evidence(rule: LearnedRule) -> Evidence:
    study, findings = rule.study, rule.package.findings
    return Evidence(
        study=study.name,
        title=rule.package.title,
        question=study.question,
        reference=study.reference,
        n=findings.n,
        randomised=findings.assignment == "randomised",
        verdict=findings.verdict,
        reason=findings.reason,
        best_arm=findings.best_arm,
        value=dict(findings.value),
        gain=dict(findings.gain),
        warnings=tuple(findings.warnings),
    )


def _fingerprint(record: PatientRecord) -> str:
    """Of all events of the record, as they may be read."""
    plain = json.dumps(record.to_dict(), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()
