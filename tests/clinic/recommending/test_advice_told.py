"""What a person can take along of the advice about them: what was shown, why, and who decided what."""

import re

from made_people import CBT, SERTRALINE

from alleviate.vault.accounts import Account, Credentials


def test_a_decision_about_me_is_told_with_its_reason_and_no_name(advising) -> None:
    made = advising.made
    patient = advising.added("told", phq9=25)
    account = Account(login="told", name="Told", role="patient", patient=patient, created=made.clock())
    made.accounts["told"] = made.services.accounts.add("test", account, Credentials())
    page = advising.page(f"/patients/{patient}/advice?question=severity")
    (id,) = set(re.findall(rf"/patients/{patient}/decisions/([0-9a-f]{{32}})", page))
    seen = re.search(r'name="seen" value="(\d+)"', page)
    form = {"seen": seen[1] if seen else "", "move": "override", "chosen": CBT, "reason": "patient-prefers"}
    form["words"] = "Wants to talk first."
    assert made.send("clinician", f"/patients/{patient}/decisions/{id}", **form).status_code == 303

    text = " ".join(re.sub(r"<[^>]+>", "", advising.page("/mine/export/record.html", "told")).split())
    assert f"A psychologist chose otherwise: {CBT}. Why: The person prefers something else." in text
    assert "Wants to talk first." in text
    assert f"People like you did better with this one: {SERTRALINE}." in text
    assert "For:" in text
    told = advising.page("/mine/export/others.json", "told")
    assert id in told
    assert "patient-prefers" in told
    for each in made.accounts.values():
        assert each.name == "Told" or each.name not in text + told
