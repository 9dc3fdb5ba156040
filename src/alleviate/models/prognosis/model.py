"""The model that a prognosis study leaves behind: it foresees, explains, and is plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl

from alleviate.models.encoding import Encoded, Encoder
from alleviate.models.prognosis.contract import Design, Predictor, ReadsEvents
from alleviate.models.prognosis.curves import Curves
from alleviate.models.prognosis.deep.sequences import EVENTS, Vocabulary
from alleviate.models.prognosis.losses import on_scale
from alleviate.models.prognosis.ordinal import ProportionalOdds
from alleviate.models.prognosis.people import Kind, Loss, People, target
from alleviate.models.prognosis.placed import restored
from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.models.trial import Floats

__all__ = ["Member", "Predicted", "PrognosisModel", "merged"]


@dataclass(frozen=True, slots=True)
class Predicted:
    """``estimate`` (n,): risk, number or expected level. ``linear`` (n,): log odds, or the number itself.

    ``probabilities`` (n, L) of an ordinal outcome's levels. ``unknown``: per person the features whose
    category was never seen; ``missing`` (n,): share of the features missing.
    """

    estimate: Floats
    linear: Floats
    probabilities: Floats | None
    unknown: tuple[tuple[str, ...], ...]
    missing: Floats


@dataclass(frozen=True, slots=True)
class Member:
    """A fitted candidate and its share in the mean."""

    name: str
    weight: float
    predictor: Predictor


def merged(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The same mean with all sums of curves made into one, which is explained and computed at once."""
    drawn = [(m.weight, m.predictor) for m in members if isinstance(m.predictor, Curves)]
    if len(drawn) < 2:
        return members
    total = sum(weight for weight, _ in drawn)
    mean = Curves.mixed([curves for _, curves in drawn], [weight / total for weight, _ in drawn])
    return (Member("spline", total, mean), *(m for m in members if not isinstance(m.predictor, Curves)))


@dataclass(frozen=True, slots=True)
class PrognosisModel:
    """linear = ``intercept`` + ``slope``·(weighted mean of what the members foresee).

    ``link``: for an ordinal outcome. ``vocabulary``: of events, where people had their records with them; the
    last column of what is encoded is then what a member makes of them.
    """

    kind: Kind
    encoder: Encoder
    members: tuple[Member, ...]
    intercept: float = 0.0
    slope: float = 1.0
    link: ProportionalOdds | None = None
    vocabulary: Vocabulary | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """All that were offered, in the order of ``contributions``."""
        return tuple(self.encoder.kinds)

    @property
    def features_kept(self) -> tuple[str, ...]:
        """Those that what is foreseen depends on."""
        columns = self.encoder.columns
        used = {columns[j].feature for member in self.members for j in member.predictor.used()}
        return tuple(name for name in self.features if name in used)

    @property
    def complexity(self) -> float:
        """Effective number of parameters: the members' own, by their shares."""
        return float(sum(member.weight * member.predictor.complexity for member in self.members))

    @property
    def _loss(self) -> Loss:
        return "numeric" if self.kind in ("numeric", "ordinal") else "binary"

    def encode(self, frame: pl.DataFrame) -> Encoded:
        """Raw typed columns, as learned from, made into numbers; columns that lack are missing for all."""
        return self.encoder.transform(self._read(frame))

    def _read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``frame`` with a number in place of each list of events, 0 where no member reads them."""
        if EVENTS not in frame.columns:
            return frame
        lists, frame = frame[EVENTS], frame.drop(EVENTS)
        if self.vocabulary is None:
            return frame
        score = np.zeros(len(frame))
        for member in self.members:
            if isinstance(member.predictor, ReadsEvents):
                score = member.predictor.score(self.vocabulary.read(lists))
        return frame.with_columns(pl.Series(EVENTS, score).set(lists.is_null(), None))

    def plain(self, x: Floats) -> Floats:
        """Encoded people (n, p) as if no member read their events.

        What is fitted beside the model to people it was learned from must not see what it made of their
        events: that is closer to their outcomes than it will be to others'.
        """
        if self.vocabulary is None:
            return x
        return np.column_stack([x[:, :-1], np.zeros(len(x))])

    def design(self, people: People) -> Design:
        """As candidates learn from them."""
        aim, events = target(people), None
        if self.vocabulary is not None and EVENTS in people.features.columns:
            events = self.vocabulary.read(people.features[EVENTS])
        x = self.plain(self.encode(people.features).x)
        codes = 0 if self.vocabulary is None else len(self.vocabulary)
        return Design(x, self.encoder.columns, aim.y, aim.weight, people.loss, events, codes)

    def predict(self, frame: pl.DataFrame) -> Predicted:
        encoded = self.encode(frame)
        linear = self.linear(encoded.x)
        chances = None if self.link is None else self.link.probabilities(linear)
        estimate = on_scale(linear, self._loss)
        if chances is not None:
            estimate = chances @ np.arange(chances.shape[1], dtype=float)
        return Predicted(estimate, linear, chances, encoded.unknown, encoded.missing)

    def linear(self, x: Floats) -> Floats:
        """(n,) for encoded people (n, p)."""
        total = np.full(len(x), self.intercept)
        for member in self.members:
            total += self.slope * member.weight * member.predictor.linear(x)
        return total

    def contributions(self, frame: pl.DataFrame) -> tuple[float, Floats]:
        """The level, and (n, features) what each adds to it: together the linear scale of ``predict``."""
        x = self.encode(frame).x
        level, by_column = self.intercept, np.zeros(x.shape)
        for member in self.members:
            own, added = member.predictor.contributions(x)
            level += self.slope * member.weight * own
            by_column += self.slope * member.weight * added
        place = {name: i for i, name in enumerate(self.features)}
        result = np.zeros((len(x), len(place)))
        for j, column in enumerate(self.encoder.columns):
            result[:, place[column.feature]] += by_column[:, j]
        return float(level), result

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which ``from_json`` restores the same predictions."""
        return {
            "kind": self.kind,
            "encoder": self.encoder.to_json(),
            "members": [
                {"name": m.name, "weight": m.weight, "predictor": m.predictor.to_json()} for m in self.members
            ],
            "intercept": self.intercept,
            "slope": self.slope,
            "link": None if self.link is None else self.link.to_json(),
            "vocabulary": None if self.vocabulary is None else self.vocabulary.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PrognosisModel":
        members = tuple(
            Member(m["name"], float(m["weight"]), restored(m["predictor"], CANDIDATES[m["name"]].restore))
            for m in data["members"]
        )
        return cls(
            cast(Kind, data["kind"]),
            Encoder.from_json(data["encoder"]),
            members,
            float(data["intercept"]),
            float(data["slope"]),
            None if data["link"] is None else ProportionalOdds.from_json(data["link"]),
            None if data["vocabulary"] is None else Vocabulary.from_json(data["vocabulary"]),
        )
