"""Two who look at the same advice at once: both see it, and it is noted once that it was seen."""

from made_clinic import Made

from alleviate.clinic.gate import Visit
from alleviate.clinic.recommending.ledger import SHEETS, kept, shown_now
from alleviate.clinic.recommending.proposal import Person, build, key_of
from alleviate.clinic.who import Who
from alleviate.vault import NewSheet


def looking(made: Made, role: str) -> Visit:
    account = made.accounts[role]
    who = Who(account.actor, account.role, account)
    request = None  # nothing of it is read
    return Visit(request, made.services, who, "advice.see", made.clock(), made.patients[0], "team")  # type: ignore[arg-type]


def test_of_two_who_look_at_once_nobody_is_told_that_somebody_was_faster(clinic: Made) -> None:
    now, shelf, patient = clinic.clock(), clinic.services.shelf, clinic.patients[0]
    with clinic.vault.access(actor="client:ehr", purpose="care") as access:
        before = access.chart(patient, sheets=SHEETS)
        person = Person(before.patient, before.record, before.allowed, before.revision)
        key = key_of(person, shelf, "", now)
        body = {"key": key, "proposal": build(person, shelf, now).to_dict(), "acts": []}
        access.store(now, sheets=[NewSheet(patient, "proposal", body, once=key)])  # as for a card
        both_read = access.chart(patient, sheets=SHEETS)
    states = [shown_now(looking(clinic, role), both_read).decision.state for role in ("clinician", "trainee")]
    assert states == ["seen", "proposed"]
    with clinic.vault.access(actor="test", purpose="care") as access:
        (found,) = kept(access.chart(patient, sheets=SHEETS).sheets)
    assert [act.by for act in found.decision.acts] == [clinic.accounts["clinician"].actor]
