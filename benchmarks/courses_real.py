"""Real courses, cross-validated, beside a mixed model, the last value and the mean course (`make bench`)."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alleviate.models.performance.comparison import compared
from alleviate.models.performance.judged import Judged
from alleviate.models.performance.performance import performance
from alleviate.models.prognosis.people import Kind
from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import NotEnoughDataError
from alleviate.terms.estimates import Estimate
from courses_data import SOURCES, Source
from courses_rivals import RIVALS, WAYS, Foreseen, foresee
from lines import RESULTS, Line, markdown, note, written

__all__ = ["HeldOut", "cross_validated", "lines", "splits", "tables"]

REPEATS = 5
WHAT = ("end", "next")
BANDED = ("ours", "mixed model")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What each way foresaw of people not learned from: by way, one ``Foreseen`` per repeat.

    ``part`` (n,) of each repeat: which model foresaw the person."""

    source: Source
    ways: Mapping[str, Sequence[Foreseen]]
    part: Sequence[Ints]

    def truth(self, what: str) -> Floats:
        """(N,) the score at the end, or at the next planned visit; NaN where it did not come or is now."""
        h = self.source.histories
        if what == "end":
            return np.where(h.remaining > 0, h.end[h.person], np.nan)
        came = (np.diff(h.person) == 0) & (np.diff(h.time) == 1)
        return np.append(np.where(came, h.score[1:], np.nan), np.nan)

    def of(self, way: str, what: str, rows: Bools) -> list[Judged]:
        """``what``: "end", "next" or "off", the absence of a reliable improvement at the end."""
        h, scale = self.source.histories, self.source.scale
        y = self.truth("next" if what == "next" else "end")
        if what == "off":
            y = 1.0 - scale.improved(h.score[h.first][h.person], y)
        person, ones = h.person[rows], np.ones(int(rows.sum()))
        kind: Kind = "binary" if what == "off" else "numeric"
        return [
            Judged(y[rows], getattr(found, what)[rows], ones, part[person], person, kind=kind)
            for found, part in zip(self.ways[way], self.part, strict=True)
        ]

    def rows(self, what: str, visit: int | None = None) -> Bools:
        """Which visits are judged: all, or those at planned ``visit``. "off": of who could improve."""
        h, scale = self.source.histories, self.source.scale
        rows = np.isfinite(self.truth("next" if what == "next" else "end"))
        if what == "off":
            start = h.score[h.first][h.person]
            room = start - scale.low if scale.better == "lower" else scale.high - start
            rows &= room >= scale.reliable
        return rows if visit is None else rows & (h.time == visit)

    def covered(self, way: str, what: str, visit: int | None = None) -> tuple[Estimate, float]:
        """The share inside the 90 % band, and the band's mean width."""
        rows, inside, width = self.rows(what, visit), [], []
        y = self.truth(what)[rows]
        for found in self.ways[way]:
            low, high = (found.low, found.high) if what == "end" else (found.next_low, found.next_high)
            inside.append((low[rows] <= y) & (y <= high[rows]))
            width.append((high - low)[rows].mean())
        person = self.source.histories.person[rows]
        share = Judged(
            np.mean(inside, axis=0), np.zeros(len(y)), np.ones(len(y)), None, person, kind="numeric"
        )
        # of numbers foreseen to be 0 the mean error is their mean
        return performance([share])["mae"], float(np.mean(width))


def splits(source: Source, repeats: int, first: int) -> list[Ints]:
    """(n,) of each repeat: the part held out with each person. Trials once, where there are several."""
    if source.part is not None:
        return [np.unique(source.part, return_inverse=True)[1]]
    n = len(source.histories)
    return [
        np.random.default_rng(seed).permutation(n) % source.folds for seed in range(first, first + repeats)
    ]


def cross_validated(source: Source, repeats: int = REPEATS, first: int = 0) -> HeldOut:
    """Raises ``NotEnoughDataError`` where a part's people are too few to learn from."""
    histories, parts = source.histories, splits(source, repeats, first)
    ways: dict[str, list[Foreseen]] = {way: [] for way in WAYS}
    for seed, part in enumerate(parts, start=first):
        found = {way: Foreseen.empty(len(histories.score)) for way in WAYS}
        for held in np.unique(part):
            train, test = (histories.take(np.flatnonzero(some)) for some in (part != held, part == held))
            rows = np.flatnonzero((part == held)[histories.person])
            for way in WAYS:
                found[way].put(rows, foresee(way, train, test, source.scale, seed))
        for way in WAYS:
            ways[way].append(found[way])
    return HeldOut(source, ways, parts)


