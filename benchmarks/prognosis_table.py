"""What the prognosis race showed: log loss, Brier, AUC and calibration by set and contender."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression

from lines import Line, markdown
from prognosis_names import Contender
from prognosis_runs import FOLDS, Cell, Floats, Run, foreseen
from prognosis_sets import folds, loaded

__all__ = ["Difference", "Race", "lines", "numbers", "race", "tables"]

WORSE = 0.005
"""Brier score by which no set may be foreseen worse than by ridge."""

SLOPES = (0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of ours less another's, and the standard error that counts people who taught in several repeats.

    Nadeau & Bengio (Machine Learning 2003): J folds have (1/J + test/train)·s², J − 1 degrees of freedom.
    """

    mean: float
    error: float
    folds: int

    @property
    def p(self) -> float:
        """Two-sided."""
        return float(2 * student.sf(abs(self.mean) / self.error, self.folds - 1))


def corrected(values: Floats) -> Difference:
    """``values`` (J,): ours less another's, by fold; each half of the people is tested by the other."""
    j = len(values)
    error = float(np.sqrt((1 / j + 1) * values.var(ddof=1))) if j > 1 else float("nan")
    return Difference(float(values.mean()), error, j)


@dataclass(frozen=True, slots=True)
class Race:
    """All runs. The first contender is ours, the second ridge."""

    done: Mapping[Cell, Mapping[str, Run]]
    sets: Sequence[str]
    repeats: int
    contenders: Sequence[Contender]

    @property
    def names(self) -> list[str]:
        return [contender.name for contender in self.contenders]

    def cells(self, name: str, *ran: str) -> list[Cell]:
        """Folds of a set on which all of these ran."""
        every = [(name, repeat, fold) for repeat in range(self.repeats) for fold in range(FOLDS)]
        return [cell for cell in every if all(one in self.done.get(cell, {}) for one in ran)]

    def values(self, measure: str, contender: str, cells: Sequence[Cell]) -> Floats:
        return np.array([getattr(self.done[cell][contender], measure) for cell in cells], dtype=float)

    def against(self, measure: str, peer: str) -> dict[str, Difference]:
        """By set, on the folds that ours and the peer both ran."""
        ours = self.names[0]
        found = {}
        for name in self.sets:
            if cells := self.cells(name, ours, peer):
                found[name] = corrected(self.values(measure, ours, cells) - self.values(measure, peer, cells))
        return found

    def calibration(self, contender: str, sets: Sequence[str]) -> tuple[float, float] | None:
        """Slope, and intercept where the slope is 1: of all held out, with a level of its own a set."""
        linear, y, whose = [], [], []
        for number, name in enumerate(sets):
            outcome = loaded(name).y
            for cell in self.cells(name, contender):
                _, test = list(folds(outcome, cell[1]))[cell[2]]
                linear.append(foreseen(self.done[cell][contender]))
                y.append(outcome[test])
                whose.append(np.full(len(test), number))
        if not y:
            return None
        x, outcome = np.concatenate(linear), np.concatenate(y)
        levels = np.eye(len(sets))[np.concatenate(whose)]
        levels = levels[:, levels.any(axis=0)]
        plain = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8, max_iter=1000)
        slope = float(plain.fit(np.column_stack([x, levels]), outcome).coef_[0, 0])
        return slope, _level(x, outcome)


def _level(x: Floats, y: Floats) -> float:
    """What, added to log odds ``x``, makes as many events foreseen as came; by Newton's steps."""
    level = 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x + level)))
        level += float((y - p).sum() / (p * (1 - p)).sum())
    return level


def race(
    ours: Mapping[Cell, Mapping[str, Run]],
    peers: Mapping[Cell, Mapping[str, Run]],
    sets: Sequence[str],
    repeats: int,
    contenders: Sequence[Contender],
) -> Race:
    """Both caches in one. Raises ValueError where the same fold was not of the same people."""
    done = {cell: {**peers.get(cell, {}), **ours.get(cell, {})} for cell in ours.keys() | peers.keys()}
    for cell, runs in done.items():
        marks = [run.mark for run in runs.values()]
        if max(marks) - min(marks) > 0.01:
            raise ValueError(f"{cell}: not all learned from the same people; take its lines out")
    return Race(done, sets, repeats, contenders)


