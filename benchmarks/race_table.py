"""What the race showed: mean regret, harm and seconds by cell and contender, and what was asked of ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lines import Line, markdown
from race_cells import Cell
from race_names import Named
from race_runs import SLOW, Judged, Key

__all__ = ["Race", "lines", "numbers", "tables"]

NEAR = 0.01
"""SD: less is a tie."""

HARM = 0.05
"""Share of runs in a cell that may harm."""


@dataclass(frozen=True, slots=True)
class Race:
    """All runs. The first contender is ours, the second the plain analysis, the others are peers."""

    done: Mapping[Key, Judged]
    cells: Sequence[Cell]
    contenders: Sequence[Named]

    @property
    def names(self) -> list[str]:
        return [contender.name for contender in self.contenders]

    @property
    def peers(self) -> list[str]:
        return self.names[2:]

    def found(self, cell: Cell, *names: str) -> list[Judged]:
        """Draws of a cell that all these contenders learned from."""
        draws = (self.done.get((cell.problem, cell.n, seed)) for seed in range(cell.seeds))
        return [judged for judged in draws if judged and all(name in judged.runs for name in names)]

    def regret(self, cell: Cell, name: str) -> np.ndarray:
        return np.array([judged.regret(name) for judged in self.found(cell, name)])

    def harm(self, cell: Cell, name: str) -> np.ndarray:
        return np.array([judged.harm(name) for judged in self.found(cell, name)], dtype=float)

    def seconds(self, cell: Cell, name: str) -> np.ndarray:
        return np.array([judged.runs[name].seconds for judged in self.found(cell, name)])

    def excess(self, cell: Cell, name: str) -> np.ndarray:
        """Regret of ours beyond that of ``name``, on the draws that both learned from."""
        ours = self.names[0]
        both = self.found(cell, ours, name)
        return np.array([judged.regret(ours) - judged.regret(name) for judged in both])

    def worst(self, cells: Sequence[Cell]) -> tuple[float, float, str, Cell] | None:
        """The greatest mean excess over any peer in any cell, its standard error, and where."""
        pairs = [(self.excess(cell, name), name, cell) for cell in cells for name in self.peers]
        measured = [(e.mean(), _error(e), name, cell) for e, name, cell in pairs if len(e)]
        return max(measured, key=lambda found: found[0], default=None)


def lines(race: Race) -> list[Line]:
    ours, plain = race.names[:2]
    gainful = [cell for cell in race.cells if cell.problem in ("P1 lin", "P1 thr") and cell.n >= 500]
    return [
        *_overall(race),
        _near(race, race.cells, "worst cell against its best peer"),
        *([_near(race, gainful, "P1 lin and thr, n ≥ 500: against the best peer")] if gainful else []),
        _harm(race, ours),
        *_faster(race, ours),
        Line(f"— {plain} alone", "beside", f"mean regret {_mean(race, plain):.4f} SD", None),
    ]


def _overall(race: Race) -> list[Line]:
    """The mean over cells of the paired difference, peer by peer."""
    result = []
    for name in race.peers:
        cells = [excess for cell in race.cells if len(excess := race.excess(cell, name))]
        if not cells:
            continue
        mean = float(np.mean([excess.mean() for excess in cells]))
        error = float(np.sqrt(np.mean([_error(excess) ** 2 for excess in cells]) / len(cells)))
        found = f"{-mean:+.4f} ± {error:.4f} SD lower ({len(cells)} cells)"
        result.append(Line(f"mean regret against {name}", "lower", found, mean < 0))
    return result


def _near(race: Race, cells: Sequence[Cell], what: str) -> Line:
    worst = race.worst(cells)
    if worst is None:
        return Line(f"mean regret, {what}", f"≤ {NEAR} SD more", "no peer ran", None)
    mean, error, name, cell = worst
    found = f"{mean:+.4f} ± {error:.4f} SD ({cell.name}; {name})"
    return Line(f"mean regret, {what}", f"≤ {NEAR} SD more", found, bool(mean <= NEAR))


def _harm(race: Race, ours: str) -> Line:
    shares = [(harm.mean(), cell) for cell in race.cells if len(harm := race.harm(cell, ours))]
    worst, cell = max(shares, key=lambda found: found[0])
    over = sum(share > HARM for share, _ in shares)
    others = [h.mean() for c in race.cells for name in race.peers if len(h := race.harm(c, name))]
    beside = f"; peers up to {max(others):.0%}" if others else ""
    found = f"at most {worst:.0%} ({cell.name}), above it in {over} of {len(shares)} cells{beside}"
    what = "harm: more than .01 SD below the plain analysis' arm, share of runs in every cell"
    return Line(what, f"≤ {HARM:.0%}", found, bool(worst <= HARM))


def _faster(race: Race, ours: str) -> list[Line]:
    result = []
    for name in race.peers:
        ratios = [
            race.seconds(cell, ours).mean() / max(race.seconds(cell, name).mean(), 0.005)
            for cell in race.cells
            if len(race.seconds(cell, name)) and len(race.seconds(cell, ours))
        ]
        if ratios:
            found = (
                f"{np.exp(np.mean(np.log(ratios))):.2g} × its seconds, {min(ratios):.2g} to {max(ratios):.2g}"
            )
            result.append(Line(f"— ours against {name}, seconds of processor", "beside", found, None))
    return result


def tables(race: Race) -> str:
    """Markdown: a table each of regret, harm and seconds; who the contenders are."""
    ran = [c for c in race.contenders if any(len(race.regret(cell, c.name)) for cell in race.cells)]
    libraries = {name: run.library for judged in race.done.values() for name, run in judged.runs.items()}
    who = [(c.name, libraries[c.name], c.setting) for c in ran]
    names = [c.name for c in ran]

    def regret(cell: Cell, name: str) -> str:
        values = race.regret(cell, name)
        few = "" if len(values) == cell.seeds else f" ({len(values)})"
        return f"{values.mean():.3f} ± {_error(values):.3f}{few}" if len(values) else ""

    def plainly(measure: Callable[[Cell, str], np.ndarray], form: str) -> Callable[[Cell, str], str]:
        def shown(cell: Cell, name: str) -> str:
            values = measure(cell, name)
            return format(values.mean(), form) if len(values) else ""

        return shown

    parts = (
        (
            "Mean regret, SD of the outcome, ± its standard error",
            f"In brackets the draws where fewer: a fit takes over {SLOW:.0f} s, or the race is unfinished.",
            regret,
        ),
        ("Harm: share of runs", "More than .01 SD below the plain analysis' arm.", plainly(race.harm, ".0%")),
        ("Seconds of processor a fit", "One thread.", plainly(race.seconds, ".2f")),
    )
    text = ""
    for title, below, shown in parts:
        rows = [[cell.name, *(shown(cell, name) for name in names)] for cell in race.cells]
        if shown is regret:
            rows.append(["mean of all", *(f"{_mean(race, name):.4f}" for name in names)])
        text += f"\n## {title}\n\n{below}\n\n{markdown(['', *names], rows)}"
    return text + "\n## Contenders\n\n" + markdown(["contender", "library", "setting"], who)


def numbers(race: Race) -> dict[str, object]:
    """The same for machines: cell → contender → mean regret, error, harm, seconds, draws."""
    return {
        "cells": {
            cell.name: {
                name: {
                    "regret": round(float(regret.mean()), 5),
                    "error": round(_error(regret), 5),
                    "harm": round(float(race.harm(cell, name).mean()), 4),
                    "seconds": round(float(race.seconds(cell, name).mean()), 3),
                    "draws": len(regret),
                }
                for name in race.names
                if len(regret := race.regret(cell, name))
            }
            for cell in race.cells
        }
    }


def _mean(race: Race, name: str) -> float:
    return float(np.mean([r.mean() for cell in race.cells if len(r := race.regret(cell, name))]))


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
