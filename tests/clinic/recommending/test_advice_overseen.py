"""What a clinician decides, the safety officer sees: how often, and with which reason; not of whom."""

from alleviate.clinic.officers.figures import compute
from alleviate.clinic.recommending.ledger import SHEETS, kept


def test_an_override_with_its_reason_reaches_the_officer(advising) -> None:
    made = advising.made
    patient = advising.added("overseen", phq9=25)
    advising.page(f"/patients/{patient}/advice?question=severity")
    with made.vault.access(actor="test", purpose="care") as access:
        (newest,) = kept(access.chart(patient, sheets=SHEETS).sheets)
    other = next(arm for arm in newest.decision.options if arm not in newest.decision.advised)
    words = "Her mother would not have it in the house"
    form = {"seen": newest.seen, "chosen": other, "reason": "other", "words": words, "view": "decide"}
    url = f"/patients/{patient}/decisions/{newest.id}"
    assert made.send("clinician", url, move="override", **form).status_code == 303
    compute(made.services)
    told = made.signed_in("safety-officer").get("/api/v1/officers/decisions").json()["figures"]
    assert (told["decided"], told["accepted"], told["overridden"]) == (1, 0, 1)
    assert [(each["code"], each["n"]) for each in told["reasons"] if each["n"]] == [("other", 1)]
    (compared,) = told["compared"]
    assert compared["nothing_begun"] == 1
    page = advising.page("/officers/decisions", who="safety-officer")
    assert "Another reason" in page
    assert "This is no effect of the advice" in page
    assert words not in page
    assert patient not in page
    assert "Demonstration" not in page
