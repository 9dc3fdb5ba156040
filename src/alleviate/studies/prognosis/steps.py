"""The steps of learning a prognosis: the final model, then each fold held out; timed, stopped, resumed."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import Any

from joblib import Parallel, delayed

from alleviate.studies.outer_folds import Progress
from alleviate.studies.prognosis.journal import Journal

__all__ = ["Steps", "run_steps"]

Result = Mapping[str, Any]
"""What a step leaves, as plain values."""

SPARE = 0.15
"""Share of the time limit that is kept for what comes after the steps."""


class Steps:
    """Which steps are done, and whether the work was cut short by the clock or by the person at it."""

    def __init__(self, done: Mapping[int, Result], planned: int) -> None:
        self.done = dict(done)
        self.planned = planned
        self.out_of_time = False
        self.stopped = False

    @property
    def whole(self) -> bool:
        """Every step done, none of them cut short."""
        return len(self.done) == self.planned and not any(step["cut"] for step in self.done.values())


def run_steps(
    run: Callable[..., Result],
    shared: Sequence[object],
    tasks: Sequence[Sequence[object]],
    *,
    needed: int,
    journal: Journal,
    workers: int,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Steps:
    """``run(*shared, seconds, *task)`` for every task that the journal lacks, in order, each kept as it ends.

    The first ``needed`` tasks share the time limit; a later one starts only if it is likely to end in time.
    Ctrl-C lets the steps in hand end and begins no other; a second one raises ``KeyboardInterrupt`` at once.
    """
    steps = Steps(journal.done, len(tasks))
    todo = [number for number in range(len(tasks)) if number not in steps.done]
    end = None if seconds is None else monotonic() + seconds * (1.0 - SPARE)
    started: dict[int, float] = {}
    longest = [0.0]

    def calls(stop: threading.Event) -> Iterator[Any]:
        for number in todo:
            left = None
            if end is not None:
                left = end - monotonic()
                if number >= needed and left < 1.2 * longest[0]:
                    steps.out_of_time = True
                    return
                if number < needed:
                    first = [other for other in todo if number <= other < needed]
                    left = max(left, 0.0) / ceil(len(first) / workers)
            if stop.is_set():
                return
            started[number] = monotonic()
            yield delayed(_alone)(os.getpid(), run, number, *shared, left, *tasks[number])

    with _interruptible() as stop:
        if progress:
            progress(len(steps.done), len(tasks), "cross-fitting")
        work = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch=workers)
        for number, result in work(calls(stop)):
            longest[0] = max(longest[0], monotonic() - started[number])
            journal.record(number, result)
            steps.done[number] = result
            if progress:
                what = "stopping after the steps in hand" if stop.is_set() else "cross-fitting"
                progress(len(steps.done), len(tasks), what)
        steps.stopped = stop.is_set()
    return steps


def _alone(owner: int, run: Callable[..., Result], number: int, *arguments: object) -> tuple[int, Result]:
    """In a process of its own, Ctrl-C is not for this step: who started it decides."""
    if os.getpid() != owner:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return number, run(*arguments)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Set once Ctrl-C was pressed; pressed again, it interrupts as ever."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def pressed(_number: int, _frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
