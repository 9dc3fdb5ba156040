"""Officers see what is live and who signed it; one of them takes it out of use, and says why."""

import pytest


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("alleviate.clinic.shelf._LOOK_AGAIN", 0.0)


def test_a_package_is_taken_out_of_use_with_a_reason_and_brought_back(clinic_with):
    made = clinic_with()
    officer, shelf = made.signed_in("safety-officer"), made.services.shelf
    rule = next(each for each in shelf.all() if each.name == "rule")
    page = officer.get("/officers/packages").text
    assert rule.signer in page
    assert f"/evidence/{rule.seal}" in page
    url = f"/officers/packages/{rule.seal}"
    silent = made.send("safety-officer", url, reason=" ", live="no")
    assert silent.status_code == 400
    assert "Expected a reason" in silent.text
    assert len(shelf.rules()) == 1
    assert made.send("safety-officer", url, reason="Too many overrides", live="no").status_code == 303
    assert shelf.rules() == []
    seen = made.signed_in("clinician").get("/officers/packages").text
    assert "Too many overrides" in seen
    assert "Out of use" in seen
    assert 'name="reason"' not in seen, "a clinician has no button"
    assert made.send("clinician", url, reason="Mine", live="yes").status_code == 403
    assert made.send("protection-officer", url, reason="Mine", live="yes").status_code == 403
    assert made.send("safety-officer", url, reason="Looked into", live="yes").status_code == 303
    assert [each.name for each in shelf.rules()] == ["rule"]
    told = officer.get("/api/v1/officers/packages").json()
    assert {(each["name"], each["live"]) for each in told} == {("rule", True), ("courses", True)}
    unknown = made.send("safety-officer", "/officers/packages/" + "0" * 64, reason="x", live="no")
    assert unknown.status_code in (403, 404)
