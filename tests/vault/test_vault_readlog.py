"""Many readers share one transaction and one signature; each is told the truth about its own."""

import threading

import pytest
from clinic_made import NOW, people, told
from entries_made import pulse

from alleviate.terms.errors import AuditError
from alleviate.vault import AuditEvent, Vault


@pytest.fixture
def vault(location: str):
    with Vault.create(location) as vault:
        vault.access(actor="import", purpose="care").put(people(8), NOW)
        yield vault


def at_once(calls) -> list[object]:
    """What each call gives or raises, all begun together."""
    start = threading.Barrier(len(calls))
    found: list[object] = [None] * len(calls)

    def run(number, call) -> None:
        start.wait()
        try:
            found[number] = call()
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Slow:
    """Holds the first batch until everybody else waits, and counts the transactions."""

    def __init__(self, vault: Vault, others: int) -> None:
        self.batches: list[int] = []
        self._log, self._others = vault._readlog, others
        self._commit = self._log._commit

    def __call__(self, together) -> None:
        self.batches.append(len(together))
        if len(self.batches) == 1:
            while len(self._log._waiting) < self._others:
                threading.Event().wait(0.001)
        self._commit(together)


def test_who_waits_together_is_committed_together_with_one_event_each(vault, monkeypatch) -> None:
    slow = Slow(vault, others=7)
    monkeypatch.setattr(vault._readlog, "_commit", slow)
    readers = [vault.access(actor=f"account:{n}", purpose="care") for n in range(8)]
    charts = at_once([lambda n=n: readers[n].chart(f"p{n}") for n in range(8)])
    assert [chart.subject_id for chart in charts] == [f"p{n}" for n in range(8)]
    assert slow.batches == [1, 7]
    read = {(event.actor, event.patient) for event in told(vault, "read")}
    assert read == {(f"account:{n}", vault.our_id(f"p{n}")) for n in range(8)}
    assert len(told(vault, "read")) == 8
    vault.verify_audit(actor="test")


def test_one_who_has_to_read_again_holds_up_nobody(vault, monkeypatch) -> None:
    slow = Slow(vault, others=3)
    monkeypatch.setattr(vault._readlog, "_commit", slow)
    event = AuditEvent("account:x", "read", "care")
    ours = [vault.our_id(f"p{n}") for n in range(4)]
    seen = [{id: 1} for id in ours]  # one import each
    seen[2] = {ours[2]: 0}
    outcomes = at_once([lambda s=s: vault._readlog.record([event], s) for s in seen])
    assert outcomes == [True, True, False, True]
    assert len(told(vault, "read")) == 3


def test_where_the_audit_fails_everybody_is_told_and_nobody_served(vault, monkeypatch) -> None:
    def full(*_):
        raise AuditError("The audit cannot be written.", hint="Make room.")

    access = vault.access(actor="account:anna", purpose="care")
    for broken in ("append", "seal"):
        with monkeypatch.context() as patch:
            patch.setattr(vault._readlog, "_commit", Slow(vault, others=5))
            patch.setattr(vault._audit, broken, full)
            found = at_once([lambda: access.chart("p0")] * 6)
        assert [type(each) for each in found] == [AuditError] * 6
        assert len({id(each) for each in found}) == 6, "each its own: an exception carries one thread's story"
    assert access.chart("p0").subject_id == "p0", "and the next one is served"
    vault.verify_audit(actor="test")


def test_one_who_is_interrupted_takes_nobody_along_unwritten(vault, monkeypatch) -> None:
    def interrupted(*_):
        raise KeyboardInterrupt

    access = vault.access(actor="account:anna", purpose="care")
    with monkeypatch.context() as patch:
        patch.setattr(vault._readlog, "_commit", Slow(vault, others=2))
        patch.setattr(vault._audit, "append", interrupted)
        found = at_once([lambda: access.chart("p0")] * 3)
    assert {type(each) for each in found} == {KeyboardInterrupt, AuditError}
    assert told(vault, "read") == []


def test_readers_and_writers_at_once_agree(vault) -> None:
    """Whoever reads sees a revision with exactly what was written by then."""
    access = vault.access(actor="account:anna", purpose="care")
    base = access.chart("p0")
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            chart = access.chart("p0")
            written = len(chart.record.events) - len(base.record.events)
            if chart.revision - base.revision != written:
                wrong.append(f"{chart.revision} {written}")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(12):
        access.put([pulse(900 + number, "p0", 60.0)], NOW)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert access.chart("p0").revision == base.revision + 12
    vault.verify_audit(actor="test")
