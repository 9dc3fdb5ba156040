"""The pages: shown is stored, decided by a person, and replayed to the same screen."""

import re
import shutil
from datetime import timedelta

import pytest
from made_people import CBT, SERTRALINE, TALK, entries_of, event

from alleviate.clinic.recommending import pages
from alleviate.clinic.recommending.ledger import SHEETS, kept
from alleviate.clinic.recommending.wording import wording
from alleviate.records import PatientRecord

SCREEN = re.compile(r'<section id="proposal".*?</section>', re.DOTALL)


def screen(text: str) -> str:
    found = SCREEN.search(text)
    assert found, "there is no proposal on this page"
    return found[0]


def ledger(advising, patient):
    with advising.made.vault.access(actor="test", purpose="care") as access:
        return kept(access.chart(patient, sheets=SHEETS).sheets)


def decide(advising, patient, who="clinician", **form):
    (newest, *_) = ledger(advising, patient)
    form = {"seen": newest.seen, **form}
    return advising.made.send(who, f"/patients/{patient}/decisions/{newest.id}", **form)


@pytest.fixture
def severe(advising, request) -> str:
    return advising.added(request.node.name, phq9=25)


class TestShown:
    def test_what_is_shown_is_stored_once_however_often_it_is_looked_at(self, advising, severe):
        for _ in range(3):
            advising.page(f"/patients/{severe}/advice?question=severity")
        (found,) = ledger(advising, severe)
        assert found.proposal.advised == (SERTRALINE,)
        assert found.decision.state == "seen"
        assert found.by == advising.made.accounts["clinician"].actor

    def test_doubt_stands_before_any_name_and_against_before_for(self, advising, severe):
        text = screen(advising.page(f"/patients/{severe}/advice?question=severity"))
        assert text.index("How sure can anybody be?") < text.index(SERTRALINE)
        assert text.index("<h4>Against</h4>") < text.index("<h4>For</h4>")
        assert "95% interval" in text

    def test_no_difference_shown_means_choose_by_preference(self, advising):
        patient = advising.added("middle", phq9=14, wish=TALK)
        text = screen(advising.page(f"/patients/{patient}/advice?question=severity"))
        assert "No difference is shown: choose by preference." in text

    def test_a_risk_is_shown_as_people_out_of_100(self, advising):
        patient = advising.added("risk", phq9=18)
        text = screen(advising.page(f"/patients/{patient}/advice?question=leaving"))
        assert "Of 100 people like this one" in text
        assert text.count('class="icon-') >= 2 * 100

    def test_nobody_fits_is_said_with_the_reasons(self, advising):
        patient = advising.added("unfit", phq9=6)
        text = screen(advising.page(f"/patients/{patient}/advice?question=leaving"))
        assert "No package fits this person." in text
        assert "8 to 27; here it is 6" in text

    def test_one_reading_is_one_event_of_the_audit(self, advising, severe):
        mine = advising.made.accounts["clinician"].actor
        for reading in (1, 2):
            advising.page(f"/patients/{severe}/advice")
            events = [each.action for each in advising.made.audit(severe) if each.actor == mine]
            assert events.count("read") == reading
            assert events.count("write") == 1

    def test_new_answers_make_new_advice_and_the_old_stays(self, advising):
        severe = advising.added("changing", phq9=25)
        advising.page(f"/patients/{severe}/advice?question=severity")
        with advising.made.vault.access(actor="test", purpose="care") as access:
            at = advising.made.clock().replace(microsecond=0)
            less = event("changing", "LOINC//44261-6", at, "questionnaire", "QuestionnaireResponse/new", 7.0)
            access.put(entries_of(PatientRecord("changing", [less])), at)
        advising.page(f"/patients/{severe}/advice?question=severity")
        newest, oldest = ledger(advising, severe)
        assert (newest.proposal.advised, oldest.proposal.advised) == ((CBT,), (SERTRALINE,))
        assert "There is newer advice." in advising.page(f"/patients/{severe}/decisions/{oldest.id}")

    def test_the_report_is_one_click_away_without_scripts(self, advising, severe):
        text = advising.page(f"/patients/{severe}/advice?question=severity")
        link = re.findall(r'href="(/evidence/[0-9a-f]{64})"', text)[-1]
        answer = advising.made.signed_in("clinician").get(link)
        assert answer.status_code == 200
        assert "Tablets or talking" in answer.text
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
        assert advising.made.signed_in("clinician").get("/evidence/" + "0" * 64).status_code in (403, 404)