def lines(tested: HeldOut) -> list[Line]:
    h, name = tested.source.histories, tested.source.name
    ends, last = np.isfinite(h.end), int(h.horizon[0])
    text = f"{len(h)} people, {ends.sum()} with the end known, {len(h.score)} scores; "
    text += f"reliably better by then {np.nanmean(tested.source.scale.improved(h.score[h.first], h.end)):.0%}"
    found = [Line(f"{name}: people", "", text, None)]
    found += [_error(tested, what, rival) for what in WHAT for rival in RIVALS]
    for what in WHAT:
        share, width = tested.covered("ours", what)
        by_visit = [tested.covered("ours", what, visit)[0].estimate for visit in range(last)]
        other, wide = tested.covered("mixed model", what)
        text = f"{_shares(share)}, width {width:.1f}; by visit {', '.join(f'{s:.0%}' for s in by_visit)}; "
        text += f"mixed model {other.estimate:.1%}, width {wide:.1f}"
        holds = 0.88 <= share.estimate <= 0.92
        found.append(Line(f"{name}: 90 % bands of the {what} score", "88–92 %", text, holds))
    rows = tested.rows("off")
    for rival in RIVALS:
        ours, theirs = tested.of("ours", "off", rows), tested.of(rival, "off", rows)
        apart = compared(ours, theirs).differences["auc"]
        one, other = performance(ours)["auc"], performance(theirs)["auc"]
        text = f"{_number(one, 3)}; {other.estimate:.3f}: {_signed(apart, 3)}"
        holds = apart.estimate >= -_error_of(apart)
        found.append(
            Line(f"{name}: AUC of no reliable improvement, {rival}", "no worse beyond SE", text, holds)
        )
    slope = {way: performance(tested.of(way, "off", rows)).get("calibration_slope") for way in BANDED}
    text = "; ".join(f"{way} {_number(s, 2) if s else 'cannot be told'}" for way, s in slope.items())
    mine = slope["ours"]
    found.append(
        Line(
            f"{name}: calibration slope of no reliable improvement",
            "1 in its interval",
            text,
            mine is not None and mine.low <= 1 <= mine.high,
        )
    )
    return found


def _error(tested: HeldOut, what: str, rival: str) -> Line:
    rows = tested.rows(what)
    ours, theirs = tested.of("ours", what, rows), tested.of(rival, what, rows)
    apart, mine, other = compared(ours, theirs).differences, performance(ours), performance(theirs)
    text = "; ".join(
        f"{m.upper()} {mine[m].estimate:.3f}; {other[m].estimate:.3f}: {_signed(apart[m], 3)}"
        for m in ("mae", "rmse")
    )
    holds = all(apart[m].estimate <= _error_of(apart[m]) for m in ("mae", "rmse"))
    return Line(f"{tested.source.name}: {what} score, ours; {rival}", "no worse beyond SE", text, holds)


def _error_of(found: Estimate) -> float:
    """The standard error, from the 95 % interval."""
    return (found.high - found.low) / 3.92


def _number(found: Estimate, digits: int) -> str:
    return f"{found.estimate:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"


def _signed(found: Estimate, digits: int) -> str:
    return f"{found.estimate:+.{digits}f} ({found.low:+.{digits}f} to {found.high:+.{digits}f})"


def _shares(found: Estimate) -> str:
    return f"{found.estimate:.1%} ({found.low:.1%} to {found.high:.1%})"


def tables(tested: HeldOut) -> str:
    """After each visit (0: intake), what each way makes of it."""
    found = [f"\n## {tested.source.name}\n\n"]
    columns = (
        "score of",
        "after visit",
        "n",
        "way",
        "MAE",
        "RMSE",
        "in the 90 % band",
        "width",
        "AUC",
        "slope",
    )
    table = []
    for what in WHAT:
        for visit in range(int(tested.source.histories.horizon[0])):
            rows = tested.rows(what, visit)
            for way in WAYS:
                error = performance(tested.of(way, what, rows))
                cells = [what, str(visit), str(int(rows.sum())), way]
                cells += [f"{error[m].estimate:.3f}" for m in ("mae", "rmse")]
                share, width = tested.covered(way, what, visit)
                cells += [f"{share.estimate:.1%}", f"{width:.2f}"] if way in BANDED else ["", ""]
                chance = (
                    performance(tested.of(way, "off", tested.rows("off", visit))) if what == "end" else {}
                )
                cells.append(f"{chance['auc'].estimate:.3f}" if "auc" in chance else "")
                slope = chance.get("calibration_slope") if way in BANDED else None
                table.append([*cells, f"{slope.estimate:.2f}" if slope else ""])
    return "".join([*found, markdown(columns, table)])


def by_people(source: Source) -> Source:
    """The same people without their trials: what bands are worth where new people are like those known."""
    return replace(source, name=f"{source.name}, by people", part=None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", choices=sorted(SOURCES), nargs="*", default=list(SOURCES))
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    found: list[Line] = []
    more = ""
    for key in asked.only:
        try:
            source = SOURCES[key]()
        except FileNotFoundError as missing:
            found.append(Line(key, "read", f"not there: {missing.filename}", None))
            continue
        once = [source] if source.part is None else [source, by_people(source)]
        for one in once:
            try:
                tested = cross_validated(one, 1 if source.part else asked.repeats, asked.first)
            except NotEnoughDataError as few:
                found.append(Line(one.name, "learned or refused", f"refused: {few}", True))
                continue
            found += lines(tested)
            more += tables(tested)
            note(one.name)
    settings = {"repeats": asked.repeats, "first seed": asked.first}
    written(
        "courses-real",
        "Real courses, people not learned from",
        found,
        settings,
        results=asked.results,
        more=more,
    )
    return 0 if all(line.holds in (True, None) for line in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
