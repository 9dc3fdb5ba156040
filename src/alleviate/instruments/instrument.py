"""One questionnaire: what it asks, and what the answers amount to."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import floor
from typing import Literal

from msgspec import Struct

from alleviate.instruments.parts import (
    Band,
    Caseness,
    Change,
    Flag,
    Item,
    MissingRule,
    Remission,
    Score,
    Subscale,
    Tier,
)
from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError

__all__ = ["Instrument"]

YES = 1


class Instrument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A questionnaire as its folder says it, checked at birth. Raises DataError.

    ``total`` says what the answers become: a ``sum`` of points (times ``factor``), a risk ``tier``, or a
    ``profile`` of levels. Bands and cut-offs are in points of the total. ``recall_days`` is the time that the
    questions look back on, 0 for today and None for a lifetime or no fixed time.
    """

    id: str
    title: str
    abbreviation: str
    measures: str
    total: Literal["sum", "tier", "profile"]
    total_code: str
    panel_codes: tuple[str, ...]
    direction: Literal["higher is worse", "higher is better"]
    licence: str
    source: str
    items: tuple[Item, ...]
    missing: MissingRule
    recall_days: int | None = None
    note: str = ""
    factor: float = 1
    bands: tuple[Band, ...] = ()
    bands_source: str = ""
    tiers: tuple[Tier, ...] = ()
    caseness: Caseness | None = None
    reliable_change: Change | None = None
    remission: Remission | None = None
    subscales: tuple[Subscale, ...] = ()
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        for code in (self.total_code, *self.panel_codes):
            check_code(code)
        ids = [item.id for item in self.items]
        codes = [code for item in self.items for code in (item.code, *item.aliases)]
        self._expect(bool(ids), "has no items")
        self._expect(len(set(ids)) == len(ids), "has two items of one id")
        self._expect(len({*codes, self.total_code}) == len(codes) + 1, "has one code twice")
        named = [
            *(id for tier in self.tiers for id in tier.any),
            *(id for subscale in self.subscales for id in subscale.items),
            *(flag.item for flag in self.flags),
            *(item.skip.item for item in self.items if item.skip),
            *self.missing.needs,
        ]
        self._expect(set(named) <= set(ids), f"names items that it lacks: {sorted(set(named) - set(ids))}")
        open_to_all = [not tier.any for tier in self.tiers]
        wanted = [False] * (len(self.tiers) - 1) + [True] if self.total == "tier" else []
        self._expect(open_to_all == wanted, "needs tiers, of which the last names no item, if it has any")
        self._expect(bool(self.bands) <= bool(self.bands_source), "has bands without their source")
        if self.bands:
            low, high = self.range
            ends = [band.high for band in self.bands]
            starts = [band.low for band in self.bands]
            self._expect((starts[0], ends[-1]) == (low, high), f"has bands that miss {low:g} to {high:g}")
            self._expect(starts[1:] == [end + 1 for end in ends[:-1]], "has bands with a gap or an overlap")
        by_subscale = [id for subscale in self.subscales for id in subscale.items]
        if self.missing.by_subscale:
            self._expect(sorted(by_subscale) == sorted(ids), "needs each item in exactly one subscale")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise DataError(f"The instrument {self.id} {otherwise}.", hint="Mend its instrument.toml.")

    @cached_property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest total."""
        return self.bounds({})

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(item.id for item in self.items)

    def bounds(self, answers: Mapping[str, float | None]) -> tuple[float, float]:
        """The lowest and the highest total that these answers leave possible."""
        points = self._points(answers)
        low = sum(item.low if (value := points[item.id]) is None else value for item in self._scored)
        high = sum(item.high if (value := points[item.id]) is None else value for item in self._scored)
        return low * self.factor, high * self.factor

    @cached_property
    def _scored(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.scored)

    @cached_property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The scored items, grouped as the rule for missing ones takes its means."""
        if self.missing.by_subscale:
            return tuple(subscale.items for subscale in self.subscales)
        return (tuple(item.id for item in self._scored),)

    def item(self, name: str) -> Item | None:
        """The item with this id, code or alias, if there is one; an alias means it only in here."""
        return next((i for i in self.items if name in (i.id, i.code, *i.aliases)), None)

    def severity_of(self, total: float) -> str | None:
        """The name of the band that a total lies in."""
        return next((band.name for band in reversed(self.bands) if total >= band.low), None)

    def is_case(self, total: float, sex: str | None = None) -> bool | None:
        """Whether a total counts as a case, for ``female`` or ``male``; None where there is no cut-off."""
        if self.caseness is None:
            return None
        threshold = self.caseness.by_sex.get(sex or "", self.caseness.threshold)
        return total >= threshold if self.direction == "higher is worse" else total <= threshold

    def flags_of(self, answers: Mapping[str, float | None]) -> tuple[str, ...]:
        """The names of the flags that these answers raise; they hang on no total."""
        return tuple(
            flag.name
            for flag in self.flags
            if (answer := answers.get(flag.item)) is not None and answer >= flag.at_least
        )

    def check(self, item: Item, value: float | None) -> None:
        """Raise DataError unless the answer is missing or a whole number in range."""
        if value is not None and not item.takes(value):
            raise DataError(
                f"{self.abbreviation} item {item.id} ({item.name}) takes whole numbers from {item.low:g} to "
                f"{item.high:g}, got {value!r}.",
                hint="Leave the item out where the answer is not known.",
            )

    def score(self, answers: Mapping[str, float | None], *, sex: str | None = None) -> Score:
        """What answers by item id amount to. Raises DataError on an unknown item or an impossible answer.

        An item left out or None is missing. ``sex`` (``female`` or ``male``) matters to some cut-offs.
        """
        if unknown := answers.keys() - self._ids:
            raise DataError(
                f"{self.abbreviation} has no item {', '.join(sorted(unknown))}.",
                hint=f"Its items are {', '.join(item.id for item in self.items)}.",
            )
        for item in self.items:
            self.check(item, answers.get(item.id))
        points = self._points(answers)
        flags, missing = self.flags_of(answers), tuple(id for id, value in points.items() if value is None)
        if self.total == "tier":
            return self._tier(points, flags, missing)
        if self.total == "profile":
            return self._profile(points, flags, missing)
        sums = self._sums(points)
        reason = self._unscorable(missing)
        total = None if reason else self._total(points)
        if total is None:
            reason = reason or "a subscale has no answer whose mean could stand in for the missing ones"
            return Score(flags=flags, missing=missing, reason=reason, subscales=sums)
        unsure = self.caseness is not None and self.caseness.by_sex and sex not in self.caseness.by_sex
        return Score(
            total=total,
            severity=self.severity_of(total),
            case=self.is_case(total, sex),
            flags=flags,
            missing=missing,
            imputed=bool(missing),
            reason="the sex is not known: the lower cut-off is used" if unsure else "",
            subscales=sums,
        )

    def _points(self, answers: Mapping[str, float | None]) -> dict[str, float | None]:
        """The points of each scored item; None where it is missing, 0 where it was rightly not asked."""
        points: dict[str, float | None] = {}
        for item in self._scored:
            value = answers.get(item.id)
            if value is None and item.skip and answers.get(item.skip.item) == item.skip.equals:
                value = 0.0
            points[item.id] = None if value is None else float(item.points(value))
        return points

    def _unscorable(self, missing: Sequence[str]) -> str:
        """Why there is no total with these items missing; empty where there is one."""
        if needed := [id for id in missing if id in self.missing.needs]:
            return f"item {needed[0]} is not answered, and without it this is no {self.abbreviation}"
        if len(missing) > self.missing.most:
            allowed = f"at most {self.missing.most} may be" if self.missing.most else "none may be"
            return f"{len(missing)} of {len(self._scored)} items are missing; {allowed}"
        return ""

    def _total(self, points: Mapping[str, float | None]) -> float | None:
        """The sum, with the mean of the answered items (of each subscale) for the missing ones."""
        total = 0.0
        for ids in self.parts:
            known = [value for id in ids if (value := points[id]) is not None]
            if not known:
                return None
            mean = sum(known) / len(known)
            mean = floor(mean + 0.5) if self.missing.by_subscale else mean
            total += sum(known) + (len(ids) - len(known)) * mean
        return total * self.factor

    def _sums(self, points: Mapping[str, float | None]) -> dict[str, float]:
        """The points of each subscale whose items are all answered."""
        sums = {}
        for subscale in self.subscales:
            known = [value for id in subscale.items if (value := points[id]) is not None]
            if len(known) == len(subscale.items):
                sums[subscale.name] = sum(known)
        return sums

    def _tier(
        self, points: Mapping[str, float | None], flags: tuple[str, ...], missing: tuple[str, ...]
    ) -> Score:
        """The first tier, from the highest, that a yes reaches, or an unknown answer might."""
        tier = next(t for t in self.tiers if not t.any or any(points[id] in (YES, None) for id in t.any))
        unknown = [id for id in tier.any if points[id] is None]
        escalated = unknown and not any(points[id] == YES for id in tier.any)
        return Score(
            severity=tier.name,
            flags=(*flags, tier.flag) if tier.flag else flags,
            missing=missing,
            reason=f"not known counts as yes: item {', '.join(unknown)}" if escalated else "",
        )

    def _profile(
        self, points: Mapping[str, float | None], flags: tuple[str, ...], missing: tuple[str, ...]
    ) -> Score:
        if missing:
            reason = f"{len(missing)} of {len(points)} items are missing"
            return Score(flags=flags, missing=missing, reason=reason)
        profile = "".join(f"{value:g}" for value in points.values())
        return Score(flags=flags, reason="a profile of levels has no total", profile=profile)
