"""Hard rules about medicines, held against a record: ``rules.toml``. They beat every model."""

import hashlib
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from math import inf
from typing import Any

from alleviate.advice.safety.concerns import Concern, ConcernLevel
from alleviate.advice.safety.recorded import Recorded, is_one_of
from alleviate.advice.safety.treatments import Treatment, treatments
from alleviate.records import KINDS, Kind, PatientRecord

__all__ = ["NEEDED", "check", "digest", "unchecked"]

NEEDED: Mapping[str, Kind] = {
    "taking": "medication",
    "has": "condition",
    "age": "person",
    "measured": "measurement",
    "found": "genetic",
}
"""What calls a rule, and the kind of data that it reads."""

CHILDBEARING = (12, 56)
"""Ages, in years, at which nothing recorded about pregnancy means that nobody asked."""


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    level: ConcernLevel
    treatments: frozenset[str]
    families: frozenset[str]
    called: str
    told: Mapping[str, Any]

    def about(self, treatment: Treatment) -> bool:
        return treatment.id in self.treatments or treatment.family in self.families


def check(
    record: PatientRecord,
    moment: datetime,
    treatment: Treatment | None,
    name: str,
    allowed: Collection[Kind] = KINDS,
) -> tuple[Concern, ...]:
    """What speaks against giving ``treatment`` (None: unknown; ``name`` is its arm's) to this person now.

    ``allowed``: the kinds of data that may be read. A rule that cannot be asked counts as if it held: without
    the rules no medicine is suggested. Vetoes come first.
    """
    words = _read()["words"]
    if treatment is None:
        return (Concern("unknown", "veto", name, words["unknown"], "", ""),)
    if treatment.kind != "medicine":
        return ()
    about = [rule for rule in _rules() if rule.about(treatment)]
    if not any(rule.level == "veto" for rule in about):
        return (Concern("no-rules", "veto", treatment.title, words["no_rules"], "", ""),)
    seen = Recorded.of(record, moment)
    found: dict[str, Concern] = {}
    for rule in about:
        if NEEDED[rule.called] not in allowed:
            key = "not_permitted" if rule.level == "veto" else "not_permitted_caution"
            found.setdefault(
                key, Concern(key.replace("_", "-"), rule.level, treatment.title, words[key], "", "")
            )
        elif (because := _CALLS[rule.called](rule.told, seen, treatment)) is not None:
            text = words["no_birth"] if rule.called == "age" and seen.age is None else rule.told["text"]
            found[rule.id] = Concern(rule.id, rule.level, treatment.title, text, because, rule.told["source"])
    return tuple(sorted(found.values(), key=lambda concern: concern.level != "veto"))


def unchecked(record: PatientRecord, moment: datetime, allowed: Collection[Kind] = KINDS) -> tuple[str, ...]:
    """What somebody has to ask before any medicine is begun, since no rule here can know it."""
    words, seen = _read()["unchecked"], Recorded.of(record, moment)
    told = [words["allergies"]]
    if "medication" in allowed:
        running = [medicine for medicine in seen.medicines if medicine.stopped is None]
        strange = sorted({m.name for m in running if not _known(m.codes, m.words)})
        if not seen.medicines:
            told.append(words["no_medicines"])
        elif strange:
            told.append(words["unknown_medicines"].format(medicines=", ".join(strange)))
    low, high = CHILDBEARING
    may_bear = seen.sex != "male" and (seen.age is None or low <= seen.age < high)
    if may_bear and _has({"has": "pregnancy"}, seen, None) is None:
        told += [words["pregnancy"], words["breast_feeding"]]
    return (*told, words["partial"])


def digest() -> str:
    """SHA-256 (hex) of the rules and of what the names mean: which rules were asked."""
    folder = files("alleviate.advice.safety")
    return hashlib.sha256(
        b"\0".join((folder / name).read_bytes() for name in ("rules.toml", "treatments.toml"))
    ).hexdigest()