def lines(race: Race) -> list[Line]:
    ours, ridge = race.names[:2]
    shown = []
    for measure, words in (("log_loss", "log loss"), ("brier", "Brier score")):
        for peer in race.names[1:]:
            found = race.against(measure, peer)
            if found:
                mean, error = _overall(found)
                shown.append(
                    Line(
                        f"mean {words} against {peer}",
                        "lower",
                        f"{-mean:+.4f} ± {error:.4f} lower ({_won(found)} of {len(found)} sets)",
                        bool(mean < 0),
                    )
                )
    beside = race.against("brier", ridge)
    if beside:
        worst = max(beside, key=lambda name: beside[name].mean)
        found_there = f"{beside[worst].mean:+.4f} at most ({worst})"
        holds = bool(beside[worst].mean <= WORSE)
        shown.append(Line(f"Brier score above {ridge}'s, any set", f"≤ {WORSE}", found_there, holds))
    for name in race.names:
        if calibration := race.calibration(name, race.sets):
            slope, level = calibration
            asked, holds = ("beside", None) if name != ours else ("0.9–1.1", SLOPES[0] <= slope <= SLOPES[1])
            what = "calibration slope, all held-out people" + ("" if name == ours else f" — {name}")
            shown.append(Line(what, asked, f"{slope:.3f} (level {level:+.3f})", holds))
    return shown


def _overall(found: Mapping[str, Difference]) -> tuple[float, float]:
    """Mean over sets, and its standard error over folds within sets."""
    means, errors = np.array([(one.mean, one.error) for one in found.values()]).T
    return float(means.mean()), float(np.sqrt((errors**2).sum()) / len(found))


def _won(found: Mapping[str, Difference]) -> int:
    return sum(one.mean < 0 for one in found.values())


def tables(race: Race) -> str:
    """Markdown: a table each of log loss, Brier, AUC, the differences, calibration and seconds; who races."""
    names = [name for name in race.names if any(race.cells(one, name) for one in race.sets)]

    def mean(measure: str, form: str) -> Callable[[str, str], str]:
        def shown(one: str, name: str) -> str:
            cells = race.cells(one, name)
            few = "" if len(cells) == race.repeats * FOLDS else f" ({len(cells)})"
            return f"{race.values(measure, name, cells).mean():{form}}{few}" if cells else ""

        return shown

    def difference(measure: str) -> Callable[[str, str], str]:
        def shown(one: str, name: str) -> str:
            found = race.against(measure, name).get(one)
            return "" if found is None else f"{found.mean:+.4f} ± {found.error:.4f}, p {found.p:.2f}"

        return shown

    def slope(one: str, name: str) -> str:
        found = race.calibration(name, [one])
        return "" if found is None else f"{found[0]:.2f}, {found[1]:+.2f}"

    peers = [name for name in names if name != race.names[0]]
    corrected_words = "Below 0 ours is lower. Error and p: corrected resampled t-test (Nadeau & Bengio 2003)."
    parts = (
        ("Log loss", "In brackets the folds where not all have run.", names, mean("log_loss", ".4f")),
        ("Brier score", "Of people held out.", names, mean("brier", ".4f")),
        ("AUC", "Of people held out.", names, mean("auc", ".3f")),
        ("Log loss, ours less theirs", corrected_words, peers, difference("log_loss")),
        ("Brier score, ours less theirs", corrected_words, peers, difference("brier")),
        ("Calibration slope, and level", "Of all people held out, over folds and repeats.", names, slope),
        ("Seconds by the clock a fit", "One thread.", names, mean("seconds", ".1f")),
        (
            "Seconds of processor a fit",
            "Far below the clock's where other work held the machine: such a fit had less than its time.",
            names,
            mean("processor", ".1f"),
        ),
    )
    text = ""
    for title, below, shown_names, shown in parts:
        rows = [[one, *(shown(one, name) for name in shown_names)] for one in race.sets]
        text += f"\n## {title}\n\n{below}\n\n{markdown(['', *shown_names], rows)}"
    libraries = {name: run.library for runs in race.done.values() for name, run in runs.items()}
    who = [(c.name, libraries[c.name], c.setting) for c in race.contenders if c.name in names]
    return text + "\n## Contenders\n\n" + markdown(["contender", "library", "setting"], who)


def numbers(race: Race) -> dict[str, object]:
    """The same for machines: set → contender → means over folds, and how many."""
    measures = ("log_loss", "brier", "auc", "seconds", "processor")
    return {
        "sets": {
            one: {
                name: {"folds": len(cells)}
                | {m: round(float(race.values(m, name, cells).mean()), 5) for m in measures}
                for name in race.names
                if (cells := race.cells(one, name))
            }
            for one in race.sets
        }
    }
