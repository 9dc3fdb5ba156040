"""Consent: for what, and which kinds of data, somebody permits or denies."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.faults import Fault
from alleviate.intake.fhir.moments import EPOCH_DAY, moment, written
from alleviate.intake.fhir.shapes import Coding, Concept, Period, Reference, Resource, Shape
from alleviate.records import KINDS, Event
from alleviate.terms.codes import code

__all__ = ["Consent", "read", "write"]

OUR_KINDS = "urn:alleviate:kind"
RULES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"


class Provision(Shape):
    """A rule, and the exceptions to it."""

    type: str | None = None
    period: Period | None = None
    purpose: tuple[Coding, ...] = ()
    data_class: tuple[Coding, ...] = msgspec.field(name="class", default=())
    actor: tuple[msgspec.Raw, ...] = ()
    action: tuple[msgspec.Raw, ...] = ()
    security_label: tuple[msgspec.Raw, ...] = ()
    code: tuple[msgspec.Raw, ...] = ()
    data: tuple[msgspec.Raw, ...] = ()
    data_period: msgspec.Raw = msgspec.Raw()
    provision: tuple["Provision", ...] = ()


class Consent(Resource):
    """What is read of a Consent."""

    patient: Reference | None = None
    scope: Concept | None = None
    date_time: str | None = None
    policy_rule: Concept | None = None
    provision: Provision | None = None


_LIMITS = {
    "actor": "actor",
    "action": "action",
    "security_label": "securityLabel",
    "code": "code",
    "data": "data",
    "data_period": "dataPeriod",
}


@cache
def _table() -> tuple[dict[tuple[str, str], str], dict[str, dict[str, str]], dict[str, str], dict[str, str]]:
    raw = tomllib.loads(files("alleviate.intake.fhir").joinpath("consents.toml").read_text("utf-8"))
    rows = raw["purposes"]
    return (
        {(row["system"], each): row["purpose"] for row in rows for each in row["codes"]},
        {row["purpose"]: {"system": row["system"], "code": row["codes"][0]} for row in rows},
        raw["scopes"],
        raw["rules"],
    )


def read(source: Consent, draft: Draft) -> None:
    """Adds what is permitted and denied. Raises Fault where a rule is narrower than we can hold."""
    if source.status in {"draft", "proposed", "inactive"}:
        draft.caution("status", f"The consent is {source.status}: it is not in force.")
        return
    if source.status not in {"active", "rejected"}:
        raise Fault("status", f'Expected a status of a Consent, got "{(source.status or "")[:40]}".')
    root = source.provision or Provision()
    when = draft.first_of({"dateTime": source.date_time}, "It does not say when it was given (dateTime).")
    if root.period and root.period.start:
        start = draft.at(root.period.start, "provision.period.start")
        when = max(when, start)
    _, _, scopes, _ = _table()
    scope = [s for c in (source.scope.coding if source.scope else ()) if (s := scopes.get(c.code or ""))]
    said: dict[str, str] = {}
    _rules(root, root.type or _base(source), scope, "provision", said, source.status == "rejected")
    if not said:
        raise Fault(
            "provision",
            "It permits or denies nothing for a purpose that is known: care, research or model training.",
        )
    for rule, verdict in said.items():
        draft.add(rule, when, when.last, None, verdict)
    if root.period and root.period.end:
        end = moment(root.period.end, "provision.period.end").last
        draft.add("CONSENT//until", when, when.last, float(end.toordinal() - EPOCH_DAY))


def _base(source: Consent) -> str | None:
    rules = _table()[3]
    codings = source.policy_rule.coding if source.policy_rule else ()
    return next((rules[coding.code] for coding in codings if coding.code in rules), None)


def _rules(
    rule: Provision, verdict: str | None, purposes: list[str], name: str, said: dict[str, str], rejected: bool
) -> None:
    """Adds the verdicts of a rule and of its exceptions, each by its code."""
    for attribute, element in _LIMITS.items():
        if bytes(getattr(rule, attribute)) if attribute == "data_period" else getattr(rule, attribute):
            raise Fault(
                f"{name}.{element}",
                "Its rule holds for some only: enter it by hand as what it permits or denies.",
            )
    if rule.period and name != "provision":
        raise Fault(f"{name}.period", "An exception that holds for a time only cannot be held.")
    if rule.purpose:
        known = _table()[0]
        purposes = [known.get((coding.system or "", coding.code or ""), "") for coding in rule.purpose]
        if "" in purposes:
            unknown = rule.purpose[purposes.index("")].code
            raise Fault(f"{name}.purpose", f'"{unknown}" is no purpose that is known.')
    kinds = [_kind(coding, f"{name}.class") for coding in rule.data_class]
    if verdict not in {None, "permit", "deny"}:
        raise Fault(f"{name}.type", f'Expected permit or deny, got "{str(verdict)[:40]}".')
    inner_purposes = any(inner.purpose for inner in rule.provision)
    if verdict and (rule.purpose or not inner_purposes):
        for purpose in purposes:
            for kind in kinds or [""]:
                named = code("CONSENT", purpose, kind) if kind else code("CONSENT", purpose)
                said[named] = "deny" if rejected else verdict
    for place, inner in enumerate(rule.provision):
        if inner.type is None:
            raise Fault(f"{name}.provision[{place}].type", "An exception says neither permit nor deny.")
        _rules(inner, inner.type, purposes, f"{name}.provision[{place}]", said, rejected)


def _kind(coding: Coding, name: str) -> str:
    if coding.system == OUR_KINDS and coding.code in KINDS:
        return coding.code
    raise Fault(name, f'"{coding.code}" is no kind of data that consent can be held for.')


def write(events: Sequence[Event]) -> dict[str, Any]:
    """A Consent of these events: each purpose and kind is a rule of its own."""
    first = events[0]
    written_codes = _table()[1]
    rules: list[dict[str, Any]] = []
    root: dict[str, Any] = {}
    for event in events:
        parts = event.code.split("//")
        if (
            event.code == "CONSENT//until"
            and event.numeric_value is not None
            and 0 < event.numeric_value + EPOCH_DAY < 3e6
        ):
            root["period"] = {
                "end": datetime.fromordinal(int(event.numeric_value) + EPOCH_DAY)
                .replace(tzinfo=UTC)
                .date()
                .isoformat()
            }
        elif len(parts) in {2, 3} and parts[1] in written_codes:
            kind = {"class": [{"system": OUR_KINDS, "code": parts[2]}]} if len(parts) == 3 else {}
            rules.append({"type": event.text_value or "deny", "purpose": [written_codes[parts[1]]], **kind})
    return {
        "status": "active",
        "scope": {"coding": [{"system": SCOPES, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "dateTime": written(first.time),
        "policyRule": {"coding": [{"system": RULES, "code": "OPTOUT"}]},
        "provision": {**root, **({"provision": rules} if rules else {})},
    }
