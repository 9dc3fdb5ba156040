"""People's records as events in time, for networks: which code, how long ago, with what value.

A table of people may have, beside its features, a column ``EVENTS`` of lists, the oldest event first, as
``alleviate.features.event_lists`` makes them; null where somebody's record is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from alleviate.models.trial import Bools, Floats, Ints
from alleviate.terms.errors import DataError

__all__ = ["EVENTS", "READER", "EventSequences", "Vocabulary"]

EVENTS = "course of events"
"""The name of the column, and of what a model makes of it beside the features."""

READER = "sequence"
"""The candidate that takes them besides the features."""

EVENT = pl.Struct({"code": pl.String(), "days": pl.Float64(), "value": pl.Float64()})

RARE = 10
"""Codes that fewer people have are pooled: they tell little, and could name somebody."""

MOST_CODES = 60
MOST_EVENTS = 48
"""The latest of a person, of which account is taken."""

FURTHEST = 4.0
"""Values count as no further from their code's mean than so many SD."""


@dataclass(frozen=True, slots=True)
class EventSequences:
    """Events of n people: those of person i are ``offsets[i]`` … ``offsets[i + 1]``, the oldest first.

    Of each event: ``code``, its number in a vocabulary (0 for rare ones); ``days`` ≥ 0 before the moment;
    ``value``, standardised, 0 where not ``known``; ``change`` since the person's last known value of the same
    code, 0 where there is none. ``offsets`` (n + 1,), the others (events,).
    """

    offsets: Ints
    code: Ints
    days: Floats
    value: Floats
    known: Bools
    change: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Ints) -> "EventSequences":
        """These people, in this order."""
        start, many = self.offsets[rows], np.diff(self.offsets)[rows]
        ends = np.cumsum(many)
        at = np.arange(int(many.sum())) + np.repeat(start - (ends - many), many)
        return self._at(np.concatenate([[0], ends]).astype(np.int64), at)

    def latest(self, most: int) -> "EventSequences":
        """No more than so many of each."""
        many = np.diff(self.offsets)
        from_end = np.repeat(self.offsets[1:], many) - np.arange(len(self.code))
        offsets = np.concatenate([[0], np.cumsum(np.minimum(many, most))]).astype(np.int64)
        return self._at(offsets, np.flatnonzero(from_end <= most))

    def _at(self, offsets: Ints, at: Ints) -> "EventSequences":
        return EventSequences(
            offsets, self.code[at], self.days[at], self.value[at], self.known[at], self.change[at]
        )

    def padded(self) -> tuple[Ints, Floats, Bools, Floats]:
        """Codes (n, L); numbers (n, L, 4): value, known, change, log of days; whether there is an event
        (n, L); and days from each event to the next, or to the moment (n, L). Events stand to the right."""
        many = np.diff(self.offsets)
        n, most = len(self), int(many.max(initial=0))
        row = np.repeat(np.arange(n), many)
        place = np.arange(len(self.code)) - np.repeat(self.offsets[1:], many) + most
        following = np.append(self.days[1:], 0.0)
        following[self.offsets[1:][many > 0] - 1] = 0.0
        code, there = np.zeros((n, most), dtype=np.int64), np.zeros((n, most), dtype=bool)
        numbers, gap = np.zeros((n, most, 4)), np.zeros((n, most))
        code[row, place], there[row, place] = self.code, True
        gap[row, place] = self.days - following
        numbers[row, place] = np.column_stack(
            [self.value, self.known, self.change, np.log1p(self.days) / 5.0]
        )
        return code, numbers, there, gap

    def summary(self, codes: int) -> Floats:
        """(n, 3·codes) of each code: how often (log), the last value, and how much it had changed."""
        row = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        often, last, change = (np.zeros((len(self), codes)) for _ in range(3))
        np.add.at(often, (row, self.code), 1.0)
        at = np.flatnonzero(self.known)  # of several, the latest is written last
        last[row[at], self.code[at]], change[row[at], self.code[at]] = self.value[at], self.change[at]
        return np.column_stack([np.log1p(often), last, change])


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Codes by their number from 1 (0 stands for all rare ones), with ``mean`` and ``sd`` of their values.

    ``mean``, ``sd``: (1 + codes,).
    """

    codes: tuple[str, ...]
    mean: Floats
    sd: Floats

    def __len__(self) -> int:
        return 1 + len(self.codes)

    @classmethod
    def fit(cls, column: pl.Series) -> "Vocabulary":
        """Of the people learned from."""
        events = _flat(column)
        common = (
            events.group_by("code")
            .agg(pl.col("row").n_unique().alias("people"))
            .filter(pl.col("people") >= RARE)
            .sort(["people", "code"], descending=[True, False])
            .head(MOST_CODES)["code"]
        )
        draft = cls(tuple(sorted(common)), np.zeros(1 + len(common)), np.ones(1 + len(common)))
        code, value = draft._numbers(events), events["value"].to_numpy()
        known = np.isfinite(value)
        for k in range(1, len(draft)):
            own = value[known & (code == k)]
            if len(own):
                draft.mean[k], spread = own.mean(), own.std()
                draft.sd[k] = spread if spread > 1e-12 else 1.0
        return draft

    def read(self, column: pl.Series) -> EventSequences:
        """The events of everybody; null is no event. Raises ``DataError`` for one after the moment."""
        events = _flat(column)
        if (events["days"] < 0).any():
            raise DataError(
                "An event lies after the moment of which something is foreseen.",
                hint="Make the column with features.event_lists, which takes what was known by then.",
            )
        code, value = self._numbers(events), events["value"].to_numpy()
        known = np.isfinite(value) & (code > 0)
        standard = (np.where(known, value, 0.0) - self.mean[code]) / self.sd[code]
        standard = np.where(known, np.clip(standard, -FURTHEST, FURTHEST), 0.0)
        of_same = pl.DataFrame({"row": events["row"], "code": code, "known": known, "value": standard})
        change = of_same.select(
            pl.when("known").then(pl.col("value").diff().over("row", "code", "known")).fill_null(0.0)
        )
        many = np.bincount(events["row"].to_numpy(), minlength=len(column)).astype(np.int64)
        whole = EventSequences(
            np.concatenate([[0], np.cumsum(many)]).astype(np.int64),
            code,
            events["days"].to_numpy(),
            standard,
            known,
            change.to_series().to_numpy(),
        )
        return whole.latest(MOST_EVENTS)

    def to_json(self) -> dict[str, Any]:
        return {"codes": list(self.codes), "mean": self.mean.tolist(), "sd": self.sd.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Vocabulary":
        return cls(tuple(data["codes"]), *(np.array(data[name], dtype=float) for name in ("mean", "sd")))

    def _numbers(self, events: pl.DataFrame) -> Ints:
        place = {code: k for k, code in enumerate(self.codes, start=1)}
        return np.array([place.get(code, 0) for code in events["code"].to_list()], dtype=np.int64)


def _flat(column: pl.Series) -> pl.DataFrame:
    """One line an event: row, code, days, value (NaN where there is none), in the order of the lists."""
    lists = column.cast(pl.List(EVENT)).alias("event").to_frame().with_row_index("row")
    events = lists.filter(pl.col("event").list.len() > 0).explode("event").unnest("event")
    return events.with_columns(pl.col("value").fill_null(float("nan")))