class TestDecided:
    def test_accepted(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        assert decide(advising, severe, chosen=SERTRALINE, note="Talked about nausea").status_code == 303
        (found,) = ledger(advising, severe)
        assert (found.decision.state, found.decision.followed) == ("accepted", True)
        page = advising.page(f"/patients/{severe}/decisions/{found.id}")
        assert "Talked about nausea" in page

    def test_otherwise_needs_a_reason(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        answer = decide(advising, severe, chosen=CBT)
        assert answer.status_code == 400
        assert "There is a problem" in answer.text
        assert ledger(advising, severe)[0].decision.state == "seen"
        assert decide(advising, severe, chosen=CBT, reason="patient-prefers").status_code == 303
        decision = ledger(advising, severe)[0].decision
        assert (decision.state, decision.followed, decision.decided.reason.code) == (
            "overridden",
            False,
            "patient-prefers",
        )

    def test_a_reason_that_says_nothing_alone_needs_words(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        assert decide(advising, severe, chosen=CBT, reason="other").status_code == 400
        assert decide(advising, severe, chosen=CBT, reason="other", words="<b>Why</b>").status_code == 303
        (found,) = ledger(advising, severe)
        assert "&lt;b&gt;Why&lt;/b&gt;" in advising.page(f"/patients/{severe}/decisions/{found.id}")

    def test_sent_twice_it_is_one_decision(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        seen = ledger(advising, severe)[0].seen
        for _ in range(2):
            assert decide(advising, severe, chosen=SERTRALINE, seen=seen).status_code == 303
        acts = [act.move for act in ledger(advising, severe)[0].decision.acts]
        assert acts == ["see", "accept"]

    def test_who_is_slower_is_told_and_changes_nothing(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        seen = ledger(advising, severe)[0].seen
        assert decide(advising, severe, chosen=SERTRALINE).status_code == 303
        late = decide(advising, severe, chosen=CBT, reason="patient-prefers", seen=seen)
        assert late.status_code == 409
        assert ledger(advising, severe)[0].decision.state == "accepted"

    def test_a_mistake_can_be_opened_again_with_a_reason(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        decide(advising, severe, chosen=SERTRALINE)
        assert decide(advising, severe, move="reopen").status_code == 400
        assert decide(advising, severe, move="reopen", reason="mistake").status_code == 303
        assert ledger(advising, severe)[0].decision.state == "discussed"

    def test_a_trainee_sees_and_never_decides(self, advising, severe):
        page = advising.page(f"/patients/{severe}/advice?question=severity", "trainee")
        assert 'name="chosen"' not in page
        assert "You can see this, and not decide." in page
        assert decide(advising, severe, "trainee", chosen=SERTRALINE).status_code in (403, 404)
        assert ledger(advising, severe)[0].decision.state == "seen"

    def test_somebody_elses_proposal_is_not_there(self, advising, severe):
        advising.page(f"/patients/{severe}/advice")
        other = advising.added("other-person", phq9=9)
        id = ledger(advising, severe)[0].id
        assert advising.made.signed_in("clinician").get(f"/patients/{other}/decisions/{id}").status_code in (
            403,
            404,
        )
        answer = advising.made.signed_in("other").get(f"/patients/{severe}/advice")
        assert answer.status_code == 404

    def test_own_view_first_is_kept_with_the_decision(self, advising, severe):
        client = advising.made.signed_in("clinician")
        advising.made.send("clinician", f"/patients/{severe}/advice/own-view", ask="1")
        first = client.get(f"/patients/{severe}/advice?question=severity").text
        assert "Your own view first" in first
        assert "95%" not in first
        assert ledger(advising, severe) == []
        second = client.get(f"/patients/{severe}/advice?question=severity&view=0").text
        assert f"you would have chosen: {CBT}" in second
        decide(advising, severe, chosen=SERTRALINE, view="0")
        assert ledger(advising, severe)[0].decision.decided.leaning == CBT
        client.cookies.delete("alleviate-own-view")


class TestReplayed:
    def test_it_is_the_same_screen_to_the_byte_also_after_the_package_is_gone(
        self, make_clinic, packages, tmp_path, advising
    ):
        shutil.copytree(packages, tmp_path / "packages")
        other = type(advising)(make_clinic(packages=tmp_path / "packages"))
        patient = other.added("replayed", phq9=25, wish=TALK)
        shown = screen(other.page(f"/patients/{patient}/advice?question=severity"))
        (found,) = ledger(other, patient)
        assert screen(other.page(f"/patients/{patient}/decisions/{found.id}")) == shown
        for package in ("severity", "leaving", "foreseen"):
            shutil.rmtree(tmp_path / "packages" / package)
        other.made.services.shelf._looked = float("-inf")
        assert other.made.services.shelf.rules() == []
        assert screen(other.page(f"/patients/{patient}/decisions/{found.id}")) == shown
        assert "No package fits this person." in other.page(f"/patients/{patient}/advice")

    def test_it_says_when_the_wording_has_changed_since_it_was_shown(self, advising, severe, monkeypatch):
        shown = screen(advising.page(f"/patients/{severe}/advice?question=severity"))
        (found,) = ledger(advising, severe)
        again = advising.page(f"/patients/{severe}/decisions/{found.id}")
        assert "The wording has changed since." not in again
        assert found.proposal.versions.wording == wording()
        monkeypatch.setattr(pages, "wording", lambda: "0123456789ab")
        told = advising.page(f"/patients/{severe}/decisions/{found.id}")
        assert "The wording has changed since." in told
        assert f"(wording 0123456789ab, then {wording()})" in told
        assert screen(told) == shown

    def test_the_history_lists_it_and_the_print_page_speaks_to_the_person_too(self, advising, severe):
        advising.page(f"/patients/{severe}/advice?question=severity")
        (found,) = ledger(advising, severe)
        assert f"/decisions/{found.id}" in advising.page(f"/patients/{severe}/decisions")
        printed = advising.page(f"/patients/{severe}/advice/print?question=severity")
        assert "You and your care team choose together." in printed
        assert screen(printed) == screen(advising.page(f"/patients/{severe}/decisions/{found.id}"))


class TestWhatHappenedAfterwards:
    def test_it_is_told_and_noted_once_the_outcome_is_known(self, make_clinic, packages, advising):
        other = type(advising)(make_clinic(packages=packages))
        patient = other.added("followed", phq9=25)
        other.page(f"/patients/{patient}/advice?question=severity")
        decide(other, patient, chosen=SERTRALINE)
        (found,) = ledger(other, patient)
        url = f"/patients/{patient}/decisions/{found.id}"
        assert "No treatment has been begun since" in other.page(url)
        start = other.made.clock().replace(microsecond=0) + timedelta(days=2)
        later = [
            event("followed", "EPISODE//start", start, "episode", "EpisodeOfCare/f", text=SERTRALINE),
            event(
                "followed",
                "LOINC//44261-6",
                start + timedelta(days=100),
                "questionnaire",
                "QuestionnaireResponse/f",
                9.0,
            ),
        ]
        other.made.clock.goes(days=200)
        with other.made.vault.access(actor="test", purpose="care") as access:
            access.put(entries_of(PatientRecord("followed", later)), other.made.clock())
        client = other.made.signed_in("clinician", afresh=True)
        text = client.get(url).text
        assert "That is what was proposed." in text
        assert "25.0 before, 9.0 after" in text
        assert "Better by more than the questionnaire" in text
        assert client.get(url).status_code == 200
        (found,) = ledger(other, patient)
        assert [act.move for act in found.decision.acts] == ["see", "accept", "observe"]
        assert found.decision.acts[-1].found["better"] == 16


class TestForPrograms:
    def test_the_twins_say_and_do_the_same(self, advising, severe):
        client, root = advising.made.signed_in("clinician"), f"/api/v1/patients/{severe}"
        told = client.get(f"{root}/advice?question=severity").json()
        assert told["proposal"]["first"] == SERTRALINE
        assert client.get(f"{root}/decisions").json()["decisions"][0]["id"] == told["id"]
        csrf = {"x-csrf-token": advising.made.csrf("clinician")}
        url = f"{root}/decisions/{told['id']}"
        sent = {"seen": told["seen"], "chosen": CBT}
        assert client.post(url, json=sent, headers=csrf).status_code == 400
        done = client.post(url, json={**sent, "reason": "tried-before"}, headers=csrf).json()
        assert (done["state"], done["followed"]) == ("overridden", False)
        assert client.get(url).json() == done
        assert ledger(advising, severe)[0].decision.state == "overridden"
