"""Long work is kept step by step: stopped it goes on, timed it ends in time, killed it loses nothing."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from alleviate.studies.prognosis.journal import journal_of, opened
from alleviate.studies.prognosis.steps import run_steps
from alleviate.terms.errors import StudyError


def double(factor: int, seconds: float | None, number: int) -> dict[str, object]:
    return {"value": factor * number, "cut": seconds is not None and seconds <= 0.0}


def slow(_factor: int, seconds: float | None, number: int) -> dict[str, object]:
    time.sleep(0.2)
    return {"value": number, "cut": False, "seconds": seconds}


def interrupting(factor: int, seconds: float | None, number: int) -> dict[str, object]:
    if number == 1:
        os.kill(os.getpid(), signal.SIGINT)
    return double(factor, seconds, number)


TASKS = [(number,) for number in range(6)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return journal_of(tmp_path / "runs" / "study")


class TestJournal:
    def test_what_was_recorded_is_there_under_the_same_key(self, place: Path) -> None:
        with opened(place, "this study") as journal:
            journal.record(3, {"risk": 0.1 + 0.2})
        with opened(place, "this study") as journal:
            assert journal.done == {3: {"risk": 0.1 + 0.2}}

    def test_another_key_begins_anew(self, place: Path) -> None:
        with opened(place, "this study") as journal:
            journal.record(0, {"risk": 0.5})
        with opened(place, "other data") as journal:
            assert journal.done == {}
        with opened(place, "this study") as journal:
            assert journal.done == {}

    @pytest.mark.parametrize("torn", range(1, 12))
    def test_a_line_that_a_crash_cut_off_is_dropped_and_no_other(self, place: Path, torn: int) -> None:
        with opened(place, "k") as journal:
            journal.record(0, {"a": 1})
            journal.record(1, {"a": 2})
        place.write_bytes(place.read_bytes()[:-torn])
        with opened(place, "k") as journal:
            assert journal.done == {0: {"a": 1}}
            journal.record(1, {"a": 3})
        with opened(place, "k") as journal:
            assert journal.done == {0: {"a": 1}, 1: {"a": 3}}

    def test_a_file_that_is_no_journal_begins_anew(self, place: Path) -> None:
        place.parent.mkdir(parents=True)
        place.write_bytes(b"\xff\x00 not ours")
        with opened(place, "k") as journal:
            assert journal.done == {}

    def test_only_its_owner_can_read_it(self, place: Path) -> None:
        with opened(place, "k"):
            assert place.stat().st_mode & 0o077 == 0

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StudyError, match="progress cannot be kept"), opened(tmp_path / "file" / "j", "k"):
            pass  # pragma: no cover


class TestSteps:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_every_task_is_done_and_kept(self, place: Path, workers: int) -> None:
        with opened(place, "k") as journal:
            steps = run_steps(double, (2,), TASKS, needed=3, journal=journal, workers=workers)
        assert {number: step["value"] for number, step in steps.done.items()} == {n: 2 * n for n in range(6)}
        assert steps.whole
        kept = [json.loads(line) for line in place.read_text().splitlines()[1:]]
        assert sorted(number for number, _ in kept) == list(range(6))

    def test_a_finished_step_is_not_done_again(self, place: Path) -> None:
        with opened(place, "k") as journal:
            journal.record(2, {"value": "from before", "cut": False})
            steps = run_steps(double, (2,), TASKS, needed=3, journal=journal, workers=1)
        assert steps.done[2]["value"] == "from before"
        assert len(steps.done) == 6

    def test_progress_is_told_from_nothing_to_all(self, place: Path) -> None:
        told: list[tuple[int, int, str]] = []
        with opened(place, "k") as journal:
            run_steps(
                double,
                (2,),
                TASKS,
                needed=3,
                journal=journal,
                workers=1,
                progress=lambda *step: told.append(step),
            )
        assert told == [(n, 6, "cross-fitting") for n in range(7)]

    def test_ctrl_c_ends_the_step_in_hand_and_begins_no_other(self, place: Path) -> None:
        before = signal.getsignal(signal.SIGINT)
        with opened(place, "k") as journal:
            steps = run_steps(interrupting, (2,), TASKS, needed=1, journal=journal, workers=1)
            assert steps.stopped
            assert 1 in steps.done
            assert len(steps.done) < 6
            assert not steps.whole
        assert signal.getsignal(signal.SIGINT) is before
        with opened(place, "k") as journal:
            assert run_steps(double, (2,), TASKS, needed=1, journal=journal, workers=1).whole

    def test_when_time_is_short_the_needed_steps_are_done_and_the_rest_only_if_they_fit(
        self, place: Path
    ) -> None:
        with opened(place, "k") as journal:
            steps = run_steps(slow, (2,), TASKS, needed=2, journal=journal, workers=1, seconds=0.5)
        assert set(steps.done) == {0, 1}
        assert steps.out_of_time
        assert steps.done[0]["seconds"] <= 0.25, "two needed steps share the time"

    def test_a_step_that_was_cut_short_is_no_whole_work(self, place: Path) -> None:
        with opened(place, "k") as journal:
            steps = run_steps(double, (2,), TASKS, needed=6, journal=journal, workers=1, seconds=0.0)
        assert len(steps.done) == 6
        assert not steps.whole
