"""Why this person: what speaks for and against, in words of the data dictionary."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from alleviate.models.prognosis.deep.sequences import EVENTS
from alleviate.models.prognosis.explained.scale import moves
from alleviate.models.prognosis.explained.values import Value
from alleviate.models.prognosis.explained.words import WORDS, Speech, spelled
from alleviate.models.prognosis.model import PrognosisModel

__all__ = ["Reason", "reasons", "sentences"]

MOST = 5

WORTH_SAYING = 0.02
"""Share of all that a person's features add (without sign) that one must add to be named."""


@dataclass(frozen=True, slots=True)
class Reason:
    """``contribution`` on the linear scale; ``change`` the same on the outcome's own (a risk: 0 … 1), so that

    over all features the changes sum to the estimate less the level's. ``value`` ``None``: not known."""

    feature: str
    label: str
    value: Value | None
    contribution: float
    change: float
    text: str


def reasons(
    model: PrognosisModel, frame: pl.DataFrame, speech: Speech, most: int = MOST
) -> tuple[tuple[Reason, ...], ...]:
    """For each person of ``frame`` (raw typed columns) at most ``most`` features, the largest first."""
    level, added = model.contributions(frame)
    changes, whole = moves(model, level, added), np.abs(added).sum(axis=1)
    order = np.argsort(-np.abs(added), axis=1, kind="stable")[:, :most]
    values = {
        j: _values(frame[name]) if (name := model.features[j]) in frame.columns else [None] * len(frame)
        for j in sorted(set(order.ravel().tolist()))
    }
    found: list[tuple[Reason, ...]] = []
    for i, top in enumerate(order.tolist()):
        own = [j for j in top if abs(added[i, j]) > max(WORTH_SAYING * whole[i], 1e-12)]
        found.append(
            tuple(_reason(model.features[j], values[j][i], added[i, j], changes[i, j], speech) for j in own)
        )
    return tuple(found)


def _values(column: pl.Series) -> list[Value | None]:
    if column.name != EVENTS:
        return column.to_list()
    words = str(WORDS["values"]["events"])
    return [None if many is None else words.format(events=many) for many in column.list.len().to_list()]


def sentences(found: tuple[Reason, ...], speech: Speech) -> tuple[str, ...]:
    """The reasons' texts, or that there are none."""
    nothing = str(WORDS["reasons"]["nothing"]).format(outcome=speech.name)
    return tuple(reason.text for reason in found) or (nothing,)


def _reason(feature: str, value: Value | None, contribution: float, change: float, speech: Speech) -> Reason:
    kind = ("unknown_" if value is None else "") + ("for" if contribution > 0 else "against")
    label = speech.label(feature)
    text = str(WORDS["reasons"][kind]).format(
        label=label,
        value=spelled(value),
        outcome=speech.name,
        change=speech.change(change),
    )
    return Reason(feature, label, value, float(contribution), float(change), text)
