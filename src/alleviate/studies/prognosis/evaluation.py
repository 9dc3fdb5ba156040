"""Nested validation of a prognosis: the final model, and each fold foreseen by a model that never saw it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from alleviate.models.performance.judged import Judged
from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.models.prognosis.people import People, target
from alleviate.models.prognosis.selection import learn_prognosis
from alleviate.models.prognosis.transfer.learning import Source, learn_transferred
from alleviate.models.scores import balanced_folds
from alleviate.models.trial import Floats, Ints
from alleviate.studies.outer_folds import HeldOut
from alleviate.studies.prognosis.steps import Steps
from alleviate.terms.errors import NotEnoughDataError

__all__ = ["FINAL", "Evaluated", "evaluated", "judged", "learn_step", "outer_folds", "tasks_of"]

FINAL = 0
"""The number of the step that makes the final model."""

Task = tuple[int, list[int], int]
"""Repeat, people held out (none: the final model), seed."""


def outer_folds(
    people: People, folds: int, repeats: int, seed: int, sites: Sequence[str] | None
) -> list[HeldOut]:
    """Every outer fold: its share of the outcomes, clusters whole; or a site at a time, once."""
    root = np.random.SeedSequence(seed)
    if sites is not None:
        names, index = np.unique(np.asarray(sites), return_inverse=True)
        return [(0, np.flatnonzero(index == s), child) for s, child in enumerate(root.spawn(len(names)))]
    tasks: list[HeldOut] = []
    for repeat, child in enumerate(root.spawn(repeats)):
        split, *own = child.spawn(1 + folds)
        fold = _folds(people, folds, np.random.default_rng(split))
        tasks += [(repeat, np.flatnonzero(fold == f), own[f]) for f in range(folds)]
    return tasks


def _folds(people: People, folds: int, rng: np.random.Generator) -> Ints:
    if people.clusters is None:
        return balanced_folds(_alike(people), folds, rng)
    unit = (
        people.clusters
        if people.strata is None
        else people.clusters + people.strata * (people.clusters.max() + 1)
    )
    _, first, cluster = np.unique(unit, return_index=True, return_inverse=True)
    stratum = np.zeros(len(first), dtype=np.int64) if people.strata is None else people.strata[first]
    return balanced_folds(stratum, folds, rng)[cluster]


def _alike(people: People) -> Ints:
    """(n,) groups of which every fold should have its share."""
    if people.kind == "numeric":
        ranks = np.argsort(np.argsort(people.y, kind="stable"), kind="stable")
        return (ranks * 5 // max(len(people), 1)).astype(np.int64)
    return people.y.astype(np.int64)


def tasks_of(held_out: Sequence[HeldOut], seed: int) -> list[Task]:
    """The final model first: with it, whatever else is cut short, there is something to keep."""
    final: Task = (0, [], _number(np.random.SeedSequence([seed, 1])))
    return [final, *((repeat, rows.tolist(), _number(own)) for repeat, rows, own in held_out)]


def _number(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1)[0] % (2**31 - 1))


def learn_step(
    people: People,
    names: tuple[str, ...],
    source: Source | None,
    seconds: float | None,
    repeat: int,
    rows: list[int],
    seed: int,
) -> dict[str, Any]:
    """Learn from all but ``rows``, foresee ``rows``; plain values. Without rows: the final model itself.

    With ``source``, learning starts from another population's model, in each fold anew. The first repeat's
    models are kept, to see what changes from one to the other.
    """
    # one thread: the order of a sum, and so the last bit, must not depend on how many cores there are
    with threadpool_limits(1):
        held = np.asarray(rows, dtype=np.int64)
        others = np.setdiff1d(np.arange(len(people)), held)
        train = people.take(others) if len(held) else people
        transferred = None
        if source is None:
            learned = learn_prognosis(train, names, seed, Budget(seconds))
        else:
            transferred = learn_transferred(train, source, names, seed, Budget(seconds))
            learned = transferred.learned
        found: dict[str, Any] = {
            "repeat": repeat,
            "rows": rows,
            "chosen": learned.chosen,
            "shares": dict(learned.shares),
            "cut": learned.cut,
        }
        if not len(held):
            return found | {
                "model": learned.model.to_json(),
                "tried": [
                    [t.name, t.loss, t.difference, t.standard_error, t.seconds, t.share]
                    for t in learned.tried
                ],
                "held_out": learned.held_out.tolist(),
                "folds": learned.folds.tolist(),
                "signal_p": learned.signal_p,
                "stability": dict(learned.stability),
                "transfer": None if transferred is None else transferred.to_json(),
            }
        predicted = learned.model.predict(people.features[held])
        chances = predicted.probabilities
        return found | {
            "model": learned.model.to_json() if repeat == 0 else None,
            "estimate": predicted.estimate.tolist(),
            "linear": predicted.linear.tolist(),
            "probabilities": None if chances is None else chances.tolist(),
        }


@dataclass(frozen=True, slots=True)
class Evaluated:
    """``final``: what the final step left. ``repeats``: the whole repeats, everybody foreseen in each.

    ``chosen``: candidate → share of the folds that chose it. ``linear`` (n,), ``part`` (n,): of the first
    repeat what was foreseen, and by which model; ``parts``: those models, each with the
    rows that it had not seen.
    """

    final: Mapping[str, Any]
    repeats: tuple[Judged, ...]
    linear: Floats
    part: Ints
    parts: tuple[tuple[PrognosisModel, Ints], ...]
    chosen: Mapping[str, float]


def evaluated(people: People, steps: Steps, tasks: Sequence[Task]) -> Evaluated:
    """Put the steps together: repeats of which a fold is missing do not count.

    Raises ``KeyboardInterrupt`` where it was stopped before anything could be kept, ``NotEnoughDataError``
    where the time limit did not allow the first repeat.
    """
    n, by_repeat = len(people), max(task[0] for task in tasks) + 1
    members = [[i for i, task in enumerate(tasks) if i != FINAL and task[0] == r] for r in range(by_repeat)]
    whole = [numbers for numbers in members if all(i in steps.done for i in numbers)]
    if FINAL not in steps.done or not whole or whole[0] != members[0]:
        if steps.stopped:
            raise KeyboardInterrupt
        raise NotEnoughDataError(
            "The time limit ended before everybody was foreseen once.",
            hint="Nothing was packaged. Give more seconds under [learning], or name fewer candidates; "
            "the same command goes on where it stopped.",
        )
    estimate, linear = np.zeros((len(whole), n)), np.zeros((len(whole), n))
    part = np.zeros((len(whole), n), dtype=np.int64)
    chances = np.zeros((len(whole), n, people.levels)) if people.kind == "ordinal" else None
    for r, numbers in enumerate(whole):
        for f, i in enumerate(numbers):
            step = steps.done[i]
            rows = step["rows"]
            estimate[r, rows], linear[r, rows], part[r, rows] = step["estimate"], step["linear"], f
            if chances is not None:
                chances[r, rows] = step["probabilities"]
    folds = [steps.done[i] for numbers in whole for i in numbers]
    names = sorted({step["chosen"] for step in folds})
    return Evaluated(
        steps.done[FINAL],
        tuple(
            judged(people, estimate[r], part[r], None if chances is None else chances[r])
            for r in range(len(whole))
        ),
        linear[0],
        part[0],
        tuple(
            (PrognosisModel.from_json(step["model"]), np.asarray(step["rows"], dtype=np.int64))
            for step in (steps.done[i] for i in whole[0])
        ),
        {name: float(np.mean([step["chosen"] == name for step in folds])) for name in names},
    )


def judged(
    people: People, estimate: Floats, part: Ints | None = None, chances: Floats | None = None
) -> Judged:
    """What was foreseen for people beside what came."""
    aim = target(people)
    return Judged(
        y=aim.y,
        p=estimate,
        weight=aim.weight,
        part=part,
        clusters=people.clusters,
        strata=people.strata,
        kind=people.kind,
        probabilities=chances,
    )