def _known(codes: tuple[str, ...], words: str) -> bool:
    """Whether any rule reads this medicine."""
    groups = _read()["medicines"].values()
    return any(is_one_of(codes, words, group["codes"], group["words"]) for group in groups)


def _taking(told: Mapping[str, Any], seen: Recorded, treatment: Treatment | None) -> str | None:
    group, words = _read()["medicines"][told["taking"]], _read()["words"]
    since = seen.moment - timedelta(days=told.get("days", 0))
    for medicine in seen.medicines:
        if not is_one_of(medicine.codes, medicine.words, group["codes"], group["words"]):
            continue
        same = treatment and is_one_of(medicine.codes, medicine.words, treatment.codes, [treatment.title])
        if same:  # it runs already: that is said elsewhere
            continue
        if medicine.stopped is None or medicine.stopped > seen.moment:
            return str(words["because_taking"].format(medicine=medicine.name))
        if "days" in told and medicine.stopped >= since:
            day = medicine.stopped.date().isoformat()
            return str(words["because_stopped"].format(medicine=medicine.name, day=day))
    return None


def _has(told: Mapping[str, Any], seen: Recorded, _: Treatment | None) -> str | None:
    codes = _read()["conditions"][told["has"]]["codes"]
    since = seen.moment - timedelta(days=told["days"]) if "days" in told else None
    for condition in seen.conditions:
        if is_one_of(condition.codes, "", codes, ()) and (since is None or condition.onset >= since):
            return str(_read()["words"]["because_has"].format(condition=condition.name))
    return None


def _age(told: Mapping[str, Any], seen: Recorded, _: Treatment | None) -> str | None:
    if seen.age is None:
        return "" if told["level"] == "veto" else None
    low, below = told["age"].get("from", -inf), told["age"].get("below", inf)
    words = _read()["words"]["because_age"]
    return str(words.format(age=int(seen.age))) if low <= seen.age < below else None


def _measured(told: Mapping[str, Any], seen: Recorded, _: Treatment | None) -> str | None:
    event = seen.last.get(told["measured"])
    if event is None or event.numeric_value is None:
        return None
    old = event.time < seen.moment - timedelta(days=told["days"])
    value = event.numeric_value
    if old or not (value < told.get("below", -inf) or value > told.get("above", inf)):
        return None
    unit = f" {event.text_value}" if event.text_value else ""
    day = event.time.date().isoformat()
    return str(_read()["words"]["because_measured"].format(value=f"{value:g}", unit=unit, day=day))


def _found(told: Mapping[str, Any], seen: Recorded, _: Treatment | None) -> str | None:
    event = seen.last.get(told["found"])
    if event is None or (event.text_value or "").casefold() not in {w.casefold() for w in told["words"]}:
        return None
    return str(_read()["words"]["because_found"].format(words=event.text_value))


_Call = Callable[[Mapping[str, Any], Recorded, Treatment | None], str | None]

_CALLS: Mapping[str, _Call] = {
    "taking": _taking,
    "has": _has,
    "age": _age,
    "measured": _measured,
    "found": _found,
}


@cache
def _read() -> dict[str, Any]:
    text = (files("alleviate.advice.safety") / "rules.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _rules() -> tuple[_Rule, ...]:
    known, families = {each.id for each in treatments()}, {each.family for each in treatments()}
    found = []
    for line in _read()["rules"]:
        (called,) = line.keys() & NEEDED.keys()
        rule = _Rule(
            line["id"],
            line["level"],
            frozenset(line.get("treatments", ())),
            frozenset(line.get("classes", ())),
            called,
            line,
        )
        assert rule.treatments <= known, rule.id
        assert rule.families <= families - {""}, rule.id
        assert line["source"], rule.id
        assert called != "taking" or line["taking"] in _read()["medicines"], rule.id
        assert called != "has" or line["has"] in _read()["conditions"], rule.id
        found.append(rule)
    assert len({rule.id for rule in found}) == len(found), "two rules have one id"
    return tuple(found)
