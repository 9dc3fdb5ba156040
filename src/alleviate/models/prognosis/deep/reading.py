"""How events get into learning: a vocabulary, a column for what is made of them, what tells of signal."""

from dataclasses import replace

import numpy as np
import polars as pl

from alleviate.models.encoding import EncodedColumn, Encoder
from alleviate.models.prognosis.contract import Design
from alleviate.models.prognosis.deep.sequences import EVENTS, Vocabulary

__all__ = ["encoded_with_events", "with_summary"]


def encoded_with_events(frame: pl.DataFrame) -> tuple[Encoder, Vocabulary | None]:
    """Fitted on the people learned from. With events, a last column is kept for what is made of them."""
    if EVENTS not in frame.columns:
        return Encoder.fit(frame), None
    encoder = Encoder.fit(frame.drop(EVENTS))
    widened = replace(
        encoder,
        kinds={**encoder.kinds, EVENTS: "events"},
        fill={**encoder.fill, EVENTS: 0.0},
        columns=(*encoder.columns, EncodedColumn(EVENTS, "value", None, 0.0, 1.0)),
    )
    return widened, Vocabulary.fit(frame[EVENTS])


def with_summary(design: Design) -> Design:
    """With columns of how often each code came and of its last values: to ask whether there is any signal."""
    if design.events is None:
        return design
    told = design.events.summary(design.codes)
    columns = tuple(EncodedColumn(EVENTS, "value", None, 0.0, 1.0) for _ in range(told.shape[1]))
    return replace(design, x=np.hstack([design.x, told]), columns=(*design.columns, *columns))
