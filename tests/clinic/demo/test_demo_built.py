"""A demonstration that was cut off is completed: people, packages, staff and what they did, each once."""

import json
import stat
from collections import Counter
from contextlib import closing

import pytest
from made_demo import NOW, SIZE

from alleviate.clinic.demo.building import Size, prepare
from alleviate.clinic.demo.past_advice import before_start
from alleviate.clinic.demo.staff import logins
from alleviate.clinic.demo.truth import how_right, judged
from alleviate.clinic.recommending.ledger import kept
from alleviate.clinic.settings import Settings
from alleviate.clinic.shelf import Shelf
from alleviate.clinic.signing_in import passwords
from alleviate.terms.errors import InputError
from alleviate.vault import Vault

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def access(demo):
    return demo.vault.access(actor="test", purpose="care")


@pytest.fixture(scope="module")
def charts(demo, access):
    clinic = demo.everybody.clinic
    return [access.chart(clinic.record(number).subject_id) for number in demo.everybody.current]


def test_everybody_is_there_once(demo, access):
    clinic, everybody = demo.everybody.clinic, demo.everybody
    names = {clinic.record(n).subject_id for n in (*everybody.current, *everybody.recent, *everybody.past)}
    assert Counter(access.ids()) == Counter(names)


def test_the_record_in_the_vault_is_that_of_the_synthetic_clinic(demo, charts):
    clinic = demo.everybody.clinic
    for number, chart in zip(demo.everybody.current, charts, strict=True):
        ours = {(e.code, e.time, e.numeric_value) for e in clinic.record(number).events}
        theirs = {(e.code, e.time, e.numeric_value) for e in chart.record.events}
        assert ours <= theirs


def test_what_could_be_learned_loads_and_is_live(demo):
    shelf = Shelf(demo.ready.packages, demo.vault)
    assert shelf.unusable() == []
    names = {each.name for each in shelf.all()}
    lacking = {each.partition(": ")[0] for each in demo.ready.lacking}
    assert names | lacking == {
        "clinic-treatment", "clinic-recovery", "clinic-dropout", "clinic-phq9-courses",
    }  # fmt: skip
    assert {"clinic-treatment", "clinic-recovery", "clinic-phq9-courses"} <= names, demo.ready.lacking
    assert all(each.live and each.report.exists() for each in shelf.all())


def test_each_current_patient_has_a_team_and_past_ones_have_none(demo, access, charts):
    accounts = {account.id: account for account in demo.vault.accounts.all()}
    for chart in charts:
        roles = [accounts[member.account].role for member in chart.team]
        assert roles.count("clinician") >= 1
        (site,) = {e.text_value for e in chart.record.events if e.code == "PERSON//site"}
        assert {accounts[member.account].site for member in chart.team} == {site}
    recent = demo.everybody.clinic.record(demo.everybody.recent[0]).subject_id
    assert access.chart(recent).team == ()


def test_all_accounts_open_with_the_one_password_and_name_nobody(demo):
    accounts = [each for each in demo.vault.accounts.all() if not each.login.startswith("q-")]
    assert len(accounts) == len(logins()) - 1 + 6
    assert Counter(each.role for each in accounts)["clinician"] == 6
    standing = demo.vault.accounts.credentials(accounts[0].id)
    assert passwords.matches(standing.password, demo.ready.password)
    assert standing.one_time_until is None


def test_old_alerts_are_resolved_by_who_treats_and_none_twice(demo, access):
    found = access.alerts(resolved=True).found
    assert found
    ours = sorted(found, key=lambda alert: alert.raised_at)
    old, new = ours[:-16], ours[-16:]
    assert old
    assert sum(alert.state == "raised" for alert in new) == 10
    assert {alert.state for alert in old} == {"resolved"}
    assert all([step.state for step in alert.steps] == ["acknowledged", "resolved"] for alert in old)
    assert all(step.by.startswith("account:") for alert in old for step in alert.steps)


def test_past_advice_is_in_the_ledger_with_decisions_that_are_what_was_begun(demo, access):
    people = (*demo.everybody.recent, *demo.everybody.current)
    decided = []
    for number in people:
        chart = access.chart(demo.everybody.clinic.record(number).subject_id)
        for one in kept(chart.sheets):
            act = one.decision.decided
            begun = next(e for e in chart.record.events if e.code == "EPISODE//start")
            assert act is not None
            assert act.chosen == begun.text_value
            assert act.at < begun.time
            assert one.decision.followed == (act.reason is None)
            decided.append(one)
    assert decided
    assert len({one.proposal.patient for one in decided}) == len(decided)


def test_some_are_asked_and_patients_with_accounts_first(demo, charts):
    own = {account.patient for account in demo.vault.accounts.all() if account.login.startswith("patient")}
    asked = {chart.patient for chart in charts if any(s.kind == "invitation" for s in chart.sheets)}
    assert own
    assert own <= asked
    assert demo.ready.link


def test_notes_tasks_and_mentions_were_written(charts):
    kinds = Counter(sheet.kind for chart in charts for sheet in chart.sheets)
    assert kinds["seen"] >= 2
    assert kinds["task"] >= 1


def test_the_truth_is_its_owners_alone_and_only_a_demonstration_reads_it(demo):
    for name in ("truth.parquet", "judged.json", "demo.json", "vault.key"):
        assert stat.S_IMODE((demo.folder / name).stat().st_mode) == 0o600
    given = {"vault": str(demo.ready.vault), "packages": demo.ready.packages}
    assert how_right(Settings(**given)) is None
    found = how_right(Settings(**given, demo=True, second_factor=False))
    assert found is not None
    assert found.share.low <= found.share.estimate <= found.share.high


def test_how_right_is_what_the_truth_says(demo):
    truth = demo.everybody.clinic.truth(demo.everybody.current)
    titles = {"cbt": "Cognitive behavioural therapy", "ipt": "Interpersonal psychotherapy",
              "counselling": "Counselling for depression", "sertraline": "Sertraline",
              "mirtazapine": "Mirtazapine"}  # fmt: skip
    best = {row["subject_id"]: titles[row["best"]] for row in truth.iter_rows(named=True)}
    perfect = judged(demo.folder, best)
    assert (perfect.n, perfect.share.estimate, perfect.lost.estimate) == (SIZE.current, 1.0, 0.0)
    one = judged(demo.folder, dict.fromkeys(best, "Sertraline"))
    by_hand = [
        row["expected_sertraline"] - row[f"expected_{row['best']}"] for row in truth.iter_rows(named=True)
    ]
    assert one.lost.estimate == pytest.approx(sum(by_hand) / len(by_hand))
    assert one.share.estimate == pytest.approx(sum(b == "Sertraline" for b in best.values()) / SIZE.current)
    assert judged(demo.folder, {"nobody": "Sertraline"}) is None


def test_before_treatment_the_record_does_not_tell_which_it_will_be(demo, access):
    for number in demo.everybody.current:
        record = access.record(demo.everybody.clinic.record(number).subject_id)
        assert not any(event.code.startswith("EPISODE//") for event in before_start(record).events)


def test_the_next_start_changes_nothing(demo, monkeypatch):
    monkeypatch.delenv("ALLEVIATE_KEY", raising=False)
    monkeypatch.setenv("ALLEVIATE_KEY_FILE", str(demo.ready.key))
    before = (demo.folder / "demo.json").read_bytes()
    with closing(Vault.open(demo.ready.vault)) as vault:
        size = len(vault.show_audit(actor="test"))
    again = prepare(demo.folder, size=Size(1, 1, 1), shipped=())
    assert (again.password, again.link, again.made) == (demo.ready.password, demo.ready.link, NOW)
    assert (demo.folder / "demo.json").read_bytes() == before
    with closing(Vault.open(demo.ready.vault)) as vault:
        assert len(vault.show_audit(actor="test")) == size + 1  # the look itself


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "demo.json").write_text(json.dumps({"something": "else"}))
    with pytest.raises(InputError, match="another version, or something else"):
        prepare(tmp_path)
